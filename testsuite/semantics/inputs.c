/* Random machine states: uniformly random ones rarely meet a carry into the last bit, an equal pair, a shift by the
   width or a NaN, so that most registers are drawn from values at which something changes.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/host-registers.h"
#include "testsuite/semantics/inputs.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

#define ARITHMETIC_FLAGS 0x8d5u
#define COUNT(LIST) (sizeof (LIST) / sizeof *(LIST))

/* The number of a general register of any width, or -1.  */
static int
gpr_number (ZydisRegister reg)
{
  ZydisRegister wide = ZydisRegisterGetLargestEnclosing (ZYDIS_MACHINE_MODE_LONG_64, reg);
  return wide >= ZYDIS_REGISTER_RAX && wide <= ZYDIS_REGISTER_R15 ? (int) (wide - ZYDIS_REGISTER_RAX) : -1;
}

static int
vec_number (ZydisRegister reg)
{
  ZydisRegister wide = ZydisRegisterGetLargestEnclosing (ZYDIS_MACHINE_MODE_LONG_64, reg);
  return wide >= ZYDIS_REGISTER_ZMM0 && wide <= ZYDIS_REGISTER_ZMM31 ? (int) (wide - ZYDIS_REGISTER_ZMM0)
                                                                     : -1;
}

/* Whether memory's indices of this instruction are 8 bytes each: the last letters say (…dq, …qd, …qps).  */
static bool
has_wide_indices (ZydisMnemonic mnemonic)
{
  const char *name = ZydisMnemonicGetString (mnemonic);
  const char *at = strstr (name, "gather");
  at = at ? at + 6 : strstr (name, "scatter") ? strstr (name, "scatter") + 7 : "d";
  return *at == 'q';
}

