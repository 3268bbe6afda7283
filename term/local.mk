# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += term/libterm.a
term_libterm_a_SOURCES = term/term.h term/function.def term/solver.h term/internal.h \
  term/store.c term/sum.c term/bits.c term/shape.c term/condition.c term/memory.c term/walk.c \
  term/evaluate.c term/function.c term/function-bits.c term/solver.c

# Vector instructions' functions.
term_libterm_a_SOURCES += term/function-float.c term/function-cipher.c

check_PROGRAMS += testsuite/term-simplify
testsuite_term_simplify_SOURCES = testsuite/term-simplify.c
testsuite_term_simplify_LDADD = term/libterm.a machine/libmachine.a $(TERM_LIBS)
TESTS += testsuite/term-simplify

check_PROGRAMS += testsuite/term-compare
testsuite_term_compare_SOURCES = testsuite/term-compare.c
testsuite_term_compare_LDADD = term/libterm.a machine/libmachine.a $(TERM_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/term-compare
