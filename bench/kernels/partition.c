/* Numbers below a pivot to one end, the others to the other.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
partition (uint32_t *to, const uint32_t *from, size_t n, uint32_t pivot)
{
  size_t low = 0, high = n;
  for (size_t i = 0; i < n; i++)
    if (from[i] < pivot)
      to[low++] = from[i];
    else
      to[--high] = from[i];
  return low;
}

static uint64_t
run (struct work *work)
{
  return partition (work->c, work->a, work->size, 1u << 31);
}

KERNEL ("partition", "search", DATA_RANDOM, 8, run);
