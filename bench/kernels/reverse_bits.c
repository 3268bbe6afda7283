/* The bits of each word reversed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
reverse_bits (uint32_t *to, const uint32_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = from[i];
      x = (x & 0x55555555) << 1 | (x >> 1 & 0x55555555);
      x = (x & 0x33333333) << 2 | (x >> 2 & 0x33333333);
      x = (x & 0x0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f);
      to[i] = __builtin_bswap32 (x);
    }
}

static uint64_t
run (struct work *work)
{
  reverse_bits (work->c, work->a, work->size);
  return ((uint32_t *) work->c)[work->size / 2];
}

KERNEL ("reverse_bits", "bits", DATA_RANDOM, 8, run);
