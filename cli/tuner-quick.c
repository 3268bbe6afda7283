/* The quick check: what can be seen from the text (is it allowed, can it be spliced), then a few dozen states run
   on it.  Nothing is single-stepped and nobody is asked how much that says: the full check is for that.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/tuner-quick.h"

#include "machine/runtime.h"
#include "machine/splice.h"
#include "policy/process.h"
#include "verify/allow.h"
#include "verify/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS_MAX = 512, SPECIALS_MAX = 24, BATCH = 16, ROUND = 4, TIMEOUT_MS = 100, CONFIRM_TIMEOUT_MS = 1000 };

struct quick
{
  const struct region *region;
  const struct layout *layout;
  struct arena *arena;
  struct side original;  /* as GCC wrote it */
  unsigned n;
  struct test test[TESTS_MAX];
};

static int
side__make (struct arena *arena, const struct code *code, struct side *side, struct why *why)
{
  struct object *object;
  struct decoded *decoded;
  if (object__assemble (arena, code, &object, why) || object__decode (arena, object, code, &decoded, why))
    return -1;
  *side = (struct side){ .code = code, .object = object, .decoded = decoded, .own_items = code->n_items };
  return 0;
}

int
quick__open (const struct region *region, struct verifier *verifier, double seconds,
             struct quick **result, struct why *why)
{
  static const struct
  {
    enum state_kind kind;
    unsigned n;
  } wanted[] = { { STATE_RECORDED, 16 }, { STATE_TYPICAL, 24 }, { STATE_BOUNDARY, 32 }, { STATE_OVERLAP, 16 },
                 { STATE_TRAP, 8 },     { STATE_LARGE, 6 },     { STATE_PROFILE, 8 } };
  /* Two NaNs have to meet for operands in the wrong order to show; arrays get special numbers below.  */
  unsigned factor = region->fp & FP_USES ? 4 : 1;
  struct quick *quick = calloc (1, sizeof *quick);
  struct code *code;
  if (!quick)
    abort ();
  quick->region = region;
  quick->layout = verifier__layout (verifier);
  quick->arena = arena__new ();
  if (region__code (region, &code, why) < 0 || side__make (quick->arena, code, &quick->original, why) < 0)
    {
      quick__close (quick);
      return -1;
    }
  /* In turns, so that there are some of each kind when the time is over.  */
  double until = clock__now () + seconds;
  unsigned given[sizeof wanted / sizeof *wanted] = { 0 };
  for (unsigned round = 0; round * ROUND < factor * 32; round++)
    for (unsigned k = 0; k < sizeof wanted / sizeof *wanted; k++)
      {
        unsigned left = factor * wanted[k].n - given[k], n = left < ROUND ? left : ROUND;
        unsigned room = TESTS_MAX - SPECIALS_MAX - quick->n;
        n = n < room ? n : room;
        if (!n || (round && clock__now () > until))
          continue;
        given[k] += n;
        int made = states__make (verifier__states (verifier), wanted[k].kind, quick->arena, &quick->test[quick->n], n,
                                 why);
        if (made < 0)
          {
            quick__close (quick);
            return -1;
          }
        unsigned kept = quick->n;
        for (int i = 0; i < made; i++)
          if (quick->test[quick->n + i].expected->n_events_lost == 0)
            quick->test[kept++] = quick->test[quick->n + i];
        quick->n = kept;
      }
  if (region->fp & FP_USES)
    quick->n += verifier__specials (verifier, quick->test, quick->n, quick->arena, quick->test + quick->n, SPECIALS_MAX);
  *result = quick;
  return 0;
}

const struct test *
quick__tests (const struct quick *quick, unsigned *n)
{
  *n = quick->n;
  return quick->test;
}

void
quick__close (struct quick *quick)
{
  if (!quick)
    return;
  arena__free (quick->arena);
  free (quick);
}

int
quick__splice (const struct region *region, const struct candidate *candidate, struct why *why)
{
  struct code *code;
  char *text;
  if (!region->text)
    return 0;
  /* As the plugin will do it, from the text that the cache will hold.  */
  if (code__parse_canonical (candidate->arena, code__canonical (candidate->code), region->function, &code, why) < 0)
    return -1;
  region__note_noreturn (region, code);
  if (splice__function (region->text, strlen (region->text), code, 0, &text, why) < 0)
    return -1;
  free (text);
  return 0;
}

