/* `aiopt cache stats|list|show|gc|check`.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/cli.h"
#include "cli/terminal.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum
{
  KEY_CACHE = 'C',
  KEY_JSON = 'j',
  KEY_AGE = 256
};

struct options
{
  const char *verb, *pattern, *cache;
  int (*run) (struct cache *cache, const struct options *options);
  bool json;
  double days;
};

static const struct argp_option option_table[] = {
  { "cache", KEY_CACHE, "DIR", 0, "use the cache in DIR", 0 },
  { "json", KEY_JSON, NULL, 0, "print JSON (stats, list, show, check)", 0 },
  { "older-than", KEY_AGE, "DAYS", 0, "gc: remove what was not used for DAYS (default 90)", 0 },
  { 0 },
};

static int stats (struct cache *cache, const struct options *options);
static int list (struct cache *cache, const struct options *options);
static int show (struct cache *cache, const struct options *options);
static int gc (struct cache *cache, const struct options *options);
static int check (struct cache *cache, const struct options *options);

static const struct
{
  const char *name;
  int (*run) (struct cache *cache, const struct options *options);
} verbs[]
    = { { "stats", stats }, { "list", list }, { "show", show }, { "gc", gc }, { "check", check } };

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case KEY_CACHE:
      options->cache = argument;
      return 0;
    case KEY_JSON:
      options->json = true;
      return 0;
    case KEY_AGE:
      if (cli__number (argument, 0, 36500, &options->days) != 0)
        argp_error (state, "--older-than '%s': expected a number of days from 0 to 36500",
                    argument);
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num == 0)
        {
          for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++)
            if (strcmp (argument, verbs[i].name) == 0)
              options->verb = verbs[i].name, options->run = verbs[i].run;
          if (!options->verb)
            argp_error (state, "'%s' is none of stats, list, show, gc, check", argument);
        }
      else if (state->arg_num == 1 && (options->run == list || options->run == show))
        options->pattern = argument;
      else
        argp_error (state, "unexpected argument '%s'", argument);
      return 0;
    case ARGP_KEY_END:
      if (!options->verb)
        argp_error (state, "say what to do: stats, list, show, gc or check");
      if (options->run == show && !options->pattern)
        argp_error (state, "show what? expected a function's name or the beginning of a key");
      return 0;
    }
  return ARGP_ERR_UNKNOWN;
}

/* Prints JSON and frees it.  */
static void
print_json (cJSON *json)
{
  char *text = cJSON_Print (json);
  puts (text ? text : "null");
  cJSON_free (text);
  cJSON_Delete (json);
}

static int
stats (struct cache *cache, const struct options *options)
{
  struct cache_stats s;
  struct why why = { 0 };
  if (cache__stats (cache, &s, &why) != 0)
    return cli__error ("aiopt cache", "%s", why.detail);
  if (options->json)
    {
      cJSON *json = cJSON_CreateObject ();
      cJSON_AddNumberToObject (json, "rewrites", (double)s.rewrites);
      cJSON_AddNumberToObject (json, "negatives", (double)s.negatives);
      cJSON_AddNumberToObject (json, "regions", (double)s.regions);
      cJSON_AddNumberToObject (json, "recorded_states", (double)s.recorded);
      cJSON_AddNumberToObject (json, "waiting", (double)s.waiting);
      cJSON_AddNumberToObject (json, "leased", (double)s.leased);
      cJSON_AddNumberToObject (json, "hits", (double)s.hits);
      cJSON_AddNumberToObject (json, "misses", (double)s.misses);
      cJSON_AddNumberToObject (json, "lost_leases", (double)s.lost_leases);
      cJSON_AddNumberToObject (json, "bytes", (double)s.bytes);
      if (s.geomean_ratio > 0)
        cJSON_AddNumberToObject (json, "geomean_ratio", s.geomean_ratio);
      else
        cJSON_AddNullToObject (json, "geomean_ratio");
      cJSON_AddNumberToObject (json, "oldest", (double)s.oldest);
      cJSON_AddNumberToObject (json, "newest", (double)s.newest);
      print_json (json);
      return CLI_OK;
    }
  printf ("rewrites        %llu", (unsigned long long)s.rewrites);
  if (s.geomean_ratio > 0)
    printf (" (geometric mean %.2fx faster)", s.geomean_ratio);
  printf ("\nnothing better  %llu\n", (unsigned long long)s.negatives);
  printf ("waiting         %llu\n", (unsigned long long)s.waiting);
  printf ("being tuned     %llu\n", (unsigned long long)s.leased);
  printf ("look-ups        %llu hits, %llu misses\n", (unsigned long long)s.hits,
          (unsigned long long)s.misses);
  if (s.lost_leases)
    printf ("lost tuners     %llu\n", (unsigned long long)s.lost_leases);
  printf ("regions kept    %llu\n", (unsigned long long)s.regions);
  if (s.recorded)
    printf ("recorded states %llu\n", (unsigned long long)s.recorded);
  printf ("size            %.1f MiB\n", (double)s.bytes / 1048576);
  if (s.newest)
    {
      char buffer[32];
      printf ("newest entry    %s ago\n",
              cli__age (difftime (time (NULL), (time_t)s.newest), buffer));
    }
  return CLI_OK;
}

