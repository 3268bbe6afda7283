/* The policy `llm`: what it asks, what it makes of answers, and when it ends.  The model is this test's: what is tested here is
   the loop, not the way to a server.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "model/chat.h"
#include "testsuite/policy-region.h"

#include <dirent.h>
#include <stdio.h>

enum { ANSWERS_MAX = 8, SAMPLES = 2 };

/* The model: conversation S gives ANSWER[S][0], ANSWER[S][1] … (NULL: none ever comes).  */
struct script
{
  const char *answer[SAMPLES][ANSWERS_MAX];
  double seconds;               /* until an answer comes */
  enum reason refusal;          /* of being asked at all */
  bool fails;                   /* instead of answering */
};

struct chat
{
  unsigned asked[SAMPLES], n_pending;
  unsigned pending[SAMPLES];
  double since[SAMPLES];
};

/* What the model was told last, by conversation, and the script.  */
static struct
{
  struct script script;
  char *told[SAMPLES];
  unsigned questions, most_pending;
} model;

struct chat *
chat__new (const struct model_settings *settings, struct account *account, const volatile sig_atomic_t *stop, struct why *why)
{
  (void) account;
  (void) stop;
  if (settings->base_url)
    return calloc (1, sizeof (struct chat));
  why__set (why, REASON_MODEL_DOWN, "nobody to ask");
  return NULL;
}

void
chat__free (struct chat *chat)
{
  free (chat);
}

int
chat__ask (struct chat *chat, const struct chat_question *question, double deadline, struct spent *function, unsigned id,
           struct why *why)
{
  (void) deadline;
  if (model.script.refusal != REASON_NONE)
    return why__set (why, model.script.refusal, "no");
  assert_true (id < SAMPLES && question->sample == id);
  assert_string_equal (question->message[0].role, "system");
  assert_string_equal (question->message[question->n_messages - 1].role, "user");
  assert_non_null (question->schema);
  free (model.told[id]);
  model.told[id] = strdup (question->message[question->n_messages - 1].content);
  model.questions++;
  function->requests++;
  chat->since[id] = clock__now ();
  chat->pending[chat->n_pending++] = id;
  model.most_pending = chat->n_pending > model.most_pending ? chat->n_pending : model.most_pending;
  return 0;
}

int
chat__wait (struct chat *chat, double seconds, struct chat_answer *answer)
{
  double until = clock__now () + seconds;
  do
    {
      for (unsigned i = 0; i < chat->n_pending; i++)
        {
          unsigned id = chat->pending[i];
          const char *text = model.script.answer[id][chat->asked[id]];
          if (!text || clock__now () < chat->since[id] + model.script.seconds)
            continue;
          *answer = (struct chat_answer){ .id = id, .end = CHAT_ANSWERED, .text = strdup (text) };
          if (model.script.fails)
            {
              answer->end = CHAT_FAILED;
              why__set (&answer->why, REASON_MODEL_BROKEN, "closed");
            }
          chat->asked[id]++;
          chat->pending[i] = chat->pending[--chat->n_pending];
          return 1;
        }
      if (chat->n_pending && seconds > 0)
        usleep (2000);
    }
  while (chat->n_pending && clock__now () < until);
  return 0;
}

struct fixture
{
  char *directory, *recordings;
  struct arena *arena;
  struct region *region;
  struct workshop *workshop;
  struct model_settings settings;
  struct account *account;
};

static int
fixture_new (void **state)
{
  static const char source[] = "unsigned f (unsigned x) { unsigned n = 0; while (x) { n += x & 1; x >>= 1; } return n; }\n";
  static const char *const options[] = { "-O2", NULL };
  struct fixture *fixture = calloc (1, sizeof *fixture);
  fixture->directory = directory__temporary ("aiopt-llm-test-");
  if (!fixture->directory || asprintf (&fixture->recordings, "%s/recordings", fixture->directory) < 0)
    return -1;
  fixture->arena = arena__new ();
  fixture->region = test__region (fixture->arena, fixture->directory, "f.c", source, "f", options);
  fixture->workshop = workshop__new ();
  fixture->settings = (struct model_settings){
    .base_url = "http://llm.example.org/v1", .key = "key-0123456789", .model = "big", .parallel = 1, .rounds = 6, .max_tokens = 1000,
    .replay = REPLAY_OFF, .recordings = fixture->recordings,
  };
  fixture->account = account__open (&fixture->settings, NULL, true);
  workshop__ask (fixture->workshop, &fixture->settings, fixture->account);
  memset (&model, 0, sizeof model);
  *state = fixture;
  return 0;
}

