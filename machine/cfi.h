/* Unwind information derived from a function's own instructions.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CFI_H
#define AIOPT_CFI_H

#include "machine/code.h"

/* Follows the stack pointer, a frame pointer and the saved callee-saved registers through CODE, from
   the state at a function's entry.  Gives in *BEFORE one text for each item, NULL or the .cfi
   directives (whole lines) to print before it, so that the rows between .cfi_startproc and
   .cfi_endproc are true at every instruction that can be reached.  An array in ARENA.
   0; or -1 and *WHY (CFI) where the state can't be followed, differs where paths meet, or isn't the
   entry's where the function is left.  */
int cfi__derive (struct arena *arena, const struct code *code, const char *const **before,
                 struct why *why);

#endif
