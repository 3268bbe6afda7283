/* Bit-vector terms: what a value is, as an expression over a machine's initial state.

   Terms are hash-consed: two terms of one store that are built alike are the same pointer, and the
   constructors simplify, so that most equal values of two versions of a function come out as one
   pointer without any solver.  Widths are 1 to TERM_WIDTH_MAX bits; a condition is a term of width 1.

   Normal forms that the constructors keep (term-*.c says how):
     - sums up to 64 bits wide are linear: constant + sum of coefficient * term, so that addresses compare;
       shifts left and products by constants are coefficients;
     - the low part of a sum or product is the sum or product of the low parts;
     - and, or, xor are flat, sorted, without duplicates; a mask of few runs is a concatenation of extracts and zeros;
     - a zero-extension is a concatenation with zeros; a constant shift right is an extract;
     - extracts go through concatenations, extensions, bitwise operations and conditionals, lane by lane.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TERM_H
#define AIOPT_TERM_H

#include "machine/arena.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TERM_WIDTH_MAX = 1024, TERM_WORDS_MAX = TERM_WIDTH_MAX / 64 };

enum term_op
{
  TERM_CONST,    /* words */
  TERM_VAR,      /* number: an input */
  TERM_SUM,      /* words[0] + sum of words[1 + i] * arg[i]; width <= 64 */
  TERM_ADD,      /* arg[0] + arg[1]; width > 64 */
  TERM_MUL,
  TERM_UDIV, TERM_UREM, TERM_SDIV, TERM_SREM, /* by 0: all ones, the dividend; as SMT-LIB */
  TERM_AND, TERM_OR, TERM_XOR,                /* two arguments or more */
  TERM_NOT,
  TERM_SHL, TERM_LSHR, TERM_ASHR, /* arg[1] has the same width; an amount >= width gives 0, or the sign */
  TERM_ROL,      /* amount modulo width */
  TERM_CONCAT,   /* arg[0] is the highest part */
  TERM_EXTRACT,  /* bits low .. low + width - 1 of arg[0] */
  TERM_SEXT,
  TERM_EQ, TERM_ULT, TERM_SLT, /* width 1 */
  TERM_ITE,      /* arg[0] ? arg[1] : arg[2] */
  TERM_POPCOUNT, TERM_CLZ, TERM_CTZ, /* of the argument's width, of 0: the width */
  TERM_CALL,     /* an uninterpreted function (function.def); number says which */
  TERM_MEMORY,   /* an unknown memory, width 0; number says which */
  TERM_STORE,    /* memory arg[0] with byte arg[2] at address arg[1] (64 bits) where arg[3] (1 bit) holds; width 0 */
  TERM_LOAD,     /* the byte of memory arg[0] at address arg[1]; width 8 */
  TERM_OPS
};

struct term
{
  uint32_t id;       /* order of creation */
  uint16_t op;       /* enum term_op */
  uint16_t width;    /* bits; 0 for memories */
  uint32_t number;   /* variable, function, memory; low bit of an extract */
  uint32_t n_args;
  uint32_t hash;
  uint32_t n_words;
  const uint64_t *words;      /* constants: (width + 63) / 64 words, the unused top bits 0; sums: 1 + n_args */
  const struct term *arg[];
};

struct terms;

/* A new store; terms__free frees it with all its terms.  */
struct terms *terms__new (void);
void terms__free (struct terms *terms);
unsigned terms__count (const struct terms *terms);

/* Constants.  VALUE is cut to WIDTH; words are little-endian and (width + 63) / 64.  */
const struct term *term__const (struct terms *terms, unsigned width, uint64_t value);
const struct term *term__wide (struct terms *terms, unsigned width, const uint64_t *words);
const struct term *term__ones (struct terms *terms, unsigned width);
const struct term *term__true (struct terms *terms);
const struct term *term__false (struct terms *terms);

/* An input.  The same NUMBER is the same variable; its width may not change.  term__fresh takes a number that
   nobody used (they count down from UINT32_MAX).  */
const struct term *term__var (struct terms *terms, unsigned width, uint32_t number);
const struct term *term__fresh (struct terms *terms, unsigned width);

