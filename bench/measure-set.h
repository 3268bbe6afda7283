/* Inside measuring: the states that are timed, and what was timed on them.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MEASURE_SET_H
#define AIOPT_MEASURE_SET_H

#include "bench/measure.h"

/* How many states are timed in a class of sizes, and out of how many they are chosen; of those between the classes
   there are more.  */
enum
{
  CLASS_STATES = 4,
  BETWEEN_STATES = 8,
  POOL = 24,
  POOL_MADE = 10,
  TIMED_MAX = SIZE_CLASSES * CLASS_STATES + BETWEEN_STATES
};

/* A block is so many samples of one version; its median is one member of a pair.  */
enum { BLOCK = 5, PAIRS_MOST = 60, COLD_PAIRS = 6 };

struct timed
{
  const struct state *state;
  const struct outcome *expected;
  enum size_class size;
  unsigned inner;
  const struct timing_turns *turns; /* in the set's arena, or NULL: all calls are as STATE says */
  double ticks;            /* of the original, at calibration */
  unsigned stands_for;     /* of the states it was chosen from, how many: itself and those that take less than it and more than the one before */
  bool usable;             /* the original does in timed calls what it did before */
  struct timing_answer answer[2][PLACEMENTS_MAX]; /* of a plain run of the original, and of the candidate */
  unsigned n_pairs;        /* at each placement */
  double original[PLACEMENTS_MAX][PAIRS_MOST], candidate[PLACEMENTS_MAX][PAIRS_MOST];
  unsigned n_cold;         /* pairs with cold caches, at the first placement */
  double original_cold[COLD_PAIRS], candidate_cold[COLD_PAIRS];
};

struct measure_set
{
  const struct region *region;
  unsigned n_originals;
  const struct image *original[PLACEMENTS_MAX];
  struct arena *arena;
  unsigned n_given;        /* tests made elsewhere */
  const struct test *given;
  uint64_t seed;           /* of those made here */
  bool profiled;           /* the sizes of SIZE_PROFILE are the user's */
  bool recorded;           /* … and its states calls of the user's own program */
  struct states *states;   /* while it is filled: that know which parameters are sizes */
  const struct test *const *others; /* while recorded calls are added: all of them */
  unsigned n_others;
  double turn_seconds;     /* what measure-turns.c has taken so far */
  unsigned n;
  struct timed timed[TIMED_MAX];
};

/* At how many of N placements TIMED is timed.  States between the classes are many, and are there to find sizes at
   which a candidate is much slower: one will do.  */
static inline unsigned
timed__placements (const struct timed *timed, unsigned n)
{
  return timed->size == SIZE_BETWEEN ? 1 : n;
}

/* measure.c.  CLOCK_MONOTONIC, seconds.  */
double measure__now (void);

/* measure-whole.c.  TEST with all arrays as long as the longest, and what the original, image 0 of SANDBOX, makes of that; in ARENA.
   TEST itself where they are, or it can't be done.  */
const struct test *test__whole (struct arena *arena, const struct region *region, struct sandbox *sandbox, const struct test *test);

/* measure-turns.c.  TIMED, a state of SET, becomes one whose calls differ in what integer parameters say that are no sizes, where
   the original, image 0 of SANDBOX, does with that.  While recorded calls are added the numbers are theirs.  */
void timed__take_turns (struct measure_set *set, struct timed *timed, struct sandbox *sandbox);

/* measure-time.c.  SANDBOX holds both versions at placement P.  All give 0; 1 and *WHY where the candidate doesn't
   answer as it should; -1 and *WHY where the sandbox failed.  */

/* Runs both once, and keeps what they answer for comparison with their timed calls.  Where the original answers
   otherwise than before TIMED is usable no longer.  */
int timed__check (const struct measure_set *set, struct timed *timed, struct sandbox *sandbox, unsigned p,
                  struct why *why);
/* Two more pairs of blocks.  The same goes for the original's timed calls.  */
int timed__pairs (struct timed *timed, struct sandbox *sandbox, unsigned p, struct why *why);
/* The same with cold caches.  */
int timed__cold_pairs (struct timed *timed, struct sandbox *sandbox, struct why *why);

#endif
