/* Calls that differ.

   A program hardly ever calls a function with the same arguments a thousand times.  Timed so, a function of few branches has all of
   them foreseen, and of a search the version with branches looks faster than the one without.  So where a call is short, the
   calls of a sample take turns: integer parameters that are no sizes are numbers out of the state's memory, or others; with
   recorded calls, what those were called with.  The original says which of them do: it returns, about as soon as on the state
   itself.

   What limits how many elements are looked at is a size even where the data most often ends that sooner, as in a search: to a program's
   searches it is the length of an array.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure-set.h"

#include "machine/mix.h"
#include "machine/value-mask.h"

#include <stdlib.h>
#include <string.h>

/* What takes longer than this has branches enough of its own, and samples are not to be longer than that, in time-stamp ticks.  */
#define CALL_TICKS 2000.0
#define SAMPLE_TICKS 40000.0

/* Fewer turns than this are soon known by heart; of so many draws so many at least have to do, for a parameter to take part; so many
   are run at a time; and all may copy so many bytes.  */
enum { FEWEST = 16, PROBES = 8, PROBES_GOOD = 3, ROUND = 32, BYTES_MOST = 32 << 20 };

/* A call that takes so many times as long as the state's own, and a time for which that is no matter, isn't like it.  */
#define LONGER 8.0
#define SLACK_TICKS 4000.0

/* So many small numbers, from 0 on, and a large one, tell whether a parameter limits what is looked at.  */
enum { LIMITS = 4, LIMIT_BEYOND = 1000 };

#define TIMEOUT_MS 20

/* What all of a set may take.  */
#define SECONDS 0.2

struct turner
{
  const struct region *region;
  const struct timed *timed;
  struct sandbox *sandbox;
  const struct test *const *other; /* recorded calls */
  unsigned n_others;
  uint64_t random;
  unsigned n;                      /* parameters that take part, 2 at most */
  unsigned parameter[2];
  struct timing_turns *turns;
  struct outcome *outcome;         /* ROUND */
};

/* Does parameter P of REGION say a number, in a register?  */
static bool
is_number (const struct region *region, unsigned p)
{
  const struct type *type = region__type (region, region->parameter[p].type);
  return type && type->kind == TYPE_INTEGER && type->size <= 8 && !region->parameter[p].by_reference
         && region->parameter[p].n_locations == 1 && value__gpr (&region->parameter[p]) >= 0;
}

/* Is what REGION's function returns nothing, or in general registers as a whole?  */
static bool
has_plain_result (const struct region *region)
{
  const struct type *type = region__type (region, region->result.type);
  return region->result.n_locations == 0
         || (type && (type->kind == TYPE_INTEGER || type->kind == TYPE_BOOL || type->kind == TYPE_POINTER));
}

/* A number that the state's memory holds, as the parameters' types have it; or any, where no pointer leads to memory.  */
static uint64_t
from_memory (struct turner *turner, unsigned size)
{
  const struct region *region = turner->region;
  const struct state *state = turner->timed->state;
  unsigned first = region->n_parameters ? (unsigned) (splitmix64 (&turner->random) % region->n_parameters) : 0;
  for (unsigned i = 0; i < region->n_parameters; i++)
    {
      const struct value *parameter = &region->parameter[(first + i) % region->n_parameters];
      const struct type *type = region__type (region, parameter->type);
      int gpr = value__gpr (parameter);
      int s = type && type->kind == TYPE_POINTER && gpr >= 0 ? state__span_of (state, state->machine.gpr[gpr]) : -1;
      if (s < 0)
        continue;
      const struct type *element = region__type (region, type->element);
      bool integer = element && element->kind == TYPE_INTEGER && element->size <= size;
      uint64_t step = integer ? element->size : size, value = 0;
      uint64_t at = state->machine.gpr[gpr] - state->span[s].address, count = (state->span[s].size - at) / step;
      if (!count)
        continue;
      memcpy (&value, state->span[s].bytes + at + splitmix64 (&turner->random) % count * step, step);
      unsigned shift = 64 - 8 * (unsigned) step;
      return integer && element->is_signed ? (uint64_t) ((int64_t) (value << shift) >> shift) : value;
    }
  return splitmix64 (&turner->random);
}

/* A number for an integer of SIZE bytes: most often one of the memory's or next to it, else of any magnitude.  */
static uint64_t
draw (struct turner *turner, unsigned size)
{
  uint64_t random = splitmix64 (&turner->random);
  if (random % 4 == 0)
    return splitmix64 (&turner->random) >> (size < 4 ? 0 : random / 4 % (8 * size) + 64 - 8 * size);
  uint64_t value = from_memory (turner, size);
  return random / 4 % 4 == 0 ? value + random / 16 % 3 - 1 : value;
}

