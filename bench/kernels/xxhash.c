/* A hash like xxHash64: four lanes over whole stripes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

static inline uint64_t
rotate (uint64_t x, int by)
{
  return x << by | x >> (64 - by);
}

HOT uint64_t
xxhash (const uint64_t *words, size_t n, uint64_t seed)
{
  const uint64_t prime1 = 0x9e3779b185ebca87u, prime2 = 0xc2b2ae3d27d4eb4fu;
  uint64_t lane[4] = { seed + prime1 + prime2, seed + prime2, seed, seed - prime1 };
  for (size_t i = 0; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; k++)
      lane[k] = rotate (lane[k] + words[i + k] * prime2, 31) * prime1;
  uint64_t h = rotate (lane[0], 1) + rotate (lane[1], 7) + rotate (lane[2], 12) + rotate (lane[3], 18);
  h ^= h >> 33;
  h *= prime2;
  return h ^ h >> 29;
}

static uint64_t
run (struct work *work)
{
  return xxhash (work->a, work->size, 1);
}

KERNEL ("xxhash", "hashes", DATA_RANDOM, 8, run);
