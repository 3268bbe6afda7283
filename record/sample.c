/* One call, single-stepped: which bytes it touches, and what they held before.

   A page is read whole when the first byte of it is touched, before the instruction that touches it
   runs; bytes are marked as they are touched.  The function's own frame doesn't count, nor do its
   incoming stack arguments, nor what it reads relative to the instruction pointer but the region's
   globals: its own constants.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "record/internal.h"

#include "machine/runtime.h"

#include <cpuid.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum
{
  PAGE = SANDBOX_PAGE,
  FRAME_MAX = 1 << 20,
  XSTATE_MAX = 16384,
  CODE_MAX = 16
};

struct page
{
  uint64_t address;
  bool written;
  uint8_t touched[PAGE / 8];
  uint8_t bytes[PAGE];
};

struct sample
{
  struct breakpoint *entry;
  struct site *site;
  struct module *module;
  struct user_regs_struct registers; /* at entry */
  struct machine_state machine;
  uint64_t low, high, cold_low, cold_high; /* the function's code */
  unsigned stack_bytes;
  uint8_t stack[STACK_ARGUMENT_BYTES];
  unsigned n_globals;
  struct recorded_global *global; /* of all the targets */
  unsigned n_pages, bytes, steps;
  struct page **page;
  unsigned last;           /* the page touched last */
  struct breakpoint *back; /* where the call made returns to; NULL while it is stepped */
  uint64_t back_rsp;
  unsigned n_answers, n_targets;
  uint64_t answer[RECORDED_ANSWERS], target[RECORDED_TARGETS_MAX];
  struct arena *arena;
};

/* The extended state of a stopped thread, in the processor's standard format (SDM volume 1, 13.4).
 */
struct xstate
{
  uint64_t present;
  _Alignas(64) uint8_t area[XSTATE_MAX];
};

static int
xstate__read (pid_t tid, struct xstate *state)
{
  struct iovec vector = { state->area, sizeof state->area };
  memset (state->area, 0, sizeof state->area);
  if (ptrace (PTRACE_GETREGSET, tid, NT_X86_XSTATE, &vector) || vector.iov_len < 576)
    return -1;
  memcpy (&state->present, state->area + 512, 8);
  return 0;
}

/* Copies component NUMBER's bytes FROM..FROM + SIZE; zero where it is in its initial state.  */
static void
xstate__get (const struct xstate *state, unsigned number, unsigned from, unsigned size, void *to)
{
  unsigned eax, offset, ecx, edx;
  memset (to, 0, size);
  if (!(state->present >> number & 1) || !__get_cpuid_count (13, number, &eax, &offset, &ecx, &edx)
      || from + size > eax || offset + eax > XSTATE_MAX)
    return;
  memcpy (to, state->area + offset + from, size);
}

static void
xstate__vector (const struct xstate *state, unsigned number, uint8_t to[64])
{
  memset (to, 0, 64);
  if (number >= 16)
    {
      xstate__get (state, 7, 64 * (number - 16), 64, to);
      return;
    }
  if (state->present & 2)
    memcpy (to, state->area + 160 + 16 * number, 16);
  xstate__get (state, 2, 16 * number, 16, to + 16);
  xstate__get (state, 6, 32 * number, 32, to + 32);
}

static uint64_t
xstate__mask (const struct xstate *state, unsigned number)
{
  uint64_t value;
  xstate__get (state, 5, 8 * number, 8, &value);
  return value;
}

static uint64_t
gpr (const struct user_regs_struct *r, int number)
{
  const uint64_t value[16] = { r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                               r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15 };
  return value[number & 15];
}

uint64_t
sample__entry_rsp (const struct thread *thread)
{
  return thread->sample ? thread->sample->registers.rsp : 0;
}

const struct site *
sample__site (const struct thread *thread)
{
  return thread->sample->site;
}

