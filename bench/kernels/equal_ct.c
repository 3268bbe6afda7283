/* Are two texts equal? In time that depends on their length alone.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT int
equal_ct (const uint8_t *a, const uint8_t *b, size_t n)
{
  uint8_t difference = 0;
  for (size_t i = 0; i < n; i++)
    difference |= a[i] ^ b[i];
  return difference == 0;
}

static void
prepare (struct work *work)
{
  memcpy (work->b, work->a, work->size);
}

static uint64_t
run (struct work *work)
{
  return (uint64_t) equal_ct (work->a, work->b, work->size);
}

PREPARED_KERNEL ("equal_ct", "crypto", DATA_RANDOM, 2, prepare, run);
