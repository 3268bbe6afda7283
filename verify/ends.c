/* Arrays that are all at one end of their elements' range, each array at its own: a sum of differences or products in too few
   bits wraps on nothing else.

   A test that worked keeps its sizes and pointers; the integers that its parameters lead to, in structs too, are filled
   with the types' largest numbers, their least, or both in turn, in all combinations for the first few arrays.

   An array whose elements all equal a number that the function is given is the like: a count of them in too few bits wraps.

   So are tests of the sizes at which a sum of the largest, or least, first passes what an accumulator holds, and by less than one
   of them: what wraps comes back as a small number.

   Where a branch way is still missing, a test that comes to the branch is filled likewise.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/arrays.h"

#include <stdlib.h>

/* Widths of accumulators, and signed ones; the share of the budget for these sizes, and seconds at least.  */
static const unsigned widths[] = { 15, 16, 31, 32, 8, 7 };
enum { WIDTHS = sizeof widths / sizeof *widths };
#define WRAP_SHARE 0.02
#define WRAP_SECONDS 0.02

/* Tests that are changed (of the largest down to a few elements).  */
enum { SOURCES = 4, SOURCES_REACHING = 16, COMBINATIONS_MAX = 27 };

/* All combinations of fills of SOURCE's arrays.  */
static bool
try_source (struct trial *trial, const struct state *source)
{
  const struct region *region = trial->verifier->region;
  struct arrays found = arrays__of (region, source);
  unsigned combinations = 1;
  for (unsigned i = 0; i < found.n; i++)
    combinations *= FILLS;
  if (found.n == 0)
    return true;
  const struct state *states[COMBINATIONS_MAX + PLAN_PARAMETERS];
  struct arena *arena = arena__new ();
  for (unsigned c = 0; c < combinations; c++)
    {
      enum fill fill[ARRAYS_MAX];
      for (unsigned i = 0, rest = c; i < found.n; i++, rest /= FILLS)
        fill[i] = (enum fill) (rest % FILLS);
      states[c] = arrays__filled (arena, region, source, &found, fill);
    }
  uint32_t sizes = states__size_parameters (trial->verifier->setup[0].states);
  for (unsigned p = 0; p < region->n_parameters && p < PLAN_PARAMETERS; p++)
    if (!(sizes >> p & 1) && (states[combinations] = arrays__equal_to (arena, region, source, &found, p)))
      combinations++;
  bool well = trial__try (trial, 0, states, combinations);
  arena__free (arena);
  return well;
}

static uint64_t
bytes_of (const struct state *state)
{
  uint64_t bytes = 0;
  for (unsigned s = 0; s < state->n_spans; s++)
    bytes += state->span[s].size;
  return bytes;
}

static int
larger_first (const void *a, const void *b)
{
  uint64_t x = bytes_of ((*(const struct test *const *) a)->state), y = bytes_of ((*(const struct test *const *) b)->state);
  return (x < y) - (x > y);
}

bool
ends__reach (struct trial *trial, double seconds)
{
  const struct coverage *coverage = trial->candidate_coverage;
  const struct state *done[SOURCES_REACHING];
  unsigned n = 0;
  double until = verify__now () + seconds;
  trial->at_setup = 0;
  for (unsigned i = 0; i < trial->side.decoded->n_insns && n < SOURCES_REACHING && verify__now () < until; i++)
    {
      const struct state *source = trial->first_there[i];
      if (!(trial->side.decoded->insn[i].kind & KIND_BRANCH) || !source || (coverage->branch[i] | coverage->excused[i]) == 3)
        continue;
      if (sources__add (done, &n, source) && !try_source (trial, source))
        return false;
    }
  return true;
}

/* The integers that PARAMETER of REGION points to, or NULL.  */
static const struct type *
integers (const struct region *region, unsigned parameter)
{
  const struct type *type = region__type (region, region->parameter[parameter].type);
  const struct type *element = type && type->kind == TYPE_POINTER ? region__type (region, type->element) : NULL;
  return element && element->kind == TYPE_INTEGER && element->size < 4 ? element : NULL;
}

/* Arrays of the largest and least numbers, of sizes where their sum just wraps.  */
static bool
try_wraps (struct trial *trial)
{
  const struct region *region = trial->verifier->region;
  uint32_t sizes = states__size_parameters (trial->verifier->setup[0].states);
  double until = trial__until (trial, WRAP_SHARE, WRAP_SECONDS);
  const struct type *element = NULL;
  for (unsigned p = 0; p < region->n_parameters && !element; p++)
    element = integers (region, p);
  bool well = true;
  for (unsigned w = 0; element && w < 2 * WIDTHS && well; w++)
    for (unsigned p = 0; p < PLAN_PARAMETERS && well && verify__now () < until; p++)
      {
        /* The largest, then the least where that is another size.  */
        uint64_t most = (UINT64_C (1) << (8 * element->size - element->is_signed)) - (w < WIDTHS);
        uint64_t size = (UINT64_C (1) << widths[w % WIDTHS]) / most + 1;
        if (!(sizes >> p & 1) || (w >= WIDTHS && !element->is_signed) || size < 4
            || size * element->size > SANDBOX_SLOT_SIZE - SANDBOX_PAGE)
          continue;
        struct why why;
        struct test test;
        struct plan plan;
        struct arena *arena = arena__new ();
        plan__fix (&plan, p, size);
        plan.large = true;
        int made = states__plan (trial->states[0], STATE_BOUNDARY, &plan, 1, arena, &test, NULL, &why);
        if (made < 0)
          trial__unknown (trial, &why);
        well = made >= 0 && (made == 0 || try_source (trial, test.state));
        arena__free (arena);
      }
  return well;
}

bool
ends__judge (struct trial *trial)
{
  struct setup *setup = &trial->verifier->setup[0];
  const struct test *test[BANK_PER_KIND];
  unsigned n = 0;
  trial->at_setup = 0;
  for (unsigned t = 0; t < setup->n_bank[STATE_LARGE]; t++)
    if (setup->bank[STATE_LARGE][t].expected->status == RUN_RETURNED)
      test[n++] = &setup->bank[STATE_LARGE][t];
  qsort (test, n, sizeof *test, larger_first);
  for (unsigned k = 0; k < SOURCES && k < n; k++)
    if (!try_source (trial, test[n < SOURCES ? k : k * n / SOURCES]->state))
      return false;
  return try_wraps (trial);
}
