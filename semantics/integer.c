/* Which general-purpose instruction is known by whom, and what their families share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/integer.h"

int (*integer__find (const struct meaning *meaning)) (struct run *run)
{
  static const struct family *const families[] = { &family__move, &family__arithmetic, &family__shift,
                                                   &family__bits, &family__multiply, &family__control };
  const ZydisDecodedInstruction *insn = &meaning->insn;
  if (insn->meta.category == ZYDIS_CATEGORY_STRINGOP)
    return string__find (meaning);
  for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
    for (unsigned k = 0; k < families[i]->n; k++)
      if (families[i]->form[k].mnemonic == insn->mnemonic)
        return families[i]->form[k].apply;
  return NULL;
}

const struct term *
run__condition (struct run *run)
{
  return flags__condition (run->terms, run->host, &run->cpu->flags, run->meaning->insn.opcode & 15);
}

const struct term *
flags__sub (struct run *run, const struct term *a, const struct term *b)
{
  const struct term *result = term__sub (run->terms, a, b);
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_SUB, .a = a, .b = b, .result = result };
  return result;
}

const struct term *
flags__logic (struct run *run, const struct term *result)
{
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_LOGIC, .result = result };
  return result;
}

void
flags__set (struct sym_flags *flags, enum flag flag, const struct term *value)
{
  flags->flag[flag] = value;
  if (value)
    flags->undefined &= (uint8_t) ~(1u << flag);
  else
    flags->undefined |= (uint8_t) (1u << flag);
}
