/* What a function does in the sandbox is seen, and nothing it does gets out.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "testsuite/sandbox-fixture.h"
#include "sandbox/wire.h"
#include <signal.h>

/* Runs TEXT on STATE once.  */
static struct outcome *
run (const struct region *region, const char *text, const struct state *state,
     struct sandbox **keep)
{
  struct why why = { 0 };
  struct image *image = image__make (text, 0);
  const struct image *images[] = { image };
  struct sandbox *sandbox;
  if (sandbox__open (region, images, 1, NULL, &sandbox, &why) != 0)
    fail_msg ("%s", why.detail);
  image__drop (image);
  struct outcome *outcome = calloc (1, sizeof *outcome);
  if (sandbox__run (sandbox, 0, &state, outcome, 1, 100, &why) != 0)
    fail_msg ("%s", why.detail);
  *keep = sandbox;
  return outcome;
}

#define RUN(TEXT, STATE)                                                                          \
  struct sandbox *sandbox;                                                                        \
  struct outcome *outcome = run (NULL, TEXT, STATE, &sandbox)
#define DONE(STATE)                                                                               \
  free (outcome);                                                                                 \
  state__drop (STATE);                                                                            \
  sandbox__close (sandbox)

static void
returns_registers (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  state->machine.gpr[6] = 41;
  state->machine.vec[3][0] = 0x77;
  RUN ("lea 1(%rsi), %rax\n movaps %xmm3, %xmm0\n cmp %rax, %rax\n ret", state);
  assert_int_equal (outcome->status, RUN_RETURNED);
  assert_int_equal (outcome->machine.gpr[0], 42);
  assert_int_equal (outcome->machine.vec[0][0], 0x77);
  assert_true (outcome->machine.rflags & 0x40);
  assert_false (outcome->callee_saved_changed);
  assert_false (outcome->caller_frame_changed);
  assert_false (outcome->upper_dirty);
  assert_int_equal (outcome->n_events, 0);
  assert_int_equal (outcome->machine.mxcsr, 0x1f80);
  uint16_t tags;
  memcpy (&tags, outcome->x87 + 8, 2);
  assert_int_equal (tags, 0xffff);
  DONE (state);
}

static void
changes_memory (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  uint8_t before = state->span[0].bytes[11];
  RUN ("movb $0x99, 10(%rdi)\n ret", state);
  assert_int_equal (outcome->status, RUN_RETURNED);
  assert_int_equal (outcome->span_bytes[0][10], 0x99);
  assert_int_equal (outcome->span_bytes[0][11], before);
  DONE (state);
}

static void
memory_is_fresh_each_run (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make ();
  state->span[0].bytes[0] = 5;
  const struct state *states[64];
  for (unsigned i = 0; i < 64; i++)
    states[i] = state;
  struct outcome *outcomes = calloc (64, sizeof *outcomes);
  /* Counts in memory and returns uninitialised stack.  */
  RUN ("incb (%rdi)\n mov -64(%rsp), %rax\n movq $77, -64(%rsp)\n ret", state);
  assert_int_equal (sandbox__run (sandbox, 0, states, outcomes, 64, 100, &why), 0);
  for (unsigned i = 0; i < 64; i++)
    {
      assert_int_equal (outcomes[i].span_bytes[0][0], 6);
      assert_int_equal (outcomes[i].machine.gpr[0], outcomes[0].machine.gpr[0]);
    }
  /* Another seed, other garbage.  */
  uint64_t garbage = outcomes[0].machine.gpr[0];
  state->seed++;
  assert_int_equal (sandbox__run (sandbox, 0, states, outcomes, 1, 100, &why), 0);
  assert_true (outcomes[0].machine.gpr[0] != garbage);
  free (outcomes);
  DONE (state);
}

static void
faults_beyond_the_span (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  RUN ("mov 4095(%rdi), %al\n mov %al, 4096(%rdi)\n ret", state);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  assert_int_equal (outcome->signal, SIGSEGV);
  assert_int_equal (outcome->fault_address, slot__begin (30) + SANDBOX_PAGE);
  assert_true (outcome->fault_write);
  assert_int_equal (outcome->fault_rip, SANDBOX_CODE_BASE + 6);
  DONE (state);
}

static void
read_only_spans_are (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  state->span[0].protection = PROT_STATE_READ;
  RUN ("mov (%rdi), %al\n mov %al, (%rdi)\n ret", state);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  assert_true (outcome->fault_write);
  assert_int_equal (outcome->span_bytes[0][0], state->span[0].bytes[0]);
  DONE (state);
}

