/* Reading UTF-8.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/utf8.h"

unsigned
utf8__decode (const char *text, size_t length, uint32_t *point)
{
  const unsigned char *byte = (const unsigned char *) text;
  if (length == 0)
    return 0;
  if (byte[0] < 0x80)
    {
      *point = byte[0];
      return 1;
    }
  unsigned n = byte[0] >= 0xc2 && byte[0] < 0xe0 ? 2 : byte[0] >= 0xe0 && byte[0] < 0xf0 ? 3 : byte[0] >= 0xf0 && byte[0] < 0xf5 ? 4 : 0;
  if (n == 0 || n > length)
    return 0;
  uint32_t value = byte[0] & (0xffu >> (n + 1));
  for (unsigned i = 1; i < n; i++)
    {
      if ((byte[i] & 0xc0) != 0x80)
        return 0;
      value = value << 6 | (byte[i] & 0x3f);
    }
  static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
    return 0;
  *point = value;
  return n;
}

bool
utf8__is_hidden (uint32_t point)
{
  return (point >= 0x80 && point < 0xa0) || (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e)
         || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || point >= 0xe0000;
}
