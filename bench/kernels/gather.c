/* Elements picked by an array of indices.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
gather (uint32_t *to, const uint32_t *from, const uint32_t *index, size_t n)
{
  for (size_t i = 0; i < n; i++)
    to[i] = from[index[i]];
}

static void
prepare (struct work *work)
{
  uint32_t *index = work->b;
  for (size_t i = 0; i < work->size; i++)
    index[i] %= (uint32_t) work->size;
}

static uint64_t
run (struct work *work)
{
  gather (work->c, work->a, work->b, work->size);
  return spread_sum (work->c, 4 * work->size);
}

PREPARED_KERNEL ("gather", "loops", DATA_RANDOM, 12, prepare, run);
