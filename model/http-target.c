/* Where requests go: the base URL, and whether the key may go there.

   The key is sent in one header to one host.  Redirects aren't followed (http-try.c), and over plain http it doesn't leave the
   machine.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/http-internal.h"
#include "model/text.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 2000, KEY_MAX = 8192 };

/* Is HOST, as libcurl's URL parser gives it, this machine whatever a name server says?  libcurl itself answers for "localhost".  */
static bool
host__is_loopback (const char *host)
{
  struct in_addr four;
  if (strcasecmp (host, "localhost") == 0 || strcmp (host, "[::1]") == 0)
    return true;
  return inet_pton (AF_INET, host, &four) == 1 && ntohl (four.s_addr) >> 24 == 127;
}

/* Has URL the part PART?  */
static bool
url__has (CURLU *url, CURLUPart part)
{
  char *text = NULL;
  bool has = curl_url_get (url, part, &text, 0) == CURLUE_OK && text && *text;
  curl_free (text);
  return has;
}

/* Checks the base URL TEXT and fills HTTP's base and loopback; *PLAIN: it is http.  0, or -1 and *WHY.  */
static int
http__base (struct http *http, const char *text, bool *plain, struct why *why)
{
  /* Shown in what is said of it; a password in it isn't.  */
  char shown[120];
  bool has_user = strchr (text, '@') != NULL;
  text__line (has_user ? "" : text, has_user ? 0 : strlen (text), http->settings->key, shown, sizeof shown);
  size_t length = strlen (text);
  if (length > URL_MAX)
    return why__set (why, REASON_CONFIG, "llm.base-url has %zu bytes; %d is the most", length, URL_MAX);
  for (const char *p = text; *p; p++)
    if ((unsigned char) *p <= ' ' || *p == 127)
      return why__set (why, REASON_CONFIG, "llm.base-url '%s' has a blank or a control character in it", shown);
  CURLU *url = curl_url ();
  char *scheme = NULL, *host = NULL;
  CURLUcode code = url ? curl_url_set (url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) : CURLUE_OUT_OF_MEMORY;
  if (code == CURLUE_OK)
    code = curl_url_get (url, CURLUPART_SCHEME, &scheme, 0);
  if (code == CURLUE_OK)
    code = curl_url_get (url, CURLUPART_HOST, &host, 0);
  int status = 0;
  if (code != CURLUE_OK)
    status = why__set (why, REASON_CONFIG, "llm.base-url '%s' is no URL such as https://api.openai.com/v1 (%s)", shown,
                       curl_url_strerror (code));
  else if (strcasecmp (scheme, "http") != 0 && strcasecmp (scheme, "https") != 0)
    status = why__set (why, REASON_CONFIG, "llm.base-url '%s': expected http:// or https://", shown);
  else if (url__has (url, CURLUPART_USER) || url__has (url, CURLUPART_PASSWORD))
    status = why__set (why, REASON_CONFIG, "llm.base-url has a user name in it; a key belongs into llm.key or OPENAI_API_KEY");
  else if (url__has (url, CURLUPART_QUERY) || url__has (url, CURLUPART_FRAGMENT))
    status = why__set (why, REASON_CONFIG, "llm.base-url '%s' has a '?' or '#' in it; a path is put behind it", shown);
  else
    {
      *plain = strcasecmp (scheme, "http") == 0;
      http->loopback = host__is_loopback (host);
      http->base = strdup (text);
      if (!http->base)
        abort ();
      while (length > 0 && http->base[length - 1] == '/')
        http->base[--length] = '\0';
    }
  curl_free (scheme);
  curl_free (host);
  curl_url_cleanup (url);
  return status;
}

/* Adds LINE to HTTP's headers.  */
static void
http__add_header (struct http *http, const char *line)
{
  struct curl_slist *more = curl_slist_append (http->headers, line);
  if (!more)
    abort ();
  http->headers = more;
}

int
http__target (struct http *http, struct why *why)
{
  const char *url = http->settings->base_url, *key = http->settings->key;
  bool plain = false;
  if (!url || !*url)
    return why__set (why, REASON_CONFIG, "llm.base-url is unset: there is no server to ask");
  if (http__base (http, url, &plain, why) < 0)
    return -1;
  http__add_header (http, "Content-Type: application/json");
  http__add_header (http, "Accept: application/json");
  /* A body of over a megabyte would wait for a server's leave.  */
  http__add_header (http, "Expect:");
  if (!key || !*key)
    return 0;
  for (const char *p = key; *p; p++)
    if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 127)
      return why__set (why, REASON_CONFIG, "llm.key has a blank or a character in it that is no printable ASCII");
  if (strlen (key) > KEY_MAX)
    return why__set (why, REASON_CONFIG, "llm.key has %zu bytes; %d is the most", strlen (key), KEY_MAX);
  if (plain && !http->loopback)
    return why__set (why, REASON_CONFIG,
                     "llm.key is set and llm.base-url '%.100s' is plain http to another machine: everybody on the way could read "
                     "the key; use https, or unset llm.key (OPENAI_API_KEY)",
                     url);
  size_t size = sizeof "Authorization: Bearer " + strlen (key);
  char *line = malloc (size);
  if (!line)
    abort ();
  snprintf (line, size, "Authorization: Bearer %s", key);
  http__add_header (http, line);
  sodium_memzero (line, size);
  free (line);
  return 0;
}

void
http__wipe_headers (struct curl_slist *headers)
{
  for (struct curl_slist *node = headers; node; node = node->next)
    sodium_memzero (node->data, strlen (node->data));
  curl_slist_free_all (headers);
}
