/* Cutting a file into pieces.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/c-pieces.h"

#include <string.h>

enum
{
  NESTING_MOST = 64
}; /* conditionals, scopes within each other */

const struct c_token *
cutter__token (const struct cutter *cutter, unsigned i)
{
  static const struct c_token none = { .kind = C_PUNCTUATOR, .text = "" };
  return i < cutter->tokens.n ? &cutter->tokens.token[i] : &none;
}

bool
cutter__is (const struct cutter *cutter, unsigned i, const char *text)
{
  return c_token__is (cutter__token (cutter, i), text);
}

/* Is token I one of the NULL-terminated WORDS?  */
bool
cutter__is_one (const struct cutter *cutter, unsigned i, const char *const *words)
{
  for (; *words; words++)
    if (cutter__is (cutter, i, *words))
      return true;
  return false;
}

static bool
token__opens (const struct c_token *token)
{
  return token->kind == C_PUNCTUATOR && token->length == 1 && strchr ("([{", *token->text);
}

static bool
token__closes (const struct c_token *token)
{
  return token->kind == C_PUNCTUATOR && token->length == 1 && strchr (")]}", *token->text);
}

static struct piece *
cutter__add (struct cutter *cutter, enum piece_kind kind, unsigned first, unsigned end)
{
  if (cutter->n == cutter->room)
    {
      unsigned room = cutter->room ? 2 * cutter->room : 256;
      struct piece *piece = ARENA_ARRAY (cutter->arena, struct piece, room);
      if (cutter->n)
        memcpy (piece, cutter->piece, cutter->n * sizeof *piece);
      cutter->piece = piece;
      cutter->room = room;
    }
  struct piece *piece = &cutter->piece[cutter->n++];
  *piece = (struct piece){ .kind = kind, .first = first, .end = end, .name = end, .inside = PIECE_NONE, .open = PIECE_NONE };
  return piece;
}

/* The end of the directive that begins at token I.  */
static unsigned
directive__end (const struct cutter *cutter, unsigned i)
{
  for (i++; i < cutter->tokens.n && cutter->tokens.token[i].directive && !cutter->tokens.token[i].hash; i++)
    ;
  return i;
}

static const char *const opens_conditional[] = { "if", "ifdef", "ifndef", NULL };
static const char *const goes_on[] = { "else", "elif", "elifdef", "elifndef", NULL };

/* Leaves out what is never compiled, and directives that mean nothing to the code: `#if 0` up to its #else or #endif, #error,
   #line, #pragma of no compiler's.  Text in them needn't be C at all.  */
static void
cutter__drop_dead (struct cutter *cutter)
{
  static const char *const kept[]
      = { "define", "undef", "include", "if", "ifdef", "ifndef", "else", "elif", "elifdef", "elifndef", "endif", NULL };
  static const char *const pragmas[] = { "GCC", "omp", "STDC", NULL };
  struct c_token *token = cutter->tokens.token;
  unsigned to = 0, depth = 0, dead = 0; /* dead: the depth of the `#if 0` that hides what is read */
  unsigned zeros[NESTING_MOST] = { 0 }; /* depths of `#if 0` whose #else is being kept */
  unsigned n_zeros = 0;
  for (unsigned i = 0, end; i < cutter->tokens.n; i = end)
    {
      bool keep = !dead;
      end = i + 1;
      if (token[i].hash)
        {
          end = directive__end (cutter, i);
          if (cutter__is_one (cutter, i + 1, opens_conditional))
            {
              depth++;
              if (!dead && cutter__is (cutter, i + 1, "if") && end == i + 3 && cutter__is (cutter, i + 2, "0"))
                {
                  dead = depth;
                  keep = false;
                }
            }
          else if (cutter__is (cutter, i + 1, "else") && depth && dead == depth)
            {
              dead = 0;
              keep = false;
              if (n_zeros < NESTING_MOST)
                zeros[n_zeros++] = depth;
            }
          else if (cutter__is (cutter, i + 1, "endif") && depth)
            {
              if (dead == depth)
                dead = 0, keep = false;
              else if (n_zeros && zeros[n_zeros - 1] == depth)
                n_zeros--, keep = false;
              depth--;
            }
          if (cutter__is (cutter, i + 1, "pragma"))
            keep = keep && end > i + 2 && cutter__is_one (cutter, i + 2, pragmas);
          else
            keep = keep && cutter__is_one (cutter, i + 1, kept);
        }
      if (keep)
        {
          memmove (token + to, token + i, (end - i) * sizeof *token);
          to += end - i;
        }
    }
  cutter->tokens.n = to;
}

