/* Would the tests have noticed?  Small faults are planted in the candidate's bytes, one at a time, and the
   tests that found no difference have to find these.

   Faults are made on the assembled bytes, where no assembler run is needed: an instruction replaced by a
   nop, a condition inverted, an immediate off by one, add and sub exchanged.  A mutant that changes
   nothing (dropping a dead move) can't be killed, hence a threshold below one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <string.h>

/* Mutants tried at most, and how long one may run on one state: most of them end or crash at once.  */
#define MUTANTS_MAX 40
#define MUTANT_TIMEOUT_MS 60
/* The share of the budget that mutants may take.  */
#define MUTANT_SHARE 0.3

/* Measured on the test corpus (testsuite/verify): most sound test sets kill 85 % and more, the lowest share
   seen was 64 % (extensions of values that are extended already, moves that change nothing).  */
const double mutants__threshold = 0.6;

enum fault
{
  FAULT_DROP,
  FAULT_CONDITION,
  FAULT_IMMEDIATE,
  FAULT_OPCODE,
  FAULTS
};

/* Offset of the opcode byte behind legacy prefixes and REX; -1 for VEX and EVEX.  */
static int
opcode_at (const uint8_t *bytes, unsigned length)
{
  unsigned i = 0;
  while (i < length && (bytes[i] == 0x66 || bytes[i] == 0xf2 || bytes[i] == 0xf3 || bytes[i] == 0x2e
                        || bytes[i] == 0x3e))
    i++;
  if (i < length && (bytes[i] & 0xf0) == 0x40)
    i++;
  if (i >= length || bytes[i] == 0xc4 || bytes[i] == 0xc5 || bytes[i] == 0x62)
    return -1;
  return (int) i;
}

/* Plants FAULT in the instruction BYTES[LENGTH]; false where it has no place for it.  */
static bool
plant (enum fault fault, const struct decoded_insn *insn, const struct insn *text, uint8_t *bytes)
{
  int at = opcode_at (bytes, insn->length);
  switch (fault)
    {
    case FAULT_DROP:
      /* Equivalent or unbounded where it ends a block; moves of the stack pointer tear the frame.  */
      if ((insn->kind & (KIND_JUMP | KIND_RETURN | KIND_CALL | KIND_NOP | KIND_PREFETCH | KIND_TRAP))
          || (insn->written.gpr & (1u << 4)))
        return false;
      memset (bytes, 0x90, insn->length);
      return true;
    case FAULT_CONDITION:
      if (at < 0)
        return false;
      if ((bytes[at] & 0xf0) == 0x70)
        bytes[at] ^= 1;
      else if (bytes[at] == 0x0f
               && ((bytes[at + 1] & 0xf0) == 0x80 || (bytes[at + 1] & 0xf0) == 0x90
                   || (bytes[at + 1] & 0xf0) == 0x40))
        bytes[at + 1] ^= 1;
      else
        return false;
      return true;
    case FAULT_IMMEDIATE:
      {
        if (!text || text->n_operands == 0 || text->operand[0].kind != OPERAND_IMMEDIATE
            || text->operand[0].expr.sym || insn->length < 2)
          return false;
        /* The immediate is the instruction's last byte or its last four.  */
        uint8_t value = (uint8_t) text->operand[0].expr.add;
        if (insn->length >= 5 && bytes[insn->length - 4] == value
            && bytes[insn->length - 3] == (uint8_t) (text->operand[0].expr.add >> 8))
          bytes[insn->length - 4] ^= 1;
        else if (bytes[insn->length - 1] == value)
          bytes[insn->length - 1] ^= 1;
        else
          return false;
        return true;
      }
    case FAULT_OPCODE:
      if (at < 0)
        return false;
      switch (bytes[at])
        {
        case 0x01: case 0x03: case 0x29: case 0x2b: /* add, sub */
          bytes[at] ^= 0x28;
          return true;
        case 0x21: case 0x23: case 0x09: case 0x0b: /* and, or */
          bytes[at] ^= 0x28;
          return true;
        case 0x31: case 0x33: /* xor to or */
          if ((bytes[at + 1] >> 6) == 3 && ((bytes[at + 1] >> 3) & 7) == (bytes[at + 1] & 7))
            return false; /* xor of a register with itself: would depend on junk */
          bytes[at] ^= 0x38;
          return true;
        default:
          return false;
        }
    default:
      return false;
    }
}

