/* Millions of tests where they cost next to nothing: functions that call nobody, run in batches (sandbox__batch) on
   records that differ in their arguments, or in the contents of what these point to.

   Where all arguments are numbers, those near the ends of each one's range come first, one by one.

   The other tests are made with care and few; these find by sheer number what nobody thought of, such as one value in a
   million.  They add to the careful ones and stand for none of them: they count for no coverage and towards no
   least number.  What a batch calls a difference is run again the ordinary way, and only that
   can refute.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include "machine/value-mask.h"
#include "states/values.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 100
/* Functions that take longer on such inputs are none for volume.  */
#define BATCH_TIMEOUT_MS 10
/* Records in the first call, before it is known how fast they are; then as many as fit into so many seconds.  */
#define PIECE_FIRST 8
#define PIECE_SECONDS 0.02
/* How long the phase may take: some millions of small functions' runs.  */
#define VOLUME_SECONDS 0.25
#define VOLUME_SHARE 0.05
/* Of the time that there is, and what all gets at least.  */
#define WINDOW_SHARE 0.6
#define VOLUME_SECONDS_LEAST 0.06
/* Records that don't return, or differ in a batch alone, before it is given up.  */
#define STOPS_MAX 12
/* Interesting values of each parameter, a power of two.  */
enum { VALUES = 512 };
/* Bytes of all spans of a base, at most: they are copied for each record.  */
#define MEMORY_MAX (24u << 10)
enum { BASES_PER_KIND = 4, PART_MAX = 512 };

/* Windows: each integer parameter from each end of its range, as a number with and without a sign, so far; the others are those of
   a state that was the first to come to some instruction.  */
enum { WINDOW = 1024, WINDOW_ENDS = 4, SOURCES_MAX = 16 };

/* A parameter whose value changes from record to record.  */
struct varied
{
  bool is_vector;
  unsigned number, size;       /* of the register; bytes of the value */
  bool is_signed, is_float, is_bool;
  uint64_t value[VALUES];
};

struct volume
{
  const struct trial *trial;
  struct batch_shape shape;
  const struct state *base;
  uint64_t seed;
  unsigned n_varied;
  struct varied varied[16];
  unsigned n_sources;
  const struct state *source[SOURCES_MAX];
  /* Of each object of the shape: where its bytes are in the base, and the part of it that changes from record to
     record, of elements of so many bytes.  */
  struct
  {
    const uint8_t *base;
    uint32_t from, size;
    uint8_t element;
  } object[BATCH_OBJECTS_MAX];
};

static bool
is_scalar (const struct type *type)
{
  return type
         && (type->kind == TYPE_INTEGER || type->kind == TYPE_BOOL
             || (type->kind == TYPE_FLOAT && !type->x87 && (type->size == 4 || type->size == 8)))
         && type->size >= 1 && type->size <= 8;
}

/* Values near the constants of both versions and the type's limits, special numbers, and some at random.  */
static void
choose_values (struct volume *volume, struct varied *varied, const struct type *type)
{
  static const double special[] = { 0.0, -0.0, 1.0, -1.0, 0.5, __builtin_inf (), -__builtin_inf (),
                                    __builtin_nan (""), 1e-310, 2147483648.0, 9007199254740993.0, 1e308 };
  const struct region *region = volume->trial->verifier->region;
  struct pool pool = { 0 };
  pool__scan (&pool, volume->trial->verifier->original.code);
  pool__scan (&pool, volume->trial->side.code);
  struct rng rng = { volume->seed ^ varied->number * 77u };
  for (unsigned i = 0; i < VALUES; i++)
    {
      uint64_t *value = &varied->value[i];
      if (varied->is_float)
        {
          double number = special[rng__below (&rng, sizeof special / sizeof *special)];
          if (i % 4 == 1)
            number = (double) (int64_t) (rng__below (&rng, 2001)) - 1000;
          else if (i % 4 == 2)
            number = (double) (int64_t) rng__next (&rng) / 65536.0;
          float single = (float) number;
          *value = rng__next (&rng);
          if (i % 4 != 3 && type->size == 8)
            memcpy (value, &number, 8);
          else if (i % 4 != 3)
            memcpy (value, &single, 4);
        }
      else
        {
          static const enum scalar_profile profiles[]
            = { SCALAR_BOUNDARY, SCALAR_CONSTANT, SCALAR_BOUNDARY, SCALAR_MAGNITUDE, SCALAR_CONSTANT,
                SCALAR_SIGNED, SCALAR_BYTE, SCALAR_RANDOM };
          *value = value__scalar (&rng, profiles[i % 8], STATE_BOUNDARY, region, varied->size,
                                  varied->is_signed, &pool);
        }
    }
}

