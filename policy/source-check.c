/* A C text from a model has no effect but to be compiled, and learns nothing of the machine that it is compiled on: no
   file is read but a few standard headers, whatever is tried with macros.

   The text is split into tokens as GCC does it in -std=gnu17 and -std=gnu++20; what could be read in two ways (raw strings,
   trigraphs, digit separators in C, a quote that doesn't end on its line) is refused.  Then:
   - a directive is one of a few, an #include names one of a few headers in angle brackets, a #pragma is `GCC unroll` or `GCC ivdep`;
   - names that are reserved for compiler and library are those of a list.  So neither __has_include and _Pragma, nor a piece from
     which ## could make them, nor a macro of the library's that would (glibc has such), can be written;
   - there is no asm, but for a name that the region has anyway;
   - attributes are those of a list: no `target`, `optimize`, `section`, `ifunc`.
   None of this is for soundness: what the compiler makes of the text is parsed, verified and measured like everything else.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/source-check.h"
#include "policy/fallback.h"
#include "policy/unit.h"

#include <string.h>

enum kind
{
  TOKEN_END,
  TOKEN_NAME,
  TOKEN_NUMBER,
  TOKEN_STRING,
  TOKEN_CHARACTER,
  TOKEN_HEADER, /* <name> after #include */
  TOKEN_OTHER   /* one character */
};

struct token
{
  enum kind kind;
  bool first;       /* on its line */
  unsigned line;
  unsigned length;
  const char *text;
};

/* Where the check stands.  */
struct check
{
  const struct region *region;
  struct arena *arena;
  const char *p, *end;  /* of the text without line splices */
  unsigned line;
  bool line_begins;
  unsigned n, room;
  struct token *token;
  struct why *why;
};

#define HEADER(NAME) NAME,
#define HEADER_CXX(NAME)
#define ATTRIBUTE(NAME)
#define RESERVED(NAME)
#define RESERVED_FAMILY(NAME)
static const char *const headers[] = {
#include "policy/source-check.def"
};
#undef HEADER
#undef HEADER_CXX
#define HEADER(NAME)
#define HEADER_CXX(NAME) NAME,
static const char *const headers_cxx[] = {
#include "policy/source-check.def"
};
#undef HEADER_CXX
#undef ATTRIBUTE
#define HEADER_CXX(NAME)
#define ATTRIBUTE(NAME) NAME,
static const char *const attributes[] = {
#include "policy/source-check.def"
};
#undef ATTRIBUTE
#undef RESERVED
#define ATTRIBUTE(NAME)
#define RESERVED(NAME) NAME,
static const char *const reserved[] = {
#include "policy/source-check.def"
};
#undef RESERVED
#undef RESERVED_FAMILY
#define RESERVED(NAME)
#define RESERVED_FAMILY(NAME) NAME,
static const char *const reserved_families[] = {
#include "policy/source-check.def"
};

#define COUNT(ARRAY) (sizeof (ARRAY) / sizeof *(ARRAY))

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

