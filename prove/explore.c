/* Every path of the original, and for each every path that the candidate can take in the same states.

   Paths of the original are taken in order of how often their loops have gone round, so that when time runs out all paths
   up to some number of rounds are known to be the same.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <stdlib.h>
#include <string.h>

enum
{
  PATHS_MAX = 20000,        /* pairs looked at */
  PENDING_MAX = 4096,
  ROUNDS_MAX = 1200,
  ROUNDS_PLAIN = 64,        /* at least */
  LONGEST_ROUNDS = 8,       /* iterations of the candidate's longest loop that make a bound worth the name */
  STEPS_MAX = 2000000,
  CASES_MAX = 16, CASES_DEPTH = 2
};

#define FEASIBLE_SECONDS 1.0

/* When each of the candidate's loops went round how often: the least rounds of the original's.  */
struct reached
{
  unsigned n;
  unsigned *first;          /* [loop * (LONGEST_ROUNDS + 1) + rounds], 0: not yet; for 0 rounds: that it was run at all */
};

struct search
{
  struct problem *problem;
  struct path *pending;
  unsigned n_pending;
  struct reached reached;
  unsigned limit;           /* rounds of the original's that are looked at */
};

static void
push (struct search *search, struct path *path)
{
  path->next = search->pending;
  search->pending = path;
  search->n_pending++;
}

/* The path with the fewest rounds, taken out.  */
static struct path *
pop (struct search *search)
{
  struct path **best = &search->pending;
  for (struct path **at = &search->pending; *at; at = &(*at)->next)
    if ((*at)->depth < (*best)->depth)
      best = at;
  struct path *path = *best;
  *best = path->next;
  search->n_pending--;
  path->next = NULL;
  return path;
}

static bool
impossible (struct problem *problem, const struct facts *facts)
{
  return facts__ask (problem, facts, NULL, 0, FEASIBLE_SECONDS) == SOLVER_UNSAT;
}

static void
note_reached (struct search *search, const struct path *original, const struct path *candidate)
{
  struct reached *reached = &search->reached;
  for (unsigned i = 0; i < reached->n; i++)
    for (unsigned r = 0; r <= LONGEST_ROUNDS && r <= candidate->rounds[i]; r++)
      if ((r || candidate->rounds[reached->n + i]) && !reached->first[i * (LONGEST_ROUNDS + 1) + r])
        reached->first[i * (LONGEST_ROUNDS + 1) + r] = original->depth + 1;
}

/* Has the candidate's longest loop gone round often enough, and has every instruction been run?  What no path within the
   bound reaches could be anything, so that a bound says little then.  DEPTH: the original's rounds so far.  */
static bool
reached_enough (const struct search *search, unsigned depth)
{
  const struct reached *reached = &search->reached;
  unsigned longest = 0, at = 0;
  if (depth < ROUNDS_PLAIN || program__unreached (search->problem->program[1]) >= 0)
    return false;
  for (unsigned i = 0; i < reached->n; i++)
    {
      unsigned first = reached->first[i * (LONGEST_ROUNDS + 1) + 1];
      unsigned entered = reached->first[i * (LONGEST_ROUNDS + 1)];
      /* A loop that has been run once and should have gone round twice as late, if it goes round at all.  */
      if (entered && !first && depth < 2 * entered + 2)
        return false;
      if (first > longest)
        {
          longest = first;
          at = i;
        }
    }
  if (!longest)
    return true;
  return depth >= ROUNDS_MAX || reached->first[at * (LONGEST_ROUNDS + 1) + LONGEST_ROUNDS] != 0;
}

/* The same run of the original's again, knowing FACTS.  NULL with *WHY.  */
static struct path *
again (struct problem *problem, const struct path *original, const struct facts *facts, struct why *why)
{
  struct path *path = path__entry (problem, problem->program[0], facts), *other;
  path->script = original;
  if (path__run (path, STEPS_MAX, &other) || path->end != original->end || path->impossible)
    {
      *why = path->why;
      if (path->impossible || why->reason == REASON_NONE)
        why__set (why, REASON_UNMODELLED, "a run that can't be done again");
      path__free (path);
      return NULL;
    }
  return path;
}

