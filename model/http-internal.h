/* What the files of the HTTP client share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_HTTP_INTERNAL_H
#define AIOPT_HTTP_INTERNAL_H

#include "model/http.h"

#include <curl/curl.h>

/* Why a try was ended from within, where libcurl would only say that a callback failed.  */
enum http_fault { FAULT_NONE, FAULT_BODY_SIZE, FAULT_HEADER_SIZE, FAULT_MEMORY };

/* One try of a request.  */
struct http_try
{
  CURL *easy;             /* NULL: none is under way */
  char error[CURL_ERROR_SIZE];
  bool sent;              /* a connection stood ready for it */
  double present;         /* seconds of it for which http__wait was there */
  double byte_at;         /* when the last byte of the body came; 0: none yet */
  enum http_fault fault;
  char *body;
  size_t length, size, headers;
};

struct http_request
{
  struct http_request *next;
  struct http *http;
  unsigned id;
  char *url, *body;
  double begun, end;      /* CLOCK_MONOTONIC; END bounds tries and pauses */
  double again_at;        /* while it pauses: when the next try begins */
  unsigned tries;         /* that were sent */
  unsigned failures;      /* tries that are to be followed by another */
  bool ended;
  struct http_answer answer; /* once ended */
  struct http_try try;
};

struct http
{
  const struct model_settings *settings;
  const volatile sig_atomic_t *stop;
  CURLM *multi;
  char *base;             /* without the last slash */
  bool loopback;          /* the host is this machine, by its name alone */
  struct curl_slist *headers;
  struct http_request *request;
  http_again *again;
  void *again_data;
  double last_seen;       /* when http__wait last looked */
  double reached;
};

/* http-target.c.  Is the settings' base URL one, and may the key go there?  Fills HTTP's base, loopback and headers.
   0, or -1 and *WHY.  */
int http__target (struct http *http, struct why *why);
/* Frees HEADERS; the key is wiped from them first.  */
void http__wipe_headers (struct curl_slist *headers);

/* http-try.c.  Begins a try of REQUEST; where even that fails it is ended.  */
void http_try__begin (struct http_request *request);
/* Ends a try: what libcurl holds for it is given back, but for its body.  */
void http_try__end (struct http_request *request);

/* http-outcome.c.  What a finished try of REQUEST means, CODE being libcurl's word: it is ended, or pauses before the next.  */
void http__outcome (struct http_request *request, CURLcode code);
/* Ends REQUEST as END with no (whole) answer; its why is set by the caller.  */
void http__end (struct http_request *request, enum http_end end);

#endif
