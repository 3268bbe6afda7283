/* A matrix of doubles times a vector.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
matvec (double *restrict y, const double *restrict a, const double *restrict x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      double sum = 0;
      for (size_t j = 0; j < n; j++)
        sum += a[i * n + j] * x[j];
      y[i] = sum;
    }
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
  matvec (work->c, work->a, work->b, n);
  return bits_of (((double *) work->c)[n - 1]);
}

KERNEL ("matvec", "linear", DATA_DOUBLE, 8, run);
