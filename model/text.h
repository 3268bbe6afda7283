/* Text from servers, before it is shown or kept: is it UTF-8, what of it fits on a line, where is the key in it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MODEL_TEXT_H
#define AIOPT_MODEL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Is TEXT[LENGTH] UTF-8 (RFC 3629: no overlong forms, no surrogates) without a zero byte?  */
bool text__is_utf8 (const char *text, size_t length);

/* Does the JSON text JSON[LENGTH] have an escaped zero (backslash u0000) in a string?  A C string would end there.  */
bool text__has_escaped_zero (const char *json, size_t length);

/* Writes FROM[LENGTH] to TO[SIZE] as one printable line, cut to fit: runs of white space become a blank, what can't be shown
   '?', and KEY (may be NULL) or a part of it of 8 bytes or more "[key]".  */
void text__line (const char *from, size_t length, const char *key, char *to, size_t size);

/* What an answer's body says of an error, in the ways that servers have of saying it: {"error":{"message","code","type"}},
   {"error":"…"}, {"message":"…"}, {"detail":"…"}.  All printable lines without KEY, "" where nothing is said.  */
struct server_error
{
  bool is_there;          /* the body has a member "error" that isn't null */
  char message[224], code[64], type[64];
};
void server_error__read (const char *body, size_t length, const char *key, struct server_error *error);

#endif
