/* A large cache, made fast: the rows that cache__store and queue__put would write, thousands in a transaction.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/growth.h"
#include "cache/internal.h"
#include "machine/mix.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum
{
  AT_ONCE = 5000, /* entries in a transaction */
  WAITING_EACH = 10,
  /* Least and mean bytes of each text in that cache; between them sizes are drawn from an exponential distribution.  */
  CODE_LEAST = 245,
  CODE_MEAN = 4917,
  EVIDENCE_LEAST = 1253,
  EVIDENCE_MEAN = 2311,
  MEASUREMENT_LEAST = 600,
  MEASUREMENT_MEAN = 621,
  REGION_LEAST = 2490,
  REGION_MEAN = 6734,
  LARGEST = 80000,
  POOL = 1 << 20,
  FIFTY_DAYS = 50 * 86400
};

void
growth__key (uint64_t number, char key[65])
{
  uint8_t digest[32];
  crypto_generichash (digest, sizeof digest, (const uint8_t *)&number, sizeof number, NULL, 0);
  sodium_bin2hex (key, 65, digest, sizeof digest);
}

/* A size of at least LEAST, MEAN on the average.  */
static size_t
draw_size (uint64_t *state, double least, double mean)
{
  double u = ((double)(splitmix64 (state) >> 11) + 1) / 9007199254740993.0;
  double size = least - (mean - least) * log (u);
  return size > LARGEST ? LARGEST : (size_t)size;
}

enum form
{
  FORM_CODE, /* lines of assembly */
  FORM_JSON, /* the same as a string in JSON */
  FORMS
};

struct fill
{
  struct cache *cache;
  sqlite3_stmt *region, *queue;
  char *pool[FORMS]; /* of POOL bytes and a line more: texts are cut from these */
  char *text[4];     /* of 2 * LARGEST bytes, one for each text of an entry */
  int64_t now;
};

static bool
fill__make_pool (struct fill *fill)
{
  uint64_t random = 1;
  for (unsigned form = 0; form < FORMS; form++)
    {
      char *p = fill->pool[form] = malloc (POOL + 100);
      if (!p)
        return false;
      while (p < fill->pool[form] + POOL)
        p += sprintf (p, form == FORM_CODE ? "\tvpaddd\t%u(%%rdi,%%rax), %%ymm%u, %%ymm%u\n"
                                           : " vpaddd %u(%%rdi,%%rax), %%ymm%u, %%ymm%u\\n",
                      (unsigned)(splitmix64 (&random) % 4096), (unsigned)(splitmix64 (&random) % 16),
                      (unsigned)(splitmix64 (&random) % 16));
      *p = '\0';
    }
  return true;
}

/* HEAD, lines of FORM to LENGTH bytes or a line more, and TAIL, into BUFFER.  */
static char *
draw_text (const struct fill *fill, enum form form, uint64_t *state, char *buffer, const char *head, const char *tail,
           size_t length)
{
  char *p = stpcpy (buffer, head);
  const char *line_end = form == FORM_CODE ? "\n" : "\\n", *pool = fill->pool[form];
  const char *begin = strstr (pool + splitmix64 (state) % (POOL - LARGEST - 1000), line_end) + strlen (line_end);
  const char *end = strstr (begin + length, line_end) + strlen (line_end);
  p = mempcpy (p, begin, (size_t)(end - begin));
  strcpy (p, tail);
  return buffer;
}

