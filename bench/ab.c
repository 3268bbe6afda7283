/* Honest A/B of two programs.
   Each pair runs A and B once; pairs come in twos with opposite orders (ABBA or BAAB, by coin), so
   that a drift of the machine's speed falls on both.  Nothing is thrown away, and the figure that
   decides is chosen by a rule that doesn't look at who wins: task clock, unless a program mostly
   waits (time in which it could have run but other programs had the CPU left out) or runs on
   several cores, where wall clock decides.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/ab.h"

#include "bench/counters.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *
ab_metric__name (enum ab_metric metric)
{
  static const char *const name[AB_METRICS]
      = { "task clock", "wall clock", "user cycles", "user instructions" };
  return (unsigned)metric < AB_METRICS ? name[metric] : "?";
}

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC_RAW, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds that zombie PID's main thread was ready to run and another had the CPU
   (/proc/PID/schedstat, second field, nanoseconds); 0 where the kernel doesn't say.  */
static double
run_delay (pid_t pid)
{
  char path[64];
  unsigned long long ran = 0, delayed = 0;
  snprintf (path, sizeof path, "/proc/%d/schedstat", (int)pid);
  FILE *f = fopen (path, "re");
  if (f && fscanf (f, "%llu %llu", &ran, &delayed) != 2)
    delayed = 0;
  if (f)
    fclose (f);
  return (double)delayed * 1e-9;
}

/* Files that outlive a run.  */
struct session
{
  const struct ab_options *options;
  struct ab *ab;
  struct counters *counters;
  int null;
  int expected; /* what A's first run wrote, or -1 */
  int output, errors;
  bool differs; /* the last run failed by its output */
  double delay; /* of the last run, seconds */
};

