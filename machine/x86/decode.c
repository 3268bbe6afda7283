/* From bytes to instructions: walks the text and the object side by side.
   The text says what should be there, Zydis what is there; labels, relocations, targets and padding are
   checked against both.  Nothing of the object is left unexplained.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/x86/x86.h"

#include <elf.h>
#include <string.h>

/* A symbolic operand that the assembler resolved without a relocation: to be compared with the labels'
   places once all are known.  */
struct pending
{
  unsigned insn;
  const struct expr *expr;
  int64_t value; /* the place meant, or the plain value where not relative */
  bool relative;
};

struct walk
{
  struct arena *arena;
  const struct object *object;
  const struct code *code;
  ZydisDecoder decoder;
  struct second *second;
  struct why *why;
  unsigned section;     /* of the code */
  uint32_t at;
  uint32_t *label;      /* offset of items that are labels */
  uint64_t *data;       /* offset of each of the code's data in the read-only section */
  int data_section;
  const struct object_reloc **reloc; /* by offset; NULL where none begins */
  bool *reloc_used;
  unsigned n_insns, n_pending, capacity; /* at most three symbolic operands an instruction */
  struct decoded_insn *insn;
  struct pending *pending;
};

static int
refuse (struct walk *walk, enum reason reason, const char *what)
{
  return why__set (walk->why, reason, "at byte %u: %s", walk->at, what);
}

/* Where the local label NAME is: 0 and section and offset, or -1.  */
static int
walk__label (const struct walk *walk, const char *name, int *section, uint64_t *offset)
{
  for (unsigned i = 0; i < walk->code->n_items; i++)
    if (walk->code->item[i].kind == ITEM_LABEL && strcmp (walk->code->item[i].label, name) == 0)
      {
        *section = (int) walk->section;
        *offset = walk->label[i];
        return 0;
      }
  for (unsigned i = 0; i < walk->code->n_data; i++)
    if (strcmp (walk->code->data[i].label, name) == 0)
      {
        *section = walk->data_section;
        *offset = walk->data[i];
        return walk->data_section < 0 ? -1 : 0;
      }
  return -1;
}

/* Lays the data out as code__source does.  */
static int
walk__lay_data (struct walk *walk)
{
  const struct code *code = walk->code;
  uint64_t at = 0;
  walk->data = ARENA_ARRAY (walk->arena, uint64_t, code->n_data);
  walk->data_section = -1;
  for (unsigned i = 0; i < walk->object->n_sections; i++)
    if (strcmp (walk->object->section[i].name, ".rodata") == 0)
      walk->data_section = (int) i;
  for (unsigned i = 0; i < code->n_data; i++)
    {
      uint64_t align = code->data[i].align ? code->data[i].align : 1;
      at = (at + align - 1) & ~(align - 1);
      walk->data[i] = at;
      at += code->data[i].size;
    }
  if (walk->data_section < 0 ? at != 0 : at != walk->object->section[walk->data_section].size)
    return why__set (walk->why, REASON_MISMATCH, "read-only data of %llu bytes written",
                     (unsigned long long) at);
  return 0;
}

static struct decoded_insn *
walk__push (struct walk *walk)
{
  if (walk->n_insns == walk->capacity)
    {
      unsigned more = walk->capacity ? walk->capacity * 2 : 64;
      struct decoded_insn *insn = ARENA_ARRAY (walk->arena, struct decoded_insn, more);
      struct pending *pending = ARENA_ARRAY (walk->arena, struct pending, more * 3);
      if (walk->n_insns)
        {
          memcpy (insn, walk->insn, walk->n_insns * sizeof *insn);
          memcpy (pending, walk->pending, walk->n_pending * sizeof *pending);
        }
      walk->insn = insn;
      walk->pending = pending;
      walk->capacity = more;
    }
  struct decoded_insn *insn = &walk->insn[walk->n_insns++];
  memset (insn, 0, sizeof *insn);
  return insn;
}

