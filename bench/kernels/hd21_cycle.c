/* Hacker's Delight, p21: each of three values replaced by the next one, over an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hd21_cycle (uint32_t *to, const uint32_t *from, uint32_t a, uint32_t b, uint32_t c, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = from[i];
      to[i] = (-(uint32_t) (x == c) & (a ^ c)) ^ (-(uint32_t) (x == a) & (b ^ c)) ^ c;
    }
}

static void
prepare (struct work *work)
{
  uint32_t *a = work->a;
  for (size_t i = 0; i < work->size; i++)
    a[i] = a[i] % 3 * 10 + 10;
}

static uint64_t
run (struct work *work)
{
  hd21_cycle (work->c, work->a, 10, 20, 30, work->size);
  return spread_sum (work->c, 4 * work->size);
}

PREPARED_KERNEL ("hd21_cycle", "bits", DATA_RANDOM, 8, prepare, run);
