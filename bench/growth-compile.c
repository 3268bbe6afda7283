/* What the plugin costs a compilation, against the number of functions in the unit: nothing hot; all hot and each
   look-up a miss, an answer "nothing better", or a rewrite that gets spliced in.  All cases and plain GCC are run in
   each round, so that what else the machine does meets all alike.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/growth.h"
#include "machine/mix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
  SMALLEST = 10,
  ARGUMENTS_MAX = 8,
  CASES_MAX = 4
};

/* The constants of function N: no two functions get one key.  */
static uint32_t
start_of (unsigned n)
{
  return n + 1;
}

static uint32_t
factor_of (unsigned n)
{
  return (n * 2654435761u % 0x7fffffff) | 0x101;
}

static unsigned
shift_of (unsigned n)
{
  return 1 + n % 31;
}

int
growth__unit (const char *path, unsigned first, unsigned n)
{
  FILE *f = fopen (path, "w");
  if (!f)
    return growth__fail ("%s can't be written", path);
  fputs ("#include <stdint.h>\n", f);
  for (unsigned i = first; i < first + n; i++)
    fprintf (f,
             "uint32_t\nmix_%u (uint32_t x, uint32_t y)\n{\n  x = (x ^ %uu) * %uu;\n  return x + (y >> %u);\n}\n", i,
             start_of (i), factor_of (i), shift_of (i));
  return fclose (f) == 0 ? 0 : growth__fail ("%s can't be written", path);
}

/* The same function as a rewrite would have it: as long as GCC's code, and right.  */
static void
rewrite_of (unsigned n, char *code, size_t size)
{
  snprintf (code, size,
            "\txorl\t$%u, %%edi\n\timull\t$%d, %%edi, %%eax\n\tshrl\t$%u, %%esi\n\taddl\t%%esi, %%eax\n\tret\n",
            start_of (n), (int)factor_of (n), shift_of (n));
}

/* The command that compiles UNIT: with the plugin and ARGUMENTS where they aren't NULL.  Strings to free and the NULL
   that ends ARGV are written to it; how many strings.  */
static unsigned
command_of (const struct growth *growth, const char *unit, const char *output, const char *const arguments[],
            char *argv[ARGUMENTS_MAX + 8])
{
  unsigned n = 0;
  argv[n++] = growth__text ("%s", growth->gcc);
  argv[n++] = growth__text ("-O2");
  if (arguments)
    argv[n++] = growth__text ("-fplugin=%s/plugin/aiopt.so", growth->build);
  for (unsigned i = 0; arguments && arguments[i] && i < ARGUMENTS_MAX; i++)
    argv[n++] = growth__text ("-fplugin-arg-aiopt-%s", arguments[i]);
  argv[n++] = growth__text ("-c");
  argv[n++] = growth__text ("%s", unit);
  argv[n++] = growth__text ("-o");
  argv[n++] = growth__text ("%s/%s", growth->work, output);
  argv[n] = NULL;
  return n;
}

static void
command_free (char *argv[], unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    free (argv[i]);
}

int
growth__compare (const struct growth *growth, const char *unit, struct growth_case *cases, unsigned n_cases,
                 unsigned rounds, double *plain)
{
  /* Way 0 is plain GCC.  */
  double *task = calloc ((size_t)(n_cases + 1) * rounds, sizeof *task);
  unsigned order[CASES_MAX + 1];
  uint64_t random = 1;
  int status = task ? 0 : growth__fail ("out of memory");
  unsigned complete = 0;
  for (unsigned way = 0; way <= n_cases; way++)
    order[way] = way;
  for (; status == 0 && complete < rounds; complete += status == 0)
    for (unsigned i = 0; status == 0 && i <= n_cases; i++)
      {
        /* Fisher and Yates's shuffle, a step at a time.  */
        unsigned other = i + (unsigned)(splitmix64 (&random) % (n_cases + 1 - i)), way = order[other];
        order[other] = order[i];
        order[i] = way;
        char *argv[ARGUMENTS_MAX + 8];
        unsigned n = command_of (growth, unit, "compared.o", way ? cases[way - 1].arguments : NULL, argv);
        status = growth__run (growth, argv, NULL, NULL, &task[way * rounds + complete]) == 0 ? 0 : -1;
        if (status != 0 && !*growth->stop)
          growth__fail ("%s wasn't compiled%s%s", unit, way ? ": " : "", way ? cases[way - 1].name : "");
        command_free (argv, n);
      }
  if (*growth->stop && complete >= GROWTH_ROUNDS_MIN)
    status = 0;
  for (unsigned way = 1; status == 0 && way <= n_cases; way++)
    {
      cases[way - 1].ratio = statistics__ratio (task + way * rounds, task, complete, 0.95, 5000, 1);
      cases[way - 1].seconds = statistics__median (task + way * rounds, complete);
    }
  if (status == 0)
    {
      *plain = statistics__median (task, complete);
      status = (int)complete;
    }
  free (task);
  return status;
}

