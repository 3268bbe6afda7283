/* Instrumented code tells the same as single-stepping: which bytes are touched, what was executed,
   which ways branches went; and the function answers as it does without.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sandbox/instrument.h"
#include "testsuite/sandbox-fixture.h"
#include <time.h>

#define PAGE slot__begin (30)

/* One function with and without instruments, in one sandbox.  */
struct fixture
{
  struct arena *arena;
  struct sandbox *sandbox;
  struct code *code;
  struct decoded *decoded;
  struct instrument *instrument;
  struct state *state;
};

static bool
host_has (const char *needs)
{
  if (strcmp (needs, "avx2") == 0)
    return __builtin_cpu_supports ("avx2");
  if (strcmp (needs, "avx512") == 0)
    return __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512vl")
           && __builtin_cpu_supports ("avx512dq");
  return true;
}

/* -1 where the code can't be instrumented.  */
static int
start (struct fixture *f, const char *body, const char *data)
{
  struct why why = { 0 };
  struct object *object;
  struct layout *layout;
  struct image *image, *instrumented;
  *f = (struct fixture){ .arena = arena__new () };
  struct callee *callee = ARENA_NEW (f->arena, struct callee);
  callee->name = "g";
  struct global *global = ARENA_NEW (f->arena, struct global);
  global->name = "global";
  global->size = 4096;
  global->align = 64;
  struct region region = { .arena = f->arena,
                           .function = "f",
                           .n_callees = 1,
                           .callee = callee,
                           .n_globals = 1,
                           .global = global };
  char *text
      = arena__printf (f->arena,
                       "\t.text\n\t.globl\tf\n\t.type\tf, @function\nf:\n\t%s\n\t.size\tf, .-f\n"
                       "%s%s",
                       body, *data ? "\t.section\t.rodata\n\t.align 64\n" : "", data);
  if (code__parse (f->arena, text, strlen (text), "f", NULL, 0, false, &f->code, &why) != 0
      || object__assemble (f->arena, f->code, &object, &why) != 0
      || object__decode (f->arena, object, f->code, &f->decoded, &why) != 0
      || layout__new (f->arena, &region, false, &layout, &why) != 0
      || image__link (f->arena, &region, layout, object, f->decoded, 0, &image, &why) != 0)
    fail_msg ("%s: %s: %s", body, reason__slug (why.reason), why.detail);
  if (instrument__new (f->arena, f->code, f->decoded, &f->instrument, &why) != 0)
    {
      assert_int_equal (why.reason, REASON_UNMODELLED);
      return -1;
    }
  if (instrument__link (f->arena, &region, layout, f->instrument, 2, &instrumented, &why) != 0)
    fail_msg ("%s: %s: %s", body, reason__slug (why.reason), why.detail);
  const struct image *images[] = { image, instrumented };
  if (sandbox__open (&region, images, 2, NULL, &f->sandbox, &why) != 0)
    fail_msg ("%s", why.detail);
  f->state = state__make ();
  struct state *s = f->state;
  /* The object is in the middle of its page, and there is another one for the global.  */
  s->n_spans = 2;
  s->span[1] = s->span[0];
  s->span[0].address = slot__begin (0);
  s->span[0].bytes = calloc (1, SANDBOX_PAGE);
  for (unsigned i = 0; i < SANDBOX_PAGE; i++)
    s->span[0].bytes[i] = (uint8_t)(i % 251);
  s->machine.gpr[7] = PAGE + 512;
  s->machine.gpr[6] = PAGE + 2048;
  s->machine.gpr[2] = 100;
  s->machine.rflags = 0x8d5;
  for (unsigned i = 0; i < 16; i++)
    for (unsigned k = 0; k < 4; k++)
      {
        uint32_t word = (i * 4 + k) * 8 % 200;
        memcpy (s->machine.vec[i] + 4 * k, &word, 4);
      }
  return 0;
}

static void
finish (struct fixture *f)
{
  if (f->sandbox)
    {
      sandbox__close (f->sandbox);
      state__drop (f->state);
    }
  arena__free (f->arena);
}

