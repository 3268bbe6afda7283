/* Cleaning text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm-text.h"

#include "machine/utf8.h"

#include <stdlib.h>
#include <string.h>

void
text__clean (char *text)
{
  size_t length = strlen (text);
  for (size_t i = 0; i < length;)
    {
      uint32_t c;
      unsigned n = utf8__decode (text + i, length - i, &c);
      bool bad = n == 0 || (c < ' ' && c != '\n' && c != '\t') || c == 127 || utf8__is_hidden (c);
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
