/* Planting faults: another register, immediate, displacement, scale, opcode of the same shape, condition, branch target or byte of a
   table; operands or instructions exchanged; an instruction left out or doubled.  What obviously changes nothing (a move
   doubled, instructions exchanged that share no register) isn't planted.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/random.h"
#include "testsuite/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mutator
{
  struct arena *arena;
  struct code *code;
  struct rng random;
  uint32_t used_gpr, used_vec;
  char *text;
  size_t size;
};

static unsigned
below (struct mutator *m, unsigned n)
{
  return (unsigned) (rng__next (&m->random) % n);
}

/* Registers.  Rows are widths: 64, 32, 16, 8 bits.  */
static const char *const gpr_names[4][16] = {
  { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" },
  { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d" },
  { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w" },
  { "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b" },
};

static bool
find_gpr (const char *reg, unsigned *width, unsigned *number)
{
  for (*width = 0; *width < 4; ++*width)
    for (*number = 0; *number < 16; ++*number)
      if (reg && strcmp (reg, gpr_names[*width][*number]) == 0)
        return true;
  return false;
}

/* The number of a vector or mask register.  */
static bool
find_vec (const char *reg, unsigned *number)
{
  if (!reg)
    return false;
  size_t n = reg[0] == 'k' ? 1 : strncmp (reg + 1, "mm", 2) == 0 && strchr ("xyz", reg[0]) ? 3 : 0;
  if (n == 0 || reg[n] < '0' || reg[n] > '9')
    return false;
  *number = (unsigned) atoi (reg + n);
  return true;
}

static void
note_register (struct mutator *m, const char *reg)
{
  unsigned width, number;
  if (find_gpr (reg, &width, &number))
    m->used_gpr |= 1u << number;
  else if (find_vec (reg, &number) && reg[0] != 'k')
    m->used_vec |= 1u << number;
}

/* Another register of REG's kind, mostly one that the function uses.  */
static const char *
other_register (struct mutator *m, const char *reg)
{
  unsigned width, number, other;
  bool known = below (m, 5) != 0;
  if (find_gpr (reg, &width, &number))
    {
      for (unsigned tries = 0; tries < 64; tries++)
        {
          other = below (m, 16);
          if (other != number && other != 4 && (!known || (m->used_gpr >> other & 1)))
            return gpr_names[width][other];
        }
      return NULL;
    }
  if (!find_vec (reg, &number))
    return NULL;
  for (unsigned tries = 0; tries < 64; tries++)
    {
      other = reg[0] == 'k' ? 1 + below (m, 7) : below (m, 16);
      if (other != number && (reg[0] == 'k' || !known || (m->used_vec >> other & 1)))
        return reg[0] == 'k' ? arena__printf (m->arena, "k%u", other)
                             : arena__printf (m->arena, "%cmm%u", reg[0], other);
    }
  return NULL;
}

/* Opcodes of the same shape; a scalar one may be followed by b, w, l or q, a vector one preceded by v.  */
static const char *const scalar_groups[][10] = {
  { "add", "sub", "and", "or", "xor", "adc", "sbb", "cmp" },
  { "shl", "shr", "sar", "rol", "ror", "sal" },
  { "inc", "dec", "neg", "not" },
  { "imul", "add", "sub" },
  { "lea", "mov" },
  { "shld", "shrd" },
  { "bsf", "bsr", "tzcnt", "lzcnt", "popcnt" },
  { "bt", "bts", "btr", "btc" },
  { "shlx", "shrx", "sarx" },
  { "blsr", "blsi", "blsmsk" },
  { "pext", "pdep" },
  { "movzb", "movsb" },
  { "movzw", "movsw" },
  { "mul", "imul" },
  { "div", "idiv" },
  { "test", "cmp" },
};
static const char *const vector_groups[][10] = {
  { "paddb", "paddw", "paddd", "paddq", "psubb", "psubw", "psubd", "psubq" },
  { "paddusb", "paddsb", "psubusb", "psubsb", "paddb" },
  { "paddusw", "paddsw", "psubusw", "psubsw", "paddw" },
  { "pand", "por", "pxor", "pandn" },
  { "pandd", "pord", "pxord", "pandnd" },
  { "pandq", "porq", "pxorq", "pandnq" },
  { "pmaxub", "pminub", "pmaxsb", "pminsb", "pavgb" },
  { "pmaxuw", "pminuw", "pmaxsw", "pminsw", "pavgw" },
  { "pmaxud", "pminud", "pmaxsd", "pminsd" },
  { "pcmpeqb", "pcmpgtb" },
  { "pcmpeqw", "pcmpgtw" },
  { "pcmpeqd", "pcmpgtd" },
  { "punpcklbw", "punpckhbw" },
  { "punpcklwd", "punpckhwd" },
  { "punpckldq", "punpckhdq" },
  { "punpcklqdq", "punpckhqdq" },
  { "psllw", "psrlw", "psraw" },
  { "pslld", "psrld", "psrad" },
  { "psllq", "psrlq" },
  { "pslldq", "psrldq" },
  { "pmullw", "pmulhw", "pmulhuw", "pmaddwd" },
  { "pmuludq", "pmuldq" },
  { "pmovzxbw", "pmovsxbw" },
  { "pmovzxbd", "pmovsxbd" },
  { "pmovzxwd", "pmovsxwd" },
  { "pmovzxdq", "pmovsxdq" },
  { "packuswb", "packsswb" },
  { "packusdw", "packssdw" },
  { "addss", "subss", "mulss", "divss", "minss", "maxss" },
  { "addsd", "subsd", "mulsd", "divsd", "minsd", "maxsd" },
  { "addps", "subps", "mulps", "minps", "maxps" },
  { "addpd", "subpd", "mulpd", "minpd", "maxpd" },
  { "movaps", "movups" },
  { "movdqa", "movdqu" },
  { "movdqa64", "movdqu64" },
  { "ucomiss", "comiss" },
  { "ucomisd", "comisd" },
  { "cvttss2si", "cvtss2si" },
  { "cvttsd2si", "cvtsd2si" },
  { "movd", "movq" },
};
enum
{
  SCALAR_GROUPS = sizeof scalar_groups / sizeof *scalar_groups,
  VECTOR_GROUPS = sizeof vector_groups / sizeof *vector_groups
};

static const char *
other_of_group (struct mutator *m, const char *const *group, unsigned at)
{
  unsigned n = 0;
  while (n < 10 && group[n])
    n++;
  unsigned other = below (m, n - 1);
  return group[other + (other >= at)];
}

static const char *
other_opcode (struct mutator *m, const char *mnemonic)
{
  for (unsigned g = 0; g < SCALAR_GROUPS; g++)
    for (unsigned i = 0; i < 10 && scalar_groups[g][i]; i++)
      {
        size_t n = strlen (scalar_groups[g][i]);
        const char *rest = mnemonic + n;
        if (strncmp (mnemonic, scalar_groups[g][i], n) == 0
            && (!*rest || (strchr ("bwlq", *rest) && (!rest[1] || (!rest[2] && strncmp (mnemonic, "mov", 3) == 0)))))
          {
            /* `imul` of three operands has no sibling, the assembler will say so.  */
            return arena__printf (m->arena, "%s%s", other_of_group (m, scalar_groups[g], i), rest);
          }
      }
  const char *bare = mnemonic[0] == 'v' ? mnemonic + 1 : mnemonic;
  for (unsigned g = 0; g < VECTOR_GROUPS; g++)
    for (unsigned i = 0; i < 10 && vector_groups[g][i]; i++)
      if (strcmp (bare, vector_groups[g][i]) == 0)
        return arena__printf (m->arena, "%s%s", bare == mnemonic ? "" : "v", other_of_group (m, vector_groups[g], i));
  return NULL;
}

static const char *
other_condition (struct mutator *m, const char *mnemonic)
{
  static const char *const conditions[] = { "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge",
                                            "le", "g", "c", "nc", "z", "nz", "nb", "nbe", "nl", "nle", "na", "nae", "ng", "nge" };
  static const char *const stems[] = { "j", "set", "cmov" };
  for (unsigned s = 0; s < 3; s++)
    {
      size_t n = strlen (stems[s]), best = 0;
      if (strncmp (mnemonic, stems[s], n) != 0 || strcmp (mnemonic, "jmp") == 0)
        continue;
      for (unsigned i = 0; i < sizeof conditions / sizeof *conditions; i++)
        {
          size_t k = strlen (conditions[i]);
          const char *rest = mnemonic + n + k;
          if (strncmp (mnemonic + n, conditions[i], k) == 0 && k > best
              && (!*rest || (s == 2 && strchr ("wlq", *rest) && !rest[1])))
            best = k;
        }
      if (best == 0)
        return NULL;
      for (;;)
        {
          const char *other = conditions[below (m, 16)];
          if (strlen (other) != best || strncmp (other, mnemonic + n, best) != 0)
            return arena__printf (m->arena, "%s%s%s", stems[s], other, mnemonic + n + best);
        }
    }
  return NULL;
}

static int64_t
other_number (struct mutator *m, int64_t value)
{
  switch (below (m, 7))
    {
    case 0: return value + 1;
    case 1: return value - 1;
    case 2: return value ^ (int64_t) (UINT64_C (1) << below (m, 8));
    case 3: return value ^ (int64_t) (UINT64_C (1) << below (m, 31));
    case 4: return -value;
    case 5: return (int64_t) ((uint64_t) value * 2);
    default: return value + (int64_t) below (m, 33) - 16;
    }
}

/* Changes operand OPERAND of INSN.  */
static bool
change_operand (struct mutator *m, struct operand *operand)
{
  static const int64_t steps[] = { 1, 2, 4, 8, 16, 32, 64, 128 };
  const char *other;
  switch (operand->kind)
    {
    case OPERAND_REGISTER:
      if (!(other = other_register (m, operand->reg)))
        return false;
      operand->reg = other;
      return true;
    case OPERAND_IMMEDIATE:
      operand->expr.add = other_number (m, operand->expr.add);
      return true;
    case OPERAND_MEMORY:
      switch (below (m, 6))
        {
        case 0:
          if (!(other = other_register (m, operand->base)))
            return false;
          operand->base = other;
          return true;
        case 1:
          if (!(other = other_register (m, operand->index)))
            return false;
          operand->index = other;
          return true;
        case 2:
          if (!operand->index)
            return false;
          operand->scale = (uint8_t) (1u << below (m, 4));
          return true;
        case 3:
          if (operand->mask)
            {
              operand->mask = other_register (m, operand->mask);
              return operand->mask != NULL;
            }
          if (!operand->index || !operand->base || strcmp (operand->base, "rip") == 0)
            return false;
          other = operand->base;
          operand->base = operand->index;
          operand->index = other;
          return true;
        default:
          {
            int64_t step = steps[below (m, sizeof steps / sizeof *steps)];
            operand->expr.add += below (m, 2) ? step : -step;
            return true;
          }
        }
    default:
      return false;
    }
}

/* The general and vector registers that INSN names, a bit each.  */
static uint64_t
registers (const struct insn *insn)
{
  uint64_t all = 0;
  unsigned width, number;
  for (unsigned k = 0; k < insn->n_operands; k++)
    {
      const char *names[] = { insn->operand[k].reg, insn->operand[k].base, insn->operand[k].index };
      for (unsigned i = 0; i < 3; i++)
        if (find_gpr (names[i], &width, &number))
          all |= UINT64_C (1) << number;
        else if (find_vec (names[i], &number))
          all |= UINT64_C (1) << (32 + number % 32);
    }
  return all;
}

/* Does INSN say the same when it is said twice?  */
static bool
is_idempotent (const struct insn *insn)
{
  static const char *const stems[] = { "mov", "lea", "cmp", "test", "set", "v", "and", "or", "nop", "pand", "por", "pmax",
                                       "pmin", "cmov", "k", "prefetch", "b", "pxor" };
  for (unsigned i = 0; i < sizeof stems / sizeof *stems; i++)
    if (strncmp (insn->mnemonic, stems[i], strlen (stems[i])) == 0)
      return true;
  return false;
}

static bool
is_branch (const struct insn *insn)
{
  return insn->mnemonic[0] == 'j' || strncmp (insn->mnemonic, "call", 4) == 0 || strncmp (insn->mnemonic, "ret", 3) == 0;
}

/* Another label of the function as the target of a branch.  */
static bool
change_target (struct mutator *m, struct operand *operand)
{
  struct code *code = m->code;
  if (operand->kind != OPERAND_TARGET || operand->indirect || !operand->expr.sym || operand->expr.sym[0] != '.')
    return false;
  for (unsigned tries = 0; tries < 64; tries++)
    {
      const struct item *item = &code->item[below (m, code->n_items)];
      if (item->kind == ITEM_LABEL && strcmp (item->label, operand->expr.sym) != 0)
        {
          operand->expr.sym = item->label;
          return true;
        }
    }
  return false;
}

/* A byte of a table.  */
static bool
change_data (struct mutator *m)
{
  struct code *code = m->code;
  if (code->n_data == 0)
    return false;
  unsigned d = below (m, code->n_data);
  if (code->data[d].n_cells == 0)
    return false;
  unsigned c = below (m, code->data[d].n_cells);
  if (!code->data[d].cell[c].bytes || code->data[d].cell[c].size == 0)
    return false;
  struct data *data = arena__memdup (m->arena, code->data, code->n_data * sizeof *data);
  struct cell *cell = arena__memdup (m->arena, data[d].cell, data[d].n_cells * sizeof *cell);
  uint8_t *bytes = arena__memdup (m->arena, cell[c].bytes, cell[c].size);
  unsigned at = below (m, cell[c].size);
  bytes[at] ^= (uint8_t) (1u << below (m, 8));
  cell[c].bytes = bytes;
  data[d].cell = cell;
  code->data = data;
  size_t used = strlen (m->text);
  snprintf (m->text + used, m->size - used, "; byte %u of cell %u of %s", at, c, data[d].label);
  return true;
}

static void
tell (struct mutator *m, const char *what, const struct insn *from, const struct insn *to)
{
  char *line = NULL;
  size_t length = 0;
  FILE *out = open_memstream (&line, &length);
  if (!out)
    return;
  fprintf (out, "; %s: ", what);
  insn__print (out, from);
  if (to)
    {
      fputs (" -> ", out);
      insn__print (out, to);
    }
  fclose (out);
  for (char *p = line; *p; p++)
    if (*p == '\t' || *p == '\n')
      *p = ' ';
  size_t used = strlen (m->text);
  snprintf (m->text + used, m->size - used, "%s", line);
  free (line);
}

/* One fault; false where this try found no place.  */
static bool
plant (struct mutator *m)
{
  struct code *code = m->code;
  unsigned i = below (m, code->n_items);
  struct item *item = &code->item[i];
  if (below (m, 24) == 0)
    return change_data (m);
  if (item->kind != ITEM_INSN)
    return false;
  struct insn before = item->insn, *insn = &item->insn;
  const char *other;
  switch (below (m, 16))
    {
    case 0: /* left out */
      if (strncmp (insn->mnemonic, "ret", 3) == 0 || strcmp (insn->mnemonic, "jmp") == 0)
        return false;
      memmove (item, item + 1, (code->n_items - i - 1) * sizeof *item);
      code->n_items--;
      if (code->cold_from > i)
        code->cold_from--;
      tell (m, "dropped", &before, NULL);
      return true;
    case 1: /* doubled; the copy of the items has room for it */
      if (is_branch (insn) || is_idempotent (insn))
        return false;
      memmove (item + 1, item, (code->n_items - i) * sizeof *item);
      code->n_items++;
      if (code->cold_from > i)
        code->cold_from++;
      tell (m, "doubled", &before, NULL);
      return true;
    case 2: /* exchanged with the next */
      if (i + 1 >= code->n_items || item[1].kind != ITEM_INSN || is_branch (insn) || is_branch (&item[1].insn)
          || !(registers (insn) & registers (&item[1].insn)))
        return false;
      tell (m, "exchanged", insn, &item[1].insn);
      *insn = item[1].insn;
      item[1].insn = before;
      return true;
    case 3: /* operands exchanged */
      {
        if (insn->n_operands < 2)
          return false;
        unsigned a = below (m, insn->n_operands), b = below (m, insn->n_operands);
        if (a == b)
          return false;
        insn->operand[a] = before.operand[b];
        insn->operand[b] = before.operand[a];
        break;
      }
    case 4: case 5: case 6: case 7:
      if (!(other = other_opcode (m, insn->mnemonic)))
        return false;
      insn->mnemonic = other;
      break;
    case 8: case 9:
      if (!(other = other_condition (m, insn->mnemonic)))
        return false;
      insn->mnemonic = other;
      break;
    case 10:
      if (insn->n_operands != 1 || !change_target (m, &insn->operand[0]))
        return false;
      break;
    default:
      if (insn->n_operands == 0 || !change_operand (m, &insn->operand[below (m, insn->n_operands)]))
        return false;
    }
  if (insn__same (&before, insn))
    return false;
  tell (m, "changed", &before, insn);
  return true;
}

const struct code *
mutate (struct arena *arena, const struct code *code, uint64_t seed, unsigned count, char *text, size_t size)
{
  enum { TRIES = 400 };
  struct mutator m = { .arena = arena, .random = { seed }, .text = text, .size = size };
  if (code->n_items == 0 || size == 0)
    return NULL;
  m.code = arena__memdup (arena, code, sizeof *code);
  m.code->arena = arena;
  m.code->item = ARENA_ARRAY (arena, struct item, code->n_items + count + 1);
  memcpy (m.code->item, code->item, code->n_items * sizeof *code->item);
  *text = '\0';
  for (unsigned i = 0; i < code->n_items; i++)
    if (code->item[i].kind == ITEM_INSN)
      for (unsigned k = 0; k < code->item[i].insn.n_operands; k++)
        {
          const struct operand *operand = &code->item[i].insn.operand[k];
          note_register (&m, operand->reg);
          note_register (&m, operand->base);
          note_register (&m, operand->index);
        }
  unsigned planted = 0;
  for (unsigned tries = 0; tries < TRIES && planted < count; tries++)
    planted += plant (&m);
  if (planted < count)
    return NULL;
  memmove (text, text + 2, strlen (text + 2) + 1);
  return m.code;
}
