/* Putting a candidate in the place of a function in GCC's captured text.
   The text before the function's label and after its .size is kept as it is.  In between, labels and
   .loc lines stay in order in the section they are in, instructions and jump tables go, and the
   candidate's items are printed where the hot part ends; a cold part of its own is left with one
   trap.  Anything that isn't understood is refused.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/splice.h"

#include "machine/cfi.h"
#include "machine/code-unit.h"

#include <stdlib.h>

enum part
{
  PART_BEFORE, /* the function's label hasn't come */
  PART_HOT,
  PART_COLD,
  PART_TAIL,   /* back in the hot section, behind a cold part */
  PART_AFTER   /* behind its .size */
};

struct splice
{
  struct arena *arena;
  const struct code *code;
  const char *cold_name;
  unsigned serial;
  struct why *why;
  struct buffer out;

  enum part part;
  bool in_rodata;       /* a jump table, dropped, of the current part */
  bool filled;          /* this part has got its instructions */
  bool seen_insn;       /* an instruction of the hot part was dropped */
  bool has_cfi;
  bool absolute;        /* an instruction dropped holds an absolute address: no PIE */
  struct span section;  /* arguments of the last .section before the function's label, or empty */
  struct span first_loc;/* arguments of the function's first .loc */

  struct names labels;  /* the code's local labels, numbered */
  char name[64];
};

static int
splice__refuse (struct splice *splice, enum reason reason, struct span what)
{
  return why__set (splice->why, reason, "captured text: '%.*s'",
                   what.end - what.p > 120 ? 120 : (int) (what.end - what.p), what.p);
}

static void
put (struct splice *splice, const char *text)
{
  buffer__str (&splice->out, text);
}

static void
put_span (struct splice *splice, struct span span)
{
  buffer__add (&splice->out, span.p, (size_t) (span.end - span.p));
}

/* What the code's local labels are called in the unit.  */
static const char *
splice__name (void *context, const char *symbol)
{
  struct splice *splice = context;
  if (!symbol__local (symbol))
    return symbol;
  snprintf (splice->name, sizeof splice->name, ".Laiopt%u_%u", splice->serial,
            names__enter (&splice->labels, symbol, strlen (symbol)));
  return splice->name;
}

/* Where the function's section is in a COMDAT group, its name; else empty.  */
static struct span
splice__group (const struct splice *splice)
{
  struct span rest = splice->section, fields[4] = { 0 };
  for (unsigned i = 0; i < 4 && rest.p < rest.end; i++)
    {
      span__skip_blanks (&rest);
      fields[i].p = rest.p;
      while (rest.p < rest.end && *rest.p != ',')
        rest.p++;
      fields[i].end = rest.p;
      if (rest.p < rest.end)
        rest.p++;
    }
  if (!fields[1].p || !memchr (fields[1].p, 'G', (size_t) (fields[1].end - fields[1].p)))
    return (struct span){ 0 };
  return fields[3];
}

/* Does DATA hold addresses, which the dynamic linker must write in a PIE?  */
static bool
data__relocates (const struct data *data)
{
  for (unsigned i = 0; i < data->n_cells; i++)
    if (!data->cell[i].bytes && !data->cell[i].expr.minus)
      return true;
  return false;
}

/* Prints the code's data, in sections that live and die with the function.  */
static void
splice__put_data (struct splice *splice)
{
  const struct code *code = splice->code;
  struct span group = splice__group (splice);
  for (unsigned i = 0; i < code->n_data; i++)
    {
      const struct data *data = &code->data[i];
      bool relocates = data__relocates (data);
      put (splice, relocates ? "\t.pushsection\t.data.rel.ro.local" : "\t.pushsection\t.rodata");
      if (group.p)
        {
          put (splice, ".");
          put (splice, code->name);
        }
      put (splice, relocates ? ",\"aw" : ",\"a");
      put (splice, group.p ? "G\",@progbits," : "\",@progbits");
      if (group.p)
        {
          put_span (splice, group);
          put (splice, ",comdat");
        }
      put (splice, "\n");
      buffer__align (&splice->out, data->align, 0);
      put (splice, splice__name (splice, data->label));
      put (splice, ":\n");
      buffer__data (&splice->out, data, splice__name, splice);
      put (splice, "\t.popsection\n");
    }
}

/* A .loc of the function's first line: file, line and column alone.  */
static void
splice__put_loc (struct splice *splice)
{
  struct span rest = splice->first_loc;
  if (!rest.p)
    return;
  put (splice, "\t.loc");
  for (unsigned i = 0; i < 3; i++)
    {
      span__skip_blanks (&rest);
      struct span number = { rest.p, rest.p };
      while (rest.p < rest.end && char__digit (*rest.p))
        rest.p++;
      number.end = rest.p;
      if (number.p == number.end)
        break;
      put (splice, " ");
      put_span (splice, number);
    }
  put (splice, "\n");
}

