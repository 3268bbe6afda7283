/* Sets two results of the benchmark side by side: bench/compare OLD.json NEW.json.
   What is compared is aiopt's speed-up over -O2, which both runs measured against -O2 of their own machine: so results of
   two machines can be compared, though a difference may then be the machine's. A kernel has changed where its two 95 %
   intervals have nothing in common. Exits 0, 1 where a file can't be used, 64 on wrong usage.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/statistics.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cJSON *
load (const char *file)
{
  FILE *f = fopen (file, "r");
  char *text = NULL;
  size_t size = 0;
  if (!f || getdelim (&text, &size, 0, f) < 0)
    {
      perror (file);
      free (text);
      if (f)
        fclose (f);
      return NULL;
    }
  fclose (f);
  cJSON *json = cJSON_Parse (text);
  free (text);
  if (!cJSON_IsArray (cJSON_GetObjectItemCaseSensitive (json, "kernels")))
    {
      fprintf (stderr, "%s: expected results of the benchmark (JSON with \"kernels\")\n", file);
      cJSON_Delete (json);
      return NULL;
    }
  return json;
}

static const cJSON *
member (const cJSON *json, const char *a, const char *b)
{
  return cJSON_GetObjectItemCaseSensitive (cJSON_GetObjectItemCaseSensitive (json, a), b);
}

static const char *
text (const cJSON *item)
{
  const char *value = cJSON_GetStringValue (item);
  return value ? value : "?";
}

static void
print_run (const char *which, const cJSON *json)
{
  printf ("%s: %s, %s, commit %s, %s, budget %g s\n", which, text (cJSON_GetObjectItemCaseSensitive (json, "date")),
          text (member (json, "aiopt", "version")), text (member (json, "aiopt", "commit")),
          text (member (json, "machine", "cpu")), cJSON_GetNumberValue (member (json, "aiopt", "budget")));
}

/* aiopt's speed-up over -O2 in ROW, with its interval; false where there is none.  */
static bool
speed_up (const cJSON *row, struct interval *over)
{
  const cJSON *json = cJSON_GetObjectItemCaseSensitive (member (row, "builds", "aiopt"), "over_o2");
  over->estimate = cJSON_GetNumberValue (cJSON_GetObjectItemCaseSensitive (json, "estimate"));
  over->low = cJSON_GetNumberValue (cJSON_GetObjectItemCaseSensitive (json, "low"));
  over->high = cJSON_GetNumberValue (cJSON_GetObjectItemCaseSensitive (json, "high"));
  return over->estimate > 0 && over->low > 0 && over->high > 0;
}

static const cJSON *
find_kernel (const cJSON *json, const char *name)
{
  const cJSON *row;
  cJSON_ArrayForEach (row, cJSON_GetObjectItemCaseSensitive (json, "kernels"))
    if (strcmp (text (cJSON_GetObjectItemCaseSensitive (row, "kernel")), name) == 0)
      return row;
  return NULL;
}

static void
print_missing (const cJSON *from, const cJSON *other, const char *where)
{
  const cJSON *row;
  cJSON_ArrayForEach (row, cJSON_GetObjectItemCaseSensitive (from, "kernels"))
    {
      const char *name = text (cJSON_GetObjectItemCaseSensitive (row, "kernel"));
      if (!find_kernel (other, name))
        printf ("%-14s in %s alone\n", name, where);
    }
}

static int
compare (const cJSON *old, const cJSON *new)
{
  const cJSON *rows = cJSON_GetObjectItemCaseSensitive (new, "kernels"), *row;
  double *change = malloc ((size_t) (cJSON_GetArraySize (rows) + 1) * sizeof *change);
  if (!change)
    return 1;
  unsigned n = 0, faster = 0, slower = 0;
  print_run ("old", old);
  print_run ("new", new);
  printf ("\naiopt over -O2\n%-14s %6s %-13s %6s %-13s %8s\n", "kernel", "old", "95 %", "new", "95 %", "new/old");
  cJSON_ArrayForEach (row, rows)
    {
      const char *name = text (cJSON_GetObjectItemCaseSensitive (row, "kernel"));
      struct interval was, is;
      if (!speed_up (find_kernel (old, name), &was) || !speed_up (row, &is))
        continue;
      bool more = is.low > was.high, less = is.high < was.low;
      faster += more;
      slower += less;
      change[n] = is.estimate / was.estimate;
      printf ("%-14s %6.2f %6.2f-%-6.2f %6.2f %6.2f-%-6.2f %8.3f %s\n", name, was.estimate, was.low, was.high,
              is.estimate, is.low, is.high, change[n], more ? "faster" : less ? "slower" : "");
      n++;
    }
  print_missing (old, new, "the old");
  print_missing (new, old, "the new");
  if (n == 0)
    {
      fprintf (stderr, "compare: the two have no kernel in common\n");
      free (change);
      return 1;
    }
  struct interval mean = statistics__geomean (change, n, 0.95, 2000, 1);
  printf ("\n%u kernels in common: geomean of new/old %.3f (%.3f-%.3f); %u faster, %u slower beyond the intervals\n", n,
          mean.estimate, mean.low, mean.high, faster, slower);
  free (change);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc != 3 || argv[1][0] == '-')
    {
      fprintf (stderr, "usage: bench/compare OLD.json NEW.json\n");
      return 64;
    }
  cJSON *old = load (argv[1]), *new = old ? load (argv[2]) : NULL;
  int status = old && new ? compare (old, new) : 1;
  cJSON_Delete (old);
  cJSON_Delete (new);
  return status;
}
