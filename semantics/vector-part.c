/* Parts of vectors: inserted, extracted, broadcast.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

enum part_kind
{
  PART_NONE,
  PART_EXTRACT,     /* one element to a general register or memory */
  PART_INSERT,      /* one element from there */
  PART_INSERT_PS,
  PART_EXTRACT_BLOCK, /* 128 or 256 bits */
  PART_INSERT_BLOCK,
  PART_BROADCAST
};

/* PART: bits of the part; LANE: bits a mask bit stands for.  */
struct part_row
{
  uint8_t kind, lane;
  uint16_t part;
};

#define ROW(MNEMONIC, KIND, PART, LANE) [ZYDIS_MNEMONIC_##MNEMONIC] = { PART_##KIND, LANE, PART }
#define ROWS(MNEMONIC, KIND, PART) ROW (MNEMONIC, KIND, PART, 0), ROW (V##MNEMONIC, KIND, PART, 0)
#define BLOCKS(KIND, NAME)                                                                                    \
  ROW (V##NAME##I128, KIND, 128, 0), ROW (V##NAME##F128, KIND, 128, 0), ROW (V##NAME##I32X4, KIND, 128, 32),  \
  ROW (V##NAME##F32X4, KIND, 128, 32), ROW (V##NAME##I64X2, KIND, 128, 64), ROW (V##NAME##F64X2, KIND, 128, 64), \
  ROW (V##NAME##I32X8, KIND, 256, 32), ROW (V##NAME##F32X8, KIND, 256, 32), ROW (V##NAME##I64X4, KIND, 256, 64), \
  ROW (V##NAME##F64X4, KIND, 256, 64)

static const struct part_row part_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  ROWS (PEXTRB, EXTRACT, 8), ROWS (PEXTRW, EXTRACT, 16), ROWS (PEXTRD, EXTRACT, 32), ROWS (PEXTRQ, EXTRACT, 64),
  ROWS (EXTRACTPS, EXTRACT, 32),
  ROWS (PINSRB, INSERT, 8), ROWS (PINSRW, INSERT, 16), ROWS (PINSRD, INSERT, 32), ROWS (PINSRQ, INSERT, 64),
  ROWS (INSERTPS, INSERT_PS, 32),
  BLOCKS (EXTRACT_BLOCK, EXTRACT), BLOCKS (INSERT_BLOCK, INSERT), BLOCKS (BROADCAST, BROADCAST),
  ROW (VPBROADCASTB, BROADCAST, 8, 8), ROW (VPBROADCASTW, BROADCAST, 16, 16),
  ROW (VPBROADCASTD, BROADCAST, 32, 32), ROW (VPBROADCASTQ, BROADCAST, 64, 64),
  ROW (VBROADCASTSS, BROADCAST, 32, 32), ROW (VBROADCASTSD, BROADCAST, 64, 64),
  ROW (VBROADCASTI32X2, BROADCAST, 64, 32), ROW (VBROADCASTF32X2, BROADCAST, 64, 32),
};

static int
extract__apply (struct run *run)
{
  const struct part_row *row = &part_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = vec__source (&vec, 1, 128, 0);
  if (a == NULL)
    return -1;
  const struct term *value = vec__lane (&vec, a, vec.imm % (128 / row->part), row->part);
  const ZydisDecodedOperand *to = vec__operand (&vec, 0);
  if (to->type == ZYDIS_OPERAND_TYPE_MEMORY)
    return vec__write (&vec, value, 0);
  if (to->type != ZYDIS_OPERAND_TYPE_REGISTER || to->size < 32 || to->size < row->part)
    return run__unmodelled (run, "operand form");
  gpr__write (run, to->reg.value, term__zext (vec.terms, value, to->size));
  return 0;
}

static int
insert__apply (struct run *run)
{
  const struct part_row *row = &part_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const ZydisDecodedOperand *from = vec__operand (&vec, vec.n - 1);
  const struct term *first = vec__source (&vec, vec.n - 2, 128, 0), *value;
  if (first == NULL)
    return -1;
  if (from->type == ZYDIS_OPERAND_TYPE_REGISTER)
    {
      if (vec__number (from->reg.value) >= 0 || from->size < row->part)
        return run__unmodelled (run, "operand form");
      value = term__extract (vec.terms, gpr__read (run, from->reg.value), 0, row->part);
    }
  else
    value = vec__source (&vec, vec.n - 1, row->part, 0);
  if (value == NULL)
    return -1;
  unsigned index = vec.imm % (128 / row->part);
  return vec__write (&vec, term__insert (vec.terms, first, index * row->part, value), 0);
}

static int
insert_ps__apply (struct run *run)
{
  struct vec vec;
  vec__open (&vec, run);
  bool memory = vec__is_memory (&vec, vec.n - 1);
  const struct term *first = vec__source (&vec, vec.n - 2, 128, 0);
  const struct term *second = first ? vec__source (&vec, vec.n - 1, memory ? 32 : 128, 0) : NULL;
  if (second == NULL)
    return -1;
  const struct term *value
    = term__insert (vec.terms, first, (vec.imm >> 4 & 3) * 32,
                    vec__lane (&vec, second, memory ? 0 : vec.imm >> 6 & 3, 32));
  for (unsigned i = 0; i < 4; i++)
    if (vec.imm >> i & 1)
      value = term__insert (vec.terms, value, 32 * i, vec__zero (&vec, 32));
  return vec__write (&vec, value, 0);
}

static int
extract_block__apply (struct run *run)
{
  const struct part_row *row = &part_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *a = vec__source (&vec, 1, vec.bits, 0);
  if (a == NULL)
    return -1;
  return vec__write (&vec, vec__lane (&vec, a, vec.imm % (vec.bits / row->part), row->part), row->lane);
}

static int
insert_block__apply (struct run *run)
{
  const struct part_row *row = &part_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *first = vec__source (&vec, 1, vec.bits, 0);
  const struct term *second = first ? vec__source (&vec, 2, row->part, 0) : NULL;
  if (second == NULL)
    return -1;
  unsigned index = vec.imm % (vec.bits / row->part);
  return vec__write (&vec, term__insert (vec.terms, first, index * row->part, second), row->lane);
}

/* The part to be broadcast.  From memory, the load happens where any lane wants it.  */
static const struct term *
broadcast__source (struct vec *vec, const struct part_row *row)
{
  const ZydisDecodedOperand *from = vec__operand (vec, 1);
  if (from->type == ZYDIS_OPERAND_TYPE_REGISTER && vec__number (from->reg.value) < 0)
    return term__extract (vec->terms, gpr__read (vec->run, from->reg.value), 0, row->part);
  if (from->type == ZYDIS_OPERAND_TYPE_MEMORY && from->size != row->part)
    {
      run__unmodelled (vec->run, "operand size");
      return NULL;
    }
  if (from->type != ZYDIS_OPERAND_TYPE_MEMORY || !vec->masked || row->part != row->lane)
    return vec__source (vec, 1, row->part, 0);
  const struct term *any = term__not (
    vec->terms,
    term__is_zero (vec->terms, term__extract (vec->terms, vec->mask, 0, vec->bits / row->lane)));
  if (term__is_value (any, 0))
    return vec__zero (vec, row->part);
  const struct term *address = operand__address (vec->run, vec->operand[1]);
  const struct sym_host *host = vec->run->host;
  return address == NULL ? NULL
                         : host->load (host->context, address, row->part / 8,
                                       term__is_ones (any) ? NULL : any);
}

static int
broadcast__apply (struct run *run)
{
  const struct part_row *row = &part_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  const struct term *value = broadcast__source (&vec, row), *part[VEC_LANES_MAX];
  if (value == NULL)
    return -1;
  unsigned n = vec.bits / row->part;
  for (unsigned i = 0; i < n; i++)
    part[i] = value;
  return vec__write (&vec, term__join (vec.terms, part, n), row->lane);
}

vector_apply *
vector_part__find (const struct meaning *meaning)
{
  switch (part_rows[meaning->insn.mnemonic].kind)
    {
    case PART_EXTRACT:
      return extract__apply;
    case PART_INSERT:
      return insert__apply;
    case PART_INSERT_PS:
      return insert_ps__apply;
    case PART_EXTRACT_BLOCK:
      return extract_block__apply;
    case PART_INSERT_BLOCK:
      return insert_block__apply;
    case PART_BROADCAST:
      return broadcast__apply;
    default:
      return NULL;
    }
}
