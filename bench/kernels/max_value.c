/* The largest of an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT int32_t
max_value (const int32_t *v, size_t n)
{
  int32_t best = INT32_MIN;
  for (size_t i = 0; i < n; i++)
    best = v[i] > best ? v[i] : best;
  return best;
}

static uint64_t
run (struct work *work)
{
  return (uint32_t) max_value (work->a, work->size);
}

KERNEL ("max_value", "search", DATA_RANDOM, 4, run);
