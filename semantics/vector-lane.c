/* Lane by lane: the result's lane I is a function of the sources' lanes I and the immediate.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

/* ARG[]: the sources' lanes in Intel order (for three sources the destination's own lane first).  */
typedef const struct term *lane_function (struct terms *terms, const struct term *const *arg, unsigned imm);

/* A within MIN and MAX of its own width, as signed numbers, cut to WIDTH.  Asked is whether it is beyond a limit: where that
   is known not to be, A is left.  */
static const struct term *
lane__clamp (struct terms *terms, const struct term *a, uint64_t min, uint64_t max, unsigned width)
{
  const struct term *low = term__const (terms, a->width, min), *high = term__const (terms, a->width, max);
  return term__ite (terms, term__slt (terms, a, low), term__extract (terms, low, 0, width),
                    term__ite (terms, term__slt (terms, high, a), term__extract (terms, high, 0, width),
                               term__extract (terms, a, 0, width)));
}

const struct term *
lane__saturate_signed (struct terms *terms, const struct term *a, unsigned width)
{
  uint64_t most = (UINT64_C (1) << (width - 1)) - 1;
  return lane__clamp (terms, a, ~most, most, width);
}

const struct term *
lane__saturate_to_unsigned (struct terms *terms, const struct term *a, unsigned width)
{
  return lane__clamp (terms, a, 0, (UINT64_C (1) << width) - 1, width);
}

const struct term *
lane__saturate_unsigned (struct terms *terms, const struct term *a, unsigned width)
{
  const struct term *max = term__const (terms, a->width, (UINT64_C (1) << width) - 1);
  return term__ite (terms, term__ult (terms, max, a), term__ones (terms, width),
                    term__extract (terms, a, 0, width));
}

#define LANE_FUNCTION(NAME)                                                                                   \
  static const struct term *NAME (struct terms *terms, const struct term *const *arg,                        \
                                  unsigned imm __attribute__ ((unused)))
#define A (arg[0])
#define B (arg[1])
#define C (arg[2])
#define W (arg[0]->width)

LANE_FUNCTION (lane_add) { return term__add (terms, A, B); }
LANE_FUNCTION (lane_sub) { return term__sub (terms, A, B); }
LANE_FUNCTION (lane_and) { return term__and (terms, A, B); }
LANE_FUNCTION (lane_or) { return term__or (terms, A, B); }
LANE_FUNCTION (lane_xor) { return term__xor (terms, A, B); }
LANE_FUNCTION (lane_andn) { return term__and (terms, term__not (terms, A), B); }

/* Sums that saturate are taken in the 32 bits that C's int has, so that scalar code compares alike.  */
LANE_FUNCTION (lane_adds)
{
  return lane__saturate_signed (
    terms, term__add (terms, term__sext (terms, A, 32), term__sext (terms, B, 32)), W);
}
LANE_FUNCTION (lane_subs)
{
  return lane__saturate_signed (
    terms, term__sub (terms, term__sext (terms, A, 32), term__sext (terms, B, 32)), W);
}
LANE_FUNCTION (lane_addus)
{
  const struct term *sum = term__add (terms, term__zext (terms, A, 32), term__zext (terms, B, 32));
  const struct term *max = term__const (terms, 32, (1u << W) - 1);
  return term__ite (terms, term__ult (terms, max, sum), term__ones (terms, W), term__extract (terms, sum, 0, W));
}
LANE_FUNCTION (lane_subus)
{
  return term__ite (terms, term__ult (terms, A, B), term__const (terms, W, 0), term__sub (terms, A, B));
}
LANE_FUNCTION (lane_avg)
{
  unsigned wide = W + 1;
  const struct term *sum = term__add (terms, term__zext (terms, A, wide), term__zext (terms, B, wide));
  return term__extract (terms, term__add (terms, sum, term__const (terms, wide, 1)), 1, W);
}

