/* Hacker's Delight, p17: the lowest run of ones cleared, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd17_clear_run (uint32_t *to, const uint32_t *a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i];
      to[i] = ((x | (x - 1)) + 1) & x;
    }
}

static uint64_t
run (struct work *work)
{
  hd17_clear_run (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd17_clear_run", "bits", DATA_RANDOM, 8, run);
