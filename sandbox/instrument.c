/* Making a function record its own accesses.

   Nothing of what is added touches flags, the stack, the red zone or any register for longer than
   the record takes: rax and rcx are kept at fixed addresses meanwhile.  What can't be done so is
   refused, and then single-stepping has to do.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/instrument.h"
#include "sandbox/wire.h"
#include "sandbox/writer.h"
#include <string.h>

static const char *const gpr_name[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };

static void
add_label (struct writer *writer, const char *label)
{
  struct item *item = writer__item (writer);
  item->kind = ITEM_LABEL;
  item->label = label;
}

/* Sets flag NUMBER; no register, no rflags.  */
static void
add_flag (struct writer *writer, uint32_t number)
{
  writer__insn (writer, "movb", op_immediate (1), op_memory (NULL, TRACE_FLAGS + number));
}

/* Begins a record: rax and rcx are kept, ADDRESS is computed with all registers as the program has
   them, and rcx points to the record, in which address and NUMBER are stored.  */
static void
begin_record (struct writer *writer, struct operand address, uint32_t number)
{
  writer__insn (writer, "movq", op_register ("rax"), op_memory (NULL, TRACE_SAVE_RAX));
  writer__insn (writer, "movq", op_register ("rcx"), op_memory (NULL, TRACE_SAVE_RCX));
  writer__insn (writer, "leaq", address, op_register ("rax"));
  writer__insn (writer, "movq", op_memory (NULL, TRACE_NEXT), op_register ("rcx"));
  writer__insn (writer, "movq", op_register ("rax"), op_memory ("rcx", RECORD_ADDRESS));
  writer__insn (writer, "movq", op_immediate (number), op_memory ("rcx", RECORD_NUMBER));
}

/* Ends a record of SIZE bytes.  */
static void
end_record (struct writer *writer, unsigned size)
{
  writer__insn (writer, "leaq", op_memory ("rcx", size), op_register ("rcx"));
  writer__insn (writer, "movq", op_register ("rcx"), op_memory (NULL, TRACE_NEXT));
  writer__insn (writer, "movq", op_memory (NULL, TRACE_SAVE_RCX), op_register ("rcx"));
  writer__insn (writer, "movq", op_memory (NULL, TRACE_SAVE_RAX), op_register ("rax"));
}

/* Stores vector register NUMBER, as wide as CLASS ('x', 'y', 'z') needs.  */
static void
add_vector (struct writer *writer, unsigned number, char class, unsigned offset)
{
  bool wide = class == 'z';
  const char *name = arena__printf (writer->arena, "%cmm%u", wide ? 'z' : 'y', number);
  writer__insn (writer, wide || number >= 16 ? "vmovdqu64" : "vmovdqu", op_register (name),
                op_memory ("rcx", offset));
}

/* The widest class of vector register that INSN names.  */
static char
vector_class (const struct insn *insn)
{
  char class = 'x';
  for (unsigned i = 0; i < insn->n_operands; i++)
    {
      const char *names[] = { insn->operand[i].reg, insn->operand[i].index };
      for (unsigned k = 0; k < 2; k++)
        if (names[k] && strncmp (names[k] + 1, "mm", 2) == 0 && names[k][0] > class)
          class = names[k][0];
    }
  return class;
}

/* A string instruction: pointers and counter before it, and the counter after it.  */
static void
add_string (struct writer *writer, const struct item *item, uint32_t number)
{
  begin_record (writer, op_memory ("rdi", 0), number);
  writer__insn (writer, "movq", op_register ("rsi"), op_memory ("rcx", RECORD_RSP));
  writer__insn (writer, "movq", op_memory (NULL, TRACE_SAVE_RCX), op_register ("rax"));
  writer__insn (writer, "movq", op_register ("rax"), op_memory ("rcx", RECORD_MASK));
  end_record (writer, RECORD_STRING_SIZE);
  *writer__item (writer) = *item;
  writer__insn (writer, "movq", op_register ("rax"), op_memory (NULL, TRACE_SAVE_RAX));
  writer__insn (writer, "movq", op_memory (NULL, TRACE_NEXT), op_register ("rax"));
  writer__insn (writer, "movq", op_register ("rcx"),
                op_memory ("rax", RECORD_COUNT_AFTER - RECORD_STRING_SIZE));
  writer__insn (writer, "movq", op_memory (NULL, TRACE_SAVE_RAX), op_register ("rax"));
}