LANE_FUNCTION (lane_mul) { return term__mul (terms, A, B); }
LANE_FUNCTION (lane_mulh)
{
  unsigned wide = 2 * W;
  return term__extract (
    terms, term__mul (terms, term__sext (terms, A, wide), term__sext (terms, B, wide)), W, W);
}
LANE_FUNCTION (lane_mulhu)
{
  unsigned wide = 2 * W;
  return term__extract (
    terms, term__mul (terms, term__zext (terms, A, wide), term__zext (terms, B, wide)), W, W);
}
LANE_FUNCTION (lane_mulhrs)
{
  const struct term *product = term__mul (terms, term__sext (terms, A, 32), term__sext (terms, B, 32));
  const struct term *high = term__extract (terms, product, 14, 18);
  return term__extract (terms, term__add (terms, high, term__const (terms, 18, 1)), 1, 16);
}
LANE_FUNCTION (lane_muludq)
{
  return term__mul (terms, term__zext (terms, term__extract (terms, A, 0, 32), 64),
                    term__zext (terms, term__extract (terms, B, 0, 32), 64));
}
LANE_FUNCTION (lane_muldq)
{
  return term__mul (terms, term__sext (terms, term__extract (terms, A, 0, 32), 64),
                    term__sext (terms, term__extract (terms, B, 0, 32), 64));
}

/* A constant is the second that is compared: the comparison keeps it then.  */
static const struct term *
extreme (struct terms *terms, const struct term *a, const struct term *b, bool is_signed, bool greater)
{
  if (term__is_const (a))
    {
      const struct term *swap = a;
      a = b;
      b = swap;
    }
  const struct term *less = is_signed ? term__slt (terms, a, b) : term__ult (terms, a, b);
  return greater ? term__ite (terms, less, b, a) : term__ite (terms, less, a, b);
}
LANE_FUNCTION (lane_mins) { return extreme (terms, A, B, true, false); }
LANE_FUNCTION (lane_maxs) { return extreme (terms, A, B, true, true); }
LANE_FUNCTION (lane_minu) { return extreme (terms, A, B, false, false); }
LANE_FUNCTION (lane_maxu) { return extreme (terms, A, B, false, true); }

LANE_FUNCTION (lane_abs)
{
  return term__ite (terms, term__slt (terms, A, term__const (terms, W, 0)), term__neg (terms, A), A);
}
LANE_FUNCTION (lane_sign)
{
  const struct term *zero = term__const (terms, W, 0);
  return term__ite (terms, term__slt (terms, B, zero), term__neg (terms, A),
                    term__ite (terms, term__eq (terms, B, zero), zero, A));
}

static const struct term *
spread (struct terms *terms, const struct term *condition, unsigned width)
{
  return term__ite (terms, condition, term__ones (terms, width), term__const (terms, width, 0));
}
LANE_FUNCTION (lane_cmpeq) { return spread (terms, term__eq (terms, A, B), W); }
LANE_FUNCTION (lane_cmpgt) { return spread (terms, term__slt (terms, B, A), W); }

/* Shifts by the immediate; of every lane by its own count.  */
LANE_FUNCTION (lane_sll) { return imm >= W ? term__const (terms, W, 0) : term__shl_by (terms, A, imm); }
LANE_FUNCTION (lane_srl) { return imm >= W ? term__const (terms, W, 0) : term__lshr_by (terms, A, imm); }
LANE_FUNCTION (lane_sra) { return term__ashr_by (terms, A, imm >= W ? W - 1u : imm); }
LANE_FUNCTION (lane_sllv) { return term__shl (terms, A, B); }
LANE_FUNCTION (lane_srlv) { return term__lshr (terms, A, B); }
LANE_FUNCTION (lane_srav) { return term__ashr (terms, A, B); }
LANE_FUNCTION (lane_rol) { return term__rol (terms, A, term__const (terms, W, imm % W)); }
LANE_FUNCTION (lane_ror) { return term__ror (terms, A, term__const (terms, W, imm % W)); }
LANE_FUNCTION (lane_rolv) { return term__rol (terms, A, B); }
LANE_FUNCTION (lane_rorv) { return term__ror (terms, A, B); }

