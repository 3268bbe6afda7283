/* Shuffles that the immediate or the mnemonic decides: each element of the result is an element of a source, or zero.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

/* Where element I of the result comes from: source 0 or 1 and the element there; source -1 is zero.  C elements are in
   128 bits, N in the vector.  */
struct pick
{
  int source;
  unsigned index;
};
typedef struct pick pick_function (unsigned i, unsigned c, unsigned n, unsigned imm);

#define PICK(NAME)                                                                                            \
  static struct pick NAME (unsigned i, unsigned c __attribute__ ((unused)), unsigned n __attribute__ ((unused)), \
                           unsigned imm __attribute__ ((unused)))

/* The first element of I's block of C.  */
static unsigned
base (unsigned i, unsigned c)
{
  return i / c * c;
}

PICK (pick_shufd) { return (struct pick){ 0, base (i, 4) + (imm >> 2 * (i % 4) & 3) }; }
PICK (pick_shuflw)
{
  return (struct pick){ 0, i % 8 < 4 ? base (i, 8) + (imm >> 2 * (i % 8) & 3) : i };
}
PICK (pick_shufhw)
{
  return (struct pick){ 0, i % 8 < 4 ? i : base (i, 8) + 4 + (imm >> 2 * (i % 8 - 4) & 3) };
}
PICK (pick_shufps) { return (struct pick){ i % 4 / 2, base (i, 4) + (imm >> 2 * (i % 4) & 3) }; }
PICK (pick_shufpd) { return (struct pick){ i % 2, base (i, 2) + (imm >> i & 1) }; }
PICK (pick_permilpd) { return (struct pick){ 0, base (i, 2) + (imm >> i & 1) }; }
PICK (pick_unpckl) { return (struct pick){ i % 2, base (i, c) + i % c / 2 }; }
PICK (pick_unpckh) { return (struct pick){ i % 2, base (i, c) + c / 2 + i % c / 2 }; }
PICK (pick_permq) { return (struct pick){ 0, base (i, 4) + (imm >> 2 * (i % 4) & 3) }; }
PICK (pick_alignr)
{
  unsigned at = i % 16 + imm;
  return at < 16   ? (struct pick){ 1, base (i, 16) + at }
         : at < 32 ? (struct pick){ 0, base (i, 16) + at - 16 }
                   : (struct pick){ -1, 0 };
}
PICK (pick_slldq) { return i % 16 >= imm ? (struct pick){ 0, i - imm } : (struct pick){ -1, 0 }; }
PICK (pick_srldq) { return i % 16 + imm < 16 ? (struct pick){ 0, i + imm } : (struct pick){ -1, 0 }; }
PICK (pick_align)
{
  unsigned at = i + imm % n;
  return at < n ? (struct pick){ 1, at } : (struct pick){ 0, at - n };
}
/* Blocks of 128 bits; of 64-bit halves.  */
PICK (pick_shuf_blocks)
{
  unsigned block = i / 2, blocks = n / 2;
  unsigned from = blocks == 4 ? imm >> 2 * block & 3 : imm >> block & 1;
  return (struct pick){ block >= blocks / 2, 2 * from + i % 2 };
}
PICK (pick_perm2)
{
  unsigned control = imm >> 4 * (i / 2) & 15;
  return control & 8 ? (struct pick){ -1, 0 } : (struct pick){ control >> 1 & 1, 2 * (control & 1) + i % 2 };
}
PICK (pick_blend) { return (struct pick){ imm >> (i % 8) & 1, i }; }

/* LANE: the element; MASK: bits that a mask bit stands for, 0 where there is none.  */
struct shuffle_row
{
  pick_function *pick;
  uint8_t arity, lane, mask;
};

