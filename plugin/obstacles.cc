/* Why a function must be left alone: options, declarations, and each insn.

   Everything here is about what the text alone doesn't tell or what a replaced body could not keep
   true.  The rule for what is not known is to leave the function alone: UNSPEC_VOLATILE is
   refused unless it is on the short list of harmless ones.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "plugin/shim.h"

namespace aiopt {

/* More insns than this are not looked at: a rewrite would take a verifier hours.  */
enum { INSNS_MAX = 4000 };

/* The option that aiopt can't keep true for a replaced function, or NULL.  */
static const char *
option_obstacle (function *fun)
{
  if (crtl->profile || flag_fentry > 0)
    return "-pg or -mfentry";
  if (flag_instrument_function_entry_exit)
    return "-finstrument-functions";
  if (crtl->patch_area_size > 0 || crtl->patch_area_entry > 0)
    return "-fpatchable-function-entry";
  if (flag_sanitize)
    return "-fsanitize";
  if (flag_sanitize_coverage)
    return "-fsanitize-coverage";
  if (profile_arc_flag || flag_test_coverage)
    return "-fprofile-generate or --coverage: the code is instrumented";
  if (flag_stack_clash_protection)
    return "-fstack-clash-protection";
  if (flag_stack_check != NO_STACK_CHECK)
    return "-fstack-check";
  if (crtl->limit_stack)
    return "-fstack-limit";
  if (flag_split_stack)
    return "-fsplit-stack";
  if (flag_zero_call_used_regs
      || lookup_attribute ("zero_call_used_regs", DECL_ATTRIBUTES (fun->decl)))
    return "-fzero-call-used-regs";
  if (fun->machine->indirect_branch_type != indirect_branch_unset
      && fun->machine->indirect_branch_type != indirect_branch_keep)
    return "-mindirect-branch";
  if (fun->machine->function_return_type != indirect_branch_unset
      && fun->machine->function_return_type != indirect_branch_keep)
    return "-mfunction-return";
  if (AIOPT_HARDEN_SLS)
    return "-mharden-sls";
  if (ix86_flag_record_return)
    return "-mrecord-return";
  if (ix86_instrument_return != instrument_return_none)
    return "-minstrument-return";
  if (flag_callgraph_info)
    return "-fcallgraph-info";
  if (flag_stack_usage)
    return "-fstack-usage";
  if (flag_debug_asm || flag_print_asm_name)
    return "-dA or -dp";
  if (dwarf2out_do_frame () && !dwarf2out_do_cfi_asm ())
    return "-fno-dwarf2-cfi-asm";
  if (flag_non_call_exceptions)
    return "-fnon-call-exceptions";
  if (flag_signaling_nans)
    return "-fsignaling-nans";
  if (flag_tm)
    return "-fgnu-tm";
  if (flag_inhibit_size_directive)
    return "-finhibit-size-directive";
#if GCCPLUGIN_VERSION_MAJOR >= 12
  if (flag_harden_compares || flag_harden_conditional_branches)
    return "-fharden-compares or -fharden-conditional-branches";
#endif
  if (!TARGET_RED_ZONE)
    return "-mno-red-zone";
  if (ix86_cmodel != CM_SMALL && ix86_cmodel != CM_SMALL_PIC)
    return "-mcmodel";
  if (!TARGET_SSE2 || TARGET_GENERAL_REGS_ONLY)
    return "-mno-sse2 or -mgeneral-regs-only";
  if (ix86_sse2avx)
    return "-msse2avx";
  if (PREFERRED_STACK_BOUNDARY != 128 || INCOMING_STACK_BOUNDARY < 128)
    return "-mpreferred-stack-boundary";
  if (ix86_force_align_arg_pointer)
    return "-mstackrealign";
  return NULL;
}

/* -ffixed-, -fcall-used-, -fcall-saved- given, or global register variables?  */
static const char *
register_obstacle (void)
{
  for (unsigned i = 0; i < save_decoded_options_count; i++)
    switch (save_decoded_options[i].opt_index)
      {
      case OPT_ffixed_:
      case OPT_fcall_used_:
      case OPT_fcall_saved_:
        return save_decoded_options[i].orig_option_with_args_text;
      default:
        break;
      }
  for (unsigned i = 0; i < FIRST_PSEUDO_REGISTER; i++)
    if (global_regs[i])
      return "a global register variable";
  return NULL;
}

