/* Reading a function out of a unit's assembler text.
   One pass goes over all statements.  It notes where every label is, and reads the instructions
   of the function asked for; other functions are only skipped.  Data is read afterwards, and only
   what the function reaches (code-data.c, code-resolve.c).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/code-unit.h"

enum
{
  SECTION_STACK = 16,
  ITEMS_MOST = 200000 /* larger functions are left alone */
};

struct section
{
  unsigned name; /* number in scanner.sections */
  enum section_class class;
};

/* Where the scan stands.  */
struct scanner
{
  struct unit *unit;
  const char *name, *cold_name; /* the function, and "name.cold" */
  unsigned line;

  struct names sections;
  unsigned class_room;
  unsigned char *class;         /* of each of sections.name, + 1 */
  struct section section, previous, stack[SECTION_STACK];
  unsigned n_stack;
  unsigned align;               /* asked for last in the section; 1 where none was.  What follows aligned data is taken to be as
                                   aligned: compilers align the first of a row of constants only */
  bool after_data;              /* something stood behind what asked for it */
  unsigned last_data;           /* the data label that stands right here, or NAME_NONE */

  bool in_body, in_cold, seen, ended;
  bool begun;                   /* an instruction was read */
  struct section hot, cold;
  const char *prefix;           /* of a lone-prefix statement, for the next instruction */
  unsigned item_room;
};

/* Reports REASON at the current line about WHAT.  */
static int
scanner__refuse (struct scanner *scanner, enum reason reason, struct span what)
{
  return why__set (scanner->unit->why, reason, "line %u: '%.*s'", scanner->line,
                   what.end - what.p > 120 ? 120 : (int) (what.end - what.p), what.p);
}

/* Puts the line before what was reported by a reader that doesn't know it.  */
static int
scanner__at_line (struct scanner *scanner)
{
  struct why *why = scanner->unit->why;
  if (why)
    {
      struct why inner = *why;
      why__set (why, inner.reason, "line %u: %s", scanner->line, inner.detail);
    }
  return -1;
}

static struct item *
scanner__item (struct scanner *scanner)
{
  struct code *code = scanner->unit->code;
  if (code->n_items == scanner->item_room)
    {
      if (code->n_items >= ITEMS_MOST)
        {
          why__set (scanner->unit->why, REASON_TOO_LARGE, "over %u items", ITEMS_MOST);
          return NULL;
        }
      unsigned room = code->n_items ? code->n_items * 2 : 64;
      struct item *item = ARENA_ARRAY (code->arena, struct item, room);
      if (code->n_items)
        memcpy (item, code->item, code->n_items * sizeof *item);
      code->item = item;
      scanner->item_room = room;
    }
  struct item *item = &code->item[code->n_items++];
  item->line = scanner->line;
  return item;
}

/* Enters section NAME with FLAGS (NULL where none were written).  */
static void
scanner__switch (struct scanner *scanner, struct span name, const struct span *flags)
{
  struct names *names = &scanner->sections;
  unsigned number = names__enter (names, name.p, (size_t) (name.end - name.p));
  if (number >= scanner->class_room)
    {
      unsigned room = scanner->class_room ? scanner->class_room * 2 : 32;
      unsigned char *class = arena__alloc (scanner->unit->arena, room);
      if (scanner->class_room)
        memcpy (class, scanner->class, scanner->class_room);
      scanner->class = class;
      scanner->class_room = room;
    }
  if (!scanner->class[number])
    {
      size_t length = flags ? (size_t) (flags->end - flags->p) : 0;
      bool executes = flags ? memchr (flags->p, 'x', length) != NULL
                            : (span__is (name, ".text") || span__starts (name, ".text."));
      bool writes = flags && memchr (flags->p, 'w', length) != NULL;
      bool rodata = span__is (name, ".rodata") || span__starts (name, ".rodata.");
      scanner->class[number] = 1
                               + (executes             ? SECTION_TEXT
                                  : rodata && !writes ? SECTION_RODATA
                                                      : SECTION_OTHER);
    }
  scanner->previous = scanner->section;
  scanner->section = (struct section){ number, scanner->class[number] - 1 };
  scanner->align = 1;
  scanner->after_data = false;
  scanner->last_data = NAME_NONE;
}

