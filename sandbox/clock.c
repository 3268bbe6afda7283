/* Timing runs inside the sandbox process: many calls between two readings of the time-stamp counter,
   and the same with an empty function to take off what the calling costs.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <string.h>

/* One measurement of INNER calls of IMAGE; its ticks, or 0 with *STATUS where it didn't end well.  */
static uint64_t
measure (struct child *child, unsigned image, const struct wire_state *state, unsigned inner,
         enum run_status *status)
{
  struct context *context = CONTEXT;
  run__prepare (child, image, state);
  context->return_target = (uintptr_t) sandbox_time_return;
  context->return_address = RETURN_STUB;
  context->inner = inner;
  context->ticks_end = 0;
  context->stack_words = (state->stack_bytes + 7) / 8;
  memcpy (context->stack_argument, state->stack_argument, sizeof context->stack_argument);
  context->running = true;
  sandbox_time ();
  context->running = false;
  *status = child->outcome->status;
  if (*status == RUN_RETURNED && (context->inner != 0 || !context->returned))
    *status = RUN_ESCAPED;
  return context->ticks_end - context->ticks_begin;
}

void
clock__run (struct child *child, const struct command *command)
{
  const struct wire_state *state = (const struct wire_state *) (child->input + command->state[0]);
  struct wire_time *time = (struct wire_time *) (child->output + OUTPUT_DATA);
  enum run_status status = RUN_RETURNED;
  time->n = 0;
  /* A run of each to warm up, then interleaved, so that a change of frequency meets both.  */
  measure (child, command->image, state, command->inner, &status);
  if (status == RUN_RETURNED)
    measure (child, EMPTY_IMAGE, state, command->inner, &status);
  for (unsigned i = 0; i < command->repeats && status == RUN_RETURNED; i++)
    {
      time->empty[i] = measure (child, EMPTY_IMAGE, state, command->inner, &status);
      if (status == RUN_RETURNED)
        time->ticks[i] = measure (child, command->image, state, command->inner, &status);
      if (status == RUN_RETURNED)
        time->n = i + 1;
    }
  time->status = status;
}
