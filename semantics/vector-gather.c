/* Gathers and scatters: an access for each lane under its mask bit, from the lowest lane up; then the mask is 0.
   An access that faults half-way leaves the mask partly cleared; a run that faults is not one whose state is looked at.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

struct gather_row
{
  uint8_t lane, index; /* bits; 0: not one of these */
};

#define ROW(MNEMONIC, LANE, INDEX) [ZYDIS_MNEMONIC_##MNEMONIC] = { LANE, INDEX }
static const struct gather_row gather_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
  ROW (VPGATHERDD, 32, 32), ROW (VPGATHERQD, 32, 64), ROW (VPGATHERDQ, 64, 32), ROW (VPGATHERQQ, 64, 64),
  ROW (VGATHERDPS, 32, 32), ROW (VGATHERQPS, 32, 64), ROW (VGATHERDPD, 64, 32), ROW (VGATHERQPD, 64, 64),
  ROW (VPSCATTERDD, 32, 32), ROW (VPSCATTERQD, 32, 64), ROW (VPSCATTERDQ, 64, 32), ROW (VPSCATTERQQ, 64, 64),
  ROW (VSCATTERDPS, 32, 32), ROW (VSCATTERQPS, 32, 64), ROW (VSCATTERDPD, 64, 32), ROW (VSCATTERQPD, 64, 64),
};

/* The address of lane I of MEM: base + displacement + scale * sign-extended index.  */
static const struct term *
lane__address (struct run *run, const ZydisDecodedOperandMem *mem, unsigned index_bits, unsigned i)
{
  struct terms *terms = run->terms;
  uint64_t disp = mem->disp.has_displacement ? (uint64_t) mem->disp.value : 0;
  const struct term *address = run->meaning->symbol_disp ? run->host->symbol (run->host->context, disp)
                                                         : term__const (terms, 64, disp);
  if (address == NULL)
    return NULL;
  if (mem->base != ZYDIS_REGISTER_NONE)
    {
      const struct term *base = gpr__read (run, mem->base);
      if (base == NULL)
        return NULL;
      address = term__add (terms, address, base);
    }
  const struct term *index
    = term__extract (terms, run->cpu->vec[vec__number (mem->index)], i * index_bits, index_bits);
  return term__add (terms, address,
                    term__mul (terms, term__sext (terms, index, 64), term__const (terms, 64, mem->scale)));
}

static int
gather__apply (struct run *run)
{
  const struct gather_row *row = &gather_rows[run->meaning->insn.mnemonic];
  const struct sym_host *host = run->host;
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  bool scatter = vec__is_memory (&vec, 0);
  const ZydisDecodedOperand *memory = vec__operand (&vec, scatter ? 0 : 1);
  const ZydisDecodedOperand *data = vec__operand (&vec, scatter ? 1 : 0);
  if (memory->type != ZYDIS_OPERAND_TYPE_MEMORY || memory->mem.type != ZYDIS_MEMOP_TYPE_VSIB
      || vec__number (memory->mem.index) < 0 || memory->mem.base == ZYDIS_REGISTER_RIP
      || memory->mem.segment == ZYDIS_REGISTER_FS || memory->mem.segment == ZYDIS_REGISTER_GS
      || data->type != ZYDIS_OPERAND_TYPE_REGISTER)
    return run__unmodelled (run, "operand form");
  bool vex = run->meaning->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  if (!vex && !vec.masked)
    return run__unmodelled (run, "operand form");
  /* The wider of index and lane fills the vectors.  */
  unsigned lanes = vec.bits / (row->lane > row->index ? row->lane : row->index);
  int to = vec__number (data->reg.value), mask = vex ? vec__number (vec__operand (&vec, 2)->reg.value) : -1;
  if (to < 0 || (vex && mask < 0))
    return run__unmodelled (run, "operand form");
  const struct term *part[VEC_LANES_MAX], *bit, *all = run->cpu->vec[to];
  for (unsigned i = 0; i < lanes; i++)
    {
      bit = vex ? term__extract (terms, run->cpu->vec[mask], (i + 1) * row->lane - 1, 1) : vec__bit (&vec, i);
      part[i] = vec__lane (&vec, all, i, row->lane);
      if (term__is_value (bit, 0))
        continue;
      const struct term *address = lane__address (run, &memory->mem, row->index, i);
      const struct term *when = term__is_ones (bit) ? NULL : bit;
      if (address == NULL)
        return -1;
      if (scatter)
        {
          if (host->store (host->context, address, part[i], when) < 0)
            return -1;
          continue;
        }
      const struct term *loaded = host->load (host->context, address, row->lane / 8, when);
      if (loaded == NULL)
        return -1;
      part[i] = term__ite (terms, bit, loaded, part[i]);
    }
  if (!scatter)
    {
      const struct term *value = term__join (terms, part, lanes);
      vec__set (&vec, to, value);
    }
  if (vex)
    vec__set (&vec, mask, vec__zero (&vec, 128));
  else
    vec__set_mask (&vec, mask__number (run->meaning->insn.avx.mask.reg), vec__zero (&vec, 64));
  return 0;
}

vector_apply *
vector_gather__find (const struct meaning *meaning)
{
  return gather_rows[meaning->insn.mnemonic].lane != 0 ? gather__apply : NULL;
}
