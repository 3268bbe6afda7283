/* A product of small square matrices of floats.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
matmul (float *restrict c, const float *restrict a, const float *restrict b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < n; k++)
      for (size_t j = 0; j < n; j++)
        c[i * n + j] += a[i * n + k] * b[k * n + j];
}

/* The root of N, at most 200: larger products take too long.  */
static size_t
side (size_t n)
{
  size_t root = 1;
  while (root < 200 && (root + 1) * (root + 1) <= n)
    root++;
  return root;
}

static uint64_t
run (struct work *work)
{
  size_t n = side (work->size);
  memset (work->c, 0, n * n * sizeof (float));
  matmul (work->c, work->a, work->b, n);
  return bits_of (((float *) work->c)[n + 1]);
}

KERNEL ("matmul", "linear", DATA_FLOAT, 12, run);
