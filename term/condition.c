/* Conditions and choices.

   Comparisons with constants are all "less than"; equalities are of a sum with a constant; minimum and maximum have one
   form whichever way they were compared; what both sides of a choice have in common stands outside it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <string.h>

const struct term *
term__ne (struct terms *terms, const struct term *a, const struct term *b)
{
  return term__not (terms, term__eq (terms, a, b));
}

const struct term *
term__is_zero (struct terms *terms, const struct term *a)
{
  return term__eq (terms, a, term__const (terms, a->width, 0));
}

/* zext (condition): the condition, or NULL.  */
static const struct term *
as_condition (const struct term *a)
{
  return a->op == TERM_CONCAT && a->n_args == 2 && a->arg[1]->width == 1 && term__is_value (a->arg[0], 0)
           ? a->arg[1] : NULL;
}

static uint64_t
inverse (uint64_t odd)
{
  uint64_t x = odd;
  for (unsigned i = 0; i < 6; i++)
    x *= 2 - odd * x;
  return x;
}

/* Equality piece by piece, where some pieces can be told; NULL where none can.  In a frame of its own.  */
static const struct term *__attribute__ ((noinline))
equal_pieces (struct terms *terms, const struct term *a, const struct term *b)
{
  const struct term *piece[2][PIECES_MAX], *left[2][PIECES_MAX], *x, *y;
  struct cutter cutter = { .piece = { piece[0], piece[1] } };
  cutter.n[0] = term__pieces (terms, a, piece[0], PIECES_MAX);
  cutter.n[1] = term__pieces (terms, b, piece[1], PIECES_MAX);
  if (cutter.n[0] == 1 && cutter.n[1] == 1)
    return NULL;
  unsigned n = 0, dropped = 0;
  bool follows[PIECES_MAX], after_dropped = true; /* is it directly above the one before? */
  while (cutter__next (terms, &cutter, &x, &y))
    {
      if (x == y)
        {
          dropped++;
          after_dropped = true;
          continue;
        }
      if (x->op == TERM_CONST && y->op == TERM_CONST)
        return term__false (terms);
      if (n == PIECES_MAX)
        return NULL;
      follows[n] = !after_dropped;
      after_dropped = false;
      left[0][n] = x;
      left[1][n++] = y;
    }
  if (!dropped && a->width <= 64)
    return NULL;
  const struct term *result = term__true (terms);
  for (unsigned i = 0, end; i < n; i = end)
    {
      /* Neighbours stay together, as sums do.  */
      for (end = i + 1; a->width <= 64 && end < n && follows[end]; end++)
        ;
      result = term__and (terms, result, term__eq (terms, term__join (terms, left[0] + i, end - i),
                                                   term__join (terms, left[1] + i, end - i)));
    }
  return result;
}

