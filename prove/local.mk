# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += prove/libprove.a
prove_libprove_a_SOURCES = prove/prove.h prove/internal.h prove/prove.c prove/input.c prove/program.c \
  prove/facts.c prove/base.c prove/memory.c prove/path.c prove/explore.c prove/equivalent.c