/* Does INSN hold an absolute address, which can't be linked into a PIE or shared object?  */
static bool
insn__absolute (const struct insn *insn)
{
  for (unsigned i = 0; i < insn->n_operands; i++)
    {
      const struct operand *operand = &insn->operand[i];
      if (operand->kind != OPERAND_TARGET && operand->expr.sym && !operand->expr.minus
          && !(operand->base && strcmp (operand->base, "rip") == 0))
        return true;
    }
  return false;
}

/* Prints the code into the hot part.  */
static int
splice__put_code (struct splice *splice)
{
  const struct code *code = splice->code;
  const char *const *cfi = NULL;
  if (splice->has_cfi && cfi__derive (splice->arena, code, &cfi, splice->why) < 0)
    return -1;
  for (unsigned i = 0; i < code->n_items && !splice->absolute; i++)
    if (code->item[i].kind == ITEM_INSN && insn__absolute (&code->item[i].insn))
      return why__set (splice->why, REASON_RELOCATION,
                       "an absolute address, of which the unit has none");
  splice__put_loc (splice);
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct item *item = &code->item[i];
      if (cfi && cfi[i])
        put (splice, cfi[i]);
      switch (item->kind)
        {
        case ITEM_LABEL:
          put (splice, splice__name (splice, item->label));
          put (splice, ":\n");
          break;
        case ITEM_ALIGN:
          buffer__align (&splice->out, item->align, item->align_max);
          break;
        case ITEM_INSN:
          put (splice, "\t");
          buffer__insn (&splice->out, &item->insn, splice__name, splice);
          put (splice, "\n");
          break;
        }
    }
  splice__put_data (splice);
  return 0;
}

/* The current part's instructions belong here, if they aren't there already.  */
static int
splice__fill (struct splice *splice)
{
  if (splice->filled)
    return 0;
  splice->filled = true;
  if (splice->part == PART_HOT)
    return splice__put_code (splice);
  if (splice->part == PART_COLD)
    put (splice, "\tud2\n");
  return 0;
}

static bool
section__is_rodata (struct span arguments)
{
  return span__starts (arguments, ".rodata") || span__starts (arguments, ".data.rel.ro");
}

static bool
section__is_text (struct span arguments)
{
  return span__starts (arguments, ".text");
}

/* ".section ARGUMENTS" or ".text" within the function; WHOLE is the statement.  */
static int
splice__section (struct splice *splice, struct span arguments, struct span whole)
{
  if (section__is_rodata (arguments))
    {
      splice->in_rodata = true;
      return 0;
    }
  if (splice->in_rodata)
    {
      /* GCC goes back to where it was.  */
      splice->in_rodata = false;
      return 0;
    }
  if (splice__fill (splice) < 0)
    return -1;
  switch (splice->part)
    {
    case PART_HOT:
      if (!section__is_text (arguments))
        return splice__refuse (splice, REASON_DIRECTIVE, whole);
      splice->part = PART_COLD;
      splice->filled = false;
      break;
    case PART_COLD:
      splice->part = PART_TAIL;
      splice->filled = true;
      break;
    default:
      return splice__refuse (splice, REASON_DIRECTIVE, whole);
    }
  put (splice, "\t");
  put_span (splice, whole);
  put (splice, "\n");
  return 0;
}

static int
splice__directive (struct splice *splice, struct span body)
{
  struct span whole = body, directive = span__word (&body);
  if (span__is (directive, ".section"))
    return splice__section (splice, body, whole);
  if (span__is (directive, ".text") && body.p == body.end)
    return splice__section (splice, directive, whole);
  if (splice->in_rodata)
    return 0;
  if (span__starts (directive, ".cfi_"))
    {
      if (span__is (directive, ".cfi_lsda") || span__is (directive, ".cfi_personality"))
        return splice__refuse (splice, REASON_EXCEPTIONS, whole);
      bool starts = span__is (directive, ".cfi_startproc");
      if (!starts && !span__is (directive, ".cfi_endproc"))
        return 0;
      if (starts && splice->part == PART_HOT)
        splice->has_cfi = true;
      if (!starts && splice__fill (splice) < 0)
        return -1;
    }
  else if (span__is (directive, ".loc"))
    {
      if (!splice->first_loc.p)
        splice->first_loc = body;
      if (splice->filled)
        return splice__refuse (splice, REASON_SYNTAX, whole);
    }
  else if (directive__aligns (directive))
    return 0;
  else if (span__is (directive, ".size"))
    {
      if (splice__fill (splice) < 0)
        return -1;
      struct span name = { body.p, body.p };
      while (name.end < body.end && char__symbol (*name.end))
        name.end++;
      if (span__is (name, splice->code->name))
        splice->part = PART_AFTER;
    }
  else if (!span__is (directive, ".type") && !span__is (directive, ".globl")
           && !span__is (directive, ".file") && !span__is (directive, ".hidden")
           && !span__is (directive, ".weak") && !span__is (directive, ".local"))
    return splice__refuse (splice, REASON_DIRECTIVE, whole);
  put (splice, "\t");
  put_span (splice, whole);
  put (splice, "\n");
  return 0;
}

