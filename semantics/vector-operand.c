/* Operands of vector instructions: reading with broadcast and mask, writing with masks and the rules for upper bits.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/vector.h"
#include "machine/suppression.h"

void
vec__open (struct vec *vec, struct run *run)
{
  const struct meaning *meaning = run->meaning;
  const ZydisDecodedInstruction *insn = &meaning->insn;
  *vec = (struct vec){ .run = run, .terms = run->terms };
  vec->legacy = insn->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
  vec->bits = vec->legacy || insn->avx.vector_length == 0 ? 128u : insn->avx.vector_length;
  vec->broadcast = insn->avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID && !insn->avx.broadcast.is_static;
  for (unsigned i = 0; i < insn->operand_count_visible; i++)
    {
      const ZydisDecodedOperand *operand = &meaning->operand[i];
      if (operand->encoding == ZYDIS_OPERAND_ENCODING_MASK)
        continue;
      if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        {
          vec->has_imm = true;
          vec->imm = operand->imm.value.u & 0xff;
        }
      else
        vec->operand[vec->n++] = i;
    }
  if (insn->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX && insn->avx.mask.mode != ZYDIS_MASK_MODE_INVALID
      && insn->avx.mask.mode != ZYDIS_MASK_MODE_DISABLED && insn->avx.mask.reg != ZYDIS_REGISTER_NONE
      && insn->avx.mask.reg != ZYDIS_REGISTER_K0)
    {
      vec->mask = run->cpu->mask[mask__number (insn->avx.mask.reg)];
      vec->masked = true;
      vec->zeroing = insn->avx.mask.mode == ZYDIS_MASK_MODE_ZEROING
                     || insn->avx.mask.mode == ZYDIS_MASK_MODE_CONTROL_ZEROING;
    }
}

const ZydisDecodedOperand *
vec__operand (const struct vec *vec, unsigned n)
{
  return &vec->run->meaning->operand[vec->operand[n]];
}

bool
vec__is_memory (const struct vec *vec, unsigned n)
{
  return vec__operand (vec, n)->type == ZYDIS_OPERAND_TYPE_MEMORY;
}

int
vec__number (ZydisRegister reg)
{
  if (reg >= ZYDIS_REGISTER_XMM0 && reg <= ZYDIS_REGISTER_XMM31)
    return reg - ZYDIS_REGISTER_XMM0;
  if (reg >= ZYDIS_REGISTER_YMM0 && reg <= ZYDIS_REGISTER_YMM31)
    return reg - ZYDIS_REGISTER_YMM0;
  if (reg >= ZYDIS_REGISTER_ZMM0 && reg <= ZYDIS_REGISTER_ZMM31)
    return reg - ZYDIS_REGISTER_ZMM0;
  return -1;
}

int
mask__number (ZydisRegister reg)
{
  return reg >= ZYDIS_REGISTER_K0 && reg <= ZYDIS_REGISTER_K7 ? (int) reg - ZYDIS_REGISTER_K0 : -1;
}

void
vec__align (struct vec *vec, const struct term *address, unsigned bytes)
{
  unsigned low = __builtin_ctz (bytes);
  const struct term *part = term__extract (vec->terms, address, 0, low);
  vec->run->host->trap (vec->run->host->context, SYM_TRAP_ALIGNMENT,
                        term__ne (vec->terms, part, term__const (vec->terms, low, 0)));
}

/* The address of operand N, with the trap that legacy SSE's 16-byte operands and aligned moves raise.  Whether that comes
   before the mask is asked, and whether SHA's operands are held to it, CPUs don't agree on with the manual: such
   forms are not modelled.  */
static const struct term *
address__checked (struct vec *vec, unsigned n)
{
  const struct term *address = operand__address (vec->run, vec->operand[n]);
  if (address == NULL)
    return NULL;
  unsigned bytes = vec__operand (vec, n)->size / 8u;
  switch (vec->run->meaning->insn.mnemonic)
    {
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
      break;
    case ZYDIS_MNEMONIC_VMOVAPS:
    case ZYDIS_MNEMONIC_VMOVAPD:
    case ZYDIS_MNEMONIC_VMOVDQA:
    case ZYDIS_MNEMONIC_VMOVDQA32:
    case ZYDIS_MNEMONIC_VMOVDQA64:
      if (vec->masked)
        {
          run__unmodelled (vec->run, "masked aligned memory operand");
          return NULL;
        }
      vec__align (vec, address, bytes);
      break;
    case ZYDIS_MNEMONIC_SHA1RNDS4:
    case ZYDIS_MNEMONIC_SHA1NEXTE:
    case ZYDIS_MNEMONIC_SHA1MSG1:
    case ZYDIS_MNEMONIC_SHA1MSG2:
    case ZYDIS_MNEMONIC_SHA256RNDS2:
    case ZYDIS_MNEMONIC_SHA256MSG1:
    case ZYDIS_MNEMONIC_SHA256MSG2:
      run__unmodelled (vec->run, "memory operand");
      return NULL;
    default:
      if (vec->legacy && bytes == 16)
        vec__align (vec, address, bytes);
      break;
    }
  return address;
}

