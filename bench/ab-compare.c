/* What the values say.

   The unit is the block.  Its four runs give one difference, d = (log A1 + log A2 - log B1 - log
   B2) / 2, and a coin decided whether the block was ABBA or BAAB.  If the programs are the same,
   the coin decided d's sign and nothing else did, whatever the machine was doing: so the
   signed-rank test over blocks keeps its level by construction, with drift, bursts and
   autocorrelation.  Pairs don't have that: the second one's order follows from the first one's.

   The interval is, at each end, the wider of two: the centres that the signed-rank test doesn't
   reject, and the bootstrap's for the trimmed mean, which is the estimate.  So an interval that
   excludes 1 means that both agree.

   A/A: the two runs of A in a block give log A1 - log A2 for free, under the very load that the
   comparison met, not one of a minute before.  Divided by the square root of two it has the spread
   of d; drawn with random signs, as many as there are blocks, it gives what A against A would have
   shown (statistics__null_width).  In ABBA the two A's are three runs apart, which makes this
   rather larger than smaller.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/ab-compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95

/* log of A or B of PAIR, or of the ratio; a value of 0 (a counter that counted nothing) counts as
 * one.  */
static double
log_value (const struct ab_metric *m, unsigned side, unsigned pair)
{
  double floor = m->unit == AB_SECONDS ? 1e-9 : 1;
  return log (fmax (m->value[side][pair], floor));
}

static double
log_ratio (const struct ab_metric *m, unsigned pair)
{
  return log_value (m, 0, pair) - log_value (m, 1, pair);
}

/* d of each block into D[ab->n_pairs / 2].  */
static void
block_differences (const struct ab *ab, const struct ab_metric *m, double *d)
{
  for (unsigned b = 0; b < ab->n_pairs / 2; b++)
    d[b] = 0.5 * (log_ratio (m, 2 * b) + log_ratio (m, 2 * b + 1));
}

/* M's p at LEVEL from differences D, and the signed-rank test's own interval.  */
static void
compare_ranks (const struct ab *ab, struct ab_metric *m, const double *d, double level)
{
  unsigned n = ab->n_pairs / 2;
  struct interval rank = statistics__rank_interval (d, n, 1 - level);
  m->ratio = (struct interval){ exp (rank.estimate), exp (rank.low), exp (rank.high) };
  m->p = m->holm = looks__adjust (statistics__signed_rank (d, n), level);
}

/* The bootstrap's part, after compare_ranks: the estimate, and ends that are farther out.  */
static void
compare_bootstrap (const struct ab *ab, struct ab_metric *m, const double *d, double level,
                   uint64_t seed)
{
  struct interval boot
      = statistics__bootstrap_trimmed (d, ab->n_pairs / 2, 1 - level, AB_RESAMPLES, seed);
  m->ratio.estimate = exp (boot.estimate);
  m->ratio.low = fmin (m->ratio.low, exp (boot.low));
  m->ratio.high = fmax (m->ratio.high, exp (boot.high));
}

static bool
is_measured (const struct ab *ab, const struct ab_metric *m)
{
  bool measured = ab->n_pairs > 0;
  for (unsigned i = 0; i < ab->n_pairs; i++)
    measured &= m->value[0][i] >= 0 && m->value[1][i] >= 0;
  return measured;
}

/* The rule for what decides; looks at how much the programs compute, not at which is faster.  */
static unsigned
choose_metric (const struct ab *ab, const struct ab_options *options)
{
  if (options->metric >= 0)
    return (unsigned)options->metric;
  for (unsigned side = 0; side < 2; side++)
    {
      double task = statistics__median (ab->metric[AB_TASK].value[side], ab->n_pairs);
      if (statistics__median (ab->blocked[side], ab->n_pairs) > task
          || task > 1.5 * statistics__median (ab->undelayed[side], ab->n_pairs))
        return AB_WALL;
    }
  return AB_TASK;
}

/* Would the deciding metric, as it stands, end the experiment?  */
static enum ab_end
early_end (const struct ab *ab, const struct ab_options *options)
{
  return ab__verdict (ab) != AB_NOTHING_SHOWN                                   ? AB_DECIDED
         : ab__excluded (ab->metric[ab->deciding].ratio) <= options->resolution ? AB_RESOLVED
                                                                                : AB_ALL_RUN;
}

bool
ab__look_early (struct ab *ab, const struct ab_options *options, const struct looks *looks)
{
  unsigned n = ab->n_pairs / 2;
  if (!looks__is_due (looks, n))
    return false;
  double *d = malloc (n * sizeof *d);
  ab->deciding = choose_metric (ab, options);
  struct ab_metric *m = &ab->metric[ab->deciding];
  m->measured = d && is_measured (ab, m);
  ab->looks++;
  if (m->measured)
    {
      block_differences (ab, m, d);
      compare_ranks (ab, m, d, looks->early_level);
      /* The bootstrap can only object.  */
      if (early_end (ab, options) != AB_ALL_RUN)
        compare_bootstrap (ab, m, d, looks->early_level, options->seed + ab->deciding);
      ab->end = early_end (ab, options);
    }
  bool over = !m->measured || ab->end != AB_ALL_RUN;
  free (d);
  return over;
}

/* M's A/A noise from N blocks; SCRATCH[N].  */
static double
noise (const struct ab_metric *m, unsigned n, double *scratch, uint64_t seed)
{
  for (unsigned b = 0; b < n; b++)
    scratch[b] = (log_value (m, 0, 2 * b) - log_value (m, 0, 2 * b + 1)) / sqrt (2);
  return exp (statistics__null_width (scratch, n, n, CONFIDENCE, AB_RESAMPLES, seed)) - 1;
}

