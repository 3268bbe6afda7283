/* Guessing how the registers of both sides hang together at loops' heads.

   What moves by a constant from round to round is linear in the number of rounds; of what the candidate accumulates nothing
   is known; what the original accumulates is made of the candidate's lanes: their sum, their minimum and so on, with what was
   there at first.  Guesses are made from the first two rounds; that they hold is shown elsewhere (induction.c).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 256 };

static bool
is_live (const struct induction *induction, unsigned side, int head, unsigned i)
{
  return heads__is_live (induction->heads[side], (unsigned) head, i);
}

/* Registers that move by constants.  */

static const struct term *
times (struct terms *terms, const struct term *round, unsigned width, int64_t factor)
{
  return term__mul (terms, term__resize (terms, round, width), term__const (terms, width, (uint64_t) factor));
}

/* A + step * round where B is one step and C two from A, in lanes of LANE bits; NULL where they don't move so.  */
static const struct term *
moved (struct terms *terms, const struct term *a, const struct term *b, const struct term *c, unsigned lane,
       const struct term *round)
{
  const struct term *part[LANES_MAX];
  unsigned n = a->width / lane;
  for (unsigned i = 0; i < n; i++)
    {
      const struct term *x = term__extract (terms, a, i * lane, lane), *y = term__extract (terms, b, i * lane, lane);
      const struct term *z = term__extract (terms, c, i * lane, lane);
      int64_t first, second;
      if (!term__distance (terms, y, x, &first) || !term__distance (terms, z, y, &second) || first != second)
        return NULL;
      part[i] = term__add (terms, x, times (terms, round, lane, first));
    }
  return term__join (terms, part, n);
}

const struct term *
relation__linear (struct terms *terms, const struct term *const value[3], const struct term *round)
{
  static const unsigned lanes[] = { 64, 32, 16, 8 };
  for (unsigned i = 0; i < sizeof lanes / sizeof *lanes; i++)
    {
      const struct term *form = moved (terms, value[0], value[1], value[2], lanes[i], round);
      if (form)
        return form;
    }
  return NULL;
}

/* Accumulators.  */

enum combination { COMBINE_ADD, COMBINE_XOR, COMBINE_AND, COMBINE_OR, COMBINE_SMIN, COMBINE_SMAX, COMBINE_UMIN,
                   COMBINE_UMAX, COMBINATIONS };

static const struct term *
combine (struct terms *terms, enum combination how, const struct term *a, const struct term *b)
{
  switch (how)
    {
    case COMBINE_ADD: return term__add (terms, a, b);
    case COMBINE_XOR: return term__xor (terms, a, b);
    case COMBINE_AND: return term__and (terms, a, b);
    case COMBINE_OR: return term__or (terms, a, b);
    case COMBINE_SMIN: return term__ite (terms, term__slt (terms, a, b), a, b);
    case COMBINE_SMAX: return term__ite (terms, term__slt (terms, b, a), a, b);
    case COMBINE_UMIN: return term__ite (terms, term__ult (terms, a, b), a, b);
    default: return term__ite (terms, term__ult (terms, b, a), a, b);
    }
}

/* What HOW makes of START and all WIDTH-bit lanes of the unknowns at UNKNOWN[N].  */
static const struct term *
combine_lanes (struct terms *terms, enum combination how, unsigned width, const struct term *start,
               const struct term *const *unknown, unsigned n)
{
  const struct term *result = start;
  for (unsigned k = 0; k < n; k++)
    for (unsigned at = 0; at + width <= unknown[k]->width; at += width)
      {
        const struct term *lane = term__extract (terms, unknown[k], at, width);
        result = result ? combine (terms, how, result, lane) : lane;
      }
  return result;
}

/* TERM with the unknowns as they were found in round WHICH.  */
static const struct term *
with_found (const struct guess *guess, const struct term *term, unsigned which)
{
  const struct term *to[REGISTERS];
  for (unsigned i = 0; i < guess->n_unknowns; i++)
    to[i] = guess->found[i][which];
  return term__substitute (guess->induction->problem->terms, term, guess->unknown, to, guess->n_unknowns);
}

/* Inputs for a quick look: anything, the same for the same variable and address.  */
static uint64_t
scramble (uint64_t x)
{
  x ^= x >> 31;
  x *= UINT64_C (0x9e3779b97f4a7c15);
  return x ^ x >> 29;
}

static void
any_value (void *context, uint32_t number, unsigned width, uint64_t *words)
{
  (void) width;
  for (unsigned i = 0; i < (width + 63) / 64; i++)
    words[i] = scramble (number * UINT64_C (0x10001) + i + *(uint64_t *) context);
}

static uint8_t
any_byte (void *context, uint32_t number, uint64_t address)
{
  return (uint8_t) (scramble (address + number + *(uint64_t *) context) >> 17);
}

/* Are A and B plainly different: on inputs that may or may not be possible?  */
static bool
differ (const struct term *a, const struct term *b)
{
  if (a == b)
    return false;
  const struct term *roots[] = { a, b };
  struct term_program *program = term_program__new (roots, 2);
  bool different = false;
  for (uint64_t seed = 1; seed <= 3 && !different; seed++)
    {
      struct term_inputs inputs = { .context = &seed, .variable = any_value, .byte = any_byte };
      term_program__run (program, &inputs);
      different = memcmp (term_program__value (program, 0), term_program__value (program, 1),
                          (a->width + 63u) / 64u * sizeof (uint64_t)) != 0;
    }
  term_program__free (program);
  return different;
}

