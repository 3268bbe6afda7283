/* Statistics against values worked out by hand, in a textbook or by R.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/looks.h"
#include "bench/statistics.h"
#include "machine/mix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

static bool
near (double a, double b, double within)
{
  return fabs (a - b) <= within;
}

static void
median_of_odd_even_and_none (void **state)
{
  (void) state;
  const double x[] = { 5, 1, 4, 2, 3 };
  assert_true (statistics__median (x, 5) == 3);
  assert_true (statistics__median (x, 4) == 3);
  assert_true (x[0] == 5); /* left alone */
  assert_true (isnan (statistics__median (x, 0)));
}

static void
ratio_of_constant_pairs_is_exact (void **state)
{
  (void) state;
  double a[40], b[40];
  for (int i = 0; i < 40; i++)
    {
      a[i] = 2.0 * (i + 1);
      b[i] = i + 1;
    }
  struct interval r = statistics__ratio (a, b, 40, 0.95, 500, 1);
  assert_true (near (r.estimate, 2, 1e-12) && near (r.low, 2, 1e-12) && near (r.high, 2, 1e-12));
}

static void
ratio_interval_covers_and_narrows (void **state)
{
  (void) state;
  double a[400], b[400];
  uint32_t s = 1;
  for (int i = 0; i < 400; i++)
    {
      s = s * 1664525u + 1013904223u;
      double noise = (double) (s >> 8) / (1 << 24) - 0.5;
      a[i] = 1.5 * exp (0.2 * noise);
      b[i] = 1;
    }
  struct interval few = statistics__ratio (a, b, 30, 0.95, 1000, 7);
  struct interval many = statistics__ratio (a, b, 400, 0.95, 1000, 7);
  assert_true (few.low <= 1.5 && 1.5 <= few.high);
  assert_true (many.low <= 1.5 && 1.5 <= many.high);
  assert_true (many.high - many.low < few.high - few.low);
  struct interval again = statistics__ratio (a, b, 400, 0.95, 1000, 7);
  assert_true (again.low == many.low && again.high == many.high);
}

static void
pairs_without_a_logarithm_are_left_out (void **state)
{
  (void) state;
  const double a[] = { 0, 3, -1, 3, 3 }, b[] = { 1, 1, 1, 0, 1 };
  assert_true (near (statistics__ratio (a, b, 5, 0.95, 100, 1).estimate, 3, 1e-12));
  assert_true (isnan (statistics__ratio (a, b, 1, 0.95, 100, 1).estimate));
}

static void
geomean (void **state)
{
  (void) state;
  const double r[] = { 1, 2, 4 };
  struct interval g = statistics__geomean (r, 3, 0.95, 2000, 1);
  assert_true (near (g.estimate, 2, 1e-12) && g.low >= 1 && g.high <= 4 && g.low < g.high);
}

/* Counted by hand: of 2^10 signs, one is as extreme on each side; of 2^5 with four ties, five on each.  R's
   wilcox.test (c (1:10), exact = TRUE) agrees with the first.  */
