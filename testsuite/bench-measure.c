/* Measuring tells a faster version from the same one and from a slower one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/measure-set.h"
#include "bench/measure.h"
#include "testsuite/region-build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct bed
{
  struct region *region;
  struct layout *layout;
  struct image *original;
  struct sandbox *sandbox;
  struct states *states;
};

static struct image *
image (struct region *region, struct layout *layout, const char *text, unsigned index)
{
  struct why why = { 0 };
  struct code *code;
  struct object *object;
  struct decoded *decoded;
  struct image *linked;
  if (code__parse (region->arena, text, strlen (text), "f", NULL, 0, false, &code, &why)
      || object__assemble (region->arena, code, &object, &why)
      || object__decode (region->arena, object, code, &decoded, &why)
      || image__link (region->arena, region, layout, object, decoded, index, &linked, &why))
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
  return linked;
}

static struct image *
compile (struct bed *bed, const char *source, const char *flags, unsigned index)
{
  struct region scratch = { .arena = bed->region->arena };
  assert_true (region_build__compile (&scratch, source, flags));
  return image (bed->region, bed->layout, scratch.text, index);
}

static const char sum[] = "#include <stddef.h>\n"
                          "unsigned f (const unsigned char *p, size_t n)\n"
                          "{ unsigned s = 0; for (size_t i = 0; i < n; i++) s += p[i]; return s; }\n";
static const char step[] = "#include <stddef.h>\n"
                            "void f (unsigned char *p, size_t n)\n"
                            "{ for (size_t i = 0; i < n; i++) p[i] = p[i] * 3 + 1; }\n";

static void
open_bed (struct bed *bed, const char *source, bool result)
{
  struct why why = { 0 };
  struct region *region = bed->region = region_build__new ("f");
  unsigned byte = region_build__integer (region, 1, false), word = region_build__integer (region, 4, false);
  region_build__parameter (region, "p", region_build__pointer (region, byte));
  region_build__parameter (region, "n", region_build__integer (region, 8, false));
  if (result)
    region_build__result (region, word);
  region->isa_allowed = isa__host ();
  assert_int_equal (layout__new (region->arena, region, true, &bed->layout, &why), 0);
  bed->original = compile (bed, source, "-O2 -fno-tree-vectorize", 0);
  const struct image *images[] = { bed->original };
  assert_int_equal (sandbox__open (region, images, 1, NULL, &bed->sandbox, &why), 0);
  struct states_options options = { .seed = 5 };
  assert_int_equal (states__open (region, bed->layout, bed->sandbox, &options, &bed->states, &why), 0);
}

static void
close_bed (struct bed *bed)
{
  states__close (bed->states);
  sandbox__close (bed->sandbox);
  arena__free (bed->region->arena);
}

static struct measurement
measure (struct bed *bed, const char *source, const char *flags)
{
  struct measure_options options = { .budget_seconds = 0.5, .seed = 3 };
  struct measurement m;
  struct why why = { 0 };
  struct image *candidate = compile (bed, source, flags, 1);
  if (measure__pair (bed->region, bed->original, candidate, bed->states, &options, &m, &why))
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
  print_message ("# %s: %s %s\n", flags, m.json, m.accepted ? "" : reason__slug (m.why.reason));
  return m;
}

static void
vectorised_is_faster (void **state)
{
  (void) state;
  struct bed bed;
  open_bed (&bed, sum, true);
  struct measurement m = measure (&bed, sum, "-O3 -march=x86-64-v3");
  assert_true (m.ratio.low > 1.2);
  assert_true (m.n_states > 0 && m.n_pairs >= 12);
  assert_non_null (strstr (m.json, "\"rung\""));
  close_bed (&bed);
}

static void
same_code_is_not_faster (void **state)
{
  (void) state;
  struct bed bed;
  open_bed (&bed, sum, true);
  struct measurement m = measure (&bed, sum, "-O2 -fno-tree-vectorize");
  assert_false (m.accepted);
  assert_true (m.ratio.estimate > 0.8 && m.ratio.estimate < 1.25);
  assert_true (m.why.reason != REASON_NONE);
  close_bed (&bed);
}

static void
slower_is_refused (void **state)
{
  (void) state;
  struct bed bed;
  open_bed (&bed, sum, true);
  struct measurement m = measure (&bed, sum, "-O0");
  assert_false (m.accepted);
  assert_int_equal (m.why.reason, REASON_NOT_FASTER);
  close_bed (&bed);
}

/* What is timed goes on behind the array, as a program's memory does, and the answers are those of the bytes that are there.  */
static void
arrays_are_whole (void **state)
{
  (void) state;
  struct bed bed;
  struct why why = { 0 };
  struct measure_set *set;
  open_bed (&bed, sum, true);
  const struct image *originals[] = { bed.original };
  assert_int_equal (measure_set__new (bed.region, originals, 1, bed.states, NULL, 0, &set, &why), 0);
  unsigned checked = 0;
  for (unsigned i = 0; i < set->n; i++)
    {
      const struct state *timed = set->timed[i].state;
      uint64_t p = timed->machine.gpr[7], n = timed->machine.gpr[6];
      int s = state__span_of (timed, p);
      if (s < 0 || n > 500000) /* as large as a slot: no room */
        continue;
      uint32_t expected = 0;
      const struct span *span = &timed->span[s];
      assert_true (p + n + SANDBOX_PAGE <= span->address + span->size);
      for (uint64_t k = 0; k < n; k++)
        expected += span->bytes[p - span->address + k];
      assert_int_equal ((uint32_t) set->timed[i].expected->machine.gpr[0], expected);
      checked++;
    }
  assert_true (checked >= 8);
  measure_set__free (set);
  close_bed (&bed);
}

