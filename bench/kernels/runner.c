/* Times every kernel in all its builds, interleaved in random order in one process, and compares their results.
   Usage: runner --json FILE [--budget SECONDS-PER-KERNEL] [KERNEL…], all of them where none is named.  The table (runner.h) comes from bench/run; what the times
   mean is worked out in bench/run-report.c.  Or: runner --train.  Each kernel's aiopt build is called some times, for `aiopt record`,
   with data and sizes that nothing is timed on.

   A round takes one sample of each build, in an order drawn anew.  Times are CPU time of the thread, so that what other
   programs take of the processor isn't counted.

   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "runner.h"
#include "machine/mix.h"
#include <cjson/cJSON.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum
{
  N_SIZES = 4,
  ROUNDS_MAX = 41,
  ROUNDS_MIN = 7,
  SLACK = 4096,             /* what a kernel may use of an area beyond its bytes × size */
  SECONDS_ONE_RUN_MAX = 60, /* a run that takes longer hangs */
  TIMED_SEED = 42,
  TRAINING_SEED = 4711,
  TRAINING_CALLS = 3
};
#define SAMPLE_SECONDS 5e-4 /* of a sample at least: a thousand times what reading the clock takes */

/* A short call, then within the L1 data cache, within L2, and (0) past it.  */
static const size_t fixed_size[N_SIZES] = { 100, 1000, 20000, 0 };

/* A program's training run has other sizes than its work, and smaller ones: calls of many thousand instructions aren't recorded.  */
static const size_t training_size[] = { 12, 60, 300, 1500 };

/* What runs at the moment, for the signal handler.  */
static const char *volatile running_kernel = "?", *volatile running_build = "?";

static void
put (const char *text)
{
  if (write (2, text, strlen (text)) < 0)
    _exit (1);
}

static void
on_signal (int number)
{
  put ("runner: kernel ");
  put (running_kernel);
  put (", build ");
  put (running_build);
  put (number == SIGALRM  ? ": doesn't end\n"
       : number == SIGILL ? ": illegal instruction\n"
       : number == SIGFPE ? ": arithmetic fault\n"
                          : ": memory fault\n");
  _exit (1);
}

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* Letters about as frequent as in English, a space after five and a newline after sixty on average.  */
static void
fill_text (uint8_t *p, size_t n, uint64_t *seed)
{
  static const char letter[] = "eeeeeeeeeeeetttttttttaaaaaaaaoooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllluuucc"
                               "mmwwffggyyppbbvkETAOINSHRDLU,,..;:0123456789";
  for (size_t i = 0; i < n; i++)
    {
      uint64_t x = splitmix64 (seed);
      p[i] = x % 61 == 0 ? '\n' : x % 6 == 0 ? ' ' : (uint8_t) letter[(x >> 32) % (sizeof letter - 1)];
    }
}

static void
fill_pixels (uint8_t *p, size_t n, uint64_t *seed)
{
  int level = 128, slope = 1;
  for (size_t i = 0; i < n; i++)
    {
      uint64_t x = splitmix64 (seed);
      if ((x & 63) == 0)
        slope = (int) (x >> 8 & 7) - 3;
      level += slope;
      if (level < 8 || level > 247)
        slope = -slope, level += 2 * slope;
      p[i] = (uint8_t) (level + (int) (x >> 16 & 7) - 4);
    }
}

/* Fills N bytes (a multiple of 8) at P with data of KIND.  */
static void
fill (enum data kind, uint8_t *p, size_t n, uint64_t *seed)
{
  if (kind == DATA_TEXT)
    fill_text (p, n, seed);
  else if (kind == DATA_PIXELS)
    fill_pixels (p, n, seed);
  else
    for (size_t i = 0; i < n; i += 8)
      {
        uint64_t x = splitmix64 (seed);
        if (kind == DATA_FLOAT)
          {
            float f[2] = { (float) (x & 0xffff) / 65536.0f, (float) (x >> 48) / -256.0f };
            memcpy (p + i, f, 8);
          }
        else if (kind == DATA_DOUBLE)
          {
            double d = (double) (x >> 12) / (double) (1ull << 52) - 0.25;
            memcpy (p + i, &d, 8);
          }
        else
          {
            if (kind == DATA_SMALL)
              x &= 0x03ff03ff03ff03ffu;
            memcpy (p + i, &x, 8);
          }
      }
}

