/* The inner loop of an integer matrix product.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
multiply_add (uint32_t *c, const uint32_t *b, uint32_t x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    c[i] += x * b[i];
}

static uint64_t
run (struct work *work)
{
  multiply_add (work->c, work->a, 12345, work->size);
  return ((uint32_t *) work->c)[work->size / 2];
}

KERNEL ("multiply_add", "linear", DATA_RANDOM, 8, run);
