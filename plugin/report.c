/* report=FILE: what became of each function of this process, as JSON.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/core.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPORT_SCHEMA = 1 };

struct report
{
  cJSON *functions;
  cJSON *reasons;      /* slug to count, of what was left alone or kept */
  unsigned seen, cold, left_alone, kept, replaced, lookups;
  double lookup_us, lookup_us_max, helper_seconds;
};

struct report *
report__new (void)
{
  struct report *report = calloc (1, sizeof *report);
  if (!report)
    return NULL;
  report->functions = cJSON_CreateArray ();
  report->reasons = cJSON_CreateObject ();
  return report;
}

static void
count_reason (struct report *report, enum reason reason)
{
  const char *slug = reason__slug (reason);
  cJSON *item = cJSON_GetObjectItemCaseSensitive (report->reasons, slug);
  if (item)
    cJSON_SetNumberValue (item, item->valuedouble + 1);
  else
    cJSON_AddNumberToObject (report->reasons, slug, 1);
}

static cJSON *
add_function (struct report *report, const char *function, const char *file, unsigned line,
              const char *decision)
{
  cJSON *object = cJSON_CreateObject ();
  cJSON_AddStringToObject (object, "function", function);
  cJSON_AddStringToObject (object, "file", file ? file : "");
  cJSON_AddNumberToObject (object, "line", line);
  cJSON_AddStringToObject (object, "decision", decision);
  cJSON_AddItemToArray (report->functions, object);
  report->seen++;
  return object;
}

static void
add_why (struct report *report, cJSON *object, const struct why *why)
{
  cJSON_AddStringToObject (object, "reason", reason__slug (why->reason));
  cJSON_AddStringToObject (object, "detail", why->detail);
  count_reason (report, why->reason);
}

void
report__left_alone (struct report *report, const char *function, const char *file, unsigned line,
                    const struct why *why)
{
  if (!report)
    return;
  add_why (report, add_function (report, function, file, line, "left-alone"), why);
  if (why->reason == REASON_COLD)
    report->cold++;
  else
    report->left_alone++;
}

static void
add_text (cJSON *object, const char *name, const char *text)
{
  if (text)
    cJSON_AddStringToObject (object, name, text);
}

void
report__decided (struct report *report, const struct region *region,
                 const struct core_decision *decision, const struct entry *entry, double lookup_us,
                 double helper_seconds)
{
  if (!report)
    return;
  bool replaced = decision->action == CORE_REPLACE;
  cJSON *object = add_function (report, region->function, region->file, region->line,
                                replaced ? "replaced" : "kept");
  if (!replaced)
    add_why (report, object, &decision->why);
  add_text (object, "key", *decision->key ? decision->key : NULL);
  if (entry)
    {
      if (entry->kind == ENTRY_REWRITE)
        {
          cJSON_AddNumberToObject (object, "ratio", entry->ratio);
          cJSON_AddNumberToObject (object, "ratio_low", entry->ratio_low);
          cJSON_AddNumberToObject (object, "ratio_high", entry->ratio_high);
        }
      add_text (object, "verdict", entry->verdict);
      add_text (object, "policy", entry->policy);
      add_text (object, "provenance", entry->provenance);
    }
  cJSON_AddNumberToObject (object, "lookup_us", lookup_us);
  if (helper_seconds > 0)
    cJSON_AddNumberToObject (object, "helper_seconds", helper_seconds);
  if (replaced)
    report->replaced++;
  else
    report->kept++;
  report->lookups++;
  report->lookup_us += lookup_us;
  report->helper_seconds += helper_seconds;
  if (lookup_us > report->lookup_us_max)
    report->lookup_us_max = lookup_us;
}

/* Writes TEXT to PATH through a new file beside it.  0 or -errno.  */
static int
write_then_rename (const char *path, const char *text)
{
  char *temporary = NULL, *target = NULL;
  struct stat info;
  int result = -ENOMEM;
  if (stat (path, &info) == 0 && S_ISDIR (info.st_mode))
    {
      if (asprintf (&target, "%s/aiopt-%ld-%lx.json", path, (long) getpid (),
                    (unsigned long) time (NULL)) < 0)
        return -ENOMEM;
    }
  else
    target = strdup (path);
  if (!target)
    return -ENOMEM;
  /* What is no regular file (/dev/stdout, a pipe) can't be renamed to.  */
  bool direct = stat (target, &info) == 0 && !S_ISREG (info.st_mode);
  if (direct)
    temporary = strdup (target);
  else if (asprintf (&temporary, "%s.%ld.tmp", target, (long) getpid ()) < 0)
    temporary = NULL;
  FILE *file = temporary ? fopen (temporary, "w") : NULL;
  if (!file)
    result = temporary ? -errno : -ENOMEM;
  else
    {
      bool good = fputs (text, file) >= 0 && fputc ('\n', file) != EOF;
      result = fclose (file) == 0 && good ? 0 : -EIO;
      if (!direct && result == 0 && rename (temporary, target) != 0)
        result = -errno;
      if (!direct && result != 0)
        unlink (temporary);
    }
  free (temporary);
  free (target);
  return result;
}

int
report__finish (struct report *report, const char *path, const struct plugin_options *options)
{
  if (!report)
    return 0;
  cJSON *root = cJSON_CreateObject ();
  cJSON_AddNumberToObject (root, "schema", REPORT_SCHEMA);
  cJSON_AddStringToObject (root, "version", AIOPT_VERSION);
  cJSON_AddStringToObject (root, "accept", accept__name (options->accept));
  cJSON_AddStringToObject (root, "isa", isa_mode__name (options->isa));
  cJSON_AddItemToObject (root, "functions", report->functions);
  cJSON *totals = cJSON_AddObjectToObject (root, "totals");
  cJSON_AddNumberToObject (totals, "seen", report->seen);
  cJSON_AddNumberToObject (totals, "cold", report->cold);
  cJSON_AddNumberToObject (totals, "left_alone", report->left_alone);
  cJSON_AddNumberToObject (totals, "kept", report->kept);
  cJSON_AddNumberToObject (totals, "replaced", report->replaced);
  cJSON_AddNumberToObject (totals, "lookup_us_mean",
                           report->lookups ? report->lookup_us / report->lookups : 0);
  cJSON_AddNumberToObject (totals, "lookup_us_max", report->lookup_us_max);
  cJSON_AddNumberToObject (totals, "helper_seconds", report->helper_seconds);
  cJSON_AddItemToObject (totals, "reasons", report->reasons);
  char *text = cJSON_Print (root);
  cJSON_Delete (root);
  free (report);
  int result = text ? write_then_rename (path, text) : -ENOMEM;
  cJSON_free (text);
  return result;
}
