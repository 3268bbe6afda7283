/* Two tracks mixed with saturation.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
mix_audio (int16_t *to, const int16_t *a, const int16_t *b, int gain_a, int gain_b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      int x = (a[i] * (gain_a & 255) + b[i] * (gain_b & 255)) >> 8;
      to[i] = (int16_t) (x < -32768 ? -32768 : x > 32767 ? 32767 : x);
    }
}

static uint64_t
run (struct work *work)
{
  mix_audio (work->c, work->a, work->b, 100, 155, work->size);
  return (uint16_t) ((int16_t *) work->c)[work->size / 2];
}

KERNEL ("mix_audio", "signal", DATA_SMALL, 6, run);
