/* Floats widened and scaled.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT void
scale_double (double *out, const float *in, double factor, size_t n)
{
  for (size_t i = 0; i < n; i++)
    out[i] = in[i] * factor + 1.0;
}

static uint64_t
run (struct work *work)
{
  scale_double (work->c, work->a, 3.25, work->size);
  return bits_of (((double *) work->c)[work->size / 2]);
}

KERNEL ("scale_double", "linear", DATA_FLOAT, 12, run);
