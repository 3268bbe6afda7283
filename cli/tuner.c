/* One region from its queue record to a result, within a budget, in three stages:

   1. Every proposal gets a quick check (few tests: refutes most wrong ones) and, where nothing speaks
      against it, a short measurement.
   2. The fastest few are measured again, longer, so that luck in stage 1 doesn't choose.
   3. In that order they get the full check; the first that stands is measured once more on fresh states,
      and this figure, which nothing was selected by, is what the entry says.

   Only stage 3's verdict counts: a quick check never accepts anything.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/tuner.h"

#include "machine/runtime.h"

#include "policy/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many candidates are kept from stage 1, in case the fastest are refuted, and how many stage 2 measures.  */
enum { FINALISTS_MAX = 12, RANKED_MAX = 4 };

/* How the budget is spent, as shares of it, within limits in seconds.  */
#define SHARE_PROPOSING 0.45
#define SHARE_QUICK_CHECK 0.03
#define SHARE_QUICK_MEASURE 0.015
#define SHARE_MEASURE 0.04
#define SHARE_FULL_CHECK 0.50
#define QUICK_CHECK_MIN 0.05
#define QUICK_CHECK_MAX 0.30
#define QUICK_MEASURE_MIN 0.03
#define QUICK_MEASURE_MAX 0.15
#define MEASURE_MIN 0.10
#define MEASURE_MAX 0.50
#define FULL_CHECK_MIN 0.40
#define LOCK_WAIT_SECONDS 5.0 /* then measure anyway: a noisy figure is better than none */

struct finalist
{
  struct candidate *candidate;
  struct image *image;     /* in the candidate's arena */
  struct measurement measurement;
};

struct tuner
{
  const struct region *region;
  const struct tuner_options *options;
  struct tuner_result *result;
  double begin;
  enum accept accept;
  struct verifier *quick, *full;
  struct policy *policy;
  struct finalist finalist[FINALISTS_MAX]; /* fastest first */
  unsigned n_finalists;
  double best;
  int lock;
};

static double
clamp (double x, double low, double high)
{
  return x < low ? low : x > high ? high : x;
}

static bool
tuner__stopped (const struct tuner *tuner)
{
  return tuner->options->stop && *tuner->options->stop;
}

static double
tuner__spent (const struct tuner *tuner)
{
  return clock__now () - tuner->begin;
}

/* A seed for PURPOSE that is the same in every run on this region.  */
static uint64_t
tuner__seed (const struct tuner *tuner, uint64_t purpose)
{
  uint64_t seed = UINT64_C (0xcbf29ce484222325) + purpose;
  for (const char *at = tuner->region->key; *at; at++)
    seed = (seed ^ (unsigned char) *at) * UINT64_C (0x100000001b3);
  return seed ? seed : 1;
}

static void
tuner__progress (struct tuner *tuner, double fraction)
{
  if (tuner->options->progress)
    tuner->options->progress (tuner->options->context, clamp (fraction, 0, 1), tuner->best);
}

/* One measurement at a time on this machine (and user), so that they don't disturb each other.  */
static void
tuner__lock (struct tuner *tuner)
{
  char path[64];
  snprintf (path, sizeof path, "/tmp/aiopt-measure-%u.lock", (unsigned) geteuid ());
  tuner->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (tuner->lock < 0)
    return;
  struct stat info;
  if (fstat (tuner->lock, &info) != 0 || info.st_uid != geteuid ())
    {
      close (tuner->lock);
      tuner->lock = -1;
      return;
    }
  double until = clock__now () + LOCK_WAIT_SECONDS;
  while (flock (tuner->lock, LOCK_EX | LOCK_NB) != 0 && clock__now () < until
         && !tuner__stopped (tuner))
    usleep (2000);
}

static void
tuner__unlock (struct tuner *tuner)
{
  if (tuner->lock >= 0)
    close (tuner->lock);
  tuner->lock = -1;
}