const struct term *term__add (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__sub (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__neg (struct terms *terms, const struct term *a);
const struct term *term__mul (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__udiv (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__urem (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__sdiv (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__srem (struct terms *terms, const struct term *a, const struct term *b);

const struct term *term__and (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__or (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__xor (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__not (struct terms *terms, const struct term *a);

/* Shifts by a term of A's width (not masked: an amount >= width gives 0, or for ashr the sign), and by a number.
   Rotations take the amount modulo the width.  */
const struct term *term__shl (struct terms *terms, const struct term *a, const struct term *amount);
const struct term *term__lshr (struct terms *terms, const struct term *a, const struct term *amount);
const struct term *term__ashr (struct terms *terms, const struct term *a, const struct term *amount);
const struct term *term__rol (struct terms *terms, const struct term *a, const struct term *amount);
const struct term *term__ror (struct terms *terms, const struct term *a, const struct term *amount);
const struct term *term__shl_by (struct terms *terms, const struct term *a, unsigned amount);
const struct term *term__lshr_by (struct terms *terms, const struct term *a, unsigned amount);
const struct term *term__ashr_by (struct terms *terms, const struct term *a, unsigned amount);

/* WIDTH bits of A from bit LOW on; HIGH above LOW; A extended (or left) to WIDTH; A cut or zero-extended.  */
const struct term *term__extract (struct terms *terms, const struct term *a, unsigned low, unsigned width);
const struct term *term__concat (struct terms *terms, const struct term *high, const struct term *low);
const struct term *term__zext (struct terms *terms, const struct term *a, unsigned width);
const struct term *term__sext (struct terms *terms, const struct term *a, unsigned width);
const struct term *term__resize (struct terms *terms, const struct term *a, unsigned width);
/* N parts, PART[0] the lowest: what vector semantics build their results from.  */
const struct term *term__join (struct terms *terms, const struct term *const *part, unsigned n);
/* A with bits LOW .. replaced by PART.  */
const struct term *term__insert (struct terms *terms, const struct term *a, unsigned low, const struct term *part);
const struct term *term__bswap (struct terms *terms, const struct term *a);

/* Conditions.  */
const struct term *term__eq (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__ne (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__ult (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__ule (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__slt (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__sle (struct terms *terms, const struct term *a, const struct term *b);
const struct term *term__ite (struct terms *terms, const struct term *condition, const struct term *a,
                              const struct term *b);
const struct term *term__is_zero (struct terms *terms, const struct term *a);

const struct term *term__popcount (struct terms *terms, const struct term *a);
const struct term *term__clz (struct terms *terms, const struct term *a);
const struct term *term__ctz (struct terms *terms, const struct term *a);

/* Uninterpreted functions: exact operations that the terms say nothing about but that equal arguments give equal
   results (floating point, AES …).  FUNCTION (ID, RESULT_WIDTH, "name") of function.def; the evaluator computes them.  */
enum term_function
{
#define FUNCTION(ID, WIDTH, NAME) FUNCTION_##ID,
#include "term/function.def"
#undef FUNCTION
  FUNCTION_COUNT
};
const struct term *term__call (struct terms *terms, enum term_function function, const struct term *const *args,
                               unsigned n);
unsigned function__width (enum term_function function);
const char *function__name (enum term_function function);

/* Memories, byte by byte.  A load looks through stores at addresses that surely differ.  */
const struct term *term__memory (struct terms *terms, uint32_t number);
const struct term *term__store (struct terms *terms, const struct term *memory, const struct term *address,
                                const struct term *byte, const struct term *condition);
const struct term *term__load (struct terms *terms, const struct term *memory, const struct term *address);

/* Looking into terms.  */
static inline bool
term__is_const (const struct term *a)
{
  return a->op == TERM_CONST;
}
/* The low 64 bits of a constant.  */
static inline uint64_t
term__value (const struct term *a)
{
  return a->words[0];
}
bool term__is_value (const struct term *a, uint64_t value);
bool term__is_ones (const struct term *a);
/* A - B where that is a constant, as for two addresses of one object.  Up to 64 bits.  */
bool term__distance (struct terms *terms, const struct term *a, const struct term *b, int64_t *distance);
/* Of a sum or anything else of up to 64 bits: A = *REST + constant; *REST has no constant (it may be the constant 0).  */
int64_t term__split (struct terms *terms, const struct term *a, const struct term **rest);

/* A with every FROM[i] (any terms) replaced by TO[i] of the same width, simplified again.  */
const struct term *term__substitute (struct terms *terms, const struct term *a, const struct term *const *from,
                                     const struct term *const *to, unsigned n);

/* For people: one line, cut where it grows too long.  */
void term__print (FILE *stream, const struct term *a);

/* Evaluating.  A program is made once for some roots and run on many inputs.  */
struct term_inputs
{
  void *context;
  /* WORDS[] of variable NUMBER, of width WIDTH.  */
  void (*variable) (void *context, uint32_t number, unsigned width, uint64_t *words);
  /* The byte of memory NUMBER at ADDRESS.  */
  uint8_t (*byte) (void *context, uint32_t number, uint64_t address);
};
struct term_program;
struct term_program *term_program__new (const struct term *const *roots, unsigned n);
void term_program__run (struct term_program *program, const struct term_inputs *inputs);
/* The value of root I after the last run.  */
const uint64_t *term_program__value (const struct term_program *program, unsigned i);
void term_program__free (struct term_program *program);

/* The functions' meaning: RESULT of function__width bits.  ARG[i] points at WIDTH[i] bits.  Round to nearest, no
   flush to zero.  */
void function__compute (enum term_function function, const uint64_t *const *arg, const unsigned *width, unsigned n,
                        uint64_t *result);

#endif
