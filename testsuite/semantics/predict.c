/* Symbolic execution of one form, and its evaluation.

   The form's instructions are applied to a machine of variables; where it branches both ways are followed to its end
   and joined by conditionals.  The roots that are evaluated are the registers that it may change, every address
   that it may access with the condition under which it does, the values stored, and the conditions of its traps.

   A root with unknowns in it (term__fresh) is evaluated with different values for them: all zeros, all ones, each
   alone ones.  Bits that come out differently are open.  That finds every bit of an instruction that an unknown
   decides; but where the next instruction compares or multiplies an unknown of many bits, some other value could
   decide, so that in sequences what depends on such an unknown is open as a whole.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "testsuite/semantics/predict.h"
#include "testsuite/term-memory.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

enum
{
  FIRST_GPR = 0,
  FIRST_VEC = 16,
  FIRST_MASK = 48,
  FIRST_FLAG = 56,
  STICKY = 62,
  VARIABLES,
  ACCESSES_MAX = 256,
  TRAPS_MAX = 32,
  BRANCHES_MAX = 8,
  ROUNDS_MAX = 4096,
  UNKNOWNS_MAX = 64,
  UNCHANGED = -1,
  OPEN = -2    /* nothing is known of it: an undefined flag, most often */
};

static const unsigned flag_bit[FLAGS_COUNT] = { 0, 2, 4, 6, 7, 11 };

/* Numbers of roots; -1: none.  */
struct access
{
  const struct term *address, *value, *condition; /* value NULL: a load; condition NULL: always */
  unsigned bytes;
  int address_root, value_root, condition_root;
};

struct trap
{
  enum sym_trap kind;
  const struct term *condition;
  int root;
};

/* A stretch of execution without a round of rep in it.  */
struct pass
{
  struct sym_cpu cpu;          /* after it */
  const struct term *flag[FLAGS_COUNT];
  const struct term *done;     /* of a rep instruction; else NULL */
  bool traps_always;
  unsigned n_accesses, n_traps;
  struct access access[ACCESSES_MAX];
  struct trap trap[TRAPS_MAX];
  unsigned n_roots;
  int variable_root[VARIABLES]; /* of the value that variable has after it; UNCHANGED, OPEN */
  int done_root;
  bool unknown_access;
  bool unknown_always;          /* an access or a trap depends on an unknown of many bits in a sequence */
  struct term_program *program;
  unsigned n_unknowns;          /* that the roots depend on */
  uint32_t unknown[UNKNOWNS_MAX];
  unsigned n_guesses;           /* evaluations, 1 without unknowns */
  uint64_t **guess;             /* root values of the evaluations before the last, 8 words each */
};

struct prediction
{
  struct arena *arena;
  struct terms *terms;
  const struct form *form;
  const struct term *memory;   /* as stored to so far */
  const struct term *path;     /* condition of the way being followed, NULL: true */
  struct sym_host host;
  struct pass *pass;           /* being made */
  struct pass *main, *round;   /* round: of a rep instruction, one round */
  unsigned n_branches, n_insns;
  bool has_vectors;
};

static const struct term *
both (struct prediction *prediction, const struct term *condition)
{
  if (!prediction->path)
    return condition;
  return condition ? term__and (prediction->terms, prediction->path, condition) : prediction->path;
}

static struct access *
access__new (struct prediction *prediction, const struct term *address, unsigned bytes,
             const struct term *value, const struct term *condition)
{
  struct pass *pass = prediction->pass;
  if (pass->n_accesses == ACCESSES_MAX)
    return NULL;
  struct access *access = &pass->access[pass->n_accesses++];
  *access = (struct access) { .address = address, .value = value, .bytes = bytes,
                              .condition = both (prediction, condition) };
  return access;
}

