/* The generator makes valid, exact, varied inputs for a dozen functions compiled by GCC.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "machine/object.h"
#include "states/states.h"
#include "testsuite/region-build.h"
#include <signal.h>
#include <stdio.h>

enum { WANTED = 200 };

/* A region with the types that the tests use, and its sandbox.  */
struct bench
{
  struct region *region;
  unsigned char_, byte, int_, long_, size, float_, double_;
  struct layout *layout;
  struct image *image;
  struct sandbox *sandbox;
  struct states *states;
  struct arena *arena;
  struct test test[WANTED];
  int n;
};

static struct bench *
bench__new (const char *name)
{
  struct bench *bench = calloc (1, sizeof *bench);
  assert_non_null (bench);
  struct region *region = bench->region = region_build__new (name);
  bench->char_ = region_build__integer (region, 1, true);
  bench->byte = region_build__integer (region, 1, false);
  bench->int_ = region_build__integer (region, 4, true);
  bench->long_ = region_build__integer (region, 8, true);
  bench->size = region_build__integer (region, 8, false);
  bench->float_ = region_build__float (region, 4);
  bench->double_ = region_build__float (region, 8);
  bench->arena = arena__new ();
  return bench;
}

/* A pointer parameter.  */
static unsigned
pointer (struct bench *bench, const char *name, unsigned element)
{
  return region_build__parameter (bench->region, name, region_build__pointer (bench->region, element));
}

static unsigned
scalar (struct bench *bench, const char *name, unsigned type)
{
  return region_build__parameter (bench->region, name, type);
}

static void
check_why (int status, const struct why *why)
{
  if (status)
    fail_msg ("%s: %s", reason__slug (why->reason), why->detail);
}

/* Compiles SOURCE and starts it.  */
static void
bench__open (struct bench *bench, const char *source)
{
  struct region *region = bench->region;
  struct why why = { 0 };
  struct code *code;
  struct object *object;
  struct decoded *decoded;
  assert_true (region_build__compile (region, source,
                                      "-O2 -fno-tree-loop-distribute-patterns -fno-tree-vectorize"));
  check_why (region__code (region, &code, &why), &why);
  check_why (object__assemble (region->arena, code, &object, &why), &why);
  check_why (object__decode (region->arena, object, code, &decoded, &why), &why);
  check_why (layout__new (region->arena, region, true, &bench->layout, &why), &why);
  check_why (image__link (region->arena, region, bench->layout, object, decoded, 0, &bench->image, &why),
             &why);
  const struct image *images[1] = { bench->image };
  check_why (sandbox__open (region, images, 1, NULL, &bench->sandbox, &why), &why);
  struct states_options options = { .seed = 42 };
  check_why (states__open (region, bench->layout, bench->sandbox, &options, &bench->states, &why), &why);
}

static int
bench__make (struct bench *bench, enum state_kind kind)
{
  struct why why = { 0 };
  bench->n = states__make (bench->states, kind, bench->arena, bench->test, WANTED, &why);
  if (bench->n < 0)
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
  for (int i = 0; i < bench->n; i++)
    {
      const struct state *state = bench->test[i].state;
      assert_int_equal (bench->test[i].kind, kind);
      for (unsigned s = 0; s < state->n_spans; s++)
        {
          assert_int_equal (state->span[s].address % SANDBOX_PAGE, 0);
          assert_int_equal (state->span[s].size % SANDBOX_PAGE, 0);
          if (s)
            assert_true (state->span[s - 1].address + state->span[s - 1].size <= state->span[s].address);
        }
    }
  return bench->n;
}

static void
bench__free (struct bench *bench)
{
  states__close (bench->states);
  sandbox__close (bench->sandbox);
  arena__free (bench->arena);
  arena__free (bench->region->arena);
  free (bench);
}

static uint64_t
argument (const struct test *test, unsigned p)
{
  static const uint8_t order[] = { 7, 6, 2, 1, 8, 9 };
  return test->state->machine.gpr[order[p]];
}

