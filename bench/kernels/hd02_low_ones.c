/* Hacker's Delight, p02: zero where x is a power of two less one, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd02_low_ones (uint32_t *to, const uint32_t *a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i];
      to[i] = x & (x + 1);
    }
}

static uint64_t
run (struct work *work)
{
  hd02_low_ones (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd02_low_ones", "bits", DATA_RANDOM, 8, run);
