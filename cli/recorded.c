/* Recorded states out of the cache, for whoever verifies.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/recorded.h"
#include "cli/cli.h"

#include <string.h>

/* The states recorded for KEY, as they are read.  */
struct recordings
{
  struct arena *arena;
  unsigned n, capacity;
  const struct recorded **recorded;
};

static bool
recordings__add (void *context, const char *json)
{
  struct recordings *recordings = context;
  struct recorded *recorded;
  struct why why;
  if (recorded__from_json (recordings->arena, json, &recorded, &why))
    return true; /* one state less */
  if (recordings->n == recordings->capacity)
    {
      recordings->capacity = recordings->capacity ? 2 * recordings->capacity : 64;
      const struct recorded **more
          = ARENA_ARRAY (recordings->arena, const struct recorded *, recordings->capacity);
      if (recordings->n)
        memcpy (more, recordings->recorded, recordings->n * sizeof *more);
      recordings->recorded = more;
    }
  recordings->recorded[recordings->n++] = recorded;
  return true;
}

const struct recorded *const *
cli__recorded (struct cache *cache, const char *key, struct arena *arena, unsigned *n)
{
  struct recordings recordings = { .arena = arena };
  recorded__each (cache, key, recordings__add, &recordings, NULL);
  *n = recordings.n;
  return recordings.recorded;
}
