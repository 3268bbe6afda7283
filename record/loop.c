/* The events of the watched program, one after the other.

   A thread is held only while its own event is worked on: it is stepped to its next call or its
   end, then runs on. So a thread that is being recorded and waits for another in a callee can't
   hang.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "record/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS                                                                                    \
  (PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC)

/* The first calls are all recorded, then each time that there were so many times as many.  */
#define FIRST_CALLS 16
#define RARER 1.15
/* So many calls in a row that aren't recorded cost more than they are worth: the breakpoint goes
   for a while, each time longer.  */
#define SKIPPED_MAX 32
#define DELAY_FIRST 0.001
#define DELAY_LAST 0.5
/* Calls that could not be recorded, for each that may be.  */
#define TRIES 4
#define POLL_SECONDS 0.2
/* Calls of a function that are recorded before those it makes to others may be recorded in their
 * place.  */
#define OUTER_LEAST 4

double
recorder__now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct thread *
thread__find (const struct recorder *recorder, pid_t tid)
{
  struct thread *thread = recorder->thread;
  while (thread && thread->tid != tid)
    thread = thread->next;
  return thread;
}

static struct process *
process__find (const struct recorder *recorder, pid_t pid)
{
  struct process *process = recorder->process;
  while (process && process->pid != pid)
    process = process->next;
  return process;
}

/* The process that thread TID is of.  */
static pid_t
thread__group (pid_t tid)
{
  char path[64], line[256];
  int group = tid;
  snprintf (path, sizeof path, "/proc/%d/status", (int)tid);
  FILE *status = fopen (path, "re");
  while (status && fgets (line, sizeof line, status))
    if (sscanf (line, "Tgid: %d", &group) == 1)
      break;
  if (status)
    fclose (status);
  return group;
}

static struct thread *
thread__add (struct recorder *recorder, pid_t tid)
{
  struct thread *thread = calloc (1, sizeof *thread);
  if (!thread)
    abort ();
  thread->tid = tid;
  thread->group = thread__group (tid);
  thread->process = process__find (recorder, thread->group);
  thread->next = recorder->thread;
  recorder->thread = thread;
  return thread;
}

/* Forgets THREAD, which is no more, and its process with the last one.  */
static void
thread__gone (struct recorder *recorder, struct thread *thread)
{
  struct process *process = thread->process;
  sample__drop (thread, REASON_SANDBOX, "the thread ended");
  for (struct thread **at = &recorder->thread; *at; at = &(*at)->next)
    if (*at == thread)
      {
        *at = thread->next;
        break;
      }
  free (thread);
  bool last = process != NULL;
  for (const struct thread *other = recorder->thread; other; other = other->next)
    last &= other->process != process;
  if (last)
    process__free (recorder, process);
}

/* THREAD's end, as waitpid told it.  */
static void
thread__ended (struct recorder *recorder, struct thread *thread, int status)
{
  if (thread->tid == recorder->main)
    {
      recorder->main_ended = true;
      recorder->result->status = status;
    }
  thread__gone (recorder, thread);
}

static void
thread__send (const struct thread *thread, int number)
{
  syscall (SYS_tgkill, thread->group, thread->tid, number);
}

/* Lets THREAD run on, with a signal that was held back.  */
static void
thread__continue (struct thread *thread, int signal)
{
  if (!signal && thread->pending)
    {
      signal = __builtin_ctzll (thread->pending) + 1;
      thread->pending &= thread->pending - 1;
    }
  for (; thread->pending; thread->pending &= thread->pending - 1)
    thread__send (thread, __builtin_ctzll (thread->pending) + 1);
  ptrace (PTRACE_CONT, thread->tid, NULL, (void *)(long)signal);
}

enum step
thread__step (struct recorder *recorder, struct thread *thread, uint64_t rip)
{
  struct breakpoint *breakpoint = process__breakpoint (thread->process, rip);
  bool over = breakpoint && breakpoint->inserted;
  enum step result = STEP_GONE;
  if (over)
    breakpoint__remove (thread->process, breakpoint);
  while (ptrace (PTRACE_SINGLESTEP, thread->tid, NULL, NULL) == 0)
    {
      int status;
      if (waitpid (thread->tid, &status, __WALL) < 0)
        {
          if (errno == EINTR)
            continue;
          break;
        }
      if (!WIFSTOPPED (status))
        {
          thread__ended (recorder, thread, status);
          return STEP_GONE;
        }
      int number = WSTOPSIG (status);
      if (status >> 16)
        continue; /* a group's stop: it will be told again */
      if (number == SIGTRAP)
        {
          result = STEP_DONE;
          break;
        }
      thread->pending |= UINT64_C (1) << (number - 1);
      if (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL)
        {
          result = STEP_FAULT;
          break;
        }
    }
  if (over)
    breakpoint__insert (thread->process, breakpoint);
  return result;
}

