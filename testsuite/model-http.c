/* However a server misbehaves, a request ends in bounded time, with the right reason, after no more tries than it should have; and
   the key goes to the server and nowhere else.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/model-server.h"

#include "model/http.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Asserts that no part of the key worth having is in TEXT.  */
static void
has_no_key (const char *text)
{
  for (size_t i = 0; text && i + 10 <= strlen (TEST_KEY); i++)
    {
      char part[11] = "";
      memcpy (part, &TEST_KEY[i], 10);
      if (strstr (text, part))
        fail_msg ("the key is in '%s'", text);
    }
}

/* Asks PATH of SETTINGS' server, with BODY if it isn't NULL; what comes is in *ANSWER, its body freed but for where KEEP.  */
static void
ask (const struct model_settings *settings, const char *path, const char *body, double seconds, bool keep, struct http_answer *answer)
{
  struct why why;
  struct http *http = http__new (settings, NULL, &why);
  if (!http)
    fail_msg ("%s: %s", settings->base_url, why.detail);
  http__begin (http, path, body, test__now () + seconds, 7);
  assert_int_equal (http__pending (http), 1);
  assert_int_equal (http__wait (http, seconds + 5, answer), 1);
  assert_int_equal (answer->id, 7);
  assert_int_equal (http__pending (http), 0);
  assert_int_equal (http__wait (http, 5, answer), 0);
  has_no_key (answer->why.detail);
  if (!keep)
    {
      free (answer->body);
      answer->body = NULL;
    }
  http__free (http);
}

/* Connections that the server's other port saw.  */
static double
others (const struct model_server *server)
{
  char *url = model_server__url (server, "");
  struct model_settings settings = test__settings (url);
  struct http_answer answer;
  ask (&settings, "/stats", NULL, 20, true, &answer);
  assert_int_equal (answer.end, HTTP_ANSWERED);
  cJSON *json = cJSON_Parse (answer.body);
  double n = cJSON_GetObjectItem (json, "other")->valuedouble;
  cJSON_Delete (json);
  free (answer.body);
  free (url);
  return n;
}

/* One way of misbehaving, and what is to come of it.  */
struct expectation
{
  const char *mode;
  double total;           /* the request's limit */
  enum http_end end;
  enum reason reason;
  long status;
  const char *words;      /* in the why */
  unsigned tries;         /* with two after the first allowed */
  double least, most;     /* seconds; MOST leaves room for a busy machine */
};

#define BROKEN HTTP_BROKEN, REASON_MODEL_BROKEN
#define REFUSED HTTP_REFUSED, REASON_MODEL_REFUSED
#define ANSWERED HTTP_ANSWERED, REASON_NONE

