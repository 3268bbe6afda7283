/* One run inside the sandbox process: the state's memory, its stack, the call, what came of it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

#define CHECK_OFFSET(MEMBER, FIELD)                                                               \
  _Static_assert (offsetof (struct context, MEMBER) == CONTEXT_##FIELD, #MEMBER)
CHECK_OFFSET (out_gpr, OUT_GPR);
CHECK_OFFSET (out_rflags, OUT_RFLAGS);
CHECK_OFFSET (c_rsp, C_RSP);
CHECK_OFFSET (entry, ENTRY);
CHECK_OFFSET (return_target, RETURN_TARGET);
CHECK_OFFSET (stub_target, STUB_TARGET);
CHECK_OFFSET (stub_rax, STUB_RAX);
CHECK_OFFSET (stub_number, STUB_NUMBER);
CHECK_OFFSET (in_mxcsr, IN_MXCSR);
CHECK_OFFSET (out_mxcsr, OUT_MXCSR);
CHECK_OFFSET (out_vec, OUT_VEC);
CHECK_OFFSET (in_vec, IN_VEC);
CHECK_OFFSET (in_rflags, IN_RFLAGS);
CHECK_OFFSET (level, LEVEL);
CHECK_OFFSET (wide, WIDE);
CHECK_OFFSET (stub_flags, STUB_FLAGS);
CHECK_OFFSET (c_mxcsr, C_MXCSR);
CHECK_OFFSET (x87_dirty, X87_DIRTY);
CHECK_OFFSET (has_st0, HAS_ST0);
CHECK_OFFSET (in_gpr, IN_GPR);
CHECK_OFFSET (out_x87, OUT_X87);
CHECK_OFFSET (out_st0, OUT_ST0);
CHECK_OFFSET (out_mask, OUT_MASK);
CHECK_OFFSET (in_mask, IN_MASK);
CHECK_OFFSET (answer_gpr, ANSWER_GPR);
CHECK_OFFSET (answer_flags, ANSWER_FLAGS);
CHECK_OFFSET (answer_st0, ANSWER_ST0);
CHECK_OFFSET (answer_vec, ANSWER_VEC);
CHECK_OFFSET (answer_junk, ANSWER_JUNK);
CHECK_OFFSET (stub_vec, STUB_VEC);
CHECK_OFFSET (running, REST);
CHECK_OFFSET (batch_in, BATCH_IN);
CHECK_OFFSET (batch_out, BATCH_OUT);
CHECK_OFFSET (batch_in_step, BATCH_IN_STEP);
CHECK_OFFSET (batch_out_step, BATCH_OUT_STEP);
CHECK_OFFSET (batch_left, BATCH_LEFT);
CHECK_OFFSET (batch_progress, BATCH_PROGRESS);
CHECK_OFFSET (batch_load, BATCH_LOAD);
CHECK_OFFSET (batch_store, BATCH_STORE);
CHECK_OFFSET (batch_rsp, BATCH_RSP);
CHECK_OFFSET (batch_checks, BATCH_CHECKS);
CHECK_OFFSET (batch_strange, BATCH_STRANGE);
CHECK_OFFSET (batch_index, BATCH_INDEX);
CHECK_OFFSET (batch_upper, BATCH_UPPER);
CHECK_OFFSET (batch_reset, BATCH_RESET);
CHECK_OFFSET (batch_call, BATCH_CALL);
CHECK_OFFSET (returned, RETURNED);
#undef CHECK_OFFSET
#define CHECK_OFFSET(MEMBER, FIELD) _Static_assert (offsetof (struct clock, MEMBER) == CLOCK_##FIELD, #MEMBER)
CHECK_OFFSET (self, SELF);
CHECK_OFFSET (c_rsp, C_RSP);
CHECK_OFFSET (left, LEFT);
CHECK_OFFSET (ticks_begin, TICKS_BEGIN);
CHECK_OFFSET (ticks_end, TICKS_END);
CHECK_OFFSET (entry, ENTRY);
CHECK_OFFSET (n_ranges, N_RANGES);
CHECK_OFFSET (drain, DRAIN);
CHECK_OFFSET (vectors, VECTORS);
CHECK_OFFSET (x87, X87);
CHECK_OFFSET (gpr_mask, GPR_MASK);
CHECK_OFFSET (gpr_sum, GPR_SUM);
CHECK_OFFSET (vec_mask, VEC_MASK);
CHECK_OFFSET (vec_sum, VEC_SUM);
CHECK_OFFSET (st0, ST0);
CHECK_OFFSET (turn, TURN);
CHECK_OFFSET (turn_slot, TURN_SLOT);
CHECK_OFFSET (range, RANGE);

/* CF, PF, AF, ZF, SF, OF: all that a state says of rflags.  */
#define ARITHMETIC_FLAGS 0x8d5u
#define TRAP_FLAG 0x100u

