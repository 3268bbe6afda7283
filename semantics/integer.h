/* Inside semantics/: the families of general-purpose instructions.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SEMANTICS_INTEGER_H
#define AIOPT_SEMANTICS_INTEGER_H

#include "semantics/internal.h"

/* A mnemonic and what does it.  */
struct form
{
  ZydisMnemonic mnemonic;
  int (*apply) (struct run *run);
};

struct family
{
  const struct form *form;
  unsigned n;
};

#define FAMILY(FORMS) { (FORMS), sizeof (FORMS) / sizeof *(FORMS) }

extern const struct family family__move, family__arithmetic, family__shift, family__bits, family__multiply,
  family__control;

int (*string__find (const struct meaning *meaning)) (struct run *run);

/* The condition of jcc, setcc, cmovcc: all have it in the low four bits of the opcode.  */
const struct term *run__condition (struct run *run);

/* The flags after A - B and after a logical operation; both give the result.  */
const struct term *flags__sub (struct run *run, const struct term *a, const struct term *b);
const struct term *flags__logic (struct run *run, const struct term *result);
/* FLAG is VALUE from now on, or (NULL) undefined; the other flags stay.  */
void flags__set (struct sym_flags *flags, enum flag flag, const struct term *value);

/* On and off the stack, 64 bits.  */
int stack__push (struct run *run, const struct term *value);
const struct term *stack__pop (struct run *run);

#endif
