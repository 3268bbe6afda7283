/* What the subcommands share: error messages, numbers, opening the cache.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cli/cli.h"
#include "cli/terminal.h"
#include "machine/why.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "COMMAND: message" on standard error.  */
static void __attribute__ ((format (printf, 2, 0)))
message (const char *command, const char *format, va_list args)
{
  char *text = NULL;
  if (vasprintf (&text, format, args) < 0)
    text = NULL;
  fflush (stdout);
  fprintf (stderr, "%s%s:%s ", terminal__sgr (stderr, COLOUR_RED), command,
           terminal__sgr (stderr, COLOUR_NONE));
  terminal__print (stderr, text ? text : format, 0);
  fputc ('\n', stderr);
  free (text);
}

int
cli__error (const char *command, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  message (command, format, args);
  va_end (args);
  return CLI_FAILED;
}

int
cli__usage (const char *command, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  message (command, format, args);
  va_end (args);
  fprintf (stderr, "Try '%s --help'.\n", command);
  return CLI_USAGE;
}

int
cli__number (const char *text, double low, double high, double *number)
{
  char *end;
  if (!text || !*text)
    return -1;
  double x = strtod (text, &end);
  if (*end || end == text || !isfinite (x) || x < low || x > high)
    return -1;
  *number = x;
  return 0;
}

int
cli__open_cache (const char *command, const char *directory, enum cache_mode mode,
                 struct cache **cache)
{
  char *chosen = NULL;
  if (!directory)
    directory = chosen = cache__default_directory ();
  struct why why = { 0 };
  int result = cache__open (directory, mode, cache, &why);
  free (chosen);
  return result == 0 ? CLI_OK : cli__error (command, "%s", why.detail);
}

const char *
cli__age (double seconds, char buffer[32])
{
  static const struct
  {
    double seconds;
    const char *name;
  } unit[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" } };
  for (unsigned i = 0; i < 3; i++)
    if (seconds >= unit[i].seconds)
      {
        int n = (int)fmin (seconds / unit[i].seconds, 1e6);
        snprintf (buffer, 32, "%d %s%s", n, unit[i].name, n == 1 ? "" : "s");
        return buffer;
      }
  snprintf (buffer, 32, "under a minute");
  return buffer;
}

char *
cli__proof (const cJSON *proof)
{
  const char *result = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (proof, "result"));
  const char *method = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (proof, "method"));
  const char *slug = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (proof, "reason"));
  const char *detail = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (proof, "detail"));
  const cJSON *questions = cJSON_GetObjectItemCaseSensitive (proof, "questions");
  const cJSON *iterations = cJSON_GetObjectItemCaseSensitive (proof, "iterations");
  const cJSON *seconds = cJSON_GetObjectItemCaseSensitive (proof, "seconds");
  char *text = NULL, how[96] = "";
  if (!result)
    return NULL;
  if (method && strcmp (method, "terms") == 0)
    snprintf (how, sizeof how, "by rewriting alone");
  else if (method && strcmp (method, "induction") == 0)
    snprintf (how, sizeof how, "by induction over its loops, %.0f questions to the solver", questions ? questions->valuedouble : 0);
  else if (method && strcmp (method, "lockstep") == 0)
    snprintf (how, sizeof how, "side by side with the original's loops, %.0f questions to the solver",
              questions ? questions->valuedouble : 0);
  else
    snprintf (how, sizeof how, "%.0f questions to the solver", questions ? questions->valuedouble : 0);
  int length;
  if (strcmp (result, "proved") == 0)
    length = asprintf (&text, "in all states on which the original comes to its end (%s, %.2f s)", how,
                       seconds ? seconds->valuedouble : 0);
  else if (strcmp (result, "bounded") == 0)
    length = asprintf (&text, "in all states on which the original's loops go round at most %.0f times (%s, %.2f s)",
                       iterations ? iterations->valuedouble : 0, how, seconds ? seconds->valuedouble : 0);
  else
    {
      enum reason reason = slug ? reason__from_slug (slug) : REASON_NONE;
      length = asprintf (&text, "none%s%s%s%s%s", reason != REASON_NONE ? ": " : "",
                         reason != REASON_NONE ? reason__text (reason) : "", detail && *detail ? " (" : "",
                         detail ? detail : "", detail && *detail ? ")" : "");
    }
  return length < 0 ? NULL : text;
}
