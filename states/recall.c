/* Contents of recorded calls, and of other states, in tests that are made up.

   A way that real data open, such as a table that has to be the usual one, stays closed to contents by chance.  Recorded calls go it,
   but are few, and of few sizes; what is wrong there at another size shows on none of them.  So some tests have what objects of
   the program's held, at sizes and places as they are drawn for any test.

   A call tells of the bytes that it touched.  What others of the program touched near by fills the rest; a longer object has it all
   again and again.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"
#include <stdlib.h>

/* One test in so many has contents of recorded calls, and so many of its objects.  */
enum { RECALL_ONE_IN = 4, OBJECT_PARTS = 4, OBJECT_RECALLED = 3 };

/* What an object of a recorded call held from its pointer on.  */
struct recalled
{
  bool looked;   /* for what was recorded */
  uint32_t size;
  uint8_t *bytes, *known;
};

/* Are there no pointers in TYPE?  Those of a program lead nowhere here.  */
static bool
holds_numbers (const struct region *region, const struct type *type, unsigned depth)
{
  if (!type || type->kind == TYPE_INTEGER || type->kind == TYPE_FLOAT || type->kind == TYPE_BOOL)
    return true;
  if (depth > 8)
    return false;
  if (type->kind == TYPE_ARRAY)
    return holds_numbers (region, region__type (region, type->element), depth + 1);
  bool well = type->kind == TYPE_STRUCT;
  for (unsigned i = 0; well && i < type->n_fields; i++)
    {
      const struct type *field = region__type (region, type->field[i].type);
      well = field && holds_numbers (region, field, depth + 1);
    }
  return well;
}

/* Source NUMBER.  */
static const struct recorded *
source (const struct states *states, unsigned number)
{
  return number < states->n_recorded ? states->recorded[number] : &states->more[number - states->n_recorded];
}

/* Where ROOT (a parameter, or 1000 and a global's number) leads in source NUMBER; 0 where it isn't known.  */
static uint64_t
source_address (const struct states *states, unsigned number, int root)
{
  const struct region *region = states->region;
  const struct recorded *recorded = source (states, number);
  if (root >= 0 && (unsigned) root < region->n_parameters)
    {
      int gpr = value__gpr (&region->parameter[root]);
      return gpr >= 0 ? recorded->machine.gpr[gpr] : 0;
    }
  if (root >= 1000 && (unsigned) root - 1000 < region->n_globals && number >= states->n_recorded)
    return states->layout->global[root - 1000];
  if (root >= 1000 && (unsigned) root - 1000 < region->n_globals)
    for (unsigned i = 0; i < recorded->n_globals; i++)
      if (region->global[root - 1000].name && strcmp (recorded->global[i].name, region->global[root - 1000].name) == 0)
        return recorded->global[i].address;
  return 0;
}

/* Adds to WHAT, which begins at ADDRESS and may be LIMIT bytes, what RECORDED says of it that isn't known yet.  */
static void
add_pieces (struct recalled *what, const struct recorded *recorded, uint64_t address, uint32_t limit)
{
  for (unsigned i = 0; i < recorded->n_pieces; i++)
    {
      const struct recorded_piece *piece = &recorded->piece[i];
      uint64_t low = piece->address > address ? piece->address : address, high = piece->address + piece->size;
      if (high > address + limit)
        high = address + limit;
      for (uint64_t at = low; at < high; at++)
        if (!what->known[at - address])
          {
            what->known[at - address] = 1;
            what->bytes[at - address] = piece->bytes[at - piece->address];
            if (at - address >= what->size)
              what->size = (uint32_t) (at - address) + 1;
          }
    }
}

