/* Comparing outcomes: what counts as a difference and what the ABI leaves open.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/compare.h"
#include "testsuite/region-build.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct bed
{
  struct region *region;
  struct state state;
  struct outcome a, b;
  uint8_t memory_a[4096], memory_b[4096];
};

static struct bed *
new_bed (void)
{
  struct bed *bed = calloc (1, sizeof *bed);
  bed->region = region_build__new ("f");
  bed->state.n_spans = 1;
  bed->state.span[0] = (struct span) { .address = 0x20100000, .size = 4096,
                                       .protection = PROT_STATE_READ | PROT_STATE_WRITE,
                                       .bytes = bed->memory_a };
  bed->a.n_spans = bed->b.n_spans = 1;
  bed->a.span_bytes[0] = bed->memory_a;
  bed->b.span_bytes[0] = bed->memory_b;
  bed->a.machine.mxcsr = bed->b.machine.mxcsr = 0x1f80;
  return bed;
}

static void
free_bed (struct bed *bed)
{
  arena__free (bed->region->arena);
  free (bed);
}

/* The reason found, REASON_NONE where the outcomes count as the same.  */
static enum reason
judge (struct bed *bed)
{
  struct difference difference;
  enum comparison c = compare__outcome (bed->region, &bed->state, &bed->a, &bed->b, &difference);
  assert_true ((c == COMPARE_SAME) == (difference.why.reason == REASON_NONE));
  return difference.why.reason;
}

/* Sets FIELD of the candidate's outcome to VALUE, expects REASON, and puts it back.  */
#define EXPECT(FIELD, VALUE, REASON)                                                               \
  do                                                                                               \
    {                                                                                              \
      __typeof__ (bed->b.FIELD) saved_ = bed->b.FIELD;                                             \
      bed->b.FIELD = (VALUE);                                                                      \
      assert_int_equal (judge (bed), REASON);                                                      \
      bed->b.FIELD = saved_;                                                                       \
      assert_int_equal (judge (bed), REASON_NONE);                                                 \
    }                                                                                              \
  while (0)

static void
machine_state (void **unused)
{
  (void) unused;
  struct bed *bed = new_bed ();
  EXPECT (callee_saved_changed, true, REASON_CALLEE_SAVED);
  EXPECT (caller_frame_changed, true, REASON_CALLER_FRAME);
  EXPECT (machine.rflags, 1u << 10, REASON_CONTROL_STATE);
  EXPECT (machine.rflags, 1u << 6, REASON_NONE); /* arithmetic flags are the callee's */
  EXPECT (machine.mxcsr, 0x9f80, REASON_CONTROL_STATE);
  EXPECT (machine.mxcsr, 0x1fc0, REASON_CONTROL_STATE);
  EXPECT (machine.mxcsr, 0x1fa0, REASON_STICKY_FLAGS);
  EXPECT (x87[0], 1, REASON_CONTROL_STATE);
  EXPECT (x87[8], 3, REASON_CONTROL_STATE);
  EXPECT (x87[4], 1, REASON_STICKY_FLAGS);
  EXPECT (upper_dirty, true, REASON_CONTROL_STATE);
  EXPECT (stack_pages, 16, REASON_NONE);
  EXPECT (stack_pages, 17, REASON_STACK);
  EXPECT (machine.gpr[0], 5, REASON_NONE); /* void */
  free_bed (bed);
}

static void
results_by_type (void **unused)
{
  (void) unused;
  struct bed *bed = new_bed ();
  region_build__result (bed->region, region_build__integer (bed->region, 2, true));
  EXPECT (machine.gpr[0], 0x10000, REASON_NONE);
  EXPECT (machine.gpr[0], 0x8000, REASON_RESULT);
  region_build__result (bed->region, region_build__type (bed->region, TYPE_BOOL, 1, 1));
  EXPECT (machine.gpr[0], 0x100, REASON_NONE);
  EXPECT (machine.gpr[0], 2, REASON_RESULT);
  region_build__result (bed->region, region_build__float (bed->region, 4));
  EXPECT (machine.vec[0][4], 1, REASON_NONE);
  EXPECT (machine.vec[0][3], 0x80, REASON_RESULT);
  /* { char; int; }: three bytes of padding.  */
  unsigned pair = region_build__struct (bed->region, "pair");
  region_build__field (bed->region, pair, "c", region_build__integer (bed->region, 1, true));
  region_build__field (bed->region, pair, "i", region_build__integer (bed->region, 4, true));
  region_build__result (bed->region, pair);
  EXPECT (machine.gpr[0], 0xffffff00u, REASON_NONE);
  EXPECT (machine.gpr[0], 0x1, REASON_RESULT);
  EXPECT (machine.gpr[0], UINT64_C (1) << 63, REASON_RESULT);
  free_bed (bed);
}

static void
memory (void **unused)
{
  (void) unused;
  struct bed *bed = new_bed ();
  bed->memory_b[4095] = 1;
  assert_int_equal (judge (bed), REASON_MEMORY);
  bed->memory_b[4095] = 0;
  assert_int_equal (judge (bed), REASON_NONE);
  bed->b.span_bytes[0] = NULL;
  assert_int_equal (judge (bed), REASON_SANDBOX);
  free_bed (bed);
}

