/* FNV-1a of 64 bits.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint64_t
fnv1a (const uint8_t *p, size_t n)
{
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < n; i++)
    {
      h ^= p[i];
      h *= 0x100000001b3u;
    }
  return h;
}

static uint64_t
run (struct work *work)
{
  return fnv1a (work->a, work->size);
}

KERNEL ("fnv1a", "hashes", DATA_TEXT, 1, run);
