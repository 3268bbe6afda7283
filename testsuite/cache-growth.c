/* What the cache costs doesn't grow with what it holds: look-ups, statistics and queueing take as many steps at
   20,000 entries as at 200, and no query reads a whole table.  The totals are what the tables say, whatever changes
   them; a file of schema 1 is brought up to date.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/cache-common.h"

#include "bench/growth.h"
#include "cache/internal.h"

#include <time.h>

enum
{
  FEW = 200,
  MANY = 20000
};

/* What SQLite did since it was last set to 0.  */
struct work
{
  sqlite3 *db;
  uint64_t steps;
  unsigned statements, bad_plans;
  bool allow_scan; /* in the order of an index, as `list` does */
};

/* Is this line of EXPLAIN QUERY PLAN one that costs more the more there is?  */
static bool
plan__grows (const char *line, bool allow_scan)
{
  if (strstr (line, "USE TEMP B-TREE") || strstr (line, "AUTOMATIC"))
    return true;
  /* One row each: no table, a sub-select, the totals.  */
  if (strncmp (line, "SCAN ", 5) != 0 || strcmp (line, "SCAN CONSTANT ROW") == 0 || strcmp (line, "SCAN k") == 0
      || strcmp (line, "SCAN total") == 0)
    return false;
  return !(allow_scan && strstr (line, " INDEX "));
}

/* After each statement: its steps, and its plan.  */
static int
note_statement (unsigned event, void *context, void *statement, void *nanoseconds)
{
  struct work *work = context;
  (void)event, (void)nanoseconds;
  sqlite3_stmt *s = statement, *plan = NULL;
  work->steps += (uint64_t)sqlite3_stmt_status (s, SQLITE_STMTSTATUS_VM_STEP, 1);
  work->statements++;
  char *sql = NULL;
  if (asprintf (&sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql (s)) < 0)
    return 0;
  /* The plan's own statement isn't to be noted.  */
  sqlite3_trace_v2 (work->db, 0, NULL, NULL);
  if (sqlite3_prepare_v2 (work->db, sql, -1, &plan, NULL) == SQLITE_OK)
    while (sqlite3_step (plan) == SQLITE_ROW)
      {
        const char *line = (const char *)sqlite3_column_text (plan, 3);
        /* min and max take the index's end.  */
        bool is_end = strstr (sqlite3_sql (s), "min (created)") && strstr (line, "USING COVERING INDEX entry_order");
        if (plan__grows (line, work->allow_scan) && !is_end)
          {
            print_message ("# %s\n#   %s\n", sqlite3_sql (s), line);
            work->bad_plans++;
          }
      }
  sqlite3_finalize (plan);
  free (sql);
  sqlite3_trace_v2 (work->db, SQLITE_TRACE_PROFILE, note_statement, work);
  return 0;
}

static void
watch (struct work *work, struct cache *cache)
{
  *work = (struct work){ .db = cache->db };
  sqlite3_trace_v2 (cache->db, SQLITE_TRACE_PROFILE, note_statement, work);
}

static struct cache *
folder_fill (const char *folder, unsigned n)
{
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  if (growth__fill (cache, 0, n, &why) != 0)
    fail_msg ("growth__fill: %s", why.detail);
  cache__close (cache);
  return must_open (folder, CACHE_WRITE);
}

static bool
ten_entries (void *context, const struct entry *entry)
{
  (void)entry;
  return ++*(unsigned *)context < 10;
}

static bool
ten_queued (void *context, const char *key, const char *function, const char *file, unsigned line, const char *state)
{
  (void)key, (void)function, (void)file, (void)line, (void)state;
  return ++*(unsigned *)context < 10;
}

enum
{
  OF_LOOKUP,
  OF_STATS,
  OF_QUEUE,
  OF_LIST,
  OPERATIONS
};

