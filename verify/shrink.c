/* Making a counterexample simpler: smaller numbers and objects, fewer bytes that aren't zero.

   Each step is tried on both sides and kept where they differ as before: for the same reason, and
   with the original ending as it did.  It is a courtesy to the reader, so it takes a moment at most
   and may stop anywhere; the verdict stands without it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <string.h>
#include <time.h>

/* Of the clock on the wall, and of the processor's for us: on a busy machine the first, where
   candidates don't end the second says too little.  */
#define SHRINK_SECONDS 2.0
#define SHRINK_CPU_SECONDS 0.25
#define SHRINK_TIMEOUT_MS 100
#define SHRINK_STEPS 20000
enum
{
  TRIES_MAX = 2000,
  ROUNDS = 4,
  SPAN_BYTES_MAX = 65536,
  ELEMENT_MAX = 64,
  ALLOCATED_MAX = 32 << 20
};

struct shrink
{
  struct trial *trial;
  unsigned s, tries;
  size_t allocated;
  double until, cpu_until;
  enum reason reason;
  enum run_status status; /* of the original */
  bool touched;           /* the difference is in what is touched */
  bool progress;
  struct state *state; /* the best so far */
  struct outcome *expected;
  struct difference difference;
};

/* Seconds of processor time that this thread took.  */
static double
cpu_now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Do both sides differ on STATE as they did?  */
static bool
shrink__differs (struct shrink *shrink, const struct state *state, struct outcome *expected,
                 struct difference *difference)
{
  struct trial *trial = shrink->trial;
  struct sandbox *original = trial->verifier->setup[shrink->s].sandbox,
                 *candidate = trial->sandbox[shrink->s];
  struct why why;
  unsigned which;
  memset (expected, 0, sizeof *expected);
  memset (difference, 0, sizeof *difference);
  if (sandbox__run (original, 0, &state, expected, 1, SHRINK_TIMEOUT_MS, &why)
      || expected->status != shrink->status || expected->n_events_lost)
    return false;
  /* The sides are two processes: what the original left stays valid while the candidate runs.  */
  struct test test = { .state = (struct state *)state, .expected = expected };
  enum comparison comparison = differential__run (trial, candidate, &test, 1, SHRINK_TIMEOUT_MS,
                                                  false, &which, difference);
  if (!shrink->touched)
    return comparison == COMPARE_DIFFERENT && difference->why.reason == shrink->reason;
  if (comparison != COMPARE_SAME)
    return false;
  struct outcome kept = *expected;
  for (unsigned i = 0; i < state->n_spans && i < kept.n_spans; i++)
    {
      kept.span_bytes[i]
          = arena__memdup (trial->arena, expected->span_bytes[i], state->span[i].size);
      shrink->allocated += state->span[i].size;
    }
  *expected = kept;
  struct trace a = { 0 }, b = { 0 };
  const struct image *image = trial->image[shrink->s];
  if (sandbox__trace (original, 0, state, SHRINK_STEPS, &a, &why) == 0 && a.complete
      && sandbox__trace (candidate, 0, state, SHRINK_STEPS, &b, &why) == 0)
    comparison = compare__footprint (&a.footprint, &b.footprint, image->base,
                                     image->base + image->size, difference);
  trace__free (&a);
  trace__free (&b);
  return comparison == COMPARE_DIFFERENT && difference->why.reason == shrink->reason;
}

/* Is what shrinking may take used up?  To be asked before copies are made.  */
static bool
shrink__over (const struct shrink *shrink)
{
  return shrink->tries >= TRIES_MAX || shrink->allocated > ALLOCATED_MAX
         || verify__now () > shrink->until || cpu_now () > shrink->cpu_until;
}

/* Takes STATE where it will do.  It is the caller's; span bytes that differ from those of the best
 * are in the arena.  */
