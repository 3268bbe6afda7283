/* The policy `llm`: a model proposes, in one or more conversations about the function.

   A conversation is question and answer in turns.  An answer holds some proposals; when it is known what became of all of them, the
   next question says so: a refusal with its counterexample, an `unknown` with what blocked it, a measured ratio.  Answers
   come from recordings where there are any, else from a server (model/).  Nothing that is said here counts as evidence.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/llm.h"

#include "model/chat.h"
#include "model/recording.h"
#include "policy/internal.h"
#include "policy/llm-text.h"
#include "policy/workshop.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONVERSATIONS_MAX = 16, PROBLEMS_MAX = 16, FIRST_MESSAGES = 2, FLAGS_MAX = 32 };

#define COMPILE_SECONDS_MAX 30.0
#define WAIT_SECONDS 0.1 /* at once, so that a signal is seen */

enum proposal_state
{
  PROPOSAL_NEW,   /* not asked for yet */
  PROPOSAL_OUT,   /* given as a candidate; nothing is known of it */
  PROPOSAL_KEPT,  /* nothing speaks against it; the full check has not been */
  PROPOSAL_SETTLED
};

struct proposal
{
  struct llm_proposal is;
  enum proposal_state state;
  unsigned number;
  char *fate;     /* what the model is told of it, when settled */
};

struct conversation
{
  unsigned sample;
  struct chat_message *message; /* FIRST_MESSAGES, then answers and questions in turns; contents malloc'ed */
  unsigned n_messages, messages_size;
  char **answer;                /* contents of the answers among them */
  unsigned n_answers;
  unsigned rounds;              /* questions asked */
  bool asking, ended;
  char *complaint;              /* about the last answer as a whole; malloc'ed or NULL */
  struct proposal proposal[LLM_PROPOSALS_MAX];
  unsigned n_proposals;
  struct recording_key key;     /* of the question that is asked */
};

struct llm
{
  const struct region *region;
  struct workshop *workshop;
  const struct model_settings *settings;
  double deadline;
  struct chat *chat;            /* NULL: nobody can be asked */
  struct why no_chat;           /* … because */
  struct llm_names *names;
  char *about;
  struct spent spent;
  unsigned numbers;             /* proposals given out */
  struct conversation *out;     /* of the last one given out, and which */
  unsigned out_proposal;
  struct why problem[PROBLEMS_MAX]; /* to be told by next */
  unsigned n_problems;
  unsigned n;
  struct conversation conversation[CONVERSATIONS_MAX];
};

/* Notes WHY, for next to tell.  */
static void
llm__problem (struct llm *llm, const struct why *why)
{
  if (llm->n_problems < PROBLEMS_MAX)
    llm->problem[llm->n_problems++] = *why;
}

/* Adds a message; CONTENT is the conversation's from now on.  */
static void
conversation__add (struct conversation *conversation, const char *role, char *content)
{
  if (conversation->n_messages == conversation->messages_size)
    {
      conversation->messages_size = conversation->messages_size ? 2 * conversation->messages_size : 8;
      conversation->message
        = realloc (conversation->message, conversation->messages_size * sizeof *conversation->message);
      if (!conversation->message)
        abort ();
    }
  if (!content)
    abort ();
  conversation->message[conversation->n_messages++] = (struct chat_message){ .role = role, .content = content };
}

/* Forgets the proposals of the last answer.  */
static void
conversation__clear (struct conversation *conversation)
{
  for (unsigned i = 0; i < conversation->n_proposals; i++)
    {
      llm_proposal__free (&conversation->proposal[i].is);
      free (conversation->proposal[i].fate);
    }
  memset (conversation->proposal, 0, sizeof conversation->proposal);
  conversation->n_proposals = 0;
  free (conversation->complaint);
  conversation->complaint = NULL;
}

/* The next question, from what became of the last answer's proposals; malloc'ed.  */
static char *
conversation__question (const struct conversation *conversation)
{
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream (&text, &size);
  if (!out)
    abort ();
  if (conversation->complaint)
    fprintf (out, "%s\n", conversation->complaint);
  for (unsigned i = 0; i < conversation->n_proposals; i++)
    {
      const struct proposal *proposal = &conversation->proposal[i];
      if (conversation->n_proposals > 1)
        fprintf (out, "Candidate %u: ", i + 1);
      fprintf (out, "%s\n", proposal->fate ? proposal->fate : "Nothing came of it.");
    }
  fputs ("Answer with the JSON object: complete candidates, mended or faster, not changes to earlier ones; an empty list means that "
         "you have no better one.",
         out);
  if (fclose (out) != 0)
    abort ();
  return text;
}