/* Decodes what stands at walk->at into *X and a new decoded instruction of ITEM.  */
static struct decoded_insn *
walk__decode (struct walk *walk, unsigned item, struct zydis_insn *x)
{
  const struct object_section *section = &walk->object->section[walk->section];
  size_t left = section->size - walk->at;
  x->bytes = section->bytes + walk->at;
  if (left == 0 || !ZYAN_SUCCESS (ZydisDecoderDecodeFull (&walk->decoder, x->bytes, left, &x->zi,
                                                           x->op)))
    {
      refuse (walk, REASON_DECODE, left ? "Zydis doesn't know the bytes" : "the code ends early");
      return NULL;
    }
  struct decoded_insn *insn = walk__push (walk);
  insn->section = walk->section;
  insn->offset = walk->at;
  insn->length = x->zi.length;
  insn->mnemonic = ZydisMnemonicGetString (x->zi.mnemonic);
  insn->zydis = (uint16_t) x->zi.mnemonic;
  insn->callee = -1;
  insn->item = item;
  if (x86__classify (x, insn, walk->why) < 0 || x86__effects (x, insn, walk->why) < 0
      || second__compare (walk->second, x, left, walk->why) < 0)
    return NULL;
  /* Intel's and AMD's CPUs disagree about near branches with an operand-size prefix.  */
  if ((insn->kind & (KIND_BRANCH | KIND_JUMP | KIND_CALL | KIND_RETURN))
      && (x->zi.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE))
    {
      refuse (walk, REASON_DECODE, "a branch with an operand-size prefix");
      return NULL;
    }
  return insn;
}

/* The relocation of TYPE stands in a field of FIELD; true where such a one may be there.  */
static bool
reloc__fits (uint32_t type, const struct x86_field *field)
{
  switch (type)
    {
    case R_X86_64_PC32:
    case R_X86_64_PLT32:
    case R_X86_64_GOTPCREL:
    case R_X86_64_GOTPCRELX:
    case R_X86_64_REX_GOTPCRELX:
      return field->relative && field->size == 4;
    case R_X86_64_32:
    case R_X86_64_32S:
      return !field->relative && field->size == 4;
    case R_X86_64_64:
      return !field->relative && field->size == 8;
    default:
      return false;
    }
}

static bool
reloc__got (uint32_t type)
{
  return type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX
         || type == R_X86_64_REX_GOTPCRELX;
}

/* Compares EXPR, as written, with FIELD of INSN: by relocation where there is one, else later.  */
static int
walk__field (struct walk *walk, struct decoded_insn *insn, const struct x86_field *field,
             const struct expr *expr)
{
  if (!field->size)
    return refuse (walk, REASON_MISMATCH, "a symbol without a place in the instruction");
  uint32_t at = insn->offset + field->offset;
  const struct object_reloc *reloc = walk->reloc[at];
  uint32_t end = insn->offset + insn->length;
  if (!reloc)
    {
      struct pending *pending = &walk->pending[walk->n_pending++];
      pending->insn = walk->n_insns - 1;
      pending->expr = expr;
      pending->relative = field->relative;
      pending->value = field->relative ? (int64_t) end + field->value : field->value;
      return 0;
    }
  walk->reloc_used[at] = true;
  if (!reloc__fits (reloc->type, field))
    return why__set (walk->why, REASON_RELOCATION, "type %u at byte %u", reloc->type, at);
  if (expr->minus || !expr->sym)
    return refuse (walk, REASON_MISMATCH, "a relocation for a difference");
  const struct object_symbol *symbol = &walk->object->symbol[reloc->symbol];
  int64_t addend = reloc->addend + (field->relative ? (int64_t) (end - at) : 0);
  bool got = expr->reloc && strcmp (expr->reloc, "GOTPCREL") == 0;
  if (got != reloc__got (reloc->type))
    return refuse (walk, REASON_MISMATCH, "@GOTPCREL and the relocation differ");
  int section;
  uint64_t offset;
  bool same;
  if (walk__label (walk, expr->sym, &section, &offset) == 0)
    same = symbol->section == section
           && (int64_t) symbol->offset + addend == (int64_t) offset + expr->add && !got;
  else
    same = strcmp (symbol->name, expr->sym) == 0 && addend == expr->add
           && (symbol->section < 0 || reloc->symbol == walk->object->entry);
  if (!same)
    return refuse (walk, REASON_MISMATCH, "the relocation is for another symbol or place");

  if (insn->kind & (KIND_BRANCH | KIND_JUMP | KIND_CALL) && !(insn->kind & KIND_INDIRECT))
    {
      if (symbol->section < 0 || reloc->symbol == walk->object->entry)
        {
          /* A recursive call is a call like any other: the verifier answers it.  */
          if (addend != 0)
            return refuse (walk, REASON_RELOCATION, "a branch into the middle of another function");
          insn->callee = (int) reloc->symbol;
        }
      else
        {
          insn->has_target = true;
          insn->target_section = (unsigned) symbol->section;
          insn->target = (uint32_t) ((int64_t) symbol->offset + addend);
        }
    }
  return 0;
}

