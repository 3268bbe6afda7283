/* Swapped operands of floating-point additions and multiplications: what is changed, what is left, and that a memory
   operand's load keeps its mask.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "policy/repair.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* BODY with the operands that WHICH names swapped, in canonical form; CHANGED is how many must be.  */
static void
expect (const char *body, unsigned which, unsigned changed, const char *wanted)
{
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct code *code;
  const char *text = arena__printf (arena, "\t.text\n\t.globl f\nf:\n%s\tret\n", body);
  if (code__parse (arena, text, strlen (text), "f", NULL, 0, true, &code, &why))
    fail_msg ("%s: %s", reason__slug (why.reason), why.detail);
  assert_int_equal (repair__swap (code, which), changed);
  const char *canonical = code__canonical (code);
  if (!strstr (canonical, wanted))
    fail_msg ("no '%s' in:\n%s", wanted, canonical);
  arena__free (arena);
}

static void
registers (void **state)
{
  (void) state;
  expect ("\tvaddps %ymm1, %ymm2, %ymm3\n", REPAIR_ADDS, 1, "vaddps\t%ymm2, %ymm1, %ymm3");
  expect ("\tvmulpd %ymm1, %ymm2, %ymm3\n", REPAIR_ADDS, 0, "vmulpd\t%ymm1, %ymm2, %ymm3");
  expect ("\tvmulpd %ymm1, %ymm2, %ymm3\n", REPAIR_MULTIPLICATIONS, 1, "vmulpd\t%ymm2, %ymm1, %ymm3");
  expect ("\tvaddss %xmm1, %xmm2, %xmm3\n", REPAIR_ADDS, 0, "vaddss\t%xmm1, %xmm2, %xmm3");
  expect ("\tvaddss %xmm1, %xmm2, %xmm3\n", REPAIR_ADDS | REPAIR_SCALARS, 1, "vaddss\t%xmm2, %xmm1, %xmm3");
}

static void
subtraction_stays (void **state)
{
  (void) state;
  expect ("\tvsubps %ymm1, %ymm2, %ymm3\n", 7, 0, "vsubps\t%ymm1, %ymm2, %ymm3");
  expect ("\tvaddsubps %ymm1, %ymm2, %ymm3\n", 7, 0, "vaddsubps\t%ymm1, %ymm2, %ymm3");
  expect ("\tvpaddd %ymm1, %ymm2, %ymm3\n", 7, 0, "vpaddd\t%ymm1, %ymm2, %ymm3");
}

static void
memory (void **state)
{
  (void) state;
  expect ("\tvaddps (%rdi), %ymm2, %ymm15\n", REPAIR_ADDS, 1,
          "vmovups\t(%rdi), %ymm14\n\tvaddps\t%ymm2, %ymm14, %ymm15");
  expect ("\tvaddps (%rdi), %zmm2, %zmm31{%k1}\n", REPAIR_ADDS, 1,
          "vmovups\t(%rdi), %zmm30{%k1}{z}\n\tvaddps\t%zmm2, %zmm30, %zmm31{%k1}");
  expect ("\tvmulpd (%rdi){1to8}, %zmm2, %zmm3\n", REPAIR_MULTIPLICATIONS, 1, "vbroadcastsd\t(%rdi), %zmm15");
}

static void
two_operands (void **state)
{
  (void) state;
  expect ("\taddps %xmm1, %xmm2\n", REPAIR_ADDS, 1,
          "movaps\t%xmm1, %xmm15\n\taddps\t%xmm2, %xmm15\n\tmovaps\t%xmm15, %xmm2");
  expect ("\tmulsd 8(%rdi), %xmm2\n", REPAIR_MULTIPLICATIONS | REPAIR_SCALARS, 1,
          "movsd\t8(%rdi), %xmm15\n\tmulsd\t%xmm2, %xmm15\n\tmovaps\t%xmm15, %xmm2");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (registers),
    cmocka_unit_test (subtraction_stays),
    cmocka_unit_test (memory),
    cmocka_unit_test (two_operands),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
