/* Questions under way: asked, asked again in another form where the server doesn't take the first, charged, answered.

   Answers are asked for in a form (a JSON schema) in one of several ways.  Which one a server takes is found by asking, once for all
   processes; what it then answers is believed no more for it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/chat-internal.h"
#include "machine/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_SECONDS 0.1     /* a connection that was made is told to other processes so soon */
#define QUOTA_SECONDS 600.0  /* a spent quota isn't asked about before; no shorter than its Retry-After */

enum { LISTING = 0 };        /* the request for the list of models; questions have numbers from 1 on */

struct enquiry
{
  struct arena *arena;       /* which it lies in */
  struct enquiry *next;
  struct chat_question question;
  unsigned id, request;      /* the caller's and http's number; REQUEST 0: it waits for the model's name */
  double begun, deadline;
  struct spent *function;
  enum structured form;
  unsigned without;
  unsigned reserved;         /* requests counted in the account, not yet charged */
  size_t asked;              /* bytes of the last body */
  bool ended;
  struct chat_answer answer;
};

struct chat
{
  const struct model_settings *settings;
  struct account *account;
  struct http *http;
  char *model;
  struct enquiry *enquiry;
  struct enquiry *lister;    /* for which the list of models is being asked; NULL: nobody */
  bool listing;
  unsigned last_request;
  unsigned without;          /* what the server was found not to take */
  bool form_is_known;        /* an answer came, or no form at all helped */
  double reached;            /* when a connection was last told to the account */
};

/* Tells the account of connections that were made: other processes may be waiting for that.  */
static void
chat__look_reached (struct chat *chat)
{
  double reached = http__reached (chat->http);
  if (reached > chat->reached)
    account__is_up (chat->account);
  chat->reached = reached;
}

/* Counts one more request for ENQUIRY, beside those for its function that are under way.  0, or -1 and *WHY.  */
static int
chat__reserve (struct chat *chat, struct enquiry *enquiry, struct why *why)
{
  struct spent ahead = *enquiry->function;
  for (const struct enquiry *other = chat->enquiry; other; other = other->next)
    if (other->function == enquiry->function)
      ahead.requests += other->reserved;
  if (account__reserve (chat->account, &ahead, enquiry->deadline - http__now (), why) < 0)
    return -1;
  enquiry->reserved++;
  return 0;
}

/* The enquiry that http's number REQUEST is for; NULL: none any more.  */
static struct enquiry *
chat__find (struct chat *chat, unsigned request)
{
  if (request == LISTING)
    return chat->lister;
  struct enquiry *enquiry = chat->enquiry;
  while (enquiry && enquiry->request != request)
    enquiry = enquiry->next;
  return enquiry;
}

/* May ENQUIRY's question, which the server refused with ERROR and STATUS, be asked in another way?  Then without *WITHOUT; 0: in the next
   form.  */
static bool
chat__other_way (const struct chat *chat, const struct enquiry *enquiry, long status, const struct server_error *error, unsigned *without)
{
  bool is_first = !chat->form_is_known && account__structured (chat->account) == STRUCTURED_AUTO;
  bool is_probe = chat->settings->structured == STRUCTURED_AUTO && enquiry->question.schema && enquiry->form != STRUCTURED_NONE;
  *without = 0;
  /* llama-cpp-python's server says 500 of a form that it doesn't know.  Anything else may be behind a 500 that doesn't say so.  */
  if (status == 500)
    return is_probe && error__is_of_form (error);
  if ((status != 400 && status != 422 && status != 501) || error__is_of_length (error))
    return false;
  *without = error__without (error) & ~enquiry->without;
  return *without || (is_probe && (error__is_of_form (error) || (is_first && status != 501)));
}

/* http's question whether there is use in another try: not where the quota is spent, a limit reached, or the question has to be asked in
   another way.  */