static const struct expectation expectations[] = {
  { "ok", 30, ANSWERED, 200, "", 1, 0, 20 },
  { "http10", 30, ANSWERED, 200, "", 1, 0, 20 },
  { "chunked", 30, ANSWERED, 200, "", 1, 0, 20 },
  { "json-suffix", 30, ANSWERED, 200, "", 1, 0, 20 },
  { "empty", 30, ANSWERED, 200, "", 1, 0, 20 },
  { "slow-headers", 1, BROKEN, 0, "no answer within 1.0 s", 1, 0.9, 6 },
  { "silent", 1, BROKEN, 0, "no answer within 1.0 s", 1, 0.9, 6 },
  { "slow-body", 1, BROKEN, 0, "no end of the answer within 1.0 s", 1, 0.9, 6 },
  { "stall-body", 30, BROKEN, 0, "not a byte for 1.5 s", 1, 1.4, 20 },
  { "huge", 30, BROKEN, 200, "more than 8 MiB", 1, 0, 20 },
  { "huge-undeclared", 30, BROKEN, 200, "more than 8 MiB", 1, 0, 20 },
  { "huge-refusal", 30, BROKEN, 400, "more than 8 MiB", 1, 0, 20 },
  { "endless", 30, BROKEN, 200, "more than 8 MiB", 1, 0, 20 },
  { "many-headers", 30, BROKEN, 200, "more than 64 KiB of headers", 1, 0, 20 },
  { "long-header", 30, BROKEN, 200, "more than 64 KiB of headers", 1, 0, 20 },
  { "endless-continue", 30, BROKEN, 100, "more than 64 KiB of headers", 1, 0, 20 },
  { "gzip", 30, BROKEN, 200, "encoding 'gzip'", 1, 0, 20 },
  { "transfer-gzip", 30, BROKEN, 200, "more than 8 MiB", 1, 0, 20 },
  { "no-content", 30, BROKEN, 204, "content type 'none'", 1, 0, 20 },
  { "html", 30, BROKEN, 200, "content type 'text/html'", 1, 0, 20 },
  { "event-stream", 30, BROKEN, 200, "text/event-stream", 1, 0, 20 },
  { "nonsense", 30, BROKEN, 0, "HTTP/0.9", 1, 0, 20 },
  { "redirect", 30, BROKEN, 307, "isn't followed", 1, 0, 20 },
  { "redirect-301", 30, BROKEN, 301, "isn't followed", 1, 0, 20 },
  { "echo-location", 30, BROKEN, 302, "[key]", 1, 0, 20 },
  /* Tried again.  */
  { "fail-2", 30, ANSWERED, 200, "", 3, 0.7, 20 },
  { "fail-2-503", 30, ANSWERED, 200, "", 3, 0.7, 20 },
  { "fail-1-408", 30, ANSWERED, 200, "", 2, 0.2, 20 },
  { "fail-1-409", 30, ANSWERED, 200, "", 2, 0.2, 20 },
  { "fail-9", 30, REFUSED, 500, "HTTP 500: failed for the time of 3 (3 tries)", 3, 0.7, 20 },
  { "close-1", 30, ANSWERED, 200, "", 2, 0.2, 20 },
  { "close", 30, BROKEN, 0, "closed", 3, 0.7, 20 },
  { "close-amid-2", 30, ANSWERED, 200, "", 3, 0.7, 20 },
  { "close-amid", 30, BROKEN, 200, "closed", 3, 0.7, 20 },
  { "close-chunk", 30, BROKEN, 200, "closed", 3, 0.7, 20 },
  { "rate-1", 30, ANSWERED, 200, "", 2, 0.2, 20 },
  { "rate-1-0", 30, ANSWERED, 200, "", 2, 0, 20 },
  { "rate-1-2", 30, ANSWERED, 200, "", 2, 2, 20 },
  { "rate-1-date", 30, ANSWERED, 200, "", 2, 0.9, 20 },
  { "rate-1-junk", 30, ANSWERED, 200, "", 2, 0.2, 20 },
  { "rate-9", 30, REFUSED, 429, "Rate limit reached (3 tries)", 3, 0.7, 20 },
  /* More than there is time for: at once.  */
  { "rate-9-3600", 30, REFUSED, 429, "a pause of 3600 s, and ", 1, 0, 10 },
  { "rate-9-never", 30, REFUSED, 429, "it asks for a pause of ", 1, 0, 10 },
  { "rate-9-99999999999999999999999999", 30, REFUSED, 429, "it asks for a pause of ", 1, 0, 10 },
  /* Not tried again.  */
  { "status-400", 30, REFUSED, 400, "HTTP 400: no", 1, 0, 20 },
  { "status-401", 30, REFUSED, 401, "HTTP 401: no", 1, 0, 20 },
  { "status-404", 30, REFUSED, 404, "HTTP 404: no", 1, 0, 20 },
  { "status-501", 30, REFUSED, 501, "HTTP 501: no", 1, 0, 20 },
  { "plain-status-400", 30, REFUSED, 400, "HTTP 400", 1, 0, 20 },
  { "echo-key", 30, REFUSED, 400, "bad key: [key]; it begins [key] and ends [key]?[31m", 1, 0, 20 },
};
enum { N_EXPECTATIONS = sizeof expectations / sizeof *expectations };

