/* Shows that a spliced unit assembles, links, runs and unwinds like the compiler's own, for many kinds
   of units; and that the unwind rows derived from instructions are those that GCC knows.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/machine-text.h"

#include "machine/cfi.h"
#include "machine/region.h"
#include "machine/splice.h"

static const char kernels[]
  = "#include <stddef.h>\n"
    "#include <stdint.h>\n"
    "#include <string.h>\n"
    "int callback (int);\n"
    "void never (int) __attribute__ ((cold));\n"
    "static const int weights[] = { 3, 1, 4, 1, 5, 9, 2, 6 };\n"
    "int sum (const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i] * weights[i & 7]; return s; }\n"
    "void axpy (float *y, const float *x, float k, int n) { for (int i = 0; i < n; i++) y[i] = y[i] * 0.5f + k * x[i]; }\n"
    "int pick (int k, int x) { switch (k) { case 0: return x + 1; case 1: return x * 3; case 2: return x ^ 85;\n"
    "  case 3: return callback (x) + 2; case 4: return x / 7; case 5: return x % 11; case 6: return -x;\n"
    "  case 9: never (x); default: return 42; } }\n"
    "int busy (const int *a, int n, int m) { int s = m; for (int i = 0; i < n; i++) {\n"
    "    if (__builtin_expect (a[i] < 0, 0)) { never (a[i]); s -= callback (s); }\n"
    "    s += callback (a[i] + s) ^ m; if (s & 64) s += a[n - 1 - i] * n; } return s; }\n"
    "int fold (int n) { int buffer[200]; memset (buffer, 0, sizeof buffer);\n"
    "  for (int i = 0; i < 200; i++) buffer[i] = callback (i * n);\n"
    "  int s = 0; for (int i = 0; i < 200; i++) s += buffer[i] * buffer[199 - i]; return s; }\n"
    "int walk (int n) { return n < 2 ? callback (n) : walk (n - 1) + walk (n - 2) * 3; }\n"
    "double mix (double a, float b) { return a * 2.5 + b * 1.25f; }\n";

static const char *const functions[]
  = { "sum", "axpy", "pick", "busy", "fold", "walk", "mix" };
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const char driver[]
  = "#include <stdio.h>\n"
    "int sum (const int *, int); void axpy (float *, const float *, float, int); int pick (int, int);\n"
    "int busy (const int *, int, int); int fold (int); int walk (int); double mix (double, float);\n"
    "int callback (int x) { return x * 7 ^ 3; }\n"
    "void never (int x) { printf ((\"never %d\\n\"), x); }\n"
    "int main (void) { int a[100]; float x[100], y[100];\n"
    "  for (int i = 0; i < 100; i++) { a[i] = i * 77 % 131 - 10; x[i] = i * 0.25f; y[i] = i * 3; }\n"
    "  for (int n = 0; n <= 100; n += 7) printf (\"%d \", sum (a, n));\n"
    "  axpy (y, x, 2.5f, 99); for (int i = 0; i < 100; i++) printf (\"%g \", y[i]);\n"
    "  for (int k = -1; k < 11; k++) printf (\"%d \", pick (k, 1000 + k));\n"
    "  printf (\"%d %d %d %g\\n\", busy (a, 30, 5), fold (3), walk (9), mix (3, 4)); return 0; }\n";

/* Parses FUNCTION from UNIT and puts it into TEXT; the new text, TEXT is freed.  */
static char *
splice (char *text, const char *unit, const char *function, unsigned serial)
{
  struct why why = { 0 };
  struct arena *arena = arena__new ();
  struct code *code;
  char *result = NULL;
  if (code__parse (arena, unit, strlen (unit), function, NULL, 0, false, &code, &why) < 0
      || splice__function (text, strlen (text), code, serial, &result, &why) < 0)
    fail_msg ("%s: %s: %s", function, reason__slug (why.reason), why.detail);
  arena__free (arena);
  free (text);
  return result;
}

/* Compiles the kernels with USER flags, puts in each function as BETTER compiled by COMPILER, and
   compares what the program prints.  */
