/* Two programs that are nearly the same: both go from each loop's head to the next side by side.

   Heads are paired in the order of their addresses.  At a pair, whatever the rounds before, registers that either program
   writes somewhere may hold anything, but those that the candidate may still read hold the same on both sides; memory is one
   that both share and nothing is known of; each side's frame is what it was.  From there every way of the original has to come
   with the candidate to a pair, or to an end of both, with the same bytes written and the same registers.  Nothing is known of
   how often loops go round, nor how their registers hang together: for that see induction.c.

   Each step of the candidate's goes with one of the original's, so the candidate ends where the original does.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <stdlib.h>
#include <string.h>

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
  uint64_t read[HEADS_MAX];      /* those that the candidate may read from each head on */
  unsigned n, meetings;
  struct place place[HEADS_MAX];
};

static uint64_t
bits_of (const struct regset *set)
{
  return set->gpr | (uint64_t) set->vec << FIRST_VEC | (uint64_t) set->mask << FIRST_MASK;
}

/* The pair that both are at, or -1.  */
static int
place_of (const struct lockstep *lockstep, const struct path *original, const struct path *candidate)
{
  for (unsigned i = 0; i < lockstep->n; i++)
    if (lockstep->place[i].head[0] == path__head (original) && lockstep->place[i].head[1] == path__head (candidate))
      return (int) i;
  return -1;
}

/* May a register that is to be forgotten hold an address in the frame?  A store through it would look like one to an object.  */
static bool
leads_to_frame (const struct lockstep *lockstep, const struct path *path)
{
  for (unsigned i = 0; i < REGISTERS; i++)
    if ((lockstep->written >> i & 1)
        && (term__support (lockstep->induction.problem, cut__register (&path->cpu, i)) & SUPPORT_STACK))
      return true;
  return false;
}

/* Do both hold what the other does, as far as it matters from pair AT on?  */
static bool
agree (struct lockstep *lockstep, unsigned at, const struct path *original, const struct path *candidate)
{
  if (leads_to_frame (lockstep, original) || leads_to_frame (lockstep, candidate))
    return false;
  for (unsigned i = 0; i < REGISTERS; i++)
    {
      const struct term *a = cut__register (&original->cpu, i), *b = cut__register (&candidate->cpu, i);
      if (!(lockstep->read[at] >> i & 1))
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
      struct memory *before = base->memory;
      base->memory = memory__restart (problem, before, before, number);
      memory__free (before);
      for (unsigned i = 0; i < REGISTERS; i++)
        if (lockstep->written >> i & 1)
          {
            const struct term *first = side ? cut__register (&place->base[0]->cpu, i) : NULL;
            unsigned width = cut__register (&base->cpu, i)->width;
            if (!side)
              first = term__fresh (terms, width);
            else if (!(lockstep->read[at] >> i & 1))
              first = width == VECTOR ? term__insert (terms, first, 0, term__fresh (terms, LOW)) : term__fresh (terms, width);
            cut__set_register (&base->cpu, i, first);
          }
      memset (&base->cpu.flags, 0, sizeof base->cpu.flags);
      base->cpu.flags.kind = FLAGS_EXPLICIT;
      for (unsigned i = 0; i < FLAGS_COUNT; i++)
        base->cpu.flags.flag[i] = term__fresh (terms, 1);
      place->base[side] = base;
    }
  place->known = true;
}

/* Is what PATH has come to, on SIDE, one of the rounds that PLACE stands for?  */
static bool
stays_known (const struct lockstep *lockstep, const struct place *place, unsigned side, const struct path *path)
{
  const struct path *base = place->base[side];
  for (unsigned i = 0; i < REGISTERS; i++)
    if (!(lockstep->written >> i & 1) && cut__register (&base->cpu, i) != cut__register (&path->cpu, i))
      return false;
  return memory__keeps_frame (lockstep->induction.problem, base->memory, path->memory);
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
  return (stays_known (lockstep, place, 0, original) && stays_known (lockstep, place, 1, candidate))
         || why__set (why, REASON_PROOF_LOOP, "the frame, or a register that nothing writes, changes") == 0;
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
      unsigned n = 0;
      for (unsigned i = 0; i < program[side]->n_insns; i++)
        {
          lockstep->written |= bits_of (&program[side]->image->decoded->insn[i].written);
          if (induction->heads[side]->is_head[i] && n < HEADS_MAX)
            lockstep->place[n++].head[side] = (int) i;
        }
      if (n == HEADS_MAX || n == 0 || (side && n != lockstep->n))
        return false;
      lockstep->n = n;
    }
  lockstep->written = (lockstep->written & ~(UINT64_C (1) << 4)) | UINT64_C (1) << STICKY;
  for (unsigned i = 0; i < lockstep->n; i++)
    {
      lockstep->read[i] = UINT64_C (1) << STICKY;
      for (unsigned r = 0; r < STICKY; r++)
        if (heads__is_live (induction->heads[1], (unsigned) lockstep->place[i].head[1],
                            r < FIRST_VEC ? HEAD_GPR : r < FIRST_MASK ? HEAD_VEC : HEAD_MASK,
                            r < FIRST_VEC ? r : r < FIRST_MASK ? r - FIRST_VEC : r - FIRST_MASK))
          lockstep->read[i] |= UINT64_C (1) << r;
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
