/* Where the original's result goes over from one stretch to the next, near the ends of a type's range.

   A quotient is a staircase, a remainder a saw: a reciprocal that is off in its last bit is wrong for the last number before a
   step, far out, and for nothing else, so that neither chance nor any comparison in the code leads there.  From each end of the
   range the stretch is followed on which the result is linear in the input, by ever longer strides and then by halving them;
   what stands at its edge is tested, and the next stretch is followed from there.  The other parameters are those of tests that
   were the first to come to some instruction.

   The same for the first element of arrays of integers: the result is then what changes with it, in memory or returned, and what
   stands at an edge is tested in all elements, as each may take another way through vectors and remainders; and in arrays of a
   few elements less, and those of tests that were the first to come to some instruction: which ways there are depends on the size.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/value-mask.h"
#include "verify/arrays.h"
#include "verify/input.h"
#include "verify/internal.h"

#include <string.h>

enum
{
  TIMEOUT_MS = 20,
  SOURCES = 2,      /* tests whose other parameters are kept, */
  SOURCES_FIRST = 6,/* … and those that reached something first */
  STRETCHES = 6,    /* from each end, */
  STRETCHES_FIRST = 96, /* … for those that reached something first */
  AROUND = 2,       /* numbers on both sides of an edge */
  RUNS_MAX = 6000,  /* of the original */
  FAILURES_MAX = 16, /* runs that don't return */
  ELEMENTS_WANTED = 35, /* of arrays: some vectors and a remainder */
  OTHERS = 20,      /* other arrays: those of fewer elements by up to FEWER, */
  FEWER = 15,
  OTHERS_ELEMENTS = 400 /* … and of other tests with at most so many */
};
#define SECONDS_MAX 0.3
/* For the latter: of the budget, and seconds at least.  */
#define SHARE_FIRST 0.03
#define SECONDS_FIRST_LEAST 0.05

struct edges
{
  struct trial *trial;
  struct arena *arena;
  const struct state *source;
  struct input input;
  const struct array *array; /* whose first element is the input, or NULL */
  unsigned n_others;
  struct { const struct state *state; struct array array; } other[OTHERS]; /* where edges are tested, too */
  int result_span;           /* where the result is: there, at result_at, or -1: in rax */
  uint32_t result_at;
  uint64_t mask;  /* of the input's bits */
  uint64_t scale; /* of the result's */
  unsigned runs, failures, stretches;
  double until;
};

/* The original's result for VALUE.  */
static bool
result_of (struct edges *edges, uint64_t value, uint64_t *result)
{
  struct why why;
  struct arena *arena = arena__new ();
  struct outcome *outcome = ARENA_ARRAY (arena, struct outcome, 1);
  const struct state *state = input__put (arena, edges->source, &edges->input, value & edges->mask);
  bool well = state
              && sandbox__run (edges->trial->verifier->setup[0].sandbox, 0, &state, outcome, 1, TIMEOUT_MS, &why) == 0
              && outcome->status == RUN_RETURNED;
  edges->runs++;
  edges->failures += !well;
  uint64_t word = 0;
  if (well && edges->result_span < 0)
    word = outcome->machine.gpr[0];
  else if (well)
    memcpy (&word, outcome->span_bytes[edges->result_span] + edges->result_at, edges->input.size);
  *result = word & edges->scale;
  arena__free (arena);
  return well;
}

/* STATE, a copy of SOURCE, with FIRST and the COUNT - 1 numbers behind it in all of ARRAY, but that the K-th comes first.  */
static void
fill_array (struct arena *arena, struct state *state, const struct state *source, const struct array *array, uint64_t first,
            unsigned count, unsigned k)
{
  uint8_t *bytes = input__own_span (arena, state, source, array->span) + array->from;
  for (uint32_t i = 0; (i + 1) * array->element->size <= array->size; i++)
    {
      uint64_t value = first + (k + i) % count;
      memcpy (bytes + i * array->element->size, &value, array->element->size);
    }
}

/* The source with FIRST + K as the input; where that is an element, with all COUNT numbers in the array.  */
static struct state *
with_values (struct edges *edges, struct arena *arena, uint64_t first, unsigned count, unsigned k)
{
  struct state *state = input__put (arena, edges->source, &edges->input, (first + k) & edges->mask);
  if (state && edges->array)
    fill_array (arena, state, edges->source, edges->array, first, count, k);
  return state;
}

/* The same in the other arrays.  False where the trial is settled.  */
static bool
try_others (struct edges *edges, uint64_t first, unsigned count)
{
  const struct state *states[OTHERS * 2 * AROUND];
  unsigned n = 0;
  if (!edges->array || !edges->n_others)
    return true;
  struct arena *arena = arena__new ();
  for (unsigned i = 0; i < edges->n_others; i++)
    for (unsigned k = 0; k < count && n < OTHERS * 2 * AROUND; k++)
      {
        struct state *state = arena__memdup (arena, edges->other[i].state, sizeof *state);
        fill_array (arena, state, edges->other[i].state, &edges->other[i].array, first, count, k);
        states[n++] = state;
      }
  bool well = trial__glance (edges->trial, states, n);
  arena__free (arena);
  return well;
}