/* More stack pages than this are given back after a run that needed them.  */
enum { ACTIVE_KEPT = 16 };

static uint8_t *
stack_page (const struct child *child, unsigned page)
{
  return (uint8_t *) (uintptr_t) (child->setup->stack_base + (uint64_t) page * SANDBOX_PAGE);
}

static void
fill_words (void *begin, size_t bytes, uint64_t value)
{
  uint64_t *word = begin;
  for (size_t i = 0; i < bytes / 8; i++)
    word[i] = value;
}

bool
run__activate (struct child *child, unsigned page)
{
  if (child->is_active[page]
      || mprotect (stack_page (child, page), SANDBOX_PAGE, PROT_READ | PROT_WRITE) != 0)
    return false;
  child->is_active[page] = true;
  child->active[child->n_active++] = page;
  fill_words (stack_page (child, page), SANDBOX_PAGE, child->fill);
  return true;
}

/* Protections as STATE says; nothing to do where the last state's spans were the same.  */
static void
map_spans (struct child *child, const struct wire_state *state)
{
  bool same = child->n_mapped == state->n_spans;
  for (unsigned i = 0; same && i < state->n_spans; i++)
    same = child->mapped[i].address == state->span[i].address
           && child->mapped[i].size == state->span[i].size
           && child->mapped[i].protection == state->span[i].protection;
  if (same)
    return;
  /* Both lists are sorted.  First what is no longer there, then what is new.  */
  for (int pass = 0; pass < 2; pass++)
    {
      const struct wire_span *from = pass ? state->span : child->mapped;
      const struct wire_span *to = pass ? child->mapped : state->span;
      unsigned n_from = pass ? state->n_spans : child->n_mapped;
      unsigned n_to = pass ? child->n_mapped : state->n_spans;
      for (unsigned i = 0, j = 0; i < n_from; i++)
        {
          while (j < n_to && to[j].address < from[i].address)
            j++;
          if (j < n_to && to[j].address == from[i].address && to[j].size == from[i].size
              && to[j].protection == from[i].protection)
            continue;
          int protection = !pass                                        ? PROT_NONE
                           : from[i].protection & PROT_STATE_WRITE ? PROT_READ | PROT_WRITE
                                                                   : PROT_READ;
          if (mprotect ((void *) (uintptr_t) from[i].address, from[i].size, protection) != 0)
            _exit (97);
        }
    }
  child->n_mapped = state->n_spans;
  memcpy (child->mapped, state->span, state->n_spans * sizeof *state->span);
}

static void
map_huge (struct child *child, bool map)
{
  if (child->huge_mapped == map)
    return;
  if (mprotect ((void *) (uintptr_t) SANDBOX_HUGE_BASE, SANDBOX_HUGE_SIZE, map ? PROT_READ : PROT_NONE) != 0)
    _exit (97);
  child->huge_mapped = map;
}

static void
fill_spans (struct child *child, const struct wire_state *state)
{
  for (unsigned i = 0; i < state->n_spans; i++)
    {
      const struct wire_span *span = &state->span[i];
      uint8_t *to = (uint8_t *) (uintptr_t) span->address;
      if (!(span->protection & PROT_STATE_WRITE))
        to = child->arena_alias + arena__offset (span->address);
      memcpy (to, child->input + span->in, span->size);
    }
}

