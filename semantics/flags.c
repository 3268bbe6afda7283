/* The arithmetic flags, worked out from what set them when somebody asks.

   Most flags are never read, and of those that are, most stand for a comparison: after a - b, "less" is
   a < b and not SF != OF, which a solver would have to find out.  So conditions are recognised first
   and composed of single flags only where nothing better is known.
   Nothing is kept but undefined flags, which have to be the same unknown each time: terms are hash-consed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/internal.h"

/* The highest bit of A.  */
static const struct term *
sign (struct terms *terms, const struct term *a)
{
  return term__extract (terms, a, a->width - 1, 1);
}

/* CF of A + B = RESULT.  The same term for either order of A and B.  */
static const struct term *
carry__add (struct terms *terms, const struct term *a, const struct term *b, const struct term *result)
{
  if (term__is_const (a) || (!term__is_const (b) && a->id < b->id))
    {
      const struct term *swap = a;
      a = b;
      b = swap;
    }
  /* B may be constant, A is only if both are.  */
  if (term__is_const (b))
    return term__is_value (b, 0) ? term__false (terms) : term__ule (terms, term__neg (terms, b), a);
  return term__ult (terms, result, b);
}

/* CF and OF of a product: does it not fit into the width of its factors?  */
static const struct term *
product__overflows (struct terms *terms, const struct term *a, const struct term *b, bool is_signed)
{
  unsigned width = a->width;
  if (is_signed)
    {
      const struct term *product
        = term__mul (terms, term__sext (terms, a, 2 * width), term__sext (terms, b, 2 * width));
      const struct term *low = term__extract (terms, product, 0, width);
      return term__ne (terms, term__extract (terms, product, width, width), term__ashr_by (terms, low, width - 1));
    }
  const struct term *product
    = term__mul (terms, term__zext (terms, a, 2 * width), term__zext (terms, b, 2 * width));
  return term__not (terms, term__is_zero (terms, term__extract (terms, product, width, width)));
}

/* What FLAG follows from the kind, or NULL: undefined.  */
static const struct term *
flags__follow (struct terms *terms, const struct sym_flags *flags, enum flag flag)
{
  const struct term *a = flags->a, *b = flags->b, *result = flags->result;
  switch (flags->kind)
    {
    case FLAGS_EXPLICIT:
      return NULL;
    case FLAGS_FLOAT:
      return float__flag (terms, a, b, flag);
    case FLAGS_UMUL:
    case FLAGS_SMUL:
      return flag == FLAG_CF || flag == FLAG_OF ? product__overflows (terms, a, b, flags->kind == FLAGS_SMUL) : NULL;
    case FLAGS_ADD:
    case FLAGS_SUB:
    case FLAGS_LOGIC:
      break;
    }
  switch (flag)
    {
    case FLAG_CF:
      if (flags->kind == FLAGS_LOGIC)
        return term__false (terms);
      return flags->kind == FLAGS_SUB ? term__ult (terms, a, b) : carry__add (terms, a, b, result);
    case FLAG_PF:
      {
        const struct term *ones = term__popcount (terms, term__extract (terms, result, 0, 8));
        return term__not (terms, term__extract (terms, ones, 0, 1));
      }
    case FLAG_AF:
      if (flags->kind == FLAGS_LOGIC)
        return NULL;
      return term__extract (terms, term__xor (terms, term__xor (terms, a, b), result), 4, 1);
    case FLAG_ZF:
      return flags->kind == FLAGS_SUB ? term__eq (terms, a, b) : term__is_zero (terms, result);
    case FLAG_SF:
      return sign (terms, result);
    case FLAG_OF:
      if (flags->kind == FLAGS_LOGIC)
        return term__false (terms);
      if (flags->kind == FLAGS_SUB)
        return term__and (terms, term__xor (terms, sign (terms, a), sign (terms, b)),
                          term__xor (terms, sign (terms, a), sign (terms, result)));
      return term__and (terms, term__xor (terms, sign (terms, a), sign (terms, result)),
                        term__xor (terms, sign (terms, b), sign (terms, result)));
    default:
      return NULL;
    }
}

const struct term *
flags__get (struct terms *terms, const struct sym_host *host, struct sym_flags *flags, enum flag flag)
{
  if (flags->flag[flag])
    return flags->flag[flag];
  const struct term *value = NULL;
  if (!(flags->undefined & 1u << flag))
    value = flags__follow (terms, flags, flag);
  if (!value)
    value = flags->flag[flag] = host->undefined (host->context, 1);
  return value;
}

/* True where FLAG is what KIND says, not set apart.  */
static bool
flags__plain (const struct sym_flags *flags, enum flag flag)
{
  return !flags->flag[flag] && !(flags->undefined & 1u << flag);
}

/* The even condition CC after a - b or a logical operation, as a comparison; NULL: it isn't one.  */
static const struct term *
condition__compare (struct terms *terms, const struct sym_flags *flags, unsigned cc)
{
  bool carry = flags__plain (flags, FLAG_CF), zero = flags__plain (flags, FLAG_ZF),
       is_signed = flags__plain (flags, FLAG_SF) && flags__plain (flags, FLAG_OF);
  const struct term *a, *b;
  if (flags->kind == FLAGS_FLOAT)
    return carry && zero && flags__plain (flags, FLAG_PF) ? float__condition (terms, flags->a, flags->b, cc) : NULL;
  if (flags->kind == FLAGS_SUB)
    {
      a = flags->a;
      b = flags->b;
    }
  else if (flags->kind == FLAGS_LOGIC)
    {
      /* As if it had been compared with 0: no carry, no overflow.  */
      a = flags->result;
      b = term__const (terms, a->width, 0);
    }
  else
    return NULL;
  switch (cc)
    {
    case 2: /* b */
      return carry ? term__ult (terms, a, b) : NULL;
    case 4: /* e */
      return zero ? term__eq (terms, a, b) : NULL;
    case 6: /* be */
      return carry && zero ? term__ule (terms, a, b) : NULL;
    case 12: /* l */
      return is_signed ? term__slt (terms, a, b) : NULL;
    case 14: /* le */
      return is_signed && zero ? term__sle (terms, a, b) : NULL;
    default:
      return NULL;
    }
}

const struct term *
flags__condition (struct terms *terms, const struct sym_host *host, struct sym_flags *flags, unsigned cc)
{
  const struct term *value = condition__compare (terms, flags, cc & ~1u);
  if (!value)
    switch (cc & ~1u)
      {
      case 0: /* o */
        value = flags__get (terms, host, flags, FLAG_OF);
        break;
      case 2: /* b */
        value = flags__get (terms, host, flags, FLAG_CF);
        break;
      case 4: /* e */
        value = flags__get (terms, host, flags, FLAG_ZF);
        break;
      case 6: /* be */
        value = term__or (terms, flags__get (terms, host, flags, FLAG_CF), flags__get (terms, host, flags, FLAG_ZF));
        break;
      case 8: /* s */
        value = flags__get (terms, host, flags, FLAG_SF);
        break;
      case 10: /* p */
        value = flags__get (terms, host, flags, FLAG_PF);
        break;
      default: /* l, le */
        value = term__xor (terms, flags__get (terms, host, flags, FLAG_SF), flags__get (terms, host, flags, FLAG_OF));
        if (cc >= 14)
          value = term__or (terms, value, flags__get (terms, host, flags, FLAG_ZF));
        break;
      }
  return cc & 1 ? term__not (terms, value) : value;
}