/* Does VALUE, which is in terms of the unknowns, fit what the original's register REG held at first and after a round?  */
static bool
fits (const struct guess *guess, const struct term *value, unsigned reg)
{
  struct path *const *seen = guess->seen[0];
  for (unsigned which = 0; which < 2; which++)
    if (differ (with_found (guess, value, which), cut__register (&seen[which]->cpu, reg)))
      return false;
  for (unsigned which = 0; which < 2; which++)
    if (!induction__same (guess->induction, &guess->seen[1][which]->facts, with_found (guess, value, which),
               cut__register (&seen[which]->cpu, reg)))
      return false;
  return true;
}

/* How the original's accumulator REG hangs together with the candidate's: a term, or NULL.  */
static const struct term *
relate (const struct guess *guess, unsigned reg)
{
  struct terms *terms = guess->induction->problem->terms;
  const struct term *first = cut__register (&guess->seen[0][0]->cpu, reg);
  const struct term *next = cut__register (&guess->seen[0][1]->cpu, reg);
  unsigned whole = first->width;
  /* The very register that the candidate has, perhaps a narrower part of it.  */
  for (unsigned i = 0; i < guess->n_unknowns; i++)
    if (guess->unknown[i]->width <= whole)
      {
        const struct term *value = term__zext (terms, guess->unknown[i], whole);
        if (with_found (guess, value, 0) == first && with_found (guess, value, 1) == next)
          return value;
      }
  if (whole > 64)
    return NULL;
  /* All lanes of one or of all unknowns together.  */
  static const unsigned widths[] = { 64, 32, 16, 8 };
  for (unsigned w = 0; w < sizeof widths / sizeof *widths; w++)
    {
      unsigned width = widths[w];
      if (width > whole)
        continue;
      if (width < whole
          && (!term__is_value (term__extract (terms, first, width, whole - width), 0)
              || !term__is_value (term__extract (terms, next, width, whole - width), 0)))
        continue;
      const struct term *narrow = term__extract (terms, first, 0, width);
      for (unsigned pick = 0; pick <= guess->n_unknowns; pick++)
        for (unsigned how = 0; how < COMBINATIONS; how++)
          {
            bool all = pick == guess->n_unknowns;
            if (all && guess->n_unknowns == 1)
              continue;
            const struct term *const *unknown = all ? guess->unknown : &guess->unknown[pick];
            unsigned n = all ? guess->n_unknowns : 1;
            const struct term *lanes = combine_lanes (terms, (enum combination) how, width, NULL, unknown, n);
            if (!lanes)
              continue;
            const struct term *start = narrow, *now = with_found (guess, lanes, 0);
            if (how == COMBINE_ADD)
              start = term__sub (terms, narrow, now);
            else if (how == COMBINE_XOR)
              start = term__xor (terms, narrow, now);
            const struct term *value
              = term__zext (terms, combine (terms, (enum combination) how, start, lanes), whole);
            if (fits (guess, value, reg))
              return value;
            /* Idempotent ones may have all of it in the lanes.  */
            if (how >= COMBINE_AND && fits (guess, term__zext (terms, lanes, whole), reg))
              return term__zext (terms, lanes, whole);
          }
    }
  return NULL;
}

/* The unknown that stands for a candidate's accumulator whose values so far are VALUE[3]: without what is zero above.  */
static const struct term *
unknown_for (struct terms *terms, const struct term *const value[3])
{
  static const unsigned widths[] = { 8, 16, 32, 64, 128, 256, 512 };
  for (unsigned i = 0; i < sizeof widths / sizeof *widths; i++)
    {
      unsigned width = widths[i], whole = value[0]->width;
      bool zero = true;
      if (width >= whole)
        break;
      for (unsigned k = 0; k < 3; k++)
        zero &= term__is_value (term__extract (terms, value[k], width, whole - width), 0);
      /* Values that happen to be small at first are no reason: half of a register is what instructions clear.  */
      if (zero && (whole == 64 ? width == 32 : width >= 128))
        return term__fresh (terms, width);
    }
  return term__fresh (terms, value[0]->width);
}

/* Guesses the relation of every register.  */
void
relation__guess (struct guess *guess)
{
  struct instance *instance = guess->instance;
  struct terms *terms = guess->induction->problem->terms;
  for (unsigned side = SIDES; side-- > 0;) /* the candidate's first: the original's depend on them */
    for (unsigned i = 0; i < REGISTERS; i++)
      {
        struct relation *relation = &instance->relation[side][i];
        const struct term *value[3];
        for (unsigned k = 0; k < 3; k++)
          value[k] = cut__register (&guess->seen[side][k]->cpu, i);
        *relation = (struct relation){ .term = value[0], .checked = true };
        if (value[0] == value[1] && value[1] == value[2] && !instance->junk[side][i])
          continue;
        if (is_live (guess->induction, side, instance->head[side], i) && !instance->junk[side][i])
          {
            const struct term *form = i < STICKY ? relation__linear (terms, value, instance->round) : NULL;
            if (!form && side == 0)
              form = relate (guess, i);
            if (form)
              {
                relation->term = form;
                continue;
              }
            if (side == 1)
              {
                relation->unknown = unknown_for (terms, value);
                relation->term = term__zext (terms, relation->unknown, value[0]->width);
                unsigned n = guess->n_unknowns++;
                guess->unknown[n] = relation->unknown;
                for (unsigned k = 0; k < 2; k++)
                  guess->found[n][k] = term__extract (terms, value[k], 0, relation->unknown->width);
                continue;
              }
          }
        relation->term = term__fresh (terms, value[0]->width);
        relation->checked = false;
      }
}
