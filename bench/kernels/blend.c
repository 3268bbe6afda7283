/* Two pictures mixed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
blend (uint8_t *to, const uint8_t *a, const uint8_t *b, unsigned alpha, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = (uint8_t) ((a[i] * alpha + b[i] * (256 - alpha) + 128) >> 8);
}

static uint64_t
run (struct work *work)
{
  blend (work->c, work->a, work->b, 77, work->size);
  return ((uint8_t *) work->c)[work->size / 2];
}

KERNEL ("blend", "image", DATA_PIXELS, 3, run);
