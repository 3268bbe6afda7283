/* Arrays that are all at one end of their elements' range, each array at its own: a sum of differences or products in too few
   bits wraps on nothing else.

   A test that worked keeps its sizes and pointers; the integers that its parameters lead to, in structs too, are filled
   with the types' largest numbers, their least, or both in turn, in all combinations for the first few arrays.

   Where a branch way is still missing, a test that comes to the branch is filled likewise.

   And arrays that are all at one end but for one element at the other, at each place past a vector step: whether any byte
   is over 127, or all are equal, is decided by the first few of random bytes, and what a loop leaves out doesn't show.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/input.h"
#include "verify/internal.h"

#include <stdlib.h>
#include <string.h>

/* Arrays that change, ways to fill each, tests that are changed (of the largest down to a few elements).  */
enum { ARRAYS_MAX = 3, FILLS = 3, SOURCES = 4, SOURCES_REACHING = 16, COMBINATIONS_MAX = 27 };
/* How deep pointers in structs are followed.  */
enum { POINTERS_DEEP = 2 };

/* Lone elements: in arrays of at least so many, the first so many places and the last ones; and the share of the budget.  */
enum { LONE_LEAST = 130, LONE_PLACES = 200, LONE_LAST = 8, LONE_BATCH = 32 };
#define LONE_SHARE 0.03
#define LONE_SECONDS 0.05

enum fill { FILL_LARGEST, FILL_LEAST, FILL_IN_TURN };

struct array
{
  unsigned span;
  uint32_t from, size;         /* bytes of the span */
  const struct type *element;
};

struct search
{
  const struct region *region;
  const struct state *state;
  unsigned n;
  struct array array[ARRAYS_MAX];
};

/* Adds the array of TYPE at ADDRESS, or what structs there point to.  */
static void
visit (struct search *search, uint64_t address, const struct type *type, unsigned depth)
{
  const struct state *state = search->state;
  for (unsigned s = 0; type && type->size && s < state->n_spans; s++)
    {
      uint64_t at = address - state->span[s].address;
      if (at >= state->span[s].size || !input__may_patch (search->region, state, s))
        continue;
      uint32_t size = (uint32_t) (state->span[s].size - at);
      if (input__is_numbers (search->region, type, false))
        {
          if (search->n < ARRAYS_MAX)
            search->array[search->n++] = (struct array) { s, (uint32_t) at, size, type };
        }
      else if (type->kind == TYPE_STRUCT && depth < POINTERS_DEEP)
        for (unsigned i = 0; i < type->n_fields; i++)
          {
            const struct field *field = &type->field[i];
            const struct type *pointer = region__type (search->region, field->type);
            uint64_t target;
            if (!pointer || pointer->kind != TYPE_POINTER || field->offset + sizeof target > size)
              continue;
            memcpy (&target, state->span[s].bytes + at + field->offset, sizeof target);
            visit (search, target, region__type (search->region, pointer->element), depth + 1);
          }
      return;
    }
}

/* The arrays that STATE's parameters lead to.  */
static struct search
find_arrays (const struct region *region, const struct state *state)
{
  struct search search = { .region = region, .state = state };
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      if (type && type->kind == TYPE_POINTER && gpr >= 0)
        visit (&search, state->machine.gpr[gpr], region__type (region, type->element), 0);
    }
  return search;
}

/* Fills the integers of one TYPE at TO, number INDEX of its array.  Bit-fields stay as they are.  */
static void
fill_one (const struct region *region, const struct type *type, uint8_t *to, enum fill fill, unsigned index)
{
  uint64_t least = type->is_signed ? UINT64_C (1) << (8 * type->size - 1) : 0, largest = ~least;
  const struct type *inner;
  switch (type->kind)
    {
    case TYPE_INTEGER:
      memcpy (to, fill == FILL_LARGEST || (fill == FILL_IN_TURN && index % 2 == 0) ? &largest : &least, type->size);
      break;
    case TYPE_ARRAY:
      inner = region__type (region, type->element);
      for (uint64_t i = 0; (i + 1) * inner->size <= type->size; i++)
        fill_one (region, inner, to + i * inner->size, fill, index);
      break;
    case TYPE_STRUCT:
      for (unsigned i = 0; i < type->n_fields; i++)
        if (!type->field[i].bits)
          fill_one (region, region__type (region, type->field[i].type), to + type->field[i].offset, fill, index);
      break;
    default:
      break;
    }
}

