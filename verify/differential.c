/* Differential execution: the same states on both sides, in two processes, and a look at what each touches.

   Cheap tests first: most wrong candidates fall in the first few dozen states.  Footprints and coverage come
   from instrumented runs of most tests (follow.c), and from single-stepping where those can't be had, since a
   store of the same value next to an object, or a load from a page that happens to be mapped, leaves no
   trace in any outcome.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A run longer than this didn't end (the original took less than 20 ms on every test); the second figure is
   for the lone rerun that confirms it, as the machine may have been busy elsewhere.  */
#define TIMEOUT_MS 100
#define CONFIRM_TIMEOUT_MS 1000

/* MS, or less where the options say so.  */
static unsigned
timeout (const struct trial *trial, unsigned ms)
{
  unsigned most = trial->verifier->options.timeout_ms;
  return most && most < ms ? most : ms;
}

/* How many states it takes for `tested`, and how many are enough when nothing is left to reach.  */
#define TESTS_LEAST 1000
#define TESTS_ENOUGH 4000
/* A part of the least will do where so many were run in batches besides.  */
#define TESTS_LEAST_PART 4
#define TESTS_BATCHED 100000
/* The least for functions that call others: each call is recorded with a digest of all memory, which makes a
   state cost a thousand times as much, and says as much more.  */
#define TESTS_LEAST_CALLS 256
#define TESTS_ENOUGH_CALLS 512

/* Tests of a kind in one round after the first, and in one call of the sandbox.  */
#define ROUND_PER_KIND 96
#define BATCH 32

/* Volume finds what cleverness misses, and costs little on small functions: at least this share of the
   budget goes into it.  */
#define TESTS_SHARE 0.15
#define TESTS_SECONDS_MAX 1.0

/* Single-stepping costs some 10 us a step: only runs of so many time-stamp ticks and steps are followed, twice as
   many after each round that reached nothing new.  */
#define TRACE_STEPS_FIRST 1500
#define TRACE_STEPS_LAST 24000
#define TRACE_TICKS_PER_STEP 4
/* The original usually takes more steps than what shall replace it.  */
#define TRACE_ORIGINAL_FACTOR 6
/* Tests of a kind that are traced whatever is covered already, and the share of the budget for those,
   and for all.  */
#define TRACE_PER_KIND 8
#define TRACE_SHARE_LEAST 0.25
#define TRACE_SHARE 0.6

/* Tests followed by instrumented runs before the clock is looked at.  */
#define FOLLOW_STEP 16

/* The share of the budget that goes into the first hunt for inputs (hunt.c), and into one more where something isn't
   covered.  */
#define HUNT_SHARE 0.15
#define HUNTS_MAX 2

/* Rounds without any new instruction or branch way after which we stop hoping.  */
#define ROUNDS_STAGNANT 10

/* Share of branch ways of the original, and of a compiler's candidate, that may stay unreached:
   compilers leave branches that no input can take (a remainder loop after a multiple, a second check of
   the same bound).  Anyone else's candidate must be reached whole.  */
#define WAYS_UNREACHED_MAX 0.10
/* What only such a way leads to can't be reached either; in a compiler's candidate it may be so much.  */
#define INSNS_UNREACHED_MAX 0.02

unsigned
differential__timeout (const struct trial *trial)
{
  return timeout (trial, TIMEOUT_MS);
}

