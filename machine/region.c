/* Names of a region's enumerations, and its code.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/region.h"

#include <string.h>

static const char *const type_names[]
  = { [TYPE_VOID] = "void",       [TYPE_BOOL] = "bool",         [TYPE_INTEGER] = "integer",
      [TYPE_FLOAT] = "float",     [TYPE_POINTER] = "pointer",   [TYPE_STRUCT] = "struct",
      [TYPE_UNION] = "union",     [TYPE_ARRAY] = "array",       [TYPE_VECTOR] = "vector",
      [TYPE_COMPLEX] = "complex", [TYPE_FUNCTION] = "function", [TYPE_OTHER] = "other" };

static const char *const isa_mode_names[] = { [ISA_MODE_BUILD] = "build",
                                              [ISA_MODE_NATIVE] = "native",
                                              [ISA_MODE_DISPATCH] = "dispatch" };

static const char *const accept_names[]
  = { [ACCEPT_TESTED] = "tested", [ACCEPT_BOUNDED] = "bounded", [ACCEPT_PROVED] = "proved" };

#define COUNT(ARRAY) (sizeof (ARRAY) / sizeof *(ARRAY))

/* The number of TEXT among NAMES[N], or -1.  */
static int
find (const char *const *names, unsigned n, const char *text)
{
  for (unsigned i = 0; text && i < n; i++)
    if (strcmp (names[i], text) == 0)
      return (int) i;
  return -1;
}

const char *
type__name (enum type_kind kind)
{
  return (unsigned) kind < COUNT (type_names) ? type_names[kind] : "other";
}

const char *
isa_mode__name (enum isa_mode mode)
{
  return (unsigned) mode < COUNT (isa_mode_names) ? isa_mode_names[mode] : "build";
}

int
isa_mode__parse (const char *text, enum isa_mode *mode)
{
  int number = find (isa_mode_names, COUNT (isa_mode_names), text);
  if (number >= 0)
    *mode = (enum isa_mode) number;
  return number < 0 ? -1 : 0;
}

const char *
accept__name (enum accept accept)
{
  return (unsigned) accept < COUNT (accept_names) ? accept_names[accept] : "proved";
}

int
accept__parse (const char *text, enum accept *accept)
{
  int number = find (accept_names, COUNT (accept_names), text);
  if (number >= 0)
    *accept = (enum accept) number;
  return number < 0 ? -1 : 0;
}

int
region__code (const struct region *region, struct code **code, struct why *why)
{
  if (!region->text || !region->function)
    return why__set (why, REASON_NO_FUNCTION, "the region has no text");
  return code__parse (region->arena, region->text, strlen (region->text), region->function,
                      region->constant, region->n_constants, false, code, why);
}

void
region__note_noreturn (const struct region *region, struct code *code)
{
  code->n_noreturn = 0;
  code->noreturn = ARENA_ARRAY (code->arena, const char *, region->n_callees);
  for (unsigned i = 0; i < region->n_callees; i++)
    if (region->callee[i].is_noreturn && region->callee[i].name)
      code->noreturn[code->n_noreturn++] = arena__strdup (code->arena, region->callee[i].name);
}

bool
type__same_integer (const struct type *x, const struct type *y)
{
  if (x->kind != TYPE_INTEGER || y->kind != TYPE_INTEGER || x->size != y->size || !x->name != !y->name)
    return false;
  /* GCC's names: "long unsigned int" and "long int".  */
  static const char sign[] = "unsigned ";
  const char *a = x->name, *b = y->name;
  while (a && *a && *b)
    {
      size_t skip_a = strncmp (a, sign, sizeof sign - 1) == 0 ? sizeof sign - 1 : 0;
      size_t skip_b = strncmp (b, sign, sizeof sign - 1) == 0 ? sizeof sign - 1 : 0;
      a += skip_a;
      b += skip_b;
      if (skip_a || skip_b)
        continue;
      if (*a++ != *b++)
        return false;
    }
  return !a || *a == *b;
}
