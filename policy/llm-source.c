/* What of a source file a model may see.  The file is cut into pieces: declarations and definitions at file level, macros, conditionals,
   scopes (namespaces, extern "C").  Wanted are the function asked for, whatever declares a name that a wanted piece uses, and the
   conditionals and scopes around them.  All else stays at home: a comment, a string or a function next door may be private, or be
   written for the model to read.
   Names are matched by spelling, scopes aside: a local that is called as a table of the file brings the table along.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm.h"

#include "machine/names.h"
#include "policy/c-tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum
{
  FILE_MOST = 16 << 20,
  TABLE_MOST = 16 << 10,  /* bytes of one declaration that are shown */
  SOURCE_MOST = 64 << 10, /* and of all pieces but the function itself */
  NESTING_MOST = 64       /* conditionals within each other */
};

enum piece_kind
{
  PIECE_DECLARATION,
  PIECE_FUNCTION,         /* with a body, from token BODY on */
  PIECE_MACRO,
  PIECE_INCLUDE,          /* of a standard header */
  PIECE_OPEN, PIECE_MIDDLE, PIECE_CLOSE /* of a conditional or a scope */
};

struct piece
{
  enum piece_kind kind;
  unsigned first, end;    /* tokens */
  unsigned body;          /* of functions: the '{' */
  unsigned name;          /* of functions: the token of the declarator's name; `end` where there is none */
  unsigned inside;        /* piece that it stands in the middle of (a macro in a function), or NONE */
  unsigned open;          /* of MIDDLE and CLOSE: their OPEN */
  bool wanted, only_head; /* only_head: the function is called, its body doesn't matter */
};

enum { NONE = ~0u };

struct cutter
{
  struct arena *arena;
  const struct region *region;
  struct c_tokens tokens;
  unsigned n, room;
  struct piece *piece;
  /* Which pieces declare a name: a list for each.  */
  struct names names;
  unsigned names_room, links_n, links_room;
  unsigned *first_link;
  struct { unsigned piece, next; } *link;
};

static const struct c_token *
cutter__token (const struct cutter *cutter, unsigned i)
{
  static const struct c_token none = { .kind = C_PUNCTUATOR, .text = "" };
  return i < cutter->tokens.n ? &cutter->tokens.token[i] : &none;
}

static bool
cutter__is (const struct cutter *cutter, unsigned i, const char *text)
{
  return c_token__is (cutter__token (cutter, i), text);
}

/* Is token I one of the NULL-terminated WORDS?  */
static bool
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
  *piece = (struct piece){ .kind = kind, .first = first, .end = end, .name = end, .inside = NONE, .open = NONE };
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

/* Leaves out what is never compiled, and directives that mean nothing to the code: `#if 0` up to its #else or #endif, #error, #line,
   #pragma of no compiler's.  Text in them needn't be C at all.  */
static void
cutter__drop_dead (struct cutter *cutter)
{
  static const char *const kept[] = { "define", "undef", "include", "if", "ifdef", "ifndef", "else", "elif", "elifdef", "elifndef", "endif", NULL };
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
static const char *const no_declarators[]
  = { "__attribute__", "__attribute", "__declspec", "alignas", "_Alignas", "asm", "__asm__", "__asm", "decltype", "typeof",
      "__typeof__", "__typeof", "noexcept", "requires", "explicit", "throw", "_Static_assert", "static_assert", "sizeof", "if", "for", "while", "switch",
      "return", NULL };
/* Words that are never declared.  */
static const char *const keywords[]
  = { "struct", "union", "enum", "class", "const", "volatile", "static", "extern", "inline", "register", "typedef", "signed", "unsigned",
      "char", "short", "int", "long", "float", "double", "void", "_Bool", "bool", "auto", "operator", "template", "typename", "public", "private", "protected", "default", "else",
      "using", "friend", "virtual", "constexpr", "namespace", "restrict", "__restrict", "__inline", "__extension__", "__thread", "_Thread_local", NULL };
static const char *const aggregates[] = { "struct", "union", "enum", "class", NULL };

/* What the '{' at token I, at depth 0 of the item that begins at FIRST, begins.  */
enum brace { BRACE_BODY, BRACE_VALUE, BRACE_TYPE, BRACE_SCOPE };

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
      return initialisers && (cutter__token (cutter, i - 1)->kind == C_IDENTIFIER || cutter__is (cutter, i - 1, ">")) ? BRACE_VALUE : BRACE_BODY;
    }
  for (unsigned t = first; t < i; t++)
    if (cutter__is (cutter, t, "namespace") || (cutter__is (cutter, t, "extern") && cutter__token (cutter, t + 1)->kind == C_STRING))
      return BRACE_SCOPE;
  return BRACE_VALUE;
}

