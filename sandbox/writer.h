/* Code being written, item by item: for functions that record something about their own run.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_WRITER_H
#define AIOPT_WRITER_H

#include "machine/code.h"

#include <string.h>

struct writer
{
  struct arena *arena;
  struct item *item;
  unsigned n, capacity;
};

/* A new item at the end, to be filled; it may move when the next one is asked for.  */
static inline struct item *
writer__item (struct writer *writer)
{
  if (writer->n == writer->capacity)
    {
      unsigned capacity = writer->capacity ? writer->capacity * 2 : 256;
      struct item *item = ARENA_ARRAY (writer->arena, struct item, capacity);
      if (writer->n)
        memcpy (item, writer->item, writer->n * sizeof *item);
      writer->item = item;
      writer->capacity = capacity;
    }
  return &writer->item[writer->n++];
}

static inline void
writer__insn (struct writer *writer, const char *mnemonic, struct operand from, struct operand to)
{
  struct item *item = writer__item (writer);
  item->kind = ITEM_INSN;
  item->insn = (struct insn){ .mnemonic = mnemonic, .n_operands = 2, .operand = { from, to } };
}

static inline struct operand
op_register (const char *reg)
{
  return (struct operand){ .kind = OPERAND_REGISTER, .reg = reg };
}

/* BASE is NULL where OFFSET is the address.  */
static inline struct operand
op_memory (const char *base, int64_t offset)
{
  return (struct operand){ .kind = OPERAND_MEMORY, .base = base, .expr.add = offset };
}

static inline struct operand
op_immediate (int64_t value)
{
  return (struct operand){ .kind = OPERAND_IMMEDIATE, .expr.add = value };
}

#endif