/* Does any test of the bank, or of those kept for what they reached, notice MUTANT?  1 killed, 0 survived, -1 no answer.  */
static int
is_killed (struct trial *trial, unsigned s, const struct image *mutant)
{
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[s];
  const struct image *images[] = { mutant };
  struct sandbox *sandbox;
  struct why why;
  if (sandbox__open (region, images, 1, NULL, &sandbox, &why))
    return -1;
  int killed = 0;
  for (unsigned kind = 0; kind <= STATE_KINDS && !killed; kind++)
    {
      struct difference difference;
      unsigned which;
      const struct test *tests = kind < STATE_KINDS ? setup->bank[kind] : trial->kept;
      unsigned n = kind < STATE_KINDS ? setup->n_bank[kind] : trial->n_kept;
      switch (differential__run (trial, sandbox, tests, n, MUTANT_TIMEOUT_MS, false, &which,
                                 &difference))
        {
        case COMPARE_DIFFERENT:
          killed = 1;
          break;
        case COMPARE_UNKNOWN:
          killed = -1;
          break;
        case COMPARE_SAME:
          break;
        }
    }
  sandbox__close (sandbox);
  return killed;
}

void
mutants__run (struct trial *trial)
{
  const struct decoded *decoded = trial->side.decoded;
  const struct image *image = trial->image[0];
  double began = verify__now ();
  double until = began + MUTANT_SHARE * trial->verifier->options.budget_seconds;
  unsigned sites = decoded->n_insns * FAULTS;
  if (sites == 0)
    return;
  /* Sites in an order that visits the whole function however early we stop: a stride that is coprime to their
     number and near its golden section (half of it would stay at the beginning and the middle).  */
  unsigned stride = (unsigned) (0.6180339887 * sites) + 1;
  for (unsigned a = stride, b = sites; ; a = ++stride, b = sites)
    {
      while (b)
        {
          unsigned t = a % b;
          a = b;
          b = t;
        }
      if (a == 1)
        break;
    }
  struct verdict *verdict = trial->verdict;
  for (unsigned k = 0, site = 0; k < sites && verdict->mutants_total < MUTANTS_MAX; k++, site = (site + stride) % sites)
    {
      if (verify__now () > until)
        break;
      unsigned i = site / FAULTS;
      const struct decoded_insn *insn = &decoded->insn[i];
      if (trial->candidate_coverage->cold[i] || !trial->candidate_coverage->executed[i])
        continue;
      if (insn->item >= trial->side.own_items)
        continue; /* a runtime function's body */
      struct image mutant = *image;
      const struct code *code = trial->side.code;
      const struct insn *text = insn->item < code->n_items && code->item[insn->item].kind == ITEM_INSN
                                  ? &code->item[insn->item].insn : NULL;
      uint64_t offset = image->address[i] - image->base;
      if (offset + insn->length > image->size)
        continue;
      uint8_t bytes[16];
      memcpy (bytes, image->bytes + offset, insn->length);
      if (!plant ((enum fault) (site % FAULTS), insn, text, bytes))
        continue;
      struct arena *arena = arena__new ();
      mutant.bytes = arena__memdup (arena, image->bytes, image->size);
      memcpy (mutant.bytes + offset, bytes, insn->length);
      int killed = is_killed (trial, 0, &mutant);
      arena__free (arena);
      if (killed < 0)
        continue;
      verdict->mutants_total++;
      verdict->mutants_killed += (unsigned) killed;
      if (!killed && trial->n_survivors++ < SURVIVORS_MAX)
        {
          static const char *const name[FAULTS] = { [FAULT_DROP] = "dropped", [FAULT_CONDITION] = "condition inverted",
                                                    [FAULT_IMMEDIATE] = "immediate changed",
                                                    [FAULT_OPCODE] = "opcode of a sibling" };
          trial->survivor[trial->n_survivors - 1]
            = arena__printf (trial->arena, "'%s' at +%u: %s", insn->mnemonic, insn->offset, name[site % FAULTS]);
        }
    }
}
