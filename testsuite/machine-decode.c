/* What instructions read, write and are; and that bytes which aren't what was written are refused.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "machine/decode.h"
#include "machine/isa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bench
{
  struct arena *arena;
  struct code *code;
  struct object *object;
  struct decoded *decoded;
  struct why why;
};

/* Assembles function f with BODY.  */
static void
bench__assemble (struct bench *bench, const char *body)
{
  *bench = (struct bench){ .arena = arena__new () };
  const char *text = arena__printf (
    bench->arena, "\t.text\n\t.globl\tf\n\t.type\tf, @function\nf:\n%s\n\t.size\tf, .-f\n", body);
  if (code__parse (bench->arena, text, strlen (text), "f", NULL, 0, false, &bench->code,
                   &bench->why)
        < 0
      || object__assemble (bench->arena, bench->code, &bench->object, &bench->why) < 0)
    fail_msg ("%s: %s", reason__slug (bench->why.reason), bench->why.detail);
}

static int
bench__decode (struct bench *bench)
{
  return object__decode (bench->arena, bench->object, bench->code, &bench->decoded, &bench->why);
}

/* The first instruction of BODY, decoded.  */
static const struct decoded_insn *
first (struct bench *bench, const char *body)
{
  bench__assemble (bench, body);
  if (bench__decode (bench) < 0)
    fail_msg ("%s: %s: %s", body, reason__slug (bench->why.reason), bench->why.detail);
  return &bench->decoded->insn[0];
}

enum { RAX = 1 << 0, RCX = 1 << 1, RDX = 1 << 2, RSP = 1 << 4, RSI = 1 << 6, RDI = 1 << 7 };

static void
registers (void **state)
{
  (void) state;
  static const struct
  {
    const char *text;
    uint16_t read, written;
    uint32_t vec_read, vec_written;
    uint8_t mask_read, mask_written;
  } cases[] = {
    { "addl %esi, %edi", RSI | RDI, RDI, 0, 0, 0, 0 },
    { "movl %esi, %eax", RSI, RAX, 0, 0, 0, 0 },
    { "movb %sil, %al", RSI | RAX, RAX, 0, 0, 0, 0 },
    { "movb %ah, %cl", RAX | RCX, RCX, 0, 0, 0, 0 },
    { "movw %si, %ax", RSI | RAX, RAX, 0, 0, 0, 0 },
    { "sete %al", RAX, RAX, 0, 0, 0, 0 },
    { "cmovel %esi, %eax", RSI | RAX, RAX, 0, 0, 0, 0 },
    { "idivl %ecx", RAX | RCX | RDX, RAX | RDX, 0, 0, 0, 0 },
    { "leaq 8(%rdi,%rsi,4), %rax", RDI | RSI, RAX, 0, 0, 0, 0 },
    { "bsfl %edi, %eax", RDI | RAX, RAX, 0, 0, 0, 0 },
    { "rep stosq", RAX | RCX | RDI, RCX | RDI, 0, 0, 0, 0 },
    { "pushq %rax", RAX | RSP, RSP, 0, 0, 0, 0 },
    { "vaddps %ymm1, %ymm2, %ymm3", 0, 0, 6, 8, 0, 0 },
    { "vaddps %zmm1, %zmm2, %zmm3{%k2}", 0, 0, 14, 8, 4, 0 },
    { "vaddps %zmm1, %zmm2, %zmm3{%k2}{z}", 0, 0, 6, 8, 4, 0 },
    { "vpcmpeqb %zmm1, %zmm2, %k3{%k2}", 0, 0, 6, 0, 4, 8 },
    { "vmovaps %zmm1, %zmm31", 0, 0, 2, 0x80000000u, 0, 0 },
    { "sqrtsd %xmm1, %xmm0", 0, 0, 3, 1, 0, 0 },
    { "movss %xmm1, %xmm0", 0, 0, 3, 1, 0, 0 },
    { "movss (%rdi), %xmm0", RDI, 0, 0, 1, 0, 0 },
    { "cvtsi2sdl %eax, %xmm0", RAX, 0, 1, 1, 0, 0 },
    { "vzeroupper", 0, 0, 0xffff, 0xffff, 0, 0 },
    { "kmovd %edi, %k1", RDI, 0, 0, 0, 0, 2 },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct bench bench;
      const struct decoded_insn *insn = first (&bench, cases[i].text);
      if (insn->read.gpr != cases[i].read || insn->written.gpr != cases[i].written
          || insn->read.vec != cases[i].vec_read || insn->written.vec != cases[i].vec_written
          || insn->read.mask != cases[i].mask_read || insn->written.mask != cases[i].mask_written)
        fail_msg ("%s: reads %x %x %x, writes %x %x %x", cases[i].text, insn->read.gpr,
                  insn->read.vec, insn->read.mask, insn->written.gpr, insn->written.vec,
                  insn->written.mask);
      arena__free (bench.arena);
    }
}

