/* What an address is based on, and which bases can't meet.

   An address is a base (a term without constant) plus an offset.  Two bases can't meet where one is the stack frame, or
   where they are made from different parameters or globals that types or restrict keep apart: an address is
   made from pointer P where P is in it once and nothing else in it comes from a pointer.  What was loaded from
   memory may point anywhere but into the frame.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "prove/internal.h"

#include <string.h>

#define SUPPORT_KNOWN (UINT64_C (1) << 62)
#define OFFSET_MAX (INT64_C (1) << 60)

/* A table over term ids, grown to hold ID.  */
static void *
grow (struct arena *arena, void *table, unsigned *size, unsigned id, size_t element)
{
  if (id < *size)
    return table;
  unsigned larger = *size ? 2 * *size : 4096;
  while (larger <= id)
    larger *= 2;
  void *result = arena__alloc (arena, larger * element);
  if (*size)
    memcpy (result, table, *size * element);
  *size = larger;
  return result;
}

uint64_t
term__support (struct problem *problem, const struct term *term)
{
  if (term->op == TERM_CONST || term->op == TERM_MEMORY)
    return 0;
  if (term->id < problem->support_size && (problem->support[term->id] & SUPPORT_KNOWN))
    return problem->support[term->id] & ~SUPPORT_KNOWN;
  uint64_t support = 0;
  if (term->op == TERM_VAR)
    {
      if (term->number == VAR_STACK)
        support = SUPPORT_STACK;
      for (unsigned i = 0; i < problem->n_pointers; i++)
        if (problem->pointer[i].variable == term)
          support |= UINT64_C (1) << i;
    }
  else if (term->op == TERM_LOAD)
    support = term__support (problem, term->arg[0]) & SUPPORT_STACK;
  else
    for (unsigned i = 0; i < term->n_args; i++)
      support |= term__support (problem, term->arg[i]);
  problem->support = grow (problem->arena, problem->support, &problem->support_size, term->id,
                           sizeof *problem->support);
  problem->support[term->id] = support | SUPPORT_KNOWN;
  return support;
}

static int
root_of (struct problem *problem, const struct term *term)
{
  if (term == problem->stack_base)
    return ROOT_STACK;
  uint64_t support = term__support (problem, term);
  if (support & SUPPORT_STACK)
    return ROOT_BAD;
  if (support == 0 || (support & (support - 1)))
    return ROOT_NONE;
  int number = __builtin_ctzll (support);
  const struct term *rest = term__sub (problem->terms, term, problem->pointer[number].term);
  return term__support (problem, rest) == 0 ? number : ROOT_NONE;
}

int
base__find (struct problem *problem, const struct facts *facts, const struct term *address,
            uint32_t *base, int64_t *offset, struct why *why)
{
  const struct term *rest;
  address = facts__simplify (problem, facts, address, false);
  *offset = term__split (problem->terms, address, &rest);
  if (rest->id >= problem->base_of_size || !problem->base_of[rest->id])
    {
      address = facts__simplify (problem, facts, address, true);
      *offset = term__split (problem->terms, address, &rest);
    }
  if (*offset > OFFSET_MAX || *offset < -OFFSET_MAX)
    return why__set (why, REASON_PROOF_ADDRESS, "an offset of %lld", (long long) *offset);
  problem->base_of = grow (problem->arena, problem->base_of, &problem->base_of_size, rest->id,
                           sizeof *problem->base_of);
  if (!problem->base_of[rest->id])
    {
      if (problem->n_bases == BASES_MAX)
        return why__set (why, REASON_PROOF_ADDRESS, "more than %d unrelated addresses", BASES_MAX);
      problem->base[problem->n_bases]
        = (struct base){ .term = rest, .root = root_of (problem, rest) };
      problem->base_of[rest->id] = ++problem->n_bases;
    }
  *base = problem->base_of[rest->id] - 1;
  if (problem->base[*base].root == ROOT_BAD)
    return why__set (why, REASON_PROOF_ADDRESS, "an address on the stack that depends on an input");
  return 0;
}

bool
bases__disjoint (const struct problem *problem, uint32_t a, uint32_t b)
{
  int x = problem->base[a].root, y = problem->base[b].root;
  if (x == ROOT_STACK || y == ROOT_STACK)
    return x != y;
  if (x < 0 || y < 0 || x == y)
    return false;
  const struct pointer *p = &problem->pointer[x], *q = &problem->pointer[y];
  if (p->is_restrict || q->is_restrict)
    return true;
  for (unsigned i = 0; i < problem->region->n_aliases; i++)
    {
      const struct alias_pair *pair = &problem->region->alias[i];
      if (((int) pair->a == p->number && (int) pair->b == q->number)
          || ((int) pair->b == p->number && (int) pair->a == q->number))
        return false;
    }
  return true;
}
