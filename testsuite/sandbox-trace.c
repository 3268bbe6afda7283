/* A followed run tells exactly which bytes a function touches, and what it executed.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "testsuite/sandbox-fixture.h"

#define PAGE slot__begin (30)

/* One function, assembled and decoded by the project's own means, in a sandbox.  */
struct fixture
{
  struct arena *arena;
  struct sandbox *sandbox;
  struct decoded *decoded;
  struct image *image;
  struct state *state;
  struct trace trace;
};

static struct fixture
start (const char *body)
{
  struct fixture f = { .arena = arena__new () };
  struct why why = { 0 };
  struct code *code;
  struct object *object;
  struct layout *layout;
  struct region region = { .arena = f.arena, .function = "f" };
  char *text = arena__printf (f.arena,
                              "\t.text\n\t.globl\tf\n\t.type\tf, @function\nf:\n\t%s\n\t.size\tf, .-f\n",
                              body);
  if (code__parse (f.arena, text, strlen (text), "f", NULL, 0, false, &code, &why) != 0
      || object__assemble (f.arena, code, &object, &why) != 0
      || object__decode (f.arena, object, code, &f.decoded, &why) != 0
      || layout__new (f.arena, &region, false, &layout, &why) != 0
      || image__link (f.arena, &region, layout, object, f.decoded, 0, &f.image, &why) != 0)
    fail_msg ("%s: %s: %s", body, reason__slug (why.reason), why.detail);
  const struct image *images[] = { f.image };
  if (sandbox__open (&region, images, 1, NULL, &f.sandbox, &why) != 0)
    fail_msg ("%s", why.detail);
  f.state = state__make ();
  return f;
}

static void
follow (struct fixture *f)
{
  struct why why = { 0 };
  trace__free (&f->trace);
  if (sandbox__trace (f->sandbox, 0, f->state, 100000, &f->trace, &why) != 0)
    fail_msg ("%s", why.detail);
}

static void
finish (struct fixture *f)
{
  trace__free (&f->trace);
  sandbox__close (f->sandbox);
  state__drop (f->state);
  arena__free (f->arena);
}

#define READ(I, OFFSET, SIZE)                                                                     \
  do                                                                                              \
    {                                                                                             \
      assert_true (f.trace.footprint.n_reads > (I));                                              \
      assert_int_equal (f.trace.footprint.read[I].address, PAGE + (OFFSET));                      \
      assert_int_equal (f.trace.footprint.read[I].size, SIZE);                                    \
    }                                                                                             \
  while (0)
#define WRITE(I, OFFSET, SIZE)                                                                    \
  do                                                                                              \
    {                                                                                             \
      assert_true (f.trace.footprint.n_writes > (I));                                             \
      assert_int_equal (f.trace.footprint.write[I].address, PAGE + (OFFSET));                     \
      assert_int_equal (f.trace.footprint.write[I].size, SIZE);                                   \
    }                                                                                             \
  while (0)
#define COUNTS(READS, WRITES)                                                                     \
  do                                                                                              \
    {                                                                                             \
      assert_true (f.trace.complete);                                                             \
      assert_int_equal (f.trace.footprint.n_reads, READS);                                        \
      assert_int_equal (f.trace.footprint.n_writes, WRITES);                                      \
    }                                                                                             \
  while (0)

static void
scalar_accesses (void **unused)
{
  (void) unused;
  struct fixture f = start ("movl 8(%rdi), %eax\n\tmovb %al, 100(%rdi)\n\taddw $1, 200(%rdi,%rsi,2)\n\t"
                            "push %rbx\n\tpop %rbx\n\tmovq %rax, -24(%rsp)\n\tret");
  f.state->machine.gpr[6] = 3;
  follow (&f);
  assert_int_equal (f.trace.status, RUN_RETURNED);
  COUNTS (2, 2);
  READ (0, 8, 4);
  READ (1, 206, 2);
  WRITE (0, 100, 1);
  WRITE (1, 206, 2);
  assert_int_equal (f.trace.steps, 7);
  finish (&f);
}

