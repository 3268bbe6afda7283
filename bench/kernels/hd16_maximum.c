/* Hacker's Delight, p16: the greater of two, without a branch, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd16_maximum (uint32_t *to, const uint32_t *a, const uint32_t *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i], y = b[i];
      to[i] = ((x ^ y) & -(uint32_t) ((int32_t) x >= (int32_t) y)) ^ y;
    }
}

static uint64_t
run (struct work *work)
{
  hd16_maximum (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd16_maximum", "bits", DATA_RANDOM, 12, run);