static bool
chat__again (void *data, unsigned id, long status, const char *body, size_t length, double retry_after)
{
  struct chat *chat = data;
  struct enquiry *enquiry = chat__find (chat, id);
  struct server_error error;
  unsigned without;
  chat__look_reached (chat);
  server_error__read (body, length, chat->settings->key, &error);
  if (!enquiry || error__is_quota (&error, status, retry_after))
    return false;
  if (id != LISTING && chat__other_way (chat, enquiry, status, &error, &without))
    return false;
  return chat__reserve (chat, enquiry, NULL) == 0;
}

struct chat *
chat__new (const struct model_settings *settings, struct account *account, const volatile sig_atomic_t *stop, struct why *why)
{
  struct http *http = http__new (settings, stop, why);
  if (!http)
    return NULL;
  struct chat *chat = calloc (1, sizeof *chat);
  if (!chat)
    abort ();
  chat->settings = settings;
  chat->account = account;
  chat->http = http;
  if (settings->model && *settings->model && !(chat->model = strdup (settings->model)))
    abort ();
  http__ask_again (http, chat__again, chat);
  return chat;
}

void
chat__free (struct chat *chat)
{
  if (!chat)
    return;
  while (chat->enquiry)
    {
      struct enquiry *enquiry = chat->enquiry;
      chat->enquiry = enquiry->next;
      /* It is on its way, and will be paid for.  */
      if (enquiry->reserved)
        account__charge (chat->account, NULL, enquiry->reserved, enquiry->asked / 4, 0, http__now () - enquiry->begun);
      free (enquiry->answer.text);
      arena__free (enquiry->arena);
    }
  http__free (chat->http);
  free (chat->model);
  free (chat);
}

/* Ends ENQUIRY, whose answer is filled in but for the numbers.  */
static void
enquiry__end (struct enquiry *enquiry)
{
  enquiry->ended = true;
  enquiry->request = LISTING;
  enquiry->answer.id = enquiry->id;
  enquiry->answer.seconds = http__now () - enquiry->begun;
}

/* Ends ENQUIRY without an answer, for WHY.  */
static void
enquiry__fail (struct enquiry *enquiry, const struct why *why)
{
  enquiry->answer.end = CHAT_FAILED;
  enquiry->answer.why = *why;
  enquiry__end (enquiry);
}

/* Sends ENQUIRY's question in its form; a request for it has been reserved.  */
static void
chat__send (struct chat *chat, struct enquiry *enquiry)
{
  char *body = body__write (chat->settings, chat->model, &enquiry->question, enquiry->form, enquiry->without);
  enquiry->asked = strlen (body);
  enquiry->request = ++chat->last_request;
  http__begin (chat->http, "/chat/completions", body, enquiry->deadline, enquiry->request);
  free (body);
}

/* The form in which QUESTION is asked first.  */
static enum structured
chat__form (const struct chat *chat, const struct chat_question *question)
{
  if (!question->schema)
    return STRUCTURED_NONE;
  if (chat->settings->structured != STRUCTURED_AUTO)
    return chat->settings->structured;
  enum structured known = account__structured (chat->account);
  return known != STRUCTURED_AUTO ? known : STRUCTURED_JSON_SCHEMA;
}

/* A copy of QUESTION that lives as long as ARENA.  */
static struct chat_question
question__copy (const struct chat_question *question, struct arena *arena)
{
  struct chat_question copy = *question;
  struct chat_message *message = ARENA_ARRAY (arena, struct chat_message, question->n_messages);
  for (unsigned i = 0; i < question->n_messages; i++)
    message[i] = (struct chat_message){ .role = arena__strdup (arena, question->message[i].role),
                                        .content = arena__strdup (arena, question->message[i].content) };
  copy.message = message;
  copy.schema = arena__strdup (arena, question->schema);
  copy.schema_name = arena__strdup (arena, question->schema_name);
  return copy;
}

