/* Solving a comparison for one input, knowing only what runs tell.

   The distance between the operands at the comparison's first execution is a function of each input, the rest being
   kept.  Three families of functions are recognised and inverted: linear over bits (xor, shifts, rotations, byte
   swaps, CRCs, and what is made of them), linear over integers (sums and products by constants), and those in which
   no bit depends on a higher one of the input (sums, products, and, or, xor, left shifts of one input in any mix),
   which are solved from the lowest bit up.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/hunt.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 };

/* The distances on BASE with VALUES[N] in INPUT.  KNOWN[i] is false where the comparison isn't reached.  */
static bool
evaluate (struct solve *solve, const struct input *input, const uint64_t *values, unsigned n, uint64_t *distances,
          bool *known)
{
  struct state *watched = calloc (BATCH, sizeof *watched);
  struct outcome *outcomes = calloc (BATCH, sizeof *outcomes);
  struct arena *arena = arena__new ();
  bool well = watched && outcomes;
  const struct watch *watch = solve->eye->watch;
  for (unsigned from = 0; well && from < n; from += BATCH)
    {
      unsigned count = n - from < BATCH ? n - from : BATCH;
      const struct state *states[BATCH];
      for (unsigned i = 0; i < count && well; i++)
        well = (states[i] = input__put (arena, solve->base, input, values[from + i])) != NULL;
      if (!well || eye__run (solve->eye, states, count, watched, outcomes))
        {
          well = false;
          break;
        }
      for (unsigned i = 0; i < count; i++)
        {
          struct watch_record records[WATCH_SCALARS];
          unsigned n_records = outcomes[i].status == RUN_TIMEOUT || outcomes[i].status == RUN_DIED
                                 ? 0 : watch__records (watch, &watched[i], &outcomes[i], solve->site, records,
                                                       WATCH_SCALARS);
          known[from + i] = n_records != 0;
          distances[from + i] = n_records ? watch__distance (&watch->site[solve->site], &records[0]) : 0;
        }
    }
  arena__free (arena);
  free (watched);
  free (outcomes);
  return well;
}

/* X with F(X) = 0, where F (x) = BASE_DISTANCE ^ the xor of COLUMN[i] over the bits in which x differs from X0.  */
static bool
solve_bits (uint64_t x0, uint64_t base_distance, const uint64_t *column, unsigned bits, uint64_t *x)
{
  uint64_t basis[64] = { 0 }, combination[64] = { 0 };
  for (unsigned i = 0; i < bits; i++)
    {
      uint64_t value = column[i], used = UINT64_C (1) << i;
      while (value)
        {
          unsigned high = 63 - (unsigned) __builtin_clzll (value);
          if (!basis[high])
            {
              basis[high] = value;
              combination[high] = used;
              break;
            }
          value ^= basis[high];
          used ^= combination[high];
        }
    }
  uint64_t rest = base_distance, flips = 0;
  while (rest)
    {
      unsigned high = 63 - (unsigned) __builtin_clzll (rest);
      if (!basis[high])
        return false;
      rest ^= basis[high];
      flips ^= combination[high];
    }
  *x = x0 ^ flips;
  return flips != 0;
}

/* X with BASE_DISTANCE + FACTOR * (X - X0) = 0 in WIDTH bits.  */
static bool
solve_linear (uint64_t x0, uint64_t base_distance, uint64_t factor, unsigned width, uint64_t *x)
{
  uint64_t mask = width >= 64 ? UINT64_MAX : (UINT64_C (1) << width) - 1;
  factor &= mask;
  uint64_t target = (0 - base_distance) & mask;
  if (!factor)
    return false;
  unsigned twos = (unsigned) __builtin_ctzll (factor);
  if (target & ((UINT64_C (1) << twos) - 1))
    return false;
  factor >>= twos;
  target >>= twos;
  uint64_t inverse = factor; /* Newton: right in 3 bits, then in twice as many each time */
  for (unsigned i = 0; i < 5; i++)
    inverse *= 2 - factor * inverse;
  uint64_t step = target * inverse;
  if (twos)
    step &= UINT64_MAX >> twos;
  *x = x0 + (width >= 64 ? step : step & mask);
  return true;
}

