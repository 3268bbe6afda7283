# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += states/libstates.a
states_libstates_a_SOURCES =
