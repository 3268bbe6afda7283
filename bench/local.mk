# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += bench/libbench.a
bench_libbench_a_SOURCES = bench/statistics.c bench/statistics.h bench/measure.c bench/measure.h \
  bench/measure-set.c bench/measure-set.h bench/measure-whole.c \
  bench/measure-turns.c bench/measure-time.c
bench_libbench_a_SOURCES += bench/ranks.c bench/looks.c bench/looks.h bench/counters.c bench/counters.h \
  bench/counter-event.c bench/counter-grant.c \
  bench/ab.c bench/ab.h bench/ab-run.c bench/ab-run.h bench/ab-compare.c bench/ab-compare.h \
  bench/cpu-model.c bench/cpu-model.h

check_PROGRAMS += testsuite/bench-statistics
testsuite_bench_statistics_SOURCES = testsuite/bench-statistics.c
testsuite_bench_statistics_LDADD = bench/libbench.a $(CMOCKA_LIBS) -lm
TESTS += testsuite/bench-statistics

# A PMU that isn't there, by taking the place of syscall(3).
check_PROGRAMS += testsuite/bench-counters
testsuite_bench_counters_SOURCES = testsuite/bench-counters.c testsuite/fake-pmu.c testsuite/fake-pmu.h
testsuite_bench_counters_LDADD = bench/libbench.a $(PFM_LIBS) $(CMOCKA_LIBS) -lm
TESTS += testsuite/bench-counters
EXTRA_DIST += doc/counters.md doc/ab.png

check_PROGRAMS += testsuite/bench-ab
testsuite_bench_ab_SOURCES = testsuite/bench-ab.c
testsuite_bench_ab_LDADD = bench/libbench.a $(BENCH_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/bench-ab

check_PROGRAMS += testsuite/bench-measure
testsuite_bench_measure_SOURCES = testsuite/bench-measure.c testsuite/region-build.h
testsuite_bench_measure_LDADD = bench/libbench.a states/libstates.a sandbox/libsandbox.a machine/libmachine.a \
  $(MACHINE_LIBS) $(SANDBOX_LIBS) $(CMOCKA_LIBS) -lm
TESTS += testsuite/bench-measure

check_PROGRAMS += testsuite/measure-cheats
testsuite_measure_cheats_SOURCES = testsuite/measure-cheats.c testsuite/region-build.h
testsuite_measure_cheats_LDADD = bench/libbench.a $(testsuite_verify_corpus_LDADD) $(CMOCKA_LIBS)
testsuite_measure_cheats_LDFLAGS = $(testsuite_verify_corpus_LDFLAGS)
TESTS += testsuite/measure-cheats

# States a second: make bench-verify.
noinst_PROGRAMS += bench/verify-speed
bench_verify_speed_SOURCES = bench/verify-speed.c testsuite/sandbox-fixture.h
bench_verify_speed_LDADD = bench/libbench.a sandbox/libsandbox.a machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS)

bench-verify: bench/verify-speed
	bench/verify-speed

EXTRA_DIST += doc/ab.md

# False and missed claims of `aiopt ab`: make bench-ab.
noinst_PROGRAMS += bench/ab-calibration bench/ab-workload
bench_ab_calibration_SOURCES = bench/ab-calibration.c
bench_ab_calibration_LDADD = bench/libbench.a $(CJSON_LIBS) -lm
bench_ab_workload_SOURCES = bench/ab-workload.c

bench-ab: bench/ab-calibration bench/ab-workload cli/aiopt
	bench/ab-calibration cli/aiopt bench/ab-workload

# The kernels against every compiler, and two of its results side by side: doc/benchmark.md.
noinst_PROGRAMS += bench/run-report bench/compare
bench_run_report_SOURCES = bench/run-report.c bench/run-result.c bench/run-result.h bench/run-json.c \
  bench/run-table.c bench/run-picture.c
bench_run_report_LDADD = bench/libbench.a $(CJSON_LIBS) -lm
bench_compare_SOURCES = bench/compare.c
bench_compare_LDADD = bench/libbench.a $(CJSON_LIBS) -lm
EXTRA_DIST += bench/run bench/llm

bench: all
	AIOPT_GCC='$(TARGET_GCC)' $(top_srcdir)/bench/run $(abs_top_builddir)
	AIOPT_GCC='$(TARGET_GCC)' $(top_srcdir)/bench/compile-time $(abs_top_builddir)

if !SANITIZE
TESTS += testsuite/bench-run.sh
endif
EXTRA_DIST += testsuite/bench-run.sh

.PHONY: bench-verify bench-ab bench

# How cost grows: make bench-growth.
noinst_PROGRAMS += bench/growth
bench_growth_SOURCES = bench/growth.c bench/growth.h bench/growth-fill.c bench/growth-compile.c bench/growth-cache.c \
  bench/growth-jobs.c bench/growth-verify.c
bench_growth_LDADD = policy/libpolicy.a cache/libcache.a bench/libbench.a machine/libmachine.a $(CACHE_LIBS) $(BENCH_LIBS) $(MACHINE_LIBS)

bench-growth: all
	AIOPT_GCC='$(TARGET_GCC)' AIOPT_SOURCE='$(abs_top_srcdir)' bench/growth --build '$(abs_top_builddir)' \
	  --json bench/growth.json

.PHONY: bench-growth
TESTS += testsuite/bench-growth.sh
EXTRA_DIST += testsuite/bench-growth.sh
