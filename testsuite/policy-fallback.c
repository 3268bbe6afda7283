/* Guard plus fallback, the splice alone: the original's code stands in the candidate under labels of its own, with its constants and jump tables;
   calls of itself stay calls of itself; what is stored reads back as the same; and what is no jump is refused.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/policy-region.h"
#include "policy/fallback.h"

static int
set_up (void **state)
{
  *state = directory__temporary ("aiopt-test-");
  return *state ? 0 : -1;
}

static int
tear_down (void **state)
{
  directory__remove (*state);
  free (*state);
  return 0;
}

/* How often WORD stands in TEXT.  */
static unsigned
count (const char *text, const char *word)
{
  unsigned n = 0;
  for (; (text = strstr (text, word)); text += strlen (word))
    n++;
  return n;
}

/* The canonical code of CANDIDATE for FUNCTION of ORIGINAL, compiled with OPTIONS, in ARENA; it reads back as the same, and has nothing of the
   original's name.  *LENGTH gets the length of the original's own.  */
static const char *
spliced (void **state, struct arena *arena, const char *original, const char *function, const char *const *options,
         enum candidate_form form, const char *text, size_t *length)
{
  struct region *region = test__region (arena, *state, "original.c", original, function, options);
  struct candidate *candidate;
  struct code *code, *again;
  struct why why = { 0 };
  if (candidate__from_text (region, form, text, strlen (text), NULL, 0, &candidate, &why) < 0)
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
  const char *canonical = arena__strdup (arena, code__canonical (candidate->code));
  for (unsigned i = 0; i < candidate->code->n_symbols; i++)
    assert_null (strstr (candidate->code->symbol[i], FALLBACK_NAME));
  assert_null (strstr (canonical, FALLBACK_NAME));
  assert_int_equal (candidate->code->cold_from, candidate->code->n_items);
  candidate__free (candidate);
  if (code__parse_canonical (arena, canonical, function, &again, &why) < 0)
    fail_msg ("%s: %s\n%s", reason__slug (why.reason), why.detail, canonical);
  assert_int_equal (region__code (region, &code, &why), 0);
  *length = strlen (code__canonical (code));
  return canonical;
}

/* The candidate is refused for REASON with a detail that holds WORDS.  */
static void
refused (void **state, enum candidate_form form, const char *text, enum reason reason, const char *words)
{
  static const char *const options[] = { "-O2", "-fno-pie", NULL };
  struct arena *arena = arena__new ();
  struct region *region = test__region (arena, *state, "original.c", "int f (int a) { return a * 7; }\n", "f", options);
  struct candidate *candidate;
  struct why why = { 0 };
  assert_int_equal (candidate__from_text (region, form, text, strlen (text), NULL, 0, &candidate, &why), -1);
  if (why.reason != reason || !strstr (why.detail, words))
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
  arena__free (arena);
}

static void
constants_of_the_same_names (void **state)
{
  static const char *const options[] = { "-O2", NULL };
  struct arena *arena = arena__new ();
  size_t length;
  /* .LC0 is 1.5 in the one and 2.75 in the other.  */
  const char *code = spliced (state, arena, "double f (double a) { return a * 1.5; }\n", "f", options, FORM_C,
                              "extern double aiopt_original (double);\n"
                              "double f (double a) { if (a > 2.75) return a * 2.75; return aiopt_original (a); }\n",
                              &length);
  assert_int_equal (count (code, "\t.data "), 2);
  assert_non_null (strstr (code, "0,0,0,0,0,0,248,63"));
  assert_non_null (strstr (code, "0,0,0,0,0,0,6,64"));
  assert_true (strlen (code) > length);
  arena__free (arena);
}

static void
a_recursive_original (void **state)
{
  static const char *const options[] = { "-O1", NULL };
  struct arena *arena = arena__new ();
  size_t length;
  const char *code = spliced (state, arena, "unsigned f (unsigned n) { return n < 3 ? n : f (n / 2) + 5 * f (n / 3); }\n", "f", options,
                              FORM_C, "extern unsigned aiopt_original (unsigned);\n"
                                      "unsigned f (unsigned n) { if (n == 7) return 16; return aiopt_original (n); }\n",
                              &length);
  assert_int_equal (count (code, "call\t$self"), 2);
  arena__free (arena);
}

