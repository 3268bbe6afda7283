/* Floating point as exact uninterpreted operations, one call a lane, and the sticky flags that they raise.
   Round to nearest, no flushing, all exceptions masked: what MXCSR is by default, and what the contract holds it to.

   A comparison is one 2-bit call for less, equal, greater and unordered, whose arguments are in the order of their
   terms, so that a < b and b > a, and scalar and vector code, are the same bits.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_FLOAT_H
#define AIOPT_FLOAT_H

#include "semantics/vector.h"

/* The function for lanes of 32 or of 64 bits.  */
#define FLOAT_FUNCTION(NAME, WIDTH) ((WIDTH) == 32 ? FUNCTION_##NAME##32 : FUNCTION_##NAME##64)
#define FLOAT_FLAGS(NAME, WIDTH) ((WIDTH) == 32 ? FUNCTION_##NAME##32_FLAGS : FUNCTION_##NAME##64_FLAGS)

/* Lane I (under its mask bit, where masked) raises what FUNCTION gives for ARGS.  */
void float__raise (struct vec *vec, unsigned i, enum term_function function, const struct term *const *args,
                   unsigned n);
/* The same for a function whose two arguments may change places.  */
void float__raise_either (struct vec *vec, unsigned i, enum term_function function, const struct term *a,
                          const struct term *b);

/* Conditions on numbers of one width.  */
const struct term *float__less (struct terms *terms, const struct term *a, const struct term *b);
const struct term *float__equal (struct terms *terms, const struct term *a, const struct term *b);
const struct term *float__unordered (struct terms *terms, const struct term *a, const struct term *b);
/* Lane I raises what comparing raises: invalid for a quiet NaN too where SIGNALLING.  */
void float__raise_compare (struct vec *vec, unsigned i, const struct term *a, const struct term *b, bool signalling);

#endif
