/* Signed numbers to unsigned, small stays small.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
zigzag (uint32_t *to, const int32_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = (uint32_t) from[i] << 1 ^ (uint32_t) (from[i] >> 31);
}

static uint64_t
run (struct work *work)
{
  zigzag (work->c, work->a, work->size);
  return ((uint32_t *) work->c)[work->size - 1];
}

KERNEL ("zigzag", "codecs", DATA_RANDOM, 8, run);
