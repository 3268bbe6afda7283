/* Instructions on single bits and runs of bits: bt and its like, searches, counts, BMI1, BMI2, crc32.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/integer.h"

enum { AF = 1 << FLAG_AF, OF = 1 << FLAG_OF, PF = 1 << FLAG_PF, SF = 1 << FLAG_SF };

/* ZF and SF are RESULT's, OF is clear, CF is CARRY; UNDEFINED besides.  */
static void
flags__of_bits (struct run *run, const struct term *result, const struct term *carry, unsigned undefined)
{
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_LOGIC, .result = result, .undefined = (uint8_t) undefined };
  if (carry)
    run->cpu->flags.flag[FLAG_CF] = carry;
}

enum bit_change { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

/* CF is the bit; ZF stays, the others are undefined.  With memory a bit number in a register counts from the
   address on, however far: not modelled.  */
static int
apply__bit (struct run *run, enum bit_change change)
{
  struct terms *terms = run->terms;
  const ZydisDecodedOperand *operand = run->meaning->operand;
  if (operand[0].type != ZYDIS_OPERAND_TYPE_REGISTER && operand[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
    return run__unmodelled (run, "a bit string in memory");
  const struct term *a = operand__read (run, 0), *n = a ? operand__source (run, 1, a->width) : NULL;
  if (!n)
    return -1;
  unsigned width = a->width;
  n = term__and (terms, n, term__const (terms, width, width - 1));
  struct sym_flags *flags = &run->cpu->flags;
  flags__set (flags, FLAG_CF, term__extract (terms, term__lshr (terms, a, n), 0, 1));
  flags__set (flags, FLAG_OF, NULL);
  flags__set (flags, FLAG_SF, NULL);
  flags__set (flags, FLAG_AF, NULL);
  flags__set (flags, FLAG_PF, NULL);

  const struct term *mask = term__shl (terms, term__const (terms, width, 1), n);
  switch (change)
    {
    case BIT_TEST:
      return 0;
    case BIT_SET:
      return operand__write (run, 0, term__or (terms, a, mask));
    case BIT_RESET:
      return operand__write (run, 0, term__and (terms, a, term__not (terms, mask)));
    default:
      return operand__write (run, 0, term__xor (terms, a, mask));
    }
}

static int
apply__bt (struct run *run)
{
  return apply__bit (run, BIT_TEST);
}

static int
apply__bts (struct run *run)
{
  return apply__bit (run, BIT_SET);
}

static int
apply__btr (struct run *run)
{
  return apply__bit (run, BIT_RESET);
}

static int
apply__btc (struct run *run)
{
  return apply__bit (run, BIT_COMPLEMENT);
}

/* bsf and bsr.  Of 0 the destination is undefined, all 64 bits of it but those that a 16-bit one keeps.  */
static int
apply__search (struct run *run, bool forwards)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 1);
  if (!a)
    return -1;
  unsigned width = a->width, written = width == 16 ? 16 : 64;
  const struct term *zero = term__is_zero (terms, a);
  const struct term *found = term__zext (terms, forwards ? term__ctz (terms, a) : term__clz (terms, a), written);
  found = term__ite (terms, zero, run->host->undefined (run->host->context, written), found);
  /* The highest bit's number is width - 1 - clz: as width is a power of 2, some bits complemented.  Those of the
     unknown may be, too: it stays unknown, and the xor of compilers that want clz meets its like.  */
  if (!forwards)
    found = term__xor (terms, found, term__const (terms, written, width - 1));
  run->cpu->flags = (struct sym_flags){ .kind = FLAGS_EXPLICIT };
  run->cpu->flags.flag[FLAG_ZF] = zero;
  ZydisRegister reg = run->meaning->operand[0].reg.value;
  if (written == 64)
    reg = ZydisRegisterGetLargestEnclosing (ZYDIS_MACHINE_MODE_LONG_64, reg);
  gpr__write (run, reg, found);
  return 0;
}

static int
apply__bsf (struct run *run)
{
  return apply__search (run, true);
}

static int
apply__bsr (struct run *run)
{
  return apply__search (run, false);
}

/* tzcnt and lzcnt: CF tells that the source is 0, ZF that the result is.  */
static int
apply__count_zeros (struct run *run, bool trailing)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 1);
  if (!a)
    return -1;
  const struct term *result = trailing ? term__ctz (terms, a) : term__clz (terms, a);
  flags__of_bits (run, result, term__is_zero (terms, a), OF | SF | AF | PF);
  return operand__write (run, 0, result);
}