/* Finds other arrays like ARRAY, which is number WHICH of the source's.  */
static void
find_others (struct edges *edges, const struct array *array, unsigned which)
{
  const struct state *source[4 * OTHERS];
  const struct region *region = edges->trial->verifier->region;
  unsigned n = sources__first_there (edges->trial, source, 4 * OTHERS);
  edges->n_others = 0;
  for (unsigned p = 0; p < region->n_parameters && !edges->n_others; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      uint64_t elements = gpr >= 0 ? edges->source->machine.gpr[gpr] : 0;
      for (unsigned k = 1; k <= FEWER && type && type->kind == TYPE_INTEGER && type->size >= 4 && elements > FEWER
                           && elements <= array->size / array->element->size; k++)
        {
          struct state *state = arena__memdup (edges->trial->arena, edges->source, sizeof *state);
          state->machine.gpr[gpr] = elements - k;
          edges->other[edges->n_others].state = state;
          edges->other[edges->n_others++].array = *array;
        }
    }
  /* The latest were the last to be reached: remainders of remainders.  */
  for (unsigned i = n; i-- > 0 && edges->n_others < OTHERS;)
    {
      struct arrays found = arrays__of (region, source[i]);
      if (which < found.n && found.array[which].element == array->element
          && found.array[which].size <= OTHERS_ELEMENTS * array->element->size && source[i] != edges->source)
        {
          edges->other[edges->n_others].state = source[i];
          edges->other[edges->n_others++].array = found.array[which];
        }
    }
}

static bool
may_go_on (const struct edges *edges)
{
  return edges->runs < RUNS_MAX && edges->failures < FAILURES_MAX && verify__now () < edges->until;
}

/* Is the result at FROM + STRIDE * DIRECTION what the line through FROM with SLOPE a number says?  */
static bool
on_line (struct edges *edges, uint64_t from, uint64_t direction, uint64_t stride, uint64_t at_from, uint64_t slope)
{
  uint64_t result;
  return result_of (edges, from + direction * stride, &result)
         && result == ((at_from + slope * stride) & edges->scale);
}

/* Follows so many stretches from END on, DIRECTION being 1 or -1, and tests what is at their edges.  False where the trial is settled.  */
static bool
follow (struct edges *edges, uint64_t end, uint64_t direction)
{
  uint64_t from = end;
  for (unsigned i = 0; i < edges->stretches && may_go_on (edges); i++)
    {
      uint64_t at_from, next;
      if (!result_of (edges, from, &at_from) || !result_of (edges, from + direction, &next))
        return true;
      uint64_t slope = next - at_from, good = 1, bad = 2;
      for (; bad && bad <= edges->mask >> 1 && on_line (edges, from, direction, bad, at_from, slope) && may_go_on (edges);
           bad <<= 1)
        good = bad;
      if (!bad || bad > edges->mask >> 1)
        return true;
      while (bad - good > 1 && may_go_on (edges))
        {
          uint64_t middle = good + (bad - good) / 2;
          if (on_line (edges, from, direction, middle, at_from, slope))
            good = middle;
          else
            bad = middle;
        }
      const struct state *states[2 * AROUND];
      unsigned n = 0;
      uint64_t first = from + direction * (good + 1) - AROUND;
      struct arena *arena = arena__new ();
      for (unsigned k = 0; k < 2 * AROUND; k++)
        {
          /* What traps is no step: a size that no object has.  */
          uint64_t result;
          states[n] = with_values (edges, arena, first, 2 * AROUND, k);
          n += states[n] && result_of (edges, first + k, &result);
        }
      bool well = n == 0 || (trial__try (edges->trial, 0, states, n)
                             && try_others (edges, first, 2 * AROUND));
      arena__free (arena);
      if (!well)
        return false;
      from += direction * bad;
    }
  return true;
}

/* The input from each end of its range, as a number with and without a sign.  */
static bool
follow_ends (struct edges *edges)
{
  edges->mask = low_bytes__mask (edges->input.size);
  uint64_t half = edges->mask >> 1;
  return follow (edges, edges->mask, UINT64_MAX) && follow (edges, half, UINT64_MAX) && follow (edges, half + 1, 1)
         && follow (edges, 0, 1);
}

/* Every integer parameter of the source.  */
static bool
follow_all (struct edges *edges)
{
  struct input inputs[INPUTS_MAX];
  unsigned n = input__list (edges->trial->verifier->region, edges->source, inputs);
  for (unsigned i = 0; i < n; i++)
    {
      if (inputs[i].kind != INPUT_GPR || inputs[i].parameter < 0 || !inputs[i].is_integer || inputs[i].size < 2)
        continue;
      edges->input = inputs[i];
      if (!follow_ends (edges))
        return false;
    }
  return true;
}

/* Is the result an integer in rax?  */
static bool
returns_integer (const struct region *region)
{
  const struct type *type = region__type (region, region->result.type);
  return type && type->kind == TYPE_INTEGER && type->size <= 8 && region->result.n_locations == 1
         && region->result.location[0].kind == LOCATION_GPR && region->result.location[0].number == 0;
}

