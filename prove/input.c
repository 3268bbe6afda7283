/* What both sides find at their entry: the same parameters, memory and callee-saved registers; junk of its own for each
   side in everything else, so that nothing that is compared can depend on it.

   Assumed, as the differential tests do: bools are 0 or 1, pointer parameters are aligned as their type says, the stack
   pointer is 8 above a multiple of 16, globals are aligned as declared and below 2 GiB where either
   side's code could not be linked otherwise.  The upper bits of a small integer are junk.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <elf.h>
#include <string.h>
#include <time.h>

enum { FUNCTIONS_MAX = 64 };

double
prove__now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

bool
problem__out_of_time (const struct problem *problem)
{
  return prove__now () > problem->deadline;
}

/* A number of WIDTH bits whose low bits are 0 so that it is a multiple of ALIGN; the others are *VARIABLE.  */
static const struct term *
aligned (struct terms *terms, unsigned width, uint32_t number, uint64_t align,
         const struct term **variable)
{
  unsigned zeros = 0;
  while (align > 1 && zeros < 12 && !(align & 1))
    {
      zeros++;
      align >>= 1;
    }
  *variable = term__var (terms, width - zeros, number);
  return zeros ? term__concat (terms, *variable, term__const (terms, zeros, 0)) : *variable;
}

static void
add_pointer (struct problem *problem, const struct term *term, const struct term *variable, int number,
             bool is_restrict)
{
  if (problem->n_pointers < POINTERS_MAX - 8)
    problem->pointer[problem->n_pointers++]
      = (struct pointer){ .term = term, .variable = variable, .number = number, .is_restrict = is_restrict };
}

static bool
needs_low (const struct object *object, const char *name)
{
  for (unsigned i = 0; i < object->n_relocs; i++)
    if ((object->reloc[i].type == R_X86_64_32 || object->reloc[i].type == R_X86_64_32S)
        && strcmp (object->symbol[object->reloc[i].symbol].name, name) == 0)
      return true;
  return false;
}

/* Does OBJECT name its own code or constants in 32 bits?  Then they are below 2 GiB.  */
static bool
is_low (const struct object *object)
{
  for (unsigned i = 0; i < object->n_relocs; i++)
    if ((object->reloc[i].type == R_X86_64_32 || object->reloc[i].type == R_X86_64_32S)
        && (object->symbol[object->reloc[i].symbol].section >= 0 || object->reloc[i].symbol == object->entry))
      return true;
  return false;
}

/* Where code and constants are nobody knows before the program is linked and loaded, nor how far apart they are.  */
static void
make_images (struct problem *problem)
{
  struct terms *terms = problem->terms;
  for (unsigned side = 0; side < SIDES; side++)
    for (unsigned part = 0; part < 2; part++)
      {
        const struct object *object = problem->program[side]->object;
        const struct term *variable;
        /* Code is spliced where the compiler puts the function, whatever it was assembled at here.  */
        uint64_t align = part == 0 ? 1 : 4096;
        for (unsigned i = 0; i < object->n_sections; i++)
          if (object->section[i].executable == (part == 0) && object->section[i].size)
            align = object->section[i].align < align ? object->section[i].align : align;
        bool low = is_low (object);
        const struct term *place
          = aligned (terms, low ? 31 : 64, VAR_IMAGE + 2 * side + part, align ? align : 1, &variable);
        problem->image[side][part] = term__zext (terms, place, 64);
        if (problem->n_pointers < POINTERS_MAX - 2)
          problem->pointer[problem->n_pointers++]
            = (struct pointer){ .term = problem->image[side][part], .variable = variable,
                                .number = IMAGE_NUMBER - 2 * (int) side - (int) part, .is_restrict = true,
                                .low = (low ? 31u : 64u) - variable->width };
      }
}

