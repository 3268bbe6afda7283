/* Plots of an experiment as SVG.
   A is round and B is square, besides their colours.  Axes leave out no more than what lies farther
   from the quartiles than three times their distance; what does is drawn at the edge, as a hollow
   triangle. SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/ab-plot.h"

#include "cli/ab-export.h"
#include "bench/statistics.h"
#include "machine/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
  WIDTH = 420,
  LEFT = 54,
  RIGHT = WIDTH - 10,
  TOP = 8,
  FOOT = 40,       /* under the plot: numbers and what they are */
  TICKS = 5,       /* about so many on an axis */
  DOTS_MOST = 500, /* a side; of more pairs some are left out, evenly */
  RUNNING = 12     /* points of a line of running medians */
};

static const double FENCE
    = 3; /* distances of the quartiles that an axis shows beyond them (Tukey's outer fences) */

/* An area with axes.  */
struct plot
{
  FILE *f;
  double top, bottom;
  double x_low, x_high, y_low, y_high;
};

void
html__text (FILE *f, const char *text)
{
  while (*text)
    {
      uint32_t point;
      unsigned length = utf8__decode (text, strnlen (text, 4), &point);
      if (!length || point < ' ' || (point >= 0x7f && point < 0xa0))
        fputs ("\357\277\275", f);
      else if (strchr ("&<>\"'", *text))
        fprintf (f, "&#%u;", (unsigned) *text);
      else
        fwrite (text, 1, length, f);
      text += length ? length : 1;
    }
}

/* The finite ones of X[N], sorted; *COUNT of them.  Malloc'ed.  */
static double *
sorted (const double *x, unsigned n, unsigned *count)
{
  double *copy = malloc ((n + 1) * sizeof *copy);
  if (!copy)
    abort ();
  *count = 0;
  for (unsigned i = 0; i < n; i++)
    if (isfinite (x[i]))
      copy[(*count)++] = x[i];
  statistics__sort (copy, *count);
  return copy;
}

/* Widens LOW and HIGH to what an axis should show of X[N].  */
static void
widen (const double *x, unsigned n, double *low, double *high)
{
  unsigned count;
  double *s = sorted (x, n, &count);
  if (count)
    {
      double first = statistics__quantile (s, count, 0.25), third = statistics__quantile (s, count, 0.75);
      double fence = FENCE * (third - first);
      unsigned from = 0, to = count - 1;
      while (s[from] < first - fence)
        from++;
      while (s[to] > third + fence)
        to--;
      *low = fmin (*low, s[from]);
      *high = fmax (*high, s[to]);
    }
  free (s);
}

/* Leaves some air at both ends, and no empty range.  */
static void
pad (double *low, double *high)
{
  if (!(*low <= *high))
    *low = *high = 1;
  double air = *high > *low ? 0.06 * (*high - *low) : fabs (*low) * 0.05 + 1e-12;
  *low -= air;
  *high += air;
}

