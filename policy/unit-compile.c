/* Compiling a unit: <folder>/<unit>/ holds what it was preprocessed and compiled to.  A lock file beside each artefact makes the
   first who wants it make it, whether thread or process, and a rename makes it appear whole.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { COMPILE_SECONDS = 30 };

/* Runs COMMAND, which writes TEMPORARY, and renames that to PATH.  On failure, WHY gets the first
   error line.  */
static int
unit__make (const struct unit *unit, const struct arguments *command, const char *temporary,
            const char *path, double limit, struct why *why)
{
  const char *errors = arena__printf (unit->arena, "%s.errors", temporary);
  struct process_options options = { .directory = unit->region->directory,
                                     .errors = errors,
                                     .limit_seconds = limit,
                                     .stop = workshop__stop (unit->workshop) };
  int result = process__run (command, &options, why);
  if (result < 0 && why && why->reason == REASON_POLICY_FAILED)
    {
      char *text = file__read (errors, ERRORS_MAX, NULL);
      char *line = text ? strstr (text, "error: ") : NULL;
      if (line)
        why__set (why, REASON_SOURCE, "%.60s: %.*s", command->item[0],
                  (int) strcspn (line, "\n") > 150 ? 150 : (int) strcspn (line, "\n"), line);
      free (text);
    }
  unlink (errors);
  if (result == 0 && rename (temporary, path) != 0)
    result = why__set (why, REASON_POLICY_FAILED, "%.120s: %s", path, strerror (errno));
  if (result < 0)
    unlink (temporary);
  return result;
}