const struct term *
vec__bit (struct vec *vec, unsigned i)
{
  return vec->masked ? term__extract (vec->terms, vec->mask, i, 1) : term__true (vec->terms);
}

bool
vec__suppresses (const struct vec *vec)
{
  return vec->masked && exception_class__suppresses (vec->run->meaning->insn.meta.exception_class);
}

/* True where the low N bits of the mask are known to be ones.  */
static bool
mask__is_full (struct vec *vec, unsigned n)
{
  return !vec->masked || term__is_ones (term__extract (vec->terms, vec->mask, 0, n));
}

/* BITS from VALUE, repeated.  */
static const struct term *
value__repeat (struct vec *vec, const struct term *value, unsigned bits)
{
  const struct term *part[VEC_LANES_MAX];
  unsigned n = bits / value->width;
  for (unsigned i = 0; i < n; i++)
    part[i] = value;
  return n == 1 ? value : term__join (vec->terms, part, n);
}

const struct term *
vec__load (struct vec *vec, unsigned n, unsigned bits)
{
  const struct sym_host *host = vec->run->host;
  const struct term *address = address__checked (vec, n);
  if (address == NULL)
    return NULL;
  unsigned size = vec->broadcast ? vec__operand (vec, n)->size : bits;
  if (size == 0 || bits % size != 0 || size % 8 != 0)
    {
      run__unmodelled (vec->run, "operand size");
      return NULL;
    }
  const struct term *value = host->load (host->context, address, size / 8, NULL);
  return value == NULL ? NULL : value__repeat (vec, value, bits);
}

/* Memory under the mask, lane by lane; a broadcast element where any lane wants it.  */
static const struct term *
load__masked (struct vec *vec, unsigned n, unsigned bits, unsigned lane)
{
  const struct sym_host *host = vec->run->host;
  if (lane == 0 || bits % lane != 0)
    {
      run__unmodelled (vec->run, "masked memory operand");
      return NULL;
    }
  const struct term *address = address__checked (vec, n);
  if (address == NULL)
    return NULL;
  unsigned lanes = bits / lane;
  if (vec->broadcast)
    {
      unsigned size = vec__operand (vec, n)->size;
      if (size != lane)
        {
          run__unmodelled (vec->run, "masked broadcast");
          return NULL;
        }
      const struct term *any = term__not (
        vec->terms, term__is_zero (vec->terms, term__extract (vec->terms, vec->mask, 0, lanes)));
      if (term__is_value (any, 0))
        return vec__zero (vec, bits);
      const struct term *value
        = host->load (host->context, address, size / 8, term__is_ones (any) ? NULL : any);
      return value == NULL ? NULL : value__repeat (vec, value, bits);
    }
  const struct term *part[VEC_LANES_MAX];
  for (unsigned i = 0; i < lanes; i++)
    {
      const struct term *bit = vec__bit (vec, i);
      if (term__is_value (bit, 0))
        {
          part[i] = vec__zero (vec, lane);
          continue;
        }
      const struct term *at = term__add (vec->terms, address, term__const (vec->terms, 64, i * lane / 8));
      part[i] = host->load (host->context, at, lane / 8, term__is_ones (bit) ? NULL : bit);
      if (part[i] == NULL)
        return NULL;
    }
  return term__join (vec->terms, part, lanes);
}

const struct term *
vec__source (struct vec *vec, unsigned n, unsigned bits, unsigned lane)
{
  const ZydisDecodedOperand *operand = vec__operand (vec, n);
  if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER)
    {
      int number = vec__number (operand->reg.value);
      if (number >= 0)
        return term__extract (vec->terms, vec->run->cpu->vec[number], 0, bits);
      number = mask__number (operand->reg.value);
      if (number >= 0 && bits <= 64)
        return term__extract (vec->terms, vec->run->cpu->mask[number], 0, bits);
    }
  if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY)
    {
      run__unmodelled (vec->run, "operand form");
      return NULL;
    }
  if (vec__suppresses (vec) && !(lane != 0 && mask__is_full (vec, bits / lane)))
    return load__masked (vec, n, bits, lane);
  return vec__load (vec, n, bits);
}

