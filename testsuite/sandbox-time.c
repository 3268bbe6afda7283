/* Timed calls: each finds what the first found, what they answer is looked at, and the clock is out of their reach.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/parent.h"
#include "testsuite/sandbox-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { REPEATS = 5 };

/* A function that returns a word.  */
static struct region
word_region (void)
{
  struct region region = { 0 };
  region.result.n_locations = 1;
  region.result.location[0].size = 8;
  region.result.location[0].kind = LOCATION_GPR;
  return region;
}

/* Runs TEXT once and times calls of it as TIMING says, held to what it answered; the least in *TICKS.  ALTER, where not NULL, changes
   the answer first.  */
static int
time_calls (const char *text, const struct state *state, struct timing timing, void (*alter) (struct timing_answer *),
            double *ticks, struct why *why)
{
  struct region region = word_region ();
  struct image *image = image__make (text, 0);
  const struct image *images[] = { image };
  struct sandbox *sandbox;
  struct outcome *outcome = calloc (1, sizeof *outcome);
  struct timing_answer answer;
  double all[REPEATS];
  assert_int_equal (sandbox__open (NULL, images, 1, NULL, &sandbox, why), 0);
  assert_int_equal (sandbox__run (sandbox, 0, &state, outcome, 1, 1000, why), 0);
  assert_int_equal (outcome->status, RUN_RETURNED);
  timing__answer (&region, state, outcome, &answer);
  if (alter)
    alter (&answer);
  timing.repeats = REPEATS;
  timing.answer = &answer;
  int result = sandbox__time (sandbox, 0, state, &timing, all, why);
  if (result == 0 && ticks)
    {
      *ticks = all[0];
      for (unsigned i = 1; i < REPEATS; i++)
        *ticks = all[i] < *ticks ? all[i] : *ticks;
    }
  /* The sandbox is as good as before.  */
  assert_int_equal (sandbox__run (sandbox, 0, &state, outcome, 1, 1000, why), 0);
  assert_int_equal (outcome->status, RUN_RETURNED);
  free (outcome);
  sandbox__close (sandbox);
  image__drop (image);
  return result;
}

/* The same for INNER calls that are all as STATE says.  */
static int
time_text (const char *text, const struct state *state, unsigned inner, bool cold, void (*alter) (struct timing_answer *),
           double *ticks, struct why *why)
{
  return time_calls (text, state, (struct timing) { .inner = inner, .cold = cold }, alter, ticks, why);
}

/* Each counts its calls somewhere, and returns the count.  */
static void
calls_forget (void **unused)
{
  (void) unused;
  static const struct { const char *where, *text; bool wide; } ways[] = {
    { "memory", "incq 8(%rdi)\n mov 8(%rdi),%rax\n ret", false },
    { "memory, scattered", "mov $4032,%ecx\n 1: incq (%rdi,%rcx)\n sub $128,%ecx\n jns 1b\n mov 64(%rdi),%rax\n ret", false },
    { "red zone", "incq -64(%rsp)\n mov -64(%rsp),%rax\n ret", false },
    { "below it", "incq -1000(%rsp)\n mov -1000(%rsp),%rax\n ret", false },
    { "far below it", "incq -200000(%rsp)\n mov -200000(%rsp),%rax\n ret", false },
    { "stack arguments", "incq 16(%rsp)\n mov 16(%rsp),%rax\n ret", false },
    { "xmm13", "movq %xmm13,%rax\n inc %rax\n movq %rax,%xmm13\n ret", false },
    { "upper half of ymm5",
      "vextractf128 $1,%ymm5,%xmm0\n vmovq %xmm0,%rax\n inc %rax\n vmovq %rax,%xmm0\n vinsertf128 $1,%xmm0,%ymm5,%ymm5\n ret", true },
    { "zmm29", "vmovq %xmm29,%rax\n inc %rax\n vmovq %rax,%xmm29\n ret", true },
    { "k3", "kmovq %k3,%rax\n inc %rax\n kmovq %rax,%k3\n ret", true },
  };
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
    {
      struct why why = { 0 };
      if (ways[i].wide && !__builtin_cpu_supports ("avx512bw"))
        continue;
      struct state *state = state__make ();
      state->stack_bytes = 64;
      if (time_text (ways[i].text, state, 100, false, NULL, NULL, &why) != 0)
        fail_msg ("%s: %s %s", ways[i].where, reason__slug (why.reason), why.detail);
      state__drop (state);
    }
}

