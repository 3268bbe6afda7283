/* The search for inputs: comparisons are watched without disturbing the run, solved for one input
   and for two; mutants of every encoding; sizes by the code's own steps.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "testsuite/region-build.h"
#include "verify/hunt.h"
#include "verify/mutate.h"
#include "verify/systematic.h"
#include <stdio.h>

/* One function, compiled, watched and running.  */
struct bench
{
  struct region *region;
  struct side side;
  struct layout *layout;
  struct eye eye;
  struct state *state;
};

static void
check_why (int status, const struct why *why)
{
  if (status)
    fail_msg ("%s: %s", reason__slug (why->reason), why->detail);
}

/* SOURCE's f takes N unsigned integers of SIZE bytes and gives such a one.  */
static struct bench *
bench__new (const char *source, const char *flags, unsigned n, unsigned size)
{
  struct bench *bench = calloc (1, sizeof *bench);
  struct region *region = bench->region = region_build__new ("f");
  struct why why = { 0 };
  struct code *code;
  struct object *object;
  struct decoded *decoded;
  struct image *image;
  unsigned type = region_build__integer (region, size, false);
  static const char *const names[] = { "a", "b", "c", "d", "e", "g" };
  for (unsigned i = 0; i < n; i++)
    region_build__parameter (region, names[i], type);
  region_build__result (region, type);
  region->isa_allowed = isa__host ();
  assert_true (region_build__compile (region, source, flags));
  check_why (region__code (region, &code, &why), &why);
  check_why (object__assemble (region->arena, code, &object, &why), &why);
  check_why (object__decode (region->arena, object, code, &decoded, &why), &why);
  bench->side = (struct side){
    .code = code, .object = object, .decoded = decoded, .own_items = code->n_items
  };
  check_why (layout__new (region->arena, region, true, &bench->layout, &why), &why);
  check_why (watch__new (region->arena, &bench->side, &bench->eye.watch, &why), &why);
  check_why (watch__link (region->arena, region, bench->layout, bench->eye.watch, 4, &image, &why),
             &why);
  const struct image *images[] = { image };
  check_why (sandbox__open (region, images, 1, NULL, &bench->eye.sandbox, &why), &why);
  bench->state = ARENA_NEW (region->arena, struct state);
  bench->state->machine.mxcsr = 0x1f80;
  bench->state->machine.rflags = 2;
  return bench;
}

static void
bench__free (struct bench *bench)
{
  sandbox__close (bench->eye.sandbox);
  arena__free (bench->region->arena);
  free (bench);
}

/* The records of site NUMBER on STATE; *RESULT gets what the function returned.  */
static unsigned
records (struct bench *bench, const struct state *state, unsigned number,
         struct watch_record *record, uint64_t *result)
{
  struct state *watched = calloc (1, sizeof *watched);
  struct outcome *outcome = calloc (1, sizeof *outcome);
  assert_int_equal (eye__run (&bench->eye, &state, 1, watched, outcome), 0);
  assert_int_equal (outcome->status, RUN_RETURNED);
  if (result)
    *result = outcome->machine.gpr[0];
  unsigned n = watch__records (bench->eye.watch, watched, outcome, number, record, WATCH_SCALARS);
  free (watched);
  free (outcome);
  return n;
}

static uint64_t
word (const uint8_t *bytes)
{
  uint64_t value;
  memcpy (&value, bytes, 8);
  return value;
}

static void
operands_are_seen (void **unused)
{
  (void)unused;
  struct bench *bench = bench__new (
      "unsigned f (unsigned a, unsigned b) { return a == 12345 ? b : b * 3; }", "-O2", 2, 4);
  struct watch_record record[WATCH_SCALARS];
  uint64_t result;
  bench->state->machine.gpr[7] = 777;
  bench->state->machine.gpr[6] = 5;
  assert_int_equal (bench->eye.watch->n, 1);
  assert_int_equal (records (bench, bench->state, 0, record, &result), 1);
  assert_int_equal (word (record[0].a), 777);
  assert_int_equal (word (record[0].b), 12345);
  assert_int_equal ((uint32_t)result, 15);
  bench__free (bench);
}