static void
sample__free (struct thread *thread)
{
  struct sample *sample = thread->sample;
  if (!sample)
    return;
  if (sample->back && --sample->back->returns == 0 && !sample->back->site && !sample->back->loader)
    breakpoint__remove (thread->process, sample->back);
  for (unsigned i = 0; i < sample->n_pages; i++)
    free (sample->page[i]);
  free (sample->page);
  arena__free (sample->arena);
  free (sample);
  thread->sample = NULL;
}

void
sample__drop (struct thread *thread, enum reason reason, const char *detail)
{
  for (unsigned i = 0; thread->sample && reason && i < thread->sample->site->n_targets; i++)
    {
      struct record_target *target = thread->sample->site->target[i];
      target->n_dropped++;
      why__set (&target->dropped, reason, "%s", detail);
    }
  sample__free (thread);
}

/* The page at ADDRESS, read now where it is new; NULL where it can't be, or there are too many.  */
static struct page *
sample__page (struct thread *thread, uint64_t address)
{
  struct sample *sample = thread->sample;
  if (sample->n_pages && sample->page[sample->last]->address == address)
    return sample->page[sample->last];
  for (unsigned i = 0; i < sample->n_pages; i++)
    if (sample->page[i]->address == address)
      return sample->page[sample->last = i];
  if (sample->n_pages == SAMPLE_PAGES_MAX)
    return NULL;
  struct page *page = calloc (1, sizeof *page);
  if (!page)
    return NULL;
  page->address = address;
  if (process__read (thread->process, address, page->bytes, PAGE) != PAGE)
    {
      free (page);
      return NULL;
    }
  /* What our breakpoints hide.  */
  for (const struct breakpoint *b = thread->process->breakpoint; b; b = b->next)
    if (b->inserted && b->address - address < PAGE)
      page->bytes[b->address - address] = b->original;
  sample->last = sample->n_pages;
  return sample->page[sample->n_pages++] = page;
}

/* Notes an access to SIZE bytes at ADDRESS, about to happen.  False where that can't be.  */
static bool
sample__touch (struct thread *thread, uint64_t address, uint64_t size, bool write)
{
  struct sample *sample = thread->sample;
  uint64_t rsp = sample->registers.rsp, frame = rsp - FRAME_MAX,
           top = rsp + 8 + sample->stack_bytes;
  if (size > SAMPLE_BYTES_MAX)
    return false;
  for (uint64_t at = address, end = address + size; at < end;)
    {
      if (at >= frame && at < top)
        {
          at = top;
          continue;
        }
      struct page *page = sample__page (thread, at & -(uint64_t)PAGE);
      if (!page)
        return false;
      uint64_t stop = page->address + PAGE < end ? page->address + PAGE : end;
      if (at < frame && stop > frame)
        stop = frame;
      page->written |= write;
      for (; at < stop; at++)
        {
          uint8_t *byte = &page->touched[(at - page->address) / 8], bit = (uint8_t)(1u << (at % 8));
          sample->bytes += !(*byte & bit);
          *byte |= bit;
        }
    }
  return sample->bytes <= SAMPLE_BYTES_MAX;
}

/* Is ADDRESS in one of the region's globals?  */
static bool
sample__is_global (const struct sample *sample, uint64_t address)
{
  for (unsigned i = 0; i < sample->n_globals; i++)
    if (address - sample->global[i].address < sample->global[i].size)
      return true;
  return false;
}

