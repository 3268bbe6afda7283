/* RGB to luminance.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
grey (uint8_t *to, const uint8_t *rgb, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = (uint8_t) ((77u * rgb[3 * i] + 150u * rgb[3 * i + 1] + 29u * rgb[3 * i + 2] + 128) >> 8);
}

static uint64_t
run (struct work *work)
{
  grey (work->c, work->a, work->size);
  return ((uint8_t *) work->c)[work->size / 2];
}

KERNEL ("grey", "image", DATA_PIXELS, 4, run);
