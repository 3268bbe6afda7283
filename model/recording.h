/* Answers that are kept, so that the same question isn't paid for twice and a run can be repeated with nobody to ask.

   A question is the conversation so far.  What aiopt said in it about earlier proposals isn't part of what it is looked for by: that
   follows from the proposals, but for figures that no two measurements have the same.

   One file an answer, JSON, for people to read and teams to keep; no key, no host.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MODEL_RECORDING_H
#define AIOPT_MODEL_RECORDING_H

#include "machine/why.h"
#include "model/chat.h"

enum { RECORDING_KEY = 33 };

struct recording_key
{
  char exact[RECORDING_KEY]; /* model, what it was told first, which asking, and its answers so far */
  char loose[RECORDING_KEY]; /* what the question is about, which asking, and the answers so far: the same on another machine,
                                and after a change of aiopt's wording */
};

/* The key of a question about ABOUT (what the function is, in a form that depends on no machine): MODEL is told FIRST (N_FIRST
   messages), for the SAMPLE-th time, and has given ANSWERS (N_ANSWERS) since.  */
void recording__key (const char *model, const struct chat_message *first, unsigned n_first, const char *about, unsigned sample,
                     char *const *answers, unsigned n_answers, struct recording_key *key);

/* Reads the answer kept in FOLDER under KEY, by its loose part where LOOSELY: *TEXT (malloc'ed) and how it ended.  False where there is
   none, or one that can't be read.  */
bool recording__find (const char *folder, const struct recording_key *key, bool loosely, char **text, enum chat_end *end);

/* TEXT with SETTINGS' key and host replaced by "[…]"; malloc'ed.  Answers are cleaned before anything is done with them, so that
   one that is kept is the one that was used.  */
char *recording__clean (const struct model_settings *settings, const char *text);

/* Keeps ANSWER, which ended in one of CHAT_ANSWERED, CHAT_TRUNCATED and CHAT_FILTERED, to the last of MESSAGES (N): FUNCTION is for people.
   All of it is cleaned.  Makes FOLDER where it isn't there.  0, or -1 and *WHY.  */
int recording__keep (const char *folder, const struct recording_key *key, const char *function, unsigned turn,
                     const struct model_settings *settings, const struct chat_message *messages, unsigned n,
                     const struct chat_answer *answer, struct why *why);

#endif
