/* Running a compiler: posix_spawn, a pidfd to wait on with a time limit, and the whole process
   group killed when the limit is reached.  Files and directories that go with it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

void
arguments__add (struct arguments *arguments, const char *text)
{
  if (arguments->n + 2 > arguments->size)
    {
      unsigned size = arguments->size ? 2 * arguments->size : 32;
      const char **item = realloc (arguments->item, size * sizeof *item);
      if (!item)
        abort ();
      arguments->item = item;
      arguments->size = size;
    }
  arguments->item[arguments->n++] = text;
  arguments->item[arguments->n] = NULL;
}

void
arguments__add_all (struct arguments *arguments, const struct arguments *more)
{
  for (unsigned i = 0; i < more->n; i++)
    arguments__add (arguments, more->item[i]);
}

void
arguments__free (struct arguments *arguments)
{
  free (arguments->item);
  *arguments = (struct arguments){ 0 };
}

double
clock__now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* Variables that would make a compiler write files, change its language, or carry the outer
   compiler's state into this one.  */
static bool
variable__is_unwanted (const char *setting, bool no_user_headers)
{
  static const char *const headers[] = { "CPATH=", "C_INCLUDE_PATH=", "CPLUS_INCLUDE_PATH=" };
  for (unsigned i = 0; no_user_headers && i < sizeof headers / sizeof *headers; i++)
    if (strncmp (setting, headers[i], strlen (headers[i])) == 0)
      return true;
  static const char *const unwanted[]
    = { "DEPENDENCIES_OUTPUT=", "SUNPRO_DEPENDENCIES=", "COLLECT_GCC=",   "COLLECT_GCC_OPTIONS=",
        "COLLECT_LTO_WRAPPER=", "OFFLOAD_TARGET_NAMES=", "LC_ALL=",       "LANG=",
        "LANGUAGE=",            "GCC_COMPARE_DEBUG=",    "CCC_OVERRIDE_OPTIONS=" };
  for (unsigned i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
    if (strncmp (setting, unwanted[i], strlen (unwanted[i])) == 0)
      return true;
  return false;
}

char **
process__environment (bool no_user_headers)
{
  unsigned n = 0;
  while (environ && environ[n])
    n++;
  char **copy = malloc ((n + 2) * sizeof *copy);
  if (!copy)
    return NULL;
  unsigned kept = 0;
  for (unsigned i = 0; i < n; i++)
    if (!variable__is_unwanted (environ[i], no_user_headers))
      copy[kept++] = environ[i];
  copy[kept++] = (char *) "LC_ALL=C";
  copy[kept] = NULL;
  return copy;
}

void
process__attributes (posix_spawnattr_t *attributes)
{
  posix_spawnattr_init (attributes);
  sigset_t none, defaults;
  sigemptyset (&none);
  sigemptyset (&defaults);
  sigaddset (&defaults, SIGPIPE);
  sigaddset (&defaults, SIGINT);
  sigaddset (&defaults, SIGTERM);
  posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK
                                          | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup (attributes, 0);
  posix_spawnattr_setsigmask (attributes, &none);
  posix_spawnattr_setsigdefault (attributes, &defaults);
}

/* Puts before ARGUMENTS, in LIMITED, the shell that takes LIMITS upon itself and becomes the program: so they hold from its first
   instruction on, and for its children.  A limit that is lower already stays.  SETTINGS keeps the words.  */
static void
arguments__limit (const struct arguments *arguments, const struct process_limits *limits, struct arguments *limited,
                  char settings[160])
{
  enum { BLOCK = 512, KIB = 1024 }; /* the units of ulimit -f and -v (POSIX, dash(1)) */
  int n = snprintf (settings, 160, "ulimit -c 0;");
  if (limits->memory)
    n += snprintf (settings + n, 160 - (size_t) n, "ulimit -v %zu 2>/dev/null;", limits->memory / KIB);
  if (limits->file)
    n += snprintf (settings + n, 160 - (size_t) n, "ulimit -f %zu 2>/dev/null;", limits->file / BLOCK);
  if (limits->seconds)
    n += snprintf (settings + n, 160 - (size_t) n, "ulimit -t %u 2>/dev/null;", limits->seconds);
  snprintf (settings + n, 160 - (size_t) n, "exec \"$@\"");
  arguments__add (limited, "/bin/sh");
  arguments__add (limited, "-c");
  arguments__add (limited, settings);
  arguments__add (limited, "sh");
  arguments__add_all (limited, arguments);
}

/* Starts ARGUMENTS as the leader of a new process group.  0 and *PID, or an errno value.  */
static int
process__start (const struct arguments *arguments, const struct process_options *options,
                pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init (&actions);
  process__attributes (&attributes);
  posix_spawn_file_actions_addopen (&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&actions, 1, options->output ? options->output : "/dev/null",
                                    O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen (&actions, 2, options->errors ? options->errors : "/dev/null",
                                    O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (options->directory)
    posix_spawn_file_actions_addchdir_np (&actions, options->directory);
  char **environment = process__environment (options->no_user_headers);
  struct arguments limited = { 0 };
  char settings[160];
  if (options->limits)
    {
      arguments__limit (arguments, options->limits, &limited, settings);
      arguments = &limited;
    }
  int error = posix_spawnp (pid, arguments->item[0], &actions, &attributes,
                            (char *const *) arguments->item, environment ? environment : environ);
  arguments__free (&limited);
  free (environment);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  return error;
}

/* Waits for PID until DEADLINE or *STOP.  True and *STATUS where it ended.  */
static bool
process__wait (pid_t pid, double deadline, const volatile sig_atomic_t *stop, int *status)
{
  int fd = (int) syscall (SYS_pidfd_open, pid, 0);
  for (;;)
    {
      pid_t ended = waitpid (pid, status, WNOHANG);
      if (ended == pid || (ended < 0 && errno == ECHILD))
        {
          if (fd >= 0)
            close (fd);
          return ended == pid;
        }
      double left = deadline - clock__now ();
      if (left <= 0 || (stop && *stop))
        break;
      /* The flag may be set just before poll: look at it ten times a second.  */
      int wait_ms = left > 0.1 ? 100 : (int) (left * 1000) + 1;
      if (fd >= 0)
        {
          struct pollfd ready = { .fd = fd, .events = POLLIN };
          poll (&ready, 1, wait_ms);
        }
      else
        usleep (2000);
    }
  if (fd >= 0)
    close (fd);
  return false;
}

int
process__run (const struct arguments *arguments, const struct process_options *options,
              struct why *why)
{
  pid_t pid;
  int error = process__start (arguments, options, &pid);
  if (error)
    return why__set (why, REASON_POLICY_FAILED, "%s: %s", arguments->item[0], strerror (error));
  int status = 0;
  double limit = options->limit_seconds > 0 ? options->limit_seconds : 30;
  if (!process__wait (pid, clock__now () + limit, options->stop, &status))
    {
      kill (-pid, SIGKILL);
      while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
        ;
      if (options->stop && *options->stop)
        return why__set (why, REASON_BUDGET, "interrupted while running %s", arguments->item[0]);
      return why__set (why, REASON_POLICY_TIMEOUT, "%s ran longer than %g s", arguments->item[0],
                       limit);
    }
  /* A driver that was killed may leave its cc1 behind.  */
  kill (-pid, SIGKILL);
  if (WIFSIGNALED (status))
    return why__set (why, REASON_POLICY_FAILED, "%s: signal %d", arguments->item[0],
                     WTERMSIG (status));
  /* The shell's word for a program that isn't there.  */
  if (options->limits && WEXITSTATUS (status) == 127)
    return why__set (why, REASON_POLICY_FAILED, "%s can't be run", arguments->item[0]);
  if (WEXITSTATUS (status))
    return why__set (why, REASON_POLICY_FAILED, "%s: exit status %d", arguments->item[0],
                     WEXITSTATUS (status));
  return 0;
}

char *
file__read (const char *path, size_t max, size_t *length)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  struct stat info;
  char *text = NULL;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && (uint64_t) info.st_size <= max)
    text = malloc ((size_t) info.st_size + 1);
  size_t got = 0;
  while (text && got < (size_t) info.st_size)
    {
      ssize_t n = read (fd, text + got, (size_t) info.st_size - got);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          free (text);
          text = NULL;
        }
      if (n <= 0)
        break;
      got += (size_t) n;
    }
  close (fd);
  if (!text)
    return NULL;
  text[got] = 0;
  if (length)
    *length = got;
  return text;
}

int
file__write (const char *path, const char *text, size_t length)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return -1;
  while (length)
    {
      ssize_t n = write (fd, text, length);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          close (fd);
          return -1;
        }
      text += n;
      length -= (size_t) n;
    }
  return close (fd);
}

/* Removes what is in the directory open as FD, which is closed.  */
static void
directory__empty (int fd)
{
  DIR *directory = fdopendir (fd);
  if (!directory)
    {
      close (fd);
      return;
    }
  for (struct dirent *entry; (entry = readdir (directory));)
    {
      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
        continue;
      if (unlinkat (fd, entry->d_name, 0) == 0)
        continue;
      int child = openat (fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (child >= 0)
        directory__empty (child);
      unlinkat (fd, entry->d_name, AT_REMOVEDIR);
    }
  closedir (directory);
}

void
directory__remove (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0)
    directory__empty (fd);
  rmdir (path);
}

char *
directory__temporary (const char *prefix)
{
  const char *base = getenv ("TMPDIR");
  if (!base || base[0] != '/')
    base = "/tmp";
  char *path;
  if (asprintf (&path, "%s/%sXXXXXX", base, prefix) < 0)
    return NULL;
  if (!mkdtemp (path))
    {
      free (path);
      return NULL;
    }
  return path;
}
