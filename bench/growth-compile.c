/* What the plugin costs a compilation, against the number of functions in the unit: nothing hot; all hot and each
   look-up a miss, an answer "nothing better", or a rewrite that gets spliced in; and a first build, which queues all.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/growth.h"

#include "bench/ab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum
{
  SMALLEST = 10,
  ARGUMENTS_MAX = 8
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
  fputs ("#include <stddef.h>\n#include <stdint.h>\n", f);
  for (unsigned i = first; i < first + n; i++)
    fprintf (f,
             "uint32_t\nmix_%u (const uint32_t *p, size_t n)\n{\n  uint32_t sum = %uu;\n"
             "  for (size_t i = 0; i < n; i++)\n    sum = (sum ^ p[i]) * %uu + (p[i] >> %u);\n  return sum;\n}\n",
             i, start_of (i), factor_of (i), shift_of (i));
  return fclose (f) == 0 ? 0 : growth__fail ("%s can't be written", path);
}

/* The same function as a rewrite would have it: as long as GCC's code, and right.  */
static void
rewrite_of (unsigned n, char *code, size_t size)
{
  snprintf (code, size,
            "\tmovl\t$%u, %%eax\n\ttestq\t%%rsi, %%rsi\n\tje\t.L0\n\tleaq\t(%%rdi,%%rsi,4), %%rcx\n.L1:\n"
            "\tmovl\t(%%rdi), %%edx\n\txorl\t%%edx, %%eax\n\timull\t$%d, %%eax, %%eax\n\tshrl\t$%u, %%edx\n"
            "\taddl\t%%edx, %%eax\n\taddq\t$4, %%rdi\n\tcmpq\t%%rcx, %%rdi\n\tjne\t.L1\n.L0:\n\tret\n",
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
growth__overhead (const struct growth *growth, const char *unit, const char *const arguments[], unsigned pairs,
                  struct interval *ratio, double *plain, double *with)
{
  /* A is the plugin, so that the ratio is its time over the plain one's.  */
  char *a[ARGUMENTS_MAX + 8], *b[ARGUMENTS_MAX + 8];
  unsigned n_a = command_of (growth, unit, "with.o", arguments, a), n_b = command_of (growth, unit, "plain.o", NULL, b);
  char **const argv[2] = { a, b };
  struct ab_options options = { .pairs = pairs, .warmup = 1, .seed = 1, .metric = AB_TASK, .stop = growth->stop };
  struct ab ab;
  int status = ab__run (argv, &options, &ab);
  if (status != 0)
    growth__fail ("compiling: %s", ab.error);
  else if (ab.interrupted)
    status = -1;
  else
    {
      *ratio = ab.comparison[AB_TASK].ratio;
      *with = ab.comparison[AB_TASK].median[0];
      *plain = ab.comparison[AB_TASK].median[1];
    }
  ab__free (&ab);
  command_free (a, n_a);
  command_free (b, n_b);
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
  int status = growth__run (growth, argv, NULL, NULL);
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
  int count = growth__run (growth, argv, NULL, NULL) == 0 ? 0 : -1;
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

/* One case at one size: its row, and its cell of the table.  */
static int
measure (const struct growth *growth, const char *unit, unsigned n, const char *name, const char *const arguments[],
         const char *want, cJSON *row)
{
  int count = want ? count_decisions (growth, unit, arguments, want) : 0;
  if (want && count != (int)n)
    return growth__fail ("%d of %u functions are '%s' as they should be", count, n, want);
  unsigned pairs = growth->quick ? 6 : n <= 100 ? 30 : n <= 1000 ? 12 : 6;
  struct interval ratio;
  double plain, with;
  if (growth__overhead (growth, unit, arguments, pairs, &ratio, &plain, &with) != 0)
    return -1;
  cJSON *cell = cJSON_AddObjectToObject (row, name);
  cJSON_AddNumberToObject (cell, "pairs", pairs);
  cJSON_AddNumberToObject (cell, "ratio", ratio.estimate);
  cJSON_AddNumberToObject (cell, "ratio_low", ratio.low);
  cJSON_AddNumberToObject (cell, "ratio_high", ratio.high);
  cJSON_AddNumberToObject (cell, "plain_seconds", plain);
  cJSON_AddNumberToObject (cell, "with_seconds", with);
  cJSON_AddNumberToObject (cell, "us_a_function", (ratio.estimate - 1) * plain / n * 1e6);
  printf ("%9u  %-14s  %5u  %9.3f  %6.3f  %.3f-%.3f  %10.1f\n", n, name, pairs, plain, ratio.estimate, ratio.low,
          ratio.high, (ratio.estimate - 1) * plain / n * 1e6);
  fflush (stdout);
  return 0;
}

int
growth__compile (struct growth *growth)
{
  cJSON *rows = cJSON_AddArrayToObject (growth->json, "compile");
  printf ("\nCompile time against functions in the unit: task clock with the plugin over plain GCC's\n"
          "%9s  %-14s  %5s  %9s  %6s  %-11s  %10s\n", "functions", "case", "pairs", "plain, s", "ratio", "95 %",
          "us/function");
  int status = 0;
  for (unsigned n = SMALLEST < growth->functions ? SMALLEST : growth->functions; status == 0;)
    {
      char *unit = growth__text ("%s/unit-%u.c", growth->work, n);
      char *folder[3], *cache[3];
      for (unsigned i = 0; i < 3; i++)
        {
          static const char *const of[3] = { "empty", "negative", "rewrite" };
          folder[i] = growth__text ("%s/%s-%u", growth->work, of[i], n);
          cache[i] = growth__text ("cache=%s", folder[i]);
        }
      const char *cold[] = { cache[0], NULL }, *miss[] = { cache[0], "hot=all", "mode=apply", NULL };
      const char *negative[] = { cache[1], "hot=all", "mode=apply", NULL };
      const char *rewrite[] = { cache[2], "hot=all", "mode=apply", NULL };
      const char *again[] = { cache[1], "hot=all", "mode=collect", NULL };
      cJSON *row = cJSON_CreateObject ();
      cJSON_AddItemToArray (rows, row);
      cJSON_AddNumberToObject (row, "functions", n);
      status = growth__unit (unit, 0, n);
      /* An empty cache that is there, so that a miss is looked for.  */
      struct cache *empty;
      struct why why;
      if (status == 0 && cache__open (folder[0], CACHE_WRITE, &empty, &why) == 0)
        cache__close (empty);
      if (status == 0
          && (growth__answer (growth, unit, folder[1], false) != (int)n
              || growth__answer (growth, unit, folder[2], true) != (int)n))
        status = growth__fail ("not all of %u functions were queued", n);
      if (status == 0
          && (measure (growth, unit, n, "nothing hot", cold, NULL, row) != 0
              || measure (growth, unit, n, "miss", miss, "miss", row) != 0
              || measure (growth, unit, n, "nothing better", negative, "negative", row) != 0
              || measure (growth, unit, n, "replaced", rewrite, "replaced", row) != 0
              || measure (growth, unit, n, "collect again", again, NULL, row) != 0))
        status = -1;
      free (unit);
      for (unsigned i = 0; i < 3; i++)
        {
          free (folder[i]);
          free (cache[i]);
        }
      if (n == growth->functions)
        break;
      n = n > growth->functions / 10 ? growth->functions : n * 10;
    }
  return status;
}
