/* An image in black and white.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
threshold (uint8_t *to, const uint8_t *from, uint8_t level, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = from[i] > level ? 255 : 0;
}

static uint64_t
run (struct work *work)
{
  threshold (work->c, work->a, 128, work->size);
  return spread_sum (work->c, work->size);
}

KERNEL ("threshold", "image", DATA_PIXELS, 2, run);
