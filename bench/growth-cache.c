/* Look-ups and `aiopt cache` against the number of entries.

   Each look-up is timed in a fresh process, as a compiler's first one is: opening, one look-up, closing (which writes
   the hit's count).  And a process of its own makes many in a row, as a compiler with many hot functions does.  Cold:
   the file's pages were dropped from the page cache before (POSIX_FADV_DONTNEED); what a virtual machine's host keeps
   stays warm.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/growth.h"
#include "policy/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum
{
  SMALLEST = 1000,
  FRESH_WARM = 400, /* fresh processes: enough for the 99th percentile */
  FRESH_COLD = 200,
  IN_A_ROW = 4000,
  UNIT_FUNCTIONS = 100,
  MISSES = 1 << 30 /* numbers from here are in no cache */
};

enum step
{
  STEP_OPEN,
  STEP_FIRST, /* the process's first look-up */
  STEP_CLOSE,
  STEPS
};

/* In a child: opens, looks N keys up from NUMBER on by STRIDE, closes; seconds of each step, and of each look-up in
   EACH where it isn't NULL.  False where anything isn't as it should be.  */
static bool
measure_once (const char *directory, uint64_t number, uint64_t stride, uint64_t size, unsigned n, bool hit,
              double step[STEPS], double *each)
{
  struct cache *cache;
  struct why why;
  char (*key)[65] = calloc (n, sizeof *key);
  for (unsigned i = 0; key && i < n; i++)
    growth__key ((number + i * stride) % size + (hit ? 0 : MISSES), key[i]);
  double t[2] = { clock__now (), 0 };
  if (!key || cache__open (directory, CACHE_READ, &cache, &why) != 0)
    return false;
  t[1] = clock__now ();
  step[STEP_OPEN] = t[1] - t[0];
  bool ok = true;
  for (unsigned i = 0; ok && i < n; i++)
    {
      struct entry *entry;
      t[0] = clock__now ();
      ok = cache__lookup (cache, key[i], true, &entry, &why) == hit;
      t[1] = clock__now ();
      entry__free (entry);
      if (i == 0)
        step[STEP_FIRST] = t[1] - t[0];
      if (each)
        each[i] = t[1] - t[0];
    }
  t[0] = clock__now ();
  cache__close (cache);
  step[STEP_CLOSE] = clock__now () - t[0];
  free (key);
  return ok;
}

