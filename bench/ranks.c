/* The signed-rank test, the interval that goes with it, and Holm's correction.

   The test's null distribution is that of the signs: each of the 2^N ways to give N differences
   their signs is as likely as any other. Where signs were drawn by coin, as `aiopt ab` does by
   drawing who runs first, that holds whatever the machine does (Fisher's randomisation test), so
   the exact distribution is used as far as it is affordable.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int
by_size (const void *a, const void *b)
{
  double x = fabs (*(const double *)a), y = fabs (*(const double *)b);
  return (x > y) - (x < y);
}

/* P (sum of chosen RANKs = s) into a malloc'ed array for s = 0 … *TOTAL, each of N ranks chosen by
   a fair coin.  NULL without memory.  */
static double *
sum_distribution (const unsigned *rank, size_t n, size_t *total)
{
  *total = 0;
  for (size_t i = 0; i < n; i++)
    *total += rank[i];
  double *p = calloc (*total + 1, sizeof *p);
  if (!p)
    return NULL;
  p[0] = 1;
  size_t reached = 0;
  for (size_t i = 0; i < n; i++)
    {
      reached += rank[i];
      for (size_t s = reached + 1; s-- > 0;)
        p[s] = 0.5 * p[s] + (s >= rank[i] ? 0.5 * p[s - rank[i]] : 0);
    }
  return p;
}

/* The exact two-sided p for a sum POSITIVE of ranks, all doubled so that midranks are whole
 * numbers.  */
static double
exact_p (const unsigned *rank, size_t n, size_t positive)
{
  size_t total;
  double *p = sum_distribution (rank, n, &total);
  if (!p)
    return NAN;
  size_t tail = positive < total - positive ? positive : total - positive;
  double sum = 0;
  for (size_t s = 0; s <= tail; s++)
    sum += p[s];
  free (p);
  return fmin (1, 2 * sum);
}

double
statistics__signed_rank (const double *x, size_t n)
{
  double *d = malloc ((n ? n : 1) * sizeof *d);
  unsigned *rank = malloc ((n ? n : 1) * sizeof *rank);
  double p = NAN;
  size_t m = 0, positive = 0;
  if (!d || !rank)
    goto done;
  for (size_t i = 0; i < n; i++)
    if (x[i] != 0)
      d[m++] = x[i];
  p = 1;
  if (m == 0)
    goto done;
  qsort (d, m, sizeof *d, by_size);
  double ties = 0;
  for (size_t i = 0; i < m;)
    {
      size_t j = i;
      while (j < m && fabs (d[j]) == fabs (d[i]))
        j++;
      unsigned doubled = (unsigned)(i + 1 + j);
      double t = (double)(j - i);
      ties += t * t * t - t;
      for (; i < j; i++)
        {
          rank[i] = doubled;
          positive += d[i] > 0 ? doubled : 0;
        }
    }
  if (m <= STATISTICS_EXACT)
    {
      p = exact_p (rank, m, positive);
      goto done;
    }
  double k = (double)m;
  double variance = k * (k + 1) * (2 * k + 1) / 24 - ties / 48;
  double distance
      = fmax (0, fabs (0.5 * (double)positive - k * (k + 1) / 4) - 0.5); /* continuity */
  p = variance > 0 ? erfc (distance / sqrt (variance) / sqrt (2)) : 1;
done:
  free (d);
  free (rank);
  return p;
}

/* The largest K with P (signed-rank sum <= K) <= TAIL for N values without ties; -1: there is none.
 */
static double
critical_sum (size_t n, double tail)
{
  if (n > STATISTICS_EXACT)
    {
      double low = 0, high = 40, k = (double)n; /* the normal quantile, by bisection */
      for (int i = 0; i < 100; i++)
        {
          double middle = 0.5 * (low + high);
          *(0.5 * erfc (middle / sqrt (2)) > tail ? &low : &high) = middle;
        }
      return floor (k * (k + 1) / 4 - high * sqrt (k * (k + 1) * (2 * k + 1) / 24) - 0.5);
    }
  unsigned rank[STATISTICS_EXACT];
  for (size_t i = 0; i < n; i++)
    rank[i] = (unsigned)i + 1;
  size_t total;
  double *p = sum_distribution (rank, n, &total), sum = 0, k = -1;
  for (size_t s = 0; p && s <= total && (sum += p[s]) <= tail; s++)
    k = (double)s;
  free (p);
  return k;
}

/* The K-th smallest (from 1) of the N (N + 1) / 2 averages of two of SORTED[N], each with itself
   too: by bisection, counting in linear time, so that they need not be stored.  */
static double
walsh_average (const double *sorted, size_t n, double k)
{
  double low = sorted[0], high = sorted[n - 1];
  if (k <= 1 || low == high)
    return low;
  for (int i = 0; i < 200; i++)
    {
      double middle = low + 0.5 * (high - low), count = 0;
      if (middle <= low || middle >= high)
        break;
      for (size_t a = 0, b = n; a < n; a++)
        {
          while (b > 0 && 0.5 * (sorted[a] + sorted[b - 1]) > middle)
            b--;
          if (b <= a)
            break;
          count += (double)(b - a);
        }
      *(count >= k ? &high : &low) = middle;
    }
  return high;
}

struct interval
statistics__rank_interval (const double *x, size_t n, double confidence)
{
  struct interval interval = { NAN, NAN, NAN };
  double *sorted = n ? malloc (n * sizeof *sorted) : NULL;
  if (!sorted)
    return interval;
  memcpy (sorted, x, n * sizeof *sorted);
  statistics__sort (sorted, n);
  double all = 0.5 * (double)n * ((double)n + 1), k = critical_sum (n, 0.5 * (1 - confidence));
  interval.estimate = 0.5
                      * (walsh_average (sorted, n, floor (0.5 * (all + 1)))
                         + walsh_average (sorted, n, ceil (0.5 * (all + 1))));
  interval.low = k < 0 ? -INFINITY : walsh_average (sorted, n, k + 1);
  interval.high = k < 0 ? INFINITY : walsh_average (sorted, n, all - k);
  free (sorted);
  return interval;
}

void
statistics__holm (const double *p, size_t n, double *adjusted)
{
  double *sorted = malloc ((n ? n : 1) * sizeof *sorted),
         *step = malloc ((n ? n : 1) * sizeof *step);
  if (sorted && step)
    {
      memcpy (sorted, p, n * sizeof *sorted);
      statistics__sort (sorted, n);
      for (size_t i = 0; i < n; i++)
        {
          step[i] = fmin (1, (double)(n - i) * sorted[i]);
          if (i > 0 && step[i] < step[i - 1])
            step[i] = step[i - 1];
        }
      for (size_t i = 0; i < n; i++)
        {
          size_t at = 0;
          while (at + 1 < n && sorted[at] < p[i])
            at++;
          adjusted[i] = step[at];
        }
    }
  else
    for (size_t i = 0; i < n; i++)
      adjusted[i] = fmin (1, (double)n * p[i]); /* Bonferroni, which Holm is never above */
  free (sorted);
  free (step);
}

double
statistics__binomial_tail (unsigned k, unsigned n, double p)
{
  double sum = 0;
  for (unsigned i = k; i <= n; i++)
    sum += exp (lgamma (n + 1.0) - lgamma (i + 1.0) - lgamma (n - i + 1.0) + i * log (p)
                + (n - i) * log1p (-p));
  return fmin (1, sum);
}
