/* A benchmark's results as one SVG that needs nothing else: a bar a kernel, sorted by aiopt's speed-up, on a log scale; a
   mark where the best compiler's build is.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/run-result.h"
#include <math.h>
#include <stdlib.h>

enum
{
  WIDTH = 860,
  LEFT = 120,  /* names */
  RIGHT = 60,  /* numbers */
  TOP = 76,
  ROW = 14,
  BOTTOM = 24
};

struct scale
{
  double low, high; /* ratios at both ends */
};

static double
place (struct scale scale, double ratio)
{
  double at = (log (ratio) - log (scale.low)) / (log (scale.high) - log (scale.low));
  return LEFT + at * (WIDTH - LEFT - RIGHT);
}

struct bar
{
  const struct run_kernel *kernel;
  double aiopt;
};

static int
fastest_first (const void *a, const void *b)
{
  double x = ((const struct bar *) a)->aiopt, y = ((const struct bar *) b)->aiopt;
  return (x < y) - (x > y);
}

/* TEXT with what XML gives a meaning to taken out of it.  */
static void
print_text (FILE *f, const char *text)
{
  for (; *text; text++)
    if (*text == '<' || *text == '>' || *text == '&')
      fprintf (f, "&#%d;", *text);
    else
      putc (*text, f);
}

/* From below the least ratio to above the greatest.  */
static struct scale
find_scale (const struct run_result *result)
{
  struct scale scale = { 0.8, 2.5 };
  for (unsigned k = 0; k < result->n_kernels; k++)
    for (unsigned b = 0; b < result->n_builds; b++)
      if (b == result->aiopt || b == result->kernel[k].best)
        {
          struct interval over = result->kernel[k].build[b].over_o2;
          scale.low = fmin (scale.low, over.low * 0.95);
          scale.high = fmax (scale.high, over.high * 1.05);
        }
  return scale;
}

static void
print_grid (FILE *f, struct scale scale, double bottom)
{
  static const double line[] = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500 };
  for (size_t i = 0; i < sizeof line / sizeof *line; i++)
    if (line[i] > scale.low && line[i] < scale.high)
      fprintf (f, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.0f\"/><text x=\"%.1f\" y=\"%d\" "
                  "text-anchor=\"middle\">%g×</text>\n",
               line[i] == 1 ? "one" : "grid", place (scale, line[i]), place (scale, line[i]), TOP - 4, bottom,
               place (scale, line[i]), TOP - 8, line[i]);
}

static void
print_bar (FILE *f, const struct run_result *result, struct scale scale, const struct bar *bar, double y)
{
  const struct run_kernel *kernel = bar->kernel;
  struct interval aiopt = kernel->build[result->aiopt].over_o2, best = kernel->build[kernel->best].over_o2;
  double one = place (scale, 1), end = place (scale, aiopt.estimate), middle = y + ROW / 2.0;
  fprintf (f, "<g><title>%s: aiopt %.2f (%.2f-%.2f), best compiler %.2f (%s)</title>", kernel->name, aiopt.estimate,
           aiopt.low, aiopt.high, best.estimate, result->build[kernel->best].name);
  fprintf (f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 6, middle + 3.5, kernel->name);
  fprintf (f, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>",
           kernel->rewritten ? "aiopt" : "alone", fmin (one, end), y + 2, fmax (fabs (end - one), 0.5), ROW - 4);
  fprintf (f, "<line class=\"interval\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", place (scale, aiopt.low),
           place (scale, aiopt.high), middle, middle);
  fprintf (f, "<line class=\"best\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", place (scale, best.estimate),
           place (scale, best.estimate), y + 0.5, y + ROW - 0.5);
  fprintf (f, "<text x=\"%d\" y=\"%.1f\">%.2f</text></g>\n", WIDTH - RIGHT + 12, middle + 3.5, aiopt.estimate);
}

void
run_result__print_picture (const struct run_result *result, FILE *f)
{
  struct bar *bar = malloc (result->n_kernels * sizeof *bar);
  if (!bar)
    return;
  for (unsigned k = 0; k < result->n_kernels; k++)
    bar[k] = (struct bar){ &result->kernel[k], result->kernel[k].build[result->aiopt].over_o2.estimate };
  qsort (bar, result->n_kernels, sizeof *bar, fastest_first);
  struct scale scale = find_scale (result);
  double bottom = TOP + ROW * result->n_kernels;
  fprintf (f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\">\n", WIDTH,
           bottom + BOTTOM, WIDTH, bottom + BOTTOM);
  fputs ("<style>text { font: 11px sans-serif; fill: #222 } .title { font-size: 15px; font-weight: bold }\n"
         ".grid { stroke: #ddd } .one { stroke: #555 } .aiopt { fill: #4c8bbf } .alone { fill: #bbb }\n"
         ".interval { stroke: #123 } .best { stroke: #d1495b; stroke-width: 3 }</style>\n"
         "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
         "<text class=\"title\" x=\"12\" y=\"20\">Times as fast as -O2</text>\n"
         "<rect class=\"aiopt\" x=\"12\" y=\"31\" width=\"14\" height=\"10\"/><text x=\"32\" y=\"40\">aiopt</text>\n"
         "<rect class=\"alone\" x=\"82\" y=\"31\" width=\"14\" height=\"10\"/><text x=\"102\" y=\"40\">left alone by "
         "aiopt</text>\n<line class=\"best\" x1=\"215\" x2=\"215\" y1=\"29\" y2=\"43\"/><text x=\"223\" y=\"40\">the "
         "kernel's best compiler build</text>\n<line class=\"interval\" x1=\"400\" x2=\"420\" y1=\"36\" y2=\"36\"/>"
         "<text x=\"426\" y=\"40\">95 % interval</text>\n<text x=\"12\" y=\"56\">",
         f);
  print_text (f, result->cpu);
  fprintf (f, ", %.10s</text>\n", result->date);
  print_grid (f, scale, bottom);
  for (unsigned k = 0; k < result->n_kernels; k++)
    print_bar (f, result, scale, &bar[k], TOP + ROW * k);
  fputs ("</svg>\n", f);
  free (bar);
}
