/* One path: the machine's state on the way through a program, instruction by instruction.

   Where a condition isn't decided by what is known, the path splits in two; inside loops, and in a candidate everywhere (it
   may have been unrolled), a short `if` without exits is run both ways at once instead, under a guard, and its
   ends are joined by choices, so that the number of paths doesn't double with each iteration.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <stdlib.h>
#include <string.h>

/* How branches went: what a script holds.  */
enum { OUTCOME_NO, OUTCOME_YES, OUTCOME_BOTH };

/* Seconds for asking whether a way is possible at all.  */
#define ASK_SECONDS 0.2

enum { SPLITS_FREE = 4 }; /* splits of a candidate's path before the solver is asked whether there are two ways */
enum { ARM_STEPS = 48 }; /* instructions in one arm of an `if` that is run both ways at once */
enum { ADDRESS_DEPTH = 6 };
enum { ATOMS_MAX = 4 }; /* conditions joined by and/or that a path splits on one by one */

static const struct term *
host_load (void *context, const struct term *address, unsigned bytes, const struct term *condition)
{
  return path__load (context, address, bytes, condition);
}

static int
host_store (void *context, const struct term *address, const struct term *value,
            const struct term *condition)
{
  return path__store (context, address, value, condition);
}

static const struct term *
host_undefined (void *context, unsigned width)
{
  struct path *path = context;
  return term__fresh (path->problem->terms, width);
}

static void
host_trap (void *context, enum sym_trap trap, const struct term *condition)
{
  struct path *path = context;
  if (path->n_traps < TRAPS_MAX)
    {
      path->trap[path->n_traps].kind = trap;
      path->trap[path->n_traps].condition = condition;
    }
  path->n_traps++;
}

static const struct term *
host_symbol (void *context, uint64_t address)
{
  struct path *path = context;
  const struct term *symbol = problem__symbol (path->problem, path->program, address);
  if (!symbol)
    why__set (&path->why, REASON_PROOF_ADDRESS, "address 0x%llx belongs to no symbol",
              (unsigned long long) address);
  return symbol;
}

static struct sym_host
host_of (struct path *path)
{
  return (struct sym_host){ .context = path, .terms = path->problem->terms, .load = host_load,
                            .store = host_store, .undefined = host_undefined, .trap = host_trap,
                            .symbol = host_symbol };
}

static void *
checked (void *memory)
{
  if (!memory)
    abort ();
  return memory;
}

struct path *
path__entry (struct problem *problem, struct program *program, const struct facts *facts)
{
  struct path *path = checked (calloc (1, sizeof *path));
  path->problem = problem;
  path->program = program;
  path->cpu = problem->entry[program->side];
  path->memory = memory__new ();
  path->at = program->image->entry;
  path->rounds = checked (calloc (2 * program->n_back + 1, sizeof *path->rounds));
  if (facts)
    path->facts = *facts;
  for (unsigned i = 0; i < 16; i++)
    path->cpu.gpr[i] = facts__simplify (problem, &path->facts, path->cpu.gpr[i], false);
  for (unsigned i = 0; i < 16; i++)
    path->cpu.vec[i] = facts__simplify (problem, &path->facts, path->cpu.vec[i], false);
  return path;
}

struct path *
path__copy (const struct path *path)
{
  struct path *copy = checked (malloc (sizeof *copy));
  *copy = *path;
  copy->next = NULL;
  copy->memory = memory__copy (path->memory);
  copy->rounds = checked (malloc ((2 * path->program->n_back + 1) * sizeof *copy->rounds));
  memcpy (copy->rounds, path->rounds, (2 * path->program->n_back + 1) * sizeof *copy->rounds);
  copy->outcomes_capacity = path->n_outcomes + 16;
  copy->outcome = checked (malloc (copy->outcomes_capacity));
  if (path->n_outcomes)
    memcpy (copy->outcome, path->outcome, path->n_outcomes);
  return copy;
}

void
path__free (struct path *path)
{
  if (!path)
    return;
  memory__free (path->memory);
  free (path->rounds);
  free (path->outcome);
  free (path);
}

