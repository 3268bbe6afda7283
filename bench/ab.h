/* Honest A/B of two programs: interleaved runs in random order, paired statistics.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_AB_H
#define AIOPT_AB_H

#include "bench/statistics.h"
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ab_metric
{
  AB_TASK,         /* user and system time of the process and its children, seconds (wait4) */
  AB_WALL,         /* CLOCK_MONOTONIC_RAW, seconds */
  AB_CYCLES,       /* user-mode cycles */
  AB_INSTRUCTIONS, /* user-mode instructions */
  AB_METRICS
};

enum
{
  AB_PAIRS_MIN = 6 /* fewer can't give a signed-rank p below 0.05 */,
  AB_RESAMPLES = 5000
};

struct ab_options
{
  unsigned pairs;
  unsigned warmup;  /* runs of each before, not counted */
  bool same_output; /* compare standard output, else it goes to /dev/null */
  uint64_t seed;
  int metric; /* enum ab_metric, or -1: by the rule in ab.c */
  const volatile sig_atomic_t *stop;
  void (*progress) (void *context, unsigned done, unsigned total);
  void *context;
};

struct ab_comparison
{
  bool measured;
  double median[2];
  struct interval ratio; /* A over B: above 1, B is less */
  double p;              /* two-sided, Wilcoxon signed-rank */
};

struct ab
{
  unsigned n_pairs;             /* completed */
  double *value[AB_METRICS][2]; /* [metric][A or B][pair]; negative: not measured */
  double *undelayed[2];         /* wall clock less the time other programs had the CPU */
  uint8_t *order;               /* per pair: 0 A first, 1 B first */
  struct ab_comparison comparison[AB_METRICS];
  enum ab_metric deciding;
  char no_counters[200]; /* why there are no hardware counters, or "" */
  bool interrupted;
  char error[1200]; /* "" or why there is no result */
};

enum ab_verdict
{
  AB_NOTHING_SHOWN,
  AB_FASTER,
  AB_SLOWER
};

/* Runs ARGV[0] (A) and ARGV[1] (B).  0, or -1 and ab->error: a program can't be started, ended with
   another status than 0, or wrote something else than A's first run did.  ab__free either way.  */
int ab__run (char **const argv[2], const struct ab_options *options, struct ab *ab);
void ab__free (struct ab *ab);

const char *ab_metric__name (enum ab_metric metric);

/* B is faster (slower) where the 95 % interval of the deciding metric lies above (below) 1, p is
   below 0.05 and there are AB_PAIRS_MIN pairs.  */
enum ab_verdict ab__verdict (const struct ab *ab);

#endif