static void
make_globals (struct problem *problem)
{
  struct terms *terms = problem->terms;
  const struct region *region = problem->region;
  problem->global = ARENA_ARRAY (problem->arena, const struct term *, region->n_globals);
  for (unsigned g = 0; g < region->n_globals; g++)
    {
      const struct global *global = &region->global[g];
      if (global->is_function)
        continue;
      const struct term *variable;
      bool low = needs_low (problem->program[0]->object, global->name)
                 || needs_low (problem->program[1]->object, global->name);
      problem->global[g] = aligned (terms, low ? 31 : 64, VAR_GLOBAL + g, global->align,
                                    &variable);
      if (low)
        problem->global[g] = term__zext (terms, problem->global[g], 64);
      add_pointer (problem, problem->global[g], variable, 1000 + (int) g, false);
    }
}

/* A piece of SIZE bytes of a parameter of TYPE, its own variable.  */
static const struct term *
parameter_piece (struct problem *problem, const struct value *value, uint32_t number,
                 const struct location *location, const struct term **variable)
{
  struct terms *terms = problem->terms;
  const struct region *region = problem->region;
  const struct type *type = region__type (region, value->type);
  unsigned bits = 8 * location->size;
  *variable = NULL;
  if (type && type->kind == TYPE_BOOL && location->size == 1 && !value->by_reference)
    return term__zext (terms, term__var (terms, 1, number), 8);
  if (type && type->kind == TYPE_POINTER && location->size == 8 && !value->by_reference)
    {
      const struct type *to = region__type (region, type->element);
      return aligned (terms, 64, number, to && to->align ? to->align : 1, variable);
    }
  return term__var (terms, bits, number);
}

static int
make_parameters (struct problem *problem, struct why *why)
{
  struct terms *terms = problem->terms;
  const struct region *region = problem->region;
  for (unsigned p = 0; p < region->n_parameters; p++)
    {
      const struct value *value = &region->parameter[p];
      for (unsigned i = 0; i < value->n_locations; i++)
        {
          const struct location *location = &value->location[i];
          const struct term *variable;
          uint32_t number = VAR_PARAMETER + 4 * p + i;
          if (p >= (VAR_GLOBAL - VAR_PARAMETER) / 4 || i >= 4 || location->size == 0
              || location->size > 64)
            return why__set (why, REASON_UNSUPPORTED_TYPE, "parameter %u", p + 1);
          const struct term *piece = parameter_piece (problem, value, number, location, &variable);
          switch (location->kind)
            {
            case LOCATION_GPR:
              if (location->number > 15 || location->size > 8)
                return why__set (why, REASON_UNSUPPORTED_TYPE, "parameter %u", p + 1);
              for (unsigned side = 0; side < SIDES; side++)
                problem->entry[side].gpr[location->number]
                  = term__insert (terms, problem->entry[side].gpr[location->number], 0, piece);
              break;
            case LOCATION_VEC:
              if (location->number > 15)
                return why__set (why, REASON_UNSUPPORTED_TYPE, "parameter %u", p + 1);
              for (unsigned side = 0; side < SIDES; side++)
                problem->entry[side].vec[location->number]
                  = term__insert (terms, problem->entry[side].vec[location->number], 0, piece);
              break;
            case LOCATION_STACK:
              {
                uint64_t end = (uint64_t) location->number + location->size;
                if (end > STACK_ARGUMENT_BYTES)
                  return why__set (why, REASON_STACK_ARGUMENTS, "parameter %u", p + 1);
                for (unsigned k = 0; k < location->size; k++)
                  problem->stack_byte[location->number + k] = term__extract (terms, piece, 8 * k, 8);
                end = (end + 7) & ~UINT64_C (7);
                if (end > problem->stack_bytes)
                  problem->stack_bytes = (unsigned) end;
                break;
              }
            default:
              return why__set (why, REASON_UNSUPPORTED_TYPE, "parameter %u in x87", p + 1);
            }
          if (variable)
            add_pointer (problem, piece, variable, (int) p,
                         value->is_restrict || region->type[value->type].is_restrict);
        }
    }
  return 0;
}