static const struct term *
host__load (void *context, const struct term *address, unsigned bytes, const struct term *condition)
{
  struct prediction *prediction = context;
  struct terms *terms = prediction->terms;
  if (bytes > 64 || !access__new (prediction, address, bytes, NULL, condition))
    return NULL;
  return term_memory__load (terms, prediction->memory, address, bytes);
}

static int
host__store (void *context, const struct term *address, const struct term *value,
             const struct term *condition)
{
  struct prediction *prediction = context;
  struct terms *terms = prediction->terms;
  struct access *access = access__new (prediction, address, value->width / 8, value, condition);
  if (!access)
    return -1;
  prediction->memory = term_memory__store (terms, prediction->memory, address, value, access->condition);
  return 0;
}

static const struct term *
host__undefined (void *context, unsigned width)
{
  struct prediction *prediction = context;
  return term__fresh (prediction->terms, width);
}

static void
host__trap (void *context, enum sym_trap kind, const struct term *condition)
{
  struct prediction *prediction = context;
  struct pass *pass = prediction->pass;
  if (pass->n_traps == TRAPS_MAX)
    abort ();
  pass->trap[pass->n_traps++] = (struct trap) { kind, both (prediction, condition), -1 };
}

static const struct term *
host__symbol (void *context, uint64_t address)
{
  struct prediction *prediction = context;
  return term__const (prediction->terms, 64, address);
}

/* All flags as terms of their own, for joining two ways.  */
static void
settle_flags (struct prediction *prediction, struct sym_cpu *cpu)
{
  struct sym_flags settled = { .kind = FLAGS_EXPLICIT };
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    settled.flag[i] = flags__get (prediction->terms, &prediction->host, &cpu->flags, i);
  cpu->flags = settled;
}

/* *CPU = CONDITION ? *CPU : *OTHER.  */
static void
join (struct prediction *prediction, const struct term *condition, struct sym_cpu *cpu,
      struct sym_cpu *other)
{
  struct terms *terms = prediction->terms;
  settle_flags (prediction, cpu);
  settle_flags (prediction, other);
  for (unsigned i = 0; i < 16; i++)
    cpu->gpr[i] = term__ite (terms, condition, cpu->gpr[i], other->gpr[i]);
  for (unsigned i = 0; i < 32; i++)
    cpu->vec[i] = term__ite (terms, condition, cpu->vec[i], other->vec[i]);
  for (unsigned i = 0; i < 8; i++)
    cpu->mask[i] = term__ite (terms, condition, cpu->mask[i], other->mask[i]);
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    cpu->flags.flag[i] = term__ite (terms, condition, cpu->flags.flag[i], other->flags.flag[i]);
  cpu->sticky = term__ite (terms, condition, cpu->sticky, other->sticky);
}

