/* Tests derived from others, for what random inputs seldom show.

   Sizes beyond 32 bits: a rewrite that counts in 32 bits does the same on every size that fits into memory.  With 2^32
   added to a size (2^31 to one of 32 bits) the original runs into the end of its object and faults; a truncated
   counter stops early and returns.  Larger sums would wrap addresses, which no program does.  Where no memory ends the
   original it goes on for seconds; if the candidate has long ended, it gets them.  The same where the size is the distance
   to a second pointer.

   Special values together: that -0 + -0 is -0 shows only where both are -0, which independent draws
   rarely give.  Functions of scalars alone are run on the cross product; arrays of floating point are filled with
   special values alone.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/random.h"
#include "verify/input.h"
#include "verify/internal.h"

#include <inttypes.h>
#include <string.h>

#define TIMEOUT_MS 50
/* What is given to an original that outlasts the candidate: at most so long, and this share of the time left.  */
#define LONG_SECONDS_MAX 6
#define LONG_SHARE 0.6
/* Runs of the original that may be thrown away for taking too long, and states at most.  */
#define TIMEOUTS_MAX 4
#define SOURCES_PER_KIND 6
#define DRAWN 512
#define BATCH 32
/* Special numbers at each place: of so many tests and places, in arrays that have at least so many.  */
enum { PLACE_SOURCES = 2, PLACES_LEAST = 12, PLACES_MAX = 36 };

static bool
is_scalar (const struct type *type)
{
  return type->kind == TYPE_INTEGER || type->kind == TYPE_BOOL
         || (type->kind == TYPE_FLOAT && !type->x87 && (type->size == 4 || type->size == 8));
}

/* Runs STATES[N] on the original, at most LIMIT_MS each, leaves out what neither returns nor traps, and compares the candidate
   on the rest.  *TIMEOUTS counts.  */
static bool
run_states (struct trial *trial, unsigned s, const struct state *const *states, unsigned n, unsigned limit_ms,
            struct outcome *outcomes, unsigned *timeouts)
{
  struct why why = { 0 };
  struct test tests[BATCH];
  unsigned kept = 0, which = 0;
  struct difference difference = { 0 };
  memset (outcomes, 0, n * sizeof *outcomes);
  if (sandbox__run (trial->verifier->setup[s].sandbox, 0, states, outcomes, n, limit_ms, &why))
    {
      trial__unknown (trial, &why);
      return false;
    }
  for (unsigned i = 0; i < n; i++)
    {
      *timeouts += outcomes[i].status == RUN_TIMEOUT;
      if ((outcomes[i].status == RUN_RETURNED || outcomes[i].status == RUN_TRAPPED)
          && outcomes[i].n_events_lost == 0)
        tests[kept++] = (struct test) { .kind = STATE_TRAP, .state = (struct state *) states[i],
                                        .expected = &outcomes[i], .arena = trial->arena };
    }
  if (kept == 0)
    return true;
  enum comparison comparison
    = differential__run (trial, trial->sandbox[s], tests, kept, 2 * limit_ms, true,
                         &which, &difference);
  if (!trial__settle (trial, comparison, &tests[which], &difference))
    return false;
  trial->tests[STATE_TRAP] += kept;
  trial->verdict->tests += kept;
  return true;
}

/* STATE, with NUMBER in parameter NAME, takes the original longer than others may.  A candidate that has ended by then may have
   lost the number's upper half, so that state decides: nothing is accepted before the original has ended on it, too.  */
