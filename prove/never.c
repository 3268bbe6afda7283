/* Branch ways that no run goes.

   Compilers leave branches that always go one way: a second check of a bound, the way back of a remainder's loop that has one
   round.  To show that a way is never gone it is enough to show that it can't be gone a first time: so the way is left out of
   the program, and every run of what remains has to come to the branch with a condition that sends it the other way.  Without
   the way some loops are none any more.

   Runs are cut at the heads of the loops that are left.  What a loop may change, registers and all memory but the frame, is
   forgotten on entering it; that the rest is kept is checked whenever a run comes back to the head.  A head inside is treated
   likewise, within any round of the loop around it.

   What a conditional move or set asks is shown likewise to come out one way always: nothing is left out then.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <string.h>

enum { ARRIVALS_MAX = 2000 };

/* A loop that a run is in, or has been in.  */
struct entered
{
  int head;
  uint64_t forgotten;            /* registers, bit I for cut__register's I */
  struct sym_cpu cpu;            /* what stands at the head in any round */
  struct memory *memory;
  const struct entered *before;
};

struct never
{
  struct problem *problem;
  struct program *program;
  struct heads *heads;
  uint32_t memories;             /* made so far */
  unsigned insn;                 /* the branch, move or set that is asked about */
  bool taken;                    /* of a move or set: may it hold? */
  bool *stops;                   /* heads, branches with closed ways, and INSN */
  unsigned arrivals;
};

static bool arrive (struct never *never, struct path *path, const struct entered *entered);

static bool
is_branch (const struct program *program, unsigned insn)
{
  return program->image->decoded->insn[insn].kind & KIND_BRANCH;
}

/* The registers that may change in a round of the loop at HEAD in which no head of ENTERED is come to.  */
static uint64_t
changed_around (const struct never *never, unsigned head, const struct entered *entered)
{
  struct arena *arena = arena__new ();
  bool *without = ARENA_ARRAY (arena, bool, never->program->n_insns + 1);
  for (; entered; entered = entered->before)
    without[entered->head] = true;
  uint64_t changed = cut__written (never->program, heads__around (arena, never->program, head, without));
  arena__free (arena);
  return changed;
}

/* Makes PATH, at a head, stand for all rounds in which the registers FORGOTTEN may hold anything.  */
static void
forget (struct never *never, struct path *path, uint64_t forgotten)
{
  for (unsigned i = 0; i < REGISTERS; i++)
    if (forgotten >> i & 1)
      cut__set_register (&path->cpu, i, term__fresh (never->problem->terms, cut__register (&path->cpu, i)->width));
  cut__forget (path, FIRST_MEMORY + never->memories++);
}

/* From PATH (used up) on to wherever runs stop.  */
static bool
run_on (struct never *never, struct path *path, const struct entered *entered)
{
  struct path *list;
  struct why why;
  bool well = cut__leaves (path, never->stops, &list, &why) == 0;
  while (list)
    {
      struct path *one = list;
      list = one->next;
      one->next = NULL;
      if (well && one->end == PATH_STOPPED)
        well = arrive (never, one, entered);
      else
        path__free (one);
    }
  return well;
}

/* PATH, at a branch with a closed way, goes the other one.  False where it may go the way in question; *GONE where it can only go
   one that is known not to be gone.  */
static bool
pass_branch (const struct never *never, struct path *path, unsigned insn, bool *gone)
{
  struct problem *problem = never->problem;
  const struct decoded_insn *decoded = &never->program->image->decoded->insn[insn];
  uint64_t behind = path->at + decoded->length;
  bool asked_here = insn == never->insn;
  unsigned closed = never->program->closed[insn];
  struct path *other = NULL;
  path->end = PATH_RUNNING;
  path->stops = NULL;
  path->only = true;
  /* After one step a path that goes on says that it isn't at its end.  */
  if (closed == 3 || (path__run (path, 1, &other) && path->why.reason != REASON_NONTERMINATING) || other)
    {
      path__free (other);
      return false;
    }
  path->only = false;
  if (path->asked)
    {
      const struct term *condition = closed & 1 ? path->asked : term__not (problem->terms, path->asked);
      if (asked_here && facts__ask_roughly (problem, &path->facts, &condition, 1, RELATION_SECONDS) != SOLVER_UNSAT)
        return false;
      path__go (path, !(closed & 1));
      return true;
    }
  *gone = (path->at == behind) == ((closed & 2) != 0);
  return !(*gone && asked_here);
}