/* An entry as JSON; with its code and evidence where FULL.  */
static cJSON *
entry_json (const struct entry *entry, bool full)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "key", entry->key);
  cJSON_AddStringToObject (json, "kind", entry->kind == ENTRY_REWRITE ? "rewrite" : "negative");
  struct
  {
    const char *name, *value;
  } text[] = { { "function", entry->function },     { "file", entry->file },
               { "verdict", entry->verdict },       { "policy", entry->policy },
               { "provenance", entry->provenance }, { "reason", entry->reason },
               { "detail", entry->detail } };
  for (unsigned i = 0; i < sizeof text / sizeof *text; i++)
    if (text[i].value)
      cJSON_AddStringToObject (json, text[i].name, text[i].value);
  cJSON_AddNumberToObject (json, "line", entry->line);
  if (entry->kind == ENTRY_REWRITE)
    {
      cJSON_AddNumberToObject (json, "ratio", entry->ratio);
      cJSON_AddNumberToObject (json, "ratio_low", entry->ratio_low);
      cJSON_AddNumberToObject (json, "ratio_high", entry->ratio_high);
    }
  cJSON_AddNumberToObject (json, "tried", entry->tried);
  cJSON_AddNumberToObject (json, "seconds", entry->seconds);
  cJSON_AddNumberToObject (json, "created", (double)entry->created);
  cJSON_AddNumberToObject (json, "hits", (double)entry->hits);
  if (full)
    {
      if (entry->code)
        cJSON_AddStringToObject (json, "code", entry->code);
      cJSON *evidence = entry->evidence ? cJSON_Parse (entry->evidence) : NULL;
      cJSON *measurement = entry->measurement ? cJSON_Parse (entry->measurement) : NULL;
      if (evidence)
        cJSON_AddItemToObject (json, "evidence", evidence);
      if (measurement)
        cJSON_AddItemToObject (json, "measurement", measurement);
    }
  return json;
}

struct listing
{
  struct cache *cache;
  const struct options *options;
  cJSON *json;
  unsigned n, width;
};

/* One line of the list: key, function, where, what became of it.  */
static void
list_line (struct listing *listing, const char *key, const char *function, const char *file,
           unsigned line, const char *became, enum colour colour)
{
  char where[512];
  const char *base = file ? strrchr (file, '/') : NULL;
  snprintf (where, sizeof where, "%s:%u", base ? base + 1 : file ? file : "?", line);
  printf ("%.12s  ", key);
  unsigned used = 14 + terminal__print (stdout, function ? function : "?", listing->width ? 24 : 0);
  for (; used < 38; used++)
    putchar (' ');
  printf ("  ");
  unsigned column = used + 2;
  used = column + terminal__print (stdout, where, listing->width ? 22 : 0);
  for (; used < column + 22; used++)
    putchar (' ');
  printf ("  %s", terminal__sgr (stdout, colour));
  used += 2;
  terminal__print (stdout, became,
                   listing->width ? (listing->width > used + 10 ? listing->width - used : 10) : 0);
  printf ("%s\n", terminal__sgr (stdout, COLOUR_NONE));
}

