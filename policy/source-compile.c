/* Compiling a source text that a policy wrote.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
source__compile (const struct region *region, const char *source, size_t source_length,
                 const struct arguments *extra, bool inline_all, double limit,
                 const volatile sig_atomic_t *stop, char **text, size_t *length, struct why *why)
{
  char *directory = directory__temporary ("aiopt-source-");
  if (!directory)
    return why__set (why, REASON_POLICY_FAILED, "no temporary folder could be made: %s",
                     strerror (errno));
  struct arena *arena = arena__new ();
  struct unit_options options;
  unit_options__sort (region, &options);
  const char *from = arena__printf (arena, "%s/candidate.%s", directory,
                                    region__is_cxx (region) ? "cc" : "c");
  const char *to = arena__printf (arena, "%s/candidate.s", directory);
  const char *errors = arena__printf (arena, "%s/errors", directory);
  struct arguments command = { 0 };
  arguments__add (&command, region__driver (region));
  arguments__add_all (&command, &options.cpp);
  arguments__add_all (&command, &options.gcc);
  if (region->isa_mode == ISA_MODE_BUILD)
    {
      arguments__add_all (&command, &options.isa);
      arguments__add_all (&command, &options.tune);
    }
  else
    arguments__add (&command, "-march=native");
  arguments__add (&command, "-O3");
  arguments__add (&command, "-ffp-contract=off");
  arguments__add (&command, "-fno-tree-loop-distribute-patterns");
  arguments__add_all (&command, extra);
  const char *slash = region->source ? strrchr (region->source, '/') : NULL;
  if (slash)
    {
      arguments__add (&command, "-iquote");
      arguments__add (&command, arena__strndup (arena, region->source, slash + (slash == region->source)
                                                                       - region->source));
    }
  if (!region->strict_aliasing)
    arguments__add (&command, "-fno-strict-aliasing");
  gcc__add_isolation (&command);
  if (inline_all)
    {
      static const char *const flags[] = {
        "-finline-functions", "-finline-functions-called-once", "-fno-semantic-interposition",
        "--param=max-inline-insns-single=100000", "--param=max-inline-insns-auto=100000",
        "--param=large-function-growth=10000", "--param=large-function-insns=100000",
        "--param=inline-unit-growth=10000", "--param=inline-min-speedup=0",
        "--param=early-inlining-insns=1000",
      };
      for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
        arguments__add (&command, flags[i]);
    }
  arguments__add (&command, "-fkeep-static-functions");
  arguments__add (&command, "-S");
  arguments__add (&command, "-o");
  arguments__add (&command, to);
  arguments__add (&command, "-x");
  arguments__add (&command, region__is_cxx (region) ? "c++" : "c");
  arguments__add (&command, from);
  int result = 0;
  if (file__write (from, source, source_length) < 0)
    result = why__set (why, REASON_POLICY_FAILED, "%.120s: %s", from, strerror (errno));
  /* Relative -I paths are the user's, so run where the user's compiler ran.  */
  struct process_options process = { .directory = region->directory,
                                     .errors = errors,
                                     .limit_seconds = limit,
                                     .stop = stop };
  if (result == 0)
    result = process__run (&command, &process, why);
  if (result < 0 && why && why->reason == REASON_POLICY_FAILED)
    {
      char *messages = file__read (errors, ERRORS_MAX, NULL);
      char *line = messages ? strstr (messages, "error: ") : NULL;
      if (line)
        {
          /* "candidate.c:3:5: error: …", without the folder that is gone when it is read.  */
          char *begin = line;
          while (begin > messages && begin[-1] != '\n' && begin[-1] != '/')
            begin--;
          why__set (why, REASON_COMPILE, "%.*s",
                    (int) (strcspn (begin, "\n") > 200 ? 200 : strcspn (begin, "\n")), begin);
        }
      free (messages);
    }
  if (result == 0)
    {
      *text = file__read (to, ASSEMBLER_TEXT_MAX, length);
      if (!*text)
        result = why__set (why, REASON_POLICY_FAILED, "the compiler left no assembler text");
    }
  arguments__free (&command);
  unit_options__free (&options);
  arena__free (arena);
  directory__remove (directory);
  free (directory);
  return result;
}
