/* Runs kernels of bench/kernels on data of its own and prints what they give.  -DKERNELS='ONE (name) ONE (name) …' names them; each was
   compiled with -DKERNEL_SYMBOL=its name with "_kernel" behind it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "bench/kernels/kernel.h"

#include <stdio.h>
#include <stdlib.h>

#define ONE(NAME) extern const struct kernel NAME##_kernel;
KERNELS
#undef ONE

static const struct kernel *const kernels[] = {
#define ONE(NAME) &NAME##_kernel,
  KERNELS
#undef ONE
};

static void *
area (uint32_t seed)
{
  uint32_t *words = malloc (AREA);
  if (!words)
    abort ();
  for (size_t i = 0; i < AREA / sizeof *words; i++)
    words[i] = seed = seed * 1664525 + 1013904223;
  return words;
}

int
main (void)
{
  static const size_t sizes[] = { 0, 1, 2, 7, 16, 33, 1000, 4096, 10007 };
  for (unsigned k = 0; k < sizeof kernels / sizeof *kernels; k++)
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
      {
        struct work work = { .size = sizes[i], .a = area (1), .b = area (2), .c = area (3) };
        if (kernels[k]->prepare)
          kernels[k]->prepare (&work);
        uint64_t sum = kernels[k]->run (&work);
        for (const uint8_t *at = work.c, *end = at + AREA; at < end; at++)
          sum = sum * 31 + *at;
        printf ("%s %zu %llx\n", kernels[k]->name, work.size, (unsigned long long) sum);
        free (work.a);
        free (work.b);
        free (work.c);
      }
  return 0;
}
