/* `aiopt explain`: what became of a function, who proposed it, why it is believed equal, how much
   faster it is.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/cli.h"
#include "cli/terminal.h"
#include "machine/region.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum
{
  KEY_CACHE = 'C',
  KEY_JSON = 'j'
};

/* Narrower than this, the codes stand one above the other.  */
enum
{
  SIDE_BY_SIDE_MIN = 76
};

struct options
{
  const char *cache, *pattern;
  bool json;
};

static const struct argp_option option_table[] = {
  { "cache", KEY_CACHE, "DIR", 0, "use the cache in DIR", 0 },
  { "json", KEY_JSON, NULL, 0, "print JSON", 0 },
  { 0 },
};

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
    case ARGP_KEY_ARG:
      if (options->pattern)
        argp_error (state, "unexpected argument '%s': one function or key at a time", argument);
      options->pattern = argument;
      return 0;
    }
  return ARGP_ERR_UNKNOWN;
}

struct explanation
{
  struct cache *cache;
  cJSON *json; /* NULL: print */
  unsigned n;
};

/* The region kept for KEY, read into ARENA, and its canonical code; each NULL where it can't be
 * had.  */
static struct region *
original (struct cache *cache, const char *key, struct arena *arena, const char **code)
{
  *code = NULL;
  char *json = cache__region (cache, key);
  if (!json)
    return NULL;
  struct region *region = NULL;
  struct code *parsed;
  struct why why;
  if (region__from_json (arena, json, &region, &why) != 0)
    region = NULL;
  else if (region__code (region, &parsed, &why) == 0)
    *code = code__canonical (parsed);
  free (json);
  return region;
}

/* The next line of *TEXT into LINE, tabs as spaces; false at the end.  */
static bool
next_line (const char **text, char line[512])
{
  if (!*text || !**text)
    return false;
  const char *end = strchrnul (*text, '\n');
  size_t n = (size_t)(end - *text);
  if (n > 511)
    n = 511;
  memcpy (line, *text, n);
  line[n] = '\0';
  for (char *p = line; *p; p++)
    if (*p == '\t')
      *p = ' ';
  *text = *end ? end + 1 : end;
  return true;
}

static void
print_column (const char *text, unsigned width)
{
  unsigned used = terminal__print (stdout, text, width);
  for (; used < width; used++)
    putchar (' ');
}

/* Is PATH, an absolute one without links, in FOLDER (relative to BASE) or below it?  The root folder holds nothing.  */
static bool
folder__holds (const char *base, const char *folder, const char *path)
{
  char *joined = NULL;
  if (asprintf (&joined, "%s%s%s", *folder == '/' ? "" : base, *folder == '/' ? "" : "/", folder) < 0)
    return false;
  char *real = realpath (joined, NULL);
  size_t length = real ? strlen (real) : 0;
  bool holds = length > 1 && strncmp (path, real, length) == 0 && path[length] == '/';
  free (real);
  free (joined);
  return holds;
}

/* May PATH be one of REGION's sources?  What #line says may be any file: only those are shown that are below the folder of
   the unit, that in which it was compiled, or one of its options for headers.  */
static bool
region__owns (const struct region *region, const char *path)
{
  const char *base = region->directory ? region->directory : ".";
  const char *slash = region->source ? strrchr (region->source, '/') : NULL;
  char *folder = slash ? strndup (region->source, (size_t) (slash - region->source) + 1) : NULL;
  bool owns = folder__holds (base, ".", path) || (folder && folder__holds (base, folder, path));
  free (folder);
  static const char *const options[] = { "-I", "-iquote", "-isystem", "-idirafter" };
  for (unsigned i = 0; !owns && i < region->n_options; i++)
    for (unsigned j = 0; !owns && j < sizeof options / sizeof *options; j++)
      {
        size_t length = strlen (options[j]);
        const char *value = region->option[i] + length;
        if (strncmp (region->option[i], options[j], length) != 0)
          continue;
        if (!*value && i + 1 < region->n_options)
          value = region->option[i + 1];
        owns = *value && folder__holds (base, value, path);
      }
  return owns;
}

