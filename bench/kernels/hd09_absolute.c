/* Hacker's Delight, p09: absolute value, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd09_absolute (uint32_t *to, const uint32_t *a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i];
      to[i] = (x ^ (uint32_t) ((int32_t) x >> 31)) - (uint32_t) ((int32_t) x >> 31);
    }
}

static uint64_t
run (struct work *work)
{
  hd09_absolute (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd09_absolute", "bits", DATA_RANDOM, 8, run);
