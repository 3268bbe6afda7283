# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += verify/libverify.a
verify_libverify_a_SOURCES = verify/verify.h verify/verify.c verify/internal.h verify/verdict.c \
  verify/allow.c verify/allow.h verify/forbidden.def verify/compare.c verify/compare.h \
  verify/coverage.c verify/coverage.h verify/copy.c verify/copy.h verify/differential.c verify/follow.c verify/wide.c verify/specials.c \
  verify/arrays.c verify/arrays.h verify/ends.c verify/lone.c verify/rare.c verify/sweep.c verify/edges.c verify/huge.c verify/volume.c verify/elsewhere.c verify/leftover.c verify/inward.c \
  verify/systematic.c verify/systematic.h verify/input.c verify/input.h verify/watch.c verify/watch.h verify/hunt.c \
  verify/hunt.h verify/solve.c verify/excuse.c verify/sizes.c verify/masks.c verify/lanes.c verify/steer.c verify/mutants.c verify/mutate.c verify/mutate.h \
  verify/evidence.c verify/counterexample.c verify/shrink.c verify/replay.c verify/unknown.c verify/proof.c

check_PROGRAMS += testsuite/verify-corpus
testsuite_verify_corpus_SOURCES = testsuite/verify-corpus.c testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_verify_corpus_LDADD = verify/libverify.a prove/libprove.a semantics/libsemantics.a term/libterm.a \
  states/libstates.a sandbox/libsandbox.a machine/libmachine.a $(TERM_LIBS) $(MACHINE_LIBS) $(SANDBOX_LIBS) -lm
TESTS += testsuite/verify-corpus
EXTRA_DIST += testsuite/verify

check_PROGRAMS += testsuite/verify-compare
testsuite_verify_compare_SOURCES = testsuite/verify-compare.c testsuite/region-build.h
testsuite_verify_compare_LDADD = verify/libverify.a states/libstates.a sandbox/libsandbox.a \
  machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS) $(CMOCKA_LIBS) -lm
TESTS += testsuite/verify-compare
check_PROGRAMS += testsuite/verify-copy
testsuite_verify_copy_SOURCES = testsuite/verify-copy.c
testsuite_verify_copy_LDADD = $(testsuite_verify_compare_LDADD)
TESTS += testsuite/verify-copy

# What measures the verifier (doc/verifier-strength.md): slices in `make check`, all of it in `make check-verify`.
VERIFY_CASES = testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
check_PROGRAMS += testsuite/verify-strength testsuite/prove-hackers-delight testsuite/prove-loops testsuite/false-accept
testsuite_verify_strength_SOURCES = testsuite/verify-strength.c $(VERIFY_CASES)
testsuite_verify_strength_LDADD = $(testsuite_verify_corpus_LDADD)
testsuite_prove_hackers_delight_SOURCES = testsuite/prove-hackers-delight.c testsuite/verdict-table.c \
  testsuite/verdict-table.h $(VERIFY_CASES)
testsuite_prove_hackers_delight_LDADD = $(testsuite_verify_corpus_LDADD)
testsuite_prove_loops_SOURCES = testsuite/prove-loops.c testsuite/verdict-table.c testsuite/verdict-table.h $(VERIFY_CASES)
testsuite_prove_loops_LDADD = $(testsuite_verify_corpus_LDADD)
testsuite_false_accept_SOURCES = testsuite/false-accept.c testsuite/false-accept-record.c testsuite/false-accept-record.h \
  testsuite/mutate.c testsuite/mutate.h testsuite/side-code.h $(VERIFY_CASES)
testsuite_false_accept_LDADD = $(testsuite_verify_corpus_LDADD)
TESTS += testsuite/verify-strength-slice.sh testsuite/false-accept-slice.sh
EXTRA_DIST += testsuite/verify-strength-slice.sh testsuite/false-accept-slice.sh doc/verifier-strength.md \
  doc/verification.md doc/semantics.md doc/figures.md

VERIFY_ENVIRONMENT = AIOPT_SOURCE='$(abs_top_srcdir)' AIOPT_GCC='$(TARGET_GCC)'
VERIFY_JOBS = 2
FALSE_ACCEPT = --minutes=110 --folder=false-accept.d

check-verify-strength: testsuite/verify-strength
	$(VERIFY_ENVIRONMENT) testsuite/verify-strength --jobs=$(VERIFY_JOBS)

check-verify-proofs: testsuite/prove-hackers-delight testsuite/prove-loops
	$(VERIFY_ENVIRONMENT) testsuite/prove-hackers-delight --strict --jobs=$(VERIFY_JOBS)
	$(VERIFY_ENVIRONMENT) testsuite/prove-loops --strict --jobs=$(VERIFY_JOBS)

# Wrong rewrites known to be accepted: fails as long as there are any.
check-verify-open: testsuite/verify-strength
	$(VERIFY_ENVIRONMENT) testsuite/verify-strength --jobs=$(VERIFY_JOBS) --budget=25 \
	  $(top_srcdir)/testsuite/verify/open/wrong.case

check-verify: check-verify-strength check-verify-proofs

# Takes an hour or more; started again it goes on where it stopped.
check-false-accept: testsuite/false-accept
	$(VERIFY_ENVIRONMENT) testsuite/false-accept --jobs=$(VERIFY_JOBS) $(FALSE_ACCEPT)

.PHONY: check-verify check-verify-open check-verify-strength check-verify-proofs check-false-accept

# The proof is a weak reference of mutants.c, excuse.c and steer.c.
testsuite_verify_strength_LDFLAGS = $(testsuite_verify_corpus_LDFLAGS)
testsuite_prove_hackers_delight_LDFLAGS = $(testsuite_verify_corpus_LDFLAGS)
testsuite_prove_loops_LDFLAGS = $(testsuite_verify_corpus_LDFLAGS)
testsuite_false_accept_LDFLAGS = $(testsuite_verify_corpus_LDFLAGS)

check_PROGRAMS += testsuite/verify-recorded
testsuite_verify_recorded_SOURCES = testsuite/verify-recorded.c testsuite/region-build.h
testsuite_verify_recorded_LDADD = $(testsuite_verify_corpus_LDADD) $(CMOCKA_LIBS)
testsuite_verify_recorded_LDFLAGS = $(testsuite_verify_corpus_LDFLAGS)
TESTS += testsuite/verify-recorded

check_PROGRAMS += testsuite/verify-search
testsuite_verify_search_SOURCES = testsuite/verify-search.c testsuite/region-build.h
testsuite_verify_search_LDADD = $(testsuite_verify_corpus_LDADD) $(CMOCKA_LIBS)
testsuite_verify_search_LDFLAGS = $(testsuite_verify_corpus_LDFLAGS)
TESTS += testsuite/verify-search