/* REGION's source file, open for reading; NULL where there is none, or none that is shown.  */
static FILE *
region__open_source (const struct region *region)
{
  char *path = NULL;
  if (region->file[0] == '/' || !region->directory)
    path = strdup (region->file);
  else if (asprintf (&path, "%s/%s", region->directory, region->file) < 0)
    path = NULL;
  char *real = path ? realpath (path, NULL) : NULL;
  free (path);
  struct stat info;
  FILE *stream = NULL;
  /* A pipe or a device could keep us waiting.  */
  int fd = real && region__owns (region, real) ? open (real, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) : -1;
  free (real);
  if (fd >= 0 && (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode) || !(stream = fdopen (fd, "r"))))
    close (fd);
  return stream;
}

/* The function's source, where it can still be read.  */
static void
print_source (const struct region *region)
{
  enum
  {
    LINES_MAX = 40
  };
  if (!region || !region->file || !region->line)
    return;
  FILE *f = region__open_source (region);
  if (!f)
    return;
  unsigned last = region->last_line >= region->line ? region->last_line : region->line;
  char *line = NULL;
  size_t size = 0;
  for (unsigned n = 1; n <= last && getline (&line, &size, f) >= 0; n++)
    {
      if (n < region->line)
        continue;
      if (n == region->line)
        printf ("%ssource%s\n", terminal__sgr (stdout, COLOUR_BOLD),
                terminal__sgr (stdout, COLOUR_NONE));
      if (n - region->line == LINES_MAX)
        {
          printf ("    ... to line %u\n", last);
          break;
        }
      line[strcspn (line, "\n")] = '\0';
      fputs ("    ", stdout);
      terminal__print (stdout, line, 0);
      putchar ('\n');
    }
  free (line);
  fclose (f);
}

/* BEFORE beside AFTER on a terminal that is wide enough, else one after the other.  */
static void
print_codes (const char *before, const char *after)
{
  unsigned width = terminal__is_tty (stdout) ? terminal__width (stdout) : 0;
  char left[512], right[512];
  const char *bold = terminal__sgr (stdout, COLOUR_BOLD),
             *none = terminal__sgr (stdout, COLOUR_NONE);
  if (before && after && width >= SIDE_BY_SIDE_MIN)
    {
      unsigned column = (width - 3) / 2;
      printf ("%s", bold);
      print_column ("GCC's code", column);
      printf (" | new code%s\n", none);
      for (;;)
        {
          bool a = next_line (&before, left), b = next_line (&after, right);
          if (!a && !b)
            break;
          print_column (a ? left : "", column);
          fputs (" | ", stdout);
          terminal__print (stdout, b ? right : "", column);
          putchar ('\n');
        }
      return;
    }
  for (unsigned i = 0; i < 2; i++)
    {
      const char *text = i ? after : before;
      if (!text)
        continue;
      printf ("%s%s%s\n", bold, i ? "new code" : "GCC's code", none);
      while (next_line (&text, left))
        {
          fputs ("    ", stdout);
          terminal__print (stdout, left, 0);
          putchar ('\n');
        }
    }
}

/* "  name      value".  */
static void
print_field (const char *name, const char *value)
{
  if (!value || !*value)
    return;
  printf ("  %-10s ", name);
  terminal__print (stdout, value, 0);
  putchar ('\n');
}

/* One line from the evidence's JSON: its top-level numbers and words, as they are named there.  */
static void
print_evidence (const char *name, const char *json)
{
  cJSON *parsed = json ? cJSON_Parse (json) : NULL;
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream (&text, &size);
  if (stream)
    {
      const char *comma = "";
      for (const cJSON *item = parsed ? parsed->child : NULL; item; item = item->next)
        {
          if (!item->string)
            continue;
          if (cJSON_IsNumber (item))
            fprintf (stream, "%s%s %.6g", comma, item->string, item->valuedouble);
          else if (cJSON_IsString (item))
            fprintf (stream, "%s%s %s", comma, item->string, item->valuestring);
          else if (cJSON_IsObject (item))
            {
              /* One level down: counts by family, mutants.  */
              fprintf (stream, "%s%s (", comma, item->string);
              const char *inner = "";
              for (const cJSON *one = item->child; one; one = one->next)
                if (cJSON_IsNumber (one))
                  fprintf (stream, "%s%s %.6g", inner, one->string, one->valuedouble), inner = ", ";
              fputc (')', stream);
            }
          else
            continue;
          comma = ", ";
        }
      fclose (stream);
      print_field (name, text);
    }
  free (text);
  cJSON_Delete (parsed);
}

