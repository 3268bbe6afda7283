/* Hacker's Delight, p03: the lowest one alone, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd03_isolate (uint32_t *to, const uint32_t *a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i];
      to[i] = x & -x;
    }
}

static uint64_t
run (struct work *work)
{
  hd03_isolate (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd03_isolate", "bits", DATA_RANDOM, 8, run);
