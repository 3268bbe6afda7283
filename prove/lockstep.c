/* Two programs that are nearly the same: both go from each loop's head to the next side by side.

   Heads are paired in the order of their addresses.  At a pair, whatever the rounds before, registers that either program
   writes somewhere may hold anything, but those that the candidate may still read hold the same on both sides; memory is one
   that both share and nothing is known of; each side's frame is what it was.  From there every way of the original has to come
   with the candidate to a pair, or to an end of both, with the same bytes written and the same registers.  Nothing is known of
   how often loops go round, nor how their registers hang together: for that see induction.c.

   Each step of the candidate's goes with one of the original's, so the candidate ends where the original does.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"


enum { HEADS_MAX = 32, MEETINGS_MAX = 4000, ALIKE = 2, VECTOR = 512, LOW = 128 /* bits */ };

/* A pair of heads that both have come to, in any round.  */
struct place
{
  bool known, done;
  int head[SIDES];
  struct path *base[SIDES];
};

struct lockstep
{
  struct induction induction;
  uint64_t written;              /* registers, as cut__register numbers them, that some instruction of either side writes */
  unsigned n, meetings;
  struct place place[HEADS_MAX];
};

/* The pair that both are at, or -1.  */
static int
place_of (const struct lockstep *lockstep, const struct path *original, const struct path *candidate)
{
  for (unsigned i = 0; i < lockstep->n; i++)
    if (lockstep->place[i].head[0] == path__head (original) && lockstep->place[i].head[1] == path__head (candidate))
      return (int) i;
  return -1;
}

/* May the candidate read register I from pair AT on?  */
static bool
is_read (const struct lockstep *lockstep, unsigned at, unsigned i)
{
  return heads__is_live (lockstep->induction.heads[1], (unsigned) lockstep->place[at].head[1], i);
}

/* Do both hold what the other does, as far as it matters from pair AT on?  */
static bool
agree (struct lockstep *lockstep, unsigned at, const struct path *original, const struct path *candidate)
{
  if (cut__leads_to_frame (original, lockstep->written) || cut__leads_to_frame (candidate, lockstep->written))
    return false;
  for (unsigned i = 0; i < REGISTERS; i++)
    {
      const struct term *a = cut__register (&original->cpu, i), *b = cut__register (&candidate->cpu, i);
      if (!is_read (lockstep, at, i))
        {
          if (a->width != VECTOR || !(lockstep->written >> i & 1))
            continue;
          /* What is above the low 16 bytes has to be left as the original leaves it.  */
          a = term__extract (lockstep->induction.problem->terms, a, LOW, VECTOR - LOW);
          b = term__extract (lockstep->induction.problem->terms, b, LOW, VECTOR - LOW);
        }
      if (!induction__same (&lockstep->induction, &candidate->facts, a, b))
        return false;
    }
  return true;
}

/* Makes both, at pair AT, stand for any round.  */
static void
generalise (struct lockstep *lockstep, unsigned at, const struct path *original, const struct path *candidate)
{
  struct problem *problem = lockstep->induction.problem;
  struct terms *terms = problem->terms;
  struct place *place = &lockstep->place[at];
  uint32_t number = FIRST_MEMORY + lockstep->induction.memories++;
  for (unsigned side = 0; side < SIDES; side++)
    {
      struct path *base = path__copy_with (side ? candidate : original, &problem->assumed);
      for (unsigned i = 0; i < REGISTERS; i++)
        if (lockstep->written >> i & 1)
          {
            unsigned width = cut__register (&base->cpu, i)->width;
            const struct term *held = side ? cut__register (&place->base[0]->cpu, i) : term__fresh (terms, width);
            if (side && !is_read (lockstep, at, i))
              held = width == VECTOR ? term__insert (terms, held, 0, term__fresh (terms, LOW)) : term__fresh (terms, width);
            cut__set_register (&base->cpu, i, held);
          }
      cut__forget (base, number);
      place->base[side] = base;
    }
  place->known = true;
}

static bool
impossible (struct lockstep *lockstep, const struct path *candidate)
{
  return facts__ask_roughly (lockstep->induction.problem, &candidate->facts, NULL, 0, PRUNE_SECONDS) == SOLVER_UNSAT;
}

/* ORIGINAL and CANDIDATE, which knows what the original knows, have both stopped.  */
static bool
meet (struct lockstep *lockstep, struct path *original, struct path *candidate, struct why *why)
{
  struct problem *problem = lockstep->induction.problem;
  if (problem__out_of_time (problem) || ++lockstep->meetings > MEETINGS_MAX)
    return why__set (why, REASON_TIME, "side by side") == 0;
  bool ends = original->end != PATH_STOPPED;
  if (ends && candidate->end != PATH_STOPPED)
    return induction__compare_ends (&lockstep->induction, original, candidate, &candidate->facts, why);
  int at = ends || candidate->end != PATH_STOPPED ? -1 : place_of (lockstep, original, candidate);
  if (at < 0)
    return impossible (lockstep, candidate) || why__set (why, REASON_PROOF_LOOP, "the two sides part") == 0;
  if (paths__compare_memory (problem, original, candidate, why) != PROOF_PROVED
      || !agree (lockstep, (unsigned) at, original, candidate))
    return impossible (lockstep, candidate) || why__set (why, REASON_PROOF_LOOP, "the two sides differ at a loop's head") == 0;
  struct place *place = &lockstep->place[at];
  if (!place->known)
    {
      generalise (lockstep, (unsigned) at, original, candidate);
      return true;
    }
  for (unsigned side = 0; side < SIDES; side++)
    if (!cut__is_round (side ? candidate : original, &place->base[side]->cpu, place->base[side]->memory, lockstep->written))
      return why__set (why, REASON_PROOF_LOOP, "the frame, or a register that nothing writes, changes") == 0;
  return true;
}

