/* What processes know together of a server and what they spent: limits hold across them, a server that is down costs them one
   time-out, and neither a killed process nor a damaged file locks anybody out.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/model-server.h"

#include "model/account-state.h"
#include "model/chat.h"

#include <fcntl.h>
#include <sys/mman.h>

static const struct spent nothing;

static int
folder_set_up (void **state)
{
  *state = test__folder ();
  return 0;
}

static int
folder_tear_down (void **state)
{
  test__remove (*state);
  return 0;
}

/* May ACCOUNT ask?  REASON_NONE, or why not.  */
static enum reason
closed (struct account *account)
{
  struct why why = { 0 };
  return account__may_ask (account, &nothing, &why) < 0 ? why.reason : REASON_NONE;
}

/* FOLDER's account for SETTINGS as another process would open it: may it ask?  */
static enum reason
closed_for_others (const struct model_settings *settings, const char *folder, bool alone)
{
  struct account *account = account__open (settings, folder, alone);
  enum reason reason = closed (account);
  account__close (account);
  return reason;
}

/* Waits for process PID, which has to end well.  */
static void
reap (pid_t pid)
{
  int status;
  assert_int_equal (waitpid (pid, &status, 0), pid);
  if (status)
    fail_msg ("a process ended with %#x", (unsigned) status);
}

/* Each limit, of a function and of a run, with its name.  */
static void
limits (void **state)
{
  (void) state;
  static const struct { struct model_limits function, run; const char *words; } cases[] = {
    { { .requests = 2 }, { 0 }, "2 requests for the function, and llm.function-requests is 2" },
    { { .tokens = 30 }, { 0 }, "30 tokens for the function, and llm.function-tokens is 30" },
    { { .money = 0.04 }, { 0 }, "llm.function-money is 0.04" },
    { { .seconds = 0.5 }, { 0 }, "0.5 s of requests for the function, and llm.function-seconds is 0.5" },
    { { 0 }, { .requests = 2 }, "2 requests for the run, and llm.run-requests is 2" },
    { { 0 }, { .tokens = 30 }, "30 tokens for the run, and llm.run-tokens is 30" },
    { { 0 }, { .money = 0.04 }, "llm.run-money is 0.04" },
    { { 0 }, { .seconds = 0.5 }, "llm.run-seconds is 0.5" },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct model_settings settings = test__settings ("http://127.0.0.1/v1");
      settings.function = cases[i].function;
      settings.run = cases[i].run;
      settings.price_in = 1000;
      settings.price_out = 2000;
      struct account *account = account__open (&settings, NULL, true);
      struct spent spent = { 0 };
      struct why why = { 0 };
      assert_int_equal (account__may_ask (account, &spent, &why), 0);
      account__charge (account, &spent, 1, 10, 5, 0.25);
      assert_int_equal (account__may_ask (account, &spent, &why), 0);
      account__charge (account, &spent, 1, 10, 5, 0.25);
      assert_int_equal (account__may_ask (account, &spent, &why), -1);
      assert_int_equal (why.reason, REASON_MODEL_LIMIT);
      if (!strstr (why.detail, cases[i].words))
        fail_msg ("'%s' instead of '%s'", why.detail, cases[i].words);
      /* Another function: the run's limits alone.  */
      assert_int_equal (account__may_ask (account, &nothing, &why), i < 4 ? 0 : -1);
      assert_true (spent.requests == 2 && spent.prompt_tokens == 20 && spent.answer_tokens == 10 && spent.money > 0.0399
                   && spent.money < 0.0401);
      struct spent run;
      account__spent (account, &run);
      assert_true (run.requests == 2 && run.prompt_tokens == 20 && run.answer_tokens == 10 && run.money > 0.0399 && run.money < 0.0401);
      account__close (account);
    }
}