/* What SOURCE shifts or masks without anybody reading the flags is watched: B stays.  */
static void
check_part (const char *source, unsigned size, uint64_t b)
{
  struct bench *bench = bench__new (source, "-O1", 1, size);
  struct watch_record record[WATCH_SCALARS];
  uint64_t result;
  bench->state->machine.gpr[7] = 0x123456789abcdef0;
  assert_int_equal (bench->eye.watch->n, 1);
  assert_int_equal (bench->eye.watch->site[0].kind, WATCH_PART);
  assert_int_equal (records (bench, bench->state, 0, record, &result), 1);
  if (word (record[0].b) != b)
    fail_msg ("%s: %" PRIx64, source, word (record[0].b));
  assert_true (watch__distance (&bench->eye.watch->site[0], &record[0]) == (word (record[0].a) & b));
  bench__free (bench);
}

static void
parts_are_seen (void **unused)
{
  (void) unused;
  check_part ("unsigned f (unsigned a) { return a >> 31; }", 4, 0x80000000);
  check_part ("long f (long a) { return a >> 60; }", 8, UINT64_C (0xf000000000000000));
  check_part ("unsigned f (unsigned a) { return a & 12; }", 4, 12);
  check_part ("unsigned long f (unsigned long a) { return a & -64ul; }", 8, UINT64_C (0xffffffffffffffc0));
  check_part ("typedef unsigned lanes __attribute__ ((vector_size (16)));"
              " typedef unsigned long pair __attribute__ ((vector_size (16)));"
              " unsigned long f (unsigned long a)"
              " { pair x = { a, ~a }; x = (pair) ((lanes) x >> 31); return x[0] * 5 + x[1]; }",
              8, UINT64_C (0x8000000080000000));
}

static void
rings_keep_the_last (void **unused)
{
  (void)unused;
  struct bench *bench = bench__new ("unsigned f (unsigned a) { unsigned s = 0;"
                                    " for (unsigned i = 0; i != a; i++) { s += i; __asm__ (\"\" : "
                                    "\"+r\" (i), \"+r\" (s)); } return s; }",
                                    "-O1", 1, 4);
  struct watch_record record[WATCH_SCALARS];
  uint64_t result;
  bench->state->machine.gpr[7] = 100;
  bool found = false;
  for (unsigned k = 0; k < bench->eye.watch->n; k++)
    {
      unsigned n = records (bench, bench->state, k, record, &result);
      assert_int_equal ((uint32_t)result, 4950);
      if (n == WATCH_SCALARS)
        {
          found = true;
          assert_int_equal (word (record[n - 1].a), word (record[n - 1].b));
          assert_int_not_equal (word (record[0].a), word (record[0].b));
        }
    }
  assert_true (found);
  bench__free (bench);
}

/* Solves the site that BENCH watches from its state: the number of SOLUTIONS.  */
static unsigned
bench__solve (struct bench *bench, const struct state *solution[SOLUTIONS_MAX])
{
  struct solve solve = { .eye = &bench->eye,
                         .region = bench->region,
                         .arena = bench->region->arena,
                         .base = bench->state,
                         .until = verify__now () + 20 };
  return solve__site (&solve, solution);
}

/* CONDITION of a and b, of SIZE bytes, is met by solving.  */
static void
check_solved (const char *condition, unsigned size)
{
  char source[400];
  snprintf (source, sizeof source,
            "typedef unsigned %s T; T f (T a, T b) { if (%s) return a + b + 1; return a + b; }",
            size == 8 ? "long" : "int", condition);
  struct bench *bench = bench__new (source, "-O1", 2, size);
  bench->state->machine.gpr[7] = 0x1234567;
  bench->state->machine.gpr[6] = 0x7654321;
  const struct state *solution[SOLUTIONS_MAX];
  unsigned n = bench__solve (bench, solution);
  bool met = false;
  for (unsigned i = 0; i < n; i++)
    {
      uint64_t result, sum = solution[i]->machine.gpr[7] + solution[i]->machine.gpr[6];
      struct watch_record record[WATCH_SCALARS];
      records (bench, solution[i], 0, record, &result);
      met |= size == 8 ? result == sum + 1 : (uint32_t)result == (uint32_t)sum + 1;
    }
  if (!met)
    fail_msg ("not solved: %s", condition);
  bench__free (bench);
}

