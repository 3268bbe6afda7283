/* Listing, statistics, the full check, and throwing out what is old.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/internal.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* T's row is meant by pattern ?1: all, its function, its file (or the end of its path), or the
   beginning of its key.  */
#define MATCHES(T)                                                                                 \
  "(?1 IS NULL OR " T ".function = ?1 OR " T ".function GLOB ?1 OR " T ".file = ?1 OR " T          \
  ".file GLOB ?1 OR substr (" T ".file, -length (?1) - 1) = '/' || ?1 OR (length (?1) >= 4 AND "   \
  "substr (" T ".key, 1, length (?1)) = ?1))"

int
cache__each (struct cache *cache, const char *pattern,
             bool (*visit) (void *context, const struct entry *entry), void *context,
             struct why *why)
{
  if (cache__attach (cache, why) != 0)
    return -1;
  if (!cache->db)
    return 0;
  sqlite3_stmt *s = cache__prepare (cache,
                                    "SELECT " ENTRY_COLUMNS ", coalesce (u.hits, 0) FROM entry e"
                                    " LEFT JOIN usage u ON u.key = e.key WHERE " MATCHES (
                                        "e") " ORDER BY e.created DESC, e.function, e.key",
                                    why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, pattern, -1, SQLITE_STATIC);
  int result = 0, code;
  while ((code = sqlite3_step (s)) == SQLITE_ROW)
    {
      /* A damaged entry is reported, after the sound ones.  */
      struct entry *entry = entry__read (s, why);
      if (!entry)
        {
          result = -1;
          continue;
        }
      bool more = visit (context, entry);
      entry__free (entry);
      if (!more)
        {
          code = SQLITE_DONE;
          break;
        }
    }
  if (code != SQLITE_DONE)
    result = cache__fail (cache, "listing", why);
  sqlite3_finalize (s);
  return result;
}

int
queue__each (struct cache *cache, const char *pattern,
             bool (*visit) (void *context, const char *key, const char *function, const char *file,
                            unsigned line, const char *state),
             void *context, struct why *why)
{
  if (cache__attach (cache, why) != 0)
    return -1;
  if (!cache->db)
    return 0;
  sqlite3_stmt *s = cache__prepare (cache,
                                    "SELECT q.key, r.function, r.file, r.line, q.state FROM queue q"
                                    " JOIN region r ON r.key = q.key WHERE " MATCHES (
                                        "r") " ORDER BY q.state DESC, q.weight DESC, q.created",
                                    why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, pattern, -1, SQLITE_STATIC);
  int code;
  while ((code = sqlite3_step (s)) == SQLITE_ROW)
    if (!visit (context, (const char *)sqlite3_column_text (s, 0),
                (const char *)sqlite3_column_text (s, 1), (const char *)sqlite3_column_text (s, 2),
                (unsigned)sqlite3_column_int64 (s, 3),
                sqlite3_column_int (s, 4) ? "being tuned" : "waiting"))
      {
        code = SQLITE_DONE;
        break;
      }
  int result = code == SQLITE_DONE ? 0 : cache__fail (cache, "listing the queue", why);
  sqlite3_finalize (s);
  return result;
}

int
cache__stats (struct cache *cache, struct cache_stats *stats, struct why *why)
{
  memset (stats, 0, sizeof *stats);
  if (cache__attach (cache, why) != 0)
    return -1;
  if (!cache->db)
    return 0;
  struct held_signal held;
  signal__hold (&held);
  cache__flush_hits (cache, false);
  signal__release (&held);
  /* One statement, so that all figures are of one moment.  The ends of the index give oldest and newest.  */
  sqlite3_stmt *s
      = cache__prepare (cache,
                        "SELECT rewrites, negatives, regions, waiting, leased, recorded, ratios, log_ratio,"
                        " (SELECT value FROM counter WHERE name = 'hits'),"
                        " (SELECT value FROM counter WHERE name = 'misses'),"
                        " (SELECT value FROM counter WHERE name = 'lost leases'),"
                        " (SELECT min (created) FROM entry), (SELECT max (created) FROM entry)"
                        " FROM total WHERE id = 1",
                        why);
  if (!s)
    return -1;
  int result = 0;
  if (sqlite3_step (s) != SQLITE_ROW)
    result = cache__fail (cache, "reading the totals", why);
  else
    {
      stats->rewrites = (uint64_t)sqlite3_column_int64 (s, 0);
      stats->negatives = (uint64_t)sqlite3_column_int64 (s, 1);
      stats->regions = (uint64_t)sqlite3_column_int64 (s, 2);
      stats->waiting = (uint64_t)sqlite3_column_int64 (s, 3);
      stats->leased = (uint64_t)sqlite3_column_int64 (s, 4);
      stats->recorded = (uint64_t)sqlite3_column_int64 (s, 5);
      double ratios = sqlite3_column_double (s, 6);
      /* Logarithms are kept in millionths.  */
      stats->geomean_ratio = ratios > 0 ? exp (sqlite3_column_double (s, 7) / 1e6 / ratios) : 0;
      stats->hits = (uint64_t)sqlite3_column_int64 (s, 8);
      stats->misses = (uint64_t)sqlite3_column_int64 (s, 9);
      stats->lost_leases = (uint64_t)sqlite3_column_int64 (s, 10);
      stats->oldest = sqlite3_column_int64 (s, 11);
      stats->newest = sqlite3_column_int64 (s, 12);
    }
  sqlite3_finalize (s);
  static const char *const suffix[] = { "", "-wal" };
  for (unsigned i = 0; i < 2; i++)
    {
      char *path = NULL;
      struct stat st;
      if (asprintf (&path, "%s%s", cache->path, suffix[i]) < 0)
        continue;
      if (stat (path, &st) == 0)
        stats->bytes += (uint64_t)st.st_size;
      free (path);
    }
  return result;
}

