/* Driving a run to the other way of a branch.

   The run on a given state is followed with terms for its inputs beside their values: the values say which way each
   branch goes, the terms what made it go there.  At the branch that is wanted the solver is asked for inputs that take
   the same way up to there and the other way then, with all pointers left where they are and every access
   inside the state's own spans.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 20000, TRIES_MAX = 24, CONDITIONS_MAX = 8192 };

#define ASK_SECONDS 0.5

struct steering
{
  struct problem *problem;
  const struct state *start;
};

/* The value of a variable in the state.  */
static void
variable_value (void *context, uint32_t number, unsigned width, uint64_t *words)
{
  const struct steering *steering = context;
  const struct problem *problem = steering->problem;
  const struct state *start = steering->start;
  uint8_t bytes[64] = { 0 };
  unsigned low = 0;
  memset (words, 0, (width + 63) / 64 * 8);
  if (number >= VAR_PARAMETER && number < VAR_GLOBAL)
    {
      const struct value *value = &problem->region->parameter[(number - VAR_PARAMETER) / 4];
      const struct location *location = &value->location[(number - VAR_PARAMETER) % 4];
      if (location->kind == LOCATION_GPR)
        memcpy (bytes, &start->machine.gpr[location->number], 8);
      else if (location->kind == LOCATION_VEC)
        memcpy (bytes, start->machine.vec[location->number], 64);
      else if (location->number + location->size <= STACK_ARGUMENT_BYTES)
        memcpy (bytes, start->stack_argument + location->number, location->size);
      for (unsigned i = 0; i < problem->n_pointers; i++)
        if (problem->pointer[i].variable->number == number)
          low = 64 - width;
    }
  else if (number >= VAR_GLOBAL && number < VAR_FUNCTION)
    {
      const struct term *global = problem->global[number - VAR_GLOBAL];
      uint64_t address = problem->layout->global[number - VAR_GLOBAL];
      memcpy (bytes, &address, 8);
      for (uint64_t align = problem->region->global[number - VAR_GLOBAL].align; align > 1 && low < 12 && !(align & 1);
           align >>= 1)
        low++;
      (void) global;
    }
  else if (number >= VAR_IMAGE && number < VAR_IMAGE + 4)
    {
      const struct image *image = problem->program[(number - VAR_IMAGE) / 2]->image;
      uint64_t address = image->base + (number % 2 ? image->text_size : 0);
      memcpy (bytes, &address, 8);
      /* Where it is below 2 GiB the variable stands for fewer bits.  */
      for (unsigned i = 0; i < problem->n_pointers; i++)
        if (problem->pointer[i].variable->number == number)
          low = problem->pointer[i].low;
    }
  else if (number >= VAR_DISTANCE && number < VAR_DISTANCE + 4096)
    memcpy (bytes, problem->program[0]->image->bytes + problem->program[0]->distance[number - VAR_DISTANCE].at, 4);
  else if (number == VAR_STACK)
    {
      uint64_t rsp = SANDBOX_STACK_BASE + SANDBOX_STACK_SIZE - 4088;
      memcpy (bytes, &rsp, 8);
      low = 4;
    }
  else if (number == VAR_RETURN)
    bytes[3] = 0x0f;
  else if (number >= VAR_SAVED && number < VAR_SAVED + 16)
    memcpy (bytes, &start->machine.gpr[number - VAR_SAVED], 8);
  else if (number >= VAR_STACK_ARGUMENT && number < VAR_STACK_ARGUMENT + STACK_ARGUMENT_BYTES)
    bytes[0] = start->stack_argument[number - VAR_STACK_ARGUMENT];
  else if (number >= VAR_JUNK && number < VAR_JUNK + 16)
    memcpy (bytes, &start->machine.gpr[number - VAR_JUNK], 8);
  else if (number >= VAR_JUNK + 32 && number < VAR_JUNK + 64)
    memcpy (bytes, start->machine.vec[number - VAR_JUNK - 32], 64);
  else if (number >= VAR_JUNK + 96 && number < VAR_JUNK + 104)
    memcpy (bytes, &start->machine.mask[number - VAR_JUNK - 96], 8);
  for (unsigned i = 0; i < width && low + i < 512; i++)
    if (bytes[(low + i) / 8] >> ((low + i) % 8) & 1)
      words[i / 64] |= UINT64_C (1) << (i % 64);
}

static uint8_t
byte_value (void *context, uint32_t number, uint64_t address)
{
  const struct steering *steering = context;
  if (number == MEMORY_OBJECTS)
    {
      int s = state__span_of (steering->start, address);
      if (s >= 0)
        return steering->start->span[s].bytes[address - steering->start->span[s].address];
    }
  return 0;
}

/* TERM's value in the state, its low 64 bits.  */
static uint64_t
value_of (struct steering *steering, const struct term *term)
{
  struct term_inputs inputs = { .context = steering, .variable = variable_value, .byte = byte_value };
  struct term_program *program = term_program__new (&term, 1);
  term_program__run (program, &inputs);
  uint64_t value = term_program__value (program, 0)[0];
  term_program__free (program);
  return value;
}

