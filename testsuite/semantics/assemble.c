/* Assembling all forms in one go.
   Thousands of runs of the assembler would take longer than the tests; one source holds a form a line, and the lines
   that the assembler complains of are the forms that don't exist.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/semantics/forms.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 64 };

/* Writes the forms that aren't REFUSED to PATH: form i on line i + 2; then a table of where each begins and ends.  */
static int
write_source (const struct forms *forms, const bool *refused, const char *path)
{
  FILE *file = fopen (path, "w");
  if (!file)
    return -1;
  fprintf (file, ".text; .Lbegin:\n");
  for (unsigned i = 0; i < forms->n; i++)
    fprintf (file, ".Lb%u: %s; .Le%u:\n", i, refused[i] ? "" : forms->form[i].text, i);
  fprintf (file, ".section .offsets, \"a\"\n");
  for (unsigned i = 0; i < forms->n; i++)
    fprintf (file, ".long .Lb%u - .Lbegin, .Le%u - .Lbegin\n", i, i);
  return fclose (file);
}

/* Marks the forms that the messages in PATH name.  Gives how many are new.  */
static unsigned
read_errors (const struct forms *forms, bool *refused, const char *path)
{
  FILE *file = fopen (path, "r");
  char line[512];
  unsigned n = 0;
  if (!file)
    return 0;
  while (fgets (line, sizeof line, file))
    {
      char *error = strstr (line, ": Error:");
      if (!error)
        continue;
      *error = 0;
      char *colon = strrchr (line, ':');
      unsigned long number = colon ? strtoul (colon + 1, NULL, 10) : 0;
      if (number >= 2 && number - 2 < forms->n && !refused[number - 2])
        {
          refused[number - 2] = true;
          n++;
        }
    }
  fclose (file);
  return n;
}

/* Takes the bytes out of object PATH.  */
static int
read_object (struct forms *forms, const bool *refused, const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  elf_version (EV_CURRENT);
  Elf *elf = fd < 0 ? NULL : elf_begin (fd, ELF_C_READ, NULL);
  Elf_Data *text = NULL, *offsets = NULL;
  size_t names;
  int result = -1;
  if (!elf || elf_getshdrstrndx (elf, &names) != 0)
    goto done;
  for (Elf_Scn *section = NULL; (section = elf_nextscn (elf, section));)
    {
      GElf_Shdr header;
      if (!gelf_getshdr (section, &header))
        goto done;
      const char *name = elf_strptr (elf, names, header.sh_name);
      if (name && strcmp (name, ".text") == 0)
        text = elf_getdata (section, NULL);
      else if (name && strcmp (name, ".offsets") == 0)
        offsets = elf_getdata (section, NULL);
    }
  if (!text || !offsets || offsets->d_size < forms->n * 8)
    goto done;
  const uint8_t *bytes = arena__memdup (forms->arena, text->d_buf, text->d_size);
  for (unsigned i = 0; i < forms->n; i++)
    {
      uint32_t range[2];
      memcpy (range, (const uint8_t *) offsets->d_buf + (size_t) i * 8, 8);
      if (range[0] > range[1] || range[1] > text->d_size)
        goto done;
      if (!refused[i])
        {
          forms->form[i].bytes = bytes + range[0];
          forms->form[i].size = range[1] - range[0];
        }
    }
  result = 0;
done:
  if (elf)
    elf_end (elf);
  if (fd >= 0)
    close (fd);
  return result;
}

int
forms__assemble (struct forms *forms, struct why *why)
{
  char folder[] = "/tmp/aiopt-forms-XXXXXX";
  char source[PATH_SIZE], object[PATH_SIZE], errors[PATH_SIZE], command[4 * PATH_SIZE];
  bool *refused = ARENA_ARRAY (forms->arena, bool, forms->n);
  if (!mkdtemp (folder))
    return why__set (why, REASON_ASSEMBLE, "%s: %s", folder, strerror (errno));
  snprintf (source, sizeof source, "%s/a.s", folder);
  snprintf (object, sizeof object, "%s/a.o", folder);
  snprintf (errors, sizeof errors, "%s/errors", folder);
  snprintf (command, sizeof command, "LC_ALL=C as --64 -o %s %s 2> %s", object, source, errors);
  int result = -1;
  bool again = true;
  while (again)
    {
      again = false;
      if (write_source (forms, refused, source) != 0)
        break;
      if (system (command) == 0)
        result = read_object (forms, refused, object);
      else
        again = read_errors (forms, refused, errors) > 0;
    }
  unlink (source);
  unlink (object);
  unlink (errors);
  rmdir (folder);
  return result == 0 ? 0 : why__set (why, REASON_ASSEMBLE, "the list of forms can't be assembled");
}
