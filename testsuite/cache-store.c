/* The cache gives back what was stored; the queue leases, takes back and gives up; a look-up is
   fast.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/cache-common.h"

#include <time.h>

static void
missing_is_empty (void **state)
{
  (void)state;
  char *folder = folder_make (), *below = NULL, key[65];
  assert_true (asprintf (&below, "%s/not/there yet", folder) > 0);
  struct cache *cache = must_open (below, CACHE_READ);
  struct entry *entry;
  struct why why = { 0 };
  assert_int_equal (cache__lookup (cache, key_of (1, key), true, &entry, &why), 0);
  assert_null (entry);
  struct cache_stats stats;
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.rewrites, 0);
  assert_int_equal (cache__check (cache, NULL, NULL, &why), 0);
  /* Nothing was made by reading; writing through a reader is refused.  */
  assert_int_not_equal (access (below, F_OK), 0);
  assert_int_equal (queue__put (cache, key, "f", "f.c", 1, "{}", 1, &why), -1);
  assert_int_equal (why.reason, REASON_CACHE);
  /* A cache that comes to be is seen by the open reader.  */
  struct cache *writer = must_open (below, CACHE_WRITE);
  struct stat st;
  assert_int_equal (stat (below, &st), 0);
  assert_int_equal (st.st_mode & 0777, 0700);
  must_store (writer, 1);
  assert_int_equal (cache__lookup (cache, key, true, &entry, &why), 1);
  entry__free (entry);
  cache__close (cache);
  cache__close (writer);
  free (below);
  folder_remove (folder);
}

static void
gives_back_what_was_stored (void **state)
{
  (void)state;
  char *folder = folder_make (), code[64];
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  for (unsigned n = 0; n < 20; n++)
    must_store (cache, n);
  struct entry negative = {
    .kind = ENTRY_NEGATIVE, .function = "slow", .reason = "not-faster", .detail = "best 1.01"
  };
  key_of (100, negative.key);
  assert_int_equal (cache__store (cache, &negative, &why), 0);
  cache__close (cache);

  cache = must_open (folder, CACHE_READ);
  for (unsigned n = 0; n < 20; n++)
    {
      struct entry want = entry_of (n, code), *got = NULL;
      assert_int_equal (cache__lookup (cache, want.key, true, &got, &why), 1);
      assert_string_equal (got->key, want.key);
      assert_int_equal (got->kind, want.kind);
      assert_string_equal (got->function, want.function);
      assert_string_equal (got->file, want.file);
      assert_int_equal (got->line, want.line);
      assert_string_equal (got->code, want.code);
      assert_string_equal (got->verdict, want.verdict);
      assert_string_equal (got->policy, want.policy);
      assert_string_equal (got->provenance, want.provenance);
      assert_string_equal (got->evidence, want.evidence);
      assert_string_equal (got->measurement, want.measurement);
      assert_true (got->ratio == want.ratio && got->ratio_low == want.ratio_low
                   && got->ratio_high == want.ratio_high);
      assert_null (got->reason);
      assert_int_equal (got->tried, 7);
      assert_int_equal (got->created, want.created);
      entry__free (got);
    }
  struct entry *got = NULL;
  assert_int_equal (cache__lookup (cache, negative.key, false, &got, &why), 1);
  assert_int_equal (got->kind, ENTRY_NEGATIVE);
  assert_null (got->code);
  assert_string_equal (got->reason, "not-faster");
  entry__free (got);
  /* Hits are written at close.  */
  cache__close (cache);
  cache = must_open (folder, CACHE_WRITE);
  char key[65];
  assert_int_equal (cache__lookup (cache, key_of (3, key), false, &got, &why), 1);
  assert_int_equal (got->hits, 1);
  entry__free (got);
  struct cache_stats stats;
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.rewrites, 20);
  assert_int_equal (stats.negatives, 1);
  assert_int_equal (stats.hits, 20);
  assert_true (stats.geomean_ratio > 9 && stats.geomean_ratio < 11);
  assert_int_equal (cache__remove (cache, key, &why), 0);
  assert_int_equal (cache__lookup (cache, key, false, &got, &why), 0);
  /* No key, no code: refused.  */
  struct entry bad = entry_of (1, code);
  bad.code = NULL;
  assert_int_equal (cache__store (cache, &bad, &why), -1);
  bad = entry_of (1, code);
  strcpy (bad.key, "../x");
  assert_int_equal (cache__store (cache, &bad, &why), -1);
  assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
  cache__close (cache);
  folder_remove (folder);
}

static bool
count_entry (void *context, const struct entry *entry)
{
  (void)entry;
  return ++*(int *)context < 1000;
}

static bool
count_queued (void *context, const char *key, const char *function, const char *file, unsigned line,
              const char *state)
{
  (void)key, (void)function, (void)file, (void)line, (void)state;
  ++*(int *)context;
  return true;
}

static int
matches (struct cache *cache, const char *pattern)
{
  int n = 0;
  struct why why;
  assert_int_equal (cache__each (cache, pattern, count_entry, &n, &why), 0);
  return n;
}

