/* Making tests: attempts are run together, round by round, until enough of them are valid.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

int
states__open (const struct region *region, const struct layout *layout, struct sandbox *original,
              const struct states_options *options, struct states **result, struct why *why)
{
  if (region->n_parameters > PARAMETERS_MAX)
    return why__set (why, REASON_UNSUPPORTED_TYPE, "%u parameters, at most %d", region->n_parameters,
                     PARAMETERS_MAX);
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      if (!type)
        return why__set (why, REASON_UNSUPPORTED_TYPE, "parameter %u has type %u of %u", p, value->type,
                         region->n_types);
      if (type->size > VALUE_BYTES_MAX && !value->by_reference)
        return why__set (why, REASON_UNSUPPORTED_TYPE, "parameter %u of %llu bytes, at most %d", p,
                         (unsigned long long) type->size, VALUE_BYTES_MAX);
    }
  struct states *states = calloc (1, sizeof *states);
  if (states)
    states->attempt = calloc (IN_FLIGHT, sizeof *states->attempt);
  if (!states || !states->attempt)
    {
      free (states);
      return why__set (why, REASON_SANDBOX, "no memory for the generator");
    }
  states->region = region;
  states->batch = FIRST_BATCH;
  states->layout = layout;
  states->sandbox = original;
  states->seed = options && options->seed ? options->seed : UINT64_C (0xa10a10);
  states->max_bytes = options && options->max_bytes ? options->max_bytes : 64 * 1024;
  if (states->max_bytes > (int64_t) SANDBOX_SLOT_SIZE)
    states->max_bytes = SANDBOX_SLOT_SIZE;
  states->recorded = options ? options->recorded : NULL;
  states->n_recorded = options && options->recorded ? options->n_recorded : 0;
  struct code *code = NULL;
  struct why unparsed;
  if (region->text && region__code (region, &code, &unparsed) == 0)
    pool__scan (&states->pool, code);
  if (options && options->candidate)
    pool__scan (&states->pool, options->candidate);
  pool__derive (&states->pool);
  for (unsigned c = 0; c < region->n_callees; c++)
    if (!region->callee[c].is_pure && !region->callee[c].is_const && !region->callee[c].is_noreturn)
      states->callees_write = true;
  *result = states;
  return 0;
}

void
states__close (struct states *states)
{
  if (!states)
    return;
  for (unsigned i = 0; i < IN_FLIGHT; i++)
    {
      for (unsigned k = 0; k < OBJECTS_MAX; k++)
        {
          free (states->attempt[i].object[k].buffer);
          free (states->attempt[i].object[k].page);
        }
      free (states->attempt[i].reference);
    }
  free (states->attempt);
  states__forget (states);
  free (states);
}

uint64_t
states__reseed (struct states *states, uint64_t seed)
{
  uint64_t before = states->seed;
  states->seed = seed;
  return before;
}

/* Copies ATTEMPT's state and the original's OUTCOME on it into ARENA.  */
static void
keep (const struct attempt *attempt, const struct outcome *outcome, struct arena *arena, struct test *test)
{
  test->kind = attempt->kind;
  test->arena = arena;
  test->state = arena__memdup (arena, &attempt->state, sizeof attempt->state);
  for (unsigned i = 0; i < test->state->n_spans; i++)
    test->state->span[i].bytes = arena__memdup (arena, test->state->span[i].bytes, test->state->span[i].size);
  test->expected = outcome__copy (arena, outcome, test->state);
}

/* Is a run's time like the profile's?  Between 8 instructions a tick and a quarter, beyond a call's own cost.  */
static bool
is_like_profile (const struct region *region, const struct outcome *outcome)
{
  if (region->insns_per_call <= 0)
    return true;
  double ticks = (double) outcome->ticks;
  return ticks >= region->insns_per_call / 8 && ticks <= 400 + region->insns_per_call * 4;
}

/* Plans that wait for an attempt: each gets PLAN_TRIES.  */
enum { PLAN_TRIES = 4 };

struct planning
{
  const struct plan *plan;
  unsigned n, next;
  uint8_t *tries;
  unsigned *again, n_again; /* those that failed */
  unsigned *of;             /* result: the plan of each test */
};

/* Gives ATTEMPT the next plan; false where none is left.  */
static bool
take_plan (struct planning *planning, struct attempt *attempt)
{
  unsigned number;
  if (planning->next < planning->n)
    number = planning->next++;
  else if (planning->n_again)
    number = planning->again[--planning->n_again];
  else
    return false;
  planning->tries[number]++;
  attempt->plan = &planning->plan[number];
  attempt->plan_number = number;
  return true;
}

/* ATTEMPT came to nothing: its plan may be tried again.  */
static void
return_plan (struct planning *planning, const struct attempt *attempt)
{
  if (planning && attempt->plan && planning->tries[attempt->plan_number] < PLAN_TRIES)
    planning->again[planning->n_again++] = attempt->plan_number;
}