/* Standard deviation of X[N] from the median of |X|, for X around 0; X is overwritten.  */
static double
deviation (double *x, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    x[i] = fabs (x[i]);
  return 1.4826 * statistics__median (x, n); /* 1 / the normal distribution's third quartile */
}

/* Spread between layouts, each of which is a block: the variance of the blocks' differences, less
   what the difference of the two pairs in a block predicts of it (the one-way random-effects model,
   with medians in place of mean squares).  The two pairs have opposite orders, so that an effect of
   order is taken for noise: the spread is rather understated.  */
static double
layout_spread (const struct ab *ab, const struct ab_metric *m, double *scratch)
{
  unsigned n = ab->n_pairs / 2;
  for (unsigned b = 0; b < n; b++)
    scratch[b] = 0.5 * (log_ratio (m, 2 * b) - log_ratio (m, 2 * b + 1));
  double within = deviation (scratch, n);
  block_differences (ab, m, scratch);
  double centre = statistics__median (scratch, n);
  for (unsigned b = 0; b < n; b++)
    scratch[b] -= centre;
  double all = deviation (scratch, n);
  return sqrt (fmax (0, all * all - within * within));
}

void
ab__finish (struct ab *ab, const struct ab_options *options, const struct looks *looks)
{
  bool early = ab->end == AB_DECIDED || ab->end == AB_RESOLVED;
  double level = early ? looks->early_level : looks->last_level;
  unsigned n = ab->n_pairs / 2, others = 0;
  double *d = malloc ((n ? n : 1) * sizeof *d), p[AB_METRICS_MAX];
  ab->looks += !early; /* else the same look again */
  ab->level = level;
  ab->deciding = choose_metric (ab, options);
  for (unsigned i = 0; d && i < ab->n_metrics; i++)
    {
      struct ab_metric *m = &ab->metric[i];
      m->measured = is_measured (ab, m);
      if (!m->measured)
        continue;
      for (unsigned side = 0; side < 2; side++)
        m->median[side] = statistics__median (m->value[side], ab->n_pairs);
      block_differences (ab, m, d);
      compare_ranks (ab, m, d, level);
      compare_bootstrap (ab, m, d, level, options->seed + i);
      if (i != ab->deciding)
        p[others++] = m->p;
      m->noise = noise (m, n, d, options->seed + AB_METRICS_MAX + i);
    }
  statistics__holm (p, others, p);
  others = 0;
  for (unsigned i = 0; i < ab->n_metrics; i++)
    if (ab->metric[i].measured && i != ab->deciding)
      ab->metric[i].holm = p[others++];
  ab->n_layouts = options->relayout ? n : 1;
  ab->layout_spread
      = options->relayout && d ? layout_spread (ab, &ab->metric[ab->deciding], d) : NAN;
  free (d);
}

enum ab_verdict
ab__verdict (const struct ab *ab)
{
  const struct ab_metric *m = &ab->metric[ab->deciding];
  if (!m->measured || ab->n_pairs < AB_PAIRS_MIN || !(m->p <= LOOKS_LEVEL))
    return AB_NOTHING_SHOWN;
  return m->ratio.low > 1 ? AB_FASTER : m->ratio.high < 1 ? AB_SLOWER : AB_NOTHING_SHOWN;
}

double
ab__excluded (struct interval ratio)
{
  return fmax (ratio.high, 1 / ratio.low) - 1;
}

const char *
ab__per_cent (double ratio, char buffer[32])
{
  double percent = 100 * ratio;
  snprintf (buffer, 32, fabs (percent) < 10 ? "%.2g %%" : "%.0f %%", percent);
  return buffer;
}

/* "1.18x faster, 95 % interval 1.15-1.21": how much, with as many digits as the interval deserves.
 */
static int
print_ratio (char *buffer, size_t size, const char *word, double estimate, double low, double high)
{
  int digits = high - low < 0.04 || low < 1.01 ? 3 : 2; /* "1.00" would look like nothing */
  return snprintf (buffer, size, "B is %.*fx %s, 95 %% interval %.*f-%.*f", digits, estimate, word,
                   digits, low, digits, high);
}

void
ab__sentence (const struct ab *ab, char *buffer, size_t size)
{
  const struct ab_metric *m = &ab->metric[ab->deciding];
  char percent[32];
  int n = 0;
  switch (ab__verdict (ab))
    {
    case AB_FASTER:
      n = print_ratio (buffer, size, "faster", m->ratio.estimate, m->ratio.low, m->ratio.high);
      break;
    case AB_SLOWER:
      n = print_ratio (buffer, size, "slower", 1 / m->ratio.estimate, 1 / m->ratio.high,
                       1 / m->ratio.low);
      break;
    case AB_NOTHING_SHOWN:
      if (isfinite (ab__excluded (m->ratio)))
        n = snprintf (buffer, size, "no difference larger than %s shown",
                      ab__per_cent (ab__excluded (m->ratio), percent));
      else
        n = snprintf (buffer, size, "no difference shown: %u pairs can't show one, %u can",
                      ab->n_pairs, 2 * looks__fewest (ab->level));
      break;
    }
  if (n < 0 || (size_t)n >= size)
    return;
  snprintf (buffer + n, size - (size_t)n, " (%s, %u pairs; A/A noise %s)", m->name, ab->n_pairs,
            ab__per_cent (m->noise, percent));
}