static int
apply__tzcnt (struct run *run)
{
  return apply__count_zeros (run, true);
}

static int
apply__lzcnt (struct run *run)
{
  return apply__count_zeros (run, false);
}

/* All flags but ZF are clear.  */
static int
apply__popcnt (struct run *run)
{
  const struct term *a = operand__read (run, 1);
  if (!a)
    return -1;
  struct sym_flags flags = { .kind = FLAGS_EXPLICIT };
  for (enum flag flag = 0; flag < FLAGS_COUNT; flag++)
    flags.flag[flag] = term__false (run->terms);
  flags.flag[FLAG_ZF] = term__is_zero (run->terms, a);
  run->cpu->flags = flags;
  return operand__write (run, 0, term__popcount (run->terms, a));
}

static int
apply__andn (struct run *run)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 1), *b = a ? operand__read (run, 2) : NULL;
  if (!b)
    return -1;
  const struct term *result = term__and (terms, term__not (terms, a), b);
  flags__of_bits (run, result, NULL, AF | PF);
  return operand__write (run, 0, result);
}

/* The lowest set bit, alone.  */
static int
apply__blsi (struct run *run)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 1);
  if (!a)
    return -1;
  const struct term *result = term__and (terms, a, term__neg (terms, a));
  flags__of_bits (run, result, term__not (terms, term__is_zero (terms, a)), AF | PF);
  return operand__write (run, 0, result);
}

/* Ones up to the lowest set bit; never 0, so ZF is clear.  */
static int
apply__blsmsk (struct run *run)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 1);
  if (!a)
    return -1;
  const struct term *less = term__sub (terms, a, term__const (terms, a->width, 1));
  const struct term *result = term__xor (terms, a, less);
  flags__of_bits (run, result, term__is_zero (terms, a), AF | PF);
  run->cpu->flags.flag[FLAG_ZF] = term__false (terms);
  return operand__write (run, 0, result);
}

/* Without the lowest set bit.  */
static int
apply__blsr (struct run *run)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 1);
  if (!a)
    return -1;
  const struct term *less = term__sub (terms, a, term__const (terms, a->width, 1));
  const struct term *result = term__and (terms, a, less);
  flags__of_bits (run, result, term__is_zero (terms, a), AF | PF);
  return operand__write (run, 0, result);
}

/* The low 8 bits of CONTROL from bit LOW on, as a number of WIDTH.  */
static const struct term *
control__byte (struct run *run, const struct term *control, unsigned low, unsigned width)
{
  return term__zext (run->terms, term__extract (run->terms, control, low, 8), width);
}

/* The low N bits of A; all where N is A's width or more.  */
static const struct term *
bits__low (struct run *run, const struct term *a, const struct term *n)
{
  struct terms *terms = run->terms;
  const struct term *beyond = term__shl (terms, term__ones (terms, a->width), n);
  return term__and (terms, a, term__not (terms, beyond));
}

static int
apply__bzhi (struct run *run)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 1), *control = a ? operand__read (run, 2) : NULL;
  if (!control)
    return -1;
  unsigned width = a->width;
  const struct term *n = control__byte (run, control, 0, width), *result = bits__low (run, a, n);
  flags__of_bits (run, result, term__ule (terms, term__const (terms, width, width), n), AF | PF);
  return operand__write (run, 0, result);
}