/* Checks INSN's symbolic operands and that no relocation is left over in its bytes.  */
static int
walk__symbols (struct walk *walk, const struct zydis_insn *x, struct decoded_insn *insn,
               const struct insn *text)
{
  for (unsigned i = 0; i < text->n_operands; i++)
    {
      const struct operand *operand = &text->operand[i];
      if (!operand->expr.sym && !operand->expr.minus)
        continue;
      struct x86_field field = operand->kind == OPERAND_MEMORY ? x86__displacement (x)
                                                               : x86__immediate (x, 0);
      if (walk__field (walk, insn, &field, &operand->expr) < 0)
        return -1;
      if (operand->kind == OPERAND_MEMORY && field.size == 4)
        insn->symbol_disp = field.offset;
    }
  for (uint32_t at = insn->offset; at < insn->offset + insn->length; at++)
    if (walk->reloc[at] && !walk->reloc_used[at])
      return refuse (walk, REASON_MISMATCH, "a relocation that the text doesn't ask for");
  return 0;
}

static int
walk__insn (struct walk *walk, unsigned item, const struct insn *text)
{
  struct zydis_insn x;
  struct decoded_insn *insn = walk__decode (walk, item, &x);
  if (!insn || x86__match (&x, text, walk->why) < 0
      || walk__symbols (walk, &x, insn, text) < 0)
    return -1;
  walk->at += insn->length;
  return 0;
}

/* Padding: exactly what the alignment asks for, and nothing but nops (the assembler jumps over long
   padding).  */
static int
walk__align (struct walk *walk, unsigned item, const struct item *align)
{
  uint32_t unit = align->align ? align->align : 1, padding = -walk->at & (unit - 1);
  if ((unit & (unit - 1)) != 0)
    return refuse (walk, REASON_MISMATCH, "alignment");
  if (align->align_max && padding > align->align_max)
    padding = 0;
  uint32_t end = walk->at + padding;
  bool first = true;
  while (walk->at < end)
    {
      struct zydis_insn x;
      struct decoded_insn *insn = walk__decode (walk, item, &x);
      if (!insn)
        return -1;
      bool jump = first && (insn->kind & KIND_JUMP) && !(insn->kind & KIND_INDIRECT)
                  && walk->at + insn->length + x.op[0].imm.value.s == end;
      /* A long nop is also what "lea 0(%rsi),%rsi" was once; the assembler no longer writes it.  */
      if (!(insn->kind & KIND_NOP) && !jump)
        return refuse (walk, REASON_MISMATCH, "padding that is not nops");
      for (uint32_t at = walk->at; at < walk->at + insn->length; at++)
        if (walk->reloc[at])
          return refuse (walk, REASON_MISMATCH, "a relocation in padding");
      if (jump)
        {
          insn->has_target = true;
          insn->target_section = walk->section;
          insn->target = end;
        }
      walk->at += insn->length;
      first = false;
    }
  return walk->at == end ? 0 : refuse (walk, REASON_MISMATCH, "padding of another length");
}

/* Compares the resolved symbolic operands with the labels' places.  */
static int
walk__settle (struct walk *walk)
{
  for (unsigned i = 0; i < walk->n_pending; i++)
    {
      const struct pending *pending = &walk->pending[i];
      struct decoded_insn *insn = &walk->insn[pending->insn];
      int section = -1, minus_section = -1;
      uint64_t offset = 0, minus = 0;
      walk->at = insn->offset;
      if (!pending->expr->sym || walk__label (walk, pending->expr->sym, &section, &offset) < 0)
        return refuse (walk, REASON_MISMATCH, "a symbol that was resolved, and isn't a label");
      int64_t value = (int64_t) offset + pending->expr->add;
      if (pending->expr->minus)
        {
          if (walk__label (walk, pending->expr->minus, &minus_section, &minus) < 0
              || minus_section != section || pending->relative)
            return refuse (walk, REASON_MISMATCH, "difference of labels");
          value -= (int64_t) minus;
        }
      else if (!pending->relative || section != (int) walk->section)
        return refuse (walk, REASON_MISMATCH, "an address that was resolved too early");
      if (value != pending->value)
        return refuse (walk, REASON_MISMATCH, "another label");
      if ((insn->kind & (KIND_BRANCH | KIND_JUMP | KIND_CALL)) && !(insn->kind & KIND_INDIRECT))
        {
          insn->has_target = true;
          insn->target_section = walk->section;
          insn->target = (uint32_t) value;
        }
    }
  return 0;
}

