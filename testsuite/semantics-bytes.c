/* Whatever the bytes are, semantics refuses them or stays in its frame: registers of their widths, and no register, flag
   or memory touched that Zydis's own lists of operands don't name.

   An optional argument is the number of instructions (default 200000), a second one the seed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/semantics.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_TERMS = 20000, BYTES = 15 };

/* The machine of terms; it counts its memory's accesses.  */
struct host
{
  struct terms *terms;
  struct arena *arena;
  unsigned loads, stores, traps;
  bool refuses; /* memory */
  struct sym_host host;
  struct sym_cpu cpu;
  const char *failure;
};

static const struct term *
host__load (void *context, const struct term *address, unsigned bytes, const struct term *condition)
{
  struct host *host = context;
  host->loads++;
  if (address->width != 64 || bytes < 1 || bytes > 64 || (condition && condition->width != 1))
    host->failure = "a load of such widths";
  return host->refuses ? NULL : term__fresh (host->terms, 8 * bytes);
}

static int
host__store (void *context, const struct term *address, const struct term *value, const struct term *condition)
{
  struct host *host = context;
  host->stores++;
  if (address->width != 64 || value->width % 8 != 0 || value->width == 0 || (condition && condition->width != 1))
    host->failure = "a store of such widths";
  return host->refuses ? -1 : 0;
}

static const struct term *
host__undefined (void *context, unsigned width)
{
  return term__fresh (((struct host *) context)->terms, width);
}

static void
host__trap (void *context, enum sym_trap trap, const struct term *condition)
{
  struct host *host = context;
  (void) trap;
  host->traps++;
  if (!condition || condition->width != 1)
    host->failure = "a trap without a condition";
}

static const struct term *
host__symbol (void *context, uint64_t address)
{
  return term__const (((struct host *) context)->terms, 64, address);
}

/* A new store now and then keeps memory small.  */
static void
host__reopen (struct host *host)
{
  if (host->terms && terms__count (host->terms) < STORE_TERMS)
    return;
  terms__free (host->terms);
  arena__free (host->arena);
  *host = (struct host){ .terms = terms__new (), .arena = arena__new () };
  host->host = (struct sym_host){ .context = host,
                                  .terms = host->terms,
                                  .load = host__load,
                                  .store = host__store,
                                  .undefined = host__undefined,
                                  .trap = host__trap,
                                  .symbol = host__symbol };
  uint32_t number = 0;
  for (unsigned i = 0; i < 16; i++)
    host->cpu.gpr[i] = term__var (host->terms, 64, number++);
  for (unsigned i = 0; i < 32; i++)
    host->cpu.vec[i] = term__var (host->terms, 512, number++);
  for (unsigned i = 0; i < 8; i++)
    host->cpu.mask[i] = term__var (host->terms, 64, number++);
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    host->cpu.flags.flag[i] = term__var (host->terms, 1, number++);
  host->cpu.flags.kind = FLAGS_EXPLICIT;
  host->cpu.sticky = term__var (host->terms, 6, number++);
}

