/* Honest A/B of two programs.
   A block runs A B B A or B A A B, by coin, so that a drift of the machine's speed falls on both;
   each run gets an environment of another size, and each block another link where the caller has
   one to give.  Nothing is thrown away, and the figure that decides is chosen by a rule that
   doesn't look at who wins: task clock, unless a program waits for longer than it computes (time
   in which it could have run but other programs had the CPU left out) or runs on several cores,
   where wall clock decides.  Early ends are planned before the first run (looks.c); what the
   values say is in ab-compare.c.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/ab.h"
#include "bench/ab-compare.h"
#include "bench/ab-run.h"
#include "bench/counters.h"
#include "bench/looks.h"
#include "machine/mix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The metrics that need no counter.  */
static const struct
{
  const char *name, *slug, *key;
  enum rung rung;
} clock_table[AB_COUNTERS] = {
  [AB_TASK] = { "task clock", "task", "task_seconds", RUNG_TASK },
  [AB_WALL] = { "wall clock", "wall", "wall_seconds", RUNG_MONOTONIC },
};

_Static_assert ((int)AB_COUNTERS + (int)COUNTERS_MAX <= (int)AB_METRICS_MAX, "room for all counters");

int
ab__metric (const char *slug)
{
  for (int i = 0; i < AB_COUNTERS; i++)
    if (strcmp (slug, clock_table[i].slug) == 0)
      return i;
  for (int i = 0; i < COUNTERS_STANDARD; i++)
    if (strcmp (slug, counter_id__slug (i)) == 0)
      return AB_COUNTERS + i;
  return -1;
}

/* Makes room for PAIRS pairs, with COUNTERS.  */
static bool
allocate (struct ab *ab, const struct counters *counters, unsigned pairs)
{
  bool ready = (ab->order = calloc (pairs, sizeof *ab->order)) != NULL;
  ready &= (ab->layout = calloc (pairs, sizeof *ab->layout)) != NULL;
  for (unsigned side = 0; side < 2; side++)
    {
      ready &= (ab->undelayed[side] = calloc (pairs, sizeof (double))) != NULL;
      ready &= (ab->blocked[side] = calloc (pairs, sizeof (double))) != NULL;
      ready &= (ab->begin[side] = calloc (pairs, sizeof (double))) != NULL;
      ready &= (ab->environment[side] = calloc (pairs, sizeof (uint16_t))) != NULL;
    }
  ab->n_metrics = AB_COUNTERS + counters__n (counters);
  for (unsigned i = 0; i < ab->n_metrics; i++)
    {
      struct ab_metric *m = &ab->metric[i];
      bool clock = i < AB_COUNTERS;
      unsigned c = i - AB_COUNTERS;
      snprintf (m->name, sizeof m->name, "%s", clock ? clock_table[i].name : counters__name (counters, c));
      snprintf (m->key, sizeof m->key, "%s", clock ? clock_table[i].key : counters__key (counters, c));
      m->unit = clock ? AB_SECONDS : AB_COUNT;
      m->rung = clock ? clock_table[i].rung : RUNG_NONE;
      m->share = 1;
      for (unsigned side = 0; side < 2; side++)
        ready &= (m->value[side] = calloc (pairs, sizeof (double))) != NULL;
    }
  return ready;
}

/* What the counters' values stood on, in all runs so far.  */
static void
note_rungs (struct ab *ab, const struct counters *counters)
{
  for (unsigned i = AB_COUNTERS; i < ab->n_metrics; i++)
    {
      struct ab_metric *m = &ab->metric[i];
      m->rung = counters__rung (counters, i - AB_COUNTERS);
      m->share = counters__share (counters, i - AB_COUNTERS);
      snprintf (m->missing, sizeof m->missing, "%s", counters__why (counters, i - AB_COUNTERS));
    }
  memcpy (ab->no_counters, ab->metric[AB_CYCLES].missing, sizeof ab->no_counters);
}

/* An experiment while it runs.  */
struct experiment
{
  struct session session;
  const struct ab_options *options;
  struct ab *ab;
  struct looks looks;
  uint64_t random;
  unsigned done, total; /* runs */
  double begin;         /* of the first pair, session__now (); 0 before it */
};

static void
report_progress (struct experiment *e)
{
  e->done++;
  unsigned total = e->total;
  double spent = e->begin > 0 ? session__now () - e->begin : 0;
  if (e->options->seconds > 0 && spent > 0.01 * e->options->seconds)
    {
      double within = e->done / spent * e->options->seconds;
      total = within < total ? (unsigned)within : total;
    }
  if (e->options->progress)
    e->options->progress (e->options->context, e->done, total < e->done ? e->done : total);
}

/* Runs SIDE with an environment of random size, which goes to *ENVIRONMENT.  As session__run.  */
static int
run (struct experiment *e, unsigned side, uint16_t *environment, double *value)
{
  *environment = (uint16_t)(splitmix64 (&e->random) % (AB_ENVIRONMENT_MAX + 1));
  int result = session__run (&e->session, side, *environment, value);
  report_progress (e);
  return result;
}