/* Takes the ANSWER, cleaned and the conversation's from now on, that ended in END.  */
static void
conversation__take (struct llm *llm, struct conversation *conversation, char *answer, enum chat_end end)
{
  struct llm_proposal proposal[LLM_PROPOSALS_MAX];
  struct why why = { 0 };
  unsigned n = 0;
  conversation->asking = false;
  conversation__add (conversation, "assistant", answer);
  conversation->answer = realloc (conversation->answer, (conversation->n_answers + 1) * sizeof *conversation->answer);
  if (!conversation->answer)
    abort ();
  conversation->answer[conversation->n_answers++] = answer;
  if (end == CHAT_FILTERED)
    {
      why__set (&why, REASON_MODEL_FILTERED, "%s", llm->settings->model ? llm->settings->model : "");
      conversation->ended = true;
      llm__problem (llm, &why);
      return;
    }
  if (end == CHAT_TRUNCATED)
    {
      why__set (&why, REASON_MODEL_TRUNCATED, "llm.max-tokens is %u", llm->settings->max_tokens);
      conversation->complaint = strdup ("Your answer was cut off: it was too long. Give one candidate, and no explanation.");
    }
  else if (llm_reply__parse (answer, proposal, &n, &why) < 0)
    {
      if (asprintf (&conversation->complaint,
                    "Your answer is not what was asked for: %s. Give one JSON object and nothing else.", why.detail)
          < 0)
        abort ();
    }
  else if (n == 0)
    conversation->ended = true;
  if (why.reason != REASON_NONE)
    llm__problem (llm, &why);
  conversation->n_proposals = n;
  for (unsigned i = 0; i < n; i++)
    conversation->proposal[i] = (struct proposal){ .is = proposal[i] };
}

/* Is it CONVERSATION's turn to ask?  What is only replayed doesn't depend on what became of earlier proposals: all of it is proposed
   at once, so that the fastest are checked first.  */
static bool
conversation__may_ask (const struct llm *llm, const struct conversation *conversation)
{
  if (conversation->ended || conversation->asking || conversation->rounds >= llm->settings->rounds)
    return false;
  for (unsigned i = 0; i < conversation->n_proposals; i++)
    {
      enum proposal_state state = conversation->proposal[i].state;
      if (state != PROPOSAL_SETTLED && (state != PROPOSAL_KEPT || llm->settings->replay != REPLAY_ONLY))
        return false;
    }
  return true;
}

/* Asks CONVERSATION's next question, of a recording or a server.  What can't be asked ends it.  */
static void
conversation__ask (struct llm *llm, struct conversation *conversation)
{
  const struct model_settings *settings = llm->settings;
  struct why why = { 0 };
  char *text = NULL;
  enum chat_end end;
  if (conversation->rounds++)
    {
      conversation__add (conversation, "user", conversation__question (conversation));
      conversation__clear (conversation);
    }
  recording__key (settings->model, conversation->message, FIRST_MESSAGES, llm->about, conversation->sample,
                  conversation->answer, conversation->n_answers, &conversation->key);
  if (settings->replay != REPLAY_OFF && settings->recordings
      && recording__find (settings->recordings, &conversation->key, settings->replay == REPLAY_ONLY, &text, &end))
    {
      conversation__take (llm, conversation, text, end);
      return;
    }
  const struct chat_question question = {
    .message = conversation->message,
    .n_messages = conversation->n_messages,
    .schema = llm__schema (),
    .schema_name = "candidates",
    .sample = conversation->sample,
  };
  if (settings->replay == REPLAY_ONLY)
    why__set (&why, REASON_MODEL_UNRECORDED, "answer %u in %.200s", conversation->rounds,
              settings->recordings ? settings->recordings : "");
  else if (!llm->chat)
    why = llm->no_chat;
  else if (chat__ask (llm->chat, &question, llm->deadline, &llm->spent, conversation->sample, &why) == 0)
    {
      conversation->asking = true;
      return;
    }
  conversation->ended = true;
  /* A recording may end, and hold fewer conversations than would be had.  */
  if (settings->replay != REPLAY_ONLY || (conversation->sample == 0 && conversation->rounds == 1))
    llm__problem (llm, &why);
}

/* Takes an answer that came.  */
static void
llm__answered (struct llm *llm, struct chat_answer *answer)
{
  struct conversation *conversation = &llm->conversation[answer->id];
  if (answer->end == CHAT_FAILED)
    {
      conversation->asking = false;
      conversation->ended = true;
      llm__problem (llm, &answer->why);
      free (answer->text);
      return;
    }
  char *text = recording__clean (llm->settings, answer->text ? answer->text : "");
  free (answer->text);
  answer->text = text;
  struct why why = { 0 };
  if (llm->settings->replay == REPLAY_RECORD && llm->settings->recordings
      && recording__keep (llm->settings->recordings, &conversation->key,
                          llm->region->source_name ? llm->region->source_name : llm->region->function, conversation->rounds,
                          llm->settings, conversation->message, conversation->n_messages, answer, &why)
           < 0)
    llm__problem (llm, &why);
  conversation__take (llm, conversation, text, answer->end);
}

