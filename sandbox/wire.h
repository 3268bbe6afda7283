/* What the parent and the sandbox process write into the areas that they share, and what the
   process's own parts share among themselves.

   Input area: written by the parent, mapped read-only in the process and sealed against other mappings.
   Output area: written by the process; the parent believes nothing it reads there without a check,
   as a candidate's stores may have landed in it.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_WIRE_H
#define AIOPT_WIRE_H

#include "machine/mix.h"
#include "sandbox/sandbox.h"
#include "sandbox/trampoline.h"
#include <linux/filter.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

/* With the address sanitizer some protections can't be had: it has mappings all over the place, and asks the kernel
   for more than these processes need.  */
#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

enum
{
  BATCH_MAX = 1024,
  STUBS_EXTRA = 16,         /* stubs for "some function" after the callees' own */
  STUBS_MAX = 1024,
  IMAGES_MAX = 2,
  EMPTY_IMAGE = 2,          /* a lone `ret`, for the cost of measuring */
  STACK_PAGES = SANDBOX_STACK_SIZE / SANDBOX_PAGE,
  REPEATS_MAX = 4096,
  RANGES_MAX = 1 << 18      /* intervals of a footprint, each side, before merging */
};

/* The frame above the function: its return address, stack arguments, then a pattern up to the end
   of the stack, after which nothing is mapped.  RETURN_SLOT + 8 is a multiple of 16.  */
#define STACK_TOP (SANDBOX_STACK_BASE + SANDBOX_STACK_SIZE)
#define RETURN_OFFSET (SANDBOX_STACK_SIZE - 776)
#define RETURN_SLOT (SANDBOX_STACK_BASE + RETURN_OFFSET)
#define CANARY_BYTE 0xa7

/* `jmp *CONTEXT_RETURN_TARGET`: the return address functions see, the same in every process.  */
#define RETURN_STUB (SANDBOX_STUB_BASE + STUBS_MAX * 64)
_Static_assert (BATCH_CALL_STUB == RETURN_STUB + 128, "trampoline.h follows");
_Static_assert (BATCH_STACK_POINTER == STACK_TOP - SANDBOX_PAGE, "trampoline.h follows");
_Static_assert (SANDBOX_STUB_BASE + SANDBOX_STUB_ROOM <= SANDBOX_GLOBAL_BASE && CONTEXT_BASE >= SANDBOX_STUB_BASE
                  && CONTEXT_BASE + CONTEXT_SIZE <= SANDBOX_STUB_BASE + SANDBOX_STUB_ROOM,
                "stubs and context are apart from all else");
#define STUB_END (RETURN_STUB + SANDBOX_PAGE)
#define EMPTY_IMAGE_ENTRY (RETURN_STUB + 64)

/* Where `struct wire_…` records and span bytes go.  */
#define INPUT_SIZE ((size_t) 64 << 20)
#define OUTPUT_SIZE ((size_t) 160 << 20)
#define INPUT_DATA ((size_t) SANDBOX_PAGE * 4)
#define OUTPUT_EVENTS ((size_t) SANDBOX_PAGE)
#define OUTPUT_DATA ((size_t) 16 << 20)

enum command_kind
{
  COMMAND_RUN = 'r',
  COMMAND_TRACE = 't',
  COMMAND_TIME = 'c',
  COMMAND_FOLLOW = 'f',
  COMMAND_BATCH = 'b',
  COMMAND_CODE = 'i'        /* the code has been replaced */
};

/* What a command and its answer are on the channel.  The number is that of the command, so that an answer to an
   earlier one is known for what it is.  */
struct word
{
  uint32_t kind;               /* enum command_kind, or one of the below */
  uint32_t number;
};

enum
{
  WORD_READY = 'R',
  WORD_DONE = 'D',
  WORD_ERROR = 'E'             /* a text follows */
};

/* Where instrumented code keeps two registers and the place of its next record, where its flags and
   its records are, and where their ranges are worked out after the run.  What isn't named is never
   mapped, so that the first record too many faults.  */
