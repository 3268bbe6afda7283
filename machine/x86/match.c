/* Does an instruction decode to what was written?
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/x86/x86.h"

#include <string.h>

struct x86_field
x86__displacement (const struct zydis_insn *x)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  struct x86_field field = { 0 };
  if (zi->raw.disp.size == 0)
    return field;
  field.offset = zi->raw.disp.offset;
  field.size = zi->raw.disp.size / 8u;
  for (unsigned i = 0; i < zi->operand_count; i++)
    if (x->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY
        && x->op[i].visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
      {
        field.value = x->op[i].mem.disp.value;
        field.relative = x->op[i].mem.base == ZYDIS_REGISTER_RIP;
      }
  return field;
}

struct x86_field
x86__immediate (const struct zydis_insn *x, unsigned n)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  struct x86_field field = { 0 };
  if (n > 1 || zi->raw.imm[n].size == 0)
    return field;
  field.offset = zi->raw.imm[n].offset;
  field.size = zi->raw.imm[n].size / 8u;
  field.relative = zi->raw.imm[n].is_relative;
  field.value = zi->raw.imm[n].value.s;
  return field;
}

/* "st" and "st(0)" are Zydis's "st0".  */
static bool
register__same (const char *text, ZydisRegister reg)
{
  const char *zydis = ZydisRegisterGetString (reg);
  if (!zydis)
    return false;
  if (strncmp (zydis, "st", 2) == 0 && zydis[2] >= '0' && zydis[2] <= '7' && !zydis[3])
    {
      if (strcmp (text, "st") == 0)
        return zydis[2] == '0';
      return strncmp (text, "st(", 3) == 0 && text[3] == zydis[2] && text[4] == ')' && !text[5];
    }
  if (text[0] == 'm' && text[1] == 'm')
    return strcmp (text, zydis) == 0;
  return strcmp (text, zydis) == 0;
}

static bool
immediate__same (const struct zydis_insn *x, const ZydisDecodedOperand *op, const struct expr *expr)
{
  if (expr->sym || expr->minus)
    return true; /* relocations and labels decide */
  unsigned bits = op->size ? op->size : 8;
  if (op->imm.is_signed && x->zi.operand_width > bits)
    bits = x->zi.operand_width;
  uint64_t difference = (uint64_t) expr->add ^ op->imm.value.u;
  return bits >= 64 ? difference == 0 : (difference << (64 - bits)) == 0;
}

static bool
memory__same (const ZydisDecodedOperand *op, const struct operand *text)
{
  const char *segment = op->mem.segment == ZYDIS_REGISTER_FS   ? "fs"
                        : op->mem.segment == ZYDIS_REGISTER_GS ? "gs"
                                                               : NULL;
  if (segment ? !text->segment || strcmp (segment, text->segment) != 0
              : text->segment && strcmp (text->segment, "ds") != 0
                  && strcmp (text->segment, "ss") != 0 && strcmp (text->segment, "es") != 0
                  && strcmp (text->segment, "cs") != 0)
    return false;
  if (text->base ? !register__same (text->base, op->mem.base)
                 : op->mem.base != ZYDIS_REGISTER_NONE)
    return false;
  if (text->index ? !register__same (text->index, op->mem.index)
                      || (text->scale ? text->scale : 1) != op->mem.scale
                  : op->mem.index != ZYDIS_REGISTER_NONE)
    return false;
  return text->expr.sym || text->expr.minus || text->expr.add == op->mem.disp.value;
}

/* Operand TEXT against OP.  */
static bool
operand__same (const struct zydis_insn *x, const ZydisDecodedOperand *op, const struct operand *text)
{
  switch (op->type)
    {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      return text->kind == OPERAND_REGISTER && register__same (text->reg, op->reg.value);
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      if (text->kind == OPERAND_TARGET)
        return op->imm.is_relative;
      return text->kind == OPERAND_IMMEDIATE && !text->broadcast && !op->imm.is_relative
             && immediate__same (x, op, &text->expr);
    case ZYDIS_OPERAND_TYPE_MEMORY:
      return text->kind == OPERAND_MEMORY && memory__same (op, text);
    default:
      return false;
    }
}

