/* Which states a function is timed on.

   They are made when measuring begins, from the kernel's randomness: no candidate can have been made for them, nor
   were they among those that the verifier ran.  (States that are given count for choosing among candidates alone.)
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure-set.h"

#include "machine/mix.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define INNER_MOST 1024
/* So many calls are timed together to learn how long a short one takes, shorter than so many ticks.  */
#define INNER_SHORT 32
#define SHORT_TICKS 1000.0
/* Length of a sample in time-stamp ticks, about 2 microseconds: long against the counter's own noise.  */
#define SAMPLE_TICKS 6000.0

/* The vector registers that code without AVX knows, and as many bytes of each.  */
enum { OLD_REGISTERS = 16, OLD_BYTES = 16 };

/* What takes less is small, whatever it was made for.  */
#define SMALL_TICKS 60.0

/* Large inputs that take the original less than so many times what medium ones take are no class of their own:
   the function doesn't depend on a size.  */
#define LARGE_FACTOR 2.0

/* Numbers between the classes: from 2^6 to 2^13, as many to each factor.  */
#define BETWEEN_LOW 6.0
#define BETWEEN_SPAN 7.0

/* A state that may be timed, and the original's time on it.  */
struct pooled
{
  const struct test *test;
  double ticks;
};

static int
by_ticks (const void *a, const void *b)
{
  double x = ((const struct pooled *) a)->ticks, y = ((const struct pooled *) b)->ticks;
  return (x > y) - (x < y);
}

/* The time that the original, image 0 of SANDBOX, takes on TEST, in ticks; below 0 where it can't be timed.  (What its one run
   for the verifier took says little: memory and code were in no cache.)  Of a short lone call the counter shows a few steps and no
   more, so several are timed together, where callees don't tell one from the other.  */
static double
original_ticks (struct sandbox *sandbox, const struct test *test)
{
  struct why ignored;
  double ticks[BLOCK];
  struct timing timing = { .inner = 1, .repeats = BLOCK };
  if (sandbox__time (sandbox, 0, test->state, &timing, ticks, &ignored))
    return -1;
  double alone = statistics__median (ticks, BLOCK);
  timing.inner = INNER_SHORT;
  if (alone > SHORT_TICKS || test->expected->n_events || sandbox__time (sandbox, 0, test->state, &timing, ticks, &ignored))
    return alone;
  return statistics__median (ticks, BLOCK);
}

/* TEST, in ARENA, with nothing in vector and mask registers beyond what code without AVX knows, as callers leave them: with dirty ones code without AVX has
   dependencies that it has in no program, and any AVX code seems faster.  Registers that carry arguments are as they were.  */
static const struct test *
with_clean_uppers (struct arena *arena, const struct region *region, const struct test *test)
{
  struct test *clean = arena__memdup (arena, test, sizeof *test);
  clean->state = arena__memdup (arena, test->state, sizeof *test->state);
  struct machine_state *machine = &clean->state->machine;
  for (unsigned i = 0; i < sizeof machine->vec / sizeof *machine->vec; i++)
    if (!region__is_argument (region, LOCATION_VEC, i))
      {
        unsigned from = i < OLD_REGISTERS ? OLD_BYTES : 0;
        memset (machine->vec[i] + from, 0, sizeof machine->vec[i] - from);
      }
  memset (machine->mask, 0, sizeof machine->mask);
  return clean;
}

/* Adds TEST to SET as one of SIZE; chooses the batch.  What the function's callees answer depends on how many calls
   there were: with those it is one call at a time.  */
static void
set__add (struct measure_set *set, struct sandbox *sandbox, const struct test *test,
          enum size_class size)
{
  if (set->n == TIMED_MAX)
    return;
  test = with_clean_uppers (set->arena, set->region, test__whole (set->arena, set->region, sandbox, test));
  double ticks = original_ticks (sandbox, test);
  if (ticks < 0)
    return;
  struct timed *timed = &set->timed[set->n++];
  memset (timed, 0, sizeof *timed);
  timed->state = test->state;
  timed->expected = test->expected;
  timed->size = size;
  timed->ticks = ticks;
  if (timed->ticks < SMALL_TICKS)
    timed->size = SIZE_SMALL;
  double inner = test->expected->n_events == 0 ? ceil (SAMPLE_TICKS / fmax (timed->ticks, 5)) : 1;
  timed->inner = (unsigned) fmin (fmax (inner, 1), INNER_MOST);
  timed__take_turns (set, timed, sandbox);
}

/* Does a pointer parameter of STATE lead to no memory at all, as the original touches nothing there?  Programs' arrays are
   there, and loads under an empty mask are slow on nothing.  */
static bool
leads_to_nothing (const struct region *region, const struct state *state)
{
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      if (type && type->kind == TYPE_POINTER && gpr >= 0 && state__span_of (state, state->machine.gpr[gpr]) < 0)
        return true;
    }
  return false;
}

