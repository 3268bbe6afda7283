/* Hashes: of a whole file in lanes, of fixed rows, and rolling.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "assay.h"

static inline uint32_t
rotate (uint32_t x, int by)
{
  return x << by | x >> (32 - by);
}

/* Sixteen independent multiply-rotate lanes, a block of sixteen words at a time.  */
void
hash_lanes (uint32_t state[16], const uint32_t *words, size_t n_blocks)
{
  for (size_t block = 0; block < n_blocks; block++)
    for (int lane = 0; lane < 16; lane++)
      {
        uint32_t x = words[block * 16 + lane] * 0xcc9e2d51u;
        x = rotate (x, 15) * 0x1b873593u;
        state[lane] = rotate (state[lane] ^ x, 13) * 5 + 0xe6546b64u;
      }
}

/* One word from the sixteen lanes.  */
uint32_t
hash_fold (const uint32_t state[16])
{
  uint32_t h = 0;
  for (int lane = 0; lane < 16; lane++)
    {
      h = rotate (h ^ state[lane], 7) * 0x85ebca6bu;
      h ^= h >> 13;
    }
  return h;
}

/* A multiplicative signature for each ROW bytes of P[N].  */
void
row_signatures (const uint8_t *p, size_t n, size_t row, uint32_t *signature)
{
  for (size_t r = 0; r < n / row; r++)
    {
      uint32_t h = 0x811c9dc5u;
      const uint8_t *q = p + r * row;
      for (size_t i = 0; i < row; i++)
        h += (uint32_t) (q[i] + 1) * ((uint32_t) i * 0x9e3779b1u | 1);
      signature[r] = h ^ h >> 15;
    }
}

/* The gear hash of every position, as content-defined chunking uses it.  */
void
gear_hashes (const uint8_t *p, size_t n, uint64_t *hash)
{
  for (size_t i = 7; i < n; i++)
    {
      uint64_t h = 0;
      for (int k = 0; k < 8; k++)
        h += (uint64_t) (p[i - k] * 0x9e3779b97f4a7c15u) << k;
      hash[i] = h;
    }
}
