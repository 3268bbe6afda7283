/* The tables, and bringing a file of an older schema up to date.

   What grows with use is never counted by reading it: triggers keep the totals of `aiopt cache stats` in the table
   total, in the transaction that changes a row, so they are right whoever dies when.  REPLACE deletes without
   telling the triggers unless PRAGMA recursive_triggers is on, which cache__connect sees to.  cache__check compares
   the totals with the tables; cache__gc counts anew.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "cache/internal.h"

#include <stdio.h>
#include <string.h>

static const char tables[]
    = "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
      "CREATE TABLE entry (key TEXT PRIMARY KEY, kind INTEGER NOT NULL, function TEXT, file TEXT,"
      " line INTEGER, code TEXT, verdict TEXT, policy TEXT, provenance TEXT, evidence TEXT,"
      " measurement TEXT, ratio REAL, ratio_low REAL, ratio_high REAL, reason TEXT, detail TEXT,"
      " tried INTEGER, seconds REAL, created INTEGER NOT NULL, checksum BLOB NOT NULL);"
      /* Apart from the entry: counting a hit must not rewrite its code.  */
      "CREATE TABLE usage (key TEXT PRIMARY KEY, hits INTEGER NOT NULL, used INTEGER NOT NULL)"
      " WITHOUT ROWID;"
      "CREATE TABLE region (key TEXT PRIMARY KEY, function TEXT, file TEXT, line INTEGER,"
      " json TEXT NOT NULL, created INTEGER NOT NULL, checksum BLOB NOT NULL);"
      "CREATE TABLE queue (key TEXT PRIMARY KEY, state INTEGER NOT NULL, weight INTEGER NOT NULL,"
      " expiry REAL, host TEXT, pid INTEGER, start INTEGER, lost INTEGER NOT NULL DEFAULT 0,"
      " created INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
      "INSERT INTO meta VALUES ('made by', 'aiopt');";

/* What a row of ROW (new, old, or the table itself) adds to a total.  Logarithms are kept in millionths: integers add
   up to the same whatever the order, and what is added can be taken away again.  */
#define IS_REWRITE(ROW) "(" ROW ".kind = 0)"
#define IS_NEGATIVE(ROW) "(" ROW ".kind = 1)"
#define HAS_RATIO(ROW) "(" ROW ".kind = 0 AND ifnull (" ROW ".ratio, 0) > 0)"
#define LOG_RATIO(ROW)                                                                             \
  "CASE WHEN " HAS_RATIO (ROW) " THEN ifnull (CAST (round (1e6 * ln (" ROW ".ratio)) AS INTEGER), 0) ELSE 0 END"
#define IS_WAITING(ROW) "(" ROW ".state = 0)"
#define IS_LEASED(ROW) "(" ROW ".state = 1)"

/* How a total follows a row that came, went or changed; OF is one of the above.  */
#define ADDED(NAME, OF) NAME " = " NAME " + " OF ("new")
#define GONE(NAME, OF) NAME " = " NAME " - " OF ("old")
#define CHANGED(NAME, OF) NAME " = " NAME " - " OF ("old") " + " OF ("new")

#define ENTRY_TOTALS(HOW)                                                                          \
  "BEGIN UPDATE total SET " HOW ("rewrites", IS_REWRITE) ", " HOW ("negatives", IS_NEGATIVE) ", "  \
  HOW ("ratios", HAS_RATIO) ", " HOW ("log_ratio", LOG_RATIO) "; END;"
#define QUEUE_TOTALS(HOW)                                                                          \
  "BEGIN UPDATE total SET " HOW ("waiting", IS_WAITING) ", " HOW ("leased", IS_LEASED) "; END;"

/* What schema 2 has besides.  Every opening parses all of this, so it is kept short.  */
static const char since_2[]
    = "CREATE TABLE IF NOT EXISTS recorded (key TEXT NOT NULL, number INTEGER NOT NULL, json TEXT NOT NULL,"
      " created INTEGER NOT NULL, checksum BLOB NOT NULL, PRIMARY KEY (key, number)) WITHOUT ROWID;"
      /* In the order of `list`, and with all that a pattern is held against: rows that don't match are not read.  */
      "CREATE INDEX entry_order ON entry (created DESC, function, key, file);"
      "DROP INDEX IF EXISTS queue_order;"
      "CREATE INDEX queue_order ON queue (state DESC, weight DESC, created);"
      /* One row.  */
      "CREATE TABLE total (id INTEGER PRIMARY KEY, rewrites INTEGER, negatives INTEGER, ratios INTEGER,"
      " log_ratio INTEGER, waiting INTEGER, leased INTEGER, regions INTEGER, recorded INTEGER);"
      "CREATE TRIGGER entry_added AFTER INSERT ON entry " ENTRY_TOTALS (ADDED)
      "CREATE TRIGGER entry_gone AFTER DELETE ON entry " ENTRY_TOTALS (GONE)
      "CREATE TRIGGER entry_changed AFTER UPDATE OF kind, ratio ON entry " ENTRY_TOTALS (CHANGED)
      "CREATE TRIGGER queue_added AFTER INSERT ON queue " QUEUE_TOTALS (ADDED)
      "CREATE TRIGGER queue_gone AFTER DELETE ON queue " QUEUE_TOTALS (GONE)
      "CREATE TRIGGER queue_changed AFTER UPDATE OF state ON queue " QUEUE_TOTALS (CHANGED)
      "CREATE TRIGGER region_added AFTER INSERT ON region BEGIN UPDATE total SET regions = regions + 1; END;"
      "CREATE TRIGGER region_gone AFTER DELETE ON region BEGIN UPDATE total SET regions = regions - 1; END;"
      "CREATE TRIGGER recorded_added AFTER INSERT ON recorded BEGIN UPDATE total SET recorded = recorded + 1; END;"
      "CREATE TRIGGER recorded_gone AFTER DELETE ON recorded BEGIN UPDATE total SET recorded = recorded - 1; END;"
      "INSERT OR REPLACE INTO meta VALUES ('schema', '2');"
      "PRAGMA user_version = 2;";

