/* The whole procedure of `aiopt ab` on made-up machines: how often it claims what isn't, finds what
   is, and covers the truth, early looks and all. SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/ab-compare.h"
#include "bench/looks.h"
#include "bench/statistics.h"
#include "machine/mix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A test fails by bad luck once in so many times; seeds are fixed, so that it doesn't.  */
#define UNLIKELY 0.001

static double
uniform (uint64_t *seed)
{
  return (double)(splitmix64 (seed) >> 11) / 9007199254740992.0;
}

static double
normal (uint64_t *seed)
{
  return sqrt (-2 * log (1 - uniform (seed))) * cos (6.283185307179586 * uniform (seed));
}

/* A machine: each run's time is off by noise, a wandering speed, and sometimes a burst of others'
 * work that lasts.  */
struct machine
{
  double noise, wander, burst_begins, burst_ends, burst;
  double speed; /* state */
  bool in_burst;
};

static const struct machine quiet = { .noise = 0.01 };
static const struct machine shared
    = { .noise = 0.01, .wander = 0.01, .burst_begins = 0.1, .burst_ends = 0.3, .burst = 0.4 };

static double
run_time (struct machine *m, double seconds, uint64_t *seed)
{
  m->speed = 0.98 * m->speed + m->wander * normal (seed);
  m->in_burst = m->in_burst ? uniform (seed) >= m->burst_ends : uniform (seed) < m->burst_begins;
  return seconds
         * exp (m->speed + m->noise * normal (seed)
                + (m->in_burst ? m->burst * uniform (seed) : 0));
}

/* One experiment of at most OPTIONS->pairs pairs into AB, A taking RATIO times as long as B, with
   the engine's own order of runs and looks.  */
static void
simulate (struct ab *ab, const struct ab_options *options, struct machine machine, double ratio,
          uint64_t *seed)
{
  struct looks looks = looks__plan (options->pairs / 2, !options->no_early_stop);
  ab->n_pairs = ab->looks = 0;
  ab->end = AB_ALL_RUN;
  ab->n_metrics = 2;
  for (unsigned block = 0; block < options->pairs / 2; block++)
    {
      unsigned b_first = splitmix64 (seed) >> 63;
      for (unsigned k = 0; k < 4; k++)
        {
          unsigned pair = 2 * block + k / 2, side = (k & 1) ^ b_first ^ (k / 2);
          double value = run_time (&machine, side ? 1 : ratio, seed);
          ab->metric[AB_TASK].value[side][pair] = ab->metric[AB_WALL].value[side][pair] = value;
          ab->undelayed[side][pair] = value;
        }
      ab->n_pairs += 2;
      if (ab__look_early (ab, options, &looks))
        break;
    }
  ab__finish (ab, options, &looks);
}

static void
make_room (struct ab *ab, unsigned pairs)
{
  *ab = (struct ab){ .n_metrics = 2 };
  for (unsigned side = 0; side < 2; side++)
    {
      ab->undelayed[side] = calloc (pairs, sizeof (double));
      ab->blocked[side] = calloc (pairs, sizeof (double));
      for (unsigned m = 0; m < 2; m++)
        assert_non_null (ab->metric[m].value[side] = calloc (pairs, sizeof (double)));
    }
}

/* EXPERIMENTS of them: how many claim that B is faster, slower, and how many intervals miss RATIO;
 * early ends too.  */
struct tally
{
  unsigned faster, slower, missed, early;
};

static struct tally
repeat (unsigned experiments, const struct ab_options *options, struct machine machine,
        double ratio, uint64_t seed)
{
  struct tally tally = { 0 };
  struct ab ab;
  make_room (&ab, options->pairs);
  for (unsigned i = 0; i < experiments; i++)
    {
      simulate (&ab, options, machine, ratio, &seed);
      const struct ab_metric *m = &ab.metric[AB_TASK];
      tally.faster += ab__verdict (&ab) == AB_FASTER;
      tally.slower += ab__verdict (&ab) == AB_SLOWER;
      tally.missed += !(m->ratio.low <= ratio && ratio <= m->ratio.high);
      tally.early += ab.end != AB_ALL_RUN;
      /* What is claimed is what the interval and p say.  */
      assert_true ((ab__verdict (&ab) != AB_NOTHING_SHOWN)
                   == (m->p <= LOOKS_LEVEL && (m->ratio.low > 1 || m->ratio.high < 1)));
    }
  print_message (
      "# %u experiments, A/B %g: %u faster, %u slower, %u intervals miss, %u ended early\n",
      experiments, ratio, tally.faster, tally.slower, tally.missed, tally.early);
  ab__free (&ab);
  return tally;
}

