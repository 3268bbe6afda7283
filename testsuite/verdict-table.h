/* Tables of verdicts: each function of a folder of case files against what compilers make of it at several levels.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERDICT_TABLE_H
#define AIOPT_VERDICT_TABLE_H

#include "testsuite/case-file.h"

struct variant
{
  const char *name;      /* column; "compiled/…" */
  const char *compiler;  /* NULL: the GCC under test */
  const char *flags;
};

struct pairs
{
  const char *title;
  const char *folder;          /* of case files, in the source tree */
  const char *original_flags;  /* the original is compiled so */
  bool own_candidates;         /* the cases' own candidates too */
  double budget;               /* seconds, default */
  unsigned n_variants;
  const struct variant *variant;
};

struct pairs_count
{
  unsigned pairs, level[VERDICT_PROVED + 1], broken;
  unsigned variant_pairs, variant_proved; /* of compilers' versions, without the cases' own candidates */
  unsigned functions, functions_all_proved;
  double median_seconds;       /* of all pairs */
  double median_proved_seconds;
};

/* Is --strict the first argument?  It is taken away then.  */
bool pairs__strict (int *argc, char ***argv);

/* Judges all pairs (options of the command line: --jobs, --budget, --only, --table), prints the table and the counts as
   TAP comments and a line for each function.  0, or -1 where nothing could be done.  */
int pairs__run (const struct pairs *pairs, int argc, char **argv, struct pairs_count *count);

#endif
