/* Unwind information by data flow over the instructions.
   A state says how far the canonical frame address (CFA, the stack pointer before the call) is from
   %rsp and, in a frame, from %rbp, and where each callee-saved register's entry value is.  States
   meet at labels; passes over the items repeat until none changes.  What writes %rsp in a way not
   listed here is refused: a wrong row is worse than no rewrite.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/cfi.h"
#include "machine/code-text.h"
#include "machine/names.h"

#include <inttypes.h>

/* The callee-saved registers with their DWARF numbers.  */
enum { SAVED_RBP = 1, SAVED_COUNT = 6 };

static const struct
{
  const char *names[4]; /* 64, 32, 16, 8 bits */
  unsigned dwarf;
} saved_registers[SAVED_COUNT] = { { { "rbx", "ebx", "bx", "bl" }, 3 },
                                   { { "rbp", "ebp", "bp", "bpl" }, 6 },
                                   { { "r12", "r12d", "r12w", "r12b" }, 12 },
                                   { { "r13", "r13d", "r13w", "r13b" }, 13 },
                                   { { "r14", "r14d", "r14w", "r14b" }, 14 },
                                   { { "r15", "r15d", "r15w", "r15b" }, 15 } };

enum
{
  DWARF_RSP = 7,
  DWARF_RBP = 6,
  PASSES_MOST = 32,
  FRAME_MOST = 1 << 30
};

struct state
{
  bool valid;
  bool rsp_known, rbp_known;
  int64_t rsp, rbp;                /* CFA - register; RSP is the least it can be where unknown */
  int64_t slot[SAVED_COUNT];       /* CFA - place of the entry value; 0 none */
  bool clean[SAVED_COUNT];         /* the register still or again holds its entry value */
};

struct flow
{
  struct arena *arena;
  const struct code *code;
  struct why *why;
  struct names labels;
  struct state *at;        /* of each label */
  bool *taken;             /* its address is used other than by a direct jump */
  bool any_taken;
  bool changed;
  struct state now;
  unsigned item;
};

static int
flow__refuse (const struct flow *flow, const char *what)
{
  char text[128] = "";
  const struct item *item = &flow->code->item[flow->item];
  if (flow->item < flow->code->n_items && item->kind == ITEM_INSN)
    {
      struct buffer buffer = { .arena = flow->arena };
      buffer__insn (&buffer, &item->insn, NULL, NULL);
      snprintf (text, sizeof text, "%.*s", (int) buffer.length, buffer.text);
    }
  return why__set (flow->why, REASON_CFI, "%s: %s", what, text);
}

/* The number of callee-saved register REG, or -1.  */
static int
saved__find (const char *reg)
{
  for (int i = 0; reg && i < SAVED_COUNT; i++)
    for (unsigned j = 0; j < 4; j++)
      if (strcmp (saved_registers[i].names[j], reg) == 0)
        return i;
  return -1;
}

static bool
is_rsp (const char *reg)
{
  return reg && (strcmp (reg, "rsp") == 0 || strcmp (reg, "esp") == 0 || strcmp (reg, "sp") == 0
                 || strcmp (reg, "spl") == 0);
}

static bool
operand__is (const struct operand *operand, const char *reg)
{
  return operand->kind == OPERAND_REGISTER && strcmp (operand->reg, reg) == 0;
}

/* MNEMONIC is BASE, or BASE with the suffix of 64-bit operands.  */
static bool
is_quad (const char *mnemonic, const char *base)
{
  size_t length = strlen (base);
  return strncmp (mnemonic, base, length) == 0
         && (mnemonic[length] == '\0' || strcmp (mnemonic + length, "q") == 0);
}

/* MNEMONIC is BASE with any integer suffix or none.  */
static bool
is_any (const char *mnemonic, const char *base)
{
  size_t length = strlen (base);
  return strncmp (mnemonic, base, length) == 0
         && (mnemonic[length] == '\0' || (strchr ("bwlq", mnemonic[length]) && !mnemonic[length + 1]));
}

