/* Where values are: parameters, results, and what calls take and give.

   The function's own parameters come from DECL_INCOMING_RTL, as the expander left it; those of its callees
   from the calling convention of the call's type, checked against the registers that the call
   insn says it uses.  Where they disagree, the insn is right.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/shim.h"

namespace aiopt {

/* Sets *KIND and *NUMBER to what GCC's hard register REGNO is.  False for others than general, vector, x87.  */
static bool
hardware_register (unsigned regno, enum location_kind *kind, uint32_t *number)
{
  static const uint8_t legacy[8] = { 0, 2, 1, 3, 6, 7, 5, 4 }; /* ax dx cx bx si di bp sp */
  *kind = LOCATION_GPR;
  if (LEGACY_INT_REGNO_P (regno))
    *number = legacy[regno];
  else if (REX_INT_REGNO_P (regno))
    *number = regno - FIRST_REX_INT_REG + 8;
  else if (STACK_REGNO_P (regno))
    {
      *kind = LOCATION_X87;
      *number = regno - FIRST_STACK_REG;
    }
  else if (SSE_REGNO_P (regno))
    {
      *kind = LOCATION_VEC;
      *number = regno <= (unsigned) LAST_SSE_REG ? regno - FIRST_SSE_REG
                : regno <= (unsigned) LAST_REX_SSE_REG ? regno - FIRST_REX_SSE_REG + 8
                                                       : regno - FIRST_EXT_REX_SSE_REG + 16;
    }
  else
    return false;
  return true;
}

/* Adds the part of a value of SIZE bytes that REG holds, from OFFSET of the value.  */
static bool
add_register (struct value *value, const_rtx reg, uint64_t offset, uint64_t size)
{
  if (!REG_P (reg) || !HARD_REGISTER_P (reg))
    return false;
  unsigned words = REG_NREGS (reg);
  uint64_t bytes = GET_MODE_SIZE (GET_MODE (reg)).to_constant ();
  if (STACK_REGNO_P (REGNO (reg)) && bytes / words > 10)
    bytes = 10 * words; /* the registers have no padding */
  uint64_t each = words > 1 ? bytes / words : bytes;
  uint64_t stride = STACK_REGNO_P (REGNO (reg)) ? 16 : each;
  for (unsigned i = 0; i < words; i++)
    {
      uint64_t at = offset + i * stride;
      if (at >= size)
        break;
      if (value->n_locations == LOCATIONS_MAX)
        return false;
      struct location *location = &value->location[value->n_locations];
      if (!hardware_register (REGNO (reg) + i, &location->kind, &location->number))
        return false;
      location->offset = at;
      location->size = MIN (each, size - at);
      value->n_locations++;
    }
  return true;
}

/* Sets the locations of VALUE, SIZE bytes large, to what WHERE says.  False where it says something else than
   registers or a place among the incoming stack arguments.  */
bool
value__from_rtx (struct value *value, const_rtx where, uint64_t size)
{
  value->n_locations = 0;
  if (size == 0)
    return true;
  if (!where)
    return false;
  switch (GET_CODE (where))
    {
    case REG:
      return add_register (value, where, 0, size);
    case CONCAT:
      return add_register (value, XEXP (where, 0), 0, size)
             && add_register (value, XEXP (where, 1),
                              GET_MODE_SIZE (GET_MODE (XEXP (where, 0))).to_constant (), size);
    case PARALLEL:
      for (int i = 0; i < XVECLEN (where, 0); i++)
        {
          const_rtx piece = XVECEXP (where, 0, i);
          if (GET_CODE (piece) != EXPR_LIST || !XEXP (piece, 0)
              || !CONST_INT_P (XEXP (piece, 1))
              || !add_register (value, XEXP (piece, 0), INTVAL (XEXP (piece, 1)), size))
            return false;
        }
      return value->n_locations > 0;
    case MEM:
      {
        const_rtx address = XEXP (where, 0);
        HOST_WIDE_INT offset = 0;
        if (GET_CODE (address) == PLUS && CONST_INT_P (XEXP (address, 1)))
          {
            offset = INTVAL (XEXP (address, 1));
            address = XEXP (address, 0);
          }
        /* With a dynamically realigned stack the pointer to the arguments is a pseudo of its own.  */
        if (address != arg_pointer_rtx && address != crtl->args.internal_arg_pointer)
          return false;
        if (offset < 0 || size > 4096)
          return false;
        value->n_locations = 1;
        value->location[0].kind = LOCATION_STACK;
        value->location[0].number = offset;
        value->location[0].offset = 0;
        value->location[0].size = size;
        return true;
      }
    default:
      return false;
    }
}

