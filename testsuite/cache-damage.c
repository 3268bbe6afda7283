/* A damaged, foreign, unwritable or full cache is an error with a reason, never code, never
   overwritten.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/cache-common.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

enum
{
  ENTRIES = 40
};

/* FOLDER/cache.db; static.  */
static const char *
file_in (const char *folder)
{
  static char path[512];
  snprintf (path, sizeof path, "%s/cache.db", folder);
  return path;
}

static char *
read_file (const char *path, size_t *size)
{
  FILE *f = fopen (path, "rb");
  assert_non_null (f);
  fseek (f, 0, SEEK_END);
  *size = (size_t)ftell (f);
  rewind (f);
  char *bytes = malloc (*size + 1);
  assert_int_equal (fread (bytes, 1, *size, f), *size);
  fclose (f);
  return bytes;
}

static void
write_file (const char *path, const char *bytes, size_t size)
{
  FILE *f = fopen (path, "wb");
  assert_non_null (f);
  assert_int_equal (fwrite (bytes, 1, size, f), size);
  fclose (f);
}

/* A cache all of whose content is in cache.db, with nothing in the WAL.  */
static char *
folder_filled (void)
{
  char *folder = folder_make (), key[65];
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why;
  for (unsigned n = 0; n < ENTRIES; n++)
    {
      must_store (cache, n);
      assert_int_equal (
          queue__put (cache, key_of (1000 + n, key), "f", "f.c", 1, "{\"x\":1}", 1, &why), 0);
    }
  assert_int_equal (cache__gc (cache, INT64_C (1) << 40, &why), 0);
  cache__close (cache);
  char *side = NULL;
  assert_true (asprintf (&side, "%s-wal", file_in (folder)) > 0);
  struct stat st;
  assert_true (stat (side, &st) != 0 || st.st_size == 0);
  free (side);
  return folder;
}

/* Looks every entry up: each is right or refused.  Returns how many were right.  */
static unsigned
right_entries (const char *folder)
{
  struct cache *cache = NULL;
  struct why why = { 0 };
  if (cache__open (folder, CACHE_READ, &cache, &why) != 0)
    {
      assert_int_equal (why.reason, REASON_CACHE);
      assert_true (strlen (why.detail) > 10);
      assert_null (cache);
      return 0;
    }
  unsigned right = 0;
  for (unsigned n = 0; n < ENTRIES; n++)
    {
      char code[64];
      struct entry want = entry_of (n, code), *got = NULL;
      int result = cache__lookup (cache, want.key, true, &got, &why);
      if (result == 1)
        {
          assert_string_equal (got->code, want.code);
          assert_string_equal (got->key, want.key);
          assert_string_equal (got->verdict, want.verdict);
          entry__free (got);
          right++;
        }
      else
        assert_null (got);
    }
  int problems = cache__check (cache, NULL, NULL, &why);
  if (right < ENTRIES)
    assert_int_not_equal (problems, 0);
  cache__close (cache);
  return right;
}

