/* The original at the end of a candidate is found by comparing, and only where nothing in front of it leads into its middle.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define BODY(A, B)                                                                                                          \
  "\ttestq %rsi, %rsi\n\tje " A "\n\txorl %eax, %eax\n" B ":\n\taddl (%rdi), %eax\n\taddq $4, %rdi\n\tdecq %rsi\n\tjne " B "\n\tret\n" \
  A ":\n\txorl %eax, %eax\n\tret\n"
#define HEAD "\t.text\n\t.globl f\n\t.type f, @function\nf:\n"
#define TAIL "\t.size f, .-f\n"
#define FRONT(MORE) HEAD "\tcmpq $100, %rsi\n\tjb .Lcopy\n" MORE "\tmovl (%rdi), %eax\n\tret\n\t.p2align 4\n.Lcopy:\n"

static struct side
side_of (struct arena *arena, const char *text)
{
  struct why why = { 0 };
  struct code *code;
  if (code__parse (arena, text, strlen (text), "f", NULL, 0, false, &code, &why) < 0)
    fail_msg ("%s %s", reason__slug (why.reason), why.detail);
  return (struct side){ .code = code, .own_items = code->n_items };
}

/* Is the original at the end of TEXT?  */
static bool
is_copy (const char *text)
{
  struct arena *arena = arena__new ();
  struct side original = side_of (arena, HEAD BODY (".L1", ".L2") TAIL), candidate = side_of (arena, text);
  struct item_range range = { 0 };
  bool found = copy__find (arena, &original, &candidate, &range);
  if (found)
    {
      assert_int_equal (range.end, candidate.code->n_items);
      assert_int_equal (range.end - range.from, original.code->n_items);
      assert_string_equal (candidate.code->item[range.from].insn.mnemonic, "testq");
    }
  else
    assert_int_equal (range.from, range.end);
  arena__free (arena);
  return found;
}

static void
is_found (void **state)
{
  (void) state;
  assert_true (is_copy (FRONT ("") BODY (".L1", ".L2") TAIL));
  /* By what it does, whatever its labels are called.  */
  assert_true (is_copy (FRONT ("") BODY (".L77", ".Lx") TAIL));
  /* More ways to its beginning.  */
  assert_true (is_copy (FRONT ("\tcmpl $7, (%rdi)\n\tje .Lcopy\n") BODY (".L1", ".L2") TAIL));
}

static void
is_something_else (void **state)
{
  (void) state;
  /* Nothing in front, or no way in.  */
  assert_false (is_copy (HEAD BODY (".L1", ".L2") TAIL));
  assert_false (is_copy (HEAD "\tmovl (%rdi), %eax\n" BODY (".L1", ".L2") TAIL));
  /* Labels like those that aiopt gives, but other code.  */
  assert_false (is_copy (HEAD "\tcmpq $100, %rsi\n\tjb .Loriginal0\n\tret\n.Loriginal0:\n" "\txorl %eax, %eax\n\tret\n" TAIL));
  /* One instruction, one constant, one jump is another.  */
  assert_false (is_copy (FRONT ("") "\ttestq %rsi, %rsi\n\tje .L1\n\txorl %eax, %eax\n.L2:\n\taddl (%rdi), %eax\n\taddq $4, %rdi\n\tdecq %rsi\n"
                                    "\tjne .L2\n\tret\n.L1:\n\tmovl $1, %eax\n\tret\n" TAIL));
  assert_false (is_copy (FRONT ("") "\ttestq %rsi, %rsi\n\tje .L1\n\txorl %eax, %eax\n.L2:\n\taddl (%rdi), %eax\n\taddq $8, %rdi\n\tdecq %rsi\n"
                                    "\tjne .L2\n\tret\n.L1:\n\txorl %eax, %eax\n\tret\n" TAIL));
  assert_false (is_copy (FRONT ("") "\ttestq %rsi, %rsi\n\tje .L1\n\txorl %eax, %eax\n.L2:\n\taddl (%rdi), %eax\n\taddq $4, %rdi\n\tdecq %rsi\n"
                                    "\tjne .L1\n\tret\n.L1:\n\txorl %eax, %eax\n\tret\n" TAIL));
  /* More behind it.  */
  assert_false (is_copy (FRONT ("\tje .Lmore\n") BODY (".L1", ".L2") ".Lmore:\n\tmovl $1, %eax\n\tret\n" TAIL));
}

static void
is_entered_elsewhere (void **state)
{
  (void) state;
  /* Into its middle, directly, by an address, or by who knows what.  */
  assert_false (is_copy (FRONT ("\tje .L2\n") BODY (".L1", ".L2") TAIL));
  assert_false (is_copy (FRONT ("\tleaq .L2(%rip), %rax\n") BODY (".L1", ".L2") TAIL));
  assert_false (is_copy (FRONT ("\tjmp *%rax\n") BODY (".L1", ".L2") TAIL));
  /* By a table.  */
  assert_false (is_copy (FRONT ("\tleaq .Ltable(%rip), %rax\n") BODY (".L1", ".L2") TAIL
                         "\t.section .rodata\n\t.align 4\n.Ltable:\n\t.long .L2-.Ltable\n\t.long .L1-.Ltable\n"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (is_found),
    cmocka_unit_test (is_something_else),
    cmocka_unit_test (is_entered_elsewhere),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