static void
neighbours_merge (void **unused)
{
  (void) unused;
  struct fixture f = start ("xorl %eax, %eax\n.L1:\n\tmovb (%rdi,%rax), %cl\n\tmovb %cl, 512(%rdi,%rax)\n\t"
                            "incq %rax\n\tcmpq %rsi, %rax\n\tjne .L1\n\tret");
  f.state->machine.gpr[6] = 300;
  follow (&f);
  COUNTS (1, 1);
  READ (0, 0, 300);
  WRITE (0, 512, 300);
  assert_int_equal (f.trace.executed[0], 1);
  assert_int_equal (f.trace.executed[1], 300);
  assert_int_equal (f.trace.branch[5], 3);
  f.state->machine.gpr[6] = 1;
  follow (&f);
  READ (0, 0, 1);
  assert_int_equal (f.trace.branch[5], 2);
  finish (&f);
}

static void
stack_arguments_count (void **unused)
{
  (void) unused;
  struct fixture f = start ("movq 24(%rsp), %rax\n\tmovq (%rax), %rax\n\tret");
  f.state->stack_bytes = 24;
  uint64_t address = PAGE + 24;
  memcpy (f.state->stack_argument + 16, &address, 8);
  follow (&f);
  COUNTS (2, 0);
  READ (0, 24, 8);
  assert_int_equal (f.trace.footprint.read[1].size, 8);
  assert_true (f.trace.footprint.read[1].address - SANDBOX_STACK_BASE < SANDBOX_STACK_SIZE);
  finish (&f);
}

static void
string_instructions (void **unused)
{
  (void) unused;
  static const struct { const char *text; unsigned count; uint64_t rsi, rdi; int reads, writes; } cases[] = {
    { "rep movsb\n\tret", 37, 0, 1000, 37, 37 },
    { "rep movsq\n\tret", 5, 0, 1000, 40, 40 },
    { "rep stosl\n\tret", 7, 0, 1000, 0, 28 },
    { "repne scasb\n\tret", 9, 0, 0, 9, 0 },
    { "rep movsb\n\tret", 0, 0, 1000, 0, 0 },
    { "movsw\n\tret", 44, 0, 1000, 2, 2 },
    { "repe cmpsb\n\tret", 9, 0, 1000, 1, 0 },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct fixture f = start (cases[i].text);
      f.state->machine.gpr[0] = 0xff; /* not in the first bytes of the pattern */
      f.state->machine.gpr[1] = cases[i].count;
      f.state->machine.gpr[6] = PAGE + cases[i].rsi;
      f.state->machine.gpr[7] = PAGE + cases[i].rdi;
      follow (&f);
      assert_int_equal (f.trace.status, RUN_RETURNED);
      assert_true (f.trace.complete);
      uint64_t reads = f.trace.footprint.n_reads ? f.trace.footprint.read[0].size : 0;
      uint64_t writes = f.trace.footprint.n_writes ? f.trace.footprint.write[0].size : 0;
      assert_int_equal (reads, cases[i].reads);
      assert_int_equal (writes, cases[i].writes);
      if (writes)
        WRITE (0, 1000, cases[i].writes);
      assert_int_equal (f.trace.executed[0], 1);
      finish (&f);
    }
  struct fixture f = start ("std\n\trep movsb\n\tcld\n\tret");
  f.state->machine.gpr[1] = 10;
  f.state->machine.gpr[6] = PAGE + 109;
  f.state->machine.gpr[7] = PAGE + 209;
  follow (&f);
  COUNTS (1, 1);
  READ (0, 100, 10);
  WRITE (0, 200, 10);
  finish (&f);
}