/* Lets THREAD run on from where it stands, over a breakpoint there.  */
static void
thread__resume (struct recorder *recorder, pid_t tid)
{
  struct thread *thread = thread__find (recorder, tid);
  struct user_regs_struct r;
  if (!thread)
    return; /* it ended while it was stepped */
  if (thread->process && ptrace (PTRACE_GETREGS, tid, NULL, &r) == 0)
    {
      struct breakpoint *breakpoint = process__breakpoint (thread->process, r.rip);
      if (breakpoint && breakpoint->inserted && !thread->pending
          && thread__step (recorder, thread, r.rip) == STEP_GONE)
        return;
    }
  thread__continue (thread, 0);
}

/* Sets or removes SITE's breakpoint in all processes.  */
static void
site__arm (struct recorder *recorder, const struct site *site, bool armed)
{
  for (struct process *process = recorder->process; process; process = process->next)
    for (struct breakpoint *b = process->breakpoint; b; b = b->next)
      if (b->site == site)
        {
          if (armed)
            breakpoint__insert (process, b);
          else if (!b->returns)
            breakpoint__remove (process, b);
        }
}

/* Shall this call of SITE's function be recorded?  */
static bool
site__wants (struct recorder *recorder, struct site *site)
{
  bool enough = true;
  for (unsigned i = 0; i < site->n_targets; i++)
    {
      site->target[i]->calls++;
      enough &= site->target[i]->n_samples >= recorder->options->samples_max;
    }
  if (enough || site->tried >= TRIES * recorder->options->samples_max)
    {
      site->done = true;
      site__arm (recorder, site, false);
      return false;
    }
  return ++site->hits >= site->next_hit;
}

/* This call of SITE's function is recorded.  */
static void
site__taken (struct site *site)
{
  site->tried++;
  site->skipped = 0;
  site->next_hit
      = site->hits < FIRST_CALLS ? site->hits + 1 : (uint64_t)(RARER * (double)site->hits) + 1;
}

/* This one isn't.  */
static void
site__skipped (struct recorder *recorder, struct site *site)
{
  if (++site->skipped < SKIPPED_MAX)
    return;
  site->skipped = 0;
  site->delay = site->delay > 0 ? 2 * site->delay : DELAY_FIRST;
  if (site->delay > DELAY_LAST)
    site->delay = DELAY_LAST;
  site->armed_at = recorder__now () + site->delay;
  site->next_hit = site->hits + 1; /* the first after the pause */
  site__arm (recorder, site, false);
}

/* THREAD is at the entry of BREAKPOINT's function.  */
static void
handle_entry (struct recorder *recorder, struct thread *thread, struct breakpoint *breakpoint,
              const struct user_regs_struct *r)
{
  struct site *site = breakpoint->site;
  /* As far out as where the call that is recorded began: that one was left by a jump.  */
  if (thread->sample && r->rsp >= sample__entry_rsp (thread))
    sample__drop (thread, REASON_CONTROL_FLOW, "left by a jump, or its return was missed");
  if (!site__wants (recorder, site))
    {
      if (!site->done)
        site__skipped (recorder, site);
      return;
    }
  /* Of calls within each other the outer one is recorded, unless that leaves the inner function
   * behind.  */
  const struct site *outer = thread->sample ? sample__site (thread) : NULL;
  if (outer && outer != site && outer->tried >= OUTER_LEAST && outer->tried >= 2 * site->tried)
    sample__drop (thread, 0, "");
  if (thread->sample)
    {
      site__skipped (recorder, site);
      return;
    }
  site__taken (site);
  sample__begin (recorder, thread, breakpoint, r);
}

/* THREAD ran into the breakpoint before its instruction pointer; false where there is none of ours.
 */
