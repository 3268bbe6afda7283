/* Watching a program run: calls of its hot functions become recorded states.

   The program runs under ptrace.  A breakpoint stands at each function's entry; on a sampled call
   the thread is single-stepped to the function's return, and each byte that it touches is noted
   before it can change. Callees run at full speed.  Sampling gets rarer, so that a function that is
   called millions of times costs little. Other threads run on; forked and executed programs are
   followed.  Whatever goes wrong, the program runs on alone.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_RECORD_H
#define AIOPT_RECORD_H

#include "states/recorded.h"

#include <sys/types.h>

struct record_options
{
  char *const *argv;    /* the program; or */
  pid_t pid;            /* a running one, to be attached to */
  unsigned samples_max; /* of a function */
  double seconds;       /* for which the program may be held up, all together */
  unsigned steps_max;   /* of a call that is recorded */
};

/* A function that is waited for, and what came of it.  */
struct record_target
{
  const struct region *region;
  unsigned places; /* where it was found in the program's files */
  uint64_t calls;  /* seen; most aren't */
  unsigned n_samples;
  struct recorded **sample;
  unsigned n_dropped;
  struct why dropped; /* why the last of those */
};

struct record_result
{
  int status;          /* as waitpid gives it; 0 for a program that was attached to */
  bool out_of_time;    /* SECONDS were spent */
  double held_seconds; /* the program stood still for so long */
  unsigned processes;  /* that were followed */
};

/* Runs the program to its end, or until enough is recorded where it was attached to.  Samples live
   in ARENA. 0, or -1 and *WHY where the program can't be started or watched.  */
int recorder__run (const struct record_options *options, struct record_target *targets, unsigned n,
                   struct arena *arena, struct record_result *result, struct why *why);

/* Can the functions be found in PATH?  The number of TARGETS[N] that it defines; -1 and *WHY where
   it is no ELF file for this machine, or has no symbol table.  */
int recorder__look (const char *path, const struct record_target *targets, unsigned n,
                    struct why *why);

#endif
