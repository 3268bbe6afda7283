/* States that a machine without all vector and mask registers can be in.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_HOST_REGISTERS_H
#define AIOPT_HOST_REGISTERS_H

#include "machine/isa.h"
#include "sandbox/sandbox.h"

#include <string.h>

/* Bytes of a vector register of this CPU.  */
static inline unsigned
host__vector_bytes (void)
{
  uint64_t isa = isa__host ();
  return isa & ISA_BIT (AVX512F) ? 64 : isa & ISA_BIT (AVX) ? 32 : 16;
}

/* Zeroes in MACHINE the registers, and the upper parts of them, that this CPU hasn't: it leaves zeroes there.  */
static inline void
host__clip (struct machine_state *machine)
{
  unsigned bytes = host__vector_bytes ();
  if (bytes == sizeof machine->vec[0])
    return;
  for (unsigned i = 0; i < 32; i++)
    {
      unsigned kept = i < 16 ? bytes : 0;
      memset (machine->vec[i] + kept, 0, sizeof machine->vec[i] - kept);
    }
  memset (machine->mask, 0, sizeof machine->mask);
}

#endif