static void
same_list (const char *body, unsigned n, const void *list, unsigned n_other, const void *other)
{
  const struct
  {
    uint64_t address, size;
  } *a = list, *b = other;
  if (n == n_other && memcmp (a, b, n * sizeof *a) == 0)
    return;
  for (unsigned i = 0; i < n; i++)
    print_message ("stepped      %llx+%llu\n", (unsigned long long)a[i].address,
                   (unsigned long long)a[i].size);
  for (unsigned i = 0; i < n_other; i++)
    print_message ("instrumented %llx+%llu\n", (unsigned long long)b[i].address,
                   (unsigned long long)b[i].size);
  fail_msg ("%s: other ranges", body);
}

/* Runs F all three ways and compares.  */
static void
compare (struct fixture *f, const char *body)
{
  struct why why = { 0 };
  struct trace stepped, followed;
  struct outcome *plain = calloc (2, sizeof *plain);
  const struct state *states[] = { f->state };
  assert_int_equal (sandbox__trace (f->sandbox, 0, f->state, 100000, &stepped, &why), 0);
  assert_true (stepped.complete);
  assert_int_equal (sandbox__run (f->sandbox, 0, states, &plain[0], 1, 1000, &why), 0);
  uint8_t *final[2];
  for (unsigned i = 0; i < 2; i++)
    {
      final[i] = malloc (SANDBOX_PAGE);
      memcpy (final[i], plain[0].span_bytes[i], SANDBOX_PAGE);
    }
  assert_int_equal (
      sandbox__follow (f->sandbox, f->instrument, states, &followed, &plain[1], 1, 1000, &why), 0);
  if (!followed.complete || plain[0].status != plain[1].status)
    fail_msg ("%s: %s, status %d, %d, signal %d at %llx", body, followed.why.detail,
              plain[0].status, plain[1].status, plain[1].signal,
              (unsigned long long)plain[1].fault_rip);
  for (unsigned i = 0; i < 2; i++)
    {
      assert_memory_equal (final[i], plain[1].span_bytes[i], SANDBOX_PAGE);
      free (final[i]);
    }
  /* Addresses in the code itself differ, of course.  */
  for (unsigned i = 0; i < 16; i++)
    if (plain[0].machine.gpr[i] - SANDBOX_CODE_BASE >= SANDBOX_CODE_STRIDE)
      assert_int_equal (plain[0].machine.gpr[i], plain[1].machine.gpr[i]);
  assert_memory_equal (&plain[0].machine.vec, &plain[1].machine.vec, sizeof plain[0].machine.vec);
  assert_memory_equal (&plain[0].machine.mask, &plain[1].machine.mask,
                       sizeof plain[0].machine.mask);
  assert_int_equal (plain[0].machine.rflags, plain[1].machine.rflags);
  assert_int_equal (plain[0].n_events, plain[1].n_events);
  assert_memory_equal (plain[0].event, plain[1].event, plain[0].n_events * sizeof *plain[0].event);
  for (unsigned i = 0; i < f->decoded->n_insns; i++)
    {
      unsigned item = f->decoded->insn[i].item;
      if (item >= f->code->n_items || f->code->item[item].kind != ITEM_INSN)
        continue;
      if (!stepped.executed[i] != !followed.executed[i] || stepped.branch[i] != followed.branch[i])
        fail_msg ("%s: instruction %u (%s): %u %u, ways %u %u", body, i,
                  f->decoded->insn[i].mnemonic, stepped.executed[i], followed.executed[i],
                  stepped.branch[i], followed.branch[i]);
    }
  same_list (body, stepped.footprint.n_reads, stepped.footprint.read, followed.footprint.n_reads,
             followed.footprint.read);
  same_list (body, stepped.footprint.n_writes, stepped.footprint.write, followed.footprint.n_writes,
             followed.footprint.write);
  trace__free (&stepped);
  trace__free (&followed);
  free (plain);
}

