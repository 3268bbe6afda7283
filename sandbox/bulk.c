/* The parent's side of batches: records are written once, into the area that both sides' processes have
   read-only; each side's results come back in its own output area, and the two are compared here.

   Why a process's own word is enough.  A candidate can write all of its output area, its results and the count of
   them included, and can answer for the process.  What it says is only ever compared with what the original
   said, in another process whose areas it has no mapping of; to make a wrong result pass it would
   have to write the right one, bit by bit, for a record that was not there before.  Results of
   an earlier batch don't do, as the count is cleared before each, and answers carry the number of their command.
   All it can do is to look wrong.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/parent.h"
#include <stdlib.h>
#include <string.h>

enum
{
  FLAGS_AT = 32,               /* of a record: in the place of rsp */
  GENERAL_BYTES = 128,
  BLOCK = 64,
  /* Records of one command, at most and at least, and the bytes that its records and results should take: a command
     costs some 10 us, and what it leaves should still be in a cache when it is compared.  Large records had better stay
     within the second level (measured on Zen 4 with 1 MiB of it).  */
  COMMAND_MOST = 4096,
  COMMAND_LEAST = 32,
  COMMAND_BYTES = 2048 << 10,
  COMMAND_BYTES_LARGE = 1024 << 10,
  LARGE = 2048
};

static size_t
rounded (size_t size, size_t to)
{
  return (size + to - 1) & ~(to - 1);
}

/* Is object O in a span that can be written?  */
static bool
is_writable (const struct batch_shape *shape, unsigned o)
{
  for (unsigned s = 0; s < shape->base->n_spans; s++)
    {
      const struct span *span = &shape->base->span[s];
      if (shape->object[o].address - span->address < span->size)
        return span->protection & PROT_STATE_WRITE;
    }
  return false;
}

size_t
batch__object_in (const struct batch_shape *shape, unsigned o)
{
  size_t at = GENERAL_BYTES + (size_t) shape->vectors_in * shape->width_in;
  for (unsigned i = 0; i < o; i++)
    at += rounded (shape->object[i].size, 8);
  return at;
}

size_t
batch__record_size (const struct batch_shape *shape)
{
  return rounded (batch__object_in (shape, shape->n_objects), BLOCK);
}

/* Where object O would be, were it writable.  */
static size_t
object_out (const struct batch_shape *shape, unsigned o)
{
  size_t at = GENERAL_BYTES + (size_t) shape->vectors_out * shape->width_out;
  for (unsigned i = 0; i < o; i++)
    if (is_writable (shape, i))
      at += rounded (shape->object[i].size, 8);
  return at;
}

size_t
batch__object_out (const struct batch_shape *shape, unsigned o)
{
  return is_writable (shape, o) ? object_out (shape, o) : 0;
}

size_t
batch__result_size (const struct batch_shape *shape)
{
  return rounded (object_out (shape, shape->n_objects), BLOCK);
}

void
batch__mask (const struct batch_shape *shape, uint8_t *mask)
{
  static const uint8_t saved[] = { 3, 5, 12, 13, 14, 15 };
  memset (mask, 0, batch__result_size (shape));
  for (unsigned i = 0; i < sizeof saved; i++)
    memset (mask + 8 * saved[i], 0xff, 8);
  uint64_t flags = UINT64_C (0xffc0) << 32 | UINT64_C (1) << RESULT_UPPER_SHIFT;
  memcpy (mask + FLAGS_AT, &flags, 8);
  for (unsigned o = 0; o < shape->n_objects; o++)
    if (is_writable (shape, o))
      memset (mask + object_out (shape, o), 0xff, shape->object[o].size);
}

