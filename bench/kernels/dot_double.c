/* The dot product of doubles, summed in order.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT double
dot_double (const double *a, const double *b, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

static uint64_t
run (struct work *work)
{
  return bits_of (dot_double (work->a, work->b, work->size));
}

KERNEL ("dot_double", "linear", DATA_DOUBLE, 16, run);
