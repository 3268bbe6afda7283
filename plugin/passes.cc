/* The three passes: aiopt_scan while there is a flow graph, aiopt_begin and aiopt_end around `final`; and a small
   one, aiopt_trips, that notes the trip counts of a profile before GCC unrolls loops.

   Between begin and end GCC prints into a memory stream instead of the assembler file.  Afterwards the text is
   written out as it is, or with its body replaced.  A function that isn't wanted, or that must be left
   alone, is not even captured.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/shim.h"

namespace aiopt {

/* The function that the passes are at: GCC compiles one after another.  */
struct current_function_state
{
  function *fun;           /* NULL where it is to be left alone */
  struct profile_facts profile;
  struct region *region;
  FILE *file;              /* GCC's assembler file while capturing */
  FILE *capture;
  char *text;
  size_t length;
  size_t prefix;           /* bytes at the start of TEXT that are ours, see print_section */
};

static struct plugin_core *the_core;
static struct current_function_state state;

/* What aiopt_trips saw of the function that is being compiled.  */
static function *trips_of;
static std::vector<struct loop> trips;

static const char *
assembler_name (tree decl)
{
  return targetm.strip_name_encoding (IDENTIFIER_POINTER (DECL_ASSEMBLER_NAME (decl)));
}

/* Does DECL have attribute aiopt ("off")?  */
static bool
is_off (tree decl)
{
  for (tree attribute = lookup_attribute ("aiopt", DECL_ATTRIBUTES (decl)); attribute;
       attribute = lookup_attribute ("aiopt", TREE_CHAIN (attribute)))
    for (tree argument = TREE_VALUE (attribute); argument; argument = TREE_CHAIN (argument))
      if (TREE_CODE (TREE_VALUE (argument)) == STRING_CST
          && !strcmp (TREE_STRING_POINTER (TREE_VALUE (argument)), "off"))
        return true;
  return false;
}

/* Notes in the report, and for hot functions in -fopt-info and the dump file, that DECL is left alone for WHY.  */
static void
leave_alone (tree decl, const struct why *why)
{
  expanded_location where = expand_location (DECL_SOURCE_LOCATION (decl));
  core__left_alone (the_core, assembler_name (decl), where.file ? where.file : "",
                    where.line > 0 ? where.line : 0, why);
  if (why->reason == REASON_COLD || !dump_enabled_p ())
    return;
  dump_printf_loc (MSG_MISSED_OPTIMIZATION, dump_user_location_t::from_location_t (DECL_SOURCE_LOCATION (decl)), "aiopt: %s left alone: %s%s%s\n",
                   assembler_name (decl), reason__text (why->reason), *why->detail ? ": " : "",
                   why->detail);
}

/* Looks whether FUN is wanted, and collects what is gone after this pass.  */
static void
scan (function *fun)
{
  tree decl = fun->decl;
  struct why why = {};
  state = current_function_state ();
  if (trips_of == fun)
    state.profile.loops.swap (trips);
  trips_of = NULL;

  bool by_attribute = lookup_attribute ("hot", DECL_ATTRIBUTES (decl)) != NULL_TREE;
  bool by_profile = profile__is_hot (fun);
  const char *name = DECL_NAME (decl) ? IDENTIFIER_POINTER (DECL_NAME (decl)) : "";
  if (!core__wants (the_core, assembler_name (decl), name, by_attribute, by_profile))
    {
      why.reason = REASON_COLD;
      leave_alone (decl, &why);
      return;
    }
  if (is_off (decl))
    why__set (&why, REASON_OFF, "attribute");
  else if (!optimize || optimize_debug)
    why__set (&why, REASON_OPTION, "%s", optimize ? "-Og" : "-O0");
  if (why.reason != REASON_NONE || obstacles__of_function (fun, &why))
    {
      leave_alone (decl, &why);
      return;
    }
  profile__collect (fun, &state.profile);
  state.profile.hot_by_profile = by_profile;
  state.fun = fun;
}

/* Prints to CAPTURE a directive for the section that the assembler is in.  GCC doesn't repeat it for the next
   function of the same section, and the text alone shall say where it stands.  Returns its length.  Another function's
   COMDAT section can't be named without its group; the captured text then starts with a section of its own.  */
static size_t
print_section (FILE *capture)
{
  int length = 0;
  if (in_section == text_section)
    length = fprintf (capture, "\t.text\n");
  else if (in_section && SECTION_STYLE (in_section) == SECTION_NAMED
           && (in_section->common.flags & SECTION_DECLARED)
           && (in_section->common.flags & SECTION_CODE)
           && !(in_section->common.flags & SECTION_LINKONCE))
    length = fprintf (capture, "\t.section\t%s\n", in_section->named.name);
  return length > 0 ? length : 0;
}

