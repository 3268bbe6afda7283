/* What was asked and spent, and whether there is any sense in asking: shared by all processes of a run.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MODEL_ACCOUNT_H
#define AIOPT_MODEL_ACCOUNT_H

#include "machine/why.h"
#include "model/settings.h"

/* Spent on one function, or by a run.  */
struct spent
{
  uint64_t requests;      /* that reached a server, retries among them */
  uint64_t prompt_tokens, answer_tokens; /* as the server says, else a quarter of the bytes */
  double money, seconds;
};

/* Opened before workers are forked.  FOLDER (the cache's; NULL: none) is where builds' helpers, each a process of its own, meet: what is
   known of BASE_URL's being down or its quota's being spent is kept there, and for how much a build has asked: helpers that come
   within ten minutes of each other, none of them ALONE, are one run.  ALONE: this is a run of its own (`aiopt tune` by hand).
   Where nothing can be kept there the account is this run's alone.  Never fails.  */
struct account;
struct account *account__open (const struct model_settings *settings, const char *folder, bool alone);
void account__close (struct account *account);

/* May one more request be made for a function that FUNCTION was spent on?  0, or -1 and *WHY: MODEL_DOWN, MODEL_QUOTA, MODEL_LIMIT (naming
   the limit and its setting).  The first that finds nothing known of a server asks and the others wait for what it finds, for
   connect_seconds at most: so a server that is down costs a run one time-out.  */
int account__may_ask (struct account *account, const struct spent *function, struct why *why);

/* The same, waiting for SECONDS at most, and counts the request for the run at once, so that processes that ask at the same moment can't
   exceed a limit on requests together; what is charged later comes out of what was reserved.  account__release gives back N that
   were never sent.  */
int account__reserve (struct account *account, const struct spent *function, double seconds, struct why *why);
void account__release (struct account *account, unsigned n);

/* Adds REQUESTS, tokens and the SECONDS that they took to FUNCTION (may be NULL) and to the run.  */
void account__charge (struct account *account, struct spent *function, unsigned requests, uint64_t prompt_tokens,
                      uint64_t answer_tokens, double seconds);

/* What was found out about the server: it answered; it can't be reached (nobody asks for a minute); its quota is spent (nobody
   asks for SECONDS).  */
void account__is_up (struct account *account);
void account__is_down (struct account *account);
void account__is_spent (struct account *account, double seconds);

/* It refused a request with HTTP's STATUS in a way that it would refuse all (a wrong key): nobody of this run asks for ten minutes;
   MODEL_REFUSED is why.  */
void account__is_refused (struct account *account, long status);

/* The form of answers that the server was found to take; STRUCTURED_AUTO: nothing is known yet.  */
enum structured account__structured (const struct account *account);
void account__note_structured (struct account *account, enum structured structured);

/* What the run spent so far.  */
void account__spent (const struct account *account, struct spent *spent);

#endif
