/* Statistics of a benchmark's run.

   A kernel's speed-up is the geometric mean over its sizes. Its interval comes from the rounds: in each, every build was
   timed once at every size, so a round gives one value a build (the product over the sizes), and rounds are resampled.
   Groups' intervals come from resampling kernels: they say how far the mean depends on which kernels were chosen.

   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/run-result.h"
#include "bench/cpu-model.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { RESAMPLES = 2000 };
#define CONFIDENCE 0.95

/* FILE's text, malloc'ed; NULL and a line on standard error.  */
static char *
read_file (const char *file)
{
  FILE *f = fopen (file, "r");
  char *text = NULL;
  size_t size = 0;
  ssize_t length = f ? getdelim (&text, &size, 0, f) : -1;
  if (length < 0)
    {
      perror (file);
      free (text);
      text = NULL;
    }
  if (f)
    fclose (f);
  return text;
}

static cJSON *
read_json (const char *file)
{
  char *text = read_file (file);
  cJSON *json = text ? cJSON_Parse (text) : NULL;
  if (text && !json)
    fprintf (stderr, "%s: expected JSON\n", file);
  free (text);
  return json;
}

static const char *
text_of (const cJSON *object, const char *name)
{
  const char *text = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (object, name));
  return text ? text : "";
}

static double
number_of (const cJSON *object, const char *name)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (object, name);
  return cJSON_IsNumber (item) ? item->valuedouble : 0;
}

/* The next tab-separated field of *LINE, which moves on.  */
static char *
next_field (char **line)
{
  return *line ? strsep (line, "\t") : "";
}

static bool
load_builds (struct run_result *result, const char *file)
{
  char *text = read_file (file);
  if (!text)
    return false;
  result->o2 = result->again = result->aiopt = RUN_BUILDS_MAX;
  for (char *rest = text, *line; (line = strsep (&rest, "\n")) != NULL;)
    {
      if (*line == 0 || result->n_builds == RUN_BUILDS_MAX)
        continue;
      unsigned b = result->n_builds++;
      result->build[b].name = strdup (next_field (&line));
      result->build[b].command = strdup (next_field (&line));
      result->build[b].version = strdup (next_field (&line));
      if (strcmp (result->build[b].name, "o2") == 0)
        result->o2 = b;
      if (strcmp (result->build[b].name, "o2_again") == 0)
        result->again = b;
      if (strcmp (result->build[b].name, "aiopt") == 0)
        result->aiopt = b;
    }
  free (text);
  if (result->o2 < RUN_BUILDS_MAX && result->again < RUN_BUILDS_MAX && result->aiopt < RUN_BUILDS_MAX)
    return true;
  fprintf (stderr, "%s: expected builds named o2, o2_again and aiopt\n", file);
  return false;
}

/* Facts of the run (a table of names and values) and of the machine.  */
static bool
load_run (struct run_result *result, const char *file)
{
  char *text = read_file (file);
  if (!text)
    return false;
  for (char *rest = text, *line; (line = strsep (&rest, "\n")) != NULL;)
    {
      const char *name = next_field (&line), *value = next_field (&line);
      if (strcmp (name, "version") == 0)
        result->version = strdup (value);
      else if (strcmp (name, "commit") == 0)
        result->commit = strdup (value);
      else if (strcmp (name, "policy") == 0)
        result->policy = strdup (value);
      else if (strcmp (name, "budget") == 0)
        result->budget = atof (value);
      else if (strcmp (name, "jobs") == 0)
        result->jobs = (unsigned) atoi (value);
    }
  free (text);
  struct utsname name;
  if (uname (&name) == 0)
    result->kernel_version = strdup (name.release);
  result->cores = (unsigned) sysconf (_SC_NPROCESSORS_ONLN);
  if (getloadavg (&result->load, 1) != 1)
    result->load = NAN;
  char date[40];
  time_t now = time (NULL);
  strftime (date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime (&now));
  result->date = strdup (date);
  char cpu[128] = "unknown";
  cpu__model (cpu, sizeof cpu);
  result->cpu = strdup (cpu);
  return true;
}

