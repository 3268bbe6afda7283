/* Giving every symbol that a function uses its one meaning: a label of the body, a datum that is
   carried along, or something outside.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/code-unit.h"

#include <stdlib.h>

enum { SET_CHAIN = 8 }; /* .set of .set of … */

/* A new, empty datum named LABEL.  */
static struct data *
unit__new_data (struct unit *unit, const char *label)
{
  struct code *code = unit->code;
  if (code->n_data == unit->data_room)
    {
      unsigned room = unit->data_room ? unit->data_room * 2 : 8;
      struct data *data = ARENA_ARRAY (unit->arena, struct data, room);
      if (code->n_data)
        memcpy (data, code->data, code->n_data * sizeof *data);
      code->data = data;
      unit->data_room = room;
    }
  struct data *data = &code->data[code->n_data++];
  data->label = label;
  return data;
}

/* The label of the datum that symbol NUMBER names, which is reached for the first time or again.  */
static const char *
unit__reach (struct unit *unit, unsigned number)
{
  if (unit->symbol[number].alias_of != NAME_NONE)
    number = unit->symbol[number].alias_of;
  struct symbol *symbol = &unit->symbol[number];
  if (!symbol->data)
    {
      const char *label = unit->names.name[number].text;
      if (!symbol__local (label))
        label = arena__printf (unit->arena, ".Ldata.%s", label);
      unit__new_data (unit, label)->align = symbol->align;
      symbol->data = unit->code->n_data;
      if (unit__read_data (unit, number) < 0)
        return NULL;
    }
  return unit->code->data[symbol->data - 1].label;
}

/* The datum of the constant that stands for the undefined LABEL, or NULL.  */
static const char *
unit__constant (struct unit *unit, const char *label)
{
  for (unsigned i = 0; i < unit->code->n_data; i++)
    if (strcmp (unit->code->data[i].label, label) == 0)
      return unit->code->data[i].label;
  for (unsigned i = 0; i < unit->n_constants; i++)
    {
      const struct constant *constant = &unit->constant[i];
      if (strcmp (constant->label, label) != 0)
        continue;
      if (!constant->bytes || constant->size == 0 || constant->size > 1u << 20
          || constant->align == 0 || (constant->align & (constant->align - 1)) != 0
          || constant->align > 4096)
        return NULL;
      struct data *data = unit__new_data (unit, arena__strdup (unit->arena, label));
      data->align = constant->align;
      data->size = constant->size;
      data->n_cells = 1;
      data->cell = ARENA_NEW (unit->arena, struct cell);
      data->cell->size = (unsigned) constant->size;
      data->cell->bytes = arena__memdup (unit->arena, constant->bytes, constant->size);
      return data->label;
    }
  return NULL;
}

/* Resolves *SYMBOL, to which *ADD is added and which has RELOC (or NULL).  */
static int
unit__resolve_symbol (struct unit *unit, const char **symbol, int64_t *add, const char *reloc)
{
  const char *text = *symbol;
  if (strcmp (text, unit->code->name) == 0)
    return 0;
  for (unsigned chain = 0; chain <= SET_CHAIN; chain++)
    {
      bool local = symbol__local (text);
      unsigned number = names__find (&unit->names, text, strlen (text));
      struct symbol *found = number == NAME_NONE ? NULL : &unit->symbol[number];
      if (local && reloc)
        return why__set (unit->why, REASON_RELOCATION, "%.100s@%s", text, reloc);
      if (!found || found->kind == SYMBOL_UNDEFINED)
        {
          if (local)
            {
              *symbol = unit__constant (unit, text);
              if (!*symbol)
                return why__set (unit->why, REASON_SYNTAX, "label '%.100s' is not defined", text);
              return 0;
            }
          *symbol = text;
          return 0;
        }
      switch (found->kind)
        {
        case SYMBOL_BODY:
          found->used = true;
          *symbol = text;
          return 0;
        case SYMBOL_DATA:
          if (found->global || reloc)
            {
              *symbol = text;
              return 0;
            }
          *symbol = unit__reach (unit, number);
          return *symbol ? 0 : -1;
        case SYMBOL_SET:
          if (found->global)
            {
              *symbol = text;
              return 0;
            }
          if (reloc)
            return why__set (unit->why, REASON_RELOCATION, "%.100s@%s, an alias", text, reloc);
          *add = (int64_t) ((uint64_t) *add + (uint64_t) found->value.add);
          text = found->value.sym;
          break;
        case SYMBOL_OTHER:
          if (local)
            return why__set (unit->why, REASON_DATA, "'%.100s' is outside the read-only data",
                             text);
          *symbol = text;
          return 0;
        default:
          break;
        }
    }
  return why__set (unit->why, REASON_DATA, "'%.100s' is an alias of an alias", *symbol);
}