/* New layouts of both sides.  0, or as session__run.  */
static int
relayout (struct experiment *e)
{
  const struct ab_options *options = e->options;
  for (unsigned side = 0; options->relayout && side < 2; side++)
    {
      uint64_t seed = splitmix64 (&e->random);
      if (options->relayout (options->layouts, side, seed, e->ab->error, sizeof e->ab->error) != 0)
        return options->stop && *options->stop ? 1 : -1;
    }
  return 0;
}

static int
warm_up (struct experiment *e)
{
  double value[AB_METRICS_MAX];
  uint16_t environment;
  int result = relayout (e);
  for (unsigned i = 0; result == 0 && i < 2 * e->options->warmup; i++)
    result = run (e, i & 1, &environment, value);
  /* Without warm-up A's output still comes first.  */
  if (result == 0 && !e->options->warmup && e->options->same_output)
    result = session__run (&e->session, 0, 0, value);
  return result;
}

/* The next block.  */
static int
run_block (struct experiment *e)
{
  struct ab *ab = e->ab;
  unsigned block = ab->n_pairs / 2;
  bool b_first = splitmix64 (&e->random) >> 63;
  int result = relayout (e);
  if (e->begin == 0)
    e->begin = session__now ();
  for (unsigned run_number = 0; result == 0 && run_number < 4; run_number++)
    {
      unsigned pair = 2 * block + run_number / 2;
      ab->order[pair] = b_first ^ (run_number / 2);
      ab->layout[pair] = e->options->relayout ? block : 0;
      unsigned side = (run_number & 1) ^ ab->order[pair];
      double value[AB_METRICS_MAX];
      result = run (e, side, &ab->environment[side][pair], value);
      if (result != 0)
        break;
      for (unsigned m = 0; m < ab->n_metrics; m++)
        ab->metric[m].value[side][pair] = value[m];
      ab->undelayed[side][pair] = value[AB_WALL] - e->session.delay;
      double blocked = ab->undelayed[side][pair] - e->session.own_delay - value[AB_TASK];
      ab->blocked[side][pair] = blocked > 0 ? blocked : 0;
      ab->begin[side][pair] = e->session.begin - e->begin;
    }
  if (result == 0)
    {
      ab->n_pairs += 2;
      ab->seconds = session__now () - e->begin;
    }
  return result;
}

/* Blocks until there is a reason to end, which goes to ab->end.  As session__run.  */
static int
run_blocks (struct experiment *e)
{
  struct ab *ab = e->ab;
  const struct ab_options *options = e->options;
  unsigned blocks = (options->pairs + 1) / 2;
  for (unsigned block = 1; block <= blocks; block++)
    {
      /* Not even begun where it would end too late.  */
      if (options->seconds > 0 && block > 1
          && ab->seconds + ab->seconds / (block - 1) > options->seconds)
        {
          ab->end = AB_TIMED_OUT;
          return 0;
        }
      int result = run_block (e);
      if (result != 0)
        return result;
      if (ab__look_early (ab, options, &e->looks))
        return 0;
    }
  return 0;
}

int
ab__run (char **const argv[2], const struct ab_options *options, struct ab *ab)
{
  memset (ab, 0, sizeof *ab);
  struct experiment e = { .options = options, .ab = ab, .random = options->seed };
  unsigned pairs = options->pairs + (options->pairs & 1);
  e.looks = looks__plan (pairs / 2, !options->no_early_stop);
  e.total = 2 * (pairs + options->warmup);
  int result = session__open (&e.session, argv, options, ab);
  if (result == 0 && !allocate (ab, e.session.counters, pairs))
    {
      snprintf (ab->error, sizeof ab->error, "no memory for %u pairs", pairs);
      result = -1;
    }
  if (result == 0)
    result = warm_up (&e);
  if (result == 0)
    result = run_blocks (&e);
  if (result == -1 && e.session.differs)
    session__blame (&e.session);
  if (result == 1)
    {
      ab->interrupted = true;
      ab->end = AB_INTERRUPTED;
      result = 0;
      if (!ab->n_pairs)
        {
          snprintf (ab->error, sizeof ab->error,
                    "interrupted before the first block of two pairs was complete");
          result = -1;
        }
    }
  if (e.session.counters)
    note_rungs (ab, e.session.counters);
  if (result == 0)
    {
      ab__finish (ab, options, &e.looks);
      const struct ab_metric *m = &ab->metric[ab->deciding];
      if (!m->measured)
        {
          snprintf (ab->error, sizeof ab->error, "%s can't be measured: %s", m->name, m->missing);
          result = -1;
        }
    }
  session__close (&e.session);
  return result;
}

void
ab__free (struct ab *ab)
{
  for (unsigned m = 0; m < ab->n_metrics; m++)
    for (unsigned side = 0; side < 2; side++)
      free (ab->metric[m].value[side]);
  for (unsigned side = 0; side < 2; side++)
    {
      free (ab->undelayed[side]);
      free (ab->blocked[side]);
      free (ab->begin[side]);
      free (ab->environment[side]);
    }
  free (ab->layout);
  free (ab->order);
  memset (ab, 0, sizeof *ab);
}
