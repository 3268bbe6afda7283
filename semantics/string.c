/* String instructions: movs, stos, lods, cmps, scas, alone and with rep, forwards (the ABI keeps DF clear, and std is
   not modelled).  A repeated one is told round by round, as the CPU does it byte for byte however fast.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/integer.h"

/* Where register N (rsi 6, rdi 7) points, and its step of BYTES.  */
static const struct term *
pointer__step (struct run *run, unsigned n, unsigned bytes)
{
  const struct term *address = run->cpu->gpr[n];
  run->cpu->gpr[n] = term__add (run->terms, address, term__const (run->terms, 64, bytes));
  return address;
}

/* The low BITS of rax.  */
static const struct term *
accumulator (struct run *run, unsigned bits)
{
  return term__extract (run->terms, run->cpu->gpr[0], 0, bits);
}

static int
apply__movs (struct run *run)
{
  unsigned bytes = run->meaning->insn.operand_width / 8;
  const struct term *value
    = run->host->load (run->host->context, pointer__step (run, 6, bytes), bytes, NULL);
  return value ? run->host->store (run->host->context, pointer__step (run, 7, bytes), value, NULL) : -1;
}

static int
apply__stos (struct run *run)
{
  unsigned bytes = run->meaning->insn.operand_width / 8;
  return run->host->store (run->host->context, pointer__step (run, 7, bytes), accumulator (run, 8 * bytes), NULL);
}

static int
apply__lods (struct run *run)
{
  static const ZydisRegister destination[] = { [1] = ZYDIS_REGISTER_AL, [2] = ZYDIS_REGISTER_AX,
                                               [4] = ZYDIS_REGISTER_EAX, [8] = ZYDIS_REGISTER_RAX };
  unsigned bytes = run->meaning->insn.operand_width / 8;
  const struct term *value
    = run->host->load (run->host->context, pointer__step (run, 6, bytes), bytes, NULL);
  if (!value)
    return -1;
  gpr__write (run, destination[bytes], value);
  return 0;
}

static int
apply__cmps (struct run *run)
{
  unsigned bytes = run->meaning->insn.operand_width / 8;
  const struct term *a = run->host->load (run->host->context, pointer__step (run, 6, bytes), bytes, NULL);
  if (!a)
    return -1;
  const struct term *b = run->host->load (run->host->context, pointer__step (run, 7, bytes), bytes, NULL);
  if (!b)
    return -1;
  flags__sub (run, a, b);
  return 0;
}

static int
apply__scas (struct run *run)
{
  unsigned bytes = run->meaning->insn.operand_width / 8;
  const struct term *b = run->host->load (run->host->context, pointer__step (run, 7, bytes), bytes, NULL);
  if (!b)
    return -1;
  flags__sub (run, accumulator (run, 8 * bytes), b);
  return 0;
}

static const ZydisInstructionAttributes REPEATS
  = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;

bool
string__repeats (const struct meaning *meaning)
{
  return meaning->insn.meta.category == ZYDIS_CATEGORY_STRINGOP && (meaning->insn.attributes & REPEATS);
}

/* rcx is 0: a repeated instruction is done, or never begins.  */
int
string__enter (struct run *run)
{
  run->step->kind = STEP_REPEAT;
  run->step->condition = term__is_zero (run->terms, run->cpu->gpr[1]);
  return 0;
}

int
string__round (struct run *run)
{
  struct terms *terms = run->terms;
  if (run->meaning->apply (run) < 0)
    return -1;
  run->cpu->gpr[1] = term__sub (terms, run->cpu->gpr[1], term__const (terms, 64, 1));
  string__enter (run);
  if (run->meaning->apply == apply__cmps || run->meaning->apply == apply__scas)
    {
      /* repe goes on while equal, repne while not.  */
      const struct term *equal = flags__get (terms, run->host, &run->cpu->flags, FLAG_ZF);
      if (!(run->meaning->insn.attributes & ZYDIS_ATTRIB_HAS_REPNE))
        equal = term__not (terms, equal);
      run->step->condition = term__or (terms, run->step->condition, equal);
    }
  return 0;
}

int (*string__find (const struct meaning *meaning)) (struct run *run)
{
  const ZydisDecodedInstruction *insn = &meaning->insn;
  bool compares = false;
  int (*apply) (struct run *run);
  /* movsd and cmpsd are also SSE instructions.  */
  if (insn->meta.category != ZYDIS_CATEGORY_STRINGOP)
    return NULL;
  switch (insn->mnemonic)
    {
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_MOVSQ:
      apply = apply__movs;
      break;
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
      apply = apply__stos;
      break;
    case ZYDIS_MNEMONIC_LODSB:
    case ZYDIS_MNEMONIC_LODSW:
    case ZYDIS_MNEMONIC_LODSD:
    case ZYDIS_MNEMONIC_LODSQ:
      apply = apply__lods;
      break;
    case ZYDIS_MNEMONIC_CMPSB:
    case ZYDIS_MNEMONIC_CMPSW:
    case ZYDIS_MNEMONIC_CMPSD:
    case ZYDIS_MNEMONIC_CMPSQ:
      apply = apply__cmps;
      compares = true;
      break;
    case ZYDIS_MNEMONIC_SCASB:
    case ZYDIS_MNEMONIC_SCASW:
    case ZYDIS_MNEMONIC_SCASD:
    case ZYDIS_MNEMONIC_SCASQ:
      apply = apply__scas;
      compares = true;
      break;
    default:
      return NULL;
    }
  /* repne of what doesn't compare means nothing by the manual.  */
  if (!compares && (insn->attributes & ZYDIS_ATTRIB_HAS_REPNE))
    return NULL;
  return apply;
}