static bool
shrink__try (struct shrink *shrink, const struct state *state)
{
  struct outcome expected;
  struct difference difference;
  struct arena *arena = shrink->trial->arena;
  if (shrink__over (shrink))
    return false;
  shrink->tries++;
  if (!shrink__differs (shrink, state, &expected, &difference))
    return false;
  *shrink->state = *state;
  *shrink->expected = expected;
  for (unsigned i = 0; i < state->n_spans && i < expected.n_spans; i++)
    {
      shrink->expected->span_bytes[i]
          = arena__memdup (arena, expected.span_bytes[i], state->span[i].size);
      shrink->allocated += state->span[i].size;
    }
  shrink->difference = difference;
  return shrink->progress = true;
}

/* A copy of span NUMBER's bytes, to be changed.  */
static uint8_t *
shrink__copy (struct shrink *shrink, struct state *state, unsigned number)
{
  struct span *span = &state->span[number];
  shrink->allocated += span->size;
  return span->bytes = arena__memdup (shrink->trial->arena, span->bytes, span->size);
}

/* Parameter P as a whole number or pointer in one general register or stack slot; NULL where it
 * isn't.  */
static const struct type *
parameter__scalar (const struct region *region, unsigned p, enum type_kind kind)
{
  const struct value *value = &region->parameter[p];
  const struct type *type = region__type (region, value->type);
  if (!type || value->by_reference || value->n_locations != 1 || type->kind != kind || !type->size
      || type->size > 8 || value->location[0].offset
      || (value->location[0].kind == LOCATION_GPR && value->location[0].number > 15)
      || (value->location[0].kind == LOCATION_STACK
          && value->location[0].number + type->size > STACK_ARGUMENT_BYTES)
      || (value->location[0].kind != LOCATION_GPR && value->location[0].kind != LOCATION_STACK))
    return NULL;
  return type;
}

static uint64_t
parameter__get (const struct region *region, const struct state *state, unsigned p,
                const struct type *type)
{
  const struct location *location = &region->parameter[p].location[0];
  uint64_t word = 0;
  if (location->kind == LOCATION_GPR)
    word = state->machine.gpr[location->number];
  else
    memcpy (&word, state->stack_argument + location->number, type->size);
  unsigned shift = 64 - 8 * (unsigned)type->size;
  return type->is_signed ? (uint64_t)((int64_t)(word << shift) >> shift) : word << shift >> shift;
}

static void
parameter__set (const struct region *region, struct state *state, unsigned p,
                const struct type *type, uint64_t word)
{
  const struct location *location = &region->parameter[p].location[0];
  if (location->kind == LOCATION_GPR)
    state->machine.gpr[location->number] = word;
  else
    memcpy (state->stack_argument + location->number, &word, type->size);
}

/* Do other arguments point into span NUMBER too?  */
static bool
is_shared (const struct region *region, const struct state *state, unsigned p, int number)
{
  for (unsigned q = 0; q < region->n_parameters; q++)
    {
      const struct type *type = parameter__scalar (region, q, TYPE_POINTER);
      if (q != p && type && state__span_of (state, parameter__get (region, state, q, type)) == number)
        return true;
    }
  return false;
}

/* Makes the object that parameter P points to, and that ends with its span, BYTES long: its
   beginning is kept, or its end where TAIL.  */
static bool
resize (struct shrink *shrink, struct state *state, unsigned p, uint64_t bytes, bool tail)
{
  const struct region *region = shrink->trial->verifier->region;
  const struct type *type = parameter__scalar (region, p, TYPE_POINTER);
  uint64_t address = type ? parameter__get (region, state, p, type) : 0;
  int number = state__span_of (state, address);
  if (number < 0 || shrink__over (shrink) || is_shared (region, state, p, number))
    return false;
  struct span *span = &state->span[number];
  uint64_t end = span->address + span->size, before = end - address;
  if (bytes >= before || span->size > SPAN_BYTES_MAX * 4u)
    return false;
  if (!tail)
    {
      uint8_t *copy = shrink__copy (shrink, state, (unsigned)number);
      memmove (copy + span->size - bytes, copy + span->size - before, bytes);
    }
  /* At least a byte's page stays mapped.  */
  uint64_t first = (end - (bytes ? bytes : 1)) & -(uint64_t)SANDBOX_PAGE;
  span->bytes += first - span->address;
  span->size = (uint32_t)(end - first);
  span->address = first;
  parameter__set (region, state, p, type, end - bytes);
  return true;
}

