/* Compiling ahead: while one candidate is looked at, another process compiles the next ones.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/workshop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct prefetch
{
  pid_t pid;
};

/* Of the prefetching process alone: a signal handler has nothing else to reach.  */
static volatile sig_atomic_t prefetch_stopped;

static void
prefetch__handle (int number)
{
  (void) number;
  prefetch_stopped = 1;
}

/* The prefetching process.  */
static void
prefetch__run (struct workshop *workshop, struct unit *unit, unsigned first, double deadline)
{
  unsigned n;
  const struct variant *variants = variant__all (&n);
  workshop__stop_on (workshop, &prefetch_stopped);
  for (unsigned i = first; i < n && !prefetch_stopped; i++)
    {
      double left = deadline - clock__now ();
      char *text;
      size_t length;
      struct why why;
      if (left <= 0)
        break;
      if (unit__compile (unit, &variants[i], left + 0.5, &text, &length, &why) > 0)
        free (text);
    }
}

struct prefetch *
prefetch__start (struct workshop *workshop, struct unit *unit, unsigned first, double deadline)
{
  struct prefetch *prefetch = calloc (1, sizeof *prefetch);
  if (!prefetch)
    abort ();
  pid_t parent = getpid ();
  /* The child must not be told to stop before it listens.  */
  sigset_t stop, before;
  sigemptyset (&stop);
  sigaddset (&stop, SIGTERM);
  sigprocmask (SIG_BLOCK, &stop, &before);
  prefetch->pid = fork ();
  if (prefetch->pid == 0)
    {
      /* No sandbox may live on because this process holds its pipe.  */
      close_range (3, ~0U, 0);
      struct sigaction action = { .sa_handler = prefetch__handle };
      sigaction (SIGTERM, &action, NULL);
      sigaction (SIGINT, &action, NULL);
      sigaction (SIGHUP, &action, NULL);
      prctl (PR_SET_PDEATHSIG, SIGTERM);
      sigprocmask (SIG_UNBLOCK, &stop, NULL);
      if (getppid () == parent)
        prefetch__run (workshop, unit, first, deadline);
      _exit (0);
    }
  sigprocmask (SIG_SETMASK, &before, NULL);
  if (prefetch->pid < 0)
    {
      free (prefetch);
      return NULL;
    }
  return prefetch;
}

void
prefetch__stop (struct prefetch *prefetch)
{
  if (!prefetch)
    return;
  kill (prefetch->pid, SIGTERM);
  while (waitpid (prefetch->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  free (prefetch);
}
