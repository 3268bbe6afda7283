# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += machine/libmachine.a
machine_libmachine_a_SOURCES =