/* Measures FINALIST for SECONDS, at least; PURPOSE seeds the states.  0, or -1 and *WHY.  */
static int
tuner__measure (struct tuner *tuner, struct finalist *finalist, double seconds, uint64_t purpose,
                struct why *why)
{
  struct measure_options options = { .budget_seconds = seconds, .seed = tuner__seed (tuner, purpose) };
  tuner__lock (tuner);
  int status = measure__pair (tuner->region, verifier__original (tuner->quick), finalist->image,
                              verifier__states (tuner->quick), &options, &finalist->measurement, why);
  tuner__unlock (tuner);
  return status;
}

/* Links CANDIDATE as image 1, for measuring.  */
static int
tuner__link (struct tuner *tuner, struct candidate *candidate, struct image **image,
             struct why *why)
{
  struct object *object;
  struct decoded *decoded;
  const struct code *code;
  unsigned own_items;
  if (runtime__extend (candidate->arena, tuner->region, candidate->code, &code, &own_items, why) < 0
      || object__assemble (candidate->arena, code, &object, why) < 0
      || object__decode (candidate->arena, object, code, &decoded, why) < 0)
    return -1;
  return image__link (candidate->arena, tuner->region, verifier__layout (tuner->quick), object,
                      decoded, 1, image, why);
}

/* Could VERDICT of a short check be due to its shortness alone?  */
static bool
verdict__is_open (const struct verdict *verdict)
{
  return verdict->level == VERDICT_UNKNOWN
         && (verdict->why.reason == REASON_TIME || verdict->why.reason == REASON_COVERAGE
             || verdict->why.reason == REASON_MUTANTS);
}

/* Puts FINALIST among the fastest, or frees it.  */
static void
tuner__keep (struct tuner *tuner, const struct finalist *finalist)
{
  unsigned at = tuner->n_finalists;
  while (at && tuner->finalist[at - 1].measurement.ratio.estimate
                 < finalist->measurement.ratio.estimate)
    at--;
  if (at == FINALISTS_MAX)
    {
      candidate__free (finalist->candidate);
      return;
    }
  if (tuner->n_finalists == FINALISTS_MAX)
    candidate__free (tuner->finalist[--tuner->n_finalists].candidate);
  memmove (&tuner->finalist[at + 1], &tuner->finalist[at],
           (tuner->n_finalists - at) * sizeof *tuner->finalist);
  tuner->finalist[at] = *finalist;
  tuner->n_finalists++;
}

/* Notes WHY nothing came of a candidate; what went wrong last and furthest is what the negative says.  */
static void
tuner__note (struct tuner *tuner, const struct why *why)
{
  /* A duplicate says nothing, and "not faster" is better news than any refusal.  */
  if (why->reason == REASON_SAME && tuner->result->why.reason != REASON_NONE)
    return;
  if (tuner->result->why.reason == REASON_NOT_FASTER && why->reason != REASON_NOT_FASTER)
    return;
  tuner->result->why = *why;
}