static void
alter_result (struct timing_answer *answer)
{
  answer->gpr[0]++;
}

static void
alter_memory (struct timing_answer *answer)
{
  answer->memory++;
}

static void
wrong_answers_are_seen (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make ();
  static const char text[] = "mov (%rdi),%rax\n movb $1,8(%rdi)\n ret";
  assert_int_equal (time_text (text, state, 10, false, NULL, NULL, &why), 0);
  assert_int_equal (time_text (text, state, 10, false, alter_result, NULL, &why), 1);
  assert_int_equal (why.reason, REASON_RESULT);
  assert_int_equal (time_text (text, state, 10, false, alter_memory, NULL, &why), 1);
  assert_int_equal (why.reason, REASON_MEMORY);
  /* Timed calls begin with the zero flag set, plain runs as the state says.  */
  state->machine.rflags = 2;
  assert_int_equal (time_text ("sete %al\n movzbl %al,%eax\n ret", state, 10, false, NULL, NULL, &why), 1);
  assert_int_equal (why.reason, REASON_RESULT);
  assert_int_equal (time_text ("mov $0,%eax\n jne 1f\n mov %rax,-300(%rsp)\n movb $1,16(%rdi)\n 1: ret", state, 10, false, NULL, NULL, &why), 1);
  assert_int_equal (why.reason, REASON_MEMORY);
  state__drop (state);
}

/* One at a time, calls of others are answered as in a plain run.  */
static void
callees_answer (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make ();
  static const char text[] = "sub $24,%rsp\n mov %rdi,8(%rsp)\n mov $0x18000000,%eax\n call *%rax\n mov 8(%rsp),%rdi\n mov %rax,(%rdi)\n"
                             " mov $0x18000000,%eax\n call *%rax\n add $24,%rsp\n ret";
  assert_int_equal (time_text (text, state, 1, false, NULL, NULL, &why), 0);
  assert_int_equal (time_text (text, state, 1, true, NULL, NULL, &why), 0);
  assert_int_equal (time_text (text, state, 1, false, alter_result, NULL, &why), 1);
  state__drop (state);
}

static void
cold_takes_longer (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make ();
  double warm, cold;
  static const char text[] = "xor %eax,%eax\n mov $4032,%ecx\n 1: add (%rdi,%rcx),%rax\n sub $64,%ecx\n jns 1b\n ret";
  assert_int_equal (time_text (text, state, 1, false, NULL, &warm, &why), 0);
  assert_int_equal (time_text (text, state, 1, true, NULL, &cold, &why), 0);
  print_message ("# warm %.0f ticks, cold %.0f\n", warm, cold);
  assert_true (cold > 2 * warm);
  assert_int_equal (time_text (text, state, 2, true, NULL, &cold, &why), -1);
  state__drop (state);
}

