/* Comparisons and tests that write masks, general registers or flags.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

enum compare_kind
{
  COMPARE_NONE,
  COMPARE_EQ,       /* to a mask */
  COMPARE_GT,
  COMPARE_SIGNED,   /* by the immediate */
  COMPARE_UNSIGNED,
  COMPARE_TEST,     /* a and b has a bit */
  COMPARE_TEST_NOT,
  COMPARE_BIT,      /* vpshufbitqmb */
  COMPARE_SIGNS,    /* pmovmskb and its like */
  COMPARE_PTEST,    /* to flags */
  COMPARE_TEST_SIGNS
};

struct compare_row
{
  uint8_t kind, lane;
};

#define ROW(MNEMONIC, KIND, LANE) [ZYDIS_MNEMONIC_##MNEMONIC] = { COMPARE_##KIND, LANE }

static const struct compare_row compare_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  ROW (VPCMPEQB, EQ, 8), ROW (VPCMPEQW, EQ, 16), ROW (VPCMPEQD, EQ, 32), ROW (VPCMPEQQ, EQ, 64),
  ROW (VPCMPGTB, GT, 8), ROW (VPCMPGTW, GT, 16), ROW (VPCMPGTD, GT, 32), ROW (VPCMPGTQ, GT, 64),
  ROW (VPCMPB, SIGNED, 8), ROW (VPCMPW, SIGNED, 16), ROW (VPCMPD, SIGNED, 32), ROW (VPCMPQ, SIGNED, 64),
  ROW (VPCMPUB, UNSIGNED, 8), ROW (VPCMPUW, UNSIGNED, 16), ROW (VPCMPUD, UNSIGNED, 32),
  ROW (VPCMPUQ, UNSIGNED, 64),
  ROW (VPTESTMB, TEST, 8), ROW (VPTESTMW, TEST, 16), ROW (VPTESTMD, TEST, 32), ROW (VPTESTMQ, TEST, 64),
  ROW (VPTESTNMB, TEST_NOT, 8), ROW (VPTESTNMW, TEST_NOT, 16), ROW (VPTESTNMD, TEST_NOT, 32),
  ROW (VPTESTNMQ, TEST_NOT, 64),
  ROW (VPSHUFBITQMB, BIT, 8),
  ROW (PMOVMSKB, SIGNS, 8), ROW (VPMOVMSKB, SIGNS, 8), ROW (MOVMSKPS, SIGNS, 32), ROW (VMOVMSKPS, SIGNS, 32),
  ROW (MOVMSKPD, SIGNS, 64), ROW (VMOVMSKPD, SIGNS, 64),
  ROW (PTEST, PTEST, 64), ROW (VPTEST, PTEST, 64),
  ROW (VTESTPS, TEST_SIGNS, 32), ROW (VTESTPD, TEST_SIGNS, 64),
};

/* A compared with B by PREDICATE, 0 to 7.  */
static const struct term *
predicate__apply (struct terms *terms, unsigned predicate, bool is_signed, const struct term *a, const struct term *b)
{
  const struct term *result;
  switch (predicate & 3)
    {
    case 0:
      result = term__eq (terms, a, b);
      break;
    case 1:
      result = is_signed ? term__slt (terms, a, b) : term__ult (terms, a, b);
      break;
    case 2:
      result = is_signed ? term__sle (terms, a, b) : term__ule (terms, a, b);
      break;
    default:
      result = term__false (terms);
      break;
    }
  return predicate & 4 ? term__not (terms, result) : result;
}

static const struct term *
lane__compare (struct vec *vec, const struct compare_row *row, const struct term *a, const struct term *b)
{
  struct terms *terms = vec->terms;
  switch (row->kind)
    {
    case COMPARE_EQ:
      return term__eq (terms, a, b);
    case COMPARE_GT:
      return term__slt (terms, b, a);
    case COMPARE_SIGNED:
      return predicate__apply (terms, vec->imm & 7, true, a, b);
    case COMPARE_UNSIGNED:
      return predicate__apply (terms, vec->imm & 7, false, a, b);
    case COMPARE_TEST:
      return term__not (terms, term__is_zero (terms, term__and (terms, a, b)));
    default:
      return term__is_zero (terms, term__and (terms, a, b));
    }
}

