/* Objects of more than 16 MiB: sums in too few bits, and sizes cut by shifts, show on nothing smaller.

   Slots end at 1 MiB.  What the original only reads may be far larger, as one block of memory stands there again and again
   (struct huge): a test that worked is taken, its size becomes one just past 2^24 elements or 2^26 bytes, and the
   pointers to numbers, or structs of integers, that were not written through lead there.  Where the original then runs
   to its end, and soon, the candidate has to give the same.

   The size is a parameter, a field of the struct that one points to, or the distance to another pointer.
   Nothing comes of it where the original writes as much as it reads, or where the time isn't linear in it.  Footprints are not followed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/input.h"
#include "verify/internal.h"

#include <string.h>

/* An original that takes longer is left alone; a candidate that takes so much longer says nothing at first, then
   nothing good.  */
enum { ORIGINAL_MS = 150, CANDIDATE_MS = 2000, CONFIRM_MS = 6000 };

enum { POINTERS_MAX = 8, SIZES_MAX = 8, EXTENTS_MAX = 24, SOURCES_MAX = 3, ELEMENT_MAX = 64 };

/* Just past 2^24, by enough for a sum of the largest bytes to pass 2^32; just past 2^26 bytes, by enough for each of the
   four sums that vpsadbw makes to.  */
#define ELEMENTS ((UINT64_C (1) << 24) + (1 << 17) + 3)
#define BYTES ((UINT64_C (1) << 26) + (1 << 19) + 5)
/* The first number of largest bytes whose sum passes 2^32: by less than a byte.  */
#define JUST_WRAPPED ((UINT64_C (1) << 32) / 255 + 1)

/* A word of a state: general register AT, or from byte AT of a span.  */
struct place
{
  int span;                            /* -1: a register */
  uint32_t at;
};

/* What pointers lead to, and how long that is.  */
struct shape
{
  unsigned n_pointers;
  struct
  {
    struct place place;
    const struct type *element;
    unsigned span;                     /* that it leads into, or to the end of */
    uint64_t address;
  } pointer[POINTERS_MAX];
  const struct type *element;          /* the largest */
  unsigned n_sizes;
  struct
  {
    struct place place;
    unsigned bytes;
  } size[SIZES_MAX];
};

/* A size of SHAPE, or a pointer to the end of what another leads to.  */
struct extent
{
  bool is_end;
  unsigned size, begin, end;           /* numbers in SHAPE */
};

static uint64_t
fetch (const struct state *state, struct place place)
{
  uint64_t value = 0;
  if (place.span < 0)
    return state->machine.gpr[place.at];
  memcpy (&value, state->span[place.span].bytes + place.at, sizeof value);
  return value;
}

/* Puts the low SIZE bytes of VALUE at PLACE of STATE, a copy of SOURCE.  */
static void
put (struct arena *arena, struct state *state, const struct state *source, struct place place, uint64_t value, unsigned size)
{
  if (place.span < 0)
    {
      memcpy (&state->machine.gpr[place.at], &value, size);
      return;
    }
  memcpy (input__own_span (arena, state, source, (unsigned) place.span) + place.at, &value, size);
}

/* Adds what the TYPE at PLACE of STATE is: a size, or a pointer to numbers that are there to be read alone, or (DEEP) the
   fields of the struct that it points to.  */
static void
add_place (const struct region *region, const struct state *state, struct place place, const struct type *type, bool deep,
           struct shape *shape)
{
  if (type && type->kind == TYPE_INTEGER && type->size >= 4 && type->size <= 8 && shape->n_sizes < SIZES_MAX)
    {
      shape->size[shape->n_sizes].place = place;
      shape->size[shape->n_sizes++].bytes = (unsigned) type->size;
    }
  const struct type *element = type && type->kind == TYPE_POINTER ? region__type (region, type->element) : NULL;
  if (!element || element->size == 0)
    return;
  uint64_t address = fetch (state, place);
  unsigned s = 0;
  while (s < state->n_spans && address - state->span[s].address > state->span[s].size)
    s++;
  if (s == state->n_spans)
    return;
  bool is_number = element->kind == TYPE_BOOL || (element->kind == TYPE_FLOAT && !element->x87)
                   || input__is_numbers (region, element, true);
  if (is_number && element->size <= ELEMENT_MAX && state->span[s].protection == PROT_STATE_READ
      && shape->n_pointers < POINTERS_MAX)
    {
      unsigned n = shape->n_pointers++;
      shape->pointer[n].place = place;
      shape->pointer[n].element = element;
      shape->pointer[n].span = s;
      shape->pointer[n].address = address;
      if (!shape->element || element->size > shape->element->size)
        shape->element = element;
    }
  else if (deep && element->kind == TYPE_STRUCT)
    for (unsigned i = 0; i < element->n_fields; i++)
      {
        const struct field *field = &element->field[i];
        uint64_t at = address - state->span[s].address + field->offset;
        if (!field->bits && at + 8 <= state->span[s].size)
          add_place (region, state, (struct place) { (int) s, (uint32_t) at }, region__type (region, field->type), false, shape);
      }
}

