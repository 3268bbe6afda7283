/* The places of a state that a search may change.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/input.h"

#include <string.h>

/* Words looked at behind each pointer; types in types.  */
enum
{
  WORDS_PER_POINTER = 6,
  TYPES_DEEP = 6
};

static bool
is_numbers (const struct region *region, const struct type *type, bool integers_alone, unsigned depth)
{
  if (!type || depth == TYPES_DEEP || type->size == 0)
    return false;
  switch (type->kind)
    {
    case TYPE_INTEGER:
      return type->size <= 8;
    case TYPE_ARRAY:
      return is_numbers (region, region__type (region, type->element), integers_alone, depth + 1);
    case TYPE_STRUCT:
      for (unsigned i = 0; i < type->n_fields; i++)
        if (!is_numbers (region, region__type (region, type->field[i].type), integers_alone, depth + 1))
          return false;
      return type->n_fields > 0;
    case TYPE_BOOL:
    case TYPE_FLOAT:
      return !integers_alone && depth > 0;
    default:
      return false;
    }
}

bool
input__is_numbers (const struct region *region, const struct type *type, bool integers_alone)
{
  return is_numbers (region, type, integers_alone, 0);
}

/* Adds the first elements of what parameter P points to.  */
static unsigned
list_pointee (const struct region *region, const struct state *state, const struct value *value,
              struct input *inputs, unsigned n)
{
  const struct type *type = region__type (region, value->type);
  const struct type *element = type ? region__type (region, type->element) : NULL;
  unsigned size = element && (element->kind == TYPE_INTEGER || element->kind == TYPE_FLOAT)
                          && element->size <= 8
                      ? (unsigned)element->size
                      : 8;
  if (size == 0 || value->location[0].kind != LOCATION_GPR)
    return n;
  uint64_t address = state->machine.gpr[value->location[0].number & 15];
  for (unsigned s = 0; s < state->n_spans; s++)
    {
      uint64_t at = address - state->span[s].address;
      if (at >= state->span[s].size || !input__may_patch (region, state, s))
        continue;
      for (unsigned i = 0;
           i < WORDS_PER_POINTER && at + size <= state->span[s].size && n < INPUTS_MAX;
           i++, at += size)
        {
          struct input input = {
            .kind = INPUT_MEMORY, .number = s, .offset = (uint32_t)at, .size = size, .parameter = -1
          };
          if (size < 8 || !input__is_address (input__get (state, &input)))
            inputs[n++] = input;
        }
    }
  return n;
}

unsigned
input__list (const struct region *region, const struct state *state,
             struct input inputs[INPUTS_MAX])
{
  unsigned n = 0;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      if (!type || value->by_reference
          || (type->kind != TYPE_INTEGER && type->kind != TYPE_FLOAT && type->kind != TYPE_VECTOR
              && type->kind != TYPE_COMPLEX)
          || ((region->fp & FP_FINITE) && type->kind != TYPE_INTEGER))
        continue;
      for (unsigned l = 0; l < value->n_locations && n < INPUTS_MAX; l++)
        {
          const struct location *location = &value->location[l];
          struct input input = { .number = location->number,
                                 .parameter = (int)p,
                                 .size = location->size < 8 ? location->size : 8 };
          if (location->kind == LOCATION_GPR && location->number < 16)
            input.kind = INPUT_GPR;
          else if (location->kind == LOCATION_VEC && location->number < 32)
            input.kind = INPUT_VEC;
          else if (location->kind == LOCATION_STACK
                   && location->number + input.size <= STACK_ARGUMENT_BYTES)
            input.kind = INPUT_STACK;
          else
            continue;
          input.is_signed = type->is_signed;
          input.is_integer
              = type->kind == TYPE_INTEGER && value->n_locations == 1 && location->size <= 8;
          if (input.size)
            inputs[n++] = input;
        }
    }
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      if (type && value->n_locations && (value->by_reference || type->kind == TYPE_POINTER))
        n = list_pointee (region, state, value, inputs, n);
    }
  return n;
}

bool
input__may_patch (const struct region *region, const struct state *state, unsigned span)
{
  unsigned slot = slot__of (state->span[span].address);
  if (slot < region->n_globals && region->global[slot].readonly)
    return false;
  for (unsigned t = 0; t < region->n_types; t++)
    if (region->type[t].kind == TYPE_BOOL
        || (region->type[t].kind == TYPE_FLOAT && ((region->fp & FP_FINITE) || region->type[t].x87))
        || (region->type[t].kind == TYPE_POINTER && region->type[t].is_restrict
            && region->type[t].element < region->n_types
            && region->type[region->type[t].element].n_fields))
      return false;
  return true;
}

/* Where INPUT is in STATE, or NULL.  */
static uint8_t *
bytes_of (struct state *state, const struct input *input)
{
  switch (input->kind)
    {
    case INPUT_GPR:
      return (uint8_t *)&state->machine.gpr[input->number & 15];
    case INPUT_VEC:
      return state->machine.vec[input->number & 31] + input->offset;
    case INPUT_STACK:
      return state->stack_argument + input->number;
    case INPUT_MEMORY:
      if (input->number < state->n_spans
          && input->offset + input->size <= state->span[input->number].size)
        return state->span[input->number].bytes + input->offset;
      return NULL;
    }
  return NULL;
}

uint64_t
input__get (const struct state *state, const struct input *input)
{
  uint64_t value = 0;
  const uint8_t *bytes = bytes_of ((struct state *)state, input);
  if (bytes)
    memcpy (&value, bytes, input->size);
  return value;
}

struct state *
input__put (struct arena *arena, const struct state *state, const struct input *input,
            uint64_t value)
{
  if (input->kind == INPUT_MEMORY)
    return input__patch (arena, state, input->number, input->offset, &value, input->size);
  struct state *copy = arena__memdup (arena, state, sizeof *state);
  uint8_t *bytes = bytes_of (copy, input);
  if (!bytes)
    return NULL;
  memcpy (bytes, &value, input->size);
  /* Callers extend narrow integers to 32 bits.  */
  if (input->kind == INPUT_GPR && input->is_integer && input->size < 4)
    {
      unsigned shift = 32 - 8 * input->size;
      uint32_t wide = input->is_signed ? (uint32_t)((int32_t)((uint32_t)value << shift) >> shift)
                                       : (uint32_t)value << shift >> shift;
      memcpy (bytes, &wide, 4);
    }
  return copy;
}

struct state *
input__patch (struct arena *arena, const struct state *state, unsigned span, uint32_t offset,
              const void *from, unsigned size)
{
  if (span >= state->n_spans || offset + size > state->span[span].size)
    return NULL;
  struct state *copy = arena__memdup (arena, state, sizeof *state);
  memcpy (input__own_span (arena, copy, state, span) + offset, from, size);
  return copy;
}

uint8_t *
input__own_span (struct arena *arena, struct state *state, const struct state *source, unsigned span)
{
  struct span *own = &state->span[span];
  if (own->bytes == source->span[span].bytes)
    own->bytes = arena__memdup (arena, own->bytes, own->size);
  return own->bytes;
}