/* Follows the form from byte AT to its end.  */
static int
follow (struct prediction *prediction, size_t at, struct sym_cpu *cpu, struct why *why)
{
  const struct form *form = prediction->form;
  while (at < form->size)
    {
      ZydisDecoder decoder;
      ZydisDecodedInstruction insn;
      const struct meaning *meaning;
      struct sym_step step = { .kind = STEP_NEXT };
      ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
      if (ZYAN_FAILED (ZydisDecoderDecodeInstruction (&decoder, NULL, form->bytes + at,
                                                      form->size - at, &insn)))
        return why__set (why, REASON_DECODE, "%s", form->text);
      if (meaning__decode (prediction->arena, form->bytes + at, insn.length,
                           SANDBOX_CODE_BASE + at, false, false, &meaning, why)
            != 0
          || meaning__apply (meaning, cpu, &prediction->host, &step, why) != 0)
        return -1;
      at += insn.length;
      prediction->n_insns++;
      switch (step.kind)
        {
        case STEP_NEXT:
          break;
        case STEP_JUMP:
        case STEP_CALL:
          at = step.target - SANDBOX_CODE_BASE;
          break;
        case STEP_RETURN:
          if (!term__is_const (step.destination))
            return why__set (why, REASON_UNMODELLED, "a form that leaves");
          at = term__value (step.destination) - SANDBOX_CODE_BASE;
          break;
        case STEP_TRAP:
          prediction->pass->traps_always = true;
          return 0;
        case STEP_BRANCH:
          {
            if (prediction->n_branches++ == BRANCHES_MAX)
              return why__set (why, REASON_UNMODELLED, "too many branches");
            const struct term *path = prediction->path;
            struct sym_cpu other = *cpu;
            prediction->path = both (prediction, step.condition);
            if (follow (prediction, step.target - SANDBOX_CODE_BASE, cpu, why) != 0)
              return -1;
            prediction->path = path;
            prediction->path = both (prediction, term__not (prediction->terms, step.condition));
            if (follow (prediction, at, &other, why) != 0)
              return -1;
            prediction->path = path;
            join (prediction, step.condition, cpu, &other);
            return 0;
          }
        case STEP_REPEAT:
          if (at != form->size || prediction->round || prediction->path)
            return why__set (why, REASON_UNMODELLED, "rep inside a sequence");
          prediction->pass->done = step.condition;
          return 0;
        default:
          return why__set (why, REASON_UNMODELLED, "a form that leaves");
        }
    }
  return 0;
}

/* A machine of variables.  */
static void
cpu__begin (struct prediction *prediction, struct sym_cpu *cpu)
{
  struct terms *terms = prediction->terms;
  *cpu = (struct sym_cpu) { .flags.kind = FLAGS_EXPLICIT };
  for (unsigned i = 0; i < 16; i++)
    cpu->gpr[i] = term__var (terms, 64, FIRST_GPR + i);
  for (unsigned i = 0; i < 32; i++)
    cpu->vec[i] = term__var (terms, 512, FIRST_VEC + i);
  for (unsigned i = 0; i < 8; i++)
    cpu->mask[i] = term__var (terms, 64, FIRST_MASK + i);
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    cpu->flags.flag[i] = term__var (terms, 1, FIRST_FLAG + i);
  cpu->sticky = term__var (terms, 6, STICKY);
}

static struct pass *
pass__begin (struct prediction *prediction)
{
  struct pass *pass = ARENA_NEW (prediction->arena, struct pass);
  prediction->pass = pass;
  prediction->memory = term__memory (prediction->terms, 0);
  prediction->path = NULL;
  cpu__begin (prediction, &pass->cpu);
  return pass;
}

static bool
is_unknown (const struct term *a)
{
  return a->op == TERM_VAR && a->number >= VARIABLES;
}

/* Does A depend on an unknown of more than a bit?  SEEN as below.  */
static bool
depends_on_wide (const struct term *a, uint8_t *seen)
{
  if (seen[a->id])
    return seen[a->id] == 2;
  bool yes = is_unknown (a) && a->width > 1;
  for (unsigned i = 0; i < a->n_args && !yes; i++)
    yes = depends_on_wide (a->arg[i], seen);
  seen[a->id] = yes ? 2 : 1;
  return yes;
}

/* Does A depend on an unknown?  SEEN has a byte for each term; new ones are added to PASS.  */
static bool
depends (struct pass *pass, const struct term *a, uint8_t *seen)
{
  enum { NOT_SEEN, NO, YES };
  if (seen[a->id] != NOT_SEEN)
    return seen[a->id] == YES;
  bool yes = is_unknown (a);
  if (yes && pass->n_unknowns < UNKNOWNS_MAX)
    pass->unknown[pass->n_unknowns++] = a->number;
  for (unsigned i = 0; i < a->n_args; i++)
    yes |= depends (pass, a->arg[i], seen);
  seen[a->id] = yes ? YES : NO;
  return yes;
}

struct roots
{
  const struct term **root;
  unsigned n;
};

static int
roots__add (struct roots *roots, const struct term *root)
{
  roots->root[roots->n] = root;
  return (int) roots->n++;
}