static const struct span *
span_at (const struct state *state, uint64_t address)
{
  for (unsigned s = 0; s < state->n_spans; s++)
    if (address - state->span[s].address < state->span[s].size)
      return &state->span[s];
  return NULL;
}

/* The outcome of the original on STATE.  */
static struct outcome *
run_once (struct bench *bench, const struct state *state)
{
  struct outcome *outcome = calloc (1, sizeof *outcome);
  struct why why = { 0 };
  check_why (sandbox__run (bench->sandbox, 0, &state, outcome, 1, 100, &why), &why);
  return outcome;
}

/* Does argument P, moved up by STEP in its flush object, fault?  The object then lacks its last STEP bytes.  */
static bool
faults_when_shorter (struct bench *bench, const struct test *test, unsigned p, uint64_t step)
{
  static const uint8_t order[] = { 7, 6, 2, 1, 8, 9 };
  struct state *state = malloc (sizeof *state);
  *state = *test->state;
  uint64_t address = argument (test, p);
  const struct span *old = span_at (state, address);
  uint8_t *bytes = malloc (old->size);
  uint64_t at = address - old->address;
  memcpy (bytes, old->bytes, old->size);
  memmove (bytes + at + step, bytes + at, old->size - at - step);
  for (unsigned s = 0; s < state->n_spans; s++)
    if (&test->state->span[s] == old)
      state->span[s].bytes = bytes;
  state->machine.gpr[order[p]] += step;
  struct outcome *outcome = run_once (bench, state);
  bool faulted = outcome->status == RUN_TRAPPED && outcome->signal == SIGSEGV;
  free (outcome);
  free (bytes);
  free (state);
  return faulted;
}

/* Is the object that ADDRESS points to, of BYTES bytes, flush against the unmapped page?  */
static bool
is_flush (const struct test *test, uint64_t address, uint64_t bytes)
{
  const struct span *span = span_at (test->state, address);
  return span && address + bytes == span->address + span->size;
}

static void
sum_has_exact_objects (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  pointer (b, "a", b->int_);
  scalar (b, "n", b->int_);
  bench__open (b, "int f (const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }");
  static const enum state_kind kinds[] = { STATE_TYPICAL, STATE_BOUNDARY, STATE_LARGE, STATE_PROFILE };
  for (unsigned k = 0; k < 4; k++)
    {
      assert_int_equal (bench__make (b, kinds[k]), WANTED);
      unsigned flush = 0, writable = 0, long_ones = 0;
      for (int i = 0; i < b->n; i++)
        {
          const struct test *test = &b->test[i];
          int n = (int) argument (test, 1);
          if (n <= 0 || test->expected->status != RUN_RETURNED)
            continue;
          long_ones += n >= 16;
          const struct span *span = span_at (test->state, argument (test, 0));
          assert_non_null (span);
          writable += (span->protection & PROT_STATE_WRITE) != 0;
          if (!is_flush (test, argument (test, 0), 4 * (uint64_t) n))
            continue;
          flush++;
          if (i < 40)
            assert_true (faults_when_shorter (b, test, 0, 4));
        }
      assert_int_equal (writable, 0);
      assert_true (flush > WANTED / 4);
      assert_true (long_ones > WANTED / 8);
    }
  assert_int_equal (bench__make (b, STATE_OVERLAP), 0);
  bench__free (b);
}

