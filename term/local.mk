# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += term/libterm.a
term_libterm_a_SOURCES = term/term.h term/function.def term/solver.h term/internal.h