#define TRACE_SAVE_RAX (SANDBOX_TRACE_BASE + 0)
#define TRACE_SAVE_RCX (SANDBOX_TRACE_BASE + 8)
#define TRACE_NEXT (SANDBOX_TRACE_BASE + 16)
#define TRACE_FLAGS (SANDBOX_TRACE_BASE + 0x1000)
#define TRACE_RECORDS (SANDBOX_TRACE_BASE + 0x100000)
#define TRACE_END (SANDBOX_TRACE_BASE + 0x2000000)
#define TRACE_SCRATCH (SANDBOX_TRACE_BASE + 0x3000000)
#define TRACE_AREA_SIZE 0x4000000
enum { TRACE_FLAGS_MAX = TRACE_RECORDS - TRACE_FLAGS };

/* A record: the access's address, RECORDS_PER_INSN times the instruction's number plus the access's, rsp, the mask
   register; for gathers and scatters the index vector, then where a vector is the mask that.  For
   string instructions rdi, the number, rsi, rcx, and rcx after the instruction.  */
enum
{
  RECORD_ADDRESS = 0,
  RECORD_NUMBER = 8,
  RECORD_RSP = 16,
  RECORD_MASK = 24,
  RECORD_SIZE = 32,
  RECORD_COUNT_AFTER = 32,
  RECORD_STRING_SIZE = 40,
  RECORDS_PER_INSN = 4,
  FOLLOW_RANGES_MAX = 8192     /* merged intervals of one run that the parent is told of, each side */
};
_Static_assert ((int) DECODED_MEMORY_MAX <= (int) RECORDS_PER_INSN, "every access has a number");

struct wire_span
{
  uint64_t address;
  uint64_t in, out;    /* offsets in the areas; out 0 where the span can't change */
  uint32_t size, protection;
};

struct wire_state
{
  uint64_t gpr[16];
  uint64_t mask[8];
  uint64_t rflags;
  uint32_t mxcsr;
  uint32_t wide;       /* vec holds 32 * 64 bytes, else 16 * 16 */
  uint64_t seed;
  uint64_t huge;       /* not 0: the huge object is mapped */
  uint64_t pointer_answer[4];
  uint64_t outcome;    /* offset in the output area */
  uint64_t events;     /* the same, CALL_EVENTS_MAX of them */
  uint64_t vec;        /* offset in the input area */
  uint64_t trace;      /* offset in the output area, for COMMAND_FOLLOW */
  uint32_t n_spans, n_patches, stack_bytes;
  struct patch patch[PATCHES_MAX];
  uint8_t stack_argument[STACK_ARGUMENT_BYTES];
  struct wire_span span[]; /* n_spans */
};

struct command
{
  uint32_t kind, image;
  uint32_t first, n;           /* states state[first .. n) */
  uint32_t inner, repeats;     /* COMMAND_TIME, and the below */
  uint32_t cold;
  uint32_t x87;                /* CLOCK_X87_… */
  uint64_t gpr_mask[2];        /* which bits of rax and rdx, and of xmm0 and xmm1, are a result */
  uint64_t vec_mask[2][2];
  uint64_t turns;              /* offset of a struct wire_turns in the input area, or 0 */
  uint64_t max_steps;
  uint64_t n_flags;            /* COMMAND_FOLLOW */
  uint64_t batch;              /* COMMAND_BATCH: offset of its struct wire_batch; state[0] is its base */
  uint64_t state[BATCH_MAX];   /* offsets in the input area */
};

struct wire_turns
{
  uint32_t n;
  uint32_t gpr[2];
  uint64_t value[TURNS_MAX][2];
};

struct wire_outcome
{
  uint32_t status;             /* enum run_status */
  int32_t signal;
  uint64_t fault_address, fault_rip;
  uint64_t gpr[16], mask[8], rflags;
  uint32_t mxcsr;
  uint32_t n_events, n_events_lost;
  uint32_t stack_pages;
  uint8_t fault_write, caller_frame_changed, misaligned_call, spare;
  uint8_t x87[32];
  uint8_t st0[16];
  uint64_t ticks;
  uint8_t vec[32][64] __attribute__ ((aligned (64)));
};

struct range
{
  uint64_t begin, end;
};

