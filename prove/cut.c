/* Running both sides from cut to cut: until they end or come to loops' heads.

   Part of the induction over loops (induction.c).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <stdlib.h>
#include <string.h>

const struct term *
cut__register (const struct sym_cpu *cpu, unsigned i)
{
  return i < FIRST_VEC ? cpu->gpr[i] : i < FIRST_MASK ? cpu->vec[i - FIRST_VEC]
         : i < STICKY  ? cpu->mask[i - FIRST_MASK] : cpu->sticky;
}

void
cut__set_register (struct sym_cpu *cpu, unsigned i, const struct term *value)
{
  if (i < FIRST_VEC)
    cpu->gpr[i] = value;
  else if (i < FIRST_MASK)
    cpu->vec[i - FIRST_VEC] = value;
  else if (i < STICKY)
    cpu->mask[i - FIRST_MASK] = value;
  else
    cpu->sticky = value;
}

int
path__head (const struct path *path)
{
  return program__find (path->program, path->at);
}

/* Is CONDITION known under FACTS?  */
bool
induction__holds (struct induction *induction, const struct facts *facts, const struct term *condition)
{
  struct problem *problem = induction->problem;
  if (facts__decide (problem, facts, condition) == 1)
    return true;
  const struct term *opposite = term__not (problem->terms, condition);
  return facts__ask_roughly (problem, facts, &opposite, 1, RELATION_SECONDS) == SOLVER_UNSAT;
}

bool
induction__same (struct induction *induction, const struct facts *facts, const struct term *a, const struct term *b)
{
  struct problem *problem = induction->problem;
  if (a == b)
    return true;
  a = facts__simplify (problem, facts, a, true);
  b = facts__simplify (problem, facts, b, true);
  return a == b || induction__holds (induction, facts, term__eq (problem->terms, a, b));
}

void
paths__free (struct path *list)
{
  while (list)
    {
      struct path *next = list->next;
      path__free (list);
      list = next;
    }
}

/* RESULT, with LEAVES as *LIST where it is 0; else nothing is left of them nor of WORK.  */
static int
hand_over (int result, struct path *work, struct path *leaves, struct path **list)
{
  if (result)
    {
      paths__free (work);
      paths__free (leaves);
      leaves = NULL;
    }
  *list = leaves;
  return result;
}

/* All that START (which is used up) leads to: ends, and arrivals at STOPS; HEAD (-1: none) is passed until it has been reached
   ARRIVALS times.  0 and *LIST; -1 and *WHY.  */
int
induction__run (struct induction *induction, struct path *start, const bool *stops, int head, unsigned arrivals,
            struct path **list, struct why *why)
{
  struct problem *problem = induction->problem;
  struct path *work = start, *leaves = NULL;
  unsigned n = 0;
  int result = 0;
  start->next = NULL;
  start->stops = stops;
  start->asks = true;
  start->quick = false;
  start->arrivals = 0;
  start->resumed = start->steps;
  if (start->end == PATH_STOPPED)
    start->end = PATH_RUNNING;
  while (work && result == 0)
    {
      struct path *path = work, *other = NULL;
      work = path->next;
      path->next = NULL;
      if (path->end == PATH_RUNNING)
        result = path__run (path, CUT_STEPS_MAX, &other);
      if (result)
        *why = path->why;
      if (other)
        {
          other->next = work;
          work = other;
        }
      if (path->end == PATH_RUNNING && result == 0)
        {
          path->next = work;
          work = path;
          continue;
        }
      if (result == 0 && path->end == PATH_STOPPED && path__head (path) == head && ++path->arrivals < arrivals)
        {
          path->end = PATH_RUNNING;
          path->resumed = path->steps;
          path->next = work;
          work = path;
          continue;
        }
      /* Ways that leave a loop too early are seldom possible, and would cost much to look at.  */
      if (result == 0 && head >= 0 && (path->end != PATH_STOPPED || path__head (path) != head)
          && facts__ask_roughly (problem, &path->facts, NULL, 0, PRUNE_SECONDS) == SOLVER_UNSAT)
        {
          path__free (path);
          continue;
        }
      if (result == 0 && ++n > LEAVES_MAX)
        result = why__set (why, REASON_PROOF_LOOP, "more than %d ways between two loop heads", LEAVES_MAX);
      path->next = leaves;
      leaves = path;
    }
  return hand_over (result, work, leaves, list);
}

int
cut__leaves (struct path *start, const bool *stops, struct path **list, struct why *why)
{
  struct path *work = start, *leaves = NULL;
  int result = 0;
  start->next = NULL;
  start->stops = stops;
  start->quick = true;
  start->resumed = start->steps;
  if (start->end == PATH_STOPPED)
    start->end = PATH_RUNNING;
  for (unsigned runs = 0; work && result == 0; runs++)
    {
      struct path *path = work, *other = NULL;
      work = path->next;
      path->next = NULL;
      if (runs > QUICK_RUNS_MAX)
        result = why__set (why, REASON_PROOF_LOOP, "more than %d ways between two loop heads", QUICK_RUNS_MAX);
      else if (path__run (path, CUT_STEPS_MAX, &other))
        {
          *why = path->why;
          result = -1;
        }
      struct path **to = path->end == PATH_RUNNING && result == 0 ? &work : &leaves;
      path->next = *to;
      *to = path;
      if (other)
        {
          other->next = work;
          work = other;
        }
    }
  return hand_over (result, work, leaves, list);
}

