/* The allow-list over decoded instructions.

   What is refused here is what running can't show: instructions whose effect depends on time, on the
   CPU or on the kernel, memory below the red zone (a signal handler may overwrite it, a test never sees
   that), jumps into the middle of an instruction that the tests may not reach, a new callee.
   Everything is a comparison with the original: a candidate may use a delicate instruction only where
   the original uses the very same one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/allow.h"

#include <string.h>

static const struct
{
  const char *mnemonic, *what;
} forbidden[] = {
#define FORBIDDEN(MNEMONIC, WHAT) { MNEMONIC, WHAT },
#include "verify/forbidden.def"
#undef FORBIDDEN
};

/* Mnemonics that change or read control state, or order memory: a candidate may use one only where the
   original uses the same.  A trailing '$' is the end of the name.  */
static const char *const delicate[] = {
  "std$", "cld$", "ldmxcsr", "vldmxcsr", "stmxcsr", "vstmxcsr", "fldcw", "fnstcw", "fnstsw", "fninit",
  "fnclex", "emms", "femms", "mfence", "lfence", "sfence", "pause", "movnt", "vmovnt", "maskmov",
  "vmaskmovdqu", "xlat", "cmpxchg", "xadd",
};

/* The deepest byte below the stack pointer that the ABI protects from signal handlers (System V AMD64, 3.2.2).  */
#define RED_ZONE 128

static bool
begins (const char *mnemonic, const char *pattern)
{
  size_t n = strlen (pattern);
  if (n && pattern[n - 1] == '$')
    return strncmp (mnemonic, pattern, n - 1) == 0 && mnemonic[n - 1] == '\0';
  return strncmp (mnemonic, pattern, n) == 0;
}

static const char *
forbidden__why (const char *mnemonic)
{
  for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
    if (begins (mnemonic, forbidden[i].mnemonic))
      return forbidden[i].what;
  return NULL;
}

static bool
is_delicate (const char *mnemonic)
{
  for (size_t i = 0; i < sizeof delicate / sizeof *delicate; i++)
    if (begins (mnemonic, delicate[i]))
      return true;
  return false;
}

static bool
uses_mnemonic (const struct decoded *decoded, const char *mnemonic)
{
  for (unsigned i = 0; i < decoded->n_insns; i++)
    if (strcmp (decoded->insn[i].mnemonic, mnemonic) == 0)
      return true;
  return false;
}

static unsigned
count_kind (const struct decoded *decoded, uint32_t all)
{
  unsigned n = 0;
  for (unsigned i = 0; i < decoded->n_insns; i++)
    n += (decoded->insn[i].kind & all) == all;
  return n;
}

int
allow__find (const struct decoded *decoded, unsigned section, uint64_t offset)
{
  for (unsigned i = 0; i < decoded->n_insns; i++)
    if (decoded->insn[i].section == section && decoded->insn[i].offset == offset)
      return (int) i;
  return -1;
}

int
allow__target (const struct decoded *decoded, unsigned i)
{
  const struct decoded_insn *insn = &decoded->insn[i];
  return insn->has_target && !(insn->kind & KIND_CALL) ? allow__find (decoded, insn->target_section, insn->target) : -1;
}

/* Name of the symbol that INSN calls or jumps to outside, without a relocation suffix; NULL for none.  */
static const char *
callee_name (const struct side *side, const struct decoded_insn *insn)
{
  if (insn->callee < 0 || (unsigned) insn->callee >= side->object->n_symbols)
    return NULL;
  return side->object->symbol[insn->callee].name;
}

bool
allow__is_noreturn (const struct region *region, const struct side *side,
                    const struct decoded_insn *insn)
{
  const char *name = callee_name (side, insn);
  if (!name || !(insn->kind & (KIND_CALL | KIND_JUMP)))
    return false;
  for (unsigned i = 0; i < region->n_callees; i++)
    if (region->callee[i].name && strcmp (region->callee[i].name, name) == 0)
      return region->callee[i].is_noreturn;
  return false;
}

static bool
calls_name (const struct side *side, const char *name)
{
  for (unsigned i = 0; i < side->decoded->n_insns; i++)
    {
      const char *callee = callee_name (side, &side->decoded->insn[i]);
      if (callee && strcmp (callee, name) == 0)
        return true;
    }
  return false;
}