static void
note_outcome (struct path *path, uint8_t outcome)
{
  if (path->n_outcomes == path->outcomes_capacity)
    {
      path->outcomes_capacity = 2 * path->outcomes_capacity + 64;
      path->outcome = checked (realloc (path->outcome, path->outcomes_capacity));
    }
  path->outcome[path->n_outcomes++] = outcome;
}

static void
note_round (struct path *path, unsigned insn)
{
  if (path->program->back[insn] < 0)
    return;
  unsigned rounds = ++path->rounds[path->program->back[insn]];
  if (rounds > path->depth)
    path->depth = rounds;
}

static void
assume (struct path *path, const struct term *condition, bool holds)
{
  facts__assume (path->problem, &path->facts,
                 holds ? condition : term__not (path->problem->terms, condition));
}

/* The other way of a split: a copy of PATH where CONDITION doesn't hold; PATH goes on with it.  */
static struct path *
split (struct path *path, const struct term *condition)
{
  path->splits++;
  struct path *other = path__copy (path);
  assume (path, condition, true);
  assume (other, condition, false);
  return other;
}

/* As facts__decide; where that can't tell, a candidate's branch is asked about.  LIKELY is what the answer probably is: then
   one question does.  */
static int
decide (struct path *path, const struct term *condition, bool likely)
{
  struct problem *problem = path->problem;
  int known = facts__decide (problem, &path->facts, condition);
  if (known >= 0 || path->quick || (!path->asks && (path->program->side == 0 || path->splits < SPLITS_FREE)))
    return known;
  for (unsigned turn = 0; turn < 2 && known < 0; turn++)
    {
      bool way = turn ? !likely : likely;
      const struct term *opposite = way ? term__not (problem->terms, condition) : condition;
      if (facts__ask_roughly (problem, &path->facts, &opposite, 1, ASK_SECONDS) == SOLVER_UNSAT)
        known = way;
    }
  if (known >= 0)
    assume (path, condition, known);
  return known;
}

/* Is TERM made from an address, other than by choosing or loading by one?  */
static bool
from_address (struct problem *problem, const struct term *term, unsigned depth)
{
  if (depth > ADDRESS_DEPTH)
    return (term__support (problem, term) & ~SUPPORT_STACK) != 0;
  if (term->op == TERM_VAR)
    return (term__support (problem, term) & ~SUPPORT_STACK) != 0;
  if (term->op == TERM_LOAD)
    return false;
  for (unsigned i = term->op == TERM_ITE ? 1 : 0; i < term->n_args; i++)
    if (from_address (problem, term->arg[i], depth + 1))
      return true;
  return false;
}

/* A part of CONDITION to split on first, or CONDITION.  */
static const struct term *
atom_of (struct path *path, const struct term *condition)
{
  const struct term *inner = condition->op == TERM_NOT ? condition->arg[0] : condition;
  if ((inner->op == TERM_OR || inner->op == TERM_AND) && inner->n_args <= ATOMS_MAX)
    for (unsigned i = 0; i < inner->n_args; i++)
      if (facts__decide (path->problem, &path->facts, inner->arg[i]) < 0)
        return inner->arg[i];
  return condition;
}

/* Joining.  */

static const struct term *
choose (struct terms *terms, const struct term *condition, const struct term *a, const struct term *b)
{
  return a == b ? a : term__ite (terms, condition, a, b);
}

void
cpu__forget_flags (struct sym_cpu *cpu, struct terms *terms)
{
  memset (&cpu->flags, 0, sizeof cpu->flags);
  cpu->flags.kind = FLAGS_EXPLICIT;
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    cpu->flags.flag[i] = term__fresh (terms, 1);
}

