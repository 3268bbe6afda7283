/* Counting a child process.
   Hardware events are opened as one group, so that all of them see the same moments and ratios of
   them (instructions a cycle) mean something.  The group is given up, event by event or whole,
   where the kernel doesn't take it: kernels before 4.13 know no group reads of inherited events, a
   PMU may have fewer counters than the group has events, and a group that never gets its turn shows
   only in the time for which it was counted.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum
{
  WHY_SIZE = 200
};

struct counter
{
  char name[COUNTERS_NAME_SIZE];
  struct counter_code code;
  int fd;      /* -1: not open */
  bool member; /* of the group; its value is read from the leader */
  int error;   /* of the last opening: 0, or errno */
  enum rung rung;
  double share;
  char why[WHY_SIZE];
};

struct counters
{
  unsigned n;
  struct counter counter[COUNTERS_MAX];
  int leader;    /* index of the group's leader, or -1 */
  bool no_group; /* a group was tried, and can't be had */
  struct counter_setting setting;
};

static const struct
{
  const char *name, *slug, *key, *event;
} standard[COUNTERS_STANDARD] = {
  [COUNTER_CYCLES] = { "user cycles", "cycles", "user_cycles", "PERF_COUNT_HW_CPU_CYCLES" },
  [COUNTER_INSTRUCTIONS]
  = { "user instructions", "instructions", "user_instructions", "PERF_COUNT_HW_INSTRUCTIONS" },
  [COUNTER_BRANCHES]
  = { "user branches", "branches", "user_branches", "PERF_COUNT_HW_BRANCH_INSTRUCTIONS" },
  [COUNTER_BRANCH_MISSES]
  = { "branch misses", "branch-misses", "user_branch_misses", "PERF_COUNT_HW_BRANCH_MISSES" },
  [COUNTER_CACHE_MISSES]
  = { "cache misses", "cache-misses", "user_cache_misses", "PERF_COUNT_HW_CACHE_MISSES" },
};

/* Adds EVENT under NAME.  0, or -1 and ERROR.  */
static int
counters__add (struct counters *counters, const char *name, const char *event, char *error,
               size_t size)
{
  struct counter *c = &counters->counter[counters->n];
  if (counters->n == COUNTERS_MAX)
    {
      snprintf (error, size,
                "event '%.80s': %d events at most, besides the %d that are always counted", event,
                COUNTERS_MAX - COUNTERS_STANDARD, COUNTERS_STANDARD);
      return -1;
    }
  if (strlen (name) > COUNTERS_NAME_SIZE - 1)
    {
      snprintf (error, size, "event '%.80s...': a name of %d bytes at most", name,
                COUNTERS_NAME_SIZE - 1);
      return -1;
    }
  for (unsigned i = COUNTERS_STANDARD; i < counters->n; i++)
    if (strcmp (counters->counter[i].name, name) == 0)
      {
        snprintf (error, size, "event '%.80s' is named twice", name);
        return -1;
      }
  if (counter__encode (event, &c->code, error, size) != 0)
    return -1;
  strcpy (c->name, name);
  c->fd = -1;
  c->share = 1;
  counters->n++;
  return 0;
}

struct counters *
counters__new (const char *extra, char *error, size_t size)
{
  struct counters *counters = calloc (1, sizeof *counters);
  char *words = extra ? strdup (extra) : NULL, *save = NULL;
  if (!counters || (extra && !words))
    {
      snprintf (error, size, "out of memory");
      free (counters);
      free (words);
      return NULL;
    }
  counters->leader = -1;
  counter_setting__read (&counters->setting);
  int result = 0;
  for (unsigned i = 0; result == 0 && i < COUNTERS_STANDARD; i++)
    result = counters__add (counters, standard[i].name, standard[i].event, error, size);
  if (result == 0 && words && !words[strspn (words, ",")])
    {
      snprintf (error, size, "events '%.80s': expected names with commas between them", words);
      result = -1;
    }
  for (char *word = words ? strtok_r (words, ",", &save) : NULL; word && result == 0;
       word = strtok_r (NULL, ",", &save))
    result = counters__add (counters, word, word, error, size);
  free (words);
  if (result == 0)
    return counters;
  counters__free (counters);
  return NULL;
}

/* Opens C on PID, in the group of descriptor GROUP (-1: none) or as the leader of one.  The
   descriptor, or -1 with errno.  */
static int
counter__open (const struct counter *c, pid_t pid, int group, bool leads)
{
  struct perf_event_attr attribute = { .size = sizeof attribute,
                                       .type = c->code.type,
                                       .config = c->code.config,
                                       .config1 = c->code.config1,
                                       .config2 = c->code.config2,
                                       .inherit = 1,
                                       .exclude_kernel = 1,
                                       .exclude_hv = 1 };
  /* Members go with their leader.  */
  attribute.disabled = group < 0;
  attribute.enable_on_exec = group < 0 && pid != 0;
  attribute.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  if (leads || group >= 0)
    attribute.read_format |= PERF_FORMAT_GROUP;
  return (int)syscall (SYS_perf_event_open, &attribute, pid, -1, group, PERF_FLAG_FD_CLOEXEC);
}

