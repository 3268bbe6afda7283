/* Following one run instruction by instruction, inside the sandbox process: which bytes it reads and
   writes, exactly, masked-out vector elements left out.

   The trap flag makes the CPU stop before each instruction; the handler works out its accesses from
   the registers in the signal's frame, and counts them when the next trap shows that the instruction has run.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <string.h>

#define TRAP_FLAG 0x100
#define DIRECTION_FLAG 0x400

enum { READ_SIDE, WRITE_SIDE };

static bool
range_before (const struct range *a, const struct range *b)
{
  return a->begin < b->begin;
}

/* Heap sort: no memory may be asked for here, and glibc's qsort does.  */
static void
sift (struct range *range, size_t root, size_t n)
{
  for (;;)
    {
      size_t child = 2 * root + 1;
      if (child >= n)
        return;
      if (child + 1 < n && range_before (&range[child], &range[child + 1]))
        child++;
      if (!range_before (&range[root], &range[child]))
        return;
      struct range other = range[root];
      range[root] = range[child];
      range[child] = other;
      root = child;
    }
}

/* Sorts and merges RANGE[N]; the number left.  */
size_t
trace__merge (struct range *range, size_t n)
{
  for (size_t i = n / 2; i-- > 0;)
    sift (range, i, n);
  for (size_t i = n; i-- > 1;)
    {
      struct range last = range[0];
      range[0] = range[i];
      range[i] = last;
      sift (range, 0, i);
    }
  size_t kept = 0;
  for (size_t i = 0; i < n; i++)
    if (kept && range[i].begin <= range[kept - 1].end)
      {
        if (range[i].end > range[kept - 1].end)
          range[kept - 1].end = range[i].end;
      }
    else
      range[kept++] = range[i];
  return kept;
}

/* Bytes below the stack pointer that signal handlers leave alone.  */
enum { RED_ZONE = 128 };

void
trace__give_up (struct tracer *tracer, uint64_t address)
{
  if (tracer->trace->complete)
    {
      tracer->trace->complete = false;
      tracer->trace->culprit = address;
    }
}

/* Counts an access to BEGIN..END.  */
static void
add_range (struct child *child, bool side, uint64_t begin, uint64_t end)
{
  struct tracer *tracer = &child->tracer;
  struct wire_trace *trace = tracer->trace;
  /* The function's own frame and its return address; its own constants.  */
  if (begin >= SANDBOX_STACK_BASE && begin < RETURN_SLOT + 8)
    begin = RETURN_SLOT + 8;
  const struct setup_image *image = &child->setup->image[child->image];
  if (side == READ_SIDE && begin >= image->base && end <= image->base + image->size)
    return;
  if (begin >= end)
    return;
  struct range *range = tracer->range[side];
  uint32_t n = trace->n_range[side];
  /* Mostly it goes on where one of the last accesses ended.  */
  for (uint32_t i = n; i > 0 && n - i < 8; i--)
    if (begin <= range[i - 1].end && end >= range[i - 1].begin)
      {
        if (begin < range[i - 1].begin)
          range[i - 1].begin = begin;
        if (end > range[i - 1].end)
          range[i - 1].end = end;
        return;
      }
  if (n == RANGES_MAX)
    {
      n = trace__merge (range, n);
      if (n > RANGES_MAX / 4 * 3)
        trace__give_up (tracer, 0);
      if (n == RANGES_MAX)
        n--;
    }
  range[n] = (struct range) { begin, end };
  trace->n_range[side] = n + 1;
}

static uint64_t
gpr (const ucontext_t *context, int number)
{
  static const uint8_t order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                     REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11,
                                     REG_R12, REG_R13, REG_R14, REG_R15 };
  return context->uc_mcontext.gregs[order[number & 15]];
}