static uint64_t
random__next (uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* Bytes that are more often an instruction than any would be.  */
static void
bytes__fill (uint8_t *bytes, uint64_t *random)
{
  static const uint8_t prefix[] = { 0x66, 0xf2, 0xf3, 0x66, 0x67, 0xf0, 0x2e, 0x64 };
  for (unsigned i = 0; i < BYTES; i += 5)
    {
      uint64_t value = random__next (random);
      memcpy (bytes + i, &value, 5);
    }
  uint64_t choice = random__next (random);
  unsigned n = 0;
  while (n < 3 && choice % 4 == 0)
    {
      bytes[n++] = prefix[choice >> 8 & 7];
      choice = random__next (random);
    }
  if (choice >> 2 & 1)
    bytes[n++] = 0x40 | (choice >> 16 & 15);
  switch (choice >> 3 & 7)
    {
    case 0:
    case 1:
      bytes[n] = 0x0f;
      break;
    case 2:
      bytes[n] = 0x0f;
      bytes[n + 1] = choice >> 20 & 1 ? 0x38 : 0x3a;
      break;
    case 3:
      bytes[0] = 0xc5;
      break;
    case 4:
      bytes[0] = 0xc4;
      bytes[1] = (uint8_t) ((bytes[1] & 0xe0) | (1 + bytes[1] % 3));
      break;
    case 5:
      bytes[0] = 0x62;
      bytes[1] = (uint8_t) ((bytes[1] & 0xf0) | (1 + bytes[1] % 3));
      bytes[2] |= 4;
      break;
    default:
      break;
    }
}

/* What Zydis says of an instruction: what may be read in memory, what may be written.  */
struct frame
{
  uint32_t gpr, vec, mask, flags;
  bool reads, writes;
};

static const unsigned rflags_bit[FLAGS_COUNT]
  = { [FLAG_CF] = 0, [FLAG_PF] = 2, [FLAG_AF] = 4, [FLAG_ZF] = 6, [FLAG_SF] = 7, [FLAG_OF] = 11 };

static void
frame__fill (struct frame *frame, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operand)
{
  *frame = (struct frame){ .gpr = 0 };
  for (unsigned i = 0; i < insn->operand_count; i++)
    {
      bool written = operand[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
      if (operand[i].type == ZYDIS_OPERAND_TYPE_MEMORY && operand[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
        {
          frame->reads |= (operand[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
          frame->writes |= written;
        }
      if (operand[i].type != ZYDIS_OPERAND_TYPE_REGISTER || !written)
        continue;
      ZydisRegister reg = operand[i].reg.value;
      ZydisRegister whole = ZydisRegisterGetLargestEnclosing (ZYDIS_MACHINE_MODE_LONG_64, reg);
      if (whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15)
        frame->gpr |= 1u << (whole - ZYDIS_REGISTER_RAX);
      else if (whole >= ZYDIS_REGISTER_ZMM0 && whole <= ZYDIS_REGISTER_ZMM31)
        frame->vec |= 1u << (whole - ZYDIS_REGISTER_ZMM0);
      else if (reg >= ZYDIS_REGISTER_K0 && reg <= ZYDIS_REGISTER_K7)
        frame->mask |= 1u << (reg - ZYDIS_REGISTER_K0);
    }
  if (insn->cpu_flags)
    frame->flags = insn->cpu_flags->modified | insn->cpu_flags->set_0 | insn->cpu_flags->set_1
                   | insn->cpu_flags->undefined;
  /* Zydis doesn't know that cmps and scas step, nor the registers of vzeroall and vzeroupper.  */
  if (insn->meta.category == ZYDIS_CATEGORY_STRINGOP)
    frame->gpr |= 1 << 6 | 1 << 7;
  if (insn->mnemonic == ZYDIS_MNEMONIC_VZEROALL || insn->mnemonic == ZYDIS_MNEMONIC_VZEROUPPER)
    frame->vec = 0xffff;
  /* Nor that these clear the flags that they don't set, as ptest does.  */
  if (insn->mnemonic == ZYDIS_MNEMONIC_VPTEST || insn->mnemonic == ZYDIS_MNEMONIC_VTESTPS
      || insn->mnemonic == ZYDIS_MNEMONIC_VTESTPD)
    frame->flags = UINT32_MAX;
}

/* NULL, or what is wrong with AFTER, which was BEFORE.  */
static const char *
cpu__complaint (struct host *host, const struct frame *frame, const struct sym_cpu *before, struct sym_cpu *after)
{
  for (unsigned i = 0; i < 16; i++)
    if (after->gpr[i]->width != 64)
      return "a general register of another width";
    else if (after->gpr[i] != before->gpr[i] && !(frame->gpr >> i & 1))
      return "a general register that isn't written";
  for (unsigned i = 0; i < 32; i++)
    if (after->vec[i]->width != 512)
      return "a vector register of another width";
    else if (after->vec[i] != before->vec[i] && !(frame->vec >> i & 1))
      return "a vector register that isn't written";
  for (unsigned i = 0; i < 8; i++)
    if (after->mask[i]->width != 64)
      return "a mask register of another width";
    else if (after->mask[i] != before->mask[i] && !(frame->mask >> i & 1))
      return "a mask register that isn't written";
  if (after->sticky->width != 6)
    return "sticky bits of another width";
  for (enum flag flag = 0; flag < FLAGS_COUNT; flag++)
    {
      const struct term *value = flags__get (host->terms, &host->host, &after->flags, flag);
      if (value->width != 1)
        return "a flag of another width";
      if (value != before->flags.flag[flag] && !(frame->flags >> rflags_bit[flag] & 1))
        return "a flag that isn't written";
    }
  for (unsigned cc = 0; cc < 16; cc++)
    if (flags__condition (host->terms, &host->host, &after->flags, cc)->width != 1)
      return "a condition of another width";
  if ((host->loads && !frame->reads) || (host->stores && !frame->writes))
    return "memory that isn't accessed";
  return host->failure;
}

static const char *
step__complaint (const struct sym_step *step)
{
  bool condition = step->kind == STEP_BRANCH || step->kind == STEP_REPEAT;
  bool destination = step->kind == STEP_RETURN || step->kind == STEP_INDIRECT || step->kind == STEP_INDIRECT_CALL;
  if ((step->condition != NULL) != condition || (condition && step->condition->width != 1))
    return "a condition where there should be none, or none";
  if ((step->destination != NULL) != destination || (destination && step->destination->width != 64))
    return "a destination where there should be none, or none";
  return NULL;
}

/* Tries BYTES.  1: modelled, 0: refused, -1: wrong, and *COMPLAINT says what.  */
static int
bytes__try (struct host *host, const uint8_t *bytes, unsigned *length, const char **complaint)
{
  ZydisDecoder decoder;
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
  ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  *length = BYTES;
  bool decoded = ZYAN_SUCCESS (ZydisDecoderDecodeFull (&decoder, bytes, BYTES, &insn, operand));
  const struct meaning *meaning;
  struct why why = { .reason = REASON_NONE };
  if (decoded)
    *length = insn.length;
  if (meaning__decode (host->arena, bytes, *length, 0x1000, false, false, &meaning, &why) < 0)
    {
      *complaint = "refused without a reason";
      return why.reason == REASON_UNMODELLED && why.detail[0] ? 0 : -1;
    }
  *complaint = "modelled though Zydis doesn't know it";
  if (!decoded)
    return -1;

  struct frame frame;
  frame__fill (&frame, &insn, operand);
  struct sym_cpu cpu = host->cpu;
  struct sym_step step;
  host->loads = host->stores = host->traps = 0;
  host->failure = NULL;
  if (meaning__apply (meaning, &cpu, &host->host, &step, &why) < 0)
    {
      *complaint = "fails without a reason";
      return why.reason == REASON_UNMODELLED && why.detail[0] ? 0 : -1;
    }
  *complaint = step__complaint (&step);
  if (!*complaint)
    *complaint = cpu__complaint (host, &frame, &host->cpu, &cpu);
  if (!*complaint && step.kind == STEP_REPEAT)
    {
      if (meaning__repeat (meaning, &cpu, &host->host, &step, &why) < 0)
        *complaint = "no round of a repeated instruction";
      else
        *complaint = cpu__complaint (host, &frame, &host->cpu, &cpu);
    }
  if (*complaint)
    return -1;

  /* A host that refuses memory ends the step.  */
  if (host->loads + host->stores)
    {
      *complaint = "goes on without memory";
      host->refuses = true;
      cpu = host->cpu;
      int result = step.kind == STEP_REPEAT ? meaning__repeat (meaning, &cpu, &host->host, &step, &why)
                                            : meaning__apply (meaning, &cpu, &host->host, &step, &why);
      host->refuses = false;
      if (result == 0)
        return -1;
    }
  return 1;
}

int
main (int argc, char **argv)
{
  unsigned long n = argc > 1 ? strtoul (argv[1], NULL, 0) : 200000, modelled = 0, wrong = 0;
  uint64_t random = argc > 2 ? strtoul (argv[2], NULL, 0) | 1 : 1;
  struct host host = { .terms = NULL };
  random *= UINT64_C (0x9e3779b97f4a7c15);
  for (unsigned long i = 0; i < n; i++)
    {
      uint8_t bytes[BYTES + 8]; /* what fills them doesn't count too exactly */
      const char *complaint;
      unsigned length;
      bytes__fill (bytes, &random);
      host__reopen (&host);
      int result = bytes__try (&host, bytes, &length, &complaint);
      modelled += result > 0;
      if (result >= 0 || ++wrong > 20)
        continue;
      printf ("#");
      for (unsigned k = 0; k < length; k++)
        printf (" %02x", bytes[k]);
      printf (": %s\n", complaint);
    }
  terms__free (host.terms);
  arena__free (host.arena);
  printf ("%sok 1 - of %lu instructions none leaves its frame (%lu modelled, %lu do)\n", wrong ? "not " : "", n,
          modelled, wrong);
  printf ("%sok 2 - many are modelled\n", modelled > n / 50 ? "" : "not ");
  printf ("1..2\n");
  return wrong || modelled <= n / 50;
}
