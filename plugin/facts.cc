/* The region record of the current function, but for its text: everything GCC knows at the final
   stage that a binary tool can't.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/shim.h"

namespace aiopt {

enum
{
  INIT_MAX = 64 * 1024,  /* bytes of a read-only global's initialiser that are kept */
  GLOBALS_MAX = 64,
  CALLEES_MAX = 32,
  ALIAS_GLOBAL = 1000    /* alias pairs number globals from here */
};

/* One call or symbol that the insns have, while collecting.  */
struct reference_set
{
  std::vector<struct global> globals;
  std::vector<tree> global_decls; /* side by side with globals; NULL_TREE for functions and unknown */
  std::vector<struct constant> constants;
  std::vector<struct callee> callees;
};

/* The instruction set of the current function's own flags.  */
static uint64_t
isa_of_target (void)
{
  uint64_t set = ISA_BIT (BASE);
#define HAS(TEST, ID) if (TEST) set |= ISA_BIT (ID)
  HAS (TARGET_SSE, SSE); HAS (TARGET_SSE2, SSE2); HAS (TARGET_SSE3, SSE3);
  HAS (TARGET_SSSE3, SSSE3); HAS (TARGET_SSE4_1, SSE4_1); HAS (TARGET_SSE4_2, SSE4_2);
  HAS (TARGET_POPCNT, POPCNT); HAS (TARGET_CMPXCHG16B, CX16); HAS (TARGET_SAHF, SAHF);
  HAS (TARGET_AVX, AVX); HAS (TARGET_AVX2, AVX2); HAS (TARGET_FMA, FMA); HAS (TARGET_F16C, F16C);
  HAS (TARGET_BMI, BMI1); HAS (TARGET_BMI2, BMI2); HAS (TARGET_LZCNT, LZCNT);
  HAS (TARGET_MOVBE, MOVBE); HAS (TARGET_ADX, ADX); HAS (TARGET_AES, AES);
  HAS (TARGET_PCLMUL, PCLMUL); HAS (TARGET_SHA, SHA); HAS (TARGET_GFNI, GFNI);
  HAS (TARGET_VAES, VAES); HAS (TARGET_VPCLMULQDQ, VPCLMULQDQ); HAS (TARGET_PRFCHW, PRFCHW);
  HAS (TARGET_AVX512F, AVX512F); HAS (TARGET_AVX512CD, AVX512CD); HAS (TARGET_AVX512BW, AVX512BW);
  HAS (TARGET_AVX512DQ, AVX512DQ); HAS (TARGET_AVX512VL, AVX512VL);
  HAS (TARGET_AVX512IFMA, AVX512IFMA); HAS (TARGET_AVX512VBMI, AVX512VBMI);
  HAS (TARGET_AVX512VBMI2, AVX512VBMI2); HAS (TARGET_AVX512VNNI, AVX512VNNI);
  HAS (TARGET_AVX512BITALG, AVX512BITALG); HAS (TARGET_AVX512VPOPCNTDQ, AVX512VPOPCNTDQ);
  HAS (TARGET_AVX512BF16, AVX512BF16); HAS (TARGET_AVXVNNI, AVXVNNI);
#if GCCPLUGIN_VERSION_MAJOR >= 12
  HAS (TARGET_AVX512FP16, AVX512FP16);
#endif
#undef HAS
  return set;
}

/* True where the current function touches floating point.  */
static bool
uses_floating_point (void)
{
  subrtx_iterator::array_type array;
  for (rtx_insn *insn = get_insns (); insn; insn = NEXT_INSN (insn))
    if (NONDEBUG_INSN_P (insn))
      FOR_EACH_SUBRTX (iter, array, PATTERN (insn), ALL)
        if (FLOAT_MODE_P (GET_MODE (*iter)))
          return true;
  return false;
}

static uint32_t
fp_flags (void)
{
  uint32_t fp = 0;
  if (flag_trapping_math)
    fp |= FP_TRAPPING;
  if (flag_unsafe_math_optimizations || flag_associative_math || flag_reciprocal_math)
    fp |= FP_FAST;
  if (flag_finite_math_only)
    fp |= FP_FINITE;
  if (!flag_signed_zeros)
    fp |= FP_NO_SIGNED_ZERO;
  if (flag_rounding_math)
    fp |= FP_ROUNDING;
  if (uses_floating_point ())
    fp |= FP_USES;
  return fp;
}

