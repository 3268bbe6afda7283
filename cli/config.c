/* `aiopt config`: what is set, by whom, and which files are read.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "config/config.h"

#include "cli/cli.h"
#include "cli/terminal.h"

#include <argp.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_JSON = 'j', KEY_SET = 1 };
enum { SET_MAX = 64, NAMES_MAX = 64 };

/* Columns: of names, and from where on values and help stand; terminals that are narrower than NARROW get a smaller indent.  */
enum { NAME_WIDTH = 23, VALUE_WIDTH = 26, INDENT_NARROW = 4, NARROW = 60 };

struct options
{
  const char *verb;
  const char *name[NAMES_MAX], *set[SET_MAX];
  unsigned n_names, n_set;
  bool json;
};

static const struct argp_option option_table[] = {
  { "set", KEY_SET, "NAME=VALUE", 0, "as if `aiopt tune` had been given that; may be repeated", 0 },
  { "json", KEY_JSON, NULL, 0, "print JSON", 0 },
  { 0 },
};

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case KEY_JSON:
      options->json = true;
      return 0;
    case KEY_SET:
      if (options->n_set == SET_MAX)
        argp_error (state, "--set: expected at most %d of them", SET_MAX);
      options->set[options->n_set++] = argument;
      return 0;
    case ARGP_KEY_ARG:
      if (!options->verb)
        {
          if (strcmp (argument, "show") != 0 && strcmp (argument, "path") != 0)
            argp_error (state, "'%s' is neither show nor path", argument);
          options->verb = argument;
        }
      else if (strcmp (options->verb, "path") == 0 || options->n_names == NAMES_MAX)
        argp_error (state, "unexpected argument '%s'", argument);
      else
        options->name[options->n_names++] = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->verb)
        argp_error (state, "say what to do: show or path");
      return 0;
    }
  return ARGP_ERR_UNKNOWN;
}

/* The value of ITEM as it may be seen.  */
static const char *
visible (const struct config *config, const struct config_item *item)
{
  const char *text = config__text (config, item->name);
  if (item->kind == CONFIG_SECRET)
    return *text ? "set" : "unset";
  return *text ? text : "unset";
}

/* Is ITEM among NAMES, settings or sections, or are there none?  */
static bool
is_wanted (const struct options *options, const struct config_item *item)
{
  size_t section = strcspn (item->name, ".");
  for (unsigned i = 0; i < options->n_names; i++)
    if (strcmp (options->name[i], item->name) == 0
        || (strlen (options->name[i]) == section && strncmp (options->name[i], item->name, section) == 0))
      return true;
  return options->n_names == 0;
}

/* Prints TEXT in lines of WIDTH columns, broken at blanks, each behind INDENT of them.  */
static void
print_wrapped (const char *text, unsigned indent, unsigned width)
{
  unsigned column = 0;
  while (*text)
    {
      unsigned length = (unsigned) strcspn (text, " ");
      if (column && column + 1 + length > width)
        {
          putchar ('\n');
          column = 0;
        }
      if (column)
        {
          putchar (' ');
          column++;
        }
      else
        column = (unsigned) printf ("%*s", (int) indent, "");
      column += (unsigned) printf ("%.*s", (int) length, text);
      text += length;
      text += strspn (text, " ");
    }
  putchar ('\n');
}

/* Prints ITEM: name, value and origin in a line if they fit into WIDTH columns, and what it is below.  */
static void
print_item (const struct config *config, const struct config_item *item, unsigned width)
{
  const char *value = visible (config, item), *origin = config__origin (config, item->name);
  bool narrow = width < NARROW, unset = !*config__text (config, item->name);
  unsigned indent = narrow ? INDENT_NARROW : NAME_WIDTH;
  unsigned length = 0;
  for (const char *p = value; *p; p++)
    length += (*p & 0xc0) != 0x80;
  unsigned pad = length < VALUE_WIDTH ? VALUE_WIDTH - length : 1;
  printf ("%s%s%s", terminal__sgr (stdout, COLOUR_BOLD), item->name, terminal__sgr (stdout, COLOUR_NONE));
  if (narrow)
    printf ("\n%*s", (int) indent, "");
  else
    printf ("%*s", (int) (NAME_WIDTH - strlen (item->name)), "");
  printf ("%s", terminal__sgr (stdout, unset ? COLOUR_DIM : COLOUR_CYAN));
  terminal__print (stdout, value, 0);
  printf ("%s", terminal__sgr (stdout, COLOUR_NONE));
  if (narrow || indent + length + pad + strlen (origin) > width)
    printf ("\n%*s", (int) indent, "");
  else
    printf ("%*s", (int) pad, "");
  terminal__print (stdout, origin, 0);
  printf ("%s\n", terminal__sgr (stdout, COLOUR_DIM));
  print_wrapped (item->help, indent, width);
  printf ("%s", terminal__sgr (stdout, COLOUR_NONE));
}