/* Asks what can be asked, and takes what has been answered within SECONDS.  */
static void
llm__go_on (struct llm *llm, double seconds)
{
  struct chat_answer answer;
  if (clock__now () >= llm->deadline)
    return;
  for (unsigned i = 0; i < llm->n; i++)
    while (conversation__may_ask (llm, &llm->conversation[i]))
      conversation__ask (llm, &llm->conversation[i]);
  while (llm->chat && chat__wait (llm->chat, seconds, &answer))
    {
      llm__answered (llm, &answer);
      seconds = 0;
    }
}

/* The next proposal that nobody has been given: its conversation and *WHICH; or NULL.  */
static struct conversation *
llm__proposed (struct llm *llm, unsigned *which)
{
  for (unsigned i = 0; i < llm->n; i++)
    for (*which = 0; *which < llm->conversation[i].n_proposals; ++*which)
      if (llm->conversation[i].proposal[*which].state == PROPOSAL_NEW)
        return &llm->conversation[i];
  return NULL;
}

/* Does anybody owe an answer?  */
static bool
llm__is_waiting (const struct llm *llm)
{
  for (unsigned i = 0; i < llm->n; i++)
    if (llm->conversation[i].asking)
      return true;
  return false;
}

/* Makes a candidate of proposal WHICH of CONVERSATION.  */
static int
llm__give (struct llm *llm, struct conversation *conversation, unsigned which, struct candidate **candidate, struct why *why)
{
  struct proposal *proposal = &conversation->proposal[which];
  const char *model = llm->settings->model && *llm->settings->model ? llm->settings->model : "the server's";
  char provenance[320], *flag[FLAGS_MAX];
  unsigned n_flags = proposal->is.n_flags < FLAGS_MAX ? proposal->is.n_flags : FLAGS_MAX;
  proposal->state = PROPOSAL_OUT;
  proposal->number = ++llm->numbers;
  llm->out = conversation;
  llm->out_proposal = which;
  snprintf (provenance, sizeof provenance, "llm:%.80s #%u (answer %u%s)%s%.160s", model, proposal->number, conversation->rounds,
            conversation->rounds > 1 ? ", mended" : "", proposal->is.note ? ": " : "", proposal->is.note ? proposal->is.note : "");
  text__clean (provenance);
  for (unsigned i = 0; i < n_flags; i++)
    flag[i] = proposal->is.flag[i];
  char *code = llm_names__inward (llm->names, proposal->is.code);
  double left = llm->deadline - clock__now () + 0.5;
  int status = candidate__make (llm->region, proposal->is.form, code, strlen (code), NULL, (const char *const *) flag, n_flags,
                                left < COMPILE_SECONDS_MAX ? left : COMPILE_SECONDS_MAX, workshop__stop (llm->workshop), "llm",
                                provenance, candidate, why);
  free (code);
  if (status < 0)
    return -1;
  (*candidate)->number = proposal->number;
  return 1;
}

static int
llm__next (void *self, struct candidate **candidate, struct why *why)
{
  struct llm *llm = self;
  const volatile sig_atomic_t *stop = workshop__stop (llm->workshop);
  for (double seconds = 0;; seconds = WAIT_SECONDS)
    {
      unsigned which;
      struct conversation *conversation;
      llm->out = NULL;
      llm__go_on (llm, seconds);
      if (llm->n_problems)
        {
          *why = llm->problem[0];
          memmove (llm->problem, llm->problem + 1, --llm->n_problems * sizeof *llm->problem);
          return -1;
        }
      if ((conversation = llm__proposed (llm, &which)))
        return llm__give (llm, conversation, which, candidate, why);
      if (!llm__is_waiting (llm) || (stop && *stop))
        return 0;
      if (clock__now () >= llm->deadline)
        {
          for (unsigned i = 0; i < llm->n; i++)
            llm->conversation[i].ended = true, llm->conversation[i].asking = false;
          return why__set (why, REASON_POLICY_TIMEOUT, "llm: no answer before the time for proposals was spent");
        }
    }
}

static bool
llm__waits (void *self)
{
  struct llm *llm = self;
  unsigned which;
  llm__go_on (llm, 0);
  return !llm->n_problems && !llm__proposed (llm, &which) && llm__is_waiting (llm);
}

/* Settles PROPOSAL: FEEDBACK is what became of it.  */
static void
llm__settle (struct llm *llm, struct proposal *proposal, const struct feedback *feedback)
{
  proposal->state = PROPOSAL_SETTLED;
  free (proposal->fate);
  proposal->fate = llm__tell (llm->region, llm->names, feedback, feedback->accepted);
}

