/* Taking bits out of terms and putting them together: extracts, concatenations, extensions.

   Extracts go inwards as far as they can; concatenations are flat and put together again what was taken
   apart (a value stored byte by byte and loaded again is that value).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <string.h>

/* A = 2^K * x + c with c < 2^K, so that its low K bits are c and the others x's: a sum whose coefficients are all even.  */
static bool
is_shifted (const struct term *a, unsigned *k)
{
  if (a->op != TERM_SUM)
    return false;
  uint64_t all = 0;
  for (unsigned i = 0; i < a->n_args; i++)
    all |= a->words[1 + i];
  *k = (unsigned) __builtin_ctzll (all);
  return *k > 0;
}

/* The x of such a sum.  */
static const struct term *
shifted_part (struct terms *terms, const struct term *a, unsigned k)
{
  LINEAR_NEW (linear, a->width - k);
  const struct term *part;
  if (a->width - k == 1)
    {
      /* One bit has no carry.  */
      part = term__const (terms, 1, a->words[0] >> k);
      for (unsigned i = 0; i < a->n_args; i++)
        if (a->words[1 + i] >> k & 1)
          part = term__xor (terms, part, term__extract (terms, a->arg[i], 0, 1));
      return part;
    }
  linear.constant = a->words[0] >> k;
  for (unsigned i = 0; i < a->n_args; i++)
    linear__add (terms, &linear, term__extract (terms, a->arg[i], 0, a->width - k), a->words[1 + i] >> k);
  return linear__make (terms, &linear);
}

/* c ? 0 : 1, the form of a negated condition as a number.  */
static bool
is_negated (const struct term *a)
{
  return a->op == TERM_ITE && a->width > 1 && term__is_value (a->arg[1], 0) && term__is_value (a->arg[2], 1);
}

static bool
add_pieces (struct terms *terms, const struct term *a, const struct term **piece, unsigned *n, unsigned max)
{
  unsigned k;
  if (a->op == TERM_CONCAT)
    {
      for (unsigned i = a->n_args; i-- > 0;)
        if (!add_pieces (terms, a->arg[i], piece, n, max))
          return false;
      return true;
    }
  if (*n + 2 > max)
    return false;
  if (is_shifted (a, &k))
    {
      piece[(*n)++] = term__const (terms, k, a->words[0]);
      return add_pieces (terms, shifted_part (terms, a, k), piece, n, max);
    }
  if (is_negated (a))
    {
      piece[(*n)++] = term__not (terms, a->arg[0]);
      piece[(*n)++] = term__const (terms, a->width - 1, 0);
      return true;
    }
  piece[(*n)++] = a;
  return true;
}

unsigned
term__pieces (struct terms *terms, const struct term *a, const struct term **piece, unsigned max)
{
  unsigned n = 0;
  if (add_pieces (terms, a, piece, &n, max))
    return n;
  piece[0] = a;
  return 1;
}

bool
cutter__next (struct terms *terms, struct cutter *cutter, const struct term **a, const struct term **b)
{
  if (cutter->at[0] >= cutter->n[0] || cutter->at[1] >= cutter->n[1])
    return false;
  const struct term *now[2], **out[2] = { a, b };
  unsigned left[2];
  for (unsigned i = 0; i < 2; i++)
    {
      now[i] = cutter->piece[i][cutter->at[i]];
      left[i] = now[i]->width - cutter->used[i];
    }
  unsigned width = left[0] < left[1] ? left[0] : left[1];
  for (unsigned i = 0; i < 2; i++)
    {
      *out[i] = term__extract (terms, now[i], cutter->used[i], width);
      cutter->used[i] += width;
      if (width == left[i])
        {
          cutter->at[i]++;
          cutter->used[i] = 0;
        }
    }
  return true;
}

