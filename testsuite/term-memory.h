/* Memory as terms, byte by byte: what a test's machine of terms loads and stores.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TERM_MEMORY_H
#define AIOPT_TERM_MEMORY_H

#include "term/term.h"

/* BYTES (at most 64) of MEMORY at ADDRESS, the lowest address in the lowest bits.  */
static inline const struct term *
term_memory__load (struct terms *terms, const struct term *memory, const struct term *address, unsigned bytes)
{
  const struct term *part[64];
  for (unsigned i = 0; i < bytes; i++)
    part[i] = term__load (terms, memory, term__add (terms, address, term__const (terms, 64, i)));
  return term__join (terms, part, bytes);
}

/* MEMORY with VALUE at ADDRESS where WHEN (NULL: always).  */
static inline const struct term *
term_memory__store (struct terms *terms, const struct term *memory, const struct term *address,
                    const struct term *value, const struct term *when)
{
  if (!when)
    when = term__true (terms);
  for (unsigned i = 0; i < value->width / 8u; i++)
    memory = term__store (terms, memory, term__add (terms, address, term__const (terms, 64, i)),
                          term__extract (terms, value, 8 * i, 8), when);
  return memory;
}

#endif
