/* One side of a pair, built as it runs.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SIDE_CODE_H
#define AIOPT_SIDE_CODE_H

#include "machine/runtime.h"
#include "sandbox/image.h"

struct side_code
{
  struct object *object;
  struct decoded *decoded;
  struct image *image;
};

/* CODE with the runtime that it calls, assembled, decoded and linked for slot SLOT.  0, or -1 and *WHY.  */
static inline int
side_code__make (struct arena *arena, const struct region *region, const struct layout *layout,
                 const struct code *code, unsigned slot, struct side_code *side, struct why *why)
{
  const struct code *extended;
  unsigned own_items;
  if (runtime__extend (arena, region, code, &extended, &own_items, why)
      || object__assemble (arena, extended, &side->object, why)
      || object__decode (arena, side->object, extended, &side->decoded, why))
    return -1;
  return image__link (arena, region, layout, side->object, side->decoded, slot, &side->image, why);
}

#endif