static const char *
assembler_name (const_rtx symbol)
{
  return targetm.strip_name_encoding (XSTR (symbol, 0));
}

/* Adds the bytes of VALUE, a constant initialiser of SIZE bytes.  NULL where they are not plain.  */
static const uint8_t *
bytes_of_tree (struct arena *arena, tree value, uint64_t size)
{
  if (size == 0 || size > INIT_MAX)
    return NULL;
  unsigned char *bytes = (unsigned char *) arena__alloc (arena, size);
  if (!value)
    return bytes; /* zeros */
  if (TREE_CODE (value) == STRING_CST)
    {
      /* A literal in the constant pool may be shorter or longer than its array.  */
      memcpy (bytes, TREE_STRING_POINTER (value), MIN (size, (uint64_t) TREE_STRING_LENGTH (value)));
      return bytes;
    }
  return native_encode_initializer (value, bytes, size) == (int) size ? bytes : NULL;
}

static struct constant *
find_constant (struct reference_set *set, const char *label)
{
  for (struct constant &constant : set->constants)
    if (!strcmp (constant.label, label))
      return &constant;
  return NULL;
}

/* An entry of GCC's own pool of RTL constants.  */
static bool
add_pool_constant (struct region *region, struct reference_set *set, const_rtx symbol, struct why *why)
{
  const char *label = assembler_name (symbol);
  if (find_constant (set, label))
    return true;
  fixed_size_mode mode = get_pool_mode (symbol);
  unsigned size = GET_MODE_SIZE (mode);
  auto_vec<target_unit, 128> bytes;
  if (!native_encode_rtx (mode, get_pool_constant (symbol), bytes, 0, size)
      || bytes.length () != size)
    return !why__set (why, REASON_CONSTANT, "%s", label);
  struct constant constant = {};
  constant.label = arena__strdup (region->arena, label);
  constant.align = GET_MODE_ALIGNMENT (mode) / BITS_PER_UNIT;
  constant.size = size;
  constant.bytes = (const uint8_t *) arena__memdup (region->arena, bytes.address (), size);
  set->constants.push_back (constant);
  return true;
}

/* A string literal or another constant in memory with a label of GCC's own.  */
static bool
add_tree_constant (struct region *region, struct reference_set *set, const_rtx symbol, struct why *why)
{
  const char *label = assembler_name (symbol);
  if (find_constant (set, label))
    return true;
  tree decl = SYMBOL_REF_DECL (symbol);
  tree value = decl ? DECL_INITIAL (decl) : NULL_TREE;
  tree size = value ? TYPE_SIZE_UNIT (TREE_TYPE (decl)) : NULL_TREE;
  if (value && TREE_CODE (value) == STRING_CST && !(size && tree_fits_uhwi_p (size)))
    size = size_int (TREE_STRING_LENGTH (value));
  const uint8_t *bytes = NULL;
  if (value && size && tree_fits_uhwi_p (size))
    bytes = bytes_of_tree (region->arena, value, tree_to_uhwi (size));
  if (!bytes)
    return !why__set (why, REASON_CONSTANT, "%s", label);
  struct constant constant = {};
  constant.label = arena__strdup (region->arena, label);
  constant.align = MAX (DECL_ALIGN_UNIT (decl), 1);
  constant.size = tree_to_uhwi (size);
  constant.bytes = bytes;
  set->constants.push_back (constant);
  return true;
}

/* A variable or function whose address the code uses.  */
static void
add_global (struct region *region, struct reference_set *set, type_table *types, const_rtx symbol)
{
  const char *name = assembler_name (symbol);
  for (struct global &global : set->globals)
    if (!strcmp (global.name, name))
      return;
  tree decl = SYMBOL_REF_DECL (symbol);
  struct global global = {};
  global.name = arena__strdup (region->arena, name);
  global.size = -1;
  global.align = 1;
  tree variable = NULL_TREE;
  if (decl && TREE_CODE (decl) == FUNCTION_DECL)
    {
      global.is_function = true;
      global.readonly = true;
      global.type = types->add (TREE_TYPE (decl));
    }
  else if (decl && VAR_P (decl))
    {
      variable = decl;
      global.type = types->add (TREE_TYPE (decl));
      tree size = DECL_SIZE_UNIT (decl);
      if (size && tree_fits_shwi_p (size))
        global.size = tree_to_shwi (size);
      global.align = DECL_ALIGN_UNIT (decl);
      if (DECL_EXTERNAL (decl) || !decl_binds_to_current_def_p (decl))
        /* Elsewhere it may be defined with no more than its type asks for.  */
        global.align = MIN (global.align, (uint32_t) TYPE_ALIGN_UNIT (TREE_TYPE (decl)));
      global.readonly = TREE_READONLY (decl) && !TREE_THIS_VOLATILE (decl)
                        && !TREE_SIDE_EFFECTS (decl)
                        && !TYPE_NEEDS_CONSTRUCTING (TREE_TYPE (decl));
      varpool_node *node = varpool_node::get (decl);
      if (global.readonly && global.size > 0 && node && !DECL_EXTERNAL (decl)
          && decl_binds_to_current_def_p (decl) && node->ctor_useable_for_folding_p ())
        {
          tree value = ctor_for_folding (decl);
          if (value != error_mark_node)
            global.init = bytes_of_tree (region->arena, value, global.size);
        }
    }
  set->globals.push_back (global);
  set->global_decls.push_back (variable);
}

