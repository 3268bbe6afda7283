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
  bool quick;             /* fewer pairs at least: for choosing what to look at again */
};

enum size_class
{
  SIZE_SMALL,   /* around nothing and one vector */
  SIZE_MEDIUM,  /* typical; everything where time depends on no size */
  SIZE_LARGE,   /* some thousand bytes */
  SIZE_HUGE,    /* tens of thousands */
  SIZE_BETWEEN, /* in none of the above */
  SIZE_PROFILE, /* as the user's recorded calls are, or as the profile says */
  SIZE_CLASSES
};

struct measurement
{
  struct interval ratio;        /* original time over candidate time, > 1 is faster: of recorded calls in all, or on the profile's
                                   sizes, where there are any; else the geometric mean over all classes but the small one */
  struct interval small;        /* the same on small inputs; estimate 0 where there are none */
  struct interval by_size[SIZE_CLASSES];
  struct interval cold;         /* with memory and code in no cache, on inputs that take long; estimate 0 where
                                   there are none */
  double score;                 /* geometric mean over all classes, for choosing among candidates */
  double original_ticks, candidate_ticks; /* medians per call */
  unsigned n_states, n_pairs;
  const char *on;               /* what states the ratio is of: "recorded states", "generated states" … */
  const char *rung;             /* "time-stamp counter" … */
  bool accepted;                /* lower end above 1 + margin, no loss beyond the margin in any class, and
                                   no call, timed or not, that answered otherwise than it should */
  struct why why;               /* where not: RESULT, MEMORY and STACK are a candidate that was found out */
  char json[2048];              /* for the entry */
};

/* How fast a small loop is also depends on where in a cache line it happens to be, and the user's linker will
   place it elsewhere.  So each version is measured at placements 16 bytes apart (GCC aligns functions
   to 16); the differences are averaged.  */
enum { PLACEMENTS_MAX = 4 };

/* The states to measure on, chosen once for many candidates of REGION: of GIVEN (N_GIVEN tests), or where that is
   NULL fresh ones that STATES makes from the kernel's randomness.  ORIGINALS (N placements) and GIVEN must outlive
   the set.  0, or -1 and *WHY.  */
struct measure_set;
int measure_set__new (const struct region *region, const struct image *const *originals, unsigned n,
                      struct states *states, const struct test *given, unsigned n_given,
                      struct measure_set **set, struct why *why);
void measure_set__free (struct measure_set *set);

/* Measures SET's original against the candidate at its first N placements (index 1), interleaved in sandboxes
   of their own.  0, or -1 and *WHY.  */
int measure__with (struct measure_set *set, const struct image *const *candidates, unsigned n,
                   const struct measure_options *options, struct measurement *measurement,
                   struct why *why);

/* Measures ORIGINAL against CANDIDATE, both linked for REGION's LAYOUT (index 0 and 1), interleaved in a
   sandbox of its own, on fresh states from STATES.  0, or -1 and *WHY.  */
int measure__pair (const struct region *region, const struct image *original,
                   const struct image *candidate, struct states *states,
                   const struct measure_options *options, struct measurement *measurement,
                   struct why *why);

#endif
