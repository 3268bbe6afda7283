/* Sums that go on in lanes of another width.

   A sum that a loop made in lanes of 64 bits, and that is then added to in lanes of 32, loses a carry; one made in lanes of 32 that is added
   to in lanes of 64 gets one too many.  It does so on the one input in very many where a lane is full at that very step: no test is
   that, where it takes 2^32 of something.  So what is added to a loop's sum, or made of it, has to be added in the lanes it was made in,
   unless the original does otherwise too.

   Followed is which additions are in what a vector register holds, through moves of whole lanes.  What is computed from a sum in any other
   way, what comes out of memory, and what a callee leaves, is no sum any more.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "verify/allow.h"
#include "verify/internal.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

/* Larger functions aren't looked at.  */
enum { ADDITIONS_MAX = 512, INSNS_MAX = 8192, WORDS = ADDITIONS_MAX / 64, VECTORS = 32 };

/* A set of additions, by number.  */
struct set
{
  uint64_t word[WORDS];
};

/* What each vector register holds, somewhere in the function.  */
struct place_sums
{
  bool reached;
  struct set of[VECTORS];
};

struct lanes
{
  const struct decoded *decoded;
  int *target;                /* where each instruction jumps to, -1 nowhere */
  struct place_sums **at;     /* before each instruction that something jumps to, or NULL */
  unsigned n;
  unsigned width[ADDITIONS_MAX];
  int insn[ADDITIONS_MAX];    /* which */
  int *number;                /* of each instruction's addition, -1 none */
  struct set in[ADDITIONS_MAX]; /* what each adds up */
};

/* The width in bytes of the lanes that MNEMONIC adds in, or subtracts; 0 where it does neither.  */
static unsigned
lane_width (uint16_t mnemonic)
{
  switch (mnemonic)
    {
    case ZYDIS_MNEMONIC_PADDB: case ZYDIS_MNEMONIC_VPADDB: case ZYDIS_MNEMONIC_PSUBB: case ZYDIS_MNEMONIC_VPSUBB:
      return 1;
    case ZYDIS_MNEMONIC_PADDW: case ZYDIS_MNEMONIC_VPADDW: case ZYDIS_MNEMONIC_PSUBW: case ZYDIS_MNEMONIC_VPSUBW:
      return 2;
    case ZYDIS_MNEMONIC_PADDD: case ZYDIS_MNEMONIC_VPADDD: case ZYDIS_MNEMONIC_PSUBD: case ZYDIS_MNEMONIC_VPSUBD:
      return 4;
    case ZYDIS_MNEMONIC_PADDQ: case ZYDIS_MNEMONIC_VPADDQ: case ZYDIS_MNEMONIC_PSUBQ: case ZYDIS_MNEMONIC_VPSUBQ:
      return 8;
    default:
      return 0;
    }
}

