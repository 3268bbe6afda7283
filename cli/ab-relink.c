/* New layouts of a program from its objects.

   Where functions and data happen to lie can outweigh what an experiment is about (Mytkowicz,
   Diwan, Hauswirth & Sweeney, Producing Wrong Data Without Doing Anything Obviously Wrong, ASPLOS
   2009; Curtsinger & Berger, Stabilizer, ASPLOS 2013).  So the link command is run again and again,
   each time with
   - its objects in another order (what isn't an object stays where it is),
   - an object of random padding, code and data, before each of them,
   - where objects were compiled with -ffunction-sections and the linker knows INSERT in scripts
   (GNU ld and lld do), their functions in random order with padding between them. What depends on
   the order of objects (constructors in several units, the first of two weak definitions) can
   change with it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/ab-relink.h"

#include "machine/mix.h"
#include "policy/process.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum
{
  N_PADDINGS = 32,
  PADDING_STEP = 16,  /* bytes; functions begin at multiples of it anyway */
  PAGE_STEPS = 256,   /* padding of code and data: up to a page */
  FUNCTION_STEPS = 8, /* between functions: up to two cache lines */
  LINK_SECONDS = 600,
  ERRORS_MAX = 1 << 20
};

struct side
{
  char **line;      /* the link command, in the caller's hands */
  unsigned *object; /* indices of LINE that are objects */
  unsigned n_objects;
  char **section; /* names of sections with a function each */
  unsigned n_sections;
  char *program; /* where it is linked to */
  char **argv;   /* that, with the arguments */
};

struct relink
{
  struct side side[2];
  char *directory;
  char *padding[N_PADDINGS];
  bool padded;    /* they are there */
  bool no_script; /* the linker refused one */
  const volatile sig_atomic_t *stop;
};

/* A word of a link command that is an object file.  */
static bool
is_object (const char *word)
{
  const char *dot = strrchr (word, '.');
  return word[0] != '-' && dot && (strcmp (dot, ".o") == 0 || strcmp (dot, ".obj") == 0);
}

/* Can NAME stand in a linker script as it is, and does it hold one function?  */
static bool
is_function_section (const char *name)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$";
  return strncmp (name, ".text.", 6) == 0 && name[6] && name[strspn (name, plain)] == '\0';
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* Adds the function sections of object PATH to SIDE.  False where it is no object, with a message.
 */
static bool
add_sections (struct side *side, const char *path, char *error, size_t size)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    {
      snprintf (error, size, "'%.200s': %s", path, strerror (errno));
      return false;
    }
  Elf *elf = elf_begin (fd, ELF_C_READ, NULL);
  size_t names = 0;
  bool good = elf && elf_kind (elf) == ELF_K_ELF && elf_getshdrstrndx (elf, &names) == 0;
  if (!good)
    snprintf (error, size, "'%.200s' is no ELF object", path);
  for (Elf_Scn *scn = NULL; good && (scn = elf_nextscn (elf, scn)) != NULL;)
    {
      GElf_Shdr header;
      const char *name
          = gelf_getshdr (scn, &header) ? elf_strptr (elf, names, header.sh_name) : NULL;
      if (!name || !(header.sh_flags & SHF_EXECINSTR) || !is_function_section (name))
        continue;
      char **grown = realloc (side->section, (side->n_sections + 1) * sizeof *grown);
      if (grown)
        side->section = grown;
      if (!grown || !(grown[side->n_sections] = strdup (name)))
        {
          snprintf (error, size, "out of memory");
          good = false;
        }
      else
        side->n_sections++;
    }
  elf_end (elf);
  close (fd);
  return good;
}

/* Takes SIDE's line apart.  False after a message.  */
static bool
take_line (struct side *side, char **line, char *error, size_t size)
{
  unsigned n = 0;
  side->line = line;
  while (line[n])
    n++;
  side->object = calloc (n, sizeof *side->object);
  if (!side->object)
    return snprintf (error, size, "out of memory"), false;
  for (unsigned i = 1; i < n; i++)
    {
      if (strncmp (line[i], "-o", 2) == 0)
        {
          snprintf (error, size,
                    "'%.200s': expected a link command without -o, aiopt chooses the file",
                    line[i]);
          return false;
        }
      if (!is_object (line[i]))
        continue;
      side->object[side->n_objects++] = i;
      if (!add_sections (side, line[i], error, size))
        return false;
    }
  if (side->n_objects == 0)
    {
      snprintf (error, size, "'%.200s' with no object (*.o): expected CC OBJECTS... LIBRARIES...",
                line[0]);
      return false;
    }
  if (side->n_sections == 0)
    return true;
  qsort (side->section, side->n_sections, sizeof *side->section, by_name);
  unsigned kept = 1;
  for (unsigned i = 1; i < side->n_sections; i++)
    if (strcmp (side->section[i], side->section[kept - 1]) == 0)
      free (side->section[i]);
    else
      side->section[kept++] = side->section[i];
  side->n_sections = kept;
  return true;
}

