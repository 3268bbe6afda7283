# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += semantics/libsemantics.a
semantics_libsemantics_a_SOURCES = semantics/semantics.h semantics/internal.h

# The core, and general-purpose instructions.
semantics_libsemantics_a_SOURCES += semantics/meaning.c semantics/operand.c semantics/flags.c \
  semantics/integer.h semantics/integer.c semantics/move.c semantics/arithmetic.c semantics/shift.c \
  semantics/bits.c semantics/multiply.c semantics/string.c semantics/control.c

# Vector instructions.
semantics_libsemantics_a_SOURCES += semantics/vector.c
