/* Settings: their values and origins, from all sources.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "config/internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct value
{
  char *text, *origin;
};

struct config
{
  struct value value[CONFIG_N_ITEMS];
  char *recordings;       /* of config__model */
};

/* Environment variables, weaker than --set and stronger than files.  */
static const struct
{
  const char *variable, *name;
} environment[] = {
  { "OPENAI_BASE_URL", "llm.base-url" },
  { "OPENAI_API_KEY", "llm.key" },
  { "AIOPT_CACHE", "tune.cache" },
};

void
config__wipe (char *text)
{
  if (text)
    sodium_memzero (text, strlen (text));
  free (text);
}

/* Makes ITEM's value TEXT, which it takes over, found at ORIGIN.  */
static void
config__store (struct config *config, const struct config_item *item, char *text, const char *origin)
{
  struct value *value = &config->value[config_item__index (item)];
  char *from = strdup (origin);
  if (!text || !from)
    abort ();
  config__wipe (value->text);
  free (value->origin);
  value->text = text;
  value->origin = from;
}

int
config__assign (struct config *config, const struct config_item *item, const char *text, enum config_source source,
                const char *origin, struct why *why)
{
  char buffer[CONFIG_PLACE_MAX], expected[120];
  char *value = config_item__value (item, text, source);
  if (value)
    {
      config__store (config, item, value, origin);
      return 0;
    }
  /* Whoever writes "user:password@" into an address has a secret in it.  */
  bool hidden = item->kind == CONFIG_SECRET || (item->kind == CONFIG_URL && strchr (text, '@'));
  const char *quote = hidden ? "" : "'";
  return why__set (why, REASON_CONFIG, "%s: %s is %s%.60s%s: expected %s", config__place (origin, buffer), item->name, quote,
                   hidden ? "wrong (not shown)" : text, quote, config_item__expected (item, expected, sizeof expected));
}

struct config *
config__read (struct why *why)
{
  struct config *config = calloc (1, sizeof *config);
  if (!config)
    abort ();
  unsigned n;
  const struct config_item *item = config__items (&n);
  for (unsigned i = 0; i < n; i++)
    config__store (config, &item[i], strdup (item[i].standard), "default");
  char **paths = config__paths ();
  const char *given = secure_getenv ("AIOPT_CONFIG");
  int result = 0;
  for (char **path = paths; *path && result == 0; path++)
    result = config_file__read (config, *path, given != NULL, why);
  config__paths_free (paths);
  for (unsigned i = 0; i < sizeof environment / sizeof *environment && result == 0; i++)
    {
      const char *text = secure_getenv (environment[i].variable);
      if (text && *text)
        result = config__assign (config, config__item (environment[i].name, NULL), text, CONFIG_FROM_ENVIRONMENT,
                                 environment[i].variable, why);
    }
  if (result == 0)
    return config;
  config__free (config);
  return NULL;
}

void
config__free (struct config *config)
{
  if (!config)
    return;
  for (unsigned i = 0; i < CONFIG_N_ITEMS; i++)
    {
      config__wipe (config->value[i].text);
      free (config->value[i].origin);
    }
  free (config->recordings);
  free (config);
}

int
config__set (struct config *config, const char *assignment, struct why *why)
{
  struct why unknown = { 0 };
  const char *equals = strchr (assignment, '=');
  char *name = strndup (assignment, equals ? (size_t) (equals - assignment) : strlen (assignment));
  if (!name)
    abort ();
  const struct config_item *item = config__item (name, &unknown);
  free (name);
  if (!item)
    return why__set (why, REASON_CONFIG, "--set: %.300s", unknown.detail);
  if (item->kind == CONFIG_SECRET)
    return why__set (why, REASON_CONFIG,
                     "--set: %s can't be given on the command line, which everybody on the machine can read: put it into "
                     "OPENAI_API_KEY or a file (aiopt config path)", item->name);
  if (!equals)
    return why__set (why, REASON_CONFIG, "--set: '%s' has no value: expected %s=VALUE", item->name, item->name);
  return config__assign (config, item, equals + 1, CONFIG_FROM_COMMAND, "--set", why);
}

/* The value of NAME, which is a setting.  */
static const struct value *
config__value (const struct config *config, const char *name)
{
  const struct config_item *item = config__item (name, NULL);
  if (!item)
    abort (); /* the caller's own mistake */
  return &config->value[config_item__index (item)];
}

const char *
config__text (const struct config *config, const char *name)
{
  return config__value (config, name)->text;
}

const char *
config__origin (const struct config *config, const char *name)
{
  return config__value (config, name)->origin;
}

double
config__number (const struct config *config, const char *name)
{
  const char *text = config__text (config, name);
  return *text ? strtod (text, NULL) : -1;
}

bool
config__is_on (const struct config *config, const char *name)
{
  return strcmp (config__text (config, name), "on") == 0;
}

/* Which of its choices NAME's value is, from 0.  */
static unsigned
config__choice (const struct config *config, const char *name)
{
  const char *text = config__text (config, name), *word = config__item (name, NULL)->choices;
  size_t length = strlen (text);
  unsigned index = 0;
  for (; strcspn (word, " ") != length || memcmp (word, text, length) != 0; index++)
    {
      word += strcspn (word, " ");
      word += strspn (word, " ");
    }
  return index;
}

/* The whole number NAME.  */
static uint64_t
config__whole (const struct config *config, const char *name)
{
  return strtoull (config__text (config, name), NULL, 10);
}

void
config__model (struct config *config, const char *folder, struct model_settings *settings)
{
  const char *recordings = config__text (config, "llm.recordings");
  double price[2];
  config_pair__read (config__text (config, "llm.price"), price);
  free (config->recordings);
  config->recordings = NULL;
  if (!*recordings && folder)
    {
      if (asprintf (&config->recordings, "%s/llm", folder) < 0)
        abort ();
      recordings = config->recordings;
    }
  *settings = (struct model_settings) {
    .base_url = config__text (config, "llm.base-url"),
    .key = config__text (config, "llm.key"),
    .model = config__text (config, "llm.model"),
    .ca_file = config__text (config, "llm.ca-file"),
    .connect_seconds = config__number (config, "llm.connect-timeout"),
    .total_seconds = config__number (config, "llm.timeout"),
    .low_speed_seconds = config__number (config, "llm.low-speed-timeout"),
    .retries = (unsigned) config__whole (config, "llm.retries"),
    .parallel = (unsigned) config__whole (config, "llm.parallel"),
    .rounds = (unsigned) config__whole (config, "llm.rounds"),
    .max_tokens = (unsigned) config__whole (config, "llm.max-tokens"),
    .temperature = config__number (config, "llm.temperature"),
    /* The choices stand in the order of the enumerations.  */
    .structured = (enum structured) config__choice (config, "llm.structured"),
    .replay = (enum replay) config__choice (config, "llm.replay"),
    .recordings = recordings,
    .redact = config__is_on (config, "llm.redact"),
    .price_in = price[0],
    .price_out = price[1],
    .function = { .requests = config__whole (config, "llm.function-requests"),
                  .tokens = config__whole (config, "llm.function-tokens"),
                  .money = config__number (config, "llm.function-money"),
                  .seconds = config__number (config, "llm.function-seconds") },
    .run = { .requests = config__whole (config, "llm.run-requests"),
             .tokens = config__whole (config, "llm.run-tokens"),
             .money = config__number (config, "llm.run-money"),
             .seconds = config__number (config, "llm.run-seconds") },
  };
}
