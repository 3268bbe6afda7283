/* The workshop: a private temporary folder in which units are preprocessed once and compiled
   once a variant, shared between the threads and forked workers of one run.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_WORKSHOP_H
#define AIOPT_WORKSHOP_H

#include "policy/options.h"
#include "policy/policy.h"

enum variant_compiler { VARIANT_GCC, VARIANT_CLANG };

struct variant
{
  enum variant_compiler compiler;
  const char *flags; /* as in variants.def */
};

/* The variants of variants.def.  */
const struct variant *variant__all (unsigned *n);

/* A unit as one region wants it compiled.  */
struct unit;

/* REGION must outlive UNIT.  -1 and *WHY where its source isn't known or can't be had.  */
int unit__open (struct workshop *workshop, const struct region *region, struct unit **unit,
                struct why *why);
void unit__close (struct unit *unit);

/* The assembler output of UNIT under VARIANT: a malloc'ed text.  1 where it is there, 0 where this variant
   is none for this unit (no clang, no such vectors, no profile), -1 and *WHY where compiling failed.
   No compile takes longer than LIMIT_SECONDS (or 30 s).  */
int unit__compile (struct unit *unit, const struct variant *variant, double limit_seconds,
                   char **text, size_t *length, struct why *why);

/* Compiles UNIT's variants from FIRST on in a process of its own, until DEADLINE (on clock__now's clock), so that
   unit__compile finds them done.  NULL where none could be started; prefetch__stop takes NULL too, and
   leaves no compiler running.  */
struct prefetch;
struct prefetch *prefetch__start (struct workshop *workshop, struct unit *unit, unsigned first,
                                  double deadline);
void prefetch__stop (struct prefetch *prefetch);

/* "gcc-12 -O3 -march=native": what made the variant, in the words of a command line; malloc'ed,
   NULL where the variant is none for this unit.  */
char *unit__describe (const struct unit *unit, const struct variant *variant);

/* How a source text of somebody's is to be compiled.  */
struct source_options
{
  const struct arguments *extra;     /* options besides REGION's */
  bool inline_all;                   /* inline all helpers */
  bool alone;                        /* nothing of the user's reaches it: no folders of headers, no macros, no dialect; for texts
                                        that source__check has seen */
  double limit_seconds;
  const volatile sig_atomic_t *stop; /* may be NULL */
};

/* Compiles SOURCE[LENGTH], a text in REGION's language, with REGION's options and its allowed ISA, in a temporary
   folder of its own, with limits on time, memory and what is written.  0 and malloc'ed *TEXT, or -1 and *WHY with the compiler's
   first error.  */
int source__compile (const struct region *region, const char *source, size_t source_length,
                     const struct source_options *how, char **text, size_t *length, struct why *why);

/* The stop flag of workshop__stop_on, NULL where there is none.  */
const volatile sig_atomic_t *workshop__stop (const struct workshop *workshop);

/* Those of workshop__ask; NULL where nobody may be asked.  */
const struct model_settings *workshop__settings (const struct workshop *workshop);
struct account *workshop__account (const struct workshop *workshop);

/* The driver that compiled REGION.  */
const char *region__driver (const struct region *region);

#endif
