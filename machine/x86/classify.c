/* What sort of instruction this is, and which CPU features it needs.
   Both lists fail closed: what is not known to be ordinary user code is KIND_SYSTEM, and an
   instruction set without a bit is refused.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/x86/x86.h"

#include <string.h>

/* Kinds that go by the mnemonic alone.  */
static uint32_t
mnemonic__kind (ZydisMnemonic mnemonic)
{
  switch (mnemonic)
    {
    case ZYDIS_MNEMONIC_RDTSC:
    case ZYDIS_MNEMONIC_RDTSCP:
    case ZYDIS_MNEMONIC_RDPMC:
    case ZYDIS_MNEMONIC_RDRAND:
    case ZYDIS_MNEMONIC_RDSEED:
    case ZYDIS_MNEMONIC_CPUID:
    case ZYDIS_MNEMONIC_RDPID:
    case ZYDIS_MNEMONIC_RDPRU:
    case ZYDIS_MNEMONIC_XGETBV:
    case ZYDIS_MNEMONIC_XTEST:
    case ZYDIS_MNEMONIC_RDPKRU:
    case ZYDIS_MNEMONIC_RDFSBASE:
    case ZYDIS_MNEMONIC_RDGSBASE:
    case ZYDIS_MNEMONIC_RDSSPD:
    case ZYDIS_MNEMONIC_RDSSPQ:
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFD:
    case ZYDIS_MNEMONIC_PUSHFQ:
      return KIND_NONDETERMINISTIC;

    case ZYDIS_MNEMONIC_SMSW:
    case ZYDIS_MNEMONIC_SGDT:
    case ZYDIS_MNEMONIC_SIDT:
    case ZYDIS_MNEMONIC_SLDT:
    case ZYDIS_MNEMONIC_STR:
    case ZYDIS_MNEMONIC_LAR:
    case ZYDIS_MNEMONIC_LSL:
    case ZYDIS_MNEMONIC_VERR:
    case ZYDIS_MNEMONIC_VERW:
      return KIND_SYSTEM | KIND_NONDETERMINISTIC;

    case ZYDIS_MNEMONIC_MOVNTI:
    case ZYDIS_MNEMONIC_MOVNTDQ:
    case ZYDIS_MNEMONIC_MOVNTDQA:
    case ZYDIS_MNEMONIC_MOVNTPS:
    case ZYDIS_MNEMONIC_MOVNTPD:
    case ZYDIS_MNEMONIC_MOVNTQ:
    case ZYDIS_MNEMONIC_MOVNTSD:
    case ZYDIS_MNEMONIC_MOVNTSS:
    case ZYDIS_MNEMONIC_VMOVNTDQ:
    case ZYDIS_MNEMONIC_VMOVNTDQA:
    case ZYDIS_MNEMONIC_VMOVNTPS:
    case ZYDIS_MNEMONIC_VMOVNTPD:
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
    case ZYDIS_MNEMONIC_MOVDIRI:
    case ZYDIS_MNEMONIC_MOVDIR64B:
      return KIND_NONTEMPORAL;

    case ZYDIS_MNEMONIC_LFENCE:
    case ZYDIS_MNEMONIC_SFENCE:
    case ZYDIS_MNEMONIC_MFENCE:
    case ZYDIS_MNEMONIC_SERIALIZE:
      return KIND_FENCE;

    case ZYDIS_MNEMONIC_STD:
    case ZYDIS_MNEMONIC_CLD:
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_VLDMXCSR:
      return KIND_FLAG_CONTROL;
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
      return KIND_FLAG_CONTROL | KIND_SYSTEM;
    case ZYDIS_MNEMONIC_FLDCW:
    case ZYDIS_MNEMONIC_FNCLEX:
    case ZYDIS_MNEMONIC_EMMS:
    case ZYDIS_MNEMONIC_FEMMS:
    case ZYDIS_MNEMONIC_FDECSTP:
    case ZYDIS_MNEMONIC_FINCSTP:
    case ZYDIS_MNEMONIC_FFREE:
    case ZYDIS_MNEMONIC_FFREEP:
      return KIND_FLAG_CONTROL | KIND_X87;
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FNINIT:
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
      return KIND_FLAG_CONTROL | KIND_SYSTEM | KIND_X87;

    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
      return KIND_DIVIDE;

    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_INT3:
      return KIND_TRAP;
    case ZYDIS_MNEMONIC_INT1:
    case ZYDIS_MNEMONIC_INTO:
    case ZYDIS_MNEMONIC_HLT:
      return KIND_TRAP | KIND_SYSTEM;

    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_ENDBR64:
    case ZYDIS_MNEMONIC_PAUSE:
      return KIND_NOP;

    case ZYDIS_MNEMONIC_VZEROUPPER:
    case ZYDIS_MNEMONIC_VZEROALL:
      return KIND_VZERO;

    case ZYDIS_MNEMONIC_PREFETCH:
    case ZYDIS_MNEMONIC_PREFETCHNTA:
    case ZYDIS_MNEMONIC_PREFETCHT0:
    case ZYDIS_MNEMONIC_PREFETCHT1:
    case ZYDIS_MNEMONIC_PREFETCHT2:
    case ZYDIS_MNEMONIC_PREFETCHW:
    case ZYDIS_MNEMONIC_PREFETCHWT1:
      return KIND_PREFETCH;

    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_UIRET:
    case ZYDIS_MNEMONIC_INT:
    case ZYDIS_MNEMONIC_SYSCALL:
    case ZYDIS_MNEMONIC_SYSENTER:
    case ZYDIS_MNEMONIC_ENTER: /* its nesting reads what no other instruction does */
    case ZYDIS_MNEMONIC_XLAT:
    case ZYDIS_MNEMONIC_CLFLUSH:
    case ZYDIS_MNEMONIC_CLFLUSHOPT:
    case ZYDIS_MNEMONIC_CLWB:
    case ZYDIS_MNEMONIC_CLZERO:
    case ZYDIS_MNEMONIC_CLDEMOTE:
    case ZYDIS_MNEMONIC_XBEGIN:
    case ZYDIS_MNEMONIC_XEND:
    case ZYDIS_MNEMONIC_XABORT:
    case ZYDIS_MNEMONIC_SALC:
      return KIND_SYSTEM;

    default:
      return 0;
    }
}