/* Three areas and copies of them, as they were before any build ran and as the first build left them.  */
struct areas
{
  struct work work;
  uint8_t *at[3], *pristine[3], *result[3];
  size_t used; /* bytes of each that matter at the present size */
};

static bool
areas__allocate (struct areas *areas)
{
  for (int i = 0; i < 3; i++)
    {
      areas->at[i] = aligned_alloc (4096, AREA);
      areas->pristine[i] = aligned_alloc (4096, AREA);
      areas->result[i] = aligned_alloc (4096, AREA);
      if (areas->at[i] == NULL || areas->pristine[i] == NULL || areas->result[i] == NULL)
        return false;
    }
  areas->work = (struct work){ 0, areas->at[0], areas->at[1], areas->at[2] };
  return true;
}

static void
areas__free (struct areas *areas)
{
  for (int i = 0; i < 3; i++)
    {
      free (areas->at[i]);
      free (areas->pristine[i]);
      free (areas->result[i]);
    }
}

/* Makes KERNEL's data for SIZE elements from SEED, the same each time.  */
static void
areas__fill (struct areas *areas, const struct kernel *kernel, size_t size, uint64_t seed)
{
  size_t used = (kernel->bytes * size + SLACK + 7) & ~(size_t) 7;
  areas->used = used < AREA ? used : AREA;
  areas->work.size = size;
  fill (kernel->data, areas->at[0], areas->used, &seed);
  fill (kernel->data, areas->at[1], areas->used, &seed);
  memset (areas->at[2], 0, areas->used);
  if (kernel->prepare != NULL)
    kernel->prepare (&areas->work);
  for (int i = 0; i < 3; i++)
    memcpy (areas->pristine[i], areas->at[i], areas->used);
}

static void
areas__reset (struct areas *areas)
{
  for (int i = 0; i < 3; i++)
    memcpy (areas->at[i], areas->pristine[i], areas->used);
}

/* Do two results differ in rounding alone?  */
static bool
is_near (double x, double y)
{
  return x == y || (isnan (x) && isnan (y)) || fabs (x - y) <= 1e-3 * (1 + fabs (x) + fabs (y));
}

static bool
area_is_near (enum data kind, const uint8_t *p, const uint8_t *q, size_t n)
{
  size_t step = kind == DATA_FLOAT ? sizeof (float) : sizeof (double);
  for (size_t i = 0; i + step <= n; i += step)
    {
      if (memcmp (p + i, q + i, step) == 0)
        continue;
      float f[2];
      double d[2];
      if (kind == DATA_FLOAT)
        {
          memcpy (f, p + i, step);
          memcpy (f + 1, q + i, step);
          d[0] = f[0], d[1] = f[1];
        }
      else
        {
          memcpy (d, p + i, step);
          memcpy (d + 1, q + i, step);
        }
      if (!is_near (d[0], d[1]))
        return false;
    }
  return true;
}

enum outcome { EQUAL, ROUNDED, DIFFERENT };

/* Is what is in AREAS, with checksum SUM, what the first build left with checksum ANSWER?  */
static enum outcome
areas__compare (const struct areas *areas, enum data kind, uint64_t sum, uint64_t answer)
{
  bool equal = sum == answer;
  for (int i = 0; i < 3; i++)
    equal = equal && memcmp (areas->at[i], areas->result[i], areas->used) == 0;
  if (equal)
    return EQUAL;
  if (kind != DATA_FLOAT && kind != DATA_DOUBLE)
    return DIFFERENT;
  double x, y;
  memcpy (&x, &sum, sizeof x);
  memcpy (&y, &answer, sizeof y);
  bool near = is_near (x, y);
  for (int i = 0; i < 3; i++)
    near = near && area_is_near (kind, areas->at[i], areas->result[i], areas->used);
  return near ? ROUNDED : DIFFERENT;
}

/* Seconds a run of KERNEL, over INNER runs.  */
static double
sample (const struct kernel *kernel, struct work *work, unsigned inner)
{
  volatile uint64_t sink = 0;
  double start = now ();
  for (unsigned i = 0; i < inner; i++)
    sink += kernel->run (work);
  (void) sink;
  return (now () - start) / inner;
}

