/* AT&T spellings of what Zydis calls by Intel's names.
   A spelling that isn't known here is a mismatch: what can't be checked isn't let through.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/x86/x86.h"

#include <string.h>

/* AT&T's own words.  */
static const struct
{
  const char *att, *intel;
} words[] = {
  { "cltq", "cdqe" },    { "cwtl", "cwde" },    { "cbtw", "cbw" },      { "cwtd", "cwd" },
  { "cltd", "cdq" },     { "cqto", "cqo" },     { "movabs", "mov" },    { "movabsq", "mov" },
  { "movzbw", "movzx" }, { "movzbl", "movzx" }, { "movzbq", "movzx" },  { "movzwl", "movzx" },
  { "movzwq", "movzx" }, { "movzb", "movzx" },  { "movzw", "movzx" },   { "movsbw", "movsx" },
  { "movsbl", "movsx" }, { "movsbq", "movsx" }, { "movswl", "movsx" },  { "movswq", "movsx" },
  { "movslq", "movsxd" },{ "movsl", "movsd" },  { "stosl", "stosd" },   { "lodsl", "lodsd" },
  { "scasl", "scasd" },  { "cmpsl", "cmpsd" },  { "sal", "shl" },       { "salb", "shl" },
  { "salw", "shl" },     { "sall", "shl" },     { "salq", "shl" },      { "leaveq", "leave" },
  { "retq", "ret" },     { "pushf", "pushfq" }, { "popf", "popfq" },    { "wait", "fwait" },
  { "ud2a", "ud2" },     { "fnstsw", "fnstsw" },{ "fcmove", "fcmovz" }, { "fcmovne", "fcmovnz" },
  { "fucompi", "fucomip" }, { "fcompi", "fcomip" }, { "fildll", "fild" },  { "fistpll", "fistp" },{ "fisttpll", "fisttp" },
};

/* Condition codes and their synonyms; the first is Zydis's.  */
static const char *const conditions[][5] = {
  { "b", "c", "nae" }, { "nb", "ae", "nc" }, { "be", "na" }, { "nbe", "a" }, { "z", "e" },
  { "nz", "ne" },      { "l", "nge" },       { "nl", "ge" }, { "le", "ng" }, { "nle", "g" },
  { "p", "pe" },       { "np", "po" },       { "s" },        { "ns" },       { "o" },
  { "no" },
};

/* Predicates of the floating-point compares, by their number.  */
static const char *const predicates[] = {
  "eq",     "lt",     "le",     "unord",   "neq",    "nlt",   "nle",   "ord",
  "eq_uq",  "nge",    "ngt",    "false",   "neq_oq", "ge",    "gt",    "true",
  "eq_os",  "lt_oq",  "le_oq",  "unord_s", "neq_us", "nlt_uq", "nle_uq", "ord_s",
  "eq_us",  "nge_uq", "ngt_uq", "false_os", "neq_os", "ge_oq", "gt_oq", "true_us",
};

/* Predicates of AVX-512's integer compares.  */
static const struct
{
  const char *name;
  int value;
} integer_predicates[]
  = { { "eq", 0 },  { "lt", 1 },  { "le", 2 },  { "false", 3 }, { "neq", 4 }, { "nlt", 5 },
      { "nle", 6 }, { "true", 7 }, { "ge", 5 }, { "gt", 6 } };

static bool
same (const char *a, size_t length, const char *b)
{
  return strlen (b) == length && memcmp (a, b, length) == 0;
}

/* True where CONDITION[LENGTH] is a synonym of Zydis's ZYDIS.  */
static bool
condition__same (const char *condition, size_t length, const char *zydis)
{
  for (unsigned i = 0; i < sizeof conditions / sizeof *conditions; i++)
    if (strcmp (conditions[i][0], zydis) == 0)
      for (unsigned j = 0; j < 5 && conditions[i][j]; j++)
        if (same (condition, length, conditions[i][j]))
          return true;
  return false;
}

/* "jne", "sete", "cmovael".  */
static bool
conditional__spelling (const char *text, const char *zydis)
{
  static const char *const stems[] = { "cmov", "set", "j" };
  for (unsigned i = 0; i < 3; i++)
    {
      size_t stem = strlen (stems[i]);
      if (strncmp (text, stems[i], stem) != 0 || strncmp (zydis, stems[i], stem) != 0)
        continue;
      size_t length = strlen (text) - stem;
      if (condition__same (text + stem, length, zydis + stem))
        return true;
      return i == 0 && length > 1 && strchr ("wlq", text[stem + length - 1])
             && condition__same (text + stem, length - 1, zydis + stem);
    }
  return false;
}

