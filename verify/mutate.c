/* Single-instruction mutants, made from an instruction's bytes.

   Conditions and displacements are changed in place; all else is decoded by Zydis, changed and
   encoded again, so that VEX and EVEX instructions have mutants like any others.  Sibling
   instructions are found by their names: "padd" and "psub", the letters of element widths, signed
   and unsigned; what is no instruction's name falls away.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/mutate.h"
#include "machine/names.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <string.h>

struct mutator
{
  struct names names; /* of all mnemonics; the number is the ZydisMnemonic */
  ZydisDecoder decoder;
  uint16_t gpr; /* registers that the function uses */
  uint32_t vec;
};

/* Pairs of which one makes the other, in names without the v of VEX.  */
static const char *const siblings[][2] = {
  { "add", "sub" },         { "adc", "sbb" },         { "add", "adc" },
  { "sub", "sbb" },         { "and", "or" },          { "or", "xor" },
  { "and", "xor" },         { "shl", "shr" },         { "shr", "sar" },
  { "rol", "ror" },         { "movzx", "movsx" },     { "inc", "dec" },
  { "neg", "not" },         { "mul", "imul" },        { "div", "idiv" },
  { "bsf", "bsr" },         { "tzcnt", "lzcnt" },     { "blsr", "blsi" },
  { "blsi", "blsmsk" },     { "adcx", "adox" },       { "shld", "shrd" },
  { "bts", "btr" },         { "btr", "btc" },         { "cmp", "test" },
  { "test", "cmp" },        { "movsxd", "mov" },      { "paddus", "padds" },
  { "psubus", "psubs" },    { "padds", "padd" },      { "psubs", "psub" },
  { "padd", "psub" },       { "pmaxs", "pmins" },     { "pmaxu", "pminu" },
  { "pmaxs", "pmaxu" },     { "pmins", "pminu" },     { "punpckl", "punpckh" },
  { "unpckl", "unpckh" },   { "pmovzx", "pmovsx" },   { "packss", "packus" },
  { "pcmpeq", "pcmpgt" },   { "psrl", "psra" },       { "psrl", "psll" },
  { "psrlv", "psllv" },     { "psrav", "psrlv" },     { "pand", "por" },
  { "por", "pxor" },        { "pandn", "pand" },      { "pmullw", "pmulhw" },
  { "pmulhw", "pmulhuw" },  { "pmuludq", "pmuldq" },  { "pavg", "pmaxu" },
  { "andps", "orps" },      { "andpd", "orpd" },      { "xorps", "orps" },
  { "xorpd", "orpd" },      { "andnps", "andps" },    { "andnpd", "andpd" },
  { "addp", "subp" },       { "adds", "subs" },       { "mulp", "addp" },
  { "muls", "adds" },       { "divs", "muls" },       { "divp", "mulp" },
  { "maxp", "minp" },       { "maxs", "mins" },       { "hadd", "hsub" },
  { "phadd", "phsub" },     { "cvtt", "cvt" },        { "ucomis", "comis" },
  { "movlhps", "movhlps" }, { "movddup", "movapd" },  { "fmadd", "fmsub" },
  { "fmadd", "fnmadd" },    { "fmsub", "fnmsub" },    { "132", "213" },
  { "213", "231" },         { "kand", "kor" },        { "kor", "kxor" },
  { "kandn", "kand" },      { "kshiftl", "kshiftr" }, { "prol", "pror" },
  { "roundss", "roundsd" }, { "sqrts", "rsqrts" },
};

/* Element letters at the end of a name, or before what follows "eq" and the like.  */
static const char *const widths[][2] = {
  { "b", "w" },   { "w", "d" },   { "d", "q" },    { "ps", "pd" },   { "ss", "sd" },
  { "bw", "wd" }, { "wd", "dq" }, { "dq", "qdq" }, { "lbw", "lwd" }, { "hbw", "hwd" },
};

struct mutator *
mutator__new (struct arena *arena, const struct decoded *decoded)
{
  struct mutator *mutator = ARENA_NEW (arena, struct mutator);
  mutator->names.arena = arena;
  for (unsigned i = 0; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++)
    {
      const char *name = ZydisMnemonicGetString ((ZydisMnemonic)i);
      char spare[24];
      if (!name)
        snprintf (spare, sizeof spare, "?%u", i);
      names__enter (&mutator->names, name ? name : spare, strlen (name ? name : spare));
    }
  ZydisDecoderInit (&mutator->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      mutator->gpr |= decoded->insn[i].read.gpr | decoded->insn[i].written.gpr;
      mutator->vec |= decoded->insn[i].read.vec | decoded->insn[i].written.vec;
    }
  mutator->gpr &= (uint16_t) ~(1u << 4);
  return mutator;
}