/* Does INSN pop its operand?  (popcnt counts bits.)  */
static bool
is_pop (const struct insn *insn)
{
  return strncmp (insn->mnemonic, "pop", 3) == 0 && strncmp (insn->mnemonic, "popcnt", 6) != 0;
}

/* The record of access NUMBER, MEMORY of the instruction TEXT.  */
static int
add_access (struct writer *writer, const struct insn *text, const struct decoded_insn *insn,
            const struct decoded_memory *memory, uint32_t number, struct why *why)
{
  struct operand address;
  bool by_vector = insn->kind & (KIND_GATHER | KIND_SCATTER);
  if (memory->segment)
    return why__set (why, REASON_UNMODELLED, "segment");
  if (memory->implicit)
    {
      if (memory->base < 0 || memory->base > 15 || memory->index >= 0)
        return why__set (why, REASON_UNMODELLED, "%s", insn->mnemonic);
      address = op_memory (gpr_name[memory->base], memory->disp);
    }
  else
    {
      const struct operand *found = NULL;
      for (unsigned i = 0; i < text->n_operands; i++)
        if (text->operand[i].kind == OPERAND_MEMORY)
          {
            if (found)
              return why__set (why, REASON_UNMODELLED, "%s", insn->mnemonic);
            found = &text->operand[i];
          }
      /* A popped operand's address counts from the moved stack pointer.  */
      if (!found || found->segment || is_pop (text)
          || strncmp (text->mnemonic, "movabs", 6) == 0)
        return why__set (why, REASON_UNMODELLED, "%s", insn->mnemonic);
      address = *found;
      address.mask = address.broadcast = NULL;
      address.zeroing = address.indirect = false;
      if (by_vector)
        {
          address.index = NULL;
          address.scale = 0;
        }
    }
  begin_record (writer, address, number);
  writer__insn (writer, "movq", op_register ("rsp"), op_memory ("rcx", RECORD_RSP));
  if (memory->mask >= 0 && memory->mask < 32)
    writer__insn (writer, "kmovq", op_register (arena__printf (writer->arena, "k%d", memory->mask)),
                  op_memory ("rcx", RECORD_MASK));
  unsigned offset = RECORD_SIZE;
  char class = vector_class (text);
  if (by_vector)
    {
      if (memory->index < 0)
        return why__set (why, REASON_UNMODELLED, "%s", insn->mnemonic);
      add_vector (writer, memory->index, class, offset);
      offset += 64;
    }
  if (memory->mask >= 32)
    {
      add_vector (writer, memory->mask - 32, class, offset);
      offset += 64;
    }
  end_record (writer, offset);
  return 0;
}

/* The instruction of ITEM, decoded as INSN number NUMBER, with its records before it.  */
static int
add_followed (struct writer *writer, const struct item *item, const struct decoded_insn *insn,
              uint32_t number, struct why *why)
{
  if (insn->kind & (KIND_SYSTEM | KIND_FLAG_CONTROL))
    return why__set (why, REASON_UNMODELLED, "%s", insn->mnemonic);
  if (insn->kind & KIND_STRING)
    {
      for (unsigned i = 0; i < insn->n_memory; i++)
        if (insn->memory[i].segment || (insn->memory[i].base != 6 && insn->memory[i].base != 7))
          return why__set (why, REASON_UNMODELLED, "%s", insn->mnemonic);
      add_string (writer, item, number * RECORDS_PER_INSN);
      return 0;
    }
  if (!(insn->kind & (KIND_NOP | KIND_PREFETCH)))
    for (unsigned i = 0; i < insn->n_memory; i++)
      if ((insn->memory[i].read || insn->memory[i].write)
          && add_access (writer, &item->insn, insn, &insn->memory[i], number * RECORDS_PER_INSN + i,
                         why)
                 != 0)
        return -1;
  *writer__item (writer) = *item;
  return 0;
}

/* A branch's taken way, at the function's end.  */
struct stub
{
  const char *label;
  uint32_t flag;
  struct operand target;
};

