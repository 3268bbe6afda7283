/* What stands in for the functions that a region calls: each call is recorded and answered with
   values that depend on the state's seed and the call's number alone, so that both sides get the
   same answers as long as they make the same calls.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <string.h>

uint64_t
stub__memory_digest (const struct wire_state *state)
{
  uint64_t value = 1;
  for (unsigned i = 0; i < state->n_spans; i++)
    if (state->span[i].protection & PROT_STATE_WRITE)
      value = memory__digest (value, (const uint8_t *) (uintptr_t) state->span[i].address,
                      state->span[i].size);
  return value;
}

/* The callee's own stores, as far as the state has some for this call.  */
static void
apply_patches (const struct wire_state *state, unsigned call)
{
  for (unsigned i = 0; i < state->n_patches; i++)
    {
      const struct patch *patch = &state->patch[i];
      if (patch->call != call || patch->size > 8)
        continue;
      for (unsigned s = 0; s < state->n_spans; s++)
        {
          const struct wire_span *span = &state->span[s];
          if ((span->protection & PROT_STATE_WRITE) && patch->address >= span->address
              && patch->address - span->address <= span->size - patch->size)
            memcpy ((void *) (uintptr_t) patch->address, &patch->value, patch->size);
        }
    }
}

/* An integer that is often small.  */
static uint64_t
some_integer (uint64_t random)
{
  switch (random >> 61)
    {
    case 0:
      return 0;
    case 1:
      return 1 + (random & 15);
    case 2:
      return -(1 + (random & 3));
    default:
      return mix64 (random);
    }
}

/* A number of ordinary size, now and then a special one.  */
static double
some_number (uint64_t random)
{
  switch (random >> 60)
    {
    case 0:
      return 0.0;
    case 1:
      return -0.0;
    case 2:
      return __builtin_inf ();
    case 3:
      return __builtin_nan ("");
    default:
      return (double) (int64_t) (random & 0xfffff) / 64.0 - 8192.0;
    }
}

static void
answer (struct child *child, unsigned stub, unsigned call)
{
  struct context *context = CONTEXT;
  uint64_t random = mix64 (child->state->seed + 0x1000003u * (uint64_t) call);
  bool large = mix64 (random + 500) & 1;
  for (unsigned i = 0; i < 16; i++)
    context->answer_gpr[i] = large ? mix64 (random + i) : mix__leftover (mix64 (random + i));
  for (unsigned i = 0; i < 16; i++)
    {
      uint64_t junk[2] = { mix64 (random + 100 + i), mix64 (random + 200 + i) };
      memcpy (context->answer_vec[i], junk, 16);
    }
  for (unsigned i = 0; i < 8; i++)
    {
      uint64_t junk = mix64 (random + 300 + i);
      memcpy (context->answer_junk + 8 * i, &junk, 8);
    }
  context->answer_flags = 2 | (mix64 (random + 400) & 0x8d5) | (child->tracing ? 0x100 : 0);
  context->has_st0 = 0;

  struct setup_callee callee = { .kind = ANSWER_INTEGER, .size = 8 };
  if (stub < child->setup->n_callees)
    callee = child->setup->callee[stub];
  uint64_t value = some_integer (random);
  double number = some_number (random);
  float single = (float) number;
  switch (callee.kind)
    {
    case ANSWER_POINTER:
      context->answer_gpr[0] = child->state->pointer_answer[call % 4];
      break;
    case ANSWER_BOOL:
      /* The ABI leaves all but the low byte undefined.  */
      context->answer_gpr[0] = (context->answer_gpr[0] & ~(uint64_t) 0xff) | (value & 1);
      break;
    case ANSWER_INTEGER:
      if (callee.size > 4)
        context->answer_gpr[0] = value;
      else
        context->answer_gpr[0]
          = (context->answer_gpr[0] & ~(uint64_t) 0xffffffff) | (uint32_t) value;
      if (callee.size > 0 && callee.size < 4)
        {
          /* Callers may count on nothing above, and clang on an extension to 32 bits that the
             ABI does not promise: give the zero-extended value, which is both.  */
          uint32_t narrow = (uint32_t) value & (callee.size == 1 ? 0xff : 0xffff);
          context->answer_gpr[0] = (context->answer_gpr[0] & ~(uint64_t) 0xffffffff) | narrow;
        }
      break;
    case ANSWER_FLOAT:
      if (callee.size == 4)
        memcpy (context->answer_vec[0], &single, 4);
      else if (callee.size == 8)
        memcpy (context->answer_vec[0], &number, 8);
      break;
    case ANSWER_X87:
      context->answer_st0 = number;
      context->has_st0 = 1;
      break;
    }
}

int
stub__record (void)
{
  struct context *context = CONTEXT;
  struct child *child = clock__own ()->child;
  if (!context->running || !child->state)
    _Exit (98);
  context->running = false;
  unsigned stub = (uint32_t) context->stub_number;
  struct wire_outcome *outcome = child->outcome;
  /* All stubs are there, but this region has fewer.  */
  if (stub >= child->setup->n_callees + STUBS_EXTRA)
    {
      outcome->status = RUN_ESCAPED;
      return 1;
    }
  unsigned call = child->n_calls++;

  if ((context->out_gpr[4] + 8) % 16 != 0)
    outcome->misaligned_call = true;
  if (call >= CALL_EVENTS_MAX)
    outcome->n_events_lost = call + 1 - CALL_EVENTS_MAX;
  else
    {
      static const uint8_t argument[6] = { 7, 6, 2, 1, 8, 9 };
      struct call_event *event = &child->event[call];
      event->callee = stub;
      for (unsigned i = 0; i < 6; i++)
        event->gpr[i] = context->out_gpr[argument[i]];
      event->al = (uint8_t) context->out_gpr[0];
      memcpy (event->vec, context->stub_vec, sizeof event->vec);
      event->memory_digest = stub__memory_digest (child->state);
      outcome->n_events = call + 1;
    }
  if (stub < child->setup->n_callees && child->setup->callee[stub].is_noreturn)
    {
      outcome->status = RUN_NORETURN;
      return 1;
    }
  apply_patches (child->state, call);
  answer (child, stub, call);
  context->running = true;
  return 0;
}
