/* Arrays that are all at one end of their elements' range, each array at its own: a sum of differences or products in too few
   bits wraps on nothing else.

   A test that worked keeps its sizes and pointers; the integers that its parameters lead to, in structs too, are filled
   with the types' largest numbers, their least, or both in turn, in all combinations for the first few arrays.

   And arrays that are all at one end but for one element at the other, at each place past a vector step: whether any byte
   is over 127, or all are equal, is decided by the first few of random bytes, and what a loop leaves out doesn't show.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/input.h"
#include "verify/internal.h"

#include <stdlib.h>
#include <string.h>

/* Arrays that change, ways to fill each, tests that are changed (of the largest down to a few elements).  */
enum { ARRAYS_MAX = 3, FILLS = 3, SOURCES = 4, COMBINATIONS_MAX = 27 };
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

static const struct type *
type_at (const struct region *region, unsigned number)
{
  return number < region->n_types ? &region->type[number] : NULL;
}

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
            const struct type *pointer = type_at (search->region, field->type);
            uint64_t target;
            if (!pointer || pointer->kind != TYPE_POINTER || field->offset + sizeof target > size)
              continue;
            memcpy (&target, state->span[s].bytes + at + field->offset, sizeof target);
            visit (search, target, type_at (search->region, pointer->element), depth + 1);
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
      const struct value *value = &region->parameter[p];
      const struct type *type = type_at (region, value->type);
      if (type && type->kind == TYPE_POINTER && value->n_locations == 1 && value->location[0].kind == LOCATION_GPR
          && value->location[0].number < 16)
        visit (&search, state->machine.gpr[value->location[0].number], type_at (region, type->element), 0);
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
      inner = type_at (region, type->element);
      for (uint64_t i = 0; (i + 1) * inner->size <= type->size; i++)
        fill_one (region, inner, to + i * inner->size, fill, index);
      break;
    case TYPE_STRUCT:
      for (unsigned i = 0; i < type->n_fields; i++)
        if (!type->field[i].bits)
          fill_one (region, type_at (region, type->field[i].type), to + type->field[i].offset, fill, index);
      break;
    default:
      break;
    }
}

static void
fill_array (const struct region *region, struct state *state, const struct array *array, enum fill fill)
{
  uint8_t *bytes = state->span[array->span].bytes + array->from;
  uint32_t size = (uint32_t) array->element->size;
  for (uint32_t at = 0, i = 0; at + size <= array->size; at += size, i++)
    fill_one (region, array->element, bytes + at, fill, i);
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
      struct state *state = arena__memdup (arena, source, sizeof *state);
      for (unsigned i = 0, rest = c; i < found.n; i++, rest /= FILLS)
        {
          struct span *span = &state->span[found.array[i].span];
          if (span->bytes == source->span[found.array[i].span].bytes)
            span->bytes = arena__memdup (arena, span->bytes, span->size);
          fill_array (region, state, &found.array[i], (enum fill) (rest % FILLS));
        }
      states[c] = state;
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
      const struct value *value = &region->parameter[p];
      const struct type *type = type_at (region, value->type);
      if (!type || type->kind != TYPE_INTEGER || type->size < 4 || value->n_locations != 1
          || value->location[0].kind != LOCATION_GPR || value->location[0].number >= 16)
        continue;
      uint64_t number = state->machine.gpr[value->location[0].number] & (type->size < 8 ? UINT32_MAX : UINT64_MAX);
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

/* SOURCE with all its arrays FILLed, in ARENA.  */
static struct state *
filled (struct arena *arena, const struct region *region, const struct state *source, const struct search *found,
        enum fill fill)
{
  struct state *state = arena__memdup (arena, source, sizeof *state);
  for (unsigned i = 0; i < found->n; i++)
    {
      struct span *span = &state->span[found->array[i].span];
      if (span->bytes == source->span[found->array[i].span].bytes)
        span->bytes = arena__memdup (arena, span->bytes, span->size);
      fill_array (region, state, &found->array[i], fill);
    }
  return state;
}

/* Element PLACE of ARRAY at the other end than FILL.  */
static struct state *
with_lone (struct arena *arena, const struct region *region, const struct state *base, const struct array *array,
           uint32_t place, enum fill fill)
{
  struct state *state = arena__memdup (arena, base, sizeof *state);
  struct span *span = &state->span[array->span];
  span->bytes = arena__memdup (arena, span->bytes, span->size);
  fill_one (region, array->element, span->bytes + array->from + place * array->element->size,
            fill == FILL_LEAST ? FILL_LARGEST : FILL_LEAST, 0);
  return state;
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
  for (enum fill fill = FILL_LARGEST; fill <= FILL_LEAST; fill++)
    for (unsigned i = 0; i < found.n; i++)
      {
        uint32_t place = 0, count = (uint32_t) meant (region, source, found.array[i].size / found.array[i].element->size);
        while (place < count && verify__now () < until)
          {
            struct arena *arena = arena__new ();
            const struct state *base = filled (arena, region, source, &found, fill), *states[LONE_BATCH];
            unsigned n = 0;
            for (; n < LONE_BATCH && place < count; n++, place++)
              {
                if (place == LONE_PLACES && count > LONE_PLACES + LONE_LAST)
                  place = count - LONE_LAST;
                states[n] = with_lone (arena, region, base, &found.array[i], place, fill);
              }
            bool well = trial__try (trial, 0, states, n);
            arena__free (arena);
            if (!well)
              return false;
          }
      }
  return true;
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