/* Equality of up to 64 bits by the difference.  */
static const struct term *
equal_sum (struct terms *terms, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  LINEAR_NEW (linear, width);
  linear__add (terms, &linear, a, 1);
  linear__add (terms, &linear, b, UINT64_MAX);
  if (linear.n == 0)
    return linear.constant == 0 ? term__true (terms) : term__false (terms);
  uint64_t value = word__cut (-linear.constant, width); /* sum == value */
  linear.constant = 0;
  if (linear.n == 1)
    {
      const struct term *atom = linear.arg[0], *condition = as_condition (atom);
      uint64_t coef = linear.coef[0];
      if (condition)
        {
          if (value == 0)
            return term__not (terms, condition);
          return value == coef ? condition : term__false (terms);
        }
      unsigned zeros = (unsigned) __builtin_ctzll (coef);
      if (zeros)
        {
          if (value & ((UINT64_C (1) << zeros) - 1))
            return term__false (terms);
          value >>= zeros;
          coef >>= zeros;
          atom = term__extract (terms, atom, 0, width - zeros);
        }
      const struct term *known
        = term__const (terms, atom->width, value * inverse (coef));
      if (atom != a || known != b)
        {
          const struct term *pieces = equal_pieces (terms, atom, known);
          if (pieces)
            return pieces;
        }
      if (atom->width == 1)
        return term__eq (terms, atom, known);
      if (atom->op == TERM_ITE && atom->arg[1]->op == TERM_CONST && atom->arg[2]->op == TERM_CONST)
        {
          const struct term *args = atom->arg[0];
          bool first = atom->arg[1] == known, second = atom->arg[2] == known;
          return first && second ? term__true (terms)
                 : first         ? args
                 : second        ? term__not (terms, args)
                                 : term__false (terms);
        }
      /* Nothing is left of an or of things.  */
      if (atom->op == TERM_OR && term__is_value (known, 0))
        {
          const struct term *all = term__true (terms);
          for (unsigned i = 0; i < atom->n_args; i++)
            all = term__and (terms, all, term__is_zero (terms, atom->arg[i]));
          return all;
        }
      if (atom->op == TERM_SEXT)
        {
          const struct term *inner = atom->arg[0], *low = term__extract (terms, known, 0, inner->width);
          return term__sext (terms, low, atom->width) == known ? term__eq (terms, inner, low) : term__false (terms);
        }
      /* A count that says that there is nothing to count.  */
      if ((atom->op == TERM_POPCOUNT && term__is_value (known, 0))
          || ((atom->op == TERM_CLZ || atom->op == TERM_CTZ) && term__is_value (known, atom->width)))
        return term__is_zero (terms, atom->arg[0]);
      if (atom->op == TERM_XOR && atom->n_args == 2 && term__is_value (known, 0))
        return term__eq (terms, atom->arg[0], atom->arg[1]);
      if (atom->op == TERM_XOR && atom->arg[0]->op == TERM_CONST)
        return term__eq (terms, term__xor (terms, atom, atom->arg[0]), term__xor (terms, known, atom->arg[0]));
      const struct term *args[] = { atom, known };
      return store__term (terms, TERM_EQ, 1, 0, args, 2, NULL, 0);
    }
  /* The first coefficient is not negative.  */
  if (linear.coef[0] >> (width - 1))
    {
      for (unsigned i = 0; i < linear.n; i++)
        linear.coef[i] = word__cut (-linear.coef[i], width);
      value = word__cut (-value, width);
    }
  const struct term *args[] = { linear__make (terms, &linear), term__const (terms, width, value) };
  return store__term (terms, TERM_EQ, 1, 0, args, 2, NULL, 0);
}

/* A == B where A is the lesser or greater of B and something: a comparison of the two.  NULL for anything else.  */
static const struct term *
equal_extreme (struct terms *terms, const struct term *a, const struct term *b)
{
  if (a->op != TERM_ITE || (a->arg[0]->op != TERM_ULT && a->arg[0]->op != TERM_SLT))
    return NULL;
  const struct term *x = a->arg[0]->arg[0], *y = a->arg[0]->arg[1];
  const struct term *then = a->arg[1], *otherwise = a->arg[2];
  if ((b != x && b != y) || !((then == x && otherwise == y) || (then == y && otherwise == x)))
    return NULL;
  if (otherwise == b)
    return term__not (terms, a->arg[0]);
  return term__not (terms, a->arg[0]->op == TERM_ULT ? term__ult (terms, y, x) : term__slt (terms, y, x));
}

/* A == 0 where A is what X has over Y, or Y over X, and 0 where there is nothing over.  NULL for anything else.  */
static const struct term *
equal_over (struct terms *terms, const struct term *a)
{
  if (a->op != TERM_ITE || (a->arg[0]->op != TERM_ULT && a->arg[0]->op != TERM_SLT) || a->width > 64)
    return NULL;
  const struct term *x = a->arg[0]->arg[0], *y = a->arg[0]->arg[1], *then = a->arg[1], *otherwise = a->arg[2];
  bool first = term__is_value (then, 0);
  const struct term *over = first ? otherwise : then;
  /* Only the difference itself, in all its bits, is 0 where they are equal and nowhere else.  */
  if (a->width < x->width || (!first && !term__is_value (otherwise, 0)))
    return NULL;
  bool found = false;
  for (unsigned i = 0; i < 2 && !found; i++)
    {
      const struct term *by = term__sub (terms, i ? term__sext (terms, x, a->width) : term__zext (terms, x, a->width),
                                         i ? term__sext (terms, y, a->width) : term__zext (terms, y, a->width));
      found = over == by || over == term__neg (terms, by);
    }
  if (!found)
    return NULL;
  if (!first)
    return term__not (terms, a->arg[0]);
  return term__not (terms, a->arg[0]->op == TERM_ULT ? term__ult (terms, y, x) : term__slt (terms, y, x));
}