int
instrument__new (struct arena *arena, const struct code *code, const struct decoded *decoded,
                 struct instrument **result, struct why *why)
{
  struct instrument *instrument = ARENA_NEW (arena, struct instrument);
  struct writer writer = { .arena = arena };
  unsigned n = decoded->n_insns, n_stubs = 0, n_flags = 0;
  instrument->decoded = decoded;
  instrument->block = ARENA_ARRAY (arena, uint32_t, n);
  instrument->taken = ARENA_ARRAY (arena, uint32_t, n);
  instrument->fallen = ARENA_ARRAY (arena, uint32_t, n);
  struct stub *stub = ARENA_ARRAY (arena, struct stub, n);
  uint32_t *insn_of = ARENA_ARRAY (arena, uint32_t, code->n_items);
  uint32_t *block_of = ARENA_ARRAY (arena, uint32_t, code->n_items);
  memset (insn_of, 0xff, code->n_items * sizeof *insn_of);
  memset (block_of, 0xff, code->n_items * sizeof *block_of);
  memset (instrument->block, 0xff, n * sizeof *instrument->block);
  memset (instrument->taken, 0xff, n * sizeof *instrument->taken);
  memset (instrument->fallen, 0xff, n * sizeof *instrument->fallen);
  for (unsigned i = 0; i < n; i++)
    {
      unsigned item = decoded->insn[i].item;
      if (item >= code->n_items || code->item[item].kind != ITEM_INSN)
        continue;
      if (insn_of[item] != UINT32_MAX)
        return why__set (why, REASON_UNMODELLED, "one item, two instructions");
      insn_of[item] = i;
    }
  uint32_t block = INSTRUMENT_NO_FLAG;
  for (unsigned k = 0; k < code->n_items; k++)
    {
      const struct item *item = &code->item[k];
      if (item->kind == ITEM_LABEL)
        {
          *writer__item (&writer) = *item;
          block = INSTRUMENT_NO_FLAG;
          continue;
        }
      if (block == INSTRUMENT_NO_FLAG)
        {
          block = n_flags++;
          add_flag (&writer, block);
        }
      block_of[k] = block;
      if (item->kind == ITEM_ALIGN)
        continue;
      uint32_t number = insn_of[k];
      if (number == UINT32_MAX)
        return why__set (why, REASON_UNMODELLED, "an item without an instruction");
      const struct decoded_insn *insn = &decoded->insn[number];
      if (add_followed (&writer, item, insn, number, why) != 0)
        return -1;
      if (insn->kind & KIND_BRANCH)
        {
          struct insn *branch = &writer.item[writer.n - 1].insn;
          if (branch->n_operands != 1 || branch->operand[0].kind != OPERAND_TARGET)
            return why__set (why, REASON_UNMODELLED, "%s", insn->mnemonic);
          instrument->taken[number] = n_flags++;
          instrument->fallen[number] = n_flags++;
          struct stub *way = &stub[n_stubs];
          way->label = arena__printf (arena, ".Laiopt_way%u", n_stubs++);
          way->flag = instrument->taken[number];
          way->target = branch->operand[0];
          branch->operand[0] = (struct operand){ .kind = OPERAND_TARGET, .expr.sym = way->label };
          add_flag (&writer, instrument->fallen[number]);
        }
      if (insn->kind & (KIND_BRANCH | KIND_JUMP | KIND_CALL | KIND_RETURN | KIND_TRAP))
        block = INSTRUMENT_NO_FLAG;
    }
  /* Running off the end has to trap as before.  */
  struct item *end = writer__item (&writer);
  end->kind = ITEM_INSN;
  end->insn.mnemonic = "ud2";
  for (unsigned i = 0; i < n_stubs; i++)
    {
      add_label (&writer, stub[i].label);
      add_flag (&writer, stub[i].flag);
      struct item *jump = writer__item (&writer);
      jump->kind = ITEM_INSN;
      jump->insn.mnemonic = "jmp";
      jump->insn.n_operands = 1;
      jump->insn.operand[0] = stub[i].target;
    }
  for (unsigned i = 0; i < n; i++)
    instrument->block[i] = decoded->insn[i].item < code->n_items ? block_of[decoded->insn[i].item]
                           : n && code->n_items                  ? 0
                                                                 : INSTRUMENT_NO_FLAG;
  instrument->n_flags = n_flags;
  if (n_flags > TRACE_FLAGS_MAX || n > INT32_MAX / RECORDS_PER_INSN)
    return why__set (why, REASON_TOO_LARGE, "%u flags", n_flags);
  struct code *copy = ARENA_NEW (arena, struct code);
  *copy = *code;
  copy->arena = arena;
  copy->n_items = copy->cold_from = writer.n;
  copy->item = writer.item;
  if (object__assemble (arena, copy, &instrument->object, why) != 0)
    return -1;
  *result = instrument;
  return 0;
}

int
instrument__link (struct arena *arena, const struct region *region, const struct layout *layout,
                  const struct instrument *instrument, unsigned index, struct image **image,
                  struct why *why)
{
  struct decoded *nothing = ARENA_NEW (arena, struct decoded);
  return image__link (arena, region, layout, instrument->object, nothing, index, image, why);
}