/* The candidate's run again, knowing from the beginning what it came to know.  NULL with *WHY.  */
static struct path *
candidate_again (struct problem *problem, const struct path *candidate, struct why *why)
{
  struct path *path = path__entry (problem, problem->program[1], &candidate->facts), *other = NULL;
  if (path__run (path, STEPS_MAX, &other) == 0 && !other && path->end == candidate->end)
    return path;
  *why = path->why;
  if (why->reason == REASON_NONE)
    why__set (why, REASON_UNMODELLED, "a run that can't be done again");
  path__free (other);
  path__free (path);
  return NULL;
}

/* Do some of MEMORY's addresses come out otherwise under FACTS?  */
static bool
moved (struct problem *problem, const struct memory *memory, const struct facts *facts)
{
  for (unsigned i = 0; i < memory->n_uses && facts->n_pairs; i++)
    {
      const struct term *base = problem->base[memory->use[i].base].term;
      if (facts__simplify (problem, facts, base, false) != base)
        return true;
    }
  return false;
}

/* Would the original's terms come out otherwise under FACTS?  */
static bool
needs_again (struct problem *problem, const struct path *original, const struct facts *facts)
{
  const struct facts *old = &original->facts;
  if (original->memory->unresolved
      && (facts->n_ranges != old->n_ranges || facts->n_orders != old->n_orders
          || memcmp (facts->range, old->range, old->n_ranges * sizeof *old->range) != 0
          || facts->n_pairs != old->n_pairs))
    return true;
  return moved (problem, original->memory, facts);
}

/* One pair.  */
static enum proof_result
compare_pair (struct search *search, struct path *original, struct path *candidate, struct why *why)
{
  struct problem *problem = search->problem;
  struct path *other = NULL, *better = NULL;
  const struct memory *valid = problem->valid;
  problem->proof->paths++;
  if (moved (problem, candidate->memory, &candidate->facts))
    {
      better = candidate_again (problem, candidate, why);
      if (!better)
        return impossible (problem, &candidate->facts) ? PROOF_PROVED : PROOF_UNKNOWN;
      candidate = better;
    }
  if (needs_again (problem, original, &candidate->facts))
    {
      other = again (problem, original, &candidate->facts, why);
      problem->valid = valid;
      if (!other)
        {
          enum proof_result result = impossible (problem, &candidate->facts) ? PROOF_PROVED : PROOF_UNKNOWN;
          path__free (better);
          return result;
        }
      problem->valid = other->memory;
    }
  enum proof_result result = paths__compare (problem, other ? other : original, candidate, why);
  problem->valid = valid;
  path__free (other);
  path__free (better);
  return result;
}

/* All of the candidate's paths in the states of ORIGINAL, which has ended.  */
static enum proof_result
compare_all (struct search *search, struct path *original, struct why *why)
{
  struct problem *problem = search->problem;
  uint64_t steps = 4096 + 64 * original->steps;
  enum proof_result result = PROOF_PROVED;
  problem->valid = original->memory;
  struct path *stack = path__entry (problem, problem->program[1], &original->facts);
  while (stack && result == PROOF_PROVED)
    {
      struct path *path = stack, *other = NULL;
      stack = path->next;
      path->next = NULL;
      if (problem->proof->paths > PATHS_MAX)
        {
          why__set (why, REASON_PROOF_PATHS, "more than %d", PATHS_MAX);
          result = PROOF_UNKNOWN;
        }
      else if (path__run (path, steps, &other))
        {
          if (!impossible (problem, &path->facts))
            {
              *why = path->why;
              result = PROOF_UNKNOWN;
            }
        }
      else if (path->end != PATH_RUNNING && !other)
        {
          note_reached (search, original, path);
          result = compare_pair (search, original, path, why);
        }
      else
        {
          other->next = stack;
          path->next = other;
          stack = path;
          path = NULL;
        }
      path__free (path);
    }
  while (stack)
    {
      struct path *next = stack->next;
      path__free (stack);
      stack = next;
    }
  problem->valid = NULL;
  return result;
}

/* As compare_all; where an input is known to be one of a few numbers, for each of them by itself: a loop by twos ends for two
   lengths, of which the candidate's code may make different things.  */
