/* Counters of a child process and its children, in user mode: libpfm4 names, perf_event_open(2)
   groups.  Where there is no hardware group, less is taken, and every figure names its rung.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_COUNTERS_H
#define AIOPT_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a figure stands on, the best first.  */
enum rung
{
  RUNG_NONE,      /* not measured */
  RUNG_GROUP,     /* events on the PMU that were counted together */
  RUNG_ALONE,     /* an event on the PMU counted by itself: other events saw other moments */
  RUNG_KERNEL,    /* counted by the kernel, without the PMU (page faults, ...) */
  RUNG_TASK,      /* the scheduler's clock of user and system time */
  RUNG_TSC,       /* rdtscp */
  RUNG_MONOTONIC, /* CLOCK_MONOTONIC_RAW */
  RUNGS
};

/* "PMU group", "task clock", ...: the same in tables and in JSON.  */
const char *rung__name (enum rung rung);

/* The events that are always asked for, in this order; the user's come after them.  */
enum counter_id
{
  COUNTER_CYCLES,
  COUNTER_INSTRUCTIONS,
  COUNTER_BRANCHES,
  COUNTER_BRANCH_MISSES,
  COUNTER_CACHE_MISSES,
  COUNTERS_STANDARD,
  COUNTERS_MAX = 16,      /* with the user's */
  COUNTERS_NAME_SIZE = 96 /* of an event's name, its end included */
};

/* What standard event ID is called on command lines ("branch-misses").  */
const char *counter_id__slug (enum counter_id id);

/* perf_event_attr's fields of an event.  */
struct counter_code
{
  uint32_t type; /* PERF_TYPE_HARDWARE, PERF_TYPE_RAW, ... */
  uint64_t config, config1, config2;
};

/* The encoding of NAME, in libpfm4's syntax ([PMU::]EVENT[:UMASK][:MODIFIER]...), counted in user
   mode.  0, or -1 and ERROR[SIZE], which names NAME: libpfm4 doesn't know it, it belongs to another
   CPU, or it asks for kernel mode.  LIBPFM_ENCODE_INACTIVE=1 allows other CPUs' events.  */
int counter__encode (const char *name, struct counter_code *code, char *error, size_t size);

struct counters;

/* The standard events and those of EXTRA (names with commas between them; NULL: none).  NULL and
   ERROR[SIZE] where one isn't known, is named twice, or there are too many.  counters__free.  */
struct counters *counters__new (const char *extra, char *error, size_t size);
void counters__free (struct counters *counters);

/* How many events, at least COUNTERS_STANDARD; what I is called in tables ("branch misses") and in
   JSON ("user_branch_misses").  The user's events are called as the user spelled them in both.  */
unsigned counters__n (const struct counters *counters);
const char *counters__name (const struct counters *counters, unsigned i);
const char *counters__key (const struct counters *counters, unsigned i);

/* Opens the events on PID, a child that waits before its exec: they begin there.  PID 0 is this
   process, and they begin at once.  Those that can't be had are left out; false: all of them.  */
bool counters__open (struct counters *counters, pid_t pid);

/* After the child was waited for: VALUE[counters__n], scaled to the whole run where an event was on
   the PMU for a part of it only, negative where not counted.  Closes.  */
void counters__close (struct counters *counters, double *value);

/* The lowest rung that event I stood on in any run so far; RUNG_NONE: never counted.  */
enum rung counters__rung (const struct counters *counters, unsigned i);

/* The least part of a run (0-1) for which I was on the PMU.  Below 1 it was multiplexed: more
   events than the PMU has counters for.  */
double counters__share (const struct counters *counters, unsigned i);

/* Why event I was not counted in the last run; "" where it was.  */
const char *counters__why (const struct counters *counters, unsigned i);

/* errno of I's last opening; 0: it was opened.  */
int counters__error (const struct counters *counters, unsigned i);

/* What the kernel's answer depends on.  */
struct counter_setting
{
  int paranoid;  /* /proc/sys/kernel/perf_event_paranoid; INT_MIN: can't be read */
  bool perfmon;  /* CAP_PERFMON or CAP_SYS_ADMIN is in force */
  bool guest;    /* in a virtual machine */
  bool watchdog; /* the NMI watchdog holds a counter */
};

void counter_setting__read (struct counter_setting *setting);

/* What ERROR of perf_event_open means under SETTING, into WHY[SIZE], and which setting would grant
   more, into HINT[SIZE].  */
void counters__explain (int error, const struct counter_setting *setting, char *why, char *hint,
                        size_t size);

/* Counts this process for a moment.  RUNG_GROUP: the standard events are counted together;
   RUNG_ALONE: not together, or not all; RUNG_NONE: no hardware counters.  WHY and HINT ([SIZE]) say
   what was seen and what would grant more ("" where nothing would).  For `doctor`.  */
enum rung counters__granted (char *why, char *hint, size_t size);

/* Has this CPU rdtscp, with a time-stamp counter that runs at one speed?  */
bool counters__tsc (void);

#endif
