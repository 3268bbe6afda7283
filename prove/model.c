/* From the solver's model to a state that can be run.

   The model's addresses have to be where the sandbox has objects: pointers are asked to lie in slots of the arena, each in
   its own or, where that can't be, all in one.  Only pages that the original touches are mapped, so that a
   candidate's access to any other one faults.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <stdlib.h>
#include <string.h>

enum { PAGES_MAX = 512, LOADS_MAX = 65536, PINS_MAX = 256, WINDOW = 8192, WINDOW_OFFSET = 65536 };

#define ASK_SECONDS 2.0

/* Appends "TERM lies in LOW .. LOW + SIZE - 1".  */
static void
pin (struct problem *problem, const struct term **conditions, unsigned *n, const struct term *term,
     uint64_t low, uint64_t size)
{
  struct terms *terms = problem->terms;
  if (*n < PINS_MAX)
    conditions[(*n)++]
      = term__ult (terms, term__sub (terms, term, term__const (terms, 64, low)), term__const (terms, 64, size));
}

static unsigned
pin_pointers (struct problem *problem, const struct memory *memory, bool apart, const struct term **conditions)
{
  unsigned n = 0, slot = SANDBOX_GLOBAL_SLOTS;
  for (unsigned i = 0; i < problem->n_pointers; i++)
    {
      const struct pointer *pointer = &problem->pointer[i];
      if (pointer->number <= IMAGE_NUMBER)
        {
          unsigned own = (unsigned) (IMAGE_NUMBER - pointer->number);
          const struct image *image = problem->program[own / 2]->image;
          pin (problem, conditions, &n, pointer->term, image->base + (own % 2 ? image->text_size : 0), 1);
          continue;
        }
      if (pointer->number >= 1000)
        {
          pin (problem, conditions, &n, pointer->term, problem->layout->global[pointer->number - 1000], 1);
          continue;
        }
      pin (problem, conditions, &n, pointer->term, slot__begin (slot) + WINDOW_OFFSET, WINDOW);
      if (apart && slot + 1 < SANDBOX_SLOTS)
        slot++;
    }
  for (unsigned side = 0; side < SIDES; side++)
    for (unsigned i = 0; i < problem->program[side]->n_distances && n < PINS_MAX; i++)
      {
        uint32_t value;
        memcpy (&value, problem->program[side]->image->bytes + problem->program[side]->distance[i].at, 4);
        conditions[n++] = term__eq (problem->terms,
                                    term__var (problem->terms, 32, VAR_DISTANCE + 4096 * side + i),
                                    term__const (problem->terms, 32, value));
      }
  /* What is reached through loaded pointers may be anywhere in the arena.  */
  for (unsigned i = 0; i < memory->n_uses; i++)
    {
      const struct use *use = &memory->use[i];
      const struct base *base = &problem->base[use->base];
      if (base->root != ROOT_NONE || !use->touched)
        continue;
      pin (problem, conditions, &n,
           term__add (problem->terms, base->term, term__const (problem->terms, 64, (uint64_t) use->touch_low)),
           slot__begin (SANDBOX_GLOBAL_SLOTS),
           (uint64_t) (SANDBOX_SLOTS - SANDBOX_GLOBAL_SLOTS - 1) * SANDBOX_SLOT_STRIDE);
    }
  return n;
}

struct pages
{
  unsigned n;
  uint64_t page[PAGES_MAX];
};

static bool
pages__add (struct pages *pages, uint64_t address)
{
  uint64_t page = address & -(uint64_t) SANDBOX_PAGE;
  unsigned at = 0;
  while (at < pages->n && pages->page[at] < page)
    at++;
  if (at < pages->n && pages->page[at] == page)
    return true;
  /* Usable bytes of a slot alone.  */
  if (!slot__holds (address, 1) || pages->n == PAGES_MAX)
    return false;
  memmove (pages->page + at + 1, pages->page + at, (pages->n - at) * sizeof *pages->page);
  pages->page[at] = page;
  pages->n++;
  return true;
}

/* The pages that MEMORY's side touches in the model.  */
static bool
touched_pages (struct problem *problem, const struct memory *memory, struct pages *pages)
{
  for (unsigned i = 0; i < memory->n_slots; i++)
    {
      const struct slot *slot = &memory->slot[i];
      uint64_t base;
      if (!slot->chunk || problem->base[slot->base].root == ROOT_STACK)
        continue;
      if (solver__value (problem->solver, problem->base[slot->base].term, &base))
        return false;
      for (unsigned k = 0; k < CELLS; k++)
        {
          const struct term *touched = slot->chunk->cell[k].touched;
          uint64_t does = 1;
          if (!touched || (!term__is_const (touched) && solver__value (problem->solver, touched, &does)) || !does)
            continue;
          if (!pages__add (pages, base + (uint64_t) (slot->number * CELLS + k)))
            return false;
        }
    }
  return true;
}

static struct span *
span_at (struct state *state, uint64_t address)
{
  for (unsigned i = 0; i < state->n_spans; i++)
    if (address - state->span[i].address < state->span[i].size)
      return &state->span[i];
  return NULL;
}

void
state__set_byte (struct state *state, uint64_t address, uint8_t byte)
{
  struct span *span = span_at (state, address);
  if (span)
    span->bytes[address - span->address] = byte;
}