static void
traps (void **unused)
{
  (void) unused;
  static const struct { const char *text; int signal; } cases[] = {
    { "ud2", SIGILL },
    { "xor %edx, %edx\n xor %ecx, %ecx\n div %ecx\n ret", SIGFPE },
    { "int3\n ret", SIGTRAP },
    { "movaps 1(%rdi), %xmm0\n ret", SIGSEGV },
    { "hlt\n ret", SIGSEGV },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct state *state = state__make ();
      RUN (cases[i].text, state);
      assert_int_equal (outcome->status, RUN_TRAPPED);
      assert_int_equal (outcome->signal, cases[i].signal);
      DONE (state);
    }
}

static void
endless_loop_times_out_and_the_next_runs (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make (), *good = state__make ();
  good->machine.gpr[6] = 1;
  const struct state *states[] = { good, state, good, state, good };
  struct outcome *outcomes = calloc (5, sizeof *outcomes);
  RUN ("1: test %rsi, %rsi\n jz 1b\n mov %esi, %eax\n ret", good);
  assert_int_equal (outcome->status, RUN_RETURNED);
  assert_int_equal (sandbox__run (sandbox, 0, states, outcomes, 5, 50, &why), 0);
  for (unsigned i = 0; i < 5; i++)
    {
      assert_int_equal (outcomes[i].status, i % 2 ? RUN_TIMEOUT : RUN_RETURNED);
      if (i % 2 == 0)
        assert_int_equal (outcomes[i].machine.gpr[0], 1);
    }
  free (outcomes);
  state__drop (state);
  DONE (good);
}

static void
system_calls_kill (void **unused)
{
  (void) unused;
  static const char *const texts[] = {
    "mov $39, %eax\n syscall\n ret",                        /* getpid */
    "mov $2, %eax\n syscall\n ret",                         /* open */
    "mov $57, %eax\n syscall\n ret",                        /* fork */
    "mov $62, %eax\n mov $0, %edi\n mov $9, %esi\n syscall\n ret", /* kill */
    "mov $41, %eax\n mov $2, %edi\n mov $1, %esi\n syscall\n ret", /* socket */
    "mov $10, %eax\n mov $0x20000000, %edi\n mov $4096, %esi\n mov $7, %edx\n syscall\n ret",
    "mov $10, %eax\n mov $0x10000000, %edi\n mov $4096, %esi\n mov $3, %edx\n syscall\n ret",
    "mov $20, %eax\n int $0x80\n ret",
  };
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct state *state = state__make ();
      RUN (texts[i], state);
      if (i == 7 && outcome->status == RUN_TRAPPED)
        ; /* a kernel without 32-bit calls faults */
      else
        assert_int_equal (outcome->status, RUN_DIED);
      DONE (state);
    }
}

static void
death_spares_the_others (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make (), *good = state__make ();
  good->machine.gpr[6] = 1;
  const struct state *states[] = { good, state, good };
  struct outcome *outcomes = calloc (3, sizeof *outcomes);
  RUN ("mov %esi, %eax\n test %esi, %esi\n jnz 1f\n mov $39, %eax\n syscall\n1: ret", good);
  assert_int_equal (sandbox__run (sandbox, 0, states, outcomes, 3, 50, &why), 0);
  assert_int_equal (outcomes[0].status, RUN_RETURNED);
  assert_int_equal (outcomes[1].status, RUN_DIED);
  assert_int_equal (outcomes[1].signal, SIGSYS);
  assert_int_equal (outcomes[2].status, RUN_RETURNED);
  free (outcomes);
  state__drop (state);
  DONE (good);
}

