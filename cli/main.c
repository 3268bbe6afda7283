/* `aiopt`: finds the subcommand and runs it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/cli.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *help;
} commands[] = {
  { "tune", cli_tune, "work the queue of collected functions" },
  { "record", cli_record, "record calls of hot functions from a program's run" },
  { "verify", cli_verify, "is a candidate the same function as the original?" },
  { "explain", cli_explain, "what became of a function: code, evidence, speed" },
  { "ab", cli_ab, "honest A/B timing of two programs" },
  { "cache", cli_cache, "the cache: stats, list, show, gc, check" },
  { "config", cli_config, "the settings, and where each comes from" },
  { "doctor", cli_doctor, "what works on this machine, what doesn't, and why" },
};

enum
{
  N_COMMANDS = sizeof commands / sizeof *commands
};

static void
help (FILE *stream)
{
  fprintf (
      stream,
      "Usage: aiopt COMMAND [OPTION...]\n"
      "Faster machine code for hot functions, verified: a policy proposes, the verifier decides,\n"
      "the cache remembers, the GCC plugin applies.\n\n");
  for (unsigned i = 0; i < N_COMMANDS; i++)
    fprintf (stream, "  %s%-8s%s %s\n", terminal__sgr (stream, COLOUR_BOLD), commands[i].name,
             terminal__sgr (stream, COLOUR_NONE), commands[i].help);
  fprintf (
      stream,
      "\n  -h, --help     this text; `aiopt COMMAND --help` for a command's options\n"
      "      --version  the version\n\n"
      "The cache is in $AIOPT_CACHE, else $XDG_CACHE_HOME/aiopt, else ~/.cache/aiopt.\n"
      "Settings come from files (`aiopt config path`), the environment and `aiopt tune --set`.\n"
      "Exit status: 0 success, 1 failure or \"no\", 64 wrong usage; a command may have more.\n");
}

int
main (int argc, char **argv)
{
  const char *name = argc > 1 ? argv[1] : NULL;
  if (!name)
    {
      help (stderr);
      return CLI_USAGE;
    }
  if (strcmp (name, "-h") == 0 || strcmp (name, "--help") == 0 || strcmp (name, "-?") == 0
      || strcmp (name, "help") == 0)
    {
      help (stdout);
      return CLI_OK;
    }
  if (strcmp (name, "--version") == 0 || strcmp (name, "-V") == 0)
    {
      printf ("aiopt %s\n", AIOPT_VERSION);
      return CLI_OK;
    }
  for (unsigned i = 0; i < N_COMMANDS; i++)
    if (strcmp (name, commands[i].name) == 0)
      {
        char full[64];
        snprintf (full, sizeof full, "aiopt %s", commands[i].name);
        argv[1] = full;
        int status = commands[i].run (argc - 1, argv + 1);
        if (fflush (stdout) != 0 && status == CLI_OK)
          status = cli__error (full, "writing the output failed");
        return status;
      }
  char list[256] = "";
  for (unsigned i = 0; i < N_COMMANDS; i++)
    strcat (strcat (list, i ? ", " : ""), commands[i].name);
  return cli__usage ("aiopt", "'%s' is no command; there are: %s", name, list);
}
