/* Where the original's result goes over from one stretch to the next, near the ends of a type's range.

   A quotient is a staircase, a remainder a saw: a reciprocal that is off in its last bit is wrong for the last number before a
   step, far out, and for nothing else, so that neither chance nor any comparison in the code leads there.  From each end of the
   range the stretch is followed on which the result is linear in the input, by ever longer strides and then by halving them;
   what stands at its edge is tested, and the next stretch is followed from there.  The other parameters are those of tests that
   were the first to come to some instruction.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/input.h"
#include "verify/internal.h"

enum
{
  TIMEOUT_MS = 20,
  SOURCES = 2,      /* tests whose other parameters are kept, */
  SOURCES_FIRST = 6,/* … and those that reached something first */
  STRETCHES = 6,    /* from each end, */
  STRETCHES_FIRST = 96, /* … for those that reached something first */
  AROUND = 2,       /* numbers on both sides of an edge */
  RUNS_MAX = 6000,  /* of the original */
  FAILURES_MAX = 16 /* runs that don't return */
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
  if (well)
    *result = outcome->machine.gpr[0] & edges->scale;
  arena__free (arena);
  return well;
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
      struct arena *arena = arena__new ();
      for (unsigned k = 0; k < 2 * AROUND; k++)
        {
          /* What traps is no step: a size that no object has.  */
          uint64_t value = from + direction * (good + 1 + k - AROUND), result;
          states[n] = input__put (arena, edges->source, &edges->input, value & edges->mask);
          n += states[n] && result_of (edges, value, &result);
        }
      bool well = n == 0 || trial__try (edges->trial, 0, states, n);
      arena__free (arena);
      if (!well)
        return false;
      from += direction * bad;
    }
  return true;
}

/* Every integer parameter of the source, from each end of its range.  */
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
      edges->mask = inputs[i].size == 8 ? UINT64_MAX : (UINT64_C (1) << (8 * inputs[i].size)) - 1;
      uint64_t half = edges->mask >> 1;
      if (!follow (edges, edges->mask, UINT64_MAX) || !follow (edges, half, UINT64_MAX)
          || !follow (edges, half + 1, 1) || !follow (edges, 0, 1))
        return false;
    }
  return true;
}

bool
edges__judge (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  const struct setup *setup = &trial->verifier->setup[0];
  const struct type *type = region__type (region, region->result.type);
  if (!type || type->kind != TYPE_INTEGER || type->size > 8 || region->result.n_locations != 1
      || region->result.location[0].kind != LOCATION_GPR || region->result.location[0].number != 0)
    return true;
  struct edges edges = { .trial = trial, .stretches = STRETCHES, .until = verify__now () + SECONDS_MAX };
  edges.scale = type->size == 8 ? UINT64_MAX : (UINT64_C (1) << (8 * type->size)) - 1;
  for (unsigned t = 0; t < SOURCES && t < setup->n_bank[STATE_TYPICAL]; t++)
    {
      edges.source = setup->bank[STATE_TYPICAL][t].state;
      if (!follow_all (&edges))
        return false;
    }
  const struct state *source[SOURCES_FIRST];
  unsigned n = 0;
  for (unsigned i = 0; i < trial->side.decoded->n_insns && n < SOURCES_FIRST; i++)
    if (trial->first_there[i])
      sources__add (source, &n, trial->first_there[i]);
  double seconds = SHARE_FIRST * trial->verifier->options.budget_seconds, began = verify__now ();
  if (seconds < SECONDS_FIRST_LEAST)
    seconds = SECONDS_FIRST_LEAST;
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
