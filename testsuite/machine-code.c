/* Shows that compilers' text is read alike with and without debug noise, that what a candidate may not
   say is refused, that every printed form is read back, and that no text makes the reader crash.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/machine-text.h"

#include "machine/code.h"

static const char source[]
  = "#include <immintrin.h>\n"
    "#include <stddef.h>\n"
    "int puts (const char *); extern int outer[]; static const int table[] = { 1, 2, 3, 4, 5 };\n"
    "void never (int) __attribute__ ((cold));\n"
    "int sum (const int *a, size_t n) { int s = 0; for (size_t i = 0; i < n; i++) s += a[i] * 3; return s; }\n"
    "int pick (int x, int y) { switch (x) { case 0: return y; case 1: return y * 3; case 2: return y ^ 7;\n"
    "  case 3: return puts (\"a;b#c\\\"\\\\\\n\\001x /* no comment */\"); case 4: return y / 3; case 5: return outer[y];\n"
    "  case 6: return y << x; case 9: __builtin_abort (); default: return table[y & 3]; } }\n"
    "double mix (double a, float b) { return a * 2.5 + b * 1.25f; }\n"
    "__attribute__ ((target (\"avx512f,avx512bw,avx512vl\"))) __m512i masked (__m512i a, __mmask16 k, const int *p)\n"
    "  { return _mm512_maskz_add_epi32 (k, a, _mm512_set1_epi32 (*p)); }\n"
    "__attribute__ ((target (\"avx512f\"))) __m512 rounded (__m512 a, __m512 b)\n"
    "  { return _mm512_add_round_ps (a, b, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }\n"
    "int chain (int *p, int n) { for (int i = 0; i < n; i++) if (__builtin_expect (p[i] < 0, 0)) { never (p[i]); puts (\"neg\"); } return p[0]; }\n"
    "int self (int n) { return n < 2 ? n : self (n - 1) * 2 + self (n - 2); }\n";

static const char *const functions[]
  = { "sum", "pick", "mix", "masked", "rounded", "chain", "self" };
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* Parses NAME from TEXT or fails the test.  */
static struct code *
parse (struct arena *arena, const char *text, const char *name, bool strict)
{
  struct why why = { 0 };
  struct code *code;
  if (code__parse (arena, text, strlen (text), name, NULL, 0, strict, &code, &why) < 0)
    fail_msg ("%s: %s: %s", name, reason__slug (why.reason), why.detail);
  return code;
}

static void
test_debug_noise_changes_nothing (void **state)
{
  (void) state;
  static const struct
  {
    const char *compiler, *plain, *noisy[4];
  } cases[] = {
    { NULL, "-O2", { "-O2 -g", "-O2 -g3 -fverbose-asm", "-O2 -g -gvariable-location-views", NULL } },
    { NULL, "-O3 -march=skylake-avx512 -fPIC",
      { "-O3 -march=skylake-avx512 -fPIC -g -gdwarf-4 -fverbose-asm", NULL } },
    { NULL, "-O2 -fcf-protection -ffunction-sections", { "-O2 -fcf-protection -ffunction-sections -g", NULL } },
    { NULL, "-Os -fno-pie", { "-Os -fno-pie -g -fverbose-asm", NULL } },
    { "clang", "-O2", { "-O2 -g", "-O2 -fverbose-asm", NULL } },
    { "clang", "-O3 -march=skylake-avx512 -fPIC", { "-O3 -march=skylake-avx512 -fPIC -g", NULL } },
  };
  char *folder = make_folder ();
  write_text (folder, "unit.c", source);
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const char *compiler = cases[i].compiler ? cases[i].compiler : tool ("AIOPT_GCC", "gcc");
      char *plain = compile (compiler, folder, "unit.c", cases[i].plain);
      if (!plain)
        continue;
      for (unsigned j = 0; cases[i].noisy[j]; j++)
        {
          char *noisy = compile (compiler, folder, "unit.c", cases[i].noisy[j]);
          assert_non_null (noisy);
          for (unsigned k = 0; k < FUNCTIONS; k++)
            {
              struct arena *arena = arena__new ();
              struct why why = { 0 };
              struct code *a = parse (arena, plain, functions[k], false);
              struct code *b = parse (arena, noisy, functions[k], false);
              const char *text = code__canonical (a);
              assert_string_equal (text, code__canonical (b));
              /* It can be read back, also under another name; and assembled alone.  */
              struct code *again;
              if (code__parse_canonical (arena, text, "other", &again, &why) < 0)
                fail_msg ("%s: %s", functions[k], why.detail);
              assert_string_equal (code__canonical (again), text);
              assert_int_equal (a->n_symbols, again->n_symbols);
              assert_int_equal (a->cold_from, again->cold_from);
              write_text (folder, "alone.s", code__source (a));
              assert_int_equal (run ("cd '%s' && as alone.s -o alone.o", folder), 0);
              struct code *third = parse (arena, code__source (a), functions[k], false);
              assert_int_equal (a->n_items, third->n_items);
              arena__free (arena);
            }
          free (noisy);
        }
      free (plain);
    }
  remove_folder (folder);
}

