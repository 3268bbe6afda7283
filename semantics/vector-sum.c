/* Sums of products and of neighbours: multiply-add, dot products, sums of absolute differences, horizontal additions,
   conflicts between lanes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

enum sum_kind
{
  SUM_NONE,
  SUM_MADDWD,
  SUM_MADDUBSW,
  SUM_DPBUSD, SUM_DPBUSDS, SUM_DPWSSD, SUM_DPWSSDS,
  SUM_SAD,
  SUM_MPSAD,    /* mpsadbw */
  SUM_DBPSAD,   /* vdbpsadbw */
  SUM_HADD, SUM_HSUB, SUM_HADDS, SUM_HSUBS,
  SUM_MINPOS,
  SUM_CONFLICT
};

struct sum_row
{
  uint8_t kind, lane;
};

#define ROW(MNEMONIC, KIND, LANE) [ZYDIS_MNEMONIC_##MNEMONIC] = { SUM_##KIND, LANE }
#define ROWS(MNEMONIC, KIND, LANE) ROW (MNEMONIC, KIND, LANE), ROW (V##MNEMONIC, KIND, LANE)

static const struct sum_row sum_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  ROWS (PMADDWD, MADDWD, 32), ROWS (PMADDUBSW, MADDUBSW, 16),
  ROW (VPDPBUSD, DPBUSD, 32), ROW (VPDPBUSDS, DPBUSDS, 32), ROW (VPDPWSSD, DPWSSD, 32), ROW (VPDPWSSDS, DPWSSDS, 32),
  ROWS (PSADBW, SAD, 64), ROWS (MPSADBW, MPSAD, 16), ROW (VDBPSADBW, DBPSAD, 16),
  ROWS (PHADDW, HADD, 16), ROWS (PHADDD, HADD, 32), ROWS (PHSUBW, HSUB, 16), ROWS (PHSUBD, HSUB, 32),
  ROWS (PHADDSW, HADDS, 16), ROWS (PHSUBSW, HSUBS, 16),
  ROWS (PHMINPOSUW, MINPOS, 16),
  ROW (VPCONFLICTD, CONFLICT, 32), ROW (VPCONFLICTQ, CONFLICT, 64),
};

/* A's part I of BITS, extended to WIDTH.  */
static const struct term *
part__sext (struct vec *vec, const struct term *a, unsigned i, unsigned bits, unsigned width)
{
  return term__sext (vec->terms, vec__lane (vec, a, i, bits), width);
}

static const struct term *
part__zext (struct vec *vec, const struct term *a, unsigned i, unsigned bits, unsigned width)
{
  return term__zext (vec->terms, vec__lane (vec, a, i, bits), width);
}

/* The sum of N products of the parts of A and B from FIRST on, WIDTH bits wide; A's are signed where A_SIGNED, B's
   always.  */
static const struct term *
products__sum (struct vec *vec, const struct term *a, const struct term *b, unsigned first, unsigned n, unsigned bits,
               unsigned width, bool a_signed)
{
  const struct term *sum = vec__zero (vec, width);
  for (unsigned i = first; i < first + n; i++)
    sum = term__add (
      vec->terms, sum,
      term__mul (vec->terms,
                 a_signed ? part__sext (vec, a, i, bits, width) : part__zext (vec, a, i, bits, width),
                 part__sext (vec, b, i, bits, width)));
  return sum;
}

/* |a - b| of unsigned bytes, WIDTH bits wide.  */
static const struct term *
byte__distance (struct vec *vec, const struct term *a, unsigned i, const struct term *b, unsigned j, unsigned width)
{
  const struct term *x = vec__lane (vec, a, i, 8), *y = vec__lane (vec, b, j, 8);
  const struct term *wide_x = term__zext (vec->terms, x, width), *wide_y = term__zext (vec->terms, y, width);
  return term__ite (vec->terms, term__ult (vec->terms, x, y), term__sub (vec->terms, wide_y, wide_x),
                    term__sub (vec->terms, wide_x, wide_y));
}

