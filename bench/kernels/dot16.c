/* A dot product of 16-bit numbers.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT int32_t
dot16 (const int16_t *a, const int16_t *b, size_t n)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (uint32_t) (a[i] * b[i]);
  return (int32_t) sum;
}

static uint64_t
run (struct work *work)
{
  return (uint32_t) dot16 (work->a, work->b, work->size);
}

KERNEL ("dot16", "linear", DATA_SMALL, 4, run);