/* Collects what X, a part of an insn but no call's target, refers to.  */
static bool
add_references (struct region *region, struct reference_set *set, type_table *types, const_rtx x,
                const_rtx call_target, struct why *why)
{
  subrtx_iterator::array_type array;
  FOR_EACH_SUBRTX (iter, array, x, ALL)
    {
      const_rtx symbol = *iter;
      if (call_target && symbol == call_target)
        {
          iter.skip_subrtxes ();
          continue;
        }
      if (GET_CODE (symbol) != SYMBOL_REF)
        continue;
      if (CONSTANT_POOL_ADDRESS_P (symbol))
        {
          if (!add_pool_constant (region, set, symbol, why))
            return false;
        }
      else if (TREE_CONSTANT_POOL_ADDRESS_P (symbol))
        {
          if (!add_tree_constant (region, set, symbol, why))
            return false;
        }
      else
        add_global (region, set, types, symbol);
      if (set->globals.size () > GLOBALS_MAX || set->constants.size () > 256)
        return !why__set (why, REASON_TOO_LARGE, "too many globals");
    }
  return true;
}

/* The type of the function that CALL calls, or NULL.  */
static tree
call_type (const rtx_insn *call, tree decl)
{
  if (decl)
    return TREE_TYPE (decl);
  const_rtx memory = XEXP (get_call_rtx_from (call), 0);
  tree expr = MEM_P (memory) ? MEM_EXPR (memory) : NULL_TREE;
  tree type = expr ? TREE_TYPE (expr) : NULL_TREE;
  return type && FUNC_OR_METHOD_TYPE_P (type) ? type : NULL_TREE;
}

/* Adds the arguments of FROM that INTO has not: one entry stands for all calls of a symbol.  */
static bool
merge_callee (struct callee *into, const struct callee *from)
{
  for (unsigned i = 0; i < from->n_arguments; i++)
    {
      bool found = false;
      for (unsigned j = 0; j < into->n_arguments && !found; j++)
        found = into->argument[j].n_locations == from->argument[i].n_locations
                && !memcmp (into->argument[j].location, from->argument[i].location,
                            sizeof from->argument[i].location);
      if (found)
        continue;
      if (into->n_arguments == sizeof into->argument / sizeof *into->argument)
        return false;
      into->argument[into->n_arguments++] = from->argument[i];
    }
  into->is_noreturn &= from->is_noreturn;
  into->is_pure &= from->is_pure;
  into->is_const &= from->is_const;
  into->is_varargs |= from->is_varargs;
  into->has_stack_arguments |= from->has_stack_arguments;
  into->is_ipa_ra |= from->is_ipa_ra;
  into->is_tail |= from->is_tail;
  if (!into->result.n_locations)
    into->result = from->result;
  return true;
}