/* Reserves until it may no more, charges each: *COUNT is how often.  */
static void
spend (struct account *account, unsigned *count)
{
  struct spent spent = { 0 };
  for (unsigned n = 0; account__reserve (account, &nothing, 5, NULL) == 0; n++)
    /* Some are never sent.  */
    if (n % 5 == 4)
      account__release (account, 1);
    else
      account__charge (account, &spent, 1, 0, 0, 0.25);
  account__close (account);
  *count = (unsigned) spent.requests;
  _exit (0);
}

/* Forked processes, and ones that meet in a folder, together make as many requests as the limit says.  Nothing makes them wait: what isn't
   one step is exceeded.  */
static void
limits_across_processes (void **state)
{
  enum { PROCESSES = 8, LIMIT = 50000 };
  unsigned *count = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true (count != MAP_FAILED);
  for (unsigned in_folder = 0; in_folder < 2; in_folder++)
    {
      struct model_settings settings = test__settings ("http://127.0.0.1/limits");
      settings.run.requests = LIMIT;
      struct account *account = account__open (&settings, in_folder ? *state : NULL, !in_folder);
      account__is_up (account);
      pid_t pid[PROCESSES];
      for (unsigned i = 0; i < PROCESSES; i++)
        if ((pid[i] = test__fork ()) == 0)
          spend (in_folder ? account__open (&settings, *state, false) : account, &count[i]);
      unsigned sum = 0;
      for (unsigned i = 0; i < PROCESSES; i++)
        {
          reap (pid[i]);
          sum += count[i];
        }
      /* What was reserved elsewhere at the end and then given back may be left.  */
      if (sum > LIMIT || sum < LIMIT - PROCESSES)
        fail_msg ("%u requests", sum);
      struct spent run;
      account__spent (account, &run);
      assert_int_equal (run.requests, sum);
      account__close (account);
    }
  munmap (count, 4096);
}

/* Asks the server of SETTINGS, which is down, one question after another for several functions.  Exits with 0 where each ended with
   MODEL_DOWN.  */
static void
ask_in_vain (const struct model_settings *settings, struct account *account)
{
  struct chat *chat = chat__new (settings, account, NULL, NULL);
  struct chat_message message = { "user", "?" };
  struct chat_question question = { .message = &message, .n_messages = 1 };
  for (unsigned i = 0; i < 5; i++)
    {
      struct why why = { 0 };
      struct chat_answer answer = { 0 };
      struct spent spent = { 0 };
      if (chat__ask (chat, &question, test__now () + 30, &spent, 0, &why) == 0)
        {
          if (chat__wait (chat, 30, &answer) != 1)
            _exit (2);
          why = answer.why;
        }
      if (why.reason != REASON_MODEL_DOWN)
        _exit (1);
    }
  chat__free (chat);
  account__close (account);
  _exit (0);
}

/* Eight processes and five functions each: one time-out.  */
static void
down_costs_one_time_out (void **state)
{
  enum { PROCESSES = 8 };
  struct model_server *server = model_server__start ();
  char *url = test__printf ("http://127.0.0.1:%u/v1", server->hole);
  for (unsigned in_folder = 0; in_folder < 2; in_folder++)
    {
      struct model_settings settings = test__settings (url);
      settings.connect_seconds = 1;
      struct account *account = account__open (&settings, in_folder ? *state : NULL, !in_folder);
      double began = test__now ();
      pid_t pid[PROCESSES];
      for (unsigned i = 0; i < PROCESSES; i++)
        if ((pid[i] = test__fork ()) == 0)
          ask_in_vain (&settings, in_folder ? account__open (&settings, *state, false) : account);
      for (unsigned i = 0; i < PROCESSES; i++)
        reap (pid[i]);
      double took = test__now () - began;
      if (took < 0.9 || took > 2.8)
        fail_msg ("%.2f s", took);
      /* And those that come later none.  */
      began = test__now ();
      assert_int_equal (closed (account), REASON_MODEL_DOWN);
      if (in_folder)
        {
          assert_int_equal (closed_for_others (&settings, *state, false), REASON_MODEL_DOWN);
          assert_int_equal (closed_for_others (&settings, *state, true), REASON_MODEL_DOWN);
        }
      assert_true (test__now () - began < 0.5);
      account__close (account);
    }
  free (url);
  model_server__stop (server);
}