/* ORIGINAL's run from START once more, knowing FACTS from the beginning: addresses come out as the candidate's do then.  NULL and
   *WHY where that can't be.  */
static struct path *
again (struct lockstep *lockstep, const struct path *start, const struct path *original, const struct facts *facts,
       struct why *why)
{
  struct path *path = path__copy_with (start, facts), *other = NULL;
  path->script = original;
  path->stops = lockstep->induction.heads[0]->is_head;
  path->end = PATH_RUNNING;
  path->resumed = path->steps;
  if (path__run (path, CUT_STEPS_MAX, &other) == 0 && !other && path->end == original->end
      && path__head (path) == path__head (original))
    {
      path->script = NULL;
      return path;
    }
  *why = path->why;
  path__free (other);
  path__free (path);
  return NULL;
}

/* Both, from START (used up), to wherever they stop.  The candidate is given what the original came to know.  */
static bool
run_both (struct lockstep *lockstep, struct path *const start[SIDES], struct why *why)
{
  struct induction *induction = &lockstep->induction;
  struct path *originals, *candidates, *first = path__copy_with (start[0], NULL);
  bool well = cut__leaves (start[0], induction->heads[0]->is_head, &originals, why) == 0;
  for (struct path *original = well ? originals : NULL; original && well; original = original->next)
    {
      induction->problem->valid = original->memory;
      well = cut__leaves (path__copy_with (start[1], &original->facts), induction->heads[1]->is_head, &candidates, why) == 0;
      for (struct path *candidate = well ? candidates : NULL; candidate && well; candidate = candidate->next)
        {
          struct path *better = again (lockstep, first, original, &candidate->facts, why);
          induction->problem->valid = better ? better->memory : original->memory;
          well = better ? better->impossible || meet (lockstep, better, candidate, why) : impossible (lockstep, candidate);
          induction->problem->valid = original->memory;
          path__free (better);
        }
      paths__free (candidates);
    }
  induction->problem->valid = NULL;
  paths__free (originals);
  path__free (first);
  path__free (start[1]);
  return well;
}

/* Have both nearly as many instructions?  What was compiled otherwise differs at once, but costs time to look at.  */
static bool
look_alike (const struct program *a, const struct program *b)
{
  unsigned n[SIDES] = { 0 };
  for (unsigned i = 0; i < a->n_insns; i++)
    n[0] += !(a->image->decoded->insn[i].kind & KIND_NOP);
  for (unsigned i = 0; i < b->n_insns; i++)
    n[1] += !(b->image->decoded->insn[i].kind & KIND_NOP);
  return n[0] <= n[1] + ALIKE && n[1] <= n[0] + ALIKE;
}

/* Pairs the heads; false where there are not as many on both sides.  */
static bool
pair_heads (struct lockstep *lockstep)
{
  struct induction *induction = &lockstep->induction;
  struct program **program = induction->problem->program;
  for (unsigned side = 0; side < SIDES; side++)
    {
      induction->heads[side] = heads__find (induction->arena, induction->problem->region, program[side]);
      lockstep->written |= cut__written (program[side], NULL);
      unsigned n = 0;
      for (unsigned i = 0; i < program[side]->n_insns; i++)
        if (induction->heads[side]->is_head[i] && n < HEADS_MAX)
          lockstep->place[n++].head[side] = (int) i;
      if (n == HEADS_MAX || n == 0 || (side && n != lockstep->n))
        return false;
      lockstep->n = n;
    }
  return true;
}

bool
problem__lockstep (struct problem *problem, struct why *why)
{
  struct lockstep *lockstep = ARENA_NEW (problem->arena, struct lockstep);
  lockstep->induction = (struct induction) { .problem = problem, .arena = problem->arena };
  problem->roughly = true;
  if (!look_alike (problem->program[0], problem->program[1]) || !pair_heads (lockstep))
    return why__set (why, REASON_PROOF_LOOP, "not as many loops on both sides") == 0;
  struct path *entry[SIDES] = { path__entry (problem, problem->program[0], &problem->assumed),
                                path__entry (problem, problem->program[1], &problem->assumed) };
  /* Both find the same above the low 16 bytes, and may leave it there.  */
  for (unsigned i = 0; i < 32; i++)
    entry[1]->cpu.vec[i] = term__insert (problem->terms, entry[0]->cpu.vec[i], 0,
                                         term__extract (problem->terms, entry[1]->cpu.vec[i], 0, LOW));
  bool well = run_both (lockstep, entry, why), more = well;
  while (more)
    {
      more = false;
      for (unsigned i = 0; i < lockstep->n && well; i++)
        {
          struct place *place = &lockstep->place[i];
          if (!place->known || place->done)
            continue;
          place->done = more = true;
          struct path *start[SIDES] = { path__copy_with (place->base[0], NULL), path__copy_with (place->base[1], NULL) };
          well = run_both (lockstep, start, why);
        }
      more = more && well;
    }
  for (unsigned i = 0; i < lockstep->n; i++)
    for (unsigned side = 0; side < SIDES; side++)
      path__free (lockstep->place[i].base[side]);
  return well;
}
