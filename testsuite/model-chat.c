/* Questions and answers: what is sent, in which form; what becomes of each kind of answer, and what the account learns from it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/model-server.h"

#include "model/chat-internal.h"

#include <cjson/cJSON.h>

static const struct chat_message messages[] = {
  { "system", "You answer." },
  { "user", "What is \"1 + 1\"?\n\342\200\246" },
};
static const struct chat_question question = { .message = messages, .n_messages = 2 };
static const struct chat_question in_form = { .message = messages, .n_messages = 2, .schema = "{\"type\":\"object\"}",
                                              .schema_name = "proposals", .sample = 3 };

/* One chat with MODE and its account.  */
struct talk
{
  char *url;
  struct model_settings settings;
  struct account *account;
  struct chat *chat;
  struct spent spent;
};

static void
talk__begin (struct talk *talk, const struct model_server *server, const char *mode)
{
  struct why why;
  *talk = (struct talk){ .url = model_server__url (server, mode) };
  talk->settings = test__settings (talk->url);
  talk->settings.retries = 1;
  talk->settings.price_in = 1000000;
  talk->settings.price_out = 2000000;
  talk->account = account__open (&talk->settings, NULL, true);
  talk->chat = chat__new (&talk->settings, talk->account, NULL, &why);
  if (!talk->chat)
    fail_msg ("%s", why.detail);
}

static void
talk__end (struct talk *talk)
{
  chat__free (talk->chat);
  account__close (talk->account);
  free (talk->url);
}

/* Asks QUESTION; the answer's text stays.  */
static struct chat_answer
talk__ask (struct talk *talk, const struct chat_question *question)
{
  struct chat_answer answer = { 0 };
  struct why why;
  if (chat__ask (talk->chat, question, test__now () + 30, &talk->spent, 5, &why) < 0)
    fail_msg ("%s: %s: %s", talk->url, reason__slug (why.reason), why.detail);
  assert_int_equal (chat__pending (talk->chat), 1);
  assert_int_equal (chat__wait (talk->chat, 40, &answer), 1);
  assert_int_equal (answer.id, 5);
  assert_int_equal (chat__pending (talk->chat), 0);
  assert_null (strstr (answer.why.detail, "Qz7xVw93"));
  return answer;
}

/* The reason for which nothing more may be asked; REASON_NONE: it may.  */
static enum reason
talk__closed (struct talk *talk)
{
  struct why why = { 0 };
  struct spent nothing = { 0 };
  return account__may_ask (talk->account, &nothing, &why) < 0 ? why.reason : REASON_NONE;
}

/* Item PATH ("a.b") of JSON.  */
static const cJSON *
json__at (const cJSON *json, const char *path)
{
  char name[64];
  while (json && *path)
    {
      size_t length = strcspn (path, ".");
      snprintf (name, sizeof name, "%.*s", (int) length, path);
      json = cJSON_GetObjectItemCaseSensitive (json, name);
      path += length + (path[length] == '.');
    }
  return json;
}

static void
bodies (void **state)
{
  (void) state;
  struct model_settings settings = test__settings ("https://example.com/v1");
  static const struct { enum structured form; const char *there, *not_there, *type; } forms[] = {
    { STRUCTURED_JSON_SCHEMA, "response_format.json_schema.schema.type", "guided_json", "json_schema" },
    { STRUCTURED_SCHEMA, "response_format.schema.type", "response_format.json_schema", "json_object" },
    { STRUCTURED_GUIDED, "guided_json.type", "response_format", NULL },
    { STRUCTURED_JSON_OBJECT, "response_format", "response_format.schema", "json_object" },
    { STRUCTURED_NONE, "messages", "response_format", NULL },
  };
  for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++)
    {
      char *text = body__write (&settings, settings.model, &in_form, forms[i].form, 0);
      cJSON *body = cJSON_Parse (text);
      assert_non_null (json__at (body, forms[i].there));
      assert_null (json__at (body, forms[i].not_there));
      if (forms[i].type)
        assert_string_equal (json__at (body, "response_format.type")->valuestring, forms[i].type);
      assert_string_equal (json__at (body, "model")->valuestring, "test-model");
      assert_int_equal (json__at (body, "max_tokens")->valueint, 100);
      assert_int_equal (json__at (body, "seed")->valueint, 3);
      assert_null (json__at (body, "temperature"));
      assert_int_equal (cJSON_GetArraySize (json__at (body, "messages")), 2);
      assert_string_equal (json__at (cJSON_GetArrayItem (json__at (body, "messages"), 1), "content")->valuestring, messages[1].content);
      assert_string_equal (json__at (cJSON_GetArrayItem (json__at (body, "messages"), 0), "role")->valuestring, "system");
      assert_null (strstr (text, "Qz7xVw93"));
      cJSON_Delete (body);
      free (text);
    }
  settings.temperature = 0.7;
  settings.model = NULL;
  char *text = body__write (&settings, settings.model, &question, STRUCTURED_JSON_SCHEMA, 0);
  assert_non_null (strstr (text, "\"temperature\":0.7"));
  assert_null (strstr (text, "\"model\""));
  assert_null (strstr (text, "response_format"));
  free (text);
}