static bool
within_five_per_cent (unsigned count, unsigned n)
{
  return statistics__binomial_tail (count, n, LOOKS_LEVEL) > UNLIKELY;
}

static void
false_claims_stay_rare (void **state)
{
  (void)state;
  struct ab_options options = { .pairs = 120, .metric = -1, .seed = 1 };
  struct tally t = repeat (300, &options, quiet, 1, 1);
  assert_true (within_five_per_cent (t.faster + t.slower, 300)
               && within_five_per_cent (t.missed, 300));
  t = repeat (300, &options, shared, 1, 2);
  assert_true (within_five_per_cent (t.faster + t.slower, 300)
               && within_five_per_cent (t.missed, 300));
  /* One look at the end: 5 % is what there is to spend, and about that much is spent.  */
  options.pairs = 40;
  options.no_early_stop = true;
  t = repeat (600, &options, shared, 1, 3);
  assert_true (within_five_per_cent (t.faster + t.slower, 600) && t.early == 0
               && t.faster + t.slower > 10);
}

static void
intervals_cover_the_truth (void **state)
{
  (void)state;
  struct ab_options options = { .pairs = 80, .metric = AB_TASK, .seed = 1 };
  assert_true (within_five_per_cent (repeat (300, &options, quiet, 1.01, 4).missed, 300));
  assert_true (within_five_per_cent (repeat (300, &options, shared, 1.2, 5).missed, 300));
}

static void
what_is_there_is_found_early (void **state)
{
  (void)state;
  struct ab_options options = { .pairs = 100, .metric = AB_TASK, .seed = 1 };
  struct tally t = repeat (200, &options, quiet, 1.02, 6);
  assert_true (t.faster >= 198 && t.slower == 0 && t.early >= 190);
  t = repeat (200, &options, quiet, 1 / 1.02, 7);
  assert_true (t.slower >= 198 && t.faster == 0);
  options.pairs = 2000;
  t = repeat (50, &options, shared, 1.02, 8);
  assert_true (t.faster >= 45 && t.slower == 0);
}

static void
resolution_ends_what_shows_nothing (void **state)
{
  (void)state;
  struct ab_options options = { .pairs = 1000, .metric = AB_TASK, .seed = 1, .resolution = 0.01 };
  struct ab ab;
  uint64_t seed = 9;
  char sentence[400];
  make_room (&ab, options.pairs);
  simulate (&ab, &options, quiet, 1, &seed);
  assert_int_equal (ab.end, AB_RESOLVED);
  assert_true (ab.n_pairs < 200 && ab__excluded (ab.metric[AB_TASK].ratio) <= 0.01);
  snprintf (ab.metric[AB_TASK].name, sizeof ab.metric[AB_TASK].name, "task clock");
  ab__sentence (&ab, sentence, sizeof sentence);
  char want[100];
  snprintf (want, sizeof want,
            "no difference larger than %.2g %% shown (task clock, %u pairs; A/A noise ",
            100 * ab__excluded (ab.metric[AB_TASK].ratio), ab.n_pairs);
  assert_memory_equal (sentence, want, strlen (want));
  ab__free (&ab);
}

/* A deviation of 1 % of each run gives d one of 1 %; its trimmed mean over 50 blocks stays within
   0.3 % (1.96 / sqrt (50), and a little for the trimming).  */
static void
noise_is_that_of_the_machine (void **state)
{
  (void)state;
  struct ab_options options = { .pairs = 100, .metric = AB_TASK, .seed = 1, .no_early_stop = true };
  struct ab ab;
  uint64_t seed = 10;
  make_room (&ab, options.pairs);
  simulate (&ab, &options, quiet, 3, &seed);
  assert_true (ab.metric[AB_TASK].noise > 0.002 && ab.metric[AB_TASK].noise < 0.004);
  ab__free (&ab);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (false_claims_stay_rare),
    cmocka_unit_test (intervals_cover_the_truth),
    cmocka_unit_test (what_is_there_is_found_early),
    cmocka_unit_test (resolution_ends_what_shows_nothing),
    cmocka_unit_test (noise_is_that_of_the_machine),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
