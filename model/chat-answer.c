/* What a server's answer says: a message and how it ended, or an error.  Nothing of it is trusted.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/chat-internal.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum
{
  TOKENS_SLACK = 4096,    /* what a chat's template may add to a prompt that has no more tokens than bytes */
  MODEL_NAME_MAX = 256
};

/* Sets ANSWER's why and end: it is none.  */
static void __attribute__ ((format (printf, 2, 3)))
answer__fail (struct chat_answer *answer, const char *format, ...)
{
  char text[sizeof answer->why.detail];
  va_list args;
  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  answer->end = CHAT_FAILED;
  why__set (&answer->why, REASON_MODEL_BROKEN, "%s", text);
}

/* The JSON of REPLY's body; NULL and *WHAT is wrong with it.  */
static cJSON *
reply__json (const struct http_answer *reply, const char **what)
{
  const char *end = NULL;
  cJSON *json = NULL;
  *what = NULL;
  if (!text__is_utf8 (reply->body, reply->length))
    *what = "not UTF-8, or with a zero byte in it";
  else if (text__has_escaped_zero (reply->body, reply->length))
    *what = "with a zero byte in a string";
  /* Nests 1000 deep at most (cJSON's own limit).  */
  else if (!(json = cJSON_ParseWithOpts (reply->body, &end, true)))
    *what = "no JSON, cut off, or nested too deeply";
  else if (!cJSON_IsObject (json))
    {
      cJSON_Delete (json);
      json = NULL;
      *what = "no JSON object";
    }
  return json;
}

/* The number of tokens NAME of USAGE, 0 where it isn't there or is more than MOST, which can't be.  */
static uint64_t
usage__tokens (const cJSON *usage, const char *name, double most)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (usage, name);
  if (!cJSON_IsNumber (item) || !(item->valuedouble >= 1) || item->valuedouble > most || item->valuedouble != floor (item->valuedouble))
    return 0;
  return (uint64_t) item->valuedouble;
}

/* Takes MESSAGE's content over into ANSWER as FINISH, which may be NULL, says that it ended.  */
static void
answer__take (const struct model_settings *settings, const cJSON *message, const char *finish, struct chat_answer *answer)
{
  const cJSON *content = cJSON_GetObjectItemCaseSensitive (message, "content");
  const cJSON *refusal = cJSON_GetObjectItemCaseSensitive (message, "refusal");
  char said[200];
  if (cJSON_IsString (content))
    {
      answer->text = strdup (content->valuestring);
      if (!answer->text)
        abort ();
    }
  if (cJSON_IsString (refusal) && *refusal->valuestring)
    {
      answer->end = CHAT_FILTERED;
      text__line (refusal->valuestring, strlen (refusal->valuestring), settings->key, said, sizeof said);
      why__set (&answer->why, REASON_MODEL_FILTERED, "the model refuses: %s", said);
    }
  else if (finish && strcmp (finish, "content_filter") == 0)
    {
      answer->end = CHAT_FILTERED;
      why__set (&answer->why, REASON_MODEL_FILTERED, "finish_reason is content_filter");
    }
  else if (finish && strcmp (finish, "length") == 0)
    {
      answer->end = CHAT_TRUNCATED;
      why__set (&answer->why, REASON_MODEL_TRUNCATED, "finish_reason is length; llm.max-tokens is %u", settings->max_tokens);
    }
  else if (finish && (strcmp (finish, "tool_calls") == 0 || strcmp (finish, "function_call") == 0))
    answer__fail (answer, "finish_reason is %s, and no tools were offered", finish);
  else if (!answer->text)
    answer__fail (answer, "choices[0].message.content is no string");
  else
    answer->end = CHAT_ANSWERED;
}

