/* Shuffles that a vector or a mask decides: permutations by index, variable blends, compression and expansion.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

enum permute_kind
{
  PERMUTE_NONE,
  PERMUTE_SHUFB,   /* a, index; in 128 bits, top bit makes zero */
  PERMUTE_IN_LANE, /* vpermilps, vpermilpd */
  PERMUTE_FULL,    /* index, a */
  PERMUTE_I2,      /* the destination is the index */
  PERMUTE_T2,      /* the destination is the first table */
  PERMUTE_BLENDV,  /* by the top bits of a vector */
  PERMUTE_BLENDM,  /* by the mask */
  PERMUTE_COMPRESS,
  PERMUTE_EXPAND
};

struct permute_row
{
  uint8_t kind, lane;
};

#define ROW(MNEMONIC, KIND, LANE) [ZYDIS_MNEMONIC_##MNEMONIC] = { PERMUTE_##KIND, LANE }
#define ROWS(MNEMONIC, KIND, LANE) ROW (MNEMONIC, KIND, LANE), ROW (V##MNEMONIC, KIND, LANE)

static const struct permute_row permute_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  ROWS (PSHUFB, SHUFB, 8),
  ROW (VPERMILPS, IN_LANE, 32), ROW (VPERMILPD, IN_LANE, 64),
  ROW (VPERMB, FULL, 8), ROW (VPERMW, FULL, 16), ROW (VPERMD, FULL, 32), ROW (VPERMPS, FULL, 32),
  ROW (VPERMQ, FULL, 64), ROW (VPERMPD, FULL, 64),
  ROW (VPERMI2B, I2, 8), ROW (VPERMI2W, I2, 16), ROW (VPERMI2D, I2, 32), ROW (VPERMI2PS, I2, 32),
  ROW (VPERMI2Q, I2, 64), ROW (VPERMI2PD, I2, 64),
  ROW (VPERMT2B, T2, 8), ROW (VPERMT2W, T2, 16), ROW (VPERMT2D, T2, 32), ROW (VPERMT2PS, T2, 32),
  ROW (VPERMT2Q, T2, 64), ROW (VPERMT2PD, T2, 64),
  ROWS (PBLENDVB, BLENDV, 8), ROWS (BLENDVPS, BLENDV, 32), ROWS (BLENDVPD, BLENDV, 64),
  ROW (VPBLENDMB, BLENDM, 8), ROW (VPBLENDMW, BLENDM, 16), ROW (VPBLENDMD, BLENDM, 32),
  ROW (VPBLENDMQ, BLENDM, 64), ROW (VBLENDMPS, BLENDM, 32), ROW (VBLENDMPD, BLENDM, 64),
  ROW (VPCOMPRESSB, COMPRESS, 8), ROW (VPCOMPRESSW, COMPRESS, 16), ROW (VPCOMPRESSD, COMPRESS, 32),
  ROW (VPCOMPRESSQ, COMPRESS, 64), ROW (VCOMPRESSPS, COMPRESS, 32), ROW (VCOMPRESSPD, COMPRESS, 64),
  ROW (VPEXPANDB, EXPAND, 8), ROW (VPEXPANDW, EXPAND, 16), ROW (VPEXPANDD, EXPAND, 32),
  ROW (VPEXPANDQ, EXPAND, 64), ROW (VEXPANDPS, EXPAND, 32), ROW (VEXPANDPD, EXPAND, 64),
};

/* TABLE[INDEX], N elements (a power of two); INDEX has the bits for just that.  */
static const struct term *
table__select (struct terms *terms, const struct term *const *table, unsigned n, const struct term *index)
{
  const struct term *level[2 * VEC_LANES_MAX];
  for (unsigned i = 0; i < n; i++)
    level[i] = table[i];
  for (unsigned bit = 0; n > 1; bit++, n /= 2)
    {
      const struct term *odd = term__extract (terms, index, bit, 1);
      for (unsigned i = 0; i < n / 2; i++)
        level[i] = term__ite (terms, odd, level[2 * i + 1], level[2 * i]);
    }
  return level[0];
}

/* Element INDEX of N from A[FIRST] on.  A constant index takes just that.  */
static const struct term *
lanes__select (struct vec *vec, const struct term *a, unsigned lane, unsigned first, unsigned n,
               const struct term *index)
{
  if (term__is_const (index))
    return vec__lane (vec, a, first + term__value (index), lane);
  const struct term *table[2 * VEC_LANES_MAX];
  for (unsigned i = 0; i < n; i++)
    table[i] = vec__lane (vec, a, first + i, lane);
  return table__select (vec->terms, table, n, index);
}

