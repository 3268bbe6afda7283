/* Event names and their encodings, by libpfm4.
   libpfm4 encodes events of CPUs that aren't here where their PMU is named.  The kernel would take
   such a code for an event of its own CPU and count something else, so they are refused.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/counters.h"

#include <linux/perf_event.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is PMU on this machine?  DESCRIPTION gets its name for people.  */
static bool
pmu__is_here (pfm_pmu_t pmu, const char **description)
{
  pfm_pmu_info_t info = { .size = sizeof info };
  *description = "another CPU";
  if (pfm_get_pmu_info (pmu, &info) != PFM_SUCCESS)
    return false;
  *description = info.desc;
  return info.is_present;
}

int
counter__encode (const char *name, struct counter_code *code, char *error, size_t size)
{
  struct perf_event_attr attribute = { .size = sizeof attribute };
  pfm_perf_encode_arg_t encoded = { .attr = &attribute, .size = sizeof encoded };
  pfm_event_info_t info = { .size = sizeof info };
  const char *inactive = getenv ("LIBPFM_ENCODE_INACTIVE"), *description;
  int result = pfm_initialize ();
  if (result != PFM_SUCCESS)
    {
      snprintf (error, size, "event '%.80s': libpfm4 doesn't start: %s", name,
                pfm_strerror (result));
      return -1;
    }
  result = pfm_get_os_event_encoding (name, PFM_PLM3, PFM_OS_PERF_EVENT, &encoded);
  if (result != PFM_SUCCESS)
    {
      snprintf (error, size,
                "event '%.80s': %s; expected a libpfm4 name, [PMU::]EVENT[:UMASK][:MODIFIER]", name,
                pfm_strerror (result));
      return -1;
    }
  result = pfm_get_event_info (encoded.idx, PFM_OS_PERF_EVENT, &info);
  if ((!inactive || strcmp (inactive, "1") != 0)
      && (result != PFM_SUCCESS || !pmu__is_here (info.pmu, &description)))
    {
      snprintf (error, size, "event '%.80s': an event of %s, which isn't this machine's CPU", name,
                result == PFM_SUCCESS ? description : "another CPU");
      return -1;
    }
  if (attribute.exclude_user || !attribute.exclude_kernel)
    {
      snprintf (error, size, "event '%.80s': asks for kernel mode; only user mode is counted",
                name);
      return -1;
    }
  *code = (struct counter_code){ .type = attribute.type,
                                 .config = attribute.config,
                                 .config1 = attribute.config1,
                                 .config2 = attribute.config2 };
  return 0;
}
