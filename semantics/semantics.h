/* What one instruction does to a machine whose registers hold terms.

   The one place where the proof believes something about x86-64: every form here is run against the CPU by
   testsuite/semantics-cpu (registers, flags and memory, on many random states).  What is not known here is
   UNMODELLED, never guessed; what the manuals leave undefined becomes a fresh unknown of its own.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SEMANTICS_H
#define AIOPT_SEMANTICS_H

#include "machine/decode.h"
#include "term/term.h"

/* Arithmetic flags, worked out when somebody asks: what the last instruction that set them did.  */
enum flags_kind
{
  FLAGS_EXPLICIT,  /* in flag[] */
  FLAGS_ADD,       /* of a + b = result */
  FLAGS_SUB,       /* of a - b = result (cmp, sub, neg) */
  FLAGS_LOGIC,     /* of result: CF and OF clear, AF undefined */
  FLAGS_UMUL,      /* mul of a and b: CF and OF where the product doesn't fit, the others undefined */
  FLAGS_SMUL,      /* imul */
  FLAGS_FLOAT      /* ucomis, comis of the floating-point a and b: CF, PF, ZF; the others are in flag[] */
};

enum flag { FLAG_CF, FLAG_PF, FLAG_AF, FLAG_ZF, FLAG_SF, FLAG_OF, FLAGS_COUNT };

struct sym_flags
{
  enum flags_kind kind;
  const struct term *a, *b, *result;
  const struct term *flag[FLAGS_COUNT]; /* 1 bit each; NULL: follows from KIND (inc keeps CF: flag[FLAG_CF] is set) */
  uint8_t undefined;  /* bits 1 << FLAG_…: of those without flag[], what isn't known (whatever KIND says); becomes a fresh
                         unknown in flag[] when somebody asks */
};

struct sym_cpu
{
  const struct term *gpr[16];   /* 64 bits, hardware order */
  const struct term *vec[32];   /* 512 bits */
  const struct term *mask[8];   /* 64 bits */
  struct sym_flags flags;
  const struct term *sticky;    /* MXCSR's six exception bits, width 6 */
};

enum sym_trap
{
  SYM_TRAP_DIVIDE,     /* #DE */
  SYM_TRAP_ALIGNMENT,  /* #GP of movaps and the like */
  SYM_TRAP_INVALID,    /* ud2 */
  SYM_TRAP_BREAKPOINT  /* int3 */
};

/* What surrounds the machine.  CONDITION is NULL where the access happens whenever the instruction runs (else 1 bit: a
   masked lane; what a load gives where it doesn't hold is never looked at).  */
struct sym_host
{
  void *context;
  struct terms *terms;
  /* BYTES (1..64) at ADDRESS, width 8 * BYTES, little-endian.  NULL ends the step with the host's reason.  */
  const struct term *(*load) (void *context, const struct term *address, unsigned bytes,
                              const struct term *condition);
  /* VALUE (a multiple of 8 bits).  -1 ends the step with the host's reason.  */
  int (*store) (void *context, const struct term *address, const struct term *value,
                const struct term *condition);
  /* A value that nothing is known of.  */
  const struct term *(*undefined) (void *context, unsigned width);
  /* Where CONDITION (never NULL) holds the instruction traps instead.  */
  void (*trap) (void *context, enum sym_trap trap, const struct term *condition);
  /* ADDRESS is a link-time address (rip-relative, a displacement or immediate with a symbol, or the return address
     that a call pushes); 64 bits.  */
  const struct term *(*symbol) (void *context, uint64_t address);
};

/* A decoded instruction, opaque.  */
struct meaning;

/* Decodes BYTES[LENGTH] that lie at ADDRESS.  SYMBOL_DISP, SYMBOL_IMM: the displacement, the immediate is a linked
   symbol's address.  0 and *MEANING in ARENA; -1 and *WHY (UNMODELLED, naming the mnemonic).  */
int meaning__decode (struct arena *arena, const uint8_t *bytes, unsigned length, uint64_t address, bool symbol_disp,
                     bool symbol_imm, const struct meaning **meaning, struct why *why);

enum step_kind
{
  STEP_NEXT,     /* goes on behind it */
  STEP_JUMP,     /* to target */
  STEP_BRANCH,   /* to target where condition holds, else behind it */
  STEP_CALL,     /* to target; the return address has been pushed */
  STEP_RETURN,   /* to destination; it has been popped */
  STEP_INDIRECT, /* jump to destination */
  STEP_INDIRECT_CALL, /* call of destination; the return address has been pushed */
  STEP_REPEAT,   /* rep: goes on behind it where condition (rcx is 0) holds, and else wants meaning__repeat and
                    then itself again; nothing has been done yet */
  STEP_TRAP      /* ud2, int3: never goes on; host->trap has been told which, with the condition true */
};

struct sym_step
{
  enum step_kind kind;
  const struct term *condition;   /* BRANCH, REPEAT */
  uint64_t target;                /* JUMP, BRANCH, CALL */
  const struct term *destination; /* RETURN, INDIRECT, INDIRECT_CALL */
};

/* Does the instruction to CPU.  0; -1 and *WHY where it isn't modelled or the host refused (*WHY is then as the host's
   callback left it, if it did).  CPU is undefined after -1.  */
int meaning__apply (const struct meaning *meaning, struct sym_cpu *cpu, const struct sym_host *host,
                    struct sym_step *step, struct why *why);

/* What a conditional move or set asks of the flags in CPU, 1 bit; NULL for all else.  */
const struct term *meaning__condition (const struct meaning *meaning, struct sym_cpu *cpu, const struct sym_host *host);

/* One round of a rep instruction: STEP gets kind STEP_REPEAT with the condition under which it is done, or for
   repe/repne the same with the comparison in it: it goes on behind the instruction where that holds, and with
   another round where it doesn't.  */
int meaning__repeat (const struct meaning *meaning, struct sym_cpu *cpu, const struct sym_host *host,
                     struct sym_step *step, struct why *why);

/* One flag, 1 bit, and the condition of jcc, setcc, cmovcc: CC is the hardware's number, 0 (o) to 15 (nle).  */
const struct term *flags__get (struct terms *terms, const struct sym_host *host, struct sym_flags *flags,
                               enum flag flag);
const struct term *flags__condition (struct terms *terms, const struct sym_host *host, struct sym_flags *flags,
                                     unsigned cc);

#endif
