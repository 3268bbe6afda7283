/* Vector instructions mean to the proof what they do on this CPU, family by family; masks make accesses conditional,
   lane by lane; vector code and the scalar code that it stands for are the same terms; what isn't known is refused.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/semantics.h"
#include "testsuite/term-memory.h"

#include <cpuid.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>
#include <cmocka.h>

enum
{
  RUNS = 24,         /* inputs a case */
  VECTORS = 4,
  MASK_VARIABLES = 8, /* the first mask's number; vectors come before, then rax and memory */
  GPR_VARIABLES = 16
};

/* What a case takes and gives; rdi points here, offsets are known to the assembler text.  */
struct state
{
  uint8_t vec[VECTORS][64];
  uint8_t memory[64]; /* 256 */
  uint64_t mask[2];   /* 320: k1, k2 */
  uint64_t rax;       /* 336 */
  uint32_t mxcsr;     /* 344 */
  uint32_t padding;
};

#define TEXT_OF(X) #X
#define TEXT(X) TEXT_OF (X)
#define LOAD_AVX512 \
  "vmovdqu64 (%rdi), %zmm0; vmovdqu64 64(%rdi), %zmm1; vmovdqu64 128(%rdi), %zmm2; vmovdqu64 192(%rdi), %zmm3\n" \
  "kmovq 320(%rdi), %k1; kmovq 328(%rdi), %k2\n"
#define STORE_AVX512 \
  "vmovdqu64 %zmm0, (%rdi); vmovdqu64 %zmm1, 64(%rdi); vmovdqu64 %zmm2, 128(%rdi); vmovdqu64 %zmm3, 192(%rdi)\n" \
  "kmovq %k1, 320(%rdi); kmovq %k2, 328(%rdi)\n"
/* Where there are no such registers, the upper halves and the masks are as they were.  */
#define LOAD_AVX2 "vmovdqu (%rdi), %ymm0; vmovdqu 64(%rdi), %ymm1; vmovdqu 128(%rdi), %ymm2; vmovdqu 192(%rdi), %ymm3\n"
#define STORE_AVX2 \
  "vmovdqu %ymm0, (%rdi); vmovdqu %ymm1, 64(%rdi); vmovdqu %ymm2, 128(%rdi); vmovdqu %ymm3, 192(%rdi)\n"

#define RUNNER(NAME, LOAD, INSN, STORE, LABELS) \
  NAME ":\nldmxcsr 344(%rdi); lea 256(%rdi), %rsi; mov 336(%rdi), %rax\n" LOAD LABELS \
       STORE "mov %rax, 336(%rdi); stmxcsr 344(%rdi); movl $0x1f80, -8(%rsp); ldmxcsr -8(%rsp); vzeroupper; cld; ret\n"
#define CASE(FEATURE, INSN) \
  asm (".pushsection .text\n" \
       RUNNER ("case512_" TEXT (__LINE__), LOAD_AVX512, INSN, STORE_AVX512, \
               "begin_" TEXT (__LINE__) ": " INSN "\nend_" TEXT (__LINE__) ":\n") \
       RUNNER ("case256_" TEXT (__LINE__), LOAD_AVX2, INSN, STORE_AVX2, INSN "\n") \
       ".popsection\n");
#include "testsuite/semantics-vector.def"
#undef CASE

#define JOIN_OF(A, B) A##B
#define JOIN(A, B) JOIN_OF (A, B)
#define HIDDEN __attribute__ ((visibility ("hidden")))
#define CASE(FEATURE, INSN) \
  extern void JOIN (case512_, __LINE__) (struct state *) HIDDEN; \
  extern void JOIN (case256_, __LINE__) (struct state *) HIDDEN; \
  extern const uint8_t JOIN (begin_, __LINE__)[] HIDDEN; \
  extern const uint8_t JOIN (end_, __LINE__)[] HIDDEN;
#include "testsuite/semantics-vector.def"
#undef CASE