/* Fills every writable page it can find with rax, walking over the process's context, stack, areas.  */
static void
wild_stores_stay_inside (void **unused)
{
  (void) unused;
  static const char *const texts[] = {
    /* The context page: everything the process remembers.  */
    "mov $0x1b000000, %edi\n mov $512, %ecx\n mov $-1, %rax\n rep stosq\n ret",
    /* The output record of this run, known from the context: 64 KiB of it and around.  */
    "mov 0x1b0000c0, %rdi\n sub $4096, %rdi\n mov $8192, %ecx\n mov $-1, %rax\n rep stosq\n ret",
    /* The same with plausible numbers.  */
    "mov 0x1b0000c0, %rdi\n sub $512, %rdi\n mov $512, %ecx\n mov $0x0000000500000003, %rax\n rep "
    "stosq\n ret",
    /* The process's own stack and structures.  */
    "mov 0x1b000088, %rdi\n mov $64, %ecx\n mov $-1, %rax\n rep stosq\n ret",
    "mov 0x1b000608, %rdi\n mov $4096, %ecx\n mov $0x4141, %eax\n rep stosq\n ret",
    /* The progress word, at the area's start: an outcome's address rounded down to 16 MiB.  */
    "mov 0x1b0000c0, %rdi\n sub $0x1000000, %rdi\n and $-4096, %rdi\n movl $-1, (%rdi)\n 1: jmp 1b",
    /* The channel: says it is done.  */
    "mov $1, %eax\n xor %edi, %edi\n lea 1f(%rip), %rsi\n mov $1, %edx\n syscall\n ud2\n1: .byte 'D'",
  };
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct why why = { 0 };
      struct state *state = state__make ();
      RUN (texts[i], state);
      assert_true (outcome->status <= RUN_ESCAPED);
      assert_true (outcome->n_events <= CALL_EVENTS_MAX);
      assert_int_equal (outcome->n_spans, 1);
      uint64_t sum = 0;
      for (unsigned k = 0; k < SANDBOX_PAGE; k++)
        sum += outcome->span_bytes[0][k];
      assert_true (sum < SANDBOX_PAGE * 256);
      struct outcome *again = calloc (8, sizeof *again);
      const struct state *states[8];
      for (unsigned k = 0; k < 8; k++)
        states[k] = state;
      assert_int_equal (sandbox__run (sandbox, 0, states, again, 8, 50, &why), 0);
      free (again);
      DONE (state);
    }
}

static void
the_inputs_are_read_only (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  RUN ("mov 0x1b0000c8, %rdi\n movb $1, (%rdi)\n ret", state);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  assert_true (outcome->fault_write);
  DONE (state);
}

/* The original's answers, in the parent's memory, are not in the candidate's process.  */
static void
the_parents_memory_is_gone (void **unused)
{
  (void) unused;
  uint64_t *secret = malloc (64);
  uint64_t on_stack[4] = { 0xfeedface, 1, 2, 3 };
  *secret = 0x5ec2e7;
  const uint64_t *places[] = { secret, on_stack };
  for (unsigned i = 0; i < 2; i++)
    {
      struct state *state = state__make ();
      state->machine.gpr[7] = (uintptr_t) places[i];
      RUN ("mov (%rdi), %rax\n ret", state);
#ifndef __SANITIZE_ADDRESS__
      assert_int_equal (outcome->status, RUN_TRAPPED);
#endif
      DONE (state);
    }
  free (secret);
}

static void
clobbered_callee_saved_is_seen (void **unused)
{
  (void) unused;
  static const char *const texts[] = {
    "xor %ebx, %ebx\n ret",   "inc %rbp\n ret",           "not %r12\n ret",
    "not %r13\n ret",         "mov $1, %r14d\n ret",      "btc $63, %r15\n ret",
    "btr $63, %r15\n btc $62, %r15\n ret",
  };
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct state *state = state__make ();
      RUN (texts[i], state);
      assert_int_equal (outcome->status, RUN_RETURNED);
      assert_true (outcome->callee_saved_changed);
      DONE (state);
    }
}

static void
wrong_stack_pointer_escapes (void **unused)
{
  (void) unused;
  static const char *const texts[] = {
    "pop %rax\n add $8, %rsp\n jmp *%rax",
    "ret $8",
    "push %rax\n ret",
    "xor %eax, %eax\n jmp *%rax",
    "pop %rax\n push %rax\n push %rax\n ret",
  };
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct state *state = state__make ();
      state->machine.gpr[0] = 0x1234;
      RUN (texts[i], state);
      assert_int_equal (outcome->status, RUN_ESCAPED);
      DONE (state);
    }
}