static struct shape
find_shape (const struct region *region, const struct state *source)
{
  struct shape shape = { 0 };
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      int gpr = value__gpr (value);
      if (!value->by_reference && gpr >= 0)
        add_place (region, source, (struct place) { -1, (uint32_t) gpr }, region__type (region, value->type), true, &shape);
    }
  return shape;
}

/* What elements hold: anything; the largest bytes; those but for a few small numbers, on which a carry is left after the last
   fold of a sum; the largest numbers and the least in turn, so that one pointer leads to the ones where the next leads to the
   others.  */
enum content { CONTENT_ANY, CONTENT_LARGEST, CONTENT_BUT_FEW, CONTENT_OPPOSITE };

/* The same for elements of TYPE.  Floating-point numbers stay between 1 and 2.  */
static struct huge
contents (const struct type *type, enum content content)
{
  struct huge huge = { .mapped = true };
  if (content == CONTENT_ANY)
    huge.random = UINT64_MAX;
  else
    huge.fixed = UINT64_MAX;
  if (content == CONTENT_OPPOSITE)
    huge.turned = UINT64_MAX;
  if (content == CONTENT_BUT_FEW)
    huge.first = UINT64_C (0x0000000200010001);
  if (content == CONTENT_OPPOSITE && type->is_signed)
    for (unsigned sign = 8 * (unsigned) type->size - 1; sign < 64; sign += 8 * (unsigned) type->size)
      huge.fixed ^= UINT64_C (1) << sign;
  if (type->kind == TYPE_BOOL)
    {
      huge.random &= UINT64_C (0x0101010101010101);
      huge.fixed &= UINT64_C (0x0101010101010101);
    }
  else if (type->kind == TYPE_FLOAT)
    {
      huge.fixed = type->size == 8 ? UINT64_C (0x3ff0000000000000) : UINT64_C (0x3f8000003f800000);
      huge.random &= type->size == 8 ? UINT64_C (0x000fffffffffffff) : UINT64_C (0x007fffff007fffff);
    }
  return huge;
}

/* Runs STATE on both sides.  *RETURNED where it is a test; *SLOW where the original takes too long.  False where the verdict
   is filled.  */
static bool
run_huge (struct trial *trial, struct state *state, bool *returned, bool *slow)
{
  struct outcome *expected = ARENA_NEW (trial->arena, struct outcome), *got = ARENA_NEW (trial->arena, struct outcome);
  const struct state *states[] = { state };
  struct difference difference = { 0 };
  struct why why;
  int failed = sandbox__run (trial->verifier->setup[0].sandbox, 0, states, expected, 1, ORIGINAL_MS, &why);
  *returned = !failed && expected->status == RUN_RETURNED && expected->n_events == 0;
  *slow = !failed && expected->status == RUN_TIMEOUT;
  if (!failed && !*returned)
    return true;
  if (!failed)
    failed = sandbox__run (trial->sandbox[0], 0, states, got, 1, CANDIDATE_MS, &why);
  /* The machine may have been busy elsewhere.  */
  if (!failed && got->status == RUN_TIMEOUT)
    failed = sandbox__run (trial->sandbox[0], 0, states, got, 1, CONFIRM_MS, &why);
  if (!failed && got->status == RUN_TIMEOUT)
    failed = why__set (&why, REASON_TIME, "a run on an object of %u MiB", SANDBOX_HUGE_SIZE >> 20);
  if (failed)
    {
      trial__unknown (trial, &why);
      return false;
    }
  struct test test = { .kind = STATE_BOUNDARY, .state = state, .expected = expected, .arena = trial->arena };
  enum comparison comparison
    = compare__outcome (trial->verifier->region, state, expected, got, &difference);
  if (!trial__settle (trial, comparison, &test, &difference))
    return false;
  trial->tests[STATE_BOUNDARY]++;
  trial->verdict->tests++;
  return true;
}