/* Asserts that ANSWER is what EXPECTATION says.  */
static void
is_as_expected (const struct expectation *expectation, const struct http_answer *answer)
{
  has_no_key (answer->why.detail);
  if (answer->end != expectation->end || answer->why.reason != expectation->reason
      || (expectation->status && answer->status != expectation->status) || answer->tries != expectation->tries
      || !strstr (answer->why.detail, expectation->words) || answer->seconds < expectation->least || answer->seconds > expectation->most)
    fail_msg ("%s: end %d, %s, HTTP %ld, %u tries, %.2f s: '%s'", expectation->mode, answer->end, reason__slug (answer->why.reason),
              answer->status, answer->tries, answer->seconds, answer->why.detail);
  assert_true ((answer->end == HTTP_ANSWERED || answer->end == HTTP_REFUSED) == (answer->body != NULL));
  if (answer->body)
    assert_int_equal (strlen (answer->body), answer->length);
}

/* All at once, each by a client of its own.  */
static void
misbehaviour (void **state)
{
  struct model_server *server = *state;
  struct http *http[N_EXPECTATIONS];
  struct model_settings settings[N_EXPECTATIONS];
  struct rusage before, after;
  unsigned left = N_EXPECTATIONS;
  double heard = others (server), began = test__now ();
  struct why why;
  getrusage (RUSAGE_SELF, &before);
  for (unsigned i = 0; i < N_EXPECTATIONS; i++)
    {
      settings[i] = test__settings (model_server__url (server, expectations[i].mode));
      settings[i].total_seconds = expectations[i].total;
      settings[i].low_speed_seconds = 1.5;
      http[i] = http__new (&settings[i], NULL, &why);
      assert_non_null (http[i]);
      http__begin (http[i], "/chat/completions", "{}", began + 100, i);
    }
  while (left)
    for (unsigned i = 0; i < N_EXPECTATIONS; i++)
      {
        struct http_answer answer;
        if (!http[i] || http__wait (http[i], 0.001, &answer) == 0)
          continue;
        assert_int_equal (answer.id, i);
        is_as_expected (&expectations[i], &answer);
        free (answer.body);
        http__free (http[i]);
        free ((char *) settings[i].base_url);
        http[i] = NULL;
        left--;
      }
  getrusage (RUSAGE_SELF, &after);
  assert_true (after.ru_maxrss - before.ru_maxrss < 128 * 1024);
  /* The place that redirects lead to heard nothing.  */
  assert_true (others (server) == heard);
}

static void
several_at_once (void **state)
{
  char *url = model_server__url (*state, "hold-8.several");
  struct model_settings settings = test__settings (url);
  struct http *http = http__new (&settings, NULL, NULL);
  unsigned seen = 0;
  for (unsigned i = 0; i < 8; i++)
    http__begin (http, "/chat/completions", "{}", test__now () + 30, i);
  assert_int_equal (http__pending (http), 8);
  struct http_answer answer;
  while (http__wait (http, 30, &answer))
    {
      assert_int_equal (answer.end, HTTP_ANSWERED);
      seen |= 1u << answer.id;
      free (answer.body);
    }
  assert_int_equal (seen, 0xff);
  http__free (http);
  free (url);
}

/* A connection that was kept, and that the server closes meanwhile or when it is used again, costs nothing.  */
static void
kept_connection (void **state)
{
  static const char *const modes[] = { "once.kept", "first.kept", "ok.kept" };
  for (unsigned m = 0; m < sizeof modes / sizeof *modes; m++)
    {
      char *url = model_server__url (*state, modes[m]);
      struct model_settings settings = test__settings (url);
      settings.retries = 0;
      struct http *http = http__new (&settings, NULL, NULL);
      struct http_answer answer;
      for (unsigned i = 0; i < 4; i++)
        {
          http__begin (http, "/chat/completions", "{}", test__now () + 30, i);
          assert_int_equal (http__wait (http, 30, &answer), 1);
          if (answer.end != HTTP_ANSWERED)
            fail_msg ("%s: request %u: %s", modes[m], i, answer.why.detail);
          assert_int_equal (answer.tries, 1);
          free (answer.body);
          usleep (10000);
        }
      http__free (http);
      free (url);
    }
}

