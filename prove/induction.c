/* Loops of any number of iterations, by a simulation relation.

   Both programs are cut at the heads of their loops.  When the original stands at a head of its own and the candidate at one of
   its, the pair is generalised: the candidate has been round Q times, the original FACTOR times as often, where Q is any
   number; registers that move by a constant become linear in Q, what a loop accumulates becomes unknown, and the original's
   accumulator is the candidate's lanes added up (or whatever it does with them); memory is one that both share and nothing is known
   of.  Then one more round of the candidate and FACTOR rounds of the original have to lead to the same relation at Q + 1, with the
   same bytes written, or out of the loop to a pair that is treated likewise.

   The relation is a guess, made by watching two rounds; that it holds at first and after each round is shown by the simplifier or the
   solver, so a bad guess costs a proof and nothing else.  Each round of the candidate goes with at least one of the
   original, so the candidate ends where the original does.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <stdlib.h>
#include <string.h>

enum
{
  DEPTH_MAX = 4,        /* loops within loops, and one after the other */
  INSTANCES_MAX = 24,
  FACTOR_MAX = 256,
  FACTORS_MAX = 5
};

/* Of the time left, for one factor when there are more to try.  */
#define FACTOR_SHARE 0.6

static bool pair_up (struct induction *induction, const struct instance *instance, struct path *original,
                     struct path *candidate, struct why *why);

/* One side has ended, the other is run to its end.  INSIDE: some rounds of a loop lie behind them.  */
static bool
finish (struct induction *induction, bool inside, const struct path *original, const struct path *candidate,
        struct why *why)
{
  struct path *list;
  bool well = true;
  if (candidate->end != PATH_STOPPED && !inside)
    {
      struct path *copy = path__copy_with (original, NULL);
      bool small = rest__small (induction, copy, &candidate->facts, &well, why);
      path__free (copy);
      if (small)
        return well;
      well = true;
    }
  if (candidate->end != PATH_STOPPED)
    {
      struct facts facts = candidate->facts;
      trips__pin_rest (induction, original, &facts);
      if (induction__run (induction, path__copy_with (original, &facts), NULL, -1, 0, &list, why))
        return false;
      for (struct path *path = list; path && well; path = path->next)
        well = induction__compare_ends (induction, path, candidate, &path->facts, why);
    }
  else
    {
      if (induction__run (induction, path__copy_with (candidate, NULL), NULL, -1, 0, &list, why))
        return false;
      for (struct path *path = list; path && well; path = path->next)
        well = induction__compare_ends (induction, original, path, &path->facts, why);
    }
  paths__free (list);
  return well;
}

/* BASE in round NUMBER.  */
static struct path *
in_round (struct induction *induction, const struct instance *instance, const struct path *base,
          const struct term *number)
{
  struct path *path = path__copy_with (base, NULL);
  for (unsigned i = 0; i < REGISTERS; i++)
    cut__set_register (&path->cpu, i,
                  term__substitute (induction->problem->terms, cut__register (&path->cpu, i), &instance->round, &number, 1));
  return path;
}

/* Is the relation of INSTANCE, in the next round, what ORIGINAL and CANDIDATE have come to?  */
static bool
keeps_relation (struct induction *induction, struct instance *instance, const struct path *original,
                const struct path *candidate, struct why *why)
{
  struct terms *terms = induction->problem->terms;
  const struct term *from[REGISTERS + 1] = { instance->round }, *to[REGISTERS + 1];
  to[0] = term__add (terms, instance->round, term__const (terms, 64, 1));
  unsigned n = 1;
  if (instance->last)
    return why__set (why, REASON_PROOF_LOOP, "the candidate's loop goes round once more than it should") == 0;
  if (instance->trips && !induction__holds (induction, &candidate->facts, term__ult (terms, to[0], instance->trips)))
    return why__set (why, REASON_PROOF_LOOP, "how often the candidate's loop goes round") == 0;
  for (unsigned side = 0; side < SIDES; side++)
    if (!memory__keeps_frame (induction->problem, instance->base[side]->memory,
                              (side ? candidate : original)->memory))
      return why__set (why, REASON_PROOF_LOOP, "a loop that stores to its frame") == 0;
  for (unsigned i = 0; i < REGISTERS; i++)
    if (instance->relation[1][i].unknown)
      {
        const struct term *unknown = instance->relation[1][i].unknown;
        from[n] = unknown;
        to[n++] = term__extract (terms, cut__register (&candidate->cpu, i), 0, unknown->width);
      }
  for (unsigned side = SIDES; side-- > 0;)
    for (unsigned i = 0; i < REGISTERS; i++)
      {
        const struct relation *relation = &instance->relation[side][i];
        const struct sym_cpu *cpu = side ? &candidate->cpu : &original->cpu;
        if (!relation->checked
            || induction__same (induction, &candidate->facts, cut__register (cpu, i),
                     term__substitute (terms, relation->term, from, to, n)))
          continue;
        instance->failed[0] = (int) side;
        instance->failed[1] = (int) i;
        return why__set (why, REASON_PROOF_LOOP, "no relation found for register %u of the %s at a loop's head", i,
                         side ? "candidate" : "original") == 0;
      }
  return true;
}