/* Kinds that go by Zydis's category.  */
static uint32_t
category__kind (const ZydisDecodedInstruction *zi)
{
  switch (zi->meta.category)
    {
    case ZYDIS_CATEGORY_COND_BR:
      return KIND_BRANCH;
    case ZYDIS_CATEGORY_UNCOND_BR:
      return KIND_JUMP;
    case ZYDIS_CATEGORY_CALL:
      return KIND_CALL;
    case ZYDIS_CATEGORY_RET:
      return KIND_RETURN;
    case ZYDIS_CATEGORY_STRINGOP:
      return KIND_STRING;
    case ZYDIS_CATEGORY_AVX2GATHER:
    case ZYDIS_CATEGORY_GATHER:
      return KIND_GATHER;
    case ZYDIS_CATEGORY_SCATTER:
      return KIND_SCATTER;
    case ZYDIS_CATEGORY_WIDENOP:
      return KIND_NOP;
    case ZYDIS_CATEGORY_PREFETCH:
    case ZYDIS_CATEGORY_PREFETCHWT1:
      return KIND_PREFETCH;
    case ZYDIS_CATEGORY_CET:
      return zi->mnemonic == ZYDIS_MNEMONIC_ENDBR64 ? KIND_NOP : KIND_SYSTEM;
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_SEGOP:
    case ZYDIS_CATEGORY_PKU:
    case ZYDIS_CATEGORY_RDWRFSGS:
    case ZYDIS_CATEGORY_VTX:
    case ZYDIS_CATEGORY_SGX:
    case ZYDIS_CATEGORY_SMAP:
    case ZYDIS_CATEGORY_XSAVE:
    case ZYDIS_CATEGORY_XSAVEOPT:
    case ZYDIS_CATEGORY_UINTR:
    case ZYDIS_CATEGORY_KEYLOCKER:
    case ZYDIS_CATEGORY_KEYLOCKER_WIDE:
    case ZYDIS_CATEGORY_ENQCMD:
    case ZYDIS_CATEGORY_MPX:
    case ZYDIS_CATEGORY_WAITPKG:
    case ZYDIS_CATEGORY_PT:
    case ZYDIS_CATEGORY_PCONFIG:
    case ZYDIS_CATEGORY_AMX_TILE:
    case ZYDIS_CATEGORY_SERIALIZE:
    case ZYDIS_CATEGORY_HRESET:
    case ZYDIS_CATEGORY_TSX_LDTRK:
    case ZYDIS_CATEGORY_PADLOCK:
    case ZYDIS_CATEGORY_CLDEMOTE:
    case ZYDIS_CATEGORY_CLFLUSHOPT:
    case ZYDIS_CATEGORY_CLWB:
    case ZYDIS_CATEGORY_CLZERO:
    case ZYDIS_CATEGORY_MOVDIR:
      return KIND_SYSTEM;
    case ZYDIS_CATEGORY_INTERRUPT:
      return zi->mnemonic == ZYDIS_MNEMONIC_INT3 || zi->mnemonic == ZYDIS_MNEMONIC_UD2
               || zi->mnemonic == ZYDIS_MNEMONIC_UD1 || zi->mnemonic == ZYDIS_MNEMONIC_UD0
               ? 0
               : KIND_SYSTEM;
    default:
      return 0;
    }
}

