/* Groups of four numbers sorted by a network.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "kernel.h"

#define ORDER(X, Y)                                                                                \
  do                                                                                               \
    {                                                                                              \
      int32_t low = X < Y ? X : Y, high = X < Y ? Y : X;                                           \
      X = low;                                                                                     \
      Y = high;                                                                                    \
    }                                                                                              \
  while (0)

HOT void
sort_network (int32_t *to, const int32_t *from, size_t n)
{
  for (size_t i = 0; i + 4 <= n; i += 4)
    {
      int32_t a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];
      ORDER (a, b);
      ORDER (c, d);
      ORDER (a, c);
      ORDER (b, d);
      ORDER (b, c);
      to[i] = a;
      to[i + 1] = b;
      to[i + 2] = c;
      to[i + 3] = d;
    }
}

static uint64_t
run (struct work *work)
{
  sort_network (work->c, work->a, work->size);
  return spread_sum (work->c, 4 * work->size);
}

KERNEL ("sort_network", "search", DATA_RANDOM, 8, run);