static void
set_gpr (struct value *value, unsigned number, unsigned size)
{
  value->n_locations = 1;
  value->location[0].kind = LOCATION_GPR;
  value->location[0].number = number;
  value->location[0].offset = 0;
  value->location[0].size = size;
}

/* The size of a value of TYPE, 0 where it takes no place, false where it isn't a constant.  */
static bool
size_of (const_tree type, uint64_t *size)
{
  *size = 0;
  if (VOID_TYPE_P (type) || TYPE_EMPTY_P (type))
    return true;
  if (!TYPE_SIZE_UNIT (type) || !tree_fits_uhwi_p (TYPE_SIZE_UNIT (type)))
    return false;
  *size = tree_to_uhwi (TYPE_SIZE_UNIT (type));
  return true;
}

/* Fills REGION's parameters and result from FUN.  A result in memory is a first parameter without name, the
   pointer to it, and the result is that pointer.  */
bool
value__parameters (function *fun, type_table *types, struct region *region, struct why *why)
{
  enum { HARDWARE_RDI = 7, HARDWARE_RAX = 0 };
  tree decl = fun->decl;
  tree result = DECL_RESULT (decl);
  tree type = result ? TREE_TYPE (result) : void_type_node;
  std::vector<struct value> values;
  uint64_t size;

  bool in_memory = result && !VOID_TYPE_P (type) && aggregate_value_p (result, decl);
  if (in_memory)
    {
      struct value value = {};
      bool by_reference = DECL_BY_REFERENCE (result) && POINTER_TYPE_P (type);
      value.type = by_reference ? types->add (type) : types->add_pointer (types->add (type));
      value.by_reference = true;
      value.is_restrict = true; /* nothing else can name a result that doesn't exist yet */
      set_gpr (&value, HARDWARE_RDI, 8);
      values.push_back (value);
      region->result = value;
      region->result.is_restrict = false;
      set_gpr (&region->result, HARDWARE_RAX, 8);
    }
  else
    {
      memset (&region->result, 0, sizeof region->result);
      region->result.type = types->add (type);
      if (!size_of (type, &size))
        return !why__set (why, REASON_UNSUPPORTED_TYPE, "the result has no constant size");
      if (size
          && !value__from_rtx (&region->result,
                               targetm.calls.function_value (type, decl, true), size))
        return !why__set (why, REASON_STACK_ARGUMENTS, "the result");
    }

  for (tree parm = DECL_ARGUMENTS (decl); parm; parm = DECL_CHAIN (parm))
    {
      struct value value = {};
      const char *name = DECL_NAME (parm) ? IDENTIFIER_POINTER (DECL_NAME (parm)) : NULL;
      type = TREE_TYPE (parm);
      value.name = arena__strdup (region->arena, name);
      value.by_reference = DECL_BY_REFERENCE (parm);
      value.is_restrict = POINTER_TYPE_P (type)
                          && (TYPE_RESTRICT (type)
                              || (TREE_CODE (type) == REFERENCE_TYPE && TYPE_RESTRICT (type)));
      if (TREE_ADDRESSABLE (type) || !size_of (type, &size))
        return !why__set (why, REASON_STACK_ARGUMENTS, "parameter %s", name ? name : "without name");
      value.type = types->add (type);
      if (!value__from_rtx (&value, DECL_INCOMING_RTL (parm), size))
        return !why__set (why, REASON_STACK_ARGUMENTS, "parameter %s", name ? name : "without name");
      values.push_back (value);
    }
  region->n_parameters = values.size ();
  region->parameter = ARENA_ARRAY (region->arena, struct value, values.size ());
  if (!values.empty ())
    memcpy (region->parameter, values.data (), values.size () * sizeof (struct value));
  return true;
}

/* What the calling convention says of a call of TYPE (DECL or NULL): arguments and result into *CALLEE.
   False where it has no description; *STACK set where some argument goes to the stack.  */
