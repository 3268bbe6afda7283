/* Is a verified candidate faster, on states like the user's?

   Both versions are in one process, on the same states, in turns (A B B A), so that whatever slows the
   machine slows both.  Each pair of neighbouring blocks gives one ratio; a state's interval is bootstrapped over
   its pairs, and states are summed up by size: what is faster on one size and slower on another is no win.  Batching several calls in one sample needs a function that does the same
   again on the memory it left behind; others run once a sample, with memory restored.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure.h"

#include "machine/runtime.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUDGET_SECONDS 1.0
#define CONFIDENCE 0.95
#define RESAMPLES 1000

/* How many states are timed in a class of sizes, and out of how many they are chosen.  */
enum { CLASS_STATES = 4, POOL = 24, POOL_MADE = 10, TIMED_MAX = SIZE_CLASSES * CLASS_STATES };

/* A block is so many samples of one version; its median is one member of a pair.  */
#define BLOCK 5
#define PAIRS_LEAST 12
#define PAIRS_LEAST_QUICK 4
#define PAIRS_MOST 60
#define INNER_MOST 1024
/* Length of a sample in time-stamp ticks, about 2 microseconds: long against the counter's own noise.  */
#define SAMPLE_TICKS 6000.0

/* A loss on small inputs of fewer ticks than this (about 4 ns) is within what a different
   placement of the same code costs.  */
#define SMALL_LOSS_TICKS 10.0
/* What takes less is small, whatever it was made for.  */
#define SMALL_TICKS 60.0
#define COUNTER_STEP_TICKS 26.0

/* No single state may become slower than this, whatever its class says.  */
#define STATE_LEAST 0.93

/* Large inputs that take the original less than so many times what medium ones take are no class of their own:
   the function doesn't depend on a size.  */
#define LARGE_FACTOR 2.0

#define CHECK_TIMEOUT_MS 2000

struct timed
{
  const struct state *state;
  const struct outcome *expected;
  enum size_class size;
  unsigned inner;
  double ticks;            /* of the original, at calibration */
  bool usable;             /* the candidate does the same on it */
  unsigned n_pairs;        /* at each placement */
  double original[PLACEMENTS_MAX][PAIRS_MOST], candidate[PLACEMENTS_MAX][PAIRS_MOST];
};

struct measure_set
{
  const struct region *region;
  unsigned n_originals;
  const struct image *original[PLACEMENTS_MAX];
  struct arena *arena;
  unsigned n_given;        /* tests made elsewhere */
  const struct test *given;
  bool profiled;           /* the sizes of SIZE_PROFILE are the user's */
  bool recorded;           /* … and its states calls of the user's own program */
  unsigned n;
  struct timed timed[TIMED_MAX];
};

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* Same results as far as timing needs: both were verified before, this guards against a mix-up of images.  */
static bool
same_outcome (const struct region *region, const struct state *state, const struct outcome *a,
              const struct outcome *b)
{
  if (a->status != RUN_RETURNED || b->status != RUN_RETURNED)
    return false;
  const struct value *result = &region->result;
  /* The lowest byte of a result is never padding.  */
  if (result->n_locations > 0 && result->location[0].kind == LOCATION_GPR
      && result->location[0].number < 16 && result->location[0].size > 0
      && ((a->machine.gpr[result->location[0].number] ^ b->machine.gpr[result->location[0].number]) & 0xff))
    return false;
  for (unsigned s = 0; s < state->n_spans; s++)
    if (a->span_bytes[s] && b->span_bytes[s]
        && memcmp (a->span_bytes[s], b->span_bytes[s], state->span[s].size) != 0)
      return false;
  return true;
}

