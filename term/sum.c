/* Sums: linear combinations modulo 2^width, and products.

   All of the negations, subtractions, additions, shifts left and products by constants of an address or a counter
   end as one flat sum with sorted arguments.  What else is linear in disguise is taken apart here: ~x is -x - 1, a
   sign-extended condition is minus the zero-extended one, c ? k : 0 is k times it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <string.h>

static void
linear__reserve (struct terms *terms, struct linear *linear, unsigned n)
{
  if (n <= linear->capacity)
    return;
  unsigned capacity = 2 * n;
  const struct term **arg = ARENA_ARRAY (store__arena (terms), const struct term *, capacity);
  uint64_t *coef = ARENA_ARRAY (store__arena (terms), uint64_t, capacity);
  memcpy (arg, linear->arg, linear->n * sizeof *arg);
  memcpy (coef, linear->coef, linear->n * sizeof *coef);
  linear->arg = arg;
  linear->coef = coef;
  linear->capacity = capacity;
}

/* LINEAR += FACTOR * ATOM, which is no sum.  */
static void
linear__atom (struct terms *terms, struct linear *linear, const struct term *atom, uint64_t factor)
{
  factor = word__cut (factor, linear->width);
  if (factor == 0)
    return;
  unsigned low = 0, high = linear->n;
  while (low < high)
    {
      unsigned middle = (low + high) / 2;
      if (linear->arg[middle]->id < atom->id)
        low = middle + 1;
      else
        high = middle;
    }
  if (low < linear->n && linear->arg[low] == atom)
    {
      linear->coef[low] = word__cut (linear->coef[low] + factor, linear->width);
      if (linear->coef[low] == 0)
        {
          linear->n--;
          memmove (linear->arg + low, linear->arg + low + 1, (linear->n - low) * sizeof *linear->arg);
          memmove (linear->coef + low, linear->coef + low + 1, (linear->n - low) * sizeof *linear->coef);
        }
      return;
    }
  linear__reserve (terms, linear, linear->n + 1);
  memmove (linear->arg + low + 1, linear->arg + low, (linear->n - low) * sizeof *linear->arg);
  memmove (linear->coef + low + 1, linear->coef + low, (linear->n - low) * sizeof *linear->coef);
  linear->arg[low] = atom;
  linear->coef[low] = factor;
  linear->n++;
}

/* A condition as 0 or 1 of WIDTH bits, as it stands in sums.  */
static const struct term *
condition_word (struct terms *terms, const struct term *condition, unsigned width)
{
  return term__concat (terms, term__const (terms, width - 1, 0), condition);
}

/* Where FACTOR has K trailing zeros only the low width - K bits of an atom matter: x for zext (low part of x).  */
static const struct term *
strip_extension (const struct term *a, uint64_t factor, unsigned width)
{
  unsigned zeros = (unsigned) __builtin_ctzll (factor);
  const struct term *inner = NULL;
  if (a->op == TERM_CONCAT && a->n_args == 2 && term__is_value (a->arg[0], 0))
    inner = a->arg[1];
  else if (a->op == TERM_SEXT)
    inner = a->arg[0];
  if (zeros && inner && inner->op == TERM_EXTRACT && inner->number == 0 && inner->arg[0]->width == width
      && inner->width + zeros >= width)
    return inner->arg[0];
  return a;
}

