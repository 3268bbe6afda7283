/* The original's own code at the end of a candidate: what a guard falls back to (policy/fallback.c).

   Who jumps to its first instruction with the state that the function was entered with gets the original's answer by definition.  So
   what tests have to show is in front of it: that the jump is taken where it should be, with that state; each way to it has to be gone like
   any other, and what it hands over is compared by what comes out.  Which ways the copy then goes is the original's affair; guards mostly make some
   of them dead (a remainder loop that small sizes alone reach), so it gets the leniency that the original has.

   Nothing that a candidate says of itself counts, labels least of all: the copy is found by comparing.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/copy.h"

#include <string.h>

/* Does one of INSN's operands mention a label that ITEM[N] define?  */
static bool
insn__mentions (const struct insn *insn, const struct item *item, unsigned n)
{
  for (unsigned k = 0; k < insn->n_operands; k++)
    {
      const struct expr *expr = &insn->operand[k].expr;
      for (unsigned i = 0; i < n; i++)
        if (item[i].kind == ITEM_LABEL
            && ((expr->sym && strcmp (expr->sym, item[i].label) == 0) || (expr->minus && strcmp (expr->minus, item[i].label) == 0)))
          return true;
    }
  return false;
}

/* May INSN lead where nobody sees?  */
static bool
insn__is_indirect (const struct insn *insn)
{
  for (unsigned k = 0; k < insn->n_operands; k++)
    if (insn->operand[k].indirect && insn->mnemonic[0] == 'j')
      return true;
  return false;
}

/* Does INSN mention data of CODE with addresses in it: a jump table?  */
static bool
insn__mentions_table (const struct insn *insn, const struct code *code)
{
  for (unsigned d = 0; d < code->n_data; d++)
    {
      bool table = false;
      for (unsigned c = 0; c < code->data[d].n_cells; c++)
        table |= !code->data[d].cell[c].bytes;
      for (unsigned k = 0; table && k < insn->n_operands; k++)
        if (insn->operand[k].expr.sym && strcmp (insn->operand[k].expr.sym, code->data[d].label) == 0)
          return true;
    }
  return false;
}

bool
copy__find (struct arena *arena, const struct side *original, const struct side *candidate, struct item_range *range)
{
  unsigned n = original->own_items, end = candidate->own_items;
  if (!n || end < n + 2)
    return false;
  unsigned from = end - n;
  const struct item *item = candidate->code->item;
  if (item[from - 1].kind != ITEM_LABEL)
    return false;
  /* What is in front knows of the copy's first instruction alone.  */
  for (unsigned i = 0; i < from; i++)
    if (item[i].kind == ITEM_INSN
        && (insn__is_indirect (&item[i].insn) || insn__mentions (&item[i].insn, item + from, n)
            || insn__mentions_table (&item[i].insn, candidate->code)))
      return false;
  struct code theirs = *original->code, ours = *candidate->code;
  theirs.arena = ours.arena = arena;
  theirs.n_items = ours.n_items = n;
  theirs.cold_from = ours.cold_from = n;
  ours.item += from;
  ours.endbr = theirs.endbr;
  if (strcmp (code__canonical (&theirs), code__canonical (&ours)) != 0)
    return false;
  *range = (struct item_range){ from, end };
  return true;
}
