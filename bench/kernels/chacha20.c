/* The block function of ChaCha20 (RFC 8439) and the stream applied.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

static inline uint32_t
rotate (uint32_t x, int by)
{
  return x << by | x >> (32 - by);
}

#define QUARTER(A, B, C, D)                                                                        \
  x[A] += x[B], x[D] = rotate (x[D] ^ x[A], 16), x[C] += x[D], x[B] = rotate (x[B] ^ x[C], 12),     \
    x[A] += x[B], x[D] = rotate (x[D] ^ x[A], 8), x[C] += x[D], x[B] = rotate (x[B] ^ x[C], 7)

HOT void
chacha20_block (uint32_t out[16], const uint32_t in[16], const uint32_t state[16])
{
  uint32_t x[16];
  for (int i = 0; i < 16; i++)
    x[i] = state[i];
  for (int i = 0; i < 10; i++)
    {
      QUARTER (0, 4, 8, 12);
      QUARTER (1, 5, 9, 13);
      QUARTER (2, 6, 10, 14);
      QUARTER (3, 7, 11, 15);
      QUARTER (0, 5, 10, 15);
      QUARTER (1, 6, 11, 12);
      QUARTER (2, 7, 8, 13);
      QUARTER (3, 4, 9, 14);
    }
  for (int i = 0; i < 16; i++)
    out[i] = in[i] ^ (x[i] + state[i]);
}

static uint64_t
run (struct work *work)
{
  uint32_t state[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 10, 11 };
  const uint32_t *in = work->a;
  uint32_t *out = work->c;
  for (size_t i = 0; i + 16 <= work->size; i += 16)
    {
      chacha20_block (out + i, in + i, state);
      state[12]++;
    }
  return spread_sum (out, 4 * work->size);
}

KERNEL ("chacha20", "crypto", DATA_RANDOM, 8, run);