enum feature
{
  SSE4, AVX2, FMA, F16C, AVX512, VBMI, VBMI2, IFMA, BITALG, VNNI, AES, CLMUL, SHA, GFNI, FEATURES
};

static const char *const feature_names[FEATURES] = {
  "sse4.2", "avx2", "fma", "f16c", "avx512", "avx512vbmi", "avx512vbmi2", "avx512ifma", "avx512bitalg", "avx512vnni", "aes",
  "pclmul", "sha", "gfni",
};

static bool
feature__present (enum feature feature)
{
  unsigned a, b, c, d;
  bool avx512 = __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512vl")
                && __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512dq")
                && __builtin_cpu_supports ("avx512cd");
  if (!__get_cpuid_count (7, 0, &a, &b, &c, &d))
    b = c = 0;
  switch (feature)
    {
    case SSE4:
    case AVX2: /* the runners use it */
      return __builtin_cpu_supports ("avx2");
    case FMA:
      return __builtin_cpu_supports ("fma");
    case F16C:
      return __builtin_cpu_supports ("f16c");
    case AVX512:
      return avx512;
    case VBMI:
      return avx512 && c >> 1 & 1;
    case VBMI2:
      return avx512 && c >> 6 & 1;
    case IFMA:
      return avx512 && b >> 21 & 1;
    case BITALG:
      return avx512 && c >> 12 & 1 && c >> 14 & 1;
    case VNNI:
      return avx512 && c >> 11 & 1;
    case AES:
      return __builtin_cpu_supports ("aes");
    case CLMUL:
      return __builtin_cpu_supports ("pclmul");
    case SHA:
      return b >> 29 & 1;
    default: /* GFNI */
      return c >> 8 & 1;
    }
}

static const struct test_case
{
  enum feature feature;
  const char *insn;
  void (*run512) (struct state *);
  void (*run256) (struct state *);
  const uint8_t *begin, *end;
} cases[] = {
#define CASE(FEATURE, INSN) \
  { FEATURE, INSN, JOIN (case512_, __LINE__), JOIN (case256_, __LINE__), JOIN (begin_, __LINE__), JOIN (end_, __LINE__) },
#include "testsuite/semantics-vector.def"
#undef CASE
};

/* The machine of terms: rsi, rdi and rdx are addresses that are known, so that loads find what was stored.  */
enum { ADDRESS = 0x10000 };

struct access
{
  const struct term *address, *condition;
  unsigned bytes;
  bool store;
};

struct host
{
  struct terms *terms;
  const struct term *memory;
  struct sym_host host;
  struct sym_cpu cpu;
  struct why why;
  struct access access[64];
  unsigned n_accesses, n_traps;
};

static void
host__note (struct host *host, const struct term *address, unsigned bytes, const struct term *condition, bool store)
{
  if (host->n_accesses < sizeof host->access / sizeof *host->access)
    host->access[host->n_accesses++] = (struct access){ address, condition, bytes, store };
}

static const struct term *
host__load (void *context, const struct term *address, unsigned bytes, const struct term *condition)
{
  struct host *host = context;
  host__note (host, address, bytes, condition, false);
  return term_memory__load (host->terms, host->memory, address, bytes);
}

static int
host__store (void *context, const struct term *address, const struct term *value, const struct term *condition)
{
  struct host *host = context;
  host__note (host, address, value->width / 8u, condition, true);
  host->memory = term_memory__store (host->terms, host->memory, address, value, condition);
  return 0;
}

static const struct term *
host__undefined (void *context, unsigned width)
{
  return term__fresh (((struct host *) context)->terms, width);
}

static void
host__trap (void *context, enum sym_trap trap, const struct term *condition)
{
  struct host *host = context;
  assert_int_equal (trap, SYM_TRAP_ALIGNMENT);
  if (!term__is_value (condition, 0))
    host->n_traps++;
}

static const struct term *
host__symbol (void *context, uint64_t address)
{
  return term__const (((struct host *) context)->terms, 64, address);
}

