# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += bench/libbench.a
bench_libbench_a_SOURCES = bench/statistics.c bench/statistics.h bench/measure.c bench/measure.h
bench_libbench_a_SOURCES += bench/ab.c bench/ab.h bench/counters.c bench/counters.h

check_PROGRAMS += testsuite/bench-statistics
testsuite_bench_statistics_SOURCES = testsuite/bench-statistics.c
testsuite_bench_statistics_LDADD = bench/libbench.a $(CMOCKA_LIBS) -lm
TESTS += testsuite/bench-statistics

check_PROGRAMS += testsuite/bench-measure
testsuite_bench_measure_SOURCES = testsuite/bench-measure.c testsuite/region-build.h
testsuite_bench_measure_LDADD = bench/libbench.a states/libstates.a sandbox/libsandbox.a machine/libmachine.a \
  $(MACHINE_LIBS) $(SANDBOX_LIBS) $(CMOCKA_LIBS) -lm
TESTS += testsuite/bench-measure

# States a second: make bench-verify.
noinst_PROGRAMS += bench/verify-speed
bench_verify_speed_SOURCES = bench/verify-speed.c testsuite/sandbox-fixture.h
bench_verify_speed_LDADD = sandbox/libsandbox.a machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS)

bench-verify: bench/verify-speed
	bench/verify-speed

.PHONY: bench-verify

# How cost grows: make bench-growth.
noinst_PROGRAMS += bench/growth
bench_growth_SOURCES = bench/growth.c bench/growth.h bench/growth-fill.c bench/growth-compile.c bench/growth-cache.c \
  bench/growth-jobs.c bench/growth-verify.c
bench_growth_LDADD = cache/libcache.a bench/libbench.a machine/libmachine.a $(CACHE_LIBS) $(BENCH_LIBS) $(MACHINE_LIBS)

bench-growth: all
	AIOPT_GCC='$(TARGET_GCC)' AIOPT_SOURCE='$(abs_top_srcdir)' bench/growth --build '$(abs_top_builddir)' \
	  --json bench/growth.json

.PHONY: bench-growth
TESTS += testsuite/bench-growth.sh
EXTRA_DIST += testsuite/bench-growth.sh