/* The state that is A where CONDITION holds and else B.  Flags that differ are forgotten.  */
static void
join_cpu (struct terms *terms, const struct term *condition, struct sym_cpu *a, const struct sym_cpu *b)
{
  for (unsigned i = 0; i < 16; i++)
    a->gpr[i] = choose (terms, condition, a->gpr[i], b->gpr[i]);
  for (unsigned i = 0; i < 32; i++)
    a->vec[i] = choose (terms, condition, a->vec[i], b->vec[i]);
  for (unsigned i = 0; i < 8; i++)
    a->mask[i] = choose (terms, condition, a->mask[i], b->mask[i]);
  a->sticky = choose (terms, condition, a->sticky, b->sticky);
  if (a->flags.kind != b->flags.kind || a->flags.a != b->flags.a || a->flags.b != b->flags.b
      || a->flags.result != b->flags.result
      || a->flags.undefined != b->flags.undefined
      || memcmp (a->flags.flag, b->flags.flag, sizeof a->flags.flag) != 0)
    cpu__forget_flags (a, terms);
}

/* Runs one instruction of an arm, at *AT, where path->guard holds; branches must be decided.  0 with *AT behind it, or -1.  */
static int
arm_step (struct path *path, uint64_t *at)
{
  struct problem *problem = path->problem;
  struct program *program = path->program;
  int insn = program__find (program, *at);
  const struct meaning *meaning
    = insn < 0 ? NULL : program__meaning (problem, program, (unsigned) insn, &path->why);
  struct sym_host host = host_of (path);
  struct sym_step step;
  int way = 0;
  path->n_traps = 0;
  if (!meaning || (program->closed && (program->closed[insn] & WAY_WATCHED))
      || meaning__apply (meaning, &path->cpu, &host, &step, &path->why) || path->n_traps > TRAPS_MAX)
    return -1;
  for (unsigned i = 0; i < path->n_traps; i++)
    if (facts__decide (problem, &path->facts, path->trap[i].condition) != 0)
      return -1;
  path->steps++;
  program->reached[insn] = true;
  uint64_t behind = *at + program->image->decoded->insn[insn].length;
  switch (step.kind)
    {
    case STEP_NEXT:
      *at = behind;
      return 0;
    case STEP_JUMP:
      note_round (path, (unsigned) insn);
      *at = step.target;
      return 0;
    case STEP_BRANCH:
      way = facts__decide (problem, &path->facts, step.condition);
      if (way < 0 || path->program->side == 0 || (program->closed && program->closed[insn]))
        return -1;
      if (program->back[insn] >= 0)
        path->rounds[program->n_back + (unsigned) program->back[insn]]++;
      if (way)
        note_round (path, (unsigned) insn);
      *at = way ? step.target : behind;
      return 0;
    default:
      return -1;
    }
}

/* Runs from AT to JOIN where GUARD holds.  0 or -1.  */
static int
run_arm (struct path *path, uint64_t at, uint64_t join, const struct term *guard)
{
  int result = 0;
  path->guard = guard;
  for (unsigned n = 0; at != join && result == 0; n++)
    result = n < ARM_STEPS ? arm_step (path, &at) : -1;
  path->guard = NULL;
  return result;
}

/* Where the arm from AT comes along: *N addresses in TRAIL.  */
static void
scout (const struct path *path, uint64_t at, const struct term *guard, uint64_t trail[ARM_STEPS], unsigned *n)
{
  struct path *copy = path__copy (path);
  copy->guard = guard;
  *n = 0;
  do
    trail[(*n)++] = at;
  while (*n < ARM_STEPS && arm_step (copy, &at) == 0);
  path__free (copy);
}

/* Where both ways of a branch meet, branches that are decided followed; -1: nowhere soon.  */
static int64_t
find_join (const struct path *path, const struct term *condition, uint64_t taken, uint64_t fallen)
{
  struct terms *terms = path->problem->terms;
  uint64_t trail[2][ARM_STEPS];
  unsigned n[2];
  scout (path, taken, condition, trail[0], &n[0]);
  scout (path, fallen, term__not (terms, condition), trail[1], &n[1]);
  for (unsigned sum = 0; sum < n[0] + n[1]; sum++)
    for (unsigned i = sum < n[1] ? 0 : sum - n[1] + 1; i < n[0] && i <= sum; i++)
      if (trail[0][i] == trail[1][sum - i])
        return (int64_t) trail[0][i];
  return -1;
}