/* In half of the states arrays begin a cache line, in the others where allocators may place them.  */
static void
arrays_are_aligned (void **state)
{
  (void) state;
  struct bed bed;
  struct why why = { 0 };
  struct measure_set *set;
  unsigned lines = 0, others = 0;
  open_bed (&bed, step, false);
  const struct image *originals[] = { bed.original };
  for (unsigned k = 0; k < 8; k++)
    {
      assert_int_equal (measure_set__new (bed.region, originals, 1, bed.states, NULL, 0, &set, &why), 0);
      for (unsigned i = 0; i < set->n; i++)
        {
          const struct state *timed = set->timed[i].state;
          uint64_t p = timed->machine.gpr[7], n = timed->machine.gpr[6];
          if (state__span_of (timed, p) < 0 || n > 500000)
            continue;
          assert_int_equal (p % 16, 0);
          lines += p % 64 == 0;
          others += p % 64 != 0;
        }
      measure_set__free (set);
    }
  print_message ("# %u at lines, %u elsewhere\n", lines, others);
  assert_true (5 * lines > 4 * others && 6 * others > lines);
  close_bed (&bed);
}

/* Short calls take turns in what parameters say, but for sizes.  */
static void
short_calls_take_turns (void **state)
{
  static const char digits[] = "unsigned f (const unsigned char *p, unsigned long x)\n"
                               "{ unsigned n = 0; do n++, x /= 10; while (x); return n; }\n";
  (void) state;
  struct bed bed;
  struct why why = { 0 };
  struct measure_set *set;
  unsigned turned = 0;
  open_bed (&bed, digits, true);
  const struct image *originals[] = { bed.original };
  assert_int_equal (measure_set__new (bed.region, originals, 1, bed.states, NULL, 0, &set, &why), 0);
  for (unsigned i = 0; i < set->n; i++)
    {
      const struct timing_turns *turns = set->timed[i].turns;
      if (!turns)
        continue;
      uint64_t sum = 0, lengths = 0;
      for (unsigned k = 0; k < turns->n; k++)
        {
          unsigned n = (unsigned) snprintf (NULL, 0, "%lu", (unsigned long) turns->value[k][0]);
          sum += n;
          lengths |= UINT64_C (1) << n;
        }
      assert_int_equal (turns->n, set->timed[i].inner);
      assert_int_equal (turns->value[0][0], set->timed[i].state->machine.gpr[6]);
      assert_int_equal (turns->sum[0], sum);
      assert_true (__builtin_popcountll (lengths) >= 4);
      turned++;
    }
  assert_true (turned >= 1);
  assert_int_equal (turned, set->n);
  struct measurement m = measure (&bed, digits, "-O2");
  assert_true (m.ratio.estimate > 0.8 && m.ratio.estimate < 1.25);
  /* What answers otherwise where it is another's turn is found out.  */
  struct image *other = compile (&bed, "unsigned f (const unsigned char *p, unsigned long x)\n"
                                       "{ unsigned n = 0; if (x == 1234567) x++; do n++, x /= 10; while (x > 1); return n; }\n", "-O2", 1);
  const struct image *others[] = { other };
  assert_int_equal (measure__with (set, others, 1, &(struct measure_options) { .budget_seconds = 0.1, .seed = 1 }, &m, &why), 0);
  assert_false (m.accepted);
  assert_int_equal (m.why.reason, REASON_RESULT);
  measure_set__free (set);
  close_bed (&bed);
  open_bed (&bed, sum, true);
  const struct image *sums[] = { bed.original };
  assert_int_equal (measure_set__new (bed.region, sums, 1, bed.states, NULL, 0, &set, &why), 0);
  for (unsigned i = 0; i < set->n; i++)
    assert_null (set->timed[i].turns);
  measure_set__free (set);
  close_bed (&bed);
}