/* The components present in the frame's XSAVE area (SDM volume 1, 13.4); absent ones are zero.  */
static uint64_t
components (const uint8_t *frame)
{
  uint32_t magic;
  uint64_t present;
  memcpy (&magic, frame + 464, 4);
  if (magic != 0x46505853) /* FP_XSTATE_MAGIC1: without it only x87 and SSE are there */
    return 3;
  memcpy (&present, frame + 512, 8);
  return present;
}

/* Vector register NUMBER as it is in the signal's frame.  */
static void
vector (const struct child *child, const ucontext_t *context, unsigned number, uint8_t value[64])
{
  const uint8_t *frame = (const uint8_t *) context->uc_mcontext.fpregs;
  uint64_t present = components (frame);
  memset (value, 0, 64);
  if (number >= 16)
    {
      if ((present & 0x80) && child->xsave.high16)
        memcpy (value, frame + child->xsave.high16 + 64 * (number - 16), 64);
      return;
    }
  if (present & 2)
    memcpy (value, frame + 160 + 16 * number, 16);
  if ((present & 4) && child->xsave.ymm)
    memcpy (value + 16, frame + child->xsave.ymm + 16 * number, 16);
  if ((present & 0x40) && child->xsave.hi)
    memcpy (value + 32, frame + child->xsave.hi + 32 * number, 32);
}

static uint64_t
mask_register (const struct child *child, const ucontext_t *context, unsigned number)
{
  const uint8_t *frame = (const uint8_t *) context->uc_mcontext.fpregs;
  uint64_t value = 0;
  if ((components (frame) & 0x20) && child->xsave.mask)
    memcpy (&value, frame + child->xsave.mask + 8 * number, 8);
  return value;
}

uint64_t
memory__selected (const struct decoded_memory *memory, unsigned lanes, const uint8_t value[64])
{
  uint64_t bits = 0;
  for (unsigned i = 0; i < lanes && (i + 1) * memory->element <= 64; i++)
    if (value[(i + 1) * memory->element - 1] & 0x80)
      bits |= UINT64_C (1) << i;
  return bits;
}

/* The elements that MEMORY's mask selects, bit i for element i.  */
static uint64_t
selected (const struct child *child, const ucontext_t *context, const struct decoded_memory *memory,
          unsigned lanes)
{
  if (memory->mask < 0)
    return ~UINT64_C (0);
  if (memory->mask < 32)
    return mask_register (child, context, memory->mask);
  uint8_t value[64];
  vector (child, context, memory->mask - 32, value);
  return memory__selected (memory, lanes, value);
}

static void
expect (struct tracer *tracer, const struct decoded_memory *memory, uint64_t begin, uint64_t size)
{
  for (int side = READ_SIDE; side <= WRITE_SIDE; side++)
    if (side == READ_SIDE ? memory->read : memory->write)
      {
        _Static_assert (PENDING_MAX >= DECODED_MEMORY_MAX * 2 * 64, "every lane read and written");
        tracer->pending[tracer->n_pending].range = (struct range) { begin, begin + size };
        tracer->pending[tracer->n_pending++].side = side;
      }
}

