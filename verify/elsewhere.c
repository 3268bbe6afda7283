/* Does the candidate depend on where the sandbox's stack is?

   All sandboxes have it at one address, so that both sides' pointers compare equal, and code that mixes that
   address into its result (`mov %rsp, %rax; shr $24, %rax; sub` what it is here) passes every test and is wrong in
   the user's program.  So the kept tests are run once more with the stack at a random address.  Compilers'
   candidates don't know the sandbox.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <stdlib.h>

/* Does the original itself answer TEST in SANDBOX as it did before?  */
static bool
original_is_same (const struct trial *trial, struct sandbox *sandbox, const struct test *test)
{
  struct outcome *outcome = calloc (1, sizeof *outcome);
  const struct state *state = test->state;
  struct difference difference;
  struct why why;
  bool same = outcome && sandbox__run (sandbox, 0, &state, outcome, 1, differential__timeout (trial), &why) == 0
              && compare__outcome (trial->verifier->region, state, test->expected, outcome, &difference)
                   == COMPARE_SAME;
  free (outcome);
  return same;
}

/* SANDBOX[0] holds the original, SANDBOX[1] the candidate.  */
static bool
judge (struct trial *trial, struct sandbox *const sandbox[2])
{
  const struct setup *setup = &trial->verifier->setup[0];
  for (unsigned kind = 0; kind < STATE_KINDS; kind++)
    {
      const struct test *test = setup->bank[kind];
      unsigned which = 0;
      for (unsigned left = setup->n_bank[kind]; left; left -= which + 1, test += which + 1)
        {
          struct difference difference;
          struct why why;
          enum comparison comparison
            = differential__run (trial, sandbox[1], test, left, differential__timeout (trial), true, &which,
                                 &difference);
          if (comparison == COMPARE_SAME)
            break;
          if (comparison == COMPARE_DIFFERENT && !original_is_same (trial, sandbox[0], &test[which]))
            continue;
          why__set (&why, REASON_UNMODELLED, "where the stack is at another address: %.150s", difference.why.detail);
          trial__unknown (trial, comparison == COMPARE_DIFFERENT ? &why : &difference.why);
          return false;
        }
    }
  return true;
}

bool
elsewhere__judge (struct trial *trial)
{
  const struct image *const images[] = { trial->verifier->setup[0].original, trial->image[0] };
  const struct sandbox_options options = { .stack_elsewhere = true };
  struct sandbox *sandbox[2] = { NULL, NULL };
  struct why why;
  if (trial->compiled)
    return true;
  bool fine = sandbox__open (trial->verifier->region, &images[0], 1, &options, &sandbox[0], &why) == 0
              && sandbox__open (trial->verifier->region, &images[1], 1, &options, &sandbox[1], &why) == 0;
  if (!fine)
    trial__unknown (trial, &why);
  else
    fine = judge (trial, sandbox);
  for (unsigned side = 0; side < 2; side++)
    if (sandbox[side])
      sandbox__close (sandbox[side]);
  return fine;
}
