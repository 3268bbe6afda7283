/* A scalar that only some iterations set.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
carry_scalar (int32_t *to, const int32_t *a, const int32_t *b, size_t n)
{
  int32_t last = 0;
  for (size_t i = 0; i < n; i++)
    {
      if (b[i] > 0)
        last = a[i];
      to[i] = last;
    }
}

static uint64_t
run (struct work *work)
{
  carry_scalar (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("carry_scalar", "loops", DATA_RANDOM, 12, run);