/* ".section NAME, "flags", …" and its shorter relatives.  1 where DIRECTIVE is none of them.  */
static int
scanner__section (struct scanner *scanner, struct span directive, struct span body)
{
  struct span whole = body;
  bool strict = scanner->unit->strict;
  if (span__is (directive, ".text") || span__is (directive, ".data")
      || span__is (directive, ".bss"))
    {
      if (body.p != body.end || (strict && !span__is (directive, ".text")))
        return scanner__refuse (scanner, REASON_DIRECTIVE, directive);
      scanner__switch (scanner, directive, NULL);
      return 0;
    }
  bool push = span__is (directive, ".pushsection");
  if (push || span__is (directive, ".section"))
    {
      if (push && (strict || scanner->in_body || scanner->n_stack == SECTION_STACK))
        return scanner__refuse (scanner, REASON_DIRECTIVE, directive);
      bool quoted = body.p < body.end && *body.p == '"';
      if (quoted)
        body.p++;
      struct span name = { body.p, body.p };
      while (body.p < body.end && *body.p != ',' && *body.p != '"' && !char__blank (*body.p))
        body.p++;
      name.end = body.p;
      if (name.p == name.end || (quoted && (body.p == body.end || *body.p++ != '"')))
        return scanner__refuse (scanner, REASON_SYNTAX, whole);
      span__skip_blanks (&body);
      struct span flags = { NULL, NULL };
      if (body.p < body.end && *body.p == ',')
        {
          body.p++;
          span__skip_blanks (&body);
          if (body.p < body.end && *body.p == '"')
            {
              flags.p = ++body.p;
              while (body.p < body.end && *body.p != '"')
                body.p++;
              flags.end = body.p;
            }
        }
      if (strict)
        {
          /* What a section's name says is all that is taken of it.  */
          bool known = span__is (name, ".text") || span__starts (name, ".text.")
                       || span__is (name, ".rodata") || span__starts (name, ".rodata.")
                       || span__starts (name, ".note.") || span__starts (name, ".debug_");
          if (!known || (flags.p && memchr (flags.p, 'w', (size_t) (flags.end - flags.p))))
            return scanner__refuse (scanner, REASON_DIRECTIVE, whole);
        }
      if (push)
        scanner->stack[scanner->n_stack++] = scanner->section;
      scanner__switch (scanner, name, flags.p ? &flags : NULL);
      return 0;
    }
  if (span__is (directive, ".popsection") || span__is (directive, ".previous")
      || span__is (directive, ".subsection"))
    {
      if (strict || scanner->in_body)
        return scanner__refuse (scanner, REASON_DIRECTIVE, directive);
      struct section now = scanner->section;
      if (span__is (directive, ".previous"))
        scanner->section = scanner->previous;
      else if (span__is (directive, ".popsection") && scanner->n_stack)
        scanner->section = scanner->stack[--scanner->n_stack];
      scanner->previous = now;
      scanner->align = 1;
      scanner->after_data = false;
      scanner->last_data = NAME_NONE;
      return 0;
    }
  return 1;
}

/* Does BODY begin with the function's name, or that of its cold part, followed by END or nothing?  */
static bool
scanner__is_self (const struct scanner *scanner, struct span body, char end)
{
  struct span name = { body.p, body.p };
  while (name.end < body.end && char__symbol (*name.end))
    name.end++;
  if (name.end < body.end && *name.end != end && !char__blank (*name.end))
    return false;
  return span__is (name, scanner->name) || span__is (name, scanner->cold_name);
}

/* Notes that the symbols in BODY, separated by commas, are global.  */
static void
scanner__global (struct scanner *scanner, struct span body)
{
  while (body.p < body.end)
    {
      span__skip_blanks (&body);
      const char *start = body.p;
      while (body.p < body.end && char__symbol (*body.p))
        body.p++;
      if (body.p == start)
        return;
      unsigned number = unit__symbol (scanner->unit, start, (size_t) (body.p - start));
      scanner->unit->symbol[number].global = true;
      span__skip_blanks (&body);
      if (body.p < body.end && *body.p++ != ',')
        return;
    }
}

