/* Decoding one instruction for the proof, and handing it to the family that knows it.
   What no family knows, and prefixes that change what the known ones do, are UNMODELLED.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/internal.h"

#include <string.h>

/* Prefixes and operand forms that no family looks at.  The text names what isn't modelled, NULL: nothing.  */
static const char *
meaning__obstacle (const struct meaning *meaning)
{
  const ZydisDecodedInstruction *insn = &meaning->insn;
  if (insn->attributes & ZYDIS_ATTRIB_HAS_LOCK)
    return "a lock prefix";
  /* AMD's bextr with an immediate, and what accelerators had.  */
  if (insn->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && insn->encoding != ZYDIS_INSTRUCTION_ENCODING_VEX
      && insn->encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX)
    return "this encoding";
  if (insn->mnemonic == ZYDIS_MNEMONIC_NOP || insn->mnemonic == ZYDIS_MNEMONIC_ENDBR64)
    return NULL;
  if (insn->address_width != 64)
    return "an address-size prefix";
  for (unsigned i = 0; i < insn->operand_count; i++)
    {
      const ZydisDecodedOperand *operand = &meaning->operand[i];
      if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.type != ZYDIS_MEMOP_TYPE_AGEN
          && (operand->mem.segment == ZYDIS_REGISTER_FS || operand->mem.segment == ZYDIS_REGISTER_GS))
        return "a segment";
    }
  return NULL;
}

int
meaning__decode (struct arena *arena, const uint8_t *bytes, unsigned length, uint64_t address, bool symbol_disp,
                 bool symbol_imm, const struct meaning **result, struct why *why)
{
  struct meaning *meaning = ARENA_NEW (arena, struct meaning);
  ZydisDecoder decoder;
  if (!ZYAN_SUCCESS (ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))
      || !ZYAN_SUCCESS (
        ZydisDecoderDecodeFull (&decoder, bytes, length, &meaning->insn, meaning->operand)))
    return why__set (why, REASON_UNMODELLED, "bytes that Zydis doesn't decode");
  const char *mnemonic = ZydisMnemonicGetString (meaning->insn.mnemonic);
  if (meaning->insn.length != length)
    return why__set (why, REASON_UNMODELLED, "%s: %u bytes of %u decoded", mnemonic,
                     meaning->insn.length, length);
  meaning->address = address;
  meaning->symbol_disp = symbol_disp;
  meaning->symbol_imm = symbol_imm;

  const char *obstacle = meaning__obstacle (meaning);
  if (obstacle)
    return why__set (why, REASON_UNMODELLED, "%s: %s", mnemonic, obstacle);
  meaning->apply = integer__find (meaning);
  if (!meaning->apply)
    meaning->apply = vector__find (meaning);
  if (!meaning->apply)
    return why__set (why, REASON_UNMODELLED, "%s", mnemonic);
  *result = meaning;
  return 0;
}

int
meaning__apply (const struct meaning *meaning, struct sym_cpu *cpu, const struct sym_host *host,
                struct sym_step *step, struct why *why)
{
  struct run run = { .meaning = meaning, .cpu = cpu, .host = host, .terms = host->terms, .step = step, .why = why };
  *step = (struct sym_step){ .kind = STEP_NEXT };
  if (string__repeats (meaning))
    return string__enter (&run);
  return meaning->apply (&run);
}

const struct term *
meaning__condition (const struct meaning *meaning, struct sym_cpu *cpu, const struct sym_host *host)
{
  const ZydisInstructionCategory category = meaning->insn.meta.category;
  if (category != ZYDIS_CATEGORY_CMOV && category != ZYDIS_CATEGORY_SETCC)
    return NULL;
  return flags__condition (host->terms, host, &cpu->flags, meaning->insn.opcode & 15);
}

int
meaning__repeat (const struct meaning *meaning, struct sym_cpu *cpu, const struct sym_host *host,
                 struct sym_step *step, struct why *why)
{
  struct run run = { .meaning = meaning, .cpu = cpu, .host = host, .terms = host->terms, .step = step, .why = why };
  *step = (struct sym_step){ .kind = STEP_NEXT };
  if (!string__repeats (meaning))
    return run__unmodelled (&run, "not a repeated instruction");
  return string__round (&run);
}