static void
masked_vectors (void **unused)
{
  (void) unused;
  if (!__builtin_cpu_supports ("avx512vl") || !__builtin_cpu_supports ("avx512bw"))
    skip ();
  {
    struct fixture f = start ("vmovdqu8 (%rdi), %zmm0{%k1}{z}\n\tvmovdqu32 %ymm0, 256(%rdi){%k2}\n\t"
                              "vzeroupper\n\tret");
    f.state->machine.mask[1] = 0xf0ff;
    f.state->machine.mask[2] = 0xff81;
    follow (&f);
    COUNTS (2, 2);
    READ (0, 0, 8);
    READ (1, 12, 4);
    WRITE (0, 256, 4);
    WRITE (1, 284, 4);
    finish (&f);
  }
  {
    struct fixture f = start ("vpcompressd %zmm0, (%rdi){%k1}\n\tvaddpd 512(%rdi){1to8}, %zmm0, %zmm0\n\t"
                              "vpmovdb %zmm0, 1024(%rdi){%k1}\n\tvzeroupper\n\tret");
    f.state->machine.mask[1] = 0x8421;
    follow (&f);
    COUNTS (1, 5);
    READ (0, 512, 8);
    WRITE (0, 0, 16);
    WRITE (1, 1024, 1);
    WRITE (2, 1029, 1);
    WRITE (3, 1034, 1);
    WRITE (4, 1039, 1);
    finish (&f);
  }
  /* A mask of nothing touches nothing, not even unmapped memory.  */
  struct fixture f = start ("vmovdqu8 -4096(%rdi), %zmm0{%k1}{z}\n\tvzeroupper\n\tret");
  follow (&f);
  assert_int_equal (f.trace.status, RUN_RETURNED);
  COUNTS (0, 0);
  finish (&f);
}

static void
gathers_and_scatters (void **unused)
{
  (void) unused;
  if (!__builtin_cpu_supports ("avx512vl") || !__builtin_cpu_supports ("avx512dq"))
    skip ();
  {
    struct fixture f = start ("vpgatherdd 8(%rdi,%zmm17,4), %zmm0{%k1}\n\tvzeroupper\n\tret");
    f.state->machine.mask[1] = 0x8005;
    int32_t index[16] = { [0] = 10, [1] = 99999999, [2] = -2, [15] = 100 };
    memcpy (f.state->machine.vec[17], index, 64);
    follow (&f);
    assert_int_equal (f.trace.status, RUN_RETURNED);
    COUNTS (3, 0);
    READ (0, 0, 4);
    READ (1, 48, 4);
    READ (2, 408, 4);
    finish (&f);
  }
  {
    struct fixture f = start ("vpgatherqq %ymm2, (%rdi,%ymm1,8), %ymm0\n\tvzeroupper\n\tret");
    int64_t index[4] = { 1, 2, 1 << 20, 40 };
    int64_t mask[4] = { -1, -1, 0, INT64_MIN };
    memcpy (f.state->machine.vec[1], index, 32);
    memcpy (f.state->machine.vec[2], mask, 32);
    follow (&f);
    COUNTS (2, 0);
    READ (0, 8, 16);
    READ (1, 320, 8);
    finish (&f);
  }
  struct fixture f = start ("vscatterqps %xmm0, (%rdi,%ymm1){%k2}\n\tvzeroupper\n\tret");
  int64_t index[4] = { 100, 7, 300, 3000 };
  f.state->machine.mask[2] = 0xfd;
  memcpy (f.state->machine.vec[1], index, 32);
  follow (&f);
  COUNTS (0, 3);
  WRITE (0, 100, 4);
  WRITE (1, 300, 4);
  WRITE (2, 3000, 4);
  finish (&f);
}

static void
vector_masks_of_avx2 (void **unused)
{
  (void) unused;
  if (!__builtin_cpu_supports ("avx2"))
    skip ();
  struct fixture f = start ("vmaskmovps %ymm0, %ymm1, (%rdi)\n\tvpmaskmovq 2048(%rdi), %xmm1, %xmm2\n\t"
                            "vzeroupper\n\tret");
  int32_t mask[8] = { -1, 0, 0, INT32_MIN, 0, 0, 0, -1 };
  memcpy (f.state->machine.vec[1], mask, 32);
  follow (&f);
  COUNTS (1, 3);
  READ (0, 2056, 8);
  WRITE (0, 0, 4);
  WRITE (1, 12, 4);
  WRITE (2, 28, 4);
  finish (&f);
}

/* A fault's own access doesn't count, what came before does.  */
static void
faults_end_a_trace (void **unused)
{
  (void) unused;
  struct fixture f = start ("movb $1, (%rdi)\n\tmovb $1, 4096(%rdi)\n\tret");
  follow (&f);
  assert_int_equal (f.trace.status, RUN_TRAPPED);
  COUNTS (0, 1);
  WRITE (0, 0, 1);
  assert_int_equal (f.trace.executed[1], 1);
  assert_int_equal (f.trace.executed[2], 0);
  finish (&f);
}

