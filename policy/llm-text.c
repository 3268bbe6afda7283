/* Cleaning text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm-text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

unsigned
utf8__length (const char *text, size_t length)
{
  const unsigned char *p = (const unsigned char *)text;
  if (!length)
    return 0;
  if (p[0] < 0x80)
    return 1;
  unsigned n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
  /* Unicode standard, table 3-7.  */
  unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
  unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
  if (p[0] < 0xc2 || p[0] > 0xf4 || length < n || p[1] < low || p[1] > high)
    return 0;
  for (unsigned i = 2; i < n; i++)
    if ((p[i] & 0xc0) != 0x80)
      return 0;
  return n;
}

/* Does the character of N bytes at P hide or reorder what is around it?  */
static bool
character__is_hidden (const unsigned char *p, unsigned n)
{
  if (n == 2)
    return p[0] == 0xc2 && p[1] < 0xa0; /* C1 controls */
  uint32_t c = n == 3 ? (uint32_t)(p[0] & 15) << 12 | (p[1] & 63) << 6 | (p[2] & 63)
                      : (uint32_t)(p[0] & 7) << 18 | (p[1] & 63) << 12 | (p[2] & 63) << 6 | (p[3] & 63);
  return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff
         || c >= 0xe0000;
}

void
text__clean (char *text)
{
  size_t length = strlen (text);
  for (size_t i = 0; i < length;)
    {
      unsigned n = utf8__length (text + i, length - i);
      unsigned char c = (unsigned char)text[i];
      bool bad = n == 0 || (n == 1 && ((c < ' ' && c != '\n' && c != '\t') || c == 127))
                 || (n > 1 && character__is_hidden ((const unsigned char *)text + i, n));
      n = n ? n : 1;
      if (bad)
        memset (text + i, '?', n);
      i += n;
    }
}

char *
line__clean (const char *text, size_t most)
{
  char *line = strdup (text ? text : "");
  if (!line)
    abort ();
  text__clean (line);
  size_t length = strlen (line), blanks = strspn (line, "\n\t ");
  memmove (line, line + blanks, length - blanks + 1);
  length -= blanks;
  for (char *p = line; *p; p++)
    if (*p == '\n' || *p == '\t')
      *p = ' ';
  if (length > most)
    {
      length = most;
      while (length && ((unsigned char)line[length] & 0xc0) == 0x80)
        length--;
    }
  while (length && line[length - 1] == ' ')
    length--;
  line[length] = 0;
  return line;
}

void
line__print (FILE *out, const char *text, size_t most)
{
  char *line = line__clean (text, most);
  fputs (line, out);
  free (line);
}