/* Takes samples of all builds of ROW at one size, in at most BUDGET seconds or so, and adds them to SECONDS[build].  */
static void
time_builds (const struct runner_row *row, struct areas *areas, double budget, uint64_t *seed, cJSON *const *seconds)
{
  unsigned n = runner_n_builds, inner[BUILDS_MAX], order[BUILDS_MAX];
  double value[BUILDS_MAX][ROUNDS_MAX], round_seconds = 0;
  double target = budget / ROUNDS_MAX / n;
  if (target < SAMPLE_SECONDS)
    target = SAMPLE_SECONDS;
  areas__reset (areas);
  for (unsigned b = 0; b < n; b++)
    {
      running_build = runner_build[b];
      alarm (SECONDS_ONE_RUN_MAX);
      double once = sample (row->build[b], &areas->work, 1);
      if (once < target / 20)
        once = sample (row->build[b], &areas->work, 1 + (unsigned) (target / 20 / (once + 1e-7)));
      inner[b] = (unsigned) (target / once + 0.5);
      if (inner[b] == 0)
        inner[b] = 1;
      round_seconds += once * inner[b];
      order[b] = b;
    }
  unsigned rounds = (unsigned) fmin (ROUNDS_MAX, budget / round_seconds);
  if (rounds < ROUNDS_MIN)
    rounds = ROUNDS_MIN;
  for (unsigned r = 0; r < rounds; r++)
    {
      for (unsigned i = n; i > 1; i--)
        {
          unsigned k = (unsigned) (splitmix64 (seed) % i), swap = order[i - 1];
          order[i - 1] = order[k];
          order[k] = swap;
        }
      alarm (SECONDS_ONE_RUN_MAX);
      for (unsigned i = 0; i < n; i++)
        {
          running_build = runner_build[order[i]];
          value[order[i]][r] = sample (row->build[order[i]], &areas->work, inner[order[i]]);
        }
    }
  alarm (0);
  for (unsigned b = 0; b < n; b++)
    cJSON_AddItemToArray (seconds[b], cJSON_CreateDoubleArray (value[b], (int) rounds));
}

/* Runs ROW's kernel at all sizes; what came out, for the JSON.  *WRONG counts builds that gave another result.  */
static cJSON *
run_kernel (const struct runner_row *row, struct areas *areas, double budget, unsigned *wrong)
{
  static const char *const text[] = { "equal", "rounded", "different" };
  const struct kernel *first = row->build[0];
  enum outcome worst[BUILDS_MAX] = { EQUAL };
  uint64_t seed = 1;
  cJSON *json = cJSON_CreateObject (), *seconds[BUILDS_MAX];
  cJSON_AddStringToObject (json, "kernel", first->name);
  cJSON_AddStringToObject (json, "field", first->field);
  cJSON *sizes = cJSON_AddArrayToObject (json, "sizes"), *times = cJSON_AddObjectToObject (json, "seconds");
  for (unsigned b = 0; b < runner_n_builds; b++)
    seconds[b] = cJSON_AddArrayToObject (times, runner_build[b]);
  running_kernel = first->name;
  for (int s = 0; s < N_SIZES; s++)
    {
      size_t size = fixed_size[s] ? fixed_size[s] : PAST_L2 / first->bytes;
      cJSON_AddItemToArray (sizes, cJSON_CreateNumber ((double) size));
      areas__fill (areas, first, size, TIMED_SEED);
      uint64_t answer = 0;
      for (unsigned b = 0; b < runner_n_builds; b++)
        {
          running_build = runner_build[b];
          areas__reset (areas);
          alarm (SECONDS_ONE_RUN_MAX);
          uint64_t sum = row->build[b]->run (&areas->work);
          alarm (0);
          if (b == 0)
            {
              answer = sum;
              for (int i = 0; i < 3; i++)
                memcpy (areas->result[i], areas->at[i], areas->used);
              continue;
            }
          enum outcome outcome = areas__compare (areas, first->data, sum, answer);
          if (outcome == ROUNDED && strcmp (runner_build[b], "aiopt") == 0)
            outcome = DIFFERENT;
          if (outcome == DIFFERENT)
            {
              fprintf (stderr, "runner: kernel %s, build %s: wrong result at size %zu\n", first->name,
                       runner_build[b], size);
              ++*wrong;
            }
          if (outcome > worst[b])
            worst[b] = outcome;
        }
      time_builds (row, areas, budget / N_SIZES, &seed, seconds);
    }
  cJSON *results = cJSON_AddObjectToObject (json, "results");
  for (unsigned b = 0; b < runner_n_builds; b++)
    cJSON_AddStringToObject (results, runner_build[b], text[worst[b]]);
  return json;
}