static const struct
{
  const char *needs, *body, *data;
} functions[] = {
  { "", "popcntl 4(%rdi), %eax\n\tpopcntq 8(%rsi), %rdx\n\taddl %edx, %eax\n\tret", "" },
  { "", "movl (%rdi), %eax\n\tmovb %al, 7(%rdi,%rdx,4)\n\taddq %rcx, 64(%rsi)\n\tret", "" },
  /* Flags live across accesses, rax and rcx as base and index.  */
  { "",
    "movq %rdi, %rax\n\tmovq %rdx, %rcx\n\tcmpq %rcx, %rdx\n\tmovq (%rax,%rcx,8), %rcx\n\tmovq "
    "%rcx, 8(%rax)\n\t"
    "sete (%rdi)\n\tsetc 1(%rdi)\n\tadcq $0, %rax\n\tpushfq\n\tpopq %rdx\n\tret",
    "" },
  /* The red zone.  */
  { "",
    "movq %rdi, -8(%rsp)\n\tmovq %rsi, -128(%rsp)\n\tmovq $5, -64(%rsp)\n\tmovq -8(%rsp), %rax\n\t"
    "addq -128(%rsp), %rax\n\tret",
    "" },
  { "",
    "pushq %rbx\n\tpushq %rbp\n\tmovq %rsp, %rbp\n\tsubq $64, %rsp\n\tmovq %rdi, -24(%rbp)\n\tmovq "
    "-24(%rbp), %rbx\n\t"
    "pushq (%rbx)\n\tpopq %rax\n\tmovq %rax, 8(%rbx)\n\tleave\n\tpopq %rbx\n\tret",
    "" },
  /* A loop, a branch that is never taken, one that always is.  */
  { "",
    "xorl %eax, %eax\n\tcmpq $1000, %rdx\n\tja .L9\n.L2:\n\tmovzbl (%rdi,%rax), %ecx\n\tmovb %cl, "
    "(%rsi,%rax)\n\t"
    "addq $1, %rax\n\tcmpq %rdx, %rax\n\tjne .L2\n\ttestq %rax, %rax\n\tjne "
    ".L4\n\tnop\n.L9:\n\txorl %eax, %eax\n.L4:\n\tret",
    "" },
  /* A jump table.  */
  { "",
    "andl $3, %edx\n\tleaq .Lt(%rip), %rax\n\tmovslq (%rax,%rdx,4), %rdx\n\taddq %rax, %rdx\n\tjmp "
    "*%rdx\n.L0:\n\tmovl (%rdi), %eax\n\tret\n"
    ".L1:\n\tmovl 4(%rdi), %eax\n\tret\n.L2:\n\tmovl 8(%rdi), %eax\n\tret\n.L3:\n\tmovl 12(%rdi), "
    "%eax\n\tret",
    ".Lt:\n\t.long .L0-.Lt\n\t.long .L1-.Lt\n\t.long .L2-.Lt\n\t.long .L3-.Lt\n" },
  /* Calls.  */
  { "",
    "pushq %rbx\n\tmovq %rdi, %rbx\n\tmovl $3, %edx\n\tcall g\n\tmovl %eax, (%rbx)\n\taddl $1, "
    "4(%rbx)\n\tmovq %rbx, %rdi\n\t"
    "call g\n\tmovl %eax, 16(%rbx)\n\tpopq %rbx\n\tjmp g",
    "" },
  /* Strings.  */
  { "", "movq %rdx, %rcx\n\trep movsb\n\tret", "" },
  { "", "movq %rdx, %rcx\n\tshrq $2, %rcx\n\tmovl $7, %eax\n\trep stosl\n\tstosb\n\tlodsb\n\tret",
    "" },
  { "", "movq %rdx, %rcx\n\tmovb 5(%rdi), %al\n\trepne scasb\n\tsete %al\n\tret", "" },
  { "", "movq %rdx, %rcx\n\trepe cmpsb\n\tsete %al\n\tret", "" },
  { "", "xorl %ecx, %ecx\n\trep movsq\n\tret", "" },
  /* Read-modify-write, locked, exchanged.  */
  { "",
    "lock xaddq %rax, (%rdi)\n\txchgq %rdx, 8(%rdi)\n\tlock cmpxchgq %rsi, 16(%rdi)\n\tbtsq $3, "
    "24(%rdi)\n\tret",
    "" },
  /* Globals.  */
  { "",
    "movl global(%rip), %eax\n\tmovl %eax, global+128(%rip)\n\tmovl global(,%rdx,4), %eax\n\taddl "
    "%eax, global+2048(%rip)\n\tret",
    "" },
  { "", "movq global@GOTPCREL(%rip), %rax\n\taddl $5, 64(%rax)\n\tret", "" },
  /* Own constants.  */
  { "", "movaps .Lc(%rip), %xmm0\n\tpaddd .Lc(%rip), %xmm0\n\tmovups %xmm0, (%rdi)\n\tret",
    ".Lc:\n\t.long 1\n\t.long 2\n\t.long 3\n\t.long 4\n" },
  { "",
    "movss (%rdi), %xmm0\n\tcvtsi2sdl 4(%rdi), %xmm1\n\tmovhps %xmm1, 8(%rdi)\n\tmovlps 16(%rdi), "
    "%xmm1\n\tpextrw $1, %xmm1, 32(%rdi)\n\tret",
    "" },
  { "", "prefetcht0 100000(%rdi)\n\tflds (%rdi)\n\tfstpl 8(%rdi)\n\tret", "" },
  { "avx2",
    "vmovdqu (%rdi), %ymm0\n\tvpaddd 32(%rsi), %ymm0, %ymm0\n\tvmovdqu %ymm0, "
    "64(%rdi)\n\tvzeroupper\n\tret",
    "" },
  { "avx2",
    "vpcmpeqd %ymm3, %ymm3, %ymm3\n\tvpsrlq $32, %ymm3, %ymm3\n\tvpsllq $40, %ymm3, "
    "%ymm3\n\tvmaskmovps (%rdi), %ymm3, %ymm1\n\tvmaskmovps %ymm1, %ymm3, 256(%rdi)\n\tvpmaskmovq "
    "640(%rdi), %xmm3, %xmm2\n\tvzeroupper\n\tret",
    "" },
  { "avx2",
    "vpcmpeqd %ymm3, %ymm3, %ymm3\n\tvpgatherdd %ymm3, 4(%rdi,%ymm2,2), %ymm1\n\tvpcmpeqd %ymm3, "
    "%ymm3, %ymm3\n\tvpgatherdq %ymm3, (%rdi,%xmm4), %ymm1\n\tvmovdqu %ymm1, "
    "(%rdi)\n\tvzeroupper\n\tret",
    "" },
  { "avx512",
    "movl $0x5a5, %eax\n\tkmovd %eax, %k1\n\tvmovdqu32 (%rdi), %zmm1{%k1}{z}\n\tvmovdqu32 %zmm1, "
    "1024(%rdi){%k1}\n\tvpaddd 192(%rdi){1to16}, %zmm1, %zmm2{%k1}\n\t"
    "vpcompressd %zmm2, 128(%rsi){%k1}\n\tvpexpandd 512(%rsi), %zmm17{%k1}{z}\n\tvmovdqu8 %zmm17, "
    "900(%rsi)\n\tvzeroupper\n\tret",
    "" },
  { "avx512",
    "movl $0xff35, %eax\n\tkmovd %eax, %k2\n\tvpmovzxbd %xmm2, %zmm20\n\tvpgatherdd "
    "(%rdi,%zmm20,4), %zmm21{%k2}\n\tkmovd %eax, %k2\n\tvpscatterdd %zmm21, "
    "64(%rdi,%zmm20,8){%k2}\n\t"
    "movl $5, %eax\n\tkmovd %eax, %k2\n\tvpgatherdd (%rdi,%xmm2,4), "
    "%xmm22{%k2}\n\tvzeroupper\n\tret",
    "" },
};

