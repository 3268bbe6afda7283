/* Inside term/: making terms as they are, without simplifying.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TERM_INTERNAL_H
#define AIOPT_TERM_INTERNAL_H

#include "term/term.h"

/* The term with just these parts: found, or made.  NUMBER and WORDS as the operation has them.  */
const struct term *store__term (struct terms *terms, enum term_op op, unsigned width, uint32_t number,
                                const struct term *const *args, unsigned n_args, const uint64_t *words,
                                unsigned n_words);

/* Scratch memory of the store, freed with it.  */
struct arena *store__arena (struct terms *terms);

/* The low WIDTH bits of VALUE, WIDTH 1..64.  */
static inline uint64_t
word__cut (uint64_t value, unsigned width)
{
  return width >= 64 ? value : value & ((UINT64_C (1) << width) - 1);
}

static inline int64_t
word__sign (uint64_t value, unsigned width)
{
  unsigned shift = 64 - width;
  return (int64_t) (value << shift) >> shift;
}

#endif
