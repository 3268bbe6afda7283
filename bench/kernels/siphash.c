/* SipHash-2-4 over whole words.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

static inline uint64_t
rotate (uint64_t x, int by)
{
  return x << by | x >> (64 - by);
}

#define ROUND                                                                                      \
  do                                                                                               \
    {                                                                                              \
      v0 += v1;                                                                                    \
      v2 += v3;                                                                                    \
      v1 = rotate (v1, 13) ^ v0;                                                                   \
      v3 = rotate (v3, 16) ^ v2;                                                                   \
      v0 = rotate (v0, 32);                                                                        \
      v2 += v1;                                                                                    \
      v0 += v3;                                                                                    \
      v1 = rotate (v1, 17) ^ v2;                                                                   \
      v3 = rotate (v3, 21) ^ v0;                                                                   \
      v2 = rotate (v2, 32);                                                                        \
    }                                                                                              \
  while (0)

HOT uint64_t
siphash (const uint64_t *words, size_t n, uint64_t k0, uint64_t k1)
{
  uint64_t v0 = k0 ^ 0x736f6d6570736575u, v1 = k1 ^ 0x646f72616e646f6du;
  uint64_t v2 = k0 ^ 0x6c7967656e657261u, v3 = k1 ^ 0x7465646279746573u;
  for (size_t i = 0; i < n; i++)
    {
      v3 ^= words[i];
      ROUND;
      ROUND;
      v0 ^= words[i];
    }
  v2 ^= 0xff;
  for (int i = 0; i < 4; i++)
    ROUND;
  return v0 ^ v1 ^ v2 ^ v3;
}

static uint64_t
run (struct work *work)
{
  return siphash (work->a, work->size, 0x0706050403020100u, 0x0f0e0d0c0b0a0908u);
}

KERNEL ("siphash", "hashes", DATA_RANDOM, 8, run);