/* ".set NAME, expression": remembered for when NAME is used; what isn't understood can't be.  */
static void
scanner__set (struct scanner *scanner, struct span body)
{
  struct unit *unit = scanner->unit;
  const char *start = body.p;
  while (body.p < body.end && char__symbol (*body.p))
    body.p++;
  if (body.p == start)
    return;
  unsigned number = unit__symbol (unit, start, (size_t) (body.p - start));
  struct symbol *symbol = &unit->symbol[number];
  bool again = symbol->kind != SYMBOL_UNDEFINED;
  symbol->kind = SYMBOL_OTHER;
  span__skip_blanks (&body);
  if (again || body.p == body.end || *body.p++ != ',')
    return;
  struct expr value;
  struct why why;
  if (span__expr (unit->arena, &body, NULL, &value, &why) < 0 || body.p != body.end || !value.sym
      || value.minus || value.reloc)
    return;
  symbol->kind = SYMBOL_SET;
  symbol->value = value;
}

static int
scanner__directive (struct scanner *scanner, struct span body)
{
  struct unit *unit = scanner->unit;
  struct span whole = body, directive = span__word (&body);
  bool text = scanner->section.class == SECTION_TEXT;

  if (span__starts (directive, ".cfi_"))
    {
      if (scanner->in_body)
        {
          if (span__is (directive, ".cfi_lsda") || span__is (directive, ".cfi_personality"))
            return scanner__refuse (scanner, REASON_EXCEPTIONS, whole);
          if (span__is (directive, ".cfi_startproc"))
            unit->code->has_cfi = true;
        }
      return 0;
    }
  if (span__is (directive, ".loc") || span__is (directive, ".file")
      || span__is (directive, ".ident"))
    return 0;
  if (span__is (directive, ".type"))
    return unit->strict && !scanner__is_self (scanner, body, ',')
             ? scanner__refuse (scanner, REASON_DIRECTIVE, whole)
             : 0;
  if (span__is (directive, ".size"))
    {
      bool self = scanner__is_self (scanner, body, ',');
      if (unit->strict && !self)
        return scanner__refuse (scanner, REASON_DIRECTIVE, whole);
      /* The cold part's may stand on either side of the function's own.  */
      if (self && scanner->in_body)
        {
          struct span name = { body.p, body.p + strlen (scanner->name) };
          if (name.end == body.end || !char__symbol (*name.end))
            {
              scanner->in_body = false;
              scanner->ended = true;
            }
        }
      return 0;
    }
  if (directive__aligns (directive))
    {
      unsigned align, most;
      if (unit__align (unit, directive, body, &align, &most) < 0)
        return !unit->strict && !scanner->in_body ? 0 : scanner__at_line (scanner);
      if (text && scanner->in_body && align > 1)
        {
          struct item *item = scanner__item (scanner);
          if (!item)
            return -1;
          item->kind = ITEM_ALIGN;
          item->align = align;
          item->align_max = most;
        }
      else if (!text)
        {
          if (scanner->after_data || align > scanner->align)
            scanner->align = align;
          scanner->after_data = false;
          scanner->last_data = NAME_NONE;
        }
      return 0;
    }
  int result = scanner__section (scanner, directive, body);
  if (result <= 0)
    return result;
  bool global = span__is (directive, ".globl") || span__is (directive, ".global");
  if (unit->strict)
    {
      if (global)
        return scanner__is_self (scanner, body, '\0')
                 ? 0
                 : scanner__refuse (scanner, REASON_DIRECTIVE, whole);
      static const char *const data[] = { ".byte",   ".value", ".short",  ".long", ".int",
                                          ".word",   ".quad",  ".octa",   ".zero", ".skip",
                                          ".space",  ".ascii", ".string", ".asciz", ".hword",
                                          ".2byte",  ".4byte", ".8byte",  ".uleb128",
                                          ".sleb128" };
      if (span__starts (directive, ".addrsig"))
        return 0;
      /* In a section of notes or debug information data is passed over.  */
      for (unsigned i = 0; i < sizeof data / sizeof *data; i++)
        if (!text && span__is (directive, data[i]))
          {
            scanner->after_data = true;
            scanner->last_data = NAME_NONE;
            return 0;
          }
      return scanner__refuse (scanner, REASON_DIRECTIVE, whole);
    }
  if (global || span__is (directive, ".weak"))
    scanner__global (scanner, body);
  else if (span__starts (directive, ".intel_syntax"))
    return scanner__refuse (scanner, REASON_NOT_TARGET, whole);
  else if (span__starts (directive, ".code") && !span__is (directive, ".code64"))
    return scanner__refuse (scanner, REASON_NOT_TARGET, whole);
  else if (span__is (directive, ".set"))
    scanner__set (scanner, body);
  else if (span__is (directive, ".local") || span__is (directive, ".hidden")
           || span__is (directive, ".protected") || span__is (directive, ".internal")
           || span__starts (directive, ".addrsig"))
    ;
  else if (text && scanner->in_body)
    return scanner__refuse (scanner, REASON_DIRECTIVE, whole);
  else
    {
      /* Data, or what has no effect on the function.  */
      scanner->after_data = true;
      scanner->last_data = NAME_NONE;
    }
  return 0;
}

