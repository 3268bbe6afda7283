/* Decimal numbers parsed out of a text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
parse_ints (uint32_t *to, const uint8_t *p, size_t n)
{
  size_t count = 0;
  uint32_t x = 0;
  int inside = 0;
  for (size_t i = 0; i < n; i++)
    {
      uint32_t digit = p[i] - 0x30u;
      if (digit < 10)
        {
          x = x * 10 + digit;
          inside = 1;
        }
      else if (inside)
        {
          to[count++] = x;
          x = 0;
          inside = 0;
        }
    }
  return count;
}

static void
prepare (struct work *work)
{
  uint8_t *p = work->a;
  for (size_t i = 0; i < work->size; i++)
    p[i] = p[i] < 48 ? 0x20 : (uint8_t) (0x30 + p[i] % 10);
}

static uint64_t
run (struct work *work)
{
  return parse_ints (work->c, work->a, work->size);
}

PREPARED_KERNEL ("parse_ints", "text", DATA_RANDOM, 3, prepare, run);
