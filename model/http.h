/* HTTP requests to one server, several at once: libcurl's multi interface with limits, retries and a key that goes nowhere else.
   Knows nothing of models.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MODEL_HTTP_H
#define AIOPT_MODEL_HTTP_H

#include "machine/why.h"
#include "model/settings.h"

#include <signal.h>

enum { HTTP_ANSWER_MAX = 8 << 20 }; /* bytes of an answer's body */

enum http_end
{
  HTTP_ANSWERED,          /* 2xx with a JSON content type and a whole body */
  HTTP_REFUSED,           /* another status: 4xx, or what was left after retries */
  HTTP_BROKEN,            /* too large, too slow, closed, not JSON, redirected */
  HTTP_UNREACHABLE,       /* no connection could be made: name, port, time-out, proxy, TLS */
  HTTP_STOPPED
};

struct http_answer
{
  unsigned id;
  enum http_end end;
  long status;            /* of HTTP; 0: none came */
  struct why why;         /* unless answered: MODEL_REFUSED, MODEL_BROKEN, MODEL_DOWN, BUDGET; never holds the key */
  char *body;             /* malloc'ed, zero-terminated, also of refusals; NULL: none */
  size_t length;
  unsigned tries;         /* that were sent */
  double seconds;         /* from the first try on, pauses among them */
  double retry_after;     /* what the last try's Retry-After said, in seconds; < 0: nothing */
};

/* The clock that deadlines are by: CLOCK_MONOTONIC, seconds.  */
double http__now (void);

/* *STOP (may be NULL) ends all as soon as it is set.  NULL and *WHY (CONFIG): a base URL that is none, isn't http or https, or has a
   user name, a query or a fragment in it; a key with control characters, or one that would go over plain http to another machine.  */
struct http;
struct http *http__new (const struct model_settings *settings, const volatile sig_atomic_t *stop, struct why *why);
void http__free (struct http *http);

/* Asked before another try: is there any use in it?  STATUS, BODY[LENGTH] and RETRY_AFTER as in struct http_answer; a closed
   connection has status 0.  */
typedef bool http_again (void *data, unsigned id, long status, const char *body, size_t length, double retry_after);
void http__ask_again (struct http *http, http_again *again, void *data);

/* Begins a request for PATH ("/chat/completions") under the base URL: a POST of the JSON text BODY, which is copied, or a GET
   where BODY is NULL.  It ends by DEADLINE (CLOCK_MONOTONIC, seconds), pauses and retries included.  */
void http__begin (struct http *http, const char *path, const char *body, double deadline, unsigned id);

/* Lets requests go on for SECONDS at most: 1 and *ANSWER as soon as one has ended, else 0, at once where none is under way.  */
int http__wait (struct http *http, double seconds, struct http_answer *answer);

/* Requests under way.  */
unsigned http__pending (const struct http *http);

/* When a connection last stood ready for a request (CLOCK_MONOTONIC); 0: never.  */
double http__reached (const struct http *http);

#endif