static void
host__open (struct host *host)
{
  *host = (struct host){ .terms = terms__new () };
  host->memory = term__memory (host->terms, 0);
  host->host = (struct sym_host){ .context = host,
                                  .terms = host->terms,
                                  .load = host__load,
                                  .store = host__store,
                                  .undefined = host__undefined,
                                  .trap = host__trap,
                                  .symbol = host__symbol };
  for (unsigned i = 0; i < 16; i++)
    host->cpu.gpr[i] = term__var (host->terms, 64, GPR_VARIABLES + i);
  host->cpu.gpr[6] = term__const (host->terms, 64, ADDRESS);
  for (unsigned i = 0; i < 32; i++)
    host->cpu.vec[i] = term__var (host->terms, 512, i < VECTORS ? i : 64 + i);
  for (unsigned i = 0; i < 8; i++)
    host->cpu.mask[i] = term__var (host->terms, 64, MASK_VARIABLES + i);
  host->cpu.flags.kind = FLAGS_EXPLICIT;
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    host->cpu.flags.flag[i] = term__var (host->terms, 1, 48 + i);
  host->cpu.sticky = term__var (host->terms, 6, 60);
}

static void
host__close (struct host *host)
{
  terms__free (host->terms);
}

/* Does BYTES[LENGTH] to the machine: 0, or -1 with host->why.  */
static int
host__apply (struct host *host, const uint8_t *bytes, size_t length)
{
  struct arena *arena = arena__new ();
  ZydisDecoder decoder;
  ZydisDecodedInstruction insn;
  int result = 0;
  assert_true (ZYAN_SUCCESS (ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
  for (size_t at = 0; at < length && result == 0; at += insn.length)
    {
      const struct meaning *meaning;
      struct sym_step step;
      assert_true (ZYAN_SUCCESS (ZydisDecoderDecodeInstruction (&decoder, NULL, bytes + at, length - at, &insn)));
      result = meaning__decode (arena, bytes + at, insn.length, 0x1000 + at, false, false, &meaning, &host->why);
      if (result == 0)
        result = meaning__apply (meaning, &host->cpu, &host->host, &step, &host->why);
    }
  arena__free (arena);
  return result;
}

/* Inputs.  */
static uint64_t random_state = 88172645463325252u;

static uint64_t
random__next (void)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 0x2545f4914f6cdd1du;
}

static void
vector__draw (uint8_t *bytes)
{
  static const uint32_t floats[] = { 0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00001,
                                     0xffc12345, 0x7f812345, 1, 0x807fffff, 0x7f7fffff, 0x00800000, 0x4f000000,
                                     0xcf000000, 0x5f000000, 0x40490fdb, 0x3f000000, 0x42280000, 0x33800000 };
  static const uint64_t doubles[] = { 0, 0x8000000000000000, 0x3ff0000000000000, 0x7ff0000000000000,
                                      0xfff0000000000000, 0x7ff8000000000001, 0xfff8000012345678, 0x7ff4000000000001,
                                      1, 0x800fffffffffffff, 0x7fefffffffffffff, 0x41dfffffffc00000,
                                      0xc1e0000000000000, 0x43e0000000000000, 0x3fe0000000000000, 0x400921fb54442d18 };
  static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x81, 2 };
  uint64_t kind = random__next () & 3;
  for (unsigned i = 0; i < 64; i += 8)
    {
      uint64_t word = random__next ();
      if (kind == 1)
        word = (uint64_t) floats[random__next () % 20] << 32 | floats[random__next () % 20];
      else if (kind == 2)
        word = doubles[random__next () % 16];
      else if (kind == 3)
        for (unsigned j = 0; j < 8; j++)
          ((uint8_t *) &word)[j] = edges[random__next () & 7];
      memcpy (bytes + i, &word, 8);
    }
}

