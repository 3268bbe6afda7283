/* Mixing the bits of a word, and the generator that is made of it: SplitMix64 (Steele, Lea, Flood, "Fast splittable
   pseudorandom number generators", OOPSLA 2014).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MIX_H
#define AIOPT_MIX_H

#include <stdint.h>

static inline uint64_t
mix64 (uint64_t x)
{
  x += UINT64_C (0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C (0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* The next number of the sequence that begins with seed *STATE.  */
static inline uint64_t
splitmix64 (uint64_t *state)
{
  uint64_t value = mix64 (*state);
  *state += UINT64_C (0x9e3779b97f4a7c15);
  return value;
}

/* What a register holds that nobody set, from RANDOM: anything, and often no large number.  What code makes of one shows only
   where it is on the right side of an address or a size.  */
static inline uint64_t
mix__leftover (uint64_t random)
{
  switch (mix64 (random) % 12)
    {
    case 0: return 0;
    case 1: return random & 63;
    case 2: return random & UINT32_MAX;
    case 3: return random >> 63 ? UINT64_MAX : ~(random & 127);
    case 4: return random >> 1;
    case 5: return -(random & UINT32_MAX);
    default: return random;
    }
}

#endif
