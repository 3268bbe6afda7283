/* One region from its queue record to a result, within a budget, in three stages:

   1. Every proposal gets a quick check (refutes most wrong ones at once) and, where nothing speaks
      against it, a short measurement.
   2. The fastest few are measured again, longer, on fresh states and at several placements, so that luck in stage 1
      doesn't choose.
   3. In that order they get the full check; the first that stands is measured once more,
      and this figure, which nothing was selected by, is what the entry says.

   Only stage 3's verdict counts: a quick check never accepts anything.  At least half of the budget is for stage 3,
   and a full check that has begun may end: the whole may take half as long again as the budget.

   A policy that converses is told what became of its candidates in stage 3 too, and goes on: round after round, as long as there is
   time, each for something faster than what stands.  Most of the budget is for its answers then, and a full check gets a quarter.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/tuner.h"

#include "cli/tuner-quick.h"
#include "machine/runtime.h"

#include "policy/process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many candidates are kept from stage 1, in case the fastest are refuted, and how many stage 2 measures.  */
enum { FINALISTS_MAX = 12, RANKED_MAX = 4 };

/* How the budget is spent, as shares of it, within limits in seconds.  */
#define SHARE_PROPOSING 0.30
#define SHARE_CONVERSING 0.75
#define SHARE_QUICK_TESTS 0.03
#define SHARE_QUICK_MEASURE 0.004
#define SHARE_MEASURE 0.03
#define SHARE_FULL_CHECK 0.50
#define SHARE_FULL_CHECK_CONVERSING 0.25
#define OVERRUN 0.5
#define QUICK_TESTS_MAX 1.5
#define SHRINK_SECONDS 5.0
#define QUICK_MEASURE_MIN 0.02
#define QUICK_MEASURE_MAX 0.15
#define MEASURE_MIN 0.10
#define MEASURE_MAX 0.50
#define FULL_CHECK_MIN 0.40
#define FULL_CHECK_MAX_CONVERSING 20.0 /* a budget that is mostly for waiting says nothing about checks */
#define NEARLY_AS_FAST 0.75 /* by score: worth more than one that can't be shown to be right */
#define LOCK_WAIT_SECONDS 5.0 /* then measure anyway: a noisy figure is better than none */

struct finalist
{
  struct candidate *candidate;
  struct image *image[PLACEMENTS_MAX]; /* in the candidate's arena; NULL until stage 2 */
  struct measurement measurement;
};