static const char *
kind__name (enum config_kind kind)
{
  static const char *const name[] = {
    [CONFIG_TEXT] = "text", [CONFIG_NUMBER] = "number", [CONFIG_WHOLE] = "whole number", [CONFIG_SWITCH] = "switch",
    [CONFIG_CHOICE] = "choice", [CONFIG_PATH] = "path", [CONFIG_URL] = "url", [CONFIG_PAIR] = "pair", [CONFIG_SECRET] = "secret",
  };
  return name[kind];
}

/* ITEM as JSON; a value that is unset is null.  */
static cJSON *
item__json (const struct config *config, const struct config_item *item)
{
  cJSON *object = cJSON_CreateObject ();
  bool unset = !*config__text (config, item->name);
  cJSON_AddStringToObject (object, "name", item->name);
  if (unset && item->kind != CONFIG_SECRET)
    cJSON_AddNullToObject (object, "value");
  else
    cJSON_AddStringToObject (object, "value", visible (config, item));
  cJSON_AddStringToObject (object, "origin", config__origin (config, item->name));
  cJSON_AddStringToObject (object, "kind", kind__name (item->kind));
  cJSON_AddStringToObject (object, "default", item->standard);
  cJSON_AddStringToObject (object, "help", item->help);
  return object;
}

static void
print_json (cJSON *root)
{
  char *text = cJSON_Print (root);
  puts (text ? text : "null");
  cJSON_free (text);
  cJSON_Delete (root);
}

/* Is NAME a section?  */
static bool
is_section (const char *name)
{
  unsigned n;
  const struct config_item *item = config__items (&n);
  for (unsigned i = 0; i < n; i++)
    if (strcspn (item[i].name, ".") == strlen (name) && strncmp (item[i].name, name, strlen (name)) == 0)
      return true;
  return false;
}

static int
show (const struct options *options)
{
  struct why why = { 0 };
  for (unsigned i = 0; i < options->n_names; i++)
    if (!is_section (options->name[i]) && !config__item (options->name[i], &why))
      return cli__usage ("aiopt config", "%s", why.detail);
  struct config *config = config__read (&why);
  if (!config)
    return cli__error ("aiopt config", "%s", why.detail);
  for (unsigned i = 0; i < options->n_set; i++)
    if (config__set (config, options->set[i], &why) < 0)
      {
        config__free (config);
        return cli__usage ("aiopt config", "%s", why.detail);
      }
  unsigned n, width = terminal__width (stdout);
  const struct config_item *item = config__items (&n);
  cJSON *root = options->json ? cJSON_CreateObject () : NULL, *list = root ? cJSON_AddArrayToObject (root, "settings") : NULL;
  for (unsigned i = 0; i < n; i++)
    if (!is_wanted (options, &item[i]))
      continue;
    else if (list)
      cJSON_AddItemToArray (list, item__json (config, &item[i]));
    else
      print_item (config, &item[i], width);
  config__free (config);
  if (root)
    print_json (root);
  return CLI_OK;
}

/* What PATH is to whoever wants to read it.  */
static const char *
state_of (const char *path)
{
  if (access (path, R_OK) == 0)
    return "exists";
  return errno == ENOENT || errno == ENOTDIR ? "missing" : "unreadable";
}

static int
path (const struct options *options)
{
  char **paths = config__paths ();
  cJSON *root = options->json ? cJSON_CreateObject () : NULL, *list = root ? cJSON_AddArrayToObject (root, "files") : NULL;
  for (char **one = paths; *one; one++)
    if (list)
      {
        cJSON *object = cJSON_CreateObject ();
        cJSON_AddStringToObject (object, "path", *one);
        cJSON_AddStringToObject (object, "state", state_of (*one));
        cJSON_AddItemToArray (list, object);
      }
    else
      {
        printf ("%-10s  ", state_of (*one));
        terminal__print (stdout, *one, 0);
        putchar ('\n');
      }
  if (root)
    print_json (root);
  else if (!*paths)
    puts ("no file is read");
  config__paths_free (paths);
  return CLI_OK;
}

int
cli_config (int argc, char **argv)
{
  static const struct argp argp
      = { option_table,
          parse,
          "show [NAME...]\npath",
          "Settings: their values, where each comes from, and which files are read.\v"
          "show  every setting, or those named (llm.timeout, or a section: llm), with value, origin and meaning\n"
          "path  the files that are read, the last counting most, and whether they exist\n\n"
          "Stronger than files are the environment (OPENAI_BASE_URL, OPENAI_API_KEY, AIOPT_CACHE) and --set.  AIOPT_CONFIG "
          "names a file to read instead of those; empty, it means none.  A key is never shown.\n"
          "Exit status: 0, 1 where a setting is wrong, 64 for wrong usage.",
          NULL,
          NULL,
          NULL };
  struct options options = { 0 };
  if (argp_parse (&argp, argc, argv, 0, NULL, &options))
    return CLI_USAGE;
  return strcmp (options.verb, "show") == 0 ? show (&options) : path (&options);
}
