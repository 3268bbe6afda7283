/* Arrays that are there as a whole.

   The verifier's states hold what the original touches, and not a page more.  That is no state of a program's: where a
   condition leaves most of an array alone, masked loads of what isn't mapped take hundreds of cycles each, and so does the last
   one of an array that ends where its page does.  For timing, each array gets as many elements as the longest that a parameter
   leads to, and a page more.

   Nor do programs' arrays begin anywhere: in half of the states all begin a cache line, as large and static ones do, in the others
   each is at a multiple of 16, as allocators place them.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure-set.h"

#include "machine/mix.h"

#include <string.h>

#define TIMEOUT_MS 2000

enum { LINE = 64, ALLOCATED = 16 };

/* The size of the numbers that parameter P of REGION, a pointer in register *GPR, leads to; 0 where it isn't such a pointer.  */
static uint64_t
element_size (const struct region *region, unsigned p, int *gpr)
{
  const struct type *type = region__type (region, region->parameter[p].type);
  const struct type *element = type && type->kind == TYPE_POINTER ? region__type (region, type->element) : NULL;
  *gpr = value__gpr (&region->parameter[p]);
  return element && *gpr >= 0 && (element->kind == TYPE_INTEGER || element->kind == TYPE_FLOAT || element->kind == TYPE_BOOL)
           ? element->size : 0;
}

/* Do all pointers of REGION's parameters lead to numbers?  Then nothing in memory says where something is.  */
static bool
is_plain (const struct region *region)
{
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      int gpr;
      const struct type *type = region__type (region, region->parameter[p].type);
      if (!type || type->kind == TYPE_STRUCT || type->kind == TYPE_UNION || region->parameter[p].by_reference
          || (type->kind == TYPE_POINTER && !element_size (region, p, &gpr)))
        return false;
    }
  return true;
}

/* How far up the array at ADDRESS, one of STATE's, is to move to begin where programs' arrays do.  */
static uint64_t
to_alignment (const struct state *state, uint64_t address)
{
  uint64_t random = mix64 (state->seed);
  uint64_t residue = random & 1 ? 0 : mix64 (random + address) % (LINE / ALLOCATED) * ALLOCATED;
  return (residue - address) % LINE;
}

/* Span S of STATE gets SIZE bytes, of its own in ARENA: after those that it has, they begin again.  The array that begins at FIRST, and
   all else in it, moves up by as much as it takes to be aligned.  Objects are at the ends of their
   slots, so it and the pointers to it move down for SIZE.  False where there is no room.  */
static bool
grow (struct arena *arena, const struct region *region, struct state *state, unsigned s, uint64_t first, uint64_t size)
{
  struct span *span = &state->span[s], old = *span;
  uint64_t up = to_alignment (state, first);
  unsigned slot = slot__of (old.address);
  if (slot == SANDBOX_NO_SLOT || size > SANDBOX_SLOT_SIZE)
    return false;
  uint64_t low = address__low (old.address), end = slot__begin (slot) + SANDBOX_SLOT_SIZE;
  uint64_t shift = low + size > end ? low + size - end : 0;
  if (low - shift < slot__begin (slot) || (s > 0 && span[-1].address + span[-1].size > old.address - shift)
      || (s + 1 < state->n_spans && span[1].address < old.address - shift + size))
    return false;
  uint8_t *bytes = arena__alloc (arena, size);
  memcpy (bytes, old.bytes + old.size - up, up);
  for (uint64_t at = up; at < size; at += old.size)
    memcpy (bytes + at, old.bytes, size - at < old.size ? size - at : old.size);
  /* A pointer may be to its end.  */
  uint64_t past = old.address + old.size;
  bool ends = s + 1 == state->n_spans || span[1].address != past;
  span->address -= shift;
  span->bytes = bytes;
  span->size = (uint32_t) size;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      int gpr;
      if (element_size (region, p, &gpr)
          && (state->machine.gpr[gpr] - old.address < old.size || (ends && state->machine.gpr[gpr] == past)))
        state->machine.gpr[gpr] += up - shift;
    }
  return true;
}

const struct test *
test__whole (struct arena *arena, const struct region *region, struct sandbox *sandbox, const struct test *test)
{
  if (!is_plain (region))
    return test;
  struct state *state = arena__memdup (arena, test->state, sizeof *state);
  uint64_t longest = 0, wanted[SPANS_MAX] = { 0 }, first[SPANS_MAX];
  bool grown = false;
  for (unsigned pass = 0; pass < 2; pass++)
    for (unsigned p = 0; p < region->n_parameters; p++)
      {
        int gpr;
        uint64_t size = element_size (region, p, &gpr);
        int s = size ? state__span_of (state, state->machine.gpr[gpr]) : -1;
        if (s < 0)
          continue;
        uint64_t at = state->machine.gpr[gpr] - state->span[s].address, count = (state->span[s].size - at) / size;
        if (pass == 0)
          longest = count > longest ? count : longest;
        else
          {
            if (!wanted[s] || state->machine.gpr[gpr] < first[s])
              first[s] = state->machine.gpr[gpr];
            if (at + longest * size + LINE > wanted[s])
              wanted[s] = at + longest * size + LINE;
          }
      }
  for (unsigned s = 0; s < state->n_spans; s++)
    if (wanted[s])
      grown |= grow (arena, region, state, s, first[s], (wanted[s] + 2 * SANDBOX_PAGE - 1) / SANDBOX_PAGE * SANDBOX_PAGE);
  if (!grown)
    return test;
  struct why ignored;
  const struct state *states[] = { state };
  struct outcome *outcome = ARENA_NEW (arena, struct outcome);
  if (sandbox__run (sandbox, 0, states, outcome, 1, TIMEOUT_MS, &ignored) || outcome->status != RUN_RETURNED
      || outcome->n_events_lost)
    return test;
  struct test *result = arena__memdup (arena, test, sizeof *test);
  result->state = state;
  result->expected = outcome__copy (arena, outcome, state);
  return result;
}
