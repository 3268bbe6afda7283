/* Plots of an experiment as SVG inside a page of HTML: no script, colours and sizes of letters from
   the page's style sheet.  Each is drawn 420 units wide, so that it does on a telephone too.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_AB_PLOT_H
#define AIOPT_AB_PLOT_H

#include "bench/ab.h"
#include <stdio.h>

/* Writes TEXT, which may be anything, as text or attribute of HTML: what isn't UTF-8 and control
   characters come out as U+FFFD.  */
void html__text (FILE *f, const char *text);

/* Of so many pairs the plots show one, lest there be too many dots; 1: all of them.  */
unsigned ab_plot__stride (const struct ab *ab);

/* Each metric's A/B with its interval and, behind it, the noise of A against A.  */
void ab_plot__ratios (FILE *f, const struct ab *ab);
/* All values of METRIC, A's over B's, with the quartiles.  */
void ab_plot__distribution (FILE *f, const struct ab *ab, const struct ab_metric *metric);
/* METRIC's values against the time at which they were measured.  */
void ab_plot__order (FILE *f, const struct ab *ab, const struct ab_metric *metric);
/* METRIC's A/B of each pair, with the interval of them all.  */
void ab_plot__pairs (FILE *f, const struct ab *ab, const struct ab_metric *metric);
/* METRIC's A/B of each pair by link layout, the layouts in the order of their medians.  */
void ab_plot__layouts (FILE *f, const struct ab *ab, const struct ab_metric *metric);

#endif
