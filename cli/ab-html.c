/* An experiment as one page of HTML that loads nothing: the answer, the figures, the plots.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/ab-export.h"
#include "cli/ab-plot.h"

#include <stdlib.h>
#include <string.h>

/* Colours by Okabe and Ito (2008), which colour-blind people tell apart; lighter ones on dark.  */
static const char style[]
    = ":root{color-scheme:light dark;--back:#fff;--card:#f6f7f8;--ink:#1b1f23;--dim:#5a636d;"
      "--line:#d9dde2;--a:#0072b2;--b:#c04f00;--good:#007a55;--bad:#b3261e;--even:#6b5900;"
      "--noise:#c3c9d1}\n"
      "@media(prefers-color-scheme:dark){:root{--back:#14171a;--card:#1d2126;--ink:#e6e9ec;"
      "--dim:#a3adb8;--line:#363d45;--a:#56b4e9;--b:#f0a23c;--good:#3ecf9b;--bad:#ff8a80;"
      "--even:#e6cf5c;--noise:#4a535d}}\n"
      "*{box-sizing:border-box}\n"
      "body{margin:0 auto;max-width:1240px;padding:20px 16px 40px;background:var(--back);"
      "color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
      "h1{font-size:1.5rem;line-height:1.3;margin:0 0 .6rem;padding-left:.7rem;"
      "border-left:6px solid var(--even);overflow-wrap:anywhere}\n"
      "h1::first-letter{text-transform:uppercase}\n"
      "h1.faster{border-color:var(--good)}h1.slower{border-color:var(--bad)}\n"
      "h2{font-size:1.05rem;margin:0 0 .3rem}\n"
      "p{margin:.3rem 0}.dim,figcaption{color:var(--dim);font-size:.875rem}\n"
      "dl{display:grid;grid-template-columns:auto 1fr;gap:.15rem .8rem;margin:.6rem 0}\n"
      "dt{color:var(--dim)}dd{margin:0;min-width:0}\n"
      "code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere;"
      "unicode-bidi:isolate;white-space:pre-wrap}\n"
      ".key{font-weight:700}.key.a{color:var(--a)}.key.b{color:var(--b)}\n"
      "table{border-collapse:collapse;width:100%;margin:1rem 0 .3rem;"
      "font-variant-numeric:tabular-nums}\n"
      "th,td{padding:.35rem .6rem;text-align:right;border-bottom:1px solid var(--line)}\n"
      "th{font-weight:600}thead th{color:var(--dim);font-size:.875rem;vertical-align:bottom}\n"
      "th[scope=row],thead th:first-child,.left{text-align:left!important}\n"
      "th[scope=row]{overflow-wrap:anywhere}tr.decides{background:var(--card)}\n"
      ".tag{display:inline-block;font-size:.75rem;font-weight:400;color:var(--dim);"
      "border:1px solid var(--line);border-radius:9px;padding:0 .5em;margin-left:.4em}\n"
      "main{columns:2;column-gap:16px;margin-top:1.2rem}\n"
      "figure{break-inside:avoid;margin:0 0 16px;padding:12px "
      "14px;background:var(--card);border-radius:8px}\n"
      "svg{display:block;width:100%;height:auto}\n"
      "svg text{font:11.5px system-ui,sans-serif;fill:var(--ink)}\n"
      ".axis text,.unit{fill:var(--dim)!important}.axis line{stroke:var(--line);stroke-width:1}\n"
      "svg text.side{font-size:17px;font-weight:700}svg text.name{font-size:12.5px}\n"
      ".dot{fill-opacity:.6}.out{fill:none;stroke-width:1.2}\n"
      ".dot.a{fill:var(--a)}.dot.b{fill:var(--b)}.dot.pair{fill:var(--ink);fill-opacity:.45}\n"
      ".out.a{stroke:var(--a)}.out.b{stroke:var(--b)}.out.pair{stroke:var(--ink)}\n"
      ".box rect{fill:var(--card);fill-opacity:.85;stroke-width:1.5}.box line{stroke-width:1.5}\n"
      ".box.a rect,.box.a line{stroke:var(--a)}.box.b rect,.box.b line{stroke:var(--b)}\n"
      ".box line.median{stroke:var(--ink);stroke-width:2.5}\n"
      ".running{fill:none;stroke-width:2}.running.a{stroke:var(--a)}\n"
      ".running.b{stroke:var(--b);stroke-dasharray:6 3}\n"
      ".noise{fill:var(--noise);fill-opacity:.55}.bar{fill:var(--dim)}.bar.decides{fill:var(--a)}\n"
      ".centre{fill:var(--ink)}.band{fill:var(--a);fill-opacity:.22}\n"
      ".estimate{stroke:var(--a);stroke-width:2}\n"
      ".one{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:4 3}\n"
      ".layout{stroke:var(--b);stroke-width:2.5}\n"
      "footer{margin-top:1.4rem;border-top:1px solid var(--line);padding-top:.6rem}\n"
      "@media(max-width:860px){main{columns:1}}\n"
      "@media(max-width:720px){body{padding:14px 12px 30px}h1{font-size:1.25rem}\n"
      "table,tbody,tr,th[scope=row],td{display:block}thead{position:absolute;clip-path:inset(50%);"
      "width:1px;height:1px;overflow:hidden}\n"
      "tr{display:grid;grid-template-columns:1.5fr 1fr .9fr;gap:.2rem .6rem;padding:.5rem .6rem;"
      "border-bottom:1px solid var(--line)}th,td{border:0;padding:0;text-align:left}\n"
      "th[scope=row],td:last-child{grid-column:1/-1}\n"
      "td::before{content:attr(data-label);color:var(--dim);display:block;font-size:.8rem}\n"
      "td:last-child::before{display:inline;margin-right:.5em}\n"
      "figure{padding:10px 8px}svg text{font-size:13px}svg text.name{font-size:13.5px}}\n"
      "@media print{main{columns:1}}\n";