static void
nobody_there (void **state)
{
  struct model_server *server = *state;
  struct http_answer answer;
  double began = test__now ();
  /* A port that was free a moment ago: port 1 of loopback.  */
  struct model_settings settings = test__settings ("http://127.0.0.1:1/v1");
  ask (&settings, "/chat/completions", "{}", 20, false, &answer);
  assert_int_equal (answer.end, HTTP_UNREACHABLE);
  assert_int_equal (answer.why.reason, REASON_MODEL_DOWN);
  assert_int_equal (answer.tries, 0);
  assert_true (test__now () - began < 5);

  /* Neither accepts nor refuses.  */
  char *url = test__printf ("http://127.0.0.1:%u/v1", server->hole);
  settings = test__settings (url);
  settings.connect_seconds = 0.5;
  ask (&settings, "/chat/completions", "{}", 20, false, &answer);
  if (answer.end != HTTP_UNREACHABLE || answer.seconds < 0.45 || answer.seconds > 5)
    fail_msg ("end %d after %.2f s: %s", answer.end, answer.seconds, answer.why.detail);
  /* Less time than a connection may take says nothing about the server.  */
  settings.connect_seconds = 10;
  ask (&settings, "/chat/completions", "{}", 0.3, false, &answer);
  assert_int_equal (answer.end, HTTP_BROKEN);
  assert_non_null (strstr (answer.why.detail, "no connection within 0.3 s"));
  free (url);

  /* No such name; a name server that doesn't answer is not waited for.  */
  settings = test__settings ("https://nobody.invalid/v1");
  settings.connect_seconds = 1;
  began = test__now ();
  ask (&settings, "/chat/completions", "{}", 20, false, &answer);
  assert_int_equal (answer.end, HTTP_UNREACHABLE);
  assert_true (test__now () - began < 6);
}

/* The caller does something else meanwhile: that is not the server's fault.  */
static void
busy_caller (void **state)
{
  struct model_server *server = *state;
  struct http_answer answer;
  /* A connection was made, and an answer came, while nobody looked.  */
  char *url = model_server__url (server, "later-3.busy");
  struct model_settings settings = test__settings (url);
  settings.connect_seconds = settings.total_seconds = 0.9;
  struct http *http = http__new (&settings, NULL, NULL);
  http__begin (http, "/chat/completions", "{}", test__now () + 30, 0);
  assert_int_equal (http__wait (http, 0.05, &answer), 0);
  usleep (1500000);
  assert_int_equal (http__wait (http, 5, &answer), 1);
  if (answer.end != HTTP_ANSWERED)
    fail_msg ("%s", answer.why.detail);
  free (answer.body);
  http__free (http);
  free (url);
  /* None could be made, and that takes half a second of looking.  */
  url = test__printf ("http://127.0.0.1:%u/v1", server->hole);
  settings = test__settings (url);
  settings.connect_seconds = 0.5;
  http = http__new (&settings, NULL, NULL);
  http__begin (http, "/chat/completions", "{}", test__now () + 30, 0);
  usleep (1000000);
  assert_int_equal (http__wait (http, 0.2, &answer), 0);
  assert_int_equal (http__wait (http, 5, &answer), 1);
  assert_int_equal (answer.end, HTTP_UNREACHABLE);
  http__free (http);
  free (url);
}

static volatile sig_atomic_t stop;

static void
set_stop (int signal)
{
  (void) signal;
  stop = 1;
}

static void
stopped (void **state)
{
  struct model_server *server = *state;
  static const char *const modes[] = { "silent.stop", "slow-body.stop", "rate-9-20.stop" };
  struct sigaction action = { .sa_handler = set_stop }, before;
  sigaction (SIGALRM, &action, &before);
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
    {
      char *url = model_server__url (server, modes[i]);
      struct model_settings settings = test__settings (url);
      struct http *http = http__new (&settings, &stop, NULL);
      struct http_answer answer;
      http__begin (http, "/chat/completions", "{}", test__now () + 30, 0);
      http__begin (http, "/chat/completions", "{}", test__now () + 30, 1);
      stop = 0;
      double began = test__now ();
      ualarm (300000, 0);
      for (unsigned n = 0; n < 2; n++)
        {
          assert_int_equal (http__wait (http, 20, &answer), 1);
          assert_int_equal (answer.end, HTTP_STOPPED);
          assert_int_equal (answer.why.reason, REASON_BUDGET);
        }
      assert_true (test__now () - began < 4);
      http__free (http);
      free (url);
    }
  sigaction (SIGALRM, &before, NULL);
}

