/* Random machine states on which a form can tell what it does.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TESTSUITE_INPUTS_H
#define AIOPT_TESTSUITE_INPUTS_H

#include "sandbox/sandbox.h"
#include "states/random.h"
#include "testsuite/semantics/forms.h"

/* Memory is one page; pointers point into it.  */
enum { INPUTS_SLOT = 40, INPUTS_PAGE = SANDBOX_PAGE };

static inline uint64_t
inputs__page (void)
{
  return slot__begin (INPUTS_SLOT);
}

/* What a form's registers are for.  */
struct recipe
{
  uint16_t pointer;       /* general registers that are a base address */
  uint16_t index;         /* … that are scaled and added to one */
  uint16_t bit;           /* … that count bits from one */
  uint32_t vec;           /* vector registers named */
  uint32_t index4, index8;/* … that are indices of 4, 8 bytes */
  uint8_t mask;           /* mask registers named */
  bool memory;            /* it accesses memory */
  bool vectors;           /* it may know of vector or mask registers */
  bool divide, repeat, floating;
  unsigned n_insns;
};

/* -1 where FORM's bytes can't be decoded.  */
int recipe__make (const struct form *form, struct recipe *recipe);

/* Makes *STATE's page and all registers, random by *RNG, whatever the form; unless WIDE of vector registers the low 16
   bytes of the first 16 alone, which the sandbox loads faster.  */
void inputs__begin (struct state *state, bool wide, struct rng *rng);

/* Draws anew all that RECIPE's form looks at.  */
void inputs__draw (struct state *state, const struct recipe *recipe, struct rng *rng);

#endif
