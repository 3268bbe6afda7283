/* A map from names to small numbers: open addressing over FNV-1a.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/names.h"

#include <stdbool.h>
#include <string.h>

static uint32_t
name__hash (const char *text, size_t length)
{
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ (unsigned char) text[i]) * 16777619u;
  return hash ^ (hash >> 15);
}

/* The slot where TEXT[LENGTH] is or belongs; NAMES has slots.  */
static unsigned
names__slot (const struct names *names, const char *text, size_t length, uint32_t hash)
{
  for (unsigned i = hash & (names->size - 1);; i = (i + 1) & (names->size - 1))
    {
      if (!names->slot[i])
        return i;
      const struct name *name = &names->name[names->slot[i] - 1];
      if (name->hash == hash && name->length == length && memcmp (name->text, text, length) == 0)
        return i;
    }
}

unsigned
names__find (const struct names *names, const char *text, size_t length)
{
  if (!names->size)
    return NAME_NONE;
  unsigned slot = names__slot (names, text, length, name__hash (text, length));
  return names->slot[slot] ? names->slot[slot] - 1 : NAME_NONE;
}

/* Doubles the room.  */
static void
names__grow (struct names *names)
{
  unsigned size = names->size ? names->size * 2 : 64;
  struct name *name = ARENA_ARRAY (names->arena, struct name, size / 2);
  if (names->n)
    memcpy (name, names->name, names->n * sizeof *name);
  names->name = name;
  names->slot = ARENA_ARRAY (names->arena, unsigned, size);
  names->size = size;
  for (unsigned i = 0; i < names->n; i++)
    {
      unsigned at = name[i].hash & (size - 1);
      while (names->slot[at])
        at = (at + 1) & (size - 1);
      names->slot[at] = i + 1;
    }
}

unsigned
names__enter (struct names *names, const char *text, size_t length)
{
  if (names->n >= names->size / 2)
    names__grow (names);
  uint32_t hash = name__hash (text, length);
  unsigned slot = names__slot (names, text, length, hash);
  if (names->slot[slot])
    return names->slot[slot] - 1;
  names->name[names->n]
    = (struct name){ arena__strndup (names->arena, text, length), length, hash };
  names->slot[slot] = ++names->n;
  return names->n - 1;
}
