/* General-purpose instructions mean to the proof what they do on this CPU, flag by flag; what the manual leaves
   undefined is unknown, and nothing else is; comparisons come out as comparisons; the rest is refused.

   Each case of semantics-integer.def is assembled into this program, run on the CPU from random states, and
   evaluated as terms from the same ones.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "semantics/semantics.h"
#include "testsuite/term-memory.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>
#include <cmocka.h>

enum
{
  RUNS = 200,          /* random states a case */
  GUESSES = 24,        /* values of the unknowns tried a state: a bit that varies is undefined */
  MEMORY = 128,
  RSP = 4, RSI = 6, RDI = 7, R15 = 15,
  FLAG_VARIABLES = 16  /* the first flag's number; registers come before */
};

/* What the code of a case takes and gives; r15 points here.  Offsets are known to the assembler text below.  */
struct state
{
  uint64_t gpr[16];
  uint64_t rflags;
  uint64_t saved_rsp;
  uint8_t memory[MEMORY];
};

#define TEXT_OF(X) #X
#define TEXT(X) TEXT_OF (X)
#define REGISTERS(DO) \
  DO ("rax", "0") DO ("rcx", "8") DO ("rdx", "16") DO ("rbx", "24") DO ("rsp", "32") DO ("rbp", "40") \
    DO ("rsi", "48") DO ("rdi", "56") DO ("r8", "64") DO ("r9", "72") DO ("r10", "80") DO ("r11", "88") \
      DO ("r12", "96") DO ("r13", "104") DO ("r14", "112")
#define LOAD(REGISTER, OFFSET) "mov " OFFSET "(%r15), %" REGISTER "\n"
#define STORE(REGISTER, OFFSET) "mov %" REGISTER ", " OFFSET "(%r15)\n"

/* void case_LINE (struct state *): the instructions are between begin_LINE and end_LINE.  */
#define CASE(INSN, UNDEFINED) \
  asm (".pushsection .text\n" \
       "case_" TEXT (__LINE__) ":\n" \
       "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n" \
       "mov %rdi, %r15\n" \
       "mov %rsp, 136(%r15)\n" \
       "pushq 128(%r15); popfq\n" REGISTERS (LOAD) \
       "begin_" TEXT (__LINE__) ": " INSN "\n" \
       "end_" TEXT (__LINE__) ":\n" REGISTERS (STORE) \
       "mov 136(%r15), %rsp\n" \
       "pushfq; popq 128(%r15); cld\n" \
       "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n" \
       "ret\n" \
       ".popsection\n");
#include "testsuite/semantics-integer.def"
#undef CASE
#undef EVERY_CONDITION

#define JOIN_OF(A, B) A##B
#define JOIN(A, B) JOIN_OF (A, B)
#define CASE(INSN, UNDEFINED) \
  extern void JOIN (case_, __LINE__) (struct state *) __attribute__ ((visibility ("hidden"))); \
  extern const uint8_t JOIN (begin_, __LINE__)[] __attribute__ ((visibility ("hidden"))); \
  extern const uint8_t JOIN (end_, __LINE__)[] __attribute__ ((visibility ("hidden")));
#include "testsuite/semantics-integer.def"
#undef CASE
#undef EVERY_CONDITION

static const struct test_case
{
  const char *insn, *undefined;
  void (*run) (struct state *);
  const uint8_t *begin, *end;
} cases[] = {
#define CASE(INSN, UNDEFINED) \
  { INSN, UNDEFINED, JOIN (case_, __LINE__), JOIN (begin_, __LINE__), JOIN (end_, __LINE__) },
#include "testsuite/semantics-integer.def"
#undef CASE
};

/* The machine of terms, and its memory.  */
struct host
{
  struct terms *terms;
  const struct term *memory;
  const struct term *trap[SYM_TRAP_BREAKPOINT + 1]; /* NULL: can't happen */
  unsigned n_unknown;
  struct sym_host host;
  struct sym_cpu cpu;
  struct why why;
};

static const struct term *
host__load (void *context, const struct term *address, unsigned bytes, const struct term *condition)
{
  struct host *host = context;
  assert_null (condition);
  return term_memory__load (host->terms, host->memory, address, bytes);
}

static int
host__store (void *context, const struct term *address, const struct term *value, const struct term *condition)
{
  struct host *host = context;
  assert_null (condition);
  assert_int_equal (value->width % 8, 0);
  host->memory = term_memory__store (host->terms, host->memory, address, value, NULL);
  return 0;
}

static const struct term *
host__undefined (void *context, unsigned width)
{
  struct host *host = context;
  host->n_unknown++;
  return term__fresh (host->terms, width);
}

static void
host__trap (void *context, enum sym_trap trap, const struct term *condition)
{
  struct host *host = context;
  assert_null (host->trap[trap]);
  host->trap[trap] = condition;
}

