/* Hacker's Delight, p18: is x a power of two?, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd18_power_two (uint32_t *to, const uint32_t *a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = a[i];
      to[i] = (x & (x - 1)) == 0 && x != 0;
    }
}

static uint64_t
run (struct work *work)
{
  hd18_power_two (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("hd18_power_two", "bits", DATA_RANDOM, 8, run);
