# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += states/libstates.a
states_libstates_a_SOURCES = states/states.c states/states.h states/internal.h \
  states/random.h states/values.c states/values.h states/learn.c states/contents.c \
  states/generate.c states/build.c states/grow.c states/overlap.c states/print.c \
  states/replay.c
