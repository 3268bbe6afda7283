/* States that a machine without all vector and mask registers can be in.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_HOST_REGISTERS_H
#define AIOPT_HOST_REGISTERS_H

#include "machine/isa.h"
#include "sandbox/sandbox.h"

#include <string.h>

/* Zeroes in MACHINE the registers, and the upper parts of them, that this CPU hasn't: it leaves zeroes there.  */
static inline void
host__clip (struct machine_state *machine)
{
  uint64_t isa = isa__host ();
  if (isa & ISA_BIT (AVX512F))
    return;
  size_t bytes = isa & ISA_BIT (AVX) ? 32 : 16;
  for (unsigned i = 0; i < 32; i++)
    memset (machine->vec[i] + (i < 16 ? bytes : 0), 0, sizeof machine->vec[i] - (i < 16 ? bytes : 0));
  memset (machine->mask, 0, sizeof machine->mask);
}

#endif