/* Drops the pages of FILE from the page cache, as far as they are clean.  */
static void
drop_pages (const char *file)
{
  int fd = open (file, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  fdatasync (fd);
  posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
  close (fd);
}

/* Runs measure_once in a process of its own.  RESULT: STEPS seconds, then those of each look-up where MANY.  */
static bool
measure_fresh (const char *directory, uint64_t number, uint64_t stride, uint64_t size, unsigned n, bool hit,
               double *result, bool many)
{
  size_t length = (STEPS + (many ? n : 0)) * sizeof (double);
  int pipes[2];
  if (pipe2 (pipes, O_CLOEXEC) != 0)
    return false;
  pid_t pid = fork ();
  if (pid == 0)
    {
      bool ok = measure_once (directory, number, stride, size, n, hit, result, many ? result + STEPS : NULL);
      for (size_t done = 0; ok && done < length;)
        {
          ssize_t put = write (pipes[1], (char *)result + done, length - done);
          ok = put > 0;
          done += ok ? (size_t)put : 0;
        }
      _exit (ok ? 0 : 1);
    }
  close (pipes[1]);
  size_t got = 0;
  for (ssize_t part; pid > 0 && got < length && (part = read (pipes[0], (char *)result + got, length - got)) > 0;)
    got += (size_t)part;
  close (pipes[0]);
  int status = -1;
  while (pid > 0 && waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  return got == length && status == 0;
}

/* Adds median and 99th percentile of X[N] seconds to ROW, in microseconds.  */
static void
add_times (cJSON *row, const char *name, double *x, unsigned n)
{
  cJSON *both = cJSON_AddObjectToObject (row, name);
  cJSON_AddNumberToObject (both, "median_us", growth__quantile (x, n, 0.5) * 1e6);
  cJSON_AddNumberToObject (both, "p99_us", growth__quantile (x, n, 0.99) * 1e6);
}

static void
print_times (const cJSON *row, const char *name)
{
  const cJSON *both = cJSON_GetObjectItem (row, name);
  printf ("  %7.0f/%-7.0f", cJSON_GetObjectItem (both, "median_us")->valuedouble,
          cJSON_GetObjectItem (both, "p99_us")->valuedouble);
}

/* All look-ups at SIZE entries into ROW.  */
static int
measure_lookups (const struct growth *growth, const char *directory, unsigned size, cJSON *row)
{
  unsigned in_a_row = growth->quick ? 200 : IN_A_ROW;
  double *result = calloc (STEPS + in_a_row, sizeof *result), *x = calloc (STEPS * FRESH_WARM, sizeof *x);
  char *file = growth__text ("%s/cache.db", directory);
  int status = -1;
  if (!result || !x)
    goto out;
  for (unsigned kind = 0; kind < 4; kind++)
    {
      bool hit = kind % 2 == 0, cold = kind >= 2;
      unsigned n = growth->quick ? 20 : cold ? FRESH_COLD : FRESH_WARM;
      /* Warm: every page was read shortly before.  */
      for (unsigned i = 0; !cold && i < n; i++)
        if (!measure_fresh (directory, i * UINT64_C (2654435761) % size, 1, size, 1, hit, result, false))
          {
            growth__fail ("a look-up at %u entries went wrong", size);
            goto out;
          }
      static const char *const name[4][2] = { { "hit", "hit_open" }, { "miss", "miss_open" },
                                              { "cold_hit", "cold_hit_open" }, { "cold_miss", "cold_miss_open" } };
      for (unsigned i = 0; i < n; i++)
        {
          if (*growth->stop)
            goto out;
          if (cold)
            drop_pages (file);
          if (!measure_fresh (directory, i * UINT64_C (2654435761) % size, 1, size, 1, hit, result, false))
            {
              growth__fail ("a look-up at %u entries went wrong", size);
              goto out;
            }
          x[i] = result[STEP_FIRST];
          x[FRESH_WARM + i] = result[STEP_OPEN];
          x[2 * FRESH_WARM + i] = result[STEP_CLOSE];
        }
      add_times (row, name[kind][0], x, n);
      add_times (row, name[kind][1], x + FRESH_WARM, n);
      if (kind == 0)
        add_times (row, "hit_close", x + 2 * FRESH_WARM, n);
    }
  for (unsigned kind = 0; kind < 4; kind++)
    {
      /* The first time for warmth.  */
      bool hit = kind >= 2, warm = kind % 2;
      /* A stride prime to every size: all over the table, no key twice before all were there.  */
      if (!measure_fresh (directory, 7, 7919, size, in_a_row, hit, result, true))
        {
          growth__fail ("look-ups at %u entries went wrong", size);
          goto out;
        }
      if (warm)
        add_times (row, hit ? "row_hit" : "row_miss", result + STEPS, in_a_row);
    }
  status = 0;
out:
  free (result);
  free (x);
  free (file);
  return status;
}

/* Fills DIRECTORY from entry FIRST up to N, in a process of its own: memory that filling takes would make every later
   fork, and what its child does, slower.  */
static int
fill (const char *directory, unsigned first, unsigned n)
{
  fflush (stdout);
  pid_t pid = fork ();
  if (pid == 0)
    {
      struct cache *cache;
      struct why why;
      if (cache__open (directory, CACHE_WRITE, &cache, &why) != 0 || growth__fill (cache, first, n, &why) != 0)
        {
          growth__fail ("%s", why.detail);
          _exit (1);
        }
      cache__close (cache);
      /* Or what is measured next would wait for the disk.  */
      char *file = growth__text ("%s/cache.db", directory);
      int fd = open (file, O_RDONLY | O_CLOEXEC);
      _exit (fd >= 0 && fdatasync (fd) == 0 ? 0 : 1);
    }
  int status = -1;
  while (pid > 0 && waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  return status == 0 ? 0 : growth__fail ("filling to %u entries failed", n);
}

/* The commands' times into ROW, in seconds; `check`, which reads everything, comes last.  */
static int
measure_commands (const struct growth *growth, const char *directory, cJSON *row, bool check_too)
{
  char *aiopt = growth__text ("%s/cli/aiopt", growth->build), *directory_option = growth__text ("--cache=%s", directory);
  char key[65];
  growth__key (33, key);
  char *head = growth__text ("'%s' cache list '%s' | head >/dev/null", aiopt, directory_option);
  char *const stats[] = { aiopt, (char *)"cache", (char *)"stats", directory_option, NULL };
  char *const list[] = { (char *)"sh", (char *)"-c", head, NULL };
  char *const show[] = { aiopt, (char *)"cache", (char *)"show", key, directory_option, NULL };
  char *const check[] = { aiopt, (char *)"cache", (char *)"check", directory_option, NULL };
  const struct
  {
    const char *name;
    char *const *argv;
    unsigned n;
  } command[] = { { "stats_seconds", stats, 7 }, { "list_head_seconds", list, 7 }, { "show_seconds", show, 5 },
                  { "check_seconds", check, 1 } };
  int status = 0;
  for (unsigned i = check_too ? 3 : 0; status == 0 && i < (check_too ? 4 : 3); i++)
    {
      double seconds = growth__time (growth, command[i].argv, growth->quick ? 1 : command[i].n);
      if (seconds < 0)
        status = -1;
      else
        cJSON_AddNumberToObject (row, command[i].name, seconds);
    }
  if (status == 0 && !check_too)
    {
      char *file = growth__text ("%s/cache.db", directory);
      drop_pages (file);
      free (file);
      double seconds = growth__time (growth, stats, 1);
      status = seconds < 0 ? -1 : 0;
      cJSON_AddNumberToObject (row, "stats_cold_seconds", seconds);
    }
  free (aiopt);
  free (directory_option);
  free (head);
  return status;
}

/* A unit of UNIT_FUNCTIONS whose look-ups all hit, in this cache.  */
static int
measure_compile (const struct growth *growth, const char *directory, const char *unit, cJSON *row)
{
  char *argument = growth__text ("cache=%s", directory);
  const char *arguments[] = { argument, "hot=all", "mode=apply", NULL };
  struct growth_case hit = { .name = "replaced", .arguments = arguments };
  double plain;
  int status = growth__compare (growth, unit, &hit, 1, growth->quick ? 6 : 12, &plain);
  free (argument);
  if (status < 0)
    return -1;
  cJSON_AddNumberToObject (row, "compile_ratio", hit.ratio.estimate);
  cJSON_AddNumberToObject (row, "compile_ratio_low", hit.ratio.low);
  cJSON_AddNumberToObject (row, "compile_ratio_high", hit.ratio.high);
  return 0;
}

/* How many entries DIRECTORY was filled with by an earlier run, those of the unit apart.  */
static unsigned
count_filled (const char *directory)
{
  struct cache *cache;
  struct why why;
  struct cache_stats stats = { 0 };
  if (cache__open (directory, CACHE_READ, &cache, &why) == 0)
    {
      cache__stats (cache, &stats, &why);
      cache__close (cache);
    }
  uint64_t entries = stats.rewrites + stats.negatives;
  return entries > UNIT_FUNCTIONS ? (unsigned)(entries - UNIT_FUNCTIONS) : 0;
}

int
growth__cache (struct growth *growth)
{
  char *directory = growth->cache ? growth__text ("%s", growth->cache) : growth__text ("%s/cache", growth->work), *unit = growth__text ("%s/unit-cache.c", growth->work);
  cJSON *rows = cJSON_AddArrayToObject (growth->json, "cache");
  int status = growth__unit (unit, 500000, UNIT_FUNCTIONS);
  printf ("\nCache: a look-up in a fresh process, microseconds, median/99 %%\n"
          "%9s  %8s  %-15s  %-15s  %-15s  %-15s\n", "entries", "MiB", "    hit", "   miss", "   hit, cold", "  opening");
  unsigned filled = count_filled (directory);
  if (filled > growth->entries)
    status = growth__fail ("%s holds %u entries, more than --entries=%u", directory, filled, growth->entries);
  for (unsigned size = SMALLEST < growth->entries && !growth->only_largest ? SMALLEST : growth->entries; status == 0;)
    {
      double begin = clock__now ();
      bool is_new = filled == 0;
      if (filled < size)
        {
          status = fill (directory, filled, size);
          filled = size;
        }
      if (status != 0 || (is_new && growth__answer (growth, unit, directory, true) < 0))
        {
          status = -1;
          break;
        }
      cJSON *row = cJSON_CreateObject ();
      cJSON_AddItemToArray (rows, row);
      cJSON_AddNumberToObject (row, "entries", size);
      cJSON_AddNumberToObject (row, "fill_seconds", clock__now () - begin);
      char *file = growth__text ("%s/cache.db", directory);
      struct stat st;
      double mib = stat (file, &st) == 0 ? (double)st.st_size / 1048576 : 0;
      free (file);
      cJSON_AddNumberToObject (row, "mib", mib);
      status = measure_lookups (growth, directory, size, row);
      if (status != 0)
        break;
      printf ("%9u  %8.0f", size, mib);
      print_times (row, "hit");
      print_times (row, "miss");
      print_times (row, "cold_hit");
      print_times (row, "hit_open");
      putchar ('\n');
      fflush (stdout);
      if (measure_commands (growth, directory, row, false) != 0 || measure_compile (growth, directory, unit, row) != 0
          || measure_commands (growth, directory, row, true) != 0)
        status = -1;
      if (size == growth->entries)
        break;
      size = size > growth->entries / 10 ? growth->entries : size * 10;
    }
  printf ("\nCache: many look-ups in one process (microseconds, median/99 %%); commands (seconds);\n"
          "a unit of %d functions that all hit, its task clock over plain GCC's\n"
          "%9s  %-15s  %-15s  %6s  %6s  %6s  %6s  %6s  %s\n", UNIT_FUNCTIONS, "entries", "    hit", "   miss", "stats",
          "cold", "list", "show", "check", "compile");
  const cJSON *row;
  cJSON_ArrayForEach (row, rows)
  {
    if (!cJSON_HasObjectItem (row, "compile_ratio_high"))
      continue;
    printf ("%9.0f", cJSON_GetObjectItem (row, "entries")->valuedouble);
    print_times (row, "row_hit");
    print_times (row, "row_miss");
    static const char *const name[]
        = { "stats_seconds", "stats_cold_seconds", "list_head_seconds", "show_seconds", "check_seconds" };
    /* Stopped in its last check, a row is whole but for that.  */
    for (unsigned i = 0; i < sizeof name / sizeof *name; i++)
      if (cJSON_HasObjectItem (row, name[i]))
        printf ("  %6.*f", i < 4 ? 3 : 1, cJSON_GetObjectItem (row, name[i])->valuedouble);
      else
        printf ("  %6s", "-");
    printf ("  %.3f (%.3f-%.3f)\n", cJSON_GetObjectItem (row, "compile_ratio")->valuedouble,
            cJSON_GetObjectItem (row, "compile_ratio_low")->valuedouble,
            cJSON_GetObjectItem (row, "compile_ratio_high")->valuedouble);
  }
  free (directory);
  free (unit);
  return status;
}