/* Zydis's operands in the order that text has them, and which of them text may leave out.  */
struct list
{
  unsigned n;
  const ZydisDecodedOperand *op[ZYDIS_MAX_OPERAND_COUNT];
  bool optional[ZYDIS_MAX_OPERAND_COUNT];
};

static bool
list__same (const struct zydis_insn *x, const struct list *list, unsigned i,
            const struct operand *const *text, unsigned n, unsigned j)
{
  if (i == list->n)
    return j == n;
  if (j < n && operand__same (x, list->op[i], text[j])
      && list__same (x, list, i + 1, text, n, j + 1))
    return true;
  return list->optional[i] && list__same (x, list, i + 1, text, n, j);
}

/* True where the two first sources of X, read from text, may be exchanged: the assembler does so to
   save a prefix byte, and encodes test and xchg with either operand first.  */
static bool
insn__commutes (const struct zydis_insn *x)
{
  switch (x->zi.mnemonic)
    {
    case ZYDIS_MNEMONIC_TEST:
    case ZYDIS_MNEMONIC_XCHG:
    case ZYDIS_MNEMONIC_VPAND:
    case ZYDIS_MNEMONIC_VPOR:
    case ZYDIS_MNEMONIC_VPXOR:
    case ZYDIS_MNEMONIC_VANDPS:
    case ZYDIS_MNEMONIC_VANDPD:
    case ZYDIS_MNEMONIC_VORPS:
    case ZYDIS_MNEMONIC_VORPD:
    case ZYDIS_MNEMONIC_VXORPS:
    case ZYDIS_MNEMONIC_VXORPD:
    case ZYDIS_MNEMONIC_VPADDB:
    case ZYDIS_MNEMONIC_VPADDW:
    case ZYDIS_MNEMONIC_VPADDD:
    case ZYDIS_MNEMONIC_VPADDQ:
    case ZYDIS_MNEMONIC_VPADDSB:
    case ZYDIS_MNEMONIC_VPADDSW:
    case ZYDIS_MNEMONIC_VPADDUSB:
    case ZYDIS_MNEMONIC_VPADDUSW:
    case ZYDIS_MNEMONIC_VPAVGB:
    case ZYDIS_MNEMONIC_VPAVGW:
    case ZYDIS_MNEMONIC_VPCMPEQB:
    case ZYDIS_MNEMONIC_VPCMPEQW:
    case ZYDIS_MNEMONIC_VPCMPEQD:
    case ZYDIS_MNEMONIC_VPMADDWD:
    case ZYDIS_MNEMONIC_VPMAXSW:
    case ZYDIS_MNEMONIC_VPMAXUB:
    case ZYDIS_MNEMONIC_VPMINSW:
    case ZYDIS_MNEMONIC_VPMINUB:
    case ZYDIS_MNEMONIC_VPMULHUW:
    case ZYDIS_MNEMONIC_VPMULHW:
    case ZYDIS_MNEMONIC_VPMULLW:
    case ZYDIS_MNEMONIC_VPMULUDQ:
    case ZYDIS_MNEMONIC_VPSADBW:
      return true;
    default:
      return false;
    }
}

static int
mismatch (const struct zydis_insn *x, const struct insn *text, const char *what, struct why *why)
{
  const char *name = ZydisMnemonicGetString (x->zi.mnemonic);
  return why__set (why, REASON_MISMATCH, "%s written, %s decoded: %s", text->mnemonic,
                   name ? name : "?", what);
}

static bool
prefix__has (const char *prefixes, const char *word)
{
  size_t length = strlen (word);
  for (const char *p = prefixes; p && *p;)
    {
      size_t n = strcspn (p, " ");
      if (n == length && memcmp (p, word, n) == 0)
        return true;
      p += n;
      p += *p == ' ';
    }
  return false;
}

