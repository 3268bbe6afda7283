/* Timing, the parent's side: what timed calls have to answer, and what they took.  clock.c is the process's side.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/value-mask.h"
#include "sandbox/parent.h"
#include <string.h>

#define TIMEOUT_MS 20000

void
timing__answer (const struct region *region, const struct state *state, const struct outcome *outcome,
                struct timing_answer *answer)
{
  memset (answer, 0, sizeof *answer);
  answer->memory = 1;
  for (unsigned i = 0; i < state->n_spans; i++)
    if (state->span[i].protection & PROT_STATE_WRITE)
      answer->memory = memory__digest (answer->memory, outcome->span_bytes[i], state->span[i].size);
  const struct value *result = &region->result;
  for (unsigned i = 0; i < result->n_locations; i++)
    {
      unsigned number = result->location[i].number, size = result->location[i].size;
      switch (result->location[i].kind)
        {
        case LOCATION_GPR:
          if (number == 0 || number == 2)
            answer->gpr_mask[number / 2] = low_bytes__mask (size);
          break;
        case LOCATION_VEC:
          if (number < 2)
            for (unsigned k = 0; k < 2; k++)
              answer->vec_mask[number][k] = size > 8 * k ? low_bytes__mask (size - 8 * k) : 0;
          break;
        case LOCATION_X87:
          answer->x87 = true;
          memcpy (answer->st0, outcome->st0, sizeof answer->st0);
          break;
        default:
          break;
        }
    }
  for (unsigned i = 0; i < 2; i++)
    {
      answer->gpr[i] = outcome->machine.gpr[2 * i] & answer->gpr_mask[i];
      memcpy (answer->vec[i], outcome->machine.vec[i], sizeof answer->vec[i]);
      for (unsigned k = 0; k < 2; k++)
        answer->vec[i][k] &= answer->vec_mask[i][k];
    }
}

/* Are all calls of SAMPLE, as TIMING says, as its answer is?  */
static bool
is_answered (const struct wire_sample *sample, const struct timing *timing, struct why *why)
{
  const struct timing_answer *answer = timing->answer;
  unsigned inner = timing->inner;
  bool same = true;
  for (unsigned i = 0; i < 2; i++)
    {
      same = same && sample->gpr[i] == (timing->turns ? timing->turns->sum[i] : answer->gpr[i] * inner);
      for (unsigned k = 0; k < 2; k++)
        same = same && sample->vec[i][k] == answer->vec[i][k] * inner;
    }
  if (answer->x87)
    same = same && memcmp (sample->st0, answer->st0, sizeof answer->st0) == 0;
  if (!same)
    {
      why__set (why, REASON_RESULT, "timed calls return something else than a plain run");
      return false;
    }
  if (sample->memory != answer->memory)
    {
      why__set (why, REASON_MEMORY, "timed calls leave other memory than a plain run");
      return false;
    }
  return true;
}

int
sandbox__time (struct sandbox *sandbox, unsigned image, const struct state *state, const struct timing *timing,
               double *ticks, struct why *why)
{
  parent__begin (sandbox);
  if (parent__check (sandbox, image, state, why) != 0)
    return -1;
  unsigned inner = timing->inner, repeats = timing->repeats;
  if (inner == 0 || repeats == 0 || repeats > REPEATS_MAX || (timing->cold && inner > 1))
    return why__set (why, REASON_SANDBOX, "%u repeats of %u calls", repeats, inner);
  const struct timing_turns *turns = timing->turns;
  if (turns && (turns->n != inner || inner > TURNS_MAX || turns->gpr[0] > 15 || turns->gpr[1] > 15 || timing->cold))
    return why__set (why, REASON_SANDBOX, "%u turns in %u calls", turns->n, inner);
  struct command *command = (struct command *) sandbox->input;
  const struct timing_answer *answer = timing->answer;
  size_t in = INPUT_DATA, out = (OUTPUT_DATA + sizeof (struct wire_time) + 63) & ~(size_t) 63;
  if (!parent__encode (sandbox, state, 0, &in, &out, &sandbox->item[0]))
    return why__set (why, REASON_SANDBOX, "a state too large for the shared area");
  command->kind = COMMAND_TIME;
  command->image = image;
  command->inner = inner;
  command->repeats = repeats;
  command->cold = timing->cold;
  command->x87 = (answer && answer->x87 ? CLOCK_X87_RESULT : 0)
                 | (sandbox->checks[image] & CHECK_X87 ? CLOCK_X87_CLEAR : 0);
  for (unsigned i = 0; i < 2; i++)
    {
      command->gpr_mask[i] = answer ? answer->gpr_mask[i] : 0;
      for (unsigned k = 0; k < 2; k++)
        command->vec_mask[i][k] = answer ? answer->vec_mask[i][k] : 0;
    }
  command->turns = 0;
  if (turns)
    {
      in = (in + 63) & ~(size_t) 63;
      if (in + sizeof (struct wire_turns) > INPUT_SIZE)
        return why__set (why, REASON_SANDBOX, "a state too large for the shared area");
      struct wire_turns *wire = (struct wire_turns *) (sandbox->input + in);
      *wire = (struct wire_turns){ .n = turns->n, .gpr = { turns->gpr[0], turns->gpr[1] } };
      memcpy (wire->value, turns->value, turns->n * sizeof *turns->value);
      command->turns = in;
    }
  command->state[0] = sandbox->item[0].in;
  command->first = 0;
  command->n = 1;
  enum channel_result result = parent__command (sandbox, COMMAND_TIME, 0, 1, TIMEOUT_MS, why);
  if (result == CHANNEL_FAILED)
    return -1;
  const struct wire_time *time = (const struct wire_time *) (sandbox->output + OUTPUT_DATA);
  if (result == CHANNEL_DONE && time->status == RUN_ESCAPED)
    {
      sandbox->suspect = true;
      why__set (why, REASON_STACK, "a timed call leaves the stack in another state than the first");
      return 1;
    }
  if (result != CHANNEL_DONE || time->status != RUN_RETURNED || time->n != repeats)
    return why__set (why, REASON_SANDBOX, "the timed run doesn't return");
  /* The empty call's cost is the least seen: what is above it is disturbance.  */
  uint64_t empty = UINT64_MAX;
  for (unsigned i = 0; i < repeats; i++)
    {
      empty = time->sample[i].empty < empty ? time->sample[i].empty : empty;
      if (answer && !is_answered (&time->sample[i], timing, why))
        return 1;
    }
  for (unsigned i = 0; i < repeats; i++)
    {
      uint64_t all = time->sample[i].ticks;
      ticks[i] = all > empty ? (double) (all - empty) / inner : 0.0;
    }
  return 0;
}