/* Integer parameter P as VALUE, and objects whose size was a multiple of it in proportion.  */
static bool
try_integer (struct shrink *shrink, unsigned p, const struct type *type, uint64_t before,
             uint64_t value)
{
  const struct region *region = shrink->trial->verifier->region;
  struct state state = *shrink->state;
  bool resized = false;
  parameter__set (region, &state, p, type, value);
  for (unsigned q = 0; q < region->n_parameters && before && value < before; q++)
    {
      const struct type *pointer = parameter__scalar (region, q, TYPE_POINTER);
      if (!pointer)
        continue;
      uint64_t address = parameter__get (region, &state, q, pointer);
      int number = state__span_of (&state, address);
      if (number < 0)
        continue;
      uint64_t bytes = state.span[number].address + state.span[number].size - address;
      if (bytes % before == 0 && bytes / before <= ELEMENT_MAX)
        resized |= resize (shrink, &state, q, bytes / before * value, false);
    }
  if (resized && shrink__try (shrink, &state))
    return true;
  state = *shrink->state;
  parameter__set (region, &state, p, type, value);
  return shrink__try (shrink, &state);
}

static void
shrink_integers (struct shrink *shrink)
{
  const struct region *region = shrink->trial->verifier->region;
  static const enum type_kind kinds[] = { TYPE_INTEGER, TYPE_BOOL };
  for (unsigned p = 0; p < region->n_parameters; p++)
    for (unsigned k = 0; k < 2; k++)
      {
        const struct type *type = parameter__scalar (region, p, kinds[k]);
        if (!type)
          continue;
        /* What stands above the value in its register seldom matters.  */
        struct state clean = *shrink->state;
        parameter__set (region, &clean, p, type, parameter__get (region, &clean, p, type));
        if (memcmp (&clean.machine, &shrink->state->machine, sizeof clean.machine) != 0)
          shrink__try (shrink, &clean);
        for (unsigned i = 0; i < 200; i++)
          {
            uint64_t value = parameter__get (region, shrink->state, p, type);
            bool negative = type->is_signed && (int64_t)value < 0;
            uint64_t magnitude = negative ? -value : value;
            if (!magnitude)
              break;
            uint64_t smaller[] = { 0,
                                   1,
                                   magnitude / 2,
                                   magnitude - magnitude / 4,
                                   magnitude - magnitude / 8,
                                   magnitude - 1 };
            bool done = true;
            for (unsigned t = 0; t < sizeof smaller / sizeof *smaller && done; t++)
              if (smaller[t] < magnitude)
                {
                  done = !try_integer (shrink, p, type, value, negative ? -smaller[t] : smaller[t]);
                  /* A positive one is simpler, where it will do.  */
                  if (done && negative)
                    done = !try_integer (shrink, p, type, value, smaller[t]);
                }
            if (done)
              break;
          }
      }
}

/* Two integers of one size that make the difference together: one of them 0, the other what both made of it.  */
static void
shrink_pairs (struct shrink *shrink)
{
  const struct region *region = shrink->trial->verifier->region;
  for (unsigned p = 0; p < region->n_parameters; p++)
    for (unsigned q = p + 1; q < region->n_parameters; q++)
      {
        const struct type *type[] = { parameter__scalar (region, p, TYPE_INTEGER), parameter__scalar (region, q, TYPE_INTEGER) };
        if (!type[0] || !type[1] || type[0]->size != type[1]->size)
          continue;
        uint64_t a = parameter__get (region, shrink->state, p, type[0]), b = parameter__get (region, shrink->state, q, type[1]);
        uint64_t both[] = { a ^ b, a + b, a - b };
        bool done = !a || !b;
        for (unsigned i = 0; i < sizeof both / sizeof *both && !done; i++)
          {
            unsigned shift = 64 - 8 * (unsigned) type[0]->size;
            struct state state = *shrink->state;
            parameter__set (region, &state, p, type[0], both[i] << shift >> shift);
            parameter__set (region, &state, q, type[1], 0);
            done = shrink__try (shrink, &state);
          }
      }
}

