/* What the terms of semantics/ say that a form does, worked out once and evaluated on many states.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TESTSUITE_PREDICT_H
#define AIOPT_TESTSUITE_PREDICT_H

#include "sandbox/sandbox.h"
#include "semantics/semantics.h"
#include "testsuite/semantics/inputs.h"

enum /* what the terms expect instead of going on, as bits */
{
  EXPECT_DIVIDE = 1,  /* SIGFPE */
  EXPECT_FAULT = 2,   /* SIGSEGV, SIGBUS */
  EXPECT_TRAP = 4,    /* SIGILL, SIGTRAP */
  EXPECT_UNKNOWN = 8  /* what it accesses, or whether it traps, depends on unknowns: nothing can be compared */
};

struct prediction;

/* 0, or -1 and *WHY where semantics doesn't model FORM.  *PREDICTION is to be freed either way.  */
int prediction__make (const struct form *form, struct prediction **prediction, struct why *why);
void prediction__free (struct prediction *prediction);

/* Whether FORM can change vector registers.  */
bool prediction__has_vectors (const struct prediction *prediction);

/* What FORM makes of BEFORE, into *AFTER (of rflags the six arithmetic flags; vectors only where it can change some) and
   PAGE[INPUTS_PAGE], where BEFORE has a page.  Bits that the terms leave open are taken from what was found,
   FOUND and FOUND_PAGE.  Gives EXPECT_… bits; unless they are 0 AFTER and PAGE mean nothing.  STACK_POINTER is what
   rsp is at entry.  */
unsigned prediction__run (struct prediction *prediction, const struct state *before,
                          uint64_t stack_pointer, const struct machine_state *found,
                          const uint8_t *found_page, struct machine_state *after, uint8_t *page);

#endif