/* How many states of SOURCE, a function of a pointer and a number, are timed in turns of the number, of three sets: how many states a set
   has is by chance.  */
static unsigned
turned_states (const char *source)
{
  struct bed bed;
  struct why why = { 0 };
  struct measure_set *set;
  unsigned turned = 0;
  open_bed (&bed, source, true);
  const struct image *originals[] = { bed.original };
  for (unsigned k = 0; k < 3; k++)
    {
      assert_int_equal (measure_set__new (bed.region, originals, 1, bed.states, NULL, 0, &set, &why), 0);
      for (unsigned i = 0; i < set->n; i++)
        turned += set->timed[i].turns != NULL;
      measure_set__free (set);
    }
  close_bed (&bed);
  return turned;
}

/* How far a search may go is a size, though nearly all end sooner; where a table is looked at is none.  */
static void
limits_of_searches_are_sizes (void **state)
{
  (void) state;
  assert_int_equal (turned_states ("unsigned f (const unsigned char *p, unsigned long n)\n"
                                   "{ unsigned i = 0; while (i < n && p[i] < 100) i++; return i; }\n"), 0);
  assert_in_range (turned_states ("unsigned f (const unsigned char *p, unsigned long x)\n"
                                  "{ unsigned i = x * 0x9e3779b1u >> 26; while (p[i] > 250 && i) i--; return p[i] ? i : 0; }\n"), 2, 120);
}

/* Functions that take a moment on all inputs are judged by that moment.  */
static void
brief_functions_are_judged (void **state)
{
  static const char bits[] = "unsigned f (const unsigned char *p, unsigned long n)\n"
                             "{ unsigned c = 0, x = n; for (int i = 0; i < 32; i++) { c += x & 1; x >>= 1; } return c; }\n";
  static const char count[] = "unsigned f (const unsigned char *p, unsigned long n)\n"
                              "{ return __builtin_popcount ((unsigned) n); }\n";
  (void) state;
  struct bed bed;
  open_bed (&bed, bits, true);
  struct measurement m = measure (&bed, bits, "-O2 -fno-tree-vectorize");
  assert_true (m.ratio.estimate > 0.8 && m.ratio.estimate < 1.25);
  assert_false (m.accepted);
  m = measure (&bed, count, "-O2 -mpopcnt");
  assert_true (m.ratio.low > 1.1);
  assert_true (m.accepted);
  assert_true (m.original_ticks > m.candidate_ticks);
  close_bed (&bed);
}

/* In place: the second call finds other memory.  */
static void
in_place (void **state)
{
  (void) state;
  struct bed bed;
  open_bed (&bed, step, false);
  struct measurement m = measure (&bed, step, "-O3 -march=x86-64-v3");
  assert_true (m.ratio.low > 1.2);
  close_bed (&bed);
}

