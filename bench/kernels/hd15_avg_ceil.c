/* Hacker's Delight, p15: ceiling of the average, without overflow, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd15_avg_ceil (uint32_t *to, const uint32_t *a, const uint32_t *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i], y = b[i];
      to[i] = (x | y) - ((x ^ y) >> 1);
    }
}

static uint64_t
run (struct work *work)
{
  hd15_avg_ceil (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd15_avg_ceil", "bits", DATA_RANDOM, 12, run);
