/* The arrays of integers that a state's parameters lead to, and states whose arrays are filled with the ends of their range.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_ARRAYS_H
#define AIOPT_VERIFY_ARRAYS_H

#include "verify/internal.h"

/* Arrays of one state, at most; ways to fill one.  */
enum { ARRAYS_MAX = 3, FILLS = 3 };

enum fill { FILL_LARGEST, FILL_LEAST, FILL_IN_TURN };

struct array
{
  unsigned span;
  uint32_t from, size;         /* bytes of the span */
  const struct type *element;
};

struct arrays
{
  unsigned n;
  struct array array[ARRAYS_MAX];
};

/* The first arrays that STATE's parameters lead to, in structs too.  */
struct arrays arrays__of (const struct region *region, const struct state *state);

/* STATE, in ARENA, with array i of ARRAYS, which are its own, filled as FILL[i] says.  What else it has is shared with STATE.  */
struct state *arrays__filled (struct arena *arena, const struct region *region, const struct state *state,
                              const struct arrays *arrays, const enum fill fill[ARRAYS_MAX]);

/* STATE, in ARENA, with all integers of ARRAYS equal to parameter P, an integer in a register; NULL where P is something else, or none of
   ARRAYS has integers of its size.  */
struct state *arrays__equal_to (struct arena *arena, const struct region *region, const struct state *state,
                                const struct arrays *arrays, unsigned p);

/* STATE, in ARENA, with element PLACE of its ARRAY at the end END (not FILL_IN_TURN) of its range.  */
struct state *arrays__with_one (struct arena *arena, const struct region *region, const struct state *state,
                                const struct array *array, uint32_t place, enum fill end);

/* How many of the elements of ARRAY that fit into STATE's memory are surely meant: the largest number that is a parameter, where
   one of them isn't larger; behind the object there may be room.  */
uint64_t arrays__meant (const struct region *region, const struct state *state, const struct array *array);

/* The state of the smallest test of TRIAL's bank with an array of AT_LEAST elements and more; NULL where there is none.  */
const struct state *arrays__test (const struct trial *trial, uint64_t at_least);

#endif