/* Runs both ways of a branch to where they meet.  False, and PATH as before, where that can't be.  */
static bool
run_both (struct path *path, const struct term *condition, uint64_t taken, uint64_t fallen, uint64_t join)
{
  struct terms *terms = path->problem->terms;
  unsigned n_rounds = 2 * path->program->n_back;
  struct path *backup = path__copy (path);
  condition = facts__simplify (path->problem, &path->facts, condition, false);
  if (run_arm (path, fallen, join, term__not (terms, condition)) == 0)
    {
      struct sym_cpu other = path->cpu;
      path->cpu = backup->cpu;
      if (run_arm (path, taken, join, condition) == 0)
        {
          join_cpu (terms, condition, &path->cpu, &other);
          path->at = join;
          /* A loop's end that both arms have is one round.  */
          for (unsigned i = 0; i < n_rounds; i++)
            if (path->rounds[i] > backup->rounds[i] + 1)
              path->rounds[i] = backup->rounds[i] + 1;
          path__free (backup);
          return true;
        }
    }
  /* As it was.  */
  struct path *next = path->next;
  memory__free (path->memory);
  free (path->rounds);
  free (path->outcome);
  *path = *backup;
  path->next = next;
  free (backup);
  return false;
}

/* Steps.  */

static int
stop (struct path *path, enum path_end end)
{
  path->end = end;
  return 0;
}

/* Splits off where the last instruction trapped.  0 with *OTHER or PATH ended, or nothing; -1.  */
static int
settle_traps (struct path *path, struct path **other)
{
  struct problem *problem = path->problem;
  const struct term *all = term__false (problem->terms);
  enum sym_trap kind = path->trap[0].kind;
  if (path->n_traps > TRAPS_MAX)
    return why__set (&path->why, REASON_UNMODELLED, "too many ways to trap in one instruction");
  for (unsigned i = 0; i < path->n_traps; i++)
    {
      if (path->trap[i].kind != kind)
        return why__set (&path->why, REASON_UNMODELLED, "two ways to trap in one instruction");
      all = term__or (problem->terms, all, path->trap[i].condition);
    }
  path->n_traps = 0;
  enum path_end end = kind == SYM_TRAP_DIVIDE ? PATH_DIVIDE
                      : kind == SYM_TRAP_ALIGNMENT ? PATH_FAULT : PATH_INVALID;
  if (path->only)
    {
      /* The state is one on which the code runs.  */
      assume (path, all, false);
      return 0;
    }
  if (path->script)
    {
      if (path->script->end == end && path->steps == path->script->steps)
        return stop (path, end);
      int known = facts__decide (problem, &path->facts, all);
      path->impossible |= known == 1;
      assume (path, all, false);
      return 0;
    }
  int known = decide (path, all, false);
  if (known == 1)
    return stop (path, end);
  if (known < 0)
    {
      *other = split (path, term__not (problem->terms, all));
      (*other)->end = end;
    }
  return 0;
}

/* A condition that an address depends on, or NULL: of a choice, or of a number that is added or not.  */
static const struct term *
condition_in (const struct term *to)
{
  const struct term *found = to->op == TERM_ITE ? to->arg[0] : NULL;
  if (to->op == TERM_CONCAT && to->n_args == 2 && term__is_value (to->arg[0], 0) && to->arg[1]->width == 1)
    return to->arg[1];
  bool through = to->op == TERM_SEXT || to->op == TERM_CONCAT || to->op == TERM_SUM || to->op == TERM_EXTRACT;
  for (unsigned i = 0; through && !found && i < to->n_args; i++)
    found = condition_in (to->arg[i]);
  return found;
}

