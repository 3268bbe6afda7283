/* A benchmark's results as a table for people: a line a kernel, a line a field, and a summary.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/run-result.h"
#include <string.h>

enum { WIDE = 120 };

/* What stands above a column: six characters at most.  */
static const char *
short_name (const char *build)
{
  static const char *const name[][2]
    = { { "gcc_O3", "g-O3" },           { "gcc_O3_native", "g-nat" }, { "gcc_O3_unroll", "g-unr" },
        { "clang_O2", "c-O2" },         { "clang_O3_native", "c-nat" } };
  for (size_t i = 0; i < sizeof name / sizeof *name; i++)
    if (strcmp (name[i][0], build) == 0)
      return name[i][1];
  return build;
}

/* Is B a column of its own: all but -O2, which is 1 everywhere, and its repetition?  */
static bool
is_column (const struct run_result *result, unsigned b)
{
  return b != result->o2 && b != result->again;
}

static void
print_rule (FILE *f, unsigned width)
{
  while (width-- > 0)
    putc ('-', f);
  putc ('\n', f);
}

static unsigned
print_header (const struct run_result *result, FILE *f, bool wide)
{
  unsigned width = (unsigned) fprintf (f, "%-14s", "kernel");
  for (unsigned b = 0; b < result->n_builds; b++)
    if (is_column (result, b))
      width += (unsigned) fprintf (f, "%6s", short_name (result->build[b].name));
  width += (unsigned) fprintf (f, " %5s %11s  %4s%6s", "/best", "95 %", "s", "tried");
  if (wide)
    width += (unsigned) fprintf (f, "  %6s  %s", "A/A", "rewrite");
  putc ('\n', f);
  return width;
}

/* '+' faster than the best compiler's build, '-' slower, ' ' neither, by the interval.  */
static char
mark (struct interval over)
{
  return over.low > 1 ? '+' : over.high < 1 ? '-' : ' ';
}

static void
print_best (FILE *f, struct interval over)
{
  fprintf (f, " %5.2f %5.2f-%-5.2f%c", over.estimate, over.low, over.high, mark (over));
}

/* NAME and OF (ROW, build) for every column.  */
static void
print_speed_ups (const struct run_result *result, FILE *f, const char *name,
                 const struct interval *(*of) (const void *, unsigned), const void *row)
{
  fprintf (f, "%-14.14s", name);
  for (unsigned b = 0; b < result->n_builds; b++)
    if (is_column (result, b))
      fprintf (f, "%6.2f", of (row, b)->estimate);
}

static const struct interval *
of_kernel (const void *kernel, unsigned b)
{
  return &((const struct run_kernel *) kernel)->build[b].over_o2;
}

static const struct interval *
of_group (const void *group, unsigned b)
{
  return &((const struct run_group *) group)->over_o2[b];
}

static void
print_kernel (const struct run_result *result, FILE *f, const struct run_kernel *kernel, bool wide)
{
  print_speed_ups (result, f, kernel->name, of_kernel, kernel);
  print_best (f, kernel->aiopt_over_best);
  fprintf (f, " %4.0f%6u", kernel->tune_seconds, kernel->tried);
  if (wide)
    fprintf (f, "  %6.3f  %s", kernel->build[result->again].over_o2.estimate,
             kernel->rewritten ? kernel->verdict : kernel->reason);
  putc ('\n', f);
}

/* What was timed again, and what it seemed to be first.  */
static void
print_again (const struct run_result *result, FILE *f)
{
  const char *between = "\nTimed again, three times as long, as they seemed slower than -O2:\n";
  for (unsigned k = 0; k < result->n_kernels; k++)
    {
      const struct run_kernel *kernel = &result->kernel[k];
      struct interval now = kernel->aiopt_over[result->o2];
      if (!kernel->timed_again)
        continue;
      fprintf (f, "%s  %-14s %.3f (%.3f-%.3f), then %.3f (%.3f-%.3f)%s\n", between, kernel->name, kernel->first.estimate,
               kernel->first.low, kernel->first.high, now.estimate, now.low, now.high,
               kernel->rewritten ? "" : ", -O2's own code");
      between = "";
    }
}

/* Why functions were left alone, each in a line of 79 characters at most.  */
static void
print_left_alone (const struct run_result *result, FILE *f)
{
  if (result->n_rewritten == result->n_kernels)
    return;
  fprintf (f, "\nLeft alone by aiopt:\n");
  for (unsigned k = 0; k < result->n_kernels; k++)
    {
      const struct run_kernel *kernel = &result->kernel[k];
      char line[80];
      if (kernel->rewritten)
        continue;
      snprintf (line, sizeof line, "  %-14s %s%s%s", kernel->name, kernel->reason, *kernel->detail ? ": " : "",
                kernel->detail);
      fprintf (f, "%s\n", line);
    }
}

