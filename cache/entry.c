/* An entry as a row: binding, reading, its checksum.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/internal.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* A digest over a sequence of fields, each with its length, so that no two sequences look alike. */
static void
digest__field (crypto_generichash_state *state, const void *bytes, size_t length)
{
  uint64_t size = bytes ? (uint64_t)length : UINT64_MAX;
  crypto_generichash_update (state, (const uint8_t *)&size, sizeof size);
  if (bytes && length)
    crypto_generichash_update (state, bytes, length);
}

static void
digest__text (crypto_generichash_state *state, const char *text)
{
  digest__field (state, text, text ? strlen (text) : 0);
}

void
region_row__checksum (const char *key, const void *json, size_t length,
                      uint8_t checksum[CACHE_CHECKSUM])
{
  crypto_generichash_state state;
  crypto_generichash_init (&state, NULL, 0, CACHE_CHECKSUM);
  digest__text (&state, "region");
  digest__text (&state, key);
  digest__field (&state, json, length);
  crypto_generichash_final (&state, checksum, CACHE_CHECKSUM);
}

void
recorded_row__checksum (const char *key, const void *json, size_t length, uint8_t checksum[CACHE_CHECKSUM])
{
  crypto_generichash_state state;
  crypto_generichash_init (&state, NULL, 0, CACHE_CHECKSUM);
  digest__text (&state, "recorded");
  digest__text (&state, key);
  digest__field (&state, json, length);
  crypto_generichash_final (&state, checksum, CACHE_CHECKSUM);
}

/* SQLite stores NaN as NULL: neither is a figure anyone should see.  */
static double
finite_or_zero (double x)
{
  /* Adding 0 makes -0 a 0, as SQLite does on disk.  */
  return isfinite (x) ? x + 0.0 : 0.0;
}

/* Over every field but the hits.  */
static void
entry__checksum (const struct entry *entry, uint8_t checksum[CACHE_CHECKSUM])
{
  crypto_generichash_state state;
  crypto_generichash_init (&state, NULL, 0, CACHE_CHECKSUM);
  digest__text (&state, "entry");
  const char *text[] = { entry->key,         entry->function, entry->file,       entry->code,
                         entry->verdict,     entry->policy,   entry->provenance, entry->evidence,
                         entry->measurement, entry->reason,   entry->detail };
  for (unsigned i = 0; i < sizeof text / sizeof *text; i++)
    digest__text (&state, text[i]);
  int64_t integer[] = { entry->kind, entry->line, entry->tried, entry->created };
  digest__field (&state, integer, sizeof integer);
  double real[] = { finite_or_zero (entry->ratio), finite_or_zero (entry->ratio_low),
                    finite_or_zero (entry->ratio_high), finite_or_zero (entry->seconds) };
  digest__field (&state, real, sizeof real);
  crypto_generichash_final (&state, checksum, CACHE_CHECKSUM);
}

/* Copies text column COLUMN into *TEXT.  A NUL within would hide the rest from the checksum.  */
static bool
column__text (sqlite3_stmt *statement, int column, char **text)
{
  *text = NULL;
  if (sqlite3_column_type (statement, column) == SQLITE_NULL)
    return true;
  const char *value = (const char *)sqlite3_column_text (statement, column);
  if (!value || strlen (value) != (size_t)sqlite3_column_bytes (statement, column))
    return false;
  *text = strdup (value);
  return *text != NULL;
}

