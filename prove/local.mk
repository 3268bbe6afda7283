# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += prove/libprove.a
prove_libprove_a_SOURCES = prove/prove.h prove/internal.h prove/prove.c prove/input.c prove/program.c \
  prove/facts.c prove/base.c prove/memory.c prove/path.c prove/explore.c prove/equivalent.c prove/model.c \
  prove/steer.c prove/never.c prove/heads.c prove/cut.c prove/relation.c prove/trips.c prove/rest.c \
  prove/lockstep.c prove/induction.c prove/induction.h prove/isolate.c

# Right and wrong pairs.
check_PROGRAMS += testsuite/prove-pairs
testsuite_prove_pairs_SOURCES = testsuite/prove-pairs.c testsuite/side-code.h testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_prove_pairs_LDADD = prove/libprove.a semantics/libsemantics.a term/libterm.a \
  verify/libverify.a states/libstates.a sandbox/libsandbox.a machine/libmachine.a \
  $(TERM_LIBS) $(MACHINE_LIBS) $(SANDBOX_LIBS) -lm
EXTRA_DIST += testsuite/prove
check_PROGRAMS += testsuite/prove-steer
testsuite_prove_steer_SOURCES = testsuite/prove-steer.c testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_prove_steer_LDADD = $(testsuite_prove_pairs_LDADD)
TESTS += testsuite/prove-steer
check_PROGRAMS += testsuite/prove-never
testsuite_prove_never_SOURCES = testsuite/prove-never.c testsuite/side-code.h testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_prove_never_LDADD = $(testsuite_prove_pairs_LDADD)
TESTS += testsuite/prove-never
check_PROGRAMS += testsuite/prove-lockstep
testsuite_prove_lockstep_SOURCES = testsuite/prove-lockstep.c testsuite/side-code.h testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_prove_lockstep_LDADD = $(testsuite_prove_pairs_LDADD)
TESTS += testsuite/prove-lockstep
check_PROGRAMS += testsuite/prove-mutants
testsuite_prove_mutants_SOURCES = testsuite/prove-mutants.c testsuite/side-code.h testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_prove_mutants_LDADD = $(testsuite_prove_pairs_LDADD)
TESTS += testsuite/prove-pairs testsuite/prove-mutants
check_PROGRAMS += testsuite/prove-isolate
testsuite_prove_isolate_SOURCES = testsuite/prove-isolate.c testsuite/case-file.c testsuite/case-file.h testsuite/region-build.h
testsuite_prove_isolate_LDADD = $(testsuite_prove_pairs_LDADD)
TESTS += testsuite/prove-isolate
