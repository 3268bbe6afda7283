/* Does the way that the candidate takes depend on what nobody set?

   A bound that is made of a register which carries no argument may happen to be on the right side of all addresses and sizes in
   tests, as such registers hold large random numbers, or small ones, most of the time.  So some tests are followed several times
   with other leftovers in all such registers, and in the stack: zero, small and large numbers, both ways.  Where the candidate then runs other
   instructions or takes other branches, what it does hangs on its caller's leftovers, whatever came of it here.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <string.h>

/* Tests at most, of the bank so many of each kind, and what there is in registers.  Tests that run longer aren't followed.  */
enum { LEFTOVER_TESTS = 24, BANK_OF_KIND = 5, LEFTOVERS = 5, LEFTOVER_TIMEOUT_MS = 100 };
#define LEFTOVER_TICKS_MAX 400000

/* Where a verifier with small budgets stops after a few.  */
#define LEFTOVER_SHARE 0.04
#define LEFTOVER_SECONDS 0.03

static const int64_t leftover[LEFTOVERS] = { 0, 40, -40, INT64_C (1) << 44, -(INT64_C (1) << 44) };

/* A copy of STATE in ARENA with leftovers number K.  */
static const struct state *
with_leftover (const struct region *region, struct arena *arena, const struct state *state, unsigned k)
{
  struct state *copy = arena__memdup (arena, state, sizeof *state);
  uint64_t negative = leftover[k] < 0 ? UINT64_MAX : 0;
  for (unsigned i = 0; i < 16; i++)
    if (i != 4 && !region__is_argument (region, LOCATION_GPR, i))
      copy->machine.gpr[i] = (uint64_t) leftover[k];
  for (unsigned i = 0; i < 32; i++)
    if (!region__is_argument (region, LOCATION_VEC, i))
      memset (copy->machine.vec[i], (int) (leftover[k] & 0xff), 16);
  for (unsigned i = 0; i < 8; i++)
    copy->machine.mask[i] = k % 2 ? UINT64_MAX : 0;
  copy->machine.rflags = (negative & 0x8d5) | 2;
  /* What the stack below holds; but callees' answers hang on it as well.  */
  if (region->n_callees == 0)
    copy->seed += k;
  return copy;
}

/* The first instruction of DECODED that one of A and B ran, or a way that one took, and the other didn't; -1: none.  */
static int
first_apart (const struct decoded *decoded, const struct trace *a, const struct trace *b)
{
  for (unsigned i = 0; i < decoded->n_insns; i++)
    if (a->branch[i] != b->branch[i] || !a->executed[i] != !b->executed[i])
      return (int) i;
  return -1;
}

/* Follows TEST with all leftovers.  False where the verdict is filled.  */
static bool
try_test (struct trial *trial, const struct test *test)
{
  const struct verifier *verifier = trial->verifier;
  const struct decoded *decoded = trial->side.decoded;
  const struct state *states[LEFTOVERS];
  struct trace trace[LEFTOVERS];
  struct outcome outcome[LEFTOVERS] = { 0 };
  struct arena *arena = arena__new ();
  struct why why;
  bool well = true;
  for (unsigned k = 0; k < LEFTOVERS; k++)
    states[k] = with_leftover (verifier->region, arena, test->state, k);
  if (!trial__glance (trial, states, LEFTOVERS))
    well = false;
  else if (sandbox__follow (trial->sandbox[0], trial->instrument, states, trace, outcome, LEFTOVERS, LEFTOVER_TIMEOUT_MS, &why) == 0)
    {
      for (unsigned k = 1; k < LEFTOVERS && well; k++)
        {
          int apart = trace[0].complete && trace[k].complete ? first_apart (decoded, &trace[0], &trace[k]) : -1;
          if (apart < 0)
            continue;
          why__set (&why, REASON_LEFTOVER, "%s",
                    side__place (trial->arena, verifier->region, &trial->side, false, apart));
          trial__unknown (trial, &why);
          well = false;
        }
      for (unsigned k = 0; k < LEFTOVERS; k++)
        trace__free (&trace[k]);
    }
  arena__free (arena);
  return well;
}

bool
leftover__judge (struct trial *trial)
{
  const struct setup *setup = &trial->verifier->setup[0];
  double until = trial__until (trial, LEFTOVER_SHARE, LEFTOVER_SECONDS);
  const struct test *tests[LEFTOVER_TESTS];
  unsigned n = 0;
  /* In turns, as a small budget ends early; where memory overlaps there is most to get wrong.  */
  static const enum state_kind kinds[] = { STATE_OVERLAP, STATE_BOUNDARY, STATE_TYPICAL };
  for (unsigned i = 0; i < BANK_OF_KIND; i++)
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
      if (i < setup->n_bank[kinds[k]] && n < LEFTOVER_TESTS)
        tests[n++] = &setup->bank[kinds[k]][i];
  for (unsigned i = 0; i < trial->n_kept && n < LEFTOVER_TESTS; i++)
    tests[n++] = &trial->kept[i];
  bool well = true;
  for (unsigned i = 0; i < n && well && verify__now () < until; i++)
    if (follow__can (trial, tests[i]) && tests[i]->expected->status == RUN_RETURNED
        && tests[i]->expected->ticks < LEFTOVER_TICKS_MAX)
      well = try_test (trial, tests[i]);
  return well;
}
