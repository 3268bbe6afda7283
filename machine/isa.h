/* Instruction-set features as bits.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_ISA_H
#define AIOPT_ISA_H

#include "machine/arena.h"
#include <stdint.h>

enum isa_feature
{
#define ISA(ID, GCC_FLAG, CPUINFO) ISA_##ID,
#include "machine/isa.def"
#undef ISA
  ISA_COUNT
};

#define ISA_BIT(ID) (UINT64_C (1) << ISA_##ID)

/* Features that every x86-64 has (SSE2 and below).  */
#define ISA_BASELINE (ISA_BIT (BASE) | ISA_BIT (SSE) | ISA_BIT (SSE2))

/* What this machine's CPU and kernel offer.  */
uint64_t isa__host (void);

/* The CPU's family as text, "vendor-family-model", e.g. "AuthenticAMD-25-17".  Lives in ARENA.  */
const char *isa__host_cpu (struct arena *arena);

/* Space-separated -m names of the features in SET ("sse2 avx2"), and back; unknown names give -1.  */
const char *isa__print (struct arena *arena, uint64_t set);
int isa__parse (const char *text, uint64_t *set);

#endif
