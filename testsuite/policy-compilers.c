/* The policy `compilers` proposes other code for functions of all kinds of units, keeps to the allowed instruction set,
   and leaves no files behind.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/policy-region.h"

#include <sys/stat.h>

static const char sum_source[]
  = "#include <stddef.h>\n"
    "#include SCALE_HEADER\n"
    "static int scale (const int *p, int unused, int k) { return *p * k + 1; }\n"
    "static __attribute__ ((noinline)) int twice (const int *p, int unused) { return *p * 2 + 1; }\n"
    "int sum (const int *a, size_t n) { int s = 0; for (size_t i = 0; i < n; i++) s += a[i] * SCALE; return s; }\n"
    "int use (const int *a) { return scale (a, 1, 2) + scale (a + 1, 2, 3) + twice (a, 3) + twice (a + 2, 4); }\n";

struct fixture
{
  char *directory;
  struct arena *arena;
};

/* A folder whose name has a space and a quote.  */
static int
set_up (void **state)
{
  struct fixture *fixture = calloc (1, sizeof *fixture);
  char *base = directory__temporary ("aiopt-test-");
  fixture->arena = arena__new ();
  if (asprintf (&fixture->directory, "%s/it's a folder", base) < 0 || mkdir (fixture->directory, 0700) != 0)
    return -1;
  setenv ("TMPDIR", fixture->directory, 1);
  free (base);
  *state = fixture;
  return 0;
}

static int
tear_down (void **state)
{
  struct fixture *fixture = *state;
  unsetenv ("TMPDIR");
  *strrchr (fixture->directory, '/') = 0;
  directory__remove (fixture->directory);
  free (fixture->directory);
  arena__free (fixture->arena);
  free (fixture);
  return 0;
}

/* All that `compilers` proposes: how many, how many with provenance containing WORD.  */
static unsigned
propose (const struct region *region, const char *word, unsigned *with_word)
{
  struct workshop *workshop = workshop__new ();
  struct policy *policy;
  struct why why = { 0 };
  unsigned n = 0;
  *with_word = 0;
  if (policy__open ("compilers", region, workshop, 20, 20, &policy, &why) < 0)
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
  for (;;)
    {
      struct candidate *candidate;
      int given = policy__next (policy, &candidate, &why);
      if (!given)
        break;
      if (given < 0)
        {
          assert_int_equal (why.reason, REASON_SAME);
          continue;
        }
      assert_string_equal (candidate->code->name, region->function);
      assert_string_equal (candidate->policy, "compilers");
      *with_word += strstr (candidate->provenance, word) != NULL;
      n++;
      candidate__free (candidate);
    }
  policy__close (policy);
  char *directory = strdup (workshop__directory (workshop));
  assert_int_equal (access (directory, F_OK), 0);
  workshop__free (workshop);
  assert_int_not_equal (access (directory, F_OK), 0);
  free (directory);
  return n;
}

static struct region *
sum_region (struct fixture *fixture, const char *function, const char *const *options)
{
  char *header = NULL;
  assert_true (asprintf (&header, "%s/scale.h", fixture->directory) > 0);
  assert_int_equal (file__write (header, "#define SCALE 3\n", 16), 0);
  free (header);
  return test__region (fixture->arena, fixture->directory, "sum of.c", sum_source, function, options);
}

static void
proposes_native_variants (void **state)
{
  static const char *const options[]
    = { "-O2", "-DSCALE_HEADER=\"scale.h\"", "-I.", "-Wall", "-g", "-MD", "-MF", "should-not-be-written.d", NULL };
  struct fixture *fixture = *state;
  struct region *region = sum_region (fixture, "sum", options);
  unsigned native;
  char *dependencies;
  assert_true (asprintf (&dependencies, "%s/should-not-be-written.d", fixture->directory) > 0);
  unlink (dependencies);
  assert_in_range (propose (region, "-march=native", &native), 5, 40);
  assert_in_range (native, 4, 40);
  assert_int_not_equal (access (dependencies, F_OK), 0);
  free (dependencies);
}

static void
keeps_to_the_build_isa (void **state)
{
  static const char *const options[] = { "-O2", "-DSCALE_HEADER=\"scale.h\"", "-mavx2", NULL };
  struct region *region = sum_region (*state, "sum", options);
  unsigned native;
  region->isa_mode = ISA_MODE_BUILD;
  region->isa_allowed = region->isa;
  assert_in_range (propose (region, "-march=native", &native), 3, 40);
  assert_int_equal (native, 0);
}

/* `scale` and `twice` would be inlined or get another signature: where they come, then with their own.  */
static void
keeps_static_functions (void **state)
{
  static const char *const options[] = { "-O2", "-DSCALE_HEADER=\"scale.h\"", "-fkeep-static-functions", NULL };
  static const char *const names[] = { "scale", "twice" };
  for (int i = 0; i < 2; i++)
    {
      struct region *region = sum_region (*state, names[i], options);
      struct workshop *workshop = workshop__new ();
      struct policy *policy;
      struct why why = { 0 };
      assert_int_equal (policy__open ("compilers", region, workshop, 20, 20, &policy, &why), 0);
      unsigned same = 0;
      struct candidate *candidate;
      for (int given; (given = policy__next (policy, &candidate, &why));)
        {
          if (given > 0)
            {
              /* It reads its memory through the first argument, whatever else is unused.  */
              assert_non_null (strstr (code__canonical (candidate->code), "(%rdi)"));
              candidate__free (candidate);
            }
          else
            same += why.reason == REASON_SAME;
        }
      assert_in_range (same, 2, 40);
      policy__close (policy);
      workshop__free (workshop);
    }
}