_Static_assert (CACHE_SCHEMA == 2, "say above how the schema before becomes this one");

/* Each total, in the order of the columns, and how it is counted from the tables.  */
static const struct
{
  const char *name, *sql;
} totals[] = {
  { "rewrites", "SELECT count (*) FROM entry WHERE " IS_REWRITE ("entry") },
  { "negatives", "SELECT count (*) FROM entry WHERE " IS_NEGATIVE ("entry") },
  { "ratios", "SELECT count (*) FROM entry WHERE " HAS_RATIO ("entry") },
  { "log_ratio", "SELECT coalesce (sum (" LOG_RATIO ("entry") "), 0) FROM entry" },
  { "waiting", "SELECT count (*) FROM queue WHERE " IS_WAITING ("queue") },
  { "leased", "SELECT count (*) FROM queue WHERE " IS_LEASED ("queue") },
  { "regions", "SELECT count (*) FROM region" },
  { "recorded", "SELECT count (*) FROM recorded" },
};

enum
{
  N_TOTALS = sizeof totals / sizeof *totals,
  SQL_MAX = 400 /* of one total */
};

int
schema__recount (sqlite3 *db)
{
  char sql[N_TOTALS * SQL_MAX], *p = stpcpy (sql, "INSERT OR REPLACE INTO total VALUES (1");
  for (unsigned i = 0; i < N_TOTALS; i++)
    p += snprintf (p, (size_t)(sql + sizeof sql - p), ", (%s)", totals[i].sql);
  stpcpy (p, ")");
  return sqlite3_exec (db, sql, NULL, NULL, NULL);
}

const char *
schema__wrong_total (sqlite3 *db)
{
  for (unsigned i = 0; i < N_TOTALS; i++)
    {
      char sql[SQL_MAX];
      sqlite3_stmt *s = NULL;
      snprintf (sql, sizeof sql, "SELECT ifnull ((SELECT %s FROM total WHERE id = 1) = (%s), 0)", totals[i].name,
                totals[i].sql);
      bool right = sqlite3_prepare_v2 (db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step (s) == SQLITE_ROW
                   && sqlite3_column_int (s, 0);
      sqlite3_finalize (s);
      if (!right)
        return totals[i].name;
    }
  return NULL;
}

/* Runs the N texts of SQL and counts, all in one transaction.  */
static int
schema__apply (sqlite3 *db, const char *const *sql, unsigned n)
{
  int code = SQLITE_OK;
  for (unsigned i = 0; code == SQLITE_OK && i < n; i++)
    code = sqlite3_exec (db, sql[i], NULL, NULL, NULL);
  if (code == SQLITE_OK)
    code = schema__recount (db);
  if (code == SQLITE_OK)
    code = sqlite3_exec (db, "COMMIT", NULL, NULL, NULL);
  return code;
}

int
schema__make (sqlite3 *db)
{
  const char *const sql[] = { tables, since_2 };
  int code = sqlite3_exec (db, "BEGIN", NULL, NULL, NULL);
  return code != SQLITE_OK ? code : schema__apply (db, sql, 2);
}

int
schema__migrate (sqlite3 *db)
{
  int code = sqlite3_exec (db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
  if (code != SQLITE_OK)
    return code;
  /* Another process may have been first while this one waited.  */
  sqlite3_stmt *s = NULL;
  code = sqlite3_prepare_v2 (db, "PRAGMA user_version", -1, &s, NULL);
  bool old = code == SQLITE_OK && sqlite3_step (s) == SQLITE_ROW && sqlite3_column_int (s, 0) == CACHE_SCHEMA_OLDEST;
  sqlite3_finalize (s);
  const char *const sql[] = { since_2 };
  if (code == SQLITE_OK)
    code = old ? schema__apply (db, sql, 1) : sqlite3_exec (db, "COMMIT", NULL, NULL, NULL);
  return code;
}
