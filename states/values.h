/* Values for scalars and for the elements of objects, by profile.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_STATES_VALUES_H
#define AIOPT_STATES_VALUES_H

#include "machine/region.h"
#include "states/random.h"
#include "states/states.h"

/* What the integers in an object look like.  Each is a function of seed and index alone, so that an
   object keeps its contents when it grows.  */
enum content_profile
{
  CONTENT_RANDOM,
  CONTENT_TINY,         /* 0..3 */
  CONTENT_SMALL,        /* 0..15 */
  CONTENT_SIGNED,       /* -8..7 */
  CONTENT_BYTE,         /* 0..255 */
  CONTENT_TEXT,         /* words, digits, punctuation */
  CONTENT_SORTED,
  CONTENT_EQUAL,
  CONTENT_FEW,          /* one of three values */
  CONTENT_SPARSE,       /* mostly zero */
  CONTENT_BOUNDARY,     /* near powers of two */
  CONTENT_CONSTANT,     /* near constants of the code */
  CONTENT_INDEX,        /* below the index, as links into an array do */
  CONTENT_EXTREME,      /* the type's limits and -1: all one of them, in turn, or at random */
  CONTENT_CLASS,        /* characters of one kind: digits, letters, from a constant of the code on */
  CONTENT_PROFILES
};

/* What floating-point numbers in an object look like.  */
enum float_profile
{
  FLOAT_UNIT,           /* -1..1 */
  FLOAT_WHOLE,          /* small integers */
  FLOAT_SCALES,         /* magnitudes from 2^-30 to 2^30 */
  FLOAT_BITS,           /* any bit pattern */
  FLOAT_SPECIAL,        /* many NaNs, zeros, denormals, infinities */
  FLOAT_RARE,           /* mostly ordinary, some special */
  FLOAT_EQUAL,
  FLOAT_SORTED,
  FLOAT_PROFILES
};

/* What one scalar parameter looks like.  */
enum scalar_profile
{
  SCALAR_SIZE,          /* 0..70, around multiples of vector widths */
  SCALAR_LENGTH,        /* up to some hundreds */
  SCALAR_BOUNDARY,      /* type limits, powers of two, -1, 0 */
  SCALAR_CONSTANT,      /* near a constant of the code */
  SCALAR_RANDOM,
  SCALAR_SIGNED,        /* -8..8 */
  SCALAR_BYTE,          /* 0..255 */
  SCALAR_RELATED,       /* at most an earlier scalar, or around it */
  SCALAR_MEMORY,        /* a value that is in one of the objects */
  SCALAR_MAGNITUDE,     /* random number of bits */
  SCALAR_PROFILES
};

/* Constants seen in the code, then numbers derived from them.  */
enum { POOL_MAX = 512, POOL_BASE_MAX = 96 };

struct pool
{
  unsigned n, n_base;
  int64_t value[POOL_MAX];
};

void pool__add (struct pool *pool, int64_t value);

/* Adds the immediates and displacements of CODE, and the words of its data.  */
void pool__scan (struct pool *pool, const struct code *code);

/* Adds what compilers and people make of constants: negated, byte-swapped, scaled by element sizes, sums,
   differences and products of two.  After the last pool__scan.  */
void pool__derive (struct pool *pool);

/* One of them: as often a constant itself as one derived.  POOL isn't empty.  */
int64_t pool__pick (const struct pool *pool, uint64_t random);

/* Element INDEX of an integer array of SIZE-byte elements (1..8; larger ones are made of words).  */
uint64_t content__integer (enum content_profile profile, uint64_t seed, int64_t index,
                           unsigned size, bool is_signed, const struct pool *pool);

/* COUNT elements from FIRST on, written to TO.  */
void content__integers (enum content_profile profile, uint64_t seed, int64_t first, uint64_t count,
                        unsigned size, bool is_signed, const struct pool *pool, uint8_t *to);

/* Element INDEX of an array of floating-point numbers of TYPE, written to TO (type->size bytes); FP holds the
   region's FP_ bits.  */
void content__float (enum float_profile profile, uint64_t seed, int64_t index,
                     const struct type *type, uint32_t fp, uint8_t *to);

/* A length: around vector widths for TYPICAL and BOUNDARY, past unrolling for LARGE (divided by UNIT bytes),
   around a loop's trips for PROFILE.  */
uint64_t value__length (struct rng *rng, enum state_kind kind, const struct region *region,
                        unsigned unit);

/* A scalar of SIZE bytes.  */
uint64_t value__scalar (struct rng *rng, enum scalar_profile profile, enum state_kind kind,
                        const struct region *region, unsigned size, bool is_signed,
                        const struct pool *pool);

#endif
