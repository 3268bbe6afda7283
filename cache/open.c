/* Opening, making and closing the cache.

   Safety rests on SQLite's WAL: a writer killed at any point leaves frames without a commit mark,
   which the next reader passes over.  What SQLite doesn't give is added here:
   - A new cache is made whole under a temporary name and then renamed under a lock, so that nobody
   ever sees half a schema and of many first comers one wins.
   - Each row carries a checksum, so that flipped bits are an error and never code.
   - The file is not memory-mapped: a file cut short by someone else would be a SIGBUS in the
   compiler.
   - No file of the cache is opened but by SQLite: closing any descriptor of a database drops the
     locks that this process holds on it (POSIX advisory locks).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Waits for other writers in short random steps, CACHE_BUSY_MS in all: SQLite's own handler starts
   slow and then sleeps 100 ms at a time.  */
static int
busy (void *context, int count)
{
  struct cache *cache = context;
  if (!cache->patient)
    return 0;
  if (count == 0)
    cache->waits = 0;
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  long us = 200 + (long)(((uint64_t)t.tv_nsec * 2654435761u >> 7) % 1800);
  cache->waits += (int)us;
  if (cache->waits > CACHE_BUSY_MS * 1000)
    return 0;
  nanosleep (&(struct timespec){ 0, us * 1000 }, NULL);
  return 1;
}

char *
cache__default_directory (void)
{
  const char *named = getenv ("AIOPT_CACHE");
  if (named && *named)
    return strdup (named);
  char *path = NULL;
  const char *base = getenv ("XDG_CACHE_HOME");
  /* The XDG base directory specification: a relative path is to be ignored.  */
  if (base && base[0] == '/')
    return asprintf (&path, "%s/aiopt", base) < 0 ? NULL : path;
  const char *home = getenv ("HOME");
  return asprintf (&path, "%s/.cache/aiopt", home && *home ? home : "/tmp") < 0 ? NULL : path;
}

/* Makes DIRECTORY and its parents, mode 0700.  0 or -1 with errno.  */
static int
directory__make (const char *directory)
{
  struct stat st;
  if (stat (directory, &st) == 0)
    return S_ISDIR (st.st_mode) ? 0 : (errno = ENOTDIR, -1);
  char *copy = strdup (directory);
  if (!copy)
    return -1;
  int result = 0;
  for (char *p = copy + 1; result == 0; p++)
    if (*p == '/' || !*p)
      {
        char end = *p;
        *p = '\0';
        if (mkdir (copy, 0700) != 0 && errno != EEXIST)
          result = -1;
        *p = end;
        if (!end)
          break;
      }
  free (copy);
  if (result == 0 && (stat (directory, &st) != 0 || !S_ISDIR (st.st_mode)))
    return errno = ENOTDIR, -1;
  return result;
}

/* Gives the database TEMPORARY its name, unless someone else was first.  Under a lock, since a -wal
   file that outlived its database (someone removed cache.db alone) has to go first: SQLite would
   replay it into the new one.  */
static int
cache__publish (const struct cache *cache, const char *temporary, struct why *why)
{
  char *lock = NULL, *wal = NULL, *shm = NULL;
  int fd = -1, result = -1;
  if (asprintf (&lock, "%s/cache.lock", cache->directory) < 0
      || asprintf (&wal, "%s-wal", cache->path) < 0 || asprintf (&shm, "%s-shm", cache->path) < 0)
    {
      why__set (why, REASON_CACHE, "out of memory");
      goto out;
    }
  fd = open (lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 || flock (fd, LOCK_EX) != 0)
    {
      why__set (why, REASON_CACHE, "%s: %s", lock, strerror (errno));
      goto out;
    }
  if (access (cache->path, F_OK) != 0)
    {
      unlink (wal);
      unlink (shm);
      if (rename (temporary, cache->path) != 0)
        {
          why__set (why, REASON_CACHE, "%s: making the cache: %s", cache->path, strerror (errno));
          goto out;
        }
    }
  result = 0;
out:
  if (fd >= 0)
    close (fd);
  free (lock);
  free (wal);
  free (shm);
  return result;
}