/* Notes what INSN will access through MEMORY.  */
static bool
sample__access (struct thread *thread, const struct user_regs_struct *r,
                const struct decoded_insn *insn, const struct decoded_memory *memory)
{
  bool gathers = insn->kind & (KIND_GATHER | KIND_SCATTER);
  if (!memory->read && !memory->write)
    return true;
  if (memory->segment)
    return false;
  uint64_t address = (uint64_t)memory->disp;
  if (memory->base == 16)
    address += r->rip + insn->length;
  else if (memory->base >= 0)
    address += gpr (r, memory->base);
  if (memory->base == 16 && !sample__is_global (thread->sample, address))
    return true;
  if (memory->index >= 0 && !gathers)
    address += gpr (r, memory->index) * memory->scale;
  if (insn->kind & KIND_STRING)
    {
      /* One step is one round; none where the count is used up.  */
      if ((insn->kind & KIND_REP) && r->rcx == 0)
        return true;
      return sample__touch (thread, address, memory->size, memory->write);
    }
  if (memory->mask < 0 && !gathers)
    return sample__touch (thread, address, memory->size, memory->write);

  struct xstate state;
  unsigned lanes = memory->element ? memory->size / memory->element : 0;
  if (!lanes || lanes > 64 || xstate__read (thread->tid, &state))
    return false;
  uint64_t which = ~UINT64_C (0);
  if (memory->mask >= 32)
    {
      uint8_t value[64];
      xstate__vector (&state, (unsigned)memory->mask - 32, value);
      which = 0;
      for (unsigned i = 0; i < lanes && (i + 1) * memory->element <= 64; i++)
        which |= (uint64_t)(value[(i + 1) * memory->element - 1] >> 7) << i;
    }
  else if (memory->mask >= 0)
    which = xstate__mask (&state, (unsigned)memory->mask);
  if (lanes < 64)
    which &= (UINT64_C (1) << lanes) - 1;
  if (memory->compress)
    return !which
           || sample__touch (thread, address,
                             (uint64_t)__builtin_popcountll (which) * memory->element,
                             memory->write);
  uint8_t index[64];
  if (gathers)
    {
      if (memory->index < 0 || (memory->index_size != 4 && memory->index_size != 8)
          || lanes * memory->index_size > 64)
        return false;
      xstate__vector (&state, (unsigned)memory->index, index);
    }
  for (unsigned i = 0; i < lanes; i++)
    {
      if (!(which >> i & 1))
        continue;
      uint64_t at = address + (uint64_t)i * memory->element;
      if (gathers)
        {
          int64_t offset = 0;
          int32_t narrow;
          if (memory->index_size == 8)
            memcpy (&offset, index + 8 * i, 8);
          else
            {
              memcpy (&narrow, index + 4 * i, 4);
              offset = narrow;
            }
          at = address + (uint64_t)offset * memory->scale;
        }
      if (!sample__touch (thread, at, memory->element, memory->write))
        return false;
    }
  return true;
}

/* The decoded instruction at RIP, or NULL.  */
static const struct decoded_insn *
decode_at (struct recorder *recorder, const struct process *process, uint64_t rip)
{
  unsigned at = (unsigned)(rip * 2654435761u >> 7) % STEP_CACHE;
  if (recorder->step_at[at] == rip && recorder->step_pid[at] == process->pid)
    return &recorder->step[at];
  uint8_t bytes[CODE_MAX];
  struct why why;
  size_t n = process__read (process, rip, bytes, sizeof bytes);
  for (const struct breakpoint *b = process->breakpoint; b; b = b->next)
    if (b->inserted && b->address - rip < n)
      bytes[b->address - rip] = b->original;
  recorder->step_at[at] = 0;
  if (!n || insn__decode (bytes, n, &recorder->step[at], &why))
    return NULL;
  recorder->step_at[at] = rip;
  recorder->step_pid[at] = process->pid;
  return &recorder->step[at];
}

/* The function has called what is at CALLEE: what a runtime function will touch counts, since the
 * sandbox runs it.  */
static bool
sample__runtime (struct thread *thread, const struct user_regs_struct *r, uint64_t callee)
{
  const char *name = process__callee (thread->process, callee);
  if (!name || !runtime__is (thread->sample->site->target[0]->region, name))
    return true;
  if (strcmp (name, "memcpy") == 0)
    return sample__touch (thread, r->rsi, r->rdx, false)
           && sample__touch (thread, r->rdi, r->rdx, true);
  if (strcmp (name, "memset") == 0)
    return sample__touch (thread, r->rdi, r->rdx, true);
  return true;
}

