/* A benchmark's results as JSON; doc/benchmark.md names the members.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/run-result.h"
#include <math.h>

/* Three significant digits more than the measurement has.  */
static double
rounded (double x)
{
  return isfinite (x) ? round (x * 1e5) / 1e5 : x;
}

static cJSON *
interval_json (struct interval interval)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddNumberToObject (json, "estimate", rounded (interval.estimate));
  cJSON_AddNumberToObject (json, "low", rounded (interval.low));
  cJSON_AddNumberToObject (json, "high", rounded (interval.high));
  return json;
}

static cJSON *
kernel_json (const struct run_result *result, const struct run_kernel *kernel)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "kernel", kernel->name);
  cJSON_AddStringToObject (json, "field", kernel->field);
  cJSON_AddItemToObject (json, "sizes", cJSON_CreateDoubleArray (kernel->size, (int) kernel->n_sizes));
  cJSON *builds = cJSON_AddObjectToObject (json, "builds");
  for (unsigned b = 0; b < result->n_builds; b++)
    {
      const struct run_timing *timing = &kernel->build[b];
      cJSON *build = cJSON_AddObjectToObject (builds, result->build[b].name);
      cJSON_AddItemToObject (build, "seconds", cJSON_CreateDoubleArray (timing->seconds, (int) kernel->n_sizes));
      cJSON_AddItemToObject (build, "over_o2", interval_json (timing->over_o2));
      double by_size[RUN_SIZES_MAX];
      for (unsigned s = 0; s < kernel->n_sizes; s++)
        by_size[s] = rounded (timing->over_o2_by_size[s]);
      cJSON_AddItemToObject (build, "over_o2_by_size", cJSON_CreateDoubleArray (by_size, (int) kernel->n_sizes));
      cJSON_AddStringToObject (build, "result", timing->result);
      if (b != result->aiopt)
        cJSON_AddItemToObject (build, "aiopt_over", interval_json (kernel->aiopt_over[b]));
    }
  if (kernel->timed_again)
    cJSON_AddItemToObject (json, "aiopt_over_o2_first", interval_json (kernel->first));
  cJSON_AddStringToObject (json, "best_compiler", result->build[kernel->best].name);
  cJSON_AddItemToObject (json, "aiopt_over_best", interval_json (kernel->aiopt_over_best));
  cJSON *tuned = cJSON_AddObjectToObject (json, "tuned");
  cJSON_AddBoolToObject (tuned, "rewritten", kernel->rewritten);
  cJSON_AddStringToObject (tuned, "verdict", kernel->verdict);
  cJSON_AddStringToObject (tuned, "reason", kernel->reason);
  cJSON_AddStringToObject (tuned, "detail", kernel->detail);
  cJSON_AddNumberToObject (tuned, "tried", kernel->tried);
  cJSON_AddNumberToObject (tuned, "seconds", rounded (kernel->tune_seconds));
  return json;
}

static cJSON *
group_json (const struct run_result *result, const struct run_group *group)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "field", group->field);
  cJSON_AddNumberToObject (json, "kernels", group->n);
  cJSON *over_o2 = cJSON_AddObjectToObject (json, "over_o2"), *aiopt = cJSON_AddObjectToObject (json, "aiopt_over");
  for (unsigned b = 0; b < result->n_builds; b++)
    {
      cJSON_AddItemToObject (over_o2, result->build[b].name, interval_json (group->over_o2[b]));
      if (run_result__is_compiler (result, b))
        cJSON_AddItemToObject (aiopt, result->build[b].name, interval_json (group->aiopt_over[b]));
    }
  cJSON_AddItemToObject (aiopt, "best", interval_json (group->aiopt_over_best));
  return json;
}

static void
add_count (cJSON *json, const char *name, struct run_count count)
{
  cJSON *object = cJSON_AddObjectToObject (json, name);
  cJSON_AddNumberToObject (object, "faster", count.faster);
  cJSON_AddNumberToObject (object, "equal", count.equal);
  cJSON_AddNumberToObject (object, "slower", count.slower);
}

cJSON *
run_result__json (const struct run_result *result)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "benchmark", "aiopt kernels");
  cJSON_AddStringToObject (json, "date", result->date);
  cJSON *machine = cJSON_AddObjectToObject (json, "machine");
  cJSON_AddStringToObject (machine, "cpu", result->cpu);
  cJSON_AddNumberToObject (machine, "cores", result->cores);
  cJSON_AddStringToObject (machine, "kernel", result->kernel_version ? result->kernel_version : "");
  cJSON_AddNumberToObject (machine, "load", result->load);
  cJSON *aiopt = cJSON_AddObjectToObject (json, "aiopt");
  cJSON_AddStringToObject (aiopt, "version", result->version ? result->version : "");
  cJSON_AddStringToObject (aiopt, "commit", result->commit ? result->commit : "");
  cJSON_AddStringToObject (aiopt, "policy", result->policy ? result->policy : "");
  cJSON_AddNumberToObject (aiopt, "budget", result->budget);
  cJSON_AddNumberToObject (aiopt, "jobs", result->jobs);
  cJSON *builds = cJSON_AddArrayToObject (json, "builds");
  for (unsigned b = 0; b < result->n_builds; b++)
    {
      cJSON *build = cJSON_CreateObject ();
      cJSON_AddStringToObject (build, "name", result->build[b].name);
      cJSON_AddStringToObject (build, "command", result->build[b].command);
      cJSON_AddStringToObject (build, "version", result->build[b].version);
      cJSON_AddItemToArray (builds, build);
    }
  cJSON *groups = cJSON_AddArrayToObject (json, "groups");
  for (unsigned g = 0; g < result->n_groups; g++)
    cJSON_AddItemToArray (groups, group_json (result, &result->group[g]));
  cJSON *counts = cJSON_AddObjectToObject (json, "counts");
  for (unsigned b = 0; b < result->n_builds; b++)
    if (run_result__is_compiler (result, b))
      add_count (counts, result->build[b].name, run_result__count (result, b, 0));
  add_count (counts, "best", run_result__count (result, result->n_builds, 0));
  cJSON_AddNumberToObject (json, "noise", rounded (result->noise));
  cJSON *tuning = cJSON_AddObjectToObject (json, "tuning");
  cJSON_AddNumberToObject (tuning, "rewritten", result->n_rewritten);
  cJSON_AddNumberToObject (tuning, "tried", result->tried);
  cJSON_AddNumberToObject (tuning, "seconds", rounded (result->tune_seconds));
  cJSON_AddNumberToObject (json, "wrong", result->n_wrong);
  cJSON *kernels = cJSON_AddArrayToObject (json, "kernels");
  for (unsigned k = 0; k < result->n_kernels; k++)
    cJSON_AddItemToArray (kernels, kernel_json (result, &result->kernel[k]));
  return json;
}
