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
  LEAVES_MAX = 160,     /* of one run between cuts */
  STEPS_MAX = 20000,    /* of one path between cuts */
  DEPTH_MAX = 4,        /* loops within loops, and one after the other */
  INSTANCES_MAX = 24,
  FACTOR_MAX = 256,
  FACTORS_MAX = 5,
  DEMOTIONS_MAX = 10,
  REGISTERS = 57,       /* 16 general, 32 vector, 8 mask, the sticky flags */
  FIRST_VEC = 16,
  FIRST_MASK = 48,
  STICKY = 56,
  LANES_MAX = 256,
  SMALL_MAX = 128,
  FIRST_MEMORY = 16     /* number of the first that loops make */
};

/* Seconds for one question about the relation, and for whether a way out is possible.  */
#define RELATION_SECONDS 1.0
#define PRUNE_SECONDS 0.5
/* Of the time left, for one factor when there are more to try.  */
#define FACTOR_SHARE 0.6

struct induction
{
  struct problem *problem;
  struct arena *arena;
  struct heads *heads[SIDES];
  unsigned instances, memories;
  const struct term *small;  /* an input whose values below SMALL_MAX have been looked at where SHOWN says so */
  bool shown[SMALL_MAX];
};

/* A register at a head, in round Q.  */
struct relation
{
  const struct term *term;     /* in terms of Q and the unknowns */
  bool checked;                /* has to be found so after a round; else nobody may depend on it */
  const struct term *unknown;  /* the candidate's: what TERM is the extension of, or NULL */
};

struct instance
{
  const struct instance *outer;
  unsigned depth;
  int head[SIDES];
  unsigned factor;
  const struct term *round;
  const struct term *trips;    /* how many rounds the candidate makes, or NULL */
  const struct term *original_trips; /* the same of the original's own rounds */
  bool last;                   /* the round being run is the last of them, and ROUND is that number */
  struct relation relation[SIDES][REGISTERS];
  struct path *base[SIDES];
  bool junk[SIDES][REGISTERS]; /* found not to keep a relation */
  int failed[2];               /* side and register whose relation failed last, or -1 */
};

static const struct term *
register_of (const struct sym_cpu *cpu, unsigned i)
{
  return i < FIRST_VEC ? cpu->gpr[i] : i < FIRST_MASK ? cpu->vec[i - FIRST_VEC]
         : i < STICKY  ? cpu->mask[i - FIRST_MASK] : cpu->sticky;
}

static void
set_register (struct sym_cpu *cpu, unsigned i, const struct term *value)
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

static bool
is_live (const struct induction *induction, unsigned side, int head, unsigned i)
{
  const struct heads *heads = induction->heads[side];
  if (i == STICKY)
    return true;
  return heads__is_live (heads, (unsigned) head, i < FIRST_VEC ? HEAD_GPR : i < FIRST_MASK ? HEAD_VEC : HEAD_MASK,
                         i < FIRST_VEC ? i : i < FIRST_MASK ? i - FIRST_VEC : i - FIRST_MASK);
}

static int
head_at (const struct path *path)
{
  return program__find (path->program, path->at);
}

/* Is CONDITION known under FACTS?  */
static bool
holds (struct induction *induction, const struct facts *facts, const struct term *condition)
{
  struct problem *problem = induction->problem;
  if (facts__decide (problem, facts, condition) == 1)
    return true;
  const struct term *opposite = term__not (problem->terms, condition);
  return facts__ask_roughly (problem, facts, &opposite, 1, RELATION_SECONDS) == SOLVER_UNSAT;
}

static bool
same (struct induction *induction, const struct facts *facts, const struct term *a, const struct term *b)
{
  struct problem *problem = induction->problem;
  if (a == b)
    return true;
  a = facts__simplify (problem, facts, a, true);
  b = facts__simplify (problem, facts, b, true);
  return a == b || holds (induction, facts, term__eq (problem->terms, a, b));
}

static void
free_list (struct path *list)
{
  while (list)
    {
      struct path *next = list->next;
      path__free (list);
      list = next;
    }
}

/* All that START (which is used up) leads to: ends, and arrivals at STOPS; HEAD (-1: none) is passed until it has been reached
   ARRIVALS times.  0 and *LIST; -1 and *WHY.  */
