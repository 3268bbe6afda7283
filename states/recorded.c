/* From a recorded call to a state for the sandbox.

   Pages that the call touched, and that are near each other, move together: what the program laid
   out with one distance keeps it.  A word is taken for a pointer where its value lies in what
   moved; a number that looks like one becomes another number, and the state is then only another
   input.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/recorded.h"

#include <string.h>

/* Pages with fewer bytes than this between them belong to one object, as far as anyone can tell. */
#define GROUP_GAP 65536u
/* A pointer may be so far before or behind what was touched and still mean it (the end of an array,
 * a base).  */
#define SLACK 65536u
/* Numbers below are seldom pointers: only those of a program that isn't position-independent.  */
#define SMALL_ADDRESS (UINT64_C (1) << 32)
#define UNTOUCHED 0xa5

enum
{
  GROUPS_MAX = SANDBOX_SLOTS - SANDBOX_GLOBAL_SLOTS,
  RUNS_MAX = 4096
};

/* Touched bytes at their place in the sandbox.  */
struct placed
{
  uint64_t address;
  const struct recorded_piece *piece;
  uint32_t from, size; /* in the piece */
};

struct group
{
  uint64_t low, high; /* in the program, whole pages */
  uint64_t to;        /* where LOW is in the sandbox */
};

/* A run of pages to be mapped.  */
struct run
{
  uint64_t begin, end;
  bool written;
};

struct found_global
{
  unsigned number; /* in the region */
  uint64_t address, size;
};

struct placing
{
  const struct region *region;
  const struct layout *layout;
  const struct recorded *recorded;
  unsigned n_globals;
  struct found_global *global;
  unsigned n_groups;
  struct group group[GROUPS_MAX];
  unsigned n_placed;
  struct placed *placed;
  unsigned n_runs;
  struct run *run;
};

static uint64_t
page_down (uint64_t address)
{
  return address & -(uint64_t)SANDBOX_PAGE;
}

/* Which of the recorded globals the region has, under which number, and how much of each there is.
 */
static void
find_globals (struct placing *placing, struct arena *arena)
{
  const struct recorded *recorded = placing->recorded;
  const struct region *region = placing->region;
  placing->global = ARENA_ARRAY (arena, struct found_global, recorded->n_globals);
  for (unsigned i = 0; i < recorded->n_globals; i++)
    for (unsigned g = 0; g < region->n_globals; g++)
      if (!region->global[g].is_function && region->global[g].name
          && strcmp (region->global[g].name, recorded->global[i].name) == 0)
        {
          uint64_t size = recorded->global[i].size, room = placing->layout->global_size[g];
          placing->global[placing->n_globals++] = (struct found_global){
            .number = g, .address = recorded->global[i].address, .size = size < room ? size : room
          };
          break;
        }
}

/* The global that ADDRESS is in, NULL where in none.  *END gets where what is known of ADDRESS
   ends: the global, or the next one's beginning.  */
static const struct found_global *
global_at (const struct placing *placing, uint64_t address, uint64_t *end)
{
  *end = UINT64_MAX;
  for (unsigned i = 0; i < placing->n_globals; i++)
    {
      const struct found_global *global = &placing->global[i];
      if (address >= global->address && address - global->address < global->size)
        {
          *end = global->address + global->size;
          return global;
        }
      if (global->address > address && global->address < *end)
        *end = global->address;
    }
  return NULL;
}

/* VALUE as the sandbox has it.  POINTER: its type says that it is one.  */
static uint64_t
relocate (const struct placing *placing, uint64_t value, bool pointer)
{
  const struct recorded *recorded = placing->recorded;
  unsigned functions = 0;
  uint64_t end;
  const struct found_global *global = global_at (placing, value, &end);
  if (global)
    return placing->layout->global[global->number] + (value - global->address);
  for (unsigned i = 0; i < recorded->n_targets; i++)
    if (value == recorded->target[i])
      {
        for (unsigned g = 0; g < placing->region->n_globals; g++)
          functions += placing->region->global[g].is_function;
        return placing->layout->high + stub__address (placing->region->n_callees + functions + i);
      }
  uint64_t nearest = SLACK + 1;
  const struct group *found = NULL;
  for (unsigned i = 0; i < placing->n_groups; i++)
    {
      const struct group *group = &placing->group[i];
      uint64_t distance = value < group->low     ? group->low - value
                          : value >= group->high ? value - group->high
                                                 : 0;
      if (distance < nearest)
        {
          nearest = distance;
          found = group;
        }
    }
  /* The end of a global, where nothing that was touched begins there.  */
  if (value && (!found || nearest) && (global = global_at (placing, value - 1, &end)))
    return placing->layout->global[global->number] + global->size;
  if (!found || (nearest && !pointer && value < SMALL_ADDRESS))
    return value;
  return found->to + (value - found->low);
}