enum comparison
differential__run (const struct trial *trial, struct sandbox *sandbox, const struct test *tests,
                   unsigned n, unsigned timeout_ms, bool confirm, unsigned *which,
                   struct difference *difference)
{
  const struct region *region = trial->verifier->region;
  struct outcome *outcomes = calloc (BATCH, sizeof *outcomes);
  const struct state *states[BATCH];
  enum comparison comparison = COMPARE_SAME;
  struct why why = { 0 };
  if (!outcomes)
    {
      memset (difference, 0, sizeof *difference);
      why__set (&difference->why, REASON_SANDBOX, "out of memory");
      return COMPARE_UNKNOWN;
    }
  /* Batches grow, so that an endless candidate costs one time limit, not one a state.  */
  unsigned count, batch = 1;
  for (unsigned from = 0; from < n && comparison == COMPARE_SAME; from += count)
    {
      count = n - from < batch ? n - from : batch;
      if (batch < BATCH)
        batch *= 2;
      for (unsigned i = 0; i < count; i++)
        states[i] = tests[from + i].state;
      memset (outcomes, 0, count * sizeof *outcomes);
      if (sandbox__run (sandbox, 0, states, outcomes, count, timeout_ms, &why))
        {
          memset (difference, 0, sizeof *difference);
          difference->why = why;
          comparison = COMPARE_UNKNOWN;
          *which = from;
          break;
        }
      for (unsigned i = 0; i < count && comparison == COMPARE_SAME; i++)
        {
          *which = from + i;
          if (compare__says_nothing (region, trial->compiled, states[i], tests[from + i].expected, &outcomes[i]))
            continue;
          comparison = compare__outcome (region, states[i], tests[from + i].expected, &outcomes[i],
                                         difference);
          if (comparison != COMPARE_DIFFERENT || !confirm
              || (outcomes[i].status != RUN_TIMEOUT && outcomes[i].status != RUN_DIED))
            continue;
          /* The lone rerun invalidates the batch's memory: run what comes after it again.  */
          struct outcome *again = calloc (1, sizeof *again);
          if (!again || sandbox__run (sandbox, 0, &states[i], again, 1, timeout (trial, CONFIRM_TIMEOUT_MS), &why))
            {
              memset (difference, 0, sizeof *difference);
              difference->why = why;
              comparison = COMPARE_UNKNOWN;
            }
          else
            comparison = compare__outcome (region, states[i], tests[from + i].expected, again, difference);
          free (again);
          if (comparison == COMPARE_SAME)
            count = i + 1;
        }
    }
  free (outcomes);
  return comparison;
}

/* True where all is well so far; else the verdict is filled.  */
bool
trial__settle (struct trial *trial, enum comparison comparison, const struct test *test,
               const struct difference *difference)
{
  if (comparison == COMPARE_DIFFERENT)
    counterexample__refute (trial, test, difference);
  else if (comparison == COMPARE_UNKNOWN)
    trial__unknown (trial, &difference->why);
  return comparison == COMPARE_SAME;
}

/* Single-steps TEST on both sides; footprints are compared, coverage grows.  False where the verdict is filled.  */
static bool
trace_test (struct trial *trial, unsigned s, const struct test *test)
{
  trial->at_setup = s;
  const struct verifier *verifier = trial->verifier;
  struct trace original = { 0 }, candidate = { 0 };
  struct why why = { 0 };
  struct difference difference = { 0 };
  enum comparison comparison = COMPARE_SAME;
  double began = verify__now ();
  uint64_t limit = trial->trace_steps, original_limit = limit * TRACE_ORIGINAL_FACTOR;
  bool returned = test->expected->status == RUN_RETURNED;
  if (sandbox__trace (trial->sandbox[s], 0, test->state, limit, &candidate, &why)
      || sandbox__trace (verifier->setup[s].sandbox, 0, test->state, original_limit, &original, &why))
    {
      difference.why = why;
      comparison = COMPARE_UNKNOWN;
    }
  else
    {
      const struct image *image = trial->image[s];
      coverage__add (trial->original_coverage, &original);
      if (returned && !candidate.complete && candidate.steps < limit)
        {
          difference.why = candidate.why;
          if (difference.why.reason == REASON_NONE)
            why__set (&difference.why, REASON_FOOTPRINT, "the candidate's");
          comparison = COMPARE_UNKNOWN;
        }
      else if (returned && !original.complete && original.steps < original_limit)
        {
          difference.why = original.why;
          if (difference.why.reason == REASON_NONE)
            why__set (&difference.why, REASON_FOOTPRINT, "the original's");
          comparison = COMPARE_UNKNOWN;
        }
      else if (returned && original.complete)
        {
          /* A candidate at its step limit has shown a part of what it touches; that part has to be right too.  */
          trial->verdict->traced += candidate.complete;
          comparison = compare__footprint (&original.footprint, &candidate.footprint, image->base,
                                           image->base + image->size, &difference);
        }
      /* Only what was also looked at counts as reached.  */
      if (!returned || original.complete)
        trial__reached (trial, s, test, &candidate);
    }
  trace__free (&original);
  trace__free (&candidate);
  trial->traced_seconds += verify__now () - began;
  return trial__settle (trial, comparison, test, &difference);
}