/* What becomes of an answer.  */
struct expectation
{
  const char *mode;
  enum chat_end end;
  enum reason reason;
  const char *words, *text; /* in the why; the text, NULL: none */
  enum reason closed;     /* why nobody may ask any more */
};

#define FAILED CHAT_FAILED, REASON_MODEL_BROKEN

static const struct expectation expectations[] = {
  { "ok", CHAT_ANSWERED, REASON_NONE, "", "hello", REASON_NONE },
  { "finish-stop", CHAT_ANSWERED, REASON_NONE, "", "half", REASON_NONE },
  { "finish-eos", CHAT_ANSWERED, REASON_NONE, "", "half", REASON_NONE },
  { "finish-null", CHAT_ANSWERED, REASON_NONE, "", "half", REASON_NONE },
  { "finish-length", CHAT_TRUNCATED, REASON_MODEL_TRUNCATED, "llm.max-tokens is 100", "half", REASON_NONE },
  { "finish-content+filter", CHAT_FILTERED, REASON_MODEL_FILTERED, "content_filter", "half", REASON_NONE },
  { "finish-tool+calls", FAILED, "tool_calls", "half", REASON_NONE },
  { "refusal", CHAT_FILTERED, REASON_MODEL_FILTERED, "I'm sorry, no", NULL, REASON_NONE },
  { "error-200", FAILED, "the model fell over", NULL, REASON_NONE },
  { "truncated", FAILED, "cut off", NULL, REASON_NONE },
  { "empty", FAILED, "0 bytes", NULL, REASON_NONE },
  { "html", FAILED, "text/html", NULL, REASON_NONE },
  { "body-utf8", FAILED, "not UTF-8", NULL, REASON_NONE },
  { "body-surrogate", FAILED, "not UTF-8", NULL, REASON_NONE },
  { "body-zero", FAILED, "zero byte", NULL, REASON_NONE },
  { "body-rawzero", FAILED, "zero byte", NULL, REASON_NONE },
  { "body-escaped", CHAT_ANSWERED, REASON_NONE, "", "a\\u0000b", REASON_NONE },
  { "body-deep", FAILED, "nested too deeply", NULL, REASON_NONE },
  { "body-array", FAILED, "no JSON object", NULL, REASON_NONE },
  { "body-nochoice", FAILED, "choices[0].message", NULL, REASON_NONE },
  { "body-nomessage", FAILED, "choices[0].message", NULL, REASON_NONE },
  { "body-parts", FAILED, "content is no string", NULL, REASON_NONE },
  { "body-null", FAILED, "content is no string", NULL, REASON_NONE },
  { "body-number", FAILED, "content is no string", NULL, REASON_NONE },
  { "body-twice", FAILED, "no JSON", NULL, REASON_NONE },
  { "redirect", FAILED, "redirect", NULL, REASON_NONE },
  { "close", FAILED, "closed", NULL, REASON_NONE },
  { "status-500", CHAT_FAILED, REASON_MODEL_REFUSED, "HTTP 500", NULL, REASON_NONE },
  { "status-400", CHAT_FAILED, REASON_MODEL_REFUSED, "HTTP 400", NULL, REASON_NONE },
  { "echo-key-400", CHAT_FAILED, REASON_MODEL_REFUSED, "[key]", NULL, REASON_NONE },
  { "echo-key-402", CHAT_FAILED, REASON_MODEL_QUOTA, "[key]", NULL, REASON_MODEL_QUOTA },
  { "status-401", CHAT_FAILED, REASON_MODEL_REFUSED, "HTTP 401", NULL, REASON_MODEL_REFUSED },
  { "status-403", CHAT_FAILED, REASON_MODEL_REFUSED, "HTTP 403", NULL, REASON_MODEL_REFUSED },
  { "status-404", CHAT_FAILED, REASON_MODEL_REFUSED, "HTTP 404", NULL, REASON_MODEL_REFUSED },
  { "status-402", CHAT_FAILED, REASON_MODEL_QUOTA, "HTTP 402", NULL, REASON_MODEL_QUOTA },
  { "quota", CHAT_FAILED, REASON_MODEL_QUOTA, "exceeded your current quota", NULL, REASON_MODEL_QUOTA },
  { "quota-words", CHAT_FAILED, REASON_MODEL_QUOTA, "HTTP 429", NULL, REASON_MODEL_QUOTA },
  { "error-200-quota", CHAT_FAILED, REASON_MODEL_QUOTA, "Insufficient credits", NULL, REASON_MODEL_QUOTA },
  /* Says when to come back: a limit on rates, whatever its words.  */
  { "quota-words-3600", CHAT_FAILED, REASON_MODEL_REFUSED, "pause of 3600 s", NULL, REASON_NONE },
  { "rate-9", CHAT_FAILED, REASON_MODEL_REFUSED, "Rate limit", NULL, REASON_NONE },
};

