/* Moves: whole vectors, parts of them to and from memory and general registers, duplications.
   Non-temporal moves are not modelled.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"

/* Whole vectors: WIDTH is the mask's lane, 0 where there is none.  */
static int
move__lane (ZydisMnemonic mnemonic)
{
  switch (mnemonic)
    {
    case ZYDIS_MNEMONIC_MOVDQA:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_VMOVDQA:
    case ZYDIS_MNEMONIC_VMOVDQU:
    case ZYDIS_MNEMONIC_VLDDQU:
    case ZYDIS_MNEMONIC_MOVAPS:
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVAPD:
    case ZYDIS_MNEMONIC_MOVUPD:
      return 0;
    case ZYDIS_MNEMONIC_VMOVDQU8:
      return 8;
    case ZYDIS_MNEMONIC_VMOVDQU16:
      return 16;
    case ZYDIS_MNEMONIC_VMOVDQA32:
    case ZYDIS_MNEMONIC_VMOVDQU32:
    case ZYDIS_MNEMONIC_VMOVAPS:
    case ZYDIS_MNEMONIC_VMOVUPS:
      return 32;
    case ZYDIS_MNEMONIC_VMOVDQA64:
    case ZYDIS_MNEMONIC_VMOVDQU64:
    case ZYDIS_MNEMONIC_VMOVAPD:
    case ZYDIS_MNEMONIC_VMOVUPD:
      return 64;
    default:
      return -1;
    }
}

static int
move__apply (struct run *run)
{
  unsigned lane = move__lane (run->meaning->insn.mnemonic);
  struct vec vec;
  vec__open (&vec, run);
  const struct term *value = vec__source (&vec, 1, vec.bits, lane);
  return value == NULL ? -1 : vec__write (&vec, value, lane);
}

/* movd, movq between vectors, general registers and memory: a vector gets zeros above.  */
static int
move_word__apply (struct run *run)
{
  ZydisMnemonic mnemonic = run->meaning->insn.mnemonic;
  struct vec vec;
  vec__open (&vec, run);
  unsigned width = mnemonic == ZYDIS_MNEMONIC_MOVD || mnemonic == ZYDIS_MNEMONIC_VMOVD ? 32 : 64;
  const ZydisDecodedOperand *to = vec__operand (&vec, 0), *from = vec__operand (&vec, 1);
  const struct term *value;
  if (from->type == ZYDIS_OPERAND_TYPE_REGISTER && vec__number (from->reg.value) < 0)
    {
      if (from->size != width)
        return run__unmodelled (run, "operand size");
      value = gpr__read (run, from->reg.value);
    }
  else if (from->type == ZYDIS_OPERAND_TYPE_MEMORY && from->size != width)
    return run__unmodelled (run, "operand size");
  else
    value = vec__source (&vec, 1, width, 0);
  if (value == NULL)
    return -1;
  value = term__extract (vec.terms, value, 0, width);
  if (to->type == ZYDIS_OPERAND_TYPE_MEMORY)
    return vec__write (&vec, value, 0);
  if (vec__number (to->reg.value) >= 0)
    return vec__write (&vec, term__zext (vec.terms, value, 128), 0);
  if (to->size != width)
    return run__unmodelled (run, "operand size");
  gpr__write (run, to->reg.value, value);
  return 0;
}

/* movss, movsd: from memory with zeros above; between registers the upper part is the first source's.  */
static int
move_scalar__apply (struct run *run)
{
  ZydisMnemonic mnemonic = run->meaning->insn.mnemonic;
  unsigned width = mnemonic == ZYDIS_MNEMONIC_MOVSS || mnemonic == ZYDIS_MNEMONIC_VMOVSS ? 32 : 64;
  struct vec vec;
  vec__open (&vec, run);
  const struct term *value = vec__source (&vec, vec.n - 1, width, width);
  if (value == NULL)
    return -1;
  if (vec__is_memory (&vec, 0))
    return vec__write (&vec, value, width);
  if (vec__is_memory (&vec, vec.n - 1))
    return vec__write_scalar (&vec, value, vec__zero (&vec, 128));
  const struct term *upper = vec__source (&vec, vec.n - 2, 128, 0);
  return upper == NULL ? -1 : vec__write_scalar (&vec, value, upper);
}