/* Words before a parenthesis that don't declare anything.  */
static const char *const no_declarators[] = { "__attribute__", "__attribute",    "__declspec",    "alignas",  "_Alignas",
                                              "asm",           "__asm__",        "__asm",         "decltype", "typeof",
                                              "__typeof__",    "__typeof",       "noexcept",      "requires", "explicit",
                                              "throw",         "_Static_assert", "static_assert", "sizeof",   "if",
                                              "for",           "while",          "switch",        "return",   NULL };
/* Words that are never declared.  */
static const char *const keywords[]
    = { "struct",   "union",         "enum",      "class",     "const",     "volatile",   "static",   "extern",
        "inline",   "register",      "typedef",   "signed",    "unsigned",  "char",       "short",    "int",
        "long",     "float",         "double",    "void",      "_Bool",     "bool",       "auto",     "operator",
        "template", "typename",      "public",    "private",   "protected", "default",    "else",     "using",
        "friend",   "virtual",       "constexpr", "namespace", "restrict",  "__restrict", "__inline", "__extension__",
        "__thread", "_Thread_local", NULL };
static const char *const aggregates[] = { "struct", "union", "enum", "class", NULL };

/* What the '{' at token I, at depth 0 of the item that begins at FIRST, begins.  */
enum brace
{
  BRACE_BODY,
  BRACE_VALUE,
  BRACE_TYPE,
  BRACE_SCOPE
};

static enum brace
cutter__brace (const struct cutter *cutter, unsigned first, unsigned i)
{
  unsigned depth = 0, n_parentheses = 0;
  bool type = false, assigned = false;
  for (unsigned t = first; t < i; t++)
    {
      const struct c_token *token = cutter__token (cutter, t);
      if (token__opens (token))
        {
          if (!depth++ && *token->text == '(' && t > first && !cutter__is_one (cutter, t - 1, no_declarators))
            {
              n_parentheses++;
              type = false; /* struct x *f (…) */
            }
        }
      else if (token__closes (token))
        depth -= depth > 0;
      else if (depth)
        continue;
      else if (cutter__is_one (cutter, t, aggregates))
        type = true;
      else if (c_token__is (token, "=") && !cutter__is (cutter, t - 1, "operator"))
        assigned = true;
    }
  if (assigned)
    return BRACE_VALUE;
  if (type)
    return BRACE_TYPE;
  if (n_parentheses)
    {
      /* C++'s member initialisers: `x () : a{1}, b{2} {`.  */
      bool initialisers = false;
      depth = 0;
      for (unsigned t = first; t < i; t++)
        {
          const struct c_token *token = cutter__token (cutter, t);
          depth += token__opens (token);
          depth -= token__closes (token) && depth;
          initialisers |= !depth && c_token__is (token, ":") && cutter__is (cutter, t - 1, ")");
        }
      return initialisers && (cutter__token (cutter, i - 1)->kind == C_IDENTIFIER || cutter__is (cutter, i - 1, ">"))
                 ? BRACE_VALUE
                 : BRACE_BODY;
    }
  for (unsigned t = first; t < i; t++)
    if (cutter__is (cutter, t, "namespace")
        || (cutter__is (cutter, t, "extern") && cutter__token (cutter, t + 1)->kind == C_STRING))
      return BRACE_SCOPE;
  return BRACE_VALUE;
}

/* Words that may stand behind a function's parameters.  */
static const char *const trailers[] = { "const",   "volatile",      "noexcept",    "override", "final",   "throw",  "try", "requires",
                                        "mutable", "__attribute__", "__attribute", "__asm__",  "__asm", "asm", "__restrict", NULL };

/* The name that the function from token FIRST to its body at BODY declares, or BODY.  A parenthesis with a word behind it belongs to a macro
   in front of the function: `HOT ("…") int f (void)`.  */
static unsigned
cutter__declarator (const struct cutter *cutter, unsigned first, unsigned body)
{
  unsigned depth = 0, name = body;
  for (unsigned t = first; t < body; t++)
    {
      const struct c_token *token = cutter__token (cutter, t);
      if (token__opens (token))
        {
          if (!depth++ && t > first && *token->text == '(' && cutter__token (cutter, t - 1)->kind == C_IDENTIFIER
              && !cutter__is_one (cutter, t - 1, no_declarators))
            name = t - 1;
        }
      else if (token__closes (token))
        {
          depth -= depth > 0;
          if (!depth && name < body
              && (cutter__token (cutter, t + 1)->kind != C_IDENTIFIER || cutter__is_one (cutter, t + 1, trailers)))
            return name;
        }
    }
  return name;
}

/* Makes the conditional OPEN and all pieces after it part of the item that is being read: a conditional that ends in the middle
   of it.  The item's new first token.  */
static unsigned
cutter__swallow (struct cutter *cutter, unsigned open)
{
  unsigned first = cutter->piece[open].first;
  cutter->n = open;
  return first;
}

