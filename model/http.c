/* Several requests at once: begun, driven while the caller waits, ended by an answer, a limit or *STOP.

   Nothing goes on while the caller is elsewhere, which may be for seconds: what has come meanwhile is read before any limit is
   looked at.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/http-internal.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_SECONDS 0.1    /* *STOP is looked at so often */
#define PRESENCE_SECONDS 0.5 /* a longer gap between two looks is the caller's, not the server's */

double
http__now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* SIGPIPE while libcurl works: TLS libraries write to sockets in a way that raises it where the other side is gone.  */
struct quiet
{
  sigset_t before;
  bool was_pending;
};

static void
quiet__begin (struct quiet *quiet)
{
  sigset_t pipe, pending;
  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE);
  quiet->was_pending = sigpending (&pending) == 0 && sigismember (&pending, SIGPIPE) == 1;
  pthread_sigmask (SIG_BLOCK, &pipe, &quiet->before);
}

/* Takes back what libcurl raised, and lets signals come as before.  */
static void
quiet__end (const struct quiet *quiet)
{
  sigset_t pipe;
  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE);
  while (!quiet->was_pending && sigtimedwait (&pipe, NULL, &(struct timespec){ 0 }) < 0 && errno == EINTR)
    ;
  pthread_sigmask (SIG_SETMASK, &quiet->before, NULL);
}

struct http *
http__new (const struct model_settings *settings, const volatile sig_atomic_t *stop, struct why *why)
{
  struct http *http = calloc (1, sizeof *http);
  if (!http || sodium_init () < 0 || curl_global_init (CURL_GLOBAL_DEFAULT) != CURLE_OK)
    abort ();
  http->settings = settings;
  http->stop = stop;
  if (http__target (http, why) < 0)
    {
      http__free (http);
      return NULL;
    }
  http->multi = curl_multi_init ();
  if (!http->multi)
    abort ();
  return http;
}

/* Frees REQUEST, which isn't in the list any more.  */
static void
request__free (struct http_request *request)
{
  http_try__end (request);
  free (request->try.body);
  free (request->answer.body);
  free (request->url);
  free (request->body);
  free (request);
}

void
http__free (struct http *http)
{
  struct quiet quiet;
  if (!http)
    return;
  quiet__begin (&quiet);
  while (http->request)
    {
      struct http_request *request = http->request;
      http->request = request->next;
      request__free (request);
    }
  curl_multi_cleanup (http->multi);
  quiet__end (&quiet);
  http__wipe_headers (http->headers);
  free (http->base);
  free (http);
  curl_global_cleanup ();
}

void
http__ask_again (struct http *http, http_again *again, void *data)
{
  http->again = again;
  http->again_data = data;
}

void
http__begin (struct http *http, const char *path, const char *body, double deadline, unsigned id)
{
  struct http_request *request = calloc (1, sizeof *request), **last = &http->request;
  size_t base = strlen (http->base), length = strlen (path);
  if (!request || !(request->url = malloc (base + length + 1)) || (body && !(request->body = strdup (body))))
    abort ();
  memcpy (request->url, http->base, base);
  memcpy (request->url + base, path, length + 1);
  request->http = http;
  request->id = id;
  request->begun = http__now ();
  request->end = fmin (deadline, request->begun + http->settings->total_seconds);
  request->answer.retry_after = -1;
  while (*last)
    last = &(*last)->next;
  *last = request;
  int running;
  struct quiet quiet;
  quiet__begin (&quiet);
  http_try__begin (request);
  /* So that the connection is made while the caller does something else.  */
  curl_multi_perform (http->multi, &running);
  quiet__end (&quiet);
}

/* Tells HTTP's requests about the tries that libcurl has finished.  */
static void
http__collect (struct http *http)
{
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read (http->multi, &left)))
    {
      if (message->msg != CURLMSG_DONE)
        continue;
      struct http_request *request = NULL;
      CURLcode code = message->data.result;
      curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, &request);
      http__outcome (request, code);
    }
}

/* Ends REQUEST if *STOP is set or one of its limits is reached at NOW, and begins its next try if that is due.  */
static void
request__look (struct http_request *request, double now)
{
  const struct http *http = request->http;
  const struct http_try *try = &request->try;
  struct why *why = &request->answer.why;
  double slow = http->settings->low_speed_seconds;
  if (http->stop && *http->stop)
    {
      why__set (why, REASON_BUDGET, "interrupted while the model's server was asked");
      http__end (request, HTTP_STOPPED);
    }
  else if (now >= request->end)
    {
      why__set (why, REASON_MODEL_BROKEN, "%s within %.1f s",
                !try->sent ? "no connection" : try->byte_at > 0 ? "no end of the answer" : "no answer", request->end - request->begun);
      http__end (request, HTTP_BROKEN);
    }
  else if (try->byte_at > 0 && try->easy && now - try->byte_at > slow)
    {
      why__set (why, REASON_MODEL_BROKEN, "the answer broke off: not a byte for %.1f s", slow);
      http__end (request, HTTP_BROKEN);
    }
  else if (!try->easy && now >= request->again_at)
    http_try__begin (request);
}

/* Takes an ended request out of HTTP's list: 1 and its *ANSWER; 0 where there is none.  */
static int
http__take (struct http *http, struct http_answer *answer)
{
  for (struct http_request **at = &http->request; *at; at = &(*at)->next)
    if ((*at)->ended)
      {
        struct http_request *request = *at;
        *at = request->next;
        *answer = request->answer;
        request->answer.body = NULL;
        request__free (request);
        return 1;
      }
  return 0;
}

/* Lets libcurl work, and looks at every request.  */
static void
http__drive (struct http *http)
{
  double now = http__now (), gap = now - http->last_seen;
  int running;
  http->last_seen = now;
  for (struct http_request *request = http->request; request; request = request->next)
    if (gap <= PRESENCE_SECONDS && request->try.easy)
      request->try.present += gap;
  curl_multi_perform (http->multi, &running);
  http__collect (http);
  now = http__now ();
  for (struct http_request *request = http->request; request; request = request->next)
    if (!request->ended)
      request__look (request, now);
}

/* Seconds from NOW until some request has to be looked at, UNTIL and LOOK_SECONDS being the most.  */
static double
http__idle (const struct http *http, double now, double until)
{
  double next = fmin (until, now + LOOK_SECONDS);
  for (const struct http_request *request = http->request; request; request = request->next)
    next = fmin (next, request->try.easy ? request->end : fmin (request->end, request->again_at));
  return fmax (0, next - now);
}

/* http__wait until UNTIL.  */
static int
http__wait_until (struct http *http, double until, struct http_answer *answer)
{
  for (;;)
    {
      if (http__take (http, answer))
        return 1;
      if (!http->request)
        return 0;
      http__drive (http);
      if (http__take (http, answer))
        return 1;
      double now = http__now ();
      if (now >= until)
        return 0;
      curl_multi_poll (http->multi, NULL, 0, (int) ceil (http__idle (http, now, until) * 1000), NULL);
    }
}

int
http__wait (struct http *http, double seconds, struct http_answer *answer)
{
  struct quiet quiet;
  quiet__begin (&quiet);
  int ended = http__wait_until (http, http__now () + fmax (0, seconds), answer);
  quiet__end (&quiet);
  return ended;
}

unsigned
http__pending (const struct http *http)
{
  unsigned n = 0;
  for (const struct http_request *request = http->request; request; request = request->next)
    n++;
  return n;
}

double
http__reached (const struct http *http)
{
  return http->reached;
}