/* One step.  0: PATH goes on, ended, or split into itself and *OTHER; -1: path->why.  */
static int
step (struct path *path, struct path **other)
{
  struct problem *problem = path->problem;
  struct terms *terms = problem->terms;
  struct program *program = path->program;
  int insn = program__find (program, path->at);
  if (insn < 0)
    {
      if (address__low (path->at) - SANDBOX_STUB_BASE < SANDBOX_STUB_ROOM)
        return why__set (&path->why, REASON_PROOF_CALL, "a call of another function");
      return why__set (&path->why, REASON_PROOF_JUMP, "a jump to 0x%llx, where no instruction begins",
                       (unsigned long long) path->at);
    }
  const struct decoded_insn *decoded = &program->image->decoded->insn[insn];
  const struct meaning *meaning = program__meaning (problem, program, (unsigned) insn, &path->why);
  struct sym_host host = host_of (path);
  struct sym_step step;
  uint64_t behind = path->at + decoded->length;
  if (!meaning)
    return -1;
  path->n_traps = 0;
  program->reached[insn] = true;
  if (program->back[insn] >= 0)
    path->rounds[program->n_back + (unsigned) program->back[insn]]++;
  path->why = (struct why){ 0 };
  if (meaning__apply (meaning, &path->cpu, &host, &step, &path->why))
    {
      if (path->why.reason == REASON_NONE)
        why__set (&path->why, REASON_UNMODELLED, "%s", decoded->mnemonic);
      return -1;
    }
  path->steps++;
  if (path->n_traps && (settle_traps (path, other) || path->end != PATH_RUNNING))
    return path->end != PATH_RUNNING ? 0 : -1;
  if (*other)
    (*other)->at = behind;
again:
  switch (step.kind)
    {
    case STEP_NEXT:
      path->at = behind;
      return 0;
    case STEP_JUMP:
      note_round (path, (unsigned) insn);
      path->at = step.target;
      return 0;
    case STEP_CALL:
      path->at = step.target;
      return 0;
    case STEP_TRAP:
      return stop (path, PATH_INVALID);
    case STEP_BRANCH:
    case STEP_REPEAT:
      {
        const struct term *condition = step.condition;
        bool rep = step.kind == STEP_REPEAT;
        int way;
        if (*other)
          return why__set (&path->why, REASON_UNMODELLED, "a branch that traps");
        if (path->only && (way = facts__decide (problem, &path->facts, condition)) < 0)
          {
            path->asked = condition;
            path->target = rep ? behind : step.target;
            path->behind = behind;
            path->asked_rep = rep;
            return 0;
          }
        if (path->script)
          {
            if (path->n_outcomes >= path->script->n_outcomes)
              return why__set (&path->why, REASON_UNMODELLED, "a run that can't be done again");
            way = path->script->outcome[path->n_outcomes];
            if (way == OUTCOME_BOTH)
              {
                int64_t join = program__join (program, (unsigned) insn);
                int known = facts__decide (problem, &path->facts, condition);
                note_outcome (path, OUTCOME_BOTH);
                if (known >= 0 && program->side == 0)
                  {
                    /* Its arms have no branches: what comes next in the script is behind their end.  */
                    path->at = known ? step.target : behind;
                    return 0;
                  }
                if (join < 0 || !run_both (path, condition, step.target, behind, (uint64_t) join))
                  return why__set (&path->why, REASON_UNMODELLED, "a run that can't be done again");
                return 0;
              }
            path->impossible |= term__is_const (condition) && (term__value (condition) != 0) != way;
            assume (path, condition, way);
          }
        else if ((way = facts__decide (problem, &path->facts, condition)) < 0)
          {
            /* What is asked about addresses before a loop has to be known in it.  */
            bool joins = !rep && (program->in_loop[insn] || !from_address (problem, condition, 0));
            int64_t join = joins && (program->side == 1 || program->in_loop[insn])
                             ? program__join (program, (unsigned) insn) : -1;
            if (join < 0 && joins && program->side == 1)
              join = find_join (path, condition, step.target, behind);
            if (join >= 0 && run_both (path, condition, step.target, behind, (uint64_t) join))
              {
                note_outcome (path, OUTCOME_BOTH);
                note_round (path, (unsigned) insn);
                return 0;
              }
            const struct term *atom = rep ? condition : atom_of (path, condition);
            if (atom != condition)
              {
                /* Both come here again and know more then.  */
                way = decide (path, atom, true);
                if (way < 0)
                  *other = split (path, atom);
                return 0;
              }
            /* Loops go on more often than they end.  */
            way = decide (path, condition, !rep && step.target <= path->at);
            if (way < 0)
              {
                *other = split (path, condition);
                if (!rep) /* else the copy makes a round when it comes here again */
                  {
                    note_outcome (*other, OUTCOME_NO);
                    (*other)->at = behind;
                  }
                way = 1;
              }
          }
        note_outcome (path, (uint8_t) way);
        if (!rep)
          {
            if (way)
              note_round (path, (unsigned) insn);
            path->at = way ? step.target : behind;
            return 0;
          }
        if (way)
          {
            path->at = behind;
            return 0;
          }
        note_round (path, (unsigned) insn);
        if (meaning__repeat (meaning, &path->cpu, &host, &step, &path->why))
          return -1;
        path->steps++;
        if (path->n_traps)
          return why__set (&path->why, REASON_UNMODELLED, "a rep instruction that traps");
        goto again;
      }
    case STEP_RETURN:
      {
        if (step.destination == problem->return_address)
          {
            if (path->cpu.gpr[4] != term__add (terms, problem->stack, term__const (terms, 64, 8)))
              return why__set (&path->why, REASON_PROOF_ADDRESS, "the stack pointer is off at return");
            return stop (path, PATH_RETURNED);
          }
        if (program__address (problem, program, step.destination, &path->at))
          return why__set (&path->why, REASON_PROOF_JUMP, "a return to somewhere else");
        return 0;
      }
    case STEP_INDIRECT:
      {
        const struct term *to = facts__simplify (problem, &path->facts, step.destination, false);
        uint64_t address;
        if (program__address (problem, program, to, &address))
          to = facts__simplify (problem, &path->facts, to, true);
        if (program__address (problem, program, to, &address) == 0)
          {
            note_round (path, (unsigned) insn);
            path->at = address;
            return 0;
          }
        /* A jump table: one entry after the other.  */
        const struct term *condition = condition_in (to);
        if (!condition)
          return why__set (&path->why, REASON_PROOF_JUMP, "an indirect jump that isn't through a table");
        int way = decide (path, condition, false);
        if (way >= 0)
          assume (path, condition, way);
        else if (path->only)
          {
            path->asked = condition;
            path->target = path->behind = path->at;
            path->asked_rep = false;
          }
        else if (path->script)
          return why__set (&path->why, REASON_UNMODELLED, "a run that can't be done again");
        else
          *other = split (path, condition);
        return 0; /* once more, knowing more */
      }
    case STEP_INDIRECT_CALL:
      return why__set (&path->why, REASON_PROOF_CALL, "a call through a pointer");
    }
  return why__set (&path->why, REASON_UNMODELLED, "%s", decoded->mnemonic);
}

