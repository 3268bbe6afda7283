/* One side's code as the proof walks it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <elf.h>
#include <string.h>

enum { ARM_MAX = 24 }; /* instructions in one arm of an `if` that is run both ways at once */

/* Is there a symbol in the immediate of INSN?  */
static bool
has_symbol_immediate (const struct object *object, const struct decoded_insn *insn)
{
  if (insn->kind & (KIND_CALL | KIND_JUMP | KIND_BRANCH))
    return false;
  for (unsigned i = 0; i < object->n_relocs; i++)
    {
      const struct object_reloc *reloc = &object->reloc[i];
      if (reloc->section == insn->section && reloc->offset >= insn->offset
          && reloc->offset < (uint64_t) insn->offset + insn->length
          && (!insn->symbol_disp || reloc->offset != (uint64_t) insn->offset + insn->symbol_disp))
        return true;
    }
  return false;
}

/* Through a table of addresses.  */
static bool
program__is_table (uint32_t type)
{
  return type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX || type == R_X86_64_REX_GOTPCRELX;
}

const struct meaning *
program__meaning (struct problem *problem, struct program *program, unsigned insn, struct why *why)
{
  const struct image *image = program->image;
  const struct decoded_insn *decoded = &image->decoded->insn[insn];
  if (!program->meaning[insn]
      && meaning__decode (problem->arena, image->bytes + (image->address[insn] - image->base),
                          decoded->length, image->address[insn], decoded->symbol_disp != 0,
                          has_symbol_immediate (program->object, decoded), &program->meaning[insn],
                          why))
    return NULL;
  return program->meaning[insn];
}

int
program__address (struct problem *problem, const struct program *program, const struct term *to, uint64_t *address)
{
  struct terms *terms = problem->terms;
  const struct term *code = problem->image[program->side][0], *constants = problem->image[program->side][1];
  uint32_t first = VAR_DISTANCE + 4096 * program->side;
  int64_t offset;
  /* An entry of a jump table, added to where the constants are.  */
  for (unsigned i = 0; to->op == TERM_SUM && i < to->n_args; i++)
    {
      const struct term *entry = to->arg[i]->op == TERM_SEXT ? to->arg[i]->arg[0] : to->arg[i];
      if (to->words[1 + i] != 1 || entry->op != TERM_VAR || entry->number - first >= program->n_distances)
        continue;
      to = term__add (terms, term__sub (terms, to, to->arg[i]),
                      term__add (terms, term__sub (terms, code, constants),
                                 term__const (terms, 64, (uint64_t) program->distance[entry->number - first].more)));
      break;
    }
  if (to->op == TERM_CONST)
    {
      *address = term__value (to);
      return 0;
    }
  if (!term__distance (terms, to, code, &offset) || offset < 0 || (uint64_t) offset >= program->image->text_size)
    return -1;
  *address = program->image->base + (uint64_t) offset;
  return 0;
}

int
program__find (const struct program *program, uint64_t address)
{
  uint64_t offset = address - program->image->base;
  return offset < program->image->text_size ? program->at[offset] : -1;
}

/* The target of a direct jump or branch INSN, 0 where it isn't one.  */
static uint64_t
jump_target (const struct program *program, unsigned insn)
{
  const struct decoded_insn *decoded = &program->image->decoded->insn[insn];
  if (!decoded->has_target || (decoded->kind & KIND_CALL))
    return 0;
  for (unsigned i = 0; i < program->n_insns; i++)
    {
      const struct decoded_insn *other = &program->image->decoded->insn[i];
      if (other->section == decoded->target_section && other->offset == decoded->target)
        return program->image->address[i];
    }
  return 0;
}