/* Runs IMAGE once on STATE; the outcome's memory is copied into ARENA.  */
static struct outcome *
run_once (struct sandbox *sandbox, unsigned image, const struct state *state, struct arena *arena,
          struct why *why)
{
  struct outcome *outcome = ARENA_NEW (arena, struct outcome);
  if (sandbox__run (sandbox, image, &state, outcome, 1, CHECK_TIMEOUT_MS, why))
    return NULL;
  for (unsigned s = 0; s < outcome->n_spans && s < state->n_spans; s++)
    if (outcome->span_bytes[s])
      outcome->span_bytes[s] = arena__memdup (arena, outcome->span_bytes[s], state->span[s].size);
  return outcome;
}

/* Does the function do the same on the memory that its first run left?  Then calls can be batched.  */
static bool
is_repeatable (const struct region *region, struct sandbox *sandbox, const struct state *state,
               const struct outcome *first, struct arena *arena)
{
  struct why why;
  if (first->n_events > 0)
    return false;
  struct state *second = arena__memdup (arena, state, sizeof *state);
  for (unsigned s = 0; s < state->n_spans; s++)
    if (first->span_bytes[s])
      second->span[s].bytes = first->span_bytes[s];
  struct outcome *again = run_once (sandbox, 0, second, arena, &why);
  return again && same_outcome (region, state, first, again);
}

/* Adds TEST to SET as one of SIZE; chooses the batch.  */
static void
set__add (struct measure_set *set, struct sandbox *sandbox, const struct test *test,
          enum size_class size)
{
  struct why why;
  double ticks[BLOCK];
  if (set->n == TIMED_MAX || sandbox__time (sandbox, 0, test->state, &(struct timing) { .inner = 1, .repeats = BLOCK }, ticks, &why))
    return;
  bool repeatable = is_repeatable (set->region, sandbox, test->state, test->expected, set->arena);
  struct timed *timed = &set->timed[set->n++];
  memset (timed, 0, sizeof *timed);
  timed->state = test->state;
  timed->expected = test->expected;
  timed->size = size;
  timed->ticks = statistics__median (ticks, BLOCK);
  if (timed->ticks < SMALL_TICKS)
    timed->size = SIZE_SMALL;
  double inner = repeatable ? ceil (SAMPLE_TICKS / fmax (timed->ticks, 5)) : 1;
  timed->inner = (unsigned) fmin (fmax (inner, 1), INNER_MOST);
}

static int
by_ticks (const void *a, const void *b)
{
  double x = (*(const struct test *const *) a)->expected->ticks;
  double y = (*(const struct test *const *) b)->expected->ticks;
  return (x > y) - (x < y);
}

/* States of KIND on which the original returns, by the time it takes; their number.  */
static unsigned
set__pool (struct measure_set *set, struct states *states, enum state_kind kind,
           const struct test *order[POOL], struct why *why)
{
  const struct test *tests = set->given;
  unsigned n = set->n_given, returned = 0;
  if (!tests)
    {
      struct test *own = ARENA_ARRAY (set->arena, struct test, POOL_MADE);
      int made = states__make (states, kind, set->arena, own, POOL_MADE, why);
      n = made > 0 ? (unsigned) made : 0;
      tests = own;
    }
  for (unsigned i = 0; i < n && returned < POOL; i++)
    if (tests[i].kind == kind && tests[i].expected->status == RUN_RETURNED && tests[i].expected->n_events_lost == 0)
      order[returned++] = &tests[i];
  qsort (order, returned, sizeof *order, by_ticks);
  return returned;
}