/* The others go on as soon as the first has found the server.  */
static void
up_is_told (void **state)
{
  (void) state;
  struct model_settings settings = test__settings ("http://127.0.0.1/up");
  settings.connect_seconds = 20;
  struct account *account = account__open (&settings, NULL, true);
  assert_int_equal (closed (account), REASON_NONE);
  /* The one who asks waits for nobody.  */
  double began = test__now ();
  assert_int_equal (closed (account), REASON_NONE);
  assert_true (test__now () - began < 5);
  pid_t pid = test__fork ();
  if (pid == 0)
    {
      began = test__now ();
      bool may = closed (account) == REASON_NONE;
      double took = test__now () - began;
      _exit (may && took > 0.2 && took < 10 ? 0 : 1);
    }
  usleep (500000);
  account__is_up (account);
  reap (pid);
  account__close (account);
}

static void
wake (int signal)
{
  (void) signal;
}

/* Waiting ends with the time there is, and at a signal.  */
static void
waiting_is_bounded (void **state)
{
  (void) state;
  struct model_settings settings = test__settings ("http://127.0.0.1/bounded");
  settings.connect_seconds = 30;
  struct account *account = account__open (&settings, NULL, true);
  assert_int_equal (closed (account), REASON_NONE);
  pid_t pid = test__fork ();
  if (pid == 0)
    {
      double began = test__now ();
      if (account__reserve (account, &nothing, 0.3, NULL) < 0 || test__now () - began < 0.25)
        _exit (1);
      struct sigaction action = { .sa_handler = wake };
      sigaction (SIGALRM, &action, NULL);
      ualarm (300000, 0);
      if (account__may_ask (account, &nothing, NULL) < 0 || test__now () - began < 0.5)
        _exit (2);
      _exit (test__now () - began < 10 ? 0 : 3);
    }
  reap (pid);
  account__close (account);
}

/* Whoever asks first may be killed, or say nothing: the others wait for connect_seconds at most.  */
static void
asker_is_lost (void **state)
{
  struct model_settings settings = test__settings ("http://127.0.0.1/lost");
  settings.connect_seconds = 10;
  struct account *account = account__open (&settings, *state, false);
  pid_t pid = test__fork ();
  if (pid == 0)
    {
      closed (account);
      kill (getpid (), SIGKILL);
    }
  int status;
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_true (WIFSIGNALED (status));
  double began = test__now ();
  assert_int_equal (closed (account), REASON_NONE);
  assert_true (test__now () - began < 5);
  account__close (account);

  /* One that lives and finds nothing.  */
  settings = test__settings ("http://127.0.0.1/dull");
  settings.connect_seconds = 1;
  account = account__open (&settings, *state, false);
  int ready[2];
  char byte;
  assert_int_equal (pipe (ready), 0);
  pid = test__fork ();
  if (pid == 0)
    {
      closed (account);
      _exit (write (ready[1], "", 1) == 1 && pause ());
    }
  assert_int_equal (read (ready[0], &byte, 1), 1);
  began = test__now ();
  assert_int_equal (closed (account), REASON_NONE);
  double took = test__now () - began;
  if (took < 0.1 || took > 5)
    fail_msg ("%.2f s", took);
  /* Who comes after that time waits no more.  */
  usleep (1100000);
  pid_t later = test__fork ();
  if (later == 0)
    {
      began = test__now ();
      bool may = closed (account) == REASON_NONE;
      _exit (may && test__now () - began < 0.7 ? 0 : 1);
    }
  reap (later);
  kill (pid, SIGKILL);
  waitpid (pid, &status, 0);
  close (ready[0]);
  close (ready[1]);
  account__close (account);
}