/* "DIRECTORY/NAME", malloc'ed.  */
static char *
in_directory (const struct relink *relink, const char *name)
{
  char *path;
  return asprintf (&path, "%s/%s", relink->directory, name) < 0 ? NULL : path;
}

/* Runs ARGUMENTS; what the command wrote to standard error becomes ERROR.  0 or -1.  */
static int
command (const struct relink *relink, const struct arguments *arguments, char *error, size_t size)
{
  struct why why;
  char *errors = in_directory (relink, "errors"), *temporary = NULL;
  if (!errors || asprintf (&temporary, "TMPDIR=%s", relink->directory) < 0)
    {
      snprintf (error, size, "out of memory");
      free (errors);
      return -1;
    }
  /* A compiler that is killed by Ctrl-C leaves its temporary files: in our directory, then.  */
  struct arguments all = { 0 };
  arguments__add (&all, "env");
  arguments__add (&all, temporary);
  arguments__add_all (&all, arguments);
  struct process_options options
      = { .errors = errors, .limit_seconds = LINK_SECONDS, .stop = relink->stop };
  int result = process__run (&all, &options, &why);
  if (result != 0)
    {
      size_t length;
      char *text = file__read (errors, ERRORS_MAX, &length);
      snprintf (error, size, "%.600s", text && *text ? text : why.detail);
      for (char *c = error; *c; c++)
        if (*c == '\n')
          *c = c[1] ? ';' : '\0';
      free (text);
    }
  arguments__free (&all);
  free (temporary);
  free (errors);
  return result;
}

/* Makes the objects of padding, with the compiler and the machine options of A's line.  */
static int
make_paddings (struct relink *relink, char *error, size_t size)
{
  for (unsigned i = 0; i < N_PADDINGS; i++)
    {
      char name[32], text[400];
      snprintf (name, sizeof name, "padding-%u.o", i);
      relink->padding[i] = in_directory (relink, name);
      char *source = in_directory (relink, "padding.s");
      /* Sizes all over a page, code and data independent of each other (11 and 7 are coprime to
         32).  Code is retained, whatever --gc-sections finds unused.  */
      unsigned step = PAGE_STEPS / N_PADDINGS, fine = i * 3 % step;
      int length = snprintf (text, sizeof text,
                             "\t.section .text.aiopt_padding,\"axR\",@progbits\n\t.skip %u, 0xcc\n"
                             "\t.section .data.aiopt_padding,\"awR\",@progbits\n\t.skip %u\n"
                             "\t.section .bss.aiopt_padding,\"awR\",@nobits\n\t.skip %u\n"
                             "\t.section .note.GNU-stack,\"\",@progbits\n",
                             PADDING_STEP * (step * i + fine),
                             PADDING_STEP * (step * (i * 11 % N_PADDINGS) + fine),
                             PADDING_STEP * (step * (i * 7 % N_PADDINGS) + fine));
      struct arguments arguments = { 0 };
      char **line = relink->side[0].line;
      arguments__add (&arguments, line[0]);
      for (char **word = line + 1; *word; word++)
        if (strncmp (*word, "-m", 2) == 0 || strncmp (*word, "--target", 8) == 0)
          arguments__add (&arguments, *word);
      const char *const rest[] = { "-c", source, "-o", relink->padding[i] };
      for (unsigned k = 0; k < sizeof rest / sizeof *rest; k++)
        arguments__add (&arguments, rest[k]);
      int result = -1;
      if (!source || !relink->padding[i] || file__write (source, text, (size_t)length) != 0)
        snprintf (error, size, "writing padding to %s: %s", relink->directory, strerror (errno));
      else
        {
          result = command (relink, &arguments, error, size);
          unlink (source);
        }
      arguments__free (&arguments);
      free (source);
      if (result != 0)
        return -1;
    }
  return 0;
}

struct relink *
relink__new (char **const line[2], char **arguments, const volatile sig_atomic_t *stop, char *error,
             size_t size)
{
  struct relink *relink = calloc (1, sizeof *relink);
  if (!relink)
    return snprintf (error, size, "out of memory"), NULL;
  relink->stop = stop;
  elf_version (EV_CURRENT);
  unsigned n = 0;
  while (arguments && arguments[n])
    n++;
  bool good = true;
  for (unsigned i = 0; good && i < 2; i++)
    good = take_line (&relink->side[i], line[i], error, size);
  if (good && !(relink->directory = directory__temporary ("aiopt-relink-")))
    good = (snprintf (error, size, "making a directory: %s", strerror (errno)), false);
  for (unsigned i = 0; good && i < 2; i++)
    {
      struct side *side = &relink->side[i];
      side->program = in_directory (relink, i ? "b" : "a");
      side->argv = calloc (n + 2, sizeof *side->argv);
      if (!side->program || !side->argv)
        good = (snprintf (error, size, "out of memory"), false);
      else
        {
          side->argv[0] = side->program;
          for (unsigned k = 0; k < n; k++)
            side->argv[k + 1] = arguments[k];
        }
    }
  if (good)
    return relink;
  relink__free (relink);
  return NULL;
}