static bool
has_symbol (const struct code *code, const char *name)
{
  for (unsigned i = 0; i < code->n_symbols; i++)
    if (strcmp (code->symbol[i], name) == 0)
      return true;
  return false;
}

static bool
has_label (const struct code *code, const char *name)
{
  for (unsigned i = 0; i < code->n_items; i++)
    if (code->item[i].kind == ITEM_LABEL && strcmp (code->item[i].label, name) == 0)
      return true;
  return false;
}

static bool
has_datum (const struct code *code, const char *name)
{
  for (unsigned i = 0; i < code->n_data; i++)
    if (strcmp (code->data[i].label, name) == 0)
      return true;
  return false;
}

/* Does CODE's data hold labels of its body, that is a jump table?  */
static bool
has_jump_table (const struct code *code)
{
  for (unsigned i = 0; i < code->n_data; i++)
    for (unsigned j = 0; j < code->data[i].n_cells; j++)
      {
        const struct cell *cell = &code->data[i].cell[j];
        if (!cell->bytes && cell->expr.sym && has_label (code, cell->expr.sym))
          return true;
      }
  return false;
}

static bool
names_known (const struct side *original, const struct code *code, const char *name)
{
  return !name || has_label (code, name) || has_datum (code, name)
         || has_symbol (original->code, name) || strcmp (name, code->name) == 0;
}

/* Every name in body and data is a label, a datum of the candidate's own, or a symbol of the original.  */
static int
check_symbols (const struct side *original, const struct code *code, struct why *why)
{
  for (unsigned i = 0; i < code->n_symbols; i++)
    if (!has_symbol (original->code, code->symbol[i]))
      return why__set (why, REASON_NEW_SYMBOL, "%s", code->symbol[i]);
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct insn *insn = &code->item[i].insn;
      if (code->item[i].kind != ITEM_INSN)
        continue;
      for (unsigned k = 0; k < insn->n_operands; k++)
        {
          const struct expr *expr = &insn->operand[k].expr;
          if (!names_known (original, code, expr->sym) || !names_known (original, code, expr->minus))
            return why__set (why, REASON_NEW_SYMBOL, "%s", expr->sym ? expr->sym : expr->minus);
        }
    }
  for (unsigned i = 0; i < code->n_data; i++)
    for (unsigned j = 0; j < code->data[i].n_cells; j++)
      {
        const struct cell *cell = &code->data[i].cell[j];
        if (!cell->bytes
            && (!names_known (original, code, cell->expr.sym)
                || !names_known (original, code, cell->expr.minus)))
          return why__set (why, REASON_NEW_SYMBOL, "in %s", code->data[i].label);
      }
  return 0;
}

static bool
falls_through (const struct region *region, const struct side *side,
               const struct decoded_insn *insn)
{
  return !(insn->kind & (KIND_JUMP | KIND_RETURN | KIND_TRAP))
         && !((insn->kind & KIND_CALL) && allow__is_noreturn (region, side, insn));
}

/* Nothing runs off the end of a section, and every branch lands on an instruction of the function
   (padding at a section's end is none).  */