/* The sum of four distances of A from byte I, B from byte J on.  */
static const struct term *
quad__distance (struct vec *vec, const struct term *a, unsigned i, const struct term *b, unsigned j)
{
  const struct term *sum = vec__zero (vec, 16);
  for (unsigned k = 0; k < 4; k++)
    sum = term__add (vec->terms, sum, byte__distance (vec, a, i + k, b, j + k, 16));
  return sum;
}

/* vpshufd on B, then sums of sliding quads against A's fixed ones.  */
static const struct term *
lane__dbpsad (struct vec *vec, const struct term *a, const struct term *b, unsigned i)
{
  const struct term *part[4];
  unsigned block = i / 8;
  for (unsigned k = 0; k < 4; k++)
    part[k] = vec__lane (vec, b, 4 * block + (vec->imm >> 2 * k & 3), 32);
  const struct term *shuffled = term__join (vec->terms, part, 4);
  unsigned at = i % 8;
  /* Of four words: A's quad 0, 0, 1, 1 against B's bytes from 0, 1, 2, 3 on; the next eight bytes likewise.  */
  return quad__distance (vec, a, 16 * block + at / 4 * 8 + (at % 4 / 2) * 4, shuffled, at / 4 * 8 + at % 4);
}

static const struct term *
lane__mpsad (struct vec *vec, const struct term *a, const struct term *b, unsigned i)
{
  unsigned block = i / 8, at = i % 8, imm = vec->imm >> 3 * block;
  return quad__distance (vec, a, 16 * block + (imm >> 2 & 1) * 4 + at, b, 16 * block + (imm & 3) * 4);
}

static const struct term *
lane__sad (struct vec *vec, const struct term *a, const struct term *b, unsigned i)
{
  const struct term *sum = vec__zero (vec, 64);
  for (unsigned k = 8 * i; k < 8 * i + 8; k++)
    sum = term__add (vec->terms, sum, byte__distance (vec, a, k, b, k, 64));
  /* A sum of bytes is seen to be small; distances aren't.  */
  if (term__is_value (vec__lane (vec, a, i, 64), 0) || term__is_value (vec__lane (vec, b, i, 64), 0))
    return sum;
  return term__zext (vec->terms, term__extract (vec->terms, sum, 0, 32), 64);
}

/* Neighbours of A in the lower half of each 128-bit block, of B in the upper.  */
static const struct term *
lane__horizontal (struct vec *vec, const struct sum_row *row, const struct term *a, const struct term *b, unsigned i)
{
  struct terms *terms = vec->terms;
  unsigned in_block = 128 / row->lane, at = i % in_block, half = in_block / 2;
  const struct term *from = at < half ? a : b;
  unsigned first = i / in_block * in_block + 2 * (at % half);
  const struct term *x = vec__lane (vec, from, first, row->lane), *y = vec__lane (vec, from, first + 1, row->lane);
  switch (row->kind)
    {
    case SUM_HADD:
      return term__add (terms, x, y);
    case SUM_HSUB:
      return term__sub (terms, x, y);
    case SUM_HADDS:
      return lane__saturate_signed (terms, term__add (terms, term__sext (terms, x, 32), term__sext (terms, y, 32)), 16);
    default:
      return lane__saturate_signed (terms, term__sub (terms, term__sext (terms, x, 32), term__sext (terms, y, 32)), 16);
    }
}

/* Of four bytes or two words of A and B, added to the destination's lane.  */
static const struct term *
lane__dot (struct vec *vec, const struct sum_row *row, const struct term *to, const struct term *a,
           const struct term *b, unsigned i)
{
  bool bytes = row->kind == SUM_DPBUSD || row->kind == SUM_DPBUSDS;
  bool saturates = row->kind == SUM_DPBUSDS || row->kind == SUM_DPWSSDS;
  unsigned width = saturates ? 64 : 32, n = bytes ? 4 : 2;
  const struct term *sum = products__sum (vec, a, b, n * i, n, bytes ? 8 : 16, width, !bytes);
  sum = term__add (vec->terms, part__sext (vec, to, i, 32, width), sum);
  return saturates ? lane__saturate_signed (vec->terms, sum, 32) : sum;
}

