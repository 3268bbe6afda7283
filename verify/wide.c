/* Sizes beyond 32 bits: a rewrite that counts in 32 bits does the same on every size that fits into memory.  With 2^32
   added to a size (2^31 to one of 32 bits) the original runs into the end of its object and faults; a truncated
   counter stops early and returns.  Larger sums would wrap addresses, which no program does.  Where no memory ends the
   original it goes on for seconds; if the candidate has long ended, it gets them.  The same where the size is the distance
   to a second pointer.

   And numbers just below zero, with memory in front of what pointers lead to: a counter that is taken for signed, or no longer so,
   is another there.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <inttypes.h>
#include <string.h>

#define TIMEOUT_MS 50
/* The share of the time left for an original that outlasts the candidate.  */
#define LONG_SHARE 0.6
/* Runs of the original that may be thrown away for taking too long.  */
#define TIMEOUTS_MAX 4
/* Run at once.  */
enum { STATES_MAX = 2 };

/* Runs STATES[N] on the original, at most LIMIT_MS each, leaves out what neither returns nor traps, and compares the candidate
   on the rest.  *TIMEOUTS counts.  */
static bool
run_states (struct trial *trial, const struct state *const *states, unsigned n, unsigned limit_ms,
            struct outcome *outcomes, unsigned *timeouts)
{
  struct why why = { 0 };
  struct test tests[STATES_MAX];
  unsigned kept = 0, which = 0;
  struct difference difference = { 0 };
  memset (outcomes, 0, n * sizeof *outcomes);
  if (sandbox__run (trial->verifier->setup[0].sandbox, 0, states, outcomes, n, limit_ms, &why))
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
    = differential__run (trial, trial->sandbox[0], tests, kept, 2 * limit_ms, true,
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
  unsigned limit_ms = seconds > 1e-3 * TIMEOUT_MS ? (unsigned) (1e3 * seconds) : TIMEOUT_MS;
  if (!run_states (trial, &state, 1, limit_ms, outcomes, &timeouts))
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
      const struct type *type = region__type (region, value->type);
      const struct state *shortest = NULL;
      uint64_t least = UINT64_MAX;
      unsigned timeouts = 0;
      int gpr = value__gpr (value);
      if (!type || type->kind != TYPE_INTEGER || (type->size != 8 && type->size != 4) || gpr < 0)
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
              state->machine.gpr[gpr] += steps[i];
              const struct state *states[] = { state };
              if (!run_states (trial, states, 1, TIMEOUT_MS, outcomes, &timeouts))
                return false;
              uint64_t number = state->machine.gpr[gpr] & (UINT64_MAX >> (64 - 8 * type->size));
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
  const struct type *type = region__type (region, region->parameter[p].type);
  const struct type *element = type && type->kind == TYPE_POINTER ? region__type (region, type->element) : NULL;
  *size = element ? element->size : 0;
  return element ? value__gpr (&region->parameter[p]) : -1;
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
              struct state *state[STATES_MAX];
              if (end <= begin || slot__of (begin) == SANDBOX_NO_SLOT || slot__of (begin) != slot__of (end))
                continue;
              for (unsigned i = 0; i < STATES_MAX; i++)
                {
                  state[i] = arena__memdup (trial->arena, source, sizeof *source);
                  state[i]->machine.gpr[to] += (i ? 1 : size) << 32;
                }
              if (!run_states (trial, (const struct state *const *) state, size > 1 ? 2 : 1, TIMEOUT_MS, outcomes,
                               &timeouts))
                return false;
            }
      }
  return true;
}

/* STATE with all pointers to the middle of what they lead to.  */
static struct state *
with_room_in_front (struct trial *trial, const struct state *source)
{
  const struct region *region = trial->verifier->region;
  struct state *state = arena__memdup (trial->arena, source, sizeof *state);
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      uint64_t size;
      int gpr = pointer_register (region, p, &size);
      int s = gpr >= 0 && size ? state__span_of (source, source->machine.gpr[gpr]) : -1;
      if (s >= 0)
        {
          uint64_t left = source->span[s].address + source->span[s].size - source->machine.gpr[gpr];
          state->machine.gpr[gpr] += left / 2 / size * size;
        }
    }
  return state;
}

/* Numbers from -1 down in each integer parameter.  */
static bool
below_zero (struct trial *trial)
{
  enum { SOURCES = 6, NUMBERS = 8 };
  const struct region *region = trial->verifier->region;
  struct setup *setup = &trial->verifier->setup[0];
  for (unsigned t = 0; t < SOURCES && t < setup->n_bank[STATE_TYPICAL]; t++)
    {
      const struct state *source = with_room_in_front (trial, setup->bank[STATE_TYPICAL][t].state);
      for (unsigned p = 0; p < region->n_parameters; p++)
        {
          const struct type *type = region__type (region, region->parameter[p].type);
          int gpr = value__gpr (&region->parameter[p]);
          const struct state *states[NUMBERS];
          if (!type || type->kind != TYPE_INTEGER || (type->size != 8 && type->size != 4) || gpr < 0)
            continue;
          uint64_t mask = type->size == 8 ? UINT64_MAX : UINT32_MAX;
          for (unsigned k = 0; k < NUMBERS; k++)
            {
              struct state *state = arena__memdup (trial->arena, source, sizeof *state);
              state->machine.gpr[gpr] = (state->machine.gpr[gpr] & ~mask) | (-(uint64_t) (k + 1) & mask);
              states[k] = state;
            }
          if (!trial__glance (trial, states, NUMBERS))
            return false;
        }
    }
  return true;
}

bool
wide__judge (struct trial *trial)
{
  trial->at_setup = 0;
  struct outcome *outcomes = ARENA_ARRAY (trial->arena, struct outcome, STATES_MAX);
  return wide_sizes (trial, outcomes) && wide_distances (trial, outcomes) && below_zero (trial);
}
