/* Questions to a model by the OpenAI-compatible chat-completions protocol, several at once.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MODEL_CHAT_H
#define AIOPT_MODEL_CHAT_H

#include "machine/why.h"
#include "model/account.h"
#include "model/settings.h"

#include <signal.h>

struct chat_message
{
  const char *role;       /* "system", "user", "assistant" */
  const char *content;
};

struct chat_question
{
  const struct chat_message *message;
  unsigned n_messages;
  const char *schema;     /* of the JSON object that the answer should be; NULL: any text */
  const char *schema_name;/* letters, digits, '_' */
  unsigned sample;        /* of several askings of the same question: 0, 1 …; goes along as "seed" */
};

enum chat_end
{
  CHAT_ANSWERED,
  CHAT_TRUNCATED,         /* finish_reason "length": *TEXT is what came */
  CHAT_FILTERED,          /* finish_reason "content_filter", or the model refused */
  CHAT_FAILED             /* why says how */
};

struct chat_answer
{
  unsigned id;
  enum chat_end end;
  struct why why;         /* unless answered */
  char *text;             /* the message's content, malloc'ed; NULL: none */
  uint64_t prompt_tokens, answer_tokens; /* 0: the server didn't say */
  unsigned requests;      /* that reached the server */
  double seconds;
};

/* SETTINGS, ACCOUNT and *STOP (may be NULL) outlive it.  NULL and *WHY where the settings name nobody who can be asked.  */
struct chat;
struct chat *chat__new (const struct model_settings *settings, struct account *account, const volatile sig_atomic_t *stop,
                        struct why *why);
void chat__free (struct chat *chat);

/* Begins to ask QUESTION, which is copied; the answer comes by DEADLINE (CLOCK_MONOTONIC, seconds).  What it costs is charged to
   *FUNCTION, which stays where it is, and to the account, when the answer comes.  0, or -1 and *WHY where the account says no.  */
int chat__ask (struct chat *chat, const struct chat_question *question, double deadline, struct spent *function, unsigned id,
               struct why *why);

/* As http__wait.  */
int chat__wait (struct chat *chat, double seconds, struct chat_answer *answer);
unsigned chat__pending (const struct chat *chat);

#endif
