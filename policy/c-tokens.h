/* C and C++ source as preprocessing tokens: enough to cut a function and what it needs out of a file.
   Knows comments, strings, raw strings, character constants, line splices, digraphs and directives; no trigraphs.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_C_TOKENS_H
#define AIOPT_C_TOKENS_H

#include "machine/arena.h"
#include "machine/why.h"

#include <stdbool.h>
#include <stdio.h>

enum c_token_kind
{
  C_IDENTIFIER, /* and keywords */
  C_NUMBER,
  C_CHARACTER, /* 'x', with its prefix */
  C_STRING,    /* "x" and R"(x)", with prefix, quotes and suffix */
  C_HEADER,    /* <stdio.h> or "x.h" behind #include */
  C_PUNCTUATOR /* one to four characters; digraphs as what they stand for */
};

struct c_token
{
  enum c_token_kind kind;
  const char *text; /* LENGTH bytes, splices left out; zero-terminated */
  unsigned length;
  unsigned contents; /* of strings: bytes between the quotes, as written */
  unsigned line,
      column;     /* of its first byte, or of a comment that the line begins with, from 1; tabs go to the next multiple of 8 */
  bool first;     /* on its line */
  bool space;     /* blanks or a comment stood before it */
  bool directive; /* belongs to a preprocessing directive */
  bool hash;      /* the '#' that begins one */
};

struct c_tokens
{
  unsigned n;
  struct c_token *token;
};

/* Reads TEXT[LENGTH] into TOKENS, in ARENA; CXX: C++'s raw strings are known (GNU C knows them too).  Comments are left out,
   and so is the rest of a line from a quote on that isn't closed in it.  0, or -1 and *WHY (SYNTAX: trigraphs, a comment or raw
   string without an end).  */
int c_tokens__read (struct arena *arena, const char *text, size_t length, struct c_tokens *tokens, struct why *why);

/* Is TOKEN spelt TEXT?  */
bool c_token__is (const struct c_token *token, const char *text);

/* The bytes at AT that are one identifier (letters, digits, '_', '$', universal character names, bytes of UTF-8), before END; 0
   where none begins there.  */
size_t c_identifier__length (const char *at, const char *end);

/* The bytes at AT that are one preprocessing number, before END; 0 where none begins there.  */
size_t c_number__length (const char *at, const char *end);

/* Prints TOKENS FROM up to END, their lines and indentation kept, no newline at the end; contents of strings are as many 'x' as
   they have bytes.  */
void c_tokens__print (FILE *out, const struct c_tokens *tokens, unsigned from, unsigned end);

#endif
