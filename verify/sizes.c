/* Which parameters are sizes, such that no program's is 2^46 or more?

   Compilers guard what they vectorise by asking whether a size times a stride, or a pointer plus that, goes round.  No state
   shows such a branch's other way, and no proof rules it out for all numbers.  But a loop over that many elements comes to an
   address that isn't there, and then the original has no defined behaviour.  So a parameter counts as a size where the
   original faults for each of some numbers beyond 2^46, in each of some states in which it otherwise returns: a number that is
   hashed, compared or converted doesn't do that.  That is what is seen, not shown, so it is used for one thing alone: to
   excuse a compiler's candidate from showing what such numbers would do.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <signal.h>

/* States in which it is tried, and the least of them.  Most that fault do so in microseconds; one that runs longer isn't waited for.  */
enum { SIZE_STATES = 6, SIZE_STATES_LEAST = 2, SIZE_TIMEOUT_MS = 50 };

static const uint64_t beyond[] = {
  UINT64_C (1) << PROVE_SIZE_BITS, UINT64_C (0x0000600000003039), UINT64_C (0x0010000000000005), UINT64_C (0x2000000000000001),
  UINT64_C (0x4000000000000001), UINT64_C (0x7ffffffffffffff3), UINT64_C (0x8000000000000002), UINT64_C (0xffffffffffffffff),
};
enum { BEYOND = sizeof beyond / sizeof *beyond };

/* Does the original fault in STATE whatever number beyond is in register GPR?  Negative ones are none of a signed type.  */
static bool
always_faults (const struct verifier *verifier, struct arena *arena, const struct state *state, unsigned gpr, bool is_signed)
{
  for (unsigned i = 0; i < BEYOND; i++)
    {
      struct outcome outcome = { 0 };
      struct why why;
      if (is_signed && beyond[i] >> 63)
        continue;
      struct state *large = arena__memdup (arena, state, sizeof *state);
      large->machine.gpr[gpr] = beyond[i];
      const struct state *states[] = { large };
      if (sandbox__run (verifier->setup[0].sandbox, 0, states, &outcome, 1, SIZE_TIMEOUT_MS, &why)
          || !compare__is_undefined (verifier->region, &outcome))
        return false;
    }
  return true;
}

uint32_t
sizes__find (struct verifier *verifier)
{
  const struct region *region = verifier->region;
  struct setup *setup = &verifier->setup[0];
  struct why why;
  uint32_t sizes = 0;
  if (verifier->sizes_found)
    return verifier->sizes;
  verifier->sizes_found = true;
  if (setup__bank (setup, STATE_TYPICAL, &why))
    return 0;
  struct arena *arena = arena__new ();
  for (unsigned p = 0; p < region->n_parameters && p < 32; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      if (!type || type->kind != TYPE_INTEGER || type->size != 8 || region->parameter[p].by_reference || gpr < 0)
        continue;
      unsigned tried = 0;
      bool all = true;
      for (unsigned i = 0; i < setup->n_bank[STATE_TYPICAL] && tried < SIZE_STATES && all; i++)
        if (setup->bank[STATE_TYPICAL][i].expected->status == RUN_RETURNED)
          {
            tried++;
            all = always_faults (verifier, arena, setup->bank[STATE_TYPICAL][i].state, (unsigned) gpr, type->is_signed);
          }
      if (all && tried >= SIZE_STATES_LEAST)
        sizes |= 1u << p;
    }
  arena__free (arena);
  verifier->sizes = sizes;
  return sizes;
}