/* VALUE as the ABI has VARIED in a general register: below 32 bits callers extend, what is above is undefined.  */
static uint64_t
in_register (const struct varied *varied, uint64_t value, uint64_t junk)
{
  if (varied->is_bool)
    value &= 1;
  if (varied->size >= 8)
    return value;
  if (varied->size < 4)
    {
      unsigned shift = 64 - 8 * varied->size;
      value = varied->is_signed ? (uint64_t) ((int64_t) (value << shift) >> shift)
                                : value << shift >> shift;
    }
  return (junk & ~UINT64_C (0xffffffff)) | (value & 0xffffffff);
}

/* Changes the SIZE bytes at TO, of elements of ELEMENT bytes, as RANDOM has it.  */
static void
fill_object (uint8_t *to, size_t size, unsigned element, const uint8_t *base, struct rng *rng)
{
  static const uint64_t masks[8] = { ~UINT64_C (0), ~UINT64_C (0), 0x0f0f0f0f0f0f0f0f, 0x0101010101010101,
                                     0x00ff00ff00ff00ff, 0x000000ff000000ff, 0x0000000f0000000f, 0xff };
  uint64_t choice = rng__next (rng), mask = masks[choice & 7];
  /* A few words in the other half: that all change at once hides what depends on one.  */
  if (choice & 8)
    {
      for (unsigned i = 0; i < 4; i++)
        {
          uint64_t word = rng__next (rng) & mask;
          memcpy (to + rng__below (rng, size / 8) * 8, &word, 8);
        }
    }
  else
    rng__fill (rng, to, size);
  for (size_t at = 0; !(choice & 8) && mask != ~UINT64_C (0) && at + 8 <= size; at += 8)
    {
      uint64_t word;
      memcpy (&word, to + at, 8);
      word &= mask;
      memcpy (to + at, &word, 8);
    }
  /* Where strings may be, their ends stay.  */
  for (size_t at = 0; element == 1 && at < size; at++)
    to[at] = base[at] == 0 ? 0 : to[at] == 0 ? 1 : to[at];
}

