/* The store of entries and the queue of regions: SQLite in WAL mode.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_CACHE_H
#define AIOPT_CACHE_H

#include "machine/why.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;

enum entry_kind
{
  ENTRY_REWRITE,
  ENTRY_NEGATIVE
};

/* What the cache holds for a region.  Strings are owned by the entry (entry__free).  */
struct entry
{
  char key[65];
  enum entry_kind kind;
  char *function; /* for people: the name it was first seen under */
  char *file;
  unsigned line;
  char *code;    /* canonical text of the new code; NULL for negative */
  char *verdict; /* "tested", "bounded", "proved" */
  char *policy;
  char *provenance;
  char *evidence;                      /* JSON */
  char *measurement;                   /* JSON */
  double ratio, ratio_low, ratio_high; /* original over new time */
  char *reason;                        /* slug, for negative */
  char *detail;
  unsigned tried;  /* candidates tried */
  double seconds;  /* spent */
  int64_t created; /* Unix time */
  uint64_t hits;
};

/* The folder to use where none is given: $AIOPT_CACHE, else $XDG_CACHE_HOME/aiopt, else
 * ~/.cache/aiopt.  Malloc'ed.  */
char *cache__default_directory (void);

enum cache_mode
{
  CACHE_READ,
  CACHE_WRITE
};

/* Opens (for CACHE_WRITE: makes, mode 0700) the cache in DIRECTORY.  CACHE_READ on a missing
   cache is 0 with an empty one.  -1 and *WHY (CACHE) where it can't be used; a damaged or
   foreign-schema file is never overwritten.  Handles are for one thread each and don't survive
   fork. No other code may open the file cache.db in a process that holds a handle: closing it would
   drop SQLite's locks.  */
int cache__open (const char *directory, enum cache_mode mode, struct cache **cache,
                 struct why *why);
void cache__close (struct cache *cache);

/* 1 and *ENTRY, 0 for a miss, -1 and *WHY.  An entry whose checksum doesn't hold is a -1, never
   given. COUNT_HIT: count the hit (or miss); written by cache__close where the cache is writable,
   without waiting for locks.  */
int cache__lookup (struct cache *cache, const char *key, bool count_hit, struct entry **entry,
                   struct why *why);
int cache__store (struct cache *cache, const struct entry *entry, struct why *why);
int cache__remove (struct cache *cache, const char *key, struct why *why);
void entry__free (struct entry *entry);

/* The queue.  ENQUEUE keeps the region's JSON for KEY (also for `explain` and replay), and is quiet
   where it is there already.  0, or -1 and *WHY.  */
int queue__put (struct cache *cache, const char *key, const char *function, const char *file,
                unsigned line, const char *json, int64_t weight, struct why *why);

/* Takes the heaviest waiting region (or KEY's, where KEY is not NULL) for LEASE_SECONDS: 1 and
   malloc'ed *JSON, 0 where nothing waits, -1.  A lease that has run out (a killed tuner) is waiting
   again; after three lost leases the region is given up as a negative entry by queue__take itself.
   With KEY, a region that is kept but neither queued nor has an entry is taken too (after
   cache__remove).  */
int queue__take (struct cache *cache, const char *key, double lease_seconds, char found_key[65],
                 char **json, struct why *why);

/* Done with KEY (an entry was stored), or back to waiting (DONE false: budget ran out, Ctrl-C)
   where the lease is this process's or was one's that is gone; given back like this it doesn't
   count as lost.  */
int queue__finish (struct cache *cache, const char *key, bool done, struct why *why);

/* Waiting and leased regions.  */
int queue__count (struct cache *cache, unsigned *waiting, unsigned *leased, struct why *why);

/* The region JSON kept for KEY, malloc'ed; NULL where there is none.  */
char *cache__region (struct cache *cache, const char *key);

/* States recorded by `aiopt record`, as JSON, kept with KEY's region.  PUT replaces those of earlier runs, or ADDs to
   them, up to a limit: the number kept, or -1 and *WHY.  EACH calls VISIT for each until it returns
   false: 0, or -1 and *WHY where one fails its checksum (the sound ones are visited all the same).  COUNT is of KEY.  */
int recorded__put (struct cache *cache, const char *key, const char *const *json, unsigned n, bool add, struct why *why);
int recorded__each (struct cache *cache, const char *key, bool (*visit) (void *context, const char *json),
                    void *context, struct why *why);
int64_t recorded__count (struct cache *cache, const char *key);

/* Calls VISIT for each region kept, oldest first, until it returns false; damaged ones are passed over.  */
int region__each (struct cache *cache, bool (*visit) (void *context, const char *key, const char *json), void *context,
                  struct why *why);

/* Calls VISIT for each entry (newest first), or for each queued region (STATE "waiting" or "being
   tuned"), until it returns false.  PATTERN is a function's or file's name (a shell pattern, or the
   end of a file's path) or at least four digits of a key; NULL for all.  */
int cache__each (struct cache *cache, const char *pattern,
                 bool (*visit) (void *context, const struct entry *entry), void *context,
                 struct why *why);
int queue__each (struct cache *cache, const char *pattern,
                 bool (*visit) (void *context, const char *key, const char *function,
                                const char *file, unsigned line, const char *state),
                 void *context, struct why *why);

struct cache_stats
{
  uint64_t rewrites, negatives, regions, waiting, leased, hits, bytes;
  uint64_t misses, lost_leases;
  uint64_t recorded; /* states */
  double geomean_ratio; /* over rewrites, 0 where none */
  int64_t oldest, newest;
};
int cache__stats (struct cache *cache, struct cache_stats *stats, struct why *why);

/* Full check: SQLite's integrity check, every row's checksum, every region parses as JSON.
   Calls REPORT for each problem; returns the number of problems or -1.  */
int cache__check (struct cache *cache, void (*report) (void *context, const char *problem),
                  void *context, struct why *why);

/* Removes entries unused for MAX_AGE seconds (and their regions), then vacuums.  Returns how many,
 * or -1.  */
int64_t cache__gc (struct cache *cache, int64_t max_age, struct why *why);

#endif