/* Lets STATE flow into INTO, where another path may meet it.  */
static int
flow__meet (struct flow *flow, struct state *into, const struct state *state)
{
  if (!into->valid)
    {
      *into = *state;
      flow->changed = true;
      return 0;
    }
  struct state met = *into;
  if (state->rsp < met.rsp)
    met.rsp = state->rsp;
  if (met.rsp_known && (!state->rsp_known || state->rsp != into->rsp))
    met.rsp_known = false;
  if (met.rbp_known && (!state->rbp_known || state->rbp != met.rbp))
    met.rbp_known = false;
  if (!met.rsp_known && !met.rbp_known)
    return flow__refuse (flow, "different stack depths meet");
  for (unsigned i = 0; i < SAVED_COUNT; i++)
    {
      bool clean = met.clean[i] && state->clean[i];
      if (met.slot[i] != state->slot[i])
        {
          if (!clean)
            return flow__refuse (flow, "a saved register is in different places where paths meet");
          met.slot[i] = 0;
        }
      met.clean[i] = clean;
    }
  for (unsigned i = 0; i < SAVED_COUNT; i++)
    if (met.slot[i] > met.rsp)
      return flow__refuse (flow, "a saved register's place isn't held where paths meet");
  if (!met.rbp_known)
    met.rbp = 0;
  bool same = met.rsp_known == into->rsp_known && met.rsp == into->rsp && met.rbp_known == into->rbp_known
              && memcmp (met.slot, into->slot, sizeof met.slot) == 0
              && memcmp (met.clean, into->clean, sizeof met.clean) == 0;
  if (!same)
    {
      *into = met;
      flow->changed = true;
    }
  return 0;
}

/* Lets the current state flow to LABEL.  */
static int
flow__to (struct flow *flow, const char *label)
{
  unsigned number = names__find (&flow->labels, label, strlen (label));
  if (number == NAME_NONE)
    return flow__refuse (flow, "a jump to no label");
  return flow__meet (flow, &flow->at[number], &flow->now);
}

/* The function is left here: everything must be as at its entry.  */
static int
flow__leave (struct flow *flow)
{
  const struct state *now = &flow->now;
  if (!now->rsp_known || now->rsp != 8)
    return flow__refuse (flow, "left at another stack depth");
  for (unsigned i = 0; i < SAVED_COUNT; i++)
    if (!now->clean[i])
      return flow__refuse (flow, "left with a callee-saved register not restored");
  flow->now.valid = false;
  return 0;
}

/* The distance from CFA down to memory OPERAND: true and *OFFSET where it is known.  */
static bool
flow__address (const struct flow *flow, const struct operand *operand, int64_t *offset)
{
  if (operand->kind != OPERAND_MEMORY || operand->index || operand->segment || !operand->base
      || operand->expr.sym || operand->expr.minus || operand->expr.add > FRAME_MOST
      || operand->expr.add < -FRAME_MOST)
    return false;
  if (strcmp (operand->base, "rsp") == 0 && flow->now.rsp_known)
    *offset = flow->now.rsp - operand->expr.add;
  else if (strcmp (operand->base, "rbp") == 0 && flow->now.rbp_known)
    *offset = flow->now.rbp - operand->expr.add;
  else
    return false;
  return true;
}

/* %rsp gets RSP below the CFA, or at least that where it isn't KNOWN.  */
static int
flow__set_rsp (struct flow *flow, int64_t rsp, bool known)
{
  if (rsp < 8 || rsp > FRAME_MOST)
    return flow__refuse (flow, "the stack pointer leaves the frame");
  flow->now.rsp = rsp;
  flow->now.rsp_known = known;
  /* What was saved below the stack pointer is gone, unless the register has it again.  */
  for (unsigned i = 0; i < SAVED_COUNT; i++)
    if (flow->now.slot[i] > rsp)
      {
        if (!flow->now.clean[i])
          return flow__refuse (flow, "a saved register is given up");
        flow->now.slot[i] = 0;
      }
  return 0;
}

/* Callee-saved register NUMBER gets a new value.  */
static int
flow__write (struct flow *flow, int number)
{
  struct state *now = &flow->now;
  if (now->clean[number] && !now->slot[number])
    return flow__refuse (flow, "a callee-saved register changes before it is saved");
  now->clean[number] = false;
  if (number == SAVED_RBP)
    now->rbp_known = false;
  if (!now->rsp_known && !now->rbp_known)
    return flow__refuse (flow, "the frame is lost");
  return 0;
}

/* Callee-saved register NUMBER is loaded from the place OFFSET below the CFA.  */
static int
flow__load (struct flow *flow, int number, int64_t offset)
{
  struct state *now = &flow->now;
  if (!now->slot[number] || now->slot[number] != offset)
    return flow__write (flow, number);
  now->clean[number] = true;
  now->slot[number] = 0;
  if (number == SAVED_RBP)
    now->rbp_known = false;
  return 0;
}

