/* Reading and printing preprocessing tokens (C17 5.1.1.2 and 6.4, C++17 [lex]).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/c-tokens.h"

#include <string.h>

enum
{
  TAB = 8,
  CHARACTER_MOST = 12, /* bytes of a character constant that is shown: '\U0001f600' */
  DELIMITER_MOST = 16, /* of raw strings ([lex.string]) */
  HEADER_MOST = 512    /* of a header's name */
};

struct reader
{
  struct arena *arena;
  const char *p, *end;
  unsigned line, column;
  struct c_tokens *tokens;
  unsigned room;
  bool fresh;                            /* nothing but blanks and comments on this line so far */
  unsigned comment_line, comment_column; /* where the first of those comments is */
  bool space;                            /* blanks before what comes next */
  bool directive, include;
  struct why *why;
};

static bool
char__is_digit (char c)
{
  return c >= '0' && c <= '9';
}

static bool
char__is_letter (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* The length of a universal character name (backslash, u or U, four or eight digits) at AT; 0 where there is none.  */
static size_t
universal__length (const char *at, const char *end)
{
  if (end - at < 6 || at[0] != '\\' || (at[1] != 'u' && at[1] != 'U'))
    return 0;
  size_t length = at[1] == 'u' ? 6 : 10;
  return (size_t)(end - at) >= length && strspn (at + 2, "0123456789abcdefABCDEF") >= length - 2 ? length : 0;
}

size_t
c_identifier__length (const char *at, const char *end)
{
  const char *p = at;
  while (p < end)
    {
      size_t universal = universal__length (p, end);
      if (universal)
        p += universal;
      else if (char__is_letter (*p) || (p > at && char__is_digit (*p)))
        p++;
      else
        break;
    }
  return (size_t)(p - at);
}

size_t
c_number__length (const char *at, const char *end)
{
  const char *p = at;
  if (p < end && *p == '.')
    p++;
  if (p == end || !char__is_digit (*p))
    return 0;
  while (p < end)
    if (strchr ("eEpP", *p) && *p && p + 1 < end && (p[1] == '+' || p[1] == '-'))
      p += 2;
    else if (*p == '.' || char__is_digit (*p) || char__is_letter (*p)
             || (*p == '\'' && p + 1 < end && (char__is_digit (p[1]) || char__is_letter (p[1]))))
      p++;
    else
      break;
  return (size_t)(p - at);
}

bool
c_token__is (const struct c_token *token, const char *text)
{
  return strcmp (token->text, text) == 0;
}

/* The length of a line splice at P: a backslash, blanks (as GCC takes it), a newline.  0 where there is none.  */
static size_t
splice__length (const char *p, const char *end)
{
  if (p == end || *p != '\\')
    return 0;
  const char *q = p + 1;
  while (q < end && (*q == ' ' || *q == '\t' || *q == '\r' || *q == '\f' || *q == '\v'))
    q++;
  return q < end && *q == '\n' ? (size_t)(q + 1 - p) : 0;
}

/* Goes over one byte.  */
static void
reader__step (struct reader *reader)
{
  char c = *reader->p++;
  if (c == '\n')
    {
      reader->line++;
      reader->column = 1;
    }
  else if (c == '\t')
    reader->column += TAB - (reader->column - 1) % TAB;
  else
    reader->column++;
}

/* Goes over splices.  */
static void
reader__splices (struct reader *reader)
{
  for (size_t n; (n = splice__length (reader->p, reader->end));)
    while (n--)
      reader__step (reader);
}

/* The byte N places on, splices not counted; 0 at the end.  */
static char
reader__ahead (const struct reader *reader, unsigned n)
{
  const char *p = reader->p;
  for (;; n--)
    {
      for (size_t splice; (splice = splice__length (p, reader->end));)
        p += splice;
      if (p == reader->end || n == 0)
        return p == reader->end ? 0 : *p;
      p++;
    }
}

static char
reader__take (struct reader *reader)
{
  reader__splices (reader);
  char c = *reader->p;
  reader__step (reader);
  return c;
}

/* Begins a token at where the reader stands.  */
static struct c_token *
reader__token (struct reader *reader, enum c_token_kind kind)
{
  struct c_tokens *tokens = reader->tokens;
  if (tokens->n == reader->room)
    {
      unsigned room = reader->room ? 2 * reader->room : 1024;
      struct c_token *token = ARENA_ARRAY (reader->arena, struct c_token, room);
      if (tokens->n)
        memcpy (token, tokens->token, tokens->n * sizeof *token);
      tokens->token = token;
      reader->room = room;
    }
  struct c_token *token = &tokens->token[tokens->n++];
  bool behind_comment = reader->fresh && reader->comment_line == reader->line;
  *token = (struct c_token){ .kind = kind,
                             .line = reader->line,
                             .column = behind_comment ? reader->comment_column : reader->column,
                             .first = reader->fresh,
                             .space = reader->space };
  reader->fresh = reader->space = false;
  return token;
}

/* Gives TOKEN the next N bytes, splices left out.  */
static void
reader__spell (struct reader *reader, struct c_token *token, size_t n)
{
  char *text = arena__alloc (reader->arena, n + 1);
  for (size_t i = 0; i < n; i++)
    text[i] = reader__take (reader);
  token->text = text;
  token->length = (unsigned)n;
}

/* Goes to the end of the line.  */
static void
reader__skip_line (struct reader *reader)
{
  for (;;)
    {
      reader__splices (reader);
      if (reader->p == reader->end || *reader->p == '\n')
        return;
      reader__step (reader);
    }
}

/* Blanks and comments.  */
static int
reader__blanks (struct reader *reader)
{
  for (;;)
    {
      reader__splices (reader);
      if (reader->p == reader->end)
        return 0;
      char c = *reader->p;
      if (c == '\n')
        {
          reader->fresh = true;
          reader->directive = reader->include = false;
        }
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' || c == 0)
        {
          reader->space = true;
          reader__step (reader);
        }
      else if (c == '/' && reader__ahead (reader, 1) == '/')
        {
          reader->space = true;
          reader__skip_line (reader);
        }
      else if (c == '/' && reader__ahead (reader, 1) == '*')
        {
          unsigned line = reader->line;
          if (reader->fresh && reader->comment_line != line)
            {
              reader->comment_line = line;
              reader->comment_column = reader->column;
            }
          reader->space = true;
          reader__take (reader);
          reader__take (reader);
          while (!(reader__ahead (reader, 0) == '*' && reader__ahead (reader, 1) == '/'))
            {
              reader__splices (reader);
              if (reader->p == reader->end)
                return why__set (reader->why, REASON_SYNTAX, "line %u: a comment without an end", line);
              reader__step (reader);
            }
          reader__take (reader);
          reader__take (reader);
        }
      else
        return 0;
    }
}

/* The length of an encoding prefix before a quote, *RAW whether it says that the string is raw; -1 where no quote follows.  */
static int
reader__prefix (const struct reader *reader, bool *raw)
{
  static const char *const prefixes[] = { "", "L", "u", "U", "u8", "R", "LR", "uR", "UR", "u8R" };
  for (unsigned i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    {
      unsigned n = 0;
      while (prefixes[i][n] && reader__ahead (reader, n) == prefixes[i][n])
        n++;
      char quote = reader__ahead (reader, n);
      *raw = i >= 5;
      if (!prefixes[i][n] && (quote == '"' || (quote == '\'' && !*raw)))
        return (int)n;
    }
  return -1;
}

/* A raw string behind a prefix of N bytes; splices in it are none.  1 where it isn't one.  */
static int
reader__raw (struct reader *reader, unsigned n)
{
  char close[DELIMITER_MOST + 3];
  unsigned length = 0;
  close[length++] = ')';
  for (unsigned i = n + 1;; i++)
    {
      char c = reader__ahead (reader, i);
      if (c == '(')
        break;
      if (length > DELIMITER_MOST || !c || strchr (" )\\\t\v\f\n", c))
        return 1;
      close[length++] = c;
    }
  close[length++] = '"';
  unsigned line = reader->line;
  struct c_token *token = reader__token (reader, C_STRING);
  for (unsigned i = 0; i < n + length; i++) /* as many as prefix, quote, delimiter and parenthesis */
    reader__take (reader);
  const char *begin = reader->p;
  const char *found = memmem (begin, (size_t)(reader->end - begin), close, length);
  if (!found)
    return why__set (reader->why, REASON_SYNTAX, "line %u: a raw string without an end", line);
  token->contents = (unsigned)(found - begin);
  token->text = "\"\"";
  token->length = 2;
  while (reader->p < found + length)
    reader__step (reader);
  return 0;
}

/* A string or character constant behind a prefix of N bytes; the rest of the line is dropped where it isn't closed there.  */
static void
reader__quoted (struct reader *reader, unsigned n)
{
  char quote = reader__ahead (reader, n);
  struct reader probe = *reader; /* goes ahead */
  for (unsigned i = 0; i <= n; i++)
    reader__take (&probe);
  unsigned length = n + 1;
  for (;; length++)
    {
      reader__splices (&probe);
      if (probe.p == probe.end || *probe.p == '\n')
        {
          reader__skip_line (reader);
          return;
        }
      char c = reader__take (&probe);
      if (c == quote)
        break;
      if (c == '\\' && reader__ahead (&probe, 0) != 0 && reader__ahead (&probe, 0) != '\n')
        {
          reader__take (&probe);
          length++;
        }
    }
  struct c_token *token = reader__token (reader, quote == '"' ? C_STRING : C_CHARACTER);
  reader__spell (reader, token, length + 1);
  token->contents = length - n - 1;
  if (token->kind == C_CHARACTER && token->contents > CHARACTER_MOST - 2)
    {
      token->text = "'x'";
      token->length = 3;
    }
}

/* The punctuator that the reader is at: its length, and what it stands for where it is a digraph.  */
static unsigned
reader__punctuator (const struct reader *reader, const char **stands_for)
{
  static const char *const long_ones[]
      = { "%:%:", "...", "<<=", ">>=", "->*", "<=>", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||",
          "*=",   "/=",  "%=",  "+=",  "-=",  "&=",  "^=", "|=", "##", "::", ".*", "<:", ":>", "<%", "%>", "%:" };
  static const char *const digraphs[][2]
      = { { "%:%:", "##" }, { "<:", "[" }, { ":>", "]" }, { "<%", "{" }, { "%>", "}" }, { "%:", "#" } };
  *stands_for = NULL;
  for (unsigned i = 0; i < sizeof long_ones / sizeof *long_ones; i++)
    {
      unsigned n = 0;
      while (long_ones[i][n] && reader__ahead (reader, n) == long_ones[i][n])
        n++;
      if (long_ones[i][n])
        continue;
      /* "<::" is '<' and "::" unless ':' or '>' follows ([lex.pptoken]).  */
      if (strcmp (long_ones[i], "<:") == 0 && reader__ahead (reader, 2) == ':' && reader__ahead (reader, 3) != ':'
          && reader__ahead (reader, 3) != '>')
        return 1;
      for (unsigned d = 0; d < sizeof digraphs / sizeof *digraphs; d++)
        if (strcmp (long_ones[i], digraphs[d][0]) == 0)
          *stands_for = digraphs[d][1];
      return n;
    }
  return 1;
}

/* The name behind #include, or 1 where it is none.  */
static int
reader__header (struct reader *reader)
{
  char open = reader__ahead (reader, 0), close = open == '<' ? '>' : open == '"' ? '"' : 0;
  if (!close)
    return 1;
  for (unsigned n = 1; n < HEADER_MOST; n++)
    {
      char c = reader__ahead (reader, n);
      if (c == 0 || c == '\n')
        return 1;
      if (c == close)
        {
          reader__spell (reader, reader__token (reader, C_HEADER), n + 1);
          return 0;
        }
    }
  return 1;
}

/* One token.  */
static int
reader__read (struct reader *reader)
{
  /* As long as can be; spliced identifiers and numbers are put together first.  */
  char word[256];
  unsigned ahead = 0;
  while (ahead < sizeof word - 1)
    {
      char c = reader__ahead (reader, ahead);
      if (!(char__is_letter (c) || char__is_digit (c) || (c && strchr ("\\.'+-", c))))
        break;
      word[ahead++] = c;
    }
  word[ahead] = 0;
  unsigned before = reader->tokens->n;
  bool raw;
  int prefix = reader__prefix (reader, &raw), status;
  if (reader->include && before && reader__header (reader) == 0)
    {
      reader->include = false;
      reader->tokens->token[before].directive = true;
      return 0;
    }
  reader->include = false;
  if (prefix >= 0)
    {
      status = raw ? reader__raw (reader, (unsigned)prefix) : 1;
      if (status < 0)
        return -1;
      if (status > 0)
        reader__quoted (reader, (unsigned)prefix);
    }
  else
    {
      size_t length = c_number__length (word, word + ahead);
      enum c_token_kind kind = C_NUMBER;
      if (!length)
        {
          length = c_identifier__length (word, word + ahead);
          kind = C_IDENTIFIER;
        }
      if (length == sizeof word - 1)
        return why__set (reader->why, REASON_SYNTAX, "line %u: a word of over %zu bytes", reader->line, sizeof word - 2);
      const char *stands_for = NULL;
      if (!length)
        {
          length = reader__punctuator (reader, &stands_for);
          kind = C_PUNCTUATOR;
        }
      struct c_token *token = reader__token (reader, kind);
      reader__spell (reader, token, length);
      if (stands_for)
        {
          token->text = stands_for;
          token->length = (unsigned)strlen (stands_for);
        }
      if (token->first && c_token__is (token, "#"))
        reader->directive = token->hash = true;
      else if (reader->directive && before && reader->tokens->token[before - 1].hash
               && (c_token__is (token, "include") || c_token__is (token, "include_next") || c_token__is (token, "import")))
        reader->include = true;
    }
  for (; before < reader->tokens->n; before++)
    reader->tokens->token[before].directive = reader->directive;
  return 0;
}

int
c_tokens__read (struct arena *arena, const char *text, size_t length, struct c_tokens *tokens, struct why *why)
{
  if (memmem (text, length,
              "?"
              "?/",
              3))
    return why__set (why, REASON_SYNTAX, "a trigraph for a backslash, which may or may not be one");
  *tokens = (struct c_tokens){ 0 };
  struct reader reader = {
    .arena = arena, .p = text, .end = text + length, .line = 1, .column = 1, .tokens = tokens, .fresh = true, .why = why
  };
  for (;;)
    {
      if (reader__blanks (&reader) < 0)
        return -1;
      if (reader.p == reader.end)
        return 0;
      if (reader__read (&reader) < 0)
        return -1;
    }
}

/* Prints the spelling of TOKEN behind LAST; of strings as many 'x' as they have bytes, but for extern "C"; control characters,
   and what isn't ASCII outside of names, as '?'.  */
static void
token__print (FILE *out, const struct c_token *token, const struct c_token *last)
{
  bool linkage = last && c_token__is (last, "extern") && (c_token__is (token, "\"C\"") || c_token__is (token, "\"C++\""));
  if (token->kind == C_STRING && !linkage)
    {
      fputc ('"', out);
      for (unsigned i = 0; i < token->contents; i++)
        fputc ('x', out);
      fputc ('"', out);
      return;
    }
  for (unsigned i = 0; i < token->length; i++)
    {
      unsigned char c = (unsigned char)token->text[i];
      fputc ((c < 0x80 || token->kind == C_IDENTIFIER) && c >= ' ' && c != 127 ? c : '?', out);
    }
}

void
c_tokens__print (FILE *out, const struct c_tokens *tokens, unsigned from, unsigned end)
{
  enum
  {
    INDENT_MOST = 64
  };
  for (unsigned i = from; i < end; i++)
    {
      const struct c_token *token = &tokens->token[i], *last = i > from ? &tokens->token[i - 1] : NULL;
      bool new_line = last && token->line != last->line && (token->first || (token->directive && last->directive));
      if (new_line)
        {
          /* A directive goes on behind a splice; whatever else there was of them has no meaning.  */
          fputs (token->directive && !token->hash ? " \\\n" : "\n", out);
        }
      if (new_line || !last)
        {
          unsigned indent = token->hash || !(token->first || new_line) ? 0 : token->column - 1;
          fprintf (out, "%*s", (int)(indent < INDENT_MOST ? indent : INDENT_MOST), "");
        }
      else if (token->space)
        fputc (' ', out);
      token__print (out, token, last);
    }
}
