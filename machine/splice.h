/* Putting a candidate in the place of a function in GCC's captured text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SPLICE_H
#define AIOPT_SPLICE_H

#include "machine/code.h"

/* CAPTURED[LENGTH] is everything GCC printed between the passes around `final` for one function.
   Gives the same text with the body replaced by CODE: what stands before and after the body stays;
   every label and .loc that something outside may refer to (.LVL, .LBB, .LBE, .LVU, .LFB, .LFE,
   .LCOLD, .LHOT, .Ltext …) stays, in order, at the function's start, followed by a .loc of its
   first line; the cold part keeps its labels and loses its instructions; endbr64 stays where it
   was; unwind directives are derived from CODE's own instructions (cfi.h), never taken over;
   CODE's local labels become .Laiopt<SERIAL>_<n>, its data goes to .rodata; the assembler is left in the
   section GCC believes it is in.  Returns 0 and a malloc'ed text (the caller frees), or -1 and *WHY.  */
int splice__function (const char *captured, size_t length, const struct code *code,
                      unsigned serial, char **text, struct why *why);

#endif
