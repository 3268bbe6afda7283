/* Timing runs inside the sandbox process: many calls between two readings of the time-stamp counter, and the same
   with an empty function to take off what the calling costs.

   A function may gain nothing by remembering: before each call of a batch all that the call before could have left
   its mark on is put back.  What that is, a first call shows: lines of memory and of the stack that it changed.  As
   every later call begins with the same machine and memory it does the same again, and if one didn't, memory, the
   stack or the sum of results would tell after the batch: the digests go to the parent, which knows what a plain run
   of the same function left.  The empty function's batches put back the same lines.

   Calls may take turns in what some registers say.  Then all that any of them changed is put back before each, the
   last one is the one whose memory the parent knows, and of all it knows what their results sum up to.

   Where the readings, the count of calls and the list of lines are kept is known to gs alone (struct clock); and
   what was measured reaches the area that the parent reads after the last call.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "sandbox/wire.h"
#include <string.h>
#include <x86intrin.h>

/* The lines that a call changes, as a list that grows.  */
static bool
add_lines (struct clock *clock, uint8_t *to, const uint8_t *from, uint64_t lines)
{
  struct clock_range *last = clock->n_ranges ? &clock->range[clock->n_ranges - 1] : NULL;
  if (last && last->to + last->lines * CLOCK_LINE == to && last->from + last->lines * CLOCK_LINE == from)
    {
      last->lines += lines;
      return true;
    }
  if (clock->n_ranges == CLOCK_RANGES_MAX)
    return false;
  clock->range[clock->n_ranges++] = (struct clock_range) { to, from, lines };
  return true;
}

/* Adds what differs in the SIZE bytes at IS, whole pages, from what they WERE.  */
static bool
add_changed (struct clock *clock, uint8_t *is, const uint8_t *were, size_t size)
{
  for (size_t page = 0; page < size; page += SANDBOX_PAGE)
    if (memcmp (is + page, were + page, SANDBOX_PAGE) != 0)
      for (size_t i = page; i < page + SANDBOX_PAGE; i += CLOCK_LINE)
        if (memcmp (is + i, were + i, CLOCK_LINE) != 0 && !add_lines (clock, is + i, were + i, 1))
          return false;
  return true;
}

static uint8_t *
stack_at (const struct child *child, size_t offset)
{
  return (uint8_t *) (uintptr_t) (child->setup->stack_base + offset);
}

/* Keeps a copy of what an unused PAGE of the stack holds.  */
static void
keep_page (struct child *child, unsigned page)
{
  uint64_t *word = (uint64_t *) (child->clean_stack + (size_t) page * SANDBOX_PAGE);
  for (unsigned i = 0; i < SANDBOX_PAGE / 8; i++)
    word[i] = child->fill;
}

/* The list of what calls change begins with the return address and the stack arguments.  */
static void
begin_ranges (struct child *child, struct clock *clock, const struct wire_state *state)
{
  const size_t slot = setup__return_offset (child->setup), begin = slot & -(size_t) CLOCK_LINE;
  const size_t frame = (size_t) (STACK_PAGES - 1) * SANDBOX_PAGE;
  for (unsigned i = 0; i < child->n_active; i++)
    keep_page (child, child->active[i]);
  memcpy (child->clean_stack + frame, stack_at (child, frame), SANDBOX_PAGE);
  clock->n_ranges = 0;
  add_lines (clock, stack_at (child, begin), child->clean_stack + begin,
             (slot + 8 + state->stack_bytes - begin + CLOCK_LINE - 1) / CLOCK_LINE);
}

/* After a call, with all that is listed put back: what else it changed.  *IN_STACK grows by the number of ranges that are in the
   stack; where it was 0 they are the first.  False where the list is of all there is.  */