/* What register GPR is where parameter P, an integer, is VALUE, in the state's own terms.  */
static uint64_t
as_argument (const struct turner *turner, unsigned p, uint64_t value)
{
  const struct type *type = region__type (turner->region, turner->region->parameter[p].type);
  unsigned size = (unsigned) type->size, shift = 64 - 8 * size;
  uint64_t old = turner->timed->state->machine.gpr[value__gpr (&turner->region->parameter[p])];
  value = type->is_signed ? (uint64_t) ((int64_t) (value << shift) >> shift) : value << shift >> shift;
  /* Callers extend to 32 bits; above that it is undefined.  */
  uint64_t mask = low_bytes__mask (size < 4 ? 4 : size);
  return (old & ~mask) | (value & mask);
}

/* Turn TO: one parameter is changed, or all that take part are as in a recorded call.  */
static void
draw_turn (struct turner *turner, uint64_t to[2])
{
  unsigned changed = (unsigned) (splitmix64 (&turner->random) % turner->n);
  const struct test *other = turner->n_others ? turner->other[splitmix64 (&turner->random) % turner->n_others] : NULL;
  for (unsigned i = 0; i < turner->n; i++)
    {
      unsigned p = turner->parameter[i];
      int gpr = value__gpr (&turner->region->parameter[p]);
      to[i] = turner->timed->state->machine.gpr[gpr];
      if (other)
        to[i] = as_argument (turner, p, other->state->machine.gpr[gpr]);
      else if (i == changed)
        to[i] = as_argument (turner, p, draw (turner, (unsigned) region__type (turner->region, turner->region->parameter[p].type)->size));
    }
  if (turner->n == 1)
    to[1] = to[0];
}

/* Runs N drawn turns, ROUND at most; those that are like the state's own call are added.  Their number, or -1 where some call didn't
   end or the sandbox failed.  */
static int
run_turns (struct turner *turner, unsigned n)
{
  const struct timed *timed = turner->timed;
  struct timing_turns *turns = turner->turns;
  struct state state[ROUND];
  const struct state *states[ROUND];
  uint64_t value[ROUND][2];
  struct why ignored;
  int good = 0;
  for (unsigned i = 0; i < n; i++)
    {
      state[i] = *timed->state;
      states[i] = &state[i];
      draw_turn (turner, value[i]);
      for (unsigned k = 0; k < 2; k++)
        state[i].machine.gpr[turns->gpr[k]] = value[i][k];
    }
  memset (turner->outcome, 0, n * sizeof *turner->outcome);
  if (sandbox__run (turner->sandbox, 0, states, turner->outcome, n, TIMEOUT_MS, &ignored))
    return -1;
  for (unsigned i = 0; i < n; i++)
    {
      const struct outcome *outcome = &turner->outcome[i];
      struct timing_answer answer;
      if (outcome->status == RUN_TIMEOUT || outcome->status == RUN_DIED)
        return -1;
      if (outcome->status != RUN_RETURNED || outcome->n_events || turns->n == TURNS_MAX
          || (double) outcome->ticks > LONGER * timed->ticks + SLACK_TICKS)
        continue;
      timing__answer (turner->region, timed->state, outcome, &answer);
      memcpy (turns->value[turns->n++], value[i], sizeof *value);
      for (unsigned k = 0; k < 2; k++)
        turns->sum[k] += answer.gpr[k];
      good++;
    }
  return good;
}

/* TURNER's turns are of its parameters, and there is one: the state itself.  */
static void
begin (struct turner *turner)
{
  struct timing_turns *turns = turner->turns;
  struct timing_answer answer;
  turns->n = 1;
  for (unsigned i = 0; i < 2; i++)
    {
      turns->gpr[i] = (unsigned) value__gpr (&turner->region->parameter[turner->parameter[i < turner->n ? i : 0]]);
      turns->value[0][i] = turner->timed->state->machine.gpr[turns->gpr[i]];
    }
  timing__answer (turner->region, turner->timed->state, turner->timed->expected, &answer);
  memcpy (turns->sum, answer.gpr, sizeof turns->sum);
}

/* STATE, with the arrays of REGION's parameters ending after COUNT elements.  False where it isn't known how.  */
static bool
cut_arrays (const struct region *region, struct state *state, uint64_t count)
{
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      if (!type || type->kind != TYPE_POINTER)
        continue;
      const struct type *element = region__type (region, type->element);
      int gpr = value__gpr (&region->parameter[p]);
      int s = gpr >= 0 ? state__span_of (state, state->machine.gpr[gpr]) : -1;
      uint64_t size = element && element->size ? element->size : 1;
      if (s < 0 || count * size > state->span[s].size)
        return false;
      uint64_t end = state->span[s].address + state->span[s].size;
      /* What is behind it has to fault.  */
      if (end % SANDBOX_PAGE || (s + 1 < (int) state->n_spans && state->span[s + 1].address == end))
        return false;
      state->machine.gpr[gpr] = end - count * size;
    }
  return true;
}

