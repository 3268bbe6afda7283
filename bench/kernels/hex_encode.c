/* Bytes to hexadecimal digits.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
hex_encode (uint8_t *to, const uint8_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      unsigned high = from[i] >> 4, low = from[i] & 15;
      to[2 * i] = (uint8_t) (high + (high < 10 ? 48 : 87));
      to[2 * i + 1] = (uint8_t) (low + (low < 10 ? 48 : 87));
    }
}

static uint64_t
run (struct work *work)
{
  hex_encode (work->c, work->a, work->size);
  return ((uint8_t *) work->c)[work->size];
}

KERNEL ("hex_encode", "codecs", DATA_RANDOM, 3, run);
