/* Is a verified candidate faster, on states like the user's?

   Both versions are in one process, on the same states, in turns (A B B A), so that whatever slows the machine
   slows both.  Each pair of neighbouring blocks gives one ratio; a state's interval is bootstrapped over its pairs,
   and states are summed up by size: what is faster on one size and slower on another is no win.  Caches are warm; on
   large inputs both are timed with cold ones, too.  measure-set.c chooses the states, measure-time.c times.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure-set.h"


#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUDGET_SECONDS 1.0
#define CONFIDENCE 0.95
#define RESAMPLES 1000

#define PAIRS_LEAST 12
#define PAIRS_LEAST_QUICK 4

/* A loss on small inputs of fewer ticks than this (about 4 ns) is within what a different
   placement of the same code costs.  */
#define SMALL_LOSS_TICKS 10.0
#define COUNTER_STEP_TICKS 26.0

/* No single state may become slower than this, whatever its class says.  */
#define STATE_LEAST 0.93

/* With cold caches what takes less is how long the code is, and little else.  */
#define COLD_TICKS 3000.0

double
measure__now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
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

/* Time in all, of calls that each count as often as they are made.  */
struct total
{
  double original, estimate, low, high; /* the original's, and what the candidate takes instead: LOW and HIGH as of the ratio */
};

static void
total__add (struct total *total, const struct interval *interval, double ticks)
{
  if (!(interval->low > 0))
    return;
  total->original += ticks;
  total->estimate += ticks / interval->estimate;
  total->low += ticks / interval->low;
  total->high += ticks / interval->high;
}

/* How many times as fast it all is.  */
static struct interval
total__get (const struct total *total)
{
  if (!(total->original > 0))
    return (struct interval){ 0, 0, 0 };
  return (struct interval){ total->original / total->estimate, total->original / total->low, total->original / total->high };
}

static const char *const size_names[SIZE_CLASSES] = { "small", "medium", "large", "huge", "between", "profile" };

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
write_json (struct measurement *m, uint64_t seed, double margin)
{
  char hex[24];
  snprintf (hex, sizeof hex, "0x%016llx", (unsigned long long) seed);
  cJSON *json = cJSON_CreateObject ();
  add_interval (json, "ratio", &m->ratio);
  for (unsigned c = 0; c < SIZE_CLASSES; c++)
    add_interval (json, size_names[c], &m->by_size[c]);
  add_interval (json, "cold", &m->cold);
  cJSON_AddNumberToObject (json, "confidence", CONFIDENCE);
  cJSON_AddNumberToObject (json, "margin", margin);
  cJSON_AddNumberToObject (json, "original_ticks", m->original_ticks);
  cJSON_AddNumberToObject (json, "candidate_ticks", m->candidate_ticks);
  cJSON_AddNumberToObject (json, "states", m->n_states);
  cJSON_AddNumberToObject (json, "pairs", m->n_pairs);
  cJSON_AddStringToObject (json, "seed", hex);
  cJSON_AddStringToObject (json, "on", m->on);
  cJSON_AddStringToObject (json, "rung", m->rung);
  cJSON_AddBoolToObject (json, "accepted", m->accepted);
  if (!cJSON_PrintPreallocated (json, m->json, sizeof m->json, false))
    strcpy (m->json, "{}");
  cJSON_Delete (json);
}

/* The numbers that TIMED's call has, for people: "n = 351, x = 7"; into TEXT[SIZE].  */
static void
numbers_of (const struct region *region, const struct timed *timed, char *text, size_t size)
{
  size_t length = 0;
  text[0] = 0;
  for (unsigned p = 0; p < region->n_parameters && length < size; p++)
    {
      const struct value *value = &region->parameter[p];
      const struct type *type = region__type (region, value->type);
      int gpr = value__gpr (value);
      if (!type || type->kind != TYPE_INTEGER || !type->size || type->size > 8 || gpr < 0)
        continue;
      unsigned unused = 64 - 8 * (unsigned) type->size;
      uint64_t bits = timed->state->machine.gpr[gpr] << unused;
      int n = type->is_signed ? snprintf (text + length, size - length, "%s%.40s = %lld", length ? ", " : "",
                                          value->name ? value->name : "?", (long long) bits >> unused)
                              : snprintf (text + length, size - length, "%s%.40s = %llu", length ? ", " : "",
                                          value->name ? value->name : "?", (unsigned long long) bits >> unused);
      length += n > 0 ? (size_t) n : 0;
    }
}

