# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += states/libstates.a
states_libstates_a_SOURCES = states/states.c states/states.h states/internal.h \
  states/random.h states/values.c states/values.h states/learn.c states/contents.c states/recall.c \
  states/generate.c states/build.c states/grow.c states/overlap.c states/print.c \
  states/json.h states/json.c states/replay.c states/recorded.h states/recorded.c states/recorded-json.c \
  states/recorded-try.c

check_PROGRAMS += testsuite/states-make
testsuite_states_make_SOURCES = testsuite/states-make.c testsuite/region-build.h
testsuite_states_make_LDADD = states/libstates.a sandbox/libsandbox.a machine/libmachine.a \
  $(MACHINE_LIBS) $(SANDBOX_LIBS) -lm $(CMOCKA_LIBS)
TESTS += testsuite/states-make

check_PROGRAMS += testsuite/states-recorded
testsuite_states_recorded_SOURCES = testsuite/states-recorded.c testsuite/region-build.h
testsuite_states_recorded_LDADD = $(testsuite_states_make_LDADD)
TESTS += testsuite/states-recorded
