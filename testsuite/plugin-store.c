/* For the plugin's tests: looks at what the plugin queued, and answers by hand as a tuner would.
     plugin-store CACHE region FUNCTION              prints the region's JSON
     plugin-store CACHE key FUNCTION                 prints its key
     plugin-store CACHE rewrite FUNCTION FILE.s      stores FUNCTION of FILE.s as its rewrite
     plugin-store CACHE negative FUNCTION            stores a negative entry
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/cache.h"
#include "machine/region.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search
{
  const char *function;
  char key[65];
};

static bool
visit (void *context, const char *key, const char *function, const char *file, unsigned line,
       const char *state)
{
  struct search *search = context;
  (void) file, (void) line, (void) state;
  if (strcmp (function, search->function) != 0)
    return true;
  snprintf (search->key, sizeof search->key, "%s", key);
  return false;
}

static char *
read_file (const char *path)
{
  FILE *file = fopen (path, "r");
  char *text = NULL;
  size_t size = 0;
  if (!file || getdelim (&text, &size, '\0', file) < 0)
    {
      perror (path);
      exit (1);
    }
  fclose (file);
  return text;
}

static int
fail (const char *what, const struct why *why)
{
  fprintf (stderr, "plugin-store: %s: %s: %s\n", what, reason__slug (why->reason), why->detail);
  return 1;
}

int
main (int argc, char **argv)
{
  struct why why = { 0 };
  struct cache *cache;
  if (argc < 4)
    return 64;
  struct search search = { .function = argv[3] };
  if (cache__open (argv[1], CACHE_WRITE, &cache, &why) != 0)
    return fail (argv[1], &why);
  if (queue__each (cache, NULL, visit, &search, &why) != 0 || !*search.key)
    return fail (argv[3], &why);
  char *json = cache__region (cache, search.key);
  if (!json)
    return fail ("no region", &why);
  if (!strcmp (argv[2], "region"))
    puts (json);
  else if (!strcmp (argv[2], "key"))
    puts (search.key);
  else
    {
      struct entry entry = { .kind = ENTRY_NEGATIVE, .function = argv[3], .file = "test.c", .line = 1 };
      struct arena *arena = arena__new ();
      memcpy (entry.key, search.key, sizeof entry.key);
      if (!strcmp (argv[2], "rewrite"))
        {
          struct code *code;
          char *text = read_file (argv[4]);
          if (code__parse (arena, text, strlen (text), argv[3], NULL, 0, false, &code, &why) != 0)
            return fail (argv[4], &why);
          entry.kind = ENTRY_REWRITE;
          entry.code = (char *) code__canonical (code);
          entry.verdict = "tested";
          entry.policy = "test";
          entry.provenance = "by hand";
          entry.evidence = entry.measurement = "{}";
          entry.ratio = entry.ratio_low = entry.ratio_high = 1.5;
          free (text);
        }
      else
        {
          entry.reason = "not-faster";
          entry.detail = "by hand";
        }
      entry.created = 1;
      if (cache__store (cache, &entry, &why) != 0)
        return fail ("store", &why);
      arena__free (arena);
    }
  free (json);
  cache__close (cache);
  return 0;
}
