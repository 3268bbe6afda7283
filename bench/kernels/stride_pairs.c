/* Elements two apart: products of complex numbers, the real parts.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
stride_pairs (int32_t *to, const int16_t *a, const int16_t *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = a[2 * i] * b[2 * i] - a[2 * i + 1] * b[2 * i + 1];
}

static uint64_t
run (struct work *work)
{
  stride_pairs (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("stride_pairs", "loops", DATA_SMALL, 12, run);
