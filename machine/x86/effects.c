/* What an instruction reads and writes: registers, flags, memory.
   Zydis's operand actions are widened, never narrowed, where a write leaves part of the old value: 8- and
   16-bit registers, merging masks, scalar SSE, conditional writes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/x86/x86.h"
#include "machine/suppression.h"

#include <string.h>

int
reg__gpr (ZydisRegister reg)
{
  ZydisRegisterClass class = ZydisRegisterGetClass (reg);
  if (class == ZYDIS_REGCLASS_GPR8 && reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
    return reg - ZYDIS_REGISTER_AH;
  if (class != ZYDIS_REGCLASS_GPR8 && class != ZYDIS_REGCLASS_GPR16
      && class != ZYDIS_REGCLASS_GPR32 && class != ZYDIS_REGCLASS_GPR64)
    return -1;
  reg = ZydisRegisterGetLargestEnclosing (ZYDIS_MACHINE_MODE_LONG_64, reg);
  return reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15 ? (int) (reg - ZYDIS_REGISTER_RAX) : -1;
}

int
reg__vec (ZydisRegister reg)
{
  switch (ZydisRegisterGetClass (reg))
    {
    case ZYDIS_REGCLASS_XMM:
      return reg - ZYDIS_REGISTER_XMM0;
    case ZYDIS_REGCLASS_YMM:
      return reg - ZYDIS_REGISTER_YMM0;
    case ZYDIS_REGCLASS_ZMM:
      return reg - ZYDIS_REGISTER_ZMM0;
    default:
      return -1;
    }
}

int
reg__mask (ZydisRegister reg)
{
  return reg >= ZYDIS_REGISTER_K0 && reg <= ZYDIS_REGISTER_K7 ? (int) (reg - ZYDIS_REGISTER_K0) : -1;
}

/* True where X's first operand keeps what its write mask leaves out.  */
static bool
insn__merges (const struct zydis_insn *x)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  return zi->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX && zi->avx.mask.reg != ZYDIS_REGISTER_NONE
         && zi->avx.mask.reg != ZYDIS_REGISTER_K0 && zi->avx.mask.mode == ZYDIS_MASK_MODE_MERGING;
}

/* Adds register REG, accessed as ACTIONS tell; PARTIAL: a write leaves part of it.  False for a register that
   has no place in the sets and is not harmless.  */
static bool
add_register (struct decoded_insn *insn, ZydisRegister reg, bool read, bool written, bool partial)
{
  int n;
  read |= written && partial;
  if ((n = reg__gpr (reg)) >= 0)
    {
      insn->read.gpr |= (uint16_t) (read << n);
      insn->written.gpr |= (uint16_t) (written << n);
      return true;
    }
  if ((n = reg__vec (reg)) >= 0)
    {
      insn->read.vec |= (uint32_t) read << n;
      insn->written.vec |= (uint32_t) written << n;
      return true;
    }
  if ((n = reg__mask (reg)) >= 0)
    {
      insn->read.mask |= (uint8_t) (read << n);
      insn->written.mask |= (uint8_t) (written << n);
      return true;
    }
  switch (ZydisRegisterGetClass (reg))
    {
    case ZYDIS_REGCLASS_X87:
    case ZYDIS_REGCLASS_MMX:
      insn->read.x87 = true;
      insn->written.x87 |= written;
      return true;
    case ZYDIS_REGCLASS_FLAGS: /* by bits, elsewhere */
    case ZYDIS_REGCLASS_IP:
      return true;
    default:
      break;
    }
  switch (reg)
    {
    case ZYDIS_REGISTER_NONE:
      return true;
    case ZYDIS_REGISTER_MXCSR:
      insn->read.mxcsr |= read;
      insn->written.mxcsr |= written;
      return true;
    case ZYDIS_REGISTER_X87CONTROL:
    case ZYDIS_REGISTER_X87STATUS:
    case ZYDIS_REGISTER_X87TAG:
      insn->read.x87 |= true;
      insn->written.x87 |= written;
      return true;
    default:
      /* System registers: no set holds them, and only forbidden kinds touch them.  */
      return (insn->kind & (KIND_SYSTEM | KIND_NONDETERMINISTIC)) != 0;
    }
}

/* True where writing operand OP leaves part of the register's old value that the ABI or a reader can
   see.  */