void
linear__add (struct terms *terms, struct linear *linear, const struct term *a, uint64_t factor)
{
  unsigned width = linear->width;
  factor = word__cut (factor, width);
  if (factor == 0)
    return;
  switch (a->op)
    {
    case TERM_CONST:
      linear->constant = word__cut (linear->constant + factor * a->words[0], width);
      return;
    case TERM_SUM:
      linear->constant = word__cut (linear->constant + factor * a->words[0], width);
      for (unsigned i = 0; i < a->n_args; i++)
        linear__add (terms, linear, a->arg[i], factor * a->words[1 + i]);
      return;
    case TERM_NOT:
      linear->constant = word__cut (linear->constant - factor, width);
      linear__add (terms, linear, a->arg[0], -factor);
      return;
    case TERM_SEXT:
      if (a->arg[0]->width == 1)
        {
          linear__add (terms, linear, condition_word (terms, a->arg[0], width), -factor);
          return;
        }
      break;
    case TERM_ITE:
      if (a->arg[1]->op == TERM_CONST && a->arg[2]->op == TERM_CONST)
        {
          uint64_t then = a->arg[1]->words[0], otherwise = a->arg[2]->words[0];
          linear->constant = word__cut (linear->constant + factor * otherwise, width);
          linear__atom (terms, linear, condition_word (terms, a->arg[0], width), factor * (then - otherwise));
          return;
        }
      break;
    default:
      break;
    }
  const struct term *atom = strip_extension (a, factor, width);
  if (atom != a)
    linear__add (terms, linear, atom, factor);
  else
    linear__atom (terms, linear, a, factor);
}

/* zext (condition), as condition_word makes it, or NULL.  */
static const struct term *
word_condition (const struct term *a)
{
  return a->op == TERM_CONCAT && a->n_args == 2 && a->arg[1]->width == 1 && term__is_value (a->arg[0], 0)
           ? a->arg[1] : NULL;
}

/* (c ? a : b) + k * zext (c) is c ? a + k : b.  True where that was done, *TERM being the sum.  */
static bool
absorb_condition (struct terms *terms, struct linear *linear, const struct term **term)
{
  for (unsigned i = 0; i < linear->n; i++)
    {
      const struct term *condition = word_condition (linear->arg[i]);
      for (unsigned k = 0; condition && k < linear->n; k++)
        {
          const struct term *choice = linear->arg[k];
          uint64_t factor = linear->coef[k];
          bool minus = factor == word__cut (UINT64_MAX, linear->width);
          if (choice->op != TERM_ITE || choice->arg[0] != condition || (factor != 1 && !minus))
            continue;
          uint64_t step = minus ? -linear->coef[i] : linear->coef[i];
          const struct term *then
            = term__add (terms, choice->arg[1], term__const (terms, linear->width, step));
          const struct term *whole = term__ite (terms, condition, then, choice->arg[2]);
          LINEAR_NEW (rest, linear->width);
          rest.constant = linear->constant;
          for (unsigned j = 0; j < linear->n; j++)
            if (j != i && j != k)
              linear__add (terms, &rest, linear->arg[j], linear->coef[j]);
          linear__add (terms, &rest, whole, factor);
          *term = linear__make (terms, &rest);
          return true;
        }
    }
  return false;
}

/* x - 2^k * (x >> k) is the low part of x.  True where that was found, *TERM being the sum.  */
static bool
absorb_remainder (struct terms *terms, struct linear *linear, const struct term **term)
{
  unsigned width = linear->width;
  for (unsigned i = 0; i < linear->n; i++)
    {
      const struct term *high = linear->arg[i];
      if (high->op != TERM_CONCAT || high->n_args != 2 || !term__is_value (high->arg[0], 0)
          || high->arg[1]->op != TERM_EXTRACT)
        continue;
      const struct term *part = high->arg[1], *whole = part->arg[0];
      unsigned k = part->number;
      if (whole->width != width || k + part->width != width)
        continue;
      for (unsigned j = 0; j < linear->n; j++)
        if (linear->arg[j] == whole && linear->coef[i] == word__cut (-(linear->coef[j] << k), width))
          {
            LINEAR_NEW (rest, width);
            rest.constant = linear->constant;
            for (unsigned m = 0; m < linear->n; m++)
              if (m != i && m != j)
                linear__add (terms, &rest, linear->arg[m], linear->coef[m]);
            linear__add (terms, &rest, term__zext (terms, term__extract (terms, whole, 0, k), width), linear->coef[j]);
            *term = linear__make (terms, &rest);
            return true;
          }
    }
  return false;
}

