/* And, or, xor, not, and shifts.

   Bitwise operations go into the pieces of their arguments, lane by lane, so that a 512-bit one on sixteen lanes is the
   sixteen that scalar code does; a mask of few runs disappears into extracts and zeros.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <string.h>

/* A constant of more runs of equal bits than this is a mask of its own (0x5555…), not a way to take pieces.  */
enum
{
  RUNS_MAX = 6,
  FLAT_MAX = 48 /* arguments of one operation; more nest */
};

/* The runs of CONSTANT as pieces; 1 where there are too many.  */
static unsigned
runs (struct terms *terms, const struct term *constant, const struct term **piece)
{
  unsigned n = 0;
  for (unsigned from = 0, to; from < constant->width; from = to)
    {
      bool bit = const__bit (constant, from);
      for (to = from + 1; to < constant->width && const__bit (constant, to) == bit; to++)
        ;
      if (n == RUNS_MAX)
        {
          piece[0] = constant;
          return 1;
        }
      piece[n++] = bit ? term__ones (terms, to - from) : term__const (terms, to - from, 0);
    }
  return n;
}

static const struct term *
fold (struct terms *terms, enum term_op op, const struct term *a, const struct term *b)
{
  uint64_t words[TERM_WORDS_MAX];
  for (unsigned i = 0; i < a->n_words; i++)
    words[i] = op == TERM_AND  ? a->words[i] & b->words[i]
               : op == TERM_OR ? a->words[i] | b->words[i]
                               : a->words[i] ^ b->words[i];
  return term__wide (terms, a->width, words);
}

static const struct term *bitwise (struct terms *terms, enum term_op op, const struct term *a, const struct term *b);

/* Piece by piece.  NULL where there is nothing to cut.  In a frame of its own.  */
static const struct term *__attribute__ ((noinline))
by_pieces (struct terms *terms, enum term_op op, const struct term *a, const struct term *b)
{
  const struct term *piece[2][PIECES_MAX], *result[2 * RUNS_MAX + PIECES_MAX], *x, *y;
  struct cutter cutter = { .piece = { piece[0], piece[1] } };
  const struct term *side[] = { a, b };
  unsigned n = 0;
  for (unsigned i = 0; i < 2; i++)
    cutter.n[i] = side[i]->op == TERM_CONST && op != TERM_XOR
                    ? runs (terms, side[i], piece[i]) : term__pieces (terms, side[i], piece[i], PIECES_MAX);
  if (cutter.n[0] == 1 && cutter.n[1] == 1)
    return NULL;
  while (cutter__next (terms, &cutter, &x, &y))
    {
      if (n == sizeof result / sizeof *result)
        return NULL;
      result[n++] = bitwise (terms, op, x, y);
    }
  return term__join (terms, result, n);
}

/* The other side of a mask made of a condition: and (sext (c), b) is c ? b : 0, and so on.  */
static const struct term *
masked (struct terms *terms, enum term_op op, const struct term *mask, const struct term *b)
{
  const struct term *zero = term__const (terms, b->width, 0), *ones = term__ones (terms, b->width);
  bool sign = mask->op == TERM_SEXT && mask->arg[0]->width == 1;
  /* Its complement.  */
  bool inverted = mask->op == TERM_ITE && mask->arg[1] == zero && mask->arg[2] == ones;
  if (!sign && !inverted)
    return NULL;
  const struct term *set = op == TERM_AND ? b : op == TERM_OR ? ones : term__not (terms, b);
  const struct term *clear = op == TERM_AND ? zero : b;
  return sign ? term__ite (terms, mask->arg[0], set, clear) : term__ite (terms, mask->arg[0], clear, set);
}

/* Appends A's arguments, where it is OP itself, else A.  */
static bool
flatten (enum term_op op, const struct term *a, const struct term **arg, unsigned *n)
{
  unsigned more = a->op == op ? a->n_args : 1;
  if (*n + more > FLAT_MAX)
    return false;
  if (a->op == op)
    memcpy (arg + *n, a->arg, more * sizeof *arg);
  else
    arg[*n] = a;
  *n += more;
  return true;
}

static bool
contains (const struct term *const *arg, unsigned n, const struct term *a)
{
  for (unsigned i = 0; i < n; i++)
    if (arg[i] == a)
      return true;
  return false;
}