/* Walks TERM and sets the bytes of STATE that it loads from the first memory.  SEEN holds a byte for each term.  */
static void
set_loads (struct problem *problem, const struct term *term, uint8_t *seen, unsigned *left, struct state *state)
{
  if (term->id >= terms__count (problem->terms) || seen[term->id] || !*left)
    return;
  seen[term->id] = 1;
  for (unsigned i = 0; i < term->n_args; i++)
    set_loads (problem, term->arg[i], seen, left, state);
  if (term->op != TERM_LOAD)
    return;
  const struct term *first = term;
  const struct term *memory = term->arg[0];
  while (memory->op == TERM_STORE)
    memory = memory->arg[0];
  if (memory->op != TERM_MEMORY || memory->number != MEMORY_OBJECTS)
    return;
  if (memory != term->arg[0])
    first = term__load (problem->terms, memory, term->arg[1]);
  uint64_t address, value;
  --*left;
  if (solver__value (problem->solver, term->arg[1], &address) == 0
      && solver__value (problem->solver, first, &value) == 0)
    state__set_byte (state, address, (uint8_t) value);
}

void
model__set_loads (struct problem *problem, const struct term *const *terms, unsigned n, struct state *state)
{
  unsigned count = terms__count (problem->terms), left = LOADS_MAX;
  uint8_t *seen = calloc (count + 1, 1);
  for (unsigned i = 0; i < n && seen; i++)
    if (terms[i]->id < count)
      set_loads (problem, terms[i], seen, &left, state);
  free (seen);
}

void
model__set_registers (struct problem *problem, const struct sym_cpu *entry, struct state *state)
{
  for (unsigned i = 0; i < 16; i++)
    if (i != 4)
      solver__value (problem->solver, entry->gpr[i], &state->machine.gpr[i]);
  for (unsigned i = 0; i < 32; i++)
    {
      uint64_t words[8] = { 0 };
      /* The low 16 bytes alone, or the state would begin with dirty upper halves.  */
      if (i < 16 && solver__value (problem->solver, entry->vec[i], words) == 0)
        memcpy (state->machine.vec[i], words, 16);
    }
  for (unsigned k = 0; k < problem->stack_bytes; k++)
    {
      uint64_t value = 0;
      solver__value (problem->solver, problem->stack_byte[k], &value);
      state->stack_argument[k] = (uint8_t) value;
    }
  state->stack_bytes = problem->stack_bytes;
}

/* Fills STATE from the model.  False where it can't be run.  */
static bool
fill_state (struct problem *problem, struct arena *arena, const struct memory *memory,
            const struct term *const *conditions, unsigned n, struct state *state)
{
  struct pages pages = { 0 };
  if (!touched_pages (problem, memory, &pages))
    return false;
  state->machine.mxcsr = 0x1f80;
  state->machine.rflags = 2;
  for (unsigned i = 0; i < pages.n; i++)
    {
      struct span *last = state->n_spans ? &state->span[state->n_spans - 1] : NULL;
      if (last && last->address + last->size == pages.page[i])
        last->size += SANDBOX_PAGE;
      else if (state->n_spans == SPANS_MAX)
        return false;
      else
        state->span[state->n_spans++] = (struct span){ .address = pages.page[i], .size = SANDBOX_PAGE,
                                                       .protection = PROT_STATE_READ | PROT_STATE_WRITE };
    }
  for (unsigned i = 0; i < state->n_spans; i++)
    state->span[i].bytes = arena__alloc (arena, state->span[i].size);
  for (unsigned g = 0; g < problem->region->n_globals; g++)
    {
      const struct global *global = &problem->region->global[g];
      struct span *span = span_at (state, problem->layout->global[g]);
      if (!span || !global->readonly)
        continue;
      span->protection = PROT_STATE_READ;
      for (int64_t k = 0; global->init && k < global->size; k++)
        state__set_byte (state, problem->layout->global[g] + (uint64_t) k, global->init[k]);
    }
  model__set_registers (problem, &problem->entry[1], state);
  model__set_loads (problem, conditions, n, state);
  return true;
}

struct state *
model__counterexample (struct problem *problem, struct arena *arena, const struct facts *facts,
                       const struct term *broken, const struct memory *original)
{
  unsigned n = 0, room = PINS_MAX + 1 + (facts->last ? facts->last->n : 0);
  const struct term **conditions = malloc (room * sizeof *conditions);
  struct state *state = NULL;
  if (!conditions)
    return NULL;
  for (unsigned apart = 2; apart-- > 0 && !state;)
    {
      double left = problem->deadline - prove__now ();
      n = pin_pointers (problem, original, apart != 0, conditions);
      conditions[n++] = broken;
      for (const struct condition *known = facts->last; known; known = known->before)
        conditions[n++] = known->term;
      if (left <= 0
          || solver__check (problem->solver, conditions, n, left < ASK_SECONDS ? left : ASK_SECONDS) != SOLVER_SAT)
        continue;
      state = ARENA_NEW (arena, struct state);
      if (!fill_state (problem, arena, original, conditions, n, state))
        state = NULL;
    }
  free (conditions);
  return state;
}