const char *
fault__name (enum fault fault)
{
  static const char *const name[FAULTS]
      = { [FAULT_NEVER] = "never",         [FAULT_ALWAYS] = "always",
          [FAULT_DROP] = "dropped",        [FAULT_CONDITION] = "condition",
          [FAULT_IMMEDIATE] = "immediate", [FAULT_DISPLACEMENT] = "displacement",
          [FAULT_OPCODE] = "opcode",       [FAULT_SWAP] = "swapped",
          [FAULT_REGISTER] = "register" };
  return (unsigned)fault < FAULTS ? name[fault] : "unknown";
}

/* One instruction being mutated.  */
struct work
{
  struct mutator *mutator;
  const struct decoded_insn *insn;
  const uint8_t *bytes;
  ZydisDecodedInstruction zi;
  ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
  ZydisEncoderRequest request;
  struct mutation *mutation;
  unsigned n;
};

/* Adds BYTES as a mutant, unless it is the instruction itself or another mutant.  */
static struct mutation *
add (struct work *work, enum fault fault, const uint8_t *bytes)
{
  unsigned length = work->insn->length;
  if (work->n == MUTATIONS_MAX || memcmp (bytes, work->bytes, length) == 0)
    return NULL;
  for (unsigned i = 0; i < work->n; i++)
    if (memcmp (work->mutation[i].bytes, bytes, length) == 0)
      return NULL;
  struct mutation *mutation = &work->mutation[work->n++];
  memset (mutation, 0, sizeof *mutation);
  mutation->fault = fault;
  memcpy (mutation->bytes, bytes, length);
  return mutation;
}

/* Encodes REQUEST into LENGTH bytes.  False where it can't be done in so few.  */
static bool
encode (const struct work *work, const ZydisEncoderRequest *request, uint8_t bytes[16])
{
  unsigned length = work->insn->length;
  ZydisEncoderRequest changed = *request;
  for (unsigned attempt = 0; attempt < 2; attempt++)
    {
      uint8_t encoded[ZYDIS_MAX_INSTRUCTION_LENGTH];
      ZyanUSize size = sizeof encoded;
      if (!ZYAN_SUCCESS (ZydisEncoderEncodeInstruction (&changed, encoded, &size)) || size > length)
        return false;
      bool moved = false;
      /* What is relative to the instruction's end has to count the nops too.  */
      for (unsigned i = 0; i < changed.operand_count && size != length && attempt == 0; i++)
        if (changed.operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY
            && changed.operands[i].mem.base == ZYDIS_REGISTER_RIP)
          {
            changed.operands[i].mem.displacement += (ZyanI64)(length - size);
            moved = true;
          }
      if (moved)
        continue;
      memset (bytes, 0x90, 16);
      memcpy (bytes, encoded, size);
      return true;
    }
  return false;
}

/* Adds REQUEST as the mutant WHAT.  */
static void
add_encoded (struct work *work, enum fault fault, const ZydisEncoderRequest *request,
             const char *what)
{
  uint8_t bytes[16];
  struct mutation *mutation = encode (work, request, bytes) ? add (work, fault, bytes) : NULL;
  if (mutation)
    snprintf (mutation->what, sizeof mutation->what, "%s", what);
}

/* Where a condition is no branch its two ways have to be seen all the same: a mutant that knows one
 * alone.  */