/* "vcmpltps", "vpcmpleud", "pclmulhqlqdq": the predicate is part of the name.  */
static bool
predicate__spelling (const char *text, const char *zydis, int *immediate)
{
  const char *t = text, *z = zydis;
  if (*t == 'v' && *z == 'v')
    t++, z++;
  else if (*t == 'v' || *z == 'v')
    return false;
  if (strcmp (z, "pclmulqdq") == 0)
    {
      static const char *const halves[] = { "lqlq", "hqlq", "lqhq", "hqhq" };
      for (unsigned i = 0; i < 4; i++)
        if (strncmp (t, "pclmul", 6) == 0 && strncmp (t + 6, halves[i], 4) == 0
            && strcmp (t + 10, "dq") == 0)
          {
            *immediate = (int) ((i & 1) | (i & 2) << 3);
            return true;
          }
      return false;
    }
  if (strncmp (t, "cmp", 3) == 0 && strncmp (z, "cmp", 3) == 0 && strlen (z) == 5)
    {
      size_t length = strlen (t + 3);
      if (length < 3 || strcmp (t + 3 + length - 2, z + 3) != 0)
        return false;
      for (int i = 0; i < 32; i++)
        if (same (t + 3, length - 2, predicates[i]) && (i < 8 || *text == 'v'))
          {
            *immediate = i;
            return true;
          }
      return false;
    }
  if (*text == 'v' && strncmp (t, "pcmp", 4) == 0 && strncmp (z, "pcmp", 4) == 0
      && strlen (z + 4) <= 2)
    {
      size_t length = strlen (t + 4), type = strlen (z + 4);
      if (length <= type || strcmp (t + 4 + length - type, z + 4) != 0)
        return false;
      for (unsigned i = 0; i < sizeof integer_predicates / sizeof *integer_predicates; i++)
        if (same (t + 4, length - type, integer_predicates[i].name))
          {
            *immediate = integer_predicates[i].value;
            return true;
          }
    }
  return false;
}

/* True where a size suffix that means BITS bits is right for X: its memory operand has that size, or
   where there is none a general register; conversions to integers speak of the register.  */
static bool
size__fits (const struct zydis_insn *x, unsigned bits)
{
  bool any = false, register_fits = false;
  bool to_integer = strstr (ZydisMnemonicGetString (x->zi.mnemonic), "2si")
                    || strstr (ZydisMnemonicGetString (x->zi.mnemonic), "2usi");
  for (unsigned i = 0; i < x->zi.operand_count; i++)
    {
      const ZydisDecodedOperand *op = &x->op[i];
      if (op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
        continue;
      if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.type == ZYDIS_MEMOP_TYPE_MEM
          && !to_integer)
        return op->size == bits;
      if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && reg__gpr (op->reg.value) >= 0)
        {
          any = true;
          register_fits |= op->size == bits;
        }
    }
  return any ? register_fits : x->zi.operand_width == bits;
}

static bool
suffix__spelling (const struct zydis_insn *x, const char *text, const char *zydis)
{
  size_t length = strlen (zydis);
  if (strncmp (text, zydis, length) != 0 || strlen (text) != length + 1)
    return false;
  bool x87 = zydis[0] == 'f' && x->zi.meta.isa_ext == ZYDIS_ISA_EXT_X87;
  bool integer = x87 && zydis[1] == 'i'; /* fild, fiadd, fistp … count in integers */
  switch (text[length])
    {
    case 'b':
      return size__fits (x, 8);
    case 'w':
      return size__fits (x, 16);
    case 's':
      return x87 && size__fits (x, integer ? 16 : 32);
    case 'l':
      return size__fits (x, x87 && !integer ? 64 : 32);
    case 'q':
      return size__fits (x, 64);
    case 't':
      return x87 && size__fits (x, 80);
    case 'x':
      return x->zi.avx.vector_length == 128 || x->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
    case 'y':
      return x->zi.avx.vector_length == 256;
    case 'z':
      return x->zi.avx.vector_length == 512;
    default:
      return false;
    }
}