static bool
outlast (struct trial *trial, const struct state *state, const char *name, uint64_t number, struct outcome *outcomes)
{
  struct why why = { 0 };
  unsigned timeouts = 0;
  memset (outcomes, 0, sizeof *outcomes);
  if (sandbox__run (trial->sandbox[0], 0, &state, outcomes, 1, TIMEOUT_MS, &why))
    {
      trial__unknown (trial, &why);
      return false;
    }
  if (outcomes->status == RUN_TIMEOUT)
    return true;
  double seconds = LONG_SHARE * (trial->deadline - verify__now ());
  if (seconds > LONG_SECONDS_MAX)
    seconds = LONG_SECONDS_MAX;
  unsigned limit_ms = seconds > 1e-3 * TIMEOUT_MS ? (unsigned) (1e3 * seconds) : TIMEOUT_MS;
  if (!run_states (trial, 0, &state, 1, limit_ms, outcomes, &timeouts))
    return false;
  if (outcomes->status == RUN_RETURNED || outcomes->status == RUN_TRAPPED)
    return true;
  why__set (&why, REASON_TIME, "%s = %" PRIu64 ": the candidate ends, the original not within %.1f s", name ? name : "a parameter",
            number, 1e-3 * limit_ms);
  trial__unknown (trial, &why);
  return false;
}

static bool
wide_sizes (struct trial *trial, struct outcome *outcomes)
{
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_BOUNDARY };
  /* What a counter of 32 bits, or a signed one, loses.  */
  static const uint64_t wide[] = { UINT64_C (1) << 32, UINT64_C (3) << 32 }, narrow[] = { UINT64_C (1) << 31 };
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = value->type < region->n_types ? &region->type[value->type] : NULL;
      const struct state *shortest = NULL;
      uint64_t least = UINT64_MAX;
      unsigned timeouts = 0;
      if (!type || type->kind != TYPE_INTEGER || (type->size != 8 && type->size != 4) || value->n_locations != 1
          || value->location[0].kind != LOCATION_GPR || value->location[0].number >= 16)
        continue;
      const uint64_t *steps = type->size == 8 ? wide : narrow;
      unsigned n_steps = type->size == 8 ? sizeof wide / sizeof *wide : sizeof narrow / sizeof *narrow;
      for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
        /* All there are: with a size of nothing or one a stride of any size is the same.  */
        for (unsigned t = 0; t < setup->n_bank[kinds[k]]; t++)
          for (unsigned i = 0; i < n_steps && timeouts < TIMEOUTS_MAX; i++)
            {
              const struct test *source = &setup->bank[kinds[k]][t];
              struct state *state = arena__memdup (trial->arena, source->state, sizeof *state);
              state->machine.gpr[value->location[0].number] += steps[i];
              const struct state *states[] = { state };
              if (!run_states (trial, 0, states, 1, TIMEOUT_MS, outcomes, &timeouts))
                return false;
              uint64_t number = state->machine.gpr[value->location[0].number] & (UINT64_MAX >> (64 - 8 * type->size));
              if (outcomes->status == RUN_TIMEOUT && number < least)
                {
                  least = number;
                  shortest = state;
                }
            }
      if (shortest && !outlast (trial, shortest, value->name, least, outcomes))
        return false;
    }
  return true;
}

/* The register of parameter P, a pointer, and the size of what it points to; -1 where it is none.  */
static int
pointer_register (const struct region *region, unsigned p, uint64_t *size)
{
  const struct value *value = &region->parameter[p];
  const struct type *type = value->type < region->n_types ? &region->type[value->type] : NULL;
  if (!type || type->kind != TYPE_POINTER || type->element >= region->n_types || value->n_locations != 1
      || value->location[0].kind != LOCATION_GPR || value->location[0].number >= 16)
    return -1;
  *size = region->type[type->element].size;
  return (int) value->location[0].number;
}

/* The same where the size is a distance: a pointer into the object that another points to moves up by 2^32 elements, and
   bytes.  */
