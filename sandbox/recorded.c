/* The parent's side of running instrumented code: traces from what the process read out of the
   records.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/instrument.h"
#include "sandbox/parent.h"
#include <stdlib.h>
#include <string.h>

/* Fills TRACE from what the process left for the state at TRACE_AT; whatever is there.  */
static int
decode (const struct sandbox *sandbox, const struct instrument *instrument, size_t trace_at,
        struct trace *trace)
{
  const struct wire_trace *wire = (const struct wire_trace *)(sandbox->output + trace_at);
  const uint8_t *flag = (const uint8_t *)(wire + 1);
  unsigned n = instrument->decoded->n_insns;
  uint32_t status = wire->status;
  trace->status = status <= RUN_ESCAPED ? (enum run_status)status : RUN_DIED;
  trace->steps = wire->steps;
  trace->complete = wire->complete != 0;
  trace->executed = calloc (n + 1, sizeof *trace->executed);
  trace->branch = calloc (n + 1, 1);
  if (!trace->executed || !trace->branch)
    return -1;
  void *list[2] = { NULL, NULL };
  unsigned count[2];
  for (unsigned side = 0; side < 2; side++)
    if (parent__ranges (sandbox, follow__ranges (trace_at, instrument->n_flags, side),
                        wire->n_range[side], FOLLOW_RANGES_MAX, &count[side], &list[side])
        != 0)
      {
        trace->complete = false;
        count[side] = 0;
      }
  trace->footprint.n_reads = count[0];
  trace->footprint.n_writes = count[1];
  trace->footprint.read = list[0];
  trace->footprint.write = list[1];
  if (!trace->complete)
    {
      /* With a culprit all would have been well but for it.  */
      uint64_t culprit = wire->culprit;
      if (culprit && (status == RUN_RETURNED || status == RUN_NORETURN))
        why__set (&trace->why, REASON_FOOTPRINT, "the instruction at 0x%llx",
                  (unsigned long long)culprit);
      else
        why__set (&trace->why, REASON_TIME,
                  "the instrumented run didn't come to its end, or had no room");
      return 0;
    }
  for (unsigned i = 0; i < n; i++)
    {
      uint32_t block = instrument->block[i];
      if (block < instrument->n_flags && flag[block])
        trace->executed[i] = 1;
      if (instrument->taken[i] < instrument->n_flags)
        trace->branch[i]
            = (flag[instrument->taken[i]] != 0) | (flag[instrument->fallen[i]] != 0) << 1;
    }
  return 0;
}

int
sandbox__follow (struct sandbox *sandbox, const struct instrument *instrument,
                 const struct state *const *states, struct trace *traces, struct outcome *outcomes,
                 unsigned n, unsigned timeout_ms, struct why *why)
{
  memset (traces, 0, n * sizeof *traces);
  parent__begin (sandbox);
  if (n == 0 || n > FOLLOW_MAX || sandbox->setup->n_images != 2
      || sandbox->setup->image[0].n_insns != instrument->decoded->n_insns)
    return why__set (why, REASON_SANDBOX, "%u states to follow", n);
  size_t in = INPUT_DATA, out = OUTPUT_DATA;
  size_t trace_at[FOLLOW_MAX];
  for (unsigned i = 0; i < n; i++)
    {
      if (parent__check (sandbox, 1, states[i], why) != 0)
        return -1;
      trace_at[i] = out;
      out = follow__ranges (out, instrument->n_flags, 2);
      if (out > OUTPUT_SIZE
          || !parent__encode (sandbox, states[i], i, &in, &out, &sandbox->item[i]))
        return why__set (why, REASON_SANDBOX, "states too large for the shared area");
      out = (out + 63) & ~(size_t)63;
      ((struct wire_state *)(sandbox->input + sandbox->item[i].in))->trace = trace_at[i];
      struct wire_trace *wire = (struct wire_trace *)(sandbox->output + trace_at[i]);
      memset (wire, 0, sizeof *wire);
      wire->status = RUN_DIED;
    }
  struct command *command = (struct command *)sandbox->input;
  command->kind = COMMAND_FOLLOW;
  command->image = 1;
  command->n = n;
  command->n_flags = instrument->n_flags;
  for (unsigned i = 0; i < n; i++)
    command->state[i] = sandbox->item[i].in;
  for (unsigned done = 0; done < n;)
    {
      command->first = done;
      enum channel_result result
          = parent__command (sandbox, COMMAND_FOLLOW, done, n, timeout_ms, why);
      if (result == CHANNEL_FAILED)
        return -1;
      /* The state it died in has no trace.  */
      done = result == CHANNEL_DONE ? n : sandbox->reached;
      if (result != CHANNEL_DONE && done < n)
        {
          struct wire_trace *wire = (struct wire_trace *)(sandbox->output + trace_at[done]);
          memset (wire, 0, sizeof *wire);
          wire->status = result == CHANNEL_HUNG ? RUN_TIMEOUT : RUN_DIED;
          done++;
        }
    }
  for (unsigned i = 0; i < n; i++)
    {
      parent__decode (sandbox, &sandbox->item[i], &outcomes[i]);
      if (decode (sandbox, instrument, trace_at[i], &traces[i]) != 0)
        {
          for (unsigned k = 0; k <= i; k++)
            trace__free (&traces[k]);
          return why__set (why, REASON_SANDBOX, "no memory for a trace");
        }
    }
  return 0;
}