static void
check_unit (const char *user, const char *compiler, const char *better)
{
  const char *gcc = tool ("AIOPT_GCC", "gcc");
  char *folder = make_folder ();
  write_text (folder, "kernels.c", kernels);
  write_text (folder, "main.c", driver);
  char *unit = compile (gcc, folder, "kernels.c", user);
  char *fast = compile (compiler, folder, "kernels.c", better);
  if (!unit || !fast)
    {
      free (unit);
      free (fast);
      remove_folder (folder);
      skip ();
    }
  write_text (folder, "plain.s", unit);
  for (unsigned i = 0; i < FUNCTIONS; i++)
    unit = splice (unit, fast, functions[i], i);
  write_text (folder, "spliced.s", unit);
  if (run ("cd '%s' && %s -w %s main.c plain.s -o plain >log 2>&1 && ./plain >plain.out", folder, gcc,
           strstr (user, "-fno-pie") ? "-no-pie" : "")
      || run ("cd '%s' && %s -w %s main.c spliced.s -o spliced && ./spliced >spliced.out", folder, gcc,
              strstr (user, "-fno-pie") ? "-no-pie" : "")
      || run ("cd '%s' && cmp plain.out spliced.out", folder)
      || run ("cd '%s' && readelf --debug-dump=frames-interp,info,loc,Ranges,decodedline spliced "
              ">debug 2>&1",
              folder))
    fail_msg ("%s; %s %s: see above", user, compiler, better);
  free (unit);
  free (fast);
  remove_folder (folder);
}

static void
test_units (void **state)
{
  (void) state;
  static const char *const users[]
    = { "-O2",
        "-O2 -g3",
        "-O3 -g -gdwarf-5 -gvariable-location-views",
        "-O2 -g -fPIC -ffunction-sections -fdata-sections",
        "-O2 -fcf-protection -g",
        "-O2 -g -fverbose-asm -fno-asynchronous-unwind-tables",
        "-O2 -fno-pie",
        "-O0 -g" };
  const char *gcc = tool ("AIOPT_GCC", "gcc");
  for (unsigned i = 0; i < sizeof users / sizeof *users; i++)
    {
      const char *pic = strstr (users[i], "-fPIC") ? "-fPIC" : "";
      char better[64];
      snprintf (better, sizeof better, "-O3 -mavx2 %s", pic);
      check_unit (users[i], gcc, better);
    }
  check_unit ("-O2 -g3", gcc, "-O1 -fno-omit-frame-pointer");
  check_unit ("-O2 -g", "clang", "-O3 -mavx2 -fPIE");
  check_unit ("-O2 -g -fno-pie", gcc, "-Os");
}

/* Absolute addresses can't be linked into a PIE: taken only where the unit has them itself.  */
static void
test_absolute_addresses (void **state)
{
  (void) state;
  static const char captured[] = "\t.text\nf:\n\t.cfi_startproc\n%s\tret\n\t.cfi_endproc\n\t.size f, .-f\n";
  static const char *const absolute[]
    = { "f: movl $.LC, %eax; ret\n.section .rodata\n.LC: .long 1\n",
        "f: movl .LC(,%rdi,4), %eax; ret\n.section .rodata\n.LC: .long 1\n",
        "f: jmp *.LC(,%rdi,8)\n.L1: ret\n.section .rodata\n.LC: .long .L1-.LC, 0\n" };
  for (unsigned i = 0; i < 2 * sizeof absolute / sizeof *absolute; i++)
    {
      struct arena *arena = arena__new ();
      struct why why = { 0 };
      struct code *code;
      char unit[256], *text;
      snprintf (unit, sizeof unit, captured, i & 1 ? "\tmovl\t$tab, %edi\n" : "\tleaq\ttab(%rip), %rdi\n");
      assert_int_equal (code__parse (arena, absolute[i / 2], strlen (absolute[i / 2]), "f", NULL, 0,
                                     true, &code, &why),
                        0);
      int result = splice__function (unit, strlen (unit), code, 0, &text, &why);
      if (i & 1)
        assert_int_equal (result, 0);
      else
        {
          assert_int_equal (result, -1);
          assert_int_equal (why.reason, REASON_RELOCATION);
        }
      free (text);
      arena__free (arena);
    }
}

static const char comdat_source[]
  = "extern \"C\" int callback (int);\n"
    "template <class T> __attribute__ ((noinline)) T pick (T k, T x) { switch (k) {\n"
    "  case 0: return x + 1; case 1: return x * 3; case 2: return x ^ 85; case 3: return callback (x) + 2;\n"
    "  case 4: return x / 7; case 5: return x % 11; case 6: return -x; default: return 42; } }\n"
    "template <class T> __attribute__ ((noinline)) T loop (T n) { T a[64]; T s = 0;\n"
    "  for (T i = 0; i < 64; i++) a[i] = callback (i + n);\n"
    "  for (T i = 0; i < 64; i++) s += a[i] * a[63 - i]; return s; }\n"
    "int NAME (int k, int x) { return pick (k, x) + loop (x); }\n";

