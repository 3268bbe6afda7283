/* Guard plus fallback.  A candidate may jump to `aiopt_original`, which means the function as GCC compiled it: in C it
   returns what that returns, and GCC makes a jump of it.  Here the original's own code is appended under labels of its own and the jumps
   lead there, so that what is verified, stored and applied is one function without any reference to something outside.

   At such a jump the stack pointer, callee-saved registers and arguments have to be as at entry.  GCC sees to that for C; nothing
   here relies on it: the whole function goes to the verifier, which holds the original's code at its new place to the same contract, and its
   unwind information is derived from all of its instructions.  The original's calls of itself still go to the function's
   public name.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/fallback.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRY_ALIGN = 16 }; /* GCC's -falign-functions at -O2 for most x86-64 CPUs */

/* Does SYMBOL mean the original?  In C++ by the name that the compiler makes of it, in any namespace.  */
static bool
symbol__is_original (const char *symbol)
{
  if (!symbol)
    return false;
  if (strcmp (symbol, FALLBACK_NAME) == 0)
    return true;
  return strncmp (symbol, "_Z", 2) == 0 && strstr (symbol, "14" FALLBACK_NAME);
}

static bool
symbol__is_label (const char *symbol)
{
  return symbol && strncmp (symbol, ".L", 2) == 0;
}

bool
fallback__wanted (const struct code *code)
{
  for (unsigned i = 0; i < code->n_symbols; i++)
    if (symbol__is_original (code->symbol[i]))
      return true;
  return false;
}

/* Does one of INSN's operands mention the original?  */
static bool
insn__mentions (const struct insn *insn)
{
  for (unsigned i = 0; i < insn->n_operands; i++)
    if (symbol__is_original (insn->operand[i].expr.sym) || symbol__is_original (insn->operand[i].expr.minus))
      return true;
  return false;
}

/* Does INSN, which mentions the original, jump to its first instruction: directly, or (-fno-plt) by way of the global offset
   table?  */
static bool
insn__jumps_there (const struct insn *insn)
{
  const struct operand *operand = &insn->operand[0];
  const struct expr *expr = &operand->expr;
  if (insn->mnemonic[0] != 'j' || insn->n_operands != 1 || !symbol__is_original (expr->sym) || expr->minus || expr->add)
    return false;
  if (operand->kind == OPERAND_TARGET)
    return !operand->indirect && (!expr->reloc || strcmp (expr->reloc, "PLT") == 0);
  return operand->kind == OPERAND_MEMORY && operand->indirect && !operand->segment && !operand->index && operand->base
         && strcmp (operand->base, "rip") == 0 && expr->reloc && strcmp (expr->reloc, "GOTPCREL") == 0;
}

/* Makes INSN, which jumps to the original, jump to LABEL.  */
static void
insn__lead_to (struct insn *insn, const char *label)
{
  insn->operand[0] = (struct operand){ .kind = OPERAND_TARGET, .expr = { .sym = label } };
}

/* Refuses what else CODE does with the original than to jump to it.  */
static int
code__check_uses (const struct code *code, struct why *why)
{
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct insn *insn = &code->item[i].insn;
      if (code->item[i].kind != ITEM_INSN || !insn__mentions (insn) || insn__jumps_there (insn))
        continue;
      if (strncmp (insn->mnemonic, "call", 4) == 0)
        return why__set (why, REASON_CALLS,
                         FALLBACK_NAME " is called; it may only be jumped to: write `return " FALLBACK_NAME " (…);` as "
                         "the last thing done, with no array or address of a local variable in use, and compile with -O1 or more");
      return why__set (why, REASON_NEW_SYMBOL,
                       "%.16s with " FALLBACK_NAME "; it may only be jumped to: no address of it, no data that mentions it",
                       insn->mnemonic);
    }
  for (unsigned i = 0; i < code->n_data; i++)
    for (unsigned j = 0; j < code->data[i].n_cells; j++)
      if (symbol__is_original (code->data[i].cell[j].expr.sym) || symbol__is_original (code->data[i].cell[j].expr.minus))
        return why__set (why, REASON_NEW_SYMBOL, "data that mentions " FALLBACK_NAME "; it may only be jumped to");
  return 0;
}

/* A beginning of labels that no label of CODE has.  */
static const char *
code__free_prefix (const struct code *code)
{
  for (unsigned number = 0;; number++)
    {
      const char *prefix = arena__printf (code->arena, ".Loriginal%u", number);
      size_t length = strlen (prefix);
      bool taken = false;
      for (unsigned i = 0; i < code->n_items && !taken; i++)
        taken = code->item[i].kind == ITEM_LABEL && strncmp (code->item[i].label, prefix, length) == 0;
      for (unsigned i = 0; i < code->n_data && !taken; i++)
        taken = strncmp (code->data[i].label, prefix, length) == 0;
      if (!taken)
        return prefix;
    }
}

