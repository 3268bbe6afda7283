/* `aiopt record -- PROGRAM ARGS`: states of hot functions from the user's own run, for verifying
   and measuring. Each recorded call is run once in the sandbox: what the original doesn't end
   cleanly on there is no use to anyone, and isn't kept.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "record/record.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "verify/verify.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum
{
  FUNCTIONS_MAX = 64,
  TARGETS_MAX = 4096
};
enum
{
  EXIT_NOT_STARTED = 127
};

struct record_arguments
{
  const char *cache, *report;
  const char *function[FUNCTIONS_MAX];
  unsigned n_functions;
  double samples, seconds, steps, pid;
  bool add, libraries, quiet;
  char **program; /* after "--", NULL at its end */
};

enum
{
  KEY_FUNCTION = 256,
  KEY_SAMPLES,
  KEY_SECONDS,
  KEY_STEPS,
  KEY_PID,
  KEY_ADD,
  KEY_LIBRARIES,
  KEY_REPORT
};

static const struct argp_option option_table[] = {
  { "cache", 'C', "DIR", 0, "use the cache in DIR", 0 },
  { "function", KEY_FUNCTION, "NAME", 0,
    "record only this function (a shell pattern of its name; may be given more than once)", 0 },
  { "samples", KEY_SAMPLES, "N", 0, "record at most N calls of a function (default 64)", 0 },
  { "seconds", KEY_SECONDS, "S", 0, "hold the program up for at most S seconds in all (default 20)",
    0 },
  { "steps", KEY_STEPS, "N", 0, "leave calls of more than N instructions out (default 20000)", 0 },
  { "pid", KEY_PID, "PID", 0,
    "attach to a running program; until enough is recorded, it ends, or Ctrl-C", 0 },
  { "add", KEY_ADD, NULL, 0, "keep what earlier runs recorded", 0 },
  { "libraries", KEY_LIBRARIES, NULL, 0,
    "the functions are in shared objects, or in programs that PROGRAM starts: it needs no symbols "
    "itself",
    0 },
  { "report", KEY_REPORT, "FILE", 0, "write what was recorded as JSON", 0 },
  { "quiet", 'q', NULL, 0, "print nothing but errors", 0 },
  { 0 },
};

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct record_arguments *arguments = state->input;
  switch (key)
    {
    case 'C':
      arguments->cache = argument;
      return 0;
    case KEY_FUNCTION:
      if (arguments->n_functions == FUNCTIONS_MAX)
        argp_error (state, "--function: at most %d", FUNCTIONS_MAX);
      else
        arguments->function[arguments->n_functions++] = argument;
      return 0;
    case KEY_SAMPLES:
      if (cli__number (argument, 1, 1000, &arguments->samples) < 0)
        argp_error (state, "--samples wants a number from 1 to 1000, not '%s'", argument);
      return 0;
    case KEY_SECONDS:
      if (cli__number (argument, 0.01, 86400, &arguments->seconds) < 0)
        argp_error (state, "--seconds wants seconds from 0.01 to 86400, not '%s'", argument);
      return 0;
    case KEY_STEPS:
      if (cli__number (argument, 10, 1e8, &arguments->steps) < 0)
        argp_error (state, "--steps wants a number from 10, not '%s'", argument);
      return 0;
    case KEY_PID:
      if (cli__number (argument, 1, INT_MAX, &arguments->pid) < 0)
        argp_error (state, "--pid wants a process's number, not '%s'", argument);
      return 0;
    case KEY_ADD:
      arguments->add = true;
      return 0;
    case KEY_LIBRARIES:
      arguments->libraries = true;
      return 0;
    case KEY_REPORT:
      arguments->report = argument;
      return 0;
    case 'q':
      arguments->quiet = true;
      return 0;
    case ARGP_KEY_ARG:
      argp_error (state, "unexpected argument '%s'; the program comes after --", argument);
      return 0;
    case ARGP_KEY_END:
      if (!arguments->program && !arguments->pid)
        argp_error (state, "record what? expected -- PROGRAM [ARGUMENT...], or --pid PID");
      if (arguments->program && arguments->pid)
        argp_error (state, "either a program or --pid");
      return 0;
    }
  return ARGP_ERR_UNKNOWN;
}