static void
test_same (void **data)
{
  (void)data;
  for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++)
    {
      struct fixture f;
      if (!host_has (functions[i].needs))
        continue;
      if (start (&f, functions[i].body, functions[i].data) != 0)
        fail_msg ("%s: can't be instrumented", functions[i].body);
      compare (&f, functions[i].body);
      finish (&f);
    }
}

/* What can't be followed so is refused.  */
static void
test_refused (void **data)
{
  (void)data;
  static const char *const bodies[]
      = { "popq 8(%rsp)\n\tret", "std\n\tmovsb\n\tcld\n\tret", "movq %fs:40, %rax\n\tret" };
  for (unsigned i = 0; i < sizeof bodies / sizeof *bodies; i++)
    {
      struct fixture f;
      assert_int_equal (start (&f, bodies[i], ""), -1);
      finish (&f);
    }
}

/* Accesses below the red zone, wild stores into the records and too many records: no trace counts
   as complete, and the next run is well.  */
static void
test_incomplete (void **data)
{
  (void)data;
  static const char *const bodies[] = {
    "movq %rdi, -136(%rsp)\n\tret",
    "movl $0x0c000010, %eax\n\tmovq $0, (%rax)\n\tmovq (%rdi), %rax\n\tret",
    "movl $0x0c000010, %eax\n\tmovq $0x0c100800, (%rax)\n\tret",
    "movl $2000000, %ecx\n.L1:\n\tmovb (%rdi), %al\n\tsubl $1, %ecx\n\tjne .L1\n\tret",
    "movl (%rdi), %eax\n\txorl %edx, %edx\n\tmovl (%rdx), %eax\n\tret",
    "subq $512, %rsp\n\tret",
  };
  for (unsigned i = 0; i < sizeof bodies / sizeof *bodies; i++)
    {
      struct fixture f;
      struct why why = { 0 };
      assert_int_equal (start (&f, bodies[i], ""), 0);
      for (unsigned k = 0; k < 2; k++)
        {
          const struct state *states[] = { f.state, f.state };
          struct trace traces[2];
          struct outcome *outcomes = calloc (2, sizeof *outcomes);
          assert_int_equal (
              sandbox__follow (f.sandbox, f.instrument, states, traces, outcomes, 2, 1000, &why),
              0);
          if (traces[0].complete || traces[1].complete)
            fail_msg ("%s", bodies[i]);
          trace__free (&traces[0]);
          trace__free (&traces[1]);
          free (outcomes);
        }
      finish (&f);
    }
}

