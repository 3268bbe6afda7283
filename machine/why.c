/* The list of reasons as text, and setting one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/why.h"

#include "machine/utf8.h"

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

/* Does POINT show nothing, or turn what follows around (Unicode's C0, C1, line ends and directions)?  What joins or parts letters may stay.  */
static bool
point__is_control (uint32_t point)
{
  return point < ' ' || (point >= 127 && point < 0xa0) || point == 0x200e || point == 0x200f || (point >= 0x2028 && point <= 0x202e)
         || (point >= 0x2066 && point <= 0x2069);
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
      uint32_t point;
      unsigned n = utf8__decode (p, strnlen (p, 4), &point);
      if (n == 0)
        *p = '?';
      else if (point__is_control (point))
        memset (p, ' ', n);
      p += n ? n : 1;
    }
  return -1;
}
