/* The metrics of an experiment as a table for terminals, 80 columns wide.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/ab-export.h"
#include "cli/ab.h"
#include "cli/terminal.h"

#include <string.h>

/* A metric's row.  A long name has a line of its own.  */
static void
print_metric (FILE *stream, const struct ab_metric *m)
{
  enum
  {
    NAME = 17
  };
  char a[32], b[32], ratio[32], low[32], high[32], both[80], p[32];
  bool is_long = strlen (m->name) > NAME;
  if (is_long)
    fprintf (stream, "%s\n", m->name);
  snprintf (both, sizeof both, "%s (%s-%s)", ab_metric__ratio (m, m->ratio.estimate, ratio),
            ab_metric__ratio (m, m->ratio.low, low), ab_metric__ratio (m, m->ratio.high, high));
  fprintf (stream, "%-*s %9s %9s  %-19s %8s %s\n", NAME, is_long ? "" : m->name,
           ab_metric__quantity (m, m->median[0], a), ab_metric__quantity (m, m->median[1], b), both,
           ab_metric__p (m->holm, p), rung__name (m->rung));
}

void
ab__print_table (FILE *stream, const struct ab *ab)
{
  const char *dim = terminal__sgr (stream, COLOUR_DIM), *none = terminal__sgr (stream, COLOUR_NONE);
  fprintf (stream, "%-17s %9s %9s  %-19s %8s %s\n", "median of runs", "A", "B",
           "A/B (95 % interval)", "p (Holm)", "stands on");
  for (unsigned i = 0; i < ab->n_metrics; i++)
    if (ab->metric[i].measured)
      print_metric (stream, &ab->metric[i]);
  unsigned shared = 0;
  double share = 1;
  for (unsigned i = 0; i < ab->n_metrics; i++)
    if (ab->metric[i].measured && ab->metric[i].share < 1)
      {
        shared++;
        share = ab->metric[i].share < share ? ab->metric[i].share : share;
      }
  if (shared)
    fprintf (
        stream,
        "%smultiplexed: %u of the metrics were on the PMU for %.0f %% of a run, and are scaled%s\n",
        dim, shared, 100 * share, none);
  if (!ab->metric[AB_CYCLES].measured && *ab->no_counters)
    fprintf (stream, "%sno cycle counts: %s%s\n", dim, ab->no_counters, none);
  /* Those that the user asked for, each with its reason.  */
  for (unsigned i = AB_COUNTERS + COUNTERS_STANDARD; i < ab->n_metrics; i++)
    if (!ab->metric[i].measured && strcmp (ab->metric[i].missing, ab->no_counters) == 0)
      fprintf (stream, "%s%s: not counted, for the same reason%s\n", dim, ab->metric[i].name, none);
    else if (!ab->metric[i].measured)
      fprintf (stream, "%s%s: not counted: %s%s\n", dim, ab->metric[i].name, ab->metric[i].missing,
               none);
}