/* Per build and round the product over sizes of the time, and per build and size the samples.  */
static bool
load_times (struct run_result *result, struct run_kernel *kernel, const cJSON *row, const char *file)
{
  kernel->name = text_of (row, "kernel");
  kernel->field = text_of (row, "field");
  const cJSON *item, *sizes = cJSON_GetObjectItemCaseSensitive (row, "sizes");
  cJSON_ArrayForEach (item, sizes)
    if (kernel->n_sizes < RUN_SIZES_MAX)
      kernel->size[kernel->n_sizes++] = item->valuedouble;
  const cJSON *times = cJSON_GetObjectItemCaseSensitive (row, "seconds");
  const cJSON *results = cJSON_GetObjectItemCaseSensitive (row, "results");
  unsigned n_rounds = UINT32_MAX;
  const cJSON *samples[RUN_BUILDS_MAX][RUN_SIZES_MAX];
  for (unsigned b = 0; b < result->n_builds; b++)
    for (unsigned s = 0; s < kernel->n_sizes; s++)
      {
        samples[b][s] = cJSON_GetArrayItem (cJSON_GetObjectItemCaseSensitive (times, result->build[b].name), (int) s);
        unsigned n = (unsigned) cJSON_GetArraySize (samples[b][s]);
        n_rounds = n < n_rounds ? n : n_rounds;
      }
  if (kernel->n_sizes == 0 || n_rounds == 0)
    {
      fprintf (stderr, "%s: kernel '%s' has no times for some build\n", file, kernel->name);
      return false;
    }
  double *value = malloc ((kernel->n_sizes + 1) * result->n_builds * n_rounds * sizeof *value);
  if (!value)
    return false;
  /* [build][size][round]; at size n_sizes the geometric mean over the sizes.  */
#define VALUE(B, S) (value + ((B) * (kernel->n_sizes + 1) + (S)) * n_rounds)
  for (unsigned b = 0; b < result->n_builds; b++)
    {
      double *all = VALUE (b, kernel->n_sizes);
      for (unsigned r = 0; r < n_rounds; r++)
        all[r] = 0;
      for (unsigned s = 0; s < kernel->n_sizes; s++)
        {
          unsigned r = 0;
          cJSON_ArrayForEach (item, samples[b][s])
            if (r < n_rounds)
              {
                VALUE (b, s)[r] = item->valuedouble;
                all[r++] += log (item->valuedouble) / kernel->n_sizes;
              }
          kernel->build[b].seconds[s] = statistics__median (VALUE (b, s), n_rounds);
        }
      for (unsigned r = 0; r < n_rounds; r++)
        all[r] = exp (all[r]);
    }
  kernel->best = result->o2;
  for (unsigned b = 0; b < result->n_builds; b++)
    {
      struct run_timing *timing = &kernel->build[b];
      for (unsigned s = 0; s < kernel->n_sizes; s++)
        timing->over_o2_by_size[s]
          = statistics__ratio (VALUE (result->o2, s), VALUE (b, s), n_rounds, CONFIDENCE, 1, 1).estimate;
      timing->over_o2 = statistics__ratio (VALUE (result->o2, kernel->n_sizes), VALUE (b, kernel->n_sizes), n_rounds,
                                           CONFIDENCE, RESAMPLES, 1);
      kernel->aiopt_over[b] = statistics__ratio (VALUE (b, kernel->n_sizes), VALUE (result->aiopt, kernel->n_sizes),
                                                 n_rounds, CONFIDENCE, RESAMPLES, 1);
      timing->result = text_of (results, result->build[b].name);
      if (run_result__is_compiler (result, b)
          && timing->over_o2.estimate > kernel->build[kernel->best].over_o2.estimate)
        kernel->best = b;
    }
  kernel->aiopt_over_best = kernel->aiopt_over[kernel->best];
#undef VALUE
  free (value);
  return true;
}

/* What tune did with KERNEL's function: the one that stands in a file of the kernel's name.  */
static void
load_tuned (struct run_result *result, struct run_kernel *kernel, const cJSON *functions)
{
  kernel->verdict = kernel->detail = "";
  kernel->reason = "not queued";
  const cJSON *function;
  cJSON_ArrayForEach (function, functions)
    {
      const char *file = text_of (function, "file"), *base = strrchr (file, '/');
      base = base ? base + 1 : file;
      size_t length = strlen (kernel->name);
      if (strncmp (base, kernel->name, length) != 0 || strcmp (base + length, ".c") != 0)
        continue;
      kernel->rewritten = cJSON_IsTrue (cJSON_GetObjectItemCaseSensitive (function, "rewritten"));
      kernel->verdict = text_of (function, "verdict");
      kernel->reason = text_of (function, "reason");
      kernel->detail = text_of (function, "detail");
      kernel->tried = (unsigned) number_of (function, "tried");
      kernel->tune_seconds = number_of (function, "seconds");
    }
  result->n_rewritten += kernel->rewritten;
  result->tried += kernel->tried;
  result->tune_seconds += kernel->tune_seconds;
}

static int
by_field (const void *a, const void *b)
{
  const struct run_kernel *x = a, *y = b;
  int c = strcmp (x->field, y->field);
  return c ? c : strcmp (x->name, y->name);
}

/* Geometric means over the N kernels at KERNEL.  */
static bool
fill_group (const struct run_result *result, struct run_group *group, const char *field,
            const struct run_kernel *kernel, unsigned n)
{
  double *ratio = malloc ((n ? n : 1) * sizeof *ratio);
  if (!ratio)
    return false;
  group->field = field;
  group->n = n;
  for (unsigned b = 0; b < result->n_builds; b++)
    {
      for (unsigned k = 0; k < n; k++)
        ratio[k] = kernel[k].build[b].over_o2.estimate;
      group->over_o2[b] = statistics__geomean (ratio, n, CONFIDENCE, RESAMPLES, 1);
      for (unsigned k = 0; k < n; k++)
        ratio[k] = kernel[k].aiopt_over[b].estimate;
      group->aiopt_over[b] = statistics__geomean (ratio, n, CONFIDENCE, RESAMPLES, 1);
    }
  for (unsigned k = 0; k < n; k++)
    ratio[k] = kernel[k].aiopt_over_best.estimate;
  group->aiopt_over_best = statistics__geomean (ratio, n, CONFIDENCE, RESAMPLES, 1);
  free (ratio);
  return true;
}

