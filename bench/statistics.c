/* Statistics that a sceptical reader accepts: medians, bootstrap intervals, rank tests.

   Everything works on log ratios, so that "twice as fast" and "half as fast" weigh the same.  The
   bootstrap is the plain percentile one (Efron & Tibshirani 1993, ch. 13): pairs are resampled as
   pairs, because the two members of a pair share the machine's mood at that moment.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64 (Steele, Lea & Flood 2014): small, and good enough to draw indices.  */
static uint64_t
draw (uint64_t *state)
{
  uint64_t z = (*state += UINT64_C (0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static size_t
draw_below (uint64_t *state, size_t n)
{
  return (size_t) (((unsigned __int128) draw (state) * n) >> 64);
}

static int
ascending (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* Median of X[N], which is reordered.  Quickselect would be faster; samples are small.  */
static double
median_in_place (double *x, size_t n)
{
  if (n == 0)
    return NAN;
  qsort (x, n, sizeof *x, ascending);
  return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

double
statistics__median (const double *x, size_t n)
{
  if (n == 0)
    return NAN;
  double *copy = malloc (n * sizeof *copy);
  if (!copy)
    return NAN;
  memcpy (copy, x, n * sizeof *copy);
  double median = median_in_place (copy, n);
  free (copy);
  return median;
}

static double
mean (double *x, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += x[i];
  return n ? sum / (double) n : NAN;
}

/* The value below which the share Q of SORTED[N] lies, by linear interpolation.  */
static double
quantile (const double *sorted, size_t n, double q)
{
  double at = q * (double) (n - 1);
  size_t below = (size_t) at;
  if (below + 1 >= n)
    return sorted[n - 1];
  return sorted[below] + (at - (double) below) * (sorted[below + 1] - sorted[below]);
}

/* exp of STATISTIC over X[N], with its percentile bootstrap interval.  */
static struct interval
bootstrap (const double *x, size_t n, double (*statistic) (double *, size_t), double confidence,
           unsigned resamples, uint64_t seed)
{
  struct interval interval = { NAN, NAN, NAN };
  if (n == 0)
    return interval;
  if (resamples == 0)
    resamples = 1000;
  if (!(confidence > 0 && confidence < 1))
    confidence = 0.95;
  double *sample = malloc (n * sizeof *sample);
  double *found = malloc (resamples * sizeof *found);
  if (sample && found)
    {
      memcpy (sample, x, n * sizeof *sample);
      interval.estimate = exp (statistic (sample, n));
      for (unsigned r = 0; r < resamples; r++)
        {
          for (size_t i = 0; i < n; i++)
            sample[i] = x[draw_below (&seed, n)];
          found[r] = statistic (sample, n);
        }
      qsort (found, resamples, sizeof *found, ascending);
      interval.low = exp (quantile (found, resamples, (1 - confidence) / 2));
      interval.high = exp (quantile (found, resamples, (1 + confidence) / 2));
    }
  free (sample);
  free (found);
  return interval;
}

/* log (A/B) of the pairs that have one, malloc'ed; *KEPT of them.  */
static double *
log_ratios (const double *a, const double *b, size_t n, size_t *kept)
{
  double *ratio = malloc ((n ? n : 1) * sizeof *ratio);
  *kept = 0;
  for (size_t i = 0; ratio && i < n; i++)
    if (a[i] > 0 && b[i] > 0 && isfinite (a[i]) && isfinite (b[i]))
      ratio[(*kept)++] = log (a[i] / b[i]);
  return ratio;
}

struct interval
statistics__ratio (const double *a, const double *b, size_t n, double confidence,
                   unsigned resamples, uint64_t seed)
{
  size_t kept;
  double *ratio = log_ratios (a, b, n, &kept);
  struct interval interval = bootstrap (ratio, ratio ? kept : 0, median_in_place, confidence,
                                        resamples, seed);
  free (ratio);
  return interval;
}

struct interval
statistics__geomean (const double *ratio, size_t n, double confidence, unsigned resamples,
                     uint64_t seed)
{
  double *logs = malloc ((n ? n : 1) * sizeof *logs);
  size_t kept = 0;
  for (size_t i = 0; logs && i < n; i++)
    if (ratio[i] > 0 && isfinite (ratio[i]))
      logs[kept++] = log (ratio[i]);
  struct interval interval = bootstrap (logs, kept, mean, confidence, resamples, seed);
  free (logs);
  return interval;
}

static int
by_size (const void *a, const void *b)
{
  double x = fabs (*(const double *) a), y = fabs (*(const double *) b);
  return (x > y) - (x < y);
}

/* Wilcoxon 1945: zeros are left out; ranks of ties are averaged and the variance corrected.  */
double
statistics__signed_rank (const double *a, const double *b, size_t n)
{
  size_t kept;
  double *d = log_ratios (a, b, n, &kept);
  if (!d)
    return NAN;
  size_t m = 0;
  for (size_t i = 0; i < kept; i++)
    if (d[i] != 0)
      d[m++] = d[i];
  if (m == 0)
    {
      free (d);
      return 1;
    }
  qsort (d, m, sizeof *d, by_size);
  double positive = 0, ties = 0;
  for (size_t i = 0; i < m;)
    {
      size_t j = i;
      while (j < m && fabs (d[j]) == fabs (d[i]))
        j++;
      double rank = 0.5 * (double) (i + 1 + j), t = (double) (j - i);
      ties += t * t * t - t;
      for (; i < j; i++)
        if (d[i] > 0)
          positive += rank;
    }
  free (d);
  double k = (double) m;
  double variance = k * (k + 1) * (2 * k + 1) / 24 - ties / 48;
  if (variance <= 0)
    return 1;
  double distance = fabs (positive - k * (k + 1) / 4) - 0.5; /* continuity */
  if (distance < 0)
    distance = 0;
  return erfc (distance / sqrt (variance) / sqrt (2));
}