/* A step of 1, 2 or 5 times a power of ten that divides SPAN into about TICKS.  */
static double
tick_step (double span)
{
  double rough = span / TICKS, power = pow (10, floor (log10 (rough)));
  double lead = rough / power;
  return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

static double
plot__x (const struct plot *plot, double x)
{
  double t = (x - plot->x_low) / (plot->x_high - plot->x_low);
  return LEFT + fmin (1, fmax (0, t)) * (RIGHT - LEFT);
}

static double
plot__y (const struct plot *plot, double y)
{
  double t = (y - plot->y_low) / (plot->y_high - plot->y_low);
  return plot->bottom - fmin (1, fmax (0, t)) * (plot->bottom - plot->top);
}

/* Begins an SVG of HEIGHT with a title and a description, for those who don't see it.  ID is unique
   in the page.  */
static void
svg__begin (FILE *f, const char *id, double height, const char *title, const char *description)
{
  fprintf (f,
           "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"%s-t %s-d\">\n"
           "<title id=\"%s-t\">",
           WIDTH, height, id, id, id);
  html__text (f, title);
  fprintf (f, "</title>\n<desc id=\"%s-d\">", id);
  html__text (f, description);
  fputs ("</desc>\n", f);
}

static void
svg__end (FILE *f)
{
  fputs ("</svg>\n", f);
}

/* How ticks of STEP are written: the decimals that they need.  */
static int
tick_decimals (double step)
{
  return step >= 1 ? 0 : (int)fmin (9, ceil (-log10 (step) - 1e-9));
}

/* Numbers along the bottom, FACTOR times the values, and TITLE beneath.  */
static void
axis_x (const struct plot *plot, double factor, const char *title)
{
  double low = plot->x_low * factor, high = plot->x_high * factor, step = tick_step (high - low);
  fputs ("<g class=\"axis\">", plot->f);
  for (double t = ceil (low / step) * step; t <= high; t += step)
    {
      double x = plot__x (plot, t / factor);
      fprintf (plot->f,
               "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
               "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.*f</text>",
               x, x, plot->top, plot->bottom, x, plot->bottom + 15, tick_decimals (step),
               fabs (t) < step / 2 ? 0 : t);
    }
  fprintf (plot->f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", RIGHT, plot->bottom + 32);
  html__text (plot->f, title);
  fputs ("</text></g>\n", plot->f);
}

/* Numbers along the left.  */
static void
axis_y (const struct plot *plot, double factor)
{
  double low = plot->y_low * factor, high = plot->y_high * factor, step = tick_step (high - low);
  fputs ("<g class=\"axis\">", plot->f);
  for (double t = ceil (low / step) * step; t <= high; t += step)
    {
      double y = plot__y (plot, t / factor);
      fprintf (plot->f,
               "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
               "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.*f</text>",
               LEFT, RIGHT, y, y, LEFT - 5, y + 4, tick_decimals (step),
               fabs (t) < step / 2 ? 0 : t);
    }
  fputs ("</g>\n", plot->f);
}

/* What VALUE of METRIC is divided into for an axis; UNIT gets its name.  */
static double
axis_unit (const struct ab_metric *metric, double value, const char **unit)
{
  bool seconds = metric->unit == AB_SECONDS;
  static const char *const name[2][4]
      = { { "", "thousands", "millions", "billions" }, { "s", "ms", "us", "ns" } };
  unsigned i = 0;
  double factor = 1;
  if (seconds)
    for (; i < 3 && value * factor < 1; i++)
      factor *= 1e3;
  else
    for (; i < 3 && value * factor >= 1e4; i++)
      factor /= 1e3;
  *unit = name[seconds][i];
  return factor;
}

/* A run's dot at X, Y (pixels): SIDE 0 round, 1 square, 2 a pair's.  OUT: it lies beyond the axis
   by so many directions (-1 left or below, 1 right or above, 0 inside); VERTICAL: of y.  */
static void
dot (FILE *f, unsigned side, double x, double y, int out, bool vertical)
{
  static const char *const name[] = { "a", "b", "pair" };
  if (out)
    {
      double along = 4.5 * out;
      if (vertical)
        fprintf (f, "<path class=\"out %s\" d=\"M%.1f %.1fl-3.5 %.1fh7z\"/>", name[side], x,
                 y - along, along);
      else
        fprintf (f, "<path class=\"out %s\" d=\"M%.1f %.1fl%.1f -3.5v7z\"/>", name[side], x + along,
                 y, -along);
    }
  else if (side == 1)
    fprintf (f, "<rect class=\"dot b\" x=\"%.1f\" y=\"%.1f\" width=\"4.6\" height=\"4.6\"/>",
             x - 2.3, y - 2.3);
  else
    fprintf (f, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>", name[side], x, y);
}

static int
beyond (double value, double low, double high)
{
  return value < low ? -1 : value > high ? 1 : 0;
}

unsigned
ab_plot__stride (const struct ab *ab)
{
  return (ab->n_pairs + DOTS_MOST - 1) / DOTS_MOST;
}

/* A metric's ratio and interval, on a scale of logarithms.  */
void
ab_plot__ratios (FILE *f, const struct ab *ab)
{
  enum
  {
    ROW = 40,
    LABEL_MOST = 40 /* bytes of a name that fit */
  };
  struct plot plot = { .f = f, .top = TOP, .x_low = 0, .x_high = 0 };
  unsigned rows = 0;
  const double farthest = log (64);
  for (unsigned m = 0; m < ab->n_metrics; m++)
    if (ab->metric[m].measured)
      {
        const struct ab_metric *metric = &ab->metric[m];
        double noise = isfinite (metric->noise) ? log1p (metric->noise) : 0;
        double low = fmin (log (metric->ratio.low), -noise);
        double high = fmax (log (metric->ratio.high), noise);
        plot.x_low = fmin (plot.x_low, fmax (low, -farthest));
        plot.x_high = fmax (plot.x_high, fmin (high, farthest));
        rows++;
      }
  pad (&plot.x_low, &plot.x_high);
  plot.bottom = plot.top + ROW * rows;
  /* Names stand above their rows, so the left margin isn't needed, but all plots line up.  */
  char description[200];
  snprintf (description, sizeof description,
            "For each metric, A divided by B with its 95 %% interval. Right of 1, B takes less.");
  svg__begin (f, "ratios", plot.bottom + FOOT, "Ratio of A to B, by metric", description);
  double low = exp (plot.x_low), high = exp (plot.x_high), step = tick_step (high - low);
  fputs ("<g class=\"axis\">", f);
  for (double t = ceil (low / step) * step; t <= high; t += step)
    if (t > 0)
      {
        double x = plot__x (&plot, log (t));
        fprintf (f,
                 "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                 "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.*f</text>",
                 x, x, plot.top, plot.bottom, x, plot.bottom + 15, tick_decimals (step), t);
      }
  fprintf (f, "<text x=\"%d\" y=\"%.1f\">\342\206\220 B takes more</text>", LEFT, plot.bottom + 32);
  fprintf (
      f,
      "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">A/B: B takes less \342\206\222</text></g>\n",
      RIGHT, plot.bottom + 32);
  double one = plot__x (&plot, 0);
  fprintf (f, "<line class=\"one\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", one, one,
           plot.top, plot.bottom);
  double y = plot.top;
  for (unsigned m = 0; m < ab->n_metrics; m++)
    {
      const struct ab_metric *metric = &ab->metric[m];
      char name[COUNTERS_NAME_SIZE], ratio[32];
      if (!metric->measured)
        continue;
      snprintf (name, sizeof name, "%.*s%s", LABEL_MOST, metric->name,
                strlen (metric->name) > LABEL_MOST ? "..." : "");
      double at = y + 27, noise = isfinite (metric->noise) ? log1p (metric->noise) : 0;
      double left = plot__x (&plot, log (metric->ratio.low)),
             right = plot__x (&plot, log (metric->ratio.high));
      fprintf (f, "<rect class=\"noise\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"16\"/>",
               plot__x (&plot, -noise), at - 8, plot__x (&plot, noise) - plot__x (&plot, -noise));
      fprintf (f, "<text class=\"name\" x=\"%d\" y=\"%.1f\">", LEFT, y + 13);
      html__text (f, name);
      fprintf (f, "</text><text class=\"name\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
               RIGHT, y + 13, ab_metric__ratio (metric, metric->ratio.estimate, ratio));
      fprintf (f, "<rect class=\"bar%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"6\"/>",
               m == ab->deciding ? " decides" : "", left, at - 3, fmax (1.5, right - left));
      double centre = plot__x (&plot, log (metric->ratio.estimate));
      fprintf (f, "<path class=\"centre\" d=\"M%.1f %.1fl5 -6 5 6 -5 6z\"/>\n", centre - 5, at);
      y += ROW;
    }
  svg__end (f);
}

void
ab_plot__distribution (FILE *f, const struct ab *ab, const struct ab_metric *metric)
{
  enum
  {
    ROW = 84,
    CLOUD = 40,
    BOX = 12
  };
  struct plot plot
      = { .f = f, .top = TOP, .bottom = TOP + 2 * ROW, .x_low = INFINITY, .x_high = -INFINITY };
  char description[300], median[2][32];
  const char *unit;
  for (unsigned side = 0; side < 2; side++)
    {
      widen (metric->value[side], ab->n_pairs, &plot.x_low, &plot.x_high);
      ab_metric__quantity (metric, metric->median[side], median[side]);
    }
  pad (&plot.x_low, &plot.x_high);
  snprintf (description, sizeof description,
            "A dot for each run and a box from quartile to quartile. "
            "Medians: A %s, B %s.",
            median[0], median[1]);
  char title[200];
  snprintf (title, sizeof title, "Distribution of %s", metric->name);
  svg__begin (f, "distribution", plot.bottom + FOOT, title, description);
  double factor = axis_unit (metric, fmin (metric->median[0], metric->median[1]), &unit);
  snprintf (title, sizeof title, "%.60s%s%s", metric->name, *unit ? ", " : "", unit);
  axis_x (&plot, factor, title);
  for (unsigned side = 0; side < 2; side++)
    {
      double middle = plot.top + ROW * side + 8 + CLOUD / 2.0;
      unsigned n;
      double *s = sorted (metric->value[side], ab->n_pairs, &n);
      fprintf (f, "<text class=\"side\" x=\"%d\" y=\"%.1f\">%c</text>\n<g>", LEFT - 30, middle + 14,
               side ? 'B' : 'A');
      for (unsigned i = 0; i < ab->n_pairs; i += ab_plot__stride (ab))
        {
          /* Spread by the golden ratio: neighbours in time don't hide each other.  */
          double spread = fmod (i * 0.6180339887, 1) - 0.5, value = metric->value[side][i];
          dot (f, side, plot__x (&plot, value), middle + spread * CLOUD,
               beyond (value, plot.x_low, plot.x_high), false);
        }
      fputs ("</g>\n", f);
      if (n)
        {
          double first = plot__x (&plot, statistics__quantile (s, n, 0.25)),
                 third = plot__x (&plot, statistics__quantile (s, n, 0.75));
          double half = plot__x (&plot, statistics__quantile (s, n, 0.5)), top = middle + CLOUD / 2.0 + 5;
          fprintf (f,
                   "<g class=\"box %c\"><line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                   "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>"
                   "<line class=\"median\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/></g>\n",
                   side ? 'b' : 'a', plot__x (&plot, statistics__quantile (s, n, 0.05)),
                   plot__x (&plot, statistics__quantile (s, n, 0.95)), top + BOX / 2.0, top + BOX / 2.0, first,
                   top, fmax (1, third - first), BOX, half, half, top - 2, top + BOX + 2);
        }
      free (s);
    }
  svg__end (f);
}

/* A line through medians of consecutive parts of Y over X, [N] each.  */
static void
running_medians (const struct plot *plot, const char *class, const double *x, const double *y,
                 unsigned n)
{
  unsigned parts = n / 3 < RUNNING ? n / 3 : RUNNING;
  if (parts < 2)
    return;
  fprintf (plot->f, "<polyline class=\"running %s\" points=\"", class);
  for (unsigned i = 0; i < parts; i++)
    {
      unsigned from = (unsigned)((size_t)n * i / parts),
               to = (unsigned)((size_t)n * (i + 1) / parts);
      fprintf (plot->f, "%s%.1f,%.1f", i ? " " : "",
               plot__x (plot, statistics__median (x + from, to - from)),
               plot__y (plot, statistics__median (y + from, to - from)));
    }
  fputs ("\"/>\n", plot->f);
}

void
ab_plot__order (FILE *f, const struct ab *ab, const struct ab_metric *metric)
{
  struct plot plot = { .f = f,
                       .top = TOP + 14,
                       .bottom = TOP + 190,
                       .x_low = 0,
                       .x_high = 0,
                       .y_low = INFINITY,
                       .y_high = -INFINITY };
  const char *unit;
  char title[200];
  for (unsigned side = 0; side < 2; side++)
    {
      widen (metric->value[side], ab->n_pairs, &plot.y_low, &plot.y_high);
      for (unsigned i = 0; i < ab->n_pairs; i++)
        plot.x_high = fmax (plot.x_high, ab->begin[side][i]);
    }
  pad (&plot.y_low, &plot.y_high);
  plot.x_high += plot.x_high > 0 ? 0.02 * plot.x_high : 1;
  plot.x_low = -0.02 * plot.x_high;
  snprintf (title, sizeof title, "%.80s of each run over time", metric->name);
  svg__begin (
      f, "order", plot.bottom + FOOT, title,
      "A dot for each run, at the time at which it began, and lines through running medians. A "
      "slope or a step that both share is a change of the machine.");
  double factor = axis_unit (metric, fmin (metric->median[0], metric->median[1]), &unit);
  axis_x (&plot, 1, "began, s after the first");
  axis_y (&plot, factor);
  fprintf (f, "<text class=\"unit\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 5,
           TOP + 4, unit);
  fprintf (f, "<g class=\"legend\">");
  dot (f, 0, RIGHT - 66, TOP + 1, 0, true);
  fprintf (f, "<text x=\"%d\" y=\"%d\">A</text>", RIGHT - 58, TOP + 5);
  dot (f, 1, RIGHT - 26, TOP + 1, 0, true);
  fprintf (f, "<text x=\"%d\" y=\"%d\">B</text></g>\n", RIGHT - 18, TOP + 5);
  for (unsigned side = 0; side < 2; side++)
    {
      fputs ("<g>", f);
      for (unsigned i = 0; i < ab->n_pairs; i += ab_plot__stride (ab))
        dot (f, side, plot__x (&plot, ab->begin[side][i]), plot__y (&plot, metric->value[side][i]),
             beyond (metric->value[side][i], plot.y_low, plot.y_high), true);
      fputs ("</g>\n", f);
    }
  for (unsigned side = 0; side < 2; side++)
    running_medians (&plot, side ? "b" : "a", ab->begin[side], metric->value[side], ab->n_pairs);
  svg__end (f);
}

/* A/B of each pair; malloc'ed.  NaN where there is none.  */
static double *
pair_ratios (const struct ab *ab, const struct ab_metric *metric)
{
  double *ratio = malloc ((ab->n_pairs + 1) * sizeof *ratio);
  if (!ratio)
    abort ();
  for (unsigned i = 0; i < ab->n_pairs; i++)
    ratio[i] = metric->value[0][i] > 0 && metric->value[1][i] > 0
                   ? metric->value[0][i] / metric->value[1][i]
                   : NAN;
  return ratio;
}

/* The interval of METRIC's ratio and 1, over the whole width.  */
static void
ratio_band (const struct plot *plot, const struct ab_metric *metric)
{
  double top = plot__y (plot, metric->ratio.high), bottom = plot__y (plot, metric->ratio.low);
  double middle = plot__y (plot, metric->ratio.estimate), one = plot__y (plot, 1);
  fprintf (plot->f,
           "<rect class=\"band\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>"
           "<line class=\"estimate\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
           "<line class=\"one\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
           LEFT, top, RIGHT - LEFT, fmax (1, bottom - top), LEFT, RIGHT, middle, middle, LEFT,
           RIGHT, one, one);
}

/* A plot whose y axis shows RATIO of all pairs, the interval and 1.  */
static struct plot
ratio_plot (FILE *f, const struct ab *ab, const struct ab_metric *metric, const double *ratio)
{
  struct plot plot = { .f = f, .top = TOP, .bottom = TOP + 176, .y_low = 1, .y_high = 1 };
  widen (ratio, ab->n_pairs, &plot.y_low, &plot.y_high);
  if (isfinite (metric->ratio.estimate))
    widen (&metric->ratio.estimate, 1, &plot.y_low, &plot.y_high);
  pad (&plot.y_low, &plot.y_high);
  return plot;
}

void
ab_plot__pairs (FILE *f, const struct ab *ab, const struct ab_metric *metric)
{
  double *ratio = pair_ratios (ab, metric);
  struct plot plot = ratio_plot (f, ab, metric, ratio);
  char description[300], estimate[32], low[32], high[32];
  snprintf (description, sizeof description,
            "A divided by B for each pair. The band is the 95 %% interval of the whole: %s, from "
            "%s to %s.",
            ab_metric__ratio (metric, metric->ratio.estimate, estimate),
            ab_metric__ratio (metric, metric->ratio.low, low),
            ab_metric__ratio (metric, metric->ratio.high, high));
  plot.x_low = 0.5 - 0.02 * ab->n_pairs;
  plot.x_high = ab->n_pairs + 0.5 + 0.02 * ab->n_pairs;
  svg__begin (f, "pairs", plot.bottom + FOOT, "Ratio of A to B, by pair", description);
  axis_x (&plot, 1, "pair");
  axis_y (&plot, 1);
  ratio_band (&plot, metric);
  for (unsigned i = 0; i < ab->n_pairs; i += ab_plot__stride (ab))
    if (isfinite (ratio[i]))
      dot (f, 2, plot__x (&plot, i + 1), plot__y (&plot, ratio[i]),
           beyond (ratio[i], plot.y_low, plot.y_high), true);
  svg__end (f);
  free (ratio);
}

/* A link layout and the median of its pairs' ratios.  */
struct layout
{
  unsigned number;
  double median;
};

static int
compare_layouts (const void *a, const void *b)
{
  const struct layout *x = a, *y = b;
  return (x->median > y->median) - (x->median < y->median);
}

void
ab_plot__layouts (FILE *f, const struct ab *ab, const struct ab_metric *metric)
{
  double *ratio = pair_ratios (ab, metric), *own = malloc ((ab->n_pairs + 1) * sizeof *own);
  struct layout *layout = calloc (ab->n_layouts + 1, sizeof *layout);
  struct plot plot = ratio_plot (f, ab, metric, ratio);
  unsigned n = 0;
  if (!own || !layout)
    abort ();
  for (unsigned l = 0; l < ab->n_layouts; l++)
    {
      unsigned count = 0;
      for (unsigned i = 0; i < ab->n_pairs; i++)
        if (ab->layout[i] == l && isfinite (ratio[i]))
          own[count++] = ratio[i];
      if (count)
        layout[n++] = (struct layout){ l, statistics__median (own, count) };
    }
  qsort (layout, n, sizeof *layout, compare_layouts);
  char description[200];
  snprintf (description, sizeof description,
            "%u link layouts, ordered by the median of A divided by B: from %.3f to %.3f.", n,
            n ? layout[0].median : NAN, n ? layout[n - 1].median : NAN);
  plot.x_low = 0.5;
  plot.x_high = fmax (1, n) + 0.5;
  svg__begin (f, "layouts", plot.bottom + FOOT / 2.0 + 4, "Ratio of A to B, by link layout",
              description);
  axis_y (&plot, 1);
  fprintf (f,
           "<g class=\"axis\"><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">link layouts, by their "
           "median</text></g>\n",
           RIGHT, plot.bottom + 18);
  ratio_band (&plot, metric);
  double half = fmin (14, 0.4 * (RIGHT - LEFT) / fmax (1, n));
  for (unsigned k = 0; k < n; k++)
    {
      double x = plot__x (&plot, k + 1), y = plot__y (&plot, layout[k].median);
      for (unsigned i = 0; i < ab->n_pairs; i++)
        if (ab->layout[i] == layout[k].number && isfinite (ratio[i]) && n <= DOTS_MOST)
          dot (f, 2, x, plot__y (&plot, ratio[i]), beyond (ratio[i], plot.y_low, plot.y_high),
               true);
      fprintf (f, "<line class=\"layout\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
               x - half, x + half, y, y);
    }
  svg__end (f);
  free (layout);
  free (own);
  free (ratio);
}