struct reach
{
  struct coverage_count original, candidate;
};

static struct reach
reach (const struct trial *trial)
{
  struct reach reach;
  coverage__count (trial->original_coverage, &reach.original);
  coverage__count (trial->candidate_coverage, &reach.candidate);
  return reach;
}

static unsigned
reached (const struct reach *reach)
{
  return reach->original.insns_reached + reach->original.ways_reached + reach->candidate.insns_reached
         + reach->candidate.ways_reached;
}

static unsigned
reachable (const struct reach *reach)
{
  return reach->original.insns + reach->original.ways + reach->candidate.insns
         + reach->candidate.ways;
}

/* Is COUNT good enough, with WAYS and INSNS as the shares that may be missing?  A negative share: nothing may.  */
static bool
side_covered (const struct coverage_count *count, double ways, double insns)
{
  unsigned missing = count->ways - count->ways_reached;
  return count->insns - count->insns_reached <= (insns < 0 ? 0 : insns * count->insns)
         && missing <= (ways < 0 ? 0 : ways * count->ways + 1);
}

/* In a copy of the original that the candidate falls back to as much may be missing as in the original of a compiler's candidate:
   it is from the same source, and which of its ways are gone is nothing that the candidate decides.  */
static bool
candidate_covered (const struct trial *trial, const struct coverage_count *count)
{
  if (trial->compiled)
    return side_covered (count, WAYS_UNREACHED_MAX, INSNS_UNREACHED_MAX);
  unsigned insns = count->copy_insns - count->copy_insns_reached, ways = count->copy_ways - count->copy_ways_reached;
  return count->insns - count->insns_reached == insns && count->ways - count->ways_reached == ways
         && insns <= WAYS_UNREACHED_MAX * count->copy_insns && ways <= WAYS_UNREACHED_MAX * count->copy_ways + (count->copy_ways > 0);
}

/* The original may be any compiler's, so it gets the leniency that compilers need; but for a compiler's
   candidate that has been reached whole, unreached instructions of the original up to the same share are
   excused: they come from the same source.  */
static bool
covered (const struct trial *trial, const struct reach *reach)
{
  if (!candidate_covered (trial, &reach->candidate))
    return false;
  const struct coverage_count *original = &reach->original;
  if (trial->compiled)
    return original->insns - original->insns_reached <= WAYS_UNREACHED_MAX * original->insns
           && original->ways - original->ways_reached <= WAYS_UNREACHED_MAX * original->ways + 1;
  return side_covered (original, WAYS_UNREACHED_MAX, -1);
}

/* The text of instruction AT of SIDE, in ARENA.  */
static const char *
text_of (struct arena *arena, const struct side *side, unsigned at)
{
  char *text = NULL;
  size_t size;
  unsigned item = side->decoded->insn[at].item;
  FILE *stream = item < side->code->n_items && side->code->item[item].kind == ITEM_INSN
                   ? open_memstream (&text, &size) : NULL;
  if (!stream)
    return side->decoded->insn[at].mnemonic;
  insn__print (stream, &side->code->item[item].insn);
  fclose (stream);
  for (char *p = text; *p; p++)
    if (*p == '\t')
      *p = ' ';
  const char *copy = arena__strdup (arena, text);
  free (text);
  return copy;
}

/* What branch AT waits for: the comparison, how near its operands came, which parameters they depend on.  */
static const char *
waits_for (struct trial *trial, const struct side *side, const struct branch_seen *seen, unsigned at)
{
  const struct region *region = trial->verifier->region;
  if (!seen || !seen[at].known)
    return "";
  char names[96] = "";
  size_t n = 0;
  for (unsigned p = 0; p < region->n_parameters && p < 31 && n < sizeof names - 24; p++)
    if (seen[at].depends >> p & 1)
      n += (size_t) snprintf (names + n, sizeof names - n, "%s%.16s", n ? ", " : "",
                              region->parameter[p].name ? region->parameter[p].name : "a parameter");
  if ((seen[at].depends >> 31) && n < sizeof names - 10)
    snprintf (names + n, sizeof names - n, "%smemory", n ? ", " : "");
  return arena__printf (trial->arena, "; '%s' came within %" PRIu64 " of equal%s%s",
                        text_of (trial->arena, side, seen[at].comparison), seen[at].nearest,
                        names[0] ? ", depends on " : "", names);
}

