/* What a value of each kind has to be.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "config/internal.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copy of TEXT; never NULL.  */
static char *
copy (const char *text)
{
  char *made = strdup (text);
  if (!made)
    abort ();
  return made;
}

const char *
config_item__expected (const struct config_item *item, char *buffer, size_t size)
{
  switch (item->kind)
    {
    case CONFIG_TEXT:
      snprintf (buffer, size, "text without control characters%s", *item->standard ? ", not empty" : "");
      break;
    case CONFIG_NUMBER:
      snprintf (buffer, size, "a number from %.10g to %.10g", item->low, item->high);
      break;
    case CONFIG_WHOLE:
      snprintf (buffer, size, "a whole number from %.0f to %.0f", item->low, item->high);
      break;
    case CONFIG_SWITCH:
      snprintf (buffer, size, "on or off");
      break;
    case CONFIG_CHOICE:
      snprintf (buffer, size, "one of: %s", item->choices);
      break;
    case CONFIG_PATH:
      snprintf (buffer, size, "a path that begins with / or ~/");
      break;
    case CONFIG_URL:
      snprintf (buffer, size, "http://HOST… or https://HOST…, without user name, query or fragment");
      break;
    case CONFIG_PAIR:
      snprintf (buffer, size, "one or two numbers from %.10g to %.10g", item->low, item->high);
      break;
    case CONFIG_SECRET:
      snprintf (buffer, size, "visible ASCII characters without blanks");
      break;
    }
  return buffer;
}

/* Reads a decimal number within the range of ITEM at *TEXT and goes past it.  0, or -1.  */
static int
number__read (const struct config_item *item, const char **text, double *number)
{
  size_t length = strspn (*text, "0123456789.eE+-");
  char *end;
  *number = strtod (*text, &end);
  if (length == 0 || end != *text + length || !isfinite (*number) || *number < item->low || *number > item->high)
    return -1;
  *text = end;
  return 0;
}

/* Is TEXT a word of LIST, whose words are separated by blanks?  */
static bool
is_word_of (const char *text, const char *list)
{
  size_t length = strlen (text);
  for (const char *word = list; length && *word; word += strspn (word, " "))
    {
      size_t n = strcspn (word, " ");
      if (n == length && memcmp (word, text, n) == 0)
        return true;
      word += n;
    }
  return false;
}

/* Is TEXT the address of an HTTP server, without what doesn't belong to it?  */
static bool
is_url (const char *text)
{
  CURLU *url = curl_url ();
  char *scheme = NULL, *other = NULL;
  bool good = url && curl_url_set (url, CURLUPART_URL, text, 0) == CURLUE_OK
              && curl_url_get (url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
              && (strcmp (scheme, "http") == 0 || strcmp (scheme, "https") == 0);
  static const CURLUPart none[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT };
  for (unsigned i = 0; good && i < sizeof none / sizeof *none; i++)
    good = curl_url_get (url, none[i], &other, 0) != CURLUE_OK;
  curl_free (other);
  curl_free (scheme);
  curl_url_cleanup (url);
  return good;
}

/* TEXT with "~/" made the home folder.  A relative path is fine where somebody types it, and means nothing in a file.
   Malloc'ed, or NULL.  */
static char *
path__value (const char *text, enum config_source source)
{
  /* As all others that read it take it.  */
  if (source == CONFIG_FROM_ENVIRONMENT || *text == '/')
    return copy (text);
  if (strncmp (text, "~/", 2) == 0)
    {
      char *home = config__home (), *path = NULL;
      if (home && asprintf (&path, "%s%s", home, text + 1) < 0)
        abort ();
      free (home);
      return path;
    }
  return source == CONFIG_FROM_COMMAND ? copy (text) : NULL;
}

/* Has TEXT control characters in it?  */
static bool
has_control (const char *text)
{
  for (const unsigned char *p = (const unsigned char *) text; *p; p++)
    if (*p < ' ' || *p == 127)
      return true;
  return false;
}

char *
config_item__value (const struct config_item *item, const char *text, enum config_source source)
{
  static const char *const yes = "on yes true 1", *const no = "off no false 0";
  double number;
  const char *rest = text;
  if (!*text)
    return *item->standard ? NULL : copy ("");
  if (has_control (text))
    return NULL;
  switch (item->kind)
    {
    case CONFIG_TEXT:
      return copy (text);
    case CONFIG_NUMBER:
      return number__read (item, &rest, &number) == 0 && !*rest ? copy (text) : NULL;
    case CONFIG_WHOLE:
      return strspn (text, "0123456789") == strlen (text) && number__read (item, &rest, &number) == 0 ? copy (text) : NULL;
    case CONFIG_SWITCH:
      return is_word_of (text, yes) ? copy ("on") : is_word_of (text, no) ? copy ("off") : NULL;
    case CONFIG_CHOICE:
      return is_word_of (text, item->choices) ? copy (text) : NULL;
    case CONFIG_PATH:
      return path__value (text, source);
    case CONFIG_URL:
      return is_url (text) ? copy (text) : NULL;
    case CONFIG_PAIR:
      {
        if (number__read (item, &rest, &number) < 0)
          return NULL;
        size_t gap = strspn (rest, " ");
        rest += gap;
        if (*rest && (gap == 0 || number__read (item, &rest, &number) < 0 || *rest))
          return NULL;
        return copy (text);
      }
    case CONFIG_SECRET:
      for (const unsigned char *p = (const unsigned char *) text; *p; p++)
        if (*p <= ' ' || *p > 126)
          return NULL;
      return copy (text);
    }
  return NULL;
}

void
config_pair__read (const char *pair, double number[2])
{
  char *end;
  number[0] = number[1] = strtod (pair, &end);
  if (*end)
    number[1] = strtod (end, NULL);
}
