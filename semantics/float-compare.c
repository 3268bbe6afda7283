/* Floating-point comparisons and kinds of numbers: to vectors, masks and flags.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/float.h"

/* Of the call's two bits: as ucomiss sets CF and ZF for (A, B); both for unordered.  */
struct comparison
{
  const struct term *cf, *zf;
  bool swapped; /* the call has (B, A) */
};

static struct comparison
comparison__make (struct terms *terms, const struct term *a, const struct term *b)
{
  struct comparison comparison = { .swapped = a->id > b->id };
  const struct term *args[2] = { comparison.swapped ? b : a, comparison.swapped ? a : b };
  const struct term *result = term__call (terms, FLOAT_FUNCTION (FCOMPARE, a->width), args, 2);
  comparison.cf = term__extract (terms, result, 0, 1);
  comparison.zf = term__extract (terms, result, 1, 1);
  return comparison;
}

const struct term *
float__less (struct terms *terms, const struct term *a, const struct term *b)
{
  struct comparison it = comparison__make (terms, a, b);
  return term__and (terms, it.swapped ? term__not (terms, it.cf) : it.cf, term__not (terms, it.zf));
}

const struct term *
float__equal (struct terms *terms, const struct term *a, const struct term *b)
{
  struct comparison it = comparison__make (terms, a, b);
  return term__and (terms, it.zf, term__not (terms, it.cf));
}

const struct term *
float__unordered (struct terms *terms, const struct term *a, const struct term *b)
{
  struct comparison it = comparison__make (terms, a, b);
  return term__and (terms, it.zf, it.cf);
}

void
float__raise_compare (struct vec *vec, unsigned i, const struct term *a, const struct term *b, bool signalling)
{
  const struct term *args[3]
    = { a->id <= b->id ? a : b, a->id <= b->id ? b : a, term__const (vec->terms, 1, signalling) };
  float__raise (vec, i, FLOAT_FLAGS (FCOMPARE, a->width), args, 3);
}

/* cmpps' PREDICATE, 0 to 31: bit 4 turns round whether quiet NaNs signal.  */
static const struct term *
predicate__apply (struct terms *terms, unsigned predicate, const struct term *a, const struct term *b)
{
  switch (predicate & 15)
    {
    case 0: /* equal */
      return float__equal (terms, a, b);
    case 1: /* less */
      return float__less (terms, a, b);
    case 2: /* less or equal */
      return term__or (terms, float__less (terms, a, b), float__equal (terms, a, b));
    case 3: /* unordered */
      return float__unordered (terms, a, b);
    case 8: /* equal or unordered */
      return comparison__make (terms, a, b).zf;
    case 9: /* not greater or equal */
      return term__not (terms, predicate__apply (terms, 13, a, b));
    case 10: /* not greater */
      return term__not (terms, predicate__apply (terms, 14, a, b));
    case 11:
      return term__false (terms);
    case 13: /* greater or equal */
      return term__or (terms, float__less (terms, b, a), float__equal (terms, a, b));
    case 14: /* greater */
      return float__less (terms, b, a);
    default: /* 4 to 7, 12, 15: the opposites of 0 to 3, 8, 11 */
      return term__not (terms, predicate__apply (terms, (predicate & 15) - 4, a, b));
    }
}

static bool
predicate__signals (unsigned predicate)
{
  /* Of 0 to 15: less, less or equal, and their like.  */
  bool signals = 0x6666 >> (predicate & 15) & 1;
  return predicate & 16 ? !signals : signals;
}

/* CF, for less or unordered, is what "above or equal" is not.  */
const struct term *
float__flag (struct terms *terms, const struct term *a, const struct term *b, enum flag flag)
{
  switch (flag)
    {
    case FLAG_CF:
      return predicate__apply (terms, 9, a, b);
    case FLAG_PF:
      return float__unordered (terms, a, b);
    case FLAG_ZF:
      return comparison__make (terms, a, b).zf;
    default:
      return NULL;
    }
}

const struct term *
float__condition (struct terms *terms, const struct term *a, const struct term *b, unsigned cc)
{
  switch (cc)
    {
    case 2: /* b */
      return float__flag (terms, a, b, FLAG_CF);
    case 4: /* e */
      return float__flag (terms, a, b, FLAG_ZF);
    case 6: /* be */
      return predicate__apply (terms, 10, a, b);
    case 10: /* p */
      return float__flag (terms, a, b, FLAG_PF);
    default:
      return NULL;
    }
}

struct compare_row
{
  uint8_t width;
  bool scalar, flags, signalling, class;
};

#define PACKED(NAME, WIDTH) [ZYDIS_MNEMONIC_##NAME] = { WIDTH, false, false, false }
#define SCALAR(NAME, WIDTH) [ZYDIS_MNEMONIC_##NAME] = { WIDTH, true, false, false }
#define FLAGS(NAME, WIDTH, SIGNALLING)                                                                        \
  [ZYDIS_MNEMONIC_##NAME] = { WIDTH, true, true, SIGNALLING }, [ZYDIS_MNEMONIC_V##NAME] = { WIDTH, true, true, SIGNALLING }

static const struct compare_row compare_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  PACKED (CMPPS, 32), PACKED (CMPPD, 64), PACKED (VCMPPS, 32), PACKED (VCMPPD, 64),
  SCALAR (CMPSS, 32), SCALAR (CMPSD, 64), SCALAR (VCMPSS, 32), SCALAR (VCMPSD, 64),
  [ZYDIS_MNEMONIC_VFPCLASSPS] = { .width = 32, .class = true },
  [ZYDIS_MNEMONIC_VFPCLASSPD] = { .width = 64, .class = true },
  [ZYDIS_MNEMONIC_VFPCLASSSS] = { .width = 32, .scalar = true, .class = true },
  [ZYDIS_MNEMONIC_VFPCLASSSD] = { .width = 64, .scalar = true, .class = true },
  FLAGS (UCOMISS, 32, false), FLAGS (UCOMISD, 64, false), FLAGS (COMISS, 32, true), FLAGS (COMISD, 64, true),
};