static void
fill (void *data, uint64_t first, unsigned n, uint8_t *records, size_t step)
{
  const struct volume *volume = data;
  const struct state *base = volume->base;
  bool fixed = volume->shape.n_objects > 0;
  for (unsigned i = 0; i < n; i++)
    {
      uint8_t *record = records + i * step;
      uint64_t *gpr = (uint64_t *) record;
      struct rng rng = { mix2 (volume->seed, first + i) };
      if (fixed)
        memcpy (gpr, base->machine.gpr, 128);
      else
        rng__fill (&rng, gpr, 128);
      gpr[4] = rng__next (&rng) & 0x8d5;
      memset (record + 128, 0, step - 128);
      if (fixed)
        for (unsigned v = 0; v < volume->shape.vectors_in; v++)
          memcpy (record + 128 + v * volume->shape.width_in, base->machine.vec[v],
                  volume->shape.width_in);
      for (unsigned p = 0; p < volume->n_varied; p++)
        {
          const struct varied *varied = &volume->varied[p];
          uint64_t random = rng__next (&rng), value = varied->value[random % VALUES];
          switch (random >> 61)
            {
            case 0:
            case 1:
              break;
            case 2:
              value += (random >> 20 & 7) - 3;
              break;
            case 3:
              value = rng__next (&rng) >> (random >> 30 & 63);
              break;
            case 4:
              value ^= UINT64_C (1) << (random >> 30 & 63);
              break;
            default:
              value = rng__next (&rng);
            }
          if (varied->is_vector)
            memcpy (record + 128 + varied->number * volume->shape.width_in, &value, varied->size);
          else
            gpr[varied->number] = in_register (varied, value, random * 0x9e3779b97f4a7c15u);
        }
      for (unsigned o = 0; o < volume->shape.n_objects; o++)
        {
          uint8_t *to = record + batch__object_in (&volume->shape, o);
          memcpy (to, volume->object[o].base, volume->shape.object[o].size);
          if (volume->object[o].size)
            fill_object (to + volume->object[o].from, volume->object[o].size, volume->object[o].element,
                         volume->object[o].base + volume->object[o].from, &rng);
        }
    }
}

/* Records of windows: INDEX is a place in a window, the end, the parameter, the source, in this order.  */
static void
fill_windows (void *data, uint64_t first, unsigned n, uint8_t *records, size_t step)
{
  const struct volume *volume = data;
  for (unsigned i = 0; i < n; i++)
    {
      uint64_t index = first + i, place = index % WINDOW, end = index / WINDOW % WINDOW_ENDS;
      uint64_t which = index / (WINDOW * WINDOW_ENDS);
      const struct varied *varied = &volume->varied[which % volume->n_varied];
      const struct state *source = volume->source[which / volume->n_varied % volume->n_sources];
      uint8_t *record = records + i * step;
      uint64_t *gpr = (uint64_t *) record, mask = low_bytes__mask (varied->size);
      const uint64_t from[WINDOW_ENDS] = { mask, 0, mask >> 1, (mask >> 1) + 1 };
      memcpy (gpr, source->machine.gpr, 128);
      gpr[4] = 0;
      memset (record + 128, 0, step - 128);
      for (unsigned v = 0; v < volume->shape.vectors_in; v++)
        memcpy (record + 128 + v * volume->shape.width_in, source->machine.vec[v], volume->shape.width_in);
      if (!varied->is_vector && !varied->is_bool)
        gpr[varied->number] = in_register (varied, (end & 1 ? from[end] + place : from[end] - place) & mask, index);
    }
}

/* What of a result counts, by the result's type.  False where it is somewhere that batches don't show.  */
static bool
set_mask (struct volume *volume, uint8_t *mask)
{
  const struct region *region = volume->trial->verifier->region;
  uint8_t bits[256];
  batch__mask (&volume->shape, mask);
  compare__value_mask (region, &region->result, bits, sizeof bits);
  for (unsigned i = 0; i < region->result.n_locations; i++)
    {
      const struct location *location = &region->result.location[i];
      if (location->offset + location->size > sizeof bits)
        return false;
      uint8_t *to;
      if (location->kind == LOCATION_GPR && location->number < 16 && location->number != 4
          && location->size <= 8)
        to = mask + 8 * location->number;
      else if (location->kind == LOCATION_VEC && location->number < volume->shape.vectors_out
               && location->size <= volume->shape.width_out)
        to = mask + 128 + location->number * volume->shape.width_out;
      else
        return false;
      for (unsigned k = 0; k < location->size; k++)
        to[k] |= bits[location->offset + k];
    }
  if (region->fp & FP_TRAPPING)
    {
      uint64_t sticky, flags = UINT64_C (0x3f) << 32 | UINT64_C (0x3f) << 56;
      memcpy (&sticky, mask + 32, 8);
      sticky |= flags;
      memcpy (mask + 32, &sticky, 8);
    }
  return true;
}

