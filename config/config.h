/* Settings: their names, defaults and values, and where each value comes from.

   A value comes from, weakest first: the default; /etc/xdg/aiopt/aiopt.conf (each folder of $XDG_CONFIG_DIRS);
   $XDG_CONFIG_HOME/aiopt/aiopt.conf (default ~/.config); or, instead of both, the file that $AIOPT_CONFIG names; the environment
   (OPENAI_BASE_URL, OPENAI_API_KEY, AIOPT_CACHE); `--set NAME=VALUE` of a command.
   A file in the project's folder is never read: who checks a project out has not said that its models may be asked.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CONFIG_H
#define AIOPT_CONFIG_H

#include "machine/why.h"
#include "model/settings.h"

#include <stdbool.h>

enum config_kind
{
  CONFIG_TEXT,
  CONFIG_NUMBER,
  CONFIG_WHOLE,           /* a number without a fraction */
  CONFIG_SWITCH,          /* on or off */
  CONFIG_CHOICE,
  CONFIG_PATH,            /* "~/" at its start is the home folder */
  CONFIG_URL,             /* http or https, without a user name */
  CONFIG_PAIR,            /* two numbers, or one for both */
  CONFIG_SECRET           /* never shown, never on a command line */
};

/* One setting, as config.def lists it.  */
struct config_item
{
  const char *name;       /* "llm.base-url": section and key */
  enum config_kind kind;
  const char *standard;   /* default, as text; "": unset, and may be unset again by an empty value */
  double low, high;       /* of numbers */
  const char *choices;    /* of a choice: "off record only" */
  const char *help;       /* one line */
};

struct config;

/* Reads all sources but `--set`.  NULL and *WHY (CONFIG) for a file that can't be read, is malformed, has an unknown name or a bad value (naming
   file, line, value and what was expected), or has a key in it and can be read by others (mode & 077, or another owner).  */
struct config *config__read (struct why *why);
void config__free (struct config *config);

/* The files that config__read reads, weakest first, whether they exist or not: a malloc'ed list of malloc'ed paths that ends with
   NULL.  */
char **config__paths (void);
void config__paths_free (char **paths);

/* ASSIGNMENT is "NAME=VALUE".  0, or -1 and *WHY; an unknown name comes with the nearest.  A secret is refused.  */
int config__set (struct config *config, const char *assignment, struct why *why);

/* All settings, *N of them; and the one called NAME, or NULL and *WHY with the nearest.  */
const struct config_item *config__items (unsigned *n);
const struct config_item *config__item (const char *name, struct why *why);

/* The value of NAME as text, "" where it is unset; and where it comes from ("default", "/home/x/.config/aiopt/aiopt.conf:12",
   "OPENAI_API_KEY", "--set").  Both live as long as CONFIG and the value isn't set anew.  NAME has to be one of the items.
   A number that is unset is -1; of a pair it is the first.  */
const char *config__text (const struct config *config, const char *name);
const char *config__origin (const struct config *config, const char *name);
double config__number (const struct config *config, const char *name);
bool config__is_on (const struct config *config, const char *name);

/* The settings under [llm]; strings live as long as CONFIG.  FOLDER (the cache's) is where recordings are kept unless llm.recordings
   says otherwise.  */
void config__model (struct config *config, const char *folder, struct model_settings *settings);

#endif