/* A deadline ends tries and pauses; a client may be thrown away in the middle of all.  */
static void
deadlines (void **state)
{
  static const char *const modes[] = { "silent.dead", "slow-body.dead", "rate-9.dead" };
  struct http_answer answer;
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
    {
      char *url = model_server__url (*state, modes[i]);
      struct model_settings settings = test__settings (url);
      settings.retries = 20;
      ask (&settings, "/chat/completions", "{}", 1, false, &answer);
      assert_true (answer.end == HTTP_BROKEN || answer.end == HTTP_REFUSED);
      assert_true (answer.seconds < 5);
      struct http *http = http__new (&settings, NULL, NULL);
      for (unsigned n = 0; n < 3; n++)
        http__begin (http, "/chat/completions", "{}", test__now () + 30, n);
      http__wait (http, 0.1, &answer);
      http__free (http);
      free (url);
    }
}

static void
tls (void **state)
{
  struct model_server *server = *state;
  char *cert = test__printf ("%s/cert.pem", server->folder);
  char *good = test__printf ("https://localhost:%u/ok.tls", server->tls);
  char *other = test__printf ("https://127.0.0.1:%u/ok.tls", server->tls);
  char *plain = test__printf ("https://127.0.0.1:%u/ok.tls", server->port);
  struct http_answer answer;
  struct model_settings settings = test__settings (good);
  double began = test__now ();
  /* Nobody vouches for it.  */
  ask (&settings, "/models", NULL, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_UNREACHABLE);
  assert_non_null (strstr (answer.why.detail, "certificate"));
  assert_int_equal (answer.tries, 0);
  /* Plain text where TLS should be.  */
  settings.base_url = plain;
  ask (&settings, "/models", NULL, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_UNREACHABLE);
  assert_int_equal (answer.tries, 0);
  assert_true (test__now () - began < 10);
  /* The file says so: by the setting, or by curl's variables.  */
  settings = test__settings (good);
  settings.ca_file = cert;
  ask (&settings, "/models", NULL, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_ANSWERED);
  settings.ca_file = "";
  static const char *const variables[] = { "CURL_CA_BUNDLE", "SSL_CERT_FILE" };
  for (unsigned i = 0; i < 2; i++)
    {
      setenv (variables[i], cert, 1);
      ask (&settings, "/models", NULL, 20, false, &answer);
      unsetenv (variables[i]);
      assert_int_equal (answer.end, HTTP_ANSWERED);
    }
  /* Not for another name.  */
  settings.base_url = other;
  settings.ca_file = cert;
  ask (&settings, "/models", NULL, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_UNREACHABLE);
  assert_non_null (strstr (answer.why.detail, "name"));
  settings.ca_file = "/nonexistent.pem";
  settings.base_url = good;
  ask (&settings, "/models", NULL, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_UNREACHABLE);
  free (cert);
  free (good);
  free (other);
  free (plain);
}

/* Does a request that was logged have WORDS in it?  */
static bool
was_logged (const struct model_server *server, const char *words)
{
  char *command = test__printf ("grep -qrF -e '%s' '%s/log'", words, server->folder);
  int status = system (command);
  free (command);
  return status == 0;
}

