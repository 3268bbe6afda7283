/* Solving a comparison for one input, knowing only what runs tell.

   The distance between the operands at the comparison's first execution is a function of each
   input, the rest being kept: as a difference, and bit by bit.  Three families of functions are
   recognised and inverted: linear over bits (xor, shifts, rotations, byte swaps, CRCs, and what is
   made of them), linear over integers (sums and products by constants), and those in which no bit
   depends on a higher one of the input (sums, products, and, or, xor, left shifts of one input in
   any mix), which are solved from the lowest bit up.  The last also for two inputs at once, going
   back where a bit's choices are used up: sums of squares and the like.  Where several bytes add up,
   each times a number of its own (the hash of a string), a sum of two halves is looked for by
   meeting in the middle.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/hunt.h"
#include "machine/value-mask.h"

#include <stdlib.h>
#include <string.h>

enum
{
  BATCH = 16,
  UPWARDS_MAX = 600
};

/* Any order of choices will do, but not always the same.  */
static unsigned
mix (unsigned n)
{
  return n * 2654435761u >> 16;
}

/* What the first execution compares, as a difference and bit by bit: 0 where it is equal.  KNOWN is
   false where the comparison isn't reached.  */
struct answer
{
  uint64_t difference, bits;
  bool known;
};

/* The operands' difference as bits.  */
static uint64_t
bitwise (const struct watch_site *site, const struct watch_record *record)
{
  uint64_t a = 0, b = 0;
  if (site->kind != WATCH_COMPARE && site->kind != WATCH_SUM)
    return watch__distance (site, record);
  memcpy (&a, record->a, site->size);
  memcpy (&b, record->b, site->size);
  uint64_t value = site->kind == WATCH_SUM ? a ^ (0 - b) : a ^ b;
  return value & low_bytes__mask (site->size);
}

/* The answers on BASE with VALUES[i * N_INPUTS + k] in INPUT[k], for N i's.  */
static bool
evaluate (struct solve *solve, const struct input *input, unsigned n_inputs, const uint64_t *values,
          unsigned n, struct answer *answers)
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
        {
          states[i] = solve->base;
          for (unsigned k = 0; k < n_inputs && states[i]; k++)
            states[i] = input__put (arena, states[i], &input[k], values[(from + i) * n_inputs + k]);
          well = states[i] != NULL;
        }
      if (!well || eye__run (solve->eye, states, count, watched, outcomes))
        {
          well = false;
          break;
        }
      for (unsigned i = 0; i < count; i++)
        {
          struct watch_record records[WATCH_SCALARS];
          unsigned n_records = outcomes[i].status == RUN_TIMEOUT || outcomes[i].status == RUN_DIED
                                   ? 0
                                   : watch__records (watch, &watched[i], &outcomes[i], solve->site,
                                                     records, WATCH_SCALARS);
          struct answer *answer = &answers[from + i];
          *answer = (struct answer){ .known = n_records != 0 };
          if (n_records)
            {
              answer->difference = watch__distance (&watch->site[solve->site], &records[0]);
              answer->bits = bitwise (&watch->site[solve->site], &records[0]);
            }
        }
    }
  arena__free (arena);
  free (watched);
  free (outcomes);
  return well;
}

/* X with F(X) = 0, where F (x) = BASE_DISTANCE ^ the xor of COLUMN[i] over the bits in which x
 * differs from X0.  */