/* ORIGINAL, at a head, run on until it has touched as much memory as CANDIDATE: the ways there.  */
static int
align (struct induction *induction, const struct path *original, const struct path *candidate, struct path **list,
       struct why *why)
{
  struct path *work = path__copy_with (original, &candidate->facts), *done = NULL;
  int result = 0;
  unsigned runs = 0;
  while (work && result == 0)
    {
      if (++runs > LEAVES_MAX)
        {
          result = why__set (why, REASON_PROOF_LOOP, "the original doesn't come to where the candidate is");
          break;
        }
      struct path *path = work;
      work = path->next;
      path->next = NULL;
      bool stores = candidate->memory->stored > 0;
      uint64_t have = stores ? path->memory->stored : path->memory->loaded;
      uint64_t want = stores ? candidate->memory->stored : candidate->memory->loaded;
      if (path->end != PATH_STOPPED || have >= want)
        {
          path->next = done;
          done = path;
          continue;
        }
      struct path *more, *last;
      result = induction__run (induction, path, induction->heads[0]->is_head, -1, 0, &more, why);
      if (result || !more)
        continue;
      for (last = more; last->next; last = last->next)
        ;
      last->next = work;
      work = more;
    }
  paths__free (work);
  if (result)
    {
      paths__free (done);
      done = NULL;
    }
  *list = done;
  return result;
}

/* One round of INSTANCE, from ORIGINAL and CANDIDATE (which are used up), and what follows it.  */
static bool
run_round (struct induction *induction, struct instance *instance, struct path *original, struct path *candidate,
           struct why *why)
{
  struct path *originals, *candidates;
  bool well = true;
  if (induction__run (induction, original, induction->heads[0]->is_head, instance->head[0], instance->factor, &originals, why))
    well = false;
  for (struct path *path = originals; path && well; path = path->next)
    {
      induction->problem->valid = path->memory;
      if (induction__run (induction, path__copy_with (candidate, &path->facts), induction->heads[1]->is_head, -1, 0, &candidates,
                      why))
        well = false;
      for (struct path *other = candidates; well && other; other = other->next)
        well = pair_up (induction, instance, path, other, why);
      paths__free (candidates);
    }
  induction->problem->valid = NULL;
  paths__free (originals);
  path__free (candidate);
  return well;
}

/* Any round of INSTANCE: the last one, where it is known, apart from the others, as what follows it has that many rounds behind
   it and no unknown number.  */
static bool
run_rounds (struct induction *induction, struct instance *instance, struct why *why)
{
  struct problem *problem = induction->problem;
  struct terms *terms = problem->terms;
  struct path *path[SIDES];
  for (unsigned side = 0; side < SIDES; side++)
    path[side] = path__copy_with (instance->base[side], NULL);
  instance->last = false;
  if (!instance->trips)
    return run_round (induction, instance, path[0], path[1], why);
  const struct term *next = term__add (terms, instance->round, term__const (terms, 64, 1));
  const struct term *last = term__sub (terms, instance->trips, term__const (terms, 64, 1));
  for (unsigned side = 0; side < SIDES; side++)
    {
      facts__assume (problem, &path[side]->facts, term__ult (terms, instance->round, instance->trips));
      facts__assume (problem, &path[side]->facts, term__ult (terms, next, instance->trips));
    }
  if (!run_round (induction, instance, path[0], path[1], why))
    return false;
  instance->last = true;
  for (unsigned side = 0; side < SIDES; side++)
    path[side] = in_round (induction, instance, instance->base[side], last);
  bool well;
  if (!instance->outer && rest__after_rounds (induction, instance, path, &well, why))
    {
      for (unsigned side = 0; side < SIDES; side++)
        path__free (path[side]);
      return well;
    }
  return run_round (induction, instance, path[0], path[1], why);
}