/* At OUTPUT_DATA after COMMAND_TRACE; then executed[n_insns], branch[n_insns], and the ranges.  */
struct wire_trace
{
  uint32_t status;
  uint32_t complete;
  uint32_t n_range[2];         /* reads, writes */
  uint64_t steps;
  uint64_t culprit;            /* address of the instruction that couldn't be followed, 0: step limit */
};

/* Where wire_trace of COMMAND_FOLLOW, at TRACE, has its ranges; its N_FLAGS flags come after it.  */
static inline size_t
follow__ranges (size_t trace, size_t n_flags, unsigned side)
{
  return ((trace + sizeof (struct wire_trace) + n_flags + 63) & ~(size_t) 63)
         + side * FOLLOW_RANGES_MAX * sizeof (struct range);
}

/* Where they are, for N instructions.  */
static inline size_t
trace__executed (void)
{
  return OUTPUT_DATA + sizeof (struct wire_trace);
}

static inline size_t
trace__branch (size_t n)
{
  return trace__executed () + n * sizeof (uint32_t);
}

static inline size_t
trace__ranges (size_t n, unsigned side)
{
  return ((trace__branch (n) + n + 63) & ~(size_t) 63) + side * RANGES_MAX * sizeof (struct range);
}

/* After COMMAND_TIME.  Of each sample also what it answered: the sums of all calls' results, and a digest of the memory
   that the last call left.  */
struct wire_sample
{
  uint64_t ticks, empty;
  uint64_t memory;
  uint64_t gpr[2], vec[2][2];
  uint8_t st0[16];
};

struct wire_time
{
  uint32_t status;
  uint32_t n;
  struct wire_sample sample[REPEATS_MAX];
};

/* The records of a batch are in the area that all processes have from the zygote; results and this
   command's struct wire_batched are in the output area.  */
#define BULK_SIZE ((size_t) 16 << 20)
_Static_assert (SANDBOX_HUGE_BLOCK == BULK_SIZE && SANDBOX_HUGE_SIZE % BULK_SIZE == 0,
                "the huge object is the records' area once more, again and again");

struct wire_object
{
  uint64_t address;
  uint32_t size;
  uint32_t in, out;            /* offsets in the record and in the result; out 0: it can't change */
};

struct wire_batch
{
  uint64_t out;                /* offset of the first result in the output area */
  uint64_t in_step, out_step;
  uint32_t load, store;        /* rungs of sandbox_ladders */
  uint32_t checks;             /* CHECK_… */
  uint32_t n_objects;
  struct wire_object object[BATCH_OBJECTS_MAX];
};

/* At OUTPUT_DATA after COMMAND_BATCH.  */
struct wire_batched
{
  uint32_t done;               /* records that ended in order, from the first of this command on */
  uint32_t strange;            /* the next one didn't */
  uint32_t mxcsr, upper;       /* after the last */
  uint8_t x87[32];
};

struct output_header
{
  volatile uint32_t progress;  /* the state that is being run */
};

/* What the process must know of an instruction to follow its accesses: of decoded_insn.  */
struct step_insn
{
  uint64_t address;
  uint32_t kind;
  uint8_t length;
  uint8_t n_memory;
  struct decoded_memory memory[DECODED_MEMORY_MAX];
};

struct setup_image
{
  uint64_t base, entry;
  uint64_t text_size, size;
  uint64_t code;               /* offset in the code area */
  uint32_t n_insns;
  const struct step_insn *insn;
  const uint32_t *index;       /* instruction at text byte i, UINT32_MAX none */
};

enum answer_kind
{
  ANSWER_INTEGER,
  ANSWER_BOOL,
  ANSWER_POINTER,
  ANSWER_FLOAT,
  ANSWER_X87
};

struct setup_callee
{
  enum answer_kind kind;
  uint32_t size;
  bool is_noreturn;
};

/* All that the process is told at its start, in one block that it keeps.  Its pointers are the parent's until
   the process has moved them by the distance from SELF.  */
