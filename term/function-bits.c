/* What the functions of general-purpose registers compute, bit by bit, so that any machine can.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

/* The low bits of SOURCE at the places that MASK has.  */
static uint64_t
bits__deposit (uint64_t source, uint64_t mask)
{
  uint64_t result = 0;
  for (; mask; mask &= mask - 1, source >>= 1)
    if (source & 1)
      result |= mask & -mask;
  return result;
}

/* The bits of SOURCE at the places that MASK has, together.  */
static uint64_t
bits__extract (uint64_t source, uint64_t mask)
{
  uint64_t result = 0;
  for (unsigned n = 0; mask; mask &= mask - 1, n++)
    if (source & mask & -mask)
      result |= UINT64_C (1) << n;
  return result;
}

/* One step of SSE4.2's CRC: WIDTH bits of DATA, the lowest first.  */
static uint32_t
crc32__step (uint32_t crc, uint64_t data, unsigned width)
{
  static const uint32_t castagnoli_reversed = 0x82f63b78;
  for (unsigned i = 0; i < width; i++)
    {
      uint32_t out = (crc ^ (uint32_t) (data >> i)) & 1;
      crc = crc >> 1 ^ (out ? castagnoli_reversed : 0);
    }
  return crc;
}

bool
function__compute_bits (enum term_function function, const uint64_t *const *arg, const unsigned *width,
                        uint64_t *result)
{
  switch (function)
    {
    case FUNCTION_PDEP:
      *result = bits__deposit (*arg[0], *arg[1]);
      return true;
    case FUNCTION_PEXT:
      *result = bits__extract (*arg[0], *arg[1]);
      return true;
    case FUNCTION_CRC32:
      *result = crc32__step ((uint32_t) *arg[0], *arg[1], width[1]);
      return true;
    default:
      return false;
    }
}
