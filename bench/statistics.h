/* Statistics that a sceptical reader accepts: medians, bootstrap intervals, rank tests.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_STATISTICS_H
#define AIOPT_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

struct interval
{
  double estimate, low, high;
};

/* Median of X[N]; X is left alone.  NaN for N = 0.  */
double statistics__median (const double *x, size_t n);

/* Ratio of A to B from N interleaved pairs: exp of the median of log (a/b), with the percentile
   bootstrap interval at CONFIDENCE (0.95) from RESAMPLES resamples of the pairs, seeded by SEED.  Pairs with
   a non-positive member are left out.  Efron & Tibshirani 1993, ch. 13.  */
struct interval statistics__ratio (const double *a, const double *b, size_t n, double confidence,
                                   unsigned resamples, uint64_t seed);

/* Geometric mean of RATIO[N] with a bootstrap interval over the members.  */
struct interval statistics__geomean (const double *ratio, size_t n, double confidence,
                                     unsigned resamples, uint64_t seed);

/* Two-sided p of the Wilcoxon signed-rank test on log (a/b), normal approximation with tie correction.  */
double statistics__signed_rank (const double *a, const double *b, size_t n);

#endif