static void
copies_overlap (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  pointer (b, "dst", b->char_);
  pointer (b, "src", b->char_);
  scalar (b, "n", b->size);
  region_build__alias (b->region, 0, 1);
  bench__open (b, "void f (char *d, const char *s, unsigned long n)"
                  "{ for (unsigned long i = 0; i < n; i++) d[i] = s[i]; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  unsigned apart = 0;
  for (int i = 0; i < b->n; i++)
    {
      uint64_t d = argument (&b->test[i], 0), s = argument (&b->test[i], 1), n = argument (&b->test[i], 2);
      const struct span *from = span_at (b->test[i].state, s);
      apart += d + n <= s || s + n <= d;
      if (n && from)
        assert_int_equal (from->protection, PROT_STATE_READ);
    }
  assert_int_equal (apart, WANTED);
  assert_int_equal (bench__make (b, STATE_OVERLAP), WANTED);
  unsigned same = 0, above = 0, below = 0, near = 0;
  for (int i = 0; i < b->n; i++)
    {
      int64_t d = (int64_t) argument (&b->test[i], 0), s = (int64_t) argument (&b->test[i], 1);
      int64_t n = (int64_t) argument (&b->test[i], 2);
      same += d == s && n;
      above += d > s && d < s + n;
      below += d < s && s < d + n;
      near += d != s && n && (d - s == 1 || s - d == 1);
    }
  assert_true (same > 3 && above > 20 && below > 20 && near > 3);
  bench__free (b);
}

static void
restrict_never_overlaps (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  unsigned d = pointer (b, "dst", b->char_);
  pointer (b, "src", b->char_);
  b->region->parameter[d].is_restrict = true;
  region_build__alias (b->region, 0, 1); /* facts that contradict themselves */
  bench__open (b, "void f (char *d, const char *s) { *d = *s; }");
  assert_int_equal (bench__make (b, STATE_OVERLAP), 0);
  bench__free (b);
}

static void
strings_end (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  pointer (b, "s", b->char_);
  bench__open (b, "unsigned long f (const char *s) { unsigned long n = 0; while (s[n]) n++; return n; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  bool seen[40] = { false };
  unsigned flush = 0, lengths = 0;
  for (int i = 0; i < b->n; i++)
    {
      uint64_t n = b->test[i].expected->machine.gpr[0];
      if (n < 40)
        seen[n] = true;
      flush += is_flush (&b->test[i], argument (&b->test[i], 0), n + 1);
    }
  for (unsigned i = 0; i < 40; i++)
    lengths += seen[i];
  assert_true (lengths > 20);
  assert_true (flush > WANTED / 2);
  assert_int_equal (bench__make (b, STATE_LARGE), WANTED);
  unsigned long_ones = 0;
  for (int i = 0; i < b->n; i++)
    long_ones += b->test[i].expected->machine.gpr[0] >= 1000;
  assert_true (long_ones > WANTED / 4);
  bench__free (b);
}

static void
comparing_strings_goes_deep (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  pointer (b, "a", b->char_);
  pointer (b, "b", b->char_);
  bench__open (b, "int f (const unsigned char *a, const unsigned char *b)"
                  "{ int i = 0; while (a[i] && a[i] == b[i]) i++; return a[i] == b[i] ? -1 : i; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  unsigned equal = 0, deep = 0;
  for (int i = 0; i < b->n; i++)
    {
      int answer = (int) b->test[i].expected->machine.gpr[0];
      equal += answer < 0;
      deep += answer >= 8;
    }
  assert_true (equal > 5 && deep > 5);
  bench__free (b);
}

static void
lists_are_linked (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  unsigned node = region_build__struct (b->region, "node");
  unsigned link = region_build__pointer (b->region, node);
  region_build__field (b->region, node, "value", b->int_);
  region_build__field (b->region, node, "next", link);
  region_build__parameter (b->region, "list", link);
  bench__open (b, "struct node { int value; struct node *next; };"
                  "int f (struct node *l) { int n = 0; for (; l; l = l->next) n += 1 + (l->value == 7); return n; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  unsigned long_ones = 0;
  for (int i = 0; i < b->n; i++)
    long_ones += b->test[i].expected->machine.gpr[0] >= 4;
  assert_true (long_ones > WANTED / 10);
  /* Longer than there are objects, too.  */
  unsigned longest = 0;
  for (unsigned round = 0; round < 4; round++)
    {
      bench__make (b, STATE_TYPICAL);
      for (int i = 0; i < b->n; i++)
        if ((uint32_t) b->test[i].expected->machine.gpr[0] > longest)
          longest = (uint32_t) b->test[i].expected->machine.gpr[0];
    }
  assert_true (longest > 100);
  bench__free (b);
}

/* Makes a test for each of N plans; of[] tells which.  */
static void
make_planned (struct bench *b, enum state_kind kind, const struct plan *plans, unsigned n, unsigned *of)
{
  struct why why = { 0 };
  assert_true (n <= WANTED);
  b->n = states__plan (b->states, kind, plans, n, b->arena, b->test, of, &why);
  if (b->n < 0)
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
}

static void
plans_are_kept (void **unused)
{
  (void) unused;
  static struct plan plans[WANTED];
  unsigned of[WANTED], unit;
  struct bench *b = bench__new ("f");
  pointer (b, "dst", b->int_);
  pointer (b, "src", b->int_);
  scalar (b, "n", b->size);
  region_build__alias (b->region, 0, 1);
  bench__open (b, "void f (int *d, const int *s, unsigned long n)"
                  "{ for (unsigned long i = 0; i < n; i++) d[i] = s[i] + 1; }");
  /* Every distance, in elements.  */
  assert_true (states__may_overlap (b->region, 0, 1, &unit) && unit == 4);
  for (unsigned i = 0; i < 64; i++)
    {
      plan__clear (&plans[i]);
      plans[i].fixed = 1 << 2;
      plans[i].scalar[2] = 40 + i;
      plans[i].overlap = true;
      plans[i].pointer = i & 1;
      plans[i].host = !(i & 1);
      plans[i].distance = 4 * (i / 2);
    }
  make_planned (b, STATE_OVERLAP, plans, 64, of);
  assert_int_equal (b->n, 64);
  for (int i = 0; i < b->n; i++)
    {
      uint64_t d = argument (&b->test[i], 0), s = argument (&b->test[i], 1);
      assert_int_equal (argument (&b->test[i], 2), 40 + of[i]);
      assert_int_equal (of[i] & 1 ? s - d : d - s, 4 * (of[i] / 2));
    }
  /* Every alignment that the type has.  */
  for (unsigned i = 0; i < 16; i++)
    {
      plan__clear (&plans[i]);
      plans[i].fixed = 1 << 2;
      plans[i].scalar[2] = 21;
      plans[i].residue[0] = (int16_t) (4 * i);
      plans[i].residue[1] = (int16_t) (60 - 4 * i);
    }
  make_planned (b, STATE_BOUNDARY, plans, 16, of);
  assert_int_equal (b->n, 16);
  for (int i = 0; i < b->n; i++)
    {
      assert_int_equal (argument (&b->test[i], 0) % 64, 4 * of[i]);
      assert_int_equal (argument (&b->test[i], 1) % 64, 60 - 4 * of[i]);
    }
  /* Sizes past the usual limit of an object; at its page's start.  */
  plan__clear (&plans[0]);
  plans[0].fixed = 1 << 2;
  plans[0].scalar[2] = 100003;
  plans[0].large = true;
  plan__clear (&plans[1]);
  plans[1].fixed = 1 << 2;
  plans[1].scalar[2] = 33;
  plans[1].at_start = true;
  make_planned (b, STATE_BOUNDARY, plans, 2, of);
  assert_int_equal (b->n, 2);
  for (int i = 0; i < b->n; i++)
    {
      assert_int_equal (argument (&b->test[i], 2), of[i] ? 33 : 100003);
      if (of[i])
        assert_int_equal (argument (&b->test[i], 0) % SANDBOX_PAGE, 0);
    }
  bench__free (b);
}

static void
plans_keep_restrict (void **unused)
{
  (void) unused;
  struct plan plan;
  unsigned unit, of[1];
  struct bench *b = bench__new ("f");
  pointer (b, "dst", b->int_);
  pointer (b, "src", b->int_);
  scalar (b, "n", b->size);
  region_build__alias (b->region, 0, 1);
  b->region->parameter[0].is_restrict = true;
  bench__open (b, "void f (int *restrict d, const int *s, unsigned long n)"
                  "{ for (unsigned long i = 0; i < n; i++) d[i] = s[i] + 1; }");
  assert_false (states__may_overlap (b->region, 0, 1, &unit));
  plan__clear (&plan);
  plan.overlap = true;
  plan.host = 1;
  make_planned (b, STATE_OVERLAP, &plan, 1, of);
  assert_int_equal (b->n, 0);
  bench__free (b);
}

static void
constants_are_found (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  scalar (b, "a", b->long_);
  region_build__result (b->region, b->long_);
  bench__open (b, "long f (long a) { return a == 0x123456789abcdef ? 1 : a * 25; }");
  unsigned n, n_base;
  const int64_t *constant = states__constants (b->states, &n, &n_base);
  bool itself = false, swapped = false, negated = false;
  for (unsigned i = 0; i < n; i++)
    {
      itself |= constant[i] == 0x123456789abcdef && i < n_base;
      swapped |= constant[i] == (int64_t) __builtin_bswap64 (0x123456789abcdef);
      negated |= constant[i] == -0x123456789abcdef;
    }
  assert_true (itself && swapped && negated);
  bench__free (b);
}

static void
structs_carry_lengths (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  unsigned vector = region_build__struct (b->region, "vector");
  region_build__field (b->region, vector, "n", b->size);
  region_build__field (b->region, vector, "data", region_build__pointer (b->region, b->double_));
  pointer (b, "v", vector);
  bench__open (b, "struct v { unsigned long n; double *data; };"
                  "double f (const struct v *v) { double s = 0;"
                  "  for (unsigned long i = 0; i < v->n; i++) s += v->data[i]; return s; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  unsigned filled = 0;
  for (int i = 0; i < b->n; i++)
    {
      const struct span *span = span_at (b->test[i].state, argument (&b->test[i], 0));
      assert_non_null (span);
      uint64_t n, data, at = argument (&b->test[i], 0) - span->address;
      memcpy (&n, span->bytes + at, 8);
      memcpy (&data, span->bytes + at + 8, 8);
      filled += n >= 4 && is_flush (&b->test[i], data, 8 * n);
    }
  assert_true (filled > WANTED / 8);
  bench__free (b);
}

/* A pointer in a struct may lead to the number beside it, which counts what it leads to.  */
static void
pointers_lead_beside_themselves (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  unsigned vector = region_build__struct (b->region, "vector");
  region_build__field (b->region, vector, "data", region_build__pointer (b->region, b->int_));
  region_build__field (b->region, vector, "n", b->int_);
  pointer (b, "v", vector);
  bench__open (b, "struct v { int *data; int n; };"
                  "void f (struct v *v) { for (int i = 0; i < v->n; i++) v->data[i]++; }");
  assert_int_equal (bench__make (b, STATE_BOUNDARY), WANTED);
  unsigned beside = 0;
  for (int i = 0; i < b->n; i++)
    {
      uint64_t data, v = argument (&b->test[i], 0);
      const struct span *span = span_at (b->test[i].state, v);
      assert_non_null (span);
      memcpy (&data, span->bytes + (v - span->address), 8);
      beside += data == v + 8;
    }
  assert_true (beside > 0);
  assert_true (beside < WANTED / 2);
  bench__free (b);
}

static void
indices_stay_inside (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  pointer (b, "table", b->int_);
  pointer (b, "index", b->int_);
  scalar (b, "n", b->int_);
  bench__open (b, "int f (const int *t, const int *x, int n)"
                  "{ int s = 0; for (int i = 0; i < n; i++) s += t[x[i]]; return s; }");
  assert_true (bench__make (b, STATE_TYPICAL) >= WANTED / 2);
  unsigned filled = 0;
  for (int i = 0; i < b->n; i++)
    filled += (int) argument (&b->test[i], 2) >= 8;
  assert_true (filled > WANTED / 8);
  bench__free (b);
}

static void
matrices_have_strides (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  pointer (b, "m", b->float_);
  scalar (b, "rows", b->int_);
  scalar (b, "columns", b->int_);
  scalar (b, "stride", b->int_);
  bench__open (b, "int f (const float *m, int r, int c, int s) { int n = 0; for (int i = 0; i < r; i++)"
                  "  for (int k = 0; k < c; k++) n += m[i * s + k] > 0; return n; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  unsigned filled = 0;
  for (int i = 0; i < b->n; i++)
    filled += (int) argument (&b->test[i], 1) >= 3 && (int) argument (&b->test[i], 2) >= 3;
  assert_true (filled > WANTED / 10);
  bench__free (b);
}

static void
reads_before_the_pointer_are_found (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  pointer (b, "p", b->int_);
  scalar (b, "n", b->int_);
  bench__open (b, "int f (const int *p, int n) { int s = 0; for (int i = 1; i <= n; i++) s += p[-i]; return s; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  unsigned exact = 0;
  for (int i = 0; i < b->n; i++)
    {
      int n = (int) argument (&b->test[i], 1);
      const struct span *span = span_at (b->test[i].state, argument (&b->test[i], 0) - 4);
      exact += n > 0 && span && span->address == argument (&b->test[i], 0) - 4 * (uint64_t) n;
    }
  assert_true (exact > 5);
  bench__free (b);
}

static void
divisions_trap (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  scalar (b, "a", b->int_);
  scalar (b, "b", b->int_);
  bench__open (b, "int f (int a, int b) { return a / b; }");
  assert_int_equal (bench__make (b, STATE_TRAP), WANTED);
  unsigned zero = 0, overflow = 0;
  for (int i = 0; i < b->n; i++)
    {
      const struct test *test = &b->test[i];
      bool trapped = test->expected->status == RUN_TRAPPED;
      if (trapped)
        assert_int_equal (test->expected->signal, SIGFPE);
      zero += trapped && (int) argument (test, 1) == 0;
      overflow += trapped && (int) argument (test, 1) == -1;
    }
  assert_true (zero > 10 && overflow > 10);
  assert_int_equal (bench__make (b, STATE_BOUNDARY), WANTED);
  unsigned trapped = 0;
  for (int i = 0; i < b->n; i++)
    trapped += b->test[i].expected->status != RUN_RETURNED;
  assert_true (trapped <= WANTED / 8);
  bench__free (b);
}

static void
globals_are_mapped (void **unused)
{
  (void) unused;
  static uint8_t table[1024];
  for (unsigned i = 0; i < sizeof table; i++)
    table[i] = (uint8_t) (i * 7);
  struct bench *b = bench__new ("f");
  pointer (b, "p", b->byte);
  scalar (b, "n", b->size);
  unsigned array = region_build__array (b->region, b->int_, 256);
  unsigned g = region_build__global (b->region, "table", array, sizeof table, true);
  b->region->global[g].init = table;
  unsigned c = region_build__global (b->region, "counter", b->long_, 8, false);
  bench__open (b, "extern const unsigned table[256]; extern long counter;"
                  "unsigned f (const unsigned char *p, unsigned long n) { unsigned c = ~0u;"
                  "  while (n--) c = table[(c ^ *p++) & 255] ^ (c >> 8); counter += c; return c; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  for (int i = 0; i < b->n; i++)
    {
      const struct span *span = span_at (b->test[i].state, b->layout->global[g]);
      assert_non_null (span);
      assert_int_equal (span->protection, PROT_STATE_READ);
      assert_memory_equal (span->bytes + (b->layout->global[g] - span->address), table, sizeof table);
      span = span_at (b->test[i].state, b->layout->global[c]);
      assert_non_null (span);
      assert_true (span->protection & PROT_STATE_WRITE || b->test[i].expected->machine.gpr[0] == 0);
    }
  bench__free (b);
}

static void
arguments_follow_the_abi (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  for (int i = 0; i < 7; i++)
    scalar (b, "x", b->long_);
  scalar (b, "c", b->char_);
  scalar (b, "d", b->double_);
  bench__open (b, "long f (long a, long b, long c, long d, long e, long f, long g, signed char h, double x)"
                  "{ return a + b + c + d + e + f + 3 * g + 5 * h + (x == x); }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  for (int i = 0; i < b->n; i++)
    {
      const struct state *state = b->test[i].state;
      uint64_t sum = 0, g;
      double x;
      for (unsigned p = 0; p < 6; p++)
        sum += argument (&b->test[i], p);
      assert_int_equal (state->stack_bytes, 16);
      memcpy (&g, state->stack_argument, 8);
      memcpy (&x, state->machine.vec[0], 8);
      sum += 3 * g + 5 * (uint64_t) (int64_t) (int8_t) state->stack_argument[8] + (x == x);
      assert_int_equal (b->test[i].expected->machine.gpr[0], sum);
    }
  bench__free (b);
}

static void
callees_change_memory (void **unused)
{
  (void) unused;
  struct bench *b = bench__new ("f");
  pointer (b, "p", b->int_);
  struct callee *callee = &b->region->callee[b->region->n_callees++];
  callee->name = "g";
  unsigned type = region_build__type (b->region, TYPE_FUNCTION, 0, 1);
  callee->type = type;
  callee->result.type = b->int_;
  callee->result.n_locations = 1;
  callee->result.location[0].size = 4;
  bench__open (b, "int g (void); int f (int *p) { *p += 1; int a = *p; int c = g (); return a + c - *p; }");
  assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
  unsigned patched = 0;
  for (int i = 0; i < b->n; i++)
    {
      patched += b->test[i].state->n_patches > 0;
      assert_int_equal (b->test[i].expected->n_events, 1);
    }
  assert_true (patched > WANTED / 20);
  bench__free (b);
}

static void
same_seed_same_tests (void **unused)
{
  (void) unused;
  char *text[2];
  for (int turn = 0; turn < 2; turn++)
    {
      struct bench *b = bench__new ("f");
      pointer (b, "a", b->int_);
      scalar (b, "n", b->int_);
      bench__open (b, "int f (const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }");
      assert_int_equal (bench__make (b, STATE_TYPICAL), WANTED);
      text[turn] = test__to_json (b->region, &b->test[WANTED - 1]);
      char *readable = test__print (b->region, &b->test[WANTED - 1]);
      assert_non_null (strstr (readable, "a = "));
      assert_non_null (strstr (readable, "n = "));
      free (readable);
      /* And back: the same state.  */
      struct state *state;
      struct why why = { 0 };
      check_why (states__replay (b->arena, text[turn], &state, &why), &why);
      struct test again = b->test[WANTED - 1];
      again.state->huge = (struct huge){ .mapped = turn, .random = 5, .fixed = 6, .turned = 7, .first = 8 };
      free (text[turn]);
      text[turn] = test__to_json (b->region, &again);
      check_why (states__replay (b->arena, text[turn], &state, &why), &why);
      assert_int_equal (state->huge.mapped, turn);
      again.state->huge.mapped = false;
      again.state = state;
      char *back = test__to_json (b->region, &again);
      assert_string_equal (back, text[turn]);
      free (back);
      if (turn)
        {
          free (text[turn]);
          text[turn] = test__to_json (b->region, &b->test[WANTED - 1]);
        }
      assert_int_equal (states__replay (b->arena, "{\"kind\":\"typical\"}", &state, &why), -1);
      assert_int_equal (why.reason, REASON_SYNTAX);
      bench__free (b);
    }
  assert_string_equal (text[0], text[1]);
  free (text[0]);
  free (text[1]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (sum_has_exact_objects),
    cmocka_unit_test (copies_overlap),
    cmocka_unit_test (restrict_never_overlaps),
    cmocka_unit_test (strings_end),
    cmocka_unit_test (comparing_strings_goes_deep),
    cmocka_unit_test (lists_are_linked),
    cmocka_unit_test (plans_are_kept),
    cmocka_unit_test (plans_keep_restrict),
    cmocka_unit_test (constants_are_found),
    cmocka_unit_test (structs_carry_lengths),
    cmocka_unit_test (pointers_lead_beside_themselves),
    cmocka_unit_test (indices_stay_inside),
    cmocka_unit_test (matrices_have_strides),
    cmocka_unit_test (reads_before_the_pointer_are_found),
    cmocka_unit_test (divisions_trap),
    cmocka_unit_test (globals_are_mapped),
    cmocka_unit_test (arguments_follow_the_abi),
    cmocka_unit_test (callees_change_memory),
    cmocka_unit_test (same_seed_same_tests),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
