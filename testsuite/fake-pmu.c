/* Takes the place of libc's syscall in the program that it is linked with, or that it is preloaded
   into.  An event is a memory file that holds what read () of the real one would give.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/fake-pmu.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *how;
static bool how_is_set;

void
fake_pmu__set (const char *word)
{
  how = word;
  how_is_set = true;
}

static bool
is (const char *word)
{
  return strcmp (how, word) == 0;
}

static int
fail (int error)
{
  errno = error;
  return -1;
}

/* perf_event_open of ATTRIBUTE in GROUP.  */
static int
fake_open (const struct perf_event_attr *attribute, int group)
{
  enum
  {
    SMALL = 3
  };
  bool grouped = attribute->read_format & PERF_FORMAT_GROUP;
  bool on_pmu = attribute->type != PERF_TYPE_SOFTWARE;
  uint64_t enabled = 4000, running = on_pmu && is ("shared") ? 1000 : 4000,
           count = 1000 * (attribute->config + 1);
  if (atoi (how))
    return fail (atoi (how));
  if (!attribute->exclude_kernel || !attribute->inherit || (grouped && is ("old")))
    return fail (EINVAL);
  if (grouped && is ("starved"))
    running = count = 0;
  int fd = memfd_create ("event", MFD_CLOEXEC);
  if (!grouped)
    {
      uint64_t data[3] = { count, enabled, running };
      return pwrite (fd, data, sizeof data, 0) == sizeof data ? fd : -1;
    }
  uint64_t n = 0, head[3] = { 0, enabled, running };
  if (group >= 0 && pread (group, &n, sizeof n, 0) != sizeof n)
    return fail (EBADF);
  if (n == SMALL && is ("small"))
    {
      close (fd);
      return fail (EINVAL);
    }
  head[0] = n + 1;
  int leader = group >= 0 ? group : fd;
  if (pwrite (leader, head, sizeof head, 0) != sizeof head
      || pwrite (leader, &count, sizeof count, (off_t)(sizeof head + n * sizeof count))
             != sizeof count)
    return -1;
  return fd;
}

__attribute__ ((visibility ("default"))) long
syscall (long number, ...)
{
  va_list list;
  long argument[6];
  va_start (list, number);
  for (int i = 0; i < 6; i++)
    argument[i] = va_arg (list, long);
  va_end (list);
  if (!how_is_set)
    fake_pmu__set (getenv ("AIOPT_FAKE_PMU"));
  if (number == SYS_perf_event_open && how && *how)
    return fake_open ((const struct perf_event_attr *)argument[0], (int)argument[3]);
  long (*real) (long, ...) = (long (*) (long, ...))dlsym (RTLD_NEXT, "syscall");
  return real (number, argument[0], argument[1], argument[2], argument[3], argument[4],
               argument[5]);
}
