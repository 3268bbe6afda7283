/* Checksums of files and packets.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "assay.h"

/* RFC 1950: two sums modulo 65521; 5552 bytes fit before the 32-bit sums can overflow.  */
uint32_t
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

/* The reflected CRC-32 of Ethernet and gzip, four bits at a time.  */
uint32_t
crc32_update (uint32_t crc, const uint8_t *p, size_t n)
{
  static const uint32_t table[16]
    = { 0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
  crc = ~crc;
  for (size_t i = 0; i < n; i++)
    {
      crc ^= p[i];
      crc = crc >> 4 ^ table[crc & 15];
      crc = crc >> 4 ^ table[crc & 15];
    }
  return ~crc;
}

/* Fletcher's checksum over 16-bit words, sums kept modulo 65535 at the end of each 360 words.  */
uint32_t
fletcher32 (const uint16_t *p, size_t n)
{
  uint32_t low = 0xffff, high = 0xffff;
  while (n > 0)
    {
      size_t chunk = n < 359 ? n : 359;
      n -= chunk;
      for (size_t i = 0; i < chunk; i++)
        {
          low += p[i];
          high += low;
        }
      p += chunk;
      low = (low & 0xffff) + (low >> 16);
      high = (high & 0xffff) + (high >> 16);
    }
  low = (low & 0xffff) + (low >> 16);
  high = (high & 0xffff) + (high >> 16);
  return high << 16 | low;
}

/* RFC 1071: the ones' complement sum of 16-bit words.  */
uint16_t
internet_checksum (const uint16_t *p, size_t n)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += p[i];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t) ~sum;
}
