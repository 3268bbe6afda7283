/* For tests: starting testsuite/model-server.py, and settings that lead to it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TEST_MODEL_SERVER_H
#define AIOPT_TEST_MODEL_SERVER_H

#include "model/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Long enough to be scrubbed in parts, and in no text otherwise.  */
#define TEST_KEY "sk-Qz7xVw93LmPt0aBcDeFgHiJkRsTuNoYy"

struct model_server
{
  pid_t pid;
  char *folder;           /* log, answers, certificate */
  unsigned port, other, hole, tls;
};

static inline double
test__now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* A malloc'ed text; fails the test where there is no memory.  */
static inline char *__attribute__ ((format (printf, 1, 2)))
test__printf (const char *format, ...)
{
  char *text;
  va_list args;
  va_start (args, format);
  assert_true (vasprintf (&text, format, args) >= 0);
  va_end (args);
  return text;
}

/* A private folder, malloc'ed path.  */
static inline char *
test__folder (void)
{
  const char *base = getenv ("TMPDIR");
  char *path = test__printf ("%s/aiopt-test-XXXXXX", base && *base == '/' ? base : "/tmp");
  assert_non_null (mkdtemp (path));
  return path;
}

static inline int
test__remove_one (const char *path, const struct stat *info, int type, struct FTW *where)
{
  (void) info, (void) type, (void) where;
  return remove (path);
}

/* Removes FOLDER, and all in it, and frees its path.  */
static inline void
test__remove (char *folder)
{
  nftw (folder, test__remove_one, 8, FTW_DEPTH | FTW_PHYS);
  free (folder);
}

/* Writes TEXT[LENGTH] as FOLDER/NAME.  */
static inline void
test__write_bytes (const char *folder, const char *name, const void *text, size_t length)
{
  char *path = test__printf ("%s/%s", folder, name);
  FILE *stream = fopen (path, "w");
  assert_non_null (stream);
  assert_int_equal (fwrite (text, 1, length, stream), length);
  assert_int_equal (fclose (stream), 0);
  free (path);
}

/* Writes TEXT as FOLDER/NAME.  */
static inline void
test__write (const char *folder, const char *name, const char *text)
{
  test__write_bytes (folder, name, text, strlen (text));
}

/* fork, but the child doesn't outlive a test that fails.  */
static inline pid_t
test__fork (void)
{
  pid_t parent = getpid (), pid = fork ();
  assert_true (pid >= 0);
  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      if (getppid () != parent)
        _exit (1);
    }
  return pid;
}

/* Starts the server.  Its program needs python3 and, for TLS, openssl.  */
static inline struct model_server *
model_server__start (void)
{
  struct model_server *server = calloc (1, sizeof *server);
  const char *source = getenv ("AIOPT_SOURCE");
  int out[2];
  server->folder = test__folder ();
  char *script = test__printf ("%s/testsuite/model-server.py", source ? source : ".");
  char *answers = test__printf ("%s/answers", server->folder), *log = test__printf ("%s/log", server->folder);
  assert_int_equal (mkdir (answers, 0700), 0);
  assert_int_equal (mkdir (log, 0700), 0);
  assert_int_equal (pipe (out), 0);
  server->pid = test__fork ();
  if (server->pid == 0)
    {
      dup2 (out[1], 1);
      close (out[0]);
      close (out[1]);
      /* It ends with its parent; `make -j` gives most tests a pipe for standard input that has ended.  */
      int null = open ("/dev/null", O_RDONLY);
      dup2 (null, 0);
      execlp ("python3", "python3", script, "--answers", answers, "--log", log, "--tls", server->folder, NULL);
      _exit (127);
    }
  close (out[1]);
  FILE *stream = fdopen (out[0], "r");
  char line[100];
  bool ready = false;
  while (!ready && fgets (line, sizeof line, stream))
    {
      sscanf (line, "port %u", &server->port);
      sscanf (line, "other %u", &server->other);
      sscanf (line, "hole %u", &server->hole);
      sscanf (line, "tls %u", &server->tls);
      ready = strcmp (line, "ready\n") == 0;
    }
  fclose (stream);
  free (script);
  free (answers);
  free (log);
  if (!ready)
    fail_msg ("testsuite/model-server.py doesn't run: it needs python3 and openssl");
  return server;
}

static inline void
model_server__stop (struct model_server *server)
{
  kill (server->pid, SIGKILL);
  waitpid (server->pid, NULL, 0);
  test__remove (server->folder);
  free (server);
}

/* Group set-up and tear-down: *STATE is the server of all tests of the program.  */
static inline int
model_server__set_up (void **state)
{
  static const char *const unwanted[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
                                          "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR" };
  for (unsigned i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
    unsetenv (unwanted[i]);
  *state = model_server__start ();
  return 0;
}

static inline int
model_server__tear_down (void **state)
{
  model_server__stop (*state);
  return 0;
}

/* "http://127.0.0.1:PORT/MODE", malloc'ed.  */
static inline char *
model_server__url (const struct model_server *server, const char *mode)
{
  return test__printf ("http://127.0.0.1:%u/%s", server->port, mode);
}

/* Settings that are patient with a busy machine, for BASE_URL.  */
static inline struct model_settings
test__settings (const char *base_url)
{
  return (struct model_settings){ .base_url = base_url, .key = TEST_KEY, .model = "test-model", .connect_seconds = 5, .total_seconds = 40,
                                  .low_speed_seconds = 20, .retries = 2, .parallel = 2, .rounds = 3, .max_tokens = 100,
                                  .temperature = -1 };
}

#endif
