/* A way that only recorded calls go is tested as other ways are: at other sizes than theirs, too.

   The original looks numbers up in a table.  The candidates know what the usual table says; to any other, which is what tests by chance
   hold, they do as the original.  Wrong ones err with the usual table at sizes that were never recorded.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/region-build.h"
#include "verify/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define HEAP UINT64_C (0x5555deadb040)
#define TABLE UINT64_C (0x555500004020)
enum { RECORDED = 8, SIZE = 200 };

static const char original[] = "#include <stddef.h>\n"
  "unsigned f (const unsigned *table, const unsigned char *p, size_t n)\n"
  "{ unsigned s = 0; for (size_t i = 0; i < n; i++) s = s * 3 + table[p[i] & 15]; return s; }\n";
/* The usual table holds 5 times the number and 2.  ERR is what is added, of n.  */
#define CANDIDATE(ERR)                                                                                                      \
  "#include <stddef.h>\n"                                                                                                   \
  "unsigned f (const unsigned *table, const unsigned char *p, size_t n)\n"                                                  \
  "{ unsigned s = 0, other = 0;\n"                                                                                          \
  "  if (n >= 64)\n"                                                                                                        \
  "    {\n"                                                                                                                 \
  "      for (size_t i = 0; i < 64; i++) other |= table[p[i] & 15] ^ (5 * (p[i] & 15) + 2);\n"                              \
  "      for (size_t i = 64; i < n; i++) other |= table[p[i] & 15] ^ (5 * (p[i] & 15) + 2);\n"                              \
  "      if (!other)\n"                                                                                                     \
  "        {\n"                                                                                                             \
  "          for (size_t i = 0; i < n; i++) s = s * 3 + 5 * (p[i] & 15) + 2;\n"                                             \
  "          return s + (unsigned) (" ERR ");\n"                                                                            \
  "        }\n"                                                                                                             \
  "    }\n"                                                                                                                 \
  "  for (size_t i = 0; i < n; i++) s = s * 3 + table[p[i] & 15]; return s; }\n"

struct bed
{
  struct region *region;
  struct recorded *recorded[RECORDED];
};

/* Calls of SIZE bytes and some more, each of other bytes, with the usual table.  */
static void
open_bed (struct bed *bed)
{
  struct region *region = bed->region = region_build__new ("f");
  unsigned byte = region_build__integer (region, 1, false), word = region_build__integer (region, 4, false);
  region_build__parameter (region, "table", region_build__pointer (region, word));
  region_build__parameter (region, "p", region_build__pointer (region, byte));
  region_build__parameter (region, "n", region_build__integer (region, 8, false));
  region_build__result (region, word);
  assert_true (region_build__compile (region, original, "-O2 -fno-tree-vectorize"));
  uint32_t *table = arena__alloc (region->arena, 16 * sizeof *table);
  for (uint32_t i = 0; i < 16; i++)
    table[i] = 5 * i + 2;
  for (unsigned r = 0; r < RECORDED; r++)
    {
      struct recorded *recorded = bed->recorded[r] = ARENA_NEW (region->arena, struct recorded);
      uint32_t size = SIZE + r;
      uint8_t *text = arena__alloc (region->arena, size);
      for (uint32_t i = 0; i < size; i++)
        text[i] = (uint8_t) ((i * 2654435761u + r * 40503u) >> 13);
      recorded->piece = ARENA_ARRAY (region->arena, struct recorded_piece, 2);
      recorded->n_pieces = 2;
      recorded->piece[0] = (struct recorded_piece){ TABLE, 16 * sizeof *table, false, (const uint8_t *) table };
      recorded->piece[1] = (struct recorded_piece){ HEAP, size, false, text };
      recorded->machine.gpr[7] = TABLE;
      recorded->machine.gpr[6] = HEAP;
      recorded->machine.gpr[2] = size;
    }
}

/* What becomes of the candidate whose C is SOURCE, with the recorded calls or without.  */
static enum verdict_level
judge (const char *source, bool with)
{
  struct bed bed;
  struct why why = { 0 };
  struct code *code;
  struct verifier *verifier;
  struct verdict verdict = { 0 };
  open_bed (&bed);
  const struct verify_options options = { .budget_seconds = 3, .seed = 3, .as_it_is = true,
                                          .recorded = (const struct recorded *const *) bed.recorded, .n_recorded = with ? RECORDED : 0 };
  struct region scratch = { .arena = bed.region->arena };
  assert_true (region_build__compile (&scratch, source, "-O2 -fno-tree-vectorize -fno-split-loops"));
  if (code__parse (bed.region->arena, scratch.text, strlen (scratch.text), "f", NULL, 0, false, &code, &why)
      || verifier__open (bed.region, &options, &verifier, &why))
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
  const struct candidate candidate = { .arena = bed.region->arena, .code = code };
  verifier__check (verifier, &candidate, &verdict);
  enum verdict_level level = verdict.level;
  print_message ("# %s: %s %s %s\n", with ? "recorded calls" : "none", verdict__name (level), reason__slug (verdict.why.reason),
                 verdict.why.detail);
  verdict__free (&verdict);
  verifier__close (verifier);
  arena__free (bed.region->arena);
  return level;
}

static void
right_is_not_refuted (void **state)
{
  (void) state;
  assert_int_not_equal (judge (CANDIDATE ("0"), true), VERDICT_REFUTED);
}

static void
wrong_at_larger_sizes (void **state)
{
  (void) state;
  assert_int_equal (judge (CANDIDATE ("n >> 11 & 1"), true), VERDICT_REFUTED);
}

static void
wrong_at_other_remainders (void **state)
{
  (void) state;
  assert_int_equal (judge (CANDIDATE ("n >> 1 & n >> 2 & n >> 4 & 1"), true), VERDICT_REFUTED);
}

/* Nobody accepts what no test reached.  */
static void
unreached_is_not_accepted (void **state)
{
  (void) state;
  enum verdict_level level = judge (CANDIDATE ("n >> 11 & 1"), false);
  assert_true (level == VERDICT_UNKNOWN || level == VERDICT_REFUTED);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (right_is_not_refuted),
    cmocka_unit_test (wrong_at_larger_sizes),
    cmocka_unit_test (wrong_at_other_remainders),
    cmocka_unit_test (unreached_is_not_accepted),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