/* In the child: waits for GATE to be closed, becomes ARGV; what fails goes to REPORT.  */
static void __attribute__ ((noreturn))
become (char **argv, const struct session *session, int gate, int report)
{
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

/* Runs SIDE once.  0 and VALUE, 1 where interrupted, -1 and ab->error.  */
static int
run_once (struct session *session, char **argv, unsigned side, double value[AB_METRICS])
{
  struct ab *ab = session->ab;
  int gate[2] = { -1, -1 }, report[2] = { -1, -1 };
  char name = side ? 'B' : 'A';
  if (ftruncate (session->errors, 0) != 0 || lseek (session->errors, 0, SEEK_SET) < 0
      || ftruncate (session->output, 0) != 0 || lseek (session->output, 0, SEEK_SET) < 0
      || pipe2 (gate, O_CLOEXEC) != 0 || pipe2 (report, O_CLOEXEC) != 0)
    {
      snprintf (ab->error, sizeof ab->error, "preparing a run: %s", strerror (errno));
      return -1;
    }
  pid_t pid = fork ();
  if (pid == 0)
    {
      close (gate[1]);
      become (argv, session, gate[0], report[1]);
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
  double begin = now ();
  close (gate[1]);
  int status, error = 0;
  struct rusage usage;
  siginfo_t info;
  while (waitid (P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    if (session->options->stop && *session->options->stop)
      kill (pid, SIGTERM);
  double end = now ();
  session->delay = run_delay (pid);
  pid_t waited;
  while ((waited = wait4 (pid, &status, 0, &usage)) < 0 && errno == EINTR)
    ;
  double count[COUNTERS_MAX];
  counters__close (session->counters, count);
  snprintf (ab->no_counters, sizeof ab->no_counters, "%s",
            counters__why (session->counters, COUNTER_CYCLES));
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
  value[AB_CYCLES] = count[COUNTER_CYCLES];
  value[AB_INSTRUCTIONS] = count[COUNTER_INSTRUCTIONS];
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

/* B's output differed: perhaps A's own does too, from run to run, which is another error.  */
static void
blame (struct session *session, char **argv)
{
  char error[sizeof session->ab->error];
  double value[AB_METRICS];
  memcpy (error, session->ab->error, sizeof error);
  session->differs = false;
  if (run_once (session, argv, 0, value) == 0 || !session->differs)
    memcpy (session->ab->error, error, sizeof error);
}

/* splitmix64 (Steele, Lea, Flood 2014).  */
static uint64_t
next_random (uint64_t *state)
{
  uint64_t z = *state += UINT64_C (0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* The rule for what decides; looks at how much the programs compute, not at which is faster.  */
static enum ab_metric
choose_metric (const struct ab *ab)
{
  for (unsigned side = 0; side < 2; side++)
    {
      double wall = statistics__median (ab->undelayed[side], ab->n_pairs);
      double task = ab->comparison[AB_TASK].median[side];
      if (task < 0.5 * wall || task > 1.5 * wall)
        return AB_WALL;
    }
  return AB_TASK;
}

static void
compare (struct ab *ab, const struct ab_options *options)
{
  for (unsigned m = 0; m < AB_METRICS; m++)
    {
      struct ab_comparison *c = &ab->comparison[m];
      double **v = ab->value[m];
      c->measured = ab->n_pairs > 0;
      for (unsigned i = 0; i < ab->n_pairs; i++)
        c->measured &= v[0][i] >= 0 && v[1][i] >= 0;
      if (!c->measured)
        continue;
      for (unsigned side = 0; side < 2; side++)
        c->median[side] = statistics__median (v[side], ab->n_pairs);
      c->ratio = statistics__ratio (v[0], v[1], ab->n_pairs, 0.95, AB_RESAMPLES, options->seed + m);
      c->p = statistics__signed_rank (v[0], v[1], ab->n_pairs);
    }
  ab->deciding = options->metric >= 0 ? (enum ab_metric)options->metric : choose_metric (ab);
}

int
ab__run (char **const argv[2], const struct ab_options *options, struct ab *ab)
{
  memset (ab, 0, sizeof *ab);
  struct session session = { .options = options, .ab = ab, .expected = -1 };
  session.null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  session.output = memfd_create ("aiopt-ab-output", MFD_CLOEXEC);
  session.errors = memfd_create ("aiopt-ab-errors", MFD_CLOEXEC);
  ab->order = calloc (options->pairs + 1, 1);
  session.counters = counters__new (NULL, ab->error, sizeof ab->error);
  bool ready = session.counters && session.null >= 0 && session.output >= 0 && session.errors >= 0 && ab->order;
  for (unsigned m = 0; m < AB_METRICS; m++)
    for (unsigned side = 0; side < 2; side++)
      ready &= (ab->value[m][side] = calloc (options->pairs + 1, sizeof (double))) != NULL;
  for (unsigned side = 0; side < 2; side++)
    ready &= (ab->undelayed[side] = calloc (options->pairs + 1, sizeof (double))) != NULL;
  int result = ready ? 0 : -1;
  if (!ready && !*ab->error)
    snprintf (ab->error, sizeof ab->error, "preparing the runs: %s", strerror (errno));
  unsigned done = 0, total = 2 * (options->pairs + options->warmup);
  uint64_t random = options->seed;
  bool b_first = false;
  double value[AB_METRICS] = { 0 };
  for (unsigned i = 0; result == 0 && i < 2 * options->warmup; i++)
    {
      result = run_once (&session, argv[i & 1], i & 1, value);
      if (options->progress)
        options->progress (options->context, ++done, total);
    }
  /* Without warm-up A's output still comes first.  */
  if (result == 0 && !options->warmup && options->same_output)
    result = run_once (&session, argv[0], 0, value);
  for (unsigned pair = 0; result == 0 && pair < options->pairs; pair++)
    {
      b_first = pair & 1 ? !b_first : next_random (&random) >> 63;
      ab->order[pair] = b_first;
      for (unsigned k = 0; result == 0 && k < 2; k++)
        {
          unsigned side = k ^ b_first;
          result = run_once (&session, argv[side], side, value);
          for (unsigned m = 0; m < AB_METRICS; m++)
            ab->value[m][side][pair] = value[m];
          ab->undelayed[side][pair] = value[AB_WALL] - session.delay;
          if (options->progress)
            options->progress (options->context, ++done, total);
        }
      ab->n_pairs += result == 0;
    }
  if (result == -1 && session.differs)
    blame (&session, argv[0]);
  if (result == 1)
    {
      ab->interrupted = true;
      result = 0;
      if (!ab->n_pairs)
        {
          snprintf (ab->error, sizeof ab->error, "interrupted before the first pair was complete");
          result = -1;
        }
    }
  if (result == 0)
    compare (ab, options);
  if (result == 0 && !ab->comparison[ab->deciding].measured)
    {
      snprintf (ab->error, sizeof ab->error, "%s can't be measured: %s",
                ab_metric__name (ab->deciding), ab->no_counters);
      result = -1;
    }
  counters__free (session.counters);
  int fds[] = { session.null, session.output, session.errors, session.expected };
  for (unsigned i = 0; i < 4; i++)
    if (fds[i] >= 0)
      close (fds[i]);
  return result;
}

void
ab__free (struct ab *ab)
{
  for (unsigned m = 0; m < AB_METRICS; m++)
    for (unsigned side = 0; side < 2; side++)
      free (ab->value[m][side]);
  free (ab->undelayed[0]);
  free (ab->undelayed[1]);
  free (ab->order);
  memset (ab, 0, sizeof *ab);
}

enum ab_verdict
ab__verdict (const struct ab *ab)
{
  const struct ab_comparison *c = &ab->comparison[ab->deciding];
  if (!c->measured || ab->n_pairs < AB_PAIRS_MIN || !(c->p < 0.05))
    return AB_NOTHING_SHOWN;
  return c->ratio.low > 1 ? AB_FASTER : c->ratio.high < 1 ? AB_SLOWER : AB_NOTHING_SHOWN;
}