/* Is ADDRESS still the function's own code?  */
static bool
sample__inside (const struct sample *sample, uint64_t address)
{
  return address - sample->low < sample->high - sample->low
         || address - sample->cold_low < sample->cold_high - sample->cold_low;
}

/* The pieces of touched bytes, by address.  */
static void
sample__pieces (struct sample *sample, struct arena *arena, struct recorded *recorded)
{
  for (unsigned i = 1; i < sample->n_pages; i++)
    {
      struct page *page = sample->page[i];
      unsigned at = i;
      for (; at && sample->page[at - 1]->address > page->address; at--)
        sample->page[at] = sample->page[at - 1];
      sample->page[at] = page;
    }
  uint8_t *bytes = arena__alloc (arena, sample->bytes);
  unsigned used = 0, capacity = 0;
  for (unsigned i = 0; i < sample->n_pages; i++)
    for (unsigned k = 0; k < PAGE; k++)
      {
        const struct page *page = sample->page[i];
        if (!(page->touched[k / 8] >> (k % 8) & 1))
          continue;
        uint64_t address = page->address + k;
        struct recorded_piece *last
            = recorded->n_pieces ? &recorded->piece[recorded->n_pieces - 1] : NULL;
        if (!last || last->address + last->size != address)
          {
            if (recorded->n_pieces == capacity)
              {
                capacity = capacity ? 2 * capacity : 16;
                struct recorded_piece *more = ARENA_ARRAY (arena, struct recorded_piece, capacity);
                if (recorded->n_pieces)
                  memcpy (more, recorded->piece, recorded->n_pieces * sizeof *more);
                recorded->piece = more;
              }
            last = &recorded->piece[recorded->n_pieces++];
            *last = (struct recorded_piece){ .address = address, .bytes = bytes + used };
          }
        last->size++;
        last->written |= page->written;
        bytes[used++] = page->bytes[k];
      }
}

/* The call is over: each target gets its record.  */
static void
sample__finish (struct recorder *recorder, struct thread *thread)
{
  struct sample *sample = thread->sample;
  struct arena *arena = recorder->arena;
  struct recorded pieces = { 0 };
  sample__pieces (sample, arena, &pieces);
  for (unsigned i = 0; i < sample->site->n_targets; i++)
    {
      struct record_target *target = sample->site->target[i];
      const struct region *region = target->region;
      if (target->n_samples >= recorder->options->samples_max)
        continue;
      struct recorded *recorded = arena__memdup (arena, &pieces, sizeof pieces);
      recorded->machine = sample->machine;
      recorded->stack_bytes = sample->stack_bytes;
      memcpy (recorded->stack_argument, sample->stack, sample->stack_bytes);
      recorded->n_answers = sample->n_answers;
      memcpy (recorded->answer, sample->answer, sizeof sample->answer);
      recorded->n_targets = sample->n_targets;
      memcpy (recorded->target, sample->target, sizeof sample->target);
      recorded->global = ARENA_ARRAY (arena, struct recorded_global, region->n_globals);
      for (unsigned g = 0; g < region->n_globals; g++)
        {
          struct recorded_global *global = &recorded->global[recorded->n_globals];
          global->name = region->global[g].name;
          if (!region->global[g].is_function && global->name
              && process__global (thread->process, sample->module, global->name, &global->address,
                                  &global->size))
            recorded->n_globals++;
        }
      recorded__strip (region, recorded);
      if (!target->sample)
        target->sample = ARENA_ARRAY (arena, struct recorded *, recorder->options->samples_max);
      target->sample[target->n_samples++] = recorded;
    }
  sample__free (thread);
}

