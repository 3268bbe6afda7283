/* How often each byte occurs.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
histogram (uint32_t *count, const uint8_t *p, size_t n)
{
  for (size_t i = 0; i < n; i++)
    count[p[i]]++;
}

static uint64_t
run (struct work *work)
{
  memset (work->c, 0, 256 * sizeof (uint32_t));
  histogram (work->c, work->a, work->size);
  return spread_sum (work->c, 1024);
}

KERNEL ("histogram", "linear", DATA_PIXELS, 1, run);
