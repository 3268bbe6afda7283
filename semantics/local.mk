# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += semantics/libsemantics.a
semantics_libsemantics_a_SOURCES = semantics/semantics.h semantics/internal.h

# The core, and general-purpose instructions.
semantics_libsemantics_a_SOURCES += semantics/meaning.c semantics/operand.c semantics/flags.c \
  semantics/integer.h semantics/integer.c semantics/move.c semantics/arithmetic.c semantics/shift.c \
  semantics/bits.c semantics/multiply.c semantics/string.c semantics/control.c

# Vector instructions.
semantics_libsemantics_a_SOURCES += semantics/vector.h semantics/vector.c semantics/vector-operand.c \
  semantics/vector-lane.c semantics/vector-compare.c semantics/vector-mask.c semantics/vector-move.c \
  semantics/vector-part.c semantics/vector-shuffle.c semantics/vector-permute.c semantics/vector-convert.c \
  semantics/vector-sum.c semantics/vector-gather.c semantics/vector-crypto.c semantics/float.h \
  semantics/float.c semantics/float-compare.c semantics/float-convert.c

check_PROGRAMS += testsuite/semantics-integer
testsuite_semantics_integer_SOURCES = testsuite/semantics-integer.c testsuite/term-memory.h testsuite/semantics-integer.def
testsuite_semantics_integer_LDADD = semantics/libsemantics.a term/libterm.a machine/libmachine.a \
  $(TERM_LIBS) $(MACHINE_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/semantics-integer

check_PROGRAMS += testsuite/semantics-vector
testsuite_semantics_vector_SOURCES = testsuite/semantics-vector.c testsuite/term-memory.h testsuite/semantics-vector.def
testsuite_semantics_vector_LDADD = semantics/libsemantics.a term/libterm.a machine/libmachine.a \
  $(TERM_LIBS) $(MACHINE_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/semantics-vector

check_PROGRAMS += testsuite/semantics-bytes
testsuite_semantics_bytes_SOURCES = testsuite/semantics-bytes.c
testsuite_semantics_bytes_LDADD = semantics/libsemantics.a term/libterm.a machine/libmachine.a \
  $(TERM_LIBS) $(MACHINE_LIBS)
TESTS += testsuite/semantics-bytes
