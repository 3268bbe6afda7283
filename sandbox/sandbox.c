/* The parent's side of a sandbox: it starts the process, hands it states, takes outcomes and
   starts it anew where a run killed or hung it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/sandbox.h"
#include "sandbox/parent.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Is STATE something the process can be given?  */
static int
check_state (const struct state *state, struct why *why)
{
  if (state->n_spans > SPANS_MAX || state->n_patches > PATCHES_MAX
      || state->stack_bytes > STACK_ARGUMENT_BYTES)
    return why__set (why, REASON_SANDBOX, "a state of %u spans, %u patches, %u stack bytes",
                     state->n_spans, state->n_patches, state->stack_bytes);
  uint64_t last = 0;
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      const struct span *span = &state->span[i];
      uint64_t begin = span->address, end = begin + span->size;
      if (begin < last || span->size == 0 || begin % SANDBOX_PAGE || span->size % SANDBOX_PAGE
          || !slot__holds (begin, span->size) || !span->bytes)
        return why__set (why, REASON_SANDBOX, "span %u: %u bytes at 0x%llx", i, span->size,
                         (unsigned long long) begin);
      last = end;
    }
  return 0;
}

static bool
all_zero (const uint8_t *bytes, size_t size)
{
  return bytes[0] == 0 && memcmp (bytes, bytes + 1, size - 1) == 0;
}

/* Do the vector registers of STATE hold anything past the 16 bytes of the first 16?  */
static bool
is_wide (const struct machine_state *machine)
{
  for (unsigned i = 0; i < 16; i++)
    if (!all_zero (machine->vec[i] + 16, 48))
      return true;
  return !all_zero (machine->vec[16], 16 * 64)
         || !all_zero ((const uint8_t *) machine->mask, sizeof machine->mask);
}

static size_t
aligned (size_t offset)
{
  return (offset + 63) & ~(size_t) 63;
}

/* Writes STATE at *IN and plans its outcome at *OUT, moving both on.  ITEM gets where its results will be.
   False where it doesn't fit.  */
bool
parent__encode (struct sandbox *sandbox, const struct state *state, unsigned number, size_t *in,
                size_t *out, struct batch_item *item)
{
  size_t bytes = 0;
  bool wide = is_wide (&state->machine);
  for (unsigned i = 0; i < state->n_spans; i++)
    bytes += state->span[i].size;
  size_t record = aligned (sizeof (struct wire_state) + state->n_spans * sizeof (struct wire_span));
  size_t vec = wide ? 32 * 64 : 16 * 16;
  if (*in + record + vec + bytes + 4096 > INPUT_SIZE
      || *out + sizeof (struct wire_outcome) + bytes + 4096 > OUTPUT_SIZE)
    return false;

  struct wire_state *wire = (struct wire_state *) (sandbox->input + *in);
  item->in = *in;
  item->state = state;
  *in += record;
  memcpy (wire->gpr, state->machine.gpr, sizeof wire->gpr);
  memcpy (wire->mask, state->machine.mask, sizeof wire->mask);
  wire->rflags = state->machine.rflags;
  wire->mxcsr = state->machine.mxcsr;
  wire->wide = wide;
  wire->seed = state->seed;
  wire->huge = state->huge.mapped;
  memcpy (wire->pointer_answer, state->pointer_answer, sizeof wire->pointer_answer);
  wire->n_spans = state->n_spans;
  wire->n_patches = state->n_patches;
  memcpy (wire->patch, state->patch, state->n_patches * sizeof *state->patch);
  wire->stack_bytes = state->stack_bytes;
  memcpy (wire->stack_argument, state->stack_argument, state->stack_bytes);
  wire->vec = *in;
  if (wide)
    memcpy (sandbox->input + *in, state->machine.vec, vec);
  else
    for (unsigned i = 0; i < 16; i++)
      memcpy (sandbox->input + *in + 16 * i, state->machine.vec[i], 16);
  *in += vec;

  wire->outcome = item->outcome = *out;
  /* Nothing of an earlier run may pass for this one's outcome.  */
  ((struct wire_outcome *) (sandbox->output + *out))->status = UINT32_MAX;
  *out = aligned (*out + sizeof (struct wire_outcome));
  wire->events = item->events
    = OUTPUT_EVENTS + (size_t) number * CALL_EVENTS_MAX * sizeof (struct call_event);
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      const struct span *span = &state->span[i];
      memcpy (sandbox->input + *in, span->bytes, span->size);
      wire->span[i] = (struct wire_span) { .address = span->address,
                                           .in = *in,
                                           .size = span->size,
                                           .protection = span->protection };
      if (span->protection & PROT_STATE_WRITE)
        {
          wire->span[i].out = *out;
          item->span[i] = sandbox->output + *out;
          *out += span->size;
        }
      else
        item->span[i] = sandbox->input + *in;
      *in += span->size;
    }
  *in = aligned (*in);
  return true;
}

/* Fills OUTCOME from what the process wrote for ITEM; whatever it wrote.  False where that is no outcome: the
   process said that it was done, or went on, without having run it.  */
