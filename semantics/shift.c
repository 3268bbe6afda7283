/* Shifts and rotates.
   Counts are masked to 5 bits, to 6 for 64-bit operands; a count of 0 leaves all flags.  OF is defined for counts of 1
   alone, CF not where as many bits or more are shifted out as there are (8- and 16-bit shl and shr), AF after a shift
   never.  A destination of 32 bits is written, and its upper half cleared, by a count of 0 too.
   Manual: Intel SDM volume 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/integer.h"

/* Bit N of A.  */
static const struct term *
bit (struct run *run, const struct term *a, unsigned n)
{
  return term__extract (run->terms, a, n, 1);
}

static const struct term *
sign (struct run *run, const struct term *a)
{
  return bit (run, a, a->width - 1);
}

/* The masked count in operand N, as a term of WIDTH, the destination's.  */
static const struct term *
count__read (struct run *run, unsigned n, unsigned width)
{
  const struct term *count = operand__source (run, n, 8);
  if (!count)
    return NULL;
  count = term__and (run->terms, count, term__const (run->terms, 8, width == 64 ? 63 : 31));
  return term__zext (run->terms, count, width);
}

/* COUNT - 1: shifted by that, the next bit to go is at the end.  */
static const struct term *
count__before (struct run *run, const struct term *count)
{
  return term__sub (run->terms, count, term__const (run->terms, count->width, 1));
}

/* The flags of a shift that gave RESULT; NULL for OVERFLOW or CARRY: undefined.  */
static struct sym_flags
flags__shifted (const struct term *result, const struct term *carry, const struct term *overflow)
{
  struct sym_flags flags = { .kind = FLAGS_LOGIC, .result = result };
  flags__set (&flags, FLAG_CF, carry);
  flags__set (&flags, FLAG_OF, overflow);
  return flags;
}

/* CARRY unless COUNT is at least LIMIT; then it is unknown.  */
static const struct term *
carry__limited (struct run *run, const struct term *count, unsigned limit, const struct term *carry)
{
  const struct term *known = term__ult (run->terms, count, term__const (run->terms, count->width, limit));
  return term__ite (run->terms, known, carry, run->host->undefined (run->host->context, 1));
}

/* OVERFLOW where COUNT is 1, else unknown.  */
static const struct term *
overflow__once (struct run *run, const struct term *count, const struct term *overflow)
{
  const struct term *once = term__eq (run->terms, count, term__const (run->terms, count->width, 1));
  return term__ite (run->terms, once, overflow, run->host->undefined (run->host->context, 1));
}

/* Where COUNT is 0 the flags stay, else they are FLAGS.  */
static void
flags__unless_zero (struct run *run, const struct term *count, struct sym_flags flags)
{
  const struct term *zero = term__is_zero (run->terms, count);
  struct sym_flags *old = &run->cpu->flags, both = { .kind = FLAGS_EXPLICIT };
  for (enum flag flag = 0; flag < FLAGS_COUNT; flag++)
    both.flag[flag] = term__ite (run->terms, zero, flags__get (run->terms, run->host, old, flag),
                                 flags__get (run->terms, run->host, &flags, flag));
  *old = both;
}

enum direction { LEFT, RIGHT, RIGHT_SIGNED };

/* A shifted by COUNT, which may be anything up to 63.  */
static const struct term *
shifted (struct run *run, enum direction direction, const struct term *a, const struct term *count)
{
  switch (direction)
    {
    case LEFT:
      return term__shl (run->terms, a, count);
    case RIGHT:
      return term__lshr (run->terms, a, count);
    default:
      return term__ashr (run->terms, a, count);
    }
}