static void
force_condition (struct work *work)
{
  ZydisEncoderRequest request = work->request;
  const char *name = ZydisMnemonicGetString (work->zi.mnemonic);
  uint8_t nops[16];
  memset (nops, 0x90, sizeof nops);
  struct mutation *mutation;
  switch (work->zi.meta.category)
    {
    case ZYDIS_CATEGORY_CMOV:
      request.mnemonic = ZYDIS_MNEMONIC_MOV;
      add_encoded (work, FAULT_ALWAYS, &request, "condition always holds");
      /* A conditional move of 32 bits clears the upper half whether it moves or not.  */
      if (work->request.operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER
          && ZydisRegisterGetClass (work->request.operands[0].reg.value) == ZYDIS_REGCLASS_GPR32)
        {
          request.operands[1] = request.operands[0];
          add_encoded (work, FAULT_NEVER, &request, "condition never holds");
        }
      else if ((mutation = add (work, FAULT_NEVER, nops)))
        snprintf (mutation->what, sizeof mutation->what, "condition never holds");
      return;
    case ZYDIS_CATEGORY_SETCC:
      request.mnemonic = ZYDIS_MNEMONIC_MOV;
      request.operand_count = 2;
      request.operands[1] = (ZydisEncoderOperand){ .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };
      add_encoded (work, FAULT_NEVER, &request, "condition never holds");
      request.operands[1].imm.u = 1;
      add_encoded (work, FAULT_ALWAYS, &request, "condition always holds");
      return;
    default:
      break;
    }
  if (work->zi.mnemonic == ZYDIS_MNEMONIC_ADC || work->zi.mnemonic == ZYDIS_MNEMONIC_SBB)
    {
      request.mnemonic
          = work->zi.mnemonic == ZYDIS_MNEMONIC_ADC ? ZYDIS_MNEMONIC_ADD : ZYDIS_MNEMONIC_SUB;
      add_encoded (work, FAULT_NEVER, &request, "carry never set");
      return;
    }
  /* pcmp of different registers: all lanes unequal, all equal.  */
  const char *plain = name[0] == 'v' ? name + 1 : name;
  unsigned last = request.operand_count - 1;
  if (strncmp (plain, "pcmpeq", 6) != 0 && strncmp (plain, "pcmpgt", 6) != 0)
    return;
  if (request.operand_count < 2 || request.operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER
      || (request.operands[last].type == ZYDIS_OPERAND_TYPE_REGISTER
          && request.operands[last].reg.value == request.operands[last - 1].reg.value)
      || ZydisRegisterGetClass (request.operands[0].reg.value) == ZYDIS_REGCLASS_MASK)
    return;
  for (unsigned i = 1; i <= last; i++)
    request.operands[i] = request.operands[0];
  request.mnemonic = name[0] == 'v' ? ZYDIS_MNEMONIC_VPXOR : ZYDIS_MNEMONIC_PXOR;
  add_encoded (work, FAULT_NEVER, &request, "no lane ever");
  request.mnemonic = name[0] == 'v' ? ZYDIS_MNEMONIC_VPCMPEQD : ZYDIS_MNEMONIC_PCMPEQD;
  /* A mutant like others: saturation behind a comparison often makes it equivalent.  */
  add_encoded (work, FAULT_OPCODE, &request, "all lanes always");
}

static void
drop (struct work *work)
{
  /* Equivalent or unbounded where it ends a block; moves of the stack pointer tear the frame.  */
  if ((work->insn->kind
       & (KIND_JUMP | KIND_RETURN | KIND_CALL | KIND_NOP | KIND_PREFETCH | KIND_TRAP))
      || (work->insn->written.gpr & (1u << 4)))
    return;
  uint8_t bytes[16];
  memset (bytes, 0x90, sizeof bytes);
  struct mutation *mutation = add (work, FAULT_DROP, bytes);
  if (mutation)
    snprintf (mutation->what, sizeof mutation->what, "dropped");
}

