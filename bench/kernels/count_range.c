/* How many values lie in a range.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
count_range (const int32_t *v, size_t n, int32_t low, int32_t high)
{
  size_t count = 0;
  for (size_t i = 0; i < n; i++)
    count += v[i] >= low && v[i] < high;
  return count;
}

static uint64_t
run (struct work *work)
{
  return count_range (work->a, work->size, -1000000000, 1000000000);
}

KERNEL ("count_range", "search", DATA_RANDOM, 4, run);
