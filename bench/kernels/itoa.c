/* Numbers as decimal text, one a call.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT size_t
format_u32 (char *to, uint32_t x)
{
  char reversed[10];
  size_t n = 0;
  do
    {
      reversed[n++] = (char) (0x30 + x % 10);
      x /= 10;
    }
  while (x != 0);
  for (size_t i = 0; i < n; i++)
    to[i] = reversed[n - 1 - i];
  return n;
}

static uint64_t
run (struct work *work)
{
  const uint32_t *number = work->a;
  char *to = work->c;
  for (size_t i = 0; i < work->size; i++)
    {
      to += format_u32 (to, number[i] >> (i & 31));
      *to++ = 0x20;
    }
  return (uint64_t) (to - (char *) work->c);
}

KERNEL ("itoa", "text", DATA_RANDOM, 15, run);
