/* Inside semantics/: one decoded instruction, its operands, and the families that know what it does.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SEMANTICS_INTERNAL_H
#define AIOPT_SEMANTICS_INTERNAL_H

#include "semantics/semantics.h"
#include <Zydis/Zydis.h>

struct run;

struct meaning
{
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT]; /* insn.operand_count; the explicit ones first */
  uint64_t address;
  bool symbol_disp, symbol_imm;
  int (*apply) (struct run *run); /* of the family that knows it */
};

/* One application: what meaning__apply hands to a family.  */
struct run
{
  const struct meaning *meaning;
  struct sym_cpu *cpu;
  const struct sym_host *host;
  struct terms *terms;
  struct sym_step *step;
  struct why *why;
};

/* The family's function for MNEMONIC, or NULL: semantics-integer.c and its like; vector.c and its like.  An apply
   function gives 0, or -1 with run->why set (UNMODELLED where an operand form isn't known).  */
int (*integer__find (const struct meaning *meaning)) (struct run *run);
int (*vector__find (const struct meaning *meaning)) (struct run *run);

/* operand.c: general operands.  N counts the explicit operands in Intel order, the destination first.  */
unsigned operand__bits (const struct run *run, unsigned n);
/* The effective address, 64 bits (segments are UNMODELLED: NULL).  */
const struct term *operand__address (struct run *run, unsigned n);
/* A register (general, vector or mask: its low operand__bits), memory (loaded), or an immediate, extended to
   operand__bits.  NULL with run->why.  */
const struct term *operand__read (struct run *run, unsigned n);
/* The same with BITS: immediates are extended to them as the instruction says, anything else must have them.  */
const struct term *operand__source (struct run *run, unsigned n, unsigned bits);
/* To a general register (a 32-bit write clears the upper half, 8 and 16 bits keep the rest) or to memory.  */
int operand__write (struct run *run, unsigned n, const struct term *value);
/* REG by Zydis's name, and back.  */
const struct term *gpr__read (struct run *run, ZydisRegister reg);
void gpr__write (struct run *run, ZydisRegister reg, const struct term *value);

/* string.c: true for rep forms; what comes before the first round; one round (meaning__repeat).  */
bool string__repeats (const struct meaning *meaning);
int string__enter (struct run *run);
int string__round (struct run *run);

/* float-compare.c.  CF, PF or ZF (else NULL) of ucomis of A and B; the even condition CC after it, as a comparison (NULL: it
   isn't one).  */
const struct term *float__flag (struct terms *terms, const struct term *a, const struct term *b, enum flag flag);
const struct term *float__condition (struct terms *terms, const struct term *a, const struct term *b, unsigned cc);

/* -1 with "MNEMONIC: WHAT" as UNMODELLED.  */
int run__unmodelled (struct run *run, const char *what);

#endif