static const char comdat_main[]
  = "#include <cstdio>\n"
    "int one (int, int); int two (int, int);\n"
    "extern \"C\" int callback (int x) { if (x == 1063) throw x; return x * 5; }\n"
    "int main () { for (int k = 0; k < 8; k++) { std::printf (\"%d %d\\n\", one (k, 900 + k), two (k, k));\n"
    "  try { one (k, 1000 + k); } catch (int x) { std::printf (\"caught %d\\n\", x); } } }\n";

/* Two units with the same COMDAT functions, one of them spliced; exceptions fly through them.  */
static void
test_comdat_and_exceptions (void **state)
{
  (void) state;
  const char *gxx = tool ("AIOPT_GXX", "g++");
  char *folder = make_folder ();
  write_text (folder, "unit.cc", comdat_source);
  write_text (folder, "main.cc", comdat_main);
  char *unit = compile (gxx, folder, "unit.cc", "-O2 -g -DNAME=one");
  char *fast = unit ? compile (gxx, folder, "unit.cc", "-O3 -mavx2 -DNAME=one") : NULL;
  if (!fast)
    skip ();
  write_text (folder, "plain.s", unit);
  unit = splice (unit, fast, "_Z4pickIiET_S0_S0_", 1);
  unit = splice (unit, fast, "_Z4loopIiET_S0_", 2);
  unit = splice (unit, fast, "_Z3oneii", 3);
  write_text (folder, "spliced.s", unit);
  static const char link[] = "cd '%s' && %s -O2 -DNAME=two main.cc %s %s %s -o p >log 2>&1 && ./p >%s";
  assert_int_equal (run (link, folder, gxx, "plain.s", "unit.cc", "", "plain.out"), 0);
  if (run (link, folder, gxx, "spliced.s", "unit.cc", "", "out1")
      || run (link, folder, gxx, "unit.cc", "spliced.s", "", "out2"))
    {
      run ("cat '%s/log'", folder);
      fail ();
    }
  assert_int_equal (run ("cd '%s' && cmp plain.out out1 && cmp plain.out out2", folder), 0);
  assert_int_equal (run ("grep -q 'caught 1063' '%s/out1'", folder), 0);
  free (unit);
  free (fast);
  remove_folder (folder);
}

enum { ADDRESSES = 1 << 16 };

/* The CFA column of the unwind table of object NAME for each address; "" where there is none.  */
static void
read_rows (const char *folder, const char *name, char (*rows)[16])
{
  char path[600], line[1024], last[16] = "";
  snprintf (path, sizeof path, "cd '%s' && readelf --debug-dump=frames-interp %s", folder, name);
  memset (rows, 0, ADDRESSES * sizeof *rows);
  FILE *pipe = popen (path, "r");
  assert_non_null (pipe);
  unsigned long at = 0, end = 0;
  bool in_fde = false;
  while (fgets (line, sizeof line, pipe))
    {
      const char *pc = strstr (line, " pc=");
      unsigned long low, high;
      char cfa[16];
      if (strstr (line, " FDE ") && pc && sscanf (pc, " pc=%lx..%lx", &low, &high) == 2)
        {
          for (; at < end && at < ADDRESSES; at++)
            strcpy (rows[at], last);
          in_fde = true;
          at = low;
          end = high;
          strcpy (last, "");
        }
      else if (strstr (line, " CIE "))
        in_fde = false;
      else if (in_fde && sscanf (line, "%16lx %15s", &low, cfa) == 2 && strchr (cfa, '+'))
        {
          for (; at < low && at < ADDRESSES; at++)
            strcpy (rows[at], last);
          strcpy (last, cfa);
        }
    }
  for (; at < end && at < ADDRESSES; at++)
    strcpy (rows[at], last);
  pclose (pipe);
}

/* Splices each function's own code in its own place: the bytes are the same, and the rows must say
   what GCC's say wherever both count from the same register.  */