static bool
operand__partial (const struct zydis_insn *x, const ZydisDecodedOperand *op, bool first)
{
  switch (ZydisRegisterGetClass (op->reg.value))
    {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
      return true;
    case ZYDIS_REGCLASS_XMM:
      /* Scalar SSE between registers and integer conversions merge; loads and moves of a quadword
         zero the rest, and VEX forms read the rest from a source of their own.  */
      if (x->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && op->size < 128
          && x->zi.mnemonic != ZYDIS_MNEMONIC_MOVQ && x->zi.mnemonic != ZYDIS_MNEMONIC_MOVD)
        return true;
      break;
    default:
      break;
    }
  return first && insn__merges (x);
}

/* Elements of a gather or scatter.  */
static unsigned
gather__count (const struct zydis_insn *x, unsigned element, unsigned index)
{
  unsigned wide = element > index ? element : index;
  return x->zi.avx.vector_length / 8 / wide;
}

/* Bytes per index of a gather or scatter: its name ends in d or q for the index, then the element
   ("vpgatherdq", "vscatterqps").  */
static unsigned
gather__index_size (const char *name)
{
  const char *p = strstr (name, "gather");
  p = p ? p + 6 : strstr (name, "scatter") ? strstr (name, "scatter") + 7 : NULL;
  if (!p || (*p != 'd' && *p != 'q'))
    return 0;
  return *p == 'd' ? 4 : 8;
}

/* True where masked-out elements of a memory source of X are not read (SDM volume 2, table 2-x "fault
   suppression": the NF classes and broadcasts have none that follows elements).  */
static bool
mask__selects (const struct zydis_insn *x)
{
  return exception_class__suppresses (x->zi.meta.exception_class)
         && x->zi.avx.broadcast.mode == ZYDIS_BROADCAST_MODE_INVALID;
}

