/* Binary search: the first element that is not less.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
lower_bound (const uint32_t *v, size_t n, uint32_t x)
{
  size_t first = 0;
  while (n > 0)
    {
      size_t half = n / 2;
      if (v[first + half] < x)
        {
          first += half + 1;
          n -= half + 1;
        }
      else
        n = half;
    }
  return first;
}

/* A: sorted numbers; B: some to look for.  */
static void
prepare (struct work *work)
{
  uint32_t *sorted = work->a, *sought = work->b, at = 0;
  for (size_t i = 0; i < work->size; i++)
    {
      at += 1 + sorted[i] % 4096;
      sorted[i] = at;
    }
  for (size_t i = 0; i < work->size; i++)
    sought[i] %= at;
}

static uint64_t
run (struct work *work)
{
  const uint32_t *sought = work->b;
  size_t n = work->size < 4096 ? work->size : 4096;
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += lower_bound (work->a, work->size, sought[i]);
  return sum;
}

PREPARED_KERNEL ("lower_bound", "search", DATA_RANDOM, 4, prepare, run);