static void
free_instance (struct instance *instance)
{
  for (unsigned side = 0; side < SIDES; side++)
    path__free (instance->base[side]);
}

static unsigned
add_factor (unsigned *factors, unsigned n, uint64_t candidate, uint64_t original)
{
  if (!original || candidate % original || candidate / original > FACTOR_MAX || candidate == 0)
    return n;
  unsigned factor = (unsigned) (candidate / original);
  for (unsigned i = 0; i < n; i++)
    if (factors[i] == factor)
      return n;
  if (n < FACTORS_MAX)
    factors[n++] = factor;
  return n;
}

/* How many rounds of the original may go with one of the candidate: what they touch, and how far registers move.  */
static unsigned
find_factors (struct induction *induction, struct path *const start[SIDES], struct path *const round[SIDES],
              unsigned *factors)
{
  struct terms *terms = induction->problem->terms;
  const struct memory *from[SIDES] = { start[0]->memory, start[1]->memory };
  const struct memory *to[SIDES] = { round[0]->memory, round[1]->memory };
  unsigned n = 0;
  n = add_factor (factors, n, to[1]->stored - from[1]->stored, to[0]->stored - from[0]->stored);
  for (unsigned i = 0; i < FIRST_VEC; i++)
    for (unsigned k = 0; k < FIRST_VEC; k++)
      {
        int64_t a, b;
        if (term__distance (terms, round[1]->cpu.gpr[i], start[1]->cpu.gpr[i], &a)
            && term__distance (terms, round[0]->cpu.gpr[k], start[0]->cpu.gpr[k], &b) && a && b)
          n = add_factor (factors, n, (uint64_t) llabs (a), (uint64_t) llabs (b));
      }
  return add_factor (factors, n, to[1]->loaded - from[1]->loaded, to[0]->loaded - from[0]->loaded);
}

/* The pair at two heads, with FACTOR: true where all that follows is equal.  */
static bool
induct (struct induction *induction, struct instance *instance, struct path *const start[SIDES], struct why *why)
{
  struct problem *problem = induction->problem;
  struct guess guess = { .induction = induction, .instance = instance };
  bool well = false;
  for (unsigned demotions = 0; demotions <= DEMOTIONS_MAX && !well; demotions++)
    {
      guess.n_unknowns = 0;
      instance->trips = NULL;
      instance->round = term__fresh (problem->terms, 64);
      instance->failed[0] = instance->failed[1] = -1;
      bool seen = true;
      for (unsigned side = 0; side < SIDES && seen; side++)
        {
          unsigned rounds = side ? 1 : instance->factor;
          guess.seen[side][0] = start[side];
          for (unsigned k = 1; k < 3; k++)
            if (!(guess.seen[side][k] = guess.seen[side][k - 1]
                    ? induction__dry_run (induction, guess.seen[side][k - 1], instance->head[side], rounds) : NULL))
              seen = false;
        }
      /* A factor that doesn't fit shows in the first round already.  */
      if (seen && demotions == 0
          && paths__compare_memory (problem, guess.seen[0][1], guess.seen[1][1], why) != PROOF_PROVED)
        seen = false;
      else if (!seen)
        why__set (why, REASON_PROOF_LOOP, "no way through two rounds of a loop");
      if (seen)
        {
          uint32_t memory = FIRST_MEMORY + induction->memories++;
          relation__guess (&guess);
          for (unsigned side = 0; side < SIDES; side++)
            instance->base[side] = cut__generalise (induction, start[side], instance->relation[side],
                                               guess.seen[side][2], memory, &start[1]->facts);
          trips__find (induction, instance, &start[1]->facts);
          well = run_rounds (induction, instance, why);
        }
      for (unsigned side = 0; side < SIDES; side++)
        for (unsigned k = 1; k < 3; k++)
          {
            path__free (guess.seen[side][k]);
            guess.seen[side][k] = NULL;
          }
      free_instance (instance);
      instance->base[0] = instance->base[1] = NULL;
      if (well || !seen || instance->failed[0] < 0 || problem__out_of_time (problem))
        break;
      if (instance->junk[instance->failed[0]][instance->failed[1]])
        break;
      instance->junk[instance->failed[0]][instance->failed[1]] = true;
    }
  return well;
}