static void
test_what_is_read (void **state)
{
  (void) state;
  static const char text[]
    = "\t.text\n"
      "\t.globl\tf\n"
      "f:\n"
      ".LFB0:\n"
      "\t.cfi_startproc\n"
      "\tendbr64\n"
      "\tlock addl\t$-0x10, %fs:8(%rax,%rdx,4) # comment ; more\n"
      "\trep;stosq\t%rax, %es:(%rdi)\n"
      "1:\tvaddps\t{rn-sae}, %zmm1, %zmm2, %zmm3{%k1}{z}\n"
      "\tvpaddd\ttab+16(%rip){1to16}, %zmm0, %zmm0 {%k2}; jne 1b\n"
      "\tfxch\t%st(1); jmp 1f\n"
      ".L2: {evex} vpaddd %xmm0, %xmm1, %xmm2\n"
      "1:\tmovq\tputs@GOTPCREL(%rip), %rax\n"
      "\tmovsd\tone(%rip), %xmm0\n"
      "\tmovsd\t.LC1(%rip), %xmm0\n"
      "\tcall\t*8(%rax)\n"
      "\tleaq\t.L9(%rip), %rdx\n"
      "\tnotrack jmp\t*%rdx\n"
      "\t.section\t.rodata\n"
      "\t.align 8\n"
      ".L9:\n"
      "\t.long\t.L2-.L9\n"
      "\t.long\t.L2-.L9\n"
      "\t.text\n"
      "\t.cfi_endproc\n"
      "\t.size\tf, .-f\n"
      "\t.section\t.rodata.cst8,\"aM\",@progbits,8\n"
      "\t.align 8\n"
      "one:\n"
      ".LC0:\t.long\t0\n"
      "\t.long\t1072693248\n"
      ".LC7:\t.quad\t1\n"
      "\t.set\t.LC1,.LC0+4\n";
  static const char expected[]
    = "\tendbr64\n"
      "\tlock addl\t$-16, %fs:8(%rax,%rdx,4)\n"
      "\trep stosq\t%rax, %es:(%rdi)\n"
      ".L0:\n"
      "\tvaddps\t{rn-sae}, %zmm1, %zmm2, %zmm3{%k1}{z}\n"
      "\tvpaddd\ttab+16(%rip){1to16}, %zmm0, %zmm0{%k2}\n"
      "\tjne\t.L0\n"
      "\tfxch\t%st(1)\n"
      "\tjmp\t.L1\n"
      ".L2:\n"
      "\t{evex} vpaddd\t%xmm0, %xmm1, %xmm2\n"
      ".L1:\n"
      "\tmovq\tputs@GOTPCREL(%rip), %rax\n"
      "\tmovsd\t.L3(%rip), %xmm0\n"
      "\tmovsd\t.L3+4(%rip), %xmm0\n"
      "\tcall\t*8(%rax)\n"
      "\tleaq\t.L4(%rip), %rdx\n"
      "\tnotrack jmp\t*%rdx\n"
      "\t.data .L3,8\n"
      "\t.byte\t0,0,0,0,0,0,240,63\n"
      "\t.data .L4,8\n"
      "\t.long\t.L2-.L4\n"
      "\t.long\t.L2-.L4\n";
  struct arena *arena = arena__new ();
  struct code *code = parse (arena, text, "f", false);
  assert_string_equal (code__canonical (code), expected);
  assert_true (code->endbr);
  assert_true (code->has_cfi);
  assert_int_equal (code->n_symbols, 2);
  assert_string_equal (code->symbol[0], "puts");
  assert_string_equal (code->symbol[1], "tab");
  assert_int_equal (code->item[0].line, 7);
  assert_true (insn__same (&code->item[0].insn, &code->item[0].insn));
  assert_false (insn__same (&code->item[0].insn, &code->item[1].insn));
  arena__free (arena);
}

