/* The 25 functions of Hacker's Delight that superoptimizers are measured on, of 32 and of 64 bits: what gcc and clang make of
   them at -O1 to -O3 -march=native, and other ways to write them, against gcc -O2.  All are loop-free, so all of the
   compilers' should be proved.  With --strict it fails where one isn't, or where the median takes longer than a second.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/verdict-table.h"

#define MEDIAN_MOST 1.0

int
main (int argc, char **argv)
{
#define CLANG "-w -fno-pic -fno-stack-protector -fno-finite-loops -mllvm -disable-loop-idiom-all -march=native "
  static const struct variant variants[] = {
    { "compiled/gcc-O1", NULL, "-O1 -march=native" },    { "compiled/gcc-O2", NULL, "-O2 -march=native" },
    { "compiled/gcc-O3", NULL, "-O3 -march=native" },    { "compiled/clang-O1", "clang", CLANG "-O1" },
    { "compiled/clang-O2", "clang", CLANG "-O2" },       { "compiled/clang-O3", "clang", CLANG "-O3" },
  };
  static const struct pairs pairs = { .title = "Hacker's Delight",
                                      .folder = "testsuite/verify/hackers-delight",
                                      .original_flags = "-O2",
                                      .own_candidates = true,
                                      .budget = 10,
                                      .n_variants = sizeof variants / sizeof *variants,
                                      .variant = variants };
  struct pairs_count count;
  bool strict = pairs__strict (&argc, &argv);
  if (pairs__run (&pairs, argc, argv, &count))
    return 1;
  bool well = count.level[VERDICT_REFUTED] == 0 && count.broken == 0;
  if (strict)
    well &= count.variant_proved == count.variant_pairs && count.median_seconds < MEDIAN_MOST;
  return !well;
}
