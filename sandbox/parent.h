/* What the files of the parent's side share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_PARENT_H
#define AIOPT_PARENT_H

#include "sandbox/wire.h"
#include <sys/types.h>

/* One state of the batch being run.  */
struct batch_item
{
  const struct state *state;
  size_t in, outcome, events;   /* offsets in the areas */
  uint8_t *span[SPANS_MAX];     /* where its final bytes will be */
};

/* Outcomes that had to leave the areas.  */
struct spill
{
  struct spill *next;
  uint8_t bytes[];
};

struct sandbox
{
  struct setup *setup;          /* the process has a copy */
  uint8_t *input, *output, *code;
  int input_fd, output_fd, code_fd, setup_fd;
  uint32_t checks[IMAGES_MAX];  /* CHECK_… that batches of an image need after each run */
  unsigned level;               /* CONTEXT_LEVEL of this host */
  pid_t pid;                    /* 0: none is running */
  int channel;
  bool is_unknown[IMAGES_MAX];  /* nobody decoded the image: it may do anything to its process */
  bool suspect;                 /* some run in this process ended in a way that may have left traces */
  uint32_t number;              /* of the last command */
  bool sent;                    /* it could be sent */
  unsigned read_timeout_ms;     /* of the channel, 0: none yet */
  unsigned reached;             /* the state at which the last command ended early */
  int death_signal;
  struct batch_item *item;      /* BATCH_MAX */
  struct spill *spills;
};

enum channel_result
{
  CHANNEL_DONE,
  CHANNEL_DIED,
  CHANNEL_HUNG,
  CHANNEL_FAILED /* *WHY is set */
};

/* process.c.  Starts the process if none runs, sends COMMAND for states FIRST..N and waits.  After DIED or
   HUNG the process is gone and sandbox->reached is the state it happened in.  */
enum channel_result parent__command (struct sandbox *sandbox, enum command_kind command,
                                     unsigned first, unsigned n, unsigned timeout_ms,
                                     struct why *why);

/* The same in two steps, so that two processes can work at a time.  parent__send: 0, or -1 and *WHY.  */
int parent__send (struct sandbox *sandbox, enum command_kind command, unsigned first,
                  struct why *why);
enum channel_result parent__wait (struct sandbox *sandbox, unsigned first, unsigned n,
                                  unsigned timeout_ms, bool exact);

/* What the process said doesn't fit together: it is ended, the next command starts another.  */
void parent__distrust (struct sandbox *sandbox);

/* trace.c.  The N intervals, MAX at most, at AT in the output area as a malloc'ed list of address and size,
   sorted and disjoint; -1 where they aren't.  */
int parent__ranges (const struct sandbox *sandbox, size_t at, size_t n, size_t max,
                    unsigned *n_result, void **result);

/* sandbox.c.  */
void parent__begin (struct sandbox *sandbox);
int parent__check (struct sandbox *sandbox, unsigned image, const struct state *state,
                   struct why *why);
bool parent__encode (struct sandbox *sandbox, const struct state *state, unsigned number,
                     size_t *in, size_t *out, struct batch_item *item);
bool parent__decode (struct sandbox *sandbox, const struct batch_item *item,
                     struct outcome *outcome);

#endif
