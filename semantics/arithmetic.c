/* Sums, differences, bitwise operations, and single flags.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/integer.h"

/* Operands 0 and 1, the second extended to the first's width.  */
static bool
operands__two (struct run *run, const struct term **a, const struct term **b)
{
  *a = operand__read (run, 0);
  *b = *a ? operand__source (run, 1, (*a)->width) : NULL;
  return *b;
}

static int
apply__add (struct run *run)
{
  const struct term *a, *b;
  if (!operands__two (run, &a, &b))
    return -1;
  const struct term *result = term__add (run->terms, a, b);
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_ADD, .a = a, .b = b, .result = result };
  return operand__write (run, 0, result);
}

static int
apply__sub (struct run *run)
{
  const struct term *a, *b;
  return operands__two (run, &a, &b) ? operand__write (run, 0, flags__sub (run, a, b)) : -1;
}

static int
apply__cmp (struct run *run)
{
  const struct term *a, *b;
  if (!operands__two (run, &a, &b))
    return -1;
  flags__sub (run, a, b);
  return 0;
}

static int
apply__neg (struct run *run)
{
  const struct term *a = operand__read (run, 0);
  if (!a)
    return -1;
  return operand__write (run, 0, flags__sub (run, term__const (run->terms, a->width, 0), a));
}

/* inc and dec keep CF.  */
static int
apply__inc (struct run *run)
{
  const struct term *a = operand__read (run, 0);
  if (!a)
    return -1;
  const struct term *carry = flags__get (run->terms, run->host, &run->cpu->flags, FLAG_CF);
  const struct term *one = term__const (run->terms, a->width, 1), *result = term__add (run->terms, a, one);
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_ADD, .a = a, .b = one, .result = result };
  run->cpu->flags.flag[FLAG_CF] = carry;
  return operand__write (run, 0, result);
}

static int
apply__dec (struct run *run)
{
  const struct term *a = operand__read (run, 0);
  if (!a)
    return -1;
  const struct term *carry = flags__get (run->terms, run->host, &run->cpu->flags, FLAG_CF);
  const struct term *result = flags__sub (run, a, term__const (run->terms, a->width, 1));
  run->cpu->flags.flag[FLAG_CF] = carry;
  return operand__write (run, 0, result);
}

static const struct term *
sign (struct run *run, const struct term *a)
{
  return term__extract (run->terms, a, a->width - 1, 1);
}

/* The flags of a sum or difference RESULT of A, B and a carry, but for CF and OF.  */
static void
flags__carried (struct run *run, const struct term *a, const struct term *b, const struct term *result)
{
  struct terms *terms = run->terms;
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_LOGIC, .result = result };
  run->cpu->flags.flag[FLAG_AF]
    = term__extract (terms, term__xor (terms, term__xor (terms, a, b), result), 4, 1);
}

/* A + B + CARRY, and its carry in *OUT.  */
static const struct term *
sum__carried (struct run *run, const struct term *a, const struct term *b, const struct term *carry,
              const struct term **out)
{
  struct terms *terms = run->terms;
  const struct term *result
    = term__add (terms, term__add (terms, a, b), term__zext (terms, carry, a->width));
  /* The order of A and B must not matter.  */
  const struct term *part = a->id < b->id ? a : b;
  *out = term__ite (terms, carry, term__ule (terms, result, part), term__ult (terms, result, part));
  return result;
}

static int
apply__adc (struct run *run)
{
  struct terms *terms = run->terms;
  const struct term *a, *b, *out;
  if (!operands__two (run, &a, &b))
    return -1;
  const struct term *carry = flags__get (terms, run->host, &run->cpu->flags, FLAG_CF);
  const struct term *result = sum__carried (run, a, b, carry, &out);
  flags__carried (run, a, b, result);
  run->cpu->flags.flag[FLAG_CF] = out;
  run->cpu->flags.flag[FLAG_OF]
    = term__and (terms, term__xor (terms, sign (run, a), sign (run, result)),
                 term__xor (terms, sign (run, b), sign (run, result)));
  return operand__write (run, 0, result);
}

static int
apply__sbb (struct run *run)
{
  struct terms *terms = run->terms;
  const struct term *a, *b;
  if (!operands__two (run, &a, &b))
    return -1;
  const struct term *borrow = flags__get (terms, run->host, &run->cpu->flags, FLAG_CF);
  const struct term *result
    = term__sub (terms, term__sub (terms, a, b), term__zext (terms, borrow, a->width));
  flags__carried (run, a, b, result);
  run->cpu->flags.flag[FLAG_CF]
    = term__ite (terms, borrow, term__ule (terms, a, b), term__ult (terms, a, b));
  run->cpu->flags.flag[FLAG_OF] = term__and (terms, term__xor (terms, sign (run, a), sign (run, b)),
                                             term__xor (terms, sign (run, a), sign (run, result)));
  return operand__write (run, 0, result);
}

