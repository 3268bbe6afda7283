/* What a candidate's instructions may be, before any of it runs.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_ALLOW_H
#define AIOPT_VERIFY_ALLOW_H

#include "machine/decode.h"
#include "machine/region.h"

/* One side: the same function as text, as bytes and as decoded instructions.  */
struct side
{
  const struct code *code;
  const struct object *object;
  const struct decoded *decoded;
  unsigned own_items; /* items of CODE that are the function's own; bodies of runtime functions follow */
};

/* Can ORIGINAL's instructions be replaced and replayed at all?  0, or -1 and *WHY.  */
int allow__original (const struct region *region, const struct side *original, struct why *why);

/* Judges CANDIDATE instruction by instruction against ORIGINAL.  COMPILED: the candidate came from a
   compiler of ours, so that jump tables are what compilers make of a switch; others may use indirect jumps only
   where the original does.  0, or -1 and *WHY (FORBIDDEN, ISA, CONTROL_FLOW, CALLS, NEW_SYMBOL, CONSTANT_TIME,
   MARKER).  */
int allow__candidate (const struct region *region, const struct side *original,
                      const struct side *candidate, bool compiled, struct why *why);

/* Is INSN of SIDE a call or tail jump to a callee that REGION says doesn't return?  */
bool allow__is_noreturn (const struct region *region, const struct side *side,
                         const struct decoded_insn *insn);

/* Index of the instruction at OFFSET of SECTION, or -1 where none begins there.  */
int allow__find (const struct decoded *decoded, unsigned section, uint64_t offset);

/* Index of the instruction that the jump or branch I leads to; -1 where I is none, or leads out of the object or nobody knows where.  */
int allow__target (const struct decoded *decoded, unsigned i);

#endif
