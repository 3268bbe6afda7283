/* Do two paths that ended come to the same?

   What has to hold is collected as conditions.  Most are true by construction, because equal values are one term; what is
   left is put to the solver in one question, under everything that is known on both paths.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include "machine/value-mask.h"

#include <stdlib.h>
#include <string.h>

enum { GOALS_MAX = 8192, VALUE_BYTES = 256, PAGE = 4096, FAR_MAX = 6 };

struct check
{
  struct problem *problem;
  struct path *original, *candidate;
  const struct facts *facts;
  unsigned n_goals;
  struct { const struct term *term; struct why why; } *goal;
  bool overflow, late;
};

/* GOAL has to hold.  */
static void __attribute__ ((format (printf, 4, 5)))
require (struct check *check, const struct term *goal, enum reason reason, const char *format, ...)
{
  if (term__is_const (goal) && term__value (goal))
    return;
  goal = facts__simplify (check->problem, check->facts, goal, true);
  if (term__is_const (goal) && term__value (goal))
    return;
  if (check->n_goals == GOALS_MAX)
    {
      check->overflow = true;
      return;
    }
  struct why *why = &check->goal[check->n_goals].why;
  va_list args;
  va_start (args, format);
  vsnprintf (why->detail, sizeof why->detail, format, args);
  va_end (args);
  why->reason = reason;
  check->goal[check->n_goals++].term = goal;
}

static const struct term *
same (struct check *check, const struct term *a, const struct term *b)
{
  struct terms *terms = check->problem->terms;
  if (a == b)
    return term__true (terms);
  a = facts__simplify (check->problem, check->facts, a, true);
  b = facts__simplify (check->problem, check->facts, b, true);
  return term__eq (terms, a, b);
}

static void
check_result (struct check *check)
{
  struct terms *terms = check->problem->terms;
  const struct value *result = &check->problem->region->result;
  uint8_t mask[VALUE_BYTES];
  value__mask (check->problem->region, result, mask, sizeof mask);
  for (unsigned i = 0; i < result->n_locations; i++)
    {
      const struct location *location = &result->location[i];
      bool vector = location->kind == LOCATION_VEC;
      const struct term *a, *b;
      if (location->kind != LOCATION_GPR && !vector)
        {
          require (check, term__false (terms), REASON_UNSUPPORTED_TYPE, "the result's place");
          continue;
        }
      a = vector ? check->original->cpu.vec[location->number] : check->original->cpu.gpr[location->number];
      b = vector ? check->candidate->cpu.vec[location->number] : check->candidate->cpu.gpr[location->number];
      for (unsigned k = 0, n; k < location->size; k += n)
        {
          uint8_t bits = mask[location->offset + k];
          n = 1;
          while (bits == 0xff && k + n < location->size && mask[location->offset + k + n] == 0xff)
            n++;
          if (!bits)
            continue;
          const struct term *x = term__extract (terms, a, 8 * k, 8 * n);
          const struct term *y = term__extract (terms, b, 8 * k, 8 * n);
          if (bits != 0xff)
            {
              x = term__and (terms, x, term__const (terms, 8, bits));
              y = term__and (terms, y, term__const (terms, 8, bits));
            }
          require (check, same (check, x, y), REASON_RESULT, "byte %u of the result in %s %u",
                   location->offset + k, vector ? "vector register" : "general register",
                   location->number);
        }
    }
}

/* Above the low 16 bytes the first 16 vector registers are zero or as they were at entry, or what the original left there.  */
static void
check_uppers (struct check *check)
{
  struct problem *problem = check->problem;
  struct terms *terms = problem->terms;
  for (unsigned i = 0; i < 16; i++)
    {
      const struct term *upper = term__extract (terms, check->candidate->cpu.vec[i], 128, 384);
      const struct term *entry = term__extract (terms, problem->entry[1].vec[i], 128, 384);
      const struct term *left = term__extract (terms, check->original->cpu.vec[i], 128, 384);
      if (upper != entry && upper != left && !term__is_value (upper, 0))
        require (check, same (check, left, upper), REASON_CONTROL_STATE, "upper half of vector register %u left dirty", i);
    }
}