/* True and *WHY where FUN, the current function, is to be left alone for its options, its declaration or its frame.  */
bool
obstacles__of_function (function *fun, struct why *why)
{
  tree decl = fun->decl;
  tree type = TREE_TYPE (decl);
  if (!TARGET_64BIT || TARGET_X32 || ASSEMBLER_DIALECT != ASM_ATT)
    return why__set (why, REASON_NOT_TARGET, "%s",
                     !TARGET_64BIT ? "-m32" : TARGET_X32 ? "-mx32" : "-masm=intel");
  static const char *const conventions[] = {
    "naked", "interrupt", "no_caller_saved_registers", "ms_abi", "regparm", "fastcall", "thiscall",
    "sseregparm", "ms_hook_prologue", "force_align_arg_pointer", "fentry_name", "fentry_section",
    "function_return", "indirect_branch", "patchable_function_entry", "transaction_safe"
  };
  for (const char *name : conventions)
    if (lookup_attribute (name, DECL_ATTRIBUTES (decl))
        || lookup_attribute (name, TYPE_ATTRIBUTES (type)))
      return why__set (why, REASON_CALL_CONVENTION, "attribute %s", name);
  if (const char *option = option_obstacle (fun))
    return why__set (why, REASON_OPTION, "%s", option);
  if (const char *option = register_obstacle ())
    return why__set (why, REASON_OPTION, "%s", option);
  if (fun->machine->call_abi != SYSV_ABI)
    return why__set (why, REASON_CALL_CONVENTION, "ms_abi");
  if (fun->machine->func_type != TYPE_NORMAL || fun->machine->no_caller_saved_registers)
    return why__set (why, REASON_CALL_CONVENTION, "an interrupt handler");
  if (crtl->accesses_prior_frames || crtl->calls_eh_return || crtl->saves_all_registers)
    return why__set (why, REASON_CALL_CONVENTION, "it looks at its caller's frame");
  cgraph_node *node = cgraph_node::get (decl);
  if (!node || node->thunk || node->alias)
    return why__set (why, REASON_THUNK, "%s", "");
  if (node->ifunc_resolver)
    return why__set (why, REASON_THUNK, "an ifunc resolver");
  if (TREE_THIS_VOLATILE (decl))
    return why__set (why, REASON_CALL_CONVENTION, "it never returns");
  if (DECL_STATIC_CHAIN (decl) || fun->static_chain_decl)
    return why__set (why, REASON_NESTED, "%s", "");
  if (fun->calls_setjmp || fun->has_nonlocal_label || crtl->has_nonlocal_goto
      || fun->has_forced_label_in_static)
    return why__set (why, REASON_SETJMP, "%s", fun->calls_setjmp ? "setjmp" : "a label's address");
  if (fun->calls_alloca)
    return why__set (why, REASON_ALLOCA, "%s", "");
  if (fun->stdarg)
    return why__set (why, REASON_VARARGS, "%s", "");
  if (crtl->stack_protect_guard)
    return why__set (why, REASON_STACK_PROTECTOR, "%s", "");
  return false;
}

/* Harmless although volatile: they print nothing, or what a replaced function keeps anyway.  */
static bool
is_harmless_unspecv (int code)
{
  return code == UNSPECV_BLOCKAGE || code == UNSPECV_PROLOGUE_USE || code == UNSPECV_NOP_ENDBR
         || code == UNSPECV_UD2;
}

/* vzeroupper, which is a call in RTL.  */
bool
obstacle__is_vzeroupper (const rtx_insn *insn)
{
  const_rtx pattern = PATTERN (insn);
  if (GET_CODE (pattern) != PARALLEL || XVECLEN (pattern, 0) < 2)
    return false;
  const_rtx mark = XVECEXP (pattern, 0, XVECLEN (pattern, 0) - 1);
  for (int i = 0; i < XVECLEN (pattern, 0); i++)
    {
      mark = XVECEXP (pattern, 0, i);
      if (GET_CODE (mark) == UNSPEC && XINT (mark, 1) == AIOPT_UNSPEC_CALLEE_ABI)
        return true;
    }
  return false;
}