const struct term *
linear__make (struct terms *terms, struct linear *linear)
{
  unsigned width = linear->width;
  uint64_t minus = word__cut (UINT64_MAX, width);
  if (linear->n == 0)
    return term__const (terms, width, linear->constant);
  if (linear->n == 1)
    {
      const struct term *atom = linear->arg[0], *condition = word_condition (atom);
      if (linear->coef[0] == 1 && linear->constant == 0)
        return atom;
      if (linear->coef[0] == minus && linear->constant == minus)
        return store__term (terms, TERM_NOT, width, 0, &atom, 1, NULL, 0);
      if (linear->coef[0] == minus && linear->constant == 0 && condition)
        return store__term (terms, TERM_SEXT, width, 0, &condition, 1, NULL, 0);
      /* A choice of two constants that isn't that of 0 and 1.  */
      if (condition)
        {
          const struct term *args[] = { condition, term__const (terms, width, linear->constant + linear->coef[0]),
                                        term__const (terms, width, linear->constant) };
          return store__term (terms, TERM_ITE, width, 0, args, 3, NULL, 0);
        }
    }
  const struct term *absorbed;
  if (linear->n >= 2
      && (absorb_condition (terms, linear, &absorbed) || absorb_remainder (terms, linear, &absorbed)))
    return absorbed;
  uint64_t few[LINEAR_FIRST + 1], *words = few;
  if (linear->n > LINEAR_FIRST)
    words = ARENA_ARRAY (store__arena (terms), uint64_t, linear->n + 1);
  words[0] = linear->constant;
  memcpy (words + 1, linear->coef, linear->n * sizeof *words);
  return store__term (terms, TERM_SUM, width, 0, linear->arg, linear->n, words, linear->n + 1);
}

/* FACTOR * A + OTHER_FACTOR * B, up to 64 bits wide.  */
static const struct term *
combine (struct terms *terms, const struct term *a, uint64_t factor, const struct term *b, uint64_t other_factor)
{
  LINEAR_NEW (linear, a->width);
  linear__add (terms, &linear, a, factor);
  if (b)
    linear__add (terms, &linear, b, other_factor);
  return linear__make (terms, &linear);
}

/* Wide constants.  */
static const struct term *
wide_sum (struct terms *terms, const struct term *a, const struct term *b)
{
  uint64_t words[TERM_WORDS_MAX];
  unsigned __int128 carry = 0;
  for (unsigned i = 0; i < a->n_words; i++)
    {
      carry += (unsigned __int128) a->words[i] + b->words[i];
      words[i] = (uint64_t) carry;
      carry >>= 64;
    }
  return term__wide (terms, a->width, words);
}

static const struct term *
wide_product (struct terms *terms, const struct term *a, const struct term *b)
{
  uint64_t words[TERM_WORDS_MAX] = { 0 };
  for (unsigned i = 0; i < a->n_words; i++)
    {
      unsigned __int128 carry = 0;
      for (unsigned k = 0; i + k < a->n_words; k++)
        {
          carry += (unsigned __int128) a->words[i] * b->words[k] + words[i + k];
          words[i + k] = (uint64_t) carry;
          carry >>= 64;
        }
    }
  return term__wide (terms, a->width, words);
}

static void
sort_two (const struct term *args[2])
{
  if (args[0]->id > args[1]->id)
    {
      const struct term *swap = args[0];
      args[0] = args[1];
      args[1] = swap;
    }
}

const struct term *
term__add (struct terms *terms, const struct term *a, const struct term *b)
{
  if (a->width == 1)
    return term__xor (terms, a, b);
  if (a->width <= 64)
    return combine (terms, a, 1, b, 1);
  if (a->op == TERM_CONST && b->op == TERM_CONST)
    return wide_sum (terms, a, b);
  if (term__is_value (a, 0))
    return b;
  if (term__is_value (b, 0))
    return a;
  const struct term *args[] = { a, b };
  sort_two (args);
  return store__term (terms, TERM_ADD, a->width, 0, args, 2, NULL, 0);
}

