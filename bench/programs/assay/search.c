/* Search and order.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "assay.h"

/* How many bits differ.  */
unsigned
hamming (const uint64_t *a, const uint64_t *b, size_t words)
{
  unsigned distance = 0;
  for (size_t i = 0; i < words; i++)
    distance += (unsigned) __builtin_popcountll (a[i] ^ b[i]);
  return distance;
}

/* The signature nearest to QUERY, the first of equals.  */
size_t
nearest (const uint64_t *signatures, size_t n, size_t words, const uint64_t *query)
{
  size_t best = 0;
  unsigned least = ~0u;
  for (size_t i = 0; i < n; i++)
    {
      unsigned distance = hamming (signatures + i * words, query, words);
      if (distance < least)
        {
          least = distance;
          best = i;
        }
    }
  return best;
}

/* The first position whose value is not below VALUE.  */
size_t
lower_bound (const uint32_t *sorted, size_t n, uint32_t value)
{
  size_t low = 0;
  while (n > 0)
    {
      size_t half = n / 2;
      if (sorted[low + half] < value)
        {
          low += half + 1;
          n -= half + 1;
        }
      else
        n = half;
    }
  return low;
}

/* Shell's sort with Ciura's gaps.  */
void
sort_shell (uint32_t *v, size_t n)
{
  static const size_t gap[] = { 15927, 7092, 3158, 1406, 626, 279, 124, 55, 24, 10, 4, 1 };
  for (size_t g = 0; g < sizeof gap / sizeof *gap; g++)
    for (size_t i = gap[g]; i < n; i++)
      {
        uint32_t x = v[i];
        size_t j = i;
        while (j >= gap[g] && v[j - gap[g]] > x)
          {
            v[j] = v[j - gap[g]];
            j -= gap[g];
          }
        v[j] = x;
      }
}

/* The index of the largest value, the first of equals; N for none.  */
size_t
find_max (const int32_t *v, size_t n)
{
  if (n == 0)
    return 0;
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (v[i] > v[best])
      best = i;
  return best;
}

size_t
count_in_range (const int32_t *v, size_t n, int32_t low, int32_t high)
{
  size_t count = 0;
  for (size_t i = 0; i < n; i++)
    count += v[i] >= low && v[i] < high;
  return count;
}