/* Waits for the return from the call that THREAD has just entered.  False where no breakpoint can
 * be set there.  */
static bool
sample__await (struct thread *thread, uint64_t address, uint64_t rsp)
{
  struct sample *sample = thread->sample;
  sample->back = process__add_breakpoint (thread->process, address);
  sample->back->returns++;
  sample->back_rsp = rsp;
  return breakpoint__insert (thread->process, sample->back);
}

/* Steps THREAD until its function makes a call, ends, or is given up.  */
static void
sample__walk (struct recorder *recorder, struct thread *thread)
{
  struct user_regs_struct r;
  while (thread->sample)
    {
      struct sample *sample = thread->sample;
      if (ptrace (PTRACE_GETREGS, thread->tid, NULL, &r))
        {
          sample__drop (thread, REASON_SANDBOX, "the thread is gone");
          return;
        }
      if (!sample__inside (sample, r.rip))
        {
          /* It returned, or made a tail call.  */
          sample__finish (recorder, thread);
          return;
        }
      if (sample->steps++ >= recorder->options->steps_max)
        {
          sample__drop (thread, REASON_TIME, "more instructions than are followed; see --steps");
          return;
        }
      const struct decoded_insn *insn = decode_at (recorder, thread->process, r.rip);
      bool known = insn && !(insn->kind & KIND_SYSTEM);
      bool stack_only
          = known && (insn->kind & (KIND_CALL | KIND_RETURN)) && !(insn->kind & KIND_INDIRECT);
      for (unsigned i = 0;
           known && !stack_only && !(insn->kind & (KIND_NOP | KIND_PREFETCH)) && i < insn->n_memory;
           i++)
        if (!sample__access (thread, &r, insn, &insn->memory[i]))
          {
            sample__drop (thread, REASON_FOOTPRINT,
                          "an access that can't be followed, or too much memory");
            return;
          }
      if (!known)
        {
          sample__drop (thread, REASON_DECODE, "an instruction that can't be followed");
          return;
        }
      uint32_t kind = insn->kind;
      uint64_t next = r.rip + insn->length, rsp = r.rsp;
      switch (thread__step (recorder, thread, r.rip))
        {
        case STEP_GONE:
          return;
        case STEP_FAULT:
          sample__drop (thread, REASON_LOAD_FAULT, "the call raised a signal");
          return;
        case STEP_DONE:
          break;
        }
      if (kind & KIND_CALL)
        {
          if (ptrace (PTRACE_GETREGS, thread->tid, NULL, &r) || !sample__runtime (thread, &r, r.rip)
              || !sample__await (thread, next, rsp))
            {
              sample__drop (thread, REASON_FOOTPRINT, "a call that can't be followed");
              return;
            }
          bool known_target = !(kind & KIND_INDIRECT);
          for (unsigned i = 0; i < sample->n_targets; i++)
            known_target |= sample->target[i] == r.rip;
          if (!known_target && sample->n_targets < RECORDED_TARGETS_MAX)
            sample->target[sample->n_targets++] = r.rip;
          return;
        }
      if ((kind & KIND_RETURN) && rsp >= sample->registers.rsp)
        {
          sample__finish (recorder, thread);
          return;
        }
    }
}

/* The most bytes of stack arguments that TARGET's region takes.  */
static unsigned
stack_bytes (const struct region *region)
{
  unsigned bytes = 0;
  for (unsigned p = 0; p < region->n_parameters; p++)
    for (unsigned i = 0; i < region->parameter[p].n_locations && i < LOCATIONS_MAX; i++)
      {
        const struct location *location = &region->parameter[p].location[i];
        if (location->kind == LOCATION_STACK && location->number + location->size > bytes)
          bytes = location->number + location->size;
      }
  return (bytes + 7) / 8 * 8;
}