static const struct term *
extract_const (struct terms *terms, const struct term *a, unsigned low, unsigned width)
{
  uint64_t words[TERM_WORDS_MAX] = { 0 };
  for (unsigned i = 0; i < (width + 63) / 64; i++)
    {
      unsigned word = (low + 64 * i) / 64, shift = (low + 64 * i) % 64;
      words[i] = word < a->n_words ? a->words[word] >> shift : 0;
      if (shift && word + 1 < a->n_words)
        words[i] |= a->words[word + 1] << (64 - shift);
    }
  return term__wide (terms, width, words);
}

static const struct term *merge (struct terms *terms, const struct term *high, const struct term *low);

/* Something of WIDTH bits whose low part is PART.  */
static const struct term *
widened (struct terms *terms, const struct term *part, unsigned width)
{
  return part->op == TERM_EXTRACT && part->number == 0 && part->arg[0]->width == width
           ? part->arg[0] : term__zext (terms, part, width);
}

enum { LONG_CHOICE = 6 };

/* Is A a choice whose last alternative is a choice, and so on, many times?  */
static bool
is_long_choice (const struct term *a)
{
  unsigned length = 0;
  while (a->op == TERM_ITE && length < LONG_CHOICE)
    {
      a = a->arg[2];
      length++;
    }
  return length == LONG_CHOICE;
}

/* The pieces PIECE[N], lowest first, as one term; the array is used up.  */
static const struct term *
finish (struct terms *terms, const struct term **piece, unsigned n)
{
  /* Put together what belongs together.  */
  unsigned kept = 0;
  for (unsigned i = 0; i < n; i++)
    {
      const struct term *next = piece[i], *both;
      while (kept && (both = merge (terms, next, piece[kept - 1])))
        {
          next = both;
          kept--;
        }
      piece[kept++] = next;
    }
  n = kept;
  if (n == 1)
    return piece[0];
  unsigned width = 0;
  for (unsigned i = 0; i < n; i++)
    width += piece[i]->width;
  if (width <= 64)
    {
      bool top_zero = term__is_value (piece[n - 1], 0);
      /* 2^k * x + c.  */
      if (piece[0]->op == TERM_CONST && (n == 2 || (n == 3 && top_zero)))
        {
          unsigned k = piece[0]->width;
          const struct term *part = piece[1];
          LINEAR_NEW (linear, width);
          linear.constant = piece[0]->words[0];
          if (n == 2 && part->op == TERM_SUM)
            {
              /* A sum of which only the low part counts.  */
              linear.constant = word__cut (linear.constant + (part->words[0] << k), width);
              for (unsigned i = 0; i < part->n_args; i++)
                linear__add (terms, &linear, widened (terms, part->arg[i], width), part->words[1 + i] << k);
            }
          else
            linear__add (terms, &linear, n == 2 ? widened (terms, part, width) : term__zext (terms, part, width),
                         UINT64_C (1) << k);
          return linear__make (terms, &linear);
        }
      /* The same where x is in pieces, whose last one has lost its top K bits.  */
      const struct term *top = piece[n - 1];
      if (n > 2 && piece[0]->op == TERM_CONST && top->op == TERM_EXTRACT && top->number == 0
          && top->arg[0]->width == top->width + piece[0]->width)
        {
          const struct term *whole = top->arg[0];
          unsigned k = piece[0]->width;
          LINEAR_NEW (linear, width);
          for (unsigned i = n - 1; i-- > 1;)
            whole = term__concat (terms, whole, piece[i]);
          linear.constant = piece[0]->words[0];
          linear__add (terms, &linear, whole, UINT64_C (1) << k);
          return linear__make (terms, &linear);
        }
      if (n == 2 && top_zero && piece[0]->width == 1 && piece[0]->op == TERM_NOT)
        {
          const struct term *args[] = { piece[0]->arg[0], term__const (terms, width, 0),
                                        term__const (terms, width, 1) };
          return store__term (terms, TERM_ITE, width, 0, args, 3, NULL, 0);
        }
    }
  const struct term *args[PIECES_MAX];
  for (unsigned i = 0; i < n; i++)
    args[i] = piece[n - 1 - i];
  return store__term (terms, TERM_CONCAT, width, 0, args, n, NULL, 0);
}