static bool
solve_bits (uint64_t x0, uint64_t base_distance, const uint64_t *column, unsigned bits, uint64_t *x)
{
  uint64_t basis[64] = { 0 }, combination[64] = { 0 };
  for (unsigned i = 0; i < bits; i++)
    {
      uint64_t value = column[i], used = UINT64_C (1) << i;
      while (value)
        {
          unsigned high = 63 - (unsigned)__builtin_clzll (value);
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
      unsigned high = 63 - (unsigned)__builtin_clzll (rest);
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
  unsigned twos = (unsigned)__builtin_ctzll (factor);
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

/* From the lowest bit up, for N inputs (1 or 2) that hold X[N]: at each bit one of 2^N choices
   makes the distance 0 so far; where none does, the bit before is chosen otherwise.  */
static bool
solve_upwards (struct solve *solve, const struct input *input, unsigned n, unsigned width,
               uint64_t *x)
{
  uint64_t value[65][2];
  uint8_t next[65] = { 0 }, choices = (uint8_t)(1u << n), order[65] = { 0 };
  unsigned bits = 8 * input[0].size;
  memcpy (value[0], x, n * sizeof *x);
  unsigned level = 0;
  uint64_t left[65] = { 0 }; /* choices that do, as bits */
  bool asked[65] = { false };
  for (unsigned steps = 0; steps < UPWARDS_MAX && verify__now () < solve->until;)
    {
      if (level == width)
        {
          memcpy (x, value[level], n * sizeof *x);
          return true;
        }
      if (!asked[level])
        {
          uint64_t values[8];
          struct answer answers[4];
          for (unsigned c = 0; c < choices; c++)
            for (unsigned k = 0; k < n; k++)
              values[c * n + k]
                  = value[level][k] ^ (level < bits ? (uint64_t)(c >> k & 1) << level : 0);
          steps++;
          if (!evaluate (solve, input, n, values, choices, answers))
            return false;
          uint64_t low = level >= 63 ? UINT64_MAX : (UINT64_C (1) << (level + 1)) - 1;
          left[level] = 0;
          for (unsigned c = 0; c < choices; c++)
            if (answers[c].known && (answers[c].difference & low) == 0 && (level < bits || c == 0))
              left[level] |= 1u << c;
          asked[level] = true;
          next[level] = 0;
          order[level] = (uint8_t)(mix (steps) % choices);
        }
      unsigned c = 0;
      bool found = false;
      while (next[level] < choices && !found)
        {
          c = (next[level]++ + order[level]) % choices;
          found = left[level] >> c & 1;
        }
      if (found)
        {
          for (unsigned k = 0; k < n; k++)
            value[level + 1][k]
                = value[level][k] ^ (level < bits ? (uint64_t)(c >> k & 1) << level : 0);
          asked[++level] = false;
        }
      else if (level-- == 0)
        return false;
    }
  return false;
}

/* An input to which the distance is linear.  */
struct term_of_sum
{
  struct input input;
  uint64_t value, factor;
};

enum
{
  TERMS_MAX = 6,
  HALF_LEFT = 1 << 17,
  HALF_RIGHT = 1 << 19,
  HITS_MAX = 4
};

struct half
{
  uint64_t sum;
  uint8_t change[TERMS_MAX / 2];
};

static int
by_sum (const void *a, const void *b)
{
  const struct half *x = a, *y = b;
  return x->sum < y->sum ? -1 : x->sum > y->sum;
}

/* Half number SALT of TERMS[N], N at most 3: values other than 0 drawn for each, and what they add
 * to the distance.  */
static void
draw_half (const struct term_of_sum *terms, unsigned n, uint64_t salt, uint64_t mask,
           struct half *half)
{
  uint64_t random = (salt + 1) * UINT64_C (0x9e3779b97f4a7c15);
  random = (random ^ random >> 29) * UINT64_C (0xbf58476d1ce4e5b9);
  random ^= random >> 32;
  half->sum = 0;
  for (unsigned i = 0; i < n; i++, random >>= 8)
    {
      /* Not 0, so that strings keep their length.  */
      half->change[i] = (uint8_t)(1 + (random & 255) % 255);
      half->sum += terms[i].factor * (half->change[i] - terms[i].value);
    }
  half->sum &= mask;
}

/* Bytes that add up to a distance of 0, each of TERMS[N] a byte; the distance is DISTANCE now. Adds
   states to SOLUTIONS from FOUND on; the new number.  */
static unsigned
solve_sum (struct solve *solve, const struct term_of_sum *terms, unsigned n, uint64_t distance,
           unsigned width, const struct state **solutions, unsigned found)
{
  unsigned left = n / 2, right = n - left, hits = 0;
  uint64_t mask = width >= 64 ? UINT64_MAX : (UINT64_C (1) << width) - 1;
  struct half *halves = malloc (HALF_LEFT * sizeof *halves);
  if (!halves)
    return found;
  for (unsigned i = 0; i < HALF_LEFT; i++)
    draw_half (terms, left, i, mask, &halves[i]);
  qsort (halves, HALF_LEFT, sizeof *halves, by_sum);
  for (unsigned k = 0; k < HALF_RIGHT && hits < HITS_MAX && found < SOLUTIONS_MAX; k++)
    {
      struct half half, wanted = { 0 };
      draw_half (terms + left, right, k + HALF_LEFT, mask, &half);
      wanted.sum = (0 - distance - half.sum) & mask;
      const struct half *other = bsearch (&wanted, halves, HALF_LEFT, sizeof *halves, by_sum);
      if (!other)
        continue;
      struct state *state = (struct state *)solve->base;
      for (unsigned i = 0; i < n && state; i++)
        state = input__put (solve->arena, state, &terms[i].input,
                            i < left ? other->change[i] : half.change[i - left]);
      if (!state)
        continue;
      hits++;
      solve->input[found] = terms[0].input;
      solutions[found++] = state;
    }
  free (halves);
  return found;
}

/* Does INPUT matter, and how?  True where *X should do; *MATTERS where it has any influence.  */
static bool
solve_input (struct solve *solve, const struct input *input, uint64_t *x, bool *matters,
             struct term_of_sum *term, uint64_t *distance)
{
  unsigned bits = 8 * input->size;
  unsigned width = 8 * solve->eye->watch->site[solve->site].size;
  uint64_t values[70];
  struct answer answers[70];
  uint64_t x0 = input__get (solve->base, input);
  const uint64_t flips = UINT64_C (0x5bd1e9955bd1e995);
  values[0] = x0;
  for (unsigned i = 0; i < bits; i++)
    values[1 + i] = x0 ^ UINT64_C (1) << i;
  /* Two more points, to tell whether a guess is right.  */
  values[bits + 1] = x0 ^ flips;
  values[bits + 2] = x0 + 3;
  *matters = false;
  term->factor = 0;
  if (!evaluate (solve, input, 1, values, bits + 3, answers) || !answers[0].known)
    return false;
  uint64_t column[64], guess = answers[0].bits;
  for (unsigned i = 0; i < bits; i++)
    {
      column[i] = answers[1 + i].known ? answers[1 + i].bits ^ answers[0].bits : 0;
      *matters |= column[i] != 0;
      if (flips >> i & 1)
        guess ^= column[i];
    }
  if (!*matters)
    return false;
  uint64_t mask = width >= 64 ? UINT64_MAX : (UINT64_C (1) << width) - 1;
  if (answers[bits + 1].known && guess == answers[bits + 1].bits
      && solve_bits (x0, answers[0].bits, column, bits, x))
    return true;
  if (answers[1].known && answers[bits + 2].known)
    {
      uint64_t factor = x0 & 1 ? answers[0].difference - answers[1].difference
                               : answers[1].difference - answers[0].difference;
      *distance = answers[0].difference;
      if (((answers[0].difference + 3 * factor) & mask) == answers[bits + 2].difference)
        {
          *term = (struct term_of_sum){ .input = *input, .value = x0, .factor = factor };
          if (solve_linear (x0, answers[0].difference, factor, width, x)
              && (bits >= 64 || *x >> bits == 0))
            return true;
        }
    }
  *x = x0;
  if (solve_upwards (solve, input, 1, width, x))
    return true;
  /* Not from all values is the comparison reached; bitwise is then still the best guess.  */
  return solve_bits (x0, answers[0].bits, column, bits, x);
}

unsigned
solve__site (struct solve *solve, const struct state *solutions[SOLUTIONS_MAX])
{
  struct input inputs[INPUTS_MAX];
  unsigned n = input__list (solve->region, solve->base, inputs), found = 0, n_matter = 0, matter[2];
  struct term_of_sum terms[TERMS_MAX];
  unsigned n_terms = 0;
  uint64_t distance = 0;
  for (unsigned i = 0; i < n && found < SOLUTIONS_MAX && verify__now () < solve->until; i++)
    {
      uint64_t x;
      bool matters;
      struct term_of_sum term;
      bool solved = solve_input (solve, &inputs[i], &x, &matters, &term, &distance);
      if (matters && term.factor && inputs[i].size == 1 && n_terms < TERMS_MAX)
        terms[n_terms++] = term;
      if (matters)
        solve->depends |= inputs[i].parameter >= 0 && inputs[i].parameter < 31
                              ? 1u << inputs[i].parameter
                              : 1u << 31;
      if (matters && n_matter < 2 && (n_matter == 0 || inputs[matter[0]].size == inputs[i].size))
        matter[n_matter++] = i;
      struct state *state = solved ? input__put (solve->arena, solve->base, &inputs[i], x) : NULL;
      if (!state)
        continue;
      solve->input[found] = inputs[i];
      solutions[found++] = state;
    }
  if (n_matter == 2 && found < SOLUTIONS_MAX && verify__now () < solve->until)
    {
      struct input pair[2] = { inputs[matter[0]], inputs[matter[1]] };
      uint64_t x[2] = { input__get (solve->base, &pair[0]), input__get (solve->base, &pair[1]) };
      unsigned width = 8 * solve->eye->watch->site[solve->site].size;
      struct state *state = NULL;
      if (solve_upwards (solve, pair, 2, width, x))
        state = input__put (solve->arena, solve->base, &pair[0], x[0]);
      state = state ? input__put (solve->arena, state, &pair[1], x[1]) : NULL;
      if (state)
        {
          solve->input[found] = pair[1];
          solutions[found++] = state;
        }
    }
  unsigned width = 8 * solve->eye->watch->site[solve->site].size;
  if (found < SOLUTIONS_MAX && n_terms >= 5 && width <= 32 && verify__now () < solve->until)
    found = solve_sum (solve, terms, n_terms, distance, width, solutions, found);
  return found;
}