static bool
fill_groups (struct run_result *result)
{
  result->group = calloc (result->n_kernels + 1, sizeof *result->group);
  if (!result->group)
    return false;
  for (unsigned first = 0, end; first < result->n_kernels; first = end)
    {
      const char *field = result->kernel[first].field;
      for (end = first; end < result->n_kernels && strcmp (result->kernel[end].field, field) == 0;)
        end++;
      if (!fill_group (result, &result->group[result->n_groups++], field, result->kernel + first, end - first))
        return false;
    }
  return fill_group (result, &result->group[result->n_groups++], "all", result->kernel, result->n_kernels);
}

static bool
find_noise (struct run_result *result)
{
  double *distance = malloc (result->n_kernels * sizeof *distance);
  if (!distance)
    return false;
  for (unsigned k = 0; k < result->n_kernels; k++)
    distance[k] = fabs (log (result->kernel[k].build[result->again].over_o2.estimate));
  statistics__sort (distance, result->n_kernels);
  result->noise = exp (distance[(size_t) (0.95 * (result->n_kernels - 1) + 0.5)]) - 1;
  free (distance);
  return true;
}

/* Takes the place of the first times, for the kernels that were timed again.  */
static bool
load_again (struct run_result *result, const char *file)
{
  const cJSON *row;
  if ((result->source[2] = read_json (file)) == NULL)
    return false;
  cJSON_ArrayForEach (row, cJSON_GetObjectItemCaseSensitive (result->source[2], "kernels"))
    for (unsigned k = 0; k < result->n_kernels; k++)
      if (strcmp (result->kernel[k].name, text_of (row, "kernel")) == 0)
        {
          struct run_kernel again = { .timed_again = true, .first = result->kernel[k].aiopt_over[result->o2] };
          if (!load_times (result, &again, row, file))
            return false;
          result->kernel[k] = again;
        }
  return true;
}

bool
run_result__load (struct run_result *result, const char *times, const char *again, const char *tune, const char *builds,
                  const char *run)
{
  memset (result, 0, sizeof *result);
  if (!load_builds (result, builds) || !load_run (result, run)
      || (result->source[0] = read_json (times)) == NULL || (result->source[1] = read_json (tune)) == NULL)
    return false;
  const cJSON *rows = cJSON_GetObjectItemCaseSensitive (result->source[0], "kernels"), *row;
  const cJSON *functions = cJSON_GetObjectItemCaseSensitive (result->source[1], "functions");
  unsigned n = (unsigned) cJSON_GetArraySize (rows);
  if (n == 0 || !cJSON_IsArray (functions))
    {
      fprintf (stderr, "%s: expected %s\n", n ? tune : times, n ? "functions" : "kernels");
      return false;
    }
  result->kernel = calloc (n, sizeof *result->kernel);
  if (!result->kernel)
    return false;
  cJSON_ArrayForEach (row, rows)
    {
      struct run_kernel *kernel = &result->kernel[result->n_kernels++];
      if (!load_times (result, kernel, row, times))
        return false;
    }
  if (again && !load_again (result, again))
    return false;
  for (unsigned k = 0; k < n; k++)
    {
      load_tuned (result, &result->kernel[k], functions);
      for (unsigned b = 0; b < result->n_builds; b++)
        result->n_wrong += strcmp (result->kernel[k].build[b].result, "different") == 0;
    }
  qsort (result->kernel, n, sizeof *result->kernel, by_field);
  return fill_groups (result) && find_noise (result);
}

void
run_result__free (struct run_result *result)
{
  for (unsigned b = 0; b < result->n_builds; b++)
    {
      free ((char *) result->build[b].name);
      free ((char *) result->build[b].command);
      free ((char *) result->build[b].version);
    }
  const char *texts[] = { result->version, result->commit, result->policy, result->cpu, result->kernel_version, result->date };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    free ((char *) texts[i]);
  free (result->kernel);
  free (result->group);
  for (size_t i = 0; i < sizeof result->source / sizeof *result->source; i++)
    cJSON_Delete (result->source[i]);
}

bool
run_result__is_slower (const struct run_result *result, const struct run_kernel *kernel)
{
  return kernel->aiopt_over[result->o2].high < 1;
}

bool
run_result__is_compiler (const struct run_result *result, unsigned b)
{
  return b != result->again && b != result->aiopt;
}

struct run_count
run_result__count (const struct run_result *result, unsigned b, double margin)
{
  struct run_count count = { 0, 0, 0 };
  for (unsigned k = 0; k < result->n_kernels; k++)
    {
      const struct run_kernel *kernel = &result->kernel[k];
      struct interval over = b < result->n_builds ? kernel->aiopt_over[b] : kernel->aiopt_over_best;
      if (over.low > 1 + margin)
        count.faster++;
      else if (over.high < 1 / (1 + margin))
        count.slower++;
      else
        count.equal++;
    }
  return count;
}
