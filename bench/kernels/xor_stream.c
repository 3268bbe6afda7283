/* A xorshift key stream applied to words.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
xor_stream (uint64_t *to, const uint64_t *from, uint64_t key, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      key ^= key << 13;
      key ^= key >> 7;
      key ^= key << 17;
      to[i] = from[i] ^ key;
    }
}

static uint64_t
run (struct work *work)
{
  xor_stream (work->c, work->a, 0x123456789abcdefu, work->size);
  return spread_sum (work->c, 8 * work->size);
}

KERNEL ("xor_stream", "crypto", DATA_RANDOM, 16, run);