/* Is M a win, and nowhere a loss?  WORST is how fast the state that became slowest is, and NUMBERS those of its call.  */
static void
decide (struct measurement *m, double margin, double small_loss, const struct interval *worst, const char *numbers)
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
        why__set (&m->why, REASON_NOT_FASTER, "%.3f times as fast, but %.3f on one input%s%s%s", m->ratio.estimate,
                  worst->estimate, *numbers ? " (" : "", numbers, *numbers ? ")" : "");
      else if (m->cold.estimate > 0 && m->cold.high < STATE_LEAST)
        why__set (&m->why, REASON_NOT_FASTER, "%.3f times as fast, but %.3f with cold caches", m->ratio.estimate,
                  m->cold.estimate);
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
  struct mean cold = { 0 };
  struct total recorded = { 0 };
  struct interval worst = { 0, 0, 0 };
  char numbers[160] = "";
  double *all[2], small_loss = 0;
  unsigned count = 0;
  bool all_small = true;
  for (unsigned i = 0; i < set->n; i++)
    all_small &= !set->timed[i].usable || !set->timed[i].n_pairs || set->timed[i].size == SIZE_SMALL;
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
      unsigned here = timed__placements (timed, placements);
      for (unsigned p = 0; p < here; p++)
        {
          const double *original = timed->original[p], *candidate = timed->candidate[p];
          struct interval one = statistics__ratio (original, candidate, timed->n_pairs, CONFIDENCE, resamples,
                                                   seed + i);
          mean__add (&mean, &one, 1);
          m->n_pairs += timed->n_pairs;
          loss += (statistics__median (candidate, timed->n_pairs)
                   - statistics__median (original, timed->n_pairs))
                  / here;
          if (timed->size == SIZE_SMALL && !all_small)
            continue;
          memcpy (all[0] + count, original, timed->n_pairs * sizeof *original);
          memcpy (all[1] + count, candidate, timed->n_pairs * sizeof *candidate);
          count += timed->n_pairs;
        }
      struct interval interval = mean__get (&mean);
      mean__add (&by_size[timed->size], &interval, 1);
      if (timed->size == SIZE_PROFILE && set->recorded)
        total__add (&recorded, &interval, fmax (timed->ticks, 1) * timed->stands_for);
      if (timed->n_cold)
        {
          struct interval one = statistics__ratio (timed->original_cold, timed->candidate_cold, timed->n_cold,
                                                   CONFIDENCE, resamples, seed + i);
          mean__add (&cold, &one, 1);
        }
      m->n_states++;
      /* Of a lone call the counter shows two or three steps.  */
      if (timed->inner == 1)
        loss -= COUNTER_STEP_TICKS;
      if (timed->size == SIZE_SMALL && !all_small)
        small_loss = fmax (small_loss, loss);
      else if (loss > SMALL_LOSS_TICKS && (!(worst.estimate > 0) || interval.high < worst.high))
        {
          worst = interval;
          numbers_of (set->region, timed, numbers, sizeof numbers);
        }
    }
  for (unsigned c = 0; c < SIZE_CLASSES; c++)
    {
      /* Of calls that the program makes its user waits for the sum.  */
      m->by_size[c] = c == SIZE_PROFILE && set->recorded ? total__get (&recorded) : mean__get (&by_size[c]);
      if (c != SIZE_SMALL && (c == SIZE_PROFILE || !(by_size[SIZE_PROFILE].weight > 0)))
        mean__add (&ratio, &m->by_size[c], 1);
      mean__add (&score, &m->by_size[c], c == SIZE_PROFILE ? 6 : c == SIZE_SMALL ? 0.5 : 1);
    }
  /* Where all that it does takes a moment, that is what counts.  */
  if (all_small && by_size[SIZE_SMALL].weight > 0)
    mean__add (&ratio, &m->by_size[SIZE_SMALL], 1);
  m->ratio = mean__get (&ratio);
  m->score = mean__get (&score).estimate;
  m->small = m->by_size[SIZE_SMALL];
  m->cold = mean__get (&cold);
  if (count)
    {
      m->original_ticks = statistics__median (all[0], count);
      m->candidate_ticks = statistics__median (all[1], count);
    }
  decide (m, margin, small_loss, &worst, numbers);
  m->on = !(by_size[SIZE_PROFILE].weight > 0) ? "generated states"
          : set->recorded                    ? "recorded states"
                                             : "sizes from the profile's trip counts";
  free (all[0]);
  free (all[1]);
}

