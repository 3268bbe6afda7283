/* The symbols of an ELF file: functions, objects, and the table slots that calls go through.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "record/internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

/* FNV-1a.  */
static uint32_t
name_hash (const char *name)
{
  uint32_t hash = 2166136261u;
  for (; *name; name++)
    hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash;
}

/* Adds the symbols of section SCN.  Local ones come after the file that they are from.  */
static void
read_table (struct arena *arena, Elf *elf, Elf_Scn *scn, const GElf_Shdr *header,
            struct symbols *symbols)
{
  Elf_Data *data = elf_getdata (scn, NULL);
  size_t n = data && header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
  const char *file = NULL;
  symbols->symbol = ARENA_ARRAY (arena, struct symbol, n);
  symbols->n_symbols = 0;
  for (size_t i = 0; i < n; i++)
    {
      GElf_Sym symbol;
      if (!gelf_getsym (data, (int)i, &symbol))
        break;
      const char *name = elf_strptr (elf, header->sh_link, symbol.st_name);
      unsigned type = GELF_ST_TYPE (symbol.st_info);
      bool local = GELF_ST_BIND (symbol.st_info) == STB_LOCAL;
      if (type == STT_FILE)
        file = name && *name ? arena__strdup (arena, name) : NULL;
      if (!name || !*name || symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS
          || (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE))
        continue;
      symbols->symbol[symbols->n_symbols++] = (struct symbol){ .name = arena__strdup (arena, name),
                                                               .hash = name_hash (name),
                                                               .file = local ? file : NULL,
                                                               .value = symbol.st_value,
                                                               .size = symbol.st_size,
                                                               .is_function = type == STT_FUNC,
                                                               .is_local = local };
    }
}

/* Adds the slots that the relocations in SCN fill with functions' addresses.  */
static void
read_slots (struct arena *arena, Elf *elf, Elf_Scn *scn, const GElf_Shdr *header,
            struct symbols *symbols)
{
  Elf_Data *data = elf_getdata (scn, NULL);
  size_t n = data && header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
  Elf_Scn *table = elf_getscn (elf, header->sh_link);
  GElf_Shdr table_header;
  Elf_Data *names = table && gelf_getshdr (table, &table_header) ? elf_getdata (table, NULL) : NULL;
  if (!names)
    return;
  struct slot *slot = ARENA_ARRAY (arena, struct slot, symbols->n_slots + n);
  if (symbols->n_slots)
    memcpy (slot, symbols->slot, symbols->n_slots * sizeof *slot);
  symbols->slot = slot;
  for (size_t i = 0; i < n; i++)
    {
      GElf_Rela rela;
      GElf_Sym symbol;
      if (!gelf_getrela (data, (int)i, &rela)
          || (GELF_R_TYPE (rela.r_info) != R_X86_64_JUMP_SLOT
              && GELF_R_TYPE (rela.r_info) != R_X86_64_GLOB_DAT)
          || !gelf_getsym (names, (int)GELF_R_SYM (rela.r_info), &symbol))
        continue;
      const char *name = elf_strptr (elf, table_header.sh_link, symbol.st_name);
      if (name)
        slot[symbols->n_slots++]
            = (struct slot){ .address = rela.r_offset, .name = arena__strdup (arena, name) };
    }
}

static int
read_elf (struct arena *arena, Elf *elf, struct symbols *symbols)
{
  GElf_Ehdr header;
  size_t n;
  if (elf_kind (elf) != ELF_K_ELF || !gelf_getehdr (elf, &header) || header.e_machine != EM_X86_64
      || gelf_getclass (elf) != ELFCLASS64 || elf_getphdrnum (elf, &n))
    return -1;
  for (size_t i = 0; i < n && symbols->n_segments < 16; i++)
    {
      GElf_Phdr segment;
      if (gelf_getphdr (elf, (int)i, &segment) && segment.p_type == PT_LOAD)
        symbols->segment[symbols->n_segments++]
            = (struct segment){ segment.p_offset, segment.p_vaddr, segment.p_filesz };
    }
  symbols->stripped = true;
  GElf_Shdr section;
  for (unsigned pass = 0; pass < 2; pass++)
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn (elf, scn));)
      if (gelf_getshdr (scn, &section)
          && section.sh_type == (pass ? (Elf64_Word)SHT_SYMTAB : (Elf64_Word)SHT_DYNSYM))
        {
          read_table (arena, elf, scn, &section, symbols);
          symbols->stripped = pass == 0;
        }
  for (Elf_Scn *scn = NULL; (scn = elf_nextscn (elf, scn));)
    if (gelf_getshdr (scn, &section) && section.sh_type == SHT_RELA)
      read_slots (arena, elf, scn, &section, symbols);
  return 0;
}

struct symbols *
symbols__read (struct arena *arena, const char *path, struct why *why)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    {
      why__set (why, REASON_SOURCE, "%.150s: %s", path, strerror (errno));
      return NULL;
    }
  struct symbols *symbols = ARENA_NEW (arena, struct symbols);
  Elf *elf = elf_version (EV_CURRENT) == EV_NONE ? NULL : elf_begin (fd, ELF_C_READ, NULL);
  int status = elf ? read_elf (arena, elf, symbols) : -1;
  if (elf)
    elf_end (elf);
  close (fd);
  if (status)
    {
      why__set (why, REASON_SOURCE, "%.150s: not an ELF file for x86-64", path);
      return NULL;
    }
  return symbols;
}

static const char *
base_name (const char *path)
{
  const char *slash = path ? strrchr (path, '/') : NULL;
  return slash ? slash + 1 : path;
}

void
symbols__each (const struct symbols *symbols, const struct region *region,
               void (*visit) (void *context, const struct symbol *symbol), void *context)
{
  const char *file = base_name (region->source ? region->source : region->file);
  uint32_t hash = name_hash (region->function);
  bool here = false;
  for (unsigned i = 0; i < symbols->n_symbols; i++)
    {
      const struct symbol *symbol = &symbols->symbol[i];
      here |= symbol->hash == hash && symbol->is_function && symbol->file && file
              && strcmp (symbol->name, region->function) == 0
              && strcmp (base_name (symbol->file), file) == 0;
    }
  for (unsigned i = 0; i < symbols->n_symbols; i++)
    {
      const struct symbol *symbol = &symbols->symbol[i];
      if (symbol->hash == hash && symbol->is_function && symbol->size
          && strcmp (symbol->name, region->function) == 0
          && (!here || (symbol->file && strcmp (base_name (symbol->file), file) == 0)))
        visit (context, symbol);
    }
}

static void
count (void *context, const struct symbol *symbol)
{
  (void)symbol;
  ++*(unsigned *)context;
}

int
recorder__look (const char *path, const struct record_target *targets, unsigned n, struct why *why)
{
  struct arena *arena = arena__new ();
  const struct symbols *symbols = symbols__read (arena, path, why);
  int found = symbols ? 0 : -1;
  for (unsigned i = 0; symbols && i < n; i++)
    {
      unsigned places = 0;
      symbols__each (symbols, targets[i].region, count, &places);
      found += places > 0;
    }
  if (symbols && !found && symbols->stripped)
    found = why__set (why, REASON_NO_FUNCTION,
                      "%.120s is stripped: it has no symbol table, so functions can't be found in "
                      "it; link it without -s",
                      path);
  arena__free (arena);
  return found;
}