/* Looks for what changes with the input: rax, or the first word of memory that does.  False where nothing does.  */
static bool
find_result (struct edges *edges)
{
  static const uint64_t values[] = { 0, UINT64_MAX, UINT64_MAX >> 1, 0x5555555555555555 };
  enum { VALUES = sizeof values / sizeof *values };
  const struct region *region = edges->trial->verifier->region;
  struct arena *arena = arena__new ();
  struct outcome *outcome = ARENA_ARRAY (arena, struct outcome, VALUES);
  const struct state *states[VALUES];
  struct why why;
  bool well = true, found = false;
  for (unsigned i = 0; i < VALUES && well; i++)
    well = (states[i] = input__put (arena, edges->source, &edges->input, values[i])) != NULL;
  well = well && sandbox__run (edges->trial->verifier->setup[0].sandbox, 0, states, outcome, VALUES, TIMEOUT_MS, &why) == 0;
  for (unsigned i = 0; i < VALUES && well; i++)
    well = outcome[i].status == RUN_RETURNED;
  uint64_t scale = returns_integer (region) ? low_bytes__mask (region__type (region, region->result.type)->size) : 0;
  for (unsigned i = 1; i < VALUES && well && !found; i++)
    if ((outcome[i].machine.gpr[0] ^ outcome[0].machine.gpr[0]) & scale)
      {
        edges->result_span = -1;
        edges->scale = scale;
        found = true;
      }
  uint32_t size = edges->input.size;
  for (unsigned s = 0; s < edges->source->n_spans && well && !found; s++)
    for (unsigned i = 1; i < VALUES && !found; i++)
      for (uint32_t at = 0; at + size <= edges->source->span[s].size && !found; at += size)
        {
          /* Not the input itself, unless it was changed.  */
          const uint8_t *x = outcome[0].span_bytes[s] + at, *y = outcome[i].span_bytes[s] + at;
          bool is_input = s == edges->input.number && at == edges->input.offset
                          && memcmp (y, states[i]->span[s].bytes + at, size) == 0;
          if (!is_input && memcmp (x, y, size) != 0)
            {
              edges->result_span = (int) s;
              edges->result_at = at;
              edges->scale = low_bytes__mask (size);
              found = true;
            }
        }
  arena__free (arena);
  return found;
}

/* The first elements of the arrays of a test that is large enough, or of any that there is.  */
static bool
follow_arrays (struct edges *edges)
{
  const struct region *region = edges->trial->verifier->region;
  edges->source = arrays__test (edges->trial, ELEMENTS_WANTED);
  if (!edges->source)
    edges->source = arrays__test (edges->trial, 1);
  if (!edges->source)
    return true;
  struct arrays found = arrays__of (region, edges->source);
  double began = verify__now (), seconds = edges->until - began;
  for (unsigned i = 0; i < found.n; i++)
    {
      const struct array *array = &found.array[i];
      /* Chance tries all numbers of a byte.  */
      if (array->element->kind != TYPE_INTEGER || array->element->size < 2 || array->element->size > 8
          || array->from + array->element->size > edges->source->span[array->span].size)
        continue;
      edges->array = array;
      edges->input = (struct input) { .kind = INPUT_MEMORY, .number = array->span, .offset = array->from,
                                      .size = (unsigned) array->element->size, .parameter = -1 };
      edges->runs = edges->failures = 0;
      edges->until = began + seconds * (i + 1) / found.n;
      if (!find_result (edges))
        continue;
      find_others (edges, array, i);
      if (!follow_ends (edges))
        return false;
    }
  edges->array = NULL;
  return true;
}

bool
edges__judge (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  const struct setup *setup = &trial->verifier->setup[0];
  struct edges edges = { .trial = trial, .stretches = STRETCHES,
                         .until = trial__until (trial, SHARE_FIRST, SECONDS_FIRST_LEAST) };
  trial->at_setup = 0;
  if (!follow_arrays (&edges))
    return false;
  if (!returns_integer (region))
    return true;
  edges.result_span = -1;
  edges.scale = low_bytes__mask (region__type (region, region->result.type)->size);
  edges.runs = edges.failures = 0;
  edges.until = verify__now () + SECONDS_MAX;
  for (unsigned t = 0; t < SOURCES && t < setup->n_bank[STATE_TYPICAL]; t++)
    {
      edges.source = setup->bank[STATE_TYPICAL][t].state;
      if (!follow_all (&edges))
        return false;
    }
  const struct state *source[SOURCES_FIRST];
  unsigned n = sources__first_there (trial, source, SOURCES_FIRST);
  double began = verify__now (), seconds = trial__until (trial, SHARE_FIRST, SECONDS_FIRST_LEAST) - began;
  edges.stretches = STRETCHES_FIRST;
  for (unsigned k = 0; k < n; k++)
    {
      /* Each has its part of the time.  */
      edges.source = source[k];
      edges.runs = edges.failures = 0;
      edges.until = began + seconds * (k + 1) / n;
      if (!follow_all (&edges))
        return false;
    }
  return true;
}
