/* The original's own code within a candidate.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_COPY_H
#define AIOPT_VERIFY_COPY_H

#include "verify/allow.h"

/* Items of a code, FROM to END exclusively; none where both are the same.  */
struct item_range
{
  unsigned from, end;
};

/* Does CANDIDATE end with the whole of ORIGINAL, reached from what is in front of it by its first instruction alone?  *RANGE are
   its items.  ARENA for working space.  */
bool copy__find (struct arena *arena, const struct side *original, const struct side *candidate, struct item_range *range);

#endif
