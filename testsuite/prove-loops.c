/* Vectorizable integer loops: gcc -O3 -march=native against gcc -O1.  How many are proved, bounded, tested, unknown?
   With --strict it fails below the share that issue 3 asks for.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/verdict-table.h"

#define SHARE_LEAST 0.38

int
main (int argc, char **argv)
{
  static const struct variant variants[] = { { "compiled/gcc-O3", NULL, "-O3 -march=native -fno-tree-loop-distribute-patterns" } };
  static const struct pairs pairs = { .title = "vectorizable integer loops",
                                      .folder = "testsuite/verify/loops",
                                      .original_flags = "-O1 -fno-tree-loop-distribute-patterns",
                                      .budget = 20,
                                      .n_variants = 1,
                                      .variant = variants };
  struct pairs_count count;
  bool strict = pairs__strict (&argc, &argv);
  if (pairs__run (&pairs, argc, argv, &count))
    return 1;
  bool well = count.level[VERDICT_REFUTED] == 0 && count.broken == 0;
  unsigned shown = count.level[VERDICT_PROVED] + count.level[VERDICT_BOUNDED];
  printf ("# proved or bounded: %u of %u, %.0f %%\n", shown, count.pairs, count.pairs ? 100.0 * shown / count.pairs : 0);
  if (strict)
    well &= shown >= SHARE_LEAST * count.pairs;
  return !well;
}
