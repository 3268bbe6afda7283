# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += record/librecord.a
record_librecord_a_SOURCES = record/record.h record/internal.h record/symbols.c record/process.c record/sample.c \
  record/loop.c
