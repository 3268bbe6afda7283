# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += machine/libmachine.a
machine_libmachine_a_SOURCES = machine/arena.c machine/arena.h machine/why.c machine/why.h machine/reason.def \
  machine/candidate.c machine/candidate.h
