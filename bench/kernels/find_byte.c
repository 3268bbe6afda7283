/* The next newline, as memchr finds it, through a text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT const uint8_t *
find_byte (const uint8_t *p, const uint8_t *end, uint8_t byte)
{
  while (p < end && *p != byte)
    p++;
  return p;
}

static uint64_t
run (struct work *work)
{
  const uint8_t *p = work->a, *end = p + work->size;
  uint64_t longest = 0;
  while (p < end)
    {
      const uint8_t *stop = find_byte (p, end, 0x0a);
      if ((uint64_t) (stop - p) > longest)
        longest = (uint64_t) (stop - p);
      p = stop + 1;
    }
  return longest;
}

KERNEL ("find_byte", "search", DATA_TEXT, 1, run);