/* Stage 1 for one candidate, which is kept or freed.  */
static void
tuner__try (struct tuner *tuner, struct candidate *candidate)
{
  struct feedback feedback = { 0 };
  struct verdict verdict = { 0 };
  struct finalist finalist = { .candidate = candidate };
  double budget = tuner->options->budget_seconds;
  tuner->result->tried++;
  verifier__check (tuner->quick, candidate, &verdict);
  feedback.verdict = verdict__name (verdict.level);
  feedback.why = verdict.why;
  feedback.counterexample = verdict.counterexample;
  bool keep = false;
  if (verdict.level >= VERDICT_TESTED || verdict__is_open (&verdict))
    {
      struct why why = { 0 };
      double seconds = clamp (SHARE_QUICK_MEASURE * budget, QUICK_MEASURE_MIN, QUICK_MEASURE_MAX);
      if (tuner__link (tuner, candidate, &finalist.image, &why) == 0
          && tuner__measure (tuner, &finalist, seconds, 1, &why) == 0)
        {
          const struct interval *ratio = &finalist.measurement.ratio;
          feedback.ratio = ratio->estimate;
          feedback.ratio_low = ratio->low;
          feedback.ratio_high = ratio->high;
          keep = ratio->estimate > 1 + MEASURE_MARGIN;
          if (!keep)
            why__set (&why, REASON_NOT_FASTER, "%.150s: %.3f of the time", candidate->provenance,
                      ratio->estimate > 0 ? 1 / ratio->estimate : 0.0);
          if (ratio->estimate > tuner->best)
            {
              tuner->best = ratio->estimate;
              tuner->result->ratio = *ratio;
              feedback.accepted = keep;
            }
        }
      feedback.why = why;
    }
  if (keep)
    tuner__keep (tuner, &finalist);
  else
    tuner__note (tuner, &feedback.why);
  policy__tell (tuner->policy, &feedback);
  verdict__free (&verdict);
  if (!keep)
    candidate__free (candidate);
}

/* Stage 1: asks the policies until they have no more or their share of the budget is spent.  */
static void
tuner__propose (struct tuner *tuner)
{
  double share = SHARE_PROPOSING * tuner->options->budget_seconds;
  int first = policy__left (tuner->policy);
  while (!tuner__stopped (tuner) && tuner__spent (tuner) < share)
    {
      struct candidate *candidate = NULL;
      struct why why = { 0 };
      int given = policy__next (tuner->policy, &candidate, &why);
      if (given == 0)
        return;
      if (given < 0)
        {
          struct feedback feedback = { .verdict = "unknown", .why = why };
          tuner__note (tuner, &why);
          policy__tell (tuner->policy, &feedback);
        }
      else
        tuner__try (tuner, candidate);
      int left = policy__left (tuner->policy);
      double by_count = first > 0 && left >= 0 ? 1 - (double) left / first : 0;
      double by_time = tuner__spent (tuner) / share;
      tuner__progress (tuner, 0.7 * (by_count > by_time ? by_count : by_time));
    }
}

/* Stage 2: measures the finalists again and sorts them by it.  */
static void
tuner__rank (struct tuner *tuner)
{
  unsigned n = tuner->n_finalists;
  struct finalist finalist[FINALISTS_MAX];
  memcpy (finalist, tuner->finalist, sizeof finalist);
  tuner->n_finalists = 0;
  double seconds = clamp (SHARE_MEASURE * tuner->options->budget_seconds, MEASURE_MIN, MEASURE_MAX);
  for (unsigned i = 0; i < n; i++)
    {
      struct why why = { 0 };
      bool late = tuner__stopped (tuner) || tuner__spent (tuner) > 0.8 * tuner->options->budget_seconds;
      if (i >= RANKED_MAX)
        late = true;
      if (!late && tuner__measure (tuner, &finalist[i], seconds, 2, &why) < 0)
        {
          tuner__note (tuner, &why);
          candidate__free (finalist[i].candidate);
        }
      else if (!late && !finalist[i].measurement.accepted)
        {
          tuner__note (tuner, &finalist[i].measurement.why);
          candidate__free (finalist[i].candidate);
        }
      else
        tuner__keep (tuner, &finalist[i]);
      tuner__progress (tuner, 0.7 + 0.1 * (i + 1) / n);
    }
}

