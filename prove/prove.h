/* Proving that two versions of a function do the same, by symbolic execution and a solver.

   Both sides start from the same unknown state.  What is shown, for every state on which the original runs to its end:
   the same results, the same memory, no store to a byte that the original doesn't store to, no page touched
   that the original doesn't touch, callee-saved registers and the stack kept, the same traps.
   A proof is never a refutation: a counterexample is a state to be run by the differential executor.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_PROVE_H
#define AIOPT_PROVE_H

#include "sandbox/sandbox.h"
#include "term/solver.h"

enum proof_result
{
  PROOF_UNKNOWN,   /* why says what was in the way */
  PROOF_PROVED,    /* for all states */
  PROOF_BOUNDED,   /* for all states on which loops run as often as `bound` says */
  PROOF_DIFFERENT  /* counterexample is a state on which they seem to differ: run it */
};

/* No object has 2^46 bytes: user space ends at 2^47, of which no more than half is ever one thing.  */
enum { PROVE_SIZE_BITS = 46, PROVE_ADDRESS_BITS = 47 };

struct proof_options
{
  double seconds;          /* of CPU time; 0: 5 */
  unsigned iterations;     /* loop iterations of the original at most; 0: as many as 8 of the candidate's longest
                              vector loop and its remainder need, 1200 at most */
  size_t memory_bytes;     /* for the prover's process; 0: 4 GiB */
  bool excuse_faults;      /* the candidate need not fault where the original does (it came from a compiler) */
  bool alike;              /* they are nearly the same, instruction by instruction, */
  bool only_alike;         /* … and where going side by side shows nothing of loops, nothing else is to be tried */
  uint32_t sizes;          /* parameters, as bits, that are taken to be below 2^46, and with any such one all pointers below 2^47 */
};

struct proof
{
  struct arena *arena;
  enum proof_result result;
  struct why why;
  unsigned bound;          /* PROOF_BOUNDED: iterations of the original's loops that are covered, from 0 */
  unsigned paths;          /* pairs of paths looked at */
  unsigned questions;      /* to the solver */
  double seconds;
  const char *method;      /* "terms", "solver", "induction", "lockstep": for the evidence */
  struct state *counterexample; /* PROOF_DIFFERENT; may also be set with PROOF_UNKNOWN: a state worth running */
};

/* ORIGINAL and CANDIDATE are linked with LAYOUT in slots 0 and 1.  OBJECT of each side tells where symbols are.
   Always gives a proof; proof__free frees it.  */
void prove__equivalent (const struct region *region, const struct layout *layout,
                        const struct image *original, const struct object *original_object,
                        const struct image *candidate, const struct object *candidate_object,
                        const struct proof_options *options, struct proof *proof);
void proof__free (struct proof *proof);

/* A state that drives IMAGE from START (a state on which it runs) to the other way of the branch whose decoded number
   is INSN, as far as the solver can tell; for steering tests.  0 and *STATE in ARENA, or -1.  */
int prove__steer (struct arena *arena, const struct region *region, const struct layout *layout,
                  const struct image *image, const struct object *object, const struct state *start,
                  unsigned insn, bool taken, double seconds, struct state **state);

/* Is it shown that the branch whose decoded number is INSN never goes this way, whatever the state?  Or, of a conditional move or
   set, that its condition never holds (TAKEN) or always does?  CLOSED[] are the ways of each instruction that are known not to
   be gone (bit 0 taken, 1 fallen through); SIZES as in struct proof_options.  */
bool prove__never (const struct region *region, const struct layout *layout, const struct image *image,
                   const struct object *object, const uint8_t *closed, uint32_t sizes, unsigned insn, bool taken,
                   double seconds);

#endif
