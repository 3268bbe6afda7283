/* Random faults in a function's code, as a careless engineer, a search or a model would make them.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_MUTATE_H
#define AIOPT_MUTATE_H

#include "machine/code.h"
#include <stddef.h>

/* CODE with COUNT faults chosen by SEED, in ARENA (unchanged parts are shared with CODE), and a line about them at
   TEXT[SIZE].  The same SEED gives the same mutant.  NULL where no place was found.  The mutant need not assemble.  */
const struct code *mutate (struct arena *arena, const struct code *code, uint64_t seed, unsigned count, char *text,
                           size_t size);

#endif
