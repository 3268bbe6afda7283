/* The bytes of words into planes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
planes (uint8_t *restrict to, const uint32_t *restrict from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = from[i];
      to[i] = (uint8_t) x;
      to[n + i] = (uint8_t) (x >> 8);
      to[2 * n + i] = (uint8_t) (x >> 16);
      to[3 * n + i] = (uint8_t) (x >> 24);
    }
}

static uint64_t
run (struct work *work)
{
  planes (work->c, work->a, work->size);
  return ((uint8_t *) work->c)[3 * work->size];
}

KERNEL ("planes", "codecs", DATA_RANDOM, 8, run);
