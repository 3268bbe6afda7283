/* Is a verified candidate faster, on states like the user's?

   Both versions are in one process, on the same states, in turns (A B B A), so that whatever slows the
   machine slows both.  Each pair of neighbouring blocks gives one ratio; the interval is
   bootstrapped over all of them.  Batching several calls in one sample needs a function that does the same
   again on the memory it left behind; others run once a sample, with memory restored.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUDGET_SECONDS 1.0
#define CONFIDENCE 0.95
#define RESAMPLES 1000

/* How many states of each sort are timed, and out of how many they are chosen.  */
#define TYPICAL_STATES 6
#define SMALL_STATES 3
#define POOL 24

/* A block is so many samples of one version; its median is one member of a pair.  */
#define BLOCK 5
#define PAIRS_LEAST 12
#define PAIRS_MOST 60
#define INNER_MOST 1024
/* Length of a sample in time-stamp ticks, about 2 microseconds: long against the counter's own noise.  */
#define SAMPLE_TICKS 6000.0

/* A loss on small inputs of fewer ticks than this (about 4 ns) is within what a different
   placement of the same code costs.  */
#define SMALL_LOSS_TICKS 10.0

#define CHECK_TIMEOUT_MS 2000

struct timed
{
  const struct state *state;
  bool small;
  unsigned inner;
  double ticks;            /* of the original, at calibration */
  unsigned n_pairs;
  double original[PAIRS_MOST], candidate[PAIRS_MOST];
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
  struct state *second = arena__memdup (arena, state, sizeof *state);
  for (unsigned s = 0; s < state->n_spans; s++)
    if (first->span_bytes[s])
      second->span[s].bytes = first->span_bytes[s];
  struct outcome *again = run_once (sandbox, 0, second, arena, &why);
  return again && first->n_events == 0 && same_outcome (region, state, first, again);
}

/* Keeps TEST where both versions run it alike; chooses the batch.  */
static bool
admit (const struct region *region, struct sandbox *sandbox, const struct state *state, bool small,
       struct arena *arena, struct timed *timed)
{
  struct why why;
  struct outcome *a = run_once (sandbox, 0, state, arena, &why);
  struct outcome *b = a ? run_once (sandbox, 1, state, arena, &why) : NULL;
  if (!a || !b || !same_outcome (region, state, a, b))
    return false;
  bool repeatable = is_repeatable (region, sandbox, state, a, arena);
  double ticks[BLOCK];
  if (sandbox__time (sandbox, 0, state, 1, BLOCK, ticks, &why))
    return false;
  memset (timed, 0, sizeof *timed);
  timed->state = state;
  timed->small = small;
  timed->ticks = statistics__median (ticks, BLOCK);
  double inner = repeatable ? ceil (SAMPLE_TICKS / fmax (timed->ticks, 5)) : 1;
  timed->inner = (unsigned) fmin (fmax (inner, 1), INNER_MOST);
  return true;
}

static int
by_ticks (const void *a, const void *b)
{
  double x = (*(const struct test *const *) a)->expected->ticks;
  double y = (*(const struct test *const *) b)->expected->ticks;
  return (x > y) - (x < y);
}

/* Fills TIMED with at most ROOM states: typical ones spread over what the profile or the generator
   gives, then the smallest of the boundary ones.  */