static void
state__draw (struct state *state)
{
  memset (state, 0, sizeof *state);
  for (unsigned i = 0; i < VECTORS; i++)
    vector__draw (state->vec[i]);
  vector__draw (state->memory);
  for (unsigned i = 0; i < 2; i++)
    state->mask[i] = (random__next () & 7) == 0 ? 0 : (random__next () & 7) == 0 ? ~UINT64_C (0) : random__next ();
  state->rax = random__next () & 1 ? random__next () : random__next () & 31;
  state->mxcsr = 0x1f80;
}

/* Evaluating with a state as the input.  */
static void
input__variable (void *context, uint32_t number, unsigned width, uint64_t *words)
{
  const struct state *state = context;
  memset (words, 0, (width + 63) / 64 * 8);
  if (number < VECTORS)
    memcpy (words, state->vec[number], 64);
  else if (number == MASK_VARIABLES + 1 || number == MASK_VARIABLES + 2)
    *words = state->mask[number - MASK_VARIABLES - 1];
  else if (number == GPR_VARIABLES)
    *words = state->rax;
}

static uint8_t
input__byte (void *context, uint32_t number, uint64_t address)
{
  const struct state *state = context;
  (void) number;
  return address - ADDRESS < sizeof state->memory ? state->memory[address - ADDRESS] : 0;
}

enum { ROOT_MASK = VECTORS, ROOT_RAX = VECTORS + 2, ROOT_STICKY, ROOT_MEMORY, ROOTS = ROOT_MEMORY + 64 };

static struct term_program *
program__make (struct host *host)
{
  const struct term *root[ROOTS];
  for (unsigned i = 0; i < VECTORS; i++)
    root[i] = host->cpu.vec[i];
  for (unsigned i = 0; i < 2; i++)
    root[ROOT_MASK + i] = host->cpu.mask[1 + i];
  root[ROOT_RAX] = host->cpu.gpr[0];
  root[ROOT_STICKY] = host->cpu.sticky;
  for (unsigned i = 0; i < 64; i++)
    root[ROOT_MEMORY + i] = term__load (host->terms, host->memory, term__const (host->terms, 64, ADDRESS + i));
  return term_program__new (root, ROOTS);
}

/* What the terms say of STATE, in its place.  */
static void
program__predict (struct term_program *program, struct state *state)
{
  struct state before = *state;
  struct term_inputs inputs = { .context = &before, .variable = input__variable, .byte = input__byte };
  term_program__run (program, &inputs);
  for (unsigned i = 0; i < VECTORS; i++)
    memcpy (state->vec[i], term_program__value (program, i), 64);
  for (unsigned i = 0; i < 2; i++)
    state->mask[i] = *term_program__value (program, ROOT_MASK + i);
  state->rax = *term_program__value (program, ROOT_RAX);
  state->mxcsr = before.mxcsr | (*term_program__value (program, ROOT_STICKY) & 0x3f);
  for (unsigned i = 0; i < 64; i++)
    state->memory[i] = *term_program__value (program, ROOT_MEMORY + i) & 0xff;
}

static const char *
state__difference (const struct state *a, const struct state *b)
{
  static const char *const names[VECTORS] = { "register 0", "register 1", "register 2", "register 3" };
  for (unsigned i = 0; i < VECTORS; i++)
    if (memcmp (a->vec[i], b->vec[i], 64) != 0)
      return names[i];
  return memcmp (a->memory, b->memory, 64) != 0 ? "memory"
         : a->mask[0] != b->mask[0]             ? "k1"
         : a->mask[1] != b->mask[1]             ? "k2"
         : a->rax != b->rax                     ? "rax"
         : a->mxcsr != b->mxcsr                 ? "mxcsr"
                                                : NULL;
}

