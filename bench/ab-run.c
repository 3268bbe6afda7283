/* One run of one side, in a process of its own, watched from outside.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/ab-run.h"

#include "bench/counters.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double
session__now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC_RAW, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds that a thread was ready to run and another had the CPU (second field of schedstat in
   DIRECTORY of /proc, nanoseconds); 0 where the kernel doesn't say.  */
static double
run_delay (const char *directory)
{
  char path[64];
  unsigned long long ran = 0, delayed = 0;
  snprintf (path, sizeof path, "/proc/%s/schedstat", directory);
  FILE *f = fopen (path, "re");
  if (f && fscanf (f, "%llu %llu", &ran, &delayed) != 2)
    delayed = 0;
  if (f)
    fclose (f);
  return (double)delayed * 1e-9;
}

/* In the child: waits for GATE to be closed, becomes ARGV with ENVIRONMENT bytes more in its
 * environment; what fails goes to REPORT.  */
static void __attribute__ ((noreturn))
become (char **argv, const struct session *session, unsigned environment, int gate, int report)
{
  static char padding[AB_ENVIRONMENT_MAX + 1];
  char byte;
  while (read (gate, &byte, 1) < 0 && errno == EINTR)
    ;
  int error = 0;
  if (dup2 (session->null, 0) < 0
      || dup2 (session->options->same_output ? session->output : session->null, 1) < 0
      || dup2 (session->errors, 2) < 0)
    error = errno;
  else
    {
      signal (SIGPIPE, SIG_DFL);
      signal (SIGINT, SIG_DFL);
      memset (padding, 'x', environment);
      setenv ("AIOPT_AB_PADDING", padding, 1);
      execvp (argv[0], argv);
      error = errno;
    }
  if (write (report, &error, sizeof error) < 0)
    _exit (126);
  _exit (127);
}

/* The last line that the program wrote to standard error, into BUFFER, or "".  */
static void
last_words (int fd, char *buffer, size_t size)
{
  off_t end = lseek (fd, 0, SEEK_END);
  off_t begin = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
  ssize_t n = pread (fd, buffer, (size_t)(end - begin), begin);
  buffer[n > 0 ? n : 0] = '\0';
  while (n > 0 && (buffer[n - 1] == '\n' || buffer[n - 1] == ' '))
    buffer[--n] = '\0';
  char *line = strrchr (buffer, '\n');
  if (line)
    memmove (buffer, line + 1, strlen (line));
}

/* Do files A and B hold the same bytes?  */
static bool
same_bytes (int a, int b)
{
  char x[65536], y[65536];
  for (off_t at = 0;;)
    {
      ssize_t n = pread (a, x, sizeof x, at), m = pread (b, y, sizeof y, at);
      if (n != m || n < 0 || memcmp (x, y, (size_t)n) != 0)
        return false;
      if (n == 0)
        return true;
      at += n;
    }
}

