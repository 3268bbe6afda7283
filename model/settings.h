/* How a model server is spoken to, and how much that may cost.  Strings are borrowed from whoever filled this in (config/).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MODEL_SETTINGS_H
#define AIOPT_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of replies: nothing is kept; a kept one is used, and what isn't there is asked and kept; kept ones alone are used
   and nobody is asked.  */
enum replay { REPLAY_OFF, REPLAY_RECORD, REPLAY_ONLY };

/* How an answer's form is asked for.  */
enum structured
{
  STRUCTURED_AUTO,        /* the first of the following that the server takes */
  STRUCTURED_JSON_SCHEMA, /* response_format json_schema, as OpenAI, vLLM, llama.cpp and Ollama have it */
  STRUCTURED_SCHEMA,      /* response_format json_object with a "schema", as older llama.cpp has it */
  STRUCTURED_GUIDED,      /* guided_json, as older vLLM has it */
  STRUCTURED_JSON_OBJECT, /* response_format json_object */
  STRUCTURED_NONE         /* by words alone */
};

/* Limits on what is asked; 0: none.  */
struct model_limits
{
  uint64_t requests, tokens;
  double money;           /* in the price's currency */
  double seconds;         /* that requests took, all together */
};

struct model_settings
{
  const char *base_url;   /* "https://api.openai.com/v1", http or https; NULL or "": nobody to ask */
  const char *key;        /* NULL or "": none is sent */
  const char *model;      /* NULL or "": the server's first (GET /models) */
  const char *ca_file;    /* NULL or "": as libcurl was built */
  double connect_seconds, total_seconds; /* of one request; > 0 */
  double low_speed_seconds; /* so long without a byte of the answer's body once it has begun: given up */
  unsigned retries;       /* of one request, on 408, 409, 429, 5xx and a closed connection */
  unsigned parallel;      /* conversations about one function, 1 on */
  unsigned rounds;        /* requests of one conversation, 1 on */
  unsigned max_tokens;    /* of one answer */
  double temperature;     /* < 0: the server's own */
  enum structured structured;
  enum replay replay;
  const char *recordings; /* folder */
  bool redact;            /* names of the program's are withheld */
  double price_in, price_out; /* of a million tokens */
  struct model_limits function, run;
};

/* Is it known what tokens cost?  */
static inline bool
model_settings__has_price (const struct model_settings *settings)
{
  return settings->price_in > 0 || settings->price_out > 0;
}

#endif
