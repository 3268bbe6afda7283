/* Reading assembler text: what the files of code__parse share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CODE_TEXT_H
#define AIOPT_CODE_TEXT_H

#include "machine/code.h"
#include <string.h>

/* Numeric labels ("1:", "1b", "1f") become local labels of their own; a number's count says how
   often it was defined so far.  */
enum { NUMERIC_LABELS = 100 };

struct numeric
{
  unsigned count[NUMERIC_LABELS];
};

/* A piece of text, not terminated.  */
struct span
{
  const char *p, *end;
};

static inline bool
char__blank (char c)
{
  return c == ' ' || c == '\t';
}

static inline bool
char__digit (char c)
{
  return c >= '0' && c <= '9';
}

static inline bool
char__lower (char c)
{
  return (c >= 'a' && c <= 'z') || char__digit (c);
}

/* May stand in a symbol ('@' separates the relocation and does not).  */
static inline bool
char__symbol (char c)
{
  return char__lower (c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '$';
}

static inline void
span__skip_blanks (struct span *span)
{
  while (span->p < span->end && char__blank (*span->p))
    span->p++;
}

static inline bool
span__is (struct span span, const char *text)
{
  size_t length = strlen (text);
  return (size_t) (span.end - span.p) == length && memcmp (span.p, text, length) == 0;
}

static inline bool
span__starts (struct span span, const char *text)
{
  size_t length = strlen (text);
  return (size_t) (span.end - span.p) >= length && memcmp (span.p, text, length) == 0;
}

/* True for ".L…", the assembler's local labels.  */
static inline bool
symbol__local (const char *symbol)
{
  return symbol[0] == '.' && symbol[1] == 'L';
}

/* Reads a number (decimal, 0x…, 0… octal as the assembler has it) that ends where no symbol
   character follows; false where there is none or it exceeds 64 bits.  */
bool span__number (struct span *span, uint64_t *value);

/* Reads an expression up to what can't belong to it.  0, or -1 and *WHY.  */
int span__expr (struct arena *arena, struct span *span, const struct numeric *numeric,
                struct expr *expr, struct why *why);

/* Reads one instruction, the whole of SPAN, into *INSN (zeroed).  A lone prefix gives an
   instruction whose mnemonic is NULL.  0, or -1 and *WHY.  */
int span__insn (struct arena *arena, struct span span, const struct numeric *numeric,
                struct insn *insn, struct why *why);

/* Gives the name to print for SYMBOL.  */
typedef const char *name_of (void *context, const char *symbol);

/* Text that grows by doubling in an arena.  The printers of the key's text write into it: stdio
   would cost most of their time.  */
struct buffer
{
  struct arena *arena;
  char *text;
  size_t length, size;
};

void buffer__add (struct buffer *buffer, const char *text, size_t length);
void buffer__str (struct buffer *buffer, const char *text);
void buffer__number (struct buffer *buffer, int64_t number);
/* NAME_OF may be NULL: names as they are.  */
void buffer__expr (struct buffer *buffer, const struct expr *expr, name_of *name_of, void *context);
void buffer__insn (struct buffer *buffer, const struct insn *insn, name_of *name_of, void *context);

/* An alignment, and the cells of DATA, as directives.  */
void buffer__align (struct buffer *buffer, unsigned align, unsigned most);
void buffer__data (struct buffer *buffer, const struct data *data, name_of *name_of, void *context);

/* The terminated text.  */
const char *buffer__finish (struct buffer *buffer);

#endif