/* Prefixes that change meaning must be in both or neither.  */
static bool
prefixes__same (const struct zydis_insn *x, const struct insn *text)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  bool rep = prefix__has (text->prefix, "rep") || prefix__has (text->prefix, "repe")
             || prefix__has (text->prefix, "repz");
  bool repne = prefix__has (text->prefix, "repne") || prefix__has (text->prefix, "repnz");
  if (prefix__has (text->prefix, "lock") != !!(zi->attributes & ZYDIS_ATTRIB_HAS_LOCK)
      || prefix__has (text->prefix, "notrack") != !!(zi->attributes & ZYDIS_ATTRIB_HAS_NOTRACK)
      || prefix__has (text->prefix, "xacquire") || prefix__has (text->prefix, "xrelease")
      || prefix__has (text->prefix, "addr32"))
    return false;
  if (!!(zi->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) && !rep)
    return false;
  if (!!(zi->attributes & ZYDIS_ATTRIB_HAS_REPNE) && !repne)
    return false;
  /* A written rep that is no rep: "rep ret", "rep bsf", "rep nop".  */
  if (rep
      && !(zi->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)
           || zi->mnemonic == ZYDIS_MNEMONIC_RET || zi->mnemonic == ZYDIS_MNEMONIC_TZCNT
           || zi->mnemonic == ZYDIS_MNEMONIC_LZCNT || zi->mnemonic == ZYDIS_MNEMONIC_PAUSE))
    return false;
  if (repne && !(zi->attributes & ZYDIS_ATTRIB_HAS_REPNE))
    return false;
  /* And the other way round: bsf without rep is no tzcnt.  */
  if ((zi->mnemonic == ZYDIS_MNEMONIC_TZCNT || zi->mnemonic == ZYDIS_MNEMONIC_LZCNT)
      && text->mnemonic[0] == 'b' && !rep)
    return false;
  if (zi->mnemonic == ZYDIS_MNEMONIC_PAUSE && text->mnemonic[0] == 'n' && !rep)
    return false;
  return true;
}

static const char *
broadcast__name (ZydisBroadcastMode mode)
{
  switch (mode)
    {
    case ZYDIS_BROADCAST_MODE_1_TO_2:
      return "1to2";
    case ZYDIS_BROADCAST_MODE_1_TO_4:
      return "1to4";
    case ZYDIS_BROADCAST_MODE_1_TO_8:
      return "1to8";
    case ZYDIS_BROADCAST_MODE_1_TO_16:
      return "1to16";
    case ZYDIS_BROADCAST_MODE_1_TO_32:
      return "1to32";
    default:
      return "";
    }
}

static const char *
rounding__name (const ZydisDecodedInstruction *zi)
{
  switch (zi->avx.rounding.mode)
    {
    case ZYDIS_ROUNDING_MODE_RN:
      return "rn-sae";
    case ZYDIS_ROUNDING_MODE_RD:
      return "rd-sae";
    case ZYDIS_ROUNDING_MODE_RU:
      return "ru-sae";
    case ZYDIS_ROUNDING_MODE_RZ:
      return "rz-sae";
    default:
      return zi->avx.has_sae ? "sae" : NULL;
    }
}

/* Masks, zeroing, broadcasts, rounding: gathered from all of TEXT's operands.  */
static const char *
decorations__differ (const struct zydis_insn *x, const struct insn *text)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  const char *mask = NULL, *broadcast = NULL, *rounding = NULL;
  bool zeroing = false;
  for (unsigned i = 0; i < text->n_operands; i++)
    {
      const struct operand *operand = &text->operand[i];
      if (operand->mask)
        {
          if (mask)
            return "two masks";
          mask = operand->mask;
        }
      zeroing |= operand->zeroing;
      if (operand->broadcast && operand->kind == OPERAND_IMMEDIATE)
        rounding = operand->broadcast;
      else if (operand->broadcast)
        broadcast = operand->broadcast;
    }
  bool evex = zi->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX;
  bool masked = evex && zi->avx.mask.reg != ZYDIS_REGISTER_NONE
                && zi->avx.mask.reg != ZYDIS_REGISTER_K0;
  if (masked != !!mask || (masked && !register__same (mask, zi->avx.mask.reg)))
    return "write mask";
  if (zeroing != (evex && zi->raw.evex.z))
    return "zeroing";
  bool broadcasts = evex && zi->avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID
                    && !zi->avx.broadcast.is_static;
  if (broadcasts != !!broadcast
      || (broadcasts && strcmp (broadcast, broadcast__name (zi->avx.broadcast.mode)) != 0))
    return "broadcast";
  const char *rounds = evex ? rounding__name (zi) : NULL;
  if (!rounds != !rounding || (rounds && strcmp (rounds, rounding) != 0))
    return "rounding";
  return NULL;
}