/* Whatever is written over all that is at a fixed address, the ticks are those of the calls.  */
static void
clock_is_out_of_reach (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make ();
  double honest, forged;
  static const char work[] = "mov $3000,%ecx\n 1: dec %ecx\n jnz 1b\n xor %eax,%eax\n ret";
  char text[400];
  assert_int_equal (time_text (work, state, 4, false, NULL, &honest, &why), 0);
  /* From the first field on which nothing that is needed to return depends.  */
  for (unsigned from = CONTEXT_ANSWER_GPR; from < CONTEXT_BATCH_IN; from += 512)
    {
      snprintf (text, sizeof text, "mov %%rdi,%%r8\n mov $0x%x,%%edi\n mov $64,%%ecx\n mov $1,%%eax\n rep stosq\n mov %%r8,%%rdi\n %s",
                CONTEXT_BASE + (from + 512 > CONTEXT_REST ? CONTEXT_REST - 512 : from), work);
      assert_int_equal (time_text (text, state, 4, false, NULL, &forged, &why), 0);
      print_message ("# %.0f ticks, forged %.0f\n", honest, forged);
      assert_true (forged > 0.3 * honest);
    }
  state__drop (state);
}

static int
time_turns (const char *text, const struct state *state, const struct timing_turns *turns, double *ticks, struct why *why)
{
  return time_calls (text, state, (struct timing) { .inner = turns->n, .turns = turns }, NULL, ticks, why);
}

/* N turns of rsi and r9, the first as STATE says; TEXT returns what their sum is.  */
static struct timing_turns
some_turns (struct state *state, unsigned n)
{
  struct timing_turns turns = { .n = n, .gpr = { 6, 9 } };
  for (unsigned i = 0; i < n; i++)
    {
      turns.value[i][0] = mix64 (i) & 0xff;
      turns.value[i][1] = mix64 (n + i);
      turns.sum[0] += turns.value[i][0] + turns.value[i][1];
    }
  state->machine.gpr[6] = turns.value[0][0];
  state->machine.gpr[9] = turns.value[0][1];
  return turns;
}

/* All calls get their turn, and what one writes the next doesn't find.  */
static void
calls_take_turns (void **unused)
{
  (void) unused;
  static const char *const text[] = { "lea (%rsi,%r9),%rax\n ret",
                                      "mov %rsi,-800(%rsp)\n lea (%rsi,%r9),%rax\n mov %r9,128(%rdi,%rsi,8)\n ret",
                                      "incq (%rdi)\n cmpq $9,(%rdi)\n ja 1f\n lea (%rsi,%r9),%rax\n ret\n 1: xor %eax,%eax\n ret" };
  static const unsigned numbers[] = { 1, 2, 3, 100, TURNS_MAX };
  for (unsigned t = 0; t < sizeof text / sizeof *text; t++)
    for (unsigned k = 0; k < sizeof numbers / sizeof *numbers; k++)
      {
        struct why why = { 0 };
        struct state *state = state__make ();
        memset (state->span[0].bytes, 0, 8);
        struct timing_turns turns = some_turns (state, numbers[k]);
        double ticks;
        if (time_turns (text[t], state, &turns, &ticks, &why) != 0)
          fail_msg ("text %u, %u turns: %s %s", t, numbers[k], reason__slug (why.reason), why.detail);
        turns.sum[0]++;
        assert_int_equal (time_turns (text[t], state, &turns, &ticks, &why), 1);
        assert_int_equal (why.reason, REASON_RESULT);
        state__drop (state);
      }
  struct why why = { 0 };
  struct state *state = state__make ();
  struct timing_turns turns = some_turns (state, 3);
  double ticks;
  turns.n = TURNS_MAX + 1;
  assert_int_equal (time_turns (text[0], state, &turns, &ticks, &why), -1);
  state__drop (state);
}

/* What some calls change and others set to what it was before is put back, whichever comes last.  */
static void
turns_undo_each_other (void **unused)
{
  (void) unused;
  static const char text[] = "test $2,%sil\n jz 1f\n mov %esi,%ecx\n and $1,%ecx\n mov %rcx,256(%rdi)\n 1: lea (%rsi,%r9),%rax\n ret";
  for (unsigned i = 0; i < 12; i++)
    {
      struct why why = { 0 };
      struct state *state = state__make ();
      memset (state->span[0].bytes + 256, 0, 8);
      struct timing_turns turns = some_turns (state, 100);
      turns.sum[0] += 4 - turns.value[0][0];
      state->machine.gpr[6] = turns.value[0][0] = 4;
      double ticks;
      if (time_turns (text, state, &turns, &ticks, &why) != 0)
        fail_msg ("%s %s", reason__slug (why.reason), why.detail);
      state__drop (state);
    }
}

