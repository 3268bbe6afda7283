/* Asking the solver for a state that takes a branch way that no test took.

   Searching (hunt.c) knows only what runs tell; the solver knows the code.  It starts from a state
   that came to the branch, and what it finds is run like any other test.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/prove.h"
#include "verify/internal.h"

#include <string.h>

/* Ways asked for in one go, states each is started from, and the longest for one question.  */
enum
{
  WAYS_MAX = 8,
  STARTS_MAX = 3
};
#define QUESTION_SECONDS 0.7

/* Tests from which to start: those that reached something first, then the bank's smallest.  */
static unsigned
starts (struct trial *trial, const struct state *list[STARTS_MAX])
{
  const struct setup *setup = &trial->verifier->setup[0];
  unsigned n = 0;
  for (unsigned i = trial->n_kept; i-- > 0 && n < STARTS_MAX - 1;)
    if (trial->kept[i].expected->status == RUN_RETURNED)
      list[n++] = trial->kept[i].state;
  for (unsigned i = 0; i < setup->n_bank[STATE_BOUNDARY] && n < STARTS_MAX; i++)
    if (setup->bank[STATE_BOUNDARY][i].expected->status == RUN_RETURNED)
      list[n++] = setup->bank[STATE_BOUNDARY][i].state;
  return n;
}

/* The missing ways of one SIDE, whose code is IMAGE.  */
static bool
steer_side (struct trial *trial, const struct coverage *coverage, const struct image *image,
            double until)
{
  const struct verifier *verifier = trial->verifier;
  const struct side *side = coverage->side;
  const struct state *start[STARTS_MAX];
  unsigned n_starts = starts (trial, start), asked = 0;
  for (unsigned i = 0; i < side->decoded->n_insns && asked < WAYS_MAX; i++)
    for (unsigned way = 0; way < 2; way++)
      {
        if (!(side->decoded->insn[i].kind & KIND_BRANCH) || !coverage->executed[i]
            || coverage->cold[i] || (coverage->branch[i] & (1u << way))
            || (coverage->excused[i] & (1u << way)))
          continue;
        asked++;
        for (unsigned k = 0; k < n_starts; k++)
          {
            double left = until - verify__now ();
            if (left < 0.02)
              return true;
            struct arena *arena = arena__new ();
            struct state *found = NULL;
            bool well = true;
            if (prove__steer (arena, verifier->region, verifier->setup[0].layout, image,
                              side->object, start[k], i, way == 0,
                              left < QUESTION_SECONDS ? left : QUESTION_SECONDS, &found)
                    == 0
                && found)
              {
                const struct state *states[] = { found };
                well = trial__try (trial, 0, states, 1);
              }
            arena__free (arena);
            if (!well)
              return false;
            if (coverage->branch[i] & (1u << way))
              break;
          }
      }
  return true;
}

bool
steer__judge (struct trial *trial, double seconds)
{
  double until = verify__now () + seconds;
  if (until > trial->deadline)
    until = trial->deadline;
  return steer_side (trial, trial->candidate_coverage, trial->image[0], until)
         && steer_side (trial, trial->original_coverage, trial->verifier->setup[0].original, until);
}
