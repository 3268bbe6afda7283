# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += cache/libcache.a
cache_libcache_a_SOURCES = cache/cache.c cache/cache.h cache/internal.h cache/open.c cache/entry.c cache/queue.c \
  cache/owner.c cache/upkeep.c cache/recorded.c cache/schema.c

check_PROGRAMS += testsuite/cache-store testsuite/cache-damage testsuite/cache-kill
testsuite_cache_store_SOURCES = testsuite/cache-store.c testsuite/cache-common.h
testsuite_cache_store_LDADD = cache/libcache.a machine/libmachine.a $(CACHE_LIBS) $(CMOCKA_LIBS)
testsuite_cache_damage_SOURCES = testsuite/cache-damage.c testsuite/cache-common.h
testsuite_cache_damage_LDADD = cache/libcache.a machine/libmachine.a $(CACHE_LIBS) $(CMOCKA_LIBS)
testsuite_cache_kill_SOURCES = testsuite/cache-kill.c testsuite/cache-common.h
testsuite_cache_kill_LDADD = cache/libcache.a machine/libmachine.a $(CACHE_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/cache-store testsuite/cache-damage testsuite/cache-kill

# The test counts SQLite's steps and reads its plans, of caches that the bench's code fills.
check_PROGRAMS += testsuite/cache-growth
testsuite_cache_growth_SOURCES = testsuite/cache-growth.c testsuite/cache-common.h bench/growth-fill.c bench/growth.h
testsuite_cache_growth_LDADD = cache/libcache.a machine/libmachine.a $(CACHE_LIBS) $(CMOCKA_LIBS)
TESTS += testsuite/cache-growth
