/* Numbers of 32 bits in groups of seven, as protocol buffers have them.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
varint_decode (uint32_t *to, const uint8_t *from, size_t n)
{
  size_t count = 0;
  uint32_t x = 0;
  unsigned shift = 0;
  for (size_t i = 0; i < n; i++)
    {
      x |= (uint32_t) (from[i] & 0x7f) << (shift & 31);
      shift += 7;
      if (from[i] < 0x80)
        {
          to[count++] = x;
          x = 0;
          shift = 0;
        }
    }
  return count;
}

/* Most numbers are small.  */
static void
prepare (struct work *work)
{
  uint8_t *p = work->a;
  const uint8_t *random = work->b;
  unsigned length = 0;
  for (size_t i = 0; i < work->size; i++)
    {
      if (random[i] < 180 || length == 4)
        {
          p[i] &= 0x7f;
          length = 0;
        }
      else
        {
          p[i] |= 0x80;
          length++;
        }
    }
}

static uint64_t
run (struct work *work)
{
  return varint_decode (work->c, work->a, work->size);
}

PREPARED_KERNEL ("varint_decode", "codecs", DATA_RANDOM, 5, prepare, run);
