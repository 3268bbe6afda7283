/* Hacker's Delight, p13: the sign, -1, 0 or 1, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd13_sign (uint32_t *to, const uint32_t *a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i];
      to[i] = (uint32_t) ((int32_t) x >> 31) | -x >> 31;
    }
}

static uint64_t
run (struct work *work)
{
  hd13_sign (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd13_sign", "bits", DATA_RANDOM, 8, run);
