/* Inside semantics/: the operands of a vector instruction, sorted out, and what every family does with them.

   A family reads its sources with vec__source, makes a result out of lanes, and gives it to vec__write, which knows the
   masks, the legacy-SSE rule (the bits above 128 are kept) and the VEX rule (the bits above the operand are zeroed).
   Lanes have the instruction's own element size, so that versions that compute alike give equal terms.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VECTOR_H
#define AIOPT_VECTOR_H

#include "semantics/internal.h"

enum { VEC_LANES_MAX = 64, VEC_OPERANDS_MAX = 5 };

struct vec
{
  struct run *run;
  struct terms *terms;
  unsigned bits;                        /* of the vectors: 128, 256, 512 */
  unsigned n;                           /* operands without mask and immediate, the destination first */
  uint8_t operand[VEC_OPERANDS_MAX];    /* their index in meaning->operand */
  bool has_imm;
  unsigned imm;                         /* 8 bits */
  bool legacy;                          /* neither VEX nor EVEX */
  bool masked;                          /* by mask, not k0 */
  bool zeroing;
  bool broadcast;                       /* of one element in memory, by EVEX.b */
  const struct term *mask;              /* 64 bits; where masked */
};

/* Operands of RUN.  */
void vec__open (struct vec *vec, struct run *run);

const ZydisDecodedOperand *vec__operand (const struct vec *vec, unsigned n);
bool vec__is_memory (const struct vec *vec, unsigned n);
/* The vector register's number, or -1.  */
int vec__number (ZydisRegister reg);
int mask__number (ZydisRegister reg);

/* The low BITS of operand N: a vector or mask register, or memory.  Memory is broadcast; where the instruction is
   masked and faults of masked lanes are suppressed, lanes of LANE bits are loaded each under its mask bit (LANE 0: such
   a form isn't modelled).  LANE is that of memory, one a mask bit.  NULL with run->why.  */
const struct term *vec__source (struct vec *vec, unsigned n, unsigned bits, unsigned lane);
/* As it is in memory, all of it, whatever the mask; for forms that don't suppress faults, or have no mask.  */
const struct term *vec__load (struct vec *vec, unsigned n, unsigned bits);

/* The mask bit of lane I: 1 bit; true where not masked.  */
const struct term *vec__bit (struct vec *vec, unsigned i);
/* VALUE masked, lane by lane of LANE bits, merging with OLD.  */
const struct term *vec__merge (struct vec *vec, const struct term *value, const struct term *old, unsigned lane);
/* VALUE to operand 0, a vector register or memory, under the mask with lanes of LANE bits (0: a masked form isn't
   modelled).  VALUE may be narrower than the vectors.  */
int vec__write (struct vec *vec, const struct term *value, unsigned lane);
/* A scalar result: lane 0 (under the mask's bit 0) and the rest of the low 128 bits from UPPER.  */
int vec__write_scalar (struct vec *vec, const struct term *low, const struct term *upper);
/* The whole register, by number: legacy or VEX rule.  */
void vec__set (struct vec *vec, unsigned number, const struct term *value);
/* To a mask register: VALUE is up to 64 bits, the rest becomes 0.  */
void vec__set_mask (struct vec *vec, unsigned number, const struct term *value);
/* A trap where ADDRESS isn't a multiple of BYTES.  */
void vec__align (struct vec *vec, const struct term *address, unsigned bytes);
/* Where lanes of operand N's memory under the mask can't fault.  */
bool vec__suppresses (const struct vec *vec);

/* All six flags.  NULL is 0.  */
void vec__flags (struct vec *vec, const struct term *zf, const struct term *pf, const struct term *cf);

static inline const struct term *
vec__lane (struct vec *vec, const struct term *a, unsigned i, unsigned bits)
{
  return term__extract (vec->terms, a, i * bits, bits);
}

static inline const struct term *
vec__zero (struct vec *vec, unsigned bits)
{
  return term__const (vec->terms, bits, 0);
}

/* WIDTH bits, all of them BIT.  */
static inline const struct term *
vec__spread (struct vec *vec, const struct term *bit, unsigned width)
{
  return width == 1 ? bit
                    : term__ite (vec->terms, bit, term__ones (vec->terms, width),
                                 term__const (vec->terms, width, 0));
}

/* A in its signed or unsigned saturation to WIDTH bits; as signed numbers (A may be wider or as wide).  */
const struct term *lane__saturate_signed (struct terms *terms, const struct term *a, unsigned width);
const struct term *lane__saturate_to_unsigned (struct terms *terms, const struct term *a, unsigned width);
/* A unsigned, to unsigned.  */
const struct term *lane__saturate_unsigned (struct terms *terms, const struct term *a, unsigned width);

/* The families: 0 where the mnemonic isn't theirs.  */
typedef int vector_apply (struct run *run);
vector_apply *lane__find (const struct meaning *meaning);
vector_apply *vector_sum__find (const struct meaning *meaning);
vector_apply *vector_compare__find (const struct meaning *meaning);
vector_apply *vector_mask__find (const struct meaning *meaning);
vector_apply *vector_move__find (const struct meaning *meaning);
vector_apply *vector_part__find (const struct meaning *meaning);
vector_apply *vector_shuffle__find (const struct meaning *meaning);
vector_apply *vector_permute__find (const struct meaning *meaning);
vector_apply *vector_convert__find (const struct meaning *meaning);
vector_apply *vector_gather__find (const struct meaning *meaning);
vector_apply *vector_crypto__find (const struct meaning *meaning);
vector_apply *float__find (const struct meaning *meaning);
vector_apply *float_compare__find (const struct meaning *meaning);
vector_apply *float_convert__find (const struct meaning *meaning);

#endif
