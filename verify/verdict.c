/* Verdicts: names, ranks, JSON.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/verify.h"

#include <cjson/cJSON.h>
#include <string.h>

static const char *const names[] = {
  [VERDICT_UNKNOWN] = "unknown", [VERDICT_REFUTED] = "refuted", [VERDICT_TESTED] = "tested",
  [VERDICT_BOUNDED] = "bounded", [VERDICT_PROVED] = "proved",
};

enum { LEVELS = sizeof names / sizeof *names };

const char *
verdict__name (enum verdict_level level)
{
  return (unsigned) level < LEVELS ? names[level] : "unknown";
}

int
verdict__parse (const char *name, enum verdict_level *level)
{
  for (unsigned i = 0; name && i < LEVELS; i++)
    if (strcmp (name, names[i]) == 0)
      {
        *level = (enum verdict_level) i;
        return 0;
      }
  return -1;
}

bool
verdict__accepts (const struct verdict *verdict, enum accept level)
{
  switch (level)
    {
    case ACCEPT_TESTED:
      return verdict->level == VERDICT_TESTED || verdict->level == VERDICT_BOUNDED
             || verdict->level == VERDICT_PROVED;
    case ACCEPT_BOUNDED:
      return verdict->level == VERDICT_BOUNDED || verdict->level == VERDICT_PROVED;
    case ACCEPT_PROVED:
      return verdict->level == VERDICT_PROVED;
    }
  return false;
}

void
verdict__free (struct verdict *verdict)
{
  arena__free (verdict->arena);
  memset (verdict, 0, sizeof *verdict);
}

/* TEXT as JSON, null where it is NULL or doesn't parse.  */
static cJSON *
parsed (const char *text)
{
  cJSON *json = text ? cJSON_Parse (text) : NULL;
  return json ? json : cJSON_CreateNull ();
}

char *
verdict__to_json (const struct verdict *verdict)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "verdict", verdict__name (verdict->level));
  if (verdict->why.reason == REASON_NONE)
    cJSON_AddNullToObject (json, "reason");
  else
    cJSON_AddStringToObject (json, "reason", reason__slug (verdict->why.reason));
  if (verdict->why.reason != REASON_NONE && verdict->why.detail[0])
    cJSON_AddStringToObject (json, "detail", verdict->why.detail);
  const char *help = verdict->help ? verdict->help
                     : verdict->level == VERDICT_UNKNOWN ? reason__remedy (verdict->why.reason) : NULL;
  if (help)
    cJSON_AddStringToObject (json, "help", help);
  cJSON_AddNumberToObject (json, "tests", (double) verdict->tests);
  cJSON_AddNumberToObject (json, "tests_per_second", verdict->tests_per_second);
  cJSON_AddNumberToObject (json, "traced", (double) verdict->traced);
  cJSON_AddNumberToObject (json, "coverage", verdict->coverage);
  cJSON *mutants = cJSON_AddObjectToObject (json, "mutants");
  cJSON_AddNumberToObject (mutants, "killed", verdict->mutants_killed);
  cJSON_AddNumberToObject (mutants, "total", verdict->mutants_total);
  cJSON_AddItemToObject (json, "counterexample", parsed (verdict->counterexample_json));
  cJSON_AddNumberToObject (json, "seconds", verdict->seconds);
  if (verdict->evidence)
    cJSON_AddItemToObject (json, "evidence", parsed (verdict->evidence));
  char *text = cJSON_PrintUnformatted (json);
  cJSON_Delete (json);
  return text;
}