static void
lists_by_pattern (void **state)
{
  (void)state;
  char *folder = folder_make (), key[65];
  struct cache *cache = must_open (folder, CACHE_WRITE);
  must_store (cache, 1);
  must_store (cache, 2);
  assert_int_equal (matches (cache, NULL), 2);
  assert_int_equal (matches (cache, "sum"), 2);
  assert_int_equal (matches (cache, "s*"), 2);
  assert_int_equal (matches (cache, "sum.c"), 2);
  assert_int_equal (matches (cache, "um.c"), 0);
  assert_int_equal (matches (cache, "product"), 0);
  key_of (2, key)[0] ? key[10] = '\0' : 0;
  assert_int_equal (matches (cache, key), 1);
  assert_int_equal (matches (cache, "' OR 1 --"), 0);
  cache__close (cache);
  folder_remove (folder);
}

static void
queue_leases (void **state)
{
  (void)state;
  char *folder = folder_make (), key[65], other[65], found[65], *json;
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  key_of (1, key);
  key_of (2, other);
  assert_int_equal (queue__put (cache, key, "light", "a.c", 1, "{\"a\":1}", 5, &why), 0);
  assert_int_equal (queue__put (cache, other, "heavy", "a.c", 2, "{\"a\":2}", 50, &why), 0);
  assert_int_equal (queue__put (cache, other, "heavy", "a.c", 2, "{\"a\":2}", 50, &why), 0);
  unsigned waiting, leased;
  assert_int_equal (queue__count (cache, &waiting, &leased, &why), 0);
  assert_int_equal (waiting, 2);
  /* Heaviest first, each once.  */
  assert_int_equal (queue__take (cache, NULL, 60, found, &json, &why), 1);
  assert_string_equal (found, other);
  assert_string_equal (json, "{\"a\":2}");
  free (json);
  assert_int_equal (queue__take (cache, other, 60, found, &json, &why), 0);
  assert_null (json);
  assert_int_equal (queue__take (cache, NULL, 60, found, &json, &why), 1);
  assert_string_equal (found, key);
  free (json);
  assert_int_equal (queue__take (cache, NULL, 60, found, &json, &why), 0);
  int n = 0;
  assert_int_equal (queue__each (cache, NULL, count_queued, &n, &why), 0);
  assert_int_equal (n, 2);
  /* Back to waiting, then done.  */
  assert_int_equal (queue__finish (cache, key, false, &why), 0);
  assert_int_equal (queue__take (cache, key, 60, found, &json, &why), 1);
  free (json);
  assert_int_equal (queue__finish (cache, key, true, &why), 0);
  must_store (cache, 1);
  /* A compiler that missed a moment ago doesn't queue it again.  */
  assert_int_equal (queue__put (cache, key, "light", "b.c", 1, "{\"a\":1}", 5, &why), 0);
  assert_int_equal (queue__take (cache, key, 60, found, &json, &why), 0);
  /* But after its entry was removed, it can be taken by name.  */
  assert_int_equal (cache__remove (cache, key, &why), 0);
  assert_int_equal (queue__take (cache, key, 60, found, &json, &why), 1);
  free (json);
  json = cache__region (cache, key);
  assert_string_equal (json, "{\"a\":1}");
  free (json);
  assert_null (cache__region (cache, key_of (77, found)));
  cache__close (cache);
  folder_remove (folder);
}

static void
lost_leases_come_back (void **state)
{
  (void)state;
  char *folder = folder_make (), key[65], found[65], *json;
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  key_of (1, key);
  assert_int_equal (queue__put (cache, key, "killer", "k.c", 9, "{}", 5, &why), 0);
  cache__close (cache);
  for (int i = 0; i < 3; i++)
    {
      pid_t pid = fork ();
      if (pid == 0)
        {
          cache = must_open (folder, CACHE_WRITE);
          _exit (queue__take (cache, NULL, i == 2 ? 0.0 : 1000, found, &json, &why) == 1 ? 0 : 1);
        }
      int status;
      waitpid (pid, &status, 0);
      assert_int_equal (status, 0);
    }
  /* Its holders are gone long before the lease is over; after the third it is given up.  */
  cache = must_open (folder, CACHE_WRITE);
  assert_int_equal (queue__take (cache, NULL, 60, found, &json, &why), 0);
  struct entry *entry;
  assert_int_equal (cache__lookup (cache, key, false, &entry, &why), 1);
  assert_int_equal (entry->kind, ENTRY_NEGATIVE);
  assert_string_equal (entry->reason, "helper");
  assert_string_equal (entry->function, "killer");
  entry__free (entry);
  struct cache_stats stats;
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.lost_leases, 3);
  /* One killed between storing and finishing: the entry stays, and it is not worked on again.  */
  char stored[65];
  key_of (2, stored);
  assert_int_equal (queue__put (cache, stored, "sum", "sum.c", 9, "{}", 5, &why), 0);
  pid_t pid = fork ();
  if (pid == 0)
    {
      struct cache *own = must_open (folder, CACHE_WRITE);
      if (queue__take (own, NULL, 1000, found, &json, &why) != 1)
        _exit (1);
      must_store (own, 2);
      _exit (0);
    }
  int ended;
  waitpid (pid, &ended, 0);
  assert_int_equal (ended, 0);
  assert_int_equal (queue__take (cache, NULL, 60, found, &json, &why), 0);
  assert_int_equal (cache__lookup (cache, stored, false, &entry, &why), 1);
  assert_int_equal (entry->kind, ENTRY_REWRITE);
  entry__free (entry);
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.waiting + stats.leased, 0);
  cache__close (cache);
  folder_remove (folder);
}