struct entry *
entry__read (sqlite3_stmt *s, struct why *why)
{
  struct entry *entry = calloc (1, sizeof *entry);
  if (!entry)
    {
      why__set (why, REASON_CACHE, "out of memory");
      return NULL;
    }
  const char *key = (const char *)sqlite3_column_text (s, 0);
  bool ok = key && key__valid (key);
  if (ok)
    strcpy (entry->key, key);
  int64_t kind = sqlite3_column_int64 (s, 1);
  entry->kind = (enum entry_kind)kind;
  ok = column__text (s, 2, &entry->function) && ok;
  ok = column__text (s, 3, &entry->file) && ok;
  entry->line = (unsigned)sqlite3_column_int64 (s, 4);
  ok = column__text (s, 5, &entry->code) && ok;
  ok = column__text (s, 6, &entry->verdict) && ok;
  ok = column__text (s, 7, &entry->policy) && ok;
  ok = column__text (s, 8, &entry->provenance) && ok;
  ok = column__text (s, 9, &entry->evidence) && ok;
  ok = column__text (s, 10, &entry->measurement) && ok;
  entry->ratio = sqlite3_column_double (s, 11);
  entry->ratio_low = sqlite3_column_double (s, 12);
  entry->ratio_high = sqlite3_column_double (s, 13);
  ok = column__text (s, 14, &entry->reason) && ok;
  ok = column__text (s, 15, &entry->detail) && ok;
  entry->tried = (unsigned)sqlite3_column_int64 (s, 16);
  entry->seconds = sqlite3_column_double (s, 17);
  entry->created = sqlite3_column_int64 (s, 18);
  const void *stored = sqlite3_column_blob (s, 19);
  int stored_size = sqlite3_column_bytes (s, 19);
  entry->hits = (uint64_t)sqlite3_column_int64 (s, ENTRY_N_COLUMNS);
  uint8_t checksum[CACHE_CHECKSUM];
  if (ok)
    entry__checksum (entry, checksum);
  if (!ok || !stored || stored_size != CACHE_CHECKSUM
      || memcmp (stored, checksum, CACHE_CHECKSUM) != 0
      || (kind != ENTRY_REWRITE && kind != ENTRY_NEGATIVE)
      || (kind == ENTRY_REWRITE && !entry->code))
    {
      why__set (why, REASON_CACHE,
                "the entry of key %.16s fails its checksum: the cache is damaged; see `aiopt cache"
                " check`",
                entry->key[0] ? entry->key : "(unreadable)");
      entry__free (entry);
      return NULL;
    }
  return entry;
}

/* Binds TEXT, NULL included.  */
static void
bind__text (sqlite3_stmt *s, int index, const char *text)
{
  if (text)
    sqlite3_bind_text (s, index, text, -1, SQLITE_STATIC);
  else
    sqlite3_bind_null (s, index);
}

int
entry__write (struct cache *cache, const struct entry *given, struct why *why)
{
  struct entry entry = *given;
  if (!key__valid (entry.key))
    return why__set (why, REASON_CACHE, "'%.64s' is not a key", entry.key);
  if (entry.kind == ENTRY_REWRITE && (!entry.code || !entry.verdict))
    return why__set (why, REASON_CACHE, "a rewrite without code or verdict");
  if (!entry.created)
    entry.created = (int64_t)time__now ();
  uint8_t checksum[CACHE_CHECKSUM];
  entry__checksum (&entry, checksum);
  sqlite3_stmt *s
      = cache__prepare (cache,
                        "INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                        " ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
                        why);
  if (!s)
    return -1;
  bind__text (s, 1, entry.key);
  sqlite3_bind_int64 (s, 2, entry.kind);
  bind__text (s, 3, entry.function);
  bind__text (s, 4, entry.file);
  sqlite3_bind_int64 (s, 5, entry.line);
  bind__text (s, 6, entry.code);
  bind__text (s, 7, entry.verdict);
  bind__text (s, 8, entry.policy);
  bind__text (s, 9, entry.provenance);
  bind__text (s, 10, entry.evidence);
  bind__text (s, 11, entry.measurement);
  sqlite3_bind_double (s, 12, finite_or_zero (entry.ratio));
  sqlite3_bind_double (s, 13, finite_or_zero (entry.ratio_low));
  sqlite3_bind_double (s, 14, finite_or_zero (entry.ratio_high));
  bind__text (s, 15, entry.reason);
  bind__text (s, 16, entry.detail);
  sqlite3_bind_int64 (s, 17, entry.tried);
  sqlite3_bind_double (s, 18, finite_or_zero (entry.seconds));
  sqlite3_bind_int64 (s, 19, entry.created);
  sqlite3_bind_blob (s, 20, checksum, sizeof checksum, SQLITE_STATIC);
  int result = sqlite3_step (s) == SQLITE_DONE ? 0 : cache__fail (cache, "storing", why);
  sqlite3_finalize (s);
  return result;
}

void
entry__free (struct entry *entry)
{
  if (!entry)
    return;
  free (entry->function);
  free (entry->file);
  free (entry->code);
  free (entry->verdict);
  free (entry->policy);
  free (entry->provenance);
  free (entry->evidence);
  free (entry->measurement);
  free (entry->reason);
  free (entry->detail);
  free (entry);
}