static void
as_the_cpu (void **unused)
{
  (void) unused;
  bool reported[FEATURES] = { false };
  bool avx512 = feature__present (AVX512);
  unsigned ran = 0;
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const struct test_case *test = &cases[i];
      if (!feature__present (test->feature))
        {
          if (!reported[test->feature])
            print_message ("# skipped: this CPU has no %s\n", feature_names[test->feature]);
          reported[test->feature] = true;
          continue;
        }
      struct host host;
      host__open (&host);
      if (host__apply (&host, test->begin, (size_t) (test->end - test->begin)) < 0)
        fail_msg ("%s: %s", test->insn, host.why.detail);
      assert_int_equal (host.n_traps, 0);
      struct term_program *program = program__make (&host);
      for (unsigned run = 0; run < RUNS; run++)
        {
          static _Alignas (64) struct state state, predicted;
          state__draw (&state);
          if (!avx512)
            {
              for (unsigned v = 0; v < VECTORS; v++)
                memset (state.vec[v] + 32, 0, 32);
              state.mask[0] = state.mask[1] = 0;
            }
          predicted = state;
          program__predict (program, &predicted);
          (avx512 ? test->run512 : test->run256) (&state);
          const char *what = state__difference (&state, &predicted);
          if (what != NULL)
            fail_msg ("%s: %s differs in run %u", test->insn, what, run);
        }
      term_program__free (program);
      host__close (&host);
      ran++;
    }
  if (ran == 0)
    skip ();
}