int
chat__ask (struct chat *chat, const struct chat_question *question, double deadline, struct spent *function, unsigned id,
           struct why *why)
{
  char *body = body__write (chat->settings, chat->model, question, STRUCTURED_NONE, 0);
  if (!body)
    return why__set (why, REASON_MODEL_BROKEN, "the schema for the answer isn't JSON");
  free (body);
  struct arena *arena = arena__new ();
  struct enquiry *enquiry = ARENA_NEW (arena, struct enquiry), **last = &chat->enquiry;
  *enquiry = (struct enquiry){ .arena = arena, .id = id, .begun = http__now (), .deadline = deadline, .function = function,
                               .without = chat->without };
  if (chat__reserve (chat, enquiry, why) < 0)
    {
      arena__free (arena);
      return -1;
    }
  enquiry->question = question__copy (question, arena);
  enquiry->form = chat__form (chat, question);
  while (*last)
    last = &(*last)->next;
  *last = enquiry;
  if (chat->model)
    chat__send (chat, enquiry);
  else if (!chat->listing)
    {
      chat->listing = true;
      chat->lister = enquiry;
      http__begin (chat->http, "/models", NULL, deadline, LISTING);
    }
  return 0;
}

/* Charges what REPLY cost to ENQUIRY's function and to the account: ANSWER's tokens, where the server said how many, else a quarter of the
   bytes of what was sent and came.  A refusal costs a request.  */
static void
chat__charge (struct chat *chat, struct enquiry *enquiry, const struct http_answer *reply, const struct chat_answer *answer)
{
  uint64_t prompt = answer->prompt_tokens, answered = answer->answer_tokens;
  if (prompt == 0 && reply->tries > 0 && reply->end != HTTP_REFUSED)
    prompt = enquiry->asked / 4;
  if (answered == 0 && answer->text)
    answered = strlen (answer->text) / 4;
  account__charge (chat->account, enquiry->function, reply->tries, prompt, answered, reply->seconds);
  if (enquiry->reserved > reply->tries)
    account__release (chat->account, enquiry->reserved - reply->tries);
  enquiry->reserved = 0;
  enquiry->answer.requests += reply->tries;
}

/* Tells the account what REPLY, which is no answer, says of the server as a whole; *WHY is put in better words for it.  */
static void
chat__learn (struct chat *chat, const struct http_answer *reply, const struct server_error *error, struct why *why)
{
  if (reply->end == HTTP_UNREACHABLE)
    account__is_down (chat->account);
  else if (error__is_quota (error, reply->status, reply->retry_after))
    {
      account__is_spent (chat->account, fmax (QUOTA_SECONDS, reply->retry_after));
      why__set (why, REASON_MODEL_QUOTA, "HTTP %ld: %s", reply->status, error->message[0] ? error->message : error->code);
    }
  else if (reply->end == HTTP_REFUSED && (reply->status == 401 || reply->status == 403 || reply->status == 404))
    account__is_refused (chat->account, reply->status);
}

/* The server refused ENQUIRY's question with ERROR and STATUS: asks it in another way, if there is one and that may be why.  */
static bool
chat__ask_otherwise (struct chat *chat, struct enquiry *enquiry, long status, const struct server_error *error)
{
  unsigned without;
  if (!chat__other_way (chat, enquiry, status, error, &without))
    {
      /* Even without any form: whatever it is, the next question needs not go all the way again.  */
      if (enquiry->form == STRUCTURED_NONE && (status == 400 || status == 422 || status == 501))
        chat->form_is_known = true;
      return false;
    }
  if (without)
    enquiry->without |= without;
  else
    enquiry->form++;
  if (chat__reserve (chat, enquiry, NULL) < 0)
    return false;
  chat->without |= enquiry->without;
  chat__send (chat, enquiry);
  return true;
}

/* REPLY is what came of ENQUIRY's question.  */
static void
chat__answered (struct chat *chat, struct enquiry *enquiry, const struct http_answer *reply)
{
  struct chat_answer *answer = &enquiry->answer;
  struct server_error error = { 0 };
  if (reply->end == HTTP_ANSWERED)
    answer__read (chat->settings, reply, enquiry->asked, answer, &error);
  else
    {
      answer->end = CHAT_FAILED;
      answer->why = reply->why;
      server_error__read (reply->body, reply->length, chat->settings->key, &error);
    }
  chat__charge (chat, enquiry, reply, answer);
  if (reply->end == HTTP_REFUSED && chat__ask_otherwise (chat, enquiry, reply->status, &error))
    return;
  if (reply->end != HTTP_ANSWERED || error.is_there)
    chat__learn (chat, reply, &error, &answer->why);
  else if (enquiry->question.schema && chat->settings->structured == STRUCTURED_AUTO)
    {
      chat->form_is_known = true;
      account__note_structured (chat->account, enquiry->form);
    }
  enquiry__end (enquiry);
}