static void
dirty_upper_halves_are_seen (void **unused)
{
  (void) unused;
  if (!__builtin_cpu_supports ("avx2"))
    return;
  struct state *state = state__make ();
  {
    RUN ("vpcmpeqd %ymm9, %ymm9, %ymm9\n ret", state);
    assert_true (outcome->upper_dirty);
    free (outcome);
    sandbox__close (sandbox);
  }
  {
    RUN ("vpcmpeqd %ymm9, %ymm9, %ymm9\n vzeroupper\n ret", state);
    assert_false (outcome->upper_dirty);
    free (outcome);
    sandbox__close (sandbox);
  }
  if (__builtin_cpu_supports ("avx512vl"))
    {
      state->machine.vec[17][5] = 9;
      state->machine.mask[3] = 0xabcdef;
      state->machine.vec[2][63] = 3;
      RUN ("kmovq %k3, %rax\n vextracti32x4 $3, %zmm2, %xmm0\n vmovdqa32 %xmm17, %xmm1\n ret",
           state);
      assert_int_equal (outcome->machine.gpr[0], 0xabcdef);
      assert_int_equal (outcome->machine.vec[0][15], 3);
      assert_int_equal (outcome->machine.vec[1][5], 9);
      assert_true (outcome->upper_dirty);
      free (outcome);
      sandbox__close (sandbox);
    }
  state__drop (state);
}

static void
control_state_is_seen (void **unused)
{
  (void) unused;
  {
    struct state *state = state__make ();
    RUN ("std\n ret", state);
    assert_int_equal (outcome->status, RUN_RETURNED);
    assert_true (outcome->machine.rflags & 0x400);
    DONE (state);
  }
  {
    struct state *state = state__make ();
    RUN ("fld1\n fldpi\n ret", state);
    uint16_t tags;
    memcpy (&tags, outcome->x87 + 8, 2);
    assert_int_not_equal (tags, 0xffff);
    long double top;
    memcpy (&top, outcome->st0, 10);
    assert_true (top > 3.14L && top < 3.15L);
    /* And the next run starts clean.  */
    struct why why = { 0 };
    const struct state *states[] = { state };
    assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 100, &why), 0);
    memcpy (&tags, outcome->x87 + 8, 2);
    assert_int_equal (tags & 0x0fff, 0x0fff);
    DONE (state);
  }
  {
    struct state *state = state__make ();
    RUN ("sqrtsd %xmm0, %xmm0\n push $0x5f80\n ldmxcsr (%rsp)\n pop %rax\n ret", state);
    assert_int_equal (outcome->machine.mxcsr & 0xe000, 0x4000);
    DONE (state);
  }
}

static void
stores_to_the_callers_frame_are_seen (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  state->stack_bytes = 16;
  for (unsigned i = 0; i < 16; i++)
    state->stack_argument[i] = 0x40 + i;
  {
    RUN ("mov 8(%rsp), %rax\n movq $5, 16(%rsp)\n ret", state);
    assert_int_equal (outcome->status, RUN_RETURNED);
    assert_int_equal (outcome->machine.gpr[0], 0x4746454443424140);
    assert_false (outcome->caller_frame_changed);
    free (outcome);
    sandbox__close (sandbox);
  }
  static const char *const texts[] = { "movb $5, 24(%rsp)\n ret", "movb $5, 100(%rsp)\n ret",
                                       "movb $5, 775(%rsp)\n ret" };
  for (unsigned i = 0; i < 3; i++)
    {
      RUN (texts[i], state);
      assert_true (outcome->caller_frame_changed);
      free (outcome);
      sandbox__close (sandbox);
    }
  RUN ("movb $5, 776(%rsp)\n ret", state);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  DONE (state);
}

static void
deep_stacks_work_and_end (void **unused)
{
  (void) unused;
  {
    /* A deep frame's garbage is the state's, whatever an earlier run left there.  */
    struct state *state = state__make ();
    struct why why = { 0 };
    const struct state *states[] = { state };
    RUN ("mov -30000(%rsp), %rax\n movq $1, -30000(%rsp)\n ret", state);
    uint64_t garbage = outcome->machine.gpr[0];
    for (unsigned i = 0; i < 2; i++)
      {
        assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 100, &why), 0);
        assert_int_equal (outcome->machine.gpr[0], garbage);
      }
    DONE (state);
  }
  {
    struct state *state = state__make ();
    RUN ("sub $200000, %rsp\n mov (%rsp), %rax\n xor 190000(%rsp), %rax\n movq $1, (%rsp)\n "
         "add $200000, %rsp\n ret",
         state);
    assert_int_equal (outcome->status, RUN_RETURNED);
    assert_int_equal (outcome->machine.gpr[0], 0);
    assert_int_equal (outcome->stack_pages, (200000 + 776 + 4095) / 4096);
    DONE (state);
  }
  {
    /* A page that stays usable counts in the runs that use it.  */
    struct state *state = state__make ();
    struct why why = { 0 };
    const struct state *states[] = { state };
    RUN ("test %rsi, %rsi\n jz 1f\n movq $1, -120000(%rsp)\n 1: ret", state);
    for (unsigned i = 0; i < 4; i++)
      {
        state->machine.gpr[6] = i % 2;
        assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 100, &why), 0);
        assert_int_equal (outcome->stack_pages, i % 2 ? (120000 + 776 + 4095) / 4096 : STACK_PAGES_FREE);
      }
    DONE (state);
  }
  struct state *state = state__make ();
  RUN ("1: call 1b\n ret", state);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  assert_int_equal (outcome->signal, SIGSEGV);
  /* And again after it.  */
  struct why why = { 0 };
  const struct state *states[] = { state, state };
  struct outcome *more = calloc (2, sizeof *more);
  assert_int_equal (sandbox__run (sandbox, 0, states, more, 2, 1000, &why), 0);
  assert_int_equal (more[1].status, RUN_TRAPPED);
  free (more);
  DONE (state);
}

