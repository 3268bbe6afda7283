/* A variable that holds the element before, the last one at first.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
wrap_around (uint32_t *to, const uint32_t *from, size_t n)
{
  uint32_t before = from[n - 1];
  for (size_t i = 0; i < n; i++)
    {
      to[i] = from[i] + 3 * before;
      before = from[i];
    }
}

static uint64_t
run (struct work *work)
{
  wrap_around (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("wrap_around", "loops", DATA_RANDOM, 8, run);
