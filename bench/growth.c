/* `make bench-growth`: how cost grows.  Compile time against functions in a unit, look-ups and `aiopt cache` against
   entries, tuning against --jobs, verification against a function's size.  Tables on standard output, JSON on demand.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/growth.h"
#include "bench/cpu-model.h"
#include "bench/statistics.h"
#include "policy/process.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum
{
  ENTRIES_MAX = 10000000,
  FUNCTIONS_MAX = 100000,
  JSON_MOST = 1 << 28 /* bytes */
};

static volatile sig_atomic_t stopped;

static void
handle_stop (int number)
{
  stopped = number;
}

int
growth__fail (const char *format, ...)
{
  va_list args;
  fflush (stdout);
  fputs ("bench/growth: ", stderr);
  va_start (args, format);
  vfprintf (stderr, format, args);
  va_end (args);
  fputc ('\n', stderr);
  return -1;
}

char *
growth__text (const char *format, ...)
{
  char *text;
  va_list args;
  va_start (args, format);
  if (vasprintf (&text, format, args) < 0)
    abort ();
  va_end (args);
  return text;
}

int
growth__run (const struct growth *growth, char *const argv[], const char *output, double *seconds, double *task)
{
  double begin = clock__now ();
  pid_t pid = *growth->stop ? -1 : fork ();
  if (pid == 0)
    {
      int out = open (output ? output : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (out < 0 || dup2 (out, 1) < 0)
        _exit (126);
      execvp (argv[0], argv);
      _exit (127);
    }
  int status = -1;
  struct rusage usage = { 0 };
  while (pid > 0 && wait4 (pid, &status, 0, &usage) < 0)
    {
      if (errno != EINTR)
        return -1;
      if (*growth->stop)
        kill (pid, SIGTERM);
    }
  if (seconds)
    *seconds = clock__now () - begin;
  if (task)
    *task = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  if (pid <= 0 || *growth->stop || !WIFEXITED (status))
    return -1;
  return WEXITSTATUS (status);
}

double
growth__time (const struct growth *growth, char *const argv[], unsigned n)
{
  double *x = calloc (n, sizeof *x), result = -1;
  for (unsigned i = 0; x && i < n; i++)
    if (growth__run (growth, argv, NULL, &x[i], NULL) != 0)
      {
        growth__fail ("'%s %s %s' failed", argv[0], argv[1], argv[2]);
        goto out;
      }
  result = x ? statistics__median (x, n) : -1;
out:
  free (x);
  return result;
}

cJSON *
growth__read_json (const char *path)
{
  size_t length;
  char *text = file__read (path, JSON_MOST, &length);
  cJSON *json = text ? cJSON_ParseWithLength (text, length) : NULL;
  free (text);
  return json;
}

double
growth__quantile (double *x, size_t n, double q)
{
  statistics__sort (x, n);
  size_t rank = (size_t)(q * (double)n);
  return x[rank < n ? rank : n - 1];
}

static const struct
{
  const char *name;
  int (*run) (struct growth *growth);
} parts[] = { { "compile", growth__compile },
              { "cache", growth__cache },
              { "jobs", growth__jobs },
              { "verify", growth__verify } };

enum
{
  N_PARTS = sizeof parts / sizeof *parts,
  KEY_BUILD = 1,
  KEY_SOURCE,
  KEY_ENTRIES,
  KEY_FUNCTIONS,
  KEY_CACHE,
  KEY_LARGEST,
  KEY_QUICK,
  KEY_JSON
};

struct options
{
  struct growth *growth;
  const char *json;
  bool part[N_PARTS], any;
};

static const struct argp_option option_table[] = {
  { "build", KEY_BUILD, "DIR", 0, "Top of the build tree (default $AIOPT_BUILD, else .)", 0 },
  { "source", KEY_SOURCE, "DIR", 0, "Top of the source tree (default $AIOPT_SOURCE, else DIR of --build/..)", 0 },
  { "entries", KEY_ENTRIES, "N", 0, "The largest cache (default 1000000; 10 KB each in $TMPDIR)", 0 },
  { "functions", KEY_FUNCTIONS, "N", 0, "The largest unit (default 10000)", 0 },
  { "cache", KEY_CACHE, "DIR", 0, "Keep the synthetic cache in DIR, and go on with what an earlier run left there", 0 },
  { "only-largest", KEY_LARGEST, NULL, 0, "None of the smaller caches and units", 0 },
  { "quick", KEY_QUICK, NULL, 0, "Few repetitions: shows that it runs, not how fast", 0 },
  { "json", KEY_JSON, "FILE", 0, "Write the result to FILE as well", 0 },
  { 0 },
};

/* ARGUMENT as a whole number from 1 to MOST, or an end with a message.  */
static unsigned
parse_number (struct argp_state *state, const char *option, const char *argument, unsigned long most)
{
  char *end;
  errno = 0;
  unsigned long n = strtoul (argument, &end, 10);
  if (errno || !*argument || *end || n < 1 || n > most || *argument == '-')
    argp_error (state, "--%s wants a whole number from 1 to %lu, not '%s'", option, most, argument);
  return (unsigned)n;
}

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  struct growth *growth = options->growth;
  switch (key)
    {
    case KEY_BUILD:
      growth->build = argument;
      return 0;
    case KEY_SOURCE:
      growth->source = argument;
      return 0;
    case KEY_ENTRIES:
      growth->entries = parse_number (state, "entries", argument, ENTRIES_MAX);
      return 0;
    case KEY_FUNCTIONS:
      growth->functions = parse_number (state, "functions", argument, FUNCTIONS_MAX);
      return 0;
    case KEY_CACHE:
      growth->cache = argument;
      return 0;
    case KEY_LARGEST:
      growth->only_largest = true;
      return 0;
    case KEY_QUICK:
      growth->quick = true;
      return 0;
    case KEY_JSON:
      options->json = argument;
      return 0;
    case ARGP_KEY_ARG:
      for (unsigned i = 0; i < N_PARTS; i++)
        if (strcmp (argument, parts[i].name) == 0)
          {
            options->part[i] = options->any = true;
            return 0;
          }
      argp_error (state, "'%s' is none of compile, cache, jobs, verify", argument);
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

/* The first line of PATH, malloc'ed.  */
static char *
first_line (const char *path)
{
  FILE *f = fopen (path, "r");
  char *line = NULL;
  size_t size = 0;
  bool found = f && getline (&line, &size, f) > 0;
  if (found)
    line[strcspn (line, "\n")] = '\0';
  char *result = growth__text ("%s", found ? line : "unknown");
  free (line);
  if (f)
    fclose (f);
  return result;
}

/* Machine, versions and date, printed and into the JSON.  */
static void
say_where (struct growth *growth)
{
  struct utsname system;
  char cpu[128] = "unknown";
  cpu__model (cpu, sizeof cpu);
  uname (&system);
  char date[40];
  time_t now = time (NULL);
  strftime (date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime (&now));
  char *version_file = growth__text ("%s/version", growth->work);
  char *argv[] = { (char *)growth->gcc, (char *)"-dumpfullversion", NULL };
  growth__run (growth, argv, version_file, NULL, NULL);
  const struct
  {
    const char *name;
    char *value;
  } item[] = { { "date", growth__text ("%s", date) },
               { "machine", growth__text ("%s", cpu) },
               { "processors", growth__text ("%ld", sysconf (_SC_NPROCESSORS_ONLN)) },
               { "system", growth__text ("%s %s", system.sysname, system.release) },
               { "load", first_line ("/proc/loadavg") },
               { "aiopt", growth__text ("%s", AIOPT_VERSION) },
               { "gcc", first_line (version_file) },
               { "sqlite", growth__text ("%s", sqlite3_libversion ()) } };
  for (unsigned i = 0; i < sizeof item / sizeof *item; i++)
    {
      printf ("%-11s %s\n", item[i].name, item[i].value);
      cJSON_AddStringToObject (growth->json, item[i].name, item[i].value);
      free (item[i].value);
    }
  cJSON_AddBoolToObject (growth->json, "quick", growth->quick);
  if (growth->quick)
    puts ("--quick: these figures show that it runs, not how fast");
  fflush (stdout);
  free (version_file);
}

static int
write_json (const struct growth *growth, const char *path)
{
  char *text = cJSON_Print (growth->json);
  FILE *f = fopen (path, "w");
  bool ok = f && text && fprintf (f, "%s\n", text) > 0;
  ok = f && fclose (f) == 0 && ok;
  cJSON_free (text);
  return ok ? 0 : growth__fail ("%s: can't be written: %s", path, strerror (errno));
}

int
main (int argc, char **argv)
{
  static const struct argp argp
      = { option_table, parse, "[compile] [cache] [jobs] [verify]",
          "Measures how cost grows: compile time with the number of functions, look-ups with the number of entries,"
          " tuning with the number of jobs, verification with the size of a function.  All of them by default.\v"
          "Takes about an hour and 15 GB of temporary space at full size.", NULL, NULL, NULL };
  const char *gcc = getenv ("AIOPT_GCC"), *build = getenv ("AIOPT_BUILD"), *source = getenv ("AIOPT_SOURCE");
  struct growth growth = { .build = build ? build : ".",
                           .source = source,
                           .gcc = gcc ? gcc : AIOPT_TARGET_GCC,
                           .entries = 1000000,
                           .functions = 10000,
                           .stop = &stopped };
  struct options options = { .growth = &growth };
  if (argp_parse (&argp, argc, argv, 0, NULL, &options))
    return 64;
  char *real_build = realpath (growth.build, NULL);
  char *real_source = growth.source ? realpath (growth.source, NULL)
                                    : real_build ? growth__text ("%s/..", real_build) : NULL;
  int status = 1;
  char *aiopt = growth__text ("%s/cli/aiopt", real_build ? real_build : "");
  if (!real_build || !real_source || access (aiopt, X_OK) != 0)
    growth__fail ("'%s' is no build of aiopt: %s: %s", growth.build, aiopt, strerror (errno));
  else if (!(growth.work = directory__temporary ("aiopt-growth.")))
    growth__fail ("no temporary folder: %s", strerror (errno));
  else
    {
      struct sigaction action = { .sa_handler = handle_stop };
      sigaction (SIGINT, &action, NULL);
      sigaction (SIGTERM, &action, NULL);
      growth.build = real_build;
      growth.source = real_source;
      growth.json = cJSON_CreateObject ();
      say_where (&growth);
      status = 0;
      for (unsigned i = 0; status == 0 && !stopped && i < N_PARTS; i++)
        if (!options.any || options.part[i])
          status = parts[i].run (&growth) != 0;
      /* What was measured before a part failed is worth keeping.  */
      if (options.json && write_json (&growth, options.json) != 0)
        status = 1;
      cJSON_Delete (growth.json);
      directory__remove (growth.work);
    }
  free (aiopt);
  free (real_build);
  free (real_source);
  free (growth.work);
  return stopped ? 128 + stopped : status;
}
