/* A map from names to small numbers in order of first appearance.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_NAMES_H
#define AIOPT_NAMES_H

#include "machine/arena.h"
#include <stdint.h>

struct name
{
  const char *text;
  size_t length;
  uint32_t hash;
};

struct names
{
  struct arena *arena;
  unsigned n, size;       /* names, and slots: a power of two, or 0 */
  struct name *name;      /* N of them, terminated texts in ARENA */
  unsigned *slot;         /* index + 1, 0 where empty */
};

enum { NAME_NONE = ~0u };

/* The number of TEXT[LENGTH], or NAME_NONE.  */
unsigned names__find (const struct names *names, const char *text, size_t length);

/* The number of TEXT[LENGTH], which is entered where it is new (then equal to the old names->n).
   Names are copied.  NAMES begins as { .arena = … }.  */
unsigned names__enter (struct names *names, const char *text, size_t length);

#endif