static int
apply__shift (struct run *run, enum direction direction)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 0);
  const struct term *count = a ? count__read (run, 1, a->width) : NULL;
  if (!count)
    return -1;
  if (term__is_value (count, 0))
    return operand__write (run, 0, a);

  const struct term *result = shifted (run, direction, a, count);
  const struct term *last = shifted (run, direction, a, count__before (run, count));
  const struct term *carry = direction == LEFT ? sign (run, last) : bit (run, last, 0);
  const struct term *overflow = direction == LEFT    ? term__xor (terms, sign (run, result), sign (run, a))
                                : direction == RIGHT ? sign (run, a)
                                                     : term__false (terms);
  /* Only small operands can lose all their bits; sar's carry is the sign then.  */
  bool limited = a->width < 32 && direction != RIGHT_SIGNED;
  if (term__is_const (count))
    {
      uint64_t n = term__value (count);
      run->cpu->flags = flags__shifted (result, limited && n >= a->width ? NULL : carry, n == 1 ? overflow : NULL);
    }
  else
    {
      if (limited)
        carry = carry__limited (run, count, a->width, carry);
      overflow = overflow__once (run, count, overflow);
      flags__unless_zero (run, count, flags__shifted (result, carry, overflow));
    }
  return operand__write (run, 0, result);
}

static int
apply__shl (struct run *run)
{
  return apply__shift (run, LEFT);
}

static int
apply__shr (struct run *run)
{
  return apply__shift (run, RIGHT);
}

static int
apply__sar (struct run *run)
{
  return apply__shift (run, RIGHT_SIGNED);
}

/* CF and OF after a rotation; the other flags stay.  */
static void
flags__rotated (struct run *run, const struct term *count, const struct term *carry, const struct term *overflow)
{
  struct terms *terms = run->terms;
  struct sym_flags *flags = &run->cpu->flags;
  if (term__is_const (count))
    {
      flags__set (flags, FLAG_CF, carry);
      flags__set (flags, FLAG_OF, term__is_value (count, 1) ? overflow : NULL);
      return;
    }
  const struct term *zero = term__is_zero (terms, count);
  carry = term__ite (terms, zero, flags__get (terms, run->host, flags, FLAG_CF), carry);
  overflow = term__ite (terms, zero, flags__get (terms, run->host, flags, FLAG_OF),
                        overflow__once (run, count, overflow));
  flags__set (flags, FLAG_CF, carry);
  flags__set (flags, FLAG_OF, overflow);
}

static int
apply__rotate (struct run *run, bool left)
{
  const struct term *a = operand__read (run, 0);
  const struct term *count = a ? count__read (run, 1, a->width) : NULL;
  if (!count)
    return -1;
  if (term__is_value (count, 0))
    return operand__write (run, 0, a);

  const struct term *result = left ? term__rol (run->terms, a, count) : term__ror (run->terms, a, count);
  const struct term *carry = left ? bit (run, result, 0) : sign (run, result);
  const struct term *other = left ? carry : bit (run, result, a->width - 2);
  flags__rotated (run, count, carry, term__xor (run->terms, sign (run, result), other));
  return operand__write (run, 0, result);
}

static int
apply__rol (struct run *run)
{
  return apply__rotate (run, true);
}

static int
apply__ror (struct run *run)
{
  return apply__rotate (run, false);
}

/* rcl and rcr rotate CF with the operand; by 1, as compilers use them.  */
static int
apply__rotate_carry (struct run *run, bool left)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 0);
  const struct term *count = a ? count__read (run, 1, a->width) : NULL;
  if (!count)
    return -1;
  if (!term__is_value (count, 1))
    return run__unmodelled (run, "by more than 1");
  const struct term *carry = flags__get (terms, run->host, &run->cpu->flags, FLAG_CF);
  const struct term *result
    = left ? term__concat (terms, term__extract (terms, a, 0, a->width - 1), carry)
           : term__concat (terms, carry, term__extract (terms, a, 1, a->width - 1));
  flags__rotated (run, count, left ? sign (run, a) : bit (run, a, 0),
                  term__xor (terms, sign (run, a), sign (run, result)));
  return operand__write (run, 0, result);
}