/* How many bytes a store of INSN may write at its last operand.  */
static int64_t
store__size (const struct insn *insn)
{
  const char *m = insn->mnemonic;
  if (insn->n_operands < 1)
    return 64;
  bool vector = false;
  for (unsigned i = 0; i + 1 < insn->n_operands; i++)
    {
      const struct operand *operand = &insn->operand[i];
      if (operand->kind != OPERAND_REGISTER)
        continue;
      if (operand->reg[1] == 'm' && operand->reg[2] == 'm')
        {
          vector = true;
          if (operand->reg[0] != 'x')
            return operand->reg[0] == 'y' ? 32 : 64;
        }
    }
  if (vector)
    {
      size_t length = strlen (m);
      bool scalar = length >= 2 && m[length - 2] == 's' && (m[length - 1] == 's' || m[length - 1] == 'd');
      return scalar || strstr (m, "movq") || strstr (m, "movd") || strstr (m, "movl")
                 || strstr (m, "movh")
               ? strstr (m, "movdq") ? 16
                                     : 8
               : 16;
    }
  char suffix = m[strlen (m) - 1];
  return suffix == 'b' ? 1 : suffix == 'w' ? 2 : suffix == 'l' ? 4 : 8;
}

/* A store of SIZE bytes at OFFSET below the CFA must leave what unwinding needs.  */
static int
flow__store (struct flow *flow, int64_t offset, int64_t size)
{
  int64_t low = -offset, high = low + size;
  if (low < 0 && high > -8)
    return flow__refuse (flow, "the return address is overwritten");
  for (unsigned i = 0; i < SAVED_COUNT; i++)
    {
      int64_t slot = -flow->now.slot[i];
      if (!slot || high <= slot || low >= slot + 8)
        continue;
      if (!flow->now.clean[i])
        return flow__refuse (flow, "a saved register's place is overwritten");
      flow->now.slot[i] = 0;
    }
  return 0;
}

/* Does INSN leave its last operand as it is?  */
static bool
insn__only_reads (const char *m)
{
  return is_any (m, "push") || is_any (m, "cmp") || is_any (m, "test") || is_any (m, "bt")
         || m[0] == 'j' || strcmp (m, "call") == 0 || strncmp (m, "prefetch", 8) == 0
         || is_any (m, "nop") || strncmp (m, "loop", 4) == 0 || is_any (m, "mul")
         || is_any (m, "div") || is_any (m, "idiv") || strncmp (m, "ucomis", 6) == 0
         || strncmp (m, "comis", 5) == 0;
}

/* Does the call of SYMBOL never return?  The C library's and the compilers' own, and what CODE
   knows.  */
static bool
symbol__noreturn (const struct code *code, const char *symbol)
{
  for (unsigned i = 0; symbol && i < code->n_noreturn; i++)
    if (strcmp (code->noreturn[i], symbol) == 0)
      return true;
  static const char *const names[]
    = { "abort",       "exit",           "_exit",         "_Exit",
        "quick_exit",  "__assert_fail",  "__stack_chk_fail", "__chk_fail",
        "__fortify_fail", "longjmp",     "siglongjmp",    "_Unwind_Resume",
        "__cxa_throw", "__cxa_rethrow",  "__cxa_bad_cast", "_ZSt9terminatev",
        "__cxa_pure_virtual", "__builtin_unreachable" };
  for (unsigned i = 0; symbol && i < sizeof names / sizeof *names; i++)
    if (strcmp (names[i], symbol) == 0)
      return true;
  return false;
}

