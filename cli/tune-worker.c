/* A worker of `aiopt tune`: a process of its own, so that nothing that happens to one function
   disturbs another.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/tune.h"

#include "cli/cli.h"

#include "cache/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LEASE_BUDGETS = 4, LEASE_SECONDS = 60 };

struct worker
{
  const struct tune_options *options;
  struct workshop *workshop;
  const volatile sig_atomic_t *stop;
  int pipe;
  struct cache *cache;
  struct tune_event event; /* what is being worked on */
};

static void
worker__send (struct worker *worker, enum tune_event_kind kind)
{
  worker->event.kind = kind;
  while (write (worker->pipe, &worker->event, sizeof worker->event) < 0 && errno == EINTR)
    ;
}

static void
text__copy (char *to, size_t size, const char *from)
{
  snprintf (to, size, "%s", from ? from : "");
}

static void
worker__progress (void *context, double fraction, double best)
{
  struct worker *worker = context;
  worker->event.fraction = fraction;
  worker->event.best = best;
  worker__send (worker, EVENT_PROGRESS);
}

/* Stores RESULT for REGION under KEY.  */
static int
worker__store (struct worker *worker, const struct region *region, const char *key,
               const struct tuner_result *result, struct why *why)
{
  bool rewrite = result->end == TUNER_REWRITE;
  struct entry entry = {
    .kind = rewrite ? ENTRY_REWRITE : ENTRY_NEGATIVE,
    .function = (char *) (region->source_name ? region->source_name : region->function),
    .file = (char *) (region->file ? region->file : ""),
    .line = region->line,
    .code = (char *) result->code,
    .verdict = (char *) result->verdict,
    .policy = (char *) (result->policy ? result->policy : worker->options->policy),
    .provenance = (char *) result->provenance,
    .evidence = (char *) result->evidence,
    .measurement = (char *) result->measurement,
    .ratio = result->ratio.estimate,
    .ratio_low = result->ratio.low,
    .ratio_high = result->ratio.high,
    .tried = result->tried,
    .seconds = result->seconds,
    .created = time (NULL),
  };
  char detail[sizeof result->why.detail + 64];
  memcpy (entry.key, key, sizeof entry.key);
  if (!rewrite)
    {
      entry.reason = (char *) reason__slug (result->why.reason);
      snprintf (detail, sizeof detail, "%s%s%u tried, budget %g s", result->why.detail,
                result->why.detail[0] ? "; " : "", result->tried, worker->options->budget_seconds);
      entry.detail = detail;
    }
  return cache__store (worker->cache, &entry, why);
}

/* Works on the region of JSON, taken under KEY.  True where the queue is done with it.  */
static bool
worker__region (struct worker *worker, const char *key, const char *json)
{
  struct tune_event *event = &worker->event;
  struct arena *arena = arena__new ();
  struct region *region;
  struct tuner_result result = { .arena = NULL };
  bool done = true;
  text__copy (event->key, sizeof event->key, key);
  text__copy (event->function, sizeof event->function, "?");
  event->file[0] = 0;
  event->line = 0;
  event->fraction = event->best = 0;
  if (region__from_json (arena, json, &region, &event->why) < 0)
    {
      worker__send (worker, EVENT_ERROR);
      goto end;
    }
  text__copy (event->function, sizeof event->function,
              region->source_name ? region->source_name : region->function);
  text__copy (event->file, sizeof event->file, region->file);
  event->line = region->line;
  worker__send (worker, EVENT_TAKEN);

  /* A rewrite may only be stored under the key of what it was verified against: a record from another version of
     aiopt, or a damaged one, has another.  */
  memset (region->key, 0, sizeof region->key);
  if (region__key (region, &event->why) < 0)
    {
      worker__send (worker, EVENT_ERROR);
      goto end;
    }
  if (strcmp (region->key, key) != 0)
    {
      why__set (&event->why, REASON_CACHE, "the queued record has another key (%.16s…): collect it again",
                region->key);
      worker__send (worker, EVENT_ERROR);
      goto end;
    }
  unsigned n_recorded;
  const struct recorded *const *recorded = cli__recorded (worker->cache, key, arena, &n_recorded);
  struct tuner_options options = {
    .recorded = recorded,
    .n_recorded = n_recorded,
    .policy = worker->options->policy,
    .budget_seconds = worker->options->budget_seconds,
    .accept = worker->options->accept,
    /* Where one region is asked for, a compiler waits for it, and not much longer than it said.  */
    .overrun = worker->options->key ? 0.1 : 0,
    .any_speed = worker->options->any_speed,
    .workshop = worker->workshop,
    .stop = worker->stop,
    .progress = worker__progress,
    .context = worker,
  };
  tuner__work (region, &options, &result);
  if (result.end == TUNER_INTERRUPTED)
    done = false;
  else if (worker__store (worker, region, key, &result, &event->why) < 0)
    {
      worker__send (worker, EVENT_ERROR);
      done = false;
      goto end;
    }
  event->end = result.end;
  text__copy (event->verdict, sizeof event->verdict, result.verdict);
  text__copy (event->policy, sizeof event->policy, result.policy);
  text__copy (event->provenance, sizeof event->provenance, result.provenance);
  event->ratio = result.ratio;
  event->why = result.why;
  event->tried = result.tried;
  event->seconds = result.seconds;
  event->spent = result.spent;
  worker__send (worker, EVENT_RESULT);
end:
  tuner_result__free (&result);
  arena__free (arena);
  return done;
}

int
tune__worker (const struct tune_options *options, struct workshop *workshop,
              const volatile sig_atomic_t *stop, int pipe)
{
  struct worker worker = { .options = options, .workshop = workshop, .stop = stop, .pipe = pipe };
  worker.event.worker = getpid ();
  if (cache__open (options->cache, CACHE_WRITE, &worker.cache, &worker.event.why) < 0)
    {
      worker__send (&worker, EVENT_ERROR);
      return 1;
    }
  int status = 0;
  double lease = LEASE_BUDGETS * options->budget_seconds + LEASE_SECONDS;
  while (!*stop)
    {
      char key[65], *json = NULL;
      struct why why = { 0 };
      int taken = queue__take (worker.cache, options->key, lease, key, &json, &why);
      if (taken <= 0)
        {
          if (taken < 0)
            {
              worker.event.why = why;
              worker__send (&worker, EVENT_ERROR);
              status = 1;
            }
          break;
        }
      bool done = worker__region (&worker, key, json);
      free (json);
      if (queue__finish (worker.cache, key, done, &why) < 0)
        {
          worker.event.why = why;
          worker__send (&worker, EVENT_ERROR);
          status = 1;
          break;
        }
      /* What was put back because it couldn't be stored would come again at once.  */
      if (!done || options->key)
        break;
    }
  cache__close (worker.cache);
  return status;
}
