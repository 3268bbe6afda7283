/* The policy `compilers`: the same function from the same source, compiled by the GCC in use, and by
   clang where it is installed, with other flags; the ones that win most often come first.
   Cutting one function out of a unit is safe only together with the verifier: a compiler may rely
   on what it saw of the function's callers.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/internal.h"
#include "policy/workshop.h"

#include <stdlib.h>
#include <string.h>

struct compilers
{
  const struct region *region;
  struct workshop *workshop;
  struct unit *unit;
  double deadline;
  unsigned next, n;
  const struct variant *variant;
};

static int
compilers__next (void *self, struct candidate **result, struct why *why)
{
  struct compilers *compilers = self;
  const volatile sig_atomic_t *stop = workshop__stop (compilers->workshop);
  while (compilers->next < compilers->n)
    {
      double left = compilers->deadline - clock__now ();
      if (left <= 0 || (stop && *stop))
        return 0;
      const struct variant *variant = &compilers->variant[compilers->next++];
      char *text;
      size_t length;
      /* A first compile may take somewhat longer than what is left: its result serves all functions
         of the unit.  */
      int made = unit__compile (compilers->unit, variant, 2 * left + 0.5, &text, &length, why);
      if (made < 0)
        return -1;
      if (made == 0)
        continue;
      struct arena *arena = arena__new ();
      struct candidate *candidate = ARENA_NEW (arena, struct candidate);
      candidate->arena = arena;
      candidate->form = FORM_ASM;
      candidate->policy = "compilers";
      char *provenance = unit__describe (compilers->unit, variant);
      candidate->provenance = arena__strdup (arena, provenance);
      free (provenance);
      struct why local;
      int parsed = code__parse (arena, text, length, compilers->region->function, NULL, 0, false,
                                &candidate->code, &local);
      free (text);
      if (parsed == 0)
        {
          *result = candidate;
          return 1;
        }
      if (local.reason != REASON_NO_FUNCTION)
        {
          why__set (why, local.reason, "%.60s: %.150s", candidate->provenance, local.detail);
          candidate__free (candidate);
          return -1;
        }
      /* Inlined or specialised away: nothing was proposed.  */
      candidate__free (candidate);
    }
  return 0;
}

static int
compilers__left (const void *self)
{
  const struct compilers *compilers = self;
  return (int) (compilers->n - compilers->next);
}

static void
compilers__close (void *self)
{
  struct compilers *compilers = self;
  unit__close (compilers->unit);
  free (compilers);
}

static const struct proposer_ops compilers_ops = {
  .next = compilers__next, .tell = NULL, .left = compilers__left, .close = compilers__close
};

int
compilers__open (const struct region *region, struct workshop *workshop, double deadline,
                 struct proposer *proposer, struct why *why)
{
  struct compilers *compilers = calloc (1, sizeof *compilers);
  if (!compilers)
    abort ();
  compilers->region = region;
  compilers->workshop = workshop;
  compilers->deadline = deadline;
  compilers->variant = variant__all (&compilers->n);
  if (unit__open (workshop, region, &compilers->unit, why) < 0)
    {
      free (compilers);
      return -1;
    }
  *proposer = (struct proposer){ &compilers_ops, compilers };
  return 0;
}
