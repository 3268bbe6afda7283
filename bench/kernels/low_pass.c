/* A first-order recurrence of floats: a low-pass filter.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
low_pass (float *to, const float *from, float share, size_t n)
{
  float y = 0;
  for (size_t i = 0; i < n; i++)
    {
      y += share * (from[i] - y);
      to[i] = y;
    }
}

static uint64_t
run (struct work *work)
{
  low_pass (work->c, work->a, 0.25f, work->size);
  return bits_of (((float *) work->c)[work->size - 1]);
}

KERNEL ("low_pass", "loops", DATA_FLOAT, 8, run);