/* The relocation at OFFSET of the read-only section, or NULL.  Relocations come in the order of their
   places; *NEXT is where to look from.  */
static const struct object_reloc *
walk__data_reloc (const struct walk *walk, unsigned *next, uint64_t offset)
{
  const struct object *object = walk->object;
  while (*next < object->n_relocs
         && (object->reloc[*next].section != (unsigned) walk->data_section
             || object->reloc[*next].offset < offset))
    ++*next;
  return *next < object->n_relocs && object->reloc[*next].offset == offset ? &object->reloc[*next]
                                                                          : NULL;
}

/* A cell that is an expression, at OFFSET: what stands there, relocated or not, is what was written.  */
static bool
walk__cell (const struct walk *walk, const struct cell *cell, uint64_t offset,
            const struct object_reloc *reloc)
{
  const struct expr *expr = &cell->expr;
  const uint8_t *bytes = walk->object->section[walk->data_section].bytes + offset;
  int section = -1, minus_section = -1;
  uint64_t place = 0, minus = 0;
  bool local = expr->sym && walk__label (walk, expr->sym, &section, &place) == 0;
  if (expr->minus && walk__label (walk, expr->minus, &minus_section, &minus) < 0)
    return false;
  if (!reloc)
    {
      /* Resolved: a number, or a difference within one section.  */
      if (expr->sym ? !local || !expr->minus || section != minus_section : expr->minus != NULL)
        return false;
      uint64_t value = place - minus + (uint64_t) expr->add;
      return memcmp (bytes, &value, cell->size) == 0;
    }
  const struct object_symbol *symbol = &walk->object->symbol[reloc->symbol];
  int64_t addend = reloc->addend;
  switch (reloc->type)
    {
    case R_X86_64_PC32:
    case R_X86_64_PC64:
      if (!expr->minus || minus_section != walk->data_section
          || cell->size != (reloc->type == R_X86_64_PC32 ? 4 : 8))
        return false;
      addend -= (int64_t) (offset - minus);
      break;
    case R_X86_64_64:
    case R_X86_64_32:
    case R_X86_64_32S:
      if (expr->minus || cell->size != (reloc->type == R_X86_64_64 ? 8 : 4))
        return false;
      break;
    default:
      return false;
    }
  if (!expr->sym || expr->reloc)
    return false;
  if (local)
    return symbol->section == section
           && (int64_t) symbol->offset + addend == (int64_t) place + expr->add;
  return strcmp (symbol->name, expr->sym) == 0 && addend == expr->add
         && (symbol->section < 0 || reloc->symbol == walk->object->entry);
}

/* The read-only section holds the code's data, zeros between them, and no relocation more.  */
static int
walk__data (struct walk *walk)
{
  const struct code *code = walk->code;
  if (walk->data_section < 0)
    return 0;
  const struct object_section *section = &walk->object->section[walk->data_section];
  unsigned next = 0, relocs = 0, used = 0;
  uint64_t at = 0;
  for (unsigned i = 0; i < walk->object->n_relocs; i++)
    relocs += walk->object->reloc[i].section == (unsigned) walk->data_section;
  for (unsigned i = 0; i < code->n_data; i++)
    {
      for (; at < walk->data[i]; at++)
        if (section->bytes[at])
          return refuse (walk, REASON_MISMATCH, "padding in read-only data");
      for (unsigned j = 0; j < code->data[i].n_cells; j++)
        {
          const struct cell *cell = &code->data[i].cell[j];
          const struct object_reloc *reloc = walk__data_reloc (walk, &next, at);
          used += reloc != NULL;
          if (cell->size > section->size - at || (!cell->bytes && cell->size > 8)
              || (cell->bytes ? reloc || memcmp (section->bytes + at, cell->bytes, cell->size) != 0
                              : !walk__cell (walk, cell, at, reloc)))
            return why__set (walk->why, REASON_MISMATCH, "read-only data %s, cell %u",
                             code->data[i].label, j);
          at += cell->size;
        }
    }
  if (at != section->size || used != relocs)
    return refuse (walk, REASON_MISMATCH, "read-only data that was not written");
  return 0;
}