static int
apply__rcl (struct run *run)
{
  return apply__rotate_carry (run, true);
}

static int
apply__rcr (struct run *run)
{
  return apply__rotate_carry (run, false);
}

/* shld and shrd: bits of operand 1 come in.  With 16 bits a count above 16 leaves nothing defined.  */
static int
apply__shift_double (struct run *run, bool left)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 0), *b = a ? operand__read (run, 1) : NULL;
  const struct term *count = b ? count__read (run, 2, a->width) : NULL;
  if (!count)
    return -1;
  if (term__is_value (count, 0))
    return operand__write (run, 0, a);
  unsigned width = a->width;
  if (width < 32 && (!term__is_const (count) || term__value (count) >= width))
    return run__unmodelled (run, "of 16 bits by such a count");

  const struct term *rest = term__sub (terms, term__const (terms, width, width), count);
  const struct term *result
    = left ? term__or (terms, term__shl (terms, a, count), term__lshr (terms, b, rest))
           : term__or (terms, term__lshr (terms, a, count), term__shl (terms, b, rest));
  const struct term *before = count__before (run, count);
  const struct term *carry = left ? sign (run, term__shl (terms, a, before))
                                  : bit (run, term__lshr (terms, a, before), 0);
  const struct term *overflow = term__xor (terms, sign (run, a), sign (run, result));
  if (term__is_const (count))
    run->cpu->flags = flags__shifted (result, carry, term__is_value (count, 1) ? overflow : NULL);
  else
    flags__unless_zero (run, count, flags__shifted (result, carry, overflow__once (run, count, overflow)));
  return operand__write (run, 0, result);
}

static int
apply__shld (struct run *run)
{
  return apply__shift_double (run, true);
}

static int
apply__shrd (struct run *run)
{
  return apply__shift_double (run, false);
}

/* shlx, shrx, sarx: no flags; the count is as wide as the operand.  */
static int
apply__shift_plain (struct run *run, enum direction direction)
{
  const struct term *a = operand__read (run, 1), *count = a ? operand__read (run, 2) : NULL;
  if (!count)
    return -1;
  count = term__and (run->terms, count, term__const (run->terms, a->width, a->width - 1));
  return operand__write (run, 0, shifted (run, direction, a, count));
}

static int
apply__shlx (struct run *run)
{
  return apply__shift_plain (run, LEFT);
}

static int
apply__shrx (struct run *run)
{
  return apply__shift_plain (run, RIGHT);
}

static int
apply__sarx (struct run *run)
{
  return apply__shift_plain (run, RIGHT_SIGNED);
}

static int
apply__rorx (struct run *run)
{
  const struct term *a = operand__read (run, 1);
  const struct term *count = a ? count__read (run, 2, a->width) : NULL;
  return count ? operand__write (run, 0, term__ror (run->terms, a, count)) : -1;
}

static const struct form forms[] = {
  { ZYDIS_MNEMONIC_SHL, apply__shl },
  { ZYDIS_MNEMONIC_SHR, apply__shr },
  { ZYDIS_MNEMONIC_SAR, apply__sar },
  { ZYDIS_MNEMONIC_ROL, apply__rol },
  { ZYDIS_MNEMONIC_ROR, apply__ror },
  { ZYDIS_MNEMONIC_RCL, apply__rcl },
  { ZYDIS_MNEMONIC_RCR, apply__rcr },
  { ZYDIS_MNEMONIC_SHLD, apply__shld },
  { ZYDIS_MNEMONIC_SHRD, apply__shrd },
  { ZYDIS_MNEMONIC_SHLX, apply__shlx },
  { ZYDIS_MNEMONIC_SHRX, apply__shrx },
  { ZYDIS_MNEMONIC_SARX, apply__sarx },
  { ZYDIS_MNEMONIC_RORX, apply__rorx },
};
const struct family family__shift = FAMILY (forms);
