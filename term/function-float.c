/* What the floating-point functions compute: the CPU's own instructions under a clean MXCSR (round to nearest, all
   exceptions masked), whose flags are then read back.
   An operation that this CPU lacks gives zeros; no program that uses it can run here.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <string.h>

enum { MXCSR_CLEAN = 0x1f80, MXCSR_FLAGS = 0x3f };

/* INSN on A and B (xmm), its result in A; the flags in FLAGS.  */
#define DO2(INSN) DO (INSN " %[b], %[a]")
#define DO(INSN)                                                                                              \
  __asm__ volatile ("stmxcsr %[save]\n\tldmxcsr %[clean]\n\t" INSN "\n\t"                                    \
                    "stmxcsr %[flags]\n\tldmxcsr %[save]"                                                     \
                    : [a] "+x"(a), [save] "=m"(save), [flags] "=m"(flags)                                     \
                    : [b] "x"(b), [clean] "m"(clean))
/* INSN from A into the general register R.  */
#define DO_TO_GENERAL(INSN)                                                                                   \
  __asm__ volatile ("stmxcsr %[save]\n\tldmxcsr %[clean]\n\t" INSN "\n\t"                                    \
                    "stmxcsr %[flags]\n\tldmxcsr %[save]"                                                     \
                    : [r] "=&r"(r), [save] "=m"(save), [flags] "=m"(flags)                                     \
                    : [a] "x"(a), [clean] "m"(clean))

typedef long long vector __attribute__ ((vector_size (16)));

struct outcome
{
  uint64_t value;
  unsigned flags;
};

static vector
vector__of (uint64_t value)
{
  return (vector){ (long long) value, 0 };
}

/* FADD to FCOMPARE of one width.  */
static struct outcome
arithmetic__do (enum term_function function, const uint64_t *const *arg)
{
  unsigned save, flags = 0;
  const unsigned clean = MXCSR_CLEAN;
  vector a = vector__of (*arg[0]), b = a;
  switch (function)
    {
    case FUNCTION_FSQRT32:
    case FUNCTION_FSQRT64:
    case FUNCTION_F32_TO_F64:
    case FUNCTION_F64_TO_F32:
    case FUNCTION_F16_TO_F32:
    case FUNCTION_FRCP32:
    case FUNCTION_FRSQRT32:
    case FUNCTION_FRCP14_32:
    case FUNCTION_FRCP14_64:
    case FUNCTION_FRSQRT14_32:
    case FUNCTION_FRSQRT14_64:
      break;
    default:
      b = vector__of (*arg[1]);
      break;
    }
  switch (function)
    {
    case FUNCTION_FADD32:
      DO2 ("addss");
      break;
    case FUNCTION_FADD64:
      DO2 ("addsd");
      break;
    case FUNCTION_FSUB32:
      DO2 ("subss");
      break;
    case FUNCTION_FSUB64:
      DO2 ("subsd");
      break;
    case FUNCTION_FMUL32:
      DO2 ("mulss");
      break;
    case FUNCTION_FMUL64:
      DO2 ("mulsd");
      break;
    case FUNCTION_FDIV32:
      DO2 ("divss");
      break;
    case FUNCTION_FDIV64:
      DO2 ("divsd");
      break;
    case FUNCTION_FSQRT32:
      DO2 ("sqrtss");
      break;
    case FUNCTION_FSQRT64:
      DO2 ("sqrtsd");
      break;
    case FUNCTION_F32_TO_F64:
      DO2 ("cvtss2sd");
      break;
    case FUNCTION_F64_TO_F32:
      DO2 ("cvtsd2ss");
      break;
    case FUNCTION_FRCP32:
      DO2 ("rcpss");
      break;
    case FUNCTION_FRSQRT32:
      DO2 ("rsqrtss");
      break;
    case FUNCTION_FRCP14_32:
    case FUNCTION_FRCP14_64:
    case FUNCTION_FRSQRT14_32:
    case FUNCTION_FRSQRT14_64:
      if (!__builtin_cpu_supports ("avx512f"))
        a = vector__of (0);
      else if (function == FUNCTION_FRCP14_32)
        DO ("vrcp14ss %[b], %[b], %[a]");
      else if (function == FUNCTION_FRCP14_64)
        DO ("vrcp14sd %[b], %[b], %[a]");
      else if (function == FUNCTION_FRSQRT14_32)
        DO ("vrsqrt14ss %[b], %[b], %[a]");
      else
        DO ("vrsqrt14sd %[b], %[b], %[a]");
      break;
    case FUNCTION_F16_TO_F32:
      if (__builtin_cpu_supports ("f16c"))
        DO2 ("vcvtph2ps");
      else
        a = vector__of (0);
      break;
    default:
      break;
    }
  return (struct outcome){ (uint64_t) a[0], flags & MXCSR_FLAGS };
}

