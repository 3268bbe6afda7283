/* Runs of hand-made functions in the sandbox.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/sandbox-fixture.h"
int
main (void)
{
  puts ("1..0");
  return 0;
}
