/* Arrays of integers that are all at one end of their range, each array at its own: a sum of differences or products in too few
   bits wraps on nothing else.

   A test that worked keeps its sizes and pointers; what a few parameters point to is filled with the type's largest numbers,
   its least, or both in turn, in all combinations.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/input.h"
#include "verify/internal.h"

#include <stdlib.h>
#include <string.h>

/* Arrays that change, ways to fill each, tests that are changed (of the largest down to a few elements).  */
enum { ARRAYS_MAX = 3, FILLS = 3, SOURCES = 4, COMBINATIONS_MAX = 27 };

struct array
{
  unsigned span;
  uint32_t from, size;         /* bytes of the span */
  const struct type *element;
};

/* The arrays of integers that STATE's parameters point to; their number.  */
static unsigned
find_arrays (const struct region *region, const struct state *state, struct array array[ARRAYS_MAX])
{
  unsigned n = 0;
  for (unsigned p = 0; p < region->n_parameters && n < ARRAYS_MAX; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = value->type < region->n_types ? &region->type[value->type] : NULL;
      const struct type *element = type && type->kind == TYPE_POINTER && type->element < region->n_types
                                     ? &region->type[type->element] : NULL;
      if (!element || element->kind != TYPE_INTEGER || element->size == 0 || element->size > 8 || value->n_locations != 1
          || value->location[0].kind != LOCATION_GPR || value->location[0].number >= 16)
        continue;
      for (unsigned s = 0; s < state->n_spans; s++)
        {
          uint64_t at = state->machine.gpr[value->location[0].number] - state->span[s].address;
          if (at < state->span[s].size && input__may_patch (region, state, s))
            array[n++] = (struct array) { s, (uint32_t) at, (uint32_t) (state->span[s].size - at), element };
          if (n == ARRAYS_MAX)
            break;
        }
    }
  return n;
}

/* Fills ARRAY of STATE, whose bytes are its own: 0 the largest numbers, 1 the least, 2 in turn.  */
static void
fill (struct state *state, const struct array *array, unsigned how)
{
  unsigned size = (unsigned) array->element->size;
  uint64_t least = array->element->is_signed ? UINT64_C (1) << (8 * size - 1) : 0, largest = ~least;
  uint8_t *bytes = state->span[array->span].bytes + array->from;
  for (uint32_t at = 0, i = 0; at + size <= array->size; at += size, i++)
    memcpy (bytes + at, how == 0 || (how == 2 && i % 2 == 0) ? &largest : &least, size);
}

/* All combinations of fills of SOURCE's arrays.  */
static bool
try_source (struct trial *trial, const struct state *source)
{
  struct array array[ARRAYS_MAX];
  unsigned n = find_arrays (trial->verifier->region, source, array), combinations = 1;
  for (unsigned i = 0; i < n; i++)
    combinations *= FILLS;
  if (n == 0)
    return true;
  const struct state *states[COMBINATIONS_MAX];
  struct arena *arena = arena__new ();
  for (unsigned c = 0; c < combinations; c++)
    {
      struct state *state = arena__memdup (arena, source, sizeof *state);
      for (unsigned i = 0; i < n; i++)
        {
          struct span *span = &state->span[array[i].span];
          if (span->bytes == source->span[array[i].span].bytes)
            span->bytes = arena__memdup (arena, span->bytes, span->size);
        }
      for (unsigned i = 0, rest = c; i < n; i++, rest /= FILLS)
        fill (state, &array[i], rest % FILLS);
      states[c] = state;
    }
  bool well = trial__try (trial, 0, states, combinations);
  arena__free (arena);
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
  return true;
}
