/* What this machine grants of its counters, and which setting would grant more.
   Sources: perf_event_open(2); the kernel's Documentation/admin-guide/perf-security.rst; Debian's
   kernels know perf_event_paranoid 3, which keeps all of it from users without CAP_PERFMON.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/counters.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#if defined __x86_64__
#include <cpuid.h>
#endif

const char *
rung__name (enum rung rung)
{
  static const char *const name[RUNGS]
      = { "none",       "PMU group",          "PMU alone", "kernel event",
          "task clock", "time-stamp counter", "raw clock" };
  return (unsigned)rung < RUNGS ? name[rung] : "?";
}

/* The number that is all of FILE, or INT_MIN.  */
static int
read_number (const char *file)
{
  FILE *f = fopen (file, "re");
  int number = INT_MIN;
  if (f && fscanf (f, "%d", &number) != 1)
    number = INT_MIN;
  if (f)
    fclose (f);
  return number;
}

/* Is one of the capabilities that perf_event_open asks for in force?  */
static bool
has_perfmon (void)
{
  enum
  {
    SYS_ADMIN = 21, /* linux/capability.h */
    PERFMON = 38
  };
  FILE *f = fopen ("/proc/self/status", "re");
  char line[256];
  unsigned long long effective = 0;
  while (f && fgets (line, sizeof line, f))
    if (sscanf (line, "CapEff: %llx", &effective) == 1)
      break;
  if (f)
    fclose (f);
  return effective >> SYS_ADMIN & 1 || effective >> PERFMON & 1;
}

void
counter_setting__read (struct counter_setting *setting)
{
  *setting
      = (struct counter_setting){ .paranoid = read_number ("/proc/sys/kernel/perf_event_paranoid"),
                                  .perfmon = has_perfmon (),
                                  .watchdog = read_number ("/proc/sys/kernel/nmi_watchdog") == 1 };
#if defined __x86_64__
  unsigned a, b, c, d;
  if (__get_cpuid (1, &a, &b, &c, &d))
    setting->guest = c >> 31 & 1; /* set by hypervisors, reserved on bare machines */
#endif
}

bool
counters__tsc (void)
{
#if defined __x86_64__
  unsigned a, b, c, d;
  return __get_cpuid (0x80000001, &a, &b, &c, &d) && d >> 27 & 1 /* RDTSCP */
         && __get_cpuid (0x80000007, &a, &b, &c, &d) && d >> 8 & 1 /* invariant TSC */;
#else
  return false;
#endif
}

void
counters__explain (int error, const struct counter_setting *setting, char *why, char *hint,
                   size_t size)
{
  /* User mode is everyone's up to 2.  */
  enum
  {
    PARANOID_USER_MODE = 2
  };
  *hint = '\0';
  switch (error)
    {
    case EACCES:
    case EPERM:
      if (setting->paranoid > PARANOID_USER_MODE && !setting->perfmon)
        {
          snprintf (why, size, "not permitted: perf_event_paranoid is %d", setting->paranoid);
          snprintf (hint, size,
                    "sysctl kernel.perf_event_paranoid=2, or CAP_PERFMON (setcap cap_perfmon=ep)");
        }
      else
        {
          snprintf (why, size,
                    "not permitted: a system-call filter or security module forbids it%s",
                    setting->paranoid == INT_MIN ? " (perf_event_paranoid can't be read)" : "");
          snprintf (hint, size,
                    "docker run --cap-add PERFMON, or a seccomp profile with perf_event_open");
        }
      return;
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
      snprintf (why, size, "no hardware counters: %s",
                setting->guest ? "a virtual machine without a PMU"
                               : "the kernel drives no PMU here");
      snprintf (hint, size, "%s",
                setting->guest ? "a virtual PMU (QEMU/KVM: -cpu host,pmu=on), or a bare machine"
                               : "a kernel with CONFIG_HW_PERF_EVENTS that knows this CPU");
      return;
    case ENOSYS:
      snprintf (why, size, "no perf_event_open in this kernel or container");
      snprintf (hint, size, "a kernel with CONFIG_PERF_EVENTS (gVisor and the like have none)");
      return;
    case EBUSY:
      snprintf (why, size, "another program holds the counters");
      snprintf (hint, size, "%s",
                setting->watchdog ? "sysctl kernel.nmi_watchdog=0 frees one"
                                  : "end the other program");
      return;
    case EMFILE:
      snprintf (why, size, "too many open files");
      snprintf (hint, size, "ulimit -n");
      return;
    default:
      snprintf (why, size, "perf_event_open: %s", strerror (error));
    }
}

enum rung
counters__granted (char *why, char *hint, size_t size)
{
  enum
  {
    WORK = 1000000 /* steps; a millisecond or so */
  };
  double value[COUNTERS_MAX];
  struct counter_setting setting;
  struct counters *counters = counters__new (NULL, why, size);
  *hint = '\0';
  if (!counters)
    return RUNG_NONE;
  counter_setting__read (&setting);
  if (counters__open (counters, 0))
    for (volatile unsigned i = 0; i < WORK; i++)
      ;
  counters__close (counters, value);
  unsigned grouped = 0, alone = 0, missing = COUNTERS_STANDARD;
  for (unsigned i = COUNTERS_STANDARD; i-- > 0;)
    {
      grouped += counters__rung (counters, i) == RUNG_GROUP;
      alone += counters__rung (counters, i) == RUNG_ALONE;
      if (counters__rung (counters, i) == RUNG_NONE)
        missing = i;
    }
  if (grouped + alone == 0)
    counters__explain (counters__error (counters, COUNTER_CYCLES), &setting, why, hint, size);
  else if (grouped == COUNTERS_STANDARD)
    snprintf (why, size,
              "cycles, instructions, branches, branch and cache misses, in user mode, as a group");
  else
    {
      snprintf (why, size, "%u of %d events in user mode, %u of them as a group%s%s",
                grouped + alone, COUNTERS_STANDARD, grouped,
                missing < COUNTERS_STANDARD ? "; without " : "",
                missing < COUNTERS_STANDARD ? counters__name (counters, missing) : "");
      if (setting.watchdog)
        snprintf (hint, size, "sysctl kernel.nmi_watchdog=0 frees a counter");
    }
  counters__free (counters);
  return grouped == COUNTERS_STANDARD ? RUNG_GROUP : grouped + alone ? RUNG_ALONE : RUNG_NONE;
}