const struct term *
term__eq (struct terms *terms, const struct term *a, const struct term *b)
{
  if (a == b)
    return term__true (terms);
  if (a->op == TERM_CONST && b->op == TERM_CONST)
    return term__false (terms);
  if (a->width == 1)
    return term__not (terms, term__xor (terms, a, b));
  if (a->op == TERM_CONST)
    {
      const struct term *swap = a;
      a = b;
      b = swap;
    }
  const struct term *extreme = equal_extreme (terms, a, b);
  if (!extreme)
    extreme = equal_extreme (terms, b, a);
  if (!extreme && term__is_value (b, 0))
    extreme = equal_over (terms, a);
  if (!extreme && term__is_value (a, 0))
    extreme = equal_over (terms, b);
  if (extreme)
    return extreme;
  const struct term *pieces = equal_pieces (terms, a, b);
  if (pieces)
    return pieces;
  if (a->width <= 64)
    return equal_sum (terms, a, b);
  if (a->op == TERM_OR && term__is_value (b, 0))
    {
      const struct term *all = term__true (terms);
      for (unsigned i = 0; i < a->n_args; i++)
        all = term__and (terms, all, term__is_zero (terms, a->arg[i]));
      return all;
    }
  const struct term *args[] = { a, b };
  if (b->op != TERM_CONST && a->id > b->id)
    {
      args[0] = b;
      args[1] = a;
    }
  return store__term (terms, TERM_EQ, 1, 0, args, 2, NULL, 0);
}

/* How deep choices are looked into.  */
enum { CHOICE_DEPTH = 4, SUM_TERMS = 16 };

/* Bits at the top of A that are known to be zero.  */
static unsigned
zeros_within (const struct term *a, unsigned depth)
{
  if (a->op == TERM_CONST)
    {
      for (unsigned i = a->n_words; i-- > 0;)
        if (a->words[i])
          return a->width - 64 * i - (64 - (unsigned) __builtin_clzll (a->words[i]));
      return a->width;
    }
  if (a->op == TERM_CONCAT && a->arg[0]->op == TERM_CONST)
    {
      unsigned zeros = zeros_within (a->arg[0], depth);
      return zeros == a->arg[0]->width && a->n_args > 1 ? zeros + zeros_within (a->arg[1], depth) : zeros;
    }
  if (a->op == TERM_ITE && depth)
    {
      unsigned x = zeros_within (a->arg[1], depth - 1);
      unsigned y = x ? zeros_within (a->arg[2], depth - 1) : 0;
      return x < y ? x : y;
    }
  if (a->op == TERM_SUM && depth && a->n_args <= SUM_TERMS)
    {
      /* What it is at most, where that doesn't wrap.  */
      unsigned __int128 most = a->words[0];
      for (unsigned i = 0; i < a->n_args; i++)
        {
          unsigned zeros = zeros_within (a->arg[i], depth - 1);
          most += (unsigned __int128) a->words[1 + i] * (zeros ? (UINT64_C (1) << (a->width - zeros)) - 1 : UINT64_MAX);
          if (most >> a->width)
            return 0;
        }
      unsigned used = most == 0 ? 0 : 64 - (unsigned) __builtin_clzll ((uint64_t) most);
      return a->width - used;
    }
  return 0;
}

static unsigned
zeros_above (const struct term *a)
{
  return zeros_within (a, CHOICE_DEPTH);
}


static int
compare_const (const struct term *a, const struct term *b)
{
  for (unsigned i = a->n_words; i-- > 0;)
    if (a->words[i] != b->words[i])
      return a->words[i] < b->words[i] ? -1 : 1;
  return 0;
}

/* A minimum or maximum of X and a constant, less than K: X is, or it is known.  The sign instead of a comparison with 0
   counts for signed ones, and for unsigned ones where only 0 and more is left.  NULL: no such.  */
static const struct term *
extreme_below (struct terms *terms, const struct term *a, const struct term *k, bool is_signed)
{
  if (a->op != TERM_ITE || k->op != TERM_CONST || k->width > 64)
    return NULL;
  const struct term *condition = a->arg[0], *then = a->arg[1], *otherwise = a->arg[2];
  unsigned width = a->width;
  const struct term *(*less) (struct terms *, const struct term *, const struct term *) = is_signed ? term__slt : term__ult;
  /* The greater of x and 0.  */
  if (term__is_value (then, 0) && condition == term__extract (terms, otherwise, width - 1, 1)
      && !(k->words[0] >> (width - 1)) && k->words[0])
    return term__slt (terms, otherwise, k);
  if (condition->op != (is_signed ? TERM_SLT : TERM_ULT) || condition->arg[1]->op != TERM_CONST)
    return NULL;
  const struct term *x = condition->arg[0], *limit = condition->arg[1];
  if (then == x && otherwise == limit)
    return less (terms, limit, k) == term__true (terms) ? term__true (terms) : less (terms, x, k);
  if (then == limit && otherwise == x)
    return less (terms, limit, k) == term__true (terms) ? less (terms, x, k) : term__false (terms);
  return NULL;
}

