/* A square matrix of 32-bit numbers transposed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
transpose (uint32_t *restrict to, const uint32_t *restrict from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      to[j * n + i] = from[i * n + j];
}

static size_t
side (size_t n)
{
  size_t root = 1;
  while ((root + 1) * (root + 1) <= n)
    root++;
  return root;
}

static uint64_t
run (struct work *work)
{
  size_t n = side (work->size);
  transpose (work->c, work->a, n);
  return spread_sum (work->c, 4 * n * n);
}

KERNEL ("transpose", "linear", DATA_RANDOM, 8, run);