/* Jumps, calls and returns.  1 where INSN is none of them.  */
static int
flow__branch (struct flow *flow, const struct insn *insn)
{
  const char *m = insn->mnemonic;
  const struct operand *operand = insn->n_operands ? &insn->operand[0] : NULL;
  if (strcmp (m, "ret") == 0)
    return operand ? flow__refuse (flow, "a return that pops") : flow__leave (flow);
  if (strcmp (m, "ud2") == 0)
    {
      flow->now.valid = false;
      return 0;
    }
  if (strcmp (m, "call") == 0)
    {
      if (operand && operand->kind == OPERAND_TARGET && symbol__local (operand->expr.sym))
        return flow__refuse (flow, "a call of a label");
      if (operand && operand->kind == OPERAND_TARGET && symbol__noreturn (flow->code, operand->expr.sym))
        flow->now.valid = false;
      return 0;
    }
  if (m[0] != 'j' && strncmp (m, "loop", 4) != 0)
    return 1;
  if (!operand)
    return flow__refuse (flow, "a jump without target");
  bool always = strcmp (m, "jmp") == 0;
  if (operand->kind == OPERAND_TARGET)
    {
      if (symbol__local (operand->expr.sym))
        {
          if (flow__to (flow, operand->expr.sym) < 0)
            return -1;
        }
      else
        {
          /* A tail call, conditional perhaps.  */
          struct state before = flow->now;
          if (flow__leave (flow) < 0)
            return -1;
          flow->now = before;
        }
      if (always)
        flow->now.valid = false;
      return 0;
    }
  /* Through a table, to any label whose address is taken; or, where there is none, a tail call.  */
  if (!flow->any_taken)
    return flow__leave (flow);
  for (unsigned i = 0; i < flow->labels.n; i++)
    if (flow->taken[i] && flow__meet (flow, &flow->at[i], &flow->now) < 0)
      return -1;
  flow->now.valid = false;
  return 0;
}

/* What changes %rsp, %rbp as a frame pointer, or saves and restores.  1 where INSN is none of
   those.  */
static int
flow__frame (struct flow *flow, const struct insn *insn)
{
  struct state *now = &flow->now;
  const char *m = insn->mnemonic;
  unsigned n = insn->n_operands;
  const struct operand *a = &insn->operand[0], *b = &insn->operand[1];

  if (is_quad (m, "push") && n == 1)
    {
      if (is_rsp (a->kind == OPERAND_REGISTER ? a->reg : NULL) || a->kind == OPERAND_TARGET)
        return flow__refuse (flow, "a push of the stack pointer");
      if (flow__set_rsp (flow, now->rsp + 8, now->rsp_known) < 0)
        return -1;
      if (!now->rsp_known)
        return 0; /* no save that can be found again */
      int number = a->kind == OPERAND_REGISTER ? saved__find (a->reg) : -1;
      if (number >= 0 && now->clean[number] && !now->slot[number])
        now->slot[number] = now->rsp;
      return 0;
    }
  if (is_quad (m, "pop") && n == 1)
    {
      if (a->kind != OPERAND_REGISTER || is_rsp (a->reg))
        return flow__refuse (flow, "a pop to memory or of the stack pointer");
      int number = saved__find (a->reg);
      int64_t place = now->rsp;
      if (number >= 0
          && (now->rsp_known ? flow__load (flow, number, place) : flow__write (flow, number)) < 0)
        return -1;
      return flow__set_rsp (flow, place - 8, now->rsp_known);
    }
  if (strcmp (m, "leave") == 0)
    {
      if (!now->rbp_known)
        return flow__refuse (flow, "no frame to leave");
      int64_t place = now->rbp;
      now->rsp = place;
      now->rsp_known = true;
      if (flow__load (flow, SAVED_RBP, place) < 0)
        return -1;
      return flow__set_rsp (flow, place - 8, true);
    }
  if (n != 2)
    return 1;
  bool to_rsp = operand__is (b, "rsp"), to_rbp = operand__is (b, "rbp");
  int64_t offset;
  if (to_rsp && a->kind == OPERAND_IMMEDIATE && !a->expr.sym && !a->expr.minus
      && (is_quad (m, "sub") || is_quad (m, "add")))
    {
      if (a->expr.add > FRAME_MOST || a->expr.add < -FRAME_MOST)
        return flow__refuse (flow, "too large a frame");
      return flow__set_rsp (flow, m[0] == 's' ? now->rsp + a->expr.add : now->rsp - a->expr.add,
                            now->rsp_known);
    }
  if (to_rsp && is_quad (m, "and") && a->kind == OPERAND_IMMEDIATE)
    {
      /* Moves %rsp down by an unknown amount.  */
      if (!now->rbp_known || a->expr.sym || a->expr.minus || a->expr.add >= 0
          || a->expr.add < -4096)
        return flow__refuse (flow, "a stack realigned without a frame");
      now->rsp_known = false;
      return 0;
    }
  if ((to_rsp || to_rbp) && (is_quad (m, "mov") || is_quad (m, "lea")))
    {
      bool known = false;
      if (m[0] == 'l')
        known = flow__address (flow, a, &offset);
      else if (operand__is (a, "rsp") && now->rsp_known)
        {
          known = true;
          offset = now->rsp;
        }
      else if (operand__is (a, "rbp") && now->rbp_known)
        {
          known = true;
          offset = now->rbp;
        }
      if (known && to_rsp)
        return flow__set_rsp (flow, offset, true);
      if (known)
        {
          if (flow__write (flow, SAVED_RBP) < 0)
            return -1;
          now->rbp_known = true;
          now->rbp = offset;
          return 0;
        }
      if (to_rsp)
        return flow__refuse (flow, "an unknown value goes to the stack pointer");
    }
  /* movq slot, %reg and movq %reg, slot.  */
  if (is_quad (m, "mov") && b->kind == OPERAND_REGISTER && saved__find (b->reg) >= 0
      && strcmp (b->reg, saved_registers[saved__find (b->reg)].names[0]) == 0
      && flow__address (flow, a, &offset))
    return flow__load (flow, saved__find (b->reg), offset);
  if (is_quad (m, "mov") && a->kind == OPERAND_REGISTER && flow__address (flow, b, &offset))
    {
      int number = saved__find (a->reg);
      if (number >= 0 && strcmp (a->reg, saved_registers[number].names[0]) == 0
          && now->clean[number] && !now->slot[number] && offset > 8)
        {
          if (flow__store (flow, offset, 8) < 0)
            return -1;
          /* A save in the red zone doesn't outlive a call.  */
          if (offset <= now->rsp)
            now->slot[number] = offset;
          return 0;
        }
    }
  return 1;
}