/* The queued keys and the functions that they are of.  */
struct queued
{
  unsigned n, size;
  struct
  {
    char key[65];
    unsigned function;
  } *item;
};

static bool
note_queued (void *context, const char *key, const char *function, const char *file, unsigned line, const char *state)
{
  struct queued *queued = context;
  (void)file, (void)line, (void)state;
  unsigned number;
  if (sscanf (function, "mix_%u", &number) != 1)
    return true;
  if (queued->n == queued->size)
    {
      queued->size = queued->size ? 2 * queued->size : 64;
      queued->item = realloc (queued->item, queued->size * sizeof *queued->item);
      if (!queued->item)
        abort ();
    }
  memcpy (queued->item[queued->n].key, key, 65);
  queued->item[queued->n++].function = number;
  return true;
}

int
growth__answer (const struct growth *growth, const char *unit, const char *directory, bool rewrite)
{
  char *cache_argument = growth__text ("cache=%s", directory), *argv[ARGUMENTS_MAX + 8];
  const char *arguments[] = { cache_argument, "hot=all", "mode=collect", NULL };
  unsigned n = command_of (growth, unit, "collect.o", arguments, argv);
  int status = growth__run (growth, argv, NULL, NULL, NULL);
  command_free (argv, n);
  free (cache_argument);
  if (status != 0)
    return growth__fail ("%s wasn't compiled", unit);
  struct cache *cache;
  struct why why;
  struct queued queued = { 0 };
  if (cache__open (directory, CACHE_WRITE, &cache, &why) != 0)
    return growth__fail ("%s", why.detail);
  int result = queue__each (cache, "mix_*", note_queued, &queued, &why);
  for (unsigned i = 0; result == 0 && i < queued.n; i++)
    {
      char code[600], name[40];
      rewrite_of (queued.item[i].function, code, sizeof code);
      snprintf (name, sizeof name, "mix_%u", queued.item[i].function);
      struct entry entry = { .kind = rewrite ? ENTRY_REWRITE : ENTRY_NEGATIVE,
                             .function = name,
                             .file = (char *)unit,
                             .code = rewrite ? code : NULL,
                             .verdict = rewrite ? (char *)"proved" : NULL,
                             .policy = rewrite ? (char *)"growth" : NULL,
                             .ratio = 1.1,
                             .ratio_low = 1.1,
                             .ratio_high = 1.1,
                             .reason = rewrite ? NULL : (char *)"not-faster" };
      memcpy (entry.key, queued.item[i].key, sizeof entry.key);
      result = cache__store (cache, &entry, &why);
      if (result == 0)
        result = queue__finish (cache, entry.key, true, &why);
    }
  cache__close (cache);
  free (queued.item);
  return result == 0 ? (int)queued.n : growth__fail ("%s", why.detail);
}

/* How many functions of UNIT were "replaced" (or whatever WANT is) with ARGUMENTS; -1.  */
static int
count_decisions (const struct growth *growth, const char *unit, const char *const arguments[], const char *want)
{
  char *report = growth__text ("%s/report.json", growth->work), *report_argument = growth__text ("report=%s", report);
  const char *more[ARGUMENTS_MAX + 1];
  unsigned n = 0;
  for (; arguments[n]; n++)
    more[n] = arguments[n];
  more[n++] = report_argument;
  more[n] = NULL;
  char *argv[ARGUMENTS_MAX + 8];
  unsigned n_argv = command_of (growth, unit, "report.o", more, argv);
  int count = growth__run (growth, argv, NULL, NULL, NULL) == 0 ? 0 : -1;
  command_free (argv, n_argv);
  cJSON *json = count == 0 ? growth__read_json (report) : NULL;
  const cJSON *function;
  cJSON_ArrayForEach (function, cJSON_GetObjectItem (json, "functions"))
  {
    const char *decision = cJSON_GetStringValue (cJSON_GetObjectItem (function, "decision"));
    const char *reason = cJSON_GetStringValue (cJSON_GetObjectItem (function, "reason"));
    count += (decision && strcmp (decision, want) == 0) || (reason && strcmp (reason, want) == 0);
  }
  cJSON_Delete (json);
  free (report);
  free (report_argument);
  return count;
}