static int
apply__bextr (struct run *run)
{
  const struct term *a = operand__read (run, 1), *control = a ? operand__read (run, 2) : NULL;
  if (!control)
    return -1;
  const struct term *from = term__lshr (run->terms, a, control__byte (run, control, 0, a->width));
  const struct term *result = bits__low (run, from, control__byte (run, control, 8, a->width));
  flags__of_bits (run, result, NULL, SF | AF | PF);
  return operand__write (run, 0, result);
}

/* pdep and pext by a constant MASK are an order of bits.  */
static const struct term *
bits__ordered (struct run *run, const struct term *a, uint64_t mask, bool deposit)
{
  const struct term *bit[64];
  unsigned width = a->width, n = 0;
  for (unsigned i = 0; i < width; i++)
    if (mask >> i & 1)
      {
        if (deposit)
          bit[i] = term__extract (run->terms, a, n, 1);
        else
          bit[n] = term__extract (run->terms, a, i, 1);
        n++;
      }
    else if (deposit)
      bit[i] = term__false (run->terms);
  while (!deposit && n < width)
    bit[n++] = term__false (run->terms);
  return term__join (run->terms, bit, width);
}

static int
apply__order (struct run *run, bool deposit)
{
  struct terms *terms = run->terms;
  const struct term *a = operand__read (run, 1), *mask = a ? operand__read (run, 2) : NULL;
  if (!mask)
    return -1;
  if (term__is_const (mask))
    return operand__write (run, 0, bits__ordered (run, a, term__value (mask), deposit));
  /* Zeros above mask and operand are zeros above the result.  */
  const struct term *args[] = { term__zext (terms, a, 64), term__zext (terms, mask, 64) };
  const struct term *result = term__call (terms, deposit ? FUNCTION_PDEP : FUNCTION_PEXT, args, 2);
  return operand__write (run, 0, term__resize (terms, result, a->width));
}

static int
apply__pdep (struct run *run)
{
  return apply__order (run, true);
}

static int
apply__pext (struct run *run)
{
  return apply__order (run, false);
}

/* The upper half of a 64-bit destination is cleared.  */
static int
apply__crc32 (struct run *run)
{
  const struct term *crc = operand__read (run, 0), *data = crc ? operand__read (run, 1) : NULL;
  if (!data)
    return -1;
  const struct term *args[] = { term__resize (run->terms, crc, 32), data };
  const struct term *result = term__call (run->terms, FUNCTION_CRC32, args, 2);
  return operand__write (run, 0, term__resize (run->terms, result, crc->width));
}

static const struct form forms[] = {
  { ZYDIS_MNEMONIC_BT, apply__bt },
  { ZYDIS_MNEMONIC_BTS, apply__bts },
  { ZYDIS_MNEMONIC_BTR, apply__btr },
  { ZYDIS_MNEMONIC_BTC, apply__btc },
  { ZYDIS_MNEMONIC_BSF, apply__bsf },
  { ZYDIS_MNEMONIC_BSR, apply__bsr },
  { ZYDIS_MNEMONIC_TZCNT, apply__tzcnt },
  { ZYDIS_MNEMONIC_LZCNT, apply__lzcnt },
  { ZYDIS_MNEMONIC_POPCNT, apply__popcnt },
  { ZYDIS_MNEMONIC_ANDN, apply__andn },
  { ZYDIS_MNEMONIC_BLSI, apply__blsi },
  { ZYDIS_MNEMONIC_BLSMSK, apply__blsmsk },
  { ZYDIS_MNEMONIC_BLSR, apply__blsr },
  { ZYDIS_MNEMONIC_BZHI, apply__bzhi },
  { ZYDIS_MNEMONIC_BEXTR, apply__bextr },
  { ZYDIS_MNEMONIC_PDEP, apply__pdep },
  { ZYDIS_MNEMONIC_PEXT, apply__pext },
  { ZYDIS_MNEMONIC_CRC32, apply__crc32 },
};
const struct family family__bits = FAMILY (forms);
