/* Programs that are nearly the same: which pairs are proved, and that no other is.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/case-file.h"
#include "testsuite/side-code.h"

#include "prove/prove.h"

/* What is common to most: a sum over N words that also stores.  LOOP is what a round does, END what follows.  */
#define FRAME(LOOP, END)                                                                                                   \
  "  xorl %eax, %eax\n  testq %rsi, %rsi\n  je .L2\n.L1:\n" LOOP "  addq $4, %rdi\n  decq %rsi\n  jne .L1\n" END ".L2:\n  ret\n"

static const struct
{
  const char *what;
  bool same;
  const char *original, *candidate;
} pairs[] = {
  { "the same", true, FRAME ("  addl (%rdi), %eax\n", ""), FRAME ("  addl (%rdi), %eax\n", "") },
  { "other registers", true, FRAME ("  movl (%rdi), %ecx\n  addl %ecx, %eax\n", ""),
    FRAME ("  movl (%rdi), %edx\n  addl %edx, %eax\n", "") },
  { "a register of which only the low byte matters", true, FRAME ("  movzbl (%rdi), %ecx\n  movb %cl, 1(%rdi)\n", ""),
    FRAME ("  movsbl (%rdi), %ecx\n  movb %cl, 1(%rdi)\n", "") },
  { "two loops, one after the other", true,
    FRAME ("  addl (%rdi), %eax\n", "  movl $9, %ecx\n.L3:\n  addl %ecx, %eax\n  decl %ecx\n  jne .L3\n"),
    FRAME ("  addl (%rdi), %eax\n", "  movl $9, %ecx\n.L3:\n  addl %ecx, %eax\n  addl $-1, %ecx\n  jne .L3\n") },
  { "the second of two loops by one round less", false,
    FRAME ("  addl (%rdi), %eax\n", "  movl $9, %ecx\n.L3:\n  addl %ecx, %eax\n  decl %ecx\n  jne .L3\n"),
    FRAME ("  addl (%rdi), %eax\n", "  movl $8, %ecx\n.L3:\n  addl %ecx, %eax\n  decl %ecx\n  jne .L3\n") },
  { "one more", false, FRAME ("  addl (%rdi), %eax\n", ""), FRAME ("  addl (%rdi), %eax\n", "  addl $1, %eax\n") },
  { "a subtraction", false, FRAME ("  addl (%rdi), %eax\n", ""), FRAME ("  subl (%rdi), %eax\n", "") },
  { "another start", false, FRAME ("  addl (%rdi), %eax\n", ""),
    "  movl $1, %eax\n  testq %rsi, %rsi\n  je .L2\n.L1:\n  addl (%rdi), %eax\n  addq $4, %rdi\n  decq %rsi\n  jne .L1\n.L2:\n  ret\n" },
  { "a store that isn't made", false, FRAME ("  movl %esi, (%rdi)\n", ""), FRAME ("  movl %esi, %eax\n", "") },
  { "a store to the next word", false, FRAME ("  movl %esi, (%rdi)\n", ""), FRAME ("  movl %esi, 4(%rdi)\n", "") },
  { "stores that may meet, the other way round", false,
    FRAME ("  movq 8(%rdi), %rcx\n  movl $1, (%rdi)\n  movl $2, (%rcx)\n", ""),
    FRAME ("  movq 8(%rdi), %rcx\n  movl $2, (%rcx)\n  movl $1, (%rdi)\n", "") },
  { "a word more that is read", false, FRAME ("  addl (%rdi), %eax\n", ""), FRAME ("  addl (%rdi), %eax\n", "  movl (%rdi), %ecx\n") },
  { "a round less when there are many", false, FRAME ("  addl (%rdi), %eax\n", ""),
    "  xorl %eax, %eax\n  testq %rsi, %rsi\n  je .L2\n.L1:\n  addl (%rdi), %eax\n  addq $4, %rdi\n  decq %rsi\n  cmpq $1000, %rsi\n"
    "  je .L2\n  testq %rsi, %rsi\n  jne .L1\n.L2:\n  ret\n" },
  { "a callee-saved register lost", false, FRAME ("  movl (%rdi), %ecx\n  addl %ecx, %eax\n", ""),
    FRAME ("  movl (%rdi), %ebx\n  addl %ebx, %eax\n", "") },
  { "a word of the frame that isn't kept up", false,
    FRAME ("  movl (%rdi), %ecx\n  movl %ecx, -8(%rsp)\n", "  movl -8(%rsp), %eax\n"),
    FRAME ("  movl (%rdi), %ecx\n  movl %ecx, -16(%rsp)\n", "  movl -8(%rsp), %eax\n") },
  { "a frame through a pointer", false,
    "  movl $0, -8(%rsp)\n  leaq -40(%rsp), %rcx\n  movl $8, %edx\n.L1:\n  movl %edx, (%rcx)\n  addq $4, %rcx\n  decl %edx\n  jne .L1\n"
    "  movl -8(%rsp), %eax\n  ret\n",
    "  movl $0, -8(%rsp)\n  leaq -40(%rsp), %rcx\n  movl $9, %edx\n.L1:\n  movl %edx, (%rcx)\n  addq $4, %rcx\n  decl %edx\n  jne .L1\n"
    "  movl -8(%rsp), %eax\n  ret\n" },
  { "upper halves left dirty", false, FRAME ("  vmovdqu (%rdi), %xmm0\n  vmovdqu %xmm0, 16(%rdi)\n", ""),
    FRAME ("  vmovdqu (%rdi), %ymm0\n  vmovdqu %xmm0, 16(%rdi)\n", "") },
  { "upper halves left dirty where nothing else differs", false,
    FRAME ("  vmovdqu (%rdi), %xmm0\n  vpcmpeqd %xmm0, %xmm0, %xmm1\n", ""),
    FRAME ("  vmovdqu (%rdi), %xmm0\n  vpcmpeqd %ymm0, %ymm0, %ymm1\n", "") },
  { "upper halves cleared by both", true,
    FRAME ("  vmovdqu (%rdi), %ymm0\n  vmovdqu %ymm0, (%rdi)\n", "  vzeroupper\n"),
    FRAME ("  vmovups (%rdi), %ymm0\n  vmovups %ymm0, (%rdi)\n", "  vzeroupper\n") },
  { "a sum that raises a flag", false, FRAME ("  movss (%rdi), %xmm0\n  addss %xmm0, %xmm1\n", ""),
    FRAME ("  movss (%rdi), %xmm0\n  movaps %xmm0, %xmm1\n", "") },
  { "what a register held before", false, FRAME ("  addl (%rdi), %eax\n", ""), FRAME ("  addl (%rdi), %eax\n", "  movl %r11d, %eax\n") },
};