/* Takes the lock beside PATH.  The descriptor, or -1 and *WHY.  */
static int
unit__lock (const struct unit *unit, const char *path, double limit, struct why *why)
{
  const char *name = arena__printf (unit->arena, "%s.lock", path);
  int fd = open (name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return why__set (why, REASON_POLICY_FAILED, "%.120s: %s", name, strerror (errno));
  const volatile sig_atomic_t *flag = workshop__stop (unit->workshop);
  double deadline = clock__now () + limit;
  while (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      bool stop = flag && *flag;
      if (stop || clock__now () > deadline)
        {
          close (fd);
          return why__set (why, stop ? REASON_BUDGET : REASON_POLICY_TIMEOUT,
                           "waiting for another worker to compile the unit");
        }
      usleep (3000);
    }
  return fd;
}

/* Makes PATH with COMMAND (which writes PATH.tmp) unless it was made, or failed, before.  */
static int
unit__artefact (const struct unit *unit, const char *path, const struct arguments *command,
                double limit, struct why *why)
{
  if (access (path, R_OK) == 0)
    return 0;
  int lock = unit__lock (unit, path, limit, why);
  if (lock < 0)
    return -1;
  const char *failed = arena__printf (unit->arena, "%s.failed", path);
  char *message = NULL;
  int result;
  if (access (path, R_OK) == 0)
    result = 0;
  else if ((message = file__read (failed, 4096, NULL)))
    result = why__set (why, REASON_SOURCE, "%s", message);
  else
    {
      struct why local;
      const char *temporary = arena__printf (unit->arena, "%s.tmp", path);
      result = unit__make (unit, command, temporary, path, limit, &local);
      if (result < 0 && (local.reason == REASON_POLICY_FAILED || local.reason == REASON_SOURCE))
        file__write (failed, local.detail, strlen (local.detail));
      if (result < 0 && why)
        *why = local;
    }
  free (message);
  close (lock);
  return result;
}

/* Preprocesses the unit with GCC; *PATH is the result.  */
static int
unit__preprocess (const struct unit *unit, double limit, const char **path, struct why *why)
{
  const struct region *region = unit->region;
  *path = arena__printf (unit->arena, "%s/gcc.i", unit->directory);
  struct arguments command = { 0 };
  arguments__add (&command, region__driver (region));
  arguments__add_all (&command, &unit->options.cpp);
  arguments__add_all (&command, &unit->options.gcc);
  arguments__add_all (&command, &unit->options.isa);
  arguments__add (&command, unit->options.level);
  arguments__add (&command, "-w");
  arguments__add (&command, "-E");
  arguments__add (&command, "-o");
  arguments__add (&command, arena__printf (unit->arena, "%s.tmp", *path));
  arguments__add (&command, "-x");
  arguments__add (&command, region->language);
  arguments__add (&command, region->source);
  int result = unit__artefact (unit, *path, &command, limit, why);
  arguments__free (&command);
  return result;
}

/* What GCC predefines under the user's options: malloc'ed text, or NULL and *WHY.  */
static char *
unit__macros (const struct unit *unit, double limit, struct why *why)
{
  const char *path = arena__printf (unit->arena, "%s/macros", unit->directory);
  struct arguments command = { 0 };
  arguments__add (&command, region__driver (unit->region));
  arguments__add_all (&command, &unit->options.gcc);
  arguments__add (&command, "-dM");
  arguments__add (&command, "-E");
  arguments__add (&command, "-o");
  arguments__add (&command, arena__printf (unit->arena, "%s.tmp", path));
  arguments__add (&command, "-x");
  arguments__add (&command, "c");
  arguments__add (&command, "/dev/null");
  int result = unit__artefact (unit, path, &command, limit, why);
  arguments__free (&command);
  char *text = result == 0 ? file__read (path, 16 << 20, NULL) : NULL;
  if (result == 0 && !text)
    why__set (why, REASON_POLICY_FAILED, "%.120s can't be read", path);
  return text;
}

/* clang's input: GCC's preprocessed text where clang understands it, else what clang makes of the source
   with the user's preprocessor options; with a reference to a static function that has to stay.  */
static int
unit__clang_input (const struct unit *unit, const char *macros, double limit, const char **path,
                   struct why *why)
{
  const char *preprocessed;
  if (unit__preprocess (unit, limit, &preprocessed, why) < 0)
    return -1;
  *path = arena__printf (unit->arena, "%s/clang.i", unit->directory);
  if (access (*path, R_OK) == 0)
    return 0;

  struct arguments command = { 0 };
  unit__clang_common (unit, macros, &command);
  arguments__add (&command, "-fsyntax-only");
  arguments__add (&command, "-x");
  arguments__add (&command, region__is_cxx (unit->region) ? "c++-cpp-output" : "cpp-output");
  arguments__add (&command, preprocessed);
  struct process_options options = { .directory = unit->region->directory,
                                     .limit_seconds = limit,
                                     .stop = workshop__stop (unit->workshop) };
  const char *from = preprocessed;
  int result = process__run (&command, &options, why);
  arguments__free (&command);
  if (result < 0 && why->reason != REASON_POLICY_FAILED)
    return -1;
  if (result < 0)
    {
      from = arena__printf (unit->arena, "%s/clang-own.i", unit->directory);
      unit__clang_common (unit, macros, &command);
      arguments__add_all (&command, &unit->options.cpp);
      arguments__add_all (&command, &unit->options.isa);
      arguments__add (&command, unit->options.level);
      arguments__add (&command, "-E");
      arguments__add (&command, "-o");
      arguments__add (&command, arena__printf (unit->arena, "%s.tmp", from));
      arguments__add (&command, "-x");
      arguments__add (&command, unit->region->language);
      arguments__add (&command, unit->region->source);
      result = unit__artefact (unit, from, &command, limit, why);
      arguments__free (&command);
      if (result < 0)
        return -1;
    }
  size_t length;
  char *text = file__read (from, ASSEMBLER_TEXT_MAX, &length);
  if (!text)
    return why__set (why, REASON_POLICY_FAILED, "%.120s can't be read", from);
  char *whole = NULL;
  int n = unit->keep ? asprintf (&whole, "%s\nvoid *const volatile aiopt_keep_%s = (void *) %s;\n",
                                 text, unit->keep, unit->keep)
                     : asprintf (&whole, "%s", text);
  free (text);
  if (n < 0)
    return why__set (why, REASON_POLICY_FAILED, "out of memory");
  const char *temporary = arena__printf (unit->arena, "%s.%d.%p", *path, (int) getpid (),
                                         (const void *) unit);
  result = 0;
  if (file__write (temporary, whole, (size_t) n) < 0 || rename (temporary, *path) != 0)
    result = why__set (why, REASON_POLICY_FAILED, "%.120s: %s", *path, strerror (errno));
  free (whole);
  return result;
}

int
unit__compile (struct unit *unit, const struct variant *variant, double limit, char **text,
               size_t *length, struct why *why)
{
  if (limit <= 0 || limit > COMPILE_SECONDS)
    limit = COMPILE_SECONDS;
  struct arguments flags = { 0 }, command = { 0 };
  unsigned n_variants;
  bool patterns;
  if (!unit__variant_flags (unit, variant, &flags, &patterns))
    {
      arguments__free (&flags);
      return 0;
    }
  const char *path = arena__printf (unit->arena, "%s/%u.s", unit->directory,
                                    (unsigned) (variant - variant__all (&n_variants)));
  const char *temporary = arena__printf (unit->arena, "%s.tmp", path);
  const char *from;
  int result;
  if (variant->compiler == VARIANT_GCC)
    {
      result = unit__preprocess (unit, limit, &from, why);
      if (result == 0)
        {
          if (arguments__mention (&flags, "-fprofile-use"))
            arguments__add (&flags, "-Wno-coverage-mismatch");
          unit__gcc_command (unit, &flags, patterns, from, temporary, &command);
        }
    }
  else
    {
      char *macros = unit__macros (unit, limit, why);
      result = macros ? unit__clang_input (unit, macros, limit, &from, why) : -1;
      if (result == 0)
        unit__clang_command (unit, &flags, macros, from, temporary, &command);
      free (macros);
    }
  if (result == 0)
    result = unit__artefact (unit, path, &command, limit, why);
  arguments__free (&flags);
  arguments__free (&command);
  if (result < 0)
    return -1;
  *text = file__read (path, ASSEMBLER_TEXT_MAX, length);
  if (!*text)
    return why__set (why, REASON_POLICY_FAILED, "%.120s can't be read", path);
  return 1;
}