static void
comparisons_are_solved (void **unused)
{
  (void)unused;
  check_solved ("a == 0xdeadbeef", 4);
  check_solved ("(a ^ b) == 0x600df00d", 4);
  check_solved ("(a << 7 | a >> 25) == 0x12345", 4);
  check_solved ("a * 0x9e3779b1u == 0xcafef00d", 4);
  check_solved ("a * 0x9e3779b97f4a7c15u + 5 == 0x0ddba11cafef00d", 8);
  check_solved ("__builtin_bswap64 (a) == 0x0123456789abcdef", 8);
  check_solved ("(a ^ a << 13) == 0x1020304", 4);
  check_solved ("a * a * a + a * 4 == 0x70001", 4);
  check_solved ("a * a + b * b == 0x7fffffed", 4);
  check_solved ("(a + b) * 7 == 0x12345677", 4);
}

static void
sums_of_bytes_are_solved (void **unused)
{
  (void)unused;
  struct bench *bench = bench__new (
      "typedef unsigned char B; unsigned f (B a, B b, B c, B d, B e, B g) {"
      " unsigned h = ((((((5381u * 33 + a) * 33 + b) * 33 + c) * 33 + d) * 33 + e) * 33 + g);"
      " h *= 0x9e3779b1; return h == 0x12345678; }",
      "-O1", 6, 1);
  static const uint8_t order[] = { 7, 6, 2, 1, 8, 9 };
  for (unsigned i = 0; i < 6; i++)
    bench->state->machine.gpr[order[i]] = 'a' + i;
  const struct state *solution[SOLUTIONS_MAX];
  unsigned n = bench__solve (bench, solution);
  bool met = false;
  for (unsigned i = 0; i < n; i++)
    {
      struct watch_record record[WATCH_SCALARS];
      uint64_t result;
      records (bench, solution[i], 0, record, &result);
      met |= (uint32_t)result == 1;
    }
  assert_true (met);
  bench__free (bench);
}

/* The mutants of the one instruction TEXT.  */
static unsigned
mutants_of (const char *text, struct mutation *mutations, struct arena *arena, unsigned *length)
{
  char source[256];
  struct why why = { 0 };
  struct code *code;
  struct object *object;
  struct decoded *decoded;
  snprintf (source, sizeof source,
            "\t.text\n\t.globl f\n\t.type f, @function\nf:\n.L1:\n\t%s\n\taddq %%rsi, "
            "%%rbx\n\tret\n\t.size f, .-f\n",
            text);
  check_why (code__parse (arena, source, strlen (source), "f", NULL, 0, true, &code, &why), &why);
  check_why (object__assemble (arena, code, &object, &why), &why);
  check_why (object__decode (arena, object, code, &decoded, &why), &why);
  const struct decoded_insn *insn = &decoded->insn[0];
  *length = insn->length;
  return mutator__mutate (mutator__new (arena, decoded), insn,
                          object->section[insn->section].bytes + insn->offset, mutations);
}

static void
check_mutants (const char *text, unsigned least, ...)
{
  struct arena *arena = arena__new ();
  struct mutation mutations[MUTATIONS_MAX];
  unsigned length, n = mutants_of (text, mutations, arena, &length);
  if (n < least)
    fail_msg ("%s: %u mutants", text, n);
  for (unsigned i = 0; i < n; i++)
    for (unsigned k = 0; k < i; k++)
      assert_memory_not_equal (mutations[i].bytes, mutations[k].bytes, length);
  va_list list;
  va_start (list, least);
  for (const char *what; (what = va_arg (list, const char *));)
    {
      bool found = false;
      for (unsigned i = 0; i < n; i++)
        found |= strcmp (mutations[i].what, what) == 0;
      if (!found)
        {
          for (unsigned i = 0; i < n; i++)
            print_message ("  %s\n", mutations[i].what);
          fail_msg ("%s: no mutant '%s'", text, what);
        }
    }
  va_end (list);
  arena__free (arena);
}