void
recorded__strip (const struct region *region, struct recorded *recorded)
{
  for (unsigned i = 0; i < 16; i++)
    if (i != 4 && !region__is_argument (region, LOCATION_GPR, i))
      recorded->machine.gpr[i] = 0;
  for (unsigned i = 0; i < 32; i++)
    if (!region__is_argument (region, LOCATION_VEC, i))
      memset (recorded->machine.vec[i], 0, sizeof recorded->machine.vec[i]);
  memset (recorded->machine.mask, 0, sizeof recorded->machine.mask);
}

/* Is what register NUMBER carries a number by its type; is it a pointer?  */
static bool
register_is_number (const struct region *region, unsigned number)
{
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      for (unsigned i = 0; i < value->n_locations && i < LOCATIONS_MAX; i++)
        if (value->location[i].kind == LOCATION_GPR && value->location[i].number == number)
          {
            enum type_kind kind
                = value->type < region->n_types ? region->type[value->type].kind : TYPE_OTHER;
            return !value->by_reference
                   && (kind == TYPE_INTEGER || kind == TYPE_BOOL || kind == TYPE_FLOAT);
          }
    }
  return false;
}

static bool
register_is_pointer (const struct region *region, unsigned number)
{
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      if (value->n_locations && value->location[0].kind == LOCATION_GPR
          && value->location[0].number == number
          && (value->by_reference
              || (value->type < region->n_types && region->type[value->type].kind == TYPE_POINTER)))
        return true;
    }
  return false;
}

/* Adds pages BEGIN..END to the last run, or as one of their own.  */
static int
add_run (struct placing *placing, uint64_t begin, uint64_t end, bool written)
{
  struct run *last = placing->n_runs ? &placing->run[placing->n_runs - 1] : NULL;
  if (last && begin < last->end && begin >= last->begin)
    begin = last->end;
  if (begin >= end)
    {
      last->written |= written;
      return 0;
    }
  if (last && begin == last->end)
    {
      last->end = end;
      last->written |= written;
      return 0;
    }
  if (placing->n_runs == RUNS_MAX)
    return -1;
  placing->run[placing->n_runs++] = (struct run){ begin, end, written };
  return 0;
}

/* Cuts the pieces at the borders of globals; groups what is outside of them.  */
static int
place_pieces (struct placing *placing, struct arena *arena, struct why *why)
{
  const struct recorded *recorded = placing->recorded;
  placing->placed
      = ARENA_ARRAY (arena, struct placed, recorded->n_pieces + 2 * recorded->n_globals);
  for (unsigned i = 0; i < recorded->n_pieces; i++)
    {
      const struct recorded_piece *piece = &recorded->piece[i];
      for (uint32_t from = 0, size; from < piece->size; from += size)
        {
          uint64_t address = piece->address + from, end;
          const struct found_global *global = global_at (placing, address, &end);
          size
              = end - address < piece->size - from ? (uint32_t)(end - address) : piece->size - from;
          struct placed *placed = &placing->placed[placing->n_placed];
          if (placing->n_placed++ == recorded->n_pieces + 2 * recorded->n_globals)
            return why__set (why, REASON_TOO_LARGE, "globals that overlap");
          *placed = (struct placed){ .piece = piece, .from = from, .size = size };
          if (global)
            {
              placed->address
                  = placing->layout->global[global->number] + (address - global->address);
              continue;
            }
          uint64_t low = page_down (address), high = page_down (address + size - 1) + SANDBOX_PAGE;
          struct group *group = placing->n_groups ? &placing->group[placing->n_groups - 1] : NULL;
          if (!group || low > group->high + GROUP_GAP)
            {
              if (placing->n_groups == GROUPS_MAX)
                return why__set (why, REASON_TOO_LARGE, "more than %d objects", GROUPS_MAX);
              group = &placing->group[placing->n_groups];
              *group
                  = (struct group){ .low = low,
                                    .to = slot__begin (SANDBOX_GLOBAL_SLOTS + placing->n_groups) };
              placing->n_groups++;
            }
          if (high > group->high)
            group->high = high;
          if (group->high - group->low > SANDBOX_SLOT_SIZE)
            return why__set (why, REASON_TOO_LARGE, "an object of more than %u KiB",
                             SANDBOX_SLOT_SIZE / 1024);
          placed->address = group->to + (address - group->low);
        }
    }
  return 0;
}

/* Sorts what is placed by where it is: globals come first, in any order.  */
static void
sort_placed (struct placing *placing)
{
  for (unsigned i = 1; i < placing->n_placed; i++)
    {
      struct placed one = placing->placed[i];
      unsigned at = i;
      for (; at && placing->placed[at - 1].address > one.address; at--)
        placing->placed[at] = placing->placed[at - 1];
      placing->placed[at] = one;
    }
}

