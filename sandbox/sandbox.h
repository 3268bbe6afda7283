/* Running one function on given states in a process of its own that may do nothing else.

   One process a side: the process that runs a candidate never sees what the original answered, so
   no store of a candidate's, however wild, can turn a wrong answer into a right one.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#ifndef AIOPT_SANDBOX_H
#define AIOPT_SANDBOX_H

#include "sandbox/image.h"

/* Machine state at entry.  */
struct machine_state
{
  uint64_t gpr[16];      /* hardware order; rsp is the sandbox's own */
  uint8_t vec[32][64];   /* only what the host has is loaded */
  uint64_t mask[8];
  uint32_t mxcsr;        /* 0x1f80 by default */
  uint64_t rflags;       /* arithmetic flags alone are loaded; DF is clear by the ABI */
};

enum { SPANS_MAX = 48, STACK_ARGUMENT_BYTES = 256, CALL_EVENTS_MAX = 64, PATCHES_MAX = 8 };

/* Depths of the stack that aren't told apart (64 KiB).  */
enum { STACK_PAGES_FREE = 16 };

enum { PROT_STATE_READ = 1, PROT_STATE_WRITE = 2 };

/* A page-aligned run of the arena that is mapped in this state; the rest faults.  BYTES holds SIZE
   bytes.  Spans don't overlap and are sorted by address.  */
struct span
{
  uint64_t address;
  uint32_t size;       /* page multiple */
  uint32_t protection; /* PROT_STATE_… */
  uint8_t *bytes;
};

/* A change that the stub of the CALL-th call makes to memory (the callee is unknown code).  */
struct patch
{
  uint32_t call;
  uint32_t size;     /* 1..8 */
  uint64_t address;
  uint64_t value;
};

/* Far more memory than slots have, to be read only: the SANDBOX_HUGE_SIZE bytes at SANDBOX_HUGE_BASE, whose word i is,
   within each block, (a hash of i & RANDOM) | FIXED, and in the block's second half that with TURNED's bits turned round.  FIRST, if
   it isn't 0, stands for word 0.  */
struct huge
{
  bool mapped;
  uint64_t random, fixed, turned, first;
};

/* One test input.  */
struct state
{
  struct machine_state machine;
  unsigned n_spans;
  struct span span[SPANS_MAX];
  unsigned stack_bytes;                         /* of incoming stack arguments */
  uint8_t stack_argument[STACK_ARGUMENT_BYTES];
  uint64_t seed;                                /* the stubs' answers are a function of seed and call number */
  unsigned n_patches;
  struct patch patch[PATCHES_MAX];
  struct huge huge;
  uint64_t pointer_answer[4];                   /* what stubs return for pointer results, by call number % 4 */
};

/* The number of STATE's span that holds ADDRESS, or -1.  */
static inline int
state__span_of (const struct state *state, uint64_t address)
{
  for (unsigned i = 0; i < state->n_spans; i++)
    if (address - state->span[i].address < state->span[i].size)
      return (int) i;
  return -1;
}

enum run_status
{
  RUN_RETURNED,
  RUN_TRAPPED,    /* signal, fault_address, fault_rip */
  RUN_NORETURN,   /* ended in a call that doesn't return: the events tell which */
  RUN_TIMEOUT,
  RUN_DIED,       /* the sandbox process was killed: seccomp, memory limit, … */
  RUN_ESCAPED     /* returned somewhere else, or the stack pointer is off */
};

struct call_event
{
  uint32_t callee;       /* stub number */
  uint64_t gpr[6];       /* rdi rsi rdx rcx r8 r9 */
  uint8_t al;
  uint8_t vec[8][16];
  uint64_t memory_digest;/* over all writable spans, at the call */
};

struct outcome
{
  enum run_status status;
  int signal;
  uint64_t fault_address;
  uint64_t fault_rip;
  bool fault_write;
  struct machine_state machine;    /* at return */
  uint8_t x87[32];                 /* fnstenv image at return (28 bytes) */
  uint8_t st0[16];                 /* top of the x87 stack, where not empty */
  bool upper_dirty;                /* any upper half of ymm0..15 not zero */
  bool caller_frame_changed;       /* bytes above the return address and the stack arguments */
  bool callee_saved_changed;       /* rbx rbp r12..r15 rsp */
  bool misaligned_call;            /* some call was made with a stack not aligned to 16 */
  unsigned stack_pages;            /* how many pages down the run used its stack: STACK_PAGES_FREE where no more than those */
  uint64_t ticks;                  /* time-stamp counter around the run: rough */
  unsigned n_events, n_events_lost;
  struct call_event event[CALL_EVENTS_MAX];
  unsigned n_spans;                /* as in the state */
  uint8_t *span_bytes[SPANS_MAX];  /* final contents; owned by the sandbox, valid until its next run */
};

