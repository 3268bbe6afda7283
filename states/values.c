/* Values for scalars and for the elements of objects, by profile: sizes around vector widths, numbers near the
   constants of the code, type limits, text, sorted runs, every kind of floating-point number.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/values.h"
#include <math.h>

void
pool__add (struct pool *pool, int64_t value)
{
  for (unsigned i = 0; i < pool->n; i++)
    if (pool->value[i] == value)
      return;
  if (pool->n < POOL_MAX)
    pool->value[pool->n++] = value;
}

void
pool__scan (struct pool *pool, const struct code *code)
{
  for (unsigned i = 0; i < code->n_items; i++)
    {
      if (code->item[i].kind != ITEM_INSN)
        continue;
      const struct insn *insn = &code->item[i].insn;
      for (unsigned k = 0; k < insn->n_operands; k++)
        {
          const struct operand *operand = &insn->operand[k];
          if (operand->kind == OPERAND_TARGET || operand->kind == OPERAND_REGISTER)
            continue;
          if (operand->expr.sym || (operand->base && !strcmp (operand->base, "rsp")))
            continue;
          if (pool->n < POOL_BASE_MAX)
            pool__add (pool, operand->expr.add);
        }
    }
  /* Data: words as wide as the cells, and of long cells words of four and eight bytes.  */
  for (unsigned d = 0; d < code->n_data; d++)
    for (unsigned c = 0; c < code->data[d].n_cells && pool->n < POOL_BASE_MAX; c++)
      {
        const struct cell *cell = &code->data[d].cell[c];
        unsigned word = cell->size >= 8 ? 8 : cell->size == 4 || cell->size == 2 ? cell->size : 0;
        if (!cell->bytes || !word || cell->size % word)
          continue;
        for (unsigned at = 0; at < cell->size && at < 64 && pool->n < POOL_BASE_MAX; at += word)
          {
            uint64_t value = 0;
            memcpy (&value, cell->bytes + at, word);
            unsigned shift = 64 - 8 * word;
            pool__add (pool, (int64_t) (value << shift) >> shift);
          }
      }
  pool->n_base = pool->n;
}

void
pool__derive (struct pool *pool)
{
  unsigned n = pool->n_base = pool->n;
  for (unsigned i = 0; i < n; i++)
    {
      uint64_t value = (uint64_t) pool->value[i];
      for (unsigned shift = 1; shift <= 3; shift++)
        {
          pool__add (pool, (int64_t) (value << shift));
          pool__add (pool, (int64_t) value >> shift);
        }
      pool__add (pool, (int64_t) (0 - value));
      pool__add (pool, (int64_t) ~value);
      if (value > UINT32_MAX || (value & 0xffffff00) > 0xff00)
        {
          pool__add (pool, (int64_t) __builtin_bswap64 (value));
          pool__add (pool, (int32_t) __builtin_bswap32 ((uint32_t) value));
        }
    }
  /* Pairs of the first few: there are so many.  */
  unsigned few = n < 12 ? n : 12;
  for (unsigned i = 0; i < few; i++)
    for (unsigned k = i; k < few; k++)
      {
        uint64_t a = (uint64_t) pool->value[i], b = (uint64_t) pool->value[k];
        pool__add (pool, (int64_t) (a + b));
        pool__add (pool, (int64_t) (a - b));
        pool__add (pool, (int64_t) (b - a));
        pool__add (pool, (int64_t) (a * b));
        pool__add (pool, (int64_t) (a ^ b));
      }
}

int64_t
pool__pick (const struct pool *pool, uint64_t random)
{
  uint64_t hash = mix64 (random);
  if (pool->n_base && hash & 1)
    return pool->value[(hash >> 1) % pool->n_base];
  return pool->value[(hash >> 1) % pool->n];
}

/* VALUE cut to SIZE bytes' largest, so that sorted runs don't wrap.  */
static int64_t
clamp_to (int64_t value, unsigned size, bool is_signed)
{
  if (size >= 8)
    return value;
  int64_t high = is_signed ? (INT64_C (1) << (size * 8 - 1)) - 1 : (INT64_C (1) << (size * 8)) - 1;
  int64_t low = is_signed ? -high - 1 : 0;
  return value > high ? high : value < low ? low : value;
}

/* A number near a power of two, or near a type's limit.  */
static uint64_t
near_power (uint64_t random, unsigned size)
{
  unsigned bits = size >= 8 ? 64 : size * 8;
  unsigned shift = (unsigned) (random % (bits + 1));
  uint64_t power = shift >= 64 ? 0 : UINT64_C (1) << shift;
  int64_t step = (int64_t) ((random >> 8) % 5) - 2;
  uint64_t value = power + (uint64_t) step;
  return (random >> 16) & 1 ? value : -value;
}

