/* Vector instructions: which family knows one, and which forms nobody knows.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

/* MMX and x87 registers, embedded rounding, suppressed exceptions, other address widths and KNC's forms.  */
static bool
form__is_known (const struct meaning *meaning)
{
  const ZydisDecodedInstruction *insn = &meaning->insn;
  if (insn->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && insn->encoding != ZYDIS_INSTRUCTION_ENCODING_VEX
      && insn->encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX)
    return false;
  if (insn->avx.rounding.mode != ZYDIS_ROUNDING_MODE_INVALID || insn->avx.has_sae
      || insn->avx.swizzle.mode != ZYDIS_SWIZZLE_MODE_INVALID
      || insn->avx.conversion.mode != ZYDIS_CONVERSION_MODE_INVALID || insn->avx.has_eviction_hint)
    return false;
  unsigned values = 0;
  for (unsigned i = 0; i < insn->operand_count; i++)
    {
      const ZydisDecodedOperand *operand = &meaning->operand[i];
      if (operand->type == ZYDIS_OPERAND_TYPE_POINTER)
        return false;
      if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && insn->address_width != 64)
        return false;
      if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER)
        switch (ZydisRegisterGetClass (operand->reg.value))
          {
          case ZYDIS_REGCLASS_GPR8:
          case ZYDIS_REGCLASS_GPR16:
          case ZYDIS_REGCLASS_GPR32:
          case ZYDIS_REGCLASS_GPR64:
          case ZYDIS_REGCLASS_XMM:
          case ZYDIS_REGCLASS_YMM:
          case ZYDIS_REGCLASS_ZMM:
          case ZYDIS_REGCLASS_MASK:
          case ZYDIS_REGCLASS_FLAGS:
            break;
          default:
            return false;
          }
      if (i < insn->operand_count_visible && operand->type != ZYDIS_OPERAND_TYPE_IMMEDIATE
          && operand->encoding != ZYDIS_OPERAND_ENCODING_MASK)
        values++;
    }
  return values <= VEC_OPERANDS_MAX;
}

int (*vector__find (const struct meaning *meaning)) (struct run *run)
{
  static vector_apply *(*const families[]) (const struct meaning *meaning) = {
    lane__find,           vector_move__find,    vector_compare__find, vector_mask__find,  vector_sum__find,
    vector_part__find,    vector_shuffle__find, vector_permute__find, vector_convert__find, vector_gather__find,
    vector_crypto__find,  float__find,          float_compare__find,  float_convert__find,
  };
  if (!form__is_known (meaning))
    return NULL;
  for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
    {
      vector_apply *apply = families[i](meaning);
      if (apply != NULL)
        return apply;
    }
  return NULL;
}