static void
spent_expires (void **state)
{
  struct model_settings settings = test__settings ("http://127.0.0.1/spent");
  struct account *account = account__open (&settings, *state, false);
  account__is_up (account);
  account__is_spent (account, 0.6);
  double began = test__now ();
  assert_int_equal (closed (account), REASON_MODEL_QUOTA);
  assert_int_equal (closed_for_others (&settings, *state, true), REASON_MODEL_QUOTA);
  /* Another server's quota is another.  */
  struct model_settings other = test__settings ("http://127.0.0.1/other");
  assert_int_equal (closed_for_others (&other, *state, true), REASON_NONE);
  while (closed (account) == REASON_MODEL_QUOTA && test__now () - began < 10)
    usleep (20000);
  double took = test__now () - began;
  if (took < 0.5 || took > 5)
    fail_msg ("%.2f s", took);
  /* Seconds that are none.  */
  account__is_spent (account, -1);
  assert_int_equal (closed (account), REASON_NONE);
  account__is_spent (account, 1e300);
  assert_int_equal (closed (account), REASON_MODEL_QUOTA);
  account__is_spent (account, 0);
  account__close (account);
}

/* A refused key stops the run, and not the next one by hand.  */
static void
refused_is_the_runs (void **state)
{
  struct model_settings settings = test__settings ("http://127.0.0.1/refused");
  struct account *account = account__open (&settings, *state, false);
  account__is_up (account);
  account__is_refused (account, 401);
  struct why why = { 0 };
  assert_int_equal (account__may_ask (account, &nothing, &why), -1);
  assert_int_equal (why.reason, REASON_MODEL_REFUSED);
  assert_non_null (strstr (why.detail, "HTTP 401"));
  assert_int_equal (closed_for_others (&settings, *state, false), REASON_MODEL_REFUSED);
  assert_int_equal (closed_for_others (&settings, *state, true), REASON_NONE);
  account__close (account);
}

/* Helpers that come one after the other are one run; `aiopt tune` by hand isn't part of it.  */
static void
runs (void **state)
{
  struct model_settings settings = test__settings ("http://127.0.0.1/runs");
  struct spent spent;
  for (unsigned i = 0; i < 3; i++)
    {
      struct account *helper = account__open (&settings, *state, false), *alone = account__open (&settings, *state, true);
      account__charge (helper, NULL, 1, 10, 10, 0.25);
      account__spent (helper, &spent);
      assert_int_equal (spent.requests, i + 1);
      account__spent (alone, &spent);
      assert_int_equal (spent.requests, 0);
      account__close (helper);
      account__close (alone);
    }
  struct account *account = account__open (&settings, *state, true);
  assert_int_equal (account__structured (account), STRUCTURED_AUTO);
  account__note_structured (account, STRUCTURED_GUIDED);
  account__close (account);
  account = account__open (&settings, *state, false);
  assert_int_equal (account__structured (account), STRUCTURED_GUIDED);
  account__close (account);
}

/* Spans: a clock that is set forward or back ends them early, and never makes one last.  */
static void
clocks (void **state)
{
  (void) state;
  time_span span = 0;
  assert_true (span__left (&span, 60) == 0);
  span__set (&span, 60);
  assert_true (span__left (&span, 60) > 50 && span__left (&span, 60) <= 60);
  /* Longer than it can have been meant: damage.  */
  assert_true (span__left (&span, 30) == 0);
  span__set (&span, 1e9);
  assert_true (span__left (&span, SPAN_SECONDS_MAX) > SPAN_SECONDS_MAX - 60 && span__left (&span, SPAN_SECONDS_MAX) <= SPAN_SECONDS_MAX);
  /* The upper bits count hundredths of a second: it began an hour ago, or will begin in an hour.  */
  uint64_t hour = UINT64_C (360000) << 24;
  span__set (&span, 60);
  uint64_t word = span;
  span = word - hour;
  assert_true (span__left (&span, 60) == 0);
  span = word + hour;
  assert_true (span__left (&span, 60) == 0);
  span = UINT64_MAX;
  assert_true (span__left (&span, SPAN_SECONDS_MAX) == 0);
}

