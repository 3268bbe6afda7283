/* The parent's side of following a run instruction by instruction.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/parent.h"
#include <stdlib.h>
#include <string.h>

/* Milliseconds of CPU time a trace may take: a start, and the cost of a trap (about 2 us) with room.  */
enum { TRACE_START_MS = 2000, STEPS_PER_MS = 50 };

/* The process sorted them, but what is read here may be anything.  */
int
parent__ranges (const struct sandbox *sandbox, size_t at, size_t n, size_t max, unsigned *n_result,
                void **result)
{
  const struct range *range = (const struct range *) (sandbox->output + at);
  if (n > max)
    return -1;
  struct { uint64_t address, size; } *list = malloc ((n + 1) * sizeof *list);
  if (!list)
    return -1;
  uint64_t last = 0;
  for (size_t i = 0; i < n; i++)
    {
      uint64_t begin = range[i].begin, end = range[i].end;
      if (begin < last || end <= begin)
        {
          free (list);
          return -1;
        }
      last = end;
      list[i].address = begin;
      list[i].size = end - begin;
    }
  *n_result = n;
  *result = list;
  return 0;
}

int
sandbox__trace (struct sandbox *sandbox, unsigned image, const struct state *state,
                uint64_t max_steps, struct trace *trace, struct why *why)
{
  memset (trace, 0, sizeof *trace);
  parent__begin (sandbox);
  if (parent__check (sandbox, image, state, why) != 0)
    return -1;
  size_t n_insns = sandbox->setup->image[image].n_insns;
  if (n_insns == 0)
    return why__set (why, REASON_SANDBOX, "an image without decoded instructions can't be traced");
  size_t in = INPUT_DATA, out = trace__ranges (n_insns, 2);
  if (!parent__encode (sandbox, state, 0, &in, &out, &sandbox->item[0]))
    return why__set (why, REASON_SANDBOX, "a state too large for the shared area");
  trace->executed = calloc (n_insns, sizeof *trace->executed);
  trace->branch = calloc (n_insns, 1);
  if (!trace->executed || !trace->branch)
    {
      trace__free (trace);
      return why__set (why, REASON_SANDBOX, "no memory for a trace");
    }
  struct command *command = (struct command *) sandbox->input;
  command->kind = COMMAND_TRACE;
  command->image = image;
  command->first = 0;
  command->n = 1;
  command->max_steps = max_steps;
  command->state[0] = sandbox->item[0].in;
  uint64_t timeout = TRACE_START_MS + max_steps / STEPS_PER_MS;
  enum channel_result result = parent__command (sandbox, COMMAND_TRACE, 0, 1,
                                                timeout < 600000 ? timeout : 600000, why);
  if (result == CHANNEL_FAILED)
    {
      trace__free (trace);
      return -1;
    }
  if (result != CHANNEL_DONE)
    {
      trace->status = result == CHANNEL_HUNG ? RUN_TIMEOUT : RUN_DIED;
      why__set (&trace->why, REASON_FOOTPRINT, "the process %s while it was traced",
                result == CHANNEL_HUNG ? "hung" : "was killed");
      return 0;
    }
  const struct wire_trace *wire = (const struct wire_trace *) (sandbox->output + OUTPUT_DATA);
  uint32_t status = wire->status;
  trace->status = status <= RUN_ESCAPED ? (enum run_status) status : RUN_DIED;
  trace->steps = wire->steps;
  trace->complete = wire->complete != 0;
  memcpy (trace->executed, sandbox->output + trace__executed (), n_insns * sizeof *trace->executed);
  memcpy (trace->branch, sandbox->output + trace__branch (n_insns), n_insns);
  if (!trace->complete && wire->culprit)
    why__set (&trace->why, REASON_FOOTPRINT, "the instruction at 0x%llx",
              (unsigned long long) wire->culprit);
  else if (!trace->complete)
    why__set (&trace->why, REASON_FOOTPRINT, "more than %llu steps",
              (unsigned long long) max_steps);
  void *reads = NULL, *writes = NULL;
  if (parent__ranges (sandbox, trace__ranges (n_insns, 0), wire->n_range[0], RANGES_MAX,
                      &trace->footprint.n_reads, &reads) != 0
      || parent__ranges (sandbox, trace__ranges (n_insns, 1), wire->n_range[1], RANGES_MAX,
                         &trace->footprint.n_writes, &writes) != 0)
    {
      trace->complete = false;
      trace->footprint.n_reads = trace->footprint.n_writes = 0;
      why__set (&trace->why, REASON_FOOTPRINT, "the footprint was damaged by the function");
    }
  trace->footprint.read = reads;
  trace->footprint.write = writes;
  return 0;
}

void
trace__free (struct trace *trace)
{
  free (trace->executed);
  free (trace->branch);
  free (trace->footprint.read);
  free (trace->footprint.write);
  memset (trace, 0, sizeof *trace);
}
