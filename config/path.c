/* Which files are read.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "config/internal.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *
config__place (const char *path, char buffer[CONFIG_PLACE_MAX])
{
  size_t length = strlen (path);
  if (length < CONFIG_PLACE_MAX)
    return path;
  snprintf (buffer, CONFIG_PLACE_MAX, "...%s", path + length - (CONFIG_PLACE_MAX - 4));
  return buffer;
}

char *
config__home (void)
{
  const char *named = secure_getenv ("HOME");
  if (named && *named == '/')
    return strdup (named);
  const struct passwd *user = getpwuid (geteuid ());
  return user && user->pw_dir && *user->pw_dir == '/' ? strdup (user->pw_dir) : NULL;
}

/* PATHS with one more, FOLDER[LENGTH] and what comes below it; N are there.  */
static char **
paths__add (char **paths, unsigned n, const char *folder, size_t length, const char *below)
{
  paths = reallocarray (paths, n + 2, sizeof *paths);
  if (!paths || asprintf (&paths[n], "%.*s%s", (int) length, folder, below) < 0)
    abort ();
  paths[n + 1] = NULL;
  return paths;
}

char **
config__paths (void)
{
  static const char file[] = "/aiopt/aiopt.conf";
  const char *given = secure_getenv ("AIOPT_CONFIG");
  char **paths = calloc (1, sizeof *paths);
  unsigned n = 0;
  if (!paths)
    abort ();
  if (given)
    return *given ? paths__add (paths, n, given, strlen (given), "") : paths;
  /* The XDG base directory specification: the first folder counts most, and relative ones are ignored.  */
  const char *folders = secure_getenv ("XDG_CONFIG_DIRS");
  if (!folders || !*folders)
    folders = "/etc/xdg";
  for (const char *end = folders + strlen (folders), *start; end > folders; end = start > folders ? start - 1 : start)
    {
      for (start = end; start > folders && start[-1] != ':';)
        start--;
      if (*start == '/')
        paths = paths__add (paths, n++, start, (size_t) (end - start), file);
    }
  const char *own = secure_getenv ("XDG_CONFIG_HOME");
  if (own && *own == '/')
    return paths__add (paths, n, own, strlen (own), file);
  char *home = config__home ();
  if (home)
    paths = paths__add (paths, n, home, strlen (home), "/.config/aiopt/aiopt.conf");
  free (home);
  return paths;
}

void
config__paths_free (char **paths)
{
  for (char **path = paths; path && *path; path++)
    free (*path);
  free (paths);
}
