/* Where a program's loops begin, and which registers matter there.

   A head is where a jump goes back to, if one can come there again: every way around any loop passes one.  Registers
   that nothing reads before they are written may hold whatever they like.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/induction.h"

#include <string.h>

bool
heads__is_live (const struct heads *heads, unsigned insn, unsigned i)
{
  return i == STICKY || (heads->live[insn] >> i & 1);
}

/* The instructions that may follow INSN by ways that aren't closed, at most two; -1 for none.  *OPEN where it may go
   anywhere.  */
static void
successors (const struct program *program, unsigned insn, int next[2], bool *open)
{
  const struct image *image = program->image;
  const struct decoded_insn *decoded = &image->decoded->insn[insn];
  unsigned closed = program->closed ? program->closed[insn] : 0;
  next[0] = next[1] = -1;
  *open = (decoded->kind & KIND_INDIRECT) && !(decoded->kind & KIND_RETURN);
  if (!(decoded->kind & (KIND_JUMP | KIND_RETURN | KIND_TRAP)) && !(closed & 2))
    next[0] = program__find (program, image->address[insn] + decoded->length);
  if (decoded->has_target && !(closed & 1))
    for (unsigned i = 0; i < program->n_insns; i++)
      if (image->decoded->insn[i].section == decoded->target_section
          && image->decoded->insn[i].offset == decoded->target)
        next[1] = (int) i;
}

/* Marks what can come after FROM, not by way of WITHOUT; can FROM itself?  */
static bool
comes_again (const struct program *program, unsigned from, const bool *without, unsigned *stack, bool *seen)
{
  unsigned n = 0;
  bool again = false;
  memset (seen, 0, program->n_insns * sizeof *seen);
  stack[n++] = from;
  while (n)
    {
      unsigned insn = stack[--n];
      int next[2];
      bool open;
      successors (program, insn, next, &open);
      again |= open;
      for (unsigned k = 0; k < 2; k++)
        {
          again |= next[k] == (int) from;
          if (next[k] >= 0 && !seen[next[k]] && !(without && without[next[k]]))
            {
              seen[next[k]] = true;
              stack[n++] = (unsigned) next[k];
            }
        }
    }
  return again;
}

bool *
heads__around (struct arena *arena, const struct program *program, unsigned head, const bool *without)
{
  unsigned n = program->n_insns;
  bool *around = ARENA_ARRAY (arena, bool, n + 1), *seen = ARENA_ARRAY (arena, bool, n + 1);
  unsigned *stack = ARENA_ARRAY (arena, unsigned, 2 * (size_t) n + 2);
  comes_again (program, head, without, stack, seen);
  /* Backwards from the head, by sweeps.  */
  around[head] = true;
  for (bool changed = true; changed;)
    {
      changed = false;
      for (unsigned i = n; i-- > 0;)
        {
          int next[2];
          bool open;
          if (around[i] || !seen[i] || (without && without[i]))
            continue;
          successors (program, i, next, &open);
          for (unsigned k = 0; k < 2; k++)
            if (next[k] >= 0 && around[next[k]])
              changed = around[i] = true;
        }
    }
  return around;
}

/* Registers that somebody reads after a return: those of the result, and the callee-saved.  */
static uint64_t
read_at_return (const struct region *region)
{
  static const uint8_t saved[] = { 3, 4, 5, 12, 13, 14, 15 };
  uint64_t read = region->result.by_reference ? 1 : 0;
  for (unsigned i = 0; i < sizeof saved; i++)
    read |= UINT64_C (1) << saved[i];
  for (unsigned i = 0; i < region->result.n_locations; i++)
    {
      const struct location *location = &region->result.location[i];
      if (location->kind == LOCATION_GPR && location->number < 16)
        read |= UINT64_C (1) << location->number;
      else if (location->kind == LOCATION_VEC && location->number < 32)
        read |= UINT64_C (1) << (FIRST_VEC + location->number);
      else
        return UINT64_MAX;
    }
  return read;
}

struct heads *
heads__find (struct arena *arena, const struct region *region, const struct program *program)
{
  const struct decoded *decoded = program->image->decoded;
  unsigned n = program->n_insns;
  uint64_t at_return = read_at_return (region);
  struct heads *heads = ARENA_NEW (arena, struct heads);
  bool *seen = ARENA_ARRAY (arena, bool, n + 1);
  unsigned *stack = ARENA_ARRAY (arena, unsigned, 2 * (size_t) n + 2);
  heads->is_head = ARENA_ARRAY (arena, bool, n + 1);
  heads->live = ARENA_ARRAY (arena, uint64_t, n + 1);
  for (unsigned i = 0; i < n; i++)
    {
      int next[2];
      bool open;
      successors (program, i, next, &open);
      if (next[1] >= 0 && !(decoded->insn[i].kind & KIND_CALL)
          && program->image->address[next[1]] <= program->image->address[i] && !heads->is_head[next[1]]
          && comes_again (program, (unsigned) next[1], NULL, stack, seen))
        {
          heads->is_head[next[1]] = true;
          heads->n++;
        }
    }
  for (bool changed = true; changed;)
    {
      changed = false;
      for (unsigned i = n; i-- > 0;)
        {
          const struct decoded_insn *insn = &decoded->insn[i];
          int next[2];
          bool open;
          uint64_t out = insn->kind & KIND_RETURN ? at_return : 0;
          successors (program, i, next, &open);
          for (unsigned k = 0; k < 2; k++)
            if (next[k] >= 0)
              out |= heads->live[next[k]];
          if (open || (insn->kind & KIND_CALL) || ((insn->kind & KIND_JUMP) && next[1] < 0))
            out = UINT64_MAX;
          /* vzeroupper hands the low parts on.  */
          uint64_t in = insn->kind & KIND_VZERO ? out : regset__registers (&insn->read) | (out & ~regset__registers (&insn->written));
          if (in != heads->live[i])
            {
              heads->live[i] = in;
              changed = true;
            }
        }
    }
  return heads;
}