const struct term *
term__sub (struct terms *terms, const struct term *a, const struct term *b)
{
  if (a->width == 1)
    return term__xor (terms, a, b);
  if (a->width <= 64)
    return combine (terms, a, 1, b, UINT64_MAX);
  return term__add (terms, a, term__neg (terms, b));
}

const struct term *
term__neg (struct terms *terms, const struct term *a)
{
  if (a->width == 1)
    return a;
  if (a->width <= 64)
    return combine (terms, a, UINT64_MAX, NULL, 0);
  return term__add (terms, term__not (terms, a), term__const (terms, a->width, 1));
}

/* The factors of A, a product or something else, appended to FACTOR[*N]; false where there is no room.  */
enum { FACTORS_MAX = 16 };

static bool
factors (const struct term *a, const struct term **factor, unsigned *n)
{
  if (a->op != TERM_MUL)
    {
      if (*n == FACTORS_MAX)
        return false;
      factor[(*n)++] = a;
      return true;
    }
  for (unsigned i = 0; i < a->n_args; i++)
    if (!factors (a->arg[i], factor, n))
      return false;
  return true;
}

/* A factor that may be 0 by choice makes the product 0 by choice: what masks do before a vector's multiplication.  */
static const struct term *
choose_product (struct terms *terms, const struct term *a, const struct term *b)
{
  if (a->op != TERM_ITE || (!term__is_value (a->arg[1], 0) && !term__is_value (a->arg[2], 0)))
    {
      const struct term *swap = a;
      a = b;
      b = swap;
    }
  if (a->op != TERM_ITE || (!term__is_value (a->arg[1], 0) && !term__is_value (a->arg[2], 0)))
    return NULL;
  bool same = b->op == TERM_ITE && b->arg[0] == a->arg[0];
  return term__ite (terms, a->arg[0], term__mul (terms, a->arg[1], same ? b->arg[1] : b),
                    term__mul (terms, a->arg[2], same ? b->arg[2] : b));
}

const struct term *
term__mul (struct terms *terms, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  if (width == 1)
    return term__and (terms, a, b);
  if (a->op == TERM_CONST && b->op == TERM_CONST)
    return wide_product (terms, a, b);
  if (b->op == TERM_CONST)
    {
      const struct term *swap = a;
      a = b;
      b = swap;
    }
  if (a->op == TERM_CONST)
    {
      if (width <= 64)
        return combine (terms, b, a->words[0], NULL, 0);
      if (term__is_value (a, 0))
        return a;
      if (term__is_value (a, 1))
        return b;
    }
  else if (width <= 64)
    {
      const struct term *choice = choose_product (terms, a, b);
      if (choice)
        return choice;
      /* Constant factors go outside.  */
      uint64_t factor = 1;
      if (a->op == TERM_SUM && a->n_args == 1 && a->words[0] == 0)
        {
          factor *= a->words[1];
          a = a->arg[0];
        }
      if (b->op == TERM_SUM && b->n_args == 1 && b->words[0] == 0)
        {
          factor *= b->words[1];
          b = b->arg[0];
        }
      if (factor != 1)
        return combine (terms, term__mul (terms, a, b), factor, NULL, 0);
      /* A factor of 0 or 1 is a choice.  */
      const struct term *condition = word_condition (a);
      if (condition)
        return term__ite (terms, condition, b, term__const (terms, width, 0));
      condition = word_condition (b);
      if (condition)
        return term__ite (terms, condition, a, term__const (terms, width, 0));
    }
  const struct term *factor[FACTORS_MAX] = { a, b };
  unsigned n = 0;
  if (!factors (a, factor, &n) || !factors (b, factor, &n))
    {
      factor[0] = a;
      factor[1] = b;
      n = 2;
    }
  for (unsigned i = 1; i < n; i++)
    for (unsigned k = i; k > 0 && factor[k - 1]->id > factor[k]->id; k--)
      {
        const struct term *swap = factor[k];
        factor[k] = factor[k - 1];
        factor[k - 1] = swap;
      }
  return store__term (terms, TERM_MUL, width, 0, factor, n, NULL, 0);
}