static void
fill_stack (struct child *child, const struct wire_state *state)
{
  /* Uninitialised stack holds the same for both sides, and something else in each state.  */
  child->fill = mix__leftover (mix64 (state->seed ^ 0x5ac4));
  if (child->n_active > ACTIVE_KEPT)
    {
      for (unsigned i = ACTIVE_KEPT; i < child->n_active; i++)
        {
          child->is_active[child->active[i]] = false;
          mprotect (stack_page (child, child->active[i]), SANDBOX_PAGE, PROT_NONE);
        }
      child->n_active = ACTIVE_KEPT;
    }
  child->n_active_before = child->n_active;
  fill_words (stack_page (child, STACK_PAGES - 1), setup__return_offset (child->setup) % SANDBOX_PAGE, child->fill);
  for (unsigned i = 1; i < child->n_active; i++)
    fill_words (stack_page (child, child->active[i]), SANDBOX_PAGE, child->fill);
  uint8_t *frame = (uint8_t *) (uintptr_t) setup__return_slot (child->setup);
  uint64_t address = RETURN_STUB;
  memcpy (frame, &address, 8);
  memcpy (frame + 8, state->stack_argument, state->stack_bytes);
  memset (frame + 8 + state->stack_bytes, CANARY_BYTE, 768 - state->stack_bytes);
}

bool
run__frame_changed (const struct child *child, const struct wire_state *state)
{
  const uint8_t *canary = (const uint8_t *) (uintptr_t) (setup__return_slot (child->setup) + 8 + state->stack_bytes);
  size_t size = 768 - state->stack_bytes;
  return canary[0] != CANARY_BYTE || memcmp (canary, canary + 1, size - 1) != 0;
}

void
run__prepare (struct child *child, unsigned image, const struct wire_state *state)
{
  fill_stack (child, state);
  run__prepare_again (child, image, state);
}

void
run__prepare_again (struct child *child, unsigned image, const struct wire_state *state)
{
  map_spans (child, state);
  map_huge (child, state->huge != 0);
  fill_spans (child, state);
  run__arm (child, image, state);
}

void
run__arm (struct child *child, unsigned image, const struct wire_state *state)
{
  struct context *context = CONTEXT;
  child->state = state;
  child->image = image;
  child->outcome = (struct wire_outcome *) (child->output + state->outcome);
  child->event = (struct call_event *) (child->output + state->events);
  child->n_calls = 0;

  context->entry = image == EMPTY_IMAGE ? EMPTY_IMAGE_ENTRY : child->setup->image[image].entry;
  context->return_target = (uintptr_t) sandbox_return;
  context->stub_target = (uintptr_t) sandbox_stub;
  context->in_mxcsr = state->mxcsr & 0xffff;
  context->in_rflags = (state->rflags & ARITHMETIC_FLAGS) | 2 | (child->tracing ? TRAP_FLAG : 0);
  context->c_mxcsr = 0x1f80;
  context->level = child->level;
  context->wide = state->wide;
  context->in_vec = child->input + state->vec;
  context->out_vec = child->outcome->vec[0];
  context->returned = 0;
  memcpy (context->in_gpr, state->gpr, sizeof context->in_gpr);
  context->in_gpr[4] = setup__return_slot (child->setup);
  memcpy (context->in_mask, state->mask, sizeof context->in_mask);

  struct wire_outcome *outcome = child->outcome;
  outcome->status = RUN_RETURNED;
  outcome->signal = 0;
  outcome->fault_address = outcome->fault_rip = 0;
  outcome->n_events = outcome->n_events_lost = 0;
  outcome->fault_write = outcome->misaligned_call = outcome->caller_frame_changed = false;
}

/* How many pages down the run has used the stack.  Pages stay usable from run to run, so those beyond the first
   STACK_PAGES_FREE are looked at for what was written; a page that was only read is missed where an earlier run has had it.  */
static unsigned
stack_depth (const struct child *child)
{
  unsigned depth = STACK_PAGES_FREE;
  for (unsigned i = 1; i < child->n_active; i++)
    {
      unsigned pages = STACK_PAGES - child->active[i];
      const uint64_t *word = (const uint64_t *) stack_page (child, child->active[i]);
      bool used = pages > depth && (i >= child->n_active_before || word[0] != child->fill
                                    || memcmp (word, word + 1, SANDBOX_PAGE - 8) != 0);
      if (used)
        depth = pages;
    }
  return depth;
}

