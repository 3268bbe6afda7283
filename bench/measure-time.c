/* Timing both versions on one state, in turns.

   That a candidate is right was shown before; here it is held to it while it is timed.  Its plain run at each
   placement has to give what the original gives, and each timed call what its plain run gave: what remembers, skips
   or stops early when it is timed gives something else (sandbox/clock.c sees to it that there is nothing to
   remember).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure-set.h"

#include <math.h>
#include <string.h>

#define CHECK_TIMEOUT_MS 2000

/* Are all bytes of a result of TYPE compared?  Aggregates have padding, and rounding may differ where the user says
   so.  */
static bool
is_exact (const struct region *region, const struct type *type)
{
  if (!type)
    return false;
  switch (type->kind)
    {
    case TYPE_INTEGER:
    case TYPE_POINTER:
      return true;
    case TYPE_FLOAT:
      return !(region->fp & FP_FAST);
    default:
      return false;
    }
}

static bool
same_result (const struct region *region, const struct outcome *a, const struct outcome *b)
{
  const struct value *result = &region->result;
  bool exact = is_exact (region, region__type (region, result->type));
  for (unsigned i = 0; i < result->n_locations; i++)
    {
      unsigned number = result->location[i].number;
      /* The lowest byte of an integer is never padding.  */
      size_t size = exact ? result->location[i].size : 1;
      if (result->location[i].kind == LOCATION_GPR && number < 16
          && memcmp (&a->machine.gpr[number], &b->machine.gpr[number], size < 8 ? size : 8) != 0)
        return false;
      if (exact && result->location[i].kind == LOCATION_VEC && number < 16
          && memcmp (a->machine.vec[number], b->machine.vec[number], size < 16 ? size : 16) != 0)
        return false;
      if (exact && result->location[i].kind == LOCATION_X87 && memcmp (a->st0, b->st0, 10) != 0)
        return false;
    }
  return true;
}

/* Runs IMAGE once; *ANSWER gets what it answers, where that is as expected.  0, 1 and *WHY where it isn't, or -1 and
   *WHY.  */
static int
run_once (const struct measure_set *set, const struct timed *timed, struct sandbox *sandbox, unsigned image, unsigned p,
          struct timing_answer *answer, struct why *why)
{
  const struct state *state = timed->state;
  const struct outcome *expected = timed->expected;
  struct outcome outcome = { 0 };
  if (sandbox__run (sandbox, image, &state, &outcome, 1, CHECK_TIMEOUT_MS, why))
    return -1;
  if (outcome.status != RUN_RETURNED)
    why__set (why, REASON_RESULT, "it doesn't return on a fresh input, at placement %u", p);
  else if (!same_result (set->region, expected, &outcome))
    why__set (why, REASON_RESULT, "another result on a fresh input, at placement %u", p);
  else
    {
      for (unsigned s = 0; s < state->n_spans; s++)
        if (expected->span_bytes[s] && outcome.span_bytes[s]
            && memcmp (expected->span_bytes[s], outcome.span_bytes[s], state->span[s].size) != 0)
          {
            why__set (why, REASON_MEMORY, "other memory on a fresh input, at placement %u", p);
            return 1;
          }
      timing__answer (set->region, state, &outcome, answer);
      return 0;
    }
  return 1;
}

int
timed__check (const struct measure_set *set, struct timed *timed, struct sandbox *sandbox, unsigned p, struct why *why)
{
  int original = run_once (set, timed, sandbox, 0, p, &timed->answer[0][p], why);
  if (original < 0)
    return -1;
  if (original > 0)
    {
      timed->usable = false;
      return 0;
    }
  return run_once (set, timed, sandbox, 1, p, &timed->answer[1][p], why);
}

/* The median of a block of IMAGE's samples.  */
static int
time_block (struct sandbox *sandbox, unsigned image, unsigned p, bool cold, const struct timed *timed, double *median,
            struct why *why)
{
  double ticks[BLOCK];
  struct timing timing = { .inner = cold ? 1 : timed->inner, .repeats = BLOCK, .cold = cold };
  timing.answer = &timed->answer[image][p];
  timing.turns = cold ? NULL : timed->turns;
  int result = sandbox__time (sandbox, image, timed->state, &timing, ticks, why);
  /* Nothing is faster than a tick: the empty call's cost was taken off.  */
  if (result == 0)
    *median = fmax (statistics__median (ticks, BLOCK), 1);
  return result;
}

/* Two pairs, A B B A.  */
static int
time_pairs (struct sandbox *sandbox, struct timed *timed, unsigned p, bool cold, double *original, double *candidate,
            struct why *why)
{
  static const struct { unsigned image, at; } order[] = { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 0, 1 } };
  for (unsigned i = 0; i < 4; i++)
    {
      unsigned image = order[i].image;
      int result = time_block (sandbox, image, p, cold, timed, (image ? candidate : original) + order[i].at, why);
      if (result > 0 && image == 0)
        {
          timed->usable = false;
          return 0;
        }
      if (result)
        return result;
    }
  return 0;
}

int
timed__pairs (struct timed *timed, struct sandbox *sandbox, unsigned p, struct why *why)
{
  unsigned n = timed->n_pairs;
  return time_pairs (sandbox, timed, p, false, &timed->original[p][n], &timed->candidate[p][n], why);
}

int
timed__cold_pairs (struct timed *timed, struct sandbox *sandbox, struct why *why)
{
  unsigned n = timed->n_cold;
  int result = time_pairs (sandbox, timed, 0, true, &timed->original_cold[n], &timed->candidate_cold[n], why);
  if (result == 0)
    timed->n_cold += 2;
  return result;
}