/* A new pair of heads below OUTER.  */
static bool
open_instance (struct induction *induction, const struct instance *outer, struct path *original,
               struct path *candidate, struct why *why)
{
  struct path *start[SIDES] = { original, candidate }, *round[SIDES] = { NULL };
  unsigned factors[FACTORS_MAX], n = 0;
  bool well = false;
  if (++induction->instances > INSTANCES_MAX || (outer && outer->depth >= DEPTH_MAX))
    return why__set (why, REASON_PROOF_LOOP, "too many loops one inside or after the other") == 0;
  if (paths__compare_memory (induction->problem, original, candidate, why) != PROOF_PROVED)
    return false;
  const struct term *original_trips = trips__of_original (induction, original, &candidate->facts);
  original->facts = candidate->facts;
  for (unsigned side = 0; side < SIDES; side++)
    round[side] = induction__dry_run (induction, start[side], path__head (start[side]), 1);
  if (round[0] && round[1])
    n = find_factors (induction, start, round, factors);
  else
    why__set (why, REASON_PROOF_LOOP, "no way through a round of the %s's loop", round[0] ? "candidate" : "original");
  for (unsigned side = 0; side < SIDES; side++)
    path__free (round[side]);
  struct problem *problem = induction->problem;
  double deadline = problem->deadline;
  for (unsigned i = 0; i < n && !well && !problem__out_of_time (problem); i++)
    {
      double now = prove__now ();
      problem->deadline = now + (deadline - now) * (i + 1 < n ? FACTOR_SHARE : 1);
      struct instance instance = { .outer = outer, .depth = outer ? outer->depth + 1 : 1, .factor = factors[i],
                                   .original_trips = original_trips,
                                   .head = { path__head (original), path__head (candidate) } };
      well = induct (induction, &instance, start, why);
      problem->deadline = deadline;
    }
  return well;
}

/* ORIGINAL and CANDIDATE (whose facts include the original's) have come to the end of what was run.  */
static bool
pair_up (struct induction *induction, const struct instance *instance, struct path *original, struct path *candidate,
         struct why *why)
{
  if (problem__out_of_time (induction->problem))
    return why__set (why, REASON_TIME, "proving a loop") == 0;
  if (original->end != PATH_STOPPED && candidate->end != PATH_STOPPED)
    return induction__compare_ends (induction, original, candidate, &candidate->facts, why);
  if (original->end != PATH_STOPPED || candidate->end != PATH_STOPPED)
    return finish (induction, instance != NULL, original, candidate, why);
  /* Round again?  */
  for (const struct instance *outer = instance; outer; outer = outer->outer)
    if (path__head (candidate) == outer->head[1] && path__head (original) == outer->head[0]
        && (outer == instance || outer->factor == 1))
      {
        if (paths__compare_memory (induction->problem, original, candidate, why) != PROOF_PROVED)
          return false;
        return keeps_relation (induction, (struct instance *) outer, original, candidate, why);
      }
  struct path *list;
  bool well = true;
  if (align (induction, original, candidate, &list, why))
    return false;
  for (struct path *path = list; path && well; path = path->next)
    {
      struct path *copy = path__copy_with (candidate, &path->facts);
      if (path->end != PATH_STOPPED)
        well = finish (induction, instance != NULL, path, copy, why);
      else
        well = open_instance (induction, instance, path, copy, why);
      path__free (copy);
    }
  paths__free (list);
  return well;
}

bool
problem__induct (struct problem *problem, struct why *why)
{
  struct induction induction = { .problem = problem, .arena = problem->arena };
  struct path *originals, *candidates;
  bool well = true;
  problem->roughly = true;
  for (unsigned side = 0; side < SIDES; side++)
    induction.heads[side] = heads__find (problem->arena, problem->region, problem->program[side]);
  if (!induction.heads[0]->n || !induction.heads[1]->n)
    return why__set (why, REASON_PROOF_LOOP, "one side has no loop") == 0;
  if (induction__run (&induction, path__entry (problem, problem->program[0], &problem->assumed), induction.heads[0]->is_head, -1, 0,
                  &originals, why))
    return false;
  for (struct path *original = originals; original && well; original = original->next)
    {
      problem->valid = original->memory;
      if (induction__run (&induction, path__entry (problem, problem->program[1], &original->facts),
                      induction.heads[1]->is_head, -1, 0, &candidates, why))
        well = false;
      for (struct path *candidate = candidates; well && candidate; candidate = candidate->next)
        well = pair_up (&induction, NULL, original, candidate, why);
      paths__free (candidates);
    }
  problem->valid = NULL;
  paths__free (originals);
  return well;
}
