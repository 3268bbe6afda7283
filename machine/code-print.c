/* Printing instructions and whole functions from the model.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/code-text.h"

#include <inttypes.h>

void
buffer__add (struct buffer *buffer, const char *text, size_t length)
{
  if (buffer->size - buffer->length <= length)
    {
      size_t size = buffer->size ? buffer->size * 2 : 2048;
      while (size - buffer->length <= length)
        size *= 2;
      char *larger = arena__alloc (buffer->arena, size);
      if (buffer->length)
        memcpy (larger, buffer->text, buffer->length);
      buffer->text = larger;
      buffer->size = size;
    }
  memcpy (buffer->text + buffer->length, text, length);
  buffer->length += length;
}

void
buffer__str (struct buffer *buffer, const char *text)
{
  buffer__add (buffer, text, strlen (text));
}

void
buffer__number (struct buffer *buffer, int64_t number)
{
  char digits[24];
  char *p = digits + sizeof digits;
  uint64_t rest = number < 0 ? -(uint64_t) number : (uint64_t) number;
  do
    *--p = (char) ('0' + rest % 10);
  while ((rest /= 10) != 0);
  if (number < 0)
    *--p = '-';
  buffer__add (buffer, p, (size_t) (digits + sizeof digits - p));
}

const char *
buffer__finish (struct buffer *buffer)
{
  buffer__add (buffer, "", 1);
  return buffer->text;
}

void
buffer__expr (struct buffer *buffer, const struct expr *expr, name_of *name_of, void *context)
{
  if (expr->sym)
    {
      buffer__str (buffer, name_of ? name_of (context, expr->sym) : expr->sym);
      if (expr->reloc)
        {
          buffer__add (buffer, "@", 1);
          buffer__str (buffer, expr->reloc);
        }
    }
  if (expr->minus)
    {
      buffer__add (buffer, "-", 1);
      buffer__str (buffer, name_of ? name_of (context, expr->minus) : expr->minus);
    }
  if (expr->add != 0 || (!expr->sym && !expr->minus))
    {
      if (expr->add >= 0 && (expr->sym || expr->minus))
        buffer__add (buffer, "+", 1);
      buffer__number (buffer, expr->add);
    }
}

static void
buffer__register (struct buffer *buffer, const char *reg)
{
  buffer__add (buffer, "%", 1);
  buffer__str (buffer, reg);
}

static void
buffer__operand (struct buffer *buffer, const struct operand *operand, name_of *name_of,
                 void *context)
{
  if (operand->indirect)
    buffer__add (buffer, "*", 1);
  switch (operand->kind)
    {
    case OPERAND_REGISTER:
      buffer__register (buffer, operand->reg);
      break;
    case OPERAND_IMMEDIATE:
      if (operand->broadcast)
        {
          buffer__add (buffer, "{", 1);
          buffer__str (buffer, operand->broadcast);
          buffer__add (buffer, "}", 1);
          return;
        }
      buffer__add (buffer, "$", 1);
      buffer__expr (buffer, &operand->expr, name_of, context);
      break;
    case OPERAND_MEMORY:
      if (operand->segment)
        {
          buffer__register (buffer, operand->segment);
          buffer__add (buffer, ":", 1);
        }
      if (operand->expr.sym || operand->expr.minus || operand->expr.add != 0
          || (!operand->base && !operand->index))
        buffer__expr (buffer, &operand->expr, name_of, context);
      if (operand->base || operand->index)
        {
          buffer__add (buffer, "(", 1);
          if (operand->base)
            buffer__register (buffer, operand->base);
          if (operand->index)
            {
              buffer__add (buffer, ",", 1);
              buffer__register (buffer, operand->index);
              if (operand->scale)
                {
                  buffer__add (buffer, ",", 1);
                  buffer__number (buffer, operand->scale);
                }
            }
          buffer__add (buffer, ")", 1);
        }
      if (operand->broadcast)
        {
          buffer__add (buffer, "{", 1);
          buffer__str (buffer, operand->broadcast);
          buffer__add (buffer, "}", 1);
        }
      break;
    case OPERAND_TARGET:
      buffer__expr (buffer, &operand->expr, name_of, context);
      break;
    }
  if (operand->mask)
    {
      buffer__add (buffer, "{%", 2);
      buffer__str (buffer, operand->mask);
      buffer__add (buffer, "}", 1);
    }
  if (operand->zeroing)
    buffer__add (buffer, "{z}", 3);
}

void
buffer__insn (struct buffer *buffer, const struct insn *insn, name_of *name_of, void *context)
{
  if (insn->prefix)
    {
      buffer__str (buffer, insn->prefix);
      buffer__add (buffer, " ", 1);
    }
  buffer__str (buffer, insn->mnemonic);
  for (unsigned i = 0; i < insn->n_operands; i++)
    {
      buffer__str (buffer, i ? ", " : "\t");
      buffer__operand (buffer, &insn->operand[i], name_of, context);
    }
}

void
insn__print (FILE *stream, const struct insn *insn)
{
  struct buffer buffer = { .arena = arena__new () };
  buffer__insn (&buffer, insn, NULL, NULL);
  fwrite (buffer.text, 1, buffer.length, stream);
  arena__free (buffer.arena);
}

static bool
same_text (const char *a, const char *b)
{
  return a == b || (a && b && strcmp (a, b) == 0);
}

static bool
same_symbol (const char *a, const char *b)
{
  return same_text (a, b) || (a && b && symbol__local (a) && symbol__local (b));
}

static bool
same_operand (const struct operand *a, const struct operand *b)
{
  return a->kind == b->kind && a->indirect == b->indirect && same_text (a->reg, b->reg)
         && same_text (a->segment, b->segment) && same_text (a->base, b->base)
         && same_text (a->index, b->index) && (a->scale ? a->scale : 1) == (b->scale ? b->scale : 1)
         && same_text (a->mask, b->mask) && a->zeroing == b->zeroing
         && same_text (a->broadcast, b->broadcast) && same_symbol (a->expr.sym, b->expr.sym)
         && same_symbol (a->expr.minus, b->expr.minus) && same_text (a->expr.reloc, b->expr.reloc)
         && a->expr.add == b->expr.add;
}

bool
insn__same (const struct insn *a, const struct insn *b)
{
  if (!same_text (a->prefix, b->prefix) || !same_text (a->mnemonic, b->mnemonic)
      || a->n_operands != b->n_operands)
    return false;
  for (unsigned i = 0; i < a->n_operands; i++)
    if (!same_operand (&a->operand[i], &b->operand[i]))
      return false;
  return true;
}

void
buffer__align (struct buffer *buffer, unsigned align, unsigned most)
{
  buffer__str (buffer, "\t.p2align ");
  buffer__number (buffer, __builtin_ctz (align));
  if (most)
    {
      buffer__str (buffer, ",,");
      buffer__number (buffer, most);
    }
  buffer__add (buffer, "\n", 1);
}

/* The directive for an integer of SIZE bytes.  */
static const char *
integer_directive (unsigned size)
{
  return size == 1 ? "\t.byte\t" : size == 2 ? "\t.value\t" : size == 4 ? "\t.long\t" : "\t.quad\t";
}

