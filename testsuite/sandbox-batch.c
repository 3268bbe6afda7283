/* Batches see what ordinary runs see: every kind of difference at the record where it is, and nothing that isn't one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "testsuite/sandbox-fixture.h"

enum { RECORDS = 20000, ODD = 12345 };

/* Records of small numbers; that of number ODD has rsi 77, as no other.  */
struct filling
{
  const struct batch_shape *shape;
  uint64_t odd;
};

static void
fill (void *data, uint64_t first, unsigned n, uint8_t *records, size_t step)
{
  const struct filling *filling = data;
  memset (records, 0, n * step);
  for (unsigned i = 0; i < n; i++)
    {
      uint64_t *word = (uint64_t *) (records + i * step), number = first + i;
      for (unsigned k = 0; k < step / 8; k++)
        word[k] = number * 0x9e3779b97f4a7c15u + k;
      word[4] = word[5] = number * 7 & 0x8d5; /* rbp tells the flags, too */
      word[6] = number == filling->odd ? 77 : number % 50;
      word[7] = slot__begin (30);
    }
}

struct pair
{
  struct sandbox *sandbox[2];
  struct batch_side side[2];
  struct batch_shape shape;
  struct state *base;
  struct filling filling;
  uint8_t *mask;
};

static void
begin (struct pair *pair, const char *original, const char *candidate)
{
  struct why why = { 0 };
  memset (pair, 0, sizeof *pair);
  const char *text[] = { original, candidate };
  for (unsigned i = 0; i < 2; i++)
    {
      struct image *image = image__make (text[i], i);
      const struct image *images[] = { image };
      if (sandbox__open (NULL, images, 1, NULL, &pair->sandbox[i], &why) != 0)
        fail_msg ("%s", why.detail);
      image__drop (image);
      pair->side[i] = (struct batch_side) { pair->sandbox[i], 0 };
    }
  pair->base = state__make ();
  pair->shape.base = pair->base;
  pair->filling = (struct filling) { &pair->shape, ODD };
}

/* With registers of WIDTH, and an object of OBJECT bytes at the span's start.  */
static void
run (struct pair *pair, unsigned vectors, unsigned width, uint32_t object, struct batch_result *result)
{
  struct why why = { 0 };
  pair->shape.vectors_in = pair->shape.vectors_out = vectors;
  pair->shape.width_in = pair->shape.width_out = width;
  pair->shape.n_objects = object ? 1 : 0;
  pair->shape.object[0] = (struct batch_object) { slot__begin (30), object };
  free (pair->mask);
  pair->mask = malloc (batch__result_size (&pair->shape));
  batch__mask (&pair->shape, pair->mask);
  memset (pair->mask, 0xff, 8);
  if (sandbox__batch (pair->side, &pair->shape, pair->mask, fill, &pair->filling, 0, RECORDS, 100,
                      result, &why)
      != 0)
    fail_msg ("%s", why.detail);
}

static void
end (struct pair *pair)
{
  for (unsigned i = 0; i < 2; i++)
    sandbox__close (pair->sandbox[i]);
  state__drop (pair->base);
  free (pair->mask);
}

static void
check (const char *original, const char *candidate, unsigned vectors, unsigned width,
       uint32_t object, enum batch_end expected)
{
  struct pair pair;
  struct batch_result result;
  begin (&pair, original, candidate);
  run (&pair, vectors, width, object, &result);
  if (result.end != expected || result.index != (expected == BATCH_SAME ? RECORDS : ODD))
    fail_msg ("%s: ended %d at %llu", candidate, result.end, (unsigned long long) result.index);
  if (expected != BATCH_SAME)
    {
      uint64_t rsi;
      memcpy (&rsi, result.record + 48, 8);
      assert_int_equal (rsi, 77);
      free ((void *) result.record);
    }
  end (&pair);
}

#define ODDLY(TEXT) "mov %rdx, %rax\n cmp $77, %rsi\n jne 1f\n " TEXT "\n1: ret"
#define PLAIN "mov %rdx, %rax\n ret"

static void
the_same_is_the_same (void **unused)
{
  (void) unused;
  check (PLAIN, ODDLY ("nop"), 0, 0, 0, BATCH_SAME);
  check (PLAIN, "push %rbx\n mov %rdx, %rbx\n xor %ecx, %ecx\n xor %esi, %esi\n mov %rbx, %rax\n pop %rbx\n ret",
         0, 0, 0, BATCH_SAME);
  check ("mov (%rdi), %rax\n incq (%rdi)\n ret", "mov (%rdi), %rax\n lea 1(%rax), %rcx\n mov %rcx, (%rdi)\n ret",
         0, 0, 24, BATCH_SAME);
}

