/* `aiopt tune`: what its workers and the process that leads them say to each other.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TUNE_H
#define AIOPT_TUNE_H

#include "cli/tuner.h"
#include <sys/types.h>

struct tune_options
{
  const char *cache, *policy, *key;
  struct config *config;
  double budget_seconds;
  unsigned jobs;
  enum accept accept;
  bool json, quiet, dry_run, any_speed, show_prompt;
};

enum tune_event_kind { EVENT_TAKEN, EVENT_PROGRESS, EVENT_RESULT, EVENT_ERROR };

/* One message; smaller than PIPE_BUF, so that workers may share a pipe.  */
struct tune_event
{
  enum tune_event_kind kind;
  pid_t worker;
  char key[65];
  char function[128], file[128];
  unsigned line;
  double fraction, best;       /* EVENT_PROGRESS */
  enum tuner_end end;          /* EVENT_RESULT */
  char verdict[16], policy[32], provenance[200];
  struct interval ratio;
  struct why why;              /* also EVENT_ERROR */
  unsigned tried;
  double seconds;
  struct spent spent;
};

_Static_assert (sizeof (struct tune_event) <= 4096, "an event is written in one piece");

/* A worker's life: takes region after region from the queue until none waits or *STOP is set.  Writes events to
   PIPE.  Gives the process's exit status.  */
int tune__worker (const struct tune_options *options, struct workshop *workshop,
                  const volatile sig_atomic_t *stop, int pipe);

/* tune-report.c.  What became of a run.  */
struct tune_report
{
  struct tune_event *result;   /* of finished regions */
  unsigned n_results, waiting;
  bool interrupted;
  const struct spent *asked;   /* what the run spent on models; NULL: there was none among the policies */
  bool priced;                 /* … and the user said what that costs */
};

/* In the order in which it is printed.  */
void tune_report__sort (struct tune_report *report);
void tune__print_json (const struct tune_report *report);
void tune__print_table (const struct tune_report *report);

struct cache;

/* Prints the first messages about options->key, or about each queued region; sends nothing.  REDACT: with names withheld.  The exit
   status.  */
int tune__show_prompts (const struct tune_options *options, struct cache *cache, bool redact);

#endif