static char *
counterexample__print (const struct region *region, const struct test *test,
                       const struct difference *difference)
{
  char *state = test__print (region, test), *text = NULL;
  if (asprintf (&text, "%s%s%s: %s%s%s%s%s\n", state ? state : "",
                state && *state && state[strlen (state) - 1] != '\n' ? "\n" : "",
                reason__text (difference->why.reason), difference->why.detail,
                difference->expected[0] ? "\n  original:  " : "", difference->expected,
                difference->got[0] ? "\n  candidate: " : "", difference->got)
      < 0)
    text = NULL;
  free (state);
  return text;
}

/* Runs the tests on SANDBOX's image.  False and *WHY where one is answered otherwise.  */
static bool
quick__run (const struct quick *quick, struct sandbox *sandbox, bool compiled, struct why *why,
            char **counterexample)
{
  struct outcome *outcomes = calloc (BATCH, sizeof *outcomes);
  bool same = true;
  if (!outcomes)
    abort ();
  /* Batches grow, so that an endless candidate costs one time limit, not one a state.  */
  for (unsigned from = 0, count, batch = 1; from < quick->n && same; from += count)
    {
      const struct state *states[BATCH];
      count = quick->n - from < batch ? quick->n - from : batch;
      batch = batch < BATCH ? 2 * batch : BATCH;
      for (unsigned i = 0; i < count; i++)
        states[i] = quick->test[from + i].state;
      memset (outcomes, 0, count * sizeof *outcomes);
      if (sandbox__run (sandbox, 0, states, outcomes, count, TIMEOUT_MS, why))
        {
          same = false;
          break;
        }
      for (unsigned i = 0; i < count && same; i++)
        {
          const struct test *test = &quick->test[from + i];
          struct difference difference;
          struct outcome *outcome = &outcomes[i];
          if (compare__says_nothing (quick->region, compiled, test->state, test->expected, outcome))
            continue;
          if (compare__outcome (quick->region, test->state, test->expected, outcome, &difference) != COMPARE_DIFFERENT)
            continue;
          same = false;
          /* A time-out may be the machine's fault.  What comes after it in the batch is run again.  */
          if (outcome->status == RUN_TIMEOUT || outcome->status == RUN_DIED)
            {
              const struct state *state = test->state;
              memset (outcome, 0, sizeof *outcome);
              if (sandbox__run (sandbox, 0, &state, outcome, 1, CONFIRM_TIMEOUT_MS, why))
                break;
              if (compare__outcome (quick->region, state, test->expected, outcome, &difference) != COMPARE_DIFFERENT)
                {
                  same = true;
                  count = i + 1;
                  continue;
                }
            }
          *why = difference.why;
          *counterexample = counterexample__print (quick->region, test, &difference);
        }
    }
  free (outcomes);
  return same;
}

bool
quick__check (struct quick *quick, const struct candidate *candidate, struct why *why,
              char **counterexample)
{
  const struct region *region = quick->region;
  bool compiled = candidate->policy && strcmp (candidate->policy, "compilers") == 0, good = false;
  struct arena *arena = arena__new ();
  struct side written, side;
  const struct code *extended;
  unsigned own_items;
  struct image *image;
  struct sandbox *sandbox;
  *counterexample = NULL;
  if (side__make (arena, candidate->code, &written, why) == 0
      && allow__candidate (region, &quick->original, &written, compiled, why) == 0
      && runtime__extend (arena, region, candidate->code, &extended, &own_items, why) == 0)
    {
      side = written;
      if ((extended == candidate->code || side__make (arena, extended, &side, why) == 0)
          && image__link (arena, region, quick->layout, side.object, side.decoded, 1, &image, why) == 0)
        {
          const struct image *images[] = { image };
          if (sandbox__open (region, images, 1, NULL, &sandbox, why) == 0)
            {
              good = quick__run (quick, sandbox, compiled, why, counterexample);
              sandbox__close (sandbox);
              good = good && quick__splice (region, candidate, why) == 0;
            }
        }
    }
  arena__free (arena);
  return good;
}
