/* Single-instruction mutants, made from an instruction's bytes and as long as it, so that one runs in its place
   without assembling anything: by them the verifier measures whether its tests are adequate.
   testsuite/mutate.h is another thing: faults in the model of the code, for the program that looks
   for false accepts.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_MUTATE_H
#define AIOPT_VERIFY_MUTATE_H

#include "machine/decode.h"

enum fault
{
  FAULT_NEVER, /* a conditional move or set, a carry, a vector comparison: as if the condition never
                  held; a shift or mask that let nothing through: as if it never did */
  FAULT_ALWAYS,       /* … or always (moves and sets alone) */
  FAULT_DROP,         /* nothing happens */
  FAULT_CONDITION,    /* inverted, or a sibling: strict and not, signed and not */
  FAULT_IMMEDIATE,    /* one more or less */
  FAULT_DISPLACEMENT, /* a byte, or an element, off */
  FAULT_OPCODE,       /* a sibling instruction */
  FAULT_SWAP,         /* operands the other way round */
  FAULT_REGISTER,     /* another register that the function uses */
  FAULTS
};

enum
{
  MUTATIONS_MAX = 24
};

struct mutation
{
  enum fault fault;
  uint8_t bytes[16]; /* as many as the instruction has */
  char what[56];
};

/* What the mutator needs to know besides the instruction.  */
struct mutator;
struct mutator *mutator__new (struct arena *arena, const struct decoded *decoded);

/* Mutants of INSN, whose bytes as linked are BYTES.  Their number.  All have its length: shorter
   ones are filled up with nops, longer ones can't be made.  */
unsigned mutator__mutate (struct mutator *mutator, const struct decoded_insn *insn,
                          const uint8_t *bytes, struct mutation mutations[MUTATIONS_MAX]);

/* The mutant of INSN, which has a register as its destination, whose result is always zero.  False where there is none.  */
bool mutator__zero (struct mutator *mutator, const struct decoded_insn *insn, const uint8_t *bytes, struct mutation *mutation);

const char *fault__name (enum fault fault);

#endif