/* Every direct branch leads to the start of an instruction, or is to another function.  */
static int
walk__targets (struct walk *walk)
{
  bool *starts = ARENA_ARRAY (walk->arena, bool, walk->object->section[walk->section].size + 1);
  for (unsigned i = 0; i < walk->n_insns; i++)
    starts[walk->insn[i].offset] = true;
  for (unsigned i = 0; i < walk->n_insns; i++)
    {
      const struct decoded_insn *insn = &walk->insn[i];
      if (!(insn->kind & (KIND_BRANCH | KIND_JUMP | KIND_CALL)) || (insn->kind & KIND_INDIRECT))
        continue;
      walk->at = insn->offset;
      if (insn->callee >= 0)
        continue;
      if (!insn->has_target || insn->target_section != walk->section
          || insn->target > walk->object->section[walk->section].size || !starts[insn->target])
        return refuse (walk, REASON_MISMATCH, "a branch to where no instruction starts");
    }
  return 0;
}

static int
walk__all (struct walk *walk)
{
  const struct object *object = walk->object;
  const struct code *code = walk->code;
  const struct object_symbol *entry = &object->symbol[object->entry];
  unsigned executable = 0;
  for (unsigned i = 0; i < object->n_sections; i++)
    executable += object->section[i].executable;
  if (executable != 1 || entry->section < 0 || entry->offset != 0)
    return refuse (walk, REASON_MISMATCH, "not one section of code, from its start");
  walk->section = (unsigned) entry->section;
  size_t size = object->section[walk->section].size;
  if (size > UINT32_MAX / 2)
    return refuse (walk, REASON_TOO_LARGE, "code");
  walk->reloc = ARENA_ARRAY (walk->arena, const struct object_reloc *, size + 16);
  walk->reloc_used = ARENA_ARRAY (walk->arena, bool, size + 16);
  for (unsigned i = 0; i < object->n_relocs; i++)
    if (object->reloc[i].section == walk->section)
      {
        if (walk->reloc[object->reloc[i].offset])
          return refuse (walk, REASON_RELOCATION, "two relocations of one place");
        walk->reloc[object->reloc[i].offset] = &object->reloc[i];
      }
  if (walk__lay_data (walk) < 0)
    return -1;

  if (code->endbr)
    {
      static const struct insn endbr = { .mnemonic = "endbr64" };
      if (walk__insn (walk, code->n_items, &endbr) < 0)
        return -1;
    }
  walk->label = ARENA_ARRAY (walk->arena, uint32_t, code->n_items);
  for (unsigned i = 0; i < code->n_items; i++)
    {
      const struct item *item = &code->item[i];
      switch (item->kind)
        {
        case ITEM_LABEL:
          walk->label[i] = walk->at;
          break;
        case ITEM_ALIGN:
          if (walk__align (walk, i, item) < 0)
            return -1;
          break;
        case ITEM_INSN:
          if (walk__insn (walk, i, &item->insn) < 0)
            return -1;
          break;
        }
    }
  if (walk->at != size)
    return refuse (walk, REASON_MISMATCH, "more code than was written");
  if (walk__settle (walk) < 0 || walk__data (walk) < 0)
    return -1;
  return walk__targets (walk);
}

int
object__decode (struct arena *arena, const struct object *object, const struct code *code,
                struct decoded **decoded, struct why *why)
{
  struct walk walk = { .arena = arena, .object = object, .code = code, .why = why };
  if (!ZYAN_SUCCESS (ZydisDecoderInit (&walk.decoder, ZYDIS_MACHINE_MODE_LONG_64,
                                       ZYDIS_STACK_WIDTH_64)))
    return why__set (why, REASON_DECODE, "Zydis can't be started");
  walk.second = second__open ();
  if (!walk.second)
    return why__set (why, REASON_DISAGREE, "Capstone can't be started");
  int status = walk__all (&walk);
  second__close (walk.second);
  if (status < 0)
    return -1;
  *decoded = ARENA_NEW (arena, struct decoded);
  (*decoded)->n_insns = walk.n_insns;
  (*decoded)->insn = walk.insn;
  return 0;
}