/* A label within the function.  */
static int
splice__label (struct splice *splice, struct span label)
{
  if (splice->in_rodata)
    return 0;
  if (span__starts (label, ".LFE") && splice__fill (splice) < 0)
    return -1;
  if (span__starts (label, ".LCFI"))
    return splice__refuse (splice, REASON_CFI, label);
  if (span__starts (label, ".LEHB") || span__starts (label, ".LEHE"))
    return splice__refuse (splice, REASON_EXCEPTIONS, label);
  bool cold = span__is (label, splice->cold_name) && splice->part == PART_COLD;
  if (!cold && !span__starts (label, ".L"))
    return splice__refuse (splice, REASON_SYNTAX, label);
  put_span (splice, label);
  put (splice, ":\n");
  return 0;
}

/* One statement within the function.  */
static int
splice__statement (struct splice *splice, const struct statement *statement)
{
  if (statement->app)
    return why__set (splice->why, REASON_INLINE_ASM, "captured text: #APP");
  if (statement->label.p)
    return splice__label (splice, statement->label);
  struct span body = statement->body;
  if (body.p == body.end)
    return 0;
  if (statement->bad)
    return splice__refuse (splice, REASON_SYNTAX, body);
  if (*body.p == '.')
    return splice__directive (splice, body);
  if (splice->in_rodata || splice->part == PART_TAIL || splice->filled)
    return splice__refuse (splice, REASON_SYNTAX, body);
  if (splice->part == PART_HOT && !splice->seen_insn && span__is (body, "endbr64"))
    put (splice, "\tendbr64\n");
  splice->seen_insn = true;
  if (!splice->absolute)
    {
      struct insn insn = { 0 };
      splice->absolute = span__insn (splice->arena, body, NULL, &insn, NULL) == 0 && insn.mnemonic
                         && insn__absolute (&insn);
    }
  return 0;
}

/* Copies what stands outside the function, noting the section.  */
static void
splice__outside (struct splice *splice, const char *p, const struct statement *statement)
{
  struct span body = statement->body;
  buffer__add (&splice->out, p, (size_t) (statement->next - p));
  if (splice->part != PART_BEFORE)
    return;
  if (!statement->label.p && body.p < body.end && *body.p == '.')
    {
      struct span directive = span__word (&body);
      if (span__is (directive, ".section"))
        splice->section = body;
      else if (span__is (directive, ".text"))
        splice->section = (struct span){ 0 };
    }
  else if (statement->label.p && span__is (statement->label, splice->code->name))
    {
      splice->part = PART_HOT;
      buffer__str (&splice->out, "\n");
    }
}

int
splice__function (const char *captured, size_t length, const struct code *code, unsigned serial,
                  char **text, struct why *why)
{
  *text = NULL;
  if (memchr (captured, '\0', length))
    return why__set (why, REASON_SYNTAX, "captured text: a null byte");
  struct arena *arena = arena__new ();
  struct splice splice = { .arena = arena, .code = code, .serial = serial, .why = why,
                           .cold_name = arena__printf (arena, "%s.cold", code->name),
                           .out = { .arena = arena }, .labels = { .arena = arena } };
  int result = 0;
  const char *end = captured + length;
  for (const char *p = captured; p < end && result == 0;)
    {
      struct statement statement;
      statement__read (p, end, &statement);
      if (splice.part == PART_BEFORE || splice.part == PART_AFTER)
        splice__outside (&splice, p, &statement);
      else
        result = splice__statement (&splice, &statement);
      p = statement.next;
    }
  if (result == 0 && splice.part != PART_AFTER)
    result = why__set (why, splice.part == PART_BEFORE ? REASON_NO_FUNCTION : REASON_SYNTAX,
                       "captured text: no end of %.100s", code->name);
  if (result == 0)
    {
      *text = strdup (buffer__finish (&splice.out));
      if (!*text)
        result = why__set (why, REASON_CACHE, "memory exhausted");
    }
  arena__free (arena);
  return result;
}
