/* Running instrumented code inside the sandbox process, and reading what it recorded.

   The records lie where wild stores of the function may have landed, so each is checked before it
   is believed. The area is mapped while instrumented code runs alone: in all other runs an access
   to it faults.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t
word (const uint8_t *at)
{
  uint64_t value;
  memcpy (&value, at, 8);
  return value;
}

/* Reads the record at AT, of LEFT bytes at most; its size, or 0 where it is none.  */
static size_t
read_record (struct child *child, const uint8_t *at, size_t left)
{
  const struct setup_image *image = &child->setup->image[0];
  struct tracer *tracer = &child->tracer;
  if (left < RECORD_SIZE)
    return 0;
  uint64_t number = word (at + RECORD_NUMBER);
  uint64_t which_memory = number % RECORDS_PER_INSN;
  number /= RECORDS_PER_INSN;
  if (number >= image->n_insns)
    return 0;
  const struct step_insn *insn = &image->insn[number];
  if (insn->kind & KIND_STRING)
    {
      if (left < RECORD_STRING_SIZE)
        return 0;
      uint64_t count = insn->kind & KIND_REP
                           ? word (at + RECORD_MASK) - word (at + RECORD_COUNT_AFTER)
                           : UINT64_C (1);
      trace__count_string (child, insn, word (at + RECORD_ADDRESS), word (at + RECORD_RSP), 0,
                           count);
      return RECORD_STRING_SIZE;
    }
  if (which_memory >= insn->n_memory)
    return 0;
  const struct decoded_memory *memory = &insn->memory[which_memory];
  size_t size = RECORD_SIZE;
  const uint8_t *index = NULL;
  if (insn->kind & (KIND_GATHER | KIND_SCATTER))
    {
      index = at + size;
      size += 64;
    }
  uint64_t which = ~UINT64_C (0);
  if (memory->mask >= 32)
    {
      if (left < size + 64)
        return 0;
      which = memory__selected (memory, memory__lanes (memory), at + size);
      size += 64;
    }
  else if (memory->mask >= 0)
    which = word (at + RECORD_MASK);
  if (left < size)
    return 0;
  if (!trace__expect (child, insn->kind, memory, word (at + RECORD_ADDRESS), word (at + RECORD_RSP),
                      which, index))
    trace__give_up (tracer, insn->address);
  trace__count (child);
  return size;
}

/* Runs STATE and leaves what it recorded at its place in the output area.  */
static void
record__one (struct child *child, const struct wire_state *state, size_t n_flags)
{
  struct tracer *tracer = &child->tracer;
  tracer->trace = (struct wire_trace *)(child->output + state->trace);
  tracer->range[0] = (struct range *)(uintptr_t)TRACE_SCRATCH;
  tracer->range[1] = tracer->range[0] + RANGES_MAX;
  tracer->n_pending = 0;
  memset (tracer->trace, 0, sizeof *tracer->trace);
  tracer->trace->complete = true;
  memset ((void *)(uintptr_t)TRACE_FLAGS, 0, n_flags);
  uint64_t next = TRACE_RECORDS;
  memcpy ((void *)(uintptr_t)TRACE_NEXT, &next, 8);
  run__one (child, 1, state);
  struct wire_trace *trace = tracer->trace;
  trace->status = child->outcome->status;
  if (trace->status != RUN_RETURNED && trace->status != RUN_NORETURN)
    trace->complete = false;
  next = word ((const uint8_t *)(uintptr_t)TRACE_NEXT);
  if (next < TRACE_RECORDS || next > TRACE_END)
    trace->complete = false;
  const uint8_t *at = (const uint8_t *)(uintptr_t)TRACE_RECORDS;
  while (trace->complete && (uintptr_t)at < next)
    {
      size_t size = read_record (child, at, next - (uintptr_t)at);
      if (size == 0)
        trace__give_up (tracer, 0);
      at += size;
      trace->steps++;
    }
  memcpy (trace + 1, (const void *)(uintptr_t)TRACE_FLAGS, n_flags);
  for (unsigned side = 0; side < 2; side++)
    {
      size_t n = trace__merge (tracer->range[side], trace->n_range[side]);
      if (n > FOLLOW_RANGES_MAX)
        {
          trace->complete = false;
          n = 0;
        }
      memcpy (child->output + follow__ranges (state->trace, n_flags, side), tracer->range[side],
              n * sizeof (struct range));
      trace->n_range[side] = n;
    }
}

static void
protect (uint64_t begin, uint64_t end, int protection)
{
  if (mprotect ((void *)(uintptr_t)begin, end - begin, protection) != 0)
    _exit (97);
}

void
record__run (struct child *child, const struct command *command)
{
  volatile uint32_t *progress = &((struct output_header *)child->output)->progress;
  enum
  {
    SCRATCH = 2 * RANGES_MAX * sizeof (struct range)
  };
  _Static_assert(TRACE_SCRATCH + SCRATCH <= SANDBOX_TRACE_BASE + TRACE_AREA_SIZE, "room");
  protect (SANDBOX_TRACE_BASE, TRACE_END, PROT_READ | PROT_WRITE);
  protect (TRACE_SCRATCH, TRACE_SCRATCH + SCRATCH, PROT_READ | PROT_WRITE);
  for (uint32_t i = command->first; i < command->n; i++)
    {
      *progress = i;
      record__one (child, (const struct wire_state *)(child->input + command->state[i]),
                   command->n_flags);
    }
  protect (SANDBOX_TRACE_BASE, TRACE_END, PROT_NONE);
  protect (TRACE_SCRATCH, TRACE_SCRATCH + SCRATCH, PROT_NONE);
}