/* Links everything 1 MiB higher.  */
static const struct term *
host__symbol (void *context, uint64_t address)
{
  return term__const (((struct host *) context)->terms, 64, address + (1 << 20));
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
    host->cpu.gpr[i] = term__var (host->terms, 64, i);
  host->cpu.flags.kind = FLAGS_EXPLICIT;
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    host->cpu.flags.flag[i] = term__var (host->terms, 1, FLAG_VARIABLES + i);
}

static void
host__close (struct host *host)
{
  terms__free (host->terms);
}

/* The instruction at BYTES, of at most LENGTH.  */
static const struct meaning *
decode (struct arena *arena, const uint8_t *bytes, size_t length, uint64_t address, unsigned *used, struct why *why)
{
  ZydisDecoder decoder;
  ZydisDecodedInstruction insn;
  const struct meaning *meaning = NULL;
  assert_true (ZYAN_SUCCESS (ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
  assert_true (ZYAN_SUCCESS (ZydisDecoderDecodeInstruction (&decoder, NULL, bytes, length, &insn)));
  *used = insn.length;
  return meaning__decode (arena, bytes, insn.length, address, false, false, &meaning, why) == 0 ? meaning : NULL;
}

/* Does BYTES[LENGTH] to the machine.  */
static void
host__apply (struct host *host, const uint8_t *bytes, size_t length)
{
  struct arena *arena = arena__new ();
  struct sym_step step;
  unsigned used;
  for (size_t at = 0; at < length; at += used)
    {
      const struct meaning *meaning
        = decode (arena, bytes + at, length - at, 0x1000 + at, &used, &host->why);
      if (!meaning || meaning__apply (meaning, &host->cpu, &host->host, &step, &host->why) < 0)
        fail_msg ("%s", host->why.detail);
      assert_int_equal (step.kind, STEP_NEXT);
    }
  arena__free (arena);
}

/* Bits of a run's values: a hash, so that all is the same each time.  */
static uint64_t
mix (uint64_t x)
{
  x ^= x >> 32;
  x *= UINT64_C (0xd6e8feb86659fd93);
  x ^= x >> 32;
  x *= UINT64_C (0xd6e8feb86659fd93);
  return x ^ x >> 32;
}

static uint64_t
random__value (uint64_t seed)
{
  static const uint64_t special[]
    = { 0, 1, UINT64_MAX, INT64_MAX, (uint64_t) INT64_MIN, 0x80000000, 0x7fffffff, 0x8000, 0x80, 2 };
  uint64_t value = mix (seed * 2 + 1), kind = mix (seed * 2);
  switch (kind % 8)
    {
    case 0:
    case 1:
      return special[value % (sizeof special / sizeof *special)];
    case 2:
      return value % 80;
    case 3:
      return (uint64_t) (int64_t) (int32_t) value;
    case 4:
      return value & mix (value); /* few bits, also none of the upper half */
    default:
      return kind >> 16 & 1 ? value >> 32 : value;
    }
}

static const unsigned rflags_bit[FLAGS_COUNT]
  = { [FLAG_CF] = 0, [FLAG_PF] = 2, [FLAG_AF] = 4, [FLAG_ZF] = 6, [FLAG_SF] = 7, [FLAG_OF] = 11 };
static const char flag_letter[FLAGS_COUNT]
  = { [FLAG_CF] = 'c', [FLAG_PF] = 'p', [FLAG_AF] = 'a', [FLAG_ZF] = 'z', [FLAG_SF] = 's', [FLAG_OF] = 'o' };

static void
state__fill (struct state *state, uint64_t seed)
{
  for (unsigned i = 0; i < 15; i++)
    state->gpr[i] = random__value (seed * 64 + i);
  state->gpr[RSI] = (uintptr_t) state->memory + 32;
  state->gpr[RDI] = (uintptr_t) state->memory + 64;
  state->gpr[RSP] = (uintptr_t) state->memory + 96;
  state->gpr[R15] = 0;
  for (unsigned i = 0; i < MEMORY / 8; i++)
    {
      uint64_t value = random__value (seed * 64 + 16 + i);
      memcpy (state->memory + 8 * i, &value, 8);
    }
  state->rflags = 0x202;
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    state->rflags |= (mix (seed * 64 + 40) >> i & 1) << rflags_bit[i];
}

/* The inputs of an evaluation: a state, and a guess at the unknowns.  MEMORY lies where it lay in the run.  */
struct inputs
{
  const struct state *state;
  uint64_t memory, guess;
};

static void
inputs__variable (void *context, uint32_t number, unsigned width, uint64_t *words)
{
  const struct inputs *inputs = context;
  assert_true (width <= 64);
  if (number < 16)
    words[0] = inputs->state->gpr[number];
  else if (number < FLAG_VARIABLES + FLAGS_COUNT)
    words[0] = inputs->state->rflags >> rflags_bit[number - FLAG_VARIABLES] & 1;
  else
    words[0] = mix (number * UINT64_C (1000) + inputs->guess) & (width < 64 ? (UINT64_C (1) << width) - 1 : UINT64_MAX);
}

static uint8_t
inputs__byte (void *context, uint32_t number, uint64_t address)
{
  const struct inputs *inputs = context;
  (void) number;
  /* Outside it: what a lane or a side of a condition that doesn't count would load.  */
  return address - inputs->memory < MEMORY ? inputs->state->memory[address - inputs->memory] : 0;
}

/* What is compared: registers, flags, memory, and whether it traps.  */
enum { ROOT_FLAGS = 16, ROOT_MEMORY = ROOT_FLAGS + FLAGS_COUNT, ROOT_TRAP = ROOT_MEMORY + MEMORY, ROOTS };

static void
roots__fill (struct host *host, const struct term **root)
{
  struct terms *terms = host->terms;
  const struct term *base = term__var (terms, 64, RSI);
  for (unsigned i = 0; i < 16; i++)
    root[i] = host->cpu.gpr[i];
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    root[ROOT_FLAGS + i] = flags__get (terms, &host->host, &host->cpu.flags, (enum flag) i);
  for (unsigned i = 0; i < MEMORY; i++)
    root[ROOT_MEMORY + i]
      = term__load (terms, host->memory, term__add (terms, base, term__const (terms, 64, (uint64_t) i - 32)));
  root[ROOT_TRAP] = host->trap[SYM_TRAP_DIVIDE] ? host->trap[SYM_TRAP_DIVIDE] : term__false (terms);
}

static sigjmp_buf trapped;

static void
divide_error (int number)
{
  (void) number;
  siglongjmp (trapped, 1);
}

/* Runs CASE on STATE; true where it traps.  */
static bool
run__traps (const struct test_case *test, struct state *state)
{
  if (sigsetjmp (trapped, 1))
    return true;
  test->run (state);
  return false;
}

static uint64_t
state__root (const struct state *state, unsigned root)
{
  if (root < ROOT_FLAGS)
    return state->gpr[root];
  if (root < ROOT_MEMORY)
    return state->rflags >> rflags_bit[root - ROOT_FLAGS] & 1;
  return state->memory[root - ROOT_MEMORY];
}

static void
case__check (const struct test_case *test)
{
  struct host host;
  const struct term *root[ROOTS];
  host__open (&host);
  host__apply (&host, test->begin, (size_t) (test->end - test->begin));
  roots__fill (&host, root);
  struct term_program *program = term_program__new (root, ROOTS);

  char undefined[8] = "", expected[8];
  bool flag_undefined[FLAGS_COUNT] = { false }, register_undefined = false;
  static struct state before, after;
  for (unsigned run = 0; run < RUNS; run++)
    {
      state__fill (&after, run);
      before = after;
      bool traps = run__traps (test, &after);
      uint64_t first[ROOTS], varies[ROOTS] = { 0 };
      for (unsigned guess = 0; guess < (host.n_unknown ? GUESSES : 1); guess++)
        {
          struct inputs inputs = { .state = &before, .memory = (uintptr_t) after.memory, .guess = guess };
          const struct term_inputs term_inputs
            = { .context = &inputs, .variable = inputs__variable, .byte = inputs__byte };
          term_program__run (program, &term_inputs);
          for (unsigned i = 0; i < ROOTS; i++)
            {
              uint64_t value = term_program__value (program, i)[0];
              if (guess == 0)
                first[i] = value;
              varies[i] |= value ^ first[i];
            }
        }
      if (traps != first[ROOT_TRAP] || varies[ROOT_TRAP])
        fail_msg ("%s: run %u: the CPU %s, the terms don't agree", test->insn, run, traps ? "traps" : "doesn't trap");
      if (traps)
        continue;
      for (unsigned i = 0; i < ROOT_TRAP; i++)
        if (i != R15 && (first[i] ^ state__root (&after, i)) & ~varies[i])
          fail_msg ("%s: run %u: %s %u: %#llx on the CPU, %#llx by the terms (undefined: %#llx)", test->insn, run,
                    i < ROOT_FLAGS    ? "register"
                    : i < ROOT_MEMORY ? "flag"
                                      : "byte",
                    i < ROOT_FLAGS    ? i
                    : i < ROOT_MEMORY ? i - ROOT_FLAGS
                                      : i - ROOT_MEMORY,
                    (unsigned long long) state__root (&after, i), (unsigned long long) first[i],
                    (unsigned long long) varies[i]);
      for (unsigned i = 0; i < ROOT_FLAGS; i++)
        register_undefined |= varies[i] != 0;
      for (unsigned i = 0; i < FLAGS_COUNT; i++)
        flag_undefined[i] |= varies[ROOT_FLAGS + i] != 0;
    }

  /* Exactly what the list says.  */
  static const char order[] = "cpazsor";
  unsigned n = 0, m = 0;
  for (const char *letter = order; *letter; letter++)
    {
      bool is = *letter == 'r' && register_undefined;
      for (unsigned i = 0; i < FLAGS_COUNT; i++)
        is |= flag_letter[i] == *letter && flag_undefined[i];
      if (is)
        undefined[n++] = *letter;
      if (strchr (test->undefined, *letter))
        expected[m++] = *letter;
    }
  undefined[n] = expected[m] = '\0';
  if (strcmp (undefined, expected) != 0)
    fail_msg ("%s: \"%s\" may come out undefined, not \"%s\"", test->insn, undefined, expected);
  term_program__free (program);
  host__close (&host);
}

static void
as_the_cpu (void **state)
{
  (void) state;
  /* The stack pointer may point anywhere when a division traps.  */
  static uint8_t signal_stack[1 << 16];
  const stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof signal_stack };
  const struct sigaction action = { .sa_handler = divide_error, .sa_flags = SA_ONSTACK | SA_NODEFER };
  assert_int_equal (sigaltstack (&stack, NULL), 0);
  assert_int_equal (sigaction (SIGFPE, &action, NULL), 0);
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    case__check (&cases[i]);
  signal (SIGFPE, SIG_DFL);
}

/* The condition that a jump has after the instructions in BYTES, which end with it.  */
static const struct term *
jump__condition (struct host *host, const char *bytes, size_t length)
{
  struct arena *arena = arena__new ();
  struct sym_step step = { .condition = NULL };
  unsigned used;
  for (size_t at = 0; at < length; at += used)
    {
      const struct meaning *meaning
        = decode (arena, (const uint8_t *) bytes + at, length - at, at, &used, &host->why);
      assert_non_null (meaning);
      assert_int_equal (meaning__apply (meaning, &host->cpu, &host->host, &step, &host->why), 0);
    }
  assert_int_equal (step.kind, STEP_BRANCH);
  assert_int_equal (step.target, length + 0x10);
  arena__free (arena);
  return step.condition;
}

/* Conditions after a comparison are that comparison.  */
static void
comparisons (void **state)
{
  (void) state;
  struct host host;
  static const uint8_t cc[] = { 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0xc, 0xd, 0xe, 0xf };
  for (unsigned i = 0; i < sizeof cc; i++)
    {
      host__open (&host);
      struct terms *terms = host.terms;
      const struct term *a = host.cpu.gpr[0], *b = host.cpu.gpr[2], *zero = term__const (terms, 64, 0);
      const struct term *condition[16]
        = { [0x2] = term__ult (terms, a, b), [0x3] = term__ule (terms, b, a), [0x4] = term__eq (terms, a, b),
            [0x5] = term__ne (terms, a, b),  [0x6] = term__ule (terms, a, b), [0x7] = term__ult (terms, b, a),
            [0xc] = term__slt (terms, a, b), [0xd] = term__sle (terms, b, a), [0xe] = term__sle (terms, a, b),
            [0xf] = term__slt (terms, b, a) };
      /* cmp %rdx, %rax; jcc */
      const char cmp[] = { 0x48, 0x39, (char) 0xd0, (char) (0x70 + cc[i]), 0x10 };
      assert_ptr_equal (jump__condition (&host, cmp, sizeof cmp), condition[cc[i]]);
      /* sub %rdx, %rax; jcc.  On what the first left alone.  */
      const char sub[] = { 0x48, 0x29, (char) 0xd0, (char) (0x70 + cc[i]), 0x10 };
      assert_ptr_equal (jump__condition (&host, sub, sizeof sub), condition[cc[i]]);
      /* test %rcx, %rcx; jcc */
      const struct term *c = host.cpu.gpr[1];
      const struct term *after_test[16] = { [0x2] = term__false (terms),
                                            [0x3] = term__true (terms),
                                            [0x4] = term__eq (terms, c, zero),
                                            [0x5] = term__ne (terms, c, zero),
                                            [0x6] = term__eq (terms, c, zero),
                                            [0x7] = term__ne (terms, c, zero),
                                            [0xc] = term__slt (terms, c, zero),
                                            [0xd] = term__sle (terms, zero, c),
                                            [0xe] = term__sle (terms, c, zero),
                                            [0xf] = term__slt (terms, zero, c) };
      const char test[] = { 0x48, (char) 0x85, (char) 0xc9, (char) (0x70 + cc[i]), 0x10 };
      assert_ptr_equal (jump__condition (&host, test, sizeof test), after_test[cc[i]]);
      host__close (&host);
    }
  /* dec %rcx; jne and jl are of the comparison with 1; jb is of the flag that was there.  */
  host__open (&host);
  struct terms *terms = host.terms;
  const struct term *c = host.cpu.gpr[1], *one = term__const (terms, 64, 1), *carry = host.cpu.flags.flag[FLAG_CF];
  const struct sym_cpu cpu = host.cpu;
  assert_ptr_equal (jump__condition (&host, "\x48\xff\xc9\x75\x10", 5), term__ne (terms, c, one));
  host.cpu = cpu;
  assert_ptr_equal (jump__condition (&host, "\x48\xff\xc9\x7c\x10", 5), term__slt (terms, c, one));
  host.cpu = cpu;
  assert_ptr_equal (jump__condition (&host, "\x48\xff\xc9\x72\x10", 5), carry);
  host.cpu = cpu;
  /* jrcxz */
  assert_ptr_equal (jump__condition (&host, "\xe3\x10", 2), term__is_zero (terms, c));
  host__close (&host);
}

/* rax after the instructions in BYTES, from a new state each time.  */
static const struct term *
result (struct host *host, const char *bytes, size_t length)
{
  const struct sym_cpu before = host->cpu;
  host__apply (host, (const uint8_t *) bytes, length);
  const struct term *rax = host->cpu.gpr[0];
  host->cpu = before;
  host->trap[SYM_TRAP_DIVIDE] = NULL;
  return rax;
}

/* Ways of writing one thing come out as one term.  */
static void
shapes (void **state)
{
  (void) state;
#define INSNS(BYTES) result (&host, BYTES, sizeof (BYTES) - 1)
  struct host host;
  host__open (&host);
  struct terms *terms = host.terms;
  const struct term *rax = host.cpu.gpr[0], *rcx = host.cpu.gpr[1], *ecx = term__extract (terms, rcx, 0, 32),
                    *eax = term__extract (terms, rax, 0, 32);
  /* add %rdx, %rcx; setc %al; movzx %al, %eax, and the sum the other way round.  */
  assert_ptr_equal (INSNS ("\x48\x01\xd1\x0f\x92\xc0\x0f\xb6\xc0"), INSNS ("\x48\x01\xca\x0f\x92\xc0\x0f\xb6\xc0"));
  /* The same with adc.  */
  assert_ptr_equal (INSNS ("\x48\x11\xd1\x0f\x92\xc0\x0f\xb6\xc0"), INSNS ("\x48\x11\xca\x0f\x92\xc0\x0f\xb6\xc0"));
  /* shl %cl, %eax and shlx %ecx, %eax, %eax.  */
  assert_ptr_equal (INSNS ("\xd3\xe0"), INSNS ("\xc4\xe2\x71\xf7\xc0"));
  /* bt $3, %ecx; setc %al, and shr $3, %ecx; and $1, %ecx; mov %cl, %al.  */
  assert_ptr_equal (INSNS ("\x0f\xba\xe1\x03\x0f\x92\xc0"), INSNS ("\xc1\xe9\x03\x83\xe1\x01\x88\xc8"));
  /* cmp %rdx, %rcx; sbb %eax, %eax, and cmp; setb %al; movzx %al, %eax; neg %eax.  */
  assert_ptr_equal (INSNS ("\x48\x39\xd1\x19\xc0"), INSNS ("\x48\x39\xd1\x0f\x92\xc0\x0f\xb6\xc0\xf7\xd8"));
  /* bsf %ecx, %eax; cmove %edx, %eax, and tzcnt %ecx, %eax; test %ecx, %ecx; cmove %edx, %eax.  */
  assert_ptr_equal (INSNS ("\x0f\xbc\xc1\x0f\x44\xc2"), INSNS ("\xf3\x0f\xbc\xc1\x85\xc9\x0f\x44\xc2"));
  /* bsr %ecx, %eax; xor $31, %eax where %ecx isn't 0, and lzcnt.  */
  assert_ptr_equal (INSNS ("\x0f\xbd\xc1\x83\xf0\x1f\x85\xc9\x0f\x44\xc2"),
                    INSNS ("\xf3\x0f\xbd\xc1\x85\xc9\x0f\x44\xc2"));
  /* bsr %ecx, %eax; xor $31, %eax; mov $32, %edx; test %ecx, %ecx; cmove %edx, %eax, and lzcnt alone.  */
  assert_ptr_equal (INSNS ("\x0f\xbd\xc1\x83\xf0\x1f\xba\x20\x00\x00\x00\x85\xc9\x0f\x44\xc2"),
                    INSNS ("\xf3\x0f\xbd\xc1"));
  /* bsf %rcx, %rax; mov $64, %edx; cmove %rdx, %rax, and tzcnt alone.  */
  assert_ptr_equal (INSNS ("\x48\x0f\xbc\xc1\xba\x40\x00\x00\x00\x48\x0f\x44\xc2"),
                    INSNS ("\xf3\x48\x0f\xbc\xc1"));
  /* imul $8, %rcx, %rax; shl $3, %rcx; lea 0(,%rcx,8), %rax.  */
  assert_ptr_equal (INSNS ("\x48\x6b\xc1\x08"), INSNS ("\x48\xc1\xe1\x03\x48\x89\xc8"));
  assert_ptr_equal (INSNS ("\x48\x6b\xc1\x08"), INSNS ("\x48\x8d\x04\xcd\x00\x00\x00\x00"));
  /* mul %ecx and the wide imul %rcx, %rax of zero-extended registers, low halves.  */
  assert_ptr_equal (INSNS ("\xf7\xe1"), INSNS ("\x0f\xaf\xc1"));
  /* A single division stays as narrow as it is: xor %edx, %edx; div %ecx, and cltd; idiv %ecx.  */
  assert_ptr_equal (INSNS ("\x31\xd2\xf7\xf1"), term__zext (terms, term__udiv (terms, eax, ecx), 64));
  assert_ptr_equal (INSNS ("\x99\xf7\xf9"), term__zext (terms, term__sdiv (terms, eax, ecx), 64));
  host__close (&host);
#undef INSNS
}

/* An unknown flag is the same unknown each time it is asked for.  */
static void
unknown_once (void **state)
{
  (void) state;
  struct host host;
  host__open (&host);
  host__apply (&host, (const uint8_t *) "\x48\x21\xd0", 3); /* and %rdx, %rax */
  assert_int_equal (host.n_unknown, 0);
  const struct term *af = flags__get (host.terms, &host.host, &host.cpu.flags, FLAG_AF);
  assert_ptr_equal (flags__get (host.terms, &host.host, &host.cpu.flags, FLAG_AF), af);
  assert_int_equal (host.n_unknown, 1);
  host__close (&host);
}

static const struct meaning *
decode_all (struct arena *arena, const char *bytes, size_t length, struct why *why)
{
  unsigned used;
  const struct meaning *meaning = decode (arena, (const uint8_t *) bytes, length, 0x1000, &used, why);
  if (meaning)
    assert_int_equal (used, length);
  return meaning;
}

static void
control (void **state)
{
  (void) state;
  static const struct
  {
    const char *bytes;
    unsigned length;
    enum step_kind kind;
    uint64_t target;      /* 0: none */
    int destination;      /* register, -1 none, -2 the top of the stack */
    int64_t rsp;          /* change */
  } steps[] = {
    { "\xeb\x10", 2, STEP_JUMP, 0x1012, -1, 0 },
    { "\xe9\xfb\xff\xff\xff", 5, STEP_JUMP, 0x1000, -1, 0 },
    { "\xe8\x00\x01\x00\x00", 5, STEP_CALL, 0x1105, -1, -8 },
    { "\xff\xe0", 2, STEP_INDIRECT, 0, 0, 0 },                 /* jmp *%rax */
    { "\x3e\xff\xe0", 3, STEP_INDIRECT, 0, 0, 0 },             /* notrack jmp *%rax */
    { "\xff\xd2", 2, STEP_INDIRECT_CALL, 0, 2, -8 },           /* call *%rdx */
    { "\xff\xd4", 2, STEP_INDIRECT_CALL, 0, RSP, -8 },         /* call *%rsp */
    { "\xff\x24\x24", 3, STEP_INDIRECT, 0, -2, 0 },            /* jmp *(%rsp) */
    { "\xc3", 1, STEP_RETURN, 0, -2, 8 },
    { "\xf3\xc3", 2, STEP_RETURN, 0, -2, 8 },                  /* rep ret */
    { "\xc2\x10\x00", 3, STEP_RETURN, 0, -2, 24 },             /* ret $16 */
    { "\x0f\x0b", 2, STEP_TRAP, 0, -1, 0 },
    { "\xcc", 1, STEP_TRAP, 0, -1, 0 },
  };
  for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++)
    {
      struct host host;
      struct sym_step step;
      struct arena *arena = arena__new ();
      host__open (&host);
      struct terms *terms = host.terms;
      const struct term *rsp = host.cpu.gpr[RSP];
      const struct meaning *meaning = decode_all (arena, steps[i].bytes, steps[i].length, &host.why);
      assert_non_null (meaning);
      const struct term *top = host__load (&host, rsp, 8, NULL);
      const struct term *wanted = steps[i].destination == -1   ? NULL
                                  : steps[i].destination == -2 ? top
                                                               : host.cpu.gpr[steps[i].destination];
      assert_int_equal (meaning__apply (meaning, &host.cpu, &host.host, &step, &host.why), 0);
      assert_int_equal (step.kind, steps[i].kind);
      assert_int_equal (step.target, steps[i].target);
      assert_ptr_equal (step.destination, wanted);
      assert_ptr_equal (host.cpu.gpr[RSP], term__add (terms, rsp, term__const (terms, 64, (uint64_t) steps[i].rsp)));
      if (steps[i].rsp == -8) /* where it returns to, as linked */
        assert_ptr_equal (host__load (&host, host.cpu.gpr[RSP], 8, NULL),
                          host__symbol (&host, 0x1000 + steps[i].length));
      const struct term *invalid = host.trap[SYM_TRAP_INVALID], *breakpoint = host.trap[SYM_TRAP_BREAKPOINT];
      assert_ptr_equal (invalid, steps[i].bytes[0] == 0x0f ? term__true (terms) : NULL);
      assert_ptr_equal (breakpoint, (uint8_t) steps[i].bytes[0] == 0xcc ? term__true (terms) : NULL);
      host__close (&host);
      arena__free (arena);
    }
}

