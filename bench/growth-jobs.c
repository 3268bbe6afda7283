/* Regions that `aiopt tune` works a minute, against its --jobs: the kernels of bench/kernels, collected once; each run
   starts from a copy of that cache.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/growth.h"

#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
  KERNELS_MAX = 24 /* enough to fill the workers many times over */
};

/* Collects the kernels into DIRECTORY.  How many regions, or -1 after a message.  */
static int
collect (const struct growth *growth, const char *directory)
{
  char *pattern = growth__text ("%s/bench/kernels/*.c", growth->source);
  glob_t files;
  if (glob (pattern, 0, NULL, &files) != 0)
    {
      growth__fail ("%s: no kernels", pattern);
      free (pattern);
      return -1;
    }
  unsigned n = 0, limit = growth->quick ? 4 : KERNELS_MAX;
  int status = 0;
  for (size_t i = 0; status == 0 && i < files.gl_pathc && n < limit; i++)
    {
      if (strstr (files.gl_pathv[i], "/runner.c"))
        continue;
      char *plugin = growth__text ("-fplugin=%s/plugin/aiopt.so", growth->build);
      char *cache = growth__text ("-fplugin-arg-aiopt-cache=%s", directory);
      char *output = growth__text ("%s/kernel.o", growth->work);
      char *argv[] = { (char *)growth->gcc, (char *)"-O2", plugin, cache, (char *)"-fplugin-arg-aiopt-isa=native",
                       (char *)"-fplugin-arg-aiopt-hot=attribute", (char *)"-fplugin-arg-aiopt-mode=collect",
                       (char *)"-c", files.gl_pathv[i], (char *)"-o", output, NULL };
      if (growth__run (growth, argv, NULL, NULL, NULL) != 0)
        status = growth__fail ("%s wasn't compiled", files.gl_pathv[i]);
      n++;
      free (plugin);
      free (cache);
      free (output);
    }
  globfree (&files);
  free (pattern);
  struct cache *opened;
  struct why why;
  unsigned waiting = 0, leased;
  if (status == 0 && cache__open (directory, CACHE_READ, &opened, &why) == 0)
    {
      queue__count (opened, &waiting, &leased, &why);
      cache__close (opened);
    }
  return status == 0 ? (int)waiting : -1;
}

int
growth__jobs (struct growth *growth)
{
  char *collected = growth__text ("%s/collected", growth->work), *tuned = growth__text ("%s/tuned", growth->work);
  char *aiopt = growth__text ("%s/cli/aiopt", growth->build), *summary = growth__text ("%s/tune.json", growth->work);
  char *cache = growth__text ("--cache=%s", tuned);
  const char *budget = growth->quick ? "--budget=0.5" : "--budget=3";
  cpu_set_t set;
  unsigned processors = sched_getaffinity (0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT (&set) : 1;
  int regions = collect (growth, collected), status = regions < 0 ? -1 : 0;
  cJSON *rows = cJSON_AddArrayToObject (growth->json, "jobs");
  if (status == 0)
    printf ("\nTuning %d kernels (policy compilers, %s s) against --jobs; %u processors\n"
            "%5s  %8s  %8s  %9s  %15s\n", regions, strchr (budget, '=') + 1, processors, "jobs", "seconds", "worked",
            "rewritten", "regions/minute");
  for (unsigned jobs = 1; status == 0;)
    {
      char *option = growth__text ("--jobs=%u", jobs);
      char *remove_argv[] = { (char *)"rm", (char *)"-rf", tuned, NULL };
      char *copy_argv[] = { (char *)"cp", (char *)"-r", collected, tuned, NULL };
      char *argv[] = { aiopt, (char *)"tune", cache, option, (char *)budget, (char *)"--json", NULL };
      double seconds = 0;
      cJSON *result = NULL;
      if (growth__run (growth, remove_argv, NULL, NULL, NULL) != 0 || growth__run (growth, copy_argv, NULL, NULL, NULL) != 0
          || growth__run (growth, argv, summary, &seconds, NULL) != 0 || !(result = growth__read_json (summary)))
        status = growth__fail ("tuning with --jobs %u failed", jobs);
      else
        {
          double rewritten = cJSON_GetNumberValue (cJSON_GetObjectItem (result, "rewritten"));
          double worked = rewritten + cJSON_GetNumberValue (cJSON_GetObjectItem (result, "left_alone"));
          cJSON *row = cJSON_CreateObject ();
          cJSON_AddItemToArray (rows, row);
          cJSON_AddNumberToObject (row, "jobs", jobs);
          cJSON_AddNumberToObject (row, "regions", worked);
          cJSON_AddNumberToObject (row, "rewritten", rewritten);
          cJSON_AddNumberToObject (row, "seconds", seconds);
          cJSON_AddNumberToObject (row, "regions_a_minute", worked / seconds * 60);
          printf ("%5u  %8.1f  %8.0f  %9.0f  %15.1f\n", jobs, seconds, worked, rewritten, worked / seconds * 60);
          fflush (stdout);
        }
      cJSON_Delete (result);
      free (option);
      if (jobs == processors)
        break;
      jobs = jobs > processors / 2 ? processors : jobs * 2;
    }
  free (collected);
  free (tuned);
  free (aiopt);
  free (summary);
  free (cache);
  return status;
}