/* Which way branches go isn't foreseen where calls take turns, and is where all are the same.  */
static void
turns_are_not_foreseen (void **unused)
{
  (void) unused;
  static const char text[] = "mov %rsi,%rcx\n test $1,%cl\n jz 1f\n nop\n 1: test $2,%cl\n jz 1f\n nop\n 1: test $4,%cl\n jz 1f\n nop\n"
                             "1: test $8,%cl\n jz 1f\n nop\n 1: test $16,%cl\n jz 1f\n nop\n 1: test $32,%cl\n jz 1f\n nop\n"
                             "1: lea (%rsi,%r9),%rax\n ret";
  struct why why = { 0 };
  struct state *state = state__make ();
  struct timing_turns turns = some_turns (state, 400), same = turns;
  double foreseen, unforeseen;
  same.sum[0] = 400 * (turns.value[0][0] + turns.value[0][1]);
  for (unsigned i = 1; i < 400; i++)
    memcpy (same.value[i], same.value[0], sizeof same.value[i]);
  assert_int_equal (time_turns (text, state, &same, &foreseen, &why), 0);
  assert_int_equal (time_turns (text, state, &turns, &unforeseen, &why), 0);
  print_message ("# the same: %.0f ticks, in turns: %.0f\n", foreseen, unforeseen);
  assert_true (unforeseen > foreseen + 15);
  state__drop (state);
}

static void
the_stack_may_be_elsewhere (void **unused)
{
  (void) unused;
  struct why why = { 0 };
  struct state *state = state__make ();
  const struct state *states[] = { state };
  struct image *image = image__make ("push %rax\n mov %rsp,%rax\n movb $1,-70000(%rsp)\n pop %rcx\n ret", 0);
  const struct image *images[] = { image };
  struct sandbox_options options = { .stack_elsewhere = true };
  struct outcome *outcome = calloc (1, sizeof *outcome);
  uint64_t rsp[3] = { SANDBOX_STACK_BASE };
  for (unsigned i = 1; i < 3; i++)
    {
      struct sandbox *sandbox;
      struct trace trace;
      double ticks[REPEATS];
      assert_int_equal (sandbox__open (NULL, images, 1, &options, &sandbox, &why), 0);
      assert_int_equal (sandbox__run (sandbox, 0, states, outcome, 1, 1000, &why), 0);
      assert_int_equal (outcome->status, RUN_RETURNED);
      assert_false (outcome->callee_saved_changed || outcome->caller_frame_changed);
      rsp[i] = outcome->machine.gpr[0];
      assert_int_equal (sandbox__time (sandbox, 0, state, &(struct timing) { .inner = 9, .repeats = REPEATS }, ticks, &why), 0);
      assert_int_equal (sandbox__trace (sandbox, 0, state, 100, &trace, &why), -1);
      assert_int_equal (why.reason, REASON_SANDBOX);
      for (unsigned k = 0; k < i; k++)
        assert_int_not_equal (rsp[i] >> 26, rsp[k] >> 26);
      sandbox__close (sandbox);
    }
  free (outcome);
  image__drop (image);
  state__drop (state);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (calls_forget),
    cmocka_unit_test (wrong_answers_are_seen),
    cmocka_unit_test (callees_answer),
    cmocka_unit_test (cold_takes_longer),
    cmocka_unit_test (clock_is_out_of_reach),
    cmocka_unit_test (calls_take_turns),
    cmocka_unit_test (turns_undo_each_other),
    cmocka_unit_test (turns_are_not_foreseen),
    cmocka_unit_test (the_stack_may_be_elsewhere),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