/* The steps that each operation takes at the N entries in FOLDER.  */
static void
count_steps (const char *folder, unsigned n, uint64_t steps[OPERATIONS])
{
  char key[65], found[65], *json;
  struct cache *cache = folder_fill (folder, n);
  struct why why = { 0 };
  struct work work;
  struct entry *entry;
  struct cache_stats stats;

  watch (&work, cache);
  for (unsigned i = 0; i < 50; i++)
    {
      growth__key (i * 4, key);
      assert_int_equal (cache__lookup (cache, key, true, &entry, &why), 1);
      entry__free (entry);
      growth__key (n + 100 + i, key);
      assert_int_equal (cache__lookup (cache, key, true, &entry, &why), 0);
    }
  assert_true (work.statements >= 100);
  steps[OF_LOOKUP] = work.steps;

  work.steps = work.statements = 0;
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.rewrites + stats.negatives, n);
  assert_int_equal (stats.waiting, n / 10);
  assert_int_equal (stats.hits, 50);
  assert_true (work.statements >= 1);
  unsigned waiting, leased;
  assert_int_equal (queue__count (cache, &waiting, &leased, &why), 0);
  assert_int_equal (waiting, n / 10);
  assert_int_equal (leased, 0);
  steps[OF_STATS] = work.steps;

  work.steps = work.statements = 0;
  growth__key (UINT64_C (1) << 50, key);
  assert_int_equal (queue__put (cache, key, "f", "f.c", 1, "{}", INT64_C (1) << 40, &why), 0);
  assert_int_equal (queue__take (cache, NULL, 60, found, &json, &why), 1);
  assert_string_equal (found, key);
  free (json);
  char code[64];
  struct entry done = entry_of (1, code);
  memcpy (done.key, found, sizeof done.key);
  assert_int_equal (cache__store (cache, &done, &why), 0);
  assert_int_equal (queue__finish (cache, found, true, &why), 0);
  assert_true (work.statements >= 10);
  steps[OF_QUEUE] = work.steps;

  work.steps = work.statements = 0;
  work.allow_scan = true;
  unsigned listed = 0, queued = 0;
  assert_int_equal (cache__each (cache, NULL, ten_entries, &listed, &why), 0);
  assert_int_equal (queue__each (cache, NULL, ten_queued, &queued, &why), 0);
  assert_int_equal (listed, 10);
  assert_int_equal (queued, 10);
  steps[OF_LIST] = work.steps;

  assert_int_equal (work.bad_plans, 0);
  cache__close (cache);
}

static void
steps_dont_grow (void **state)
{
  char *folder = folder_make ();
  uint64_t few[OPERATIONS], many[OPERATIONS];
  count_steps (folder, FEW, few);
  /* Left for many_are_fast.  */
  count_steps (*state, MANY, many);
  static const char *const name[OPERATIONS] = { "look-ups", "statistics", "queueing and storing", "first of a list" };
  for (unsigned i = 0; i < OPERATIONS; i++)
    {
      print_message ("# %s: %llu steps at %d entries, %llu at %d\n", name[i], (unsigned long long)few[i], FEW,
                     (unsigned long long)many[i], MANY);
      /* Values differ in length, and with them a few steps.  */
      assert_true (few[i] > 0);
      assert_true (many[i] <= few[i] + few[i] / 4);
    }
  folder_remove (folder);
}

/* A pattern is held against an index, and only what matches is read from the table.  */
static void
patterns_read_the_index (void **state)
{
  (void)state;
  char *folder = folder_make ();
  struct cache *cache = folder_fill (folder, FEW);
  struct why why = { 0 };
  struct work work;
  unsigned n = 0;
  watch (&work, cache);
  work.allow_scan = true;
  assert_int_equal (cache__each (cache, "function_7", ten_entries, &n, &why), 0);
  assert_int_equal (n, 1);
  assert_int_equal (cache__each (cache, "function_1[05]", ten_entries, &n, &why), 0);
  assert_int_equal (n, 3);
  assert_int_equal (work.bad_plans, 0);
  cache__close (cache);
  folder_remove (folder);
}