static void
answers (void **state)
{
  for (unsigned i = 0; i < sizeof expectations / sizeof *expectations; i++)
    {
      const struct expectation *expectation = &expectations[i];
      struct talk talk;
      char *mode = test__printf ("%s.chat", expectation->mode);
      talk__begin (&talk, *state, mode);
      struct chat_answer answer = talk__ask (&talk, &question);
      enum reason closed = talk__closed (&talk);
      if (answer.end != expectation->end || answer.why.reason != expectation->reason || !strstr (answer.why.detail, expectation->words)
          || closed != expectation->closed || (answer.text == NULL) != (expectation->text == NULL)
          || (answer.text && strcmp (answer.text, expectation->text) != 0))
        fail_msg ("%s: end %d, %s: '%s', text '%s', then %s", mode, answer.end, reason__slug (answer.why.reason), answer.why.detail,
                  answer.text ? answer.text : "(none)", reason__slug (closed));
      /* Quota and key: one request, and none after it.  */
      if (closed != REASON_NONE)
        {
          struct why why;
          assert_int_equal (answer.requests, 1);
          assert_int_equal (talk.spent.requests, 1);
          assert_int_equal (chat__ask (talk.chat, &question, test__now () + 5, &talk.spent, 1, &why), -1);
          assert_int_equal (why.reason, closed);
          assert_int_equal (chat__pending (talk.chat), 0);
        }
      free (answer.text);
      free (mode);
      talk__end (&talk);
    }
}

static void
unreachable (void **state)
{
  struct model_server *server = *state;
  char *url = test__printf ("http://127.0.0.1:%u/v1", server->hole);
  struct model_settings settings = test__settings (url);
  settings.connect_seconds = 0.4;
  struct account *account = account__open (&settings, NULL, true);
  struct chat *chat = chat__new (&settings, account, NULL, NULL);
  struct spent spent = { 0 };
  struct chat_answer answer;
  struct why why;
  /* Several at once: this process is the one that asks first, and waits for nobody.  */
  double began = test__now ();
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal (chat__ask (chat, &question, test__now () + 20, &spent, i, &why), 0);
  assert_true (test__now () - began < 0.35);
  for (unsigned i = 0; i < 4; i++)
    {
      assert_int_equal (chat__wait (chat, 20, &answer), 1);
      assert_int_equal (answer.end, CHAT_FAILED);
      assert_int_equal (answer.why.reason, REASON_MODEL_DOWN);
      assert_int_equal (answer.requests, 0);
    }
  assert_true (test__now () - began < 6);
  assert_int_equal (chat__ask (chat, &question, test__now () + 20, &spent, 9, &why), -1);
  assert_int_equal (why.reason, REASON_MODEL_DOWN);
  assert_int_equal (spent.requests, 0);
  account__spent (account, &spent);
  assert_int_equal (spent.requests, 0);
  chat__free (chat);
  account__close (account);
  free (url);
}

