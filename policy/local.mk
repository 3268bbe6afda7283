# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += policy/libpolicy.a
policy_libpolicy_a_SOURCES = policy/policy.c policy/policy.h policy/internal.h \
  policy/compilers.c policy/exec.c policy/llm.c policy/candidate.c policy/fallback.c policy/fallback.h \
  policy/source-check.c policy/source-check.h policy/source-check.def \
  policy/workshop.c policy/workshop.h policy/unit.c policy/unit.h policy/unit-command.c policy/unit-compile.c policy/variants.def \
  policy/source-compile.c policy/prefetch.c policy/repair.c policy/repair.h \
  policy/options.c policy/options.h policy/options.def policy/clang.def \
  policy/process.c policy/process.h \
  policy/llm.h policy/llm-source.c policy/llm-headers.def policy/c-tokens.c policy/c-tokens.h policy/c-pieces.c policy/c-pieces.h policy/llm-names.c policy/llm-public.def \
  policy/llm-prompt.c policy/llm-contract.def policy/llm-cpu.def policy/llm-facts.c policy/llm-facts.h policy/llm-tell.c policy/llm-advice.def \
  policy/llm-reply.c policy/llm-text.c policy/llm-text.h
EXTRA_DIST += doc/exec-protocol.md testsuite/policy-region.h

POLICY_TEST_LIBS = policy/libpolicy.a model/libmodel.a machine/libmachine.a $(POLICY_LIBS) $(MACHINE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += testsuite/policy-compilers testsuite/policy-exec testsuite/policy-options \
  testsuite/policy-repair testsuite/policy-fallback testsuite/policy-hostile
testsuite_policy_fallback_SOURCES = testsuite/policy-fallback.c testsuite/policy-region.h
testsuite_policy_fallback_LDADD = $(POLICY_TEST_LIBS)
testsuite_policy_hostile_SOURCES = testsuite/policy-hostile.c testsuite/policy-region.h
testsuite_policy_hostile_LDADD = $(POLICY_TEST_LIBS)
testsuite_policy_repair_SOURCES = testsuite/policy-repair.c
testsuite_policy_repair_LDADD = $(POLICY_TEST_LIBS)
testsuite_policy_compilers_SOURCES = testsuite/policy-compilers.c testsuite/policy-region.h
testsuite_policy_compilers_LDADD = $(POLICY_TEST_LIBS)
testsuite_policy_exec_SOURCES = testsuite/policy-exec.c testsuite/policy-region.h
testsuite_policy_exec_LDADD = $(POLICY_TEST_LIBS)
testsuite_policy_options_SOURCES = testsuite/policy-options.c
testsuite_policy_options_LDADD = $(POLICY_TEST_LIBS)
check_PROGRAMS += testsuite/policy-llm-source testsuite/policy-llm-prompt testsuite/policy-llm-reply
testsuite_policy_llm_source_SOURCES = testsuite/policy-llm-source.c testsuite/policy-region.h
testsuite_policy_llm_source_LDADD = $(POLICY_TEST_LIBS)
testsuite_policy_llm_prompt_SOURCES = testsuite/policy-llm-prompt.c testsuite/policy-region.h
testsuite_policy_llm_prompt_LDADD = $(POLICY_TEST_LIBS)
testsuite_policy_llm_reply_SOURCES = testsuite/policy-llm-reply.c
testsuite_policy_llm_reply_LDADD = $(POLICY_TEST_LIBS)
TESTS += testsuite/policy-llm-source testsuite/policy-llm-prompt testsuite/policy-llm-reply
TESTS += testsuite/policy-compilers testsuite/policy-exec testsuite/policy-options testsuite/policy-repair \
  testsuite/policy-fallback testsuite/policy-hostile \
  testsuite/cli-tune.sh testsuite/cli-verify.sh testsuite/cli-show-prompt.sh testsuite/policy-fallback.sh testsuite/policy-hostile-sources.sh
EXTRA_DIST += testsuite/cli-tune.sh testsuite/cli-verify.sh testsuite/cli-show-prompt.sh testsuite/policy-fallback.sh testsuite/policy-hostile-sources.sh

check_PROGRAMS += testsuite/policy-llm
testsuite_policy_llm_SOURCES = testsuite/policy-llm.c testsuite/policy-region.h
testsuite_policy_llm_LDADD = $(POLICY_TEST_LIBS)
TESTS += testsuite/policy-llm
TESTS += testsuite/llm-recordings.sh
EXTRA_DIST += testsuite/llm-recordings.sh
