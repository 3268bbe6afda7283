/* Random faults in a function's code, as a careless engineer, a search or a model would make them: on the model of
   the code (machine/code.h), several at once, and also what moves instructions.  testsuite/false-accept judges whole
   functions with them.  verify/mutate.h is another thing: it changes the bytes of one instruction in place, so that the
   verifier can run many such faults in a process and see whether its tests are adequate.
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
