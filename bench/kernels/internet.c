/* The sum of 16-bit words under RFC 1071.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint64_t
internet_sum (const uint16_t *p, size_t n)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += p[i];
  return sum;
}

static uint64_t
run (struct work *work)
{
  return internet_sum (work->a, work->size);
}

KERNEL ("internet", "checksums", DATA_RANDOM, 2, run);
