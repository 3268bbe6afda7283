/* One counterexample, run again.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <stdlib.h>
#include <string.h>

#define REPLAY_TIMEOUT_MS 1000
#define REPLAY_STEPS 1000000

/* Follows TEST on both sides and compares what they touch.  */
static enum comparison
compare_touched (struct trial *trial, unsigned s, const struct test *test,
                 struct difference *difference)
{
  struct trace original = { 0 }, candidate = { 0 };
  enum comparison comparison = COMPARE_UNKNOWN;
  const struct image *image = trial->image[s];
  memset (difference, 0, sizeof *difference);
  if (sandbox__trace (trial->verifier->setup[s].sandbox, 0, test->state, REPLAY_STEPS, &original,
                      &difference->why)
          == 0
      && sandbox__trace (trial->sandbox[s], 0, test->state, REPLAY_STEPS, &candidate,
                         &difference->why)
             == 0)
    {
      if (original.complete)
        comparison = compare__footprint (&original.footprint, &candidate.footprint, image->base,
                                         image->base + image->size, difference);
      else
        difference->why = original.why;
      if (comparison == COMPARE_SAME && !candidate.complete)
        {
          comparison = COMPARE_UNKNOWN;
          difference->why = candidate.why;
        }
    }
  trace__free (&original);
  trace__free (&candidate);
  return comparison;
}

void
verifier__replay (struct verifier *verifier, const struct candidate *candidate, struct state *state,
                  unsigned layout, bool *same, struct verdict *verdict)
{
  memset (verdict, 0, sizeof *verdict);
  verdict->arena = arena__new ();
  verdict->level = VERDICT_UNKNOWN;
  *same = false;
  struct trial trial
      = { .verifier = verifier, .candidate = candidate, .verdict = verdict, .as_it_is = true };
  trial.arena = arena__new ();
  trial.started = verify__now ();
  trial.compiled = candidate->policy && strcmp (candidate->policy, "compilers") == 0;
  trial.at_setup = layout;
  struct why why = { 0 };
  struct outcome *outcome = ARENA_NEW (trial.arena, struct outcome);
  const struct state *one = state;
  struct test test = { .kind = STATE_RECORDED, .state = state, .arena = trial.arena };
  if (layout >= verifier->n_setups)
    why__set (&why, REASON_SYNTAX, "layout %u of %u", layout, verifier->n_setups);
  else if (!trial__prepare (&trial, &why))
    {
      if (reason__is_refutation (why.reason))
        trial__refute (&trial, &why);
    }
  else if (sandbox__run (verifier->setup[layout].sandbox, 0, &one, outcome, 1, REPLAY_TIMEOUT_MS,
                         &why)
           == 0)
    {
      struct difference difference;
      unsigned which;
      test.expected = outcome__copy (trial.arena, outcome, state);
      enum comparison comparison = differential__run (&trial, trial.sandbox[layout], &test, 1,
                                                      REPLAY_TIMEOUT_MS, true, &which, &difference);
      verdict->tests = 1;
      if (comparison == COMPARE_SAME && outcome->status == RUN_RETURNED)
        {
          comparison = compare_touched (&trial, layout, &test, &difference);
          verdict->traced = comparison != COMPARE_UNKNOWN;
        }
      if (trial__settle (&trial, comparison, &test, &difference))
        *same = true;
    }
  if (verdict->level == VERDICT_UNKNOWN && verdict->why.reason == REASON_NONE && !*same)
    trial__unknown (&trial, &why);
  verdict->seconds = verify__now () - trial.started;
  evidence__write (&trial);
  trial__close (&trial);
}