static bool
list_entry (void *context, const struct entry *entry)
{
  struct listing *listing = context;
  listing->n++;
  if (listing->json)
    {
      cJSON *json = entry_json (entry, listing->options->run == show);
      if (listing->options->run == show)
        cJSON_AddNumberToObject (json, "recorded_states", (double)recorded__count (listing->cache, entry->key));
      cJSON_AddItemToArray (listing->json, json);
      return true;
    }
  char became[600];
  if (entry->kind == ENTRY_REWRITE)
    snprintf (became, sizeof became, "%.2fx faster (%.2f-%.2f), %s, %s", entry->ratio,
              entry->ratio_low, entry->ratio_high, entry->verdict,
              entry->provenance ? entry->provenance
              : entry->policy   ? entry->policy
                                : "?");
  else
    snprintf (became, sizeof became, "kept: %s%s%s",
              reason__text (reason__from_slug (entry->reason)),
              entry->detail && *entry->detail ? ": " : "", entry->detail ? entry->detail : "");
  list_line (listing, entry->key, entry->function, entry->file, entry->line, became,
             entry->kind == ENTRY_REWRITE ? COLOUR_GREEN : COLOUR_YELLOW);
  return true;
}

static bool
list_queued (void *context, const char *key, const char *function, const char *file, unsigned line,
             const char *state)
{
  struct listing *listing = context;
  listing->n++;
  if (listing->json)
    {
      cJSON *json = cJSON_CreateObject ();
      cJSON_AddStringToObject (json, "key", key);
      cJSON_AddStringToObject (json, "kind", state);
      if (function)
        cJSON_AddStringToObject (json, "function", function);
      if (file)
        cJSON_AddStringToObject (json, "file", file);
      cJSON_AddNumberToObject (json, "line", line);
      cJSON_AddItemToArray (listing->json, json);
      return true;
    }
  list_line (listing, key, function, file, line, state, COLOUR_DIM);
  return true;
}

static int
list (struct cache *cache, const struct options *options)
{
  struct listing listing = { .cache = cache, .options = options };
  struct why why = { 0 };
  listing.width = terminal__is_tty (stdout) ? terminal__width (stdout) : 0;
  if (options->json)
    listing.json = cJSON_CreateArray ();
  int entries = cache__each (cache, options->pattern, list_entry, &listing, &why);
  int queued
      = entries == 0 ? queue__each (cache, options->pattern, list_queued, &listing, &why) : 0;
  if (listing.json)
    print_json (listing.json);
  if (entries != 0 || queued != 0)
    return cli__error ("aiopt cache", "%s", why.detail);
  if (!listing.n && options->pattern)
    return cli__error ("aiopt cache", "nothing matches '%s'; `aiopt cache list` shows all",
                       options->pattern);
  if (!listing.n && !options->json)
    puts ("The cache is empty.");
  return CLI_OK;
}

/* "name: value", where there is a value.  */
static void
show_text (const char *name, const char *value)
{
  if (!value || !*value)
    return;
  printf ("%-12s ", name);
  terminal__print (stdout, value, 0);
  putchar ('\n');
}