/* From the lowest bit up.  */
static bool
solve_upwards (struct solve *solve, const struct input *input, unsigned width, uint64_t *x)
{
  uint64_t value = *x;
  for (unsigned i = 0; i < width; i++)
    {
      uint64_t pair[2] = { value, value ^ (i < 64 ? UINT64_C (1) << i : 0) }, distances[2];
      bool known[2];
      uint64_t low = i == 63 ? UINT64_MAX : (UINT64_C (1) << (i + 1)) - 1;
      if (!evaluate (solve, input, pair, 2, distances, known) || !known[0])
        return false;
      if ((distances[0] & low) == 0)
        continue;
      if (!known[1] || (distances[1] & low) != 0 || i >= 8 * input->size)
        return false;
      value = pair[1];
    }
  *x = value;
  return true;
}

/* Does INPUT matter, and how?  True where *X should do.  */
static bool
solve_input (struct solve *solve, const struct input *input, uint64_t *x)
{
  unsigned bits = 8 * input->size;
  unsigned width = 8 * solve->eye->watch->site[solve->site].size;
  uint64_t values[70], distances[70];
  bool known[70];
  uint64_t x0 = input__get (solve->base, input);
  values[0] = x0;
  for (unsigned i = 0; i < bits; i++)
    values[1 + i] = x0 ^ UINT64_C (1) << i;
  /* Two more points, to tell whether a guess is right.  */
  values[bits + 1] = x0 ^ UINT64_C (0x5bd1e9955bd1e995);
  values[bits + 2] = x0 + 3;
  if (!evaluate (solve, input, values, bits + 3, distances, known) || !known[0])
    return false;
  uint64_t column[64];
  bool matters = false, all = true;
  for (unsigned i = 0; i < bits; i++)
    {
      column[i] = known[1 + i] ? distances[1 + i] ^ distances[0] : 0;
      all &= known[1 + i];
      matters |= column[i] != 0;
    }
  if (!matters)
    return false;
  uint64_t mask = width >= 64 ? UINT64_MAX : (UINT64_C (1) << width) - 1;
  uint64_t guess = distances[0], flips = UINT64_C (0x5bd1e9955bd1e995);
  for (unsigned i = 0; i < bits; i++)
    if (flips >> i & 1)
      guess ^= column[i];
  if (known[bits + 1] && guess == distances[bits + 1] && solve_bits (x0, distances[0], column, bits, x))
    return true;
  if (known[1] && known[bits + 2])
    {
      uint64_t factor = x0 & 1 ? distances[0] - distances[1] : distances[1] - distances[0];
      if (((distances[0] + 3 * factor) & mask) == distances[bits + 2]
          && solve_linear (x0, distances[0], factor, width, x))
        return true;
    }
  *x = x0;
  if (all && solve_upwards (solve, input, width, x))
    return true;
  /* Not all bits may be reached at the first execution; bitwise is then still the best guess.  */
  return solve_bits (x0, distances[0], column, bits, x);
}

unsigned
solve__site (struct solve *solve, const struct state *solutions[SOLUTIONS_MAX])
{
  struct input inputs[INPUTS_MAX];
  unsigned n = input__list (solve->region, solve->base, inputs), found = 0;
  for (unsigned i = 0; i < n && found < SOLUTIONS_MAX && verify__now () < solve->until; i++)
    {
      uint64_t x;
      if (!solve_input (solve, &inputs[i], &x))
        continue;
      struct state *state = input__put (solve->arena, solve->base, &inputs[i], x);
      if (!state)
        continue;
      solve->input[found] = inputs[i];
      solutions[found++] = state;
    }
  return found;
}