/* True where text may leave OP out.  Not a shift's count in cl: without it text means one, but for
   double shifts, which have no such form.  */
static bool
operand__optional (const struct zydis_insn *x, const ZydisDecodedOperand *op)
{
  if (op->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
    return false;
  return op->type != ZYDIS_OPERAND_TYPE_REGISTER || op->reg.value != ZYDIS_REGISTER_CL
         || x->zi.mnemonic == ZYDIS_MNEMONIC_SHLD || x->zi.mnemonic == ZYDIS_MNEMONIC_SHRD;
}

int
x86__match (const struct zydis_insn *x, const struct insn *text, struct why *why)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  int predicate;
  if (!text->mnemonic)
    return why__set (why, REASON_MISMATCH, "a lone prefix");
  if (!x86__spelling (x, text->mnemonic, &predicate))
    return mismatch (x, text, "name", why);
  if (zi->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
    return mismatch (x, text, "a far branch", why);
  if (!prefixes__same (x, text))
    return mismatch (x, text, "prefixes", why);
  const char *difference = decorations__differ (x, text);
  if (difference)
    return mismatch (x, text, difference, why);

  /* Text's operands in Intel's order, rounding left out.  */
  const struct operand *operand[INSN_OPERANDS_MAX];
  unsigned n = 0;
  bool indirect = false;
  for (unsigned i = text->n_operands; i-- > 0;)
    if (!(text->operand[i].kind == OPERAND_IMMEDIATE && text->operand[i].broadcast))
      {
        operand[n++] = &text->operand[i];
        indirect |= text->operand[i].indirect;
      }
  bool jumps = zi->meta.category == ZYDIS_CATEGORY_UNCOND_BR
               || zi->meta.category == ZYDIS_CATEGORY_CALL;
  if (indirect
      != (jumps && zi->operand_count && x->op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE))
    return mismatch (x, text, "indirection", why);
  /* A nop's operands mean nothing.  */
  if (zi->mnemonic == ZYDIS_MNEMONIC_NOP)
    return 0;

  struct list list = { 0 };
  for (unsigned i = 0; i < zi->operand_count; i++)
    {
      const ZydisDecodedOperand *op = &x->op[i];
      if (op->encoding == ZYDIS_OPERAND_ENCODING_MASK)
        continue;
      if (predicate >= 0 && op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        {
          if (op->imm.value.u != (uint64_t) predicate)
            return mismatch (x, text, "predicate", why);
          continue;
        }
      list.optional[list.n] = operand__optional (x, op);
      list.op[list.n++] = op;
    }
  if (list__same (x, &list, 0, operand, n, 0))
    return 0;
  if (insn__commutes (x) && n >= 2)
    {
      const struct operand *other = operand[n - 1];
      operand[n - 1] = operand[n - 2];
      operand[n - 2] = other;
      if (list__same (x, &list, 0, operand, n, 0))
        return 0;
    }
  /* imul $10, %eax stands for imul $10, %eax, %eax.  */
  if (zi->mnemonic == ZYDIS_MNEMONIC_IMUL && n == 2 && operand[1]->kind == OPERAND_IMMEDIATE)
    {
      operand[2] = operand[1];
      operand[1] = operand[0];
      if (list__same (x, &list, 0, operand, 3, 0))
        return 0;
    }
  return mismatch (x, text, "operands", why);
}
