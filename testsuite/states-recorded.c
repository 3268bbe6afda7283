/* Recorded calls: the JSON says all of them and nothing else passes; states made of them keep what
   was near together, and pointers lead where they led.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/recorded.h"
#include "testsuite/region-build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAP UINT64_C (0x5555deadb000)
#define GLOBAL UINT64_C (0x555500004010)

/* int f (struct node *p, long n), with global `table` of 64 bytes.  */
static struct region *
make_region (void)
{
  struct region *region = region_build__new ("f");
  unsigned integer = region_build__integer (region, 8, true);
  unsigned pointer = region_build__pointer (region, integer);
  region_build__parameter (region, "p", pointer);
  region_build__parameter (region, "n", integer);
  region->global[region->n_globals++]
      = (struct global){ .name = "table", .type = integer, .size = 64, .align = 32 };
  return region;
}

/* p points to a word in one page that points on to another page, to `table`, and 12 bytes more; n
 * looks like an address.  */
static struct recorded *
make_recorded (struct arena *arena)
{
  static uint64_t words[3], far[1], table[8];
  words[0] = HEAP + 0x3010;
  words[1] = GLOBAL + 16;
  words[2] = 77;
  far[0] = HEAP + 0xff0;
  table[2] = HEAP + 0x3018; /* just beyond what was touched there */
  struct recorded *recorded = ARENA_NEW (arena, struct recorded);
  recorded->piece = ARENA_ARRAY (arena, struct recorded_piece, 3);
  recorded->n_pieces = 3;
  recorded->piece[0]
      = (struct recorded_piece){ GLOBAL, sizeof table, true, (const uint8_t *)table };
  recorded->piece[1] = (struct recorded_piece){ HEAP + 0xff0, 20, false, (const uint8_t *)words };
  recorded->piece[2] = (struct recorded_piece){ HEAP + 0x3010, 8, true, (const uint8_t *)far };
  recorded->global = ARENA_ARRAY (arena, struct recorded_global, 1);
  recorded->n_globals = 1;
  recorded->global[0] = (struct recorded_global){ "table", GLOBAL, 64 };
  recorded->machine.gpr[7] = HEAP + 0xff0;
  recorded->machine.gpr[6] = 4096;
  recorded->machine.gpr[3] = 999;
  recorded->machine.mxcsr = 0x9fc0;
  recorded->machine.rflags = 0x246;
  recorded->stack_bytes = 8;
  return recorded;
}

static uint64_t
word_at (const struct state *state, uint64_t address)
{
  for (unsigned i = 0; i < state->n_spans; i++)
    if (address - state->span[i].address < state->span[i].size)
      {
        uint64_t word;
        memcpy (&word, state->span[i].bytes + (address - state->span[i].address), 8);
        return word;
      }
  fail_msg ("0x%llx is not mapped", (unsigned long long)address);
  return 0;
}

static void
pointers_lead_where_they_led (void **unused)
{
  (void)unused;
  for (int flush = 0; flush < 2; flush++)
    {
      struct region *region = make_region ();
      struct layout *layout;
      struct state *state;
      struct why why;
      assert_int_equal (layout__new (region->arena, region, flush, &layout, &why), 0);
      struct recorded *recorded = make_recorded (region->arena);
      assert_int_equal (recorded__state (region, layout, recorded, region->arena, &state, &why), 0);
      uint64_t p = state->machine.gpr[7], table = layout->global[0];
      assert_int_equal (p % SANDBOX_PAGE, 0xff0);
      uint64_t far = word_at (state, p);
      assert_int_equal (far, p + 0x2020);         /* the distance between them is kept */
      assert_int_equal (word_at (state, far), p); /* and back */
      assert_int_equal (word_at (state, p + 8), table + 16);
      assert_int_equal (word_at (state, table + 16), far + 8);
      assert_int_equal ((uint32_t)word_at (state, p + 8 + 8 - 4), (uint32_t)((table + 16) >> 32));
      assert_int_equal (state->machine.gpr[6], 4096);
      assert_int_not_equal (state->machine.gpr[3], 999); /* no argument: whatever */
      assert_int_equal (state->machine.mxcsr, 0x1f80);
      /* Only what was touched is mapped: two pages of three, and the global's.  What wasn't written
       * can't be.  */
      unsigned pages = 0;
      for (unsigned i = 0; i < state->n_spans; i++)
        {
          pages += state->span[i].size / SANDBOX_PAGE;
          bool writable = state->span[i].protection & PROT_STATE_WRITE;
          assert_int_equal (writable, state->span[i].address != (p & -(uint64_t)SANDBOX_PAGE));
          assert_true (
              !i || state->span[i].address >= state->span[i - 1].address + state->span[i - 1].size);
        }
      assert_int_equal (pages, 4); /* p's bytes cross a page */
      arena__free (region->arena);
    }
}

