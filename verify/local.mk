# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += verify/libverify.a
verify_libverify_a_SOURCES = verify/allow.c verify/allow.h verify/forbidden.def verify/verify.h