/* What the function left, into the outcome.  */
static void
finish (struct child *child, const struct wire_state *state)
{
  struct context *context = CONTEXT;
  struct wire_outcome *outcome = child->outcome;
  if (outcome->status == RUN_RETURNED)
    {
      memcpy (outcome->gpr, context->out_gpr, sizeof outcome->gpr);
      outcome->rflags = context->out_rflags & ~(uint64_t) TRAP_FLAG;
      outcome->mxcsr = context->out_mxcsr;
      memcpy (outcome->mask, context->out_mask, sizeof outcome->mask);
      memcpy (outcome->x87, context->out_x87, sizeof outcome->x87);
      /* The environment's pointers to the last instruction and operand are nobody's business, and
         the top is only stored where something is on the x87 stack.  */
      memset (outcome->x87 + 12, 0, sizeof outcome->x87 - 12);
      uint16_t tags;
      memcpy (&tags, outcome->x87 + 8, 2);
      if (tags == 0xffff)
        memset (outcome->st0, 0, sizeof outcome->st0);
      else
        memcpy (outcome->st0, context->out_st0, sizeof outcome->st0);
      /* `ret` has taken the return address off.  */
      if (outcome->gpr[4] != setup__return_slot (child->setup) + 8 || !context->returned)
        outcome->status = RUN_ESCAPED;
    }
  outcome->caller_frame_changed = run__frame_changed (child, state);
  outcome->stack_pages = stack_depth (child);
  for (unsigned i = 0; i < state->n_spans; i++)
    if (state->span[i].out)
      memcpy (child->output + state->span[i].out, (void *) (uintptr_t) state->span[i].address,
              state->span[i].size);
}

void
run__one (struct child *child, unsigned image, const struct wire_state *state)
{
  run__prepare (child, image, state);
  uint64_t begin = __rdtsc ();
  CONTEXT->running = true;
  sandbox_enter ();
  CONTEXT->running = false;
  child->outcome->ticks = __rdtsc () - begin;
  finish (child, state);
}

/* Ends the run: the handler's return goes to sandbox_unwind on the process's own stack.  */
void
run__unwind (ucontext_t *context)
{
  CONTEXT->running = false;
  context->uc_mcontext.gregs[REG_RIP] = (greg_t) (uintptr_t) sandbox_unwind;
  context->uc_mcontext.gregs[REG_RSP] = (greg_t) clock__own ()->c_rsp;
  context->uc_mcontext.gregs[REG_EFL] = 0x202;
}

/* Every signal a function can raise comes here, on the alternate stack.  */
void
run__signal (int signal, siginfo_t *info, void *data)
{
  static const uint8_t order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                     REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11,
                                     REG_R12, REG_R13, REG_R14, REG_R15 };
  ucontext_t *context = data;
  struct child *child = clock__own ()->child;
  greg_t *gregs = context->uc_mcontext.gregs;
  uint64_t rip = gregs[REG_RIP];
  uint64_t address = (uintptr_t) info->si_addr;

  if (signal == SIGTRAP && child->tracing && info->si_code == TRAP_TRACE)
    {
      trace__step (child, context);
      return;
    }
  if (!CONTEXT->running)
    _exit (98);
  if (signal == SIGSEGV && gregs[REG_TRAPNO] == 14
      && address - child->setup->stack_base < SANDBOX_STACK_SIZE
      && run__activate (child, (address - child->setup->stack_base) / SANDBOX_PAGE))
    return;

  struct wire_outcome *outcome = child->outcome;
  bool inside = false;
  if (child->image < child->setup->n_images)
    {
      const struct setup_image *image = &child->setup->image[child->image];
      inside = rip >= image->base && rip < image->base + image->text_size;
    }
  /* int3 is reported after itself, so at the image's very end at the latest.  */
  outcome->status = inside ? RUN_TRAPPED : RUN_ESCAPED;
  outcome->signal = signal;
  outcome->fault_rip = rip;
  bool page_fault = (signal == SIGSEGV || signal == SIGBUS) && gregs[REG_TRAPNO] == 14;
  outcome->fault_address = page_fault ? address : 0;
  outcome->fault_write = page_fault && (gregs[REG_ERR] & 2);
  for (unsigned i = 0; i < 16; i++)
    outcome->gpr[i] = gregs[order[i]];
  outcome->rflags = gregs[REG_EFL] & ~(uint64_t) TRAP_FLAG;
  if (child->tracing)
    trace__fault (child);
  run__unwind (context);
}
