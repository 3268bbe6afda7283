/* Compiling a source text that a policy wrote.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/fallback.h"
#include "policy/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A function takes GCC well below 1 GiB; templates and macros that double take all there is.  */
#define MEMORY_MAX ((size_t) 4 << 30)
#define FILE_MAX ((size_t) 64 << 20)

/* Adds OPTIONS but for those that say how the source is to be read.  */
static void
arguments__add_meaning (struct arguments *command, const struct arguments *options)
{
  for (unsigned i = 0; i < options->n; i++)
    if (!option__is_dialect (options->item[i]))
      arguments__add (command, options->item[i]);
}

/* Adds what makes the compiler inline whatever it can.  */
static void
arguments__add_inlining (struct arguments *command)
{
  static const char *const flags[] = {
    "-finline-functions", "-finline-functions-called-once", "-fno-semantic-interposition",
    "--param=max-inline-insns-single=100000", "--param=max-inline-insns-auto=100000",
    "--param=large-function-growth=10000", "--param=large-function-insns=100000",
    "--param=inline-unit-growth=10000", "--param=inline-min-speedup=0",
    "--param=early-inlining-insns=1000",
  };
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
    arguments__add (command, flags[i]);
}

/* The command that compiles FROM to TO; FALLBACK: the text mentions the original.  Words live in ARENA.  */
static void
source__command (const struct region *region, const struct unit_options *options, const struct source_options *how,
                 bool fallback, struct arena *arena, const char *from, const char *to, struct arguments *command)
{
  bool cxx = region__is_cxx (region);
  arguments__add (command, region__driver (region));
  if (how->alone)
    {
      arguments__add (command, cxx ? "-std=gnu++20" : "-std=gnu17");
      arguments__add_meaning (command, &options->gcc);
    }
  else
    {
      arguments__add_all (command, &options->cpp);
      arguments__add_all (command, &options->gcc);
    }
  if (region->isa_mode == ISA_MODE_BUILD)
    {
      arguments__add_all (command, &options->isa);
      arguments__add_all (command, &options->tune);
    }
  else
    arguments__add (command, "-march=native");
  arguments__add (command, "-O3");
  arguments__add (command, "-ffp-contract=off");
  arguments__add (command, "-fno-tree-loop-distribute-patterns");
  arguments__add_all (command, how->extra);
  const char *slash = region->source && !how->alone ? strrchr (region->source, '/') : NULL;
  if (slash)
    {
      arguments__add (command, "-iquote");
      arguments__add (command, arena__strndup (arena, region->source, slash + (slash == region->source) - region->source));
    }
  if (!region->strict_aliasing)
    arguments__add (command, "-fno-strict-aliasing");
  gcc__add_isolation (command);
  /* A function nobody declared would be taken to return int and be called with whatever is passed; that of a model's, and the
     original, are not meant so.  */
  if (!cxx && (how->alone || fallback))
    arguments__add (command, "-Werror=implicit-function-declaration");
  else
    arguments__add (command, "-w");
  if (fallback)
    arguments__add (command, "-foptimize-sibling-calls");
  arguments__add (command, "-fmax-errors=3");
  arguments__add (command, "-fno-diagnostics-show-caret");
  if (how->inline_all)
    arguments__add_inlining (command);
  arguments__add (command, "-fkeep-static-functions");
  arguments__add (command, "-S");
  arguments__add (command, "-o");
  arguments__add (command, to);
  arguments__add (command, "-x");
  arguments__add (command, cxx ? "c++" : "c");
  arguments__add (command, from);
}

/* The first error among the compiler's messages in file ERRORS, as *WHY: "candidate.c:3:5: error: …", without the folder that is
   gone when it is read.  */
static void
errors__first (const char *errors, struct why *why)
{
  char *messages = file__read (errors, ERRORS_MAX, NULL);
  char *line = messages ? strstr (messages, "error: ") : NULL;
  if (line)
    {
      char *begin = line;
      while (begin > messages && begin[-1] != '\n' && begin[-1] != '/')
        begin--;
      size_t length = strcspn (begin, "\n");
      why__set (why, REASON_COMPILE, "%.*s", (int) (length > 200 ? 200 : length), begin);
    }
  else if (messages && strstr (messages, "out of memory"))
    why__set (why, REASON_COMPILE, "the compiler needs more than %zu MiB of memory", MEMORY_MAX >> 20);
  free (messages);
}

int
source__compile (const struct region *region, const char *source, size_t source_length, const struct source_options *how,
                 char **text, size_t *length, struct why *why)
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
  bool fallback = memmem (source, source_length, FALLBACK_NAME, strlen (FALLBACK_NAME)) != NULL;
  source__command (region, &options, how, fallback, arena, from, to, &command);
  int result = 0;
  if (file__write (from, source, source_length) < 0)
    result = why__set (why, REASON_POLICY_FAILED, "%.120s: %s", from, strerror (errno));
  struct process_limits limits = { .memory = MEMORY_MAX, .file = FILE_MAX,
                                   .seconds = how->limit_seconds > 0 ? (unsigned) how->limit_seconds + 2 : 0 };
  /* Relative -I paths are the user's, so run where the user's compiler ran.  */
  struct process_options process = { .directory = region->directory,
                                     .errors = errors,
                                     .limit_seconds = how->limit_seconds,
                                     .stop = how->stop,
                                     .limits = &limits,
                                     .no_user_headers = how->alone };
  if (result == 0)
    result = process__run (&command, &process, why);
  if (result < 0 && why && why->reason == REASON_POLICY_FAILED)
    errors__first (errors, why);
  if (result == 0)
    {
      *text = file__read (to, FILE_MAX, length);
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
