/* Counters on machines that have them, have few, share them, or have none: encodings of events by
   libpfm4's tables, and the ladder by a PMU that is made up.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/counters.h"
#include "testsuite/fake-pmu.h"

#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* needs some of the above */

enum
{
  SIZE = 240
};

/* Codes from the vendors' manuals: Intel SDM vol. 3 ch. 20 (architectural events), AMD PPR for
   family 19h (PMCx0C0, PMCx076, PMCx0C3); the generic ones are those of linux/perf_event.h.  */
static void
encodings (void **state)
{
  (void)state;
  static const struct
  {
    const char *name;
    uint32_t type;
    uint64_t config;
  } known[] = {
    { "PERF_COUNT_HW_CPU_CYCLES", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
    { "PERF_COUNT_HW_INSTRUCTIONS", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
    { "PERF_COUNT_HW_CACHE_MISSES", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
    { "PERF_COUNT_HW_BRANCH_INSTRUCTIONS", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
    { "PERF_COUNT_HW_BRANCH_MISSES", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
    { "PERF_COUNT_SW_PAGE_FAULTS", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
    { "PERF_COUNT_HW_CACHE_LL:READ:MISS", PERF_TYPE_HW_CACHE, 0x10002 },
    { "skl::INST_RETIRED:ANY_P", PERF_TYPE_RAW, 0xc0 },
    { "skl::BR_INST_RETIRED:ALL_BRANCHES", PERF_TYPE_RAW, 0xc4 },
    { "skl::LONGEST_LAT_CACHE:MISS", PERF_TYPE_RAW, 0x412e },
    { "icl::INST_RETIRED:ANY_P", PERF_TYPE_RAW, 0xc0 },
    { "amd64_fam19h_zen4::RETIRED_INSTRUCTIONS", PERF_TYPE_RAW, 0xc0 },
    { "amd64_fam19h_zen4::CYCLES_NOT_IN_HALT", PERF_TYPE_RAW, 0x76 },
    { "amd64_fam19h_zen4::RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED", PERF_TYPE_RAW, 0xc3 },
    { "amd64_fam19h_zen4::RETIRED_INSTRUCTIONS:c=1", PERF_TYPE_RAW, 0x10000c0 },
    { "amd64_fam19h_zen4::RETIRED_INSTRUCTIONS:u", PERF_TYPE_RAW, 0xc0 },
  };
  setenv ("LIBPFM_ENCODE_INACTIVE", "1", 1);
  for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
    {
      struct counter_code code;
      char error[SIZE] = "";
      if (counter__encode (known[i].name, &code, error, sizeof error) != 0)
        fail_msg ("%s", error);
      if (code.type != known[i].type || code.config != known[i].config)
        fail_msg ("%s: type %u, config %#llx", known[i].name, code.type,
                  (unsigned long long)code.config);
    }
  unsetenv ("LIBPFM_ENCODE_INACTIVE");
}

static void
refused (const char *name, const char *because)
{
  struct counter_code code;
  char error[SIZE] = "";
  assert_int_equal (counter__encode (name, &code, error, sizeof error), -1);
  if (!strstr (error, name) || !strstr (error, because))
    fail_msg ("%s: %s", name, error);
}

static void
names_that_are_none (void **state)
{
  (void)state;
  refused ("no-such-event", "event not found");
  refused ("PERF_COUNT_HW_CPU_CYCLES:no-such-modifier", "invalid");
  refused ("PERF_COUNT_SW_PAGE_FAULTS:k", "only user mode");
  refused ("PERF_COUNT_SW_PAGE_FAULTS:u:k", "only user mode");
  /* No machine is both.  */
  struct counter_code code;
  char error[SIZE];
  bool intel = counter__encode ("skl::INST_RETIRED:ANY_P", &code, error, sizeof error) == 0;
  bool amd = counter__encode ("amd64_k7::RETIRED_INSTRUCTIONS", &code, error, sizeof error) == 0;
  assert_false (intel && amd);
  if (!intel)
    refused ("skl::INST_RETIRED:ANY_P", "isn't this machine's CPU");
}

static void
lists_that_are_none (void **state)
{
  (void)state;
  static const struct
  {
    const char *list, *error;
  } bad[] = {
    { "page-faults,none-such", "'none-such'" },
    { "page-faults,cs,page-faults", "'page-faults' is named twice" },
    { "", "expected names" },
    { ",,", "expected names" },
    { "cycles,cycles:u,cycles:u=1,instructions,instructions:u,branches,branches:u,branch-misses,"
      "branch-misses:u,cache-misses,cache-misses:u,page-faults",
      "11 events at most" },
  };
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      char error[SIZE] = "";
      assert_null (counters__new (bad[i].list, error, sizeof error));
      if (!strstr (error, bad[i].error))
        fail_msg ("'%s': %s", bad[i].list, error);
    }
}

/* Counts this process with EXTRA once, where perf_event_open answers HOW.  */
static struct counters *
count (const char *how, const char *extra, double value[COUNTERS_MAX])
{
  char error[SIZE];
  struct counters *counters = counters__new (extra, error, sizeof error);
  assert_non_null (counters);
  fake_pmu__set (how);
  counters__open (counters, 0);
  counters__close (counters, value);
  return counters;
}

/* The made-up PMU counts 1000 (CONFIG + 1), and a standard event's CONFIG is known.  */
static void
assert_standard_values (const double *value)
{
  static const double expected[COUNTERS_STANDARD] = { 1000, 2000, 5000, 6000, 4000 };
  for (unsigned i = 0; i < COUNTERS_STANDARD; i++)
    if (value[i] != expected[i])
      fail_msg ("event %u: %g, expected %g", i, value[i], expected[i]);
}

static void
a_group (void **state)
{
  (void)state;
  double value[COUNTERS_MAX];
  struct counters *counters = count ("group", "PERF_COUNT_HW_REF_CPU_CYCLES,page-faults", value);
  assert_int_equal (counters__n (counters), COUNTERS_STANDARD + 2);
  assert_standard_values (value);
  assert_true (value[COUNTERS_STANDARD] == 1000 * (PERF_COUNT_HW_REF_CPU_CYCLES + 1));
  for (unsigned i = 0; i <= COUNTERS_STANDARD; i++)
    {
      assert_int_equal (counters__rung (counters, i), RUNG_GROUP);
      assert_true (counters__share (counters, i) == 1);
      assert_string_equal (counters__why (counters, i), "");
    }
  assert_int_equal (counters__rung (counters, COUNTERS_STANDARD + 1), RUNG_KERNEL);
  assert_string_equal (counters__name (counters, COUNTERS_STANDARD + 1), "page-faults");
  assert_string_equal (counters__key (counters, COUNTER_BRANCH_MISSES), "user_branch_misses");
  counters__free (counters);
}

/* A fourth of the time on the PMU: values are scaled, and it is known.  */
static void
multiplexing (void **state)
{
  (void)state;
  double value[COUNTERS_MAX];
  struct counters *counters = count ("shared", NULL, value);
  assert_true (value[COUNTER_CYCLES] == 4000 && value[COUNTER_CACHE_MISSES] == 16000);
  assert_true (counters__share (counters, COUNTER_CYCLES) == 0.25);
  /* A run without it doesn't make it undone.  */
  fake_pmu__set ("group");
  counters__open (counters, 0);
  counters__close (counters, value);
  assert_standard_values (value);
  assert_true (counters__share (counters, COUNTER_CYCLES) == 0.25);
  counters__free (counters);
}

static void
no_group_reads_of_inherited_events (void **state)
{
  (void)state;
  double value[COUNTERS_MAX];
  struct counters *counters = count ("old", NULL, value);
  assert_standard_values (value);
  for (unsigned i = 0; i < COUNTERS_STANDARD; i++)
    assert_int_equal (counters__rung (counters, i), RUNG_ALONE);
  counters__free (counters);
}

static void
more_events_than_the_group_takes (void **state)
{
  (void)state;
  double value[COUNTERS_MAX];
  struct counters *counters = count ("small", NULL, value);
  assert_standard_values (value);
  for (unsigned i = 0; i < COUNTERS_STANDARD; i++)
    assert_int_equal (counters__rung (counters, i), i < 3 ? RUNG_GROUP : RUNG_ALONE);
  counters__free (counters);
}

static void
a_group_that_never_runs_is_given_up (void **state)
{
  (void)state;
  double value[COUNTERS_MAX];
  struct counters *counters = count ("starved", NULL, value);
  assert_true (value[COUNTER_CYCLES] < 0);
  assert_non_null (strstr (counters__why (counters, COUNTER_CYCLES), "never got its turn"));
  counters__open (counters, 0);
  counters__close (counters, value);
  assert_standard_values (value);
  assert_int_equal (counters__rung (counters, COUNTER_CYCLES), RUNG_ALONE);
  counters__free (counters);
}

/* Every error of the kernel leaves no counters and says why; nothing else happens.  */
static void
no_counters_at_all (void **state)
{
  (void)state;
  static const int error[] = { EACCES, EPERM, ENOENT, ENOSYS, EOPNOTSUPP, ENODEV, EBUSY, EMFILE };
  for (unsigned i = 0; i < sizeof error / sizeof *error; i++)
    {
      char how[16];
      double value[COUNTERS_MAX];
      snprintf (how, sizeof how, "%d", error[i]);
      struct counters *counters = count (how, "page-faults", value);
      for (unsigned k = 0; k < counters__n (counters); k++)
        {
          assert_true (value[k] < 0);
          assert_int_equal (counters__rung (counters, k), RUNG_NONE);
          assert_int_equal (counters__error (counters, k), error[i]);
          assert_string_not_equal (counters__why (counters, k), "");
        }
      char why[SIZE], hint[SIZE];
      assert_int_equal (counters__granted (why, hint, sizeof why), RUNG_NONE);
      assert_string_not_equal (why, "");
      assert_string_not_equal (hint, "");
      counters__free (counters);
    }
}

static void
what_is_granted (void **state)
{
  (void)state;
  char why[SIZE], hint[SIZE];
  fake_pmu__set ("group");
  assert_int_equal (counters__granted (why, hint, sizeof why), RUNG_GROUP);
  assert_non_null (strstr (why, "as a group"));
  fake_pmu__set ("small");
  assert_int_equal (counters__granted (why, hint, sizeof why), RUNG_ALONE);
  assert_non_null (strstr (why, "5 of 5 events in user mode, 3 of them as a group"));
}

static void
explained (int error, struct counter_setting setting, const char *why_has, const char *hint_has)
{
  char why[SIZE], hint[SIZE];
  counters__explain (error, &setting, why, hint, sizeof why);
  if (!strstr (why, why_has) || !strstr (hint, hint_has))
    fail_msg ("%s: '%s', '%s'", strerror (error), why, hint);
}

static void
errors_and_what_would_help (void **state)
{
  (void)state;
  explained (EACCES, (struct counter_setting){ .paranoid = 3 }, "perf_event_paranoid is 3",
             "sysctl kernel.perf_event_paranoid=2");
  explained (EPERM, (struct counter_setting){ .paranoid = 4 }, "perf_event_paranoid is 4",
             "CAP_PERFMON");
  /* With the capability paranoid doesn't count, and at 2 user mode is allowed: a filter it is.  */
  explained (EACCES, (struct counter_setting){ .paranoid = 3, .perfmon = true }, "filter",
             "PERFMON");
  explained (EPERM, (struct counter_setting){ .paranoid = 2 }, "filter", "docker run --cap-add");
  explained (EPERM, (struct counter_setting){ .paranoid = INT_MIN }, "can't be read", "seccomp");
  explained (ENOENT, (struct counter_setting){ .paranoid = 2, .guest = true },
             "virtual machine without a PMU", "pmu=on");
  explained (ENOENT, (struct counter_setting){ .paranoid = 2 }, "no PMU here",
             "CONFIG_HW_PERF_EVENTS");
  explained (ENOSYS, (struct counter_setting){ 0 }, "no perf_event_open", "CONFIG_PERF_EVENTS");
  explained (EBUSY, (struct counter_setting){ .watchdog = true }, "holds", "nmi_watchdog=0");
  explained (ERANGE, (struct counter_setting){ 0 }, strerror (ERANGE), "");
}

/* The kernel itself: page faults need no PMU.  */
static void
page_faults_of_this_process (void **state)
{
  (void)state;
  enum
  {
    PAGES = 200,
    PAGE = 4096
  };
  char error[SIZE];
  double value[COUNTERS_MAX];
  struct counters *counters = counters__new ("page-faults", error, sizeof error);
  assert_non_null (counters);
  fake_pmu__set (NULL);
  counters__open (counters, 0);
  if (counters__error (counters, COUNTERS_STANDARD))
    {
      counters__free (counters);
      skip ();
    }
  char *pages = aligned_alloc (PAGE, PAGES * PAGE);
  for (unsigned i = 0; i < PAGES; i++)
    ((volatile char *)pages)[i * PAGE] = 1;
  counters__close (counters, value);
  free (pages);
  assert_true (value[COUNTERS_STANDARD] >= PAGES / 2);
  assert_true (value[COUNTERS_STANDARD] <= 20 * PAGES);
  assert_int_equal (counters__rung (counters, COUNTERS_STANDARD), RUNG_KERNEL);
  counters__free (counters);
}

static void
rungs_have_names (void **state)
{
  (void)state;
  for (unsigned i = 0; i < RUNGS; i++)
    for (unsigned k = 0; k < i; k++)
      assert_string_not_equal (rung__name (i), rung__name (k));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (encodings),
    cmocka_unit_test (names_that_are_none),
    cmocka_unit_test (lists_that_are_none),
    cmocka_unit_test (a_group),
    cmocka_unit_test (multiplexing),
    cmocka_unit_test (no_group_reads_of_inherited_events),
    cmocka_unit_test (more_events_than_the_group_takes),
    cmocka_unit_test (a_group_that_never_runs_is_given_up),
    cmocka_unit_test (no_counters_at_all),
    cmocka_unit_test (what_is_granted),
    cmocka_unit_test (errors_and_what_would_help),
    cmocka_unit_test (page_faults_of_this_process),
    cmocka_unit_test (rungs_have_names),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