static bool
handle_breakpoint (struct recorder *recorder, struct thread *thread)
{
  struct user_regs_struct r;
  pid_t tid = thread->tid;
  if (!thread->process || ptrace (PTRACE_GETREGS, tid, NULL, &r))
    return false;
  struct breakpoint *breakpoint = process__breakpoint (thread->process, r.rip - 1);
  siginfo_t info;
  /* Only what an int3 raised; a program may have traps of its own.  */
  if (!breakpoint || ptrace (PTRACE_GETSIGINFO, tid, NULL, &info) || info.si_code != SI_KERNEL)
    return false;
  r.rip--;
  ptrace (PTRACE_SETREGS, tid, NULL, &r);
  /* Where it is still in memory though we took it out (memory shared after a vfork), it has to go.
   */
  uint8_t byte;
  if (!breakpoint->inserted && breakpoint->was_inserted
      && process__read (thread->process, r.rip, &byte, 1) == 1 && byte == 0xcc)
    {
      breakpoint->inserted = true;
      breakpoint__remove (thread->process, breakpoint);
    }
  if (breakpoint->loader)
    process__scan (recorder, thread->process);
  if (sample__returns (thread, &r))
    sample__go_on (recorder, thread);
  else if (breakpoint->site && breakpoint->inserted)
    handle_entry (recorder, thread, breakpoint, &r);
  /* A call that was stepped into may be of a function that is waited for.  */
  uint64_t rip = r.rip;
  while ((thread = thread__find (recorder, tid)) && thread->sample
         && ptrace (PTRACE_GETREGS, tid, NULL, &r) == 0 && r.rip != rip
         && (breakpoint = process__breakpoint (thread->process, r.rip)) && breakpoint->site
         && breakpoint->inserted)
    {
      rip = r.rip;
      handle_entry (recorder, thread, breakpoint, &r);
    }
  thread__resume (recorder, tid);
  return true;
}

/* THREAD's process runs another program now.  */
static void
handle_exec (struct recorder *recorder, struct thread *thread)
{
  pid_t pid = thread->tid;
  struct process *old = thread->process;
  for (struct thread *other = recorder->thread, *next; other; other = next)
    {
      next = other->next;
      if (other != thread && other->group == thread->group)
        thread__gone (recorder, other);
    }
  if (thread->sample)
    sample__drop (thread, REASON_SANDBOX, "another program was started");
  bool shared = false;
  for (const struct thread *other = recorder->thread; other; other = other->next)
    shared |= other != thread && other->process == old;
  if (old && !shared)
    process__free (recorder, old);
  thread->process = process__new (recorder, pid, NULL);
}

/* A new thread or process, TID, of PARENT's; SHARED: in the same memory.  */
static void
handle_new (struct recorder *recorder, const struct thread *parent, pid_t tid, bool shared)
{
  struct thread *thread = thread__find (recorder, tid);
  bool waiting = thread && !thread->process;
  if (!thread)
    thread = thread__add (recorder, tid);
  if (!thread->process)
    thread->process
        = shared ? parent->process : process__new (recorder, thread->group, parent->process);
  if (waiting)
    thread__continue (thread, 0);
}

static void
handle_stop (struct recorder *recorder, pid_t tid, int status)
{
  struct thread *thread = thread__find (recorder, tid);
  int event = status >> 16, number = WSTOPSIG (status);
  unsigned long message;
  bool first = !thread;
  if (!thread)
    thread = thread__add (recorder, tid);
  switch (event)
    {
    case 0:
      if (number == SIGTRAP && handle_breakpoint (recorder, thread))
        return;
      ptrace (PTRACE_CONT, tid, NULL, (void *)(long)number);
      return;
    case PTRACE_EVENT_EXEC:
      handle_exec (recorder, thread);
      break;
    case PTRACE_EVENT_CLONE:
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
      if (ptrace (PTRACE_GETEVENTMSG, tid, NULL, &message) == 0)
        handle_new (recorder, thread, (pid_t)message, event == PTRACE_EVENT_VFORK);
      break;
    case PTRACE_EVENT_STOP:
      if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU)
        {
          ptrace (PTRACE_LISTEN, tid, NULL, NULL);
          return;
        }
      /* A new one, before its parent told of it: it waits.  */
      if (first && !thread->process)
        return;
      break;
    }
  thread__continue (thread, 0);
}

/* Stops THREAD, lets go of it, and gives it what it was about to get.  */
static void
thread__detach (struct recorder *recorder, struct thread *thread)
{
  int status;
  if (waitpid (thread->tid, &status, __WALL | WNOHANG) != thread->tid)
    {
      /* One that stands still since it was told of, or one that runs.  */
      if (ptrace (PTRACE_DETACH, thread->tid, NULL, NULL) == 0
          || ptrace (PTRACE_INTERRUPT, thread->tid, NULL, NULL)
          || waitpid (thread->tid, &status, __WALL) < 0)
        return;
    }
  if (!WIFSTOPPED (status))
    {
      if (thread->tid == recorder->main)
        {
          recorder->main_ended = true;
          recorder->result->status = status;
        }
      return;
    }
  int number = status >> 16 ? 0 : WSTOPSIG (status);
  struct user_regs_struct r;
  if (number == SIGTRAP && thread->process && ptrace (PTRACE_GETREGS, thread->tid, NULL, &r) == 0
      && process__breakpoint (thread->process, r.rip - 1))
    {
      r.rip--;
      ptrace (PTRACE_SETREGS, thread->tid, NULL, &r);
      number = 0;
    }
  ptrace (PTRACE_DETACH, thread->tid, NULL, (void *)(long)number);
}