static int
check_flow (const struct region *region, const struct side *original, const struct side *side,
            struct why *why)
{
  const struct decoded *decoded = side->decoded;
  if (decoded->n_insns == 0)
    return why__set (why, REASON_CONTROL_FLOW, "no instructions");
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &decoded->insn[i];
      if (!side->object->section[insn->section].executable)
        return why__set (why, REASON_CONTROL_FLOW, "code in section %u, not executable", insn->section);
      bool last = i + 1 == decoded->n_insns || decoded->insn[i + 1].section != insn->section;
      if (!last && decoded->insn[i + 1].offset != insn->offset + insn->length)
        return why__set (why, REASON_CONTROL_FLOW, "a hole at offset %u",
                         insn->offset + insn->length);
      if (last)
        {
          /* What comes before trailing padding must not fall into it.  */
          unsigned end = i;
          while (end > 0 && (decoded->insn[end].kind & KIND_NOP)
                 && decoded->insn[end - 1].section == insn->section)
            end--;
          if (falls_through (region, side, &decoded->insn[end]))
            return why__set (why, REASON_CONTROL_FLOW, "runs off its end after '%s'",
                             decoded->insn[end].mnemonic);
        }
      if (insn->has_target)
        {
          int target = allow__find (decoded, insn->target_section, insn->target);
          if (target < 0)
            return why__set (why, REASON_CONTROL_FLOW, "'%s' to offset %u, no instruction begins there",
                             insn->mnemonic, insn->target);
          if (decoded->insn[target].kind & KIND_NOP)
            {
              unsigned end = (unsigned) target;
              while (end + 1 < decoded->n_insns && (decoded->insn[end].kind & KIND_NOP)
                     && decoded->insn[end + 1].section == insn->target_section)
                end++;
              if (decoded->insn[end].kind & KIND_NOP)
                return why__set (why, REASON_CONTROL_FLOW, "'%s' into padding", insn->mnemonic);
            }
          if (insn->kind & KIND_CALL)
            {
              /* Recursion, and only by calling the function itself.  */
              const struct object_symbol *entry = &side->object->symbol[side->object->entry];
              if (insn->target_section != (unsigned) entry->section
                  || insn->target != entry->offset)
                return why__set (why, REASON_CALLS, "a call into the function's middle");
              if (original != side)
                {
                  bool recursive = false;
                  for (unsigned k = 0; k < original->decoded->n_insns; k++)
                    recursive |= (original->decoded->insn[k].kind & KIND_CALL)
                                 && original->decoded->insn[k].has_target;
                  if (!recursive)
                    return why__set (why, REASON_CALLS, "a recursive call");
                }
            }
        }
      else if ((insn->kind & (KIND_BRANCH | KIND_JUMP | KIND_CALL)) && !(insn->kind & KIND_INDIRECT))
        {
          const char *name = callee_name (side, insn);
          if (!name)
            return why__set (why, REASON_CONTROL_FLOW, "'%s' to nowhere known", insn->mnemonic);
          if (!calls_name (original, name))
            return why__set (why, REASON_CALLS, "%s", name);
        }
    }
  return 0;
}

/* Indirect jumps go through jump tables of the function's own, or are tail calls that the original has.  */
static int
check_indirect (const struct side *original, const struct side *side, bool compiled,
                struct why *why)
{
  unsigned jumps = count_kind (side->decoded, KIND_JUMP | KIND_INDIRECT);
  unsigned calls = count_kind (side->decoded, KIND_CALL | KIND_INDIRECT);
  bool original_jumps = count_kind (original->decoded, KIND_JUMP | KIND_INDIRECT) > 0;
  bool original_table = original_jumps && has_jump_table (original->code);
  bool original_calls = count_kind (original->decoded, KIND_CALL | KIND_INDIRECT) > 0
                        || (original_jumps && !original_table);
  if (calls > 0 && !original_calls)
    return why__set (why, REASON_CALLS, "an indirect call, the original has none");
  if (jumps > 0 && !has_jump_table (side->code) && !original_calls)
    return why__set (why, REASON_CONTROL_FLOW, "an indirect jump without a jump table");
  if (jumps > 0 && !compiled && !original_jumps && !original_calls)
    return why__set (why, REASON_CONTROL_FLOW, "an indirect jump, the original has none");
  return 0;
}

static bool
is_notrack (const struct side *side, const struct decoded_insn *insn)
{
  if (insn->item >= side->code->n_items)
    return false;
  const char *prefix = side->code->item[insn->item].insn.prefix;
  return prefix && strstr (prefix, "notrack");
}

/* Under -fcf-protection an indirect jump without notrack needs an endbr64 at its targets.  */
static int
check_markers (const struct region *region, const struct side *original, const struct side *side,
               struct why *why)
{
  bool protected = region->endbr;
  for (unsigned i = 0; i < original->decoded->n_insns; i++)
    protected |= is_notrack (original, &original->decoded->insn[i]);
  if (!protected || !has_jump_table (side->code))
    return 0;
  for (unsigned i = 0; i < side->decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &side->decoded->insn[i];
      if ((insn->kind & KIND_JUMP) && (insn->kind & KIND_INDIRECT) && !is_notrack (side, insn))
        return why__set (why, REASON_MARKER, "an indirect jump without notrack");
    }
  return 0;
}

/* Prefixes that candidates may have.  Those in braces only choose among encodings of one instruction.  */
static int
check_prefixes (const struct code *code, struct why *why)
{
  static const char *const allowed[] = { "rep", "repe", "repz", "repne", "repnz", "notrack", "lock",
                                         "{vex}", "{vex2}", "{vex3}", "{evex}" };
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const char *p = code->item[i].kind == ITEM_INSN ? code->item[i].insn.prefix : NULL;
      while (p && *p)
        {
          size_t n = strcspn (p, " ");
          bool found = n == 0;
          for (size_t k = 0; k < sizeof allowed / sizeof *allowed; k++)
            found |= strlen (allowed[k]) == n && strncmp (p, allowed[k], n) == 0;
          if (!found)
            return why__set (why, REASON_FORBIDDEN, "prefix '%.*s'", (int) n, p);
          p += n + (p[n] == ' ');
        }
    }
  return 0;
}