/* Divisions and square roots have names of their own kind only.  */
static bool
name__divides (const char *name)
{
  if (*name == 'v')
    name++;
  return strncmp (name, "div", 3) == 0 || strncmp (name, "sqrt", 4) == 0
         || strncmp (name, "fdiv", 4) == 0 || strncmp (name, "fidiv", 5) == 0
         || strcmp (name, "fsqrt") == 0 || strncmp (name, "fprem", 5) == 0
         || strcmp (name, "fpatan") == 0 || strcmp (name, "fptan") == 0 || strcmp (name, "fsin") == 0
         || strcmp (name, "fcos") == 0 || strcmp (name, "fsincos") == 0
         || strncmp (name, "fyl2x", 5) == 0 || strcmp (name, "f2xm1") == 0;
}

/* Zydis has no class that tells for these.  */
static bool
name__raises (const char *name)
{
  static const char *const stems[] = { "round", "dpp", "fmaddc", "fcmadd", "fmulc", "fcmul" };
  if (*name == 'v')
    name++;
  for (unsigned i = 0; i < sizeof stems / sizeof *stems; i++)
    if (strncmp (name, stems[i], strlen (stems[i])) == 0)
      return true;
  return false;
}

/* True where an SSE or AVX instruction may raise floating-point exceptions, by the class that the SDM
   (volume 2, section 2.4 and 2.8) gives it: only types 2, 3, 11 and their EVEX kin have numeric ones.  */
static bool
class__raises (ZydisExceptionClass class)
{
  switch (class)
    {
    case ZYDIS_EXCEPTION_CLASS_SSE2:
    case ZYDIS_EXCEPTION_CLASS_SSE3:
    case ZYDIS_EXCEPTION_CLASS_AVX2:
    case ZYDIS_EXCEPTION_CLASS_AVX3:
    case ZYDIS_EXCEPTION_CLASS_AVX11:
    case ZYDIS_EXCEPTION_CLASS_E2:
    case ZYDIS_EXCEPTION_CLASS_E2NF:
    case ZYDIS_EXCEPTION_CLASS_E3:
    case ZYDIS_EXCEPTION_CLASS_E3NF:
    case ZYDIS_EXCEPTION_CLASS_E11:
    case ZYDIS_EXCEPTION_CLASS_E11NF:
      return true;
    default:
      return false;
    }
}

