/* When a running experiment may be looked at, and how much of the 5 % each look may spend.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_LOOKS_H
#define AIOPT_LOOKS_H

#include <stdbool.h>

#define LOOKS_LEVEL 0.05 /* probability of a false claim, all looks together */

enum
{
  LOOKS_EARLY_MAX = 8
};

struct looks
{
  unsigned n_early;
  unsigned at[LOOKS_EARLY_MAX]; /* blocks, ascending */
  double early_level;           /* of each early look */
  double last_level;            /* of the last look, whenever that is */
};

/* The plan for an experiment of at most BLOCKS blocks; EARLY: may it stop before?  */
struct looks looks__plan (unsigned blocks, bool early);

/* Is there an early look after BLOCKS blocks?  */
bool looks__is_due (const struct looks *looks, unsigned blocks);

/* P of one look at LEVEL, as if it had been the only one at LOOKS_LEVEL.  */
double looks__adjust (double p, double level);

/* The fewest blocks with which the signed-rank test can reach LEVEL.  */
unsigned looks__fewest (double level);

#endif