/* Compilers align the first of a row of constants, and say other things between the alignment and the label.  */
static void
test_alignment_lasts (void **state)
{
  (void) state;
  static const char text[]
    = "\t.section\t.rodata,\"a\",@progbits\n\t.p2align\t6\n.LCPI0_0:\n\t.zero\t64,15\n.LCPI0_1:\n\t.zero\t64,160\n"
      "\t.p2align\t2\n.LCPI0_2:\n\t.long\t7\n"
      "\t.align 32\n\t.type\ttable, @object\n\t.size\ttable, 32\ntable:\n\t.zero\t32\n"
      "\t.section\t.rodata.str1.1\n.L.str:\n\t.asciz\t\"x\"\n"
      "\t.text\nf:\n\tvmovdqa64\t.LCPI0_0(%rip), %zmm0\n\tvpandq\t.LCPI0_1(%rip), %zmm0, %zmm0\n\tmovl\t.LCPI0_2(%rip), %eax\n"
      "\tvmovdqa\ttable(%rip), %ymm1\n\tmovb\t.L.str(%rip), %cl\n\tret\n\t.size\tf, .-f\n";
  static const unsigned expected[] = { 64, 64, 4, 32, 1 };
  struct arena *arena = arena__new ();
  struct code *code = parse (arena, text, "f", false);
  assert_int_equal (code->n_data, 5);
  for (unsigned i = 0; i < 5; i++)
    assert_int_equal (code->data[i].align, expected[i]);
  arena__free (arena);
}

static void
test_constants_stand_in (void **state)
{
  (void) state;
  static const char text[] = "f:\n\tmovsd\t.LC5(%rip), %xmm0\n\tret\n\t.size\tf, .-f\n";
  static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  const struct constant constant = { .label = ".LC5", .align = 8, .size = 8, .bytes = bytes };
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct code *code;
  assert_int_equal (code__parse (arena, text, strlen (text), "f", &constant, 1, false, &code, &why),
                    0);
  assert_int_equal (code->n_data, 1);
  assert_memory_equal (code->data[0].cell[0].bytes, bytes, 8);
  assert_int_equal (code__parse (arena, text, strlen (text), "f", NULL, 0, false, &code, &why), -1);
  assert_int_equal (why.reason, REASON_SYNTAX);
  arena__free (arena);
}

/* The same name must not mean two things: a table of the unit's own is carried along, a global isn't.  */
static void
test_named_tables (void **state)
{
  (void) state;
  static const char text[] = "f:\n\tleaq\tmine(%rip), %rax\n\tleaq\tours(%rip), %rdx\n\tmovl\tvar(%rip), %eax\n"
                             "\tret\n\t.size\tf, .-f\n"
                             "\t.section .rodata\n\t.align 4\nmine:\t.long 7\n"
                             "\t.globl ours\nours:\t.long 8\n\t.data\nvar:\t.long 9\n";
  struct arena *arena = arena__new ();
  struct code *code = parse (arena, text, "f", false);
  assert_int_equal (code->n_data, 1);
  assert_int_equal (code->data[0].cell[0].bytes[0], 7);
  assert_int_equal (code->n_symbols, 2);
  assert_string_equal (code->symbol[0], "ours");
  assert_string_equal (code->symbol[1], "var");
  arena__free (arena);
}