/* Says what would have to be known: the branch whose way leads to the first place that nothing reached.  */
static void
unknown_coverage (struct trial *trial, const struct reach *reach)
{
  struct why why;
  const char *who = "candidate";
  const struct side *side = &trial->side;
  const struct coverage *coverage = trial->candidate_coverage;
  const struct coverage_count *count = &reach->candidate;
  const struct branch_seen *seen = trial->seen[1];
  if (candidate_covered (trial, count))
    {
      who = "original";
      side = &trial->verifier->original;
      coverage = trial->original_coverage;
      count = &reach->original;
      seen = trial->seen[0];
    }
  int at = count->first_way >= 0 ? count->first_way : count->first_insn;
  if (at < 0)
    why__set (&why, REASON_COVERAGE, "%s: %u of %u instructions, %u of %u branch ways reached", who,
              count->insns_reached, count->insns, count->ways_reached, count->ways);
  else
    {
      const char *never = !coverage->executed[at] ? "not reached"
                          : coverage->branch[at] & 1 ? "always taken" : "never taken";
      unsigned item = side->decoded->insn[at].item;
      why__set (&why, REASON_COVERAGE,
                "%s: %u of %u instructions, %u of %u branch ways reached; first missing: '%s' at +%u (line %u), %s%s",
                who, count->insns_reached, count->insns, count->ways_reached, count->ways,
                text_of (trial->arena, side, (unsigned) at), side->decoded->insn[at].offset,
                item < side->code->n_items ? side->code->item[item].line : 0, never,
                waits_for (trial, side, seen, (unsigned) at));
    }
  const char *place = side__place (trial->arena, trial->verifier->region, side, side == &trial->verifier->original, at);
  trial->missing = arena__printf (trial->arena, "the %s's %s%s", who, place,
                                  at >= 0 && coverage->executed[at] ? ", one way of it" : "");
  trial__unknown (trial, &why);
}

/* Leaves out tests that can't be judged: more calls than are recorded.  The number left.  */
static unsigned
leave_out (struct test *tests, unsigned n)
{
  unsigned kept = 0;
  for (unsigned i = 0; i < n; i++)
    if (tests[i].expected->n_events_lost == 0)
      tests[kept++] = tests[i];
  return kept;
}

/* Follows those of TESTS[N] that can be, while following has taken less than SHARE of the budget.  */
static bool
follow_tests (struct trial *trial, unsigned s, const struct test *tests, unsigned n, double share,
              bool *followed)
{
  double budget = trial->verifier->options.budget_seconds;
  for (unsigned from = 0; from < n;)
    {
      const struct test *batch[FOLLOW_STEP];
      unsigned number[FOLLOW_STEP], count = 0;
      bool done[FOLLOW_STEP] = { false };
      for (; from < n && count < FOLLOW_STEP; from++)
        if (follow__can (trial, &tests[from]))
          {
            number[count] = from;
            batch[count++] = &tests[from];
          }
      if (count == 0 || trial->traced_seconds > share * budget || verify__now () > trial->deadline)
        break;
      if (!follow__tests (trial, s, batch, count, done))
        return false;
      for (unsigned i = 0; i < count; i++)
        followed[number[i]] = done[i];
    }
  return true;
}

/* Runs TESTS[N] of KIND in setup S on the candidate, and counts them where all agree.  */
static bool
compare_tests (struct trial *trial, unsigned s, enum state_kind kind, const struct test *tests, unsigned n)
{
  struct difference difference;
  unsigned which = 0;
  enum comparison comparison = differential__run (trial, trial->sandbox[s], tests, n, differential__timeout (trial),
                                                  true, &which, &difference);
  if (!trial__settle (trial, comparison, n ? &tests[which] : NULL, &difference))
    return false;
  trial->tests[kind] += n;
  trial->verdict->tests += n;
  return true;
}

/* Runs TESTS[N] of KIND in setup S on the candidate, and traces some: LEAST of them, more where
   UNTIL_COVERED.  */