/* adcx carries through CF alone, adox through OF alone.  */
static int
apply__adcx (struct run *run)
{
  enum flag flag = run->meaning->insn.mnemonic == ZYDIS_MNEMONIC_ADCX ? FLAG_CF : FLAG_OF;
  const struct term *a, *b, *out;
  if (!operands__two (run, &a, &b))
    return -1;
  const struct term *carry = flags__get (run->terms, run->host, &run->cpu->flags, flag);
  const struct term *result = sum__carried (run, a, b, carry, &out);
  flags__set (&run->cpu->flags, flag, out);
  return operand__write (run, 0, result);
}

static int
apply__and (struct run *run)
{
  const struct term *a, *b;
  if (!operands__two (run, &a, &b))
    return -1;
  return operand__write (run, 0, flags__logic (run, term__and (run->terms, a, b)));
}

static int
apply__or (struct run *run)
{
  const struct term *a, *b;
  if (!operands__two (run, &a, &b))
    return -1;
  return operand__write (run, 0, flags__logic (run, term__or (run->terms, a, b)));
}

static int
apply__xor (struct run *run)
{
  const struct term *a, *b;
  if (!operands__two (run, &a, &b))
    return -1;
  return operand__write (run, 0, flags__logic (run, term__xor (run->terms, a, b)));
}

static int
apply__test (struct run *run)
{
  const struct term *a, *b;
  if (!operands__two (run, &a, &b))
    return -1;
  flags__logic (run, term__and (run->terms, a, b));
  return 0;
}

static int
apply__not (struct run *run)
{
  const struct term *a = operand__read (run, 0);
  return a ? operand__write (run, 0, term__not (run->terms, a)) : -1;
}

static int
apply__clc (struct run *run)
{
  flags__set (&run->cpu->flags, FLAG_CF, term__false (run->terms));
  return 0;
}

static int
apply__stc (struct run *run)
{
  flags__set (&run->cpu->flags, FLAG_CF, term__true (run->terms));
  return 0;
}

static int
apply__cmc (struct run *run)
{
  const struct term *carry = flags__get (run->terms, run->host, &run->cpu->flags, FLAG_CF);
  flags__set (&run->cpu->flags, FLAG_CF, term__not (run->terms, carry));
  return 0;
}

/* Where lahf and sahf have the flags in ah; -1: a bit that is always 0, -2: always 1.  */
static const int accumulator_flag[8] = { FLAG_CF, -2, FLAG_PF, -1, FLAG_AF, -1, FLAG_ZF, FLAG_SF };

static int
apply__lahf (struct run *run)
{
  const struct term *bit[8];
  for (unsigned i = 0; i < 8; i++)
    bit[i] = accumulator_flag[i] < 0
               ? term__const (run->terms, 1, accumulator_flag[i] == -2)
               : flags__get (run->terms, run->host, &run->cpu->flags, (enum flag) accumulator_flag[i]);
  gpr__write (run, ZYDIS_REGISTER_AH, term__join (run->terms, bit, 8));
  return 0;
}

static int
apply__sahf (struct run *run)
{
  for (unsigned i = 0; i < 8; i++)
    if (accumulator_flag[i] >= 0)
      flags__set (&run->cpu->flags, (enum flag) accumulator_flag[i],
                  term__extract (run->terms, run->cpu->gpr[0], 8 + i, 1));
  return 0;
}

static const struct form forms[] = {
  { ZYDIS_MNEMONIC_ADD, apply__add },
  { ZYDIS_MNEMONIC_SUB, apply__sub },
  { ZYDIS_MNEMONIC_CMP, apply__cmp },
  { ZYDIS_MNEMONIC_NEG, apply__neg },
  { ZYDIS_MNEMONIC_INC, apply__inc },
  { ZYDIS_MNEMONIC_DEC, apply__dec },
  { ZYDIS_MNEMONIC_ADC, apply__adc },
  { ZYDIS_MNEMONIC_SBB, apply__sbb },
  { ZYDIS_MNEMONIC_ADCX, apply__adcx },
  { ZYDIS_MNEMONIC_ADOX, apply__adcx },
  { ZYDIS_MNEMONIC_AND, apply__and },
  { ZYDIS_MNEMONIC_OR, apply__or },
  { ZYDIS_MNEMONIC_XOR, apply__xor },
  { ZYDIS_MNEMONIC_TEST, apply__test },
  { ZYDIS_MNEMONIC_NOT, apply__not },
  { ZYDIS_MNEMONIC_CLC, apply__clc },
  { ZYDIS_MNEMONIC_STC, apply__stc },
  { ZYDIS_MNEMONIC_CMC, apply__cmc },
  { ZYDIS_MNEMONIC_LAHF, apply__lahf },
  { ZYDIS_MNEMONIC_SAHF, apply__sahf },
};
const struct family family__arithmetic = FAMILY (forms);