static void
signed_rank_is_exact (void **state)
{
  (void) state;
  const double x[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, ties[] = { 1, 0, 1, 1, -1, 2 }, none[] = { 0, 0 };
  assert_true (near (statistics__signed_rank (x, 10), 2.0 / 1024, 1e-12));
  assert_true (near (statistics__signed_rank (ties, 6), 10.0 / 32, 1e-12));
  assert_true (statistics__signed_rank (none, 2) == 1);
  assert_true (statistics__signed_rank (NULL, 0) == 1);
  const double even[] = { -1, 2, -3, 4, -5, 6, -7, 8, -9, 10 };
  assert_true (statistics__signed_rank (even, 10) > 0.5);
}

/* Exact and approximate meet where one takes over from the other.  */
static void
signed_rank_of_many (void **state)
{
  (void) state;
  double x[STATISTICS_EXACT + 1];
  for (int i = 0; i < STATISTICS_EXACT; i++)
    x[i] = (i % 5 < 2 ? -1 : 1) * (i + 1);
  x[STATISTICS_EXACT] = 0.5; /* moves every rank by one and no more */
  double exact = statistics__signed_rank (x, STATISTICS_EXACT);
  double normal = statistics__signed_rank (x, STATISTICS_EXACT + 1);
  assert_true (exact > 1e-5 && exact < 0.05 && near (exact / normal, 1, 0.2));
}

/* Hollander & Wolfe, Nonparametric Statistical Methods, example 3.1 and its continuation: depression before and after
   a tranquilizer.  Estimate 0.46, interval at 96.1 % from 0.010 to 0.786, exact two-sided p 0.039.  */
static void
rank_interval_of_the_textbook (void **state)
{
  (void) state;
  const double before[] = { 1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30 };
  const double after[] = { 0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29 };
  double x[9];
  for (int i = 0; i < 9; i++)
    x[i] = before[i] - after[i];
  struct interval interval = statistics__rank_interval (x, 9, 0.96);
  assert_true (near (interval.estimate, 0.46, 1e-9));
  assert_true (near (interval.low, 0.010, 1e-9) && near (interval.high, 0.786, 1e-9));
  assert_true (near (statistics__signed_rank (x, 9), 0.0390625, 1e-9));
  assert_true (statistics__rank_interval (x, 5, 0.95).high == INFINITY);
  assert_true (isnan (statistics__rank_interval (x, 0, 0.95).estimate));
}

/* The test at a level and the interval at one less that level say the same.  */
static void
rank_interval_inverts_the_test (void **state)
{
  (void) state;
  uint64_t seed = 5;
  unsigned rejected = 0;
  for (int round = 0; round < 300; round++)
    {
      double x[14];
      for (int i = 0; i < 14; i++)
        x[i] = (double) (splitmix64 (&seed) >> 11) / 9007199254740992.0 - 0.38;
      double p = statistics__signed_rank (x, 14);
      struct interval interval = statistics__rank_interval (x, 14, 0.95);
      bool outside = interval.low > 0 || interval.high < 0;
      assert_true (outside == (p <= 0.05));
      rejected += outside;
    }
  assert_true (rejected > 50 && rejected < 250);
}

/* By hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, then 0.04 is raised to the 0.06 before it.  */
static void
holm (void **state)
{
  (void) state;
  const double p[] = { 0.01, 0.04, 0.03, 0.005, 0.7 }, want[] = { 0.03, 0.06, 0.06, 0.02 };
  double adjusted[5];
  statistics__holm (p, 4, adjusted);
  for (int i = 0; i < 4; i++)
    assert_true (near (adjusted[i], want[i], 1e-12));
  const double equal[] = { 0.02, 0.02, 0.9 };
  statistics__holm (equal, 3, adjusted);
  assert_true (near (adjusted[0], 0.06, 1e-12) && near (adjusted[1], 0.06, 1e-12) && near (adjusted[2], 0.9, 1e-12));
}

static void
trimmed_mean_ignores_the_wild (void **state)
{
  (void) state;
  const double x[] = { 3, 100, 1, 4, 2 };
  assert_true (near (statistics__trimmed_mean (x, 5), 3, 1e-12));
  assert_true (near (statistics__trimmed_mean (x + 2, 1), 1, 1e-12));
  assert_true (isnan (statistics__trimmed_mean (x, 0)));
  struct interval i = statistics__bootstrap_trimmed (x, 5, 0.95, 2000, 1);
  assert_true (near (i.estimate, 3, 1e-12) && i.low >= 1 && i.low < 3 && i.high > 3);
  const double same[] = { 7, 7, 7, 7 };
  i = statistics__bootstrap_trimmed (same, 4, 0.95, 100, 1);
  assert_true (i.low == 7 && i.high == 7);
}

/* For normal values the mean of n has 95 % within 1.96 / sqrt (n), and the trimmed mean is a little wider.  */
static void
null_width_is_that_of_a_mean (void **state)
{
  (void) state;
  double x[400];
  uint64_t seed = 3;
  for (int i = 0; i < 400; i++)
    {
      x[i] = -6; /* the sum of twelve uniform numbers, less 6, is nearly normal */
      for (int k = 0; k < 12; k++)
        x[i] += (double) (splitmix64 (&seed) >> 11) / 9007199254740992.0;
    }
  double width = statistics__null_width (x, 400, 100, 0.95, 4000, 1);
  assert_true (width > 0.18 && width < 0.25);
  double narrower = statistics__null_width (x, 400, 1600, 0.95, 2000, 1);
  assert_true (near (width / narrower, 4, 0.5));
}

static void
binomial_tail (void **state)
{
  (void) state;
  assert_true (near (statistics__binomial_tail (1, 2, 0.5), 0.75, 1e-9));
  assert_true (near (statistics__binomial_tail (0, 10, 0.05), 1, 1e-9));
  assert_true (near (statistics__binomial_tail (2, 2, 0.1), 0.01, 1e-9));
  assert_true (statistics__binomial_tail (3, 2, 0.1) == 0);
}

/* Whatever the size, levels add up to 5 %, looks are in order, and each can reach its level.  */
static void
looks_spend_what_there_is (void **state)
{
  (void) state;
  for (unsigned blocks = 1; blocks < 60000; blocks += 1 + blocks / 50)
    {
      struct looks looks = looks__plan (blocks, true);
      assert_true (near (looks.n_early * looks.early_level + looks.last_level, LOOKS_LEVEL, 1e-12));
      for (unsigned i = 0; i < looks.n_early; i++)
        {
          assert_true (looks.at[i] < blocks && (i == 0 || looks.at[i] > looks.at[i - 1]));
          assert_true (looks.at[i] >= looks__fewest (looks.early_level));
          assert_true (looks__is_due (&looks, looks.at[i]) && !looks__is_due (&looks, blocks));
        }
    }
  assert_int_equal (looks__plan (10, true).n_early, 0);
  assert_true (looks__plan (500, true).n_early == LOOKS_EARLY_MAX);
  assert_true (looks__plan (500, false).n_early == 0 && looks__plan (500, false).last_level == LOOKS_LEVEL);
  assert_int_equal (looks__fewest (0.05), 6); /* 2 / 2^6 = 0.03125 */
  assert_true (near (looks__adjust (0.001, 0.0025), 0.02, 1e-12) && looks__adjust (0.5, 0.0025) == 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (median_of_odd_even_and_none),
    cmocka_unit_test (ratio_of_constant_pairs_is_exact),
    cmocka_unit_test (ratio_interval_covers_and_narrows),
    cmocka_unit_test (pairs_without_a_logarithm_are_left_out),
    cmocka_unit_test (geomean),
    cmocka_unit_test (signed_rank_is_exact),
    cmocka_unit_test (signed_rank_of_many),
    cmocka_unit_test (rank_interval_of_the_textbook),
    cmocka_unit_test (rank_interval_inverts_the_test),
    cmocka_unit_test (holm),
    cmocka_unit_test (trimmed_mean_ignores_the_wild),
    cmocka_unit_test (null_width_is_that_of_a_mean),
    cmocka_unit_test (binomial_tail),
    cmocka_unit_test (looks_spend_what_there_is),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
