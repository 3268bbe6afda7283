/* `aiopt tune --dry-run --show-prompt`: what a model would be sent first, to be read before anything leaves the machine.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/tune.h"

#include "cli/cli.h"
#include "cli/terminal.h"
#include "policy/llm.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct show
{
  struct cache *cache;
  bool redact;
  cJSON *list; /* NULL: print */
  unsigned n, damaged;
};

/* Shows the message about the region kept for KEY.  */
static void
show__region (struct show *show, const char *key)
{
  struct arena *arena = arena__new ();
  struct region *region;
  struct why why;
  char *json = cache__region (show->cache, key);
  if (!json || region__from_json (arena, json, &region, &why) < 0)
    {
      show->damaged++;
      cli__error ("aiopt tune", "%.16s: %s", key, json ? why.detail : "no region is kept for this key");
    }
  else
    {
      struct llm_names *names = llm_names__new (region, show->redact);
      char *task = llm__task (region, names);
      show->n++;
      if (show->list)
        {
          cJSON *object = cJSON_CreateObject ();
          cJSON_AddStringToObject (object, "key", key);
          cJSON_AddStringToObject (object, "function", region->source_name ? region->source_name : region->function);
          cJSON_AddStringToObject (object, "task", task);
          cJSON_AddItemToArray (show->list, object);
        }
      else
        {
          printf ("==== user message about ");
          terminal__print (stdout, region->source_name ? region->source_name : region->function, 0);
          printf (", key %.16s ====\n%s\n", key, task);
        }
      free (task);
      llm_names__free (names);
    }
  free (json);
  arena__free (arena);
}

static bool
show__visit (void *context, const char *key, const char *function, const char *file, unsigned line, const char *state)
{
  (void)function, (void)file, (void)line;
  if (strcmp (state, "waiting") == 0)
    show__region (context, key);
  return true;
}

int
tune__show_prompts (const struct tune_options *options, struct cache *cache, bool redact)
{
  struct show show = { .cache = cache, .redact = redact };
  cJSON *root = NULL;
  struct why why = { 0 };
  if (options->json)
    {
      root = cJSON_CreateObject ();
      cJSON_AddStringToObject (root, "system", llm__system ());
      cJSON_AddItemToObject (root, "schema", cJSON_Parse (llm__schema ()));
      show.list = cJSON_AddArrayToObject (root, "prompts");
    }
  else
    printf ("==== system message, the same for all functions ====\n%s\n==== form asked of the answer, where the server takes "
            "one ====\n%s\n\n",
            llm__system (), llm__schema ());
  int status = CLI_OK;
  if (options->key)
    show__region (&show, options->key);
  else if (queue__each (cache, NULL, show__visit, &show, &why) < 0)
    status = cli__error ("aiopt tune", "%s: %s", reason__text (why.reason), why.detail);
  if (root)
    {
      char *text = cJSON_PrintUnformatted (root);
      puts (text);
      free (text);
    }
  else
    printf ("==== end: %u function%s; nothing was sent ====\n", show.n, show.n == 1 ? "" : "s");
  cJSON_Delete (root);
  return show.damaged ? CLI_FAILED : status;
}
