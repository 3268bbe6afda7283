/* Inside machine/x86/: one instruction as Zydis has it, and the steps that look at it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_X86_H
#define AIOPT_X86_H

#include "machine/decode.h"
#include "machine/isa.h"
#include <Zydis/Zydis.h>

struct zydis_insn
{
  ZydisDecodedInstruction zi;
  ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT]; /* zi.operand_count of them */
  const uint8_t *bytes;
};

/* The hardware number of a general register of any width (AH..BH give their whole register's), or -1.  */
int reg__gpr (ZydisRegister reg);

/* The number of an xmm, ymm or zmm register, or -1.  */
int reg__vec (ZydisRegister reg);

/* The number of a mask register k0..k7, or -1.  */
int reg__mask (ZydisRegister reg);

/* Fills INSN's registers, flags and memory accesses from X.  0, or -1 and *WHY (DECODE) where an effect
   can't be told in these terms.  Needs insn->kind.  */
int x86__effects (const struct zydis_insn *x, struct decoded_insn *insn, struct why *why);

/* Fills INSN's kind and isa.  0, or -1 and *WHY (ISA) for an instruction set without a bit.  */
int x86__classify (const struct zydis_insn *x, struct decoded_insn *insn, struct why *why);

/* Compares X with the text it was assembled from, but for what relocations and labels decide.
   0, or -1 and *WHY (MISMATCH).  */
int x86__match (const struct zydis_insn *x, const struct insn *text, struct why *why);

/* Of the text's operand that has a symbol: the field of X where its value is.  */
struct x86_field
{
  unsigned offset;   /* from the instruction's start */
  unsigned size;     /* bytes; 0: X has no such field */
  bool relative;     /* to the end of the instruction */
  int64_t value;     /* as encoded */
};

struct x86_field x86__displacement (const struct zydis_insn *x);
struct x86_field x86__immediate (const struct zydis_insn *x, unsigned n);

/* The AT&T spelling MNEMONIC of an instruction that Zydis calls X; *IMMEDIATE gets the value of an immediate
   that the spelling stands for ("vcmpltps"), else -1.  */
bool x86__spelling (const struct zydis_insn *x, const char *mnemonic, int *immediate);

/* The second opinion.  */
struct second;
struct second *second__open (void);
void second__close (struct second *second);

/* 0 where Capstone agrees or doesn't know the bytes, else -1 and *WHY (DISAGREE).  SIZE bytes are readable
   at x->bytes.  */
int second__compare (struct second *second, const struct zydis_insn *x, size_t size,
                     struct why *why);

#endif