/* Kinds that go by prefixes and operands.  */
static uint32_t
operands__kind (const struct zydis_insn *x, uint32_t kind)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  uint32_t more = 0;
  if (zi->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED)
    more |= KIND_SYSTEM;
  if (zi->attributes & ZYDIS_ATTRIB_HAS_LOCK)
    more |= KIND_FENCE;
  if (zi->attributes & (ZYDIS_ATTRIB_HAS_XACQUIRE | ZYDIS_ATTRIB_HAS_XRELEASE))
    more |= KIND_FENCE | KIND_SYSTEM;
  if ((kind & KIND_STRING)
      && (zi->attributes
          & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)))
    more |= KIND_REP;
  if ((kind & (KIND_BRANCH | KIND_JUMP | KIND_CALL | KIND_RETURN))
      && zi->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
    more |= KIND_SYSTEM;
  if ((kind & (KIND_JUMP | KIND_CALL))
      && (zi->operand_count == 0 || x->op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE))
    more |= KIND_INDIRECT;
  for (unsigned i = 0; i < zi->operand_count; i++)
    {
      const ZydisDecodedOperand *op = &x->op[i];
      if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && zi->mnemonic == ZYDIS_MNEMONIC_XCHG)
        more |= KIND_FENCE;
      if (op->type == ZYDIS_OPERAND_TYPE_POINTER)
        more |= KIND_SYSTEM;
      if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
        continue;
      switch (ZydisRegisterGetClass (op->reg.value))
        {
        case ZYDIS_REGCLASS_X87:
        case ZYDIS_REGCLASS_MMX:
          more |= KIND_X87;
          break;
        case ZYDIS_REGCLASS_SEGMENT:
        case ZYDIS_REGCLASS_TEST:
        case ZYDIS_REGCLASS_CONTROL:
        case ZYDIS_REGCLASS_DEBUG:
        case ZYDIS_REGCLASS_TABLE:
        case ZYDIS_REGCLASS_BOUND:
          /* Reading a segment register tells what the kernel put there.  */
          more |= KIND_SYSTEM;
          break;
        default:
          if (op->reg.value == ZYDIS_REGISTER_MXCSR
              && !(kind & KIND_FLAG_CONTROL)
              && (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            more |= KIND_FP;
          break;
        }
    }
  if (zi->meta.isa_ext == ZYDIS_ISA_EXT_X87 || zi->meta.isa_ext == ZYDIS_ISA_EXT_MMX
      || zi->meta.isa_set == ZYDIS_ISA_SET_SSE3X87 || zi->meta.isa_set == ZYDIS_ISA_SET_FCMOV
      || zi->meta.isa_set == ZYDIS_ISA_SET_SSE2MMX || zi->meta.isa_set == ZYDIS_ISA_SET_SSSE3MMX)
    more |= KIND_X87;
  if (class__raises (zi->meta.exception_class)
      || name__raises (ZydisMnemonicGetString (zi->mnemonic)))
    more |= KIND_FP;
  if ((more & KIND_X87) && zi->meta.isa_ext != ZYDIS_ISA_EXT_MMX)
    more |= KIND_FP;
  return more;
}

#define B(ID) ISA_BIT (ID)
#define F512 (B (AVX512F) | B (AVX2) | B (AVX))
#define VL (F512 | B (AVX512VL))

/* The features that Zydis's instruction set SET needs, 0 where it has no bit here.  */
static uint64_t
set__features (ZydisISASet set)
{
  switch (set)
    {
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I286PROTECTED:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_PENTIUMREAL:
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_PPRO:
    case ZYDIS_ISA_SET_CMOV:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_FAT_NOP:
    case ZYDIS_ISA_SET_LONGMODE:
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_PAUSE:
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
      return B (BASE);
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE_PREFETCH:
      return B (SSE);
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
    case ZYDIS_ISA_SET_CLFSH:
      return B (SSE2);
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSE3X87:
      return B (SSE3);
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX:
      return B (SSSE3);
    case ZYDIS_ISA_SET_SSE4:
      return B (SSE4_1);
    case ZYDIS_ISA_SET_SSE42:
      return B (SSE4_2);
    case ZYDIS_ISA_SET_POPCNT:
      return B (POPCNT);
    case ZYDIS_ISA_SET_CMPXCHG16B:
      return B (CX16);
    case ZYDIS_ISA_SET_LAHF:
      return B (SAHF);
    case ZYDIS_ISA_SET_AVX:
      return B (AVX);
    case ZYDIS_ISA_SET_AVX2:
    case ZYDIS_ISA_SET_AVX2GATHER:
      return B (AVX2) | B (AVX);
    case ZYDIS_ISA_SET_FMA:
      return B (FMA) | B (AVX);
    case ZYDIS_ISA_SET_F16C:
      return B (F16C) | B (AVX);
    case ZYDIS_ISA_SET_BMI1:
      return B (BMI1);
    case ZYDIS_ISA_SET_BMI2:
      return B (BMI2);
    case ZYDIS_ISA_SET_LZCNT:
      return B (LZCNT);
    case ZYDIS_ISA_SET_MOVBE:
      return B (MOVBE);
    case ZYDIS_ISA_SET_ADOX_ADCX:
      return B (ADX);
    case ZYDIS_ISA_SET_AES:
      return B (AES);
    case ZYDIS_ISA_SET_AVXAES:
      return B (AES) | B (AVX);
    case ZYDIS_ISA_SET_PCLMULQDQ:
      return B (PCLMUL);
    case ZYDIS_ISA_SET_VPCLMULQDQ:
      return B (VPCLMULQDQ) | B (AVX);
    case ZYDIS_ISA_SET_VAES:
      return B (VAES) | B (AVX);
    case ZYDIS_ISA_SET_SHA:
      return B (SHA);
    case ZYDIS_ISA_SET_GFNI:
      return B (GFNI);
    case ZYDIS_ISA_SET_AVX_GFNI:
      return B (GFNI) | B (AVX);
    case ZYDIS_ISA_SET_AVX_VNNI:
      return B (AVXVNNI) | B (AVX2) | B (AVX);

    /* 128N: 128 bits wide, yet not part of AVX512VL.  */
    case ZYDIS_ISA_SET_AVX512F_128N:
    case ZYDIS_ISA_SET_AVX512F_512:
    case ZYDIS_ISA_SET_AVX512F_KOP:
    case ZYDIS_ISA_SET_AVX512F_SCALAR:
      return F512;
    case ZYDIS_ISA_SET_AVX512F_128:
    case ZYDIS_ISA_SET_AVX512F_256:
      return VL;
    case ZYDIS_ISA_SET_AVX512BW_128N:
    case ZYDIS_ISA_SET_AVX512BW_512:
    case ZYDIS_ISA_SET_AVX512BW_KOP:
      return F512 | B (AVX512BW);
    case ZYDIS_ISA_SET_AVX512BW_128:
    case ZYDIS_ISA_SET_AVX512BW_256:
      return VL | B (AVX512BW);
    case ZYDIS_ISA_SET_AVX512CD_512:
      return F512 | B (AVX512CD);
    case ZYDIS_ISA_SET_AVX512CD_128:
    case ZYDIS_ISA_SET_AVX512CD_256:
      return VL | B (AVX512CD);
    case ZYDIS_ISA_SET_AVX512DQ_128N:
    case ZYDIS_ISA_SET_AVX512DQ_512:
    case ZYDIS_ISA_SET_AVX512DQ_KOP:
    case ZYDIS_ISA_SET_AVX512DQ_SCALAR:
      return F512 | B (AVX512DQ);
    case ZYDIS_ISA_SET_AVX512DQ_128:
    case ZYDIS_ISA_SET_AVX512DQ_256:
      return VL | B (AVX512DQ);
    case ZYDIS_ISA_SET_AVX512_BF16_512:
      return F512 | B (AVX512BF16);
    case ZYDIS_ISA_SET_AVX512_BF16_128:
    case ZYDIS_ISA_SET_AVX512_BF16_256:
      return VL | B (AVX512BF16);
    case ZYDIS_ISA_SET_AVX512_BITALG_512:
      return F512 | B (AVX512BITALG);
    case ZYDIS_ISA_SET_AVX512_BITALG_128:
    case ZYDIS_ISA_SET_AVX512_BITALG_256:
      return VL | B (AVX512BITALG);
    case ZYDIS_ISA_SET_AVX512_FP16_128N:
    case ZYDIS_ISA_SET_AVX512_FP16_512:
    case ZYDIS_ISA_SET_AVX512_FP16_SCALAR:
      return F512 | B (AVX512FP16);
    case ZYDIS_ISA_SET_AVX512_FP16_128:
    case ZYDIS_ISA_SET_AVX512_FP16_256:
      return VL | B (AVX512FP16);
    case ZYDIS_ISA_SET_AVX512_GFNI_512:
      return F512 | B (GFNI);
    case ZYDIS_ISA_SET_AVX512_GFNI_128:
    case ZYDIS_ISA_SET_AVX512_GFNI_256:
      return VL | B (GFNI);
    case ZYDIS_ISA_SET_AVX512_IFMA_512:
      return F512 | B (AVX512IFMA);
    case ZYDIS_ISA_SET_AVX512_IFMA_128:
    case ZYDIS_ISA_SET_AVX512_IFMA_256:
      return VL | B (AVX512IFMA);
    case ZYDIS_ISA_SET_AVX512_VAES_512:
      return F512 | B (VAES);
    case ZYDIS_ISA_SET_AVX512_VAES_128:
    case ZYDIS_ISA_SET_AVX512_VAES_256:
      return VL | B (VAES);
    case ZYDIS_ISA_SET_AVX512_VBMI_512:
      return F512 | B (AVX512VBMI);
    case ZYDIS_ISA_SET_AVX512_VBMI_128:
    case ZYDIS_ISA_SET_AVX512_VBMI_256:
      return VL | B (AVX512VBMI);
    case ZYDIS_ISA_SET_AVX512_VBMI2_512:
      return F512 | B (AVX512VBMI2);
    case ZYDIS_ISA_SET_AVX512_VBMI2_128:
    case ZYDIS_ISA_SET_AVX512_VBMI2_256:
      return VL | B (AVX512VBMI2);
    case ZYDIS_ISA_SET_AVX512_VNNI_512:
      return F512 | B (AVX512VNNI);
    case ZYDIS_ISA_SET_AVX512_VNNI_128:
    case ZYDIS_ISA_SET_AVX512_VNNI_256:
      return VL | B (AVX512VNNI);
    case ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_512:
      return F512 | B (VPCLMULQDQ);
    case ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_128:
    case ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_256:
      return VL | B (VPCLMULQDQ);
    case ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_512:
      return F512 | B (AVX512VPOPCNTDQ);
    case ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_128:
    case ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_256:
      return VL | B (AVX512VPOPCNTDQ);
    default:
      return 0;
    }
}

#undef B
#undef F512
#undef VL

int
x86__classify (const struct zydis_insn *x, struct decoded_insn *insn, struct why *why)
{
  const ZydisDecodedInstruction *zi = &x->zi;
  uint32_t kind = mnemonic__kind (zi->mnemonic) | category__kind (zi);
  if (name__divides (insn->mnemonic))
    kind |= KIND_DIVIDE;
  kind |= operands__kind (x, kind);
  insn->kind = kind;

  uint64_t isa = set__features (zi->meta.isa_set);
  if (zi->mnemonic == ZYDIS_MNEMONIC_ENDBR64)
    isa = ISA_BIT (BASE); /* a no-op where the CPU doesn't track branches */
  if (zi->mnemonic == ZYDIS_MNEMONIC_PREFETCHW || zi->mnemonic == ZYDIS_MNEMONIC_PREFETCH)
    isa = ISA_BIT (PRFCHW);
  if (zi->mnemonic == ZYDIS_MNEMONIC_VPCLMULQDQ && zi->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX
      && zi->avx.vector_length == 128)
    isa = ISA_BIT (PCLMUL) | ISA_BIT (AVX);
  /* These are refused for their kind, which tells more than a missing feature.  */
  if (!isa && (kind & (KIND_SYSTEM | KIND_NONDETERMINISTIC | KIND_PREFETCH | KIND_NOP)))
    isa = ISA_BIT (BASE);
  if (!isa)
    return why__set (why, REASON_ISA, "%s (%s)", insn->mnemonic,
                     ZydisISASetGetString (zi->meta.isa_set));
  insn->isa = isa;
  return 0;
}
