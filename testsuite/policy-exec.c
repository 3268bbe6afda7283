/* Whatever a program behind `exec:` does — garbage, half a line, 100 MB, silence, an early end — has its own reason,
   costs bounded memory and time, and leaves no process behind.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/policy-region.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CANDIDATE_LINE                                                                                              \
  "{\"aiopt\":1,\"type\":\"candidate\",\"form\":\"asm\",\"text\":\"\\t.globl twice\\ntwice:\\n\\tleal (%rdi,%rdi), %eax\\n\\tret\\n\",\"note\":\"a\\tnote\"}"

struct fixture
{
  char *directory;
  struct arena *arena;
  struct region *region;
  struct workshop *workshop;
};

static int
set_up (void **state)
{
  static const char *const options[] = { "-O1", NULL };
  struct fixture *fixture = calloc (1, sizeof *fixture);
  fixture->directory = directory__temporary ("aiopt-test-");
  fixture->arena = arena__new ();
  fixture->workshop = workshop__new ();
  fixture->region = test__region (fixture->arena, fixture->directory, "twice.c",
                                  "int twice (int a) { return a * 2 + 0 * a; }\n"
                                  "int user (int a) { return twice (a) + 1; }\n",
                                  "twice", options);
  *state = fixture;
  return 0;
}

static int
tear_down (void **state)
{
  struct fixture *fixture = *state;
  workshop__free (fixture->workshop);
  directory__remove (fixture->directory);
  free (fixture->directory);
  arena__free (fixture->arena);
  free (fixture);
  return 0;
}

static struct policy *
start (struct fixture *fixture, const char *list, double budget)
{
  struct policy *policy;
  struct why why = { 0 };
  if (policy__open (list, fixture->region, fixture->workshop, budget, budget, &policy, &why) < 0)
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
  return policy;
}

/* COMMAND's first proposal fails for REASON, and nothing more comes.  */
static void
fails_with (void **state, const char *list, double budget, enum reason reason)
{
  struct policy *policy = start (*state, list, budget);
  struct candidate *candidate = NULL;
  struct why why = { 0 };
  struct feedback feedback = { .verdict = "unknown" };
  double begin = clock__now ();
  assert_int_equal (policy__next (policy, &candidate, &why), -1);
  if (why.reason != reason)
    fail_msg ("%s instead of %s: %s", reason__slug (why.reason), reason__slug (reason), why.detail);
  feedback.why = why;
  policy__tell (policy, &feedback);
  assert_int_equal (policy__next (policy, &candidate, &why), 0);
  policy__close (policy);
  assert_true (clock__now () - begin < budget + 2);
}

static void
half_a_line (void **state)
{
  fails_with (state, "exec:printf '{\"type\":\"cand'", 5, REASON_POLICY_REPLY);
}

static void
nothing (void **state)
{
  fails_with (state, "exec:exit 3", 5, REASON_POLICY_FAILED);
  fails_with (state, "exec:/nonexistent/program", 5, REASON_POLICY_FAILED);
  fails_with (state, "exec:kill -9 $$", 5, REASON_POLICY_FAILED);
}

static void
silence (void **state)
{
  fails_with (state, "exec:sleep 60", 0.4, REASON_POLICY_TIMEOUT);
  fails_with (state, "exec:trap '' TERM INT HUP; while :; do sleep 1; done", 0.4, REASON_POLICY_TIMEOUT);
}

static void
flood (void **state)
{
  struct rusage before, after;
  getrusage (RUSAGE_SELF, &before);
  fails_with (state, "exec:head -c 100000000 /dev/zero | tr '\\0' x", 20, REASON_POLICY_SIZE);
  getrusage (RUSAGE_SELF, &after);
  assert_true (after.ru_maxrss - before.ru_maxrss < 40 * 1024);
}

static void
another_version (void **state)
{
  fails_with (state, "exec:echo '{\"aiopt\":2,\"type\":\"done\"}'", 5, REASON_POLICY_REPLY);
}

/* Three answers that are none; then it is given up.  */
static void
garbage (void **state)
{
  static const char *const lines[] = {
    "garbage", "[]", "{}", "{\"type\":7}", "{\"type\":\"candidate\"}", "{\"type\":\"candidate\",\"form\":\"asm\"}",
    "{\"type\":\"candidate\",\"form\":\"asm\",\"text\":5}", "{\"type\":\"candidate\",\"form\":\"elf\",\"text\":\"\"}",
    "{\"type\":\"candidate\",\"form\":\"c\",\"text\":\"\",\"cflags\":[1]}", "{\"type\":\"verdict\"}", "{\"type\":\"done\"} x",
  };
  struct fixture *fixture = *state;
  for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
    {
      char *list;
      assert_true (asprintf (&list, "exec:while :; do printf '%%s\\n' '%s'; read -r x; done", lines[i]) > 0);
      struct policy *policy = start (fixture, list, 5);
      struct candidate *candidate;
      struct why why = { 0 };
      int given;
      unsigned n = 0;
      while ((given = policy__next (policy, &candidate, &why)))
        {
          assert_int_equal (given, -1);
          assert_int_equal (why.reason, REASON_POLICY_REPLY);
          n++;
        }
      assert_int_equal (n, 3);
      policy__close (policy);
      free (list);
    }
}

