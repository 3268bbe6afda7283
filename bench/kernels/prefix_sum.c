/* Inclusive prefix sums.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
prefix_sum (uint32_t *to, const uint32_t *from, size_t n)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++)
    {
      sum += from[i];
      to[i] = sum;
    }
}

static uint64_t
run (struct work *work)
{
  prefix_sum (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("prefix_sum", "linear", DATA_RANDOM, 8, run);