/* The heading: function, where its source is, key.  */
static void
print_heading (const char *function, const struct region *region, const char *file, unsigned line,
               const char *key)
{
  printf ("%s", terminal__sgr (stdout, COLOUR_BOLD));
  terminal__print (stdout,
                   region && region->source_name ? region->source_name
                   : function                    ? function
                                                 : "?",
                   0);
  printf ("%s  ", terminal__sgr (stdout, COLOUR_NONE));
  terminal__print (stdout, file ? file : "?", 0);
  printf (":%u  (key %.16s)\n", line, key);
  if (region && region->gcc_version)
    {
      char built[400];
      snprintf (built, sizeof built, "GCC %s, isa=%s, accept=%s", region->gcc_version,
                isa_mode__name (region->isa_mode), accept__name (region->accept));
      print_field ("built by", built);
    }
  if (region && region->calls >= 0)
    {
      char profile[100];
      snprintf (profile, sizeof profile, "%lld calls, %.0f instructions each",
                (long long)region->calls,
                region->insns_per_call > 0 ? region->insns_per_call : 0.0);
      print_field ("profile", profile);
    }
}

static cJSON *
add_json (struct explanation *explanation, const char *key, const char *function, const char *file,
          unsigned line, const char *became)
{
  cJSON *json = cJSON_CreateObject ();
  cJSON_AddStringToObject (json, "key", key);
  cJSON_AddStringToObject (json, "became", became);
  if (function)
    cJSON_AddStringToObject (json, "function", function);
  if (file)
    cJSON_AddStringToObject (json, "file", file);
  cJSON_AddNumberToObject (json, "line", line);
  cJSON_AddItemToArray (explanation->json, json);
  return json;
}

/* TEXT as a member NAME: parsed where it's JSON.  */
static void
add_text (cJSON *json, const char *name, const char *text, bool parse_it)
{
  cJSON *value = text && parse_it ? cJSON_Parse (text) : NULL;
  if (!value && text)
    value = cJSON_CreateString (text);
  if (value)
    cJSON_AddItemToObject (json, name, value);
}

static void
explain_json (struct explanation *explanation, const struct entry *entry, const char *before)
{
  cJSON *json = add_json (explanation, entry->key, entry->function, entry->file, entry->line,
                          entry->kind == ENTRY_REWRITE ? "rewritten" : "kept");
  add_text (json, "verdict", entry->verdict, false);
  add_text (json, "policy", entry->policy, false);
  add_text (json, "provenance", entry->provenance, false);
  add_text (json, "evidence", entry->evidence, true);
  add_text (json, "measurement", entry->measurement, true);
  add_text (json, "reason", entry->reason, false);
  add_text (json, "detail", entry->detail, false);
  add_text (json, "would_help", reason__remedy (reason__from_slug (entry->reason)), false);
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
  add_text (json, "original_code", before, false);
  add_text (json, "new_code", entry->code, false);
}

static bool
explain_entry (void *context, const struct entry *entry)
{
  struct explanation *explanation = context;
  struct arena *arena = arena__new ();
  const char *before;
  struct region *region = original (explanation->cache, entry->key, arena, &before);
  if (explanation->json)
    explain_json (explanation, entry, before);
  else
    {
      char text[300], age[32];
      if (explanation->n)
        putchar ('\n');
      print_heading (entry->function, region, entry->file, entry->line, entry->key);
      if (entry->kind == ENTRY_REWRITE)
        {
          printf ("  %srewritten%s  %.2fx faster, 95 %% interval %.2f-%.2f\n",
                  terminal__sgr (stdout, COLOUR_GREEN), terminal__sgr (stdout, COLOUR_NONE),
                  entry->ratio, entry->ratio_low, entry->ratio_high);
          print_field ("proposed", entry->provenance ? entry->provenance : entry->policy);
          print_field ("verdict", entry->verdict);
          print_evidence ("evidence", entry->evidence);
          cJSON *evidence = entry->evidence ? cJSON_Parse (entry->evidence) : NULL;
          char *proof = cli__proof (cJSON_GetObjectItemCaseSensitive (evidence, "proof"));
          if (proof)
            print_field ("proof", proof);
          free (proof);
          cJSON_Delete (evidence);
          print_evidence ("measured", entry->measurement);
        }
      else
        {
          enum reason reason = reason__from_slug (entry->reason);
          printf ("  %skept%s       ", terminal__sgr (stdout, COLOUR_YELLOW),
                  terminal__sgr (stdout, COLOUR_NONE));
          printf ("GCC's code stays as it is: %s\n",
                  reason != REASON_NONE ? reason__text (reason) : "nothing better was found");
          print_field ("reason", entry->reason);
          print_field ("detail", entry->detail);
          print_field ("would help", reason__remedy (reason));
        }
      snprintf (text, sizeof text, "%u candidates in %.1f s, %s ago; used by %llu look-ups",
                entry->tried, entry->seconds,
                cli__age (difftime (time (NULL), (time_t)entry->created), age),
                (unsigned long long)entry->hits);
      print_field ("tried", text);
      if (entry->kind == ENTRY_REWRITE)
        {
          print_source (region);
          print_codes (before, entry->code);
        }
    }
  explanation->n++;
  arena__free (arena);
  return true;
}

