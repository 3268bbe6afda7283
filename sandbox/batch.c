/* Batches inside the sandbox process: many records through one function, the loop over them in assembler.

   Memory's layout is that of the batch's base; where there are objects their bytes are put in before each run and
   taken out after it, and then all that can be written is compared with the base, so that a byte that changed
   anywhere else ends the batch.  Whatever doesn't go as it should ends the batch: the parent then runs
   that record the ordinary way.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The caller's frame can't be written while batches run, which come in rows.  */
static void
protect_frame (struct child *child, bool protect)
{
  if (child->frame_protected == protect)
    return;
  if (mprotect ((void *) (uintptr_t) BATCH_STACK_POINTER, SANDBOX_PAGE,
                protect ? PROT_READ : PROT_READ | PROT_WRITE)
      != 0)
    _exit (97);
  child->frame_protected = protect;
}

void
batch__leave (struct child *child)
{
  protect_frame (child, false);
}

/* Puts the objects of RECORD in place.  */
static void
put_objects (struct child *child, const struct wire_batch *batch, const uint8_t *record)
{
  for (uint32_t o = 0; o < batch->n_objects; o++)
    {
      const struct wire_object *object = &batch->object[o];
      /* What the function can't write is written through the other mapping.  */
      uint8_t *to = object->out ? (uint8_t *) (uintptr_t) object->address
                                : child->arena_alias + arena__offset (object->address);
      memcpy (to, record + object->in, object->size);
    }
}

/* Takes them out and puts the base's bytes back.  False where anything else differs from the base.  */
static bool
take_objects (struct child *child, const struct wire_state *state, const struct wire_batch *batch,
              uint8_t *result)
{
  for (uint32_t o = 0; o < batch->n_objects; o++)
    if (batch->object[o].out)
      memcpy (result + batch->object[o].out, (void *) (uintptr_t) batch->object[o].address,
              batch->object[o].size);
  for (uint32_t s = 0; s < state->n_spans; s++)
    {
      const struct wire_span *span = &state->span[s];
      if (!(span->protection & PROT_STATE_WRITE))
        continue;
      const uint8_t *base = child->input + span->in;
      for (uint32_t o = 0; o < batch->n_objects; o++)
        {
          const struct wire_object *object = &batch->object[o];
          if (object->out && object->address - span->address < span->size)
            memcpy ((void *) (uintptr_t) object->address, base + (object->address - span->address),
                    object->size);
        }
      if (memcmp ((void *) (uintptr_t) span->address, base, span->size) != 0)
        return false;
    }
  return true;
}

void
batch__run (struct child *child, const struct command *command)
{
  const struct wire_state *state = (const struct wire_state *) (child->input + command->state[0]);
  const struct wire_batch *batch = (const struct wire_batch *) (child->input + command->batch);
  volatile uint32_t *progress = &((struct output_header *) child->output)->progress;
  struct wire_batched *batched = (struct wire_batched *) (child->output + OUTPUT_DATA);
  struct context *context = CONTEXT;
  uint64_t n = command->n - command->first;

  if (!child->frame_protected)
    {
      run__prepare (child, command->image, state);
      run__activate (child, STACK_PAGES - 2);
      protect_frame (child, true);
    }
  else
    run__prepare_again (child, command->image, state);
  context->in_batch = true;
  context->return_target = (uintptr_t) sandbox_batch_return;
  context->stub_target = (uintptr_t) sandbox_batch_stub;
  context->batch_call = BATCH_CALL_STUB;
  context->batch_load = (uintptr_t) sandbox_ladders + (intptr_t) sandbox_ladders[batch->load];
  context->batch_store = (uintptr_t) sandbox_ladders + (intptr_t) sandbox_ladders[batch->store];
  context->batch_in = child->bulk + command->first * batch->in_step;
  context->batch_out = child->output + batch->out + command->first * batch->out_step + 40;
  context->batch_in_step = batch->in_step;
  context->batch_out_step = batch->out_step;
  context->batch_progress = progress;
  context->batch_checks = batch->checks;
  context->batch_index = command->first;
  context->batch_strange = context->batch_upper = 0;
  context->batch_reset = 1;

  bool well = true;
  /* With nothing that can be written there is nothing to do between the runs.  */
  bool memory = batch->n_objects > 0;
  for (uint32_t s = 0; s < state->n_spans; s++)
    memory |= (state->span[s].protection & PROT_STATE_WRITE) != 0;
  uint64_t i = 0;
  for (; i < n && well; i += memory ? 1 : n)
    {
      const uint8_t *record = context->batch_in;
      uint8_t *result = context->batch_out - 40;
      if (memory)
        put_objects (child, batch, record);
      context->batch_left = memory ? 1 : n;
      context->running = true;
      sandbox_batch ();
      context->running = false;
      well = context->batch_strange == 0 && child->outcome->status == RUN_RETURNED;
      if (memory && well)
        {
          well = take_objects (child, state, batch, result);
          if (!well)
            context->batch_index--;
        }
    }
  batched->mxcsr = context->out_mxcsr;
  batched->upper = context->batch_upper;
  sandbox_batch_end ();
  memcpy (batched->x87, context->out_x87, sizeof batched->x87);
  batched->strange = !well;
  batched->done = (uint32_t) context->batch_index - command->first;
  context->in_batch = false;
}
