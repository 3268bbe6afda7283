/* Working on one region: proposals, a quick check, a measurement, and the full check for the best.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TUNER_H
#define AIOPT_TUNER_H

#include "bench/measure.h"
#include "model/account.h"
#include "policy/policy.h"
#include "verify/verify.h"

struct tuner_options
{
  const char *policy;       /* list */
  double budget_seconds;
  double overrun;           /* by how much of it the whole may run over, for full checks of what is faster; 0: 0.5 */
  enum accept accept;       /* at least this, and at least the region's own */
  const struct recorded *const *recorded; /* calls of the user's program, for verifying and measuring */
  unsigned n_recorded;
  bool any_speed;           /* take what is verified however slow it is: for testing verifier and splice */
  struct workshop *workshop;
  const volatile sig_atomic_t *stop;
  /* Called as the work goes on: FRACTION 0..1 of the budget or the proposals, the BEST ratio so far (0
     none).  May be NULL.  */
  void (*progress) (void *context, double fraction, double best);
  void *context;
};

enum tuner_end { TUNER_REWRITE, TUNER_NEGATIVE, TUNER_INTERRUPTED };

struct tuner_result
{
  struct arena *arena;
  enum tuner_end end;
  /* A rewrite's: */
  const char *code;         /* canonical */
  const char *verdict, *policy, *provenance, *evidence, *measurement;
  struct interval ratio;    /* also of the best refused one, estimate 0 where nothing was measured */
  /* A negative's: */
  struct why why;
  unsigned tried;
  double seconds;
  struct spent spent;       /* on models */
};

/* Works on REGION; *RESULT is freed by tuner_result__free.  Never fails: what goes wrong is a negative.  */
void tuner__work (const struct region *region, const struct tuner_options *options,
                  struct tuner_result *result);
void tuner_result__free (struct tuner_result *result);

#endif
