/* Honest A/B of two programs: interleaved runs in random order, in blocks that are the unit of all
   statistics; ab.c says why.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_AB_H
#define AIOPT_AB_H

#include "bench/counters.h"
#include "bench/statistics.h"
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The metrics that are always there, as indices into ab->metric; counters follow.  */
enum
{
  AB_TASK,     /* user and system time of the process and its children, seconds (wait4) */
  AB_WALL,     /* CLOCK_MONOTONIC_RAW, seconds */
  AB_COUNTERS, /* the first hardware counter */
  AB_CYCLES = AB_COUNTERS, /* user-mode cycles */
  AB_METRICS_MAX = 32
};

enum
{
  AB_BLOCKS_MIN = 6 /* fewer can't give a signed-rank p below 0.05 */,
  AB_PAIRS_MIN = 2 * AB_BLOCKS_MIN,
  AB_RESAMPLES = 4000
};

enum ab_unit
{
  AB_SECONDS,
  AB_COUNT
};

struct ab_options
{
  unsigned pairs;     /* at most; odd numbers are rounded up: a block is two pairs */
  double seconds;     /* no block that would end later after the first one's begin; the first
                         always runs; 0: no limit */
  double resolution;  /* stop where the interval excludes differences of this ratio less 1 (0.01: 1
                         %); 0: don't */
  bool no_early_stop; /* all the pairs, one look at the end: for a sample of a fixed size */
  unsigned warmup;    /* runs of each before, not counted */
  bool same_output;   /* compare standard output, else it goes to /dev/null */
  uint64_t seed;
  const char *events; /* the user's own, as counters__new takes them; or NULL */
  int metric; /* index of what decides, or -1: by the rule in ab.c */
  const volatile sig_atomic_t *stop;
  void (*progress) (void *context, unsigned done, unsigned total); /* runs; TOTAL may shrink */
  void *context;
  /* Before each block, where not NULL: gives argv[SIDE][0] another layout drawn from SEED.  0, or
     -1 and a message in ERROR[SIZE].  */
  int (*relayout) (void *layouts, unsigned side, uint64_t seed, char *error, size_t size);
  void *layouts;
};

/* One metric: what was measured, and how the sides compare.  */
struct ab_metric
{
  char name[COUNTERS_NAME_SIZE]; /* for people: "task clock" */
  char key[COUNTERS_NAME_SIZE];  /* in JSON and CSV: "task_seconds" */
  enum ab_unit unit;
  enum rung rung;    /* what the values stand on: the lowest of all runs */
  double share;      /* least part of a run for which a counter was on the PMU; 1 for the rest */
  char missing[200]; /* why it isn't measured, or "" */
  double *value[2]; /* [A or B][pair]; negative: not measured */
  bool measured;    /* in all pairs: what follows is valid */
  double median[2];
  struct interval
      ratio;    /* A over B: above 1, B is less.  At 95 % over all looks; may be 0 to infinity */
  double p;     /* two-sided signed-rank, adjusted for the looks: at most 0.05 is a difference */
  double holm;  /* p corrected (Holm) for all measured metrics but the deciding one; there: p */
  double noise; /* as a ratio less 1: 95 % of A/A experiments of this size end below it */
};

/* Why there were no more pairs.  */
enum ab_end
{
  AB_ALL_RUN,    /* options.pairs */
  AB_DECIDED,    /* a difference was shown */
  AB_RESOLVED,   /* differences of options.resolution are excluded */
  AB_TIMED_OUT,  /* options.seconds */
  AB_INTERRUPTED /* *options.stop */
};

struct ab
{
  unsigned n_pairs; /* completed; pairs 2i and 2i + 1 are block i: ABBA or BAAB */
  unsigned n_metrics;
  struct ab_metric metric[AB_METRICS_MAX];
  unsigned deciding;        /* index into metric */
  double *undelayed[2];     /* [A or B][pair]: wall clock less the time other programs had the CPU,
                               seconds */
  double *blocked[2];       /* [A or B][pair]: seconds that it waited for anything but the CPU */
  double *begin[2];         /* [A or B][pair]: seconds from the first pair's begin to this run's */
  uint16_t *environment[2]; /* [A or B][pair]: bytes by which the environment was made larger */
  uint32_t *layout;         /* per pair: which link, from 0; all 0 without relayout */
  uint8_t *order;           /* per pair: 0 A first, 1 B first */
  unsigned n_layouts;       /* 1 without relayout */
  double layout_spread;     /* standard deviation of log (A/B) between layouts, noise taken off; NaN
                               without relayout */
  unsigned looks;           /* at the deciding metric, the last one included */
  double level;             /* share of the 5 % that the last look had */
  double seconds;           /* from the first pair's begin to the last one's end */
  enum ab_end end;
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

/* Index of the metric that --metric calls SLUG, among those that any experiment has; -1: there is
   none.  */
int ab__metric (const char *slug);

/* B is faster (slower) where the 95 % interval of the deciding metric lies above (below) 1, p is
   at most 0.05 and there are AB_PAIRS_MIN pairs.  */
enum ab_verdict ab__verdict (const struct ab *ab);

/* The largest difference, as a ratio less 1, that RATIO's interval leaves possible either way.  */
double ab__excluded (struct interval ratio);

/* RATIO less 1 (0.0123) as "1.2 %", two digits where it is below 10 %, into BUFFER, which is
 * returned.  */
const char *ab__per_cent (double ratio, char buffer[32]);

/* The answer in one sentence, into BUFFER[SIZE].  */
void ab__sentence (const struct ab *ab, char *buffer, size_t size);

#endif