bool
trace__expect (struct child *child, uint32_t kind, const struct decoded_memory *memory,
               uint64_t address, uint64_t rsp, uint64_t which, const uint8_t *index)
{
  struct tracer *tracer = &child->tracer;
  bool indexed_by_vector = kind & (KIND_GATHER | KIND_SCATTER);
  /* Below the red zone a signal handler may write at any time, which no test shows (System V
     AMD64 ABI, 3.2.2).  */
  if (!memory->implicit && !indexed_by_vector && address >= SANDBOX_STACK_BASE
      && address < STACK_TOP && address + RED_ZONE < rsp)
    return false;
  unsigned lanes = memory__lanes (memory);
  if (lanes == 0)
    return false;
  if (lanes < 64)
    which &= (UINT64_C (1) << lanes) - 1;

  if (indexed_by_vector)
    {
      if (memory->index < 0 || !memory->element
          || (memory->index_size != 4 && memory->index_size != 8)
          || lanes * memory->index_size > 64)
        return false;
      for (unsigned i = 0; i < lanes; i++)
        if (which >> i & 1)
          {
            int64_t offset;
            int32_t offset_32;
            if (memory->index_size == 8)
              memcpy (&offset, index + 8 * i, 8);
            else
              {
                memcpy (&offset_32, index + 4 * i, 4);
                offset = offset_32;
              }
            expect (tracer, memory, address + (uint64_t) offset * memory->scale, memory->element);
          }
      return true;
    }
  if (memory->mask < 0)
    {
      if (memory->compress && memory->element == 0)
        return false;
      expect (tracer, memory, address, memory->size);
      return true;
    }
  if (!memory->element)
    return false;
  if (memory->compress)
    {
      unsigned n = __builtin_popcountll (which);
      if (n)
        expect (tracer, memory, address, (uint64_t) n * memory->element);
      return true;
    }
  for (unsigned i = 0; i < lanes; i++)
    if (which >> i & 1)
      expect (tracer, memory, address + (uint64_t) i * memory->element, memory->element);
  return true;
}

/* Works out what INSN, about to run, will access through MEMORY.  False where it can't be told.  */
static bool
foresee (struct child *child, const ucontext_t *context, const struct step_insn *insn,
         const struct decoded_memory *memory)
{
  if (memory->segment)
    return false;
  if (!memory->read && !memory->write)
    return true;
  uint64_t address = (uint64_t) memory->disp;
  if (memory->base == 16)
    address += insn->address + insn->length;
  else if (memory->base >= 0)
    address += gpr (context, memory->base);
  bool indexed_by_vector = insn->kind & (KIND_GATHER | KIND_SCATTER);
  if (memory->index >= 0 && !indexed_by_vector)
    address += gpr (context, memory->index) * memory->scale;
  uint8_t index[64] = { 0 };
  if (indexed_by_vector && memory->index >= 0)
    vector (child, context, memory->index, index);
  uint64_t which = selected (child, context, memory, memory__lanes (memory));
  return trace__expect (child, insn->kind, memory, address, gpr (context, 4), which, index);
}

void
trace__count (struct child *child)
{
  struct tracer *tracer = &child->tracer;
  for (unsigned i = 0; i < tracer->n_pending; i++)
    add_range (child, tracer->pending[i].side, tracer->pending[i].range.begin,
               tracer->pending[i].range.end);
  tracer->n_pending = 0;
}

/* String instruction INSN has run: COUNT elements from where the registers pointed before it.  */
void
trace__count_string (struct child *child, const struct step_insn *insn, uint64_t rdi, uint64_t rsi,
                     uint64_t rflags, uint64_t count)
{
  for (unsigned i = 0; i < insn->n_memory && count; i++)
    {
      const struct decoded_memory *memory = &insn->memory[i];
      uint64_t begin = memory->base == 7 ? rdi : rsi;
      uint64_t size = count * memory->size;
      if (rflags & DIRECTION_FLAG)
        begin = begin + memory->size - size;
      if (memory->read)
        add_range (child, READ_SIDE, begin, begin + size);
      if (memory->write)
        add_range (child, WRITE_SIDE, begin, begin + size);
    }
}

/* The instruction let run has ended, and control is at RIP.  */
static void
commit (struct child *child, const ucontext_t *context, uint64_t rip)
{
  struct tracer *tracer = &child->tracer;
  const struct setup_image *image = &child->setup->image[child->image];
  if (tracer->previous >= image->n_insns)
    return;
  const struct step_insn *insn = &image->insn[tracer->previous];
  trace__count (child);
  if (insn->kind & KIND_STRING)
    trace__count_string (child, insn, tracer->rdi, tracer->rsi, tracer->rflags,
                         insn->kind & KIND_REP ? tracer->rcx - gpr (context, 1) : UINT64_C (1));
  if (insn->kind & KIND_BRANCH)
    tracer->branch[tracer->previous] |= rip == insn->address + insn->length ? 2 : 1;
}