/* The alignment that a section of constants of one size gives each of them.  */
static unsigned
scanner__section_align (const struct scanner *scanner)
{
  const struct name *name = &scanner->sections.name[scanner->section.name];
  const char *cst = strstr (name->text, ".cst");
  if (!cst)
    return 1;
  struct span number = { cst + 4, name->text + name->length };
  uint64_t size;
  if (!span__number (&number, &size) || size > 64 || size == 0 || (size & (size - 1)) != 0)
    return 1;
  return (unsigned) size;
}

static int
scanner__label (struct scanner *scanner, struct span label)
{
  struct unit *unit = scanner->unit;
  bool text = scanner->section.class == SECTION_TEXT;
  if (text && span__is (label, scanner->name))
    {
      if (scanner->seen)
        return scanner__refuse (scanner, REASON_SYNTAX, label);
      scanner->seen = scanner->in_body = true;
      scanner->hot = scanner->section;
      return 0;
    }
  if (scanner->in_body && text && span__is (label, scanner->cold_name))
    {
      if (scanner->in_cold)
        return scanner__refuse (scanner, REASON_SYNTAX, label);
      scanner->in_cold = true;
      scanner->cold = scanner->section;
      unit->code->cold_from = unit->code->n_items;
      return 0;
    }
  unsigned number;
  bool numeric = char__digit (*label.p);
  if (numeric && !scanner->in_body && !unit->strict)
    return 0; /* top-level asm's */
  if (unit__define (unit, label, &number) < 0)
    return scanner__at_line (scanner);
  struct symbol *symbol = &unit->symbol[number];
  const char *name = unit->names.name[number].text;
  symbol->kind = SYMBOL_OTHER;
  if (text)
    {
      if (!scanner->in_body)
        return unit->strict && !symbol__local (name)
                 ? scanner__refuse (scanner, REASON_SYNTAX, label)
                 : 0;
      if (!symbol__local (name))
        return scanner__refuse (scanner, REASON_SYNTAX, label);
      struct item *item = scanner__item (scanner);
      if (!item)
        return -1;
      item->kind = ITEM_LABEL;
      item->label = name;
      symbol->kind = SYMBOL_BODY;
    }
  else if (scanner->section.class == SECTION_RODATA)
    {
      symbol->kind = SYMBOL_DATA;
      symbol->at = label.end + 1;
      unsigned align = scanner__section_align (scanner);
      symbol->align = align > scanner->align ? align : scanner->align;
      if (scanner->last_data != NAME_NONE)
        {
          unsigned first = scanner->last_data;
          if (unit->symbol[first].alias_of != NAME_NONE)
            first = unit->symbol[first].alias_of;
          symbol->alias_of = first;
        }
      scanner->last_data = number;
    }
  return 0;
}

static int
scanner__insn (struct scanner *scanner, struct span body)
{
  struct unit *unit = scanner->unit;
  struct code *code = unit->code;
  if (!scanner->in_body || scanner->section.class != SECTION_TEXT)
    return unit->strict || scanner->in_body ? scanner__refuse (scanner, REASON_SYNTAX, body) : 0;
  if (scanner->section.name != (scanner->in_cold ? scanner->cold : scanner->hot).name)
    return scanner__refuse (scanner, REASON_SYNTAX, body);
  bool first = !scanner->begun && !scanner->prefix;
  scanner->begun = true;
  if (first && span__is (body, "endbr64"))
    {
      code->endbr = true;
      return 0;
    }
  struct insn insn = { .prefix = scanner->prefix };
  scanner->prefix = NULL;
  if (span__insn (unit->arena, body, &unit->numeric, &insn, unit->why) < 0)
    return scanner__at_line (scanner);
  if (!insn.mnemonic)
    {
      scanner->prefix = insn.prefix;
      return 0;
    }
  struct item *item = scanner__item (scanner);
  if (!item)
    return -1;
  item->kind = ITEM_INSN;
  item->insn = insn;
  return 0;
}