static void
check_machine (struct check *check)
{
  struct problem *problem = check->problem;
  static const uint8_t saved[] = { 3, 5, 12, 13, 14, 15 };
  for (unsigned i = 0; i < sizeof saved; i++)
    require (check, same (check, problem->entry[1].gpr[saved[i]], check->candidate->cpu.gpr[saved[i]]),
             REASON_CALLEE_SAVED, "general register %u at return", saved[i]);
  check_uppers (check);
  if (problem->region->fp & FP_TRAPPING)
    require (check, same (check, check->original->cpu.sticky, check->candidate->cpu.sticky),
             REASON_STICKY_FLAGS, "MXCSR at return");
}

/* Memory.  */

static bool
is_stack (const struct check *check, uint32_t base)
{
  return check->problem->base[base].root == ROOT_STACK;
}

static void
describe (const struct check *check, uint32_t base, int64_t offset, char *text, size_t room)
{
  const struct base *what = &check->problem->base[base];
  if (what->root == ROOT_STACK)
    snprintf (text, room, "stack %+lld", (long long) (offset - check->problem->stack_constant));
  else if (what->root >= 0)
    {
      int number = check->problem->pointer[what->root].number;
      const char *name = number <= IMAGE_NUMBER ? "own code or constants"
                         : number >= 1000       ? check->problem->region->global[number - 1000].name
                                                : check->problem->region->parameter[number].name;
      snprintf (text, room, "%s%s %+lld", name ? name : "a parameter",
                what->term == check->problem->pointer[what->root].term ? "" : " + …", (long long) offset);
    }
  else
    snprintf (text, room, "a computed address %+lld", (long long) offset);
}

static const struct use *
use_of (const struct memory *memory, uint32_t base)
{
  for (unsigned i = 0; i < memory->n_uses; i++)
    if (memory->use[i].base == base)
      return &memory->use[i];
  return NULL;
}

static bool
surely (const struct memory *memory, uint32_t base, int64_t offset, bool written)
{
  const struct memory_cell *cell = memory__cell (memory, base, offset);
  const struct term *condition = cell ? written ? cell->written : cell->touched : NULL;
  return condition && term__is_const (condition) && term__value (condition);
}

/* RESULT, or the page of BASE + OFFSET is one where MEMORY's sure accesses through other bases begin or end.  */
static const struct term *
far_page (struct check *check, const struct memory *memory, uint32_t base, int64_t offset,
          const struct term *result)
{
  struct problem *problem = check->problem;
  struct terms *terms = problem->terms;
  const struct term *page
    = term__extract (terms, term__add (terms, problem->base[base].term, term__const (terms, 64, (uint64_t) offset)),
                     12, 52);
  unsigned n = 0;
  for (unsigned i = 0; i < memory->n_uses && n < FAR_MAX; i++)
    {
      const struct use *use = &memory->use[i];
      if (!use->touched || use->base == base || is_stack (check, use->base))
        continue;
      n++;
      for (unsigned way = 0; way < 2; way++)
        {
          int64_t at = way ? use->touch_high : use->touch_low;
          const struct term *near
            = term__extract (terms, term__add (terms, problem->base[use->base].term,
                                               term__const (terms, 64, (uint64_t) at)), 12, 52);
          result = term__or (terms, result, term__eq (terms, page, near));
        }
    }
  return result;
}

/* The condition under which MEMORY touches (or writes) the page of BASE + OFFSET, as far as is easily seen.  */
static const struct term *
page_touched (struct check *check, const struct memory *memory, uint32_t base, int64_t offset, bool written)
{
  struct problem *problem = check->problem;
  struct terms *terms = problem->terms;
  const struct memory_cell *cell = memory__cell (memory, base, offset);
  const struct term *condition = cell ? written ? cell->written : cell->touched : NULL;
  if (condition && term__is_const (condition))
    return condition;
  const struct term *result = condition ? condition : term__false (terms);
  const struct use *use = use_of (memory, base);
  if (!use || (written ? !use->last_write : !use->touched))
    return written ? result : far_page (check, memory, base, offset, result);
  /* The nearest bytes on both sides: within a page of each other, one of them is in this byte's page.  */
  int64_t low = written ? use->write_low : use->touch_low, high = written ? use->write_high : use->touch_high;
  int64_t below = 0, above = 0;
  for (int64_t k = 1; k < PAGE && offset - k >= low && !below; k++)
    if (offset - k <= high && surely (memory, base, offset - k, written))
      below = k;
  for (int64_t k = 1; k < PAGE && offset + k <= high && !above; k++)
    if (offset + k >= low && surely (memory, base, offset + k, written))
      above = k;
  if (below && above && below + above <= PAGE)
    return term__true (terms);
  const struct term *start = problem->base[base].term;
  const struct term *page
    = term__extract (terms, term__add (terms, start, term__const (terms, 64, (uint64_t) offset)), 12, 52);
  for (unsigned way = 0; way < 2; way++)
    {
      int64_t at = way ? offset + above : offset - below;
      if (at == offset)
        continue;
      const struct term *near
        = term__extract (terms, term__add (terms, start, term__const (terms, 64, (uint64_t) at)), 12, 52);
      result = term__or (terms, result, term__eq (terms, page, near));
    }
  return result;
}