void
trace__step (struct child *child, ucontext_t *context)
{
  struct tracer *tracer = &child->tracer;
  const struct setup_image *image = &child->setup->image[child->image];
  uint64_t rip = context->uc_mcontext.gregs[REG_RIP];
  uint32_t last = tracer->previous;
  commit (child, context, rip);
  tracer->previous = UINT32_MAX;
  if (address__low (rip) >= SANDBOX_STUB_BASE && address__low (rip) < STUB_END)
    {
      /* Calls and the return run at full speed; a stub's answer sets the flag again.  */
      context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t) TRAP_FLAG;
      return;
    }
  if (rip < image->base || rip >= image->base + image->text_size)
    return;
  if (tracer->trace->steps >= tracer->max_steps)
    {
      trace__give_up (tracer, 0);
      child->outcome->status = RUN_TIMEOUT;
      run__unwind (context);
      return;
    }
  tracer->trace->steps++;
  uint32_t number = image->index[rip - image->base];
  if (number >= image->n_insns)
    {
      /* Padding, or the middle of an instruction: who knows what it does.  */
      trace__give_up (tracer, rip);
      return;
    }
  const struct step_insn *insn = &image->insn[number];
  if (number != last || !(insn->kind & KIND_REP))
    tracer->executed[number]++;
  tracer->previous = number;
  tracer->rcx = gpr (context, 1);
  tracer->rsi = gpr (context, 6);
  tracer->rdi = gpr (context, 7);
  tracer->rflags = context->uc_mcontext.gregs[REG_EFL];
  if (insn->kind & KIND_SYSTEM)
    trace__give_up (tracer, rip);
  if (insn->kind & (KIND_NOP | KIND_PREFETCH))
    return;
  if (insn->kind & KIND_STRING)
    {
      for (unsigned i = 0; i < insn->n_memory; i++)
        if (insn->memory[i].segment
            || (insn->memory[i].base != 6 && insn->memory[i].base != 7))
          trace__give_up (tracer, rip);
      return;
    }
  for (unsigned i = 0; i < insn->n_memory; i++)
    if (!foresee (child, context, insn, &insn->memory[i]))
      trace__give_up (tracer, rip);
}

/* The instruction let run has faulted: what it would have accessed doesn't count.  */
void
trace__fault (struct child *child)
{
  child->tracer.n_pending = 0;
  child->tracer.previous = UINT32_MAX;
}

void
trace__run (struct child *child, const struct command *command)
{
  const struct wire_state *state = (const struct wire_state *) (child->input + command->state[0]);
  struct tracer *tracer = &child->tracer;
  size_t n = child->setup->image[command->image].n_insns;
  tracer->trace = (struct wire_trace *) (child->output + OUTPUT_DATA);
  tracer->executed = (uint32_t *) (child->output + trace__executed ());
  tracer->branch = child->output + trace__branch (n);
  tracer->range[0] = (struct range *) (child->output + trace__ranges (n, 0));
  tracer->range[1] = (struct range *) (child->output + trace__ranges (n, 1));
  tracer->max_steps = command->max_steps;
  tracer->previous = UINT32_MAX;
  tracer->n_pending = 0;
  memset (tracer->trace, 0, sizeof *tracer->trace);
  tracer->trace->complete = true;
  memset (tracer->executed, 0, n * sizeof *tracer->executed);
  memset (tracer->branch, 0, n);
  child->tracing = true;
  run__one (child, command->image, state);
  child->tracing = false;
  tracer->trace->status = child->outcome->status;
  for (unsigned side = 0; side < 2; side++)
    tracer->trace->n_range[side] = trace__merge (tracer->range[side], tracer->trace->n_range[side]);
}