enum { GIVEN_SIZES = 8 };

/* Adds GIVEN_SIZES tests of KIND to the *N of TESTS; their sizes are SIZES.  */
static void
give_sizes (struct bed *bed, enum state_kind kind, const uint64_t sizes[GIVEN_SIZES], struct test *tests, unsigned *n)
{
  struct plan plan[GIVEN_SIZES];
  struct why why = { 0 };
  for (unsigned i = 0; i < GIVEN_SIZES; i++)
    plan__fix (&plan[i], 1, sizes[i]);
  assert_int_equal (states__plan (bed->states, kind, plan, GIVEN_SIZES, bed->region->arena, tests + *n, NULL, &why), GIVEN_SIZES);
  *n += GIVEN_SIZES;
}

/* Faster where there is little to do, slower where there is much, and the other way round: no win.  Sizes are given: what is
   drawn may be much or little in any class.  */
static void
loss_on_some_sizes (void **state)
{
  static const char slow_large[] = "#include <stddef.h>\n"
    "unsigned f (const unsigned char *p, size_t n)\n"
    "{ unsigned s = 0; if (n > 2000) { volatile unsigned one = 1; for (size_t i = 0; i < n; i++) s = (s + p[i]) / one; return s; }\n"
    "  for (size_t i = 0; i < n; i++) s += p[i]; return s; }\n";
  static const char slow_small[] = "#include <stddef.h>\n"
    "unsigned f (const unsigned char *p, size_t n)\n"
    "{ unsigned s = 0; volatile unsigned k = 0; while (k < 900) k++;\n"
    "  for (size_t i = 0; i < n; i++) s += p[i]; return s; }\n";
  static const char slow_once[] = "#include <stddef.h>\n"
    "unsigned f (const unsigned char *p, size_t n)\n"
    "{ unsigned s = 0; if (n == 1000) { volatile unsigned one = 1; for (size_t i = 0; i < n; i++) s = (s + p[i]) / one; return s; }\n"
    "  for (size_t i = 0; i < n; i++) s += p[i]; return s; }\n";
  static const uint64_t small[] = { 0, 1, 2, 3, 7, 8, 15, 16 }, medium[] = { 300, 400, 500, 600, 700, 800, 900, 1000 },
                        large[] = { 4000, 5000, 6000, 8000, 15000, 20000, 30000, 40000 };
  (void) state;
  struct bed bed;
  struct why why = { 0 };
  struct measure_set *set;
  struct measurement m;
  struct test given[3 * GIVEN_SIZES];
  unsigned n = 0;
  open_bed (&bed, sum, true);
  give_sizes (&bed, STATE_BOUNDARY, small, given, &n);
  give_sizes (&bed, STATE_TYPICAL, medium, given, &n);
  give_sizes (&bed, STATE_LARGE, large, given, &n);
  const struct image *originals[] = { bed.original };
  assert_int_equal (measure_set__new (bed.region, originals, 1, bed.states, given, n, &set, &why), 0);
  for (unsigned i = 0; i < 2; i++)
    {
      const struct image *candidates[] = { compile (&bed, i ? slow_small : slow_large, "-O3 -march=x86-64-v3", 1) };
      const struct measure_options options = { .budget_seconds = 0.5, .seed = 3 };
      assert_int_equal (measure__with (set, candidates, 1, &options, &m, &why), 0);
      print_message ("# slow on %s inputs: %s %s\n", i ? "small" : "large", m.json, reason__slug (m.why.reason));
      assert_true (m.by_size[i ? SIZE_HUGE : SIZE_MEDIUM].estimate > 1.2);
      assert_true (m.by_size[i ? SIZE_SMALL : SIZE_HUGE].estimate < 0.9);
      assert_false (m.accepted);
    }
  /* Where it is one input, its numbers are told.  */
  const struct image *candidates[] = { compile (&bed, slow_once, "-O3 -march=x86-64-v3", 1) };
  assert_int_equal (measure__with (set, candidates, 1, &(struct measure_options) { .budget_seconds = 0.5, .seed = 3 }, &m, &why), 0);
  assert_false (m.accepted);
  print_message ("# %s\n", m.why.detail);
  assert_non_null (strstr (m.why.detail, "on one input (n = 1000)"));
  measure_set__free (set);
  close_bed (&bed);
}

