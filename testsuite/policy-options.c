/* The user's options are sorted so that meaning stays, files stay unwritten, and clang gets only what it understands the
   same way; a candidate's own flags can't do anything but steer optimizers.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/options.h"
#include <string.h>

static char *
joined (const struct arguments *arguments, char buffer[512])
{
  buffer[0] = 0;
  for (unsigned i = 0; i < arguments->n; i++)
    {
      if (i)
        strcat (buffer, " ");
      strcat (buffer, arguments->item[i]);
    }
  return buffer;
}

static void
sorts (void **state)
{
  static const char *option[]
    = { "-v", "-O2", "-D", "X=1", "-DY", "-I", "dir with space", "-o", "out.o", "-fwrapv", "-march=haswell", "-mno-avx2",
        "-mno-red-zone", "-fprofile-use=dir", "-fprofile-update=atomic", "-MD", "-MF", "deps", "-Wp,-MMD,x.d", "-Wall", "-g3",
        "-save-temps", "-dumpdir", "a-", "-mtune=generic", "--param", "max-unroll-times=4", "-std=gnu11", "-fPIC", "-ftree-vectorize",
        "-flto=8", "-fplugin=x.so", "-fplugin-arg-x-y=z", "-wrapper", "evil", "-include", "h.h", "-shared", "stray.c" };
  struct region region = { .n_options = sizeof option / sizeof *option, .option = option };
  struct unit_options options;
  char buffer[512];
  (void) state;
  unit_options__sort (&region, &options);
  assert_string_equal (joined (&options.cpp, buffer), "-D X=1 -DY -I dir with space -include h.h");
  assert_string_equal (joined (&options.gcc, buffer),
                       "-fwrapv -mno-red-zone --param max-unroll-times=4 -std=gnu11 -fPIC -ftree-vectorize");
  assert_string_equal (joined (&options.isa, buffer), "-march=haswell -mno-avx2");
  assert_string_equal (joined (&options.tune, buffer), "-mtune=generic");
  assert_string_equal (joined (&options.clang, buffer), "-fwrapv -mno-red-zone -std=gnu11 -fPIC");
  assert_null (options.clang_obstacle);
  assert_string_equal (options.level, "-O2");
  assert_int_equal (unit_options__level (&options), 2);
  assert_string_equal (options.profile, "-fprofile-use=dir");
  unit_options__free (&options);
}

/* What clang doesn't have, or has with another meaning, keeps it out.  */
static void
clang_obstacles (void **state)
{
  static const char *const obstacles[] = { "-fnon-call-exceptions", "-finstrument-functions", "-mms-bitfields", "-ffixed-r12",
                                           "-fsanitize=address", "-mindirect-branch=thunk", "-freg-struct-return", "-pg", "-m32" };
  (void) state;
  for (unsigned i = 0; i < sizeof obstacles / sizeof *obstacles; i++)
    {
      const char *option[] = { "-O2", obstacles[i] };
      struct region region = { .n_options = 2, .option = option };
      struct unit_options options;
      unit_options__sort (&region, &options);
      assert_non_null (options.clang_obstacle);
      assert_string_equal (options.clang_obstacle, obstacles[i]);
      unit_options__free (&options);
    }
}

static void
levels (void **state)
{
  static const struct
  {
    const char *text;
    int level;
    bool fast;
  } cases[] = { { "-O", 1, false }, { "-O0", 0, false }, { "-O1", 1, false },   { "-Og", 1, false },
                { "-Os", 2, false }, { "-O3", 3, false }, { "-Ofast", 3, true }, { "-O2", 2, false } };
  (void) state;
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const char *option[] = { "-O1", cases[i].text };
      struct region region = { .n_options = 2, .option = option };
      struct unit_options options;
      unit_options__sort (&region, &options);
      assert_int_equal (unit_options__level (&options), cases[i].level);
      assert_int_equal (options.fast, cases[i].fast);
      unit_options__free (&options);
    }
}

static void
safe_flags (void **state)
{
  static const char *const good[]
    = { "-O2", "-funroll-loops", "-fno-tree-vectorize", "-ftree-vectorize", "-mavx2", "-mno-avx512f", "-mprefer-vector-width=128",
        "-fno-ivopts", "-finline-limit=900", "-fvect-cost-model=unlimited" };
  static const char *const bad[]
    = { "-ffast-math", "-Ofast", "-fplugin=/tmp/x.so", "-fplugin-arg-x", "@file", "-wrapper", "-B/tmp", "-specs=x", "-o", "-ox", "x.c",
        "-mavx512f", "-march=native", "-march=skylake", "-include", "-imacros", "-I/etc", "-fprofile-generate", "-fdump-tree-all",
        "-fpermissive", "-fwrapv-pointer", "-m32", "-mno-red-zone", "-fsanitize=address", "-Wa,-a", "-Wp,-MD,x", "-Xassembler", "",
        "-", "-f", "-fno-", "-funroll-loops,-x", "-ftree-vectorize/../x", "-fassociative-math", "-fno-signed-zeros", "-ffp-contract=fast",
        "-fopenmp", "-fipafoo", "-finlinex", "-mabi=ms", "-fstack-usage", "-save-temps", "-MD", "-ftree-dump", "-fira-verbose=9", "-fsched-verbose=9", "-fsched-verbose" };
  uint64_t allowed = ISA_BASELINE | ISA_BIT (AVX) | ISA_BIT (AVX2);
  (void) state;
  for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
    if (!flag__is_safe (good[i], allowed))
      fail_msg ("%s is refused", good[i]);
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    if (flag__is_safe (bad[i], allowed))
      fail_msg ("%s is allowed", bad[i]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (sorts), cmocka_unit_test (clang_obstacles), cmocka_unit_test (levels),
                                      cmocka_unit_test (safe_flags) };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