/* REPLY is the list of models: the questions that waited for it are asked.  */
static void
chat__listed (struct chat *chat, const struct http_answer *reply)
{
  struct why why = reply->why;
  struct chat_answer none = { 0 };
  struct server_error error = { 0 };
  struct enquiry *lister = chat->lister;
  chat->listing = false;
  chat->lister = NULL;
  if (reply->end == HTTP_ANSWERED)
    chat->model = answer__model (chat->settings, reply, &why);
  else
    {
      char words[sizeof why.detail];
      server_error__read (reply->body, reply->length, chat->settings->key, &error);
      chat__learn (chat, reply, &error, &why);
      memcpy (words, why.detail, sizeof words);
      why__set (&why, why.reason, "GET /models: %s", words);
    }
  if (lister)
    {
      /* Its request was spent on the list: one more for the question.  */
      chat__charge (chat, lister, reply, &none);
      struct why limit;
      if (chat->model && chat__reserve (chat, lister, &limit) < 0)
        enquiry__fail (lister, &limit);
    }
  for (struct enquiry *enquiry = chat->enquiry; enquiry; enquiry = enquiry->next)
    if (!enquiry->ended && enquiry->request == LISTING)
      {
        if (chat->model)
          {
            chat__send (chat, enquiry);
            continue;
          }
        account__release (chat->account, enquiry->reserved);
        enquiry->reserved = 0;
        enquiry__fail (enquiry, &why);
      }
}

/* Ends those of CHAT's questions that still wait for the list of models when their time is over.  */
static void
chat__look_deadlines (struct chat *chat)
{
  double now = http__now ();
  struct why why;
  for (struct enquiry *enquiry = chat->enquiry; enquiry; enquiry = enquiry->next)
    if (!enquiry->ended && enquiry->request == LISTING && enquiry != chat->lister && now >= enquiry->deadline)
      {
        why__set (&why, REASON_MODEL_BROKEN, "no list of models within %.1f s", enquiry->deadline - enquiry->begun);
        account__release (chat->account, enquiry->reserved);
        enquiry->reserved = 0;
        enquiry__fail (enquiry, &why);
      }
}

/* Takes an ended question out of CHAT: 1 and its *ANSWER; 0 where there is none.  */
static int
chat__take (struct chat *chat, struct chat_answer *answer)
{
  for (struct enquiry **at = &chat->enquiry; *at; at = &(*at)->next)
    if ((*at)->ended)
      {
        struct enquiry *enquiry = *at;
        *at = enquiry->next;
        *answer = enquiry->answer;
        arena__free (enquiry->arena);
        return 1;
      }
  return 0;
}

int
chat__wait (struct chat *chat, double seconds, struct chat_answer *answer)
{
  double until = http__now () + fmax (0, seconds);
  while (chat->enquiry)
    {
      if (chat__take (chat, answer))
        return 1;
      struct http_answer reply;
      double left = until - http__now ();
      int came = http__wait (chat->http, fmin (LOOK_SECONDS, fmax (0, left)), &reply);
      chat__look_reached (chat);
      struct enquiry *enquiry = came ? chat__find (chat, reply.id) : NULL;
      if (came && reply.id == LISTING)
        chat__listed (chat, &reply);
      else if (enquiry)
        chat__answered (chat, enquiry, &reply);
      if (came)
        free (reply.body);
      chat__look_deadlines (chat);
      if (chat__take (chat, answer))
        return 1;
      if (http__now () >= until)
        return 0;
    }
  return 0;
}

unsigned
chat__pending (const struct chat *chat)
{
  unsigned n = 0;
  for (const struct enquiry *enquiry = chat->enquiry; enquiry; enquiry = enquiry->next)
    n++;
  return n;
}