/* A region with three callees: an int function, one that gives a pointer, one that doesn't return.  */
static struct region *
region_with_callees (void)
{
  static struct type types[]
    = { { .kind = TYPE_INTEGER, .size = 4 }, { .kind = TYPE_POINTER, .size = 8 } };
  static struct callee callees[] = {
    { .name = "f", .result = { .type = 0, .n_locations = 1, .location = { { LOCATION_GPR, 0, 0, 4 } } } },
    { .name = "p", .result = { .type = 1, .n_locations = 1, .location = { { LOCATION_GPR, 0, 0, 8 } } } },
    { .name = "abort", .is_noreturn = true },
  };
  static struct region region
    = { .n_types = 2, .type = types, .n_callees = 3, .callee = callees };
  return &region;
}

static void
calls_are_recorded_and_answered (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  state->n_patches = 1;
  state->patch[0] = (struct patch) { .call = 1, .size = 4, .address = slot__begin (30) + 100,
                                     .value = 0xdeadbeef };
  static const char text[]
    = "push %rbx\n mov %rdi, %rbx\n mov $7, %edi\n mov $2, %al\n mov $0x18000000, %r11d\n call *%r11\n"
      "movb $2, (%rbx)\n mov $9, %edi\n mov $0x18000040, %r11d\n call *%r11\n"
      "mov 100(%rbx), %edx\n pop %rbx\n ret";
  struct sandbox *sandbox;
  struct outcome *outcome = run (region_with_callees (), text, state, &sandbox);
  assert_int_equal (outcome->status, RUN_RETURNED);
  assert_int_equal (outcome->n_events, 2);
  assert_int_equal (outcome->event[0].callee, 0);
  assert_int_equal (outcome->event[0].gpr[0], 7);
  assert_int_equal (outcome->event[0].al, 2);
  assert_int_equal (outcome->event[1].callee, 1);
  assert_int_equal (outcome->event[1].gpr[0], 9);
  assert_true (outcome->event[0].memory_digest != outcome->event[1].memory_digest);
  assert_int_equal (outcome->machine.gpr[0], state->pointer_answer[1]);
  assert_int_equal (outcome->machine.gpr[2], 0xdeadbeef);
  assert_false (outcome->misaligned_call);
  assert_false (outcome->callee_saved_changed);
  assert_false (outcome->upper_dirty);

  /* The answers are the same again, and everything a callee may clobber is clobbered.  */
  struct outcome *again = calloc (1, sizeof *again);
  struct why why = { 0 };
  const struct state *states[] = { state };
  assert_int_equal (sandbox__run (sandbox, 0, states, again, 1, 100, &why), 0);
  assert_memory_equal (again->machine.gpr, outcome->machine.gpr, sizeof again->machine.gpr);
  assert_memory_equal (again->machine.vec, outcome->machine.vec, sizeof again->machine.vec);
  static const uint8_t clobbered[] = { 1, 6, 7, 8, 9, 10, 11 };
  for (unsigned i = 0; i < sizeof clobbered; i++)
    assert_true (again->machine.gpr[clobbered[i]] != state->machine.gpr[clobbered[i]]);
  free (again);
  DONE (state);
}

