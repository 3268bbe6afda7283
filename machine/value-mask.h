/* Which bits of a value of the region's mean something.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VALUE_MASK_H
#define AIOPT_VALUE_MASK_H

#include "machine/region.h"
#include <stddef.h>

/* MASK[SIZE], bit by bit, of VALUE's bytes, from its type (padding bits and bytes are 0).  */
void value__mask (const struct region *region, const struct value *value, uint8_t *mask, size_t size);

/* The low SIZE bytes of a word; all of it from 8 on.  */
static inline uint64_t
low_bytes__mask (uint64_t size)
{
  return size >= 8 ? UINT64_MAX : (UINT64_C (1) << (8 * size)) - 1;
}

#endif
