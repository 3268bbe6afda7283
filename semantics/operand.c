/* General operands of an instruction: registers, addresses, memory, immediates.
   Widths are bits.  Segments other than the flat ones, and registers that the machine model doesn't hold, are
   UNMODELLED.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/internal.h"

#include <string.h>

int
run__unmodelled (struct run *run, const char *what)
{
  return why__set (run->why, REASON_UNMODELLED, "%s: %s",
                   ZydisMnemonicGetString (run->meaning->insn.mnemonic), what);
}

/* The number of the general register that REG is a part of, or -1; *LOW and *BITS tell the part.  */
static int
gpr__part (ZydisRegister reg, unsigned *low, unsigned *bits)
{
  *low = 0;
  switch (ZydisRegisterGetClass (reg))
    {
    case ZYDIS_REGCLASS_GPR8:
      *bits = 8;
      if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        {
          *low = 8;
          return reg - ZYDIS_REGISTER_AH;
        }
      break;
    case ZYDIS_REGCLASS_GPR16:
      *bits = 16;
      break;
    case ZYDIS_REGCLASS_GPR32:
      *bits = 32;
      break;
    case ZYDIS_REGCLASS_GPR64:
      *bits = 64;
      break;
    default:
      return -1;
    }
  reg = ZydisRegisterGetLargestEnclosing (ZYDIS_MACHINE_MODE_LONG_64, reg);
  return reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15 ? (int) (reg - ZYDIS_REGISTER_RAX) : -1;
}

/* REG must be a general register: what an operand may be besides is asked before.  */
const struct term *
gpr__read (struct run *run, ZydisRegister reg)
{
  unsigned low, bits;
  int n = gpr__part (reg, &low, &bits);
  if (n < 0)
    {
      run__unmodelled (run, "not a general register");
      return NULL;
    }
  return term__extract (run->terms, run->cpu->gpr[n], low, bits);
}

/* A 32-bit write clears the upper half; 8 and 16 bits keep the rest.  VALUE is cut or zero-extended to REG's
   width.  */
void
gpr__write (struct run *run, ZydisRegister reg, const struct term *value)
{
  unsigned low, bits;
  int n = gpr__part (reg, &low, &bits);
  if (n < 0)
    return;
  const struct term **gpr = &run->cpu->gpr[n];
  value = term__resize (run->terms, value, bits);
  if (bits >= 32)
    *gpr = term__zext (run->terms, value, 64);
  else
    *gpr = term__insert (run->terms, *gpr, low, value);
}

unsigned
operand__bits (const struct run *run, unsigned n)
{
  return run->meaning->operand[n].size;
}

const struct term *
operand__address (struct run *run, unsigned n)
{
  const struct meaning *meaning = run->meaning;
  const ZydisDecodedOperand *operand = &meaning->operand[n];
  const ZydisDecodedOperandMem *mem = &operand->mem;
  struct terms *terms = run->terms;
  if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY
      || (mem->type != ZYDIS_MEMOP_TYPE_MEM && mem->type != ZYDIS_MEMOP_TYPE_AGEN))
    {
      run__unmodelled (run, "an address of this form");
      return NULL;
    }
  /* lea adds no segment.  */
  if (mem->type == ZYDIS_MEMOP_TYPE_MEM
      && (mem->segment == ZYDIS_REGISTER_FS || mem->segment == ZYDIS_REGISTER_GS))
    {
      run__unmodelled (run, "a segment");
      return NULL;
    }
  if (meaning->insn.address_width != 64)
    {
      run__unmodelled (run, "an address of 32 bits");
      return NULL;
    }
  uint64_t disp = mem->disp.has_displacement ? (uint64_t) mem->disp.value : 0;
  if (mem->base == ZYDIS_REGISTER_RIP)
    return run->host->symbol (run->host->context, meaning->address + meaning->insn.length + disp);

  const struct term *address = meaning->symbol_disp ? run->host->symbol (run->host->context, disp)
                                                    : term__const (terms, 64, disp);
  if (!address)
    return NULL;
  if (mem->base != ZYDIS_REGISTER_NONE)
    {
      const struct term *base = gpr__read (run, mem->base);
      if (!base)
        return NULL;
      address = term__add (terms, base, address);
    }
  if (mem->index != ZYDIS_REGISTER_NONE)
    {
      const struct term *index = gpr__read (run, mem->index);
      if (!index)
        return NULL;
      const struct term *scale = term__const (terms, 64, mem->scale);
      address = term__add (terms, address, term__mul (terms, index, scale));
    }
  return address;
}

