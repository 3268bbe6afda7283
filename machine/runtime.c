/* Bodies for the functions that GCC may call on its own account.

   Each body begins by touching the stack in a way that faults where the caller didn't align it, and ends by
   changing every register that a callee may change.  They are straight-line, so that any call reaches all
   of their instructions.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/runtime.h"

#include <stdlib.h>
#include <string.h>

/* Name, and body up to the clobbers.  The result is in rax.  */
static const struct
{
  const char *name, *body;
} runtime[] = {
  { "memcpy", "\tmovq %rdi, %rax\n\tmovq %rdx, %rcx\n\trep movsb\n" },
  { "memset", "\tmovq %rdi, %r8\n\tmovl %esi, %eax\n\tmovq %rdx, %rcx\n\trep stosb\n\tmovq %r8, %rax\n" },
  /* libgcc counts bits so where the CPU can't be counted on.  */
  { "__popcountdi2",
    "\tmovq %rdi, %rax\n\tshrq $1, %rax\n\tmovabsq $0x5555555555555555, %rdx\n\tandq %rdx, %rax\n"
    "\tsubq %rax, %rdi\n\tmovabsq $0x3333333333333333, %rdx\n\tmovq %rdi, %rax\n\tandq %rdx, %rax\n"
    "\tshrq $2, %rdi\n\tandq %rdx, %rdi\n\taddq %rdi, %rax\n\tmovq %rax, %rdi\n\tshrq $4, %rdi\n"
    "\taddq %rdi, %rax\n\tmovabsq $0x0f0f0f0f0f0f0f0f, %rdx\n\tandq %rdx, %rax\n"
    "\tmovabsq $0x0101010101010101, %rdx\n\timulq %rdx, %rax\n\tshrq $56, %rax\n" },
};

enum { N_RUNTIME = sizeof runtime / sizeof *runtime };

static int
runtime__find (const char *name)
{
  for (int i = 0; name && i < N_RUNTIME; i++)
    if (strcmp (runtime[i].name, name) == 0)
      return i;
  return -1;
}

bool
runtime__is (const struct region *region, const char *name)
{
  return runtime__find (name) >= 0 && runtime__find (region->function) < 0;
}

/* Prints runtime[NUMBER] as a function.  */
static void
print_function (FILE *stream, const struct region *region, int number)
{
  fprintf (stream,
           "\t.text\n\t.globl aiopt_runtime\n\t.type aiopt_runtime, @function\naiopt_runtime:\n"
           "\tmovaps %%xmm0, -24(%%rsp)\n%s",
           runtime[number].body);
  /* The general registers that a callee may change, but the result's.  */
  static const char *const general[] = { "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11" };
  for (unsigned i = 0; i < sizeof general / sizeof *general; i++)
    fprintf (stream, "\tmovabsq $0x%x5a5a5a5a5a5a5a5, %%%s\n", i + 1, general[i]);
  bool wide = region->isa_allowed & ISA_BIT (AVX2);
  for (unsigned i = 0; i < 16; i++)
    if (wide)
      fprintf (stream, "\tvpcmpeqd %%ymm%u, %%ymm%u, %%ymm%u\n", i, i, i);
    else
      fprintf (stream, "\tpcmpeqd %%xmm%u, %%xmm%u\n", i, i);
  if (region->isa_allowed & ISA_BIT (AVX512F))
    {
      for (unsigned i = 16; i < 32; i++)
        fprintf (stream, "\tvpternlogd $255, %%zmm%u, %%zmm%u, %%zmm%u\n", i, i, i);
      for (unsigned i = 0; i < 8; i++)
        fprintf (stream, "\tkxnorw %%k%u, %%k%u, %%k%u\n", i, i, i);
    }
  if (wide)
    fprintf (stream, "\tvzeroupper\n");
  fprintf (stream, "\tret\n\t.size aiopt_runtime, .-aiopt_runtime\n");
}

static const char *
runtime__label (struct arena *arena, int number)
{
  return arena__printf (arena, ".Lruntime_%d", number);
}

/* Appends runtime[NUMBER] under its label to CODE's items, which are copied.  */
static int
append (struct arena *arena, const struct region *region, int number, struct code *code,
        struct why *why)
{
  char *text = NULL;
  size_t length = 0;
  FILE *stream = open_memstream (&text, &length);
  if (!stream)
    return why__set (why, REASON_SANDBOX, "out of memory");
  print_function (stream, region, number);
  struct code *body;
  int status = fclose (stream) != 0
                 ? why__set (why, REASON_SANDBOX, "out of memory")
                 : code__parse (arena, text, length, "aiopt_runtime", NULL, 0, true, &body, why);
  free (text);
  if (status != 0)
    return -1;
  struct item *item = ARENA_ARRAY (arena, struct item, code->n_items + 1 + body->n_items);
  memcpy (item, code->item, sizeof *item * code->n_items);
  item[code->n_items] = (struct item) { .kind = ITEM_LABEL, .label = runtime__label (arena, number) };
  memcpy (item + code->n_items + 1, body->item, sizeof *item * body->n_items);
  code->item = item;
  code->n_items += 1 + body->n_items;
  return 0;
}

/* Makes INSN call or jump to runtime function NUMBER's body where it calls or jumps to that function.  */
static bool
retarget (struct arena *arena, const struct region *region, struct insn *insn, unsigned *used)
{
  if (insn->n_operands != 1
      || (strncmp (insn->mnemonic, "call", 4) != 0 && strncmp (insn->mnemonic, "jmp", 3) != 0))
    return false;
  struct operand *operand = &insn->operand[0];
  bool direct = operand->kind == OPERAND_TARGET && !operand->indirect;
  /* call *memcpy@GOTPCREL(%rip), as -fno-plt has it.  */
  bool table = operand->kind == OPERAND_MEMORY && operand->indirect && operand->base
               && strcmp (operand->base, "rip") == 0 && operand->expr.reloc
               && strcmp (operand->expr.reloc, "GOTPCREL") == 0;
  if ((!direct && !table) || operand->expr.add != 0 || operand->expr.minus
      || !runtime__is (region, operand->expr.sym))
    return false;
  int number = runtime__find (operand->expr.sym);
  *operand = (struct operand) { .kind = OPERAND_TARGET,
                                .expr.sym = runtime__label (arena, number) };
  *used |= 1u << number;
  return true;
}

int
runtime__extend (struct arena *arena, const struct region *region, const struct code *code,
                 const struct code **extended, unsigned *own_items, struct why *why)
{
  unsigned used = 0;
  struct item *item = ARENA_ARRAY (arena, struct item, code->n_items);
  *own_items = code->n_items;
  *extended = code;
  for (unsigned i = 0; i < code->n_items; i++)
    {
      item[i] = code->item[i];
      if (item[i].kind == ITEM_INSN)
        retarget (arena, region, &item[i].insn, &used);
    }
  if (!used)
    return 0;

  struct code *result = ARENA_NEW (arena, struct code);
  *result = *code;
  result->arena = arena;
  result->item = item;
  for (int i = 0; i < N_RUNTIME; i++)
    if ((used & 1u << i) && append (arena, region, i, result, why))
      return -1;
  if (code->cold_from >= code->n_items)
    result->cold_from = result->n_items;
  result->symbol = ARENA_ARRAY (arena, const char *, code->n_symbols + 1);
  result->n_symbols = 0;
  for (unsigned i = 0; i < code->n_symbols; i++)
    if (!runtime__is (region, code->symbol[i]))
      result->symbol[result->n_symbols++] = code->symbol[i];
  *extended = result;
  return 0;
}
