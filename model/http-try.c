/* One try of a request: how libcurl is set up, and what it hands over.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/http-internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS_MAX = 64 << 10 }; /* bytes of an answer's headers; servers send one or two KiB */

/* libcurl's: SIZE * COUNT bytes of the body at DATA came.  */
static size_t
try__write (char *data, size_t size, size_t count, void *user)
{
  struct http_request *request = user;
  struct http_try *try = &request->try;
  size_t length = size * count;
  if (length > HTTP_ANSWER_MAX - try->length)
    {
      try->fault = FAULT_BODY_SIZE;
      return 0;
    }
  if (try->length + length + 1 > try->size)
    {
      size_t larger = 2 * (try->length + length + 1);
      if (larger > HTTP_ANSWER_MAX + 1)
        larger = HTTP_ANSWER_MAX + 1;
      char *body = realloc (try->body, larger);
      if (!body)
        {
          try->fault = FAULT_MEMORY;
          return 0;
        }
      try->body = body;
      try->size = larger;
    }
  memcpy (try->body + try->length, data, length);
  try->length += length;
  try->body[try->length] = '\0';
  try->byte_at = http__now ();
  return length;
}

/* libcurl's: a header of SIZE * COUNT bytes came.  */
static size_t
try__header (char *data, size_t size, size_t count, void *user)
{
  (void) data;
  struct http_request *request = user;
  struct http_try *try = &request->try;
  try->headers += size * count;
  if (try->headers <= HEADERS_MAX)
    return size * count;
  try->fault = FAULT_HEADER_SIZE;
  return 0;
}

/* libcurl's: a connection, with TLS where that is asked for, is ready; the request goes out next.  */
static int
try__ready (void *user, char *to_address, char *from_address, int to_port, int from_port)
{
  (void) to_address, (void) from_address, (void) to_port, (void) from_port;
  struct http_request *request = user;
  /* Once more where a connection that was kept turns out to be closed: the same try.  */
  if (!request->try.sent)
    request->tries++;
  request->try.sent = true;
  request->http->reached = http__now ();
  return CURL_PREREQFUNC_OK;
}

/* libcurl's: the socket FD was made.  Programs that are started meanwhile have no business with it.  */
static int
try__socket (void *user, curl_socket_t fd, curlsocktype purpose)
{
  (void) user, (void) purpose;
  return fcntl (fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

/* Where certificates to trust are, as the curl command looks for them.  */
static void
try__trust (CURL *easy, const struct model_settings *settings)
{
  const char *file = settings->ca_file && *settings->ca_file ? settings->ca_file : getenv ("CURL_CA_BUNDLE");
  if (!file || !*file)
    {
      file = getenv ("SSL_CERT_FILE");
      const char *folder = getenv ("SSL_CERT_DIR");
      if (folder && *folder)
        curl_easy_setopt (easy, CURLOPT_CAPATH, folder);
    }
  if (file && *file)
    curl_easy_setopt (easy, CURLOPT_CAINFO, file);
}

/* Sets EASY up for REQUEST.  Options that every libcurl of configure.ac's has can't fail but for memory, which the transfer
   would show.  */
static void
try__set_up (CURL *easy, struct http_request *request)
{
  const struct http *http = request->http;
  const struct model_settings *settings = http->settings;
  curl_easy_setopt (easy, CURLOPT_PRIVATE, request);
  curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, request->try.error);
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (easy, CURLOPT_URL, request->url);
  curl_easy_setopt (easy, CURLOPT_HTTPHEADER, http->headers);
  curl_easy_setopt (easy, CURLOPT_USERAGENT, "aiopt/" AIOPT_VERSION);
  if (request->body)
    {
      curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) strlen (request->body));
      curl_easy_setopt (easy, CURLOPT_POSTFIELDS, request->body);
    }
  /* The key goes to the base URL's host and nowhere else.  */
  curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt (easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
  curl_easy_setopt (easy, CURLOPT_HEADEROPT, (long) CURLHEADER_SEPARATE);
  curl_easy_setopt (easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
  /* A proxy's loopback is another machine's, and the key would be readable on the way there.  */
  if (http->loopback)
    curl_easy_setopt (easy, CURLOPT_NOPROXY, "*");
  /* Requests go beside each other on connections of their own: nothing is gained by HTTP/2's streams, and one thing less can
     break.  */
  curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
  curl_easy_setopt (easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, (long) (settings->connect_seconds * 1000) + 1);
  curl_easy_setopt (easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) HTTP_ANSWER_MAX);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, try__write);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, request);
  curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, try__header);
  curl_easy_setopt (easy, CURLOPT_HEADERDATA, request);
  curl_easy_setopt (easy, CURLOPT_SOCKOPTFUNCTION, try__socket);
  curl_easy_setopt (easy, CURLOPT_PREREQFUNCTION, try__ready);
  curl_easy_setopt (easy, CURLOPT_PREREQDATA, request);
#if LIBCURL_VERSION_NUM >= 0x075700
  /* A name server that doesn't answer keeps a thread of libcurl's; nobody waits for it.  */
  curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L);
#endif
  try__trust (easy, settings);
}

void
http_try__begin (struct http_request *request)
{
  struct http_try *try = &request->try;
  free (try->body);
  *try = (struct http_try){ .easy = curl_easy_init () };
  if (try->easy)
    try__set_up (try->easy, request);
  if (!try->easy || curl_multi_add_handle (request->http->multi, try->easy) != CURLM_OK)
    {
      curl_easy_cleanup (try->easy);
      try->easy = NULL;
      why__set (&request->answer.why, REASON_MODEL_BROKEN, "no memory for a request");
      http__end (request, HTTP_BROKEN);
    }
}

void
http_try__end (struct http_request *request)
{
  struct http_try *try = &request->try;
  if (!try->easy)
    return;
  curl_multi_remove_handle (request->http->multi, try->easy);
  curl_easy_cleanup (try->easy);
  try->easy = NULL;
}