/* Addresses and numbers that linking decides go through the host.  */
static void
symbols (void **state)
{
  (void) state;
  static const struct
  {
    const char *bytes;
    unsigned length;
    bool disp, imm;
    uint64_t value; /* of rax, less what registers give */
    int base;       /* register that is added, -1 none */
  } links[] = {
    { "\x48\x8d\x05\x10\x00\x00\x00", 7, true, false, 0x101017, -1 },     /* lea 16(%rip), %rax */
    { "\x48\x8d\x05\x10\x00\x00\x00", 7, false, false, 0x101017, -1 },
    { "\x48\x8d\x82\x00\x20\x00\x00", 7, true, false, 0x102000, 2 },      /* lea sym(%rdx), %rax */
    { "\x48\x8d\x82\x00\x20\x00\x00", 7, false, false, 0x2000, 2 },
    { "\x48\x8d\x04\x25\x00\x20\x00\x00", 8, true, false, 0x102000, -1 }, /* lea sym, %rax */
    { "\x48\x8d\x04\x25\xf8\xff\xff\xff", 8, false, false, -UINT64_C (8), -1 },
    { "\x48\x8d\x42\xf8", 4, false, false, -UINT64_C (8), 2 },
    { "\xb8\x00\x20\x00\x00", 5, false, true, 0x102000, -1 },             /* mov $sym, %eax */
    { "\xb8\x00\x20\x00\x00", 5, false, false, 0x2000, -1 },
    { "\x48\xc7\xc0\x00\x20\x00\x00", 7, false, true, 0x102000, -1 },     /* mov $sym, %rax */
    { "\x48\xb8\x00\x20\x00\x00\x00\x00\x00\x00", 10, false, true, 0x102000, -1 },
  };
  for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
    {
      struct host host;
      struct sym_step step;
      const struct meaning *meaning;
      struct arena *arena = arena__new ();
      host__open (&host);
      assert_int_equal (meaning__decode (arena, (const uint8_t *) links[i].bytes, links[i].length, 0x1000,
                                         links[i].disp, links[i].imm, &meaning, &host.why),
                        0);
      assert_int_equal (meaning__apply (meaning, &host.cpu, &host.host, &step, &host.why), 0);
      const struct term *value = term__const (host.terms, 64, links[i].value);
      if (links[i].base >= 0)
        value = term__add (host.terms, value, term__var (host.terms, 64, (uint32_t) links[i].base));
      assert_ptr_equal (host.cpu.gpr[0], value);
      host__close (&host);
      arena__free (arena);
    }
}

