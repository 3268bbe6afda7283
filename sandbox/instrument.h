/* Code that tells itself what it touches: the same function with a record before each access to
   memory and a flag at each block's start and on each branch's ways.  It runs at nearly full speed
   where single-stepping costs a trap for each instruction.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_INSTRUMENT_H
#define AIOPT_INSTRUMENT_H

#include "sandbox/sandbox.h"

#define INSTRUMENT_NO_FLAG UINT32_MAX

struct instrument
{
  struct object *object;
  const struct decoded *decoded; /* of the code that was instrumented */
  unsigned n_flags;
  uint32_t *block;          /* per decoded instruction: the flag of its block; NO_FLAG: none */
  uint32_t *taken, *fallen; /* per decoded instruction: flags of a branch's ways */
};

/* Instruments CODE, which was decoded as DECODED.  -1 and *WHY (UNMODELLED, ASSEMBLE) where it
   holds something that only single-stepping can follow.  */
int instrument__new (struct arena *arena, const struct code *code, const struct decoded *decoded,
                     struct instrument **instrument, struct why *why);

/* Links it for slot INDEX of the code area.  */
int instrument__link (struct arena *arena, const struct region *region, const struct layout *layout,
                      const struct instrument *instrument, unsigned index, struct image **image,
                      struct why *why);

/* SANDBOX holds the code as image 0 and INSTRUMENT's image as image 1.  Runs the latter on
   STATES[N]; TRACES[N] get what sandbox__trace would tell (executed is 0 or 1, steps counts
   records) and OUTCOMES[N] what came of the runs, valid until the sandbox's next run.  A trace that
   isn't complete says why: REASON_FOOTPRINT where some access can't be judged (below the red zone),
   REASON_TIME where the run didn't come to its end or there was no room. The caller has to compare
   the outcomes with those of image 0 before it believes a trace.  At most FOLLOW_MAX states.  0, or
   -1 and *WHY.  */
enum
{
  FOLLOW_MAX = 32
};
int sandbox__follow (struct sandbox *sandbox, const struct instrument *instrument,
                     const struct state *const *states, struct trace *traces,
                     struct outcome *outcomes, unsigned n, unsigned timeout_ms, struct why *why);

#endif