/* movhps, movlps, movhpd, movlpd, movhlps, movlhps: HIGH says which half of the result is the second source's.  */
static int
move_half__apply (struct run *run)
{
  struct vec vec;
  vec__open (&vec, run);
  bool high, from_high = false;
  switch (run->meaning->insn.mnemonic)
    {
    case ZYDIS_MNEMONIC_MOVHLPS:
    case ZYDIS_MNEMONIC_VMOVHLPS:
      high = false;
      from_high = true;
      break;
    case ZYDIS_MNEMONIC_MOVLPS:
    case ZYDIS_MNEMONIC_MOVLPD:
    case ZYDIS_MNEMONIC_VMOVLPS:
    case ZYDIS_MNEMONIC_VMOVLPD:
      high = false;
      break;
    default:
      high = true;
      break;
    }
  if (vec__is_memory (&vec, 0))
    {
      const struct term *value = vec__source (&vec, 1, 128, 0);
      return value == NULL ? -1 : vec__write (&vec, term__extract (vec.terms, value, high ? 64 : 0, 64), 0);
    }
  bool memory = vec__is_memory (&vec, vec.n - 1);
  const struct term *second = vec__source (&vec, vec.n - 1, memory ? 64 : 128, 0);
  const struct term *first = second ? vec__source (&vec, vec.n == 3 ? 1 : 0, 128, 0) : NULL;
  if (first == NULL)
    return -1;
  const struct term *half = term__extract (vec.terms, second, from_high ? 64 : 0, 64);
  return vec__write (&vec, term__insert (vec.terms, first, high ? 64 : 0, half), 0);
}

/* movddup, movshdup, movsldup.  */
static int
move_double__apply (struct run *run)
{
  ZydisMnemonic mnemonic = run->meaning->insn.mnemonic;
  struct vec vec;
  vec__open (&vec, run);
  bool wide = mnemonic == ZYDIS_MNEMONIC_MOVDDUP || mnemonic == ZYDIS_MNEMONIC_VMOVDDUP;
  bool odd = mnemonic == ZYDIS_MNEMONIC_MOVSHDUP || mnemonic == ZYDIS_MNEMONIC_VMOVSHDUP;
  unsigned lane = wide ? 64 : 32, lanes = vec.bits / lane;
  unsigned bits = wide && vec.bits == 128 && vec__is_memory (&vec, 1) ? 64 : vec.bits;
  const struct term *a = vec__source (&vec, 1, bits, 0), *part[VEC_LANES_MAX];
  if (a == NULL)
    return -1;
  for (unsigned i = 0; i < lanes; i++)
    part[i] = vec__lane (&vec, a, odd ? i | 1 : i & ~1u, lane);
  return vec__write (&vec, term__join (vec.terms, part, lanes), lane);
}

/* vmaskmovps, vpmaskmovd …: the mask is the lanes' top bits in a vector.  */
static int
move_masked__apply (struct run *run)
{
  const struct sym_host *host = run->host;
  struct terms *terms = run->terms;
  struct vec vec;
  vec__open (&vec, run);
  unsigned lane;
  switch (run->meaning->insn.mnemonic)
    {
    case ZYDIS_MNEMONIC_VPMASKMOVD:
    case ZYDIS_MNEMONIC_VMASKMOVPS:
      lane = 32;
      break;
    default:
      lane = 64;
      break;
    }
  bool store = vec__is_memory (&vec, 0);
  const struct term *mask = vec__source (&vec, 1, vec.bits, 0);
  const struct term *value = mask && store ? vec__source (&vec, 2, vec.bits, 0) : mask;
  const struct term *address = value ? operand__address (run, vec.operand[store ? 0 : 2]) : NULL;
  if (address == NULL)
    return -1;
  const struct term *part[VEC_LANES_MAX];
  unsigned lanes = vec.bits / lane;
  for (unsigned i = 0; i < lanes; i++)
    {
      const struct term *bit = term__extract (terms, mask, (i + 1) * lane - 1, 1);
      const struct term *at = term__add (terms, address, term__const (terms, 64, i * lane / 8));
      const struct term *when = term__is_ones (bit) ? NULL : bit;
      part[i] = vec__zero (&vec, lane);
      if (term__is_value (bit, 0))
        continue;
      if (store)
        {
          if (host->store (host->context, at, vec__lane (&vec, value, i, lane), when) < 0)
            return -1;
          continue;
        }
      const struct term *loaded = host->load (host->context, at, lane / 8, when);
      if (loaded == NULL)
        return -1;
      part[i] = term__ite (terms, bit, loaded, part[i]);
    }
  return store ? 0 : vec__write (&vec, term__join (terms, part, lanes), 0);
}

