/* Comparisons watched: what each compares, on every run.

   Like sandbox/instrument.c, but for values: nothing that is added touches flags, the stack or any
   register for longer than the record takes.  A site's records form a ring, so that a long loop
   doesn't push out what a rare comparison saw; the next place comes from a table in the buffer, as
   arithmetic would need flags. Operands in memory are read as the comparison would read them; where
   that faults, the run ends as it would have.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/watch.h"
#include "machine/value-mask.h"
#include "sandbox/writer.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

/* Where the buffer is: in a slot that no state uses.  */
#define BUFFER (slot__begin (SANDBOX_SCRATCH_SLOT) + SANDBOX_SLOT_SIZE / 2)

enum
{
  AT_RAX = 0,
  AT_RCX = 8,
  AT_A = 64,
  AT_B = 128,
  AT_NEXT_SCALAR = 256, /* of ring offset i, in units of 8 bytes: two bytes at NEXT + i */
  AT_NEXT_VECTOR = 512,
  AT_OFFSET = 0x400, /* four bytes a site */
  AT_HIT = 0x600,    /* one byte a site */
  AT_RINGS = 0x1000,
  RING = 1024,
  SCALAR_UNITS = 2, /* 16 bytes: a, b */
  VECTOR_UNITS = 16 /* 128 bytes */
};
_Static_assert(WATCH_SCALARS *SCALAR_UNITS * 8 == RING, "scalars fill a ring");
_Static_assert(WATCH_VECTORS *VECTOR_UNITS * 8 == RING, "vectors fill a ring");
_Static_assert(AT_OFFSET + 4 * WATCH_SITES_MAX <= AT_HIT, "offsets end before hits");
_Static_assert(AT_HIT + WATCH_SITES_MAX <= AT_RINGS, "hits end before rings");

static struct operand
op_buffer (unsigned at)
{
  return op_memory (NULL, (int64_t)(BUFFER + at));
}

/* The 64-bit name of general register NAME and its SIZE; HIGH for ah and its like.  NULL where it
 * is none.  */
static const char *
whole_register (const char *name, unsigned *size, bool *high)
{
  static const char *const names[16][4] = {
    { "rax", "eax", "ax", "al" },      { "rcx", "ecx", "cx", "cl" },
    { "rdx", "edx", "dx", "dl" },      { "rbx", "ebx", "bx", "bl" },
    { "rsp", "esp", "sp", "spl" },     { "rbp", "ebp", "bp", "bpl" },
    { "rsi", "esi", "si", "sil" },     { "rdi", "edi", "di", "dil" },
    { "r8", "r8d", "r8w", "r8b" },     { "r9", "r9d", "r9w", "r9b" },
    { "r10", "r10d", "r10w", "r10b" }, { "r11", "r11d", "r11w", "r11b" },
    { "r12", "r12d", "r12w", "r12b" }, { "r13", "r13d", "r13w", "r13b" },
    { "r14", "r14d", "r14w", "r14b" }, { "r15", "r15d", "r15w", "r15b" },
  };
  *high = strlen (name) == 2 && name[1] == 'h';
  if (*high)
    {
      *size = 1;
      return name;
    }
  for (unsigned i = 0; i < 16; i++)
    for (unsigned k = 0; k < 4; k++)
      if (strcmp (names[i][k], name) == 0)
        {
          *size = 8u >> k;
          return names[i][0];
        }
  return NULL;
}

/* Number and bytes of vector register NAME, or -1.  */
static int
vector_register (const char *name, unsigned *size)
{
  if (strncmp (name + 1, "mm", 2) != 0 || !strchr ("xyz", name[0]))
    return -1;
  *size = name[0] == 'x' ? 16 : name[0] == 'y' ? 32 : 64;
  return atoi (name + 3);
}

/* What INSN compares, into *SITE; A and B get the operands' numbers in AT&T order (B -1: one).
   False where it is no comparison that can be watched.  */