static unsigned
choose (const struct region *region, struct sandbox *sandbox, struct states *states,
        struct arena *arena, struct timed *timed, unsigned room, struct why *why)
{
  static const enum state_kind typical[] = { STATE_PROFILE, STATE_TYPICAL, STATE_LARGE, STATE_BOUNDARY };
  unsigned n = 0, wanted = TYPICAL_STATES < room ? TYPICAL_STATES : room;
  for (unsigned k = 0; k < sizeof typical / sizeof *typical && n < wanted; k++)
    {
      /* The profile's sizes speak for the user: nothing else is mixed in where there are any.  */
      if (n > 0 && typical[k] != STATE_TYPICAL)
        break;
      if (n >= wanted / 2)
        break;
      struct test *tests = ARENA_ARRAY (arena, struct test, POOL);
      int made = states__make (states, typical[k], arena, tests, POOL, why);
      const struct test *order[POOL];
      unsigned returned = 0;
      for (int i = 0; i < made; i++)
        if (tests[i].expected->status == RUN_RETURNED)
          order[returned++] = &tests[i];
      qsort (order, returned, sizeof *order, by_ticks);
      /* The upper half by time, evenly: sizes that do the work.  */
      unsigned want = wanted - n;
      for (unsigned i = 0; i < want && i < returned; i++)
        {
          unsigned at = returned <= want ? i : returned / 2 + i * (returned - returned / 2) / want;
          if (admit (region, sandbox, order[at]->state, false, arena, &timed[n]))
            n++;
        }
    }
  if (n == 0)
    return 0;
  double floor = timed[0].ticks;
  for (unsigned i = 1; i < n; i++)
    floor = fmin (floor, timed[i].ticks);
  struct test *tests = ARENA_ARRAY (arena, struct test, POOL);
  struct why ignored;
  int made = states__make (states, STATE_BOUNDARY, arena, tests, POOL, &ignored);
  const struct test *order[POOL];
  unsigned returned = 0, small = 0;
  for (int i = 0; i < made; i++)
    if (tests[i].expected->status == RUN_RETURNED)
      order[returned++] = &tests[i];
  qsort (order, returned, sizeof *order, by_ticks);
  for (unsigned i = 0; i < returned / 2 && small < SMALL_STATES && n < room; i++)
    if (admit (region, sandbox, order[i * returned / 2 / SMALL_STATES % returned]->state, true, arena, &timed[n])
        && timed[n].ticks < 0.8 * floor)
      {
        n++;
        small++;
      }
  return n;
}

static int
time_block (struct sandbox *sandbox, unsigned image, const struct timed *timed, double *median,
            struct why *why)
{
  double ticks[BLOCK];
  if (sandbox__time (sandbox, image, timed->state, timed->inner, BLOCK, ticks, why))
    return -1;
  *median = statistics__median (ticks, BLOCK);
  return 0;
}

/* Two pairs, A B B A.  */
static int
time_pairs (struct sandbox *sandbox, struct timed *timed, struct why *why)
{
  unsigned n = timed->n_pairs;
  if (time_block (sandbox, 0, timed, &timed->original[n], why)
      || time_block (sandbox, 1, timed, &timed->candidate[n], why)
      || time_block (sandbox, 1, timed, &timed->candidate[n + 1], why)
      || time_block (sandbox, 0, timed, &timed->original[n + 1], why))
    return -1;
  timed->n_pairs += 2;
  return 0;
}

/* Ratio over all pairs of the typical, or the small, states; the mean difference in ticks in *LOSS.  */
static struct interval
ratio (const struct timed *timed, unsigned n, bool small, uint64_t seed, double *original_ticks,
       double *candidate_ticks, unsigned *n_pairs)
{
  double *a = malloc (sizeof *a * (n * PAIRS_MOST + 1));
  double *b = malloc (sizeof *b * (n * PAIRS_MOST + 1));
  unsigned count = 0;
  struct interval interval = { 0, 0, 0 };
  for (unsigned i = 0; a && b && i < n; i++)
    if (timed[i].small == small)
      for (unsigned p = 0; p < timed[i].n_pairs; p++)
        {
          /* Nothing is faster than a tick: the empty call's cost was taken off.  */
          a[count] = fmax (timed[i].original[p], 1);
          b[count++] = fmax (timed[i].candidate[p], 1);
        }
  if (count > 0)
    {
      interval = statistics__ratio (a, b, count, CONFIDENCE, RESAMPLES, seed);
      *original_ticks = statistics__median (a, count);
      *candidate_ticks = statistics__median (b, count);
    }
  *n_pairs = count;
  free (a);
  free (b);
  return interval;
}