void
buffer__data (struct buffer *buffer, const struct data *data, name_of *name_of, void *context)
{
  enum { BYTES_A_LINE = 16 };
  for (unsigned i = 0; i < data->n_cells; i++)
    {
      const struct cell *cell = &data->cell[i];
      if (!cell->bytes)
        {
          buffer__str (buffer, integer_directive (cell->size));
          buffer__expr (buffer, &cell->expr, name_of, context);
          buffer__add (buffer, "\n", 1);
          continue;
        }
      for (unsigned j = 0; j < cell->size; j++)
        {
          buffer__str (buffer, j % BYTES_A_LINE ? "," : j ? "\n\t.byte\t" : "\t.byte\t");
          buffer__number (buffer, cell->bytes[j]);
        }
      buffer__add (buffer, "\n", 1);
    }
}

const char *
code__source (const struct code *code)
{
  struct buffer buffer = { .arena = code->arena };
  buffer__str (&buffer, "\t.text\n\t.p2align 6\n\t.globl\t");
  buffer__str (&buffer, code->name);
  buffer__str (&buffer, "\n\t.type\t");
  buffer__str (&buffer, code->name);
  buffer__str (&buffer, ", @function\n");
  buffer__str (&buffer, code->name);
  buffer__str (&buffer, ":\n");
  if (code->endbr)
    buffer__str (&buffer, "\tendbr64\n");
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct item *item = &code->item[i];
      switch (item->kind)
        {
        case ITEM_LABEL:
          buffer__str (&buffer, item->label);
          buffer__str (&buffer, ":\n");
          break;
        case ITEM_ALIGN:
          buffer__align (&buffer, item->align, item->align_max);
          break;
        case ITEM_INSN:
          buffer__add (&buffer, "\t", 1);
          buffer__insn (&buffer, &item->insn, NULL, NULL);
          buffer__add (&buffer, "\n", 1);
          break;
        }
    }
  buffer__str (&buffer, "\t.size\t");
  buffer__str (&buffer, code->name);
  buffer__str (&buffer, ", .-");
  buffer__str (&buffer, code->name);
  buffer__add (&buffer, "\n", 1);
  if (code->n_data)
    buffer__str (&buffer, "\t.section\t.rodata\n");
  for (unsigned i = 0; i < code->n_data; i++)
    {
      const struct data *data = &code->data[i];
      buffer__align (&buffer, data->align, 0);
      buffer__str (&buffer, data->label);
      buffer__str (&buffer, ":\n");
      buffer__data (&buffer, data, NULL, NULL);
    }
  buffer__str (&buffer, "\t.section\t.note.GNU-stack,\"\",@progbits\n");
  return buffer__finish (&buffer);
}