/* A choice of constants compared with a constant: LESS says which comparison.  */
static const struct term *
choose (struct terms *terms, const struct term *a, const struct term *b,
        const struct term *(*less) (struct terms *, const struct term *, const struct term *))
{
  if (a->op == TERM_ITE && b->op == TERM_CONST && a->arg[1]->op == TERM_CONST && a->arg[2]->op == TERM_CONST)
    return term__ite (terms, a->arg[0], less (terms, a->arg[1], b), less (terms, a->arg[2], b));
  if (b->op == TERM_ITE && a->op == TERM_CONST && b->arg[1]->op == TERM_CONST && b->arg[2]->op == TERM_CONST)
    return term__ite (terms, b->arg[0], less (terms, a, b->arg[1]), less (terms, a, b->arg[2]));
  return NULL;
}

const struct term *
term__ult (struct terms *terms, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  if (a == b || term__is_value (b, 0) || term__is_ones (a))
    return term__false (terms);
  if (a->op == TERM_CONST && b->op == TERM_CONST)
    return compare_const (a, b) < 0 ? term__true (terms) : term__false (terms);
  if (width == 1)
    return term__and (terms, term__not (terms, a), b);
  if (term__is_value (b, 1))
    return term__is_zero (terms, a);
  if (term__is_value (a, 0))
    return term__not (terms, term__is_zero (terms, b));
  if (term__is_ones (b))
    return term__ne (terms, a, b);
  const struct term *chosen = choose (terms, a, b, term__ult);
  if (!chosen)
    chosen = extreme_below (terms, a, b, false);
  if (chosen)
    return chosen;
  unsigned x = zeros_above (a), y = zeros_above (b), common = x < y ? x : y;
  if (common && common < width)
    return term__ult (terms, term__extract (terms, a, 0, width - common),
                      term__extract (terms, b, 0, width - common));
  /* Less than 2^n, at least 2^n.  */
  if (x && b->op == TERM_CONST)
    return term__true (terms);
  if (y && a->op == TERM_CONST)
    return term__false (terms);
  if (a->op == TERM_CONST)
    {
      uint64_t words[TERM_WORDS_MAX];
      memcpy (words, a->words, a->n_words * sizeof *words);
      for (unsigned i = 0; i < a->n_words && ++words[i] == 0; i++)
        ;
      return term__not (terms, term__ult (terms, b, term__wide (terms, width, words)));
    }
  const struct term *args[] = { a, b };
  return store__term (terms, TERM_ULT, 1, 0, args, 2, NULL, 0);
}

const struct term *
term__ule (struct terms *terms, const struct term *a, const struct term *b)
{
  return term__not (terms, term__ult (terms, b, a));
}

/* A with its top bit inverted, where that is simpler than A: SSE compares unsigned numbers so.  NULL where it isn't.  */
static const struct term *
unflip (struct terms *terms, const struct term *a)
{
  unsigned width = a->width;
  if (width > 64)
    return NULL;
  uint64_t top = UINT64_C (1) << (width - 1);
  if (a->op == TERM_CONST)
    return term__const (terms, width, a->words[0] ^ top);
  if (a->op == TERM_SUM)
    return a->words[0] == top ? term__sub (terms, a, term__const (terms, width, top)) : NULL;
  if (a->op != TERM_CONCAT && a->op != TERM_XOR)
    return NULL;
  const struct term *sign = term__extract (terms, a, width - 1, 1);
  return sign->op == TERM_NOT ? term__insert (terms, a, width - 1, sign->arg[0]) : NULL;
}

