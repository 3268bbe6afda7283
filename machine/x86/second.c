/* The second opinion: Capstone on the same bytes.
   Debian's Capstone 4 doesn't know most of AVX-512; what it doesn't know it has no say in.  Where it
   decodes, length, control flow, registers, immediates and addresses must be Zydis's.  Names are not
   compared: both have theirs.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/x86/x86.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

struct second
{
  csh handle;
  cs_insn *insn;
};

struct second *
second__open (void)
{
  struct second *second = calloc (1, sizeof *second);
  if (!second)
    return NULL;
  if (cs_open (CS_ARCH_X86, CS_MODE_64, &second->handle) != CS_ERR_OK)
    {
      free (second);
      return NULL;
    }
  cs_option (second->handle, CS_OPT_DETAIL, CS_OPT_ON);
  second->insn = cs_malloc (second->handle);
  if (!second->insn)
    {
      cs_close (&second->handle);
      free (second);
      return NULL;
    }
  return second;
}

void
second__close (struct second *second)
{
  if (!second)
    return;
  cs_free (second->insn, 1);
  cs_close (&second->handle);
  free (second);
}

static int
disagree (const struct second *second, const struct zydis_insn *x, const char *what, struct why *why)
{
  const char *name = ZydisMnemonicGetString (x->zi.mnemonic);
  return why__set (why, REASON_DISAGREE, "%s: Zydis has %s, Capstone %s %s", what,
                   name ? name : "?", second->insn->mnemonic, second->insn->op_str);
}

/* Control flow as one number, the same for both.  */
enum flow { FLOW_NONE, FLOW_JUMP, FLOW_CALL, FLOW_RETURN };

static enum flow
zydis__flow (const struct zydis_insn *x)
{
  switch (x->zi.meta.category)
    {
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
      return FLOW_JUMP;
    case ZYDIS_CATEGORY_CALL:
      return FLOW_CALL;
    case ZYDIS_CATEGORY_RET:
      return x->zi.mnemonic == ZYDIS_MNEMONIC_RET ? FLOW_RETURN : FLOW_NONE;
    default:
      return FLOW_NONE;
    }
}

static enum flow
capstone__flow (const struct second *second)
{
  switch (second->insn->id)
    {
    case X86_INS_CALL:
    case X86_INS_LCALL:
      return FLOW_CALL;
    case X86_INS_RET:
    case X86_INS_RETF:
    case X86_INS_RETFQ:
      return FLOW_RETURN;
    case X86_INS_LOOP:
    case X86_INS_LOOPE:
    case X86_INS_LOOPNE:
      return FLOW_JUMP; /* not in Capstone's group */
    default:
      return cs_insn_group (second->handle, second->insn, CS_GRP_JUMP) ? FLOW_JUMP : FLOW_NONE;
    }
}

/* Capstone's and Zydis's names of one register.  */
static bool
register__same (const struct second *second, unsigned capstone, ZydisRegister zydis)
{
  if (capstone == X86_REG_INVALID || capstone == X86_REG_EIZ || capstone == X86_REG_RIZ)
    return zydis == ZYDIS_REGISTER_NONE;
  const char *a = cs_reg_name (second->handle, capstone), *b = ZydisRegisterGetString (zydis);
  if (!a || !b)
    return false;
  if (strncmp (b, "st", 2) == 0 && b[2] >= '0' && b[2] <= '7' && !b[3])
    return (strcmp (a, "st") == 0 && b[2] == '0')
           || (strncmp (a, "st(", 3) == 0 && a[3] == b[2]);
  return strcmp (a, b) == 0;
}

static bool
operand__same (const struct second *second, const struct zydis_insn *x, const ZydisDecodedOperand *op,
               const cs_x86_op *other)
{
  switch (op->type)
    {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      return other->type == X86_OP_REG && register__same (second, other->reg, op->reg.value);
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      {
        if (other->type != X86_OP_IMM)
          return false;
        uint64_t value = op->imm.value.u;
        if (op->imm.is_relative)
          value += second->insn->address + x->zi.length;
        unsigned bits = op->imm.is_relative || !op->size ? 64 : op->size;
        uint64_t difference = value ^ (uint64_t) other->imm;
        return bits >= 64 ? difference == 0 : (difference << (64 - bits)) == 0;
      }
    case ZYDIS_OPERAND_TYPE_MEMORY:
      return other->type == X86_OP_MEM && register__same (second, other->mem.base, op->mem.base)
             && register__same (second, other->mem.index, op->mem.index)
             && (op->mem.index == ZYDIS_REGISTER_NONE
                 || other->mem.scale == (op->mem.scale ? op->mem.scale : 1))
             && other->mem.disp == op->mem.disp.value;
    default:
      return false;
    }
}

/* Each of Capstone's operands must be one of Zydis's, and each explicit one of Zydis's one of
   Capstone's.  Order is not compared: it is part of the mnemonics' meaning.  */
static bool
operands__same (const struct second *second, const struct zydis_insn *x)
{
  const cs_x86 *detail = &second->insn->detail->x86;
  for (unsigned i = 0; i < detail->op_count; i++)
    {
      bool found = false;
      for (unsigned j = 0; j < x->zi.operand_count && !found; j++)
        found = operand__same (second, x, &x->op[j], &detail->operands[i]);
      if (!found)
        return false;
    }
  for (unsigned j = 0; j < x->zi.operand_count; j++)
    {
      if (x->op[j].visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT
          || x->op[j].encoding == ZYDIS_OPERAND_ENCODING_MASK
          || (x->op[j].type == ZYDIS_OPERAND_TYPE_REGISTER
              && x->op[j].reg.value == ZYDIS_REGISTER_ST0))
        continue;
      bool found = false;
      for (unsigned i = 0; i < detail->op_count && !found; i++)
        found = operand__same (second, x, &x->op[j], &detail->operands[i]);
      /* Capstone leaves the predicate out where it is part of the name.  */
      if (!found && !(x->op[j].type == ZYDIS_OPERAND_TYPE_IMMEDIATE
                      && (detail->sse_cc || detail->avx_cc)))
        return false;
    }
  return true;
}

int
second__compare (struct second *second, const struct zydis_insn *x, size_t size, struct why *why)
{
  const uint8_t *bytes = x->bytes;
  uint64_t address = 0;
  if (x->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX
      || !cs_disasm_iter (second->handle, &bytes, &size, &address, second->insn))
    return 0;
  second->insn->address = 0;
  if (second->insn->size != x->zi.length)
    return disagree (second, x, "length", why);
  if (capstone__flow (second) != zydis__flow (x))
    return disagree (second, x, "control flow", why);
  if (x->zi.meta.category == ZYDIS_CATEGORY_NOP || x->zi.meta.category == ZYDIS_CATEGORY_WIDENOP
      || x->zi.mnemonic == ZYDIS_MNEMONIC_NOP)
    return 0;
  if (!operands__same (second, x))
    return disagree (second, x, "operands", why);
  return 0;
}