static void
flipped_bits_are_never_code (void **state)
{
  (void)state;
  char *folder = folder_filled ();
  size_t size;
  char *sound = read_file (file_in (folder), &size), *bytes = malloc (size);
  assert_int_equal (right_entries (folder), ENTRIES);
  uint64_t random = 42;
  unsigned hurt = 0;
  for (int round = 0; round < 150; round++)
    {
      memcpy (bytes, sound, size);
      unsigned flips = 1 + round % 40;
      for (unsigned i = 0; i < flips; i++)
        {
          random = random * 6364136223846793005u + 1442695040888963407u;
          bytes[(random >> 24) % size] ^= (char)(1 << (random >> 20 & 7));
        }
      write_file (file_in (folder), bytes, size);
      hurt += right_entries (folder) < ENTRIES;
    }
  print_message ("# %u of 150 damaged files lost entries, none gave a wrong one\n", hurt);
  assert_true (hurt > 20);
  /* Every single byte of one entry's code counts: change it by SQL, checksum left alone.  */
  write_file (file_in (folder), sound, size);
  sqlite3 *db;
  assert_int_equal (sqlite3_open (file_in (folder), &db), SQLITE_OK);
  assert_int_equal (
      sqlite3_exec (db,
                    "UPDATE entry SET code = 'nop' WHERE line = 1;"
                    "UPDATE entry SET verdict = 'proved' WHERE line = 2;"
                    "UPDATE entry SET key = substr (key, 1, 63) || 'f' WHERE line = 3;"
                    "UPDATE entry SET kind = 7 WHERE line = 4;"
                    "UPDATE entry SET ratio = 99 WHERE line = 5;"
                    "UPDATE entry SET code = code || char (0) || 'x' WHERE line = 6;"
                    "UPDATE region SET json = '{}' WHERE key = (SELECT min (key) FROM region);",
                    NULL, NULL, NULL),
      SQLITE_OK);
  sqlite3_close (db);
  assert_int_equal (right_entries (folder), ENTRIES - 6);
  struct cache *cache = must_open (folder, CACHE_READ);
  struct why why;
  assert_int_equal (cache__check (cache, print_problem, NULL, &why), 7);
  cache__close (cache);
  /* A damaged region is neither shown nor tuned, and doesn't block the queue.  */
  cache = must_open (folder, CACHE_WRITE);
  unsigned shown = 0, taken = 0;
  char key[65], found[65], *json;
  for (unsigned n = 0; n < ENTRIES; n++)
    {
      json = cache__region (cache, key_of (1000 + n, key));
      shown += json != NULL;
      assert_true (!json || strcmp (json, "{\"x\":1}") == 0);
      free (json);
    }
  assert_int_equal (shown, ENTRIES - 1);
  while (queue__take (cache, NULL, 60, found, &json, &why) == 1)
    {
      assert_string_equal (json, "{\"x\":1}");
      free (json);
      taken++;
    }
  assert_int_equal (taken, ENTRIES - 1);
  cache__close (cache);
  free (bytes);
  free (sound);
  folder_remove (folder);
}

/* Opening BYTES as a cache fails for both modes and leaves the file as it was.  */
static void
refused_and_kept (const char *bytes, size_t size)
{
  char *folder = folder_make ();
  write_file (file_in (folder), bytes, size);
  for (int mode = 0; mode < 2; mode++)
    {
      struct cache *cache = NULL;
      struct why why = { 0 };
      assert_int_equal (cache__open (folder, mode ? CACHE_WRITE : CACHE_READ, &cache, &why), -1);
      assert_int_equal (why.reason, REASON_CACHE);
      print_message ("# %s\n", why.detail);
    }
  size_t after_size;
  char *after = read_file (file_in (folder), &after_size);
  assert_int_equal (after_size, size);
  assert_memory_equal (after, bytes, size);
  free (after);
  folder_remove (folder);
}

static void
foreign_files_are_refused_and_kept (void **state)
{
  (void)state;
  refused_and_kept ("", 0);
  refused_and_kept ("This is my diary.\n", 18);
  char *folder = folder_filled ();
  size_t size;
  char *bytes = read_file (file_in (folder), &size);
  refused_and_kept (bytes, 1500);
  refused_and_kept (bytes, 100);
  bytes[63] = 3; /* user_version: another schema */
  refused_and_kept (bytes, size);
  bytes[63] = 2;
  bytes[68] ^= 1; /* application_id */
  refused_and_kept (bytes, size);
  free (bytes);
  folder_remove (folder);
}

static void
read_only_folder_is_read (void **state)
{
  (void)state;
  char *folder = folder_filled ();
  assert_int_equal (chmod (file_in (folder), 0444), 0);
  char *side = NULL;
  assert_true (asprintf (&side, "%s-shm", file_in (folder)) > 0);
  unlink (side);
  side[strlen (side) - 3] = 'w', side[strlen (side) - 2] = 'a', side[strlen (side) - 1] = 'l';
  unlink (side);
  free (side);
  assert_int_equal (chmod (folder, 0555), 0);
  pid_t pid = fork ();
  if (pid == 0)
    {
      /* Root may write everywhere.  */
      if (geteuid () == 0 && setresuid (65534, 65534, 65534) != 0)
        _exit (77);
      struct cache *cache;
      struct why why = { 0 };
      if (cache__open (folder, CACHE_WRITE, &cache, &why) != -1 || why.reason != REASON_CACHE)
        _exit (2);
      char key[65];
      struct entry *entry;
      if (cache__open (folder, CACHE_READ, &cache, &why) != 0)
        _exit (3);
      for (unsigned n = 0; n < ENTRIES; n++)
        {
          if (cache__lookup (cache, key_of (n, key), true, &entry, &why) != 1)
            _exit (4);
          entry__free (entry);
        }
      cache__close (cache);
      char *below = NULL;
      _exit (asprintf (&below, "%s/new", folder) > 0
                     && cache__open (below, CACHE_WRITE, &cache, &why) == -1
                     && why.reason == REASON_CACHE
                 ? 0
                 : 5);
    }
  int status;
  waitpid (pid, &status, 0);
  chmod (folder, 0755);
  assert_true (WIFEXITED (status) && (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == 77));
  folder_remove (folder);
}

