/* Line ends in a text.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
count_lines (const uint8_t *p, size_t n)
{
  size_t lines = 0;
  for (size_t i = 0; i < n; i++)
    lines += p[i] == 10;
  return lines;
}

static uint64_t
run (struct work *work)
{
  return count_lines (work->a, work->size);
}

KERNEL ("count_lines", "text", DATA_TEXT, 1, run);