static const struct term *
implies (struct terms *terms, const struct term *a, const struct term *b)
{
  return a == b ? term__true (terms) : term__or (terms, term__not (terms, a), b);
}

/* All that FROM touches lies in pages that TO touches; what it writes where TO writes: byte by byte if EXACT.  */
static void
check_footprint (struct check *check, const struct memory *from, const struct memory *to, bool exact,
                 const char *who)
{
  struct problem *problem = check->problem;
  struct terms *terms = problem->terms;
  char place[80];
  for (unsigned i = 0; i < from->n_slots; i++)
    {
      const struct slot *slot = &from->slot[i];
      if (!slot->chunk || (check->late |= problem__out_of_time (problem)))
        continue;
      for (unsigned k = 0; k < CELLS; k++)
        {
          const struct memory_cell *cell = &slot->chunk->cell[k];
          int64_t offset = slot->number * CELLS + k;
          const struct memory_cell *other = memory__cell (to, slot->base, offset);
          if (is_stack (check, slot->base))
            {
              /* The frame is a side's own; the caller's arguments may be read as the original reads them.  */
              if (cell->touched && offset - problem->stack_constant >= 8 && exact
                  && !(other && other->touched))
                {
                  describe (check, slot->base, offset, place, sizeof place);
                  require (check, term__false (terms), REASON_CALLER_FRAME, "%s", place);
                }
              continue;
            }
          if (cell->written && (!other || other->written != cell->written))
            {
              const struct term *there
                = exact ? other && other->written ? other->written : term__false (terms)
                        : page_touched (check, to, slot->base, offset, true);
              describe (check, slot->base, offset, place, sizeof place);
              require (check, implies (terms, cell->written, there), exact ? REASON_STORE : REASON_NO_TRAP,
                       "%s writes %s", who, place);
            }
          if (cell->touched && (!other || other->touched != cell->touched))
            {
              const struct term *there = page_touched (check, to, slot->base, offset, false);
              if (term__is_const (there) && term__value (there))
                continue;
              describe (check, slot->base, offset, place, sizeof place);
              require (check, implies (terms, cell->touched, there), exact ? REASON_LOAD_FAULT : REASON_NO_TRAP,
                       "%s touches %s", who, place);
            }
        }
    }
}

/* Bytes that SIDE writes have the same value on both sides.  */
static void
check_values (struct check *check, const struct memory *side, const struct memory *done)
{
  struct problem *problem = check->problem;
  for (unsigned i = 0; i < side->n_slots; i++)
    {
      const struct slot *slot = &side->slot[i];
      if (!slot->chunk || is_stack (check, slot->base) || (check->late |= problem__out_of_time (problem)))
        continue;
      for (unsigned k = 0, n; k < CELLS; k += n)
        {
          const struct memory_cell *cell = &slot->chunk->cell[k];
          int64_t offset = slot->number * CELLS + k;
          n = 1;
          if (!cell->value)
            continue;
          while (k + n < CELLS && cell[n].value == cell->value && cell[n].part == cell->part + n
                 && cell->part + n < 8)
            n++;
          if (done)
            {
              /* Compared already.  */
              bool all = true;
              for (unsigned b = 0; b < n && all; b++)
                {
                  const struct memory_cell *other = memory__cell (done, slot->base, offset + b);
                  all = other && other->value;
                }
              if (all)
                continue;
            }
          const struct term *a
            = memory__peek (problem, check->facts, check->original->memory, 0, slot->base, offset, n);
          const struct term *b
            = memory__peek (problem, check->facts, check->candidate->memory, 1, slot->base, offset, n);
          if (a == b && a)
            continue;
          if (!a || !b)
            {
              check->overflow = true;
              return;
            }
          char place[80];
          describe (check, slot->base, offset, place, sizeof place);
          require (check, same (check, a, b), REASON_MEMORY, "%u bytes at %s", n, place);
        }
    }
}