static int
run_leaves (struct induction *induction, struct path *start, const bool *stops, int head, unsigned arrivals,
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
        result = path__run (path, STEPS_MAX, &other);
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
      if (result == 0 && path->end == PATH_STOPPED && head_at (path) == head && ++path->arrivals < arrivals)
        {
          path->end = PATH_RUNNING;
          path->resumed = path->steps;
          path->next = work;
          work = path;
          continue;
        }
      /* Ways that leave a loop too early are seldom possible, and would cost much to look at.  */
      if (result == 0 && head >= 0 && (path->end != PATH_STOPPED || head_at (path) != head)
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
  if (result)
    {
      free_list (work);
      free_list (leaves);
      leaves = NULL;
    }
  *list = leaves;
  return result;
}

static struct path *
copy_with (const struct path *path, const struct facts *facts)
{
  struct path *copy = path__copy (path);
  if (facts)
    copy->facts = *facts;
  return copy;
}

/* ORIGINAL and CANDIDATE have both ended; FACTS are known of both.  */
static bool
compare_ends (struct induction *induction, const struct path *original, const struct path *candidate,
              const struct facts *facts, struct why *why)
{
  struct path *first = copy_with (original, facts), *second = copy_with (candidate, facts);
  bool well = paths__compare (induction->problem, first, second, why) == PROOF_PROVED
              || facts__ask_roughly (induction->problem, facts, NULL, 0, PRUNE_SECONDS) == SOLVER_UNSAT;
  path__free (first);
  path__free (second);
  return well;
}

static bool pair_up (struct induction *induction, const struct instance *instance, struct path *original,
                     struct path *candidate, struct why *why);

/* How many rounds are left to PATH, at a head, may follow from what is known without being seen in the conditions.  Looks at
   the first condition that isn't decided: where it asks whether something has one value, and that something can have but one, that
   is noted in FACTS.  */
static void
pin_rest (struct induction *induction, const struct path *path, struct facts *facts)
{
  struct problem *problem = induction->problem;
  struct terms *terms = problem->terms;
  struct path *probe = copy_with (path, facts), *other = NULL;
  probe->end = PATH_RUNNING;
  probe->stops = NULL;
  probe->quick = true;
  if (path__run (probe, STEPS_MAX, &other) == 0 && other && probe->facts.last)
    {
      const struct term *condition = probe->facts.last->term;
      uint64_t value;
      if (condition->op == TERM_NOT)
        condition = condition->arg[0];
      if (condition->op == TERM_EQ && condition->arg[0]->width <= 64
          && facts__ask_roughly (problem, facts, NULL, 0, RELATION_SECONDS) == SOLVER_SAT
          && solver__value (problem->solver, condition->arg[0], &value) == 0)
        {
          const struct term *equal
            = term__eq (terms, condition->arg[0], term__const (terms, condition->arg[0]->width, value));
          if (holds (induction, facts, equal))
            facts__assume (problem, facts, equal);
        }
    }
  path__free (other);
  path__free (probe);
}

static const struct term *bound_original (struct induction *induction, struct path *start, struct facts *facts);
static unsigned inputs_of (const struct term *term, const struct term **input, unsigned n, unsigned max, unsigned depth);

/* Both sides from their entry to their end, INPUT being NUMBER.  */
static bool
run_small (struct induction *induction, const struct term *input, uint64_t number, struct why *why)
{
  struct problem *problem = induction->problem;
  struct facts facts = problem->assumed;
  struct path *originals, *candidates;
  facts__assume (problem, &facts,
                 term__eq (problem->terms, input, term__const (problem->terms, input->width, number)));
  bool well = run_leaves (induction, path__entry (problem, problem->program[0], &facts), NULL, -1, 0, &originals, why)
              == 0;
  for (struct path *original = originals; original && well; original = original->next)
    {
      problem->valid = original->memory;
      well = run_leaves (induction, path__entry (problem, problem->program[1], &original->facts), NULL, -1, 0,
                         &candidates, why)
             == 0;
      for (struct path *candidate = candidates; candidate && well; candidate = candidate->next)
        well = compare_ends (induction, original, candidate, &candidate->facts, why);
      free_list (candidates);
    }
  problem->valid = NULL;
  free_list (originals);
  return well;
}

/* ORIGINAL is at its first head, the candidate has ended without any loop, under FACTS: where that says that an input is small, each of
   its values is looked at by itself, from the beginning.  False where that isn't so, else *WELL.  */
static bool
run_smalls (struct induction *induction, struct path *original, const struct facts *facts, bool *well, struct why *why)
{
  struct problem *problem = induction->problem;
  struct facts known = *facts;
  const struct memory *valid = problem->valid;
  const struct term *input[4], *trips = bound_original (induction, original, &known);
  problem->valid = valid;
  unsigned n = trips ? inputs_of (trips, input, 0, 4, 8) : 0;
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

/* One side has ended, the other is run to its end.  INSIDE: some rounds of a loop lie behind them.  */
static bool
finish (struct induction *induction, bool inside, const struct path *original, const struct path *candidate,
        struct why *why)
{
  struct path *list;
  bool well = true;
  if (candidate->end != PATH_STOPPED && !inside)
    {
      struct path *copy = copy_with (original, NULL);
      bool small = run_smalls (induction, copy, &candidate->facts, &well, why);
      path__free (copy);
      if (small)
        return well;
      well = true;
    }
  if (candidate->end != PATH_STOPPED)
    {
      struct facts facts = candidate->facts;
      pin_rest (induction, original, &facts);
      if (run_leaves (induction, copy_with (original, &facts), NULL, -1, 0, &list, why))
        return false;
      for (struct path *path = list; path && well; path = path->next)
        well = compare_ends (induction, path, candidate, &path->facts, why);
    }
  else
    {
      if (run_leaves (induction, copy_with (candidate, NULL), NULL, -1, 0, &list, why))
        return false;
      for (struct path *path = list; path && well; path = path->next)
        well = compare_ends (induction, original, path, &path->facts, why);
    }
  free_list (list);
  return well;
}

/* Some way that leads from START back to HEAD, ARRIVALS times; NULL where none is found.  Nothing is asked of the solver: what
   is seen here is only what guesses are made from.  */
static struct path *
dry_run (struct induction *induction, const struct path *start, int head, unsigned arrivals)
{
  const struct program *program = start->program;
  const bool *is_head = induction->heads[program->side]->is_head;
  const bool *around = heads__around (induction->arena, program, (unsigned) head);
  struct path *work = copy_with (start, NULL), *found = NULL;
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
      bool well = path__run (path, STEPS_MAX, &other) == 0;
      int at = head_at (path);
      if (other)
        {
          int there = head_at (other);
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
  free_list (work);
  if (found)
    found->quick = false;
  return found;
}

/* Registers that move by constants.  */

static const struct term *
times (struct terms *terms, const struct term *round, unsigned width, int64_t factor)
{
  return term__mul (terms, term__resize (terms, round, width), term__const (terms, width, (uint64_t) factor));
}

/* A + step * round where B is one step and C two from A, in lanes of LANE bits; NULL where they don't move so.  */
static const struct term *
moved (struct terms *terms, const struct term *a, const struct term *b, const struct term *c, unsigned lane,
       const struct term *round)
{
  const struct term *part[LANES_MAX];
  unsigned n = a->width / lane;
  for (unsigned i = 0; i < n; i++)
    {
      const struct term *x = term__extract (terms, a, i * lane, lane), *y = term__extract (terms, b, i * lane, lane);
      const struct term *z = term__extract (terms, c, i * lane, lane);
      int64_t first, second;
      if (!term__distance (terms, y, x, &first) || !term__distance (terms, z, y, &second) || first != second)
        return NULL;
      part[i] = term__add (terms, x, times (terms, round, lane, first));
    }
  return term__join (terms, part, n);
}

static const struct term *
linear_form (struct terms *terms, const struct term *const value[3], const struct term *round)
{
  static const unsigned lanes[] = { 64, 32, 16, 8 };
  for (unsigned i = 0; i < sizeof lanes / sizeof *lanes; i++)
    {
      const struct term *form = moved (terms, value[0], value[1], value[2], lanes[i], round);
      if (form)
        return form;
    }
  return NULL;
}

/* Accumulators.  */

enum combination { COMBINE_ADD, COMBINE_XOR, COMBINE_AND, COMBINE_OR, COMBINE_SMIN, COMBINE_SMAX, COMBINE_UMIN,
                   COMBINE_UMAX, COMBINATIONS };

static const struct term *
combine (struct terms *terms, enum combination how, const struct term *a, const struct term *b)
{
  switch (how)
    {
    case COMBINE_ADD: return term__add (terms, a, b);
    case COMBINE_XOR: return term__xor (terms, a, b);
    case COMBINE_AND: return term__and (terms, a, b);
    case COMBINE_OR: return term__or (terms, a, b);
    case COMBINE_SMIN: return term__ite (terms, term__slt (terms, a, b), a, b);
    case COMBINE_SMAX: return term__ite (terms, term__slt (terms, b, a), a, b);
    case COMBINE_UMIN: return term__ite (terms, term__ult (terms, a, b), a, b);
    default: return term__ite (terms, term__ult (terms, b, a), a, b);
    }
}

/* What HOW makes of START and all WIDTH-bit lanes of the unknowns at UNKNOWN[N].  */
static const struct term *
combine_lanes (struct terms *terms, enum combination how, unsigned width, const struct term *start,
               const struct term *const *unknown, unsigned n)
{
  const struct term *result = start;
  for (unsigned k = 0; k < n; k++)
    for (unsigned at = 0; at + width <= unknown[k]->width; at += width)
      {
        const struct term *lane = term__extract (terms, unknown[k], at, width);
        result = result ? combine (terms, how, result, lane) : lane;
      }
  return result;
}

struct guess
{
  struct induction *induction;
  struct instance *instance;
  struct path *seen[SIDES][3];          /* at first, after one round, after two */
  unsigned n_unknowns;
  const struct term *unknown[REGISTERS];    /* of the candidate's accumulators, */
  const struct term *found[REGISTERS][2];   /* and what they are at first and after a round */
};

/* TERM with the unknowns as they were found in round WHICH.  */
static const struct term *
with_found (const struct guess *guess, const struct term *term, unsigned which)
{
  const struct term *to[REGISTERS];
  for (unsigned i = 0; i < guess->n_unknowns; i++)
    to[i] = guess->found[i][which];
  return term__substitute (guess->induction->problem->terms, term, guess->unknown, to, guess->n_unknowns);
}

/* Inputs for a quick look: anything, the same for the same variable and address.  */
static uint64_t
scramble (uint64_t x)
{
  x ^= x >> 31;
  x *= UINT64_C (0x9e3779b97f4a7c15);
  return x ^ x >> 29;
}

static void
any_value (void *context, uint32_t number, unsigned width, uint64_t *words)
{
  (void) width;
  for (unsigned i = 0; i < (width + 63) / 64; i++)
    words[i] = scramble (number * UINT64_C (0x10001) + i + *(uint64_t *) context);
}

static uint8_t
any_byte (void *context, uint32_t number, uint64_t address)
{
  return (uint8_t) (scramble (address + number + *(uint64_t *) context) >> 17);
}

/* Are A and B plainly different: on inputs that may or may not be possible?  */
static bool
differ (const struct term *a, const struct term *b)
{
  if (a == b)
    return false;
  const struct term *roots[] = { a, b };
  struct term_program *program = term_program__new (roots, 2);
  bool different = false;
  for (uint64_t seed = 1; seed <= 3 && !different; seed++)
    {
      struct term_inputs inputs = { .context = &seed, .variable = any_value, .byte = any_byte };
      term_program__run (program, &inputs);
      different = memcmp (term_program__value (program, 0), term_program__value (program, 1),
                          (a->width + 63u) / 64u * sizeof (uint64_t)) != 0;
    }
  term_program__free (program);
  return different;
}

/* Does VALUE, which is in terms of the unknowns, fit what the original's register REG held at first and after a round?  */
static bool
fits (const struct guess *guess, const struct term *value, unsigned reg)
{
  struct path *const *seen = guess->seen[0];
  for (unsigned which = 0; which < 2; which++)
    if (differ (with_found (guess, value, which), register_of (&seen[which]->cpu, reg)))
      return false;
  for (unsigned which = 0; which < 2; which++)
    if (!same (guess->induction, &guess->seen[1][which]->facts, with_found (guess, value, which),
               register_of (&seen[which]->cpu, reg)))
      return false;
  return true;
}

/* How the original's accumulator REG hangs together with the candidate's: a term, or NULL.  */
static const struct term *
relate (const struct guess *guess, unsigned reg)
{
  struct terms *terms = guess->induction->problem->terms;
  const struct term *first = register_of (&guess->seen[0][0]->cpu, reg);
  const struct term *next = register_of (&guess->seen[0][1]->cpu, reg);
  unsigned whole = first->width;
  /* The very register that the candidate has, perhaps a narrower part of it.  */
  for (unsigned i = 0; i < guess->n_unknowns; i++)
    if (guess->unknown[i]->width <= whole)
      {
        const struct term *value = term__zext (terms, guess->unknown[i], whole);
        if (with_found (guess, value, 0) == first && with_found (guess, value, 1) == next)
          return value;
      }
  if (whole > 64)
    return NULL;
  /* All lanes of one or of all unknowns together.  */
  static const unsigned widths[] = { 64, 32, 16, 8 };
  for (unsigned w = 0; w < sizeof widths / sizeof *widths; w++)
    {
      unsigned width = widths[w];
      if (width > whole)
        continue;
      if (width < whole
          && (!term__is_value (term__extract (terms, first, width, whole - width), 0)
              || !term__is_value (term__extract (terms, next, width, whole - width), 0)))
        continue;
      const struct term *narrow = term__extract (terms, first, 0, width);
      for (unsigned pick = 0; pick <= guess->n_unknowns; pick++)
        for (unsigned how = 0; how < COMBINATIONS; how++)
          {
            bool all = pick == guess->n_unknowns;
            if (all && guess->n_unknowns == 1)
              continue;
            const struct term *const *unknown = all ? guess->unknown : &guess->unknown[pick];
            unsigned n = all ? guess->n_unknowns : 1;
            const struct term *lanes = combine_lanes (terms, (enum combination) how, width, NULL, unknown, n);
            if (!lanes)
              continue;
            const struct term *start = narrow, *now = with_found (guess, lanes, 0);
            if (how == COMBINE_ADD)
              start = term__sub (terms, narrow, now);
            else if (how == COMBINE_XOR)
              start = term__xor (terms, narrow, now);
            const struct term *value
              = term__zext (terms, combine (terms, (enum combination) how, start, lanes), whole);
            if (fits (guess, value, reg))
              return value;
            /* Idempotent ones may have all of it in the lanes.  */
            if (how >= COMBINE_AND && fits (guess, term__zext (terms, lanes, whole), reg))
              return term__zext (terms, lanes, whole);
          }
    }
  return NULL;
}

/* The unknown that stands for a candidate's accumulator whose values so far are VALUE[3]: without what is zero above.  */
static const struct term *
unknown_for (struct terms *terms, const struct term *const value[3])
{
  static const unsigned widths[] = { 8, 16, 32, 64, 128, 256, 512 };
  for (unsigned i = 0; i < sizeof widths / sizeof *widths; i++)
    {
      unsigned width = widths[i], whole = value[0]->width;
      bool zero = true;
      if (width >= whole)
        break;
      for (unsigned k = 0; k < 3; k++)
        zero &= term__is_value (term__extract (terms, value[k], width, whole - width), 0);
      /* Values that happen to be small at first are no reason: half of a register is what instructions clear.  */
      if (zero && (whole == 64 ? width == 32 : width >= 128))
        return term__fresh (terms, width);
    }
  return term__fresh (terms, value[0]->width);
}

/* Guesses the relation of every register.  */
static void
guess_relations (struct guess *guess)
{
  struct instance *instance = guess->instance;
  struct terms *terms = guess->induction->problem->terms;
  for (unsigned side = SIDES; side-- > 0;) /* the candidate's first: the original's depend on them */
    for (unsigned i = 0; i < REGISTERS; i++)
      {
        struct relation *relation = &instance->relation[side][i];
        const struct term *value[3];
        for (unsigned k = 0; k < 3; k++)
          value[k] = register_of (&guess->seen[side][k]->cpu, i);
        *relation = (struct relation){ .term = value[0], .checked = true };
        if (value[0] == value[1] && value[1] == value[2] && !instance->junk[side][i])
          continue;
        if (is_live (guess->induction, side, instance->head[side], i) && !instance->junk[side][i])
          {
            const struct term *form = i < STICKY ? linear_form (terms, value, instance->round) : NULL;
            if (!form && side == 0)
              form = relate (guess, i);
            if (form)
              {
                relation->term = form;
                continue;
              }
            if (side == 1)
              {
                relation->unknown = unknown_for (terms, value);
                relation->term = term__zext (terms, relation->unknown, value[0]->width);
                unsigned n = guess->n_unknowns++;
                guess->unknown[n] = relation->unknown;
                for (unsigned k = 0; k < 2; k++)
                  guess->found[n][k] = term__extract (terms, value[k], 0, relation->unknown->width);
                continue;
              }
          }
        relation->term = term__fresh (terms, value[0]->width);
        relation->checked = false;
      }
}

/* PATH as it is in any round: registers by RELATION, memory number MEMORY except for the frame, nothing else forgotten.
   AFTER is PATH some rounds later.  */
static struct path *
generalise (struct induction *induction, const struct path *path, const struct relation *relation,
            const struct path *after, uint32_t memory, const struct facts *facts)
{
  struct problem *problem = induction->problem;
  struct path *base = copy_with (path, facts);
  memory__free (base->memory);
  base->memory = memory__restart (problem, path->memory, after->memory, memory);
  for (unsigned i = 0; i < REGISTERS; i++)
    set_register (&base->cpu, i, relation[i].term);
  memset (&base->cpu.flags, 0, sizeof base->cpu.flags);
  base->cpu.flags.kind = FLAGS_EXPLICIT;
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    base->cpu.flags.flag[i] = term__fresh (problem->terms, 1);
  return base;
}

/* The number of rounds that CONDITION, false in round ROUND, lets the loop have: CONDITION is that some sum with ROUND in it
   equals something.  As that sum goes round itself, it is known modulo 2^*BITS, 0 standing for all of that.  NULL where
   CONDITION isn't of that form.  */
static const struct term *
trip_count (struct terms *terms, const struct term *condition, const struct term *round, unsigned *bits)
{
  if (condition->op == TERM_NOT)
    condition = condition->arg[0];
  if (condition->op != TERM_EQ || condition->arg[0]->width > 64)
    return NULL;
  const struct term *sum = condition->arg[0];
  unsigned width = sum->width;
  const struct term *counter = term__resize (terms, round, width);
  uint64_t factor = sum == counter ? 1 : 0;
  if (sum->op == TERM_SUM)
    for (unsigned i = 0; i < sum->n_args; i++)
      if (sum->arg[i] == counter)
        factor = sum->words[1 + i];
  if (!factor)
    return NULL;
  /* factor * round + rest == value in the last round.  */
  const struct term *rest
    = term__sub (terms, sum, term__mul (terms, counter, term__const (terms, width, factor)));
  const struct term *distance = term__sub (terms, condition->arg[1], rest);
  unsigned zeros = (unsigned) __builtin_ctzll (factor);
  if (zeros >= width || (zeros && !term__is_value (term__extract (terms, distance, 0, zeros), 0)))
    return NULL;
  uint64_t odd = factor >> zeros, inverse = odd;
  for (unsigned i = 0; i < 6; i++)
    inverse *= 2 - odd * inverse;
  unsigned left = width - zeros;
  *bits = left;
  const struct term *last
    = term__mul (terms, term__extract (terms, distance, zeros, left), term__const (terms, left, inverse));
  return term__zext (terms, term__add (terms, last, term__const (terms, left, 1)), 64);
}

/* Looks for how many rounds the candidate's loop has, and shows that ROUND stays below it.  */
static void
find_trips (struct induction *induction, struct instance *instance, const struct facts *entry)
{
  struct problem *problem = induction->problem;
  struct terms *terms = problem->terms;
  struct path *base = instance->base[1], *round = dry_run (induction, base, instance->head[1], 1);
  if (!round)
    return;
  const struct term *zero = term__const (terms, 64, 0), *next
    = term__add (terms, instance->round, term__const (terms, 64, 1));
  for (const struct condition *c = round->facts.last; c && c != base->facts.last && !instance->trips; c = c->before)
    {
      if (c->term->op != TERM_NOT)
        continue;
      unsigned bits;
      const struct term *trips = trip_count (terms, c->term, instance->round, &bits);
      if (!trips || term__substitute (terms, trips, &instance->round, &zero, 1) != trips)
        continue;
      /* At first, and after a round that led back.  */
      if (!holds (induction, entry, term__ult (terms, zero, trips)))
        continue;
      struct facts facts = round->facts;
      facts__assume (problem, &facts, term__ult (terms, instance->round, trips));
      if (holds (induction, &facts, term__ult (terms, next, trips)))
        instance->trips = trips;
    }
  path__free (round);
  /* Of an input that can't be that large: its whole upper part.  */
  const struct term *trips = instance->trips;
  if (trips && trips->op == TERM_CONCAT && trips->n_args == 2 && term__is_value (trips->arg[0], 0)
      && trips->arg[1]->op == TERM_EXTRACT && trips->arg[1]->arg[0]->width <= 64)
    {
      const struct term *whole = trips->arg[1]->arg[0];
      const struct term *upper = term__zext (terms, term__lshr_by (terms, whole, trips->arg[1]->number), 64);
      if (upper != trips && holds (induction, entry, term__eq (terms, upper, trips)))
        instance->trips = upper;
    }
}

/* BASE in round NUMBER.  */
static struct path *
in_round (struct induction *induction, const struct instance *instance, const struct path *base,
          const struct term *number)
{
  struct path *path = copy_with (base, NULL);
  for (unsigned i = 0; i < REGISTERS; i++)
    set_register (&path->cpu, i,
                  term__substitute (induction->problem->terms, register_of (&path->cpu, i), &instance->round, &number, 1));
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
  if (instance->trips && !holds (induction, &candidate->facts, term__ult (terms, to[0], instance->trips)))
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
        to[n++] = term__extract (terms, register_of (&candidate->cpu, i), 0, unknown->width);
      }
  for (unsigned side = SIDES; side-- > 0;)
    for (unsigned i = 0; i < REGISTERS; i++)
      {
        const struct relation *relation = &instance->relation[side][i];
        const struct sym_cpu *cpu = side ? &candidate->cpu : &original->cpu;
        if (!relation->checked
            || same (induction, &candidate->facts, register_of (cpu, i),
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
  struct path *work = copy_with (original, &candidate->facts), *done = NULL;
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
      result = run_leaves (induction, path, induction->heads[0]->is_head, -1, 0, &more, why);
      if (result || !more)
        continue;
      for (last = more; last->next; last = last->next)
        ;
      last->next = work;
      work = more;
    }
  free_list (work);
  if (result)
    {
      free_list (done);
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
  if (run_leaves (induction, original, induction->heads[0]->is_head, instance->head[0], instance->factor, &originals, why))
    well = false;
  for (struct path *path = originals; path && well; path = path->next)
    {
      induction->problem->valid = path->memory;
      if (run_leaves (induction, copy_with (candidate, &path->facts), induction->heads[1]->is_head, -1, 0, &candidates,
                      why))
        well = false;
      for (struct path *other = candidates; well && other; other = other->next)
        well = pair_up (induction, instance, path, other, why);
      free_list (candidates);
    }
  induction->problem->valid = NULL;
  free_list (originals);
  path__free (candidate);
  return well;
}

/* START with FROM replaced by TO in all that it holds and knows.  */
static struct path *
with_value (struct induction *induction, const struct path *start, const struct term *from, const struct term *to)
{
  struct problem *problem = induction->problem;
  struct path *path = copy_with (start, &problem->assumed);
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
    set_register (&path->cpu, i, term__substitute (problem->terms, register_of (&path->cpu, i), &from, &to, 1));
  return path;
}

/* The inputs in TERM, at most MAX, N so far.  */
static unsigned
inputs_of (const struct term *term, const struct term **input, unsigned n, unsigned max, unsigned depth)
{
  if (term->op == TERM_VAR)
    {
      for (unsigned i = 0; i < n; i++)
        if (input[i] == term)
          return n;
      if (n < max)
        input[n++] = term;
      return n;
    }
  for (unsigned i = 0; i < term->n_args && depth; i++)
    n = inputs_of (term->arg[i], input, n, max, depth - 1);
  return n;
}

/* LEFT, which is less than FACTOR, a power of two, may be the low bits of an input without being written so: those, or NULL.  */
static const struct term *
low_part (struct induction *induction, const struct facts *facts, const struct term *left, unsigned factor)
{
  struct terms *terms = induction->problem->terms;
  const struct term *input[4];
  unsigned n = inputs_of (left, input, 0, 4, 6), bits = (unsigned) __builtin_ctz (factor);
  if (factor < 2 || (factor & (factor - 1)) != 0)
    return NULL;
  for (unsigned i = 0; i < n; i++)
    {
      if (input[i]->width <= bits || input[i]->width > 64)
        continue;
      const struct term *part = term__extract (terms, input[i], 0, bits), *whole = term__zext (terms, part, 64);
      if (holds (induction, facts, term__eq (terms, whole, left)))
        return part;
    }
  return NULL;
}

/* After the last round of INSTANCE, both sides being at START: the original has so many rounds left that the low bits of an input
   say how many.  Then each of those numbers is looked at by itself, where nothing is left to be decided.  False where that
   isn't so, else *WELL.  */
static bool
run_remainders (struct induction *induction, struct instance *instance, struct path *const start[SIDES], bool *well,
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
                              ? left->arg[1] : low_part (induction, &start[1]->facts, left, instance->factor);
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
      *well = run_leaves (induction, path[0], NULL, -1, 0, &originals, why) == 0;
      for (struct path *original = originals; original && *well; original = original->next)
        {
          problem->valid = original->memory;
          *well = run_leaves (induction, copy_with (path[1], &original->facts), NULL, -1, 0, &candidates, why) == 0;
          for (struct path *candidate = candidates; candidate && *well; candidate = candidate->next)
            *well = compare_ends (induction, original, candidate, &candidate->facts, why);
          free_list (candidates);
        }
      problem->valid = NULL;
      free_list (originals);
      path__free (path[1]);
    }
  return true;
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
    path[side] = copy_with (instance->base[side], NULL);
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
  if (!instance->outer && run_remainders (induction, instance, path, &well, why))
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
                    ? dry_run (induction, guess.seen[side][k - 1], instance->head[side], rounds) : NULL))
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
          guess_relations (&guess);
          for (unsigned side = 0; side < SIDES; side++)
            instance->base[side] = generalise (induction, start[side], instance->relation[side],
                                               guess.seen[side][2], memory, &start[1]->facts);
          find_trips (induction, instance, &start[1]->facts);
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

/* Addresses of user space end here.  */
#define USER_END (UINT64_C (1) << 47)

/* The distance by which the sure accesses of PATH, in round ROUND, move from round to round; 0 where none does.  */
static uint64_t
access_stride (struct induction *induction, const struct path *path, const struct term *round)
{
  struct problem *problem = induction->problem;
  const struct term *next = term__add (problem->terms, round, term__const (problem->terms, 64, 1));
  uint64_t stride = 0;
  for (unsigned i = 0; i < path->memory->n_uses; i++)
    {
      const struct use *use = &path->memory->use[i];
      const struct term *base = problem->base[use->base].term;
      int64_t distance;
      if (use->touched && problem->base[use->base].root != ROOT_STACK
          && term__distance (problem->terms, term__substitute (problem->terms, base, &round, &next, 1), base, &distance)
          && (uint64_t) llabs (distance) > stride && llabs (distance) < (1 << 20))
        stride = (uint64_t) llabs (distance);
    }
  return stride;
}

/* The original at a head, START: how many rounds it makes, as a term, or NULL; where each of them surely touches memory further on.  As all of those
   are at user addresses where the original comes to its end, there can't be many: that is assumed in FACTS.  */
static const struct term *
bound_original (struct induction *induction, struct path *start, struct facts *facts)
{
  struct problem *problem = induction->problem;
  struct terms *terms = problem->terms;
  int head = head_at (start);
  const struct term *round = term__fresh (terms, 64), *one = term__const (terms, 64, 1), *trips = NULL;
  const struct term *next = term__add (terms, round, one);
  struct path *seen[3] = { start }, *leaves = NULL;
  struct relation relation[REGISTERS];
  struct why why = { 0 };
  for (unsigned k = 1; k < 3; k++)
    seen[k] = seen[k - 1] ? dry_run (induction, seen[k - 1], head, 1) : NULL;
  bool well = seen[2] != NULL, junk[REGISTERS] = { false };
  bool again = well;
  for (unsigned tries = 0; again && tries < DEMOTIONS_MAX; tries++)
    {
      again = false;
      for (unsigned i = 0; i < REGISTERS; i++)
        {
          const struct term *value[3];
          for (unsigned k = 0; k < 3; k++)
            value[k] = register_of (&seen[k]->cpu, i);
          const struct term *form = value[0];
          if (junk[i])
            form = NULL;
          else if (value[0] != value[1] || value[1] != value[2])
            form = i < STICKY ? linear_form (terms, value, round) : NULL;
          relation[i] = (struct relation){ .term = form ? form : term__fresh (terms, value[0]->width), .checked = form };
        }
      struct path *base = generalise (induction, start, relation, seen[2], FIRST_MEMORY + induction->memories++, facts);
      free_list (leaves);
      if (run_leaves (induction, copy_with (base, NULL), induction->heads[0]->is_head, -1, 0, &leaves, &why))
        well = false;
      for (struct path *leaf = leaves; leaf && well && !again; leaf = leaf->next)
        {
          if (leaf->end != PATH_STOPPED || head_at (leaf) != head)
            continue;
          for (unsigned i = 0; i < REGISTERS && !again; i++)
            if (relation[i].checked
                && register_of (&leaf->cpu, i) != term__substitute (terms, relation[i].term, &round, &next, 1))
              again = junk[i] = true;
          well &= memory__keeps_frame (problem, base->memory, leaf->memory);
        }
      path__free (base);
    }
  /* The rounds end in one way alone, and each of them touches something.  */
  uint64_t stride = UINT64_MAX;
  unsigned bits = 64;
  well &= !again;
  for (struct path *leaf = leaves; leaf && well; leaf = leaf->next)
    if (leaf->end == PATH_STOPPED && head_at (leaf) == head)
      {
        for (const struct condition *c = leaf->facts.last; c && c != facts->last && !trips; c = c->before)
          if (c->term->op == TERM_NOT && (trips = trip_count (terms, c->term, round, &bits))
              && term__substitute (terms, trips, &round, &one, 1) != trips)
            trips = NULL;
        uint64_t own = access_stride (induction, leaf, round);
        stride = own < stride ? own : stride;
      }
  /* Going on until the counter comes by a second time would take more than there is of memory.  */
  well &= trips && stride && stride != UINT64_MAX && (bits >= 48 || stride >> (48 - bits));
  for (struct path *leaf = leaves; leaf && well; leaf = leaf->next)
    {
      const struct term *over = term__eq (terms, term__extract (terms, next, 0, bits), term__extract (terms, trips, 0, bits));
      bool goes_on = leaf->end == PATH_STOPPED && head_at (leaf) == head;
      well = holds (induction, &leaf->facts, goes_on ? term__not (terms, over) : over);
    }
  if (well)
    facts__assume (problem, facts,
                   term__ult (terms, term__sub (terms, trips, one), term__const (terms, 64, USER_END / stride + 1)));
  /* So says the machine.  A compiler knows more: an input that counts elements is no larger than what it counts, so that nothing of
     it is lost when it is made an address.  */
  const struct term *whole = trips && trips->op == TERM_CONCAT && trips->n_args == 2 && trips->arg[1]->op == TERM_EXTRACT
                               ? trips->arg[1]->arg[0] : NULL;
  if (well && problem->options.excuse_faults && whole && whole->op == TERM_VAR && whole->width == 64
      && trips->arg[1]->number == 0)
    facts__assume (problem, facts,
                   term__ult (terms, term__sub (terms, whole, one), term__const (terms, 64, USER_END / stride + 1)));
  free_list (leaves);
  for (unsigned k = 1; k < 3; k++)
    path__free (seen[k]);
  return well ? trips : NULL;
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
  const struct term *original_trips = bound_original (induction, original, &candidate->facts);
  original->facts = candidate->facts;
  for (unsigned side = 0; side < SIDES; side++)
    round[side] = dry_run (induction, start[side], head_at (start[side]), 1);
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
                                   .head = { head_at (original), head_at (candidate) } };
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
    return compare_ends (induction, original, candidate, &candidate->facts, why);
  if (original->end != PATH_STOPPED || candidate->end != PATH_STOPPED)
    return finish (induction, instance != NULL, original, candidate, why);
  /* Round again?  */
  for (const struct instance *outer = instance; outer; outer = outer->outer)
    if (head_at (candidate) == outer->head[1] && head_at (original) == outer->head[0]
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
      struct path *copy = copy_with (candidate, &path->facts);
      if (path->end != PATH_STOPPED)
        well = finish (induction, instance != NULL, path, copy, why);
      else
        well = open_instance (induction, instance, path, copy, why);
      path__free (copy);
    }
  free_list (list);
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
    induction.heads[side] = heads__find (problem->arena, problem->program[side]);
  if (!induction.heads[0]->n || !induction.heads[1]->n)
    return why__set (why, REASON_PROOF_LOOP, "one side has no loop") == 0;
  if (run_leaves (&induction, path__entry (problem, problem->program[0], &problem->assumed), induction.heads[0]->is_head, -1, 0,
                  &originals, why))
    return false;
  for (struct path *original = originals; original && well; original = original->next)
    {
      problem->valid = original->memory;
      if (run_leaves (&induction, path__entry (problem, problem->program[1], &original->facts),
                      induction.heads[1]->is_head, -1, 0, &candidates, why))
        well = false;
      for (struct path *candidate = candidates; well && candidate; candidate = candidate->next)
        well = pair_up (&induction, NULL, original, candidate, why);
      free_list (candidates);
    }
  problem->valid = NULL;
  free_list (originals);
  return well;
}
