/* A short look at a candidate: refutes most wrong ones in some milliseconds, and never accepts any.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TUNER_QUICK_H
#define AIOPT_TUNER_QUICK_H

#include "machine/candidate.h"
#include "verify/verify.h"

struct quick;

/* VERIFIER must outlive it.  About SECONDS are spent on making tests.  0, or -1 and *WHY.  */
int quick__open (const struct region *region, struct verifier *verifier, double seconds,
                 struct quick **quick, struct why *why);
/* The tests that it runs.  */
const struct test *quick__tests (const struct quick *quick, unsigned *n);
void quick__close (struct quick *quick);

/* May CANDIDATE be worth a measurement?  True where nothing speaks against it so far; false and *WHY, and where a
   test refuted it *COUNTEREXAMPLE, malloc'ed, otherwise.  */
bool quick__check (struct quick *quick, const struct candidate *candidate, struct why *why,
                   char **counterexample);

/* Would the plugin be able to put CODE into GCC's text?  0, or -1 and *WHY.  */
int quick__splice (const struct region *region, const struct candidate *candidate, struct why *why);

#endif