static int
fixture_free (void **state)
{
  struct fixture *fixture = *state;
  workshop__free (fixture->workshop);
  account__close (fixture->account);
  arena__free (fixture->arena);
  directory__remove (fixture->directory);
  free (fixture->directory);
  free (fixture->recordings);
  free (fixture);
  for (unsigned i = 0; i < SAMPLES; i++)
    free (model.told[i]);
  return 0;
}

#define ANSWER(CODE) "{\"candidates\":[{\"form\":\"c\",\"code\":\"" CODE "\",\"flags\":[],\"note\":\"n\"}]}"
#define RIGHT ANSWER ("unsigned f (unsigned x) { unsigned n = 0; for (; x; x &= x - 1) n++; return n; }")
#define WRONG ANSWER ("unsigned f (unsigned x) { unsigned n = 1; for (; x; x &= x - 1) n++; return n; }")
#define NOTHING "{\"candidates\":[]}"

static struct policy *
open_policy (struct fixture *fixture, const char *list, double budget)
{
  struct policy *policy;
  struct why why = { 0 };
  if (policy__open (list, fixture->region, fixture->workshop, budget, budget, &policy, &why) < 0)
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
  return policy;
}

/* Nothing more comes.  */
static void
is_at_the_end (struct policy *policy)
{
  struct candidate *candidate;
  struct why why = { 0 };
  assert_int_equal (policy__next (policy, &candidate, &why), 0);
}

/* Something comes that is no candidate, because of REASON, and the policy is told.  */
static void
no_candidate (struct policy *policy, enum reason reason)
{
  struct candidate *candidate;
  struct why why = { 0 };
  assert_int_equal (policy__next (policy, &candidate, &why), -1);
  if (why.reason != reason)
    fail_msg ("%s: %s, expected %s", reason__slug (why.reason), why.detail, reason__slug (reason));
  policy__tell (policy, &(struct feedback){ .verdict = "unknown", .why = why });
}

/* A candidate of the model's comes; freed by the caller.  */
static struct candidate *
a_candidate (struct policy *policy)
{
  struct candidate *candidate;
  struct why why = { 0 };
  if (policy__next (policy, &candidate, &why) != 1)
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
  assert_string_equal (candidate->policy, "llm");
  return candidate;
}

/* Answers that are none are complained of; what became of candidates is told; the best is offered for improvement.  */
static void
is_told_and_mends (void **state)
{
  struct fixture *fixture = *state;
  model.script = (struct script){ .answer = { { "Sure! Here it is.", ANSWER ("unsigned f (unsigned x) { return y; }"), WRONG, RIGHT, NOTHING } } };
  struct policy *policy = open_policy (fixture, "llm", 20);
  no_candidate (policy, REASON_POLICY_REPLY);
  no_candidate (policy, REASON_COMPILE);
  assert_non_null (strstr (model.told[0], "JSON object"));
  struct candidate *wrong = a_candidate (policy);
  assert_non_null (strstr (model.told[0], "undeclared"));
  policy__tell (policy, &(struct feedback){ .verdict = "refuted", .why = { REASON_RESULT, "in eax" }, .counterexample = "f (7)\n  original: 3\n  candidate: 4321" });
  struct candidate *right = a_candidate (policy);
  assert_non_null (strstr (model.told[0], "f (7)"));
  assert_non_null (strstr (model.told[0], "4321"));
  assert_non_null (strstr (right->provenance, "llm:big #"));
  policy__tell (policy, &(struct feedback){ .verdict = "unknown", .ratio = 1.5, .ratio_low = 1.4, .ratio_high = 1.6, .kept = true });
  is_at_the_end (policy);
  policy__tell_final (policy, right, &(struct feedback){ .verdict = "proved", .ratio = 1.53, .ratio_low = 1.41, .ratio_high = 1.62, .accepted = true });
  assert_true (policy__again (policy));
  is_at_the_end (policy);
  assert_non_null (strstr (model.told[0], "1.53"));
  assert_int_equal (model.questions, 5);
  assert_false (policy__again (policy));
  struct spent spent;
  policy__spent (policy, &spent);
  assert_int_equal (spent.requests, 5);
  candidate__free (wrong);
  candidate__free (right);
  policy__close (policy);
}