/* SOURCE with array i of FOUND filled as FILL[i] says, in ARENA.  */
static struct state *
filled (struct arena *arena, const struct region *region, const struct state *source, const struct search *found,
        const enum fill fill[ARRAYS_MAX])
{
  struct state *state = arena__memdup (arena, source, sizeof *state);
  for (unsigned i = 0; i < found->n; i++)
    {
      const struct array *array = &found->array[i];
      uint8_t *bytes = input__own_span (arena, state, source, array->span) + array->from;
      uint32_t size = (uint32_t) array->element->size;
      for (uint32_t at = 0, k = 0; at + size <= array->size; at += size, k++)
        fill_one (region, array->element, bytes + at, fill[i], k);
    }
  return state;
}

/* All combinations of fills of SOURCE's arrays.  */
static bool
try_source (struct trial *trial, const struct state *source)
{
  const struct region *region = trial->verifier->region;
  struct search found = find_arrays (region, source);
  unsigned combinations = 1;
  for (unsigned i = 0; i < found.n; i++)
    combinations *= FILLS;
  if (found.n == 0)
    return true;
  const struct state *states[COMBINATIONS_MAX];
  struct arena *arena = arena__new ();
  for (unsigned c = 0; c < combinations; c++)
    {
      enum fill fill[ARRAYS_MAX];
      for (unsigned i = 0, rest = c; i < found.n; i++, rest /= FILLS)
        fill[i] = (enum fill) (rest % FILLS);
      states[c] = filled (arena, region, source, &found, fill);
    }
  bool well = trial__try (trial, 0, states, combinations);
  arena__free (arena);
  return well;
}

/* How many of the COUNT elements that fit into STATE's memory are surely meant: the largest number that is a parameter, where
   one of them isn't larger; behind the object there may be room.  */
static uint64_t
meant (const struct region *region, const struct state *state, uint64_t count)
{
  uint64_t largest = 0;
  bool any = false;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      if (!type || type->kind != TYPE_INTEGER || type->size < 4 || gpr < 0)
        continue;
      uint64_t number = state->machine.gpr[gpr] & (type->size < 8 ? UINT32_MAX : UINT64_MAX);
      any = true;
      if (number <= count && number > largest)
        largest = number;
    }
  return any ? largest : count;
}

/* The smallest test of the bank with an array of LONE_LEAST elements and more; NULL where there is none.  */
static const struct state *
lone_source (const struct trial *trial)
{
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_PROFILE, STATE_BOUNDARY, STATE_LARGE };
  const struct setup *setup = &trial->verifier->setup[0];
  const struct state *best = NULL;
  uint64_t least = UINT64_MAX;
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (unsigned t = 0; t < setup->n_bank[kinds[k]]; t++)
      {
        const struct test *test = &setup->bank[kinds[k]][t];
        struct search found = find_arrays (trial->verifier->region, test->state);
        for (unsigned i = 0; i < found.n && test->expected->status == RUN_RETURNED; i++)
          {
            uint64_t elements = meant (trial->verifier->region, test->state, found.array[i].size / found.array[i].element->size);
            if (elements >= LONE_LEAST && elements < least)
              {
                least = elements;
                best = test->state;
              }
          }
      }
  return best;
}

/* Element PLACE of ARRAY at the other end than FILL.  */
static struct state *
with_lone (struct arena *arena, const struct region *region, const struct state *base, const struct array *array,
           uint32_t place, enum fill fill)
{
  struct state *state = arena__memdup (arena, base, sizeof *state);
  fill_one (region, array->element,
            input__own_span (arena, state, base, array->span) + array->from + place * array->element->size,
            fill == FILL_LEAST ? FILL_LARGEST : FILL_LEAST, 0);
  return state;
}