static void
ends (void **unused)
{
  (void) unused;
  struct bed *bed = new_bed ();
  EXPECT (status, RUN_TIMEOUT, REASON_NONTERMINATING);
  EXPECT (status, RUN_TRAPPED, REASON_LOAD_FAULT);
  EXPECT (status, RUN_DIED, REASON_SANDBOX);
  EXPECT (status, RUN_ESCAPED, REASON_CALLEE_SAVED);
  EXPECT (status, RUN_NORETURN, REASON_CALL_SEQUENCE);
  bed->a.status = RUN_TRAPPED;
  bed->a.signal = SIGFPE;
  assert_int_equal (judge (bed), REASON_NO_TRAP);
  bed->b.status = RUN_TRAPPED;
  bed->b.signal = SIGSEGV;
  assert_int_equal (judge (bed), REASON_NO_TRAP);
  bed->a.signal = SIGBUS;
  assert_int_equal (judge (bed), REASON_NONE);
  bed->a.status = RUN_TIMEOUT;
  assert_int_equal (judge (bed), REASON_SANDBOX); /* no judging by an original that didn't end */
  free_bed (bed);
}

static void
calls (void **unused)
{
  (void) unused;
  struct bed *bed = new_bed ();
  struct region *region = bed->region;
  struct callee *callee = &region->callee[region->n_callees++];
  callee->name = "g";
  callee->n_arguments = 1;
  callee->argument[0].type = region_build__integer (region, 4, true);
  callee->argument[0].n_locations = 1;
  callee->argument[0].location[0] = (struct location) { LOCATION_GPR, 7, 0, 4 };
  bed->a.n_events = bed->b.n_events = 1;
  EXPECT (event[0].callee, 1, REASON_CALL_SEQUENCE);
  EXPECT (event[0].gpr[0], 1, REASON_CALL_SEQUENCE);
  EXPECT (event[0].gpr[0], UINT64_C (1) << 32, REASON_NONE); /* not part of an int */
  EXPECT (event[0].gpr[1], 1, REASON_NONE);                  /* not an argument */
  EXPECT (event[0].memory_digest, 1, REASON_CALL_SEQUENCE);
  EXPECT (n_events, 0, REASON_CALL_SEQUENCE);
  EXPECT (n_events_lost, 1, REASON_CALL_SEQUENCE);
  callee->argument[0].location[0].size = 8;
  callee->argument[0].type = region_build__pointer (region, 0);
  EXPECT (event[0].gpr[0], SANDBOX_STACK_BASE + 64, REASON_UNMODELLED);
  free_bed (bed);
}

typedef struct { uint64_t address, size; } run;

static enum reason
footprints (run *or, unsigned n_or, run *ow, unsigned n_ow, run *cr, unsigned n_cr, run *cw, unsigned n_cw)
{
  struct footprint a = { .n_reads = n_or, .n_writes = n_ow, .read = (void *) or, .write = (void *) ow };
  struct footprint b = { .n_reads = n_cr, .n_writes = n_cw, .read = (void *) cr, .write = (void *) cw };
  struct difference difference;
  compare__footprint (&a, &b, 0x11000000, 0x11002000, &difference);
  return difference.why.reason;
}

static void
footprint (void **unused)
{
  (void) unused;
  run ow[] = { { 0x20100010, 16 }, { 0x20100020, 16 } }, or[] = { { 0x20100000, 4 } };
  run within[] = { { 0x20100018, 24 } }, before[] = { { 0x2010000f, 2 } }, behind[] = { { 0x20100028, 9 } };
  run page[] = { { 0x20100800, 64 } }, next[] = { { 0x20100ff8, 16 } }, own[] = { { 0x11001000, 16 } };
  run frame[] = { { SANDBOX_STACK_BASE + 0xffd00, 8 } };
  assert_int_equal (footprints (or, 1, ow, 2, or, 1, within, 1), REASON_NONE);
  assert_int_equal (footprints (or, 1, ow, 2, or, 1, before, 1), REASON_STORE);
  assert_int_equal (footprints (or, 1, ow, 2, or, 1, behind, 1), REASON_STORE);
  assert_int_equal (footprints (or, 1, ow, 2, or, 1, own, 1), REASON_STORE);
  assert_int_equal (footprints (or, 1, ow, 2, page, 1, NULL, 0), REASON_NONE);
  assert_int_equal (footprints (or, 1, ow, 2, next, 1, NULL, 0), REASON_LOAD_FAULT);
  assert_int_equal (footprints (or, 1, ow, 2, own, 1, NULL, 0), REASON_NONE);
  assert_int_equal (footprints (or, 1, ow, 2, frame, 1, NULL, 0), REASON_CALLER_FRAME);
  assert_int_equal (footprints (frame, 1, ow, 2, frame, 1, NULL, 0), REASON_NONE);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (machine_state), cmocka_unit_test (results_by_type), cmocka_unit_test (memory),
    cmocka_unit_test (ends),          cmocka_unit_test (calls),           cmocka_unit_test (footprint),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