static void
recipe__memory (struct recipe *recipe, const ZydisDecodedInstruction *insn,
                const ZydisDecodedOperand *operands, const ZydisDecodedOperand *memory)
{
  int base = gpr_number (memory->mem.base);
  if (memory->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
    return;
  recipe->memory = true;
  if (base >= 0 && base != 4 && base != 5)
    recipe->pointer |= 1u << base;
  int index = gpr_number (memory->mem.index);
  if (index >= 0)
    recipe->index |= 1u << index;
  int vec = vec_number (memory->mem.index);
  if (vec >= 0)
    *(has_wide_indices (insn->mnemonic) ? &recipe->index8 : &recipe->index4) |= 1u << vec;
  bool bits = insn->mnemonic == ZYDIS_MNEMONIC_BT || insn->mnemonic == ZYDIS_MNEMONIC_BTS
              || insn->mnemonic == ZYDIS_MNEMONIC_BTR || insn->mnemonic == ZYDIS_MNEMONIC_BTC;
  if (bits && operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
    recipe->bit |= 1u << gpr_number (operands[1].reg.value);
}

int
recipe__make (const struct form *form, struct recipe *recipe)
{
  ZydisDecoder decoder;
  *recipe = (struct recipe) { .n_insns = 0 };
  ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  for (size_t at = 0; at < form->size;)
    {
      ZydisDecodedInstruction insn;
      ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
      if (ZYAN_FAILED (ZydisDecoderDecodeFull (&decoder, form->bytes + at, form->size - at, &insn,
                                               operands)))
        return -1;
      for (unsigned i = 0; i < insn.operand_count; i++)
        if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
          recipe__memory (recipe, &insn, operands, &operands[i]);
        else if (operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
          {
            ZydisRegister reg = operands[i].reg.value;
            int vec = vec_number (reg);
            if (vec >= 0)
              recipe->vec |= 1u << vec;
            if (reg >= ZYDIS_REGISTER_K0 && reg <= ZYDIS_REGISTER_K7)
              recipe->mask |= 1u << (reg - ZYDIS_REGISTER_K0);
          }
      recipe->divide |= insn.mnemonic == ZYDIS_MNEMONIC_DIV || insn.mnemonic == ZYDIS_MNEMONIC_IDIV;
      recipe->repeat |= (insn.attributes
                         & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE))
                        != 0;
      recipe->n_insns++;
      at += insn.length;
    }
  recipe->vectors = recipe->vec || recipe->mask || strstr (form->family, "vex");
  recipe->floating = strstr (form->family, "float") || strstr (form->family, "move")
                     || strstr (form->family, "convert") || strstr (form->family, "flags");
  recipe->index &= (uint16_t) ~recipe->pointer;
  recipe->bit &= (uint16_t) ~recipe->pointer;
  return 0;
}

/* One integer.  */
static uint64_t
draw_integer (struct rng *rng)
{
  static const uint64_t edges[] = {
    0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
    0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
    0xfffffffffffffffe, 0xffffffff80000000, 0xffffffffffff8000, 0xffffffffffffff80,
    0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x00ff00ff00ff00ff, 0x8080808080808080,
  };
  uint64_t random = rng__next (rng);
  unsigned kind = random & 15;
  random = rng__next (rng);
  if (kind < 5)
    return random;
  if (kind < 8)
    return edges[random % COUNT (edges)];
  if (kind < 10)
    return edges[random % COUNT (edges)] + (random >> 32) % 5 - 2;
  if (kind < 12)
    return random % 70; /* shift counts */
  if (kind == 12)
    return random & rng__next (rng) & rng__next (rng) & rng__next (rng); /* few bits */
  if (kind == 13)
    return random >> (rng__next (rng) & 63);
  if (kind == 14)
    return (uint64_t) ((int64_t) random >> (rng__next (rng) & 63));
  return UINT64_C (1) << (random & 63);
}

static uint32_t
draw_float (struct rng *rng)
{
  static const uint32_t edges[] = {
    0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001,
    0xffa00000, 0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x3f000000, 0x4b000000,
    0x4b800001, 0x4f000000, 0xcf000000, 0x4f800000, 0x5f000000, 0xdf000000, 0x5f800000, 0x3fc00000,
    0xbfc00001, 0x40200000, 0x7fc12345, 0x33000000, 0x0d000000,
  };
  uint64_t random = rng__next (rng);
  if ((random & 3) == 0)
    return edges[(random >> 8) % COUNT (edges)] + ((random & 12) == 0 ? (random >> 40) % 5 - 2 : 0);
  /* Exponents near each other, so that sums round and cancel.  */
  return (uint32_t) ((random >> 32 & 0x807fffff) | (120 + (random >> 8) % 20) << 23);
}

static uint64_t
draw_double (struct rng *rng)
{
  static const uint64_t edges[] = {
    0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
    0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001, 0xfff4000000000000,
    1, 0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, 0xffefffffffffffff,
    0x3fe0000000000000, 0x4330000000000000, 0x4340000000000001, 0x41dfffffffc00000,
    0x41e0000000000000, 0xc1e0000000000000, 0x41f0000000000000, 0x43e0000000000000,
    0xc3e0000000000000, 0x43f0000000000000, 0x47efffffe0000000, 0x36a0000000000000,
    0x380fffffffffffff, 0x7ff8000000012345, 0x3ff8000000000000,
  };
  uint64_t random = rng__next (rng);
  if ((random & 3) == 0)
    return edges[(random >> 8) % COUNT (edges)] + ((random & 12) == 0 ? (random >> 40) % 5 - 2 : 0);
  return (rng__next (rng) & 0x800fffffffffffff) | (1015 + (random >> 8) % 20) << 52;
}

/* 64 bytes at TO: lanes of one kind.  */
static void
draw_vector (uint8_t *to, bool floating, struct rng *rng)
{
  static const uint8_t edges[] = { 0, 1, 2, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff, 8, 16, 15 };
  uint64_t words[8];
  unsigned kind = (unsigned) rng__below (rng, floating ? 16 : 10);
  uint64_t random = rng__next (rng);
  if (kind < 4)
    for (unsigned i = 0; i < 8; i++)
      words[i] = rng__next (rng);
  else if (kind == 4)
    for (unsigned i = 0; i < 8; i++)
      words[i] = draw_integer (rng);
  else if (kind == 5) /* bytes */
    {
      uint8_t *bytes = (uint8_t *) words;
      for (unsigned i = 0; i < 64; i++)
        {
          if (i % 8 == 0)
            random = rng__next (rng);
          bytes[i] = edges[(random >> i % 8 * 8 & 255) % COUNT (edges)];
        }
    }
  else if (kind == 6) /* small lanes: indices and shift counts */
    {
      uint64_t mask = (random & 3) == 0   ? 0x3f3f3f3f3f3f3f3f
                      : (random & 3) == 1 ? 0x001f001f001f001f
                      : (random & 3) == 2 ? 0x0000003f0000003f
                                          : 0x7f;
      for (unsigned i = 0; i < 8; i++)
        words[i] = rng__next (rng) & mask;
    }
  else if (kind == 7) /* all or nothing of lanes */
    for (unsigned i = 0; i < 8; i++)
      {
        random = rng__next (rng);
        words[i] = (random & 3) == 0   ? 0
                   : (random & 3) == 1 ? ~UINT64_C (0)
                   : (random & 3) == 2 ? 0x8000800080008000
                                       : 0xffffffff00000000 >> (random & 32);
      }
  else if (kind == 8) /* the same everywhere */
    {
      uint64_t value = draw_integer (rng);
      for (unsigned i = 0; i < 8; i++)
        words[i] = value;
    }
  else if (kind == 9 || kind < 13)
    {
      uint32_t *floats = (uint32_t *) words;
      for (unsigned i = 0; i < 16; i++)
        floats[i] = draw_float (rng);
    }
  else
    for (unsigned i = 0; i < 8; i++)
      words[i] = draw_double (rng);
  memcpy (to, words, 64);
}

/* Mostly well inside the page and aligned to 64; now and then at its ends, so that accesses fault.  */
static uint64_t
draw_pointer (struct rng *rng)
{
  uint64_t random = rng__next (rng);
  unsigned kind = random & 63;
  random >>= 8;
  if (kind < 2)
    return inputs__page () + INPUTS_PAGE - random % 160;
  if (kind < 3)
    return inputs__page () + random % 160 - 64;
  uint64_t pointer = inputs__page () + 1536 + random % 1024;
  return kind < 40 ? pointer & ~UINT64_C (63) : pointer;
}

void
inputs__begin (struct state *state, bool wide, struct rng *rng)
{
  memset (state, 0, sizeof *state);
  state->n_spans = 1;
  state->span[0].address = inputs__page ();
  state->span[0].size = INPUTS_PAGE;
  state->span[0].protection = PROT_STATE_READ | PROT_STATE_WRITE;
  state->span[0].bytes = malloc (INPUTS_PAGE);
  if (!state->span[0].bytes)
    abort ();
  for (unsigned i = 0; i < INPUTS_PAGE; i += 64)
    draw_vector (state->span[0].bytes + i, false, rng);
  for (unsigned i = 0; i < (wide ? 32 : 16); i++)
    {
      draw_vector (state->machine.vec[i], true, rng);
      if (!wide)
        memset (state->machine.vec[i] + 16, 0, 48);
    }
  for (unsigned i = 0; wide && i < 8; i++)
    state->machine.mask[i] = rng__next (rng);
  host__clip (&state->machine);
  state->seed = rng__next (rng);
}

/* Pointers and the memory about them.  */
static void
draw_memory (struct state *state, const struct recipe *recipe, struct rng *rng)
{
  uint64_t *gpr = state->machine.gpr;
  uint64_t last = 0;
  for (unsigned i = 0; i < 16; i++)
    if (recipe->pointer & 1u << i)
      {
        gpr[i] = last && (rng__next (rng) & 3) == 0 ? last + rng__below (rng, 33) - 16 : draw_pointer (rng);
        last = gpr[i];
        uint64_t offset = (gpr[i] - inputs__page ()) & ~UINT64_C (63);
        for (unsigned part = 0; part < 3; part++)
          if (offset - 64 + part * 64 <= INPUTS_PAGE - 64)
            draw_vector (state->span[0].bytes + offset - 64 + part * 64, recipe->floating, rng);
        /* What cmpxchg compares with, and what scas and cmps find.  */
        unsigned kind = (unsigned) rng__below (rng, 8);
        if (gpr[i] - inputs__page () <= INPUTS_PAGE - 64)
          {
            uint8_t *bytes = state->span[0].bytes + (gpr[i] - inputs__page ());
            if (kind == 0)
              {
                memcpy (bytes, &gpr[0], 8);
                memcpy (bytes + 8, &gpr[2], 8);
              }
            else if (kind < 3 && recipe->repeat)
              for (unsigned b = 0; b < 64; b++)
                bytes[b] = rng__next (rng) & 7 ? (uint8_t) gpr[0] : bytes[b];
          }
      }
  for (unsigned i = 0; i < 16; i++)
    if (recipe->index & 1u << i)
      gpr[i] = (uint64_t) (int64_t) ((int) rng__below (rng, 129) - 64);
    else if (recipe->bit & 1u << i)
      {
        /* Only the operand's own width of it counts; the rest is as it is.  */
        int64_t bit = (int64_t) rng__below (rng, 4096) - 2048;
        gpr[i] = rng__next (rng) & 1 ? (uint64_t) bit : (uint64_t) bit & 0x7ff;
      }
  for (unsigned i = 0; i < 32; i++)
    {
      if (recipe->index4 & 1u << i)
        for (unsigned lane = 0; lane < 16; lane++)
          {
            int32_t index = (int32_t) rng__below (rng, 129) - 64;
            memcpy (state->machine.vec[i] + lane * 4, &index, 4);
          }
      if (recipe->index8 & 1u << i)
        for (unsigned lane = 0; lane < 8; lane++)
          {
            int64_t index = (int64_t) rng__below (rng, 129) - 64;
            memcpy (state->machine.vec[i] + lane * 8, &index, 8);
          }
    }
}

void
inputs__draw (struct state *state, const struct recipe *recipe, struct rng *rng)
{
  struct machine_state *machine = &state->machine;
  state->n_spans = recipe->memory;
  for (unsigned i = 0; i < 16; i++)
    machine->gpr[i] = draw_integer (rng);
  uint64_t random = rng__next (rng);
  if ((random & 3) == 0)
    machine->gpr[random >> 8 & 15] = machine->gpr[random >> 16 & 15];
  if ((random & 12) == 0) /* the pairs that forms are made of */
    {
      machine->gpr[6] = machine->gpr[7];
      machine->gpr[9] = machine->gpr[14];
    }
  if (recipe->divide && (random & 0x70) != 0)
    /* A dividend that the divisor can have made, most often.  */
    machine->gpr[2] = (random & 0x80) ? 0 : (uint64_t) ((int64_t) machine->gpr[0] >> 63);
  if (recipe->repeat)
    machine->gpr[1] = (unsigned) rng__below (rng, 8) == 0 ? 0 : (unsigned) rng__below (rng, 40);
  int other = -1;
  for (uint32_t set = recipe->vec; set; set &= set - 1)
    {
      int i = __builtin_ctz (set);
      draw_vector (machine->vec[i], recipe->floating, rng);
      random = rng__next (rng);
      if (other >= 0 && (random & 3) == 0)
        {
          memcpy (machine->vec[i], machine->vec[other], 64);
          if (random & 4)
            machine->vec[i][random >> 8 & 63] ^= 1u << (random >> 16 & 7);
        }
      other = i;
    }
  for (unsigned i = 0; i < 8; i++)
    if (recipe->mask & 1u << i)
      {
        random = rng__next (rng);
        machine->mask[i] = (random & 7) == 0   ? 0
                           : (random & 7) == 1 ? ~UINT64_C (0)
                           : (random & 7) == 2 ? UINT64_C (1) << (random >> 8 & 63)
                           : (random & 7) == 3 ? ~(UINT64_C (1) << (random >> 8 & 63))
                                               : rng__next (rng);
      }
  host__clip (machine);
  random = rng__next (rng);
  machine->rflags = (random & ARITHMETIC_FLAGS) | 2;
  machine->mxcsr = 0x1f80 | ((random >> 32 & 7) == 0 ? random >> 40 & 0x3f : 0);
  if (recipe->memory)
    draw_memory (state, recipe, rng);
}