LANE_FUNCTION (lane_shld)
{
  return term__extract (terms, term__concat (terms, A, B), W - imm % W, W);
}
LANE_FUNCTION (lane_shrd) { return term__extract (terms, term__concat (terms, B, A), imm % W, W); }

/* The count of vpshldv, vpshrdv, in twice the lane's width.  */
static const struct term *
double__count (struct terms *terms, const struct term *count)
{
  unsigned width = count->width;
  return term__zext (
    terms, term__and (terms, count, term__const (terms, width, width - 1)), 2 * width);
}
LANE_FUNCTION (lane_shldv)
{
  return term__extract (
    terms, term__shl (terms, term__concat (terms, A, B), double__count (terms, C)), W, W);
}
LANE_FUNCTION (lane_shrdv)
{
  return term__extract (
    terms, term__lshr (terms, term__concat (terms, B, A), double__count (terms, C)), 0, W);
}

LANE_FUNCTION (lane_popcnt) { return term__popcount (terms, A); }
LANE_FUNCTION (lane_lzcnt) { return term__clz (terms, A); }

static const struct term *
product52 (struct terms *terms, const struct term *const *arg)
{
  return term__mul (terms, term__zext (terms, term__extract (terms, B, 0, 52), 104),
                    term__zext (terms, term__extract (terms, C, 0, 52), 104));
}
LANE_FUNCTION (lane_madd52lo)
{
  return term__add (
    terms, A, term__zext (terms, term__extract (terms, product52 (terms, arg), 0, 52), 64));
}
LANE_FUNCTION (lane_madd52hi)
{
  return term__add (
    terms, A, term__zext (terms, term__extract (terms, product52 (terms, arg), 52, 52), 64));
}

/* Eight bytes, each from the bit that its control byte says on, around the end.  */
LANE_FUNCTION (lane_multishift)
{
  const struct term *part[8];
  for (unsigned i = 0; i < 8; i++)
    {
      const struct term *from = term__zext (terms, term__extract (terms, A, 8 * i, 6), 64);
      part[i] = term__extract (terms, term__ror (terms, B, from), 0, 8);
    }
  return term__join (terms, part, 8);
}

/* The function of two bits with truth table TABLE (bit 2 * B + C).  */
static const struct term *
logic2 (struct terms *terms, unsigned table, const struct term *b, const struct term *c)
{
  switch (table & 15)
    {
    case 0x0: return term__const (terms, b->width, 0);
    case 0x1: return term__not (terms, term__or (terms, b, c));
    case 0x2: return term__and (terms, term__not (terms, b), c);
    case 0x3: return term__not (terms, b);
    case 0x4: return term__and (terms, b, term__not (terms, c));
    case 0x5: return term__not (terms, c);
    case 0x6: return term__xor (terms, b, c);
    case 0x7: return term__not (terms, term__and (terms, b, c));
    case 0x8: return term__and (terms, b, c);
    case 0x9: return term__not (terms, term__xor (terms, b, c));
    case 0xa: return c;
    case 0xb: return term__or (terms, term__not (terms, b), c);
    case 0xc: return b;
    case 0xd: return term__or (terms, b, term__not (terms, c));
    case 0xe: return term__or (terms, b, c);
    default: return term__ones (terms, b->width);
    }
}

/* How many operations it takes beyond the two functions of the other two variables: TABLE0 where the pivot is 0.  */
static unsigned
pivot__cost (unsigned table0, unsigned table1)
{
  return table0 == table1                                            ? 0
         : table0 == (table1 ^ 15)                                   ? 1
         : table0 == 0 || table1 == 0 || table0 == 15 || table1 == 15 ? 2
                                                                     : 3;
}

