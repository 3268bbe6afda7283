/* A PMU that isn't there: perf_event_open's answers, made up.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_FAKE_PMU_H
#define AIOPT_FAKE_PMU_H

/* What syscall (SYS_perf_event_open) does from now on; AIOPT_FAKE_PMU, by the same words, says so
   for a program that this file was preloaded into.  NULL or "": what the kernel does.
   A number: fails with that errno.
   "group": hardware events count.
   "old": group reads of inherited events are EINVAL.
   "small": the group takes three events; more are EINVAL.
   "shared": a fourth of the time on the PMU.
   "starved": the group never gets its turn; events alone do.
   An event counts 1000 (CONFIG + 1) steps in all that it was on the PMU.  */
void fake_pmu__set (const char *how);

#endif
