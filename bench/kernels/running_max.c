/* The greatest element so far.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
running_max (int32_t *to, const int32_t *from, size_t n)
{
  int32_t best = INT32_MIN;
  for (size_t i = 0; i < n; i++)
    {
      best = from[i] > best ? from[i] : best;
      to[i] = best;
    }
}

static uint64_t
run (struct work *work)
{
  running_max (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("running_max", "loops", DATA_RANDOM, 8, run);
