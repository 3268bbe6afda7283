# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += sandbox/libsandbox.a
sandbox_libsandbox_a_SOURCES =
sandbox_libsandbox_a_SOURCES += sandbox/sandbox.h sandbox/wire.h sandbox/parent.h sandbox/trampoline.h \
  sandbox/sandbox.c sandbox/process.c sandbox/trace.c sandbox/doctor.c sandbox/seccomp.c \
  sandbox/child.c sandbox/run.c sandbox/stub.c sandbox/follow.c sandbox/clock.c sandbox/trampoline.S \
  sandbox/instrument.c sandbox/instrument.h sandbox/writer.h sandbox/record.c sandbox/recorded.c \
  sandbox/zygote.c sandbox/place.c sandbox/timing.c sandbox/bulk.c sandbox/batch.c

# The process unmaps the dynamic linker's tables, so calls must be bound before: no lazy PLT.
sandbox_libsandbox_a_CFLAGS = $(AM_CFLAGS) -fno-plt

# The sandbox's parts; what they print is TAP.
check_PROGRAMS += testsuite/sandbox-run testsuite/sandbox-trace
testsuite_sandbox_run_SOURCES = testsuite/sandbox-run.c testsuite/sandbox-fixture.h
testsuite_sandbox_run_LDADD = sandbox/libsandbox.a machine/libmachine.a $(SANDBOX_LIBS) $(CMOCKA_LIBS)
testsuite_sandbox_trace_SOURCES = testsuite/sandbox-trace.c testsuite/sandbox-fixture.h
testsuite_sandbox_trace_LDADD = sandbox/libsandbox.a machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += testsuite/sandbox-time
testsuite_sandbox_time_SOURCES = testsuite/sandbox-time.c testsuite/sandbox-fixture.h
testsuite_sandbox_time_LDADD = $(testsuite_sandbox_run_LDADD)
TESTS += testsuite/sandbox-run testsuite/sandbox-time testsuite/sandbox-trace

# Runs a second, by hand: testsuite/sandbox-speed.
check_PROGRAMS += testsuite/sandbox-speed
testsuite_sandbox_speed_SOURCES = testsuite/sandbox-speed.c testsuite/sandbox-fixture.h
testsuite_sandbox_speed_LDADD = sandbox/libsandbox.a machine/libmachine.a $(SANDBOX_LIBS)
sandbox_libsandbox_a_SOURCES += sandbox/image.c sandbox/image.h

check_PROGRAMS += testsuite/sandbox-image
testsuite_sandbox_image_SOURCES = testsuite/sandbox-image.c
testsuite_sandbox_image_LDADD = sandbox/libsandbox.a machine/libmachine.a $(MACHINE_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/sandbox-image
check_PROGRAMS += testsuite/sandbox-effects
testsuite_sandbox_effects_SOURCES = testsuite/sandbox-effects.c testsuite/host-registers.h
testsuite_sandbox_effects_LDADD = sandbox/libsandbox.a machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS)
TESTS += testsuite/sandbox-effects
check_PROGRAMS += testsuite/sandbox-instrument
testsuite_sandbox_instrument_SOURCES = testsuite/sandbox-instrument.c testsuite/sandbox-fixture.h
testsuite_sandbox_instrument_LDADD = sandbox/libsandbox.a machine/libmachine.a $(MACHINE_LIBS) $(SANDBOX_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/sandbox-instrument
check_PROGRAMS += testsuite/sandbox-batch
testsuite_sandbox_batch_SOURCES = testsuite/sandbox-batch.c testsuite/sandbox-fixture.h
testsuite_sandbox_batch_LDADD = sandbox/libsandbox.a machine/libmachine.a $(SANDBOX_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/sandbox-batch

# 10,000 random byte sequences: make check-escape.
check_PROGRAMS += testsuite/sandbox-escape
testsuite_sandbox_escape_SOURCES = testsuite/sandbox-escape.c testsuite/sandbox-fixture.h
testsuite_sandbox_escape_LDADD = sandbox/libsandbox.a machine/libmachine.a $(SANDBOX_LIBS)
TESTS += testsuite/sandbox-escape

check-escape: testsuite/sandbox-escape
	testsuite/sandbox-escape 10000

.PHONY: check-escape
