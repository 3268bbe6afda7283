/* Numbers: products, filters, norms.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "assay.h"

int32_t
dot16 (const int16_t *a, const int16_t *b, size_t n)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (uint32_t) (a[i] * b[i]);
  return (int32_t) sum;
}

/* C = A B, square, modulo 2^32.  */
void
matrix_multiply (const int32_t *a, const int32_t *b, int32_t *c, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      for (size_t j = 0; j < n; j++)
        c[i * n + j] = 0;
      for (size_t k = 0; k < n; k++)
        {
          uint32_t x = (uint32_t) a[i * n + k];
          for (size_t j = 0; j < n; j++)
            c[i * n + j] = (int32_t) ((uint32_t) c[i * n + j] + x * (uint32_t) b[k * n + j]);
        }
    }
}

/* A finite impulse response filter: OUT[N] from SIGNAL[N + N_TAPS - 1].  */
void
filter_float (const float *signal, const float *taps, float *out, size_t n, size_t n_taps)
{
  for (size_t i = 0; i < n; i++)
    out[i] = 0;
  for (size_t t = 0; t < n_taps; t++)
    {
      float tap = taps[t];
      for (size_t i = 0; i < n; i++)
        out[i] += tap * signal[i + t];
    }
}

uint64_t
sum_squares (const int32_t *v, size_t n)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (uint64_t) ((int64_t) v[i] * v[i]);
  return sum;
}
