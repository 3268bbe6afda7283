/* Is this UTF-8? As in the Unicode standard, table 3-7.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT int
utf8_valid (const uint8_t *p, size_t n)
{
  const uint8_t *end = p + n;
  while (p < end)
    {
      if (*p < 0x80)
        {
          p++;
          continue;
        }
      int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
      if (*p < 0xc2 || *p > 0xf4 || end - p <= more)
        return 0;
      uint8_t low = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
      uint8_t high = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;
      if (p[1] < low || p[1] > high)
        return 0;
      for (int i = 2; i <= more; i++)
        if ((p[i] & 0xc0) != 0x80)
          return 0;
      p += more + 1;
    }
  return 1;
}

/* Mostly ASCII, with umlauts, a dash and an emoji now and then.  */
static void
prepare (struct work *work)
{
  static const char *const rare[] = { "\xc3\xa4", "\xc3\xbc", "\xe2\x80\x93", "\xf0\x9f\x98\x80" };
  uint8_t *text = work->a;
  const uint8_t *random = work->b;
  for (size_t i = 0; i + 4 <= work->size; i++)
    if (random[i] < 16)
      {
        const char *c = rare[random[i] & 3];
        size_t length = strlen (c);
        memcpy (text + i, c, length);
        i += length - 1;
      }
}

static uint64_t
run (struct work *work)
{
  return (uint64_t) utf8_valid (work->a, work->size);
}

PREPARED_KERNEL ("utf8_valid", "text", DATA_TEXT, 1, prepare, run);