/* Where problems go.  */
struct reporter
{
  void (*report) (void *context, const char *problem);
  void *context;
  int n;
};

static void __attribute__ ((format (printf, 2, 3)))
reporter__add (struct reporter *reporter, const char *format, ...)
{
  char text[400];
  va_list args;
  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  reporter->n++;
  if (reporter->report)
    reporter->report (reporter->context, text);
}

/* Runs SQL and reports its first column, a text, for each row but "ok".  */
static void
check__query (struct cache *cache, const char *sql, const char *format, struct reporter *reporter)
{
  sqlite3_stmt *s = NULL;
  int code = sqlite3_prepare_v2 (cache->db, sql, -1, &s, NULL);
  while (code == SQLITE_OK || code == SQLITE_ROW)
    {
      code = sqlite3_step (s);
      const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text (s, 0) : NULL;
      if (text && strcmp (text, "ok") != 0)
        reporter__add (reporter, "%s: %.200s", format, text);
    }
  if (code != SQLITE_DONE)
    reporter__add (reporter, "%s: %s", format, sqlite3_errmsg (cache->db));
  sqlite3_finalize (s);
}

static void
check__entries (struct cache *cache, struct reporter *reporter)
{
  sqlite3_stmt *s = NULL;
  int code
      = sqlite3_prepare_v2 (cache->db, "SELECT " ENTRY_COLUMNS ", 0 FROM entry e", -1, &s, NULL);
  while (code == SQLITE_OK || code == SQLITE_ROW)
    {
      code = sqlite3_step (s);
      if (code != SQLITE_ROW)
        break;
      struct why why;
      struct entry *entry = entry__read (s, &why);
      if (!entry)
        {
          reporter__add (reporter, "%s", why.detail);
          continue;
        }
      static const struct
      {
        const char *name;
        size_t offset;
      } json[] = { { "evidence", offsetof (struct entry, evidence) },
                   { "measurement", offsetof (struct entry, measurement) } };
      for (unsigned i = 0; i < 2; i++)
        {
          const char *text = *(char **)((char *)entry + json[i].offset);
          cJSON *parsed = text && *text ? cJSON_Parse (text) : NULL;
          if (text && *text && !parsed)
            reporter__add (reporter, "the entry of key %.16s: its %s is not JSON", entry->key,
                           json[i].name);
          cJSON_Delete (parsed);
        }
      entry__free (entry);
    }
  if (code != SQLITE_DONE)
    reporter__add (reporter, "the entries can't be read: %s", sqlite3_errmsg (cache->db));
  sqlite3_finalize (s);
}

static void
check__regions (struct cache *cache, struct reporter *reporter)
{
  sqlite3_stmt *s = NULL;
  int code = sqlite3_prepare_v2 (cache->db, "SELECT key, json, checksum FROM region", -1, &s, NULL);
  while (code == SQLITE_OK || code == SQLITE_ROW)
    {
      code = sqlite3_step (s);
      if (code != SQLITE_ROW)
        break;
      const char *key = (const char *)sqlite3_column_text (s, 0);
      const char *text = (const char *)sqlite3_column_text (s, 1);
      const void *stored = sqlite3_column_blob (s, 2);
      if (!key || !key__valid (key) || !text)
        {
          reporter__add (reporter, "a region without a valid key or text");
          continue;
        }
      uint8_t checksum[CACHE_CHECKSUM];
      region_row__checksum (key, text, (size_t)sqlite3_column_bytes (s, 1), checksum);
      if (!stored || sqlite3_column_bytes (s, 2) != CACHE_CHECKSUM
          || memcmp (stored, checksum, CACHE_CHECKSUM) != 0)
        {
          reporter__add (reporter, "the region of key %.16s fails its checksum", key);
          continue;
        }
      cJSON *parsed = cJSON_Parse (text);
      if (!parsed)
        reporter__add (reporter, "the region of key %.16s is not JSON", key);
      cJSON_Delete (parsed);
    }
  if (code != SQLITE_DONE)
    reporter__add (reporter, "the regions can't be read: %s", sqlite3_errmsg (cache->db));
  sqlite3_finalize (s);
}

