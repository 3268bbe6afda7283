/* What a function's final code is, as text: instructions, labels, read-only data.
   GCC's and clang's AT&T output is parsed into this; nothing reaches the assembler or a
   user's object file but what is printed from it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CODE_H
#define AIOPT_CODE_H

#include "machine/arena.h"
#include "machine/why.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* SYM - MINUS + ADD, with RELOC ("PLT", "GOTPCREL" or NULL).  SYM and MINUS may be NULL.  */
struct expr
{
  const char *sym;
  const char *minus;
  const char *reloc;
  int64_t add;
};

enum operand_kind
{
  OPERAND_REGISTER,  /* reg */
  OPERAND_IMMEDIATE, /* $expr */
  OPERAND_MEMORY,    /* segment:expr(base,index,scale) */
  OPERAND_TARGET     /* a branch's or call's bare expr */
};

struct operand
{
  enum operand_kind kind;
  bool indirect;         /* '*' before a branch operand */
  const char *reg;       /* without '%'; also base etc. below */
  const char *segment;   /* NULL or "fs", "gs", … */
  const char *base;      /* NULL or register; "rip" */
  const char *index;     /* NULL or register (vector registers for gathers) */
  uint8_t scale;         /* 1, 2, 4, 8; 0 where not written */
  const char *mask;      /* AVX-512 write mask register ("k1") or NULL */
  bool zeroing;          /* {z} */
  const char *broadcast; /* "1to8" or NULL; "sae", "rn-sae" … for a lone rounding operand */
  struct expr expr;
};

enum { INSN_OPERANDS_MAX = 6 };

struct insn
{
  const char *prefix; /* "rep", "lock", "notrack" … or NULL; several separated by a space */
  const char *mnemonic;
  unsigned n_operands;
  struct operand operand[INSN_OPERANDS_MAX]; /* in AT&T order */
};

enum item_kind
{
  ITEM_LABEL, /* label */
  ITEM_INSN,  /* insn */
  ITEM_ALIGN  /* align, align_max: .p2align in bytes, at most align_max bytes of padding */
};

struct item
{
  enum item_kind kind;
  const char *label;
  struct insn insn;
  unsigned align;
  unsigned align_max; /* 0: no limit */
  unsigned line;      /* in the text parsed, from 1 */
};

/* One cell of data: COUNT copies of BYTES[SIZE], or one expression of SIZE bytes.  */
struct cell
{
  unsigned size;
  const uint8_t *bytes; /* NULL: expr */
  struct expr expr;
};

/* A labelled run of read-only data (constants, jump tables).  */
struct data
{
  const char *label;
  unsigned align;  /* bytes, a power of two */
  size_t size;     /* bytes in all cells */
  unsigned n_cells;
  struct cell *cell;
};

/* One function.  All strings live in ARENA.  Local labels begin with ".L".  */
struct code
{
  struct arena *arena;
  const char *name;       /* the assembler name */
  unsigned n_items;
  struct item *item;      /* the body, from after the function's own label to its end */
  unsigned cold_from;     /* index of the first item of the .cold part; n_items when there is none */
  unsigned n_data;
  struct data *data;      /* every read-only datum reached from the body and defined in the text */
  unsigned n_symbols;
  const char **symbol;    /* non-local symbols used by body and data, sorted, self left out */
  bool endbr;             /* the body began with endbr64 (not among the items) */
  bool has_cfi;           /* .cfi_startproc was seen */
  unsigned n_noreturn;    /* symbols whose calls never return, where known (region__note_noreturn): */
  const char **noreturn;  /* unwind information must not follow them; code__parse leaves it empty */
};

/* Bytes of read-only data that are not in the text (GCC's constant pool).  */
struct constant
{
  const char *label;
  unsigned align;
  size_t size;
  const uint8_t *bytes;
};

/* Parses TEXT[LENGTH] (a whole unit's or one function's assembler output, AT&T syntax, any of -g,
   -fverbose-asm, C++) and extracts function NAME with the read-only data it reaches; CONSTANTS
   (N_CONSTANTS of them) stand for labels that the text doesn't define.  Read-only data is taken
   from .rodata sections only; jump tables and constants get local labels; symbols that are
   defined in the text's .rodata are copied, whatever their name, so that a name can't mean two
   things.  .cfi directives, debug labels and .loc lines are dropped.  STRICT refuses every
   directive that a candidate has no use for (REASON_DIRECTIVE), otherwise unknown directives
   outside the function are passed over.
   Returns 0 and *CODE, living in ARENA; or -1 and *WHY.  */
int code__parse (struct arena *arena, const char *text, size_t length, const char *name,
                 const struct constant *constants, unsigned n_constants, bool strict,
                 struct code **code, struct why *why);

/* Prints CODE in canonical form: labels renumbered from .L0 in order of first appearance, the
   function itself as "$self" where it is used, data after the body, unused data dropped,
   one instruction a line.  Two codes are the same code when their canonical forms are equal.
   code__parse_canonical reads it back.  Returned text lives in CODE's arena.  */
const char *code__canonical (const struct code *code);
int code__parse_canonical (struct arena *arena, const char *text, const char *name,
                           struct code **code, struct why *why);

/* Prints CODE as an assembler source of its own, for assembling alone: .text, the function as a
   global symbol, its data in .rodata.  Lives in CODE's arena.  */
const char *code__source (const struct code *code);

/* True where A and B are the same instruction but for the names of local labels.  */
bool insn__same (const struct insn *a, const struct insn *b);

/* Prints INSN as AT&T text without newline.  */
void insn__print (FILE *stream, const struct insn *insn);

#endif