/* Takes all breakpoints out and lets everything run on alone.  */
static void
detach (struct recorder *recorder)
{
  for (struct process *process = recorder->process; process; process = process->next)
    for (struct breakpoint *b = process->breakpoint; b; b = b->next)
      breakpoint__remove (process, b);
  while (recorder->thread)
    {
      thread__detach (recorder, recorder->thread);
      sample__drop (recorder->thread, 0, "");
      thread__gone (recorder, recorder->thread);
    }
}

/* Is there nothing left to record, or no time?  */
static bool
is_done (struct recorder *recorder)
{
  if (recorder->result->held_seconds > recorder->options->seconds)
    {
      recorder->result->out_of_time = true;
      return true;
    }
  for (unsigned i = 0; i < recorder->n_targets; i++)
    if (recorder->target[i].n_samples < recorder->options->samples_max)
      return false;
  return true;
}

/* Arms what has waited long enough; the seconds until the next one has.  */
static double
arm_again (struct recorder *recorder)
{
  double now = recorder__now (), wait = POLL_SECONDS;
  for (struct site *site = recorder->site; site; site = site->next)
    if (!site->done && site->armed_at > 0)
      {
        if (site->armed_at <= now)
          {
            site->armed_at = 0;
            site__arm (recorder, site, true);
          }
        else if (site->armed_at - now < wait)
          wait = site->armed_at - now;
      }
  return wait;
}

/* Waits for an event up to SECONDS.  Other signals to us are the program's; where we only attached
 * to it they end that.  */
