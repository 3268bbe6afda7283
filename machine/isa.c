/* Instruction-set features as bits: names, and what the host offers.
   The kernel's list in /proc/cpuinfo is used and not CPUID alone: a feature whose register state the
   kernel doesn't save is not on it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/isa.h"

#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct
{
  const char *name;    /* GCC's -m name */
  const char *cpuinfo; /* the kernel's */
} features[ISA_COUNT] = {
#define ISA(ID, GCC_FLAG, CPUINFO) { GCC_FLAG, CPUINFO },
#include "machine/isa.def"
#undef ISA
};

/* The features named in the blank-separated FLAGS[LENGTH] of /proc/cpuinfo.  */
static uint64_t
flags__scan (const char *flags, size_t length)
{
  uint64_t set = 0;
  for (size_t i = 0; i < length;)
    {
      size_t word = strcspn (flags + i, " \t\n");
      for (unsigned f = 0; f < ISA_COUNT; f++)
        if (strlen (features[f].cpuinfo) == word
            && memcmp (features[f].cpuinfo, flags + i, word) == 0)
          set |= UINT64_C (1) << f;
      i += word + 1;
    }
  return set;
}

uint64_t
isa__host (void)
{
  uint64_t set = ISA_BASELINE;
  FILE *file = fopen ("/proc/cpuinfo", "re");
  if (!file)
    return set;
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  while ((length = getline (&line, &size, file)) > 0)
    if (strncmp (line, "flags", 5) == 0)
      {
        const char *colon = strchr (line, ':');
        if (colon)
          set |= flags__scan (colon + 1, (size_t) (line + length - colon - 1));
        break;
      }
  free (line);
  fclose (file);
  return set;
}

const char *
isa__host_cpu (struct arena *arena)
{
  unsigned a, b, c, d, vendor[3];
  if (!__get_cpuid (0, &a, &vendor[0], &vendor[2], &vendor[1]))
    return "unknown";
  char name[13];
  memcpy (name, vendor, 12);
  name[12] = 0;
  for (char *p = name; *p; p++)
    if (*p <= ' ' || *p > '~' || *p == '-')
      *p = '_';
  if (!__get_cpuid (1, &a, &b, &c, &d))
    return arena__strdup (arena, name);
  unsigned family = (a >> 8) & 15, model = (a >> 4) & 15;
  if (family == 6 || family == 15)
    model |= ((a >> 16) & 15) << 4;
  if (family == 15)
    family += (a >> 20) & 255;
  return arena__printf (arena, "%s-%u-%u", name, family, model);
}

const char *
isa__print (struct arena *arena, uint64_t set)
{
  const char *text = "";
  for (unsigned f = 0; f < ISA_COUNT; f++)
    if (set >> f & 1)
      text = *text ? arena__printf (arena, "%s %s", text, features[f].name)
                   : arena__strdup (arena, features[f].name);
  return text;
}

int
isa__parse (const char *text, uint64_t *set)
{
  uint64_t bits = 0;
  while (*text)
    {
      size_t word = strcspn (text, " ");
      unsigned f = 0;
      while (word && f < ISA_COUNT
             && (strlen (features[f].name) != word || memcmp (features[f].name, text, word) != 0))
        f++;
      if (f == ISA_COUNT)
        return -1;
      if (word)
        bits |= UINT64_C (1) << f;
      text += word;
      text += *text == ' ';
    }
  *set = bits;
  return 0;
}