/* An address of 64 bits: movabs 0x123456789abcdef0, %rax.  */
static void
far_address (void **state)
{
  (void) state;
  struct host host;
  host__open (&host);
  host__apply (&host, (const uint8_t *) "\x48\xa1\xf0\xde\xbc\x9a\x78\x56\x34\x12", 10);
  const struct term *address = term__const (host.terms, 64, UINT64_C (0x123456789abcdef0));
  assert_ptr_equal (host.cpu.gpr[0], host__load (&host, address, 8, NULL));
  host__close (&host);
}

/* Rounds of rep, on numbers: the condition says when it is done.  */
static void
repeats (void **state)
{
  (void) state;
  static const struct
  {
    const char *bytes;
    unsigned length;
    uint64_t count, rounds; /* rounds that it makes */
  } rep[] = {
    { "\xf3\xa4", 2, 0, 0 },          /* rep movsb */
    { "\xf3\xa4", 2, 5, 5 },
    { "\xf3\x48\xa5", 3, 2, 2 },      /* rep movsq */
    { "\xf3\x48\xab", 3, 3, 3 },      /* rep stosq */
    { "\xf3\xa6", 2, 8, 4 },          /* repe cmpsb: three are equal */
    { "\xf3\xa6", 2, 2, 2 },
    { "\xf2\xae", 2, 8, 6 },          /* repne scasb */
    { "\xf2\xae", 2, 3, 3 },
    { "\xf2\xae", 2, 0, 0 },
  };
  /* Where rsi, rdi point; al is 'f'.  */
  static const char source[32] = "abcXefgh", destination[32] = "abcdef";
  for (unsigned i = 0; i < sizeof rep / sizeof *rep; i++)
    {
      struct host host;
      struct sym_step step;
      struct arena *arena = arena__new ();
      host__open (&host);
      struct terms *terms = host.terms;
      const struct meaning *meaning = decode_all (arena, rep[i].bytes, rep[i].length, &host.why);
      assert_non_null (meaning);
      host.cpu.gpr[0] = term__const (terms, 64, 'f');
      host.cpu.gpr[1] = term__const (terms, 64, rep[i].count);
      host.cpu.gpr[RSI] = term__const (terms, 64, 0x10000);
      host.cpu.gpr[RDI] = term__const (terms, 64, 0x20000);
      for (unsigned k = 0; k < sizeof source; k++)
        {
          uint8_t a = (uint8_t) source[k], b = (uint8_t) destination[k];
          host__store (&host, term__const (terms, 64, 0x10000 + k), term__const (terms, 8, a), NULL);
          host__store (&host, term__const (terms, 64, 0x20000 + k), term__const (terms, 8, b), NULL);
        }
      const struct sym_cpu before = host.cpu;
      assert_int_equal (meaning__apply (meaning, &host.cpu, &host.host, &step, &host.why), 0);
      assert_int_equal (step.kind, STEP_REPEAT);
      assert_memory_equal (&before, &host.cpu, sizeof before);
      unsigned rounds = 0;
      for (; step.condition == term__false (terms); rounds++)
        {
          assert_true (rounds < 100);
          assert_int_equal (meaning__repeat (meaning, &host.cpu, &host.host, &step, &host.why), 0);
          assert_int_equal (step.kind, STEP_REPEAT);
        }
      assert_ptr_equal (step.condition, term__true (terms));
      assert_int_equal (rounds, rep[i].rounds);
      assert_true (term__is_value (host.cpu.gpr[1], rep[i].count - rounds));
      host__close (&host);
      arena__free (arena);
    }
}

