/* Footprints and coverage from instrumented runs: of nearly every test, where single-stepping can
   afford a few.

   A trace counts where the instrumented run ended as the test's original run did; all others are
   left to single-stepping.  What is compared is the same in both ways.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <stdlib.h>
#include <string.h>

/* Tests in one call of the sandboxes, the longest run, and the longest that is followed: a record
   is written for each access, 32 bytes, and there is room for a million.  */
enum
{
  FOLLOW_BATCH = 16,
  FOLLOW_TIMEOUT_MS = 400
};
#define FOLLOW_TICKS_MAX 4000000

/* A copy of TEST in ARENA.  */
static struct test
copy_test (struct arena *arena, const struct test *test)
{
  struct test copy = { .kind = test->kind, .arena = arena };
  copy.state = arena__memdup (arena, test->state, sizeof *copy.state);
  for (unsigned i = 0; i < copy.state->n_spans; i++)
    copy.state->span[i].bytes = arena__memdup (arena, copy.state->span[i].bytes, copy.state->span[i].size);
  copy.expected = outcome__copy (arena, test->expected, copy.state);
  return copy;
}

const struct state *
trial__keep (struct trial *trial, const struct test *test)
{
  if (trial->n_kept == KEPT_MAX)
    return NULL;
  trial->kept[trial->n_kept] = copy_test (trial->arena, test);
  return trial->kept[trial->n_kept++].state;
}

void
trial__reached (struct trial *trial, unsigned s, const struct test *test, const struct trace *trace)
{
  const struct coverage *coverage = trial->candidate_coverage;
  const struct test *bank = trial->verifier->setup[s].bank[test->kind];
  bool in_bank = test >= bank && test < bank + BANK_PER_KIND;
  bool first = false, here = false;
  for (unsigned i = 0; i < coverage->side->decoded->n_insns && trace->executed; i++)
    {
      first |= (trace->executed[i] && !coverage->executed[i])
               || (trace->branch[i] & ~coverage->branch[i]);
      here |= trace->executed[i] && !trial->first_there[i];
    }
  const struct state *kept = in_bank ? test->state : NULL;
  if ((first || here) && s == 0 && !in_bank)
    kept = trial__keep (trial, test);
  for (unsigned i = 0; here && kept && s == 0 && i < coverage->side->decoded->n_insns; i++)
    if (trace->executed[i] && !trial->first_there[i])
      trial->first_there[i] = kept;
  if (trace->executed)
    rare__note (trial, test->state, trace->executed);
  coverage__add (trial->candidate_coverage, trace);
}

bool
follow__can (const struct trial *trial, const struct test *test)
{
  return trial->instrument && trial->verifier->instrument
         && (test->expected->status == RUN_RETURNED || test->expected->status == RUN_NORETURN)
         && test->expected->ticks < FOLLOW_TICKS_MAX;
}

/* One side's runs of a batch.  Traces of runs that ended otherwise than expected tell nothing.
   0, or -1 and *WHY.  */
static int
follow_side (const struct trial *trial, struct sandbox *sandbox,
             const struct instrument *instrument, const struct test *const *tests, unsigned n,
             struct trace *traces, struct outcome *outcomes, struct why *why)
{
  const struct state *states[FOLLOW_BATCH];
  for (unsigned i = 0; i < n; i++)
    states[i] = tests[i]->state;
  memset (outcomes, 0, n * sizeof *outcomes);
  if (sandbox__follow (sandbox, instrument, states, traces, outcomes, n, FOLLOW_TIMEOUT_MS, why))
    return -1;
  for (unsigned i = 0; i < n; i++)
    {
      struct difference ignored;
      if (compare__outcome (trial->verifier->region, states[i], tests[i]->expected, &outcomes[i],
                            &ignored)
          != COMPARE_SAME)
        {
          traces[i].complete = false;
          traces[i].why.reason = REASON_TIME;
        }
    }
  return 0;
}

bool
follow__tests (struct trial *trial, unsigned s, const struct test *const *tests, unsigned n,
               bool *followed)
{
  trial->at_setup = s;
  const struct verifier *verifier = trial->verifier;
  const struct image *image = trial->image[s];
  struct outcome *outcomes = calloc (FOLLOW_BATCH, sizeof *outcomes);
  struct difference difference = { 0 };
  enum comparison comparison = COMPARE_SAME;
  const struct test *test = n ? tests[0] : NULL;
  double began = verify__now ();
  unsigned count;
  for (unsigned from = 0; outcomes && from < n && comparison == COMPARE_SAME; from += count)
    {
      struct trace original[FOLLOW_BATCH], candidate[FOLLOW_BATCH];
      struct why why = { 0 };
      count = n - from < FOLLOW_BATCH ? n - from : FOLLOW_BATCH;
      memset (original, 0, sizeof original);
      memset (candidate, 0, sizeof candidate);
      if (follow_side (trial, trial->sandbox[s], trial->instrument, tests + from, count, candidate,
                       outcomes, &why)
          || follow_side (trial, verifier->setup[s].sandbox, verifier->instrument, tests + from,
                          count, original, outcomes, &why))
        {
          /* Single-stepping may still do.  */
          for (unsigned i = 0; i < count; i++)
            {
              trace__free (&original[i]);
              trace__free (&candidate[i]);
            }
        }
      for (unsigned i = 0; i < count && comparison == COMPARE_SAME; i++)
        if (original[i].complete && candidate[i].complete)
          {
            test = tests[from + i];
            followed[from + i] = true;
            coverage__add (trial->original_coverage, &original[i]);
            if (test->expected->status == RUN_RETURNED)
              {
                trial->verdict->traced++;
                comparison
                    = compare__footprint (&original[i].footprint, &candidate[i].footprint,
                                          image->base, image->base + image->size, &difference);
              }
            trial__reached (trial, s, test, &candidate[i]);
          }
        else if (tests[from + i]->expected->status == RUN_RETURNED
                 && (candidate[i].why.reason == REASON_FOOTPRINT
                     || original[i].why.reason == REASON_FOOTPRINT))
          {
            test = tests[from + i];
            comparison = COMPARE_UNKNOWN;
            difference.why
                = candidate[i].why.reason == REASON_FOOTPRINT ? candidate[i].why : original[i].why;
          }
      for (unsigned i = 0; i < count; i++)
        {
          trace__free (&original[i]);
          trace__free (&candidate[i]);
        }
    }
  free (outcomes);
  trial->traced_seconds += verify__now () - began;
  return trial__settle (trial, comparison, test, &difference);
}
