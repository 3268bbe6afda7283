/* A program whose time is proportional to its argument: xorshift steps, nothing else, so that a
   slowdown of any size can be had with one and the same code at one and the same place.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int
main (int argc, char **argv)
{
  char *end;
  unsigned long long steps = argc == 2 ? strtoull (argv[1], &end, 10) : 0;
  if (argc != 2 || *end || !steps)
    {
      fprintf (stderr, "usage: %s STEPS\n", argv[0]);
      return 64;
    }
  uint64_t x = 1; /* Marsaglia 2003, triple 13 7 17 */
  while (steps--)
    {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
    }
  printf ("%" PRIu64 "\n", x);
  return 0;
}