/* WANT states of SIZE, evenly from ORDER[LOW] to ORDER[HIGH].  */
static void
set__spread (struct measure_set *set, struct sandbox *sandbox, const struct test *const *order,
             unsigned low, unsigned high, unsigned want, enum size_class size)
{
  unsigned last = UINT_MAX;
  for (unsigned i = 1; i <= want; i++)
    {
      unsigned at = low + i * (high - low) / want - (high > low);
      if (at < high && at != last)
        set__add (set, sandbox, order[at], size);
      last = at;
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

/* Chooses the states: of each class those that do the work, and of the boundary ones the smallest.  */
static void
set__choose (struct measure_set *set, struct sandbox *sandbox, struct states *states,
             struct why *why)
{
  const struct test *order[POOL];
  for (unsigned i = 0; i < set->region->n_loops; i++)
    set->profiled |= set->region->loop[i].trips >= 1;
  unsigned n = set__pool (set, states, STATE_RECORDED, order, why);
  if (n)
    {
      /* What the program really does: from all of it, not from the slower half.  */
      set__spread (set, sandbox, order, 0, n, CLASS_STATES, SIZE_PROFILE);
      /* Small calls count as well where they can be batched: they are what the user waits for.  */
      for (unsigned i = 0; i < set->n; i++)
        if (set->timed[i].inner > 1)
          set->timed[i].size = SIZE_PROFILE;
      set->recorded = set__ticks (set, SIZE_PROFILE) > 0;
    }
  if (!set->recorded && set->profiled && (n = set__pool (set, states, STATE_PROFILE, order, why)))
    set__spread (set, sandbox, order, n / 2, n, 4, SIZE_PROFILE);
  if ((n = set__pool (set, states, STATE_TYPICAL, order, why)))
    set__spread (set, sandbox, order, n / 2, n, 4, SIZE_MEDIUM);
  double medium = set__ticks (set, SIZE_MEDIUM);
  if ((n = set__pool (set, states, STATE_LARGE, order, why)))
    {
      unsigned before = set->n;
      set__spread (set, sandbox, order, n / 4, n / 2, 2, SIZE_LARGE);
      set__spread (set, sandbox, order, 3 * n / 4, n, 2, SIZE_HUGE);
      if (medium > 0 && set__ticks (set, SIZE_HUGE) < LARGE_FACTOR * medium)
        for (unsigned i = before; i < set->n; i++)
          set->timed[i].size = SIZE_MEDIUM;
    }
  if (set->n == 0 && (n = set__pool (set, states, STATE_PROFILE, order, why)))
    set__spread (set, sandbox, order, n / 2, n, 4, SIZE_MEDIUM);
  struct why ignored;
  bool any = set->n > 0;
  n = set__pool (set, states, STATE_BOUNDARY, order, any ? &ignored : why);
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
  *set = (struct measure_set){ .region = region, .n_originals = n, .arena = arena, .given = given, .n_given = n_given };
  memcpy (set->original, originals, n * sizeof *originals);
  why__set (why, REASON_NO_INPUTS, "no state to measure on");
  set__choose (set, sandbox, states, why);
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

static int
time_block (struct sandbox *sandbox, unsigned image, const struct timed *timed, double *median,
            struct why *why)
{
  double ticks[BLOCK];
  if (sandbox__time (sandbox, image, timed->state, &(struct timing) { .inner = timed->inner, .repeats = BLOCK }, ticks, why))
    return -1;
  *median = statistics__median (ticks, BLOCK);
  return 0;
}

/* Two pairs, A B B A, at placement P.  */
static int
time_pairs (struct sandbox *sandbox, struct timed *timed, unsigned p, struct why *why)
{
  unsigned n = timed->n_pairs;
  double *original = timed->original[p] + n, *candidate = timed->candidate[p] + n;
  if (time_block (sandbox, 0, timed, &original[0], why)
      || time_block (sandbox, 1, timed, &candidate[0], why)
      || time_block (sandbox, 1, timed, &candidate[1], why)
      || time_block (sandbox, 0, timed, &original[1], why))
    return -1;
  /* Nothing is faster than a tick: the empty call's cost was taken off.  */
  for (unsigned i = 0; i < 2; i++)
    {
      original[i] = fmax (original[i], 1);
      candidate[i] = fmax (candidate[i], 1);
    }
  return 0;
}

/* A weighted geometric mean that grows by one member at a time.  */
struct mean
{
  double weight, estimate, low, high;
};

static void
mean__add (struct mean *mean, const struct interval *interval, double weight)
{
  if (!(interval->estimate > 0))
    return;
  mean->weight += weight;
  mean->estimate += weight * log (interval->estimate);
  mean->low += weight * log (interval->low);
  mean->high += weight * log (interval->high);
}

static struct interval
mean__get (const struct mean *mean)
{
  if (!(mean->weight > 0))
    return (struct interval){ 0, 0, 0 };
  return (struct interval){ exp (mean->estimate / mean->weight), exp (mean->low / mean->weight),
                            exp (mean->high / mean->weight) };
}

static const char *const size_names[SIZE_CLASSES] = { "small", "medium", "large", "huge", "profile" };

static void
add_interval (cJSON *json, const char *name, const struct interval *interval)
{
  if (!(interval->estimate > 0))
    return;
  cJSON *each = cJSON_AddObjectToObject (json, name);
  cJSON_AddNumberToObject (each, "estimate", interval->estimate);
  cJSON_AddNumberToObject (each, "low", interval->low);
  cJSON_AddNumberToObject (each, "high", interval->high);
}

static void
write_json (struct measurement *m, double margin)
{
  cJSON *json = cJSON_CreateObject ();
  add_interval (json, "ratio", &m->ratio);
  for (unsigned c = 0; c < SIZE_CLASSES; c++)
    add_interval (json, size_names[c], &m->by_size[c]);
  cJSON_AddNumberToObject (json, "confidence", CONFIDENCE);
  cJSON_AddNumberToObject (json, "margin", margin);
  cJSON_AddNumberToObject (json, "original_ticks", m->original_ticks);
  cJSON_AddNumberToObject (json, "candidate_ticks", m->candidate_ticks);
  cJSON_AddNumberToObject (json, "states", m->n_states);
  cJSON_AddNumberToObject (json, "pairs", m->n_pairs);
  cJSON_AddStringToObject (json, "on", m->on);
  cJSON_AddStringToObject (json, "rung", m->rung);
  cJSON_AddBoolToObject (json, "accepted", m->accepted);
  if (!cJSON_PrintPreallocated (json, m->json, sizeof m->json, false))
    strcpy (m->json, "{}");
  cJSON_Delete (json);
}

/* Is M a win, and nowhere a loss?  WORST is the state that became slowest.  */
static void
decide (struct measurement *m, double margin, double small_loss, const struct interval *worst)
{
  if (!(m->ratio.estimate > 0))
    why__set (&m->why, REASON_NOISE, "no sample was long enough to compare");
  else if (!(m->ratio.low > 1 + margin))
    why__set (&m->why, m->ratio.estimate > 1 + margin ? REASON_NOISE : REASON_NOT_FASTER,
              "%.3f times as fast, interval %.3f to %.3f, margin %.0f %%", m->ratio.estimate, m->ratio.low,
              m->ratio.high, 100 * margin);
  else if (m->small.estimate > 0 && m->small.estimate < 1 - margin && small_loss > SMALL_LOSS_TICKS)
    why__set (&m->why, REASON_SLOWER_SMALL,
              "%.3f times as fast on small inputs, interval %.3f to %.3f, %.0f ticks lost; %.3f in all",
              m->small.estimate, m->small.low, m->small.high, small_loss, m->ratio.estimate);
  else
    {
      for (unsigned c = SIZE_SMALL + 1; c < SIZE_CLASSES; c++)
        if (m->by_size[c].estimate > 0 && m->by_size[c].estimate < 1 - margin)
          {
            why__set (&m->why, REASON_NOT_FASTER, "%.3f times as fast, but %.3f on %s inputs", m->ratio.estimate,
                      m->by_size[c].estimate, size_names[c]);
            return;
          }
      if (worst->estimate > 0 && worst->high < STATE_LEAST)
        why__set (&m->why, REASON_NOT_FASTER, "%.3f times as fast, but %.3f on one input", m->ratio.estimate,
                  worst->estimate);
      else
        m->accepted = true;
    }
}

/* Sums up what was timed.  */
static void
conclude (struct measure_set *set, unsigned placements, uint64_t seed, unsigned resamples,
          double margin, struct measurement *m)
{
  struct mean by_size[SIZE_CLASSES] = { 0 }, ratio = { 0 }, score = { 0 };
  struct interval worst = { 0, 0, 0 };
  double *all[2], small_loss = 0;
  unsigned count = 0;
  for (unsigned k = 0; k < 2; k++)
    {
      all[k] = calloc (TIMED_MAX * PLACEMENTS_MAX * PAIRS_MOST, sizeof *all[k]);
      if (!all[k])
        abort ();
    }
  for (unsigned i = 0; i < set->n; i++)
    {
      struct timed *timed = &set->timed[i];
      if (!timed->usable || !timed->n_pairs)
        continue;
      struct mean mean = { 0 };
      double loss = 0;
      for (unsigned p = 0; p < placements; p++)
        {
          const double *original = timed->original[p], *candidate = timed->candidate[p];
          struct interval one = statistics__ratio (original, candidate, timed->n_pairs, CONFIDENCE, resamples,
                                                   seed + i);
          mean__add (&mean, &one, 1);
          m->n_pairs += timed->n_pairs;
          loss += (statistics__median (candidate, timed->n_pairs)
                   - statistics__median (original, timed->n_pairs))
                  / placements;
          if (timed->size == SIZE_SMALL)
            continue;
          memcpy (all[0] + count, original, timed->n_pairs * sizeof *original);
          memcpy (all[1] + count, candidate, timed->n_pairs * sizeof *candidate);
          count += timed->n_pairs;
        }
      struct interval interval = mean__get (&mean);
      mean__add (&by_size[timed->size], &interval, 1);
      m->n_states++;
      /* Of a lone call the counter shows two or three steps.  */
      if (timed->inner == 1)
        loss -= COUNTER_STEP_TICKS;
      if (timed->size == SIZE_SMALL)
        small_loss = fmax (small_loss, loss);
      else if (loss > SMALL_LOSS_TICKS && (!(worst.estimate > 0) || interval.high < worst.high))
        worst = interval;
    }
  for (unsigned c = 0; c < SIZE_CLASSES; c++)
    {
      m->by_size[c] = mean__get (&by_size[c]);
      if (c != SIZE_SMALL && (c == SIZE_PROFILE || !(by_size[SIZE_PROFILE].weight > 0)))
        mean__add (&ratio, &m->by_size[c], 1);
      mean__add (&score, &m->by_size[c], c == SIZE_PROFILE ? 6 : c == SIZE_SMALL ? 0.5 : 1);
    }
  m->ratio = mean__get (&ratio);
  m->score = mean__get (&score).estimate;
  m->small = m->by_size[SIZE_SMALL];
  if (count)
    {
      m->original_ticks = statistics__median (all[0], count);
      m->candidate_ticks = statistics__median (all[1], count);
    }
  decide (m, margin, small_loss, &worst);
  m->on = !(by_size[SIZE_PROFILE].weight > 0) ? "generated states"
          : set->recorded                    ? "recorded states"
                                             : "sizes from the profile's trip counts";
  write_json (m, margin);
  free (all[0]);
  free (all[1]);
}

int
measure__with (struct measure_set *set, const struct image *const *candidates, unsigned n,
               const struct measure_options *options, struct measurement *m, struct why *why)
{
  double budget = options && options->budget_seconds > 0 ? options->budget_seconds : BUDGET_SECONDS;
  double margin = options && options->margin > 0 ? options->margin : MEASURE_MARGIN;
  uint64_t seed = options && options->seed ? options->seed : 1;
  bool quick = options && options->quick;
  unsigned least = quick ? PAIRS_LEAST_QUICK : PAIRS_LEAST;
  double until = now () + budget;
  struct sandbox *sandbox[PLACEMENTS_MAX];
  memset (m, 0, sizeof *m);
  m->rung = "time-stamp counter";
  if (n > set->n_originals)
    n = set->n_originals;
  unsigned usable = 0, opened = 0;
  int result = 0;
  for (; opened < n && result == 0; opened += result == 0)
    {
      const struct image *images[] = { set->original[opened], candidates[opened] };
      result = sandbox__open (set->region, images, 2, NULL, &sandbox[opened], why);
    }
  for (unsigned i = 0; i < set->n && result == 0; i++)
    {
      struct timed *timed = &set->timed[i];
      struct outcome outcome = { 0 };
      timed->n_pairs = 0;
      result = sandbox__run (sandbox[0], 1, &timed->state, &outcome, 1, CHECK_TIMEOUT_MS, why);
      timed->usable = result == 0 && same_outcome (set->region, timed->state, timed->expected, &outcome);
      usable += timed->usable;
    }
  if (result == 0 && !usable)
    result = why__set (why, REASON_NO_INPUTS, "no state to measure on");
  /* One round over all states at a time: a change in the machine's mood hits all of them.  */
  for (unsigned round = 0; result == 0 && round < PAIRS_MOST / 2; round++)
    {
      if (round >= least / 2 && now () > until)
        break;
      for (unsigned i = 0; i < set->n && result == 0; i++)
        {
          if (!set->timed[i].usable)
            continue;
          for (unsigned p = 0; p < n && result == 0; p++)
            result = time_pairs (sandbox[p], &set->timed[i], p, why);
          set->timed[i].n_pairs += 2;
        }
    }
  if (result == 0)
    {
      conclude (set, n, seed, quick ? RESAMPLES / 10 : RESAMPLES, margin, m);
      memset (why, 0, sizeof *why);
    }
  for (unsigned p = 0; p < opened; p++)
    sandbox__close (sandbox[p]);
  return result;
}

int
measure__pair (const struct region *region, const struct image *original,
               const struct image *candidate, struct states *states,
               const struct measure_options *options, struct measurement *m, struct why *why)
{
  struct measure_set *set;
  memset (m, 0, sizeof *m);
  if (measure_set__new (region, &original, 1, states, NULL, 0, &set, why))
    return -1;
  int result = measure__with (set, &candidate, 1, options, m, why);
  measure_set__free (set);
  return result;
}

/* A long nop of 8 bytes: nopl 0(%rax,%rax), with a displacement that takes four.  */
static void
make_nop (struct item *item)
{
  *item = (struct item){ .kind = ITEM_INSN, .insn = { .mnemonic = "nopl", .n_operands = 1 } };
  item->insn.operand[0] = (struct operand){
    .kind = OPERAND_MEMORY, .base = "rax", .index = "rax", .scale = 1, .expr = { .add = 512 }
  };
}

int
measure__place (struct arena *arena, const struct region *region, const struct layout *layout,
                const struct code *code, unsigned index, unsigned n, struct image *image[],
                struct why *why)
{
  for (unsigned p = 0; p < n; p++)
    {
      struct code *shifted = arena__memdup (arena, code, sizeof *code);
      unsigned nops = 2 * p, own;
      shifted->arena = arena;
      shifted->item = ARENA_ARRAY (arena, struct item, code->n_items + nops);
      for (unsigned i = 0; i < nops; i++)
        make_nop (&shifted->item[i]);
      memcpy (shifted->item + nops, code->item, code->n_items * sizeof *code->item);
      shifted->n_items += nops;
      shifted->cold_from += nops;
      const struct code *extended;
      struct object *object;
      struct decoded *decoded;
      if (runtime__extend (arena, region, shifted, &extended, &own, why)
          || object__assemble (arena, extended, &object, why)
          || object__decode (arena, object, extended, &decoded, why)
          || image__link (arena, region, layout, object, decoded, index, &image[p], why))
        return -1;
    }
  return 0;
}