/* Gives *SYMBOL, where it is a local label, PREFIX.  */
static void
label__rename (struct arena *arena, const char **symbol, const char *prefix)
{
  if (symbol__is_label (*symbol))
    *symbol = arena__printf (arena, "%s.%s", prefix, *symbol + 2);
}

/* Gives all labels of CODE, body and data, PREFIX.  */
static void
code__rename (struct code *code, const char *prefix)
{
  struct arena *arena = code->arena;
  for (unsigned i = 0; i < code->n_items; i++)
    {
      struct item *item = &code->item[i];
      if (item->kind == ITEM_LABEL)
        label__rename (arena, &item->label, prefix);
      for (unsigned j = 0; item->kind == ITEM_INSN && j < item->insn.n_operands; j++)
        {
          label__rename (arena, &item->insn.operand[j].expr.sym, prefix);
          label__rename (arena, &item->insn.operand[j].expr.minus, prefix);
        }
    }
  for (unsigned i = 0; i < code->n_data; i++)
    {
      label__rename (arena, &code->data[i].label, prefix);
      for (unsigned j = 0; j < code->data[i].n_cells; j++)
        {
          label__rename (arena, &code->data[i].cell[j].expr.sym, prefix);
          label__rename (arena, &code->data[i].cell[j].expr.minus, prefix);
        }
    }
}

static int
compare_texts (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* CODE's symbols are its own and ORIGINAL's, without the original's name.  */
static void
code__join_symbols (struct code *code, const struct code *original)
{
  const char **all = ARENA_ARRAY (code->arena, const char *, code->n_symbols + original->n_symbols);
  unsigned n = 0;
  for (unsigned i = 0; i < code->n_symbols; i++)
    if (!symbol__is_original (code->symbol[i]))
      all[n++] = code->symbol[i];
  for (unsigned i = 0; i < original->n_symbols; i++)
    all[n++] = original->symbol[i];
  if (n)
    qsort (all, n, sizeof *all, compare_texts);
  unsigned kept = 0;
  for (unsigned i = 0; i < n; i++)
    if (kept == 0 || strcmp (all[i], all[kept - 1]) != 0)
      all[kept++] = all[i];
  code->symbol = all;
  code->n_symbols = kept;
}

/* Appends ORIGINAL, whose labels are its own already, behind a label ENTRY.  */
static void
code__append (struct code *code, const struct code *original, const char *entry)
{
  struct arena *arena = code->arena;
  unsigned n = code->n_items;
  struct item *item = ARENA_ARRAY (arena, struct item, n + 2 + original->n_items);
  memcpy (item, code->item, n * sizeof *item);
  item[n++] = (struct item){ .kind = ITEM_ALIGN, .align = ENTRY_ALIGN };
  item[n++] = (struct item){ .kind = ITEM_LABEL, .label = entry };
  memcpy (item + n, original->item, original->n_items * sizeof *item);
  n += original->n_items;
  code->item = item;
  /* A replacement is printed in one piece, cold parts among the rest.  */
  code->n_items = code->cold_from = n;

  struct data *data = ARENA_ARRAY (arena, struct data, code->n_data + original->n_data);
  if (code->n_data)
    memcpy (data, code->data, code->n_data * sizeof *data);
  if (original->n_data)
    memcpy (data + code->n_data, original->data, original->n_data * sizeof *data);
  code->data = data;
  code->n_data += original->n_data;
  code__join_symbols (code, original);
}

int
fallback__splice (const struct region *region, struct code *code, struct why *why)
{
  if (!fallback__wanted (code))
    return 0;
  if (code__check_uses (code, why) < 0)
    return -1;
  /* Parsed anew: its labels are about to change, and it has to live as long as CODE.  */
  struct region copy = *region;
  copy.arena = code->arena;
  struct code *original;
  if (region__code (&copy, &original, why) < 0)
    return -1;
  if (fallback__wanted (original))
    return why__set (why, REASON_NEW_SYMBOL, FALLBACK_NAME " is a function of the program's own");
  const char *entry = code__free_prefix (code);
  code__rename (original, entry);
  for (unsigned i = 0; i < code->n_items; i++)
    if (code->item[i].kind == ITEM_INSN && insn__mentions (&code->item[i].insn))
      insn__lead_to (&code->item[i].insn, entry);
  code__append (code, original, entry);
  return 0;
}
