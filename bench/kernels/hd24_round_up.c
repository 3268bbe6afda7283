/* Hacker's Delight, p24: rounded up to a power of two, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd24_round_up (uint32_t *to, const uint32_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = from[i] - 1;
      x |= x >> 1;
      x |= x >> 2;
      x |= x >> 4;
      x |= x >> 8;
      x |= x >> 16;
      to[i] = x + 1;
    }
}

static uint64_t
run (struct work *work)
{
  hd24_round_up (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd24_round_up", "bits", DATA_RANDOM, 8, run);