/* Vector code and the scalar code that it stands for: the same terms.  The bytes are clear from the text beside them.  */
#define BYTES(NAME, INSNS) \
  extern const uint8_t JOIN (NAME, _begin)[] HIDDEN, JOIN (NAME, _end)[] HIDDEN; \
  asm (".pushsection .text\n" #NAME "_begin: " INSNS "\n" #NAME "_end:\n.popsection\n")
#define APPLY(HOST, NAME) host__apply (HOST, JOIN (NAME, _begin), (size_t) (JOIN (NAME, _end) - JOIN (NAME, _begin)))

BYTES (sum_vector, "vmovdqu (%rsi), %ymm1; vpaddd 32(%rsi), %ymm1, %ymm1; vextracti128 $1, %ymm1, %xmm2; "
                   "vpaddd %xmm2, %xmm1, %xmm1; vpsrldq $8, %xmm1, %xmm2; vpaddd %xmm2, %xmm1, %xmm1; "
                   "vpsrldq $4, %xmm1, %xmm2; vpaddd %xmm2, %xmm1, %xmm1; vmovd %xmm1, %eax");
BYTES (sum_scalar, "xorl %eax, %eax; .irp o,0,4,8,12,16,20,24,28,32,36,40,44,48,52,56,60; addl \\o(%rsi), %eax; .endr");
BYTES (widen_vector, "vpmovzxbd (%rsi), %xmm1; vpmovsxbd 4(%rsi), %xmm2; vpmulld %xmm1, %xmm2, %xmm1; vpextrd $1, %xmm1, %eax");
BYTES (widen_scalar, "movzbl 1(%rsi), %eax; movsbl 5(%rsi), %ecx; imull %ecx, %eax");
BYTES (min_vector, "vmovd %ecx, %xmm1; vmovd %edx, %xmm2; vpminsd %xmm2, %xmm1, %xmm1; vmovd %xmm1, %eax");
BYTES (min_scalar, "movl %edx, %eax; cmpl %edx, %ecx; cmovll %ecx, %eax");
BYTES (max_vector, "vmovq %rcx, %xmm1; vmovq %rdx, %xmm2; vpmaxuq %xmm2, %xmm1, %xmm1; vmovq %xmm1, %rax");
BYTES (max_scalar, "movq %rdx, %rax; cmpq %rcx, %rdx; cmovbq %rcx, %rax");
BYTES (madd_vector, "vmovdqu (%rsi), %xmm1; vpmaddwd 16(%rsi), %xmm1, %xmm1; vmovd %xmm1, %eax");
BYTES (madd_scalar, "movswl (%rsi), %eax; movswl 16(%rsi), %ecx; imull %ecx, %eax; movswl 2(%rsi), %ecx; "
                    "movswl 18(%rsi), %edx; imull %edx, %ecx; addl %ecx, %eax");
BYTES (bswap_vector, "vmovq (%rsi), %xmm1; movabsq $0x0001020304050607, %rcx; vmovq %rcx, %xmm2; "
                     "vpshufb %xmm2, %xmm1, %xmm1; vmovq %xmm1, %rax");
BYTES (bswap_scalar, "movq (%rsi), %rax; bswap %rax");
BYTES (logic_vector, "vmovq %rcx, %xmm1; vmovq %rdx, %xmm2; vmovq %r8, %xmm3; vpternlogq $0x96, %xmm1, %xmm2, %xmm3; vmovq %xmm3, %rax");
BYTES (logic_scalar, "movq %rcx, %rax; xorq %rdx, %rax; xorq %r8, %rax");
BYTES (masked_vector, "movl $5, %ecx; kmovb %ecx, %k1; vmovdqu32 (%rsi), %xmm1{%k1}{z}; vpextrd $2, %xmm1, %eax");
BYTES (masked_scalar, "movl 8(%rsi), %eax");
BYTES (select_vector, "vmovd %ecx, %xmm1; vmovd %edx, %xmm2; vpcmpgtd %xmm2, %xmm1, %xmm3; vpand %xmm1, %xmm3, %xmm3; vmovd %xmm3, %eax");
BYTES (select_scalar, "xorl %eax, %eax; cmpl %ecx, %edx; cmovll %ecx, %eax");
BYTES (reverse_vector, "movabsq $0x8040201008040201, %rcx; vmovq %rcx, %xmm2; vmovq (%rsi), %xmm1; "
                       "vgf2p8affineqb $0, %xmm2, %xmm1, %xmm1; vmovq %xmm1, %rax; andl $1, %eax");
BYTES (reverse_scalar, "movl (%rsi), %eax; shrl $7, %eax; andl $1, %eax");
BYTES (float_vector, "vmovss (%rsi), %xmm1; vmovss 4(%rsi), %xmm2; vcmpltps %xmm2, %xmm1, %xmm3; vmovmskps %xmm3, %eax; andl $1, %eax");
BYTES (float_scalar, "movss (%rsi), %xmm1; movss 4(%rsi), %xmm2; xorl %eax, %eax; comiss %xmm1, %xmm2; seta %al");
BYTES (fused_vector, "vmovss (%rsi), %xmm1; vmovss 4(%rsi), %xmm2; vmovss 8(%rsi), %xmm3; vfmadd132ss %xmm2, %xmm3, %xmm1; vmovd %xmm1, %eax");
BYTES (fused_scalar, "vmovups (%rsi), %xmm1; vshufps $1, %xmm1, %xmm1, %xmm2; vshufps $2, %xmm1, %xmm1, %xmm3; "
                     "vfmadd231ps %xmm2, %xmm1, %xmm3; vmovd %xmm3, %eax");

static void
as_scalar_code (void **unused)
{
  (void) unused;
#define PAIR(NAME) { #NAME, NAME##_vector_begin, NAME##_vector_end, NAME##_scalar_begin, NAME##_scalar_end }
  static const struct
  {
    const char *name;
    const uint8_t *begin, *end, *scalar_begin, *scalar_end;
  } pairs[] = { PAIR (sum),   PAIR (widen), PAIR (min),    PAIR (max),    PAIR (madd),    PAIR (bswap),
                PAIR (logic), PAIR (masked), PAIR (select), PAIR (reverse), PAIR (float), PAIR (fused) };
  for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++)
    {
      struct host host;
      host__open (&host);
      struct sym_cpu start = host.cpu;
      if (host__apply (&host, pairs[i].begin, (size_t) (pairs[i].end - pairs[i].begin)) < 0)
        fail_msg ("%s: %s", pairs[i].name, host.why.detail);
      const struct term *vector = host.cpu.gpr[0];
      host.cpu = start;
      if (host__apply (&host, pairs[i].scalar_begin, (size_t) (pairs[i].scalar_end - pairs[i].scalar_begin)) < 0)
        fail_msg ("%s: %s", pairs[i].name, host.why.detail);
      if (vector != host.cpu.gpr[0])
        {
          term__print (stdout, vector);
          putchar ('\n');
          term__print (stdout, host.cpu.gpr[0]);
          putchar ('\n');
          fail_msg ("%s: not the same terms", pairs[i].name);
        }
      host__close (&host);
    }
}