/* What isn't modelled says so, by name.  */
static void
refused (void **state)
{
  (void) state;
  static const struct
  {
    const char *bytes;
    unsigned length;
    const char *detail;
  } insns[] = {
    { "\xf0\x48\x01\x06", 4, "add: a lock prefix" },
    { "\x48\x87\x06", 3, "xchg: with memory" },
    { "\x64\x48\x8b\x04\x25\x28\x00\x00\x00", 9, "mov: a segment" },
    { "\x65\x48\xa5", 3, "movsq: a segment" },
    { "\x67\x8b\x06", 3, "mov: an address-size prefix" },
    { "\x67\xe3\x10", 3, "jecxz: an address-size prefix" },
    { "\x0f\xc1\x16", 3, "xadd" },
    { "\x48\x0f\xa3\x16", 4, "bt: a bit string in memory" },
    { "\x66\x0f\xc8", 3, "bswap: of 16 bits" },
    { "\x66\x50", 2, "push: of 16 bits" },
    { "\x8c\xd8", 2, "mov: not a general register" },
    { "\xc1\xd0\x02", 3, "rcl: by more than 1" },
    { "\x66\x0f\xa5\xd0", 4, "shld: of 16 bits by such a count" },
    { "\xfd", 1, "std" },
    { "\x0f\x05", 2, "syscall" },
    { "\x0f\xa2", 2, "cpuid" },
    { "\x0f\x31", 2, "rdtsc" },
    { "\x0f\xae\xe8", 3, "lfence" },
    { "\xc8\x10\x00\x00", 4, "enter" },
    { "\x9c", 1, "pushfq" },
    { "\xcb", 1, "ret: of this kind" },
    { "\x66\xc3", 2, "ret: of this kind" },
    { "\x66\x75\x10", 3, "jnz: to such a target" },
    { "\x66\xe9\x10\x00\x00\x00", 6, "jmp: to such a target" },
    { "\xff\x2e", 2, "jmp: to such a target" },
    { "\xe2\x10", 2, "loop" },
    { "\xf2\xa4", 2, "movsb" },
    { "\xd9\x06", 2, "fld" },
    { "\x48\x0f\xc3\x06", 4, "movnti" },
  };
  for (unsigned i = 0; i < sizeof insns / sizeof *insns; i++)
    {
      struct host host;
      struct sym_step step;
      struct arena *arena = arena__new ();
      host__open (&host);
      const struct meaning *meaning = decode_all (arena, insns[i].bytes, insns[i].length, &host.why);
      if (meaning && meaning__apply (meaning, &host.cpu, &host.host, &step, &host.why) == 0)
        fail_msg ("%s: not refused", insns[i].detail);
      assert_int_equal (host.why.reason, REASON_UNMODELLED);
      assert_string_equal (host.why.detail, insns[i].detail);
      host__close (&host);
      arena__free (arena);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (as_the_cpu), cmocka_unit_test (comparisons), cmocka_unit_test (shapes),
    cmocka_unit_test (unknown_once), cmocka_unit_test (control), cmocka_unit_test (symbols),
    cmocka_unit_test (far_address), cmocka_unit_test (repeats), cmocka_unit_test (refused),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
