/* Everything that an A/B experiment measured, as JSON (schema 2; doc/ab.md).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/ab.h"
#include "cli/cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* VALUE as NAME, null where it is no number that JSON has.  */
static void
add_number (cJSON *json, const char *name, double value)
{
  if (isfinite (value))
    cJSON_AddNumberToObject (json, name, value);
  else
    cJSON_AddNullToObject (json, name);
}

static void
add_comparison (cJSON *json, const struct ab_metric *m)
{
  add_number (json, "ratio", m->ratio.estimate);
  add_number (json, "ratio_low", m->ratio.low);
  add_number (json, "ratio_high", m->ratio.high);
  add_number (json, "p", m->p);
  add_number (json, "noise", m->noise);
}

/* A number a pair and side: "NAME_a" and "NAME_b".  */
static void
add_series (cJSON *json, const char *name, double *const value[2], unsigned n)
{
  for (unsigned side = 0; side < 2; side++)
    {
      char key[64];
      snprintf (key, sizeof key, "%s_%c", name, "ab"[side]);
      cJSON_AddItemToObject (json, key, cJSON_CreateDoubleArray (value[side], (int)n));
    }
}

static cJSON *
to_json (const struct ab *ab, const struct cli_ab *options, const char *verdict)
{
  static const char *const verdict_slug[] = { "no-difference-shown", "faster", "slower" };
  static const char *const end_slug[]
      = { "all-run", "decided", "resolved", "timed-out", "interrupted" };
  const struct ab_metric *d = &ab->metric[ab->deciding];
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddNumberToObject (json, "schema", 2);
  cJSON_AddStringToObject (json, "verdict", verdict_slug[ab__verdict (ab)]);
  cJSON_AddStringToObject (json, "sentence", verdict);
  cJSON_AddStringToObject (json, "metric", d->key);
  add_comparison (json, d);
  cJSON_AddNumberToObject (json, "pairs", ab->n_pairs);
  cJSON_AddNumberToObject (json, "pairs_at_most", options->ab.pairs);
  cJSON_AddStringToObject (json, "end", end_slug[ab->end]);
  cJSON_AddNumberToObject (json, "looks", ab->looks);
  cJSON_AddNumberToObject (json, "look_level", ab->level);
  cJSON_AddNumberToObject (json, "seconds", ab->seconds);
  cJSON_AddNumberToObject (json, "layouts", ab->n_layouts);
  add_number (json, "layout_spread", ab->layout_spread);
  cJSON_AddBoolToObject (json, "interrupted", ab->interrupted);
  cJSON_AddNumberToObject (json, "warmup", options->ab.warmup);
  cJSON_AddNumberToObject (json, "seed", (double)options->ab.seed);
  if (options->ab.same_output)
    cJSON_AddTrueToObject (json, "same_output");
  else
    cJSON_AddNullToObject (json, "same_output");
  if (ab->metric[AB_CYCLES].measured)
    cJSON_AddNullToObject (json, "no_counters");
  else
    cJSON_AddStringToObject (json, "no_counters", ab->no_counters);
  struct utsname name;
  if (uname (&name) == 0)
    {
      cJSON_AddStringToObject (json, "host", name.nodename);
      cJSON_AddStringToObject (json, "kernel", name.release);
    }
  for (unsigned side = 0; side < 2; side++)
    {
      cJSON *argv = cJSON_AddArrayToObject (json, side ? "b" : "a");
      for (char **p = options->side[side]; *p; p++)
        cJSON_AddItemToArray (argv, cJSON_CreateString (*p));
    }
  cJSON *order = cJSON_AddArrayToObject (json, "order");
  for (unsigned i = 0; i < ab->n_pairs; i++)
    cJSON_AddItemToArray (order, cJSON_CreateString (ab->order[i] ? "BA" : "AB"));
  cJSON *layout = cJSON_AddArrayToObject (json, "layout");
  for (unsigned i = 0; i < ab->n_pairs; i++)
    cJSON_AddItemToArray (layout, cJSON_CreateNumber (ab->layout[i]));
  for (unsigned side = 0; side < 2; side++)
    {
      cJSON *bytes = cJSON_AddArrayToObject (json, side ? "environment_b" : "environment_a");
      for (unsigned i = 0; i < ab->n_pairs; i++)
        cJSON_AddItemToArray (bytes, cJSON_CreateNumber (ab->environment[side][i]));
    }
  add_series (json, "begin", ab->begin, ab->n_pairs);
  cJSON *metrics = cJSON_AddObjectToObject (json, "metrics");
  for (unsigned i = 0; i < ab->n_metrics; i++)
    {
      const struct ab_metric *m = &ab->metric[i];
      if (!m->measured)
        continue;
      cJSON *one = cJSON_AddObjectToObject (metrics, m->key);
      add_comparison (one, m);
      if (i != ab->deciding)
        add_number (one, "p_holm", m->holm);
      cJSON_AddStringToObject (one, "rung", rung__name (m->rung));
      cJSON_AddNumberToObject (one, "counted_share", m->share);
      cJSON_AddNumberToObject (one, "median_a", m->median[0]);
      cJSON_AddNumberToObject (one, "median_b", m->median[1]);
      cJSON_AddItemToObject (one, "a", cJSON_CreateDoubleArray (m->value[0], (int)ab->n_pairs));
      cJSON_AddItemToObject (one, "b", cJSON_CreateDoubleArray (m->value[1], (int)ab->n_pairs));
    }
  cJSON *missing = cJSON_AddObjectToObject (json, "not_counted");
  for (unsigned i = 0; i < ab->n_metrics; i++)
    if (!ab->metric[i].measured)
      cJSON_AddStringToObject (missing, ab->metric[i].key, ab->metric[i].missing);
  return json;
}

int
ab__write_json (const struct ab *ab, const struct cli_ab *options, const char *verdict)
{
  cJSON *json = to_json (ab, options, verdict);
  char *text = cJSON_Print (json);
  cJSON_Delete (json);
  if (!text)
    return cli__error ("aiopt ab", "out of memory");
  int status = CLI_OK;
  if (strcmp (options->json, "-") == 0)
    puts (text);
  else
    {
      FILE *f = fopen (options->json, "we");
      bool failed = !f || fprintf (f, "%s\n", text) < 0;
      if ((f && fclose (f) != 0) || failed)
        status = cli__error ("aiopt ab", "writing %s: %s", options->json, strerror (errno));
    }
  cJSON_free (text);
  return status;
}