/* The records' place is out of bounds for code that isn't instrumented.  */
static void
test_area (void **data)
{
  (void)data;
  struct fixture f;
  struct why why = { 0 };
  assert_int_equal (start (&f, "movl $0x0c000010, %eax\n\tmovq (%rax), %rax\n\tret", ""), 0);
  const struct state *states[] = { f.state };
  struct outcome *outcome = calloc (1, sizeof *outcome);
  struct trace trace;
  assert_int_equal (
      sandbox__follow (f.sandbox, f.instrument, states, &trace, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->status, RUN_RETURNED);
  trace__free (&trace);
  assert_int_equal (sandbox__run (f.sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  free (outcome);
  finish (&f);
}

static double
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static void
test_speed (void **data)
{
  (void)data;
  struct fixture f;
  struct why why = { 0 };
  const char *body = functions[4].body;
  enum
  {
    STEPPED = 20,
    BATCHES = 20
  };
  assert_int_equal (start (&f, body, ""), 0);
  double began = now ();
  struct trace trace[FOLLOW_MAX];
  for (unsigned i = 0; i < STEPPED; i++)
    {
      assert_int_equal (sandbox__trace (f.sandbox, 0, f.state, 100000, trace, &why), 0);
      trace__free (trace);
    }
  double stepped = STEPPED / (now () - began);
  const struct state *states[FOLLOW_MAX];
  struct outcome *outcomes = calloc (FOLLOW_MAX, sizeof *outcomes);
  for (unsigned i = 0; i < FOLLOW_MAX; i++)
    states[i] = f.state;
  began = now ();
  for (unsigned i = 0; i < BATCHES; i++)
    {
      assert_int_equal (sandbox__follow (f.sandbox, f.instrument, states, trace, outcomes,
                                         FOLLOW_MAX, 1000, &why),
                        0);
      for (unsigned k = 0; k < FOLLOW_MAX; k++)
        trace__free (&trace[k]);
    }
  double followed = BATCHES * FOLLOW_MAX / (now () - began);
  print_message ("# a loop of 100: %.0f runs/s single-stepped, %.0f instrumented\n", stepped,
                 followed);
  free (outcomes);
  finish (&f);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_same),       cmocka_unit_test (test_refused),
    cmocka_unit_test (test_incomplete), cmocka_unit_test (test_area),
    cmocka_unit_test (test_speed),
  };
  cmocka_set_message_output (CM_OUTPUT_TAP);
  return cmocka_run_group_tests (tests, NULL, NULL);
}
