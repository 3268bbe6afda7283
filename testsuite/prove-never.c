/* Which branch ways are shown never to be gone, and which conditions of moves and sets to come out one way always: those that never are,
   and no others.

   Each function has two letters a branch (or conditional move or set: the way taken is that it holds), in order: for the way taken and the way fallen through, `d` where no run goes it (and
   that is to be shown), `n` where none does but nobody has to see it, `s` where none does for a size below 2^46 in rsi (and that is to be shown), `-` where
   some run does, be it ever so rare.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"
#include "testsuite/side-code.h"

#include "prove/prove.h"

static const struct
{
  const char *what, *ways, *text;
} functions[] = {
  { "a second check of a bound", "-- d-",
    "  cmpq $16, %rsi\n  jb .L1\n  cmpq $15, %rsi\n  jbe .L2\n  movl $1, %eax\n  ret\n.L1:\n  xorl %eax, %eax\n  ret\n"
    ".L2:\n  movl $2, %eax\n  ret\n" },
  { "a second check that isn't the same", "-- --",
    "  cmpq $16, %rsi\n  jb .L1\n  cmpq $16, %rsi\n  jbe .L2\n  movl $1, %eax\n  ret\n.L1:\n  xorl %eax, %eax\n  ret\n"
    ".L2:\n  movl $2, %eax\n  ret\n" },
  { "the way back of a remainder's loop that has one round", "-- -- -- d-",
    "  xorl %eax, %eax\n  cmpq $16, %rsi\n  jb .L2\n  movq %rsi, %rax\n  andq $-16, %rax\n  xorl %ecx, %ecx\n"
    ".L1:\n  movdqu (%rdi,%rcx), %xmm0\n  movdqu %xmm0, (%rdi,%rcx)\n  addq $16, %rcx\n  cmpq %rcx, %rax\n  jne .L1\n"
    ".L2:\n  testb $8, %sil\n  je .L4\n  movq %rsi, %rcx\n  andq $-8, %rcx\n"
    ".L3:\n  movq (%rdi,%rax), %rdx\n  movq %rdx, (%rdi,%rax)\n  addq $8, %rax\n  cmpq %rax, %rcx\n  jne .L3\n"
    ".L4:\n  ret\n" },
  { "the same by steps of four: two rounds", "-- -- -- --",
    "  xorl %eax, %eax\n  cmpq $16, %rsi\n  jb .L2\n  movq %rsi, %rax\n  andq $-16, %rax\n  xorl %ecx, %ecx\n"
    ".L1:\n  movdqu (%rdi,%rcx), %xmm0\n  movdqu %xmm0, (%rdi,%rcx)\n  addq $16, %rcx\n  cmpq %rcx, %rax\n  jne .L1\n"
    ".L2:\n  testb $8, %sil\n  je .L4\n  movq %rsi, %rcx\n  andq $-4, %rcx\n"
    ".L3:\n  movl (%rdi,%rax), %edx\n  movl %edx, (%rdi,%rax)\n  addq $4, %rax\n  cmpq %rax, %rcx\n  jne .L3\n"
    ".L4:\n  ret\n" },
  { "a register that a loop changes: the thousandth round", "-- --",
    "  xorl %ecx, %ecx\n  testq %rsi, %rsi\n  jne .L1\n  ret\n"
    ".L1:\n  cmpl $1000, %ecx\n  je .L2\n  incl %ecx\n  jmp .L1\n.L2:\n  movl $1, %eax\n  ret\n" },
  { "a counter in the frame", "-- --",
    "  movl $0, -8(%rsp)\n"
    ".L1:\n  incl -8(%rsp)\n  cmpl $1000, -8(%rsp)\n  je .L2\n  decq %rsi\n  jne .L1\n  xorl %eax, %eax\n  ret\n"
    ".L2:\n  movl $1, %eax\n  ret\n" },
  { "a counter in an object", "-- --",
    "  movl $0, (%rdi)\n"
    ".L1:\n  incl (%rdi)\n  cmpl $1000, (%rdi)\n  je .L2\n  decq %rsi\n  jne .L1\n  xorl %eax, %eax\n  ret\n"
    ".L2:\n  movl $1, %eax\n  ret\n" },
  { "a frame that a loop fills through a pointer", "-- -n",
    "  movl $0, -64(%rsp)\n  leaq -80(%rsp), %rcx\n  leaq -40(%rsp), %rdx\n"
    ".L1:\n  movl $1, (%rcx)\n  addq $4, %rcx\n  cmpq %rdx, %rcx\n  jne .L1\n  cmpl $1, -64(%rsp)\n  je .L2\n  xorl %eax, %eax\n  ret\n"
    ".L2:\n  movl $1, %eax\n  ret\n" },
  { "a pointer to the frame that comes up in the first round", "-- --",
    "  movl $0, -64(%rsp)\n  movq %rdi, %rcx\n"
    ".L1:\n  movl $1, (%rcx)\n  leaq -64(%rsp), %rcx\n  decq %rsi\n  jne .L1\n  cmpl $1, -64(%rsp)\n  je .L2\n  xorl %eax, %eax\n  ret\n"
    ".L2:\n  movl $1, %eax\n  ret\n" },
  { "a pointer to the frame by way of an object", "-- n- -n",
    "  movl $0, -64(%rsp)\n  leaq -64(%rsp), %rcx\n  movq %rcx, (%rdi)\n"
    ".L1:\n  decq %rsi\n  jne .L1\n  movq (%rdi), %rcx\n  testq %rcx, %rcx\n  je .L3\n  movl $1, (%rcx)\n  cmpl $1, -64(%rsp)\n  je .L2\n"
    ".L3:\n  xorl %eax, %eax\n  ret\n.L2:\n  movl $1, %eax\n  ret\n" },
  { "what the second round of an outer loop finds", "-- -- --",
    "  xorl %r8d, %r8d\n"
    ".L1:\n  movl $4, %ecx\n"
    ".L2:\n  cmpl $7, %r8d\n  je .L4\n  decl %ecx\n  jne .L2\n  movl $7, %r8d\n  decq %rsi\n  jne .L1\n  xorl %eax, %eax\n  ret\n"
    ".L4:\n  movl $1, %eax\n  ret\n" },
  { "a loop with two ways in", "-- -- --",
    "  xorl %eax, %eax\n  xorl %edx, %edx\n  testb $1, %sil\n  je .L2\n"
    ".L1:\n  addl $3, %eax\n"
    ".L2:\n  cmpl $9, %eax\n  je .L3\n  decq %rsi\n  jne .L1\n  ret\n.L3:\n  movl $1, %eax\n  ret\n" },
  { "a remainder that mul leaves in rdx", "-- --",
    "  xorl %edx, %edx\n"
    ".L1:\n  cmpq $3, %rdx\n  je .L2\n  movq %rdi, %rax\n  mulq %rsi\n  decq %rsi\n  jne .L1\n  xorl %eax, %eax\n  ret\n"
    ".L2:\n  movl $1, %eax\n  ret\n" },
  { "rep, which moves registers", "-- n-",
    "  movq %rsi, %rcx\n  testq %rsi, %rsi\n  je .L1\n  xorl %eax, %eax\n  rep stosb\n  testq %rcx, %rcx\n  jne .L2\n"
    ".L1:\n  ret\n.L2:\n  movl $1, %eax\n  ret\n" },
  { "a value in memory that another pointer may change", "--",
    "  movl $5, (%rdi)\n  movl $6, (%rsi)\n  cmpl $5, (%rdi)\n  jne .L1\n  xorl %eax, %eax\n  ret\n.L1:\n  movl $1, %eax\n  ret\n" },
  { "one that nothing changes", "d-",
    "  movl $5, (%rdi)\n  movl $6, 4(%rdi)\n  cmpl $5, (%rdi)\n  jne .L1\n  xorl %eax, %eax\n  ret\n.L1:\n  movl $1, %eax\n  ret\n" },
  { "kept across a loop in a callee-saved register", "-- -- -d",
    "  pushq %rbx\n  movq %rsi, %rbx\n  testq %rbx, %rbx\n  je .L2\n"
    ".L1:\n  addb $1, (%rdi)\n  incq %rdi\n  decq %rsi\n  jne .L1\n  testq %rbx, %rbx\n  jne .L2\n  movl $3, %eax\n.L2:\n  popq %rbx\n  ret\n" },
  { "a multiple of sixteen, counted", "-- -n",
    "  andq $-16, %rsi\n  je .L2\n"
    ".L1:\n  addb $1, (%rdi)\n  incq %rdi\n  subq $4, %rsi\n  testb $3, %sil\n  je .L1\n"
    ".L2:\n  ret\n" },
  { "a size times sixteen that overflows", "s-",
    "  movl $16, %ecx\n  movq %rsi, %rax\n  mulq %rcx\n  jo .L1\n  xorl %eax, %eax\n  ret\n.L1:\n  movl $1, %eax\n  ret\n" },
  { "a size times 2^19, which may", "--",
    "  movl $524288, %ecx\n  movq %rsi, %rax\n  mulq %rcx\n  jo .L1\n  xorl %eax, %eax\n  ret\n.L1:\n  movl $1, %eax\n  ret\n" },
  { "an array's end before its beginning", "s-",
    "  leaq (%rdi,%rsi,8), %rax\n  cmpq %rdi, %rax\n  jb .L1\n  xorl %eax, %eax\n  ret\n.L1:\n  movl $1, %eax\n  ret\n" },
  { "an empty array", "--",
    "  leaq (%rdi,%rsi,8), %rax\n  cmpq %rdi, %rax\n  jbe .L1\n  xorl %eax, %eax\n  ret\n.L1:\n  movl $1, %eax\n  ret\n" },
  { "an array's end at 2^49, and at 2^47", "s- --",
    "  leaq (%rdi,%rsi,4), %rax\n  shrq $49, %rax\n  jne .L1\n  leaq (%rdi,%rsi,4), %rax\n  shrq $47, %rax\n  jne .L1\n  xorl %eax, %eax\n"
    "  ret\n.L1:\n  movl $1, %eax\n  ret\n" },
  { "a size of 2^45 and more", "--",
    "  movq %rsi, %rax\n  shrq $45, %rax\n  jne .L1\n  xorl %eax, %eax\n  ret\n.L1:\n  movl $1, %eax\n  ret\n" },
  { "a loop over planes that overlap", "-- s- s- --",
    "  testq %rsi, %rsi\n  je .L3\n  leaq (%rdi,%rsi,2), %rdx\n  leaq (%rdi,%rsi), %rcx\n  addq %rsi, %rdx\n  leaq (%rdi,%rsi,2), %r8\n"
    "  cmpq %rcx, %rdx\n  jb .L3\n  cmpq %rcx, %r8\n  jb .L3\n  xorl %eax, %eax\n"
    ".L1:\n  movb $0, (%rdi,%rax)\n  movb $0, (%rcx,%rax)\n  incq %rax\n  cmpq %rax, %rsi\n  jne .L1\n"
    ".L3:\n  ret\n" },
  { "a move where a bound is passed again", "-- -d",
    "  cmpq $16, %rsi\n  jb .L1\n  movl $7, %eax\n  cmpq $8, %rsi\n  cmovaeq %rsi, %rax\n  ret\n.L1:\n  movl $2, %eax\n  ret\n" },
  { "one where a higher bound is passed", "-- --",
    "  cmpq $16, %rsi\n  jb .L1\n  movl $7, %eax\n  cmpq $17, %rsi\n  cmovaeq %rsi, %rax\n  ret\n.L1:\n  movl $2, %eax\n  ret\n" },
  { "a move on one of two ways that meet", "-- --",
    "  movl $2, %eax\n  testb $1, %sil\n  je .L1\n  cmpq $5, %rsi\n  cmovaeq %rdi, %rax\n.L1:\n  addq $3, %rax\n  ret\n" },
  { "the same, of numbers above 8", "-- -- -d",
    "  movl $2, %eax\n  cmpq $8, %rsi\n  jbe .L2\n  testb $1, %sil\n  je .L1\n  cmpq $5, %rsi\n  cmovaeq %rdi, %rax\n.L1:\n"
    "  addq $3, %rax\n.L2:\n  ret\n" },
  { "a set that holds in the thousandth round", "-- --",
    "  xorl %ecx, %ecx\n.L1:\n  cmpl $1000, %ecx\n  sete %al\n  incl %ecx\n  decq %rsi\n  jne .L1\n  ret\n" },
  { "one that holds behind a loop, as it did before", "-- -- -d",
    "  movq %rsi, %rcx\n  testq %rsi, %rsi\n  je .L2\n"
    ".L1:\n  addb $1, (%rdi)\n  incq %rdi\n  decq %rsi\n  jne .L1\n  testq %rcx, %rcx\n  setne %al\n.L2:\n  ret\n" },
  { "a size times sixteen that overflows, set", "s-",
    "  movl $16, %ecx\n  movq %rsi, %rax\n  mulq %rcx\n  seto %al\n  ret\n" },
  { "a set of flags that mul leaves undefined", "--", "  movl $1, %eax\n  mulq %rsi\n  sete %al\n  ret\n" },
  { "a carry that there isn't", "d-", "  cmpq %rsi, %rsi\n  setb %al\n  ret\n" },
};

static unsigned tests, failures;

static void
ok (bool well, const char *what)
{
  failures += !well;
  printf ("%sok %u - %s\n", well ? "" : "not ", ++tests, what);
}

static bool
has_condition (const struct decoded_insn *insn)
{
  return (insn->kind & KIND_BRANCH) || strncmp (insn->mnemonic, "cmov", 4) == 0 || strncmp (insn->mnemonic, "set", 3) == 0;
}

/* What is shown of a way of INSN.  */
static char
letter (const struct case_unit *unit, const struct layout *layout, const struct side_code *side, unsigned insn, bool taken)
{
  uint8_t closed[256] = { 0 };
  for (unsigned sized = 0; sized < 2; sized++)
    if (prove__never (unit->region, layout, side->image, side->object, closed, sized ? 1u << 1 : 0, insn, taken, 4))
      return sized ? 's' : 'd';
  return '-';
}

