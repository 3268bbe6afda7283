/* Encodings and a small Lempel-Ziv compressor.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "assay.h"
#include <string.h>

enum
{
  LZ_HASH_BITS = 14,
  LZ_MIN_MATCH = 4,
  LZ_MAX_MATCH = 130,
  LZ_WINDOW = 65535
};

/* Two lower-case digits a byte; returns the characters written.  */
size_t
hex_encode (char *to, const uint8_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      unsigned high = from[i] >> 4, low = from[i] & 15;
      to[2 * i] = (char) (high + (high < 10 ? '0' : 'a' - 10));
      to[2 * i + 1] = (char) (low + (low < 10 ? '0' : 'a' - 10));
    }
  return 2 * n;
}

/* Each byte as the difference from the one before.  */
void
delta_encode (uint8_t *to, const uint8_t *from, size_t n)
{
  if (n == 0)
    return;
  to[0] = from[0];
  for (size_t i = 1; i < n; i++)
    to[i] = (uint8_t) (from[i] - from[i - 1]);
}

/* The four bytes of each word into four planes, as compressors of numbers like it.  */
void
planes_split (uint8_t *to, const uint32_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t x = from[i];
      to[i] = (uint8_t) x;
      to[n + i] = (uint8_t) (x >> 8);
      to[2 * n + i] = (uint8_t) (x >> 16);
      to[3 * n + i] = (uint8_t) (x >> 24);
    }
}

static inline uint32_t
load32 (const uint8_t *p)
{
  uint32_t x;
  memcpy (&x, p, sizeof x);
  return x;
}

/* Literal runs (count - 1 below 128, then the bytes) and matches (128 + length - 4, then a two-byte
   distance).  TABLE has 1 << LZ_HASH_BITS entries.  TO needs n + n / 128 + 1 bytes.  */
size_t
lz_compress (uint8_t *to, const uint8_t *from, size_t n, uint32_t *table)
{
  size_t out = 0, i = 0, literal = 0;
  memset (table, 0xff, sizeof (uint32_t) << LZ_HASH_BITS);
  while (i < n)
    {
      size_t length = 0, distance = 0;
      if (i + LZ_MIN_MATCH <= n)
        {
          uint32_t h = load32 (from + i) * 2654435761u >> (32 - LZ_HASH_BITS);
          size_t at = table[h];
          table[h] = (uint32_t) i;
          if (at < i && i - at <= LZ_WINDOW && load32 (from + at) == load32 (from + i))
            {
              size_t room = n - i < LZ_MAX_MATCH ? n - i : LZ_MAX_MATCH;
              length = LZ_MIN_MATCH;
              while (length < room && from[at + length] == from[i + length])
                length++;
              distance = i - at;
            }
        }
      if (length == 0 && i + 1 < n && i - literal < 127)
        {
          i++;
          continue;
        }
      size_t run = i - literal + (length == 0);
      if (run > 0)
        {
          to[out++] = (uint8_t) (run - 1);
          memcpy (to + out, from + literal, run);
          out += run;
        }
      if (length > 0)
        {
          to[out++] = (uint8_t) (128 + length - LZ_MIN_MATCH);
          to[out++] = (uint8_t) distance;
          to[out++] = (uint8_t) (distance >> 8);
          i += length;
        }
      else
        i++;
      literal = i;
    }
  return out;
}

/* The inverse; returns the bytes written, or 0 where FROM is damaged or ROOM too small.  */
size_t
lz_expand (uint8_t *to, size_t room, const uint8_t *from, size_t n)
{
  size_t out = 0, i = 0;
  while (i < n)
    {
      unsigned token = from[i++];
      if (token < 128)
        {
          size_t run = token + 1;
          if (run > n - i || run > room - out)
            return 0;
          memcpy (to + out, from + i, run);
          out += run;
          i += run;
        }
      else
        {
          if (n - i < 2)
            return 0;
          size_t length = token - 128 + LZ_MIN_MATCH;
          size_t distance = from[i] | (size_t) from[i + 1] << 8;
          i += 2;
          if (distance == 0 || distance > out || length > room - out)
            return 0;
          for (size_t k = 0; k < length; k++, out++)
            to[out] = to[out - distance];
        }
    }
  return out;
}