/* vpternlog: the variable that splits the table most simply decides between functions of the other two.  */
LANE_FUNCTION (lane_ternlog)
{
  unsigned best = 0, table[3][2] = { { 0 } };
  for (unsigned pivot = 0; pivot < 3; pivot++)
    for (unsigned i = 0; i < 8; i++)
      {
        unsigned bit[3] = { i >> 2 & 1, i >> 1 & 1, i & 1 };
        unsigned at = 2 * bit[pivot == 0 ? 1 : 0] + bit[pivot == 2 ? 1 : 2];
        table[pivot][bit[pivot]] |= (imm >> i & 1) << at;
      }
  for (unsigned pivot = 1; pivot < 3; pivot++)
    if (pivot__cost (table[pivot][0], table[pivot][1]) < pivot__cost (table[best][0], table[best][1]))
      best = pivot;
  const struct term *p = arg[best];
  const struct term *b = arg[best == 0 ? 1 : 0], *c = arg[best == 2 ? 1 : 2];
  unsigned table0 = table[best][0], table1 = table[best][1];
  const struct term *zero = logic2 (terms, table0, b, c), *one = logic2 (terms, table1, b, c);
  if (table0 == table1)
    return zero;
  if (table0 == (table1 ^ 15))
    return term__xor (terms, p, zero);
  if (table0 == 0)
    return term__and (terms, p, one);
  if (table1 == 0)
    return term__and (terms, term__not (terms, p), zero);
  if (table1 == 15)
    return term__or (terms, p, zero);
  if (table0 == 15)
    return term__or (terms, term__not (terms, p), one);
  return term__or (terms, term__and (terms, p, one), term__and (terms, term__not (terms, p), zero));
}

#undef A
#undef B
#undef C
#undef W

/* LANE: bits of a lane of the function; MASK: bits a mask bit stands for (0: LANE).  WHOLE: bit by bit, so that an
   unmasked form is one operation on the whole vector.  The other shape (vector shifts by one count) is COUNT.  */
enum shape { SHAPE_NONE, SHAPE_LANES, SHAPE_WHOLE, SHAPE_SHIFT };
struct lane_row
{
  lane_function *function, *by_count;
  uint8_t shape, arity, lane, mask;
};

