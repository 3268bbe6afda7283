/* CSV and Markdown of an experiment, and how its figures are written.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/ab-export.h"
#include "bench/cpu-model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

void
ab_report__note_machine (struct ab_report *report)
{
  struct utsname name;
  time_t t = time (NULL);
  struct tm utc;
  if (uname (&name) == 0)
    {
      snprintf (report->host, sizeof report->host, "%s", name.nodename);
      snprintf (report->kernel, sizeof report->kernel, "%s %s", name.sysname, name.release);
    }
  strftime (report->date, sizeof report->date, "%Y-%m-%d %H:%M UTC", gmtime_r (&t, &utc));
  if (!cpu__model (report->cpu, sizeof report->cpu))
    snprintf (report->cpu, sizeof report->cpu, "CPU unknown");
}

int
ab_report__write (const struct ab_report *report, const char *path,
                  void (*what) (FILE *f, const struct ab_report *report))
{
  bool standard = strcmp (path, "-") == 0;
  FILE *f = standard ? stdout : fopen (path, "we");
  if (!f)
    return -1;
  what (f, report);
  bool failed = fflush (f) != 0 || ferror (f);
  int error = errno;
  if (!standard && fclose (f) != 0 && !failed)
    return -1;
  errno = error;
  return failed ? -1 : 0;
}

const char *
ab_end__name (enum ab_end end)
{
  static const char *const name[]
      = { [AB_ALL_RUN] = "all pairs were run",
          [AB_DECIDED] = "stopped early: decided",
          [AB_RESOLVED] = "stopped early: larger differences are excluded",
          [AB_TIMED_OUT] = "stopped when its time was over",
          [AB_INTERRUPTED] = "interrupted" };
  return (unsigned)end < sizeof name / sizeof *name ? name[end] : "?";
}

const char *
ab_metric__quantity (const struct ab_metric *metric, double value, char buffer[32])
{
  static const struct
  {
    double least, factor;
    const char *unit;
  } seconds[] = { { 1, 1, "s" }, { 1e-3, 1e3, "ms" }, { 0, 1e6, "us" } },
    counts[] = { { 1e9, 1e-9, " G" }, { 1e6, 1e-6, " M" }, { 1e4, 1e-3, " k" }, { 0, 1, "" } };
  unsigned i = 0;
  if (metric->unit == AB_SECONDS)
    {
      while (value < seconds[i].least)
        i++;
      value *= seconds[i].factor;
      snprintf (buffer, 32, "%.*f %s",
                value < 10    ? 3
                : value < 100 ? 2
                              : 1,
                value, seconds[i].unit);
      return buffer;
    }
  while (value < counts[i].least)
    i++;
  value *= counts[i].factor;
  snprintf (buffer, 32, "%.*f%s",
            !*counts[i].unit && value == floor (value) ? 0
            : value < 10                               ? 3
            : value < 100                              ? 2
                                                       : 1,
            value, counts[i].unit);
  return buffer;
}

const char *
ab_metric__ratio (const struct ab_metric *metric, double ratio, char buffer[32])
{
  /* Three decimals, and more where the interval is too narrow for them.  */
  double width = metric->ratio.high - metric->ratio.low;
  int decimals = 3;
  if (isfinite (width) && width > 0)
    decimals = (int)fmin (5, fmax (3, -floor (log10 (width))));
  if (isinf (ratio))
    snprintf (buffer, 32, "inf");
  else if (isnan (ratio))
    snprintf (buffer, 32, "?");
  else if (ratio >= 100)
    snprintf (buffer, 32, "%.1f", ratio);
  else
    snprintf (buffer, 32, "%.*f", decimals, ratio);
  return buffer;
}

const char *
ab_metric__p (double p, char buffer[32])
{
  if (isnan (p))
    snprintf (buffer, 32, "?");
  else if (p < 1e-4)
    snprintf (buffer, 32, "< 0.0001");
  else
    snprintf (buffer, 32, p < 0.1 ? "%.2g" : "%.2f", p);
  return buffer;
}

const char *
ab_metric__stands_on (const struct ab_metric *metric, char buffer[64])
{
  if (metric->share < 1)
    snprintf (buffer, 64, "%s, %.0f %% of the time", rung__name (metric->rung),
              100 * metric->share);
  else
    snprintf (buffer, 64, "%s", rung__name (metric->rung));
  return buffer;
}

/* Has METRIC any value?  */
static bool
has_values (const struct ab *ab, const struct ab_metric *metric)
{
  for (unsigned i = 0; i < ab->n_pairs; i++)
    if (metric->value[0][i] >= 0 || metric->value[1][i] >= 0)
      return true;
  return false;
}

