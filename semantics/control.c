/* Instructions that decide what runs next, and those that do nothing.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/integer.h"

/* The address behind the instruction.  */
static uint64_t
run__behind (const struct run *run)
{
  return run->meaning->address + run->meaning->insn.length;
}

/* Is operand 0 a direct target?  Then it goes to STEP.  With an operand-size prefix AMD's CPUs cut the target to
   16 bits and Intel's don't.  */
static bool
target__direct (struct run *run)
{
  const ZydisDecodedOperand *operand = &run->meaning->operand[0];
  if (operand->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !operand->imm.is_relative
      || (run->meaning->insn.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE))
    return false;
  run->step->target = run__behind (run) + operand->imm.value.u;
  return true;
}

static int
apply__jcc (struct run *run)
{
  if (!target__direct (run))
    return run__unmodelled (run, "to such a target");
  run->step->kind = STEP_BRANCH;
  run->step->condition = run__condition (run);
  return 0;
}

static int
apply__jrcxz (struct run *run)
{
  if (!target__direct (run))
    return run__unmodelled (run, "to such a target");
  run->step->kind = STEP_BRANCH;
  run->step->condition = term__is_zero (run->terms, run->cpu->gpr[1]);
  return 0;
}

/* An indirect target is read before a call pushes.  Far ones don't have 64 bits.  */
static bool
target__indirect (struct run *run)
{
  if (run->meaning->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR || operand__bits (run, 0) != 64)
    {
      run__unmodelled (run, "to such a target");
      return false;
    }
  run->step->destination = operand__read (run, 0);
  return run->step->destination;
}

static int
apply__jmp (struct run *run)
{
  run->step->kind = STEP_JUMP;
  if (target__direct (run))
    return 0;
  run->step->kind = STEP_INDIRECT;
  return target__indirect (run) ? 0 : -1;
}

static int
apply__call (struct run *run)
{
  run->step->kind = STEP_CALL;
  if (!target__direct (run))
    {
      run->step->kind = STEP_INDIRECT_CALL;
      if (!target__indirect (run))
        return -1;
    }
  const struct term *address = run->host->symbol (run->host->context, run__behind (run));
  return address ? stack__push (run, address) : -1;
}

static int
apply__ret (struct run *run)
{
  const struct meaning *meaning = run->meaning;
  if (meaning->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR
      || (meaning->insn.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE))
    return run__unmodelled (run, "of this kind");
  run->step->kind = STEP_RETURN;
  run->step->destination = stack__pop (run);
  if (!run->step->destination)
    return -1;
  if (meaning->insn.operand_count_visible > 0)
    {
      const struct term *size = term__const (run->terms, 64, meaning->operand[0].imm.value.u & 0xffff);
      run->cpu->gpr[4] = term__add (run->terms, run->cpu->gpr[4], size);
    }
  return 0;
}

static int
run__trap (struct run *run, enum sym_trap trap)
{
  run->host->trap (run->host->context, trap, term__true (run->terms));
  run->step->kind = STEP_TRAP;
  return 0;
}

static int
apply__ud2 (struct run *run)
{
  return run__trap (run, SYM_TRAP_INVALID);
}

static int
apply__int3 (struct run *run)
{
  return run__trap (run, SYM_TRAP_BREAKPOINT);
}

/* Hints, and cld where DF is clear anyway.  A prefetch never faults.  */
static int
apply__nothing (struct run *run)
{
  (void) run;
  return 0;
}

static const struct form forms[] = {
  { ZYDIS_MNEMONIC_JO, apply__jcc },
  { ZYDIS_MNEMONIC_JNO, apply__jcc },
  { ZYDIS_MNEMONIC_JB, apply__jcc },
  { ZYDIS_MNEMONIC_JNB, apply__jcc },
  { ZYDIS_MNEMONIC_JZ, apply__jcc },
  { ZYDIS_MNEMONIC_JNZ, apply__jcc },
  { ZYDIS_MNEMONIC_JBE, apply__jcc },
  { ZYDIS_MNEMONIC_JNBE, apply__jcc },
  { ZYDIS_MNEMONIC_JS, apply__jcc },
  { ZYDIS_MNEMONIC_JNS, apply__jcc },
  { ZYDIS_MNEMONIC_JP, apply__jcc },
  { ZYDIS_MNEMONIC_JNP, apply__jcc },
  { ZYDIS_MNEMONIC_JL, apply__jcc },
  { ZYDIS_MNEMONIC_JNL, apply__jcc },
  { ZYDIS_MNEMONIC_JLE, apply__jcc },
  { ZYDIS_MNEMONIC_JNLE, apply__jcc },
  { ZYDIS_MNEMONIC_JRCXZ, apply__jrcxz },
  { ZYDIS_MNEMONIC_JMP, apply__jmp },
  { ZYDIS_MNEMONIC_CALL, apply__call },
  { ZYDIS_MNEMONIC_RET, apply__ret },
  { ZYDIS_MNEMONIC_UD2, apply__ud2 },
  { ZYDIS_MNEMONIC_INT3, apply__int3 },
  { ZYDIS_MNEMONIC_NOP, apply__nothing },
  { ZYDIS_MNEMONIC_ENDBR64, apply__nothing },
  { ZYDIS_MNEMONIC_PAUSE, apply__nothing },
  { ZYDIS_MNEMONIC_CLD, apply__nothing },
  { ZYDIS_MNEMONIC_PREFETCH, apply__nothing },
  { ZYDIS_MNEMONIC_PREFETCHNTA, apply__nothing },
  { ZYDIS_MNEMONIC_PREFETCHT0, apply__nothing },
  { ZYDIS_MNEMONIC_PREFETCHT1, apply__nothing },
  { ZYDIS_MNEMONIC_PREFETCHT2, apply__nothing },
  { ZYDIS_MNEMONIC_PREFETCHW, apply__nothing },
};
const struct family family__control = FAMILY (forms);
