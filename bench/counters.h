/* Hardware counters of a child process and its children, in user mode: cycles and instructions, by
   libpfm4 and perf_event_open(2).  Where there are none, why.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_COUNTERS_H
#define AIOPT_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum counter_id
{
  COUNTER_CYCLES,
  COUNTER_INSTRUCTIONS,
  COUNTERS
};

struct counters
{
  int fd[COUNTERS]; /* -1: not open */
};

/* Opens counters on PID, a child that waits before its exec: they begin there.  False where none is
   to be had; WHY[SIZE] then says why and what would grant them.  */
bool counters__open (struct counters *counters, pid_t pid, char *why, size_t size);

/* After the child was waited for: VALUE[COUNTERS], negative where not counted; closes.  */
void counters__close (struct counters *counters, double value[COUNTERS]);

/* Can this process count itself?  For `doctor`; WHY as above.  */
bool counters__available (char *why, size_t size);

#endif