static void
leases_are_given_back_by_the_right_one (void **state)
{
  (void)state;
  char *folder = folder_make (), key[65], found[65], *json;
  struct why why = { 0 };
  key_of (1, key);
  struct cache *cache = must_open (folder, CACHE_WRITE);
  assert_int_equal (queue__put (cache, key, "f", "f.c", 9, "{}", 5, &why), 0);
  int gate[2], ready[2];
  assert_int_equal (pipe (gate) | pipe (ready), 0);
  pid_t pid = fork ();
  if (pid == 0)
    {
      char byte;
      close (gate[1]);
      struct cache *own = must_open (folder, CACHE_WRITE);
      int result = queue__take (own, NULL, 1000, found, &json, &why);
      if (write (ready[1], "x", 1) != 1 || read (gate[0], &byte, 1) != 0)
        _exit (2);
      _exit (result == 1 ? 0 : 1);
    }
  char byte;
  assert_int_equal (read (ready[0], &byte, 1), 1);
  /* It is at work: nobody else gives its lease back.  */
  unsigned waiting, leased;
  assert_int_equal (queue__finish (cache, key, false, &why), 0);
  assert_int_equal (queue__count (cache, &waiting, &leased, &why), 0);
  assert_int_equal (leased, 1);
  close (gate[1]);
  int status;
  waitpid (pid, &status, 0);
  assert_int_equal (status, 0);
  /* It is gone: whoever led it does, and that is no lost lease.  */
  assert_int_equal (queue__finish (cache, key, false, &why), 0);
  assert_int_equal (queue__count (cache, &waiting, &leased, &why), 0);
  assert_int_equal (waiting, 1);
  struct cache_stats stats;
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.lost_leases, 0);
  cache__close (cache);
  close (gate[0]), close (ready[0]), close (ready[1]);
  folder_remove (folder);
}

static void
gc_keeps_what_is_used (void **state)
{
  (void)state;
  char *folder = folder_make (), key[65];
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  must_store (cache, 1);
  must_store (cache, 2);
  struct entry *entry;
  assert_int_equal (cache__lookup (cache, key_of (2, key), true, &entry, &why), 1);
  entry__free (entry);
  assert_int_equal (cache__gc (cache, 1000, &why), 1);
  assert_int_equal (matches (cache, NULL), 1);
  assert_int_equal (matches (cache, key), 1);
  assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
  cache__close (cache);
  folder_remove (folder);
}

static double
seconds_of (clockid_t clock)
{
  struct timespec t;
  clock_gettime (clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The design's figure for opening, looking up and closing; other tests run beside this one, so the
   quickest counts, in processor time.  */
static void
lookup_is_fast (void **state)
{
  (void)state;
  char *folder = folder_make (), key[65], json[20001];
  memset (json, 'x', 20000);
  json[0] = json[19999] = '"';
  json[20000] = '\0';
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  for (unsigned n = 0; n < 300; n++)
    {
      must_store (cache, n);
      if (n < 100)
        assert_int_equal (queue__put (cache, key_of (1000 + n, key), "f", "f.c", 1, json, 1, &why),
                          0);
    }
  cache__close (cache);
  double cpu = 1, wall = 1;
  for (int i = 0; i < 101; i++)
    {
      struct entry *entry;
      double cpu_begin = seconds_of (CLOCK_PROCESS_CPUTIME_ID),
             begin = seconds_of (CLOCK_MONOTONIC);
      cache = must_open (folder, CACHE_READ);
      assert_int_equal (cache__lookup (cache, key_of (7, key), true, &entry, &why), 1);
      entry__free (entry);
      cache__close (cache);
      double cpu_spent = seconds_of (CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
      double spent = seconds_of (CLOCK_MONOTONIC) - begin;
      cpu = cpu_spent < cpu ? cpu_spent : cpu;
      wall = spent < wall ? spent : wall;
    }
  print_message ("# open, look up, count, close: %.0f us (processor %.0f us)\n", wall * 1e6,
                 cpu * 1e6);
#ifndef __SANITIZE_ADDRESS__
  assert_true (cpu < 0.001);
#endif
  folder_remove (folder);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (missing_is_empty),
    cmocka_unit_test (gives_back_what_was_stored),
    cmocka_unit_test (lists_by_pattern),
    cmocka_unit_test (queue_leases),
    cmocka_unit_test (lost_leases_come_back),
    cmocka_unit_test (gc_keeps_what_is_used),
    cmocka_unit_test (leases_are_given_back_by_the_right_one),
    cmocka_unit_test (lookup_is_fast),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