static void
proposes_for_cxx (void **state)
{
  static const char *const options[] = { "-O2", "-fPIC", NULL };
  struct fixture *fixture = *state;
  struct region *region
    = test__region (fixture->arena, fixture->directory, "unit.cc",
                    "#include <algorithm>\n#include <vector>\nnamespace n { struct S { int x; long get (const std::vector<int> &v) const; };\n"
                    "long S::get (const std::vector<int> &v) const { long s = 0; for (int i : v) s += i * x; return s; } }\n",
                    "_ZNK1n1S3getERKSt6vectorIiSaIiEE", options);
  unsigned clang;
  assert_in_range (propose (region, "clang", &clang), 3, 40);
  if (access ("/usr/bin/clang", X_OK) == 0)
    assert_in_range (clang, 1, 40);
}

/* A source that is gone, or a language that isn't C, is a reason, not a crash.  */
static void
unknown_source_is_a_reason (void **state)
{
  static const char *const options[] = { "-O2", "-DSCALE_HEADER=\"scale.h\"", NULL };
  struct region *region = sum_region (*state, "sum", options);
  struct workshop *workshop = workshop__new ();
  struct policy *policy;
  struct why why = { 0 };
  struct candidate *candidate;
  region->source = NULL;
  assert_int_equal (policy__open ("compilers", region, workshop, 5, 5, &policy, &why), -1);
  assert_int_equal (why.reason, REASON_SOURCE);
  region->source = "/nonexistent/a.c";
  region->language = "lto";
  assert_int_equal (policy__open ("compilers", region, workshop, 5, 5, &policy, &why), -1);
  assert_int_equal (why.reason, REASON_SOURCE);
  region->language = "c";
  assert_int_equal (policy__open ("compilers", region, workshop, 5, 5, &policy, &why), 0);
  assert_int_equal (policy__next (policy, &candidate, &why), -1);
  assert_int_equal (why.reason, REASON_SOURCE);
  policy__close (policy);
  workshop__free (workshop);
}

/* The user's semantic flags reach every variant: with -fwrapv the comparison stays.  */
static void
keeps_semantic_flags (void **state)
{
  static const char *const options[] = { "-O2", "-fwrapv", NULL };
  struct fixture *fixture = *state;
  struct region *region = test__region (fixture->arena, fixture->directory, "wrap.c",
                                        "int wraps (int a) { return a + 1 < a; }\n", "wraps", options);
  struct workshop *workshop = workshop__new ();
  struct policy *policy;
  struct why why = { 0 };
  struct candidate *candidate;
  assert_int_equal (policy__open ("compilers", region, workshop, 20, 20, &policy, &why), 0);
  for (int given; (given = policy__next (policy, &candidate, &why));)
    if (given > 0)
      {
        /* Folded to 0, it wouldn't look at its argument.  */
        assert_non_null (strstr (code__canonical (candidate->code), "edi"));
        candidate__free (candidate);
      }
  policy__close (policy);
  workshop__free (workshop);
}

/* How many of clang's candidates for a loop whose counter might go round, under OPTIONS, use vectors.  */
static unsigned
vectorized (struct fixture *fixture, const char *const *options)
{
  struct region *region = test__region (fixture->arena, fixture->directory, "pairs.c",
                                        "unsigned pairs (const unsigned *a, unsigned long n)\n"
                                        "{\n  unsigned s = 0;\n  for (unsigned long i = 0; i + 2 <= n; i += 2)\n"
                                        "    s += a[i] * a[i + 1];\n  return s;\n}\n",
                                        "pairs", options);
  struct workshop *workshop = workshop__new ();
  struct policy *policy;
  struct why why = { 0 };
  struct candidate *candidate;
  unsigned n = 0;
  assert_int_equal (policy__open ("compilers", region, workshop, 20, 20, &policy, &why), 0);
  for (int given; (given = policy__next (policy, &candidate, &why));)
    if (given > 0)
      {
        n += strstr (candidate->provenance, "clang") && strstr (code__canonical (candidate->code), "mm0");
        candidate__free (candidate);
      }
  policy__close (policy);
  workshop__free (workshop);
  return n;
}

/* What the language lets a compiler assume of loops clang may assume; what the user forbids, or GCC doesn't do at the user's level,
   it may not.  */
static void
lets_clang_count_rounds (void **state)
{
  static const char *const may[] = { "-O2", NULL }, *const may_not[][4] = {
    { "-O2", "-fno-finite-loops", NULL }, { "-O1", NULL }, { "-O2", "-std=gnu99", NULL } };
  if (access ("/usr/bin/clang", X_OK) != 0)
    skip ();
  assert_in_range (vectorized (*state, may), 1, 40);
  for (unsigned i = 0; i < sizeof may_not / sizeof *may_not; i++)
    assert_int_equal (vectorized (*state, may_not[i]), 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (proposes_native_variants, set_up, tear_down),
    cmocka_unit_test_setup_teardown (keeps_to_the_build_isa, set_up, tear_down),
    cmocka_unit_test_setup_teardown (keeps_static_functions, set_up, tear_down),
    cmocka_unit_test_setup_teardown (proposes_for_cxx, set_up, tear_down),
    cmocka_unit_test_setup_teardown (unknown_source_is_a_reason, set_up, tear_down),
    cmocka_unit_test_setup_teardown (keeps_semantic_flags, set_up, tear_down),
    cmocka_unit_test_setup_teardown (lets_clang_count_rounds, set_up, tear_down),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