static bool
classify (const struct decoded_insn *insn, const struct insn *text, struct watch_site *site, int *a,
          int *b)
{
  *site = (struct watch_site){ .branch = -1 };
  *a = 1;
  *b = 0;
  switch (insn->zydis)
    {
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_SUB:
      site->kind = WATCH_COMPARE;
      break;
    case ZYDIS_MNEMONIC_TEST:
    case ZYDIS_MNEMONIC_AND:
      site->kind = WATCH_MASK;
      break;
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
      site->kind = WATCH_PART;
      break;
    case ZYDIS_MNEMONIC_MOVMSKPS:
    case ZYDIS_MNEMONIC_VMOVMSKPS:
      site->kind = WATCH_PART, site->lane = 4, *a = 0, *b = -1;
      break;
    case ZYDIS_MNEMONIC_MOVMSKPD:
    case ZYDIS_MNEMONIC_VMOVMSKPD:
      site->kind = WATCH_PART, site->lane = 8, *a = 0, *b = -1;
      break;
    case ZYDIS_MNEMONIC_PMOVMSKB:
    case ZYDIS_MNEMONIC_VPMOVMSKB:
      site->kind = WATCH_PART, site->lane = 1, *a = 0, *b = -1;
      break;
    case ZYDIS_MNEMONIC_PSRLW:
    case ZYDIS_MNEMONIC_PSRAW:
    case ZYDIS_MNEMONIC_VPSRLW:
    case ZYDIS_MNEMONIC_VPSRAW:
      site->kind = WATCH_PART, site->lane = 2;
      break;
    case ZYDIS_MNEMONIC_PSRLD:
    case ZYDIS_MNEMONIC_PSRAD:
    case ZYDIS_MNEMONIC_VPSRLD:
    case ZYDIS_MNEMONIC_VPSRAD:
      site->kind = WATCH_PART, site->lane = 4;
      break;
    case ZYDIS_MNEMONIC_PSRLQ:
    case ZYDIS_MNEMONIC_VPSRLQ:
    case ZYDIS_MNEMONIC_VPSRAQ:
      site->kind = WATCH_PART, site->lane = 8;
      break;
    case ZYDIS_MNEMONIC_XOR:
      site->kind = WATCH_DIFFER;
      break;
    case ZYDIS_MNEMONIC_ADD:
      site->kind = WATCH_SUM;
      break;
    case ZYDIS_MNEMONIC_DEC:
      site->kind = WATCH_COMPARE, *a = 0, *b = -1, site->b_known = true, site->b = 1;
      break;
    case ZYDIS_MNEMONIC_INC:
      site->kind = WATCH_SUM, *a = 0, *b = -1, site->b_known = true, site->b = 1;
      break;
    case ZYDIS_MNEMONIC_COMISS:
    case ZYDIS_MNEMONIC_UCOMISS:
    case ZYDIS_MNEMONIC_VCOMISS:
    case ZYDIS_MNEMONIC_VUCOMISS:
      site->kind = WATCH_VECTOR, site->size = site->lane = 4, site->is_float = true;
      break;
    case ZYDIS_MNEMONIC_COMISD:
    case ZYDIS_MNEMONIC_UCOMISD:
    case ZYDIS_MNEMONIC_VCOMISD:
    case ZYDIS_MNEMONIC_VUCOMISD:
      site->kind = WATCH_VECTOR, site->size = site->lane = 8, site->is_float = true;
      break;
    case ZYDIS_MNEMONIC_PCMPEQB:
    case ZYDIS_MNEMONIC_PCMPGTB:
    case ZYDIS_MNEMONIC_VPCMPEQB:
    case ZYDIS_MNEMONIC_VPCMPGTB:
    case ZYDIS_MNEMONIC_VPCMPB:
    case ZYDIS_MNEMONIC_VPCMPUB:
      site->kind = WATCH_VECTOR, site->lane = 1;
      break;
    case ZYDIS_MNEMONIC_PCMPEQW:
    case ZYDIS_MNEMONIC_PCMPGTW:
    case ZYDIS_MNEMONIC_VPCMPEQW:
    case ZYDIS_MNEMONIC_VPCMPGTW:
    case ZYDIS_MNEMONIC_VPCMPW:
    case ZYDIS_MNEMONIC_VPCMPUW:
      site->kind = WATCH_VECTOR, site->lane = 2;
      break;
    case ZYDIS_MNEMONIC_PCMPEQD:
    case ZYDIS_MNEMONIC_PCMPGTD:
    case ZYDIS_MNEMONIC_VPCMPEQD:
    case ZYDIS_MNEMONIC_VPCMPGTD:
    case ZYDIS_MNEMONIC_VPCMPD:
    case ZYDIS_MNEMONIC_VPCMPUD:
    case ZYDIS_MNEMONIC_PTEST:
    case ZYDIS_MNEMONIC_VPTEST:
      site->kind = WATCH_VECTOR, site->lane = 4;
      break;
    case ZYDIS_MNEMONIC_PCMPEQQ:
    case ZYDIS_MNEMONIC_PCMPGTQ:
    case ZYDIS_MNEMONIC_VPCMPEQQ:
    case ZYDIS_MNEMONIC_VPCMPGTQ:
    case ZYDIS_MNEMONIC_VPCMPQ:
    case ZYDIS_MNEMONIC_VPCMPUQ:
      site->kind = WATCH_VECTOR, site->lane = 8;
      break;
    case ZYDIS_MNEMONIC_CMPPS:
    case ZYDIS_MNEMONIC_VCMPPS:
      site->kind = WATCH_VECTOR, site->lane = 4, site->is_float = true;
      break;
    case ZYDIS_MNEMONIC_CMPPD:
    case ZYDIS_MNEMONIC_VCMPPD:
      site->kind = WATCH_VECTOR, site->lane = 8, site->is_float = true;
      break;
    default:
      return false;
    }
  /* An immediate predicate comes first in AT&T text; VEX forms have the destination last.  */
  if (site->kind == WATCH_VECTOR)
    {
      unsigned first = text->n_operands && text->operand[0].kind == OPERAND_IMMEDIATE;
      *b = (int)first;
      *a = (int)first + 1;
    }
  bool vector = site->lane != 0, part_of_lanes = site->kind == WATCH_PART && vector;
  if (*a >= (int)text->n_operands || (*b >= 0 && *b >= (int)text->n_operands))
    return false;
  for (unsigned i = 0; i < text->n_operands; i++)
    {
      const struct operand *operand = &text->operand[i];
      unsigned size;
      bool high;
      if (operand->kind == OPERAND_MEMORY && (operand->segment || operand->broadcast))
        return false;
      if (operand->kind != OPERAND_REGISTER || ((int)i != *a && (int)i != *b))
        continue;
      if (vector)
        {
          if (vector_register (operand->reg, &size) < 0)
            return false;
          if (!site->is_float || site->size == 0)
            site->size = size > site->size ? size : site->size;
        }
      else if (whole_register (operand->reg, &size, &high))
        site->size = size;
      else
        return false;
    }
  if (part_of_lanes)
    {
      uint64_t sign = UINT64_C (1) << (8 * site->lane - 1);
      if (*b >= 0 && (text->operand[*b].kind != OPERAND_IMMEDIATE || text->operand[*b].expr.sym))
        return false;
      site->b_known = true;
      site->b = *b < 0 ? sign : (2 * sign - 1) & UINT64_MAX << (text->operand[*b].expr.add & 63);
      return text->operand[*a].kind == OPERAND_REGISTER && site->size >= 16 && site->b != 0;
    }
  if (vector)
    return text->operand[*a].kind == OPERAND_REGISTER && site->size != 0;
  if (!site->size)
    site->size = insn->n_memory ? insn->memory[0].size : 0;
  if (site->size != 1 && site->size != 2 && site->size != 4 && site->size != 8)
    return false;
  if (*b >= 0 && text->operand[*b].kind == OPERAND_IMMEDIATE)
    {
      if (text->operand[*b].expr.sym)
        return false;
      site->b_known = true;
      site->b = (uint64_t)text->operand[*b].expr.add;
    }
  site->lane = site->size;
  return true;
}