static const struct argp record_argp
    = { option_table,
        parse,
        "-- PROGRAM [ARGUMENT...]\n--pid PID",
        "Records calls of the functions that the cache knows, as PROGRAM makes them: registers, "
        "and exactly the memory that "
        "a call touches.  `aiopt tune` then verifies and measures on them.\v"
        "PROGRAM needs no special build, only symbols; it may have been built with aiopt or "
        "without.  It is watched with "
        "ptrace; its output, signals and exit status are its own.  What is recorded is data of the "
        "program's, and stays in the "
        "cache.\n\n"
        "Exit status: PROGRAM's (128 + N where signal N ended it; 0 with --pid); 1 where nothing "
        "could be recorded before it was started, "
        "127 where it can't be started, 64 wrong usage.",
        NULL,
        NULL,
        NULL };

/* What is known of the functions.  */
struct targets
{
  const struct record_arguments *arguments;
  struct arena *arena;
  unsigned n;
  struct record_target *target;
  unsigned *kept; /* states of each that went into the cache */
  char (*key)[65];
};

static bool
add_target (void *context, const char *key, const char *json)
{
  struct targets *targets = context;
  struct region *region;
  struct why why;
  if (region__from_json (targets->arena, json, &region, &why))
    return true;
  bool wanted = targets->arguments->n_functions == 0;
  for (unsigned i = 0; i < targets->arguments->n_functions && !wanted; i++)
    wanted = fnmatch (targets->arguments->function[i], region->function, 0) == 0
             || (region->source_name
                 && fnmatch (targets->arguments->function[i], region->source_name, 0) == 0);
  if (!wanted)
    return true;
  snprintf (targets->key[targets->n], sizeof *targets->key, "%s", key);
  snprintf (region->key, sizeof region->key, "%s", key);
  targets->target[targets->n++].region = region;
  return targets->n < TARGETS_MAX;
}

/* PROGRAM as execvp will find it, malloc'ed, or NULL.  */
static char *
program__find (const char *program)
{
  if (strchr (program, '/'))
    return access (program, X_OK) == 0 ? strdup (program) : NULL;
  const char *path = getenv ("PATH");
  for (const char *at = path && *path ? path : "/bin:/usr/bin"; *at;)
    {
      size_t length = strcspn (at, ":");
      char *full;
      if (asprintf (&full, "%.*s%s%s", (int)length, at, length ? "/" : "", program) < 0)
        return NULL;
      if (access (full, X_OK) == 0)
        return full;
      free (full);
      at += length + (at[length] == ':');
    }
  return NULL;
}

static bool
is_script (const char *path)
{
  char magic[4] = { 0 };
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read (fd, magic, sizeof magic) : 0;
  if (fd >= 0)
    close (fd);
  return n >= 2 && memcmp (magic, "\177ELF", 4) != 0;
}

/* Turns TARGET's samples into the states that are kept: those on which the original ends cleanly,
   each once.  0, or -1 and *WHY.  */
