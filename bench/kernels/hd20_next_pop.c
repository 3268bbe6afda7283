/* Hacker's Delight, p20: the next greater number with as many ones. One number a call, as it divides and is used:
   to walk through the subsets of a set.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
hd20_next_pop (uint32_t x)
{
  uint32_t z = x & -x, y = x + z;
  return ((x ^ y) >> 2) / z | y;
}

static uint64_t
run (struct work *work)
{
  uint32_t subset = 0x1f, *to = work->c;
  for (size_t i = 0; i < work->size; i++)
    {
      to[i] = subset;
      subset = hd20_next_pop (subset);
      if (subset >= 1u << 30)
        subset = 0x1f;
    }
  return subset;
}

KERNEL ("hd20_next_pop", "bits", DATA_RANDOM, 4, run);