static int
permute__apply (struct run *run)
{
  const struct permute_row *row = &permute_rows[run->meaning->insn.mnemonic];
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  unsigned lane = row->lane, n = vec.bits / lane, log = __builtin_ctz (n);
  const struct term *last = vec__source (&vec, vec.n - 1, vec.bits, lane);
  const struct term *before = last ? vec__source (&vec, vec.n - 2, vec.bits, 0) : NULL;
  const struct term *to = before ? vec__source (&vec, 0, vec.bits, 0) : NULL;
  if (to == NULL)
    return -1;
  const struct term *part[VEC_LANES_MAX];
  for (unsigned i = 0; i < n; i++)
    {
      const struct term *index;
      switch (row->kind)
        {
        case PERMUTE_SHUFB:
          index = vec__lane (&vec, last, i, 8);
          part[i] = term__ite (terms, term__extract (terms, index, 7, 1), vec__zero (&vec, 8),
                               lanes__select (&vec, before, 8, i / 16 * 16, 16, term__extract (terms, index, 0, 4)));
          break;
        case PERMUTE_IN_LANE:
          index = lane == 32 ? term__extract (terms, last, 32 * i, 2) : term__extract (terms, last, 64 * i + 1, 1);
          part[i] = lanes__select (&vec, before, lane, i / (128 / lane) * (128 / lane), 128 / lane, index);
          break;
        case PERMUTE_FULL:
          index = term__extract (terms, before, i * lane, log);
          part[i] = lanes__select (&vec, last, lane, 0, n, index);
          break;
        default:
          {
            /* Two tables: LAST is the upper one.  */
            bool t2 = row->kind == PERMUTE_T2;
            index = term__extract (terms, t2 ? before : to, i * lane, log + 1);
            const struct term *table = term__concat (terms, last, t2 ? to : before);
            part[i] = lanes__select (&vec, table, lane, 0, 2 * n, index);
            break;
          }
        }
    }
  return vec__write (&vec, term__join (terms, part, n), lane);
}

/* dst, a, b, mask; legacy: dst and a are one, the mask is xmm0.  */
static int
blend_vector__apply (struct run *run)
{
  const struct permute_row *row = &permute_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a, *b, *mask, *part[VEC_LANES_MAX];
  if (vec.legacy)
    {
      a = vec__source (&vec, 0, 128, 0);
      b = a ? vec__source (&vec, 1, 128, 0) : NULL;
      mask = term__extract (vec.terms, run->cpu->vec[0], 0, 128);
    }
  else
    {
      if (vec.n != 4)
        return run__unmodelled (run, "number of operands");
      a = vec__source (&vec, 1, vec.bits, 0);
      b = a ? vec__source (&vec, 2, vec.bits, 0) : NULL;
      mask = b ? vec__source (&vec, 3, vec.bits, 0) : NULL;
    }
  if (a == NULL || b == NULL || mask == NULL)
    return -1;
  unsigned n = vec.bits / row->lane;
  for (unsigned i = 0; i < n; i++)
    part[i] = term__ite (vec.terms, term__extract (vec.terms, mask, (i + 1) * row->lane - 1, 1),
                         vec__lane (&vec, b, i, row->lane), vec__lane (&vec, a, i, row->lane));
  return vec__write (&vec, term__join (vec.terms, part, n), 0);
}

/* dst, a, b: b where the mask bit is set, else a or zero.  */
static int
blend_mask__apply (struct run *run)
{
  const struct permute_row *row = &permute_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = vec__source (&vec, 1, vec.bits, 0);
  const struct term *b = a ? vec__source (&vec, 2, vec.bits, row->lane) : NULL;
  if (b == NULL)
    return -1;
  vec__set (&vec, vec__number (vec__operand (&vec, 0)->reg.value), vec__merge (&vec, b, a, row->lane));
  return 0;
}

/* How many mask bits below lane I are set, 7 bits wide.  */
static const struct term *
mask__rank (struct vec *vec, unsigned i)
{
  const struct term *rank = term__const (vec->terms, 7, 0);
  for (unsigned j = 0; j < i; j++)
    rank = term__add (vec->terms, rank, term__zext (vec->terms, vec__bit (vec, j), 7));
  return rank;
}