static void
test_refusals (void **state)
{
  (void) state;
  static const struct
  {
    bool strict;
    enum reason reason;
    const char *text;
  } cases[] = {
    { false, REASON_INLINE_ASM, "f:\n#APP\n nop\n#NO_APP\n ret\n.size f, .-f\n" },
    { false, REASON_NOT_TARGET, ".intel_syntax noprefix\nf:\n ret\n.size f, .-f\n" },
    { false, REASON_NOT_TARGET, "f:\n inc eax\n ret\n.size f, .-f\n" },
    { false, REASON_NOT_TARGET, "f:\n mov eax, ebx\n ret\n.size f, .-f\n" },
    { false, REASON_NOT_TARGET, "f:\n mov eax, DWORD PTR [rdi]\n ret\n.size f, .-f\n" },
    { false, REASON_NO_FUNCTION, "g:\n ret\n.size g, .-g\n" },
    { false, REASON_SYNTAX, "f:\n ret\n" },
    { false, REASON_SYNTAX, "f:\n.size f, .-f\n" },
    { false, REASON_SYNTAX, "f:\ng:\n ret\n.size f, .-f\n" },
    { false, REASON_SYNTAX, "f:\n jmp .L1\n.size f, .-f\n" },
    { false, REASON_DATA, "f:\n jmp .L1\n.size f, .-f\n.L1: ret\n" },
    { false, REASON_SYNTAX, "f:\n.L1: jmp .L1\n.L1: ret\n.size f, .-f\n" },
    { false, REASON_EXCEPTIONS, "f:\n.cfi_lsda 0x1b,.LLSDA0\n ret\n.size f, .-f\n" },
    { false, REASON_TLS, "f:\n movl x@tpoff(%rax), %eax\n ret\n.size f, .-f\n" },
    { false, REASON_RELOCATION, "f:\n movl x@GOTOFF(%rax), %eax\n ret\n.size f, .-f\n" },
    { false, REASON_DIRECTIVE, "f:\n .byte 0x66\n ret\n.size f, .-f\n" },
    { false, REASON_DIRECTIVE, "f:\n .incbin \"/etc/passwd\"\n ret\n.size f, .-f\n" },
    { false, REASON_DATA, "f:\n leaq .L1(%rip), %rax\n ret\n.size f, .-f\n"
                          ".section .data.rel.ro.local,\"aw\"\n.L1: .quad x\n" },
    { false, REASON_DATA, "f:\n movl .L1(%rip), %eax\n ret\n.size f, .-f\n.data\n.L1: .long 1\n" },
    { false, REASON_DATA, "f:\n movl .L1(%rip), %eax\n ret\n.size f, .-f\n"
                          ".section .rodata\n.L1: .zero 99999999\n" },
    { false, REASON_DATA, "f:\n movl .L1(%rip), %eax\n ret\n.size f, .-f\n"
                          ".section .rodata\n.L1: .incbin \"x\"\n" },
    { false, REASON_DATA, "f:\n jmp *table.0(,%rdi,8)\n.L1:\n ret\n.size f, .-f\n" },
    { true, REASON_DIRECTIVE, "f: .incbin \"/etc/passwd\"\n ret\n" },
    { true, REASON_DIRECTIVE, ".macro ret\n .endm\nf: ret\n" },
    { true, REASON_DIRECTIVE, ".include \"x\"\nf: ret\n" },
    { true, REASON_DIRECTIVE, "f: .org 100\n ret\n" },
    { true, REASON_DIRECTIVE, ".if 1\nf: ret\n.endif\n" },
    { true, REASON_DIRECTIVE, "f: .rept 9\n ret\n.endr\n" },
    { true, REASON_DIRECTIVE, ".set x, 1\nf: ret\n" },
    { true, REASON_DIRECTIVE, ".globl g\nf: ret\n" },
    { true, REASON_DIRECTIVE, ".globl fg\nf: ret\n" },
    { true, REASON_DIRECTIVE, ".weak f\nf: ret\n" },
    { true, REASON_DIRECTIVE, "f: ret\n.data\n.long 1\n" },
    { true, REASON_DIRECTIVE, "f: ret\n.section .init_array,\"aw\"\n.quad f\n" },
    { true, REASON_DIRECTIVE, "f: ret\n.section .rodata,\"aw\"\n.quad 1\n" },
    { true, REASON_DIRECTIVE, "f: ret\n.pushsection .text\n" },
    { true, REASON_DIRECTIVE, "f: .byte 0x0f, 0x05\n ret\n" },
    { true, REASON_DIRECTIVE, "f: .p2align 30\n ret\n" },
    { true, REASON_DIRECTIVE, ".code32\nf: ret\n" },
    { true, REASON_DATA, "f: movl .L1(%rip), %eax; ret\n.section .rodata\n.L1: .quad g\n" },
    { true, REASON_DATA, "f: movl .L1(%rip), %eax; ret\n.section .rodata\n.L1: .quad g-f\n" },
    { true, REASON_SYNTAX, "g: ret\nf: ret\n" },
    { true, REASON_SYNTAX, "nop\nf: ret\n" },
    { true, REASON_SYNTAX, "f: mov \"x\"(%rip), %eax\n" },
    { true, REASON_SYNTAX, "f: mov (x)(%rip), %eax\n" },
    { true, REASON_SYNTAX, "f: mov x*2(%rip), %eax\n" },
    { true, REASON_SYNTAX, "f: mov $.-f, %eax\n" },
    { true, REASON_SYNTAX, "f: mov $99999999999999999999, %eax\n" },
    { true, REASON_SYNTAX, "f: mov $09, %eax\n" },
    { true, REASON_SYNTAX, "f: jmp .\n" },
    { true, REASON_SYNTAX, "f: jmp f-g\n" },
    { true, REASON_SYNTAX, "f: ret\\\n" },
    { true, REASON_SYNTAX, "f: mov%eax, %ebx\n" },
    { true, REASON_SYNTAX, "f: mov %eax, %ebx %ecx\n" },
    { true, REASON_SYNTAX, "f: mov %eax, \n" },
    { true, REASON_SYNTAX, "f: mov (%rax,%rbx,3), %eax\n" },
    { true, REASON_SYNTAX, "f: jne 1b\n1: ret\n" },
    { true, REASON_SYNTAX, "f: rep\n" },
    { true, REASON_SYNTAX, "f: x = 5\n ret\n" },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct arena *arena = arena__new ();
      struct why why = { 0 };
      struct code *code;
      if (code__parse (arena, cases[i].text, strlen (cases[i].text), "f", NULL, 0, cases[i].strict,
                       &code, &why)
          == 0)
        fail_msg ("was read: %s", cases[i].text);
      if (why.reason != cases[i].reason)
        fail_msg ("%s, not %s (%s): %s", reason__slug (why.reason), reason__slug (cases[i].reason),
                  why.detail, cases[i].text);
      arena__free (arena);
    }
}

