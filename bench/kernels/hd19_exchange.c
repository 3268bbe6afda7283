/* Hacker's Delight, p19: two bit fields of x exchanged, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd19_exchange (uint32_t *to, const uint32_t *from, uint32_t mask, unsigned distance, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = from[i], t = (x >> (distance & 31) ^ x) & mask;
      to[i] = x ^ t ^ t << (distance & 31);
    }
}

static uint64_t
run (struct work *work)
{
  hd19_exchange (work->c, work->a, 0x00ff00ff, 8, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd19_exchange", "bits", DATA_RANDOM, 8, run);