BYTES (masked_load, "vmovdqu32 (%rsi), %xmm1{%k1}");
BYTES (masked_store, "vmovdqu16 %xmm1, (%rsi){%k2}");
BYTES (constant_load, "movl $9, %ecx; kmovw %ecx, %k1; vpaddd (%rsi), %xmm1, %xmm2{%k1}");
BYTES (full_load, "kxnorw %k1, %k1, %k1; vpaddd (%rsi), %zmm1, %zmm2{%k1}");
BYTES (not_suppressed, "vpshufb (%rsi), %zmm1, %zmm2{%k1}");
BYTES (broadcast_load, "vpaddd (%rsi){1to4}, %xmm1, %xmm2{%k1}");
BYTES (vector_mask, "vpmaskmovq %xmm2, %xmm1, (%rsi)");
BYTES (aligned, "movaps (%rcx), %xmm1; vmovdqa (%rcx), %ymm2; vmovdqa64 %zmm2, (%rcx); paddb (%rcx), %xmm1");
BYTES (unaligned, "movups (%rcx), %xmm1; vmovdqu (%rcx), %ymm2; vpaddb (%rcx), %ymm1, %ymm1; pmovzxbw (%rcx), %xmm2; movsd (%rcx), %xmm0");

/* What a masked instruction accesses, and under which conditions.  */
static void
accesses (void **unused)
{
  (void) unused;
  struct host host;
  host__open (&host);
  assert_int_equal (APPLY (&host, masked_load), 0);
  assert_int_equal (host.n_accesses, 4);
  for (unsigned i = 0; i < 4; i++)
    {
      assert_false (host.access[i].store);
      assert_int_equal (host.access[i].bytes, 4);
      assert_true (term__is_value (host.access[i].address, ADDRESS + 4 * i));
      assert_ptr_equal (host.access[i].condition,
                        term__extract (host.terms, term__var (host.terms, 64, MASK_VARIABLES + 1), i, 1));
    }
  host.n_accesses = 0;
  assert_int_equal (APPLY (&host, masked_store), 0);
  assert_int_equal (host.n_accesses, 8);
  for (unsigned i = 0; i < 8; i++)
    {
      assert_true (host.access[i].store);
      assert_int_equal (host.access[i].bytes, 2);
      assert_ptr_equal (host.access[i].condition,
                        term__extract (host.terms, term__var (host.terms, 64, MASK_VARIABLES + 2), i, 1));
    }
  host__close (&host);

  host__open (&host);
  assert_int_equal (APPLY (&host, constant_load), 0);
  assert_int_equal (host.n_accesses, 2);
  assert_true (term__is_value (host.access[1].address, ADDRESS + 12));
  assert_null (host.access[0].condition);
  assert_null (host.access[1].condition);
  host.n_accesses = 0;
  assert_int_equal (APPLY (&host, full_load), 0);
  assert_int_equal (host.n_accesses, 1);
  assert_int_equal (host.access[0].bytes, 64);
  assert_null (host.access[0].condition);
  host__close (&host);

  host__open (&host);
  assert_int_equal (APPLY (&host, not_suppressed), 0);
  assert_int_equal (host.n_accesses, 1);
  assert_null (host.access[0].condition);
  host.n_accesses = 0;
  assert_int_equal (APPLY (&host, broadcast_load), 0);
  assert_int_equal (host.n_accesses, 1);
  assert_int_equal (host.access[0].bytes, 4);
  assert_non_null (host.access[0].condition);
  host.n_accesses = 0;
  assert_int_equal (APPLY (&host, vector_mask), 0);
  assert_int_equal (host.n_accesses, 2);
  assert_ptr_equal (host.access[1].condition, term__extract (host.terms, term__var (host.terms, 512, 1), 127, 1));
  host__close (&host);
}

