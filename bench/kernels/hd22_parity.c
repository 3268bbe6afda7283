/* Hacker's Delight, p22: parity, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd22_parity (uint8_t *to, const uint32_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = from[i];
      x ^= x >> 1;
      x ^= x >> 2;
      x = (x & 0x11111111u) * 0x11111111u;
      to[i] = x >> 28 & 1;
    }
}

static uint64_t
run (struct work *work)
{
  hd22_parity (work->c, work->a, work->size);
  return spread_sum (work->c, work->size);
}

KERNEL ("hd22_parity", "bits", DATA_RANDOM, 5, run);