/* Stage 3 for FINALIST: true where it stands, and the result is filled in.  */
static bool
tuner__confirm (struct tuner *tuner, struct finalist *finalist)
{
  struct tuner_result *result = tuner->result;
  const struct candidate *candidate = finalist->candidate;
  double budget = tuner->options->budget_seconds, left = budget - tuner__spent (tuner);
  struct verdict verdict = { 0 };
  struct why why = { 0 };
  bool stands = false;
  if (!tuner->full)
    {
      double share = SHARE_FULL_CHECK * budget;
      struct verify_options options = {
        .budget_seconds = clamp (share < 0.9 * left ? share : 0.9 * left, FULL_CHECK_MIN, budget + FULL_CHECK_MIN),
        .accept = tuner->accept,
      };
      if (verifier__open (tuner->region, &options, &tuner->full, &why) < 0)
        {
          tuner__note (tuner, &why);
          return false;
        }
    }
  verifier__check (tuner->full, candidate, &verdict);
  double seconds = clamp (SHARE_MEASURE * budget, MEASURE_MIN, MEASURE_MAX);
  if (!verdict__accepts (&verdict, tuner->accept))
    {
      why = verdict.why;
      if (why.reason == REASON_NONE)
        why__set (&why, REASON_UNMODELLED, "%s only, where %s is asked for",
                  verdict__name (verdict.level), accept__name (tuner->accept));
    }
  else if (tuner__measure (tuner, finalist, seconds, 3, &why) == 0)
    {
      stands = finalist->measurement.accepted;
      if (!stands)
        why = finalist->measurement.why;
    }
  if (stands)
    {
      result->end = TUNER_REWRITE;
      result->code = arena__strdup (result->arena, code__canonical (candidate->code));
      result->verdict = verdict__name (verdict.level);
      result->policy = arena__strdup (result->arena, candidate->policy);
      result->provenance = arena__strdup (result->arena, candidate->provenance);
      result->evidence = arena__strdup (result->arena, verdict.evidence);
      result->measurement = arena__strdup (result->arena, finalist->measurement.json);
      result->ratio = finalist->measurement.ratio;
      result->why = (struct why){ 0 };
    }
  else
    result->why = why;
  verdict__free (&verdict);
  return stands;
}

void
tuner__work (const struct region *region, const struct tuner_options *options,
             struct tuner_result *result)
{
  *result = (struct tuner_result){ .arena = arena__new (), .end = TUNER_NEGATIVE };
  struct tuner tuner = { .region = region, .options = options, .result = result, .lock = -1 };
  double budget = options->budget_seconds;
  tuner.begin = clock__now ();
  tuner.accept = region->accept > options->accept ? region->accept : options->accept;
  struct verify_options quick = {
    .budget_seconds = clamp (SHARE_QUICK_CHECK * budget, QUICK_CHECK_MIN, QUICK_CHECK_MAX),
    .accept = ACCEPT_TESTED,
  };
  if (verifier__open (region, &quick, &tuner.quick, &result->why) == 0
      && policy__open (options->policy, region, options->workshop, SHARE_PROPOSING * budget, &tuner.policy,
                       &result->why)
           == 0)
    {
      tuner__propose (&tuner);
      tuner__rank (&tuner);
      for (unsigned i = 0; i < tuner.n_finalists && !tuner__stopped (&tuner); i++)
        {
          /* One is tried whatever the time; the others only while there is some.  */
          if ((i && tuner__spent (&tuner) > budget) || tuner__confirm (&tuner, &tuner.finalist[i]))
            break;
          tuner__progress (&tuner, 0.8 + 0.2 * (i + 1) / tuner.n_finalists);
        }
    }
  if (tuner__stopped (&tuner))
    result->end = TUNER_INTERRUPTED;
  if (result->end == TUNER_NEGATIVE && result->why.reason == REASON_NONE)
    why__set (&result->why, REASON_NEGATIVE, "%u candidates in %.1f s", result->tried,
              tuner__spent (&tuner));
  result->seconds = tuner__spent (&tuner);
  for (unsigned i = 0; i < tuner.n_finalists; i++)
    candidate__free (tuner.finalist[i].candidate);
  policy__close (tuner.policy);
  if (tuner.full)
    verifier__close (tuner.full);
  if (tuner.quick)
    verifier__close (tuner.quick);
}

void
tuner_result__free (struct tuner_result *result)
{
  arena__free (result->arena);
  result->arena = NULL;
}