/* vzeroupper keeps the low 128 bits of registers 0 to 15, vzeroall nothing.  */
static int
zero__apply (struct run *run)
{
  struct sym_cpu *cpu = run->cpu;
  bool all = run->meaning->insn.mnemonic == ZYDIS_MNEMONIC_VZEROALL;
  for (unsigned i = 0; i < 16; i++)
    cpu->vec[i] = all ? term__const (run->terms, 512, 0)
                      : term__zext (run->terms, term__extract (run->terms, cpu->vec[i], 0, 128), 512);
  return 0;
}

vector_apply *
vector_move__find (const struct meaning *meaning)
{
  ZydisMnemonic mnemonic = meaning->insn.mnemonic;
  switch (mnemonic)
    {
    case ZYDIS_MNEMONIC_MOVD:
    case ZYDIS_MNEMONIC_MOVQ:
    case ZYDIS_MNEMONIC_VMOVD:
    case ZYDIS_MNEMONIC_VMOVQ:
      return move_word__apply;
    case ZYDIS_MNEMONIC_MOVSS:
    case ZYDIS_MNEMONIC_VMOVSS:
    case ZYDIS_MNEMONIC_VMOVSD:
      return move_scalar__apply;
    case ZYDIS_MNEMONIC_MOVSD:
      /* The string instruction has the same name.  */
      return meaning->insn.operand_count_visible == 2
                 && ((meaning->operand[0].type == ZYDIS_OPERAND_TYPE_REGISTER
                      && vec__number (meaning->operand[0].reg.value) >= 0)
                     || (meaning->operand[1].type == ZYDIS_OPERAND_TYPE_REGISTER
                         && vec__number (meaning->operand[1].reg.value) >= 0))
               ? move_scalar__apply
               : NULL;
    case ZYDIS_MNEMONIC_MOVHPS:
    case ZYDIS_MNEMONIC_MOVHPD:
    case ZYDIS_MNEMONIC_MOVLPS:
    case ZYDIS_MNEMONIC_MOVLPD:
    case ZYDIS_MNEMONIC_MOVHLPS:
    case ZYDIS_MNEMONIC_MOVLHPS:
    case ZYDIS_MNEMONIC_VMOVHPS:
    case ZYDIS_MNEMONIC_VMOVHPD:
    case ZYDIS_MNEMONIC_VMOVLPS:
    case ZYDIS_MNEMONIC_VMOVLPD:
    case ZYDIS_MNEMONIC_VMOVHLPS:
    case ZYDIS_MNEMONIC_VMOVLHPS:
      return move_half__apply;
    case ZYDIS_MNEMONIC_MOVDDUP:
    case ZYDIS_MNEMONIC_MOVSHDUP:
    case ZYDIS_MNEMONIC_MOVSLDUP:
    case ZYDIS_MNEMONIC_VMOVDDUP:
    case ZYDIS_MNEMONIC_VMOVSHDUP:
    case ZYDIS_MNEMONIC_VMOVSLDUP:
      return move_double__apply;
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
      return move_masked__apply;
    case ZYDIS_MNEMONIC_VZEROUPPER:
    case ZYDIS_MNEMONIC_VZEROALL:
      return zero__apply;
    default:
      return move__lane (mnemonic) >= 0 ? move__apply : NULL;
    }
}