/* The program that evaluates PASS.  */
static void
pass__finish (struct prediction *prediction, struct pass *pass)
{
  struct terms *terms = prediction->terms;
  struct sym_cpu begin;
  struct roots roots
    = { .root = ARENA_ARRAY (prediction->arena, const struct term *,
                             VARIABLES + 3 * ACCESSES_MAX + TRAPS_MAX + 1) };
  const struct term *before[VARIABLES], *after[VARIABLES];
  for (unsigned i = 0; i < FLAGS_COUNT; i++)
    pass->flag[i] = flags__get (terms, &prediction->host, &pass->cpu.flags, i);
  cpu__begin (prediction, &begin);
  memcpy (before + FIRST_GPR, begin.gpr, sizeof begin.gpr);
  memcpy (before + FIRST_VEC, begin.vec, sizeof begin.vec);
  memcpy (before + FIRST_MASK, begin.mask, sizeof begin.mask);
  memcpy (before + FIRST_FLAG, begin.flags.flag, sizeof begin.flags.flag);
  before[STICKY] = begin.sticky;
  memcpy (after + FIRST_GPR, pass->cpu.gpr, sizeof begin.gpr);
  memcpy (after + FIRST_VEC, pass->cpu.vec, sizeof begin.vec);
  memcpy (after + FIRST_MASK, pass->cpu.mask, sizeof begin.mask);
  memcpy (after + FIRST_FLAG, pass->flag, sizeof pass->flag);
  after[STICKY] = pass->cpu.sticky;
  bool is_sequence = prediction->n_insns > 1;
  uint8_t *wide = arena__alloc (prediction->arena, terms__count (terms) + 1);
  for (unsigned i = 0; i < VARIABLES; i++)
    pass->variable_root[i] = after[i] == before[i]   ? UNCHANGED
                             : is_unknown (after[i]) ? OPEN
                             : is_sequence && depends_on_wide (after[i], wide)
                               ? OPEN
                                                             : roots__add (&roots, after[i]);
  unsigned n_values = roots.n;
  for (unsigned i = 0; i < pass->n_accesses; i++)
    {
      struct access *access = &pass->access[i];
      access->address_root = roots__add (&roots, access->address);
      access->condition_root = access->condition ? roots__add (&roots, access->condition) : -1;
    }
  for (unsigned i = 0; i < pass->n_traps; i++)
    pass->trap[i].root = roots__add (&roots, pass->trap[i].condition);
  pass->done_root = pass->done ? roots__add (&roots, pass->done) : -1;
  unsigned n_decisions = roots.n;
  for (unsigned i = 0; i < pass->n_accesses; i++)
    {
      struct access *access = &pass->access[i];
      access->value_root = access->value ? roots__add (&roots, access->value) : -1;
    }
  pass->n_roots = roots.n;

  uint8_t *seen = arena__alloc (prediction->arena, terms__count (terms) + 1);
  for (unsigned i = 0; i < roots.n; i++)
    if (depends (pass, roots.root[i], seen))
      {
        pass->unknown_access |= i >= n_values && i < n_decisions;
        pass->unknown_always |= i >= n_values && is_sequence && depends_on_wide (roots.root[i], wide);
      }
  pass->n_guesses = pass->n_unknowns ? pass->n_unknowns + 2 : 1;
  pass->guess = ARENA_ARRAY (prediction->arena, uint64_t *, pass->n_guesses);
  for (unsigned i = 0; i + 1 < pass->n_guesses; i++)
    pass->guess[i] = ARENA_ARRAY (prediction->arena, uint64_t, (size_t) roots.n * 8);
  pass->program = term_program__new (roots.root, roots.n);
}

