/* Looking up, storing, counting hits; transactions and their errors.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double
time__now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_REALTIME, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool
key__valid (const char *key)
{
  size_t length = key ? strspn (key, "0123456789abcdef") : 0;
  return length > 0 && length <= 64 && !key[length];
}

void
signal__hold (struct held_signal *held)
{
  sigset_t limit, pending;
  sigemptyset (&limit);
  sigaddset (&limit, SIGXFSZ);
  pthread_sigmask (SIG_BLOCK, &limit, &held->before);
  held->pending = sigpending (&pending) == 0 && sigismember (&pending, SIGXFSZ) == 1;
}

void
signal__release (const struct held_signal *held)
{
  /* Ours, unless it was there before.  */
  if (!held->pending)
    {
      sigset_t limit;
      struct timespec none = { 0, 0 };
      sigemptyset (&limit);
      sigaddset (&limit, SIGXFSZ);
      while (sigtimedwait (&limit, NULL, &none) == SIGXFSZ)
        ;
    }
  pthread_sigmask (SIG_SETMASK, &held->before, NULL);
}

int
cache__fail (const struct cache *cache, const char *what, struct why *why)
{
  int code = cache->db ? sqlite3_extended_errcode (cache->db) : SQLITE_CANTOPEN;
  const char *message = cache->db ? sqlite3_errmsg (cache->db) : "it can't be opened";
  const char *advice = "";
  switch (code & 0xff)
    {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      advice = "; see `aiopt cache check`, or move the file away";
      break;
    case SQLITE_FULL:
      advice = "; is the disk full?";
      break;
    case SQLITE_BUSY:
      advice = "; another process held it for too long";
      break;
    }
  return why__set (why, REASON_CACHE, "%s: %s: %s%s", cache->path, what, message, advice);
}

sqlite3_stmt *
cache__prepare (struct cache *cache, const char *sql, struct why *why)
{
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2 (cache->db, sql, -1, &statement, NULL) != SQLITE_OK)
    {
      cache__fail (cache, "reading", why);
      return NULL;
    }
  return statement;
}

int
cache__execute (struct cache *cache, const char *sql, const char *what, struct why *why)
{
  return sqlite3_exec (cache->db, sql, NULL, NULL, NULL) == SQLITE_OK
             ? 0
             : cache__fail (cache, what, why);
}

int
cache__begin (struct cache *cache, struct why *why)
{
  return cache__execute (cache, "BEGIN IMMEDIATE", "writing", why);
}

int
cache__end (struct cache *cache, bool ok, struct why *why)
{
  if (ok && cache__execute (cache, "COMMIT", "writing", why) == 0)
    return 0;
  /* SQLite may have rolled back already.  */
  if (!sqlite3_get_autocommit (cache->db))
    sqlite3_exec (cache->db, "ROLLBACK", NULL, NULL, NULL);
  return -1;
}