static void
proxies (void **state)
{
  struct model_server *server = *state;
  char *ours = test__printf ("http://127.0.0.1:%u", server->port), *theirs = test__printf ("http://127.0.0.1:%u", server->other);
  char *local = model_server__url (server, "ok.proxy");
  struct http_answer answer;
  double heard = others (server);
  /* Loopback isn't asked for through a proxy, which would read the key.  */
  setenv ("http_proxy", theirs, 1);
  struct model_settings settings = test__settings (local);
  ask (&settings, "/models", NULL, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_ANSWERED);
  assert_true (others (server) == heard);
  /* Others are.  */
  setenv ("http_proxy", ours, 1);
  settings = test__settings ("http://nobody.invalid/ok.proxied");
  settings.key = NULL;
  ask (&settings, "/models", NULL, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_ANSWERED);
  assert_true (was_logged (server, "\"host\": \"nobody.invalid\""));
  unsetenv ("http_proxy");
  /* With TLS the proxy gets to see the name and no key.  */
  settings = test__settings ("https://nobody.invalid/ok.proxied");
  settings.connect_seconds = 3;
  setenv ("https_proxy", ours, 1);
  ask (&settings, "/models", NULL, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_UNREACHABLE);
  assert_true (was_logged (server, "\"method\": \"CONNECT\""));
  char *command = test__printf ("grep -lrF CONNECT '%s/log' | xargs grep -iE 'authorization|%.12s'", server->folder, TEST_KEY);
  assert_true (system (command) != 0);
  free (command);
  unsetenv ("https_proxy");
  free (ours);
  free (theirs);
  free (local);
}

static void
what_is_sent (void **state)
{
  struct model_server *server = *state;
  char *url = model_server__url (server, "ok.what//");
  struct model_settings settings = test__settings (url);
  struct http_answer answer;
  setenv ("HOME", server->folder, 1);
  test__write (server->folder, ".netrc", "default login eve password mallory\n");
  test__write (server->folder, ".curlrc", "header = \"X-Curlrc: yes\"\n");
  ask (&settings, "/chat/completions", "{\"what\":\"is sent\"}", 20, false, &answer);
  assert_int_equal (answer.end, HTTP_ANSWERED);
  assert_true (was_logged (server, "\"path\": \"/ok.what/chat/completions\""));
  assert_true (was_logged (server, "\"authorization\": \"Bearer " TEST_KEY "\""));
  assert_true (was_logged (server, "\"user-agent\": \"aiopt/" AIOPT_VERSION "\""));
  assert_true (was_logged (server, "\"content-type\": \"application/json\""));
  assert_true (was_logged (server, "\"what\": \"is sent\""));
  /* Without a key nothing takes its place.  */
  settings.key = NULL;
  ask (&settings, "/chat/completions", "{}", 20, false, &answer);
  assert_int_equal (answer.end, HTTP_ANSWERED);
  static const char *const never[] = { "cookie", "accept-encoding", "x-curlrc", "Basic ", "expect", "referer" };
  for (unsigned i = 0; i < sizeof never / sizeof *never; i++)
    if (was_logged (server, never[i]))
      fail_msg ("'%s' is sent", never[i]);
  /* A large body at once, without asking for leave.  */
  size_t size = 3 << 20;
  char *large = malloc (size + 1);
  memset (large, ' ', size);
  memcpy (large, "{}", 2);
  large[size] = '\0';
  ask (&settings, "/chat/completions", large, 20, false, &answer);
  assert_int_equal (answer.end, HTTP_ANSWERED);
  assert_false (was_logged (server, "expect"));
  free (large);
  free (url);
}

