/* Times every kernel's plain build against its rewritten build, interleaved in one process.
   Usage: runner [--json FILE] [--budget SECONDS-PER-KERNEL].  The two tables come from the build.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/statistics.h"
#include "kernel.h"
#include <cjson/cJSON.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define K(NAME) extern const struct kernel plain_##NAME, rewritten_##NAME;
#include "kernels.list"
#undef K

static const struct
{
  const struct kernel *plain, *rewritten;
} table[] = {
#define K(NAME) { &plain_##NAME, &rewritten_##NAME },
#include "kernels.list"
#undef K
};

enum
{
  N_KERNELS = sizeof table / sizeof *table,
  N_SIZES = 3,
  PAIRS = 41,
  RESAMPLES = 2000,
  AREA = 8 * 65536 + 64
};

/* From a short call to past the L1 data cache.  */
static const size_t size[N_SIZES] = { 100, 1000, 20000 };

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC_RAW, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static uint64_t
next_random (uint64_t *seed)
{
  uint64_t x = *seed += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/* Fills the areas of WORK with what KERNEL works on, the same each time.  */
static void
fill (const struct kernel *kernel, struct work *work)
{
  uint64_t seed = 42;
  uint8_t *area[2] = { work->a, work->b };
  for (int w = 0; w < 2; w++)
    for (size_t i = 0; i < AREA / 8; i++)
      {
        uint64_t x = next_random (&seed);
        if (kernel->data == DATA_TEXT)
          for (int k = 0; k < 8; k++)
            area[w][8 * i + k] = (uint8_t) " etaoinshrdluTHEN,.\n0123456789zZ"[x >> 8 * k & 31];
        else if (kernel->data == DATA_FLOAT)
          {
            float f[2] = { (float) (x & 0xffff) / 65536.0f, (float) (x >> 48) / -256.0f };
            memcpy (area[w] + 8 * i, f, 8);
          }
        else
          {
            if (kernel->data == DATA_SMALL)
              x &= 0x03ff03ff03ff03ffu;
            memcpy (area[w] + 8 * i, &x, 8);
          }
      }
  memset (work->c, 0, AREA);
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

int
main (int argc, char **argv)
{
  static const struct option options[]
    = { { "json", required_argument, NULL, 'j' }, { "budget", required_argument, NULL, 'b' }, { 0 } };
  const char *json_file = NULL;
  double budget = 0.6;
  for (int c; (c = getopt_long (argc, argv, "", options, NULL)) != -1;)
    if (c == 'j')
      json_file = optarg;
    else if (c == 'b' && atof (optarg) > 0)
      budget = atof (optarg);
    else
      {
        fprintf (stderr, "usage: runner [--json FILE] [--budget SECONDS]\n");
        return 64;
      }
  struct work work = { 0, aligned_alloc (64, AREA), aligned_alloc (64, AREA), aligned_alloc (64, AREA) };
  uint8_t *result = malloc (AREA);
  if (work.a == NULL || work.b == NULL || work.c == NULL || result == NULL)
    return 1;
  cJSON *json = cJSON_CreateObject (), *rows = cJSON_AddArrayToObject (json, "kernels");
  double ratio[N_KERNELS], least = INFINITY;
  int faster = 0, slower = 0, wrong = 0;
  printf ("%-14s %-10s %9s %9s %9s %8s  %s\n", "kernel", "field", "n=100", "n=1000", "n=20000", "ratio",
          "95 % interval");
  for (int k = 0; k < N_KERNELS; k++)
    {
      const struct kernel *kernel[2] = { table[k].plain, table[k].rewritten };
      double per_size[N_SIZES], all[2][N_SIZES * PAIRS];
      for (int s = 0; s < N_SIZES; s++)
        {
          work.size = size[s];
          fill (kernel[0], &work);
          uint64_t answer = kernel[0]->run (&work);
          memcpy (result, work.c, AREA);
          fill (kernel[0], &work);
          if (kernel[1]->run (&work) != answer || memcmp (result, work.c, AREA) != 0)
            {
              printf ("%s: WRONG RESULT at size %zu\n", kernel[0]->name, size[s]);
              wrong++;
            }
          double once = sample (kernel[0], &work, 3);
          once = sample (kernel[0], &work, 1 + (unsigned) (1e-4 / once));
          unsigned inner = 1 + (unsigned) (budget / N_SIZES / PAIRS / 2 / once);
          for (int p = 0; p < PAIRS; p++)
            for (int turn = 0; turn < 2; turn++)
              {
                int which = (p + turn) & 1;
                all[which][s * PAIRS + p] = sample (kernel[which], &work, inner);
              }
          per_size[s] = statistics__ratio (all[0] + s * PAIRS, all[1] + s * PAIRS, PAIRS, 0.95, 200, 1)
                          .estimate;
        }
      ratio[k] = exp ((log (per_size[0]) + log (per_size[1]) + log (per_size[2])) / N_SIZES);
      struct interval i = statistics__ratio (all[0], all[1], N_SIZES * PAIRS, 0.95, RESAMPLES, 1);
      printf ("%-14s %-10s %9.2f %9.2f %9.2f %8.2f  %.2f-%.2f\n", kernel[0]->name, kernel[0]->field,
              per_size[0], per_size[1], per_size[2], ratio[k], i.low, i.high);
      fflush (stdout);
      cJSON *row = cJSON_CreateObject ();
      cJSON_AddStringToObject (row, "kernel", kernel[0]->name);
      cJSON_AddStringToObject (row, "field", kernel[0]->field);
      cJSON_AddNumberToObject (row, "ratio", ratio[k]);
      cJSON_AddItemToObject (row, "by_size", cJSON_CreateDoubleArray (per_size, N_SIZES));
      cJSON_AddItemToArray (rows, row);
      faster += ratio[k] > 1.03;
      slower += ratio[k] < 0.97;
      least = fmin (least, ratio[k]);
    }
  struct interval g = statistics__geomean (ratio, N_KERNELS, 0.95, RESAMPLES, 1);
  printf ("%d kernels: geomean %.2f (95 %% interval over kernels %.2f-%.2f), least %.2f; "
          "%d faster, %d slower, %d wrong\n",
          N_KERNELS, g.estimate, g.low, g.high, least, faster, slower, wrong);
  cJSON_AddNumberToObject (json, "geomean", g.estimate);
  cJSON_AddNumberToObject (json, "low", g.low);
  cJSON_AddNumberToObject (json, "high", g.high);
  cJSON_AddNumberToObject (json, "least", least);
  cJSON_AddNumberToObject (json, "wrong", wrong);
  if (json_file != NULL)
    {
      char *text = cJSON_Print (json);
      FILE *f = fopen (json_file, "w");
      if (f == NULL || fputs (text, f) == EOF || fclose (f) != 0)
        {
          perror (json_file);
          return 1;
        }
      free (text);
    }
  cJSON_Delete (json);
  free (result);
  free (work.a);
  free (work.b);
  free (work.c);
  return wrong ? 1 : 0;
}
