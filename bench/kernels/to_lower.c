/* ASCII letters to lower case.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
to_lower (uint8_t *to, const uint8_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint8_t c = from[i];
      to[i] = c >= 0x41 && c <= 0x5a ? (uint8_t) (c + 32) : c;
    }
}

static uint64_t
run (struct work *work)
{
  to_lower (work->c, work->a, work->size);
  return ((uint8_t *) work->c)[work->size / 3];
}

KERNEL ("to_lower", "text", DATA_TEXT, 2, run);