/* Objects shorter than they are, where nothing else tells how long they are (strings).  */
static void
shrink_objects (struct shrink *shrink)
{
  const struct region *region = shrink->trial->verifier->region;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = parameter__scalar (region, p, TYPE_POINTER);
      const struct type *element
          = type ? region__type (region, type->element) : NULL;
      uint64_t unit = element && element->size ? element->size : 1;
      for (unsigned i = 0; type && i < 100; i++)
        {
          uint64_t address = parameter__get (region, shrink->state, p, type);
          int number = state__span_of (shrink->state, address);
          if (number < 0)
            break;
          uint64_t bytes
              = shrink->state->span[number].address + shrink->state->span[number].size - address;
          uint64_t n = bytes / unit, smaller[] = { n / 2, n - n / 4, n - 1 };
          bool done = true;
          for (unsigned t = 0; t < 3 && done; t++)
            for (unsigned tail = 0; tail < 2 && done; tail++)
              {
                struct state state = *shrink->state;
                if (smaller[t] < n && resize (shrink, &state, p, smaller[t] * unit, tail))
                  done = !shrink__try (shrink, &state);
              }
          if (done)
            break;
        }
    }
}

/* Pages at either end of a span that nothing needs, and whole spans.  */
static void
shrink_spans (struct shrink *shrink)
{
  for (unsigned i = 0; i < shrink->state->n_spans; i++)
    {
      struct state state = *shrink->state;
      memmove (&state.span[i], &state.span[i + 1], (state.n_spans - i - 1) * sizeof *state.span);
      state.n_spans--;
      if (shrink__try (shrink, &state))
        {
          i--;
          continue;
        }
      for (unsigned side = 0; side < 2; side++)
        for (;;)
          {
            state = *shrink->state;
            struct span *span = &state.span[i];
            if (span->size <= SANDBOX_PAGE)
              break;
            span->size -= SANDBOX_PAGE;
            if (side)
              {
                span->address += SANDBOX_PAGE;
                span->bytes += SANDBOX_PAGE;
              }
            if (!shrink__try (shrink, &state))
              break;
          }
    }
  for (unsigned i = shrink->state->n_patches; i-- > 0;)
    {
      struct state state = *shrink->state;
      memmove (&state.patch[i], &state.patch[i + 1],
               (state.n_patches - i - 1) * sizeof *state.patch);
      state.n_patches--;
      shrink__try (shrink, &state);
    }
}

/* Bytes FROM..TO of span NUMBER as BYTE, every UNIT bytes (what is between is 0).  */
static bool
try_fill (struct shrink *shrink, unsigned number, uint32_t from, uint32_t to, uint32_t unit,
          uint8_t byte)
{
  struct state state = *shrink->state;
  const uint8_t *old = shrink->state->span[number].bytes;
  bool same = true;
  for (uint32_t i = from; i < to && same; i++)
    same = old[i] == ((i - from) % unit ? 0 : byte);
  if (same)
    return true;
  uint8_t *copy = shrink__copy (shrink, &state, number);
  for (uint32_t i = from; i < to; i++)
    copy[i] = (i - from) % unit ? 0 : byte;
  return shrink__try (shrink, &state);
}

/* The part FROM..TO, halved until elements of UNIT bytes are left; those get the smallest value
 * that will do.  */
static void
zero_part (struct shrink *shrink, unsigned number, uint32_t from, uint32_t to, uint32_t unit)
{
  if (from >= to || shrink__over (shrink) || try_fill (shrink, number, from, to, 1, 0))
    return;
  if (to - from > unit)
    {
      uint32_t middle = from + (to - from) / 2 / unit * unit;
      if (middle == from)
        middle += unit;
      zero_part (shrink, number, from, middle, unit);
      zero_part (shrink, number, middle, to, unit);
      return;
    }
  const uint8_t *bytes = shrink->state->span[number].bytes;
  bool simple = bytes[from] <= 1;
  for (uint32_t i = from + 1; i < to; i++)
    simple &= bytes[i] == 0;
  if (simple)
    return;
  if (unit == 1 && bytes[from] == 'a')
    return;
  if (!try_fill (shrink, number, from, to, unit, 1) && unit == 1)
    try_fill (shrink, number, from, to, 1, 'a');
}

