/* Conversions between integers and floating point, and between floating-point widths.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/float.h"

enum number_type
{
  TYPE_NONE,
  TYPE_I32, TYPE_U32, TYPE_I64, TYPE_U64,
  TYPE_F16, TYPE_F32, TYPE_F64,
  TYPE_SI, TYPE_USI /* 32 or 64 bits, as the operand is */
};

struct float_convert_row
{
  uint8_t from, to;
  bool truncates;
};

#define ROW(NAME, FROM, TO, TRUNCATES) [ZYDIS_MNEMONIC_##NAME] = { TYPE_##FROM, TYPE_##TO, TRUNCATES }
#define BOTH(NAME, FROM, TO, TRUNCATES) ROW (NAME, FROM, TO, TRUNCATES), ROW (V##NAME, FROM, TO, TRUNCATES)

static const struct float_convert_row float_convert_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  BOTH (CVTDQ2PS, I32, F32, false), BOTH (CVTDQ2PD, I32, F64, false),
  BOTH (CVTPS2DQ, F32, I32, false), BOTH (CVTTPS2DQ, F32, I32, true),
  BOTH (CVTPD2DQ, F64, I32, false), BOTH (CVTTPD2DQ, F64, I32, true),
  BOTH (CVTPS2PD, F32, F64, false), BOTH (CVTPD2PS, F64, F32, false),
  ROW (VCVTUDQ2PS, U32, F32, false), ROW (VCVTUDQ2PD, U32, F64, false),
  ROW (VCVTQQ2PS, I64, F32, false), ROW (VCVTQQ2PD, I64, F64, false),
  ROW (VCVTUQQ2PS, U64, F32, false), ROW (VCVTUQQ2PD, U64, F64, false),
  ROW (VCVTPS2UDQ, F32, U32, false), ROW (VCVTTPS2UDQ, F32, U32, true),
  ROW (VCVTPD2UDQ, F64, U32, false), ROW (VCVTTPD2UDQ, F64, U32, true),
  ROW (VCVTPS2QQ, F32, I64, false), ROW (VCVTTPS2QQ, F32, I64, true),
  ROW (VCVTPD2QQ, F64, I64, false), ROW (VCVTTPD2QQ, F64, I64, true),
  ROW (VCVTPS2UQQ, F32, U64, false), ROW (VCVTTPS2UQQ, F32, U64, true),
  ROW (VCVTPD2UQQ, F64, U64, false), ROW (VCVTTPD2UQQ, F64, U64, true),
  ROW (VCVTPH2PS, F16, F32, false), ROW (VCVTPS2PH, F32, F16, false),
  BOTH (CVTSI2SS, SI, F32, false), BOTH (CVTSI2SD, SI, F64, false),
  ROW (VCVTUSI2SS, USI, F32, false), ROW (VCVTUSI2SD, USI, F64, false),
  BOTH (CVTSS2SI, F32, SI, false), BOTH (CVTTSS2SI, F32, SI, true),
  BOTH (CVTSD2SI, F64, SI, false), BOTH (CVTTSD2SI, F64, SI, true),
  ROW (VCVTSS2USI, F32, USI, false), ROW (VCVTTSS2USI, F32, USI, true),
  ROW (VCVTSD2USI, F64, USI, false), ROW (VCVTTSD2USI, F64, USI, true),
};

static unsigned
type__width (unsigned type)
{
  switch (type)
    {
    case TYPE_F16:
      return 16;
    case TYPE_I32:
    case TYPE_U32:
    case TYPE_F32:
      return 32;
    default:
      return 64;
    }
}

/* What a number of 32 or 64 bits is, for TYPE_SI and TYPE_USI.  */
static unsigned
type__of (unsigned type, unsigned width)
{
  return type == TYPE_SI    ? (width == 32 ? TYPE_I32 : TYPE_I64)
         : type == TYPE_USI ? (width == 32 ? TYPE_U32 : TYPE_U64)
                            : type;
}

/* Integers are widened to 64 bits, so that a conversion of fewer bits is the same call; those of 32 bits are exact in
   double precision.  */
static const struct term *
from__integer (struct vec *vec, unsigned i, const struct term *a, unsigned from, unsigned to)
{
  struct terms *terms = vec->terms;
  const struct term *wide = from == TYPE_I32 ? term__sext (terms, a, 64) : term__zext (terms, a, 64);
  const struct term *args[2] = { wide, term__const (terms, 1, from != TYPE_U64) };
  if (to == TYPE_F32)
    float__raise (vec, i, FUNCTION_INT_TO_F32_FLAGS, args, 2);
  else if (a->width == 64)
    float__raise (vec, i, FUNCTION_INT_TO_F64_FLAGS, args, 2);
  return term__call (terms, to == TYPE_F32 ? FUNCTION_INT_TO_F32 : FUNCTION_INT_TO_F64, args, 2);
}

/* The second argument: 1 truncates (else to nearest), 2 is for unsigned results.  */
static const struct term *
to__integer (struct vec *vec, unsigned i, const struct term *a, unsigned to, bool truncates)
{
  struct terms *terms = vec->terms;
  bool is_unsigned = to == TYPE_U32 || to == TYPE_U64, wide = type__width (to) == 64;
  const struct term *args[2] = { a, term__const (terms, 2, (truncates ? 1 : 0) | (is_unsigned ? 2 : 0)) };
  if (a->width == 32)
    {
      float__raise (vec, i, wide ? FUNCTION_F32_TO_I64_FLAGS : FUNCTION_F32_TO_I32_FLAGS, args, 2);
      return term__call (terms, wide ? FUNCTION_F32_TO_I64 : FUNCTION_F32_TO_I32, args, 2);
    }
  float__raise (vec, i, wide ? FUNCTION_F64_TO_I64_FLAGS : FUNCTION_F64_TO_I32_FLAGS, args, 2);
  return term__call (terms, wide ? FUNCTION_F64_TO_I64 : FUNCTION_F64_TO_I32, args, 2);
}