/* OUT[J]: the J-th lane of A whose mask bit is set; beyond, FILL[J].  */
static void
lanes__compress (struct vec *vec, const struct term *a, unsigned lane, unsigned n, const struct term *const *fill,
                 const struct term **out)
{
  for (unsigned j = 0; j < n; j++)
    out[j] = fill[j];
  for (unsigned i = 0; i < n; i++)
    {
      const struct term *rank = mask__rank (vec, i), *bit = vec__bit (vec, i);
      for (unsigned j = 0; j <= i; j++)
        {
          const struct term *here
            = term__and (vec->terms, bit, term__eq (vec->terms, rank, term__const (vec->terms, 7, j)));
          out[j] = term__ite (vec->terms, here, vec__lane (vec, a, i, lane), out[j]);
        }
    }
}

static int
compress__apply (struct run *run)
{
  unsigned lane = permute_rows[run->meaning->insn.mnemonic].lane;
  const struct sym_host *host = run->host;
  struct vec vec;
  vec__open (&vec, run);
  unsigned n = vec.bits / lane;
  const struct term *a = vec__source (&vec, 1, vec.bits, 0);
  if (a == NULL)
    return -1;
  const struct term *fill[VEC_LANES_MAX], *out[VEC_LANES_MAX];
  bool memory = vec__is_memory (&vec, 0);
  const struct term *old = memory || vec.zeroing ? vec__zero (&vec, vec.bits) : vec__source (&vec, 0, vec.bits, 0);
  if (old == NULL)
    return -1;
  for (unsigned i = 0; i < n; i++)
    fill[i] = vec__lane (&vec, old, i, lane);
  lanes__compress (&vec, a, lane, n, fill, out);
  if (!memory)
    {
      vec__set (&vec, vec__number (vec__operand (&vec, 0)->reg.value), term__join (vec.terms, out, n));
      return 0;
    }
  const struct term *address = operand__address (run, vec.operand[0]);
  if (address == NULL)
    return -1;
  const struct term *count = mask__rank (&vec, n);
  for (unsigned j = 0; j < n; j++)
    {
      const struct term *here = term__ult (vec.terms, term__const (vec.terms, 7, j), count);
      if (term__is_value (here, 0))
        continue;
      const struct term *at = term__add (vec.terms, address, term__const (vec.terms, 64, j * lane / 8));
      if (host->store (host->context, at, out[j], term__is_ones (here) ? NULL : here) < 0)
        return -1;
    }
  return 0;
}

static int
expand__apply (struct run *run)
{
  unsigned lane = permute_rows[run->meaning->insn.mnemonic].lane;
  const struct sym_host *host = run->host;
  struct vec vec;
  vec__open (&vec, run);
  unsigned n = vec.bits / lane;
  const struct term *source[VEC_LANES_MAX], *part[VEC_LANES_MAX];
  if (vec__is_memory (&vec, 1))
    {
      const struct term *address = operand__address (run, vec.operand[1]), *count = mask__rank (&vec, n);
      if (address == NULL)
        return -1;
      for (unsigned j = 0; j < n; j++)
        {
          const struct term *here = term__ult (vec.terms, term__const (vec.terms, 7, j), count);
          source[j] = vec__zero (&vec, lane);
          if (term__is_value (here, 0))
            continue;
          const struct term *at = term__add (vec.terms, address, term__const (vec.terms, 64, j * lane / 8));
          source[j] = host->load (host->context, at, lane / 8, term__is_ones (here) ? NULL : here);
          if (source[j] == NULL)
            return -1;
        }
    }
  else
    {
      const struct term *a = vec__source (&vec, 1, vec.bits, 0);
      if (a == NULL)
        return -1;
      for (unsigned j = 0; j < n; j++)
        source[j] = vec__lane (&vec, a, j, lane);
    }
  for (unsigned i = 0; i < n; i++)
    {
      const struct term *rank = mask__rank (&vec, i);
      part[i] = source[0];
      for (unsigned j = 1; j <= i; j++)
        part[i] = term__ite (vec.terms, term__eq (vec.terms, rank, term__const (vec.terms, 7, j)), source[j], part[i]);
    }
  return vec__write (&vec, term__join (vec.terms, part, n), lane);
}

vector_apply *
vector_permute__find (const struct meaning *meaning)
{
  const ZydisDecodedInstruction *insn = &meaning->insn;
  if (insn->operand_count_visible < 2)
    return NULL;
  bool has_imm = meaning->operand[insn->operand_count_visible - 1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  switch (permute_rows[insn->mnemonic].kind)
    {
    case PERMUTE_NONE:
      return NULL;
    case PERMUTE_BLENDV:
      return blend_vector__apply;
    case PERMUTE_BLENDM:
      return blend_mask__apply;
    case PERMUTE_COMPRESS:
      return compress__apply;
    case PERMUTE_EXPAND:
      return expand__apply;
    default:
      return has_imm ? NULL : permute__apply;
    }
}
