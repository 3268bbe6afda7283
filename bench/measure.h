/* Is a verified candidate faster, on states like the user's?
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MEASURE_H
#define AIOPT_MEASURE_H

#include "bench/statistics.h"
#include "machine/candidate.h"
#include "states/states.h"

#define MEASURE_MARGIN 0.02 /* the design's acceptance margin */

struct measure_options
{
  double budget_seconds;  /* 0: 1 */
  double margin;          /* 0: MEASURE_MARGIN */
  uint64_t seed;
};

struct measurement
{
  struct interval ratio;        /* original time over candidate time on typical sizes, > 1 is faster */
  struct interval small;        /* the same on small inputs; estimate 0 where there are none */
  double original_ticks, candidate_ticks; /* medians per call */
  unsigned n_states, n_pairs;
  const char *rung;             /* "time-stamp counter" … */
  bool accepted;                /* lower end above 1 + margin, and no loss beyond the margin on small inputs */
  struct why why;               /* where not */
  char json[1024];              /* for the entry */
};

/* Measures ORIGINAL against CANDIDATE, both linked for REGION's LAYOUT (index 0 and 1), interleaved in a
   sandbox of its own, on states from STATES (kinds PROFILE and TYPICAL).  0, or -1 and *WHY.  */
int measure__pair (const struct region *region, const struct image *original,
                   const struct image *candidate, struct states *states,
                   const struct measure_options *options, struct measurement *measurement,
                   struct why *why);

#endif