static void
the_step_limit_holds (void **unused)
{
  (void) unused;
  struct fixture f = start (".L1:\n\tincq %rax\n\tjmp .L1");
  follow (&f);
  assert_int_equal (f.trace.status, RUN_TIMEOUT);
  assert_false (f.trace.complete);
  assert_int_equal (f.trace.why.reason, REASON_FOOTPRINT);
  assert_int_equal (f.trace.steps, 100000);
  finish (&f);
}

/* Calls run at full speed, and following goes on after them; deep stacks work.  */
static void
calls_are_stepped_over (void **unused)
{
  (void) unused;
  struct fixture f = start ("pushq %rbx\n\tmovq %rdi, %rbx\n\tmovl $0x18000000, %eax\n\tcall *%rax\n\t"
                            "movb $1, 5(%rbx)\n\tsubq $60000, %rsp\n\tmovq %rbx, (%rsp)\n\taddq $60000, %rsp\n\tpopq %rbx\n\tret");
  follow (&f);
  assert_int_equal (f.trace.status, RUN_RETURNED);
  COUNTS (0, 1);
  WRITE (0, 5, 1);
  assert_int_equal (f.trace.steps, 10);
  /* And ordinary runs afterwards aren't stepped.  */
  struct why why = { 0 };
  struct outcome *outcome = calloc (1, sizeof *outcome);
  const struct state *states[] = { f.state };
  assert_int_equal (sandbox__run (f.sandbox, 0, states, outcome, 1, 100, &why), 0);
  assert_int_equal (outcome->status, RUN_RETURNED);
  assert_int_equal (outcome->n_events, 1);
  assert_false (outcome->machine.rflags & 0x100);
  free (outcome);
  finish (&f);
}

/* Below the red zone memory isn't the function's, however the address is made.  */
static void
below_the_red_zone_is_not_followed (void **unused)
{
  (void) unused;
  static const struct { const char *text; bool complete; } cases[] = {
    { "movq %rax, -128(%rsp)\n\tret", true },
    { "movq %rax, -136(%rsp)\n\tret", false },
    { "movq $-17, %rcx\n\tmovq %rax, (%rsp,%rcx,8)\n\tret", false },
    { "movl $16, %ecx\n\tmovq %rax, -256(%rsp,%rcx,8)\n\tret", true },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct fixture f = start (cases[i].text);
      follow (&f);
      assert_int_equal (f.trace.status, RUN_RETURNED);
      assert_int_equal (f.trace.complete, cases[i].complete);
      finish (&f);
    }
}

/* Accesses all over the page come out sorted and disjoint.  */
static void
scattered_accesses (void **unused)
{
  (void) unused;
  struct fixture f = start ("xorl %eax, %eax\n\tmovl $2000, %ecx\n.L1:\n\timulq $40, %rax, %rdx\n\t"
                            "andl $4092, %edx\n\tmovb $1, (%rdi,%rdx)\n\taddq $7, %rax\n\tdecl %ecx\n\t"
                            "jnz .L1\n\tret");
  follow (&f);
  assert_true (f.trace.complete);
  assert_true (f.trace.footprint.n_writes > 50);
  for (unsigned i = 1; i < f.trace.footprint.n_writes; i++)
    assert_true (f.trace.footprint.write[i - 1].address + f.trace.footprint.write[i - 1].size
                 < f.trace.footprint.write[i].address);
  finish (&f);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (scalar_accesses),
    cmocka_unit_test (neighbours_merge),
    cmocka_unit_test (stack_arguments_count),
    cmocka_unit_test (string_instructions),
    cmocka_unit_test (masked_vectors),
    cmocka_unit_test (gathers_and_scatters),
    cmocka_unit_test (vector_masks_of_avx2),
    cmocka_unit_test (faults_end_a_trace),
    cmocka_unit_test (the_step_limit_holds),
    cmocka_unit_test (calls_are_stepped_over),
    cmocka_unit_test (below_the_red_zone_is_not_followed),
    cmocka_unit_test (scattered_accesses),
  };
  return cmocka_run_group_tests_name ("sandbox-trace", tests, NULL, NULL);
}
