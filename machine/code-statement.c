/* Splitting assembler text into statements, and the small things that several readers need.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/code-unit.h"

/* Characters at which the search for a statement's end stops.  */
static const unsigned char stops[256] = { ['\n'] = 1, [';'] = 1, ['#'] = 1, ['"'] = 1 };

void
statement__read (const char *p, const char *end, struct statement *statement)
{
  *statement = (struct statement){ 0 };
  while (p < end && char__blank (*p))
    p++;
  const char *start = p;
  while (p < end && char__symbol (*p))
    p++;
  if (p > start && p < end && *p == ':')
    {
      statement->label = (struct span){ start, p };
      statement->body = (struct span){ p + 1, p + 1 };
      statement->next = p + 1;
      return;
    }
  for (;; p++)
    {
      while (p < end && !stops[(unsigned char) *p])
        p++;
      if (p >= end || *p != '"')
        break;
      /* A string ends on its line; a backslash takes the next character along.  */
      for (p++; p < end && *p != '"' && *p != '\n'; p++)
        if (*p == '\\' && p + 1 < end && p[1] != '\n')
          p++;
      if (p >= end || *p == '\n')
        {
          statement->bad = true;
          break;
        }
    }
  if (p > end)
    p = end;
  statement->body = (struct span){ start, p };
  while (statement->body.end > start
         && (char__blank (statement->body.end[-1]) || statement->body.end[-1] == '\r'))
    statement->body.end--;
  if (p < end && *p == '#')
    {
      struct span comment = { p, end };
      statement->app = span__starts (comment, "#APP")
                       && (end - p == 4 || p[4] == '\n' || p[4] == '\r' || char__blank (p[4]));
      p = memchr (p, '\n', (size_t) (end - p));
      if (!p)
        p = end;
    }
  if (p < end)
    {
      statement->lines = *p == '\n';
      p++;
    }
  statement->next = p;
}

struct span
span__word (struct span *body)
{
  struct span word = { body->p, body->p };
  while (word.end < body->end && !char__blank (*word.end))
    word.end++;
  body->p = word.end;
  span__skip_blanks (body);
  return word;
}

unsigned
unit__symbol (struct unit *unit, const char *text, size_t length)
{
  unsigned before = unit->names.n;
  unsigned number = names__enter (&unit->names, text, length);
  if (number == before)
    {
      if (number == unit->symbol_room)
        {
          unsigned room = number ? number * 2 : 64;
          struct symbol *symbol = ARENA_ARRAY (unit->arena, struct symbol, room);
          if (number)
            memcpy (symbol, unit->symbol, number * sizeof *symbol);
          unit->symbol = symbol;
          unit->symbol_room = room;
        }
      unit->symbol[number] = (struct symbol){ .alias_of = NAME_NONE, .align = 1 };
    }
  return number;
}

int
unit__define (struct unit *unit, struct span label, unsigned *symbol)
{
  if (char__digit (*label.p))
    {
      uint64_t number;
      if (label.end - label.p > 2 || (*label.p == '0' && label.end - label.p > 1)
          || !span__number (&label, &number))
        return why__set (unit->why, REASON_SYNTAX, "label '%.*s'", (int) (label.end - label.p),
                         label.p);
      const char *name = arena__printf (unit->arena, ".Lnum.%u.%u", (unsigned) number,
                                        ++unit->numeric.count[number]);
      *symbol = unit__symbol (unit, name, strlen (name));
    }
  else
    *symbol = unit__symbol (unit, label.p, (size_t) (label.end - label.p));
  if (unit->symbol[*symbol].kind != SYMBOL_UNDEFINED)
    return why__set (unit->why, REASON_SYNTAX, "label '%s' is defined twice",
                     unit->names.name[*symbol].text);
  return 0;
}

bool
directive__aligns (struct span directive)
{
  return span__is (directive, ".p2align") || span__is (directive, ".align")
         || span__is (directive, ".balign");
}

int
unit__align (struct unit *unit, struct span directive, struct span arguments, unsigned *align,
             unsigned *most)
{
  struct span whole = arguments;
  uint64_t value[3] = { 0 };
  unsigned n = 0;
  for (;; n++)
    {
      span__skip_blanks (&arguments);
      if (n == 3)
        goto bad;
      if (arguments.p < arguments.end && *arguments.p != ',')
        {
          if (!span__number (&arguments, &value[n]))
            goto bad;
          span__skip_blanks (&arguments);
        }
      else if (n == 0)
        goto bad;
      if (arguments.p == arguments.end)
        break;
      if (*arguments.p++ != ',')
        goto bad;
    }
  enum { MOST_SHIFT = 12, NOP = 0x90 };
  if (span__is (directive, ".p2align"))
    {
      if (value[0] > MOST_SHIFT)
        goto bad;
      value[0] = UINT64_C (1) << value[0];
    }
  if (value[0] == 0)
    value[0] = 1;
  if (value[0] > 1u << MOST_SHIFT || (value[0] & (value[0] - 1)) != 0
      || (value[1] != 0 && value[1] != NOP) || value[2] > 1u << MOST_SHIFT)
    goto bad;
  *align = (unsigned) value[0];
  *most = (unsigned) value[2];
  return 0;
bad:
  return why__set (unit->why, REASON_DIRECTIVE, "%.*s %.*s", (int) (directive.end - directive.p),
                   directive.p, (int) (whole.end - whole.p), whole.p);
}