static bool
wide_distances (struct trial *trial, struct outcome *outcomes)
{
  static const enum state_kind kinds[] = { STATE_OVERLAP, STATE_TYPICAL };
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  unsigned timeouts = 0;
  for (unsigned p = 0; p < region->n_parameters; p++)
    for (unsigned q = 0; q < region->n_parameters; q++)
      {
        uint64_t size, other;
        int from = pointer_register (region, p, &size), to = pointer_register (region, q, &other);
        if (p == q || from < 0 || to < 0 || size != other || size == 0)
          continue;
        for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
          for (unsigned t = 0; t < setup->n_bank[kinds[k]] && timeouts < TIMEOUTS_MAX; t++)
            {
              const struct state *source = setup->bank[kinds[k]][t].state;
              uint64_t begin = source->machine.gpr[from], end = source->machine.gpr[to];
              struct state *state[2];
              if (end <= begin || slot__of (begin) == SANDBOX_NO_SLOT || slot__of (begin) != slot__of (end))
                continue;
              for (unsigned i = 0; i < 2; i++)
                {
                  state[i] = arena__memdup (trial->arena, source, sizeof *source);
                  state[i]->machine.gpr[to] += (i ? 1 : size) << 32;
                }
              if (!run_states (trial, 0, (const struct state *const *) state, size > 1 ? 2 : 1, TIMEOUT_MS, outcomes, &timeouts))
                return false;
            }
      }
  return true;
}

/* Special numbers: how many of each kind, and those of floating point as bits.  NaNs of both kinds and signs with
   payloads that tell them apart, what rounds half way, the limits of conversions to integers.  */
enum { SPECIALS = 24, FIRST_NAN = 4, FIRST_FINITE = 10 };

static const uint64_t special_doubles[SPECIALS] = {
  0, UINT64_C (0x8000000000000000), UINT64_C (0x3ff0000000000000), UINT64_C (0xbff0000000000000), /* 0, -0, 1, -1 */
  UINT64_C (0x7ff0000000000000), UINT64_C (0xfff0000000000000), /* infinities */
  UINT64_C (0x7ff8000000000123), UINT64_C (0xfff8000000000456), /* quiet */
  UINT64_C (0x7ff0000000000789), UINT64_C (0xfff4000000000abc), /* signalling */
  1, UINT64_C (0x800fffffffffffff), UINT64_C (0x0010000000000000), /* denormal, the largest, the least normal */
  UINT64_C (0x7fefffffffffffff), UINT64_C (0xffefffffffffffff),
  UINT64_C (0x3fe0000000000000), UINT64_C (0x3ff8000000000000), UINT64_C (0xc004000000000000), /* .5, 1.5, -2.5 */
  UINT64_C (0x41e0000000000000), UINT64_C (0xc1e0000000200000), UINT64_C (0x43e0000000000000), /* 2^31, -2^31 - 1, 2^63 */
  UINT64_C (0x3ff0000000000001), UINT64_C (0x4330000000000001), UINT64_C (0x3ca0000000000001), /* 1 + ulp, 2^52 + 1, near half an ulp */
};

static const uint32_t special_floats[SPECIALS] = {
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00123, 0xffc00456, 0x7f800789, 0xffa00abc,
  1, 0x807fffff, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x3f000000, 0x3fc00000, 0xc0200000,
  0x4f000000, 0xcf000001, 0x5f000000, 0x3f800001, 0x4b000001, 0x33800001,
};

static const int64_t special_integers[SPECIALS]
  = { 0, 1, -1, INT64_MIN, INT64_MAX, 2, -2, 7, INT64_MIN + 1, INT64_MAX - 1, 31, 32, 33, 63, 64, 8, 16, 127, 128, 255, 256,
      65535, 0x7fffffff, -129 };