/* Makes an empty cache at CACHE->path, unless someone else is first.  0, or -1 and *WHY.  */
static int
cache__create (struct cache *cache, struct why *why)
{
  char *temporary = NULL;
  if (asprintf (&temporary, "%s/cache.db.new.XXXXXX", cache->directory) < 0)
    return why__set (why, REASON_CACHE, "out of memory");
  int result = -1;
  sqlite3 *db = NULL;
  char pragmas[120];
  int fd = mkostemp (temporary, O_CLOEXEC);
  if (fd < 0)
    {
      why__set (why, REASON_CACHE, "%s: no file can be made there: %s", cache->directory,
                strerror (errno));
      free (temporary);
      return -1;
    }
  close (fd);
  snprintf (pragmas, sizeof pragmas,
            "PRAGMA application_id = %d; PRAGMA journal_mode = WAL;", CACHE_APPLICATION_ID);
  if (sqlite3_open_v2 (temporary, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)
          != SQLITE_OK
      || schema__make (db) != SQLITE_OK
      || sqlite3_exec (db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
    why__set (why, REASON_CACHE, "%s: making the cache: %s", cache->directory,
              db ? sqlite3_errmsg (db) : "out of memory");
  else
    result = 0;
  /* Closing moves all into the one file.  */
  if (sqlite3_close (db) != SQLITE_OK && result == 0)
    result = why__set (why, REASON_CACHE, "%s: making the cache failed", cache->directory);
  if (result == 0)
    result = cache__publish (cache, temporary, why);
  unlink (temporary);
  for (unsigned i = 0; i < 3; i++)
    {
      static const char *const suffix[] = { "-wal", "-shm", "-journal" };
      char *side = NULL;
      if (asprintf (&side, "%s%s", temporary, suffix[i]) >= 0)
        unlink (side), free (side);
    }
  free (temporary);
  return result;
}

/* PATH as a URI with OPTIONS; malloc'ed.  */
static char *
path__uri (const char *path, const char *options)
{
  char *uri = malloc (3 * strlen (path) + strlen (options) + 16), *p = uri;
  if (!uri)
    return NULL;
  p = stpcpy (p, "file:");
  for (const unsigned char *c = (const unsigned char *)path; *c; c++)
    if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')
        || strchr ("/._-", *c))
      *p++ = (char)*c;
    else
      p += sprintf (p, "%%%02X", *c);
  stpcpy (stpcpy (p, "?"), options);
  return uri;
}

/* The one integer that SQL gives.  */
static int
cache__integer (struct cache *cache, const char *sql, int64_t *value)
{
  sqlite3_stmt *s = NULL;
  int code = sqlite3_prepare_v2 (cache->db, sql, -1, &s, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_step (s);
  if (code == SQLITE_ROW)
    *value = sqlite3_column_int64 (s, 0);
  sqlite3_finalize (s);
  return code == SQLITE_ROW ? SQLITE_OK : code == SQLITE_DONE ? SQLITE_CORRUPT : code;
}

/* Opens the database with FLAGS and reads its first page.  An SQLite code.  */
static int
cache__connect (struct cache *cache, const char *name, int flags, int64_t *id, int64_t *version)
{
  int code
      = sqlite3_open_v2 (name, &cache->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
  if (code != SQLITE_OK)
    return code;
  sqlite3_extended_result_codes (cache->db, 1);
  sqlite3_busy_handler (cache->db, busy, cache);
  /* Neither a compiler that ends nor one that begins should pay for a checkpoint's fsync.  */
  sqlite3_db_config (cache->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_wal_autocheckpoint (cache->db, CACHE_CHECKPOINT_PAGES);
  sqlite3_db_config (cache->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_exec (cache->db,
                "PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON;"
                " PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA recursive_triggers = ON",
                NULL, NULL, NULL);
  code = cache__integer (cache, "PRAGMA application_id", id);
  return code != SQLITE_OK ? code : cache__integer (cache, "PRAGMA user_version", version);
}

int
cache__attach (struct cache *cache, struct why *why)
{
  if (cache->db)
    return 0;
  struct stat st, folder;
  if (stat (cache->path, &st) != 0)
    {
      if (errno != ENOENT && errno != ENOTDIR)
        return why__set (why, REASON_CACHE, "%s: %s", cache->path, strerror (errno));
      if (cache->mode == CACHE_READ)
        return 0;
      if (cache__create (cache, why) != 0)
        return -1;
      if (stat (cache->path, &st) != 0)
        return why__set (why, REASON_CACHE, "%s: %s", cache->path, strerror (errno));
    }
  if (!S_ISREG (st.st_mode))
    return why__set (why, REASON_CACHE, "%s: not a regular file", cache->path);
  /* Whoever can write the cache can write code into the build.  */
  if ((st.st_mode & S_IWOTH)
      || (stat (cache->directory, &folder) == 0 && (folder.st_mode & S_IWOTH)
          && !(folder.st_mode & S_ISVTX)))
    return why__set (why, REASON_CACHE, "%s: everybody may write it; chmod o-w it and its folder",
                     cache->path);
  int64_t id = 0, version = 0;
  int code = cache__connect (cache, cache->path, SQLITE_OPEN_READWRITE, &id, &version);
  int primary = code & 0xff;
  if (cache->mode == CACHE_READ
      && (primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY || primary == SQLITE_PERM
          || primary == SQLITE_IOERR || primary == SQLITE_FULL))
    {
      /* A folder in which no -shm file can be made: read the main file as it stands.  */
      sqlite3_close (cache->db);
      cache->db = NULL;
      cache->read_only = true;
      char *uri = path__uri (cache->path, "immutable=1");
      code = uri ? cache__connect (cache, uri, SQLITE_OPEN_READONLY, &id, &version) : SQLITE_NOMEM;
      free (uri);
    }
  int result = 0;
  bool writable = cache->db && sqlite3_db_readonly (cache->db, "main") == 0;
  if (code != SQLITE_OK)
    result = cache__fail (cache, "opening", why);
  else if (id != CACHE_APPLICATION_ID)
    result
        = why__set (why, REASON_CACHE, "%s: an SQLite database that is not aiopt's", cache->path);
  else if (version == CACHE_SCHEMA_OLDEST && !writable)
    result = why__set (why, REASON_CACHE,
                       "%s: schema %d, which this aiopt brings up to date where it can write the file; open it so"
                       " once, or name another folder",
                       cache->path, CACHE_SCHEMA_OLDEST);
  else if (version == CACHE_SCHEMA_OLDEST
           && (schema__migrate (cache->db) != SQLITE_OK
               || cache__integer (cache, "PRAGMA user_version", &version) != SQLITE_OK))
    result = cache__fail (cache, "bringing its schema up to date", why);
  else if (version != CACHE_SCHEMA)
    result = why__set (why, REASON_CACHE,
                       "%s: schema %lld, this aiopt reads schema %d; name another folder",
                       cache->path, (long long)version, CACHE_SCHEMA);
  else
    cache->read_only |= !writable;
  if (result != 0)
    {
      sqlite3_close (cache->db);
      cache->db = NULL;
    }
  return result;
}

int
cache__open (const char *directory, enum cache_mode mode, struct cache **opened, struct why *why)
{
  *opened = NULL;
  if (!directory || !*directory)
    return why__set (why, REASON_CACHE, "no folder is named");
  struct cache *cache = calloc (1, sizeof *cache);
  if (!cache)
    return why__set (why, REASON_CACHE, "out of memory");
  cache->mode = mode;
  cache->patient = true;
  cache->directory = strdup (directory);
  struct held_signal held;
  signal__hold (&held);
  int result;
  if (!cache->directory || asprintf (&cache->path, "%s/cache.db", directory) < 0)
    {
      cache->path = NULL;
      result = why__set (why, REASON_CACHE, "out of memory");
    }
  else if (mode == CACHE_WRITE && directory__make (directory) != 0)
    result = why__set (why, REASON_CACHE, "%s: the folder can't be made: %s", directory,
                       strerror (errno));
  else
    result = cache__attach (cache, why);
  if (result == 0 && mode == CACHE_WRITE)
    result = cache__need_write (cache, why);
  signal__release (&held);
  if (result != 0)
    cache__close (cache);
  else
    *opened = cache;
  return result;
}

void
cache__close (struct cache *cache)
{
  if (!cache)
    return;
  if (cache->db)
    {
      struct held_signal held;
      signal__hold (&held);
      cache__flush_hits (cache, false);
      sqlite3_finalize (cache->lookup);
      sqlite3_close (cache->db);
      signal__release (&held);
    }
  free (cache->hit);
  free (cache->directory);
  free (cache->path);
  free (cache);
}