struct tuner
{
  const struct region *region;
  const struct tuner_options *options;
  struct tuner_result *result;
  double begin;
  enum accept accept;
  struct verifier *verifier;
  struct quick *quick;
  struct arena *arena;
  struct image *original[PLACEMENTS_MAX];
  struct measure_set *set[2]; /* states for choosing, and those for stage 2 on */
  struct policy *policy;
  struct finalist finalist[FINALISTS_MAX]; /* fastest first */
  unsigned n_finalists;
  double best;
  double stands;           /* the ratio of the rewrite that the result is, as measured on the states of stage 2; 0: none yet */
  bool refused;            /* a finalist was: the result says why the fastest was */
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

/* One measurement at a time on this machine (and user), so that they don't disturb each other.  Waiting for another is no
   tuning: the budget isn't spent by it.  */
static void
tuner__lock (struct tuner *tuner)
{
  char path[64];
  double began = clock__now ();
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
  tuner->begin += clock__now () - began;
}

static void
tuner__unlock (struct tuner *tuner)
{
  if (tuner->lock >= 0)
    close (tuner->lock);
  tuner->lock = -1;
}

/* Measures FINALIST for SECONDS, at least, on the states of WHICH set, at N placements.  0, or -1 and *WHY.  */
static int
tuner__measure (struct tuner *tuner, struct finalist *finalist, double seconds, unsigned which,
                unsigned n, struct why *why)
{
  struct measure_options options
    = { .budget_seconds = seconds, .seed = tuner__seed (tuner, which), .quick = which == 0 };
  struct measure_set **set = &tuner->set[which];
  const struct image *image[PLACEMENTS_MAX], *original[PLACEMENTS_MAX];
  for (unsigned p = 0; p < PLACEMENTS_MAX; p++)
    {
      image[p] = finalist->image[p];
      original[p] = tuner->original[p];
    }
  unsigned n_given = 0;
  const struct test *given = which == 0 ? quick__tests (tuner->quick, &n_given) : NULL;
  if (!*set
      && measure_set__new (tuner->region, original, PLACEMENTS_MAX, verifier__states (tuner->verifier), given, n_given,
                           set, why)
           < 0)
    return -1;
  tuner__lock (tuner);
  int status = measure__with (*set, image, n, &options, &finalist->measurement, why);
  tuner__unlock (tuner);
  if (tuner->options->any_speed)
    {
      finalist->measurement.accepted = true;
      return 0;
    }
  return status;
}

/* Links CANDIDATE as image 1 at the first N placements, for measuring.  */
static int
tuner__link (struct tuner *tuner, struct finalist *finalist, unsigned n, struct why *why)
{
  struct candidate *candidate = finalist->candidate;
  return image__spread (candidate->arena, tuner->region, verifier__layout (tuner->verifier), candidate->code, 1, n,
                        finalist->image, why);
}

/* What finalists are sorted by.  Of two that are as fast the smaller is better: it leaves more room in the caches, and
   more of it is reached by the tests.  */
static double
finalist__score (const struct finalist *finalist)
{
  double size = finalist->candidate->code->n_items / 1e4;
  return finalist->measurement.score * (1 - (size < 0.15 ? size : 0.15));
}

/* Puts FINALIST among the fastest, or frees it.  */
static void
tuner__keep (struct tuner *tuner, const struct finalist *finalist)
{
  unsigned at = tuner->n_finalists;
  while (at && finalist__score (&tuner->finalist[at - 1]) < finalist__score (finalist))
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
  if (tuner->stands > 0)
    return;
  /* A duplicate says nothing, and "not faster" is better news than any refusal.  */
  if (why->reason == REASON_SAME && tuner->result->why.reason != REASON_NONE)
    return;
  if (tuner->result->why.reason == REASON_NOT_FASTER && why->reason != REASON_NOT_FASTER)
    return;
  tuner->result->why = *why;
}

/* Who converses gets a counterexample that is as simple as can be: the full check makes one.  *COUNTEREXAMPLE is replaced where
   it does.  */
static void
tuner__shrink (struct tuner *tuner, const struct candidate *candidate, char **counterexample)
{
  struct verdict verdict = { 0 };
  verifier__set_budget (tuner->verifier, SHRINK_SECONDS);
  verifier__check (tuner->verifier, candidate, &verdict);
  if (verdict.level == VERDICT_REFUTED && verdict.counterexample)
    {
      free (*counterexample);
      *counterexample = strdup (verdict.counterexample);
    }
  verdict__free (&verdict);
}

/* Tells the policy that FINALIST came to nothing in the end, WHY, and frees it.  */
static void
tuner__dismiss (struct tuner *tuner, struct finalist *finalist, const struct why *why)
{
  const struct interval *ratio = &finalist->measurement.ratio;
  struct feedback feedback = { .verdict = "unknown", .why = *why, .ratio = ratio->estimate, .ratio_low = ratio->low, .ratio_high = ratio->high };
  policy__tell_final (tuner->policy, finalist->candidate, &feedback);
  candidate__free (finalist->candidate);
}

/* Stage 1 for one candidate, which is kept or freed.  */
static void
tuner__try (struct tuner *tuner, struct candidate *candidate)
{
  struct feedback feedback = { .verdict = "unknown" };
  struct finalist finalist = { .candidate = candidate };
  struct why why = { 0 };
  char *counterexample = NULL;
  bool keep = false;
  tuner->result->tried++;
  if (quick__check (tuner->quick, candidate, &why, &counterexample))
    {
      double seconds = clamp (SHARE_QUICK_MEASURE * tuner->options->budget_seconds, QUICK_MEASURE_MIN,
                              QUICK_MEASURE_MAX);
      if (tuner__link (tuner, &finalist, 1, &why) == 0
          && tuner__measure (tuner, &finalist, seconds, 0, 1, &why) == 0)
        {
          const struct interval *ratio = &finalist.measurement.ratio;
          feedback.ratio = ratio->estimate;
          feedback.ratio_low = ratio->low;
          feedback.ratio_high = ratio->high;
          keep = tuner->options->any_speed || ratio->estimate > 1 + MEASURE_MARGIN || finalist.measurement.score > 1 + MEASURE_MARGIN;
          if (!keep)
            why__set (&why, REASON_NOT_FASTER, "%.150s: %.3f of the time",
                      candidate->provenance ? candidate->provenance : "",
                      ratio->estimate > 0 ? 1 / ratio->estimate : 0.0);
          if (ratio->estimate > tuner->best)
            {
              tuner->best = ratio->estimate;
              if (!(tuner->stands > 0))
                tuner->result->ratio = *ratio;
              feedback.accepted = keep;
            }
        }
    }
  else if (counterexample)
    {
      feedback.verdict = "refuted";
      if (strcmp (candidate->policy, "llm") == 0)
        tuner__shrink (tuner, candidate, &counterexample);
    }
  feedback.kept = keep;
  feedback.why = why;
  feedback.counterexample = counterexample;
  policy__tell (tuner->policy, &feedback);
  free (counterexample);
  if (keep)
    tuner__keep (tuner, &finalist);
  else
    {
      tuner__note (tuner, &why);
      candidate__free (candidate);
    }
}

/* The share of the budget for proposals, in seconds: more while there is a conversation.  */
static double
tuner__share (const struct tuner *tuner)
{
  return (policy__is_conversing (tuner->policy) ? SHARE_CONVERSING : SHARE_PROPOSING) * tuner->options->budget_seconds;
}

/* Stage 1: asks the policies until they have no more or their share of the budget is spent.  */
static void
tuner__propose (struct tuner *tuner)
{
  double share;
  int first = policy__left (tuner->policy);
  while (!tuner__stopped (tuner) && tuner__spent (tuner) < (share = tuner__share (tuner)))
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

/* Notes WHY a finalist was refused: the first one, which is the fastest, speaks for all.  */
static void
tuner__refuse (struct tuner *tuner, const struct finalist *finalist, const struct why *why)
{
  if (tuner->refused || tuner->stands > 0)
    return;
  tuner->refused = true;
  tuner->result->ratio = finalist->measurement.ratio;
  why__set (&tuner->result->why, why->reason, "%.60s, %.2f times as fast: %.150s",
            finalist->candidate->provenance ? finalist->candidate->provenance : "",
            finalist->measurement.ratio.estimate, why->detail);
}

/* Stage 2: measures the fastest finalists again and sorts them by it.  */
static void
tuner__rank (struct tuner *tuner)
{
  unsigned n = tuner->n_finalists;
  struct finalist finalist[FINALISTS_MAX];
  memcpy (finalist, tuner->finalist, sizeof finalist);
  tuner->n_finalists = 0;
  double seconds = clamp (SHARE_MEASURE * tuner->options->budget_seconds, MEASURE_MIN, MEASURE_MAX);
  unsigned rest = n;
  for (unsigned i = 0; i < n; i++)
    {
      struct why why = { 0 };
      bool late = i >= RANKED_MAX || tuner__stopped (tuner)
                  || tuner__spent (tuner) > 0.8 * tuner->options->budget_seconds;
      if (late && i)
        {
          rest = i;
          break;
        }
      if (tuner__link (tuner, &finalist[i], PLACEMENTS_MAX, &why) < 0
          || tuner__measure (tuner, &finalist[i], seconds, 1, PLACEMENTS_MAX, &why) < 0)
        {
          tuner__note (tuner, &why);
          tuner__dismiss (tuner, &finalist[i], &why);
        }
      else if (!finalist[i].measurement.accepted)
        {
          tuner__note (tuner, &finalist[i].measurement.why);
          tuner__dismiss (tuner, &finalist[i], &finalist[i].measurement.why);
        }
      else
        tuner__keep (tuner, &finalist[i]);
      tuner__progress (tuner, 0.7 + 0.1 * (i + 1) / n);
    }
  /* Those that weren't looked at again come last, in their order.  */
  for (unsigned i = rest; i < n; i++)
    tuner->finalist[tuner->n_finalists++] = finalist[i];
}

/* Puts the finalist that is to be checked next at I.  After one that couldn't be shown to be right that is the one with the least code
   of those that are nearly as fast as the fastest: what tests didn't reach in one unrolled loop they don't reach in its like.  */
static void
tuner__order (struct tuner *tuner, unsigned i, bool unshown)
{
  struct finalist *finalist = tuner->finalist, chosen;
  unsigned least = i;
  for (unsigned k = i + 1; unshown && k < tuner->n_finalists; k++)
    if (finalist[k].candidate->code->n_items < finalist[least].candidate->code->n_items
        && finalist[k].measurement.score > NEARLY_AS_FAST * finalist[i].measurement.score)
      least = k;
  chosen = finalist[least];
  memmove (&finalist[i + 1], &finalist[i], (least - i) * sizeof *finalist);
  finalist[i] = chosen;
}

/* Stage 3 for FINALIST: true where it stands, and the result is filled in.  *UNSHOWN: it couldn't be shown to be right, nor wrong.  */
static bool
tuner__confirm (struct tuner *tuner, struct finalist *finalist, bool *unshown)
{
  struct tuner_result *result = tuner->result;
  const struct candidate *candidate = finalist->candidate;
  const struct interval *ratio = &finalist->measurement.ratio;
  struct verdict verdict = { 0 };
  struct why why = { 0 };
  bool stands = false;
  verifier__check (tuner->verifier, candidate, &verdict);
  *unshown = verdict.level == VERDICT_UNKNOWN;
  double seconds = clamp (SHARE_MEASURE * tuner->options->budget_seconds, MEASURE_MIN, MEASURE_MAX);
  if (!verdict__accepts (&verdict, tuner->accept))
    {
      why = verdict.why;
      if (why.reason == REASON_NONE)
        why__set (&why, REASON_UNMODELLED, "%s only, where %s is asked for",
                  verdict__name (verdict.level), accept__name (tuner->accept));
    }
  else if ((finalist->image[PLACEMENTS_MAX - 1] || tuner__link (tuner, finalist, PLACEMENTS_MAX, &why) == 0))
    {
      if (tuner__measure (tuner, finalist, seconds, 1, PLACEMENTS_MAX, &why) == 0)
        {
          stands = finalist->measurement.accepted;
          if (!stands)
            why = finalist->measurement.why;
        }
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
      tuner->stands = ratio->estimate;
    }
  else
    tuner__refuse (tuner, finalist, &why);
  const struct feedback feedback = {
    .verdict = verdict__name (verdict.level),
    .why = why,
    .counterexample = verdict.counterexample,
    .ratio = ratio->estimate,
    .ratio_low = ratio->low,
    .ratio_high = ratio->high,
    .accepted = stands,
  };
  policy__tell_final (tuner->policy, candidate, &feedback);
  verdict__free (&verdict);
  return stands;
}

/* Everything that the stages need.  0, or -1 and *WHY.  */
static int
tuner__open (struct tuner *tuner, struct why *why)
{
  double budget = tuner->options->budget_seconds;
  struct verify_options options = {
    .budget_seconds = fmax (SHARE_FULL_CHECK * budget, FULL_CHECK_MIN),
    .accept = tuner->accept,
    .recorded = tuner->options->recorded,
    .n_recorded = tuner->options->n_recorded,
  };
  struct code *code;
  if (verifier__open (tuner->region, &options, &tuner->verifier, why) < 0
      || policy__open (tuner->options->policy, tuner->region, tuner->options->workshop,
                       SHARE_PROPOSING * budget, SHARE_CONVERSING * budget, &tuner->policy, why)
           < 0
      || quick__open (tuner->region, tuner->verifier, clamp (SHARE_QUICK_TESTS * budget, 0, QUICK_TESTS_MAX), &tuner->quick, why) < 0
      || region__code (tuner->region, &code, why) < 0)
    return -1;
  return image__spread (tuner->arena, tuner->region, verifier__layout (tuner->verifier), code, 0, PLACEMENTS_MAX,
                         tuner->original, why);
}

/* Stage 3 for the finalists until one stands.    LIMIT: seconds after which none but the first is begun.  None is left
   afterwards.  */
static void
tuner__conclude (struct tuner *tuner, double limit)
{
  double budget = tuner->options->budget_seconds, confirming = 0;
  bool over = false, unshown = false, converses = policy__is_conversing (tuner->policy);
  double share = converses ? fmin (SHARE_FULL_CHECK_CONVERSING * budget, FULL_CHECK_MAX_CONVERSING) : SHARE_FULL_CHECK * budget;
  struct why slower;
  verifier__set_budget (tuner->verifier, fmax (share, FULL_CHECK_MIN));
  for (unsigned i = 0; i < tuner->n_finalists; i++)
    {
      tuner__order (tuner, i, unshown);
      struct finalist *finalist = &tuner->finalist[i];
      double before = tuner__spent (tuner), ratio = finalist->measurement.ratio.estimate;
      /* One is tried whatever the time; the others only where there is some for as long a check.  */
      over |= tuner__stopped (tuner) || ((i || tuner->stands > 0) && before + confirming > limit);
      if (over || (tuner->stands > 0 && ratio <= tuner->stands * (1 + MEASURE_MARGIN)))
        {
          why__set (&slower, REASON_NOT_FASTER, "%.2f times as fast, where another version is %.2f times", ratio, tuner->stands);
          tuner__dismiss (tuner, finalist, &slower);
          continue;
        }
      over = tuner__confirm (tuner, finalist, &unshown);
      candidate__free (finalist->candidate);
      double took = tuner__spent (tuner) - before;
      confirming = took > confirming ? took : confirming;
      tuner__progress (tuner, 0.8 + 0.2 * (i + 1) / tuner->n_finalists);
    }
  tuner->n_finalists = 0;
}

void
tuner__work (const struct region *region, const struct tuner_options *options,
             struct tuner_result *result)
{
  *result = (struct tuner_result){ .arena = arena__new (), .end = TUNER_NEGATIVE };
  struct tuner tuner = { .region = region, .options = options, .result = result, .lock = -1 };
  double budget = options->budget_seconds;
  double limit = budget * (1 + (options->overrun > 0 ? options->overrun : OVERRUN));
  tuner.arena = arena__new ();
  tuner.begin = clock__now ();
  tuner.accept = region->accept > options->accept ? region->accept : options->accept;
  if (tuner__open (&tuner, &result->why) == 0)
    do
      {
        tuner__propose (&tuner);
        tuner__rank (&tuner);
        tuner__conclude (&tuner, limit);
      }
    while (!tuner__stopped (&tuner) && tuner__spent (&tuner) < budget && policy__again (tuner.policy));
  if (tuner__stopped (&tuner))
    result->end = TUNER_INTERRUPTED;
  if (result->end == TUNER_NEGATIVE && result->why.reason == REASON_NONE)
    why__set (&result->why, REASON_NEGATIVE, "%u candidates in %.1f s", result->tried,
              tuner__spent (&tuner));
  result->seconds = tuner__spent (&tuner);
  if (tuner.policy)
    policy__spent (tuner.policy, &result->spent);
  policy__close (tuner.policy);
  for (unsigned i = 0; i < 2; i++)
    measure_set__free (tuner.set[i]);
  quick__close (tuner.quick);
  if (tuner.verifier)
    verifier__close (tuner.verifier);
  arena__free (tuner.arena);
}

void
tuner_result__free (struct tuner_result *result)
{
  arena__free (result->arena);
  result->arena = NULL;
}