/* HIGH above LOW as one term that is no concatenation, or NULL.  */
static const struct term *
merge (struct terms *terms, const struct term *high, const struct term *low)
{
  unsigned width = high->width + low->width;
  if (high->op == TERM_CONST && low->op == TERM_CONST)
    {
      uint64_t words[TERM_WORDS_MAX] = { 0 };
      memcpy (words, low->words, low->n_words * sizeof *words);
      for (unsigned i = 0; i < high->width; i++)
        if (const__bit (high, i))
          words[(low->width + i) / 64] |= UINT64_C (1) << ((low->width + i) % 64);
      return term__wide (terms, width, words);
    }
  if (high->op == TERM_EXTRACT && low->width <= high->number)
    {
      const struct term *whole = high->arg[0];
      unsigned from = high->number - low->width;
      bool same = low->op == TERM_EXTRACT && low->arg[0] == whole && low->number == from;
      /* The low parts of sums and products are sums and products.  */
      if (!same && (whole->op == TERM_SUM || whole->op == TERM_MUL) && low->op != TERM_CONST)
        same = term__extract (terms, whole, from, low->width) == low;
      if (same)
        return term__extract (terms, whole, from, width);
    }
  /* Not in long chains, where it would be done all over for each piece.  */
  if (high->op == TERM_ITE && low->op == TERM_ITE && high->arg[0] == low->arg[0] && !is_long_choice (high)
      && !is_long_choice (low))
    return term__ite (terms, high->arg[0], term__concat (terms, high->arg[1], low->arg[1]),
                      term__concat (terms, high->arg[2], low->arg[2]));
  /* A choice of constants takes constants beside it in.  */
  const struct term *choice = high->op == TERM_ITE ? high : low->op == TERM_ITE ? low : NULL;
  if (choice && (high->op == TERM_CONST || low->op == TERM_CONST) && choice->arg[1]->op == TERM_CONST
      && choice->arg[2]->op == TERM_CONST && width <= 64 && !is_negated (choice))
    return choice == high
             ? term__ite (terms, choice->arg[0], term__concat (terms, choice->arg[1], low),
                          term__concat (terms, choice->arg[2], low))
             : term__ite (terms, choice->arg[0], term__concat (terms, high, choice->arg[1]),
                          term__concat (terms, high, choice->arg[2]));
  if (high->op == low->op && high->n_args == low->n_args)
    {
      if (high->op == TERM_NOT)
        {
          const struct term *inner = merge (terms, high->arg[0], low->arg[0]);
          return inner ? term__not (terms, inner) : NULL;
        }
      if ((high->op == TERM_AND || high->op == TERM_OR || high->op == TERM_XOR) && high->n_args == 2)
        for (unsigned turn = 0; turn < 2; turn++)
          {
            const struct term *first = merge (terms, high->arg[0], low->arg[turn]);
            const struct term *second = first ? merge (terms, high->arg[1], low->arg[1 - turn]) : NULL;
            if (second)
              return high->op == TERM_AND  ? term__and (terms, first, second)
                     : high->op == TERM_OR ? term__or (terms, first, second)
                                           : term__xor (terms, first, second);
          }
    }
  /* Sign extensions.  */
  if (high->op == TERM_SEXT && high->arg[0]->width > 1)
    {
      const struct term *inner = merge (terms, high->arg[0], low);
      if (inner)
        return term__sext (terms, inner, width);
    }
  const struct term *sign = high->op == TERM_SEXT ? high->arg[0] : high->width == 1 ? high : NULL;
  if (sign && sign->width == 1 && low == sign)
    return term__sext (terms, sign, width);
  if (sign && sign->width == 1 && low->width > 1 && sign->op == TERM_EXTRACT
      && (low == sign->arg[0] || low->op == TERM_EXTRACT || low->op == TERM_SEXT)
      && term__extract (terms, low, low->width - 1, 1) == sign)
    return term__sext (terms, low, width);
  return NULL;
}