/* Does parameter P, a number, limit how many elements are looked at?  With none there and P large the original faults, and where
   all arrays have P elements it doesn't.  */
static bool
is_limit (struct turner *turner, unsigned p)
{
  const struct region *region = turner->region;
  struct state state[LIMITS + 1];
  const struct state *states[LIMITS + 1];
  struct why ignored;
  int gpr = value__gpr (&region->parameter[p]);
  if (region__type (region, region->parameter[p].type)->size < 4)
    return false;
  for (unsigned i = 0; i <= LIMITS; i++)
    {
      state[i] = *turner->timed->state;
      states[i] = &state[i];
      if (!cut_arrays (region, &state[i], i < LIMITS ? i : 0))
        return false;
      state[i].machine.gpr[gpr] = as_argument (turner, p, i < LIMITS ? i : LIMIT_BEYOND);
    }
  memset (turner->outcome, 0, (LIMITS + 1) * sizeof *turner->outcome);
  if (sandbox__run (turner->sandbox, 0, states, turner->outcome, LIMITS + 1, TIMEOUT_MS, &ignored))
    return false;
  for (unsigned i = 0; i < LIMITS; i++)
    if (turner->outcome[i].status != RUN_RETURNED)
      return false;
  return turner->outcome[LIMITS].status == RUN_TRAPPED;
}

/* Chooses the parameters: the two that most draws do for.  */
static void
choose_parameters (struct turner *turner, uint32_t sizes)
{
  int best[2] = { 0, 0 };
  unsigned parameter[2] = { 0, 0 };
  for (unsigned p = 0; p < turner->region->n_parameters && p < PLAN_PARAMETERS; p++)
    {
      if (!is_number (turner->region, p) || (sizes >> p & 1) || is_limit (turner, p))
        continue;
      turner->n = 1;
      turner->parameter[0] = p;
      begin (turner);
      int good = run_turns (turner, PROBES);
      if (good < PROBES_GOOD)
        continue;
      unsigned at = good > best[0] ? 0 : 1;
      if (at == 0)
        {
          best[1] = best[0];
          parameter[1] = parameter[0];
        }
      else if (good <= best[1])
        continue;
      best[at] = good;
      parameter[at] = p;
    }
  turner->n = (best[0] > 0) + (best[1] > 0);
  memcpy (turner->parameter, parameter, sizeof parameter);
}

/* Does the original, timed so, answer as it did?  */
static bool
holds (const struct turner *turner)
{
  struct timing_answer answer;
  double ticks;
  struct why ignored;
  timing__answer (turner->region, turner->timed->state, turner->timed->expected, &answer);
  const struct timing timing = { .inner = turner->turns->n, .repeats = 1, .answer = &answer, .turns = turner->turns };
  return sandbox__time (turner->sandbox, 0, turner->timed->state, &timing, &ticks, &ignored) == 0;
}

void
timed__take_turns (struct measure_set *set, struct timed *timed, struct sandbox *sandbox)
{
  struct turner turner = { .region = set->region, .timed = timed, .sandbox = sandbox, .other = set->others, .n_others = set->n_others,
                           .random = mix64 (set->seed + set->n) };
  uint64_t bytes = 4096;
  if (timed->ticks > CALL_TICKS || timed->expected->n_events || !has_plain_result (set->region) || set->turn_seconds > SECONDS)
    return;
  double began = measure__now ();
  for (unsigned s = 0; s < timed->state->n_spans; s++)
    bytes += timed->state->span[s].size;
  double most = SAMPLE_TICKS / (timed->ticks > 5 ? timed->ticks : 5);
  unsigned wanted = most < TURNS_MAX ? (unsigned) most : TURNS_MAX;
  if (wanted > BYTES_MOST / bytes)
    wanted = (unsigned) (BYTES_MOST / bytes);
  turner.turns = ARENA_NEW (set->arena, struct timing_turns);
  turner.outcome = calloc (ROUND, sizeof *turner.outcome);
  if (!turner.outcome)
    abort ();
  choose_parameters (&turner, states__size_parameters (set->states));
  if (turner.n && wanted >= FEWEST)
    {
      begin (&turner);
      for (unsigned drawn = 0; drawn < 2 * wanted && turner.turns->n < wanted; drawn += ROUND)
        if (run_turns (&turner, ROUND) < 0)
          {
            turner.turns->n = 0;
            break;
          }
      if (turner.turns->n >= FEWEST && holds (&turner))
        {
          timed->turns = turner.turns;
          timed->inner = turner.turns->n;
        }
    }
  free (turner.outcome);
  set->turn_seconds += measure__now () - began;
}