/* The registers that arguments and result take.  False where some can't be had in a batch.  */
static bool
set_vectors (struct volume *volume)
{
  const struct region *region = volume->trial->verifier->region;
  unsigned n_in = 0, n_out = 0, size_in = 16, size_out = 16;
  for (unsigned p = 0; p < region->n_parameters; p++)
    for (unsigned i = 0; i < region->parameter[p].n_locations; i++)
      {
        const struct location *location = &region->parameter[p].location[i];
        if (location->kind == LOCATION_STACK || location->kind == LOCATION_X87)
          return false;
        if (location->kind != LOCATION_VEC)
          continue;
        n_in = location->number + 1 > n_in ? location->number + 1 : n_in;
        size_in = location->size > size_in ? location->size : size_in;
      }
  for (unsigned i = 0; i < region->result.n_locations; i++)
    {
      const struct location *location = &region->result.location[i];
      if (location->kind != LOCATION_VEC)
        continue;
      n_out = location->number + 1 > n_out ? location->number + 1 : n_out;
      size_out = location->size > size_out ? location->size : size_out;
    }
  if (n_in > 16 || n_out > 16 || size_in > 64 || size_out > 64)
    return false;
  volume->shape.vectors_in = n_in;
  volume->shape.width_in = size_in > 32 ? 64 : size_in > 16 ? 32 : 16;
  volume->shape.vectors_out = n_out;
  volume->shape.width_out = size_out > 32 ? 64 : size_out > 16 ? 32 : 16;
  return true;
}

/* Runs RECORD the ordinary way on both sides.  False where the verdict is filled; *AGREED where the batch was wrong
   about it.  */
static bool
settle_record (struct trial *trial, const struct volume *volume, const uint8_t *record, uint64_t seed)
{
  trial->at_setup = 0;
  struct arena *arena = arena__new ();
  struct state *state = arena__memdup (arena, volume->base, sizeof *state);
  struct why why = { 0 };
  struct difference difference = { 0 };
  bool well = true;
  for (unsigned s = 0; s < state->n_spans; s++)
    state->span[s].bytes = arena__memdup (arena, volume->base->span[s].bytes, state->span[s].size);
  batch__state (&volume->shape, record, seed, state);
  struct outcome *expected = ARENA_NEW (arena, struct outcome);
  struct test test = { .kind = STATE_BOUNDARY, .state = state, .expected = expected, .arena = arena };
  if (sandbox__run (trial->verifier->setup[0].sandbox, 0, (const struct state *const *) &state,
                    expected, 1, TIMEOUT_MS, &why))
    {
      trial__unknown (trial, &why);
      well = false;
    }
  else if (expected->status == RUN_RETURNED || expected->status == RUN_TRAPPED)
    {
      unsigned which = 0;
      enum comparison comparison = differential__run (trial, trial->sandbox[0], &test, 1, 2 * TIMEOUT_MS,
                                                      true, &which, &difference);
      well = trial__settle (trial, comparison, &test, &difference);
    }
  arena__free (arena);
  return well;
}