static double
processor_seconds (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The figures that the project is held to at a million entries, with generous room at few; in processor time, because
   other tests run beside this one.  */
static void
many_are_fast (void **state)
{
  const char *folder = *state;
  char key[65];
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  struct cache_stats stats;
  double x[500], begin;
  for (unsigned i = 0; i < 500; i++)
    {
      struct entry *entry;
      growth__key (i * 37, key);
      begin = processor_seconds ();
      assert_int_equal (cache__lookup (cache, key, true, &entry, &why), 1);
      x[i] = processor_seconds () - begin;
      entry__free (entry);
    }
  for (unsigned i = 1; i < 500; i++)
    for (unsigned j = i; j && x[j] < x[j - 1]; j--)
      {
        double swap = x[j];
        x[j] = x[j - 1], x[j - 1] = swap;
      }
  /* The first writes the hits counted so far.  */
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  begin = processor_seconds ();
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  double seconds = processor_seconds () - begin;
  print_message ("# %d entries: look-up %.0f us (median), statistics %.0f us\n", MANY, x[250] * 1e6, seconds * 1e6);
  struct entry *entry;
  uint64_t all_before = stats.hits;
  growth__key (3, key);
  assert_int_equal (cache__lookup (cache, key, false, &entry, &why), 1);
  uint64_t before = entry->hits;
  entry__free (entry);
  /* A compiler with very many hot functions: counting hits mustn't go through all that were counted before.  */
  begin = processor_seconds ();
  for (unsigned i = 0; i < 100000; i++)
    {
      growth__key (i % MANY, key);
      assert_int_equal (cache__lookup (cache, key, true, &entry, &why), 1);
      entry__free (entry);
    }
  cache__close (cache);
  double hits = processor_seconds () - begin;
  cache = must_open (folder, CACHE_READ);
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.hits, all_before + 100000);
  growth__key (3, key);
  assert_int_equal (cache__lookup (cache, key, false, &entry, &why), 1);
  assert_int_equal (entry->hits, before + 100000 / MANY);
  entry__free (entry);
  print_message ("# 100000 counted hits on %d entries: %.2f s\n", MANY, hits);
#ifndef __SANITIZE_ADDRESS__
  assert_true (x[250] < 0.001);
  assert_true (seconds < 0.1);
  assert_true (hits < 30);
#endif
  cache__close (cache);
}

/* Checks that the totals are what the tables say, and what WANT says.  */
static void
totals_are (struct cache *cache, unsigned rewrites, unsigned negatives, unsigned regions, unsigned waiting,
            unsigned leased, unsigned recorded)
{
  struct cache_stats stats;
  struct why why = { 0 };
  assert_null (schema__wrong_total (cache->db));
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.rewrites, rewrites);
  assert_int_equal (stats.negatives, negatives);
  assert_int_equal (stats.regions, regions);
  assert_int_equal (stats.waiting, waiting);
  assert_int_equal (stats.leased, leased);
  assert_int_equal (stats.recorded, recorded);
}

static double
geomean_of (struct cache *cache)
{
  struct cache_stats stats;
  struct why why = { 0 };
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  return stats.geomean_ratio;
}

