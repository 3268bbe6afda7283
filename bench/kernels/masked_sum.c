/* A sum under a condition on another array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
masked_sum (const int32_t *a, const uint32_t *b, size_t n)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++)
    if (a[i] > 0)
      sum += b[i];
  return sum;
}

static uint64_t
run (struct work *work)
{
  return masked_sum (work->a, work->b, work->size);
}

KERNEL ("masked_sum", "loops", DATA_RANDOM, 8, run);