/* Does FOLDER's file serve two accounts that are open one after the other?  */
static bool
is_kept (const char *folder)
{
  struct model_settings settings = test__settings ("http://127.0.0.1/kept");
  struct account *account = account__open (&settings, folder, false);
  account__is_spent (account, 60);
  assert_int_equal (closed (account), REASON_MODEL_QUOTA);
  account__close (account);
  bool kept = closed_for_others (&settings, folder, false) == REASON_MODEL_QUOTA;
  account = account__open (&settings, folder, false);
  account__is_spent (account, 0);
  account__close (account);
  return kept;
}

/* Whatever lies there in place of the file: nothing is fatal, nobody is locked out, and what isn't ours stays as it is.  */
static void
damage (void **state)
{
  const char *folder = *state;
  char *path = test__printf ("%s/model.state", folder), *elsewhere = test__printf ("%s/elsewhere", folder), bytes[9000];
  struct model_settings settings = test__settings ("http://127.0.0.1/damage");
  struct stat info;
  settings.run.requests = 10;
  assert_true (is_kept (folder));
  assert_int_equal (stat (path, &info), 0);
  assert_int_equal (info.st_mode & 0777, 0600);
  FILE *stream = fopen (path, "r");
  size_t size = fread (bytes, 1, sizeof bytes, stream);
  fclose (stream);
  assert_int_equal (size, info.st_size);
  /* No trace of URL or key.  */
  assert_null (memmem (bytes, size, "127.0.0.1", 9));
  assert_null (memmem (bytes, size, &TEST_KEY[3], 8));

  /* Cut off, too long, all zeros, empty: made anew.  */
  assert_int_equal (truncate (path, 100), 0);
  assert_true (is_kept (folder));
  assert_int_equal (truncate (path, 8192), 0);
  assert_true (is_kept (folder));
  char zeros[9000] = { 0 };
  test__write_bytes (folder, "model.state", zeros, size);
  assert_true (is_kept (folder));
  test__write_bytes (folder, "model.state", "", 0);
  assert_true (is_kept (folder));
  /* Every word wrong behind a good head.  */
  static const unsigned char fills[] = { 0xff, 0x7f, 0x55, 0x01, 0x80 };
  for (unsigned i = 0; i < sizeof fills; i++)
    {
      char damaged[9000];
      memcpy (damaged, bytes, size);
      memset (damaged + 16, fills[i], size - 16);
      test__write_bytes (folder, "model.state", damaged, size);
      assert_int_equal (closed_for_others (&settings, folder, false), REASON_NONE);
      assert_true (is_kept (folder));
      /* In the slot of this very server too.  */
      memcpy (damaged, bytes, size);
      size_t slot = (size - 16) / 8;
      for (unsigned n = 0; n < 8; n++)
        memset (damaged + 16 + n * slot + 16, fills[i], slot - 16);
      test__write_bytes (folder, "model.state", damaged, size);
      assert_true (is_kept (folder));
    }
  /* Numbers that nobody can have spent, in a run that goes on.  */
  char counts[9000];
  test__write_bytes (folder, "model.state", bytes, size);
  assert_int_equal (closed_for_others (&settings, folder, false), REASON_NONE);
  stream = fopen (path, "r");
  assert_int_equal (fread (counts, 1, sizeof counts, stream), size);
  fclose (stream);
  for (unsigned n = 0; n < 8; n++)
    memset (counts + 16 + n * (size - 16) / 8 + 24 + offsetof (struct account_state, run.requests), 0x7f, 8);
  test__write_bytes (folder, "model.state", counts, size);
  assert_int_equal (closed_for_others (&settings, folder, false), REASON_NONE);
  /* Another version, another program's: left alone, and the account works for itself.  */
  for (unsigned i = 0; i < 2; i++)
    {
      char other[9000], after[9000];
      memcpy (other, bytes, size);
      other[i ? 0 : 8] ^= 0x40;
      test__write_bytes (folder, "model.state", other, size);
      assert_false (is_kept (folder));
      stream = fopen (path, "r");
      assert_int_equal (fread (after, 1, sizeof after, stream), size);
      fclose (stream);
      assert_memory_equal (other, after, size);
    }
  /* A link, a pipe, a folder, one with two names.  */
  assert_int_equal (unlink (path), 0);
  test__write_bytes (folder, "elsewhere", bytes, size);
  assert_int_equal (symlink (elsewhere, path), 0);
  assert_false (is_kept (folder));
  assert_int_equal (unlink (path), 0);
  assert_int_equal (link (elsewhere, path), 0);
  assert_false (is_kept (folder));
  assert_int_equal (unlink (path), 0);
  assert_int_equal (mkfifo (path, 0600), 0);
  assert_false (is_kept (folder));
  assert_int_equal (unlink (path), 0);
  assert_int_equal (mkdir (path, 0700), 0);
  assert_false (is_kept (folder));
  assert_int_equal (rmdir (path), 0);
  assert_false (is_kept ("/nonexistent/folder"));
  assert_true (is_kept (folder));
  free (path);
  free (elsewhere);
}

