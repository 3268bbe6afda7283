/* Arrays of integers, and filling them.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/arrays.h"
#include "verify/input.h"

#include <string.h>

/* How deep pointers in structs are followed.  */
enum { POINTERS_DEEP = 2 };

struct search
{
  const struct region *region;
  const struct state *state;
  struct arrays found;
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
          if (search->found.n < ARRAYS_MAX)
            search->found.array[search->found.n++] = (struct array) { s, (uint32_t) at, size, type };
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

struct arrays
arrays__of (const struct region *region, const struct state *state)
{
  struct search search = { .region = region, .state = state };
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      if (type && type->kind == TYPE_POINTER && gpr >= 0)
        visit (&search, state->machine.gpr[gpr], region__type (region, type->element), 0);
    }
  return search.found;
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

struct state *
arrays__filled (struct arena *arena, const struct region *region, const struct state *source, const struct arrays *arrays,
                const enum fill fill[ARRAYS_MAX])
{
  struct state *state = arena__memdup (arena, source, sizeof *state);
  for (unsigned i = 0; i < arrays->n; i++)
    {
      const struct array *array = &arrays->array[i];
      uint8_t *bytes = input__own_span (arena, state, source, array->span) + array->from;
      uint32_t size = (uint32_t) array->element->size;
      for (uint32_t at = 0, k = 0; at + size <= array->size; at += size, k++)
        fill_one (region, array->element, bytes + at, fill[i], k);
    }
  return state;
}

struct state *
arrays__equal_to (struct arena *arena, const struct region *region, const struct state *source, const struct arrays *arrays,
                  unsigned p)
{
  const struct type *type = region__type (region, region->parameter[p].type);
  int gpr = value__gpr (&region->parameter[p]);
  struct state *state = NULL;
  for (unsigned i = 0; i < arrays->n; i++)
    {
      const struct array *array = &arrays->array[i];
      if (!type || type->kind != TYPE_INTEGER || gpr < 0 || array->element->kind != TYPE_INTEGER
          || array->element->size != type->size)
        continue;
      if (!state)
        state = arena__memdup (arena, source, sizeof *state);
      uint8_t *bytes = input__own_span (arena, state, source, array->span) + array->from;
      for (uint32_t at = 0; at + type->size <= array->size; at += (uint32_t) type->size)
        memcpy (bytes + at, &source->machine.gpr[gpr], type->size);
    }
  return state;
}

struct state *
arrays__with_one (struct arena *arena, const struct region *region, const struct state *source, const struct array *array,
                  uint32_t place, enum fill end)
{
  struct state *state = arena__memdup (arena, source, sizeof *state);
  fill_one (region, array->element,
            input__own_span (arena, state, source, array->span) + array->from + place * array->element->size, end, 0);
  return state;
}

uint64_t
arrays__meant (const struct region *region, const struct state *state, const struct array *array)
{
  uint64_t largest = 0, count = array->size / array->element->size;
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

const struct state *
arrays__test (const struct trial *trial, uint64_t at_least)
{
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_PROFILE, STATE_BOUNDARY, STATE_LARGE };
  const struct setup *setup = &trial->verifier->setup[0];
  const struct state *best = NULL;
  uint64_t least = UINT64_MAX;
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (unsigned t = 0; t < setup->n_bank[kinds[k]]; t++)
      {
        const struct test *test = &setup->bank[kinds[k]][t];
        struct arrays found = arrays__of (trial->verifier->region, test->state);
        for (unsigned i = 0; i < found.n && test->expected->status == RUN_RETURNED; i++)
          {
            uint64_t elements = arrays__meant (trial->verifier->region, test->state, &found.array[i]);
            if (elements >= at_least && elements < least)
              {
                least = elements;
                best = test->state;
              }
          }
      }
  return best;
}