/* Puts special value NUMBER of TYPE at TO, unless the user's flags rule it out.  */
static void
put_special (const struct region *region, const struct type *type, unsigned number, void *to)
{
  number %= SPECIALS;
  if (type->kind == TYPE_FLOAT && (region->fp & FP_FINITE) && number >= FIRST_NAN && number < FIRST_FINITE)
    number = 2;
  if (type->kind == TYPE_FLOAT && (region->fp & FP_NO_SIGNED_ZERO) && number == 1)
    number = 0;
  if (type->kind == TYPE_FLOAT && type->size == 8)
    memcpy (to, &special_doubles[number], 8);
  else if (type->kind == TYPE_FLOAT)
    memcpy (to, &special_floats[number], 4);
  else if (type->kind == TYPE_BOOL)
    *(uint8_t *) to = number & 1;
  else
    {
      /* The limits of this size.  */
      unsigned width = (unsigned) type->size * 8;
      int64_t value = special_integers[number];
      uint64_t bits = (uint64_t) value;
      if (width < 64 && (value < INT64_MIN + 2 || value > INT64_MAX - 2))
        bits = (UINT64_C (1) << (width - 1)) + (uint64_t) (value < 0 ? value - INT64_MIN : value - INT64_MAX - 1);
      memcpy (to, &bits, type->size < 8 ? type->size : 8);
    }
}

static bool
special_products (struct trial *trial, struct outcome *outcomes)
{
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  unsigned timeouts = 0, n_bank = setup->n_bank[STATE_TYPICAL];
  unsigned n_values = 0;
  if (region->n_parameters == 0 || n_bank == 0)
    return true;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      if (value->type >= region->n_types || !is_scalar (&region->type[value->type])
          || value->n_locations != 1 || value->by_reference
          || (value->location[0].kind != LOCATION_GPR && value->location[0].kind != LOCATION_VEC))
        return true;
      n_values++;
    }
  /* All combinations of the first few, the same for all, then combinations drawn from all.  */
  static const unsigned first[] = { 0, SPECIALS, SPECIALS, 10, 5, 4, 3, 2, 2, 2 };
  unsigned base = n_values < sizeof first / sizeof *first ? first[n_values] : 1;
  uint64_t combinations = 1;
  for (unsigned i = 0; i < n_values && base > 1; i++)
    combinations *= base;
  uint64_t product = combinations + SPECIALS + (n_values > 2 ? DRAWN : 0);
  struct rng rng = { trial->verifier->options.seed };
  for (uint64_t from = 0; from < product && timeouts < TIMEOUTS_MAX; from += BATCH)
    {
      const struct state *states[BATCH];
      unsigned n = 0;
      for (; n < BATCH && from + n < product; n++)
        {
          const struct test *source = &setup->bank[STATE_TYPICAL][(from + n) % n_bank];
          struct state *state = arena__memdup (trial->arena, source->state, sizeof *state);
          uint64_t digits = from + n;
          for (unsigned p = 0; p < region->n_parameters; p++, digits /= base)
            {
              const struct location *location = &region->parameter[p].location[0];
              unsigned number = from + n < combinations ? digits % base
                                : from + n < combinations + SPECIALS ? (unsigned) (from + n - combinations)
                                : (unsigned) rng__below (&rng, SPECIALS);
              void *to = location->kind == LOCATION_GPR
                           ? (void *) &state->machine.gpr[location->number & 15]
                           : (void *) state->machine.vec[location->number & 31];
              put_special (region, &region->type[region->parameter[p].type], number, to);
            }
          states[n] = state;
        }
      if (!run_states (trial, 0, states, n, TIMEOUT_MS, outcomes, &timeouts))
        return false;
    }
  return true;
}

/* Floating-point arrays made of special values alone: that a maximum of zeros and negatives keeps its sign of zero
   shows on nothing else.  */
