/* Objects of more than 16 MiB: sums in too few bits, and sizes cut by shifts, show on nothing smaller.

   Slots end at 1 MiB.  What the original only reads may be far larger, as one block of memory stands there again and again
   (struct huge): a test that worked is taken, its size becomes one just past 2^24 elements or 2^26 bytes, and the
   pointers to numbers that were not written through lead there.  Where the original then runs to its end, and soon, the
   candidate has to give the same.

   Nothing comes of it where the original writes as much as it reads, where the size is no parameter of its own, or where
   the time isn't linear in it.  Footprints are not followed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <string.h>

/* An original that takes longer is left alone; a candidate that takes so much longer says nothing at first, then
   nothing good.  */
enum { ORIGINAL_MS = 150, CANDIDATE_MS = 2000, CONFIRM_MS = 6000 };

enum { POINTERS_MAX = 8, SOURCES_MAX = 3 };

/* Just past 2^24, by enough for a sum of the largest bytes to pass 2^32; just past 2^26 bytes, by enough for each of the
   four sums that vpsadbw makes to.  */
#define ELEMENTS ((UINT64_C (1) << 24) + (1 << 17) + 3)
#define BYTES ((UINT64_C (1) << 26) + (1 << 19) + 5)

static const struct type *
type_at (const struct region *region, unsigned number)
{
  return number < region->n_types ? &region->type[number] : NULL;
}

/* Is parameter P one general register of type KIND?  Its type, else NULL.  */
static const struct type *
in_register (const struct region *region, unsigned p, enum type_kind kind)
{
  const struct value *value = &region->parameter[p];
  const struct type *type = type_at (region, value->type);
  return type && type->kind == kind && !value->by_reference && value->n_locations == 1
             && value->location[0].kind == LOCATION_GPR && value->location[0].number < 16
           ? type : NULL;
}

/* What pointers lead to and how long it shall be.  */
struct shape
{
  unsigned n_pointers;
  unsigned pointer[POINTERS_MAX];      /* registers */
  const struct type *element;          /* the largest */
};

/* The pointers of SOURCE to numbers that are there to be read alone.  */
static void
find_pointers (const struct region *region, const struct state *source, struct shape *shape)
{
  *shape = (struct shape) { 0 };
  for (unsigned p = 0; p < region->n_parameters && shape->n_pointers < POINTERS_MAX; p++)
    {
      const struct type *type = in_register (region, p, TYPE_POINTER);
      const struct type *element = type ? type_at (region, type->element) : NULL;
      if (!element || element->size == 0 || element->size > 8
          || (element->kind != TYPE_INTEGER && element->kind != TYPE_BOOL
              && (element->kind != TYPE_FLOAT || element->x87)))
        continue;
      unsigned gpr = region->parameter[p].location[0].number;
      bool read = false;
      for (unsigned s = 0; s < source->n_spans; s++)
        read |= source->machine.gpr[gpr] - source->span[s].address < source->span[s].size
                && source->span[s].protection == PROT_STATE_READ;
      if (!read)
        continue;
      shape->pointer[shape->n_pointers++] = gpr;
      if (!shape->element || element->size > shape->element->size)
        shape->element = element;
    }
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

/* SOURCE with a size of COUNT in register GPR, of SIZE bytes.  */
static struct state *
make_state (struct trial *trial, const struct state *source, const struct shape *shape, unsigned gpr, unsigned size,
            uint64_t count, enum content content)
{
  struct state *state = arena__memdup (trial->arena, source, sizeof *state);
  uint64_t apart = content == CONTENT_OPPOSITE ? SANDBOX_HUGE_BLOCK / 2 : 0;
  state->huge = contents (shape->element, content);
  memcpy (&state->machine.gpr[gpr], &count, size);
  for (unsigned i = 0; i < shape->n_pointers; i++)
    /* Not all the same, and the first against the end.  */
    state->machine.gpr[shape->pointer[i]]
      = SANDBOX_HUGE_BASE + SANDBOX_HUGE_SIZE - (count + 24 * i) * shape->element->size - (i & 1) * apart;
  return state;
}

/* Sizes in the parameter of TYPE in register GPR.  */
static bool
try_sizes (struct trial *trial, const struct state *source, const struct shape *shape, unsigned gpr,
           const struct type *type, bool *found, bool *slow)
{
  uint64_t element = shape->element->size, most = SANDBOX_HUGE_SIZE / element - 256;
  uint64_t elements = ELEMENTS < most ? ELEMENTS : most, bytes = BYTES / element;
  struct
  {
    uint64_t count;
    enum content content;
  } shot[5] = { { elements, CONTENT_LARGEST }, { elements, CONTENT_ANY } };
  unsigned n = 2;
  if (shape->element->kind == TYPE_INTEGER)
    {
      shot[n].count = elements;
      shot[n++].content = CONTENT_BUT_FEW;
    }
  /* Not where the two sizes are much the same.  */
  if (bytes > elements / 4 * 5)
    {
      shot[n].count = bytes;
      shot[n++].content = CONTENT_LARGEST;
    }
  if (shape->n_pointers > 1 && shape->element->kind == TYPE_INTEGER
      && elements * element + SANDBOX_HUGE_BLOCK / 2 < SANDBOX_HUGE_SIZE - 4096)
    {
      shot[n].count = elements;
      shot[n++].content = CONTENT_OPPOSITE;
    }
  for (unsigned k = 0; k < n && !*slow; k++)
    {
      bool returned;
      struct state *state
        = make_state (trial, source, shape, gpr, (unsigned) type->size, shot[k].count, shot[k].content);
      if (!run_huge (trial, state, &returned, slow))
        return false;
      *found |= returned;
      if (!returned)
        return true;
    }
  return true;
}

bool
huge__judge (struct trial *trial)
{
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_BOUNDARY };
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  bool found = false, slow = false;
  trial->at_setup = 0;
  if (region->n_callees > 0)
    return true;
  unsigned sources = 0;
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (unsigned t = 0; t < setup->n_bank[kinds[k]] && sources < SOURCES_MAX && !found && !slow; t++)
      {
        const struct test *source = &setup->bank[kinds[k]][t];
        struct shape shape;
        if (source->expected->status != RUN_RETURNED)
          continue;
        find_pointers (region, source->state, &shape);
        if (shape.n_pointers == 0)
          continue;
        sources++;
        for (unsigned p = 0; p < region->n_parameters && !slow; p++)
          {
            const struct type *type = in_register (region, p, TYPE_INTEGER);
            if (type && type->size >= 4 && type->size <= 8
                && !try_sizes (trial, source->state, &shape, region->parameter[p].location[0].number, type, &found, &slow))
              return false;
          }
      }
  return true;
}