/* Starts capturing, unless an insn forbids it.  */
static void
begin (function *fun)
{
  if (state.fun != fun)
    return;
  struct why why = {};
  struct arena *arena = arena__new ();
  struct region *region = ARENA_NEW (arena, struct region);
  region->arena = arena;
  if (obstacles__of_function (fun, &why) || obstacles__of_insns (&why)
      || !facts__collect (fun, &state.profile, region, &why))
    {
      leave_alone (fun->decl, &why);
      arena__free (arena);
      state.fun = NULL;
      return;
    }
  state.capture = open_memstream (&state.text, &state.length);
  if (!state.capture)
    {
      arena__free (arena);
      state.fun = NULL;
      return;
    }
  state.prefix = print_section (state.capture);
  state.region = region;
  state.file = asm_out_file;
  asm_out_file = state.capture;
}

/* What GCC tells callers compiled later about the function must be true for the new code as well: it may
   change every register that a call may, and wants the stack aligned as the ABI says.  */
static void
tell_callers (function *fun)
{
  if (cgraph_rtl_info *info = cgraph_node::rtl_info (fun->decl))
    info->function_used_regs |= crtl->abi->full_and_partial_reg_clobbers ();
  if (crtl->preferred_stack_boundary < PREFERRED_STACK_BOUNDARY)
    crtl->preferred_stack_boundary = PREFERRED_STACK_BOUNDARY;
}

/* Ends capturing and writes GCC's text, or the new one.  */
static void
end (function *fun)
{
  if (state.fun != fun)
    return;
  bool good = fclose (state.capture) == 0;
  asm_out_file = state.file;
  struct region *region = state.region;
  struct core_decision decision = {};
  decision.action = CORE_KEEP;
  if (!good)
    fatal_error (input_location, "aiopt: no memory for the assembler text of %qD", fun->decl);

  region->text = state.text;
  core__decide (the_core, region, &decision);
  if (decision.action == CORE_REPLACE && decision.text)
    {
      fputs (decision.text, asm_out_file);
      tell_callers (fun);
    }
  else
    fwrite (state.text + state.prefix, 1, state.length - state.prefix, asm_out_file);

  if (decision.remark && dump_enabled_p ())
    dump_printf_loc (decision.action == CORE_REPLACE ? MSG_OPTIMIZED_LOCATIONS : MSG_MISSED_OPTIMIZATION,
                     dump_user_location_t::from_location_t (DECL_SOURCE_LOCATION (fun->decl)), "%s\n", decision.remark);
  free (decision.text);
  free (decision.remark);
  arena__free (region->arena);
  free (state.text);
  state = current_function_state ();
}

static pass_data
data_of (const char *name, enum opt_pass_type type = RTL_PASS)
{
  pass_data data = { type, name, OPTGROUP_OTHER, TV_PLUGIN_RUN, 0, 0, 0, 0, 0 };
  return data;
}

static const pass_data scan_data = data_of ("aiopt_scan");
static const pass_data begin_data = data_of ("aiopt_begin");
static const pass_data end_data = data_of ("aiopt_end");

static const pass_data trips_data = data_of ("aiopt_trips", GIMPLE_PASS);

class trips_pass : public gimple_opt_pass
{
public:
  trips_pass (gcc::context *context) : gimple_opt_pass (trips_data, context) {}
  bool gate (function *fun) final override { return profile_status_for_fn (fun) == PROFILE_READ; }
  unsigned int execute (function *fun) final override
  {
    profile__source_loops (fun, &trips);
    trips_of = fun;
    return 0;
  }
};

class scan_pass : public rtl_opt_pass
{
public:
  scan_pass (gcc::context *context) : rtl_opt_pass (scan_data, context) {}
  unsigned int execute (function *fun) final override { scan (fun); return 0; }
};

class begin_pass : public rtl_opt_pass
{
public:
  begin_pass (gcc::context *context) : rtl_opt_pass (begin_data, context) {}
  bool gate (function *fun) final override { return state.fun == fun; }
  unsigned int execute (function *fun) final override { begin (fun); return 0; }
};

class end_pass : public rtl_opt_pass
{
public:
  end_pass (gcc::context *context) : rtl_opt_pass (end_data, context) {}
  bool gate (function *fun) final override { return state.fun == fun; }
  unsigned int execute (function *fun) final override { end (fun); return 0; }
};

/* Puts the passes into GCC's list, deciding by CORE.  */
void
passes__register (const char *plugin_name, struct plugin_core *core)
{
  the_core = core;
  struct register_pass_info trips_info
    = { new trips_pass (g), "loop", 1, PASS_POS_INSERT_BEFORE };
  struct register_pass_info scan_info
    = { new scan_pass (g), "*free_cfg", 1, PASS_POS_INSERT_BEFORE };
  struct register_pass_info begin_info
    = { new begin_pass (g), "final", 1, PASS_POS_INSERT_BEFORE };
  struct register_pass_info end_info
    = { new end_pass (g), "final", 1, PASS_POS_INSERT_AFTER };
  register_callback (plugin_name, PLUGIN_PASS_MANAGER_SETUP, NULL, &scan_info);
  register_callback (plugin_name, PLUGIN_PASS_MANAGER_SETUP, NULL, &trips_info);
  register_callback (plugin_name, PLUGIN_PASS_MANAGER_SETUP, NULL, &begin_info);
  register_callback (plugin_name, PLUGIN_PASS_MANAGER_SETUP, NULL, &end_info);
}

}