/* How measuring is going: the candidate may be found out at any time.  */
struct run
{
  struct measure_set *set;
  struct sandbox *sandbox[PLACEMENTS_MAX];
  unsigned n;                 /* placements */
  double until;
};

/* All placements of RUN on all states, once, to see that the answers are right.  As timed__check.  */
static int
run__check (struct run *run, struct why *why)
{
  int result = 0;
  for (unsigned i = 0; i < run->set->n && result == 0; i++)
    {
      struct timed *timed = &run->set->timed[i];
      timed->n_pairs = timed->n_cold = 0;
      timed->usable = true;
      for (unsigned p = 0; p < run->n && result == 0 && timed->usable; p++)
        result = timed__check (run->set, timed, run->sandbox[p], p, why);
    }
  return result;
}

/* One round over all states at a time: a change in the machine's mood hits all of them.  */
static int
run__warm (struct run *run, unsigned least, struct why *why)
{
  int result = 0;
  for (unsigned round = 0; result == 0 && round < PAIRS_MOST / 2; round++)
    {
      if (round >= least / 2 && measure__now () > run->until)
        break;
      for (unsigned i = 0; i < run->set->n && result == 0; i++)
        {
          struct timed *timed = &run->set->timed[i];
          for (unsigned p = 0; p < timed__placements (timed, run->n) && result == 0 && timed->usable; p++)
            result = timed__pairs (timed, run->sandbox[p], p, why);
          timed->n_pairs += 2;
        }
    }
  return result;
}

static int
run__cold (struct run *run, struct why *why)
{
  int result = 0;
  for (unsigned round = 0; result == 0 && round < COLD_PAIRS / 2; round++)
    for (unsigned i = 0; i < run->set->n && result == 0; i++)
      {
        struct timed *timed = &run->set->timed[i];
        if (timed->usable && timed->ticks >= COLD_TICKS)
          result = timed__cold_pairs (timed, run->sandbox[0], why);
      }
  return result;
}

int
measure__with (struct measure_set *set, const struct image *const *candidates, unsigned n,
               const struct measure_options *options, struct measurement *m, struct why *why)
{
  double budget = options && options->budget_seconds > 0 ? options->budget_seconds : BUDGET_SECONDS;
  double margin = options && options->margin > 0 ? options->margin : MEASURE_MARGIN;
  uint64_t seed = options && options->seed ? options->seed : 1;
  bool quick = options && options->quick;
  const struct sandbox_options elsewhere = { .stack_elsewhere = true };
  struct run run = { .set = set, .until = measure__now () + budget };
  unsigned opened = 0, usable = 0;
  int result = 0;
  memset (m, 0, sizeof *m);
  m->rung = "time-stamp counter";
  m->on = "generated states";
  run.n = n < set->n_originals ? n : set->n_originals;
  for (; opened < run.n && result == 0; opened += result == 0)
    {
      const struct image *images[] = { set->original[opened], candidates[opened] };
      result = sandbox__open (set->region, images, 2, &elsewhere, &run.sandbox[opened], why);
    }
  if (result == 0)
    result = run__check (&run, why);
  if (result == 0)
    result = run__warm (&run, quick ? PAIRS_LEAST_QUICK : PAIRS_LEAST, why);
  if (result == 0 && !quick)
    result = run__cold (&run, why);
  for (unsigned i = 0; i < set->n; i++)
    usable += set->timed[i].usable;
  if (result == 0 && !usable)
    result = why__set (why, REASON_NO_INPUTS, "no state to measure on");
  if (result == 0)
    conclude (set, run.n, seed, quick ? RESAMPLES / 10 : RESAMPLES, margin, m);
  if (result > 0)
    m->why = *why;
  if (result >= 0)
    {
      write_json (m, set->seed, margin);
      memset (why, 0, sizeof *why);
      result = 0;
    }
  for (unsigned p = 0; p < opened; p++)
    sandbox__close (run.sandbox[p]);
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