static void
shrink_contents (struct shrink *shrink)
{
  const struct region *region = shrink->trial->verifier->region;
  for (unsigned i = 0; i < shrink->state->n_spans; i++)
    {
      const struct span *span = &shrink->state->span[i];
      if (span->size > SPAN_BYTES_MAX)
        continue;
      /* Elements are as large as the type says of the first pointer into the span.  */
      uint32_t from = span->size, unit = 8;
      for (unsigned p = 0; p < region->n_parameters; p++)
        {
          const struct type *type = parameter__scalar (region, p, TYPE_POINTER);
          uint64_t address = type ? parameter__get (region, shrink->state, p, type) : 0;
          if (!type || state__span_of (shrink->state, address) != (int)i
              || address - span->address >= from)
            continue;
          const struct type *element
              = region__type (region, type->element);
          from = (uint32_t)(address - span->address);
          unit = element && element->size && element->size <= 8 ? (uint32_t)element->size
                 : element && element->size                     ? 8
                                                                : 1;
        }
      if (from == span->size)
        from = 0;
      zero_part (shrink, i, from, span->size, unit);
      if (from)
        try_fill (shrink, i, 0, from, 1, 0);
    }
}

/* Floating-point arguments: 0 and 1 are simple.  */
static void
shrink_floats (struct shrink *shrink)
{
  const struct region *region = shrink->trial->verifier->region;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      if (!type || type->kind != TYPE_FLOAT || value->n_locations != 1
          || value->location[0].kind != LOCATION_VEC || value->location[0].number > 31
          || (type->size != 4 && type->size != 8))
        continue;
      for (unsigned k = 0; k < 3; k++)
        {
          static const double simple[] = { 0, 1, 2 };
          float single = (float)simple[k];
          struct state state = *shrink->state;
          uint8_t *to = state.machine.vec[value->location[0].number];
          const void *from = type->size == 4 ? (const void *)&single : (const void *)&simple[k];
          if (memcmp (to, from, type->size) == 0)
            break;
          memcpy (to, from, type->size);
          if (shrink__try (shrink, &state))
            break;
        }
    }
}

void
shrink__test (struct trial *trial, const struct test *test, const struct difference *difference,
              struct test *smaller, struct difference *smaller_difference)
{
  struct arena *arena = trial->arena;
  struct shrink *shrink = ARENA_NEW (arena, struct shrink);
  *shrink
      = (struct shrink){ .trial = trial,
                         .s = trial->at_setup,
                         .reason = difference->why.reason,
                         .status = test->expected->status,
                         .state = arena__memdup (arena, test->state, sizeof *test->state),
                         .expected = arena__memdup (arena, test->expected, sizeof *test->expected),
                         .difference = *difference };
  *smaller = *test;
  *smaller_difference = *difference;
  shrink->until = verify__now () + SHRINK_SECONDS;
  shrink->cpu_until = cpu_now () + SHRINK_CPU_SECONDS;
  /* How does the difference show?  Where it doesn't show again, the test stays what it is.  */
  struct outcome *expected = ARENA_NEW (arena, struct outcome);
  struct difference found;
  if (!shrink__differs (shrink, shrink->state, expected, &found))
    {
      shrink->touched = true;
      if (!shrink__differs (shrink, shrink->state, expected, &found))
        return;
    }
  for (unsigned round = 0; round < ROUNDS; round++)
    {
      shrink->progress = false;
      shrink_integers (shrink);
      shrink_pairs (shrink);
      shrink_objects (shrink);
      shrink_spans (shrink);
      shrink_floats (shrink);
      shrink_contents (shrink);
      if (!shrink->progress)
        break;
    }
  if (!shrink->tries)
    return;
  smaller->state = shrink->state;
  smaller->expected = shrink->expected;
  smaller->arena = arena;
  *smaller_difference = shrink->difference;
}