static void
test_rows_are_gcc_s (void **state)
{
  (void) state;
  static const char *const flags[]
    = { "-O2 -fno-reorder-blocks-and-partition", "-O3 -mavx2 -fno-reorder-blocks-and-partition",
        "-O1 -fno-omit-frame-pointer", "-Os -fno-reorder-blocks-and-partition", "-O0" };
  const char *gcc = tool ("AIOPT_GCC", "gcc");
  char (*ours)[16] = malloc (2 * ADDRESSES * sizeof *ours), (*gccs)[16] = ours + ADDRESSES;
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
    {
      char *folder = make_folder ();
      write_text (folder, "kernels.c", kernels);
      char *unit = compile (gcc, folder, "kernels.c", flags[i]);
      if (!unit)
        skip ();
      write_text (folder, "gcc.s", unit);
      char *spliced = strdup (unit);
      for (unsigned j = 0; j < FUNCTIONS; j++)
        spliced = splice (spliced, unit, functions[j], j);
      write_text (folder, "ours.s", spliced);
      assert_int_equal (run ("cd '%s' && as gcc.s -o gcc.o && as ours.s -o ours.o && "
                             "objcopy -O binary -j .text gcc.o gcc.bin && "
                             "objcopy -O binary -j .text ours.o ours.bin && "
                             "[ $(stat -c %%s gcc.bin) = $(stat -c %%s ours.bin) ]",
                             folder),
                        0);
      read_rows (folder, "gcc.o", gccs);
      read_rows (folder, "ours.o", ours);
      unsigned compared = 0;
      for (unsigned at = 0; at < ADDRESSES; at++)
        {
          if (!gccs[at][0] && !ours[at][0])
            continue;
          if (memcmp (gccs[at], ours[at], 3) != 0)
            continue;
          compared++;
          if (strcmp (gccs[at], ours[at]) != 0)
            fail_msg ("%s: at %#x GCC says %s, we say %s", flags[i], at, gccs[at], ours[at]);
        }
      /* GCC counts from a frame pointer where there is one.  */
      bool frame = strstr (flags[i], "-O0") || strstr (flags[i], "-fno-omit");
      assert_true (compared > (frame ? 20 : 200));
      free (unit);
      free (spliced);
      remove_folder (folder);
    }
  free (ours);
}

/* Bodies whose unwinding can't be told, each refused; and some that can.  */
static void
test_cfi_refuses (void **state)
{
  (void) state;
  static const struct
  {
    const char *body;
    bool good;
  } cases[] = {
    { "ret", true },
    { "push %rbx; mov %rdi, %rbx; pop %rbx; ret", true },
    { "push %rbp; mov %rsp, %rbp; and $-32, %rsp; sub $64, %rsp; leave; ret", true },
    { "push %rbp; mov %rsp, %rbp; push %rbx; and $-32, %rsp; sub $64, %rsp; mov $0, %ebx; "
      "lea -8(%rbp), %rsp; pop %rbx; pop %rbp; ret",
      true },
    { "test %edi, %edi; je .L1; push %rbx; xor %ebx, %ebx; pop %rbx; .L1: ret", true },
    { "sub $24, %rsp; mov %rbx, 8(%rsp); xor %ebx, %ebx; mov 8(%rsp), %rbx; add $24, %rsp; ret",
      true },
    { "call abort; .L1: ret", true },
    /* Changed without a save.  */
    { "mov %rdi, %rbx; ret", false },
    { "xor %ebx, %ebx; ret", false },
    { "push %rbx; xor %ebx, %ebx; pop %rcx; ret", false },
    /* Restored from another's place.  */
    { "push %rbx; push %r12; xor %ebx, %ebx; xor %r12d, %r12d; pop %rbx; pop %r12; ret", false },
    /* Left at another depth, or meeting at different ones.  */
    { "push %rax; ret", false },
    { "pop %rax; push %rax; ret", false },
    { "sub $8, %rsp; jmp puts", false },
    { "test %edi, %edi; je .L1; push %rax; .L1: pop %rcx; ret", false },
    /* The saved value is overwritten while it is needed.  */
    { "push %rbx; xor %ebx, %ebx; movq $1, (%rsp); pop %rbx; ret", false },
    { "push %rbx; xor %ebx, %ebx; movups %xmm0, -8(%rsp); pop %rbx; ret", false },
    /* The stack pointer goes where it can't be followed.  */
    { "sub %rdi, %rsp; add %rdi, %rsp; ret", false },
    { "and $-32, %rsp; ret", false },
    { "mov %rdi, %rsp; ret", false },
    { "xchg %rdi, %rsp; xchg %rdi, %rsp; ret", false },
    { "push %rbp; mov %rsp, %rbp; and $-32, %rsp; xor %ebp, %ebp; leave; ret", false },
    { "push %rbp; mov %rsp, %rbp; push %rbx; xor %ebx, %ebx; and $-32, %rsp; add $32, %rsp; "
      "mov -8(%rbp), %rbx; leave; ret",
      false },
    { "sub $24, %rsp; mov %rbx, -8(%rsp); xor %ebx, %ebx; mov -8(%rsp), %rbx; add $24, %rsp; ret",
      false },
    { "movq $0, (%rsp); ret", false },
    { "enter $8, $0; leave; ret", false },
    { "ret $8", false },
    { "pushfq; popfq; ret", false },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct arena *arena = arena__new ();
      struct why why = { 0 };
      struct code *code;
      char text[512];
      snprintf (text, sizeof text, "f: %s\n", cases[i].body);
      if (code__parse (arena, text, strlen (text), "f", NULL, 0, true, &code, &why) < 0)
        fail_msg ("%s: %s", cases[i].body, why.detail);
      const char *const *before;
      int result = cfi__derive (arena, code, &before, &why);
      if ((result == 0) != cases[i].good)
        fail_msg ("%s: %s", cases[i].body, result ? why.detail : "was taken");
      if (result < 0)
        assert_int_equal (why.reason, REASON_CFI);
      arena__free (arena);
    }
}