/* In a frame of its own, as extracts recurse deeply.  */
static const struct term *__attribute__ ((noinline))
extract_concat (struct terms *terms, const struct term *a, unsigned low, unsigned width)
{
  const struct term *piece[PIECES_MAX];
  unsigned n = 0, at = 0;
  for (unsigned i = a->n_args; i-- > 0 && at < low + width;)
    {
      unsigned begin = at, end = at + a->arg[i]->width;
      at = end;
      if (end <= low)
        continue;
      unsigned from = low > begin ? low - begin : 0, to = end < low + width ? end : low + width;
      const struct term *part = term__extract (terms, a->arg[i], from, to - begin - from);
      /* A part of a part may have pieces of its own.  */
      n += term__pieces (terms, part, piece + n, PIECES_MAX - n);
    }
  return finish (terms, piece, n);
}

static const struct term *
extract (struct terms *terms, const struct term *a, unsigned low, unsigned width)
{
  switch (a->op)
    {
    case TERM_CONST:
      return extract_const (terms, a, low, width);
    case TERM_EXTRACT:
      return term__extract (terms, a->arg[0], a->number + low, width);
    case TERM_CONCAT:
      return extract_concat (terms, a, low, width);
    case TERM_SEXT:
      {
        const struct term *inner = a->arg[0];
        if (low + width <= inner->width)
          return term__extract (terms, inner, low, width);
        if (low >= inner->width)
          return term__sext (terms, term__extract (terms, inner, inner->width - 1, 1), width);
        return term__sext (terms, term__extract (terms, inner, low, inner->width - low), width);
      }
    case TERM_AND:
    case TERM_OR:
    case TERM_XOR:
      {
        const struct term *result = term__extract (terms, a->arg[0], low, width);
        for (unsigned i = 1; i < a->n_args; i++)
          {
            const struct term *next = term__extract (terms, a->arg[i], low, width);
            result = a->op == TERM_AND  ? term__and (terms, result, next)
                     : a->op == TERM_OR ? term__or (terms, result, next)
                                        : term__xor (terms, result, next);
          }
        return result;
      }
    case TERM_NOT:
      return term__not (terms, term__extract (terms, a->arg[0], low, width));
    case TERM_ITE:
      return term__ite (terms, a->arg[0], term__extract (terms, a->arg[1], low, width),
                        term__extract (terms, a->arg[2], low, width));
    case TERM_SUM:
      {
        unsigned k, used = low + width;
        if (is_shifted (a, &k))
          {
            if (used <= k)
              return term__const (terms, width, a->words[0] >> low);
            if (low >= k)
              return term__extract (terms, shifted_part (terms, a, k), low - k, width);
          }
        if (low == 0 && width == 1)
          {
            /* The lowest bit of a sum has no carry.  */
            const struct term *bit = term__const (terms, 1, a->words[0] & 1);
            for (unsigned i = 0; i < a->n_args; i++)
              if (a->words[1 + i] & 1)
                bit = term__xor (terms, bit, term__extract (terms, a->arg[i], 0, 1));
            return bit;
          }
        if (width == 1 && used == a->width)
          {
            const struct term *comparison = sum__sign (terms, a);
            if (comparison)
              return comparison;
          }
        if (used < a->width)
          {
            LINEAR_NEW (linear, used);
            linear.constant = word__cut (a->words[0], used);
            for (unsigned i = 0; i < a->n_args; i++)
              linear__add (terms, &linear, term__extract (terms, a->arg[i], 0, used), a->words[1 + i]);
            const struct term *cut = linear__make (terms, &linear);
            return low == 0 ? cut : term__extract (terms, cut, low, width);
          }
        break;
      }
    case TERM_MUL:
      {
        unsigned used = low + width;
        if (used < a->width)
          {
            const struct term *product = term__extract (terms, a->arg[0], 0, used);
            for (unsigned i = 1; i < a->n_args; i++)
              product = term__mul (terms, product, term__extract (terms, a->arg[i], 0, used));
            return low == 0 ? product : term__extract (terms, product, low, width);
          }
        break;
      }
    default:
      break;
    }
  return store__term (terms, TERM_EXTRACT, width, low, &a, 1, NULL, 0);
}

