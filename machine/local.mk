# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += machine/libmachine.a
machine_libmachine_a_SOURCES = machine/arena.c machine/arena.h machine/mix.h machine/suppression.h machine/why.c machine/why.h machine/utf8.c machine/utf8.h machine/reason.def machine/remedy.def \
  machine/candidate.c machine/candidate.h
machine_libmachine_a_SOURCES += machine/code.h machine/code-text.h machine/code-unit.h machine/names.h \
  machine/names.c machine/code-statement.c machine/code-insn.c machine/code-parse.c \
  machine/code-data.c machine/code-resolve.c machine/code-print.c machine/code-canonical.c
machine_libmachine_a_SOURCES += machine/object.c machine/object.h machine/isa.c machine/isa.h machine/isa.def
machine_libmachine_a_SOURCES += machine/value-mask.h machine/value-mask.c machine/region.h machine/region.c machine/region-json.c machine/region-key.c
machine_libmachine_a_SOURCES += machine/decode.h machine/x86/x86.h machine/x86/decode.c \
  machine/x86/classify.c machine/x86/effects.c machine/x86/match.c machine/x86/spelling.c \
  machine/x86/second.c machine/x86/one.c
machine_libmachine_a_SOURCES += machine/runtime.c machine/runtime.h
machine_libmachine_a_SOURCES += machine/cfi.h machine/cfi.c machine/splice.h machine/splice.c

check_PROGRAMS += testsuite/machine-code testsuite/machine-region testsuite/machine-splice
testsuite_machine_code_SOURCES = testsuite/machine-code.c testsuite/machine-text.h
testsuite_machine_code_LDADD = machine/libmachine.a $(MACHINE_LIBS) $(CMOCKA_LIBS)
testsuite_machine_region_SOURCES = testsuite/machine-region.c testsuite/machine-text.h
testsuite_machine_region_LDADD = machine/libmachine.a $(MACHINE_LIBS) $(CMOCKA_LIBS)
testsuite_machine_splice_SOURCES = testsuite/machine-splice.c testsuite/machine-text.h
testsuite_machine_splice_LDADD = machine/libmachine.a $(MACHINE_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/machine-code testsuite/machine-region testsuite/machine-splice

check_PROGRAMS += testsuite/machine-object testsuite/machine-decode
testsuite_machine_object_SOURCES = testsuite/machine-object.c
testsuite_machine_object_LDADD = machine/libmachine.a $(MACHINE_LIBS) $(CMOCKA_LIBS)
testsuite_machine_decode_SOURCES = testsuite/machine-decode.c
testsuite_machine_decode_LDADD = machine/libmachine.a $(MACHINE_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/machine-object testsuite/machine-decode

check_PROGRAMS += testsuite/machine-why
testsuite_machine_why_SOURCES = testsuite/machine-why.c
testsuite_machine_why_LDADD = machine/libmachine.a $(CMOCKA_LIBS)
TESTS += testsuite/machine-why
