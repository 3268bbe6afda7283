# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += sandbox/libsandbox.a
sandbox_libsandbox_a_SOURCES =