int
program__new (struct problem *problem, unsigned side, const struct image *image,
              const struct object *object, struct program **result, struct why *why)
{
  struct arena *arena = problem->arena;
  struct program *program = ARENA_NEW (arena, struct program);
  program->side = side;
  program->image = image;
  program->object = object;
  program->n_insns = image->decoded->n_insns;
  program->meaning = ARENA_ARRAY (arena, const struct meaning *, program->n_insns);
  program->at = ARENA_ARRAY (arena, int32_t, image->text_size);
  program->back = ARENA_ARRAY (arena, int32_t, program->n_insns);
  program->join = ARENA_ARRAY (arena, int64_t, program->n_insns);
  program->reached = ARENA_ARRAY (arena, bool, program->n_insns);
  program->in_loop = ARENA_ARRAY (arena, bool, program->n_insns);
  program->distance = arena__alloc (arena, (object->n_relocs + 1) * sizeof *program->distance);
  for (unsigned i = 0; i < object->n_relocs; i++)
    {
      const struct object_reloc *reloc = &object->reloc[i];
      bool outside = object->symbol[reloc->symbol].section < 0 || reloc->symbol == object->entry;
      bool in_data = !object->section[reloc->section].executable;
      if (in_data && outside && reloc->type != R_X86_64_64)
        return why__set (why, REASON_UNMODELLED, "constants with part of an address in them");
      program->data_pointers |= program__is_table (reloc->type) || (in_data && (outside || reloc->type == R_X86_64_64));
      if (!in_data || reloc->type == R_X86_64_64)
        continue;
      /* An entry of a jump table, relative to itself.  */
      const struct object_symbol *symbol = &object->symbol[reloc->symbol];
      if (program->n_distances == DISTANCES_MAX || reloc->type != R_X86_64_PC32 || outside || !object->section[symbol->section].executable)
        return why__set (why, REASON_UNMODELLED, "constants relative to something");
      uint64_t at = image->section[reloc->section] + reloc->offset;
      program->distance[program->n_distances].at = at;
      program->distance[program->n_distances++].more
        = (int64_t) (image->section[symbol->section] + symbol->offset + (uint64_t) reloc->addend)
          - (int64_t) (at - image->text_size);
    }
  memset (program->at, -1, image->text_size * sizeof *program->at);
  for (unsigned i = 0; i < program->n_insns; i++)
    {
      uint64_t offset = image->address[i] - image->base;
      if (offset >= image->text_size)
        return why__set (why, REASON_UNMODELLED, "an instruction outside the text");
      program->at[offset] = (int32_t) i;
    }
  for (unsigned i = 0; i < program->n_insns; i++)
    {
      const struct decoded_insn *decoded = &image->decoded->insn[i];
      uint64_t target = jump_target (program, i);
      program->join[i] = -2;
      program->back[i] = -1;
      bool back = (target && target <= image->address[i]) || (decoded->kind & KIND_REP)
                  || ((decoded->kind & KIND_JUMP) && (decoded->kind & KIND_INDIRECT));
      if (!back)
        continue;
      program->back[i] = (int32_t) program->n_back++;
      for (unsigned k = 0; target && k < program->n_insns; k++)
        if (image->address[k] >= target && image->address[k] <= image->address[i])
          program->in_loop[k] = true;
    }
  *result = program;
  return 0;
}

/* The addresses of the straight line from ADDRESS on: *N of them in LINE.  */
static void
follow_line (const struct program *program, uint64_t address, uint64_t line[ARM_MAX], unsigned *n)
{
  *n = 0;
  while (*n < ARM_MAX)
    {
      int insn = program__find (program, address);
      if (insn < 0)
        return;
      line[(*n)++] = address;
      const struct decoded_insn *decoded = &program->image->decoded->insn[insn];
      if ((decoded->kind & KIND_JUMP) && !(decoded->kind & KIND_INDIRECT))
        {
          address = jump_target (program, (unsigned) insn);
          if (!address)
            return;
        }
      else if (decoded->kind & (KIND_BRANCH | KIND_JUMP | KIND_CALL | KIND_RETURN | KIND_REP | KIND_TRAP
                                | KIND_DIVIDE | KIND_INDIRECT))
        return;
      else
        address += decoded->length;
    }
}

int64_t
program__join (struct program *program, unsigned insn)
{
  const struct decoded_insn *decoded = &program->image->decoded->insn[insn];
  if (program->join[insn] != -2)
    return program->join[insn];
  uint64_t ways[2][ARM_MAX];
  unsigned n[2];
  program->join[insn] = -1;
  uint64_t target = jump_target (program, insn);
  if (!(decoded->kind & KIND_BRANCH) || !target)
    return -1;
  follow_line (program, target, ways[0], &n[0]);
  follow_line (program, program->image->address[insn] + decoded->length, ways[1], &n[1]);
  for (unsigned i = 0; i < n[0]; i++)
    for (unsigned k = 0; k < n[1]; k++)
      if (ways[0][i] == ways[1][k])
        return program->join[insn] = (int64_t) ways[0][i];
  return -1;
}

int
program__unreached (const struct program *program)
{
  /* A jump that is never made leads to what is reached otherwise.  */
  for (unsigned i = 0; i < program->n_insns; i++)
    {
      const struct decoded_insn *decoded = &program->image->decoded->insn[i];
      bool plain_jump = (decoded->kind & KIND_JUMP) && decoded->has_target;
      if (!program->reached[i] && !plain_jump && !(decoded->kind & (KIND_NOP | KIND_TRAP)))
        return (int) i;
    }
  return -1;
}