/* What a model may write.  */
static void
test_model_text (void **state)
{
  (void) state;
  static const char text[]
    = "/* A comment;\n   of two lines */\n"
      "\t.file \"x.c\"\n\t.text\n\t.globl f\n\t.type f, @function\n\t.p2align 4\n"
      "f:  # here\r\n"
      "\t.cfi_startproc\n\tpushq %rbx; .cfi_def_cfa_offset 16\n"
      "1:  decl %edi ; jnz 1b\n"
      "\tmovl .Lt(%rip), %eax\n\tpopq %rbx\n\tretq\n\t.cfi_endproc\n\t.size f, .-f\n"
      "\t.section .rodata.cst4,\"aM\",@progbits,4\n\t.p2align 2\n.Lt: .long 3, -1, .Lt-.Lt\n"
      "\t.section .note.GNU-stack,\"\",@progbits\n";
  struct arena *arena = arena__new ();
  struct code *code = parse (arena, text, "f", true);
  assert_string_equal (code__canonical (code),
                       "\tpushq\t%rbx\n.L0:\n\tdecl\t%edi\n\tjnz\t.L0\n\tmovl\t.L1(%rip), %eax\n"
                       "\tpopq\t%rbx\n\tret\n\t.data .L1,4\n\t.byte\t3,0,0,0,255,255,255,255\n"
                       "\t.long\t.L1-.L1\n");
  arena__free (arena);
}

