/* Text: counting, folding and finding.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "assay.h"

/* Counts bytes by class.  */
void
text_count (const uint8_t *p, size_t n, struct text_counts *counts)
{
  uint32_t lines = 0, spaces = 0, letters = 0, digits = 0, high = 0;
  for (size_t i = 0; i < n; i++)
    {
      uint8_t c = p[i], lower = c | 0x20;
      lines += c == '\n';
      spaces += c == ' ' || c == '\t';
      letters += lower >= 'a' && lower <= 'z';
      digits += c >= '0' && c <= '9';
      high += c >= 0x80;
    }
  counts->lines += lines;
  counts->spaces += spaces;
  counts->letters += letters;
  counts->digits += digits;
  counts->high += high;
}

/* ASCII letters in lower case, everything else as it is.  */
void
text_lower (uint8_t *to, const uint8_t *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint8_t c = from[i];
      to[i] = c >= 'A' && c <= 'Z' ? (uint8_t) (c + 32) : c;
    }
}

/* How often FIRST is followed by SECOND.  */
size_t
text_find_pairs (const uint8_t *p, size_t n, uint8_t first, uint8_t second)
{
  size_t found = 0;
  for (size_t i = 0; i + 1 < n; i++)
    found += (p[i] == first) & (p[i + 1] == second);
  return found;
}

/* UTF-8 lead bytes: everything but 10xxxxxx.  */
size_t
utf8_code_points (const uint8_t *p, size_t n)
{
  size_t count = 0;
  for (size_t i = 0; i < n; i++)
    count += (p[i] & 0xc0) != 0x80;
  return count;
}
