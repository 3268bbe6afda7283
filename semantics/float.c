/* Floating-point arithmetic, packed and scalar.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/float.h"

void
float__raise (struct vec *vec, unsigned i, enum term_function function, const struct term *const *args, unsigned n)
{
  struct sym_cpu *cpu = vec->run->cpu;
  const struct term *bit = vec__bit (vec, i);
  if (term__is_value (bit, 0))
    return;
  const struct term *flags = term__call (vec->terms, function, args, n);
  cpu->sticky = term__or (vec->terms, cpu->sticky,
                          term__ite (vec->terms, bit, flags, term__const (vec->terms, 6, 0)));
}

void
float__raise_either (struct vec *vec, unsigned i, enum term_function function, const struct term *a,
                     const struct term *b)
{
  const struct term *args[2] = { a->id <= b->id ? a : b, a->id <= b->id ? b : a };
  float__raise (vec, i, function, args, 2);
}

enum float_kind
{
  FLOAT_NONE,
  FLOAT_ADD, FLOAT_SUB, FLOAT_MUL, FLOAT_DIV, FLOAT_MIN, FLOAT_MAX,
  FLOAT_SQRT, FLOAT_ROUND,
  FLOAT_RCP, FLOAT_RSQRT, FLOAT_RCP14, FLOAT_RSQRT14,
  FLOAT_DOT,
  FLOAT_ADDSUB, FLOAT_HADD, FLOAT_HSUB,
  FLOAT_FMA
};

/* PRODUCT_FIRST …: which operand (0: the destination) is x, y, z of x * y + z.  KIND_EVEN, KIND_ODD: 1 negates the
   product, 2 the addend, in even and odd lanes.  */
struct float_row
{
  uint8_t kind, width;
  bool scalar;
  uint8_t x, y, z;
  uint8_t even, odd;
};

