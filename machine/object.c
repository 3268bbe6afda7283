/* Assembling one function alone and reading the ELF object that comes out.
   Everything goes through anonymous memory files: the source is the assembler's standard input, the
   object its output, so no path of the user's is touched and nothing is left behind.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/object.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum
{
  ASSEMBLER_MS = 5000,       /* far above the milliseconds that one function takes */
  OBJECT_MAX = 64 << 20,     /* bytes of an object that is still read */
  OUTPUT_FD = 3              /* the object's descriptor in the assembler */
};

static long
now_ms (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Waits for PID at most ASSEMBLER_MS and gives its wait status, or -1 where it had to be killed or
   can't be waited for.  */
static int
process__wait (pid_t pid)
{
  long end = now_ms () + ASSEMBLER_MS;
  int pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  int status = -1;
  for (;;)
    {
      pid_t done = waitpid (pid, &status, WNOHANG);
      if (done == pid)
        break;
      if (done < 0 && errno != EINTR)
        {
          status = -1;
          break;
        }
      long left = end - now_ms ();
      if (left <= 0)
        {
          kill (pid, SIGKILL);
          while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
            ;
          status = -1;
          break;
        }
      struct pollfd fd = { .fd = pidfd, .events = POLLIN };
      if (pidfd >= 0)
        poll (&fd, 1, (int) left);
      else
        poll (NULL, 0, 1);
    }
  if (pidfd >= 0)
    close (pidfd);
  return status;
}

/* A memory file at a descriptor above those that the assembler's are put on.  */
static int
memory_file (const char *name)
{
  int fd = memfd_create (name, MFD_CLOEXEC);
  if (fd < 0 || fd > OUTPUT_FD)
    return fd;
  int high = fcntl (fd, F_DUPFD_CLOEXEC, OUTPUT_FD + 1);
  close (fd);
  return high;
}

static bool
write_all (int fd, const char *text, size_t length)
{
  while (length)
    {
      ssize_t n = write (fd, text, length);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return false;
      text += n;
      length -= (size_t) n;
    }
  return lseek (fd, 0, SEEK_SET) == 0;
}

/* The first line of FD that tells an error, without the assembler's name for standard input.  *REFUSED where it is about
   the text: a fatal one may be about memory or files, and the end of the assembler itself is no word about the text.  */
static const char *
first_error (struct arena *arena, int fd, bool *refused)
{
  *refused = false;
  char text[4096];
  ssize_t n = pread (fd, text, sizeof text - 1, 0);
  if (n <= 0)
    return "the assembler failed and said nothing";
  text[n] = 0;
  const char *line = strstr (text, " Error:");
  *refused = line != NULL;
  if (!line)
    line = strstr (text, "Fatal error:");
  if (!line)
    line = text;
  /* Keep the line number before it.  */
  while (line > text && line[-1] != '\n')
    line--;
  if (strncmp (line, "{standard input}:", 17) == 0)
    line += 17;
  return arena__strndup (arena, line, strcspn (line, "\n"));
}

/* Runs the assembler on SOURCE.  Gives the object's bytes in ARENA, or NULL and *WHY.  */
static uint8_t *
assemble (struct arena *arena, const char *source, size_t *size, struct why *why)
{
  static const char *const argv[] = { "as", "--64", "-o", "/proc/self/fd/3", "-", NULL };
  uint8_t *bytes = NULL;
  int in = memory_file ("aiopt-source"), out = memory_file ("aiopt-object"),
      err = memory_file ("aiopt-errors");
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  if (in < 0 || out < 0 || err < 0 || !write_all (in, source, strlen (source)))
    {
      why__set (why, REASON_ASSEMBLER, "memory files: %s", strerror (errno));
      goto done;
    }
  posix_spawn_file_actions_adddup2 (&actions, in, 0);
  posix_spawn_file_actions_adddup2 (&actions, err, 1);
  posix_spawn_file_actions_adddup2 (&actions, err, 2);
  posix_spawn_file_actions_adddup2 (&actions, out, OUTPUT_FD);
  sigset_t none, all;
  sigemptyset (&none);
  sigfillset (&all);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setsigdefault (&attributes, &all);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid;
  int error
    = posix_spawnp (&pid, argv[0], &actions, &attributes, (char *const *) argv, environ);
  if (error)
    {
      why__set (why, REASON_ASSEMBLER, "can't start as: %s; install binutils", strerror (error));
      goto done;
    }
  int status = process__wait (pid);
  if (status == -1)
    {
      why__set (why, REASON_ASSEMBLER, "as did not end within %d ms", ASSEMBLER_MS);
      goto done;
    }
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    {
      bool refused;
      const char *error = first_error (arena, err, &refused);
      why__set (why, WIFEXITED (status) && refused ? REASON_ASSEMBLE : REASON_ASSEMBLER, "%s", error);
      goto done;
    }
  struct stat info;
  if (fstat (out, &info) < 0 || info.st_size <= 0 || info.st_size > OBJECT_MAX)
    {
      why__set (why, REASON_ASSEMBLER, "no object came out, or too large a one");
      goto done;
    }
  *size = (size_t) info.st_size;
  uint8_t *buffer = arena__alloc (arena, *size);
  for (size_t at = 0; at < *size;)
    {
      ssize_t n = pread (out, buffer + at, *size - at, (off_t) at);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          why__set (why, REASON_ASSEMBLER, "the object can't be read back");
          goto done;
        }
      at += (size_t) n;
    }
  bytes = buffer;
done:
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  if (in >= 0)
    close (in);
  if (out >= 0)
    close (out);
  if (err >= 0)
    close (err);
  return bytes;
}

