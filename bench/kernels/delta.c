/* Differences of neighbours.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
delta (uint16_t *to, const uint16_t *from, size_t n)
{
  for (size_t i = 1; i < n; i++)
    to[i] = (uint16_t) (from[i] - from[i - 1]);
}

static uint64_t
run (struct work *work)
{
  delta (work->c, work->a, work->size);
  return ((uint16_t *) work->c)[work->size - 1];
}

KERNEL ("delta", "codecs", DATA_RANDOM, 4, run);
