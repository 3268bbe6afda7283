/* Mask registers: k-instructions, and masks to vectors and back.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

enum mask_kind
{
  MASK_NONE,
  MASK_MOVE,
  MASK_AND, MASK_ANDN, MASK_OR, MASK_XOR, MASK_XNOR, MASK_NOT, MASK_ADD,
  MASK_SHIFT_LEFT, MASK_SHIFT_RIGHT,
  MASK_UNPACK,
  MASK_ORTEST, MASK_TEST,
  MASK_TO_VECTOR,   /* vpmovm2b …: WIDTH is the lane's */
  MASK_FROM_VECTOR, /* vpmovb2m … */
  MASK_BROADCAST    /* vpbroadcastmb2q: WIDTH is the mask's */
};

struct mask_row
{
  uint8_t kind, width;
};

#define ROW(MNEMONIC, KIND, WIDTH) [ZYDIS_MNEMONIC_##MNEMONIC] = { MASK_##KIND, WIDTH }
#define ROWS(NAME, KIND)                                                                                      \
  ROW (NAME##B, KIND, 8), ROW (NAME##W, KIND, 16), ROW (NAME##D, KIND, 32), ROW (NAME##Q, KIND, 64)

static const struct mask_row mask_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  ROWS (KMOV, MOVE), ROWS (KAND, AND), ROWS (KANDN, ANDN), ROWS (KOR, OR), ROWS (KXOR, XOR), ROWS (KXNOR, XNOR),
  ROWS (KNOT, NOT), ROWS (KADD, ADD), ROWS (KSHIFTL, SHIFT_LEFT), ROWS (KSHIFTR, SHIFT_RIGHT),
  ROWS (KORTEST, ORTEST), ROWS (KTEST, TEST),
  ROW (KUNPCKBW, UNPACK, 8), ROW (KUNPCKWD, UNPACK, 16), ROW (KUNPCKDQ, UNPACK, 32),
  ROWS (VPMOVM2, TO_VECTOR),
  ROW (VPMOVB2M, FROM_VECTOR, 8), ROW (VPMOVW2M, FROM_VECTOR, 16), ROW (VPMOVD2M, FROM_VECTOR, 32),
  ROW (VPMOVQ2M, FROM_VECTOR, 64),
  ROW (VPBROADCASTMB2Q, BROADCAST, 8), ROW (VPBROADCASTMW2D, BROADCAST, 16),
};

/* Operand N's low WIDTH bits: a mask register, a general one, or memory of that size.  */
static const struct term *
mask__read (struct vec *vec, unsigned n, unsigned width)
{
  const ZydisDecodedOperand *operand = vec__operand (vec, n);
  if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && mask__number (operand->reg.value) < 0)
    {
      if (operand->size < width)
        {
          run__unmodelled (vec->run, "operand size");
          return NULL;
        }
      return term__extract (vec->terms, gpr__read (vec->run, operand->reg.value), 0, width);
    }
  if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->size != width)
    {
      run__unmodelled (vec->run, "operand size");
      return NULL;
    }
  return vec__source (vec, n, width, 0);
}

static int
mask_move__apply (struct run *run)
{
  unsigned width = mask_rows[run->meaning->insn.mnemonic].width;
  struct vec vec;
  vec__open (&vec, run);
  const struct term *value = mask__read (&vec, 1, width);
  if (value == NULL)
    return -1;
  const ZydisDecodedOperand *to = vec__operand (&vec, 0);
  if (to->type == ZYDIS_OPERAND_TYPE_MEMORY)
    return vec__write (&vec, value, 0);
  int number = mask__number (to->reg.value);
  if (number >= 0)
    vec__set_mask (&vec, number, value);
  else
    gpr__write (run, to->reg.value, term__zext (vec.terms, value, to->size));
  return 0;
}