static void
memory (void **state)
{
  (void) state;
  static const struct
  {
    const char *text;
    struct decoded_memory memory;
  } cases[] = {
    { "movl 8(%rdi,%rsi,4), %eax",
      { .base = 7, .index = 6, .scale = 4, .disp = 8, .size = 4, .mask = -1, .read = true } },
    { "movb %al, -3(%rdx)",
      { .base = 2, .index = -1, .scale = 1, .disp = -3, .size = 1, .mask = -1, .write = true } },
    { "addq $1, (%rdi)",
      { .base = 7, .index = -1, .scale = 1, .size = 8, .mask = -1, .read = true, .write = true } },
    { "pushq %rax",
      { .base = 4, .index = -1, .scale = 1, .disp = -8, .size = 8, .mask = -1, .write = true,
        .implicit = true } },
    { "popq %rax",
      { .base = 4, .index = -1, .scale = 1, .size = 8, .mask = -1, .read = true,
        .implicit = true } },
    { "ret",
      { .base = 4, .index = -1, .scale = 1, .size = 8, .mask = -1, .read = true,
        .implicit = true } },
    { "leave",
      { .base = 5, .index = -1, .scale = 1, .size = 8, .mask = -1, .read = true,
        .implicit = true } },
    { "vmovdqu32 (%rdi), %zmm0{%k1}{z}",
      { .base = 7, .index = -1, .scale = 1, .size = 64, .element = 4, .mask = 1, .read = true } },
    { "vmovdqu8 %ymm0, 32(%rdi){%k3}",
      { .base = 7, .index = -1, .scale = 1, .disp = 32, .size = 32, .element = 1, .mask = 3,
        .write = true } },
    { "vpmovdb %zmm0, (%rdi){%k1}",
      { .base = 7, .index = -1, .scale = 1, .size = 16, .element = 1, .mask = 1, .write = true } },
    { "vpcompressd %zmm0, (%rdi){%k1}",
      { .base = 7, .index = -1, .scale = 1, .size = 64, .element = 4, .mask = 1, .write = true,
        .compress = true } },
    { "vpexpandb (%rdi), %zmm0{%k1}{z}",
      { .base = 7, .index = -1, .scale = 1, .size = 64, .element = 1, .mask = 1, .read = true,
        .compress = true } },
    { "vpgatherdd (%rdi,%zmm1,4), %zmm0{%k1}",
      { .base = 7, .index = 1, .scale = 4, .size = 64, .element = 4, .mask = 1, .read = true,
        .index_size = 4 } },
    { "vgatherqps %xmm2, (%rdi,%ymm1,4), %xmm0",
      { .base = 7, .index = 1, .scale = 4, .size = 16, .element = 4, .mask = 34, .read = true,
        .index_size = 8 } },
    { "vscatterdpd %zmm0, 16(%rdi,%ymm1,8){%k2}",
      { .base = 7, .index = 1, .scale = 8, .disp = 16, .size = 64, .element = 8, .mask = 2,
        .write = true, .index_size = 4 } },
    { "vmaskmovpd %ymm1, %ymm2, (%rdi)",
      { .base = 7, .index = -1, .scale = 1, .size = 32, .element = 8, .mask = 34,
        .write = true } },
    { "vpmaskmovd (%rdi), %ymm2, %ymm1",
      { .base = 7, .index = -1, .scale = 1, .size = 32, .element = 4, .mask = 34, .read = true } },
    { "vaddps (%rdi){1to16}, %zmm1, %zmm2",
      { .base = 7, .index = -1, .scale = 1, .size = 4, .mask = -1, .read = true } },
    /* No fault suppression: all of it is read.  */
    { "vpermd (%rdi), %zmm1, %zmm2{%k1}",
      { .base = 7, .index = -1, .scale = 1, .size = 64, .mask = -1, .read = true } },
    { "movq %fs:40, %rax",
      { .base = -1, .index = -1, .scale = 1, .disp = 40, .segment = 'f', .size = 8, .mask = -1,
        .read = true } },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct bench bench;
      const struct decoded_insn *insn = first (&bench, cases[i].text);
      const struct decoded_memory *m = &insn->memory[0], *n = &cases[i].memory;
      assert_int_equal (insn->n_memory, 1);
      if (m->base != n->base || m->index != n->index || m->scale != n->scale || m->disp != n->disp
          || m->size != n->size || m->element != n->element || m->mask != n->mask
          || m->read != n->read || m->write != n->write || m->compress != n->compress
          || m->implicit != n->implicit || m->index_size != n->index_size
          || m->segment != n->segment)
        fail_msg ("%s: base %d index %d scale %d disp %lld size %d element %d mask %d %s%s%s%s %d",
                  cases[i].text, m->base, m->index, m->scale, (long long) m->disp, m->size,
                  m->element, m->mask, m->read ? "r" : "", m->write ? "w" : "",
                  m->compress ? "c" : "", m->implicit ? "i" : "", m->index_size);
      arena__free (bench.arena);
    }
  struct bench bench;
  assert_int_equal (first (&bench, "leaq 8(%rdi), %rax")->n_memory, 0);
  arena__free (bench.arena);
  assert_int_equal (first (&bench, "prefetcht0 (%rdi)")->n_memory, 0);
  arena__free (bench.arena);
  assert_int_equal (first (&bench, "movsb")->n_memory, 2);
  arena__free (bench.arena);
}

