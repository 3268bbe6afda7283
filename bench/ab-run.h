/* One run of one side of an A/B experiment; private to ab.c.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_AB_RUN_H
#define AIOPT_AB_RUN_H

#include "bench/ab.h"

enum
{
  AB_ENVIRONMENT_MAX = 4096 /* a page: all positions of the stack that matter */
};

/* What outlives a run.  */
struct session
{
  const struct ab_options *options;
  struct ab *ab;
  char **argv[2];
  struct counters *counters;
  int null;
  int expected; /* what A's first run wrote, or -1 */
  int output, errors;
  bool differs; /* the last run failed by its output */
  double begin; /* of the last run, session__now () */
  double delay; /* of the last run: seconds in which other programs had the CPU that it was ready
                   for */
  double own_delay; /* of the last run: the same of ourselves */
};

/* 0, or -1 and ab->error; session__close either way.  */
int session__open (struct session *session, char **const argv[2], const struct ab_options *options,
                   struct ab *ab);
void session__close (struct session *session);

/* CLOCK_MONOTONIC_RAW, seconds.  */
double session__now (void);

/* Runs SIDE once, with ENVIRONMENT (at most AB_ENVIRONMENT_MAX) bytes more in its environment.  0
   and VALUE[AB_METRICS_MAX], 1 where interrupted, -1 and ab->error.  */
int session__run (struct session *session, unsigned side, unsigned environment, double *value);

/* After a run of B failed by its output: perhaps A's own differs too, from run to run, which is
 * another error.  */
void session__blame (struct session *session);

#endif
