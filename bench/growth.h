/* How cost grows: what the parts of `make bench-growth` share.  Each part measures, prints its table as it goes, and
   adds its rows to the JSON.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_GROWTH_H
#define AIOPT_GROWTH_H

#include "bench/statistics.h"
#include "cache/cache.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct growth
{
  const char *build, *source; /* top of the build and of the source tree, absolute */
  const char *gcc;
  char *work;         /* a folder of its own, removed at the end */
  const char *cache;  /* keep the cache there, and go on with what it holds; NULL: in the work folder */
  unsigned entries;   /* the largest cache */
  unsigned functions; /* the largest unit */
  bool only_largest;  /* none of the sizes below those */
  bool quick;         /* few repetitions: shows that it runs, not how fast */
  cJSON *json;        /* the result, an object */
  const volatile sig_atomic_t *stop;
};

/* The parts.  0, or -1 after a message on standard error.  */
int growth__compile (struct growth *growth);
int growth__cache (struct growth *growth);
int growth__jobs (struct growth *growth);
int growth__verify (struct growth *growth);

/* Says "bench/growth: …" on standard error.  -1.  */
int growth__fail (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* FORMAT's text, malloc'ed; ends the program where memory is out.  */
char *growth__text (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* Runs ARGV (found by PATH) with standard output to OUTPUT (NULL: /dev/null).  Its exit status, or -1 where it couldn't be started, was killed, or the user stopped all;
   *SECONDS (may be NULL) is the wall clock, *TASK (may be NULL) the processor time of it and its children.  */
int growth__run (const struct growth *growth, char *const argv[], const char *output, double *seconds, double *task);

/* Median of the SECONDS of N runs of ARGV, which has to exit with 0.  -1 after a message where one doesn't.  */
double growth__time (const struct growth *growth, char *const argv[], unsigned n);

/* What the file PATH holds as JSON; NULL where it can't be read or isn't JSON.  The caller's.  */
cJSON *growth__read_json (const char *path);

/* Quantile Q (0 to 1) of X[N], which gets sorted; nearest rank.  */
double growth__quantile (double *x, size_t n, double q);

/* A unit of N short functions without loops, each with its own constants, numbered from FIRST, written to PATH.  0 or
   -1.  GCC is quick with them, so what the plugin adds shows most.  */
int growth__unit (const char *path, unsigned first, unsigned n);

/* Compiles UNIT with everything hot and makes an entry of CACHE (a folder) for each function that gets queued: right
   code of the same length as GCC's where REWRITE, "nothing better" where not.  How many, or -1 after a message.  */
int growth__answer (const struct growth *growth, const char *unit, const char *cache, bool rewrite);

/* A way to compile: the plugin's ARGUMENTS (up to a NULL, without -fplugin-arg-aiopt-), and what came out.  */
struct growth_case
{
  const char *name;
  const char *const *arguments;
  struct interval ratio; /* task clock over plain GCC's of the same round */
  double seconds;        /* task clock, median */
};

/* Compiles UNIT plain and in the N_CASES ways of CASES in each of ROUNDS rounds, in an order of its own each.
   Ratios and medians into CASES, the median of the plain task clock into *PLAIN.  How many rounds were complete: fewer
   than ROUNDS, but GROWTH_ROUNDS_MIN at least, where the user stopped it.  -1 after a message.  */
enum
{
  GROWTH_ROUNDS_MIN = 5
};
int growth__compare (const struct growth *growth, const char *unit, struct growth_case *cases, unsigned n_cases,
                     unsigned rounds, double *plain);

/* Fills CACHE, opened for writing, from entry FIRST up to N: synthetic regions, two thirds of the entries negative, a
   third rewrites, and one more region waiting for each ten.  The sizes of texts are those of a cache that `aiopt tune`
   made of 36 functions of bench/programs/assay.  0, or -1 and *WHY.  */
int growth__fill (struct cache *cache, unsigned first, unsigned n, struct why *why);

/* The key of entry NUMBER; of a miss where NUMBER is above those filled.  */
void growth__key (uint64_t number, char key[65]);

#endif