/* Is TEST one to time?  */
static bool
ends_well (const struct test *test)
{
  return test->expected->status == RUN_RETURNED && test->expected->n_events_lost == 0;
}

/* Makes POOL_MADE tests of KIND, at most, with contents of the program's: how fast a branch is depends on them.  Their number, or -1 and
   *WHY.  */
static int
recalled (struct measure_set *set, struct states *states, enum state_kind kind, struct test *tests, struct why *why)
{
  struct plan plan[POOL_MADE];
  for (unsigned i = 0; i < POOL_MADE; i++)
    {
      plan__clear (&plan[i]);
      plan[i].recall = RECALL_RECORDED;
    }
  return states__plan (states, kind, plan, POOL_MADE, set->arena, tests, NULL, why);
}

/* States of KIND on which the original, image 0 of SANDBOX, returns, by the time it takes; their number.  Those with memory behind all
   pointers, where there are any.  */
static unsigned
set__pool (struct measure_set *set, struct sandbox *sandbox, struct states *states, enum state_kind kind,
           const struct test *order[POOL], struct why *why)
{
  const struct test *tests = set->given;
  struct pooled pooled[POOL];
  unsigned n = set->n_given, returned = 0;
  if (!tests)
    {
      struct test *own = ARENA_ARRAY (set->arena, struct test, POOL);
      int made = kind == STATE_RECORDED ? states__make (states, kind, set->arena, own, POOL, why)
                 : set->recorded        ? recalled (set, states, kind, own, why)
                                        : states__make (states, kind, set->arena, own, POOL_MADE, why);
      n = made > 0 ? (unsigned) made : 0;
      tests = own;
    }
  for (unsigned any = 0; any < 2 && returned == 0; any++)
    for (unsigned i = 0; i < n && returned < POOL; i++)
      if (tests[i].kind == kind && ends_well (&tests[i])
          && (any || !leads_to_nothing (set->region, tests[i].state)))
        {
          pooled[returned] = (struct pooled){ &tests[i], original_ticks (sandbox, &tests[i]) };
          returned += pooled[returned].ticks >= 0;
        }
  qsort (pooled, returned, sizeof *pooled, by_ticks);
  for (unsigned i = 0; i < returned; i++)
    order[i] = pooled[i].test;
  return returned;
}

/* WANT states of SIZE, evenly from ORDER[LOW] to ORDER[HIGH].  Each stands for those that were passed over before it, too.  */
static void
set__spread (struct measure_set *set, struct sandbox *sandbox, const struct test *const *order,
             unsigned low, unsigned high, unsigned want, enum size_class size)
{
  unsigned next = low;
  for (unsigned i = 1; i <= want && next < high; i++)
    {
      unsigned at = low + i * (high - low) / want - 1, before = set->n;
      if (at < next || at >= high)
        continue;
      set__add (set, sandbox, order[at], size);
      if (set->n > before)
        set->timed[before].stands_for = at + 1 - next;
      next = at + 1;
    }
}

/* The median time that the original takes on states of SIZE.  */
static double
set__ticks (const struct measure_set *set, enum size_class size)
{
  double ticks[TIMED_MAX];
  unsigned n = 0;
  for (unsigned i = 0; i < set->n; i++)
    if (set->timed[i].size == size)
      ticks[n++] = set->timed[i].ticks;
  return n ? statistics__median (ticks, n) : 0;
}

/* States with sizes that are in no class, as what is fast at the sizes of each may still be slow between them: one integer
   parameter at a time, which is a size or may be one, is a number of its own magnitude.  */
static void
set__between (struct measure_set *set, struct sandbox *sandbox, struct states *states)
{
  const struct region *region = set->region;
  struct plan plan[BETWEEN_STATES];
  unsigned integer[PLAN_PARAMETERS], n_integers = 0;
  uint32_t sizes = states__size_parameters (states);
  struct why ignored;
  for (unsigned p = 0; p < region->n_parameters && p < PLAN_PARAMETERS; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      if (type && type->kind == TYPE_INTEGER && type->size >= 4 && type->size <= 8 && (!sizes || (sizes >> p & 1)))
        integer[n_integers++] = p;
    }
  if (!n_integers || set->given)
    return;
  uint64_t random = set->seed;
  for (unsigned i = 0; i < BETWEEN_STATES; i++)
    {
      unsigned p = integer[i % n_integers];
      random = mix64 (random + i);
      double within = (double) (random >> 11) / (double) (UINT64_C (1) << 53);
      plan__fix (&plan[i], p, (uint64_t) exp2 (BETWEEN_LOW + BETWEEN_SPAN * (i + within) / BETWEEN_STATES));
      plan[i].recall = set->recorded ? RECALL_RECORDED : 0;
    }
  struct test *test = ARENA_ARRAY (set->arena, struct test, BETWEEN_STATES);
  int made = states__plan (states, STATE_TYPICAL, plan, BETWEEN_STATES, set->arena, test, NULL, &ignored);
  for (int i = 0; i < made; i++)
    if (ends_well (&test[i]) && !leads_to_nothing (region, test[i].state))
      {
        unsigned before = set->n;
        set__add (set, sandbox, &test[i], SIZE_BETWEEN);
        if (set->n > before && set->timed[before].size == SIZE_SMALL)
          set->n = before;
      }
}