bool
parent__decode (struct sandbox *sandbox, const struct batch_item *item, struct outcome *outcome)
{
  const struct wire_outcome *wire = (const struct wire_outcome *) (sandbox->output + item->outcome);
  const struct state *state = item->state;
  static const uint8_t saved[6] = { 3, 5, 12, 13, 14, 15 };
  uint32_t status = wire->status;
  uint32_t n_events = wire->n_events;
  outcome->status = status <= RUN_ESCAPED ? (enum run_status) status : RUN_DIED;
  outcome->signal = wire->signal;
  outcome->fault_address = wire->fault_address;
  outcome->fault_rip = wire->fault_rip;
  outcome->fault_write = wire->fault_write != 0;
  outcome->ticks = wire->ticks;
  outcome->stack_pages = wire->stack_pages;
  outcome->caller_frame_changed = wire->caller_frame_changed != 0;
  outcome->misaligned_call = wire->misaligned_call != 0;
  outcome->upper_dirty = false;
  outcome->callee_saved_changed = false;
  struct machine_state *machine = &outcome->machine;
  memcpy (machine->gpr, wire->gpr, sizeof machine->gpr);
  machine->rflags = wire->rflags;
  if (status == RUN_RETURNED || status == RUN_ESCAPED)
    {
      size_t known = sandbox->level == 2 ? sizeof machine->vec : 16 * 64;
      memcpy (machine->vec, wire->vec, known);
      memset ((uint8_t *) machine->vec + known, 0, sizeof machine->vec - known);
      if (sandbox->level == 0)
        for (unsigned i = 0; i < 16; i++)
          memset (machine->vec[i] + 16, 0, 48);
      if (sandbox->level == 1)
        for (unsigned i = 0; i < 16; i++)
          memset (machine->vec[i] + 32, 0, 32);
      if (sandbox->level == 2)
        memcpy (machine->mask, wire->mask, sizeof machine->mask);
      else
        memset (machine->mask, 0, sizeof machine->mask);
      machine->mxcsr = wire->mxcsr;
      memcpy (outcome->x87, wire->x87, sizeof outcome->x87);
      memcpy (outcome->st0, wire->st0, sizeof outcome->st0);
      uint64_t upper = 0;
      for (unsigned i = 0; i < 16; i++)
        for (unsigned k = 2; k < 8; k++)
          {
            uint64_t word;
            memcpy (&word, machine->vec[i] + 8 * k, 8);
            upper |= word;
          }
      outcome->upper_dirty = upper != 0;
      for (unsigned i = 0; i < 6; i++)
        outcome->callee_saved_changed |= wire->gpr[saved[i]] != state->machine.gpr[saved[i]];
      outcome->callee_saved_changed |= wire->gpr[4] != setup__return_slot (sandbox->setup) + 8;
    }
  else
    {
      memset (machine->vec, 0, sizeof machine->vec);
      memset (machine->mask, 0, sizeof machine->mask);
      machine->mxcsr = 0;
      memset (outcome->x87, 0, sizeof outcome->x87);
      memset (outcome->st0, 0, sizeof outcome->st0);
    }
  outcome->n_events = n_events < CALL_EVENTS_MAX ? n_events : CALL_EVENTS_MAX;
  outcome->n_events_lost = wire->n_events_lost;
  memcpy (outcome->event, sandbox->output + item->events,
          outcome->n_events * sizeof *outcome->event);
  outcome->n_spans = state->n_spans;
  memcpy (outcome->span_bytes, item->span, state->n_spans * sizeof *item->span);
  return status <= RUN_ESCAPED;
}

/* The outcome of a run that took the process with it.  */
static void
set_lost (struct outcome *outcome, const struct batch_item *item, enum run_status status,
          int signal)
{
  memset (outcome, 0, sizeof *outcome);
  outcome->status = status;
  outcome->signal = signal;
  outcome->n_spans = item->state->n_spans;
  memcpy (outcome->span_bytes, item->span, outcome->n_spans * sizeof *item->span);
}

/* Runs the N encoded states of sandbox->item.  */
static int
run_batch (struct sandbox *sandbox, unsigned image, struct outcome *outcomes, unsigned n,
           unsigned timeout_ms, struct why *why)
{
  struct command *command = (struct command *) sandbox->input;
  unsigned done = 0;
  unsigned retried = n;
  command->kind = COMMAND_RUN;
  command->image = image;
  command->n = n;
  for (unsigned i = 0; i < n; i++)
    command->state[i] = sandbox->item[i].in;
  while (done < n)
    {
      command->first = done;
      enum channel_result result
        = parent__command (sandbox, COMMAND_RUN, done, n, timeout_ms, why);
      if (result == CHANNEL_FAILED)
        return -1;
      unsigned end = result == CHANNEL_DONE ? n : sandbox->reached;
      bool honest = true;
      for (; done < end; done++)
        {
          honest &= parent__decode (sandbox, &sandbox->item[done], &outcomes[done]);
          sandbox->suspect |= outcomes[done].status == RUN_ESCAPED;
        }
      if (!honest)
        parent__distrust (sandbox);
      if (result == CHANNEL_DONE)
        return 0;
      if (result == CHANNEL_DIED && retried != done)
        {
          /* Perhaps the process's own limit was used up by earlier states: once more alone in
             a new one.  */
          retried = done;
          continue;
        }
      set_lost (&outcomes[done], &sandbox->item[done],
                result == CHANNEL_HUNG ? RUN_TIMEOUT : RUN_DIED, sandbox->death_signal);
      done++;
    }
  return 0;
}

