/* The subcommands of `aiopt` and what they share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CLI_H
#define AIOPT_CLI_H

#include "cache/cache.h"
#include <stdbool.h>

/* Exit statuses: EX_USAGE of sysexits.h for wrong usage, 1 for "no" or a failure that was reported.  A helper of a build's has nobody
   who reads its messages; where a setting is wrong it ends with EX_CONFIG, which the plugin knows.  */
enum
{
  CLI_OK = 0,
  CLI_FAILED = 1,
  CLI_USAGE = 64,
  CLI_CONFIG = 78
};

/* One function a subcommand.  ARGV[0] is "aiopt NAME"; returns the exit status.  */
int cli_tune (int argc, char **argv);
int cli_record (int argc, char **argv);
int cli_verify (int argc, char **argv);
int cli_explain (int argc, char **argv);
int cli_ab (int argc, char **argv);
int cli_cache (int argc, char **argv);
int cli_config (int argc, char **argv);
int cli_doctor (int argc, char **argv);

/* Prints "COMMAND: message" to standard error and returns CLI_FAILED (or CLI_USAGE, with a pointer
 * to --help).  */
int cli__error (const char *command, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
int cli__usage (const char *command, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Reads TEXT as a number within LOW..HIGH.  0, or -1 where it isn't one.  */
int cli__number (const char *text, double low, double high, double *number);

/* Opens the cache in DIRECTORY (NULL: the default).  0, or CLI_FAILED after an error message.  */
int cli__open_cache (const char *command, const char *directory, enum cache_mode mode,
                     struct cache **cache);

/* The states recorded for KEY, in ARENA, *N of them; damaged ones are left out.  */
struct arena;
struct recorded;
const struct recorded *const *cli__recorded (struct cache *cache, const char *key, struct arena *arena, unsigned *n);

/* What the proof in PROOF (JSON, of a verdict's evidence; may be NULL) came to, as a line for people.  Malloc'ed; NULL where there
   was none.  */
struct cJSON;
char *cli__proof (const struct cJSON *proof);

/* "just now", "3 minutes", "2 days": SECONDS for people, into BUFFER.  */
const char *cli__age (double seconds, char buffer[32]);

#endif