/* Whether the flags of SITE's instruction are USED or not: makes it what is to be watched then.  False where that is
   nothing.  */
static bool
settle_kind (struct watch_site *site, const struct insn *text, bool used)
{
  bool shift = site->kind == WATCH_PART;
  if (watch__is_vector (site))
    return true;
  if (used)
    return !shift; /* what reads them has to see both of its ways */
  if (!shift && site->kind != WATCH_MASK)
    return false;
  bool kept = strncmp (text->mnemonic, "test", 4) != 0;
  if (!kept || (shift && !site->b_known) || text->n_operands != 2 || text->operand[1].kind != OPERAND_REGISTER)
    return false;
  site->kind = WATCH_PART;
  if (shift)
    site->b = UINT64_MAX << (site->b & (site->size == 8 ? 63 : 31));
  site->b &= low_bytes__mask (site->size);
  return !site->b_known || site->b != 0;
}

/* Stores OPERAND, SIZE bytes, at AT of the buffer.  rax is saved.  */
static void
store_operand (struct writer *writer, const struct operand *operand, unsigned size, unsigned at)
{
  if (operand->kind == OPERAND_REGISTER)
    {
      unsigned own;
      bool high;
      int vector = vector_register (operand->reg, &own);
      if (vector >= 0)
        {
          /* VEX forms would clean upper halves, which a legacy function hasn't got.  */
          const char *mnemonic = own == 64 || vector >= 16 ? "vmovdqu64"
                                 : own == 32               ? "vmovdqu"
                                                           : "movups";
          writer__insn (writer, mnemonic, op_register (operand->reg), op_buffer (at));
          return;
        }
      const char *name = whole_register (operand->reg, &own, &high);
      writer__insn (writer, high ? "movb" : "movq", op_register (name), op_buffer (at));
      return;
    }
  struct operand word = *operand;
  word.mask = word.broadcast = NULL;
  word.zeroing = false;
  static const char *const load[] = { [1] = "movb", [2] = "movw", [4] = "movl", [8] = "movq" };
  static const char *const accumulator[] = { [1] = "al", [2] = "ax", [4] = "eax", [8] = "rax" };
  unsigned step = size < 8 ? size : 8;
  for (unsigned i = 0; i < size; i += step, word.expr.add += step)
    {
      writer__insn (writer, load[step], word, op_register (accumulator[step]));
      writer__insn (writer, "movq", op_register ("rax"), op_buffer (at + i));
      writer__insn (writer, "movq", op_buffer (AT_RAX), op_register ("rax"));
    }
}