void
sample__begin (struct recorder *recorder, struct thread *thread, struct breakpoint *breakpoint,
               const struct user_regs_struct *registers)
{
  struct sample *sample = calloc (1, sizeof *sample);
  struct xstate state;
  if (!sample)
    return;
  thread->sample = sample;
  sample->arena = arena__new ();
  sample->page = calloc (SAMPLE_PAGES_MAX, sizeof *sample->page);
  sample->entry = breakpoint;
  sample->site = breakpoint->site;
  sample->module = breakpoint->module;
  sample->registers = *registers;
  if (!sample->page || xstate__read (thread->tid, &state))
    {
      sample__drop (thread, REASON_SANDBOX, "the thread's registers can't be read");
      return;
    }
  for (unsigned i = 0; i < 16; i++)
    sample->machine.gpr[i] = gpr (registers, (int)i);
  for (unsigned i = 0; i < 32; i++)
    xstate__vector (&state, i, sample->machine.vec[i]);
  for (unsigned i = 0; i < 8; i++)
    sample->machine.mask[i] = xstate__mask (&state, i);
  memcpy (&sample->machine.mxcsr, state.area + 24, 4);
  sample->machine.mxcsr &= 0xffff;
  sample->machine.rflags = registers->eflags & 0x8d5;

  const struct symbol *symbol = sample->site->symbol;
  sample->low = breakpoint->address;
  sample->high = breakpoint->address + symbol->size;
  char *cold = arena__printf (sample->arena, "%s.cold", symbol->name);
  for (unsigned i = 0; i < sample->module->symbols->n_symbols; i++)
    {
      const struct symbol *other = &sample->module->symbols->symbol[i];
      /* Of several of that name (static functions) it is the one of the same file.  */
      if (strcmp (other->name, cold) == 0
          && (!symbol->file || !other->file || strcmp (symbol->file, other->file) == 0))
        {
          sample->cold_low = sample->module->bias + other->value;
          sample->cold_high = sample->cold_low + other->size;
        }
    }
  for (unsigned i = 0; i < sample->site->n_targets; i++)
    {
      const struct region *region = sample->site->target[i]->region;
      unsigned bytes = stack_bytes (region);
      if (bytes > sample->stack_bytes)
        sample->stack_bytes = bytes;
      struct recorded_global *global = ARENA_ARRAY (sample->arena, struct recorded_global,
                                                    sample->n_globals + region->n_globals);
      if (sample->n_globals)
        memcpy (global, sample->global, sample->n_globals * sizeof *global);
      sample->global = global;
      for (unsigned g = 0; g < region->n_globals; g++)
        if (!region->global[g].is_function && region->global[g].name
            && process__global (thread->process, sample->module, region->global[g].name,
                                &global[sample->n_globals].address,
                                &global[sample->n_globals].size))
          sample->n_globals++;
    }
  if (sample->stack_bytes > STACK_ARGUMENT_BYTES
      || process__read (thread->process, registers->rsp + 8, sample->stack, sample->stack_bytes)
             != sample->stack_bytes)
    {
      sample__drop (thread, REASON_STACK_ARGUMENTS, "too many, or not readable");
      return;
    }
  sample__walk (recorder, thread);
}

bool
sample__returns (const struct thread *thread, const struct user_regs_struct *r)
{
  const struct sample *sample = thread->sample;
  return sample && sample->back && sample->back->address == r->rip && sample->back_rsp == r->rsp;
}

void
sample__go_on (struct recorder *recorder, struct thread *thread)
{
  struct sample *sample = thread->sample;
  struct user_regs_struct r;
  if (--sample->back->returns == 0 && !sample->back->site && !sample->back->loader)
    breakpoint__remove (thread->process, sample->back);
  sample->back = NULL;
  if (sample->n_answers < RECORDED_ANSWERS && ptrace (PTRACE_GETREGS, thread->tid, NULL, &r) == 0)
    sample->answer[sample->n_answers++] = r.rax;
  sample__walk (recorder, thread);
}