/* The form is found once, by going down the list, and noted for others.  */
static void
forms (void **state)
{
  static const struct { const char *mode, *text; enum structured form; unsigned requests; } cases[] = {
    { "form-json+schema.a", "json_schema", STRUCTURED_JSON_SCHEMA, 1 }, { "form-schema.a", "schema", STRUCTURED_SCHEMA, 2 },
    { "form-guided.a", "guided", STRUCTURED_GUIDED, 3 }, { "form-json+object.a", "json_object", STRUCTURED_JSON_OBJECT, 4 },
    { "form-none.a", "none", STRUCTURED_NONE, 5 }, { "form-none-vague.a", "none", STRUCTURED_NONE, 5 },
    { "form-guided-vague-422.a", "guided", STRUCTURED_GUIDED, 3 }, { "form-schema-clear-501.a", "schema", STRUCTURED_SCHEMA, 2 },
    { "form-schema-clear-500.a", "schema", STRUCTURED_SCHEMA, 2 }, /* as llama-cpp-python's server has it */
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct talk talk;
      talk__begin (&talk, *state, cases[i].mode);
      for (unsigned n = 0; n < 2; n++)
        {
          struct chat_answer answer = talk__ask (&talk, &in_form);
          if (answer.end != CHAT_ANSWERED)
            fail_msg ("%s: %s", cases[i].mode, answer.why.detail);
          assert_string_equal (answer.text, cases[i].text);
          assert_int_equal (answer.requests, n == 0 ? cases[i].requests : 1);
          free (answer.text);
        }
      assert_int_equal (account__structured (talk.account), cases[i].form);
      assert_int_equal (talk.spent.requests, cases[i].requests + 1);
      /* Another process's chat knows it.  */
      chat__free (talk.chat);
      talk.chat = chat__new (&talk.settings, talk.account, NULL, NULL);
      struct chat_answer answer = talk__ask (&talk, &in_form);
      assert_int_equal (answer.requests, 1);
      free (answer.text);
      talk__end (&talk);
    }
}

/* What isn't about the form ends as it is, and the second question isn't asked in five ways any more.  */
static void
no_form_helps (void **state)
{
  struct talk talk;
  talk__begin (&talk, *state, "status-400.form");
  struct chat_answer answer = talk__ask (&talk, &in_form);
  assert_int_equal (answer.end, CHAT_FAILED);
  assert_int_equal (answer.why.reason, REASON_MODEL_REFUSED);
  assert_int_equal (answer.requests, 5);
  answer = talk__ask (&talk, &in_form);
  assert_int_equal (answer.requests, 1);
  assert_int_equal (account__structured (talk.account), STRUCTURED_AUTO);
  talk__end (&talk);
  /* A question that is too long is so in any form.  */
  talk__begin (&talk, *state, "status-400-context+length+exceeded.form");
  answer = talk__ask (&talk, &in_form);
  assert_int_equal (answer.end, CHAT_FAILED);
  assert_int_equal (answer.requests, 1);
  talk__end (&talk);
  /* A 500 that doesn't speak of the form isn't about it: one more try, and no more.  */
  talk__begin (&talk, *state, "form-schema-vague-500.form");
  answer = talk__ask (&talk, &in_form);
  assert_int_equal (answer.end, CHAT_FAILED);
  assert_int_equal (answer.requests, 2);
  talk__end (&talk);
  /* A form that the user has set is the only one.  */
  talk__begin (&talk, *state, "form-none.set");
  talk.settings.structured = STRUCTURED_JSON_OBJECT;
  answer = talk__ask (&talk, &in_form);
  assert_int_equal (answer.end, CHAT_FAILED);
  assert_int_equal (answer.requests, 1);
  assert_non_null (strstr (answer.why.detail, "response_format"));
  talk__end (&talk);
}

static void
newer_parameters (void **state)
{
  struct talk talk;
  talk__begin (&talk, *state, "newer.a");
  talk.settings.temperature = 0.5;
  struct chat_answer answer = talk__ask (&talk, &question);
  if (answer.end != CHAT_ANSWERED)
    fail_msg ("%s", answer.why.detail);
  assert_int_equal (answer.requests, 4);
  assert_non_null (strstr (answer.text, "\"max_completion_tokens\":100"));
  free (answer.text);
  answer = talk__ask (&talk, &question);
  assert_int_equal (answer.requests, 1);
  free (answer.text);
  talk__end (&talk);
}