static void
results_differ (void **unused)
{
  (void) unused;
  check (PLAIN, ODDLY ("btc $40, %rax"), 0, 0, 0, BATCH_DIFFERENT);
  check (PLAIN, ODDLY ("inc %rbx"), 0, 0, 0, BATCH_DIFFERENT);
  check (PLAIN, ODDLY ("inc %rbp"), 0, 0, 0, BATCH_DIFFERENT);
  check (PLAIN, ODDLY ("btc $63, %r12"), 0, 0, 0, BATCH_DIFFERENT);
  check (PLAIN, ODDLY ("not %r13"), 0, 0, 0, BATCH_DIFFERENT);
  check (PLAIN, ODDLY ("mov %r14d, %r14d\n not %r14"), 0, 0, 0, BATCH_DIFFERENT);
  check (PLAIN, ODDLY ("dec %r15"), 0, 0, 0, BATCH_DIFFERENT);
}

static void
machine_state_differs (void **unused)
{
  (void) unused;
  check (PLAIN, ODDLY ("std"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("push $0x7f80\n ldmxcsr (%rsp)\n pop %rcx"), 0, 0, 0, BATCH_DIFFERENT);
  check (PLAIN, ODDLY ("fld1"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("fld1\n fincstp"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("push $0x27f\n fldcw (%rsp)\n pop %rcx"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("movd %eax, %mm0"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("push $0x40202\n popfq"), 0, 0, 0, BATCH_STOPPED);
  if (__builtin_cpu_supports ("avx2"))
    {
      check (PLAIN, ODDLY ("vpcmpeqd %ymm5, %ymm5, %ymm5"), 0, 0, 0, BATCH_DIFFERENT);
      check (PLAIN, ODDLY ("vpcmpeqd %ymm15, %ymm15, %ymm15\n vzeroupper"), 0, 0, 0, BATCH_SAME);
    }
  if (__builtin_cpu_supports ("avx512vl"))
    check (PLAIN, ODDLY ("vpternlogd $255, %zmm7, %zmm7, %zmm7\n vextracti64x4 $1, %zmm7, %ymm6\n"
                         "vpxor %xmm8, %xmm8, %xmm8\n vinserti64x4 $0, %ymm8, %zmm7, %zmm7\n"
                         "vpxor %xmm6, %xmm6, %xmm6"),
           0, 0, 0, BATCH_DIFFERENT);
}

static void
vectors_differ (void **unused)
{
  (void) unused;
  struct pair pair;
  struct batch_result result;
  static const char *const same = "mov %rdx, %rax\n paddd %xmm1, %xmm0\n ret";
  check (same, same, 8, 16, 0, BATCH_SAME);
  unsigned widest = __builtin_cpu_supports ("avx512vl") ? 64 : __builtin_cpu_supports ("avx2") ? 32 : 16;
  for (unsigned width = 16; width <= widest; width *= 2)
    {
      begin (&pair, PLAIN, ODDLY ("pxor %xmm9, %xmm9"));
      /* Only a mask's bits count.  */
      run (&pair, 16, width, 0, &result);
      assert_int_equal (result.end, BATCH_SAME);
      memset (pair.mask + 128 + 9 * width, 0xff, 16);
      struct why why;
      assert_int_equal (sandbox__batch (pair.side, &pair.shape, pair.mask, fill, &pair.filling, 0,
                                        RECORDS, 100, &result, &why),
                        0);
      assert_int_equal (result.end, BATCH_DIFFERENT);
      assert_int_equal (result.index, ODD);
      free ((void *) result.record);
      end (&pair);
    }
}

static void
runs_that_do_not_return_stop (void **unused)
{
  (void) unused;
  check (PLAIN, ODDLY ("ud2"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("mov 0, %rcx"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("2: jmp 2b"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("mov $39, %eax\n syscall"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("mov $0x18000000, %ecx\n jmp *%rcx"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("pop %rcx\n add $8, %rsp\n jmp *%rcx"), 0, 0, 0, BATCH_STOPPED);
  check (PLAIN, ODDLY ("ret $8"), 0, 0, 0, BATCH_STOPPED);
}

static void
all_memory_counts (void **unused)
{
  (void) unused;
  static const char *const plain = "mov (%rdi), %rax\n ret";
#define MEMORY(TEXT) "mov (%rdi), %rax\n cmp $77, %rsi\n jne 1f\n " TEXT "\n1: ret"
  check (plain, MEMORY ("incb 23(%rdi)"), 0, 0, 24, BATCH_DIFFERENT);
  check (plain, MEMORY ("incb 24(%rdi)"), 0, 0, 24, BATCH_STOPPED);
  check (plain, MEMORY ("incb 4095(%rdi)"), 0, 0, 24, BATCH_STOPPED);
  check (plain, MEMORY ("incb 2000(%rdi)"), 0, 0, 0, BATCH_STOPPED);
  check (plain, MEMORY ("incb 4096(%rdi)"), 0, 0, 24, BATCH_STOPPED);
  /* The caller's frame: not even where the same is written.  */
  check (plain, MEMORY ("incb 8(%rsp)"), 0, 0, 24, BATCH_STOPPED);
  check (plain, MEMORY ("mov 500(%rsp), %cl\n mov %cl, 500(%rsp)"), 0, 0, 24, BATCH_STOPPED);
  check (PLAIN, ODDLY ("incb 8(%rsp)"), 0, 0, 0, BATCH_STOPPED);
  check (plain, MEMORY ("incb -8(%rsp)"), 0, 0, 24, BATCH_SAME);
}

/* A record's bytes are there again in each run, also in spans that can't be written.  */
static void
objects_are_fresh (void **unused)
{
  (void) unused;
  static const char *const counting = "incq (%rdi)\n mov (%rdi), %rax\n incq (%rdi)\n ret";
  check (counting, "mov (%rdi), %rax\n inc %rax\n addq $2, (%rdi)\n ret", 0, 0, 8, BATCH_SAME);
  struct pair pair;
  struct batch_result result;
  begin (&pair, "mov 8(%rdi), %rax\n ret", "mov 8(%rdi), %rax\n ret");
  pair.base->span[0].protection = PROT_STATE_READ;
  run (&pair, 0, 0, 16, &result);
  assert_int_equal (result.end, BATCH_SAME);
  end (&pair);
  /* What is read is the record's: rax is its second word.  */
  begin (&pair, "mov 8(%rdi), %rax\n ret", "mov 8(%rdi), %rax\n cmp $77, %rsi\n sete %cl\n movzbl %cl, %ecx\n xor %rcx, %rax\n ret");
  pair.base->span[0].protection = PROT_STATE_READ;
  run (&pair, 0, 0, 16, &result);
  assert_int_equal (result.end, BATCH_DIFFERENT);
  assert_int_equal (result.index, ODD);
  free ((void *) result.record);
  end (&pair);
}

/* The record where a batch ended, run the ordinary way, ends so too; ordinary runs and batches take turns.  */
static void
records_become_states (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct pair pair;
  struct batch_result result;
  begin (&pair, "lea (%rdx,%rsi), %rax\n add %r8, (%rdi)\n ret",
         "lea (%rdx,%rsi), %rax\n add %r8, (%rdi)\n cmp $77, %rsi\n jne 1f\n incb 100(%rdi)\n1: ret");
  struct state *state = state__make ();
  struct outcome *outcome = calloc (2, sizeof *outcome);
  for (unsigned turn = 0; turn < 3; turn++)
    {
      run (&pair, 4, 16, 16, &result);
      assert_int_equal (result.end, BATCH_STOPPED);
      assert_int_equal (result.index, ODD);
      batch__state (&pair.shape, result.record, 9, state);
      for (unsigned i = 0; i < 2; i++)
        assert_int_equal (sandbox__run (pair.sandbox[i], 0, (const struct state *const *) &state,
                                        &outcome[i], 1, 100, &why),
                          0);
      for (unsigned i = 0; i < 2; i++)
        {
          assert_int_equal (outcome[i].status, RUN_RETURNED);
          assert_false (outcome[i].caller_frame_changed);
          uint64_t word[4];
          memcpy (word, result.record, 32);
          assert_int_equal (outcome[i].machine.gpr[0], word[2] + 77);
        }
      assert_int_equal ((uint8_t) (outcome[0].span_bytes[0][100] + 1), outcome[1].span_bytes[0][100]);
      uint64_t sum, first, r8;
      memcpy (&sum, outcome[0].span_bytes[0], 8);
      memcpy (&first, result.record + batch__object_in (&pair.shape, 0), 8);
      memcpy (&r8, result.record + 64, 8);
      assert_int_equal (sum, first + r8);
      free ((void *) result.record);
    }
  free (outcome);
  state__drop (state);
  end (&pair);
}

static void
flags_go_in_and_out (void **unused)
{
  (void) unused;
  struct pair pair;
  struct batch_result result;
  struct why why = { 0 };
  begin (&pair, "mov %rdx, %rax\n ret", "mov %rdx, %rax\n pushfq\n pop %rcx\n push %rcx\n popfq\n ret");
  run (&pair, 0, 0, 0, &result);
  uint64_t flags = 0x8d5;
  memcpy (pair.mask + 32, &flags, 8);
  assert_int_equal (sandbox__batch (pair.side, &pair.shape, pair.mask, fill, &pair.filling, 0,
                                    RECORDS, 100, &result, &why),
                    0);
  assert_int_equal (result.end, BATCH_SAME);
  end (&pair);
  /* Each flag as it is in the record, seen by the function itself.  */
  begin (&pair, "mov %rbp, %rax\n ret", "pushfq\n pop %rax\n and $0x8d5, %eax\n ret");
  run (&pair, 0, 0, 0, &result);
  assert_int_equal (result.end, BATCH_SAME);
  end (&pair);
}

static void
code_is_replaced (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct image *image[4] = { image__make ("mov $1, %eax\n ret", 0), image__make ("mov $2, %eax\n ret", 0),
                             image__make ("1: jmp 1b", 0), image__make ("mov $39, %eax\n syscall", 0) };
  const struct image *images[] = { image[0] };
  struct sandbox *sandbox;
  struct state *state = state__make ();
  struct outcome *outcome = calloc (1, sizeof *outcome);
  assert_int_equal (sandbox__open (NULL, images, 1, NULL, &sandbox, &why), 0);
  for (unsigned i = 0; i < 200; i++)
    {
      unsigned which = i % 20 == 19 ? 3 : i % 10 == 9 ? 2 : i % 2;
      assert_int_equal (sandbox__replace (sandbox, 0, image[which], &why), 0);
      assert_int_equal (sandbox__run (sandbox, 0, (const struct state *const *) &state, outcome, 1,
                                      20, &why),
                        0);
      static const enum run_status expected[] = { RUN_RETURNED, RUN_RETURNED, RUN_TIMEOUT, RUN_DIED };
      assert_int_equal (outcome->status, expected[which]);
      if (which < 2)
        assert_int_equal (outcome->machine.gpr[0], which + 1);
    }
  free (outcome);
  state__drop (state);
  sandbox__close (sandbox);
  for (unsigned i = 0; i < 4; i++)
    image__drop (image[i]);
}

static void
bad_shapes_are_refused (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct pair pair;
  struct batch_result result;
  begin (&pair, PLAIN, PLAIN);
  run (&pair, 0, 0, 16, &result);
  static const struct batch_object bad[] = { { 0, 8 }, { 0x1b000000, 8 } };
  for (unsigned i = 0; i < 5; i++)
    {
      struct batch_shape shape = pair.shape;
      if (i < 2)
        shape.object[0] = bad[i];
      else if (i == 2)
        shape.object[0] = (struct batch_object) { slot__begin (30) + 4090, 16 };
      else if (i == 3)
        shape.vectors_in = 17, shape.width_in = 16;
      else
        shape.vectors_out = 1, shape.width_out = 24;
      assert_int_equal (sandbox__batch (pair.side, &shape, pair.mask, fill, &pair.filling, 0, 10, 100,
                                        &result, &why),
                        -1);
    }
  end (&pair);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (the_same_is_the_same),
    cmocka_unit_test (results_differ),
    cmocka_unit_test (machine_state_differs),
    cmocka_unit_test (vectors_differ),
    cmocka_unit_test (runs_that_do_not_return_stop),
    cmocka_unit_test (all_memory_counts),
    cmocka_unit_test (objects_are_fresh),
    cmocka_unit_test (records_become_states),
    cmocka_unit_test (flags_go_in_and_out),
    cmocka_unit_test (code_is_replaced),
    cmocka_unit_test (bad_shapes_are_refused),
  };
  return cmocka_run_group_tests_name ("sandbox-batch", tests, NULL, NULL);
}