void
batch__state (const struct batch_shape *shape, const uint8_t *record, uint64_t seed,
              struct state *state)
{
  const struct state *base = shape->base;
  state->machine = (struct machine_state) { .mxcsr = base->machine.mxcsr };
  memcpy (state->machine.gpr, record, GENERAL_BYTES);
  memcpy (&state->machine.rflags, record + FLAGS_AT, 8);
  state->machine.gpr[4] = 0;
  for (unsigned i = 0; i < shape->vectors_in; i++)
    memcpy (state->machine.vec[i], record + GENERAL_BYTES + (size_t) i * shape->width_in,
            shape->width_in);
  state->seed = seed;
  state->stack_bytes = 0;
  state->n_patches = 0;
  state->huge = (struct huge) { 0 };
  memcpy (state->pointer_answer, base->pointer_answer, sizeof state->pointer_answer);
  state->n_spans = base->n_spans;
  for (unsigned s = 0; s < base->n_spans; s++)
    {
      const struct span *span = &base->span[s];
      uint8_t *bytes = state->span[s].bytes;
      state->span[s] = *span;
      state->span[s].bytes = bytes;
      memcpy (bytes, span->bytes, span->size);
      for (unsigned o = 0; o < shape->n_objects; o++)
        if (shape->object[o].address - span->address < span->size)
          memcpy (bytes + (shape->object[o].address - span->address),
                  record + batch__object_in (shape, o), shape->object[o].size);
    }
}

/* Rungs of sandbox_ladders, in its order: none, then one for each number of registers.  */
enum
{
  LADDER_LOAD_SSE = 0,
  LADDER_LOAD_XMM = LADDER_LOAD_SSE + 17,
  LADDER_LOAD_YMM = LADDER_LOAD_XMM + 17,
  LADDER_LOAD_ZMM = LADDER_LOAD_YMM + 17,
  LADDER_STORE_SSE = LADDER_LOAD_ZMM + 33,
  LADDER_STORE_YMM = LADDER_STORE_SSE + 17,
  LADDER_STORE_ZMM = LADDER_STORE_YMM + 17
};

static int
check_vectors (unsigned level, unsigned n, unsigned width, struct why *why)
{
  bool fits = n == 0 || (width == 16 && n <= 16) || (width == 32 && n <= 16 && level >= 1)
              || (width == 64 && n <= 32 && level == 2);
  return fits ? 0
              : why__set (why, REASON_SANDBOX, "a batch with %u vector registers of %u bytes", n,
                          width);
}

static int
check_shape (const struct batch_side *side, const struct batch_shape *shape, struct why *why)
{
  unsigned level = side->sandbox->level;
  if (parent__check (side->sandbox, side->image, shape->base, why) != 0
      || check_vectors (level, shape->vectors_in, shape->width_in, why) != 0
      || check_vectors (level, shape->vectors_out, shape->width_out, why) != 0)
    return -1;
  if (shape->base->stack_bytes || shape->base->n_patches)
    return why__set (why, REASON_SANDBOX, "a batch with stack arguments or patches");
  if (shape->n_objects > BATCH_OBJECTS_MAX)
    return why__set (why, REASON_SANDBOX, "a batch with %u objects", shape->n_objects);
  for (unsigned o = 0; o < shape->n_objects; o++)
    {
      const struct batch_object *object = &shape->object[o];
      bool inside = false;
      for (unsigned s = 0; s < shape->base->n_spans; s++)
        {
          const struct span *span = &shape->base->span[s];
          inside |= object->address - span->address < span->size && object->size
                    && object->size <= span->size - (object->address - span->address);
        }
      if (!inside)
        return why__set (why, REASON_SANDBOX, "object %u: %u bytes at 0x%llx", o, object->size,
                         (unsigned long long) object->address);
    }
  if (batch__record_size (shape) * COMMAND_LEAST > BULK_SIZE)
    return why__set (why, REASON_SANDBOX, "records of %zu bytes", batch__record_size (shape));
  return 0;
}

/* One side's command, made once for a whole batch.  */
struct running
{
  struct sandbox *sandbox;
  const uint8_t *results;
  size_t outcome;
};

