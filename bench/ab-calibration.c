/* Does `aiopt ab` keep its word?  On two copies of one program it may claim a difference in 5 % of
   experiments; a slowdown that is really there it has to find.  Everything runs through the command
   itself, as a user's experiment would.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/looks.h"
#include "bench/statistics.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* More claims than this probable at a true rate of 5 % fail: one calibration in a thousand by bad
 * luck.  */
#define UNLIKELY 0.001
/* What has to be found of the larger slowdown.  */
#define SHARE_DETECTED 0.9
#define SECONDS_EACH 60
#define STEPS 3000000 /* about 6 ms at 4 cycles a step and 2 GHz or more */

enum
{
  KEY_NULLS = 'n',
  KEY_TWOS = 'm',
  KEY_ONES = 'k',
  KEY_RUNS = 'r'
};

struct options
{
  unsigned n[3]; /* experiments: no slowdown, 2 %, 1 % */
  unsigned runs; /* pairs of each experiment without slowdown */
  const char *aiopt, *workload;
};

struct outcome
{
  bool claimed, slower;
  double pairs, seconds, noise, ratio;
};

static volatile sig_atomic_t stop;

static void
on_interrupt (int signal)
{
  (void)signal;
  stop = 1;
}

static const struct argp_option option_table[] = {
  { "nulls", KEY_NULLS, "N", 0, "experiments on two copies of one program (default 200)", 0 },
  { "twos", KEY_TWOS, "N", 0, "experiments with a slowdown of 2 % (default 50)", 0 },
  { "ones", KEY_ONES, "N", 0, "experiments with a slowdown of 1 % (default 20)", 0 },
  { "runs", KEY_RUNS, "N", 0, "pairs at most in an experiment on two copies (default 60)", 0 },
  { 0 },
};

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  unsigned *number = key == KEY_NULLS  ? &options->n[0]
                     : key == KEY_TWOS ? &options->n[1]
                     : key == KEY_ONES ? &options->n[2]
                     : key == KEY_RUNS ? &options->runs
                                       : NULL;
  if (number)
    {
      char *end;
      unsigned long value = strtoul (argument, &end, 10);
      if (*end || end == argument || value > 100000)
        argp_error (state, "'%s': expected a whole number from 0 to 100000", argument);
      *number = (unsigned)value;
      return 0;
    }
  switch (key)
    {
    case ARGP_KEY_ARG:
      if (state->arg_num > 1)
        return ARGP_ERR_UNKNOWN;
      *(state->arg_num ? &options->workload : &options->aiopt) = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->workload)
        argp_error (state, "expected the paths of aiopt and ab-workload");
      return 0;
    }
  return ARGP_ERR_UNKNOWN;
}

/* Copies file FROM to TO, executable.  */
static bool
copy (const char *from, const char *to)
{
  char buffer[65536];
  FILE *in = fopen (from, "re"), *out = fopen (to, "we");
  bool good = in && out;
  size_t n;
  while (good && (n = fread (buffer, 1, sizeof buffer, in)) > 0)
    good = fwrite (buffer, 1, n, out) == n;
  good &= in && !ferror (in);
  if (in)
    fclose (in);
  if (out)
    good &= fchmod (fileno (out), 0755) == 0 && fclose (out) == 0;
  return good;
}

/* Reads the JSON that `aiopt ab` wrote to PATH.  */
static bool
read_outcome (const char *path, struct outcome *outcome)
{
  char *text = NULL;
  size_t size = 0;
  FILE *f = fopen (path, "re");
  bool good = f && getdelim (&text, &size, '\0', f) > 0;
  if (f)
    fclose (f);
  cJSON *json = good ? cJSON_Parse (text) : NULL;
  free (text);
  const char *verdict = cJSON_GetStringValue (cJSON_GetObjectItem (json, "verdict"));
  if (verdict)
    *outcome = (struct outcome){
      .claimed = strcmp (verdict, "no-difference-shown") != 0,
      .slower = strcmp (verdict, "slower") == 0,
      .pairs = cJSON_GetNumberValue (cJSON_GetObjectItem (json, "pairs")),
      .seconds = cJSON_GetNumberValue (cJSON_GetObjectItem (json, "seconds")),
      .noise = cJSON_GetNumberValue (cJSON_GetObjectItem (json, "noise")),
      .ratio = cJSON_GetNumberValue (cJSON_GetObjectItem (json, "ratio")),
    };
  cJSON_Delete (json);
  return verdict != NULL;
}

/* One experiment: PROGRAM[0] with STEPS against PROGRAM[1] with PER_CENT more, LIMIT being "--runs"
   or "--seconds" and VALUE.  False after a message, or where interrupted.  */
