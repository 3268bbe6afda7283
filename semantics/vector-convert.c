/* Conversions between integer widths: extension, truncation, packing with saturation.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

enum convert_kind
{
  CONVERT_NONE,
  CONVERT_SIGN,      /* wider */
  CONVERT_ZERO,
  CONVERT_TRUNCATE,  /* narrower */
  CONVERT_SATURATE,
  CONVERT_SATURATE_UNSIGNED,
  CONVERT_PACK,      /* two vectors, in 128-bit blocks, signed to signed */
  CONVERT_PACK_UNSIGNED /* signed to unsigned */
};

struct convert_row
{
  uint8_t kind, from, to;
};

#define ROW(MNEMONIC, KIND, FROM, TO) [ZYDIS_MNEMONIC_##MNEMONIC] = { CONVERT_##KIND, FROM, TO }
#define EXTEND(NAME, FROM, TO)                                                                                \
  ROW (PMOVSX##NAME, SIGN, FROM, TO), ROW (VPMOVSX##NAME, SIGN, FROM, TO), ROW (PMOVZX##NAME, ZERO, FROM, TO), \
  ROW (VPMOVZX##NAME, ZERO, FROM, TO)
#define NARROW(NAME, FROM, TO)                                                                                \
  ROW (VPMOV##NAME, TRUNCATE, FROM, TO), ROW (VPMOVS##NAME, SATURATE, FROM, TO),                              \
  ROW (VPMOVUS##NAME, SATURATE_UNSIGNED, FROM, TO)
#define PACK(NAME, KIND, FROM, TO) ROW (NAME, KIND, FROM, TO), ROW (V##NAME, KIND, FROM, TO)

static const struct convert_row convert_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  EXTEND (BW, 8, 16), EXTEND (BD, 8, 32), EXTEND (BQ, 8, 64), EXTEND (WD, 16, 32), EXTEND (WQ, 16, 64),
  EXTEND (DQ, 32, 64),
  NARROW (WB, 16, 8), NARROW (DB, 32, 8), NARROW (QB, 64, 8), NARROW (DW, 32, 16), NARROW (QW, 64, 16),
  NARROW (QD, 64, 32),
  PACK (PACKSSWB, PACK, 16, 8), PACK (PACKSSDW, PACK, 32, 16),
  PACK (PACKUSWB, PACK_UNSIGNED, 16, 8), PACK (PACKUSDW, PACK_UNSIGNED, 32, 16),
};

static const struct term *
lane__convert (struct terms *terms, const struct convert_row *row, const struct term *a)
{
  switch (row->kind)
    {
    case CONVERT_SIGN:
      return term__sext (terms, a, row->to);
    case CONVERT_ZERO:
      return term__zext (terms, a, row->to);
    case CONVERT_TRUNCATE:
      return term__extract (terms, a, 0, row->to);
    case CONVERT_SATURATE:
    case CONVERT_PACK:
      return lane__saturate_signed (terms, a, row->to);
    case CONVERT_SATURATE_UNSIGNED:
      return lane__saturate_unsigned (terms, a, row->to);
    default:
      return lane__saturate_to_unsigned (terms, a, row->to);
    }
}

/* One source: as many lanes as the wider side has in a vector.  */
static int
convert__apply (struct run *run)
{
  const struct convert_row *row = &convert_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  unsigned lanes = vec.bits / (row->from > row->to ? row->from : row->to);
  if (vec__is_memory (&vec, 1) && vec__operand (&vec, 1)->size != lanes * row->from)
    return run__unmodelled (run, "operand size");
  const struct term *a = vec__source (&vec, 1, lanes * row->from, row->from), *part[VEC_LANES_MAX];
  if (a == NULL)
    return -1;
  for (unsigned i = 0; i < lanes; i++)
    part[i] = lane__convert (vec.terms, row, vec__lane (&vec, a, i, row->from));
  return vec__write (&vec, term__join (vec.terms, part, lanes), row->to);
}

static int
pack__apply (struct run *run)
{
  const struct convert_row *row = &convert_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *b = vec__source (&vec, vec.n - 1, vec.bits, 0);
  const struct term *a = b ? vec__source (&vec, vec.n - 2, vec.bits, 0) : NULL, *part[VEC_LANES_MAX];
  if (a == NULL)
    return -1;
  unsigned lanes = vec.bits / row->to, half = 64 / row->to;
  for (unsigned i = 0; i < lanes; i++)
    {
      unsigned block = i / (2 * half), at = i % (2 * half);
      part[i] = lane__convert (vec.terms, row,
                               vec__lane (&vec, at < half ? a : b, block * half + at % half, row->from));
    }
  return vec__write (&vec, term__join (vec.terms, part, lanes), row->to);
}

vector_apply *
vector_convert__find (const struct meaning *meaning)
{
  switch (convert_rows[meaning->insn.mnemonic].kind)
    {
    case CONVERT_NONE:
      return NULL;
    case CONVERT_PACK:
    case CONVERT_PACK_UNSIGNED:
      return pack__apply;
    default:
      return convert__apply;
    }
}
