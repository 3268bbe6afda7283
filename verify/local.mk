# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += verify/libverify.a
verify_libverify_a_SOURCES = verify/verify.h verify/verify.c verify/internal.h verify/verdict.c \
  verify/allow.c verify/allow.h verify/forbidden.def verify/compare.c verify/compare.h \
  verify/coverage.c verify/coverage.h verify/differential.c verify/follow.c verify/derived.c verify/mutants.c

check_PROGRAMS += testsuite/verify-corpus
testsuite_verify_corpus_SOURCES = testsuite/verify-corpus.c testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_verify_corpus_LDADD = verify/libverify.a states/libstates.a sandbox/libsandbox.a \
  machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS) -lm
TESTS += testsuite/verify-corpus
EXTRA_DIST += testsuite/verify

check_PROGRAMS += testsuite/verify-compare
testsuite_verify_compare_SOURCES = testsuite/verify-compare.c testsuite/region-build.h
testsuite_verify_compare_LDADD = verify/libverify.a states/libstates.a sandbox/libsandbox.a \
  machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS) $(CMOCKA_LIBS) -lm
TESTS += testsuite/verify-compare

# The corpus that measures the verifier: a slice in `make check`, all of it in `make check-verify`.
check_PROGRAMS += testsuite/verify-strength
testsuite_verify_strength_SOURCES = testsuite/verify-strength.c testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_verify_strength_LDADD = $(testsuite_verify_corpus_LDADD)
