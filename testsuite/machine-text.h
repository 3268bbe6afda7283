/* What the tests of machine/'s text side share: a folder of their own, running tools, compiling.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TESTSUITE_MACHINE_TEXT_H
#define AIOPT_TESTSUITE_MACHINE_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A new folder under /tmp that remove_folder removes.  */
__attribute__ ((unused)) static char *
make_folder (void)
{
  char *folder = strdup ("/tmp/aiopt-test-XXXXXX");
  assert_non_null (mkdtemp (folder));
  return folder;
}

/* Runs a shell command; its exit status.  */
__attribute__ ((format (printf, 1, 2), unused)) static int
run (const char *format, ...)
{
  char command[4096];
  va_list args;
  va_start (args, format);
  vsnprintf (command, sizeof command, format, args);
  va_end (args);
  return system (command);
}

__attribute__ ((unused)) static void
remove_folder (char *folder)
{
  assert_int_equal (run ("rm -rf '%s'", folder), 0);
  free (folder);
}

__attribute__ ((unused)) static char *
read_text (const char *folder, const char *name)
{
  char path[512];
  snprintf (path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen (path, "r");
  if (!file)
    return NULL;
  char *text = NULL;
  size_t size = 0;
  ssize_t length = getdelim (&text, &size, '\0', file);
  fclose (file);
  if (length < 0)
    {
      free (text);
      return strdup ("");
    }
  return text;
}

__attribute__ ((unused)) static void
write_text (const char *folder, const char *name, const char *text)
{
  char path[512];
  snprintf (path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen (path, "w");
  assert_non_null (file);
  fputs (text, file);
  assert_int_equal (fclose (file), 0);
}

__attribute__ ((unused)) static const char *
tool (const char *variable, const char *otherwise)
{
  const char *name = getenv (variable);
  return name && *name ? name : otherwise;
}

/* SOURCE in FOLDER compiled to assembler with FLAGS by COMPILER; NULL where it can't.  */
__attribute__ ((unused)) static char *
compile (const char *compiler, const char *folder, const char *source, const char *flags)
{
  if (run ("cd '%s' && %s %s -S %s -o out.s >log 2>&1", folder, compiler, flags, source) != 0)
    return NULL;
  return read_text (folder, "out.s");
}

#endif