int
prediction__make (const struct form *form, struct prediction **result, struct why *why)
{
  struct arena *arena = arena__new ();
  struct prediction *prediction = ARENA_NEW (arena, struct prediction);
  *result = prediction;
  *prediction = (struct prediction) { .arena = arena, .terms = terms__new (), .form = form };
  prediction->host
    = (struct sym_host) { .context = prediction,       .terms = prediction->terms,
                          .load = host__load,          .store = host__store,
                          .undefined = host__undefined, .trap = host__trap,
                          .symbol = host__symbol };
  why->detail[0] = 0;
  struct pass *pass = pass__begin (prediction);
  if (follow (prediction, 0, &pass->cpu, why) != 0)
    return -1;
  pass__finish (prediction, pass);
  prediction->main = pass;
  for (unsigned i = FIRST_VEC; i < FIRST_MASK; i++)
    prediction->has_vectors |= pass->variable_root[i] != UNCHANGED;
  if (pass->done)
    {
      const struct meaning *meaning;
      struct sym_step step = { .kind = STEP_NEXT };
      struct pass *round = pass__begin (prediction);
      if (meaning__decode (arena, form->bytes, (unsigned) form->size, SANDBOX_CODE_BASE, false,
                           false, &meaning, why)
            != 0
          || meaning__repeat (meaning, &round->cpu, &prediction->host, &step, why) != 0)
        return -1;
      round->done = step.condition;
      pass__finish (prediction, round);
      if (round->n_unknowns)
        return why__set (why, REASON_UNMODELLED, "rep with unknowns");
      prediction->round = round;
    }
  return 0;
}

void
prediction__free (struct prediction *prediction)
{
  if (prediction->main)
    term_program__free (prediction->main->program);
  if (prediction->round)
    term_program__free (prediction->round->program);
  terms__free (prediction->terms);
  arena__free (prediction->arena);
}

/* A state that a program is evaluated on.  */
struct evaluation
{
  const struct machine_state *machine;
  uint64_t stack_pointer;
  const uint8_t *page;
  const struct pass *pass;
  unsigned guess;   /* unknowns: 0 zeros, 1 ones, 2 + i unknown i ones */
};

static void
give_variable (void *context, uint32_t number, unsigned width, uint64_t *words)
{
  const struct evaluation *evaluation = context;
  const struct machine_state *machine = evaluation->machine;
  if (number < FIRST_VEC)
    words[0] = number == 4 ? evaluation->stack_pointer : machine->gpr[number];
  else if (number < FIRST_MASK)
    memcpy (words, machine->vec[number - FIRST_VEC], 64);
  else if (number < FIRST_FLAG)
    words[0] = machine->mask[number - FIRST_MASK];
  else if (number < STICKY)
    words[0] = machine->rflags >> flag_bit[number - FIRST_FLAG] & 1;
  else if (number == STICKY)
    words[0] = machine->mxcsr & 0x3f;
  else
    {
      bool ones = evaluation->guess == 1
                  || (evaluation->guess > 1
                      && evaluation->pass->unknown[evaluation->guess - 2] == number);
      uint64_t value = ones ? ~UINT64_C (0) : 0;
      for (unsigned i = 0; i < (width + 63) / 64; i++)
        words[i] = value;
      if (width % 64)
        words[width / 64] &= (UINT64_C (1) << width % 64) - 1;
    }
}

static uint8_t
give_byte (void *context, uint32_t number, uint64_t address)
{
  const struct evaluation *evaluation = context;
  uint64_t offset = address - inputs__page ();
  (void) number;
  return evaluation->page && offset < INPUTS_PAGE ? evaluation->page[offset] : 0;
}

static uint64_t
value (const struct pass *pass, int root)
{
  return term_program__value (pass->program, (unsigned) root)[0];
}