/* Cuts the file into pieces.  */
static void
cutter__cut (struct cutter *cutter)
{
  struct
  {
    unsigned depth, piece;
    bool in_item;
  } conditional[NESTING_MOST];
  unsigned scope[NESTING_MOST];
  unsigned n_conditionals = 0, n_scopes = 0, depth = 0, first = PIECE_NONE, body = PIECE_NONE;
  unsigned macros[NESTING_MOST], n_macros = 0; /* first tokens of macros within the item */
  for (unsigned i = 0, end; i < cutter->tokens.n; i = end)
    {
      const struct c_token *token = cutter__token (cutter, i);
      end = i + 1;
      bool done = false;
      if (token->hash)
        {
          end = directive__end (cutter, i);
          bool in_item = first != PIECE_NONE;
          if (cutter__is_one (cutter, i + 1, opens_conditional))
            {
              if (!in_item)
                cutter__add (cutter, PIECE_OPEN, i, end);
              if (n_conditionals < NESTING_MOST)
                {
                  conditional[n_conditionals].depth = depth;
                  conditional[n_conditionals].piece = cutter->n - 1;
                  conditional[n_conditionals].in_item = in_item;
                }
              n_conditionals++;
            }
          else if (cutter__is_one (cutter, i + 1, goes_on) || cutter__is (cutter, i + 1, "endif"))
            {
              bool closes = cutter__is (cutter, i + 1, "endif");
              if (!n_conditionals || n_conditionals > NESTING_MOST)
                {
                  n_conditionals -= closes && n_conditionals;
                  continue;
                }
              unsigned c = n_conditionals - 1;
              if (in_item && !conditional[c].in_item)
                {
                  first = cutter__swallow (cutter, conditional[c].piece);
                  for (unsigned outer = 0; outer <= c; outer++)
                    conditional[outer].in_item |= conditional[outer].piece >= cutter->n;
                }
              if (!conditional[c].in_item)
                cutter__add (cutter, closes ? PIECE_CLOSE : PIECE_MIDDLE, i, end)->open = conditional[c].piece;
              else if (!closes)
                depth = conditional[c].depth; /* each branch begins as the first did */
              n_conditionals -= closes;
            }
          else if (cutter__is (cutter, i + 1, "define") || cutter__is (cutter, i + 1, "undef"))
            {
              if (!in_item)
                cutter__add (cutter, PIECE_MACRO, i, end);
              else if (n_macros < NESTING_MOST)
                macros[n_macros++] = i;
            }
          else if (cutter__is (cutter, i + 1, "include") && !in_item)
            cutter__add (cutter, PIECE_INCLUDE, i, end);
          continue;
        }
      if (first == PIECE_NONE)
        {
          if (c_token__is (token, ";"))
            continue;
          if (c_token__is (token, "}"))
            {
              if (n_scopes)
                cutter__add (cutter, PIECE_CLOSE, i, end)->open = scope[--n_scopes];
              continue;
            }
          first = i;
          body = PIECE_NONE;
        }
      if (token__opens (token))
        {
          if (!depth && *token->text == '{' && body == PIECE_NONE)
            {
              enum brace brace = cutter__brace (cutter, first, i);
              if (brace == BRACE_SCOPE && n_scopes < NESTING_MOST)
                {
                  scope[n_scopes++] = cutter->n;
                  cutter__add (cutter, PIECE_OPEN, first, end);
                  first = PIECE_NONE;
                  continue;
                }
              if (brace == BRACE_BODY)
                body = i;
            }
          depth++;
        }
      else if (token__closes (token))
        {
          depth -= depth > 0;
          done = !depth && *token->text == '}' && body != PIECE_NONE;
        }
      else if (!depth && c_token__is (token, ";"))
        done = true;
      if (!done && i + 1 < cutter->tokens.n)
        continue;
      unsigned number = cutter->n;
      struct piece *piece = cutter__add (cutter, body != PIECE_NONE ? PIECE_FUNCTION : PIECE_DECLARATION, first, end);
      if (body != PIECE_NONE)
        {
          piece->body = body;
          piece->name = cutter__declarator (cutter, first, body);
        }
      for (unsigned m = 0; m < n_macros; m++)
        cutter__add (cutter, PIECE_MACRO, macros[m], directive__end (cutter, macros[m]))->inside = number;
      n_macros = 0;
      for (unsigned c = 0; c < n_conditionals && c < NESTING_MOST; c++)
        if (conditional[c].in_item)
          conditional[c].in_item = false, conditional[c].piece = number; /* one that goes on behind the item: malformed */
      first = PIECE_NONE;
      depth = 0;
    }
}