/* A callee that never returns may stand before a label of another depth, if it is known.  */
static void
test_noreturn_callees (void **state)
{
  (void) state;
  static const char text[] = "f: push %rax; test %edi, %edi; je .L1; pop %rax; jmp .L2\n"
                             ".L1: call fatal\n.L2: ret\n";
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct code *code;
  const char *const *before;
  struct callee callee = { .name = "fatal" };
  struct region region = { .n_callees = 1, .callee = &callee };
  assert_int_equal (code__parse (arena, text, strlen (text), "f", NULL, 0, true, &code, &why), 0);
  assert_int_equal (cfi__derive (arena, code, &before, &why), -1);
  region__note_noreturn (&region, code);
  assert_int_equal (cfi__derive (arena, code, &before, &why), -1);
  callee.is_noreturn = true;
  region__note_noreturn (&region, code);
  assert_int_equal (cfi__derive (arena, code, &before, &why), 0);
  arena__free (arena);
}

/* Cut and changed captured texts are spliced or refused.  */
static void
test_no_text_crashes (void **state)
{
  (void) state;
  char *folder = make_folder ();
  write_text (folder, "kernels.c", kernels);
  char *unit = compile (tool ("AIOPT_GCC", "gcc"), folder, "kernels.c", "-O2 -g");
  remove_folder (folder);
  if (!unit)
    skip ();
  struct arena *arena = arena__new ();
  struct why why = { 0 };
  struct code *code;
  assert_int_equal (code__parse (arena, unit, strlen (unit), "pick", NULL, 0, false, &code, &why), 0);
  char *start = strstr (unit, "\t.globl\tpick"), *end = strstr (unit, "\t.size\tpick");
  assert_true (start && end);
  size_t length = (size_t) (end - start) + 20;
  uint64_t random = 1;
  static const char bits[] = "\n\t ;:#\"\\%$.(),{}*@-+/0129azL";
  enum { ROUNDS = 1000 };
  for (unsigned round = 0; round < ROUNDS; round++)
    {
      random = random * 6364136223846793005u + 1442695040888963407u;
      size_t size = round % 2 ? (size_t) (random >> 33) % length + 1 : length;
      char *text = malloc (size), *spliced;
      memcpy (text, start, size);
      for (unsigned i = 0; i < round % 7; i++)
        {
          random = random * 6364136223846793005u + 1442695040888963407u;
          text[(random >> 33) % size] = bits[(random >> 20) % (sizeof bits - 1)];
        }
      memset (&why, 0, sizeof why);
      if (splice__function (text, size, code, round, &spliced, &why) < 0)
        assert_true (why.reason != REASON_NONE && !spliced);
      free (spliced);
      free (text);
    }
  arena__free (arena);
  free (unit);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_cfi_refuses),
    cmocka_unit_test (test_noreturn_callees),
    cmocka_unit_test (test_no_text_crashes),
    cmocka_unit_test (test_rows_are_gcc_s),
    cmocka_unit_test (test_absolute_addresses),
    cmocka_unit_test (test_comdat_and_exceptions),
    cmocka_unit_test (test_units),
  };
  return cmocka_run_group_tests_name ("machine-splice", tests, NULL, NULL);
}
