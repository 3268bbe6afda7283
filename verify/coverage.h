/* What the tests reached: instructions, and both ways of every branch.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_COVERAGE_H
#define AIOPT_VERIFY_COVERAGE_H

#include "sandbox/sandbox.h"
#include "verify/allow.h"
#include "verify/copy.h"

struct coverage
{
  const struct side *side;
  uint64_t *executed; /* per instruction */
  uint8_t *branch;    /* per instruction: bit 0 taken, bit 1 fallen through */
  bool *cold;         /* in a block that ends in ud2 or in a call that doesn't return */
  bool *padding;      /* nops that nothing needs to reach */
  uint8_t *excused;   /* per instruction: ways, as in branch, that were proved to be taken never */
  bool *dead;         /* nothing but excused ways leads there */
  struct item_range copy; /* of the original, in a candidate that falls back to it; else none */
};

struct coverage_count
{
  unsigned insns, insns_reached; /* cold ones and padding left out */
  unsigned ways, ways_reached;   /* of conditional branches, into cold blocks left out */
  unsigned copy_insns, copy_insns_reached, copy_ways, copy_ways_reached; /* of all these, what is in the copy of the original */
  int first_insn, first_way;     /* the first instruction not reached, the first branch with a missing way; or -1 */
};

/* COLD_COUNTS: cold blocks have to be reached like others.  */
struct coverage *coverage__new (struct arena *arena, const struct region *region,
                                const struct side *side, bool cold_counts);
void coverage__add (struct coverage *coverage, const struct trace *trace);
/* Is instruction I in the copy of the original?  */
bool coverage__in_copy (const struct coverage *coverage, unsigned i);
void coverage__count (const struct coverage *coverage, struct coverage_count *count);

#endif