/* Accesses below the red zone, by what one instruction says: its address relative to the stack pointer.
   lea is looked at too, as it may hand such an address on.  The depth that a frame pointer hides is
   followed in frame.c.  */
static int
check_red_zone (const struct side *side, struct why *why)
{
  for (unsigned i = 0; i < side->code->n_items; i++)
    {
      const struct insn *insn = &side->code->item[i].insn;
      if (side->code->item[i].kind != ITEM_INSN)
        continue;
      for (unsigned k = 0; k < insn->n_operands; k++)
        {
          const struct operand *operand = &insn->operand[k];
          if (operand->kind != OPERAND_MEMORY || !operand->base || strcmp (operand->base, "rsp") != 0
              || operand->expr.add >= -RED_ZONE)
            continue;
          /* lea -N(%rsp), %rsp makes room: that is what is asked for.  */
          if (strncmp (insn->mnemonic, "lea", 3) == 0 && insn->n_operands == 2
              && insn->operand[1].kind == OPERAND_REGISTER
              && strcmp (insn->operand[1].reg, "rsp") == 0)
            continue;
          return why__set (why, REASON_FORBIDDEN, "'%s' %lld bytes below the stack pointer, the red zone has 128",
                           insn->mnemonic, -(long long) operand->expr.add);
        }
    }
  return 0;
}

static int
check_constant_time (const struct side *original, const struct side *side, struct why *why)
{
  unsigned before = count_kind (original->decoded, KIND_BRANCH);
  unsigned after = count_kind (side->decoded, KIND_BRANCH);
  if (after > before)
    return why__set (why, REASON_CONSTANT_TIME, "%u conditional branches, the original has %u", after,
                     before);
  bool original_table = false;
  for (unsigned i = 0; i < original->code->n_data; i++)
    original_table |= original->code->data[i].size > 64;
  for (unsigned i = 0; i < side->decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &side->decoded->insn[i];
      if ((insn->kind & (KIND_DIVIDE | KIND_GATHER | KIND_SCATTER | KIND_REP))
          && !uses_mnemonic (original->decoded, insn->mnemonic))
        return why__set (why, REASON_CONSTANT_TIME, "'%s'", insn->mnemonic);
      if ((insn->kind & KIND_INDIRECT) && count_kind (original->decoded, KIND_INDIRECT) == 0)
        return why__set (why, REASON_CONSTANT_TIME, "an indirect jump");
    }
  for (unsigned i = 0; i < side->code->n_items; i++)
    {
      /* A table of the candidate's own is reached through an address in a register, or with an index.  */
      const struct insn *insn = &side->code->item[i].insn;
      if (side->code->item[i].kind != ITEM_INSN)
        continue;
      for (unsigned k = 0; k < insn->n_operands; k++)
        {
          const struct operand *operand = &insn->operand[k];
          if (operand->expr.sym && has_datum (side->code, operand->expr.sym) && !original_table
              && (strncmp (insn->mnemonic, "lea", 3) == 0 || operand->kind != OPERAND_MEMORY
                  || operand->index || (operand->base && strcmp (operand->base, "rip") != 0)))
            return why__set (why, REASON_CONSTANT_TIME, "a table of its own");
        }
    }
  return 0;
}

static bool
same_segment_access (const struct decoded_insn *insn, const struct decoded_memory *memory,
                     const struct decoded *original)
{
  for (unsigned i = 0; i < original->n_insns; i++)
    for (unsigned m = 0; m < original->insn[i].n_memory; m++)
      {
        const struct decoded_memory *other = &original->insn[i].memory[m];
        if (other->segment == memory->segment && other->disp == memory->disp && other->base == memory->base
            && other->index == memory->index && other->size == memory->size
            && strcmp (original->insn[i].mnemonic, insn->mnemonic) == 0)
          return true;
      }
  return false;
}

