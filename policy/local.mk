# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += policy/libpolicy.a
policy_libpolicy_a_SOURCES = policy/policy.c policy/policy.h policy/internal.h \
  policy/compilers.c policy/exec.c policy/candidate.c \
  policy/workshop.c policy/workshop.h policy/variants.def \
  policy/options.c policy/options.h policy/options.def policy/clang.def \
  policy/process.c policy/process.h