struct setup
{
  const struct setup *self;
  size_t block_size;
  size_t code_size;
  unsigned n_images, n_callees;
  struct setup_image image[IMAGES_MAX];
  struct setup_callee *callee;
  unsigned cpu_seconds;
  size_t memory_bytes;
  uint64_t stack_base;         /* SANDBOX_STACK_BASE, or elsewhere */
  uint64_t stack_shift;        /* the return address is so many bytes below RETURN_OFFSET */
  struct sock_fprog filter;
};

/* Where functions find their return address: in the stack, and in memory.  */
static inline uint64_t
setup__return_offset (const struct setup *setup)
{
  return RETURN_OFFSET - setup->stack_shift;
}

static inline uint64_t
setup__return_slot (const struct setup *setup)
{
  return setup->stack_base + setup__return_offset (setup);
}

/* Following a run instruction by instruction (follow.c).  */
enum { PENDING_MAX = DECODED_MEMORY_MAX * 2 * 64 };

struct tracer
{
  struct wire_trace *trace;
  uint32_t *executed;
  uint8_t *branch;
  struct range *range[2];
  uint64_t max_steps;
  uint32_t previous;           /* instruction that was let run, UINT32_MAX none */
  uint64_t rcx, rsi, rdi, rflags; /* before it */
  unsigned n_pending;          /* accesses that count once it has run */
  struct { struct range range; bool side; } pending[PENDING_MAX];
};

/* The process itself.  It lives in a mapping of its own with its stack.  */
struct child
{
  const struct setup *setup;
  const uint8_t *input;
  const uint8_t *bulk;
  uint8_t *output;
  uint8_t *arena_alias;           /* the arena's memory once more, always writable */
  const struct wire_state *state; /* being run */
  struct wire_outcome *outcome;
  struct call_event *event;
  unsigned image;
  unsigned n_calls;
  unsigned n_mapped;              /* spans mapped now */
  struct wire_span mapped[SPANS_MAX];
  uint64_t fill;                  /* what uninitialised stack holds in this run */
  unsigned n_active;              /* stack pages in use, beginning with the top one */
  unsigned n_active_before;       /* of them when the run began */
  uint16_t active[STACK_PAGES];
  bool is_active[STACK_PAGES];
  bool frame_protected;           /* by batch.c */
  bool huge_mapped;
  bool tracing;
  uint8_t *clean_stack;           /* for clock.c: what the stack holds before a call */
  struct tracer tracer;
  unsigned level;                 /* CONTEXT_LEVEL */
  struct { unsigned ymm, hi, high16, mask; } xsave; /* offsets in a signal's frame */
};

/* The page at CONTEXT_BASE.  */
struct context
{
  uint64_t out_gpr[16];
  uint64_t out_rflags, c_rsp, entry, return_target, stub_target, stub_rax, stub_number;
  uint32_t in_mxcsr, out_mxcsr;
  uint8_t *out_vec;
  const uint8_t *in_vec;
  uint64_t in_rflags;
  uint32_t level, wide;
  uint64_t spare5, stub_flags;
  uint32_t c_mxcsr, x87_dirty;
  uint64_t has_st0;
  uint64_t in_gpr[16];
  uint8_t out_x87[32];
  uint8_t out_st0[16];
  uint64_t out_mask[8], spare[2];
  uint64_t in_mask[8];
  uint64_t answer_gpr[16];
  uint64_t answer_flags;
  double answer_st0;
  uint64_t spare2[6];
  uint8_t answer_vec[16][16];
  uint8_t answer_junk[64];
  uint8_t stub_vec[8][16];
  uint64_t spare3[41];
  /* CONTEXT_REST */
  bool running;          /* the function has control */
  bool in_batch;
  uint8_t spare4[CONTEXT_BATCH_IN - CONTEXT_REST - 2];
  /* CONTEXT_BATCH_IN */
  const uint8_t *batch_in;
  uint8_t *batch_out;
  uint64_t batch_in_step, batch_out_step, batch_left;
  volatile uint32_t *batch_progress;
  uint64_t batch_load, batch_store, batch_rsp;
  uint32_t batch_checks, batch_strange;
  uint64_t batch_index;
  uint32_t batch_upper, batch_reset;
  uint64_t batch_call;
  uint32_t returned;
};

