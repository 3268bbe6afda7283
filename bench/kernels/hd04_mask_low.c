/* Hacker's Delight, p04: mask of the lowest one and what is below it, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd04_mask_low (uint32_t *to, const uint32_t *a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i];
      to[i] = x ^ (x - 1);
    }
}

static uint64_t
run (struct work *work)
{
  hd04_mask_low (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd04_mask_low", "bits", DATA_RANDOM, 8, run);