/* A server that goes away while it is being sent to raises no SIGPIPE, which would end this program; one of the caller's own stays.  */
static void
no_signals (void **state)
{
  struct model_server *server = *state;
  char *url = test__printf ("https://localhost:%u/slam", server->tls), *cert = test__printf ("%s/cert.pem", server->folder);
  struct model_settings settings = test__settings (url);
  struct http_answer answer;
  size_t size = 4 << 20;
  char *large = malloc (size + 1);
  memset (large, ' ', size);
  large[size] = '\0';
  settings.ca_file = cert;
  settings.retries = 0;
  signal (SIGPIPE, SIG_DFL);
  for (unsigned i = 0; i < 10; i++)
    {
      ask (&settings, "/chat/completions", large, 20, false, &answer);
      assert_int_equal (answer.end, HTTP_BROKEN);
      assert_int_equal (answer.why.reason, REASON_MODEL_BROKEN);
    }
  /* A connection that was kept and is reset: libcurl says goodbye on it when the client is freed.  */
  char *reset = test__printf ("https://localhost:%u/reset", server->tls);
  settings.base_url = reset;
  for (unsigned i = 0; i < 3; i++)
    {
      struct http *http = http__new (&settings, NULL, NULL);
      http__begin (http, "/chat/completions", "{}", test__now () + 20, 0);
      assert_int_equal (http__wait (http, 20, &answer), 1);
      assert_int_equal (answer.end, HTTP_ANSWERED);
      free (answer.body);
      usleep (100000);
      http__free (http);
    }
  settings.base_url = url;
  free (reset);
  sigset_t pipe, before, pending;
  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE);
  sigprocmask (SIG_BLOCK, &pipe, &before);
  raise (SIGPIPE);
  ask (&settings, "/chat/completions", "{}", 20, false, &answer);
  assert_int_equal (sigpending (&pending), 0);
  assert_int_equal (sigismember (&pending, SIGPIPE), 1);
  signal (SIGPIPE, SIG_IGN);
  sigprocmask (SIG_SETMASK, &before, NULL);
  signal (SIGPIPE, SIG_DFL);
  free (large);
  free (url);
  free (cert);
}

/* Programs that are started while requests are under way don't get their connections.  */
static void
nothing_is_inherited (void **state)
{
  char *url = model_server__url (*state, "silent.inherited");
  struct model_settings settings = test__settings (url);
  struct http *http = http__new (&settings, NULL, NULL);
  struct http_answer answer;
  unsigned sockets = 0;
  http__begin (http, "/chat/completions", "{}", test__now () + 20, 0);
  assert_int_equal (http__wait (http, 0.2, &answer), 0);
  for (int fd = 3; fd < 100; fd++)
    {
      struct sockaddr_in peer;
      socklen_t size = sizeof peer;
      if (getpeername (fd, (struct sockaddr *) &peer, &size) != 0 || peer.sin_family != AF_INET)
        continue;
      sockets++;
      assert_true (fcntl (fd, F_GETFD) & FD_CLOEXEC);
    }
  assert_int_equal (sockets, 1);
  http__free (http);
  free (url);
}

static void
base_urls (void **state)
{
  (void) state;
  static const struct { const char *url, *words; } bad[] = {
    { NULL, "unset" }, { "", "unset" }, { "ftp://127.0.0.1/v1", "http" }, { "file:///etc/passwd", "http" },
    { "https://user:secret@example.com/v1", "user name" }, { "https://user@example.com/v1", "user name" }, { "https://", "" },
    { "127.0.0.1:8080/v1", "" }, { "https://example.com/v1?x=y", "'?'" }, { "https://example.com/v1#x", "'?'" },
    { "https://example.com/a b", "blank" }, { "https://example.com/a\r\nX: y", "control" }, { "https://exa mple.com/", "blank" },
    { "http://example.com/v1", "plain http" }, { "http://127.0.0.1.example.com/v1", "plain http" }, { "HTTP://10.0.0.1/v1", "plain http" },
    { "http://localhost.example.com/v1", "plain http" }, { "http://[::2]/v1", "plain http" }, { "gopher://127.0.0.1/", "http" },
    { "http://127.0.0.1:99999/v1", "" }, { "unix:///tmp/socket", "http" },
  };
  static const char *const good[] = { "https://example.com/v1", "http://127.0.0.1:8080/v1", "http://127.8.9.1/v1", "http://localhost:1/",
                                      "http://LOCALHOST/v1", "http://[::1]:8080/v1", "HTTPS://example.com" };
  static const char *const keys[] = { "a\nb", "a\r\nX-Injected: yes", "a b", "a\tb", "k\303\251y", "\1" };
  struct why why = { 0 };
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      struct model_settings settings = test__settings (bad[i].url);
      if (http__new (&settings, NULL, &why))
        fail_msg ("'%s' is accepted", bad[i].url);
      assert_int_equal (why.reason, REASON_CONFIG);
      if (!strstr (why.detail, bad[i].words) || strstr (why.detail, "secret"))
        fail_msg ("'%s': %s", bad[i].url, why.detail);
      has_no_key (why.detail);
    }
  for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
    {
      struct model_settings settings = test__settings (good[i]);
      struct http *http = http__new (&settings, NULL, &why);
      if (!http)
        fail_msg ("'%s': %s", good[i], why.detail);
      http__free (http);
    }
  for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
    {
      struct model_settings settings = test__settings ("https://example.com/v1");
      settings.key = keys[i];
      assert_null (http__new (&settings, NULL, &why));
      assert_int_equal (why.reason, REASON_CONFIG);
      assert_non_null (strstr (why.detail, "llm.key"));
    }
  /* Without a key plain http may go anywhere.  */
  struct model_settings settings = test__settings ("http://example.com/v1");
  settings.key = "";
  struct http *http = http__new (&settings, NULL, &why);
  assert_non_null (http);
  http__free (http);
}