bool
term__distance (struct terms *terms, const struct term *a, const struct term *b, int64_t *distance)
{
  if (a == b)
    {
      *distance = 0;
      return true;
    }
  if (a->width != b->width || a->width > 64 || a->width < 2)
    return false;
  /* Sums of the same arguments, without making a term.  */
  const struct term *x, *y;
  int64_t c = 0, d = 0;
  if (a->op == TERM_SUM && b->op == TERM_SUM && a->n_args == b->n_args)
    {
      if (memcmp (a->arg, b->arg, a->n_args * sizeof *a->arg) != 0
          || memcmp (a->words + 1, b->words + 1, a->n_args * sizeof *a->words) != 0)
        return false;
      *distance = word__sign (a->words[0] - b->words[0], a->width);
      return true;
    }
  c = term__split (terms, a, &x);
  d = term__split (terms, b, &y);
  *distance = word__sign ((uint64_t) c - (uint64_t) d, a->width);
  return x == y;
}

int64_t
term__split (struct terms *terms, const struct term *a, const struct term **rest)
{
  if (a->op == TERM_CONST)
    {
      *rest = term__const (terms, a->width, 0);
      return word__sign (a->words[0], a->width);
    }
  if (a->op == TERM_NOT)
    {
      *rest = term__neg (terms, a->arg[0]);
      return -1;
    }
  if (a->op != TERM_SUM || a->words[0] == 0)
    {
      *rest = a;
      return 0;
    }
  LINEAR_NEW (linear, a->width);
  for (unsigned i = 0; i < a->n_args; i++)
    linear__add (terms, &linear, a->arg[i], a->words[1 + i]);
  *rest = linear__make (terms, &linear);
  return word__sign (a->words[0], a->width);
}

/* Division.  Unsigned by a power of two is a shift.  */
static const struct term *
divide (struct terms *terms, enum term_op op, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  const struct term *args[] = { a, b };
  if (a->op == TERM_CONST && b->op == TERM_CONST && width <= 64)
    {
      uint64_t x = a->words[0], y = b->words[0], value = 0;
      int64_t s = word__sign (x, width), t = word__sign (y, width);
      bool least = t == -1 && x == UINT64_C (1) << (width - 1); /* its quotient is itself, no remainder */
      switch (op)
        {
        case TERM_UDIV: value = y ? x / y : UINT64_MAX; break;
        case TERM_UREM: value = y ? x % y : x; break;
        case TERM_SDIV: value = !t ? (s < 0 ? 1 : UINT64_MAX) : least ? x : (uint64_t) (s / t); break;
        default: value = !t ? x : least ? 0 : (uint64_t) (s % t); break;
        }
      return term__const (terms, width, value);
    }
  if (b->op == TERM_CONST && width <= 64 && b->words[0] && (b->words[0] & (b->words[0] - 1)) == 0)
    {
      unsigned shift = (unsigned) __builtin_ctzll (b->words[0]);
      if (op == TERM_UDIV)
        return term__lshr_by (terms, a, shift);
      if (op == TERM_UREM)
        return shift ? term__zext (terms, term__extract (terms, a, 0, shift), width) : term__const (terms, width, 0);
    }
  return store__term (terms, op, width, 0, args, 2, NULL, 0);
}

const struct term *
term__udiv (struct terms *terms, const struct term *a, const struct term *b)
{
  return divide (terms, TERM_UDIV, a, b);
}

const struct term *
term__urem (struct terms *terms, const struct term *a, const struct term *b)
{
  return divide (terms, TERM_UREM, a, b);
}

const struct term *
term__sdiv (struct terms *terms, const struct term *a, const struct term *b)
{
  return divide (terms, TERM_SDIV, a, b);
}

const struct term *
term__srem (struct terms *terms, const struct term *a, const struct term *b)
{
  return divide (terms, TERM_SREM, a, b);
}