const struct term *
term__slt (struct terms *terms, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  if (a == b)
    return term__false (terms);
  if (width == 1)
    return term__and (terms, a, term__not (terms, b));
  if (term__is_value (b, 0))
    return term__extract (terms, a, width - 1, 1);
  if (zeros_above (a) && zeros_above (b))
    return term__ult (terms, a, b);
  if (width > 1 && (a->op != TERM_CONST || b->op != TERM_CONST))
    {
      const struct term *x = unflip (terms, a), *y = x ? unflip (terms, b) : NULL;
      if (y)
        return term__ult (terms, x, y);
    }
  const struct term *chosen = choose (terms, a, b, term__slt);
  if (!chosen)
    chosen = extreme_below (terms, a, b, true);
  if (!chosen && a->op == TERM_SUM && term__neg (terms, a) == b)
    chosen = sum__sign (terms, a);
  if (chosen)
    return chosen;
  if (width <= 64 && a->op == TERM_CONST && b->op == TERM_CONST)
    return word__sign (a->words[0], width) < word__sign (b->words[0], width) ? term__true (terms)
                                                                           : term__false (terms);
  if (width <= 64 && (a->op == TERM_CONST || b->op == TERM_CONST))
    {
      uint64_t least = UINT64_C (1) << (width - 1);
      if (b->op == TERM_CONST && b->words[0] == least)
        return term__false (terms);
      if (a->op == TERM_CONST)
        {
          if (a->words[0] == least - 1)
            return term__false (terms);
          return term__not (terms, term__slt (terms, b, term__const (terms, width, a->words[0] + 1)));
        }
    }
  /* Both extended from fewer bits.  */
  unsigned narrow[2];
  const struct term *side[] = { a, b };
  for (unsigned i = 0; i < 2; i++)
    {
      narrow[i] = width;
      unsigned zeros = zeros_above (side[i]);
      if (side[i]->op == TERM_SEXT)
        narrow[i] = side[i]->arg[0]->width;
      else if (zeros)
        narrow[i] = width - zeros + 1;
      else if (side[i]->op == TERM_CONST)
        for (unsigned w = 1; w < width; w++)
          if (term__sext (terms, term__extract (terms, side[i], 0, w), width) == side[i])
            {
              narrow[i] = w;
              break;
            }
    }
  unsigned wide = narrow[0] > narrow[1] ? narrow[0] : narrow[1];
  if (wide < width)
    return term__slt (terms, term__extract (terms, a, 0, wide), term__extract (terms, b, 0, wide));
  const struct term *args[] = { a, b };
  return store__term (terms, TERM_SLT, 1, 0, args, 2, NULL, 0);
}

const struct term *
term__sle (struct terms *terms, const struct term *a, const struct term *b)
{
  return term__not (terms, term__slt (terms, b, a));
}

/* What both sides of a choice add, outside of it.  NULL where they share nothing.  */
static const struct term *
common_sum (struct terms *terms, const struct term *condition, const struct term *a, const struct term *b)
{
  if (a->op != TERM_SUM && b->op != TERM_SUM && a->op != TERM_NOT && b->op != TERM_NOT)
    return NULL;
  LINEAR_NEW (x, a->width);
  LINEAR_NEW (y, a->width);
  LINEAR_NEW (outside, a->width);
  linear__add (terms, &x, a, 1);
  linear__add (terms, &y, b, 1);
  bool shared = false;
  if (x.constant == y.constant && x.constant)
    {
      shared = true;
      outside.constant = x.constant;
      x.constant = y.constant = 0;
    }
  unsigned i = 0, k = 0, n = 0, m = 0;
  while (i < x.n || k < y.n)
    if (i < x.n && k < y.n && x.arg[i] == y.arg[k] && x.coef[i] == y.coef[k])
      {
        shared = true;
        linear__add (terms, &outside, x.arg[i], x.coef[i]);
        i++;
        k++;
      }
    else if (k == y.n || (i < x.n && x.arg[i]->id <= y.arg[k]->id))
      {
        x.arg[n] = x.arg[i];
        x.coef[n++] = x.coef[i++];
      }
    else
      {
        y.arg[m] = y.arg[k];
        y.coef[m++] = y.coef[k++];
      }
  if (!shared)
    return NULL;
  x.n = n;
  y.n = m;
  const struct term *rest = term__ite (terms, condition, linear__make (terms, &x), linear__make (terms, &y));
  linear__add (terms, &outside, rest, 1);
  return linear__make (terms, &outside);
}