/* The order that ucomiss finds, as its CF and ZF; SIGNALLING: as comiss raises.  */
static struct outcome
compare__do (bool wide, const uint64_t *const *arg, bool signalling)
{
  unsigned save, flags = 0, clean = MXCSR_CLEAN;
  unsigned char cf, zf;
  vector a = vector__of (*arg[0]), b = vector__of (*arg[1]);
#define COMPARE(INSN)                                                                                         \
  __asm__ volatile ("stmxcsr %[save]\n\tldmxcsr %[clean]\n\t" INSN " %[b], %[a]\n\t"                         \
                    "setc %[cf]\n\tsetz %[zf]\n\tstmxcsr %[flags]\n\tldmxcsr %[save]"                         \
                    : [cf] "=&q"(cf), [zf] "=&q"(zf), [save] "=m"(save), [flags] "=m"(flags)                  \
                    : [a] "x"(a), [b] "x"(b), [clean] "m"(clean)                                              \
                    : "cc")
  if (wide && signalling)
    COMPARE ("comisd");
  else if (wide)
    COMPARE ("ucomisd");
  else if (signalling)
    COMPARE ("comiss");
  else
    COMPARE ("ucomiss");
  return (struct outcome){ cf | zf << 1, flags & MXCSR_FLAGS };
}

/* x * y + z with signs by KIND; in the order of vfmadd231: z is the destination.  */
static struct outcome
fused__do (bool wide, const uint64_t *const *arg, unsigned kind)
{
  unsigned save, flags = 0, clean = MXCSR_CLEAN;
  vector x = vector__of (*arg[0]), y = vector__of (*arg[1]), a = vector__of (*arg[2]);
  if (!__builtin_cpu_supports ("fma"))
    return (struct outcome){ 0, 0 };
#define FUSE(INSN)                                                                                            \
  __asm__ volatile ("stmxcsr %[save]\n\tldmxcsr %[clean]\n\t" INSN " %[y], %[x], %[a]\n\t"                   \
                    "stmxcsr %[flags]\n\tldmxcsr %[save]"                                                     \
                    : [a] "+x"(a), [save] "=m"(save), [flags] "=m"(flags)                                     \
                    : [x] "x"(x), [y] "x"(y), [clean] "m"(clean))
#define FUSE_BOTH(NAME)                                                                                       \
  if (wide)                                                                                                   \
    FUSE (NAME "sd");                                                                                         \
  else                                                                                                        \
    FUSE (NAME "ss")
  switch (kind & 3)
    {
    case 0:
      FUSE_BOTH ("vfmadd231");
      break;
    case 1:
      FUSE_BOTH ("vfnmadd231");
      break;
    case 2:
      FUSE_BOTH ("vfmsub231");
      break;
    default:
      FUSE_BOTH ("vfnmsub231");
      break;
    }
  return (struct outcome){ (uint64_t) a[0], flags & MXCSR_FLAGS };
}