static int
compare_flags__apply (struct run *run)
{
  const struct compare_row *row = &compare_rows[run->meaning->insn.mnemonic];
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = vec__source (&vec, 0, row->width, 0), *b = a ? vec__source (&vec, 1, row->width, 0) : NULL;
  if (b == NULL)
    return -1;
  float__raise_compare (&vec, 0, a, b, row->signalling);
  const struct term *zero = term__false (terms);
  run->cpu->flags
    = (struct sym_flags){ .kind = FLAGS_FLOAT, .a = a, .b = b, .flag = { [FLAG_AF] = zero, [FLAG_SF] = zero, [FLAG_OF] = zero } };
  return 0;
}

static int
compare__apply (struct run *run)
{
  const struct compare_row *row = &compare_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  if (!vec.has_imm || vec.imm > (vec.legacy ? 7 : 31))
    return run__unmodelled (run, "predicate");
  int mask = mask__number (vec__operand (&vec, 0)->reg.value);
  unsigned bits = row->scalar ? row->width : vec.bits, lanes = bits / row->width;
  const struct term *b = vec__source (&vec, vec.n - 1, bits, row->width);
  const struct term *a = b ? vec__source (&vec, vec.n - 2, row->scalar ? 128 : bits, 0) : NULL;
  if (a == NULL)
    return -1;
  const struct term *part[VEC_LANES_MAX];
  for (unsigned i = 0; i < lanes; i++)
    {
      const struct term *x = vec__lane (&vec, a, i, row->width), *y = vec__lane (&vec, b, i, row->width);
      float__raise_compare (&vec, i, x, y, predicate__signals (vec.imm));
      const struct term *holds = predicate__apply (vec.terms, vec.imm, x, y);
      part[i] = mask >= 0 ? term__and (vec.terms, vec__bit (&vec, i), holds) : vec__spread (&vec, holds, row->width);
    }
  const struct term *value = term__join (vec.terms, part, lanes);
  if (mask >= 0)
    {
      vec__set_mask (&vec, mask, value);
      return 0;
    }
  return row->scalar ? vec__write_scalar (&vec, value, a) : vec__write (&vec, value, row->width);
}

/* A is of one of the kinds in KINDS: bit 0 quiet NaN, 1 +0, 2 -0, 3 +infinity, 4 -infinity, 5 denormal, 6 negative and
   finite but not 0, 7 signalling NaN.  */
static const struct term *
number__class (struct terms *terms, const struct term *a, unsigned kinds)
{
  unsigned mantissa = a->width == 32 ? 23 : 52;
  const struct term *exponent = term__extract (terms, a, mantissa, a->width - 1 - mantissa);
  const struct term *fraction = term__extract (terms, a, 0, mantissa);
  const struct term *negative = term__extract (terms, a, a->width - 1, 1), *positive = term__not (terms, negative);
  const struct term *quiet = term__extract (terms, a, mantissa - 1, 1);
  const struct term *top = term__eq (terms, exponent, term__ones (terms, exponent->width));
  const struct term *bottom = term__is_zero (terms, exponent), *whole = term__is_zero (terms, fraction);
  const struct term *zero = term__and (terms, bottom, whole), *infinite = term__and (terms, top, whole);
  const struct term *is[8] = {
    term__and (terms, top, quiet),
    term__and (terms, zero, positive),
    term__and (terms, zero, negative),
    term__and (terms, infinite, positive),
    term__and (terms, infinite, negative),
    term__and (terms, bottom, term__not (terms, whole)),
    term__and (terms, negative, term__and (terms, term__not (terms, top), term__not (terms, zero))),
    term__and (terms, top, term__and (terms, term__not (terms, whole), term__not (terms, quiet))),
  };
  const struct term *result = term__false (terms);
  for (unsigned i = 0; i < 8; i++)
    if (kinds >> i & 1)
      result = term__or (terms, result, is[i]);
  return result;
}

/* vfpclass: to a mask; raises nothing.  */
static int
class__apply (struct run *run)
{
  const struct compare_row *row = &compare_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  int mask = mask__number (vec__operand (&vec, 0)->reg.value);
  unsigned bits = row->scalar ? row->width : vec.bits, lanes = bits / row->width;
  const struct term *a = vec__source (&vec, 1, bits, row->width), *part[VEC_LANES_MAX];
  if (a == NULL)
    return -1;
  if (mask < 0 || !vec.has_imm)
    return run__unmodelled (run, "operand form");
  for (unsigned i = 0; i < lanes; i++)
    part[i] = term__and (vec.terms, vec__bit (&vec, i),
                         number__class (vec.terms, vec__lane (&vec, a, i, row->width), vec.imm));
  vec__set_mask (&vec, mask, term__join (vec.terms, part, lanes));
  return 0;
}

vector_apply *
float_compare__find (const struct meaning *meaning)
{
  const struct compare_row *row = &compare_rows[meaning->insn.mnemonic];
  /* cmpsd is also the name of a string instruction, which has no immediate.  */
  if (row->width == 0 || meaning->operand[0].type != ZYDIS_OPERAND_TYPE_REGISTER)
    return NULL;
  return row->class ? class__apply : row->flags ? compare_flags__apply : compare__apply;
}
