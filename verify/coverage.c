/* What the tests reached.

   A test set that never enters a block says nothing about it, so the verdict depends on this.  Blocks that
   end in ud2 or in a call that never returns are error exits, which valid inputs can't reach; a
   compiler's candidate is excused from reaching them, anyone else's isn't (a wrong rewrite could hide
   behind a rare branch into one).
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/coverage.h"

static bool
ends_cold (const struct region *region, const struct side *side, const struct decoded_insn *insn)
{
  return (insn->kind & KIND_TRAP) || allow__is_noreturn (region, side, insn);
}

/* Marks the straight lines that lead into a cold end: backwards until a jump goes elsewhere or somebody branches
   in; then again over blocks all of whose ways are cold.  */
static void
mark_cold (struct coverage *coverage, const struct region *region)
{
  const struct decoded *decoded = coverage->side->decoded;
  for (unsigned i = 0; i < decoded->n_insns; i++)
    coverage->cold[i] = ends_cold (region, coverage->side, &decoded->insn[i]);
  for (bool changed = true; changed;)
    {
      changed = false;
      for (unsigned i = decoded->n_insns; i-- > 0;)
        {
          const struct decoded_insn *insn = &decoded->insn[i];
          if (coverage->cold[i] || (insn->kind & (KIND_RETURN | KIND_INDIRECT)))
            continue;
          bool next = i + 1 < decoded->n_insns && decoded->insn[i + 1].section == insn->section
                      && coverage->cold[i + 1];
          int target = allow__target (decoded, i);
          bool cold;
          if (insn->kind & KIND_BRANCH)
            cold = next && target >= 0 && coverage->cold[target];
          else if (insn->kind & KIND_JUMP)
            cold = target >= 0 && coverage->cold[target];
          else
            cold = next;
          if (cold)
            changed = coverage->cold[i] = true;
        }
    }
}

struct coverage *
coverage__new (struct arena *arena, const struct region *region, const struct side *side,
               bool cold_counts)
{
  const struct decoded *decoded = side->decoded;
  struct coverage *coverage = ARENA_NEW (arena, struct coverage);
  coverage->side = side;
  coverage->executed = ARENA_ARRAY (arena, uint64_t, decoded->n_insns);
  coverage->branch = ARENA_ARRAY (arena, uint8_t, decoded->n_insns);
  coverage->cold = ARENA_ARRAY (arena, bool, decoded->n_insns);
  coverage->padding = ARENA_ARRAY (arena, bool, decoded->n_insns);
  coverage->excused = ARENA_ARRAY (arena, uint8_t, decoded->n_insns);
  coverage->dead = ARENA_ARRAY (arena, bool, decoded->n_insns);
  if (!cold_counts)
    mark_cold (coverage, region);
  /* The assembler jumps over long padding: those jumps are padding too.  */
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      unsigned item = decoded->insn[i].item;
      coverage->padding[i] = (decoded->insn[i].kind & KIND_NOP)
                             || (item < side->code->n_items
                                 && side->code->item[item].kind == ITEM_ALIGN);
    }
  return coverage;
}

void
coverage__add (struct coverage *coverage, const struct trace *trace)
{
  for (unsigned i = 0; i < coverage->side->decoded->n_insns; i++)
    {
      coverage->executed[i] += trace->executed ? trace->executed[i] : 0;
      coverage->branch[i] |= trace->branch ? trace->branch[i] : 0;
    }
}

bool
coverage__in_copy (const struct coverage *coverage, unsigned i)
{
  unsigned item = coverage->side->decoded->insn[i].item;
  return item >= coverage->copy.from && item < coverage->copy.end;
}

void
coverage__count (const struct coverage *coverage, struct coverage_count *count)
{
  const struct decoded *decoded = coverage->side->decoded;
  *count = (struct coverage_count) { .first_insn = -1, .first_way = -1 };
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &decoded->insn[i];
      if (coverage->cold[i] || coverage->padding[i] || coverage->dead[i])
        continue;
      bool copy = coverage__in_copy (coverage, i);
      count->insns++;
      count->copy_insns += copy;
      count->copy_insns_reached += copy && coverage->executed[i];
      if (coverage->executed[i])
        count->insns_reached++;
      else if (count->first_insn < 0)
        count->first_insn = (int) i;
      if (!(insn->kind & KIND_BRANCH))
        continue;
      int target = allow__target (decoded, i);
      bool cold[2] = { target >= 0 && coverage->cold[target],
                       i + 1 < decoded->n_insns && coverage->cold[i + 1] };
      for (unsigned way = 0; way < 2; way++)
        if (!cold[way] && !(coverage->excused[i] & (1u << way)))
          {
            count->ways++;
            count->copy_ways += copy;
            count->copy_ways_reached += copy && (coverage->branch[i] & (1u << way));
            if (coverage->branch[i] & (1u << way))
              count->ways_reached++;
            else if (count->first_way < 0
                     || (coverage__in_copy (coverage, (unsigned) count->first_way) && !copy)
                     || (!coverage->executed[count->first_way] && coverage->executed[i]
                         && coverage__in_copy (coverage, (unsigned) count->first_way) == copy))
              count->first_way = (int) i; /* one that was reached says more, and the copy's matter least */
          }
    }
}
