/* One row of a binomial blur.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
blur (uint8_t *out, const uint8_t *above, const uint8_t *row, const uint8_t *below, size_t width)
{
  for (size_t x = 1; x + 1 < width; x++)
    {
      unsigned sum = above[x - 1] + 2u * above[x] + above[x + 1] + 2u * row[x - 1] + 4u * row[x]
                     + 2u * row[x + 1] + below[x - 1] + 2u * below[x] + below[x + 1];
      out[x] = (uint8_t) ((sum + 8) >> 4);
    }
}

static uint64_t
run (struct work *work)
{
  const uint8_t *a = work->a;
  blur (work->c, a, a + work->size, a + 2 * work->size, work->size);
  return ((uint8_t *) work->c)[work->size / 2];
}

KERNEL ("blur", "image", DATA_PIXELS, 4, run);
