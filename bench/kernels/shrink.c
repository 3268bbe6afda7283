/* A grey image at half its size: means of four pixels, one row.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
shrink (uint8_t *to, const uint8_t *upper, const uint8_t *lower, size_t width)
{
  for (size_t x = 0; x < width / 2; x++)
    to[x] = (uint8_t) ((upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1] + 2) >> 2);
}

static uint64_t
run (struct work *work)
{
  shrink (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, work->size / 2);
}

KERNEL ("shrink", "image", DATA_PIXELS, 3, run);