/* Keeps every address that PATH has touched inside the span where it is in the state.  */
static unsigned
pin_addresses (struct steering *steering, const struct path *path, const struct term **conditions, unsigned n)
{
  struct problem *problem = steering->problem;
  struct terms *terms = problem->terms;
  for (unsigned i = 0; i < problem->n_pointers; i++)
    conditions[n++]
      = term__eq (terms, problem->pointer[i].term,
                  term__const (terms, 64, value_of (steering, problem->pointer[i].term)));
  for (unsigned i = 0; i < path->memory->n_uses && n + 2 < CONDITIONS_MAX; i++)
    {
      const struct use *use = &path->memory->use[i];
      const struct term *base = problem->base[use->base].term;
      int64_t low = use->touch_low, high = use->touch_high;
      if (problem->base[use->base].root == ROOT_STACK || (!use->touched && !use->written) || term__is_const (base))
        continue;
      if (!use->touched)
        {
          low = use->write_low;
          high = use->write_high;
        }
      uint64_t at = value_of (steering, base);
      for (unsigned s = 0; s < steering->start->n_spans; s++)
        {
          const struct span *span = &steering->start->span[s];
          uint64_t room = span->size, need = (uint64_t) (high - low);
          if (at + (uint64_t) low - span->address >= room || need >= room)
            continue;
          const struct term *first
            = term__add (terms, base, term__const (terms, 64, (uint64_t) low - span->address));
          conditions[n++] = term__ult (terms, first, term__const (terms, 64, room - need));
        }
    }
  return n;
}

/* Asks for a state that comes here as PATH did and goes on with WANTED.  */
static struct state *
solve (struct steering *steering, const struct path *path, const struct term *wanted, struct arena *arena)
{
  struct problem *problem = steering->problem;
  const struct term **conditions = malloc (CONDITIONS_MAX * sizeof *conditions);
  struct state *state = NULL;
  unsigned n = 0;
  double left = problem->deadline - prove__now ();
  if (!conditions || left <= 0 || (path->facts.last && path->facts.last->n > CONDITIONS_MAX / 2))
    {
      free (conditions);
      return NULL;
    }
  conditions[n++] = wanted;
  for (const struct condition *known = path->facts.last; known; known = known->before)
    conditions[n++] = known->term;
  n = pin_addresses (steering, path, conditions, n);
  if (solver__check (problem->solver, conditions, n, left < ASK_SECONDS ? left : ASK_SECONDS) == SOLVER_SAT)
    {
      const struct state *start = steering->start;
      struct machine_state before = start->machine;
      state = ARENA_NEW (arena, struct state);
      *state = *start;
      for (unsigned i = 0; i < state->n_spans; i++)
        state->span[i].bytes = arena__memdup (arena, start->span[i].bytes, start->span[i].size);
      unsigned stack_bytes = start->stack_bytes;
      model__set_registers (problem, &problem->entry[0], state);
      if (stack_bytes > state->stack_bytes)
        state->stack_bytes = stack_bytes;
      /* What is no parameter stays.  */
      for (unsigned i = 0; i < 16; i++)
        if (problem->entry[0].gpr[i]->op == TERM_VAR
            && (problem->entry[0].gpr[i]->number < VAR_PARAMETER || problem->entry[0].gpr[i]->number >= VAR_GLOBAL))
          state->machine.gpr[i] = before.gpr[i];
      for (unsigned i = 0; i < 32; i++)
        if (problem->entry[0].vec[i]->op == TERM_VAR)
          memcpy (state->machine.vec[i], before.vec[i], 64);
      model__set_loads (problem, conditions, n, state);
    }
  free (conditions);
  return state;
}

/* Follows the run to branch INSN and asks there, each time that the branch is come to.  */
static struct state *
follow (struct steering *steering, unsigned insn, bool taken, struct arena *arena)
{
  struct problem *problem = steering->problem;
  struct program *program = problem->program[0];
  struct path *path = path__entry (problem, program, NULL);
  struct state *state = NULL;
  unsigned tries = 0;
  problem->valid = path->memory;
  while (path->end == PATH_RUNNING && !state && tries < TRIES_MAX && path->steps < STEPS_MAX
         && !problem__out_of_time (problem))
    {
      struct path *other = NULL;
      int at = program__find (program, path->at);
      path->only = true;
      if (path__run (path, 1, &other) && path->why.reason != REASON_NONTERMINATING)
        break;
      if (!path->asked)
        continue;
      /* A branch: the state says which way.  */
      const struct term *condition = path->asked;
      bool way = value_of (steering, condition) != 0;
      if (at == (int) insn && way != taken)
        {
          tries++;
          state = solve (steering, path, taken ? condition : term__not (problem->terms, condition), arena);
        }
      path__go (path, way);
    }
  path__free (path);
  return state;
}

int
problem__steer (struct arena *arena, const struct region *region, const struct layout *layout,
              const struct image *image, const struct object *object, const struct state *start,
              unsigned insn, bool taken, double seconds, struct state **result)
{
  struct arena *own = arena__new ();
  struct problem *problem = problem__open_one (own, region, layout, image, object, 0, seconds);
  struct state *state = NULL;
  if (problem && insn < image->decoded->n_insns)
    {
      struct steering steering = { .problem = problem, .start = start };
      state = follow (&steering, insn, taken, arena);
    }
  if (problem)
    problem__close (problem);
  arena__free (own);
  if (!state)
    return -1;
  *result = state;
  return 0;
}
