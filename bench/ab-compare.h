/* From values to a verdict; private to ab.c.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_AB_COMPARE_H
#define AIOPT_AB_COMPARE_H

#include "bench/ab.h"
#include "bench/looks.h"

/* Where LOOKS has an early look after the pairs that AB has: looks, and says whether that ends the
   experiment, with ab->end set.  True too where what decides can't be measured, which ab__finish
   finds again.  */
bool ab__look_early (struct ab *ab, const struct ab_options *options, const struct looks *looks);

/* The last look, or the early one that ended the experiment again: all metrics, with everything
   that a report needs.  */
void ab__finish (struct ab *ab, const struct ab_options *options, const struct looks *looks);

#endif