int
session__run (struct session *session, unsigned side, unsigned environment, double *value)
{
  struct ab *ab = session->ab;
  char **argv = session->argv[side];
  int gate[2] = { -1, -1 }, report[2] = { -1, -1 };
  char name = side ? 'B' : 'A';
  if (ftruncate (session->errors, 0) != 0 || lseek (session->errors, 0, SEEK_SET) < 0
      || ftruncate (session->output, 0) != 0 || lseek (session->output, 0, SEEK_SET) < 0
      || pipe2 (gate, O_CLOEXEC) != 0 || pipe2 (report, O_CLOEXEC) != 0)
    {
      snprintf (ab->error, sizeof ab->error, "preparing a run: %s", strerror (errno));
      if (gate[0] >= 0)
        close (gate[0]), close (gate[1]);
      return -1;
    }
  pid_t pid = fork ();
  if (pid == 0)
    {
      close (gate[1]);
      become (argv, session, environment, gate[0], report[1]);
    }
  int saved = errno;
  close (gate[0]);
  close (report[1]);
  if (pid < 0)
    {
      close (gate[1]);
      close (report[0]);
      snprintf (ab->error, sizeof ab->error, "fork: %s", strerror (saved));
      return -1;
    }
  counters__open (session->counters, pid);
  double own_delay = run_delay ("thread-self");
  double begin = session->begin = session__now ();
  close (gate[1]);
  int status, error = 0;
  struct rusage usage;
  siginfo_t info;
  while (waitid (P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    if (session->options->stop && *session->options->stop)
      kill (pid, SIGTERM);
  double end = session__now ();
  /* The main thread's, of what is a zombie now; and ours, who may have come late to see its end. */
  char directory[32];
  snprintf (directory, sizeof directory, "%d", (int)pid);
  session->delay = run_delay (directory);
  session->own_delay = run_delay ("thread-self") - own_delay;
  pid_t waited;
  while ((waited = wait4 (pid, &status, 0, &usage)) < 0 && errno == EINTR)
    ;
  counters__close (session->counters, value + AB_COUNTERS);
  bool failed_exec = read (report[0], &error, sizeof error) == sizeof error;
  close (report[0]);
  if (session->options->stop && *session->options->stop)
    return 1;
  if (failed_exec)
    {
      snprintf (ab->error, sizeof ab->error, "%c, '%.300s', can't be run: %s", name, argv[0],
                strerror (error));
      return -1;
    }
  if (waited < 0 || !WIFEXITED (status) || WEXITSTATUS (status) != 0)
    {
      char words[300], how[100];
      last_words (session->errors, words, sizeof words);
      if (waited >= 0 && WIFSIGNALED (status))
        snprintf (how, sizeof how, "was killed by signal %d (%s)", WTERMSIG (status),
                  strsignal (WTERMSIG (status)));
      else
        snprintf (how, sizeof how, "ended with exit status %d",
                  waited < 0 ? -1 : WEXITSTATUS (status));
      snprintf (ab->error, sizeof ab->error,
                "%c, '%.300s', %s%s%s; timing a failing program means nothing", name, argv[0], how,
                *words ? ": " : "", words);
      return -1;
    }
  value[AB_WALL] = end - begin;
  value[AB_TASK] = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec
                   + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  if (!session->options->same_output)
    return 0;
  if (session->expected < 0)
    {
      /* The first run of all is A's.  */
      session->expected = session->output;
      session->output = memfd_create ("aiopt-ab-output", MFD_CLOEXEC);
      if (session->output >= 0)
        return 0;
      snprintf (ab->error, sizeof ab->error, "memfd_create: %s", strerror (errno));
      return -1;
    }
  if (!same_bytes (session->expected, session->output))
    {
      session->differs = true;
      snprintf (
          ab->error, sizeof ab->error,
          side ? "B, '%.300s', wrote another standard output than A"
               : "A, '%.300s', wrote another standard output than in its first run: it can't be"
                 " compared",
          argv[0]);
      return -1;
    }
  return 0;
}

void
session__blame (struct session *session)
{
  char error[sizeof session->ab->error];
  double value[AB_METRICS_MAX];
  memcpy (error, session->ab->error, sizeof error);
  session->differs = false;
  if (session__run (session, 0, 0, value) == 0 || !session->differs)
    memcpy (session->ab->error, error, sizeof error);
}

int
session__open (struct session *session, char **const argv[2], const struct ab_options *options,
               struct ab *ab)
{
  *session = (struct session){
    .options = options, .ab = ab, .argv = { argv[0], argv[1] }, .expected = -1
  };
  session->null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  session->output = memfd_create ("aiopt-ab-output", MFD_CLOEXEC);
  session->errors = memfd_create ("aiopt-ab-errors", MFD_CLOEXEC);
  if (session->null < 0 || session->output < 0 || session->errors < 0)
    {
      snprintf (ab->error, sizeof ab->error, "preparing the runs: %s", strerror (errno));
      return -1;
    }
  session->counters = counters__new (options->events, ab->error, sizeof ab->error);
  return session->counters ? 0 : -1;
}

void
session__close (struct session *session)
{
  counters__free (session->counters);
  int fds[] = { session->null, session->output, session->errors, session->expected };
  for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
    if (fds[i] >= 0)
      close (fds[i]);
}
