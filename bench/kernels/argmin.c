/* Where the smallest number is, the first of several.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
argmin (const int32_t *v, size_t n)
{
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (v[i] < v[best])
      best = i;
  return best;
}

static uint64_t
run (struct work *work)
{
  return argmin (work->a, work->size);
}

KERNEL ("argmin", "search", DATA_RANDOM, 4, run);