static bool
convention_of (tree type, tree decl, type_table *types, struct callee *callee, bool *stack)
{
  if (!prototype_p (type))
    return false;
  tree result = TREE_TYPE (type);
  uint64_t size;
  unsigned n = 0;
  const unsigned max = sizeof callee->argument / sizeof *callee->argument;

  /* The simulation may not warn about the ABI again, nor change what the expander keeps.  */
  bool silent = cfun->machine->silent_p, available = cfun->machine->arg_reg_available;
  CUMULATIVE_ARGS cum;
  INIT_CUMULATIVE_ARGS (cum, type, NULL_RTX, decl, -1);
  cum.warn_avx512f = cum.warn_avx = cum.warn_sse = cum.warn_mmx = false;
  cfun->machine->silent_p = true;
  bool good = true;

  if (!VOID_TYPE_P (result) && aggregate_value_p (result, type))
    {
      struct value *value = &callee->argument[n++];
      value->type = types->add_pointer (types->add (result));
      value->by_reference = true;
      set_gpr (value, 7, 8);
      callee->result.type = value->type;
      set_gpr (&callee->result, 0, 8);
      function_arg_info hidden (build_pointer_type (result), true);
      targetm.calls.function_arg_advance (pack_cumulative_args (&cum), hidden);
    }
  else if (!VOID_TYPE_P (result))
    {
      callee->result.type = types->add (result);
      good = size_of (result, &size)
             && (!size
                 || value__from_rtx (&callee->result,
                                     targetm.calls.function_value (result, decl ? decl : type, false),
                                     size));
    }

  function_args_iterator iterator;
  tree argument;
  FOREACH_FUNCTION_ARGS (type, argument, iterator)
    {
      if (VOID_TYPE_P (argument))
        break;
      function_arg_info info (argument, true);
      bool by_reference = pass_by_reference (&cum, info);
      if (by_reference)
        {
          tree pointer = build_pointer_type (argument);
          info = function_arg_info (pointer, true);
        }
      else
        {
          /* As the expander promotes.  */
          int unsignedp = TYPE_UNSIGNED (argument);
          info.mode = promote_function_mode (argument, TYPE_MODE (argument), &unsignedp, type, 0);
        }
      rtx where = targetm.calls.function_arg (pack_cumulative_args (&cum), info);
      targetm.calls.function_arg_advance (pack_cumulative_args (&cum), info);
      if (by_reference)
        size = 8;
      else if (!size_of (argument, &size))
        good = false;
      if (!size)
        continue;
      if (!where || (GET_CODE (where) == PARALLEL && !XEXP (XVECEXP (where, 0, 0), 0)))
        {
          *stack = true;
          continue;
        }
      if (n == max)
        {
          good = false;
          break;
        }
      struct value *value = &callee->argument[n];
      value->type = by_reference ? types->add_pointer (types->add (argument)) : types->add (argument);
      value->by_reference = by_reference;
      value->is_restrict = POINTER_TYPE_P (argument) && TYPE_RESTRICT (argument);
      if (!value__from_rtx (value, where, size))
        {
          good = false;
          break;
        }
      n++;
    }
  cfun->machine->silent_p = silent;
  cfun->machine->arg_reg_available = available;
  callee->n_arguments = n;
  return good;
}

/* The place of hard register REGNO among the registers that carry arguments.  */
static unsigned
convention_rank (unsigned regno)
{
  switch (regno)
    {
    case DI_REG: return 0;
    case SI_REG: return 1;
    case DX_REG: return 2;
    case CX_REG: return 3;
    case R8_REG: return 4;
    case R9_REG: return 5;
    case AX_REG: return 1000;
    default: return 10 + regno;
    }
}

/* Fills *CALLEE from CALL, whose type is TYPE (or NULL) and whose target is DECL (or NULL).
   MAYBE_STACK: some call of this function passes arguments on the stack.  */
bool
value__callee (const rtx_insn *call, tree type, tree decl, bool maybe_stack, type_table *types,
               struct callee *callee, struct why *why)
{
  struct callee described = {};
  bool stack = false;
  bool known = type && convention_of (type, decl, types, &described, &stack);
  bool varargs = !type || !prototype_p (type) || stdarg_p (type);