/* Fills OBJECT's sections; MAP[i] becomes the number of ELF section i, or -1.  */
static int
read_sections (struct arena *arena, Elf *elf, size_t strings, struct object *object, int *map,
               size_t n, struct why *why)
{
  object->section = ARENA_ARRAY (arena, struct object_section, n);
  for (Elf_Scn *scn = NULL; (scn = elf_nextscn (elf, scn));)
    {
      GElf_Shdr header;
      size_t index = elf_ndxscn (scn);
      if (index >= n || !gelf_getshdr (scn, &header))
        return why__set (why, REASON_ASSEMBLER, "section header of the object");
      const char *name = elf_strptr (elf, strings, header.sh_name);
      if (!name)
        return why__set (why, REASON_ASSEMBLER, "section name of the object");
      if (!(header.sh_flags & SHF_ALLOC) || header.sh_size == 0 || header.sh_type == SHT_NOTE
          || strcmp (name, ".eh_frame") == 0)
        continue;
      if (header.sh_type != SHT_PROGBITS || (header.sh_flags & SHF_TLS)
          || header.sh_addralign > 4096)
        return why__set (why, REASON_DATA, "section %s", name);
      Elf_Data *data = elf_rawdata (scn, NULL);
      if (!data || !data->d_buf || data->d_size != header.sh_size)
        return why__set (why, REASON_ASSEMBLER, "contents of section %s", name);
      map[index] = (int) object->n_sections;
      object->section[object->n_sections++]
        = (struct object_section){ .name = arena__strdup (arena, name),
                                   .bytes = arena__memdup (arena, data->d_buf, data->d_size),
                                   .size = data->d_size,
                                   .align = header.sh_addralign ? (unsigned) header.sh_addralign
                                                                : 1,
                                   .executable = header.sh_flags & SHF_EXECINSTR,
                                   .writable = header.sh_flags & SHF_WRITE };
    }
  return 0;
}

/* Fills OBJECT's symbols from the table in SCN; their numbers are ELF's.  */
static int
read_symbols (struct arena *arena, Elf *elf, Elf_Scn *scn, const GElf_Shdr *header,
              struct object *object, const int *map, size_t n, struct why *why)
{
  Elf_Data *data = elf_getdata (scn, NULL);
  size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
  object->symbol = ARENA_ARRAY (arena, struct object_symbol, count);
  for (size_t i = 0; i < count; i++)
    {
      GElf_Sym symbol;
      if (!data || !gelf_getsym (data, (int) i, &symbol))
        return why__set (why, REASON_ASSEMBLER, "symbol %zu of the object", i);
      const char *name = elf_strptr (elf, header->sh_link, symbol.st_name);
      struct object_symbol *to = &object->symbol[object->n_symbols++];
      to->section = symbol.st_shndx != SHN_UNDEF && symbol.st_shndx < n ? map[symbol.st_shndx] : -1;
      to->offset = symbol.st_value;
      to->name = arena__strdup (arena, name ? name : "");
      if (to->section < 0)
        continue;
      if (to->offset > object->section[to->section].size)
        return why__set (why, REASON_ASSEMBLER, "symbol '%s' outside its section", to->name);
      if (GELF_ST_TYPE (symbol.st_info) == STT_SECTION)
        to->name = object->section[to->section].name;
      else if (GELF_ST_TYPE (symbol.st_info) == STT_TLS
               || GELF_ST_TYPE (symbol.st_info) == STT_GNU_IFUNC)
        return why__set (why, REASON_RELOCATION, "symbol '%s' of a special kind", to->name);
    }
  return 0;
}