static void
alignment (void **unused)
{
  (void) unused;
  struct host host;
  host__open (&host);
  assert_int_equal (APPLY (&host, aligned), 0);
  assert_int_equal (host.n_traps, 4);
  host.n_traps = 0;
  assert_int_equal (APPLY (&host, unaligned), 0);
  assert_int_equal (host.n_traps, 0);
  host__close (&host);
}

BYTES (legacy_write, "paddd %xmm2, %xmm1");
BYTES (vex_write, "vpaddd %xmm2, %xmm3, %xmm3");

/* The bits above the operand.  */
static void
upper_bits (void **unused)
{
  (void) unused;
  struct host host;
  host__open (&host);
  assert_int_equal (APPLY (&host, legacy_write), 0);
  assert_ptr_equal (term__extract (host.terms, host.cpu.vec[1], 128, 384),
                    term__extract (host.terms, term__var (host.terms, 512, 1), 128, 384));
  assert_int_equal (APPLY (&host, vex_write), 0);
  assert_true (term__is_value (term__extract (host.terms, host.cpu.vec[3], 128, 64), 0));
  assert_ptr_equal (term__extract (host.terms, host.cpu.vec[3], 128, 384), term__const (host.terms, 384, 0));
  host__close (&host);
}

BYTES (rounding, "vaddps {rz-sae}, %zmm1, %zmm2, %zmm3");
BYTES (suppressed, "vcmpps $1, {sae}, %zmm1, %zmm2, %k1");
BYTES (mmx, "paddb %mm1, %mm2");
BYTES (mmx_move, "movq %xmm1, %rcx; movd %mm1, %eax");
BYTES (streaming, "movntdq %xmm1, (%rsi)");
BYTES (range, "vrangeps $1, %zmm1, %zmm2, %zmm3");
BYTES (string_compare, "pcmpistri $4, %xmm1, %xmm2");
BYTES (masked_aligned, "vmovdqa32 (%rsi), %zmm1{%k1}");
BYTES (sha_memory, "sha1nexte (%rsi), %xmm1");
BYTES (masked_extract, "vextracti32x4 $1, %zmm1, (%rsi){%k1}");
BYTES (reserved, "cmpps $9, %xmm1, %xmm2");
BYTES (control, "ldmxcsr (%rsi)");
BYTES (segment, "vpaddb %gs:(%rsi), %xmm1, %xmm2");

static void
refused (void **unused)
{
  (void) unused;
#define REFUSED(NAME) { #NAME, NAME##_begin, NAME##_end }
  static const struct
  {
    const char *name;
    const uint8_t *begin, *end;
  } insns[] = { REFUSED (rounding),      REFUSED (suppressed),     REFUSED (mmx),        REFUSED (mmx_move),
                REFUSED (streaming),     REFUSED (range),     REFUSED (string_compare),
                REFUSED (masked_aligned), REFUSED (sha_memory),    REFUSED (masked_extract),
                REFUSED (reserved),      REFUSED (control),        REFUSED (segment) };
  for (unsigned i = 0; i < sizeof insns / sizeof *insns; i++)
    {
      struct host host;
      host__open (&host);
      if (host__apply (&host, insns[i].begin, (size_t) (insns[i].end - insns[i].begin)) == 0)
        fail_msg ("%s: not refused", insns[i].name);
      assert_int_equal (host.why.reason, REASON_UNMODELLED);
      host__close (&host);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (as_the_cpu), cmocka_unit_test (as_scalar_code), cmocka_unit_test (accesses),
    cmocka_unit_test (alignment),  cmocka_unit_test (upper_bits),     cmocka_unit_test (refused),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