#define CONTEXT ((struct context *) (uintptr_t) CONTEXT_BASE)

/* Memory to be put back before each call of a timed batch, in lines of CLOCK_LINE bytes.  */
enum { CLOCK_RANGES_MAX = 640, CLOCK_LINE = 64 };

struct clock_range
{
  uint8_t *to;
  const uint8_t *from;
  uint64_t lines;
};

/* What gs points to.  */
struct clock
{
  struct clock *self;
  struct child *child;
  uint64_t c_rsp;                /* as in the context, where it isn't while a function is timed */
  uint64_t left;                 /* calls of the batch */
  uint64_t ticks_begin, ticks_end;
  uint64_t entry;
  uint64_t n_ranges;
  uint32_t drain;                /* wait for what was put back: it may be read in larger pieces */
  uint32_t vectors;              /* the result is in vector registers */
  uint64_t x87;                  /* the result is on the x87 stack; the code can leave something in its registers */
  uint64_t gpr_mask[2], gpr_sum[2];
  uint64_t vec_mask[2][2], vec_sum[2][2];
  uint8_t st0[16];
  const uint64_t (*turn)[2];     /* of the next call, or NULL */
  uint64_t *turn_slot[2];        /* where its values go */
  struct clock_range range[CLOCK_RANGES_MAX];
  uint64_t turns[TURNS_MAX][2];  /* of a sample, in its order */
  const struct wire_turns *given; /* all of them, or NULL */
  uint64_t random;               /* for the order */
};

static inline struct clock *
clock__own (void)
{
  struct clock *clock;
  __asm__ volatile ("movq %%gs:0, %0" : "=r"(clock));
  return clock;
}

/* The memory that is the arena: the globals' strides and the scratch one, then the objects'.  */
#define ARENA_SIZE ((size_t) (SANDBOX_GLOBAL_ROOM + SANDBOX_OBJECT_ROOM))

/* Where ADDRESS, in some slot, is in it.  */
static inline uint64_t
arena__offset (uint64_t address)
{
  return address >= SANDBOX_OBJECT_BASE ? SANDBOX_GLOBAL_ROOM + (address - SANDBOX_OBJECT_BASE)
                                        : address__low (address) - SANDBOX_GLOBAL_BASE;
}

/* trampoline.S */
void sandbox_enter (void);
void sandbox_return (void);
void sandbox_unwind (void);
void sandbox_stub (void);
void sandbox_time (void);
void sandbox_time_return (void);
void sandbox_batch (void);
void sandbox_batch_return (void);
void sandbox_batch_end (void);
void sandbox_batch_stub (void);
extern const int32_t sandbox_ladders[];
void sandbox_serialize (void);
void sandbox_call_on (void (*function) (void *), void *argument, void *stack_top)
  __attribute__ ((noreturn));

/* child.c: the process's whole life; never returns.  */
struct child_start
{
  int channel, input, output, code, setup; /* file descriptors */
  size_t setup_size;
  const uint8_t *bulk;
};

void child__main (const struct child_start *start) __attribute__ ((noreturn));

/* child.c, for the zygote: unmaps what was inherited from the parent but what lies in KEEP[N]; MAPS[SIZE] is a buffer.
   Maps what all processes have alike.  NULL, or what failed.  */
const char *child__forget_parent (char *maps, size_t size, const struct range *keep, unsigned n);
const char *child__map_common (void);

/* zygote.c: asks the zygote, which is started when needed, for a sandbox process.  Its number, or -1 and *WHY.  */
pid_t zygote__spawn (int channel, int input, int output, int code, int setup, size_t setup_size,
                     struct why *why);
/* The parent's side of the area of BULK_SIZE bytes that all sandbox processes have read-only, locked
   against other threads until given back.  NULL where there is none.  */
uint8_t *zygote__bulk (void);
void zygote__bulk_release (void);

/* run.c.  run__prepare gives the state its memory and stack and fills the context; run__one does that,
   runs and writes the outcome.  run__signal is the handler of every fault.  */