const struct term *
path__condition (struct path *path)
{
  int insn = program__find (path->program, path->at);
  const struct meaning *meaning = insn < 0 ? NULL : program__meaning (path->problem, path->program, (unsigned) insn, &path->why);
  const struct sym_host host = host_of (path);
  return meaning ? meaning__condition (meaning, &path->cpu, &host) : NULL;
}

void
path__go (struct path *path, bool way)
{
  assume (path, path->asked, way);
  /* A rep instruction that isn't done makes its round when it is come to again.  */
  if (way || !path->asked_rep)
    path->at = way ? path->target : path->behind;
  path->asked = NULL;
}

int
path__run (struct path *path, uint64_t steps, struct path **other)
{
  *other = NULL;
  uint64_t end = path->steps + steps;
  while (path->end == PATH_RUNNING && !*other && !path->asked)
    {
      if (path->stops && path->steps != path->resumed)
        {
          int insn = program__find (path->program, path->at);
          if (insn >= 0 && path->stops[insn])
            return stop (path, PATH_STOPPED);
        }
      if (path->steps >= end)
        return why__set (&path->why, REASON_NONTERMINATING, "still running after %llu instructions",
                         (unsigned long long) path->steps);
      if (problem__out_of_time (path->problem))
        return why__set (&path->why, REASON_TIME, "after %llu instructions of a path",
                         (unsigned long long) path->steps);
      if (step (path, other))
        return -1;
    }
  return 0;
}
