/* Where an account's numbers lie: shared memory of a run, and a file in which builds' helpers meet.

   All are words that are read and written whole, so a process that is killed leaves nothing half done and no lock behind.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_ACCOUNT_STATE_H
#define AIOPT_ACCOUNT_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A span of time: when it began and how long it lasts, in a word; 0: none.  By the clock that all processes, boots and users of a
   file share, which may be set: a span that hasn't begun yet is over, so that no jump makes one last longer than it was meant to.  */
typedef _Atomic uint64_t time_span;

/* Sets *SPAN to SECONDS from now on (at most SPAN_SECONDS_MAX).  */
void span__set (time_span *span, double seconds);
/* Seconds left of *SPAN, which was never meant to last for more than MOST; 0: it is over.  */
double span__left (const time_span *span, double most);

#define SPAN_SECONDS_MAX 86400.0

/* What is known of a server.  */
struct server_state
{
  time_span up, down, spent;
  _Atomic uint64_t asker; /* who asks first: when it began and its process (account.c); 0: nobody */
  time_span form_known;   /* a server may be exchanged for another under the same URL */
  _Atomic uint64_t structured; /* enum structured, as long as FORM_KNOWN lasts */
};

/* What a run asked.  */
struct run_state
{
  time_span recent;       /* it is this run as long as it lasts */
  time_span refused;
  _Atomic uint64_t refused_status;
  _Atomic uint64_t requests, prompt_tokens, answer_tokens, milliseconds;
};

struct account_state
{
  struct server_state server;
  struct run_state run;
};

/* Memory that this process and those it forks share; never NULL.  */
struct account_state *account_state__new (void);
void account_state__free (struct account_state *state);

/* What FOLDER's file "model.state" keeps for BASE_URL; NULL where it can't be kept there: no such file can be made, or it is another
   one than aiopt's, or of another version.  A damaged one is made anew.  */
struct account_state *account_state__open (const char *folder, const char *base_url);
void account_state__close (struct account_state *state);

#endif
