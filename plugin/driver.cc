/* How the compiler was called, so that `aiopt tune` can call it again: the driver hands its options down
   in COLLECT_GCC_OPTIONS, each in single quotes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/shim.h"

namespace aiopt {

/* The next word of *CURSOR as the driver quotes them ('it'\''s'), or false at the end.  */
static bool
next_word (const char **cursor, std::string *word)
{
  const char *p = *cursor;
  while (*p == ' ')
    p++;
  if (!*p)
    return false;
  word->clear ();
  bool quoted = false;
  for (; *p && (quoted || *p != ' '); p++)
    if (*p == '\'')
      quoted = !quoted;
    else if (!quoted && *p == '\\' && p[1])
      *word += *++p;
    else
      *word += *p;
  *cursor = p;
  return true;
}

static bool
starts_with_one_of (const std::string &word, const char *const *prefixes)
{
  for (; *prefixes; prefixes++)
    if (!word.compare (0, strlen (*prefixes), *prefixes))
      return true;
  return false;
}

static bool
is_one_of (const std::string &word, const char *const *words)
{
  for (; *words; words++)
    if (word == *words)
      return true;
  return false;
}

/* Splits TEXT into options, without input, output, plugins, dependencies, dumps, diagnostics and linking.  */
static std::vector<std::string>
options_of (const char *text)
{
  static const char *const with_argument[]
    = { "-o",       "-MF",           "-MT",      "-MQ", "-dumpdir", "-dumpbase", "-dumpbase-ext",
        "-auxbase", "-auxbase-strip", "-Xlinker", "-L",  "-l",       "-T",        "-u",
        "-z",       "-e",            "-wrapper", "-Xassembler", NULL };
  static const char *const alone[]
    = { "-c",  "-S",   "-E",   "-v",    "-###",      "-pipe",   "-M",   "-MM",  "-MD", "-MMD", "-MP",
        "-MG", "-pass-exit-codes", "-s", "-shared", "-static", "-static-pie", "-pie", "-no-pie",
        "-rdynamic", "-nostdlib", "-nodefaultlibs", "-nostartfiles", "-Q", "-H", "-time", NULL };
  static const char *const beginning[]
    = { "-fplugin", "-fdump-", "-fopt-info", "-save-temps", "-fdiagnostics-", "-fno-diagnostics-",
        "-L",       "-l",      "-Wl,",       "-Wa,",        "-ftime-report",  "-fmem-report",
        "-fuse-ld", "-ffat-lto-objects", "-fno-fat-lto-objects", "-flto", "-fno-lto", "-MF", "-MT",
        "-MQ",      "-fresolution", "-fltrans", "-fwpa", "-fuse-linker-plugin", "-o", "-Werror",
        "-pedantic-errors", NULL };
  std::vector<std::string> options;
  std::string word;
  while (next_word (&text, &word))
    {
      if (is_one_of (word, with_argument))
        {
          next_word (&text, &word);
          continue;
        }
      if (is_one_of (word, alone) || starts_with_one_of (word, beginning))
        continue;
      options.push_back (word);
    }
  return options;
}

/* "c", "c++", "lto" …  */
static const char *
language_name (void)
{
  const char *name = lang_hooks.name; /* "GNU C17", "GNU C++14", "GNU GIMPLE" */
  if (!strncmp (name, "GNU C++", 7))
    return "c++";
  if (!strncmp (name, "GNU Objective-C", 15))
    return "objective-c";
  if (!strncmp (name, "GNU C", 5))
    return "c";
  if (!strncmp (name, "GNU GIMPLE", 10))
    return "lto";
  return name;
}

/* The target that GCC was configured for ("x86_64-linux-gnu").  */
static const char *
target_name (struct arena *arena)
{
  const char *at = strstr (gcc_version.configuration_arguments, "--target=");
  if (!at)
    return "unknown";
  at += strlen ("--target=");
  return arena__strndup (arena, at, strcspn (at, " "));
}

/* Fills REGION's compiler, folder, source and options.  */
void
options__collect (struct region *region)
{
  struct arena *arena = region->arena;
  region->gcc = arena__strdup (arena, getenv ("COLLECT_GCC"));
  region->gcc_version
    = arena__printf (arena, "%s%s%s %s %s", gcc_version.basever, *gcc_version.revision ? " " : "",
                     gcc_version.revision, target_name (arena), gcc_version.datestamp);
  char *directory = getcwd (NULL, 0);
  region->directory = arena__strdup (arena, directory ? directory : ".");
  free (directory);
  region->language = arena__strdup (arena, language_name ());
  if (in_lto_p || !main_input_filename || !strcmp (main_input_filename, "-")
      || !strcmp (main_input_filename, "<stdin>") || !*main_input_filename)
    region->source = NULL;
  else if (IS_ABSOLUTE_PATH (main_input_filename))
    region->source = arena__strdup (arena, main_input_filename);
  else
    region->source = arena__printf (arena, "%s/%s", region->directory, main_input_filename);

  const char *text = getenv ("COLLECT_GCC_OPTIONS");
  if (!text)
    return;
  std::vector<std::string> options = options_of (text);
  /* Where GCC looks for a profile depends on the output's name: keep what it made of that.  */
  bool profile = false;
  for (const std::string &option : options)
    profile |= !option.compare (0, strlen ("-fprofile-use"), "-fprofile-use");
  if (profile && aux_base_name && *aux_base_name)
    {
      const char *slash = strrchr (aux_base_name, '/');
      const char *base = slash ? slash + 1 : aux_base_name;
      if (slash)
        {
          options.push_back ("-dumpdir");
          options.push_back (std::string (aux_base_name, base));
        }
      options.push_back ("-dumpbase");
      options.push_back (base);
    }
  region->n_options = options.size ();
  region->option = ARENA_ARRAY (arena, const char *, options.size ());
  for (size_t i = 0; i < options.size (); i++)
    region->option[i] = arena__strndup (arena, options[i].data (), options[i].size ());
}

}
