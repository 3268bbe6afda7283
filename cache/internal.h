/* What the files of cache/ share; nobody else includes this but what measures and tests its growth.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CACHE_INTERNAL_H
#define AIOPT_CACHE_INTERNAL_H

#include "cache/cache.h"
#include <signal.h>
#include <sqlite3.h>

enum
{
  CACHE_SCHEMA = 2,        /* PRAGMA user_version; bump when a table's meaning changes */
  CACHE_SCHEMA_OLDEST = 1, /* that can be brought up to date: schema.c */
  CACHE_APPLICATION_ID
  = 0x41494f50,          /* "AIOP", PRAGMA application_id: tells our files from others' */
  CACHE_BUSY_MS = 10000, /* how long a writer waits for another */
  CACHE_CHECKPOINT_PAGES
  = 32, /* a first opener must read the whole WAL: 256 pages took 1 ms, 32 take 0.1 ms */
  CACHE_LOST_LEASES_MAX = 3,
  CACHE_CHECKSUM = 32
};

struct cache
{
  sqlite3 *db; /* NULL: a missing cache opened for reading */
  char *directory, *path;
  enum cache_mode mode;
  bool read_only; /* the file system lets us only read */
  bool patient;   /* wait for other writers */
  int waits;      /* of the statement that is waiting now */
  sqlite3_stmt *lookup;
  unsigned n_hits, size_hits;
  char (*hit)[65]; /* the keys, one for each hit not yet written */
  uint64_t misses; /* not yet written */
};

/* SIGXFSZ would kill the compiler where a file-size limit is hit; held back, the write fails with
 * EFBIG.  */
struct held_signal
{
  sigset_t before;
  bool pending;
};
void signal__hold (struct held_signal *held);
void signal__release (const struct held_signal *held);

/* -1 and *WHY: WHAT failed, with SQLite's message and what to do.  */
int cache__fail (const struct cache *cache, const char *what, struct why *why);

/* Opens the file where a cache that was missing may have come to be.  0 (with db still NULL where
   it's missing), or -1 and *WHY.  */
int cache__attach (struct cache *cache, struct why *why);

/* -1 and *WHY unless CACHE can be written.  */
int cache__need_write (const struct cache *cache, struct why *why);

/* BEGIN IMMEDIATE; COMMIT where OK, else ROLLBACK.  CACHE__END gives -1 where either went wrong. */
int cache__begin (struct cache *cache, struct why *why);
int cache__end (struct cache *cache, bool ok, struct why *why);

/* Prepares SQL; NULL and *WHY where that fails.  */
sqlite3_stmt *cache__prepare (struct cache *cache, const char *sql, struct why *why);

/* Runs SQL without results.  0, or -1 and *WHY naming WHAT.  */
int cache__execute (struct cache *cache, const char *sql, const char *what, struct why *why);

/* Writes the hits counted so far, without waiting for locks unless PATIENT.  */
void cache__flush_hits (struct cache *cache, bool patient);

/* Adds to a named counter, inside a transaction.  */
int cache__count (struct cache *cache, const char *name, int64_t add, struct why *why);

/* Unix time with fractions.  */
double time__now (void);

/* Is KEY made of 1 to 64 hex digits?  */
bool key__valid (const char *key);

/* The columns of ENTRY_COLUMNS from column 0 of STATEMENT's row; NULL and *WHY where its checksum
   doesn't hold. The usage (hits) is column ENTRY_N_COLUMNS.  */
#define ENTRY_COLUMNS                                                                              \
  "e.key, e.kind, e.function, e.file, e.line, e.code, e.verdict, e.policy, e.provenance, "         \
  "e.evidence, e.measurement, e.ratio, e.ratio_low, e.ratio_high, e.reason, e.detail, e.tried, "   \
  "e.seconds, e.created, e.checksum"
enum
{
  ENTRY_N_COLUMNS = 20
};
struct entry *entry__read (sqlite3_stmt *statement, struct why *why);

/* Inserts or replaces ENTRY inside a transaction.  */
int entry__write (struct cache *cache, const struct entry *entry, struct why *why);

/* The checksum of a region row.  */
void region_row__checksum (const char *key, const void *json, size_t length,
                           uint8_t checksum[CACHE_CHECKSUM]);

/* The checksum of a recorded state's row.  */
void recorded_row__checksum (const char *key, const void *json, size_t length,
                             uint8_t checksum[CACHE_CHECKSUM]);

/* Makes all tables in the empty DB.  An SQLite code.  */
int schema__make (sqlite3 *db);

/* Brings DB from schema CACHE_SCHEMA_OLDEST to CACHE_SCHEMA in one transaction, unless another process was first.
   An SQLite code; where it isn't SQLITE_OK the transaction is left to sqlite3_close to roll back.  */
int schema__migrate (sqlite3 *db);

/* Counts the totals anew, inside a transaction.  An SQLite code.  */
int schema__recount (sqlite3 *db);

/* The name of a total that isn't what the tables say, or NULL.  */
const char *schema__wrong_total (sqlite3 *db);

/* Who this process is, for leases: "host/boot/pid-namespace" and pid with start time.  */
struct owner
{
  char host[160];
  int64_t pid;
  int64_t start;
};
void owner__self (struct owner *owner);

/* False only where OWNER is known to be gone: same HOST as ours and no such process any more.  */
bool owner__alive (const struct owner *self, const char *host, int64_t pid, int64_t start);

#endif