#define ROW(MNEMONIC, PICK, ARITY, LANE, MASK) [ZYDIS_MNEMONIC_##MNEMONIC] = { pick_##PICK, ARITY, LANE, MASK }
#define ROWS(MNEMONIC, PICK, ARITY, LANE, MASK)                                                               \
  ROW (MNEMONIC, PICK, ARITY, LANE, MASK), ROW (V##MNEMONIC, PICK, ARITY, LANE, MASK)

static const struct shuffle_row shuffle_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  ROWS (PSHUFD, shufd, 1, 32, 32), ROWS (PSHUFLW, shuflw, 1, 16, 16), ROWS (PSHUFHW, shufhw, 1, 16, 16),
  ROWS (SHUFPS, shufps, 2, 32, 32), ROWS (SHUFPD, shufpd, 2, 64, 64),
  ROW (VPERMILPS, shufd, 1, 32, 32), ROW (VPERMILPD, permilpd, 1, 64, 64),
  ROW (VPERMQ, permq, 1, 64, 64), ROW (VPERMPD, permq, 1, 64, 64),
  ROWS (PUNPCKLBW, unpckl, 2, 8, 8), ROWS (PUNPCKLWD, unpckl, 2, 16, 16), ROWS (PUNPCKLDQ, unpckl, 2, 32, 32),
  ROWS (PUNPCKLQDQ, unpckl, 2, 64, 64), ROWS (UNPCKLPS, unpckl, 2, 32, 32), ROWS (UNPCKLPD, unpckl, 2, 64, 64),
  ROWS (PUNPCKHBW, unpckh, 2, 8, 8), ROWS (PUNPCKHWD, unpckh, 2, 16, 16), ROWS (PUNPCKHDQ, unpckh, 2, 32, 32),
  ROWS (PUNPCKHQDQ, unpckh, 2, 64, 64), ROWS (UNPCKHPS, unpckh, 2, 32, 32), ROWS (UNPCKHPD, unpckh, 2, 64, 64),
  ROWS (PALIGNR, alignr, 2, 8, 8), ROWS (PSLLDQ, slldq, 1, 8, 0), ROWS (PSRLDQ, srldq, 1, 8, 0),
  ROW (VALIGND, align, 2, 32, 32), ROW (VALIGNQ, align, 2, 64, 64),
  ROW (VSHUFI32X4, shuf_blocks, 2, 64, 32), ROW (VSHUFF32X4, shuf_blocks, 2, 64, 32),
  ROW (VSHUFI64X2, shuf_blocks, 2, 64, 64), ROW (VSHUFF64X2, shuf_blocks, 2, 64, 64),
  ROW (VPERM2I128, perm2, 2, 64, 0), ROW (VPERM2F128, perm2, 2, 64, 0),
  ROWS (PBLENDW, blend, 2, 16, 0), ROW (VPBLENDD, blend, 2, 32, 0),
  ROWS (BLENDPS, blend, 2, 32, 0), ROWS (BLENDPD, blend, 2, 64, 0),
};

static int
shuffle__apply (struct run *run)
{
  const struct shuffle_row *row = &shuffle_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  unsigned first = vec.n == row->arity ? 0 : 1;
  if (vec.n != first + row->arity)
    return run__unmodelled (run, "number of operands");
  const struct term *source[2], *part[VEC_LANES_MAX];
  for (unsigned i = 0; i < row->arity; i++)
    {
      source[i] = vec__source (&vec, first + i, vec.bits, row->mask);
      if (source[i] == NULL)
        return -1;
    }
  unsigned n = vec.bits / row->lane;
  for (unsigned i = 0; i < n; i++)
    {
      struct pick pick = row->pick (i, 128 / row->lane, n, vec.imm);
      part[i] = pick.source < 0 ? vec__zero (&vec, row->lane)
                                : vec__lane (&vec, source[pick.source], pick.index, row->lane);
    }
  return vec__write (&vec, term__join (vec.terms, part, n), row->mask);
}

vector_apply *
vector_shuffle__find (const struct meaning *meaning)
{
  const ZydisDecodedInstruction *insn = &meaning->insn;
  const struct shuffle_row *row = &shuffle_rows[insn->mnemonic];
  if (row->pick == NULL)
    return NULL;
  bool has_imm = meaning->operand[insn->operand_count_visible - 1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  bool needs = row->pick != pick_unpckl && row->pick != pick_unpckh;
  return has_imm == needs ? shuffle__apply : NULL;
}
