/* Does the candidate depend on where in the sandbox's memory its stack is, or on where in a cache line its own code is?

   All sandboxes have the stack at one address, so that both sides' pointers compare equal, and code that mixes that
   address into its result (`mov %rsp, %rax; shr $24, %rax; sub` what it is here) passes every test and is wrong in
   the user's program.  The same holds for the low bits of an address of its own.  So the kept tests are run once more with
   the stack at a random address and the code 16 and 32 bytes further on.

   Nor may it take the stack for aligned to more than 16 bytes, as it happens to be in all tests: here the stack pointer is 16
   bytes lower.  Compilers' candidates don't know the sandbox, and are tried with that alone.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/image.h"
#include "verify/internal.h"

/* Places of the code, 16 bytes apart; the first is where it is in all other tests.  */
enum { PLACES = 3 };

static bool
open_elsewhere (const struct trial *trial, const struct image *image, const struct sandbox_options *options,
                struct sandbox **sandbox, struct why *why)
{
  return sandbox__open (trial->verifier->region, &image, 1, options, sandbox, why) == 0;
}

enum { SHIFT = 16 };

/* TESTS[N]: SANDBOX[0] holds the original, SANDBOX[1] the candidate.  */
static bool
judge_tests (struct trial *trial, struct sandbox *const sandbox[2], const struct test *tests, unsigned n)
{
  unsigned which = 0;
  for (unsigned left = n; left; left -= which + 1, tests += which + 1)
    {
      struct difference difference, of_original;
      struct why why;
      unsigned first;
      enum comparison comparison
        = differential__run (trial, sandbox[1], tests, left, differential__timeout (trial), true, &which, &difference);
      if (comparison == COMPARE_SAME)
        break;
      /* The original itself may depend on it.  */
      if (comparison == COMPARE_DIFFERENT
          && differential__run (trial, sandbox[0], &tests[which], 1, differential__timeout (trial), false, &first,
                                &of_original)
               == COMPARE_DIFFERENT)
        continue;
      why__set (&why, REASON_UNMODELLED, "where %s at other addresses: %.150s",
                trial->compiled ? "the stack is" : "stack and code are", difference.why.detail);
      trial__unknown (trial, comparison == COMPARE_DIFFERENT ? &why : &difference.why);
      return false;
    }
  return true;
}

static bool
judge (struct trial *trial, struct sandbox *const sandbox[2])
{
  const struct setup *setup = &trial->verifier->setup[0];
  for (unsigned kind = 0; kind < STATE_KINDS; kind++)
    if (!judge_tests (trial, sandbox, setup->bank[kind], setup->n_bank[kind]))
      return false;
  return judge_tests (trial, sandbox, trial->kept, trial->n_kept);
}

bool
elsewhere__judge (struct trial *trial)
{
  const struct verifier *verifier = trial->verifier;
  const struct sandbox_options options = { .stack_elsewhere = !trial->compiled, .stack_shift = SHIFT };
  struct image *place[PLACES] = { NULL };
  struct sandbox *sandbox[2] = { NULL, NULL };
  struct why why;
  unsigned places = trial->compiled ? 2 : PLACES;
  if (trial->compiled)
    place[1] = trial->image[0];
  bool fine = (trial->compiled
               || image__spread (trial->arena, verifier->region, verifier->setup[0].layout, trial->candidate->code, 1,
                                 PLACES, place, &why) == 0)
              && open_elsewhere (trial, verifier->setup[0].original, &options, &sandbox[0], &why);
  bool judged = true;
  for (unsigned p = 1; p < places && fine && judged; p++)
    {
      fine = open_elsewhere (trial, place[p], &options, &sandbox[1], &why);
      judged = !fine || judge (trial, sandbox);
      sandbox__close (sandbox[1]);
      sandbox[1] = NULL;
    }
  if (!fine)
    trial__unknown (trial, &why);
  sandbox__close (sandbox[0]);
  return fine && judged;
}