void
relink__free (struct relink *relink)
{
  if (!relink)
    return;
  for (unsigned i = 0; i < 2; i++)
    {
      struct side *side = &relink->side[i];
      for (unsigned k = 0; k < side->n_sections; k++)
        free (side->section[k]);
      free (side->section);
      free (side->object);
      free (side->program);
      free (side->argv);
    }
  for (unsigned i = 0; i < N_PADDINGS; i++)
    free (relink->padding[i]);
  if (relink->directory)
    directory__remove (relink->directory);
  free (relink->directory);
  free (relink);
}

char **
relink__argv (struct relink *relink, unsigned side)
{
  return relink->side[side].argv;
}

/* A random order of N things (Fisher & Yates), malloc'ed.  */
static unsigned *
shuffled (unsigned n, uint64_t *random)
{
  unsigned *order = malloc ((n ? n : 1) * sizeof *order);
  for (unsigned i = 0; order && i < n; i++)
    {
      unsigned k = (unsigned)(splitmix64 (random) % (i + 1));
      order[i] = order[k];
      order[k] = i;
    }
  return order;
}

/* Writes a linker script with SIDE's functions in random order.  Its path, malloc'ed, or NULL.  */
static char *
write_script (const struct relink *relink, const struct side *side, uint64_t *random)
{
  char *path = in_directory (relink, "order.ld");
  unsigned *order = shuffled (side->n_sections, random);
  FILE *f = path && order ? fopen (path, "we") : NULL;
  bool good = f != NULL;
  if (f)
    {
      fprintf (f, "SECTIONS\n{\n  .text.aiopt :\n  {\n");
      for (unsigned i = 0; i < side->n_sections; i++)
        fprintf (f, "    . += %u;\n    *(%s)\n",
                 PADDING_STEP * (unsigned)(splitmix64 (random) % FUNCTION_STEPS),
                 side->section[order[i]]);
      fprintf (f, "  }\n}\nINSERT BEFORE .text;\n");
      good = !ferror (f);
      good &= fclose (f) == 0;
    }
  free (order);
  if (good)
    return path;
  free (path);
  return NULL;
}

/* Links SIDE once.  0 or -1 as relink__layout.  */
static int
link_once (const struct relink *relink, const struct side *side, uint64_t random, bool script,
           char *error, size_t size)
{
  struct arguments arguments = { 0 };
  unsigned *order = shuffled (side->n_objects, &random), next = 0;
  char *fresh = in_directory (relink, "fresh"), *option = NULL, *path = NULL;
  int result = -1;
  for (unsigned i = 0; order && side->line[i]; i++)
    if (next < side->n_objects && side->object[next] == i)
      {
        arguments__add (&arguments, relink->padding[splitmix64 (&random) % N_PADDINGS]);
        arguments__add (&arguments, side->line[side->object[order[next++]]]);
      }
    else
      arguments__add (&arguments, side->line[i]);
  if (script && (path = write_script (relink, side, &random)) != NULL)
    {
      if (asprintf (&option, "-Wl,-T,%s", path) < 0)
        option = NULL;
      else
        arguments__add (&arguments, option);
    }
  arguments__add (&arguments, "-o");
  arguments__add (&arguments, fresh);
  if (!order || !fresh || (script && !option))
    snprintf (error, size, "preparing a link in %s: %s", relink->directory, strerror (errno));
  /* A new file each time: the old one may still be running in what it started.  */
  else if ((result = command (relink, &arguments, error, size)) == 0
           && rename (fresh, side->program) != 0)
    {
      snprintf (error, size, "renaming %s: %s", fresh, strerror (errno));
      result = -1;
    }
  arguments__free (&arguments);
  free (order);
  free (fresh);
  free (option);
  free (path);
  return result;
}

int
relink__layout (void *context, unsigned which, uint64_t seed, char *error, size_t size)
{
  struct relink *relink = context;
  const struct side *side = &relink->side[which];
  char why[800];
  if (!relink->padded && make_paddings (relink, error, size) != 0)
    return -1;
  relink->padded = true;
  if (!relink->no_script && side->n_sections > 1)
    {
      if (link_once (relink, side, seed, true, why, sizeof why) == 0)
        return 0;
      /* Refused for the script, or because it can't be linked at all: the link without tells.  */
      relink->no_script = !relink->stop || !*relink->stop;
    }
  if (link_once (relink, side, seed, false, why, sizeof why) == 0)
    return 0;
  snprintf (error, size, "linking %c: %s", "AB"[which], why);
  return -1;
}

bool
relink__by_function (const struct relink *relink)
{
  return !relink->no_script && relink->side[0].n_sections > 1 && relink->side[1].n_sections > 1;
}
