/* Who holds a lease, and is it still there?
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The time process PID started, in clock ticks since boot (proc(5), stat, field 22); 0 unknown.
   A number used again by another process has another start.  */
static int64_t
process__start (int64_t pid)
{
  char path[64], text[1024];
  snprintf (path, sizeof path, "/proc/%lld/stat", (long long)pid);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t n = read (fd, text, sizeof text - 1);
  close (fd);
  if (n <= 0)
    return 0;
  text[n] = '\0';
  /* The command's name may hold anything, parentheses too: the last one ends it.  */
  char *p = strrchr (text, ')');
  for (int field = 2; p && field < 22; field++)
    p = strchr (p + 1, ' ');
  return p ? strtoll (p + 1, NULL, 10) : 0;
}

void
owner__self (struct owner *owner)
{
  char name[65] = "", boot[40] = "", space[32] = "";
  gethostname (name, sizeof name - 1);
  int fd = open ("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd >= 0)
    {
      ssize_t n = read (fd, boot, 36);
      boot[n > 0 ? n : 0] = '\0';
      close (fd);
    }
  /* Containers share the boot and may share the name, but not their process numbers.  */
  ssize_t n = readlink ("/proc/self/ns/pid", space, sizeof space - 1);
  space[n > 0 ? n : 0] = '\0';
  snprintf (owner->host, sizeof owner->host, "%s/%s/%s", name, boot, space);
  owner->pid = getpid ();
  owner->start = process__start (owner->pid);
}

bool
owner__alive (const struct owner *self, const char *host, int64_t pid, int64_t start)
{
  if (!host || strcmp (self->host, host) != 0 || pid <= 0)
    return true;
  if (kill ((pid_t)pid, 0) != 0 && errno == ESRCH)
    return false;
  int64_t now = process__start (pid);
  return !now || !start || now == start;
}