static void
write_json (struct measurement *m, double margin)
{
  cJSON *json = cJSON_CreateObject ();
  const struct interval *intervals[] = { &m->ratio, &m->small };
  static const char *const names[] = { "ratio", "small" };
  for (unsigned i = 0; i < 2; i++)
    if (intervals[i]->estimate > 0)
      {
        cJSON *each = cJSON_AddObjectToObject (json, names[i]);
        cJSON_AddNumberToObject (each, "estimate", intervals[i]->estimate);
        cJSON_AddNumberToObject (each, "low", intervals[i]->low);
        cJSON_AddNumberToObject (each, "high", intervals[i]->high);
      }
  cJSON_AddNumberToObject (json, "confidence", CONFIDENCE);
  cJSON_AddNumberToObject (json, "margin", margin);
  cJSON_AddNumberToObject (json, "original_ticks", m->original_ticks);
  cJSON_AddNumberToObject (json, "candidate_ticks", m->candidate_ticks);
  cJSON_AddNumberToObject (json, "states", m->n_states);
  cJSON_AddNumberToObject (json, "pairs", m->n_pairs);
  cJSON_AddStringToObject (json, "rung", m->rung);
  cJSON_AddBoolToObject (json, "accepted", m->accepted);
  if (!cJSON_PrintPreallocated (json, m->json, sizeof m->json, false))
    strcpy (m->json, "{}");
  cJSON_Delete (json);
}

static void
decide (struct measurement *m, double margin, double small_original, double small_candidate)
{
  if (!(m->ratio.estimate > 0))
    why__set (&m->why, REASON_NOISE, "no sample was long enough to compare");
  else if (!(m->ratio.low > 1 + margin))
    why__set (&m->why, m->ratio.estimate > 1 + margin ? REASON_NOISE : REASON_NOT_FASTER,
              "%.3f times as fast, interval %.3f to %.3f, margin %.0f %%", m->ratio.estimate, m->ratio.low,
              m->ratio.high, 100 * margin);
  else if (m->small.estimate > 0 && m->small.estimate < 1 - margin
           && small_candidate - small_original > SMALL_LOSS_TICKS)
    why__set (&m->why, REASON_SLOWER_SMALL, "%.3f times as fast on small inputs, interval %.3f to %.3f, %.0f ticks lost",
              m->small.estimate, m->small.low, m->small.high, small_candidate - small_original);
  else
    m->accepted = true;
}

int
measure__pair (const struct region *region, const struct image *original,
               const struct image *candidate, struct states *states,
               const struct measure_options *options, struct measurement *m, struct why *why)
{
  double budget = options && options->budget_seconds > 0 ? options->budget_seconds : BUDGET_SECONDS;
  double margin = options && options->margin > 0 ? options->margin : MEASURE_MARGIN;
  uint64_t seed = options && options->seed ? options->seed : 1;
  double until = now () + budget;
  const struct image *images[] = { original, candidate };
  struct sandbox *sandbox;
  memset (m, 0, sizeof *m);
  m->rung = "time-stamp counter";
  if (sandbox__open (region, images, 2, NULL, &sandbox, why))
    return -1;
  struct arena *arena = arena__new ();
  struct timed *timed = ARENA_ARRAY (arena, struct timed, TYPICAL_STATES + SMALL_STATES);
  why__set (why, REASON_NO_INPUTS, "no state to measure on");
  unsigned n = choose (region, sandbox, states, arena, timed, TYPICAL_STATES + SMALL_STATES, why);
  int result = n > 0 ? 0 : -1;
  /* One round over all states at a time: a change in the machine's mood hits all of them.  */
  for (unsigned round = 0; result == 0 && round < PAIRS_MOST / 2; round++)
    {
      if (round >= PAIRS_LEAST / 2 && now () > until)
        break;
      for (unsigned i = 0; i < n && result == 0; i++)
        result = time_pairs (sandbox, &timed[i], why);
    }
  if (result == 0)
    {
      unsigned small_pairs;
      double small_original = 0, small_candidate = 0;
      m->n_states = n;
      m->ratio = ratio (timed, n, false, seed, &m->original_ticks, &m->candidate_ticks, &m->n_pairs);
      m->small = ratio (timed, n, true, seed + 1, &small_original, &small_candidate, &small_pairs);
      m->n_pairs += small_pairs;
      decide (m, margin, small_original, small_candidate);
      write_json (m, margin);
      memset (why, 0, sizeof *why);
    }
  arena__free (arena);
  sandbox__close (sandbox);
  return result;
}