static int
target__keep (struct cache *cache, const struct record_arguments *arguments,
              struct record_target *target, const char *key, unsigned *kept, struct why *why)
{
  struct verifier *verifier;
  struct verify_options options = { .budget_seconds = 1 };
  if (!target->n_samples)
    return 0;
  if (verifier__open (target->region, &options, &verifier, why) < 0)
    {
      target->n_dropped += target->n_samples;
      target->dropped = *why;
      return 0;
    }
  char **json = calloc (target->n_samples, sizeof *json);
  unsigned n = 0;
  if (!json)
    abort ();
  for (unsigned i = 0; i < target->n_samples; i++)
    {
      struct arena *arena = arena__new ();
      struct test test;
      struct why not = { 0 };
      char *text = NULL;
      if (states__try (verifier__states (verifier), target->sample[i], arena, &test, &not ) > 0)
        text = recorded__to_json (target->sample[i]);
      else
        {
          target->n_dropped++;
          target->dropped = not ;
        }
      arena__free (arena);
      for (unsigned k = 0; text && k < n; k++)
        if (strcmp (json[k], text) == 0)
          {
            free (text);
            text = NULL;
          }
      if (text)
        json[n++] = text;
    }
  verifier__close (verifier);
  int stored
      = n ? recorded__put (cache, key, (const char *const *)json, n, arguments->add, why) : 0;
  for (unsigned i = 0; i < n; i++)
    free (json[i]);
  free (json);
  *kept = stored > 0 ? (unsigned)stored : 0;
  return stored < 0 ? -1 : 0;
}

static void
write_report (const struct targets *targets, const struct record_result *result)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddNumberToObject (json, "held_seconds", result->held_seconds);
  cJSON_AddBoolToObject (json, "out_of_time", result->out_of_time);
  cJSON_AddNumberToObject (json, "programs", result->processes);
  cJSON *list = cJSON_AddArrayToObject (json, "functions");
  for (unsigned i = 0; i < targets->n; i++)
    {
      const struct record_target *target = &targets->target[i];
      cJSON *item = cJSON_CreateObject ();
      cJSON_AddStringToObject (item, "key", targets->key[i]);
      cJSON_AddStringToObject (item, "function", target->region->function);
      cJSON_AddBoolToObject (item, "found", target->places > 0);
      cJSON_AddNumberToObject (item, "calls_seen", (double)target->calls);
      cJSON_AddNumberToObject (item, "recorded", target->n_samples);
      cJSON_AddNumberToObject (item, "kept", targets->kept[i]);
      cJSON_AddNumberToObject (item, "dropped", target->n_dropped);
      if (target->n_dropped)
        {
          cJSON_AddStringToObject (item, "reason", reason__slug (target->dropped.reason));
          cJSON_AddStringToObject (item, "detail", target->dropped.detail);
        }
      cJSON_AddItemToArray (list, item);
    }
  char *text = cJSON_Print (json);
  cJSON_Delete (json);
  FILE *file = fopen (targets->arguments->report, "we");
  if (!file || fprintf (file, "%s\n", text) < 0 || fclose (file))
    cli__error ("aiopt record", "%s: %s", targets->arguments->report, strerror (errno));
  free (text);
}

/* What was recorded, for people; the program's own output is on standard output.  */
static void
print_summary (const struct targets *targets, const struct record_result *result)
{
  unsigned found = 0, total = 0;
  fflush (stdout);
  for (unsigned i = 0; i < targets->n; i++)
    {
      const struct record_target *target = &targets->target[i];
      found += target->places > 0;
      total += targets->kept[i];
      if (!target->places || targets->arguments->quiet)
        continue;
      fprintf (stderr, "aiopt record: %s%s%s: ", terminal__sgr (stderr, COLOUR_BOLD),
               target->region->function, terminal__sgr (stderr, COLOUR_NONE));
      if (!target->calls)
        fprintf (stderr, "found, but not called (GCC may have inlined it)");
      else
        fprintf (stderr, "%u states kept", targets->kept[i]);
      if (target->n_dropped)
        {
          fprintf (stderr, "; %u calls left out, the last because: %s%s", target->n_dropped,
                   reason__text (target->dropped.reason), target->dropped.detail[0] ? ": " : "");
          terminal__print (stderr, target->dropped.detail, 0);
        }
      fputc ('\n', stderr);
    }
  if (!found)
    cli__error ("aiopt record",
                "none of the cache's %u functions was found in what was run: are these the "
                "programs that were built "
                "with it, and not stripped?",
                targets->n);
  else if (result->out_of_time && !targets->arguments->quiet)
    fprintf (stderr, "aiopt record: stopped recording after %.1f s; --seconds allows more\n",
             result->held_seconds);
  if (found && !targets->arguments->quiet && total)
    fprintf (stderr,
             "aiopt record: %u states in the cache; `aiopt tune` verifies and measures on them\n",
             total);
}