/* An `unknown` of the full check is told as well, and so is that another was faster.  */
static void
unknown_goes_back (void **state)
{
  struct fixture *fixture = *state;
  model.script = (struct script){ .answer = { { RIGHT, WRONG, NOTHING } } };
  struct policy *policy = open_policy (fixture, "llm", 20);
  for (unsigned i = 0; i < 2; i++)
    {
      struct candidate *candidate = a_candidate (policy);
      policy__tell (policy, &(struct feedback){ .verdict = "unknown", .ratio = 2, .ratio_low = 2, .ratio_high = 2, .kept = true });
      is_at_the_end (policy);
      if (i == 0)
        policy__tell_final (policy, candidate, &(struct feedback){ .verdict = "unknown", .why = { REASON_COVERAGE, "line 17 never ran" } });
      assert_true (policy__again (policy));
      candidate__free (candidate);
    }
  assert_non_null (strstr (model.told[0], "line 17 never ran"));
  is_at_the_end (policy);
  assert_null (strstr (model.told[0], "line 17"));
  policy__close (policy);
}

static void
conversations_at_once (void **state)
{
  struct fixture *fixture = *state;
  fixture->settings.parallel = 2;
  model.script = (struct script){ .answer = { { NOTHING }, { RIGHT, NOTHING } }, .seconds = 0.05 };
  struct policy *policy = open_policy (fixture, "llm", 20);
  assert_int_equal (model.most_pending, 2);
  candidate__free (a_candidate (policy));
  policy__tell (policy, &(struct feedback){ .verdict = "unknown", .why = { REASON_NOT_FASTER, "" }, .ratio = 0.5 });
  is_at_the_end (policy);
  assert_int_equal (model.questions, 3);
  policy__close (policy);
}

static void
rounds_end (void **state)
{
  struct fixture *fixture = *state;
  fixture->settings.rounds = 3;
  model.script = (struct script){ .answer = { { "a", "b", "c", "d", "e" } } };
  struct policy *policy = open_policy (fixture, "llm", 20);
  for (unsigned i = 0; i < 3; i++)
    no_candidate (policy, REASON_POLICY_REPLY);
  is_at_the_end (policy);
  assert_int_equal (model.questions, 3);
  assert_false (policy__again (policy));
  policy__close (policy);
}

/* No answer, no server, no allowance: each ends soon, and says why.  */
static void
ends_without_answers (void **state)
{
  struct fixture *fixture = *state;
  double begin = clock__now ();
  struct policy *policy = open_policy (fixture, "llm", 0.5);
  no_candidate (policy, REASON_POLICY_TIMEOUT);
  is_at_the_end (policy);
  policy__close (policy);
  assert_true (clock__now () - begin < 2);
  model.script = (struct script){ .refusal = REASON_MODEL_LIMIT };
  policy = open_policy (fixture, "llm", 20);
  no_candidate (policy, REASON_MODEL_LIMIT);
  is_at_the_end (policy);
  policy__close (policy);
  model.script = (struct script){ .answer = { { "x" } }, .fails = true };
  policy = open_policy (fixture, "llm", 20);
  no_candidate (policy, REASON_MODEL_BROKEN);
  is_at_the_end (policy);
  policy__close (policy);
  fixture->settings.base_url = NULL;
  policy = open_policy (fixture, "llm", 20);
  no_candidate (policy, REASON_MODEL_DOWN);
  is_at_the_end (policy);
  policy__close (policy);
}

