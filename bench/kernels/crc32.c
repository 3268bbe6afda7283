/* CRC-32 with a table of 256 words.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
crc32_update (const uint32_t *table, uint32_t crc, const uint8_t *p, size_t n)
{
  crc = ~crc;
  for (size_t i = 0; i < n; i++)
    crc = table[(crc ^ p[i]) & 0xff] ^ crc >> 8;
  return ~crc;
}

static void
prepare (struct work *work)
{
  uint32_t *table = work->c;
  for (uint32_t i = 0; i < 256; i++)
    {
      uint32_t x = i;
      for (int bit = 0; bit < 8; bit++)
        x = x >> 1 ^ (-(x & 1) & 0xedb88320u);
      table[i] = x;
    }
}

static uint64_t
run (struct work *work)
{
  return crc32_update (work->c, 0, work->a, work->size);
}

PREPARED_KERNEL ("crc32", "checksums", DATA_TEXT, 1, prepare, run);
