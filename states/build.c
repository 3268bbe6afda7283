/* From an attempt to a state: addresses for the objects, pointers to them, spans, argument registers.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"
#include <stdlib.h>

uint64_t
object__address (const struct object_in_test *o)
{
  if (o->fixed)
    return o->address;
  uint64_t begin = slot__begin (o->slot);
  if (o->placement == PLACE_START)
    return begin + (uint64_t) round_up (-o->lo, o->align);
  int64_t room = round_up (o->hi, o->align);
  uint64_t end = begin + SANDBOX_SLOT_SIZE;
  if (o->placement == PLACE_GAP && o->residue >= 0 && room - o->lo + o->modulus < SANDBOX_SLOT_SIZE)
    {
      uint64_t address = end - (uint64_t) room;
      return address - ((address - (uint64_t) o->residue) & (o->modulus - 1));
    }
  if (o->placement == PLACE_GAP && room - o->lo + o->gap < SANDBOX_SLOT_SIZE)
    end -= o->gap;
  return end - (uint64_t) room;
}

/* The first guess at how far object NUMBER is touched.  */
static void
guess_extent (struct states *states, struct attempt *attempt, unsigned number)
{
  struct object_in_test *o = &attempt->object[number];
  const struct type *type = region__type (states->region, o->type);
  if (o->element == 1 && (!type || type->kind == TYPE_INTEGER) && !o->fixed)
    {
      /* Where the string really ends.  */
      int64_t within = o->nul >= 0 ? o->nul + 1 : 320;
      object__cover (states, attempt, number, 0, within);
      const uint8_t *start = o->buffer - o->buffer_lo;
      const uint8_t *end = memchr (start, 0, (size_t) within);
      o->nul = end ? end - start : -1;
    }
  int64_t feature[FEATURES_MAX];
  object__features (states, attempt, o, feature);
  const struct site *site = &states->site[o->site];
  int64_t hi = extent__predict (&site->extent, feature);
  if (o->nodes)
    hi = -1;
  for (unsigned i = 0; hi >= 0 && i < o->n_joined; i++)
    {
      /* Two roots, so the features are the same.  */
      int64_t other = extent__predict (&states->site[o->joined[i].site].extent, feature);
      if (other < 0)
        hi = -1;
      else if (other > 0 && o->joined[i].distance + other > hi)
        hi = o->joined[i].distance + other;
    }
  o->guessed = hi >= 0;
  if (o->nodes)
    hi = o->nodes * (int64_t) o->element; /* most often all of them */
  else if (hi < 0 && o->depth > 0)
    hi = 0; /* many nodes are never visited: the first touch makes it grow */
  else if (hi < 0)
    hi = o->nul >= 0 ? (o->nul + 1) * (int64_t) o->element : (int64_t) o->element;
  hi = round_up (hi, o->align);
  attempt->hopeless |= o->guessed && hi > o->limit && site->extent.hits >= 8;
  o->hi = hi > o->limit ? o->limit : hi;
  o->lo = -round_up (-site->lo, o->align);
  /* What reached far down may reach far up now.  */
  int64_t least = o->hi - SANDBOX_SLOT_SIZE;
  if (o->lo < least)
    o->lo = -(-least / o->align * o->align);
}

/* Fills the rest of O's pages, in which it is from FROM to TO.  Mostly by a pattern, so that changes show; but code that loads whole
   vectors sees what is around an object, and has to leave it alone whatever it is: nothing, all bits, or more of the like.  */
static void
fill_around (const struct attempt *attempt, const struct object_in_test *o, size_t from, size_t to)
{
  unsigned kind = attempt->slack % 8;
  uint8_t *page = o->page;
  if ((kind == 2 || kind == 3) && to > from)
    {
      /* The object again and again, both ways: twice as much each time.  */
      for (size_t have = to - from, more; from + have < o->page_size; have += more)
        {
          more = o->page_size - from - have < have ? o->page_size - from - have : have;
          memcpy (page + from + have, page + from, more);
        }
      for (size_t have = to - from, more; have < to; have += more)
        {
          more = to - have < have ? to - have : have;
          memcpy (page + to - have - more, page + to - more, more);
        }
      return;
    }
  int pattern = kind == 0 ? 0 : kind == 1 ? 0xff : attempt->slack ^ (int) (o->slot * 29);
  memset (page, pattern, from);
  memset (page + to, pattern, o->page_size - to);
}

