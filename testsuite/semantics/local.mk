# SPDX-License-Identifier: GPL-3.0-or-later
# The terms of instructions against the CPU: a slice in `make check`, the whole as `make check-semantics`.
check_PROGRAMS += testsuite/semantics-cpu testsuite/semantics-missing
testsuite_semantics_cpu_SOURCES = testsuite/semantics-cpu.c testsuite/semantics/forms.c testsuite/semantics/forms.h \
  testsuite/semantics/assemble.c testsuite/semantics/inputs.c testsuite/semantics/inputs.h \
  testsuite/term-memory.h testsuite/semantics/predict.c testsuite/semantics/predict.h testsuite/semantics/compare.c \
  testsuite/semantics/compare.h testsuite/semantics/report.c
testsuite_semantics_cpu_LDADD = semantics/libsemantics.a term/libterm.a sandbox/libsandbox.a machine/libmachine.a \
  $(TERM_LIBS) $(MACHINE_LIBS) $(SANDBOX_LIBS)
testsuite_semantics_missing_SOURCES = testsuite/semantics-missing.c
testsuite_semantics_missing_LDADD = semantics/libsemantics.a term/libterm.a machine/libmachine.a \
  $(TERM_LIBS) $(MACHINE_LIBS)
TESTS += testsuite/semantics-cpu
EXTRA_DIST += testsuite/semantics/general.forms testsuite/semantics/vector.forms testsuite/semantics/missing

SEMANTICS_STATES = 100000

# Every form on SEMANTICS_STATES states; SEMANTICS_OPTIONS='--minutes=30 --json=FILE' for as many as there is time for.
check-semantics: testsuite/semantics-cpu$(EXEEXT)
	AIOPT_SOURCE='$(abs_top_srcdir)' testsuite/semantics-cpu --every=1 --jobs=$$(nproc) \
	  --states=$(SEMANTICS_STATES) $(SEMANTICS_OPTIONS)

# The forms in compiled code that semantics doesn't model.
semantics-missing: testsuite/semantics-missing$(EXEEXT)
	AIOPT_BUILD='$(abs_top_builddir)' AIOPT_SOURCE='$(abs_top_srcdir)' AIOPT_GCC='$(TARGET_GCC)' \
	  $(top_srcdir)/testsuite/semantics/missing

.PHONY: check-semantics semantics-missing