/* BASE, all at FILL, with one element of the first COUNT of ARRAY at the other end, one after the other.  */
static bool
try_places (struct trial *trial, const struct state *base, const struct array *array, uint32_t count, enum fill fill,
            double until)
{
  bool well = true;
  for (uint32_t place = 0; place < count && well && verify__now () < until;)
    {
      struct arena *arena = arena__new ();
      const struct state *states[LONE_BATCH];
      unsigned n = 0;
      for (; n < LONE_BATCH && place < count; n++, place++)
        {
          if (place == LONE_PLACES && count > LONE_PLACES + LONE_LAST)
            place = count - LONE_LAST;
          states[n] = with_lone (arena, trial->verifier->region, base, array, place, fill);
        }
      well = trial__try (trial, 0, states, n);
      arena__free (arena);
    }
  return well;
}

static bool
lone_elements (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  const struct state *source = lone_source (trial);
  double seconds = LONE_SHARE * trial->verifier->options.budget_seconds;
  double until = verify__now () + (seconds > LONE_SECONDS ? seconds : LONE_SECONDS);
  if (!source)
    return true;
  struct search found = find_arrays (region, source);
  bool well = true;
  for (enum fill fill = FILL_LARGEST; fill <= FILL_LEAST && well; fill++)
    {
      struct arena *arena = arena__new ();
      enum fill all[ARRAYS_MAX];
      for (unsigned i = 0; i < ARRAYS_MAX; i++)
        all[i] = fill;
      const struct state *base = filled (arena, region, source, &found, all);
      for (unsigned i = 0; i < found.n && well; i++)
        {
          const struct array *array = &found.array[i];
          uint32_t count = (uint32_t) meant (region, source, array->size / array->element->size);
          well = try_places (trial, base, array, count, fill, until);
        }
      arena__free (arena);
    }
  return well;
}

static uint64_t
bytes_of (const struct state *state)
{
  uint64_t bytes = 0;
  for (unsigned s = 0; s < state->n_spans; s++)
    bytes += state->span[s].size;
  return bytes;
}

static int
larger_first (const void *a, const void *b)
{
  uint64_t x = bytes_of ((*(const struct test *const *) a)->state), y = bytes_of ((*(const struct test *const *) b)->state);
  return (x < y) - (x > y);
}

bool
ends__reach (struct trial *trial, double seconds)
{
  const struct coverage *coverage = trial->candidate_coverage;
  const struct state *done[SOURCES_REACHING];
  unsigned n = 0;
  double until = verify__now () + seconds;
  trial->at_setup = 0;
  for (unsigned i = 0; i < trial->side.decoded->n_insns && n < SOURCES_REACHING && verify__now () < until; i++)
    {
      const struct state *source = trial->first_there[i];
      if (!(trial->side.decoded->insn[i].kind & KIND_BRANCH) || !source || (coverage->branch[i] | coverage->excused[i]) == 3)
        continue;
      if (sources__add (done, &n, source) && !try_source (trial, source))
        return false;
    }
  return true;
}

bool
ends__judge (struct trial *trial)
{
  struct setup *setup = &trial->verifier->setup[0];
  const struct test *test[BANK_PER_KIND];
  unsigned n = 0;
  trial->at_setup = 0;
  for (unsigned t = 0; t < setup->n_bank[STATE_LARGE]; t++)
    if (setup->bank[STATE_LARGE][t].expected->status == RUN_RETURNED)
      test[n++] = &setup->bank[STATE_LARGE][t];
  qsort (test, n, sizeof *test, larger_first);
  for (unsigned k = 0; k < SOURCES && k < n; k++)
    if (!try_source (trial, test[n < SOURCES ? k : k * n / SOURCES]->state))
      return false;
  return lone_elements (trial);
}