/* The plain operation: flat, sorted, nothing twice.  */
static const struct term *
flat (struct terms *terms, enum term_op op, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  const struct term *all[FLAT_MAX], *arg[FLAT_MAX];
  unsigned n_all = 0, n = 0;
  if (!flatten (op, a, all, &n_all) || !flatten (op, b, all, &n_all))
    {
      const struct term *two[] = { a->id < b->id ? a : b, a->id < b->id ? b : a };
      return store__term (terms, op, width, 0, two, 2, NULL, 0);
    }
  bool inverted = false;
  const struct term *constant = NULL;
  for (unsigned i = 0; i < n_all; i++)
    {
      const struct term *next = all[i];
      if (next->op == TERM_CONST)
        {
          constant = constant ? fold (terms, op, constant, next) : next;
          continue;
        }
      if (op == TERM_XOR && next->op == TERM_NOT)
        {
          inverted = !inverted;
          next = next->arg[0];
        }
      unsigned at = 0;
      while (at < n && arg[at]->id < next->id)
        at++;
      if (at < n && arg[at] == next)
        {
          if (op == TERM_XOR)
            {
              n--;
              memmove (arg + at, arg + at + 1, (n - at) * sizeof *arg);
            }
          continue;
        }
      memmove (arg + at + 1, arg + at, (n - at) * sizeof *arg);
      arg[at] = next;
      n++;
    }
  if (op != TERM_XOR)
    for (unsigned i = 0; i < n; i++)
      if (arg[i]->op == TERM_NOT && contains (arg, n, arg[i]->arg[0]))
        return op == TERM_AND ? term__const (terms, width, 0) : term__ones (terms, width);
  const struct term *result;
  if (constant && op == TERM_XOR && term__is_ones (constant))
    {
      inverted = !inverted;
      constant = NULL;
    }
  if (constant)
    {
      bool zero = term__is_value (constant, 0), ones = term__is_ones (constant);
      if (n == 0)
        return inverted ? term__not (terms, constant) : constant;
      if ((op == TERM_AND && zero) || (op == TERM_OR && ones))
        return constant;
      if (!(op == TERM_AND ? ones : zero))
        {
          if (n == FLAT_MAX)
            n--; /* can't be: a constant was among them */
          memmove (arg + 1, arg, n * sizeof *arg);
          arg[0] = constant;
          n++;
        }
    }
  if (n == 0)
    result = op == TERM_AND ? term__ones (terms, width) : term__const (terms, width, 0);
  else if (n == 1)
    result = arg[0];
  else
    result = store__term (terms, op, width, 0, arg, n, NULL, 0);
  return inverted ? term__not (terms, result) : result;
}

static const struct term *
bitwise (struct terms *terms, enum term_op op, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  if (a->op == TERM_CONST && b->op == TERM_CONST)
    return fold (terms, op, a, b);
  if (a == b)
    return op == TERM_XOR ? term__const (terms, width, 0) : a;
  if (b->op == TERM_CONST)
    {
      const struct term *swap = a;
      a = b;
      b = swap;
    }
  if (a->op == TERM_CONST)
    {
      if (term__is_value (a, 0))
        return op == TERM_AND ? a : b;
      if (term__is_ones (a))
        return op == TERM_AND ? b : op == TERM_OR ? a : term__not (terms, b);
    }
  if (width > 1)
    {
      const struct term *result = by_pieces (terms, op, a, b);
      if (!result)
        result = masked (terms, op, a, b);
      if (!result)
        result = masked (terms, op, b, a);
      if (result)
        return result;
      /* Two choices by one condition, and a choice of nothing.  */
      if (a->op == TERM_ITE && b->op == TERM_ITE && a->arg[0] == b->arg[0])
        return term__ite (terms, a->arg[0], bitwise (terms, op, a->arg[1], b->arg[1]),
                          bitwise (terms, op, a->arg[2], b->arg[2]));
    }
  return flat (terms, op, a, b);
}

const struct term *
term__and (struct terms *terms, const struct term *a, const struct term *b)
{
  return bitwise (terms, TERM_AND, a, b);
}

const struct term *
term__or (struct terms *terms, const struct term *a, const struct term *b)
{
  return bitwise (terms, TERM_OR, a, b);
}

const struct term *
term__xor (struct terms *terms, const struct term *a, const struct term *b)
{
  return bitwise (terms, TERM_XOR, a, b);
}

static const struct term *__attribute__ ((noinline))
not_pieces (struct terms *terms, const struct term *a)
{
  const struct term *piece[PIECES_MAX];
  unsigned n = term__pieces (terms, a, piece, PIECES_MAX);
  for (unsigned i = 0; i < n; i++)
    piece[i] = term__not (terms, piece[i]);
  return term__join (terms, piece, n);
}

static const struct term *
complement (struct terms *terms, const struct term *a)
{
  unsigned width = a->width;
  switch (a->op)
    {
    case TERM_CONST:
      return fold (terms, TERM_XOR, a, term__ones (terms, width));
    case TERM_NOT:
      return a->arg[0];
    case TERM_SEXT:
      return term__sext (terms, term__not (terms, a->arg[0]), width);
    case TERM_ITE:
      return term__ite (terms, a->arg[0], term__not (terms, a->arg[1]), term__not (terms, a->arg[2]));
    case TERM_CONCAT:
      return not_pieces (terms, a);
    case TERM_SUM:
      {
        LINEAR_NEW (linear, width);
        linear.constant = word__cut (UINT64_MAX, width);
        linear__add (terms, &linear, a, UINT64_MAX);
        return linear__make (terms, &linear);
      }
    default:
      return store__term (terms, TERM_NOT, width, 0, &a, 1, NULL, 0);
    }
}

