# SPDX-License-Identifier: GPL-3.0-or-later
bin_PROGRAMS += cli/aiopt
cli_aiopt_SOURCES = cli/main.c cli/cli.h cli/common.c cli/terminal.c cli/terminal.h cli/cache.c cli/config.c \
  cli/explain.c cli/doctor.c cli/doctor.h cli/doctor-model.c cli/ab.c cli/ab.h cli/ab-json.c cli/ab-export.c cli/ab-export.h cli/ab-html.c cli/ab-plot.c cli/ab-plot.h cli/ab-table.c \
  cli/ab-relink.c cli/ab-relink.h cli/tune.c cli/tune.h \
  cli/tune-worker.c cli/tune-report.c cli/tune-prompt.c cli/tuner.c cli/tuner.h cli/tuner-quick.c cli/tuner-quick.h cli/verify.c cli/verify.h cli/verify-replay.c cli/record.c cli/recorded.c
cli_aiopt_LDADD = policy/libpolicy.a model/libmodel.a config/libconfig.a record/librecord.a verify/libverify.a bench/libbench.a states/libstates.a \
  prove/libprove.a semantics/libsemantics.a term/libterm.a sandbox/libsandbox.a cache/libcache.a machine/libmachine.a \
  $(TERM_LIBS) $(POLICY_LIBS) $(CONFIG_LIBS) $(BENCH_LIBS) $(SANDBOX_LIBS) $(CACHE_LIBS) $(MACHINE_LIBS) -lpthread

TESTS += testsuite/cli-usage.sh testsuite/cli-ab.sh testsuite/cli-ab-export.sh testsuite/cli-cache.sh testsuite/cli-doctor.sh testsuite/cli-record.sh
EXTRA_DIST += testsuite/ab-export.py doc/record.md testsuite/cli-usage.sh testsuite/cli-ab.sh testsuite/cli-ab-export.sh testsuite/cli-cache.sh testsuite/cli-doctor.sh testsuite/cli-record.sh

check_PROGRAMS += testsuite/cli-terminal testsuite/cli-fill
testsuite_cli_terminal_SOURCES = testsuite/cli-terminal.c cli/terminal.c cli/terminal.h
testsuite_cli_terminal_LDADD = $(CMOCKA_LIBS) -lutil -lpthread
TESTS += testsuite/cli-terminal
# Fills a cache for the shell tests.
testsuite_cli_fill_SOURCES = testsuite/cli-fill.c
testsuite_cli_fill_LDADD = cache/libcache.a machine/libmachine.a $(CACHE_LIBS) $(MACHINE_LIBS)
TESTS += testsuite/cli-llm.sh
EXTRA_DIST += testsuite/cli-llm.sh
