/* The same code at several places in a cache line.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/runtime.h"
#include "sandbox/image.h"

#include <string.h>

/* A long nop of 8 bytes: nopl 0(%rax,%rax), with a displacement that takes four.  */
static void
make_nop (struct item *item)
{
  *item = (struct item){ .kind = ITEM_INSN, .insn = { .mnemonic = "nopl", .n_operands = 1 } };
  item->insn.operand[0] = (struct operand){
    .kind = OPERAND_MEMORY, .base = "rax", .index = "rax", .scale = 1, .expr = { .add = 512 }
  };
}

int
image__spread (struct arena *arena, const struct region *region, const struct layout *layout, const struct code *code,
              unsigned index, unsigned n, struct image *image[], struct why *why)
{
  for (unsigned p = 0; p < n; p++)
    {
      struct code *shifted = arena__memdup (arena, code, sizeof *code);
      unsigned nops = 2 * p, own;
      shifted->arena = arena;
      shifted->item = ARENA_ARRAY (arena, struct item, code->n_items + nops);
      for (unsigned i = 0; i < nops; i++)
        make_nop (&shifted->item[i]);
      memcpy (shifted->item + nops, code->item, code->n_items * sizeof *code->item);
      shifted->n_items += nops;
      shifted->cold_from += nops;
      const struct code *extended;
      struct object *object;
      struct decoded *decoded;
      if (runtime__extend (arena, region, shifted, &extended, &own, why)
          || object__assemble (arena, extended, &object, why)
          || object__decode (arena, object, extended, &decoded, why)
          || image__link (arena, region, layout, object, decoded, index, &image[p], why))
        return -1;
    }
  return 0;
}