static int
mask__apply (struct run *run)
{
  const struct mask_row *row = &mask_rows[run->meaning->insn.mnemonic];
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  int number = mask__number (vec__operand (&vec, 0)->reg.value);
  const struct term *a = mask__read (&vec, 1, row->width), *b = a;
  if (a != NULL && vec.n > 2)
    b = mask__read (&vec, 2, row->width);
  if (a == NULL || b == NULL)
    return -1;
  if (number < 0)
    return run__unmodelled (run, "operand form");
  const struct term *value;
  switch (row->kind)
    {
    case MASK_AND:
      value = term__and (terms, a, b);
      break;
    case MASK_ANDN:
      value = term__and (terms, term__not (terms, a), b);
      break;
    case MASK_OR:
      value = term__or (terms, a, b);
      break;
    case MASK_XOR:
      value = term__xor (terms, a, b);
      break;
    case MASK_XNOR:
      value = term__not (terms, term__xor (terms, a, b));
      break;
    case MASK_NOT:
      value = term__not (terms, a);
      break;
    case MASK_ADD:
      value = term__add (terms, a, b);
      break;
    case MASK_SHIFT_LEFT:
      value = vec.imm >= row->width ? vec__zero (&vec, row->width) : term__shl_by (terms, a, vec.imm);
      break;
    case MASK_SHIFT_RIGHT:
      value = vec.imm >= row->width ? vec__zero (&vec, row->width) : term__lshr_by (terms, a, vec.imm);
      break;
    default: /* MASK_UNPACK: the first source becomes the upper half */
      value = term__concat (terms, a, b);
      break;
    }
  vec__set_mask (&vec, number, value);
  return 0;
}

/* kortest: ZF for none, CF for all of a or b; ktest: ZF for a and b, CF for not a and b, being 0.  */
static int
mask_test__apply (struct run *run)
{
  const struct mask_row *row = &mask_rows[run->meaning->insn.mnemonic];
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = mask__read (&vec, 0, row->width), *b = a ? mask__read (&vec, 1, row->width) : NULL;
  if (b == NULL)
    return -1;
  if (row->kind == MASK_ORTEST)
    {
      const struct term *either = term__or (terms, a, b);
      vec__flags (&vec, term__is_zero (terms, either), NULL,
                  term__eq (terms, either, term__ones (terms, row->width)));
    }
  else
    vec__flags (&vec, term__is_zero (terms, term__and (terms, a, b)), NULL,
                term__is_zero (terms, term__and (terms, term__not (terms, a), b)));
  return 0;
}

static int
mask_vector__apply (struct run *run)
{
  const struct mask_row *row = &mask_rows[run->meaning->insn.mnemonic];
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  const struct term *part[VEC_LANES_MAX];
  if (row->kind == MASK_BROADCAST)
    {
      const struct term *mask = mask__read (&vec, 1, row->width);
      if (mask == NULL)
        return -1;
      unsigned lane = row->width == 8 ? 64 : 32, lanes = vec.bits / lane;
      for (unsigned i = 0; i < lanes; i++)
        part[i] = term__zext (terms, mask, lane);
      return vec__write (&vec, term__join (terms, part, lanes), 0);
    }
  unsigned lanes = vec.bits / row->width;
  if (row->kind == MASK_TO_VECTOR)
    {
      const struct term *mask = mask__read (&vec, 1, lanes);
      if (mask == NULL)
        return -1;
      for (unsigned i = 0; i < lanes; i++)
        part[i] = vec__spread (&vec, term__extract (terms, mask, i, 1), row->width);
      return vec__write (&vec, term__join (terms, part, lanes), 0);
    }
  const struct term *a = vec__source (&vec, 1, vec.bits, 0);
  int number = mask__number (vec__operand (&vec, 0)->reg.value);
  if (a == NULL)
    return -1;
  if (number < 0)
    return run__unmodelled (run, "operand form");
  for (unsigned i = 0; i < lanes; i++)
    part[i] = term__extract (terms, a, (i + 1) * row->width - 1, 1);
  vec__set_mask (&vec, number, term__join (terms, part, lanes));
  return 0;
}

vector_apply *
vector_mask__find (const struct meaning *meaning)
{
  switch (mask_rows[meaning->insn.mnemonic].kind)
    {
    case MASK_NONE:
      return NULL;
    case MASK_MOVE:
      return mask_move__apply;
    case MASK_ORTEST:
    case MASK_TEST:
      return mask_test__apply;
    case MASK_TO_VECTOR:
    case MASK_FROM_VECTOR:
    case MASK_BROADCAST:
      return mask_vector__apply;
    default:
      return mask__apply;
    }
}
