/* Known numbers of rounds, one by one: small inputs from the beginning, and what is left of a loop after whole rounds of the
   candidate's.

   With a number in its place nothing is left to be decided, which costs less than asking about it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <stdlib.h>
#include <string.h>

/* Both sides from their entry to their end, INPUT being NUMBER.  */
static bool
run_small (struct induction *induction, const struct term *input, uint64_t number, struct why *why)
{
  struct problem *problem = induction->problem;
  struct facts facts = problem->assumed;
  struct path *originals, *candidates;
  facts__assume (problem, &facts,
                 term__eq (problem->terms, input, term__const (problem->terms, input->width, number)));
  bool well = induction__run (induction, path__entry (problem, problem->program[0], &facts), NULL, -1, 0, &originals, why)
              == 0;
  for (struct path *original = originals; original && well; original = original->next)
    {
      problem->valid = original->memory;
      well = induction__run (induction, path__entry (problem, problem->program[1], &original->facts), NULL, -1, 0,
                         &candidates, why)
             == 0;
      for (struct path *candidate = candidates; candidate && well; candidate = candidate->next)
        well = induction__compare_ends (induction, original, candidate, &candidate->facts, why);
      paths__free (candidates);
    }
  problem->valid = NULL;
  paths__free (originals);
  return well;
}

/* ORIGINAL is at its first head, the candidate has ended without any loop, under FACTS: where that says that an input is small, each of
   its values is looked at by itself, from the beginning.  False where that isn't so, else *WELL.  */
bool
rest__small (struct induction *induction, struct path *original, const struct facts *facts, bool *well, struct why *why)
{
  struct problem *problem = induction->problem;
  struct facts known = *facts;
  const struct memory *valid = problem->valid;
  const struct term *input[4], *trips = trips__of_original (induction, original, &known);
  problem->valid = valid;
  unsigned n = trips ? term__inputs (trips, input, 0, 4, 8) : 0;
  for (unsigned i = 0; i < n; i++)
    {
      uint64_t low, high;
      if (input[i]->width > 64)
        continue;
      facts__range (problem, &known, input[i], &low, &high);
      if (low > high || high >= SMALL_MAX)
        continue;
      if (induction->small != input[i])
        {
          induction->small = input[i];
          memset (induction->shown, 0, sizeof induction->shown);
        }
      *well = true;
      for (uint64_t number = low; number <= high && *well; number++)
        if (!induction->shown[number])
          induction->shown[number] = *well = run_small (induction, input[i], number, why);
      problem->valid = valid;
      return true;
    }
  return false;
}

/* START with FROM replaced by TO in all that it holds and knows.  */
static struct path *
with_value (struct induction *induction, const struct path *start, const struct term *from, const struct term *to)
{
  struct problem *problem = induction->problem;
  struct path *path = path__copy_with (start, &problem->assumed);
  unsigned n = 0;
  for (const struct condition *c = start->facts.last; c; c = c->before)
    n++;
  const struct condition **all = calloc (n + 1, sizeof *all);
  if (!all)
    abort (); /* as arenas do */
  unsigned at = n;
  for (const struct condition *c = start->facts.last; c; c = c->before)
    all[--at] = c;
  for (unsigned i = 0; i < n; i++)
    facts__assume (problem, &path->facts, term__substitute (problem->terms, all[i]->term, &from, &to, 1));
  free (all);
  for (unsigned i = 0; i < REGISTERS; i++)
    cut__set_register (&path->cpu, i, term__substitute (problem->terms, cut__register (&path->cpu, i), &from, &to, 1));
  return path;
}

/* After the last round of INSTANCE, both sides being at START: the original has so many rounds left that the low bits of an input
   say how many.  Then each of those numbers is looked at by itself, where nothing is left to be decided.  False where that
   isn't so, else *WELL.  */
bool
rest__after_rounds (struct induction *induction, struct instance *instance, struct path *const start[SIDES], bool *well,
                struct why *why)
{
  struct problem *problem = induction->problem;
  struct terms *terms = problem->terms;
  if (!instance->original_trips)
    return false;
  const struct term *left
    = term__sub (terms, instance->original_trips,
                 term__mul (terms, instance->trips, term__const (terms, 64, instance->factor)));
  const struct term *part = left->op == TERM_CONCAT && left->n_args == 2 && term__is_value (left->arg[0], 0)
                              ? left->arg[1] : trips__low_part (induction, &start[1]->facts, left, instance->factor);
  if (!part || part->op != TERM_EXTRACT || part->number != 0 || part->arg[0]->op != TERM_VAR || part->width > 8)
    return false;
  /* What is known to be zero above stays written so.  */
  const struct term *whole = part->arg[0];
  uint64_t least, most;
  unsigned bits = whole->width;
  facts__range (problem, &start[1]->facts, whole, &least, &most);
  if (least <= most)
    while (bits > part->width + 1u && most < UINT64_C (1) << (bits - 1))
      bits--;
  const struct term *high = term__zext (terms, term__fresh (terms, bits - part->width), whole->width - part->width);
  *well = true;
  for (uint64_t rest = 0; rest < UINT64_C (1) << part->width && *well; rest++)
    {
      const struct term *value = term__concat (terms, high, term__const (terms, part->width, rest));
      struct path *path[SIDES], *originals, *candidates;
      for (unsigned side = 0; side < SIDES; side++)
        path[side] = with_value (induction, start[side], whole, value);
      *well = induction__run (induction, path[0], NULL, -1, 0, &originals, why) == 0;
      for (struct path *original = originals; original && *well; original = original->next)
        {
          problem->valid = original->memory;
          *well = induction__run (induction, path__copy_with (path[1], &original->facts), NULL, -1, 0, &candidates, why) == 0;
          for (struct path *candidate = candidates; candidate && *well; candidate = candidate->next)
            *well = induction__compare_ends (induction, original, candidate, &candidate->facts, why);
          paths__free (candidates);
        }
      problem->valid = NULL;
      paths__free (originals);
      path__free (path[1]);
    }
  return true;
}