/* TO[BYTES] = root ROOT's value; where it is unknown, FOUND's.  */
static void
settle (const struct pass *pass, int root, void *to, unsigned bytes, const void *found)
{
  if (root == OPEN)
    {
      memmove (to, found, bytes);
      return;
    }
  const uint64_t *words = term_program__value (pass->program, (unsigned) root);
  if (!pass->n_unknowns)
    {
      memcpy (to, words, bytes);
      return;
    }
  uint64_t result[8] = { 0 }, other[8] = { 0 };
  memcpy (other, found, bytes);
  for (unsigned i = 0; i < (bytes + 7) / 8; i++)
    {
      uint64_t open = 0;
      for (unsigned g = 0; g + 1 < pass->n_guesses; g++)
        open |= words[i] ^ pass->guess[g][root * 8 + (int) i];
      result[i] = (words[i] & ~open) | (other[i] & open);
    }
  memcpy (to, result, bytes);
}

/* The words of root I that there are.  */
static void
keep_guess (const struct pass *pass, unsigned guess)
{
  for (unsigned i = 0; i < pass->n_roots; i++)
    {
      bool wide = false;
      for (unsigned v = FIRST_VEC; v < FIRST_MASK && !wide; v++)
        wide = pass->variable_root[v] == (int) i;
      const uint64_t *words = term_program__value (pass->program, i);
      unsigned n = wide ? 8 : 1;
      for (unsigned a = 0; a < pass->n_accesses && !wide; a++)
        if (pass->access[a].value_root == (int) i)
          n = (pass->access[a].bytes + 7) / 8;
      memcpy (pass->guess[guess] + i * 8, words, n * 8);
    }
}

/* Is ADDRESS[BYTES] memory that the form may access?  */
static bool
is_mapped (const struct evaluation *evaluation, uint64_t address, unsigned bytes)
{
  if (address - inputs__page () < INPUTS_PAGE)
    return evaluation->page && address - inputs__page () + bytes <= INPUTS_PAGE;
  return address >= SANDBOX_STACK_BASE && address + bytes <= SANDBOX_STACK_BASE + SANDBOX_STACK_SIZE;
}

/* Evaluates PASS; the machine after it and its stores.  */
static unsigned
pass__run (const struct pass *pass, const struct evaluation *begin,
           const struct machine_state *found, const uint8_t *found_page,
           struct machine_state *after, uint8_t *page)
{
  struct evaluation evaluation = *begin;
  const struct term_inputs inputs = { &evaluation, give_variable, give_byte };
  unsigned expect = pass->traps_always ? EXPECT_TRAP : 0;
  if (pass->unknown_always)
    return EXPECT_UNKNOWN;
  evaluation.pass = pass;
  for (evaluation.guess = 0; evaluation.guess + 1 < pass->n_guesses; evaluation.guess++)
    {
      term_program__run (pass->program, &inputs);
      keep_guess (pass, evaluation.guess);
    }
  term_program__run (pass->program, &inputs);
  if (pass->unknown_access)
    for (unsigned g = 0; g + 1 < pass->n_guesses; g++)
      {
        for (unsigned i = 0; i < pass->n_accesses; i++)
          {
            const struct access *access = &pass->access[i];
            if (pass->guess[g][access->address_root * 8] != value (pass, access->address_root)
                || (access->condition_root >= 0
                    && pass->guess[g][access->condition_root * 8]
                         != value (pass, access->condition_root)))
              return EXPECT_UNKNOWN;
          }
        for (unsigned i = 0; i < pass->n_traps; i++)
          if (pass->guess[g][pass->trap[i].root * 8] != value (pass, pass->trap[i].root))
            return EXPECT_UNKNOWN;
      }
  for (unsigned i = 0; i < pass->n_traps; i++)
    if (value (pass, pass->trap[i].root))
      expect |= pass->trap[i].kind == SYM_TRAP_DIVIDE      ? EXPECT_DIVIDE
                : pass->trap[i].kind == SYM_TRAP_ALIGNMENT ? EXPECT_FAULT
                                                           : EXPECT_TRAP;
  for (unsigned i = 0; i < pass->n_accesses; i++)
    {
      const struct access *access = &pass->access[i];
      if ((access->condition_root < 0 || value (pass, access->condition_root))
          && !is_mapped (&evaluation, value (pass, access->address_root), access->bytes))
        expect |= EXPECT_FAULT;
    }
  if (expect)
    return expect;