static unsigned tests, failures, unseen;

static void
ok (bool well, const char *what)
{
  failures += !well;
  printf ("%sok %u - %s\n", well ? "" : "not ", ++tests, what);
}

static bool
make (struct case_unit *unit, struct arena *arena, const struct layout *layout, unsigned i, struct side_code *side,
      struct why *why)
{
  struct candidate *candidate = case__candidate (unit, &unit->candidate[i], why);
  return candidate && candidate->code && side_code__make (arena, unit->region, layout, candidate->code, i, side, why) == 0;
}

int
main (void)
{
  unsigned wanted = 0;
  for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++)
    {
      char message[256], name[] = "lockstep", source[4096];
      snprintf (source, sizeof source,
                "sig: u32 (p:u32 p, u64 n)\nisa: native\nflags: -O1\noriginal:\nunsigned f (unsigned *p, unsigned long n)\n"
                "{\n  return p[n] = 1;\n}\n== unsure one any asm\n%s== unsure two any asm\n%s",
                pairs[i].original, pairs[i].candidate);
      struct case_unit *unit = case__parse (source, name, NULL, message);
      struct arena *arena = arena__new ();
      struct why why = { 0 };
      struct layout *layout;
      struct side_code side[2];
      struct proof_options options = { .seconds = 4 };
      struct proof proof;
      bool built = unit && !layout__new (arena, unit->region, false, &layout, &why)
                   && make (unit, arena, layout, 0, &side[0], &why) && make (unit, arena, layout, 1, &side[1], &why);
      if (!built)
        {
          printf ("# %s %s\n", unit ? reason__text (why.reason) : message, why.detail);
          ok (false, pairs[i].what);
          arena__free (arena);
          continue;
        }
      prove__equivalent (unit->region, layout, side[0].image, side[0].object, side[1].image, side[1].object, &options, &proof);
      bool proved = proof.result == PROOF_PROVED;
      if (proved || pairs[i].same)
        printf ("# %s by %s: %s %s\n", proved ? "proved" : "not proved", proof.method, reason__slug (proof.why.reason),
                proof.why.detail);
      wanted += pairs[i].same;
      unseen += pairs[i].same && !(proved && strcmp (proof.method, "lockstep") == 0);
      ok (!proved || pairs[i].same, pairs[i].what);
      proof__free (&proof);
      arena__free (arena);
      case__free (unit);
    }
  printf ("# %u of %u equal pairs proved side by side\n", wanted - unseen, wanted);
  ok (unseen == 0, "what is the same is proved");
  printf ("1..%u\n", tests);
  return failures != 0;
}
