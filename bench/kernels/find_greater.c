/* A search with a break over two arrays.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
find_greater (const int32_t *a, const int32_t *b, size_t n)
{
  size_t i;
  for (i = 0; i < n; i++)
    if (a[i] > b[i])
      break;
  return i;
}

/* Found nine tenths down.  */
static void
prepare (struct work *work)
{
  int32_t *a = work->a, *b = work->b;
  for (size_t i = 0; i < work->size; i++)
    b[i] = a[i] | 0x0f0f;
  b[work->size / 10 * 9] = INT32_MIN;
}

static uint64_t
run (struct work *work)
{
  return find_greater (work->a, work->b, work->size);
}

PREPARED_KERNEL ("find_greater", "loops", DATA_RANDOM, 8, prepare, run);
