/* What the cache's tests share: a folder of their own and sample entries.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_TEST_CACHE_COMMON_H
#define AIOPT_TEST_CACHE_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/cache.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static inline int
remove_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)type, (void)ftw;
  return remove (path);
}

/* A folder with a space in its name; removed by folder_remove.  */
static inline char *
folder_make (void)
{
  const char *base = getenv ("TMPDIR");
  char *path = NULL;
  assert_true (asprintf (&path, "%s/aiopt cache test.XXXXXX", base && *base ? base : "/tmp") > 0);
  assert_non_null (mkdtemp (path));
  return path;
}

static inline void
folder_remove (char *path)
{
  nftw (path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  free (path);
}

/* The key numbered N.  */
static inline const char *
key_of (unsigned n, char key[65])
{
  snprintf (key, 65, "%08x%056x", n * 2654435761u, n);
  return key;
}

/* A rewrite whose every text depends on N; its strings are string literals and CODE.  */
static inline struct entry
entry_of (unsigned n, char code[64])
{
  snprintf (code, 64, "leal %u(%%rdi), %%eax\nret\n", n);
  struct entry entry = { .kind = ENTRY_REWRITE,
                         .function = "sum",
                         .file = "/src/a b/sum.c",
                         .line = n,
                         .code = code,
                         .verdict = "tested",
                         .policy = "compilers",
                         .provenance = "gcc-12 -O3",
                         .evidence = "{\"seed\":1}",
                         .measurement = "{\"ratio\":2}",
                         .ratio = 2.0 + n,
                         .ratio_low = 1.5,
                         .ratio_high = 0.1 + n,
                         .tried = 7,
                         .seconds = -0.0,
                         .created = 1700000000 + n };
  key_of (n, entry.key);
  return entry;
}

static inline struct cache *
must_open (const char *directory, enum cache_mode mode)
{
  struct cache *cache = NULL;
  struct why why = { 0 };
  if (cache__open (directory, mode, &cache, &why) != 0)
    fail_msg ("cache__open: %s", why.detail);
  return cache;
}

static inline void
must_store (struct cache *cache, unsigned n)
{
  char code[64];
  struct entry entry = entry_of (n, code);
  struct why why = { 0 };
  if (cache__store (cache, &entry, &why) != 0)
    fail_msg ("cache__store: %s", why.detail);
}

static inline void
print_problem (void *context, const char *problem)
{
  (void)context;
  print_message ("# %s\n", problem);
}

#endif