/* Can the program be recorded at all?  CLI_OK, or a status after a message.  */
static int
check_program (const struct targets *targets, const char *program)
{
  char *path = program__find (program);
  struct why why = { 0 };
  int status = CLI_OK;
  if (!path)
    {
      cli__error ("aiopt record", "%s: no such program", program);
      return EXIT_NOT_STARTED;
    }
  if (!targets->arguments->libraries && !is_script (path)
      && recorder__look (path, targets->target, targets->n, &why) < 0)
    status = cli__error ("aiopt record", "%s; --libraries where they are in its shared objects",
                         why.detail);
  free (path);
  return status;
}

int
cli_record (int argc, char **argv)
{
  struct record_arguments arguments = { .samples = 64, .seconds = 20, .steps = 20000 };
  int own = argc;
  for (int i = 1; i < argc && own == argc; i++)
    if (strcmp (argv[i], "--") == 0)
      own = i;
  if (own + 1 < argc)
    arguments.program = argv + own + 1;
  argp_parse (&record_argp, own, argv, 0, NULL, &arguments);

  struct cache *cache;
  int status = cli__open_cache ("aiopt record", arguments.cache, CACHE_WRITE, &cache);
  if (status != CLI_OK)
    return status;
  struct targets targets = { .arguments = &arguments, .arena = arena__new () };
  targets.target = ARENA_ARRAY (targets.arena, struct record_target, TARGETS_MAX);
  targets.kept = ARENA_ARRAY (targets.arena, unsigned, TARGETS_MAX);
  targets.key = arena__alloc (targets.arena, TARGETS_MAX * sizeof *targets.key);
  struct why why = { 0 };
  if (region__each (cache, add_target, &targets, &why))
    status = cli__error ("aiopt record", "%s", why.detail);
  else if (!targets.n)
    status = cli__error (
        "aiopt record",
        arguments.n_functions
            ? "the cache knows no such function; `aiopt cache list` shows what it knows"
            : "the cache knows no functions yet: build the program with -fplugin=aiopt.so "
              "and mark functions hot first");
  else if (arguments.program)
    status = check_program (&targets, arguments.program[0]);
  /* Nobody else should wait for this handle while the program runs.  */
  cache__close (cache);
  struct record_result result;
  if (status == CLI_OK)
    {
      struct record_options options = { .argv = arguments.program,
                                        .pid = (pid_t)arguments.pid,
                                        .samples_max = (unsigned)arguments.samples,
                                        .seconds = arguments.seconds,
                                        .steps_max = (unsigned)arguments.steps };
      if (recorder__run (&options, targets.target, targets.n, targets.arena, &result, &why) < 0)
        {
          cli__error ("aiopt record", "%s", why.detail);
          status = EXIT_NOT_STARTED;
        }
      else if (cli__open_cache ("aiopt record", arguments.cache, CACHE_WRITE, &cache) == CLI_OK)
        {
          for (unsigned i = 0; i < targets.n; i++)
            if (target__keep (cache, &arguments, &targets.target[i], targets.key[i],
                              &targets.kept[i], &why)
                < 0)
              cli__error ("aiopt record", "%s", why.detail);
          cache__close (cache);
          print_summary (&targets, &result);
          if (arguments.report)
            write_report (&targets, &result);
        }
      if (status == CLI_OK && !arguments.pid)
        status = WIFSIGNALED (result.status) ? 128 + WTERMSIG (result.status)
                                             : WEXITSTATUS (result.status);
    }
  arena__free (targets.arena);
  return status;
}
