/* The checksum of zlib.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
adler32 (const uint8_t *p, size_t n)
{
  uint32_t a = 1, b = 0;
  while (n > 0)
    {
      size_t chunk = n < 5552 ? n : 5552;
      n -= chunk;
      for (size_t i = 0; i < chunk; i++)
        {
          a += p[i];
          b += a;
        }
      p += chunk;
      a %= 65521;
      b %= 65521;
    }
  return b << 16 | a;
}

static uint64_t
run (struct work *work)
{
  return adler32 (work->a, work->size);
}

KERNEL ("adler32", "checksums", DATA_RANDOM, 1, run);
