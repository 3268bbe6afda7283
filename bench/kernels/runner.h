/* The table that bench/run writes for the runner: every kernel in every build.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_RUNNER_H
#define AIOPT_RUNNER_H

#include "kernel.h"

enum { BUILDS_MAX = 16 };

struct runner_row
{
  const struct kernel *build[BUILDS_MAX]; /* [0] is the one that the others' results are compared with */
};

extern const unsigned runner_n_builds, runner_n_rows;
extern const char *const runner_build[]; /* names; the one named "aiopt" has to give the same results, bit by bit */
extern const struct runner_row runner_row[];

#endif