static enum solver_answer
ask (const struct check *check, const struct term *broken, double seconds)
{
  return check->problem->roughly ? facts__ask_roughly (check->problem, check->facts, &broken, 1, seconds)
                                 : facts__ask (check->problem, check->facts, &broken, 1, seconds);
}

static enum proof_result
settle (struct check *check, struct why *why)
{
  struct problem *problem = check->problem;
  struct terms *terms = problem->terms;
  if (check->late)
    {
      why__set (why, REASON_TIME, "while comparing");
      return PROOF_UNKNOWN;
    }
  if (check->overflow)
    {
      why__set (why, REASON_PROOF_PATHS, "more than %d conditions", GOALS_MAX);
      return PROOF_UNKNOWN;
    }
  if (check->n_goals == 0)
    return PROOF_PROVED;
  const struct term *all = term__true (terms);
  for (unsigned i = 0; i < check->n_goals; i++)
    all = term__and (terms, all, check->goal[i].term);
  const struct term *broken = term__not (terms, all);
  double left = problem->deadline - prove__now ();
  enum solver_answer answer = ask (check, broken, check->n_goals > 1 ? left / 2 : left);
  if (answer == SOLVER_UNSAT)
    return PROOF_PROVED;
  if (answer == SOLVER_SAT)
    {
      *why = check->goal[0].why;
      const struct term *first = broken;
      for (unsigned i = 0; i < check->n_goals; i++)
        {
          uint64_t value[1] = { 1 };
          if (!problem->roughly && solver__value (problem->solver, check->goal[i].term, value) == 0 && !value[0])
            {
              *why = check->goal[i].why;
              first = term__not (terms, check->goal[i].term);
              break;
            }
        }
      problem->proof->counterexample
        = model__counterexample (problem, problem->proof->arena, check->facts, first, check->original->memory);
      return PROOF_DIFFERENT;
    }
  /* One by one.  */
  for (unsigned i = 0; i < check->n_goals; i++)
    {
      broken = term__not (terms, check->goal[i].term);
      left = problem->deadline - prove__now ();
      answer = ask (check, broken,
                           check->n_goals > 1 ? left / (check->n_goals - i) : 0);
      if (answer == SOLVER_UNSAT)
        continue;
      *why = check->goal[i].why;
      if (answer == SOLVER_SAT)
        {
          problem->proof->counterexample = model__counterexample (problem, problem->proof->arena, check->facts,
                                                                  broken, check->original->memory);
          return PROOF_DIFFERENT;
        }
      why->reason = REASON_PROOF_SOLVER;
      return PROOF_UNKNOWN;
    }
  return PROOF_PROVED;
}

/* Compares what both sides did to memory; where they have ENDED how, and what they left.  */
static enum proof_result
compare (struct problem *problem, struct path *original, struct path *candidate, bool ended, struct why *why)
{
  struct check check = { .problem = problem, .original = original, .candidate = candidate,
                         .facts = &candidate->facts };
  check.goal = malloc (GOALS_MAX * sizeof *check.goal);
  if (!check.goal)
    {
      why__set (why, REASON_SANDBOX, "out of memory");
      return PROOF_UNKNOWN;
    }
  if (ended && original->end != candidate->end)
    require (&check, term__false (problem->terms),
             candidate->end == PATH_RETURNED ? REASON_NO_TRAP : REASON_LOAD_FAULT,
             candidate->end == PATH_RETURNED ? "returns where the original traps"
                                             : "traps where the original doesn't, or otherwise");
  else
    {
      check_footprint (&check, candidate->memory, original->memory, true, "the candidate");
      if (!problem->options.excuse_faults)
        check_footprint (&check, original->memory, candidate->memory, false, "only the original");
      if (!ended || original->end == PATH_RETURNED)
        {
          check_values (&check, original->memory, NULL);
          check_values (&check, candidate->memory, original->memory);
        }
      if (ended && original->end == PATH_RETURNED)
        {
          check_result (&check);
          check_machine (&check);
        }
    }
  enum proof_result result = settle (&check, why);
  free (check.goal);
  return result;
}

enum proof_result
paths__compare_memory (struct problem *problem, struct path *original, struct path *candidate, struct why *why)
{
  return compare (problem, original, candidate, false, why);
}

enum proof_result
paths__compare (struct problem *problem, struct path *original, struct path *candidate, struct why *why)
{
  return compare (problem, original, candidate, true, why);
}