/* Opens event I as high on the ladder as the kernel allows.  */
static void
open_one (struct counters *counters, unsigned i, pid_t pid)
{
  struct counter *c = &counters->counter[i];
  bool grouped = c->code.type != PERF_TYPE_SOFTWARE && !counters->no_group;
  c->member = false;
  if (grouped && counters->leader < 0)
    {
      c->fd = counter__open (c, pid, -1, true);
      if (c->fd >= 0)
        counters->leader = (int)i;
      else if (errno == EINVAL)
        counters->no_group = true;
    }
  else if (grouped)
    {
      c->fd = counter__open (c, pid, counters->counter[counters->leader].fd, false);
      c->member = c->fd >= 0;
    }
  if (c->fd < 0 && (!grouped || errno == EINVAL))
    c->fd = counter__open (c, pid, -1, false);
  c->error = c->fd < 0 ? errno : 0;
}

bool
counters__open (struct counters *counters, pid_t pid)
{
  bool any = false;
  counters->leader = -1;
  for (unsigned i = 0; i < counters->n; i++)
    {
      open_one (counters, i, pid);
      any |= counters->counter[i].fd >= 0;
    }
  for (unsigned i = 0; pid == 0 && i < counters->n; i++)
    if (counters->counter[i].fd >= 0 && !counters->counter[i].member)
      ioctl (counters->counter[i].fd, PERF_EVENT_IOC_ENABLE, 0);
  return any;
}

/* What event C came to: COUNT, on the PMU for RUNNING of the ENABLED nanoseconds, on RUNG.  */
static double
counter__take (struct counter *c, uint64_t count, uint64_t enabled, uint64_t running,
               enum rung rung)
{
  if (running == 0)
    return -1;
  double share = enabled > running ? (double)running / (double)enabled : 1;
  if (share < c->share)
    c->share = share;
  if (rung > c->rung)
    c->rung = rung;
  return (double)count / share;
}

/* Why C has no value in a run.  A later run that has one doesn't take that back.  */
static void
counter__excuse (struct counter *c, const struct counter_setting *setting)
{
  char hint[WHY_SIZE];
  if (c->error)
    counters__explain (c->error, setting, c->why, hint, sizeof hint);
  else
    snprintf (c->why, sizeof c->why, "never got its turn on the PMU%s",
              setting->watchdog ? ", of which the NMI watchdog holds a counter" : "");
}

/* Reads the group into VALUE.  False where the group never got its turn.  */
static bool
read_group (struct counters *counters, double *value)
{
  struct
  {
    uint64_t n, enabled, running, count[COUNTERS_MAX];
  } group;
  ssize_t got = read (counters->counter[counters->leader].fd, &group, sizeof group);
  unsigned k = 0;
  if (got < (ssize_t)(3 * sizeof (uint64_t)) || group.n > COUNTERS_MAX
      || (size_t)got < (3 + group.n) * sizeof (uint64_t))
    return true;
  for (unsigned i = 0; i < counters->n && k < group.n; i++)
    if ((int)i == counters->leader || counters->counter[i].member)
      value[i] = counter__take (&counters->counter[i], group.count[k++], group.enabled,
                                group.running, RUNG_GROUP);
  return group.running > 0 || group.enabled == 0;
}

void
counters__close (struct counters *counters, double *value)
{
  for (unsigned i = 0; i < counters->n; i++)
    value[i] = -1;
  if (counters->leader >= 0 && !read_group (counters, value))
    counters->no_group = true;
  for (unsigned i = 0; i < counters->n; i++)
    {
      struct counter *c = &counters->counter[i];
      uint64_t data[3]; /* count, time enabled, time running */
      if (c->fd >= 0 && !c->member && (int)i != counters->leader
          && read (c->fd, data, sizeof data) == sizeof data)
        value[i] = counter__take (c, data[0], data[1], data[2],
                                  c->code.type == PERF_TYPE_SOFTWARE ? RUNG_KERNEL : RUNG_ALONE);
      if (value[i] < 0)
        counter__excuse (c, &counters->setting);
    }
  /* The leader last: its group is read and ends with it.  */
  for (unsigned i = counters->n; i-- > 0;)
    {
      if (counters->counter[i].fd >= 0)
        close (counters->counter[i].fd);
      counters->counter[i].fd = -1;
    }
}

void
counters__free (struct counters *counters)
{
  for (unsigned i = 0; counters && i < counters->n; i++)
    if (counters->counter[i].fd >= 0)
      close (counters->counter[i].fd);
  free (counters);
}

unsigned
counters__n (const struct counters *counters)
{
  return counters->n;
}

const char *
counters__name (const struct counters *counters, unsigned i)
{
  return counters->counter[i].name;
}

const char *
counter_id__slug (enum counter_id id)
{
  return standard[id].slug;
}


const char *
counters__key (const struct counters *counters, unsigned i)
{
  return i < COUNTERS_STANDARD ? standard[i].key : counters->counter[i].name;
}

enum rung
counters__rung (const struct counters *counters, unsigned i)
{
  return counters->counter[i].rung;
}

double
counters__share (const struct counters *counters, unsigned i)
{
  return counters->counter[i].share;
}

const char *
counters__why (const struct counters *counters, unsigned i)
{
  return counters->counter[i].why;
}

int
counters__error (const struct counters *counters, unsigned i)
{
  return counters->counter[i].error;
}
