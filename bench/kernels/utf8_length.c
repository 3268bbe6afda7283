/* Code points in UTF-8.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
utf8_length (const uint8_t *p, uint32_t n)
{
  uint32_t count = 0;
  for (uint32_t i = 0; i < n; i++)
    count += (p[i] & 0xc0) != 0x80;
  return count;
}

static uint64_t
run (struct work *work)
{
  return utf8_length (work->a, (uint32_t) work->size);
}

KERNEL ("utf8_length", "text", DATA_TEXT, 1, run);