/* The record of SITE, number NUMBER.  */
static void
add_record (struct writer *writer, const struct insn *text, const struct watch_site *site,
            unsigned number, int a, int b)
{
  bool vector = watch__is_vector (site);
  unsigned ring = AT_RINGS + number * RING, half = vector ? WATCH_VALUE_MAX : 8;
  writer__insn (writer, "movq", op_register ("rax"), op_buffer (AT_RAX));
  writer__insn (writer, "movq", op_register ("rcx"), op_buffer (AT_RCX));
  store_operand (writer, &text->operand[a], site->size, AT_A);
  if (!site->b_known)
    store_operand (writer, &text->operand[b], site->size, AT_B);
  writer__insn (writer, "movl", op_buffer (AT_OFFSET + 4 * number), op_register ("ecx"));
  for (unsigned side = 0; side < (site->b_known ? 1u : 2u); side++)
    for (unsigned i = 0; i < site->size; i += 8)
      {
        struct operand to = op_buffer (ring + side * half + i);
        to.index = "rcx";
        to.scale = 8;
        writer__insn (writer, "movq", op_buffer ((side ? AT_B : AT_A) + i), op_register ("rax"));
        writer__insn (writer, "movq", op_register ("rax"), to);
      }
  struct operand next = op_buffer (vector ? AT_NEXT_VECTOR : AT_NEXT_SCALAR);
  next.base = "rcx";
  writer__insn (writer, "movzwl", next, op_register ("ecx"));
  writer__insn (writer, "movl", op_register ("ecx"), op_buffer (AT_OFFSET + 4 * number));
  writer__insn (writer, "movb", op_immediate (1), op_buffer (AT_HIT + number));
  writer__insn (writer, "movq", op_buffer (AT_RCX), op_register ("rcx"));
  writer__insn (writer, "movq", op_buffer (AT_RAX), op_register ("rax"));
}