/* The name that the function from token FIRST to its body at BODY declares, or BODY.  */
static unsigned
cutter__declarator (const struct cutter *cutter, unsigned first, unsigned body)
{
  unsigned depth = 0;
  for (unsigned t = first; t < body; t++)
    {
      const struct c_token *token = cutter__token (cutter, t);
      if (token__opens (token))
        {
          if (!depth++ && t > first && *token->text == '(' && cutter__token (cutter, t - 1)->kind == C_IDENTIFIER
              && !cutter__is_one (cutter, t - 1, no_declarators))
            return t - 1;
        }
      else if (token__closes (token))
        depth -= depth > 0;
    }
  return body;
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
  struct { unsigned depth, piece; bool in_item; } conditional[NESTING_MOST];
  unsigned scope[NESTING_MOST];
  unsigned n_conditionals = 0, n_scopes = 0, depth = 0, first = NONE, body = NONE;
  unsigned macros[NESTING_MOST], n_macros = 0; /* first tokens of macros within the item */
  for (unsigned i = 0, end; i < cutter->tokens.n; i = end)
    {
      const struct c_token *token = cutter__token (cutter, i);
      end = i + 1;
      bool done = false;
      if (token->hash)
        {
          end = directive__end (cutter, i);
          bool in_item = first != NONE;
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
      if (first == NONE)
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
          body = NONE;
        }
      if (token__opens (token))
        {
          if (!depth && *token->text == '{' && body == NONE)
            {
              enum brace brace = cutter__brace (cutter, first, i);
              if (brace == BRACE_SCOPE && n_scopes < NESTING_MOST)
                {
                  scope[n_scopes++] = cutter->n;
                  cutter__add (cutter, PIECE_OPEN, first, end);
                  first = NONE;
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
          done = !depth && *token->text == '}' && body != NONE;
        }
      else if (!depth && c_token__is (token, ";"))
        done = true;
      if (!done && i + 1 < cutter->tokens.n)
        continue;
      unsigned number = cutter->n;
      struct piece *piece = cutter__add (cutter, body != NONE ? PIECE_FUNCTION : PIECE_DECLARATION, first, end);
      if (body != NONE)
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
      first = NONE;
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
        first[i] = i < cutter->names_room ? cutter->first_link[i] : NONE;
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
      bool tag = t > piece->first && cutter__is_one (cutter, t - 1, aggregates) && (c_token__is (next, "{") || c_token__is (next, ":") || c_token__is (next, ";") || c_token__is (next, "final"));
      /* struct __attribute__ ((packed)) name {  */
      tag |= t > piece->first && c_token__is (next, "{") && cutter__is (cutter, t - 1, ")") && !cutter__is_one (cutter, t, keywords);
      bool enumerator = depth && depth == enum_depth && (cutter__is (cutter, t - 1, "{") || cutter__is (cutter, t - 1, ","));
      bool declarator = !depth && next->kind == C_PUNCTUATOR && next->length == 1 && strchr ("=[;,:({)", *next->text)
                        && !(*next->text == '(' && cutter__is (cutter, t + 2, "*")) /* the type of (*name) (…) */
                        && !cutter__is_one (cutter, t, no_declarators) && !cutter__is_one (cutter, t, keywords);
      /* (*name) (…), and a name before attributes.  */
      declarator |= depth == 1 && t > piece->first + 1 && cutter__is (cutter, t - 1, "*") && cutter__is (cutter, t - 2, "(")
                    && (c_token__is (next, ")") || c_token__is (next, "["));
      declarator |= !depth && next->kind == C_IDENTIFIER && strncmp (next->text, "__a", 3) == 0;
      declarator |= t == piece->name;
      if (tag || enumerator || declarator)
        cutter__declare (cutter, number, token);
    }
}

/* Is NAME a function that REGION calls, so that its body isn't part of REGION's code?  */
static bool
region__calls (const struct region *region, const char *name)
{
  for (unsigned i = 0; i < region->n_callees; i++)
    if (region->callee[i].name && strcmp (region->callee[i].name, name) == 0)
      return true;
  return false;
}

/* Wants piece NUMBER; true where it wasn't wanted yet.  */
static bool
cutter__want (struct cutter *cutter, unsigned number)
{
  struct piece *piece = &cutter->piece[number];
  if (piece->wanted)
    return false;
  piece->wanted = true;
  if (piece->kind == PIECE_FUNCTION && piece->name < piece->end)
    piece->only_head = region__calls (cutter->region, cutter__token (cutter, piece->name)->text);
  return true;
}

/* Wants all that wanted pieces use, breadth first from the function on.  */
static void
cutter__close (struct cutter *cutter, unsigned from)
{
  unsigned *queue = ARENA_ARRAY (cutter->arena, unsigned, cutter->n), n = 0;
  queue[n++] = from;
  size_t bytes = 0;
  for (unsigned at = 0; at < n; at++)
    {
      const struct piece *piece = &cutter->piece[queue[at]];
      unsigned end = piece->only_head ? piece->body : piece->end;
      for (unsigned t = piece->first; t < end; t++)
        {
          const struct c_token *token = cutter__token (cutter, t);
          if (token->kind != C_IDENTIFIER)
            continue;
          unsigned number = names__find (&cutter->names, token->text, token->length);
          /* A field of that name is no use of it, but a macro's.  */
          bool field = t > piece->first && (cutter__is (cutter, t - 1, ".") || cutter__is (cutter, t - 1, "->"));
          for (unsigned link = number == NAME_NONE ? NONE : cutter->first_link[number]; link != NONE; link = cutter->link[link].next)
            {
              unsigned other = cutter->link[link].piece;
              const struct piece *found = &cutter->piece[other];
              size_t size = 0;
              if (field && found->kind != PIECE_MACRO)
                continue;
              for (unsigned u = found->first; u < found->end && size < TABLE_MOST; u++)
                size += cutter__token (cutter, u)->length + 1;
              if (!found->wanted && bytes + size > SOURCE_MOST)
                continue;
              if (cutter__want (cutter, other))
                {
                  bytes += size;
                  queue[n++] = other;
                }
            }
        }
    }
}

static const char *const standard_headers[] = {
#define HEADER(NAME) "<" NAME ">",
#include "policy/llm-headers.def"
#undef HEADER
  NULL
};

/* Wants standard headers, and conditionals and scopes around what is wanted.  */
static void
cutter__surround (struct cutter *cutter)
{
  for (unsigned i = 0; i < cutter->n; i++)
    if (cutter->piece[i].kind == PIECE_INCLUDE)
      cutter->piece[i].wanted = cutter__is_one (cutter, cutter->piece[i].first + 2, standard_headers);
  unsigned open[2 * NESTING_MOST], n = 0;
  /* From the last on: what closes is seen first.  */
  for (unsigned i = cutter->n; i-- > 0;)
    {
      struct piece *piece = &cutter->piece[i];
      if (piece->kind == PIECE_CLOSE && piece->open < i && cutter->piece[piece->open].kind == PIECE_OPEN && n < 2 * NESTING_MOST)
        open[n++] = piece->open;
      else if (piece->kind == PIECE_OPEN && n && open[n - 1] == i)
        n--;
      else if (piece->wanted && piece->kind < PIECE_OPEN)
        for (unsigned k = 0; k < n; k++)
          cutter->piece[open[k]].wanted = true;
    }
  for (unsigned i = 0; i < cutter->n; i++)
    if (cutter->piece[i].kind == PIECE_MIDDLE || cutter->piece[i].kind == PIECE_CLOSE)
      cutter->piece[i].wanted = cutter->piece[i].open < cutter->n && cutter->piece[cutter->piece[i].open].wanted;
}

/* The last part of NAME, as C++ prints it, before its parameters ("ns::f<int>(int)": "f"), in ARENA.  */
static const char *
name__base (struct arena *arena, const char *name)
{
  const char *end = name + strcspn (name, "(<[ .");
  const char *begin = end;
  while (begin > name && begin[-1] != ':' && begin[-1] != '~')
    begin--;
  return arena__strndup (arena, begin, (size_t) (end - begin));
}

/* The piece that is REGION's function, or -1 and *WHY.  */
static int
cutter__find (struct cutter *cutter, unsigned *number, struct why *why)
{
  const struct region *region = cutter->region;
  const char *base = name__base (cutter->arena, region->source_name ? region->source_name : region->function);
  for (unsigned i = 0; i < cutter->n; i++)
    {
      const struct piece *piece = &cutter->piece[i];
      if (piece->first >= piece->end)
        continue;
      unsigned begin = cutter__token (cutter, piece->first)->line, last = cutter__token (cutter, piece->end - 1)->line;
      if (region->line < begin || region->line > last || (piece->kind != PIECE_FUNCTION && piece->kind != PIECE_DECLARATION))
        continue;
      /* A function, or a class that it is defined in.  */
      unsigned end = piece->kind == PIECE_FUNCTION ? piece->body : piece->end;
      bool named = false, braces = piece->kind == PIECE_FUNCTION;
      for (unsigned t = piece->first; t < end; t++)
        {
          named |= cutter__token (cutter, t)->line == region->line && cutter__is (cutter, t, base);
          braces |= cutter__is (cutter, t, "{");
        }
      if (!named || !braces)
        continue;
      if (region->last_line >= region->line && (piece->kind == PIECE_FUNCTION ? last != region->last_line : last < region->last_line))
        return why__set (why, REASON_SOURCE, "%.100s ends at line %u of its file and not at %u: the file has changed", base, last, region->last_line);
      *number = i;
      return 0;
    }
  return why__set (why, REASON_SOURCE, "no function %.100s at line %u of its file", base, region->line);
}

/* Prints piece NUMBER.  */
static void
cutter__print (const struct cutter *cutter, FILE *out, unsigned number)
{
  const struct piece *piece = &cutter->piece[number];
  if (piece->only_head)
    {
      c_tokens__print (out, &cutter->tokens, piece->first, piece->body);
      fputs (";\n", out);
      return;
    }
  unsigned end = piece->end;
  size_t bytes = 0;
  if (piece->kind == PIECE_DECLARATION)
    for (end = piece->first; end < piece->end && bytes < TABLE_MOST; end++)
      {
        const struct c_token *token = cutter__token (cutter, end);
        bytes += token->space + (token->kind == C_STRING ? token->contents + 2 : token->length);
      }
  c_tokens__print (out, &cutter->tokens, piece->first, end);
  fputc ('\n', out);
  if (end < piece->end)
    fprintf (out, "/* cut off here: %u more tokens */\n", piece->end - end);
}

/* The text of REGION's file, malloc'ed; NULL and *WHY.  */
static char *
source__read (struct arena *arena, const struct region *region, size_t *length, struct why *why)
{
  const char *path = region->file && *region->file ? region->file : region->source;
  if (!path || !*path)
    {
      why__set (why, REASON_SOURCE, "nobody knows which file the function is from");
      return NULL;
    }
  if (*path != '/' && region->directory)
    path = arena__printf (arena, "%s/%s", region->directory, path);
  /* A plain file alone: #line can name anything.  */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat info;
  char *text = NULL;
  if (fd < 0 || fstat (fd, &info) != 0)
    why__set (why, REASON_SOURCE, "%.200s: %s", path, strerror (errno));
  else if (!S_ISREG (info.st_mode) || info.st_size > FILE_MOST)
    why__set (why, REASON_SOURCE, "%.200s is no plain file of at most %d bytes", path, FILE_MOST);
  else
    {
      size_t size = (size_t) info.st_size, done = 0;
      text = malloc (size + 1);
      if (!text)
        abort ();
      for (ssize_t n; done < size && (n = read (fd, text + done, size - done)) > 0;)
        done += (size_t) n;
      text[done] = 0;
      *length = done;
    }
  if (fd >= 0)
    close (fd);
  return text;
}

char *
llm__source (const struct region *region, struct why *why)
{
  if (!region->line)
    {
      why__set (why, REASON_SOURCE, "nobody knows where in its file %.100s is", region->function);
      return NULL;
    }
  struct arena *arena = arena__new ();
  struct cutter cutter = { .arena = arena, .region = region, .names = { .arena = arena } };
  size_t length = 0;
  char *file = source__read (arena, region, &length, why), *text = NULL;
  unsigned number = NONE;
  if (!file || c_tokens__read (arena, file, length, &cutter.tokens, why) < 0)
    {
      free (file);
      arena__free (arena);
      return NULL;
    }
  cutter__drop_dead (&cutter);
  cutter__cut (&cutter);
  if (cutter__find (&cutter, &number, why) == 0)
    {
      size_t size;
      FILE *out = open_memstream (&text, &size);
      if (!out)
        abort ();
      for (unsigned i = 0; i < cutter.n; i++)
        cutter__declarations (&cutter, i);
      cutter__want (&cutter, number);
      cutter.piece[number].only_head = false;
      cutter__close (&cutter, number);
      cutter__surround (&cutter);
      bool first = true;
      for (unsigned i = 0; i < cutter.n; i++)
        {
          const struct piece *piece = &cutter.piece[i];
          if (!piece->wanted || (piece->inside != NONE && cutter.piece[piece->inside].wanted))
            continue;
          if (!first && piece->kind == PIECE_FUNCTION && !piece->only_head)
            fputc ('\n', out);
          cutter__print (&cutter, out, i);
          first = false;
        }
      fclose (out);
    }
  free (file);
  arena__free (arena);
  return text;
}