/* Adds CALL to SET.  *TARGET is the symbol called, or NULL.  */
static bool
add_call (struct region *region, struct reference_set *set, type_table *types, const rtx_insn *call,
          bool maybe_stack, const_rtx *target, struct why *why)
{
  tree decl = get_call_fndecl (call);
  tree type = call_type (call, decl);
  const_rtx address = XEXP (XEXP (get_call_rtx_from (call), 0), 0);
  *target = NULL;
  if (GET_CODE (address) == SYMBOL_REF)
    *target = address;
  else if (MEM_P (address))
    {
      /* -fno-plt: through the GOT.  */
      subrtx_iterator::array_type array;
      FOR_EACH_SUBRTX (iter, array, address, ALL)
        if (GET_CODE (*iter) == UNSPEC && XINT (*iter, 1) == UNSPEC_GOTPCREL
            && GET_CODE (XVECEXP (*iter, 0, 0)) == SYMBOL_REF)
          *target = XVECEXP (*iter, 0, 0);
    }

  static const char *const conventions[] = {
    "ms_abi", "regparm", "fastcall", "thiscall", "sseregparm", "interrupt",
    "no_caller_saved_registers"
  };
  for (const char *name : conventions)
    if ((type && lookup_attribute (name, TYPE_ATTRIBUTES (type)))
        || (decl && lookup_attribute (name, DECL_ATTRIBUTES (decl))))
      return !why__set (why, REASON_CALL_CONVENTION, "a call of a function with attribute %s", name);
  if (decl && setjmp_call_p (decl))
    return !why__set (why, REASON_SETJMP, "%s", "");

  struct callee callee;
  if (!value__callee (call, type, decl, maybe_stack, types, &callee, why))
    return false;
  callee.name = *target ? arena__strdup (region->arena, assembler_name (*target)) : NULL;

  function_abi abi = insn_callee_abi (call);
  if (abi.id () != default_function_abi.id ())
    return !why__set (why, REASON_CALL_CONVENTION, "a call with another register convention");
  callee.is_ipa_ra = abi.full_and_partial_reg_clobbers ()
                     != abi.base_abi ().full_and_partial_reg_clobbers ();

  for (struct callee &known : set->callees)
    if (callee.name ? known.name && !strcmp (known.name, callee.name) : !known.name)
      {
        if (!merge_callee (&known, &callee))
          return !why__set (why, REASON_CALL_CONVENTION, "calls with too many different arguments");
        return true;
      }
  if (set->callees.size () == CALLEES_MAX)
    return !why__set (why, REASON_TOO_LARGE, "more than %d callees", CALLEES_MAX);
  set->callees.push_back (callee);
  return true;
}

/* Does some call of the current function pass arguments on the stack?  */
static bool
passes_on_stack (void)
{
  if (maybe_ne (crtl->outgoing_args_size, 0))
    return true;
  for (rtx_insn *insn = get_insns (); insn; insn = NEXT_INSN (insn))
    if (NONDEBUG_INSN_P (insn))
      {
        rtx note = find_reg_note (insn, REG_ARGS_SIZE, NULL_RTX);
        if (note && (!CONST_INT_P (XEXP (note, 0)) || INTVAL (XEXP (note, 0)) != 0))
          return true;
      }
  return false;
}

static bool
collect_references (struct region *region, struct reference_set *set, type_table *types,
                    struct why *why)
{
  bool maybe_stack = passes_on_stack ();
  for (rtx_insn *insn = get_insns (); insn; insn = NEXT_INSN (insn))
    {
      if (!NONDEBUG_INSN_P (insn))
        continue;
      const_rtx target = NULL;
      if (CALL_P (insn))
        {
          if (obstacle__is_vzeroupper (insn))
            continue;
          if (!add_call (region, set, types, insn, maybe_stack, &target, why))
            return false;
        }
      if (!add_references (region, set, types, PATTERN (insn), target, why))
        return false;
    }
  region->n_globals = set->globals.size ();
  region->global = (struct global *) arena__memdup (region->arena, set->globals.data (),
                                                    set->globals.size () * sizeof (struct global));
  region->n_constants = set->constants.size ();
  region->constant
    = (struct constant *) arena__memdup (region->arena, set->constants.data (),
                                         set->constants.size () * sizeof (struct constant));
  region->n_callees = set->callees.size ();
  region->callee = (struct callee *) arena__memdup (region->arena, set->callees.data (),
                                                    set->callees.size () * sizeof (struct callee));
  return true;
}

/* One thing that memory can be reached through, for alias pairs.  */
struct root
{
  unsigned number;
  alias_set_type set;
};

