/* Memories: stores in order, byte by byte.

   Stores at known distances from each other are kept sorted, a later one to the same byte replaces the earlier, so that
   two sides that write the same bytes in another order have the same memory.  Anything else keeps its order.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

/* How many stores one that is out of order may move down, and a load looks through.  */
enum { MOVES_MAX = 4096 };

static const struct term *
put (struct terms *terms, const struct term *memory, const struct term *address, const struct term *byte,
     const struct term *condition)
{
  const struct term *args[] = { memory, address, byte, condition };
  return store__term (terms, TERM_STORE, 0, 0, args, 4, NULL, 0);
}

const struct term *
term__store (struct terms *terms, const struct term *memory, const struct term *address, const struct term *byte,
             const struct term *condition)
{
  if (condition == term__false (terms))
    return memory;
  /* Stores above the place of the new one, which are put back on top of it.  */
  const struct term *above[64];
  unsigned n = 0;
  const struct term *below = memory;
  while (below->op == TERM_STORE && n < sizeof above / sizeof *above)
    {
      int64_t distance;
      if (!term__distance (terms, below->arg[1], address, &distance))
        break;
      if (distance == 0)
        {
          if (condition != term__true (terms))
            {
              /* Either the old byte or the new one.  */
              if (below->arg[3] != term__true (terms) && below->arg[3] != condition)
                break;
              byte = term__ite (terms, condition, byte, below->arg[2]);
              condition = below->arg[3];
            }
          below = below->arg[0];
          break;
        }
      if (distance < 0)
        break;
      above[n++] = below;
      below = below->arg[0];
    }
  const struct term *result = put (terms, below, address, byte, condition);
  while (n--)
    result = put (terms, result, above[n]->arg[1], above[n]->arg[2], above[n]->arg[3]);
  return result;
}

const struct term *
term__load (struct terms *terms, const struct term *memory, const struct term *address)
{
  for (unsigned i = 0; i < MOVES_MAX && memory->op == TERM_STORE; i++)
    {
      int64_t distance;
      if (!term__distance (terms, memory->arg[1], address, &distance))
        break;
      if (distance == 0)
        return memory->arg[3] == term__true (terms)
                 ? memory->arg[2]
                 : term__ite (terms, memory->arg[3], memory->arg[2], term__load (terms, memory->arg[0], address));
      memory = memory->arg[0];
    }
  const struct term *args[] = { memory, address };
  return store__term (terms, TERM_LOAD, 8, 0, args, 2, NULL, 0);
}