/* One instruction.  */
static int
flow__insn (struct flow *flow, const struct insn *insn)
{
  if (insn->n_operands && (is_any (insn->mnemonic, "pushw") || is_any (insn->mnemonic, "popw")
                           || strncmp (insn->mnemonic, "pushf", 5) == 0
                           || strncmp (insn->mnemonic, "popf", 4) == 0))
    return flow__refuse (flow, "a push of another size");
  if (strncmp (insn->mnemonic, "pushf", 5) == 0 || strncmp (insn->mnemonic, "popf", 4) == 0
      || strcmp (insn->mnemonic, "enter") == 0 || strcmp (insn->mnemonic, "enterq") == 0
      || strcmp (insn->mnemonic, "cpuid") == 0 || strcmp (insn->mnemonic, "lret") == 0
      || strcmp (insn->mnemonic, "lretq") == 0 || strncmp (insn->mnemonic, "iret", 4) == 0
      || strncmp (insn->mnemonic, "sys", 3) == 0 || strcmp (insn->mnemonic, "xbegin") == 0)
    return flow__refuse (flow, "can't be followed");
  int result = flow__branch (flow, insn);
  if (result <= 0)
    return result;
  result = flow__frame (flow, insn);
  if (result <= 0)
    return result;
  if (insn->n_operands == 0 || insn__only_reads (insn->mnemonic))
    return 0;
  /* xchg, xadd and mulx have two results; all others one, the last operand.  */
  const char *m = insn->mnemonic;
  bool two = strncmp (m, "xchg", 4) == 0 || strncmp (m, "xadd", 4) == 0
             || strncmp (m, "mulx", 4) == 0;
  unsigned last = insn->n_operands - 1;
  for (unsigned i = two ? 0 : last; i <= last; i++)
    {
      const struct operand *operand = &insn->operand[i];
      int64_t offset;
      if (operand->kind == OPERAND_REGISTER)
        {
          if (is_rsp (operand->reg))
            return flow__refuse (flow, "the stack pointer can't be followed");
          int number = saved__find (operand->reg);
          if (number >= 0 && flow__write (flow, number) < 0)
            return -1;
        }
      else if (flow__address (flow, operand, &offset)
               && flow__store (flow, offset, store__size (insn)) < 0)
        return -1;
    }
  return 0;
}

/* Notes the labels whose address EXPR takes.  */
static void
flow__take (struct flow *flow, const struct expr *expr)
{
  const char *symbols[] = { expr->sym, expr->minus };
  for (unsigned i = 0; i < 2; i++)
    {
      unsigned number
        = symbols[i] ? names__find (&flow->labels, symbols[i], strlen (symbols[i])) : NAME_NONE;
      if (number != NAME_NONE)
        flow->taken[number] = flow->any_taken = true;
    }
}

