# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += cache/libcache.a
cache_libcache_a_SOURCES =
