/* What is known of a unit's symbols while a function is being read from its text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CODE_UNIT_H
#define AIOPT_CODE_UNIT_H

#include "machine/code-text.h"
#include "machine/names.h"

enum section_class
{
  SECTION_TEXT,
  SECTION_RODATA,
  SECTION_OTHER
};

enum symbol_kind
{
  SYMBOL_UNDEFINED,
  SYMBOL_BODY, /* a label in the function: item */
  SYMBOL_DATA, /* a label in .rodata: at */
  SYMBOL_SET,  /* .set: value */
  SYMBOL_OTHER /* defined elsewhere in the unit: other code, writable data */
};

struct symbol
{
  enum symbol_kind kind;
  bool global;        /* .globl or .weak */
  bool used;          /* SYMBOL_BODY: something refers to it */
  const char *at;     /* SYMBOL_DATA: the text after the label */
  unsigned align;     /* SYMBOL_DATA */
  unsigned alias_of;  /* SYMBOL_DATA: another symbol at the same place, or NAME_NONE */
  unsigned data;      /* SYMBOL_DATA: index in code->data + 1 once it is reached */
  struct expr value;  /* SYMBOL_SET */
};

struct unit
{
  struct arena *arena;
  struct why *why;
  const char *end;         /* of the text */
  bool strict;
  struct names names;
  unsigned symbol_room;
  struct symbol *symbol;   /* one for each of names.name */
  struct numeric numeric;  /* as the text stands */
  unsigned n_constants;
  const struct constant *constant;
  struct code *code;
  unsigned data_room;
};

/* One statement: BODY without label, comment and blanks around it; NEXT stands after it.  */
struct statement
{
  struct span label; /* "name" of "name:", or empty; the numeric ones too */
  struct span body;
  const char *next;
  bool app;          /* the comment "#APP" */
  unsigned lines;    /* newlines passed */
  bool bad;          /* an unterminated string */
};

/* Reads the statement at P.  A label ends a statement.  */
void statement__read (const char *p, const char *end, struct statement *statement);

/* The number of the symbol TEXT[LENGTH], entered where it is new.  */
unsigned unit__symbol (struct unit *unit, const char *text, size_t length);

/* The name of the label that LABEL defines, numeric ones made unique (and counted).  */
int unit__define (struct unit *unit, struct span label, unsigned *symbol);

/* Reads the data at symbol NUMBER into code->data[symbol->data - 1].cell; its expressions are left
   as they are.  */
int unit__read_data (struct unit *unit, unsigned number);

/* Resolves every symbol that body and data use, reaching further data, drops the labels that
   nothing refers to, and lists the outer symbols.  */
int unit__resolve (struct unit *unit);

/* Fills code->symbol.  */
void code__list_symbols (struct code *code);

/* Alignment in bytes of ".p2align", ".align" or ".balign" with arguments ARGUMENTS: 0 and *ALIGN,
   *MOST; -1 and *WHY.  */
int unit__align (struct unit *unit, struct span directive, struct span arguments, unsigned *align,
                 unsigned *most);

/* Splits BODY into its first word and the rest.  */
struct span span__word (struct span *body);

/* Is DIRECTIVE an alignment?  */
bool directive__aligns (struct span directive);

#endif