void
vec__set (struct vec *vec, unsigned number, const struct term *value)
{
  const struct term **reg = &vec->run->cpu->vec[number];
  *reg = vec->legacy ? term__insert (vec->terms, *reg, 0, value) : term__zext (vec->terms, value, 512);
}

void
vec__set_mask (struct vec *vec, unsigned number, const struct term *value)
{
  vec->run->cpu->mask[number] = term__zext (vec->terms, value, 64);
}

const struct term *
vec__merge (struct vec *vec, const struct term *value, const struct term *old, unsigned lane)
{
  const struct term *part[VEC_LANES_MAX];
  unsigned lanes = value->width / lane;
  for (unsigned i = 0; i < lanes; i++)
    part[i] = term__ite (vec->terms, vec__bit (vec, i), vec__lane (vec, value, i, lane),
                         vec->zeroing ? vec__zero (vec, lane) : vec__lane (vec, old, i, lane));
  return term__join (vec->terms, part, lanes);
}

/* VALUE to memory, lane by lane where masked.  */
static int
memory__write (struct vec *vec, const struct term *value, unsigned lane)
{
  const struct sym_host *host = vec->run->host;
  const struct term *address = address__checked (vec, 0);
  if (address == NULL)
    return -1;
  unsigned lanes = lane == 0 ? 1 : value->width / lane;
  if (mask__is_full (vec, lanes))
    return host->store (host->context, address, value, NULL);
  for (unsigned i = 0; i < lanes; i++)
    {
      const struct term *bit = vec__bit (vec, i);
      if (term__is_value (bit, 0))
        continue;
      const struct term *at = term__add (vec->terms, address, term__const (vec->terms, 64, i * lane / 8));
      if (host->store (host->context, at, vec__lane (vec, value, i, lane), term__is_ones (bit) ? NULL : bit) < 0)
        return -1;
    }
  return 0;
}

int
vec__write (struct vec *vec, const struct term *value, unsigned lane)
{
  const ZydisDecodedOperand *operand = vec__operand (vec, 0);
  if (vec->masked
      && (lane == 0 || value->width % lane != 0 || value->width / lane > VEC_LANES_MAX
          || operand->element_size != lane))
    return run__unmodelled (vec->run, "masked form");
  if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
    {
      if (vec->masked && !vec__suppresses (vec))
        return run__unmodelled (vec->run, "masked store");
      return operand->size == value->width ? memory__write (vec, value, vec->masked ? lane : 0)
                                           : run__unmodelled (vec->run, "operand size");
    }
  int number = operand->type == ZYDIS_OPERAND_TYPE_REGISTER ? vec__number (operand->reg.value) : -1;
  if (number < 0)
    return run__unmodelled (vec->run, "operand form");
  if (vec->masked)
    value = vec__merge (vec, value, term__extract (vec->terms, vec->run->cpu->vec[number], 0, value->width), lane);
  /* What is narrower than the smallest vector has zeros above, legacy or not, whatever the mask says.  */
  vec__set (vec, number, value->width < 128 ? term__zext (vec->terms, value, 128) : value);
  return 0;
}

int
vec__write_scalar (struct vec *vec, const struct term *low, const struct term *upper)
{
  const ZydisDecodedOperand *operand = vec__operand (vec, 0);
  int number = operand->type == ZYDIS_OPERAND_TYPE_REGISTER ? vec__number (operand->reg.value) : -1;
  if (number < 0)
    return run__unmodelled (vec->run, "operand form");
  if (vec->masked)
    {
      const struct term *old = term__extract (vec->terms, vec->run->cpu->vec[number], 0, low->width);
      low = term__ite (vec->terms, vec__bit (vec, 0), low,
                       vec->zeroing ? vec__zero (vec, low->width) : old);
    }
  vec__set (vec, number, term__insert (vec->terms, term__extract (vec->terms, upper, 0, 128), 0, low));
  return 0;
}

void
vec__flags (struct vec *vec, const struct term *zf, const struct term *pf, const struct term *cf)
{
  const struct term *zero = term__false (vec->terms);
  vec->run->cpu->flags = (struct sym_flags){
    .kind = FLAGS_EXPLICIT,
    .flag = { [FLAG_CF] = cf ? cf : zero, [FLAG_PF] = pf ? pf : zero, [FLAG_AF] = zero,
              [FLAG_ZF] = zf ? zf : zero, [FLAG_SF] = zero, [FLAG_OF] = zero },
  };
}