/* Reads one statement.  */
static int
scanner__statement (struct scanner *scanner, const struct statement *statement)
{
  struct unit *unit = scanner->unit;
  if (statement->app && scanner->in_body)
    return why__set (unit->why, REASON_INLINE_ASM, "line %u", scanner->line);
  if (statement->label.p)
    {
      if (scanner->prefix)
        return scanner__refuse (scanner, REASON_SYNTAX, statement->label);
      return scanner__label (scanner, statement->label);
    }
  struct span body = statement->body;
  if (body.p == body.end)
    return 0;
  if (statement->bad && (unit->strict || scanner->in_body))
    return scanner__refuse (scanner, REASON_SYNTAX, body);
  if (*body.p == '.')
    {
      if (scanner->prefix)
        return scanner__refuse (scanner, REASON_SYNTAX, body);
      return scanner__directive (scanner, body);
    }
  return scanner__insn (scanner, body);
}

/* TEXT[LENGTH] with every C comment made blank, where it has any: models write them.  */
static const char *
text__without_comments (struct arena *arena, const char *text, size_t length)
{
  if (!memmem (text, length, "/*", 2))
    return text;
  char *copy = arena__memdup (arena, text, length);
  for (size_t i = 0; i < length; i++)
    if (copy[i] == '#')
      while (i + 1 < length && copy[i + 1] != '\n')
        i++;
    else if (copy[i] == '"')
      {
        for (i++; i < length && copy[i] != '"' && copy[i] != '\n'; i++)
          if (copy[i] == '\\')
            i++;
      }
    else if (copy[i] == '/' && i + 1 < length && copy[i + 1] == '*')
      {
        const char *close = memmem (copy + i + 2, length - i - 2, "*/", 2);
        size_t end = close ? (size_t) (close - copy) + 2 : length;
        for (; i < end; i++)
          if (copy[i] != '\n')
            copy[i] = ' ';
        i--;
      }
  return copy;
}

static bool
name__valid (const char *name)
{
  if (!name || !*name || char__digit (*name) || *name == '$' || strlen (name) > 4096
      || symbol__local (name) || strcmp (name, ".") == 0)
    return false;
  for (const char *p = name; *p; p++)
    if (!char__symbol (*p))
      return false;
  return true;
}

int
code__parse (struct arena *arena, const char *text, size_t length, const char *name,
             const struct constant *constants, unsigned n_constants, bool strict,
             struct code **result, struct why *why)
{
  *result = NULL;
  if (!name__valid (name))
    return why__set (why, REASON_SYNTAX, "function name '%.100s'", name ? name : "");
  if (memchr (text, '\0', length))
    return why__set (why, REASON_SYNTAX, "a null byte");
  if (strict)
    text = text__without_comments (arena, text, length);

  struct code *code = ARENA_NEW (arena, struct code);
  code->arena = arena;
  code->name = arena__strdup (arena, name);
  struct unit unit = { .arena = arena, .why = why, .end = text + length, .strict = strict,
                       .names = { .arena = arena }, .n_constants = n_constants,
                       .constant = constants, .code = code };
  struct scanner scanner = { .unit = &unit, .name = code->name,
                             .cold_name = arena__printf (arena, "%s.cold", name), .line = 1,
                             .sections = { .arena = arena }, .align = 1,
                             .last_data = NAME_NONE };
  static const char first[] = ".text";
  scanner__switch (&scanner, (struct span){ first, first + sizeof first - 1 }, NULL);
  scanner.previous = scanner.section;

  for (const char *p = text; p < unit.end;)
    {
      struct statement statement;
      statement__read (p, unit.end, &statement);
      if (scanner__statement (&scanner, &statement) < 0)
        return -1;
      p = statement.next;
      scanner.line += statement.lines;
    }
  if (!scanner.seen)
    return why__set (why, REASON_NO_FUNCTION, "%.100s", name);
  if (!scanner.ended && !strict)
    return why__set (why, REASON_SYNTAX, "the text ends within %.100s", name);
  if (scanner.prefix)
    return why__set (why, REASON_SYNTAX, "the text ends after '%s'", scanner.prefix);
  if (!scanner.in_cold)
    code->cold_from = code->n_items;
  if (unit__resolve (&unit) < 0)
    return -1;
  bool executes = false;
  for (unsigned i = 0; i < code->n_items && !executes; i++)
    executes = code->item[i].kind == ITEM_INSN;
  if (!executes)
    return why__set (why, REASON_SYNTAX, "%.100s has no instructions", name);
  *result = code;
  return 0;
}