static int
unit__resolve_expr (struct unit *unit, struct expr *expr)
{
  if (expr->sym && unit__resolve_symbol (unit, &expr->sym, &expr->add, expr->reloc) < 0)
    return -1;
  int64_t minus = 0;
  if (expr->minus && unit__resolve_symbol (unit, &expr->minus, &minus, NULL) < 0)
    return -1;
  expr->add = (int64_t) ((uint64_t) expr->add - (uint64_t) minus);
  if (expr->minus && (!symbol__local (expr->minus) || !expr->sym))
    return why__set (unit->why, REASON_SYNTAX, "difference to '%.100s'", expr->minus);
  return 0;
}

static int
compare_texts (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Adds EXPR's outer symbols to NAMES.  */
static void
collect (struct names *names, const struct code *code, const struct expr *expr)
{
  if (expr->sym && !symbol__local (expr->sym) && strcmp (expr->sym, code->name) != 0)
    names__enter (names, expr->sym, strlen (expr->sym));
}

void
code__list_symbols (struct code *code)
{
  struct names names = { .arena = code->arena };
  for (unsigned i = 0; i < code->n_items; i++)
    for (unsigned j = 0; j < code->item[i].insn.n_operands; j++)
      collect (&names, code, &code->item[i].insn.operand[j].expr);
  for (unsigned i = 0; i < code->n_data; i++)
    for (unsigned j = 0; j < code->data[i].n_cells; j++)
      collect (&names, code, &code->data[i].cell[j].expr);
  code->n_symbols = names.n;
  code->symbol = ARENA_ARRAY (code->arena, const char *, names.n);
  for (unsigned i = 0; i < names.n; i++)
    code->symbol[i] = names.name[i].text;
  if (names.n)
    qsort (code->symbol, names.n, sizeof *code->symbol, compare_texts);
}

/* Labels as values, in a table of the unit's own: the body jumps through a pointer and has one of
   GCC's numbered labels that nothing in it refers to.  */
static bool
unit__has_outer_labels (const struct unit *unit)
{
  const struct code *code = unit->code;
  bool indirect = false, unused = false;
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct item *item = &code->item[i];
      if (item->kind == ITEM_INSN)
        indirect |= item->insn.n_operands == 1 && item->insn.operand[0].indirect
                    && item->insn.mnemonic[0] == 'j';
      else if (item->kind == ITEM_LABEL && char__digit (item->label[2]))
        {
          unsigned number = names__find (&unit->names, item->label, strlen (item->label));
          unused |= !unit->symbol[number].used;
        }
    }
  return indirect && unused;
}

int
unit__resolve (struct unit *unit)
{
  struct code *code = unit->code;
  for (unsigned i = 0; i < code->n_items; i++)
    {
      struct insn *insn = &code->item[i].insn;
      for (unsigned j = 0; j < insn->n_operands; j++)
        {
          struct operand *operand = &insn->operand[j];
          if (unit__resolve_expr (unit, &operand->expr) < 0)
            return -1;
          const char *sym = operand->expr.sym;
          if (operand->kind != OPERAND_TARGET || !symbol__local (sym))
            continue;
          unsigned number = names__find (&unit->names, sym, strlen (sym));
          if (number == NAME_NONE || unit->symbol[number].kind != SYMBOL_BODY
              || operand->expr.add != 0)
            return why__set (unit->why, REASON_SYNTAX, "a jump to '%.100s', no label of the body",
                             sym);
        }
    }
  /* Data that data refers to is added behind and reached in its turn.  */
  for (unsigned i = 0; i < code->n_data; i++)
    for (unsigned j = 0; j < code->data[i].n_cells; j++)
      {
        struct expr expr = code->data[i].cell[j].expr;
        if (unit__resolve_expr (unit, &expr) < 0)
          return -1;
        code->data[i].cell[j].expr = expr;
      }
  for (unsigned i = 0; i < code->n_data; i++)
    for (unsigned j = 0; j < i; j++)
      if (strcmp (code->data[i].label, code->data[j].label) == 0)
        return why__set (unit->why, REASON_SYNTAX, "two data named '%.100s'",
                         code->data[i].label);

  if (unit__has_outer_labels (unit))
    return why__set (unit->why, REASON_DATA,
                     "a computed jump to labels that only data outside the function refers to");
  unsigned n = 0, cold_from = code->cold_from;
  for (unsigned i = 0; i < code->n_items; i++)
    {
      if (i == cold_from)
        code->cold_from = n;
      const struct item *item = &code->item[i];
      if (item->kind == ITEM_LABEL)
        {
          unsigned number = names__find (&unit->names, item->label, strlen (item->label));
          if (!unit->symbol[number].used)
            continue;
        }
      if (n != i)
        code->item[n] = *item;
      n++;
    }
  if (cold_from >= code->n_items)
    code->cold_from = n;
  code->n_items = n;
  code__list_symbols (code);
  return 0;
}
