/* Hardware counters of a child process.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const event_name[COUNTERS]
    = { "PERF_COUNT_HW_CPU_CYCLES", "PERF_COUNT_HW_INSTRUCTIONS" };

/* /proc/sys/kernel/perf_event_paranoid, or -2 where it can't be read.  */
static int
paranoid_level (void)
{
  FILE *f = fopen ("/proc/sys/kernel/perf_event_paranoid", "re");
  int level = -2;
  if (f && fscanf (f, "%d", &level) != 1)
    level = -2;
  if (f)
    fclose (f);
  return level;
}

/* What ERROR of perf_event_open means here.  */
static void
explain (int error, char *why, size_t size)
{
  switch (error)
    {
    case EACCES:
    case EPERM:
      snprintf (why, size,
                "not permitted (perf_event_paranoid is %d; `sysctl kernel.perf_event_paranoid=2` "
                "grants it)",
                paranoid_level ());
      break;
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
      snprintf (why, size,
                "this machine offers no hardware counters (a virtual machine without a PMU?)");
      break;
    case ENOSYS:
      snprintf (why, size, "this kernel or container has no perf_event_open");
      break;
    default:
      snprintf (why, size, "perf_event_open: %s", strerror (error));
    }
}

/* Opens the event NAME on PID (0: ourselves).  The descriptor, or -1 with errno.  */
static int
event__open (const char *name, pid_t pid)
{
  struct perf_event_attr attribute = { .size = sizeof attribute };
  pfm_perf_encode_arg_t code = { .attr = &attribute, .size = sizeof code };
  if (pfm_initialize () != PFM_SUCCESS
      || pfm_get_os_event_encoding (name, PFM_PLM3, PFM_OS_PERF_EVENT, &code) != PFM_SUCCESS)
    return errno = EOPNOTSUPP, -1;
  attribute.disabled = 1;
  attribute.enable_on_exec = pid != 0;
  attribute.inherit = 1;
  attribute.exclude_kernel = 1;
  attribute.exclude_hv = 1;
  attribute.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return (int)syscall (SYS_perf_event_open, &attribute, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

bool
counters__open (struct counters *counters, pid_t pid, char *why, size_t size)
{
  int error = 0;
  bool any = false;
  for (unsigned i = 0; i < COUNTERS; i++)
    {
      counters->fd[i] = event__open (event_name[i], pid);
      if (counters->fd[i] < 0 && !error)
        error = errno;
      any |= counters->fd[i] >= 0;
    }
  if (!any)
    explain (error, why, size);
  return any;
}

void
counters__close (struct counters *counters, double value[COUNTERS])
{
  for (unsigned i = 0; i < COUNTERS; i++)
    {
      value[i] = -1;
      if (counters->fd[i] < 0)
        continue;
      uint64_t data[3]; /* value, time enabled, time running */
      if (read (counters->fd[i], data, sizeof data) == sizeof data && data[2] > 0)
        value[i] = (double)data[0] * ((double)data[1] / (double)data[2]);
      close (counters->fd[i]);
      counters->fd[i] = -1;
    }
}

bool
counters__available (char *why, size_t size)
{
  struct counters counters;
  double value[COUNTERS];
  if (!counters__open (&counters, 0, why, size))
    return false;
  counters__close (&counters, value);
  return true;
}
