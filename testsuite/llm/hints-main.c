/* Prints what the functions of hints.c give, added up over their numbers.  SPDX-License-Identifier: GPL-3.0-or-later  */
#include <stdio.h>

unsigned rest (unsigned short a);
unsigned twice (unsigned a);
unsigned next (unsigned short a);

int
main (void)
{
  unsigned long sum = 0;
  for (unsigned a = 0; a < 65536; a++)
    sum = sum * 31 + rest ((unsigned short) a) + 7ul * twice (a << 16 | a) + 13ul * next ((unsigned short) a);
  printf ("%lx\n", sum);
  return 0;
}
