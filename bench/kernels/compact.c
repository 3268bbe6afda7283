/* The positive elements packed together.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
compact (int32_t *to, const int32_t *from, size_t n)
{
  size_t k = 0;
  for (size_t i = 0; i < n; i++)
    if (from[i] > 0)
      to[k++] = from[i];
  return k;
}

static uint64_t
run (struct work *work)
{
  return compact (work->c, work->a, work->size);
}

KERNEL ("compact", "loops", DATA_RANDOM, 8, run);
