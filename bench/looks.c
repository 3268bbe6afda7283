/* The plan of looks: group-sequential testing, with Bonferroni's inequality for the sum.

   A test that is repeated as the data come in and stops at the first p < 0.05 is wrong far more
   often than 5 % (Armitage, McPherson & Rowe 1969).  Here the number of looks and their places are
   fixed before the first run, and the levels of all looks add up to 5 %: EARLY_SHARE spread evenly
   over the early ones, the rest for the last.  The sum bounds the error whatever the looks have to
   do with each other; Pocock's (1977) bounds, or a spending function (Lan & DeMets 1983), are a
   little sharper but lean on normal increments, which a signed-rank test of ten blocks hasn't.  The
   interval that is reported has the level of its own look (a repeated confidence interval: Jennison
   & Turnbull 1989), so that it too holds over all looks.

   The last look may come early without having been planned, because time ran out or someone pressed
   Ctrl-C: neither depends on which side is ahead. SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/looks.h"

#include <math.h>

/* Ten blocks are the fewest that can reach the smallest early level: 2^-9 = 0.00195 < 0.02 / 8.  */
#define FIRST_LOOK 10
/* Looks closer to each other than this spend level on nearly the same data.  */
#define GROWTH 1.4
#define EARLY_SHARE 0.02

struct looks
looks__plan (unsigned blocks, bool early)
{
  struct looks looks = { .last_level = LOOKS_LEVEL };
  double span = (double)blocks / FIRST_LOOK, n = floor (log (span) / log (GROWTH));
  if (!early || n < 1)
    return looks;
  looks.n_early = n > LOOKS_EARLY_MAX ? LOOKS_EARLY_MAX : (unsigned)n;
  for (unsigned i = 0; i < looks.n_early; i++)
    looks.at[i] = (unsigned)lround (FIRST_LOOK * pow (span, (double)i / looks.n_early));
  looks.early_level = EARLY_SHARE / looks.n_early;
  looks.last_level = LOOKS_LEVEL - EARLY_SHARE;
  return looks;
}

bool
looks__is_due (const struct looks *looks, unsigned blocks)
{
  for (unsigned i = 0; i < looks->n_early; i++)
    if (looks->at[i] == blocks)
      return true;
  return false;
}

double
looks__adjust (double p, double level)
{
  return fmin (1, p * (LOOKS_LEVEL / level));
}

unsigned
looks__fewest (double level)
{
  unsigned n = 1;
  while (ldexp (2, -(int)n) > level)
    n++;
  return n;
}