/* A copy of OUTCOME, which STATE came to, in ARENA, so that the sandbox may run again.  What can't change is STATE's own.  */
struct outcome *outcome__copy (struct arena *arena, const struct outcome *outcome, const struct state *state);

struct sandbox;

struct sandbox_options
{
  unsigned cpu_seconds;   /* hard limit of the process; 0: 600 */
  size_t memory_bytes;    /* 0: 1 GiB */
  bool stack_elsewhere;   /* the stack is at a random address, not where it is in all others: for code that knows
                             what it isn't to know.  Such a sandbox only runs and times */
  unsigned stack_shift;   /* the stack pointer at entry is so many bytes lower, a multiple of 16 below 64: in all others it is
                             8 below a multiple of 64.  The same holds */
};

/* Starts the zygote from which all sandbox processes of this program come.  Who doesn't call this gets it with the
   first sandbox, at the price of forking a program that may have grown by then.  0, or -1 and *WHY.  */
int sandbox__prepare (struct why *why);

/* Starts a sandbox process holding IMAGES (1 or 2) and, for recorder stubs, REGION's callees.
   0, or -1 and *WHY (SANDBOX).  */
int sandbox__open (const struct region *region, const struct image *const *images, unsigned n_images,
                   const struct sandbox_options *options, struct sandbox **sandbox, struct why *why);

/* Runs image IMAGE on each of STATES[N] from fresh memory; OUTCOMES[N] tell what came of it.  A run longer
   than TIMEOUT_MS gives RUN_TIMEOUT.  Where the process dies or has to be killed, that state's
   outcome says so and the process is started anew for the next.  Span bytes of all N outcomes stay valid
   until the next call.  A state with a huge object is run alone, and in no other way than this.
   0, or -1 and *WHY where the sandbox can't go on.  */
int sandbox__run (struct sandbox *sandbox, unsigned image, const struct state *const *states,
                  struct outcome *outcomes, unsigned n, unsigned timeout_ms, struct why *why);

/* Puts IMAGE in the place of image INDEX, which had the same base, entry and sizes: cheaper than opening another
   sandbox.  The process goes on with it, but not where the old code was one that nobody decoded, which may have
   done anything to its process, or where some run escaped.  The new image can't be traced.
   0, or -1 and *WHY.  */
int sandbox__replace (struct sandbox *sandbox, unsigned index, const struct image *image,
                      struct why *why);

/* Batches: many states of one shape, differing in registers and in the bytes of a few objects.  Nothing is copied
   that needn't be, so millions run in a second; in return nothing is told but where two sides first
   differ, and a difference is a hint: it counts once sandbox__run has shown it.

   A record is 128 bytes of general registers, hardware order, with the arithmetic flags in the place of
   rsp; then VECTORS_IN vector registers of WIDTH_IN bytes; then the objects, each at a multiple of 8; in all a multiple of
   64.  A result is laid out alike, of VECTORS_OUT registers of WIDTH_OUT bytes and those objects that can be written; its
   flags are the whole of rflags, above them MXCSR (bits 32 to 47), bit 48 for dirty upper halves and the x87
   exceptions (56 to 61), all three 0 for code that can't touch them.  */
enum { BATCH_OBJECTS_MAX = 16 };

struct batch_object
{
  uint64_t address;            /* inside one span of the base */
  uint32_t size;
};

struct batch_shape
{
  const struct state *base;    /* memory and MXCSR; no stack arguments */
  unsigned vectors_in, width_in, vectors_out, width_out; /* widths 16, 32 (16 registers at most) or 64 */
  unsigned n_objects;
  struct batch_object object[BATCH_OBJECTS_MAX];
};

size_t batch__record_size (const struct batch_shape *shape);
size_t batch__result_size (const struct batch_shape *shape);
/* Where object O is in a record, and in a result (0: it can't change).  */
size_t batch__object_in (const struct batch_shape *shape, unsigned o);
size_t batch__object_out (const struct batch_shape *shape, unsigned o);

/* MASK gets which bits of a result count whatever the function returns: callee-saved registers, control bits of
   MXCSR, upper halves, and the objects.  */
void batch__mask (const struct batch_shape *shape, uint8_t *mask);

/* *STATE, with room for its spans' bytes, becomes the ordinary state that RECORD stands for.  SEED is its seed.  */
void batch__state (const struct batch_shape *shape, const uint8_t *record, uint64_t seed,
                   struct state *state);

struct batch_side
{
  struct sandbox *sandbox;
  unsigned image;
};