/* Can PATH, at the conditional move or set in question, only go the other way?  */
static bool
asks_the_other_way (const struct never *never, struct path *path)
{
  struct problem *problem = never->problem;
  const struct term *condition = path__condition (path);
  if (!condition)
    return false;
  int known = facts__decide (problem, &path->facts, condition);
  if (known >= 0)
    return known != never->taken;
  if (!never->taken)
    condition = term__not (problem->terms, condition);
  return facts__ask_roughly (problem, &path->facts, &condition, 1, RELATION_SECONDS) == SOLVER_UNSAT;
}

/* PATH (used up) has come to the instruction in question, or a head or a branch with a closed way.  */
static bool
arrive (struct never *never, struct path *path, const struct entered *entered)
{
  unsigned at = (unsigned) path__head (path);
  struct entered loop;
  bool well = false, gone = false;
  if (++never->arrivals > ARRIVALS_MAX || problem__out_of_time (never->problem))
    goto end;
  if (never->heads->is_head[at])
    {
      for (const struct entered *known = entered; known; known = known->before)
        if (known->head == (int) at)
          {
            well = !cut__leads_to_frame (path, known->forgotten)
                   && cut__is_round (path, &known->cpu, known->memory, known->forgotten);
            goto end;
          }
      uint64_t forgotten = changed_around (never, at, entered);
      if (cut__leads_to_frame (path, forgotten))
        goto end;
      forget (never, path, forgotten);
      loop = (struct entered) { .head = (int) at, .forgotten = forgotten, .cpu = path->cpu,
                                .memory = memory__copy (path->memory), .before = entered };
      entered = &loop;
    }
  unsigned closed = never->program->closed[at];
  if ((closed & WAY_WATCHED) && !asks_the_other_way (never, path))
    path__free (path);
  else if (!(closed & ~WAY_WATCHED))
    well = run_on (never, path, entered);
  else if (!pass_branch (never, path, at, &gone))
    path__free (path);
  else
    {
      int next = path__head (path);
      if (gone)
        path__free (path);
      well = gone || (next >= 0 && never->stops[next] ? arrive (never, path, entered) : run_on (never, path, entered));
    }
  if (entered == &loop)
    memory__free (loop.memory);
  return well;
end:
  path__free (path);
  return well;
}

/* May PROGRAM's instruction be asked about?  What is no branch is found out when it is come to.  */
static bool
can_ask (const struct program *program, unsigned insn)
{
  const struct decoded *decoded = program->image->decoded;
  for (unsigned i = 0; i < decoded->n_insns; i++)
    if ((decoded->insn[i].kind & KIND_INDIRECT) && !(decoded->insn[i].kind & (KIND_CALL | KIND_RETURN)))
      return false;
  const struct decoded_insn *branch = &decoded->insn[insn];
  return !(branch->kind & KIND_BRANCH)
         || (branch->has_target
             && !(branch->target_section == branch->section && branch->target == branch->offset + branch->length));
}

bool
problem__never (const struct region *region, const struct layout *layout, const struct image *image,
                const struct object *object, const uint8_t *closed, uint32_t sizes, unsigned insn, bool taken,
                double seconds)
{
  struct arena *arena = arena__new ();
  struct problem *problem = problem__open_one (arena, region, layout, image, object, 1, seconds);
  bool well = false;
  if (problem && insn < image->decoded->n_insns && can_ask (problem->program[1], insn))
    {
      struct program *program = problem->program[1];
      unsigned n = program->n_insns;
      problem__assume_sizes (problem, sizes);
      uint8_t *ways = ARENA_ARRAY (arena, uint8_t, n + 1);
      struct never never = { .problem = problem, .program = program, .insn = insn, .taken = taken, .stops = ARENA_ARRAY (arena, bool, n + 1) };
      problem->roughly = true;
      memcpy (ways, closed, n);
      ways[insn] |= !is_branch (program, insn) ? WAY_WATCHED : taken ? 1 : 2;
      program->closed = ways;
      never.heads = heads__find (arena, region, program);
      for (unsigned i = 0; i < n; i++)
        never.stops[i] = never.heads->is_head[i] || ways[i];
      int first = program__find (program, image->entry);
      if (first >= 0)
        {
          struct path *start = path__entry (problem, program, &problem->assumed);
          well = never.stops[first] ? arrive (&never, start, NULL) : run_on (&never, start, NULL);
        }
    }
  if (problem)
    problem__close (problem);
  arena__free (arena);
  return well;
}