static int
set_up (const struct batch_side *side, const struct batch_shape *shape, uint32_t checks,
        struct running *running, struct why *why)
{
  struct sandbox *sandbox = side->sandbox;
  struct command *command = (struct command *) sandbox->input;
  struct batch_item *item = &sandbox->item[0];
  size_t in = INPUT_DATA, out = rounded (OUTPUT_DATA + sizeof (struct wire_batched), BLOCK);
  parent__begin (sandbox);
  if (!parent__encode (sandbox, shape->base, 0, &in, &out, item))
    return why__set (why, REASON_SANDBOX, "a state too large for the shared area");
  in = rounded (in, BLOCK);
  out = rounded (out, SANDBOX_PAGE);
  if (in + sizeof (struct wire_batch) > INPUT_SIZE
      || out + COMMAND_MOST * batch__result_size (shape) > OUTPUT_SIZE)
    return why__set (why, REASON_SANDBOX, "results of %zu bytes", batch__result_size (shape));
  struct wire_batch *batch = (struct wire_batch *) (sandbox->input + in);
  *batch = (struct wire_batch) { .out = out,
                                 .in_step = batch__record_size (shape),
                                 .out_step = batch__result_size (shape),
                                 .checks = checks,
                                 .n_objects = shape->n_objects };
  unsigned width = shape->width_in, n = shape->vectors_in;
  batch->load = (n == 0         ? 0
                 : width == 16 ? (sandbox->level ? LADDER_LOAD_XMM : LADDER_LOAD_SSE)
                 : width == 32 ? LADDER_LOAD_YMM
                               : LADDER_LOAD_ZMM)
                + n;
  width = shape->width_out, n = shape->vectors_out;
  batch->store = (n == 0 || width == 16 ? LADDER_STORE_SSE
                  : width == 32         ? LADDER_STORE_YMM
                                        : LADDER_STORE_ZMM)
                 + n;
  for (unsigned o = 0; o < shape->n_objects; o++)
    batch->object[o] = (struct wire_object) { .address = shape->object[o].address,
                                              .size = shape->object[o].size,
                                              .in = (uint32_t) batch__object_in (shape, o),
                                              .out = (uint32_t) batch__object_out (shape, o) };
  command->kind = COMMAND_BATCH;
  command->image = side->image;
  command->state[0] = item->in;
  command->batch = in;
  *running = (struct running) { sandbox, sandbox->output + out, item->outcome };
  return 0;
}

static int
start (const struct running *running, unsigned n, struct why *why)
{
  struct command *command = (struct command *) running->sandbox->input;
  struct wire_batched *batched = (struct wire_batched *) (running->sandbox->output + OUTPUT_DATA);
  command->first = 0;
  command->n = n;
  memset (batched, 0, sizeof *batched);
  return parent__send (running->sandbox, COMMAND_BATCH, 0, why);
}

/* Waits for RUNNING's N results; the number of those that count in *DONE, and whether the record after them
   stopped it.  */
static void
finish (const struct running *running, const struct batch_shape *shape, unsigned n,
        unsigned timeout_ms, unsigned *done, bool *stopped)
{
  struct sandbox *sandbox = running->sandbox;
  const struct wire_batched *batched = (const struct wire_batched *) (sandbox->output + OUTPUT_DATA);
  enum channel_result result = parent__wait (sandbox, 0, n, timeout_ms, false);
  *stopped = true;
  *done = 0;
  if (result != CHANNEL_DONE)
    {
      /* What came before it is as good as anything the process says.  */
      *done = sandbox->reached < n ? sandbox->reached : 0;
      return;
    }
  uint32_t count = batched->done, mxcsr = batched->mxcsr;
  uint16_t control, status, tags;
  memcpy (&control, batched->x87, 2);
  memcpy (&status, batched->x87 + 4, 2);
  memcpy (&tags, batched->x87 + 8, 2);
  if (count > n || (count < n && !batched->strange))
    {
      parent__distrust (sandbox);
      return;
    }
  *done = count;
  if (count < n || batched->strange)
    {
      if (count == n)
        *done = n - 1;
      return;
    }
  /* What wasn't looked at after each has to be as it was before the first.  */
  uint32_t checks = ((const struct wire_batch *) (sandbox->input
                                                  + ((struct command *) sandbox->input)->batch))
                      ->checks;
  bool clean = (checks & CHECK_MXCSR) || mxcsr == (shape->base->machine.mxcsr & 0xffff);
  clean = clean && ((checks & CHECK_UPPER) || !batched->upper || shape->width_in > 16);
  clean = clean && ((checks & CHECK_X87) || (control == 0x37f && status == 0 && tags == 0xffff));
  if (!clean)
    *done = 0;
  else
    *stopped = false;
}

typedef uint64_t block __attribute__ ((vector_size (BLOCK), may_alias));

