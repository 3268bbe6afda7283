/* What the parts of `aiopt ab` share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CLI_AB_H
#define AIOPT_CLI_AB_H

#include "bench/ab.h"
#include <stdio.h>

/* The command line of `aiopt ab`.  */
struct cli_ab
{
  struct ab_options ab;
  const char *json; /* file for JSON, "-" for standard output, or NULL */
  const char *csv, *markdown, *html; /* files for these, or NULL */
  bool relink;      /* the sides are link commands */
  bool runs_given, seconds_given;
  char **side[2];   /* A and B as given, NULL-terminated, in argv */
  char **arguments; /* with relink: the programs' arguments, NULL-terminated, in argv; or NULL */
};

/* Prints what was measured of AB, a line a metric with what it stands on, and why what isn't was not.  */
void ab__print_table (FILE *stream, const struct ab *ab);

/* Writes all of AB as JSON to OPTIONS->json.  0, or CLI_FAILED after a message.  */
int ab__write_json (const struct ab *ab, const struct cli_ab *options, const char *verdict);

#endif