/* Puts O's bytes into its pages, and the span into STATE.  */
static void
build_span (struct attempt *attempt, struct object_in_test *o)
{
  uint64_t page = SANDBOX_PAGE;
  o->page_size = 0;
  if (o->hi <= o->lo)
    return;
  uint64_t from = o->address + (uint64_t) o->lo, to = o->address + (uint64_t) o->hi;
  uint64_t begin = from / page * page, end = (to + page - 1) / page * page;
  uint32_t size = (uint32_t) (end - begin);
  if (size > o->page_capacity)
    {
      free (o->page);
      o->page_capacity = size * 2;
      if (posix_memalign ((void **) &o->page, 64, o->page_capacity))
        abort ();
    }
  o->page_size = size;
  memcpy (o->page + (from - begin), o->buffer + (o->lo - o->buffer_lo), (size_t) (to - from));
  fill_around (attempt, o, from - begin, to - begin);
  struct state *state = &attempt->state;
  unsigned at = state->n_spans++;
  while (at && state->span[at - 1].address > begin)
    {
      state->span[at] = state->span[at - 1];
      at--;
    }
  state->span[at]
    = (struct span){ .address = begin,
                     .size = size,
                     .protection = PROT_STATE_READ | (o->writable ? PROT_STATE_WRITE : 0),
                     .bytes = o->page };
}

/* Puts SIZE bytes FROM into register or stack piece LOCATION.  */
static void
load_piece (struct state *state, const struct location *location, const uint8_t *from,
            const struct type *type)
{
  unsigned size = location->size;
  switch (location->kind)
    {
    case LOCATION_GPR:
      {
        if (location->number > 15)
          return;
        uint64_t *reg = &state->machine.gpr[location->number];
        uint64_t value = 0;
        memcpy (&value, from, size > 8 ? 8 : size);
        bool scalar = type->kind == TYPE_INTEGER || type->kind == TYPE_BOOL;
        if (scalar && size < 4)
          {
            /* GCC and clang let callers extend to 32 bits; what is above is undefined.  */
            unsigned shift = 64 - 8 * size;
            if (type->is_signed && type->kind == TYPE_INTEGER)
              value = (uint64_t) ((int64_t) (value << shift) >> shift);
            size = 4;
          }
        if (size >= 8)
          *reg = value;
        else
          {
            uint64_t mask = (UINT64_C (1) << (8 * size)) - 1;
            *reg = (*reg & ~mask) | (value & mask);
          }
        break;
      }
    case LOCATION_VEC:
      if (location->number < 32)
        memcpy (state->machine.vec[location->number], from, size > 64 ? 64 : size);
      break;
    case LOCATION_STACK:
      if (location->number + size <= STACK_ARGUMENT_BYTES)
        {
          uint8_t *to = state->stack_argument + location->number;
          memcpy (to, from, size);
          if ((type->kind == TYPE_INTEGER || type->kind == TYPE_BOOL) && size < 4
              && location->number + 4 <= STACK_ARGUMENT_BYTES)
            memset (to + size, type->is_signed && (from[size - 1] & 0x80) ? 0xff : 0, 4 - size);
          unsigned end = (unsigned) round_up (location->number + size, 8);
          if (end > state->stack_bytes)
            state->stack_bytes = end;
        }
      break;
    case LOCATION_X87:
      break; /* never an argument */
    }
}