static bool
run_tests (struct trial *trial, unsigned s, enum state_kind kind, const struct test *tests,
           unsigned n, unsigned least, bool until_covered)
{
  trial->at_setup = s;
  double budget = trial->verifier->options.budget_seconds;
  unsigned traced = 0;
  if (!compare_tests (trial, s, kind, tests, n))
    return false;
  bool followed[n + 1];
  unsigned n_followed = 0;
  memset (followed, 0, sizeof followed);
  if (!follow_tests (trial, s, tests, n, until_covered ? TRACE_SHARE : TRACE_SHARE_LEAST, followed))
    return false;
  for (unsigned i = 0; i < n; i++)
    n_followed += followed[i];
  /* One of each first round is stepped as well, a second opinion; then some of what couldn't be followed.  */
  bool second = least == TRACE_PER_KIND && n_followed;
  until_covered = until_covered && n_followed == 0;
  for (unsigned i = 0; i < n; i++)
    {
      if (tests[i].expected->ticks > TRACE_TICKS_PER_STEP * trial->trace_steps
          || (followed[i] && !second))
        continue;
      if (traced >= least && !until_covered)
        break;
      double share = traced < least && !until_covered ? TRACE_SHARE_LEAST : TRACE_SHARE;
      if (trial->traced_seconds > share * budget || verify__now () > trial->deadline)
        break;
      if (until_covered && traced >= least)
        {
          /* Coverage may have been completed by the last trace.  */
          struct reach now = reach (trial);
          if (covered (trial, &now))
            break;
        }
      traced++;
      if (followed[i])
        second = false;
      if (!trace_test (trial, s, &tests[i]))
        return false;
    }
  return true;
}

bool
trial__run (struct trial *trial, unsigned s, enum state_kind kind, struct test *tests, unsigned n, double share)
{
  trial->at_setup = s;
  n = leave_out (tests, n);
  if (!compare_tests (trial, s, kind, tests, n))
    return false;
  bool *followed = calloc (n + 1, sizeof *followed);
  bool well = !followed || follow_tests (trial, s, tests, n, share, followed);
  free (followed);
  return well;
}

/* trial__try; only compares where not CAREFUL.  */
static bool
try_states (struct trial *trial, unsigned s, const struct state *const *states, unsigned n, bool careful)
{
  trial->at_setup = s;
  struct outcome *outcomes = calloc (BATCH, sizeof *outcomes);
  bool well = outcomes != NULL;
  struct why why = { 0 };
  if (!well)
    {
      why__set (&why, REASON_SANDBOX, "out of memory");
      trial__unknown (trial, &why);
    }
  for (unsigned from = 0; well && from < n; from += BATCH)
    {
      unsigned count = n - from < BATCH ? n - from : BATCH, kept = 0;
      struct test tests[BATCH];
      memset (outcomes, 0, BATCH * sizeof *outcomes);
      if (sandbox__run (trial->verifier->setup[s].sandbox, 0, states + from, outcomes, count, TIMEOUT_MS / 4, &why))
        {
          trial__unknown (trial, &why);
          well = false;
          break;
        }
      /* Following runs the original again: what it left must be kept.  */
      struct arena *arena = arena__new ();
      for (unsigned i = 0; i < count; i++)
        if (outcomes[i].status == RUN_RETURNED || outcomes[i].status == RUN_TRAPPED
            || outcomes[i].status == RUN_NORETURN)
          tests[kept++] = (struct test) { .kind = STATE_BOUNDARY, .state = (struct state *) states[from + i],
                                          .expected = outcome__copy (arena, &outcomes[i], states[from + i]), .arena = arena };
      well = careful ? trial__run (trial, s, STATE_BOUNDARY, tests, kept, trial->follow_share)
                     : compare_tests (trial, s, STATE_BOUNDARY, tests, leave_out (tests, kept));
      for (unsigned i = 0; careful && well && s == 0 && i < kept && trial->n_kept < KEPT_FIRST_MAX; i++)
        trial__keep (trial, &tests[i]);
      arena__free (arena);
    }
  free (outcomes);
  return well;
}

bool
trial__try (struct trial *trial, unsigned s, const struct state *const *states, unsigned n)
{
  return try_states (trial, s, states, n, true);
}

bool
trial__glance (struct trial *trial, const struct state *const *states, unsigned n)
{
  return try_states (trial, 0, states, n, false);
}

