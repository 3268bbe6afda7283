/* A parity block, as in RAID 5.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
xor_parity (uint8_t *parity, const uint8_t *a, const uint8_t *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    parity[i] = a[i] ^ b[i] ^ 0x5a;
}

static uint64_t
run (struct work *work)
{
  xor_parity (work->c, work->a, work->b, work->size);
  return ((uint8_t *) work->c)[work->size / 2];
}

KERNEL ("xor_parity", "checksums", DATA_RANDOM, 3, run);