static void
deep_nesting (void **state)
{
  struct policy *policy
    = start (*state,
             "exec:head -c 100000 /dev/zero | tr '\\0' '['; echo; printf '{\"type\":\"done\"}\\n'; sleep 9", 5);
  struct candidate *candidate;
  struct why why = { 0 };
  assert_int_equal (policy__next (policy, &candidate, &why), -1);
  assert_int_equal (why.reason, REASON_POLICY_REPLY);
  assert_non_null (strstr (why.detail, "deep"));
  assert_int_equal (policy__next (policy, &candidate, &why), 0);
  policy__close (policy);
}

/* Commas, braces, a second policy; the region and the verdicts arrive as documented.  */
static void
conversation (void **state)
{
  struct fixture *fixture = *state;
  char *list, *log;
  assert_true (asprintf (&log, "%s/log", fixture->directory) > 0);
  assert_true (asprintf (&list,
                         "exec:{read -r r; printf '%%s\\n' \"$r\" >'%s'; printf '%%s\\n' '%s'; read -r v; printf '%%s\\n' \"$v\" >>'%s'; : {a,b}; echo '{\"type\":\"done\"}'},"
                         "exec:exit 0",
                         log, CANDIDATE_LINE, log)
               > 0);
  struct policy *policy = start (fixture, list, 5);
  struct candidate *candidate;
  struct why why = { 0 };
  /* At -O1 GCC says the very same: no candidate.  */
  int given = policy__next (policy, &candidate, &why);
  assert_int_equal (given, -1);
  assert_int_equal (why.reason, REASON_SAME);
  struct feedback feedback
    = { .verdict = "refuted", .why = { REASON_RESULT, "eax" }, .counterexample = "a = 1\n", .ratio = 1.5 };
  policy__tell (policy, &feedback);
  assert_int_equal (policy__next (policy, &candidate, &why), -1);
  assert_int_equal (why.reason, REASON_POLICY_FAILED);
  assert_int_equal (policy__next (policy, &candidate, &why), 0);
  policy__close (policy);

  char *text = file__read (log, 1 << 20, NULL);
  assert_non_null (text);
  char *second = strchr (text, '\n');
  assert_non_null (second);
  *second++ = 0;
  cJSON *region = cJSON_Parse (text), *verdict = cJSON_Parse (second);
  assert_int_equal (cJSON_GetObjectItem (region, "aiopt")->valueint, 1);
  assert_string_equal (cJSON_GetObjectItem (region, "type")->valuestring, "region");
  assert_string_equal (cJSON_GetObjectItem (cJSON_GetObjectItem (region, "region"), "function")->valuestring, "twice");
  assert_non_null (strstr (cJSON_GetObjectItem (region, "code")->valuestring, "ret"));
  assert_string_equal (cJSON_GetObjectItem (verdict, "type")->valuestring, "verdict");
  assert_string_equal (cJSON_GetObjectItem (verdict, "verdict")->valuestring, "refuted");
  assert_string_equal (cJSON_GetObjectItem (verdict, "reason")->valuestring, "result");
  assert_string_equal (cJSON_GetObjectItem (verdict, "counterexample")->valuestring, "a = 1\n");
  cJSON_Delete (region);
  cJSON_Delete (verdict);
  free (text);
  free (list);
  free (log);
}