/* Calls ROW's aiopt build on training data.  */
static void
train_kernel (const struct runner_row *row, struct areas *areas)
{
  uint64_t seed = TRAINING_SEED;
  running_kernel = row->build[0]->name;
  for (unsigned b = 0; b < runner_n_builds; b++)
    {
      if (strcmp (runner_build[b], "aiopt") != 0)
        continue;
      running_build = runner_build[b];
      for (unsigned call = 0; call < TRAINING_CALLS; call++)
        for (unsigned s = 0; s < sizeof training_size / sizeof *training_size; s++)
          {
            areas__fill (areas, row->build[b], training_size[s] + call, splitmix64 (&seed));
            row->build[b]->run (&areas->work);
          }
    }
}

static int
write_json (const cJSON *json, const char *file)
{
  char *text = cJSON_PrintUnformatted (json);
  FILE *f = fopen (file, "w");
  bool written = f != NULL && text != NULL && fputs (text, f) != EOF;
  if (f != NULL && fclose (f) != 0)
    written = false;
  free (text);
  if (!written)
    perror (file);
  return written ? 0 : -1;
}

static bool
row_is_there (const char *name)
{
  for (unsigned k = 0; k < runner_n_rows; k++)
    if (strcmp (runner_row[k].build[0]->name, name) == 0)
      return true;
  return false;
}

/* Is NAME one of the N NAMES, or are all meant, as there are none?  */
static bool
is_among (const char *name, char *const *names, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    if (strcmp (names[i], name) == 0)
      return true;
  return n == 0;
}

int
main (int argc, char **argv)
{
  static const struct option options[]
    = { { "json", required_argument, NULL, 'j' }, { "budget", required_argument, NULL, 'b' }, { "train", no_argument, NULL, 't' },
        { 0 } };
  const char *file = NULL;
  double budget = 2;
  bool train = false, usage = false;
  for (int c; (c = getopt_long (argc, argv, "", options, NULL)) != -1;)
    if (c == 'j')
      file = optarg;
    else if (c == 'b' && atof (optarg) > 0)
      budget = atof (optarg);
    else if (c == 't')
      train = true;
    else
      usage = true;
  for (int i = optind; i < argc; i++)
    usage = usage || train || !row_is_there (argv[i]);
  if (usage || (file == NULL) != train)
    {
      fprintf (stderr, "usage: runner --json FILE [--budget SECONDS-PER-KERNEL] [KERNEL…], or runner --train\n");
      return 64;
    }
  static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM };
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    signal (signals[i], on_signal);
  struct areas areas = { 0 };
  if (!areas__allocate (&areas))
    {
      fprintf (stderr, "runner: no memory for areas of %d bytes\n", AREA);
      areas__free (&areas);
      return 1;
    }
  if (train)
    {
      for (unsigned k = 0; k < runner_n_rows; k++)
        train_kernel (&runner_row[k], &areas);
      areas__free (&areas);
      return 0;
    }
  unsigned wrong = 0;
  cJSON *json = cJSON_CreateObject (), *rows = cJSON_AddArrayToObject (json, "kernels");
  for (unsigned k = 0; k < runner_n_rows; k++)
    {
      if (!is_among (runner_row[k].build[0]->name, argv + optind, (unsigned) (argc - optind)))
        continue;
      if (isatty (2))
        fprintf (stderr, "\r\033[Ktiming %u of %u: %s", k + 1, runner_n_rows, runner_row[k].build[0]->name);
      cJSON_AddItemToArray (rows, run_kernel (&runner_row[k], &areas, budget, &wrong));
    }
  if (isatty (2))
    fprintf (stderr, "\r\033[K");
  int written = write_json (json, file);
  cJSON_Delete (json);
  areas__free (&areas);
  return wrong || written ? 1 : 0;
}