/* A call keeps rounding mode and sticky flags, and loses all mask and vector registers.  */
static void
calls_keep_what_callees_keep (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  struct sandbox *sandbox;
  struct outcome *outcome
    = run (region_with_callees (),
           "push $0x7fa4\n ldmxcsr (%rsp)\n pop %rax\n sub $8, %rsp\n mov $0x18000000, %eax\n"
           "call *%rax\n add $8, %rsp\n ret",
           state, &sandbox);
  assert_int_equal (outcome->status, RUN_RETURNED);
  assert_int_equal (outcome->machine.mxcsr, 0x7fa4);
  static const uint8_t zero[64];
  for (unsigned i = 0; i < 16; i++)
    assert_memory_not_equal (outcome->machine.vec[i], zero, 16);
  if (__builtin_cpu_supports ("avx512vl") && __builtin_cpu_supports ("avx512bw"))
    {
      for (unsigned i = 16; i < 32; i++)
        assert_memory_not_equal (outcome->machine.vec[i], zero, 64);
      for (unsigned i = 0; i < 8; i++)
        assert_true (outcome->machine.mask[i] != 0);
    }
  DONE (state);
}

static void
noreturn_calls_end_the_run (void **unused)
{
  (void) unused;
  struct state *state = state__make ();
  struct sandbox *sandbox;
  struct outcome *outcome
    = run (region_with_callees (), "mov $0x18000080, %eax\n call *%rax\n ud2", state, &sandbox);
  assert_int_equal (outcome->status, RUN_NORETURN);
  assert_int_equal (outcome->n_events, 1);
  assert_int_equal (outcome->event[0].callee, 2);
  assert_true (outcome->misaligned_call);
  DONE (state);
}

static void
tail_calls_and_many_calls (void **unused)
{
  (void) unused;
  {
    struct state *state = state__make ();
    struct sandbox *sandbox;
    struct outcome *outcome
      = run (region_with_callees (), "mov $0x18000000, %eax\n jmp *%rax", state, &sandbox);
    assert_int_equal (outcome->status, RUN_RETURNED);
    assert_int_equal (outcome->n_events, 1);
    assert_false (outcome->misaligned_call);
    DONE (state);
  }
  struct state *state = state__make ();
  struct sandbox *sandbox;
  struct outcome *outcome
    = run (region_with_callees (),
           "push %rbx\n mov $100, %ebx\n 1: mov $0x18000000, %eax\n call *%rax\n dec %ebx\n jnz 1b\n"
           "pop %rbx\n ret",
           state, &sandbox);
  assert_int_equal (outcome->status, RUN_RETURNED);
  assert_int_equal (outcome->n_events, CALL_EVENTS_MAX);
  assert_int_equal (outcome->n_events_lost, 100 - CALL_EVENTS_MAX);
  DONE (state);
}

/* Spans come and go between states.  */
static void
layouts_change (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state[3];
  for (unsigned i = 0; i < 3; i++)
    state[i] = state__make ();
  for (unsigned i = 0; i < 2; i++)
    {
      struct span *span = &state[i]->span[state[i]->n_spans++];
      *span = (struct span) { .address = slot__begin (31) + i * SANDBOX_PAGE,
                              .size = SANDBOX_PAGE,
                              .protection = PROT_STATE_READ,
                              .bytes = calloc (1, SANDBOX_PAGE) };
      span->bytes[0] = 50 + i;
    }
  struct outcome *outcomes = calloc (6, sizeof *outcomes);
  const struct state *states[] = { state[0], state[1], state[2], state[1], state[0], state[0] };
  RUN ("mov 0x400000(%rdi), %al\n movzbl %al, %eax\n ret", state[0]);
  assert_int_equal (sandbox__run (sandbox, 0, states, outcomes, 6, 100, &why), 0);
  static const enum run_status expected[] = { RUN_RETURNED, RUN_TRAPPED,  RUN_TRAPPED,
                                              RUN_TRAPPED,  RUN_RETURNED, RUN_RETURNED };
  for (unsigned i = 0; i < 6; i++)
    {
      assert_int_equal (outcomes[i].status, expected[i]);
      if (outcomes[i].status == RUN_RETURNED)
        assert_int_equal (outcomes[i].machine.gpr[0], 50);
    }
  free (outcomes);
  state__drop (state[1]);
  state__drop (state[2]);
  DONE (state[0]);
}

