/* The life of a candidate.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/candidate.h"

void
candidate__free (struct candidate *candidate)
{
  /* The candidate itself lives in its arena.  */
  if (candidate)
    arena__free (candidate->arena);
}