static void
kinds (void **state)
{
  (void) state;
  static const struct
  {
    const char *text;
    uint32_t kind; /* must be set */
  } cases[] = {
    { "syscall", KIND_SYSTEM },
    { "int $0x80", KIND_SYSTEM },
    { "hlt", KIND_SYSTEM },
    { "wrmsr", KIND_SYSTEM },
    { "wrfsbase %rax", KIND_SYSTEM },
    { "rdfsbase %rax", KIND_NONDETERMINISTIC },
    { "popq %fs", KIND_SYSTEM },
    { "movl %fs, %eax", KIND_SYSTEM },
    { "wrpkru", KIND_SYSTEM },
    { "xsave (%rdi)", KIND_SYSTEM },
    { "xrstor (%rdi)", KIND_SYSTEM },
    { "fldenv (%rdi)", KIND_SYSTEM },
    { "fninit", KIND_FLAG_CONTROL },
    { "inb $3, %al", KIND_SYSTEM },
    { "clflush (%rdi)", KIND_SYSTEM },
    { "xbegin .L1\n.L1:\n\tret", KIND_SYSTEM },
    { "rdtsc", KIND_NONDETERMINISTIC },
    { "rdtscp", KIND_NONDETERMINISTIC },
    { "rdpmc", KIND_NONDETERMINISTIC },
    { "rdrand %eax", KIND_NONDETERMINISTIC },
    { "rdseed %eax", KIND_NONDETERMINISTIC },
    { "cpuid", KIND_NONDETERMINISTIC },
    { "xgetbv", KIND_NONDETERMINISTIC },
    { "pushfq", KIND_NONDETERMINISTIC },
    { "sgdt (%rdi)", KIND_SYSTEM },
    { "movntil %eax, (%rdi)", KIND_NONTEMPORAL },
    { "vmovntdq %zmm0, (%rdi)", KIND_NONTEMPORAL },
    { "movntps %xmm0, (%rdi)", KIND_NONTEMPORAL },
    { "maskmovdqu %xmm1, %xmm0", KIND_NONTEMPORAL },
    { "mfence", KIND_FENCE },
    { "lock addl $1, (%rdi)", KIND_FENCE },
    { "xchgl %eax, (%rdi)", KIND_FENCE },
    { "std", KIND_FLAG_CONTROL },
    { "cld", KIND_FLAG_CONTROL },
    { "popfq", KIND_FLAG_CONTROL },
    { "ldmxcsr (%rdi)", KIND_FLAG_CONTROL },
    { "vldmxcsr (%rdi)", KIND_FLAG_CONTROL },
    { "fldcw (%rdi)", KIND_FLAG_CONTROL },
    { "fnclex", KIND_FLAG_CONTROL },
    { "emms", KIND_FLAG_CONTROL },
    { "idivl %ecx", KIND_DIVIDE },
    { "vdivps %zmm0, %zmm1, %zmm2", KIND_DIVIDE | KIND_FP },
    { "sqrtsd %xmm0, %xmm1", KIND_DIVIDE | KIND_FP },
    { "ud2", KIND_TRAP },
    { "int3", KIND_TRAP },
    { "nop", KIND_NOP },
    { "rep stosq", KIND_REP | KIND_STRING },
    { "movsb", KIND_STRING },
    { "fld %st(1)", KIND_X87 },
    { "paddb %mm0, %mm1", KIND_X87 },
    { "addpd %xmm0, %xmm1", KIND_FP },
    { "vcvttps2dq %ymm0, %ymm1", KIND_FP },
    { "roundsd $1, %xmm0, %xmm1", KIND_FP },
    { "vfmadd231ps %zmm0, %zmm1, %zmm2", KIND_FP },
    { "ucomisd %xmm0, %xmm1", KIND_FP },
    { "vmaxss %xmm0, %xmm1, %xmm2", KIND_FP },
    { "prefetcht0 (%rdi)", KIND_PREFETCH },
    { "vzeroupper", KIND_VZERO },
    { "vpgatherdd (%rdi,%zmm1,4), %zmm0{%k1}", KIND_GATHER },
    { "vpscatterdd %zmm0, (%rdi,%zmm1,4){%k1}", KIND_SCATTER },
    { "jmp *%rax", KIND_JUMP | KIND_INDIRECT },
    { "call *8(%rax)", KIND_CALL | KIND_INDIRECT },
    { "call g", KIND_CALL },
    { "ret", KIND_RETURN },
    { ".L1: jne .L1", KIND_BRANCH },
    { ".L1: loop .L1", KIND_BRANCH },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct bench bench;
      const char *colon = strstr (cases[i].text, ".L1: ");
      char text[80];
      if (colon == cases[i].text)
        snprintf (text, sizeof text, ".L1:\n\t%s", cases[i].text + 5);
      else
        snprintf (text, sizeof text, "\t%s", cases[i].text);
      const struct decoded_insn *insn = first (&bench, text);
      if ((insn->kind & cases[i].kind) != cases[i].kind)
        fail_msg ("%s: kind %x lacks %x", cases[i].text, insn->kind, cases[i].kind);
      arena__free (bench.arena);
    }
  /* And ordinary ones have none of the kinds that are refused.  */
  static const char *const ordinary[]
    = { "movl (%rdi), %eax", "vpaddd %zmm0, %zmm1, %zmm2", "andpd %xmm0, %xmm1",
        "vmovups (%rdi), %ymm0", "imulq %rsi, %rdi", "xchgl %eax, %ecx", "shlq $3, %rax",
        "pextq %rax, %rcx, %rdx", "vpshufb %xmm0, %xmm1, %xmm2" };
  for (unsigned i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
    {
      struct bench bench;
      const struct decoded_insn *insn = first (&bench, ordinary[i]);
      if (insn->kind)
        fail_msg ("%s: kind %x", ordinary[i], insn->kind);
      arena__free (bench.arena);
    }
}

static void
features (void **state)
{
  (void) state;
  static const struct
  {
    const char *text;
    uint64_t needs, not;
  } cases[] = {
    { "addl %esi, %edi", ISA_BIT (BASE), ~ISA_BIT (BASE) },
    { "addps %xmm0, %xmm1", ISA_BIT (SSE), ISA_BIT (AVX) },
    { "pshufb %xmm0, %xmm1", ISA_BIT (SSSE3), ISA_BIT (AVX) },
    { "vpaddd %ymm0, %ymm1, %ymm2", ISA_BIT (AVX2), ISA_BIT (AVX512F) },
    { "vpaddd %zmm0, %zmm1, %zmm2", ISA_BIT (AVX512F), ISA_BIT (AVX512VL) },
    { "vpaddd %ymm0, %ymm1, %ymm17", ISA_BIT (AVX512F) | ISA_BIT (AVX512VL), 0 },
    { "vpaddb %zmm0, %zmm1, %zmm2", ISA_BIT (AVX512BW), ISA_BIT (AVX512VL) },
    { "vpermb %zmm0, %zmm1, %zmm2", ISA_BIT (AVX512VBMI), ISA_BIT (AVX512VBMI2) },
    { "vpcompressb %zmm0, %zmm1{%k1}", ISA_BIT (AVX512VBMI2), 0 },
    { "vpopcntb %zmm0, %zmm1", ISA_BIT (AVX512BITALG), 0 },
    { "vpclmulqdq $0, %xmm0, %xmm1, %xmm2", ISA_BIT (PCLMUL) | ISA_BIT (AVX), 0 },
    { "vpclmulqdq $0, %ymm0, %ymm1, %ymm2", ISA_BIT (VPCLMULQDQ), 0 },
    { "popcntl %eax, %ecx", ISA_BIT (POPCNT), 0 },
    { "tzcntl %eax, %ecx", ISA_BIT (BMI1), 0 },
    { "rep bsfl %eax, %ecx", ISA_BIT (BMI1), 0 }, /* it is tzcnt where there is tzcnt */
    { "shlxl %eax, %ecx, %edx", ISA_BIT (BMI2), 0 },
    { "vfmadd213ps %xmm0, %xmm1, %xmm2", ISA_BIT (FMA), 0 },
    { "endbr64\n\tret", ISA_BIT (BASE), 0 },
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct bench bench;
      const struct decoded_insn *insn = first (&bench, cases[i].text);
      if ((insn->isa & cases[i].needs) != cases[i].needs || (insn->isa & cases[i].not))
        fail_msg ("%s: %s", cases[i].text, isa__print (bench.arena, insn->isa));
      arena__free (bench.arena);
    }
  struct bench bench;
  bench__assemble (&bench, "\tvfmaddps %xmm0, %xmm1, %xmm2, %xmm3"); /* FMA4 */
  assert_int_equal (bench__decode (&bench), -1);
  assert_int_equal (bench.why.reason, REASON_ISA);
  arena__free (bench.arena);
}

static void
flags (void **state)
{
  (void) state;
  enum { CF = 1, ZF = 1 << 6, OF = 1 << 11 };
  struct bench bench;
  const struct decoded_insn *insn = first (&bench, "addl %esi, %edi");
  assert_int_equal (insn->flags_written & (CF | ZF | OF), CF | ZF | OF);
  assert_int_equal (insn->flags_read, 0);
  arena__free (bench.arena);
  insn = first (&bench, "incl %edi");
  assert_int_equal (insn->flags_written & CF, 0);
  arena__free (bench.arena);
  insn = first (&bench, "adcl %esi, %edi");
  assert_int_equal (insn->flags_read, CF);
  arena__free (bench.arena);
  /* A count of zero leaves them all.  */
  insn = first (&bench, "shll %cl, %edi");
  assert_int_equal (insn->flags_read & (CF | ZF | OF), CF | ZF | OF);
  arena__free (bench.arena);
  insn = first (&bench, "shll $3, %edi");
  assert_int_equal (insn->flags_read, 0);
  arena__free (bench.arena);
  insn = first (&bench, "repe cmpsb");
  assert_int_equal (insn->flags_read & ZF, ZF);
  arena__free (bench.arena);
}

static void
targets_callees_and_padding (void **state)
{
  (void) state;
  struct bench bench;
  first (&bench, "\ttestl %edi, %edi\n\tje .L2\n\t.p2align 4,,10\n\t.p2align 3\n"
                 ".L3:\n\tcall g@PLT\n\tsubl $1, %edi\n\tjne .L3\n.L2:\n\tjmp h\n\tcall f\n");
  const struct decoded *decoded = bench.decoded;
  const struct decoded_insn *branch = &decoded->insn[1], *call = NULL, *back = NULL;
  assert_true (branch->has_target);
  for (unsigned i = 0; i < decoded->n_insns; i++)
    {
      const struct decoded_insn *insn = &decoded->insn[i];
      if ((insn->kind & KIND_CALL) && !call)
        call = insn;
      if ((insn->kind & KIND_BRANCH) && i > 1)
        back = insn;
      if (insn->kind & KIND_NOP)
        assert_int_equal (bench.code->item[insn->item].kind, ITEM_ALIGN);
      else
        assert_int_equal (bench.code->item[insn->item].kind, ITEM_INSN);
    }
  assert_non_null (call);
  assert_int_equal (call->offset % 8, 0);
  assert_string_equal (bench.object->symbol[call->callee].name, "g");
  assert_false (call->has_target);
  assert_int_equal (back->target, call->offset);
  const struct decoded_insn *self = &decoded->insn[decoded->n_insns - 1], *tail = self - 1;
  assert_string_equal (bench.object->symbol[tail->callee].name, "h");
  assert_int_equal (branch->target, tail->offset);
  assert_string_equal (bench.object->symbol[self->callee].name, "f");
  arena__free (bench.arena);
}

/* Turns the object into one that the text doesn't describe; each change must be seen.  */
static void
other_bytes_are_refused (void **state)
{
  (void) state;
  static const char body[] = "\ttestl %edi, %edi\n\tje .L2\n\taddl $7, 4(%rsi)\n"
                             "\tmovl %esi, %eax\n\tmovl .LC0(%rip), %ecx\n\tcall g\n\t.p2align 4\n"
                             ".L2:\n\tvaddps %zmm1, %zmm2, %zmm3{%k1}\n\tnop\n\tret\n"
                             "\t.section\t.rodata\n\t.align 4\n.LC0:\n\t.long\t77\n\t.text";
  struct bench bench;
  bench__assemble (&bench, body);
  assert_int_equal (bench__decode (&bench), 0);
  unsigned missed = 0;
  for (unsigned s = 0; s < bench.object->n_sections; s++)
    for (size_t i = 0; i < bench.object->section[s].size; i++)
      for (unsigned bit = 0; bit < 8; bit++)
        {
          bool in_reloc = false;
          for (unsigned r = 0; r < bench.object->n_relocs; r++)
            in_reloc |= bench.object->reloc[r].section == s && bench.object->reloc[r].offset <= i
                        && i < bench.object->reloc[r].offset + 4;
          bool padding = false;
          for (unsigned k = 0; k < bench.decoded->n_insns; k++)
            if (bench.decoded->insn[k].section == s && i >= bench.decoded->insn[k].offset
                && i < bench.decoded->insn[k].offset + bench.decoded->insn[k].length)
              padding |= bench.decoded->insn[k].kind & KIND_NOP;
          if (in_reloc || padding)
            continue; /* overwritten by linking; another nop is a nop */
          struct decoded *decoded;
          struct why why;
          bench.object->section[s].bytes[i] ^= (uint8_t) (1u << bit);
          if (object__decode (bench.arena, bench.object, bench.code, &decoded, &why) == 0)
            {
              print_message ("# section %u byte %zu bit %u slips through\n", s, i, bit);
              missed++;
            }
          bench.object->section[s].bytes[i] ^= (uint8_t) (1u << bit);
        }
  assert_int_equal (missed, 0);

  for (unsigned r = 0; r < bench.object->n_relocs; r++)
    {
      struct object_reloc *reloc = &bench.object->reloc[r], before = *reloc;
      struct decoded *decoded;
      struct why why;
      reloc->addend += 1;
      assert_int_equal (object__decode (bench.arena, bench.object, bench.code, &decoded, &why), -1);
      *reloc = before;
      reloc->symbol = bench.object->entry;
      assert_int_equal (object__decode (bench.arena, bench.object, bench.code, &decoded, &why), -1);
      *reloc = before;
      reloc->offset++;
      assert_int_equal (object__decode (bench.arena, bench.object, bench.code, &decoded, &why), -1);
      *reloc = before;
    }
  assert_int_equal (bench__decode (&bench), 0);
  arena__free (bench.arena);
}

/* One changed byte gives an instruction that prints alike or nearly so.  */
static void
near_misses_are_refused (void **state)
{
  (void) state;
  static const struct
  {
    const char *body;
    unsigned at;
    uint8_t byte;
  } cases[] = {
    { "\tshrl\t%ecx", 0, 0xd3 },               /* by cl, not by one */
    { "\tcrc32q\t(%rdx), %rax", 4, 0xf0 },     /* of a byte */
    { "\tret", 0, 0xcb },                       /* far */
    { "\tmovzbl\t(%rdi), %eax", 1, 0xb7 },     /* from 16 bits */
    { "\taddl\t$1, (%rdi)", 0, 0x82 },         /* invalid */
    { "\taddl\t$1, (%rdi)", 0, 0x80 },         /* of a byte */
    { "\tfadd\t%st(1), %st", 0, 0xdc },        /* the other way */
    { "\tfsubp\t%st, %st(1)", 1, 0xe9 },       /* reversed */
    { "\tflds\t(%rdi)", 0, 0xdd },             /* a double */
    { "\tcvtsi2sdl\t(%rdi), %xmm0", 0, 0xf3 }, /* to single */
    { "\tjne\t.L1\n.L1:\n\tret", 0, 0x74 }, /* je */
    { "\tcall\tg", 0, 0xe9 },                  /* jmp */
    { "\tvcmpltps\t%ymm0, %ymm1, %ymm2", 4, 2 },/* le */
    { "\tpause", 0, 0xf2 },                     /* nop */
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct bench bench;
      bench__assemble (&bench, cases[i].body);
      assert_int_equal (bench__decode (&bench), 0);
      bench.object->section[0].bytes[cases[i].at] = cases[i].byte;
      if (bench__decode (&bench) == 0)
        fail_msg ("let through: %s with byte %u as %02x", cases[i].body, cases[i].at,
                  cases[i].byte);
      arena__free (bench.arena);
    }
}

static void
what_cant_be_told_is_refused (void **state)
{
  (void) state;
  static const char *const bodies[] = {
    "\tbtsl %eax, (%rdi)",           /* reaches beyond its operand */
    "\tmovl (%edi), %eax",           /* 32-bit address */
    "\tdata16 jmp .L1\n.L1:",        /* differs between makers of CPUs */
    "\tjmp g+4",                     /* into the middle of another function */
    "\tfstcw (%rdi)",                /* two instructions */
  };
  for (unsigned i = 0; i < sizeof bodies / sizeof *bodies; i++)
    {
      struct bench bench = { .arena = arena__new () };
      const char *text = arena__printf (bench.arena,
                                        "\t.text\n\t.type\tf, @function\nf:\n%s\n\t.size\tf, .-f\n",
                                        bodies[i]);
      if (code__parse (bench.arena, text, strlen (text), "f", NULL, 0, false, &bench.code,
                       &bench.why)
            == 0
          && object__assemble (bench.arena, bench.code, &bench.object, &bench.why) == 0
          && bench__decode (&bench) == 0)
        fail_msg ("let through: %s", bodies[i]);
      arena__free (bench.arena);
    }
}

/* Spellings that compilers use, each to be recognised.  */
static void
spellings (void **state)
{
  (void) state;
  static const char *const lines[] = {
    "movabsq $81985529216486895, %rax", "sall %eax", "shrl %eax", "sarl $31, %eax", "cltq", "cqto",
    "cwtl", "movzbl %al, %eax", "movsbq (%rdi), %rax", "movslq %edi, %rax", "movzwl 2(%rdi), %eax",
    "setnae %al", "setnz %al", "cmovgel %esi, %eax", "cmovsq %rsi, %rax", "xchgw %ax, %ax",
    "vcmpltps %ymm0, %ymm1, %ymm2", "cmpnlesd %xmm0, %xmm1", "vpcmpnequb %zmm0, %zmm1, %k2",
    "vpcmpltd %zmm0, %zmm1, %k2{%k3}", "pclmulhqlqdq %xmm0, %xmm1",
    "vpclmullqhqdq %xmm0, %xmm1, %xmm2", "imull $10, %eax", "imull $1000, %edi, %eax",
    "testl %ecx, (%rdi)", "xchgl %ecx, (%rdi)", "fsubrp %st, %st(1)", "fdivp %st, %st(2)",
    "fsub %st(1), %st", "fildll (%rdi)", "fistpll (%rdi)", "flds (%rdi)", "fstpt 16(%rsp)",
    "fucomip %st(1), %st", "fxch %st(1)", "fnstcw (%rdi)", "fnstsw %ax", "fcmovne %st(1), %st",
    "cvtsi2sdq %rdi, %xmm0", "cvttss2siq (%rdi), %rax", "vcvtpd2psy (%rdi), %xmm0",
    "vcvttpd2dqx (%rdi), %xmm0", "vaddps {rz-sae}, %zmm0, %zmm1, %zmm2",
    "vmaxps {sae}, %zmm0, %zmm1, %zmm2", "vaddpd (%rdi){1to8}, %zmm1, %zmm2{%k1}{z}",
    "vpxor %xmm9, %xmm1, %xmm2", "movq %rax, %xmm0", "movq %xmm0, (%rdi)", "vmovd %xmm0, %eax",
    "movl $-1, %eax", "movq $-1, %rax", "andq $-16, %rsp", "addl $4294967295, %eax",
    "movb $-1, (%rdi)", "movw $-2, (%rdi)", "pushq $-3", "rep stosq", "rep movsl", "lodsb",
    "rep ret", "rep bsfl %edi, %eax", "pause", "lock cmpxchg16b (%rdi)", "lock xaddl %eax, (%rdi)",
    "notrack jmp *%rax", "vextracti128 $1, %ymm0, %xmm1", "pblendvb %xmm0, %xmm1, %xmm2",
    "vpblendvb %ymm0, %ymm1, %ymm2, %ymm3", "bswapq %rax", "crc32b (%rdi), %eax",
    "sha256rnds2 %xmm0, %xmm1, %xmm2", "vpternlogd $150, %zmm0, %zmm1, %zmm2", "mulxq %rax, %rcx, %rdx",
    "rorxl $3, (%rdi), %eax", "shldq $13, %rsi, %rdi", "shldq %rsi, %rdi", "shrdl %cl, %esi, %edi",
    "sarl %cl, %eax", "jmp *8(,%rax,8)", "nopw 0(%rax,%rax,1)",
    "kortestw %k0, %k1", "kshiftrq $32, %k0, %k1", "vmovdqu64 %zmm0, 64(%rdi)", "movntil %eax, (%rdi)",
  };
  for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
    {
      struct bench bench;
      first (&bench, lines[i]);
      arena__free (bench.arena);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (registers),
    cmocka_unit_test (memory),
    cmocka_unit_test (kinds),
    cmocka_unit_test (features),
    cmocka_unit_test (flags),
    cmocka_unit_test (targets_callees_and_padding),
    cmocka_unit_test (other_bytes_are_refused),
    cmocka_unit_test (near_misses_are_refused),
    cmocka_unit_test (what_cant_be_told_is_refused),
    cmocka_unit_test (spellings),
  };
  return cmocka_run_group_tests_name ("machine-decode", tests, NULL, NULL);
}
