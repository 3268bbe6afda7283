/* The steps in which code goes through memory, and the sizes that follow from them.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_SYSTEMATIC_H
#define AIOPT_VERIFY_SYSTEMATIC_H

#include "verify/internal.h"

enum
{
  STEPS_MAX = 24,
  SIZES_MAX = 420
};

struct layout_steps
{
  unsigned widest; /* bytes of the widest access */
  unsigned reach;  /* bytes that an unrolled body goes beyond a pointer */
  unsigned n;
  unsigned step[STEPS_MAX]; /* what registers are moved by */
};

/* The same sizes as systematic tests have, with contents of what RECALL names (states__recall), until UNTIL (verify__now).  False where the
   verdict is filled.  */
bool systematic__recalled (struct trial *trial, unsigned recall, double until);

void layout__add_step (struct layout_steps *steps, uint64_t step);

/* Adds SIDE's.  */
void layout__scan (struct layout_steps *steps, const struct side *side);

/* The least element that a pointer of REGION points to, 1 where nothing is known.  */
unsigned layout__element (const struct region *region);

/* Sizes, in elements of ELEMENT bytes, at which a loop of these steps could go wrong.  Their
 * number, at most SIZES_MAX.  */
unsigned layout__sizes (const struct layout_steps *steps, unsigned element, uint64_t *sizes);

/* Large sizes that fit into a slot, those that tell most first.  Their number, at most SIZES_MAX.  */
unsigned layout__large_sizes (unsigned element, uint64_t *sizes);

#endif