/* states__make and, with PLANNING, states__plan.  */
static int
make (struct states *states, enum state_kind kind, struct planning *planning, struct arena *arena,
      struct test *tests, unsigned n, struct why *why)
{
  if (kind == STATE_RECORDED)
    return states__recorded (states, arena, tests, n, why);
  struct outcome *outcomes = calloc (IN_FLIGHT, sizeof *outcomes);
  const struct state *running[IN_FLIGHT];
  struct attempt *of[IN_FLIGHT];
  if (!outcomes)
    return why__set (why, REASON_SANDBOX, "no memory for %u outcomes", IN_FLIGHT);
  unsigned made = 0, trapped = 0, started = 0, timeouts = 0, unlike = 0;
  unsigned attempts_max = 8 * n + 400, active = 0;
  bool none = false;
  int status = 0;
  for (unsigned i = 0; i < IN_FLIGHT; i++)
    states->attempt[i].stage = STAGE_FAILED;
  while (made < n)
    {
      unsigned n_running = 0;
      bool again = false;
      for (unsigned i = 0; i < IN_FLIGHT; i++)
        {
          struct attempt *attempt = &states->attempt[i];
          if (attempt->stage >= STAGE_DONE)
            {
              /* No more than are wanted: else those that take few runs would crowd out the others.  */
              if (active >= states->batch || made + active >= n)
                continue;
              if (none || started >= attempts_max || timeouts > 40 + made / 8)
                continue;
              attempt->plan = NULL;
              if (planning && !take_plan (planning, attempt))
                continue;
              started++;
              if (!attempt__generate (states, attempt, kind))
                {
                  attempt->stage = STAGE_FAILED;
                  none = started > 16 && !made;
                  continue;
                }
              active++;
            }
          attempt__build (states, attempt);
          if (attempt->hopeless)
            {
              /* Not worth a run.  */
              attempt->stage = STAGE_FAILED;
              attempt__credit (states, attempt, false, 1);
              return_plan (planning, attempt);
              again = true;
              active--;
              continue;
            }
          of[n_running] = attempt;
          running[n_running++] = &attempt->state;
        }
      if (!n_running && again)
        continue;
      if (!n_running)
        {
          if (none || started >= attempts_max || timeouts > 40 + made / 8)
            break;
          if (planning && planning->next == planning->n && !planning->n_again)
            break;
          continue;
        }
      status = sandbox__run (states->sandbox, 0, running, outcomes, n_running,
                             timeouts < 8 ? RUN_MILLISECONDS : RUN_MILLISECONDS / 4, why);
      if (status)
        break;
      if (states->batch < IN_FLIGHT)
        states->batch = states->batch * 5 / 4;
      if (states->batch > IN_FLIGHT)
        states->batch = IN_FLIGHT;
      for (unsigned i = 0; i < n_running; i++)
        {
          struct attempt *attempt = of[i];
          bool late = outcomes[i].status == RUN_TIMEOUT || outcomes[i].status == RUN_DIED;
          timeouts += late;
          attempt__step (states, attempt, &outcomes[i]);
          active -= attempt->stage >= STAGE_DONE;
          if (attempt->stage == STAGE_FAILED)
            {
              attempt__credit (states, attempt, false, late ? 16 : 1);
              return_plan (planning, attempt);
            }
          if (attempt->stage != STAGE_DONE)
            continue;
          bool trap = outcomes[i].status == RUN_TRAPPED;
          bool like = kind != STATE_PROFILE || is_like_profile (states->region, &outcomes[i]);
          bool idle = attempt->n_slots && !attempt->touched; /* valid, but nothing happened */
          attempt__credit (states, attempt, like && !idle && (!trap || kind == STATE_TRAP), 1);
          if (made == n || (trap && kind != STATE_TRAP && (trapped + 1) * 8 > n)
              || (!like && unlike++ < 4 * n))
            continue;
          trapped += trap;
          if (planning && planning->of)
            planning->of[made] = attempt->plan_number;
          keep (attempt, &outcomes[i], arena, &tests[made++]);
        }
    }
  free (outcomes);
  return status ? -1 : (int) made;
}

int
states__make (struct states *states, enum state_kind kind, struct arena *arena, struct test *tests,
              unsigned n, struct why *why)
{
  return make (states, kind, NULL, arena, tests, n, why);
}

int
states__plan (struct states *states, enum state_kind kind, const struct plan *plans, unsigned n,
              struct arena *arena, struct test *tests, unsigned *of, struct why *why)
{
  struct planning planning = { .plan = plans, .n = n, .of = of };
  planning.tries = calloc (n + 1, sizeof *planning.tries);
  planning.again = calloc (n + 1, sizeof *planning.again);
  int made = planning.tries && planning.again
               ? make (states, kind, &planning, arena, tests, n, why)
               : why__set (why, REASON_SANDBOX, "no memory for %u plans", n);
  free (planning.tries);
  free (planning.again);
  return made;
}

void
plan__clear (struct plan *plan)
{
  memset (plan, 0, sizeof *plan);
  for (unsigned p = 0; p < PLAN_PARAMETERS; p++)
    plan->residue[p] = PLAN_ANY;
  plan->modulus = 64;
}

void
plan__fix (struct plan *plan, unsigned p, uint64_t value)
{
  plan__clear (plan);
  plan->fixed = UINT32_C (1) << p;
  plan->scalar[p] = value;
}

const int64_t *
states__constants (const struct states *states, unsigned *n, unsigned *n_base)
{
  *n = states->pool.n;
  *n_base = states->pool.n_base;
  return states->pool.value;
}

const char *
state_kind__name (enum state_kind kind)
{
  static const char *const name[STATE_KINDS]
    = { [STATE_TYPICAL] = "typical", [STATE_BOUNDARY] = "boundary", [STATE_OVERLAP] = "overlap",
        [STATE_TRAP] = "trap", [STATE_LARGE] = "large", [STATE_PROFILE] = "profile",
        [STATE_RECORDED] = "recorded" };
  return (unsigned) kind < STATE_KINDS ? name[kind] : "unknown";
}