const struct term *
term__not (struct terms *terms, const struct term *a)
{
  if (a->op != TERM_ITE && a->op != TERM_CONCAT && a->op != TERM_SUM)
    {
      /* A sign bit's complement keeps its shape: no recursion worth remembering.  */
      if (a->op == TERM_SEXT && a->arg[0]->width == 1)
        {
          if (a->width > 64)
            return store__term (terms, TERM_NOT, a->width, 0, &a, 1, NULL, 0);
          LINEAR_NEW (linear, a->width);
          linear.constant = word__cut (UINT64_MAX, a->width);
          linear__add (terms, &linear, a, UINT64_MAX);
          return linear__make (terms, &linear);
        }
      return complement (terms, a);
    }
  const struct term **memo = store__memo (terms, a, MEMO_NOT);
  if (*memo)
    return *memo;
  const struct term *result = complement (terms, a);
  *store__memo (terms, a, MEMO_NOT) = result;
  return result;
}

const struct term *
term__shl_by (struct terms *terms, const struct term *a, unsigned amount)
{
  if (amount == 0)
    return a;
  if (amount >= a->width)
    return term__const (terms, a->width, 0);
  if (a->width > 1 && a->width <= 64)
    {
      LINEAR_NEW (linear, a->width);
      linear__add (terms, &linear, a, UINT64_C (1) << amount);
      return linear__make (terms, &linear);
    }
  return term__concat (terms, term__extract (terms, a, 0, a->width - amount), term__const (terms, amount, 0));
}

const struct term *
term__lshr_by (struct terms *terms, const struct term *a, unsigned amount)
{
  if (amount >= a->width)
    return term__const (terms, a->width, 0);
  return term__zext (terms, term__extract (terms, a, amount, a->width - amount), a->width);
}

const struct term *
term__ashr_by (struct terms *terms, const struct term *a, unsigned amount)
{
  if (amount >= a->width)
    amount = a->width - 1;
  return term__sext (terms, term__extract (terms, a, amount, a->width - amount), a->width);
}

/* AMOUNT as a number, where it is one: at most WIDTH.  */
static bool
amount_known (const struct term *amount, unsigned width, unsigned *number)
{
  if (amount->op != TERM_CONST)
    return false;
  *number = width;
  if (amount->words[0] < width)
    *number = (unsigned) amount->words[0];
  for (unsigned i = 1; i < amount->n_words; i++)
    if (amount->words[i])
      *number = width;
  return true;
}

static const struct term *
shift (struct terms *terms, enum term_op op, const struct term *a, const struct term *amount)
{
  const struct term *args[] = { a, amount };
  if (term__is_value (a, 0) || (op == TERM_ASHR && term__is_ones (a)))
    return a;
  return store__term (terms, op, a->width, 0, args, 2, NULL, 0);
}

const struct term *
term__shl (struct terms *terms, const struct term *a, const struct term *amount)
{
  unsigned number;
  return amount_known (amount, a->width, &number) ? term__shl_by (terms, a, number)
                                                  : shift (terms, TERM_SHL, a, amount);
}

const struct term *
term__lshr (struct terms *terms, const struct term *a, const struct term *amount)
{
  unsigned number;
  return amount_known (amount, a->width, &number) ? term__lshr_by (terms, a, number)
                                                  : shift (terms, TERM_LSHR, a, amount);
}

const struct term *
term__ashr (struct terms *terms, const struct term *a, const struct term *amount)
{
  unsigned number;
  return amount_known (amount, a->width, &number) ? term__ashr_by (terms, a, number)
                                                  : shift (terms, TERM_ASHR, a, amount);
}

const struct term *
term__rol (struct terms *terms, const struct term *a, const struct term *amount)
{
  unsigned width = a->width;
  if (amount->op == TERM_CONST)
    {
      unsigned by = (unsigned) (amount->words[0] % width);
      if (by == 0)
        return a;
      return term__concat (terms, term__extract (terms, a, 0, width - by),
                           term__extract (terms, a, width - by, by));
    }
  const struct term *args[] = { a, amount };
  return store__term (terms, TERM_ROL, width, 0, args, 2, NULL, 0);
}

const struct term *
term__ror (struct terms *terms, const struct term *a, const struct term *amount)
{
  /* The width is a power of two wherever a machine rotates: -amount is the same modulo it.  */
  if (amount->op == TERM_CONST)
    {
      unsigned by = (unsigned) (amount->words[0] % a->width);
      return term__rol (terms, a, term__const (terms, a->width, by ? a->width - by : 0));
    }
  return term__rol (terms, a, term__neg (terms, amount));
}