int
cache__count (struct cache *cache, const char *name, int64_t add, struct why *why)
{
  sqlite3_stmt *s = cache__prepare (cache,
                                    "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (name)"
                                    " DO UPDATE SET value = value + ?2",
                                    why);
  if (!s)
    return -1;
  sqlite3_bind_text (s, 1, name, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (s, 2, add);
  int result = sqlite3_step (s) == SQLITE_DONE ? 0 : cache__fail (cache, "counting", why);
  sqlite3_finalize (s);
  return result;
}

int
cache__need_write (const struct cache *cache, struct why *why)
{
  if (cache->mode != CACHE_WRITE)
    return why__set (why, REASON_CACHE, "%s: opened for reading", cache->path);
  if (cache->read_only || !cache->db)
    return why__set (why, REASON_CACHE, "%s: not writable", cache->path);
  return 0;
}

/* Remembers a hit on KEY; forgotten where memory is short.  */
static void
cache__hit (struct cache *cache, const char *key)
{
  if (cache->n_hits == cache->size_hits)
    {
      unsigned size = cache->size_hits ? 2 * cache->size_hits : 16;
      char (*more)[65] = realloc (cache->hit, size * sizeof *more);
      if (!more)
        return;
      cache->hit = more;
      cache->size_hits = size;
    }
  strcpy (cache->hit[cache->n_hits++], key);
}

static int
compare_keys (const void *a, const void *b)
{
  return strcmp (a, b);
}

void
cache__flush_hits (struct cache *cache, bool patient)
{
  if (!cache->db || cache->read_only || (!cache->n_hits && !cache->misses))
    return;
  cache->patient = patient;
  sqlite3_stmt *s = NULL;
  if (cache__begin (cache, NULL) == 0)
    {
      bool ok = sqlite3_prepare_v2 (cache->db,
                                    "INSERT INTO usage VALUES (?1, ?2, ?3) ON CONFLICT (key)"
                                    " DO UPDATE SET hits = hits + ?2, used = max (used, ?3)",
                                    -1, &s, NULL)
                == SQLITE_OK;
      /* One row for each key, in the order of the table.  */
      if (cache->n_hits)
        qsort (cache->hit, cache->n_hits, sizeof *cache->hit, compare_keys);
      for (unsigned i = 0, next; ok && i < cache->n_hits; i = next)
        {
          for (next = i + 1; next < cache->n_hits && strcmp (cache->hit[i], cache->hit[next]) == 0;)
            next++;
          sqlite3_bind_text (s, 1, cache->hit[i], -1, SQLITE_STATIC);
          sqlite3_bind_int64 (s, 2, next - i);
          sqlite3_bind_int64 (s, 3, (int64_t)time__now ());
          ok = sqlite3_step (s) == SQLITE_DONE;
          sqlite3_reset (s);
        }
      sqlite3_finalize (s);
      if (ok && cache->n_hits)
        ok = cache__count (cache, "hits", cache->n_hits, NULL) == 0;
      if (ok && cache->misses)
        ok = cache__count (cache, "misses", (int64_t)cache->misses, NULL) == 0;
      if (cache__end (cache, ok, NULL) == 0)
        cache->n_hits = 0, cache->misses = 0;
    }
  cache->patient = true;
}

int
cache__lookup (struct cache *cache, const char *key, bool count_hit, struct entry **entry,
               struct why *why)
{
  *entry = NULL;
  if (!key__valid (key))
    return why__set (why, REASON_CACHE, "'%.70s' is not a key", key ? key : "");
  struct held_signal held;
  signal__hold (&held);
  int result = cache__attach (cache, why);
  if (result == 0 && cache->db)
    {
      if (!cache->lookup)
        cache->lookup = cache__prepare (cache,
                                        "SELECT " ENTRY_COLUMNS ", coalesce (u.hits, 0)"
                                        " FROM entry e LEFT JOIN usage u ON u.key = e.key"
                                        " WHERE e.key = ?1",
                                        why);
      if (!cache->lookup)
        result = -1;
      else
        {
          sqlite3_bind_text (cache->lookup, 1, key, -1, SQLITE_STATIC);
          switch (sqlite3_step (cache->lookup))
            {
            case SQLITE_ROW:
              *entry = entry__read (cache->lookup, why);
              /* An index page gone bad may lead to another row.  */
              if (*entry && strcmp ((*entry)->key, key) != 0)
                {
                  entry__free (*entry);
                  *entry = NULL;
                  why__set (why, REASON_CACHE, "%s: the row of key %.16s holds another key",
                            cache->path, key);
                }
              result = *entry ? 1 : -1;
              break;
            case SQLITE_DONE:
              break;
            default:
              result = cache__fail (cache, "looking up", why);
            }
          sqlite3_reset (cache->lookup);
        }
    }
  signal__release (&held);
  if (count_hit && result == 1)
    cache__hit (cache, key);
  else if (count_hit && result == 0)
    cache->misses++;
  return result;
}

int
cache__store (struct cache *cache, const struct entry *entry, struct why *why)
{
  struct held_signal held;
  signal__hold (&held);
  int result = cache__need_write (cache, why);
  if (result == 0)
    result = cache__begin (cache, why);
  if (result == 0)
    result = cache__end (cache, entry__write (cache, entry, why) == 0, why);
  signal__release (&held);
  return result;
}

int
cache__remove (struct cache *cache, const char *key, struct why *why)
{
  if (cache__need_write (cache, why) != 0)
    return -1;
  if (!key__valid (key))
    return why__set (why, REASON_CACHE, "'%.70s' is not a key", key ? key : "");
  struct held_signal held;
  signal__hold (&held);
  int result = cache__begin (cache, why);
  if (result == 0)
    {
      bool ok = true;
      for (unsigned i = 0; ok && i < 2; i++)
        {
          sqlite3_stmt *s = cache__prepare (
              cache, i ? "DELETE FROM usage WHERE key = ?1" : "DELETE FROM entry WHERE key = ?1",
              why);
          ok = s != NULL;
          if (s)
            {
              sqlite3_bind_text (s, 1, key, -1, SQLITE_STATIC);
              if (sqlite3_step (s) != SQLITE_DONE)
                cache__fail (cache, "removing", why), ok = false;
              sqlite3_finalize (s);
            }
        }
      result = cache__end (cache, ok, why);
    }
  signal__release (&held);
  return result;
}