/* Does anything in the straight line behind instruction I read the flags that it sets?  *BRANCH
   gets the branch that does, or -1.  */
static bool
flags_used (const struct decoded *decoded, unsigned i, int *branch)
{
  *branch = -1;
  bool used = false;
  for (unsigned k = i + 1; k < decoded->n_insns; k++)
    {
      const struct decoded_insn *insn = &decoded->insn[k];
      if (insn->flags_read)
        used = true;
      if (insn->flags_read && (insn->kind & KIND_BRANCH) && *branch < 0)
        *branch = (int)k;
      if (insn->flags_written || (insn->kind & (KIND_JUMP | KIND_CALL | KIND_RETURN)))
        break;
    }
  return used;
}

static size_t
buffer_size (const struct watch *watch)
{
  size_t size = AT_RINGS + (size_t)watch->n * RING;
  return (size + SANDBOX_PAGE - 1) / SANDBOX_PAGE * SANDBOX_PAGE;
}

/* The buffer as every run finds it: empty rings, and the tables that lead around them.  */
static uint8_t *
new_buffer (struct arena *arena, const struct watch *watch)
{
  uint8_t *buffer = arena__alloc (arena, buffer_size (watch));
  for (unsigned i = 0; i < WATCH_SCALARS; i++)
    {
      uint16_t next = (uint16_t)((i + 1) % WATCH_SCALARS * SCALAR_UNITS);
      memcpy (buffer + AT_NEXT_SCALAR + i * SCALAR_UNITS, &next, 2);
    }
  for (unsigned i = 0; i < WATCH_VECTORS; i++)
    {
      uint16_t next = (uint16_t)((i + 1) % WATCH_VECTORS * VECTOR_UNITS);
      memcpy (buffer + AT_NEXT_VECTOR + i * VECTOR_UNITS, &next, 2);
    }
  return buffer;
}

int
watch__new (struct arena *arena, const struct side *side, struct watch **result, struct why *why)
{
  const struct code *code = side->code;
  const struct decoded *decoded = side->decoded;
  struct watch *watch = ARENA_NEW (arena, struct watch);
  struct writer writer = { .arena = arena };
  uint32_t *insn_of = ARENA_ARRAY (arena, uint32_t, code->n_items);
  memset (insn_of, 0xff, code->n_items * sizeof *insn_of);
  for (unsigned i = 0; i < decoded->n_insns; i++)
    if (decoded->insn[i].item < code->n_items
        && code->item[decoded->insn[i].item].kind == ITEM_INSN)
      insn_of[decoded->insn[i].item] = i;
  struct watch_site *sites = ARENA_ARRAY (arena, struct watch_site, code->n_items);
  int *a = ARENA_ARRAY (arena, int, code->n_items), *b = ARENA_ARRAY (arena, int, code->n_items);
  bool *found = ARENA_ARRAY (arena, bool, code->n_items);
  unsigned comparisons = 0;
  for (unsigned k = 0; k < code->n_items; k++)
    {
      const struct item *item = &code->item[k];
      uint32_t number = insn_of[k];
      int branch;
      if (item->kind != ITEM_INSN || number == UINT32_MAX || k >= side->own_items
          || !classify (&decoded->insn[number], &item->insn, &sites[k], &a[k], &b[k]))
        continue;
      bool used = decoded->insn[number].flags_written && flags_used (decoded, number, &branch);
      found[k] = settle_kind (&sites[k], &item->insn, used);
      sites[k].insn = number;
      sites[k].branch = used ? branch : -1;
      comparisons += found[k] && sites[k].kind != WATCH_PART;
    }
  /* Where there is no room for all, comparisons come first.  */
  unsigned parts = comparisons < WATCH_SITES_MAX ? WATCH_SITES_MAX - comparisons : 0;
  for (unsigned k = 0; k < code->n_items; k++)
    {
      const struct item *item = &code->item[k];
      if (found[k] && watch->n < WATCH_SITES_MAX && (sites[k].kind != WATCH_PART || parts))
        {
          parts -= sites[k].kind == WATCH_PART;
          add_record (&writer, &item->insn, &sites[k], watch->n, a[k], b[k]);
          watch->site[watch->n++] = sites[k];
        }
      *writer__item (&writer) = *item;
    }
  if (watch->n == 0)
    return why__set (why, REASON_UNMODELLED, "nothing is compared");
  struct code *copy = ARENA_NEW (arena, struct code);
  *copy = *code;
  copy->arena = arena;
  copy->n_items = copy->cold_from = writer.n;
  copy->item = writer.item;
  if (object__assemble (arena, copy, &watch->object, why))
    return -1;
  watch->buffer = new_buffer (arena, watch);
  *result = watch;
  return 0;
}