static const struct term *
number__convert (struct vec *vec, unsigned i, const struct term *a, unsigned from, unsigned to, bool truncates)
{
  struct terms *terms = vec->terms;
  if (from < TYPE_F16)
    return from__integer (vec, i, a, from, to);
  if (to < TYPE_F16)
    return to__integer (vec, i, a, to, truncates);
  if (from == TYPE_F16)
    {
      float__raise (vec, i, FUNCTION_F16_TO_F32_FLAGS, &a, 1);
      return term__call (terms, FUNCTION_F16_TO_F32, &a, 1);
    }
  if (to == TYPE_F16)
    {
      /* 4: as MXCSR says, to nearest.  */
      const struct term *args[2] = { a, term__const (terms, 2, vec->imm & 4 ? 0 : vec->imm & 3) };
      float__raise (vec, i, FUNCTION_F32_TO_F16_FLAGS, args, 2);
      return term__call (terms, FUNCTION_F32_TO_F16, args, 2);
    }
  float__raise (vec, i, from == TYPE_F32 ? FUNCTION_F32_TO_F64_FLAGS : FUNCTION_F64_TO_F32_FLAGS, &a, 1);
  return term__call (terms, from == TYPE_F32 ? FUNCTION_F32_TO_F64 : FUNCTION_F64_TO_F32, &a, 1);
}

static int
convert_packed__apply (struct run *run)
{
  const struct float_convert_row *row = &float_convert_rows[run->meaning->insn.mnemonic];
  unsigned from = type__width (row->from), to = type__width (row->to);
  struct vec vec;
  vec__open (&vec, run);
  unsigned lanes = vec.bits / (from > to ? from : to);
  if (vec__is_memory (&vec, 1) && !vec.broadcast && vec__operand (&vec, 1)->size != lanes * from)
    return run__unmodelled (run, "operand size");
  const struct term *a = vec__source (&vec, 1, lanes * from, from), *part[VEC_LANES_MAX];
  if (a == NULL)
    return -1;
  for (unsigned i = 0; i < lanes; i++)
    part[i] = number__convert (&vec, i, vec__lane (&vec, a, i, from), row->from, row->to, row->truncates);
  return vec__write (&vec, term__join (vec.terms, part, lanes), to);
}

/* From a general register or memory to the low lane.  */
static int
convert_from_general__apply (struct run *run)
{
  const struct float_convert_row *row = &float_convert_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const ZydisDecodedOperand *operand = vec__operand (&vec, vec.n - 1);
  if (operand->size != 32 && operand->size != 64)
    return run__unmodelled (run, "operand size");
  const struct term *a = operand__read (run, vec.operand[vec.n - 1]);
  const struct term *upper = a ? vec__source (&vec, vec.n - 2, 128, 0) : NULL;
  if (upper == NULL)
    return -1;
  const struct term *value
    = number__convert (&vec, 0, a, type__of (row->from, operand->size), row->to, false);
  return vec__write_scalar (&vec, value, upper);
}

static int
convert_to_general__apply (struct run *run)
{
  const struct float_convert_row *row = &float_convert_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const ZydisDecodedOperand *operand = vec__operand (&vec, 0);
  const struct term *a = vec__source (&vec, 1, type__width (row->from), 0);
  if (a == NULL)
    return -1;
  if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER || (operand->size != 32 && operand->size != 64))
    return run__unmodelled (run, "operand form");
  gpr__write (run, operand->reg.value,
              number__convert (&vec, 0, a, row->from, type__of (row->to, operand->size), row->truncates));
  return 0;
}

/* cvtss2sd, cvtsd2ss.  */
static int
convert_scalar__apply (struct run *run)
{
  ZydisMnemonic mnemonic = run->meaning->insn.mnemonic;
  bool widens = mnemonic == ZYDIS_MNEMONIC_CVTSS2SD || mnemonic == ZYDIS_MNEMONIC_VCVTSS2SD;
  unsigned from = widens ? TYPE_F32 : TYPE_F64, to = widens ? TYPE_F64 : TYPE_F32;
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = vec__source (&vec, vec.n - 1, type__width (from), type__width (from));
  const struct term *upper = a ? vec__source (&vec, vec.n - 2, 128, 0) : NULL;
  return upper == NULL ? -1 : vec__write_scalar (&vec, number__convert (&vec, 0, a, from, to, false), upper);
}

vector_apply *
float_convert__find (const struct meaning *meaning)
{
  switch (meaning->insn.mnemonic)
    {
    case ZYDIS_MNEMONIC_CVTSS2SD:
    case ZYDIS_MNEMONIC_CVTSD2SS:
    case ZYDIS_MNEMONIC_VCVTSS2SD:
    case ZYDIS_MNEMONIC_VCVTSD2SS:
      return convert_scalar__apply;
    default:
      break;
    }
  const struct float_convert_row *row = &float_convert_rows[meaning->insn.mnemonic];
  if (row->from == TYPE_NONE)
    return NULL;
  if (row->from == TYPE_SI || row->from == TYPE_USI)
    return convert_from_general__apply;
  if (row->to == TYPE_SI || row->to == TYPE_USI)
    return convert_to_general__apply;
  return convert_packed__apply;
}
