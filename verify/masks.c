/* Masks whose upper bits nothing tested.

   `andq $-524296` rounds a size down to a multiple of eight, and is wrong from 2^19 on; no test may come so far.  What a mask does to
   bits that were never set in what it masks isn't known.  Where it does the same to all bits above the highest that was set, or
   keeps some and clears those above, as compilers write it, that is what it is meant for.  Where it goes back and forth up there,
   its bits have to be seen, unless the original has that very mask.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <Zydis/Zydis.h>
#include <string.h>

/* The mask of instruction I of SIDE, an `and` with an immediate, and in *BITS of how many bits; false where it isn't one.  */
static bool
mask_of (const struct side *side, unsigned i, uint64_t *mask, unsigned *bits)
{
  const struct decoded_insn *insn = &side->decoded->insn[i];
  if (insn->zydis != ZYDIS_MNEMONIC_AND || insn->item >= side->code->n_items || side->code->item[insn->item].kind != ITEM_INSN)
    return false;
  const struct insn *text = &side->code->item[insn->item].insn;
  if (text->n_operands != 2 || text->operand[0].kind != OPERAND_IMMEDIATE || text->operand[0].expr.sym)
    return false;
  *mask = (uint64_t) text->operand[0].expr.add;
  size_t length = strlen (text->mnemonic);
  char suffix = length > 3 ? text->mnemonic[length - 1] : 0;
  *bits = suffix == 'b' ? 8 : suffix == 'w' ? 16 : suffix == 'l' ? 32 : 64;
  return true;
}

/* How often MASK changes between neighbours among its BITS that are above all of SEEN.  */
static unsigned
changes_above (uint64_t mask, uint64_t seen, unsigned bits)
{
  unsigned from = seen ? 64 - (unsigned) __builtin_clzll (seen) : 0, n = 0;
  for (unsigned i = from; i + 1 < bits; i++)
    n += (mask >> i & 1) != (mask >> (i + 1) & 1);
  return n;
}

static bool
original_has (const struct trial *trial, uint64_t mask)
{
  const struct side *original = &trial->verifier->original;
  for (unsigned i = 0; i < original->decoded->n_insns; i++)
    {
      uint64_t other;
      unsigned bits;
      if (mask_of (original, i, &other, &bits) && other == mask)
        return true;
    }
  return false;
}

bool
masks__judge (struct trial *trial)
{
  const struct side *side = &trial->side;
  for (unsigned i = 0; trial->masked && i < side->decoded->n_insns; i++)
    {
      uint64_t mask;
      unsigned bits;
      struct why why;
      if (!trial->candidate_coverage->executed[i] || !trial->masked[i] || !mask_of (side, i, &mask, &bits)
          || changes_above (mask, trial->masked[i], bits) < 2 || original_has (trial, mask))
        continue;
      why__set (&why, REASON_COVERAGE, "%s: no test has set the upper bits of what it masks",
                side__place (trial->arena, trial->verifier->region, side, false, (int) i));
      trial__unknown (trial, &why);
      return false;
    }
  return true;
}
