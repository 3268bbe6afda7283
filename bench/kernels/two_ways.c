/* Different work on either side of a condition.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
two_ways (int32_t *to, const int32_t *a, const int32_t *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (a[i] > b[i])
      to[i] = a[i] - (b[i] >> 1);
    else
      to[i] = (a[i] >> 2) + b[i];
}

static uint64_t
run (struct work *work)
{
  two_ways (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("two_ways", "loops", DATA_SMALL, 12, run);
