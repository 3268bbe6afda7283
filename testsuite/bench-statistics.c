/* Statistics against values worked out by hand or by R.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/statistics.h"

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

/* wilcox.test (c (…), exact = FALSE, correct = TRUE) in R.  */
static void
signed_rank (void **state)
{
  (void) state;
  double a[10], b[10];
  for (int i = 0; i < 10; i++)
    {
      a[i] = exp (i + 1);
      b[i] = 1;
    }
  assert_true (near (statistics__signed_rank (a, b, 10), 0.005922, 1e-5));
  assert_true (statistics__signed_rank (b, b, 10) == 1);
  for (int i = 0; i < 10; i += 2)
    {
      double t = a[i];
      a[i] = b[i];
      b[i] = t;
    }
  assert_true (statistics__signed_rank (a, b, 10) > 0.5);
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
    cmocka_unit_test (signed_rank),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
