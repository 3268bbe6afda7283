/* The sum of absolute differences of motion search.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
sad (const uint8_t *a, const uint8_t *b, size_t n)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++)
    {
      int d = a[i] - b[i];
      sum += (uint32_t) (d < 0 ? -d : d);
    }
  return sum;
}

static uint64_t
run (struct work *work)
{
  return sad (work->a, work->b, work->size);
}

KERNEL ("sad", "image", DATA_PIXELS, 2, run);
