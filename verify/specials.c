/* Special values together: that -0 + -0 is -0 shows only where both are -0, which independent draws rarely give.  Functions of
   scalars alone are run on the cross product; arrays of floating point are filled with special values alone, or hold one among
   ordinary numbers.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/random.h"
#include "verify/input.h"
#include "verify/internal.h"

#include <string.h>

#define SOURCES_PER_KIND 6
#define DRAWN 512
#define BATCH 32
/* Special numbers at each place: of so many tests and places, in arrays that have at least so many.  */
enum { SPECIAL_SOURCES = 3, SPECIAL_MS = 100, PLACE_SOURCES = 2, PLACES_LEAST = 12, PLACES_MAX = 36 };

static bool
is_scalar (const struct type *type)
{
  return type->kind == TYPE_INTEGER || type->kind == TYPE_BOOL
         || (type->kind == TYPE_FLOAT && !type->x87 && (type->size == 4 || type->size == 8));
}

/* Special numbers: how many of each kind, and those of floating point as bits.  NaNs of both kinds and signs with
   payloads that tell them apart, what rounds half way, the limits of conversions to integers.  */
enum { SPECIALS = 24, FIRST_NAN = 4, FIRST_FINITE = 10, LARGEST = 13 };

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
special_products (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  unsigned n_bank = setup->n_bank[STATE_TYPICAL];
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
  for (uint64_t from = 0; from < product; from += BATCH)
    {
      const struct state *states[BATCH];
      struct arena *arena = arena__new ();
      unsigned n = 0;
      for (; n < BATCH && from + n < product; n++)
        {
          const struct test *source = &setup->bank[STATE_TYPICAL][(from + n) % n_bank];
          struct state *state = arena__memdup (arena, source->state, sizeof *state);
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
      bool well = trial__try (trial, 0, states, n);
      arena__free (arena);
      if (!well)
        return false;
    }
  return true;
}

/* The type of the numbers in floating point that parameter P points to, *GPR the register; NULL where it points to none.  */
static const struct type *
floats_behind (const struct region *region, unsigned p, int *gpr)
{
  const struct type *type = region__type (region, region->parameter[p].type);
  const struct type *element = type && type->kind == TYPE_POINTER ? region__type (region, type->element) : NULL;
  *gpr = value__gpr (&region->parameter[p]);
  return element && element->kind == TYPE_FLOAT && is_scalar (element) && *gpr >= 0 ? element : NULL;
}

/* Fills the ELEMENTs of STATE's SPAN from byte AT: of PALETTE, or where that is NULL with zeros and, twice at the end, the
   largest number, so that a sum overflows in its last step.  */
static void
fill_floats (const struct region *region, struct span *span, uint64_t at, const struct type *element, const uint8_t *palette,
             struct rng *rng)
{
  for (; at + element->size <= span->size; at += element->size)
    {
      bool last = at + 3 * element->size > span->size;
      put_special (region, element, palette ? palette[rng__below (rng, 4)] : last ? LARGEST : 0, span->bytes + at);
    }
}

/* Of which special numbers arrays are made.  */
static const uint8_t palettes[][4] = { { 6, 7, 8, 9 }, { 2, 6, 7, 15 }, { 0, 1, 0, 1 }, { 1, 3, 1, 6 }, { 1, 3, 5, 10 },
                                       { 4, 5, 6, 2 }, { 0, 6, 1, 2 },  { 13, 14, 12, 11 } };
enum { PALETTES = sizeof palettes / sizeof *palettes };

/* SOURCE, in ARENA, with its arrays of floating point made of PALETTE (see fill_floats), and where SCALARS is told its numbers in
   floating point, too.  *CHANGED where there are such arrays.  */
static struct state *
with_specials (struct arena *arena, const struct region *region, const struct state *source, const uint8_t *palette, bool scalars,
               struct rng *rng, bool *changed)
{
  struct state *state = arena__memdup (arena, source, sizeof *state);
  *changed = false;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      int gpr;
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type), *element = floats_behind (region, p, &gpr);
      if (scalars && palette && type && type->kind == TYPE_FLOAT && is_scalar (type) && value->n_locations == 1
          && !value->by_reference && value->location[0].kind == LOCATION_VEC)
        put_special (region, type, palette[rng__below (rng, 4)], state->machine.vec[value->location[0].number & 31]);
      int s = element ? state__span_of (state, state->machine.gpr[gpr]) : -1;
      if (s >= 0)
        {
          uint64_t at = state->machine.gpr[gpr] - state->span[s].address;
          input__own_span (arena, state, source, (unsigned) s);
          fill_floats (region, &state->span[s], at, element, palette, rng);
          *changed |= at + element->size <= state->span[s].size;
        }
    }
  return state;
}

/* Floating-point arrays made of special values alone: that a maximum of zeros and negatives keeps its sign of zero
   shows on nothing else.  */
static bool
special_arrays (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  struct rng rng = { trial->verifier->options.seed ^ 0x5eed };
  for (unsigned k = 0; k <= PALETTES; k++)
    for (unsigned t = 0; t < setup->n_bank[STATE_TYPICAL] && t < SOURCES_PER_KIND; t++)
      {
        bool changed;
        struct arena *arena = arena__new ();
        const struct state *state = with_specials (arena, region, setup->bank[STATE_TYPICAL][t].state,
                                                   k < PALETTES ? palettes[k] : NULL, t & 1, &rng, &changed);
        bool well = !changed || trial__try (trial, 0, &state, 1);
        arena__free (arena);
        if (!well)
          return false;
      }
  return true;
}

unsigned
verifier__specials (struct verifier *verifier, const struct test *from, unsigned n_from, struct arena *arena,
                    struct test *tests, unsigned most)
{
  const struct region *region = verifier->region;
  struct rng rng = { verifier->options.seed ^ 0x5eed };
  struct outcome *outcome = ARENA_NEW (arena, struct outcome);
  unsigned made = 0, sources = 0;
  for (unsigned i = 0; i < n_from && sources < SPECIAL_SOURCES; i++)
    {
      if (from[i].kind != STATE_TYPICAL)
        continue;
      sources++;
      for (unsigned k = 0; k < PALETTES && made < most; k++)
        {
          bool changed;
          struct why ignored;
          struct state *state = with_specials (arena, region, from[i].state, palettes[k], true, &rng, &changed);
          const struct state *states[] = { state };
          if (!changed || sandbox__run (verifier->setup[0].sandbox, 0, states, outcome, 1, SPECIAL_MS, &ignored)
              || outcome->status != RUN_RETURNED || outcome->n_events_lost)
            continue;
          tests[made++] = (struct test) { .kind = STATE_TRAP, .state = state,
                                          .expected = outcome__copy (arena, outcome, state), .arena = arena };
        }
    }
  return made;
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
      int gpr;
      const struct type *element = floats_behind (region, p, &gpr);
      if (!element)
        continue;
      for (unsigned t = 0, used = 0; t < setup->n_bank[STATE_TYPICAL] && used < PLACE_SOURCES; t++)
        {
          const struct state *source = setup->bank[STATE_TYPICAL][t].state;
          uint64_t address = source->machine.gpr[gpr];
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
specials__judge (struct trial *trial)
{
  trial->at_setup = 0;
  return special_products (trial) && special_arrays (trial) && special_places (trial);
}