/* Adds memory operand OP.  */
static int
add_memory (const struct zydis_insn *x, const ZydisDecodedOperand *op, struct decoded_insn *insn,
            struct why *why)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  bool vsib = op->mem.type == ZYDIS_MEMOP_TYPE_VSIB;
  if (insn->n_memory == DECODED_MEMORY_MAX)
    return why__set (why, REASON_DECODE, "%s: too many memory operands", insn->mnemonic);
  struct decoded_memory *m = &insn->memory[insn->n_memory];
  *m = (struct decoded_memory){ .base = -1, .index = -1, .scale = 1, .mask = -1 };

  if (op->mem.base == ZYDIS_REGISTER_RIP)
    m->base = 16;
  else if (op->mem.base != ZYDIS_REGISTER_NONE)
    {
      m->base = (int8_t) reg__gpr (op->mem.base);
      if (m->base < 0 || ZydisRegisterGetClass (op->mem.base) != ZYDIS_REGCLASS_GPR64)
        return why__set (why, REASON_DECODE, "%s: base register %s", insn->mnemonic,
                         ZydisRegisterGetString (op->mem.base));
    }
  if (op->mem.index != ZYDIS_REGISTER_NONE)
    {
      m->index = (int8_t) (vsib ? reg__vec (op->mem.index) : reg__gpr (op->mem.index));
      if (m->index < 0
          || (!vsib && ZydisRegisterGetClass (op->mem.index) != ZYDIS_REGCLASS_GPR64))
        return why__set (why, REASON_DECODE, "%s: index register %s", insn->mnemonic,
                         ZydisRegisterGetString (op->mem.index));
      m->scale = op->mem.scale ? op->mem.scale : 1;
    }
  if (op->mem.segment == ZYDIS_REGISTER_FS)
    m->segment = 'f';
  else if (op->mem.segment == ZYDIS_REGISTER_GS)
    m->segment = 'g';
  m->disp = op->mem.disp.value;
  /* The address's registers are read, whatever is done to the memory.  */
  if (m->base >= 0 && m->base < 16)
    insn->read.gpr |= (uint16_t) (1u << m->base);
  if (m->index >= 0 && vsib)
    insn->read.vec |= UINT32_C (1) << m->index;
  else if (m->index >= 0)
    insn->read.gpr |= (uint16_t) (1u << m->index);
  if (op->mem.type == ZYDIS_MEMOP_TYPE_AGEN || (insn->kind & (KIND_NOP | KIND_PREFETCH)))
    return 0;
  if (op->mem.type != ZYDIS_MEMOP_TYPE_MEM && !vsib)
    return why__set (why, REASON_DECODE, "%s: kind of memory operand", insn->mnemonic);
  /* Bit-string instructions with a register offset reach beyond their operand.  */
  if ((zi->mnemonic == ZYDIS_MNEMONIC_BT || zi->mnemonic == ZYDIS_MNEMONIC_BTS
       || zi->mnemonic == ZYDIS_MNEMONIC_BTR || zi->mnemonic == ZYDIS_MNEMONIC_BTC)
      && x->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
    return why__set (why, REASON_DECODE, "%s with a bit offset in a register", insn->mnemonic);

  m->size = (uint16_t) (op->size / 8);
  m->read = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
  m->write = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
  if (vsib)
    {
      unsigned index = gather__index_size (insn->mnemonic), element = op->element_size / 8u;
      if (!index || (element != 4 && element != 8))
        return why__set (why, REASON_DECODE, "%s: elements", insn->mnemonic);
      m->index_size = (uint8_t) index;
      m->element = (uint8_t) element;
      m->size = (uint16_t) (element * gather__count (x, element, index));
      m->read = insn->kind & KIND_GATHER;
      m->write = insn->kind & KIND_SCATTER;
      if (zi->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX)
        m->mask = (int8_t) reg__mask (zi->avx.mask.reg);
      else if (x->op[2].type == ZYDIS_OPERAND_TYPE_REGISTER)
        m->mask = (int8_t) (reg__vec (x->op[2].reg.value) + 32);
      if (m->mask < 0)
        return why__set (why, REASON_DECODE, "%s: mask", insn->mnemonic);
    }
  else if (zi->mnemonic == ZYDIS_MNEMONIC_VMASKMOVPS || zi->mnemonic == ZYDIS_MNEMONIC_VMASKMOVPD
           || zi->mnemonic == ZYDIS_MNEMONIC_VPMASKMOVD
           || zi->mnemonic == ZYDIS_MNEMONIC_VPMASKMOVQ)
    {
      /* The mask is the second operand of loads and stores alike.  */
      bool wide = zi->mnemonic == ZYDIS_MNEMONIC_VMASKMOVPD
                  || zi->mnemonic == ZYDIS_MNEMONIC_VPMASKMOVQ;
      int mask = x->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER ? reg__vec (x->op[1].reg.value) : -1;
      if (mask < 0)
        return why__set (why, REASON_DECODE, "%s: mask", insn->mnemonic);
      m->element = wide ? 8 : 4;
      m->mask = (int8_t) (mask + 32);
    }
  else if (zi->mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU || zi->mnemonic == ZYDIS_MNEMONIC_VMASKMOVDQU)
    {
      m->element = 1;
      m->mask = (int8_t) (reg__vec (x->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER
                                      ? x->op[1].reg.value
                                      : x->op[2].reg.value)
                          + 32);
    }
  else if (zi->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX
           && zi->avx.mask.reg != ZYDIS_REGISTER_NONE && zi->avx.mask.reg != ZYDIS_REGISTER_K0
           && (m->write || mask__selects (x)))
    {
      m->mask = (int8_t) reg__mask (zi->avx.mask.reg);
      m->element = (uint8_t) (op->element_size / 8u);
      if (!m->element)
        return why__set (why, REASON_DECODE, "%s: masked memory of unknown elements",
                         insn->mnemonic);
      m->compress = zi->meta.category == ZYDIS_CATEGORY_COMPRESS
                    || zi->meta.category == ZYDIS_CATEGORY_EXPAND
                    || strstr (insn->mnemonic, "compress") || strstr (insn->mnemonic, "expand");
    }
  if (op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && (m->base == 4 || m->base == 5)
      && !(insn->kind & KIND_STRING))
    {
      m->implicit = true;
      /* push and call write below the stack pointer they start with; leave reads at rbp.  */
      if (zi->mnemonic != ZYDIS_MNEMONIC_LEAVE)
        m->disp = m->write ? -(int64_t) m->size : 0;
      else
        {
          m->base = 5;
          m->disp = 0;
        }
    }
  else if (zi->mnemonic == ZYDIS_MNEMONIC_POP && m->base == 4)
    m->disp += zi->stack_width / 8; /* the address counts from the popped stack pointer */
  if (m->size == 0 && !(insn->kind & (KIND_SYSTEM | KIND_NONDETERMINISTIC)))
    return why__set (why, REASON_DECODE, "%s: memory of unknown size", insn->mnemonic);
  insn->n_memory++;
  return 0;
}