static bool
special_arrays (struct trial *trial, struct outcome *outcomes)
{
  static const uint8_t palettes[][4] = { { 0, 1, 0, 1 }, { 1, 3, 1, 6 }, { 1, 3, 5, 10 }, { 4, 5, 6, 2 }, { 0, 6, 1, 2 },
                                         { 6, 7, 8, 9 }, { 2, 6, 7, 15 }, { 13, 14, 12, 11 } };
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  unsigned timeouts = 0;
  struct rng rng = { trial->verifier->options.seed ^ 0x5eed };
  for (unsigned k = 0; k < sizeof palettes / sizeof *palettes; k++)
    for (unsigned t = 0; t < setup->n_bank[STATE_TYPICAL] && t < SOURCES_PER_KIND; t++)
      {
        const struct state *source = setup->bank[STATE_TYPICAL][t].state;
        struct state *state = arena__memdup (trial->arena, source, sizeof *state);
        bool changed = false;
        for (unsigned p = 0; p < region->n_parameters && timeouts < TIMEOUTS_MAX; p++)
          {
            const struct value *value = &region->parameter[p];
            const struct type *type = value->type < region->n_types ? &region->type[value->type] : NULL;
            if (!type || type->kind != TYPE_POINTER || type->element >= region->n_types
                || value->n_locations != 1 || value->location[0].kind != LOCATION_GPR)
              continue;
            const struct type *element = &region->type[type->element];
            if (element->kind != TYPE_FLOAT || !is_scalar (element))
              continue;
            uint64_t address = state->machine.gpr[value->location[0].number & 15];
            for (unsigned s = 0; s < state->n_spans; s++)
              {
                struct span *span = &state->span[s];
                if (address - span->address >= span->size)
                  continue;
                span->bytes = arena__memdup (trial->arena, span->bytes, span->size);
                for (uint64_t at = address - span->address; at + element->size <= span->size;
                     at += element->size)
                  {
                    put_special (region, element, palettes[k][rng__below (&rng, 4)], span->bytes + at);
                    changed = true;
                  }
              }
          }
        const struct state *states[] = { state };
        if (changed && !run_states (trial, 0, states, 1, TIMEOUT_MS, outcomes, &timeouts))
          return false;
      }
  return true;
}

/* One special number among ordinary ones, at each place up to past a vector step: what is handled lane by lane may be wrong in
   one.  */
static bool
special_places (struct trial *trial)
{
  static const uint8_t numbers[] = { 1, 4, 6, 8, 11, 13 };
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = value->type < region->n_types ? &region->type[value->type] : NULL;
      const struct type *element = type && type->kind == TYPE_POINTER && type->element < region->n_types
                                     ? &region->type[type->element] : NULL;
      if (!element || element->kind != TYPE_FLOAT || !is_scalar (element) || value->n_locations != 1
          || value->location[0].kind != LOCATION_GPR)
        continue;
      for (unsigned t = 0, used = 0; t < setup->n_bank[STATE_TYPICAL] && used < PLACE_SOURCES; t++)
        {
          const struct state *source = setup->bank[STATE_TYPICAL][t].state;
          uint64_t address = source->machine.gpr[value->location[0].number & 15];
          for (unsigned s = 0; s < source->n_spans; s++)
            {
              uint64_t at = address - source->span[s].address;
              if (at >= source->span[s].size || source->span[s].size - at < PLACES_LEAST * element->size)
                continue;
              used++;
              struct arena *arena = arena__new ();
              const struct state *states[BATCH];
              unsigned n = 0;
              bool well = true;
              for (unsigned place = 0; well && place < PLACES_MAX && at + (place + 1) * element->size <= source->span[s].size;
                   place++)
                for (unsigned k = 0; k < sizeof numbers && well; k++)
                  {
                    uint8_t bytes[8];
                    put_special (region, element, numbers[k], bytes);
                    states[n++] = input__patch (arena, source, s, (uint32_t) (at + place * element->size), bytes,
                                                (unsigned) element->size);
                    if (n == BATCH)
                      well = trial__try (trial, 0, states, n), n = 0;
                  }
              if (well && n)
                well = trial__try (trial, 0, states, n);
              arena__free (arena);
              if (!well)
                return false;
            }
        }
    }
  return true;
}

bool
derived__judge (struct trial *trial)
{
  trial->at_setup = 0;
  struct outcome *outcomes = ARENA_ARRAY (trial->arena, struct outcome, BATCH);
  return wide_sizes (trial, outcomes) && wide_distances (trial, outcomes) && special_products (trial, outcomes)
         && special_arrays (trial, outcomes) && special_places (trial);
}