/* Term KEY, of side SIDE, and ARGV.  */
static void
command (FILE *f, unsigned side, char *const *argv)
{
  char *text = ab_report__command (argv);
  fprintf (f, "<dt class=\"key %c\">%c</dt><dd><code>", side ? 'b' : 'a', side ? 'B' : 'A');
  html__text (f, text ? text : "?");
  fputs ("</code></dd>\n", f);
  free (text);
}

/* TEXT for a heading: no line begins with "%".  */
static void
heading (FILE *f, const char *text)
{
  char part[400];
  for (const char *end; (end = strstr (text, " %")) != NULL; text = end + 1)
    {
      snprintf (part, sizeof part, "%.*s", (int)(end - text), text);
      html__text (f, part);
      fputs ("&nbsp;", f);
    }
  html__text (f, text);
}

/* What was measured and how.  */
static void
conditions (FILE *f, const struct ab_report *report)
{
  const struct ab *ab = report->ab;
  char seconds[32];
  fputs ("<dl>\n", f);
  command (f, 0, report->argv[0]);
  command (f, 1, report->argv[1]);
  fprintf (f, "<dt>Runs</dt><dd>%u pairs in %s; %s", ab->n_pairs,
           ab_metric__quantity (&ab->metric[AB_WALL], ab->seconds, seconds),
           ab_end__name (ab->end));
  if (report->same_output)
    fputs ("; standard output was the same in all runs", f);
  if (ab->n_layouts > 1)
    fprintf (f, "; %u link layouts", ab->n_layouts);
  fputs ("</dd>\n<dt>Machine</dt><dd>", f);
  html__text (f, report->host);
  fputs (": ", f);
  html__text (f, report->cpu);
  fputs (", ", f);
  html__text (f, report->kernel);
  fputs ("</dd>\n<dt>Date</dt><dd>", f);
  html__text (f, report->date);
  fputs ("</dd>\n</dl>\n", f);
}

static void
cell (FILE *f, const char *label, const char *text)
{
  fprintf (f, "<td role=\"cell\" data-label=\"%s\">", label);
  html__text (f, text);
  fputs ("</td>", f);
}