/* The byte whose low half is the condition, or -1.  */
static int
condition_at (const struct work *work)
{
  switch (work->zi.meta.category)
    {
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_SETCC:
      break;
    default:
      return -1;
    }
  if (work->zi.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
    return -1;
  unsigned opcode = work->zi.opcode, prefixes = work->zi.raw.prefix_count;
  bool two = work->zi.opcode_map == ZYDIS_OPCODE_MAP_0F;
  if (two ? (opcode & 0xf0) != 0x80 && (opcode & 0xf0) != 0x90 && (opcode & 0xf0) != 0x40
          : (opcode & 0xf0) != 0x70)
    return -1;
  unsigned at = prefixes + two;
  return at < work->insn->length && work->bytes[at] == opcode ? (int)at : -1;
}

static void
change_condition (struct work *work)
{
  /* Strict and not, signed and not, by condition code (SDM volume 2, appendix B.1).  */
  static const int8_t sibling[16][2]
      = { [2] = { 6, 12 },  [3] = { 7, 13 },  [6] = { 2, 14 },  [7] = { 3, 15 },
          [12] = { 14, 2 }, [13] = { 15, 3 }, [14] = { 12, 6 }, [15] = { 13, 7 },
          [4] = { 6, 14 },  [5] = { 7, 15 },  [8] = { 12, 2 },  [9] = { 13, 3 } };
  static const char *const name[16]
      = { "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g" };
  int at = condition_at (work);
  if (at < 0)
    return;
  unsigned code = work->bytes[at] & 15;
  for (int i = -1; i < 2; i++)
    {
      unsigned other = i < 0 ? code ^ 1 : (unsigned)sibling[code][i];
      uint8_t bytes[16];
      if (i >= 0 && other == 0)
        continue;
      memcpy (bytes, work->bytes, work->insn->length);
      bytes[at] = (uint8_t)((bytes[at] & 0xf0) | other);
      struct mutation *mutation = add (work, FAULT_CONDITION, bytes);
      if (mutation)
        snprintf (mutation->what, sizeof mutation->what, "condition %s to %s", name[code],
                  name[other]);
    }
}

static void
change_immediate (struct work *work)
{
  for (unsigned i = 0; i < work->request.operand_count; i++)
    {
      if (work->request.operands[i].type != ZYDIS_OPERAND_TYPE_IMMEDIATE
          || work->op[i].imm.is_relative)
        continue;
      for (int step = -1; step <= 1; step += 2)
        {
          ZydisEncoderRequest request = work->request;
          request.operands[i].imm.s += step;
          uint8_t bytes[16];
          if (!encode (work, &request, bytes))
            continue;
          struct mutation *mutation = add (work, FAULT_IMMEDIATE, bytes);
          if (mutation)
            snprintf (mutation->what, sizeof mutation->what, "immediate %lld to %lld",
                      (long long)work->request.operands[i].imm.s,
                      (long long)request.operands[i].imm.s);
        }
    }
}

static void
change_displacement (struct work *work)
{
  unsigned offset = work->zi.raw.disp.offset, size = work->zi.raw.disp.size / 8;
  if (!size || !work->insn->n_memory || offset + size > work->insn->length)
    return;
  const struct decoded_memory *memory = &work->insn->memory[0];
  int64_t element = memory->element ? memory->element : memory->size;
  int64_t steps[] = { 1, -1, element, -element };
  for (unsigned i = 0; i < 4; i++)
    {
      uint8_t bytes[16];
      int64_t value = 0;
      if ((i >= 2 && element <= 1) || (size == 1 && (steps[i] > 127 || steps[i] < -128)))
        continue;
      memcpy (bytes, work->bytes, work->insn->length);
      memcpy (&value, bytes + offset, size);
      int64_t sum = (size == 1 ? (int8_t)value : (int32_t)value) + steps[i];
      if (size == 1 && (sum < -128 || sum > 127))
        continue;
      memcpy (bytes + offset, &sum, size);
      struct mutation *mutation = add (work, FAULT_DISPLACEMENT, bytes);
      if (mutation)
        snprintf (mutation->what, sizeof mutation->what, "displacement %+lld", (long long)steps[i]);
    }
}

/* Tries NAME as the mnemonic.  */
static void
try_name (struct work *work, const char *name)
{
  unsigned mnemonic = names__find (&work->mutator->names, name, strlen (name));
  if (mnemonic == NAME_NONE || mnemonic == (unsigned)work->zi.mnemonic)
    return;
  ZydisEncoderRequest request = work->request;
  uint8_t bytes[16];
  request.mnemonic = (ZydisMnemonic)mnemonic;
  if (!encode (work, &request, bytes))
    return;
  struct mutation *mutation = add (work, FAULT_OPCODE, bytes);
  if (mutation)
    snprintf (mutation->what, sizeof mutation->what, "%s", name);
}

static void
change_opcode (struct work *work)
{
  const char *name = ZydisMnemonicGetString (work->zi.mnemonic);
  char other[48];
  unsigned made = 0, before = work->n;
  const char *plain = name[0] == 'v' ? name + 1 : name;
  for (unsigned i = 0; i < sizeof siblings / sizeof *siblings && made < 3; i++)
    for (unsigned way = 0; way < 2 && made < 3; way++)
      {
        const char *from = siblings[i][way], *to = siblings[i][!way];
        const char *at = strstr (plain, from);
        /* At the beginning; digits (of fused operations) and the middle of fused names anywhere. */
        if (!at || (at != plain && from[0] != '1' && from[0] != '2'))
          continue;
        /* "and" isn't a part of "andn".  */
        if (strcmp (plain, from) != 0 && strlen (from) < 4 && name[0] != 'v' && from[0] >= 'a'
            && strcmp (from, "add") && strcmp (from, "sub"))
          continue;
        snprintf (other, sizeof other, "%.*s%s%s", (int)(at - name), name, to, at + strlen (from));
        try_name (work, other);
        made = work->n - before;
      }
  size_t length = strlen (name);
  before = work->n;
  for (unsigned i = 0; i < sizeof widths / sizeof *widths && work->n - before < 2; i++)
    for (unsigned way = 0; way < 2; way++)
      {
        size_t n = strlen (widths[i][way]);
        if (length <= n + 2 || strcmp (name + length - n, widths[i][way]) != 0)
          continue;
        snprintf (other, sizeof other, "%.*s%s", (int)(length - n), name, widths[i][!way]);
        try_name (work, other);
      }
}

/* Does the order of the operands make no difference?  */
static bool
commutes (const char *name)
{
  static const char *const names[]
      = { "add", "and",  "or",   "xor",   "test", "imul",   "mul",    "padd",  "pand",
          "por", "pxor", "pmul", "pmax",  "pmin", "pavg",   "pcmpeq", "psad",  "kand",
          "kor", "kxor", "xchg", "ptest", "adc",  "paddus", "xorps",  "andps", "orps" };
  const char *plain = name[0] == 'v' ? name + 1 : name;
  if (strstr (plain, "andn"))
    return false;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    if (strncmp (plain, names[i], strlen (names[i])) == 0)
      return true;
  return false;
}

static bool
same_class (ZydisRegister a, ZydisRegister b)
{
  return ZydisRegisterGetClass (a) == ZydisRegisterGetClass (b);
}

static void
swap_operands (struct work *work)
{
  const ZydisEncoderRequest *request = &work->request;
  const char *name = ZydisMnemonicGetString (work->zi.mnemonic);
  if (commutes (name) || request->operand_count < 2)
    return;
  for (unsigned i = 0; i < request->operand_count; i++)
    for (unsigned k = i + 1; k < request->operand_count; k++)
      {
        const ZydisEncoderOperand *a = &request->operands[i], *b = &request->operands[k];
        if (a->type != ZYDIS_OPERAND_TYPE_REGISTER || b->type != ZYDIS_OPERAND_TYPE_REGISTER
            || a->reg.value == b->reg.value || !same_class (a->reg.value, b->reg.value)
            || ZydisRegisterGetClass (a->reg.value) == ZYDIS_REGCLASS_MASK)
          continue;
        /* Of three, the sources.  */
        if (request->operand_count > 2 && i == 0
            && !(work->op[0].actions & ZYDIS_OPERAND_ACTION_MASK_READ))
          continue;
        if (work->op[i].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN
            || work->op[k].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
          continue;
        ZydisEncoderRequest changed = *request;
        changed.operands[i].reg.value = b->reg.value;
        changed.operands[k].reg.value = a->reg.value;
        uint8_t bytes[16];
        if (!encode (work, &changed, bytes))
          continue;
        struct mutation *mutation = add (work, FAULT_SWAP, bytes);
        if (mutation)
          {
            snprintf (mutation->what, sizeof mutation->what, "%s and %s swapped",
                      ZydisRegisterGetString (a->reg.value), ZydisRegisterGetString (b->reg.value));
            return;
          }
      }
}

/* Another register like REG that the function uses; NONE where there is none.  SALT varies the
 * choice.  */
static ZydisRegister
another (const struct mutator *mutator, ZydisRegister reg, unsigned salt)
{
  ZydisRegisterClass class = ZydisRegisterGetClass (reg);
  bool vector
      = class == ZYDIS_REGCLASS_XMM || class == ZYDIS_REGCLASS_YMM || class == ZYDIS_REGCLASS_ZMM;
  if (!vector && class != ZYDIS_REGCLASS_GPR64 && class != ZYDIS_REGCLASS_GPR32
      && class != ZYDIS_REGCLASS_GPR16)
    return ZYDIS_REGISTER_NONE;
  int own = ZydisRegisterGetId (reg);
  uint32_t used = vector ? mutator->vec : mutator->gpr;
  for (unsigned i = 0; i < 32; i++)
    {
      unsigned id = (unsigned)(own + 1 + (int)((salt + i) % 31)) % 32;
      if ((int)id != own && (used >> id & 1))
        return ZydisRegisterEncode (class, (ZyanU8)id);
    }
  return ZYDIS_REGISTER_NONE;
}

static void
change_register (struct work *work)
{
  for (unsigned i = 0; i < work->request.operand_count; i++)
    {
      ZydisEncoderRequest request = work->request;
      ZydisEncoderOperand *operand = &request.operands[i];
      ZydisRegister *place = NULL;
      if (work->op[i].visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
        continue;
      if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER
          && (work->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ))
        place = &operand->reg.value;
      else if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY
               && operand->mem.index != ZYDIS_REGISTER_NONE)
        place = &operand->mem.index;
      else if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.base != ZYDIS_REGISTER_RIP
               && operand->mem.base != ZYDIS_REGISTER_RSP)
        place = &operand->mem.base;
      if (!place || *place == ZYDIS_REGISTER_NONE)
        continue;
      ZydisRegister old = *place, new = another (work->mutator, old, work->insn->offset * 7 + i);
      if (new == ZYDIS_REGISTER_NONE)
        continue;
      *place = new;
      uint8_t bytes[16];
      if (!encode (work, &request, bytes))
        continue;
      struct mutation *mutation = add (work, FAULT_REGISTER, bytes);
      if (mutation)
        snprintf (mutation->what, sizeof mutation->what, "%s to %s", ZydisRegisterGetString (old),
                  ZydisRegisterGetString (new));
    }
}