static int
check_insn (const struct region *region, const struct side *original,
            const struct decoded_insn *insn, struct why *why)
{
  const struct
  {
    uint32_t kind;
    const char *what;
  } shared[] = {
    { KIND_NONTEMPORAL, "a non-temporal store" },
    { KIND_FENCE, "a fence or locked access" },
    { KIND_FLAG_CONTROL, "a change of control state" },
    { KIND_X87, "x87 or MMX" },
  };
  const char *what = forbidden__why (insn->mnemonic);
  if (what)
    return why__set (why, REASON_FORBIDDEN, "'%s': %s", insn->mnemonic, what);
  if (insn->kind & (KIND_SYSTEM | KIND_NONDETERMINISTIC))
    return why__set (why, REASON_FORBIDDEN, "'%s'", insn->mnemonic);
  if ((insn->kind & KIND_TRAP) && strcmp (insn->mnemonic, "ud2") != 0)
    return why__set (why, REASON_FORBIDDEN, "'%s'", insn->mnemonic);
  for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
    if ((insn->kind & shared[i].kind) && count_kind (original->decoded, shared[i].kind) == 0)
      return why__set (why, REASON_FORBIDDEN, "'%s': %s, the original has none", insn->mnemonic,
                       shared[i].what);
  if ((is_delicate (insn->mnemonic) || (insn->kind & (KIND_FLAG_CONTROL | KIND_FENCE | KIND_NONTEMPORAL)))
      && !uses_mnemonic (original->decoded, insn->mnemonic))
    return why__set (why, REASON_FORBIDDEN, "'%s', the original has none", insn->mnemonic);
  uint64_t beyond = insn->isa & ~(region->isa_allowed | ISA_BIT (BASE));
  if (beyond)
    {
      struct arena *arena = arena__new ();
      const char *names = isa__print (arena, beyond);
      why__set (why, REASON_ISA, "'%s' needs %s", insn->mnemonic, names ? names : "more");
      arena__free (arena);
      return -1;
    }
  for (unsigned m = 0; m < insn->n_memory; m++)
    if (insn->memory[m].segment && !same_segment_access (insn, &insn->memory[m], original->decoded))
      return why__set (why, REASON_FORBIDDEN, "'%s' through segment %cs", insn->mnemonic,
                       insn->memory[m].segment);
  return 0;
}

int
allow__original (const struct region *region, const struct side *original, struct why *why)
{
  const struct decoded *decoded = original->decoded;
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &decoded->insn[i];
      const char *what = forbidden__why (insn->mnemonic);
      if (what)
        return why__set (why, REASON_UNMODELLED, "the original uses '%s': %s", insn->mnemonic, what);
      if (insn->kind & (KIND_SYSTEM | KIND_NONDETERMINISTIC))
        return why__set (why, REASON_UNMODELLED, "the original uses '%s'", insn->mnemonic);
      if (insn->kind & (KIND_FENCE | KIND_NONTEMPORAL))
        return why__set (why, REASON_ATOMIC, "'%s'", insn->mnemonic);
      for (unsigned m = 0; m < insn->n_memory; m++)
        if (insn->memory[m].segment)
          return why__set (why, REASON_TLS, "'%s' through segment %cs", insn->mnemonic,
                           insn->memory[m].segment);
    }
  return check_flow (region, original, original, why);
}

int
allow__candidate (const struct region *region, const struct side *original,
                  const struct side *candidate, bool compiled, struct why *why)
{
  for (unsigned i = 0; i < candidate->object->n_sections; i++)
    if (candidate->object->section[i].writable && candidate->object->section[i].size > 0)
      return why__set (why, REASON_FORBIDDEN, "writable section %s",
                       candidate->object->section[i].name);
  for (unsigned i = 0; i < candidate->decoded->n_insns; i++)
    if (check_insn (region, original, &candidate->decoded->insn[i], why))
      return -1;
  unsigned traps = count_kind (original->decoded, KIND_TRAP);
  if (count_kind (candidate->decoded, KIND_TRAP) > traps)
    return why__set (why, REASON_FORBIDDEN, "'ud2' more often than the original's %u", traps);
  if (check_prefixes (candidate->code, why) || check_symbols (original, candidate->code, why)
      || check_flow (region, original, candidate, why)
      || check_indirect (original, candidate, compiled, why)
      || check_markers (region, original, candidate, why) || check_red_zone (candidate, why))
    return -1;
  return region->constant_time ? check_constant_time (original, candidate, why) : 0;
}