/* The metrics that were measured, a row each.  */
static void
table (FILE *f, const struct ab *ab)
{
  static const char *const heading[]
      = { "Median", "A", "B", "A/B", "95 % interval", "p", "A/A noise", "Stands on" };
  fputs ("<table role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">", f);
  for (unsigned i = 0; i < sizeof heading / sizeof *heading; i++)
    fprintf (f, "<th scope=\"col\" role=\"columnheader\">%s</th>", heading[i]);
  fputs ("</tr></thead>\n<tbody role=\"rowgroup\">\n", f);
  for (unsigned m = 0; m < ab->n_metrics; m++)
    {
      const struct ab_metric *metric = &ab->metric[m];
      char text[96], low[32], high[32];
      if (!metric->measured)
        continue;
      fprintf (f, "<tr role=\"row\"%s><th scope=\"row\" role=\"rowheader\">",
               m == ab->deciding ? " class=\"decides\"" : "");
      html__text (f, metric->name);
      fprintf (f, "%s</th>", m == ab->deciding ? "<span class=\"tag\">decides</span>" : "");
      cell (f, "A", ab_metric__quantity (metric, metric->median[0], text));
      cell (f, "B", ab_metric__quantity (metric, metric->median[1], text));
      cell (f, "A/B", ab_metric__ratio (metric, metric->ratio.estimate, text));
      snprintf (text, sizeof text, "%s to %s", ab_metric__ratio (metric, metric->ratio.low, low),
                ab_metric__ratio (metric, metric->ratio.high, high));
      cell (f, "95 % interval", text);
      cell (f, "p", ab_metric__p (metric->holm, text));
      cell (f, "A/A noise", ab__per_cent (metric->noise, text));
      cell (f, "Stands on", ab_metric__stands_on (metric, text));
      fputs ("</tr>\n", f);
    }
  fputs ("</tbody>\n</table>\n"
         "<p class=\"dim\">A/B above 1: B takes less. p: signed-rank test; corrected for several "
         "metrics (Holm) where "
         "the metric doesn\342\200\231t decide. A/A noise: 95 % of experiments of this size with "
         "two equal programs "
         "end below it.</p>\n",
         f);
  if (*ab->no_counters)
    {
      fputs ("<p class=\"dim\">No cycle counts: ", f);
      html__text (f, ab->no_counters);
      fputs (".</p>\n", f);
    }
}

static void
begin_figure (FILE *f, const char *title)
{
  fprintf (f, "<figure>\n<h2>%s</h2>\n", title);
}

static void
end_figure (FILE *f, const char *caption)
{
  fprintf (f, "<figcaption>%s</figcaption>\n</figure>\n", caption);
}

static void
plots (FILE *f, const struct ab *ab)
{
  const struct ab_metric *metric = &ab->metric[ab->deciding];
  char text[300], spread[32];
  fputs ("<main>\n", f);
  begin_figure (f, "A/B by metric");
  ab_plot__ratios (f, ab);
  end_figure (f, "Diamond: estimate; bar: 95 % interval; grey: noise of A against A. A bar clear "
                 "of the dashed line excludes equality, for that metric alone.");
  begin_figure (f, "Distribution");
  ab_plot__distribution (f, ab, metric);
  end_figure (f, "A dot for each run; the box holds the middle half, its line is the median, "
                 "whiskers reach from 5 to "
                 "95 %. Hollow triangles mark runs "
                 "beyond the axis.");
  begin_figure (f, "Order of the runs");
  ab_plot__order (f, ab, metric);
  end_figure (
      f,
      "Lines: running medians of A (solid) and B (dashed). What bends both is the machine, not the "
      "programs.");
  begin_figure (f, "A/B by pair");
  ab_plot__pairs (f, ab, metric);
  end_figure (f,
              "Band and line: 95 % interval and estimate over all pairs; dashed: no difference.");
  if (ab->n_layouts > 1)
    {
      begin_figure (f, "A/B by link layout");
      ab_plot__layouts (f, ab, metric);
      snprintf (text, sizeof text,
                "Bars: the layouts\342\200\231 medians. Between layouts A/B spreads by %s "
                "(standard deviation, "
                "noise taken off).",
                ab__per_cent (ab->layout_spread, spread));
      end_figure (f, text);
    }
  fputs ("</main>\n", f);
  if (ab_plot__stride (ab) > 1)
    fprintf (f,
             "<p class=\"dim\">Dots: one of %u pairs is drawn; boxes, lines and intervals are of "
             "all.</p>\n",
             ab_plot__stride (ab));
}

void
ab_report__html (FILE *f, const struct ab_report *report)
{
  static const char *const verdict[] = { "even", "faster", "slower" };
  fputs ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
         f);
  html__text (f, report->sentence);
  fprintf (f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1 class=\"%s\">", style,
           verdict[ab__verdict (report->ab)]);
  heading (f, report->sentence);
  fputs ("</h1>\n", f);
  conditions (f, report);
  fputs ("</header>\n", f);
  table (f, report->ab);
  plots (f, report->ab);
  fputs (
      "<footer class=\"dim\">Measured by <code>aiopt ab</code> " AIOPT_VERSION
      ". <code>--csv</code> and <code>--json</code> give all values.</footer>\n</body>\n</html>\n",
      f);
}