void
ab_report__csv (FILE *f, const struct ab_report *report)
{
  const struct ab *ab = report->ab;
  bool shown[AB_METRICS_MAX];
  for (unsigned m = 0; m < ab->n_metrics; m++)
    shown[m] = has_values (ab, &ab->metric[m]);
  fputs ("run,pair,layout,side,order,begin_seconds,environment_bytes", f);
  for (unsigned m = 0; m < ab->n_metrics; m++)
    if (shown[m])
      fprintf (f, ",%s%s", ab->metric[m].key, ab->metric[m].unit == AB_SECONDS ? "" : "_count");
  fputc ('\n', f);
  for (unsigned run = 0; run < 2 * ab->n_pairs; run++)
    {
      unsigned pair = run / 2, order = run & 1, side = order ^ ab->order[pair];
      fprintf (f, "%u,%u,%u,%c,%u,%.6f,%u", run + 1, pair + 1, ab->layout[pair] + 1,
               side ? 'B' : 'A', order + 1, ab->begin[side][pair],
               (unsigned)ab->environment[side][pair]);
      for (unsigned m = 0; m < ab->n_metrics; m++)
        {
          double value = ab->metric[m].value[side][pair];
          if (!shown[m])
            continue;
          if (value < 0)
            fputc (',', f);
          else if (ab->metric[m].unit == AB_SECONDS)
            fprintf (f, ",%.9f", value);
          else
            fprintf (f, ",%.0f", value);
        }
      fputc ('\n', f);
    }
}

char *
ab_report__command (char *const *argv)
{
  /* What a shell leaves alone.  */
  static const char plain[]
      = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream (&text, &size);
  if (!f)
    return NULL;
  for (char *const *word = argv; *word; word++)
    {
      bool quoted = !**word || (*word)[strspn (*word, plain)];
      fputs (word == argv ? "" : " ", f);
      fputs (quoted ? "'" : "", f);
      for (const char *p = *word; *p; p++)
        if (*p == '\'')
          fputs ("'\\''", f);
        else
          fputc (*p, f);
      fputs (quoted ? "'" : "", f);
    }
  if (fclose (f) == 0)
    return text;
  free (text);
  return NULL;
}

/* ARGV as a code span of Markdown, whatever is in it.  */
static void
markdown_command (FILE *f, char *const *argv)
{
  char *command = ab_report__command (argv);
  unsigned longest = 0, ticks = 0;
  for (const char *p = command; p && *p; p++)
    {
      ticks = *p == '`' ? ticks + 1 : 0;
      longest = ticks > longest ? ticks : longest;
    }
  for (unsigned i = 0; i <= longest; i++)
    fputc ('`', f);
  fputs (longest ? " " : "", f);
  for (const char *p = command; p && *p; p++)
    fputc ((unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p, f);
  fputs (longest ? " " : "", f);
  for (unsigned i = 0; i <= longest; i++)
    fputc ('`', f);
  free (command);
}

/* TEXT, which is none of ours, as plain words of Markdown in a table's cell.  */
static void
markdown_text (FILE *f, const char *text)
{
  for (const char *p = text; *p; p++)
    {
      if (strchr ("\\`*_[]<>|&", *p))
        fputc ('\\', f);
      fputc ((unsigned char)*p < ' ' ? ' ' : *p, f);
    }
}

void
ab_report__markdown (FILE *f, const struct ab_report *report)
{
  const struct ab *ab = report->ab;
  char seconds[32];
  fputs ("**", f);
  markdown_text (f, report->sentence);
  fputs ("**\n\n- A: ", f);
  markdown_command (f, report->argv[0]);
  fputs ("\n- B: ", f);
  markdown_command (f, report->argv[1]);
  fputs ("\n\n| median | A | B | A/B | 95 % interval | p | A/A noise | stands on |\n"
         "|:--|--:|--:|--:|:-:|--:|--:|:--|\n",
         f);
  for (unsigned m = 0; m < ab->n_metrics; m++)
    {
      const struct ab_metric *metric = &ab->metric[m];
      char a[32], b[32], ratio[32], low[32], high[32], p[32], noise[32], rung[64];
      if (!metric->measured)
        continue;
      fputs ("| ", f);
      markdown_text (f, metric->name);
      fprintf (f, "%s | %s | %s | %s | %s to %s | %s | %s | %s |\n",
               m == ab->deciding ? " (decides)" : "",
               ab_metric__quantity (metric, metric->median[0], a),
               ab_metric__quantity (metric, metric->median[1], b),
               ab_metric__ratio (metric, metric->ratio.estimate, ratio),
               ab_metric__ratio (metric, metric->ratio.low, low),
               ab_metric__ratio (metric, metric->ratio.high, high), ab_metric__p (metric->holm, p),
               ab__per_cent (metric->noise, noise), ab_metric__stands_on (metric, rung));
    }
  fprintf (f, "\nA/B above 1: B takes less. %u pairs in %s, %s.", ab->n_pairs,
           ab_metric__quantity (&ab->metric[AB_WALL], ab->seconds, seconds),
           ab_end__name (ab->end));
  if (ab->n_layouts > 1)
    {
      char spread[32];
      fprintf (f, " %u link layouts; between them A/B spreads by %s (standard deviation).",
               ab->n_layouts, ab__per_cent (ab->layout_spread, spread));
    }
  if (report->same_output)
    fputs (" Standard output was the same in all runs.", f);
  if (*ab->no_counters)
    {
      fputs (" No cycle counts: ", f);
      markdown_text (f, ab->no_counters);
      fputc ('.', f);
    }
  fputs ("\n\nMeasured on ", f);
  markdown_text (f, report->host);
  fputs (" (", f);
  markdown_text (f, report->cpu);
  fputs (", ", f);
  markdown_text (f, report->kernel);
  fprintf (f, "), %s, by aiopt ab.\n", report->date);
}
