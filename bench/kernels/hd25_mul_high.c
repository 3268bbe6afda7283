/* Hacker's Delight, p25: the high half of a product, from 16-bit halves, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd25_mul_high (uint32_t *to, const uint32_t *x, const uint32_t *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t a = x[i] & 0xffff, b = x[i] >> 16, c = y[i] & 0xffff, d = y[i] >> 16;
      uint32_t t = b * c + (a * c >> 16);
      uint32_t low = t & 0xffff, high = t >> 16;
      to[i] = b * d + high + ((a * d + low) >> 16);
    }
}

static uint64_t
run (struct work *work)
{
  hd25_mul_high (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd25_mul_high", "bits", DATA_RANDOM, 12, run);