static void
too_large_is_refused (void **unused)
{
  (void)unused;
  struct region *region = make_region ();
  struct layout *layout;
  struct state *state;
  struct why why;
  assert_int_equal (layout__new (region->arena, region, true, &layout, &why), 0);
  struct recorded *recorded = ARENA_NEW (region->arena, struct recorded);
  static const uint8_t byte[1];
  enum
  {
    N = 100
  };
  recorded->piece = ARENA_ARRAY (region->arena, struct recorded_piece, N);
  /* A hundred objects, each far from the others.  */
  recorded->n_pieces = N;
  for (unsigned i = 0; i < N; i++)
    recorded->piece[i] = (struct recorded_piece){ HEAP + i * UINT64_C (0x1000000), 1, false, byte };
  assert_int_equal (recorded__state (region, layout, recorded, region->arena, &state, &why), -1);
  assert_int_equal (why.reason, REASON_TOO_LARGE);
  /* One of 2 MiB, in steps of 32 KiB.  */
  recorded->n_pieces = 64;
  for (unsigned i = 0; i < 64; i++)
    recorded->piece[i].address = HEAP + i * UINT64_C (0x8000);
  assert_int_equal (recorded__state (region, layout, recorded, region->arena, &state, &why), -1);
  assert_int_equal (why.reason, REASON_TOO_LARGE);
  /* Sixty pages of one object: gaps are filled, so that it fits.  */
  recorded->n_pieces = 60;
  for (unsigned i = 0; i < 60; i++)
    recorded->piece[i].address = HEAP + i * UINT64_C (0x2000);
  assert_int_equal (recorded__state (region, layout, recorded, region->arena, &state, &why), 0);
  assert_true (state->n_spans <= SPANS_MAX);
  arena__free (region->arena);
}

static void
json_comes_back (void **unused)
{
  (void)unused;
  struct arena *arena = arena__new ();
  struct recorded *recorded = make_recorded (arena), *again;
  struct why why;
  recorded->machine.vec[0][0] = 1;
  recorded->machine.vec[31][63] = 2;
  recorded->n_answers = 2;
  recorded->answer[1] = HEAP;
  recorded->n_targets = 1;
  recorded->target[0] = GLOBAL;
  char *text = recorded__to_json (recorded);
  assert_int_equal (recorded__from_json (arena, text, &again, &why), 0);
  char *twice = recorded__to_json (again);
  assert_string_equal (text, twice);
  assert_memory_equal (&recorded->machine, &again->machine, sizeof recorded->machine);
  free (twice);
  free (text);
  arena__free (arena);
}

/* Every byte changed in turn: what is read then is no crash, and what is refused names a field.  */
static void
damaged_json_is_refused (void **unused)
{
  (void)unused;
  struct arena *arena = arena__new ();
  struct recorded *recorded = make_recorded (arena), *again;
  char *text = recorded__to_json (recorded);
  struct why why;
  size_t length = strlen (text), refused = 0;
  for (size_t i = 0; i < length; i++)
    {
      struct arena *one = arena__new ();
      char before = text[i];
      text[i] = before == '9' ? 'x' : '9';
      if (recorded__from_json (one, text, &again, &why))
        {
          refused++;
          assert_int_equal (why.reason, REASON_SYNTAX);
        }
      text[i] = before;
      arena__free (one);
    }
  assert_true (refused > length / 8);
  static const char *const bad[] = { "", "null", "[]", "{}", "{\"version\":2}" };
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal (recorded__from_json (arena, bad[i], &again, &why), -1);
  free (text);
  arena__free (arena);
}

int
main (void)
{
  const struct CMUnitTest tests[]
      = { cmocka_unit_test (pointers_lead_where_they_led), cmocka_unit_test (too_large_is_refused),
          cmocka_unit_test (json_comes_back), cmocka_unit_test (damaged_json_is_refused) };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
