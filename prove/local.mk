# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += prove/libprove.a
prove_libprove_a_SOURCES = prove/prove.h