static void
a_jump_table (void **state)
{
  static const char *const options[] = { "-O2", NULL };
  struct arena *arena = arena__new ();
  size_t length;
  const char *code
    = spliced (state, arena,
               "int f (unsigned c, int x) { switch (c) { case 0: return x + 1; case 1: return x * 3; case 2: return x ^ 85; case 3: return x - 77;\n"
               "case 4: return x << 3; case 5: return ~x; case 6: return x >> 2; case 7: return x | 64; default: return 0; } }\n",
               "f", options, FORM_ASM, "f:\n\tcmpl\t$1, %edi\n\tjne\taiopt_original\n\tleal\t(%rsi,%rsi,2), %eax\n\tret\n", &length);
  assert_int_equal (count (code, "\t.long\t.L"), 8);
  arena__free (arena);
}

/* Labels in the text that look like ours, .LC-like data on both sides, several jumps.  */
static void
labels_that_look_like_ours (void **state)
{
  static const char *const options[] = { "-O2", NULL };
  struct arena *arena = arena__new ();
  size_t length;
  const char *code = spliced (state, arena, "int f (int a, int b) { while (a > b) a = a * 3 - b / (a + 1); return a; }\n", "f", options, FORM_ASM,
                              "f:\n\tcmpl\t%edi, %esi\n\tje\t.Loriginal0\n\tjg\taiopt_original\n\tjmp\taiopt_original@PLT\n"
                              ".Loriginal0:\n\tmovl\t.Loriginal1.1(%rip), %eax\n\tret\n\t.section .rodata\n\t.p2align 2\n.Loriginal1.1:\n\t.long 5\n",
                              &length);
  assert_int_equal (count (code, "j"), count (code, "\tj"));
  assert_non_null (strstr (code, "\tje\t.L"));
  assert_non_null (strstr (code, "\tjg\t.L"));
  assert_non_null (strstr (code, "\tjmp\t.L"));
  arena__free (arena);
}

/* A candidate that doesn't mention the original is left as it is.  */
static void
nothing_to_do (void **state)
{
  static const char *const options[] = { "-O2", NULL };
  struct arena *arena = arena__new ();
  size_t length;
  const char *code = spliced (state, arena, "int f (int a) { return a * 7; }\n", "f", options, FORM_ASM, "f:\n\timull\t$7, %edi, %eax\n\tret\n",
                              &length);
  assert_string_equal (code, "\timull\t$7, %edi, %eax\n\tret\n");
  arena__free (arena);
}

static void
not_a_jump (void **state)
{
  refused (state, FORM_ASM, "f:\n\tcall\taiopt_original\n\tret\n", REASON_CALLS, "return aiopt_original (");
  refused (state, FORM_ASM, "f:\n\tleaq\taiopt_original(%rip), %rax\n\tjmp\t*%rax\n", REASON_NEW_SYMBOL, "leaq");
  refused (state, FORM_ASM, "f:\n\tjmp\taiopt_original+4\n", REASON_NEW_SYMBOL, "jmp");
  refused (state, FORM_ASM, "f:\n\tjmp\t*aiopt_original(%rip)\n", REASON_NEW_SYMBOL, "jmp");
  refused (state, FORM_ASM, "f:\n\tjmp\t*.L1(%rip)\n\t.section .rodata\n.L1:\n\t.quad aiopt_original\n", REASON_DATA, FALLBACK_NAME);
  refused (state, FORM_C, "extern int aiopt_original (int);\nint f (int a) { return aiopt_original (a) + 1; }\n", REASON_CALLS, "is called");
  refused (state, FORM_C,
           "extern int aiopt_original (int);\nstatic int (*const t[2]) (int) = { aiopt_original, aiopt_original };\nint f (int a) { return t[a & 1] (a); }\n",
           REASON_NEW_SYMBOL, "data that mentions");
  refused (state, FORM_C, "int f (int a) { return aiopt_original (a); }\n", REASON_COMPILE, "implicit declaration");
  /* One of its own with that name is a helper like any other.  */
  refused (state, FORM_C, "__attribute__ ((noinline, noipa)) int aiopt_original (int a) { return a; }\nint f (int a) { return aiopt_original (a + 1); }\n",
           REASON_NEW_SYMBOL, "a function or variable of the candidate's own");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (constants_of_the_same_names), cmocka_unit_test (a_recursive_original),
    cmocka_unit_test (a_jump_table),                cmocka_unit_test (labels_that_look_like_ours),
    cmocka_unit_test (nothing_to_do),               cmocka_unit_test (not_a_jump),
  };
  return cmocka_run_group_tests (tests, set_up, tear_down);
}
