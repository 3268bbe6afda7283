/* A guard with the original as its fallback, in one function.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_FALLBACK_H
#define AIOPT_FALLBACK_H

#include "machine/region.h"

/* The name by which a candidate means the original function.  */
#define FALLBACK_NAME "aiopt_original"

/* Does CODE jump to the original, or use it in another way?  */
bool fallback__wanted (const struct code *code);

/* Appends REGION's own code to CODE, if that mentions the original, and makes jumps to the original jumps to there.
   Everything lives in CODE's arena.  0; or -1 and *WHY: CALLS where it is called and not jumped to, NEW_SYMBOL where
   something else is done with its name.  */
int fallback__splice (const struct region *region, struct code *code, struct why *why);

#endif
