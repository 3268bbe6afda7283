/* What each instruction of an object reads, writes and is.  Zydis is the authority on x86-64,
   Capstone the second opinion.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_DECODE_H
#define AIOPT_DECODE_H

#include "machine/object.h"

/* Register sets.  GPR bit n is hardware register n (rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5,
   rsi 6, rdi 7, r8 8 …), VEC bit n is x/y/zmm n, MASK bit n is k n.  */
struct regset
{
  uint16_t gpr;
  uint32_t vec;
  uint8_t mask;
  bool x87;
  bool mxcsr;
};

enum /* bits of decoded_insn.kind */
{
  KIND_BRANCH = 1 << 0,      /* conditional */
  KIND_JUMP = 1 << 1,        /* unconditional, direct or not */
  KIND_CALL = 1 << 2,
  KIND_RETURN = 1 << 3,
  KIND_INDIRECT = 1 << 4,    /* jump or call through register or memory */
  KIND_SYSTEM = 1 << 5,      /* privileged, syscall, int, hlt, in/out, segment and pkey writes, x87/FPU environment loads, xrstor … */
  KIND_NONDETERMINISTIC = 1 << 6, /* rdtsc, rdpmc, rdrand, rdseed, cpuid, rdpid, xgetbv … */
  KIND_NONTEMPORAL = 1 << 7, /* streaming stores */
  KIND_FENCE = 1 << 8,       /* fences, locked instructions, xchg with memory */
  KIND_FLAG_CONTROL = 1 << 9,/* std, cld, popf, ldmxcsr, fldcw … */
  KIND_DIVIDE = 1 << 10,     /* variable latency: div, idiv, fdiv, sqrt */
  KIND_TRAP = 1 << 11,       /* ud2, int3 */
  KIND_NOP = 1 << 12,
  KIND_REP = 1 << 13,        /* string instruction with a rep prefix */
  KIND_STRING = 1 << 14,     /* movs, stos, cmps, lods, scas */
  KIND_X87 = 1 << 15,        /* x87 or MMX */
  KIND_FP = 1 << 16,         /* may raise floating-point exception flags */
  KIND_PREFETCH = 1 << 17,
  KIND_VZERO = 1 << 18,      /* vzeroupper, vzeroall */
  KIND_GATHER = 1 << 19,
  KIND_SCATTER = 1 << 20
};

struct decoded_memory
{
  int8_t base;    /* GPR number, -1 none, 16 rip */
  int8_t index;   /* GPR number, -1 none; vector number for gathers and scatters */
  uint8_t scale;  /* 1, 2, 4, 8 */
  uint8_t segment;/* 0, or 'f', 'g' */
  int64_t disp;   /* for rip: the target's offset from the end of the instruction */
  uint16_t size;  /* bytes per access (the whole operand, broadcasts the element) */
  uint8_t element;/* bytes per element for masked and gathered accesses, else 0 */
  int8_t mask;    /* k register that masks the access, vector register for vmaskmov and AVX2 gathers + 32, -1 none */
  bool read, write;
  bool compress;  /* vcompress/vexpand: consecutive elements, popcount (mask) of them */
  bool implicit;  /* stack access of push, pop, call, ret; disp is relative to the register before the instruction */
  uint8_t index_size; /* bytes per (signed) index of gathers and scatters: 4 or 8; else 0 */
};

enum { DECODED_MEMORY_MAX = 3 };

struct decoded_insn
{
  unsigned section;
  uint32_t offset;      /* in the section */
  uint8_t length;       /* bytes, 1..15 */
  uint32_t kind;        /* KIND_… */
  uint64_t isa;         /* features needed: bits of isa.h */
  const char *mnemonic; /* Zydis's, lower case, living for ever */
  uint16_t zydis;       /* ZydisMnemonic */
  struct regset read, written; /* a partial or conditional write is also a read; calls: what the instruction
                                  itself does, not its callee */
  uint32_t flags_read, flags_written, flags_undefined; /* bits of RFLAGS */
  unsigned n_memory;
  struct decoded_memory memory[DECODED_MEMORY_MAX];
  bool has_target;      /* direct branch or call with the target inside the object */
  unsigned target_section;
  uint32_t target;      /* offset in target_section */
  int callee;           /* symbol index of a direct call or jump to outside, else -1 */
  uint8_t symbol_disp;  /* where in the instruction the four bytes of a displacement with a symbol are, 0: none;
                           memory[].disp is what is there before linking */
  unsigned item;        /* the item of the code this came from: an instruction, or the alignment that it pads;
                           n_items for the endbr64 that opens the function */
};

struct decoded
{
  unsigned n_insns;
  struct decoded_insn *insn; /* in address order per section */
};

/* Decodes all executable sections of OBJECT, which was assembled from CODE, and compares
   instruction by instruction with CODE's items (alignment padding in between must be nops).
   0 and *DECODED in ARENA, or -1 and *WHY (DECODE, MISMATCH, DISAGREE, RELOCATION).  */
int object__decode (struct arena *arena, const struct object *object, const struct code *code,
                    struct decoded **decoded, struct why *why);

/* Decodes the instruction at BYTES (SIZE of them readable), of code that nobody has the text of: kind, registers and memory, no
   targets.  0, or -1 and *WHY (DECODE, ISA).  */
int insn__decode (const uint8_t *bytes, size_t size, struct decoded_insn *insn, struct why *why);

#endif