/* The immediate of operand N, cut to BITS: Zydis gives it sign-extended where the instruction extends it.  */
static const struct term *
operand__immediate (struct run *run, unsigned n, unsigned bits)
{
  uint64_t value = run->meaning->operand[n].imm.value.u;
  if (!run->meaning->symbol_imm)
    return term__const (run->terms, bits, value);
  const struct term *symbol = run->host->symbol (run->host->context, value);
  return symbol ? term__resize (run->terms, symbol, bits) : NULL;
}

const struct term *
operand__read (struct run *run, unsigned n)
{
  const ZydisDecodedOperand *operand = &run->meaning->operand[n];
  unsigned bits = operand->size;
  if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
    {
      const struct term *address = operand__address (run, n);
      if (!address)
        return NULL;
      if (bits == 0 || bits % 8 != 0 || bits > 512 || operand->mem.type != ZYDIS_MEMOP_TYPE_MEM)
        {
          run__unmodelled (run, "a memory operand of this size");
          return NULL;
        }
      return run->host->load (run->host->context, address, bits / 8, NULL);
    }
  if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
    return operand__immediate (run, n, bits);
  if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER)
    {
      run__unmodelled (run, "an operand of this type");
      return NULL;
    }
  ZydisRegister reg = operand->reg.value;
  const struct term *whole;
  switch (ZydisRegisterGetClass (reg))
    {
    case ZYDIS_REGCLASS_XMM:
      whole = run->cpu->vec[reg - ZYDIS_REGISTER_XMM0];
      break;
    case ZYDIS_REGCLASS_YMM:
      whole = run->cpu->vec[reg - ZYDIS_REGISTER_YMM0];
      break;
    case ZYDIS_REGCLASS_ZMM:
      whole = run->cpu->vec[reg - ZYDIS_REGISTER_ZMM0];
      break;
    case ZYDIS_REGCLASS_MASK:
      whole = run->cpu->mask[reg - ZYDIS_REGISTER_K0];
      break;
    default:
      whole = gpr__read (run, reg);
    }
  if (!whole)
    return NULL;
  if (bits == 0 || bits > whole->width)
    {
      run__unmodelled (run, "a register operand of this size");
      return NULL;
    }
  return term__extract (run->terms, whole, 0, bits);
}

const struct term *
operand__source (struct run *run, unsigned n, unsigned bits)
{
  if (run->meaning->operand[n].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
    return operand__immediate (run, n, bits);
  const struct term *value = operand__read (run, n);
  if (value && value->width != bits)
    {
      run__unmodelled (run, "operands of different sizes");
      return NULL;
    }
  return value;
}

int
operand__write (struct run *run, unsigned n, const struct term *value)
{
  const ZydisDecodedOperand *operand = &run->meaning->operand[n];
  unsigned low, bits;
  switch (operand->type)
    {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      if (gpr__part (operand->reg.value, &low, &bits) < 0)
        return run__unmodelled (run, "not a general register");
      gpr__write (run, operand->reg.value, value);
      return 0;
    case ZYDIS_OPERAND_TYPE_MEMORY:
      {
        const struct term *address = operand__address (run, n);
        if (!address)
          return -1;
        if (operand->mem.type != ZYDIS_MEMOP_TYPE_MEM || value->width != operand->size || value->width % 8 != 0)
          return run__unmodelled (run, "a memory operand of this size");
        return run->host->store (run->host->context, address, value, NULL);
      }
    default:
      return run__unmodelled (run, "a destination of this type");
    }
}
