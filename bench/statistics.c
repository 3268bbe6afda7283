/* Statistics that a sceptical reader accepts: medians, bootstrap intervals, rank tests.

   Everything works on log ratios, so that "twice as fast" and "half as fast" weigh the same.  The
   bootstrap is the plain percentile one (Efron & Tibshirani 1993, ch. 13): pairs are resampled as
   pairs, because the two members of a pair share the machine's mood at that moment.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/statistics.h"
#include "machine/mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t
draw_below (uint64_t *state, size_t n)
{
  return (size_t) (((unsigned __int128) splitmix64 (state) * n) >> 64);
}

static int
ascending (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

void
statistics__sort (double *x, size_t n)
{
  qsort (x, n, sizeof *x, ascending);
}

/* Median of X[N], which is reordered.  Quickselect would be faster; samples are small.  */
static double
median_in_place (double *x, size_t n)
{
  if (n == 0)
    return NAN;
  statistics__sort (x, n);
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

double
statistics__quantile (const double *sorted, size_t n, double q)
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
      statistics__sort (found, resamples);
      interval.low = exp (statistics__quantile (found, resamples, (1 - confidence) / 2));
      interval.high = exp (statistics__quantile (found, resamples, (1 + confidence) / 2));
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

/* Trimmed mean of a sample of SIZE that holds SORTED[i] COUNT[i] times, i < N.  */
static double
trimmed_of_counts (const double *sorted, const unsigned *count, size_t n, size_t size)
{
  size_t cut = (size_t) (STATISTICS_TRIM * (double) size), at = 0;
  double sum = 0;
  for (size_t i = 0; i < n && at < size - cut; i++)
    {
      size_t begin = at < cut ? cut : at, end = at + count[i];
      at = end;
      if (end > size - cut)
        end = size - cut;
      if (end > begin)
        sum += (double) (end - begin) * sorted[i];
    }
  return sum / (double) (size - 2 * cut);
}

/* Trimmed mean of SORTED[N].  */
static double
trimmed_of_sorted (double *sorted, size_t n)
{
  size_t cut = (size_t) (STATISTICS_TRIM * (double) n);
  return mean (sorted + cut, n - 2 * cut);
}

double
statistics__trimmed_mean (const double *x, size_t n)
{
  double *sorted = n ? malloc (n * sizeof *sorted) : NULL;
  if (!sorted)
    return NAN;
  memcpy (sorted, x, n * sizeof *sorted);
  statistics__sort (sorted, n);
  double found = trimmed_of_sorted (sorted, n);
  free (sorted);
  return found;
}

/* Trimmed means of RESAMPLES samples of SIZE from SORTED[N], sorted; malloc'ed, or NULL.  Sorting the sample once and
   counting draws saves sorting each resample.  */
static double *
resample_trimmed (const double *sorted, size_t n, size_t size, unsigned resamples, uint64_t seed)
{
  double *found = malloc (resamples * sizeof *found);
  unsigned *count = malloc (n * sizeof *count);
  for (unsigned r = 0; found && count && r < resamples; r++)
    {
      memset (count, 0, n * sizeof *count);
      for (size_t i = 0; i < size; i++)
        count[draw_below (&seed, n)]++;
      found[r] = trimmed_of_counts (sorted, count, n, size);
    }
  if (!count)
    {
      free (found);
      found = NULL;
    }
  free (count);
  return found;
}

struct interval
statistics__bootstrap_trimmed (const double *x, size_t n, double confidence, unsigned resamples,
                               uint64_t seed)
{
  struct interval interval = { NAN, NAN, NAN };
  double *sorted = n && resamples ? malloc (n * sizeof *sorted) : NULL;
  if (!sorted)
    return interval;
  memcpy (sorted, x, n * sizeof *sorted);
  statistics__sort (sorted, n);
  double *found = resample_trimmed (sorted, n, n, resamples, seed);
  if (found)
    {
      statistics__sort (found, resamples);
      interval.estimate = trimmed_of_sorted (sorted, n);
      interval.low = statistics__quantile (found, resamples, (1 - confidence) / 2);
      interval.high = statistics__quantile (found, resamples, (1 + confidence) / 2);
    }
  free (found);
  free (sorted);
  return interval;
}

double
statistics__null_width (const double *x, size_t n, size_t size, double share, unsigned resamples,
                        uint64_t seed)
{
  double *both = n && size && resamples ? malloc (2 * n * sizeof *both) : NULL;
  double width = NAN;
  if (!both)
    return width;
  for (size_t i = 0; i < n; i++)
    {
      both[2 * i] = x[i];
      both[2 * i + 1] = -x[i];
    }
  statistics__sort (both, 2 * n);
  double *found = resample_trimmed (both, 2 * n, size, resamples, seed);
  if (found)
    {
      for (unsigned r = 0; r < resamples; r++)
        found[r] = fabs (found[r]);
      statistics__sort (found, resamples);
      width = statistics__quantile (found, resamples, share);
    }
  free (found);
  free (both);
  return width;
}
