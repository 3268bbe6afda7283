/* One row of the table of edit distances: each entry depends on the one before it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

/* FROM is the row above, N + 1 entries; TO the new one for character C against TEXT[N].  */
HOT void
edit_row (uint32_t *restrict to, const uint32_t *restrict from, const uint8_t *restrict text, size_t n, uint8_t c)
{
  uint32_t last = from[0] + 1;
  to[0] = last;
  for (size_t i = 0; i < n; i++)
    {
      uint32_t above = from[i + 1] + 1, across = from[i] + (text[i] != c);
      last = last + 1 < above ? last + 1 : above;
      last = last < across ? last : across;
      to[i + 1] = last;
    }
}

/* A: the row above, distances that differ by one at most, as they do; B: text.  */
static void
prepare (struct work *work)
{
  uint32_t *row = work->a;
  uint8_t *text = work->b;
  uint32_t at = (uint32_t) work->size;
  for (size_t i = 0; i <= work->size; i++)
    {
      at += row[i] % 3 - 1;
      row[i] = at;
      text[i] = (uint8_t) ("etaoinsh"[text[i] & 7]);
    }
}

static uint64_t
run (struct work *work)
{
  edit_row (work->c, work->a, work->b, work->size, 'e');
  return spread_sum (work->c, 4 * work->size + 4);
}

PREPARED_KERNEL ("edit_row", "search", DATA_RANDOM, 9, prepare, run);