static void
totals_follow_the_tables (void **state)
{
  (void)state;
  char *folder = folder_make (), key[65], found[65], code[64], *json;
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  totals_are (cache, 0, 0, 0, 0, 0, 0);
  assert_true (geomean_of (cache) == 0);
  struct entry two = entry_of (1, code);
  two.ratio = 2;
  assert_int_equal (cache__store (cache, &two, &why), 0);
  struct entry eight = entry_of (2, code);
  eight.ratio = 8;
  assert_int_equal (cache__store (cache, &eight, &why), 0);
  totals_are (cache, 2, 0, 0, 0, 0, 0);
  assert_float_equal (geomean_of (cache), 4, 1e-4);
  /* Stored over: by another ratio, by the other kind, and by itself.  */
  eight.ratio = 32;
  assert_int_equal (cache__store (cache, &eight, &why), 0);
  totals_are (cache, 2, 0, 0, 0, 0, 0);
  assert_float_equal (geomean_of (cache), 8, 1e-4);
  assert_int_equal (cache__store (cache, &eight, &why), 0);
  struct entry negative = { .kind = ENTRY_NEGATIVE, .reason = (char *)"not-faster", .created = 1 };
  memcpy (negative.key, eight.key, sizeof negative.key);
  assert_int_equal (cache__store (cache, &negative, &why), 0);
  totals_are (cache, 1, 1, 0, 0, 0, 0);
  assert_float_equal (geomean_of (cache), 2, 1e-4);
  assert_int_equal (cache__remove (cache, two.key, &why), 0);
  totals_are (cache, 0, 1, 0, 0, 0, 0);
  /* The queue, with all of its ways out.  */
  for (unsigned n = 10; n < 14; n++)
    assert_int_equal (queue__put (cache, key_of (n, key), "f", "f.c", 1, "{}", n, &why), 0);
  totals_are (cache, 0, 1, 4, 4, 0, 0);
  /* Another file's: region and weight are renewed.  */
  assert_int_equal (queue__put (cache, key_of (10, key), "f", "g.c", 1, "{}", 20, &why), 0);
  totals_are (cache, 0, 1, 4, 4, 0, 0);
  assert_int_equal (queue__take (cache, NULL, 60, found, &json, &why), 1);
  free (json);
  totals_are (cache, 0, 1, 4, 3, 1, 0);
  assert_int_equal (queue__finish (cache, found, false, &why), 0);
  totals_are (cache, 0, 1, 4, 4, 0, 0);
  assert_int_equal (queue__take (cache, NULL, 60, found, &json, &why), 1);
  free (json);
  assert_int_equal (queue__finish (cache, found, true, &why), 0);
  totals_are (cache, 0, 1, 4, 3, 0, 0);
  /* Leases lost three times: given up as a negative.  */
  key_of (11, key);
  for (unsigned i = 0; i < 3; i++)
    {
      assert_int_equal (queue__take (cache, key, -1, found, &json, &why), 1);
      free (json);
    }
  assert_int_equal (queue__take (cache, key, -1, found, &json, &why), 0);
  totals_are (cache, 0, 2, 4, 2, 0, 0);
  const char *const states[] = { "{\"a\":1}", "{\"a\":2}", "{\"a\":3}" };
  assert_int_equal (recorded__put (cache, key, states, 3, false, &why), 3);
  assert_int_equal (recorded__put (cache, key, states, 1, true, &why), 1);
  totals_are (cache, 0, 2, 4, 2, 0, 4);
  assert_int_equal (recorded__put (cache, key, states, 2, false, &why), 2);
  totals_are (cache, 0, 2, 4, 2, 0, 2);
  /* A transaction that is undone undoes its counts.  */
  assert_int_equal (cache__begin (cache, &why), 0);
  assert_int_equal (cache__execute (cache, "DELETE FROM entry", "removing", &why), 0);
  assert_int_equal (cache__end (cache, false, &why), -1);
  totals_are (cache, 0, 2, 4, 2, 0, 2);
  /* Entry 2 is of 1970; its region was never kept.  */
  assert_int_equal (cache__gc (cache, 1000, &why), 1);
  totals_are (cache, 0, 1, 4, 2, 0, 2);
  assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
  cache__close (cache);
  folder_remove (folder);
}

/* A total changed by hand is a problem for the check; gc counts anew.  */
static void
wrong_totals_are_found_and_put_right (void **state)
{
  (void)state;
  static const char *const harm[] = { "UPDATE total SET rewrites = rewrites + 1",
                                      "UPDATE total SET log_ratio = 0",
                                      "UPDATE total SET waiting = NULL" };
  char *folder = folder_make (), key[65];
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  must_store (cache, 1);
  assert_int_equal (queue__put (cache, key_of (2, key), "f", "f.c", 1, "{}", 1, &why), 0);
  for (unsigned i = 0; i < sizeof harm / sizeof *harm; i++)
    {
      assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
      assert_int_equal (cache__execute (cache, harm[i], "harming", &why), 0);
      assert_int_equal (cache__check (cache, print_problem, NULL, &why), 1);
      assert_int_equal (cache__gc (cache, INT64_C (1) << 40, &why), 0);
      totals_are (cache, 1, 0, 1, 1, 0, 0);
    }
  cache__close (cache);
  folder_remove (folder);
}