static void
load_parameters (struct states *states, struct attempt *attempt)
{
  const struct region *region = states->region;
  struct state *state = &attempt->state;
  static const struct type pointer = { .kind = TYPE_POINTER, .size = 8 };
  state->stack_bytes = 0;
  if (region->result.by_reference)
    {
      bool taken = false; /* where the facts list the hidden pointer as a parameter */
      for (unsigned p = 0; p < region->n_parameters; p++)
        for (unsigned i = 0; i < region->parameter[p].n_locations; i++)
          taken |= region->parameter[p].location[i].kind == LOCATION_GPR
                   && region->parameter[p].location[i].number == 7;
      for (unsigned i = 0; !taken && i < attempt->n_objects; i++)
        if (attempt->object[i].root == -2)
          state->machine.gpr[7] = attempt->object[i].address;
    }
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      if (!type)
        continue;
      if (value->by_reference)
        type = &pointer;
      for (unsigned i = 0; i < value->n_locations && i < LOCATIONS_MAX; i++)
        if (value->location[i].offset + value->location[i].size <= VALUE_BYTES_MAX)
          load_piece (state, &value->location[i], attempt->parameter[p] + value->location[i].offset, type);
    }
}

/* Writes the pointers.  */
static void
apply_references (struct attempt *attempt)
{
  for (unsigned i = 0; i < attempt->n_references; i++)
    {
      const struct reference *reference = &attempt->reference[i];
      uint64_t value = (uint64_t) reference->delta;
      if (reference->target >= 0)
        value += attempt->object[reference->target].address;
      if (reference->scale)
        {
          const struct object_in_test *o = &attempt->object[reference->owner];
          uint64_t index = 0;
          if (reference->index >= o->buffer_lo && reference->index + reference->index_size <= o->buffer_hi)
            memcpy (&index, o->buffer + (reference->index - o->buffer_lo), reference->index_size);
          value -= index * reference->scale;
        }
      if (reference->owner == OWNER_ANSWER)
        attempt->state.pointer_answer[reference->offset & 3] = value;
      else if (reference->owner < 0)
        {
          if (reference->offset + 8 <= VALUE_BYTES_MAX)
            memcpy (attempt->parameter[-1 - reference->owner] + reference->offset, &value, 8);
        }
      else
        {
          struct object_in_test *o = &attempt->object[reference->owner];
          if (reference->offset >= o->buffer_lo && reference->offset + 8 <= o->buffer_hi)
            memcpy (o->buffer + (reference->offset - o->buffer_lo), &value, 8);
        }
    }
}

/* Changes by callees, where the object is mapped writable and no pointer stands there.  */
static void
build_patches (struct attempt *attempt)
{
  struct state *state = &attempt->state;
  state->n_patches = 0;
  for (unsigned i = 0; i < attempt->n_patches; i++)
    {
      const struct object_in_test *o = &attempt->object[attempt->patch[i].object];
      int64_t at = attempt->patch[i].offset, end = at + attempt->patch[i].size;
      bool fine = o->writable && at >= o->lo && end <= o->hi;
      for (unsigned k = 0; fine && k < attempt->n_references; k++)
        if (attempt->reference[k].owner == (int) attempt->patch[i].object
            && attempt->reference[k].offset < end && attempt->reference[k].offset + 8 > at)
          fine = false;
      if (fine)
        state->patch[state->n_patches++]
          = (struct patch){ .call = attempt->patch[i].call,
                            .size = attempt->patch[i].size,
                            .address = o->address + (uint64_t) at,
                            .value = attempt->patch[i].value };
    }
}

void
attempt__build (struct states *states, struct attempt *attempt)
{
  struct state *state = &attempt->state;
  /* Contents first: pointers in them may make further objects, which this loop then comes to.  */
  for (unsigned i = 0; i < attempt->n_objects; i++)
    {
      struct object_in_test *o = &attempt->object[i];
      if (o->hi < 0)
        guess_extent (states, attempt, i);
      if (o->hi > o->lo)
        object__cover (states, attempt, i, o->lo, o->hi);
      attempt->hopeless |= !o->fixed && round_up (o->hi, o->align) - o->lo > SANDBOX_SLOT_SIZE;
    }
  if (attempt->hopeless)
    return;
  for (unsigned i = 0; i < attempt->n_objects; i++)
    attempt->object[i].address = object__address (&attempt->object[i]);
  memset (state->pointer_answer, 0, sizeof state->pointer_answer);
  apply_references (attempt);
  state->n_spans = 0;
  for (unsigned i = 0; i < attempt->n_objects; i++)
    build_span (attempt, &attempt->object[i]);
  load_parameters (states, attempt);
  build_patches (attempt);
}