/* True and *WHY where X, inside INSN, is an obstacle.  */
static bool
rtx_obstacle (const rtx_insn *insn, const_rtx x, struct why *why)
{
  switch (GET_CODE (x))
    {
    case ASM_OPERANDS:
    case ASM_INPUT:
      return why__set (why, REASON_INLINE_ASM, "line %d", insn_line (insn));
    case MEM:
      if (!MEM_VOLATILE_P (x) || GET_CODE (XEXP (x, 0)) == SCRATCH)
        return false;
      if (MEM_ALIAS_SET (x) == ALIAS_SET_MEMORY_BARRIER)
        return why__set (why, REASON_ATOMIC, "line %d", insn_line (insn));
      return why__set (why, REASON_VOLATILE, "line %d", insn_line (insn));
    case SYMBOL_REF:
      if (SYMBOL_REF_TLS_MODEL (x) != TLS_MODEL_NONE)
        return why__set (why, REASON_TLS, "%s", targetm.strip_name_encoding (XSTR (x, 0)));
      if (SYMBOL_REF_DECL (x) && TREE_CODE (SYMBOL_REF_DECL (x)) == FUNCTION_DECL
          && DECL_STATIC_CHAIN (SYMBOL_REF_DECL (x)))
        return why__set (why, REASON_NESTED, "%s", targetm.strip_name_encoding (XSTR (x, 0)));
      return false;
    case UNSPEC_VOLATILE:
      switch (XINT (x, 1))
        {
        case UNSPECV_CMPXCHG:
        case UNSPECV_XCHG:
        case UNSPECV_LOCK:
        case UNSPECV_SPECULATION_BARRIER:
          return why__set (why, REASON_ATOMIC, "line %d", insn_line (insn));
        default:
          if (is_harmless_unspecv (XINT (x, 1)))
            return false;
          return why__set (why, REASON_VOLATILE, "line %d: %s", insn_line (insn),
                           INSN_CODE (insn) >= 0 ? get_insn_name (INSN_CODE (insn))
                                                 : "a volatile operation");
        }
    case UNSPEC:
      switch (XINT (x, 1))
        {
        case UNSPEC_TP:
        case UNSPEC_TLS_GD:
        case UNSPEC_TLS_LD_BASE:
        case UNSPEC_TLSDESC:
        case UNSPEC_TPOFF:
        case UNSPEC_NTPOFF:
        case UNSPEC_DTPOFF:
        case UNSPEC_GOTTPOFF:
        case UNSPEC_GOTNTPOFF:
        case UNSPEC_INDNTPOFF:
          return why__set (why, REASON_TLS, "line %d", insn_line (insn));
        case UNSPEC_SP_SET:
        case UNSPEC_SP_TEST:
          return why__set (why, REASON_STACK_PROTECTOR, "%s", "");
        case UNSPEC_LFENCE:
        case UNSPEC_SFENCE:
        case UNSPEC_MFENCE:
        case UNSPEC_PAUSE:
        case UNSPEC_LDA:
        case UNSPEC_STA:
        case UNSPEC_FILD_ATOMIC:
        case UNSPEC_FIST_ATOMIC:
        case UNSPEC_LDX_ATOMIC:
        case UNSPEC_STX_ATOMIC:
          return why__set (why, REASON_ATOMIC, "line %d", insn_line (insn));
        case UNSPEC_MEMORY_BLOCKAGE:
          /* GCC puts one before a frame is given back; others are compiler fences.  */
          if (prologue_epilogue_contains (insn))
            return false;
          return why__set (why, REASON_ATOMIC, "a compiler fence at line %d", insn_line (insn));
        case UNSPEC_STACK_ALLOC:
        case UNSPEC_PROBE_STACK:
          return why__set (why, REASON_OPTION, "%s", "stack probes");
        default:
          return false;
        }
    default:
      return false;
    }
}

/* True and *WHY where some insn of the current function is an obstacle.  To be called right before `final`.  */
bool
obstacles__of_insns (struct why *why)
{
  if (crtl->uses_eh_lsda)
    return why__set (why, REASON_EXCEPTIONS, "%s", "");
  unsigned n = 0;
  for (rtx_insn *insn = get_insns (); insn; insn = NEXT_INSN (insn))
    {
      if (LABEL_P (insn))
        {
          /* A label whose address is taken; jump tables' own labels are such, too.  */
          rtx_insn *next = NEXT_INSN (insn);
          if (LABEL_PRESERVE_P (insn) && !(next && JUMP_TABLE_DATA_P (next)))
            return why__set (why, REASON_SETJMP, "%s", "a label's address is taken");
          continue;
        }
      if (!NONDEBUG_INSN_P (insn))
        continue;
      if (++n > INSNS_MAX)
        return why__set (why, REASON_TOO_LARGE, "more than %d insns", INSNS_MAX);
      if (CALL_P (insn) && obstacle__is_vzeroupper (insn))
        continue;
      if (CALL_P (insn) && find_reg_note (insn, REG_SETJMP, NULL_RTX))
        return why__set (why, REASON_SETJMP, "line %d", insn_line (insn));
      subrtx_iterator::array_type array;
      FOR_EACH_SUBRTX (iter, array, PATTERN (insn), ALL)
        if (rtx_obstacle (insn, *iter, why))
          return true;
    }
  return false;
}

}