struct path *
path__copy_with (const struct path *path, const struct facts *facts)
{
  struct path *copy = path__copy (path);
  if (facts)
    copy->facts = *facts;
  return copy;
}

/* ORIGINAL and CANDIDATE have both ended; FACTS are known of both.  */
bool
induction__compare_ends (struct induction *induction, const struct path *original, const struct path *candidate,
              const struct facts *facts, struct why *why)
{
  struct path *first = path__copy_with (original, facts), *second = path__copy_with (candidate, facts);
  bool well = paths__compare (induction->problem, first, second, why) == PROOF_PROVED
              || facts__ask_roughly (induction->problem, facts, NULL, 0, PRUNE_SECONDS) == SOLVER_UNSAT;
  path__free (first);
  path__free (second);
  return well;
}

/* Some way that leads from START back to HEAD, ARRIVALS times; NULL where none is found.  Nothing is asked of the solver: what
   is seen here is only what guesses are made from.  */
struct path *
induction__dry_run (struct induction *induction, const struct path *start, int head, unsigned arrivals)
{
  const struct program *program = start->program;
  const bool *is_head = induction->heads[program->side]->is_head;
  const bool *around = heads__around (induction->arena, program, (unsigned) head, NULL);
  struct path *work = path__copy_with (start, NULL), *found = NULL;
  work->stops = is_head;
  work->asks = false;
  work->quick = true;
  work->arrivals = 0;
  work->next = NULL;
  for (unsigned runs = 0; work && !found && runs < LEAVES_MAX; runs++)
    {
      struct path *path = work, *other = NULL;
      work = path->next;
      path->next = NULL;
      if (path->end == PATH_STOPPED)
        {
          path->end = PATH_RUNNING;
          path->resumed = path->steps;
        }
      bool well = path__run (path, CUT_STEPS_MAX, &other) == 0;
      int at = path__head (path);
      if (other)
        {
          int there = path__head (other);
          if (other->end == PATH_RUNNING && there >= 0 && around[there])
            {
              other->next = work;
              work = other;
            }
          else
            path__free (other);
        }
      if (well && path->end == PATH_STOPPED && at == head && ++path->arrivals == arrivals)
        found = path;
      else if (well && at >= 0 && around[at]
               && (path->end == PATH_RUNNING || (path->end == PATH_STOPPED && at == head)))
        {
          path->next = work;
          work = path;
        }
      else
        path__free (path);
    }
  paths__free (work);
  if (found)
    found->quick = false;
  return found;
}

/* PATH as it is in any round: registers by RELATION, memory number MEMORY except for the frame, nothing else forgotten.
   AFTER is PATH some rounds later.  */
struct path *
cut__generalise (struct induction *induction, const struct path *path, const struct relation *relation,
            const struct path *after, uint32_t memory, const struct facts *facts)
{
  struct problem *problem = induction->problem;
  struct path *base = path__copy_with (path, facts);
  memory__free (base->memory);
  base->memory = memory__restart (problem, path->memory, after->memory, memory);
  for (unsigned i = 0; i < REGISTERS; i++)
    cut__set_register (&base->cpu, i, relation[i].term);
  cpu__forget_flags (&base->cpu, problem->terms);
  return base;
}

uint64_t
cut__written (const struct program *program, const bool *among)
{
  uint64_t written = UINT64_C (1) << STICKY;
  for (unsigned i = 0; i < program->n_insns; i++)
    if (!among || among[i])
      written |= regset__registers (&program->image->decoded->insn[i].written);
  return written & ~(UINT64_C (1) << 4);
}

bool
cut__leads_to_frame (const struct path *path, uint64_t registers)
{
  for (unsigned i = 0; i < REGISTERS; i++)
    if ((registers >> i & 1) && (term__support (path->problem, cut__register (&path->cpu, i)) & SUPPORT_STACK))
      return true;
  return false;
}

void
cut__forget (struct path *path, uint32_t memory)
{
  struct memory *before = path->memory;
  cpu__forget_flags (&path->cpu, path->problem->terms);
  path->memory = memory__restart (path->problem, before, before, memory);
  memory__free (before);
}

bool
cut__is_round (const struct path *path, const struct sym_cpu *cpu, const struct memory *memory, uint64_t registers)
{
  for (unsigned i = 0; i < REGISTERS; i++)
    if (!(registers >> i & 1) && cut__register (cpu, i) != cut__register (&path->cpu, i))
      return false;
  return memory__keeps_frame (path->problem, memory, path->memory);
}
