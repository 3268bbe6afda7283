/* Answers are kept and found again, by the question alone; what mustn't be kept isn't; what is damaged isn't used.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/recording.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const struct chat_message first[] = { { "system", "You are asked by key-0123456789 at llm.example.org." }, { "user", "Make f faster." } };
static const struct model_settings settings = { .base_url = "https://llm.example.org:8443/v1", .key = "key-0123456789", .model = "big" };

static int
folder_new (void **state)
{
  char path[] = "/tmp/aiopt-recording-XXXXXX";
  *state = mkdtemp (path) ? strdup (path) : NULL;
  return *state ? 0 : -1;
}

/* Calls VISIT with each file of FOLDER; their number.  */
static unsigned
each_file (const char *folder, void (*visit) (const char *path))
{
  DIR *directory = opendir (folder);
  unsigned n = 0;
  assert_non_null (directory);
  for (struct dirent *entry; (entry = readdir (directory));)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      {
        char path[512];
        snprintf (path, sizeof path, "%s/%s", folder, entry->d_name);
        n++;
        if (visit)
          visit (path);
      }
  closedir (directory);
  return n;
}

static void
delete_file (const char *path)
{
  unlink (path);
}

static int
folder_delete (void **state)
{
  each_file (*state, delete_file);
  rmdir (*state);
  free (*state);
  return 0;
}

static struct recording_key
key_of (const char *model, const char *about, unsigned sample, const char *answer)
{
  struct recording_key key;
  char *answers[] = { (char *) answer };
  recording__key (model, first, 2, about, sample, answers, answer ? 1 : 0, &key);
  return key;
}

static void
keep (const char *folder, const struct recording_key *key, const char *function, char *text, enum chat_end end)
{
  struct why why = { 0 };
  const struct chat_answer answer = { .end = end, .text = text, .prompt_tokens = 10, .answer_tokens = 3 };
  if (recording__keep (folder, key, function, 1, &settings, first, 2, &answer, &why) < 0)
    fail_msg ("%s", why.detail);
}

static void
is_found_again (void **state)
{
  const char *folder = *state;
  struct recording_key key = key_of ("big", "f()", 0, NULL), next = key_of ("big", "f()", 0, "{}");
  char *text = NULL;
  enum chat_end end;
  assert_false (recording__find (folder, &key, true, &text, &end));
  keep (folder, &key, "f", "{\"candidates\":[]}", CHAT_ANSWERED);
  keep (folder, &next, "f", "second", CHAT_TRUNCATED);
  assert_true (recording__find (folder, &key, false, &text, &end));
  assert_string_equal (text, "{\"candidates\":[]}");
  assert_int_equal (end, CHAT_ANSWERED);
  free (text);
  assert_true (recording__find (folder, &next, false, &text, &end));
  assert_string_equal (text, "second");
  assert_int_equal (end, CHAT_TRUNCATED);
  free (text);
  /* Another question isn't: another asking, other answers, another function.  */
  const struct recording_key others[] = { key_of ("big", "f()", 1, NULL), key_of ("big", "f()", 0, "{ }"), key_of ("big", "g()", 0, NULL) };
  for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
    assert_false (recording__find (folder, &others[i], true, &text, &end));
  /* The same about another model, or in other words: loosely alone.  */
  struct recording_key loose = key_of ("small", "f()", 0, NULL);
  assert_false (recording__find (folder, &loose, false, &text, &end));
  assert_true (recording__find (folder, &loose, true, &text, &end));
  assert_string_equal (text, "{\"candidates\":[]}");
  free (text);
}

static void
holds_no_secret (const char *path)
{
  FILE *file = fopen (path, "r");
  char text[8192];
  assert_non_null (file);
  text[fread (text, 1, sizeof text - 1, file)] = 0;
  fclose (file);
  assert_null (strstr (text, "0123456789"));
  assert_null (strstr (text, "example"));
  assert_non_null (strstr (text, "[…]"));
  struct stat info;
  assert_int_equal (stat (path, &info), 0);
  assert_int_equal (info.st_mode & 077, 0);
}

static void
secrets_are_scrubbed (void **state)
{
  struct recording_key key = key_of ("big", "f()", 0, NULL);
  keep (*state, &key, "f", "llm.example.org:8443 has key-0123456789, llm.example.org", CHAT_ANSWERED);
  assert_int_equal (each_file (*state, holds_no_secret), 1);
  char *clean = recording__clean (&settings, "a llm.example.org b key-0123456789key-0123456789 c");
  assert_string_equal (clean, "a […] b […][…] c");
  free (clean);
  const struct model_settings none = { .base_url = NULL };
  clean = recording__clean (&none, "as it is");
  assert_string_equal (clean, "as it is");
  free (clean);
}

static void
names_lead_nowhere (void **state)
{
  char *text = NULL;
  enum chat_end end;
  static const char *const names[] = { "../../etc/passwd", "/tmp/x", "a b\nc", "", "ns::f(int)",
                                       "a_very_long_name_that_goes_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on" };
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    {
      struct recording_key key = key_of ("big", names[i], 0, NULL);
      keep (*state, &key, names[i], "x", CHAT_ANSWERED);
      assert_true (recording__find (*state, &key, false, &text, &end));
      free (text);
    }
  assert_int_equal (each_file (*state, NULL), sizeof names / sizeof *names);
}

/* Cuts the file of PATH in half.  */
static void
cut (const char *path)
{
  struct stat info;
  assert_int_equal (stat (path, &info), 0);
  assert_int_equal (truncate (path, info.st_size / 2), 0);
}

static void
damaged_is_none (void **state)
{
  char *text = NULL;
  enum chat_end end;
  struct recording_key key = key_of ("big", "f()", 0, NULL);
  keep (*state, &key, "f", "x", CHAT_ANSWERED);
  each_file (*state, cut);
  assert_false (recording__find (*state, &key, true, &text, &end));
  struct why why = { 0 };
  const struct chat_answer answer = { .end = CHAT_ANSWERED, .text = "x" };
  assert_int_equal (recording__keep ("/proc/no/such", &key, "f", 1, &settings, first, 2, &answer, &why), -1);
  assert_non_null (strstr (why.detail, "/proc/no/such"));
  assert_false (recording__find ("/proc/no/such", &key, true, &text, &end));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (is_found_again, folder_new, folder_delete),
    cmocka_unit_test_setup_teardown (secrets_are_scrubbed, folder_new, folder_delete),
    cmocka_unit_test_setup_teardown (names_lead_nowhere, folder_new, folder_delete),
    cmocka_unit_test_setup_teardown (damaged_is_none, folder_new, folder_delete),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