static bool
explain_queued (void *context, const char *key, const char *function, const char *file,
                unsigned line, const char *state)
{
  struct explanation *explanation = context;
  if (explanation->json)
    add_json (explanation, key, function, file, line, state);
  else
    {
      if (explanation->n)
        putchar ('\n');
      print_heading (function, NULL, file, line, key);
      printf ("  %s%s%s\n", terminal__sgr (stdout, COLOUR_CYAN), state,
              terminal__sgr (stdout, COLOUR_NONE));
      if (strcmp (state, "waiting") == 0)
        puts ("  run `aiopt tune` to work on it");
    }
  explanation->n++;
  return true;
}

/* Functions whose names hold PATTERN's first letters, for a hint.  */
struct similar
{
  const char *pattern;
  char names[400];
  unsigned n;
};

static void
suggest (struct similar *similar, const char *function)
{
  if (!function || similar->n >= 8 || strlen (function) > 48)
    return;
  size_t part = strlen (similar->pattern);
  part = part > 3 ? 3 : part;
  char head[4];
  memcpy (head, similar->pattern, part);
  head[part] = '\0';
  if (!strcasestr (function, head) || strstr (similar->names, function))
    return;
  strcat (strcat (similar->names, similar->n++ ? ", " : ""), function);
}

static bool
suggest_entry (void *context, const struct entry *entry)
{
  suggest (context, entry->function);
  return true;
}

static bool
suggest_queued (void *context, const char *key, const char *function, const char *file,
                unsigned line, const char *state)
{
  (void)key, (void)file, (void)line, (void)state;
  suggest (context, function);
  return true;
}

static int
nothing_found (struct cache *cache, const char *pattern)
{
  if (!pattern)
    return cli__error (
        "aiopt explain",
        "the cache is empty; build with -fplugin=aiopt.so and mark functions hot first");
  struct similar similar = { .pattern = pattern };
  cache__each (cache, NULL, suggest_entry, &similar, NULL);
  queue__each (cache, NULL, suggest_queued, &similar, NULL);
  if (similar.n)
    return cli__error ("aiopt explain", "nothing is known of '%s'; did you mean %s?", pattern,
                       similar.names);
  return cli__error (
      "aiopt explain",
      "nothing is known of '%s'; `aiopt cache list` shows what is known, and the plugin's"
      " report=FILE why a function was left alone",
      pattern);
}

int
cli_explain (int argc, char **argv)
{
  static const struct argp argp = { option_table,
                                    parse,
                                    "[FUNCTION|FILE|KEY]",
                                    "What became of a function: GCC's code beside the new code, "
                                    "who proposed it, the evidence that it is"
                                    " equal, and how much faster it is.\v"
                                    "Without an argument all functions are explained.  Exit "
                                    "status: 0, or 1 where nothing is known.",
                                    NULL,
                                    NULL,
                                    NULL };
  struct options options = { 0 };
  if (argp_parse (&argp, argc, argv, 0, NULL, &options))
    return CLI_USAGE;
  struct explanation explanation = { 0 };
  int status = cli__open_cache ("aiopt explain", options.cache, CACHE_READ, &explanation.cache);
  if (status != CLI_OK)
    return status;
  if (options.json)
    explanation.json = cJSON_CreateArray ();
  struct why why = { 0 };
  if (cache__each (explanation.cache, options.pattern, explain_entry, &explanation, &why) != 0
      || queue__each (explanation.cache, options.pattern, explain_queued, &explanation, &why) != 0)
    status = cli__error ("aiopt explain", "%s", why.detail);
  if (explanation.json)
    {
      char *text = cJSON_Print (explanation.json);
      puts (text ? text : "null");
      cJSON_free (text);
      cJSON_Delete (explanation.json);
    }
  if (status == CLI_OK && !explanation.n)
    status = nothing_found (explanation.cache, options.pattern);
  cache__close (explanation.cache);
  return status;
}
