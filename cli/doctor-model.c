/* What `aiopt doctor` sees of the settings and of the model's server.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/doctor.h"

#include "config/config.h"
#include "model/http.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Besides the time for a connection: a list of models is no work.  */
#define LISTING_SECONDS 5.0

/* SEEN[SIZE] says what ANSWER, to GET /models, lists; is MODEL (may be "") among it, or is it any?  */
static bool
answer__lists (const struct http_answer *answer, const char *model, char *seen, size_t size)
{
  cJSON *root = cJSON_Parse (answer->body);
  const cJSON *list = cJSON_GetObjectItemCaseSensitive (root, "data"), *one;
  const char *first = NULL;
  bool there = false;
  int n = cJSON_IsArray (list) ? cJSON_GetArraySize (list) : 0;
  cJSON_ArrayForEach (one, list)
  {
    const cJSON *id = cJSON_GetObjectItemCaseSensitive (one, "id");
    if (!cJSON_IsString (id))
      continue;
    first = first ? first : id->valuestring;
    there |= strcmp (id->valuestring, model) == 0;
  }
  if (*model)
    snprintf (seen, size, "answers; %.100s is %samong its %d models", model, there ? "" : "not ", n);
  else
    snprintf (seen, size, "answers; %d models, of which %.100s would be asked", n, first ? first : "none");
  bool well = *model ? there : first != NULL;
  cJSON_Delete (root);
  return well;
}

enum status
doctor__model (char *seen, size_t size, const char **hint)
{
  struct why why = { 0 };
  struct config *config = config__read (&why);
  *hint = NULL;
  if (!config)
    {
      snprintf (seen, size, "%s", why.detail);
      *hint = "put the setting right; aiopt config path lists the files that are read";
      return STATUS_WARN;
    }
  struct model_settings settings;
  config__model (config, "", &settings);
  enum status status = STATUS_OK;
  struct http *http = NULL;
  if (!settings.base_url || !*settings.base_url)
    snprintf (seen, size, "no server is set: policy llm has only recorded answers (llm.base-url)");
  else if (!(http = http__new (&settings, NULL, &why)))
    {
      snprintf (seen, size, "%s", why.detail);
      status = STATUS_WARN;
      *hint = "aiopt config show llm";
    }
  else
    {
      struct http_answer answer = { 0 };
      double limit = fmin (settings.connect_seconds + LISTING_SECONDS, settings.total_seconds);
      http__begin (http, "/models", NULL, http__now () + limit, 0);
      while (!http__wait (http, 1, &answer) && http__pending (http))
        ;
      char said[500];
      bool well = false;
      if (answer.end == HTTP_ANSWERED)
        well = answer__lists (&answer, settings.model ? settings.model : "", said, sizeof said);
      else
        snprintf (said, sizeof said, "%.100s: %.380s", reason__text (answer.why.reason), answer.why.detail);
      snprintf (seen, size, "%.150s: %s", settings.base_url, said);
      status = well ? STATUS_OK : STATUS_WARN;
      *hint = well ? NULL : answer.end == HTTP_ANSWERED ? "name one that it has: llm.model" : reason__remedy (answer.why.reason);
      free (answer.body);
    }
  http__free (http);
  config__free (config);
  return status;
}
