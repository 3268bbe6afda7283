/* Hacker's Delight, p05: the lowest one spread to the right, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd05_propagate (uint32_t *to, const uint32_t *a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i];
      to[i] = x | (x - 1);
    }
}

static uint64_t
run (struct work *work)
{
  hd05_propagate (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd05_propagate", "bits", DATA_RANDOM, 8, run);