/* More states than fit the areas at once: all outcomes stay valid.  */
static void
large_batches_are_split (void **unused)
{
  (void) unused;
  enum { N = 300, BYTES = SANDBOX_SLOT_SIZE };
  struct why why = { 0 };
  struct state *state = state__make ();
  free (state->span[0].bytes);
  state->span[0].bytes = calloc (1, BYTES);
  state->span[0].size = BYTES;
  struct state *states[N];
  for (unsigned i = 0; i < N; i++)
    {
      states[i] = malloc (sizeof *state);
      *states[i] = *state;
      states[i]->machine.gpr[6] = i;
    }
  struct outcome *outcomes = calloc (N, sizeof *outcomes);
  RUN ("mov %esi, (%rdi)\n ret", state);
  assert_int_equal (sandbox__run (sandbox, 0, (const struct state *const *) states, outcomes, N,
                                  1000, &why),
                    0);
  for (unsigned i = 0; i < N; i++)
    {
      uint32_t value;
      memcpy (&value, outcomes[i].span_bytes[0], 4);
      assert_int_equal (value, i);
      free (states[i]);
    }
  free (outcomes);
  DONE (state);
}

static void
bad_states_are_refused (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make ();
  const struct state *states[] = { state };
  RUN ("ret", state);
  static const struct { uint64_t address; uint32_t size; } bad[] = {
    { SANDBOX_STACK_BASE, 4096 },
    { SANDBOX_CODE_BASE, 4096 },
    { 0x7fff00000000, 4096 },
    { SANDBOX_GLOBAL_BASE, 4096 },
    { SANDBOX_GLOBAL_BASE + SANDBOX_SLOT_OFFSET + 8, 4096 },
    { SANDBOX_GLOBAL_BASE + SANDBOX_SLOT_OFFSET, 4097 },
    { SANDBOX_GLOBAL_BASE + SANDBOX_SLOT_OFFSET, SANDBOX_SLOT_SIZE + 4096 },
    { SANDBOX_OBJECT_BASE, 4096 },
    { SANDBOX_OBJECT_BASE + SANDBOX_SLOT_OFFSET + 8, 4096 },
    { SANDBOX_OBJECT_BASE + SANDBOX_SLOT_OFFSET, SANDBOX_SLOT_SIZE + 4096 },
    { SANDBOX_OBJECT_BASE + SANDBOX_OBJECT_ROOM + SANDBOX_SLOT_OFFSET, 4096 },
    { (uint32_t) SANDBOX_OBJECT_BASE, 4096 },
    { UINT64_MAX - 4095, 4096 },
  };
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      state->span[0].address = bad[i].address;
      state->span[0].size = bad[i].size;
      assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 100, &why), -1);
      assert_int_equal (why.reason, REASON_SANDBOX);
    }
  assert_int_equal (sandbox__run (sandbox, 1, states, outcome, 1, 100, &why), -1);
  DONE (state);
}

static void
huge_objects_are_read (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make ();
  const struct state *states[] = { state, state };
  struct outcome two[2];
  double ticks;
  /* All of it, word by word; the last block is the first once more.  */
  RUN ("mov %rsi, %rcx\n mov -8(%rdi), %rdx\n xor %eax, %eax\n 1: add (%rdi), %rax\n add $8, %rdi\n dec %rcx\n jnz 1b\n"
       "test %r8, %r8\n jz 2f\n mov (%rdi), %rax\n 2: test %r9, %r9\n jz 3f\n movb $1, -8(%rdi)\n 3: ret",
       state);
  state->machine.gpr[7] = SANDBOX_HUGE_BASE + 8;
  state->machine.gpr[6] = SANDBOX_HUGE_SIZE / 8 - 1;
  state->machine.gpr[8] = state->machine.gpr[9] = 0;
  assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  assert_int_equal (outcome->fault_address, SANDBOX_HUGE_BASE);
  state->huge = (struct huge) { .mapped = true, .fixed = 3 };
  assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->status, RUN_RETURNED);
  assert_int_equal (outcome->machine.gpr[0], 3 * state->machine.gpr[6]);
  assert_int_equal (outcome->machine.gpr[2], 3);
  state->huge = (struct huge) { .mapped = true, .random = UINT64_MAX };
  uint64_t block = 0;
  for (uint64_t i = 0; i < SANDBOX_HUGE_BLOCK / 8; i++)
    block += mix64 (i);
  assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->machine.gpr[0], block * (SANDBOX_HUGE_SIZE / SANDBOX_HUGE_BLOCK) - mix64 (0));
  state->huge = (struct huge) { .mapped = true, .fixed = 3, .turned = 1 };
  assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->machine.gpr[0], (3 + 2) * (SANDBOX_HUGE_SIZE / 16) - 3);
  state->huge = (struct huge) { .mapped = true, .fixed = 3, .first = 1 };
  assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->machine.gpr[0],
                    3 * (SANDBOX_HUGE_SIZE / 8 - 1) - 2 * (SANDBOX_HUGE_SIZE / SANDBOX_HUGE_BLOCK - 1));
  /* Not written, nothing behind it, and gone in the next run.  */
  state->machine.gpr[9] = 1;
  assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  assert_true (outcome->fault_write);
  state->machine.gpr[8] = 1;
  assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  assert_int_equal (outcome->fault_address, SANDBOX_HUGE_BASE + SANDBOX_HUGE_SIZE);
  assert_int_equal (sandbox__run (sandbox, 0, states, two, 2, 1000, &why), -1);
  assert_int_equal (sandbox__time (sandbox, 0, state, &(struct timing) { .inner = 1, .repeats = 1 }, &ticks, &why), -1);
  state->huge.mapped = false;
  assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
  assert_int_equal (outcome->status, RUN_TRAPPED);
  assert_int_equal (outcome->fault_address, SANDBOX_HUGE_BASE);
  DONE (state);
}

