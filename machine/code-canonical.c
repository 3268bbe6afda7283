/* The canonical form of a function: what the key is computed from and what the cache and the lock
   file hold.  One item a line:

     	insn operands          instruction
     .L0:                      label
     	.p2align 4,,10         alignment
     	.cold                  what follows is the cold part
     	.data .L1,8            a datum, aligned to 8 bytes, whose cells follow
     	.byte 1,2 / .quad .L0  its cells

   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/code-text.h"
#include "machine/names.h"

struct renamer
{
  const struct code *code;
  struct names labels; /* local labels in order of first appearance */
  unsigned room;
  const char **text;   /* ".L0", ".L1" … */
};

/* The canonical name of SYMBOL.  */
static const char *
renamer__name (void *context, const char *symbol)
{
  struct renamer *renamer = context;
  if (!symbol__local (symbol))
    return strcmp (symbol, renamer->code->name) == 0 ? "$self" : symbol;
  unsigned before = renamer->labels.n;
  unsigned number = names__enter (&renamer->labels, symbol, strlen (symbol));
  if (number == before)
    {
      if (number == renamer->room)
        {
          unsigned room = number ? number * 2 : 32;
          const char **text = ARENA_ARRAY (renamer->labels.arena, const char *, room);
          if (number)
            memcpy (text, renamer->text, number * sizeof *text);
          renamer->text = text;
          renamer->room = room;
        }
      renamer->text[number] = arena__printf (renamer->labels.arena, ".L%u", number);
    }
  return renamer->text[number];
}

const char *
code__canonical (const struct code *code)
{
  struct arena *arena = code->arena;
  struct renamer renamer = { .code = code, .labels = { .arena = arena } };
  struct buffer buffer = { .arena = arena };
  if (code->endbr)
    buffer__str (&buffer, "\tendbr64\n");
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct item *item = &code->item[i];
      if (i == code->cold_from)
        buffer__str (&buffer, "\t.cold\n");
      switch (item->kind)
        {
        case ITEM_LABEL:
          buffer__str (&buffer, renamer__name (&renamer, item->label));
          buffer__str (&buffer, ":\n");
          break;
        case ITEM_ALIGN:
          buffer__align (&buffer, item->align, item->align_max);
          break;
        case ITEM_INSN:
          buffer__add (&buffer, "\t", 1);
          buffer__insn (&buffer, &item->insn, renamer__name, &renamer);
          buffer__add (&buffer, "\n", 1);
          break;
        }
    }
  struct names data = { .arena = arena };
  for (unsigned i = 0; i < code->n_data; i++)
    names__enter (&data, code->data[i].label, strlen (code->data[i].label));
  for (unsigned i = 0; code->n_data && i < renamer.labels.n; i++)
    {
      const struct name *label = &renamer.labels.name[i];
      unsigned number = names__find (&data, label->text, label->length);
      if (number == NAME_NONE)
        continue;
      buffer__str (&buffer, "\t.data ");
      buffer__str (&buffer, renamer.text[i]);
      buffer__add (&buffer, ",", 1);
      buffer__number (&buffer, code->data[number].align);
      buffer__add (&buffer, "\n", 1);
      buffer__data (&buffer, &code->data[number], renamer__name, &renamer);
    }
  return buffer__finish (&buffer);
}

/* Copies LINE into OUT with "$self" replaced by NAME where it stands for a whole symbol.  */
static void
copy_with_name (struct buffer *out, const char *line, const char *end, const char *name)
{
  static const char self[] = "$self";
  size_t length = sizeof self - 1;
  for (const char *p = line; p < end;)
    {
      const char *found = memmem (p, (size_t) (end - p), self, length);
      if (!found)
        {
          buffer__add (out, p, (size_t) (end - p));
          return;
        }
      const char *after = found + length;
      bool whole = (after == end || !char__symbol (*after))
                   && (found == line || found[-1] == '$' || !char__symbol (found[-1]));
      buffer__add (out, p, (size_t) (found - p));
      buffer__str (out, whole ? name : self);
      p = after;
    }
}

int
code__parse_canonical (struct arena *arena, const char *text, const char *name,
                       struct code **result, struct why *why)
{
  *result = NULL;
  /* Back into what a compiler would write, for the one reader there is.  */
  struct buffer out = { .arena = arena };
  buffer__str (&out, "\t.text\n");
  buffer__str (&out, name);
  buffer__str (&out, ":\n");
  for (const char *line = text; *line;)
    {
      const char *end = strchrnul (line, '\n');
      struct span span = { line, end };
      if (span__is (span, "\t.cold"))
        {
          buffer__str (&out, name);
          buffer__str (&out, ".cold:");
        }
      else if (span__starts (span, "\t.data "))
        {
          span.p += strlen ("\t.data ");
          const char *comma = memchr (span.p, ',', (size_t) (end - span.p));
          if (!comma)
            return why__set (why, REASON_SYNTAX, "canonical text: '.data' without alignment");
          buffer__str (&out, "\t.section .rodata\n\t.balign ");
          buffer__add (&out, comma + 1, (size_t) (end - comma - 1));
          buffer__add (&out, "\n", 1);
          buffer__add (&out, span.p, (size_t) (comma - span.p));
          buffer__add (&out, ":", 1);
        }
      else
        copy_with_name (&out, line, end, name);
      buffer__add (&out, "\n", 1);
      line = *end ? end + 1 : end;
    }
  buffer__str (&out, "\t.text\n\t.size ");
  buffer__str (&out, name);
  buffer__str (&out, ", .-");
  buffer__str (&out, name);
  buffer__add (&out, "\n", 1);

  struct code *code;
  if (code__parse (arena, out.text, out.length, name, NULL, 0, false, &code, why) < 0)
    return -1;
  /* Whatever was read in another sense than it was written in shows here.  */
  if (strcmp (code__canonical (code), text) != 0)
    return why__set (why, REASON_SYNTAX, "the text is not in canonical form");
  *result = code;
  return 0;
}
