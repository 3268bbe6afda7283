/* A multiply-rotate hash in eight lanes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

static inline uint32_t
rotate (uint32_t x, int by)
{
  return x << by | x >> (32 - by);
}

HOT void
lane_hash (uint32_t state[8], const uint32_t *words, size_t n_blocks)
{
  for (size_t block = 0; block < n_blocks; block++)
    for (int lane = 0; lane < 8; lane++)
      {
        uint32_t x = words[block * 8 + lane] * 0xcc9e2d51u;
        x = rotate (x, 15) * 0x1b873593u;
        state[lane] = rotate (state[lane] ^ x, 13) * 5 + 0xe6546b64u;
      }
}

static uint64_t
run (struct work *work)
{
  uint32_t state[8] = { 0 };
  lane_hash (state, work->a, work->size / 8);
  return state[0] ^ (uint64_t) state[7] << 32;
}

KERNEL ("lane_hash", "hashes", DATA_RANDOM, 4, run);