/* Nine servers and more in a file that has room for eight.  */
static void
many_servers (void **state)
{
  for (unsigned i = 0; i < 20; i++)
    {
      char *url = test__printf ("http://127.0.0.1/%u", i);
      struct model_settings settings = test__settings (url);
      struct account *account = account__open (&settings, *state, false);
      assert_int_equal (closed (account), REASON_NONE);
      account__is_spent (account, 60);
      assert_int_equal (closed_for_others (&settings, *state, true), REASON_MODEL_QUOTA);
      account__close (account);
      free (url);
    }
}

/* Processes that are killed at any moment leave the file usable.  */
static void
kills (void **state)
{
  struct model_settings settings = test__settings ("http://127.0.0.1/kills");
  settings.connect_seconds = 0.2;
  srand (7);
  for (unsigned i = 0; i < 40; i++)
    {
      pid_t pid = test__fork ();
      if (pid == 0)
        for (;;)
          {
            struct account *account = account__open (&settings, *state, false);
            struct spent spent = { 0 };
            account__reserve (account, &nothing, 5, NULL);
            account__charge (account, &spent, 1, 1, 1, 0.25);
            account__is_up (account);
            account__close (account);
          }
      usleep (1000 + (useconds_t) (rand () % 3000));
      kill (pid, SIGKILL);
      waitpid (pid, NULL, 0);
    }
  double began = test__now ();
  assert_int_equal (closed_for_others (&settings, *state, false), REASON_NONE);
  assert_true (is_kept (*state));
  assert_true (test__now () - began < 3);
}

int
main (void)
{
#define IN_FOLDER(TEST) cmocka_unit_test_setup_teardown (TEST, folder_set_up, folder_tear_down)
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (limits),
    IN_FOLDER (limits_across_processes),
    IN_FOLDER (down_costs_one_time_out),
    cmocka_unit_test (up_is_told),
    cmocka_unit_test (waiting_is_bounded),
    IN_FOLDER (asker_is_lost),
    IN_FOLDER (spent_expires),
    IN_FOLDER (refused_is_the_runs),
    IN_FOLDER (runs),
    cmocka_unit_test (clocks),
    IN_FOLDER (damage),
    IN_FOLDER (many_servers),
    IN_FOLDER (kills),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