static void
llm__told (void *self, const struct feedback *feedback)
{
  struct llm *llm = self;
  if (!llm->out)
    return;
  struct proposal *proposal = &llm->out->proposal[llm->out_proposal];
  llm->out = NULL;
  if (feedback->kept)
    proposal->state = PROPOSAL_KEPT;
  else
    llm__settle (llm, proposal, feedback);
}

static void
llm__tell_final (void *self, unsigned number, const struct feedback *feedback)
{
  struct llm *llm = self;
  for (unsigned i = 0; i < llm->n; i++)
    for (unsigned k = 0; k < llm->conversation[i].n_proposals; k++)
      {
        struct proposal *proposal = &llm->conversation[i].proposal[k];
        if (proposal->state == PROPOSAL_KEPT && proposal->number == number)
          llm__settle (llm, proposal, feedback);
      }
}

static bool
llm__goes_on (const void *self)
{
  const struct llm *llm = self;
  if (clock__now () >= llm->deadline)
    return false;
  for (unsigned i = 0; i < llm->n; i++)
    {
      const struct conversation *conversation = &llm->conversation[i];
      if (conversation->asking || conversation__may_ask (llm, conversation))
        return true;
      for (unsigned k = 0; k < conversation->n_proposals; k++)
        if (conversation->proposal[k].state != PROPOSAL_SETTLED)
          return true;
    }
  return false;
}

static bool
llm__again (void *self)
{
  struct llm *llm = self;
  static const struct feedback passed_over = { .verdict = "unknown", .why = { .reason = REASON_NOT_FASTER } };
  for (unsigned i = 0; i < llm->n; i++)
    for (unsigned k = 0; k < llm->conversation[i].n_proposals; k++)
      if (llm->conversation[i].proposal[k].state == PROPOSAL_KEPT)
        llm__settle (llm, &llm->conversation[i].proposal[k], &passed_over);
  return llm__goes_on (llm);
}

static void
llm__spent (const void *self, struct spent *spent)
{
  *spent = ((const struct llm *) self)->spent;
}

static int
llm__left (const void *self)
{
  (void) self;
  return -1;
}

static void
llm__close (void *self)
{
  struct llm *llm = self;
  chat__free (llm->chat);
  for (unsigned i = 0; i < llm->n; i++)
    {
      struct conversation *conversation = &llm->conversation[i];
      conversation__clear (conversation);
      for (unsigned k = 0; k < conversation->n_messages; k++)
        free ((char *) conversation->message[k].content);
      free (conversation->message);
      free (conversation->answer);
    }
  llm_names__free (llm->names);
  free (llm->about);
  free (llm);
}

/* What REGION's function is, on any machine: its source without space, else its code.  Malloc'ed.  */
static char *
region__about (const struct region *region)
{
  struct why why;
  struct code *code;
  char *text = llm__source (region, &why);
  if (!text)
    return strdup (region__code (region, &code, &why) == 0 ? code__canonical (code) : region->text ? region->text : "");
  char *to = text;
  for (const char *at = text; *at; at++)
    if (!isspace ((unsigned char) *at))
      *to++ = *at;
  *to = 0;
  return text;
}

static const struct proposer_ops llm_ops = {
  .next = llm__next,
  .tell = llm__told,
  .left = llm__left,
  .close = llm__close,
  .waits = llm__waits,
  .tell_final = llm__tell_final,
  .again = llm__again,
  .goes_on = llm__goes_on,
  .spent = llm__spent,
};

int
llm__open (const struct region *region, struct workshop *workshop, double deadline, struct proposer *proposer, struct why *why)
{
  const struct model_settings *settings = workshop__settings (workshop);
  struct account *account = workshop__account (workshop);
  if (!settings || !account)
    return why__set (why, REASON_MODEL_DOWN, "no model is configured");
  struct llm *llm = calloc (1, sizeof *llm);
  if (!llm)
    abort ();
  *llm = (struct llm){ .region = region, .workshop = workshop, .settings = settings, .deadline = deadline };
  if (settings->replay != REPLAY_ONLY)
    llm->chat = chat__new (settings, account, workshop__stop (workshop), &llm->no_chat);
  llm->names = llm_names__new (region, settings->redact);
  llm->about = region__about (region);
  llm->n = settings->parallel < CONVERSATIONS_MAX ? settings->parallel : CONVERSATIONS_MAX;
  char *task = llm__task (region, llm->names);
  for (unsigned i = 0; i < llm->n; i++)
    {
      llm->conversation[i].sample = i;
      conversation__add (&llm->conversation[i], "system", strdup (llm__system ()));
      conversation__add (&llm->conversation[i], "user", strdup (task));
    }
  free (task);
  if (!llm->about)
    abort ();
  /* The first questions are on their way while other policies propose.  */
  llm__go_on (llm, 0);
  *proposer = (struct proposer){ &llm_ops, llm };
  return 0;
}