/* Chooses the states: of each class those that do the work, and of the boundary ones the smallest.  */
static void
set__choose (struct measure_set *set, struct sandbox *sandbox, struct states *states,
             struct why *why)
{
  const struct test *order[POOL];
  for (unsigned i = 0; i < set->region->n_loops; i++)
    set->profiled |= set->region->loop[i].trips >= 1;
  unsigned n = set__pool (set, sandbox, states, STATE_RECORDED, order, why);
  if (n)
    {
      set->others = order;
      set->n_others = n;
      /* What the program really does: from all of it, not from the slower half.  */
      set__spread (set, sandbox, order, 0, n, CLASS_STATES, SIZE_PROFILE);
      /* Small calls count as well where they can be batched: they are what the user waits for.  */
      for (unsigned i = 0; i < set->n; i++)
        {
          if (set->timed[i].inner > 1)
            set->timed[i].size = SIZE_PROFILE;
          set->recorded |= set->timed[i].size == SIZE_PROFILE;
        }
      set->n_others = 0;
    }
  if (!set->recorded && set->profiled && (n = set__pool (set, sandbox, states, STATE_PROFILE, order, why)))
    set__spread (set, sandbox, order, n / 2, n, 4, SIZE_PROFILE);
  if ((n = set__pool (set, sandbox, states, STATE_TYPICAL, order, why)))
    set__spread (set, sandbox, order, n / 2, n, 4, SIZE_MEDIUM);
  double medium = set__ticks (set, SIZE_MEDIUM);
  if ((n = set__pool (set, sandbox, states, STATE_LARGE, order, why)))
    {
      unsigned before = set->n;
      set__spread (set, sandbox, order, n / 4, n / 2, 2, SIZE_LARGE);
      set__spread (set, sandbox, order, 3 * n / 4, n, 2, SIZE_HUGE);
      if (medium > 0 && set__ticks (set, SIZE_HUGE) < LARGE_FACTOR * medium)
        for (unsigned i = before; i < set->n; i++)
          set->timed[i].size = SIZE_MEDIUM;
    }
  if (medium > 0)
    set__between (set, sandbox, states);
  if (set->n == 0 && (n = set__pool (set, sandbox, states, STATE_PROFILE, order, why)))
    set__spread (set, sandbox, order, n / 2, n, 4, SIZE_MEDIUM);
  struct why ignored;
  bool any = set->n > 0;
  n = set__pool (set, sandbox, states, STATE_BOUNDARY, order, any ? &ignored : why);
  if (any)
    {
      unsigned before = set->n;
      double floor = INFINITY;
      for (unsigned i = 0; i < before; i++)
        floor = fmin (floor, set->timed[i].ticks);
      set__spread (set, sandbox, order, 0, n / 2, 3, SIZE_SMALL);
      unsigned kept = before;
      for (unsigned i = before; i < set->n; i++)
        if (set->timed[i].ticks < 0.8 * floor)
          set->timed[kept++] = set->timed[i];
      set->n = kept;
    }
  else if (n)
    set__spread (set, sandbox, order, n / 2, n, 4, SIZE_MEDIUM);
}

int
measure_set__new (const struct region *region, const struct image *const *originals, unsigned n,
                  struct states *states, const struct test *given, unsigned n_given,
                  struct measure_set **result, struct why *why)
{
  struct sandbox *sandbox;
  const struct image *images[] = { originals[0] };
  if (sandbox__open (region, images, 1, NULL, &sandbox, why))
    return -1;
  struct arena *arena = arena__new ();
  struct measure_set *set = calloc (1, sizeof *set);
  if (!set)
    abort ();
  *set = (struct measure_set){ .region = region, .n_originals = n, .arena = arena, .given = given, .n_given = n_given, .states = states };
  memcpy (set->original, originals, n * sizeof *originals);
  why__set (why, REASON_NO_INPUTS, "no state to measure on");
  uint64_t usual = 0;
  if (!given)
    {
      /* For so few bytes it can't fail.  */
      if (getrandom (&set->seed, sizeof set->seed, 0) != sizeof set->seed)
        abort ();
      usual = states__reseed (states, set->seed);
    }
  set__choose (set, sandbox, states, why);
  if (!given)
    states__reseed (states, usual);
  set->states = NULL;
  sandbox__close (sandbox);
  if (set->n == 0)
    {
      measure_set__free (set);
      return -1;
    }
  memset (why, 0, sizeof *why);
  *result = set;
  return 0;
}

void
measure_set__free (struct measure_set *set)
{
  if (!set)
    return;
  arena__free (set->arena);
  free (set);
}