/* SOURCE where EXTENT is COUNT elements.  */
static struct state *
make_state (struct trial *trial, const struct state *source, const struct shape *shape, const struct extent *extent,
            uint64_t count, enum content content)
{
  struct state *state = arena__memdup (trial->arena, source, sizeof *state);
  uint64_t apart = content == CONTENT_OPPOSITE ? SANDBOX_HUGE_BLOCK / 2 : 0, element = shape->element->size;
  state->huge = contents (shape->element, content);
  if (!extent->is_end)
    put (trial->arena, state, source, shape->size[extent->size].place, count, shape->size[extent->size].bytes);
  for (unsigned i = 0; i < shape->n_pointers; i++)
    {
      /* Not all the same, and the first against the end.  */
      uint64_t address = SANDBOX_HUGE_BASE + SANDBOX_HUGE_SIZE - (count + 24 * i) * element - (i & 1) * apart;
      if (!extent->is_end || i != extent->end)
        put (trial->arena, state, source, shape->pointer[i].place, address, 8);
      if (extent->is_end && i == extent->begin)
        put (trial->arena, state, source, shape->pointer[extent->end].place,
             address + count * shape->pointer[i].element->size, 8);
    }
  return state;
}

/* Large numbers for EXTENT.  */
static bool
try_extent (struct trial *trial, const struct state *source, const struct shape *shape, const struct extent *extent,
            bool *found, bool *slow)
{
  uint64_t element = shape->element->size, most = SANDBOX_HUGE_SIZE / element - 256;
  uint64_t elements = ELEMENTS < most ? ELEMENTS : most, bytes = BYTES / element;
  struct
  {
    uint64_t count;
    enum content content;
  } shot[6] = { { elements, CONTENT_LARGEST }, { elements, CONTENT_ANY } };
  unsigned n = 2;
  if (shape->element->kind != TYPE_FLOAT && shape->element->kind != TYPE_BOOL)
    {
      shot[n].count = elements;
      shot[n++].content = CONTENT_BUT_FEW;
    }
  if (element == 1 && shape->element->kind == TYPE_INTEGER && !shape->element->is_signed)
    {
      shot[n].count = JUST_WRAPPED;
      shot[n++].content = CONTENT_LARGEST;
    }
  /* Not where the two sizes are much the same.  */
  if (bytes > elements / 4 * 5)
    {
      shot[n].count = bytes;
      shot[n++].content = CONTENT_LARGEST;
    }
  if (shape->n_pointers > 1 && shape->element->kind != TYPE_FLOAT && shape->element->kind != TYPE_BOOL
      && elements * element + SANDBOX_HUGE_BLOCK / 2 < SANDBOX_HUGE_SIZE - 4096)
    {
      shot[n].count = elements;
      shot[n++].content = CONTENT_OPPOSITE;
    }
  for (unsigned k = 0; k < n && !*slow; k++)
    {
      bool returned;
      struct state *state
        = make_state (trial, source, shape, extent, shot[k].count, shot[k].content);
      if (!run_huge (trial, state, &returned, slow))
        return false;
      *found |= returned;
      if (!returned)
        return true;
    }
  return true;
}

/* All that may be how long SHAPE's objects are; their number.  */
static unsigned
list_extents (const struct shape *shape, struct extent extent[EXTENTS_MAX])
{
  unsigned n = 0;
  for (unsigned i = 0; i < shape->n_sizes; i++)
    extent[n++] = (struct extent) { .size = i };
  for (unsigned i = 0; i < shape->n_pointers; i++)
    for (unsigned k = 0; k < shape->n_pointers && n < EXTENTS_MAX; k++)
      if (shape->pointer[i].span == shape->pointer[k].span && shape->pointer[i].address < shape->pointer[k].address
          && shape->pointer[i].element->size == shape->pointer[k].element->size)
        extent[n++] = (struct extent) { .is_end = true, .begin = i, .end = k };
  return n;
}

bool
huge__judge (struct trial *trial)
{
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_BOUNDARY, STATE_OVERLAP };
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  bool found = false, slow = false;
  trial->at_setup = 0;
  if (region->n_callees > 0)
    return true;
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (unsigned t = 0, sources = 0; t < setup->n_bank[kinds[k]] && sources < SOURCES_MAX && !found && !slow; t++)
      {
        const struct test *source = &setup->bank[kinds[k]][t];
        struct extent extent[EXTENTS_MAX];
        if (source->expected->status != RUN_RETURNED)
          continue;
        struct shape shape = find_shape (region, source->state);
        unsigned n = shape.n_pointers ? list_extents (&shape, extent) : 0;
        sources += n > 0;
        for (unsigned i = 0; i < n && !slow; i++)
          if (!try_extent (trial, source->state, &shape, &extent[i], &found, &slow))
            return false;
      }
  return true;
}
