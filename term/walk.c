/* Walks over terms: substitution, printing.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A made again from new arguments, by the simplifying constructors.  */
static const struct term *
rebuild (struct terms *terms, const struct term *a, const struct term *const *arg)
{
  const struct term *result;
  switch ((enum term_op) a->op)
    {
    case TERM_CONST: case TERM_VAR: case TERM_MEMORY: case TERM_OPS:
      return a;
    case TERM_SUM:
      {
        LINEAR_NEW (linear, a->width);
        linear.constant = a->words[0];
        for (unsigned i = 0; i < a->n_args; i++)
          linear__add (terms, &linear, arg[i], a->words[1 + i]);
        return linear__make (terms, &linear);
      }
    case TERM_ADD: return term__add (terms, arg[0], arg[1]);
    case TERM_MUL:
      result = arg[0];
      for (unsigned i = 1; i < a->n_args; i++)
        result = term__mul (terms, result, arg[i]);
      return result;
    case TERM_UDIV: return term__udiv (terms, arg[0], arg[1]);
    case TERM_UREM: return term__urem (terms, arg[0], arg[1]);
    case TERM_SDIV: return term__sdiv (terms, arg[0], arg[1]);
    case TERM_SREM: return term__srem (terms, arg[0], arg[1]);
    case TERM_AND: case TERM_OR: case TERM_XOR:
      result = arg[0];
      for (unsigned i = 1; i < a->n_args; i++)
        result = a->op == TERM_AND  ? term__and (terms, result, arg[i])
                 : a->op == TERM_OR ? term__or (terms, result, arg[i])
                                    : term__xor (terms, result, arg[i]);
      return result;
    case TERM_NOT: return term__not (terms, arg[0]);
    case TERM_SHL: return term__shl (terms, arg[0], arg[1]);
    case TERM_LSHR: return term__lshr (terms, arg[0], arg[1]);
    case TERM_ASHR: return term__ashr (terms, arg[0], arg[1]);
    case TERM_ROL: return term__rol (terms, arg[0], arg[1]);
    case TERM_CONCAT:
      result = arg[a->n_args - 1];
      {
        const struct term *part[TERM_WIDTH_MAX];
        for (unsigned i = 0; i < a->n_args; i++)
          part[i] = arg[a->n_args - 1 - i];
        return term__join (terms, part, a->n_args);
      }
    case TERM_EXTRACT: return term__extract (terms, arg[0], a->number, a->width);
    case TERM_SEXT: return term__sext (terms, arg[0], a->width);
    case TERM_EQ: return term__eq (terms, arg[0], arg[1]);
    case TERM_ULT: return term__ult (terms, arg[0], arg[1]);
    case TERM_SLT: return term__slt (terms, arg[0], arg[1]);
    case TERM_ITE: return term__ite (terms, arg[0], arg[1], arg[2]);
    case TERM_POPCOUNT: return term__popcount (terms, arg[0]);
    case TERM_CLZ: return term__clz (terms, arg[0]);
    case TERM_CTZ: return term__ctz (terms, arg[0]);
    case TERM_CALL: return term__call (terms, (enum term_function) a->number, arg, a->n_args);
    case TERM_STORE: return term__store (terms, arg[0], arg[1], arg[2], arg[3]);
    case TERM_LOAD: return term__load (terms, arg[0], arg[1]);
    }
  return a;
}

/* What terms became, by id; open addressing.  */
struct known
{
  const struct term **from, **to;
  unsigned n, size;
};

static void
known__grow (struct known *known)
{
  struct known old = *known;
  known->size = old.size ? 2 * old.size : 256;
  known->from = calloc (known->size, sizeof *known->from);
  known->to = calloc (known->size, sizeof *known->to);
  if (!known->from || !known->to)
    abort (); /* as arenas do */
  for (unsigned i = 0; i < old.size; i++)
    if (old.from[i])
      {
        unsigned at = old.from[i]->id * 2654435769u & (known->size - 1);
        while (known->from[at])
          at = (at + 1) & (known->size - 1);
        known->from[at] = old.from[i];
        known->to[at] = old.to[i];
      }
  free (old.from);
  free (old.to);
}

static const struct term **
known__find (struct known *known, const struct term *from)
{
  if (2 * known->n >= known->size)
    known__grow (known);
  unsigned at = from->id * 2654435769u & (known->size - 1);
  while (known->from[at] && known->from[at] != from)
    at = (at + 1) & (known->size - 1);
  if (!known->from[at])
    {
      known->from[at] = from;
      known->n++;
    }
  return &known->to[at];
}

