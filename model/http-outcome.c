/* What a try came to: an answer, a refusal, something broken; and whether there is another try.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/http-internal.h"
#include "model/text.h"

#include <ctype.h>
#include <math.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Pauses before another try: the first, doubled each time, up to the longest; a random part of up to half is taken off, so that
   many who were turned away together don't come back together.  */
#define PAUSE_FIRST 0.5
#define PAUSE_LONGEST 20.0
/* Put on top of what Retry-After says, at random, for the same reason.  */
#define PAUSE_SPREAD 0.25
/* Connecting took its time while nobody looked: seconds short of the limit that don't count as having waited for it.  */
#define PRESENT_SLACK 0.1
#define RETRY_AFTER_MAX 1e9 /* seconds; a larger number means nothing */

/* A random number from 0 to 1.  */
static double
random__unit (void)
{
  return randombytes_uniform (1u << 24) / (double) (1u << 24);
}

/* The value of the answer's header NAME in EASY, its last where there are several; NULL: none.  */
static const char *
header__value (CURL *easy, const char *name)
{
  struct curl_header *header;
  if (curl_easy_header (easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
    return NULL;
  if (header->amount > 1 && curl_easy_header (easy, name, header->amount - 1, CURLH_HEADER, -1, &header) != CURLHE_OK)
    return NULL;
  return header->value;
}

/* Seconds that EASY's answer asks to wait for (RFC 9110, 10.2.3: a number or a date); < 0: it doesn't say.  A date is taken by the
   server's own clock where it tells it.  */
static double
retry_after__read (CURL *easy)
{
  const char *value = header__value (easy, "Retry-After"), *date = header__value (easy, "Date");
  if (!value)
    return -1;
  while (*value == ' ' || *value == '\t')
    value++;
  if (isdigit ((unsigned char) *value))
    {
      char *end;
      double seconds = strtod (value, &end);
      while (*end == ' ' || *end == '\t')
        end++;
      if (!*end)
        return seconds >= 0 && seconds <= RETRY_AFTER_MAX ? seconds : RETRY_AFTER_MAX;
    }
  time_t when = curl_getdate (value, NULL), from = date ? curl_getdate (date, NULL) : -1;
  if (when < 0)
    return -1;
  double seconds = difftime (when, from >= 0 ? from : time (NULL));
  return seconds > 0 ? fmin (seconds, RETRY_AFTER_MAX) : 0;
}

/* Does TYPE, a Content-Type, say JSON?  */
static bool
type__is_json (const char *type)
{
  if (!type)
    return false;
  size_t length = strcspn (type, ";");
  while (length > 0 && (type[length - 1] == ' ' || type[length - 1] == '\t'))
    length--;
  if (length == strlen ("application/json") && strncasecmp (type, "application/json", length) == 0)
    return true;
  return length > strlen ("application/+json") && strncasecmp (type, "application/", strlen ("application/")) == 0
         && strncasecmp (type + length - strlen ("+json"), "+json", strlen ("+json")) == 0;
}

void
http__end (struct http_request *request, enum http_end end)
{
  struct http_answer *answer = &request->answer;
  struct http_try *try = &request->try;
  if (!answer->body && try->body && (end == HTTP_ANSWERED || end == HTTP_REFUSED))
    {
      answer->body = try->body;
      answer->length = try->length;
      try->body = NULL;
    }
  free (try->body);
  try->body = NULL;
  http_try__end (request);
  answer->id = request->id;
  answer->end = end;
  answer->tries = request->tries;
  answer->seconds = http__now () - request->begun;
  request->ended = true;
}

/* Says that REQUEST's try broke; its why is libcurl's word for CODE.  */
static enum http_end
outcome__failed (struct http_request *request, CURLcode code, bool *closed)
{
  struct http_try *try = &request->try;
  struct why *why = &request->answer.why;
  const char *key = request->http->settings->key;
  char text[200];
  const char *said = try->error[0] ? try->error : curl_easy_strerror (code);
  text__line (said, strlen (said), key, text, sizeof text);
  if (try->fault == FAULT_BODY_SIZE || code == CURLE_FILESIZE_EXCEEDED)
    why__set (why, REASON_MODEL_BROKEN, "an answer of more than %d MiB", HTTP_ANSWER_MAX >> 20);
  /* One that is larger than libcurl holds (100 KB) is to it a lack of memory.  */
  else if (try->fault == FAULT_HEADER_SIZE || (code == CURLE_OUT_OF_MEMORY && try->sent && try->byte_at <= 0))
    why__set (why, REASON_MODEL_BROKEN, "an answer with more than 64 KiB of headers");
  else if (try->fault == FAULT_MEMORY)
    why__set (why, REASON_MODEL_BROKEN, "no memory for an answer");
  else if (!try->sent)
    {
      why__set (why, REASON_MODEL_DOWN, "%s", text);
      return HTTP_UNREACHABLE;
    }
  else
    {
      *closed = code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE;
      why__set (why, REASON_MODEL_BROKEN, "%s%s", *closed ? "the connection was closed: " : "", text);
    }
  return HTTP_BROKEN;
}

/* What a whole answer means, by its status and headers.  */
static enum http_end
outcome__whole (struct http_request *request)
{
  struct http_try *try = &request->try;
  struct http_answer *answer = &request->answer;
  const char *key = request->http->settings->key, *encoding = header__value (try->easy, "Content-Encoding");
  char text[200], *type = NULL, *location = NULL;
  struct server_error error;
  if (!try->body)
    try->body = calloc (1, 1);
  curl_easy_getinfo (try->easy, CURLINFO_CONTENT_TYPE, &type);
  if (answer->status >= 300 && answer->status < 400)
    {
      curl_easy_getinfo (try->easy, CURLINFO_REDIRECT_URL, &location);
      text__line (location ? location : "nowhere", location ? strlen (location) : 7, key, text, sizeof text);
      why__set (&answer->why, REASON_MODEL_BROKEN, "HTTP %ld, a redirect to %s, which isn't followed", answer->status, text);
      return HTTP_BROKEN;
    }
  if (encoding && strcasecmp (encoding, "identity") != 0)
    {
      text__line (encoding, strlen (encoding), key, text, 40);
      why__set (&answer->why, REASON_MODEL_BROKEN, "HTTP %ld, an answer in the encoding '%s', which wasn't asked for",
                answer->status, text);
      return HTTP_BROKEN;
    }
  if (answer->status < 200 || answer->status >= 300)
    {
      server_error__read (try->body, try->length, key, &error);
      why__set (&answer->why, REASON_MODEL_REFUSED, "HTTP %ld%s%s", answer->status, error.message[0] ? ": " : "", error.message);
      return HTTP_REFUSED;
    }
  if (type__is_json (type))
    return HTTP_ANSWERED;
  text__line (type ? type : "none", type ? strlen (type) : 4, key, text, 80);
  why__set (&answer->why, REASON_MODEL_BROKEN, "HTTP %ld with content type '%s'; expected application/json", answer->status, text);
  return HTTP_BROKEN;
}

/* May an answer of STATUS be another one the next time?  501 says that the server can't do it at all.  */
static bool
status__is_passing (long status)
{
  return status == 408 || status == 409 || status == 429 || (status >= 500 && status != 501);
}

/* Seconds until REQUEST's next try.  */
static double
request__pause (const struct http_request *request)
{
  double after = request->answer.retry_after;
  if (after >= 0)
    return after + PAUSE_SPREAD * random__unit ();
  double pause = fmin (PAUSE_LONGEST, ldexp (PAUSE_FIRST, (int) (request->failures < 16 ? request->failures : 16)));
  return pause * (1 - random__unit () / 2);
}

/* Adds WORDS to what is said of REQUEST's end.  */
static void __attribute__ ((format (printf, 2, 3)))
request__add (struct http_request *request, const char *format, ...)
{
  struct why *why = &request->answer.why;
  size_t length = strlen (why->detail);
  va_list args;
  va_start (args, format);
  vsnprintf (why->detail + length, sizeof why->detail - length, format, args);
  va_end (args);
}

/* REQUEST's try failed in a way that may pass: lets it pause before another and returns true, unless there is none.  */
static bool
request__goes_on (struct http_request *request)
{
  const struct http *http = request->http;
  struct http_answer *answer = &request->answer;
  if (request->failures >= http->settings->retries)
    {
      if (request->tries > 1)
        request__add (request, " (%u tries)", request->tries);
      return false;
    }
  double pause = request__pause (request), now = http__now ();
  if (now + pause >= request->end)
    {
      if (answer->retry_after >= 0)
        request__add (request, "; it asks for a pause of %.0f s, and %.1f s are left", answer->retry_after, fmax (0, request->end - now));
      else
        request__add (request, "; no time is left for another try");
      return false;
    }
  if (http->again
      && !http->again (http->again_data, request->id, answer->status, request->try.body, request->try.length, answer->retry_after))
    return false;
  request->failures++;
  request->again_at = now + pause;
  http_try__end (request);
  return true;
}

void
http__outcome (struct http_request *request, CURLcode code)
{
  struct http_answer *answer = &request->answer;
  struct http_try *try = &request->try;
  /* The limit is libcurl's and counts on while the caller does something else: a connection that nobody tended to isn't one that
     couldn't be made.  */
  if (code == CURLE_OPERATION_TIMEDOUT && !try->sent && try->present + PRESENT_SLACK < request->http->settings->connect_seconds)
    {
      http_try__end (request);
      http_try__begin (request);
      return;
    }
  bool passing = false;
  answer->status = 0;
  answer->why = (struct why){ 0 };
  curl_easy_getinfo (try->easy, CURLINFO_RESPONSE_CODE, &answer->status);
  answer->retry_after = retry_after__read (try->easy);
  enum http_end end;
  if (code == CURLE_OK && try->sent)
    {
      end = outcome__whole (request);
      passing = end == HTTP_REFUSED && status__is_passing (answer->status);
    }
  else
    end = outcome__failed (request, code, &passing);
  if (!passing || !request__goes_on (request))
    http__end (request, end);
}
