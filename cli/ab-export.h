/* An experiment of `aiopt ab` for other eyes: CSV, Markdown, a page of HTML.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_AB_EXPORT_H
#define AIOPT_AB_EXPORT_H

#include "bench/ab.h"
#include <stdio.h>

/* What is exported, and where and when it was measured.  Borrows all that it points to.  */
struct ab_report
{
  const struct ab *ab;
  char *const *argv[2];                          /* of A and B, each with a NULL at its end */
  const char *sentence;                          /* ab__sentence's */
  bool same_output;                              /* it was compared, and the same */
  char host[65], kernel[132], cpu[80], date[32]; /* date: UTC, ISO 8601 */
};

/* Notes this machine and the present time in REPORT.  */
void ab_report__note_machine (struct ab_report *report);

/* Writes to F.  What came out wrong shows in ferror.
   CSV: one line a run, in the order of the runs; seconds or counts, as the header's names say;
   empty where not measured.  */
void ab_report__csv (FILE *f, const struct ab_report *report);
void ab_report__markdown (FILE *f, const struct ab_report *report);
void ab_report__html (FILE *f, const struct ab_report *report);

/* ARGV as a shell would take it, quoted where it must be.  Malloc'ed; NULL: no memory.  */
char *ab_report__command (char *const *argv);

/* Writes WHAT (one of the above) into file PATH, "-" for standard output.  0, or -1 with errno.  */
int ab_report__write (const struct ab_report *report, const char *path,
                      void (*what) (FILE *f, const struct ab_report *report));

/* For people, into BUFFER, with as many digits as mean something: a value of METRIC ("12.34 ms",
   "1.203 G"); a ratio ("1.184", "0.99873"); what the metric stands on ("PMU group, 43 % of the
   time"); p ("0.012", "< 0.0001").  */
const char *ab_metric__quantity (const struct ab_metric *metric, double value, char buffer[32]);
const char *ab_metric__ratio (const struct ab_metric *metric, double ratio, char buffer[32]);
const char *ab_metric__stands_on (const struct ab_metric *metric, char buffer[64]);
const char *ab_metric__p (double p, char buffer[32]);

/* Why there were no more pairs: "all pairs were run", ...  */
const char *ab_end__name (enum ab_end end);

#endif