  for (unsigned i = 0; i < VARIABLES; i++)
    {
      int root = pass->variable_root[i];
      if (root == UNCHANGED)
        continue;
      if (i < FIRST_VEC)
        settle (pass, root, &after->gpr[i], 8, &found->gpr[i]);
      else if (i < FIRST_MASK)
        settle (pass, root, after->vec[i - FIRST_VEC], 64, found->vec[i - FIRST_VEC]);
      else if (i < FIRST_FLAG)
        settle (pass, root, &after->mask[i - FIRST_MASK], 8, &found->mask[i - FIRST_MASK]);
      else if (i < STICKY)
        {
          unsigned bit = flag_bit[i - FIRST_FLAG];
          uint64_t flag = found->rflags >> bit & 1;
          settle (pass, root, &flag, 8, &flag);
          after->rflags = (after->rflags & ~(UINT64_C (1) << bit)) | flag << bit;
        }
      else
        {
          uint64_t sticky = found->mxcsr & 0x3f;
          settle (pass, root, &sticky, 8, &sticky);
          after->mxcsr = (after->mxcsr & ~0x3fu) | (uint32_t) sticky;
        }
    }
  for (unsigned i = 0; i < pass->n_accesses; i++)
    {
      const struct access *access = &pass->access[i];
      if (access->value_root < 0
          || (access->condition_root >= 0 && !value (pass, access->condition_root)))
        continue;
      uint64_t offset = value (pass, access->address_root) - inputs__page ();
      if (offset < INPUTS_PAGE)
        settle (pass, access->value_root, page + offset, access->bytes, found_page + offset);
    }
  return 0;
}

bool
prediction__has_vectors (const struct prediction *prediction)
{
  return prediction->has_vectors;
}

unsigned
prediction__run (struct prediction *prediction, const struct state *before, uint64_t stack_pointer,
                 const struct machine_state *found, const uint8_t *found_page,
                 struct machine_state *after, uint8_t *page)
{
  const struct machine_state *machine = &before->machine;
  const uint8_t *from = before->n_spans ? before->span[0].bytes : NULL;
  memcpy (after->gpr, machine->gpr, sizeof after->gpr);
  memcpy (after->mask, machine->mask, sizeof after->mask);
  after->rflags = machine->rflags;
  after->mxcsr = machine->mxcsr;
  after->gpr[4] = stack_pointer;
  if (prediction__has_vectors (prediction))
    memcpy (after->vec, machine->vec, sizeof after->vec);
  if (from)
    memcpy (page, from, INPUTS_PAGE);
  const struct pass *pass = prediction->main;
  const struct evaluation evaluation
    = { machine, stack_pointer, from, pass, 0 };
  unsigned expect = pass__run (pass, &evaluation, found, found_page, after, page);
  if (expect || !prediction->round || value (pass, pass->done_root))
    return expect;
  for (unsigned rounds = 0; rounds < ROUNDS_MAX; rounds++)
    {
      /* Rounds change general registers and memory alone.  */
      struct machine_state round = *machine;
      uint8_t contents[INPUTS_PAGE];
      memcpy (round.gpr, after->gpr, sizeof round.gpr);
      round.rflags = after->rflags;
      if (from)
        memcpy (contents, page, sizeof contents);
      const struct evaluation next
        = { &round, after->gpr[4], from ? contents : NULL, prediction->round, 0 };
      expect = pass__run (prediction->round, &next, found, found_page, after, page);
      if (expect || value (prediction->round, prediction->round->done_root))
        return expect;
    }
  return EXPECT_UNKNOWN;
}