/* A candidate in C with a helper, one with a forbidden flag, one that doesn't compile, one with .incbin.  */
static void
candidates (void **state)
{
  struct fixture *fixture = *state;
  struct policy *policy = start (
    fixture,
    "exec:echo '{\"type\":\"candidate\",\"form\":\"c\",\"text\":\"static int help (int a) { return a + a + 1; } "
    "int twice (int a) { return help (a) - 1 + (a & 1) - (a & 1) * help (0); }\",\"cflags\":[\"-fno-inline\"],\"note\":\"n\\\\u0001n\"}';"
    "read -r r; read -r v; echo '{\"type\":\"candidate\",\"form\":\"c\",\"text\":\"\",\"cflags\":[\"-fplugin=/tmp/x.so\"]}';"
    "read -r v; echo '{\"type\":\"candidate\",\"form\":\"c\",\"text\":\"int twice (int a) { return b; }\"}';"
    "read -r v; echo '{\"type\":\"candidate\",\"form\":\"asm\",\"text\":\"twice:\\\\n\\\\t.incbin \\\\\"/etc/passwd\\\\\"\\\\n\\\\tret\\\\n\"}';"
    "read -r v; echo '{\"type\":\"candidate\",\"form\":\"asm\",\"text\":\"\\\\tret\\\\n\"}';"
    "read -r v; echo '{\"type\":\"done\"}'",
    20);
  struct candidate *candidate;
  struct why why = { 0 };
  struct feedback feedback = { .verdict = "unknown" };
  /* -fno-inline leaves the helper as a call at first: then everything is inlined, or it is refused by name.  */
  int given = policy__next (policy, &candidate, &why);
  if (given == 1)
    {
      assert_int_equal (candidate->code->n_symbols, 0);
      assert_non_null (strstr (candidate->provenance, ": n n"));
      candidate__free (candidate);
    }
  else
    assert_int_equal (why.reason, REASON_NEW_SYMBOL);
  static const enum reason reasons[] = { REASON_FORBIDDEN, REASON_COMPILE, REASON_DIRECTIVE, REASON_SYNTAX };
  for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++)
    {
      policy__tell (policy, &feedback);
      assert_int_equal (policy__next (policy, &candidate, &why), -1);
      if (why.reason != reasons[i])
        fail_msg ("%s instead of %s: %s", reason__slug (why.reason), reason__slug (reasons[i]), why.detail);
    }
  policy__tell (policy, &feedback);
  assert_int_equal (policy__next (policy, &candidate, &why), 0);
  policy__close (policy);
}

/* A program that never reads gets no SIGPIPE through to us, and its children go with it.  */
static void
children_are_killed (void **state)
{
  struct fixture *fixture = *state;
  char *list, *file;
  assert_true (asprintf (&file, "%s/pid", fixture->directory) > 0);
  assert_true (asprintf (&list, "exec:exec 0<&-; sleep 77 & echo $! >'%s'; printf '%%s\\n' '%s'; wait", file, CANDIDATE_LINE) > 0);
  struct policy *policy = start (fixture, list, 5);
  struct candidate *candidate;
  struct why why = { 0 };
  struct feedback feedback = { .verdict = "unknown", .counterexample = list };
  assert_int_equal (policy__next (policy, &candidate, &why), -1);
  assert_int_equal (why.reason, REASON_SAME);
  policy__tell (policy, &feedback);
  policy__close (policy);
  char *text = file__read (file, 100, NULL);
  assert_non_null (text);
  /* Killed, and reaped by whoever inherits it soon.  */
  bool gone = false;
  for (int i = 0; i < 200 && !gone; i++)
    {
      char *status;
      assert_true (asprintf (&status, "/proc/%d/stat", atoi (text)) > 0);
      FILE *stream = fopen (status, "r");
      char line[200] = "";
      gone = !stream || !fgets (line, sizeof line, stream) || strstr (line, ") Z ");
      if (stream)
        fclose (stream);
      free (status);
      usleep (10000);
    }
  assert_true (gone);
  free (text);
  free (list);
  free (file);
}

static void
lists (void **state)
{
  (void) state;
  struct why why;
  static const char *const good[]
    = { "compilers", "exec:a,b", "compilers,exec:./m --x,y", "exec:{a,{b}},compilers", "exec:{a},exec:b", "llm", "llm,compilers" };
  static const char *const bad[] = { "", ",", "compilers,", "nobody", "exec", "exec:", "exec:{}", "exec:{a", "exec:{a}b",
                                     "compilers:x", "llm:x", "LLM", "Compilers", ",compilers", "exec: " };
  for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
    if (policy__check_list (good[i], &why) != 0)
      fail_msg ("'%s': %s", good[i], why.detail);
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      if (policy__check_list (bad[i], &why) != -1)
        fail_msg ("'%s' is accepted", bad[i]);
      assert_int_equal (why.reason, REASON_SYNTAX);
    }
  assert_int_equal (policy__check_list ("magic", &why), -1);
  assert_non_null (strstr (why.detail, "compilers"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (lists),
    cmocka_unit_test_setup_teardown (half_a_line, set_up, tear_down),
    cmocka_unit_test_setup_teardown (nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown (silence, set_up, tear_down),
    cmocka_unit_test_setup_teardown (flood, set_up, tear_down),
    cmocka_unit_test_setup_teardown (another_version, set_up, tear_down),
    cmocka_unit_test_setup_teardown (garbage, set_up, tear_down),
    cmocka_unit_test_setup_teardown (deep_nesting, set_up, tear_down),
    cmocka_unit_test_setup_teardown (conversation, set_up, tear_down),
    cmocka_unit_test_setup_teardown (candidates, set_up, tear_down),
    cmocka_unit_test_setup_teardown (children_are_killed, set_up, tear_down),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
