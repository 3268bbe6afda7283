/* Words compared as strcmp does.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

HOT int
compare (const char *a, const char *b)
{
  while (*a != 0 && *a == *b)
    a++, b++;
  return (unsigned char) *a - (unsigned char) *b;
}

/* Words that end in 0, in B with a letter changed now and then.  */
static void
prepare (struct work *work)
{
  char *a = work->a, *b = work->b;
  for (size_t i = 0; i < work->size; i++)
    {
      int change = (b[i] & 15) == 15;
      if (a[i] == 0x20)
        a[i] = 0;
      b[i] = a[i] != 0 && change ? 0x78 : a[i];
    }
  a[work->size - 1] = b[work->size - 1] = 0;
}

static uint64_t
run (struct work *work)
{
  const char *a = work->a, *b = work->b;
  uint64_t before = 0;
  for (size_t i = 0; i < work->size; i += strlen (a + i) + 1)
    before += compare (a + i, b + i) < 0;
  return before;
}

PREPARED_KERNEL ("compare_words", "irregular", DATA_TEXT, 2, prepare, run);