static bool
find_ranges (struct child *child, struct clock *clock, const struct wire_state *state, uint64_t *in_stack)
{
  bool fits = true;
  uint64_t listed = clock->n_ranges;
  for (unsigned i = 0; i < child->n_active; i++)
    {
      if (i >= child->n_active_before)
        keep_page (child, child->active[i]);
      size_t at = (size_t) child->active[i] * SANDBOX_PAGE;
      fits = fits && add_changed (clock, stack_at (child, at), child->clean_stack + at, SANDBOX_PAGE);
    }
  *in_stack += clock->n_ranges - (*in_stack ? listed : 0);
  for (unsigned i = 0; i < state->n_spans && fits; i++)
    if (state->span[i].protection & PROT_STATE_WRITE)
      fits = add_changed (clock, (uint8_t *) (uintptr_t) state->span[i].address, child->input + state->span[i].in,
                          state->span[i].size);
  if (fits)
    return true;
  /* Too scattered: all of it.  */
  _Static_assert (CLOCK_RANGES_MAX >= STACK_PAGES + SPANS_MAX + 1, "a range for each page of the stack and each span");
  clock->n_ranges = 0;
  for (unsigned i = 0; i < child->n_active; i++)
    {
      size_t at = (size_t) child->active[i] * SANDBOX_PAGE;
      add_lines (clock, stack_at (child, at), child->clean_stack + at, SANDBOX_PAGE / CLOCK_LINE);
    }
  *in_stack = clock->n_ranges;
  for (unsigned i = 0; i < state->n_spans; i++)
    if (state->span[i].protection & PROT_STATE_WRITE)
      add_lines (clock, (uint8_t *) (uintptr_t) state->span[i].address, child->input + state->span[i].in,
                 state->span[i].size / CLOCK_LINE);
  return false;
}

static void
put_back (const struct clock *clock)
{
  for (uint64_t i = 0; i < clock->n_ranges; i++)
    memcpy (clock->range[i].to, clock->range[i].from, clock->range[i].lines * CLOCK_LINE);
}

/* Once all is put back: is there anything on the stack that no first call would have left?  */
static bool
stack_changed (const struct child *child, unsigned known)
{
  for (unsigned i = 0; i < child->n_active; i++)
    {
      size_t at = (size_t) child->active[i] * SANDBOX_PAGE;
      if (i >= known || memcmp (stack_at (child, at), child->clean_stack + at, SANDBOX_PAGE) != 0)
        return true;
    }
  return false;
}

/* Takes the SIZE bytes at AT out of all caches.  */
static void
flush (uint64_t at, size_t size)
{
  for (size_t i = 0; i < size; i += CLOCK_LINE)
    _mm_clflush ((void *) (uintptr_t) (at + i));
}

static void
flush_all (const struct child *child, unsigned image, const struct wire_state *state)
{
  for (unsigned i = 0; i < state->n_spans; i++)
    flush (state->span[i].address, state->span[i].size);
  if (image < child->setup->n_images)
    flush (child->setup->image[image].base, child->setup->image[image].size);
  _mm_mfence ();
}

/* The calls of the next batch, in an order of their own, but for the last, which is as the state says.  */
static void
draw_turns (struct clock *clock)
{
  const struct wire_turns *given = clock->given;
  unsigned last = given->n - 1;
  for (unsigned i = 0; i <= last; i++)
    memcpy (clock->turns[i], given->value[last - i], sizeof *clock->turns);
  for (unsigned left = last; left > 1; left--)
    {
      uint64_t kept[2];
      unsigned k = splitmix64 (&clock->random) % left;
      memcpy (kept, clock->turns[k], sizeof kept);
      memcpy (clock->turns[k], clock->turns[left - 1], sizeof kept);
      memcpy (clock->turns[left - 1], kept, sizeof kept);
    }
  for (unsigned i = 0; i < 2; i++)
    clock->turn_slot[i] = &CONTEXT->in_gpr[given->gpr[i]];
  clock->turn = clock->turns;
}

/* The one call of the next batch is turn K.  */
static void
draw_turn (struct clock *clock, unsigned k)
{
  memcpy (clock->turns, clock->given->value[k], sizeof *clock->turns);
  for (unsigned i = 0; i < 2; i++)
    clock->turn_slot[i] = &CONTEXT->in_gpr[clock->given->gpr[i]];
  clock->turn = clock->turns;
}

enum { ALL_TURNS = -1 };

/* One batch of INNER calls of IMAGE, or of TURN alone; its ticks, or 0 with *STATUS where it didn't end well.  */
static uint64_t
measure (struct child *child, struct clock *clock, unsigned image, const struct wire_state *state, unsigned inner, int turn,
         enum run_status *status)
{
  struct context *context = CONTEXT;
  run__arm (child, image, state);
  context->return_target = (uintptr_t) sandbox_time_return;
  /* What is said nowhere can't be forged: the way from here to the areas.  */
  context->out_vec = NULL;
  clock->entry = context->entry;
  clock->left = inner;
  clock->ticks_begin = clock->ticks_end = 0;
  memset (clock->gpr_sum, 0, sizeof clock->gpr_sum);
  memset (clock->vec_sum, 0, sizeof clock->vec_sum);
  memset (clock->st0, 0, sizeof clock->st0);
  clock->turn = NULL;
  if (clock->given && turn == ALL_TURNS)
    draw_turns (clock);
  else if (clock->given)
    draw_turn (clock, (unsigned) turn);
  context->running = true;
  sandbox_time ();
  context->running = false;
  *status = child->outcome->status;
  if (*status == RUN_RETURNED && (clock->left != 0 || !context->returned))
    *status = RUN_ESCAPED;
  return clock->ticks_end - clock->ticks_begin;
}