int
watch__link (struct arena *arena, const struct region *region, const struct layout *layout,
             const struct watch *watch, unsigned index, struct image **image, struct why *why)
{
  struct decoded *nothing = ARENA_NEW (arena, struct decoded);
  return image__link (arena, region, layout, watch->object, nothing, index, image, why);
}

bool
watch__state (const struct watch *watch, const struct state *state, struct state *watched)
{
  size_t size = buffer_size (watch);
  if (state->n_spans == SPANS_MAX)
    return false;
  *watched = *state;
  unsigned at = watched->n_spans++;
  for (; at && watched->span[at - 1].address > BUFFER; at--)
    watched->span[at] = watched->span[at - 1];
  watched->span[at] = (struct span){ .address = BUFFER,
                                     .size = (uint32_t)size,
                                     .bytes = watch->buffer,
                                     .protection = PROT_STATE_READ | PROT_STATE_WRITE };
  if (at && watched->span[at - 1].address + watched->span[at - 1].size > BUFFER)
    return false;
  return at + 1 == watched->n_spans || watched->span[at + 1].address >= BUFFER + size;
}

unsigned
watch__records (const struct watch *watch, const struct state *watched,
                const struct outcome *outcome, unsigned number, struct watch_record *records,
                unsigned n)
{
  const uint8_t *buffer = NULL;
  for (unsigned s = 0; s < watched->n_spans && s < outcome->n_spans; s++)
    if (watched->span[s].address == BUFFER)
      buffer = outcome->span_bytes[s];
  if (!buffer || !buffer[AT_HIT + number])
    return 0;
  const struct watch_site *site = &watch->site[number];
  bool vector = watch__is_vector (site);
  unsigned units = vector ? VECTOR_UNITS : SCALAR_UNITS,
           places = vector ? WATCH_VECTORS : WATCH_SCALARS;
  uint32_t next;
  memcpy (&next, buffer + AT_OFFSET + 4 * number, 4);
  next = next / units % places;
  const uint8_t *ring = buffer + AT_RINGS + (size_t)number * RING;
  unsigned count = 0;
  for (unsigned back = places; back > 0; back--)
    {
      unsigned place = (next + places - back) % places;
      const uint8_t *at = ring + place * units * 8;
      bool empty = true;
      for (unsigned i = 0; i < units * 8; i++)
        empty &= at[i] == 0;
      /* All zero is taken for never written, unless it was the last.  */
      if ((empty && back != 1) || (back > n))
        continue;
      struct watch_record *record = &records[count++];
      memset (record, 0, sizeof *record);
      memcpy (record->a, at, site->size);
      if (site->b_known)
        for (unsigned lane = 0; lane < site->size; lane += site->lane)
          memcpy (record->b + lane, &site->b, site->lane);
      else
        memcpy (record->b, at + (vector ? WATCH_VALUE_MAX : 8), site->size);
    }
  return count;
}
