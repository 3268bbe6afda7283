/* Which bits of a value of the region's mean something.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VALUE_MASK_H
#define AIOPT_VALUE_MASK_H

#include "machine/region.h"
#include <stddef.h>

/* MASK[SIZE], bit by bit, of VALUE's bytes, from its type (padding bits and bytes are 0).  */
void value__mask (const struct region *region, const struct value *value, uint8_t *mask, size_t size);

#endif