/* vrndscale: IMM is a constant of the instruction, so each has one of its own.  */
static struct outcome
round__do (bool wide, const uint64_t *const *arg, unsigned imm)
{
  unsigned save, flags = 0, clean = MXCSR_CLEAN;
  vector a = vector__of (*arg[0]), b = a;
  bool evex = __builtin_cpu_supports ("avx512f");
  if (imm > 15 ? !evex : !__builtin_cpu_supports ("sse4.1"))
    return (struct outcome){ 0, 0 };
#define ROUND(INSN)                                                                                           \
  __asm__ volatile ("stmxcsr %[save]\n\tldmxcsr %[clean]\n\t" INSN "\n\tstmxcsr %[flags]\n\tldmxcsr %[save]"  \
                    : [a] "+x"(a), [save] "=m"(save), [flags] "=m"(flags)                                     \
                    : [b] "x"(b), [clean] "m"(clean))
#define ROUND_LOW(N)                                                                                          \
  case N:                                                                                                     \
    if (wide)                                                                                                 \
      ROUND ("roundsd $" #N ", %[b], %[a]");                                                                  \
    else                                                                                                      \
      ROUND ("roundss $" #N ", %[b], %[a]");                                                                  \
    break
#define ROUND_SCALED(N)                                                                                       \
  case N:                                                                                                     \
    if (wide)                                                                                                 \
      ROUND ("vrndscalesd $" #N ", %[b], %[b], %[a]");                                                        \
    else                                                                                                      \
      ROUND ("vrndscaless $" #N ", %[b], %[b], %[a]");                                                        \
    break
#define ROUND_SCALED_4(H) ROUND_SCALED (H##0); ROUND_SCALED (H##1); ROUND_SCALED (H##2); ROUND_SCALED (H##3); \
  ROUND_SCALED (H##8); ROUND_SCALED (H##9); ROUND_SCALED (H##a); ROUND_SCALED (H##b)
  switch (imm)
    {
      ROUND_LOW (0); ROUND_LOW (1); ROUND_LOW (2); ROUND_LOW (3); ROUND_LOW (8); ROUND_LOW (9); ROUND_LOW (10);
      ROUND_LOW (11);
      ROUND_SCALED_4 (0x1); ROUND_SCALED_4 (0x2); ROUND_SCALED_4 (0x3); ROUND_SCALED_4 (0x4); ROUND_SCALED_4 (0x5);
      ROUND_SCALED_4 (0x6); ROUND_SCALED_4 (0x7); ROUND_SCALED_4 (0x8); ROUND_SCALED_4 (0x9); ROUND_SCALED_4 (0xa);
      ROUND_SCALED_4 (0xb); ROUND_SCALED_4 (0xc); ROUND_SCALED_4 (0xd); ROUND_SCALED_4 (0xe); ROUND_SCALED_4 (0xf);
    default:
      return (struct outcome){ 0, 0 };
    }
  return (struct outcome){ (uint64_t) a[0], flags & MXCSR_FLAGS };
}

static struct outcome
from_integer__do (bool wide, uint64_t from, bool is_signed)
{
  unsigned save, flags = 0, clean = MXCSR_CLEAN;
  vector a = vector__of (0);
#define FROM(INSN)                                                                                            \
  __asm__ volatile ("stmxcsr %[save]\n\tldmxcsr %[clean]\n\t" INSN "\n\tstmxcsr %[flags]\n\tldmxcsr %[save]"  \
                    : [a] "+x"(a), [save] "=m"(save), [flags] "=m"(flags)                                     \
                    : [b] "r"(from), [clean] "m"(clean))
  bool small = is_signed || !(from >> 63);
  if (!small && !__builtin_cpu_supports ("avx512f"))
    return (struct outcome){ 0, 0 };
  if (small && wide)
    FROM ("cvtsi2sdq %[b], %[a]");
  else if (small)
    FROM ("cvtsi2ssq %[b], %[a]");
  else if (wide)
    FROM ("vcvtusi2sdq %[b], %[a], %[a]");
  else
    FROM ("vcvtusi2ssq %[b], %[a], %[a]");
  return (struct outcome){ (uint64_t) a[0], flags & MXCSR_FLAGS };
}

/* TO_WIDE: 64 bits; KIND: 1 truncates, 2 unsigned.  */
static struct outcome
to_integer__do (bool from_wide, bool to_wide, uint64_t from, unsigned kind)
{
  unsigned save, flags = 0, clean = MXCSR_CLEAN;
  uint64_t r = 0;
  vector a = vector__of (from);
  if (kind & 2 && !__builtin_cpu_supports ("avx512f"))
    return (struct outcome){ 0, 0 };
  switch (kind << 2 | from_wide << 1 | to_wide)
    {
#define TO(N, NAME)                                                                                           \
  case N:                                                                                                     \
    DO_TO_GENERAL (NAME "ss2si %[a], %k[r]");                                                                 \
    break;                                                                                                    \
  case N + 1:                                                                                                 \
    DO_TO_GENERAL (NAME "ss2si %[a], %q[r]");                                                                 \
    break;                                                                                                    \
  case N + 2:                                                                                                 \
    DO_TO_GENERAL (NAME "sd2si %[a], %k[r]");                                                                 \
    break;                                                                                                    \
  case N + 3:                                                                                                 \
    DO_TO_GENERAL (NAME "sd2si %[a], %q[r]");                                                                 \
    break
      TO (0, "cvt");
      TO (4, "cvtt");
#define TO_UNSIGNED(N, NAME)                                                                                  \
  case N:                                                                                                     \
    DO_TO_GENERAL (NAME "ss2usi %[a], %k[r]");                                                                \
    break;                                                                                                    \
  case N + 1:                                                                                                 \
    DO_TO_GENERAL (NAME "ss2usi %[a], %q[r]");                                                                \
    break;                                                                                                    \
  case N + 2:                                                                                                 \
    DO_TO_GENERAL (NAME "sd2usi %[a], %k[r]");                                                                \
    break;                                                                                                    \
  case N + 3:                                                                                                 \
    DO_TO_GENERAL (NAME "sd2usi %[a], %q[r]");                                                                \
    break
      TO_UNSIGNED (8, "vcvt");
      TO_UNSIGNED (12, "vcvtt");
    }
  return (struct outcome){ to_wide ? r : (uint32_t) r, flags & MXCSR_FLAGS };
}

static struct outcome
to_half__do (uint64_t from, unsigned rounding)
{
  unsigned save, flags = 0, clean = MXCSR_CLEAN;
  vector a = vector__of (from), b = a;
  if (!__builtin_cpu_supports ("f16c"))
    return (struct outcome){ 0, 0 };
  switch (rounding & 3)
    {
    case 0:
      ROUND ("vcvtps2ph $0, %[b], %[a]");
      break;
    case 1:
      ROUND ("vcvtps2ph $1, %[b], %[a]");
      break;
    case 2:
      ROUND ("vcvtps2ph $2, %[b], %[a]");
      break;
    default:
      ROUND ("vcvtps2ph $3, %[b], %[a]");
      break;
    }
  return (struct outcome){ (uint64_t) a[0], flags & MXCSR_FLAGS };
}

/* FUNCTION, which gives a value; *OUTCOME also has its flags.  */
static bool
value__do (enum term_function function, const uint64_t *const *arg, struct outcome *outcome)
{
  switch (function)
    {
    case FUNCTION_FADD32: case FUNCTION_FADD64: case FUNCTION_FSUB32: case FUNCTION_FSUB64:
    case FUNCTION_FMUL32: case FUNCTION_FMUL64: case FUNCTION_FDIV32: case FUNCTION_FDIV64:
    case FUNCTION_FSQRT32: case FUNCTION_FSQRT64: case FUNCTION_F32_TO_F64: case FUNCTION_F64_TO_F32:
    case FUNCTION_F16_TO_F32: case FUNCTION_FRCP32: case FUNCTION_FRSQRT32: case FUNCTION_FRCP14_32:
    case FUNCTION_FRCP14_64: case FUNCTION_FRSQRT14_32: case FUNCTION_FRSQRT14_64:
      *outcome = arithmetic__do (function, arg);
      return true;
    case FUNCTION_FMA32:
    case FUNCTION_FMA64:
      *outcome = fused__do (function == FUNCTION_FMA64, arg, *arg[3]);
      return true;
    case FUNCTION_FROUND32:
    case FUNCTION_FROUND64:
      *outcome = round__do (function == FUNCTION_FROUND64, arg, *arg[1]);
      return true;
    case FUNCTION_FCOMPARE32:
    case FUNCTION_FCOMPARE64:
      *outcome = compare__do (function == FUNCTION_FCOMPARE64, arg, false);
      return true;
    case FUNCTION_INT_TO_F32:
    case FUNCTION_INT_TO_F64:
      *outcome = from_integer__do (function == FUNCTION_INT_TO_F64, *arg[0], *arg[1] & 1);
      return true;
    case FUNCTION_F32_TO_I32:
    case FUNCTION_F32_TO_I64:
    case FUNCTION_F64_TO_I32:
    case FUNCTION_F64_TO_I64:
      *outcome = to_integer__do (function == FUNCTION_F64_TO_I32 || function == FUNCTION_F64_TO_I64,
                                 function == FUNCTION_F32_TO_I64 || function == FUNCTION_F64_TO_I64, *arg[0], *arg[1] & 3);
      return true;
    case FUNCTION_F32_TO_F16:
      *outcome = to_half__do (*arg[0], *arg[1]);
      return true;
    default:
      return false;
    }
}

bool
function__compute_float (enum term_function function, const uint64_t *const *arg, uint64_t *result)
{
  struct outcome outcome;
  /* The function whose flags FUNCTION gives.  */
#define FLAGS_OF(NAME)                                                                                        \
  case FUNCTION_##NAME##_FLAGS:                                                                               \
    value__do (FUNCTION_##NAME, arg, &outcome);                                                               \
    *result = outcome.flags;                                                                                  \
    return true
  switch (function)
    {
      FLAGS_OF (FADD32); FLAGS_OF (FADD64); FLAGS_OF (FSUB32); FLAGS_OF (FSUB64); FLAGS_OF (FMUL32); FLAGS_OF (FMUL64);
      FLAGS_OF (FDIV32); FLAGS_OF (FDIV64); FLAGS_OF (FSQRT32); FLAGS_OF (FSQRT64); FLAGS_OF (FMA32); FLAGS_OF (FMA64);
      FLAGS_OF (FROUND32); FLAGS_OF (FROUND64); FLAGS_OF (INT_TO_F32); FLAGS_OF (INT_TO_F64); FLAGS_OF (F32_TO_I32);
      FLAGS_OF (F32_TO_I64); FLAGS_OF (F64_TO_I32); FLAGS_OF (F64_TO_I64); FLAGS_OF (F32_TO_F64);
      FLAGS_OF (F64_TO_F32); FLAGS_OF (F16_TO_F32); FLAGS_OF (F32_TO_F16);
    case FUNCTION_FCOMPARE32_FLAGS:
    case FUNCTION_FCOMPARE64_FLAGS:
      *result = compare__do (function == FUNCTION_FCOMPARE64_FLAGS, arg, *arg[2] & 1).flags;
      return true;
    default:
      break;
    }
  if (!value__do (function, arg, &outcome))
    return false;
  *result = word__cut (outcome.value, function__width (function));
  return true;
}
