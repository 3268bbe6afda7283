/* Run-length coding: pairs of count and byte.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
run_length (uint8_t *to, const uint8_t *from, size_t n)
{
  size_t length = 0;
  for (size_t i = 0; i < n;)
    {
      size_t run = 1;
      while (i + run < n && run < 255 && from[i + run] == from[i])
        run++;
      to[length++] = (uint8_t) run;
      to[length++] = from[i];
      i += run;
    }
  return length;
}

/* Runs of about eight.  */
static void
prepare (struct work *work)
{
  uint8_t *p = work->a;
  for (size_t i = 1; i < work->size; i++)
    p[i] = p[i] & 7 ? p[i - 1] : p[i] >> 3;
}

static uint64_t
run (struct work *work)
{
  return run_length (work->c, work->a, work->size);
}

PREPARED_KERNEL ("run_length", "codecs", DATA_RANDOM, 3, prepare, run);