#define ARITHMETIC(NAME, KIND)                                                                                \
  [ZYDIS_MNEMONIC_##NAME##PS] = { .kind = FLOAT_##KIND, .width = 32 },                                        \
  [ZYDIS_MNEMONIC_##NAME##PD] = { .kind = FLOAT_##KIND, .width = 64 },                                        \
  [ZYDIS_MNEMONIC_##NAME##SS] = { .kind = FLOAT_##KIND, .width = 32, .scalar = true },                        \
  [ZYDIS_MNEMONIC_##NAME##SD] = { .kind = FLOAT_##KIND, .width = 64, .scalar = true }
#define BOTH(NAME, KIND) ARITHMETIC (NAME, KIND), ARITHMETIC (V##NAME, KIND)
#define PACKED(NAME, KIND)                                                                                    \
  [ZYDIS_MNEMONIC_##NAME##PS] = { .kind = FLOAT_##KIND, .width = 32 },                                        \
  [ZYDIS_MNEMONIC_##NAME##PD] = { .kind = FLOAT_##KIND, .width = 64 },                                        \
  [ZYDIS_MNEMONIC_V##NAME##PS] = { .kind = FLOAT_##KIND, .width = 32 },                                       \
  [ZYDIS_MNEMONIC_V##NAME##PD] = { .kind = FLOAT_##KIND, .width = 64 }

#define FUSED(FORM, X, Y, Z, SUFFIX, WIDTH, SCALAR)                                                           \
  [ZYDIS_MNEMONIC_VFMADD##FORM##SUFFIX] = { FLOAT_FMA, WIDTH, SCALAR, X, Y, Z, 0, 0 },                        \
  [ZYDIS_MNEMONIC_VFMSUB##FORM##SUFFIX] = { FLOAT_FMA, WIDTH, SCALAR, X, Y, Z, 2, 2 },                        \
  [ZYDIS_MNEMONIC_VFNMADD##FORM##SUFFIX] = { FLOAT_FMA, WIDTH, SCALAR, X, Y, Z, 1, 1 },                       \
  [ZYDIS_MNEMONIC_VFNMSUB##FORM##SUFFIX] = { FLOAT_FMA, WIDTH, SCALAR, X, Y, Z, 3, 3 }
#define FUSED_MIXED(FORM, X, Y, Z, SUFFIX, WIDTH)                                                             \
  [ZYDIS_MNEMONIC_VFMADDSUB##FORM##SUFFIX] = { FLOAT_FMA, WIDTH, false, X, Y, Z, 2, 0 },                      \
  [ZYDIS_MNEMONIC_VFMSUBADD##FORM##SUFFIX] = { FLOAT_FMA, WIDTH, false, X, Y, Z, 0, 2 }
#define FUSED_ALL(FORM, X, Y, Z)                                                                              \
  FUSED (FORM, X, Y, Z, PS, 32, false), FUSED (FORM, X, Y, Z, PD, 64, false), FUSED (FORM, X, Y, Z, SS, 32, true), \
  FUSED (FORM, X, Y, Z, SD, 64, true), FUSED_MIXED (FORM, X, Y, Z, PS, 32), FUSED_MIXED (FORM, X, Y, Z, PD, 64)

static const struct float_row float_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  BOTH (ADD, ADD), BOTH (SUB, SUB), BOTH (MUL, MUL), BOTH (DIV, DIV), BOTH (MIN, MIN), BOTH (MAX, MAX),
  BOTH (SQRT, SQRT), BOTH (ROUND, ROUND), ARITHMETIC (VRNDSCALE, ROUND),
  [ZYDIS_MNEMONIC_RCPPS] = { .kind = FLOAT_RCP, .width = 32 },
  [ZYDIS_MNEMONIC_VRCPPS] = { .kind = FLOAT_RCP, .width = 32 },
  [ZYDIS_MNEMONIC_RCPSS] = { .kind = FLOAT_RCP, .width = 32, .scalar = true },
  [ZYDIS_MNEMONIC_VRCPSS] = { .kind = FLOAT_RCP, .width = 32, .scalar = true },
  [ZYDIS_MNEMONIC_RSQRTPS] = { .kind = FLOAT_RSQRT, .width = 32 },
  [ZYDIS_MNEMONIC_VRSQRTPS] = { .kind = FLOAT_RSQRT, .width = 32 },
  [ZYDIS_MNEMONIC_RSQRTSS] = { .kind = FLOAT_RSQRT, .width = 32, .scalar = true },
  [ZYDIS_MNEMONIC_VRSQRTSS] = { .kind = FLOAT_RSQRT, .width = 32, .scalar = true },
  ARITHMETIC (VRCP14, RCP14), ARITHMETIC (VRSQRT14, RSQRT14),
  PACKED (DP, DOT),
  PACKED (ADDSUB, ADDSUB), PACKED (HADD, HADD), PACKED (HSUB, HSUB),
  FUSED_ALL (132, 0, 2, 1), FUSED_ALL (213, 1, 0, 2), FUSED_ALL (231, 1, 2, 0),
};

/* NAME (a, b) in lane I, with its flags.  */
#define BINARY(NAME, FLAGS)                                                                                   \
  (FLAGS, term__call (vec->terms, FLOAT_FUNCTION (NAME, width), args, 2))

/* A constant that isn't a NaN: which NaN a sum or product gives doesn't depend on the order then.  */
static bool
is_number (const struct term *a)
{
  if (a->op != TERM_CONST)
    return false;
  uint64_t infinity = a->width == 32 ? UINT64_C (0x7f800000) : UINT64_C (0x7ff0000000000000);
  uint64_t sign = UINT64_C (1) << (a->width - 1);
  return (term__value (a) & ~sign) <= infinity;
}

static const struct term *
lane__binary (struct vec *vec, unsigned kind, unsigned i, const struct term *a, const struct term *b)
{
  unsigned width = a->width;
  if ((kind == FLOAT_ADD || kind == FLOAT_MUL) && is_number (a))
    {
      const struct term *swap = a;
      a = b;
      b = swap;
    }
  const struct term *args[2] = { a, b };
  switch (kind)
    {
    case FLOAT_ADD:
      return BINARY (FADD, float__raise_either (vec, i, FLOAT_FLAGS (FADD, width), a, b));
    case FLOAT_SUB:
      return BINARY (FSUB, float__raise (vec, i, FLOAT_FLAGS (FSUB, width), args, 2));
    case FLOAT_MUL:
      return BINARY (FMUL, float__raise_either (vec, i, FLOAT_FLAGS (FMUL, width), a, b));
    case FLOAT_DIV:
      return BINARY (FDIV, float__raise (vec, i, FLOAT_FLAGS (FDIV, width), args, 2));
    case FLOAT_MIN:
      /* Equal or unordered: the second, as it is.  */
      float__raise_compare (vec, i, a, b, true);
      return term__ite (vec->terms, float__less (vec->terms, a, b), a, b);
    default: /* FLOAT_MAX */
      float__raise_compare (vec, i, a, b, true);
      return term__ite (vec->terms, float__less (vec->terms, b, a), a, b);
    }
}

static const struct term *
lane__sqrt (struct vec *vec, unsigned i, const struct term *a)
{
  float__raise (vec, i, FLOAT_FLAGS (FSQRT, a->width), &a, 1);
  return term__call (vec->terms, FLOAT_FUNCTION (FSQRT, a->width), &a, 1);
}

/* IMM: digits to keep (high four bits), 8: no inexact flag, 4: round as MXCSR says (to nearest), else 0..3.  */
static const struct term *
lane__round (struct vec *vec, unsigned i, const struct term *a)
{
  unsigned imm = vec->imm & 4 ? vec->imm & 0xf8 : vec->imm;
  const struct term *args[2] = { a, term__const (vec->terms, 8, imm) };
  float__raise (vec, i, FLOAT_FLAGS (FROUND, a->width), args, 2);
  return term__call (vec->terms, FLOAT_FUNCTION (FROUND, a->width), args, 2);
}

static const struct term *
lane__fused (struct vec *vec, unsigned i, const struct term *x, const struct term *y, const struct term *z,
             unsigned kind)
{
  if (is_number (x))
    {
      const struct term *swap = x;
      x = y;
      y = swap;
    }
  const struct term *args[4] = { x, y, z, term__const (vec->terms, 2, kind) };
  float__raise (vec, i, FLOAT_FLAGS (FMA, x->width), args, 4);
  return term__call (vec->terms, FLOAT_FUNCTION (FMA, x->width), args, 4);
}

/* Lane I of the result from the sources' lanes (for one source, B alone).  */
static const struct term *
lane__apply (struct vec *vec, const struct float_row *row, unsigned i, const struct term *const *lane)
{
  switch (row->kind)
    {
    case FLOAT_SQRT:
      return lane__sqrt (vec, i, lane[2]);
    case FLOAT_ROUND:
      return lane__round (vec, i, lane[2]);
    case FLOAT_RCP:
      return term__call (vec->terms, FUNCTION_FRCP32, &lane[2], 1);
    case FLOAT_RSQRT:
      return term__call (vec->terms, FUNCTION_FRSQRT32, &lane[2], 1);
    case FLOAT_RCP14:
      return term__call (vec->terms, FLOAT_FUNCTION (FRCP14_, row->width), &lane[2], 1);
    case FLOAT_RSQRT14:
      return term__call (vec->terms, FLOAT_FUNCTION (FRSQRT14_, row->width), &lane[2], 1);
    case FLOAT_FMA:
      return lane__fused (vec, i, lane[row->x], lane[row->y], lane[row->z], i % 2 ? row->odd : row->even);
    case FLOAT_ADDSUB:
      return lane__binary (vec, i % 2 ? FLOAT_ADD : FLOAT_SUB, i, lane[1], lane[2]);
    default:
      return lane__binary (vec, row->kind, i, lane[1], lane[2]);
    }
}

/* Neighbours: of A in the lower half of each 128-bit block, of B in the upper.  */
static const struct term *
lane__neighbours (struct vec *vec, const struct float_row *row, unsigned i, const struct term *a, const struct term *b)
{
  unsigned in_block = 128 / row->width, at = i % in_block, half = in_block / 2;
  const struct term *from = at < half ? a : b;
  unsigned first = i / in_block * in_block + 2 * (at % half);
  return lane__binary (vec, row->kind == FLOAT_HADD ? FLOAT_ADD : FLOAT_SUB, i,
                       vec__lane (vec, from, first, row->width), vec__lane (vec, from, first + 1, row->width));
}

/* dpps, dppd: in each 128-bit block, the sum of the products that the immediate's high bits want, as pairs, in the lanes
   that its low bits want; 0 for the rest.  */
static void
block__dot (struct vec *vec, const struct float_row *row, unsigned block, const struct term *a, const struct term *b,
            const struct term **part)
{
  const struct term *zero = term__const (vec->terms, row->width, 0), *sum[4];
  unsigned n = 128 / row->width, first = block * n;
  for (unsigned i = 0; i < n; i++)
    sum[i] = vec->imm >> (4 + i) & 1 ? lane__binary (vec, FLOAT_MUL, i, vec__lane (vec, a, first + i, row->width),
                                                     vec__lane (vec, b, first + i, row->width))
                                     : zero;
  for (; n > 1; n /= 2)
    for (unsigned i = 0; i < n / 2; i++)
      sum[i] = lane__binary (vec, FLOAT_ADD, i, sum[2 * i], sum[2 * i + 1]);
  for (unsigned i = 0; i < 128u / row->width; i++)
    part[first + i] = vec->imm >> i & 1 ? sum[0] : zero;
}

static int
float__apply (struct run *run)
{
  const struct float_row *row = &float_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  if (vec.n < 2 || vec.n > 3 || (row->kind == FLOAT_FMA && vec.n != 3))
    return run__unmodelled (run, "number of operands");
  if (row->kind == FLOAT_ROUND && vec.imm > 15 && run->meaning->insn.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX)
    return run__unmodelled (run, "reserved bits of the immediate");
  unsigned bits = row->scalar ? row->width : vec.bits, lanes = bits / row->width;
  /* Sources as of three operands: the destination, the one before the last, the last.  A packed operation on one source
     has none before.  */
  const struct term *source[3];
  source[2] = vec__source (&vec, vec.n - 1, bits, row->width);
  source[1] = source[2] ? vec__source (&vec, vec.n - 2, row->scalar ? 128 : bits, 0) : NULL;
  source[0] = source[1] ? vec__source (&vec, 0, row->scalar ? 128 : bits, 0) : NULL;
  if (source[0] == NULL)
    return -1;
  const struct term *part[VEC_LANES_MAX];
  for (unsigned block = 0; row->kind == FLOAT_DOT && block < bits / 128; block++)
    block__dot (&vec, row, block, source[1], source[2], part);
  for (unsigned i = 0; row->kind != FLOAT_DOT && i < lanes; i++)
    {
      if (row->kind == FLOAT_HADD || row->kind == FLOAT_HSUB)
        {
          part[i] = lane__neighbours (&vec, row, i, source[1], source[2]);
          continue;
        }
      const struct term *lane[3];
      for (unsigned j = 0; j < 3; j++)
        lane[j] = vec__lane (&vec, source[j], i, row->width);
      part[i] = lane__apply (&vec, row, i, lane);
    }
  if (row->scalar)
    return vec__write_scalar (&vec, part[0], row->kind == FLOAT_FMA ? source[0] : source[1]);
  return vec__write (&vec, term__join (vec.terms, part, lanes), row->width);
}

vector_apply *
float__find (const struct meaning *meaning)
{
  return float_rows[meaning->insn.mnemonic].kind != FLOAT_NONE ? float__apply : NULL;
}
