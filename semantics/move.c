/* Instructions that carry values and change no flag: moves, extensions, addresses, the stack, conditional moves.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/integer.h"

/* mov, movzx, movabs.  Segment and control registers are no general registers: refused by the operands.  */
static int
apply__mov (struct run *run)
{
  unsigned bits = operand__bits (run, 0);
  const struct term *value;
  if (run->meaning->operand[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
    value = operand__source (run, 1, bits);
  else
    value = operand__read (run, 1);
  return value ? operand__write (run, 0, term__resize (run->terms, value, bits)) : -1;
}

static int
apply__movsx (struct run *run)
{
  const struct term *value = operand__read (run, 1);
  if (!value)
    return -1;
  return operand__write (run, 0, term__sext (run->terms, value, operand__bits (run, 0)));
}

static int
apply__movbe (struct run *run)
{
  const struct term *value = operand__read (run, 1);
  return value ? operand__write (run, 0, term__bswap (run->terms, value)) : -1;
}

static int
apply__bswap (struct run *run)
{
  if (operand__bits (run, 0) < 32)
    return run__unmodelled (run, "of 16 bits");
  const struct term *value = operand__read (run, 0);
  return value ? operand__write (run, 0, term__bswap (run->terms, value)) : -1;
}

static int
apply__lea (struct run *run)
{
  const struct term *address = operand__address (run, 1);
  if (!address)
    return -1;
  return operand__write (run, 0, term__resize (run->terms, address, operand__bits (run, 0)));
}

/* With memory xchg is a locked instruction.  */
static int
apply__xchg (struct run *run)
{
  for (unsigned i = 0; i < 2; i++)
    if (run->meaning->operand[i].type != ZYDIS_OPERAND_TYPE_REGISTER)
      return run__unmodelled (run, "with memory");
  const struct term *a = operand__read (run, 0), *b = a ? operand__read (run, 1) : NULL;
  return b && operand__write (run, 0, b) == 0 ? operand__write (run, 1, a) : -1;
}

int
stack__push (struct run *run, const struct term *value)
{
  const struct term **rsp = &run->cpu->gpr[4];
  *rsp = term__sub (run->terms, *rsp, term__const (run->terms, 64, 8));
  return run->host->store (run->host->context, *rsp, value, NULL);
}

const struct term *
stack__pop (struct run *run)
{
  const struct term **rsp = &run->cpu->gpr[4];
  const struct term *value = run->host->load (run->host->context, *rsp, 8, NULL);
  *rsp = term__add (run->terms, *rsp, term__const (run->terms, 64, 8));
  return value;
}

/* What is pushed is read before rsp changes, memory through rsp too.  */
static int
apply__push (struct run *run)
{
  if (run->meaning->insn.operand_width != 64)
    return run__unmodelled (run, "of 16 bits");
  const struct term *value = operand__source (run, 0, 64);
  return value ? stack__push (run, value) : -1;
}

/* An address through rsp is that behind the pop; pop rsp keeps what was read.  */
static int
apply__pop (struct run *run)
{
  if (run->meaning->insn.operand_width != 64)
    return run__unmodelled (run, "of 16 bits");
  const struct term *value = stack__pop (run);
  return value ? operand__write (run, 0, value) : -1;
}

static int
apply__leave (struct run *run)
{
  if (run->meaning->insn.operand_width != 64)
    return run__unmodelled (run, "of 16 bits");
  run->cpu->gpr[4] = run->cpu->gpr[5];
  const struct term *value = stack__pop (run);
  if (!value)
    return -1;
  run->cpu->gpr[5] = value;
  return 0;
}

/* cbw, cwde, cdqe: the lower half of rax's BITS extended.  */
static int
accumulator__extend (struct run *run, ZydisRegister reg, unsigned bits)
{
  const struct term *low = term__extract (run->terms, run->cpu->gpr[0], 0, bits / 2);
  gpr__write (run, reg, term__sext (run->terms, low, bits));
  return 0;
}

static int
apply__cbw (struct run *run)
{
  return accumulator__extend (run, ZYDIS_REGISTER_AX, 16);
}

static int
apply__cwde (struct run *run)
{
  return accumulator__extend (run, ZYDIS_REGISTER_EAX, 32);
}

static int
apply__cdqe (struct run *run)
{
  return accumulator__extend (run, ZYDIS_REGISTER_RAX, 64);
}

/* cwd, cdq, cqo: the sign of rax's BITS all over REG.  */
static int
accumulator__sign (struct run *run, ZydisRegister reg, unsigned bits)
{
  const struct term *low = term__extract (run->terms, run->cpu->gpr[0], 0, bits);
  gpr__write (run, reg, term__ashr_by (run->terms, low, bits - 1));
  return 0;
}

static int
apply__cwd (struct run *run)
{
  return accumulator__sign (run, ZYDIS_REGISTER_DX, 16);
}

static int
apply__cdq (struct run *run)
{
  return accumulator__sign (run, ZYDIS_REGISTER_EDX, 32);
}

static int
apply__cqo (struct run *run)
{
  return accumulator__sign (run, ZYDIS_REGISTER_RDX, 64);
}

/* The source is read, and the upper half of a 32-bit destination cleared, whatever the condition is.  */
static int
apply__cmov (struct run *run)
{
  const struct term *condition = run__condition (run);
  const struct term *old = operand__read (run, 0), *value = operand__read (run, 1);
  if (!old || !value)
    return -1;
  return operand__write (run, 0, term__ite (run->terms, condition, value, old));
}

static int
apply__set (struct run *run)
{
  return operand__write (run, 0, term__zext (run->terms, run__condition (run), 8));
}

static const struct form forms[] = {
  { ZYDIS_MNEMONIC_MOV, apply__mov },
  { ZYDIS_MNEMONIC_MOVZX, apply__mov },
  { ZYDIS_MNEMONIC_MOVSX, apply__movsx },
  { ZYDIS_MNEMONIC_MOVSXD, apply__movsx },
  { ZYDIS_MNEMONIC_MOVBE, apply__movbe },
  { ZYDIS_MNEMONIC_BSWAP, apply__bswap },
  { ZYDIS_MNEMONIC_LEA, apply__lea },
  { ZYDIS_MNEMONIC_XCHG, apply__xchg },
  { ZYDIS_MNEMONIC_PUSH, apply__push },
  { ZYDIS_MNEMONIC_POP, apply__pop },
  { ZYDIS_MNEMONIC_LEAVE, apply__leave },
  { ZYDIS_MNEMONIC_CBW, apply__cbw },
  { ZYDIS_MNEMONIC_CWDE, apply__cwde },
  { ZYDIS_MNEMONIC_CDQE, apply__cdqe },
  { ZYDIS_MNEMONIC_CWD, apply__cwd },
  { ZYDIS_MNEMONIC_CDQ, apply__cdq },
  { ZYDIS_MNEMONIC_CQO, apply__cqo },
#define CONDITIONAL(NAME, APPLY) \
  { ZYDIS_MNEMONIC_##NAME##O, APPLY }, { ZYDIS_MNEMONIC_##NAME##NO, APPLY }, { ZYDIS_MNEMONIC_##NAME##B, APPLY }, \
    { ZYDIS_MNEMONIC_##NAME##NB, APPLY }, { ZYDIS_MNEMONIC_##NAME##Z, APPLY }, \
    { ZYDIS_MNEMONIC_##NAME##NZ, APPLY }, { ZYDIS_MNEMONIC_##NAME##BE, APPLY }, \
    { ZYDIS_MNEMONIC_##NAME##NBE, APPLY }, { ZYDIS_MNEMONIC_##NAME##S, APPLY }, \
    { ZYDIS_MNEMONIC_##NAME##NS, APPLY }, { ZYDIS_MNEMONIC_##NAME##P, APPLY }, \
    { ZYDIS_MNEMONIC_##NAME##NP, APPLY }, { ZYDIS_MNEMONIC_##NAME##L, APPLY }, \
    { ZYDIS_MNEMONIC_##NAME##NL, APPLY }, { ZYDIS_MNEMONIC_##NAME##LE, APPLY }, \
    { ZYDIS_MNEMONIC_##NAME##NLE, APPLY }
  CONDITIONAL (CMOV, apply__cmov),
  CONDITIONAL (SET, apply__set),
};
const struct family family__move = FAMILY (forms);
