/* The body of a hash like MurmurHash3, of 32 bits.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

static inline uint32_t
rotate (uint32_t x, int by)
{
  return x << by | x >> (32 - by);
}

HOT uint32_t
murmur (const uint32_t *words, size_t n, uint32_t seed)
{
  uint32_t h = seed;
  for (size_t i = 0; i < n; i++)
    {
      h ^= rotate (words[i] * 0xcc9e2d51u, 15) * 0x1b873593u;
      h = rotate (h, 13) * 5 + 0xe6546b64u;
    }
  h ^= (uint32_t) n * 4;
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return h ^ h >> 16;
}

static uint64_t
run (struct work *work)
{
  return murmur (work->a, work->size, 7);
}

KERNEL ("murmur", "hashes", DATA_RANDOM, 4, run);
