# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += semantics/libsemantics.a
semantics_libsemantics_a_SOURCES = semantics/semantics.h semantics/internal.h
