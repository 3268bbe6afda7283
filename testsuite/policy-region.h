/* A region for tests of policies: a source text compiled by the GCC in use.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TEST_POLICY_REGION_H
#define AIOPT_TEST_POLICY_REGION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "policy/process.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Writes SOURCE to DIRECTORY/NAME, compiles it with the NULL-terminated OPTIONS, and makes a region of FUNCTION.  */
static struct region *
test__region (struct arena *arena, const char *directory, const char *name, const char *source,
              const char *function, const char *const *options)
{
  const char *gcc = getenv ("AIOPT_GCC");
  struct region *region = ARENA_NEW (arena, struct region);
  const char *path = arena__printf (arena, "%s/%s", directory, name);
  const char *assembler = arena__printf (arena, "%s/%s.out.s", directory, name);
  assert_int_equal (file__write (path, source, strlen (source)), 0);
  struct arguments command = { 0 };
  arguments__add (&command, gcc ? gcc : "gcc");
  region->n_options = 0;
  while (options[region->n_options])
    arguments__add (&command, options[region->n_options++]);
  arguments__add (&command, "-S");
  arguments__add (&command, "-o");
  arguments__add (&command, assembler);
  arguments__add (&command, path);
  struct process_options run = { .directory = directory, .limit_seconds = 20 };
  struct why why = { 0 };
  if (process__run (&command, &run, &why) < 0)
    fail_msg ("%s", why.detail);
  arguments__free (&command);
  char *text = file__read (assembler, 1 << 24, NULL);
  assert_non_null (text);
  region->arena = arena;
  region->text = arena__strdup (arena, text);
  free (text);
  region->function = region->source_name = function;
  region->file = region->source = path;
  region->gcc = gcc ? gcc : "gcc";
  region->gcc_version = "test";
  region->directory = arena__strdup (arena, directory);
  region->language = strstr (name, ".cc") ? "c++" : "c";
  region->option = (const char **) options;
  region->isa = ISA_BASELINE;
  region->isa_mode = ISA_MODE_NATIVE;
  region->isa_allowed = isa__host ();
  region->cpu = "generic";
  region->strict_aliasing = true;
  return region;
}

#endif