/* Does MNEMONIC only move lanes?  */
static bool
moves_lanes (uint16_t mnemonic)
{
  static const uint16_t moves[] = {
    ZYDIS_MNEMONIC_MOVDQA, ZYDIS_MNEMONIC_MOVDQU, ZYDIS_MNEMONIC_MOVAPS, ZYDIS_MNEMONIC_MOVUPS, ZYDIS_MNEMONIC_MOVAPD,
    ZYDIS_MNEMONIC_MOVUPD, ZYDIS_MNEMONIC_VMOVDQA, ZYDIS_MNEMONIC_VMOVDQU, ZYDIS_MNEMONIC_VMOVDQA32, ZYDIS_MNEMONIC_VMOVDQA64,
    ZYDIS_MNEMONIC_VMOVDQU8, ZYDIS_MNEMONIC_VMOVDQU16, ZYDIS_MNEMONIC_VMOVDQU32, ZYDIS_MNEMONIC_VMOVDQU64, ZYDIS_MNEMONIC_VMOVAPS,
    ZYDIS_MNEMONIC_VMOVUPS, ZYDIS_MNEMONIC_VMOVAPD, ZYDIS_MNEMONIC_VMOVUPD, ZYDIS_MNEMONIC_MOVQ, ZYDIS_MNEMONIC_VMOVQ,
    ZYDIS_MNEMONIC_MOVHLPS, ZYDIS_MNEMONIC_VMOVHLPS, ZYDIS_MNEMONIC_PSHUFD, ZYDIS_MNEMONIC_VPSHUFD, ZYDIS_MNEMONIC_PSRLDQ,
    ZYDIS_MNEMONIC_VPSRLDQ, ZYDIS_MNEMONIC_PUNPCKLQDQ, ZYDIS_MNEMONIC_PUNPCKHQDQ, ZYDIS_MNEMONIC_VPUNPCKLQDQ,
    ZYDIS_MNEMONIC_VPUNPCKHQDQ, ZYDIS_MNEMONIC_PALIGNR, ZYDIS_MNEMONIC_VPALIGNR, ZYDIS_MNEMONIC_VPERMQ, ZYDIS_MNEMONIC_VPERM2I128,
    ZYDIS_MNEMONIC_VPERM2F128, ZYDIS_MNEMONIC_VEXTRACTI128, ZYDIS_MNEMONIC_VEXTRACTF128, ZYDIS_MNEMONIC_VEXTRACTI32X4,
    ZYDIS_MNEMONIC_VEXTRACTI64X2, ZYDIS_MNEMONIC_VEXTRACTI32X8, ZYDIS_MNEMONIC_VEXTRACTI64X4, ZYDIS_MNEMONIC_VEXTRACTF32X4,
    ZYDIS_MNEMONIC_VEXTRACTF64X2, ZYDIS_MNEMONIC_VEXTRACTF32X8, ZYDIS_MNEMONIC_VEXTRACTF64X4, ZYDIS_MNEMONIC_VINSERTI128,
    ZYDIS_MNEMONIC_VSHUFI32X4, ZYDIS_MNEMONIC_VSHUFI64X2
  };
  for (unsigned i = 0; i < sizeof moves / sizeof *moves; i++)
    if (moves[i] == mnemonic)
      return true;
  return false;
}

static bool
set__has (const struct set *set, unsigned number)
{
  return set->word[number / 64] >> (number % 64) & 1;
}

/* True where that adds something.  */
static bool
set__add (struct set *set, const struct set *other)
{
  bool more = false;
  for (unsigned i = 0; i < WORDS; i++)
    {
      more |= (other->word[i] & ~set->word[i]) != 0;
      set->word[i] |= other->word[i];
    }
  return more;
}

/* SUMS may hold before instruction I as well.  True where that is news.  */
static bool
lanes__merge (struct lanes *lanes, int i, const struct place_sums *sums)
{
  struct place_sums *at = i >= 0 ? lanes->at[i] : NULL;
  if (!at || !sums->reached)
    return false;
  bool more = !at->reached;
  at->reached = true;
  for (unsigned v = 0; v < VECTORS; v++)
    more |= set__add (&at->of[v], &sums->of[v]);
  return more;
}

/* What instruction I makes of SUMS.  */
static void
lanes__step (struct lanes *lanes, unsigned i, struct place_sums *sums)
{
  const struct decoded_insn *insn = &lanes->decoded->insn[i];
  struct set made = { 0 };
  if (insn->kind & KIND_CALL)
    memset (sums->of, 0, sizeof sums->of);
  bool adds = lanes->number[i] >= 0;
  if (!insn->written.vec)
    return;
  if (adds || moves_lanes (insn->zydis))
    for (unsigned v = 0; v < VECTORS; v++)
      if (insn->read.vec >> v & 1)
        set__add (&made, &sums->of[v]);
  if (adds)
    {
      unsigned number = (unsigned) lanes->number[i];
      set__add (&lanes->in[number], &made);
      made.word[number / 64] |= UINT64_C (1) << (number % 64);
    }
  for (unsigned v = 0; v < VECTORS; v++)
    if (insn->written.vec >> v & 1)
      sums->of[v] = made;
}

