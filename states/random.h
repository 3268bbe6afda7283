/* The generator's randomness: every choice is a function of a seed, so that a test can be made again.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_STATES_RANDOM_H
#define AIOPT_STATES_RANDOM_H

#include "machine/mix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rng
{
  uint64_t state;
};

/* A hash of two words.  */
static inline uint64_t
mix2 (uint64_t a, uint64_t b)
{
  return mix64 (mix64 (a) ^ b);
}

static inline uint64_t
rng__next (struct rng *rng)
{
  return splitmix64 (&rng->state);
}

/* 0 .. BOUND-1; 0 where BOUND is 0.  */
static inline uint64_t
rng__below (struct rng *rng, uint64_t bound)
{
  return (uint64_t) (((unsigned __int128) rng__next (rng) * bound) >> 64);
}

/* True NUMERATOR times in DENOMINATOR.  */
static inline bool
rng__chance (struct rng *rng, unsigned numerator, unsigned denominator)
{
  return rng__below (rng, denominator) < numerator;
}

/* Fills TO[SIZE]; SIZE is a multiple of 8.  */
static inline void
rng__fill (struct rng *rng, void *to, size_t size)
{
  for (size_t i = 0; i + 8 <= size; i += 8)
    {
      uint64_t word = rng__next (rng);
      memcpy ((char *) to + i, &word, 8);
    }
}

#endif
