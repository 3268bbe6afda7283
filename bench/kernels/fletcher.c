/* Fletcher-32, reduced once a block.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
fletcher32 (const uint16_t *p, size_t n)
{
  uint32_t a = 0xffff, b = 0xffff;
  while (n > 0)
    {
      size_t block = n < 359 ? n : 359;
      n -= block;
      for (size_t i = 0; i < block; i++)
        {
          a += *p++;
          b += a;
        }
      a = (a & 0xffff) + (a >> 16);
      b = (b & 0xffff) + (b >> 16);
    }
  a = (a & 0xffff) + (a >> 16);
  b = (b & 0xffff) + (b >> 16);
  return b << 16 | a;
}

static uint64_t
run (struct work *work)
{
  return fletcher32 (work->a, work->size);
}

KERNEL ("fletcher", "checksums", DATA_RANDOM, 2, run);