/* Flags; those that a count of zero leaves alone are read as well.  */
static void
add_flags (const struct zydis_insn *x, struct decoded_insn *insn)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  if (!zi->cpu_flags)
    return;
  insn->flags_read = zi->cpu_flags->tested;
  insn->flags_written
    = zi->cpu_flags->modified | zi->cpu_flags->set_0 | zi->cpu_flags->set_1;
  insn->flags_undefined = zi->cpu_flags->undefined;
  bool conditional = insn->kind & KIND_REP;
  if (strcmp (insn->mnemonic, "ptest") == 0 || strcmp (insn->mnemonic, "vptest") == 0
      || strncmp (insn->mnemonic, "vtestp", 6) == 0)
    insn->flags_written |= 0x8d5; /* Zydis forgets two of the flags they clear */
  switch (zi->mnemonic)
    {
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR:
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
      conditional = true; /* immediate counts may be zero, too */
      for (unsigned i = 0; i < zi->operand_count; i++)
        if (x->op[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE
            && (x->op[i].imm.value.u & (zi->operand_width == 64 ? 63 : 31)) != 0)
          conditional = false;
      break;
    default:
      break;
    }
  if (conditional)
    insn->flags_read |= insn->flags_written | insn->flags_undefined;
}

int
x86__effects (const struct zydis_insn *x, struct decoded_insn *insn, struct why *why)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  for (unsigned i = 0; i < zi->operand_count; i++)
    {
      const ZydisDecodedOperand *op = &x->op[i];
      if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
        {
          if (add_memory (x, op, insn, why) < 0)
            return -1;
          continue;
        }
      if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
        continue;
      /* k0 as a write mask means none.  */
      if (op->encoding == ZYDIS_OPERAND_ENCODING_MASK && op->reg.value == ZYDIS_REGISTER_K0)
        continue;
      bool read = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
      bool written = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
      bool partial
        = (op->actions & ZYDIS_OPERAND_ACTION_CONDWRITE) || operand__partial (x, op, i == 0);
      if (!add_register (insn, op->reg.value, read, written, partial))
        return why__set (why, REASON_DECODE, "%s: register %s", insn->mnemonic,
                         ZydisRegisterGetString (op->reg.value));
      /* Of a run of four registers only the first is named.  */
      if (op->attributes & ZYDIS_OATTRIB_IS_MULTISOURCE4)
        return why__set (why, REASON_DECODE, "%s: a run of registers", insn->mnemonic);
    }
  if (zi->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX && zi->avx.mask.reg != ZYDIS_REGISTER_NONE
      && zi->avx.mask.reg != ZYDIS_REGISTER_K0)
    add_register (insn, zi->avx.mask.reg, true, false, false);
  switch (zi->mnemonic)
    {
    case ZYDIS_MNEMONIC_VZEROUPPER:
      insn->read.vec |= 0xffff;
      insn->written.vec |= 0xffff;
      break;
    case ZYDIS_MNEMONIC_VZEROALL:
      insn->written.vec |= 0xffff;
      break;
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_VLDMXCSR:
      insn->written.mxcsr = true;
      break;
    case ZYDIS_MNEMONIC_STMXCSR:
    case ZYDIS_MNEMONIC_VSTMXCSR:
      insn->read.mxcsr = true;
      break;
    case ZYDIS_MNEMONIC_BSF:
    case ZYDIS_MNEMONIC_BSR:
      insn->read.gpr |= insn->written.gpr; /* zero leaves the destination */
      break;
    default:
      break;
    }
  if (insn->kind & KIND_X87)
    insn->read.x87 = insn->written.x87 = true;
  else if (insn->kind & KIND_FP)
    insn->read.mxcsr = insn->written.mxcsr = true;
  if (insn->kind & KIND_STRING)
    {
      /* Zydis forgets the pointers of some repeated ones.  */
      bool source = strncmp (insn->mnemonic, "movs", 4) == 0
                    || strncmp (insn->mnemonic, "cmps", 4) == 0
                    || strncmp (insn->mnemonic, "lods", 4) == 0;
      bool destination = strncmp (insn->mnemonic, "lods", 4) != 0;
      insn->written.gpr |= (uint16_t) (source << 6 | destination << 7);
      insn->read.gpr |= (uint16_t) (source << 6 | destination << 7);
    }
  if (insn->kind & KIND_REP)
    {
      insn->read.gpr |= 1u << 1;
      insn->written.gpr |= 1u << 1;
      insn->read.gpr |= insn->written.gpr;
    }
  add_flags (x, insn);
  return 0;
}
