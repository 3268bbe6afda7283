/* One large array, many sizes of it: what a remainder adds to a sum that is large already, and a carry that is lost there between
   the lanes of a vector, shows at one size in thirty or so.

   A large test of the bank keeps its memory; each number that was as many elements gets less, all over the range.  The elements
   are what they are, or random, or all the largest.  Nothing is followed, and nothing kept for mutants: it is the number that
   counts, and the sizes by themselves were tried before.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/random.h"
#include "verify/arrays.h"
#include "verify/input.h"

#include <string.h>

/* Elements, where the bank has so many, and at least.  */
static const uint64_t wanted[] = { 6000, 2000, 600 };
enum { SIZES = 240, SIZE_LEAST = 64, SWEEP_BATCH = 16 };
enum contents { AS_IT_IS, RANDOM, LARGEST, CONTENTS };
/* The share of the budget, and what it gets at least.  */
#define SWEEP_SHARE 0.05
#define SWEEP_SECONDS 0.04

/* SOURCE with the integer elements of its arrays FOUND as CONTENTS says.  */
static const struct state *
with_contents (struct arena *arena, const struct region *region, const struct state *source, const struct arrays *found,
               enum contents contents)
{
  static const enum fill largest[ARRAYS_MAX] = { FILL_LARGEST, FILL_LARGEST, FILL_LARGEST };
  if (contents == AS_IT_IS)
    return source;
  if (contents == LARGEST)
    return arrays__filled (arena, region, source, found, largest);
  struct rng rng = { source->seed };
  struct state *state = arena__memdup (arena, source, sizeof *state);
  for (unsigned i = 0; i < found->n; i++)
    {
      const struct array *array = &found->array[i];
      if (input__is_numbers (region, array->element, true))
        rng__fill (&rng, input__own_span (arena, state, source, array->span) + array->from, array->size / 8 * 8);
    }
  return state;
}

/* BASE, whose COUNT elements are meant, with the K-th size.  */
static struct state *
with_size (struct arena *arena, const struct region *region, const struct state *base, uint64_t count, unsigned k)
{
  struct state *state = arena__memdup (arena, base, sizeof *state);
  /* 0.618 of the range on, so that they spread.  */
  uint64_t size = SIZE_LEAST + (k + 1) * (uint64_t) (0.6180339887 * (double) count) % (count - SIZE_LEAST);
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      int gpr = value__gpr (&region->parameter[p]);
      if (!type || type->kind != TYPE_INTEGER || type->size < 4 || gpr < 0)
        continue;
      uint64_t mask = type->size < 8 ? UINT32_MAX : UINT64_MAX;
      if ((state->machine.gpr[gpr] & mask) == count)
        state->machine.gpr[gpr] = (state->machine.gpr[gpr] & ~mask) | size;
    }
  return state;
}

bool
sweep__judge (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  const struct state *source = NULL;
  double until = trial__until (trial, SWEEP_SHARE, SWEEP_SECONDS);
  trial->at_setup = 0;
  for (unsigned i = 0; i < sizeof wanted / sizeof *wanted && !source; i++)
    source = arrays__test (trial, wanted[i]);
  if (!source)
    return true;
  struct arrays found = arrays__of (region, source);
  uint64_t count = 0;
  for (unsigned i = 0; i < found.n; i++)
    {
      uint64_t meant = arrays__meant (region, source, &found.array[i]);
      count = meant > count ? meant : count;
    }
  if (count <= 2 * SIZE_LEAST)
    return true;
  bool well = true;
  struct arena *bases = arena__new ();
  const struct state *base[CONTENTS];
  for (enum contents contents = 0; contents < CONTENTS; contents++)
    base[contents] = with_contents (bases, region, source, &found, contents);
  for (unsigned k = 0; k < SIZES && well && verify__now () < until;)
    {
      const struct state *states[SWEEP_BATCH];
      unsigned n = 0;
      struct arena *arena = arena__new ();
      for (; n < SWEEP_BATCH && k < SIZES; n++, k++)
        states[n] = with_size (arena, region, base[k % CONTENTS], count, k);
      well = trial__glance (trial, states, n);
      arena__free (arena);
    }
  arena__free (bases);
  return well;
}