/* The bytes of ROOT in source NUMBER; NULL where there are none.  */
static const struct recalled *
recall (struct states *states, unsigned number, int root)
{
  const struct region *region = states->region;
  unsigned roots = region->n_parameters + region->n_globals;
  unsigned at = root >= 1000 ? region->n_parameters + (unsigned) root - 1000 : (unsigned) root;
  if (root < 0 || at >= roots)
    return NULL;
  if (!states->recalled && !(states->recalled = calloc ((size_t) (states->n_recorded + RECALL_MORE) * roots, sizeof *states->recalled)))
    return NULL;
  struct recalled *what = &states->recalled[(size_t) number * roots + at];
  if (!what->looked)
    {
      what->looked = true;
      uint64_t address = source_address (states, number, root);
      uint32_t limit = (uint32_t) states->max_bytes;
      if (address && address + limit > address && (what->bytes = malloc (limit)) && (what->known = calloc (limit, 1)))
        {
          add_pieces (what, source (states, number), address, limit);
          for (unsigned i = 1; i < states->n_recorded && number < states->n_recorded; i++)
            add_pieces (what, states->recorded[(number + i) % states->n_recorded], address, limit);
        }
    }
  return what->size ? what : NULL;
}

unsigned
states__recall (struct states *states, const struct state *state)
{
  if (states->n_more == RECALL_MORE)
    return 0;
  struct recorded *more = &states->more[states->n_more];
  more->machine = state->machine;
  if (!(more->piece = calloc (state->n_spans + 1, sizeof *more->piece)))
    return 0;
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      uint8_t *bytes = malloc (state->span[i].size + 1);
      if (!bytes)
        break;
      memcpy (bytes, state->span[i].bytes, state->span[i].size);
      more->piece[more->n_pieces++] = (struct recorded_piece){ .address = state->span[i].address, .size = state->span[i].size, .bytes = bytes };
    }
  return states->n_recorded + ++states->n_more;
}

void
states__forget (struct states *states)
{
  unsigned roots = states->region->n_parameters + states->region->n_globals;
  for (size_t i = 0; states->recalled && i < (size_t) (states->n_recorded + RECALL_MORE) * roots; i++)
    {
      free (states->recalled[i].bytes);
      free (states->recalled[i].known);
    }
  free (states->recalled);
  for (unsigned i = 0; i < states->n_more; i++)
    {
      for (unsigned k = 0; k < states->more[i].n_pieces; k++)
        free ((uint8_t *) states->more[i].piece[k].bytes);
      free (states->more[i].piece);
    }
}

void
attempt__recall (struct states *states, struct attempt *attempt)
{
  struct rng rng = { mix2 (attempt->rng.state, 'r') };
  unsigned planned = attempt->plan ? attempt->plan->recall : 0;
  attempt->recall = -1;
  if (planned && planned != RECALL_RECORDED)
    attempt->recall = (int) planned - 1;
  else if (states->n_recorded && (planned || rng__chance (&rng, 1, RECALL_ONE_IN)))
    attempt->recall = (int) rng__below (&rng, states->n_recorded);
}

void
object__recall (struct states *states, const struct attempt *attempt, const struct object_in_test *o, int64_t from, int64_t size,
                uint8_t *to)
{
  struct rng rng = { mix2 (attempt->rng.state, mix2 ('r', (uint64_t) o->root)) };
  bool planned = attempt->plan && attempt->plan->recall;
  if (attempt->recall < 0 || o->parent >= 0 || !holds_numbers (states->region, region__type (states->region, o->type), 0)
      || (!planned && !rng__chance (&rng, OBJECT_RECALLED, OBJECT_PARTS)))
    return;
  const struct recalled *what = recall (states, (unsigned) attempt->recall, o->root);
  int64_t round = what ? what->size / o->element * o->element : 0;
  for (int64_t i = from < 0 ? -from : 0; round && i < size; i++)
    if (what->known[(from + i) % round])
      to[i] = what->bytes[(from + i) % round];
}

bool
attempt__recalled_scalar (const struct states *states, const struct attempt *attempt, unsigned p, uint64_t *value)
{
  struct rng rng = { mix2 (attempt->rng.state, mix2 ('r' + 1, p)) };
  int gpr = value__gpr (&states->region->parameter[p]);
  /* Sizes are the test's own.  */
  bool is_size = p < PLAN_PARAMETERS && (states__size_parameters (states) >> p & 1);
  if (attempt->recall < 0 || gpr < 0 || is_size || !rng__chance (&rng, 1, 2))
    return false;
  *value = source (states, (unsigned) attempt->recall)->machine.gpr[gpr];
  return true;
}
