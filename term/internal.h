/* Inside term/: making terms as they are, without simplifying; the linear and the piecewise view of a term.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TERM_INTERNAL_H
#define AIOPT_TERM_INTERNAL_H

#include "term/term.h"

/* The term with just these parts: found, or made.  NUMBER and WORDS as the operation has them.  */
const struct term *store__term (struct terms *terms, enum term_op op, unsigned width, uint32_t number,
                                const struct term *const *args, unsigned n_args, const uint64_t *words,
                                unsigned n_words);

/* Where the result of a constructor on A, KEY saying which, is remembered for a while; *result NULL: not known.  KEY
   is low << 16 | width for extracts, MEMO_NOT for complements.  */
#define MEMO_NOT UINT32_MAX
const struct term **store__memo (struct terms *terms, const struct term *a, uint32_t key);

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

/* BIT of CONSTANT, which is wide.  */
static inline bool
const__bit (const struct term *constant, unsigned bit)
{
  return constant->words[bit / 64] >> (bit % 64) & 1;
}

/* sum.c.  CONSTANT + sum of COEF[i] * ARG[i] modulo 2^WIDTH, WIDTH 2..64; arguments sorted by id, coefficients not 0.
   ARG and COEF have room for CAPACITY.  linear__make gives the term (in normal form).  */
struct linear
{
  unsigned width, n, capacity;
  uint64_t constant;
  const struct term **arg;
  uint64_t *coef;
};

enum { LINEAR_FIRST = 16 };
#define LINEAR_NEW(NAME, WIDTH)                                                                    \
  const struct term *NAME##__arg[LINEAR_FIRST];                                                    \
  uint64_t NAME##__coef[LINEAR_FIRST];                                                             \
  struct linear NAME = { .width = (WIDTH), .capacity = LINEAR_FIRST, .arg = NAME##__arg, .coef = NAME##__coef }

/* LINEAR += FACTOR * A.  */
void linear__add (struct terms *terms, struct linear *linear, const struct term *a, uint64_t factor);
const struct term *linear__make (struct terms *terms, struct linear *linear);

/* condition.c.  The sign of SUM as a comparison, or NULL.  */
const struct term *sum__sign (struct terms *terms, const struct term *sum);

/* shape.c.  A from its lowest bit on as at most MAX pieces; one, A itself, where it has no structure or too much.  */
enum { PIECES_MAX = TERM_WIDTH_MAX };
unsigned term__pieces (struct terms *terms, const struct term *a, const struct term **piece, unsigned max);

/* What remains of two lists of pieces when both are cut wherever one of them is.  */
struct cutter
{
  const struct term **piece[2];
  unsigned n[2], at[2], used[2]; /* bits of the piece at AT that are used up */
};
/* The next parts of the same width, or false at the end.  */
bool cutter__next (struct terms *terms, struct cutter *cutter, const struct term **a, const struct term **b);

/* function__compute of one family of functions: false where FUNCTION is of another.  */
bool function__compute_bits (enum term_function function, const uint64_t *const *arg, const unsigned *width,
                             uint64_t *result);
bool function__compute_float (enum term_function function, const uint64_t *const *arg, uint64_t *result);
bool function__compute_cipher (enum term_function function, const uint64_t *const *arg, uint64_t *result);

#endif
