/* The list of reasons as text, and setting one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/why.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct
{
  const char *slug, *text;
} reasons[REASON_COUNT] = {
  [REASON_NONE] = { "none", "no reason" },
#define REASON(ID, SLUG, TEXT) [REASON_##ID] = { SLUG, TEXT },
#include "machine/reason.def"
#undef REASON
};

const char *
reason__slug (enum reason reason)
{
  return (unsigned) reason < REASON_COUNT ? reasons[reason].slug : "none";
}

const char *
reason__text (enum reason reason)
{
  return (unsigned) reason < REASON_COUNT ? reasons[reason].text : "no reason";
}

const char *
reason__remedy (enum reason reason)
{
  static const char *const remedies[REASON_COUNT] = {
#define REMEDY(ID, TEXT) [REASON_##ID] = TEXT,
#include "machine/remedy.def"
#undef REMEDY
  };
  return (unsigned) reason < REASON_COUNT ? remedies[reason] : 0;
}

enum reason
reason__from_slug (const char *slug)
{
  for (unsigned i = 1; slug && i < REASON_COUNT; i++)
    if (strcmp (reasons[i].slug, slug) == 0)
      return (enum reason) i;
  return REASON_NONE;
}

/* Bytes of the UTF-8 character that begins at TEXT (RFC 3629: none overlong, no surrogates); 0: none does.  */
static unsigned
character__length (const char *text)
{
  const unsigned char *byte = (const unsigned char *) text;
  unsigned first = byte[0], second = first ? byte[1] : 0;
  unsigned n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (unsigned i = 1; i < n; i++)
    if ((byte[i] & 0xc0) != 0x80)
      return 0;
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) || (first == 0xf0 && second < 0x90)
      || (first == 0xf4 && second >= 0x90))
    return 0;
  return n;
}

/* Does the character TEXT[LENGTH] show nothing, or turn what follows around (Unicode's C0, C1, line ends and directions)?  */
static bool
character__is_control (const char *text, unsigned length)
{
  const unsigned char *byte = (const unsigned char *) text;
  if (length == 1)
    return byte[0] < ' ' || byte[0] == 127;
  if (length == 2)
    return byte[0] == 0xc2 && byte[1] < 0xa0;
  if (length != 3 || byte[0] != 0xe2)
    return false;
  return (byte[1] == 0x80 && (byte[2] == 0x8e || byte[2] == 0x8f || (byte[2] >= 0xa8 && byte[2] <= 0xae)))
         || (byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9);
}

int
why__set (struct why *why, enum reason reason, const char *format, ...)
{
  if (!why)
    return -1;
  va_list args;
  va_start (args, format);
  if (vsnprintf (why->detail, sizeof why->detail, format, args) < 0)
    why->detail[0] = '\0';
  va_end (args);
  why->reason = reason;
  /* One line, printable, UTF-8, though it was cut: details quote untrusted text, and end up in JSON and on terminals.  */
  for (char *p = why->detail; *p;)
    {
      unsigned n = character__length (p);
      if (n == 0)
        *p = '?';
      else if (character__is_control (p, n))
        memset (p, ' ', n);
      p += n ? n : 1;
    }
  return -1;
}
