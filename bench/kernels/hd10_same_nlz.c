/* Hacker's Delight, p10: do x and y have as many leading zeros?, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd10_same_nlz (uint32_t *to, const uint32_t *a, const uint32_t *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i], y = b[i];
      to[i] = (x ^ y) <= (x & y);
    }
}

static uint64_t
run (struct work *work)
{
  hd10_same_nlz (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd10_same_nlz", "bits", DATA_RANDOM, 12, run);
