/* Near misses of compilers, put right.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_REPAIR_H
#define AIOPT_REPAIR_H

#include "machine/code.h"

/* Which additions and multiplications get their operands swapped.  */
enum { REPAIR_ADDS = 1 << 0, REPAIR_MULTIPLICATIONS = 1 << 1, REPAIR_SCALARS = 1 << 2 };

/* Swaps the operands of CODE's commutative floating-point instructions that WHICH names: packed ones, with
   REPAIR_SCALARS scalar ones too.  Where both operands are NaN, the first one's payload is the result, and
   compilers don't keep the order.  A memory operand is loaded into a vector register that CODE doesn't use.
   The number of instructions changed; what can't be changed stays.  CODE's items are replaced.  */
unsigned repair__swap (struct code *code, unsigned which);

#endif
