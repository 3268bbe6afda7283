/* What the files of the chat client share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CHAT_INTERNAL_H
#define AIOPT_CHAT_INTERNAL_H

#include "model/chat.h"
#include "model/http.h"
#include "model/text.h"

/* What a body goes without, because the server said that it doesn't take it.  */
enum
{
  WITHOUT_MAX_TOKENS = 1, /* "max_completion_tokens" in its place, as newer models at OpenAI want it */
  WITHOUT_TEMPERATURE = 2,
  WITHOUT_SEED = 4
};

/* chat-body.c.  The body for QUESTION to MODEL (NULL: none is named), malloc'ed; WITHOUT is a sum of the above.  NULL where the
   question's schema isn't JSON.  */
char *body__write (const struct model_settings *settings, const char *model, const struct chat_question *question,
                   enum structured structured, unsigned without);

/* chat-answer.c.  Reads the body of REPLY, an answer with status 2xx to a body of ASKED bytes: fills ANSWER's end, why, text and tokens.
   *ERROR is what the body says of an error in place of an answer.  */
void answer__read (const struct model_settings *settings, const struct http_answer *reply, size_t asked, struct chat_answer *answer,
                   struct server_error *error);
/* The first model that the body of REPLY, the answer to GET /models, lists; malloc'ed.  NULL and *WHY.  */
char *answer__model (const struct model_settings *settings, const struct http_answer *reply, struct why *why);

/* Does ERROR, which came with STATUS, say that the quota is spent, and not that requests come too fast?  RETRY_AFTER < 0: it doesn't say
   when to come back.  */
bool error__is_quota (const struct server_error *error, long status, double retry_after);
/* Is it about the form of answers that was asked for?  */
bool error__is_of_form (const struct server_error *error);
/* Is it that the question, with room for its answer, is longer than the model can take?  */
bool error__is_of_length (const struct server_error *error);
/* What of the body it is about that the body can go without; 0: nothing.  */
unsigned error__without (const struct server_error *error);

#endif