/* A and B are surely equal where X is Y: their difference is one or two of X - Y, as much of it as their width has.  */
static bool
equal_with (struct terms *terms, const struct term *a, const struct term *b, const struct term *x, const struct term *y)
{
  unsigned width = a->width;
  if (width > 64 || x->width > 64)
    return false;
  if (a->op != TERM_SUM && b->op != TERM_SUM && a->op != TERM_CONST && b->op != TERM_CONST && width >= x->width)
    return (a == x && b == y) || (a == y && b == x);
  const struct term *difference = term__sub (terms, a, b);
  if (difference->op == TERM_CONST)
    return false;
  for (unsigned i = 0; i < 2; i++)
    {
      const struct term *by
        = width <= x->width
            ? term__sub (terms, term__extract (terms, x, 0, width), term__extract (terms, y, 0, width))
            : term__sub (terms, i ? term__sext (terms, x, width) : term__zext (terms, x, width),
                         i ? term__sext (terms, y, width) : term__zext (terms, y, width));
      const struct term *minus = term__neg (terms, by);
      if (difference == by || difference == minus || difference == term__add (terms, by, by)
          || difference == term__add (terms, minus, minus))
        return true;
      if (width <= x->width)
        break;
    }
  return false;
}

/* A choice by the sign of a sum between what are the same for the sum 0, as an absolute value: the sum and not its
   negation, whichever has a positive first coefficient.  */
static const struct term *
absolute (struct terms *terms, const struct term *condition, const struct term *a, const struct term *b)
{
  const struct term *sum = condition->op == TERM_EXTRACT ? condition->arg[0] : NULL;
  if (!sum || sum->op != TERM_SUM || condition->number != sum->width - 1u || a->width > sum->width
      || sum->words[1] <= UINT64_C (1) << (sum->width - 1))
    return NULL;
  const struct term *difference = term__sub (terms, a, b), *part = term__extract (terms, sum, 0, a->width);
  const struct term *twice = term__add (terms, part, part);
  /* The least number is its own negation: there the two have to be the same, too.  */
  if (difference != twice && difference != term__neg (terms, twice))
    return NULL;
  const struct term *minus = term__neg (terms, sum);
  return term__ite (terms, term__extract (terms, minus, minus->width - 1, 1), b, a);
}

/* The sign of SUM as a comparison of what it adds with what it subtracts, where neither wraps.  NULL: no such.  */
const struct term *
sum__sign (struct terms *terms, const struct term *sum)
{
  unsigned width = sum->width;
  if (sum->n_args > SUM_TERMS)
    return NULL;
  LINEAR_NEW (plus, width);
  LINEAR_NEW (minus, width);
  for (unsigned i = 0; i < sum->n_args; i++)
    {
      uint64_t coef = sum->words[1 + i];
      if (coef >> (width - 1))
        linear__add (terms, &minus, sum->arg[i], word__cut (-coef, width));
      else
        linear__add (terms, &plus, sum->arg[i], coef);
    }
  if (sum->words[0] >> (width - 1))
    minus.constant = word__cut (-sum->words[0], width);
  else
    plus.constant = sum->words[0];
  const struct term *x = linear__make (terms, &plus), *y = linear__make (terms, &minus);
  return zeros_above (x) && zeros_above (y) ? term__ult (terms, x, y) : NULL;
}

/* Minimum and maximum: the arguments of the comparison in one order.  */
static const struct term *
extremum (struct terms *terms, const struct term *condition, const struct term *a, const struct term *b)
{
  if (condition->op != TERM_ULT && condition->op != TERM_SLT)
    return NULL;
  const struct term *(*less) (struct terms *, const struct term *, const struct term *)
    = condition->op == TERM_ULT ? term__ult : term__slt;
  const struct term *x = condition->arg[0], *y = condition->arg[1];
  /* x < c + 1 chooses between x and c as x < c does.  */
  if (y->op == TERM_CONST && y->width <= 64 && (a->op == TERM_CONST || b->op == TERM_CONST || a->op == TERM_SUM))
    {
      const struct term *before = term__const (terms, y->width, y->words[0] - 1);
      /* Not where there is none before: both comparisons have made sure of that.  */
      if (equal_with (terms, a, b, x, before))
        return term__ite (terms, less (terms, x, before), a, b);
      return NULL;
    }
  if (y->op == TERM_CONST || x->op == TERM_CONST || x->id < y->id)
    return NULL;
  if (equal_with (terms, a, b, x, y))
    return term__ite (terms, less (terms, y, x), b, a);
  return NULL;
}