static void
first_model (void **state)
{
  struct talk talk;
  struct why why;
  struct chat_answer answer;
  talk__begin (&talk, *state, "echo.models");
  chat__free (talk.chat);
  talk.settings.model = "";
  talk.chat = chat__new (&talk.settings, talk.account, NULL, NULL);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal (chat__ask (talk.chat, &question, test__now () + 30, &talk.spent, i, &why), 0);
  for (unsigned i = 0; i < 3; i++)
    {
      assert_int_equal (chat__wait (talk.chat, 40, &answer), 1);
      if (answer.end != CHAT_ANSWERED)
        fail_msg ("%s", answer.why.detail);
      assert_non_null (strstr (answer.text, "\"model\":\"test-model\""));
      free (answer.text);
    }
  assert_int_equal (talk.spent.requests, 4);
  struct spent run;
  account__spent (talk.account, &run);
  assert_int_equal (run.requests, 4);
  talk__end (&talk);
  /* A server that can't say which.  */
  static const struct { const char *mode; enum reason reason, closed; } bad[] = {
    { "empty.models", REASON_MODEL_BROKEN, REASON_NONE }, { "status-401.models", REASON_MODEL_REFUSED, REASON_MODEL_REFUSED },
    { "quota.models", REASON_MODEL_QUOTA, REASON_MODEL_QUOTA },
  };
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      talk__begin (&talk, *state, bad[i].mode);
      chat__free (talk.chat);
      talk.settings.model = NULL;
      talk.chat = chat__new (&talk.settings, talk.account, NULL, NULL);
      for (unsigned n = 0; n < 2; n++)
        assert_int_equal (chat__ask (talk.chat, &question, test__now () + 30, &talk.spent, n, &why), 0);
      for (unsigned n = 0; n < 2; n++)
        {
          assert_int_equal (chat__wait (talk.chat, 40, &answer), 1);
          assert_int_equal (answer.end, CHAT_FAILED);
          assert_int_equal (answer.why.reason, bad[i].reason);
          assert_non_null (strstr (answer.why.detail, "/models"));
        }
      assert_int_equal (talk.spent.requests, 1);
      account__spent (talk.account, &run);
      assert_int_equal (run.requests, 1);
      assert_int_equal (talk__closed (&talk), bad[i].closed);
      talk__end (&talk);
    }
}

/* Tokens as the server says, unless that can't be.  */
static void
charges (void **state)
{
  struct talk talk;
  talk__begin (&talk, *state, "ok.charges");
  struct chat_answer answer = talk__ask (&talk, &question);
  free (answer.text);
  assert_int_equal (answer.prompt_tokens, 11);
  assert_int_equal (answer.answer_tokens, 7);
  assert_int_equal (talk.spent.prompt_tokens, 11);
  assert_int_equal (talk.spent.answer_tokens, 7);
  assert_true (talk.spent.money > 24.99 && talk.spent.money < 25.01);
  talk__end (&talk);
  static const char *const modes[] = { "usage-none", "usage-negative", "usage-absurd", "usage-words", "usage-fraction", "usage-number" };
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
    {
      talk__begin (&talk, *state, modes[i]);
      answer = talk__ask (&talk, &question);
      assert_int_equal (answer.end, CHAT_ANSWERED);
      assert_int_equal (answer.prompt_tokens, 0);
      assert_int_equal (answer.answer_tokens, 0);
      assert_int_equal (talk.spent.answer_tokens, 100);
      assert_true (talk.spent.prompt_tokens > 20 && talk.spent.prompt_tokens < 100);
      free (answer.text);
      talk__end (&talk);
    }
  /* Retries are requests; a limit on them ends trying.  */
  talk__begin (&talk, *state, "fail-9.charges");
  talk.settings.retries = 5;
  talk.settings.run.requests = 3;
  answer = talk__ask (&talk, &question);
  assert_int_equal (answer.end, CHAT_FAILED);
  assert_int_equal (answer.requests, 3);
  assert_int_equal (talk.spent.requests, 3);
  assert_int_equal (talk.spent.prompt_tokens, 0);
  assert_int_equal (talk__closed (&talk), REASON_MODEL_LIMIT);
  talk__end (&talk);
  /* Of a function that has several questions under way.  */
  talk__begin (&talk, *state, "later-3.charges");
  talk.settings.function.requests = 2;
  struct why why;
  struct spent other = { 0 };
  assert_int_equal (chat__ask (talk.chat, &question, test__now () + 30, &talk.spent, 0, &why), 0);
  assert_int_equal (chat__ask (talk.chat, &question, test__now () + 30, &talk.spent, 1, &why), 0);
  assert_int_equal (chat__ask (talk.chat, &question, test__now () + 30, &talk.spent, 2, &why), -1);
  assert_int_equal (why.reason, REASON_MODEL_LIMIT);
  assert_non_null (strstr (why.detail, "llm.function-requests is 2"));
  assert_int_equal (chat__ask (talk.chat, &question, test__now () + 30, &other, 3, &why), 0);
  for (unsigned i = 0; i < 3; i++)
    {
      assert_int_equal (chat__wait (talk.chat, 30, &answer), 1);
      assert_int_equal (answer.end, CHAT_ANSWERED);
      free (answer.text);
    }
  assert_int_equal (talk.spent.requests, 2);
  assert_int_equal (other.requests, 1);
  talk__end (&talk);
}

