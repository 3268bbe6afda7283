/* Recorded calls as tests.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"

enum
{
  TRY_MILLISECONDS = 200
};

/* Copies OUTCOME on STATE into ARENA, as states__make does.  */
static void
keep (struct arena *arena, struct state *state, const struct outcome *outcome, struct test *test)
{
  *test = (struct test){ .kind = STATE_RECORDED, .state = state, .arena = arena };
  test->expected = outcome__copy (arena, outcome, state);
}

int
states__try (struct states *states, const struct recorded *recorded, struct arena *arena,
             struct test *test, struct why *why)
{
  struct state *state;
  if (recorded__state (states->region, states->layout, recorded, arena, &state, why))
    return 0;
  struct outcome *outcome = ARENA_NEW (arena, struct outcome);
  const struct state *one = state;
  if (sandbox__run (states->sandbox, 0, &one, outcome, 1, TRY_MILLISECONDS, why))
    return -1;
  switch (outcome->status)
    {
    case RUN_RETURNED:
    case RUN_NORETURN:
      break;
    case RUN_TRAPPED:
      why__set (why, REASON_LOAD_FAULT, "the original faults on it at 0x%llx",
                (unsigned long long)outcome->fault_address);
      return 0;
    case RUN_TIMEOUT:
      why__set (why, REASON_TIME, "the original takes longer than %d ms on it", TRY_MILLISECONDS);
      return 0;
    default:
      why__set (why, REASON_SANDBOX, "the original doesn't return on it");
      return 0;
    }
  if (outcome->n_events_lost)
    {
      why__set (why, REASON_TOO_LARGE, "more than %d calls", CALL_EVENTS_MAX);
      return 0;
    }
  keep (arena, state, outcome, test);
  return 1;
}

int
states__recorded (struct states *states, struct arena *arena, struct test *tests, unsigned n,
                  struct why *why)
{
  unsigned made = 0;
  for (unsigned tried = 0; tried < states->n_recorded && made < n; tried++)
    {
      const struct recorded *recorded
          = states->recorded[states->next_recorded++ % states->n_recorded];
      struct why not ;
      int status = states__try (states, recorded, arena, &tests[made], &not );
      if (status < 0)
        {
          *why = not ;
          return -1;
        }
      made += (unsigned)status;
    }
  return (int)made;
}
