/* What the search for inputs shares: a watched side, and solving for one operand.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_VERIFY_HUNT_H
#define AIOPT_VERIFY_HUNT_H

#include "verify/input.h"
#include "verify/internal.h"
#include "verify/watch.h"

/* A side whose comparisons are watched, and what was seen.  */
struct eye
{
  struct watch *watch; /* NULL: nothing to see */
  struct sandbox *sandbox;
  bool reached[WATCH_SITES_MAX];
  uint64_t met[WATCH_SITES_MAX]; /* goals */
  uint8_t tries[WATCH_SITES_MAX];
  uint64_t nearest[WATCH_SITES_MAX]; /* least distance between the operands, either way; UINT64_MAX:
                                        none */
  uint64_t bits[WATCH_SITES_MAX];    /* ever set in the first operand of a scalar */
  uint32_t depends[WATCH_SITES_MAX]; /* parameters that the operands were seen to depend on, bit 31:
                                        memory */
};

/* Runs STATES[N], at most 16, as WATCHED.  0, or -1.  */
int eye__run (struct eye *eye, const struct state *const *states, unsigned n, struct state *watched,
              struct outcome *outcomes);

/* 0 where the operands are what SITE compares for.  */
uint64_t watch__distance (const struct watch_site *site, const struct watch_record *record);

/* Solving: one operand's distance as a function of one input.  */
enum
{
  SOLUTIONS_MAX = 8
};

struct solve
{
  struct eye *eye;
  unsigned site;
  const struct region *region;
  struct arena *arena;
  const struct state *base;
  double until;
  struct input input[SOLUTIONS_MAX]; /* result: which input each solution changes */
  uint32_t depends;                  /* result: as in struct eye */
};

/* States on which the first execution of the site's comparison should have distance 0.  Their
 * number.  */
unsigned solve__site (struct solve *solve, const struct state *solutions[SOLUTIONS_MAX]);

#endif