/* Copies the span bytes of OUTCOMES[N] out of the areas, which are about to be used again.  */
static int
spill (struct sandbox *sandbox, struct outcome *outcomes, const struct state *const *states,
       unsigned n, struct why *why)
{
  size_t total = 0;
  for (unsigned i = 0; i < n; i++)
    for (unsigned s = 0; s < states[i]->n_spans; s++)
      total += states[i]->span[s].size;
  struct spill *block = malloc (sizeof *block + total);
  if (!block)
    return why__set (why, REASON_SANDBOX, "no memory for %zu bytes of outcomes", total);
  block->next = sandbox->spills;
  sandbox->spills = block;
  uint8_t *to = block->bytes;
  for (unsigned i = 0; i < n; i++)
    for (unsigned s = 0; s < states[i]->n_spans; s++)
      {
        memcpy (to, outcomes[i].span_bytes[s], states[i]->span[s].size);
        outcomes[i].span_bytes[s] = to;
        to += states[i]->span[s].size;
      }
  return 0;
}

void
parent__begin (struct sandbox *sandbox)
{
  while (sandbox->spills)
    {
      struct spill *next = sandbox->spills->next;
      free (sandbox->spills);
      sandbox->spills = next;
    }
}

static int
check_run (struct sandbox *sandbox, unsigned image, const struct state *state, struct why *why)
{
  if (image >= sandbox->setup->n_images)
    return why__set (why, REASON_SANDBOX, "no image %u", image);
  return check_state (state, why);
}

int
parent__check (struct sandbox *sandbox, unsigned image, const struct state *state,
               struct why *why)
{
  if (state->huge.mapped)
    return why__set (why, REASON_SANDBOX, "a state with a huge object can only be run, and alone");
  return check_run (sandbox, image, state, why);
}

/* Lets HUGE be what the processes see; zygote__bulk_release ends that.  */
static int
fill_huge (const struct huge *huge, struct why *why)
{
  uint64_t *word = (uint64_t *) zygote__bulk ();
  if (!word)
    {
      zygote__bulk_release ();
      return why__set (why, REASON_SANDBOX, "no area for a huge object");
    }
  for (size_t i = 0; i < SANDBOX_HUGE_BLOCK / 8; i++)
    word[i] = ((huge->random ? mix64 (i) & huge->random : 0) | huge->fixed)
              ^ (i < SANDBOX_HUGE_BLOCK / 16 ? 0 : huge->turned);
  if (huge->first)
    word[0] = huge->first;
  return 0;
}

static int
run_states (struct sandbox *sandbox, unsigned image, const struct state *const *states,
            struct outcome *outcomes, unsigned n, unsigned timeout_ms, struct why *why)
{
  for (unsigned first = 0; first < n;)
    {
      size_t in = INPUT_DATA, out = OUTPUT_DATA;
      unsigned count = 0;
      while (first + count < n && count < BATCH_MAX
             && parent__encode (sandbox, states[first + count], count, &in, &out,
                                &sandbox->item[count]))
        count++;
      if (count == 0)
        return why__set (why, REASON_SANDBOX, "a state too large for the shared area");
      if (run_batch (sandbox, image, outcomes + first, count, timeout_ms, why) != 0)
        return -1;
      if (first + count < n && spill (sandbox, outcomes + first, states + first, count, why) != 0)
        return -1;
      first += count;
    }
  return 0;
}

struct outcome *
outcome__copy (struct arena *arena, const struct outcome *outcome, const struct state *state)
{
  struct outcome *copy = arena__memdup (arena, outcome, sizeof *copy);
  for (unsigned i = 0; i < outcome->n_spans && i < state->n_spans; i++)
    if (outcome->span_bytes[i])
      copy->span_bytes[i] = state->span[i].protection & PROT_STATE_WRITE
                              ? arena__memdup (arena, outcome->span_bytes[i], state->span[i].size)
                              : state->span[i].bytes;
  return copy;
}

int
sandbox__run (struct sandbox *sandbox, unsigned image, const struct state *const *states,
              struct outcome *outcomes, unsigned n, unsigned timeout_ms, struct why *why)
{
  parent__begin (sandbox);
  bool huge = n == 1 && states[0]->huge.mapped;
  for (unsigned i = 0; i < n; i++)
    if ((huge ? check_run : parent__check) (sandbox, image, states[i], why) != 0)
      return -1;
  if (!huge)
    return run_states (sandbox, image, states, outcomes, n, timeout_ms, why);
  if (fill_huge (&states[0]->huge, why) != 0)
    return -1;
  int result = run_states (sandbox, image, states, outcomes, n, timeout_ms, why);
  zygote__bulk_release ();
  return result;
}