static void
several_at_once (void **state)
{
  struct talk talk;
  struct why why;
  struct chat_answer answer;
  unsigned seen = 0;
  talk__begin (&talk, *state, "hold-6.chat");
  for (unsigned i = 0; i < 6; i++)
    assert_int_equal (chat__ask (talk.chat, &in_form, test__now () + 30, &talk.spent, i, &why), 0);
  while (chat__wait (talk.chat, 30, &answer))
    {
      assert_int_equal (answer.end, CHAT_ANSWERED);
      seen |= 1u << answer.id;
      free (answer.text);
    }
  assert_int_equal (seen, 0x3f);
  talk__end (&talk);
}

/* A chat that is thrown away in the middle: what is on its way is counted.  */
static void
thrown_away (void **state)
{
  struct talk talk;
  struct why why;
  struct chat_answer answer;
  struct spent run;
  talk__begin (&talk, *state, "silent.away");
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal (chat__ask (talk.chat, &question, test__now () + 30, &talk.spent, i, &why), 0);
  assert_int_equal (chat__wait (talk.chat, 0.2, &answer), 0);
  chat__free (talk.chat);
  talk.chat = NULL;
  account__spent (talk.account, &run);
  assert_int_equal (run.requests, 2);
  assert_true (run.prompt_tokens > 40);
  talk__end (&talk);
}

/* Nobody to ask: said when the chat is made.  */
static void
nobody_to_ask (void **state)
{
  (void) state;
  struct why why = { 0 };
  struct model_settings settings = test__settings (NULL);
  struct account *account = account__open (&settings, NULL, true);
  assert_null (chat__new (&settings, account, NULL, &why));
  assert_int_equal (why.reason, REASON_CONFIG);
  account__close (account);
}

/* A schema that is none is said at once.  */
static void
bad_schema (void **state)
{
  struct talk talk;
  struct why why;
  struct chat_question bad = in_form;
  bad.schema = "{";
  talk__begin (&talk, *state, "ok.schema");
  assert_int_equal (chat__ask (talk.chat, &bad, test__now () + 30, &talk.spent, 0, &why), -1);
  assert_int_equal (chat__pending (talk.chat), 0);
  talk__end (&talk);
}

/* The mode that other tests use: answers from a folder.  */
static void
canned (void **state)
{
  struct model_server *server = *state;
  char *folder = test__printf ("%s/answers", server->folder), *named = test__printf ("%s/answers/1", server->folder);
  test__write (folder, "1.txt", "the first");
  test__write (folder, "2.json", "{\"choices\":[{\"message\":{\"content\":\"the second\"}}]}");
  test__write (folder, "3.503.json", "{\"error\":\"later\"}");
  test__write (folder, "4.txt", "the last");
  static const char *const texts[] = { "the first", "the second", "the last", "the last" };
  struct talk talk;
  talk__begin (&talk, server, "v1");
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct chat_answer answer = talk__ask (&talk, &question);
      if (answer.end != CHAT_ANSWERED)
        fail_msg ("%s", answer.why.detail);
      assert_string_equal (answer.text, texts[i]);
      free (answer.text);
    }
  /* A folder that is named in the question, by turns.  */
  assert_int_equal (mkdir (named, 0700), 0);
  test__write (named, "a.txt", "turn one");
  test__write (named, "b.txt", "turn two");
  test__write (named, "by-turn", "");
  for (unsigned i = 0; i < 2; i++)
    {
      struct chat_answer answer = talk__ask (&talk, &question);
      assert_string_equal (answer.text, "turn one");
      free (answer.text);
    }
  talk__end (&talk);
  free (folder);
  free (named);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (bodies),          cmocka_unit_test (answers),         cmocka_unit_test (unreachable),
    cmocka_unit_test (forms),           cmocka_unit_test (no_form_helps),   cmocka_unit_test (newer_parameters),
    cmocka_unit_test (first_model),     cmocka_unit_test (charges),         cmocka_unit_test (several_at_once),
    cmocka_unit_test (thrown_away),     cmocka_unit_test (nobody_to_ask),   cmocka_unit_test (bad_schema),      cmocka_unit_test (canned),
  };
  return cmocka_run_group_tests (tests, model_server__set_up, model_server__tear_down);
}
