/* The list of reasons as text, and setting one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/why.h"

#include <stdarg.h>
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
  /* One line, printable: details quote untrusted text.  */
  for (char *p = why->detail; *p; p++)
    if ((unsigned char) *p < ' ' || *p == 127)
      *p = ' ';
  return -1;
}