const struct term *
term__extract (struct terms *terms, const struct term *a, unsigned low, unsigned width)
{
  if (low == 0 && width == a->width)
    return a;
  if (a->op == TERM_VAR || a->op == TERM_LOAD || a->op == TERM_CALL)
    return store__term (terms, TERM_EXTRACT, width, low, &a, 1, NULL, 0);
  const struct term **memo = store__memo (terms, a, low << 16 | width);
  if (*memo)
    return *memo;
  const struct term *result = extract (terms, a, low, width);
  /* The store's table may have moved.  */
  *store__memo (terms, a, low << 16 | width) = result;
  return result;
}

const struct term *
term__join (struct terms *terms, const struct term *const *part, unsigned n)
{
  const struct term *piece[PIECES_MAX];
  unsigned n_pieces = 0;
  for (unsigned i = 0; i < n; i++)
    n_pieces += term__pieces (terms, part[i], piece + n_pieces, PIECES_MAX - n_pieces);
  return finish (terms, piece, n_pieces);
}

const struct term *
term__concat (struct terms *terms, const struct term *high, const struct term *low)
{
  const struct term *part[] = { low, high };
  return term__join (terms, part, 2);
}

const struct term *
term__zext (struct terms *terms, const struct term *a, unsigned width)
{
  return width <= a->width ? a : term__concat (terms, term__const (terms, width - a->width, 0), a);
}

const struct term *
term__resize (struct terms *terms, const struct term *a, unsigned width)
{
  return width < a->width ? term__extract (terms, a, 0, width) : term__zext (terms, a, width);
}

const struct term *
term__sext (struct terms *terms, const struct term *a, unsigned width)
{
  if (width <= a->width)
    return a;
  unsigned more = width - a->width;
  if (a->op == TERM_SEXT)
    return term__sext (terms, a->arg[0], width);
  /* A known sign.  */
  const struct term *top = a->op == TERM_CONCAT ? a->arg[0] : a;
  if (top->op == TERM_CONST)
    return term__concat (terms, const__bit (top, top->width - 1) ? term__ones (terms, more)
                                                                 : term__const (terms, more, 0), a);
  if (a->width > 1 && is_negated (a))
    return term__zext (terms, a, width);
  if (a->op == TERM_ITE && a->arg[1]->op == TERM_CONST && a->arg[2]->op == TERM_CONST)
    return term__ite (terms, a->arg[0], term__sext (terms, a->arg[1], width),
                      term__sext (terms, a->arg[2], width));
  if (a->width == 1 && a->op == TERM_NOT)
    return term__not (terms, term__sext (terms, a->arg[0], width));
  if (a->op == TERM_CONCAT && top->width == 1)
    {
      /* The sign is a piece of its own.  */
      const struct term *sign[] = { a, store__term (terms, TERM_SEXT, more, 0, &top, 1, NULL, 0) };
      if (more == 1)
        sign[1] = top;
      return term__join (terms, sign, 2);
    }
  return store__term (terms, TERM_SEXT, width, 0, &a, 1, NULL, 0);
}

const struct term *
term__insert (struct terms *terms, const struct term *a, unsigned low, const struct term *part)
{
  const struct term *parts[3];
  unsigned n = 0, end = low + part->width;
  if (low)
    parts[n++] = term__extract (terms, a, 0, low);
  parts[n++] = part;
  if (end < a->width)
    parts[n++] = term__extract (terms, a, end, a->width - end);
  return term__join (terms, parts, n);
}

const struct term *
term__bswap (struct terms *terms, const struct term *a)
{
  const struct term *byte[TERM_WIDTH_MAX / 8];
  unsigned n = a->width / 8;
  for (unsigned i = 0; i < n; i++)
    byte[i] = term__extract (terms, a, 8 * (n - 1 - i), 8);
  return term__join (terms, byte, n);
}