/* All cases at N functions into ROW.  */
static int
measure (const struct growth *growth, const char *unit, unsigned n, cJSON *row)
{
  char *folder[3], *cache[3];
  for (unsigned i = 0; i < 3; i++)
    {
      static const char *const of[3] = { "empty", "negative", "rewrite" };
      folder[i] = growth__text ("%s/%s-%u", growth->work, of[i], n);
      cache[i] = growth__text ("cache=%s", folder[i]);
    }
  const char *nothing[] = { cache[0], NULL }, *miss[] = { cache[0], "hot=all", "mode=apply", NULL };
  const char *negative[] = { cache[1], "hot=all", "mode=apply", NULL };
  const char *rewrite[] = { cache[2], "hot=all", "mode=apply", NULL };
  struct growth_case cases[CASES_MAX] = { { .name = "nothing hot", .arguments = nothing },
                                          { .name = "miss", .arguments = miss },
                                          { .name = "nothing better", .arguments = negative },
                                          { .name = "replaced", .arguments = rewrite } };
  static const char *const want[CASES_MAX] = { NULL, "miss", "negative", "replaced" };
  unsigned rounds = growth->quick ? 6 : n <= 100 ? 30 : n <= 1000 ? 12 : 6;
  double plain;
  int status = -1;
  /* An empty cache that is there, so that a miss is looked for.  */
  struct cache *empty;
  struct why why;
  if (cache__open (folder[0], CACHE_WRITE, &empty, &why) != 0)
    {
      growth__fail ("%s", why.detail);
      goto out;
    }
  cache__close (empty);
  if (growth__answer (growth, unit, folder[1], false) != (int)n || growth__answer (growth, unit, folder[2], true) != (int)n)
    {
      growth__fail ("not all of %u functions were queued", n);
      goto out;
    }
  for (unsigned i = 0; i < CASES_MAX; i++)
    {
      int count = want[i] ? count_decisions (growth, unit, cases[i].arguments, want[i]) : (int)n;
      if (count != (int)n)
        {
          growth__fail ("%d of %u functions are '%s' as they should be", count, n, want[i]);
          goto out;
        }
    }
  int complete = growth__compare (growth, unit, cases, CASES_MAX, rounds, &plain);
  if (complete < 0)
    goto out;
  cJSON_AddNumberToObject (row, "functions", n);
  cJSON_AddNumberToObject (row, "rounds", complete);
  cJSON_AddNumberToObject (row, "plain_seconds", plain);
  for (unsigned i = 0; i < CASES_MAX; i++)
    {
      double us = (cases[i].ratio.estimate - 1) * plain / n * 1e6;
      cJSON *cell = cJSON_AddObjectToObject (row, cases[i].name);
      cJSON_AddNumberToObject (cell, "ratio", cases[i].ratio.estimate);
      cJSON_AddNumberToObject (cell, "ratio_low", cases[i].ratio.low);
      cJSON_AddNumberToObject (cell, "ratio_high", cases[i].ratio.high);
      cJSON_AddNumberToObject (cell, "seconds", cases[i].seconds);
      cJSON_AddNumberToObject (cell, "us_a_function", us);
      printf ("%9u  %-14s  %6d  %9.3f  %6.3f  %.3f-%.3f  %11.0f\n", n, cases[i].name, complete, plain,
              cases[i].ratio.estimate, cases[i].ratio.low, cases[i].ratio.high, us);
    }
  fflush (stdout);
  status = 0;
out:
  for (unsigned i = 0; i < 3; i++)
    {
      free (folder[i]);
      free (cache[i]);
    }
  return status;
}

int
growth__compile (struct growth *growth)
{
  cJSON *rows = cJSON_AddArrayToObject (growth->json, "compile");
  printf ("\nCompile time against functions in the unit: task clock with the plugin over plain GCC's\n"
          "%9s  %-14s  %6s  %9s  %6s  %-11s  %11s\n", "functions", "case", "rounds", "plain, s", "ratio", "95 %",
          "us/function");
  fflush (stdout);
  int status = 0;
  for (unsigned n = SMALLEST < growth->functions && !growth->only_largest ? SMALLEST : growth->functions; status == 0;)
    {
      char *unit = growth__text ("%s/unit-%u.c", growth->work, n);
      cJSON *row = cJSON_CreateObject ();
      status = growth__unit (unit, 0, n) != 0 ? -1 : measure (growth, unit, n, row);
      if (status == 0)
        cJSON_AddItemToArray (rows, row);
      else
        cJSON_Delete (row);
      free (unit);
      if (n == growth->functions)
        break;
      n = n > growth->functions / 10 ? growth->functions : n * 10;
    }
  return status;
}