  /* What the insn uses.  */
  std::vector<const_rtx> used;
  for (const_rtx link = CALL_INSN_FUNCTION_USAGE (call); link; link = XEXP (link, 1))
    {
      const_rtx use = XEXP (link, 0);
      if (GET_CODE (use) != USE)
        continue;
      const_rtx what = XEXP (use, 0);
      if (MEM_P (what))
        {
          stack = true;
          continue;
        }
      if (!REG_P (what) || !HARD_REGISTER_P (what))
        continue;
      /* The stack pointer, and the GOT's register of older code models, are no arguments.  */
      if (REGNO (what) == SP_REG || REGNO (what) == ARG_POINTER_REGNUM)
        continue;
      if (REGNO (what) == R10_REG)
        return !why__set (why, REASON_CALL_CONVENTION, "a call with a static chain");
      used.push_back (what);
    }

  /* In the order in which the convention hands registers out: rdi rsi rdx rcx r8 r9, vectors, al.  */
  std::stable_sort (used.begin (), used.end (), [] (const_rtx a, const_rtx b) {
    return convention_rank (REGNO (a)) < convention_rank (REGNO (b));
  });
  struct callee plain = {};
  uint64_t in_use = 0, vec_in_use = 0; /* by hardware number */
  for (size_t i = 0; i < used.size (); i++)
    {
      struct value value = {};
      value.type = types->add_mode (GET_MODE (used[i]));
      if (!value__from_rtx (&value, used[i], GET_MODE_SIZE (GET_MODE (used[i])).to_constant ())
          || plain.n_arguments == sizeof plain.argument / sizeof *plain.argument)
        return !why__set (why, REASON_CALL_CONVENTION, "a call with unusual arguments");
      for (unsigned j = 0; j < value.n_locations; j++)
        (value.location[j].kind == LOCATION_GPR ? in_use : vec_in_use)
          |= UINT64_C (1) << value.location[j].number;
      plain.argument[plain.n_arguments++] = value;
    }

  if (known)
    {
      uint64_t gpr = 0, vec = 0;
      for (unsigned i = 0; i < described.n_arguments; i++)
        for (unsigned j = 0; j < described.argument[i].n_locations; j++)
          {
            const struct location *location = &described.argument[i].location[j];
            (location->kind == LOCATION_GPR ? gpr : vec) |= UINT64_C (1) << location->number;
          }
      if ((gpr & ~in_use) || (vec & ~vec_in_use))
        known = false;
      else
        /* Variable arguments, and the count of vector registers in %al.  */
        for (unsigned i = 0; i < plain.n_arguments; i++)
          {
            const struct location *location = &plain.argument[i].location[0];
            bool covered = location->kind == LOCATION_GPR ? (gpr >> location->number) & 1
                                                          : (vec >> location->number) & 1;
            if (covered)
              continue;
            if (described.n_arguments == sizeof plain.argument / sizeof *plain.argument)
              return !why__set (why, REASON_CALL_CONVENTION, "a call with too many arguments");
            described.argument[described.n_arguments++] = plain.argument[i];
          }
    }
  if (known)
    *callee = described;
  else
    {
      *callee = plain;
      const_rtx pattern = PATTERN (call);
      if (GET_CODE (pattern) == PARALLEL)
        pattern = XVECEXP (pattern, 0, 0);
      if (GET_CODE (pattern) == SET)
        {
          const_rtx target = SET_DEST (pattern);
          uint64_t size = 0;
          if (GET_CODE (target) == PARALLEL)
            for (int i = 0; i < XVECLEN (target, 0); i++)
              {
                const_rtx piece = XVECEXP (target, 0, i);
                size = MAX (size,
                            INTVAL (XEXP (piece, 1))
                              + GET_MODE_SIZE (GET_MODE (XEXP (piece, 0))).to_constant ());
              }
          else
            size = GET_MODE_SIZE (GET_MODE (target)).to_constant ();
          callee->result.type = REG_P (target) ? types->add_mode (GET_MODE (target))
                                               : types->add_integer (size);
          if (!value__from_rtx (&callee->result, target, size))
            return !why__set (why, REASON_CALL_CONVENTION, "a call with an unusual result");
        }
    }
  callee->type = type ? types->add (type) : types->add_function (callee->result.type);
  callee->is_varargs = varargs;
  callee->has_stack_arguments = stack || (!known && maybe_stack) || (varargs && maybe_stack);
  callee->is_noreturn = find_reg_note (call, REG_NORETURN, NULL_RTX) != NULL_RTX;
  callee->is_const = RTL_CONST_CALL_P (call);
  callee->is_pure = RTL_PURE_CALL_P (call);
  callee->is_tail = SIBLING_CALL_P (call);
  return true;
}

}