int
problem__inputs (struct problem *problem, struct why *why)
{
  struct terms *terms = problem->terms;
  static const uint8_t saved[] = { 3, 5, 12, 13, 14, 15 };
  problem->stack = term__concat (terms, term__var (terms, 60, VAR_STACK), term__const (terms, 4, 8));
  problem->stack_constant = term__split (terms, problem->stack, &problem->stack_base);
  problem->return_address = term__var (terms, 64, VAR_RETURN);
  for (unsigned side = 0; side < SIDES; side++)
    {
      struct sym_cpu *cpu = &problem->entry[side];
      uint32_t junk = VAR_JUNK + 512 * side;
      for (unsigned i = 0; i < 16; i++)
        cpu->gpr[i] = term__var (terms, 64, junk + i);
      for (unsigned i = 0; i < sizeof saved; i++)
        cpu->gpr[saved[i]] = term__var (terms, 64, VAR_SAVED + saved[i]);
      cpu->gpr[4] = problem->stack;
      for (unsigned i = 0; i < 32; i++)
        cpu->vec[i] = term__var (terms, 512, junk + 32 + i);
      for (unsigned i = 0; i < 8; i++)
        cpu->mask[i] = term__var (terms, 64, junk + 96 + i);
      cpu->flags.kind = FLAGS_EXPLICIT;
      for (unsigned i = 0; i < FLAGS_COUNT; i++)
        cpu->flags.flag[i] = term__var (terms, 1, junk + 128 + i);
      cpu->sticky = term__var (terms, 6, VAR_STICKY);
    }
  make_globals (problem);
  make_images (problem);
  if (make_parameters (problem, why))
    return -1;
  for (unsigned k = 0; k < problem->stack_bytes; k++)
    if (!problem->stack_byte[k])
      problem->stack_byte[k] = term__var (terms, 8, VAR_STACK_ARGUMENT + k);
  return 0;
}

void
problem__assume_sizes (struct problem *problem, uint32_t sizes)
{
  struct terms *terms = problem->terms;
  const struct region *region = problem->region;
  for (unsigned p = 0; p < region->n_parameters && p < 32; p++)
    {
      const struct type *type = region__type (region, region->parameter[p].type);
      if (!(sizes >> p & 1) || value__gpr (&region->parameter[p]) < 0 || type->size != 8)
        continue;
      const struct term *size = term__var (terms, 64, VAR_PARAMETER + 4 * p);
      const struct term *limit = term__const (terms, 64, UINT64_C (1) << PROVE_SIZE_BITS);
      facts__assume (problem, &problem->assumed,
                     type->is_signed ? term__slt (terms, size, limit) : term__ult (terms, size, limit));
    }
  for (unsigned i = 0; sizes && i < problem->n_pointers; i++)
    if (problem->pointer[i].number >= 0 && problem->pointer[i].number < (int) region->n_parameters)
      facts__assume (problem, &problem->assumed,
                     term__ult (terms, problem->pointer[i].term, term__const (terms, 64, UINT64_C (1) << PROVE_ADDRESS_BITS)));
}

const struct term *
problem__symbol (struct problem *problem, const struct program *program, uint64_t address)
{
  struct terms *terms = problem->terms;
  const struct region *region = problem->region;
  const struct image *image = program->image;
  if (address - image->base < image->size)
    {
      uint64_t offset = address - image->base;
      bool part = offset >= image->text_size;
      return term__add (terms, problem->image[program->side][part],
                        term__const (terms, 64, offset - (part ? image->text_size : 0)));
    }
  uint64_t in_stubs = address - problem->layout->high - SANDBOX_STUB_BASE;
  if (in_stubs < SANDBOX_STUB_ROOM)
    {
      uint64_t number = in_stubs / 64;
      const struct term *stub = term__var (terms, 64, VAR_FUNCTION + (uint32_t) number % 1024);
      return term__add (terms, stub, term__const (terms, 64, in_stubs % 64));
    }
  /* Of a global or near one: the slots are far apart.  */
  for (unsigned g = 0; g < region->n_globals; g++)
    if (problem->global[g] && slot__of (address) == g)
      return term__add (terms, problem->global[g],
                        term__const (terms, 64, address - problem->layout->global[g]));
  return NULL;
}