static void
full_disk_is_a_reason (void **state)
{
  (void)state;
  char *folder = folder_filled ();
  struct stat st;
  assert_int_equal (stat (file_in (folder), &st), 0);
  /* Limits from "nothing at all" to "a little room"; the signal stays at its deadly default.  */
  for (rlim_t limit = 0; limit < (rlim_t)st.st_size + 300000; limit = limit ? limit * 2 : 1000)
    {
      pid_t pid = fork ();
      if (pid == 0)
        {
          setrlimit (RLIMIT_FSIZE, &(struct rlimit){ limit, limit });
          struct cache *cache = NULL;
          struct why why = { 0 };
          char *below = NULL, key[65], *json = calloc (1, 100001);
          memset (json, '1', 100000);
          if (asprintf (&below, "%s/new%lu", folder, (unsigned long)limit) < 0)
            _exit (9);
          /* A new cache, and the one that is there.  */
          if (cache__open (below, CACHE_WRITE, &cache, &why) == 0)
            cache__close (cache);
          else if (why.reason != REASON_CACHE)
            _exit (2);
          if (cache__open (folder, CACHE_WRITE, &cache, &why) != 0)
            _exit (why.reason == REASON_CACHE ? 0 : 3);
          for (unsigned n = 0; n < 20; n++)
            if (queue__put (cache, key_of (5000 + n, key), "f", "f.c", 1, json, 1, &why) != 0
                && why.reason != REASON_CACHE)
              _exit (4);
          struct entry *entry = NULL;
          int found = cache__lookup (cache, key_of (1, key), true, &entry, &why);
          entry__free (entry);
          cache__close (cache);
          _exit (found == 1 || why.reason == REASON_CACHE ? 0 : 5);
        }
      int status;
      waitpid (pid, &status, 0);
      if (status != 0)
        fail_msg ("limit %lu: status %x", (unsigned long)limit, (unsigned)status);
      assert_int_equal (right_entries (folder), ENTRIES);
      struct cache *cache = must_open (folder, CACHE_READ);
      struct why why;
      assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
      cache__close (cache);
    }
  folder_remove (folder);
}

static void
a_stale_log_is_not_replayed (void **state)
{
  (void)state;
  char *folder = folder_make ();
  struct cache *cache = must_open (folder, CACHE_WRITE);
  for (unsigned n = 0; n < ENTRIES; n++)
    must_store (cache, n);
  cache__close (cache);
  assert_int_equal (unlink (file_in (folder)), 0);
  cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  struct cache_stats stats;
  assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
  assert_int_equal (cache__stats (cache, &stats, &why), 0);
  assert_int_equal (stats.rewrites, 0);
  must_store (cache, 1);
  cache__close (cache);
  folder_remove (folder);
}

static void
world_writable_is_refused (void **state)
{
  (void)state;
  char *folder = folder_filled ();
  struct cache *cache;
  struct why why = { 0 };
  chmod (folder, 0777);
  assert_int_equal (cache__open (folder, CACHE_READ, &cache, &why), -1);
  assert_int_equal (why.reason, REASON_CACHE);
  chmod (folder, 0700);
  chmod (file_in (folder), 0666);
  assert_int_equal (cache__open (folder, CACHE_READ, &cache, &why), -1);
  folder_remove (folder);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (flipped_bits_are_never_code),
    cmocka_unit_test (foreign_files_are_refused_and_kept),
    cmocka_unit_test (read_only_folder_is_read),
    cmocka_unit_test (full_disk_is_a_reason),
    cmocka_unit_test (a_stale_log_is_not_replayed),
    cmocka_unit_test (world_writable_is_refused),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