/* Follows all ways until nothing is news.  */
static void
lanes__follow (struct lanes *lanes)
{
  const struct decoded *decoded = lanes->decoded;
  struct place_sums *sums = calloc (1, sizeof *sums);
  if (!sums)
    abort ();
  for (bool more = true; more;)
    {
      more = false;
      memset (sums, 0, sizeof *sums);
      sums->reached = true;
      for (unsigned i = 0; i < decoded->n_insns; i++)
        {
          const struct decoded_insn *insn = &decoded->insn[i];
          if (i && decoded->insn[i - 1].section != insn->section)
            sums->reached = false;
          if (lanes->at[i])
            {
              more |= lanes__merge (lanes, (int) i, sums);
              *sums = *lanes->at[i];
            }
          if (!sums->reached)
            continue;
          lanes__step (lanes, i, sums);
          more |= lanes__merge (lanes, lanes->target[i], sums);
          if (insn->kind & (KIND_JUMP | KIND_RETURN | KIND_TRAP))
            sums->reached = false;
        }
    }
  free (sums);
}

/* Reads SIDE's additions and where its jumps lead.  False where it has none, or is not to be followed.  */
static bool
lanes__open (struct lanes *lanes, struct arena *arena, const struct side *side)
{
  const struct decoded *decoded = lanes->decoded = side->decoded;
  if (decoded->n_insns > INSNS_MAX)
    return false;
  lanes->target = ARENA_ARRAY (arena, int, decoded->n_insns + 1);
  lanes->at = ARENA_ARRAY (arena, struct place_sums *, decoded->n_insns + 1);
  lanes->number = ARENA_ARRAY (arena, int, decoded->n_insns + 1);
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &decoded->insn[i];
      unsigned width = lane_width (insn->zydis);
      lanes->number[i] = -1;
      if ((insn->kind & KIND_INDIRECT) && (insn->kind & KIND_JUMP))
        return false;
      if (width && lanes->n == ADDITIONS_MAX)
        return false;
      if (width)
        {
          lanes->number[i] = (int) lanes->n;
          lanes->insn[lanes->n] = (int) i;
          lanes->width[lanes->n++] = width;
        }
    }
  for (unsigned i = 0; i < decoded->n_insns && lanes->n; i++)
    {
      int target = lanes->target[i] = allow__target (decoded, i);
      if (target >= 0 && !lanes->at[target])
        lanes->at[target] = ARENA_NEW (arena, struct place_sums);
    }
  return lanes->n > 0;
}

/* The first addition of SIDE to, or of, a loop's sum in other lanes than that was made in: its instruction, and *WIDTH is the loop's; -1:
   none.  */
static int
find_change (const struct side *side, unsigned width[2])
{
  struct arena *arena = arena__new ();
  struct lanes *lanes = ARENA_NEW (arena, struct lanes);
  int found = -1;
  if (lanes__open (lanes, arena, side))
    {
      lanes__follow (lanes);
      for (unsigned i = 0; i < lanes->n && found < 0; i++)
        for (unsigned k = 0; k < lanes->n; k++)
          if (lanes->width[k] != lanes->width[i] && set__has (&lanes->in[k], k) && set__has (&lanes->in[i], k))
            {
              found = lanes->insn[i];
              width[0] = lanes->width[k];
              width[1] = lanes->width[i];
              break;
            }
    }
  arena__free (arena);
  return found;
}

bool
lanes__judge (struct trial *trial)
{
  unsigned width[2], unused[2];
  int insn = find_change (&trial->side, width);
  if (insn < 0 || find_change (&trial->verifier->original, unused) >= 0)
    return true;
  struct why why;
  why__set (&why, REASON_COVERAGE, "%s: a sum made in lanes of %u bits goes on in lanes of %u, and no test fills one there",
            side__place (trial->arena, trial->verifier->region, &trial->side, false, insn), 8 * width[0], 8 * width[1]);
  trial__unknown (trial, &why);
  return false;
}