static void
wait_for_signal (struct recorder *recorder, const sigset_t *signals, double seconds)
{
  struct timespec time
      = { .tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
  int number = sigtimedwait (signals, NULL, &time);
  if (number < 0 || number == SIGCHLD)
    return;
  if (recorder->options->pid)
    recorder->stopped = true;
  else
    kill (recorder->main, number);
}

static void
watch (struct recorder *recorder, const sigset_t *signals)
{
  while (!recorder->main_ended && !recorder->stopped && recorder->thread)
    {
      int status;
      pid_t tid = waitpid (-1, &status, __WALL | WNOHANG);
      if (tid < 0 && errno == ECHILD)
        return;
      if (tid <= 0)
        {
          wait_for_signal (recorder, signals, arm_again (recorder));
          continue;
        }
      double began = recorder__now ();
      if (WIFSTOPPED (status))
        handle_stop (recorder, tid, status);
      else
        {
          struct thread *thread = thread__find (recorder, tid);
          if (thread)
            thread__ended (recorder, thread, status);
        }
      recorder->result->held_seconds += recorder__now () - began;
      arm_again (recorder);
      if (is_done (recorder))
        return;
    }
}

/* Starts the program, held until it is watched.  */
static int
start (struct recorder *recorder, const sigset_t *before, struct why *why)
{
  int gate[2], failed[2];
  if (pipe2 (gate, O_CLOEXEC) || pipe2 (failed, O_CLOEXEC))
    return why__set (why, REASON_SANDBOX, "no pipe: %s", strerror (errno));
  pid_t pid = fork ();
  if (pid < 0)
    return why__set (why, REASON_SANDBOX, "no process: %s", strerror (errno));
  if (pid == 0)
    {
      char go;
      close (gate[1]);
      if (read (gate[0], &go, 1) != 1)
        _exit (127);
      signal (SIGINT, SIG_DFL);
      signal (SIGQUIT, SIG_DFL);
      sigprocmask (SIG_SETMASK, before, NULL);
      execvp (recorder->options->argv[0], recorder->options->argv);
      int error = errno;
      if (write (failed[1], &error, sizeof error) < 0)
        _exit (126);
      _exit (127);
    }
  recorder->main = pid;
  close (gate[0]);
  close (failed[1]);
  int result = 0;
  if (ptrace (PTRACE_SEIZE, pid, NULL, (void *)(long)OPTIONS))
    {
      result = why__set (why, REASON_SANDBOX, "the program can't be watched: ptrace: %s",
                         strerror (errno));
      kill (pid, SIGKILL);
    }
  else
    thread__add (recorder, pid);
  int error;
  if (result == 0 && write (gate[1], "", 1) != 1)
    result = why__set (why, REASON_SANDBOX, "the program can't be started");
  close (gate[1]);
  if (result == 0)
    {
      /* The pipe closes with the exec, which stops the program; without that, it tells why.  */
      int status;
      while (waitpid (pid, &status, __WALL) == pid && WIFSTOPPED (status)
             && status >> 16 != PTRACE_EVENT_EXEC)
        ptrace (PTRACE_CONT, pid, NULL, (void *)(long)(status >> 16 ? 0 : WSTOPSIG (status)));
      if (WIFSTOPPED (status))
        handle_stop (recorder, pid, status);
      else
        {
          if (read (failed[0], &error, sizeof error) != sizeof error)
            error = ENOEXEC;
          result = why__set (why, REASON_SOURCE, "%.150s: %s", recorder->options->argv[0],
                             strerror (error));
        }
    }
  close (failed[0]);
  return result;
}

/* Attaches to all threads of a running program.  */
static int
attach (struct recorder *recorder, struct why *why)
{
  char path[64];
  pid_t pid = recorder->options->pid;
  recorder->main = pid;
  snprintf (path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *tasks = opendir (path);
  if (!tasks)
    return why__set (why, REASON_SANDBOX, "no process %d", (int)pid);
  int error = 0;
  for (struct dirent *task; (task = readdir (tasks));)
    {
      pid_t tid = (pid_t)atoi (task->d_name);
      if (tid <= 0 || thread__find (recorder, tid))
        continue;
      if (ptrace (PTRACE_SEIZE, tid, NULL, (void *)(long)OPTIONS))
        error = errno;
      else
        thread__add (recorder, tid);
    }
  closedir (tasks);
  struct process *process = recorder->thread ? process__new (recorder, pid, NULL) : NULL;
  for (struct thread *thread = recorder->thread; thread; thread = thread->next)
    thread->process = process;
  if (!process)
    return why__set (
        why, REASON_SANDBOX,
        "process %d can't be watched: ptrace: %s; see /proc/sys/kernel/yama/ptrace_scope", (int)pid,
        strerror (error ? error : EPERM));
  return 0;
}

int
recorder__run (const struct record_options *options, struct record_target *targets, unsigned n,
               struct arena *arena, struct record_result *result, struct why *why)
{
  struct recorder recorder
      = { .options = options, .arena = arena, .n_targets = n, .target = targets, .result = result };
  memset (result, 0, sizeof *result);
  recorder.step = calloc (STEP_CACHE, sizeof *recorder.step);
  recorder.step_at = calloc (STEP_CACHE, sizeof *recorder.step_at);
  recorder.step_pid = calloc (STEP_CACHE, sizeof *recorder.step_pid);
  if (!recorder.step || !recorder.step_at || !recorder.step_pid)
    abort ();
  sigset_t signals, before;
  sigemptyset (&signals);
  sigaddset (&signals, SIGCHLD);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGHUP);
  if (options->pid)
    sigaddset (&signals, SIGINT);
  sigprocmask (SIG_BLOCK, &signals, &before);
  struct sigaction ignore = { .sa_handler = SIG_IGN }, interrupt, quit;
  /* Keys on the terminal reach the program by themselves.  */
  sigaction (SIGINT, options->pid ? NULL : &ignore, &interrupt);
  sigaction (SIGQUIT, &ignore, &quit);

  int status = options->pid ? attach (&recorder, why) : start (&recorder, &before, why);
  if (status == 0)
    watch (&recorder, &signals);
  detach (&recorder);
  /* What is let go of runs on; our own child's end is waited for.  */
  while (status == 0 && !options->pid && !recorder.main_ended)
    {
      pid_t ended = waitpid (recorder.main, &result->status, WNOHANG);
      if (ended == recorder.main && !WIFSTOPPED (result->status))
        recorder.main_ended = true;
      else if (ended < 0 && errno != EINTR)
        break;
      else
        wait_for_signal (&recorder, &signals, POLL_SECONDS);
    }
  free (recorder.step);
  free (recorder.step_at);
  free (recorder.step_pid);
  sigaction (SIGINT, &interrupt, NULL);
  sigaction (SIGQUIT, &quit, NULL);
  sigprocmask (SIG_SETMASK, &before, NULL);
  return status;
}
