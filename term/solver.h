/* Asking Z3 about terms.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SOLVER_H
#define AIOPT_SOLVER_H

#include "term/term.h"

enum solver_answer
{
  SOLVER_UNSAT,   /* no inputs make all conditions true */
  SOLVER_SAT,     /* the model tells some that do */
  SOLVER_UNKNOWN  /* out of time, or too hard */
};

struct solver;

/* A solver for terms of TERMS.  NULL where Z3 can't be had.  */
struct solver *solver__new (struct terms *terms);
void solver__free (struct solver *solver);

/* Can all of CONDITION[N] (1 bit each) hold together?  At most SECONDS.  The model of SOLVER_SAT is kept until the next
   question.  */
enum solver_answer solver__check (struct solver *solver, const struct term *const *condition, unsigned n,
                                  double seconds);

/* The same, but quicker: loads and uninterpreted functions are any values, so that SOLVER_UNSAT is right and SOLVER_SAT may be
   said of what can't be.  The model is one of that question.  */
enum solver_answer solver__check_roughly (struct solver *solver, const struct term *const *condition, unsigned n,
                                          double seconds);

/* After SOLVER_SAT: the value of TERM in the model (inputs that it leaves open are 0).  Also of loads from
   TERM_MEMORY.  0, or -1 where there is none.  */
int solver__value (struct solver *solver, const struct term *term, uint64_t *words);

/* Questions asked so far, and seconds they took.  */
unsigned solver__questions (const struct solver *solver);
double solver__seconds (const struct solver *solver);

/* "Z3 4.8.12"; static.  */
const char *solver__name (void);

#endif
