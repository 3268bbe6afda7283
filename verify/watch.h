/* Comparisons watched: what each compares, on every run; and shifts and masks, which compare without flags where all but a rare
   bit is left out.

   The code is written once more with a record of both operands before each comparison, into a
   buffer that is a span of the state like any object: it comes back with the outcome.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_WATCH_H
#define AIOPT_VERIFY_WATCH_H

#include "sandbox/image.h"
#include "sandbox/sandbox.h"
#include "verify/allow.h"

enum watch_kind
{
  WATCH_COMPARE, /* cmp, sub: a with b */
  WATCH_MASK,    /* test, and: a & b with 0 */
  WATCH_DIFFER,  /* xor: a with b */
  WATCH_SUM,     /* add, inc: a with -b */
  WATCH_PART,    /* shr, sar, and, whose result alone is used, shifts and sign masks of vectors: a & b, the bits of a that stay,
                    with 0 */
  WATCH_VECTOR   /* lanes of a with those of b */
};

struct watch_site
{
  unsigned insn; /* decoded number of the comparison */
  int branch;    /* of the conditional branch that reads its flags, or -1 */
  enum watch_kind kind;
  unsigned size; /* bytes of an operand: 1, 2, 4, 8; vectors 4 to 64 */
  unsigned lane; /* bytes of a lane; size for scalars */
  bool is_float; /* lanes are floating-point numbers */
  bool b_known;  /* b is an immediate, or what follows from it, not recorded; of vectors, for each lane */
  uint64_t b;
};

/* Are the operands of SITE recorded as vectors?  */
static inline bool
watch__is_vector (const struct watch_site *site)
{
  return site->kind == WATCH_VECTOR || site->size > 8;
}

enum
{
  WATCH_SITES_MAX = 96,
  WATCH_SCALARS = 64,
  WATCH_VECTORS = 8,
  WATCH_VALUE_MAX = 64
};

struct watch
{
  unsigned n;
  struct watch_site site[WATCH_SITES_MAX];
  struct object *object;
  uint8_t *buffer; /* as each run finds it */
};

/* Both operands at one execution, the first SIZE bytes of each.  */
struct watch_record
{
  uint8_t a[WATCH_VALUE_MAX], b[WATCH_VALUE_MAX];
};

/* Watches SIDE.  -1 and *WHY where there is nothing to watch or it can't be done.  */
int watch__new (struct arena *arena, const struct side *side, struct watch **watch,
                struct why *why);

/* Links it for slot INDEX.  */
int watch__link (struct arena *arena, const struct region *region, const struct layout *layout,
                 const struct watch *watch, unsigned index, struct image **image, struct why *why);

/* STATE with the buffer added, as *WATCHED; false where there is no room.  Its runs may end
   otherwise than those of the plain code only where a wild access hits the buffer.  */
bool watch__state (const struct watch *watch, const struct state *state, struct state *watched);

/* The records of site NUMBER in OUTCOME of WATCHED, the last ones, oldest first: at most N.  Their
 * number.  */
unsigned watch__records (const struct watch *watch, const struct state *watched,
                         const struct outcome *outcome, unsigned number,
                         struct watch_record *records, unsigned n);

#endif
