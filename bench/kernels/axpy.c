/* BLAS saxpy.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
axpy (float *y, const float *x, float a, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = a * x[i] + y[i];
}

static uint64_t
run (struct work *work)
{
  axpy (work->c, work->a, 0.5f, work->size);
  return bits_of (((float *) work->c)[work->size / 2]);
}

KERNEL ("axpy", "linear", DATA_FLOAT, 8, run);