/* Other policies don't wait for a model.  */
static void
others_go_first (void **state)
{
  struct fixture *fixture = *state;
  struct candidate *candidate;
  struct why why = { 0 };
  unsigned compiled = 0, first = 0, asked = 0;
  model.script = (struct script){ .answer = { { RIGHT, NOTHING } }, .seconds = 1 };
  struct policy *policy = open_policy (fixture, "llm,compilers", 20);
  for (int given; (given = policy__next (policy, &candidate, &why));)
    {
      policy__tell (policy, &(struct feedback){ .verdict = "unknown", .why = { REASON_NOT_FASTER, "" } });
      if (given < 0)
        compiled++;
      else
        {
          bool model_s = strcmp (candidate->policy, "llm") == 0;
          compiled += !model_s;
          asked += model_s;
          first = model_s && !first ? compiled : first;
          candidate__free (candidate);
        }
    }
  assert_true (compiled > 0 && asked == 1 && first > 0);
  policy__close (policy);
}

/* What was asked once is asked no second time, and nobody is where only recordings count; what is measured in between may differ.  */
static void
is_replayed (void **state)
{
  struct fixture *fixture = *state;
  model.script = (struct script){ .answer = { { WRONG, RIGHT, NOTHING } } };
  static const enum replay replays[] = { REPLAY_RECORD, REPLAY_RECORD, REPLAY_ONLY, REPLAY_ONLY };
  for (unsigned i = 0; i < sizeof replays / sizeof *replays; i++)
    {
      fixture->settings.replay = replays[i];
      if (i == 2)
        fixture->settings.base_url = NULL;
      if (i == 3)
        fixture->settings.model = "another";
      struct policy *policy = open_policy (fixture, "llm", 20);
      candidate__free (a_candidate (policy));
      policy__tell (policy, &(struct feedback){ .verdict = "refuted", .why = { REASON_RESULT, "" }, .counterexample = i ? "f (1)" : "f (2)" });
      struct candidate *candidate = a_candidate (policy);
      policy__tell (policy, &(struct feedback){ .verdict = "unknown", .ratio = 1.5 + i, .ratio_low = 1.4, .ratio_high = 9, .kept = true });
      is_at_the_end (policy);
      policy__tell_final (policy, candidate, &(struct feedback){ .verdict = "proved", .ratio = 1.5 + i, .ratio_low = 1.4, .ratio_high = 9, .accepted = true });
      /* What is only replayed was proposed in one go, to its end.  */
      assert_int_equal (policy__again (policy), replays[i] != REPLAY_ONLY);
      is_at_the_end (policy);
      candidate__free (candidate);
      policy__close (policy);
      assert_int_equal (model.questions, 3);
    }
  /* Another function has none.  */
  static const char *const options[] = { "-O2", NULL };
  struct region *usual = fixture->region;
  fixture->region = test__region (fixture->arena, fixture->directory, "g.c", "unsigned f (unsigned x) { return x * 5 + 1; }\n", "f", options);
  struct policy *policy = open_policy (fixture, "llm", 20);
  no_candidate (policy, REASON_MODEL_UNRECORDED);
  is_at_the_end (policy);
  policy__close (policy);
  fixture->region = usual;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (is_told_and_mends, fixture_new, fixture_free),
    cmocka_unit_test_setup_teardown (unknown_goes_back, fixture_new, fixture_free),
    cmocka_unit_test_setup_teardown (conversations_at_once, fixture_new, fixture_free),
    cmocka_unit_test_setup_teardown (rounds_end, fixture_new, fixture_free),
    cmocka_unit_test_setup_teardown (ends_without_answers, fixture_new, fixture_free),
    cmocka_unit_test_setup_teardown (others_go_first, fixture_new, fixture_free),
    cmocka_unit_test_setup_teardown (is_replayed, fixture_new, fixture_free),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