static bool
show_entry (void *context, const struct entry *entry)
{
  struct listing *listing = context;
  if (listing->n++)
    putchar ('\n');
  show_text ("key", entry->key);
  show_text ("function", entry->function);
  show_text ("file", entry->file);
  printf ("%-12s %u\n", "line", entry->line);
  show_text ("kind", entry->kind == ENTRY_REWRITE ? "rewrite" : "nothing better");
  show_text ("verdict", entry->verdict);
  show_text ("policy", entry->policy);
  show_text ("provenance", entry->provenance);
  if (entry->kind == ENTRY_REWRITE)
    printf ("%-12s %.3f (%.3f-%.3f)\n", "ratio", entry->ratio, entry->ratio_low, entry->ratio_high);
  show_text ("reason", entry->reason);
  show_text ("detail", entry->detail);
  printf ("%-12s %u in %.1f s\n", "tried", entry->tried, entry->seconds);
  printf ("%-12s %llu\n", "hits", (unsigned long long)entry->hits);
  int64_t recorded = recorded__count (listing->cache, entry->key);
  if (recorded)
    printf ("%-12s %lld states\n", "recorded", (long long)recorded);
  show_text ("evidence", entry->evidence);
  show_text ("measurement", entry->measurement);
  for (const char *p = entry->code; p && *p;)
    {
      const char *end = strchrnul (p, '\n');
      char *line = strndup (p, (size_t)(end - p));
      if (line)
        {
          fputs ("    ", stdout);
          terminal__print (stdout, line, 0);
          putchar ('\n');
        }
      free (line);
      p = *end ? end + 1 : end;
    }
  return true;
}

static int
show (struct cache *cache, const struct options *options)
{
  if (options->json)
    return list (cache, options);
  struct listing listing = { .cache = cache, .options = options };
  struct why why = { 0 };
  if (cache__each (cache, options->pattern, show_entry, &listing, &why) != 0)
    return cli__error ("aiopt cache", "%s", why.detail);
  if (!listing.n)
    return cli__error ("aiopt cache", "nothing matches '%s'; `aiopt cache list` shows all",
                       options->pattern);
  return CLI_OK;
}

static void
report_problem (void *context, const char *problem)
{
  cJSON *json = context;
  if (json)
    cJSON_AddItemToArray (json, cJSON_CreateString (problem));
  else
    {
      terminal__print (stdout, problem, 0);
      putchar ('\n');
    }
}

static int
check (struct cache *cache, const struct options *options)
{
  struct why why = { 0 };
  cJSON *json = options->json ? cJSON_CreateArray () : NULL;
  int n = cache__check (cache, report_problem, json, &why);
  if (json)
    print_json (json);
  if (n < 0)
    return cli__error ("aiopt cache", "%s", why.detail);
  if (n > 0)
    return cli__error ("aiopt cache",
                       "%d problem%s; damaged entries are never applied; to begin anew, move the"
                       " folder away",
                       n, n == 1 ? "" : "s");
  if (!json)
    puts ("sound");
  return CLI_OK;
}

static int
gc (struct cache *cache, const struct options *options)
{
  struct why why = { 0 };
  int64_t n = cache__gc (cache, (int64_t)(options->days * 86400), &why);
  if (n < 0)
    return cli__error ("aiopt cache", "%s", why.detail);
  printf ("%lld entr%s removed\n", (long long)n, n == 1 ? "y" : "ies");
  return CLI_OK;
}

int
cli_cache (int argc, char **argv)
{
  static const struct argp argp
      = { option_table,
          parse,
          "stats\nlist [FUNCTION|FILE|KEY]\nshow FUNCTION|FILE|KEY\ngc\ncheck",
          "The store of verified rewrites and of what is queued.\v"
          "stats  how many, how fast, how often used\n"
          "list   a line for each function\n"
          "show   all that is kept of a function: code, evidence, measurement\n"
          "gc     remove what was not used for long\n"
          "check  is every row as it was written?  Exit status 1 where not\n\n"
          "FUNCTION and FILE may be shell patterns; a KEY needs four digits at least.",
          NULL,
          NULL,
          NULL };
  struct options options = { .days = 90 };
  error_t error = argp_parse (&argp, argc, argv, 0, NULL, &options);
  if (error)
    return CLI_USAGE;
  struct cache *cache;
  int status = cli__open_cache ("aiopt cache", options.cache,
                                options.run == gc ? CACHE_WRITE : CACHE_READ, &cache);
  if (status != CLI_OK)
    return status;
  status = options.run (cache, &options);
  cache__close (cache);
  return status;
}
