/* Ciphers, hashes, carry-less products and Galois fields: uninterpreted functions on whole lanes.  Affine maps are
   plain terms: with a constant matrix each bit is an exclusive or of bits.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

enum crypto_kind
{
  CRYPTO_NONE,
  CRYPTO_CALL,     /* of one or two 128-bit lanes */
  CRYPTO_CALL_IMM, /* with the immediate */
  CRYPTO_SHA256,   /* with xmm0's low 64 bits */
  CRYPTO_CLMUL,
  CRYPTO_GF_MUL, CRYPTO_GF_AFFINE, CRYPTO_GF_AFFINE_INV
};

struct crypto_row
{
  uint8_t kind, arity;
  uint16_t function;
};

#define ROW(MNEMONIC, KIND, ARITY, FUNCTION) [ZYDIS_MNEMONIC_##MNEMONIC] = { CRYPTO_##KIND, ARITY, FUNCTION_##FUNCTION }
#define ROWS(MNEMONIC, KIND, ARITY, FUNCTION)                                                                 \
  ROW (MNEMONIC, KIND, ARITY, FUNCTION), ROW (V##MNEMONIC, KIND, ARITY, FUNCTION)

static const struct crypto_row crypto_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  ROWS (AESENC, CALL, 2, AESENC), ROWS (AESENCLAST, CALL, 2, AESENCLAST), ROWS (AESDEC, CALL, 2, AESDEC),
  ROWS (AESDECLAST, CALL, 2, AESDECLAST), ROWS (AESIMC, CALL, 1, AESIMC),
  ROWS (AESKEYGENASSIST, CALL_IMM, 1, AESKEYGEN),
  ROW (SHA1NEXTE, CALL, 2, SHA1NEXTE), ROW (SHA1MSG1, CALL, 2, SHA1MSG1), ROW (SHA1MSG2, CALL, 2, SHA1MSG2),
  ROW (SHA256MSG1, CALL, 2, SHA256MSG1), ROW (SHA256MSG2, CALL, 2, SHA256MSG2),
  ROW (SHA1RNDS4, CALL_IMM, 2, SHA1RNDS4), ROW (SHA256RNDS2, SHA256, 2, SHA256RNDS2),
  ROWS (PCLMULQDQ, CLMUL, 2, CLMUL),
  ROWS (GF2P8MULB, GF_MUL, 2, GF2P8MUL), ROWS (GF2P8AFFINEQB, GF_AFFINE, 2, GF2P8INV),
  ROWS (GF2P8AFFINEINVQB, GF_AFFINE_INV, 2, GF2P8INV),
};

/* Two arguments that may change places.  */
static const struct term *
call__commutative (struct terms *terms, enum term_function function, const struct term *a, const struct term *b)
{
  const struct term *args[2] = { a->id <= b->id ? a : b, a->id <= b->id ? b : a };
  return term__call (terms, function, args, 2);
}

/* Bit I: the parity of X and MATRIX' byte 7 - I, and the immediate's bit I.  */
static const struct term *
byte__affine (struct vec *vec, const struct term *x, const struct term *matrix)
{
  struct terms *terms = vec->terms;
  const struct term *bit[8];
  for (unsigned i = 0; i < 8; i++)
    {
      const struct term *row = term__and (terms, x, term__extract (terms, matrix, 8 * (7 - i), 8));
      bit[i] = term__const (terms, 1, vec->imm >> i & 1);
      for (unsigned j = 0; j < 8; j++)
        bit[i] = term__xor (terms, bit[i], term__extract (terms, row, j, 1));
    }
  return term__join (terms, bit, 8);
}

static const struct term *
bytes__apply (struct vec *vec, const struct crypto_row *row, const struct term *a, const struct term *b)
{
  const struct term *part[VEC_LANES_MAX];
  for (unsigned i = 0; i < vec->bits / 8; i++)
    {
      const struct term *x = vec__lane (vec, a, i, 8);
      if (row->kind == CRYPTO_GF_MUL)
        {
          part[i] = call__commutative (vec->terms, FUNCTION_GF2P8MUL, x, vec__lane (vec, b, i, 8));
          continue;
        }
      if (row->kind == CRYPTO_GF_AFFINE_INV)
        x = term__call (vec->terms, FUNCTION_GF2P8INV, &x, 1);
      part[i] = byte__affine (vec, x, vec__lane (vec, b, i / 8, 64));
    }
  return term__join (vec->terms, part, vec->bits / 8);
}

static const struct term *
lane__crypto (struct vec *vec, const struct crypto_row *row, const struct term *a, const struct term *b, unsigned i)
{
  struct terms *terms = vec->terms;
  const struct term *args[3];
  unsigned n = 0;
  if (row->kind == CRYPTO_CLMUL)
    return call__commutative (terms, FUNCTION_CLMUL, vec__lane (vec, a, 2 * i + (vec->imm & 1), 64),
                              vec__lane (vec, b, 2 * i + (vec->imm >> 4 & 1), 64));
  if (row->arity == 2)
    args[n++] = vec__lane (vec, a, i, 128);
  args[n++] = vec__lane (vec, b, i, 128);
  if (row->kind == CRYPTO_CALL_IMM)
    args[n++] = term__const (terms, 8, row->function == FUNCTION_SHA1RNDS4 ? vec->imm & 3 : vec->imm);
  if (row->kind == CRYPTO_SHA256)
    args[n++] = term__extract (terms, vec->run->cpu->vec[0], 0, 64);
  return term__call (terms, row->function, args, n);
}

static int
crypto__apply (struct run *run)
{
  const struct crypto_row *row = &crypto_rows[run->meaning->insn.mnemonic];
  struct vec vec;
  vec__open (&vec, run);
  bool bytes = row->kind >= CRYPTO_GF_MUL;
  const struct term *b = vec__source (&vec, vec.n - 1, vec.bits, row->kind == CRYPTO_GF_MUL ? 8 : 0);
  const struct term *a = b ? vec__source (&vec, row->arity == 2 ? vec.n - 2 : 0, vec.bits, 0) : NULL;
  if (a == NULL)
    return -1;
  if (bytes)
    return vec__write (&vec, bytes__apply (&vec, row, a, b), 8);
  const struct term *part[4];
  for (unsigned i = 0; i < vec.bits / 128; i++)
    part[i] = lane__crypto (&vec, row, a, b, i);
  return vec__write (&vec, term__join (vec.terms, part, vec.bits / 128), 0);
}

vector_apply *
vector_crypto__find (const struct meaning *meaning)
{
  return crypto_rows[meaning->insn.mnemonic].kind != CRYPTO_NONE ? crypto__apply : NULL;
}