static void
every_encoding_has_mutants (void **unused)
{
  (void)unused;
  check_mutants ("addl %esi, %eax", 3, "dropped", "sub", NULL);
  check_mutants ("cmpq $100, %rdi", 3, "immediate 100 to 99", "immediate 100 to 101", NULL);
  check_mutants ("movl 8(%rdi,%rsi,4), %eax", 5, "displacement +1", "displacement -4", "rsi to rax",
                 NULL);
  check_mutants ("jb .L1", 3, "condition b to ae", "condition b to be", "condition b to l", NULL);
  check_mutants ("cmovg %esi, %eax", 4, "condition always holds", "condition never holds",
                 "condition g to le", NULL);
  check_mutants ("sete %al", 3, "condition always holds", "condition never holds", NULL);
  check_mutants ("subq %rsi, %rax", 3, "add", "rax and rsi swapped", NULL);
  check_mutants ("shrl $3, %eax", 3, "sar", "shl", NULL);
  check_mutants ("movzbl (%rdi), %eax", 2, "movsx", NULL);
  check_mutants ("paddd %xmm1, %xmm0", 3, "psubd", "paddq", NULL);
  check_mutants ("vpaddd %ymm1, %ymm2, %ymm3", 4, "vpsubd", "vpaddq", "dropped", NULL);
  check_mutants ("vpsubb %ymm1, %ymm2, %ymm3", 4, "ymm2 and ymm1 swapped", NULL);
  check_mutants ("vpunpcklbw %ymm1, %ymm2, %ymm3", 3, "vpunpckhbw", "vpunpcklwd", NULL);
  check_mutants ("vpcmpeqb (%rdi), %ymm2, %ymm3", 3, "no lane ever", "all lanes always", "vpcmpgtb",
                 NULL);
  check_mutants ("vpmaxsd %zmm1, %zmm2, %zmm3{%k1}", 3, "vpminsd", "vpmaxud", NULL);
  check_mutants ("vpaddq 64(%rdi), %zmm20, %zmm21", 3, "vpsubq", "displacement +1", NULL);
  check_mutants ("vfmadd231ps %ymm1, %ymm2, %ymm3", 3, "vfmadd213ps", "vfmsub231ps", NULL);
  check_mutants ("mulsd %xmm1, %xmm0", 3, "divsd", "addsd", NULL);
}

static void
sizes_follow_steps (void **unused)
{
  (void)unused;
  struct layout_steps steps = { .widest = 32 };
  layout__add_step (&steps, 128);
  layout__add_step (&steps, 1);      /* no step */
  layout__add_step (&steps, 100000); /* no loop's */
  assert_int_equal (steps.n, 1);
  uint64_t sizes[SIZES_MAX];
  unsigned n = layout__sizes (&steps, 1, sizes);
  bool residue[128] = { false }, zero = false;
  for (unsigned i = 0; i < n; i++)
    {
      if (sizes[i] > 128)
        residue[sizes[i] % 128] = true;
      zero |= sizes[i] == 0;
    }
  for (unsigned r = 0; r < 128; r++)
    if (!residue[r])
      fail_msg ("no size with residue %u", r);
  assert_true (zero);
  /* None is larger than a slot.  */
  n = layout__sizes (&steps, 8, sizes);
  for (unsigned i = 0; i < n; i++)
    assert_true (sizes[i] * 8 <= SANDBOX_SLOT_SIZE);
}

static void
large_sizes_have_every_bit (void **unused)
{
  (void)unused;
  uint64_t sizes[SIZES_MAX];
  unsigned n = layout__large_sizes (1, sizes);
  for (unsigned bit = 10; bit < 20; bit++)
    {
      bool found = false;
      for (unsigned i = 0; i < n && i < 10; i++)
        found |= (sizes[i] >> bit & 1) && sizes[i] % 64 > 32;
      if (!found)
        fail_msg ("none of the first ten has bit %u and a remainder of over 32", bit);
    }
  n = layout__large_sizes (8, sizes);
  for (unsigned i = 0; i < n; i++)
    assert_true (sizes[i] * 8 <= SANDBOX_SLOT_SIZE);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (operands_are_seen),          cmocka_unit_test (rings_keep_the_last),
    cmocka_unit_test (parts_are_seen),
    cmocka_unit_test (comparisons_are_solved),     cmocka_unit_test (sums_of_bytes_are_solved),
    cmocka_unit_test (every_encoding_has_mutants), cmocka_unit_test (sizes_follow_steps),
    cmocka_unit_test (large_sizes_have_every_bit),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