/* The first of N results, SIZE bytes each, whose bits in MASK differ between A and B; N where there is none.  */
__attribute__ ((target_clones ("avx512f", "avx2", "default"))) static unsigned
first_difference (const uint8_t *a, const uint8_t *b, const uint8_t *mask, size_t size, unsigned n)
{
  /* Mostly only the first block or two count.  */
  unsigned counted[64], n_counted = 0;
  unsigned blocks = size / BLOCK;
  bool few = blocks <= sizeof counted / sizeof *counted, all = true;
  for (size_t i = 0; i < size && all; i++)
    all = mask[i] == 0xff;
  if (all && memcmp (a, b, n * size) == 0)
    return n;
  for (unsigned k = 0; few && k < blocks; k++)
    {
      static const uint8_t none[BLOCK];
      if (memcmp (mask + (size_t) k * BLOCK, none, BLOCK) != 0)
        counted[n_counted++] = k;
    }
  for (unsigned i = 0; i < n; i++, a += size, b += size)
    {
      block difference = { 0 };
      for (unsigned k = 0; k < (few ? n_counted : blocks); k++)
        {
          size_t at = (size_t) (few ? counted[k] : k) * BLOCK;
          block m;
          memcpy (&m, mask + at, sizeof m);
          difference |= (*(const block *) (a + at) ^ *(const block *) (b + at)) & m;
        }
      uint64_t any = 0;
      for (unsigned k = 0; k < BLOCK / 8; k++)
        any |= difference[k];
      if (any)
        return i;
    }
  return n;
}

int
sandbox__batch (const struct batch_side side[2], const struct batch_shape *shape,
                const uint8_t *mask, batch_fill *fill, void *data, uint64_t first, uint64_t n,
                unsigned timeout_ms, struct batch_result *result, struct why *why)
{
  unsigned sides = side[1].sandbox ? 2 : 1;
  size_t in_step = batch__record_size (shape), out_step = batch__result_size (shape);
  struct running running[2];
  uint32_t checks = 0;
  *result = (struct batch_result) { .end = BATCH_SAME, .index = first + n };
  for (unsigned i = 0; i < sides; i++)
    {
      if (check_shape (&side[i], shape, why) != 0)
        return -1;
      checks |= side[i].sandbox->checks[side[i].image];
    }
  /* Both are looked at alike, or their results couldn't be compared.  Where whole registers are loaded, that upper
     halves are dirty says nothing.  */
  if (shape->vectors_in && shape->width_in > 16)
    checks &= ~(uint32_t) CHECK_UPPER;
  for (unsigned i = 0; i < sides; i++)
    if (set_up (&side[i], shape, checks, &running[i], why) != 0)
      return -1;
  size_t bytes = in_step + sides * out_step;
  unsigned most = (bytes > LARGE ? COMMAND_BYTES_LARGE : COMMAND_BYTES) / bytes;
  most = most > COMMAND_MOST ? COMMAND_MOST : most < COMMAND_LEAST ? COMMAND_LEAST : most;
  uint8_t *bulk = zygote__bulk ();
  int status = -1;
  if (!bulk)
    {
      why__set (why, REASON_SANDBOX, "no area for batches");
      goto done;
    }
  for (uint64_t at = first; at < first + n;)
    {
      unsigned count = first + n - at < most ? first + n - at : most;
      unsigned done[2] = { count, count };
      bool stopped[2] = { false, false };
      fill (data, at, count, bulk, in_step);
      int failed = 0;
      unsigned started = 0;
      while (started < sides && !failed)
        {
          failed = start (&running[started], count, why);
          started += !failed;
        }
      /* The last first: when it is done, the other mostly is, too, and this process wakes but once.  */
      for (unsigned i = started; i-- > 0;)
        finish (&running[i], shape, count, timeout_ms, &done[i], &stopped[i]);
      if (failed)
        goto done;
      unsigned same = done[0] < done[1] ? done[0] : done[1], where = same;
      if (sides == 2)
        where = first_difference (running[0].results, running[1].results, mask, out_step, same);
      if (where < same || stopped[0] || stopped[1])
        {
          uint8_t *copy = malloc (in_step);
          if (!copy)
            {
              why__set (why, REASON_SANDBOX, "out of memory");
              goto done;
            }
          result->record = memcpy (copy, bulk + where * in_step, in_step);
          result->end = where < same ? BATCH_DIFFERENT : BATCH_STOPPED;
          result->index = at + where;
          break;
        }
      at += count;
    }
  status = 0;
done:
  zygote__bulk_release ();
  return status;
}
