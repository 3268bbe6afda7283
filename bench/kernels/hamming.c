/* Bits that differ, counted by hand.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
hamming (const uint64_t *a, const uint64_t *b, size_t n)
{
  uint32_t distance = 0;
  for (size_t i = 0; i < n; i++)
    {
      uint64_t x = a[i] ^ b[i];
      x -= x >> 1 & 0x5555555555555555u;
      x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
      x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
      distance += (uint32_t) (x * 0x0101010101010101u >> 56);
    }
  return distance;
}

static uint64_t
run (struct work *work)
{
  return hamming (work->a, work->b, work->size);
}

KERNEL ("hamming", "bits", DATA_RANDOM, 16, run);
