/* What a run of the benchmark found: times of every kernel in every build, and what aiopt did to it.
   Speed-ups are old time over new time: above 1, the second build is faster.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_RUN_RESULT_H
#define AIOPT_RUN_RESULT_H

#include "bench/statistics.h"
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

enum
{
  RUN_BUILDS_MAX = 16,
  RUN_SIZES_MAX = 8
};

struct run_build
{
  const char *name, *command, *version;
};

struct run_timing
{
  double seconds[RUN_SIZES_MAX];      /* median of a run */
  struct interval over_o2;            /* -O2's time over this build's: geometric mean over the sizes */
  double over_o2_by_size[RUN_SIZES_MAX];
  const char *result;                 /* "equal" to -O2's, "rounded" (floating point alone), "different" */
};

struct run_kernel
{
  const char *name, *field;
  unsigned n_sizes;
  double size[RUN_SIZES_MAX];
  struct run_timing build[RUN_BUILDS_MAX];
  struct interval aiopt_over[RUN_BUILDS_MAX]; /* this build's time over aiopt's */
  unsigned best;                              /* the compiler's build with the least time; an index of builds */
  struct interval aiopt_over_best;
  bool rewritten;
  const char *verdict;        /* of the rewrite, or "" */
  const char *reason, *detail; /* why it was left alone, or "" */
  bool timed_again;           /* the times are a second run's: in the first, which was `first`, it seemed slower than -O2 */
  struct interval first;      /* aiopt over -O2 */
  unsigned tried;             /* candidates */
  double tune_seconds;
};

/* Kernels of one field, or all.  */
struct run_group
{
  const char *field;
  unsigned n;
  struct interval over_o2[RUN_BUILDS_MAX]; /* geometric means over kernels, intervals from resampling kernels */
  struct interval aiopt_over[RUN_BUILDS_MAX], aiopt_over_best;
};

struct run_count
{
  unsigned faster, equal, slower;
};

struct run_result
{
  unsigned n_builds, n_kernels, n_groups;
  struct run_build build[RUN_BUILDS_MAX];
  unsigned o2, again, aiopt; /* builds with these names */
  struct run_kernel *kernel;
  struct run_group *group;   /* the last one holds all kernels */
  double noise;              /* what 95 % of the kernels' A/A ratios stay below, less 1 */
  double tune_seconds, budget;
  unsigned jobs;             /* functions tuned at a time */
  unsigned tried, n_rewritten, n_wrong;
  const char *version, *commit, *policy, *cpu, *kernel_version, *date;
  unsigned cores;
  double load;               /* running programs, mean of the last minute, when the report was made */
  cJSON *source[3];          /* own the strings */
};

/* Works out everything from the runner's TIMES, those of a second run that takes the place of the first for some kernels, AGAIN
   (or NULL), `aiopt tune --json`'s TUNE, and two tables (bench/run) of builds and of facts of the run.  False, and a line on standard
   error that names what is wrong.  run_result__free either way.  */
bool run_result__load (struct run_result *result, const char *times, const char *again, const char *tune, const char *builds,
                       const char *run);
void run_result__free (struct run_result *result);

/* How aiopt fares against build B, or against the best of all where B is n_builds: by the kernels' intervals, which
   have to lie beyond 1 by the factor 1 + MARGIN to count.  */
struct run_count run_result__count (const struct run_result *result, unsigned b, double margin);

/* Is KERNEL's rewrite slower than -O2, by its interval?  */
bool run_result__is_slower (const struct run_result *result, const struct run_kernel *kernel);

/* Is build B one that aiopt is held against: neither aiopt nor the second -O2?  */
bool run_result__is_compiler (const struct run_result *result, unsigned b);

cJSON *run_result__json (const struct run_result *result);
/* COLUMNS: 80 or more; wide ones get more columns.  */
void run_result__print_table (const struct run_result *result, FILE *f, unsigned columns);
void run_result__print_picture (const struct run_result *result, FILE *f);

#endif
