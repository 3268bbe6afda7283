/* Pointers in structs that lead to the struct itself.

   A struct that holds a pointer and how much is behind it is changed by what is stored through the pointer, if that leads to its own
   numbers: what was loaded before is out of date then.  What is stored is often at an index that is one of those numbers, and
   only the last round of a loop may tell: chance comes there too seldom.  So each number of the struct is where the pointer
   leads to, as it is, or at the index that a number of the struct says, at once or so many rounds later.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/input.h"
#include "verify/internal.h"

#include <string.h>

/* States that are changed, and run together.  Structs are as large as that.  */
enum { INWARD_SOURCES = 16, INWARD_BATCH = 32, INWARD_FIELDS = 8, INWARD_LATER = 64 };
#define INWARD_SHARE 0.04
#define INWARD_SECONDS 0.04

/* A struct behind a pointer parameter of a state.  */
struct node
{
  const struct region *region;
  const struct state *state;
  const struct type *type;
  uint64_t address;
  unsigned span;
  uint32_t offset;     /* in the span */
};

struct making
{
  struct trial *trial;
  struct arena *arena;
  double until;
  unsigned n;
  const struct state *made[INWARD_BATCH];
};

static bool
flush (struct making *making)
{
  bool well = trial__try (making->trial, 0, making->made, making->n);
  making->n = 0;
  arena__free (making->arena);
  making->arena = arena__new ();
  return well;
}

/* The struct that parameter P of STATE leads to, in memory that may be changed.  */
static bool
find_node (const struct region *region, const struct state *state, unsigned p, struct node *node)
{
  const struct type *type = region__type (region, region->parameter[p].type);
  const struct type *pointee = type && type->kind == TYPE_POINTER ? region__type (region, type->element) : NULL;
  int gpr = value__gpr (&region->parameter[p]);
  if (!pointee || pointee->kind != TYPE_STRUCT || gpr < 0 || type->is_restrict || region->parameter[p].is_restrict)
    return false;
  uint64_t address = state->machine.gpr[gpr];
  int span = state__span_of (state, address);
  if (span < 0)
    return false;
  uint64_t at = address - state->span[span].address;
  *node = (struct node) { .region = region, .state = state, .type = pointee, .address = address, .span = (unsigned) span,
                          .offset = (uint32_t) at };
  return at + pointee->size <= state->span[span].size && input__may_patch (region, state, node->span);
}

/* Field I of NODE's type, if it is an integer of its own bytes; or NULL.  */
static const struct type *
number_at (const struct node *node, unsigned i)
{
  const struct field *field = &node->type->field[i];
  const struct type *type = region__type (node->region, field->type);
  return type && type->kind == TYPE_INTEGER && !field->bits && type->size <= 8 && field->offset + type->size <= node->type->size
           ? type : NULL;
}

static uint64_t
number_of (const struct node *node, unsigned i)
{
  uint64_t value = 0;
  memcpy (&value, node->state->span[node->span].bytes + node->offset + node->type->field[i].offset,
          number_at (node, i)->size);
  return value;
}

/* NODE's state with ADDRESS in its pointer field POINTER.  */
static bool
add (struct making *making, const struct node *node, unsigned pointer, uint64_t address)
{
  struct state *state = input__patch (making->arena, node->state, node->span,
                                      node->offset + (uint32_t) node->type->field[pointer].offset, &address, 8);
  if (state)
    making->made[making->n++] = state;
  return making->n < INWARD_BATCH || flush (making);
}

/* Pointer field POINTER of NODE, to elements of SIZE bytes, leads to PLACE: as it is, and at each index, now or some elements on.  */
static bool
point (struct making *making, const struct node *node, unsigned pointer, unsigned size, uint64_t place)
{
  const struct region *region = node->region;
  uint64_t later[3] = { 0, 1 };
  unsigned n_later = 2;
  /* The last round of as many as a parameter says.  */
  for (unsigned p = 0; p < region->n_parameters && n_later < 3; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      uint64_t rounds = gpr >= 0 ? node->state->machine.gpr[gpr] : 0;
      if (type && type->kind == TYPE_INTEGER && type->size >= 4 && rounds > 2 && rounds <= INWARD_LATER)
        later[n_later++] = rounds - 1;
    }
  unsigned fields = node->type->n_fields < INWARD_FIELDS ? node->type->n_fields : INWARD_FIELDS;
  for (unsigned k = 0; k < n_later; k++)
    for (unsigned i = 0; i <= fields; i++)
      if (i == fields || (number_at (node, i) && number_at (node, i)->size >= 4))
        {
          uint64_t index = i < fields ? number_of (node, i) : 0;
          if (verify__now () > making->until)
            return true;
          if (!add (making, node, pointer, place - (index + later[k]) * size))
            return false;
        }
  return true;
}

static bool
try_node (struct making *making, const struct node *node)
{
  unsigned fields = node->type->n_fields < INWARD_FIELDS ? node->type->n_fields : INWARD_FIELDS;
  for (unsigned f = 0; f < fields; f++)
    {
      const struct type *type = region__type (node->region, node->type->field[f].type);
      const struct type *to = type && type->kind == TYPE_POINTER ? region__type (node->region, type->element) : NULL;
      if (!to || to->kind != TYPE_INTEGER || type->is_restrict)
        continue;
      for (unsigned t = 0; t < fields; t++)
        {
          const struct type *number = number_at (node, t);
          if (number && (to->size == 1 || type__same_integer (to, number))
              && !point (making, node, f, (unsigned) to->size, node->address + node->type->field[t].offset))
            return false;
        }
    }
  return true;
}

/* A copy of STATE in ARENA in which integer parameters are 1: the first round is the last one.  NULL where there are none.  */
static const struct state *
one_round (const struct region *region, struct arena *arena, const struct state *state)
{
  struct state *copy = NULL;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      if (!type || type->kind != TYPE_INTEGER || type->size < 4 || gpr < 0)
        continue;
      copy = copy ? copy : arena__memdup (arena, state, sizeof *state);
      copy->machine.gpr[gpr] = 1;
    }
  return copy;
}

bool
inward__judge (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  const struct state *source[INWARD_SOURCES];
  struct making making = { .trial = trial, .until = trial__until (trial, INWARD_SHARE, INWARD_SECONDS) };
  unsigned n = sources__first_there (trial, source, INWARD_SOURCES);
  for (unsigned i = 0; i < trial->n_kept && n < INWARD_SOURCES; i++)
    sources__add (source, &n, trial->kept[i].state);
  bool well = true;
  making.arena = arena__new ();
  struct arena *arena = arena__new ();
  for (unsigned i = 0; i < n && well; i++)
    for (unsigned turn = 0; turn < 2; turn++)
      {
        const struct state *state = turn ? source[i] : one_round (region, arena, source[i]);
        for (unsigned p = 0; state && p < region->n_parameters && well; p++)
          {
            struct node node;
            if (find_node (region, state, p, &node))
              well = try_node (&making, &node);
          }
      }
  well = well && (making.n == 0 || flush (&making));
  arena__free (arena);
  arena__free (making.arena);
  return well;
}