/* movzbl and its kin say both sizes.  */
static bool
extension__sizes (const struct zydis_insn *x, const char *text)
{
  if (strncmp (text, "movz", 4) != 0 && strncmp (text, "movs", 4) != 0)
    return true;
  if (x->zi.mnemonic != ZYDIS_MNEMONIC_MOVZX && x->zi.mnemonic != ZYDIS_MNEMONIC_MOVSX
      && x->zi.mnemonic != ZYDIS_MNEMONIC_MOVSXD)
    return true;
  unsigned bits[2];
  for (unsigned i = 0; i < 2; i++)
    switch (text[4 + i])
      {
      case 'b':
        bits[i] = 8;
        break;
      case 'w':
        bits[i] = 16;
        break;
      case 'l':
        bits[i] = 32;
        break;
      case 'q':
        bits[i] = 64;
        break;
      default: /* "movzb": the register tells */
        bits[i] = i ? x->op[0].size : 0;
        break;
      }
  return x->op[1].size == bits[0] && x->op[0].size == bits[1];
}

/* x87's subtractions and divisions with a register destination have their names swapped in AT&T syntax
   (binutils manual, "AT&T Mnemonic versus Intel Mnemonic").  */
static bool
x87__swapped (const struct zydis_insn *x, const char *text, const char *zydis)
{
  static const char *const pairs[][2]
    = { { "fsub", "fsubr" }, { "fsubp", "fsubrp" }, { "fdiv", "fdivr" }, { "fdivp", "fdivrp" } };
  if (x->zi.opcode != 0xdc && x->zi.opcode != 0xde)
    return false;
  for (unsigned i = 0; i < x->zi.operand_count; i++)
    if (x->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
      return false;
  for (unsigned i = 0; i < 4; i++)
    if ((strcmp (text, pairs[i][0]) == 0 && strcmp (zydis, pairs[i][1]) == 0)
        || (strcmp (text, pairs[i][1]) == 0 && strcmp (zydis, pairs[i][0]) == 0))
      return true;
  return false;
}

/* True where X's names are swapped and the unswapped spelling would be wrong.  */
static bool
x87__must_swap (const struct zydis_insn *x, const char *zydis)
{
  static const char *const swapped[]
    = { "fsub", "fsubr", "fsubp", "fsubrp", "fdiv", "fdivr", "fdivp", "fdivrp" };
  if ((x->zi.opcode != 0xdc && x->zi.opcode != 0xde) || x->zi.raw.modrm.mod != 3)
    return false;
  for (unsigned i = 0; i < 8; i++)
    if (strcmp (zydis, swapped[i]) == 0)
      return true;
  return false;
}

bool
x86__spelling (const struct zydis_insn *x, const char *text, int *immediate)
{
  const char *zydis = ZydisMnemonicGetString (x->zi.mnemonic);
  *immediate = -1;
  if (!zydis)
    return false;
  if (x87__must_swap (x, zydis))
    return x87__swapped (x, text, zydis);
  if (strcmp (text, zydis) == 0)
    {
      /* "movsd" and "cmpsd" are strings in Intel's syntax only; "movq" is more than one thing and its
         operands tell.  */
      return !(x->zi.meta.category == ZYDIS_CATEGORY_STRINGOP
               && text[strlen (text) - 1] == 'd');
    }
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp (text, words[i].att) == 0 && strcmp (zydis, words[i].intel) == 0)
      {
        /* Intel's movsd and cmpsd are also SSE's.  */
        bool string = strlen (zydis) == 5 && zydis[4] == 'd';
        return extension__sizes (x, text)
               && (!string || x->zi.meta.category == ZYDIS_CATEGORY_STRINGOP);
      }
  if (suffix__spelling (x, text, zydis) || conditional__spelling (text, zydis)
      || predicate__spelling (text, zydis, immediate))
    return true;
  switch (x->zi.mnemonic)
    {
    case ZYDIS_MNEMONIC_NOP:
      /* xchg %ax,%ax is a nop that is two bytes long.  */
      return strncmp (text, "xchg", 4) == 0 && strlen (text) <= 5;
    case ZYDIS_MNEMONIC_TZCNT:
      return strcmp (text, "bsf") == 0 || strcmp (text, "bsfl") == 0 || strcmp (text, "bsfq") == 0;
    case ZYDIS_MNEMONIC_LZCNT:
      return strcmp (text, "bsr") == 0 || strcmp (text, "bsrl") == 0 || strcmp (text, "bsrq") == 0;
    case ZYDIS_MNEMONIC_PAUSE:
      return strcmp (text, "nop") == 0;
    case ZYDIS_MNEMONIC_MOVSXD:
      return strcmp (text, "movsxd") == 0;
    case ZYDIS_MNEMONIC_MOVQ:
      return strcmp (text, "movd") == 0;
    case ZYDIS_MNEMONIC_VMOVQ:
      return strcmp (text, "vmovd") == 0;
    default:
      return false;
    }
}