/* Decodes INSN into WORK.  False where it has no mutants.  */
static bool
begin (struct work *work)
{
  return !(work->insn->kind & (KIND_NOP | KIND_PREFETCH | KIND_RETURN | KIND_CALL | KIND_TRAP | KIND_SYSTEM))
         && ZYAN_SUCCESS (ZydisDecoderDecodeFull (&work->mutator->decoder, work->bytes, work->insn->length, &work->zi, work->op));
}

/* Makes WORK's request.  False where the instruction can't be encoded again.  */
static bool
make_request (struct work *work)
{
  return !(work->insn->kind & (KIND_BRANCH | KIND_JUMP))
         && ZYAN_SUCCESS (ZydisEncoderDecodedInstructionToEncoderRequest (&work->zi, work->op, work->zi.operand_count_visible,
                                                                          &work->request));
}

bool
mutator__zero (struct mutator *mutator, const struct decoded_insn *insn, const uint8_t *bytes, struct mutation *mutation)
{
  struct work work = { .mutator = mutator, .insn = insn, .bytes = bytes, .mutation = mutation };
  if (!begin (&work) || !make_request (&work) || work.request.operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER)
    return false;
  ZydisRegisterClass class = ZydisRegisterGetClass (work.request.operands[0].reg.value);
  bool vector = class == ZYDIS_REGCLASS_XMM || class == ZYDIS_REGCLASS_YMM || class == ZYDIS_REGCLASS_ZMM;
  bool legacy = ZydisMnemonicGetString (work.zi.mnemonic)[0] != 'v', evex = work.zi.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX;
  /* Under a mask only a part of the result is the instruction's.  */
  if (evex && work.zi.operand_count_visible > 1 && work.op[1].type == ZYDIS_OPERAND_TYPE_REGISTER
      && ZydisRegisterGetClass (work.op[1].reg.value) == ZYDIS_REGCLASS_MASK && work.op[1].reg.value != ZYDIS_REGISTER_K0)
    return false;
  ZydisEncoderRequest request = { .machine_mode = ZYDIS_MACHINE_MODE_LONG_64,
                                  .mnemonic = !vector  ? ZYDIS_MNEMONIC_XOR
                                              : legacy ? ZYDIS_MNEMONIC_PXOR
                                              : evex   ? ZYDIS_MNEMONIC_VPXORD
                                                       : ZYDIS_MNEMONIC_VPXOR,
                                  .operand_count = (ZyanU8) (vector && !legacy ? 3 : 2) };
  for (unsigned i = 0; i < request.operand_count; i++)
    request.operands[i] = work.request.operands[0];
  add_encoded (&work, FAULT_NEVER, &request, "result always zero");
  return work.n == 1;
}

unsigned
mutator__mutate (struct mutator *mutator, const struct decoded_insn *insn, const uint8_t *bytes,
                 struct mutation mutations[MUTATIONS_MAX])
{
  struct work work = { .mutator = mutator, .insn = insn, .bytes = bytes, .mutation = mutations };
  if (!begin (&work))
    return 0;
  bool can = make_request (&work);
  if (can)
    force_condition (&work);
  drop (&work);
  change_condition (&work);
  change_displacement (&work);
  if (!can)
    return work.n;
  change_immediate (&work);
  change_opcode (&work);
  swap_operands (&work);
  change_register (&work);
  return work.n;
}
