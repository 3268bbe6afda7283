/* The policy `compilers`: the same function from the same source, compiled by the GCC in use, and by
   clang where it is installed, with other flags; the ones that win most often come first.
   Cutting one function out of a unit is safe only together with the verifier: a compiler may rely
   on what it saw of the function's callers.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/internal.h"
#include "policy/repair.h"
#include "policy/workshop.h"

#include <stdlib.h>
#include <string.h>

/* What a refuted candidate's operands are swapped in, in turn.  */
static const unsigned repairs[] = {
  REPAIR_ADDS,
  REPAIR_ADDS | REPAIR_MULTIPLICATIONS,
  REPAIR_MULTIPLICATIONS,
  REPAIR_ADDS | REPAIR_SCALARS,
  REPAIR_ADDS | REPAIR_MULTIPLICATIONS | REPAIR_SCALARS,
  REPAIR_MULTIPLICATIONS | REPAIR_SCALARS,
};

enum { REPAIRS = sizeof repairs / sizeof *repairs, REPAIRED_MAX = 3 };

struct compilers
{
  const struct region *region;
  struct workshop *workshop;
  struct unit *unit;
  double deadline;
  unsigned next, n;
  const struct variant *variant;
  struct prefetch *prefetch;
  /* Repairing: the candidate given last, as text, and what is to be tried on the one refuted.  */
  char *last, *refuted;
  char *last_name, *refuted_name;
  int repair;              /* of LAST; -1: as the compiler wrote it */
  int repair_next;         /* for REFUTED */
  int repair_good;         /* one that wasn't refuted, -1 none yet */
  unsigned n_repaired;     /* candidates on which all were tried in vain */
};

/* Remembers CANDIDATE, made by REPAIR.  */
static void
compilers__remember (struct compilers *compilers, const struct candidate *candidate, int repair)
{
  free (compilers->last);
  free (compilers->last_name);
  compilers->last = strdup (code__canonical (candidate->code));
  compilers->last_name = strdup (candidate->provenance);
  compilers->repair = repair;
}

/* The next repair of the refuted candidate: 1 and *RESULT, or 0.  */
static int
compilers__repair (struct compilers *compilers, struct candidate **result)
{
  while (compilers->refuted)
    {
      int repair = compilers->repair_good >= 0 ? compilers->repair_good : compilers->repair_next;
      struct why ignored;
      if (repair >= REPAIRS || compilers->repair_next >= REPAIRS)
        {
          compilers->n_repaired += compilers->repair_good < 0;
          free (compilers->refuted);
          compilers->refuted = NULL;
          break;
        }
      compilers->repair_next = compilers->repair_good >= 0 ? REPAIRS : repair + 1;
      struct arena *arena = arena__new ();
      struct candidate *candidate = ARENA_NEW (arena, struct candidate);
      candidate->arena = arena;
      candidate->form = FORM_ASM;
      candidate->policy = "compilers";
      candidate->provenance = arena__printf (arena, "%s with operands swapped", compilers->refuted_name);
      if (code__parse_canonical (arena, compilers->refuted, compilers->region->function, &candidate->code, &ignored)
            == 0
          && repair__swap (candidate->code, repairs[repair]))
        {
          compilers__remember (compilers, candidate, repair);
          *result = candidate;
          return 1;
        }
      candidate__free (candidate);
    }
  return 0;
}

/* A result that is wrong in floating point may be one that only mixes up NaNs.  */
static void
compilers__tell (void *self, const struct feedback *feedback)
{
  struct compilers *compilers = self;
  bool refuted = feedback->verdict && strcmp (feedback->verdict, "refuted") == 0
                 && (feedback->why.reason == REASON_RESULT || feedback->why.reason == REASON_MEMORY);
  if (!(compilers->region->fp & FP_USES) || !compilers->last)
    return;
  if (compilers->repair >= 0)
    {
      if (!refuted && feedback->ratio > 0)
        compilers->repair_good = compilers->repair;
      return;
    }
  if (!refuted || compilers->n_repaired >= REPAIRED_MAX)
    return;
  free (compilers->refuted);
  free (compilers->refuted_name);
  compilers->refuted = compilers->last;
  compilers->refuted_name = compilers->last_name;
  compilers->last = compilers->last_name = NULL;
  compilers->repair_next = 0;
}

/* A name that GCC gives to a clone of a function: what it does depends on how the whole unit was compiled.  */
static const char *
code__clone (const struct code *code)
{
  static const char *const marks[] = { ".isra.", ".constprop.", ".part.", ".cold", ".lto_priv." };
  for (unsigned i = 0; i < code->n_symbols; i++)
    for (unsigned k = 0; k < sizeof marks / sizeof *marks; k++)
      if (strstr (code->symbol[i], marks[k]))
        return code->symbol[i];
  return NULL;
}

static int
compilers__next (void *self, struct candidate **result, struct why *why)
{
  struct compilers *compilers = self;
  const volatile sig_atomic_t *stop = workshop__stop (compilers->workshop);
  if (compilers__repair (compilers, result))
    return 1;
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
      const char *clone = parsed == 0 ? code__clone (candidate->code) : NULL;
      if (clone)
        {
          why__set (why, REASON_CALLS, "%.60s calls %.150s, a clone of its own", candidate->provenance, clone);
          candidate__free (candidate);
          return -1;
        }
      if (parsed == 0)
        {
          compilers__remember (compilers, candidate, -1);
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
  prefetch__stop (compilers->prefetch);
  unit__close (compilers->unit);
  free (compilers->last);
  free (compilers->last_name);
  free (compilers->refuted);
  free (compilers->refuted_name);
  free (compilers);
}

static const struct proposer_ops compilers_ops = {
  .next = compilers__next, .tell = compilers__tell, .left = compilers__left, .close = compilers__close
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
  compilers->repair = compilers->repair_good = -1;
  if (unit__open (workshop, region, &compilers->unit, why) < 0)
    {
      free (compilers);
      return -1;
    }
  compilers->prefetch = prefetch__start (workshop, compilers->unit, 1, deadline);
  *proposer = (struct proposer){ &compilers_ops, compilers };
  return 0;
}
