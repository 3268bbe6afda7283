/* From values to a verdict; private to ab.c.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_AB_COMPARE_H
#define AIOPT_AB_COMPARE_H

#include "bench/ab.h"

/* Chooses what decides and compares that metric alone, at LEVEL.  */
void ab__look (struct ab *ab, const struct ab_options *options, double level);

/* Compares all metrics at LEVEL, with everything that a report needs.  */
void ab__compare (struct ab *ab, const struct ab_options *options, double level);

#endif