static uint64_t
total_tests (const struct trial *trial)
{
  uint64_t n = 0;
  for (unsigned k = 0; k < STATE_KINDS; k++)
    n += trial->tests[k];
  return n;
}

/* The recorded states that the bank has no room for.  False where the verdict is filled.  */
static bool
run_recorded (struct trial *trial, unsigned s)
{
  struct setup *setup = &trial->verifier->setup[s];
  unsigned n = trial->verifier->options.n_recorded;
  if (n <= BANK_PER_KIND)
    return true;
  n -= BANK_PER_KIND;
  struct why why;
  struct arena *arena = arena__new ();
  struct test *tests = ARENA_ARRAY (arena, struct test, n);
  int made = states__make (setup->states, STATE_RECORDED, arena, tests, n, &why);
  bool well = made >= 0;
  if (!well)
    trial__unknown (trial, &why);
  for (unsigned from = 0, count; well && from < (unsigned) made; from += count)
    {
      count = (unsigned) made - from < ROUND_PER_KIND ? (unsigned) made - from : ROUND_PER_KIND;
      well = run_tests (trial, s, STATE_RECORDED, tests + from, count, 1, false);
    }
  arena__free (arena);
  return well;
}

/* Looks for states that take missing branch ways.  False where the verdict is filled.  */
static bool
reach_more (struct trial *trial)
{
  double seconds = HUNT_SHARE * trial->verifier->options.budget_seconds;
  trial->follow_share = TRACE_SHARE;
  bool well = ends__reach (trial, seconds) && hunt__judge (trial, seconds) && steer__judge (trial, seconds);
  trial->follow_share = TRACE_SHARE_LEAST;
  return well;
}