#define LANES(MNEMONIC, FUNCTION, ARITY, LANE)                                                                \
  [ZYDIS_MNEMONIC_##MNEMONIC] = { FUNCTION, NULL, SHAPE_LANES, ARITY, LANE, LANE },                           \
  [ZYDIS_MNEMONIC_V##MNEMONIC] = { FUNCTION, NULL, SHAPE_LANES, ARITY, LANE, LANE }
#define LANES_V(MNEMONIC, FUNCTION, ARITY, LANE)                                                              \
  [ZYDIS_MNEMONIC_##MNEMONIC] = { FUNCTION, NULL, SHAPE_LANES, ARITY, LANE, LANE }
#define WHOLE_V(MNEMONIC, FUNCTION, ARITY, LANE)                                                              \
  [ZYDIS_MNEMONIC_##MNEMONIC] = { FUNCTION, NULL, SHAPE_WHOLE, ARITY, LANE, LANE }
#define WHOLE(MNEMONIC, FUNCTION, ARITY, LANE)                                                                \
  WHOLE_V (MNEMONIC, FUNCTION, ARITY, LANE), WHOLE_V (V##MNEMONIC, FUNCTION, ARITY, LANE)
/* By the immediate, or by the low 64 bits of a vector.  */
#define SHIFT_V(MNEMONIC, FUNCTION, BY_COUNT, LANE)                                                           \
  [ZYDIS_MNEMONIC_##MNEMONIC] = { FUNCTION, BY_COUNT, SHAPE_SHIFT, 1, LANE, LANE }
#define SHIFT(MNEMONIC, FUNCTION, BY_COUNT, LANE)                                                             \
  SHIFT_V (MNEMONIC, FUNCTION, BY_COUNT, LANE), SHIFT_V (V##MNEMONIC, FUNCTION, BY_COUNT, LANE)

static const struct lane_row lane_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  LANES (PADDB, lane_add, 2, 8), LANES (PADDW, lane_add, 2, 16),
  LANES (PADDD, lane_add, 2, 32), LANES (PADDQ, lane_add, 2, 64),
  LANES (PSUBB, lane_sub, 2, 8), LANES (PSUBW, lane_sub, 2, 16),
  LANES (PSUBD, lane_sub, 2, 32), LANES (PSUBQ, lane_sub, 2, 64),
  LANES (PADDSB, lane_adds, 2, 8), LANES (PADDSW, lane_adds, 2, 16),
  LANES (PADDUSB, lane_addus, 2, 8), LANES (PADDUSW, lane_addus, 2, 16),
  LANES (PSUBSB, lane_subs, 2, 8), LANES (PSUBSW, lane_subs, 2, 16),
  LANES (PSUBUSB, lane_subus, 2, 8), LANES (PSUBUSW, lane_subus, 2, 16),
  LANES (PAVGB, lane_avg, 2, 8), LANES (PAVGW, lane_avg, 2, 16),
  LANES (PMULLW, lane_mul, 2, 16), LANES (PMULLD, lane_mul, 2, 32), LANES_V (VPMULLQ, lane_mul, 2, 64),
  LANES (PMULHW, lane_mulh, 2, 16), LANES (PMULHUW, lane_mulhu, 2, 16), LANES (PMULHRSW, lane_mulhrs, 2, 16),
  LANES (PMULUDQ, lane_muludq, 2, 64), LANES (PMULDQ, lane_muldq, 2, 64),
  LANES (PMINSB, lane_mins, 2, 8), LANES (PMINSW, lane_mins, 2, 16),
  LANES (PMINSD, lane_mins, 2, 32), LANES_V (VPMINSQ, lane_mins, 2, 64),
  LANES (PMAXSB, lane_maxs, 2, 8), LANES (PMAXSW, lane_maxs, 2, 16),
  LANES (PMAXSD, lane_maxs, 2, 32), LANES_V (VPMAXSQ, lane_maxs, 2, 64),
  LANES (PMINUB, lane_minu, 2, 8), LANES (PMINUW, lane_minu, 2, 16),
  LANES (PMINUD, lane_minu, 2, 32), LANES_V (VPMINUQ, lane_minu, 2, 64),
  LANES (PMAXUB, lane_maxu, 2, 8), LANES (PMAXUW, lane_maxu, 2, 16),
  LANES (PMAXUD, lane_maxu, 2, 32), LANES_V (VPMAXUQ, lane_maxu, 2, 64),
  LANES (PABSB, lane_abs, 1, 8), LANES (PABSW, lane_abs, 1, 16),
  LANES (PABSD, lane_abs, 1, 32), LANES_V (VPABSQ, lane_abs, 1, 64),
  LANES (PSIGNB, lane_sign, 2, 8), LANES (PSIGNW, lane_sign, 2, 16), LANES (PSIGND, lane_sign, 2, 32),
  /* EVEX forms of these write masks: vector-compare.c.  */
  LANES (PCMPEQB, lane_cmpeq, 2, 8), LANES (PCMPEQW, lane_cmpeq, 2, 16),
  LANES (PCMPEQD, lane_cmpeq, 2, 32), LANES (PCMPEQQ, lane_cmpeq, 2, 64),
  LANES (PCMPGTB, lane_cmpgt, 2, 8), LANES (PCMPGTW, lane_cmpgt, 2, 16),
  LANES (PCMPGTD, lane_cmpgt, 2, 32), LANES (PCMPGTQ, lane_cmpgt, 2, 64),

  WHOLE (PAND, lane_and, 2, 64), WHOLE_V (VPANDD, lane_and, 2, 32), WHOLE_V (VPANDQ, lane_and, 2, 64),
  WHOLE (POR, lane_or, 2, 64), WHOLE_V (VPORD, lane_or, 2, 32), WHOLE_V (VPORQ, lane_or, 2, 64),
  WHOLE (PXOR, lane_xor, 2, 64), WHOLE_V (VPXORD, lane_xor, 2, 32), WHOLE_V (VPXORQ, lane_xor, 2, 64),
  WHOLE (PANDN, lane_andn, 2, 64), WHOLE_V (VPANDND, lane_andn, 2, 32), WHOLE_V (VPANDNQ, lane_andn, 2, 64),
  WHOLE (ANDPS, lane_and, 2, 32), WHOLE (ANDPD, lane_and, 2, 64),
  WHOLE (ORPS, lane_or, 2, 32), WHOLE (ORPD, lane_or, 2, 64),
  WHOLE (XORPS, lane_xor, 2, 32), WHOLE (XORPD, lane_xor, 2, 64),
  WHOLE (ANDNPS, lane_andn, 2, 32), WHOLE (ANDNPD, lane_andn, 2, 64),
  WHOLE_V (VPTERNLOGD, lane_ternlog, 3, 32), WHOLE_V (VPTERNLOGQ, lane_ternlog, 3, 64),

  SHIFT (PSLLW, lane_sll, lane_sllv, 16), SHIFT (PSLLD, lane_sll, lane_sllv, 32), SHIFT (PSLLQ, lane_sll, lane_sllv, 64),
  SHIFT (PSRLW, lane_srl, lane_srlv, 16), SHIFT (PSRLD, lane_srl, lane_srlv, 32), SHIFT (PSRLQ, lane_srl, lane_srlv, 64),
  SHIFT (PSRAW, lane_sra, lane_srav, 16), SHIFT (PSRAD, lane_sra, lane_srav, 32), SHIFT_V (VPSRAQ, lane_sra, lane_srav, 64),
  LANES_V (VPSLLVW, lane_sllv, 2, 16), LANES_V (VPSLLVD, lane_sllv, 2, 32), LANES_V (VPSLLVQ, lane_sllv, 2, 64),
  LANES_V (VPSRLVW, lane_srlv, 2, 16), LANES_V (VPSRLVD, lane_srlv, 2, 32), LANES_V (VPSRLVQ, lane_srlv, 2, 64),
  LANES_V (VPSRAVW, lane_srav, 2, 16), LANES_V (VPSRAVD, lane_srav, 2, 32), LANES_V (VPSRAVQ, lane_srav, 2, 64),
  LANES_V (VPROLD, lane_rol, 1, 32), LANES_V (VPROLQ, lane_rol, 1, 64),
  LANES_V (VPRORD, lane_ror, 1, 32), LANES_V (VPRORQ, lane_ror, 1, 64),
  LANES_V (VPROLVD, lane_rolv, 2, 32), LANES_V (VPROLVQ, lane_rolv, 2, 64),
  LANES_V (VPRORVD, lane_rorv, 2, 32), LANES_V (VPRORVQ, lane_rorv, 2, 64),
  LANES_V (VPSHLDW, lane_shld, 2, 16), LANES_V (VPSHLDD, lane_shld, 2, 32), LANES_V (VPSHLDQ, lane_shld, 2, 64),
  LANES_V (VPSHRDW, lane_shrd, 2, 16), LANES_V (VPSHRDD, lane_shrd, 2, 32), LANES_V (VPSHRDQ, lane_shrd, 2, 64),
  LANES_V (VPSHLDVW, lane_shldv, 3, 16), LANES_V (VPSHLDVD, lane_shldv, 3, 32), LANES_V (VPSHLDVQ, lane_shldv, 3, 64),
  LANES_V (VPSHRDVW, lane_shrdv, 3, 16), LANES_V (VPSHRDVD, lane_shrdv, 3, 32), LANES_V (VPSHRDVQ, lane_shrdv, 3, 64),

  LANES_V (VPOPCNTB, lane_popcnt, 1, 8), LANES_V (VPOPCNTW, lane_popcnt, 1, 16),
  LANES_V (VPOPCNTD, lane_popcnt, 1, 32), LANES_V (VPOPCNTQ, lane_popcnt, 1, 64),
  LANES_V (VPLZCNTD, lane_lzcnt, 1, 32), LANES_V (VPLZCNTQ, lane_lzcnt, 1, 64),
  LANES_V (VPMADD52LUQ, lane_madd52lo, 3, 64), LANES_V (VPMADD52HUQ, lane_madd52hi, 3, 64),
  [ZYDIS_MNEMONIC_VPMULTISHIFTQB] = { lane_multishift, NULL, SHAPE_LANES, 2, 64, 8 },
};

/* Sources I of ROW's arity, from where they are among the operands.  */
static int
sources__read (struct vec *vec, const struct lane_row *row, const struct term **source)
{
  unsigned first = vec->n == row->arity ? 0 : 1;
  if (vec->n != first + row->arity)
    return run__unmodelled (vec->run, "number of operands");
  for (unsigned i = 0; i < row->arity; i++)
    {
      source[i] = vec__source (vec, first + i, vec->bits, row->lane == row->mask ? row->lane : 0);
      if (source[i] == NULL)
        return -1;
    }
  return 0;
}

static const struct term *
lanes__map (struct vec *vec, lane_function *function, const struct term *const *source, unsigned arity, unsigned lane)
{
  const struct term *part[VEC_LANES_MAX];
  for (unsigned i = 0; i < vec->bits / lane; i++)
    {
      const struct term *arg[3];
      for (unsigned j = 0; j < arity; j++)
        arg[j] = vec__lane (vec, source[j], i, lane);
      part[i] = function (vec->terms, arg, vec->imm);
    }
  return term__join (vec->terms, part, vec->bits / lane);
}

/* The low 64 bits of a vector as a count for lanes of LANE bits: too large stays too large.  */
static const struct term *
count__narrow (struct vec *vec, const struct term *count, unsigned lane)
{
  if (lane == 64)
    return count;
  const struct term *limit = term__const (vec->terms, 64, lane);
  return term__ite (vec->terms, term__ult (vec->terms, count, limit), term__extract (vec->terms, count, 0, lane),
                    term__const (vec->terms, lane, lane));
}

static int
lanes__apply (struct run *run)
{
  const struct lane_row *row = &lane_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *source[3], *value;
  if (row->shape == SHAPE_SHIFT && !vec.has_imm)
    {
      /* dst, a, count or a = dst, count; the count is always 128 bits wide.  */
      if (vec.n < 2 || vec.n > 3)
        return run__unmodelled (run, "number of operands");
      source[0] = vec__source (&vec, vec.n - 2, vec.bits, row->lane);
      source[1] = source[0] ? vec__source (&vec, vec.n - 1, 128, 0) : NULL;
      if (source[1] == NULL)
        return -1;
      const struct term *count = count__narrow (&vec, term__extract (vec.terms, source[1], 0, 64), row->lane);
      const struct term *part[VEC_LANES_MAX];
      for (unsigned i = 0; i < vec.bits / row->lane; i++)
        {
          const struct term *arg[2] = { vec__lane (&vec, source[0], i, row->lane), count };
          part[i] = row->by_count (vec.terms, arg, 0);
        }
      value = term__join (vec.terms, part, vec.bits / row->lane);
    }
  else
    {
      if (sources__read (&vec, row, source) < 0)
        return -1;
      if (row->shape == SHAPE_WHOLE)
        value = row->function (vec.terms, source, vec.imm);
      else
        value = lanes__map (&vec, row->function, source, row->arity, row->lane);
    }
  return vec__write (&vec, value, row->mask);
}

vector_apply *
lane__find (const struct meaning *meaning)
{
  if (lane_rows[meaning->insn.mnemonic].shape == SHAPE_NONE || meaning->insn.operand_count_visible < 2)
    return NULL;
  /* Comparisons to masks are not lanes.  */
  if (mask__number (meaning->operand[0].reg.value) >= 0)
    return NULL;
  return meaning->operand[0].type == ZYDIS_OPERAND_TYPE_REGISTER && vec__number (meaning->operand[0].reg.value) >= 0
           ? lanes__apply
           : NULL;
}
