/* Insertion sort of sixteen numbers, the end of many sorts.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
insertion_sort (int32_t *v, size_t n)
{
  for (size_t i = 1; i < n; i++)
    {
      int32_t x = v[i];
      size_t at = i;
      while (at > 0 && v[at - 1] > x)
        {
          v[at] = v[at - 1];
          at--;
        }
      v[at] = x;
    }
}

static uint64_t
run (struct work *work)
{
  int32_t *v = work->c;
  memcpy (v, work->a, work->size * sizeof *v);
  for (size_t i = 0; i + 16 <= work->size; i += 16)
    insertion_sort (v + i, 16);
  return spread_sum (v, 4 * work->size);
}

KERNEL ("insert_sort", "search", DATA_RANDOM, 8, run);