static enum proof_result
compare_cases (struct search *search, struct path *original, unsigned depth, struct why *why)
{
  struct problem *problem = search->problem;
  const struct facts *facts = &original->facts;
  for (unsigned i = 0; i < facts->n_ranges && depth < CASES_DEPTH; i++)
    {
      const struct term *input = facts->range[i].term;
      uint64_t low = facts->range[i].low, high = facts->range[i].high;
      if (input->op != TERM_VAR || low >= high || high - low >= CASES_MAX
          || facts__simplify (problem, facts, input, false) != input)
        continue;
      enum proof_result result = PROOF_PROVED;
      for (uint64_t value = low; value <= high && result == PROOF_PROVED; value++)
        {
          struct path *one = path__copy (original);
          facts__assume (problem, &one->facts,
                         term__eq (problem->terms, input, term__const (problem->terms, input->width, value)));
          result = compare_cases (search, one, depth + 1, why);
          path__free (one);
        }
      return result;
    }
  return compare_all (search, original, why);
}

enum proof_result
problem__explore (struct problem *problem, struct why *why)
{
  struct search search = { .problem = problem };
  enum proof_result result = PROOF_PROVED;
  unsigned depth = 0;
  bool enough = false;
  search.reached.n = problem->program[1]->n_back;
  search.reached.first = ARENA_ARRAY (problem->arena, unsigned,
                                      (search.reached.n + 1) * (LONGEST_ROUNDS + 1));
  search.limit = problem->options.iterations ? problem->options.iterations : ROUNDS_MAX;
  push (&search, path__entry (problem, problem->program[0], &problem->assumed));
  while (search.pending && result == PROOF_PROVED)
    {
      struct path *path = pop (&search), *other = NULL;
      if (path->depth > depth)
        {
          depth = path->depth;
          enough = !problem->options.iterations && reached_enough (&search, depth - 1);
        }
      if (enough || path->depth > search.limit || search.n_pending > PENDING_MAX
          || problem__out_of_time (problem))
        {
          /* Everything with fewer rounds has been seen.  */
          push (&search, path);
          result = PROOF_BOUNDED;
          break;
        }
      problem->valid = path->memory;
      if (path->end != PATH_RUNNING)
        ;
      else if (path__run (path, STEPS_MAX, &other))
        {
          if (path->why.reason == REASON_TIME)
            {
              push (&search, path);
              result = PROOF_BOUNDED;
              break;
            }
          if (!impossible (problem, &path->facts))
            {
              *why = path->why;
              result = PROOF_UNKNOWN;
            }
          path__free (path);
          continue;
        }
      if (path->end == PATH_RUNNING || other)
        {
          push (&search, path);
          if (other)
            push (&search, other);
          continue;
        }
      if (path->end != PATH_FAULT || !problem->options.excuse_faults)
        result = compare_cases (&search, path, 0, why);
      if (result == PROOF_UNKNOWN && why->reason == REASON_TIME)
        {
          /* Not seen to its end: as if it still had to be looked at.  */
          push (&search, path);
          result = PROOF_BOUNDED;
          break;
        }
      path__free (path);
    }
  if (result == PROOF_BOUNDED)
    {
      unsigned least = depth;
      for (struct path *path = search.pending; path; path = path->next)
        least = path->depth < least ? path->depth : least;
      problem->proof->bound = least ? least - 1 : 0;
      int unreached = program__unreached (problem->program[1]);
      if (least == 0 || unreached >= 0
          || (!problem->options.iterations && !reached_enough (&search, least - 1)))
        {
          enum reason reason = problem__out_of_time (problem) ? REASON_TIME : REASON_PROOF_PATHS;
          result = PROOF_UNKNOWN;
          if (unreached >= 0)
            why__set (why, reason, "the same up to %u rounds of the original's loops; the candidate's instruction %d (%s) is never run there",
                      problem->proof->bound, unreached,
                      problem->program[1]->image->decoded->insn[unreached].mnemonic);
          else
            why__set (why, reason, "the same up to %u rounds of the original's loops; %d of the candidate's longest loop need more",
                      problem->proof->bound, LONGEST_ROUNDS);
        }
      else if (problem->options.iterations && problem->proof->bound < problem->options.iterations)
        {
          result = PROOF_UNKNOWN;
          why__set (why, REASON_TIME, "the same up to %u rounds of the original's loops, of %u asked for",
                    problem->proof->bound, problem->options.iterations);
        }
    }
  while (search.pending)
    path__free (pop (&search));
  return result;
}