static bool
begins_name (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool
goes_on (char c)
{
  return begins_name (c) || is_digit (c);
}

/* Is TEXT[LENGTH] one of LIST?  */
static bool
is_among (const char *text, size_t length, const char *const *list, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (strlen (list[i]) == length && memcmp (text, list[i], length) == 0)
      return true;
  return false;
}

static bool
token__is (const struct token *token, const char *text)
{
  return token->length == strlen (text) && memcmp (token->text, text, token->length) == 0;
}

/* Refuses what stands at LINE.  */
static int
check__refuse (const struct check *check, unsigned line, const char *what, unsigned length, const char *reason)
{
  return why__set (check->why, REASON_FORBIDDEN, "candidate line %u: '%.*s': %s", line, length > 60 ? 60 : (int) length, what,
                   reason);
}

/* The text without carriage returns at line ends and without line splices; the newlines of splices follow the line, so
   that lines keep their numbers.  A backslash with blanks behind it splices, as GCC has it.  */
static int
check__join_lines (struct check *check, const char *text, size_t length)
{
  char *copy = arena__alloc (check->arena, length + 1);
  size_t n = 0;
  unsigned pending = 0, line = 1;
  for (size_t i = 0; i < length; i++)
    {
      unsigned char c = (unsigned char) text[i];
      if (c == '\r' && i + 1 < length && text[i + 1] == '\n')
        continue;
      if (c != '\n' && c != '\t' && (c < ' ' || c == 127))
        return why__set (check->why, REASON_FORBIDDEN, "candidate line %u: control character %u", line, c);
      if (c == '\\')
        {
          size_t end = i + 1;
          while (end < length && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r'))
            end++;
          if (end < length && text[end] == '\n')
            {
              pending++;
              line++;
              i = end;
              continue;
            }
        }
      if (c == '?' && i + 2 < length && text[i + 1] == '?' && strchr ("=/'()!<>-", text[i + 2]))
        return why__set (check->why, REASON_FORBIDDEN, "candidate line %u: a trigraph", line);
      copy[n++] = (char) c;
      if (c == '\n')
        for (line++; pending; pending--)
          copy[n++] = '\n';
    }
  check->p = copy;
  check->end = copy + n;
  return 0;
}

/* Skips blanks and comments.  */
static int
check__skip (struct check *check)
{
  while (check->p < check->end)
    {
      char c = *check->p;
      if (c == '\n')
        {
          check->line++;
          check->line_begins = true;
          check->p++;
        }
      else if (c == ' ' || c == '\t')
        check->p++;
      else if (c == '/' && check->p + 1 < check->end && check->p[1] == '/')
        while (check->p < check->end && *check->p != '\n')
          check->p++;
      else if (c == '/' && check->p + 1 < check->end && check->p[1] == '*')
        {
          const char *close = memmem (check->p + 2, (size_t) (check->end - check->p - 2), "*/", 2);
          if (!close)
            return check__refuse (check, check->line, "/*", 2, "a comment that doesn't end");
          for (; check->p < close + 2; check->p++)
            check->line += *check->p == '\n';
        }
      else
        break;
    }
  return 0;
}

/* Is the next thing the name in angle brackets of an #include?  */
static bool
check__is_header (const struct check *check)
{
  const struct token *last = check->token + check->n;
  return check->n >= 2 && !check->line_begins && last[-2].first && token__is (&last[-2], "#") && last[-1].kind == TOKEN_NAME
         && token__is (&last[-1], "include");
}

/* Reads the string or character constant at P, which ends on its line.  */
static int
check__quoted (struct check *check, struct token *token)
{
  const char *start = check->p;
  char quote = *check->p++;
  while (check->p < check->end && *check->p != quote && *check->p != '\n')
    check->p += *check->p == '\\' && check->p + 1 < check->end && check->p[1] != '\n' ? 2 : 1;
  if (check->p >= check->end || *check->p != quote)
    return check__refuse (check, check->line, start, 1, "a quote that doesn't end on its line");
  check->p++;
  token->kind = quote == '"' ? TOKEN_STRING : TOKEN_CHARACTER;
  return 0;
}

/* Reads the next token.  */
static int
check__token (struct check *check)
{
  if (check__skip (check) < 0)
    return -1;
  if (check->n == check->room)
    {
      unsigned room = check->room ? 2 * check->room : 1024;
      struct token *larger = ARENA_ARRAY (check->arena, struct token, room);
      if (check->n)
        memcpy (larger, check->token, check->n * sizeof *larger);
      check->token = larger;
      check->room = room;
    }
  struct token *token = &check->token[check->n];
  *token = (struct token){ .first = check->line_begins, .line = check->line, .text = check->p };
  if (check->p == check->end)
    {
      check->n++;
      return 0;
    }
  const char *start = check->p;
  char c = *start;
  if (c == '<' && check__is_header (check))
    {
      while (check->p < check->end && *check->p != '>' && *check->p != '\n')
        check->p++;
      if (check->p == check->end || *check->p != '>')
        return check__refuse (check, check->line, start, (unsigned) (check->p - start), "no header's name");
      check->p++;
      token->kind = TOKEN_HEADER;
    }
  else if (c == '"' || c == '\'')
    {
      const struct token *last = check->n ? token - 1 : NULL;
      bool joined = last && last->text + last->length == start;
      if (joined && c == '\'' && last->kind == TOKEN_NUMBER)
        return check__refuse (check, check->line, start, 1, "a quote in or behind a number");
      if (joined && c == '"' && last->kind == TOKEN_NAME && last->text[last->length - 1] == 'R')
        return check__refuse (check, check->line, last->text, last->length, "a raw string");
      if (check__quoted (check, token) < 0)
        return -1;
    }
  else if (begins_name (c))
    {
      while (check->p < check->end && goes_on (*check->p))
        check->p++;
      token->kind = TOKEN_NAME;
    }
  else if (is_digit (c) || (c == '.' && start + 1 < check->end && is_digit (start[1])))
    {
      while (check->p < check->end
             && (goes_on (*check->p) || *check->p == '.'
                 || ((*check->p == '+' || *check->p == '-') && strchr ("eEpP", check->p[-1]))))
        check->p++;
      token->kind = TOKEN_NUMBER;
    }
  else if ((unsigned char) c >= 0x80 || c == '\\' || c == '@' || c == '`')
    {
      check->p++;
      /* All of its bytes, where it has several.  */
      while (check->p < check->end && ((unsigned char) *check->p & 0xc0) == 0x80)
        check->p++;
      return check__refuse (check, check->line, start, (unsigned) (check->p - start), "not in C but in comments and strings");
    }
  else
    {
      check->p++;
      token->kind = TOKEN_OTHER;
      if (check->p < check->end && c == '%' && *check->p == ':')
        return check__refuse (check, check->line, start, 2, "a digraph");
      if (check->p < check->end && c == '<' && *check->p == ':')
        return check__refuse (check, check->line, start, 2, "a digraph");
    }
  token->length = (unsigned) (check->p - start);
  check->line_begins = false;
  check->n++;
  return 0;
}

/* The directive whose '#' is TOKEN.  */
static int
check__directive (const struct check *check, const struct token *token)
{
  static const char *const directives[]
    = { "define", "undef", "if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif", "error", "warning" };
  const struct token *name = token + 1, *next = token + 2;
  if (name->kind == TOKEN_END || name->first)
    return 0; /* a '#' alone is none */
  if (name->kind != TOKEN_NAME)
    return check__refuse (check, token->line, name->text, name->length, "no line markers");
  if (is_among (name->text, name->length, directives, COUNT (directives)))
    return 0;
  if (token__is (name, "include"))
    {
      if (next->kind == TOKEN_HEADER && !next->first
          && (is_among (next->text + 1, next->length - 2, headers, COUNT (headers))
              || (region__is_cxx (check->region)
                  && is_among (next->text + 1, next->length - 2, headers_cxx, COUNT (headers_cxx)))))
        return 0;
      return check__refuse (check, token->line, next->text, next->length,
                            "only <immintrin.h>, <stdint.h>, <stddef.h>, <string.h> and the like may be included; declare the rest");
    }
  if (token__is (name, "pragma") && next->kind == TOKEN_NAME && !next->first && token__is (next, "GCC")
      && !next[1].first && (token__is (next + 1, "unroll") || token__is (next + 1, "ivdep")))
    return 0;
  if (token__is (name, "pragma"))
    return check__refuse (check, token->line, next->text, next->length,
                          "only #pragma GCC unroll and GCC ivdep; instruction sets and optimizations are asked for by flags");
  return check__refuse (check, token->line, name->text, name->length, "a directive that a candidate has no use for");
}

/* Is TOKEN an attribute that may be used, as NAME or __NAME__?  */
static bool
token__is_attribute (const struct token *token)
{
  const char *text = token->text;
  unsigned length = token->length;
  if (length > 4 && memcmp (text, "__", 2) == 0 && memcmp (text + length - 2, "__", 2) == 0)
    {
      text += 2;
      length -= 4;
    }
  return is_among (text, length, attributes, COUNT (attributes));
}

/* A name TOKEN that the language reserves for compiler and library.  */
static int
check__reserved (const struct check *check, const struct token *token)
{
  const char *text = token->text;
  unsigned length = token->length;
  bool alone = length == 1 && text[0] == '_';
  if (!alone && !(length > 1 && text[0] == '_' && (text[1] == '_' || (text[1] >= 'A' && text[1] <= 'Z'))))
    return 0;
  if (token__is (token, check->region->function) || is_among (text, length, reserved, COUNT (reserved))
      || token__is_attribute (token))
    return 0;
  for (size_t i = 0; i < COUNT (reserved_families); i++)
    {
      size_t family = strlen (reserved_families[i]);
      if (length >= family && memcmp (text, reserved_families[i], family) == 0)
        return 0;
    }
  for (unsigned i = 0; i < check->region->n_callees; i++)
    if (check->region->callee[i].name && token__is (token, check->region->callee[i].name))
      return 0;
  for (unsigned i = 0; i < check->region->n_globals; i++)
    if (check->region->global[i].name && token__is (token, check->region->global[i].name))
      return 0;
  return check__refuse (check, token->line, text, length, "a name reserved for compiler and library; choose another");
}

/* An asm at TOKEN: only the name of the function, or of the original, behind a declaration.  */
static int
check__asm (const struct check *check, const struct token *token)
{
  const struct token *string = token + 2;
  if (token__is (token + 1, "(") && string->kind == TOKEN_STRING && token__is (string + 1, ")"))
    {
      struct token inner = { .text = string->text + 1, .length = string->length - 2 };
      if (token__is (&inner, check->region->function) || token__is (&inner, FALLBACK_NAME))
        return 0;
    }
  return check__refuse (check, token->line, token->text, token->length,
                        "no assembler in C; write intrinsics, or a candidate of form asm");
}

/* The attributes in the brackets or parentheses that open at TOKEN, DEPTH of them; those inside carry arguments.  */
static int
check__attributes (const struct check *check, const struct token *token, unsigned depth)
{
  unsigned open = 0;
  for (; token->kind != TOKEN_END; token++)
    {
      if (token->kind == TOKEN_OTHER && strchr ("([", *token->text))
        open++;
      else if (token->kind == TOKEN_OTHER && strchr (")]", *token->text))
        {
          if (open <= 1)
            return 0;
          open--;
        }
      else if (token->kind == TOKEN_NAME && open <= depth)
        {
          bool scope = token[1].kind == TOKEN_OTHER && *token[1].text == ':';
          if (!(scope && token__is (token, "gnu")) && !token__is_attribute (token))
            return check__refuse (check, token->line, token->text, token->length, "an attribute that a candidate may not use");
        }
    }
  return 0;
}

int
source__check (const struct region *region, const char *text, size_t length, struct why *why)
{
  struct check check = { .region = region, .arena = arena__new (), .line = 1, .line_begins = true, .why = why };
  int result = check__join_lines (&check, text, length);
  while (result == 0 && (check.n == 0 || check.token[check.n - 1].kind != TOKEN_END))
    result = check__token (&check);
  for (unsigned i = 0; result == 0 && i < check.n; i++)
    {
      const struct token *token = &check.token[i];
      if (token->kind == TOKEN_OTHER && token->first && *token->text == '#')
        result = check__directive (&check, token);
      else if (token->kind == TOKEN_OTHER && *token->text == '[' && *token[1].text == '[' && token[1].kind == TOKEN_OTHER)
        result = check__attributes (&check, token, 2);
      else if (token->kind != TOKEN_NAME)
        continue;
      else if (token__is (token, "asm") || token__is (token, "__asm") || token__is (token, "__asm__"))
        result = check__asm (&check, token);
      else if (token__is (token, "__attribute__") || token__is (token, "__attribute"))
        result = check__attributes (&check, token + 1, 2);
      else
        result = check__reserved (&check, token);
    }
  arena__free (check.arena);
  return result;
}
