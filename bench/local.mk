# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += bench/libbench.a
bench_libbench_a_SOURCES = bench/statistics.c bench/statistics.h bench/measure.c bench/measure.h \
  bench/measure-set.c bench/measure-set.h bench/measure-time.c
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

check_PROGRAMS += testsuite/measure-cheats
testsuite_measure_cheats_SOURCES = testsuite/measure-cheats.c testsuite/region-build.h
testsuite_measure_cheats_LDADD = bench/libbench.a $(testsuite_verify_corpus_LDADD) $(CMOCKA_LIBS)
testsuite_measure_cheats_LDFLAGS = $(testsuite_verify_corpus_LDFLAGS)
TESTS += testsuite/measure-cheats

# States a second: make bench-verify.
noinst_PROGRAMS += bench/verify-speed
bench_verify_speed_SOURCES = bench/verify-speed.c testsuite/sandbox-fixture.h
bench_verify_speed_LDADD = sandbox/libsandbox.a machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS)

bench-verify: bench/verify-speed
	bench/verify-speed

.PHONY: bench-verify
