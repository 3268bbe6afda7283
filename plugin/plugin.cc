/* Where GCC enters: version check, arguments, the attribute, passes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/shim.h"

#define EXPORT __attribute__ ((visibility ("default")))

extern "C" {
EXPORT int plugin_is_GPL_compatible;
EXPORT int plugin_init (struct plugin_name_args *plugin, struct plugin_gcc_version *version);
}

using namespace aiopt;

/* Prints FIELD where it differs; from the first differing word on, since some fields are long.  */
static bool
same_field (const char *field, const char *built, const char *running)
{
  if (!strcmp (built, running))
    return true;
  size_t at = 0;
  while (built[at] && built[at] == running[at])
    at++;
  while (at > 0 && built[at - 1] != ' ')
    at--;
  error ("aiopt: %s differs: the plugin was built for %<%.120s%>, this is %<%.120s%>", field, built + at,
         running + at);
  return false;
}

/* True where the running GCC is the very one that the plugin was built for.  */
static bool
check_version (const struct plugin_gcc_version *running)
{
  bool same = true;
  same &= same_field ("GCC's version", gcc_version.basever, running->basever);
  same &= same_field ("GCC's date", gcc_version.datestamp, running->datestamp);
  same &= same_field ("GCC's phase", gcc_version.devphase, running->devphase);
  same &= same_field ("GCC's revision", gcc_version.revision, running->revision);
  same &= same_field ("GCC's configuration", gcc_version.configuration_arguments,
                      running->configuration_arguments);
  if (!same)
    inform (UNKNOWN_LOCATION, "build aiopt for this compiler: %<./configure --with-gcc=…%>");
  return same;
}

/* aiopt ("hint", …): strings, on functions.  */
static tree
handle_attribute (tree *node, tree name, tree arguments, int, bool *no_add_attrs)
{
  if (TREE_CODE (*node) != FUNCTION_DECL)
    {
      warning (OPT_Wattributes, "%qE attribute applies to functions only", name);
      *no_add_attrs = true;
      return NULL_TREE;
    }
  for (; arguments; arguments = TREE_CHAIN (arguments))
    if (TREE_CODE (TREE_VALUE (arguments)) != STRING_CST)
      {
        error ("%qE attribute: %<off%>, %<constant-time%> or a hint in words is wanted, in quotes", name);
        *no_add_attrs = true;
        return NULL_TREE;
      }
  return NULL_TREE;
}

static struct attribute_spec attribute
  = { "aiopt", 1, -1, true, false, false, false, handle_attribute, NULL };

static void
register_our_attribute (void *, void *)
{
  register_attribute (&attribute);
}

static void
finish (void *, void *data)
{
  core__finish ((struct plugin_core *) data);
}

int
plugin_init (struct plugin_name_args *plugin, struct plugin_gcc_version *version)
{
  if (!check_version (version))
    return 1;
  struct plugin_core *core = core__new (plugin->full_name);
  bool good = true;
  for (int i = 0; i < plugin->argc; i++)
    {
      char *message = NULL;
      if (core__option (core, plugin->argv[i].key, plugin->argv[i].value, &message) == 0)
        continue;
      error ("%s", message);
      free (message);
      good = false;
    }
  if (!good)
    return 1;
  static struct plugin_info info
    = { AIOPT_VERSION, "faster machine code for hot functions, verified; see doc/plugin.md" };
  register_callback (plugin->base_name, PLUGIN_INFO, NULL, &info);
  /* The attribute means the same with mode=off: no warning about an unknown one.  */
  register_callback (plugin->base_name, PLUGIN_ATTRIBUTES, register_our_attribute, NULL);
  register_callback (plugin->base_name, PLUGIN_FINISH, finish, core);
  if (core__mode (core) != MODE_OFF)
    passes__register (plugin->base_name, core);
  return 0;
}
