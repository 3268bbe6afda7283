/* The queue of regions that wait for a tuner, and the regions kept.
   A region is taken under a lease.  A lease is lost when its time is over or its holder is gone; a
   region on which three were lost is given up, or it would kill every tuner to come.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
  STATE_WAITING,
  STATE_LEASED
};

/* Runs S, which gives no rows, and finalizes it.  */
static int
statement__run (struct cache *cache, sqlite3_stmt *s, const char *what, struct why *why)
{
  if (!s)
    return -1;
  int result = sqlite3_step (s) == SQLITE_DONE ? 0 : cache__fail (cache, what, why);
  sqlite3_finalize (s);
  return result;
}

static bool
same_text (const unsigned char *a, const char *b)
{
  return a && b ? strcmp ((const char *)a, b) == 0 : !a && !b;
}

/* What is known of a key before it is queued.  */
struct known
{
  bool entry, region, same_file, queued;
  int state;
  int64_t weight;
};

static int
queue__known (struct cache *cache, const char *key, const char *file, struct known *known,
              struct why *why)
{
  memset (known, 0, sizeof *known);
  sqlite3_stmt *s = cache__prepare (
      cache,
      "SELECT (SELECT 1 FROM entry WHERE key = ?1), r.key, r.file, q.state, q.weight"
      " FROM (SELECT ?1 AS key) k LEFT JOIN region r ON r.key = k.key"
      " LEFT JOIN queue q ON q.key = k.key",
      why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  int result = 0;
  if (sqlite3_step (s) != SQLITE_ROW)
    result = cache__fail (cache, "reading the queue", why);
  else
    {
      known->entry = sqlite3_column_type (s, 0) != SQLITE_NULL;
      known->region = sqlite3_column_type (s, 1) != SQLITE_NULL;
      known->same_file = same_text (sqlite3_column_text (s, 2), file);
      known->queued = sqlite3_column_type (s, 3) != SQLITE_NULL;
      known->state = sqlite3_column_int (s, 3);
      known->weight = sqlite3_column_int64 (s, 4);
    }
  sqlite3_finalize (s);
  return result;
}

/* Does nothing remain to be written?  A region waiting under another file is renewed: the older
   file may be gone.  */
static bool
known__enough (const struct known *known, int64_t weight)
{
  if (!known->region)
    return false;
  if (known->entry)
    return true;
  return known->queued
         && (known->state == STATE_LEASED || (known->same_file && weight <= known->weight));
}

/* The writing part of queue__put.  */
static int
queue__write (struct cache *cache, const char *key, const char *function, const char *file,
              unsigned line, const char *json, int64_t weight, const struct known *known,
              struct why *why)
{
  int64_t now = (int64_t)time__now ();
  uint8_t checksum[CACHE_CHECKSUM];
  size_t length = strlen (json);
  region_row__checksum (key, json, length, checksum);
  sqlite3_stmt *s = cache__prepare (
      cache, "INSERT OR REPLACE INTO region VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_text (s, 2, function, -1, SQLITE_STATIC);
  sqlite3_bind_text (s, 3, file, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (s, 4, line);
  sqlite3_bind_text64 (s, 5, json, length, SQLITE_STATIC, SQLITE_UTF8);
  sqlite3_bind_int64 (s, 6, now);
  sqlite3_bind_blob (s, 7, checksum, sizeof checksum, SQLITE_STATIC);
  if (statement__run (cache, s, "keeping a region", why) != 0)
    return -1;
  if (known->entry)
    return 0;
  s = cache__prepare (cache,
                      "INSERT INTO queue (key, state, weight, created) VALUES (?1, 0, ?2, ?3)"
                      " ON CONFLICT (key) DO UPDATE SET weight = max (weight, ?2)",
                      why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (s, 2, weight);
  sqlite3_bind_int64 (s, 3, now);
  return statement__run (cache, s, "queueing", why);
}

int
queue__put (struct cache *cache, const char *key, const char *function, const char *file,
            unsigned line, const char *json, int64_t weight, struct why *why)
{
  if (cache__need_write (cache, why) != 0)
    return -1;
  if (!key__valid (key) || !json)
    return why__set (why, REASON_CACHE, "'%.70s' is not a key", key ? key : "");
  struct known known;
  struct held_signal held;
  signal__hold (&held);
  /* Mostly it is there already, and reading waits for nobody.  */
  int result = queue__known (cache, key, file, &known, why);
  if (result == 0 && !known__enough (&known, weight))
    {
      result = cache__begin (cache, why);
      if (result == 0)
        {
          bool ok = queue__known (cache, key, file, &known, why) == 0;
          if (ok && !known__enough (&known, weight))
            ok = queue__write (cache, key, function, file, line, json, weight, &known, why) == 0;
          result = cache__end (cache, ok, why);
        }
    }
  signal__release (&held);
  return result;
}

/* Gives KEY up: a negative entry that says so.  */
static int
queue__give_up (struct cache *cache, const char *key, struct why *why)
{
  struct entry entry = { .kind = ENTRY_NEGATIVE };
  strcpy (entry.key, key);
  sqlite3_stmt *s
      = cache__prepare (cache, "SELECT function, file, line FROM region WHERE key = ?1", why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  if (sqlite3_step (s) == SQLITE_ROW)
    {
      entry.function = (char *)sqlite3_column_text (s, 0);
      entry.file = (char *)sqlite3_column_text (s, 1);
      entry.line = (unsigned)sqlite3_column_int64 (s, 2);
    }
  char detail[100];
  snprintf (detail, sizeof detail, "%d tuners in turn were lost while they worked on it",
            CACHE_LOST_LEASES_MAX);
  entry.reason = (char *)reason__slug (REASON_HELPER);
  entry.detail = detail;
  /* A tuner killed between storing and finishing left an entry, and that stays.  */
  struct known known;
  int result = queue__known (cache, key, NULL, &known, why);
  if (result == 0 && !known.entry)
    result = entry__write (cache, &entry, why);
  sqlite3_finalize (s);
  if (result != 0)
    return -1;
  s = cache__prepare (cache, "DELETE FROM queue WHERE key = ?1", why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  return statement__run (cache, s, "giving up a region", why);
}

/* Takes back every lease that was lost.  */
static int
queue__expire (struct cache *cache, const struct owner *self, struct why *why)
{
  enum
  {
    AT_ONCE = 64
  };
  char (*lost)[65] = calloc (AT_ONCE, sizeof *lost);
  bool *give_up = calloc (AT_ONCE, sizeof *give_up);
  sqlite3_stmt *s = NULL;
  int result = -1;
  unsigned n = 0;
  if (!lost || !give_up)
    {
      why__set (why, REASON_CACHE, "out of memory");
      goto out;
    }
  s = cache__prepare (cache,
                      "SELECT key, expiry, host, pid, start, lost, EXISTS (SELECT 1 FROM entry"
                      " e WHERE e.key = queue.key) FROM queue WHERE state = 1", why);
  if (!s)
    goto out;
  double now = time__now ();
  int code = SQLITE_DONE;
  while (n < AT_ONCE && (code = sqlite3_step (s)) == SQLITE_ROW)
    {
      const char *key = (const char *)sqlite3_column_text (s, 0);
      if (!key__valid (key)
          || (sqlite3_column_double (s, 1) > now
              && owner__alive (self, (const char *)sqlite3_column_text (s, 2),
                               sqlite3_column_int64 (s, 3), sqlite3_column_int64 (s, 4))))
        continue;
      strcpy (lost[n], key);
      give_up[n++] = sqlite3_column_int (s, 5) + 1 >= CACHE_LOST_LEASES_MAX
                     || sqlite3_column_int (s, 6);
    }
  sqlite3_finalize (s);
  s = NULL;
  if (code != SQLITE_DONE && code != SQLITE_ROW)
    {
      cache__fail (cache, "reading the queue", why);
      goto out;
    }
  for (unsigned i = 0; i < n; i++)
    {
      if (give_up[i])
        {
          if (queue__give_up (cache, lost[i], why) != 0)
            goto out;
          continue;
        }
      sqlite3_stmt *update
          = cache__prepare (cache,
                            "UPDATE queue SET state = 0, lost = lost + 1, host = NULL,"
                            " pid = NULL WHERE key = ?1",
                            why);
      if (!update)
        goto out;
      sqlite3_bind_text (update, 1, lost[i], -1, SQLITE_STATIC);
      if (statement__run (cache, update, "taking back a lease", why) != 0)
        goto out;
    }
  result = n ? cache__count (cache, "lost leases", n, why) : 0;
out:
  sqlite3_finalize (s);
  free (lost);
  free (give_up);
  return result;
}

/* Reads and checks the region of KEY: 1 and malloc'ed *JSON, 0 where there is none, -1.  */
static int
region__read (struct cache *cache, const char *key, char **json, struct why *why)
{
  *json = NULL;
  sqlite3_stmt *s = cache__prepare (cache, "SELECT json, checksum FROM region WHERE key = ?1", why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  int result = 0;
  switch (sqlite3_step (s))
    {
    case SQLITE_DONE:
      break;
    case SQLITE_ROW:
      {
        const char *text = (const char *)sqlite3_column_text (s, 0);
        size_t length = (size_t)sqlite3_column_bytes (s, 0);
        const void *stored = sqlite3_column_blob (s, 1);
        uint8_t checksum[CACHE_CHECKSUM];
        region_row__checksum (key, text, length, checksum);
        if (!text || !stored || sqlite3_column_bytes (s, 1) != CACHE_CHECKSUM
            || memcmp (stored, checksum, CACHE_CHECKSUM) != 0)
          result
              = why__set (why, REASON_CACHE,
                          "the region of key %.16s fails its checksum: the cache is damaged", key);
        else if (!(*json = strdup (text)))
          result = why__set (why, REASON_CACHE, "out of memory");
        else
          result = 1;
        break;
      }
    default:
      result = cache__fail (cache, "reading a region", why);
    }
  sqlite3_finalize (s);
  return result;
}

/* The key to take: KEY where it waits (or is kept, with neither entry nor place in the queue), or
   the heaviest.  1 and FOUND, 0, or -1.  */
static int
queue__choose (struct cache *cache, const char *key, char found[65], struct why *why)
{
  sqlite3_stmt *s
      = cache__prepare (cache,
                        key ? "SELECT r.key FROM region r LEFT JOIN queue q ON q.key = r.key"
                              " WHERE r.key = ?1 AND (q.state = 0 OR (q.key IS NULL"
                              " AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.key = r.key)))"
                            : "SELECT key FROM queue WHERE state = 0 ORDER BY weight DESC, created"
                              " LIMIT 1",
                        why);
  if (!s)
    return -1;
  if (key)
    sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  int code = sqlite3_step (s), result = 0;
  if (code == SQLITE_ROW)
    {
      const char *text = (const char *)sqlite3_column_text (s, 0);
      if (!text || strlen (text) > 64)
        result = why__set (why, REASON_CACHE, "%s: a damaged key in the queue", cache->path);
      else
        strcpy (found, text), result = 1;
    }
  else if (code != SQLITE_DONE)
    result = cache__fail (cache, "reading the queue", why);
  sqlite3_finalize (s);
  return result;
}

/* Drops KEY from the queue, as its region can't be read.  */
static int
queue__drop (struct cache *cache, const char *key, struct why *why)
{
  sqlite3_stmt *s = cache__prepare (cache, "DELETE FROM queue WHERE key = ?1", why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  return statement__run (cache, s, "dropping a region", why);
}

/* The transaction of queue__take.  */
static int
queue__lease (struct cache *cache, const char *key, double lease_seconds, char found[65],
              char **json, struct why *why)
{
  struct owner self;
  owner__self (&self);
  if (queue__expire (cache, &self, why) != 0)
    return -1;
  for (;;)
    {
      int chosen = queue__choose (cache, key, found, why);
      if (chosen <= 0)
        return chosen;
      struct why damage;
      int read = region__read (cache, found, json, &damage);
      if (read == 1)
        break;
      /* A region that can't be read must not block the queue for ever.  */
      if (queue__drop (cache, found, why) != 0)
        return -1;
      if (key)
        return 0;
    }
  sqlite3_stmt *s
      = cache__prepare (cache,
                        "INSERT INTO queue (key, state, weight, expiry, host, pid, start, created)"
                        " VALUES (?1, 1, 0, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key) DO UPDATE SET"
                        " state = 1, expiry = ?2, host = ?3, pid = ?4, start = ?5",
                        why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, found, -1, SQLITE_STATIC);
  sqlite3_bind_double (s, 2, time__now () + lease_seconds);
  sqlite3_bind_text (s, 3, self.host, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (s, 4, self.pid);
  sqlite3_bind_int64 (s, 5, self.start);
  sqlite3_bind_int64 (s, 6, (int64_t)time__now ());
  return statement__run (cache, s, "leasing a region", why) == 0 ? 1 : -1;
}

int
queue__take (struct cache *cache, const char *key, double lease_seconds, char found_key[65],
             char **json, struct why *why)
{
  *json = NULL;
  found_key[0] = '\0';
  if (cache__need_write (cache, why) != 0)
    return -1;
  if (key && !key__valid (key))
    return why__set (why, REASON_CACHE, "'%.70s' is not a key", key);
  struct held_signal held;
  signal__hold (&held);
  int result = cache__begin (cache, why);
  if (result == 0)
    {
      result = queue__lease (cache, key, lease_seconds, found_key, json, why);
      if (cache__end (cache, result >= 0, why) != 0)
        result = -1;
    }
  signal__release (&held);
  if (result != 1)
    {
      free (*json);
      *json = NULL;
      found_key[0] = '\0';
    }
  return result;
}

/* 1 where KEY is leased to SELF or to a process that is gone, 0 where not, -1.  */
static int
queue__mine (struct cache *cache, const char *key, const struct owner *self, struct why *why)
{
  sqlite3_stmt *s = cache__prepare (
      cache, "SELECT host, pid, start FROM queue WHERE key = ?1 AND state = 1", why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
  int code = sqlite3_step (s), result = 0;
  if (code == SQLITE_ROW)
    {
      const char *host = (const char *)sqlite3_column_text (s, 0);
      int64_t pid = sqlite3_column_int64 (s, 1);
      result
          = host && strcmp (host, self->host) == 0
            && (pid == self->pid || !owner__alive (self, host, pid, sqlite3_column_int64 (s, 2)));
    }
  else if (code != SQLITE_DONE)
    result = cache__fail (cache, "reading the queue", why);
  sqlite3_finalize (s);
  return result;
}

int
queue__finish (struct cache *cache, const char *key, bool done, struct why *why)
{
  if (cache__need_write (cache, why) != 0)
    return -1;
  if (!key__valid (key))
    return why__set (why, REASON_CACHE, "'%.70s' is not a key", key ? key : "");
  struct owner self;
  owner__self (&self);
  struct held_signal held;
  signal__hold (&held);
  int result = cache__begin (cache, why);
  if (result == 0)
    {
      /* Back to waiting only what is ours, or was a process's that is gone (a leader gives back
         what its worker had): a lease that ran out may be another's by now.  */
      int mine = done ? 1 : queue__mine (cache, key, &self, why);
      sqlite3_stmt *s = NULL;
      if (mine > 0)
        s = cache__prepare (
            cache,
            done ? "DELETE FROM queue WHERE key = ?1"
                 : "UPDATE queue SET state = 0, host = NULL, pid = NULL WHERE key = ?1",
            why);
      if (s)
        sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
      bool ok = mine == 0 || statement__run (cache, s, "finishing a region", why) == 0;
      result = cache__end (cache, ok, why);
    }
  signal__release (&held);
  return result;
}

int
queue__count (struct cache *cache, unsigned *waiting, unsigned *leased, struct why *why)
{
  *waiting = *leased = 0;
  if (cache__attach (cache, why) != 0)
    return -1;
  if (!cache->db)
    return 0;
  sqlite3_stmt *s = cache__prepare (cache, "SELECT waiting, leased FROM total WHERE id = 1", why);
  if (!s)
    return -1;
  int result = 0;
  if (sqlite3_step (s) == SQLITE_ROW)
    {
      *waiting = (unsigned)sqlite3_column_int64 (s, 0);
      *leased = (unsigned)sqlite3_column_int64 (s, 1);
    }
  else
    result = cache__fail (cache, "reading the totals", why);
  sqlite3_finalize (s);
  return result;
}

char *
cache__region (struct cache *cache, const char *key)
{
  char *json = NULL;
  struct held_signal held;
  signal__hold (&held);
  if (key__valid (key) && cache__attach (cache, NULL) == 0 && cache->db)
    region__read (cache, key, &json, NULL);
  signal__release (&held);
  return json;
}