/* Piece by piece, where some pieces are the same on both sides.  */
static const struct term *__attribute__ ((noinline))
choose_pieces (struct terms *terms, const struct term *condition, const struct term *a, const struct term *b)
{
  const struct term *piece[2][PIECES_MAX], *part[2][PIECES_MAX], *x, *y;
  struct cutter cutter = { .piece = { piece[0], piece[1] } };
  cutter.n[0] = term__pieces (terms, a, piece[0], PIECES_MAX);
  cutter.n[1] = term__pieces (terms, b, piece[1], PIECES_MAX);
  if (cutter.n[0] == 1 && cutter.n[1] == 1)
    return NULL;
  unsigned n = 0;
  bool same = false;
  while (cutter__next (terms, &cutter, &x, &y))
    {
      if (n == PIECES_MAX)
        return NULL;
      same |= x == y;
      part[0][n] = x;
      part[1][n++] = y;
    }
  if (!same)
    return NULL;
  /* Neighbours that differ stay together.  */
  unsigned m = 0;
  for (unsigned i = 0; i < n;)
    {
      unsigned end = i + 1;
      if (part[0][i] == part[1][i])
        piece[0][m++] = part[0][i];
      else
        {
          while (end < n && part[0][end] != part[1][end])
            end++;
          piece[0][m++] = term__ite (terms, condition, term__join (terms, part[0] + i, end - i),
                                     term__join (terms, part[1] + i, end - i));
        }
      i = end;
    }
  return term__join (terms, piece[0], m);
}

/* INNER holds only where OUTER does, both comparing one number with constants: the lower limit is asked first.  */
static bool
below_first (struct terms *terms, const struct term *outer, const struct term *inner)
{
  if ((outer->op != TERM_SLT && outer->op != TERM_ULT) || outer->arg[1]->op != TERM_CONST)
    return false;
  const struct term *x = outer->arg[0], *limit = outer->arg[1];
  if (outer->op == TERM_SLT && inner->op == TERM_EXTRACT && zeros_above (limit))
    return inner == term__extract (terms, x, x->width - 1u, 1);
  return inner->op == outer->op && inner->arg[0] == x && inner->arg[1]->op == TERM_CONST && inner->arg[1] != limit
         && (inner->op == TERM_SLT ? term__slt (terms, inner->arg[1], limit) : term__ult (terms, inner->arg[1], limit))
              == term__true (terms);
}

/* x == k ? c : f (x), where f counts x's bits and f (k) is c anyway: what compilers write for CPUs whose bsf and bsr
   don't count those of 0.  */
static bool
count__covers (struct terms *terms, const struct term *condition, const struct term *constant, const struct term *a)
{
  const struct term *count = a;
  while (count->op == TERM_EXTRACT || count->op == TERM_CONCAT)
    count = count->arg[count->n_args - 1];
  if (condition->op != TERM_EQ || condition->arg[1]->op != TERM_CONST || constant->op != TERM_CONST
      || (count->op != TERM_CLZ && count->op != TERM_CTZ && count->op != TERM_POPCOUNT)
      || count->arg[0] != condition->arg[0])
    return false;
  return term__substitute (terms, a, &condition->arg[0], &condition->arg[1], 1) == constant;
}

