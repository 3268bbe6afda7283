/* The body of a question.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/chat-internal.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* Adds to BODY how the answer's form, SCHEMA named NAME, is asked for as STRUCTURED; takes SCHEMA over.  */
static void
body__add_form (cJSON *body, cJSON *schema, const char *name, enum structured structured)
{
  cJSON *format = NULL;
  switch (structured)
    {
    case STRUCTURED_AUTO:
    case STRUCTURED_JSON_SCHEMA:
      {
        format = cJSON_AddObjectToObject (body, "response_format");
        cJSON_AddStringToObject (format, "type", "json_schema");
        cJSON *inner = cJSON_AddObjectToObject (format, "json_schema");
        cJSON_AddStringToObject (inner, "name", name && *name ? name : "answer");
        cJSON_AddBoolToObject (inner, "strict", true);
        cJSON_AddItemToObject (inner, "schema", schema);
        return;
      }
    case STRUCTURED_SCHEMA:
      format = cJSON_AddObjectToObject (body, "response_format");
      cJSON_AddStringToObject (format, "type", "json_object");
      cJSON_AddItemToObject (format, "schema", schema);
      return;
    case STRUCTURED_GUIDED:
      cJSON_AddItemToObject (body, "guided_json", schema);
      return;
    case STRUCTURED_JSON_OBJECT:
      format = cJSON_AddObjectToObject (body, "response_format");
      cJSON_AddStringToObject (format, "type", "json_object");
      break;
    case STRUCTURED_NONE:
      break;
    }
  cJSON_Delete (schema);
}

char *
body__write (const struct model_settings *settings, const char *model, const struct chat_question *question,
             enum structured structured, unsigned without)
{
  cJSON *schema = question->schema ? cJSON_Parse (question->schema) : NULL;
  if (question->schema && !schema)
    return NULL;
  cJSON *body = cJSON_CreateObject ();
  if (model && *model)
    cJSON_AddStringToObject (body, "model", model);
  cJSON *messages = cJSON_AddArrayToObject (body, "messages");
  for (unsigned i = 0; i < question->n_messages; i++)
    {
      cJSON *message = cJSON_CreateObject ();
      cJSON_AddStringToObject (message, "role", question->message[i].role);
      cJSON_AddStringToObject (message, "content", question->message[i].content);
      cJSON_AddItemToArray (messages, message);
    }
  if (settings->max_tokens)
    cJSON_AddNumberToObject (body, without & WITHOUT_MAX_TOKENS ? "max_completion_tokens" : "max_tokens", settings->max_tokens);
  if (settings->temperature >= 0 && !(without & WITHOUT_TEMPERATURE))
    cJSON_AddNumberToObject (body, "temperature", settings->temperature);
  if (!(without & WITHOUT_SEED))
    cJSON_AddNumberToObject (body, "seed", question->sample);
  cJSON_AddBoolToObject (body, "stream", false);
  if (schema)
    body__add_form (body, schema, question->schema_name, structured);
  char *text = cJSON_PrintUnformatted (body);
  if (!text)
    abort ();
  cJSON_Delete (body);
  return text;
}
