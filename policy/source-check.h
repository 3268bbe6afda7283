/* May a C text that a model wrote go to the compiler?
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SOURCE_CHECK_H
#define AIOPT_SOURCE_CHECK_H

#include "machine/region.h"

/* Looks at TEXT[LENGTH], in REGION's language, token by token.  0; or -1 and *WHY (FORBIDDEN), with the line in the
   text.  The compiler then has to be run as source__compile does for such texts: in the dialect in which the text was read here.  */
int source__check (const struct region *region, const char *text, size_t length, struct why *why);

#endif