/* mask, a, b.  */
static int
compare_mask__apply (struct run *run)
{
  const struct compare_row *row = &compare_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  int number = mask__number (vec__operand (&vec, 0)->reg.value);
  if (vec.n != 3 || number < 0)
    return run__unmodelled (run, "operand form");
  const struct term *a = vec__source (&vec, 1, vec.bits, 0);
  const struct term *b = a ? vec__source (&vec, 2, vec.bits, row->lane) : NULL;
  if (b == NULL)
    return -1;
  const struct term *bit[VEC_LANES_MAX];
  unsigned lanes = vec.bits / row->lane;
  for (unsigned i = 0; i < lanes; i++)
    {
      if (row->kind == COMPARE_BIT)
        {
          const struct term *from = term__extract (vec.terms, b, 8 * i, 6);
          bit[i] = term__extract (
            vec.terms, term__lshr (vec.terms, vec__lane (&vec, a, i / 8, 64), term__zext (vec.terms, from, 64)), 0, 1);
        }
      else
        bit[i] = lane__compare (&vec, row, vec__lane (&vec, a, i, row->lane), vec__lane (&vec, b, i, row->lane));
      bit[i] = term__and (vec.terms, vec__bit (&vec, i), bit[i]);
    }
  vec__set_mask (&vec, number, term__join (vec.terms, bit, lanes));
  return 0;
}

/* The lanes' top bits to a general register.  */
static int
signs__apply (struct run *run)
{
  const struct compare_row *row = &compare_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const ZydisDecodedOperand *operand = vec__operand (&vec, 0);
  const struct term *a = vec__source (&vec, 1, vec.bits, 0);
  if (a == NULL)
    return -1;
  const struct term *bit[VEC_LANES_MAX];
  unsigned lanes = vec.bits / row->lane;
  for (unsigned i = 0; i < lanes; i++)
    bit[i] = term__extract (vec.terms, a, (i + 1) * row->lane - 1, 1);
  const struct term *value = term__join (vec.terms, bit, lanes);
  if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER || operand->size < 32)
    return run__unmodelled (run, "operand form");
  gpr__write (run, operand->reg.value, term__zext (vec.terms, value, operand->size));
  return 0;
}

/* ZF: a and b is 0; CF: b and not a is 0; of all bits or of the lanes' top bits.  */
static int
flags__apply (struct run *run)
{
  const struct compare_row *row = &compare_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = vec__source (&vec, 0, vec.bits, 0);
  const struct term *b = a ? vec__source (&vec, 1, vec.bits, 0) : NULL;
  if (b == NULL)
    return -1;
  if (row->kind == COMPARE_TEST_SIGNS)
    {
      const struct term *bit_a[VEC_LANES_MAX], *bit_b[VEC_LANES_MAX];
      unsigned lanes = vec.bits / row->lane;
      for (unsigned i = 0; i < lanes; i++)
        {
          bit_a[i] = term__extract (vec.terms, a, (i + 1) * row->lane - 1, 1);
          bit_b[i] = term__extract (vec.terms, b, (i + 1) * row->lane - 1, 1);
        }
      a = term__join (vec.terms, bit_a, lanes);
      b = term__join (vec.terms, bit_b, lanes);
    }
  vec__flags (&vec, term__is_zero (vec.terms, term__and (vec.terms, a, b)), NULL,
              term__is_zero (vec.terms, term__and (vec.terms, term__not (vec.terms, a), b)));
  return 0;
}

vector_apply *
vector_compare__find (const struct meaning *meaning)
{
  const struct compare_row *row = &compare_rows[meaning->insn.mnemonic];
  bool to_mask = meaning->operand[0].type == ZYDIS_OPERAND_TYPE_REGISTER
                 && mask__number (meaning->operand[0].reg.value) >= 0;
  switch (row->kind)
    {
    case COMPARE_NONE:
      return NULL;
    case COMPARE_SIGNS:
      return signs__apply;
    case COMPARE_PTEST:
    case COMPARE_TEST_SIGNS:
      return flags__apply;
    default:
      return to_mask ? compare_mask__apply : NULL;
    }
}