const struct term *
term__ite (struct terms *terms, const struct term *condition, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  if (condition->op == TERM_CONST)
    return condition->words[0] ? a : b;
  if (a == b)
    return a;
  if (condition->op == TERM_NOT)
    return term__ite (terms, condition->arg[0], b, a);
  /* Inside a choice its condition is known.  */
  if (a->op == TERM_ITE && a->arg[0] == condition)
    return term__ite (terms, condition, a->arg[1], b);
  if (b->op == TERM_ITE && b->arg[0] == condition)
    return term__ite (terms, condition, a, b->arg[2]);
  if (a->op == TERM_ITE && below_first (terms, condition, a->arg[0]))
    return term__ite (terms, a->arg[0], a->arg[1], term__ite (terms, condition, a->arg[2], b));
  if (condition->op == TERM_EQ && condition->arg[0] == a && condition->arg[1]->op == TERM_CONST)
    return term__ite (terms, condition, condition->arg[1], b);
  if (width == 0)
    {
      const struct term *memories[] = { condition, a, b };
      return store__term (terms, TERM_ITE, 0, 0, memories, 3, NULL, 0);
    }
  if (width == 1)
    {
      if (a->op == TERM_CONST)
        return a->words[0] ? term__or (terms, condition, b) : term__and (terms, term__not (terms, condition), b);
      /* Negative numbers are below those that aren't.  */
      if (term__is_value (b, 0) && condition->op == TERM_SLT && condition->arg[1]->op == TERM_CONST
          && zeros_above (condition->arg[1])
          && a == term__extract (terms, condition->arg[0], condition->arg[0]->width - 1u, 1))
        return a;
      if (b->op == TERM_CONST)
        return b->words[0] ? term__or (terms, term__not (terms, condition), a) : term__and (terms, condition, a);
      if (a == condition)
        return term__or (terms, condition, b);
      if (b == condition)
        return term__and (terms, condition, a);
      if (a == term__not (terms, b))
        return term__xor (terms, condition, b);
    }
  else
    {
      if (width <= 64 && a->op == TERM_CONST && b->op == TERM_CONST)
        {
          LINEAR_NEW (linear, width);
          linear.constant = b->words[0];
          linear__add (terms, &linear, term__concat (terms, term__const (terms, width - 1, 0), condition),
                       a->words[0] - b->words[0]);
          return linear__make (terms, &linear);
        }
      if (term__is_ones (a) && term__is_value (b, 0))
        return term__sext (terms, condition, width);
      if (count__covers (terms, condition, a, b))
        return b;
      /* x == k ? k : x.  */
      if (condition->op == TERM_EQ && condition->arg[1] == a && condition->arg[0] == b)
        return b;
      const struct term *result = extremum (terms, condition, a, b);
      if (!result && width <= 64)
        result = absolute (terms, condition, a, b);
      if (!result && width <= 64)
        result = common_sum (terms, condition, a, b);
      if (!result)
        result = choose_pieces (terms, condition, a, b);
      if (result)
        return result;
    }
  const struct term *args[] = { condition, a, b };
  return store__term (terms, TERM_ITE, width, 0, args, 3, NULL, 0);
}

/* The part of A below its known zeros.  */
static const struct term *
below_zeros (struct terms *terms, const struct term *a, unsigned *zeros)
{
  *zeros = zeros_above (a);
  return *zeros && *zeros < a->width ? term__extract (terms, a, 0, a->width - *zeros) : a;
}

static unsigned
count_bits (const struct term *a, enum term_op op)
{
  unsigned set = 0;
  for (unsigned i = 0; i < a->width; i++)
    {
      bool bit = const__bit (a, op == TERM_CLZ ? a->width - 1 - i : i);
      if (op == TERM_POPCOUNT)
        set += bit;
      else if (bit)
        return i;
    }
  return op == TERM_POPCOUNT ? set : a->width;
}

static const struct term *
count (struct terms *terms, enum term_op op, const struct term *a)
{
  if (a->op == TERM_CONST)
    return term__const (terms, a->width, count_bits (a, op));
  unsigned zeros, width = a->width;
  const struct term *part = below_zeros (terms, a, &zeros);
  if (part == a || op == TERM_CTZ || part->width < 8 || width > 64)
    return store__term (terms, op, width, 0, &a, 1, NULL, 0);
  const struct term *inner
    = term__zext (terms, store__term (terms, op, part->width, 0, &part, 1, NULL, 0), width);
  return op == TERM_CLZ ? term__add (terms, inner, term__const (terms, width, zeros)) : inner;
}

/* Of conditions side by side: their sum, as a loop counts.  */
const struct term *
term__popcount (struct terms *terms, const struct term *a)
{
  const struct term *piece[64];
  unsigned n = a->op == TERM_CONCAT && a->width <= 64 ? term__pieces (terms, a, piece, 64) : 0;
  bool conditions = n > 0;
  for (unsigned i = 0; i < n; i++)
    conditions &= piece[i]->op == TERM_CONST || (piece[i]->width == 1 && piece[i]->op != TERM_EXTRACT);
  if (conditions)
    {
      LINEAR_NEW (sum, a->width);
      for (unsigned i = 0; i < n; i++)
        if (piece[i]->op == TERM_CONST)
          sum.constant += count_bits (piece[i], TERM_POPCOUNT);
        else
          linear__add (terms, &sum, term__zext (terms, piece[i], a->width), 1);
      return linear__make (terms, &sum);
    }
  return count (terms, TERM_POPCOUNT, a);
}

const struct term *
term__clz (struct terms *terms, const struct term *a)
{
  return count (terms, TERM_CLZ, a);
}

const struct term *
term__ctz (struct terms *terms, const struct term *a)
{
  return count (terms, TERM_CTZ, a);
}