static void
print_over (FILE *f, const char *what, struct interval over, struct run_count count, struct run_count clear)
{
  char geomean[40];
  snprintf (geomean, sizeof geomean, "%.2f (%.2f-%.2f)", over.estimate, over.low, over.high);
  fprintf (f, "  %-16.16s %-18s %7u%6u%7u %8u%6u%7u\n", what, geomean, count.faster, count.equal, count.slower,
           clear.faster, clear.equal, clear.slower);
}

static void
print_summary (const struct run_result *result, FILE *f)
{
  const struct run_group *all = &result->group[result->n_groups - 1];
  fprintf (f, "\n%38s%20s %21s\n", "", "by the interval", "beyond A/A noise too");
  fprintf (f, "%-18s %-18s %7s%6s%7s %8s%6s%7s\n", "aiopt over", "geomean (95 %)", "faster", "same", "slower",
           "faster", "same", "slower");
  for (unsigned b = 0; b < result->n_builds; b++)
    if (run_result__is_compiler (result, b))
      print_over (f, b == result->o2 ? "-O2" : result->build[b].name, all->aiopt_over[b],
                  run_result__count (result, b, 0), run_result__count (result, b, result->noise));
  print_over (f, "best per kernel", all->aiopt_over_best, run_result__count (result, result->n_builds, 0),
              run_result__count (result, result->n_builds, result->noise));
  double least = 1e9;
  const char *least_name = "";
  for (unsigned k = 0; k < result->n_kernels; k++)
    if (result->kernel[k].build[result->aiopt].over_o2.estimate < least)
      {
        least = result->kernel[k].build[result->aiopt].over_o2.estimate;
        least_name = result->kernel[k].name;
      }
  fprintf (f, "\n%u kernels, %u rewritten; least over -O2: %.2f (%s). Wrong results: %u.\n"
              "A/A noise: two copies of -O2 differ by up to %.1f %% (95 %% of kernels).\n",
           result->n_kernels, result->n_rewritten, least, least_name, result->n_wrong, 100 * result->noise);
  fprintf (f, "Tuning: %.0f s for %u candidates, at most %g s a function, %u at a time.\nPolicy: %s.\n",
           result->tune_seconds, result->tried, result->budget, result->jobs, result->policy ? result->policy : "?");
  print_again (result, f);
  print_left_alone (result, f);
}

void
run_result__print_table (const struct run_result *result, FILE *f, unsigned columns)
{
  bool wide = columns >= WIDE;
  fprintf (f, "%s, %u cores, load %.1f, Linux %s\n%s, commit %s, %s\n", result->cpu, result->cores, result->load,
           result->kernel_version ? result->kernel_version : "?", result->version ? result->version : "?",
           result->commit ? result->commit : "?", result->date);
  for (unsigned b = 0; b < result->n_builds; b++)
    {
      bool is_new = true;
      for (unsigned i = 0; i < b; i++)
        is_new = is_new && strcmp (result->build[i].version, result->build[b].version) != 0;
      if (is_new)
        fprintf (f, "%s\n", result->build[b].version);
    }
  for (unsigned b = 0; b < result->n_builds; b++)
    if (b != result->again)
      fprintf (f, "  %-6s %s\n", b == result->o2 ? "1" : short_name (result->build[b].name), result->build[b].command);
  fprintf (f, "\nHow many times as fast as -O2 (1: the same). /best: aiopt over the kernel's\n"
              "fastest compiler build, + and -: faster and slower by the interval; s, tried:\n"
              "seconds of tuning and candidates.\n\n");
  unsigned width = print_header (result, f, wide), k = 0;
  print_rule (f, width);
  for (unsigned g = 0; g < result->n_groups; g++)
    {
      const struct run_group *group = &result->group[g];
      bool last = g + 1 == result->n_groups;
      for (unsigned i = 0; !last && i < group->n; i++)
        print_kernel (result, f, &result->kernel[k++], wide);
      char name[40];
      snprintf (name, sizeof name, "= %s, %u", group->field, group->n);
      print_speed_ups (result, f, name, of_group, group);
      /* One kernel alone says nothing about others: no interval.  */
      if (group->n > 1)
        print_best (f, group->aiopt_over_best);
      putc ('\n', f);
      print_rule (f, width);
    }
  for (k = 0; k < result->n_kernels; k++)
    for (unsigned b = 0; b < result->n_builds; b++)
      if (strcmp (result->kernel[k].build[b].result, "equal") != 0)
        fprintf (f, "%s: %s's result is %s\n", result->kernel[k].name, result->build[b].name,
                 strcmp (result->kernel[k].build[b].result, "rounded") == 0 ? "rounded otherwise than -O2's"
                                                                            : "WRONG");
  print_summary (result, f);
}
