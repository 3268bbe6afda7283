/* A proposed replacement, and who proposed it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CANDIDATE_H
#define AIOPT_CANDIDATE_H

#include "machine/region.h"

enum candidate_form { FORM_ASM, FORM_C };

struct candidate
{
  struct arena *arena;         /* owns everything below */
  struct code *code;           /* parsed; named like the region's function */
  enum candidate_form form;    /* as it was proposed */
  const char *source;          /* the text as proposed (C, or assembler), may be NULL */
  const char *policy;          /* "compilers", "exec" … */
  const char *provenance;      /* one line: "gcc-12 -O3 -march=native", "exec:./my-model #3" */
  unsigned proposer, number;   /* which of a list of policies it came from, and which of that one's: for telling it later */
};

void candidate__free (struct candidate *candidate);

#endif
