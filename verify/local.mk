# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += verify/libverify.a
verify_libverify_a_SOURCES = verify/verify.h verify/verify.c verify/internal.h verify/verdict.c \
  verify/allow.c verify/allow.h verify/forbidden.def verify/compare.c verify/compare.h \
  verify/coverage.c verify/coverage.h verify/differential.c verify/mutants.c