void run__prepare (struct child *child, unsigned image, const struct wire_state *state);
/* The same without a new stack; and that with memory left as it is.  */
void run__prepare_again (struct child *child, unsigned image, const struct wire_state *state);
void run__arm (struct child *child, unsigned image, const struct wire_state *state);
/* Did anything above the return address and the stack arguments change?  */
bool run__frame_changed (const struct child *child, const struct wire_state *state);
void run__one (struct child *child, unsigned image, const struct wire_state *state);
void run__signal (int signal, siginfo_t *info, void *context);
void run__unwind (ucontext_t *context);
/* Makes stack page PAGE usable, holding the run's fill.  False where it is already or can't be.  */
bool run__activate (struct child *child, unsigned page);

/* batch.c.  */
void batch__run (struct child *child, const struct command *command);
/* Makes all as ordinary runs need it.  */
void batch__leave (struct child *child);

/* A digest of N bytes, a multiple of 8: four independent multiply lanes.  It tells memories apart that differ
   by accident; nobody gains from forging it, as only the process itself could.  */
static inline uint64_t
memory__digest (uint64_t seed, const uint8_t *bytes, size_t n)
{
  uint64_t lane[4] = { seed, seed + 1, seed + 2, seed + 3 };
  for (size_t i = 0; i + 32 <= n; i += 32)
    {
      uint64_t word[4];
      memcpy (word, bytes + i, 32);
      for (unsigned k = 0; k < 4; k++)
        {
          lane[k] = (lane[k] ^ word[k]) * 0x9fb21c651e98df25u;
          lane[k] ^= lane[k] >> 29;
        }
    }
  return mix64 (mix64 (mix64 (lane[0]) ^ lane[1]) ^ mix64 (lane[2]) ^ lane[3]);
}

/* stub.c: of all that STATE lets be written.  */
uint64_t stub__memory_digest (const struct wire_state *state);

/* stub.c: called by sandbox_stub; not 0 where the callee doesn't return.  */
int stub__record (void);

/* follow.c.  trace__step handles one single-step trap, trace__fault a fault while stepping.  */
void trace__run (struct child *child, const struct command *command);
void trace__step (struct child *child, ucontext_t *context);
void trace__fault (struct child *child);

/* What both ways of following share: the accesses of instructions of KIND through MEMORY, when its operand's ADDRESS is
   known (without a vector of indices), of its lanes those in WHICH, at INDEX where it gathers or scatters.
   They are put off until trace__count.  False where it can't be told.  */
bool trace__expect (struct child *child, uint32_t kind, const struct decoded_memory *memory,
                    uint64_t address, uint64_t rsp, uint64_t which, const uint8_t *index);
void trace__count (struct child *child);
void trace__count_string (struct child *child, const struct step_insn *insn, uint64_t rdi,
                          uint64_t rsi, uint64_t rflags, uint64_t count);
void trace__give_up (struct tracer *tracer, uint64_t address);
size_t trace__merge (struct range *range, size_t n);

/* The lanes of MEMORY, 0 where there is no telling; which of them a mask vector's VALUE selects.  */
static inline unsigned
memory__lanes (const struct decoded_memory *memory)
{
  unsigned lanes = memory->element ? memory->size / memory->element : 1;
  return lanes <= 64 ? lanes : 0;
}

uint64_t memory__selected (const struct decoded_memory *memory, unsigned lanes,
                           const uint8_t value[64]);

/* record.c: runs instrumented code and works out its records.  */
void record__run (struct child *child, const struct command *command);

/* clock.c.  */
void clock__run (struct child *child, const struct command *command);

/* seccomp.c: the filter for a process whose channel is file descriptor CHANNEL_FD and whose stack is at STACK_BASE,
   a multiple of 64 MiB, as a malloc'ed program.  0, or -1 and *WHY.  */
enum { CHANNEL_FD = 0, FILTER_MAX = 4096 };
int seccomp__program (struct sock_fprog *program, uint64_t stack_base, struct why *why);

/* The wider one that the zygote lives under, and with it all that come from it.  */
int seccomp__zygote_program (struct sock_fprog *program, struct why *why);

#endif