/* One sample of IMAGE: a batch, and what it left.  */
static void
sample_image (struct child *child, struct clock *clock, const struct command *command, const struct wire_state *state,
              struct wire_sample *sample, enum run_status *status)
{
  unsigned known = child->n_active;
  sample->ticks = measure (child, clock, command->image, state, command->inner, ALL_TURNS, status);
  if (*status != RUN_RETURNED)
    return;
  sample->memory = stub__memory_digest (state);
  memcpy (sample->gpr, clock->gpr_sum, sizeof sample->gpr);
  memcpy (sample->vec, clock->vec_sum, sizeof sample->vec);
  memcpy (sample->st0, clock->st0, sizeof sample->st0);
  bool framed = !run__frame_changed (child, state);
  put_back (clock);
  if (!framed || stack_changed (child, known))
    *status = RUN_ESCAPED;
}

/* Learns what calls of IMAGE change: a call, or one of each turn by itself, as one may put back what another changed.  */
static void
learn_ranges (struct child *child, struct clock *clock, unsigned image, const struct wire_state *state, uint64_t *in_stack,
              enum run_status *status)
{
  unsigned n = clock->given ? clock->given->n : 1;
  bool more = true;
  begin_ranges (child, clock, state);
  for (unsigned k = 0; k < n && more && *status == RUN_RETURNED; k++)
    {
      measure (child, clock, image, state, 1, (int) k, status);
      if (*status != RUN_RETURNED)
        return;
      put_back (clock);
      more = find_ranges (child, clock, state, in_stack);
      put_back (clock);
    }
}

void
clock__run (struct child *child, const struct command *command)
{
  const struct wire_state *state = (const struct wire_state *) (child->input + command->state[0]);
  struct wire_time *time = (struct wire_time *) (child->output + OUTPUT_DATA);
  struct clock *clock = clock__own ();
  struct wire_sample sample[REPEATS_MAX];
  struct wire_sample warm;
  enum run_status status = RUN_RETURNED;
  unsigned n = 0;
  time->n = 0;
  clock->vectors = 0;
  for (unsigned i = 0; i < 2; i++)
    {
      clock->gpr_mask[i] = command->gpr_mask[i];
      for (unsigned k = 0; k < 2; k++)
        clock->vectors |= (clock->vec_mask[i][k] = command->vec_mask[i][k]) != 0;
    }
  clock->x87 = command->x87;
  clock->drain = 0;
  clock->given = command->turns ? (const struct wire_turns *) (child->input + command->turns) : NULL;
  clock->random = mix64 (__rdtsc ());

  /* A call to learn from, or one of each turn; then a batch of each to warm up, then interleaved, so that a change of frequency meets
     both.  */
  uint64_t in_stack = 0, n_ranges = 0;
  run__prepare (child, command->image, state);
  learn_ranges (child, clock, command->image, state, &in_stack, &status);
  if (status == RUN_RETURNED)
    {
      n_ranges = clock->n_ranges;
      clock->drain = n_ranges > in_stack;
      sample_image (child, clock, command, state, &warm, &status);
    }
  if (status == RUN_RETURNED)
    measure (child, clock, EMPTY_IMAGE, state, command->inner, ALL_TURNS, &status);
  /* Putting lines of memory back would warm them: of a lone call that has been done before.  */
  uint64_t n_timed = command->cold ? in_stack : n_ranges;
  clock->drain = n_timed > in_stack;
  for (unsigned i = 0; i < command->repeats && status == RUN_RETURNED; i++)
    {
      clock->n_ranges = n_timed;
      if (command->cold)
        flush_all (child, EMPTY_IMAGE, state);
      sample[i].empty = measure (child, clock, EMPTY_IMAGE, state, command->inner, ALL_TURNS, &status);
      if (command->cold)
        flush_all (child, command->image, state);
      if (status == RUN_RETURNED)
        sample_image (child, clock, command, state, &sample[i], &status);
      if (command->cold)
        {
          clock->n_ranges = n_ranges;
          put_back (clock);
        }
      if (status == RUN_RETURNED)
        n = i + 1;
    }
  memcpy (time->sample, sample, n * sizeof *sample);
  time->n = n;
  time->status = status;
}
