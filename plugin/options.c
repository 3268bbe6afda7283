/* The plugin's arguments, -fplugin-arg-aiopt-KEY[=VALUE].
   An unknown key or value is an error that lists the valid ones (doc/plugin.md).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/core.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const mode_names[] = { "auto", "apply", "collect", "off" };

#define KEYS \
  "mode, cache, hot, policy, accept, budget, unit-budget, isa, limit, report, profile, lock"

/* Seconds that the helper gets by default, a function and a unit.  */
static const double default_budget = 10, default_unit_budget = 60;

void
options__init (struct plugin_options *options)
{
  memset (options, 0, sizeof *options);
  options->mode = MODE_AUTO;
  options->hot = HOT_PROFILE | HOT_ATTRIBUTE;
  options->accept = ACCEPT_TESTED;
  options->isa = ISA_MODE_BUILD;
  options->budget = default_budget;
  options->unit_budget = default_unit_budget;
  options->limit = -1;
}

void
options__free (struct plugin_options *options)
{
  for (unsigned i = 0; i < options->n_names; i++)
    free (options->name[i]);
  free (options->name);
  free (options->cache);
  free (options->policy);
  free (options->report);
}

/* Sets *MESSAGE to what is wrong with KEY=VALUE and what VALID values are.  */
static int
refuse (char **message, const char *key, const char *value, const char *valid)
{
  if (!value)
    {
      if (asprintf (message, "aiopt: %s wants a value: %s", key, valid) < 0)
        *message = NULL;
    }
  else if (asprintf (message, "aiopt: %s=%s is not valid: %s is wanted", key, value, valid) < 0)
    *message = NULL;
  return -1;
}

/* VALUE as a number of seconds, at least 0.  */
static bool
parse_seconds (const char *value, double *seconds)
{
  char *end;
  if (!isdigit ((unsigned char) *value) && *value != '.')
    return false;
  errno = 0;
  double number = strtod (value, &end);
  if (errno || *end || !(number >= 0 && number <= 1e6))
    return false;
  *seconds = number;
  return true;
}

static void
set_string (char **where, const char *value)
{
  free (*where);
  *where = strdup (value);
}

/* hot=profile|attribute|all|NAME,…  */
static int
set_hot (struct plugin_options *options, const char *value, char **message)
{
  static const char valid[] = "a list of profile, attribute, all and names of functions";
  unsigned hot = 0;
  for (unsigned i = 0; i < options->n_names; i++)
    free (options->name[i]);
  options->n_names = 0;
  for (const char *p = value;; p++)
    {
      size_t length = strcspn (p, ",");
      if (length == 0)
        return refuse (message, "hot", value, valid);
      if (length == 7 && !strncmp (p, "profile", length))
        hot |= HOT_PROFILE | HOT_ATTRIBUTE; /* who marks a function hot means it */
      else if (length == 9 && !strncmp (p, "attribute", length))
        hot |= HOT_ATTRIBUTE;
      else if (length == 3 && !strncmp (p, "all", length))
        hot |= HOT_ALL;
      else
        {
          char **names = realloc (options->name, (options->n_names + 1) * sizeof *names);
          if (!names)
            return refuse (message, "hot", value, valid);
          options->name = names;
          names[options->n_names++] = strndup (p, length);
        }
      p += length;
      if (!*p)
        break;
    }
  options->hot = hot;
  return 0;
}

/* Sets KEY to VALUE.  0, or -1 and a malloc'ed *MESSAGE.  */
int
options__set (struct plugin_options *options, const char *key, const char *value, char **message)
{
  if (!strcmp (key, "mode"))
    {
      for (unsigned i = 0; value && i < sizeof mode_names / sizeof *mode_names; i++)
        if (!strcmp (value, mode_names[i]))
          {
            options->mode = (enum plugin_mode) i;
            return 0;
          }
      return refuse (message, key, value, "auto, apply, collect or off");
    }
  if (!strcmp (key, "accept"))
    {
      if (value && accept__parse (value, &options->accept) == 0)
        return 0;
      return refuse (message, key, value, "tested, bounded or proved");
    }
  if (!strcmp (key, "isa"))
    {
      if (value && !strcmp (value, "dispatch"))
        return refuse (message, key, value, "build or native (dispatch is not available yet)");
      if (value && isa_mode__parse (value, &options->isa) == 0)
        return 0;
      return refuse (message, key, value, "build or native");
    }
  if (!strcmp (key, "hot"))
    return value && *value ? set_hot (options, value, message)
                           : refuse (message, key, value, "profile, attribute, all or names");
  if (!strcmp (key, "cache") || !strcmp (key, "report") || !strcmp (key, "policy"))
    {
      if (!value || !*value)
        return refuse (message, key, value,
                       *key == 'c' ? "a folder" : *key == 'r' ? "a file" : "a list of policies");
      set_string (*key == 'c' ? &options->cache : *key == 'r' ? &options->report : &options->policy,
                  value);
      return 0;
    }
  if (!strcmp (key, "budget") || !strcmp (key, "unit-budget"))
    {
      if (value && parse_seconds (value, *key == 'b' ? &options->budget : &options->unit_budget))
        return 0;
      return refuse (message, key, value, "a number of seconds");
    }
  if (!strcmp (key, "limit"))
    {
      char *end;
      errno = 0;
      long limit = value && isdigit ((unsigned char) *value) ? strtol (value, &end, 10) : -1;
      if (limit < 0 || errno || *end)
        return refuse (message, key, value, "a number of rewrites");
      options->limit = limit;
      return 0;
    }
  if (!strcmp (key, "lock") || !strcmp (key, "profile"))
    {
      if (asprintf (message, "aiopt: %s=FILE is not available yet in version " AIOPT_VERSION, key) < 0)
        *message = NULL;
      return -1;
    }
  if (asprintf (message, "aiopt: unknown argument %s; the arguments are: " KEYS, key) < 0)
    *message = NULL;
  return -1;
}
