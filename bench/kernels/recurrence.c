/* A first-order recurrence of integers.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
recurrence (uint32_t *to, const uint32_t *from, uint32_t factor, size_t n)
{
  for (size_t i = 1; i < n; i++)
    to[i] = to[i - 1] * factor + from[i];
}

static uint64_t
run (struct work *work)
{
  recurrence (work->c, work->a, 5, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("recurrence", "loops", DATA_RANDOM, 8, run);
