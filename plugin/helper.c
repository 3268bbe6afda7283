/* The helper process: `aiopt tune` for one region, within a budget.

   The compiler opens no sockets, runs no candidate and loads no solver; the helper does, as a process group
   of its own with no file of the compiler's open, and is killed when its time is over.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/core.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Seconds over the budget that the helper gets to end by itself, and after SIGTERM.  */
static const double grace = 2, grace_after_term = 1;

/* How it ends where a setting is wrong (EX_CONFIG of sysexits.h).  */
enum { STATUS_CONFIG = 78 };

double
clock__seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* The aiopt command: $AIOPT_HELPER, else beside the plugin in the build folder, else where it was
   installed.  Malloc'ed, or NULL.  */
static char *
find_command (const char *plugin_path)
{
  const char *given = getenv ("AIOPT_HELPER");
  char *command = NULL;
  if (given && *given)
    return access (given, X_OK) == 0 ? strdup (given) : NULL;
  char *real = realpath (plugin_path, NULL);
  char *slash = real ? strrchr (real, '/') : NULL;
  if (slash)
    {
      *slash = '\0';
      if (asprintf (&command, "%s/../cli/aiopt", real) < 0)
        command = NULL;
    }
  free (real);
  if (command && access (command, X_OK) == 0)
    return command;
  free (command);
  return access (AIOPT_BINDIR "/aiopt", X_OK) == 0 ? strdup (AIOPT_BINDIR "/aiopt") : NULL;
}

/* Waits SECONDS at most for PID.  1 and *STATUS when it has ended, else 0.  */
static int
wait_for (pid_t pid, int fd, double seconds, int *status)
{
  double end = clock__seconds () + seconds;
  for (;;)
    {
      pid_t got = waitpid (pid, status, WNOHANG);
      if (got == pid)
        return 1;
      if (got < 0 && errno != EINTR)
        {
          *status = -1;
          return 1;
        }
      double left = end - clock__seconds ();
      if (left <= 0)
        return 0;
      if (fd >= 0)
        {
          struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
          poll (&poll_fd, 1, left > 60 ? 60000 : (int) (left * 1000) + 1);
        }
      else
        usleep (5000);
    }
}

/* Ends the whole process group of PID.  */
static void
end_group (pid_t pid, int fd, int *status)
{
  kill (-pid, SIGTERM);
  if (!wait_for (pid, fd, grace_after_term, status))
    {
      kill (-pid, SIGKILL);
      while (waitpid (pid, status, 0) < 0 && errno == EINTR)
        ;
    }
  else
    kill (-pid, SIGKILL); /* those that it left behind */
}

/* Starts COMMAND with ARGUMENTS, detached from the compiler's files.  0 and *PID, or an errno.  */
static int
start (const char *command, char *const *arguments, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  int error = posix_spawn_file_actions_init (&actions);
  if (error)
    return error;
  error = posix_spawnattr_init (&attributes);
  if (error)
    {
      posix_spawn_file_actions_destroy (&actions);
      return error;
    }
  sigemptyset (&none);
  sigfillset (&all);
  posix_spawnattr_setflags (&attributes,
                            POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup (&attributes, 0);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setsigdefault (&attributes, &all);
  error = posix_spawn_file_actions_addopen (&actions, 0, "/dev/null", O_RDONLY, 0);
  if (!error)
    error = posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", O_WRONLY, 0);
  if (!error)
    error = posix_spawn_file_actions_addopen (&actions, 2, "/dev/null", O_WRONLY, 0);
  if (!error)
    error = posix_spawn_file_actions_addclosefrom_np (&actions, 3);
  if (!error)
    error = posix_spawn (pid, command, &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  return error;
}

int
helper__tune (const char *plugin_path, const struct plugin_options *options, const char *cache,
              const char *key, double budget, struct why *why)
{
  char *command = find_command (plugin_path);
  if (!command)
    return why__set (why, REASON_HELPER,
                     "no aiopt command: set AIOPT_HELPER, or install it as " AIOPT_BINDIR "/aiopt");
  char seconds[32];
  snprintf (seconds, sizeof seconds, "%.3f", budget);
  const char *arguments[16];
  unsigned n = 0;
  arguments[n++] = command;
  arguments[n++] = "tune";
  arguments[n++] = "--key";
  arguments[n++] = key;
  arguments[n++] = "--budget";
  arguments[n++] = seconds;
  arguments[n++] = "--quiet";
  arguments[n++] = "--cache";
  arguments[n++] = cache;
  if (options->policy)
    {
      arguments[n++] = "--policy";
      arguments[n++] = options->policy;
    }
  arguments[n] = NULL;

  pid_t pid;
  int status = 0, result = 0;
  int error = start (command, (char *const *) arguments, &pid);
  if (error)
    {
      why__set (why, REASON_HELPER, "%s: %s", command, strerror (error));
      free (command);
      return -1;
    }
#ifdef SYS_pidfd_open
  int fd = (int) syscall (SYS_pidfd_open, pid, 0);
#else
  int fd = -1;
#endif
  if (!wait_for (pid, fd, budget + grace, &status))
    {
      end_group (pid, fd, &status);
      result = why__set (why, REASON_BUDGET, "the helper was ended after %.1f s", budget + grace);
    }
  else if (WIFEXITED (status) && WEXITSTATUS (status) == STATUS_CONFIG)
    result = why__set (why, REASON_HELPER, "a setting is wrong: %s config show says which", command);
  else if (!WIFEXITED (status) || WEXITSTATUS (status) > 2)
    result = why__set (why, REASON_HELPER, WIFEXITED (status) ? "%s ended with status %d"
                                                              : "%s was killed by signal %d",
                       command, WIFEXITED (status) ? WEXITSTATUS (status) : WTERMSIG (status));
  if (fd >= 0)
    close (fd);
  free (command);
  return result;
}
