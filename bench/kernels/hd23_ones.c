/* Hacker's Delight, p23: ones counted, summed over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
hd23_ones (const uint32_t *from, size_t n)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = from[i];
      x = (x & 0x55555555u) + (x >> 1 & 0x55555555u);
      x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
      x = (x & 0x0f0f0f0fu) + (x >> 4 & 0x0f0f0f0fu);
      x += x >> 8;
      x += x >> 16;
      sum += x & 127;
    }
  return sum;
}

static uint64_t
run (struct work *work)
{
  return hd23_ones (work->a, work->size);
}

KERNEL ("hd23_ones", "bits", DATA_RANDOM, 4, run);