/* Goes over all items once.  ROWS, where not NULL, gets the state before each item.  */
static int
flow__pass (struct flow *flow, struct state *rows)
{
  const struct code *code = flow->code;
  flow->changed = false;
  flow->now = (struct state){ .valid = true, .rsp_known = true, .rsp = 8 };
  for (unsigned i = 0; i < SAVED_COUNT; i++)
    flow->now.clean[i] = true;
  unsigned n_labels = 0;
  for (flow->item = 0; flow->item < code->n_items; flow->item++)
    {
      const struct item *item = &code->item[flow->item];
      if (item->kind == ITEM_LABEL)
        {
          /* Labels were entered in order.  */
          struct state *at = &flow->at[n_labels++];
          if (flow->now.valid && flow__meet (flow, at, &flow->now) < 0)
            return -1;
          flow->now = *at;
        }
      if (rows)
        rows[flow->item] = flow->now;
      if (item->kind == ITEM_INSN && flow->now.valid && flow__insn (flow, &item->insn) < 0)
        return -1;
    }
  flow->item = code->n_items;
  return 0;
}

/* Prints what makes ROW of LAST.  */
static const char *
row__print (struct arena *arena, const struct state *last, const struct state *row)
{
  char text[512];
  int length = 0;
  unsigned last_reg = last->rsp_known ? DWARF_RSP : DWARF_RBP;
  unsigned reg = row->rsp_known ? DWARF_RSP : DWARF_RBP;
  int64_t last_offset = last->rsp_known ? last->rsp : last->rbp;
  int64_t offset = row->rsp_known ? row->rsp : row->rbp;
  if (reg != last_reg)
    length += snprintf (text + length, sizeof text - (size_t) length,
                        "\t.cfi_def_cfa %u, %" PRId64 "\n", reg, offset);
  else if (offset != last_offset)
    length += snprintf (text + length, sizeof text - (size_t) length,
                        "\t.cfi_def_cfa_offset %" PRId64 "\n", offset);
  for (unsigned i = 0; i < SAVED_COUNT; i++)
    if (row->slot[i] != last->slot[i])
      {
        unsigned dwarf = saved_registers[i].dwarf;
        if (row->slot[i])
          length += snprintf (text + length, sizeof text - (size_t) length,
                              "\t.cfi_offset %u, %" PRId64 "\n", dwarf, -row->slot[i]);
        else
          length += snprintf (text + length, sizeof text - (size_t) length,
                              "\t.cfi_restore %u\n", dwarf);
      }
  return length ? arena__strdup (arena, text) : NULL;
}

int
cfi__derive (struct arena *arena, const struct code *code, const char *const **before,
             struct why *why)
{
  struct flow flow = { .arena = arena, .code = code, .why = why, .labels = { .arena = arena } };
  for (unsigned i = 0; i < code->n_items; i++)
    if (code->item[i].kind == ITEM_LABEL)
      names__enter (&flow.labels, code->item[i].label, strlen (code->item[i].label));
  flow.at = ARENA_ARRAY (arena, struct state, flow.labels.n);
  flow.taken = ARENA_ARRAY (arena, bool, flow.labels.n);
  for (unsigned i = 0; i < code->n_items; i++)
    for (unsigned j = 0; j < code->item[i].insn.n_operands; j++)
      if (code->item[i].insn.operand[j].kind != OPERAND_TARGET)
        flow__take (&flow, &code->item[i].insn.operand[j].expr);
  for (unsigned i = 0; i < code->n_data; i++)
    for (unsigned j = 0; j < code->data[i].n_cells; j++)
      flow__take (&flow, &code->data[i].cell[j].expr);

  unsigned passes = 0;
  do
    {
      if (passes++ == PASSES_MOST)
        return why__set (why, REASON_CFI, "no end to the data flow");
      if (flow__pass (&flow, NULL) < 0)
        return -1;
    }
  while (flow.changed);

  struct state *rows = ARENA_ARRAY (arena, struct state, code->n_items);
  if (flow__pass (&flow, rows) < 0)
    return -1;
  const char **texts = ARENA_ARRAY (arena, const char *, code->n_items);
  struct state last = { .valid = true, .rsp_known = true, .rsp = 8 };
  for (unsigned i = 0; i < code->n_items; i++)
    if (code->item[i].kind == ITEM_INSN && rows[i].valid)
      {
        texts[i] = row__print (arena, &last, &rows[i]);
        last = rows[i];
      }
  *before = texts;
  return 0;
}