static void
collect_aliases (function *fun, struct region *region, const struct reference_set *set)
{
  std::vector<struct root> roots;
  unsigned number = 0;
  tree decl = fun->decl;
  if (region->n_parameters && !region->parameter[0].name && region->parameter[0].by_reference
      && aggregate_value_p (DECL_RESULT (decl), decl))
    number++; /* the place of the result has no name that anything else could have */
  for (tree parm = DECL_ARGUMENTS (decl); parm; parm = DECL_CHAIN (parm), number++)
    if (POINTER_TYPE_P (TREE_TYPE (parm)) && !FUNC_OR_METHOD_TYPE_P (TREE_TYPE (TREE_TYPE (parm))))
      roots.push_back ({ number, get_deref_alias_set (TREE_TYPE (parm)) });
  for (size_t i = 0; i < set->globals.size (); i++)
    if (set->global_decls[i] && !set->globals[i].readonly)
      roots.push_back ({ (unsigned) (ALIAS_GLOBAL + i), get_alias_set (set->global_decls[i]) });

  std::vector<struct alias_pair> pairs;
  for (size_t i = 0; i < roots.size (); i++)
    for (size_t j = i + 1; j < roots.size (); j++)
      {
        if (roots[i].number >= ALIAS_GLOBAL && roots[j].number >= ALIAS_GLOBAL)
          continue; /* two names, two objects */
        if (!flag_strict_aliasing || alias_sets_conflict_p (roots[i].set, roots[j].set))
          pairs.push_back ({ roots[i].number, roots[j].number });
      }
  region->n_aliases = pairs.size ();
  region->alias = (struct alias_pair *) arena__memdup (region->arena, pairs.data (),
                                                       pairs.size () * sizeof (struct alias_pair));
}

/* The last line of FUN, or 0.  */
static unsigned
last_line (function *fun)
{
  expanded_location where = expand_location (fun->function_end_locus);
  return where.line > 0 ? where.line : 0;
}

/* The text of attribute aiopt of DECL other than "off" and "constant-time".  */
static void
collect_attributes (tree decl, struct region *region)
{
  for (tree attribute = lookup_attribute ("aiopt", DECL_ATTRIBUTES (decl)); attribute;
       attribute = lookup_attribute ("aiopt", TREE_CHAIN (attribute)))
    for (tree argument = TREE_VALUE (attribute); argument; argument = TREE_CHAIN (argument))
      {
        if (TREE_CODE (TREE_VALUE (argument)) != STRING_CST)
          continue;
        const char *text = TREE_STRING_POINTER (TREE_VALUE (argument));
        if (!strcmp (text, "constant-time"))
          region->constant_time = true;
        else if (strcmp (text, "off") != 0)
          region->hint = region->hint ? arena__printf (region->arena, "%s %s", region->hint, text)
                                      : arena__strdup (region->arena, text);
      }
}

/* Fills REGION from FUN and PROFILE.  */
bool
facts__collect (function *fun, const struct profile_facts *profile, struct region *region,
                struct why *why)
{
  tree decl = fun->decl;
  struct arena *arena = region->arena;
  type_table types (arena);
  struct reference_set set;

  expanded_location where = expand_location (DECL_SOURCE_LOCATION (decl));
  region->function
    = arena__strdup (arena, targetm.strip_name_encoding (
                              IDENTIFIER_POINTER (DECL_ASSEMBLER_NAME (decl))));
  region->source_name = arena__strdup (arena, lang_hooks.decl_printable_name (decl, 2));
  region->file = arena__strdup (arena, where.file ? where.file : main_input_filename);
  region->line = where.line > 0 ? where.line : 0;
  region->last_line = last_line (fun);
  collect_attributes (decl, region);
  options__collect (region);

  region->isa = isa_of_target ();
  region->fp = fp_flags ();
  region->strict_aliasing = flag_strict_aliasing;
  region->needs_cfi = dwarf2out_do_frame ();
  for (rtx_insn *insn = get_insns (); insn; insn = NEXT_INSN (insn))
    if (NONDEBUG_INSN_P (insn) && GET_CODE (PATTERN (insn)) == UNSPEC_VOLATILE
        && XINT (PATTERN (insn), 1) == UNSPECV_NOP_ENDBR)
      region->endbr = true;
  if (fun->machine->insn_queued_at_entrance == TYPE_ENDBR)
    region->endbr = true;

  if (!value__parameters (fun, &types, region, why)
      || !collect_references (region, &set, &types, why))
    return false;
  collect_aliases (fun, region, &set);
  types.store (region);

  region->calls = profile->calls;
  region->insns_per_call = profile->insns_per_call;
  region->n_loops = profile->loops.size ();
  region->loop = (struct loop *) arena__memdup (arena, profile->loops.data (),
                                                profile->loops.size () * sizeof (struct loop));
  return true;
}

}