static int
sum__apply (struct run *run)
{
  const struct sum_row *row = &sum_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  bool dot = row->kind >= SUM_DPBUSD && row->kind <= SUM_DPWSSDS;
  const struct term *b = vec__source (&vec, vec.n - 1, vec.bits, dot ? 32 : 0);
  const struct term *a = b ? vec__source (&vec, vec.n - 2, vec.bits, 0) : NULL;
  const struct term *to = a ? vec__source (&vec, 0, vec.bits, 0) : NULL;
  if (to == NULL)
    return -1;
  const struct term *part[VEC_LANES_MAX];
  unsigned lanes = vec.bits / row->lane;
  for (unsigned i = 0; i < lanes; i++)
    switch (row->kind)
      {
      case SUM_MADDWD:
        part[i] = products__sum (&vec, a, b, 2 * i, 2, 16, 32, true);
        break;
      case SUM_MADDUBSW:
        part[i] = lane__saturate_signed (vec.terms, products__sum (&vec, a, b, 2 * i, 2, 8, 32, false), 16);
        break;
      case SUM_SAD:
        part[i] = lane__sad (&vec, a, b, i);
        break;
      case SUM_MPSAD:
        part[i] = lane__mpsad (&vec, a, b, i);
        break;
      case SUM_DBPSAD:
        part[i] = lane__dbpsad (&vec, a, b, i);
        break;
      case SUM_HADD:
      case SUM_HSUB:
      case SUM_HADDS:
      case SUM_HSUBS:
        part[i] = lane__horizontal (&vec, row, a, b, i);
        break;
      default:
        part[i] = lane__dot (&vec, row, to, a, b, i);
        break;
      }
  return vec__write (&vec, term__join (vec.terms, part, lanes), row->lane);
}

/* The smallest of eight unsigned words, the first of them, and where it is.  */
static int
minpos__apply (struct run *run)
{
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = vec__source (&vec, 1, 128, 0);
  if (a == NULL)
    return -1;
  const struct term *least = vec__lane (&vec, a, 0, 16), *at = vec__zero (&vec, 16);
  for (unsigned i = 1; i < 8; i++)
    {
      const struct term *lane = vec__lane (&vec, a, i, 16), *less = term__ult (terms, lane, least);
      least = term__ite (terms, less, lane, least);
      at = term__ite (terms, less, term__const (terms, 16, i), at);
    }
  return vec__write (&vec, term__zext (terms, term__concat (terms, at, least), 128), 0);
}

/* Bit J of lane I: lanes I and J, J below I, are equal.  */
static int
conflict__apply (struct run *run)
{
  unsigned lane = sum_rows[run->meaning->insn.mnemonic].lane;
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = vec__source (&vec, 1, vec.bits, lane), *part[VEC_LANES_MAX], *bit[16];
  if (a == NULL)
    return -1;
  unsigned lanes = vec.bits / lane;
  part[0] = vec__zero (&vec, lane);
  for (unsigned i = 1; i < lanes; i++)
    {
      for (unsigned j = 0; j < i; j++)
        bit[j] = term__eq (terms, vec__lane (&vec, a, i, lane), vec__lane (&vec, a, j, lane));
      part[i] = term__zext (terms, term__join (terms, bit, i), lane);
    }
  return vec__write (&vec, term__join (terms, part, lanes), lane);
}

vector_apply *
vector_sum__find (const struct meaning *meaning)
{
  switch (sum_rows[meaning->insn.mnemonic].kind)
    {
    case SUM_NONE:
      return NULL;
    case SUM_MINPOS:
      return minpos__apply;
    case SUM_CONFLICT:
      return conflict__apply;
    default:
      return sum__apply;
    }
}
