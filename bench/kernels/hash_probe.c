/* Keys looked up in a half full hash table with linear probing.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT uint32_t
hash_probe (const uint32_t *table, uint32_t mask, uint32_t key)
{
  uint32_t at = key * 0x9e3779b1u & mask;
  while (table[at] != 0 && table[at] != key)
    at = (at + 1) & mask;
  return table[at];
}

static uint32_t
mask_of (size_t n)
{
  uint32_t mask = 1;
  while (2 * (size_t) mask + 1 < n)
    mask = 2 * mask + 1;
  return mask;
}

/* A: the table; B: keys, every other one of the table's.  */
static void
prepare (struct work *work)
{
  uint32_t *table = work->a, *key = work->b, mask = mask_of (work->size);
  memset (table, 0, ((size_t) mask + 1) * sizeof *table);
  for (uint32_t i = 0; i < mask / 2; i++)
    {
      key[i] |= 1;
      if (i % 2)
        continue;
      uint32_t at = key[i] * 0x9e3779b1u & mask;
      while (table[at] != 0)
        at = (at + 1) & mask;
      table[at] = key[i];
    }
}

static uint64_t
run (struct work *work)
{
  const uint32_t *key = work->b;
  uint32_t mask = mask_of (work->size);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < mask / 2; i++)
    sum += hash_probe (work->a, mask, key[i]);
  return sum;
}

PREPARED_KERNEL ("hash_probe", "irregular", DATA_RANDOM, 8, prepare, run);