static bool
experiment (const struct options *options, char *const program[2], const char *json,
            unsigned per_cent, const char *limit, unsigned value, struct outcome *outcome)
{
  char number[32], steps[2][32];
  snprintf (number, sizeof number, "%u", value);
  snprintf (steps[0], sizeof steps[0], "%u", STEPS);
  snprintf (steps[1], sizeof steps[1], "%u", STEPS / 100 * (100 + per_cent));
  const char *argv[] = { options->aiopt, "ab",     limit, number,     "--json", json,
                         program[0],     steps[0], "--",  program[1], steps[1], NULL };
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", 1, 0);
  pid_t pid;
  int status = -1, error = posix_spawn (&pid, argv[0], &actions, NULL, (char **)argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  if (error)
    {
      fprintf (stderr, "ab-calibration: %s: %s\n", argv[0], strerror (error));
      return false;
    }
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (stop)
    return false;
  if (status != 0 || !read_outcome (json, outcome))
    {
      fprintf (stderr, "ab-calibration: an experiment failed, wait status %d\n", status);
      return false;
    }
  return true;
}

/* N experiments at PER_CENT into OUTCOME[N].  The number that were run.  */
static unsigned
series (const struct options *options, char *const program[2], const char *json, unsigned per_cent,
        unsigned n, struct outcome *outcome)
{
  unsigned done = 0;
  bool tty = isatty (2);
  while (done < n
         && experiment (options, program, json, per_cent, per_cent ? "--seconds" : "--runs",
                        per_cent ? SECONDS_EACH : options->runs, outcome + done))
    {
      done++;
      if (tty)
        fprintf (stderr, "\r%u %% slower: %u of %u experiments", per_cent, done, n);
    }
  if (tty && n)
    fprintf (stderr, "\r\033[K");
  return done;
}

/* The largest count that N experiments at a rate of 5 % give with more than UNLIKELY.  */
static unsigned
most_claims (unsigned n)
{
  unsigned k = 0;
  while (k < n && statistics__binomial_tail (k + 1, n, LOOKS_LEVEL) > UNLIKELY)
    k++;
  return k;
}

/* Median of a member of OUTCOME[N].  */
#define MEDIAN(member)                                                                             \
  ({                                                                                               \
    for (unsigned i_ = 0; i_ < n; i_++)                                                            \
      column[i_] = outcome[i_].member;                                                             \
    statistics__median (column, n);                                                                \
  })

/* Prints what N OUTCOMEs with a slowdown of PER_CENT come to.  False where that breaks the promise.
 */
static bool
report (const struct outcome *outcome, unsigned n, unsigned per_cent, double *column)
{
  unsigned claimed = 0, slower = 0;
  double longest = 0;
  for (unsigned i = 0; i < n; i++)
    {
      claimed += outcome[i].claimed;
      slower += outcome[i].slower;
      longest = fmax (longest, outcome[i].seconds);
    }
  double pairs = MEDIAN (pairs), seconds = MEDIAN (seconds), noise = MEDIAN (noise);
  bool good = true;
  if (per_cent == 0)
    {
      unsigned limit = most_claims (n);
      good = claimed <= limit;
      printf ("two copies of one program: %u of %u experiments claim a difference (%u slower), "
              "%.1f %%\n"
              "  5 %% would be %.1f; more than %u would be wrong: %s\n",
              claimed, n, slower, 100.0 * claimed / n, LOOKS_LEVEL * n, limit,
              good ? "kept" : "BROKEN");
    }
  else
    {
      good = per_cent < 2 || (slower >= SHARE_DETECTED * n && longest <= SECONDS_EACH + 1);
      printf ("%u %% slower: %u of %u experiments find it, %.0f %%; %u claim the contrary%s\n",
              per_cent, slower, n, 100.0 * slower / n, claimed - slower,
              per_cent < 2 ? ""
              : good       ? ": kept"
                           : ": BROKEN");
    }
  printf ("  median: %.0f pairs, %.1f s, A/B %.4f, A/A noise %.2f %%; longest %.1f s\n", pairs,
          seconds, MEDIAN (ratio), 100 * noise, longest);
  fflush (stdout);
  return good;
}

/* All series in DIRECTORY.  The exit status.  */
static int
calibrate (const struct options *options, const char *directory)
{
  static const unsigned per_cent[] = { 0, 2, 1 };
  char paths[3][200];
  for (unsigned i = 0; i < 3; i++)
    snprintf (paths[i], sizeof paths[i], "%s/%s", directory,
              (const char *[]){ "a", "b", "json" }[i]);
  char *const program[2] = { paths[0], paths[1] };
  int status = 0;
  if (!copy (options->workload, program[0]) || !copy (options->workload, program[1]))
    {
      fprintf (stderr, "ab-calibration: copying %s to %s: %s\n", options->workload, directory,
               strerror (errno));
      status = 1;
    }
  for (unsigned s = 0; status == 0 && s < 3; s++)
    {
      unsigned n = options->n[s];
      struct outcome *outcome = calloc (n + 1, sizeof *outcome);
      double *column = calloc (n + 1, sizeof *column);
      unsigned done
          = outcome && column ? series (options, program, paths[2], per_cent[s], n, outcome) : 0;
      if (done > 0 && !report (outcome, done, per_cent[s], column))
        status = 1;
      if (done < n)
        status = stop ? 130 : 1;
      free (outcome);
      free (column);
    }
  for (unsigned i = 0; i < 3; i++)
    unlink (paths[i]);
  return status;
}

int
main (int argc, char **argv)
{
  static const struct argp argp = {
    option_table,
    parse,
    "AIOPT AB-WORKLOAD",
    "Counts the false and the missed claims of `aiopt ab`.\vExit status: 0 as promised, 1 not.",
    NULL,
    NULL,
    NULL
  };
  struct options options = { .n = { 200, 50, 20 }, .runs = 60 };
  argp_parse (&argp, argc, argv, 0, NULL, &options);
  struct sigaction interrupt = { .sa_handler = on_interrupt };
  sigaction (SIGINT, &interrupt, NULL);
  char directory[] = "/tmp/aiopt-calibration-XXXXXX", date[64];
  if (!mkdtemp (directory))
    {
      fprintf (stderr, "ab-calibration: %s: %s\n", directory, strerror (errno));
      return 1;
    }
  struct utsname name;
  time_t now = time (NULL);
  strftime (date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime (&now));
  if (uname (&name) == 0)
    printf ("%s, %s %s, %ld CPUs, %s\n", name.nodename, name.sysname, name.release,
            sysconf (_SC_NPROCESSORS_ONLN), date);
  fflush (stdout);
  int status = calibrate (&options, directory);
  rmdir (directory);
  return status;
}
