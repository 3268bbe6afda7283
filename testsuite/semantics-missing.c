/* Which instruction forms occur in object files, and which of them semantics/ doesn't model.

   Reads the executable sections of the objects named, decodes them from begin to end, and prints a line for each
   form (mnemonic and kinds of operands) that meaning__decode or meaning__apply refuses, most frequent first, with the
   reason; --all prints the others, too.  testsuite/semantics/missing makes objects for it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/semantics.h"

#include <Zydis/Zydis.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORMS_MAX = 1 << 14, NAME_SIZE = 160 };

struct form
{
  char name[NAME_SIZE];
  unsigned long count;
  bool modelled;
  char reason[120];
};

struct census
{
  unsigned n_forms;
  struct form form[FORMS_MAX];
  unsigned long n_insns, n_modelled, n_undecoded;
};

/* A host that has everything and knows nothing.  */
static const struct term *
host__load (void *context, const struct term *address, unsigned bytes, const struct term *condition)
{
  (void) address, (void) condition;
  return term__fresh (context, bytes * 8);
}

static int
host__store (void *context, const struct term *address, const struct term *value,
             const struct term *condition)
{
  (void) context, (void) address, (void) value, (void) condition;
  return 0;
}

static const struct term *
host__undefined (void *context, unsigned width)
{
  return term__fresh (context, width);
}

static void
host__trap (void *context, enum sym_trap trap, const struct term *condition)
{
  (void) context, (void) trap, (void) condition;
}

static const struct term *
host__symbol (void *context, uint64_t address)
{
  return term__const (context, 64, address);
}

/* Tries BYTES[LENGTH] on a machine of which nothing is known.  */
static bool
model (const uint8_t *bytes, unsigned length, struct why *why)
{
  struct arena *arena = arena__new ();
  struct terms *terms = terms__new ();
  const struct sym_host host = { .context = terms, .terms = terms, .load = host__load,
                                 .store = host__store, .undefined = host__undefined,
                                 .trap = host__trap, .symbol = host__symbol };
  struct sym_cpu cpu = { .flags.kind = FLAGS_EXPLICIT };
  uint32_t number = 0;
  for (unsigned i = 0; i < 16; i++)
    cpu.gpr[i] = term__var (terms, 64, number++);
  for (unsigned i = 0; i < 32; i++)
    cpu.vec[i] = term__var (terms, 512, number++);
  for (unsigned i = 0; i < 8; i++)
    cpu.mask[i] = term__var (terms, 64, number++);
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    cpu.flags.flag[i] = term__var (terms, 1, number++);
  cpu.sticky = term__var (terms, 6, number++);
  const struct meaning *meaning;
  struct sym_step step = { 0 };
  bool ok = meaning__decode (arena, bytes, length, 0x10000, false, false, &meaning, why) == 0
            && meaning__apply (meaning, &cpu, &host, &step, why) == 0;
  if (ok && step.kind == STEP_REPEAT)
    ok = meaning__repeat (meaning, &cpu, &host, &step, why) == 0;
  terms__free (terms);
  arena__free (arena);
  return ok;
}

/* The kind of OPERAND of INSN, with its width.  */
static void
operand__name (char *text, size_t size, const ZydisDecodedInstruction *insn,
               const ZydisDecodedOperand *operand)
{
  switch (operand->type)
    {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      {
        ZydisRegister reg = operand->reg.value;
        ZydisRegisterClass class = ZydisRegisterGetClass (reg);
        if (class == ZYDIS_REGCLASS_XMM || class == ZYDIS_REGCLASS_YMM
            || class == ZYDIS_REGCLASS_ZMM)
          snprintf (text, size, "%cmm", "xyz"[class - ZYDIS_REGCLASS_XMM]);
        else if (class == ZYDIS_REGCLASS_MASK)
          snprintf (text, size, "k");
        else if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
          snprintf (text, size, "r8h");
        else
          snprintf (text, size, "r%u", operand->size);
        break;
      }
    case ZYDIS_OPERAND_TYPE_MEMORY:
      snprintf (text, size, "m%u%s", operand->size, insn->avx.broadcast.mode ? "{bcst}" : "");
      break;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      snprintf (text, size, "i%u", insn->raw.imm[0].size);
      break;
    default:
      snprintf (text, size, "p");
    }
}

