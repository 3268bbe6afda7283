/* What the functions of ciphers, hashes and Galois fields compute: the CPU's own instructions for AES and SHA, plain C for
   the rest.  An operation that this CPU lacks gives zeros; no program that uses it can run here.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "term/internal.h"

#include <cpuid.h>
#include <string.h>

typedef long long vector __attribute__ ((vector_size (16)));

static vector
vector__load (const uint64_t *words)
{
  return (vector){ (long long) words[0], (long long) words[1] };
}

static bool
cpu__has_sha (void)
{
  unsigned a, b, c, d;
  return __get_cpuid_count (7, 0, &a, &b, &c, &d) && b >> 29 & 1;
}

static bool
aes__compute (enum term_function function, const uint64_t *const *arg, vector *result)
{
  vector a = vector__load (arg[0]), b;
#define DO2(INSN)                                                                                             \
  b = vector__load (arg[1]);                                                                                  \
  __asm__ (INSN " %1, %0" : "+x"(a) : "x"(b))
  switch (function)
    {
    case FUNCTION_AESENC:
      DO2 ("aesenc");
      break;
    case FUNCTION_AESENCLAST:
      DO2 ("aesenclast");
      break;
    case FUNCTION_AESDEC:
      DO2 ("aesdec");
      break;
    case FUNCTION_AESDECLAST:
      DO2 ("aesdeclast");
      break;
    case FUNCTION_AESIMC:
      __asm__ ("aesimc %0, %0" : "+x"(a));
      break;
    case FUNCTION_AESKEYGEN:
      {
        /* The immediate is exclusive-ored to the rotated words, 1 and 3.  */
        __asm__ ("aeskeygenassist $0, %0, %0" : "+x"(a));
        long long round = (long long) ((*arg[1] & 0xff) << 32);
        a ^= (vector){ round, round };
        break;
      }
    default:
      return false;
    }
  *result = a;
  return true;
}

static bool
sha__compute (enum term_function function, const uint64_t *const *arg, vector *result)
{
  vector a = vector__load (arg[0]), b = vector__load (arg[1]);
#define SHA(INSN) __asm__ (INSN " %1, %0" : "+x"(a) : "x"(b))
  switch (function)
    {
    case FUNCTION_SHA1NEXTE:
      SHA ("sha1nexte");
      break;
    case FUNCTION_SHA1MSG1:
      SHA ("sha1msg1");
      break;
    case FUNCTION_SHA1MSG2:
      SHA ("sha1msg2");
      break;
    case FUNCTION_SHA256MSG1:
      SHA ("sha256msg1");
      break;
    case FUNCTION_SHA256MSG2:
      SHA ("sha256msg2");
      break;
    case FUNCTION_SHA256RNDS2:
      {
        register vector words __asm__ ("xmm0") = { (long long) *arg[2], 0 };
        __asm__ ("sha256rnds2 %2, %1, %0" : "+x"(a) : "x"(b), "x"(words));
        break;
      }
    case FUNCTION_SHA1RNDS4:
      switch (*arg[2] & 3)
        {
        case 0:
          SHA ("sha1rnds4 $0,");
          break;
        case 1:
          SHA ("sha1rnds4 $1,");
          break;
        case 2:
          SHA ("sha1rnds4 $2,");
          break;
        default:
          SHA ("sha1rnds4 $3,");
          break;
        }
      break;
    default:
      return false;
    }
  *result = a;
  return true;
}

/* The product modulo x^8 + x^4 + x^3 + x + 1.  */
static uint8_t
field__multiply (uint8_t a, uint8_t b)
{
  uint8_t product = 0;
  for (; b; b >>= 1)
    {
      if (b & 1)
        product ^= a;
      a = (uint8_t) (a << 1) ^ (a & 0x80 ? 0x1b : 0);
    }
  return product;
}

/* a^254: the inverse, and 0 of 0.  */
static uint8_t
field__invert (uint8_t a)
{
  uint8_t result = 1;
  for (unsigned i = 0; i < 254; i++)
    result = field__multiply (result, a);
  return result;
}

bool
function__compute_cipher (enum term_function function, const uint64_t *const *arg, uint64_t *result)
{
  vector value = { 0, 0 };
  switch (function)
    {
    case FUNCTION_GF2P8MUL:
      *result = field__multiply ((uint8_t) *arg[0], (uint8_t) *arg[1]);
      return true;
    case FUNCTION_GF2P8INV:
      *result = field__invert ((uint8_t) *arg[0]);
      return true;
    case FUNCTION_CLMUL:
      {
        uint64_t low = 0, high = 0;
        for (unsigned i = 0; i < 64; i++)
          if (*arg[1] >> i & 1)
            {
              low ^= *arg[0] << i;
              high ^= i ? *arg[0] >> (64 - i) : 0;
            }
        result[0] = low;
        result[1] = high;
        return true;
      }
    case FUNCTION_AESENC: case FUNCTION_AESENCLAST: case FUNCTION_AESDEC: case FUNCTION_AESDECLAST:
    case FUNCTION_AESIMC: case FUNCTION_AESKEYGEN:
      if (__builtin_cpu_supports ("aes"))
        aes__compute (function, arg, &value);
      break;
    case FUNCTION_SHA1RNDS4: case FUNCTION_SHA1NEXTE: case FUNCTION_SHA1MSG1: case FUNCTION_SHA1MSG2:
    case FUNCTION_SHA256RNDS2: case FUNCTION_SHA256MSG1: case FUNCTION_SHA256MSG2:
      if (cpu__has_sha ())
        sha__compute (function, arg, &value);
      break;
    default:
      return false;
    }
  memcpy (result, &value, sizeof value);
  return true;
}