/* Writes records FIRST .. FIRST + N to RECORDS, STEP bytes apart.  */
typedef void batch_fill (void *data, uint64_t first, unsigned n, uint8_t *records, size_t step);

enum batch_end
{
  BATCH_SAME,
  BATCH_DIFFERENT,             /* at record INDEX */
  BATCH_STOPPED                /* record INDEX ended in some other way than by returning in order, on a side at least */
};

struct batch_result
{
  enum batch_end end;
  uint64_t index;              /* all before it were the same */
  const uint8_t *record;       /* record INDEX; malloc'ed */
};

/* Runs records FIRST .. FIRST + N, that FILL makes, on both SIDEs (on the first alone where the second's
   sandbox is NULL) and compares the results' bits in MASK.  0, or -1 and *WHY where that can't be done.  */
int sandbox__batch (const struct batch_side side[2], const struct batch_shape *shape,
                    const uint8_t *mask, batch_fill *fill, void *data, uint64_t first, uint64_t n,
                    unsigned timeout_ms, struct batch_result *result, struct why *why);

/* One access to memory outside the function's own frame, merged: ADDRESS..ADDRESS+SIZE.  */
struct footprint
{
  unsigned n_reads, n_writes;
  struct { uint64_t address; uint64_t size; } *read, *write; /* sorted, disjoint; malloc'ed */
};

struct trace
{
  enum run_status status;
  bool complete;                /* every access could be followed and the step limit was not reached */
  struct why why;               /* where not complete */
  uint64_t steps;
  uint32_t *executed;           /* per decoded instruction: how often; malloc'ed */
  uint8_t *branch;              /* per decoded instruction: bit 0 taken, bit 1 fallen through; malloc'ed */
  struct footprint footprint;   /* accesses outside the stack below the return address */
};

/* Single-steps image IMAGE on STATE, at most MAX_STEPS instructions.  0, or -1 and *WHY.
   trace__free frees what TRACE holds, not TRACE.  */
int sandbox__trace (struct sandbox *sandbox, unsigned image, const struct state *state,
                    uint64_t max_steps, struct trace *trace, struct why *why);
void trace__free (struct trace *trace);

/* What a plain run of an image on a state answered, in the form in which timed calls are compared with it.  */
struct timing_answer
{
  uint64_t memory;             /* a digest of all that can be written */
  uint64_t gpr[2], gpr_mask[2]; /* rax and rdx, and which of their bits are a result */
  uint64_t vec[2][2], vec_mask[2][2]; /* the lower 16 bytes of xmm0 and xmm1 */
  bool x87;                    /* the result is st0 */
  uint8_t st0[10];
};

/* *ANSWER becomes what OUTCOME, of REGION's function on STATE, is.  */
void timing__answer (const struct region *region, const struct state *state, const struct outcome *outcome,
                     struct timing_answer *answer);

/* The calls of a sample that differ in up to two registers, in an order drawn anew for each sample: what a function does then
   can't be foreseen from the call before.  The last call of a sample is the first of these.  */
enum { TURNS_MAX = 512 };

struct timing_turns
{
  unsigned n;                  /* 1 to TURNS_MAX */
  unsigned gpr[2];             /* which registers, in hardware order; one twice where there is one */
  uint64_t value[TURNS_MAX][2]; /* the first is what the state says */
  uint64_t sum[2];             /* of rax and rdx after plain runs of all, of their bits that are a result */
};

struct timing
{
  unsigned inner;              /* calls in a sample; as many as there are turns */
  unsigned repeats;            /* samples */
  bool cold;                   /* memory and code are in no cache before the call; INNER has to be 1 */
  const struct timing_answer *answer; /* of the same image on the same state; or NULL */
  const struct timing_turns *turns; /* or NULL: all calls of a sample are the same.  A result is in general registers */
};

/* Times TIMING->repeats samples of calls of IMAGE on STATE.  Each call of a sample finds what the first found: all
   registers, memory and stack are put back in between, so that no call gains by what another left.  TICKS[repeats]
   gets time-stamp ticks per call with the empty call's cost taken off, at least 0.  Where a timed call doesn't
   answer as TIMING->answer says 1, and *WHY (RESULT, MEMORY, or STACK where it left something on the stack that a
   first call doesn't).  0; or -1 and *WHY.  */
int sandbox__time (struct sandbox *sandbox, unsigned image, const struct state *state,
                   const struct timing *timing, double *ticks, struct why *why);

/* CPU time that the sandbox's process has used, in seconds; 0 where none runs.  */
double sandbox__cpu_seconds (const struct sandbox *sandbox);

void sandbox__close (struct sandbox *sandbox);

/* Which protections this kernel grants, for `doctor`: a line each, "seccomp: yes" …  Malloc'ed.  */
char *sandbox__doctor (void);

#endif