/* The pages to be mapped, few enough.  */
static int
make_runs (struct placing *placing, struct arena *arena, struct why *why)
{
  placing->run = ARENA_ARRAY (arena, struct run, RUNS_MAX);
  for (unsigned i = 0; i < placing->n_placed; i++)
    {
      const struct placed *placed = &placing->placed[i];
      if (add_run (placing, page_down (placed->address),
                   page_down (placed->address + placed->size - 1) + SANDBOX_PAGE,
                   placed->piece->written))
        return why__set (why, REASON_TOO_LARGE, "more than %d runs of pages", RUNS_MAX);
    }
  while (placing->n_runs > SPANS_MAX)
    {
      /* The narrowest gap within a slot is filled.  */
      unsigned best = 0;
      for (unsigned i = 1; i < placing->n_runs; i++)
        if (placing->run[i].begin - placing->run[i - 1].end <= GROUP_GAP
            && (!best
                || placing->run[i].begin - placing->run[i - 1].end
                       < placing->run[best].begin - placing->run[best - 1].end))
          best = i;
      if (!best)
        return why__set (why, REASON_TOO_LARGE, "%u runs of pages, at most %d", placing->n_runs,
                         SPANS_MAX);
      placing->run[best - 1].end = placing->run[best].end;
      placing->run[best - 1].written |= placing->run[best].written;
      memmove (&placing->run[best], &placing->run[best + 1],
               (placing->n_runs - best - 1) * sizeof *placing->run);
      placing->n_runs--;
    }
  return 0;
}

/* Copies PLACED into SPAN, its pointers relocated: aligned words of the program's that were touched
 * whole.  */
static void
fill_span (const struct placing *placing, const struct placed *placed, struct span *span)
{
  uint8_t *to = span->bytes + (placed->address - span->address);
  const uint8_t *from = placed->piece->bytes + placed->from;
  memcpy (to, from, placed->size);
  uint64_t address = placed->piece->address + placed->from;
  for (uint64_t at = (8 - address % 8) % 8; at + 8 <= placed->size; at += 8)
    {
      uint64_t word;
      memcpy (&word, from + at, 8);
      word = relocate (placing, word, false);
      memcpy (to + at, &word, 8);
    }
}

int
recorded__state (const struct region *region, const struct layout *layout,
                 const struct recorded *recorded, struct arena *arena, struct state **result,
                 struct why *why)
{
  struct placing *placing = ARENA_NEW (arena, struct placing);
  placing->region = region;
  placing->layout = layout;
  placing->recorded = recorded;
  find_globals (placing, arena);
  if (place_pieces (placing, arena, why))
    return -1;
  sort_placed (placing);
  if (make_runs (placing, arena, why))
    return -1;
  struct state *state = ARENA_NEW (arena, struct state);
  for (unsigned i = 0, p = 0; i < placing->n_runs; i++)
    {
      const struct run *run = &placing->run[i];
      struct span *span = &state->span[state->n_spans++];
      span->address = run->begin;
      span->size = (uint32_t)(run->end - run->begin);
      span->protection = PROT_STATE_READ | (run->written ? PROT_STATE_WRITE : 0);
      span->bytes = arena__alloc (arena, span->size);
      memset (span->bytes, UNTOUCHED, span->size);
      for (; p < placing->n_placed && placing->placed[p].address < run->end; p++)
        fill_span (placing, &placing->placed[p], span);
    }
  state->machine = recorded->machine;
  for (unsigned i = 0; i < 16; i++)
    if (i != 4)
      {
        bool pointer = register_is_pointer (region, i);
        uint64_t value = recorded->machine.gpr[i];
        if (!region__is_argument (region, LOCATION_GPR, i))
          state->machine.gpr[i] = UINT64_C (0x1234567890abcdef) * (i + 1);
        else if (!(register_is_number (region, i) && value < SMALL_ADDRESS))
          state->machine.gpr[i] = relocate (placing, value, pointer);
      }
  for (unsigned i = 0; i < 16; i++)
    if (!region__is_argument (region, LOCATION_VEC, i))
      memset (state->machine.vec[i], 0x91 + (int)i, 16);
  /* Compilers assume the default floating-point environment, and a sticky flag that is set already
   * would hide one.  */
  state->machine.mxcsr = 0x1f80;
  state->machine.rflags &= 0x8d5;
  state->stack_bytes = recorded->stack_bytes;
  memcpy (state->stack_argument, recorded->stack_argument, recorded->stack_bytes);
  for (unsigned at = 0; at + 8 <= state->stack_bytes; at += 8)
    {
      uint64_t word;
      memcpy (&word, state->stack_argument + at, 8);
      word = relocate (placing, word, false);
      memcpy (state->stack_argument + at, &word, 8);
    }
  state->seed = UINT64_C (0x5eed);
  for (unsigned i = 0; i < recorded->n_answers && i < 4; i++)
    state->pointer_answer[i] = relocate (placing, recorded->answer[i], false);
  *result = state;
  return 0;
}
