/* Products and quotients.
   The low half of a product is that of the low halves, so it is built narrow; a quotient is built wide only where
   the dividend is more than a single one extended.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/integer.h"

/* The halves of the double-width product of A and B.  */
static const struct term *
product__low (struct run *run, const struct term *a, const struct term *b)
{
  return term__mul (run->terms, a, b);
}

static const struct term *
product__high (struct run *run, const struct term *a, const struct term *b, bool is_signed)
{
  struct terms *terms = run->terms;
  unsigned width = a->width;
  const struct term *product
    = is_signed ? term__mul (terms, term__sext (terms, a, 2 * width), term__sext (terms, b, 2 * width))
                : term__mul (terms, term__zext (terms, a, 2 * width), term__zext (terms, b, 2 * width));
  return term__extract (terms, product, width, width);
}

/* The halves that mul, div and their like have their double-width operand in.  */
static const struct halves
{
  ZydisRegister high, low;
} halves_8 = { ZYDIS_REGISTER_AH, ZYDIS_REGISTER_AL }, halves_16 = { ZYDIS_REGISTER_DX, ZYDIS_REGISTER_AX },
  halves_32 = { ZYDIS_REGISTER_EDX, ZYDIS_REGISTER_EAX }, halves_64 = { ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_RAX };

static struct halves
halves__of (unsigned width)
{
  switch (width)
    {
    case 8:
      return halves_8;
    case 16:
      return halves_16;
    case 32:
      return halves_32;
    default:
      return halves_64;
    }
}

/* mul and imul with one operand.  */
static int
product__double (struct run *run, bool is_signed)
{
  const struct term *b = operand__read (run, 0);
  if (!b)
    return -1;
  struct halves halves = halves__of (b->width);
  const struct term *a = gpr__read (run, halves.low);
  gpr__write (run, halves.low, product__low (run, a, b));
  gpr__write (run, halves.high, product__high (run, a, b, is_signed));
  run->cpu->flags = (struct sym_flags){ .kind = is_signed ? FLAGS_SMUL : FLAGS_UMUL, .a = a, .b = b };
  return 0;
}

static int
apply__mul (struct run *run)
{
  return product__double (run, false);
}

/* With one operand, two or three.  */
static int
apply__imul (struct run *run)
{
  unsigned n = run->meaning->insn.operand_count_visible;
  const struct term *a, *b;
  /* Zydis shows rax and rdx of the first form as hidden operands.  */
  if (n == 1)
    return product__double (run, true);
  a = operand__read (run, n - 2);
  b = a ? operand__source (run, n - 1, a->width) : NULL;
  if (!b)
    return -1;
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_SMUL, .a = a, .b = b };
  return operand__write (run, 0, product__low (run, a, b));
}

/* Where both destinations are one register it gets the high half.  */
static int
apply__mulx (struct run *run)
{
  const struct term *a = operand__read (run, 2);
  if (!a)
    return -1;
  const struct term *b = term__extract (run->terms, run->cpu->gpr[2], 0, a->width);
  if (operand__write (run, 1, product__low (run, a, b)) < 0)
    return -1;
  return operand__write (run, 0, product__high (run, a, b, false));
}

/* What div and idiv divide, HIGH:LOW, and by what.  */
struct division
{
  struct halves halves;
  const struct term *low, *high, *divisor;
};

static int
division__read (struct run *run, struct division *division)
{
  division->divisor = operand__read (run, 0);
  if (!division->divisor)
    return -1;
  division->halves = halves__of (division->divisor->width);
  division->low = gpr__read (run, division->halves.low);
  division->high = gpr__read (run, division->halves.high);
  return 0;
}

/* All flags are undefined then.  */
static int
division__write (struct run *run, const struct division *division, const struct term *quotient, const struct term *rest)
{
  gpr__write (run, division->halves.low, quotient);
  gpr__write (run, division->halves.high, rest);
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_EXPLICIT };
  return 0;
}

static int
apply__div (struct run *run)
{
  struct terms *terms = run->terms;
  struct division division;
  if (division__read (run, &division) < 0)
    return -1;
  const struct term *low = division.low, *high = division.high, *b = division.divisor;
  unsigned width = b->width;
  const struct term *quotient, *rest;
  if (term__is_value (high, 0))
    {
      run->host->trap (run->host->context, SYM_TRAP_DIVIDE, term__is_zero (terms, b));
      quotient = term__udiv (terms, low, b);
      rest = term__urem (terms, low, b);
    }
  else
    {
      /* The quotient fits where the high half is below the divisor, which is not 0 then.  */
      run->host->trap (run->host->context, SYM_TRAP_DIVIDE, term__ule (terms, b, high));
      const struct term *a = term__concat (terms, high, low), *wide = term__zext (terms, b, 2 * width);
      quotient = term__extract (terms, term__udiv (terms, a, wide), 0, width);
      rest = term__extract (terms, term__urem (terms, a, wide), 0, width);
    }
  return division__write (run, &division, quotient, rest);
}

static int
apply__idiv (struct run *run)
{
  struct terms *terms = run->terms;
  struct division division;
  if (division__read (run, &division) < 0)
    return -1;
  const struct term *low = division.low, *high = division.high, *b = division.divisor;
  unsigned width = b->width;
  const struct term *zero = term__is_zero (terms, b), *quotient, *rest, *overflows;
  if (high == term__ashr_by (terms, low, width - 1))
    {
      /* Only the smallest number by -1 doesn't fit.  */
      const struct term *smallest = term__shl_by (terms, term__const (terms, width, 1), width - 1);
      overflows = term__and (terms, term__eq (terms, low, smallest), term__eq (terms, b, term__ones (terms, width)));
      quotient = term__sdiv (terms, low, b);
      rest = term__srem (terms, low, b);
    }
  else
    {
      const struct term *a = term__concat (terms, high, low), *wide = term__sext (terms, b, 2 * width);
      const struct term *whole = term__sdiv (terms, a, wide);
      quotient = term__extract (terms, whole, 0, width);
      rest = term__extract (terms, term__srem (terms, a, wide), 0, width);
      overflows = term__ne (terms, whole, term__sext (terms, quotient, 2 * width));
    }
  run->host->trap (run->host->context, SYM_TRAP_DIVIDE, term__or (terms, zero, overflows));
  return division__write (run, &division, quotient, rest);
}

static const struct form forms[] = {
  { ZYDIS_MNEMONIC_MUL, apply__mul },   { ZYDIS_MNEMONIC_IMUL, apply__imul }, { ZYDIS_MNEMONIC_MULX, apply__mulx },
  { ZYDIS_MNEMONIC_DIV, apply__div },   { ZYDIS_MNEMONIC_IDIV, apply__idiv },
};
const struct family family__multiply = FAMILY (forms);
