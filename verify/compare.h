/* Is one run's outcome what the original's was?
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_COMPARE_H
#define AIOPT_VERIFY_COMPARE_H

#include "states/states.h"

enum comparison
{
  COMPARE_SAME,
  COMPARE_DIFFERENT, /* refuted */
  COMPARE_UNKNOWN    /* this can't be judged */
};

/* The first difference found, for people.  */
struct difference
{
  struct why why;
  char expected[160], got[160];
  uint64_t address; /* of the first different byte in memory, or of the fault; else 0 */
  int signal;       /* that the candidate raised where the original returned, else 0 */
};

/* Can outcomes of REGION be compared at all?  0, or -1 and *WHY.  */
int compare__can (const struct region *region, struct why *why);

/* Is a run of the original's that ended as EXPECTED one that the language gives no meaning to: it used a
   pointer that points to no object?  A compiler, given the same source, may then do anything, and usually only
   leaves out a load that nothing needs.  So such a run says nothing about a candidate that a compiler of ours made from
   the function's own source; for anyone else's the contract's fourth line holds to the letter.  */
bool compare__is_undefined (const struct region *region, const struct outcome *expected);

/* Does the original's run on STATE, which ended as EXPECTED, say nothing of a candidate whose run ended as GOT?
   - It faulted with a size that no object can have: sums of an address and such a size go round, and where they do so differs between
     versions that are the same function on all that exists.  Sizes of 2^32 elements and more that could be are compared.
   - The candidate is COMPILED, by a compiler of ours, and the run is undefined, as above.
   - The candidate is COMPILED and faults where the original returned, with such a size, as only an end pointer that went round lets it:
     pointers that leave their object are undefined in the source.  */
bool compare__says_nothing (const struct region *region, bool compiled, const struct state *state, const struct outcome *expected,
                            const struct outcome *got);

/* Is an integer parameter of REGION in STATE one that can't be an object's size?  */
bool compare__impossible_size (const struct region *region, const struct state *state);

/* Compares GOT with EXPECTED after STATE.  *DIFFERENCE is filled unless COMPARE_SAME.  */
enum comparison compare__outcome (const struct region *region, const struct state *state,
                                  const struct outcome *expected, const struct outcome *got,
                                  struct difference *difference);

/* Which bits of VALUE's bytes mean something: MASK[SIZE], bit by bit, from its type (padding bits and
   bytes are 0).  */
void compare__value_mask (const struct region *region, const struct value *value, uint8_t *mask,
                          size_t size);

/* Compares what both sides touched: candidate writes only bytes that the original writes, and reads
   only in pages that the original touches, in its own image OWN_BEGIN..OWN_END, or on the stack only
   what the original reads there.  */
enum comparison compare__footprint (const struct footprint *original,
                                    const struct footprint *candidate, uint64_t own_begin,
                                    uint64_t own_end, struct difference *difference);

#endif