/* Texts that differ in what they mean must not be equal in canonical form.  */
static void
test_canonical_tells_apart (void **state)
{
  (void) state;
  static const char *const texts[]
    = { "f: jmp .L1; .L1: nop; .L2: ret; jmp .L2",
        "f: jmp .L1; .L2: nop; .L1: ret; jmp .L2",
        "f: jmp .L1; .L1: nop; .L2: ret; jmp .L1",
        "f: call f; ret",
        "f: call g; ret",
        "f: mov 1(%rax), %ebx; ret",
        "f: mov -1(%rax), %ebx; ret",
        "f: mov (%rax), %ebx; ret",
        "f: mov %fs:(%rax), %ebx; ret",
        "f: mov x(%rip), %ebx; ret",
        "f: mov x@GOTPCREL(%rip), %ebx; ret",
        "f: mov x+1(%rip), %ebx; ret",
        "f: mov .L1(%rip), %ebx; ret; .section .rodata; .L1: .long 1",
        "f: mov .L1(%rip), %ebx; ret; .section .rodata; .L1: .long 2",
        "f: mov .L1(%rip), %ebx; ret; .section .rodata; .L1: .quad 1",
        "f: mov .L1(%rip), %ebx; ret; .section .rodata; .p2align 2; .L1: .long 1",
        "f: vaddps %zmm0, %zmm0, %zmm0; ret",
        "f: vaddps %zmm0, %zmm0, %zmm0{%k1}; ret",
        "f: vaddps %zmm0, %zmm0, %zmm0{%k1}{z}; ret",
        "f: vaddps {rn-sae}, %zmm0, %zmm0, %zmm0; ret",
        "f: vaddps (%rax){1to16}, %zmm0, %zmm0; ret",
        "f: vaddps (%rax), %zmm0, %zmm0; ret",
        "f: jmp *%rax",
        "f: jmp *(%rax)",
        "f: endbr64; ret",
        "f: ret",
        "f: rep ret",
        "f: .p2align 4; ret",
        "f: .p2align 4,,7; ret" };
  enum { N = sizeof texts / sizeof *texts };
  const char *canonical[N];
  struct arena *arena = arena__new ();
  for (unsigned i = 0; i < N; i++)
    {
      canonical[i] = code__canonical (parse (arena, texts[i], "f", true));
      for (unsigned j = 0; j < i; j++)
        if (strcmp (canonical[i], canonical[j]) == 0)
          fail_msg ("equal: '%s' and '%s'", texts[i], texts[j]);
    }
  arena__free (arena);
}

/* Cut and changed texts: read or refused, and what is read can be printed and read again.  */
static void
test_no_text_crashes (void **state)
{
  (void) state;
  char *folder = make_folder ();
  write_text (folder, "unit.c", source);
  char *unit = compile (tool ("AIOPT_GCC", "gcc"), folder, "unit.c", "-O2 -g");
  remove_folder (folder);
  if (!unit)
    skip ();
  /* pick with its surroundings is what is changed.  */
  char *end = strstr (unit, "\t.size\tpick");
  assert_non_null (end);
  size_t length = (size_t) (end - unit) + 40;
  uint64_t random = 1;
  static const char bits[] = "\n\t ;:#\"\\%$.(),{}*@-+/0129azL";
  enum { ROUNDS = 2000 };
  unsigned read = 0;
  for (unsigned round = 0; round < ROUNDS; round++)
    {
      size_t size = length;
      /* A copy of exact size, so that ASan sees a read past the end.  */
      random = random * 6364136223846793005u + 1442695040888963407u;
      if (round % 2)
        size = (size_t) (random >> 33) % length;
      char *text = malloc (size ? size : 1);
      memcpy (text, unit, size);
      for (unsigned i = 0; size && i < round % 7; i++)
        {
          random = random * 6364136223846793005u + 1442695040888963407u;
          text[(random >> 33) % size] = bits[(random >> 20) % (sizeof bits - 1)];
        }
      struct arena *arena = arena__new ();
      struct why why = { 0 };
      struct code *code;
      if (code__parse (arena, text, size, "pick", NULL, 0, round % 3 == 0, &code, &why) == 0)
        {
          struct code *again;
          const char *canonical = code__canonical (code);
          if (code__parse_canonical (arena, canonical, "pick", &again, &why) < 0)
            fail_msg ("%s: %s", why.detail, canonical);
          read++;
        }
      else
        assert_true (why.reason != REASON_NONE && why.detail[0]);
      arena__free (arena);
      free (text);
    }
  assert_true (read > 0);
  free (unit);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_what_is_read),
    cmocka_unit_test (test_alignment_lasts),
    cmocka_unit_test (test_constants_stand_in),
    cmocka_unit_test (test_named_tables),
    cmocka_unit_test (test_refusals),
    cmocka_unit_test (test_model_text),
    cmocka_unit_test (test_canonical_tells_apart),
    cmocka_unit_test (test_debug_noise_changes_nothing),
    cmocka_unit_test (test_no_text_crashes),
  };
  return cmocka_run_group_tests_name ("machine-code", tests, NULL, NULL);
}
