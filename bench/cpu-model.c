/* Which machine a figure is of.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/cpu-model.h"

#include <stdio.h>
#include <string.h>

bool
cpu__model (char *name, size_t size)
{
  char line[256];
  bool found = false;
  FILE *f = fopen ("/proc/cpuinfo", "re");
  while (f && !found && fgets (line, sizeof line, f))
    {
      const char *value = strncmp (line, "model name", 10) == 0 ? strstr (line, ": ") : NULL;
      found = value != NULL;
      line[strcspn (line, "\n")] = '\0';
      if (found)
        snprintf (name, size, "%s", value + 2);
    }
  if (f)
    fclose (f);
  return found;
}
