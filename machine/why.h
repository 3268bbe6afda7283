/* Why something was refused, left alone or found wrong: one list for the whole project.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_WHY_H
#define AIOPT_WHY_H

enum reason
{
  REASON_NONE,
#define REASON(ID, SLUG, TEXT) REASON_##ID,
#include "machine/reason.def"
#undef REASON
  REASON_COUNT
};

/* A reason with the value it was found on.  DETAIL is one printable line of UTF-8 without newline, may be empty.  */
struct why
{
  enum reason reason;
  char detail[360];
};

/* The stable, hyphenated name of REASON ("new-symbol"), and its sentence.  */
const char *reason__slug (enum reason reason);
const char *reason__text (enum reason reason);

/* What would help where REASON ended in `unknown` or left a function alone; NULL where it says that a
   candidate is wrong.  */
const char *reason__remedy (enum reason reason);

/* The reason named SLUG, or REASON_NONE.  */
enum reason reason__from_slug (const char *slug);

/* Sets *WHY (which may be NULL) and returns -1, so that callers can `return why__set (…)`.  */
int why__set (struct why *why, enum reason reason, const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

#endif
