/* Hotness, and what the flow graph says just before GCC throws it away.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/shim.h"

namespace aiopt {

/* True where a profile was read for FUN and some block of it is hot by GCC's own threshold.  */
bool
profile__is_hot (function *fun)
{
  if (profile_status_for_fn (fun) != PROFILE_READ)
    return false;
  profile_count entry = ENTRY_BLOCK_PTR_FOR_FN (fun)->count;
  if (!entry.initialized_p () || !entry.ipa_p ())
    return false;
  basic_block bb;
  FOR_EACH_BB_FN (bb, fun)
    {
      profile_count count = bb->count.ipa ();
      /* maybe_hot_count_p takes what it doesn't know for hot.  */
      if (count.initialized_p () && count.nonzero_p () && maybe_hot_count_p (fun, count))
        return true;
    }
  return false;
}

/* COUNT over BASE, or -1 where the profile doesn't say.  */
static double
ratio (profile_count count, profile_count base)
{
  if (!count.initialized_p () || !base.initialized_p () || !base.nonzero_p ())
    return -1;
  return (double) count.to_gcov_type () / (double) base.to_gcov_type ();
}

/* The line of the first insn of BB that has one, or 0.  */
static unsigned
line_of (basic_block bb)
{
  rtx_insn *insn;
  FOR_BB_INSNS (bb, insn)
    if (NONDEBUG_INSN_P (insn) && INSN_HAS_LOCATION (insn))
      {
        expanded_location where = insn_location (insn);
        if (where.line > 0)
          return where.line;
      }
  return 0;
}

enum { LOOPS_MAX = 64 };

/* LOOP of FUN as a record, without its line.  */
static struct loop
record_of (function *fun, class ::loop *loop, bool profiled)
{
  struct loop record = {};
  record.depth = loop_depth (loop);
  record.trips = record.entries = -1;
  if (profiled)
    {
      profile_count in = profile_count::zero ();
      edge e;
      edge_iterator ei;
      FOR_EACH_EDGE (e, ei, loop->header->preds)
        if (!flow_bb_inside_loop_p (loop, e->src))
          in += e->count ();
      record.trips = ratio (loop->header->count, in);
      record.entries = ratio (in, ENTRY_BLOCK_PTR_FOR_FN (fun)->count);
    }
  return record;
}

/* Loops of FUN as they are in the final code.  Only natural loops, as the alignment pass just before sees them.  */
static void
collect_loops (function *fun, bool profiled, std::vector<struct loop> *loops)
{
  bool own = !current_loops;
  if (own)
    loop_optimizer_init (AVOID_CFG_MODIFICATIONS);
  if (current_loops)
    for (unsigned i = 1; i < number_of_loops (fun) && loops->size () < LOOPS_MAX; i++)
      {
        class ::loop *loop = get_loop (fun, i);
        if (!loop || !loop->header)
          continue;
        struct loop record = record_of (fun, loop, profiled);
        record.line = line_of (loop->header);
        loops->push_back (record);
      }
  if (own)
    {
      loop_optimizer_finalize ();
      free_dominance_info (CDI_DOMINATORS);
    }
}

/* Loops of FUN as the user wrote them, before GCC unrolls and vectorises (-fprofile-use unrolls): their trip
   counts are those of the data.  Reads only; empty where GCC's loop tree is not up to date.  */
void
profile__source_loops (function *fun, std::vector<struct loop> *loops)
{
  loops->clear ();
  if (!current_loops || loops_state_satisfies_p (LOOPS_NEED_FIXUP))
    return;
  for (unsigned i = 1; i < number_of_loops (fun) && loops->size () < LOOPS_MAX; i++)
    {
      class ::loop *loop = get_loop (fun, i);
      if (!loop || !loop->header)
        continue;
      struct loop record = record_of (fun, loop, true);
      for (gimple_stmt_iterator gsi = gsi_start_bb (loop->header); !gsi_end_p (gsi) && !record.line;
           gsi_next (&gsi))
        if (!is_gimple_debug (gsi_stmt (gsi)) && gimple_has_location (gsi_stmt (gsi)))
          record.line = MAX (gimple_lineno (gsi_stmt (gsi)), 0);
      loops->push_back (record);
    }
}

/* Collects counts of FUN into FACTS, and its loops unless they are there already.  */
void
profile__collect (function *fun, struct profile_facts *facts)
{
  facts->calls = -1;
  facts->insns_per_call = -1;
  profile_count entry = ENTRY_BLOCK_PTR_FOR_FN (fun)->count;
  bool profiled = profile_status_for_fn (fun) == PROFILE_READ && entry.initialized_p ()
                  && entry.ipa_p ();
  if (profiled)
    {
      facts->calls = entry.to_gcov_type ();
      double executed = 0;
      basic_block bb;
      rtx_insn *insn;
      FOR_EACH_BB_FN (bb, fun)
        {
          double times = ratio (bb->count, entry);
          unsigned insns = 0;
          FOR_BB_INSNS (bb, insn)
            if (NONDEBUG_INSN_P (insn) && GET_CODE (PATTERN (insn)) != USE
                && GET_CODE (PATTERN (insn)) != CLOBBER)
              insns++;
          if (times > 0)
            executed += times * insns;
        }
      facts->insns_per_call = entry.nonzero_p () ? executed : -1;
    }
  if (facts->loops.empty ())
    collect_loops (fun, profiled, &facts->loops);
}

}
