# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += policy/libpolicy.a
policy_libpolicy_a_SOURCES =
