/* The trust root: is this candidate the same function?
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_H
#define AIOPT_VERIFY_H

#include "machine/candidate.h"
#include "states/states.h"

enum verdict_level { VERDICT_UNKNOWN, VERDICT_REFUTED, VERDICT_TESTED, VERDICT_BOUNDED, VERDICT_PROVED };

struct verdict
{
  struct arena *arena;
  enum verdict_level level;
  struct why why;                /* for refuted and unknown */
  const char *help;              /* what would help to know, for unknown; NULL for others */
  uint64_t tests;                /* states run on both sides */
  uint64_t traced;               /* of them followed for their footprint */
  double seconds;
  double tests_per_second;
  double coverage;               /* share of both sides' instructions and branch ways reached, 0..1 */
  unsigned mutants_killed, mutants_total; /* those that were proved equal to the candidate left out */
  unsigned conditions, conditions_unseen; /* of them, those that know one way of a condition alone, and survivors */
  unsigned carries_unseen;       /* among the last, those of additions and subtractions with carry */
  const char *survivors;         /* JSON: the mutants that no test noticed; NULL: none were tried */
  const char *first_survivor;    /* the first of them for people, or NULL */
  const char *counterexample;    /* readable, NULL unless refuted by a test */
  const char *counterexample_json;
  const char *proof;             /* JSON: method, solver and its version, what was shown, or why not; NULL where it wasn't tried */
  const char *evidence;          /* JSON: seeds, counts per family, coverage, mutants, versions: to run it again */
};

struct verify_options
{
  double budget_seconds;   /* wall clock; 0: 10 */
  uint64_t seed;           /* 0: from the key */
  enum accept accept;
  const struct recorded *const *recorded; /* calls of the user's program: run before any made up; */
  unsigned n_recorded;                    /* they must outlive the verifier */
  bool as_it_is;           /* counterexamples are not made simpler: nobody will read them */
  uint64_t tests_least;    /* run so many states at least, where the budget allows: as an earlier verdict did */
  unsigned timeout_ms;     /* CPU time after which a run that hasn't ended never will; 0: 100, and a second for the rerun that
                              confirms it */
};

/* A verifier for one region: the original is assembled, decoded and started once.
   -1 and *WHY where the region itself can't be verified (the reason holds for every candidate).  */
struct verifier;
int verifier__open (const struct region *region, const struct verify_options *options,
                    struct verifier **verifier, struct why *why);
void verifier__close (struct verifier *verifier);

/* Checks take SECONDS from now on.  */
void verifier__set_budget (struct verifier *verifier, double seconds);

/* Judges CANDIDATE.  Always gives a verdict; verdict__free frees it.  */
void verifier__check (struct verifier *verifier, const struct candidate *candidate,
                      struct verdict *verdict);
void verdict__free (struct verdict *verdict);

/* Runs STATE, of a counterexample in layout LAYOUT, on both sides again: `refuted` where they differ, else `unknown`, *SAME
   set where they were seen not to.  */
void verifier__replay (struct verifier *verifier, const struct candidate *candidate, struct state *state,
                       unsigned layout, bool *same, struct verdict *verdict);

/* Is the verdict good enough for LEVEL?  */
bool verdict__accepts (const struct verdict *verdict, enum accept level);
const char *verdict__name (enum verdict_level level);
int verdict__parse (const char *name, enum verdict_level *level);

/* The design's JSON object for `aiopt verify --json`, malloc'ed.  */
char *verdict__to_json (const struct verdict *verdict);

/* Makes tests of FROM[N_FROM]'s typical ones, with special numbers in all floating point that they hold (NaNs of several payloads,
   signed zeros, infinities), and the original's answers, in ARENA: TESTS, at most MOST.  Their number, 0 where the region has no arrays of
   floating point.  They are of kind STATE_TRAP: nothing to measure on.  */
unsigned verifier__specials (struct verifier *verifier, const struct test *from, unsigned n_from, struct arena *arena,
                             struct test *tests, unsigned most);

/* What measuring needs, owned by VERIFIER: the generator and layout.  */
struct states *verifier__states (struct verifier *verifier);
const struct layout *verifier__layout (const struct verifier *verifier);
const struct image *verifier__original (const struct verifier *verifier);

#endif
