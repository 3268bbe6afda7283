/* Settings come from where they should, in the order they should; what is wrong in a file is said with its place; a key is
   refused where others can read it, and never shown or left behind in memory.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char secret[] = "Sk9-NobodyMaySeeThis";

/* Where the test's files are; all sources lead there or nowhere.  */
static char folder[64];

/* The linker puts this in place of free: a block with the secret in it was not wiped.  */
static unsigned freed_secrets;
void __real_free (void *block);
void __wrap_free (void *block);

void
__wrap_free (void *block)
{
  if (block && memmem (block, malloc_usable_size (block), secret, sizeof secret - 1))
    freed_secrets++;
  __real_free (block);
}

/* PATH below the folder, in a buffer that the next but seven calls use again.  */
static const char *
under (const char *path)
{
  static char buffer[8][256];
  static unsigned turn;
  char *made = buffer[turn++ % 8];
  snprintf (made, sizeof buffer[0], "%s/%s", folder, path);
  return made;
}

/* Makes the file PATH below the folder, and the folders above it, of TEXT[LENGTH] with MODE.  */
static const char *
put_bytes (const char *path, const char *text, size_t length, mode_t mode)
{
  const char *full = under (path);
  char part[256];
  for (const char *slash = strchr (full + 1, '/'); slash; slash = strchr (slash + 1, '/'))
    {
      snprintf (part, sizeof part, "%.*s", (int) (slash - full), full);
      mkdir (part, 0700);
    }
  unlink (full);
  int fd = open (full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_true (fd >= 0);
  assert_int_equal (write (fd, text, length), length);
  assert_int_equal (fchmod (fd, mode), 0);
  close (fd);
  return full;
}

static const char *
put (const char *path, const char *text, mode_t mode)
{
  return put_bytes (path, text, strlen (text), mode);
}

static int
fresh (void **state)
{
  (void) state;
  strcpy (folder, "/tmp/aiopt-config.XXXXXX");
  assert_non_null (mkdtemp (folder));
  static const char *const foreign[]
    = { "AIOPT_CONFIG", "XDG_CONFIG_HOME", "OPENAI_BASE_URL", "OPENAI_API_KEY", "AIOPT_CACHE" };
  for (unsigned i = 0; i < sizeof foreign / sizeof *foreign; i++)
    unsetenv (foreign[i]);
  setenv ("HOME", under ("home"), 1);
  setenv ("XDG_CONFIG_DIRS", under ("etc"), 1);
  freed_secrets = 0;
  return 0;
}

static int
remove_one (const char *path, const struct stat *status, int type, struct FTW *walk)
{
  (void) status, (void) type, (void) walk;
  return remove (path);
}

static int
clean (void **state)
{
  (void) state;
  return nftw (folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Settings that have to be readable.  */
static struct config *
good (void)
{
  struct why why = { 0 };
  struct config *config = config__read (&why);
  if (!config)
    fail_msg ("%s", why.detail);
  return config;
}

/* The settings are wrong, and each of the PARTS of what is said ("…\n…") is said; the secret isn't.  */
static void
bad (const char *parts)
{
  struct why why = { 0 };
  struct config *config = config__read (&why);
  assert_null (config);
  assert_int_equal (why.reason, REASON_CONFIG);
  if (strstr (why.detail, secret) || strstr (why.detail, "NobodyMay"))
    fail_msg ("the secret is in: %s", why.detail);
  char *copy = strdup (parts), *save = NULL;
  for (char *part = strtok_r (copy, "\n", &save); part; part = strtok_r (NULL, "\n", &save))
    if (!strstr (why.detail, part))
      fail_msg ("'%s' isn't in: %s", part, why.detail);
  free (copy);
}

static void
defaults_are_valid (void **state)
{
  (void) state;
  unsigned n;
  const struct config_item *item = config__items (&n);
  struct config *config = good ();
  assert_true (n > 20);
  for (unsigned i = 0; i < n; i++)
    {
      char expected[200];
      char *value = config_item__value (&item[i], item[i].standard, CONFIG_FROM_FILE);
      if (!value || strcmp (value, item[i].standard) != 0)
        fail_msg ("%s: the default '%s' isn't %s", item[i].name, item[i].standard,
                  config_item__expected (&item[i], expected, sizeof expected));
      free (value);
      assert_true (strcspn (item[i].name, ".") < strlen (item[i].name));
      assert_true (strlen (item[i].help) > 5 && strlen (item[i].help) < 120 && !strchr (item[i].help, '\n'));
      assert_string_equal (config__text (config, item[i].name), item[i].standard);
      assert_string_equal (config__origin (config, item[i].name), "default");
      for (unsigned j = 0; j < i; j++)
        assert_string_not_equal (item[i].name, item[j].name);
    }
  config__free (config);
}

static void
sources_by_strength (void **state)
{
  (void) state;
  char both[200], origin[300];
  struct why why = { 0 };
  snprintf (both, sizeof both, "%s:relative:%s", under ("first"), under ("second"));
  setenv ("XDG_CONFIG_DIRS", both, 1);
  put ("second/aiopt/aiopt.conf", "[tune]\nbudget = 1\njobs = 1\n[llm]\nrounds = 1\nbase-url=http://a/1\nretries=1\nparallel=1\n", 0644);
  put ("first/aiopt/aiopt.conf", "[llm]\nrounds = 2\nbase-url=http://a/2\nretries=2\nparallel=2\n[tune]\njobs = 2\n", 0644);
  put ("home/.config/aiopt/aiopt.conf", "\n[llm]\nrounds = 3\nbase-url=http://a/3\nretries=3\n", 0644);
  setenv ("OPENAI_BASE_URL", "http://a/4", 1);
  struct config *config = good ();
  assert_int_equal (config__set (config, "llm.rounds=5", &why), 0);
  assert_string_equal (config__text (config, "llm.timeout"), "180");
  assert_string_equal (config__origin (config, "llm.timeout"), "default");
  assert_string_equal (config__text (config, "tune.budget"), "1");
  snprintf (origin, sizeof origin, "%s:2", under ("second/aiopt/aiopt.conf"));
  assert_string_equal (config__origin (config, "tune.budget"), origin);
  assert_string_equal (config__text (config, "tune.jobs"), "2");
  snprintf (origin, sizeof origin, "%s:7", under ("first/aiopt/aiopt.conf"));
  assert_string_equal (config__origin (config, "tune.jobs"), origin);
  assert_string_equal (config__text (config, "llm.retries"), "3");
  snprintf (origin, sizeof origin, "%s:5", under ("home/.config/aiopt/aiopt.conf"));
  assert_string_equal (config__origin (config, "llm.retries"), origin);
  assert_string_equal (config__text (config, "llm.base-url"), "http://a/4");
  assert_string_equal (config__origin (config, "llm.base-url"), "OPENAI_BASE_URL");
  assert_string_equal (config__text (config, "llm.rounds"), "5");
  assert_string_equal (config__origin (config, "llm.rounds"), "--set");
  config__free (config);
  /* Another place of the user's own files; a relative one counts as none.  */
  put ("own/aiopt/aiopt.conf", "[llm]\nretries = 7\n", 0644);
  setenv ("XDG_CONFIG_HOME", under ("own"), 1);
  config = good ();
  assert_string_equal (config__text (config, "llm.retries"), "7");
  config__free (config);
  setenv ("XDG_CONFIG_HOME", "own", 1);
  assert_int_equal (chdir (folder), 0);
  config = good ();
  assert_string_equal (config__text (config, "llm.retries"), "3");
  config__free (config);
  /* One file in place of all, or none.  */
  put ("alone.conf", "[llm]\nretries = 9\n", 0644);
  setenv ("AIOPT_CONFIG", under ("alone.conf"), 1);
  config = good ();
  assert_string_equal (config__text (config, "llm.retries"), "9");
  assert_string_equal (config__text (config, "tune.jobs"), "0");
  config__free (config);
  setenv ("AIOPT_CONFIG", "", 1);
  config = good ();
  assert_string_equal (config__text (config, "llm.retries"), "3");
  assert_string_equal (config__origin (config, "llm.retries"), "default");
  config__free (config);
  setenv ("AIOPT_CONFIG", under ("nowhere.conf"), 1);
  bad ("nowhere.conf\nNo such file\nAIOPT_CONFIG");
  assert_int_equal (chdir ("/"), 0);
}

/* Nothing in the folder where a command is started, or above it, counts.  */
static void
project_is_not_read (void **state)
{
  (void) state;
  static const char *const names[] = { "aiopt.conf", ".aiopt.conf", "aiopt/aiopt.conf", ".config/aiopt/aiopt.conf", "../aiopt.conf" };
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    {
      char path[64];
      snprintf (path, sizeof path, "project/%s", names[i]);
      put (path, "[tune]\npolicy = exec:./evil\n", 0644);
    }
  put ("project/aiopt.conf", "[tune]\npolicy = exec:./evil\n", 0644);
  assert_int_equal (chdir (under ("project")), 0);
  struct config *config = good ();
  assert_string_equal (config__origin (config, "tune.policy"), "default");
  config__free (config);
  setenv ("HOME", ".", 1);
  setenv ("XDG_CONFIG_DIRS", ".", 1);
  char **paths = config__paths ();
  for (char **path = paths; *path; path++)
    assert_int_equal (**path, '/');
  config__paths_free (paths);
  assert_int_equal (chdir ("/"), 0);
}

static void
form_of_files (void **state)
{
  (void) state;
  char line[3000], text[3200];
  memset (line, 'k', sizeof line);
  line[2999] = 0;
  put ("etc/aiopt/aiopt.conf",
       "\xef\xbb\xbf# comment\r\n; another\r\n\r\n[llm]\r\n   model = a model ; why\r\n\trounds: 4\r\n  base-url=http://h:1/v1#not\r\n", 0644);
  bad ("aiopt.conf:7: llm.base-url is 'http://h:1/v1#not': expected http");
  put ("etc/aiopt/aiopt.conf",
       "\xef\xbb\xbf# comment\r\n; another\r\n\r\n[llm]\r\n   model = a model ; why\r\n\trounds: 4\r\n  base-url=http://h:1/v1\r\n\ttemperature=\r\n"
       "redact = yes\n[tune]\ncache = ~/c", 0644);
  struct config *config = good ();
  assert_string_equal (config__text (config, "llm.model"), "a model");
  assert_string_equal (config__text (config, "llm.rounds"), "4");
  assert_string_equal (config__text (config, "llm.base-url"), "http://h:1/v1");
  assert_true (config__number (config, "llm.temperature") == -1);
  assert_true (config__is_on (config, "llm.redact"));
  assert_string_equal (config__text (config, "tune.cache"), under ("home/c"));
  config__free (config);
  /* Keys may be long; comments as long as they like.  */
  snprintf (text, sizeof text, "[llm]\nkey = %s\n", line);
  put ("etc/aiopt/aiopt.conf", text, 0600);
  config = good ();
  assert_string_equal (config__text (config, "llm.key"), line);
  config__free (config);
  char *large = malloc (2 << 20);
  assert_non_null (large);
  memset (large, '#', 2 << 20);
  memcpy (large + 900000, "\n[llm]\nrounds=9\n", 16);
  put_bytes ("etc/aiopt/aiopt.conf", large, 900016, 0644);
  config = good ();
  assert_string_equal (config__text (config, "llm.rounds"), "9");
  config__free (config);
  /* What is too long is no file of settings.  */
  put_bytes ("etc/aiopt/aiopt.conf", large, (1 << 20) + 1, 0644);
  bad ("aiopt.conf\nmore than 1048576 bytes");
  memset (large, 'a', 9000);
  memcpy (large, "[llm]\nmodel = ", 14);
  put_bytes ("etc/aiopt/aiopt.conf", large, 9000, 0644);
  bad ("aiopt.conf:2\n8994 bytes\nexpected 8191 at most");
  free (large);
  put_bytes ("etc/aiopt/aiopt.conf", "[llm]\n\nmod\0el=1\n", 16, 0644);
  bad ("aiopt.conf:3: a byte that is 0");
  unlink (under ("etc/aiopt/aiopt.conf"));
  mkdir (under ("etc/aiopt/aiopt.conf"), 0700);
  bad ("aiopt.conf\nregular file");
  rmdir (under ("etc/aiopt/aiopt.conf"));
  assert_int_equal (mkfifo (under ("etc/aiopt/aiopt.conf"), 0600), 0);
  time_t begin = time (NULL);
  bad ("aiopt.conf\nregular file");
  assert_true (time (NULL) - begin < 5);
}

static void
errors_name_place_and_value (void **state)
{
  (void) state;
  static const struct
  {
    const char *text, *said;
  } wrong[] = {
    { "[llm]\nrounds = ten\n", ":2: llm.rounds is 'ten': expected a whole number from 1 to 100" },
    { "[llm]\nrounds = 0\n", ":2: llm.rounds is '0': expected a whole number from 1 to 100" },
    { "[llm]\nrounds = 2.5\n", ":2: llm.rounds is '2.5'" },
    { "[llm]\nrounds = 0x4\n", ":2: llm.rounds is '0x4'" },
    { "[llm]\nrounds =\n", ":2: llm.rounds is ''" },
    { "[llm]\n\n\ntimeout = nan\n", ":4: llm.timeout is 'nan': expected a number from 1 to 86400" },
    { "[llm]\ntimeout = 5 s\n", ":2: llm.timeout is '5 s'" },
    { "[llm]\ntimeout = 1e99\n", ":2: llm.timeout is '1e99'" },
    { "[llm]\ntemperature = 2.1\n", ":2: llm.temperature is '2.1': expected a number from 0 to 2" },
    { "[llm]\nreplay = on\n", ":2: llm.replay is 'on': expected one of: off record only" },
    { "[llm]\nreplay = off record\n", ":2: llm.replay is 'off record'" },
    { "[llm]\nredact = perhaps\n", ":2: llm.redact is 'perhaps': expected on or off" },
    { "[llm]\nprice = 1 2 3\n", ":2: llm.price is '1 2 3': expected one or two numbers" },
    { "[llm]\nprice = -1\n", ":2: llm.price is '-1'" },
    { "[llm]\nbase-url = ftp://h/\n", ":2: llm.base-url is 'ftp://h/': expected http" },
    { "[llm]\nbase-url = localhost\n", ":2: llm.base-url is 'localhost'" },
    { "[llm]\nbase-url = file:///etc/passwd\n", ":2: llm.base-url is 'file:///etc/passwd'" },
    { "[llm]\nbase-url = http://me@h/\n", ":2: llm.base-url is wrong (not shown): expected http" },
    { "[llm]\nbase-url = http://h/v1?x=1\n", ":2: llm.base-url is 'http://h/v1?x=1'" },
    { "[llm]\nrecordings = here\n", ":2: llm.recordings is 'here': expected a path that begins with / or ~/" },
    { "[llm]\nmodel = a\tb\n", ":2: llm.model is 'a b': expected text without control characters" },
    { "[tune]\npolicy =\n", ":2: tune.policy is '': expected text without control characters, not empty" },
    { "[llm]\nmodle = x\n", ":2: 'llm.modle' is no setting; did you mean llm.model?" },
    { "[lm]\nmodel = x\n", ":2: 'lm.model' is no setting; did you mean llm.model?" },
    { "[llm]\nbaseurl = x\n", ":2: 'llm.baseurl' is no setting; did you mean llm.base-url?" },
    { "[llm]\nbudget = 1\n", ":2: 'llm.budget' is no setting; did you mean tune.budget?" },
    { "[server]\nkeyring = x\n", ":2: 'server.keyring' is no setting; " },
    { "model = x\n", ":1: 'model' is no setting; did you mean llm.model?" },
    { "llm.model = x\n", ":1: 'llm.model' stands before any section: expected 'model' under '[llm]'" },
    { "[llm]\nrounds = 2\nrounds = 2\n", ":3: llm.rounds was set in line 2: expected once" },
    { "[llm]\nrounds = 2\n[tune]\n[llm]\nrounds = 3\n", ":5: llm.rounds was set in line 2" },
    { "[llm]\nmodel x\n", ":2: 'model ...': expected NAME = VALUE, [SECTION]" },
    { "# a\n[llm\nmodel = x\n", ":2: a line that is none: expected NAME = VALUE" },
    /* The first of several.  */
    { "[llm]\nnothing\nrounds = ten\n", ":2: a line" },
    { "[llm]\nrounds = ten\nnothing\n", ":2: llm.rounds" },
  };
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
    {
      char said[400];
      snprintf (said, sizeof said, "%s%s", put ("home/.config/aiopt/aiopt.conf", wrong[i].text, 0644), wrong[i].said);
      bad (said);
    }
  /* Of a long path its end is said.  */
  char path[400], said[600];
  snprintf (path, sizeof path, "home/%0120d/%060d.conf", 0, 1);
  setenv ("AIOPT_CONFIG", put (path, "[llm]\nrounds = ten\n", 0644), 1);
  snprintf (said, sizeof said, "...0000000\n%060d.conf:2: llm.rounds is 'ten'", 1);
  bad (said);
}

static void
environment_is_checked (void **state)
{
  (void) state;
  setenv ("OPENAI_BASE_URL", "gopher://h", 1);
  bad ("OPENAI_BASE_URL: llm.base-url is 'gopher://h'");
  char url[100];
  snprintf (url, sizeof url, "https://me:%s@host/v1", secret);
  setenv ("OPENAI_BASE_URL", url, 1);
  bad ("OPENAI_BASE_URL: llm.base-url is wrong (not shown): expected http");
  setenv ("OPENAI_BASE_URL", "", 1);
  char key[100];
  snprintf (key, sizeof key, "%s\r\nX-Evil: 1", secret);
  setenv ("OPENAI_API_KEY", key, 1);
  bad ("OPENAI_API_KEY: llm.key is wrong (not shown): expected visible ASCII");
  setenv ("OPENAI_API_KEY", secret, 1);
  setenv ("AIOPT_CACHE", "relative", 1);
  struct config *config = good ();
  assert_string_equal (config__text (config, "llm.key"), secret);
  assert_string_equal (config__origin (config, "llm.key"), "OPENAI_API_KEY");
  assert_string_equal (config__text (config, "llm.base-url"), "");
  assert_string_equal (config__origin (config, "llm.base-url"), "default");
  assert_string_equal (config__text (config, "tune.cache"), "relative");
  assert_string_equal (config__origin (config, "tune.cache"), "AIOPT_CACHE");
  config__free (config);
}

static void
key_of_a_file (void **state)
{
  (void) state;
  static const mode_t open_modes[] = { 0644, 0640, 0604, 0620, 0610, 0660, 0601 }, kept_modes[] = { 0600, 0400, 0700 };
  char text[200], said[300];
  snprintf (text, sizeof text, "# mine\n[llm]\nmodel = m\nkey = %s\n", secret);
  for (unsigned i = 0; i < sizeof open_modes / sizeof *open_modes; i++)
    {
      const char *path = put ("home/.config/aiopt/aiopt.conf", text, open_modes[i]);
      snprintf (said, sizeof said, "%s:4: llm.key\nmode %04o\nchmod 600 %s", path, (unsigned) open_modes[i], path);
      bad (said);
    }
  for (unsigned i = 0; i < sizeof kept_modes / sizeof *kept_modes; i++)
    {
      put ("home/.config/aiopt/aiopt.conf", text, kept_modes[i]);
      struct config *config = good ();
      assert_string_equal (config__text (config, "llm.key"), secret);
      config__free (config);
    }
  /* No key, no secret; but nobody else may say which programs are run.  */
  put ("home/.config/aiopt/aiopt.conf", "[llm]\nmodel = m\nkey =\n", 0664);
  config__free (good ());
  put ("home/.config/aiopt/aiopt.conf", "[llm]\nmodel = m\n", 0666);
  bad ("aiopt.conf: anybody can change it (mode 0666): chmod o-w");
}

static void
key_in_another_users_file (void **state)
{
  (void) state;
  char text[100];
  snprintf (text, sizeof text, "[llm]\nkey = %s\n", secret);
  const char *path = put ("home/.config/aiopt/aiopt.conf", text, 0600);
  if (geteuid () != 0 || chown (path, 54321, (gid_t) -1) != 0)
    {
      print_message ("# only root can give a file away\n");
      skip ();
    }
  bad ("aiopt.conf:2: llm.key\nuser 54321\nuser 0");
}

static void
unreadable_file (void **state)
{
  (void) state;
  /* Root can read all, so it becomes somebody else for a while.  */
  bool root = geteuid () == 0;
  if (root && (chown (folder, 54321, (gid_t) -1) != 0 || seteuid (54321) != 0))
    {
      print_message ("# this root can't be anybody else\n");
      skip ();
    }
  put ("home/.config/aiopt/aiopt.conf", "[llm]\nmodel = m\n", 0);
  bad ("aiopt.conf: Permission denied");
  if (root)
    assert_int_equal (seteuid (0), 0);
}

/* Whatever becomes of a line that has a key, or a piece of one, in it: the key isn't said, and `bad` looks.  */
static void
messages_have_no_key (void **state)
{
  (void) state;
  static const struct
  {
    const char *form, *said;
    mode_t mode;
  } line[] = {
    { "[llm]\nkey %s\n", ":2: 'key ...': expected NAME", 0600 },
    { "[llm]\nkey\n%s\n", ":2: 'key ...'", 0600 },
    { "[llm]\nkey = x\n%s\n", ":3: a line that is none: expected NAME", 0600 },
    { "[llm]\nkey = x\n    %s==\n", ":3: a name that isn't shown here is no setting", 0600 },
    { "[llm]\nkeys = %s\n", ":2: 'llm.keys' is no setting; did you mean llm.key?", 0600 },
    { "[llm]\nKey = %s\n", ":2: a name that isn't shown here is no setting; did you mean llm.key?", 0600 },
    { "key = %s\n", ":1: 'key' is no setting; did you mean llm.key?", 0600 },
    { "llm.key = %s\n", ":1: 'llm.key' stands before any section", 0600 },
    { "[%s]\nkey = 1\n", ":2: a name that isn't shown here", 0600 },
    { "[llm]\nkey = a\nkey = %s\n", ":3: llm.key was set in line 2", 0600 },
    { "[llm]\nkey = %s and more\n", ":2: llm.key is wrong (not shown): expected visible ASCII", 0600 },
    { "[llm]\nkey = \xc3\xa4%s\n", ":2: llm.key is wrong (not shown)", 0600 },
    { "[llm]\nkey = %s\n", ":2: llm.key is in a file that others", 0644 },
    { "[llm]\nkey = %s\nrounds = ten\n", ":3: llm.rounds is 'ten'", 0600 },
    { "[llm]\nbase-url = http://user:%s@host/\n", ":2: llm.base-url is wrong (not shown)", 0600 },
  };
  for (unsigned i = 0; i < sizeof line / sizeof *line; i++)
    {
      char text[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
      snprintf (text, sizeof text, line[i].form, secret);
#pragma GCC diagnostic pop
      put ("home/.config/aiopt/aiopt.conf", text, line[i].mode);
      bad (line[i].said);
    }
}

/* Nothing that is freed has the key in it, on any way.  */
static void
key_is_wiped (void **state)
{
  (void) state;
  char text[200];
  struct why why = { 0 };
  struct model_settings settings;
  snprintf (text, sizeof text, "[llm]\nkey = %s\n", secret);
  put ("etc/aiopt/aiopt.conf", text, 0600);
  put ("home/.config/aiopt/aiopt.conf", text, 0600);
  setenv ("OPENAI_API_KEY", secret, 1);
  struct config *config = good ();
  config__model (config, "/c", &settings);
  assert_string_equal (settings.key, secret);
  assert_int_equal (config__set (config, "llm.rounds=x", &why), -1);
  config__free (config);
  assert_int_equal (freed_secrets, 0);
  setenv ("OPENAI_BASE_URL", "nowhere", 1);
  bad ("OPENAI_BASE_URL");
  put ("home/.config/aiopt/aiopt.conf", text, 0644);
  bad ("chmod 600");
  assert_int_equal (freed_secrets, 0);
  /* That such a block would be noticed.  */
  free (strdup (secret));
  assert_int_equal (freed_secrets, 1);
}

static void
assignments (void **state)
{
  (void) state;
  struct config *config = good ();
  struct why why;
  char key[100];
  snprintf (key, sizeof key, "llm.key=%s", secret);
  const struct
  {
    const char *assignment, *said;
  } wrong[] = {
    { "llm.rounds=0", "--set: llm.rounds is '0': expected a whole number from 1 to 100" },
    { "llm.rounds", "--set: 'llm.rounds' has no value: expected llm.rounds=VALUE" },
    { "llm.round=1", "--set: 'llm.round' is no setting; did you mean llm.rounds?" },
    { "rounds=1", "--set: 'rounds' is no setting; did you mean llm.rounds?" },
    { "", "--set: a name that isn't shown here is no setting" },
    { "=", "--set: a name that isn't shown here is no setting" },
    { secret, "--set: a name that isn't shown here is no setting" },
    { "llm.model=a\nb", "--set: llm.model is" },
    { key, "--set: llm.key can't be given on the command line" },
    { key, "OPENAI_API_KEY" },
    { "llm.key=", "--set: llm.key can't be given on the command line" },
  };
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
    {
      memset (&why, 0, sizeof why);
      assert_int_equal (config__set (config, wrong[i].assignment, &why), -1);
      assert_int_equal (why.reason, REASON_CONFIG);
      if (!strstr (why.detail, wrong[i].said) || strstr (why.detail, "NobodyMay"))
        fail_msg ("%s: %s", wrong[i].assignment, why.detail);
    }
  assert_string_equal (config__text (config, "llm.rounds"), "6");
  assert_string_equal (config__text (config, "llm.key"), "");
  assert_int_equal (config__set (config, "llm.model=a=b", &why), 0);
  assert_string_equal (config__text (config, "llm.model"), "a=b");
  assert_int_equal (config__set (config, "llm.model=", &why), 0);
  assert_string_equal (config__text (config, "llm.model"), "");
  assert_int_equal (config__set (config, "llm.recordings=here", &why), 0);
  assert_string_equal (config__text (config, "llm.recordings"), "here");
  config__free (config);
}

static void
settings_of_the_model (void **state)
{
  (void) state;
  struct why why;
  struct model_settings s;
  struct config *config = good ();
  config__model (config, "/cache", &s);
  assert_string_equal (s.base_url, "");
  assert_string_equal (s.key, "");
  assert_string_equal (s.model, "");
  assert_string_equal (s.ca_file, "");
  assert_string_equal (s.recordings, "/cache/llm");
  assert_true (s.connect_seconds == 5 && s.total_seconds == 180 && s.low_speed_seconds == 30 && s.temperature < 0);
  assert_int_equal (s.retries, 3);
  assert_int_equal (s.parallel, 2);
  assert_int_equal (s.rounds, 6);
  assert_int_equal (s.max_tokens, 8192);
  assert_int_equal (s.structured, STRUCTURED_AUTO);
  assert_int_equal (s.replay, REPLAY_RECORD);
  assert_false (s.redact);
  assert_true (s.price_in == 0 && s.price_out == 0 && s.function.money == 0 && s.run.money == 0);
  assert_int_equal (s.function.requests, 24);
  assert_int_equal (s.function.tokens + s.run.requests + s.run.tokens, 0);
  static const char *const set[]
    = { "llm.base-url=https://h/v1", "llm.model=m", "llm.ca-file=/ca", "llm.connect-timeout=1.5", "llm.timeout=20",
        "llm.low-speed-timeout=3", "llm.retries=0", "llm.parallel=4", "llm.rounds=5", "llm.max-tokens=77", "llm.temperature=0",
        "llm.redact=on", "llm.recordings=~/r", "llm.price=0.5 1.25", "llm.function-requests=1", "llm.function-tokens=1000000000000",
        "llm.function-money=0.25", "llm.run-requests=2", "llm.run-tokens=3", "llm.run-money=1e3", "llm.function-seconds=2.5",
        "llm.run-seconds=9" };
  for (unsigned i = 0; i < sizeof set / sizeof *set; i++)
    if (config__set (config, set[i], &why) < 0)
      fail_msg ("%s", why.detail);
  config__model (config, "/cache", &s);
  assert_string_equal (s.base_url, "https://h/v1");
  assert_string_equal (s.model, "m");
  assert_string_equal (s.ca_file, "/ca");
  assert_string_equal (s.recordings, under ("home/r"));
  assert_true (s.connect_seconds == 1.5 && s.total_seconds == 20 && s.low_speed_seconds == 3 && s.temperature == 0);
  assert_int_equal (s.retries, 0);
  assert_int_equal (s.parallel, 4);
  assert_int_equal (s.rounds, 5);
  assert_int_equal (s.max_tokens, 77);
  assert_true (s.redact);
  assert_true (s.price_in == 0.5 && s.price_out == 1.25 && s.function.money == 0.25 && s.run.money == 1000);
  assert_true (s.function.seconds == 2.5 && s.run.seconds == 9);
  assert_int_equal (s.function.requests, 1);
  assert_true (s.function.tokens == 1000000000000);
  assert_int_equal (s.run.requests, 2);
  assert_int_equal (s.run.tokens, 3);
  assert_int_equal (config__set (config, "llm.price=3", &why), 0);
  config__model (config, NULL, &s);
  assert_true (s.price_in == 3 && s.price_out == 3);
  static const struct
  {
    const char *assignment;
    int is;
  } replay[] = { { "llm.replay=off", REPLAY_OFF }, { "llm.replay=record", REPLAY_RECORD }, { "llm.replay=only", REPLAY_ONLY } },
    structured[] = { { "llm.structured=auto", STRUCTURED_AUTO },
                     { "llm.structured=json_schema", STRUCTURED_JSON_SCHEMA },
                     { "llm.structured=schema", STRUCTURED_SCHEMA },
                     { "llm.structured=guided", STRUCTURED_GUIDED },
                     { "llm.structured=json_object", STRUCTURED_JSON_OBJECT },
                     { "llm.structured=none", STRUCTURED_NONE } };
  for (unsigned i = 0; i < sizeof replay / sizeof *replay; i++)
    {
      assert_int_equal (config__set (config, replay[i].assignment, &why), 0);
      config__model (config, NULL, &s);
      assert_int_equal (s.replay, replay[i].is);
    }
  for (unsigned i = 0; i < sizeof structured / sizeof *structured; i++)
    {
      assert_int_equal (config__set (config, structured[i].assignment, &why), 0);
      config__model (config, NULL, &s);
      assert_int_equal (s.structured, structured[i].is);
    }
  config__free (config);
}

/* doc/config.md has a row for each setting, with the default and range that config.def gives it.  */
static void
documented (void **state)
{
  (void) state;
  const char *source = getenv ("AIOPT_SOURCE");
  char path[500], row[300], expected[200], *text = NULL;
  size_t size = 0;
  snprintf (path, sizeof path, "%s/doc/config.md", source ? source : ".");
  FILE *file = fopen (path, "r");
  assert_non_null (file);
  assert_true (getdelim (&text, &size, 0, file) > 0);
  fclose (file);
  unsigned n;
  const struct config_item *item = config__items (&n);
  for (unsigned i = 0; i < n; i++)
    {
      const char *quote = *item[i].standard ? "`" : "";
      snprintf (row, sizeof row, "\n| `%s` | %s%s%s | %s | ", item[i].name, quote, *item[i].standard ? item[i].standard : "unset", quote,
                config_item__expected (&item[i], expected, sizeof expected));
      if (!strstr (text, row))
        fail_msg ("doc/config.md has no row that begins with%s", row);
    }
  free (text);
}

int
main (void)
{
  static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (defaults_are_valid, fresh, clean),
    cmocka_unit_test_setup_teardown (sources_by_strength, fresh, clean),
    cmocka_unit_test_setup_teardown (project_is_not_read, fresh, clean),
    cmocka_unit_test_setup_teardown (form_of_files, fresh, clean),
    cmocka_unit_test_setup_teardown (errors_name_place_and_value, fresh, clean),
    cmocka_unit_test_setup_teardown (environment_is_checked, fresh, clean),
    cmocka_unit_test_setup_teardown (key_of_a_file, fresh, clean),
    cmocka_unit_test_setup_teardown (key_in_another_users_file, fresh, clean),
    cmocka_unit_test_setup_teardown (unreadable_file, fresh, clean),
    cmocka_unit_test_setup_teardown (messages_have_no_key, fresh, clean),
    cmocka_unit_test_setup_teardown (key_is_wiped, fresh, clean),
    cmocka_unit_test_setup_teardown (assignments, fresh, clean),
    cmocka_unit_test_setup_teardown (settings_of_the_model, fresh, clean),
    cmocka_unit_test_setup_teardown (documented, fresh, clean),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