/* Schema 1, as aiopt wrote it up to November 2026; recorded came with the first recorded state.  */
static const char schema_1[]
    = "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
      "CREATE TABLE entry (key TEXT PRIMARY KEY, kind INTEGER NOT NULL, function TEXT, file TEXT,"
      " line INTEGER, code TEXT, verdict TEXT, policy TEXT, provenance TEXT, evidence TEXT,"
      " measurement TEXT, ratio REAL, ratio_low REAL, ratio_high REAL, reason TEXT, detail TEXT,"
      " tried INTEGER, seconds REAL, created INTEGER NOT NULL, checksum BLOB NOT NULL);"
      "CREATE TABLE usage (key TEXT PRIMARY KEY, hits INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE region (key TEXT PRIMARY KEY, function TEXT, file TEXT, line INTEGER,"
      " json TEXT NOT NULL, created INTEGER NOT NULL, checksum BLOB NOT NULL);"
      "CREATE TABLE queue (key TEXT PRIMARY KEY, state INTEGER NOT NULL, weight INTEGER NOT NULL,"
      " expiry REAL, host TEXT, pid INTEGER, start INTEGER, lost INTEGER NOT NULL DEFAULT 0,"
      " created INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE INDEX queue_order ON queue (state, weight DESC, created);"
      "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
      "INSERT INTO meta VALUES ('schema', '1'), ('made by', 'aiopt');"
      "INSERT INTO counter VALUES ('hits', 41);";
static const char recorded_1[]
    = "CREATE TABLE recorded (key TEXT NOT NULL, number INTEGER NOT NULL, json TEXT NOT NULL,"
      " created INTEGER NOT NULL, checksum BLOB NOT NULL, PRIMARY KEY (key, number)) WITHOUT ROWID;"
      "INSERT INTO recorded SELECT * FROM new.recorded;";

