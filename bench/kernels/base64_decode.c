/* Base64 of whole groups of four letters, by a table; -1 where there is another letter.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT int
base64_decode (uint8_t *to, const uint8_t *from, size_t n, const int8_t *value)
{
  int bad = 0;
  for (size_t i = 0; i + 4 <= n; i += 4)
    {
      int a = value[from[i]], b = value[from[i + 1]], c = value[from[i + 2]], d = value[from[i + 3]];
      bad |= a | b | c | d;
      *to++ = (uint8_t) (a << 2 | b >> 4);
      *to++ = (uint8_t) (b << 4 | c >> 2);
      *to++ = (uint8_t) (c << 6 | d);
    }
  return bad < 0 ? -1 : 0;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A: the text; B: the table.  */
static void
prepare (struct work *work)
{
  uint8_t *text = work->a, *value = work->b;
  for (size_t i = 0; i < work->size; i++)
    text[i] = (uint8_t) digits[text[i] & 63];
  memset (value, 0xff, 256);
  for (int i = 0; i < 64; i++)
    value[(uint8_t) digits[i]] = (uint8_t) i;
}

static uint64_t
run (struct work *work)
{
  int bad = base64_decode (work->c, work->a, work->size, work->b);
  return spread_sum (work->c, work->size / 4 * 3 + 1) + (uint64_t) bad;
}

PREPARED_KERNEL ("base64_decode", "codecs", DATA_RANDOM, 2, prepare, run);