/* Is the key in the file PATH?  */
static bool
key_is_in (const char *path)
{
  char *command = test__printf ("grep -qaF -e '%.12s' '%s'", TEST_KEY, path);
  int status = system (command);
  free (command);
  return status == 0;
}

/* Nothing is printed, and process lists don't show the key.  */
static void
nothing_is_shown (void **state)
{
  struct model_server *server = *state;
  static const char *const modes[] = { "ok.shown", "echo-key.shown", "echo-location.shown", "huge.shown", "close.shown", "nonsense.shown" };
  char *printed = test__printf ("%s/printed", server->folder);
  pid_t pid = test__fork ();
  if (pid == 0)
    {
      if (!freopen (printed, "w", stdout) || dup2 (fileno (stdout), 2) < 0)
        _exit (1);
      for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
        {
          struct http_answer answer;
          struct model_settings settings = test__settings (model_server__url (server, modes[i]));
          settings.retries = 1;
          ask (&settings, "/chat/completions", "{}", 20, false, &answer);
        }
      fflush (stdout);
      char *cmdline = test__printf ("/proc/%d/cmdline", getpid ()), *environment = test__printf ("/proc/%d/environ", getpid ());
      _exit (key_is_in (cmdline) || key_is_in (environment) ? 2 : 0);
    }
  int status;
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_int_equal (status, 0);
  struct stat info;
  assert_int_equal (stat (printed, &info), 0);
  assert_int_equal (info.st_size, 0);
  free (printed);
}

/* The caller's word against another try.  */
static bool
never_again (void *data, unsigned id, long status, const char *body, size_t length, double retry_after)
{
  unsigned *asked = data;
  assert_int_equal (id, 0);
  assert_int_equal (status, 429);
  assert_int_equal (strlen (body), length);
  assert_true (retry_after == 1);
  ++*asked;
  return false;
}

static void
asked_before_another_try (void **state)
{
  char *url = model_server__url (*state, "rate-1-1.again");
  struct model_settings settings = test__settings (url);
  struct http *http = http__new (&settings, NULL, NULL);
  struct http_answer answer;
  unsigned asked = 0;
  http__ask_again (http, never_again, &asked);
  http__begin (http, "/chat/completions", "{}", test__now () + 30, 0);
  assert_int_equal (http__wait (http, 20, &answer), 1);
  assert_int_equal (answer.end, HTTP_REFUSED);
  assert_int_equal (answer.tries, 1);
  assert_int_equal (asked, 1);
  assert_true (answer.retry_after == 1);
  free (answer.body);
  http__free (http);
  free (url);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (what_is_sent),
    cmocka_unit_test (misbehaviour),
    cmocka_unit_test (several_at_once),
    cmocka_unit_test (kept_connection),
    cmocka_unit_test (nobody_there),
    cmocka_unit_test (busy_caller),
    cmocka_unit_test (stopped),
    cmocka_unit_test (deadlines),
    cmocka_unit_test (tls),
    cmocka_unit_test (proxies),
    cmocka_unit_test (no_signals),
    cmocka_unit_test (nothing_is_inherited),
    cmocka_unit_test (base_urls),
    cmocka_unit_test (nothing_is_shown),
    cmocka_unit_test (asked_before_another_try),
  };
  return cmocka_run_group_tests (tests, model_server__set_up, model_server__tear_down);
}