static const struct term *
substitute (struct terms *terms, struct known *known, const struct term *a)
{
  if (a->n_args == 0)
    {
      const struct term **leaf = known__find (known, a);
      return *leaf ? *leaf : a;
    }
  const struct term **found = known__find (known, a);
  if (*found)
    return *found;
  const struct term *few[8], **arg = few;
  if (a->n_args > sizeof few / sizeof *few)
    arg = ARENA_ARRAY (store__arena (terms), const struct term *, a->n_args);
  bool changed = false;
  for (unsigned i = 0; i < a->n_args; i++)
    {
      arg[i] = substitute (terms, known, a->arg[i]);
      changed |= arg[i] != a->arg[i];
    }
  const struct term *result = changed ? rebuild (terms, a, arg) : a;
  *known__find (known, a) = result;
  return result;
}

const struct term *
term__substitute (struct terms *terms, const struct term *a, const struct term *const *from,
                  const struct term *const *to, unsigned n)
{
  struct known known = { 0 };
  for (unsigned i = 0; i < n; i++)
    *known__find (&known, from[i]) = to[i];
  const struct term *result = substitute (terms, &known, a);
  free (known.from);
  free (known.to);
  return result;
}

static const char *const op_name[TERM_OPS] = {
  [TERM_CONST] = "const", [TERM_VAR] = "var", [TERM_SUM] = "sum", [TERM_ADD] = "add", [TERM_MUL] = "mul",
  [TERM_UDIV] = "udiv", [TERM_UREM] = "urem", [TERM_SDIV] = "sdiv", [TERM_SREM] = "srem", [TERM_AND] = "and",
  [TERM_OR] = "or", [TERM_XOR] = "xor", [TERM_NOT] = "not", [TERM_SHL] = "shl", [TERM_LSHR] = "lshr",
  [TERM_ASHR] = "ashr", [TERM_ROL] = "rol", [TERM_CONCAT] = "concat", [TERM_EXTRACT] = "extract",
  [TERM_SEXT] = "sext", [TERM_EQ] = "eq", [TERM_ULT] = "ult", [TERM_SLT] = "slt", [TERM_ITE] = "ite",
  [TERM_POPCOUNT] = "popcount", [TERM_CLZ] = "clz", [TERM_CTZ] = "ctz", [TERM_CALL] = "call",
  [TERM_MEMORY] = "memory", [TERM_STORE] = "store", [TERM_LOAD] = "load",
};

/* Prints A; BUDGET counts the terms that may still be printed.  */
static void
print (FILE *stream, const struct term *a, unsigned *budget)
{
  if (*budget == 0)
    {
      fputs ("…", stream);
      return;
    }
  --*budget;
  switch (a->op)
    {
    case TERM_CONST:
      fputs ("0x", stream);
      for (unsigned i = a->n_words, first = 1; i-- > 0;)
        if (a->words[i] || !first || i == 0)
          {
            fprintf (stream, first ? "%" PRIx64 : "%016" PRIx64, a->words[i]);
            first = 0;
          }
      fprintf (stream, ":%u", a->width);
      return;
    case TERM_VAR:
      fprintf (stream, a->number > UINT32_MAX / 2 ? "fresh%u:%u" : "v%u:%u",
               a->number > UINT32_MAX / 2 ? UINT32_MAX - a->number : a->number, a->width);
      return;
    case TERM_MEMORY:
      fprintf (stream, "memory%u", a->number);
      return;
    case TERM_CALL:
      fprintf (stream, "(%s", function__name ((enum term_function) a->number));
      break;
    case TERM_EXTRACT:
      fprintf (stream, "(extract %u..%u", a->number, a->number + a->width - 1);
      break;
    default:
      fprintf (stream, "(%s:%u", op_name[a->op], a->width);
    }
  if (a->op == TERM_SUM && a->words[0])
    fprintf (stream, " %" PRId64, word__sign (a->words[0], a->width));
  for (unsigned i = 0; i < a->n_args; i++)
    {
      putc (' ', stream);
      if (a->op == TERM_SUM && a->words[1 + i] != 1)
        fprintf (stream, "%" PRId64 "*", word__sign (a->words[1 + i], a->width));
      print (stream, a->arg[i], budget);
    }
  putc (')', stream);
}

void
term__print (FILE *stream, const struct term *a)
{
  unsigned budget = 200;
  print (stream, a, &budget);
}
