/* What the files of the plugin's C++ side share.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SHIM_H
#define AIOPT_SHIM_H

#include "plugin/gcc-common.h"

namespace aiopt {

/* What aiopt_scan learns while there is a flow graph.  */
struct profile_facts
{
  bool hot_by_profile;
  int64_t calls;           /* -1 unknown */
  double insns_per_call;   /* negative unknown */
  std::vector<struct loop> loops;
};

/* profile.cc: whether PROFILE or attribute call FUN hot, and its counts and loops.  */
bool profile__is_hot (function *fun);
void profile__collect (function *fun, struct profile_facts *facts);
void profile__source_loops (function *fun, std::vector<struct loop> *loops);

/* obstacles.cc: true and *WHY where the current function must be left alone.  The first looks at options and
   declarations, the second at every insn (after the last RTL pass).  */
bool obstacles__of_function (function *fun, struct why *why);
bool obstacles__of_insns (struct why *why);
bool obstacle__is_vzeroupper (const rtx_insn *insn);

/* types.cc: the region's table of types.  Index 0 is void.  */
class type_table
{
public:
  explicit type_table (struct arena *arena);
  unsigned add (tree type, unsigned depth = 0);
  unsigned add_pointer (unsigned element);
  unsigned add_function (unsigned result);
  unsigned add_integer (unsigned size);
  unsigned add_mode (machine_mode mode);
  void store (struct region *region) const;
  unsigned size () const { return m_types.size (); }
private:
  struct arena *m_arena;
  std::vector<struct type> m_types;
  hash_map<tree, unsigned> m_known;
};

/* facts.cc: fills REGION (its arena is set) from the current function, but for the text.  False and *WHY
   where something can't be described.  */
bool facts__collect (function *fun, const struct profile_facts *profile, struct region *region,
                     struct why *why);

/* driver.cc: how the compiler was called, into REGION.  */
void options__collect (struct region *region);

/* values.cc: where a parameter, result or argument is.  False where it can't be said.  */
bool value__from_rtx (struct value *value, const_rtx where, uint64_t size);
bool value__parameters (function *fun, type_table *types, struct region *region, struct why *why);
bool value__callee (const rtx_insn *call, tree type, tree decl, bool maybe_stack, type_table *types,
                    struct callee *callee, struct why *why);

/* passes.cc.  */
void passes__register (const char *plugin_name, struct plugin_core *core);

}

#endif
