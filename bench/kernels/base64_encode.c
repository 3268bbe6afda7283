/* Base64 of whole groups of three bytes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

HOT void
base64_encode (char *to, const uint8_t *from, size_t n)
{
  for (size_t i = 0; i + 3 <= n; i += 3)
    {
      uint32_t x = (uint32_t) from[i] << 16 | (uint32_t) from[i + 1] << 8 | from[i + 2];
      *to++ = digits[x >> 18];
      *to++ = digits[x >> 12 & 63];
      *to++ = digits[x >> 6 & 63];
      *to++ = digits[x & 63];
    }
}

static uint64_t
run (struct work *work)
{
  base64_encode (work->c, work->a, work->size);
  return spread_sum (work->c, work->size);
}

KERNEL ("base64_encode", "codecs", DATA_RANDOM, 3, run);