/* The ways that are shown, as in functions[]: `d`, `s` or `-`.  */
static bool
find_ways (const char *text, char *found, size_t size)
{
  char message[256], name[] = "never", source[4096];
  snprintf (source, sizeof source,
            "sig: u32 (p:u8 p, u64 n)\nflags: -O1\noriginal:\nunsigned f (unsigned char *p, unsigned long n)\n"
            "{\n  return p[n] = 1;\n}\n== unsure it any asm\n%s",
            text);
  struct case_unit *unit = case__parse (source, name, NULL, message);
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct layout *layout;
  struct side_code side;
  struct candidate *candidate = unit ? case__candidate (unit, &unit->candidate[0], &why) : NULL;
  bool well = candidate && candidate->code && !layout__new (arena, unit->region, false, &layout, &why)
              && !side_code__make (arena, unit->region, layout, candidate->code, 1, &side, &why);
  size_t n = 0;
  if (!well)
    printf ("# %s %s\n", unit ? reason__text (why.reason) : message, why.detail);
  for (unsigned i = 0; well && i < side.decoded->n_insns; i++)
    if (has_condition (&side.decoded->insn[i]))
      {
        if (n && n < size)
          found[n++] = ' ';
        for (unsigned way = 0; way < 2 && n + 1 < size; way++)
          found[n++] = letter (unit, layout, &side, i, way == 0);
      }
  found[n] = 0;
  arena__free (arena);
  if (unit)
    case__free (unit);
  return well;
}

int
main (void)
{
  unsigned shown = 0, wanted = 0;
  for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++)
    {
      char found[64];
      const char *ways = functions[i].ways;
      bool well = find_ways (functions[i].text, found, sizeof found) && strlen (found) == strlen (ways);
      for (unsigned k = 0; well && ways[k]; k++)
        {
          well = !((found[k] == 'd' && strchr ("s-", ways[k])) || (found[k] == 's' && ways[k] == '-'));
          wanted += strchr ("ds", ways[k]) != NULL;
          shown += strchr ("ds", ways[k]) && found[k] == ways[k];
        }
      if (strcmp (found, ways))
        printf ("# expected %s, found %s\n", ways, found);
      ok (well, functions[i].what);
    }
  printf ("# %u of %u dead ways shown\n", shown, wanted);
  ok (shown == wanted, "what is dead is shown to be");
  printf ("1..%u\n", tests);
  return failures != 0;
}