bool
differential__judge (struct trial *trial)
{
  struct verifier *verifier = trial->verifier;
  struct why why = { 0 };
  trial->trace_steps = TRACE_STEPS_FIRST;
  trial->follow_share = TRACE_SHARE_LEAST;
  trial->first_there = ARENA_ARRAY (trial->arena, const struct state *, trial->side.decoded->n_insns + 1);
  trial->magnitudes = ARENA_ARRAY (trial->arena, uint64_t, trial->side.decoded->n_insns + 1);
  trial->original_coverage = coverage__new (trial->arena, verifier->region, &verifier->original, false);
  trial->candidate_coverage = coverage__new (trial->arena, verifier->region, &trial->side,
                                             !trial->compiled);
  if (!trial->compiled)
    copy__find (trial->arena, &verifier->original, &trial->side, &trial->candidate_coverage->copy);

  /* The bank: cheap, shared by all candidates.  */
  bool none[SETUPS_MAX][STATE_KINDS] = { 0 };
  for (unsigned k = 0; k < STATE_KINDS; k++)
    for (unsigned s = 0; s < verifier->n_setups; s++)
      {
        struct setup *setup = &verifier->setup[s];
        unsigned kind = (k + STATE_RECORDED) % STATE_KINDS; /* what the user's program does comes first */
        if (setup__bank (setup, (enum state_kind) kind, &why))
          {
            trial__unknown (trial, &why);
            return false;
          }
        setup->n_bank[kind] = leave_out (setup->bank[kind], setup->n_bank[kind]);
        none[s][kind] = setup->n_bank[kind] == 0;
        if (!run_tests (trial, s, (enum state_kind) kind, setup->bank[kind], setup->n_bank[kind],
                        TRACE_PER_KIND, false)
            || (kind == STATE_RECORDED && !run_recorded (trial, s)))
          return false;
      }
  if (total_tests (trial) == 0)
    {
      why__set (&why, REASON_NO_INPUTS, "%s", "");
      trial__unknown (trial, &why);
      return false;
    }

  if (!proof__judge (trial))
    return false;
  if (trial->proof == PROOF_PROVED)
    {
      struct reach shown = reach (trial);
      trial->verdict->coverage = reachable (&shown) ? (double) reached (&shown) / reachable (&shown) : 1;
      return true;
    }
  if (!elsewhere__judge (trial) || !leftover__judge (trial) || !wide__judge (trial) || !specials__judge (trial) || !inward__judge (trial) || !ends__judge (trial)
      || !lone__judge (trial) || !edges__judge (trial) || !systematic__judge (trial) || !sweep__judge (trial) || !huge__judge (trial)
      || !hunt__judge (trial, HUNT_SHARE * verifier->options.budget_seconds))
    return false;

  struct reach now = reach (trial);
  unsigned best = reached (&now), stagnant = 0, hunts = 0;
  double volume = TESTS_SHARE * verifier->options.budget_seconds;
  double volume_until = trial->started + (volume < TESTS_SECONDS_MAX ? volume : TESTS_SECONDS_MAX);
  bool caller = verifier->region->n_callees > 0, asked = false;
  uint64_t enough = caller ? TESTS_ENOUGH_CALLS : TESTS_ENOUGH;
  if (enough < verifier->options.tests_least)
    enough = verifier->options.tests_least;
  if (!volume__judge (trial))
    return false;
  while (verify__now () < trial->deadline)
    {
      bool complete = covered (trial, &now);
      if (complete && total_tests (trial) >= enough && verify__now () >= volume_until)
        break;
      if (!complete && total_tests (trial) >= enough && stagnant >= ROUNDS_STAGNANT)
        break;
      uint64_t before = total_tests (trial);
      for (unsigned kind = 0; kind < STATE_KINDS; kind++)
        for (unsigned s = 0; s < verifier->n_setups && verify__now () < trial->deadline; s++)
          {
            if (none[s][kind])
              continue;
            struct arena *arena = arena__new ();
            struct test *tests = ARENA_ARRAY (arena, struct test, ROUND_PER_KIND);
            int n = states__make (trial->states[s], (enum state_kind) kind, arena, tests,
                                  ROUND_PER_KIND, &why);
            bool well = n >= 0;
            if (n < 0)
              trial__unknown (trial, &why);
            else
              well = run_tests (trial, s, (enum state_kind) kind, tests,
                                leave_out (tests, (unsigned) n), 1, !complete);
            arena__free (arena);
            if (!well)
              return false;
          }
      now = reach (trial);
      stagnant = reached (&now) > best ? 0 : stagnant + 1;
      /* What compilers guard against isn't to be waited for.  */
      if (stagnant == 1 && trial->compiled && !asked && !covered (trial, &now))
        {
          asked = true;
          if (excuse__ways (trial))
            now = reach (trial);
        }
      if (stagnant == ROUNDS_STAGNANT / 2 && !covered (trial, &now) && hunts++ < HUNTS_MAX && !reach_more (trial))
        return false;
      if (stagnant && !complete && trial->trace_steps < TRACE_STEPS_LAST)
        trial->trace_steps *= 2;
      if (reached (&now) > best)
        best = reached (&now);
      if (total_tests (trial) == before)
        break;
    }
  /* What was reached since may have comparisons that no hunt has seen.  */
  if (trial->n_kept > trial->hunted && !hunt__judge (trial, HUNT_SHARE * verifier->options.budget_seconds))
    return false;
  now = reach (trial);
  if (!covered (trial, &now) && excuse__ways (trial))
    now = reach (trial);
  /* Whatever has filled the verdict by now, nothing is made of it any more.  */
  if (trial->ended)
    return false;
  trial->verdict->coverage = reachable (&now) ? (double) reached (&now) / reachable (&now) : 1;
  if (!covered (trial, &now))
    {
      unknown_coverage (trial, &now);
      return false;
    }
  if (!rare__judge (trial) || !masks__judge (trial) || !lanes__judge (trial))
    return false;
  unsigned least = caller ? TESTS_LEAST_CALLS : TESTS_LEAST;
  if (total_tests (trial) < least
      && (total_tests (trial) < least / TESTS_LEAST_PART || trial->verdict->tests < TESTS_BATCHED))
    {
      double spent = verify__now () - trial->started;
      double more = total_tests (trial) ? spent * least / (double) total_tests (trial) : 0;
      why__set (&why, REASON_TIME, "%" PRIu64 " states run, %u are the least; a budget of %.0f s would do%s",
                total_tests (trial), least, more + 1, more > 0 ? "" : ", perhaps");
      trial__unknown (trial, &why);
      return false;
    }
  if (trial->verdict->traced == 0)
    {
      why__set (&why, REASON_FOOTPRINT, "no run was short enough to be followed: inputs with fewer iterations are needed");
      trial__unknown (trial, &why);
      return false;
    }
  return true;
}
