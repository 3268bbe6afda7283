/* SplitMix finaliser over an array of keys.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
mix_keys (uint64_t *out, const uint64_t *key, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint64_t x = key[i];
      x ^= x >> 30;
      x *= 0xbf58476d1ce4e5b9u;
      x ^= x >> 27;
      x *= 0x94d049bb133111ebu;
      out[i] = x ^ x >> 31;
    }
}

static uint64_t
run (struct work *work)
{
  mix_keys (work->c, work->a, work->size);
  return ((uint64_t *) work->c)[work->size - 1];
}

KERNEL ("mix_keys", "hashes", DATA_RANDOM, 16, run);