/* Element INDEX with its own RANDOM word.  */
static inline uint64_t
integer_of (enum content_profile profile, uint64_t seed, int64_t index, uint64_t random, unsigned size,
            bool is_signed, const struct pool *pool)
{
  static const char letters[64]
    = "etaoin shrdlu ETAOIN 0123456789 abcdefghijklmnop\t\n.,;:<>()[]{}-/";
  switch (profile)
    {
    case CONTENT_TINY:
      return random & 3;
    case CONTENT_SMALL:
      return random & 15;
    case CONTENT_SIGNED:
      return (random & 15) - 8;
    case CONTENT_BYTE:
      return random & 255;
    case CONTENT_TEXT:
      return (uint8_t) letters[random & 63];
    case CONTENT_CLASS:
      {
        static const struct
        {
          uint8_t first, count;
        } class[] = { { '0', 10 }, { '0', 10 }, { 'a', 6 }, { 'A', 6 }, { 'a', 26 }, { 'A', 26 } };
        unsigned pick = (unsigned) (seed >> 8 & 7);
        if (pick < sizeof class / sizeof *class)
          return class[pick].first + random % class[pick].count;
        return (pool->n ? (uint64_t) pool__pick (pool, seed) & 127 : ' ') + random % 10;
      }
    case CONTENT_SORTED:
      {
        int64_t step = 1 + (int64_t) (seed >> 8 & (size == 1 ? 3 : 63));
        int64_t base = (int64_t) (seed >> 16 & 255) - (is_signed ? 128 : 0);
        int64_t value = base + index * step + (int64_t) (random % (uint64_t) step);
        return (uint64_t) clamp_to (value, size, is_signed);
      }
    case CONTENT_EQUAL:
      return mix64 (seed) >> (seed & 32 ? 56 : 0);
    case CONTENT_FEW:
      return mix2 (seed, random % 3) >> (seed & 32 ? 57 : 0);
    case CONTENT_SPARSE:
      return random % 11 ? 0 : random >> 8;
    case CONTENT_BOUNDARY:
      return near_power (random, size);
    case CONTENT_CONSTANT:
      if (pool->n)
        return (uint64_t) pool__pick (pool, random) + (random >> 32) % 5 - 2;
      return near_power (random, size);
    case CONTENT_INDEX:
      return index > 0 ? random % (uint64_t) index : 0;
    case CONTENT_EXTREME:
      {
        unsigned bits = size >= 8 ? 64 : size * 8;
        uint64_t high = (UINT64_C (1) << (bits - 1)) - 1;
        const uint64_t limit[] = { UINT64_MAX, high, high + 1, UINT64_MAX };
        unsigned pick = (unsigned) (seed >> 8 & 3), mode = (unsigned) (seed >> 16 & 3);
        if (mode == 2)
          pick = (unsigned) (index & 1) + 1;
        else if (mode == 3)
          pick = (unsigned) (random & 3);
        return mode == 3 && (random >> 8 & 7) == 0 ? 0 : limit[pick];
      }
    case CONTENT_RANDOM:
    default:
      return random;
    }
}

/* The random word of element INDEX.  Eight bytes of an array share one, turned: that is random enough for bytes
   and makes long ones cheap.  */
static inline uint64_t
random_of (uint64_t mixed, int64_t index, unsigned size, uint64_t *word, int64_t *block)
{
  if (size > 1)
    return mix64 (mixed ^ (uint64_t) index);
  if (index >> 3 != *block)
    {
      *block = index >> 3;
      *word = mix64 (mixed ^ (uint64_t) *block);
    }
  unsigned turn = 8 * (unsigned) (index & 7);
  return turn ? *word >> turn | *word << (64 - turn) : *word;
}

uint64_t
content__integer (enum content_profile profile, uint64_t seed, int64_t index, unsigned size,
                  bool is_signed, const struct pool *pool)
{
  uint64_t word = 0;
  int64_t block = INT64_MIN;
  uint64_t random = random_of (mix64 (seed), index, size, &word, &block);
  return integer_of (profile, seed, index, random, size, is_signed, pool);
}