static void
check__recorded (struct cache *cache, struct reporter *reporter)
{
  sqlite3_stmt *s = NULL;
  int code = sqlite3_prepare_v2 (cache->db, "SELECT key, json, checksum FROM recorded", -1, &s, NULL);
  while (code == SQLITE_OK || code == SQLITE_ROW)
    {
      code = sqlite3_step (s);
      if (code != SQLITE_ROW)
        break;
      const char *key = (const char *)sqlite3_column_text (s, 0);
      const char *text = (const char *)sqlite3_column_text (s, 1);
      const void *stored = sqlite3_column_blob (s, 2);
      uint8_t checksum[CACHE_CHECKSUM];
      if (key && text)
        recorded_row__checksum (key, text, (size_t)sqlite3_column_bytes (s, 1), checksum);
      if (!key || !text || !stored || sqlite3_column_bytes (s, 2) != CACHE_CHECKSUM
          || memcmp (stored, checksum, CACHE_CHECKSUM) != 0)
        reporter__add (reporter, "a recorded state of key %.16s fails its checksum", key ? key : "(unreadable)");
    }
  if (code != SQLITE_DONE)
    reporter__add (reporter, "the recorded states can't be read: %s", sqlite3_errmsg (cache->db));
  sqlite3_finalize (s);
}

int
cache__check (struct cache *cache, void (*report) (void *context, const char *problem),
              void *context, struct why *why)
{
  if (cache__attach (cache, why) != 0)
    return -1;
  struct reporter reporter = { report, context, 0 };
  if (!cache->db)
    return 0;
  struct held_signal held;
  signal__hold (&held);
  check__query (cache, "PRAGMA integrity_check (50)", "SQLite's integrity check", &reporter);
  check__entries (cache, &reporter);
  check__regions (cache, &reporter);
  check__recorded (cache, &reporter);
  check__query (cache,
                "SELECT key FROM queue WHERE state NOT IN (0, 1) OR lost < 0 OR (state = 1 AND"
                " (host IS NULL OR expiry IS NULL))",
                "a queue row in no valid state", &reporter);
  check__query (cache, "SELECT key FROM queue WHERE key NOT IN (SELECT key FROM region)",
                "a queue row without its region", &reporter);
  const char *wrong = schema__wrong_total (cache->db);
  if (wrong)
    reporter__add (&reporter, "the total of '%s' isn't what the tables say; `aiopt cache gc` counts anew", wrong);
  signal__release (&held);
  return reporter.n;
}

/* Removes what killed processes left when they made a cache, an hour ago or longer.  */
static void
directory__sweep (const char *directory)
{
  DIR *dir = opendir (directory);
  if (!dir)
    return;
  struct dirent *file;
  while ((file = readdir (dir)))
    {
      struct stat st;
      if (strncmp (file->d_name, "cache.db.new.", 13) == 0
          && fstatat (dirfd (dir), file->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
          && st.st_mtime < time (NULL) - 3600)
        unlinkat (dirfd (dir), file->d_name, 0);
    }
  closedir (dir);
}

int64_t
cache__gc (struct cache *cache, int64_t max_age, struct why *why)
{
  if (cache__need_write (cache, why) != 0)
    return -1;
  struct held_signal held;
  signal__hold (&held);
  cache__flush_hits (cache, true);
  int64_t removed = -1;
  char sql[400];
  int64_t before = (int64_t)time__now () - max_age;
  snprintf (
      sql, sizeof sql,
      "DELETE FROM entry WHERE created < %lld AND coalesce ((SELECT used FROM usage u WHERE u.key ="
      " entry.key), 0) < %lld",
      (long long)before, (long long)before);
  if (cache__begin (cache, why) == 0)
    {
      bool ok = cache__execute (cache, sql, "removing entries", why) == 0;
      removed = sqlite3_changes64 (cache->db);
      /* A region stays while its entry or its place in the queue does, or while it is young.  */
      snprintf (
          sql, sizeof sql,
          "DELETE FROM region WHERE created < %lld AND key NOT IN (SELECT key FROM entry) AND key"
          " NOT IN (SELECT key FROM queue);"
          "DELETE FROM usage WHERE key NOT IN (SELECT key FROM entry)",
          (long long)before);
      ok = ok && cache__execute (cache, sql, "removing regions", why) == 0;
      ok = ok
           && cache__execute (cache, "DELETE FROM recorded WHERE key NOT IN (SELECT key FROM region)",
                              "removing recorded states", why)
                  == 0;
      if (ok && schema__recount (cache->db) != SQLITE_OK)
        ok = false, cache__fail (cache, "counting", why);
      if (cache__end (cache, ok, why) != 0)
        removed = -1;
    }
  if (removed >= 0)
    {
      /* Others may be busy with it: then it shrinks another time.  */
      cache->patient = false;
      sqlite3_exec (cache->db, "VACUUM", NULL, NULL, NULL);
      sqlite3_exec (cache->db, "PRAGMA wal_checkpoint (TRUNCATE)", NULL, NULL, NULL);
      cache->patient = true;
    }
  signal__release (&held);
  directory__sweep (cache->directory);
  return removed;
}
