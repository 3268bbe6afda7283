/* Recorded states, kept with their region.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/internal.h"

#include <stdlib.h>
#include <string.h>

/* No more than this of one function's: what is kept is read at each verification.  */
enum
{
  RECORDED_BYTES_MAX = 8 << 20,
  RECORDED_MAX = 1024
};

/* Writes TEXT as KEY's NUMBERth.  */
static bool
recorded__write (struct cache *cache, sqlite3_stmt *s, const char *key, int64_t number,
                 const char *text, struct why *why)
{
  uint8_t checksum[CACHE_CHECKSUM];
  recorded_row__checksum (key, text, strlen (text), checksum);
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (s, 2, number);
  sqlite3_bind_text (s, 3, text, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (s, 4, (int64_t)time__now ());
  sqlite3_bind_blob (s, 5, checksum, sizeof checksum, SQLITE_STATIC);
  bool ok = sqlite3_step (s) == SQLITE_DONE;
  if (!ok)
    cache__fail (cache, "keeping a recorded state", why);
  sqlite3_reset (s);
  return ok;
}

/* Runs SQL with KEY as its only parameter; the integer of its first row into *VALUE where it gives one.  */
static bool
recorded__run (struct cache *cache, const char *sql, const char *key, int64_t *value,
               struct why *why)
{
  sqlite3_stmt *s = cache__prepare (cache, sql, why);
  if (!s)
    return false;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  int code = sqlite3_step (s);
  if (code == SQLITE_ROW && value)
    *value = sqlite3_column_int64 (s, 0);
  bool ok = code == SQLITE_ROW || code == SQLITE_DONE;
  if (!ok)
    cache__fail (cache, "recorded states", why);
  sqlite3_finalize (s);
  return ok;
}

int
recorded__put (struct cache *cache, const char *key, const char *const *json, unsigned n, bool add,
               struct why *why)
{
  if (cache__need_write (cache, why) != 0)
    return -1;
  if (!key__valid (key))
    return why__set (why, REASON_CACHE, "'%.70s' is not a key", key ? key : "");
  struct held_signal held;
  signal__hold (&held);
  int kept = 0, result = cache__begin (cache, why);
  if (result == 0)
    {
      int64_t number = 0, bytes = 0;
      bool ok = add || recorded__run (cache, "DELETE FROM recorded WHERE key = ?1", key, NULL, why);
      ok = ok
           && recorded__run (cache,
                             "SELECT coalesce (max (number) + 1, 0) FROM recorded WHERE key = ?1",
                             key, &number, why)
           && recorded__run (
               cache, "SELECT coalesce (sum (length (json)), 0) FROM recorded WHERE key = ?1", key,
               &bytes, why);
      sqlite3_stmt *s
          = ok ? cache__prepare (cache, "INSERT INTO recorded VALUES (?1, ?2, ?3, ?4, ?5)", why)
               : NULL;
      ok = s != NULL;
      for (unsigned i = 0; ok && i < n; i++)
        {
          bytes += (int64_t)strlen (json[i]);
          if (bytes > RECORDED_BYTES_MAX || number >= RECORDED_MAX)
            break;
          ok = recorded__write (cache, s, key, number++, json[i], why);
          kept++;
        }
      sqlite3_finalize (s);
      result = cache__end (cache, ok, why);
    }
  signal__release (&held);
  return result == 0 ? kept : -1;
}

int
recorded__each (struct cache *cache, const char *key,
                bool (*visit) (void *context, const char *json), void *context, struct why *why)
{
  if (cache__attach (cache, why) != 0)
    return -1;
  if (!cache->db)
    return 0;
  sqlite3_stmt *s = cache__prepare (
      cache, "SELECT json, checksum FROM recorded WHERE key = ?1 ORDER BY number", why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  int result = 0, code;
  while ((code = sqlite3_step (s)) == SQLITE_ROW)
    {
      const char *text = (const char *)sqlite3_column_text (s, 0);
      const void *stored = sqlite3_column_blob (s, 1);
      uint8_t checksum[CACHE_CHECKSUM];
      size_t length = (size_t)sqlite3_column_bytes (s, 0);
      if (text)
        recorded_row__checksum (key, text, length, checksum);
      if (!text || strlen (text) != length || !stored
          || sqlite3_column_bytes (s, 1) != CACHE_CHECKSUM
          || memcmp (stored, checksum, CACHE_CHECKSUM) != 0)
        {
          result = why__set (why, REASON_CACHE, "a recorded state of key %.16s fails its checksum",
                             key);
          continue;
        }
      if (!visit (context, text))
        {
          code = SQLITE_DONE;
          break;
        }
    }
  if (code != SQLITE_DONE)
    result = cache__fail (cache, "reading recorded states", why);
  sqlite3_finalize (s);
  return result;
}

int64_t
recorded__count (struct cache *cache, const char *key)
{
  int64_t n = 0;
  if (cache__attach (cache, NULL) != 0 || !cache->db)
    return 0;
  return recorded__run (cache, "SELECT count (*) FROM recorded WHERE key = ?1", key, &n, NULL) ? n : 0;
}

int
region__each (struct cache *cache, bool (*visit) (void *context, const char *key, const char *json),
              void *context, struct why *why)
{
  if (cache__attach (cache, why) != 0)
    return -1;
  if (!cache->db)
    return 0;
  /* By rowid, which grows with each one kept: sorting would have to hold them all.  */
  sqlite3_stmt *s = cache__prepare (cache, "SELECT key, json, checksum FROM region ORDER BY rowid", why);
  if (!s)
    return -1;
  int result = 0, code;
  while ((code = sqlite3_step (s)) == SQLITE_ROW)
    {
      const char *key = (const char *)sqlite3_column_text (s, 0),
                 *text = (const char *)sqlite3_column_text (s, 1);
      const void *stored = sqlite3_column_blob (s, 2);
      uint8_t checksum[CACHE_CHECKSUM];
      if (!key || !key__valid (key) || !text)
        continue;
      region_row__checksum (key, text, (size_t)sqlite3_column_bytes (s, 1), checksum);
      if (!stored || sqlite3_column_bytes (s, 2) != CACHE_CHECKSUM
          || memcmp (stored, checksum, CACHE_CHECKSUM) != 0)
        continue; /* `aiopt cache check` tells */
      if (!visit (context, key, text))
        {
          code = SQLITE_DONE;
          break;
        }
    }
  if (code != SQLITE_DONE)
    result = cache__fail (cache, "reading the regions", why);
  sqlite3_finalize (s);
  return result;
}