void
content__integers (enum content_profile profile, uint64_t seed, int64_t first, uint64_t count,
                   unsigned size, bool is_signed, const struct pool *pool, uint8_t *to)
{
  uint64_t mixed = mix64 (seed), word = 0;
  int64_t block = INT64_MIN;
  for (uint64_t i = 0; i < count; i++)
    {
      int64_t index = first + (int64_t) i;
      uint64_t random = random_of (mixed, index, size, &word, &block);
      uint64_t value = integer_of (profile, seed, index, random, size, is_signed, pool);
      switch (size)
        {
        case 1: to[i] = (uint8_t) value; break;
        case 2: memcpy (to + 2 * i, &value, 2); break;
        case 4: memcpy (to + 4 * i, &value, 4); break;
        case 8: memcpy (to + 8 * i, &value, 8); break;
        default: /* __int128 and odd sizes */
          for (unsigned k = 0; k < size; k += 8)
            {
              uint64_t word = k == 0 ? value
                              : profile == CONTENT_RANDOM ? mix64 (value + k)
                              : is_signed && (int64_t) value < 0 ? UINT64_MAX : 0;
              memcpy (to + size * i + k, &word, size - k < 8 ? size - k : 8);
            }
        }
    }
}

/* A special double: NaNs of both kinds with payloads, zeros, denormals, infinities, the largest and least.  */
static uint64_t
special_double (uint64_t random)
{
  uint64_t sign = random << 63;
  uint64_t payload = mix64 (random) & UINT64_C (0x7ffffffffffff);
  switch ((random >> 8) % 9)
    {
    case 0: return sign | UINT64_C (0x7ff8000000000000) | payload;
    case 1: return sign | UINT64_C (0x7ff0000000000000) | (payload | 1);
    case 2: return sign | UINT64_C (0x7ff0000000000000);
    case 3: return sign | payload;
    case 4: return sign | UINT64_C (0x7fefffffffffffff);
    case 5: return sign | UINT64_C (0x0010000000000000);
    case 6: return sign | 1;
    case 7: return sign | UINT64_C (0x3ff0000000000000);
    default: return sign;
    }
}

static uint32_t
special_float (uint64_t random)
{
  uint32_t sign = (uint32_t) random << 31;
  uint32_t payload = (uint32_t) mix64 (random) & 0x3fffff;
  switch ((random >> 8) % 9)
    {
    case 0: return sign | 0x7fc00000 | payload;
    case 1: return sign | 0x7f800000 | (payload | 1);
    case 2: return sign | 0x7f800000;
    case 3: return sign | payload;
    case 4: return sign | 0x7f7fffff;
    case 5: return sign | 0x00800000;
    case 6: return sign | 1;
    case 7: return sign | 0x3f800000;
    default: return sign;
    }
}

/* An ordinary number by PROFILE.  */
static double
ordinary (enum float_profile profile, uint64_t seed, int64_t index, uint64_t random)
{
  double unit = (double) (int64_t) random * 0x1p-63;
  switch (profile)
    {
    case FLOAT_WHOLE:
      return (double) ((int64_t) (random % 65) - 32);
    case FLOAT_SCALES:
      return ldexp (unit, (int) (mix64 (random) % 61) - 30);
    case FLOAT_EQUAL:
      return (double) (int64_t) mix64 (seed) * 0x1p-60;
    case FLOAT_SORTED:
      return (double) index + 0.5 * unit;
    default:
      return unit;
    }
}

void
content__float (enum float_profile profile, uint64_t seed, int64_t index, const struct type *type,
                uint32_t fp, uint8_t *to)
{
  uint64_t random = mix2 (seed, (uint64_t) index);
  if (profile == FLOAT_RARE)
    profile = random % 13 ? FLOAT_SCALES : FLOAT_SPECIAL;
  bool bits = profile == FLOAT_BITS, special = profile == FLOAT_SPECIAL;
  double value = ordinary (profile, seed, index, mix64 (random));
  if (type->size == 8)
    {
      uint64_t word = bits ? random : special ? special_double (random) : 0;
      if (!bits && !special)
        memcpy (&word, &value, 8);
      if ((fp & FP_FINITE) && (word >> 52 & 0x7ff) == 0x7ff)
        word ^= UINT64_C (0x4000000000000000);
      if ((fp & FP_NO_SIGNED_ZERO) && word << 1 == 0)
        word = 0;
      memcpy (to, &word, 8);
    }
  else if (type->size == 4)
    {
      uint32_t word = bits ? (uint32_t) random : special ? special_float (random) : 0;
      float narrow = (float) value;
      if (!bits && !special)
        memcpy (&word, &narrow, 4);
      if ((fp & FP_FINITE) && (word >> 23 & 0xff) == 0xff)
        word ^= 0x40000000;
      if ((fp & FP_NO_SIGNED_ZERO) && word << 1 == 0)
        word = 0;
      memcpy (to, &word, 4);
    }
  else if (type->x87)
    {
      uint64_t word = special_double (random);
      double narrow = value;
      if ((bits || special) && !((fp & FP_FINITE) && (word >> 52 & 0x7ff) == 0x7ff))
        memcpy (&narrow, &word, 8);
      long double wide = narrow;
      if (bits)
        wide = wide * 0.333333333333333333333L;
      memset (to, 0, type->size);
      memcpy (to, &wide, 10);
    }
  else if (type->size == 16)
    {
      /* __float128: any pattern, the exponent kept near 1 unless all bits may come.  */
      uint64_t high = mix64 (random), low = random;
      if (!bits && !special)
        high = (high & UINT64_C (0x8000ffffffffffff)) | UINT64_C (0x3fff000000000000);
      if ((fp & FP_FINITE) && (high >> 48 & 0x7fff) == 0x7fff)
        high ^= UINT64_C (0x4000000000000000);
      memcpy (to, &low, 8);
      memcpy (to + 8, &high, 8);
    }
  else
    {
      for (uint64_t i = 0; i < type->size; i++)
        to[i] = (uint8_t) (random >> (i % 8 * 8));
      if ((fp & FP_FINITE) && type->size == 2 && (to[1] & 0x7c) == 0x7c)
        to[1] ^= 0x40;
    }
}

