/* Samples cut to 16 bits.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
clamp (int16_t *to, const int32_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      int32_t x = from[i] >> 8;
      to[i] = (int16_t) (x < -32768 ? -32768 : x > 32767 ? 32767 : x);
    }
}

static uint64_t
run (struct work *work)
{
  clamp (work->c, work->a, work->size);
  return (uint16_t) ((int16_t *) work->c)[work->size / 2];
}

KERNEL ("clamp", "signal", DATA_RANDOM, 6, run);