/* Batches over VOLUME's records, TOTAL that FILL makes, until UNTIL.  False where the verdict is filled.  */
static bool
run_volume (struct trial *trial, struct volume *volume, batch_fill *fill, uint64_t total, double until)
{
  uint8_t *mask = malloc (batch__result_size (&volume->shape));
  struct batch_side side[2] = { { trial->verifier->setup[0].sandbox, 0 }, { trial->sandbox[0], 0 } };
  bool well = true;
  unsigned stops = 0;
  uint64_t piece = PIECE_FIRST;
  if (mask && set_mask (volume, mask))
    for (uint64_t at = 0; well && at < total && stops < STOPS_MAX && verify__now () < until;)
      {
        piece = piece < total - at ? piece : total - at;
        struct batch_result result;
        struct why why;
        double began = verify__now ();
        /* That batches can't be had says nothing of the candidate: the other tests remain.  */
        if (sandbox__batch (side, &volume->shape, mask, fill, volume, at, piece,
                            BATCH_TIMEOUT_MS, &result,
                            &why))
          break;
        trial->verdict->tests += result.index - at;
        trial->volume += result.index - at;
        double took = verify__now () - began;
        double fit = took > 0 ? (double) (result.index - at) / took * PIECE_SECONDS : PIECE_FIRST;
        /* Not at once to where one measurement of a few leads.  */
        piece = fit < (double) piece * 8 ? (uint64_t) fit + PIECE_FIRST : piece * 8;
        at = result.index;
        if (result.end != BATCH_SAME)
          {
            well = settle_record (trial, volume, result.record, volume->seed + at);
            free ((void *) result.record);
            stops++;
            at++;
          }
      }
  free (mask);
  return well;
}

static bool
scalars (struct trial *trial, double until)
{
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  struct volume *volume = ARENA_NEW (trial->arena, struct volume);
  volume->trial = trial;
  volume->seed = trial->verifier->options.seed ^ 0x70;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      const struct location *location = &value->location[0];
      if (!is_scalar (type) || value->by_reference || value->n_locations != 1
          || volume->n_varied == sizeof volume->varied / sizeof *volume->varied
          || (location->kind != LOCATION_GPR && location->kind != LOCATION_VEC) || location->number >= 16
          || location->number == (location->kind == LOCATION_GPR ? 4 : 16))
        return true;
      struct varied *varied = &volume->varied[volume->n_varied++];
      *varied = (struct varied) { .is_vector = location->kind == LOCATION_VEC,
                                  .number = location->number,
                                  .size = (unsigned) type->size,
                                  .is_signed = type->is_signed,
                                  .is_float = type->kind == TYPE_FLOAT,
                                  .is_bool = type->kind == TYPE_BOOL };
      choose_values (volume, varied, type);
    }
  for (unsigned t = 0; t < setup->n_bank[STATE_TYPICAL]; t++)
    if (setup->bank[STATE_TYPICAL][t].expected->status == RUN_RETURNED)
      {
        volume->base = volume->shape.base = setup->bank[STATE_TYPICAL][t].state;
        break;
      }
  if (!volume->base || volume->base->stack_bytes || !set_vectors (volume))
    return true;
  volume->n_sources = sources__first_there (trial, volume->source, SOURCES_MAX);
  double now = verify__now ();
  uint64_t windows = (uint64_t) WINDOW * WINDOW_ENDS * volume->n_varied * volume->n_sources;
  if (!run_volume (trial, volume, fill_windows, windows, now + WINDOW_SHARE * (until - now)))
    return false;
  return run_volume (trial, volume, fill, UINT64_MAX, until);
}

/* Which bytes of SPAN the original changed on TEST, as offsets; none: *BEGIN is *END.  */
static void
changed_bytes (const struct test *test, unsigned s, uint32_t *begin, uint32_t *end)
{
  const struct span *span = &test->state->span[s];
  const uint8_t *after = test->expected->span_bytes[s];
  *begin = *end = 0;
  if (!(span->protection & PROT_STATE_WRITE) || memcmp (span->bytes, after, span->size) == 0)
    return;
  *end = span->size;
  while (span->bytes[*begin] == after[*begin])
    (*begin)++;
  while (span->bytes[*end - 1] == after[*end - 1])
    (*end)--;
}

/* Objects of plain numbers get other contents, all else is as in the base.  An object of the batch is what changes between
   records and what the original changed: anything else that a run changes ends the batch.  False where there is
   nothing to change.  */