static void
time_is_positive_and_grows (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  double small[9], large[9], empty[9];
  struct state *state = state__make ();
  state->machine.gpr[6] = 100;
  RUN ("1: dec %rsi\n jnz 1b\n ret", state);
  assert_int_equal (sandbox__time (sandbox, 0, state, &(struct timing) { .inner = 50, .repeats = 9 }, small, &why), 0);
  state->machine.gpr[6] = 10000;
  assert_int_equal (sandbox__time (sandbox, 0, state, &(struct timing) { .inner = 50, .repeats = 9 }, large, &why), 0);
  for (unsigned i = 0; i < 9; i++)
    {
      assert_true (small[i] > 10);
      assert_true (large[i] > small[i]);
    }
  free (outcome);
  sandbox__close (sandbox);
  {
    RUN ("ret", state);
    assert_int_equal (sandbox__time (sandbox, 0, state, &(struct timing) { .inner = 1000, .repeats = 9 }, empty, &why), 0);
    for (unsigned i = 0; i < 9; i++)
      assert_true (empty[i] >= 0 && empty[i] < 1000);
    free (outcome);
    sandbox__close (sandbox);
  }
  {
    RUN ("ud2", state);
    assert_int_equal (sandbox__time (sandbox, 0, state, &(struct timing) { .inner = 10, .repeats = 9 }, empty, &why), -1);
    free (outcome);
    sandbox__close (sandbox);
  }
  state__drop (state);
}

static void
doctor_speaks (void **unused)
{
  (void) unused;
  char *text = sandbox__doctor ();
  assert_non_null (text);
  assert_non_null (strstr (text, "seccomp: yes"));
  assert_non_null (strstr (text, "single-stepping: yes"));
  free (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (returns_registers),
    cmocka_unit_test (changes_memory),
    cmocka_unit_test (memory_is_fresh_each_run),
    cmocka_unit_test (faults_beyond_the_span),
    cmocka_unit_test (read_only_spans_are),
    cmocka_unit_test (traps),
    cmocka_unit_test (endless_loop_times_out_and_the_next_runs),
    cmocka_unit_test (system_calls_kill),
    cmocka_unit_test (death_spares_the_others),
    cmocka_unit_test (wild_stores_stay_inside),
    cmocka_unit_test (the_inputs_are_read_only),
    cmocka_unit_test (the_parents_memory_is_gone),
    cmocka_unit_test (clobbered_callee_saved_is_seen),
    cmocka_unit_test (wrong_stack_pointer_escapes),
    cmocka_unit_test (dirty_upper_halves_are_seen),
    cmocka_unit_test (control_state_is_seen),
    cmocka_unit_test (stores_to_the_callers_frame_are_seen),
    cmocka_unit_test (deep_stacks_work_and_end),
    cmocka_unit_test (calls_are_recorded_and_answered),
    cmocka_unit_test (calls_keep_what_callees_keep),
    cmocka_unit_test (noreturn_calls_end_the_run),
    cmocka_unit_test (tail_calls_and_many_calls),
    cmocka_unit_test (layouts_change),
    cmocka_unit_test (large_batches_are_split),
    cmocka_unit_test (bad_states_are_refused),
    cmocka_unit_test (huge_objects_are_read),
    cmocka_unit_test (time_is_positive_and_grows),
    cmocka_unit_test (doctor_speaks),
  };
  return cmocka_run_group_tests_name ("sandbox-run", tests, NULL, NULL);
}
