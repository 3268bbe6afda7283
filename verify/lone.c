/* Arrays that are all at one end of their elements' range but for one element at the other: whether any byte is over 127, or
   all are equal, is decided by the first few of random bytes, and what a loop leaves out, or a remainder, doesn't show.

   In small arrays, of every size up to past two steps of vectors: the last element first, which the ends of remainders get
   wrong, then every other.  In one array past a few vector steps: each place.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/arrays.h"
#include "verify/systematic.h"

/* Large arrays have at least so many elements; the first so many places and the last ones.  */
enum { LONE_LEAST = 130, LONE_PLACES = 200, LONE_LAST = 8, LONE_BATCH = 32 };
/* Small ones have at most so many, and so many sizes are tried.  */
enum { SMALL_MOST = 140, SMALL_SIZES = 142 };
/* Shares of the budget, and what each of the three searches gets at least.  */
#define LONE_SHARE 0.03
#define LONE_SECONDS 0.05
#define LAST_SECONDS 0.03
#define PLACES_SECONDS 0.03

static enum fill
other (enum fill fill)
{
  return fill == FILL_LEAST ? FILL_LARGEST : FILL_LEAST;
}

/* BASE, all at FILL, with one element of the first COUNT of ARRAY at the other end, one after the other.  */
static bool
try_places (struct trial *trial, const struct state *base, const struct array *array, uint32_t count, enum fill fill,
            double end)
{
  bool well = true;
  for (uint32_t place = 0; place < count && well && verify__now () < end;)
    {
      struct arena *arena = arena__new ();
      const struct state *states[LONE_BATCH];
      unsigned n = 0;
      for (; n < LONE_BATCH && place < count; n++, place++)
        {
          if (place == LONE_PLACES && count > LONE_PLACES + LONE_LAST)
            place = count - LONE_LAST;
          states[n] = arrays__with_one (arena, trial->verifier->region, base, array, place, other (fill));
        }
      well = trial__try (trial, 0, states, n);
      arena__free (arena);
    }
  return well;
}

/* STATE's arrays all at one end, with each element at the other, but for the last BUT_LAST; both ways round.  */
static bool
try_all (struct trial *trial, const struct state *state, uint64_t but_last, double end)
{
  const struct region *region = trial->verifier->region;
  struct arrays found = arrays__of (region, state);
  bool well = true;
  for (enum fill fill = FILL_LARGEST; fill <= FILL_LEAST && well; fill++)
    {
      struct arena *arena = arena__new ();
      enum fill all[ARRAYS_MAX] = { fill, fill, fill };
      const struct state *base = arrays__filled (arena, region, state, &found, all);
      for (unsigned i = 0; i < found.n && well; i++)
        {
          uint64_t count = arrays__meant (region, base, &found.array[i]);
          well = count <= but_last || try_places (trial, base, &found.array[i], (uint32_t) (count - but_last), fill, end);
        }
      arena__free (arena);
    }
  return well;
}

/* The numbers of elements that small arrays have: 1 and on, past two of both versions' steps.  Their number.  */
static unsigned
small_sizes (const struct trial *trial, unsigned element, uint64_t sizes[SMALL_SIZES])
{
  struct layout_steps steps = { .widest = 1 };
  uint64_t size[SIZES_MAX];
  layout__scan (&steps, &trial->verifier->original);
  layout__scan (&steps, &trial->side);
  unsigned n = layout__sizes (&steps, element, size), kept = 0;
  for (unsigned i = 0; i < n && kept < SMALL_SIZES; i++)
    if (size[i] > 0 && size[i] <= SMALL_MOST && (kept == 0 || size[i] > sizes[kept - 1]))
      sizes[kept++] = size[i];
  return kept;
}

/* Tests with small arrays, in ARENA: each size given to each parameter that makes objects large.  Their number, or -1 and
   *WHY.  */
static int
make_small (struct trial *trial, struct arena *arena, struct test tests[SMALL_SIZES], struct why *why)
{
  const struct region *region = trial->verifier->region;
  uint32_t parameters = states__size_parameters (trial->verifier->setup[0].states);
  uint64_t sizes[SMALL_SIZES];
  unsigned n = parameters ? small_sizes (trial, layout__element (region), sizes) : 0, made = 0;
  struct plan *plans = ARENA_ARRAY (arena, struct plan, SMALL_SIZES);
  for (unsigned i = 0; i < n && made < SMALL_SIZES; i++)
    for (unsigned p = 0; p < PLAN_PARAMETERS && made < SMALL_SIZES; p++)
      if (parameters >> p & 1)
        plan__fix (&plans[made++], p, sizes[i]);
  return made ? states__plan (trial->states[0], STATE_BOUNDARY, plans, made, arena, tests, NULL, why) : 0;
}

/* TEST's arrays all at one end but for their last element at the other; one array after the other, both ways round.  */
static bool
try_last (struct trial *trial, const struct test *test)
{
  const struct region *region = trial->verifier->region;
  struct arrays found = arrays__of (region, test->state);
  const struct state *states[2 * ARRAYS_MAX];
  unsigned n = 0;
  struct arena *arena = arena__new ();
  for (enum fill fill = FILL_LARGEST; fill <= FILL_LEAST; fill++)
    {
      enum fill all[ARRAYS_MAX] = { fill, fill, fill };
      const struct state *base = arrays__filled (arena, region, test->state, &found, all);
      for (unsigned i = 0; i < found.n; i++)
        {
          uint64_t count = arrays__meant (region, base, &found.array[i]);
          if (count)
            states[n++] = arrays__with_one (arena, region, base, &found.array[i], (uint32_t) count - 1, other (fill));
        }
    }
  bool well = n == 0 || trial__try (trial, 0, states, n);
  arena__free (arena);
  return well;
}

static bool
in_small (struct trial *trial)
{
  struct why why;
  struct arena *arena = arena__new ();
  struct test *tests = ARENA_ARRAY (arena, struct test, SMALL_SIZES);
  double end = trial__until (trial, LONE_SHARE, LAST_SECONDS);
  int n = make_small (trial, arena, tests, &why);
  bool well = n >= 0;
  if (!well)
    trial__unknown (trial, &why);
  for (int i = 0; i < n && well && verify__now () < end; i++)
    well = try_last (trial, &tests[i]);
  end = trial__until (trial, LONE_SHARE, PLACES_SECONDS);
  for (int i = 0; i < n && well && verify__now () < end; i++)
    well = try_all (trial, tests[i].state, 1, end);
  arena__free (arena);
  return well;
}

bool
lone__judge (struct trial *trial)
{
  trial->at_setup = 0;
  if (!in_small (trial))
    return false;
  const struct state *large = arrays__test (trial, LONE_LEAST);
  return !large || try_all (trial, large, 0, trial__until (trial, LONE_SHARE, LONE_SECONDS));
}