static bool
choose_objects (struct volume *volume, const struct test *test)
{
  const struct region *region = volume->trial->verifier->region;
  const struct state *base = volume->base;
  unsigned element[SPANS_MAX] = { 0 };
  uint32_t from[SPANS_MAX] = { 0 };
  bool fixed[SPANS_MAX] = { false }, any = false;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      if (value->n_locations != 1 || value->location[0].kind != LOCATION_GPR
          || value->location[0].number >= 16)
        continue;
      uint64_t address = base->machine.gpr[value->location[0].number];
      const struct type *pointee = type && type->kind == TYPE_POINTER && !value->by_reference
                                     ? region__type (region, type->element) : NULL;
      for (unsigned s = 0; s < base->n_spans; s++)
        if (address - base->span[s].address < base->span[s].size)
          {
            uint32_t at = (uint32_t) (address - base->span[s].address);
            if (!is_scalar (pointee) || pointee->kind == TYPE_BOOL)
              fixed[s] = true;
            else if (!element[s] || at < from[s])
              {
                element[s] = (unsigned) pointee->size;
                from[s] = at;
              }
          }
    }
  volume->shape.n_objects = 0;
  for (unsigned s = 0; s < base->n_spans; s++)
    {
      const struct span *span = &base->span[s];
      uint32_t begin, end, size = 0;
      changed_bytes (test, s, &begin, &end);
      if (element[s] && !fixed[s] && slot__of (span->address) >= SANDBOX_GLOBAL_SLOTS)
        {
          size = (span->size - from[s]) & ~7u;
          size = size < PART_MAX ? size : PART_MAX;
        }
      if (size)
        {
          begin = begin == end || from[s] < begin ? from[s] : begin;
          end = from[s] + size > end ? from[s] + size : end;
        }
      if (begin == end)
        continue;
      unsigned o = volume->shape.n_objects++;
      volume->shape.object[o] = (struct batch_object) { span->address + begin, end - begin };
      volume->object[o].base = span->bytes + begin;
      volume->object[o].from = from[s] - begin;
      volume->object[o].size = size;
      volume->object[o].element = (uint8_t) element[s];
      any |= size != 0;
    }
  return any;
}

static bool
contents (struct trial *trial, double until)
{
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_BOUNDARY, STATE_OVERLAP };
  struct setup *setup = &trial->verifier->setup[0];
  struct volume *volume = ARENA_NEW (trial->arena, struct volume);
  volume->trial = trial;
  if (!set_vectors (volume))
    return true;
  double began = verify__now ();
  unsigned n = sizeof kinds / sizeof *kinds * BASES_PER_KIND, done = 0;
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (unsigned t = 0, taken = 0; t < setup->n_bank[kinds[k]] && taken < BASES_PER_KIND; t++)
      {
        const struct test *test = &setup->bank[kinds[k]][t];
        const struct state *base = test->state;
        size_t bytes = 0;
        for (unsigned s = 0; s < base->n_spans; s++)
          bytes += base->span[s].size;
        if (test->expected->status != RUN_RETURNED || base->n_spans == 0
            || base->n_spans > BATCH_OBJECTS_MAX || bytes > MEMORY_MAX || base->stack_bytes)
          continue;
        volume->base = volume->shape.base = base;
        volume->seed = trial->verifier->options.seed ^ (k * 1000 + t);
        if (!choose_objects (volume, test))
          continue;
        taken++;
        done++;
        if (!run_volume (trial, volume, fill, UINT64_MAX, began + (until - began) * done / n))
          return false;
      }
  return true;
}

bool
volume__judge (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  double until = trial__until (trial, VOLUME_SHARE, VOLUME_SECONDS_LEAST), most = verify__now () + VOLUME_SECONDS;
  until = until < most ? until : most;
  /* With such flags not every number is an input, or results needn't be the same to the bit.  */
  if (region->n_callees || (region->fp & (FP_FAST | FP_FINITE | FP_NO_SIGNED_ZERO)))
    return true;
  bool pointers = region->result.by_reference;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      pointers |= !is_scalar (type) || region->parameter[p].by_reference;
    }
  return pointers ? contents (trial, until) : scalars (trial, until);
}
