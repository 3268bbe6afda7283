/* Swapping the operands of commutative floating-point instructions.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/repair.h"

#include <stdlib.h>
#include <string.h>

enum { VECTORS = 32, VECTORS_LEGACY = 16 };

/* What an instruction adds or multiplies.  */
struct commutative
{
  bool vex;       /* three operands */
  bool add;
  bool scalar;
  char suffix[3]; /* "ps", "pd", "ss", "sd" */
};

static bool
insn__commutative (const struct insn *insn, struct commutative *found)
{
  const char *name = insn->mnemonic;
  found->vex = name[0] == 'v';
  name += found->vex;
  found->add = strncmp (name, "add", 3) == 0;
  if ((!found->add && strncmp (name, "mul", 3) != 0) || strlen (name) != 5)
    return false;
  const char *suffix = name + 3;
  if ((suffix[0] != 'p' && suffix[0] != 's') || (suffix[1] != 's' && suffix[1] != 'd'))
    return false;
  found->scalar = suffix[0] == 's';
  memcpy (found->suffix, suffix, 3);
  return insn->n_operands == (found->vex ? 3 : 2);
}

/* The number of vector register NAME, or -1.  */
static int
vector__number (const char *name)
{
  if (!name || !strchr ("xyz", name[0]) || strncmp (name + 1, "mm", 2) != 0)
    return -1;
  return atoi (name + 3);
}

/* A vector register that CODE uses nowhere, or -1.  The upper 16 only where CODE uses them anyway.  */
static int
code__free_vector (const struct code *code)
{
  uint32_t used = 0;
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct insn *insn = &code->item[i].insn;
      if (code->item[i].kind != ITEM_INSN)
        continue;
      for (unsigned k = 0; k < insn->n_operands; k++)
        {
          const char *names[] = { insn->operand[k].reg, insn->operand[k].index };
          for (unsigned n = 0; n < 2; n++)
            {
              int number = vector__number (names[n]);
              if (number >= 0 && number < VECTORS)
                used |= UINT32_C (1) << number;
            }
        }
    }
  int most = used >> VECTORS_LEGACY ? VECTORS : VECTORS_LEGACY;
  for (int number = most - 1; number >= 0; number--)
    if (!(used >> number & 1))
      return number;
  return -1;
}

static struct item
item__make (const struct item *like, const char *mnemonic, const struct operand *from,
            const struct operand *to)
{
  struct item item = { .kind = ITEM_INSN, .line = like->line };
  item.insn.mnemonic = mnemonic;
  item.insn.n_operands = 2;
  item.insn.operand[0] = *from;
  item.insn.operand[1] = *to;
  return item;
}

/* Writes ITEM, with its operands swapped, to OUT; the number of items written.  */
static unsigned
item__swap (struct arena *arena, const struct item *item, const struct commutative *what, int spare,
            struct item *out)
{
  const struct operand *source = &item->insn.operand[0], *last = &item->insn.operand[item->insn.n_operands - 1];
  bool memory = source->kind == OPERAND_MEMORY;
  const char *v = what->vex ? "v" : "";
  if (last->kind != OPERAND_REGISTER || (!memory && source->kind != OPERAND_REGISTER))
    {
      *out = *item;
      return 1;
    }
  if (what->vex && !memory)
    {
      *out = *item;
      out->insn.operand[0] = item->insn.operand[1];
      out->insn.operand[1] = *source;
      return 1;
    }
  struct operand temporary = { .kind = OPERAND_REGISTER };
  temporary.reg = arena__printf (arena, "%cmm%d", last->reg[0], spare);
  unsigned n = 0;
  if (memory)
    {
      struct operand from = *source, to = temporary;
      /* A masked load doesn't fault where the masked instruction didn't.  */
      to.mask = last->mask;
      to.zeroing = last->mask != NULL;
      const char *load = arena__printf (arena, what->scalar ? "%smov%s" : "%smovu%s", v, what->suffix);
      if (from.broadcast)
        {
          load = what->suffix[1] == 's' ? "vbroadcastss" : "vbroadcastsd";
          from.broadcast = NULL;
        }
      out[n++] = item__make (item, load, &from, &to);
    }
  else
    out[n++] = item__make (item, "movaps", source, &temporary);
  if (what->vex)
    {
      out[n] = *item;
      out[n].insn.operand[0] = item->insn.operand[1];
      out[n++].insn.operand[1] = temporary;
      return n;
    }
  out[n++] = item__make (item, item->insn.mnemonic, last, &temporary);
  out[n++] = item__make (item, "movaps", &temporary, last);
  return n;
}

unsigned
repair__swap (struct code *code, unsigned which)
{
  enum { ITEMS_MOST = 3 };
  int spare = code__free_vector (code);
  unsigned changed = 0, n = 0, cold_from = code->cold_from;
  struct item *items = ARENA_ARRAY (code->arena, struct item, ITEMS_MOST * code->n_items + 1);
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct item *item = &code->item[i];
      struct commutative what;
      if (i == code->cold_from)
        cold_from = n;
      bool wanted = item->kind == ITEM_INSN && insn__commutative (&item->insn, &what)
                    && (which & (what.add ? REPAIR_ADDS : REPAIR_MULTIPLICATIONS))
                    && (!what.scalar || (which & REPAIR_SCALARS))
                    && (spare >= 0 || (what.vex && item->insn.operand[0].kind == OPERAND_REGISTER));
      if (wanted)
        {
          n += item__swap (code->arena, item, &what, spare, &items[n]);
          changed++;
        }
      else
        items[n++] = *item;
    }
  if (code->cold_from >= code->n_items)
    cold_from = n;
  code->item = items;
  code->n_items = n;
  code->cold_from = cold_from;
  return changed;
}
