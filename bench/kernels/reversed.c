/* An array in reverse.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
reversed (uint32_t *to, const uint32_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = from[n - 1 - i];
}

static uint64_t
run (struct work *work)
{
  reversed (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("reversed", "loops", DATA_RANDOM, 8, run);
