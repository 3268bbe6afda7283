/* The places of a state that a search may change: parameters' registers and words of memory.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_INPUT_H
#define AIOPT_VERIFY_INPUT_H

#include "machine/region.h"
#include "sandbox/sandbox.h"

enum input_kind
{
  INPUT_GPR,
  INPUT_VEC,
  INPUT_STACK,
  INPUT_MEMORY
};

struct input
{
  enum input_kind kind;
  unsigned number; /* register; offset in the stack arguments; span */
  uint32_t offset; /* in the span, or in the vector register */
  unsigned size;   /* 1 to 8 bytes */
  int parameter;   /* that it holds, or -1 */
  bool is_integer; /* a parameter that may well be a size */
  bool is_signed;
};

enum
{
  INPUTS_MAX = 64
};

/* The places of REGION's parameters, pointers left out, then the first words of what pointers point
   to in STATE.  Their number.  */
unsigned input__list (const struct region *region, const struct state *state,
                      struct input inputs[INPUTS_MAX]);

uint64_t input__get (const struct state *state, const struct input *input);

/* A copy of STATE in ARENA with VALUE in INPUT; bytes of other spans are shared.  NULL where it
 * isn't there.  */
struct state *input__put (struct arena *arena, const struct state *state, const struct input *input,
                          uint64_t value);

/* A copy of STATE with SIZE bytes FROM at OFFSET of SPAN.  */
struct state *input__patch (struct arena *arena, const struct state *state, unsigned span,
                            uint32_t offset, const void *from, unsigned size);

/* The bytes of SPAN of STATE, a copy of SOURCE, which shares them no longer.  */
uint8_t *input__own_span (struct arena *arena, struct state *state, const struct state *source, unsigned span);

/* May SPAN of STATE hold any bytes?  Not where a change could make a state that no program has:
   read-only globals, memory in which types may stand that not all bytes are values of.  */
bool input__may_patch (const struct region *region, const struct state *state, unsigned span);

/* Is TYPE an integer, or a struct or array of numbers (INTEGERS_ALONE: no others), with nothing in it that leads elsewhere?  */
bool input__is_numbers (const struct region *region, const struct type *type, bool integers_alone);

/* Is VALUE the address of something in a state's memory?  Such words are replaced by such words or
   0 alone, as others would point between elements.  */
static inline bool
input__is_address (uint64_t value)
{
  return slot__of (value) < SANDBOX_SLOTS;
}

#endif