/* A number around the multiples of the vector widths, from 0 to about 70.  */
static uint64_t
around_widths (struct rng *rng)
{
  static const uint8_t unit[] = { 1, 2, 4, 8, 16, 32, 64 };
  uint64_t random = rng__next (rng);
  if (random % 3 == 0)
    return (random >> 8) % 20;
  uint64_t width = unit[(random >> 8) % 7];
  uint64_t value = width * ((random >> 16) % (70 / width + 1)) + (random >> 32) % 3;
  return value ? value - 1 : 0;
}

uint64_t
value__length (struct rng *rng, enum state_kind kind, const struct region *region, unsigned unit)
{
  uint64_t random;
  switch (kind)
    {
    case STATE_LARGE:
      {
        random = rng__next (rng);
        uint64_t bytes = UINT64_C (1000) << (random % 6);
        bytes += rng__below (rng, bytes);
        uint64_t value = bytes / (unit ? unit : 1);
        return (random >> 8) % 4 ? value | 1 : value;
      }
    case STATE_PROFILE:
      {
        static const uint16_t usual[] = { 16, 100, 256, 1000, 4096 };
        unsigned known = 0;
        for (unsigned i = 0; i < region->n_loops; i++)
          known += region->loop[i].trips >= 1;
        if (!known)
          return usual[rng__below (rng, 5)];
        unsigned pick = (unsigned) rng__below (rng, known);
        for (unsigned i = 0; i < region->n_loops; i++)
          if (region->loop[i].trips >= 1 && pick-- == 0)
            {
              uint64_t factor = UINT64_C (1) << rng__below (rng, 4);
              double trips = region->loop[i].trips > 1e6 ? 1e6 : region->loop[i].trips;
              uint64_t value = (uint64_t) (trips * (double) factor);
              return value + rng__below (rng, value / 16 + 2);
            }
        return 100;
      }
    case STATE_TYPICAL:
      random = rng__next (rng);
      return random % 4 ? around_widths (rng) : (random >> 8) % 300;
    default:
      return around_widths (rng);
    }
}

uint64_t
value__scalar (struct rng *rng, enum scalar_profile profile, enum state_kind kind,
               const struct region *region, unsigned size, bool is_signed, const struct pool *pool)
{
  uint64_t random = rng__next (rng);
  unsigned bits = size >= 8 ? 64 : size * 8;
  switch (profile)
    {
    case SCALAR_SIZE:
      return value__length (rng, kind, region, UINT64_C (1) << random % 4);
    case SCALAR_LENGTH:
      if (kind == STATE_LARGE || kind == STATE_PROFILE)
        return value__length (rng, kind, region, 1);
      return random % (random >> 32 & 1 ? 200 : 1500);
    case SCALAR_BOUNDARY:
      switch (random >> 40 & 7)
        {
        case 0: return 0;
        case 1: return UINT64_MAX;
        case 2: return UINT64_C (1) << (bits - 1);
        case 3: return (UINT64_C (1) << (bits - 1)) - 1;
        default: return near_power (random, size);
        }
    case SCALAR_CONSTANT:
      if (pool->n)
        {
          uint64_t value = (uint64_t) pool__pick (pool, random) + (random >> 32) % 5 - 2;
          return (random >> 60) == 0 ? -value : value;
        }
      return random & 127;
    case SCALAR_SIGNED:
      return random % 17 - 8;
    case SCALAR_BYTE:
      return random & 255;
    case SCALAR_MAGNITUDE:
      {
        uint64_t value = random >> (mix64 (random) & 63);
        return is_signed && (mix64 (random) >> 32 & 3) == 0 ? -value : value;
      }
    case SCALAR_RANDOM:
    default:
      return random;
    }
}
