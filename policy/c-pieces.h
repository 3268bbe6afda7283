/* A C or C++ file cut into pieces: declarations and definitions at file level, macros, conditionals, scopes; and which piece
   declares which name.  By tokens alone: nothing is preprocessed, and both sides of a conditional are there.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_C_PIECES_H
#define AIOPT_C_PIECES_H

#include "machine/names.h"
#include "policy/c-tokens.h"

enum piece_kind
{
  PIECE_DECLARATION,
  PIECE_FUNCTION, /* with a body, from token BODY on */
  PIECE_MACRO,
  PIECE_INCLUDE, /* of a standard header */
  PIECE_OPEN,
  PIECE_MIDDLE,
  PIECE_CLOSE /* of a conditional or a scope */
};

struct piece
{
  enum piece_kind kind;
  unsigned first, end;    /* tokens */
  unsigned body;          /* of functions: the '{' */
  unsigned name;          /* of functions: the token of the declarator's name; `end` where there is none */
  unsigned inside;        /* piece that it stands in the middle of (a macro in a function), or PIECE_NONE */
  unsigned open;          /* of MIDDLE and CLOSE: their OPEN */
  bool wanted, only_head; /* for who uses it: only_head: of a function without its body */
};

enum
{
  PIECE_NONE = ~0u
};

struct cutter
{
  struct arena *arena;
  struct c_tokens tokens;
  unsigned n, room;
  struct piece *piece;
  /* Which pieces declare a name: a list for each.  */
  struct names names;
  unsigned names_room, links_n, links_room;
  unsigned *first_link;
  struct
  {
    unsigned piece, next;
  } * link;
};

/* Cuts TEXT[LENGTH] into pieces, in ARENA.  What is never compiled (`#if 0`) and directives that mean nothing to the code are
   left out.  0, or -1 and *WHY (SYNTAX).  */
int cutter__read (struct arena *arena, const char *text, size_t length, struct cutter *cutter, struct why *why);

/* Token I; an empty one where there is none.  */
const struct c_token *cutter__token (const struct cutter *cutter, unsigned i);

/* Is token I spelt TEXT, or one of the NULL-terminated WORDS?  */
bool cutter__is (const struct cutter *cutter, unsigned i, const char *text);
bool cutter__is_one (const struct cutter *cutter, unsigned i, const char *const *words);

#endif
