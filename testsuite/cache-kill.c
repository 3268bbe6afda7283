/* Many processes use one cache and are killed at random: it stays whole, and what was stored is
   there. Many processes make one cache at once: one wins, all work.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/cache-common.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>

enum
{
  WORKERS = 8,
  KEYS = 200
};

/* Stores, looks up, queues and leases until killed.  Any error is status 1.  */
static void
work (const char *folder, unsigned seed, int pipe_end)
{
  /* cmocka's handlers would go on with the next test in this process.  */
  signal (SIGSEGV, SIG_DFL);
  signal (SIGBUS, SIG_DFL);
  signal (SIGABRT, SIG_DFL);
  uint64_t random = seed * UINT64_C (0x9e3779b97f4a7c15) + 1;
  for (;;)
    {
      struct cache *cache = NULL;
      struct why why = { 0 };
      if (cache__open (folder, seed % 4 == 3 ? CACHE_READ : CACHE_WRITE, &cache, &why) != 0)
        goto failed;
      for (int i = 0; i < 10; i++)
        {
          random = random * 6364136223846793005u + 1442695040888963407u;
          uint32_t n = (uint32_t)(random >> 33) % KEYS;
          char code[64], found[65], *json;
          struct entry entry = entry_of (n, code), *got = NULL;
          int result = cache__lookup (cache, entry.key, true, &got, &why);
          if (result < 0)
            goto failed;
          /* Negative: given up after three killed holders.  */
          if (got && got->kind == ENTRY_REWRITE && strcmp (got->code, code) != 0)
            _exit (3);
          entry__free (got);
          if (seed % 4 == 3)
            continue;
          if (random >> 62 == 0 && cache__store (cache, &entry, &why) != 0)
            goto failed;
          if (random >> 62 == 0 && write (pipe_end, &n, sizeof n) != sizeof n)
            _exit (4);
          if (random >> 62 == 1
              && queue__put (cache, entry.key, "sum", "sum.c", n, "{\"key\":1}", n, &why) != 0)
            goto failed;
          if (random >> 62 == 2)
            {
              result = queue__take (cache, NULL, 5, found, &json, &why);
              if (result < 0
                  || (result == 1 && queue__finish (cache, found, random & 1, &why) != 0))
                goto failed;
              free (json);
            }
        }
      cache__close (cache);
      continue;
    failed:
      fprintf (stderr, "# worker: %s\n", why.detail);
      _exit (1);
    }
}

static void
survives_kills (void **state)
{
  (void)state;
  char *folder = folder_make ();
  int ends[2];
  assert_int_equal (pipe (ends), 0);
  assert_true (fcntl (ends[0], F_SETFL, O_NONBLOCK) == 0);
  pid_t worker[WORKERS];
  for (unsigned i = 0; i < WORKERS; i++)
    if ((worker[i] = fork ()) == 0)
      work (folder, i, ends[1]);
  bool stored[KEYS] = { false };
  for (unsigned kill_number = 0; kill_number < 60; kill_number++)
    {
      nanosleep (&(struct timespec){ 0, (long)(kill_number * 7919 % 40 + 1) * 1000000 }, NULL);
      unsigned i = kill_number * 5 % WORKERS;
      kill (worker[i], SIGKILL);
      int status;
      waitpid (worker[i], &status, 0);
      if (!WIFSIGNALED (status) || WTERMSIG (status) != SIGKILL)
        fail_msg ("worker %u ended by itself with status %x", i, (unsigned) status);
      uint32_t n;
      while (read (ends[0], &n, sizeof n) == sizeof n)
        stored[n] = true;
      if ((worker[i] = fork ()) == 0)
        work (folder, i + 100 * kill_number * 4, ends[1]);
    }
  for (unsigned i = 0; i < WORKERS; i++)
    {
      kill (worker[i], SIGKILL);
      int status;
      waitpid (worker[i], &status, 0);
      assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
    }
  struct cache *cache = must_open (folder, CACHE_WRITE);
  struct why why = { 0 };
  assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
  /* What cache__store had returned from is there.  */
  unsigned n_stored = 0;
  for (unsigned n = 0; n < KEYS; n++)
    if (stored[n])
      {
        char key[65];
        struct entry *entry = NULL;
        n_stored++;
        assert_int_equal (cache__lookup (cache, key_of (n, key), false, &entry, &why), 1);
        entry__free (entry);
      }
  print_message ("# %u entries stored by killed processes, all there\n", n_stored);
  assert_true (n_stored > 20);
  cache__close (cache);
  close (ends[0]);
  close (ends[1]);
  folder_remove (folder);
}

static void
many_makers_one_cache (void **state)
{
  (void)state;
  for (int round = 0; round < 5; round++)
    {
      char *folder = folder_make (), *below = NULL;
      int gate[2];
      assert_int_equal (pipe (gate), 0);
      assert_true (asprintf (&below, "%s/a/b", folder) > 0);
      pid_t maker[20];
      for (unsigned i = 0; i < 20; i++)
        if ((maker[i] = fork ()) == 0)
          {
            char byte, code[64];
            close (gate[1]);
            if (read (gate[0], &byte, 1) != 0)
              _exit (2);
            struct cache *cache = NULL;
            struct why why = { 0 };
            struct entry entry = entry_of (i, code);
            if (cache__open (below, CACHE_WRITE, &cache, &why) != 0
                || cache__store (cache, &entry, &why) != 0)
              {
                fprintf (stderr, "# %s\n", why.detail);
                _exit (1);
              }
            cache__close (cache);
            _exit (0);
          }
      close (gate[0]);
      close (gate[1]);
      for (unsigned i = 0; i < 20; i++)
        {
          int status;
          waitpid (maker[i], &status, 0);
          assert_int_equal (status, 0);
        }
      struct cache *cache = must_open (below, CACHE_READ);
      struct why why;
      struct cache_stats stats;
      assert_int_equal (cache__check (cache, print_problem, NULL, &why), 0);
      assert_int_equal (cache__stats (cache, &stats, &why), 0);
      assert_int_equal (stats.rewrites, 20);
      cache__close (cache);
      free (below);
      folder_remove (folder);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (survives_kills),
    cmocka_unit_test (many_makers_one_cache),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