/* Notes that PIECE declares NAME.  */
static void
cutter__declare (struct cutter *cutter, unsigned piece, const struct c_token *name)
{
  unsigned number = names__enter (&cutter->names, name->text, name->length);
  if (number >= cutter->names_room)
    {
      unsigned room = cutter->names_room ? 2 * cutter->names_room : 512;
      unsigned *first = ARENA_ARRAY (cutter->arena, unsigned, room);
      for (unsigned i = 0; i < room; i++)
        first[i] = i < cutter->names_room ? cutter->first_link[i] : PIECE_NONE;
      cutter->first_link = first;
      cutter->names_room = room;
    }
  if (cutter->links_n == cutter->links_room)
    {
      unsigned room = cutter->links_room ? 2 * cutter->links_room : 512;
      void *link = arena__alloc (cutter->arena, room * sizeof *cutter->link);
      if (cutter->links_n)
        memcpy (link, cutter->link, cutter->links_n * sizeof *cutter->link);
      cutter->link = link;
      cutter->links_room = room;
    }
  cutter->link[cutter->links_n].piece = piece;
  cutter->link[cutter->links_n].next = cutter->first_link[number];
  cutter->first_link[number] = cutter->links_n++;
}

/* Notes what piece NUMBER declares.  */
static void
cutter__declarations (struct cutter *cutter, unsigned number)
{
  const struct piece *piece = &cutter->piece[number];
  if (piece->kind == PIECE_MACRO)
    {
      if (cutter__token (cutter, piece->first + 2)->kind == C_IDENTIFIER)
        cutter__declare (cutter, number, cutter__token (cutter, piece->first + 2));
      return;
    }
  if (piece->kind != PIECE_DECLARATION && piece->kind != PIECE_FUNCTION)
    return;
  unsigned end = piece->kind == PIECE_FUNCTION ? piece->body : piece->end, depth = 0;
  unsigned enum_depth = 0; /* of the braces of an enum, 0 outside */
  for (unsigned t = piece->first; t < end; t++)
    {
      const struct c_token *token = cutter__token (cutter, t);
      if (token__opens (token))
        {
          depth++;
          if (*token->text == '{' && !enum_depth)
            for (unsigned back = t; back-- > piece->first && t - back < 8;)
              {
                if (cutter__is (cutter, back, "enum"))
                  enum_depth = depth;
                else if (token__closes (cutter__token (cutter, back)) || cutter__is (cutter, back, ";"))
                  break;
              }
        }
      else if (token__closes (token))
        {
          if (depth == enum_depth)
            enum_depth = 0;
          depth -= depth > 0;
        }
      if (token->kind != C_IDENTIFIER)
        continue;
      const struct c_token *next = cutter__token (cutter, t + 1);
      bool tag
          = t > piece->first && cutter__is_one (cutter, t - 1, aggregates)
            && (c_token__is (next, "{") || c_token__is (next, ":") || c_token__is (next, ";") || c_token__is (next, "final"));
      /* struct __attribute__ ((packed)) name {  */
      tag |= t > piece->first && c_token__is (next, "{") && cutter__is (cutter, t - 1, ")")
             && !cutter__is_one (cutter, t, keywords);
      bool enumerator = depth && depth == enum_depth && (cutter__is (cutter, t - 1, "{") || cutter__is (cutter, t - 1, ","));
      bool declarator = !depth && next->kind == C_PUNCTUATOR && next->length == 1 && strchr ("=[;,:({)", *next->text)
                        && !(*next->text == '(' && cutter__is (cutter, t + 2, "*")) /* the type of (*name) (…) */
                        && !cutter__is_one (cutter, t, no_declarators) && !cutter__is_one (cutter, t, keywords);
      /* (*name) (…), and a name before attributes.  */
      declarator |= depth == 1 && t > piece->first + 1 && cutter__is (cutter, t - 1, "*") && cutter__is (cutter, t - 2, "(")
                    && (c_token__is (next, ")") || c_token__is (next, "["));
      declarator |= !depth && next->kind == C_IDENTIFIER && strncmp (next->text, "__a", 3) == 0;
      /* Of a function one name before a parenthesis is its own; others are macros' in front of it.  */
      if (piece->kind == PIECE_FUNCTION && piece->name < piece->end && c_token__is (next, "("))
        declarator = false;
      declarator |= t == piece->name;
      if (tag || enumerator || declarator)
        cutter__declare (cutter, number, token);
    }
}

int
cutter__read (struct arena *arena, const char *text, size_t length, struct cutter *cutter, struct why *why)
{
  *cutter = (struct cutter){ .arena = arena, .names = { .arena = arena } };
  if (c_tokens__read (arena, text, length, &cutter->tokens, why) < 0)
    return -1;
  cutter__drop_dead (cutter);
  cutter__cut (cutter);
  for (unsigned i = 0; i < cutter->n; i++)
    cutter__declarations (cutter, i);
  return 0;
}
