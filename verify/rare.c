/* Ways that tests of few sizes go.

   A way that hangs on contents, a file's first bytes or a table that has to be the usual one, is found by the hunt, in one state or a few
   of one size; what is wrong there at another size shows on none of them.  So the contents of such states go into tests of all sizes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/systematic.h"

/* An instruction has been tested at many sizes when those of the tests that came to it were of so many orders of magnitude, powers of
   two.  */
enum { MAGNITUDES_ENOUGH = 4, MAGNITUDES = 40, RARE_MOST = 4 };

/* The share of the budget for each state, and what it gets at least.  */
#define RARE_SHARE 0.05
#define RARE_SECONDS 0.08

/* The power of two that the largest number among STATE's parameters reaches: bit 0 where there is none or it is no size.  */
static uint64_t
magnitude (const struct region *region, const struct state *state)
{
  uint64_t largest = 0;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      if (!type || type->kind != TYPE_INTEGER || type->size < 4 || gpr < 0)
        continue;
      uint64_t number = state->machine.gpr[gpr] & (type->size < 8 ? UINT32_MAX : UINT64_MAX);
      if (number > largest && number < UINT64_C (1) << MAGNITUDES)
        largest = number;
    }
  return UINT64_C (1) << (largest ? 64 - __builtin_clzll (largest) : 0);
}

void
rare__note (struct trial *trial, const struct state *state, const uint32_t *executed)
{
  uint64_t bit = magnitude (trial->verifier->region, state);
  for (unsigned i = 0; i < trial->side.decoded->n_insns; i++)
    if (executed[i])
      trial->magnitudes[i] |= bit;
}

bool
rare__judge (struct trial *trial)
{
  const struct state *source[RARE_MOST];
  unsigned n = 0;
  for (unsigned i = 0; i < trial->side.decoded->n_insns && n < RARE_MOST; i++)
    if (trial->first_there[i] && __builtin_popcountll (trial->magnitudes[i]) < MAGNITUDES_ENOUGH)
      sources__add (source, &n, trial->first_there[i]);
  for (unsigned i = 0; i < n; i++)
    {
      unsigned number = states__recall (trial->states[0], source[i]);
      if (number && !systematic__recalled (trial, number, trial__until (trial, RARE_SHARE, RARE_SECONDS)))
        return false;
    }
  return true;
}