/* What counts of recorded calls is the time that they take together: a candidate that is slower on most of them, which are short, and much
   faster on the one that takes nearly all the time.  How long they take is measured, whatever their first run seemed to take.  */
static void
recorded_calls_count_by_their_time (void **state)
{
  static const char slow_short[] = "#include <stddef.h>\n"
    "unsigned f (const unsigned char *p, size_t n)\n"
    "{ unsigned s = 0; volatile unsigned k = 0; if (n < 16) while (k < 10) k++;\n"
    "  for (size_t i = 0; i < n; i++) s += p[i]; return s; }\n";
  static const uint64_t sizes[GIVEN_SIZES] = { 8, 20000, 9, 8, 9, 8, 9, 8 };
  (void) state;
  struct bed bed;
  struct why why = { 0 };
  struct measure_set *set;
  struct measurement m;
  struct test given[GIVEN_SIZES];
  unsigned n = 0;
  open_bed (&bed, sum, true);
  give_sizes (&bed, STATE_TYPICAL, sizes, given, &n);
  assert_int_equal (n, GIVEN_SIZES);
  for (unsigned i = 0; i < n; i++)
    {
      struct outcome *expected = arena__alloc (bed.region->arena, sizeof *expected);
      *expected = *given[i].expected;
      expected->ticks = i == 1 ? 100 : 1000000;
      given[i].expected = expected;
      given[i].kind = STATE_RECORDED;
    }
  const struct image *originals[] = { bed.original }, *candidates[] = { compile (&bed, slow_short, "-O3 -march=x86-64-v3", 1) };
  assert_int_equal (measure_set__new (bed.region, originals, 1, bed.states, given, n, &set, &why), 0);
  assert_int_equal (measure__with (set, candidates, 1, &(struct measure_options) { .budget_seconds = 0.5, .seed = 3 }, &m, &why), 0);
  print_message ("# %s\n", m.json);
  assert_string_equal (m.on, "recorded states");
  assert_true (m.ratio.estimate > 2);
  assert_true (m.ratio.low <= m.ratio.estimate && m.ratio.estimate <= m.ratio.high);
  /* It still has to be nowhere slower.  */
  assert_false (m.accepted);
  measure_set__free (set);
  close_bed (&bed);
}

/* The same in AVX's encoding is no faster: upper halves of vector registers are clean, as they are in programs.  With dirty ones each
   scalar load waits for what its register held before.  */
static void
encoding_alone_is_not_faster (void **state)
{
  static const char products[] = "#include <stddef.h>\n#include <string.h>\n"
    "unsigned f (const unsigned char *p, size_t n)\n"
    "{ double s = 0; for (size_t i = 0; i + 8 <= n; i += 8) { double x; memcpy (&x, p + i, 8); s += x * 0.75; }\n"
    "  return s > 0; }\n";
  (void) state;
  if (!(isa__host () & ISA_AVX))
    {
      print_message ("# SKIP: no AVX\n");
      skip ();
    }
  struct bed bed;
  open_bed (&bed, products, true);
  struct measurement m = measure (&bed, products, "-O2 -fno-tree-vectorize -mavx");
  assert_true (m.by_size[SIZE_HUGE].estimate < 1.25);
  close_bed (&bed);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (vectorised_is_faster),
    cmocka_unit_test (same_code_is_not_faster),
    cmocka_unit_test (slower_is_refused),
    cmocka_unit_test (arrays_are_whole),
    cmocka_unit_test (arrays_are_aligned),
    cmocka_unit_test (short_calls_take_turns),
    cmocka_unit_test (limits_of_searches_are_sizes),
    cmocka_unit_test (brief_functions_are_judged),
    cmocka_unit_test (in_place),
    cmocka_unit_test (loss_on_some_sizes),
    cmocka_unit_test (recorded_calls_count_by_their_time),
    cmocka_unit_test (encoding_alone_is_not_faster),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