static int
fill__region (struct fill *fill, const char *key, const char *function, const char *file, int64_t created,
              uint64_t *random, struct why *why)
{
  uint8_t checksum[CACHE_CHECKSUM];
  char head[200];
  snprintf (head, sizeof head, "{\"function\":\"%s\",\"file\":\"%s\",\"text\":\"", function, file);
  char *json = draw_text (fill, FORM_JSON, random, fill->text[0], head, "\"}",
                          draw_size (random, REGION_LEAST, REGION_MEAN));
  size_t length = strlen (json);
  region_row__checksum (key, json, length, checksum);
  sqlite3_bind_text (fill->region, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_text (fill->region, 2, function, -1, SQLITE_STATIC);
  sqlite3_bind_text (fill->region, 3, file, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (fill->region, 4, (int64_t)(splitmix64 (random) % 3000));
  sqlite3_bind_text64 (fill->region, 5, json, length, SQLITE_STATIC, SQLITE_UTF8);
  sqlite3_bind_int64 (fill->region, 6, created);
  sqlite3_bind_blob (fill->region, 7, checksum, sizeof checksum, SQLITE_STATIC);
  int code = sqlite3_step (fill->region);
  sqlite3_reset (fill->region);
  return code == SQLITE_DONE ? 0 : cache__fail (fill->cache, "filling", why);
}

/* A region that waits, numbered beyond all entries.  */
static int
fill__waiting (struct fill *fill, unsigned number, struct why *why)
{
  char key[65], function[40];
  uint64_t random = ~(uint64_t)number;
  growth__key (UINT64_C (1) << 40 | number, key);
  snprintf (function, sizeof function, "waiting_%u", number);
  if (fill__region (fill, key, function, "/src/project/waiting.c", fill->now, &random, why) != 0)
    return -1;
  sqlite3_bind_text (fill->queue, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (fill->queue, 2, (int64_t)(splitmix64 (&random) % 1000000));
  sqlite3_bind_int64 (fill->queue, 3, fill->now);
  int code = sqlite3_step (fill->queue);
  sqlite3_reset (fill->queue);
  return code == SQLITE_DONE ? 0 : cache__fail (fill->cache, "filling", why);
}

static int
fill__entry (struct fill *fill, unsigned number, unsigned n, struct why *why)
{
  uint64_t random = number;
  char function[40], file[60];
  snprintf (function, sizeof function, "function_%u", number);
  snprintf (file, sizeof file, "/src/project/part%u/unit%u.c", number % 37, number / 20);
  struct entry entry = { .function = function,
                         .file = file,
                         .line = (unsigned)(splitmix64 (&random) % 3000),
                         .tried = 12,
                         .seconds = 9.5,
                         .created = fill->now - FIFTY_DAYS + (int64_t)((double)number / n * FIFTY_DAYS) };
  growth__key (number, entry.key);
  if (number % 3 == 0)
    {
      entry.kind = ENTRY_REWRITE;
      entry.code = draw_text (fill, FORM_CODE, &random, fill->text[1], "", "\tret\n",
                              draw_size (&random, CODE_LEAST, CODE_MEAN));
      entry.evidence = draw_text (fill, FORM_JSON, &random, fill->text[2], "{\"verifier\":\"3\",\"what\":\"", "\"}",
                                  draw_size (&random, EVIDENCE_LEAST, EVIDENCE_MEAN));
      entry.measurement = draw_text (fill, FORM_JSON, &random, fill->text[3], "{\"rung\":\"", "\"}",
                                     draw_size (&random, MEASUREMENT_LEAST, MEASUREMENT_MEAN));
      entry.verdict = (char *)"tested";
      entry.policy = (char *)"compilers";
      entry.provenance = (char *)"gcc-12 -O3 -march=native -mprefer-vector-width=512";
      entry.ratio = 1.02 + (double)(splitmix64 (&random) % 10000) / 1000;
      entry.ratio_low = entry.ratio * 0.97;
      entry.ratio_high = entry.ratio * 1.03;
    }
  else
    {
      entry.kind = ENTRY_NEGATIVE;
      entry.reason = (char *)"not-faster";
      entry.detail = (char *)"best 1.01x of 12 candidates, by gcc-12 -O3 -march=native -funroll-loops; 12 tried";
    }
  if (fill__region (fill, entry.key, function, file, entry.created, &random, why) != 0
      || entry__write (fill->cache, &entry, why) != 0)
    return -1;
  return number % WAITING_EACH ? 0 : fill__waiting (fill, number, why);
}

int
growth__fill (struct cache *cache, unsigned first, unsigned n, struct why *why)
{
  if (cache__need_write (cache, why) != 0)
    return -1;
  struct fill fill = { .cache = cache, .now = (int64_t)time__now () };
  int result = -1;
  /* Nothing is lost by a crash here but the bench's own file.  */
  if (cache__execute (cache, "PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA wal_autocheckpoint = 50000",
                      "filling", why)
      != 0)
    return -1;
  fill.region = cache__prepare (cache, "INSERT INTO region VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", why);
  fill.queue = cache__prepare (cache, "INSERT INTO queue (key, state, weight, created) VALUES (?1, 0, ?2, ?3)", why);
  for (unsigned i = 0; i < 4; i++)
    if (!(fill.text[i] = malloc (2 * LARGEST)))
      {
        why__set (why, REASON_CACHE, "out of memory");
        goto out;
      }
  if (!fill__make_pool (&fill))
    {
      why__set (why, REASON_CACHE, "out of memory");
      goto out;
    }
  if (!fill.region || !fill.queue)
    goto out;
  for (unsigned i = first; i < n;)
    {
      bool ok = cache__begin (cache, why) == 0;
      for (unsigned end = i + AT_ONCE; ok && i < n && i < end; i++)
        ok = fill__entry (&fill, i, n, why) == 0;
      if (cache__end (cache, ok, why) != 0)
        goto out;
    }
  result = cache__execute (cache, "PRAGMA wal_checkpoint (TRUNCATE)", "filling", why);
out:
  sqlite3_finalize (fill.region);
  sqlite3_finalize (fill.queue);
  for (unsigned i = 0; i < 4; i++)
    free (fill.text[i]);
  for (unsigned i = 0; i < FORMS; i++)
    free (fill.pool[i]);
  return result;
}