/* Appends the relocations of section SECTION from the table in SCN.  */
static int
read_relocs (struct arena *arena, Elf_Scn *scn, const GElf_Shdr *header, unsigned section,
             struct object *object, struct why *why)
{
  Elf_Data *data = elf_getdata (scn, NULL);
  size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
  struct object_reloc *reloc = ARENA_ARRAY (arena, struct object_reloc, object->n_relocs + count);
  if (object->n_relocs)
    memcpy (reloc, object->reloc, object->n_relocs * sizeof *reloc);
  object->reloc = reloc;
  for (size_t i = 0; i < count; i++)
    {
      GElf_Rela rela;
      if (!data || !gelf_getrela (data, (int) i, &rela)
          || rela.r_offset >= object->section[section].size
          || GELF_R_SYM (rela.r_info) >= object->n_symbols)
        return why__set (why, REASON_RELOCATION, "relocation %zu of %s", i,
                         object->section[section].name);
      reloc[object->n_relocs++]
        = (struct object_reloc){ .section = section,
                                 .offset = rela.r_offset,
                                 .type = (uint32_t) GELF_R_TYPE (rela.r_info),
                                 .symbol = (unsigned) GELF_R_SYM (rela.r_info),
                                 .addend = rela.r_addend };
    }
  return 0;
}

/* Reads the ELF file behind ELF into OBJECT.  */
static int
read_elf (struct arena *arena, Elf *elf, const char *function, struct object *object,
          struct why *why)
{
  GElf_Ehdr header;
  size_t n, strings;
  if (elf_kind (elf) != ELF_K_ELF || !gelf_getehdr (elf, &header)
      || gelf_getclass (elf) != ELFCLASS64 || header.e_machine != EM_X86_64
      || header.e_type != ET_REL || elf_getshdrnum (elf, &n) < 0
      || elf_getshdrstrndx (elf, &strings) < 0)
    return why__set (why, REASON_ASSEMBLER, "the object is not x86-64 ELF");
  int *map = ARENA_ARRAY (arena, int, n);
  for (size_t i = 0; i < n; i++)
    map[i] = -1;
  if (read_sections (arena, elf, strings, object, map, n, why) < 0)
    return -1;
  GElf_Shdr section;
  for (Elf_Scn *scn = NULL; (scn = elf_nextscn (elf, scn));)
    if (gelf_getshdr (scn, &section) && section.sh_type == SHT_SYMTAB && !object->symbol
        && read_symbols (arena, elf, scn, &section, object, map, n, why) < 0)
      return -1;
  for (Elf_Scn *scn = NULL; (scn = elf_nextscn (elf, scn));)
    {
      if (!gelf_getshdr (scn, &section) || section.sh_info >= n || map[section.sh_info] < 0)
        continue;
      if (section.sh_type == SHT_REL)
        return why__set (why, REASON_RELOCATION, "relocations without addends");
      if (section.sh_type == SHT_RELA
          && read_relocs (arena, scn, &section, (unsigned) map[section.sh_info], object, why) < 0)
        return -1;
    }
  for (unsigned i = 0; i < object->n_symbols; i++)
    {
      const struct object_symbol *symbol = &object->symbol[i];
      if (symbol->section >= 0 && object->section[symbol->section].executable
          && strcmp (symbol->name, function) == 0)
        {
          object->entry = i;
          return 0;
        }
    }
  return why__set (why, REASON_NO_FUNCTION, "%s", function);
}

int
object__assemble (struct arena *arena, const struct code *code, struct object **object,
                  struct why *why)
{
  size_t size;
  uint8_t *bytes = assemble (arena, code__source (code), &size, why);
  if (!bytes)
    return -1;
  if (elf_version (EV_CURRENT) == EV_NONE)
    return why__set (why, REASON_ASSEMBLER, "libelf: %s", elf_errmsg (-1));
  Elf *elf = elf_memory ((char *) bytes, size);
  if (!elf)
    return why__set (why, REASON_ASSEMBLER, "libelf: %s", elf_errmsg (-1));
  struct object *result = ARENA_NEW (arena, struct object);
  int status = read_elf (arena, elf, code->name, result, why);
  elf_end (elf);
  if (status == 0)
    *object = result;
  return status;
}