void
answer__read (const struct model_settings *settings, const struct http_answer *reply, size_t asked, struct chat_answer *answer,
              struct server_error *error)
{
  const char *what;
  *error = (struct server_error){ 0 };
  cJSON *json = reply__json (reply, &what);
  if (!json)
    {
      answer__fail (answer, "HTTP %ld with an answer of %zu bytes that is %s", reply->status, reply->length, what);
      return;
    }
  const cJSON *choice = cJSON_GetArrayItem (cJSON_GetObjectItemCaseSensitive (json, "choices"), 0);
  const cJSON *message = cJSON_GetObjectItemCaseSensitive (choice, "message");
  const cJSON *finish = cJSON_GetObjectItemCaseSensitive (choice, "finish_reason");
  const cJSON *usage = cJSON_GetObjectItemCaseSensitive (json, "usage");
  answer->prompt_tokens = usage__tokens (usage, "prompt_tokens", (double) asked + TOKENS_SLACK);
  answer->answer_tokens = usage__tokens (usage, "completion_tokens", HTTP_ANSWER_MAX);
  server_error__read (reply->body, reply->length, settings->key, error);
  if (error->is_there)
    answer__fail (answer, "HTTP %ld with an error in place of an answer: %s", reply->status,
                  error->message[0] ? error->message : "it doesn't say which");
  else if (!cJSON_IsObject (message))
    answer__fail (answer, "HTTP %ld with JSON that has no object choices[0].message", reply->status);
  else
    answer__take (settings, message, cJSON_IsString (finish) ? finish->valuestring : NULL, answer);
  cJSON_Delete (json);
}

char *
answer__model (const struct model_settings *settings, const struct http_answer *reply, struct why *why)
{
  const char *what;
  char *model = NULL, line[MODEL_NAME_MAX + 8];
  cJSON *json = reply__json (reply, &what);
  const cJSON *first = cJSON_GetArrayItem (cJSON_GetObjectItemCaseSensitive (json, "data"), 0);
  const cJSON *id = cJSON_GetObjectItemCaseSensitive (first, "id");
  if (!json)
    why__set (why, REASON_MODEL_BROKEN, "GET /models: an answer of %zu bytes that is %s", reply->length, what);
  else if (!cJSON_IsString (id) || !*id->valuestring)
    why__set (why, REASON_MODEL_BROKEN, "GET /models: no data[0].id; llm.model is unset, so the server has to name a model");
  else
    {
      size_t length = strlen (id->valuestring);
      text__line (id->valuestring, length, settings->key, line, sizeof line);
      if (length > MODEL_NAME_MAX || strcmp (line, id->valuestring) != 0)
        why__set (why, REASON_MODEL_BROKEN, "GET /models: '%.100s…' is no model's name", line);
      else if (!(model = strdup (line)))
        abort ();
    }
  cJSON_Delete (json);
  return model;
}

/* Is one of the N WORDS in TEXT, in whatever case?  */
static bool
text__has_one (const char *text, const char *const *word, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    if (strcasestr (text, word[i]))
      return true;
  return false;
}

bool
error__is_quota (const struct server_error *error, long status, double retry_after)
{
  static const char *const codes[] = { "insufficient_quota", "billing", "insufficient_balance", "insufficient_credit",
                                       "insufficient_funds", "payment_required", "credit_balance" };
  static const char *const words[] = { "insufficient_quota", "billing", "insufficient balance", "insufficient credit",
                                       "insufficient funds", "out of credit", "current quota" };
  enum { N_CODES = sizeof codes / sizeof *codes, N_WORDS = sizeof words / sizeof *words };
  if (status == 402 || strcmp (error->code, "402") == 0 || text__has_one (error->code, codes, N_CODES) || text__has_one (error->type, codes, N_CODES))
    return true;
  /* Words alone are believed where nothing says when to come back: servers that limit rates speak of quotas and plans too.  */
  return (status == 429 || status == 403 || status == 200) && retry_after < 0 && text__has_one (error->message, words, N_WORDS);
}

bool
error__is_of_form (const struct server_error *error)
{
  static const char *const words[] = { "response_format", "response format", "json_schema", "json schema", "json_object", "schema",
                                       "guided", "grammar", "structured", "format" };
  return text__has_one (error->message, words, sizeof words / sizeof *words);
}

bool
error__is_of_length (const struct server_error *error)
{
  static const char *const words[] = { "context length", "context window", "context size" };
  return strcmp (error->code, "context_length_exceeded") == 0 || text__has_one (error->message, words, sizeof words / sizeof *words);
}

unsigned
error__without (const struct server_error *error)
{
  if (strcasestr (error->message, "max_completion_tokens"))
    return WITHOUT_MAX_TOKENS;
  if (strcasestr (error->message, "temperature"))
    return WITHOUT_TEMPERATURE;
  if (strcasestr (error->message, "'seed'") || strcasestr (error->message, "\"seed\"") || strcasestr (error->message, "seed is not"))
    return WITHOUT_SEED;
  return 0;
}