/* Makes OLD a cache of schema 1 with what the cache in NEW holds.  */
static void
folder_age (const char *new, const char *old, bool recorded)
{
  char *path = NULL, *attach = NULL;
  sqlite3 *db;
  assert_true (asprintf (&path, "%s/cache.db", old) > 0 && asprintf (&attach, "ATTACH '%s/cache.db' AS new", new) > 0);
  assert_int_equal (sqlite3_open (path, &db), SQLITE_OK);
  assert_int_equal (chmod (path, 0600), 0);
  assert_int_equal (sqlite3_exec (db, schema_1, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal (sqlite3_exec (db, attach, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal (sqlite3_exec (db,
                                  "INSERT INTO entry SELECT * FROM new.entry;"
                                  "INSERT INTO region SELECT * FROM new.region;"
                                  "INSERT INTO queue SELECT * FROM new.queue;"
                                  "INSERT INTO usage SELECT * FROM new.usage;",
                                  NULL, NULL, NULL),
                    SQLITE_OK);
  if (recorded)
    assert_int_equal (sqlite3_exec (db, recorded_1, NULL, NULL, NULL), SQLITE_OK);
  char pragmas[120];
  snprintf (pragmas, sizeof pragmas,
            "DETACH new; PRAGMA application_id = %d; PRAGMA user_version = 1; PRAGMA journal_mode = WAL",
            CACHE_APPLICATION_ID);
  assert_int_equal (sqlite3_exec (db, pragmas, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal (sqlite3_close (db), SQLITE_OK);
  free (path);
  free (attach);
}

static void
schema_1_is_brought_up_to_date (void **state)
{
  (void)state;
  for (unsigned with_recorded = 0; with_recorded < 2; with_recorded++)
    {
      char *new = folder_make (), *old = folder_make (), key[65], code[64];
      struct cache *cache = must_open (new, CACHE_WRITE);
      struct why why = { 0 };
      const char *const states[] = { "{\"a\":1}" };
      for (unsigned n = 0; n < 30; n++)
        must_store (cache, n);
      for (unsigned n = 100; n < 105; n++)
        assert_int_equal (queue__put (cache, key_of (n, key), "f", "f.c", 1, "{}", n, &why), 0);
      assert_int_equal (recorded__put (cache, key, states, 1, false, &why), 1);
      double geomean = geomean_of (cache);
      cache__close (cache);
      folder_age (new, old, with_recorded);
      /* Many at once, reading and writing: one does it, all find it done.  */
      pid_t pid[8];
      for (unsigned i = 0; i < 8; i++)
        {
          pid[i] = fork ();
          if (pid[i] == 0)
            {
              struct entry *entry;
              struct cache *own;
              key_of (i, key);
              if (cache__open (old, i % 2 ? CACHE_READ : CACHE_WRITE, &own, &why) != 0)
                {
                  fprintf (stderr, "# %s\n", why.detail);
                  _exit (1);
                }
              if (cache__lookup (own, key, true, &entry, &why) != 1)
                _exit (2);
              entry__free (entry);
              cache__close (own);
              _exit (0);
            }
        }
      for (unsigned i = 0; i < 8; i++)
        {
          int status;
          waitpid (pid[i], &status, 0);
          assert_int_equal (status, 0);
        }
      cache = must_open (old, CACHE_WRITE);
      assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
      totals_are (cache, 30, 0, 5, 5, 0, with_recorded);
      assert_float_equal (geomean_of (cache), geomean, 1e-9);
      struct cache_stats stats;
      assert_int_equal (cache__stats (cache, &stats, &why), 0);
      assert_in_range (stats.hits, 41, 49);
      for (unsigned n = 0; n < 30; n++)
        {
          struct entry want = entry_of (n, code), *got;
          assert_int_equal (cache__lookup (cache, want.key, false, &got, &why), 1);
          assert_string_equal (got->code, want.code);
          entry__free (got);
        }
      must_store (cache, 50);
      totals_are (cache, 31, 0, 5, 5, 0, with_recorded);
      cache__close (cache);
      folder_remove (new);
      folder_remove (old);
    }
}

/* Killed while it brings a file up to date: the next one finds all of the old or all of the new.  */
static void
a_killed_migration_is_begun_again (void **state)
{
  (void)state;
  char *new = folder_make (), *old = folder_make ();
  cache__close (folder_fill (new, 2000));
  folder_age (new, old, true);
  for (unsigned i = 0; i < 12; i++)
    {
      pid_t pid = fork ();
      if (pid == 0)
        {
          struct cache *own;
          struct why why;
          _exit (cache__open (old, CACHE_WRITE, &own, &why) == 0 ? 0 : 1);
        }
      nanosleep (&(struct timespec){ 0, (long)i * 2000000 }, NULL);
      kill (pid, SIGKILL);
      int status;
      waitpid (pid, &status, 0);
      assert_true (WIFSIGNALED (status) || WEXITSTATUS (status) == 0);
    }
  struct cache *cache = must_open (old, CACHE_WRITE);
  struct why why = { 0 };
  assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
  assert_null (schema__wrong_total (cache->db));
  struct cache_stats stats;
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.rewrites + stats.negatives, 2000);
  cache__close (cache);
  folder_remove (new);
  folder_remove (old);
}

static void
schema_1_that_cant_be_written_is_refused (void **state)
{
  (void)state;
  char *new = folder_make (), *old = folder_make (), *path = NULL;
  struct cache *cache = must_open (new, CACHE_WRITE);
  must_store (cache, 1);
  cache__close (cache);
  folder_age (new, old, true);
  assert_true (asprintf (&path, "%s/cache.db", old) > 0);
  assert_int_equal (chmod (path, 0444), 0);
  assert_int_equal (chmod (old, 0555), 0);
  pid_t pid = fork ();
  if (pid == 0)
    {
      struct why why = { 0 };
      /* Root may write everywhere.  */
      if (geteuid () == 0 && setresuid (65534, 65534, 65534) != 0)
        _exit (77);
      if (cache__open (old, CACHE_READ, &cache, &why) != -1 || why.reason != REASON_CACHE)
        _exit (1);
      _exit (strstr (why.detail, "schema 1") ? 0 : 2);
    }
  int status;
  waitpid (pid, &status, 0);
  chmod (old, 0755);
  assert_true (WIFEXITED (status));
  assert_true (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == 77);
  free (path);
  folder_remove (new);
  folder_remove (old);
}

static int
make_folder (void **state)
{
  *state = folder_make ();
  return 0;
}

static int
remove_folder (void **state)
{
  folder_remove (*state);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (steps_dont_grow),
    cmocka_unit_test (patterns_read_the_index),
    cmocka_unit_test (many_are_fast),
    cmocka_unit_test (totals_follow_the_tables),
    cmocka_unit_test (wrong_totals_are_found_and_put_right),
    cmocka_unit_test (schema_1_is_brought_up_to_date),
    cmocka_unit_test (a_killed_migration_is_begun_again),
    cmocka_unit_test (schema_1_that_cant_be_written_is_refused),
  };
  return cmocka_run_group_tests (tests, make_folder, remove_folder);
}
