/* Statistics that a sceptical reader accepts: medians, bootstrap intervals, rank tests, corrections for
   having looked more than once.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_STATISTICS_H
#define AIOPT_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

struct interval
{
  double estimate, low, high;
};

/* The share cut off at each end by a trimmed mean: nearly as sharp as the mean for normal noise, and unmoved
   where a fifth of the values went wild (Wilcox, Introduction to Robust Estimation, 3.3).  */
#define STATISTICS_TRIM 0.2

/* Median of X[N]; X is left alone.  NaN for N = 0.  */
double statistics__median (const double *x, size_t n);

/* Sorts X[N], ascending.  */
void statistics__sort (double *x, size_t n);

/* The value below which the share Q (0 to 1) of SORTED[N] lies, N > 0, by linear interpolation.  */
double statistics__quantile (const double *sorted, size_t n, double q);

/* Mean of X[N] without the STATISTICS_TRIM N smallest and largest (rounded down).  NaN for N = 0.  */
double statistics__trimmed_mean (const double *x, size_t n);

/* Ratio of A to B from N interleaved pairs: exp of the median of log (a/b), with the percentile
   bootstrap interval at CONFIDENCE (0.95) from RESAMPLES resamples of the pairs, seeded by SEED.  Pairs with
   a non-positive member are left out.  Efron & Tibshirani 1993, ch. 13.  */
struct interval statistics__ratio (const double *a, const double *b, size_t n, double confidence,
                                   unsigned resamples, uint64_t seed);

/* Geometric mean of RATIO[N] with a bootstrap interval over the members.  */
struct interval statistics__geomean (const double *ratio, size_t n, double confidence,
                                     unsigned resamples, uint64_t seed);

/* Trimmed mean of X[N] with its percentile bootstrap interval, in X's unit.  NaNs for N = 0.  */
struct interval statistics__bootstrap_trimmed (const double *x, size_t n, double confidence,
                                               unsigned resamples, uint64_t seed);

/* How far from zero the trimmed mean of SIZE values like X[N] gets where their signs are left to chance: the
   value that SHARE (0.95) of RESAMPLES such means stay within.  NaN for N = 0.  */
double statistics__null_width (const double *x, size_t n, size_t size, double share,
                               unsigned resamples, uint64_t seed);

/* Two-sided p of the Wilcoxon signed-rank test of X[N] against symmetry around 0 (Wilcoxon 1945): the exact
   distribution over all signs, ties and all, up to STATISTICS_EXACT values, the normal approximation with
   continuity and tie correction above.  Zeros are left out; 1 where nothing is left.  */
enum
{
  STATISTICS_EXACT = 200
};
double statistics__signed_rank (const double *x, size_t n);

/* The centres that the signed-rank test at 1 - CONFIDENCE doesn't reject for X[N], by the order statistics of Walsh's
   averages; the estimate is their median (Hodges & Lehmann 1963; Hollander & Wolfe, Nonparametric Statistical
   Methods, 3.2-3.3).  Infinite where N is too small for CONFIDENCE; NaNs for N = 0.  */
struct interval statistics__rank_interval (const double *x, size_t n, double confidence);

/* Holm's step-down correction (1979): ADJUSTED[i] is the level at which P[i] of N is still rejected with all N in the
   family.  ADJUSTED may be P.  */
void statistics__holm (const double *p, size_t n, double *adjusted);

/* P (X >= K) for X binomial (N, P), 0 < P < 1.  */
double statistics__binomial_tail (unsigned k, unsigned n, double p);

#endif