static void
form__name (char *text, size_t size, const ZydisDecodedInstruction *insn,
            const ZydisDecodedOperand *operands)
{
  const char *prefix = insn->attributes & ZYDIS_ATTRIB_HAS_REP     ? "rep "
                       : insn->attributes & ZYDIS_ATTRIB_HAS_REPE  ? "repe "
                       : insn->attributes & ZYDIS_ATTRIB_HAS_REPNE ? "repne "
                       : insn->attributes & ZYDIS_ATTRIB_HAS_LOCK  ? "lock "
                                                                   : "";
  size_t n = (size_t) snprintf (text, size, "%s%s%s", prefix,
                                ZydisMnemonicGetString (insn->mnemonic),
                                insn->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ? " (evex)" : "");
  bool first = true;
  for (unsigned i = 0; i < insn->operand_count && n < size; i++)
    {
      const ZydisDecodedOperand *operand = &operands[i];
      bool is_mask = operand->encoding == ZYDIS_OPERAND_ENCODING_MASK;
      if ((operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
          || (is_mask && operand->reg.value == ZYDIS_REGISTER_K0))
        continue;
      char kind[32];
      operand__name (kind, sizeof kind, insn, operand);
      if (is_mask)
        n += (size_t) snprintf (text + n, size - n, "%s",
                                insn->avx.mask.mode == ZYDIS_MASK_MODE_ZEROING ? "{k}{z}" : "{k}");
      else
        n += (size_t) snprintf (text + n, size - n, "%s%s", first ? " " : ", ", kind);
      first = false;
    }
}

static void
census__count (struct census *census, const ZydisDecodedInstruction *insn,
               const ZydisDecodedOperand *operands, const uint8_t *bytes)
{
  char name[NAME_SIZE];
  form__name (name, sizeof name, insn, operands);
  unsigned i = 0;
  while (i < census->n_forms && strcmp (census->form[i].name, name) != 0)
    i++;
  if (i == FORMS_MAX)
    return;
  struct form *form = &census->form[i];
  if (i == census->n_forms)
    {
      struct why why = { 0 };
      census->n_forms++;
      snprintf (form->name, sizeof form->name, "%s", name);
      form->modelled = model (bytes, insn->length, &why);
      snprintf (form->reason, sizeof form->reason, "%.110s", form->modelled ? "" : why.detail);
    }
  form->count++;
  census->n_insns++;
  census->n_modelled += form->modelled;
}

static void
census__section (struct census *census, const ZydisDecoder *decoder, const uint8_t *bytes,
                 size_t size)
{
  for (size_t at = 0; at < size;)
    {
      ZydisDecodedInstruction insn;
      ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
      if (ZYAN_FAILED (ZydisDecoderDecodeFull (decoder, bytes + at, size - at, &insn, operands)))
        {
          census->n_undecoded++;
          at++;
          continue;
        }
      census__count (census, &insn, operands, bytes + at);
      at += insn.length;
    }
}

static int
census__object (struct census *census, const ZydisDecoder *decoder, const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  Elf *elf = fd < 0 ? NULL : elf_begin (fd, ELF_C_READ, NULL);
  if (!elf || elf_kind (elf) != ELF_K_ELF)
    {
      fprintf (stderr, "semantics-missing: %s: not an object file\n", path);
      if (elf)
        elf_end (elf);
      if (fd >= 0)
        close (fd);
      return -1;
    }
  for (Elf_Scn *section = NULL; (section = elf_nextscn (elf, section));)
    {
      GElf_Shdr header;
      Elf_Data *data;
      if (gelf_getshdr (section, &header) && header.sh_type == SHT_PROGBITS
          && (header.sh_flags & SHF_EXECINSTR) && (data = elf_getdata (section, NULL))
          && data->d_buf)
        census__section (census, decoder, data->d_buf, data->d_size);
    }
  elf_end (elf);
  close (fd);
  return 0;
}

static int
compare_counts (const void *a, const void *b)
{
  const struct form *x = a, *y = b;
  return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp (x->name, y->name);
}

int
main (int argc, char **argv)
{
  ZydisDecoder decoder;
  struct census *census = calloc (1, sizeof *census);
  bool all = argc > 1 && strcmp (argv[1], "--all") == 0;
  int status = 0;
  if (!census || argc < 2 + all)
    {
      fprintf (stderr, "usage: semantics-missing [--all] OBJECT…\n");
      return 64;
    }
  elf_version (EV_CURRENT);
  ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  for (int i = 1 + all; i < argc; i++)
    if (census__object (census, &decoder, argv[i]) != 0)
      status = 1;
  qsort (census->form, census->n_forms, sizeof *census->form, compare_counts);
  unsigned n_missing = 0;
  for (unsigned i = 0; i < census->n_forms; i++)
    n_missing += !census->form[i].modelled;
  printf ("# %u forms in %lu instructions; not modelled: %u forms, %lu instructions; bytes not "
          "decoded: %lu\n",
          census->n_forms, census->n_insns, n_missing, census->n_insns - census->n_modelled,
          census->n_undecoded);
  for (unsigned i = 0; i < census->n_forms; i++)
    if (all || !census->form[i].modelled)
      printf ("%8lu  %-48s %s\n", census->form[i].count, census->form[i].name,
              census->form[i].modelled ? "modelled" : census->form[i].reason);
  free (census);
  return status;
}
